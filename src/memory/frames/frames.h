/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: the frames of secure memory, and the buddy allocator over them.
 *
 * Start-up (frames_start, boot.h). The caller gives areas of any address and size. Each is trimmed
 * inward to whole frames; the boot allocator then cuts the frame table, the tags and this structure
 * itself from the front of them. What is left of an area is one segment. Not one byte outside the
 * areas is ever touched.
 *
 * Buddy. The free blocks of a segment stand in one ring an order, through descriptors in the frame
 * table; a bitmap tells which orders have any. Nothing is ever written into a free frame but zeros.
 * Blocks are aligned to their size in address space. A run of n frames that is not a power of two
 * gives its tail back; a run longer than the largest block, or one that no block can hold, is put
 * together from neighbouring free ones. The blocks that were given last wait whole in caches for
 * the next take of their size (caches.c); whoever finds nothing else has them merged first.
 *
 * Invariants
 *   F1 Every frame is reserved, free, or in exactly one run; its descriptor says which.
 *   F2 A free block is in the ring of its order only, and its buddy is not wholly free in the same
 *      order (else they would be one block). Blocks in caches are free, and in no ring.
 *   F3 A run is freed by the address of its head alone, and only once: anything else is refused
 *      with COFFER_MISUSE and counted in the account. Of two threads that give one, one succeeds.
 *   F4 Frames are wiped when they are given back (option, default on), and then zero when taken.
 *   F5 A frame has a tag that isn't 0 only while it is in a run.
 *   F6 No owner takes a frame beyond its quota, and no peak and no level is missed.
 *   F7 Where no search looks any more there is no row of free frames that is long enough for it.
 *
 * Complexity: take and give are O(orders); only a run that no single block can hold walks the
 * blocks of a segment, and only those beside frames that were given since a walk for as many found
 * nothing. Locking: the account's lock, held for a bounded time (runs.h) and never while frames are
 * wiped or somebody is told something. Without threads it costs nothing: with contents kept, a take
 * and a give that pass no mark go a short way of about fifty instructions each.
 */
#ifndef COFFER_MEMORY_FRAMES_H
#define COFFER_MEMORY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/account/account.h"
#include "port/port.h"

#define FRAME_SIZE         4096u
#define FRAMES_AREAS_MAX   8u
#define FRAMES_ORDER_COUNT 11u /* blocks of 2^0 .. 2^10 frames: 4 KiB .. 4 MiB */
#define FRAMES_CACHE_MAX   256u

#define FRAMES_TOTAL_MAX (((uint64_t)1 << 24) - 16) /* almost 64 GiB in all areas together */

struct memory_area {
    void *address;
    size_t size; /* bytes */
};

struct frames; /* lives in the memory it manages */

struct frames_settings {
    /* Don't wipe: a run's contents are then what its last user left, or what was there before. */
    bool keep_contents;

    /* With threads, every call may come from any of them. NULL: there is one. */
    const struct coffer_port *port;

    /* Single frames that a thread may keep for itself, 0 .. FRAMES_CACHE_MAX. They are free, and
     * given back when others run short. They save splitting and merging, not the lock, under which
     * quotas and levels stay exact. Without threads this says nothing: a few blocks of each order
     * are kept whole then. */
    unsigned cache_frames;
};

/* Wipe every frame and forget the areas. */
void frames_fini(struct frames *frames);

/* A run of `count` (> 0) contiguous frames, zeroed (F4), with one reference. COFFER_NO_MEMORY, also
 * beyond the owner's quota; COFFER_MISUSE for no frames or an owner that is not open. */
COFFER_MUST_CHECK enum coffer_status frames_take(struct frames *frames, struct owner owner,
                                                 size_t count, void **out);

/* One at an address that is a multiple of `alignment` frames, a power of two (COFFER_MISUSE). */
COFFER_MUST_CHECK enum coffer_status frames_take_aligned(struct frames *frames, struct owner owner,
                                                         size_t count, size_t alignment,
                                                         void **out);

