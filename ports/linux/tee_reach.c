/* SPDX-License-Identifier: BSD-2-Clause */
#include "tee_reach.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* "START-END RIGHTS ...", in hexadecimal; false: it isn't such a line. */
static bool parse(const char *line, uintptr_t *from, uintptr_t *to, const char **rights)
{
    char *rest;

    *from = strtoul(line, &rest, 16);
    if (*rest != '-')
        return false;
    *to = strtoul(rest + 1, &rest, 16);
    *rights = rest + 1;
    return *rest == ' ';
}

/* Mappings are listed in the order of their addresses. */
bool tee_reaches(const void *address, size_t size, bool write)
{
    uintptr_t at = (uintptr_t)address;
    uintptr_t end = at + size;
    char *line = NULL;
    size_t room = 0;
    FILE *maps;

    if (end < at)
        return false;
    maps = fopen("/proc/self/maps", "re");
    if (maps == NULL)
        return true;
    while (at < end && getline(&line, &room, maps) > 0) {
        const char *rights;
        uintptr_t from;
        uintptr_t to;

        if (!parse(line, &from, &to, &rights) || to <= at)
            continue;
        if (from > at || rights[0] != 'r' || (write && rights[1] != 'w'))
            break;
        at = to;
    }
    free(line);
    (void)fclose(maps);
    return at >= end;
}
