/* SPDX-License-Identifier: BSD-2-Clause */
/* What all calls that change regions have in common: the lock, records, cuts and the end. */
#include "memory/space/change.h"

#include "base/assert.h"

enum coffer_status change_begin(struct change *change, struct coffer_space *space)
{
    *change = (struct change){.space = space};
    spaces_lock(space->spaces);
    return space_check(space);
}

enum coffer_status change_run(struct change *change,
                              enum coffer_status (*attempt)(struct change *change, void *call),
                              void *call)
{
    enum coffer_status status;

    do {
        status = space_check(change->space);
        if (status == COFFER_OK)
            status = attempt(change, call);
    } while (status == COFFER_BUSY);
    return status;
}

static bool is_inside_region(const struct coffer_space *space, uintptr_t address)
{
    const struct region *region = regions_find(&space->regions, address);

    return region != NULL && region->start != address;
}

unsigned change_cuts(const struct change *change, uintptr_t start, uintptr_t end)
{
    return (unsigned)is_inside_region(change->space, start) +
           (unsigned)is_inside_region(change->space, end);
}

enum coffer_status change_need(struct change *change, unsigned count)
{
    struct coffer_space *space = change->space;

    assert_cheap(count <= CHANGE_RECORDS);
    while (change->record_count < count) {
        void *record;
        enum coffer_status status = spaces_take_record(
            space->spaces, space->owner, sizeof(struct region), &change->tries, &record);

        if (status != COFFER_OK)
            return status;
        change->records[change->record_count++] = record;
    }
    return COFFER_OK;
}

struct region *change_take(struct change *change)
{
    assert_cheap(change->record_count > 0);
    return change->records[--change->record_count];
}

static void cut_at(struct change *change, uintptr_t address)
{
    struct regions *regions = &change->space->regions;
    struct region *region = regions_find(regions, address);
    struct region *upper;

    if (!is_inside_region(change->space, address))
        return;
    upper = change_take(change);
    regions_split(regions, region, address, upper);
    object_hold(upper->object);
    list_insert_before(&upper->object->regions, &upper->of_object);
}

void change_cut(struct change *change, uintptr_t start, uintptr_t end)
{
    cut_at(change, start);
    cut_at(change, end);
}

void change_remove(struct change *change, uintptr_t start, uintptr_t end)
{
    struct regions *regions = &change->space->regions;
    struct region *region;

    change_cut(change, start, end);
    while ((region = regions_at_or_after(regions, start)) != NULL && region->start < end) {
        space_leave(change->space, region);
        region->next = change->leaving;
        change->leaving = region;
    }
}

enum coffer_status change_end(struct change *change, enum coffer_status status)
{
    struct spaces *spaces = change->space->spaces;

    while (change->leaving != NULL) {
        struct region *region = change->leaving;

        change->leaving = region->next;
        space_forget(change->space, region);
    }
    while (change->record_count > 0)
        memory_free(spaces->memory, change_take(change));
    spaces_unlock(spaces);
    return status;
}
