/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of candidates. */
#include "candidates.h"

#include <stdlib.h>

#include "coffer/linux_memory.h"
#include "linux/mmu.h"
#include "memory/space/pagetable.h"
#include "memory/space/soft.h"
#include "support/must.h"

/* --- Software ---------------------------------------------------------------------------- */

static void *soft_make(size_t size, struct memory_area *area)
{
    void *memory = aligned_alloc(FRAME_SIZE, size);

    must(memory != NULL);
    *area = (struct memory_area){memory, size};
    return memory;
}

static const struct coffer_mmu *soft_operations(void *machine)
{
    (void)machine;
    return soft_mmu();
}

static bool soft_is_valid(struct mmu_table *table)
{
    return pagetable_is_valid((const struct pagetable *)(const void *)table);
}

/* --- Linux ------------------------------------------------------------------------------- */

static void *linux_make(size_t size, struct memory_area *area)
{
    const struct coffer_linux_mmu_options options = {.size = size};
    struct coffer_linux_mmu *mmu;
    struct coffer_area memory;

    must(coffer_linux_mmu_make(&options, &mmu) == COFFER_OK);
    memory = coffer_linux_mmu_area(mmu);
    *area = (struct memory_area){memory.address, memory.size};
    return mmu;
}

static const struct coffer_mmu *linux_operations(void *machine)
{
    return coffer_linux_mmu_operations(machine);
}

static void linux_unmake(void *machine)
{
    coffer_linux_mmu_unmake(machine);
}

/* --- All --------------------------------------------------------------------------------- */

const struct candidate candidates[] = {
    {"software", soft_make, soft_operations, free, soft_is_valid},
    {"Linux", linux_make, linux_operations, linux_unmake, linux_mmu_table_is_valid},
};

const size_t candidate_count = sizeof(candidates) / sizeof(candidates[0]);
