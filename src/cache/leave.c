/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds, shrinking, expiry, and forgetting. */
#include "cache/inside.h"

enum coffer_status bounds_check(const struct cache_type *type, const struct cache_bounds *bounds,
                                size_t *entries_bound)
{
    size_t bound = bounds->entries_max != 0 ? bounds->entries_max : SIZE_MAX;

    if (bounds->bytes_max != 0 && bounds->bytes_max / type->entry_bytes < bound)
        bound = (size_t)(bounds->bytes_max / type->entry_bytes);
    if (bound == 0 || bounds->entries_min > bound)
        return COFFER_MISUSE;
    *entries_bound = bound;
    return COFFER_OK;
}

enum coffer_status make_least_locked(struct cache *cache)
{
    while (cache->entry_count < cache->bounds.entries_min) {
        struct cache_entry *entry = make_locked(cache);

        if (entry == NULL)
            return COFFER_NO_MEMORY;
        put_spare_locked(cache, entry);
    }
    return COFFER_OK;
}

/* Give back down to the bound, as far as that goes now. */
static void trim_locked(struct cache *cache)
{
    enum cache_step step = CACHE_STEP_DONE;

    /* What can't be written stays; whether it can is asked twice of each at most. */
    for (size_t left = 2 * cache->entry_count; step != CACHE_STEP_NONE && left > 0;
         left -= step == CACHE_STEP_AGAIN)
        step = give_back_locked(cache, cache->entries_bound, NULL);
    trim_idle_locked(cache);
}

enum coffer_status cache_set_bounds(struct cache *cache, const struct cache_bounds *bounds)
{
    const struct cache_bounds before = cache->bounds;
    enum coffer_status status;
    size_t bound_before;
    size_t bound;

    status = bounds_check(cache->type, bounds, &bound);
    if (status != COFFER_OK)
        return status;
    cache_lock(cache);
    bound_before = cache->entries_bound;
    cache->bounds = *bounds;
    cache->entries_bound = bound;
    status = make_least_locked(cache);
    if (status != COFFER_OK) {
        cache->bounds = before;
        cache->entries_bound = bound_before;
    }
    trim_locked(cache);
    cache_unlock(cache);
    return status;
}

uint64_t cache_shrink(struct cache *cache, uint64_t bytes, unsigned steps)
{
    uint64_t given = 0;

    cache_lock(cache);
    for (; steps > 0 && given < bytes; steps--) {
        enum cache_step step = give_back_locked(cache, cache->bounds.entries_min, NULL);

        if (step == CACHE_STEP_NONE)
            break;
        if (step == CACHE_STEP_DONE) {
            given += cache->type->entry_bytes;
            cache->counters.shrunk_bytes += cache->type->entry_bytes;
        }
    }
    cache_unlock(cache);
    return given;
}

/* --- Expiry --- */

static struct cache_entry *entry_at(struct cache *cache, size_t bucket, size_t place)
{
    struct cache_entry *entry = cache->buckets[bucket];

    while (entry != NULL && place-- > 0)
        entry = entry->chain;
    return entry;
}

/* What is old in one chain goes. By place, as the chain may change while the lock is given up. */
static void expire_chain_locked(struct cache *cache, size_t bucket, uint64_t before_ns)
{
    struct cache_entry *entry;
    size_t place = 0;

    while ((entry = entry_at(cache, bucket, place)) != NULL) {
        if (!is_idle(cache, entry) || entry->used_ns >= before_ns) {
            place++;
        } else if (entry->state == CACHE_DIRTY) {
            if (write_back_locked(cache, entry) != COFFER_OK)
                place++;
        } else {
            cache->counters.expirations++;
            take_out_locked(cache, entry);
            release_locked(cache, entry);
        }
    }
}

bool cache_expire(struct cache *cache, uint64_t before_ns, unsigned steps)
{
    uint64_t now = cache_share_tick(cache->share);
    bool more = true;

    cache_lock(cache);
    for (; more && steps > 0; steps--) {
        if (cache->sweep == 0) {
            cache->sweep_before_ns = cache->sweep_began_ns;
            cache->sweep_began_ns = now;
        }
        /* What was used after a tick carries at least its time, so all older than the round before
         * wasn't used since. */
        expire_chain_locked(cache, cache->sweep,
                            before_ns < cache->sweep_before_ns ? before_ns
                                                               : cache->sweep_before_ns);
        cache->sweep = (cache->sweep + 1) & (cache->bucket_count - 1);
        more = cache->sweep != 0;
    }
    cache_unlock(cache);
    return more;
}

/* --- Forgetting --- */

void cache_set_forget(struct cache *cache, struct cache_set *set)
{
    struct rbnode *node;

    cache_lock(cache);
    while ((node = rbtree_first(&set->entries)) != NULL) {
        struct cache_entry *entry = rbtree_entry(node, struct cache_entry, of_set);

        assert_cheap(entry->state == CACHE_DIRTY);
        take_out_locked(cache, entry);
        release_locked(cache, entry);
    }
    cache_unlock(cache);
}

void cache_forget(struct cache *cache, struct cache_entry *entry)
{
    cache_lock(cache);
    assert_cheap(entry->pins == 1);
    assert_cheap(entry->state == CACHE_CLEAN || entry->state == CACHE_DIRTY);
    entry->pins = 0;
    cache->pinned_count--;
    settle_locked(cache, entry, false);
    take_out_locked(cache, entry);
    release_locked(cache, entry);
    cache_unlock(cache);
}

void cache_forget_group(struct cache *cache, struct cache_group *group)
{
    cache_lock(cache);
    while (!list_is_empty(&group->entries)) {
        struct cache_entry *entry = list_entry(group->entries.next, struct cache_entry, of_group);

        assert_cheap(entry->state == CACHE_CLEAN || entry->state == CACHE_DIRTY);
        take_out_locked(cache, entry);
        release_locked(cache, entry);
    }
    cache_unlock(cache);
}
