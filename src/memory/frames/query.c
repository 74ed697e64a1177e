/* SPDX-License-Identifier: BSD-2-Clause */
/* What the frames are: one by one, in numbers, and whether all of it holds together. */
#include "memory/frames/buddy.h"
#include "memory/frames/kept.h"

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

static bool frame_is_free(const struct segment *segment, uint32_t index)
{
    uint32_t place = index + segment->lead;

    for (unsigned order = 0; order < segment->order_count; order++) {
        if (bitmap_has(&segment->free_blocks[order], place >> order))
            return true;
    }
    return false;
}

struct frame_info frames_query(const struct frames *frames, const void *address)
{
    struct frame_info info = {.found = false};
    uint32_t index;
    const struct segment *segment = frames_find(frames, address, &index);
    const struct frame *head;
    uint32_t head_index;
    bool found;

    if (segment == NULL)
        return info;

    info.found = true;
    info.segment = (unsigned)(segment - frames->segments);
    info.reserved = index < segment->reserved_count;
    info.free = !info.reserved && frame_is_free(segment, index);
    if (info.free) {
        int order = segment_free_order(segment, index);

        info.order = order < 0 ? 0 : (unsigned)order;
    }
    if (info.reserved || info.free)
        return info;

    found = segment_find_head(segment, index, &head_index);
    assert_cheap(found);
    head = &segment->table[head_index];
    info.owner.index = head->owner;
    info.references = head->references;
    info.run = head->run;
    info.offset = index - head_index;
    info.tag = frames_tag(frames, address);
    info.head = segment_address(segment, head_index);
    return info;
}

uint64_t frames_usable_count(const struct frames *frames)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < frames->segment_count; i++)
        count += frames->segments[i].frame_count - frames->segments[i].reserved_count;
    return count;
}

struct frames_statistics frames_statistics(const struct frames *frames)
{
    struct frames_statistics statistics = {.segments = frames->segment_count};

    for (unsigned i = 0; i < frames->segment_count; i++) {
        const struct segment *segment = &frames->segments[i];
        uint64_t run = 0;
        uint32_t step;

        statistics.total += segment->frame_count;
        statistics.reserved += segment->reserved_count;
        statistics.free += segment->free_count;
        for (uint32_t index = 0; index < segment->frame_count; index += step) {
            bool is_free;

            step = buddy_step(segment, index, &is_free);
            run = is_free ? run + step : 0;
            if (is_free)
                statistics.free_blocks[bits_log2_down(step)]++;
            if (run > statistics.largest_run)
                statistics.largest_run = run;
        }
    }
    return statistics;
}

/* Are the descriptors of a run's other frames as its head says? */
static bool run_is_valid(const struct segment *segment, uint32_t index)
{
    const struct frame *head = &segment->table[index];
    bool pieced = (head->flags & FRAME_PIECED) != 0;

    if (head->run == 0 || head->run > segment->frame_count - index || head->references == 0 ||
        head->owner == 0 || head->owner >= ACCOUNT_OWNERS_MAX)
        return false;
    if ((head->flags & FRAME_BLOCK) != 0 &&
        (pieced || ((head->run | (index + segment->lead)) & (head->run - 1)) != 0))
        return false;

    for (uint32_t i = 0; i < head->run; i++) {
        const struct frame *frame = &segment->table[index + i];

        if (frame_is_free(segment, index + i))
            return false;
        if (i > 0 && (frame->flags != (pieced ? FRAME_LINK : 0) || frame->run != (pieced ? i : 0) ||
                      frame->references != 0))
            return false;
    }
    return true;
}

/* A free block: within the segment, with no descriptors, and its buddy not free beside it. */
static bool block_is_valid(const struct segment *segment, uint32_t index, unsigned order)
{
    uint32_t bit = (index + segment->lead) >> order;

    if (1u << order > segment->frame_count - index)
        return false;
    if (buddy_is_free(segment, order, bit))
        return false;
    for (uint32_t i = 0; i < 1u << order; i++) {
        if (segment->table[index + i].flags != 0 || segment->table[index + i].run != 0)
            return false;
    }
    return true;
}

static bool bitmaps_are_valid(const struct segment *segment, uint64_t block_count)
{
    for (unsigned order = 0; order < segment->order_count; order++) {
        const struct bitmap *bitmap = &segment->free_blocks[order];
        uint64_t places = segment_places(segment, order);

        if (!bitmap_is_valid(bitmap, places) ||
            bitmap_is_empty(bitmap) != ((segment->nonempty >> order & 1) == 0))
            return false;
        block_count -= bitmap_count(bitmap, places);
    }
    return block_count == 0;
}

/* Goes from block to run to block; each frame is then in exactly one, and each bit was met. */
static bool segment_is_valid(const struct segment *segment)
{
    uint32_t index = segment->reserved_count;
    uint32_t free_count = 0;
    uint64_t block_count = 0;

    while (index < segment->frame_count) {
        int order = segment_free_order(segment, index);

        if (order >= 0) {
            if (!block_is_valid(segment, index, (unsigned)order))
                return false;
            index += 1u << order;
            free_count += 1u << order;
            block_count++;
        } else {
            if ((segment->table[index].flags & FRAME_HEAD) == 0 || !run_is_valid(segment, index))
                return false;
            index += segment->table[index].run;
        }
    }
    return free_count == segment->free_count && bitmaps_are_valid(segment, block_count);
}

bool frames_is_valid(const struct frames *frames)
{
    for (unsigned i = 0; i < frames->segment_count; i++) {
        if (!segment_is_valid(&frames->segments[i]))
            return false;
    }
    return true;
}
