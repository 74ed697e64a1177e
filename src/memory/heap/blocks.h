/* SPDX-License-Identifier: BSD-2-Clause */
/* What every allocator of the heap tells about its blocks, in one shape. */
#ifndef COFFER_MEMORY_HEAP_BLOCKS_H
#define COFFER_MEMORY_HEAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blocks_statistics {
    uint64_t used_count;
    uint64_t used_size; /* bytes, at what the blocks can hold */
    uint64_t free_count;
    uint64_t free_size; /* bytes */
};

/* Called with one block after the other by the walks; false stops. It must not change anything. */
struct blocks_visitor {
    bool (*visit)(void *context, const void *block, size_t size, bool used);
    void *context;
};

/* For the predicates that tell what is broken: writes it down, in a few words, and is false. */
static inline bool blocks_problem(const char **problem, const char *what)
{
    if (problem != NULL)
        *problem = what;
    return false;
}

#endif
