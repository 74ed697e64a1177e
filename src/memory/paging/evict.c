/* SPDX-License-Identifier: BSD-2-Clause */
/* Replacement: which pages go, and how they get out. */
#include "memory/paging/pages.h"

/* After so many writes that failed it is the store that is broken, not a page: only what is clean
 * goes then. */
#define FAILURES_MAX 64u

/* A page on its way out, with what its writing needs to know: its record isn't to be read without
 * the lock, because others may want or share the page meanwhile. */
struct transit {
    struct page *page;
    const struct coffer_pager *pager; /* NULL: to the backing store */
    void *frame;
    uint64_t stamp;
    uint32_t index;
    uint32_t slot;
    enum coffer_status status;
};

struct transits {
    struct paging *paging;
    unsigned count;
    unsigned failures;
    struct object_private *syncing; /* NULL: victims; else its pages, which stay */
    struct transit pages[PAGING_BATCH_MAX];
};

/* --- Out --------------------------------------------------------------------------------- */

/* A place for the contents of a dirty page. False: there is none; why is noted. */
static bool take_target(const struct transits *transits, struct page *page, enum coffer_status *why)
{
    struct paging *paging = transits->paging;
    const struct coffer_pager *pager = page_pager(page);
    enum coffer_status status;
    uint32_t slot;

    if (transits->failures >= FAILURES_MAX)
        return false;
    if (pager != NULL)
        return pager->write != NULL;
    if (paging->backing == NULL)
        return false;
    status = paging->backing->reserve(paging->backing->context, &slot);
    if (status == COFFER_OK)
        page->slot = slot;
    else if (*why == COFFER_OK)
        *why = status;
    return status == COFFER_OK;
}

/* RESIDENT -> WRITING: a dirty page with a place to go to, that is mapped nowhere any more. */
static void transit_add(struct transits *transits, struct page *page)
{
    struct paging *paging = transits->paging;

    assert_debug(page->dirty && transits->count < PAGING_BATCH_MAX);
    page_set_state(paging, page, PAGE_WRITING);
    page->wanted = transits->syncing != NULL;
    transits->pages[transits->count++] = (struct transit){
        .page = page,
        .pager = page_pager(page),
        .frame = page_frame(paging, page),
        .index = page->index,
        .slot = page->slot,
    };
}

static void write_one(const struct backing *backing, struct transit *transit)
{
    const struct coffer_pager *pager = transit->pager;
    enum coffer_status status;

    if (pager != NULL)
        status = pager->write(pager->context, transit->index, transit->frame);
    else
        status = backing->write(backing->context, transit->slot, transit->frame, &transit->stamp);
    /* Only what is read can be corrupt. */
    transit->status = status == COFFER_CORRUPT ? COFFER_IO : outside_status(status);
}

static void count_write(struct paging *paging, struct page *page)
{
    paging->page_outs++;
    list_each (link, &page->family->objects) {
        struct object_private *object = list_entry(link, struct object_private, of_family);

        if (object_has(object, page))
            object->object.page_outs++;
    }
}

/* WRITING -> RESIDENT, SWAPPED or ABSENT. True when its frame is free. */
static bool end_write(struct paging *paging, const struct transit *transit)
{
    struct page *page = transit->page;
    bool wanted = page->wanted;

    page->wanted = 0;
    paging_wake_page(paging, page);
    if (transit->status == COFFER_OK) {
        count_write(paging, page);
        page->dirty = 0;
        page->stamp = transit->stamp;
    } else {
        paging->out_errors++;
        page_set_dirty(paging, page);
    }
    if (page->pins > 0) {
        page_set_state(paging, page, PAGE_PINNED);
        return false;
    }
    if (wanted || page->dirty) {
        page_set_state(paging, page, PAGE_ACTIVE);
        return false;
    }
    if (transit->pager != NULL) {
        page_forget(paging, page);
    } else {
        page_give_frame(paging, page);
        page_set_state(paging, page, PAGE_SWAPPED);
    }
    return true;
}

