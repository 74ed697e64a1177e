/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/blocks.h"

static const struct cache_type type = {
    .name = "blocks",
    .entry_bytes = FRAME_ENTRY_BYTES,
    .make = frame_entry_make,
    .unmake = frame_entry_unmake,
    .let_go = frame_entry_let_go,
};

enum coffer_status block_cache_open(struct block_cache *blocks, struct cache_share *share,
                                    struct memory *memory, struct owner owner,
                                    const struct cache_bounds *bounds, enum cache_policy policy)
{
    blocks->frames = (struct frame_cache){
        .memory = memory, .owner = owner, .entry_size = sizeof(struct frame_entry)};
    blocks->entries_max = bounds->entries_max;
    return frame_cache_open(&blocks->frames, share, &type, bounds, policy);
}

void block_cache_close(struct block_cache *blocks)
{
    frame_cache_close(&blocks->frames);
}

void block_cache_room(const struct block_cache *blocks, size_t *dirty, size_t *capacity)
{
    struct cache_statistics statistics;

    *capacity = frame_cache_capacity(&blocks->frames, blocks->entries_max, &statistics);
    *dirty = statistics.dirty;
}
