/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are touched: brought in, zeroed or copied, and the room for that. */
#include <string.h>

#include "base/bytes.h"
#include "memory/paging/pages.h"

/* Shortages that one call gets over. More mean that others take what is made free, or that it is
 * no use (a pool that needs more frames than a quota allows). */
#define ROUNDS_MAX 32u

struct fault {
    struct paging *paging;
    struct object_private *object;
    uint32_t index;
    bool write;
    const struct page *source; /* of a copy that there was no room for */
    struct room room;
    enum coffer_status status; /* with FAULT_DONE */
    struct object_page *out;
};

enum outcome {
    FAULT_DONE,  /* the answer stands */
    FAULT_AGAIN, /* the lock was let go of: look at everything again */
    FAULT_SHORT, /* something could not be had; nothing has changed */
};

/* --- Room -------------------------------------------------------------------------------- */

/* Victims at a time: a batch, but no large part of what there is. */
static size_t batch_size(const struct paging *paging, uint64_t pages)
{
    uint64_t size = pages / 8;

    if (size > paging->batch)
        size = paging->batch;
    return size > 0 ? (size_t)size : 1;
}

static uint64_t evictable(const struct paging *paging)
{
    return paging->counts[PAGE_ACTIVE] + paging->counts[PAGE_INACTIVE];
}

/* Whose pages have to go, and how many: the owner's own when its quota is what is short. */
static struct reclaim plan(struct paging *paging, struct owner owner)
{
    struct account *account = &paging->memory->account;
    const struct account_line *line = &account->lines[owner.index];
    struct reclaim reclaim = {.least = 1};
    uint64_t pages = evictable(paging);

    spin_take(&account->lock);
    if (line->frames >= line->quota) {
        reclaim.owner = owner;
        if (pages > line->quota)
            pages = line->quota;
    }
    spin_give(&account->lock);
    reclaim.wanted = batch_size(paging, pages);
    return reclaim;
}

enum coffer_status paging_make_room(struct paging *paging, struct owner owner,
                                    const struct page *spare, struct room *room)
{
    struct reclaim reclaim = plan(paging, owner);

    reclaim.spare = spare;
    if (++room->rounds > ROUNDS_MAX)
        return COFFER_NO_MEMORY;
    paging_evict(paging, &reclaim);
    room->let_go |= reclaim.let_go;
    if (reclaim.freed > 0)
        return COFFER_OK;
    /* Others hold what could go. What they do ends, and then there is something to evict, or the
     * page is there that this call is about. That isn't a round: it is their progress. */
    if ((reclaim.status == COFFER_OK || reclaim.status == COFFER_NO_SPACE) &&
        paging_transits(paging) > 0) {
        room->rounds--;
        room->let_go = true;
        paging_wait_room(paging);
        return COFFER_OK;
    }
    switch (reclaim.status) {
    case COFFER_OK:
    case COFFER_NO_MEMORY:
        return COFFER_NO_MEMORY;
    case COFFER_NO_SPACE:
        return COFFER_NO_SPACE;
    default:
        return COFFER_IO; /* what was said of a victim is true of no other page */
    }
}

/* A frame is about to be taken: keep to the low watermark, as far as one short look can. */
static void keep_low(struct fault *fault)
{
    struct paging *paging = fault->paging;
    uint64_t free = paging_free_frames(paging);
    struct reclaim reclaim = {.brief = true, .least = 1};

    if (free > paging->low || paging->high == 0)
        return;
    reclaim.wanted = paging->high - (size_t)free;
    if (reclaim.wanted > batch_size(paging, evictable(paging)))
        reclaim.wanted = batch_size(paging, evictable(paging));
    if (reclaim.wanted == 0)
        return;
    paging_evict(paging, &reclaim);
    fault->room.let_go |= reclaim.let_go;
}

/* A frame for a page; its state must be set next. */
static enum coffer_status take_frame(struct paging *paging, struct owner owner, struct page *page)
{
    struct frames *frames = paging->memory->frames;
    void *frame;
    enum coffer_status status = frames_take(frames, owner, 1, &frame);

    if (status != COFFER_OK)
        return status;
    page->frame = frames_number(frames, frame) & 0x3ffffffu;
    return frames_set_tag(frames, frame, 1, PAGING_FRAME_TAG);
}

