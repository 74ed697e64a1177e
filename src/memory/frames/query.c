/* SPDX-License-Identifier: BSD-2-Clause */
/* What the frames are: one by one, in numbers, and whether all of it holds together. */
#include "memory/frames/buddy.h"
#include "memory/frames/kept.h"
#include "memory/frames/runs.h"

bool segment_find_head(const struct segment *segment, uint32_t index, uint32_t *head)
{
    uint32_t place = index + segment->lead;

    if ((segment->table[index].flags & FRAME_LINK) != 0) {
        *head = index - segment->table[index].run;
        return true;
    }

    /* A run of one block began where the block did: at the nearest head at an aligned place. */
    for (unsigned order = 0; order < segment->order_count; order++) {
        uint32_t at = place & ~((1u << order) - 1);

        if (at < segment->lead)
            return false;
        if ((segment->table[at - segment->lead].flags & FRAME_HEAD) != 0) {
            *head = at - segment->lead;
            return index - *head < segment->table[*head].run;
        }
    }
    return false;
}

static void describe_free(const struct segment *segment, uint32_t index, struct frame_info *info)
{
    int order = frame_free_order(&segment->table[index]);

    info->free = true;
    if (order >= 0)
        info->order = (unsigned)order;
    else if (frame_is_cached(&segment->table[index]))
        info->order = bits_log2_down(segment->table[index].run);
}

struct frame_info frames_query(const struct frames *frames, const void *address)
{
    struct frame_info info = {.found = false};
    uint32_t index;
    uint32_t head_index;
    bool is_run;
    const struct segment *segment = frames_find(frames, address, &index);

    if (segment == NULL)
        return info;

    info.found = true;
    info.segment = (unsigned)(segment - frames->segments);
    info.reserved = index < segment->reserved_count;
    if (info.reserved)
        return info;

    spin_take(&frames->account->lock);
    is_run = segment_find_head(segment, index, &head_index);
    if (buddy_has(segment, index) || (is_run && frame_is_cached(&segment->table[head_index]))) {
        describe_free(segment, index, &info);
    } else if (is_run) {
        const struct frame *head = &segment->table[head_index];

        info.owner.index = head->owner;
        info.references = head->references;
        info.run = head->run;
        info.offset = index - head_index;
        info.tag = frames_tag(frames, address);
        info.head = segment_address(segment, head_index);
    }
    spin_give(&frames->account->lock);
    return info;
}

/* The blocks and the longest run of one segment. Others get the lock in between, when the frames at
 * hand are in use. */
static void count_blocks(const struct frames *frames, const struct segment *segment,
                         struct frames_statistics *statistics)
{
    struct spin *lock = &frames->account->lock;
    uint64_t run = 0;
    uint32_t steps = 0;
    uint32_t index = 0;

    while (index < segment->frame_count) {
        bool is_free;
        uint32_t step = buddy_step(segment, index, &is_free);

        if (is_free)
            statistics->free_blocks[bits_log2_down(step)]++;
        is_free = is_free || frame_is_cached(&segment->table[index]);
        run = is_free ? run + step : 0;
        if (run > statistics->largest_run)
            statistics->largest_run = run;
        index += step;
        if (++steps >= BUDDY_SCAN_MAX && !is_free) {
            spin_give(lock);
            steps = 0;
            spin_take(lock);
            index = buddy_boundary(segment, index);
        }
    }
}

struct frames_statistics frames_statistics(const struct frames *frames)
{
    struct frames_statistics statistics = {.segments = frames->segment_count};
    const struct account *account = frames->account;

    spin_take(&frames->account->lock);
    statistics.free = account->frames_total - account->frames_used;
    statistics.cached = frames_cached(frames);
    statistics.low = frames->watch.low;
    statistics.high = frames->watch.high;
    statistics.low_events = frames->watch.low_events;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        statistics.total += frames->segments[i].frame_count;
        statistics.reserved += frames->segments[i].reserved_count;
        count_blocks(frames, &frames->segments[i], &statistics);
    }
    spin_give(&frames->account->lock);
    return statistics;
}

/* Are the descriptors of a run's other frames as its head says? */
static bool run_is_valid(const struct frames *frames, const struct segment *segment, uint32_t index)
{
    const struct frame *head = &segment->table[index];
    bool pieced = (head->flags & FRAME_PIECED) != 0;
    bool tagged = (head->flags & FRAME_TAGGED) != 0;

    if (head->run == 0 || head->run > segment->frame_count - index)
        return false;
    if (frame_is_cached(head) ? head->state != FRAME_CACHED_STATE
                              : !account_has(frames->account, (struct owner){head->owner}))
        return false;
    if ((head->flags & FRAME_BLOCK) != 0 &&
        (pieced || ((head->run | (index + segment->lead)) & (head->run - 1)) != 0))
        return false;

    for (uint32_t i = 0; i < head->run; i++) {
        const struct frame *frame = &segment->table[index + i];

        if (buddy_has(segment, index + i) || (!tagged && segment->tags[index + i] != 0))
            return false;
        if (i > 0 && (frame->flags != (pieced ? FRAME_LINK : 0) || frame->run != (pieced ? i : 0) ||
                      frame->references != 0))
            return false;
    }
    return true;
}

