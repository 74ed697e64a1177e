/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alloc and free. A pool has the calls that its settings allow: for one thread and no options, for
 * threads, and for all the rest. The first two are the shortest paths there are, for small blocks
 * of the calling thread's own spans; whatever else comes ends in the third.
 */
#include "memory/heap/alloc.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/little.h"
#include "memory/heap/patches.h"
#include "memory/heap/runs.h"
#include "memory/heap/spare.h"
#include "port/slot.h"

#define LIKELY(fact)   __builtin_expect((fact) != 0, 1)
#define UNLIKELY(fact) __builtin_expect((fact) != 0, 0)
#define SLOW           __attribute__((noinline, cold))
#define NOINLINE       __attribute__((noinline))
#define QUICK          static inline __attribute__((always_inline))

/* --- Alloc ------------------------------------------------------------------------------- */

unsigned request_kind(const struct coffer_pool *pool, const struct request *request)
{
    size_t size = request->size;
    unsigned class;

    if (size > CLASS_SIZE_MAX || request->alignment > FRAME_SIZE)
        return CLASS_COUNT;
    if (pool->spare) {
        if (size > POOL_SPARE_MAX || request->alignment > COFFER_POOL_ALIGNMENT)
            return CLASS_COUNT;
        return spare_class(spare_index(class_of(size)));
    }
    /* Blocks of a multiple of 16 bytes are as aligned themselves. */
    if (request->alignment <= COFFER_POOL_ALIGNMENT)
        return class_of((size + request->alignment - 1) & ~(request->alignment - 1));

    /* An area does better when much would lie idle for the alignment. */
    class = class_of(size);
    while (class < CLASS_COUNT && class_size(class) % request->alignment != 0)
        class = class < CLASS_FINE ? class_of(class_size(class) + 1) : class + 1;
    if (class == CLASS_COUNT ||
        (class_size(class) >= 2 * EXTENTS_SIZE_MIN && class_size(class) / 2 >= size))
        return CLASS_COUNT;
    return class | PART_ALIGNED;
}

/* From wherever there is a block, of a size that is not a class or after the classes had none. */
static void *alloc_large(struct coffer_pool *pool, struct magazine *magazine,
                         const struct request *request)
{
    if (!pool->spare && request->size <= AREA_BLOCK_MAX && request->alignment <= FRAME_SIZE) {
        void *block = patch_take(pool, request->size, request->alignment);

        if (block == NULL)
            block = area_alloc(pool, request->size, request->alignment);
        if (block != NULL)
            return block;
    }
    return run_alloc(pool, pool->spare ? &magazine->owner : NULL, request->size,
                     request->alignment);
}

/* A block of a class that gets no span, because frames are few. */
static void *alloc_tight(struct coffer_pool *pool, struct magazine *magazine,
                         const struct request *request, unsigned kind)
{
    void *block;

    spin_give(&magazine->lock);
    block = pool_is_tight(pool) ? patch_alloc(pool, request->size, request->alignment) : NULL;
    spin_take(&magazine->lock);
    if (block != NULL)
        magazine_wish(magazine, kind);
    return block;
}

/* Once more, after frames have become free. */
static void *alloc_again(struct coffer_pool *pool, struct magazine *magazine,
                         const struct request *request, unsigned kind)
{
    void *block = NULL;

    if (kind != CLASS_COUNT) {
        block = magazine_take(magazine, kind);
        if (block == NULL)
            block = alloc_tight(pool, magazine, request, kind);
    }
    if (block == NULL) {
        spin_give(&magazine->lock);
        block = alloc_large(pool, magazine, request);
        spin_take(&magazine->lock);
    }
    return block;
}

/* Behind the bin: patches, the next larger classes, areas, and what lies empty elsewhere. The
 * magazine's lock is let go of where frames are taken or given. */
static SLOW void *alloc_scarce(struct coffer_pool *pool, struct magazine *magazine,
                               const struct request *request, unsigned kind)
{
    void *block = NULL;
    size_t frames;

    if (kind != CLASS_COUNT) {
        block = alloc_tight(pool, magazine, request, kind);
        if (block == NULL)
            block = magazine_borrow(magazine, kind, request->alignment);
    }
    if (block != NULL)
        return block;
    spin_give(&magazine->lock);
    block = alloc_large(pool, magazine, request);
    frames = block == NULL ? areas_trim(pool) + patches_trim(pool) : 0;
    spin_take(&magazine->lock);
    if (block != NULL || frames + magazine_trim(magazine) == 0)
        return block;
    return alloc_again(pool, magazine, request, kind);
}

void *alloc_in(struct coffer_pool *pool, struct magazine *magazine, const struct request *request)
{
    unsigned kind = request_kind(pool, request);
    void *block = kind != CLASS_COUNT ? magazine_take(magazine, kind) : NULL;

    return block != NULL ? block : alloc_scarce(pool, magazine, request, kind);
}

