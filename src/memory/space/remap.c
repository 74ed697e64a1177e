/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new size, and if need be a new place, for a range. Pages are never copied and mappings never
 * made: regions are moved with their objects, and faults map the pages where they are now.
 *
 * What a program takes for one region may be several: neighbours that are equal in all but the
 * object that they got their pages from. They are moved as one.
 */
#include "memory/space/place.h"

struct remap {
    uintptr_t start;
    uintptr_t end; /* of the old range */
    size_t new_size;
    bool may_move;
    struct placement place; /* for the new range */
    uintptr_t result;
};

static bool is_moving(const struct remap *call)
{
    return call->place.is_fixed;
}

/* Is the range in one region, as programs see it? */
static enum coffer_status check_range(const struct coffer_space *space, const struct remap *call,
                                      const struct region **last)
{
    const struct region *first = regions_find(&space->regions, call->start);
    const struct region *region = first;
    size_t old_size = call->end - call->start;

    if (first == NULL || !regions_cover(&space->regions, call->start, call->end))
        return COFFER_NOT_FOUND;
    while (region->end < call->end) {
        region = regions_next(region);
        if (region->rights != first->rights || region->flags != first->flags ||
            region->pins != first->pins || (region->flags & REGION_SEGMENT) != 0)
            return COFFER_NOT_FOUND;
    }
    if ((first->flags & REGION_HEAP) != 0)
        return COFFER_MISUSE;
    /* Pinned pages may be in use under their addresses, and new ones would have to be pinned. */
    if (first->pins > 0 && (is_moving(call) || call->new_size > old_size))
        return COFFER_MISUSE;
    *last = region;
    return COFFER_OK;
}

static enum coffer_status drop_tail(struct change *change, const struct remap *call)
{
    uintptr_t start = call->start + call->new_size;
    enum coffer_status status = change_need(change, change_cuts(change, start, call->end));

    if (status != COFFER_OK)
        return status;
    space_unmap_range(change->space, start, call->end);
    change_remove(change, start, call->end);
    return COFFER_OK;
}

/* The region for what the range grows by, `start` and later; its pages follow those of `last`. */
static enum coffer_status make_growth(struct change *change, const struct remap *call,
                                      const struct region *last, uintptr_t start,
                                      struct region *out)
{
    struct page_source source;
    enum coffer_status status;

    *out = (struct region){
        .start = start,
        .end = start + (call->new_size - (call->end - call->start)),
        .rights = last->rights,
        .flags = last->flags,
    };
    status = page_source_extend(change, last, call->end, out, &source);
    if (status != COFFER_OK)
        return status;
    out->object = source.object;
    out->first = source.first;
    return COFFER_OK;
}

static void attach_growth(struct change *change, const struct region *growth)
{
    struct region *region = change_take(change);

    *region = *growth;
    space_attach(change->space, region);
}

static bool can_grow_here(const struct coffer_space *space, const struct remap *call,
                          const struct region *last)
{
    return last->end == call->end && space_has(space, call->start, call->new_size) &&
           !regions_overlap(&space->regions, call->end, call->start + call->new_size);
}

static enum coffer_status grow_here(struct change *change, const struct remap *call,
                                    const struct region *last)
{
    struct region growth;
    enum coffer_status status = change_need(change, 1);

    if (status == COFFER_OK)
        status = make_growth(change, call, last, call->end, &growth);
    if (status != COFFER_OK)
        return status;
    attach_growth(change, &growth);
    space_merge(change->space, growth.start, growth.end);
    return COFFER_OK;
}

/* Move what lies in [start, end) of the space by a distance, to where nothing is. */
static void move_regions(struct change *change, uintptr_t start, uintptr_t end, uintptr_t distance)
{
    struct coffer_space *space = change->space;
    struct regions *regions = &space->regions;

    change_cut(change, start, end);
    while (start < end) {
        struct region *region = regions_find(regions, start);

        space_keep_dirty(space, region, region->start, region->end);
        (void)space->spaces->mmu->unmap(space->table, region->start, region_page_count(region));
        start = region->end;
        regions_remove(regions, region);
        region->start += distance;
        region->end += distance;
        regions_insert(regions, region);
    }
}

static enum coffer_status move(struct change *change, struct remap *call, const struct region *last)
{
    struct coffer_space *space = change->space;
    size_t old_size = call->end - call->start;
    size_t kept = old_size < call->new_size ? old_size : call->new_size;
    bool grows = old_size < call->new_size;
    struct region growth;
    uintptr_t target;
    enum coffer_status status = placement_find(space, &call->place, &target);

    if (status == COFFER_OK)
        status = change_need(change, CHANGE_RECORDS);
    if (status == COFFER_OK && grows)
        status = make_growth(change, call, last, target + old_size, &growth);
    if (status != COFFER_OK)
        return status;

    /* Nothing fails from here on. */
    space_unmap_range(space, target, target + call->new_size);
    change_remove(change, target, target + call->new_size);
    if (kept < old_size) {
        space_unmap_range(space, call->start + kept, call->end);
        change_remove(change, call->start + kept, call->end);
    }
    move_regions(change, call->start, call->start + kept, target - call->start);
    if (grows)
        attach_growth(change, &growth);
    space_merge(space, target, target + call->new_size);
    call->result = target;
    return COFFER_OK;
}

static enum coffer_status attempt(struct change *change, void *argument)
{
    struct remap *call = argument;
    const struct region *last;
    enum coffer_status status = check_range(change->space, call, &last);

    if (status != COFFER_OK)
        return status;
    call->result = call->start;
    if (is_moving(call))
        return move(change, call, last);
    if (call->new_size == call->end - call->start)
        return COFFER_OK;
    if (call->new_size < call->end - call->start)
        return drop_tail(change, call);
    if (can_grow_here(change->space, call, last))
        return grow_here(change, call, last);
    return call->may_move ? move(change, call, last) : COFFER_NO_MEMORY;
}

static bool ranges_overlap(uintptr_t a, size_t a_size, uintptr_t b, size_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

enum coffer_status coffer_space_remap(struct coffer_space *space, uintptr_t old_address,
                                      size_t old_size, size_t new_size, unsigned flags,
                                      uintptr_t *address)
{
    struct remap call = {
        .start = old_address,
        .end = old_address + old_size,
        .new_size = new_size,
        .may_move = (flags & COFFER_REMAP_MOVE) != 0,
        .place = {.size = new_size, .is_fixed = (flags & COFFER_REMAP_FIXED) != 0},
    };
    struct change change;
    enum coffer_status status;

    if (space == NULL || address == NULL)
        return COFFER_MISUSE;
    if ((flags & ~(COFFER_REMAP_MOVE | COFFER_REMAP_FIXED)) != 0 ||
        !space_has(space, old_address, old_size) || new_size == 0 || new_size % PAGE != 0)
        return COFFER_MISUSE;
    if (call.place.is_fixed) {
        call.place.address = *address;
        if (!call.may_move || !space_has(space, *address, new_size) ||
            ranges_overlap(old_address, old_size, *address, new_size))
            return COFFER_MISUSE;
    }
    status = placement_draw(space, &call.place);
    if (status != COFFER_OK)
        return status;
    status = change_begin(&change, space);
    if (status == COFFER_OK)
        status = change_run(&change, attempt, &call);
    status = change_end(&change, status);
    if (status == COFFER_OK)
        *address = call.result;
    return status;
}
