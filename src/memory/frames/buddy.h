/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator of one segment: which frames are free, in blocks of 2^order. It knows
 * nothing of runs, owners or contents.
 */
#ifndef COFFER_MEMORY_FRAMES_BUDDY_H
#define COFFER_MEMORY_FRAMES_BUDDY_H

#include "memory/frames/table.h"

/* Take `count` neighbouring free frames from several blocks, beginning at any multiple of
 * `alignment` frames in address space. Walks the blocks. */
COFFER_MUST_CHECK bool buddy_gather(struct segment *segment, uint32_t count, uint64_t alignment,
                                    uint32_t *index);

/* Give frames back, merging with what is free beside them. O(orders) blocks are touched. */
void buddy_give_range(struct segment *segment, uint32_t index, uint32_t count);

/* A block becomes free: as long as its buddy is free too, the two are one. */
void buddy_merge(struct segment *segment, unsigned order, uint32_t bit);

/* Walk a segment: from a frame that begins a free block, a run or the metadata, how far it is to
 * the next such frame, and whether these frames are free. */
uint32_t buddy_step(const struct segment *segment, uint32_t index, bool *is_free);

/* The rest is inline: it lies on the shortest path of every take and give. */
#define BUDDY_INLINE static inline __attribute__((always_inline))

BUDDY_INLINE void buddy_add_block(struct segment *segment, unsigned order, uint32_t bit)
{
    bitmap_add(&segment->free_blocks[order], bit);
    segment->nonempty |= 1u << order;
}

BUDDY_INLINE void buddy_remove_block(struct segment *segment, unsigned order, uint32_t bit)
{
    if (bitmap_remove(&segment->free_blocks[order], bit))
        segment->nonempty &= ~(1u << order);
}

/* Is there a block beside this one that it could merge with? */
BUDDY_INLINE bool buddy_is_free(const struct segment *segment, unsigned order, uint32_t bit)
{
    return order + 1 < segment->order_count && bitmap_has(&segment->free_blocks[order], bit ^ 1);
}

/* The free frames at `place` are a block of order `from`; only one of order `order` is needed. It
 * is halved down to that; the upper halves stay free. */
void buddy_split(struct segment *segment, unsigned from, unsigned order, uint32_t place);

/* Take a block; false when there is none that large. O(orders). */
COFFER_MUST_CHECK BUDDY_INLINE bool buddy_take_block(struct segment *segment, unsigned order,
                                                     uint32_t *index)
{
    uint32_t orders = segment->nonempty >> order;
    unsigned from;
    uint32_t place;
    bool last;

    if (orders == 0)
        return false;

    from = order + bits_first(orders);
    place = bitmap_take_first(&segment->free_blocks[from], &last) << from;
    if (last)
        segment->nonempty &= ~(1u << from);
    if (from != order)
        buddy_split(segment, from, order, place);
    *index = place - segment->lead;
    segment->free_count -= 1u << order;
    return true;
}

/* Give back what buddy_take_block took, which most often stays alone. */
BUDDY_INLINE void buddy_give_block(struct segment *segment, uint32_t index, uint32_t count)
{
    unsigned order = bits_first(count);
    uint32_t bit = (index + segment->lead) >> order;

    segment->free_count += count;
    if (buddy_is_free(segment, order, bit))
        buddy_merge(segment, order, bit);
    else
        buddy_add_block(segment, order, bit);
}

#endif
