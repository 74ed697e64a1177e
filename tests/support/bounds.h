/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds of a cache that is at work, moved by hand: for tests that want fewer entries than any
 * store is opened with. */
#ifndef TESTS_SUPPORT_BOUNDS_H
#define TESTS_SUPPORT_BOUNDS_H

#include "cache/inside.h"
#include "support/must.h"

/* Nothing stays whatever happens. */
static inline void bounds_keep_nothing(struct cache *cache)
{
    cache_lock(cache);
    cache->bounds.entries_min = 0;
    cache_unlock(cache);
}

/* At most so many entries from now on, of which nobody uses more than these yet. */
static inline void bounds_lower(struct cache *cache, size_t entries_max)
{
    size_t count;

    cache_lock(cache);
    must(entries_max >= cache->bounds.entries_min && entries_max <= cache->entries_bound);
    count = cache->entry_count;
    cache_unlock(cache);
    if (count > entries_max)
        (void)cache_shrink(cache, (count - entries_max) * cache->type->entry_bytes, UINT32_MAX);
    cache_lock(cache);
    must(cache->entry_count <= entries_max);
    cache->entries_bound = entries_max;
    cache_unlock(cache);
}

#endif
