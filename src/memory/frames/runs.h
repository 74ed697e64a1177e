/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs on the long way: with the lock, the caches of threads, wiping, quotas and levels. What the
 * calls of frames.h and kept.h are made of.
 *
 * The lock is held for a bounded time: for the orders, for the frames of the run that is moved (its
 * links, a bit of each), or for BUDDY_SCAN_MAX blocks; and never while frames are wiped.
 */
#ifndef COFFER_MEMORY_FRAMES_RUNS_H
#define COFFER_MEMORY_FRAMES_RUNS_H

#include "memory/frames/buddy.h"

/* A run of an owner that is open, at the first try. `flags`: FRAME_KEPT and FRAME_TAGGED or none.
 * *is_short: there are no such frames (and it isn't the quota). */
COFFER_MUST_CHECK enum coffer_status frames_run_try(struct frames *frames, struct owner owner,
                                                    size_t count, uint64_t alignment,
                                                    unsigned flags, bool *is_short, void **out);

/* The same; before it fails for want of frames it asks for some and tries again. */
COFFER_MUST_CHECK enum coffer_status frames_run_take(struct frames *frames, struct owner owner,
                                                     size_t count, uint64_t alignment,
                                                     unsigned flags, void **out);

/* With the lock: the ordinary run whose head is at `address` and that isn't going; NULL when there
 * is none. */
struct segment *frames_run_find(struct frames *frames, const void *address, uint32_t *index);

/* With the lock held, which is given up: the last reference to a run is gone. */
void frames_run_end(struct frames *frames, struct segment *segment, uint32_t index);

/* Tags of a run's frames. */
void frames_run_set_tags(struct segment *segment, uint32_t index, uint32_t count, uint32_t tag);

/* All caches are empty (caches.c). */
void frames_cache_init(struct frames *frames);

/* Are there caches for blocks of an order? Those of threads are for single frames. */
static inline bool frames_cache_is_for(const struct frames *frames, unsigned order)
{
    return order == 0 ? frames->cache_count > 0 : frames->port == NULL;
}

/* With the lock, for an order that has caches: a block from the cache of a thread, which is filled
 * if it is empty, or of the order; false when that has none. */
COFFER_MUST_CHECK bool frames_cache_take(struct frames *frames, unsigned slot, unsigned order,
                                         struct segment **segment, uint32_t *index);

/* With the lock, for an order that has caches: put a block that has no descriptor into the cache of
 * the thread or of the order; false when it can't be there. A thread's that is full gives half of
 * its frames back first. */
COFFER_MUST_CHECK bool frames_cache_give(struct frames *frames, unsigned slot, unsigned order,
                                         struct segment *segment, uint32_t index);

/* With the lock: give back what one cache holds. */
void frames_cache_drain(struct frames *frames, unsigned number);

/* With the lock: frames in all caches. */
uint64_t frames_cached(const struct frames *frames);

#endif
