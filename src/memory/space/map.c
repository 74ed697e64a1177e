/* SPDX-License-Identifier: BSD-2-Clause */
/* Map and unmap. */
#include "memory/space/place.h"

#define FLAGS_ALL                                                                                  \
    (COFFER_MAP_FIXED | COFFER_MAP_KEEP | COFFER_MAP_SHARED | COFFER_MAP_POPULATE |                \
     COFFER_MAP_PINNED)

/* One call of coffer_space_map. */
struct mapping {
    const struct coffer_map *map;
    struct placement place;
    struct page_source source; /* its object is NULL as long as there is none */
    bool is_populated;         /* all pages are there, by a pin of this call's */
    uintptr_t start;
};

static enum coffer_status check_map(const struct coffer_space *space, const struct coffer_map *map)
{
    bool is_fixed = (map->flags & COFFER_MAP_FIXED) != 0;

    if ((map->rights & ~RIGHTS_ALL) != 0 || (map->flags & ~FLAGS_ALL) != 0 ||
        ((map->flags & COFFER_MAP_KEEP) != 0 && !is_fixed))
        return COFFER_MISUSE;
    if (map->size == 0 || map->size % PAGE != 0 || map->address % PAGE != 0 ||
        map->offset % PAGE != 0)
        return COFFER_MISUSE;
    if (is_fixed && !space_has(space, map->address, map->size))
        return COFFER_MISUSE;
    if (map->segment == NULL)
        return map->offset == 0 ? COFFER_OK : COFFER_MISUSE;
    return segment_can_map(map->segment, space->spaces, map->offset, map->size, map->rights);
}

static enum coffer_status open_source(struct change *change, const struct coffer_map *map,
                                      struct page_source *source)
{
    if (map->segment == NULL)
        return page_source_open(change, map->size / PAGE, source);
    *source = (struct page_source){map->segment->object, map->offset / PAGE};
    object_hold(source->object);
    return COFFER_OK;
}

static void unpin(const struct page_source *source, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        object_unpin(source->object, source->first + i);
}

/* Every page gets its frame, and keeps it by a pin. Nobody else sees an anonymous mapping's pages
 * yet, so that it may go wrong at any of them. */
static enum coffer_status populate(struct change *change, struct mapping *mapping)
{
    struct coffer_space *space = change->space;
    const struct page_source *source = &mapping->source;
    uint64_t count = mapping->map->size / PAGE;
    bool write = mapping->map->segment == NULL;
    uint64_t done = 0;
    enum coffer_status status = COFFER_OK;

    while (status == COFFER_OK && done < count) {
        struct object_page page;

        status = object_get(source->object, source->first + done, write, &page);
        if (status == COFFER_OK)
            status = object_pin(source->object, source->first + done);
        if (status == COFFER_OK) {
            done++;
            change->tries = 0;
        } else if (status == COFFER_NO_MEMORY) {
            status = spaces_relieve(space->spaces, space->owner, &change->tries);
        } else if (status == COFFER_CORRUPT) {
            space_kill(space);
        }
        if (status == COFFER_BUSY)
            status = space_check(space);
    }
    if (status != COFFER_OK) {
        unpin(source, done);
        return status;
    }
    mapping->is_populated = true;
    return COFFER_OK;
}

static enum coffer_status get_page(const struct region *region, uintptr_t at,
                                   struct object_page *page)
{
    return object_get(region->object, region_page(region, at), region_is_private(region), page);
}

/* Enter all pages of a populated mapping, before its region is there. When that fails the range is
 * as before: pages that weren't pinned come back to it by faults. */
static enum coffer_status enter_pages(struct change *change, const struct region *region)
{
    struct coffer_space *space = change->space;
    enum coffer_status status = COFFER_OK;
    struct object_page page;

    /* A file's page may just be written back. Nothing is changed before all can be had at once. */
    for (uintptr_t at = region->start; at < region->end && status == COFFER_OK; at += PAGE)
        status = get_page(region, at, &page);
    if (status != COFFER_OK)
        return status;

    space_unmap_for_now(space, region->start, region->end);
    for (uintptr_t at = region->start; at < region->end && status == COFFER_OK; at += PAGE) {
        status = get_page(region, at, &page);
        if (status == COFFER_OK)
            status = space_enter_page(space, region, at, &page,
                                      space_lasting_access(space, region));
    }
    if (status == COFFER_OK)
        return COFFER_OK;
    (void)space->spaces->mmu->unmap(space->table, region->start, region_page_count(region));
    space_enter_pinned_range(space, region->start, region->end);
    return status == COFFER_NO_MEMORY ? spaces_relieve(space->spaces, space->owner, &change->tries)
                                      : status;
}

