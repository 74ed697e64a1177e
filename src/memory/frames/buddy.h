/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator of one segment: which frames are free, in blocks of 2^order. It knows
 * nothing of runs, owners or contents.
 *
 * The free blocks of an order are a ring through their heads' descriptors, which also holds the
 * order's own descriptor behind the table: no end of a ring is a special case, and any block is
 * taken out in a fixed number of steps. `nonempty` has a bit for each order that has blocks.
 *
 * Whoever gives frames has zeroed their descriptors; the taken ones are zero, but for the head of
 * buddy_take_exact, which the caller writes.
 */
#ifndef COFFER_MEMORY_FRAMES_BUDDY_H
#define COFFER_MEMORY_FRAMES_BUDDY_H

#include "memory/frames/table.h"

/* Take a block; false when there is none that large. A larger one is halved, and the upper halves
 * stay free. O(orders). */
COFFER_MUST_CHECK bool buddy_take_block(struct segment *segment, unsigned order, uint32_t *index);

/* A block becomes free: as long as its buddy is free too, the two are one. O(orders). */
void buddy_give_block(struct segment *segment, unsigned order, uint32_t index);

/* Give any frames back. O(orders) blocks are touched. */
void buddy_give_range(struct segment *segment, uint32_t index, uint32_t count);

enum buddy_gathered {
    BUDDY_TAKEN,
    BUDDY_PAUSED, /* go on after others had the lock */
    BUDDY_NONE,
};

/* Take `count` neighbouring free frames from several blocks, beginning at any multiple of
 * `alignment` frames in address space. Walks blocks and runs from *at on, 0 at first, but only
 * where rows of so many may be by what earlier walks found (struct rows). After
 * BUDDY_SCAN_MAX of them it pauses as soon as the frames it stands at are in use: so it is done
 * with one call after that many blocks and those of one stretch of free frames. */
#define BUDDY_SCAN_MAX 1024u
COFFER_MUST_CHECK enum buddy_gathered buddy_gather(struct segment *segment, uint32_t *at,
                                                   uint32_t count, uint64_t alignment,
                                                   uint32_t *index);

/* The first frame at `index` or behind it that begins a free block, a run or the metadata. */
uint32_t buddy_boundary(const struct segment *segment, uint32_t index);

/* Walk a segment: from a frame that begins a free block, a run or the metadata, how far it is to
 * the next such frame, and whether these frames are free. */
uint32_t buddy_step(const struct segment *segment, uint32_t index, bool *is_free);

/* Is a frame in a free block? O(orders). */
bool buddy_has(const struct segment *segment, uint32_t index);

/* The descriptor of an order's ring, empty at first. */
static inline uint32_t buddy_ring(const struct segment *segment, unsigned order)
{
    return (uint32_t)segment->frame_count + order;
}

/* Take the block that was given last, of an order that has some. Its follower has the ring before
 * it then, as the block had. */
static inline uint32_t buddy_take_exact(struct segment *segment, unsigned order)
{
    struct frame *table = segment->table;
    struct frame *ring = &segment->rings[order];
    uint32_t index = ring->run;
    uint32_t next = table[index].run;

    ring->run = next;
    table[next].state = table[index].state;
    if (ring == &table[next])
        segment->nonempty &= ~(1u << order);
    return index;
}

/* A block of 2^order = `count` frames without a free buddy is free. */
static inline void buddy_add(struct segment *segment, unsigned order, uint32_t count,
                             uint32_t index)
{
    struct frame *table = segment->table;
    struct frame *ring = &segment->rings[order];
    struct frame *next = &table[ring->run];

    table[index].run = ring->run;
    table[index].state = next->state;
    next->state = frame_free_state(order, index);
    ring->run = index;
    segment->nonempty |= count;
}

/* Is the other half of what this block is one half of a free block of its size? Beside the largest
 * blocks there may be such ones too; they are never one. */
static inline bool buddy_is_free(const struct segment *segment, unsigned order, uint32_t count,
                                 uint32_t index, uint32_t *buddy)
{
    *buddy = ((index + segment->lead) ^ count) - segment->lead;
    return *buddy < segment->frame_count && segment->table[*buddy].flags == frame_free_flags(order);
}

#endif
