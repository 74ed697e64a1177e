/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dynamic pool over frames: blocks of any size for one owner each.
 *
 * Small sizes (up to HEAP_SMALL_MAX) come from spans: a frame cut into equal blocks of one class
 * for one owner. A span's descriptor, with the bitmap of its blocks, lies beside the blocks in
 * frames of the heap's own, never in them; the frame's tag names the descriptor, so that an
 * address leads to its block in O(1). Larger sizes are runs of whole frames.
 *
 * Invariants
 *   H1 Each block belongs to one span; its bit is set exactly while it is allocated.
 *   H2 A free is accepted only for the first byte of an allocated block of this heap; every other
 *      (double, stale while the block is free, foreign, interior) is COFFER_MISUSE and counted.
 *   H3 Nothing is written into free blocks but zeros: a block is wiped when freed and zero when
 *      allocated.
 *   H4 A span without blocks gives its frame back. One empty span a class and owner may stay, and
 *      of all frames at most one in 64.
 *
 * Locking: none; the owner of the memory serialises calls.
 */
#ifndef COFFER_MEMORY_HEAP_H
#define COFFER_MEMORY_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/frames/frames.h"

#define HEAP_ALIGNMENT 16u   /* of every block, in bytes */
#define HEAP_SMALL_MAX 2048u /* bytes; above it, whole frames */

struct heap;

/* A heap whose own descriptors are owned by `self`. */
COFFER_MUST_CHECK enum coffer_status heap_init(struct frames *frames, struct account *account,
                                               struct owner self, struct heap **out);

/* Give all frames back, also those of blocks that are still allocated. */
void heap_fini(struct heap *heap);

/* Give the frames of empty spans back; false when there were none. A shortage in heap_alloc does
 * it by itself; whoever takes frames directly can ask for it. Costs a look at every list. */
bool heap_shrink(struct heap *heap);

/* A zeroed block of at least `size` (> 0) bytes. COFFER_NO_MEMORY; COFFER_MISUSE for no bytes or
 * an owner that was not opened. */
COFFER_MUST_CHECK enum coffer_status heap_alloc(struct heap *heap, struct owner owner, size_t size,
                                                void **out);

/* Free a block; COFFER_MISUSE when it isn't one (H2). NULL is refused too. */
COFFER_MUST_CHECK enum coffer_status heap_free(struct heap *heap, void *block);

/* Bytes that the block can hold: the size of its class, or whole frames. 0 when it isn't one. */
size_t heap_usable_size(const struct heap *heap, const void *block);

struct heap_statistics {
    uint64_t blocks; /* allocated now */
    uint64_t bytes;  /* at the size of their classes */
    uint64_t spans;
    uint64_t large_runs;
};

struct heap_statistics heap_statistics(const struct heap *heap);

/* Do H1 and H4 hold everywhere? Walks all spans. */
bool heap_is_valid(const struct heap *heap);

#endif
