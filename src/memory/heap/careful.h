/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools with options, and little pools: one lock for all of it, and what the options do to a block
 * when it is freed and when it is allocated again.
 */
#ifndef COFFER_MEMORY_HEAP_CAREFUL_H
#define COFFER_MEMORY_HEAP_CAREFUL_H

#include "memory/heap/alloc.h"
#include "memory/heap/quarantine.h"

/* The lock; in a fast pool it is that of the magazine, which is the result. */
struct magazine *careful_enter(struct coffer_pool *pool);
void careful_leave(struct coffer_pool *pool);

COFFER_MUST_CHECK enum coffer_status careful_alloc(struct coffer_pool *pool,
                                                   const struct request *request, void **out);
COFFER_MUST_CHECK enum coffer_status careful_free(struct coffer_pool *pool, void *block);

/* Let all blocks out of quarantine. Inside of the lock. */
void careful_release_all(struct coffer_pool *pool);

/* The number of the next block; `random` must be on. */
uint64_t pool_random(struct coffer_pool *pool);

#endif
