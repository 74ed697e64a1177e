/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of middle sizes: areas of frames for the two-level allocator (extents.h). */
#ifndef COFFER_MEMORY_HEAP_AREAS_H
#define COFFER_MEMORY_HEAP_AREAS_H

#include "memory/heap/extents.h"
#include "memory/heap/parts.h"

#define AREA_BLOCK_MAX 65536u /* bytes of the largest block */

/* A block, in a new area if need be; alignment is at most a frame's size. NULL: no memory. */
void *area_alloc(struct coffer_pool *pool, size_t size, size_t alignment);

/* The whole of an allocation of up to AREA_BLOCK_MAX bytes, from an area if that has room. */
COFFER_MUST_CHECK enum coffer_status area_take(struct coffer_pool *pool, size_t size, void **out);

/* COFFER_MISUSE when no allocated block of the area begins there. *retired: an area that is to be
 * given back now, or NULL. */
COFFER_MUST_CHECK enum coffer_status area_free(struct coffer_pool *pool, struct part *part,
                                               void *block, struct part **retired);

/* The whole of a free: the block counted, a retired area given back, and what is wrong refused. */
COFFER_MUST_CHECK enum coffer_status area_release(struct coffer_pool *pool, void *block,
                                                  struct part *part);

/* Give a retired area's frames back. How many. */
size_t area_give(struct coffer_pool *pool, struct part *part);

/* Another size (> 0) where the block is. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status area_resize(struct coffer_pool *pool, struct part *part,
                                                 void *block, size_t size);

/* 0 when no allocated block begins there. */
size_t area_usable_size(struct coffer_pool *pool, struct part *part, const void *block);

/* Give the area that is kept although it is free home. How many frames it was. */
size_t areas_trim(struct coffer_pool *pool);

#endif
