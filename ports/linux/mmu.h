/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMU on Linux: page tables that the kernel keeps, driven by mmap and mprotect.
 *
 *   space    a range of addresses, reserved by one mapping without access. A page of it that is
 *            mapped is a mapping of that frame's place in the file behind the window.
 *   shadow   a pagetable (memory/space/pagetable.h) tells what is mapped, the rights and the bits;
 *            the kernel tells nothing.
 *
 * Bits. What the kernel allows is what the shadow says as far as the bits are set already:
 *
 *     referenced clear: nothing;  referenced: reading;  referenced and dirty: writing, too
 *
 * (each within the page's rights). So the first access of a kind is a fault, in which the bit is
 * set and the access allowed: a soft fault, of which the core hears nothing. Harvesting a bit takes
 * the access away. A page that is mapped with bits, or marked with them, has them without a fault:
 * one with all the bits of its rights, which nobody harvests, may be handed to the kernel.
 *
 * Mappings. Taking access away is mprotect to none; the frame's mapping stays until another frame
 * takes its place (*stale*), which is cheaper than mapping nothing over it: a page that comes back
 * finds a mapping of its own size. Stale ones are swept away, many at a time, when mappings become
 * scarce. A page *spoken for* is mapped or stale, and has mappings reserved (ranges.h).
 *
 * Invariants (besides those of mmu.h)
 *   L1 What the kernel allows on a page is at most what the shadow's rights and bits say; no frame
 *      is reached but the one in the shadow.
 *   L2 Every page in the shadow is spoken for; every page that isn't has no mapping of its own.
 *   L3 The bits of the shadow are never less than what accesses happened.
 *
 * Locking: a lock for each table, because soft faults come at any time; innermost of all, and not
 * held when the core is called but for its page-table frames. Calls other than that are the
 * caller's to serialise, see mmu.h.
 */
#ifndef COFFER_LINUX_MMU_H
#define COFFER_LINUX_MMU_H

#include <pthread.h>

#include "base/list.h"
#include "coffer/linux_memory.h"
#include "memory/space/mmu.h"
#include "memory/space/pagetable.h"
#include "ranges.h"
#include "window.h"

struct coffer_linux_mmu {
    struct coffer_mmu operations;
    struct window window;
    struct list tables;
    size_t secret_pages; /* secret: spoken for in all tables, of window.locked_spare */
};

struct mmu_table {
    struct range_owner owner; /* first */
    struct list link;
    struct coffer_linux_mmu *mmu;
    const struct mmu_host *host;
    void *cookie;
    pthread_mutex_t lock; /* recursive, for who asks for a page while walking */
    struct pagetable *shadow;
    uintptr_t base;
    size_t page_count;
    uint64_t *spoken; /* a bit a page: spoken for */
    uint64_t *placed; /* a bit a page: the kernel's mapping is of the frame in the shadow */
    size_t spoken_count;
    size_t mappings; /* reserved for it */
    uint64_t soft_faults;
};

/* mmu_place.c: what the kernel is told. With the table's lock held. */

/* The page's frame with what its rights and bits allow. False: the kernel can't, and allows nothing
 * then. */
COFFER_MUST_CHECK bool table_place(struct mmu_table *table, uintptr_t address,
                                   const struct mmu_entry *entry);
/* Contiguous pages and frames in one mapping, all with the rights and bits of `first`. */
COFFER_MUST_CHECK bool table_place_run(struct mmu_table *table, uintptr_t address,
                                       const struct mmu_entry *first, size_t count);
/* A page that was placed with this entry and isn't in the shadow any more: nothing is allowed, its
 * mapping is stale. */
void table_displace(struct mmu_table *table, uintptr_t address, const struct mmu_entry *entry);
/* Nothing is mapped any more in the pages that are spoken for and lie in the range. */
void table_clear(struct mmu_table *table, uintptr_t address, size_t count);

/* `count` pages from `address` are spoken for. False: mappings are scarce. */
COFFER_MUST_CHECK bool table_speak_for(struct mmu_table *table, uintptr_t address, size_t count);
/* Clear what is stale. */
void table_sweep(struct mmu_table *table);

int entry_prot(const struct mmu_entry *entry);

static inline bool table_is_placed(const struct mmu_table *table, uintptr_t address)
{
    size_t page = (address - table->base) / COFFER_PAGE_SIZE;

    return table->placed[page / 64] >> page % 64 & 1;
}

/* L1 and L2 as far as they can be seen without asking the kernel. */
bool linux_mmu_table_is_valid(struct mmu_table *table);

#endif
