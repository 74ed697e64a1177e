/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private structures of paging: pages, families of objects, and paging itself; and what its
 * files share. For the files of this folder.
 */
#ifndef COFFER_MEMORY_PAGING_PAGES_H
#define COFFER_MEMORY_PAGING_PAGES_H

#include <stdatomic.h>

#include "base/assert.h"
#include "base/list.h"
#include "memory/frames/lookup.h"
#include "memory/paging/object.h"
#include "memory/paging/paging.h"
#include "memory/paging/slots.h"

#define PAGING_BUCKETS 16u
#define PAGING_LOT     512u /* pages forgotten while the lock is held once */

#define OBJECT_PAGES_MAX ((uint64_t)1 << 32)

/* See paging.h; an absent page has no record. */
enum page_state {
    PAGE_INACTIVE,
    PAGE_ACTIVE,
    PAGE_PINNED,
    PAGE_LOADING,
    PAGE_WRITING,
    PAGE_SWAPPED,
    PAGE_LOST,
    PAGE_STATES
};

/* One page that exists, of all objects of a family that share it, at the same number in each. */
struct page {
    struct list link;      /* on the active or inactive list */
    struct family *family; /* whose objects to ask for mappings */
    uint64_t stamp;        /* of the slot */
    uint32_t index;
    uint32_t slot;       /* BACKING_NO_SLOT: none */
    uint32_t frame : 26; /* its number, where the state has one */
    uint32_t state : 3;  /* enum page_state */
    uint32_t dirty : 1;  /* as far as is known */
    uint32_t wanted : 1; /* WRITING: is to stay */
    uint16_t pins;
    uint16_t shares; /* objects that have it */
};

_Static_assert(sizeof(struct page) == 48, "what every page that exists costs");
_Static_assert(FRAMES_TOTAL_MAX <= (uint64_t)1 << 26, "frame numbers fit");

/* An object and its clones. They share an owner: a shared page's frame is charged to it. */
struct family {
    struct paging *paging;
    struct owner owner;
    struct list objects;
    struct list link; /* on the list of all */
};

struct object_private {
    struct object object; /* first */
    struct slots slots;
    struct family *family;
    struct list of_family;
    uint32_t holds;
    uint64_t forgets;          /* times that pages of it were forgotten */
    struct coffer_pager pager; /* object.pager points here */
};

/* Threads that wait for pages; which page it is decides on the bucket. */
struct bucket {
    struct port_condition condition;
    unsigned waiters;
};

struct paging {
    struct memory *memory;
    const struct coffer_port *port; /* NULL: one thread */
    struct paging_client client;
    const struct backing *backing; /* NULL: none */
    struct owner owner;
    bool keep_contents;
    unsigned batch;
    size_t low;
    size_t high;

    struct port_lock lock;
    _Atomic(const void *) holder; /* the thread that has the lock; NULL: none */

    struct list lists[2]; /* PAGE_INACTIVE, PAGE_ACTIVE; from the head, most recent first */
    uint64_t counts[PAGE_STATES];
    struct list families;

    struct bucket buckets[PAGING_BUCKETS];
    struct bucket room; /* for frames that others are making free */

    uint64_t zero_fills, copies, page_ins, page_outs, page_drops;
    uint64_t scanned, second_chances, reclaims, out_errors, corrupt_pages, waits;
};

/* --- Pages (pages.c) --------------------------------------------------------------------- */

static inline struct object_private *private_of(struct object *object)
{
    return (struct object_private *)(void *)object;
}

static inline const struct object_private *private_of_const(const struct object *object)
{
    return (const struct object_private *)(const void *)object;
}

/* Does an object of the page's family have it? One without siblings does: the page exists. */
static inline bool object_has(const struct object_private *object, const struct page *page)
{
    return object->of_family.next == object->of_family.previous ||
           slots_get(&object->slots, page->index) == page;
}

static inline bool page_is_resident(const struct page *page)
{
    return page->state <= PAGE_PINNED;
}

static inline bool page_in_transit(const struct page *page)
{
    return page->state == PAGE_LOADING || page->state == PAGE_WRITING;
}

/* The pager of a file's page; NULL for an anonymous one. */
const struct coffer_pager *page_pager(const struct page *page);

