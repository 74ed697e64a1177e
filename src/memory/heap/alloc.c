/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alloc and free. The calls themselves are the shortest path there is: a small size, a word with a
 * free block, neither threads nor options. Then come those that need a magazine, and last, in
 * careful.c, pools with options.
 */
#include "memory/heap/alloc.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/little.h"
#include "memory/heap/runs.h"

#define LIKELY(fact)   __builtin_expect((fact) != 0, 1)
#define UNLIKELY(fact) __builtin_expect((fact) != 0, 0)
#define SLOW           __attribute__((noinline, cold))
#define QUICK          static inline __attribute__((always_inline))

/* --- Alloc ------------------------------------------------------------------------------- */

unsigned request_kind(const struct coffer_pool *pool, const struct request *request)
{
    size_t size = request->size;
    unsigned class;

    if (size > CLASS_SIZE_MAX || request->alignment > FRAME_SIZE)
        return CLASS_COUNT;
    if (pool->spare) {
        if (size > POOL_SPARE_MAX || request->alignment > CLASS_STEP)
            return CLASS_COUNT;
        return spare_class(spare_index(class_of(size)));
    }
    if (request->alignment <= CLASS_STEP)
        return class_of(size);

    /* An area does better when much would lie idle for the alignment. */
    class = class_of(size);
    while (class < CLASS_COUNT && class_size(class) % request->alignment != 0)
        class ++;
    if (class == CLASS_COUNT ||
        (class_size(class) >= 2 * EXTENTS_SIZE_MIN && class_size(class) / 2 >= size))
        return CLASS_COUNT;
    return class | PART_ALIGNED;
}

/* From the bin's word. */
QUICK void *take_quick(struct magazine *magazine, const struct bin *bin, bool threaded)
{
    uint64_t word = word_load(bin->word);
    uint64_t free = word;

    if (threaded && word != 0)
        free &= ~word_load(bin->word + SLOT_SIZE / sizeof(uint64_t));
    if (UNLIKELY(free == 0))
        return NULL;
    word_store(bin->word, word & ~(free & -free));
    word_store(&magazine->allocations, word_load(&magazine->allocations) + 1);
    return bin->base + (size_t)bits_first(free) * bin->size;
}

QUICK void count_used(struct coffer_pool *pool, size_t size)
{
    uint64_t used = pool->used + size;

    pool->used = used;
    if (UNLIKELY(used > pool->used_peak))
        pool->used_peak = used;
}

/* From wherever there is a block, of a size that is not a class or after the classes had none. */
static void *alloc_large(struct coffer_pool *pool, struct magazine *magazine,
                         const struct request *request)
{
    if (!pool->spare && request->size <= AREA_BLOCK_MAX && request->alignment <= FRAME_SIZE) {
        void *block = area_alloc(pool, request->size, request->alignment);

        if (block != NULL)
            return block;
    }
    return run_alloc(pool, pool->spare ? &magazine->owner : NULL, request->size,
                     request->alignment);
}

/* Behind the bin: the next larger classes, areas, and what lies empty elsewhere. The magazine's
 * lock is let go of where frames are taken or given. */
static SLOW void *alloc_scarce(struct coffer_pool *pool, struct magazine *magazine,
                               const struct request *request, unsigned kind)
{
    void *block = NULL;
    size_t frames;

    if (kind != CLASS_COUNT)
        block = magazine_borrow(magazine, kind, request->alignment);
    if (block != NULL)
        return block;
    spin_give(&magazine->lock);
    block = alloc_large(pool, magazine, request);
    frames = block == NULL ? areas_trim(pool) : 0;
    spin_take(&magazine->lock);
    if (block != NULL || frames + magazine_trim(magazine) == 0)
        return block;

    if (kind != CLASS_COUNT)
        block = magazine_refill(magazine, kind);
    if (block == NULL) {
        spin_give(&magazine->lock);
        block = alloc_large(pool, magazine, request);
        spin_take(&magazine->lock);
    }
    return block;
}

void *alloc_in(struct coffer_pool *pool, struct magazine *magazine, const struct request *request)
{
    unsigned kind = request_kind(pool, request);
    void *block = NULL;

    if (kind != CLASS_COUNT) {
        if (pool->random == 0)
            block = take_quick(magazine, magazine->bins[bin_index(pool, kind)], pool->port != NULL);
        if (block == NULL)
            block = magazine_refill(magazine, kind);
    }
    return block != NULL ? block : alloc_scarce(pool, magazine, request, kind);
}

