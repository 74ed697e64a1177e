/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks that were freed and are kept from reuse for a while: the last so many, first in first out.
 * A table by address tells in a few steps whether a block is among them.
 *
 * Locking: the owner's.
 */
#ifndef COFFER_MEMORY_HEAP_QUARANTINE_H
#define COFFER_MEMORY_HEAP_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quarantine {
    uint32_t limit; /* blocks */
    uint32_t first; /* the oldest one's place in `blocks` */
    uint32_t count;
    uint32_t mask;   /* of `table`: its size less one */
    uint32_t *table; /* by hash: a place in `blocks` plus one, or 0 */
    void *blocks[];  /* a ring of `limit` */
};

/* Bytes for one of `limit` (> 0) blocks; the memory given to it must be zero. */
size_t quarantine_size(uint32_t limit);
void quarantine_init(struct quarantine *quarantine, uint32_t limit);

bool quarantine_has(const struct quarantine *quarantine, const void *block);

/* Put in a block that isn't there. The one that comes out for it, or NULL. */
void *quarantine_swap(struct quarantine *quarantine, void *block);

/* Take out the oldest block; NULL: there is none. */
void *quarantine_take(struct quarantine *quarantine);

bool quarantine_is_valid(const struct quarantine *quarantine);

#endif
