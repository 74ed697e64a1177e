/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on runs, and their short way: one thread, contents kept, a block of the very size in
 * the first segment, no peak, quota or level passed. All else goes the long way (runs.h), which
 * checks everything anew.
 */
#include "memory/frames/frames.h"

#include "base/bytes.h"
#include "memory/frames/runs.h"

/* Out of line, like the rest of what is rare, so that the short way saves no registers. */
__attribute__((noinline)) static enum coffer_status
take_long(struct frames *frames, struct owner owner, size_t count, size_t alignment, void **out)
{
    struct account *account = frames->account;
    enum coffer_status status = COFFER_NO_MEMORY;

    if (count == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0 ||
        !account_has(account, owner))
        return COFFER_MISUSE;
    if (count <= FRAMES_TOTAL_MAX && account_allows(account, owner, count * FRAME_SIZE))
        status = frames_run_take(frames, owner, count, alignment, 0, out);
    if (status != COFFER_OK) {
        spin_take(&account->lock);
        account->lines[owner.index].run_refusals++;
        spin_give(&account->lock);
    }
    frames_watch(frames);
    return status;
}

/* Count a run for its owner if that is nothing new (A2). */
static inline bool count_quickly(struct account *account, struct owner owner, uint32_t count)
{
    struct account_line *line = &account->lines[owner.index];
    uint64_t used = account->frames_used + count;
    uint32_t held = line->frames + count;

    if (used > account->frames_mark || held > line->frames_mark)
        return false;
    account->frames_used = used;
    line->frames = held;
    line->run_takes++;
    return true;
}

static inline void begin_block(struct segment *segment, uint32_t index, struct owner owner,
                               uint32_t count, void **out)
{
    segment->table[index].run = count;
    segment->table[index].state = FRAME_BLOCK_STATE | (uint32_t)owner.index << FRAME_OWNER_SHIFT;
    *out = segment_address(segment, index);
}

/* The same when there is only a larger block. */
__attribute__((noinline)) static enum coffer_status
take_half(struct frames *frames, struct owner owner, size_t count, void **out)
{
    struct segment *segment = frames->segments;
    uint32_t index;

    if ((count & (count - 1)) != 0 || (segment->nonempty & (0 - count)) == 0 ||
        owner.index >= frames->account->owner_max ||
        !count_quickly(frames->account, owner, (uint32_t)count))
        return take_long(frames, owner, count, 1, out);
    if (!buddy_take_block(segment, bits_first(count), &index))
        assert_cheap(false); /* there are larger ones */
    begin_block(segment, index, owner, (uint32_t)count, out);
    return COFFER_OK;
}

enum coffer_status frames_take(struct frames *frames, struct owner owner, size_t count, void **out)
{
    struct segment *segment = frames->segments;

    /* One bit of `count`, of an order that has free blocks. */
    if ((count & (count - 1)) != 0 || (count & segment->nonempty) == 0)
        return take_half(frames, owner, count, out);
    if (owner.index >= frames->account->owner_max ||
        !count_quickly(frames->account, owner, (uint32_t)count))
        return take_long(frames, owner, count, 1, out);

    begin_block(segment, buddy_take_exact(segment, bits_first(count)), owner, (uint32_t)count, out);
    return COFFER_OK;
}

enum coffer_status frames_take_aligned(struct frames *frames, struct owner owner, size_t count,
                                       size_t alignment, void **out)
{
    return take_long(frames, owner, count, alignment, out);
}

/* With the lock, which is given up. */
static enum coffer_status wrong_free(struct frames *frames)
{
    frames->account->wrong_frees++;
    spin_give(&frames->account->lock);
    return COFFER_MISUSE;
}

__attribute__((noinline)) static enum coffer_status give_long(struct frames *frames, void *address)
{
    uint32_t index;
    struct segment *segment;

    spin_take(&frames->account->lock);
    segment = frames_run_find(frames, address, &index);
    if (segment == NULL)
        return wrong_free(frames);
    if (segment->table[index].references > 1) {
        segment->table[index].references--;
        spin_give(&frames->account->lock);
        return COFFER_OK;
    }
    frames_run_end(frames, segment, index);
    return COFFER_OK;
}

__attribute__((noinline)) static enum coffer_status merge(struct segment *segment, unsigned order,
                                                          uint32_t index)
{
    segment->table[index] = (struct frame){.run = 0};
    buddy_give_block(segment, order, index);
    return COFFER_OK;
}

