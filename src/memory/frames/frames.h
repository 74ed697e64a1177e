/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: the frames of secure memory, and the buddy allocator over them.
 *
 * Start-up. The caller gives areas of any address and size. Each is trimmed inward
 * to whole frames; the boot allocator then cuts the frame table, the bitmaps and this structure
 * itself from the front of them. What is left of an area is one segment. Not one byte outside the
 * areas is ever touched.
 *
 * Buddy. Per segment and order there is a bitmap of free blocks (with summary levels
 * above it, so that the first free block is found in a fixed number of steps); there are no lists
 * and nothing is ever written into a free frame. Blocks are aligned to their size in address
 * space. A run of n frames that is not a power of two gives its tail back; a run longer than the
 * largest block is put together from neighbouring free ones.
 *
 * Invariants
 *   F1 Every frame is reserved, free, or in exactly one run; its descriptor says which.
 *   F2 A free block of order o is marked in the bitmap of order o only, and its buddy is not
 *      wholly free in the same order (else they would be one block).
 *   F3 A run is freed by the address of its head alone, and only once: anything else is refused
 *      with COFFER_MISUSE and counted in the account.
 *   F4 Frames are wiped when they are given back (option, default on), and zero when taken.
 *
 * Complexity: take and give are O(orders); only a run that no single block can hold walks the
 * blocks of a segment. Locking: none; the owner of the memory serialises calls.
 */
#ifndef COFFER_MEMORY_FRAMES_H
#define COFFER_MEMORY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/account/account.h"

#define FRAME_SIZE         4096u
#define FRAMES_AREAS_MAX   8u
#define FRAMES_ORDER_COUNT 11u /* blocks of 2^0 .. 2^10 frames: 4 KiB .. 4 MiB */

#define FRAMES_TOTAL_MAX ((uint64_t)1 << 26) /* 256 GiB in all areas together */

struct memory_area {
    void *address;
    size_t size; /* bytes */
};

struct frames; /* lives in the memory it manages */

/*
 * Take over the areas. They may be given in any order but must not overlap (COFFER_MISUSE), and
 * together hold the metadata and one frame at least (COFFER_NO_MEMORY); an area without a whole
 * frame is left alone. COFFER_MISUSE too for no area or more than FRAMES_AREAS_MAX, one that ends
 * beyond the address space, and more than FRAMES_TOTAL_MAX in all. A start that fails writes
 * nothing. `account` counts from here on, with an owner "frames" for the metadata, and must stay;
 * `keep_contents` leaves out wiping on give.
 */
COFFER_MUST_CHECK enum coffer_status frames_init(const struct memory_area *areas, size_t count,
                                                 bool keep_contents, struct account *account,
                                                 struct frames **out);

/* Wipe every frame and forget the areas. */
void frames_fini(struct frames *frames);

/* A run of `count` (> 0) contiguous frames, zeroed, with one reference. COFFER_NO_MEMORY;
 * COFFER_MISUSE for no frames or an owner that was not opened. */
COFFER_MUST_CHECK enum coffer_status frames_take(struct frames *frames, struct owner owner,
                                                 size_t count, void **out);

/* One more reference to the run whose head is at `address`. COFFER_MISUSE when there is none;
 * COFFER_NO_MEMORY at 65,535 references, which are all that can be counted. */
COFFER_MUST_CHECK enum coffer_status frames_hold(struct frames *frames, void *address);

/* Give one reference back; with the last one the run is wiped and free. COFFER_MISUSE: see F3. */
COFFER_MUST_CHECK enum coffer_status frames_give(struct frames *frames, void *address);

/* Give back the tail of a run with one reference, keeping its first `count` (> 0) frames; all of
 * them is fine. COFFER_MISUSE, counted, when it isn't such a run or has fewer. */
COFFER_MUST_CHECK enum coffer_status frames_trim(struct frames *frames, void *address,
                                                 size_t count);

/* What the frame under any address is; `found` is false for an address of no area. */
struct frame_info {
    bool found;
    bool reserved; /* metadata */
    bool free;
    struct owner owner;  /* of a run */
    uint16_t references; /* of a run */
    uint32_t run;        /* frames in the run */
    uint32_t offset;     /* of this frame in the run */
    uint32_t tag;        /* the owner's own number for the run, see frames_set_tag */
    void *head;          /* address of the run's first frame */
    unsigned segment;
    unsigned order; /* of the free block that begins here */
};

/* For any address at all. O(orders). */
struct frame_info frames_query(const struct frames *frames, const void *address);

/* A number that the owner hangs on a run, 0 at first; `address` must be a run's head. */
void frames_set_tag(struct frames *frames, void *address, uint32_t tag);

struct frames_statistics {
    unsigned segments;
    uint64_t total;    /* frames of all areas */
    uint64_t reserved; /* of them, metadata */
    uint64_t free;
    uint64_t largest_run;                     /* frames in the largest run that can be had */
    uint64_t free_blocks[FRAMES_ORDER_COUNT]; /* free blocks by order */
};

/* Walks the blocks and runs. */
struct frames_statistics frames_statistics(const struct frames *frames);

/* Do F1 and F2 hold everywhere? Walks all descriptors. */
bool frames_is_valid(const struct frames *frames);

#endif
