/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The regions of one space: a red-black tree by address in which every node knows the largest gap
 * below it, so that a free range is found in O(log n).
 *
 * Pure bookkeeping: it maps nothing and takes no memory. Who changes regions brings the nodes that
 * a split needs, so that a call can get them first and can't fail half way.
 *
 * Addresses and sizes are multiples of COFFER_PAGE_SIZE. All calls take O(log n) steps, but for
 * regions_cover, which walks what the range holds, and regions_is_valid.
 *
 * Invariants
 *   R1 Regions are in order, don't overlap, aren't empty, and lie within [base, end).
 *   R2 No two neighbours could be one region (regions_can_merge).
 *   R3 Each node's gap numbers are true; the tree is red-black.
 *
 * Locking: the space's.
 */
#ifndef COFFER_MEMORY_SPACE_REGIONS_H
#define COFFER_MEMORY_SPACE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/rbtree.h"
#include "coffer/status.h"

struct object; /* memory/paging/object.h */
struct coffer_space;

struct region {
    struct rbnode node;
    uintptr_t start;
    uintptr_t end;         /* behind its last byte */
    uintptr_t gap;         /* free bytes between the region before (or base) and this one */
    uintptr_t gap_max;     /* the largest gap in this node's subtree */
    unsigned rights;       /* COFFER_READ, ... */
    unsigned flags;        /* REGION_; regions of different flags never merge */
    unsigned pins;         /* all its pages are pinned while not 0; different ones never merge */
    struct object *object; /* held once by each region; NULL: a linear window */
    uint64_t first;        /* page of the object at `start`; means nothing without one */
    struct coffer_space *space;
    struct list of_object; /* on the object's list of regions */
    struct region *next;   /* of those that are leaving */
};

#define REGION_SHARED  1u
#define REGION_HEAP    2u
#define REGION_LINEAR  4u
#define REGION_FILE    8u
#define REGION_SEGMENT 16u
#define REGION_LEAVING 32u /* in no tree any more; its pages are about to be forgotten */

struct regions {
    struct rbtree tree;
    uintptr_t base;
    uintptr_t end;
    size_t count;
    size_t mapped; /* bytes in all regions */
};

void regions_init(struct regions *regions, uintptr_t base, uintptr_t end);

/* The region that holds an address; the first that ends above it (holds it or lies behind); the one
 * after another. NULL: none. */
struct region *regions_find(const struct regions *regions, uintptr_t address);
struct region *regions_at_or_after(const struct regions *regions, uintptr_t address);
struct region *regions_next(const struct region *region);

/* Does a region lie in any part of [start, end)? */
bool regions_overlap(const struct regions *regions, uintptr_t start, uintptr_t end);
/* Is every byte of [start, end) in some region? */
bool regions_cover(const struct regions *regions, uintptr_t start, uintptr_t end);

/* The lowest free range of `size` (> 0) bytes within [low, high). False: none. */
bool regions_find_gap(const struct regions *regions, size_t size, uintptr_t low, uintptr_t high,
                      uintptr_t *start);
/* One of all free ranges of `size` bytes within [low, high), by two random numbers: any place in
 * any gap that is large enough can come out, each as likely as any other unless nearly all of
 * [low, high) is taken. */
bool regions_find_random_gap(const struct regions *regions, size_t size, uintptr_t low,
                             uintptr_t high, const uint64_t random[2], uintptr_t *start);

/* The range of `region` must be free. Its node is set here; it is not merged. */
void regions_insert(struct regions *regions, struct region *region);
void regions_remove(struct regions *regions, struct region *region);

/* Cut a region in two at `address`, inside of it: the upper part is `upper` (a copy of everything,
 * but on no object's list; the hold on the object and that list are the caller's business). */
void regions_split(struct regions *regions, struct region *region, uintptr_t address,
                   struct region *upper);

/* Are they neighbours, equal in rights, flags, pins and object, with pages that follow on? */
bool regions_can_merge(const struct region *lower, const struct region *upper);
/* The lower takes the upper's range; the upper is out of the tree, for the caller to let go. */
void regions_merge(struct regions *regions, struct region *lower, struct region *upper);

bool regions_is_valid(const struct regions *regions);

#endif
