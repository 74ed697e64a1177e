/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for statistics that several threads count up: never torn, never lost, ordered with
 * nothing else. */
#ifndef COFFER_BASE_COUNTER_H
#define COFFER_BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t value;
};

static inline void counter_add(struct counter *counter, uint64_t more)
{
    (void)atomic_fetch_add_explicit(&counter->value, more, memory_order_relaxed);
}

static inline uint64_t counter_get(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#endif
