/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/careful.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/heap/areas.h"
#include "memory/heap/patches.h"
#include "memory/heap/runs.h"

/* xorshift: the state is never 0. What it starts with came from the port. */
uint64_t pool_random(struct coffer_pool *pool)
{
    /* Two threads may draw one number; nothing hangs on it. */
    uint64_t x = atomic_load_explicit(&pool->random, memory_order_relaxed);

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    atomic_store_explicit(&pool->random, x, memory_order_relaxed);
    return x * 0x2545f4914f6cdd1du >> 32;
}

struct magazine *careful_enter(struct coffer_pool *pool)
{
    if (pool->little == NULL)
        return magazine_enter(pool);
    spin_take(&pool->lock);
    return NULL;
}

void careful_leave(struct coffer_pool *pool)
{
    if (pool->little == NULL)
        magazine_leave(pool->magazines[0]);
    else
        spin_give(&pool->lock);
}

static bool is_poison(const uint8_t *bytes, size_t size)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= (uint8_t)(bytes[i] ^ COFFER_POOL_POISON);
    return difference == 0;
}

/* Runs come from the frames and go there: what is in them goes by the frames' rules. */
static bool found_is_run(const struct found *found)
{
    return found->part != NULL && kind_load(found->part) == PART_RUN;
}

static void look_at_poison(struct coffer_pool *pool, const void *block, const struct found *found)
{
    if (pool->settings.poison && !is_poison(block, found->size))
        pool->poisoned++;
}

static void fill(const struct coffer_pool *pool, void *block, size_t size)
{
    if (pool->settings.zero)
        wipe(block, size);
    else if (pool->settings.poison)
        memset(block, COFFER_POOL_POISON, size);
}

/* Give the block to those that come after. The lock is let go of while frames are given back. */
static void release(struct coffer_pool *pool, void *block, const struct found *found)
{
    enum coffer_status status = COFFER_OK;
    struct part *retired = NULL;
    bool is_run = found_is_run(found);
    bool is_patch = found->part != NULL && kind_load(found->part) == PART_PATCH;

    if (found->part == NULL)
        status = little_free(pool->little, block);
    else if (part_is_span(found->part))
        free_small(pool->magazines[0], found->part, found->index);
    else if (kind_load(found->part) == PART_AREA)
        status = area_free(pool, found->part, block, &retired);
    else if (kind_load(found->part) == PART_PATCH)
        status = patch_free(pool, found->part, block, &retired);
    else if (!run_claim(pool, found->part, block))
        status = COFFER_MISUSE;
    assert_cheap(status == COFFER_OK);

    if (retired == NULL && !is_run)
        return;
    careful_leave(pool);
    if (is_run)
        run_free(pool, found->part);
    else if (is_patch)
        (void)patch_give(pool, retired);
    else
        (void)area_give(pool, retired);
    (void)careful_enter(pool);
}

static void release_from_quarantine(struct coffer_pool *pool, void *block)
{
    struct found found;

    if (!pool_find_held(pool, block, &found))
        assert_cheap(false);
    if (!found_is_run(&found))
        look_at_poison(pool, block, &found);
    release(pool, block, &found);
}

void careful_release_all(struct coffer_pool *pool)
{
    void *block;

    while (pool->quarantine != NULL && (block = quarantine_take(pool->quarantine)) != NULL)
        release_from_quarantine(pool, block);
}

static void *take(struct coffer_pool *pool, struct magazine *magazine,
                  const struct request *request)
{
    void *block;

    if (pool->little == NULL)
        return alloc_in(pool, magazine, request);
    if (little_alloc(pool->little, request->size, request->alignment, &block) != COFFER_OK)
        return NULL;
    pool->allocations++;
    return block;
}

/* What lies in quarantine serves when nothing else does. */
static void *take_or_release(struct coffer_pool *pool, struct magazine *magazine,
                             const struct request *request)
{
    void *block = take(pool, magazine, request);

    if (block == NULL && pool->quarantine != NULL && pool->quarantine->count > 0) {
        careful_release_all(pool);
        block = take(pool, magazine, request);
    }
    return block;
}

/* As alloc_at_last. */
static void *take_at_last(struct coffer_pool *pool, struct magazine *magazine,
                          const struct request *request)
{
    struct frames_plea plea = {.count = 0};
    void *block = NULL;
    bool helped = true;

    while (block == NULL && helped) {
        careful_leave(pool);
        helped = alloc_asks(pool, pool->home->owner, request->size, &plea);
        (void)careful_enter(pool);
        if (helped)
            block = take_or_release(pool, magazine, request);
    }
    return block;
}

enum coffer_status careful_alloc(struct coffer_pool *pool, const struct request *request,
                                 void **out)
{
    struct magazine *magazine = careful_enter(pool);
    struct found found;
    void *block = take_or_release(pool, magazine, request);

    if (block == NULL && pool->little == NULL)
        block = take_at_last(pool, magazine, request);
    if (block != NULL) {
        if (!pool_find_block(pool, block, &found))
            assert_cheap(false);
        if (!found_is_run(&found))
            look_at_poison(pool, block, &found);
        pool->used += found.size;
        if (pool->used > pool->used_peak)
            pool->used_peak = pool->used;
    }
    careful_leave(pool);
    if (block == NULL)
        return alloc_refused(pool);
    *out = block;
    return COFFER_OK;
}

enum coffer_status careful_free(struct coffer_pool *pool, void *block)
{
    struct found found;

    (void)careful_enter(pool);
    if (!pool_find_block(pool, block, &found)) {
        careful_leave(pool);
        return free_refused(pool);
    }
    pool->used -= found.size;
    if (found_is_run(&found) && pool->quarantine == NULL) {
        /* Large: wiped, and given back, when no one has to wait for it. */
        bool claimed = run_claim(pool, found.part, block);

        careful_leave(pool);
        assert_cheap(claimed);
        fill(pool, block, found.size);
        run_free(pool, found.part);
        return COFFER_OK;
    }
    fill(pool, block, found.size);
    if (pool->quarantine == NULL) {
        release(pool, block, &found);
    } else {
        void *oldest = quarantine_swap(pool->quarantine, block);

        if (oldest != NULL)
            release_from_quarantine(pool, oldest);
    }
    careful_leave(pool);
    return COFFER_OK;
}
