/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and boxes of a memory system: the list of them, and that no two lie in one place. */
#include "memory/heap/boxes.h"
#include "memory/heap/pool.h"
#include "memory/system/system.h"

static bool areas_overlap(const struct coffer_area *a, const struct coffer_area *b)
{
    uintptr_t a_start = (uintptr_t)a->address;
    uintptr_t b_start = (uintptr_t)b->address;

    return a_start < b_start + b->size && b_start < a_start + a->size;
}

/* Is the region another's? With the account's lock. `self` is the link of who asks, or NULL. */
static bool is_others(const struct coffer_memory *memory, const struct coffer_area *region,
                      const struct list *self)
{
    struct coffer_area other;

    list_each (link, &memory->pools) {
        if (link != self && pool_region(pool_at_link(link), &other) &&
            areas_overlap(region, &other))
            return true;
    }
    list_each (link, &memory->boxes) {
        if (link != self && boxes_region(boxes_at_link(link), &other) &&
            areas_overlap(region, &other))
            return true;
    }
    return false;
}

/* Does the region touch metadata, or frames that the caller can't have got: free ones, those of
 * pages and of page tables? What lies in a pool's frames may be in a block of his. */
static bool is_ours(const struct coffer_memory *memory, const struct coffer_area *region)
{
    uintptr_t end = (uintptr_t)region->address + region->size;

    for (uintptr_t at = (uintptr_t)region->address; at < end;
         at = (at & ~((uintptr_t)FRAME_SIZE - 1)) + FRAME_SIZE) {
        struct frame_info info = frames_query(memory->memory->frames, (const void *)at);

        if (info.found &&
            (info.reserved || info.free || (info.tag != 0 && info.tag < FRAMES_TAG_KEPT)))
            return true;
    }
    return false;
}

/* COFFER_OK: it may lie there, as far as is known before it does. */
static enum coffer_status check_region(struct coffer_memory *memory,
                                       const struct coffer_area *region)
{
    struct spin *lock = &memory->memory->account.lock;
    bool taken;

    if (region->address == NULL)
        return COFFER_OK;
    if (region->size > UINTPTR_MAX - (uintptr_t)region->address)
        return COFFER_MISUSE;
    spin_take(lock);
    taken = is_others(memory, region, NULL);
    spin_give(lock);
    return taken || is_ours(memory, region) ? COFFER_EXISTS : COFFER_OK;
}

/* Put it on a list, unless another was faster. */
static bool enlist(struct coffer_memory *memory, struct list *list, struct list *link,
                   const struct coffer_area *region)
{
    struct spin *lock = &memory->memory->account.lock;
    bool taken;

    spin_take(lock);
    taken = region->address != NULL && is_others(memory, region, link);
    if (!taken)
        list_insert_before(list, link);
    spin_give(lock);
    return !taken;
}

/* What a pool of this owner stands on. */
static enum coffer_status make_host(const struct coffer_memory *memory, struct coffer_owner owner,
                                    struct pool_host *out)
{
    struct pool_host host = {.port = NULL};
    enum coffer_status status = COFFER_OK;

    if (memory != NULL) {
        host.frames = memory->memory->frames;
        host.account = &memory->memory->account;
        host.port = memory->port;
        status = system_owner(memory, owner, &host.owner);
    }
    *out = host;
    return status;
}

enum coffer_status coffer_pool_open(struct coffer_memory *memory,
                                    const struct coffer_pool_settings *settings,
                                    struct coffer_pool **out)
{
    const struct coffer_area region = {settings->region, settings->region_size};
    struct pool_host host;
    struct coffer_pool *pool;
    enum coffer_status status = make_host(memory, settings->owner, &host);

    if (status == COFFER_OK && memory != NULL)
        status = check_region(memory, &region);
    if (status == COFFER_OK)
        status = pool_open(&host, settings, &pool);
    if (status != COFFER_OK)
        return status;
    if (memory != NULL && !enlist(memory, &memory->pools, pool_link(pool), &region)) {
        coffer_pool_close(pool);
        return COFFER_EXISTS;
    }
    *out = pool;
    return COFFER_OK;
}

enum coffer_status coffer_boxes_open(struct coffer_memory *memory,
                                     const struct coffer_boxes_settings *settings,
                                     struct coffer_boxes **out)
{
    const struct coffer_area region = {settings->region, settings->region_size};
    struct pool_host host;
    struct coffer_boxes *boxes;
    enum coffer_status status = make_host(memory, settings->owner, &host);

    if (status == COFFER_OK && memory != NULL)
        status = check_region(memory, &region);
    if (status == COFFER_OK)
        status = boxes_open(&host, settings, &boxes);
    if (status != COFFER_OK)
        return status;
    if (memory != NULL && !enlist(memory, &memory->boxes, boxes_link(boxes), &region)) {
        coffer_boxes_close(boxes);
        return COFFER_EXISTS;
    }
    *out = boxes;
    return COFFER_OK;
}

struct coffer_pool *coffer_memory_pool(struct coffer_memory *memory)
{
    return memory->pool;
}

struct coffer_pool *coffer_memory_next_pool(struct coffer_memory *memory,
                                            struct coffer_pool *previous)
{
    const struct list *link = previous == NULL ? memory->pools.next : pool_link(previous)->next;

    return link == &memory->pools ? NULL : pool_at_link((struct list *)(uintptr_t)link);
}

enum coffer_status pools_open(struct coffer_memory *memory)
{
    const struct coffer_pool_settings settings = {.name = "memory", .policy = COFFER_POOL_FAST};

    return coffer_pool_open(memory, &settings, &memory->pool);
}

void pools_close(struct coffer_memory *memory)
{
    /* Closing takes them off their lists. */
    while (!list_is_empty(&memory->boxes))
        coffer_boxes_close(boxes_at_link(memory->boxes.next));
    while (!list_is_empty(&memory->pools))
        coffer_pool_close(pool_at_link(memory->pools.next));
}

unsigned pools_count(struct coffer_memory *memory)
{
    struct spin *lock = &memory->memory->account.lock;
    unsigned count = 0;

    spin_take(lock);
    list_each (link, &memory->pools)
        count++;
    spin_give(lock);
    return count;
}
