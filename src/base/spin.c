/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a lock that another thread holds. */
#include "base/spin.h"

#define TRIES 64u /* looks before another thread is let run */

void spin_wait(struct spin *spin)
{
    unsigned tries = 0;

    do {
        while (atomic_load_explicit(&spin->taken, memory_order_relaxed)) {
            if (++tries % TRIES == 0)
                spin->port->thread_yield(spin->port->context);
        }
    } while (atomic_exchange_explicit(&spin->taken, true, memory_order_acquire));
}
