/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeing a space: nothing is changed. */
#include "memory/space/segment.h"
#include "memory/space/space.h"

#define LOT_PAGES 256u /* looked at before others get the lock */

static void window_query(const struct region *region, uintptr_t address,
                         struct coffer_page_info *out)
{
    *out = (struct coffer_page_info){
        .mapped = true,
        .rights = region->rights,
        .resident = true,
        .pinned = true,
        .frame = (void *)(address & ~(PAGE - 1)),
    };
}

static void page_query(const struct coffer_space *space, const struct region *region,
                       uintptr_t address, struct coffer_page_info *out)
{
    struct object_page_info page = object_query(region->object, region_page(region, address));
    struct mmu_entry entry;
    bool is_dirty = space->spaces->mmu->query(space->table, address, &entry) &&
                    (entry.bits & MMU_DIRTY) != 0;

    *out = (struct coffer_page_info){
        .mapped = true,
        .rights = region->rights,
        .resident = page.resident,
        .swapped = page.swapped,
        .dirty = page.dirty || is_dirty,
        .pinned = page.pins > 0,
        .shared = page.shared || !region_is_private(region),
        .frame = page.frame,
    };
}

enum coffer_status coffer_space_query(struct coffer_space *space, uintptr_t address,
                                      struct coffer_page_info *out)
{
    struct coffer_page_info info = {.mapped = false};
    const struct region *region;
    enum coffer_status status;

    if (space == NULL || out == NULL)
        return COFFER_MISUSE;
    spaces_lock(space->spaces);
    status = space->status;
    if (status == COFFER_OK) {
        region = regions_find(&space->regions, address);
        if (region != NULL && region->object == NULL)
            window_query(region, address, &info);
        else if (region != NULL)
            page_query(space, region, address, &info);
        *out = info;
    }
    spaces_unlock(space->spaces);
    return status;
}

struct search {
    const void *frame;
    uintptr_t address;
    bool found;
};

static bool is_it(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    struct search *search = context;

    if (entry->frame != search->frame)
        return true;
    search->found = true;
    search->address = address;
    return false;
}

enum coffer_status coffer_space_address_of(struct coffer_space *space, const void *frame,
                                           uintptr_t *address)
{
    uintptr_t offset = (uintptr_t)frame % PAGE;
    struct search search = {.frame = (const uint8_t *)frame - offset};
    enum coffer_status status;

    if (space == NULL || address == NULL)
        return COFFER_MISUSE;
    spaces_lock(space->spaces);
    status = space->status;
    if (status == COFFER_OK) {
        if (space->table == NULL)
            search = (struct search){
                .found = regions_find(&space->regions, (uintptr_t)frame) != NULL,
                .address = (uintptr_t)frame - offset,
            };
        else
            space->spaces->mmu->walk(space->table, space->base, space->size / PAGE, is_it, &search);
        if (search.found)
            *address = search.address + offset;
        else
            status = COFFER_NOT_FOUND;
    }
    spaces_unlock(space->spaces);
    return status;
}

enum coffer_status coffer_space_region(struct coffer_space *space, uintptr_t address,
                                       struct coffer_region_info *out)
{
    const struct region *region;
    enum coffer_status status;

    if (space == NULL || out == NULL)
        return COFFER_MISUSE;
    spaces_lock(space->spaces);
    status = space->status;
    if (status == COFFER_OK) {
        region = regions_at_or_after(&space->regions, address);
        if (region != NULL && region->start < address)
            region = regions_next(region);
        if (region == NULL) {
            status = COFFER_NOT_FOUND;
        } else {
            *out = (struct coffer_region_info){
                .address = region->start,
                .size = region->end - region->start,
                .rights = region->rights,
                .heap = (region->flags & REGION_HEAP) != 0,
                .shared = (region->flags & (REGION_SHARED | REGION_SEGMENT)) != 0,
                .file = (region->flags & REGION_FILE) != 0,
                .pinned = region->pins > 0,
            };
        }
    }
    spaces_unlock(space->spaces);
    return status;
}

struct page_events space_events(const struct coffer_space *space)
{
    struct page_events events = space->past;

    for (const struct region *region = regions_at_or_after(&space->regions, 0); region != NULL;
         region = regions_next(region)) {
        const struct object *object = region->object;

        /* Of an object's regions, in however many spaces, one stands for it. */
        if (object == NULL || object->regions.next != &region->of_object)
            continue;
        events.zero_fills += object->zero_fills;
        events.copies += object->copies;
        events.page_ins += object->page_ins;
        events.page_outs += object->page_outs;
    }
    return events;
}

/* Count the pages from `*at` on, a lot of them; false: that was all. */
static bool count_lot(const struct coffer_space *space, uintptr_t *at,
                      struct coffer_space_info *out)
{
    for (unsigned looked = 0; looked < LOT_PAGES; looked++) {
        const struct region *region = regions_at_or_after(&space->regions, *at);
        struct object_page_info page;
        uint64_t index;

        if (region == NULL)
            return false;
        if (region->start > *at)
            *at = region->start;
        index = region_page(region, *at);
        if (region->object == NULL || !object_next(region->object, &index, &page) ||
            index >= region->first + region_page_count(region)) {
            *at = region->end;
            continue;
        }
        out->resident += page.resident;
        out->swapped += page.swapped;
        out->pinned += page.pins > 0;
        *at = region->start + (uintptr_t)(index - region->first + 1) * PAGE;
    }
    return true;
}

void coffer_space_info(struct coffer_space *space, struct coffer_space_info *out)
{
    struct spaces *spaces = space->spaces;
    uintptr_t at = space->base;
    struct page_events events;

    *out = (struct coffer_space_info){.kind = space->kind};
    spaces_lock(spaces);
    while (count_lot(space, &at, out)) {
        paging_unlock(spaces->paging);
        paging_lock(spaces->paging);
    }
    events = space_events(space);
    out->name = space->name;
    out->owner.index = space->owner.index == spaces->system.index ? 0 : space->owner.index;
    out->base = space->base;
    out->size = space->size;
    out->heap_start = space->heap_start;
    out->heap_break = space->heap_break;
    out->regions = space->regions.count;
    out->mapped = space->regions.mapped;
    out->table_frames = space->table == NULL ? 0 : spaces->mmu->table_frames(space->table);
    out->faults = space->faults;
    out->zero_fills = events.zero_fills;
    out->copies = events.copies;
    out->page_ins = events.page_ins;
    out->page_outs = events.page_outs;
    out->status = space->status;
    spaces_unlock(spaces);
}

bool coffer_segment_is_mapped(struct coffer_segment *segment)
{
    bool is_mapped;

    spaces_lock(segment->spaces);
    is_mapped = !list_is_empty(&segment->object->regions);
    spaces_unlock(segment->spaces);
    return is_mapped;
}
