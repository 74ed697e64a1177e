/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: which of them have frames, and what becomes of the others.
 *
 * An *object* (object.h) is an array of pages: anonymous memory of a region, shared memory, or a
 * file behind a pager. Clones of an anonymous object form a *family* and share pages until one side
 * writes. Regions of spaces map parts of objects; paging reaches them through a table of functions
 * (struct paging_client), because it stands below.
 *
 * A page
 *
 *              object_get (first touch): frame taken, zeroed
 *    ABSENT ----------------------------------------------------.
 *      |  ^                                                      v
 *      |  '--- object_discard (from any state but in transit) RESIDENT <--------------.
 *      | file: pager                                          ^   |  |                |
 *      v                                                      |   |  | victim, clean, | wanted
 * again, or LOADING -------- contents are there ---------------------'   |  | has a copy     | the
 * write failed ^   \                                                      |  v                | |
 * '- COFFER_CORRUPT: LOST                 victim, dirty |  SWAPPED (ABSENT  | | |     of a file) |
 *      '---- object_get ------------------- SWAPPED <---------- WRITING --------------'
 *                                                     written
 *
 * Invariants
 *   P1 A page in transit (LOADING, WRITING) is mapped nowhere, on no list, and belongs to one
 * thread until that one ends the transit; all others wait. P2 A frame is freed only when its
 * contents are in the backing store, in the file, or wanted no more: a dirty page is written before
 * its frame goes. P3 A resident page that isn't pinned is on exactly one of the lists active and
 * inactive; no other page is on any. P4 Contents that come in are the ones that went out last (the
 * backing store's stamp), or the page is LOST for good. P5 Nothing waits, reads, writes or seals
 * with the lock held.
 *
 * Locking: one lock for all pages, objects, spaces and page tables of a memory system (on Linux the
 * kernel serialises the mmap calls of a process anyway, which are the longest thing done under it).
 * Calls need it taken, unless they say otherwise. One that has to wait or to do I/O lets go of the
 * lock, takes it again and answers COFFER_BUSY: "look again", because anything may have changed.
 */
#ifndef COFFER_MEMORY_PAGING_PAGING_H
#define COFFER_MEMORY_PAGING_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/space.h"
#include "memory/memory.h"
#include "memory/paging/backing.h"
#include "port/port.h"

struct paging;
struct object;

/* Who maps pages: the spaces. Called with the lock held. */
struct paging_client {
    void *context;
    /* Take every mapping of the object's page away; the bits (MMU_REFERENCED, MMU_DIRTY) that they
     * had, together. */
    unsigned (*unmap)(void *context, struct object *object, uint64_t index);
    /* Take the right to write from every mapping of it; the bits, cleared. */
    unsigned (*write_protect)(void *context, struct object *object, uint64_t index);
    /* Was it referenced since it was last asked? Clears that bit; dirty stays. */
    bool (*referenced)(void *context, struct object *object, uint64_t index);
};

struct paging_settings {
    struct memory *memory;
    const struct coffer_port *port; /* NULL: one thread; nothing ever has to wait then */
    struct paging_client client;
    unsigned batch; /* pages evicted in one go, 1 to 64 */
    size_t low;     /* a page fault that leaves fewer free frames evicts first, */
    size_t high;    /* until so many are free */
};

COFFER_MUST_CHECK enum coffer_status paging_open(const struct paging_settings *settings,
                                                 struct paging **out);
/* All objects must be closed. */
void paging_close(struct paging *paging);

/* Where evicted anonymous pages go from now on; they stay resident without. Once. */
void paging_set_backing(struct paging *paging, const struct backing *backing);

void paging_lock(struct paging *paging);
void paging_unlock(struct paging *paging);

/* Does the calling thread hold the lock? Never false when it does; of threads that have no number
 * of their own (PORT_SLOTS_MAX) one may be taken for another. For who is told of pressure in the
 * middle of a call, and may evict only if it doesn't. */
bool paging_is_locked_here(const struct paging *paging);

/* Evict until `frames` frames are free that weren't, a bounded number of pages looked at; those of
 * one owner only, if `owner` isn't none. Without the lock. How many became free. */
size_t paging_reclaim(struct paging *paging, size_t frames, struct owner owner);

void paging_statistics(struct paging *paging, struct coffer_paging_statistics *out);

/* Do P1 to P3 hold, as far as they can be seen? Walks all pages. */
bool paging_is_valid(struct paging *paging);

#endif
