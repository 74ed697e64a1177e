/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of a space: the same regions, private pages shared until either side writes. */
#include "base/assert.h"
#include "memory/space/space.h"

struct cloning {
    struct coffer_space *from;
    struct coffer_space *to;
    uintptr_t shift; /* of addresses */
    unsigned tries;
};

/* The copy of a region's object, when a region below it in the space has needed it already. */
static struct object *find_copy(const struct cloning *cloning, const struct region *region)
{
    list_each (link, &region->object->regions) {
        const struct region *other = list_entry(link, struct region, of_object);
        const struct region *copy;

        if ((other->flags & REGION_LEAVING) != 0 || other->start >= region->start)
            continue;
        copy = regions_find(&cloning->to->regions, other->start + cloning->shift);
        return copy == NULL ? NULL : copy->object;
    }
    return NULL;
}

static enum coffer_status copy_object(struct cloning *cloning, const struct region *region,
                                      struct object **out)
{
    struct object *copy;
    enum coffer_status status;

    if (!region_is_private(region)) {
        object_hold(region->object);
        *out = region->object;
        return COFFER_OK;
    }
    copy = find_copy(cloning, region);
    if (copy != NULL) {
        object_hold(copy);
        *out = copy;
        return COFFER_OK;
    }
    status = object_clone(region->object, out);
    if (status == COFFER_CORRUPT)
        space_kill(cloning->from);
    return status;
}

/* Of a region as it was: other threads may change it whenever the lock is let go of. */
static enum coffer_status copy_region(struct cloning *cloning, const struct region *was)
{
    struct coffer_space *to = cloning->to;
    struct spaces *spaces = to->spaces;
    struct region *copy;
    struct object *object;
    void *record;
    enum coffer_status status = memory_alloc(spaces->memory, to->owner, sizeof(*copy), &record);

    if (status == COFFER_OK) {
        status = copy_object(cloning, was, &object);
        if (status != COFFER_OK)
            memory_free(spaces->memory, record);
    }
    if (status == COFFER_NO_MEMORY)
        return spaces_relieve(spaces, to->owner, &cloning->tries);
    if (status != COFFER_OK)
        return status;

    copy = record;
    *copy = (struct region){
        .start = was->start + cloning->shift,
        .end = was->end + cloning->shift,
        .rights = was->rights,
        .flags = was->flags,
        .object = object,
        .first = was->first,
    };
    space_attach(to, copy);
    return COFFER_OK;
}

/* All regions in order. The lock may be let go of at each: what is next is found by address. */
static enum coffer_status copy_regions(struct cloning *cloning)
{
    const struct coffer_space *from = cloning->from;
    struct coffer_space *to = cloning->to;
    uintptr_t at = from->base;

    for (;;) {
        const struct region *region = regions_at_or_after(&from->regions, at);
        struct region was;
        enum coffer_status status;

        if (region == NULL)
            return COFFER_OK;
        was = *region;
        object_hold(was.object);
        status = copy_region(cloning, &was);
        object_drop(was.object);
        if (status == COFFER_OK) {
            /* Neighbours that were pinned differently are equal here. */
            space_merge(to, at + cloning->shift, was.end + cloning->shift);
            at = was.end;
            cloning->tries = 0;
        }
        if (status == COFFER_BUSY || status == COFFER_OK)
            status = from->status;
        if (status != COFFER_OK)
            return status;
    }
}

static enum coffer_status clone(struct coffer_space *space, const char *name,
                                struct coffer_space **out)
{
    struct spaces *spaces = space->spaces;
    const struct coffer_space_settings settings = {
        .name = name,
        .base = spaces->mmu->has_pointers ? 0 : space->base,
        .size = space->size,
        .heap_size = space->heap_end - space->heap_start,
        .random = space->random,
    };
    struct cloning cloning = {.from = space};
    enum coffer_status status;

    spaces_lock(spaces);
    status = space_check(space);
    if (status == COFFER_OK)
        status = spaces_make(spaces, &settings, space->owner, &cloning.to);
    if (status == COFFER_OK) {
        cloning.shift = cloning.to->base - space->base;
        status = copy_regions(&cloning);
        if (status == COFFER_OK) {
            cloning.to->heap_break = space->heap_break + cloning.shift;
            list_insert_before(&spaces->list, &cloning.to->link);
            *out = cloning.to;
        } else {
            space_close(cloning.to);
        }
    }
    spaces_unlock(spaces);
    return status;
}

enum coffer_status coffer_space_clone(struct coffer_space *space, const char *name,
                                      struct coffer_space **out)
{
    if (space == NULL || out == NULL)
        return COFFER_MISUSE;
    return clone(space, name, out);
}
