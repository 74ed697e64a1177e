/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap: one stretch of anonymous pages from the start of a space, as long as it is told. */
#include "memory/space/place.h"

static uintptr_t page_up(uintptr_t address)
{
    return (address + PAGE - 1) & ~(PAGE - 1);
}

static enum coffer_status grow(struct change *change, uintptr_t start, uintptr_t end)
{
    struct coffer_space *space = change->space;
    struct region new = {
        .start = start, .end = end, .rights = COFFER_READ | COFFER_WRITE, .flags = REGION_HEAP};
    struct page_source source;
    struct region *region;
    enum coffer_status status;

    if (regions_overlap(&space->regions, start, end))
        return COFFER_NO_MEMORY;
    status = change_need(change, 1);
    if (status == COFFER_OK)
        status = page_source_find(change, &new, &source);
    if (status != COFFER_OK)
        return status;
    new.object = source.object;
    new.first = source.first;
    region = change_take(change);
    *region = new;
    space_attach(space, region);
    space_merge(space, start, end);
    return COFFER_OK;
}

static enum coffer_status shrink(struct change *change, uintptr_t start, uintptr_t end)
{
    enum coffer_status status = change_need(change, change_cuts(change, start, end));

    if (status != COFFER_OK)
        return status;
    space_unmap_range(change->space, start, end);
    change_remove(change, start, end);
    return COFFER_OK;
}

static enum coffer_status attempt(struct change *change, void *call)
{
    struct coffer_space *space = change->space;
    uintptr_t wanted = *(uintptr_t *)call;
    uintptr_t end;
    uintptr_t new_end;
    enum coffer_status status = COFFER_OK;

    if (wanted < space->heap_start)
        return COFFER_MISUSE;
    if (wanted > space->heap_end)
        return COFFER_NO_MEMORY;
    end = page_up(space->heap_break);
    new_end = page_up(wanted);
    if (new_end > end)
        status = grow(change, end, new_end);
    else if (new_end < end)
        status = shrink(change, new_end, end);
    if (status == COFFER_OK)
        space->heap_break = wanted;
    return status;
}

enum coffer_status coffer_space_break(struct coffer_space *space, uintptr_t wanted, uintptr_t *now)
{
    struct change change;
    uintptr_t heap_break = 0;
    enum coffer_status status;

    if (space == NULL || now == NULL)
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    if (status == COFFER_OK && wanted != 0)
        status = change_run(&change, attempt, &wanted);
    heap_break = space->heap_break;
    status = change_end(&change, status);
    if (status == COFFER_OK)
        *now = heap_break;
    return status;
}
