/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/find.h"

#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"
#include "memory/heap/runs.h"

struct part *pool_part_anywhere(struct coffer_pool *pool, const void *address)
{
    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        uint32_t tag = source->frames == NULL ? 0 : frames_tag(source->frames, address);
        struct part *part;

        if (tag < FRAMES_TAG_KEPT)
            continue;
        part = part_at(pool, (tag & ~FRAMES_TAG_KEPT) | source->bit);
        return pool_owns(pool, part) ? part : NULL;
    }
    return NULL;
}

static bool find_in_span(struct part *part, const void *block, struct found *out)
{
    if (!span_index_of_any(part, block, &out->index))
        return false;
    out->size = PART_SEEN(part, size);
    out->alignment = (kind_load(part) & PART_ALIGNED) != 0 ? out->size & -out->size
                                                           : natural_alignment(out->size);
    return link_load(part, out->index) == LINK_USED;
}

/* Nobody notes with what alignment a block of an area was asked for: what it has, it keeps. */
static size_t address_alignment(const void *block)
{
    uintptr_t lowest = (uintptr_t)block & -(uintptr_t)block;

    return lowest > FRAME_SIZE ? FRAME_SIZE : lowest;
}

bool pool_find_held(struct coffer_pool *pool, const void *block, struct found *out)
{
    struct part *part;

    *out = (struct found){.alignment = COFFER_POOL_ALIGNMENT};
    if (pool->little != NULL) {
        out->size = little_usable_size(pool->little, block);
        out->alignment = little_alignment(pool->little, block);
        return out->size != 0;
    }
    part = pool_part(pool, block);
    if (part == NULL)
        return false;
    out->part = part;
    if (part_is_span(part))
        return find_in_span(part, block, out);
    if (kind_load(part) == PART_RUN)
        return run_find(pool, part, block, &out->size, &out->alignment);
    if (kind_load(part) == PART_PATCH)
        return patch_find(pool, part, block, &out->size, &out->alignment);
    out->alignment = address_alignment(block);
    out->size = kind_load(part) == PART_AREA ? area_usable_size(pool, part, block) : 0;
    return out->size != 0;
}

bool pool_find_block(struct coffer_pool *pool, const void *block, struct found *out)
{
    return pool_find_held(pool, block, out) &&
           (pool->quarantine == NULL || !quarantine_has(pool->quarantine, block));
}

size_t coffer_pool_usable_size(struct coffer_pool *pool, const void *block)
{
    bool locked = pool->careful || pool->little != NULL;
    struct found found;
    size_t size;

    if (locked)
        (void)careful_enter(pool);
    size = pool_find_block(pool, block, &found) ? found.size : 0;
    if (locked)
        careful_leave(pool);
    return size;
}
