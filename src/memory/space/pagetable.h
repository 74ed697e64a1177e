/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables in software: for each page of a range of addresses the frame behind it, its rights
 * and its bits. They are the software MMU (soft.h), and the shadow of one whose machine keeps its
 * own tables out of sight (ports/linux/mmu.c): it knows what is mapped, and no machine.
 *
 * A radix tree. Its tables are frames of 512 entries; it is as high as the range's size asks for,
 * wherever the range lies. The topmost table stands behind the structure itself, in one frame with
 * it, so that a space of up to 1.9 MiB needs that one only.
 *
 * An entry is 8 bytes, 0 when nothing is there:
 *
 *      63         32 31     26 25     16 15   6  5  4  3  2..0
 *     | frame number |        |  used   |      |  D  R  P  rights |      of a page
 *     | frame number |        |  used   |      |        P         |      of a table
 *
 * `used` counts the entries of that table that aren't 0, so that a table is known to be empty
 * without looking at it.
 *
 * Invariants (besides V1 and V2 of mmu.h)
 *   G1 No table but the topmost is empty; `used` is true of each.
 *   G2 Between calls the frames taken from the host are those of the tables that can be reached.
 *
 * Complexity: a page is found in as many steps as the tree is high (one for up to 1.9 MiB, two for
 * 980 MiB, three for 490 GiB, six for all addresses there are). Calls on ranges look at the entries
 * of the tables that there are, and at nothing else. Locking: the caller's, see mmu.h.
 */
#ifndef COFFER_MEMORY_SPACE_PAGETABLE_H
#define COFFER_MEMORY_SPACE_PAGETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/space/mmu.h"

struct pagetable;

/* For the `size` bytes from `base` on: multiples of the page size, not beyond the address space
 * (COFFER_MISUSE). Takes one frame of the host, which must outlive it. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status pagetable_open(const struct mmu_host *host, struct owner owner,
                                                    uintptr_t base, size_t size,
                                                    struct pagetable **out);

/* Whatever is mapped. */
void pagetable_close(struct pagetable *table);

/* `count` pages from `address` to as many contiguous frames, with these bits. All or nothing: the
 * frames for tables are got before anything is entered. COFFER_EXISTS: one of them is mapped;
 * COFFER_NO_MEMORY: no frame for a table; COFFER_MISUSE: no pages, an address that is no page's or
 * not in the range, frames that aren't the host's, unknown rights or bits. */
COFFER_MUST_CHECK enum coffer_status pagetable_map(struct pagetable *table, uintptr_t address,
                                                   void *frame, size_t count, unsigned rights,
                                                   unsigned bits);

/* These pass over pages that aren't mapped; of `count` pages only those that lie in the range are
 * meant. Unmap answers the bits that the pages had, together. */
unsigned pagetable_unmap(struct pagetable *table, uintptr_t address, size_t count);
void pagetable_protect(struct pagetable *table, uintptr_t address, size_t count, unsigned rights);

/* False: not mapped, or not in the range. Any address within a page will do. */
bool pagetable_query(const struct pagetable *table, uintptr_t address, struct mmu_entry *out);
/* The bits of a page; those in `mask` are then clear. 0 when it isn't mapped. */
unsigned pagetable_harvest(struct pagetable *table, uintptr_t address, unsigned mask);
/* Set bits of a page; nothing when it isn't mapped. */
void pagetable_mark(struct pagetable *table, uintptr_t address, unsigned bits);

/* Visit each mapped page of `count` from `address`, in order, until `visit` returns false. It may
 * change rights and bits, but neither map nor unmap. */
void pagetable_walk(const struct pagetable *table, uintptr_t address, size_t count,
                    bool (*visit)(void *context, uintptr_t address, const struct mmu_entry *entry),
                    void *context);

size_t pagetable_mapped(const struct pagetable *table); /* pages */
size_t pagetable_frames(const struct pagetable *table); /* that it takes now, all told */

/* G1, and that the counts are true. Walks all tables. */
bool pagetable_is_valid(const struct pagetable *table);

#endif
