/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the workloads ask for, drawn before anything is measured: the same numbers for every
 * allocator and in every run.
 */
#ifndef BENCH_MEMORY_OPERATIONS_H
#define BENCH_MEMORY_OPERATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A distribution of sizes. */
struct sizes {
    const char *name;
    uint32_t low, high; /* both can come; equal: always that */
    bool powers;        /* powers of two, all equally likely; otherwise log-uniform: as many
                           between n and 2n as between 2n and 4n */
    uint32_t live;      /* blocks that are allocated at any time */
};

/* NULL: no such name. */
const struct sizes *sizes_find(const char *name);

/* Where random numbers come from. */
struct draw {
    uint64_t state;
    const struct sizes *sizes;
    double low, span; /* logarithms: a size is 2 to the power of low .. low + span */
};

void draw_init(struct draw *draw, const struct sizes *sizes, uint64_t seed);
uint32_t draw_below(struct draw *draw, uint32_t bound); /* 0 .. bound - 1 */
uint32_t draw_size(struct draw *draw);

/* A pair: the block in `slot` is freed, and one of `size` takes its place. */
struct operation {
    uint32_t slot;
    uint32_t size;
};

#define OPERATION_COUNT 262144u /* a power of two; workloads begin anew behind the last */

/* OPERATION_COUNT of them, and before them one for each slot, in order. Never freed. */
struct operation *operations_make(const struct sizes *sizes, uint64_t seed);

#endif
