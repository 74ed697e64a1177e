/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and boxes of a memory system: the records of them, and that no two lie in one place. */
#include "memory/heap/boxes.h"
#include "memory/heap/pool.h"
#include "memory/space/space.h"
#include "memory/system/system.h"

static bool areas_overlap(const struct coffer_area *a, const struct coffer_area *b)
{
    uintptr_t a_start = (uintptr_t)a->address;
    uintptr_t b_start = (uintptr_t)b->address;

    return a_start < b_start + b->size && b_start < a_start + a->size;
}

/* Is the region another's? With the paging lock. */
static bool is_others(const struct coffer_memory *memory, const struct coffer_area *region)
{
    list_each (link, &memory->places) {
        const struct place *place = list_entry(link, struct place, link);

        if (place->region.address != NULL && areas_overlap(region, &place->region))
            return true;
    }
    return false;
}

/* Does it touch a user's space? Pages there go and come, which a pool can't wait for under its own
 * locks. With the paging lock. */
static bool is_pageable(const struct coffer_memory *memory, const struct coffer_area *region)
{
    const struct spaces *spaces = memory->spaces;

    if (!spaces->mmu->has_pointers)
        return false;
    list_each (link, &spaces->list) {
        const struct coffer_space *space = list_entry(link, struct coffer_space, link);
        const struct coffer_area range = {(void *)space->base, space->size};

        if (space->kind == COFFER_SPACE_USER && areas_overlap(region, &range))
            return true;
    }
    return false;
}

static bool frame_is_ours(const struct coffer_memory *memory, uintptr_t at)
{
    struct frame_info info = frames_query(memory->core->frames, (const void *)at);

    return info.found &&
           (info.reserved || info.free || (info.tag != 0 && info.tag < FRAMES_TAG_KEPT));
}

/* Does the region touch metadata, or frames that the caller can't have got: free ones, those of
 * pages, of page tables and of the swap? What lies in a pool's frames may be in a block of his. */
static bool region_is_ours(struct coffer_memory *memory, const struct coffer_area *region)
{
    uintptr_t start = (uintptr_t)region->address;
    struct coffer_area area;

    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++) {
        uintptr_t first = (uintptr_t)area.address;
        uintptr_t end = first + area.size;

        if (start > first)
            first = start - start % FRAME_SIZE;
        if (end > start + region->size)
            end = start + region->size;
        for (uintptr_t at = first; at < end; at += FRAME_SIZE) {
            if (frame_is_ours(memory, at))
                return true;
        }
    }
    return false;
}

static enum coffer_status check_place(struct coffer_memory *memory, struct coffer_owner owner,
                                      const struct coffer_area *region, struct owner *inside)
{
    enum coffer_status status = system_owner(memory, owner, inside);

    if (status != COFFER_OK || region->address == NULL)
        return status;
    if (is_pageable(memory, region))
        return COFFER_MISUSE;
    return is_others(memory, region) ? COFFER_EXISTS : COFFER_OK;
}

/* A record for what is to be opened, on the list. */
static enum coffer_status make_place(struct coffer_memory *memory, struct coffer_owner owner,
                                     const struct coffer_area *region, struct place **out)
{
    enum coffer_status status;
    struct owner inside;
    struct place *place;
    unsigned tries = 0;
    void *record;

    if (region->size > UINTPTR_MAX - (uintptr_t)region->address)
        return COFFER_MISUSE;
    if (region->address != NULL && region_is_ours(memory, region))
        return COFFER_EXISTS;
    spaces_lock(memory->spaces);
    do {
        status = check_place(memory, owner, region, &inside);
        if (status == COFFER_OK)
            status = spaces_take_record(memory->spaces, memory->system, sizeof(*place), &tries,
                                        &record);
    } while (status == COFFER_BUSY);
    if (status == COFFER_OK) {
        place = record;
        *place = (struct place){.memory = memory, .region = *region, .owner = inside};
        list_insert_before(&memory->places, &place->link);
        *out = place;
    }
    spaces_unlock(memory->spaces);
    return status;
}

/* What lay there is gone, or never was. */
static void drop_place(struct place *place)
{
    struct coffer_memory *memory = place->memory;

    spaces_lock(memory->spaces);
    list_remove(&place->link);
    if (place != &memory->own)
        memory_free(memory->core, place);
    spaces_unlock(memory->spaces);
}

/* What a pool of this owner stands on. */
static struct pool_host make_host(const struct coffer_memory *memory, struct owner owner)
{
    return (struct pool_host){
        .frames = memory->core->frames,
        .account = &memory->core->account,
        .owner = owner,
        .port = memory->port,
    };
}

