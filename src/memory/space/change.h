/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call that changes the regions of a space. It begins with the lock taken, gathers what it needs,
 * changes everything in one go, and ends with the lock given back.
 *
 *     status = change_begin(&change, space);
 *     while (status == COFFER_OK && (status = try(&change, ...)) == COFFER_BUSY)
 *         status = COFFER_OK;
 *     return change_end(&change, status);
 *
 * `try` answers COFFER_BUSY when the lock was let go of before it changed anything: it begins anew
 * then, with the records it has got by now. change_run is this loop.
 */
#ifndef COFFER_MEMORY_SPACE_CHANGE_H
#define COFFER_MEMORY_SPACE_CHANGE_H

#include "memory/space/space.h"

#define CHANGE_RECORDS 5u /* four ends where a region is cut, and a new one */

struct change {
    struct coffer_space *space;
    struct region *records[CHANGE_RECORDS];
    unsigned record_count;
    unsigned tries;         /* for spaces_relieve */
    struct region *leaving; /* regions whose pages are forgotten at the end */
};

/* COFFER_MISUSE: not a user's space; COFFER_CORRUPT: killed. change_end is due all the same. */
COFFER_MUST_CHECK enum coffer_status change_begin(struct change *change,
                                                  struct coffer_space *space);

/* `attempt` until it answers something else than COFFER_BUSY; the space is alive each time. */
COFFER_MUST_CHECK enum coffer_status
change_run(struct change *change, enum coffer_status (*attempt)(struct change *change, void *call),
           void *call);

/* How many records a cut at both ends of the range takes. */
unsigned change_cuts(const struct change *change, uintptr_t start, uintptr_t end);

/* Have `count` records of regions ready. COFFER_BUSY: look again. */
COFFER_MUST_CHECK enum coffer_status change_need(struct change *change, unsigned count);

/* One of those that are ready. */
struct region *change_take(struct change *change);

/* Have region boundaries at both ends of the range; takes two records at most. */
void change_cut(struct change *change, uintptr_t start, uintptr_t end);

/* What lies in the range, which maps nothing of it any more, leaves the space; takes two records at
 * most. */
void change_remove(struct change *change, uintptr_t start, uintptr_t end);

/* Forget what leaves, give back what is left over and the lock. The status is that of the call. */
COFFER_MUST_CHECK enum coffer_status change_end(struct change *change, enum coffer_status status);

#endif
