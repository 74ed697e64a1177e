/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of one object by number: a radix tree with 64 places a node, as high as its largest
 * number needs, with nodes only where there are pages. A page costs 8 bytes here, and 8 more for
 * each 64 of them; finding one takes a step for each 6 bits of the largest number.
 *
 * Invariant: no node is empty, except on the path of a number that was prepared; the root has more
 * than its first place taken, or is the only level.
 *
 * Locking: the paging lock.
 */
#ifndef COFFER_MEMORY_PAGING_SLOTS_H
#define COFFER_MEMORY_PAGING_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/memory.h"

#define SLOTS_BITS 6u
#define SLOTS_FAN  (1u << SLOTS_BITS)

struct page;

struct slots_node {
    void *places[SLOTS_FAN]; /* nodes, or pages on the lowest level */
};

struct slots {
    struct slots_node *root; /* NULL: no pages */
    unsigned height;         /* levels; 0 without a root */
};

/* NULL: none. */
struct page *slots_get(const struct slots *slots, uint32_t index);

/* The first page at or after a number, and which it is; NULL: none. */
struct page *slots_next(const struct slots *slots, uint32_t from, uint32_t *index);

/* Make the nodes on the path to a number, so that slots_set can't fail. COFFER_NO_MEMORY: all is as
 * it was. What was prepared and not set is undone by slots_clear. */
COFFER_MUST_CHECK enum coffer_status slots_prepare(struct slots *slots, struct memory *memory,
                                                   struct owner owner, uint32_t index);
void slots_set(struct slots *slots, uint32_t index, struct page *page);

/* No page there any more; nodes without pages go. */
void slots_clear(struct slots *slots, struct memory *memory, uint32_t index);

bool slots_is_valid(const struct slots *slots);

#endif
