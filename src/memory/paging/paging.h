/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: which of them have frames, and what becomes of the others.
 *
 * An *object* (object.h) is an array of pages: anonymous memory of a region, shared memory, or a
 * file behind a pager. Clones of an anonymous object form a *family* and share pages until one side
 * writes. Regions of spaces map parts of objects; paging reaches them through a table of functions
 * (struct paging_client), because it stands below.
 *
 * A page is in one of these states, which the function named takes it to:
 *
 *    ABSENT      no record of it, nor memory: zero, or as it is in its file
 *    RESIDENT    has a frame, and is ACTIVE, INACTIVE (on that list) or PINNED (on none)
 *    LOADING     has a frame, and its contents are on their way in
 *    WRITING     has a frame, and its contents are on their way out
 *    SWAPPED     its contents are in a slot of the backing store only
 *    LOST        what came back was not what went out: every access fails, until it is discarded
 *
 *    from      to                                                              in
 *    ABSENT    RESIDENT  first touch: frame taken, zeroed                      fault.c  touch_first
 *    ABSENT    LOADING   first touch of a file's page                          fault.c  touch_first
 *    SWAPPED   LOADING   touched                                               fault.c  bring_in
 *    LOADING   RESIDENT  contents are there                                    fault.c  end_load
 *    LOADING   SWAPPED   could not be read (a file's page: ABSENT)             fault.c  end_load
 *    LOADING   LOST      COFFER_CORRUPT                                        fault.c  end_load
 *    RESIDENT  ABSENT    victim, clean, without a copy: zeros, or a file's     evict.c  drop_clean
 *    RESIDENT  SWAPPED   victim, clean, with a copy in the backing store       evict.c  drop_clean
 *    RESIDENT  WRITING   victim, dirty; or a file's page that is synced        evict.c  transit_add
 *    WRITING   SWAPPED   written (a file's page: ABSENT)                       evict.c  end_write
 *    WRITING   RESIDENT  written and wanted meanwhile: clean; or not written:  evict.c  end_write
 *                        dirty still
 *    any but LOADING, WRITING   ABSENT   forgotten by all that shared it       object.c forget
 *
 * A slot is held exactly as long as it has, or is getting, the page's present contents. So a page
 * is *clean* when it has a slot, is as in its file, or is zero since its first touch; it gets
 * *dirty* by the bits of its mappings, seen when they are taken away or write-protected, and by
 * object_mark_dirty; then its slot goes.
 *
 * Invariants
 *   P1 A page in transit (LOADING, WRITING) is mapped nowhere, on no list, and belongs to one
 *      thread until that one ends the transit; all others wait.
 *   P2 A frame is freed only when its contents are in the backing store, in the file, or wanted no
 *      more: a dirty page is written before its frame goes.
 *   P3 A resident page that isn't pinned is on exactly one of the lists active and inactive; no
 *      other page is on any. A pinned page is one object's alone.
 *   P4 Contents that come in are the ones that went out last (the backing store's stamp), or the
 *      page is LOST for good.
 *   P5 Nothing waits, reads, writes or seals with the lock held.
 *   P6 A call that fails leaves every page's contents as they were; what it took it gives back.
 *
 * Replacement. Pages come in at the head of the active list. Whenever there are fewer than half as
 * many inactive pages as active ones, the active list's tail ages: it counts as not referenced from
 * then on, and goes to the head of the inactive list. Pages leave at that one's tail: a referenced
 * one goes to the active list instead (its second chance). So a page is asked for references once
 * it is old, and not for the access that brought it in: where asking takes the access away, few
 * pages are without it. Nobody holds the lock for more than PAGING_SCAN looks at pages; a call
 * takes four looks for each page that there is at most, the second half of them regardless of
 * references: so it ends, and finds a page that can go whenever there is one. Victims are written
 * in batches, each by the thread that collected it.
 *
 * Shortage. Under the lock memory is taken from frames and pool as it comes; whoever is told of
 * pressure by them in such a call must not evict (paging_is_locked_here, which paging_reclaim
 * itself obeys). object_get and object_clone make room by themselves: they evict pages, of the
 * owner alone when its quota is what is short, and wait for pages that others are writing. Who
 * reads and writes for us (backing store, pagers) may take memory, but must not touch pages.
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

#define PAGING_BATCH_MAX 64u
#define PAGING_SCAN      128u /* pages looked at while the lock is held once */

#define PAGING_FRAME_TAG 2u /* of pages' frames: who has an address alone can't give them */

/* Bits of mappings: those of memory/space/mmu.h, which stands above. */
#define PAGING_REFERENCED 1u
#define PAGING_DIRTY      2u

/* Who maps pages: the spaces. Called with the lock held. */
struct paging_client {
    void *context;
    /* Take every mapping of the object's page away; the bits (PAGING_REFERENCED, PAGING_DIRTY) that
     * they had, together. */
    unsigned (*unmap)(void *context, struct object *object, uint64_t index);
    /* Take the right to write from every mapping of it; the bits, cleared. */
    unsigned (*write_protect)(void *context, struct object *object, uint64_t index);
    /* The bits that its mappings have, together; then clear PAGING_REFERENCED in all of them. */
    unsigned (*bits)(void *context, struct object *object, uint64_t index);
    unsigned (*age)(void *context, struct object *object, uint64_t index);
};

struct paging_settings {
    struct memory *memory;
    struct owner owner;             /* of paging's own record */
    const struct coffer_port *port; /* NULL: one thread; nothing ever has to wait then */
    struct paging_client client;
    bool keep_contents; /* frames don't come zeroed (struct frames_settings) */
    unsigned batch;     /* pages evicted in one go, 1 to PAGING_BATCH_MAX */
    size_t low;         /* a page fault that leaves fewer free frames evicts a batch first, */
    size_t high;        /* or until so many are free */
};

/* COFFER_MISUSE: a batch or watermarks out of range. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status paging_open(const struct paging_settings *settings,
                                                 struct paging **out);
/* All objects must be closed. */
void paging_close(struct paging *paging);

/* Where evicted anonymous pages go from now on (it must stay; paging_close closes it); dirty ones
 * stay resident without. Once. */
void paging_set_backing(struct paging *paging, const struct backing *backing);

void paging_lock(struct paging *paging);
void paging_unlock(struct paging *paging);

/* Does the calling thread hold the lock? For who is told of pressure in the middle of a call, and
 * may evict only if it doesn't. */
bool paging_is_locked_here(const struct paging *paging);

/* Evict until `frames` frames are free that weren't, a bounded number of pages looked at; those of
 * one owner only, if `owner` isn't none. Without the lock: 0 if the calling thread has it. How many
 * became free. Writes, but waits for nobody. */
size_t paging_reclaim(struct paging *paging, size_t frames, struct owner owner);

/* All but slots without a backing store, faults, soft_faults and table_*, which are left 0. */
void paging_statistics(struct paging *paging, struct coffer_paging_statistics *out);

/* Do P1 to P3 hold, as far as they can be seen? Walks all pages. */
bool paging_is_valid(struct paging *paging);

#endif
