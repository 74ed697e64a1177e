/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private structure of the frames: segments and the frame table. For the files of this folder.
 *
 * A frame is named by its segment and its index there. Its *place* is the index plus `lead`, the
 * distance of the segment's start from an address aligned to its largest block. A block of order o
 * begins at places that are multiples of 2^o, so that it lies at addresses aligned to its size; the
 * places below `lead` stand for no frame and are never free.
 *
 *      address aligned to     segment->start
 *      the largest block      |
 *      |<------- lead ------->|<-- reserved -->|<---- free blocks and runs ---->|
 *      place 0                index 0                                           frame_count
 *
 * Of a run and of a free block only the head's descriptor says something; those of its other frames
 * are zero, and the head is found by trying the aligned places below (a run cut from one block
 * begins where the block began). Runs that begin anywhere else have links: there each frame leads
 * back to the head. So taking or giving a block costs the same whatever its size. A block in a
 * cache is a run without references.
 *
 * A run on its way from or to the free ones is *going*: nobody but who moves it may touch it, and
 * so it can be wiped without the lock.
 */
#ifndef COFFER_MEMORY_FRAMES_TABLE_H
#define COFFER_MEMORY_FRAMES_TABLE_H

#include <stdatomic.h>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/list.h"
#include "memory/frames/frames.h"

#define FRAME_HEAD        0x01u /* the first frame of a run */
#define FRAME_LINK        0x02u /* `run` frames after its head */
#define FRAME_PIECED      0x04u /* with FRAME_HEAD: the run's other frames are FRAME_LINK */
#define FRAME_FREE        0x04u /* alone: the first frame of a free block, with its order: */
#define FRAME_ORDER_SHIFT 3
#define FRAME_BLOCK       0x08u /* with FRAME_HEAD: the run is one whole block */
#define FRAME_KEPT        0x30u /* with FRAME_HEAD: enum frames_keep, shifted */
#define FRAME_KEPT_SHIFT  4
#define FRAME_TAGGED      0x40u /* with FRAME_HEAD: frames of the run may have tags */
#define FRAME_GOING       0x80u /* with FRAME_HEAD */

/* One a frame, in the memory itself. A frame's address and segment follow from its place here. */
struct frame {
    uint32_t run; /* frames in the run; the distance to its head; free: the next block's index */
    union {
        struct {
            uint8_t flags;
            uint8_t owner;
            uint16_t references;
        };
        uint32_t state; /* these three at once; free: FRAME_FREE and the previous block's index */
    };
};

_Static_assert(sizeof(struct frame) == 8, "descriptors are what every frame costs");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the flags are the state's lowest byte");
_Static_assert(FRAMES_TOTAL_MAX + FRAMES_ORDER_COUNT <= 1u << 24, "an index has three bytes");

/* The state of a block in use with one reference: these bits, and the owner. */
#define FRAME_BLOCK_STATE (FRAME_HEAD | FRAME_BLOCK | 1u << 16)
#define FRAME_OWNER_SHIFT 8
#define FRAME_OWNER_BITS  0xff00u

static inline uint8_t frame_free_flags(unsigned order)
{
    return (uint8_t)(FRAME_FREE | order << FRAME_ORDER_SHIFT);
}

static inline uint32_t frame_free_state(unsigned order, uint32_t previous)
{
    return frame_free_flags(order) | previous << 8;
}

static inline uint32_t frame_previous(const struct frame *frame)
{
    return frame->state >> 8;
}

/* The order of the free block whose head this is, or -1. */
static inline int frame_free_order(const struct frame *frame)
{
    return (frame->flags & (FRAME_HEAD | FRAME_LINK | FRAME_FREE)) == FRAME_FREE
               ? frame->flags >> FRAME_ORDER_SHIFT
               : -1;
}

/* What searches have found: `least` neighbouring free frames, or more, begin at an index from
 * `begin` up to `end` only, if anywhere. */
struct rows {
    uint32_t least;
    uint32_t begin;
    uint32_t end;
};

struct segment {
    uint8_t *start;
    uint64_t frame_count;
    _Atomic uint32_t *tags; /* one a frame; with FRAMES_TAG_KEPT */
    struct frame *table;    /* one a frame */
    struct frame *rings;    /* one an order, behind the table: buddy.h */
    uint64_t *clean;        /* a bit a frame: it was wiped since the start */
    uint32_t lead;
    uint32_t nonempty; /* bit o: there are free blocks of order o */
    uint32_t reserved_count;
    uint32_t unclean_count;
    uint32_t first_number; /* of its first frame, counting through all segments */
    uint32_t order_count;
    struct rows rows;
};

