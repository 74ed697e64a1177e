/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One candidate's machine with a host on it, for one test; and what is mapped as a list that can be
 * compared. Each test makes and unmakes its own: unmaking demands that all frames are back.
 */
#ifndef TESTS_CONFORMANCE_MMU_BENCH_H
#define TESTS_CONFORMANCE_MMU_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "candidates.h"
#include "support/mmu_host.h"

#define PAGE ((uintptr_t)COFFER_PAGE_SIZE)
#define READ COFFER_READ
#define BOTH (COFFER_READ | COFFER_WRITE)

#define BENCH_MEMORY ((size_t)16 << 20)
#define BENCH_PAGES  4096u /* that a listing holds */
#define BENCH_TABLES 8u    /* at a time */

struct bench {
    const struct candidate *candidate;
    void *machine;
    const struct coffer_mmu *mmu;
    struct mmu_test_host host;
    struct {
        struct mmu_table *table; /* NULL: none */
        uintptr_t base;
        size_t size;
    } tables[BENCH_TABLES];
};

struct listed {
    uintptr_t address;
    struct mmu_entry entry;
};

struct listing {
    size_t count;
    struct listed pages[BENCH_PAGES];
};

/* The candidate that the tests run on now. */
extern const struct candidate *candidate;

void bench_open(struct bench *bench);
void bench_close(struct bench *bench);

/* A table of `size` bytes; `base` 0: anywhere. */
struct mmu_table *bench_table(struct bench *bench, uintptr_t base, size_t size, uintptr_t *start);
/* Destroyed, with a look at it before. */
void bench_drop(struct bench *bench, struct mmu_table *table);

/* Map, which must work. */
void bench_map(struct bench *bench, struct mmu_table *table, uintptr_t address, void *frame,
               size_t count, unsigned rights);

/* All that is mapped in the table, by walk, which must agree with query. */
void bench_list(struct bench *bench, struct mmu_table *table, struct listing *out);
bool listings_are_equal(const struct listing *a, const struct listing *b);

/* Map, with the n-th frame for a page table refused, n counting up until none is asked for any
 * more: each refusal must leave everything as it was. */
void bench_map_with_refusals(struct bench *bench, struct mmu_table *table, uintptr_t address,
                             void *run, size_t count);

/* Run a group of tests on every candidate; on those with pointers only, if that is said. */
#define bench_run(tests, pointers_only)                                                            \
    bench_run_group(tests, sizeof(tests) / sizeof((tests)[0]), pointers_only)
int bench_run_group(const struct CMUnitTest *tests, size_t count, bool pointers_only);

#endif
