/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/spare.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/heap/alloc.h"
#include "memory/heap/runs.h"

/* The owner's magazine, which is made at the first need; NULL: no memory. */
static struct magazine *owner_magazine(struct coffer_pool *pool, struct owner owner)
{
    struct magazine **place = &pool->magazines[owner.index];
    struct magazine *magazine = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    struct magazine *made;

    if (magazine != NULL)
        return magazine;
    made = magazine_open(pool, owner, owner.index);
    if (made == NULL)
        return __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (__atomic_compare_exchange_n(place, &magazine, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    magazine_drop(made);
    return magazine;
}

/* What a block takes that has just been allocated. */
static size_t block_size(struct coffer_pool *pool, const void *block)
{
    const struct part *part = pool_part(pool, block);

    return part_is_span(part) ? part->size : coffer_pool_usable_size(pool, block);
}

static void *alloc_for(struct coffer_pool *pool, struct owner owner, const struct request *request)
{
    struct magazine *magazine = owner_magazine(pool, owner);
    void *block;

    if (magazine == NULL)
        return NULL;
    spin_take(&magazine->lock);
    block = alloc_in(pool, magazine, request);
    if (block != NULL)
        account_take_bytes(pool->home->account, owner, block_size(pool, block));
    spin_give(&magazine->lock);
    return block;
}

enum coffer_status pool_alloc_for(struct coffer_pool *pool, struct owner owner, size_t size,
                                  void **out)
{
    const struct request request = {size, natural_alignment(size)};
    struct frames_plea plea = {.count = 0};
    void *block;

    assert_cheap(pool->spare);
    if (size == 0 || !account_has(pool->home->account, owner))
        return COFFER_MISUSE;
    block = alloc_for(pool, owner, &request);
    if (block == NULL && spare_trim(pool) > 0)
        block = alloc_for(pool, owner, &request);
    while (block == NULL && alloc_asks(pool, owner, size, &plea))
        block = alloc_for(pool, owner, &request);
    if (block == NULL)
        return alloc_refused(pool);
    *out = block;
    return COFFER_OK;
}

/* A block of a span whose magazine is entered. False: it isn't an allocated one. */
static bool free_in_span(struct coffer_pool *pool, struct magazine *magazine, struct part *part,
                         void *block)
{
    size_t index;

    if (pool_part(pool, block) != part || part_number(part) != magazine->number ||
        !part_is_span(part) || !span_index(part, block, &index) ||
        link_load(part, index) != LINK_USED)
        return false;
    wipe(block, part->size);
    account_give_bytes(pool->home->account, magazine->owner, part->size);
    free_small(magazine, part, index);
    return true;
}

static bool free_run(struct coffer_pool *pool, struct magazine *magazine, struct part *part,
                     void *block)
{
    size_t alignment;
    size_t size;

    if (kind_load(part) != PART_RUN || !run_find(pool, part, block, &size, &alignment))
        return false;
    if (free_large(pool, part, block) != COFFER_OK)
        return false;
    spin_take(&magazine->lock);
    account_give_bytes(pool->home->account, magazine->owner, size);
    spin_give(&magazine->lock);
    return true;
}

enum coffer_status spare_free(struct coffer_pool *pool, void *block)
{
    struct part *part = pool_part(pool, block);
    struct magazine *magazine;
    bool freed;

    if (part == NULL || part_number(part) >= pool->magazine_count)
        return free_refused(pool);
    magazine = magazine_at(pool, part_number(part));
    if (magazine == NULL)
        return free_refused(pool);
    if (!part_is_span(part)) {
        freed = free_run(pool, magazine, part, block);
        return freed ? COFFER_OK : free_refused(pool);
    }
    spin_take(&magazine->lock);
    freed = free_in_span(pool, magazine, part, block);
    spin_give(&magazine->lock);
    return freed ? COFFER_OK : free_refused(pool);
}

size_t spare_trim(struct coffer_pool *pool)
{
    size_t frames = 0;

    for (unsigned i = 0; i < pool->magazine_count; i++) {
        struct magazine *magazine = magazine_at(pool, i);

        if (magazine == NULL)
            continue;
        spin_take(&magazine->lock);
        frames += magazine_trim(magazine);
        spin_give(&magazine->lock);
    }
    return frames;
}
