/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries that go: on request, by their age, forgotten. */
#include "cache/inside.h"

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
    if (!group_has_any(group))
        return;
    cache_lock(cache);
    while (!list_is_empty(&group->entries)) {
        struct cache_entry *entry = list_entry(group->entries.next, struct cache_entry, of_group);

        assert_cheap(entry->state == CACHE_CLEAN || entry->state == CACHE_DIRTY);
        take_out_locked(cache, entry);
        release_locked(cache, entry);
    }
    cache_unlock(cache);
}
