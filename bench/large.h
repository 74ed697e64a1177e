/* SPDX-License-Identifier: BSD-2-Clause */
/* One large object in memories of any size. */
#ifndef BENCH_LARGE_H
#define BENCH_LARGE_H

#include "bench.h"

struct large {
    struct coffer *store;
    struct coffer_object *object;
    const char *directory; /* scratch */
    uint64_t size;
};

/* The store in so much memory; false: it is too little for that (COFFER_NO_MEMORY). */
bool large_open(struct large *large, size_t memory);
void large_close(struct large *large);

/* The store and the object anew, or the object found. */
bool large_create(struct large *large);
bool large_find(struct large *large);

/* 4 KiB at a multiple of 4 KiB. */
bool large_read(struct large *large, uint64_t page);
bool large_write(struct large *large, uint64_t page);

#define LARGE_PAGE 4096u

#endif