/* Write what was collected. How many frames became free; the first error is noted. */
static size_t write_all(struct transits *transits, enum coffer_status *why)
{
    struct paging *paging = transits->paging;
    const struct backing *backing = paging->backing;
    size_t freed = 0;
    size_t kept = 0;

    paging_unlock(paging);
    for (unsigned i = 0; i < transits->count; i++)
        write_one(backing, &transits->pages[i]);
    paging_lock(paging);

    for (unsigned i = 0; i < transits->count; i++) {
        enum coffer_status status = transits->pages[i].status;

        if (status != COFFER_OK) {
            transits->failures++;
            /* What happened to a page says more than that there was no slot for another. */
            if (*why == COFFER_OK || *why == COFFER_NO_SPACE)
                *why = status;
        }
        if (end_write(paging, &transits->pages[i]))
            freed++;
        else
            kept++;
    }
    transits->count = 0;
    paging_wake_room(paging, freed + kept);
    return freed;
}

/* --- Victims ----------------------------------------------------------------------------- */

/* A scan takes at most two looks for each page with regard to references, then passes each list
 * once without. */
enum scan_phase { SCAN_FAIR, SCAN_ALL_ACTIVE, SCAN_ALL_INACTIVE, SCAN_OVER };

struct scan {
    struct reclaim *reclaim;
    enum scan_phase phase;
    uint64_t left; /* looks, in this phase */
    struct transits transits;
};

/* RESIDENT -> SWAPPED or ABSENT: clean, unmapped; no I/O. */
static void drop_clean(struct paging *paging, struct page *page)
{
    paging->page_drops++;
    if (page->slot == BACKING_NO_SLOT) {
        page_forget(paging, page);
        return;
    }
    page_give_frame(paging, page);
    page_set_state(paging, page, PAGE_SWAPPED);
}

/* A page from the inactive list's tail: out with it, or to the active list. */
static void try_victim(struct scan *scan, struct page *page)
{
    struct reclaim *reclaim = scan->reclaim;
    struct transits *transits = &scan->transits;
    struct paging *paging = transits->paging;
    bool has_target = false;

    if (scan->phase == SCAN_FAIR && page_is_referenced(paging, page)) {
        paging->second_chances++;
        page_set_state(paging, page, PAGE_ACTIVE);
        return;
    }
    /* Mappings are not taken away in vain, as far as can be known. */
    if (page->dirty)
        has_target = take_target(transits, page, &reclaim->status);
    if (!page->dirty || has_target) {
        page_unmap(paging, page);
        if (!page->dirty) {
            drop_clean(paging, page);
            reclaim->freed++;
            return;
        }
        if (!has_target || page->slot == BACKING_NO_SLOT)
            has_target = take_target(transits, page, &reclaim->status);
    }
    if (has_target)
        transit_add(transits, page);
    else
        page_set_state(paging, page, PAGE_ACTIVE);
}

/* A page from the active list's tail: to the inactive one. */
static void retire(struct scan *scan, struct page *page)
{
    struct paging *paging = scan->transits.paging;

    if (scan->phase == SCAN_FAIR)
        page_age(paging, page);
    page_set_state(paging, page, PAGE_INACTIVE);
}

static enum page_state choose_list(const struct scan *scan)
{
    const struct paging *paging = scan->transits.paging;

    if (scan->phase == SCAN_FAIR)
        return paging->counts[PAGE_INACTIVE] * 2 < paging->counts[PAGE_ACTIVE] ? PAGE_ACTIVE
                                                                               : PAGE_INACTIVE;
    return scan->phase == SCAN_ALL_ACTIVE ? PAGE_ACTIVE : PAGE_INACTIVE;
}

static void look(struct scan *scan)
{
    struct paging *paging = scan->transits.paging;
    const struct reclaim *reclaim = scan->reclaim;
    enum page_state state = choose_list(scan);
    struct page *page;

    scan->left--;
    if (list_is_empty(&paging->lists[state]))
        return;
    paging->scanned++;
    page = list_entry(paging->lists[state].previous, struct page, link);
    if (page == reclaim->spare ||
        (reclaim->owner.index != 0 && page->family->owner.index != reclaim->owner.index))
        page_set_state(paging, page, state);
    else if (state == PAGE_ACTIVE)
        retire(scan, page);
    else
        try_victim(scan, page);
}

