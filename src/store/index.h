/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The catalogue's index: from a 32-bit tag of an object's name to the slots that may hold it. The
 * caller compares the names; tags are keyed, so nobody outside can make them collide on purpose.
 *
 * Open addressing, linear probing, at most three quarters full, no tombstones. The table lies in
 * frames, wherever some are free: it grows in memory that long use has broken into small pieces,
 * too. It never takes more than half of what is free: objects have to be opened. When a larger
 * table can't be had, the index turns `partial`: what it holds is right, but a name that it doesn't
 * hold may exist all the same.
 */
#ifndef COFFER_STORE_INDEX_H
#define COFFER_STORE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/memory.h"

struct index_cell {
    uint32_t tag;
    uint32_t slot_plus_one; /* 0: free */
};

struct index {
    struct memory *memory;
    struct owner owner;
    struct index_cell **pieces; /* of one frame each, but that of a small table */
    size_t cell_count;
    size_t used;
    bool partial;
};

void index_init(struct index *index, struct memory *memory, struct owner owner);
void index_fini(struct index *index);

/* Begin with a table for about `count`, as far as there is memory; a hint. */
void index_expect(struct index *index, size_t count);

/* Make room for one more; never fails: without room the index turns partial. */
void index_reserve(struct index *index);
/* The same, as long as memory can still be had elsewhere: false where there was no room, and
 * nothing has changed. */
bool index_try_reserve(struct index *index);

/* After index_reserve. In a partial index it may be left out. */
void index_insert(struct index *index, uint32_t tag, uint32_t slot);
void index_remove(struct index *index, uint32_t tag, uint32_t slot);

/* Every slot of a tag in turn: start with *cursor = 0; false when there is none left. */
bool index_next(const struct index *index, uint32_t tag, size_t *cursor, uint32_t *slot);

bool index_is_valid(const struct index *index);

#endif
