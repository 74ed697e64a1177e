/* SPDX-License-Identifier: BSD-2-Clause */
/* All spaces of a memory system. */
#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/lookup.h"
#include "memory/space/space.h"

#define RELIEF_MAX 8u /* times that one call asks for frames */

/* --- Locking, and memory in the middle of a call ------------------------------------------ */

void spaces_lock(struct spaces *spaces)
{
    paging_lock(spaces->paging);
}

void spaces_unlock(struct spaces *spaces)
{
    paging_unlock(spaces->paging);
    spaces->host.settle(spaces->host.context);
}

enum coffer_status spaces_relieve(struct spaces *spaces, struct owner owner, unsigned *tries)
{
    bool helped;

    if (++*tries > RELIEF_MAX)
        return COFFER_NO_MEMORY;
    paging_unlock(spaces->paging);
    helped = spaces->host.relieve(spaces->host.context, owner);
    paging_lock(spaces->paging);
    return helped ? COFFER_BUSY : COFFER_NO_MEMORY;
}

enum coffer_status spaces_take_record(struct spaces *spaces, struct owner owner, size_t size,
                                      unsigned *tries, void **out)
{
    enum coffer_status status = memory_alloc(spaces->memory, owner, size, out);

    return status == COFFER_NO_MEMORY ? spaces_relieve(spaces, owner, tries) : status;
}

/* --- One space --------------------------------------------------------------------------- */

static enum coffer_status make_table(struct coffer_space *space, uintptr_t base)
{
    struct spaces *spaces = space->spaces;
    const struct mmu_table_settings settings = {
        .host = &spaces->mmu_host,
        .cookie = space,
        .owner = space->owner,
        .base = base,
        .size = space->size,
    };
    unsigned tries = 0;

    for (;;) {
        enum coffer_status status = spaces->mmu->create(spaces->mmu->context, &settings,
                                                        &space->base, &space->table);

        if (status != COFFER_NO_MEMORY)
            return status;
        status = spaces_relieve(spaces, space->owner, &tries);
        if (status != COFFER_BUSY)
            return status;
    }
}

static enum coffer_status make_space(struct spaces *spaces,
                                     const struct coffer_space_settings *settings,
                                     struct owner owner, struct coffer_space **out)
{
    struct coffer_space *space;
    unsigned tries = 0;
    void *record;
    enum coffer_status status;

    do
        status = spaces_take_record(spaces, owner, sizeof(*space), &tries, &record);
    while (status == COFFER_BUSY);
    if (status != COFFER_OK)
        return status;

    space = record;
    space->spaces = spaces;
    space->kind = COFFER_SPACE_USER;
    space->name = settings->name != NULL ? settings->name : "user";
    space->owner = owner;
    space->size = settings->size;
    space->random = settings->random;
    list_init(&space->link);
    status = make_table(space, settings->base);
    if (status != COFFER_OK) {
        memory_free(spaces->memory, space);
        return status;
    }
    regions_init(&space->regions, space->base, space->base + space->size);
    space->heap_start = space->base;
    space->heap_break = space->base;
    space->heap_end = space->base + settings->heap_size;
    *out = space;
    return COFFER_OK;
}

enum coffer_status spaces_make(struct spaces *spaces, const struct coffer_space_settings *settings,
                               struct owner owner, struct coffer_space **out)
{
    bool no_entropy = spaces->port == NULL;

    if (settings->size == 0 || settings->size % PAGE != 0 || settings->base % PAGE != 0 ||
        settings->heap_size % PAGE != 0 || settings->heap_size > settings->size ||
        settings->size > UINTPTR_MAX - settings->base || (settings->random && no_entropy))
        return COFFER_MISUSE;
    return make_space(spaces, settings, owner, out);
}

enum coffer_status spaces_open_space(struct spaces *spaces,
                                     const struct coffer_space_settings *settings,
                                     struct owner owner, struct coffer_space **out)
{
    struct coffer_space *space;
    enum coffer_status status;

    spaces_lock(spaces);
    status = spaces_make(spaces, settings, owner, &space);
    if (status == COFFER_OK)
        list_insert_before(&spaces->list, &space->link);
    spaces_unlock(spaces);
    if (status == COFFER_OK)
        *out = space;
    return status;
}

void space_close(struct coffer_space *space)
{
    struct spaces *spaces = space->spaces;
    struct region *leaving = NULL;
    struct region *region;

    list_remove(&space->link);
    if (space->table != NULL) {
        space_unmap_range(space, space->base, space->base + space->size);
        spaces->soft_faults_past += spaces->mmu->soft_faults(space->table);
    }
    while ((region = regions_at_or_after(&space->regions, 0)) != NULL) {
        space_leave(space, region);
        region->next = leaving;
        leaving = region;
    }
    if (space->table != NULL)
        spaces->mmu->destroy(space->table);
    while (leaving != NULL) {
        region = leaving;
        leaving = region->next;
        space_forget(space, region);
    }
    memory_free(spaces->memory, space);
}

void coffer_space_close(struct coffer_space *space)
{
    struct spaces *spaces;

    if (space == NULL || space->kind != COFFER_SPACE_USER)
        return;
    spaces = space->spaces;
    spaces_lock(spaces);
    space_close(space);
    spaces_unlock(spaces);
}

enum coffer_status space_check(const struct coffer_space *space)
{
    return space->kind == COFFER_SPACE_USER ? space->status : COFFER_MISUSE;
}

bool space_has(const struct coffer_space *space, uintptr_t address, size_t size)
{
    return size > 0 && size % PAGE == 0 && address % PAGE == 0 && address >= space->base &&
           size <= space->size && address - space->base <= space->size - size;
}

