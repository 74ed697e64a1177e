/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of frames: taken, held, trimmed and given back. */
#include "memory/frames/frames.h"

#include "base/bytes.h"
#include "memory/frames/buddy.h"
#include "memory/frames/kept.h"

static enum frames_keep frame_keep(const struct frame *frame)
{
    return (enum frames_keep)((frame->flags & FRAME_KEPT) >> FRAME_KEPT_SHIFT);
}

/* The segment and index of the ordinary run at `address`; NULL when there is none. */
static inline struct segment *find_run(struct frames *frames, const void *address, uint32_t *index)
{
    unsigned number = frames_find(frames, address, index);
    const struct frame *frame;

    if (number == frames->segment_count || (uintptr_t)address % FRAME_SIZE != 0)
        return NULL;
    frame = &frames->segments[number].table[*index];
    if ((frame->flags & (FRAME_HEAD | FRAME_KEPT)) != FRAME_HEAD)
        return NULL;
    return &frames->segments[number];
}

static enum coffer_status wrong_free(struct frames *frames)
{
    frames->account->wrong_frees++;
    return COFFER_MISUSE;
}

/* Make a run that is about to be handed out zero. What was given back is wiped already; what was
 * never handed out is wiped now, so that a start does not touch memory that is never needed. */
static void clean_run(const struct frames *frames, struct segment *segment, uint32_t index,
                      uint32_t count)
{
    uint32_t end = index + count;

    if (frames->keep_contents) {
        wipe(segment_address(segment, index), (size_t)count * FRAME_SIZE);
    } else if (end > segment->clean_count) {
        wipe(segment_address(segment, segment->clean_count),
             (size_t)(end - segment->clean_count) * FRAME_SIZE);
        segment->clean_count = end;
    }
    assert_deep(bytes_are_zero(segment_address(segment, index), (size_t)count * FRAME_SIZE));
}

/* Free frames for a run: of one block in any segment, else of several. NULL when there are none. */
static inline struct segment *find_free(struct frames *frames, uint32_t count, uint32_t *index,
                                        uint8_t *flags)
{
    *flags = FRAME_HEAD;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        if (buddy_take(&frames->segments[i], count, index))
            return &frames->segments[i];
    }

    *flags = FRAME_HEAD | FRAME_PIECED;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        if (buddy_gather(&frames->segments[i], count, index))
            return &frames->segments[i];
    }
    return NULL;
}

static void link_run(struct segment *segment, uint32_t index, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        segment->table[index + i].run = i;
        segment->table[index + i].flags = FRAME_LINK;
    }
}

static void unlink_run(struct segment *segment, uint32_t index, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < count; i++)
        segment->table[index + i] = (struct frame){.run = 0};
}

static inline enum coffer_status take_run(struct frames *frames, struct owner owner, size_t count,
                                          enum frames_keep keep, uint32_t tag, void **out)
{
    struct segment *segment;
    struct frame *head;
    uint32_t index;
    uint8_t flags;

    if (count > FRAMES_TOTAL_MAX)
        return COFFER_NO_MEMORY;
    segment = find_free(frames, (uint32_t)count, &index, &flags);
    if (segment == NULL)
        return COFFER_NO_MEMORY;

    /* The descriptor was zero. */
    head = &segment->table[index];
    head->run = (uint32_t)count;
    head->tag = tag;
    head->references = 1;
    head->owner = owner.index;
    head->flags = (uint8_t)(flags | (unsigned)keep << FRAME_KEPT_SHIFT);
    if ((flags & FRAME_PIECED) != 0)
        link_run(segment, index, (uint32_t)count);
    clean_run(frames, segment, index, (uint32_t)count);
    account_take_frames(frames->account, owner, count);
    *out = segment_address(segment, index);
    return COFFER_OK;
}

/* Free the frames of a run from its `keep_count`-th on; with 0 all, and the run is no more. */
static inline void release_run(struct frames *frames, struct segment *segment, uint32_t index,
                               uint32_t keep_count)
{
    struct frame *head = &segment->table[index];
    uint32_t count = head->run;

    if (!frames->keep_contents)
        wipe(segment_address(segment, index + keep_count),
             (size_t)(count - keep_count) * FRAME_SIZE);
    account_give_frames(frames->account, (struct owner){head->owner}, count - keep_count);
    if ((head->flags & FRAME_PIECED) != 0)
        unlink_run(segment, index, keep_count > 0 ? keep_count : 1, count);
    if (keep_count > 0)
        head->run = keep_count;
    else
        *head = (struct frame){.run = 0};
    buddy_give(segment, index + keep_count, count - keep_count);
}

enum coffer_status frames_take(struct frames *frames, struct owner owner, size_t count, void **out)
{
    enum coffer_status status = COFFER_NO_MEMORY;

    if (count == 0 || !account_has(frames->account, owner))
        return COFFER_MISUSE;
    if (count <= FRAMES_TOTAL_MAX && account_allows(frames->account, owner, count * FRAME_SIZE))
        status = take_run(frames, owner, count, FRAMES_PLAIN, 0, out);
    if (status == COFFER_OK)
        account_take_bytes(frames->account, owner, count * FRAME_SIZE);
    else
        account_refused(frames->account, owner);
    return status;
}