/* --- In ---------------------------------------------------------------------------------- */

/* LOADING -> RESIDENT, SWAPPED, LOST or ABSENT. */
static void end_load(struct fault *fault, struct page *page, enum coffer_status status)
{
    struct paging *paging = fault->paging;
    bool is_file = page_pager(page) != NULL;

    paging_wake_page(paging, page);
    if (status == COFFER_OK) {
        paging->page_ins++;
        fault->object->object.page_ins++;
        page_set_state(paging, page, PAGE_ACTIVE);
    } else if (status == COFFER_CORRUPT) {
        paging->corrupt_pages++;
        page_give_frame(paging, page);
        page_set_dirty(paging, page); /* no copy of it is any good */
        page_set_state(paging, page, PAGE_LOST);
    } else if (is_file) {
        page_forget(paging, page);
    } else {
        page_give_frame(paging, page);
        page_set_state(paging, page, PAGE_SWAPPED);
    }
    paging_wake_room(paging, 1);
}

/* Read a page, which has its frame, without the lock. */
static enum outcome load(struct fault *fault, struct page *page)
{
    struct paging *paging = fault->paging;
    const struct coffer_pager *pager = fault->object->object.pager;
    const struct backing *backing = paging->backing;
    void *frame = page_frame(paging, page);
    uint32_t slot = page->slot;
    uint64_t stamp = page->stamp;
    enum coffer_status status;

    page_set_state(paging, page, PAGE_LOADING);
    paging_unlock(paging);
    if (pager != NULL)
        status = outside_status(pager->read(pager->context, fault->index, frame));
    else
        status = outside_status(backing->read(backing->context, slot, stamp, frame));
    paging_lock(paging);
    fault->room.let_go = true;
    end_load(fault, page, status);

    if (status == COFFER_OK)
        return FAULT_AGAIN;
    fault->status = status;
    return FAULT_DONE;
}

/* SWAPPED -> LOADING. */
static enum outcome bring_in(struct fault *fault, struct page *page)
{
    if (take_frame(fault->paging, fault->object->object.owner, page) != COFFER_OK)
        return FAULT_SHORT;
    return load(fault, page);
}

static enum outcome done(struct fault *fault, const struct page *page)
{
    const struct coffer_pager *pager = fault->object->object.pager;

    fault->out->frame = page_frame(fault->paging, page);
    fault->out->writable = page->shares == 1 && (pager == NULL || pager->write != NULL);
    fault->status = COFFER_OK;
    return FAULT_DONE;
}

/* A page with a frame at a place that has none; it is in no state. */
static enum coffer_status make_resident(struct fault *fault, struct page **out)
{
    struct object_private *object = fault->object;
    struct memory *memory = fault->paging->memory;
    enum coffer_status status = page_make(object->family, fault->index, out);

    if (status != COFFER_OK)
        return status;
    status = slots_prepare(&object->slots, memory, object->object.owner, fault->index);
    if (status == COFFER_OK) {
        status = take_frame(fault->paging, object->object.owner, *out);
        if (status != COFFER_OK)
            slots_clear(&object->slots, memory, fault->index);
    }
    if (status != COFFER_OK)
        page_free(fault->paging, *out);
    return status;
}

/* ABSENT -> RESIDENT, or for a file ABSENT -> LOADING. */
static enum outcome touch_first(struct fault *fault)
{
    struct paging *paging = fault->paging;
    struct object_private *object = fault->object;
    struct page *page;

    if (make_resident(fault, &page) != COFFER_OK)
        return FAULT_SHORT;
    page->shares = 1;
    slots_set(&object->slots, fault->index, page);
    if (object->object.pager != NULL)
        return load(fault, page);

    if (paging->keep_contents)
        wipe(page_frame(paging, page), FRAME_SIZE);
    paging->zero_fills++;
    object->object.zero_fills++;
    page_set_state(paging, page, PAGE_ACTIVE);
    return done(fault, page);
}

enum coffer_status paging_copy_page(struct paging *paging, struct family *family, struct page *old,
                                    struct page **out)
{
    struct page *page;
    enum coffer_status status = page_make(family, old->index, &page);

