/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of frames: taken, held, trimmed and given back. */
#include "memory/frames/frames.h"

#include <stdatomic.h>

#include "base/bytes.h"
#include "memory/frames/buddy.h"
#include "memory/frames/kept.h"

static enum frames_keep frame_keep(const struct frame *frame)
{
    return (enum frames_keep)((frame->flags & FRAME_KEPT) >> FRAME_KEPT_SHIFT);
}

static inline struct segment *find_segment(struct frames *frames, const void *address,
                                           uint32_t *index)
{
    const struct segment *segment = frames_find(frames, address, index);

    return segment == NULL ? NULL : &frames->segments[segment - frames->segments];
}

/* The segment and index of the ordinary run at `address`; NULL when there is none. */
static inline struct segment *find_run(struct frames *frames, const void *address, uint32_t *index)
{
    struct segment *segment = find_segment(frames, address, index);

    if (segment == NULL || (uintptr_t)address % FRAME_SIZE != 0 ||
        (segment->table[*index].flags & (FRAME_HEAD | FRAME_KEPT)) != FRAME_HEAD)
        return NULL;
    return segment;
}

static enum coffer_status wrong_free(struct frames *frames)
{
    frames->account->wrong_frees++;
    return COFFER_MISUSE;
}

static inline uint32_t get_tag(const struct segment *segment, uint32_t index)
{
    return atomic_load_explicit(&segment->tags[index], memory_order_relaxed);
}

static void set_tags(struct segment *segment, uint32_t index, uint32_t count, uint32_t tag)
{
    for (uint32_t i = index; i < index + count; i++)
        atomic_store_explicit(&segment->tags[i], tag, memory_order_relaxed);
}

/* Make a run that is about to be handed out zero. What was given back is wiped already; what was
 * never handed out is wiped now, so that a start does not touch memory that is never needed. */
static inline void clean_run(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t end = index + count;

    if (end > segment->clean_count) {
        wipe(segment_address(segment, segment->clean_count),
             (size_t)(end - segment->clean_count) * FRAME_SIZE);
        segment->clean_count = end;
    }
    assert_deep(bytes_are_zero(segment_address(segment, index), (size_t)count * FRAME_SIZE));
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

/* Free frames for a run that isn't a block: the front of one, or several. */
static struct segment *find_odd(struct frames *frames, uint32_t count, uint64_t alignment,
                                uint32_t *index, unsigned *flags)
{
    unsigned order = bits_log2_up(count > alignment ? count : alignment);

    *flags = FRAME_HEAD;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct segment *segment = &frames->segments[i];

        if (order < FRAMES_ORDER_COUNT && buddy_take_block(segment, order, index)) {
            buddy_give_range(segment, *index + count, (1u << order) - count);
            return segment;
        }
    }

    *flags = FRAME_HEAD | FRAME_PIECED;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct segment *segment = &frames->segments[i];

        if (buddy_gather(segment, count, alignment, index)) {
            link_run(segment, *index, count);
            return segment;
        }
    }
    return NULL;
}

/* Free frames for a run: most often a block of the first segment that has one. */
BUDDY_INLINE struct segment *find_free(struct frames *frames, uint32_t count, uint64_t alignment,
                                       uint32_t *index, unsigned *flags)
{
    struct segment *segment = frames->segments;

    *flags = FRAME_HEAD | FRAME_BLOCK;
    if ((count & (count - 1)) == 0 && count >= alignment && count >> FRAMES_ORDER_COUNT == 0) {
        do {
            if (buddy_take_block(segment, bits_first(count), index))
                return segment;
        } while (++segment < frames->segments + frames->segment_count);
    }
    return find_odd(frames, count, alignment, index, flags);
}

/* A run that was found is the owner's. */
BUDDY_INLINE void *begin_run(struct frames *frames, struct segment *segment, uint32_t index,
                             struct owner owner, uint32_t count, unsigned flags)
{
    struct frame *head = &segment->table[index];

    head->run = count;
    head->references = 1;
    head->owner = owner.index;
    head->flags = (uint8_t)flags;
    account_take_frames(frames->account, owner, count, (flags & FRAME_KEPT) != 0 ? count : 0);
    if (!frames->keep_contents)
        clean_run(segment, index, count);
    return segment_address(segment, index);
}