enum coffer_status frames_hold(struct frames *frames, void *address)
{
    uint32_t index;
    struct segment *segment = find_run(frames, address, &index);

    if (segment == NULL)
        return COFFER_MISUSE;
    if (segment->table[index].references == UINT16_MAX)
        return COFFER_NO_MEMORY;
    segment->table[index].references++;
    return COFFER_OK;
}

enum coffer_status frames_give(struct frames *frames, void *address)
{
    uint32_t index;
    struct segment *segment = find_run(frames, address, &index);
    struct frame *head;

    if (segment == NULL)
        return wrong_free(frames);
    head = &segment->table[index];
    if (--head->references > 0)
        return COFFER_OK;

    account_give_bytes(frames->account, (struct owner){head->owner},
                       (size_t)head->run * FRAME_SIZE);
    release_run(frames, segment, index, 0);
    return COFFER_OK;
}

enum coffer_status frames_trim(struct frames *frames, void *address, size_t count)
{
    uint32_t index;
    struct segment *segment = find_run(frames, address, &index);
    const struct frame *head;

    if (segment == NULL)
        return wrong_free(frames);
    head = &segment->table[index];
    if (head->references != 1 || count == 0 || count > head->run)
        return wrong_free(frames);
    if (count == head->run)
        return COFFER_OK;

    account_trim_bytes(frames->account, (struct owner){head->owner},
                       (head->run - count) * FRAME_SIZE);
    release_run(frames, segment, index, (uint32_t)count);
    return COFFER_OK;
}

void frames_set_tag(struct frames *frames, void *address, uint32_t tag)
{
    uint32_t index;
    struct segment *segment = find_run(frames, address, &index);

    assert_cheap(segment != NULL);
    segment->table[index].tag = tag;
}

enum coffer_status frames_take_kept(struct frames *frames, struct owner owner, size_t count,
                                    enum frames_keep keep, uint32_t tag, void **out)
{
    assert_debug(count > 0 && account_has(frames->account, owner) && keep != FRAMES_PLAIN);
    return take_run(frames, owner, count, keep, tag, out);
}

void frames_give_kept(struct frames *frames, void *address)
{
    uint32_t index;
    unsigned number = frames_find(frames, address, &index);

    assert_cheap(number < frames->segment_count);
    assert_cheap(frame_keep(&frames->segments[number].table[index]) != FRAMES_PLAIN);
    release_run(frames, &frames->segments[number], index, 0);
}

static bool describe_kept(const struct segment *segment, uint32_t index, struct kept_run *out)
{
    const struct frame *head = &segment->table[index];

    if (frame_keep(head) == FRAMES_PLAIN)
        return false;
    out->address = segment_address(segment, index);
    out->keep = frame_keep(head);
    out->owner.index = head->owner;
    out->count = head->run;
    out->tag = head->tag;
    return true;
}

bool frames_find_kept(const struct frames *frames, const void *address, struct kept_run *out)
{
    uint32_t index;
    unsigned number = frames_find(frames, address, &index);

    return number < frames->segment_count && describe_kept(&frames->segments[number], index, out);
}

bool frames_next_kept(const struct frames *frames, uint64_t *cursor, struct kept_run *out)
{
    for (unsigned i = 0; i < frames->segment_count; i++) {
        const struct segment *segment = &frames->segments[i];

        while (*cursor < (uint64_t)segment->first_number + segment->frame_count) {
            uint32_t index = (uint32_t)*cursor - segment->first_number;

            ++*cursor;
            if (describe_kept(segment, index, out))
                return true;
        }
    }
    return false;
}

uint32_t frames_number(const struct frames *frames, const void *address)
{
    uint32_t index;
    unsigned number = frames_find(frames, address, &index);

    assert_cheap(number < frames->segment_count);
    return frames->segments[number].first_number + index;
}

void *frames_address(const struct frames *frames, uint32_t number)
{
    unsigned i = frames->segment_count - 1;

    while (i > 0 && number < frames->segments[i].first_number)
        i--;
    return segment_address(&frames->segments[i], number - frames->segments[i].first_number);
}

/* Empty the account of all that is still out. */
static void settle_account(struct frames *frames)
{
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct segment *segment = &frames->segments[i];

        account_give_frames(frames->account, frames->self, segment->reserved_count);
        frames->account->frames_total -= segment->frame_count;
        for (uint32_t index = 0; index < segment->frame_count; index++) {
            const struct frame *frame = &segment->table[index];
            struct owner owner = {frame->owner};

            if ((frame->flags & FRAME_HEAD) == 0)
                continue;
            account_give_frames(frames->account, owner, frame->run);
            if (frame_keep(frame) == FRAMES_PLAIN)
                account_give_bytes(frames->account, owner, (size_t)frame->run * FRAME_SIZE);
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