    if (status != COFFER_OK)
        return status;
    status = take_frame(paging, family->owner, page);
    if (status != COFFER_OK) {
        page_free(paging, page);
        return status;
    }
    /* What is clean without a copy anywhere is zero. */
    if (old->dirty || old->slot != BACKING_NO_SLOT) {
        memcpy(page_frame(paging, page), page_frame(paging, old), FRAME_SIZE);
        page->dirty = 1;
    } else if (paging->keep_contents) {
        wipe(page_frame(paging, page), FRAME_SIZE);
    }
    paging->copies++;
    page->shares = 1;
    page_set_state(paging, page, PAGE_ACTIVE);
    *out = page;
    return COFFER_OK;
}

/* A write to a page that clones have too. */
static enum outcome copy_on_write(struct fault *fault, struct page *old)
{
    struct paging *paging = fault->paging;
    struct object_private *object = fault->object;
    const struct paging_client *client = &paging->client;
    struct page *page;
    unsigned bits;

    if (paging_copy_page(paging, object->family, old, &page) != COFFER_OK) {
        fault->source = old;
        return FAULT_SHORT;
    }
    bits = client->unmap(client->context, &object->object, fault->index);
    /* It was protected from writes when it was shared. */
    assert_debug((bits & PAGING_DIRTY) == 0);
    (void)bits;
    object->object.copies++;
    old->shares--;
    slots_set(&object->slots, fault->index, page);
    return done(fault, page);
}

/* --- The call ---------------------------------------------------------------------------- */

static enum outcome attempt(struct fault *fault)
{
    struct paging *paging = fault->paging;
    struct page *page = slots_get(&fault->object->slots, fault->index);

    fault->source = NULL;
    if (page == NULL)
        return touch_first(fault);
    switch ((enum page_state)page->state) {
    case PAGE_LOADING:
    case PAGE_WRITING:
        page->wanted = page->state == PAGE_WRITING;
        paging_wait_page(paging, page);
        fault->room.let_go = true;
        fault->status = COFFER_OK; /* which gets COFFER_BUSY */
        return FAULT_DONE;
    case PAGE_LOST:
        fault->status = COFFER_CORRUPT;
        return FAULT_DONE;
    case PAGE_SWAPPED:
        return bring_in(fault, page);
    default:
        if (fault->write && page->shares > 1)
            return copy_on_write(fault, page);
        return done(fault, page);
    }
}

/* Will a frame be needed? */
static bool takes_frame(const struct fault *fault)
{
    const struct page *page = slots_get(&fault->object->slots, fault->index);

    return page == NULL || page->state == PAGE_SWAPPED ||
           (page_is_resident(page) && page->shares > 1 && fault->write);
}

enum coffer_status object_get(struct object *object, uint64_t index, bool write,
                              struct object_page *out)
{
    struct paging *paging = object->paging;
    struct object_page got = {.frame = NULL};
    struct fault fault = {
        .paging = paging,
        .object = private_of(object),
        .index = (uint32_t)index,
        .write = write,
        .out = &got,
    };
    uint64_t forgets = fault.object->forgets;
    enum outcome outcome;

    assert_debug(paging_is_locked_here(paging));
    if (index >= object->page_count ||
        (write && object->pager != NULL && object->pager->write == NULL))
        return COFFER_MISUSE;

    /* While the lock is let go of, others may drop it. */
    object_hold(object);
    if (takes_frame(&fault))
        keep_low(&fault);
    /* Pages that were forgotten meanwhile may be in no region any more: then none may be made. */
    while (fault.object->forgets == forgets && (outcome = attempt(&fault)) != FAULT_DONE) {
        if (outcome == FAULT_SHORT)
            fault.status = paging_make_room(paging, object->owner, fault.source, &fault.room);
        else
            fault.status = ++fault.room.rounds > ROUNDS_MAX ? COFFER_NO_MEMORY : COFFER_OK;
        if (fault.status != COFFER_OK)
            break;
    }
    object_drop(object);
    if (fault.status != COFFER_OK)
        return fault.status;
    if (fault.room.let_go)
        return COFFER_BUSY;
    *out = got;
    return COFFER_OK;
}