enum coffer_status frames_give(struct frames *frames, void *address)
{
    struct account *account = frames->account;
    struct segment *segment = frames->segments;
    uint64_t offset = (uintptr_t)address - (uintptr_t)segment->start;
    uint64_t index = offset / FRAME_SIZE | offset << 52; /* no index when the address is uneven */
    struct account_line *line;
    struct frame *head;
    uint32_t owner_bits;
    uint32_t count;
    uint32_t buddy;
    unsigned order;

    if (index >= frames->quick_count)
        return give_long(frames, address);
    head = &segment->table[index];
    owner_bits = head->state ^ FRAME_BLOCK_STATE;
    if ((owner_bits & ~FRAME_OWNER_BITS) != 0)
        return give_long(frames, address);

    count = head->run;
    line = &account->lines[owner_bits >> FRAME_OWNER_SHIFT];
    account->frames_used -= count;
    line->frames -= count;
    line->run_gives++;

    order = bits_first(count);
    if (buddy_is_free(segment, order, count, (uint32_t)index, &buddy))
        return merge(segment, order, (uint32_t)index);
    buddy_add(segment, order, count, (uint32_t)index);
    return COFFER_OK;
}

enum coffer_status frames_hold(struct frames *frames, void *address)
{
    struct spin *lock = &frames->account->lock;
    enum coffer_status status = COFFER_OK;
    struct segment *segment;
    uint32_t index;

    spin_take(lock);
    segment = frames_run_find(frames, address, &index);
    if (segment == NULL)
        status = COFFER_MISUSE;
    else if (segment->table[index].references == UINT16_MAX)
        status = COFFER_NO_MEMORY;
    else
        segment->table[index].references++;
    spin_give(lock);
    return status;
}

enum coffer_status frames_trim(struct frames *frames, void *address, size_t count)
{
    struct segment *segment;
    const struct frame *head;
    uint32_t index;

    spin_take(&frames->account->lock);
    segment = frames_run_find(frames, address, &index);
    if (segment == NULL)
        return wrong_free(frames);
    head = &segment->table[index];
    if (head->references != 1 || count == 0 || count > head->run)
        return wrong_free(frames);
    if (count == head->run)
        spin_give(&frames->account->lock);
    else
        frames_run_trim(frames, segment, index, (uint32_t)count);
    return COFFER_OK;
}

enum coffer_status frames_set_tag(struct frames *frames, void *address, size_t count, uint32_t tag)
{
    struct spin *lock = &frames->account->lock;
    enum coffer_status status = COFFER_MISUSE;
    uint32_t index;
    uint32_t head_index;
    struct segment *segment = frames_find_segment(frames, address, &index);

    if (segment == NULL || (uintptr_t)address % FRAME_SIZE != 0 || tag >= FRAMES_TAG_KEPT ||
        count == 0)
        return COFFER_MISUSE;
    spin_take(lock);
    if (segment_find_head(segment, index, &head_index)) {
        struct frame *head = &segment->table[head_index];

        if ((head->flags & (FRAME_KEPT | FRAME_GOING)) == 0 && head->references > 0 &&
            count <= head->run - (index - head_index)) {
            head->flags |= FRAME_TAGGED;
            frames_run_set_tags(segment, index, (uint32_t)count, tag);
            status = COFFER_OK;
        }
    }
    spin_give(lock);
    return status;
}

/* Empty the account of all that is still out. */
static void settle_account(struct frames *frames)
{
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct segment *segment = &frames->segments[i];

        account_give_frames(frames->account, frames->self, segment->reserved_count, 0);
        frames->account->frames_total -= segment->frame_count;
        for (uint32_t index = 0; index < segment->frame_count; index++) {
            const struct frame *frame = &segment->table[index];

            if ((frame->flags & FRAME_HEAD) != 0 && !frame_is_cached(frame))
                account_give_frames(frames->account, (struct owner){frame->owner}, frame->run,
                                    (frame->flags & FRAME_KEPT) != 0 ? frame->run : 0);
        }
    }
}

void frames_fini(struct frames *frames)
{
    struct memory_area areas[FRAMES_AREAS_MAX];
    unsigned count = frames->segment_count;

    /* The account and this structure may lie in what is wiped. */
    settle_account(frames);
    for (unsigned i = 0; i < count; i++) {
        areas[i].address = frames->segments[i].start;
        areas[i].size = (size_t)frames->segments[i].frame_count * FRAME_SIZE;
    }
    for (unsigned i = 0; i < count; i++)
        wipe(areas[i].address, areas[i].size);
}
