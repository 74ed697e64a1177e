/* SPDX-License-Identifier: BSD-2-Clause */
/* New rights for a range. */
#include "memory/space/place.h"

struct protection {
    uintptr_t start;
    uintptr_t end;
    unsigned rights;
};

/* Is all of it mapped, and may it all have these rights? */
static enum coffer_status check_range(const struct coffer_space *space,
                                      const struct protection *call)
{
    if (!regions_cover(&space->regions, call->start, call->end))
        return COFFER_NOT_FOUND;
    for (const struct region *region = regions_find(&space->regions, call->start);
         region != NULL && region->start < call->end; region = regions_next(region)) {
        const struct coffer_segment *segment = segment_of(region);

        if ((call->rights & COFFER_WRITE) != 0 && segment != NULL && !segment->is_writable)
            return COFFER_MISUSE;
    }
    return COFFER_OK;
}

static void set_rights(struct coffer_space *space, struct region *region, unsigned rights)
{
    unsigned now = rights;

    /* Pages may be shared with a clone: which of them can be written is seen when they are. */
    if (region_is_private(region))
        now &= ~COFFER_WRITE;
    region->rights = rights;
    space->spaces->mmu->protect(space->table, region->start, region_page_count(region), now);
    space_enter_pinned(space, region, region->start, region->end);
}

static enum coffer_status attempt(struct change *change, void *argument)
{
    const struct protection *call = argument;
    struct coffer_space *space = change->space;
    enum coffer_status status = check_range(space, call);

    if (status == COFFER_OK)
        status = change_need(change, change_cuts(change, call->start, call->end));
    if (status != COFFER_OK)
        return status;
    change_cut(change, call->start, call->end);
    for (struct region *region = regions_find(&space->regions, call->start);
         region != NULL && region->start < call->end; region = regions_next(region)) {
        if (region->rights != call->rights)
            set_rights(space, region, call->rights);
    }
    space_merge(space, call->start, call->end);
    return COFFER_OK;
}

enum coffer_status coffer_space_protect(struct coffer_space *space, uintptr_t address, size_t size,
                                        unsigned rights)
{
    struct protection call = {address, address + size, rights_of(rights)};
    struct change change;
    enum coffer_status status;

    if (space == NULL || !space_has(space, address, size) || (rights & ~RIGHTS_ALL) != 0)
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    if (status == COFFER_OK)
        status = change_run(&change, attempt, &call);
    return change_end(&change, status);
}
