/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free blocks that are kept whole, to be taken again first, the last one first: that saves
 * splitting and merging, and the processor still has what was in them.
 *
 * With threads each has a cache of single frames, if that is wanted. What it doesn't save is the
 * lock: accounts, quotas and levels stay exact, so each take and give still counts under it.
 * Without threads there is one for each order, of few blocks, so that most are merged as ever; it
 * holds blocks of the first segment alone, and the short way (quick.h) goes through it.
 */
#include "memory/frames/runs.h"

static struct segment *find_number(struct frames *frames, uint32_t number, uint32_t *index)
{
    struct segment *segment = frames->segments + frames->segment_count - 1;

    while (number < segment->first_number)
        segment--;
    *index = number - segment->first_number;
    return segment;
}

static void push(struct frame_cache *cache, unsigned order, struct segment *segment, uint32_t index)
{
    segment->table[index] = (struct frame){.run = 1u << order, .flags = FRAME_CACHED_STATE};
    cache->numbers[cache->count++] = segment->first_number + index;
}

static struct segment *pop(struct frames *frames, struct frame_cache *cache, uint32_t *index)
{
    struct segment *segment = find_number(frames, cache->numbers[--cache->count], index);

    assert_debug(frame_is_cached(&segment->table[*index]));
    segment->table[*index] = (struct frame){.run = 0};
    return segment;
}

static void drain(struct frames *frames, struct frame_cache *cache, unsigned order,
                  uint32_t keep_count)
{
    while (cache->count > keep_count) {
        uint32_t index;
        struct segment *segment = pop(frames, cache, &index);

        buddy_give_block(segment, order, index);
    }
}

/* Up to half a cache of single frames, from the smallest blocks that there are. */
static void fill(struct frames *frames, struct frame_cache *cache)
{
    uint32_t want = (cache->limit + 1) / 2;

    for (unsigned i = 0; i < frames->segment_count && cache->count < want; i++) {
        struct segment *segment = &frames->segments[i];
        uint32_t index;

        while (cache->count < want && buddy_take_block(segment, 0, &index))
            push(cache, 0, segment, index);
    }
}

/* The cache for blocks of an order; NULL when the thread or the order has none. */
static struct frame_cache *find_cache(const struct frames *frames, unsigned slot, unsigned order)
{
    unsigned number = frames->port == NULL ? order : slot;

    return number < frames->cache_count ? frames_cache(frames, number) : NULL;
}

void frames_cache_init(struct frames *frames)
{
    for (unsigned i = 0; i < frames->cache_count; i++) {
        struct frame_cache *cache = frames_cache(frames, i);
        uint64_t part = frames->segments[0].frame_count / FRAME_CACHE_PART >> i;

        cache->count = 0;
        cache->limit = frames->cache_blocks;
        if (frames->port == NULL && part < cache->limit)
            cache->limit = (uint32_t)part;
    }
}

bool frames_cache_take(struct frames *frames, unsigned slot, unsigned order,
                       struct segment **segment, uint32_t *index)
{
    struct frame_cache *cache = find_cache(frames, slot, order);

    if (cache == NULL)
        return false;
    if (cache->count == 0 && frames->port != NULL)
        fill(frames, cache);
    if (cache->count == 0)
        return false;
    *segment = pop(frames, cache, index);
    return true;
}

bool frames_cache_give(struct frames *frames, unsigned slot, unsigned order,
                       struct segment *segment, uint32_t index)
{
    struct frame_cache *cache = find_cache(frames, slot, order);

    if (cache == NULL)
        return false;
    if (frames->port == NULL && (segment != frames->segments || cache->count == cache->limit))
        return false;
    if (cache->count == cache->limit)
        drain(frames, cache, 0, cache->limit / 2);
    push(cache, order, segment, index);
    return true;
}

void frames_cache_drain(struct frames *frames, unsigned number)
{
    drain(frames, frames_cache(frames, number), frames_cache_order(frames, number), 0);
}

uint64_t frames_cached(const struct frames *frames)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < frames->cache_count; i++)
        count += (uint64_t)frames_cache(frames, i)->count << frames_cache_order(frames, i);
    return count;
}
