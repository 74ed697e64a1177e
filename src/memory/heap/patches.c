/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/patches.h"

#include <string.h>

#include "base/bytes.h"
#include "memory/heap/alloc.h"

#define FRAMES_TIGHT   512u                             /* fewer to be had: tight */
#define FRAMES_SMALL   2560u                            /* more in all: never tight */
#define FRAMES_MOST    (LITTLE_REGION_MAX / FRAME_SIZE) /* of a patch */
#define FRAMES_LEAST   2u                               /* of a patch, where there are as many */
#define GROWTH_SHARE   2u  /* a new patch is at most one part in so many of what the pool has */
#define PATCHES_MOST   64u /* each of them may be searched for a block, under the lock */
#define OVERHEAD_LEAST 64u /* bytes of a patch's head and bitmaps, besides 1/32 */
#define BEGIN_LEAST    2u  /* frames: descriptors, and a span of one */

/* Frames that can be had of a source, at most. */
static uint64_t source_room(struct coffer_pool *pool, const struct pool_source *source)
{
    uint64_t limit;
    uint64_t room;

    if (source->frames == NULL)
        return 0;
    limit = source_limit(pool, source, source->owner);
    spin_take(&source->account->lock);
    room = source->account->frames_total - source->account->frames_used;
    spin_give(&source->account->lock);
    return room < limit ? room : limit;
}

bool pool_is_tight(struct coffer_pool *pool)
{
    bool full;
    uint64_t held;
    uint64_t room;

    if (pool->spare || pool->settings.random)
        return false;
    spin_take(&pool->lock);
    full = pool->patch_count >= PATCHES_MOST;
    held = pool->sources[0].frame_count + pool->sources[1].frame_count;
    spin_give(&pool->lock);
    if (full || held >= FRAMES_SMALL)
        return false;
    room = source_room(pool, &pool->sources[0]) + source_room(pool, &pool->sources[1]);
    return room < FRAMES_TIGHT && held + room <= FRAMES_SMALL;
}

bool pool_can_begin(struct coffer_pool *pool)
{
    if (pool_is_tight(pool))
        return patch_add(pool, 1, COFFER_POOL_ALIGNMENT);
    return source_room(pool, pool->home) >= BEGIN_LEAST;
}

struct little *patch_little(const struct part *part)
{
    struct little *little = part->patch.little;

    return little_is_intact(little, (size_t)part->patch.frame_count * FRAME_SIZE) ? little : NULL;
}

/* The part is nothing for now. Under the lock. */
static void patch_unlist(struct coffer_pool *pool, struct part *part)
{
    if (part->next != SLOT_NONE)
        part_at(pool, part->next)->previous = part->previous;
    if (part->previous != SLOT_NONE)
        part_at(pool, part->previous)->next = part->next;
    else
        pool->patches = part->next;
    kind_store(part, PART_UNUSED);
    pool->patch_count--;
}

static bool add_patch_of(struct coffer_pool *pool, struct pool_source *source, size_t frame_count)
{
    uint8_t *first;
    struct part *part = part_take_frames(pool, source, frame_count, &first);
    struct little *little;

    if (part == NULL)
        return false;
    if (little_init(first, frame_count * FRAME_SIZE, &little) != COFFER_OK)
        assert_cheap(false);

    spin_take(&pool->lock);
    part->base = first;
    part->patch.little = little;
    part->patch.frame_count = (uint16_t)frame_count;
    part->patch.block_count = 0;
    part->patch.room = LITTLE_REGION_MAX;
    kind_store(part, PART_PATCH);
    part->previous = SLOT_NONE;
    part->next = pool->patches;
    if (part->next != SLOT_NONE)
        part_at(pool, part->next)->previous = part_name(pool, part);
    pool->patches = part_name(pool, part);
    pool->patch_count++;
    spin_give(&pool->lock);
    return true;
}

bool patch_add(struct coffer_pool *pool, size_t size, size_t alignment)
{
    size_t bytes = size + size / 32 + alignment + OVERHEAD_LEAST;
    size_t least = (bytes + FRAME_SIZE - 1) / FRAME_SIZE;

    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        uint64_t most;

        spin_take(&pool->lock);
        most = source->frame_count / GROWTH_SHARE;
        spin_give(&pool->lock);
        most = most < FRAMES_LEAST ? FRAMES_LEAST : most > FRAMES_MOST ? FRAMES_MOST : most;
        if (parts_grow(pool, source, least, (size_t)most, add_patch_of))
            return true;
    }
    return false;
}

