/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of names: which pool or boxes an address stands for. */
#include "los/los.h"

static unsigned chain_of(const void *region)
{
    uint64_t mixed = (uint64_t)(uintptr_t)region * 0x9E3779B97F4A7C15u;

    return (unsigned)(mixed >> (64 - LOS_CHAIN_BITS));
}

static struct los_name *first_of(const struct los *los, enum los_kind kind, unsigned chain)
{
    return atomic_load_explicit(&los->names[kind][chain], memory_order_acquire);
}

static void *region_of(const struct los_name *name)
{
    return atomic_load_explicit(&name->region, memory_order_acquire);
}

struct los_name *los_name_find(const struct los *los, const void *region, enum los_kind kind)
{
    struct los_name *name;

    if (region == NULL)
        return NULL;
    for (name = first_of(los, kind, chain_of(region)); name != NULL; name = name->next) {
        if (region_of(name) == region)
            break;
    }
    return name;
}

static void lock(struct los *los)
{
    los->port->lock_take(los->port->context, &los->lock);
}

static void unlock(struct los *los)
{
    los->port->lock_give(los->port->context, &los->lock);
}

/* Make a name that is nobody's the region's. */
static void claim(const struct los *los, struct los_name *name, size_t size)
{
    name->size = size;
    name->pool = NULL;
    atomic_init(&name->expands, false);
    name->boxes = NULL;
    spin_init(&name->boxes_lock, los->port);
}

enum coffer_status los_name_make(struct los *los, const void *region, size_t size,
                                 enum los_kind kind, struct los_name **out)
{
    unsigned chain = chain_of(region);
    enum coffer_status status;
    struct los_name *name;
    void *record;

    lock(los);
    for (name = first_of(los, kind, chain); name != NULL && name->size != 0;)
        name = name->next;
    if (name != NULL)
        claim(los, name, size);
    unlock(los);
    if (name == NULL) {
        status = coffer_pool_alloc(coffer_memory_pool(los->memory), sizeof(*name), &record);
        if (status != COFFER_OK)
            return status;
        name = record;
        atomic_init(&name->region, NULL);
        claim(los, name, size);
        lock(los);
        name->next = first_of(los, kind, chain);
        atomic_store_explicit(&los->names[kind][chain], name, memory_order_release);
        unlock(los);
    }
    *out = name;
    return COFFER_OK;
}

static void forget(struct los_name *name)
{
    atomic_store_explicit(&name->region, NULL, memory_order_relaxed);
    name->size = 0;
}

static bool overlaps(const struct los_name *name, const void *region, size_t size)
{
    uintptr_t other = (uintptr_t)region_of(name);
    uintptr_t start = (uintptr_t)region;

    return other != 0 && start < other + name->size && other < start + size;
}

void los_name_open(struct los *los, struct los_name *name, void *region)
{
    lock(los);
    for (unsigned chain = 0; chain < LOS_CHAINS; chain++) {
        for (struct los_name *old = first_of(los, LOS_BOXES, chain); old != NULL; old = old->next) {
            if (overlaps(old, region, name->size))
                forget(old);
        }
    }
    atomic_store_explicit(&name->region, region, memory_order_release);
    unlock(los);
}

void los_name_drop(struct los *los, struct los_name *name)
{
    lock(los);
    forget(name);
    unlock(los);
}

UINT32 los_name_count(const struct los *los, void (*visit)(const void *region))
{
    UINT32 count = 0;

    for (unsigned chain = 0; chain < LOS_CHAINS; chain++) {
        for (const struct los_name *name = first_of(los, LOS_POOL, chain); name != NULL;
             name = name->next) {
            const void *region = region_of(name);

            if (region == NULL)
                continue;
            visit(region);
            count++;
        }
    }
    return count;
}
