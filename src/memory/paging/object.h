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
    struct list regions;              /* the client's: those that map it */
    void *client;                     /* the client's, NULL at first */
    const struct coffer_pager *pager; /* of a file */
    /* followed by what is paging's own (object_private.h) */
};

/* An object of `pages` pages, held once. `pager` (copied; NULL: anonymous) is that of a file. */
COFFER_MUST_CHECK enum coffer_status object_open(struct paging *paging, struct owner owner,
                                                 uint64_t pages, const struct coffer_pager *pager,
                                                 struct object **out);
void object_hold(struct object *object);

/* With the last hold the object's pages go; no region may map it. It may have to wait for pages in
 * transit: the lock is let go of meanwhile. */
void object_drop(struct object *object);

/* More pages at its end. COFFER_NO_MEMORY. */
COFFER_MUST_CHECK enum coffer_status object_grow(struct object *object, uint64_t pages);

/* A new anonymous object with the same pages, shared until one side writes: they are
 * write-protected wherever they are mapped. COFFER_NO_MEMORY: nothing has changed. COFFER_BUSY:
 * look again. */
COFFER_MUST_CHECK enum coffer_status object_clone(struct object *object, struct owner owner,
                                                  struct object **out);

struct object_page {
    void *frame;
    bool writable; /* may be mapped for writing: not shared with a clone */
};

/*
 * The page, resident, for an access: brought in, or zeroed at the first touch, or copied when
 * `write` and shared with a clone. The caller maps it before it lets go of the lock. COFFER_OK only
 * if the lock was not let go of. COFFER_BUSY: look again (region and all). COFFER_NO_MEMORY;
 * COFFER_NO_SPACE: the backing store is full and nothing else can go; COFFER_IO; COFFER_CORRUPT:
 * the page is LOST.
 */
COFFER_MUST_CHECK enum coffer_status object_get(struct object *object, uint64_t index, bool write,
                                                struct object_page *out);

/* The page's contents were changed through the linear window. */
void object_mark_dirty(struct object *object, uint64_t index);

/* A resident page may not be evicted until as many unpins. COFFER_NO_MEMORY: 65,535 pins. */
COFFER_MUST_CHECK enum coffer_status object_pin(struct object *object, uint64_t index);
void object_unpin(struct object *object, uint64_t index);

/* Forget pages: they are zero (a file's: as in the file) at the next touch. They may be mapped
 * nowhere. Pages in transit are waited for: COFFER_BUSY, look again. */
COFFER_MUST_CHECK enum coffer_status object_discard(struct object *object, uint64_t first,
                                                    uint64_t count);

/* Write the dirty pages of a file back, one after another. COFFER_BUSY after each I/O: call again
 * until COFFER_OK. COFFER_IO and so on: what the pager said; the page stays dirty. */
COFFER_MUST_CHECK enum coffer_status object_sync(struct object *object, uint64_t first,
                                                 uint64_t count);

struct object_page_info {
    bool resident, swapped, dirty, shared, lost;
    unsigned pins;
    void *frame;
};

struct object_page_info object_query(const struct object *object, uint64_t index);

#endif
