/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not on the shortest path: splitting, merging, and runs that are not one block. */
#include "memory/frames/buddy.h"

static void take_out(struct segment *segment, unsigned order, uint32_t index)
{
    uint32_t next = segment->table[index].run;
    uint32_t previous = frame_previous(&segment->table[index]);

    segment->table[previous].run = next;
    segment->table[next].state = frame_free_state(order, previous);
    if (next == previous)
        segment->nonempty &= ~(1u << order);
    segment->table[index] = (struct frame){.run = 0};
}

bool buddy_take_block(struct segment *segment, unsigned order, uint32_t *index)
{
    uint32_t orders = segment->nonempty >> order << order;
    unsigned from;

    if (orders == 0)
        return false;
    from = bits_first(orders);
    *index = buddy_take_exact(segment, from);
    segment->table[*index] = (struct frame){.run = 0};
    while (from > order) {
        from--;
        buddy_add(segment, from, 1u << from, *index + (1u << from));
    }
    return true;
}

/* Frames became free: neighbouring ones that are new to `rows` have one of these among them. */
static void widen_rows(struct rows *rows, uint32_t index, uint32_t count)
{
    uint32_t before = rows->least - 1;
    uint32_t begin = index > before ? index - before : 0;

    if (begin < rows->begin)
        rows->begin = begin;
    if (index + count > rows->end)
        rows->end = index + count;
}

void buddy_give_block(struct segment *segment, unsigned order, uint32_t index)
{
    uint32_t buddy;

    widen_rows(&segment->rows, index, 1u << order);

    while (order + 1 < segment->order_count &&
           buddy_is_free(segment, order, 1u << order, index, &buddy)) {
        take_out(segment, order, buddy);
        index = index < buddy ? index : buddy;
        order++;
    }
    buddy_add(segment, order, 1u << order, index);
}

void buddy_give_range(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t top = segment->order_count - 1;

    while (count > 0) {
        /* The largest block that begins here and fits. */
        unsigned order = bits_first((uint64_t)(index + segment->lead) | (uint64_t)1 << top);

        if (count >> order == 0)
            order = bits_log2_down(count);
        buddy_give_block(segment, order, index);
        index += 1u << order;
        count -= 1u << order;
    }
}

/* The free block that a frame is in, and its order; -1 when it is in none. */
static int find_block(const struct segment *segment, uint32_t index, uint32_t *head)
{
    uint32_t place = index + segment->lead;

    for (unsigned order = 0; order < segment->order_count; order++) {
        uint32_t at = place >> order << order;
        int found;

        if (at < segment->lead)
            break;
        found = frame_free_order(&segment->table[at - segment->lead]);
        if (found >= (int)order) {
            *head = at - segment->lead;
            return found;
        }
    }
    return -1;
}

bool buddy_has(const struct segment *segment, uint32_t index)
{
    uint32_t head;

    return find_block(segment, index, &head) >= 0;
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
    order = frame_free_order(&segment->table[index]);
    assert_cheap(order >= 0);
    return 1u << order;
}

/* Where the free block, the run or the metadata begins that a frame is in. */
static uint32_t find_begin(const struct segment *segment, uint32_t index)
{
    uint32_t head = 0;

    if (index >= segment->reserved_count && !segment_find_head(segment, index, &head) &&
        find_block(segment, index, &head) < 0)
        assert_cheap(false); /* F1 */
    return head;
}

uint32_t buddy_boundary(const struct segment *segment, uint32_t index)
{
    uint32_t head;
    bool is_free;

    if (index >= segment->frame_count)
        return (uint32_t)segment->frame_count;
    head = find_begin(segment, index);
    return head == index ? index : head + buddy_step(segment, head, &is_free);
}

/* The first frame from `from` on that is a multiple of `alignment` in address space. */
static uint64_t align_up(const struct segment *segment, uint64_t from, uint64_t alignment)
{
    uint64_t number = (uintptr_t)segment->start / FRAME_SIZE + from;

    return from + (-number & (alignment - 1));
}

/* Take the free blocks from `begin` to `end`, but for the frames before and behind the run. */
static void take_stretch(struct segment *segment, uint32_t begin, uint32_t end, uint32_t run,
                         uint32_t count)
{
    for (uint32_t at = begin; at < end;) {
        int order = frame_free_order(&segment->table[at]);

        assert_cheap(order >= 0); /* the walk found it free */
        take_out(segment, (unsigned)order, at);
        at += 1u << order;
    }
    buddy_give_range(segment, begin, run - begin);
    buddy_give_range(segment, run + count, end - run - count);
}

/* A search for `count` frames begins. What is known of more says nothing of them. */
static void ask_rows(struct segment *segment, uint32_t count)
{
    if (count < segment->rows.least)
        segment->rows = (struct rows){.least = count, .end = (uint32_t)segment->frame_count};
}

/* A search has gone from where rows may begin to `at`, and met `longest` frames at most. */
static void note_rows(struct rows *rows, uint32_t at, uint32_t longest)
{
    if (at > rows->begin)
        rows->begin = at;
    if (longest >= rows->least)
        rows->least = longest + 1;
    if (rows->begin >= rows->end)
        *rows = (struct rows){.least = rows->least, .begin = UINT32_MAX};
}

enum buddy_gathered buddy_gather(struct segment *segment, uint32_t *at, uint32_t count,
                                 uint64_t alignment, uint32_t *index)
{
    struct rows *rows = &segment->rows;
    struct rows aside = {.least = UINT32_MAX};
    uint32_t longest = 0;
    uint32_t begin; /* of the free frames before `end` */
    uint32_t end;

    ask_rows(segment, count);
    if (*at < rows->begin)
        *at = rows->begin;
    else if (*at > rows->begin)
        rows = &aside;
    if (*at >= segment->rows.end)
        return BUDDY_NONE;
    begin = find_begin(segment, *at);
    end = begin;

    for (uint32_t steps = 0; begin < segment->rows.end; steps++) {
        uint32_t before = end;
        bool is_free = false;

        if (end < segment->frame_count)
            end += buddy_step(segment, end, &is_free);
        if (is_free) {
            uint64_t run = align_up(segment, begin, alignment);

            if (run + count > end)
                continue;
            note_rows(rows, begin, longest);
            take_stretch(segment, begin, end, (uint32_t)run, count);
            *index = (uint32_t)run;
            return BUDDY_TAKEN;
        }
        if (before - begin > longest)
            longest = before - begin;
        begin = end;
        if (steps >= BUDDY_SCAN_MAX) {
            note_rows(rows, end, longest);
            *at = end;
            return BUDDY_PAUSED;
        }
    }
    note_rows(rows, begin, longest);
    return BUDDY_NONE;
}
