/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a map goes, and whose pages it gets. */
#include "memory/space/place.h"

/* Regions of a neighbour's object that are looked at before its pages are taken for used. */
#define LOOK_MAX 16u

enum coffer_status placement_draw(const struct coffer_space *space, struct placement *place)
{
    const struct coffer_port *port = space->spaces->port;

    if (!space->random || place->is_fixed)
        return COFFER_OK;
    return port->entropy(port->context, place->random, sizeof(place->random));
}

enum coffer_status placement_find(const struct coffer_space *space, const struct placement *place,
                                  uintptr_t *start)
{
    const struct regions *regions = &space->regions;
    uintptr_t end = space->base + space->size;
    bool found;

    if (place->is_fixed) {
        if (place->keeps && regions_overlap(regions, place->address, place->address + place->size))
            return COFFER_EXISTS;
        *start = place->address;
        return COFFER_OK;
    }
    if (place->address != 0 && space_has(space, place->address, place->size) &&
        !regions_overlap(regions, place->address, place->address + place->size)) {
        *start = place->address;
        return COFFER_OK;
    }
    found = space->random ? regions_find_random_gap(regions, place->size, space->heap_end, end,
                                                    place->random, start)
                          : regions_find_gap(regions, place->size, space->heap_end, end, start);
    return found ? COFFER_OK : COFFER_NO_MEMORY;
}

/* Is no region at these pages of the object? When it has too many to tell, some may be. */
static bool pages_are_free(const struct object *object, uint64_t first, uint64_t count)
{
    unsigned looked = 0;

    list_each (link, &object->regions) {
        const struct region *region = list_entry(link, struct region, of_object);

        if (++looked > LOOK_MAX ||
            (region->first < first + count && first < region->first + region_page_count(region)))
            return false;
    }
    return true;
}

/* Could the two be one region, had they the same object? */
static bool is_like(const struct region *neighbour, const struct region *region)
{
    return neighbour->rights == region->rights && neighbour->flags == region->flags &&
           neighbour->pins == region->pins && region_is_private(region);
}

/* The pages behind those of a region up to `end`. An object gets no longer than its space, so that
 * nobody makes its numbers run out; a segment has an end of its own. */
static bool extend_lower(const struct coffer_space *space, const struct region *lower,
                         uintptr_t end, uint64_t count, struct page_source *out)
{
    struct object *object = lower->object;
    uint64_t first = lower->first + (end - lower->start) / PAGE;

    if ((lower->flags & REGION_SEGMENT) == 0) {
        if (first + count > space->size / PAGE || !pages_are_free(object, first, count))
            return false;
        if (first + count > object->page_count &&
            object_grow(object, first + count - object->page_count) != COFFER_OK)
            return false;
    } else if (first + count > object->page_count) {
        return false;
    }
    *out = (struct page_source){object, first};
    return true;
}

/* The pages before those of the region above. */
static bool extend_upper(const struct coffer_space *space, const struct region *region,
                         struct page_source *out)
{
    uint64_t count = region_page_count(region);
    const struct region *upper = regions_find(&space->regions, region->end);

    if (upper == NULL || !is_like(upper, region) || upper->first < count ||
        !pages_are_free(upper->object, upper->first - count, count))
        return false;
    *out = (struct page_source){upper->object, upper->first - count};
    return true;
}

enum coffer_status page_source_find(struct change *change, const struct region *region,
                                    struct page_source *out)
{
    const struct coffer_space *space = change->space;
    const struct region *lower = region->start == space->base
                                     ? NULL
                                     : regions_find(&space->regions, region->start - 1);

    if ((lower != NULL && is_like(lower, region) &&
         extend_lower(space, lower, lower->end, region_page_count(region), out)) ||
        extend_upper(space, region, out)) {
        object_hold(out->object);
        return COFFER_OK;
    }
    return page_source_open(change, region_page_count(region), out);
}

enum coffer_status page_source_extend(struct change *change, const struct region *lower,
                                      uintptr_t end, const struct region *region,
                                      struct page_source *out)
{
    if (extend_lower(change->space, lower, end, region_page_count(region), out)) {
        object_hold(out->object);
        return COFFER_OK;
    }
    if ((lower->flags & REGION_SEGMENT) != 0)
        return COFFER_NO_MEMORY;
    return page_source_open(change, region_page_count(region), out);
}

enum coffer_status page_source_open(struct change *change, uint64_t pages, struct page_source *out)
{
    struct coffer_space *space = change->space;
    struct spaces *spaces = space->spaces;
    enum coffer_status status = object_make(spaces->paging, space->owner, pages, NULL,
                                            &out->object);

    out->first = 0;
    if (status == COFFER_NO_MEMORY)
        return spaces_relieve(spaces, space->owner, &change->tries);
    return status;
}
