/* SPDX-License-Identifier: BSD-2-Clause */
/* One span: its frames, its blocks, its beginning and its end. */
#include "memory/heap/magazines.h"

#include <string.h>

#include "base/assert.h"
#include "memory/heap/careful.h"

#define FRAMES_MAX   8u  /* of a span */
#define BLOCKS_LEAST 4u  /* of a span, if frames allow */
#define LOSS_FINE    64u /* of a span one part in so many may be lost, if frames allow */
#define LOSS_COARSE  48u /* the same for larger classes: longer spans leave less to others */

uint16_t span_choose_frames(const struct coffer_pool *pool, uint32_t size)
{
    uint32_t share = size <= CLASS_FINE * CLASS_STEP ? LOSS_FINE : LOSS_COARSE;
    uint32_t best = 1;
    uint32_t best_loss = UINT32_MAX;

    if (pool->spare)
        return 1;
    for (uint32_t frames = 1; frames <= FRAMES_MAX; frames++) {
        uint32_t bytes = frames * FRAME_SIZE;
        uint32_t count = bytes / size;
        uint32_t loss;

        if (count > SPAN_BLOCKS && frames > 1)
            break;
        count = count > SPAN_BLOCKS ? SPAN_BLOCKS : count;
        if (count < BLOCKS_LEAST)
            continue;
        loss = bytes - count * size + SLOT_SIZE;
        if (loss * share <= bytes)
            return (uint16_t)frames;
        if ((uint64_t)loss * best < (uint64_t)best_loss * frames || best_loss == UINT32_MAX) {
            best = frames;
            best_loss = loss;
        }
    }
    return (uint16_t)best;
}

/* All blocks are free, in order of address or, with the option, in any. */
static void link_blocks(struct coffer_pool *pool, struct part *part)
{
    unsigned count = part->last + 1u;
    unsigned step = 1;

    /* Steps of a length that has no divisor in common with the count meet every block once. */
    part->head = 0;
    if (pool->settings.random) {
        unsigned a, b;

        part->head = (uint8_t)(pool_random(pool) % count);
        do {
            step = 1 + (unsigned)(pool_random(pool) % count);
            for (a = count, b = step; b != 0;) {
                unsigned rest = a % b;

                a = b;
                b = rest;
            }
        } while (a != 1);
    }
    for (unsigned i = count; i < part_links(part); i++)
        link_store(part, i, LINK_END);
    for (unsigned i = 0, at = part->head; i < count; i++) {
        unsigned next = (at + step) % count;

        link_store(part, at, i + 1 < count ? next : LINK_END);
        at = next;
    }
}

static void span_begin(struct part *part, const struct bin *bin, const struct magazine *magazine)
{
    PART_SET(part, size, bin->size);
    part->previous = SLOT_UNLISTED;
    PART_SET(part, inverse, UINT32_MAX / bin->size + 1);
    part->left = 0;
    assert_cheap((bin->frames * FRAME_SIZE - 1) / bin->size < part_links(part));
    link_blocks(magazine->pool, part);
    part_set_number(part, magazine->number);
    kind_store(part, bin->kind);
}

static unsigned span_count(const struct bin *bin)
{
    unsigned count = bin->frames * FRAME_SIZE / bin->size;

    return count > SPAN_BLOCKS ? SPAN_BLOCKS : count;
}

struct part *span_make(struct magazine *magazine, const struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;

    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        unsigned count = span_count(bin);
        struct part *part = part_take(pool, source, part_slots_for(count));
        uint8_t *first;

        if (part == NULL)
            continue;
        PART_SET(part, last, (uint8_t)(count - 1));
        first = source_take(pool, source, pool->spare ? magazine->owner : source->owner,
                            FRAMES_SPAN, bin->frames, part);
        if (first != NULL) {
            PART_SET(part, base, first);
            span_begin(part, bin, magazine);
            if (pool->settings.poison)
                memset(first, COFFER_POOL_POISON, (size_t)bin->frames * FRAME_SIZE);
            return part;
        }
        part_give(pool, source, part);
    }
    return NULL;
}

size_t span_drop(struct magazine *magazine, struct part *part)
{
    struct coffer_pool *pool = magazine->pool;
    struct pool_source *source = part_source(pool, part);
    uint32_t frames = span_frames(part);

    spin_give(&magazine->lock);
    source_give(pool, source, part->base, frames);
    part_give(pool, source, part);
    spin_take(&magazine->lock);
    return frames;
}

unsigned span_free_count(struct part *part)
{
    unsigned last = PART_SEEN(part, last);
    unsigned count = 0;

    for (unsigned i = 0; i <= last; i++)
        count += link_load(part, i) != LINK_USED;
    return count;
}

bool span_is_empty(struct part *part)
{
    unsigned count = 0;

    for (unsigned at = part->head; at != LINK_END; at = link_load(part, at))
        count++;
    return count > part->last;
}