BUDDY_INLINE enum coffer_status take_run(struct frames *frames, struct owner owner, size_t count,
                                         uint64_t alignment, unsigned keep_flags, void **out)
{
    struct segment *segment;
    uint32_t index;
    unsigned flags;

    if (count > FRAMES_TOTAL_MAX || !account_has_room(frames->account, owner, (uint32_t)count))
        return COFFER_NO_MEMORY;
    segment = find_free(frames, (uint32_t)count, alignment, &index, &flags);
    if (segment == NULL)
        return COFFER_NO_MEMORY;
    *out = begin_run(frames, segment, index, owner, (uint32_t)count, flags | keep_flags);
    return COFFER_OK;
}

/* Free the frames of a run that isn't a block from its `keep_count`-th on. */
static void release_odd(struct segment *segment, uint32_t index, uint32_t keep_count)
{
    struct frame *head = &segment->table[index];
    uint32_t count = head->run;

    if ((head->flags & FRAME_PIECED) != 0)
        unlink_run(segment, index, keep_count > 0 ? keep_count : 1, count);
    if (keep_count > 0) {
        head->run = keep_count;
        head->flags &= (uint8_t)~FRAME_BLOCK;
    } else {
        *head = (struct frame){.run = 0};
    }
    buddy_give_range(segment, index + keep_count, count - keep_count);
}

/* Free the frames of a run from its `keep_count`-th on; with 0 all, and the run is no more. What
 * is no longer held is the caller's to count. */
BUDDY_INLINE void release_run(struct frames *frames, struct segment *segment, uint32_t index,
                              uint32_t keep_count)
{
    struct frame *head = &segment->table[index];
    uint32_t count = head->run;

    if ((head->flags & FRAME_TAGGED) != 0)
        set_tags(segment, index + keep_count, count - keep_count, 0);
    if (!frames->keep_contents)
        wipe(segment_address(segment, index + keep_count),
             (size_t)(count - keep_count) * FRAME_SIZE);
    if ((head->flags & FRAME_BLOCK) == 0 || keep_count > 0) {
        release_odd(segment, index, keep_count);
    } else {
        *head = (struct frame){.run = 0};
        buddy_give_block(segment, index, count);
    }
}

/* Nothing could be had: tell, and say whether to try again. */
static bool told_of_shortage(struct frames *frames)
{
    bool freed;

    if (frames->watch.function == NULL || frames->watch.busy)
        return false;
    frames->watch.busy = true;
    freed = frames->watch.function(frames->watch.context, FRAMES_NONE);
    frames->watch.busy = false;
    return freed;
}

/* Tell of the levels that were crossed. */
static void watch(struct frames *frames)
{
    struct watch *watch = &frames->watch;

    while (watch->function != NULL && !watch->busy) {
        uint64_t free = frames->account->frames_total - frames->account->frames_used;

        if (watch->is_low ? free < watch->high : free >= watch->low)
            return;
        watch->is_low = !watch->is_low;
        watch->low_events += watch->is_low;
        watch->busy = true;
        watch->function(watch->context, watch->is_low ? FRAMES_LOW : FRAMES_HIGH);
        watch->busy = false;
    }
}

enum coffer_status frames_set_watermarks(struct frames *frames, uint64_t low, uint64_t high,
                                         bool (*function)(void *context, enum frames_level level),
                                         void *context)
{
    if (low > high)
        return COFFER_MISUSE;
    frames->watch.low = low;
    frames->watch.high = high;
    frames->watch.function = function;
    frames->watch.context = context;
    frames->watch.is_low = false;
    watch(frames);
    return COFFER_OK;
}

enum coffer_status frames_take(struct frames *frames, struct owner owner, size_t count, void **out)
{
    return frames_take_aligned(frames, owner, count, 1, out);
}

