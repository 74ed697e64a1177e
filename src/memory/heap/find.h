/* SPDX-License-Identifier: BSD-2-Clause */
/* From an address to its part and its block. */
#ifndef COFFER_MEMORY_HEAP_FIND_H
#define COFFER_MEMORY_HEAP_FIND_H

#include "memory/heap/magazines.h"

/* The part of this pool that an address lies in, by way of all segments and sources; NULL: none. */
struct part *pool_part_anywhere(struct coffer_pool *pool, const void *address);

static inline struct part *pool_part(struct coffer_pool *pool, const void *address)
{
    uint64_t index = ((uintptr_t)address - pool->start) / FRAME_SIZE;
    struct part *part;
    uint32_t tag;

    if (index >= pool->frame_count)
        return pool_part_anywhere(pool, address);
    tag = atomic_load_explicit(&pool->tags[index], memory_order_relaxed);
    if (tag < FRAMES_TAG_KEPT)
        return NULL;
    part = (struct part *)(pool->slots + (uintptr_t)tag * SLOT_SIZE);
    return owner_load(part) / OWNER_NUMBERS == pool->token / OWNER_NUMBERS ? part : NULL;
}

/* An allocated block. */
struct found {
    struct part *part; /* NULL: of a little pool */
    size_t size;       /* that it can hold */
    size_t alignment;  /* that it was asked with */
    size_t index;      /* in a span */
};

/* The same, and blocks in quarantine too, which aren't allocated to their user any more. */
bool pool_find_held(struct coffer_pool *pool, const void *block, struct found *out);

/* False for any address but that of an allocated block of the pool. */
bool pool_find_block(struct coffer_pool *pool, const void *block, struct found *out);

#endif