static unsigned flags_of(const struct coffer_map *map)
{
    if (map->segment != NULL)
        return segment_region_flags(map->segment);
    return (map->flags & COFFER_MAP_SHARED) != 0 ? REGION_SHARED : 0;
}

static enum coffer_status attempt_map(struct change *change, void *call)
{
    struct mapping *mapping = call;
    const struct coffer_map *map = mapping->map;
    struct coffer_space *space = change->space;
    struct region new = {.rights = rights_of(map->rights), .flags = flags_of(map), .space = space};
    struct region *region;
    enum coffer_status status = placement_find(space, &mapping->place, &new.start);

    if (status != COFFER_OK)
        return status;
    new.end = new.start + map->size;
    status = change_need(change, 1 + change_cuts(change, new.start, new.end));
    if (status == COFFER_OK && mapping->source.object == NULL)
        status = map->segment == NULL ? page_source_find(change, &new, &mapping->source)
                                      : open_source(change, map, &mapping->source);
    if (status != COFFER_OK)
        return status;
    new.object = mapping->source.object;
    new.first = mapping->source.first;
    if ((map->flags & COFFER_MAP_PINNED) != 0) {
        new.pins = 1;
        status = enter_pages(change, &new);
        if (status != COFFER_OK)
            return status;
    } else {
        space_unmap_range(space, new.start, new.end);
    }

    /* Nothing fails from here on. */
    change_remove(change, new.start, new.end);
    region = change_take(change);
    *region = new;
    space_attach(space, region);
    if (mapping->is_populated && new.pins == 0)
        unpin(&mapping->source, map->size / PAGE);
    mapping->source.object = NULL; /* the region has the hold now */
    mapping->start = new.start;
    space_merge(space, new.start, new.end);
    return COFFER_OK;
}

enum coffer_status coffer_space_map(struct coffer_space *space, const struct coffer_map *map,
                                    uintptr_t *address)
{
    struct mapping mapping = {.map = map};
    struct change change;
    enum coffer_status status;

    if (space == NULL || map == NULL || address == NULL)
        return COFFER_MISUSE;
    status = check_map(space, map);
    if (status != COFFER_OK)
        return status;
    mapping.place = (struct placement){
        .address = map->address,
        .size = map->size,
        .is_fixed = (map->flags & COFFER_MAP_FIXED) != 0,
        .keeps = (map->flags & COFFER_MAP_KEEP) != 0,
    };
    status = placement_draw(space, &mapping.place);
    if (status != COFFER_OK)
        return status;

    status = change_begin(&change, space);
    if (status == COFFER_OK && (map->flags & (COFFER_MAP_POPULATE | COFFER_MAP_PINNED)) != 0) {
        do
            status = open_source(&change, map, &mapping.source);
        while (status == COFFER_BUSY);
        if (status == COFFER_OK)
            status = populate(&change, &mapping);
    }
    if (status == COFFER_OK)
        status = change_run(&change, attempt_map, &mapping);
    if (mapping.source.object != NULL) {
        if (mapping.is_populated)
            unpin(&mapping.source, map->size / PAGE);
        object_drop(mapping.source.object);
    }
    status = change_end(&change, status);
    if (status == COFFER_OK)
        *address = mapping.start;
    return status;
}

/* --- Unmap ------------------------------------------------------------------------------- */

struct range {
    uintptr_t start;
    uintptr_t end;
};

static enum coffer_status attempt_unmap(struct change *change, void *call)
{
    const struct range *range = call;
    enum coffer_status status = change_need(change, change_cuts(change, range->start, range->end));

    if (status != COFFER_OK)
        return status;
    space_unmap_range(change->space, range->start, range->end);
    change_remove(change, range->start, range->end);
    return COFFER_OK;
}

enum coffer_status coffer_space_unmap(struct coffer_space *space, uintptr_t address, size_t size)
{
    struct range range = {address, address + size};
    struct change change;
    enum coffer_status status;

    if (space == NULL || !space_has(space, address, size))
        return COFFER_MISUSE;
    status = change_begin(&change, space);
    if (status == COFFER_OK)
        status = change_run(&change, attempt_unmap, &range);
    return change_end(&change, status);
}