enum coffer_status frames_take_aligned(struct frames *frames, struct owner owner, size_t count,
                                       size_t alignment, void **out)
{
    enum coffer_status status = COFFER_NO_MEMORY;
    struct account *account = frames->account;

    if (count == 0 || !account_has(account, owner) || alignment == 0 ||
        (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    if (count <= FRAMES_TOTAL_MAX && account_allows(account, owner, count * FRAME_SIZE)) {
        status = take_run(frames, owner, count, alignment, 0, out);
        if (status == COFFER_NO_MEMORY && told_of_shortage(frames))
            status = take_run(frames, owner, count, alignment, 0, out);
    }
    if (status == COFFER_OK)
        account->lines[owner.index].run_takes++;
    else
        account->lines[owner.index].run_refusals++;
    watch(frames);
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

    account_give_frames(frames->account, (struct owner){head->owner}, head->run, 0);
    frames->account->lines[head->owner].run_gives++;
    release_run(frames, segment, index, 0);
    watch(frames);
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

    account_give_frames(frames->account, (struct owner){head->owner}, head->run - (uint32_t)count,
                        0);
    release_run(frames, segment, index, (uint32_t)count);
    return COFFER_OK;
}

enum coffer_status frames_set_tag(struct frames *frames, void *address, size_t count, uint32_t tag)
{
    uint32_t index;
    uint32_t head;
    struct segment *segment = find_segment(frames, address, &index);

    if (segment == NULL || (uintptr_t)address % FRAME_SIZE != 0 || tag >= FRAMES_TAG_KEPT ||
        !segment_find_head(segment, index, &head) ||
        (segment->table[head].flags & FRAME_KEPT) != 0 || count == 0 ||
        count > segment->table[head].run - (index - head))
        return COFFER_MISUSE;
    segment->table[head].flags |= FRAME_TAGGED;
    set_tags(segment, index, (uint32_t)count, tag);
    return COFFER_OK;
}

enum coffer_status frames_take_kept(struct frames *frames, struct owner owner, size_t count,
                                    enum frames_keep keep, uint32_t tag, void **out)
{
    enum coffer_status status;

    assert_debug(count > 0 && account_has(frames->account, owner) && keep != FRAMES_PLAIN);
    status = take_run(frames, owner, count, 1, (unsigned)keep << FRAME_KEPT_SHIFT | FRAME_TAGGED,
                      out);
    if (status == COFFER_OK) {
        if (frames->keep_contents)
            wipe(*out, count * FRAME_SIZE);
        frames_tag_kept(frames, *out, 1, tag);
    }
    return status;
}

void frames_tag_kept(struct frames *frames, void *address, uint32_t count, uint32_t tag)
{
    uint32_t index;
    struct segment *segment = find_segment(frames, address, &index);

    assert_cheap(segment != NULL && tag < FRAMES_TAG_KEPT);
    set_tags(segment, index, count, tag | FRAMES_TAG_KEPT);
}

void frames_give_kept(struct frames *frames, void *address)
{
    uint32_t index;
    struct segment *segment = find_segment(frames, address, &index);
    const struct frame *head;

    assert_cheap(segment != NULL && frame_keep(&segment->table[index]) != FRAMES_PLAIN);
    head = &segment->table[index];
    account_give_frames(frames->account, (struct owner){head->owner}, head->run, head->run);
    release_run(frames, segment, index, 0);
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
    out->tag = get_tag(segment, index) & ~FRAMES_TAG_KEPT;
    return true;
}

bool frames_find_kept(const struct frames *frames, const void *address, struct kept_run *out)
{
    uint32_t index;
    const struct segment *segment = frames_find(frames, address, &index);

    return segment != NULL && describe_kept(segment, index, out);
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

/* Empty the account of all that is still out. */
static void settle_account(struct frames *frames)
{
    for (unsigned i = 0; i < frames->segment_count; i++) {
        struct segment *segment = &frames->segments[i];

        account_give_frames(frames->account, frames->self, segment->reserved_count, 0);
        frames->account->frames_total -= segment->frame_count;
        for (uint32_t index = 0; index < segment->frame_count; index++) {
            const struct frame *frame = &segment->table[index];
            struct owner owner = {frame->owner};

            if ((frame->flags & FRAME_HEAD) == 0)
                continue;
            account_give_frames(frames->account, owner, frame->run,
                                frame_keep(frame) != FRAMES_PLAIN ? frame->run : 0);
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
