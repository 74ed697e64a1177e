/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of 2^order frames: split when taken, merged with their buddies when given back. */
#include "memory/frames/buddy.h"

static inline void add_block(struct segment *segment, unsigned order, uint32_t bit)
{
    bitmap_add(&segment->free_blocks[order], bit);
    segment->nonempty |= 1u << order;
}

static inline void remove_block(struct segment *segment, unsigned order, uint32_t bit)
{
    if (bitmap_remove(&segment->free_blocks[order], bit))
        segment->nonempty &= ~(1u << order);
}

/* A block becomes free: as long as its buddy is free too, the two are one. */
static inline void merge_block(struct segment *segment, unsigned order, uint32_t place)
{
    uint32_t bit = place >> order;

    while (order + 1 < segment->order_count && bitmap_has(&segment->free_blocks[order], bit ^ 1)) {
        remove_block(segment, order, bit ^ 1);
        order++;
        bit >>= 1;
    }
    add_block(segment, order, bit);
}

bool buddy_take(struct segment *segment, uint32_t count, uint32_t *index)
{
    unsigned order = bits_log2_up(count);
    unsigned from;
    uint32_t place;

    if (order >= segment->order_count || segment->nonempty >> order == 0)
        return false;

    from = order + bits_first(segment->nonempty >> order);
    place = bitmap_first(&segment->free_blocks[from]);
    remove_block(segment, from, place);
    place <<= from;

    /* Halve it down to the order that is needed; the upper halves stay free. */
    while (from > order) {
        from--;
        add_block(segment, from, (place >> from) + 1);
    }

    *index = place - segment->lead;
    segment->free_count -= 1u << order;
    if (count != 1u << order)
        buddy_give(segment, *index + count, (1u << order) - count);
    return true;
}

void buddy_give(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t place = index + segment->lead;
    uint32_t top = segment->order_count - 1;

    segment->free_count += count;
    while (count > 0) {
        /* The largest block that begins here and fits; most runs are just one. */
        unsigned order = bits_first((uint64_t)place | (uint64_t)1 << top);

        if (count >> order == 0)
            order = bits_log2_down(count);
        merge_block(segment, order, place);
        place += 1u << order;
        count -= 1u << order;
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

    order = segment_free_order(segment, index);
    if (order >= 0) {
        *is_free = true;
        return 1u << order;
    }
    assert_debug((segment->table[index].flags & FRAME_HEAD) != 0);
    return segment->table[index].run;
}

bool buddy_gather(struct segment *segment, uint32_t count, uint32_t *index)
{
    uint32_t end = 0;
    uint32_t found = 0;
    uint32_t taken;

    if (segment->free_count < count)
        return false;

    while (end < segment->frame_count && found < count) {
        bool is_free;
        uint32_t step = buddy_step(segment, end, &is_free);

        found = is_free ? found + step : 0;
        end += step;
    }
    if (found < count)
        return false;

    for (taken = end - found; taken < end;) {
        unsigned order = (unsigned)segment_free_order(segment, taken);

        remove_block(segment, order, (taken + segment->lead) >> order);
        taken += 1u << order;
    }
    segment->free_count -= found;
    *index = end - found;
    if (found > count)
        buddy_give(segment, *index + count, found - count);
    return true;
}
