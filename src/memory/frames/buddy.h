/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator of one segment: which frames are free, in blocks of 2^order. It knows
 * nothing of runs, owners or contents.
 */
#ifndef COFFER_MEMORY_FRAMES_BUDDY_H
#define COFFER_MEMORY_FRAMES_BUDDY_H

#include "memory/frames/table.h"

/* Take `count` neighbouring free frames from several blocks, wherever. Walks the blocks. */
COFFER_MUST_CHECK bool buddy_gather(struct segment *segment, uint32_t count, uint32_t *index);

/* Give frames back, merging with what is free beside them. O(orders) blocks are touched. */
void buddy_give_range(struct segment *segment, uint32_t index, uint32_t count);

/* Walk a segment: from a frame that begins a free block, a run or the metadata, how far it is to
 * the next such frame, and whether these frames are free. */
uint32_t buddy_step(const struct segment *segment, uint32_t index, bool *is_free);

/* The rest is inline: it lies on the shortest path of every take and give. */

static inline void buddy_add_block(struct segment *segment, unsigned order, uint32_t bit)
{
    bitmap_add(&segment->free_blocks[order], bit);
    segment->nonempty |= 1u << order;
}

static inline void buddy_remove_block(struct segment *segment, unsigned order, uint32_t bit)
{
    if (bitmap_remove(&segment->free_blocks[order], bit))
        segment->nonempty &= ~(1u << order);
}

/* A block becomes free: as long as its buddy is free too, the two are one. */
static inline void buddy_merge_block(struct segment *segment, unsigned order, uint32_t place)
{
    uint32_t bit = place >> order;

    while (order + 1 < segment->order_count && bitmap_has(&segment->free_blocks[order], bit ^ 1)) {
        buddy_remove_block(segment, order, bit ^ 1);
        order++;
        bit >>= 1;
    }
    buddy_add_block(segment, order, bit);
}

/* Take `count` frames from the start of one block; false when no block is that large. O(orders). */
COFFER_MUST_CHECK static inline bool buddy_take(struct segment *segment, uint32_t count,
                                                uint32_t *index)
{
    unsigned order = bits_log2_up(count);
    unsigned from;
    uint32_t place;

    if (order >= segment->order_count || segment->nonempty >> order == 0)
        return false;

    from = order + bits_first(segment->nonempty >> order);
    place = bitmap_first(&segment->free_blocks[from]);
    buddy_remove_block(segment, from, place);
    place <<= from;

    /* Halve it down to the order that is needed; the upper halves stay free. */
    while (from > order) {
        from--;
        buddy_add_block(segment, from, (place >> from) + 1);
    }

    *index = place - segment->lead;
    segment->free_count -= 1u << order;
    if (count != 1u << order)
        buddy_give_range(segment, *index + count, (1u << order) - count);
    return true;
}

/* buddy_give_range for what most often is one whole block. */
static inline void buddy_give(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t place = index + segment->lead;

    if (((count | place) & (count - 1)) != 0 || count >> (segment->order_count - 1) > 1) {
        buddy_give_range(segment, index, count);
        return;
    }
    segment->free_count += count;
    buddy_merge_block(segment, bits_first(count), place);
}

#endif