void *patch_take(struct coffer_pool *pool, size_t size, size_t alignment)
{
    void *block = NULL;

    spin_take(&pool->lock);
    for (uint32_t name = pool->patches; name != SLOT_NONE && block == NULL;) {
        struct part *part = part_at(pool, name);
        struct little *little;

        name = part->next;
        if (size > part->patch.room || (little = patch_little(part)) == NULL)
            continue;
        if (little_alloc(little, size, alignment, &block) == COFFER_OK) {
            part->patch.block_count++;
            pool->allocations++;
        } else if (alignment <= LITTLE_GRANULE) {
            part->patch.room = (uint32_t)size - 1;
        }
    }
    spin_give(&pool->lock);
    return block;
}

void *patch_alloc(struct coffer_pool *pool, size_t size, size_t alignment)
{
    void *block = patch_take(pool, size, alignment);

    if (block == NULL && patch_add(pool, size, alignment))
        block = patch_take(pool, size, alignment);
    return block;
}

size_t patch_give(struct coffer_pool *pool, struct part *part)
{
    return part_give_frames(pool, part, part->patch.frame_count);
}

enum coffer_status patch_free(struct coffer_pool *pool, struct part *part, void *block,
                              struct part **retired)
{
    struct little *little;
    enum coffer_status status = COFFER_MISUSE;

    *retired = NULL;
    spin_take(&pool->lock);
    if (kind_load(part) == PART_PATCH && (little = patch_little(part)) != NULL)
        status = little_free(little, block);
    if (status == COFFER_OK) {
        part->patch.room = LITTLE_REGION_MAX;
        if (--part->patch.block_count == 0 && pool->patch_count > 1) {
            patch_unlist(pool, part);
            *retired = part;
        }
    }
    spin_give(&pool->lock);
    return status;
}

enum coffer_status patch_release(struct coffer_pool *pool, void *block, struct part *part)
{
    size_t size = 0;
    size_t alignment;
    struct part *retired;

    if (pool->port == NULL)
        (void)patch_find(pool, part, block, &size, &alignment);
    if (patch_free(pool, part, block, &retired) != COFFER_OK)
        return free_refused(pool);
    if (retired != NULL)
        (void)patch_give(pool, retired);
    if (pool->port == NULL)
        pool->used -= size;
    return COFFER_OK;
}

enum coffer_status patch_resize(struct coffer_pool *pool, struct part *part, void *block,
                                size_t size)
{
    struct little *little;
    enum coffer_status status = COFFER_MISUSE;

    spin_take(&pool->lock);
    if (kind_load(part) == PART_PATCH && (little = patch_little(part)) != NULL)
        status = little_resize(little, block, size);
    if (status == COFFER_OK)
        part->patch.room = LITTLE_REGION_MAX;
    spin_give(&pool->lock);
    return status;
}

bool patch_find(struct coffer_pool *pool, struct part *part, const void *block, size_t *size,
                size_t *alignment)
{
    struct little *little;
    bool found;

    spin_take(&pool->lock);
    found = kind_load(part) == PART_PATCH && (little = patch_little(part)) != NULL;
    if (found) {
        *size = little_usable_size(little, block);
        *alignment = little_alignment(little, block);
    }
    spin_give(&pool->lock);
    return found && *size != 0;
}

size_t patches_trim(struct coffer_pool *pool)
{
    struct part *part;
    size_t frames = 0;

    do {
        uint32_t name;

        part = NULL;
        spin_take(&pool->lock);
        for (name = pool->patches; name != SLOT_NONE && part == NULL;) {
            struct part *listed = part_at(pool, name);

            name = listed->next;
            if (listed->patch.block_count == 0)
                part = listed;
        }
        if (part != NULL)
            patch_unlist(pool, part);
        spin_give(&pool->lock);
        if (part != NULL)
            frames += patch_give(pool, part);
    } while (part != NULL);
    return frames;
}
