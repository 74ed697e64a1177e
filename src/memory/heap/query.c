/* SPDX-License-Identifier: BSD-2-Clause */
/* What a pool holds: in numbers, block by block, and what it can give back. */
#include <string.h>

#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"
#include "memory/heap/spare.h"

/* Areas and patches without blocks. */
static size_t large_trim(struct coffer_pool *pool)
{
    return areas_trim(pool) + patches_trim(pool);
}

size_t coffer_pool_shrink(struct coffer_pool *pool)
{
    struct magazine *own;
    size_t frames = 0;

    if (pool->little != NULL || pool->careful) {
        own = careful_enter(pool);
        careful_release_all(pool);
        frames = own != NULL ? magazine_trim(own) : 0;
        careful_leave(pool);
        return pool->little != NULL ? 0 : frames + large_trim(pool);
    }
    if (pool->spare)
        return spare_trim(pool);
    if (pool->port == NULL) {
        for (unsigned i = 0; i < pool->magazine_count; i++) {
            if (pool->magazines[i] != NULL)
                frames += magazine_trim(pool->magazines[i]);
        }
        return frames + large_trim(pool);
    }
    for (unsigned i = 0; i < pool->magazine_count; i++) {
        struct magazine *magazine = magazine_at(pool, i);

        if (magazine != NULL)
            atomic_store_explicit(&magazine->trim, true, memory_order_relaxed);
    }
    own = magazine_own(pool);
    if (own->number != MAGAZINE_SHARED)
        frames = magazine_trim(own);
    return frames + large_trim(pool);
}

static void add_blocks(const struct blocks_statistics *blocks, struct coffer_pool_statistics *out)
{
    out->blocks += blocks->used_count;
    out->used += blocks->used_size;
    out->free_blocks += blocks->free_count;
    out->free += blocks->free_size;
}

static void count_patches(struct coffer_pool *pool, struct coffer_pool_statistics *out)
{
    spin_take(&pool->lock);
    for (uint32_t name = pool->patches; name != SLOT_NONE; name = part_at(pool, name)->next) {
        const struct little *little = patch_little(part_at(pool, name));

        out->areas++;
        if (little != NULL) {
            struct blocks_statistics blocks = little_statistics(little);

            add_blocks(&blocks, out);
        }
    }
    spin_give(&pool->lock);
}

static void count_part(struct coffer_pool *pool, struct part *part,
                       struct coffer_pool_statistics *out)
{
    if (part_is_span(part)) {
        uint64_t size = PART_SEEN(part, size);
        unsigned used = PART_SEEN(part, last) + 1u;
        unsigned free = span_free_count(part);

        used = used > free ? used - free : 0;
        out->spans++;
        out->free_blocks += free;
        out->free += free * size;
        out->blocks += used;
        out->used += used * size;
        if (pool->port != NULL)
            out->magazines += free * size;
    } else if (kind_load(part) == PART_AREA) {
        out->areas++;
    }
}

static void count_quarantine(struct coffer_pool *pool, struct coffer_pool_statistics *out)
{
    const struct quarantine *quarantine = pool->quarantine;

    for (uint32_t i = 0; quarantine != NULL && i < quarantine->count; i++) {
        struct found found;

        if (!pool_find_held(pool, quarantine->blocks[(quarantine->first + i) % quarantine->limit],
                            &found))
            continue;
        out->blocks--;
        out->used -= found.size;
        out->free_blocks++;
        out->free += found.size;
    }
}

static void count_fast(struct coffer_pool *pool, struct coffer_pool_statistics *out)
{
    struct parts_cursor cursor = {.source = 0};
    const struct pool_source *memory = pool->home;
    struct part *part;

    while ((part = parts_next(pool, &cursor)) != NULL)
        count_part(pool, part, out);
    count_patches(pool, out);
    spin_take(&pool->lock);
    if (pool->extents != NULL) {
        struct blocks_statistics blocks = extents_statistics(pool->extents);

        add_blocks(&blocks, out);
    }
    out->blocks += pool->run_count;
    out->used += pool->run_size;
    out->allocations = pool->allocations;
    if (pool->settings.region != NULL)
        memory = &pool->sources[1];
    out->frames = memory->frame_count;
    spin_give(&pool->lock);

    for (unsigned i = 0; i < pool->magazine_count; i++) {
        const struct magazine *magazine = magazine_at(pool, i);

        if (magazine != NULL)
            out->allocations += __atomic_load_n(&magazine->allocations, __ATOMIC_RELAXED);
    }
    out->size = pool->settings.region_size + out->frames * FRAME_SIZE;
}

