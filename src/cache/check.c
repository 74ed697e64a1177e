/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics and validity. */
#include "cache/inside.h"

void cache_statistics(struct cache *cache, struct cache_statistics *out)
{
    uint64_t entry_bytes = cache->type->entry_bytes;

    cache_lock(cache);
    *out = (struct cache_statistics){
        .name = cache->type->name,
        .counters = cache->counters,
        .entries = cache->entry_count,
        .entries_peak = cache->entry_peak,
        .spare = cache->spare_count,
        .pinned = cache->pinned_count,
        .dirty = cache->dirty_count,
        .bytes = cache->entry_count * entry_bytes,
        .bytes_peak = cache->entry_peak * entry_bytes,
    };
    cache_unlock(cache);
}

/* What a walk over the table finds. */
struct tally {
    size_t found, pinned, dirty, idle;
    size_t in_sets; /* by the sets' own counts */
};

static bool set_is_valid(const struct cache_set *set)
{
    struct rbnode *node;
    size_t count = 0;

    if (!rbtree_is_valid(&set->entries, set->count))
        return false;
    for (node = rbtree_first(&set->entries); node != NULL; node = rbtree_next(node)) {
        const struct cache_entry *entry = rbtree_entry(node, struct cache_entry, of_set);
        struct rbnode *next = rbtree_next(node);

        if (entry->set != set)
            return false;
        if (next != NULL && rbtree_entry(next, struct cache_entry, of_set)->index < entry->index)
            return false;
        count++;
    }
    return count == set->count;
}

/* Asked of its first entry, so once. */
static bool group_is_valid(const struct cache_group *group)
{
    size_t count = 0;

    list_each (link, &group->entries)
        count++;
    return count == group_count(group);
}

/* N2 and N4 for one entry that a chain holds. */
static bool entry_is_valid(const struct cache *cache, const struct cache_entry *entry,
                           struct tally *tally)
{
    bool dirty = entry->state == CACHE_DIRTY || entry->state == CACHE_WRITING;

    if (entry->state != CACHE_LOADING && entry->state != CACHE_CLEAN && !dirty)
        return false;
    if ((entry->state == CACHE_LOADING || entry->state == CACHE_WRITING) && entry->pins == 0)
        return false;
    if ((entry->group == NULL) != list_is_empty(&entry->of_group))
        return false;
    if (entry->group != NULL && entry->group->entries.next == &entry->of_group &&
        !group_is_valid(entry->group))
        return false;
    if (dirty != (entry->set != NULL))
        return false;
    /* Each set once: by the entry at its root. */
    if (dirty && entry->set->entries.root == &entry->of_set) {
        if (!set_is_valid(entry->set))
            return false;
        tally->in_sets += entry->set->count;
    }
    if (is_idle(cache, entry) && list_is_empty(&entry->order))
        return false;
    tally->found++;
    tally->pinned += entry->pins > 0;
    tally->dirty += dirty;
    tally->idle += is_idle(cache, entry);
    return true;
}

/* N1, as far as it shows without the keys' third part. */
static bool is_alone(const struct cache *cache, const struct cache_entry *entry)
{
    const struct cache_entry *other;

    if (cache->type->same != NULL)
        return true;
    for (other = entry->chain; other != NULL; other = other->chain) {
        if (other->group == entry->group && other->index == entry->index)
            return false;
    }
    return true;
}

static bool table_is_valid(const struct cache *cache, struct tally *tally)
{
    for (size_t i = 0; i < cache->bucket_count; i++) {
        const struct cache_entry *entry = cache->buckets[i];

        for (; entry != NULL; entry = entry->chain) {
            if (tally->found > cache->entry_count || !entry_is_valid(cache, entry, tally))
                return false;
            if (bucket_of(cache, entry->group, entry->index) != &cache->buckets[i])
                return false;
            if (!is_alone(cache, entry))
                return false;
        }
    }
    return true;
}

/* N3: all idle ones are there, and nothing that can't be found. */
static bool order_is_valid(const struct cache *cache)
{
    size_t idle = 0;
    size_t count = 0;

    list_each (link, &cache->order) {
        const struct cache_entry *entry = list_entry(link, struct cache_entry, order);

        if (link->next->previous != link || ++count > cache->found_count)
            return false;
        if (entry->state != CACHE_CLEAN && entry->state != CACHE_DIRTY &&
            entry->state != CACHE_WRITING)
            return false;
        idle += is_idle(cache, entry);
    }
    return idle == cache->idle_count;
}

static bool spares_are_valid(const struct cache *cache)
{
    size_t count = 0;

    list_each (link, &cache->spare) {
        const struct cache_entry *entry = list_entry(link, struct cache_entry, order);

        if (link->next->previous != link || ++count > cache->spare_count)
            return false;
        if (entry->state != CACHE_SPARE || entry->pins != 0 || entry->group != NULL ||
            entry->set != NULL || !list_is_empty(&entry->of_group))
            return false;
    }
    return count == cache->spare_count;
}

static bool counts_are_valid(const struct cache *cache, const struct tally *tally)
{
    if (tally->found != cache->found_count || tally->pinned != cache->pinned_count ||
        tally->dirty != cache->dirty_count || tally->idle != cache->idle_count)
        return false;
    if (tally->in_sets != cache->dirty_count)
        return false;
    if (cache->found_count + cache->spare_count + cache->loose_count != cache->entry_count)
        return false;
    if (cache->entry_peak < cache->found_count + cache->spare_count)
        return false;
    return cache->entry_count <= cache->entries_bound; /* N6 */
}

bool cache_is_valid(struct cache *cache)
{
    struct tally tally = {0};
    bool valid;

    cache_lock(cache);
    valid = table_is_valid(cache, &tally) && order_is_valid(cache) && spares_are_valid(cache) &&
            counts_are_valid(cache, &tally);
    cache_unlock(cache);
    return valid;
}
