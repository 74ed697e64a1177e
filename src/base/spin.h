/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock for a few instructions: held over bounded work that neither waits nor calls out. Without
 * a port, or with one that has no threads, taking it costs one test.
 *
 * A thread that finds it taken spins a little and then lets others run, so that a holder that was
 * put aside by the scheduler gets on.
 */
#ifndef COFFER_BASE_SPIN_H
#define COFFER_BASE_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "port/port.h"

struct spin {
    const struct coffer_port *port; /* NULL: there is one thread only */
    atomic_bool taken;
};

static inline void spin_init(struct spin *spin, const struct coffer_port *port)
{
    spin->port = port != NULL && port->thread_yield != NULL ? port : NULL;
    atomic_init(&spin->taken, false);
}

/* Is there more than one thread? For who has a way of its own for just one. */
static inline bool spin_is_needed(const struct spin *spin)
{
    return spin->port != NULL;
}

/* The rare case, out of the way of the short path. */
void spin_wait(struct spin *spin);

static inline void spin_take(struct spin *spin)
{
    if (spin->port != NULL && atomic_exchange_explicit(&spin->taken, true, memory_order_acquire))
        spin_wait(spin);
}

static inline void spin_give(struct spin *spin)
{
    if (spin->port != NULL)
        atomic_store_explicit(&spin->taken, false, memory_order_release);
}

#endif