/* With a magazine for each thread or owner nobody counts the bytes in blocks: the peak is the most
 * that was ever seen here. */
static uint64_t see_peak(struct coffer_pool *pool, uint64_t used)
{
    uint64_t peak;

    spin_take(&pool->lock);
    if (used > pool->used_peak)
        pool->used_peak = used;
    peak = pool->used_peak;
    spin_give(&pool->lock);
    return peak;
}

void coffer_pool_statistics(struct coffer_pool *pool, struct coffer_pool_statistics *out)
{
    bool locked = pool->careful || pool->little != NULL;

    *out = (struct coffer_pool_statistics){
        .name = pool->settings.name != NULL ? pool->settings.name : "pool",
        .policy = pool->settings.policy,
        .refusals = atomic_load_explicit(&pool->refusals, memory_order_relaxed),
        .wrong_frees = atomic_load_explicit(&pool->wrong_frees, memory_order_relaxed),
        .size = pool->settings.region_size,
    };
    if (locked)
        (void)careful_enter(pool);
    if (pool->little != NULL) {
        struct blocks_statistics blocks = little_statistics(pool->little);

        add_blocks(&blocks, out);
        out->allocations = pool->allocations;
    } else {
        count_fast(pool, out);
    }
    count_quarantine(pool, out);
    out->poisoned = pool->poisoned;
    out->used_peak = pool_counts_used(pool) ? pool->used_peak : see_peak(pool, out->used);
    if (locked)
        careful_leave(pool);
    out->frees = out->allocations - out->blocks;
}

/* --- Walk -------------------------------------------------------------------------------- */

struct walk {
    struct coffer_pool *pool;
    bool (*visit)(void *context, const void *block, size_t size, bool used);
    void *context;
};

/* What lies in quarantine is free to its user. */
static bool walk_block(void *context, const void *block, size_t size, bool used)
{
    const struct walk *walk = context;

    if (used && walk->pool->quarantine != NULL)
        used = !quarantine_has(walk->pool->quarantine, block);
    return walk->visit(walk->context, block, size, used);
}

static bool walk_span(struct walk *walk, struct part *part)
{
    for (unsigned i = 0; i <= part->last; i++) {
        struct found found;
        const uint8_t *block = part->base + (size_t)i * part->size;

        if (!walk_block(walk, block, part->size, pool_find_held(walk->pool, block, &found)))
            return false;
    }
    return true;
}

void coffer_pool_walk(struct coffer_pool *pool,
                      bool (*visit)(void *context, const void *block, size_t size, bool used),
                      void *context)
{
    bool locked = pool->careful || pool->little != NULL;
    struct walk walk = {pool, visit, context};
    const struct blocks_visitor visitor = {walk_block, &walk};
    struct parts_cursor cursor = {.source = 0};
    struct part *part;
    bool more = true;

    if (locked)
        (void)careful_enter(pool);
    if (pool->little != NULL) {
        (void)little_walk(pool->little, &visitor);
    } else {
        while (more && (part = parts_next(pool, &cursor)) != NULL) {
            if (part_is_span(part))
                more = walk_span(&walk, part);
            else if (kind_load(part) == PART_RUN)
                more = walk_block(&walk, part->base, (size_t)part->run.frame_count * FRAME_SIZE,
                                  true);
        }
        spin_take(&pool->lock);
        for (uint32_t name = pool->patches; more && name != SLOT_NONE;
             name = part_at(pool, name)->next) {
            const struct little *little = patch_little(part_at(pool, name));

            more = little == NULL || little_walk(little, &visitor);
        }
        if (more && pool->extents != NULL)
            (void)extents_walk(pool->extents, &visitor);
        spin_give(&pool->lock);
    }
    if (locked)
        careful_leave(pool);
}
