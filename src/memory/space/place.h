/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a map goes, and whose pages it gets. */
#ifndef COFFER_MEMORY_SPACE_PLACE_H
#define COFFER_MEMORY_SPACE_PLACE_H

#include "memory/space/change.h"
#include "memory/space/segment.h"

#define RIGHTS_ALL (COFFER_READ | COFFER_WRITE | COFFER_EXECUTE)

/* Writing and executing include reading. */
static inline unsigned rights_of(unsigned rights)
{
    return rights != 0 ? rights | COFFER_READ : rights;
}

/* Where a range may go. */
struct placement {
    uintptr_t address; /* exactly there if `is_fixed`; else tried first if not 0 */
    size_t size;
    bool is_fixed;
    bool keeps; /* fixed, but what is there stays */
    uint64_t random[2];
};

/* Draws the random numbers of a space that wants them: without the lock. COFFER_IO: no entropy. */
COFFER_MUST_CHECK enum coffer_status placement_draw(const struct coffer_space *space,
                                                    struct placement *place);

/* COFFER_EXISTS; COFFER_NO_MEMORY: no gap is large enough. */
COFFER_MUST_CHECK enum coffer_status
placement_find(const struct coffer_space *space, const struct placement *place, uintptr_t *start);

/* Pages for a region, with a hold on their object. */
struct page_source {
    struct object *object;
    uint64_t first;
};

/*
 * Fresh pages for an anonymous region whose range, rights and flags are set: next to those of a
 * neighbour that it can then be merged with, or of an object of their own. COFFER_BUSY: look again.
 */
COFFER_MUST_CHECK enum coffer_status
page_source_find(struct change *change, const struct region *region, struct page_source *out);

/* As that, with the region given that it is to follow: where it is now, `end` included, may
 * not be next to the new one. */
COFFER_MUST_CHECK enum coffer_status page_source_extend(struct change *change,
                                                        const struct region *lower, uintptr_t end,
                                                        const struct region *region,
                                                        struct page_source *out);

/* An object of their own in any case. */
COFFER_MUST_CHECK enum coffer_status page_source_open(struct change *change, uint64_t pages,
                                                      struct page_source *out);

#endif
