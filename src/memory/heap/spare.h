/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spare pools: blocks for owners, each in a magazine of its own. Any thread may call; who is in a
 * magazine holds its lock, which also guards what pools count on the owner's line of the account.
 * It is given up while frames are taken or given and while anybody is told something.
 */
#ifndef COFFER_MEMORY_HEAP_SPARE_H
#define COFFER_MEMORY_HEAP_SPARE_H

#include "memory/heap/parts.h"

/* coffer_pool_free of a spare pool. */
COFFER_MUST_CHECK enum coffer_status spare_free(struct coffer_pool *pool, void *block);

/* Give the spans without blocks of all magazines home. How many frames they were. */
size_t spare_trim(struct coffer_pool *pool);

#endif
