/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of an allocator on top. */
#include "memory/frames/kept.h"

#include "memory/frames/runs.h"

#define KEPT_FLAGS(keep) ((unsigned)(keep) << FRAME_KEPT_SHIFT | FRAME_TAGGED)

/* The end of a take. */
static enum coffer_status keep_run(struct frames *frames, enum coffer_status status, void *address,
                                   uint32_t tag, void **out)
{
    if (status == COFFER_OK) {
        frames_tag_kept(frames, address, 1, tag);
        *out = address;
    }
    frames_watch(frames);
    return status;
}

enum coffer_status frames_take_kept(struct frames *frames, struct owner owner, size_t count,
                                    enum frames_keep keep, uint32_t tag, void **out)
{
    void *address = NULL;
    enum coffer_status status;

    assert_debug(count > 0 && account_has(frames->account, owner) && keep != FRAMES_PLAIN);
    status = frames_run_take(frames, owner, count, 1, KEPT_FLAGS(keep), &address);
    return keep_run(frames, status, address, tag, out);
}

enum coffer_status frames_try_kept(struct frames *frames, struct owner owner, size_t count,
                                   size_t alignment, enum frames_keep keep, uint32_t tag,
                                   void **out)
{
    void *address = NULL;
    enum coffer_status status;
    bool is_short;

    assert_debug(count > 0 && account_has(frames->account, owner) && keep != FRAMES_PLAIN);
    status = frames_run_try(frames, owner, count, alignment, KEPT_FLAGS(keep), &is_short, &address);
    return keep_run(frames, status, address, tag, out);
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
