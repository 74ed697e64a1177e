/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on runs, by the short way (quick.h) or the long one (runs.h). */
#include "memory/frames/frames.h"

#include "base/bytes.h"
#include "memory/frames/buddy.h"
#include "memory/frames/lookup.h"
#include "memory/frames/quick.h"
#include "memory/frames/runs.h"

static enum coffer_status take_long(struct frames *frames, struct owner owner, size_t count,
                                    size_t alignment, void **out)
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

enum coffer_status frames_take_any(struct frames *frames, struct owner owner, size_t count,
                                   void **out)
{
    return take_long(frames, owner, count, 1, out);
}

enum coffer_status frames_take_counted(struct frames *frames, struct owner owner, size_t count,
                                       void **out)
{
    struct segment *segment = frames->segments;
    uint32_t index;

    if (!buddy_take_block(segment, bits_first(count), &index)) {
        frames_uncount_quickly(frames->account, owner, count);
        return take_long(frames, owner, count, 1, out);
    }
    segment->table[index].run = (uint32_t)count;
    frames_begin_block(segment, index, owner, out);
    return COFFER_OK;
}

enum coffer_status frames_take(struct frames *frames, struct owner owner, size_t count, void **out)
{
    if (owner.index >= frames->account->owner_max)
        return COFFER_MISUSE;
    return frames_take_quickly(frames, owner, count, out);
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

enum coffer_status frames_give_merged(struct segment *segment, uint32_t index)
{
    unsigned order = bits_first(segment->table[index].run);

    segment->table[index] = (struct frame){.run = 0};
    buddy_give_block(segment, order, index);
    return COFFER_OK;
}

enum coffer_status frames_give(struct frames *frames, void *address)
{
    return frames_give_quickly(frames, address, give_long);
}

enum coffer_status frames_give_untagged(struct frames *frames, void *address)
{
    if (frames_tag(frames, address) != 0) {
        spin_take(&frames->account->lock);
        return wrong_free(frames);
    }
    return give_long(frames, address);
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
