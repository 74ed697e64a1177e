/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private structure of the frames: segments and the frame table. For the files of this folder.
 *
 * A frame is named by its segment and its index there. Bitmaps are indexed by *place*: the index
 * plus `lead`, the distance of the segment's start from an address aligned to its largest block.
 * A block of order o begins at places that are multiples of 2^o, so that it lies at addresses
 * aligned to its size; the places below `lead` stand for no frame and are never free.
 *
 *      address aligned to     segment->start
 *      the largest block      |
 *      |<------- lead ------->|<-- reserved -->|<---- free blocks and runs ---->|
 *      place 0                index 0                                           frame_count
 *
 * Only the descriptor of a run's head says something; those of its other frames are zero, and the
 * head is found by trying the aligned places below (a run cut from one block begins where the
 * block began). Runs that were put together from several blocks begin anywhere: there each frame
 * links back to the head. So taking or giving a block costs the same whatever its size. Free
 * frames have no descriptor at all (zero): the bitmaps tell.
 */
#ifndef COFFER_MEMORY_FRAMES_TABLE_H
#define COFFER_MEMORY_FRAMES_TABLE_H

#include <stdatomic.h>

#include "base/assert.h"
#include "base/bitmap.h"
#include "memory/frames/frames.h"

#define FRAME_HEAD       0x01u /* the first frame of a run */
#define FRAME_LINK       0x02u /* in a run of several blocks, `run` frames after its head */
#define FRAME_PIECED     0x04u /* with FRAME_HEAD: the run's other frames are FRAME_LINK */
#define FRAME_BLOCK      0x08u /* with FRAME_HEAD: the run is one whole block */
#define FRAME_KEPT       0x30u /* with FRAME_HEAD: enum frames_keep, shifted */
#define FRAME_KEPT_SHIFT 4
#define FRAME_TAGGED     0x40u /* with FRAME_HEAD: frames of the run may have tags */

/* One a frame, in the memory itself. A frame's address and segment follow from its place here. */
struct frame {
    uint32_t run; /* frames in the run, or the distance to its head */
    uint16_t references;
    uint8_t owner;
    uint8_t flags;
};

_Static_assert(sizeof(struct frame) == 8, "descriptors are what every frame costs");

struct segment {
    uint8_t *start;
    struct frame *table;
    _Atomic uint32_t *tags;     /* one a frame; with FRAMES_TAG_KEPT */
    struct bitmap *free_blocks; /* one an order */
    uint32_t nonempty;          /* bit o: free_blocks[o] isn't empty */
    uint32_t frame_count;
    uint32_t lead;
    uint32_t reserved_count;
    uint32_t free_count;
    uint32_t clean_count;  /* all frames from this index on were never handed out, nor wiped */
    uint32_t first_number; /* of its first frame, counting through all segments */
    uint32_t order_count;
};

/* Who is told how many frames are free: frames_set_watermarks. */
struct watch {
    bool (*function)(void *context, enum frames_level level);
    void *context;
    uint64_t low;
    uint64_t high;
    uint64_t low_events;
    bool is_low;
    bool busy; /* a call is under way */
};

struct frames {
    struct account *account;
    struct watch watch;
    struct owner self; /* of the metadata */
    bool keep_contents;
    unsigned segment_count;
    struct segment segments[]; /* by address */
};

static inline void *segment_address(const struct segment *segment, uint32_t index)
{
    return segment->start + (size_t)index * FRAME_SIZE;
}

/* Places in the bitmap of an order. */
static inline uint64_t segment_places(const struct segment *segment, unsigned order)
{
    return (((uint64_t)segment->lead + segment->frame_count - 1) >> order) + 1;
}

/* The segment that an address lies in, NULL for none; and its frame there. */
static inline const struct segment *frames_find(const struct frames *frames, const void *address,
                                                uint32_t *index)
{
    const struct segment *segment = frames->segments;

    do {
        uint64_t offset = ((uintptr_t)address - (uintptr_t)segment->start) / FRAME_SIZE;

        if (offset < segment->frame_count) {
            *index = (uint32_t)offset;
            return segment;
        }
    } while (++segment < frames->segments + frames->segment_count);
    return NULL;
}

/* The head of the run that a frame is in; false when it is in none. O(orders). */
bool segment_find_head(const struct segment *segment, uint32_t index, uint32_t *head);

/* The order of the free block that begins at a frame, or -1. */
int segment_free_order(const struct segment *segment, uint32_t index);

#endif
