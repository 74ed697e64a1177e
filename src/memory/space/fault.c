/* SPDX-License-Identifier: BSD-2-Clause */
/* From an access to a mapped page; what mappings lose; killed spaces. */
#include "base/assert.h"
#include "memory/space/space.h"

enum coffer_status space_enter_page(struct coffer_space *space, const struct region *region,
                                    uintptr_t address, const struct object_page *page,
                                    unsigned access)
{
    const struct coffer_mmu *mmu = space->spaces->mmu;
    unsigned rights = page->writable ? region->rights : region->rights & ~COFFER_WRITE;
    unsigned bits = access == 0 ? 0 : MMU_REFERENCED;
    struct mmu_entry entry;
    enum coffer_status status;

    if ((access & COFFER_WRITE) != 0)
        bits |= MMU_DIRTY;
    status = mmu->map(space->table, address, page->frame, 1, rights, bits);
    if (status != COFFER_EXISTS || !mmu->query(space->table, address, &entry))
        return status;

    /* The object takes the mappings of a page away when it gets another frame. */
    assert_cheap(entry.frame == page->frame);
    if (entry.rights != rights)
        mmu->protect(space->table, address, 1, rights);
    if (bits != 0)
        mmu->mark(space->table, address, bits);
    return COFFER_OK;
}

void space_enter_pinned(struct coffer_space *space, const struct region *region, uintptr_t start,
                        uintptr_t end)
{
    if (space->status != COFFER_OK)
        return;
    for (uintptr_t at = start; region->pins > 0 && at < end; at += PAGE) {
        uint64_t index = region_page(region, at);
        struct object_page page;

        /* One that is being written back is entered by who does that. Of the others none takes a
         * frame or waits, so that the lock stays taken; a table that can't be had is a fault's
         * business. */
        if (object_query(region->object, index).resident &&
            object_get(region->object, index, region_is_private(region), &page) == COFFER_OK &&
            space_enter_page(space, region, at, &page, space_lasting_access(space, region)) !=
                COFFER_OK)
            return;
    }
}

void space_enter_pinned_range(struct coffer_space *space, uintptr_t start, uintptr_t end)
{
    for (struct region *region = regions_at_or_after(&space->regions, start);
         region != NULL && region->start < end; region = regions_next(region))
        space_enter_pinned(space, region, region->start > start ? region->start : start,
                           region->end < end ? region->end : end);
}

enum coffer_status space_sync_object(struct object *object, uint64_t first, uint64_t count)
{
    enum coffer_status status;

    object_hold(object);
    /* Once: what gets dirty meanwhile is for the next call, or this one may never end. */
    status = object_sync(object, first, count);
    if (status == COFFER_BUSY)
        status = COFFER_OK;
    list_each (link, &object->regions) {
        struct region *region = list_entry(link, struct region, of_object);

        if ((region->flags & REGION_LEAVING) == 0)
            space_enter_pinned(region->space, region, region->start, region->end);
    }
    object_drop(object);
    return status;
}

static bool rights_allow(unsigned rights, unsigned access)
{
    return access != 0 && (access & ~rights) == 0;
}

enum coffer_status space_fault(struct coffer_space *space, uintptr_t address, unsigned access,
                               unsigned *tries)
{
    struct spaces *spaces = space->spaces;
    const struct region *region;
    struct object_page page;
    enum coffer_status status;

    if (space->status != COFFER_OK)
        return space->status;
    region = regions_find(&space->regions, address);
    if (region == NULL)
        return COFFER_NOT_FOUND;
    if (!rights_allow(region->rights, access))
        return COFFER_MISUSE;
    if (region->object == NULL)
        return COFFER_OK; /* a window needs no help */

    status = object_get(region->object, region_page(region, address), (access & COFFER_WRITE) != 0,
                        &page);
    if (status == COFFER_OK)
        status = space_enter_page(space, region, address & ~(PAGE - 1), &page, access);
    if (status == COFFER_CORRUPT)
        space_kill(space);
    else if (status == COFFER_NO_MEMORY)
        status = spaces_relieve(spaces, space->owner, tries);
    return status;
}

enum coffer_status coffer_space_fault(struct coffer_space *space, uintptr_t address,
                                      unsigned access)
{
    unsigned tries = 0;
    enum coffer_status status;

    if (space == NULL)
        return COFFER_MISUSE;
    spaces_lock(space->spaces);
    space->faults++;
    space->spaces->faults++;
    do
        status = space_fault(space, address, access, &tries);
    while (status == COFFER_BUSY);
    spaces_unlock(space->spaces);
    return status;
}

