/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must_fail(const char *fact, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, fact);
    abort();
}

void *must_alloc(size_t size)
{
    void *block = calloc(1, size == 0 ? 1 : size);

    must(block != NULL);
    return block;
}

void *must_realloc(void *block, size_t size)
{
    void *moved = realloc(block, size == 0 ? 1 : size);

    must(moved != NULL);
    return moved;
}

void *must_copy(const void *bytes, size_t size)
{
    void *copy = must_alloc(size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}