SLOW enum coffer_status alloc_refused(struct coffer_pool *pool)
{
    (void)atomic_fetch_add_explicit(&pool->refusals, 1, memory_order_relaxed);
    return COFFER_NO_MEMORY;
}

enum coffer_status pool_alloc_request(struct coffer_pool *pool, const struct request *request,
                                      void **out)
{
    struct magazine *magazine;
    void *block;

    if (request->size == 0)
        return COFFER_MISUSE;
    if (pool->careful || pool->little != NULL)
        return careful_alloc(pool, request, out);
    magazine = magazine_enter(pool);
    if (magazine == NULL)
        return alloc_refused(pool);
    block = alloc_in(pool, magazine, request);
    magazine_leave(magazine);
    if (block == NULL)
        return alloc_refused(pool);
    if (pool->port == NULL)
        count_used(pool, coffer_pool_usable_size(pool, block));
    *out = block;
    return COFFER_OK;
}

/* With threads. */
QUICK void *take_threaded(struct coffer_pool *pool, size_t size)
{
    unsigned slot = pool->port->thread_slot(pool->port->context);
    struct magazine *magazine = pool->magazines[slot];

    if (magazine == NULL || slot == MAGAZINE_SHARED)
        return NULL;
    return take_quick(magazine, magazine->bins[class_of(size)], true);
}

static __attribute__((noinline)) enum coffer_status alloc_other(struct coffer_pool *pool,
                                                                size_t size, void **out)
{
    const struct request request = {size, CLASS_STEP};
    void *block;

    if (size - 1 >= CLASS_SIZE_MAX)
        return pool_alloc_request(pool, &request, out);
    if (pool->port != NULL) {
        block = take_threaded(pool, size);
        if (LIKELY(block != NULL)) {
            *out = block;
            return COFFER_OK;
        }
    } else if (pool->solo != NULL) {
        unsigned kind = class_of(size);

        block = kind < CLASS_FINE ? NULL : take_quick(pool->solo, pool->solo->bins[kind], false);
        if (block == NULL)
            block = magazine_refill(pool->solo, kind);
        if (LIKELY(block != NULL)) {
            count_used(pool, pool->solo->bins[kind]->size);
            *out = block;
            return COFFER_OK;
        }
    }
    return pool_alloc_request(pool, &request, out);
}

enum coffer_status coffer_pool_alloc(struct coffer_pool *pool, size_t size, void **out)
{
    struct magazine *magazine = pool->solo;
    size_t steps = class_steps(size);

    if (LIKELY(magazine != NULL && steps < CLASS_FINE)) {
        const struct bin *bin = magazine->bins[steps];
        void *block = take_quick(magazine, bin, false);

        if (LIKELY(block != NULL)) {
            count_used(pool, bin->size);
            *out = block;
            return COFFER_OK;
        }
    }
    return alloc_other(pool, size, out);
}

enum coffer_status coffer_pool_alloc_zeroed(struct coffer_pool *pool, size_t size, void **out)
{
    enum coffer_status status = coffer_pool_alloc(pool, size, out);

    if (status == COFFER_OK && !pool->settings.zero)
        wipe(*out, size);
    return status;
}

