/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers/writer locks of a few bytes. What waiting needs, a lock and a condition of the port, is
 * shared by any number of them: the *lot*, where threads wait that find a lock taken. Where nobody
 * waits, taking and giving a lock is one atomic step each and the lot isn't looked at.
 *
 * A writer first keeps new readers out, then waits until those who are there have gone: so readers
 * never starve it. Several writers come in no order.
 *
 * In a port without conditions nothing can wait, so every lock of a lot is the lot's own lock and
 * readers too are alone. Therefore a thread takes one lock of a lot at a time, and never twice.
 */
#ifndef COFFER_BASE_RWLOCK_H
#define COFFER_BASE_RWLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "coffer/status.h"
#include "port/port.h"

#define RWLOCK_WRITER (UINT32_C(1) << 31)

struct rwlock {
    _Atomic uint32_t state; /* readers; RWLOCK_WRITER: a writer has it, or is next */
};

struct rwlock_lot {
    const struct coffer_port *port;
    struct port_lock lock;
    struct port_condition changed;
    _Atomic uint32_t waiters;
    bool waits; /* the port has conditions */
};

/* Errors of the port; nothing is left then. */
COFFER_MUST_CHECK enum coffer_status rwlock_lot_init(struct rwlock_lot *lot,
                                                     const struct coffer_port *port);
void rwlock_lot_fini(struct rwlock_lot *lot);

static inline void rwlock_init(struct rwlock *lock)
{
    atomic_init(&lock->state, 0);
}

/* The rare cases, out of the way of the short paths. */
void rwlock_wait_read(struct rwlock_lot *lot, struct rwlock *lock);
void rwlock_wait_write(struct rwlock_lot *lot, struct rwlock *lock);
void rwlock_wake(struct rwlock_lot *lot);

static inline void rwlock_take_read(struct rwlock_lot *lot, struct rwlock *lock)
{
    uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);

    do {
        if (!lot->waits || state & RWLOCK_WRITER) {
            rwlock_wait_read(lot, lock);
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, state + 1,
                                                    memory_order_acquire, memory_order_relaxed));
}

static inline void rwlock_give_read(struct rwlock_lot *lot, struct rwlock *lock)
{
    if (!lot->waits)
        lot->port->lock_give(lot->port->context, &lot->lock);
    else if (atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release) ==
             (RWLOCK_WRITER | 1))
        rwlock_wake(lot); /* the last reader lets the writer in */
}

static inline void rwlock_take_write(struct rwlock_lot *lot, struct rwlock *lock)
{
    uint32_t state = 0;

    if (!lot->waits ||
        !atomic_compare_exchange_strong_explicit(&lock->state, &state, RWLOCK_WRITER,
                                                 memory_order_acquire, memory_order_relaxed))
        rwlock_wait_write(lot, lock);
}

static inline void rwlock_give_write(struct rwlock_lot *lot, struct rwlock *lock)
{
    if (!lot->waits) {
        lot->port->lock_give(lot->port->context, &lot->lock);
        return;
    }
    /* In one order with a waiter's count and look (rwlock.c): one of the two sees the other. */
    (void)atomic_fetch_and(&lock->state, ~RWLOCK_WRITER);
    if (atomic_load(&lot->waiters) > 0)
        rwlock_wake(lot);
}

#endif
