/* SPDX-License-Identifier: BSD-2-Clause */
/* Making and unmaking a cache. */
#include "cache/inside.h"

static size_t buckets_for(size_t entries)
{
    size_t count = 1;

    while (count < entries && count <= SIZE_MAX / 2)
        count *= 2;
    return count;
}

size_t cache_table_bytes(size_t entries_max)
{
    return buckets_for(entries_max) * sizeof(struct cache_entry *);
}

/* Chains for as many entries as there can be; a power of two. */
static size_t choose_bucket_count(const struct cache_share *share, const struct memory *memory,
                                  size_t entry_bytes, size_t bound, size_t idle_max)
{
    uint64_t bytes = memory->account.frames_total * FRAME_SIZE;

    if (share->bytes_max != 0 && share->bytes_max < bytes)
        bytes = share->bytes_max;
    if (bytes / entry_bytes < bound)
        bound = (size_t)(bytes / entry_bytes);
    if (idle_max != 0 && 2 * idle_max < bound)
        bound = 2 * idle_max;
    return buckets_for(bound);
}

static enum coffer_status open_lock(struct cache *cache)
{
    const struct coffer_port *port = cache->port;
    enum coffer_status status = port->lock_init(port->context, &cache->lock);

    cache->waits = port->condition_init != NULL;
    if (status != COFFER_OK || !cache->waits)
        return status;
    status = port->condition_init(port->context, &cache->changed);
    if (status != COFFER_OK)
        port->lock_fini(port->context, &cache->lock);
    return status;
}

static void close_lock(struct cache *cache)
{
    const struct coffer_port *port = cache->port;

    if (cache->waits)
        port->condition_fini(port->context, &cache->changed);
    port->lock_fini(port->context, &cache->lock);
}

/* Nobody else is here any more. */
static void unmake_all(struct cache *cache)
{
    while (!list_is_empty(&cache->order)) {
        struct cache_entry *entry = list_entry(cache->order.next, struct cache_entry, order);

        take_out_locked(cache, entry);
        if (cache->type->let_go != NULL)
            cache->type->let_go(cache->context, entry);
        cache->entry_count--;
        unmake_entry(cache, entry);
    }
    while (!list_is_empty(&cache->spare)) {
        struct cache_entry *entry = list_entry(cache->spare.next, struct cache_entry, order);

        list_remove(&entry->order);
        cache->entry_count--;
        unmake_entry(cache, entry);
    }
    assert_cheap(cache->entry_count == 0);
}

/* COFFER_MISUSE: they contradict one another. */
static enum coffer_status check_bounds(const struct cache_type *type,
                                       const struct cache_bounds *bounds, size_t *entries_bound)
{
    size_t bound = bounds->entries_max != 0 ? bounds->entries_max : SIZE_MAX;

    if (bounds->bytes_max != 0 && bounds->bytes_max / type->entry_bytes < bound)
        bound = (size_t)(bounds->bytes_max / type->entry_bytes);
    if (bound == 0 || bounds->entries_min > bound)
        return COFFER_MISUSE;
    *entries_bound = bound;
    return COFFER_OK;
}

/* The entries_min. Gives up the lock. */
static enum coffer_status make_least_locked(struct cache *cache)
{
    while (cache->entry_count < cache->bounds.entries_min) {
        struct cache_entry *entry = make_locked(cache);

        if (entry == NULL)
            return COFFER_NO_MEMORY;
        put_spare_locked(cache, entry);
    }
    return COFFER_OK;
}

enum coffer_status cache_open(struct cache_share *share, struct memory *memory, struct owner owner,
                              const struct cache_type *type, void *context,
                              const struct cache_bounds *bounds, struct cache **out)
{
    enum coffer_status status;
    struct cache *cache;
    size_t bound;
    void *block;

    status = check_bounds(type, bounds, &bound);
    if (status == COFFER_OK)
        status = memory_alloc(memory, owner, sizeof(*cache), &block);
    if (status != COFFER_OK)
        return status;
    cache = block;
    *cache = (struct cache){.share = share,
                            .port = share->port,
                            .memory = memory,
                            .type = type,
                            .context = context,
                            .bounds = *bounds,
                            .entries_bound = bound};
    list_init(&cache->order);
    list_init(&cache->spare);
    cache->sweep_began_ns = cache_share_tick(share);
    cache->bucket_count = choose_bucket_count(share, memory, type->entry_bytes, bound,
                                              bounds->idle_max);
    status = memory_alloc(memory, owner, cache->bucket_count * sizeof(struct cache_entry *),
                          &block);
    if (status != COFFER_OK)
        goto free_cache;
    cache->buckets = block;
    status = open_lock(cache);
    if (status != COFFER_OK)
        goto free_buckets;
    status = COFFER_MISUSE;
    if (!cache_share_join(share, cache))
        goto fini_lock;
    cache_lock(cache);
    status = make_least_locked(cache);
    cache_unlock(cache);
    if (status != COFFER_OK)
        goto leave_share;
    *out = cache;
    return COFFER_OK;

leave_share:
    cache_share_leave(share, cache);
    unmake_all(cache);
fini_lock:
    close_lock(cache);
free_buckets:
    memory_free(memory, cache->buckets);
free_cache:
    memory_free(memory, cache);
    return status;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    assert_cheap(cache->pinned_count == 0 && cache->dirty_count == 0 && cache->loose_count == 0);
    cache_share_leave(cache->share, cache);
    unmake_all(cache);
    close_lock(cache);
    memory_free(cache->memory, cache->buckets);
    memory_free(cache->memory, cache);
}