enum coffer_status coffer_space_status(struct coffer_space *space)
{
    enum coffer_status status;

    if (space == NULL)
        return COFFER_MISUSE;
    spaces_lock(space->spaces);
    status = space->status;
    spaces_unlock(space->spaces);
    return status;
}

/* --- Regions come and go ------------------------------------------------------------------ */

void space_attach(struct coffer_space *space, struct region *region)
{
    region->space = space;
    regions_insert(&space->regions, region);
    list_init(&region->of_object);
    if (region->object != NULL)
        list_insert_before(&region->object->regions, &region->of_object);
}

void space_merge(struct coffer_space *space, uintptr_t start, uintptr_t end)
{
    struct regions *regions = &space->regions;
    struct region *region = regions_at_or_after(regions, start == 0 ? 0 : start - 1);

    while (region != NULL && region->start <= end) {
        struct region *next = regions_next(region);

        if (next == NULL || !regions_can_merge(region, next)) {
            region = next;
            continue;
        }
        regions_merge(regions, region, next);
        list_remove(&next->of_object);
        object_drop(next->object); /* never the last hold: the lower one has one too */
        memory_free(space->spaces->memory, next);
    }
}

void space_leave(struct coffer_space *space, struct region *region)
{
    regions_remove(&space->regions, region);
    region->flags |= REGION_LEAVING;
    if (region->pins > 0 && !region_is_private(region)) {
        for (uint64_t i = 0; i < region_page_count(region); i++)
            object_unpin(region->object, region->first + i);
        region->pins = 0;
    }
}

/* Where the first region other than this one that maps pages of [first, end) does so. */
static bool find_other(const struct region *region, uint64_t first, uint64_t end, uint64_t *start,
                       uint64_t *stop)
{
    bool found = false;

    list_each (link, &region->object->regions) {
        const struct region *other = list_entry(link, struct region, of_object);
        uint64_t other_end = other->first + region_page_count(other);

        if ((other->flags & REGION_LEAVING) != 0 || other->first >= end || other_end <= first ||
            (found && other->first >= *start))
            continue;
        found = true;
        *start = other->first > first ? other->first : first;
        *stop = other_end < end ? other_end : end;
    }
    return found;
}

/* Forget those of a region's pages that no other region of the object has. */
static void discard(const struct region *region)
{
    uint64_t first = region->first;
    uint64_t end = first + region_page_count(region);

    while (first < end) {
        uint64_t start = end;
        uint64_t stop = end;

        if (!region_is_private(region) && !find_other(region, first, end, &start, &stop))
            start = stop = end;
        if (start > first && object_discard(region->object, first, start - first) == COFFER_BUSY)
            continue; /* others may have come to these pages meanwhile */
        first = stop;
    }
}

void space_forget(struct coffer_space *space, struct region *region)
{
    struct memory *memory = space->spaces->memory;
    struct object *object = region->object;
    bool is_segments = (region->flags & REGION_SEGMENT) != 0;

    if (object == NULL) {
        memory_free(memory, region);
        return;
    }
    if (!is_segments)
        discard(region);
    list_remove(&region->of_object);
    if (list_is_empty(&object->regions)) {
        space->past.zero_fills += object->zero_fills;
        space->past.copies += object->copies;
        space->past.page_ins += object->page_ins;
        space->past.page_outs += object->page_outs;
    }
    memory_free(memory, region);
    if (is_segments) {
        object_drop(object); /* the segment has a hold */
        segment_settle(object);
    } else {
        object_drop(object);
    }
}

/* --- All of them ------------------------------------------------------------------------- */

unsigned spaces_count(struct spaces *spaces)
{
    unsigned count = 0;

    spaces_lock(spaces);
    list_each (link, &spaces->list)
        count++;
    spaces_unlock(spaces);
    return count;
}

struct coffer_space *spaces_next(struct spaces *spaces, struct coffer_space *previous)
{
    struct list *link = previous == NULL ? spaces->list.next : previous->link.next;

    return link == &spaces->list ? NULL : list_entry(link, struct coffer_space, link);
}

static bool holds(const struct coffer_space *space, uintptr_t address)
{
    if (space->kind == COFFER_SPACE_KERNEL)
        return regions_find(&space->regions, address) != NULL;
    return address >= space->base && address - space->base < space->size;
}

struct coffer_space *spaces_find(struct spaces *spaces, uintptr_t address)
{
    struct coffer_space *found = NULL;

    spaces_lock(spaces);
    list_each (link, &spaces->list) {
        struct coffer_space *space = list_entry(link, struct coffer_space, link);

        if ((space->kind != COFFER_SPACE_USER || spaces->mmu->has_pointers) &&
            holds(space, address)) {
            found = space;
            break;
        }
    }
    spaces_unlock(spaces);
    return found;
}

void spaces_statistics(struct spaces *spaces, struct coffer_paging_statistics *out)
{
    struct coffer_paging_statistics statistics = {0};

    spaces_lock(spaces);
    paging_statistics(spaces->paging, &statistics);
    statistics.faults = spaces->faults;
    statistics.soft_faults = spaces->soft_faults_past;
    list_each (link, &spaces->list) {
        const struct coffer_space *space = list_entry(link, struct coffer_space, link);

        if (space->table == NULL)
            continue;
        statistics.soft_faults += spaces->mmu->soft_faults(space->table);
        statistics.table_frames += spaces->mmu->table_frames(space->table);
    }
    spaces_unlock(spaces);
    *out = statistics;
}
