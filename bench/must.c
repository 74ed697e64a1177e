/* SPDX-License-Identifier: BSD-2-Clause */
#include "must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(enum coffer_status status, const char *what)
{
    if (status == COFFER_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, coffer_status_text(status));
    exit(EXIT_BROKEN);
}

void must_system(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(EXIT_BROKEN);
}

void *must_make(size_t count, size_t size)
{
    void *block = calloc(count, size);

    must_system(block != NULL, "memory");
    return block;
}
