/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans and the magazines that own them. A magazine is of a thread, of an owner (in a spare pool)
 * or, with neither, the only one; whoever works in it is alone there.
 *
 * A bin has a current span, and a word of it, from which blocks are taken as long as there are
 * any. Then comes the next word, the next span of the bin's list, or a new span. Spans that are
 * full are on no list; the first block that is freed of one puts it at the list's end, so that the
 * others have time to become fuller, or empty.
 *
 * A block's place. offset / size must come out exact, and is found without a division: with
 * size = odd * 2^shift, offset * (1 / odd) modulo 2^32, rotated right by shift, is the quotient if
 * there is no remainder, and otherwise larger than any quotient there can be.
 */
#ifndef COFFER_MEMORY_HEAP_MAGAZINES_H
#define COFFER_MEMORY_HEAP_MAGAZINES_H

#include "memory/heap/parts.h"

static inline uint64_t word_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void word_store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline bool part_is_span(const struct part *part)
{
    return (part->kind & CLASS_MASK) < CLASS_COUNT;
}

/* The index of the block of a span that begins at an address; more than part->last if none does. */
static inline uint32_t span_index(const struct part *part, const void *block)
{
    uint32_t product = (uint32_t)((uintptr_t)block - (uintptr_t)part->base) * part->inverse;
    unsigned shift = part->shift & 31;

    return product >> shift | product << (-shift & 31);
}

/* The blocks of a word that are there at all. */
static inline uint64_t span_mask(const struct part *part, unsigned word)
{
    unsigned count = part->last + 1u;

    if (count >= (word + 1) * 64)
        return UINT64_MAX;
    return count <= word * 64 ? 0 : ((uint64_t)1 << (count - word * 64)) - 1;
}

static inline uint32_t span_frames(const struct part *part)
{
    return ((part->last + 1u) * part->size + FRAME_SIZE - 1) / FRAME_SIZE;
}

/* Free blocks of a span, those that were freed by other threads included. */
unsigned span_free_count(const struct coffer_pool *pool, struct part *part);

static inline unsigned bin_index(const struct coffer_pool *pool, unsigned kind)
{
    if (pool->spare)
        return spare_index(kind);
    return (kind & PART_ALIGNED) == 0 ? kind : (kind & CLASS_MASK) + CLASS_COUNT;
}

/* A magazine whose spans are charged to `owner`. NULL: no memory. */
struct magazine *magazine_open(struct coffer_pool *pool, struct owner owner, uint16_t number);

/* The calling thread's magazine, made at its first call; for threads beyond the slots the shared
 * one, whose lock is taken: magazine_leave gives it. NULL: no memory. */
struct magazine *magazine_enter(struct coffer_pool *pool);
void magazine_leave(struct magazine *magazine);

/* A block when the bin's word has none (or there is no bin yet); NULL: no memory. */
void *magazine_refill(struct magazine *magazine, unsigned kind);

/* A free block of one of the next larger classes, at a multiple of `alignment`. NULL: there is
 * none. Looks at each class once. */
void *magazine_borrow(struct magazine *magazine, unsigned kind, size_t alignment);

/* A block of a span of this magazine was freed and its bit is set, so that its word is now `word`:
 * none were free there before, or its free blocks are the first ones (and maybe all). */
void magazine_freed(struct magazine *magazine, struct part *part, uint64_t word);

/* A block of another magazine's span is freed, by a thread that is not in it. */
enum coffer_status remote_free(struct coffer_pool *pool, struct part *part, unsigned index);

/* A span comes into use. */
void remote_begin(struct coffer_pool *pool, struct part *part, uint16_t magazine);

/* Take what other threads have freed; true if there was anything. */
bool magazine_collect(struct magazine *magazine);

/* Give the spans without blocks home. How many frames they were. */
size_t magazine_trim(struct magazine *magazine);

#endif