enum coffer_status coffer_pool_alloc_aligned(struct coffer_pool *pool, size_t size,
                                             size_t alignment, void **out)
{
    const struct request request = {size, alignment < CLASS_STEP ? CLASS_STEP : alignment};

    if (alignment == 0 || (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    return pool_alloc_request(pool, &request, out);
}

enum coffer_status pool_alloc_for(struct coffer_pool *pool, struct owner owner, size_t size,
                                  void **out)
{
    const struct request request = {size, CLASS_STEP};
    struct magazine **magazine = &pool->magazines[owner.index];
    void *block = NULL;

    assert_cheap(pool->spare);
    if (size == 0 || !account_has(pool->account, owner))
        return COFFER_MISUSE;
    if (*magazine == NULL)
        *magazine = magazine_open(pool, owner, owner.index);
    if (*magazine != NULL)
        block = alloc_in(pool, *magazine, &request);
    if (block == NULL && coffer_pool_shrink(pool) > 0 && *magazine != NULL)
        block = alloc_in(pool, *magazine, &request);
    if (block == NULL)
        return alloc_refused(pool);
    count_used(pool, coffer_pool_usable_size(pool, block));
    *out = block;
    return COFFER_OK;
}

/* --- Free -------------------------------------------------------------------------------- */

SLOW enum coffer_status free_refused(struct coffer_pool *pool)
{
    (void)atomic_fetch_add_explicit(&pool->wrong_frees, 1, memory_order_relaxed);
    return COFFER_MISUSE;
}

enum coffer_status free_large(struct coffer_pool *pool, struct part *part, void *block)
{
    struct part *retired;
    size_t size = 0;

    if (part->kind == PART_RUN) {
        if (!run_claim(pool, part, block))
            return free_refused(pool);
        size = part->run.frame_count * FRAME_SIZE;
        if (pool->settings.zero)
            wipe(block, size);
        run_free(pool, part);
    } else {
        if (pool->port == NULL && part->kind == PART_AREA)
            size = area_usable_size(pool, part, block);
        if (part->kind != PART_AREA || area_free(pool, part, block, &retired) != COFFER_OK)
            return free_refused(pool);
        if (retired != NULL)
            (void)area_give(pool, retired);
    }
    if (pool->port == NULL)
        pool->used -= size;
    return COFFER_OK;
}

enum coffer_status free_small(struct magazine *magazine, struct part *part, unsigned index)
{
    uint64_t before = word_load(&part->free[index / 64]);
    uint64_t after = before | (uint64_t)1 << index % 64;

    word_store(&part->free[index / 64], after);
    if (UNLIKELY(before == 0 || (after & (after + 1)) == 0))
        magazine_freed(magazine, part, after);
    return COFFER_OK;
}

/* With a magazine for each thread. */
static enum coffer_status free_threaded(struct coffer_pool *pool, struct part *part, void *block)
{
    unsigned slot = pool->port->thread_slot(pool->port->context);
    uint32_t index = span_index(part, block);
    uint64_t taken;

    if (UNLIKELY(!part_is_span(part)))
        return free_large(pool, part, block);
    if (UNLIKELY(index > part->last))
        return free_refused(pool);
    if (slot != part->magazine || slot == MAGAZINE_SHARED) {
        if (remote_free(pool, part, index) != COFFER_OK)
            return free_refused(pool);
        return COFFER_OK;
    }
    taken = word_load(&part->free[index / 64]) | word_load(&part_remote(part)->freed[index / 64]);
    if (UNLIKELY((taken >> index % 64 & 1) != 0))
        return free_refused(pool);
    return free_small(pool->magazines[slot], part, index);
}

static __attribute__((noinline)) enum coffer_status free_other(struct coffer_pool *pool,
                                                               void *block)
{
    struct part *part;

    if (pool->careful || pool->little != NULL)
        return careful_free(pool, block);
    part = pool_part(pool, block);
    if (part == NULL)
        return free_refused(pool);
    if (pool->port != NULL)
        return free_threaded(pool, part, block);
    if (part_is_span(part)) {
        uint32_t index = span_index(part, block);

        if (index > part->last || (word_load(&part->free[index / 64]) >> index % 64 & 1) != 0)
            return free_refused(pool);
        pool->used -= part->size;
        if (pool->settings.zero)
            wipe(block, part->size);
        return free_small(pool->magazines[part->magazine], part, index);
    }
    return free_large(pool, part, block);
}

static __attribute__((noinline)) enum coffer_status free_edge(struct coffer_pool *pool,
                                                              struct part *part, uint64_t word)
{
    magazine_freed(pool->solo, part, word);
    return COFFER_OK;
}

enum coffer_status coffer_pool_free(struct coffer_pool *pool, void *block)
{
    uint64_t frame = ((uintptr_t)block - pool->start) / FRAME_SIZE;
    struct part *part;
    uint32_t tag, index;
    uint64_t before, after;

    /* What pool_part and span_index say, without a call to come back from. */
    if (UNLIKELY(frame >= pool->quick_frames))
        return free_other(pool, block);
    tag = atomic_load_explicit(&pool->tags[frame], memory_order_relaxed);
    if (UNLIKELY(tag < FRAMES_TAG_KEPT))
        return free_refused(pool);
    part = (struct part *)(pool->slots + (uintptr_t)tag * SLOT_SIZE);
    index = span_index(part, block);
    if (UNLIKELY(part->pool != pool->name || index > part->last))
        return free_refused(pool);

    before = word_load(&part->free[index / 64]);
    after = before | (uint64_t)1 << index % 64;
    if (UNLIKELY(after == before))
        return free_other(pool, block);
    word_store(&part->free[index / 64], after);
    pool->used -= part->size;
    if (UNLIKELY(before == 0 || (after & (after + 1)) == 0))
        return free_edge(pool, part, after);
    return COFFER_OK;
}
