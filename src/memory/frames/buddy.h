/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator of one segment: which frames are free, in blocks of 2^order. It knows
 * nothing of runs, owners or contents.
 */
#ifndef COFFER_MEMORY_FRAMES_BUDDY_H
#define COFFER_MEMORY_FRAMES_BUDDY_H

#include "memory/frames/table.h"

/* Take `count` frames from the start of one block; false when no block is that large. O(orders). */
COFFER_MUST_CHECK bool buddy_take(struct segment *segment, uint32_t count, uint32_t *index);

/* Take `count` neighbouring free frames wherever they are, from several blocks. Walks the blocks.
 */
COFFER_MUST_CHECK bool buddy_gather(struct segment *segment, uint32_t count, uint32_t *index);

/* Give frames back, merging with what is free beside them. O(orders) blocks are touched. */
void buddy_give(struct segment *segment, uint32_t index, uint32_t count);

/* Walk a segment: from a frame that begins a free block, a run or the metadata, how far it is to
 * the next such frame, and whether these frames are free. */
uint32_t buddy_step(const struct segment *segment, uint32_t index, bool *is_free);

#endif
