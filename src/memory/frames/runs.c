/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs on the long way: found, begun, wiped and ended. */
#include "memory/frames/runs.h"

#include "base/bytes.h"
#include "memory/frames/kept.h"
#include "memory/frames/lookup.h"

/* What is wanted, and what was found for it. */
struct search {
    struct owner owner;
    uint32_t count;
    uint64_t alignment;
    unsigned flags;
    unsigned slot;
    struct segment *segment;
    uint32_t index;
};

struct segment *frames_run_find(struct frames *frames, const void *address, uint32_t *index)
{
    struct segment *segment = frames_find_segment(frames, address, index);
    const struct frame *head;

    if (segment == NULL || (uintptr_t)address % FRAME_SIZE != 0)
        return NULL;
    head = &segment->table[*index];
    if ((head->flags & (FRAME_HEAD | FRAME_KEPT | FRAME_GOING)) != FRAME_HEAD ||
        head->references == 0)
        return NULL;
    return segment;
}

void frames_run_set_tags(struct segment *segment, uint32_t index, uint32_t count, uint32_t tag)
{
    for (uint32_t i = index; i < index + count; i++)
        atomic_store_explicit(&segment->tags[i], tag, memory_order_relaxed);
}

static void link_run(struct segment *segment, uint32_t index, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        segment->table[index + i] = (struct frame){.run = i, .flags = FRAME_LINK};
}

static void unlink_run(struct segment *segment, uint32_t index, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < count; i++)
        segment->table[index + i] = (struct frame){.run = 0};
}

/* Note that frames are clean from now on; true when some weren't. */
static bool note_clean(struct segment *segment, uint32_t index, uint32_t count)
{
    uint32_t before = segment->unclean_count;

    for (uint32_t at = index; before > 0 && at < index + count;) {
        uint32_t bits = 64 - at % 64 < index + count - at ? 64 - at % 64 : index + count - at;
        uint64_t mask = (UINT64_MAX >> (64 - bits)) << at % 64;

        segment->unclean_count -= bits_count(mask & ~segment->clean[at / 64]);
        segment->clean[at / 64] |= mask;
        at += bits;
    }
    return segment->unclean_count != before;
}

/* A block, of which the front may be enough. */
static bool find_block(struct frames *frames, struct search *search)
{
    uint64_t size = search->count > search->alignment ? search->count : search->alignment;
    unsigned order = bits_log2_up(size);

    for (unsigned i = 0; order < FRAMES_ORDER_COUNT && i < frames->segment_count; i++) {
        search->segment = &frames->segments[i];
        if (buddy_take_block(search->segment, order, &search->index)) {
            if (search->count == 1u << order)
                search->flags |= FRAME_BLOCK;
            else
                buddy_give_range(search->segment, search->index + search->count,
                                 (1u << order) - search->count);
            return true;
        }
    }
    return false;
}

/* Frames of several blocks. The lock is let go now and then. */
static bool find_pieces(struct frames *frames, struct search *search)
{
    const struct account *account = frames->account;
    struct spin *lock = &frames->account->lock;

    if (account->frames_total - account->frames_used < search->count)
        return false;
    for (unsigned i = 0; i < frames->segment_count; i++) {
        enum buddy_gathered gathered;
        uint32_t at = 0;

        search->segment = &frames->segments[i];
        while ((gathered = buddy_gather(search->segment, &at, search->count, search->alignment,
                                        &search->index)) == BUDDY_PAUSED) {
            spin_give(lock);
            spin_take(lock);
        }
        if (gathered == BUDDY_TAKEN) {
            search->flags |= FRAME_PIECED;
            return true;
        }
    }
    return false;
}

/* The last block of the very size that was given. */
static bool find_cached(struct frames *frames, struct search *search)
{
    unsigned order = bits_log2_down(search->count);

    if (search->count != 1u << order || search->alignment > search->count ||
        !frames_cache_is_for(frames, order) ||
        !frames_cache_take(frames, search->slot, order, &search->segment, &search->index))
        return false;
    search->flags |= FRAME_BLOCK;
    return true;
}

static bool find_free(struct frames *frames, struct search *search)
{
    struct spin *lock = &frames->account->lock;

    if (find_cached(frames, search) || find_block(frames, search))
        return true;
    if (frames_cached(frames) > 0) {
        /* A shortage: what was kept whole may be part of something larger, and what threads keep
         * for themselves is everybody's. */
        for (unsigned i = 0; i < frames->cache_count; i++) {
            frames_cache_drain(frames, i);
            spin_give(lock);
            spin_take(lock);
        }
        if (find_block(frames, search))
            return true;
    }
    return find_pieces(frames, search);
}

/* With the lock: find frames and make them a run. */
static enum coffer_status take_locked(struct frames *frames, struct search *search, bool *is_short)
{
    struct account *account = frames->account;
    bool is_kept = (search->flags & FRAME_KEPT) != 0;
    unsigned flags = search->flags;

