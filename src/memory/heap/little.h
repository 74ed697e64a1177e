/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The little policy: best fit with the least overhead, for pools of up to 64 KiB in a region of
 * any address and size.
 *
 * The region is split in granules of 16 bytes. Two bits tell all about one: whether it is in use,
 * and whether an allocated block begins there. A third says, in the first granules of a block, with
 * what alignment it was asked. The bitmaps lie in front of the granules, so that the whole overhead
 * is a head of 16 bytes and 1/43 of the region; blocks have no heads, and free
 * memory needs none either: what is between two blocks is one free block, which is how neighbours
 * merge. An allocation looks at all free blocks and takes the smallest that fits, of equal ones the
 * one with the lowest address; the region's limit is what bounds the search.
 *
 * Invariants
 *   B1 A granule where a block begins is in use.
 *   B2 A granule in use after a free one, or the very first, begins a block.
 *   B3 Bits behind the last granule are set in the first two bitmaps; they end every search.
 *   B4 Bits of the third bitmap are set in granules in use only; an aligned block has four or more.
 *   B5 A free is accepted only for the first byte of an allocated block; any other (double,
 *      interior, foreign, misaligned) is COFFER_MISUSE and changes nothing.
 *
 * Complexity: O(granules / 64) for free and resize, and besides O(free blocks) for alloc. Lifetime:
 * the region's. Locking: none; the owner serialises calls. Nothing here zeroes blocks.
 */
#ifndef COFFER_MEMORY_HEAP_LITTLE_H
#define COFFER_MEMORY_HEAP_LITTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/heap/blocks.h"

#define LITTLE_GRANULE    16u    /* bytes: the unit of sizes, and the alignment of every block */
#define LITTLE_REGION_MAX 65536u /* bytes */

struct little; /* lies in the front of the region */

/*
 * Manage a region; not one byte outside is touched. COFFER_NO_MEMORY: it doesn't hold a block.
 * COFFER_MISUSE: larger than LITTLE_REGION_MAX, NULL, or beyond the end of the address space.
 */
COFFER_MUST_CHECK enum coffer_status little_init(void *region, size_t size, struct little **out);

/* Is the head, at the front of `size` bytes, still what little_init made of it? Then whatever else
 * was written over the bitmaps, the calls stay inside. A fixed number of steps. */
bool little_is_intact(const struct little *little, size_t size);

/* A block of `size` (> 0) bytes at least at a multiple of `alignment` (a power of two).
 * COFFER_NO_MEMORY; COFFER_MISUSE for no bytes or another alignment. */
COFFER_MUST_CHECK enum coffer_status little_alloc(struct little *little, size_t size,
                                                  size_t alignment, void **out);

/* COFFER_MISUSE: see B5. */
COFFER_MUST_CHECK enum coffer_status little_free(struct little *little, void *block);

/* Change a block's size (> 0) where it is. COFFER_NO_MEMORY when what is behind it isn't free;
 * COFFER_MISUSE as for free. */
COFFER_MUST_CHECK enum coffer_status little_resize(struct little *little, void *block, size_t size);

/* Bytes that an allocated block can hold; 0 for any other address. */
size_t little_usable_size(const struct little *little, const void *block);

/* The alignment that an allocated block was asked with, LITTLE_GRANULE at least; 0 for any other
 * address. */
size_t little_alignment(const struct little *little, const void *block);

/* The largest free block, in bytes. Looks at all of them. */
size_t little_largest(const struct little *little);

/* Looks at all blocks. */
struct blocks_statistics little_statistics(const struct little *little);

/* Every block, in order of address. False when it was stopped. */
bool little_walk(const struct little *little, const struct blocks_visitor *visitor);

/* Do B1 to B4 hold? `problem` (may be NULL) is told what doesn't. */
bool little_is_valid(const struct little *little, const char **problem);

#endif