bool alloc_asks(struct coffer_pool *pool, struct owner owner, size_t size, struct frames_plea *plea)
{
    size_t count = size / FRAME_SIZE + (size % FRAME_SIZE != 0);

    return count <= FRAMES_TOTAL_MAX &&
           sources_ask(pool, owner, count + (pool->settings.guards ? 2 : 0), plea);
}

/* Nothing is anywhere. Who is told of it may give something back: then once more, and so on. */
static SLOW void *alloc_at_last(struct coffer_pool *pool, struct magazine *magazine,
                                const struct request *request)
{
    struct frames_plea plea = {.count = 0};
    void *block = NULL;
    bool helped = true;

    while (block == NULL && helped) {
        spin_give(&magazine->lock);
        helped = alloc_asks(pool, magazine->owner, request->size, &plea);
        spin_take(&magazine->lock);
        if (helped)
            block = alloc_in(pool, magazine, request);
    }
    return block;
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
    block = alloc_in(pool, magazine, request);
    if (block == NULL)
        block = alloc_at_last(pool, magazine, request);
    magazine_leave(magazine);
    if (block == NULL)
        return alloc_refused(pool);
    if (pool->port == NULL)
        pool_count_used(pool, coffer_pool_usable_size(pool, block));
    *out = block;
    return COFFER_OK;
}

enum coffer_status alloc_any(struct coffer_pool *pool, size_t size, void **out)
{
    const struct request request = {size, natural_alignment(size)};

    return pool_alloc_request(pool, &request, out);
}

/* From the larger classes. */
static NOINLINE enum coffer_status alloc_coarse(struct coffer_pool *pool, size_t size, void **out,
                                                struct magazine *magazine)
{
    struct part *part = magazine->bins[class_of_coarse(class_steps(size))]->current;

    if (UNLIKELY(part->head == LINK_END || magazine->number == MAGAZINE_SHARED))
        return magazine_turn(pool, size, out, magazine);
    if (pool->port == NULL)
        pool_count_used(pool, part->size);
    magazine_count(magazine);
    *out = span_take(part);
    return COFFER_OK;
}

/* From the current span of the calling thread's magazine, or from anywhere. */
QUICK enum coffer_status alloc_quick(struct coffer_pool *pool, struct magazine *magazine,
                                     size_t size, bool counted, void **out)
{
    size_t steps = class_steps(size);
    struct part *part;

    if (UNLIKELY(steps >= CLASS_FINE)) {
        if (steps < CLASS_SIZE_MAX / CLASS_STEP)
            return alloc_coarse(pool, size, out, magazine);
        return steps < AREA_BLOCK_MAX / CLASS_STEP ? area_take(pool, size, out)
                                                   : alloc_any(pool, size, out);
    }
    part = magazine->current[steps];
    if (UNLIKELY(part->head == LINK_END))
        return magazine_turn(pool, size, out, magazine);
    if (counted)
        pool_count_used(pool, part->size);
    magazine_count(magazine);
    *out = span_take(part);
    return COFFER_OK;
}

static enum coffer_status alloc_solo(struct coffer_pool *pool, size_t size, void **out)
{
    return alloc_quick(pool, pool->solo, size, true, out);
}

static enum coffer_status alloc_threaded(struct coffer_pool *pool, size_t size, void **out)
{
    struct magazine *magazine = pool->magazines[port_slot_near(pool->slot_offset)];

    return alloc_quick(pool, magazine, size, false, out);
}

static enum coffer_status alloc_asking(struct coffer_pool *pool, size_t size, void **out)
{
    unsigned number = pool->port->thread_slot(pool->port->context) + 1;

    return alloc_quick(pool, pool->magazines[number], size, false, out);
}

enum coffer_status coffer_pool_alloc(struct coffer_pool *pool, size_t size, void **out)
{
    return pool->alloc(pool, size, out);
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
    const size_t natural = natural_alignment(size);
    const struct request request = {size, alignment < natural ? natural : alignment};

