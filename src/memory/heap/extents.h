/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks from 1 KiB up to what an area holds: two-level segregated fit with a bounded search. It
 * is the middle part of the fast policy, between spans and whole frames.
 *
 * Memory comes in areas, any number. The front of an area has its head and a tag for each *cell* of
 * 1 KiB; the blocks follow. A block has 1 KiB at least, so no
 * two blocks begin in the same cell, and the cell's tag describes the one that does: where in the
 * cell it begins (a multiple of 64 bytes), how long it is, whether it is allocated, and, if it is
 * free, its place in a list. One tag of 24 bytes per KiB (2.3 %) thus serves blocks whose sizes are
 * multiples of 64 bytes, and nothing is ever written into a block.
 *
 * Free blocks are listed by class: powers of two, each in 16 equal parts. A bitmap finds the next
 * class all of whose blocks are large enough. Before that the first block of the request's own
 * class is looked at, where some may be large enough and some not; that alone wins 1 % of memory.
 *
 * Invariants
 *   E1 From an area's first block, each block ends where the next one begins, the last at the
 *      area's end. All tags but theirs are empty.
 *   E2 Of two neighbours one is allocated: a block that is freed merges with free neighbours.
 *   E3 A block's tag has the size of the block before if that one is free, else 0.
 *   E4 A free block is on the list of its class, once; an allocated one is on none.
 *   E5 A class's bit is set exactly when its list isn't empty.
 *   E6 A free is accepted only for the first byte of an allocated block of the area; any other
 *      (double, interior, foreign, misaligned) is COFFER_MISUSE and changes nothing.
 *
 * Complexity: O(1) but where it is said. Lifetime: areas may come and go at any time. Locking:
 * none; the owner serialises calls. Nothing here zeroes blocks or charges anybody.
 */
#ifndef COFFER_MEMORY_HEAP_EXTENTS_H
#define COFFER_MEMORY_HEAP_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coffer/status.h"
#include "memory/heap/blocks.h"

#define EXTENTS_GRANULE  64u   /* bytes: the unit of sizes, and the alignment of every block */
#define EXTENTS_SIZE_MIN 1024u /* bytes: the smallest block, and a cell */
#define EXTENTS_AREA_MAX ((size_t)1 << 30)                    /* bytes of one area */
#define EXTENTS_SIZE_MAX (EXTENTS_AREA_MAX - EXTENTS_GRANULE) /* no block is larger */

#define EXTENTS_CLASS_COUNT 320u /* 20 powers of two, 1 KiB to 1 GiB, in 16 parts each */
#define EXTENTS_WORD_COUNT  (EXTENTS_CLASS_COUNT / 64 + 1) /* the last one stays empty */

struct extents_area; /* lies in the front of the area's memory */
struct extents_tag;

struct extents {
    struct list areas;
    uint64_t free_count; /* blocks */
    uint64_t used_count;
    uint64_t granule_count; /* in all blocks, allocated and free */
    uint64_t used_granule_count;
    uint64_t words;                      /* a bit for each word of `filled` that isn't zero */
    uint64_t filled[EXTENTS_WORD_COUNT]; /* a bit for each list that isn't empty */
    struct extents_tag *lists[EXTENTS_CLASS_COUNT]; /* first blocks */
};

/* No areas yet. The structure may not move. */
void extents_init(struct extents *extents);

/*
 * Manage the memory at `address` (any address and size; not one byte outside is touched) from now
 * on. COFFER_MISUSE: it doesn't hold a block, or is larger than EXTENTS_AREA_MAX. Clears the tags.
 */
COFFER_MUST_CHECK enum coffer_status extents_add_area(struct extents *extents, void *address,
                                                      size_t size, struct extents_area **out);

/* Bytes that an area at any address needs in order to hold a block of `size` bytes at a multiple of
 * `alignment`; 0 when no area can. */
size_t extents_area_size(size_t size, size_t alignment);

/* Forget an area. COFFER_BUSY while a block of it is allocated; COFFER_MISUSE when it is another
 * one's or was removed before. */
COFFER_MUST_CHECK enum coffer_status extents_remove_area(struct extents *extents,
                                                         struct extents_area *area);

/* Is nothing of the area allocated? */
bool extents_area_is_free(const struct extents_area *area);

/* A block of `size` (> 0) bytes at least, and the area that it is in. COFFER_NO_MEMORY;
 * COFFER_MISUSE for no bytes. */
COFFER_MUST_CHECK enum coffer_status extents_alloc(struct extents *extents, size_t size, void **out,
                                                   struct extents_area **out_area);

/* The same at a multiple of `alignment`, a power of two (COFFER_MISUSE if not). What is left before
 * and behind the block is free, but for a rest of less than EXTENTS_SIZE_MIN behind it. */
COFFER_MUST_CHECK enum coffer_status extents_alloc_aligned(struct extents *extents, size_t size,
                                                           size_t alignment, void **out,
                                                           struct extents_area **out_area);

/* COFFER_MISUSE: see E6. */
COFFER_MUST_CHECK enum coffer_status extents_free(struct extents *extents,
                                                  struct extents_area *area, void *block);

/* Change a block's size (> 0) where it is: the tail becomes free, or is taken from the free block
 * behind. COFFER_NO_MEMORY when there isn't enough; COFFER_MISUSE as for free. */
COFFER_MUST_CHECK enum coffer_status
extents_resize(struct extents *extents, struct extents_area *area, void *block, size_t size);

/* Bytes that an allocated block of the area can hold; 0 for any other address. */
size_t extents_usable_size(const struct extents_area *area, const void *block);

/* The largest size that extents_alloc can satisfy now: the one that a search would find. A longer
 * block may be free if it isn't the first of its class; it is less than 1/16 longer. */
size_t extents_largest(const struct extents *extents);

struct blocks_statistics extents_statistics(const struct extents *extents);

/* Every block, area after area, in order of address within each. False when it was stopped. */
bool extents_walk(const struct extents *extents, const struct blocks_visitor *visitor);

/* Do E1 to E5 hold, and do the counts agree? `problem` (may be NULL) is told what doesn't. Walks
 * everything, and never beyond an area whatever is in the tags. */
bool extents_is_valid(const struct extents *extents, const char **problem);

#endif
