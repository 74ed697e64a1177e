/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of an allocator on top. */
#include "memory/frames/kept.h"

#include "memory/frames/runs.h"

#define WALK_MAX 1024u /* descriptors to look at with the lock */

enum coffer_status frames_take_kept(struct frames *frames, struct owner owner, size_t count,
                                    enum frames_keep keep, uint32_t tag, void **out)
{
    return frames_take_kept_aligned(frames, owner, count, 1, keep, tag, out);
}

enum coffer_status frames_take_kept_aligned(struct frames *frames, struct owner owner, size_t count,
                                            size_t alignment, enum frames_keep keep, uint32_t tag,
                                            void **out)
{
    unsigned flags = (unsigned)keep << FRAME_KEPT_SHIFT | FRAME_TAGGED;
    enum coffer_status status;
    void *address;

    assert_debug(count > 0 && account_has(frames->account, owner) && keep != FRAMES_PLAIN);
    status = frames_run_take(frames, owner, count, alignment, flags, &address);
    if (status == COFFER_OK) {
        frames_tag_kept(frames, address, 1, tag);
        *out = address;
    }
    frames_watch(frames);
    return status;
}

void frames_tag_kept(struct frames *frames, void *address, uint32_t count, uint32_t tag)
{
    uint32_t index;
    struct segment *segment = frames_find_segment(frames, address, &index);

    assert_cheap(segment != NULL && tag < FRAMES_TAG_KEPT);
    frames_run_set_tags(segment, index, count, tag | FRAMES_TAG_KEPT);
}

void frames_give_kept(struct frames *frames, void *address)
{
    uint32_t index;
    struct segment *segment = frames_find_segment(frames, address, &index);

    assert_cheap(segment != NULL);
    spin_take(&frames->account->lock);
    assert_cheap((segment->table[index].flags & FRAME_KEPT) != 0 &&
                 (segment->table[index].flags & FRAME_GOING) == 0);
    frames_run_end(frames, segment, index);
}

static bool describe(const struct segment *segment, uint32_t index, struct kept_run *out)
{
    const struct frame *head = &segment->table[index];

    if ((head->flags & FRAME_KEPT) == 0 || (head->flags & FRAME_GOING) != 0)
        return false;
    out->address = segment_address(segment, index);
    out->keep = (enum frames_keep)((head->flags & FRAME_KEPT) >> FRAME_KEPT_SHIFT);
    out->owner.index = head->owner;
    out->count = head->run;
    out->tag = atomic_load_explicit(&segment->tags[index], memory_order_relaxed) & ~FRAMES_TAG_KEPT;
    return true;
}

bool frames_find_kept(const struct frames *frames, const void *address, struct kept_run *out)
{
    uint32_t index;
    const struct segment *segment = frames_find(frames, address, &index);
    bool found;

    if (segment == NULL)
        return false;
    spin_take(&frames->account->lock);
    found = describe(segment, index, out);
    spin_give(&frames->account->lock);
    return found;
}

bool frames_next_kept(const struct frames *frames, uint64_t *cursor, struct kept_run *out)
{
    struct spin *lock = &frames->account->lock;
    bool found = false;

    spin_take(lock);
    for (unsigned i = 0; i < frames->segment_count && !found; i++) {
        const struct segment *segment = &frames->segments[i];

        while (!found && *cursor < segment->first_number + segment->frame_count) {
            found = describe(segment, (uint32_t)*cursor - segment->first_number, out);
            if (++*cursor % WALK_MAX == 0) {
                spin_give(lock);
                spin_take(lock);
            }
        }
    }
    spin_give(lock);
    return found;
}
