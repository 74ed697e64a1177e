/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address ranges of this process that are spaces, or mapped swap files: who answers for
 * accesses to them; and how many of the kernel's mappings spaces may take together.
 *
 * One table for the process, of a fixed size, because a fault's handler must find the range without
 * a lock: ranges_find only loads. A range is removed when nobody runs in it any more.
 *
 * Mappings. The kernel has a limit for the whole process (vm.max_map_count), beyond which even
 * taking a right away fails where it would cut a mapping in two. So whoever maps reserves mappings
 * first, for the worst case, and is refused while there is still room for all that may have to be
 * cut. What is left beyond our limit, an eighth of the kernel's, is the rest of the process's.
 *
 * After a fork the child has none of the ranges: they are unmapped there and forgotten.
 */
#ifndef COFFER_LINUX_RANGES_H
#define COFFER_LINUX_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"

#define RANGES_MAX 1024u

/* Who answers for a range; embedded in what it is. */
struct range_owner {
    /* An access (COFFER_READ, _WRITE or _EXECUTE) that the machine refused. COFFER_OK: try it
     * again. Called in a signal handler of the thread that made the access. */
    enum coffer_status (*answer)(struct range_owner *owner, uintptr_t address, unsigned access);
};

/* COFFER_NO_MEMORY: there are RANGES_MAX. */
COFFER_MUST_CHECK enum coffer_status ranges_add(uintptr_t base, size_t size,
                                                struct range_owner *owner);
void ranges_remove(struct range_owner *owner);

/* Without locks; also in a signal handler. NULL: no range of ours. */
struct range_owner *ranges_find(uintptr_t address);

/* Without locks. Is any of the addresses in a range of ours? */
bool ranges_overlap(uintptr_t address, size_t size);

/* `count` mappings more; false: too many. */
COFFER_MUST_CHECK bool ranges_reserve_mappings(size_t count);
void ranges_return_mappings(size_t count);

/* For tests: a limit other than the kernel's; 0: the kernel's again. What is reserved stays. */
void ranges_limit_mappings(size_t limit);

#endif
