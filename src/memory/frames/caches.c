/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The single frames that threads keep for themselves. They save splitting and merging, and a thread
 * gets back the frames whose contents its processor still has. What they don't save is the lock:
 * accounts, quotas and levels stay exact, so each take and give still counts under it.
 */
#include "memory/frames/runs.h"

static const struct frame cached = {.run = 1, .flags = FRAME_HEAD | FRAME_BLOCK};

static struct segment *find_number(struct frames *frames, uint32_t number, uint32_t *index)
{
    struct segment *segment = frames->segments + frames->segment_count - 1;

    while (number < segment->first_number)
        segment--;
    *index = number - segment->first_number;
    return segment;
}

static void push(struct frames *frames, struct frame_cache *cache, struct segment *segment,
                 uint32_t index)
{
    segment->table[index] = cached;
    cache->numbers[cache->count++] = segment->first_number + index;
    frames->cached++;
}

static struct segment *pop(struct frames *frames, struct frame_cache *cache, uint32_t *index)
{
    struct segment *segment = find_number(frames, cache->numbers[--cache->count], index);

    assert_debug(frame_is_cached(&segment->table[*index]));
    segment->table[*index] = (struct frame){.run = 0};
    frames->cached--;
    return segment;
}

static void drain(struct frames *frames, struct frame_cache *cache, uint32_t keep_count)
{
    while (cache->count > keep_count) {
        uint32_t index;
        struct segment *segment = pop(frames, cache, &index);

        buddy_give_block(segment, 0, index);
    }
}

/* Up to half a cache of single frames, from the smallest blocks that there are. */
static void fill(struct frames *frames, struct frame_cache *cache)
{
    uint32_t want = (frames->cache_frames + 1) / 2;

    for (unsigned i = 0; i < frames->segment_count && cache->count < want; i++) {
        struct segment *segment = &frames->segments[i];
        uint32_t index;

        while (cache->count < want && buddy_take_block(segment, 0, &index))
            push(frames, cache, segment, index);
    }
}

bool frames_cache_take(struct frames *frames, unsigned slot, struct segment **segment,
                       uint32_t *index)
{
    struct frame_cache *cache = frames_cache(frames, slot);

    if (cache == NULL)
        return false;
    if (cache->count == 0)
        fill(frames, cache);
    if (cache->count == 0)
        return false;
    *segment = pop(frames, cache, index);
    return true;
}

bool frames_cache_give(struct frames *frames, unsigned slot, struct segment *segment,
                       uint32_t index)
{
    struct frame_cache *cache = frames_cache(frames, slot);

    if (cache == NULL)
        return false;
    if (cache->count == frames->cache_frames)
        drain(frames, cache, frames->cache_frames / 2);
    push(frames, cache, segment, index);
    return true;
}

void frames_cache_drain(struct frames *frames, unsigned slot)
{
    struct frame_cache *cache = frames_cache(frames, slot);

    if (cache != NULL)
        drain(frames, cache, 0);
}
