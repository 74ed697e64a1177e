/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pin, unpin, sync.
 *
 * A region knows how often all of its pages are pinned; the pages themselves are pinned once for
 * it. A range is pinned in small lots: one that is done is a region of its own, which is merged
 * with the one before. So the lock is let go of between any two of them, and what is left to do, or
 * to be undone, is always a range.
 */
#include "memory/space/place.h"

#define LOT_PAGES    16u
#define PINS_MAX     65535u
#define UNDO_RECORDS 2u    /* that are left over by a lot, for who has to unpin it again */
#define LOOKS_MAX    1024u /* times that a lot is begun again because pages went meanwhile */

struct pinning {
    uintptr_t start;
    uintptr_t end;
    uintptr_t done; /* what lies before it is pinned */
    unsigned looks;
};

/* All pages of a lot, without letting go of the lock in between. */
static enum coffer_status bring_in(const struct region *region, uintptr_t start, uintptr_t end)
{
    enum coffer_status status = COFFER_OK;

    for (uintptr_t at = start; at < end && status == COFFER_OK; at += PAGE) {
        struct object_page page;

        status = object_get(region->object, region_page(region, at), region_is_private(region),
                            &page);
    }
    return status;
}

static void unpin_pages(const struct region *region, uintptr_t start, uintptr_t end)
{
    for (uintptr_t at = start; at < end; at += PAGE)
        object_unpin(region->object, region_page(region, at));
}

/* The pages were brought in just now. One that isn't there any more made room for another. */
static enum coffer_status pin_pages(struct coffer_space *space, const struct region *region,
                                    uintptr_t start, uintptr_t end)
{
    enum coffer_status status = COFFER_OK;
    uintptr_t at = start;

    while (at < end && status == COFFER_OK) {
        uint64_t index = region_page(region, at);
        struct object_page page;

        status = object_pin(region->object, index);
        if (status == COFFER_MISUSE)
            status = COFFER_BUSY;
        if (status != COFFER_OK)
            break;
        at += PAGE;
        status = object_get(region->object, index, region_is_private(region), &page);
        if (status == COFFER_OK)
            status = space_enter_page(space, region, at - PAGE, &page,
                                      space_lasting_access(space, region));
    }
    if (status != COFFER_OK)
        unpin_pages(region, start, at);
    return status;
}

static enum coffer_status pin_lot(struct change *change, void *argument)
{
    struct pinning *call = argument;
    struct coffer_space *space = change->space;
    struct region *region = regions_find(&space->regions, call->done);
    uintptr_t start = call->done;
    uintptr_t end;
    enum coffer_status status;

    if (region == NULL)
        return COFFER_NOT_FOUND;
    end = region->end < call->end ? region->end : call->end;
    if (region->pins == 0 && end - start > LOT_PAGES * PAGE)
        end = start + LOT_PAGES * PAGE;
    if (region->pins == PINS_MAX || ++call->looks > LOOKS_MAX)
        return COFFER_NO_MEMORY;
    status = change_need(change, change_cuts(change, start, end) + UNDO_RECORDS);
    if (status == COFFER_OK && region->pins == 0) {
        status = bring_in(region, start, end);
        if (status == COFFER_OK)
            status = pin_pages(space, region, start, end);
        if (status == COFFER_CORRUPT)
            space_kill(space);
        if (status == COFFER_NO_MEMORY)
            status = spaces_relieve(space->spaces, space->owner, &change->tries);
    }
    if (status != COFFER_OK)
        return status;

    change_cut(change, start, end);
    regions_find(&space->regions, start)->pins++;
    space_merge(space, start, end);
    call->done = end;
    call->looks = 0;
    change->tries = 0;
    return COFFER_OK;
}

static enum coffer_status unpin_range(struct change *change, void *argument)
{
    const struct pinning *call = argument;
    struct coffer_space *space = change->space;
    enum coffer_status status;

    if (!regions_cover(&space->regions, call->start, call->end))
        return COFFER_NOT_FOUND;
    for (const struct region *region = regions_find(&space->regions, call->start);
         region != NULL && region->start < call->end; region = regions_next(region)) {
        if (region->pins == 0)
            return COFFER_MISUSE;
    }
    status = change_need(change, change_cuts(change, call->start, call->end));
    if (status != COFFER_OK)
        return status;
    change_cut(change, call->start, call->end);
    for (struct region *region = regions_find(&space->regions, call->start);
         region != NULL && region->start < call->end; region = regions_next(region)) {
        if (--region->pins == 0)
            unpin_pages(region, region->start, region->end);
    }
    space_merge(space, call->start, call->end);
    return COFFER_OK;
}

enum coffer_status coffer_space_pin(struct coffer_space *space, uintptr_t address, size_t size)
{
    struct pinning call = {.start = address, .end = address + size, .done = address};
    struct change change;
    enum coffer_status status;

    if (space == NULL || !space_has(space, address, size))
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    if (status == COFFER_OK && !regions_cover(&space->regions, call.start, call.end))
        status = COFFER_NOT_FOUND;
    while (status == COFFER_OK && call.done < call.end)
        status = change_run(&change, pin_lot, &call);
    if (status != COFFER_OK && status != COFFER_CORRUPT && call.done > call.start) {
        struct pinning undo = {.start = call.start, .end = call.done};

        enum coffer_status undone = unpin_range(&change, &undo);

        (void)undone; /* others have unmapped it meanwhile, and the pins with it */
    }
    return change_end(&change, status);
}

enum coffer_status coffer_space_unpin(struct coffer_space *space, uintptr_t address, size_t size)
{
    struct pinning call = {.start = address, .end = address + size};
    struct change change;
    enum coffer_status status;

    if (space == NULL || !space_has(space, address, size))
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    if (status == COFFER_OK)
        status = change_run(&change, unpin_range, &call);
    return change_end(&change, status);
}

enum coffer_status coffer_space_sync(struct coffer_space *space, uintptr_t address, size_t size)
{
    uintptr_t at = address;
    struct change change;
    enum coffer_status status;

    if (space == NULL || !space_has(space, address, size))
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    while (status == COFFER_OK && at < address + size) {
        const struct region *region = regions_at_or_after(&space->regions, at);
        uintptr_t end;

        if (region == NULL || region->start >= address + size)
            break;
        if (region->start > at)
            at = region->start;
        end = region->end < address + size ? region->end : address + size;
        if ((region->flags & REGION_FILE) != 0)
            status = space_sync_object(region->object, region_page(region, at), (end - at) / PAGE);
        at = end;
        if (status == COFFER_OK)
            status = space_check(space);
    }
    return change_end(&change, status);
}
