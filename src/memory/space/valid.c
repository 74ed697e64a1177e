/* SPDX-License-Identifier: BSD-2-Clause */
/* Are the invariants of space.h true? Walks everything, with the lock held. */
#include "memory/space/segment.h"

struct look {
    const struct coffer_space *space;
    bool is_valid;
};

/* M1, M5 */
static bool mapping_is_valid(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    struct look *look = context;
    const struct region *region = regions_find(&look->space->regions, address);
    struct object_page_info page;

    if (region == NULL || region->object == NULL || look->space->status != COFFER_OK) {
        look->is_valid = false;
        return false;
    }
    page = object_query(region->object, region_page(region, address));
    if (!page.resident || page.frame != entry->frame || (entry->rights & ~region->rights) != 0 ||
        (page.shared && (entry->rights & COFFER_WRITE) != 0))
        look->is_valid = false;
    return look->is_valid;
}

/* M2: once on its object's list. */
static bool is_listed(const struct region *region)
{
    unsigned count = 0;

    list_each (link, &region->object->regions)
        count += link == &region->of_object;
    return count == 1;
}

/* M3: in no page of a private object are there two regions. */
static bool is_alone(const struct region *region)
{
    list_each (link, &region->object->regions) {
        const struct region *other = list_entry(link, struct region, of_object);

        if (other != region && other->first < region->first + region_page_count(region) &&
            region->first < other->first + region_page_count(other))
            return false;
    }
    return true;
}

/* M3: pages of a private object are in a region. */
static bool has_no_strays(const struct object *object)
{
    uint64_t index = 0;
    struct object_page_info page;

    while (object_next(object, &index, &page)) {
        bool found = false;

        list_each (link, &object->regions) {
            const struct region *region = list_entry(link, struct region, of_object);

            if (region->first <= index && index - region->first < region_page_count(region))
                found = true;
        }
        if (!found)
            return false;
        index++;
    }
    return true;
}

/* M4 */
static bool pins_are_true(const struct coffer_space *space, const struct region *region)
{
    for (uintptr_t at = region->start; region->pins > 0 && at < region->end; at += PAGE) {
        struct object_page_info page = object_query(region->object, region_page(region, at));
        struct mmu_entry entry;

        if (!page.resident || page.pins == 0 || page.shared ||
            !space->spaces->mmu->query(space->table, at, &entry))
            return false;
    }
    return true;
}

static bool region_is_valid(const struct coffer_space *space, const struct region *region)
{
    if (region->space != space || (region->flags & REGION_LEAVING) != 0)
        return false;
    if (region->object == NULL)
        return space->table == NULL && (region->flags & REGION_LINEAR) != 0;
    if (region->first + region_page_count(region) > region->object->page_count ||
        !is_listed(region))
        return false;
    if (region_is_private(region) && (!is_alone(region) || !has_no_strays(region->object)))
        return false;
    return space->status != COFFER_OK || pins_are_true(space, region);
}

static bool space_is_valid(const struct coffer_space *space)
{
    struct look look = {space, true};

    if (!regions_is_valid(&space->regions))
        return false;
    for (const struct region *region = regions_at_or_after(&space->regions, 0); region != NULL;
         region = regions_next(region)) {
        if (!region_is_valid(space, region))
            return false;
    }
    if (space->table != NULL)
        space->spaces->mmu->walk(space->table, space->base, space->size / PAGE, mapping_is_valid,
                                 &look);
    return look.is_valid && space->heap_start <= space->heap_break && /* M6 */
           space->heap_break <= space->heap_end;
}

bool spaces_is_valid(struct spaces *spaces)
{
    bool is_valid = true;

    spaces_lock(spaces);
    list_each (link, &spaces->list)
        is_valid = is_valid && space_is_valid(list_entry(link, struct coffer_space, link));
    is_valid = is_valid && paging_is_valid(spaces->paging);
    spaces_unlock(spaces);
    return is_valid;
}