    if (alignment == 0 || (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    return pool_alloc_request(pool, &request, out);
}

/* --- Free -------------------------------------------------------------------------------- */

SLOW enum coffer_status free_refused(struct coffer_pool *pool)
{
    (void)atomic_fetch_add_explicit(&pool->wrong_frees, 1, memory_order_relaxed);
    return COFFER_MISUSE;
}

enum coffer_status free_large(struct coffer_pool *pool, struct part *part, void *block)
{
    size_t size;

    if (kind_load(part) == PART_AREA)
        return area_release(pool, block, part);
    if (kind_load(part) == PART_PATCH)
        return patch_release(pool, block, part);
    if (kind_load(part) != PART_RUN || !run_claim(pool, part, block))
        return free_refused(pool);
    size = (size_t)part->run.frame_count * FRAME_SIZE;
    if (pool->settings.zero)
        wipe(block, size);
    run_free(pool, part);
    if (pool_counts_used(pool))
        pool->used -= size;
    return COFFER_OK;
}

void free_small(struct magazine *magazine, struct part *part, size_t index)
{
    if (UNLIKELY(span_put(part, index)))
        (void)magazine_freed(magazine, part);
}

/* By a thread that may be in another magazine than the block's. */
static enum coffer_status free_threaded(struct coffer_pool *pool, struct part *part,
                                        const void *block)
{
    unsigned number = pool->port->thread_slot(pool->port->context) + 1;
    size_t index;

    if (part_number(part) != number) {
        if (remote_free(pool, part, block) != COFFER_OK)
            return free_refused(pool);
        return COFFER_OK;
    }
    if (!span_index(part, block, &index) || link_load(part, index) != LINK_USED)
        return free_refused(pool);
    free_small(pool->magazines[number], part, index);
    return COFFER_OK;
}

/* A block of any part of this pool, which has no options. */
static NOINLINE enum coffer_status free_of(struct coffer_pool *pool, void *block, struct part *part)
{
    size_t index;

    if (!part_is_span(part))
        return free_large(pool, part, block);
    if (pool->port != NULL)
        return free_threaded(pool, part, block);
    if (!span_index(part, block, &index) || link_load(part, index) != LINK_USED)
        return free_refused(pool);
    pool->used -= part->size;
    if (pool->settings.zero)
        wipe(block, part->size);
    free_small(pool->magazines[part_number(part)], part, index);
    return COFFER_OK;
}

/* Any block, of any pool. */
static NOINLINE enum coffer_status free_any(struct coffer_pool *pool, void *block)
{
    struct part *part;

    if (pool->careful || pool->little != NULL)
        return careful_free(pool, block);
    part = pool_part(pool, block);
    return part == NULL ? free_refused(pool) : free_of(pool, block, part);
}

/* A block of a part that isn't a span of the calling thread. */
static NOINLINE enum coffer_status free_other(struct coffer_pool *pool, void *block,
                                              struct part *part)
{
    if (UNLIKELY((owner_load(part) ^ pool->token) >= OWNER_NUMBERS))
        return free_refused(pool);
    if (kind_load(part) == PART_AREA)
        return area_release(pool, block, part);
    return free_of(pool, block, part);
}

/* A block of the calling thread's own span, or any. What pool_part and span_index say, without a
 * call to come back from: a tag leads to a part, its owner tells whether the part is a span of this
 * pool and this thread, and the link of a block that begins here whether it is allocated.
 *
 * The index needs no limit. Only this thread makes spans with its number, and a span's frames lose
 * their tags before its descriptor becomes another's; so the address is in the span's own frames,
 * and there are links for all places in them where a block could begin (span_begin). */
QUICK enum coffer_status free_quick(struct coffer_pool *pool, unsigned number, bool counted,
                                    void *block)
{
    uint64_t frame = ((uintptr_t)block - pool->start) / FRAME_SIZE;
    struct part *part;
    uint32_t tag;
    size_t index;

    if (UNLIKELY(frame >= pool->frame_count))
        return free_any(pool, block);
    tag = atomic_load_explicit(&pool->tags[frame], memory_order_relaxed);
    if (UNLIKELY(tag < FRAMES_TAG_KEPT))
        return free_refused(pool);
    part = (struct part *)(pool->slots + (uintptr_t)tag * SLOT_SIZE);
    if (UNLIKELY(!owner_is(part, pool->token + 2 * number)))
        return free_other(pool, block, part);
    if (UNLIKELY(!span_index(part, block, &index) || link_load(part, index) != LINK_USED))
        return free_refused(pool);

    if (counted)
        pool->used -= part->size;
    if (UNLIKELY(span_put(part, index)))
        return magazine_edge(pool->magazines[number], part);
    return COFFER_OK;
}

static enum coffer_status free_solo(struct coffer_pool *pool, void *block)
{
    return free_quick(pool, 0, true, block);
}

static enum coffer_status free_threaded_near(struct coffer_pool *pool, void *block)
{
    return free_quick(pool, port_slot_near(pool->slot_offset), false, block);
}

enum coffer_status coffer_pool_free(struct coffer_pool *pool, void *block)
{
    return pool->free(pool, block);
}

void pool_choose_calls(struct coffer_pool *pool)
{
    pool->alloc = alloc_any;
    pool->free = free_any;
    if (pool->spare)
        pool->free = spare_free;
    if (pool->solo != NULL) {
        pool->alloc = alloc_solo;
        pool->free = free_solo;
    } else if (pool->slot_offset != 0) {
        pool->alloc = alloc_threaded;
        pool->free = free_threaded_near;
    } else if (pool->port != NULL) {
        pool->alloc = alloc_asking;
    }
}
