/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of blocks: the plaintext of 4 KiB blocks of files, in secure memory. Key: a file and
 * the block's index in it. Dirty blocks stay until their owner writes them. Each call is the core's
 * of the same name (cache.h), for blocks.
 */
#ifndef COFFER_CACHE_BLOCKS_H
#define COFFER_CACHE_BLOCKS_H

#include "cache/frame.h"

struct block_cache {
    struct frame_cache frames;
};

COFFER_MUST_CHECK enum coffer_status
block_cache_open(struct block_cache *blocks, struct cache_share *share, struct memory *memory,
                 struct owner owner, const struct cache_bounds *bounds, enum cache_policy policy);

static inline void block_cache_close(struct block_cache *blocks)
{
    frame_cache_close(&blocks->frames);
}

static inline enum coffer_status block_cache_get(struct block_cache *blocks,
                                                 struct cache_group *file, uint64_t index,
                                                 unsigned flags, struct frame_entry **out,
                                                 bool *claimed)
{
    const struct cache_key key = {.group = file, .index = index};
    struct cache_entry *entry;
    enum coffer_status status = cache_get(blocks->frames.core, &key, flags, &entry, claimed);

    if (status == COFFER_OK)
        *out = (struct frame_entry *)entry;
    return status;
}

static inline struct frame_entry *block_cache_find(struct block_cache *blocks,
                                                   struct cache_group *file, uint64_t index)
{
    const struct cache_key key = {.group = file, .index = index};

    return (struct frame_entry *)cache_find(blocks->frames.core, &key);
}

static inline void block_cache_loaded(struct block_cache *blocks, struct frame_entry *entry,
                                      enum coffer_status status)
{
    cache_loaded(blocks->frames.core, &entry->core, status);
}

static inline void block_cache_filled(struct block_cache *blocks, struct frame_entry *entry)
{
    cache_filled(blocks->frames.core, &entry->core);
}

static inline void block_cache_dirty(struct block_cache *blocks, struct frame_entry *entry,
                                     struct cache_set *set)
{
    cache_dirty(blocks->frames.core, &entry->core, set);
}

static inline struct frame_entry *block_cache_set_next(struct block_cache *blocks,
                                                       const struct cache_set *set,
                                                       const struct frame_entry *previous)
{
    return (struct frame_entry *)cache_set_next(blocks->frames.core, set,
                                                previous == NULL ? NULL : &previous->core);
}

static inline bool block_cache_write_begin(struct block_cache *blocks, struct frame_entry *entry)
{
    return cache_write_begin(blocks->frames.core, &entry->core);
}

static inline void block_cache_write_end(struct block_cache *blocks, struct frame_entry *entry,
                                         enum coffer_status status)
{
    cache_write_end(blocks->frames.core, &entry->core, status);
}

static inline void block_cache_unpin(struct block_cache *blocks, struct frame_entry *entry)
{
    cache_unpin(blocks->frames.core, &entry->core);
}

static inline void block_cache_forget(struct block_cache *blocks, struct frame_entry *entry)
{
    cache_forget(blocks->frames.core, &entry->core);
}

static inline void block_cache_forget_file(struct block_cache *blocks, struct cache_group *file)
{
    cache_forget_group(blocks->frames.core, file);
}

/* How many are dirty, and how many there can be at all as memory is now. */
static inline void block_cache_room(const struct block_cache *blocks, size_t *dirty,
                                    size_t *capacity)
{
    struct cache_statistics statistics;

    *capacity = frame_cache_room(&blocks->frames, &statistics);
    *dirty = statistics.dirty;
}

#endif
