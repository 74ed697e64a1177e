/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What several caches have in common: the machine they run on, a clock, and a bound on the bytes
 * of all of them together. Within that bound they float: when it is reached, a cache that needs one
 * more entry gets it from whichever other one has an entry that was used longer ago than any of
 * its own, so that together they behave like one cache with one order of use. No cache gives below
 * its own entries_min.
 *
 * The clock is read when something was missed, not when it was found: that costs a hit nothing,
 * and what was found between two misses was used at the same time as far as anyone needs to know.
 * Without a port's clock it counts the misses. Shares whose ages are compared go by one clock.
 *
 * Lifetime: outlives its caches, which join at open and leave at close; nobody uses any cache of
 * the share meanwhile. Otherwise no locking: the numbers are atomic, the list of caches stands.
 */
#ifndef COFFER_CACHE_SHARE_H
#define COFFER_CACHE_SHARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

#define CACHE_SHARE_MAX 8u /* caches */

struct cache;

struct cache_share {
    const struct coffer_port *port;
    uint64_t bytes_max; /* 0: no bound but memory */
    _Atomic uint64_t bytes;
    _Atomic uint64_t now_ns;
    struct cache_share *clock; /* whose now_ns it goes by */
    struct cache *caches[CACHE_SHARE_MAX];
};

void cache_share_init(struct cache_share *share, const struct coffer_port *port,
                      uint64_t bytes_max);

/* Go by another's clock from now on, which outlives this one; before anything of this one
 * is used. */
void cache_share_follow(struct cache_share *share, struct cache_share *clock);

/* Time passes: read the clock. It never stands still and never goes back. */
uint64_t cache_share_tick(struct cache_share *share);

static inline uint64_t cache_share_now(const struct cache_share *share)
{
    return atomic_load_explicit(&share->clock->now_ns, memory_order_relaxed);
}

/* --- For the core */

/* False: there are CACHE_SHARE_MAX already. */
bool cache_share_join(struct cache_share *share, struct cache *cache);
void cache_share_leave(struct cache_share *share, struct cache *cache);

/* May `cache` have so many bytes more? Others may give up entries for it. Called without locks. */
bool cache_share_take(struct cache_share *share, struct cache *cache, uint64_t bytes);
void cache_share_give(struct cache_share *share, uint64_t bytes);

#endif