/* Who is told how many frames are free: frames_set_watermarks. */
struct watch {
    bool (*function)(void *context, enum frames_level level);
    void *context;
    uint64_t low;
    uint64_t high;
    uint64_t low_events;
    struct list askers; /* threads of which a call with FRAMES_NONE is under way (watch.c) */
    bool is_low;
    bool telling; /* a call with another level is under way */
};

/* A stack of free blocks of one order that are kept whole, by number: with threads, of the single
 * frames that a thread keeps for itself; without, of the first segment's blocks of an order that
 * were given last. */
struct frame_cache {
    uint32_t count;
    uint32_t limit; /* of `count` */
    uint32_t numbers[];
};

/* Without threads: so many blocks of an order, and a part of the memory, are not merged for now. */
#define FRAME_CACHE_BLOCKS 14u
#define FRAME_CACHE_PART   64u

/* A descriptor's state while its block is in a cache. */
#define FRAME_CACHED_STATE (FRAME_HEAD | FRAME_BLOCK)

struct frames {
    struct account *account; /* its lock is the frames' */
    uint64_t quick_count;    /* frames of the first segment; 0 while every give has to look up */
    uint64_t quick_takes;    /* frames of the largest run that may be taken quickly; 0: none */
    const struct coffer_port *port; /* NULL: one thread */
    uint8_t *caches;                /* struct frame_cache, one a thread or an order */
    unsigned cache_count;
    unsigned cache_blocks; /* at most, in each */
    unsigned segment_count;
    struct owner self; /* of the metadata */
    bool keep_contents;
    struct watch watch;
    struct segment segments[]; /* by address */
};

static inline void *segment_address(const struct segment *segment, uint32_t index)
{
    return segment->start + (size_t)index * FRAME_SIZE;
}

/* The segment that an address lies in, NULL for none; and its frame there. */
static inline const struct segment *frames_find(const struct frames *frames, const void *address,
                                                uint32_t *index)
{
    const struct segment *segment = frames->segments;
    const struct segment *end = segment + frames->segment_count;

    do {
        uint64_t offset = ((uintptr_t)address - (uintptr_t)segment->start) / FRAME_SIZE;

        if (offset < segment->frame_count) {
            *index = (uint32_t)offset;
            return segment;
        }
    } while (++segment < end);
    return NULL;
}

/* The same for who changes it. */
static inline struct segment *frames_find_segment(struct frames *frames, const void *address,
                                                  uint32_t *index)
{
    const struct segment *segment = frames_find(frames, address, index);

    return segment == NULL ? NULL : &frames->segments[segment - frames->segments];
}

static inline size_t frame_cache_size(unsigned blocks)
{
    return sizeof(struct frame_cache) + blocks * sizeof(uint32_t);
}

/* A cache by its number, and the order of its blocks. */
static inline struct frame_cache *frames_cache(const struct frames *frames, unsigned number)
{
    return (struct frame_cache *)(void *)(frames->caches +
                                          number * frame_cache_size(frames->cache_blocks));
}

static inline unsigned frames_cache_order(const struct frames *frames, unsigned number)
{
    return frames->port == NULL ? number : 0;
}

/* The cache for blocks of 2^order = `count` frames, without threads. */
static inline struct frame_cache *frames_cache_of(const struct frames *frames, uint64_t count)
{
    return (struct frame_cache *)(void *)(frames->caches +
                                          bits_log2_down(count) *
                                              frame_cache_size(FRAME_CACHE_BLOCKS));
}

/* The head of the run that a frame is in; false when it is in none. O(orders). */
bool segment_find_head(const struct segment *segment, uint32_t index, uint32_t *head);

/* Is this the first frame of a block in a cache? */
static inline bool frame_is_cached(const struct frame *frame)
{
    return (frame->flags & FRAME_HEAD) != 0 && frame->references == 0;
}

/* Which takes and gives may go the short way is settled anew: after a start, and whenever a level
 * was crossed. */
void frames_set_pace(struct frames *frames);

/* At the end of a call, without the lock: tell of levels that were crossed (watch.c). */
void frames_watch(struct frames *frames);

/* The slot of the calling thread. */
static inline unsigned frames_slot(const struct frames *frames)
{
    return frames->port == NULL ? 0 : frames->port->thread_slot(frames->port->context);
}

#endif