static inline void *page_frame(const struct paging *paging, const struct page *page)
{
    return frames_address(paging->memory->frames, page->frame);
}

/* What a pager or the backing store says, as far as it may say it. Other codes would be taken for
 * answers of ours: COFFER_BUSY for "look again", COFFER_MISUSE for the caller's mistake. */
static inline enum coffer_status outside_status(enum coffer_status status)
{
    switch (status) {
    case COFFER_OK:
    case COFFER_NO_MEMORY:
    case COFFER_NO_SPACE:
    case COFFER_CORRUPT:
        return status;
    default:
        return COFFER_IO;
    }
}

/* A record that is in no state yet and that nobody has. */
COFFER_MUST_CHECK enum coffer_status page_make(struct family *family, uint32_t index,
                                               struct page **out);

/* From one state to another: lists and counts. A page goes to the head of a list. */
void page_set_state(struct paging *paging, struct page *page, enum page_state state);

/* Its contents differ from every copy of it: the slot goes. */
void page_set_dirty(struct paging *paging, struct page *page);

/* Let go of what it holds, and of the record, which no object may have any more. */
void page_free(struct paging *paging, struct page *page);

/* Take it out of all objects that have it, and free it. */
void page_forget(struct paging *paging, struct page *page);

void page_give_frame(struct paging *paging, struct page *page);

/* All mappings of it, of all objects that have it: away; not referenced from now on; is any
 * referenced? */
void page_unmap(struct paging *paging, struct page *page);
void page_age(struct paging *paging, struct page *page);
bool page_is_referenced(struct paging *paging, struct page *page);

/* --- The lock, and waiting (paging.c) ---------------------------------------------------- */

/* Could there be another thread? */
static inline bool paging_has_threads(const struct paging *paging)
{
    return paging->port != NULL;
}

/* Wait until something happens to a page in transit, or to any. The lock is let go of. */
void paging_wait_page(struct paging *paging, const struct page *page);
void paging_wait_room(struct paging *paging);

/* A transit of a page ended: wake who waits for it. */
void paging_wake_page(struct paging *paging, const struct page *page);
/* Transits ended and `pages` frames are free, or can be made so: wake as many who wait for room,
 * all of them if no transit is left that would wake them later. */
void paging_wake_room(struct paging *paging, size_t pages);

static inline uint64_t paging_transits(const struct paging *paging)
{
    return paging->counts[PAGE_LOADING] + paging->counts[PAGE_WRITING];
}

uint64_t paging_free_frames(struct paging *paging);

/* --- Eviction (evict.c) ------------------------------------------------------------------ */

struct reclaim {
    struct owner owner;        /* only pages of this one; none: of all */
    const struct page *spare;  /* not this one */
    size_t wanted;             /* frames */
    size_t least;              /* with so many it is done after any batch */
    bool brief;                /* PAGING_SCAN looks and no more */
    size_t freed;              /* out: frames */
    bool let_go;               /* out: of the lock, meanwhile */
    enum coffer_status status; /* out: why pages could not go; COFFER_OK: none was refused */
};

/* Evict. The lock is let go of while pages are written, and between two scans. */
void paging_evict(struct paging *paging, struct reclaim *reclaim);

/* Write those dirty pages of a file that are resident and come from `from` on, up to `end`; a batch
 * of them. Where to go on; `end`: all done. */
uint64_t paging_write_back(struct paging *paging, struct object_private *object, uint64_t from,
                           uint64_t end, enum coffer_status *status, bool *let_go);

/* --- Faults (fault.c) -------------------------------------------------------------------- */

/* A call's way through a shortage: what it did, and how often. */
struct room {
    bool let_go;
    unsigned rounds;
};

/* Something could not be had for an owner: evict, or wait for who evicts. COFFER_OK: look at
 * everything again, and try again. Otherwise what to answer. */
COFFER_MUST_CHECK enum coffer_status paging_make_room(struct paging *paging, struct owner owner,
                                                      const struct page *spare, struct room *room);

/* A page of its own for an object in place of `old`, with its contents, active. COFFER_NO_MEMORY:
 * nothing has changed. */
COFFER_MUST_CHECK enum coffer_status paging_copy_page(struct paging *paging, struct family *family,
                                                      struct page *old, struct page **out);

#endif
