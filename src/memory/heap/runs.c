/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/runs.h"

#include "base/assert.h"

/* A run's descriptor, when its frames are there. Under the lock: others may look at it. */
static void run_begin(struct coffer_pool *pool, struct part *part, uint8_t *first, size_t count,
                      size_t alignment, size_t lead)
{
    spin_take(&pool->lock);
    part->base = first + lead * FRAME_SIZE;
    part->run.frame_count = (uint32_t)count;
    part->run.alignment = alignment;
    part->run.lead = (uint32_t)lead;
    kind_store(part, PART_RUN);
    pool->run_count++;
    pool->allocations++;
    pool->run_size += count * FRAME_SIZE;
    spin_give(&pool->lock);
}

void *run_alloc(struct coffer_pool *pool, const struct owner *owner, size_t size, size_t alignment)
{
    size_t count = size / FRAME_SIZE + (size % FRAME_SIZE != 0);
    size_t frames_alignment = alignment > FRAME_SIZE ? alignment / FRAME_SIZE : 1;
    size_t guards = pool->settings.guards ? 2 : 0;

    /* With a guard frame in front, what begins at the alignment must be the block. */
    if (guards > 0 && frames_alignment > 1)
        guards = 2 * frames_alignment;
    if (count > FRAMES_TOTAL_MAX || frames_alignment > FRAMES_TOTAL_MAX)
        return NULL;
    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        struct part *part = part_take(pool, source, 0);
        uint8_t *first;

        if (part == NULL)
            continue;
        first = source_take_aligned(pool, source, owner != NULL ? *owner : source->owner,
                                    FRAMES_BLOCK, count + guards, frames_alignment, part);
        if (first == NULL) {
            part_give(pool, source, part);
            continue;
        }
        if (owner != NULL)
            part_set_number(part, owner->index);
        run_begin(pool, part, first, count, alignment, guards / 2);
        return part->base;
    }
    return NULL;
}

bool run_claim(struct coffer_pool *pool, struct part *part, const void *block)
{
    bool ours;

    spin_take(&pool->lock);
    ours = kind_load(part) == PART_RUN && part->base == block;
    if (ours) {
        kind_store(part, PART_UNUSED);
        pool->run_count--;
        pool->run_size -= (uint64_t)part->run.frame_count * FRAME_SIZE;
    }
    spin_give(&pool->lock);
    return ours;
}

bool run_find(struct coffer_pool *pool, struct part *part, const void *block, size_t *size,
              size_t *alignment)
{
    bool found;

    spin_take(&pool->lock);
    found = kind_load(part) == PART_RUN && part->base == block;
    if (found) {
        *size = (size_t)part->run.frame_count * FRAME_SIZE;
        *alignment = part->run.alignment;
    }
    spin_give(&pool->lock);
    return found;
}

void run_free(struct coffer_pool *pool, struct part *part)
{
    struct pool_source *source = part_source(pool, part);
    size_t lead = part->run.lead;
    size_t count = part->run.frame_count + 2 * lead;
    uint8_t *first = part->base - lead * FRAME_SIZE;

    assert_debug(kind_load(part) == PART_UNUSED);
    source_give(pool, source, first, count);
    part_give(pool, source, part);
}