/* One more reference to the run whose head is at `address`. COFFER_MISUSE when there is none;
 * COFFER_NO_MEMORY at 65,535 references, which are all that can be counted. */
COFFER_MUST_CHECK enum coffer_status frames_hold(struct frames *frames, void *address);

/* Give one reference back; with the last one the run is wiped and free. COFFER_MISUSE: see F3. */
COFFER_MUST_CHECK enum coffer_status frames_give(struct frames *frames, void *address);

/* The same for those who may not give runs with tags (COFFER_MISUSE). The long way only: see
 * memory/frames/quick.h. */
COFFER_MUST_CHECK enum coffer_status frames_give_untagged(struct frames *frames, void *address);

/* What the frame under any address is; `found` is false for an address of no area. */
struct frame_info {
    bool found;
    bool reserved; /* metadata */
    bool free;
    struct owner owner;  /* of a run */
    uint16_t references; /* of a run */
    uint32_t run;        /* frames in the run */
    uint32_t offset;     /* of this frame in the run */
    uint32_t tag;        /* of this frame, see frames_set_tag */
    void *head;          /* address of the run's first frame */
    unsigned segment;
    unsigned order; /* of the free block that begins here */
};

/* For any address at all. O(orders). A run that another thread just gives may have no head. */
struct frame_info frames_query(const struct frames *frames, const void *address);

/*
 * Mark `count` (> 0) frames from the one at `address` on, all of one run, with a number of their
 * owner's, below FRAMES_TAG_KEPT; 0, as at first, is no mark. frames_tag (memory/frames/lookup.h)
 * reads it. The marks go with the run. COFFER_MISUSE when the frames aren't in one run, not
 * counted.
 */
COFFER_MUST_CHECK enum coffer_status frames_set_tag(struct frames *frames, void *address,
                                                    size_t count, uint32_t tag);

/* Set in what frames_tag gives for the frames of an allocator, see memory/frames/kept.h. */
#define FRAMES_TAG_KEPT 0x80000000u

enum frames_level {
    FRAMES_HIGH, /* there are as many free frames as the high watermark again, after FRAMES_LOW */
    FRAMES_LOW,  /* fewer free frames than the low watermark */
    FRAMES_NONE, /* a take finds no frames */
};

/*
 * Have `function` told how many frames are free: FRAMES_LOW once when they fall below `low`, then
 * FRAMES_HIGH once when they are `high` or more, and so on; and FRAMES_NONE by a take that is about
 * to fail (not by frames_try_kept), which tries again if it returns true (what it returns otherwise
 * says nothing), and tells it again, as long as more becomes free (kept.h). It is called outside
 * the lock by the thread that took or gave, at the end of its call, and may call all of frames.h;
 * from inside it no take asks again, and levels that were crossed meanwhile are told when it has
 * returned. 0 for `low`: no levels; NULL: nobody is told. COFFER_MISUSE: `low` above `high`, or
 * that above all there is. Set it before other threads come.
 */
COFFER_MUST_CHECK enum coffer_status
frames_set_watermarks(struct frames *frames, uint64_t low, uint64_t high,
                      bool (*function)(void *context, enum frames_level level), void *context);

struct frames_statistics {
    unsigned segments;
    uint64_t total;    /* frames of all areas */
    uint64_t reserved; /* of them, metadata */
    uint64_t free;
    uint64_t cached;                          /* of the free ones, in caches */
    uint64_t low, high;                       /* watermarks; 0: nobody is told */
    uint64_t low_events;                      /* times that FRAMES_LOW was reached */
    uint64_t largest_run;                     /* frames in the largest run that can be had */
    uint64_t free_blocks[FRAMES_ORDER_COUNT]; /* free blocks by order */
};

/* Walks the blocks and runs; others get the lock in between, so that what it says of blocks may be
 * of different moments. */
struct frames_statistics frames_statistics(const struct frames *frames);

/* Do F1, F2, F5 and F7 hold everywhere, and the account with them? Walks all descriptors with the
 * lock: for tests. */
bool frames_is_valid(const struct frames *frames);

#endif