    *is_short = false;
    if (!account_has_room(account, search->owner, search->count))
        return COFFER_NO_MEMORY;
    if (!find_free(frames, search)) {
        *is_short = true;
        return COFFER_NO_MEMORY;
    }
    if (!account_has_room(account, search->owner, search->count)) {
        /* Another thread of the owner was faster while the lock was let go. */
        buddy_give_range(search->segment, search->index, search->count);
        search->flags = flags;
        return COFFER_NO_MEMORY;
    }
    if ((search->flags & FRAME_PIECED) != 0)
        link_run(search->segment, search->index, search->count);
    account_take_frames(account, search->owner, search->count, is_kept ? search->count : 0);
    account->lines[search->owner.index].run_takes += !is_kept;
    if (!frames->keep_contents && note_clean(search->segment, search->index, search->count))
        search->flags |= FRAME_GOING;
    search->segment->table[search->index] = (struct frame){
        .run = search->count,
        .owner = search->owner.index,
        .flags = (uint8_t)(FRAME_HEAD | search->flags),
        .references = 1,
    };
    return COFFER_OK;
}

/* Frames that were never handed out hold anything at all: wipe them before they are. */
static void clean(struct frames *frames, const struct search *search)
{
    void *address = segment_address(search->segment, search->index);

    if ((search->flags & FRAME_GOING) != 0) {
        wipe(address, (size_t)search->count * FRAME_SIZE);
        spin_take(&frames->account->lock);
        search->segment->table[search->index].flags &= (uint8_t)~FRAME_GOING;
        spin_give(&frames->account->lock);
    } else if (frames->keep_contents && (search->flags & FRAME_KEPT) != 0 &&
               (search->flags & FRAME_KEPT) >> FRAME_KEPT_SHIFT != FRAMES_SPAN) {
        wipe(address, (size_t)search->count * FRAME_SIZE);
    }
    if (!frames->keep_contents)
        assert_deep(bytes_are_zero(address, (size_t)search->count * FRAME_SIZE));
}

enum coffer_status frames_run_try(struct frames *frames, struct owner owner, size_t count,
                                  uint64_t alignment, unsigned flags, bool *is_short, void **out)
{
    struct search search = {
        .owner = owner,
        .count = (uint32_t)count,
        .alignment = alignment,
        .flags = flags,
        .slot = frames_slot(frames),
    };
    enum coffer_status status;

    *is_short = false;
    if (count > FRAMES_TOTAL_MAX)
        return COFFER_NO_MEMORY;
    spin_take(&frames->account->lock);
    status = take_locked(frames, &search, is_short);
    spin_give(&frames->account->lock);
    if (status == COFFER_OK) {
        clean(frames, &search);
        *out = segment_address(search.segment, search.index);
    }
    return status;
}

enum coffer_status frames_run_take(struct frames *frames, struct owner owner, size_t count,
                                   uint64_t alignment, unsigned flags, void **out)
{
    struct frames_plea plea = {.count = 0};
    bool is_short;
    enum coffer_status status = frames_run_try(frames, owner, count, alignment, flags, &is_short,
                                               out);

    while (status != COFFER_OK && is_short && frames_ask(frames, count, &plea))
        status = frames_run_try(frames, owner, count, alignment, flags, &is_short, out);
    return status;
}

/* With the lock: the frames of a run are free. */
static void free_frames(struct frames *frames, struct segment *segment, uint32_t index)
{
    struct frame head = segment->table[index];
    bool is_kept = (head.flags & FRAME_KEPT) != 0;
    unsigned order;

    account_give_frames(frames->account, (struct owner){head.owner}, head.run,
                        is_kept ? head.run : 0);
    if ((head.flags & FRAME_PIECED) != 0)
        unlink_run(segment, index, 1, head.run);
    segment->table[index] = (struct frame){.run = 0};
    if ((head.flags & FRAME_BLOCK) == 0) {
        buddy_give_range(segment, index, head.run);
        return;
    }
    order = bits_first(head.run);
    if (!frames_cache_is_for(frames, order) ||
        !frames_cache_give(frames, frames_slot(frames), order, segment, index))
        buddy_give_block(segment, order, index);
}

/* With the lock, which is given up: free a run that nobody else can reach any longer. */
static void retire(struct frames *frames, struct segment *segment, uint32_t index)
{
    struct frame *head = &segment->table[index];
    bool is_tagged = (head->flags & FRAME_TAGGED) != 0;
    uint32_t count = head->run;

    if (is_tagged || !frames->keep_contents) {
        head->flags |= FRAME_GOING;
        spin_give(&frames->account->lock);
        if (is_tagged)
            frames_run_set_tags(segment, index, count, 0);
        if (!frames->keep_contents)
            wipe(segment_address(segment, index), (size_t)count * FRAME_SIZE);
        spin_take(&frames->account->lock);
    }
    free_frames(frames, segment, index);
    spin_give(&frames->account->lock);
    frames_watch(frames);
}

void frames_run_end(struct frames *frames, struct segment *segment, uint32_t index)
{
    const struct frame *head = &segment->table[index];

    frames->account->lines[head->owner].run_gives += (head->flags & FRAME_KEPT) == 0;
    retire(frames, segment, index);
}
