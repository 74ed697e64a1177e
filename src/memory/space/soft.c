/* SPDX-License-Identifier: BSD-2-Clause */
/* The MMU in software: the calls of mmu.h, each of them one of the page table's. */
#include "memory/space/soft.h"

#include "memory/space/pagetable.h"

/* A table of this MMU is a pagetable and nothing else. */
static struct pagetable *pages_of(struct mmu_table *table)
{
    return (struct pagetable *)(void *)table;
}

static const struct pagetable *const_pages_of(const struct mmu_table *table)
{
    return (const struct pagetable *)(const void *)table;
}

static enum coffer_status create(void *context, const struct mmu_table_settings *settings,
                                 uintptr_t *base, struct mmu_table **out)
{
    uintptr_t chosen = settings->base != 0 ? settings->base : SOFT_MMU_BASE;
    struct pagetable *pages;
    enum coffer_status status;

    (void)context;
    status = pagetable_open(settings->host, settings->owner, chosen, settings->size, &pages);
    if (status != COFFER_OK)
        return status;
    *base = chosen;
    *out = (struct mmu_table *)(void *)pages;
    return COFFER_OK;
}

static void destroy(struct mmu_table *table)
{
    pagetable_close(pages_of(table));
}

static enum coffer_status map(struct mmu_table *table, uintptr_t address, void *frame, size_t count,
                              unsigned rights, unsigned bits)
{
    return pagetable_map(pages_of(table), address, frame, count, rights, bits);
}

static unsigned unmap(struct mmu_table *table, uintptr_t address, size_t count)
{
    return pagetable_unmap(pages_of(table), address, count);
}

static void protect(struct mmu_table *table, uintptr_t address, size_t count, unsigned rights)
{
    pagetable_protect(pages_of(table), address, count, rights);
}

static bool query(struct mmu_table *table, uintptr_t address, struct mmu_entry *out)
{
    return pagetable_query(pages_of(table), address, out);
}

static unsigned harvest(struct mmu_table *table, uintptr_t address, unsigned mask)
{
    return pagetable_harvest(pages_of(table), address, mask);
}

static void mark(struct mmu_table *table, uintptr_t address, unsigned bits)
{
    pagetable_mark(pages_of(table), address, bits);
}

static size_t table_frames(const struct mmu_table *table)
{
    return pagetable_frames(const_pages_of(table));
}

static uint64_t soft_faults(const struct mmu_table *table)
{
    (void)table;
    return 0; /* the bits are kept without */
}

static enum coffer_status enter(struct mmu_table *table, void (*body)(void *argument),
                                void *argument)
{
    (void)table;
    body(argument);
    return COFFER_OK;
}

static void walk(struct mmu_table *table, uintptr_t address, size_t count,
                 bool (*visit)(void *context, uintptr_t address, const struct mmu_entry *entry),
                 void *context)
{
    pagetable_walk(pages_of(table), address, count, visit, context);
}

const struct coffer_mmu *soft_mmu(void)
{
    static const struct coffer_mmu mmu = {
        .name = "software",
        .create = create,
        .destroy = destroy,
        .map = map,
        .unmap = unmap,
        .protect = protect,
        .query = query,
        .harvest = harvest,
        .mark = mark,
        .table_frames = table_frames,
        .soft_faults = soft_faults,
        .enter = enter,
        .walk = walk,
    };

    return &mmu;
}
