/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system of <coffer/memory.h> and <coffer/space.h>: what ties frames, pools, paging and
 * spaces together. For the files of this folder, and for what stands above and adds to it (swap).
 *
 *   system.c      opening and closing
 *   owners.c      owners and frames
 *   pools.c       pools and boxes
 *   spaces.c      the calls on spaces that take the memory system
 *   tables.c      frames for page tables, with their reserve
 *   pressure.c    what happens when frames are short
 *   statistics.c  seeing it
 *   view.c        seeing memory that belongs to another: a store's
 *
 * Owners. The public owner 0 is "system"; all others are those of the account.
 *
 * Locking. The paging lock guards the records of memory_alloc, too, the table reserve, and the
 * places of pools and boxes. It is never held over what a caller gave to lie in. A thread that
 * holds the paging lock is never made to wait, evict or call out by a shortage of frames: see
 * pressure.c.
 */
#ifndef COFFER_MEMORY_SYSTEM_H
#define COFFER_MEMORY_SYSTEM_H

#include <stdatomic.h>

#include "base/list.h"
#include "coffer/memory.h"
#include "coffer/space.h"
#include "memory/memory.h"

struct paging;
struct spaces;

/* The record of a pool or of boxes. It has the region, so that nobody looks for it in the region
 * itself, and is made before anything is written there: from then on the region is taken. */
struct place {
    struct list link;
    struct coffer_memory *memory;
    struct coffer_area region; /* without an address: frames */
    struct owner owner;
    struct coffer_pool *pool; /* neither: it is being opened */
    struct coffer_boxes *boxes;
};

/* Frames that only page tables may use. They are charged to "system" until a page table has one
 * and when it is given back. */
struct table_reserve {
    void **frames;
    size_t count;
    size_t target;
    size_t used; /* frames that page tables have now, the reserve's among them */
};

struct coffer_memory {
    struct memory *core;   /* account, frames and the pool of records */
    struct frames *frames; /* the core's */
    struct owner system;
    struct owner owners[UINT8_MAX + 1]; /* by public index; "none" for what isn't the caller's */
    const struct coffer_port *port;     /* NULL: none */
    struct paging *paging;
    struct spaces *spaces; /* NULL in a view */
    struct coffer_pool *pool;
    struct place own;   /* of `pool` */
    struct list places; /* of all pools and boxes, `own` first, in the order they were opened */
    struct table_reserve tables;
    bool has_swap; /* under the paging lock */

    struct coffer_memory_config config; /* `areas` isn't valid any more */
    atomic_uint untold;                 /* UNTOLD_: the last level that came up under the lock */
};

#define UNTOLD_NOTHING 0u
#define UNTOLD_LOW     1u
#define UNTOLD_HIGH    2u

/* For the calls that look, and only those, at memory that has no spaces, no port and no system of
 * its own: its owner `self` stands for "system". `locked` as in the configuration. Nothing is held;
 * it ends with the memory. */
void system_view(struct coffer_memory *view, struct memory *memory, struct owner self, bool locked);

/* Owners from outside: all lines from "system" on, and that as 0. */
void system_set_owners(struct coffer_memory *memory, struct owner system);

/* One that was opened from within: it isn't the caller's. */
void system_hide_owner(struct coffer_memory *memory, struct owner owner);

/* The public owner as one of the account. COFFER_MISUSE: it isn't open. */
COFFER_MUST_CHECK enum coffer_status system_owner(const struct coffer_memory *memory,
                                                  struct coffer_owner owner, struct owner *out);

/* The memory's own pool; all pools and boxes; how many pools there are. */
COFFER_MUST_CHECK enum coffer_status pools_open(struct coffer_memory *memory);
void pools_close(struct coffer_memory *memory);
unsigned pools_count(struct coffer_memory *memory);

/* Do pools or boxes take their frames from this owner, or may they? With the paging lock. */
bool pools_name(const struct coffer_memory *memory, struct owner owner);

/* A zeroed frame for a page table, from the reserve when there are no others; NULL when that is
 * used up, or the owner's quota. Under the paging lock, as struct mmu_host has it. */
COFFER_MUST_CHECK enum coffer_status tables_init(struct coffer_memory *memory, size_t target);
void tables_fini(struct coffer_memory *memory);
void *tables_take(void *context, struct owner owner);
void tables_give(void *context, struct owner owner, void *frame);

/* For frames_set_watermarks; and for struct spaces_host. */
bool pressure_told(void *context, enum frames_level level);
bool pressure_relieve(void *context, struct owner owner);
void pressure_settle(void *context);

#endif
