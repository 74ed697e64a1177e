/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of small sizes where frames are few. A span of each class would take more frames than
 * there are, and leave most of each idle. A patch is up to 16 frames under the little policy
 * (little.h): blocks of all sizes side by side, best fit, under the pool's lock.
 *
 * While the pool is tight a class has its blocks of patches, unless it already has a span with
 * room. When they have served it 255 times (less often for larger blocks: 128 KiB in all) it gets a
 * span, and is as quick as ever. But what is long past counts for little: all counts are halved
 * when patches have served 1,024 times (or 512 KiB), so that one of many classes gets none. Spare
 * pools and those with the option `random` have no patches, and no pool more than 64. Neither has
 * one that can have 10 MiB: there spans lose less in the long run, as their blocks of one size
 * don't break what is free into pieces.
 *
 * All blocks of a patch lie in its frames, and its bitmaps in front of them are the judge of every
 * free. An empty patch goes home unless it is the only one.
 */
#ifndef COFFER_MEMORY_HEAP_PATCHES_H
#define COFFER_MEMORY_HEAP_PATCHES_H

#include "memory/heap/little.h"
#include "memory/heap/parts.h"

/* The blocks of a patch, under the lock; NULL when its head was overwritten: then nothing is
 * allocated there or free. */
struct little *patch_little(const struct part *part);

/* Can the pool have so few frames more that small blocks should come from patches? (Not when it has
 * as many patches as it may.) */
bool pool_is_tight(struct coffer_pool *pool);

/* Has a pool that was just opened room for a first block? The patch for it is made. */
bool pool_can_begin(struct coffer_pool *pool);

/* A block (of up to CLASS_SIZE_MAX bytes) in any patch, or in a new one. NULL: no memory. */
void *patch_alloc(struct coffer_pool *pool, size_t size, size_t alignment);

/* A block in a patch that there is. NULL: none has room. */
void *patch_take(struct coffer_pool *pool, size_t size, size_t alignment);

/* One more patch, with room for a block. */
bool patch_add(struct coffer_pool *pool, size_t size, size_t alignment);

/* COFFER_MISUSE when no allocated block of the patch begins there. *retired: as area_free. */
COFFER_MUST_CHECK enum coffer_status patch_free(struct coffer_pool *pool, struct part *part,
                                                void *block, struct part **retired);

/* The whole of a free: the block counted, a retired patch given back, and what is wrong refused. */
COFFER_MUST_CHECK enum coffer_status patch_release(struct coffer_pool *pool, void *block,
                                                   struct part *part);

/* Give a retired patch's frames back. How many. */
size_t patch_give(struct coffer_pool *pool, struct part *part);

/* Another size (> 0) where the block is. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status patch_resize(struct coffer_pool *pool, struct part *part,
                                                  void *block, size_t size);

/* What an allocated block can hold, and its alignment as asked for. False: none begins there. */
bool patch_find(struct coffer_pool *pool, struct part *part, const void *block, size_t *size,
                size_t *alignment);

/* Give all patches without blocks home. How many frames they were. */
size_t patches_trim(struct coffer_pool *pool);

#endif
