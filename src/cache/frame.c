/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/frame.h"

#include "base/assert.h"
#include "base/bytes.h"

enum coffer_status frame_cache_open(struct frame_cache *cache, struct cache_share *share,
                                    struct memory *memory, struct owner owner,
                                    const struct frame_kind *kind,
                                    const struct cache_bounds *bounds, enum cache_policy policy)
{
    *cache = (struct frame_cache){.type = kind->type,
                                  .memory = memory,
                                  .owner = owner,
                                  .entry_size = kind->entry_size,
                                  .entries_max = bounds->entries_max};
    cache->type.policy = policy;
    return cache_open(share, memory, owner, &cache->type, cache, bounds, &cache->core);
}

void frame_cache_close(struct frame_cache *cache)
{
    cache_close(cache->core);
    cache->core = NULL;
}

bool frame_entry_may_make(void *context)
{
    const struct frame_cache *cache = context;

    return cache->free_min == 0 || memory_free_frames(cache->memory) > cache->free_min;
}

struct cache_entry *frame_entry_make(void *context)
{
    struct frame_cache *cache = context;
    struct frame_entry *entry;
    enum coffer_status status;
    void *block;
    void *frame;

    if (!frame_entry_may_make(cache))
        return NULL;
    status = memory_alloc(cache->memory, cache->owner, cache->entry_size, &block);
    if (status != COFFER_OK)
        return NULL;
    entry = block;
    status = frames_take(cache->memory->frames, cache->owner, 1, &frame);
    if (status != COFFER_OK) {
        memory_free(cache->memory, entry);
        return NULL;
    }
    entry->frame = frame;
    return &entry->core;
}

void frame_entry_unmake(void *context, struct cache_entry *entry)
{
    struct frame_cache *cache = context;
    enum coffer_status status;

    status = frames_give(cache->memory->frames, ((struct frame_entry *)entry)->frame);
    assert_cheap(status == COFFER_OK);
    memory_free(cache->memory, entry);
}

void frame_entry_renew(void *context, struct cache_entry *entry)
{
    struct frame_entry *frame_entry = (struct frame_entry *)entry;

    (void)context;
    frame_entry->new_from = 0;
    frame_entry->new_to = 0;
    frame_entry->old_end = 0;
}

void frame_entry_let_go(void *context, struct cache_entry *entry)
{
    frame_entry_renew(context, entry);
    wipe(((struct frame_entry *)entry)->frame, FRAME_SIZE);
}

size_t frame_cache_room(const struct frame_cache *cache, struct cache_statistics *statistics)
{
    uint64_t free = memory_free_frames(cache->memory);

    free = free > cache->free_min ? free - cache->free_min : 0;
    cache_statistics(cache->core, statistics);
    if (cache->entries_max == 0 || statistics->entries + free < cache->entries_max)
        return (size_t)(statistics->entries + free);
    return cache->entries_max;
}
