/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: arrays of pages that regions map. See paging.h for the life of a page, the lock and what
 * COFFER_BUSY means.
 */
#ifndef COFFER_MEMORY_PAGING_OBJECT_H
#define COFFER_MEMORY_PAGING_OBJECT_H

#include "base/list.h"
#include "memory/paging/paging.h"

/* What the client may see. */
struct object {
    struct paging *paging;
    struct owner owner; /* of its frames and records */
    uint64_t page_count;
    struct list regions;                              /* the client's: those that map it */
    void *client;                                     /* the client's, NULL at first */
    const struct coffer_pager *pager;                 /* of a file */
    uint64_t zero_fills, copies, page_ins, page_outs; /* of its pages, so far */
    /* followed by what is paging's own (pages.h) */
};

/* An object of `pages` pages (at most 2^32), held once. `pager` (copied; NULL: anonymous) is that
 * of a file. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status object_make(struct paging *paging, struct owner owner,
                                                 uint64_t pages, const struct coffer_pager *pager,
                                                 struct object **out);
void object_hold(struct object *object);

/* With the last hold the object's pages go, dirty or not; no region may map it. The lock may be let
 * go of meanwhile: to wait for pages in transit, between two lots of pages, and to close the pager.
 */
void object_drop(struct object *object);

/* More pages at its end. COFFER_NO_MEMORY: more than 2^32. */
COFFER_MUST_CHECK enum coffer_status object_grow(struct object *object, uint64_t pages);

/* A new anonymous object of the same owner with the same pages, shared until one side writes: they
 * are write-protected wherever they are mapped. Pinned pages are copied at once. COFFER_NO_MEMORY
 * and the other errors of object_get: nothing has changed. COFFER_BUSY: look again.
 * COFFER_MISUSE: a file can't be cloned. */
COFFER_MUST_CHECK enum coffer_status object_clone(struct object *object, struct object **out);

struct object_page {
    void *frame;
    bool writable; /* may be mapped for writing: not shared with a clone */
};

/*
 * The page, resident, for an access: brought in, or zeroed at the first touch, or copied when
 * `write` and shared with a clone; the object's mappings of the old page are gone then. The caller
 * maps it before it lets go of the lock, unless it is mapped already. COFFER_OK only if the lock
 * was not let go of. COFFER_BUSY: look again (region and all), without letting go of the lock: what
 * was brought in is there as long as nobody else gets it. COFFER_NO_MEMORY; COFFER_NO_SPACE: the
 * backing store is full and nothing else can go; COFFER_IO: a victim can't go, or the page not
 * come; what else a pager may say of the page; COFFER_CORRUPT: the page is LOST; COFFER_MISUSE: no
 * such page, or a write to a file whose pager has none. The object must be held by someone as long
 * as this call has the lock, no longer.
 */
COFFER_MUST_CHECK enum coffer_status object_get(struct object *object, uint64_t index, bool write,
                                                struct object_page *out);

/* The page, got for writing and resident since, was changed through the linear window, or was found
 * dirty by who took a mapping of it away by himself. */
void object_mark_dirty(struct object *object, uint64_t index);

/* A resident page may not be evicted until as many unpins, or its discard. COFFER_MISUSE: it isn't
 * resident, or is shared with a clone (get it for writing first: then it isn't). COFFER_NO_MEMORY:
 * 65,535 pins. */
COFFER_MUST_CHECK enum coffer_status object_pin(struct object *object, uint64_t index);
void object_unpin(struct object *object, uint64_t index);

/* Forget pages, pinned or not: they are zero (a file's: as in the file) at the next touch. The
 * object may map them nowhere. COFFER_BUSY: it is done, but the lock was let go of, to wait for
 * pages in transit or between two lots of pages; look again, for others may have touched them
 * since. */
COFFER_MUST_CHECK enum coffer_status object_discard(struct object *object, uint64_t first,
                                                    uint64_t count);

/* Write the dirty pages of a file back; they stay resident, but are mapped nowhere afterwards.
 * COFFER_BUSY: those that were dirty are written, and the lock was let go of meanwhile; call again
 * to know that none is dirty any more. COFFER_IO and so on: what the pager said first; the pages
 * that could not be written stay dirty, the others are written. Anonymous pages are left alone. */
COFFER_MUST_CHECK enum coffer_status object_sync(struct object *object, uint64_t first,
                                                 uint64_t count);

struct object_page_info {
    bool resident, swapped, dirty, shared, lost;
    unsigned pins;
    void *frame;
};

struct object_page_info object_query(const struct object *object, uint64_t index);

/* The first page at or after *index that is anything but absent; false: none. */
bool object_next(const struct object *object, uint64_t *index, struct object_page_info *out);

#endif