enum coffer_status coffer_space_enter(struct coffer_space *space, void (*body)(void *argument),
                                      void *argument)
{
    enum coffer_status status;

    if (space == NULL || body == NULL)
        return COFFER_MISUSE;
    status = coffer_space_status(space);
    if (status != COFFER_OK)
        return status;
    if (space->table == NULL) {
        body(argument);
        return COFFER_OK;
    }
    return space->spaces->mmu->enter(space->table, body, argument);
}

/* --- What mappings know that the pages don't ---------------------------------------------- */

static bool keep_dirty(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    const struct region *region = context;

    if ((entry->bits & MMU_DIRTY) != 0)
        object_mark_dirty(region->object, region_page(region, address));
    return true;
}

void space_keep_dirty(struct coffer_space *space, const struct region *region, uintptr_t start,
                      uintptr_t end)
{
    const struct coffer_mmu *mmu = space->spaces->mmu;

    /* Without the right to write no more pages get dirty while they are looked at. */
    mmu->protect(space->table, start, (end - start) / PAGE, region->rights & ~COFFER_WRITE);
    mmu->walk(space->table, start, (end - start) / PAGE, keep_dirty, (void *)(uintptr_t)region);
}

/* Of pages that live on only if `all_live` says so of those that are one region's alone. */
static void unmap_range(struct coffer_space *space, uintptr_t start, uintptr_t end, bool all_live)
{
    for (struct region *region = regions_at_or_after(&space->regions, start);
         region != NULL && region->start < end; region = regions_next(region)) {
        if (region->object != NULL && (all_live || !region_is_private(region)))
            space_keep_dirty(space, region, region->start > start ? region->start : start,
                             region->end < end ? region->end : end);
    }
    (void)space->spaces->mmu->unmap(space->table, start, (end - start) / PAGE);
}

void space_unmap_range(struct coffer_space *space, uintptr_t start, uintptr_t end)
{
    unmap_range(space, start, end, false);
}

void space_unmap_for_now(struct coffer_space *space, uintptr_t start, uintptr_t end)
{
    unmap_range(space, start, end, true);
}

void space_kill(struct coffer_space *space)
{
    space_unmap_range(space, space->base, space->base + space->size);
    space->status = COFFER_CORRUPT;
}

/* --- What paging asks of mappings --------------------------------------------------------- */

typedef unsigned (*page_function)(const struct coffer_mmu *mmu, struct mmu_table *table,
                                  uintptr_t address);

/* Call a function for each mapping that there may be of a page; all bits together. */
static unsigned each_mapping(struct object *object, uint64_t index, page_function function)
{
    unsigned bits = 0;

    list_each (link, &object->regions) {
        const struct region *region = list_entry(link, struct region, of_object);
        struct coffer_space *space = region->space;

        if ((region->flags & REGION_LEAVING) == 0 && region->first <= index &&
            index - region->first < region_page_count(region))
            bits |= function(space->spaces->mmu, space->table,
                             region->start + (uintptr_t)(index - region->first) * PAGE);
    }
    return bits;
}

static unsigned unmap_page(const struct coffer_mmu *mmu, struct mmu_table *table, uintptr_t address)
{
    return mmu->unmap(table, address, 1);
}

static unsigned write_protect_page(const struct coffer_mmu *mmu, struct mmu_table *table,
                                   uintptr_t address)
{
    struct mmu_entry entry;

    if (!mmu->query(table, address, &entry))
        return 0;
    mmu->protect(table, address, 1, entry.rights & ~COFFER_WRITE);
    return mmu->harvest(table, address, MMU_REFERENCED | MMU_DIRTY);
}

static unsigned page_bits(const struct coffer_mmu *mmu, struct mmu_table *table, uintptr_t address)
{
    return mmu->harvest(table, address, 0);
}

static unsigned age_page(const struct coffer_mmu *mmu, struct mmu_table *table, uintptr_t address)
{
    return mmu->harvest(table, address, MMU_REFERENCED);
}

unsigned space_client_unmap(void *context, struct object *object, uint64_t index)
{
    (void)context;
    return each_mapping(object, index, unmap_page);
}

unsigned space_client_write_protect(void *context, struct object *object, uint64_t index)
{
    (void)context;
    return each_mapping(object, index, write_protect_page);
}

unsigned space_client_bits(void *context, struct object *object, uint64_t index)
{
    (void)context;
    return each_mapping(object, index, page_bits);
}

unsigned space_client_age(void *context, struct object *object, uint64_t index)
{
    (void)context;
    return each_mapping(object, index, age_page);
}
