/* SPDX-License-Identifier: BSD-2-Clause */
#include "tee_reach.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Mappings are listed in the order of their addresses. */
bool tee_reaches(const void *address, size_t size, bool write)
{
    uintptr_t at = (uintptr_t)address;
    uintptr_t end = at + size;
    FILE *maps = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t room = 0;

    if (maps == NULL)
        return true;
    while (at < end && getline(&line, &room, maps) > 0) {
        uintptr_t from;
        uintptr_t to;
        char rights[3];

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %2s", &from, &to, rights) != 3 || to <= at)
            continue;
        if (from > at || rights[0] != 'r' || (write && rights[1] != 'w'))
            break;
        at = to;
    }
    free(line);
    (void)fclose(maps);
    return at >= end;
}
