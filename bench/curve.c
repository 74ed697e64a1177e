/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What memory buys: the same workload, random reads and overwrites of 4 KiB in an object of 1 GiB,
 * in more and more secure memory. Commits don't wait for the device, whose price is the same for
 * all sizes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "large.h"
#include "must.h"
#include "report.h"
#include "samples.h"
#include "scratch.h"

#define SMALLEST ((size_t)256 * 1024)
#define LARGEST  ((size_t)64 * 1024 * 1024)
#define GIB      ((uint64_t)1024 * 1024 * 1024)
#define THETA    0.99 /* of the Zipf distribution, as in YCSB */
#define ROUNDS   5u

/* --- Which page --- */

struct pages {
    uint64_t count; /* a power of two */
    uint64_t random;
    bool zipf;
    double zeta, zeta_two, alpha, eta;
};

static double zeta_of(uint64_t count)
{
    double sum = 0;

    for (uint64_t i = 1; i <= count; i++)
        sum += pow((double)i, -THETA);
    return sum;
}

static void pages_init(struct pages *pages, uint64_t count, bool zipf)
{
    *pages = (struct pages){.count = count, .random = 88172645463325252u, .zipf = zipf};
    if (!zipf)
        return;
    pages->zeta = zeta_of(count);
    pages->zeta_two = zeta_of(2);
    pages->alpha = 1 / (1 - THETA);
    pages->eta = (1 - pow(2.0 / (double)count, 1 - THETA)) / (1 - pages->zeta_two / pages->zeta);
}

/* Zipf's ranks by the formula of Gray and others ("Quickly generating billion-record synthetic
 * databases"), spread over the object: the most wanted pages don't lie side by side. */
static uint64_t next_page(struct pages *pages)
{
    double part, mass;
    uint64_t rank;

    pages->random ^= pages->random << 13;
    pages->random ^= pages->random >> 7;
    pages->random ^= pages->random << 17;
    if (!pages->zipf)
        return pages->random % pages->count;
    part = (double)(pages->random >> 11) / 9007199254740992.0;
    mass = part * pages->zeta;
    if (mass < 1)
        rank = 0;
    else if (mass < pages->zeta_two)
        rank = 1;
    else
        rank = (uint64_t)((double)pages->count *
                          pow(pages->eta * part - pages->eta + 1, pages->alpha));
    return rank * UINT64_C(2654435761) % pages->count;
}

/* --- One point of the curve --- */

typedef bool page_function(struct large *large, uint64_t page);

struct point {
    double per_s; /* of processor time: nothing here waits for a device */
    double calls; /* to the device, an operation */
    double hits;  /* share of the blocks that were asked for */
};

static void run_pages(struct large *large, struct pages *pages, page_function *run, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        must_system(run(large, next_page(pages)), "memory");
}

/* What the cache of blocks was asked for: how often it had it, and how often not. */
static void block_counts(struct coffer *store, double *hits, double *misses)
{
    struct coffer_statistics statistics;

    *hits = 0;
    *misses = 0;
    must(coffer_statistics_get(store, &statistics), "statistics");
    for (unsigned i = 0; i < statistics.cache_count; i++) {
        if (strcmp(statistics.caches[i].name, "blocks") != 0)
            continue;
        *hits = (double)statistics.caches[i].hits;
        *misses = (double)statistics.caches[i].misses;
    }
}

static struct point measure_point(struct large *large, struct pages *pages, page_function *run,
                                  unsigned warm, unsigned count)
{
    struct counters before, after, spent;
    struct samples rates;
    struct point point;
    double hits_before, hits, misses_before, misses;
    unsigned each = count / ROUNDS;

    run_pages(large, pages, run, warm);
    samples_init(&rates, ROUNDS);
    block_counts(large->store, &hits_before, &misses_before);
    counters_get(large->store, &before);
    for (unsigned i = 0; i < ROUNDS; i++) {
        double start = cpu_us();

        scratch_check_interrupt();
        run_pages(large, pages, run, each);
        samples_add(&rates, (double)each * 1e6 / (cpu_us() - start));
    }
    counters_get(large->store, &after);
    block_counts(large->store, &hits, &misses);
    spent = counters_difference(&after, &before);
    hits -= hits_before;
    misses -= misses_before;
    point = (struct point){.per_s = samples_median(&rates),
                           .calls = counters_calls(&spent) / (double)(each * ROUNDS),
                           .hits = hits + misses > 0 ? hits / (hits + misses) : 1};
    samples_fini(&rates);
    return point;
}

static void report_point(struct bench *bench, const char *what, bool zipf, size_t memory,
                         const struct point *point)
{
    char name[96];

    (void)snprintf(name, sizeof(name), "curve.%s.%s.%zuKiB.per_s", what, zipf ? "zipf" : "uniform",
                   memory / 1024);
    report_add(bench->report, name, point->per_s, "1/s", NULL, 0);
    (void)snprintf(name, sizeof(name), "curve.%s.%s.%zuKiB.calls", what, zipf ? "zipf" : "uniform",
                   memory / 1024);
    report_add(bench->report, name, point->calls, "calls", NULL, 0);
    printf("  %9.0f %7.2f %5.1f%%", point->per_s, point->calls, 100 * point->hits);
    (void)fflush(stdout);
}

static void run_memory_size(struct bench *bench, struct large *large, size_t memory)
{
    printf("%7zu KiB", memory / 1024);
    for (unsigned zipf = 0; zipf < 2; zipf++) {
        unsigned warm = bench->quick ? 100 : 20000 + (unsigned)(memory / LARGE_PAGE) * 3;
        struct pages pages;
        struct point point;

        must_system(large_open(large, memory) && large_find(large), "memory");
        pages_init(&pages, large->size / LARGE_PAGE, zipf != 0);
        point = measure_point(large, &pages, large_read, warm, bench_repetitions(bench, 20000, 50));
        report_point(bench, "read4k", zipf != 0, memory, &point);
        point = measure_point(large, &pages, large_write, bench_repetitions(bench, 1000, 10),
                              bench_repetitions(bench, 5000, 50));
        report_point(bench, "write4k", zipf != 0, memory, &point);
        large_close(large);
    }
    printf("\n");
}

void run_curve(struct bench *bench, const char *directory)
{
    struct large large = {.directory = directory, .size = bench->quick ? DATA_SIZE : GIB};

    printf("\nRandom 4 KiB in an object of %s, by secure memory: operations a second of processor "
           "time, device calls\nan operation, hits of the cache of blocks. Commits don't wait for "
           "the device.\n\n"
           "%11s  %23s  %23s  %23s  %23s\n",
           bench->quick ? "16 MiB" : "1 GiB", "", "read, uniform", "overwrite, uniform",
           "read, Zipf 0.99", "overwrite, Zipf 0.99");
    must_system(large_open(&large, LARGEST) && large_create(&large), "the large object");
    large_close(&large);
    for (size_t memory = SMALLEST; memory <= LARGEST; memory *= 2)
        if (!bench->quick || memory <= 2 * SMALLEST)
            run_memory_size(bench, &large, memory);
    scratch_empty(directory);
}
