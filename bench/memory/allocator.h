/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator that a child program measures. Which one is said when it is compiled, so that the
 * workloads' code is the same for all and the calls in it are the ones that a user would write:
 *
 *   ALLOCATOR_NONE    nothing at all: the price of the loops
 *   ALLOCATOR_MALLOC  malloc and free of whichever library the process was given
 *   ALLOCATOR_POOL    a pool
 *   ALLOCATOR_BOXES   boxes; sizes mean nothing to them but the first
 *   ALLOCATOR_FRAMES  frames; a size is a number of frames
 */
#ifndef BENCH_MEMORY_ALLOCATOR_H
#define BENCH_MEMORY_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(ALLOCATOR_POOL) || defined(ALLOCATOR_BOXES) || defined(ALLOCATOR_FRAMES)
#include "coffer/memory.h"
#define ALLOCATOR_COFFER
#endif

#include "memory/child.h"

/* What it has to serve, and how it is set up. */
struct setup {
    const char *options; /* words with commas between them; see allocator_coffer.c */
    size_t block_count;  /* at any one time, of all threads */
    size_t block_size;   /* the mean */
    size_t region_size;  /* 0: as much memory as that takes. Otherwise all there is */
};

void allocator_open(const struct setup *setup);

/* Everything must be free again. */
void allocator_close(void);

/* --- Taking and giving. What comes out is looked at once, in the shape that the allocator tells
 * it: false when there is no more. */

#if defined(ALLOCATOR_NONE)

extern char allocator_nothing[];

static inline bool take(size_t size, void **out)
{
    void *block = allocator_nothing;

    /* The compiler can't know what comes out, or that nobody looked at the size. */
    __asm__ volatile("" : "+r"(block) : "r"(size) : "memory");
    *out = block;
    return block != NULL;
}

static inline void give(void *block)
{
    __asm__ volatile("" : : "r"(block) : "memory");
}

#elif defined(ALLOCATOR_MALLOC)

static inline bool take(size_t size, void **out)
{
    *out = malloc(size);
    return *out != NULL;
}

static inline void give(void *block)
{
    free(block);
}

#elif defined(ALLOCATOR_POOL)

extern struct coffer_pool *allocator_pool;

static inline bool take(size_t size, void **out)
{
    return coffer_pool_alloc(allocator_pool, size, out) == COFFER_OK;
}

static inline void give(void *block)
{
    if (coffer_pool_free(allocator_pool, block) != COFFER_OK)
        child_fail("a block was refused");
}

#elif defined(ALLOCATOR_BOXES)

extern struct coffer_boxes *allocator_boxes;

static inline bool take(size_t size, void **out)
{
    (void)size;
    return coffer_box_alloc(allocator_boxes, out) == COFFER_OK;
}

static inline void give(void *block)
{
    if (coffer_box_free(allocator_boxes, block) != COFFER_OK)
        child_fail("a box was refused");
}

#elif defined(ALLOCATOR_FRAMES)

extern struct coffer_memory *allocator_memory;

static inline bool take(size_t size, void **out)
{
    return coffer_frames_take(allocator_memory, (struct coffer_owner){0}, size, 0, out) ==
           COFFER_OK;
}

static inline void give(void *block)
{
    if (coffer_frames_give(allocator_memory, block) != COFFER_OK)
        child_fail("a run was refused");
}

#endif

/* A block that somebody uses: its first word is written, as any program would sooner or later.
 * Without it allocators that keep their lists inside free blocks would pay for a block's first
 * touch and others would not. */
static inline void *take_used(size_t size)
{
    void *block;

    if (!take(size, &block))
        child_fail("there is no more memory");
    *(uint64_t *)block = size;
    return block;
}

#endif
