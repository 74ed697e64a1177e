/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/frame.h"

#include "base/assert.h"
#include "base/bytes.h"

enum coffer_status frame_cache_open(struct frame_cache *cache, struct cache_share *share,
                                    const struct cache_type *type,
                                    const struct cache_bounds *bounds)
{
    return cache_open(share, cache->memory, cache->owner, type, cache, bounds, &cache->core);
}

void frame_cache_close(struct frame_cache *cache)
{
    cache_close(cache->core);
    cache->core = NULL;
}

struct cache_entry *frame_entry_make(void *context)
{
    struct frame_cache *cache = context;
    struct frame_entry *entry;
    enum coffer_status status;
    void *block;
    void *frame;

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

void frame_entry_let_go(void *context, struct cache_entry *entry)
{
    (void)context;
    wipe(((struct frame_entry *)entry)->frame, FRAME_SIZE);
}