enum coffer_status coffer_pool_open(struct coffer_memory *memory,
                                    const struct coffer_pool_settings *settings,
                                    struct coffer_pool **out)
{
    struct pool_host host = {.frames = NULL};
    struct place *place;
    enum coffer_status status;

    if (settings == NULL || out == NULL || !pool_settings_are_valid(settings))
        return COFFER_MISUSE;
    if (memory == NULL)
        return pool_open(&host, settings, out);
    status = make_place(memory, settings->owner,
                        &(struct coffer_area){settings->region, settings->region_size}, &place);
    if (status != COFFER_OK)
        return status;
    host = make_host(memory, place->owner);
    status = pool_open(&host, settings, &place->pool);
    if (status != COFFER_OK) {
        drop_place(place);
        return status;
    }
    pool_set_keeper(place->pool, place);
    *out = place->pool;
    return COFFER_OK;
}

void coffer_pool_close(struct coffer_pool *pool)
{
    struct place *place = pool == NULL ? NULL : pool_keeper(pool);

    if (pool == NULL || (place != NULL && place == &place->memory->own))
        return;
    pool_close(pool);
    if (place != NULL)
        drop_place(place);
}

enum coffer_status coffer_boxes_open(struct coffer_memory *memory,
                                     const struct coffer_boxes_settings *settings,
                                     struct coffer_boxes **out)
{
    struct pool_host host = {.frames = NULL};
    struct place *place;
    enum coffer_status status;

    if (settings == NULL || out == NULL)
        return COFFER_MISUSE;
    if (memory == NULL)
        return boxes_open(&host, settings, out);
    status = make_place(memory, settings->owner,
                        &(struct coffer_area){settings->region, settings->region_size}, &place);
    if (status != COFFER_OK)
        return status;
    host = make_host(memory, place->owner);
    status = boxes_open(&host, settings, &place->boxes);
    if (status != COFFER_OK) {
        drop_place(place);
        return status;
    }
    boxes_set_keeper(place->boxes, place);
    *out = place->boxes;
    return COFFER_OK;
}

void coffer_boxes_close(struct coffer_boxes *boxes)
{
    struct place *place = boxes == NULL ? NULL : boxes_keeper(boxes);

    if (boxes == NULL)
        return;
    boxes_close(boxes);
    if (place != NULL)
        drop_place(place);
}

struct coffer_pool *coffer_memory_pool(struct coffer_memory *memory)
{
    return memory->pool;
}

struct coffer_pool *coffer_memory_next_pool(struct coffer_memory *memory,
                                            struct coffer_pool *previous)
{
    const struct list *link = &memory->places;
    const struct place *place;

    if (previous != NULL)
        link = &((const struct place *)pool_keeper(previous))->link;
    do {
        link = link->next;
        if (link == &memory->places)
            return NULL;
        place = list_entry((struct list *)(uintptr_t)link, struct place, link);
    } while (place->pool == NULL);
    return place->pool;
}

enum coffer_status pools_open(struct coffer_memory *memory)
{
    const struct coffer_pool_settings settings = {.name = "memory", .policy = COFFER_POOL_FAST};
    const struct pool_host host = make_host(memory, memory->system);
    enum coffer_status status = pool_open(&host, &settings, &memory->pool);

    if (status != COFFER_OK)
        return status;
    memory->own = (struct place){.memory = memory, .owner = memory->system, .pool = memory->pool};
    pool_set_keeper(memory->pool, &memory->own);
    list_insert_before(&memory->places, &memory->own.link);
    return COFFER_OK;
}

/* The last one first: one may lie in a block of another that was there before. */
void pools_close(struct coffer_memory *memory)
{
    while (!list_is_empty(&memory->places)) {
        struct place *place = list_entry(memory->places.previous, struct place, link);

        if (place->pool != NULL)
            pool_close(place->pool);
        else
            boxes_close(place->boxes);
        drop_place(place);
    }
}

unsigned pools_count(struct coffer_memory *memory)
{
    unsigned count = 0;

    if (memory->spaces == NULL)
        return 1; /* a view */
    spaces_lock(memory->spaces);
    list_each (link, &memory->places)
        count += list_entry(link, struct place, link)->pool != NULL;
    spaces_unlock(memory->spaces);
    return count;
}

bool pools_name(const struct coffer_memory *memory, struct owner owner)
{
    list_each (link, &memory->places) {
        if (list_entry(link, struct place, link)->owner.index == owner.index)
            return true;
    }
    return false;
}