/* A free block: within the segment, without descriptors and tags, and no free buddy beside it. */
static bool block_is_valid(const struct segment *segment, uint32_t index, unsigned order)
{
    uint32_t buddy;

    if (1u << order > segment->frame_count - index ||
        ((index + segment->lead) & ((1u << order) - 1)) != 0)
        return false;
    if (order + 1 < segment->order_count &&
        buddy_is_free(segment, order, 1u << order, index, &buddy))
        return false;
    if (segment->tags[index] != 0)
        return false;
    for (uint32_t i = index + 1; i < index + (1u << order); i++) {
        if (segment->table[i].flags != 0 || segment->table[i].run != 0 || segment->tags[i] != 0)
            return false;
    }
    return true;
}

/* The rings hold as many blocks as were met, each linked both ways and of the ring's order. */
static bool rings_are_valid(const struct segment *segment, uint64_t block_count)
{
    uint64_t count = 0;

    for (unsigned order = 0; order < segment->order_count; order++) {
        uint32_t ring = buddy_ring(segment, order);
        uint32_t index = ring;

        if ((segment->table[ring].run == ring) != ((segment->nonempty >> order & 1) == 0))
            return false;
        do {
            uint32_t next = segment->table[index].run;

            if (next >= segment->frame_count && next != ring)
                return false;
            if (segment->table[next].state != frame_free_state(order, index))
                return false;
            index = next;
        } while (index != ring && ++count <= block_count);
    }
    return count == block_count;
}

/* Are there rows of free frames only where searches may still find them? */
static bool rows_are_valid(const struct segment *segment)
{
    const struct rows *rows = &segment->rows;
    uint64_t begin = 0; /* of the free frames before `at` */
    uint32_t at = 0;

    while (at < segment->frame_count) {
        bool is_free;

        at += buddy_step(segment, at, &is_free);
        if (!is_free)
            begin = at;
        else if (at - begin >= rows->least &&
                 (begin < rows->begin || at - rows->least >= rows->end))
            return false;
    }
    return true;
}

/* What was met on the way through the segments. */
struct tally {
    uint64_t used;
    uint64_t cached;
};

/* Goes from block to run to block; each frame is then in exactly one, and each bit was met. */
static bool segment_is_valid(const struct frames *frames, const struct segment *segment,
                             struct tally *tally)
{
    uint32_t index = segment->reserved_count;
    uint64_t block_count = 0;

    tally->used += index;
    while (index < segment->frame_count) {
        const struct frame *head = &segment->table[index];
        int order = frame_free_order(&segment->table[index]);

        if (order >= 0) {
            if (!block_is_valid(segment, index, (unsigned)order))
                return false;
            index += 1u << order;
            block_count++;
            continue;
        }
        if ((head->flags & FRAME_HEAD) == 0 || !run_is_valid(frames, segment, index))
            return false;
        *(frame_is_cached(head) ? &tally->cached : &tally->used) += head->run;
        index += head->run;
    }
    return rings_are_valid(segment, block_count) && rows_are_valid(segment);
}

/* The caches name blocks of their order that are there, and only such; without threads, in the
 * first segment, for the short way looks nowhere else. */
static bool caches_are_valid(const struct frames *frames)
{
    for (unsigned number = 0; number < frames->cache_count; number++) {
        const struct frame_cache *cache = frames_cache(frames, number);

        if (cache->count > cache->limit)
            return false;
        for (uint32_t i = 0; i < cache->count; i++) {
            uint32_t index;
            const struct segment *segment = frames_find(
                frames, frames_address(frames, cache->numbers[i]), &index);

            if (segment == NULL || !frame_is_cached(&segment->table[index]) ||
                (frames->port == NULL && segment != frames->segments) ||
                segment->table[index].run != 1u << frames_cache_order(frames, number))
                return false;
        }
    }
    return true;
}

bool frames_is_valid(const struct frames *frames)
{
    struct tally tally = {.used = 0};
    bool is_valid;

    spin_take(&frames->account->lock);
    is_valid = account_is_valid(frames->account) && caches_are_valid(frames);
    for (unsigned i = 0; i < frames->segment_count && is_valid; i++)
        is_valid = segment_is_valid(frames, &frames->segments[i], &tally);
    is_valid = is_valid && tally.used == frames->account->frames_used &&
               tally.cached == frames_cached(frames);
    spin_give(&frames->account->lock);
    return is_valid;
}
