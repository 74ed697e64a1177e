/* SPDX-License-Identifier: BSD-2-Clause */
/* Another size for a block: where it is if that can be, else elsewhere. */
#include <string.h>

#include "base/assert.h"
#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"

/* Within the class, the area or the run. */
static bool resize_here(struct coffer_pool *pool, void *block, const struct found *found,
                        size_t size)
{
    const struct request request = {size, found->alignment};

    if (found->part == NULL)
        return little_resize(pool->little, block, size) == COFFER_OK;
    if (part_is_span(found->part))
        return request_kind(pool, &request) == kind_load(found->part);
    if (kind_load(found->part) == PART_PATCH)
        return size <= AREA_BLOCK_MAX && patch_resize(pool, found->part, block, size) == COFFER_OK;
    if (kind_load(found->part) == PART_AREA)
        return size > CLASS_SIZE_MAX / 2 && size <= AREA_BLOCK_MAX &&
               area_resize(pool, found->part, block, size) == COFFER_OK;
    return size <= found->size && size > found->size - FRAME_SIZE;
}

/* With options: what a block in place gains was free, and what it loses becomes so. */
static enum coffer_status resize_carefully(struct coffer_pool *pool, void *block,
                                           struct found *found, size_t size, bool *done)
{
    (void)careful_enter(pool);
    if (!pool_find_block(pool, block, found)) {
        careful_leave(pool);
        return free_refused(pool);
    }
    /* Areas, patches and little pools would have to fill and check the parts: such blocks move. */
    if (found->part == NULL)
        *done = !pool->careful && resize_here(pool, block, found, size);
    else if (kind_load(found->part) == PART_AREA)
        *done = size <= found->size && size > found->size - EXTENTS_SIZE_MIN;
    else if (kind_load(found->part) == PART_PATCH)
        *done = size <= found->size && size > found->size - LITTLE_GRANULE;
    else
        *done = resize_here(pool, block, found, size);
    if (*done && found->part == NULL)
        pool->used += little_usable_size(pool->little, block) - found->size;
    if (pool->used > pool->used_peak)
        pool->used_peak = pool->used;
    careful_leave(pool);
    return COFFER_OK;
}

static enum coffer_status resize_quickly(struct coffer_pool *pool, void *block, struct found *found,
                                         size_t size, bool *done)
{
    if (!pool_find_block(pool, block, found))
        return free_refused(pool);
    *done = resize_here(pool, block, found, size);
    if (*done && pool->port == NULL) {
        pool->used += coffer_pool_usable_size(pool, block) - found->size;
        if (pool->used > pool->used_peak)
            pool->used_peak = pool->used;
    }
    return COFFER_OK;
}

enum coffer_status coffer_pool_realloc(struct coffer_pool *pool, void *block, size_t size,
                                       void **out)
{
    struct found found;
    struct request request = {.size = size};
    enum coffer_status status;
    bool done = false;
    void *moved;

    if (block == NULL)
        return coffer_pool_alloc(pool, size, out);
    if (size == 0)
        return COFFER_MISUSE;
    if (pool->careful || pool->little != NULL)
        status = resize_carefully(pool, block, &found, size, &done);
    else
        status = resize_quickly(pool, block, &found, size, &done);
    if (status != COFFER_OK)
        return status;
    if (done) {
        *out = block;
        return COFFER_OK;
    }

    request.alignment = natural_alignment(size);
    if (found.alignment > request.alignment)
        request.alignment = found.alignment;
    status = pool_alloc_request(pool, &request, &moved);
    if (status != COFFER_OK) {
        /* A block that only had to become smaller stays as it is. */
        if (size > found.size)
            return status;
        *out = block;
        return COFFER_OK;
    }
    memcpy(moved, block, size < found.size ? size : found.size);
    status = coffer_pool_free(pool, block);
    if (status != COFFER_OK) {
        /* Somebody else freed it meanwhile: there is nothing left that has another size. */
        if (coffer_pool_free(pool, moved) != COFFER_OK)
            assert_cheap(false);
        return status;
    }
    *out = moved;
    return COFFER_OK;
}