/* May the scan go on? */
static bool has_looks(struct scan *scan)
{
    const struct paging *paging = scan->transits.paging;

    while (scan->left == 0 && scan->phase != SCAN_OVER) {
        if (scan->reclaim->brief || scan->phase == SCAN_ALL_INACTIVE) {
            scan->phase = SCAN_OVER;
        } else if (scan->phase == SCAN_FAIR) {
            scan->phase = SCAN_ALL_ACTIVE;
            scan->left = paging->counts[PAGE_ACTIVE];
        } else {
            scan->phase = SCAN_ALL_INACTIVE;
            scan->left = paging->counts[PAGE_INACTIVE];
        }
    }
    return scan->phase != SCAN_OVER;
}

/* Look at pages until there is a batch, or enough, or it was long enough with the lock held. */
static void collect(struct scan *scan)
{
    const struct reclaim *reclaim = scan->reclaim;
    struct transits *transits = &scan->transits;

    for (unsigned looks = 0; looks < PAGING_SCAN && has_looks(scan); looks++) {
        if (transits->count == transits->paging->batch ||
            reclaim->freed + transits->count >= reclaim->wanted)
            return;
        look(scan);
    }
}

void paging_evict(struct paging *paging, struct reclaim *reclaim)
{
    struct scan scan = {
        .reclaim = reclaim,
        .left = reclaim->brief ? PAGING_SCAN
                               : 2 * (paging->counts[PAGE_ACTIVE] + paging->counts[PAGE_INACTIVE]),
        .transits = {.paging = paging},
    };

    paging->reclaims++;
    for (;;) {
        collect(&scan);
        if (scan.transits.count > 0) {
            reclaim->freed += write_all(&scan.transits, &reclaim->status);
            reclaim->let_go = true;
        }
        if (reclaim->freed >= reclaim->least || !has_looks(&scan))
            break;
        if (paging_has_threads(paging)) {
            paging_unlock(paging);
            paging_lock(paging);
            reclaim->let_go = true;
        }
    }
}

size_t paging_reclaim(struct paging *paging, size_t frames, struct owner owner)
{
    struct reclaim reclaim = {.owner = owner, .wanted = frames, .least = frames};

    if (frames == 0 || paging_is_locked_here(paging))
        return 0;
    paging_lock(paging);
    paging_evict(paging, &reclaim);
    paging_unlock(paging);
    return reclaim.freed;
}

/* --- Files ------------------------------------------------------------------------------- */

/* Does a resident page have to be written? Its mappings tell. */
static bool is_dirty_now(struct paging *paging, struct object_private *object, struct page *page)
{
    const struct paging_client *client = &paging->client;

    if ((client->write_protect(client->context, &object->object, page->index) & PAGING_DIRTY) != 0)
        page_set_dirty(paging, page);
    return page->dirty;
}

uint64_t paging_write_back(struct paging *paging, struct object_private *object, uint64_t from,
                           uint64_t end, enum coffer_status *status, bool *let_go)
{
    struct transits transits = {.paging = paging, .syncing = object};
    struct page *page;
    uint32_t index;

    for (unsigned looks = 0; looks < PAGING_SCAN && transits.count < paging->batch; looks++) {
        page = from < end ? slots_next(&object->slots, (uint32_t)from, &index) : NULL;
        from = page == NULL || index >= end ? end : index;
        if (from == end)
            break;
        /* Who writes it already may fail, and then it is dirty still. */
        if (page->state == PAGE_WRITING && transits.count > 0)
            break;
        if (page->state == PAGE_WRITING) {
            paging_wait_page(paging, page);
            *let_go = true;
            continue;
        }
        from++;
        if (page_is_resident(page) && is_dirty_now(paging, object, page)) {
            page_unmap(paging, page);
            transit_add(&transits, page);
        }
    }
    if (transits.count > 0) {
        (void)write_all(&transits, status);
        *let_go = true;
    } else if (from < end && paging_has_threads(paging)) {
        paging_unlock(paging);
        paging_lock(paging);
        *let_go = true;
    }
    return from;
}
