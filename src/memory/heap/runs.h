/* SPDX-License-Identifier: BSD-2-Clause */
/* Large blocks: whole frames, one run each. */
#ifndef COFFER_MEMORY_HEAP_RUNS_H
#define COFFER_MEMORY_HEAP_RUNS_H

#include "memory/heap/parts.h"

/* A zeroed block of `size` bytes at a multiple of `alignment`, charged to `owner` (NULL: to the
 * sources' own). NULL: no memory. */
void *run_alloc(struct coffer_pool *pool, const struct owner *owner, size_t size, size_t alignment);

/* Give an allocated block's frames back. It must be marked with run_claim first: of two threads
 * that free it at once, one does. */
COFFER_MUST_CHECK bool run_claim(struct coffer_pool *pool, struct part *part, const void *block);
void run_free(struct coffer_pool *pool, struct part *part);

/* What an allocated block can hold, and its alignment as asked for. False: none begins there. */
bool run_find(struct coffer_pool *pool, struct part *part, const void *block, size_t *size,
              size_t *alignment);

#endif
