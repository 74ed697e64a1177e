/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a lock that others hold. */
#include "base/rwlock.h"

#include "base/assert.h"

enum coffer_status rwlock_lot_init(struct rwlock_lot *lot, const struct coffer_port *port)
{
    enum coffer_status status = port->lock_init(port->context, &lot->lock);

    lot->port = port;
    lot->waits = port->condition_init != NULL;
    atomic_init(&lot->waiters, 0);
    if (status != COFFER_OK || !lot->waits)
        return status;
    status = port->condition_init(port->context, &lot->changed);
    if (status != COFFER_OK)
        port->lock_fini(port->context, &lot->lock);
    return status;
}

void rwlock_lot_fini(struct rwlock_lot *lot)
{
    assert_cheap(atomic_load(&lot->waiters) == 0);
    if (lot->waits)
        lot->port->condition_fini(lot->port->context, &lot->changed);
    lot->port->lock_fini(lot->port->context, &lot->lock);
}

static void lot_take(struct rwlock_lot *lot)
{
    lot->port->lock_take(lot->port->context, &lot->lock);
}

static void lot_give(struct rwlock_lot *lot)
{
    lot->port->lock_give(lot->port->context, &lot->lock);
}

/* Why it came back is seen from what it waits for. */
static void lot_wait(struct rwlock_lot *lot)
{
    enum coffer_status status = lot->port->condition_wait(lot->port->context, &lot->changed,
                                                          &lot->lock, UINT64_MAX);

    (void)status;
}

void rwlock_wake(struct rwlock_lot *lot)
{
    /* Who counted itself and hasn't waited yet holds the lot's lock. */
    lot_take(lot);
    lot->port->condition_broadcast(lot->port->context, &lot->changed);
    lot_give(lot);
}

/* Add a reader, or the writer's mark, as soon as no writer is there. Under the lot's lock. */
static void enter(struct rwlock_lot *lot, struct rwlock *lock, uint32_t mark)
{
    uint32_t state = atomic_load(&lock->state);

    for (;;) {
        if (state & RWLOCK_WRITER) {
            lot_wait(lot);
            state = atomic_load(&lock->state);
        } else if (atomic_compare_exchange_weak(&lock->state, &state, state + mark)) {
            return;
        }
    }
}

void rwlock_wait_read(struct rwlock_lot *lot, struct rwlock *lock)
{
    lot_take(lot);
    if (!lot->waits)
        return; /* and keeps it */
    (void)atomic_fetch_add(&lot->waiters, 1);
    enter(lot, lock, 1);
    (void)atomic_fetch_sub(&lot->waiters, 1);
    lot_give(lot);
}

void rwlock_wait_write(struct rwlock_lot *lot, struct rwlock *lock)
{
    lot_take(lot);
    if (!lot->waits)
        return; /* and keeps it */
    (void)atomic_fetch_add(&lot->waiters, 1);
    enter(lot, lock, RWLOCK_WRITER);
    /* No new readers from here on; those who are there go. */
    while (atomic_load(&lock->state) != RWLOCK_WRITER)
        lot_wait(lot);
    (void)atomic_fetch_sub(&lot->waiters, 1);
    lot_give(lot);
}
