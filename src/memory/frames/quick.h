/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way of a take and a give: one thread, contents kept, a block of the very size in the
 * first segment, no peak, quota or level passed, no tag. Inline, for the calls of frames.h and for
 * those who offer them to others. Everything else goes the long ways, which check all of it anew.
 *
 * What is rare is out of line, so that the short way saves no registers.
 */
#ifndef COFFER_MEMORY_FRAMES_QUICK_H
#define COFFER_MEMORY_FRAMES_QUICK_H

#include "memory/frames/table.h"

/* A take that is counted already, when the cache has no block; and any take at all. */
COFFER_MUST_CHECK enum coffer_status frames_take_counted(struct frames *frames, struct owner owner,
                                                         size_t count, void **out);
COFFER_MUST_CHECK enum coffer_status frames_take_any(struct frames *frames, struct owner owner,
                                                     size_t count, void **out);

/* A block that isn't a run any longer is free, and the cache is full. COFFER_OK. */
COFFER_MUST_CHECK enum coffer_status frames_give_merged(struct segment *segment, uint32_t index);

/* Count a run for its owner, who has a line, if that is nothing new (A2). */
static inline bool frames_count_quickly(struct account *account, struct owner owner, size_t count)
{
    struct account_line *line = &account->lines[owner.index];
    uint64_t used = account->frames_used + count;
    uint32_t held = line->frames + (uint32_t)count;

    if (used > account->frames_mark || held > line->frames_mark)
        return false;
    line->frames = held;
    line->run_takes++;
    account->frames_used = used;
    return true;
}

static inline void frames_uncount_quickly(struct account *account, struct owner owner, size_t count)
{
    struct account_line *line = &account->lines[owner.index];

    line->frames -= (uint32_t)count;
    line->run_takes--;
    account->frames_used -= count;
}

/* The descriptor of a free block, with its size, becomes that of a run. */
static inline void frames_begin_block(struct segment *segment, uint32_t index, struct owner owner,
                                      void **out)
{
    segment->table[index].state = FRAME_BLOCK_STATE | (uint32_t)owner.index << FRAME_OWNER_SHIFT;
    *out = segment_address(segment, index);
}

/* As frames_take, for an owner whose index is below owner_max. */
static inline enum coffer_status frames_take_quickly(struct frames *frames, struct owner owner,
                                                     size_t count, void **out)
{
    struct frame_cache *cache;

    if (count - 1 >= frames->quick_takes || (count & (count - 1)) != 0 ||
        !frames_count_quickly(frames->account, owner, count))
        return frames_take_any(frames, owner, count, out);
    cache = frames_cache_of(frames, count);
    if (cache->count == 0)
        return frames_take_counted(frames, owner, count, out);
    frames_begin_block(frames->segments, cache->numbers[--cache->count], owner, out);
    return COFFER_OK;
}

/* As frames_give, with `otherwise` for what goes the long way: all runs with tags do. */
static inline enum coffer_status
frames_give_quickly(struct frames *frames, void *address,
                    enum coffer_status (*otherwise)(struct frames *frames, void *address))
{
    struct account *account = frames->account;
    struct segment *segment = frames->segments;
    uint64_t offset = (uintptr_t)address - (uintptr_t)segment->start;
    uint64_t index = offset / FRAME_SIZE | offset << 52; /* no index when the address is uneven */
    struct account_line *line;
    struct frame_cache *cache;
    struct frame *head;
    uint32_t owner_bits;
    uint32_t count;

    if (index >= frames->quick_count)
        return otherwise(frames, address);
    head = &segment->table[index];
    owner_bits = head->state ^ FRAME_BLOCK_STATE;
    if ((owner_bits & ~FRAME_OWNER_BITS) != 0)
        return otherwise(frames, address);

    count = head->run;
    line = &account->lines[owner_bits >> FRAME_OWNER_SHIFT];
    account->frames_used -= count;
    line->frames -= count;
    line->run_gives++;

    cache = frames_cache_of(frames, count);
    if (cache->count == cache->limit)
        return frames_give_merged(segment, (uint32_t)index);
    head->state = FRAME_CACHED_STATE;
    cache->numbers[cache->count++] = (uint32_t)index;
    return COFFER_OK;
}

#endif
