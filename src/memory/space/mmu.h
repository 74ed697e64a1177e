/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory management unit, as a contract. Two implementations: page tables in software
 * (memory/space/soft.h), where addresses are numbers and the space's copies are the loads and
 * stores; and Linux (ports/linux/mmu.c), where they are pointers and faults are signals.
 *
 * A table maps pages of 4 KiB of one space to frames. Rights are COFFER_READ, _WRITE and _EXECUTE
 * of <coffer/space.h>; the latter two never come without reading. An MMU keeps two bits for each
 * page that it maps: referenced (accessed since it was last asked) and dirty (written since). One
 * whose machine has no such bits revokes a right and takes a fault of its own to learn of the next
 * access (a *soft fault*, of which the core sees only what `soft_faults` counts).
 *
 * Invariants
 *   V1 A page is mapped to one frame or not at all; mapping over a mapping is refused.
 *   V2 map is all or nothing, and the only call that can fail: with its frames for page tables got,
 *      every later call on the same pages works.
 *   V3 After unmap no access reaches the frame any more, from any thread.
 *
 * Locking: calls on all tables of one MMU host are serialised by the caller (the paging lock), but
 * for `enter` and `is_in_space`, which any thread may call at any time.
 */
#ifndef COFFER_MEMORY_SPACE_MMU_H
#define COFFER_MEMORY_SPACE_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/space.h"
#include "memory/frames/frames.h"

struct mmu_table; /* of one space, made by the implementation */

/* What an MMU needs of the core; lives as long as the tables. */
struct mmu_host {
    struct frames *frames;
    void *context;

    /* A zeroed frame for a page table, also when memory is short (from the reserve); NULL when even
     * that is used up. Called with the paging lock held. */
    void *(*take_table_frame)(void *context, struct owner owner);
    void (*give_table_frame)(void *context, struct owner owner, void *frame);

    /* An access that the table doesn't allow: coffer_space_fault of the space `cookie`. Called
     * without the lock, from the thread that made the access. COFFER_OK: try again. */
    enum coffer_status (*fault)(void *cookie, uintptr_t address, unsigned access);
};

struct mmu_table_settings {
    const struct mmu_host *host;
    void *cookie;       /* the space, for host->fault */
    struct owner owner; /* of page-table frames */
    uintptr_t base;     /* 0: the MMU chooses */
    size_t size;        /* bytes */
};

#define MMU_REFERENCED 1u
#define MMU_DIRTY      2u

struct mmu_entry {
    void *frame; /* its address in the linear window */
    unsigned rights;
    unsigned bits; /* MMU_REFERENCED, MMU_DIRTY */
};

struct coffer_mmu {
    const char *name;
    void *context;
    bool has_pointers; /* addresses can be dereferenced; spaces are disjoint then */

    /* Does any of the addresses belong to a table: of this host, or of another in the same program?
     * Touching one may take a fault, which waits for a paging lock. NULL without pointers. */
    bool (*is_in_space)(void *context, uintptr_t address, size_t size);

    /* A table without mappings; `*base` is where its addresses begin. COFFER_NO_MEMORY; COFFER_BUSY
     * when these addresses can't be had. */
    enum coffer_status (*create)(void *context, const struct mmu_table_settings *settings,
                                 uintptr_t *base, struct mmu_table **out);
    /* Unmaps what is mapped and gives the page-table frames back. */
    void (*destroy)(struct mmu_table *table);

    /* Map `count` pages from `address` to as many contiguous frames; their bits are `bits` (those
     * of the access that is about to be made: it needs no soft fault then). COFFER_EXISTS when one
     * of them is mapped; COFFER_NO_MEMORY without a frame for a page table, or when the machine
     * can't hold more mappings. */
    enum coffer_status (*map)(struct mmu_table *table, uintptr_t address, void *frame, size_t count,
                              unsigned rights, unsigned bits);
    /* Holes are fine. Page-table frames that become empty are given back. The bits that the pages
     * had, together: none that was set before the last access is missed. */
    unsigned (*unmap)(struct mmu_table *table, uintptr_t address, size_t count);
    /* New rights for those pages of the range that are mapped. */
    void (*protect)(struct mmu_table *table, uintptr_t address, size_t count, unsigned rights);

    /* False: not mapped. */
    bool (*query)(struct mmu_table *table, uintptr_t address, struct mmu_entry *out);
    /* The bits of a page, which are cleared as far as they are in `mask`; 0 when not mapped. */
    unsigned (*harvest)(struct mmu_table *table, uintptr_t address, unsigned mask);
    /* Set bits of a mapped page: an access through the linear window counts as one of the space. */
    void (*mark)(struct mmu_table *table, uintptr_t address, unsigned bits);

    /* Frames that page tables of this table take now, and soft faults so far. */
    size_t (*table_frames)(const struct mmu_table *table);
    uint64_t (*soft_faults)(const struct mmu_table *table);

    /* See coffer_space_enter; makes the table the thread's own for as long. */
    enum coffer_status (*enter)(struct mmu_table *table, void (*body)(void *argument),
                                void *argument);

    /* Visit each mapped page of `count` from `address`, in order, until `visit` returns false.
     * Holes cost next to nothing. */
    void (*walk)(struct mmu_table *table, uintptr_t address, size_t count,
                 bool (*visit)(void *context, uintptr_t address, const struct mmu_entry *entry),
                 void *context);
};

#endif
