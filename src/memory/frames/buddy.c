/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not on the shortest path: runs that are not one block. */
#include "memory/frames/buddy.h"

void buddy_merge(struct segment *segment, unsigned order, uint32_t bit)
{
    while (buddy_is_free(segment, order, bit)) {
        buddy_remove_block(segment, order, bit ^ 1);
        order++;
        bit >>= 1;
    }
    buddy_add_block(segment, order, bit);
}

void buddy_give_range(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t place = index + segment->lead;
    uint32_t top = segment->order_count - 1;

    segment->free_count += count;
    while (count > 0) {
        /* The largest block that begins here and fits. */
        unsigned order = bits_first((uint64_t)place | (uint64_t)1 << top);

        if (count >> order == 0)
            order = bits_log2_down(count);
        buddy_merge(segment, order, place >> order);
        place += 1u << order;
        count -= 1u << order;
    }
}

void buddy_split(struct segment *segment, unsigned from, unsigned order, uint32_t place)
{
    while (from > order) {
        from--;
        buddy_add_block(segment, from, (place >> from) + 1);
    }
}

int segment_free_order(const struct segment *segment, uint32_t index)
{
    uint32_t place = index + segment->lead;

    for (unsigned order = 0; order < segment->order_count; order++) {
        if ((place & ((1u << order) - 1)) != 0)
            break;
        if (bitmap_has(&segment->free_blocks[order], place >> order))
            return (int)order;
    }
    return -1;
}

uint32_t buddy_step(const struct segment *segment, uint32_t index, bool *is_free)
{
    int order;

    *is_free = false;
    if (index < segment->reserved_count)
        return segment->reserved_count - index;
    if ((segment->table[index].flags & FRAME_HEAD) != 0)
        return segment->table[index].run;

    *is_free = true;
    order = segment_free_order(segment, index);
    assert_cheap(order >= 0);
    return 1u << order;
}

/* The first frame from `from` on that is a multiple of `alignment` in address space. */
static uint64_t align_up(const struct segment *segment, uint64_t from, uint64_t alignment)
{
    uint64_t number = (uintptr_t)segment->start / FRAME_SIZE + from;

    return from + (-number & (alignment - 1));
}

bool buddy_gather(struct segment *segment, uint32_t count, uint64_t alignment, uint32_t *index)
{
    uint32_t end = 0;
    uint32_t found = 0;
    uint64_t start = 0;
    uint32_t taken;

    if (segment->free_count < count)
        return false;

    while (end < segment->frame_count) {
        bool is_free;
        uint32_t step = buddy_step(segment, end, &is_free);

        found = is_free ? found + step : 0;
        end += step;
        start = align_up(segment, end - found, alignment);
        if (start + count <= end)
            break;
    }
    if (start + count > end)
        return false;

    for (taken = end - found; taken < end;) {
        unsigned order = (unsigned)segment_free_order(segment, taken);

        assert_cheap(order < FRAMES_ORDER_COUNT); /* the walk found it free */
        buddy_remove_block(segment, order, (taken + segment->lead) >> order);
        taken += 1u << order;
    }
    segment->free_count -= found;
    *index = (uint32_t)start;
    buddy_give_range(segment, end - found, (uint32_t)start - (end - found));
    buddy_give_range(segment, (uint32_t)start + count, end - (uint32_t)start - count);
    return true;
}
