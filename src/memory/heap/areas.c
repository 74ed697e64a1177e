/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/areas.h"

#include <string.h>

#include "memory/heap/alloc.h"

#define FRAMES_LEAST 64u   /* of an area, where there are as many */
#define FRAMES_MOST  1024u /* unless a block needs more */
#define GROWTH_SHARE 8u    /* a new area is one part in so many of all there are */

/* The extents, made at the first need; false: no memory. */
static bool make_extents(struct coffer_pool *pool)
{
    struct extents *made;
    bool there;

    spin_take(&pool->lock);
    there = pool->extents != NULL;
    spin_give(&pool->lock);
    if (there)
        return true;
    made = slots_keep(pool, sizeof(*made));
    if (made == NULL)
        return false;
    spin_take(&pool->lock);
    if (pool->extents == NULL) {
        extents_init(made);
        pool->extents = made;
    }
    spin_give(&pool->lock);
    return true;
}

static enum coffer_status alloc_here(struct coffer_pool *pool, size_t size, size_t alignment,
                                     void **out)
{
    struct extents_area *area;
    enum coffer_status status = COFFER_NO_MEMORY;

    spin_take(&pool->lock);
    if (pool->extents != NULL)
        status = alignment <= EXTENTS_GRANULE
                     ? extents_alloc(pool->extents, size, out, &area)
                     : extents_alloc_aligned(pool->extents, size, alignment, out, &area);
    if (status == COFFER_OK)
        pool->allocations++;
    spin_give(&pool->lock);
    return status;
}

static __attribute__((noinline)) enum coffer_status count_alone(struct coffer_pool *pool,
                                                                const void *block)
{
    pool_count_used(pool, coffer_pool_usable_size(pool, block));
    return COFFER_OK;
}

/* As alloc_here, and straight on: this is the path of every fourth block where sizes are mixed. */
enum coffer_status area_take(struct coffer_pool *pool, size_t size, void **out)
{
    struct extents_area *area;

    spin_take(&pool->lock);
    if (pool->extents == NULL || extents_alloc(pool->extents, size, out, &area) != COFFER_OK) {
        spin_give(&pool->lock);
        return alloc_any(pool, size, out);
    }
    pool->allocations++;
    spin_give(&pool->lock);
    return pool->port == NULL ? count_alone(pool, *out) : COFFER_OK;
}

static bool add_area_of(struct coffer_pool *pool, struct pool_source *source, size_t frame_count)
{
    uint8_t *first;
    struct part *part = part_take_frames(pool, source, frame_count, &first);
    enum coffer_status status;

    if (part == NULL)
        return false;
    spin_take(&pool->lock);
    part->base = first;
    part->area.frame_count = frame_count;
    status = extents_add_area(pool->extents, first, frame_count * FRAME_SIZE, &part->area.area);
    kind_store(part, status == COFFER_OK ? PART_AREA : PART_UNUSED);
    spin_give(&pool->lock);
    if (status != COFFER_OK)
        (void)part_give_frames(pool, part, frame_count);
    return status == COFFER_OK;
}

/* One more area, as large as is good or else as large as needed. */
static bool add_area(struct coffer_pool *pool, size_t size, size_t alignment)
{
    size_t bytes = extents_area_size(size, alignment);
    size_t least = (bytes + FRAME_SIZE - 1) / FRAME_SIZE;
    uint64_t most;

    if (bytes == 0 || !make_extents(pool))
        return false;
    spin_take(&pool->lock);
    most = pool->extents->granule_count * EXTENTS_GRANULE / FRAME_SIZE / GROWTH_SHARE;
    spin_give(&pool->lock);
    most = most < FRAMES_LEAST ? FRAMES_LEAST : most > FRAMES_MOST ? FRAMES_MOST : most;
    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        if (parts_grow(pool, source, least, (size_t)most, add_area_of))
            return true;
    }
    return false;
}

void *area_alloc(struct coffer_pool *pool, size_t size, size_t alignment)
{
    void *block;

    if (alloc_here(pool, size, alignment, &block) == COFFER_OK)
        return block;
    if (!add_area(pool, size, alignment) || alloc_here(pool, size, alignment, &block) != COFFER_OK)
        return NULL;
    return block;
}

size_t area_give(struct coffer_pool *pool, struct part *part)
{
    return part_give_frames(pool, part, part->area.frame_count);
}

/* The kept area leaves, if it is still free, and another one (or none) is kept in its place. The
 * one that left, or NULL. Under the lock. */
static struct part *retire_area(struct coffer_pool *pool, struct part *part)
{
    struct part *old = pool->idle_area;

    pool->idle_area = part;
    if (old == NULL || old == part || !extents_area_is_free(old->area.area) ||
        extents_remove_area(pool->extents, old->area.area) != COFFER_OK)
        return NULL;
    kind_store(old, PART_UNUSED);
    return old;
}

enum coffer_status area_free(struct coffer_pool *pool, struct part *part, void *block,
                             struct part **retired)
{
    *retired = NULL;
    spin_take(&pool->lock);
    if (kind_load(part) != PART_AREA ||
        extents_free(pool->extents, part->area.area, block) != COFFER_OK) {
        spin_give(&pool->lock);
        return COFFER_MISUSE;
    }
    if (extents_area_is_free(part->area.area))
        *retired = retire_area(pool, part);
    spin_give(&pool->lock);
    return COFFER_OK;
}

/* Without threads: the bytes in blocks are counted. */
static __attribute__((noinline)) enum coffer_status release_alone(struct coffer_pool *pool,
                                                                  void *block, struct part *part)
{
    size_t size = area_usable_size(pool, part, block);
    struct part *retired;

    if (area_free(pool, part, block, &retired) != COFFER_OK)
        return free_refused(pool);
    if (retired != NULL)
        (void)area_give(pool, retired);
    pool->used -= size;
    return COFFER_OK;
}

/* The area has become free. The lock is given. */
static __attribute__((noinline)) enum coffer_status release_last(struct coffer_pool *pool,
                                                                 struct part *part)
{
    struct part *retired = retire_area(pool, part);

    spin_give(&pool->lock);
    if (retired != NULL)
        (void)area_give(pool, retired);
    return COFFER_OK;
}

enum coffer_status area_release(struct coffer_pool *pool, void *block, struct part *part)
{
    if (pool->port == NULL)
        return release_alone(pool, block, part);
    spin_take(&pool->lock);
    if (kind_load(part) != PART_AREA ||
        extents_free(pool->extents, part->area.area, block) != COFFER_OK) {
        spin_give(&pool->lock);
        return free_refused(pool);
    }
    if (extents_area_is_free(part->area.area))
        return release_last(pool, part);
    spin_give(&pool->lock);
    return COFFER_OK;
}

enum coffer_status area_resize(struct coffer_pool *pool, struct part *part, void *block,
                               size_t size)
{
    enum coffer_status status = COFFER_MISUSE;

    spin_take(&pool->lock);
    if (kind_load(part) == PART_AREA)
        status = extents_resize(pool->extents, part->area.area, block, size);
    spin_give(&pool->lock);
    return status;
}

size_t area_usable_size(struct coffer_pool *pool, struct part *part, const void *block)
{
    size_t size = 0;

    spin_take(&pool->lock);
    if (kind_load(part) == PART_AREA)
        size = extents_usable_size(part->area.area, block);
    spin_give(&pool->lock);
    return size;
}

size_t areas_trim(struct coffer_pool *pool)
{
    struct part *retired;

    spin_take(&pool->lock);
    retired = retire_area(pool, NULL);
    spin_give(&pool->lock);
    return retired == NULL ? 0 : area_give(pool, retired);
}
