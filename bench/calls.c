/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the untrusted side, an operation: small ones and large ones, in the default memory. They
 * are the same in every run, so they are judged: none may take more than the first engine took,
 * which had neither an object cache nor read-ahead.
 */
#include <stdio.h>

#include "bench.h"
#include "counters.h"
#include "must.h"
#include "report.h"

#define CHUNK ((size_t)128 * 1024)
#define PAGE  4096u
#define COUNT 100u /* small objects in the store */

/* An operation, done `times` times; it is told by the mean. */
struct operation {
    const char *name;
    unsigned times;
    void (*run)(struct bench *bench, struct coffer_object *large, unsigned number);
    double limit; /* calls */
    bool cold;    /* the store is opened again before */
};

static void create_small(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)large;
    bench_put(bench, COUNT + number);
}

static void update_small(struct bench *bench, struct coffer_object *large, unsigned number)
{
    struct label label = bench_label(number % COUNT);
    struct coffer_name name = bench_name(&label);

    (void)large;
    must(coffer_put(bench->store, &name, COFFER_REPLACE, NULL, bench_bytes(), SMALL_SIZE), "put");
}

static void overwrite_small(struct bench *bench, struct coffer_object *large, unsigned number)
{
    struct label label = bench_label(number % COUNT);
    struct coffer_name name = bench_name(&label);
    struct coffer_object *object;

    (void)large;
    must(coffer_object_open(bench->store, &name, &object), "open");
    must(coffer_object_write(object, 0, bench_bytes(), SMALL_SIZE), "write");
    coffer_object_close(object);
}

static void read_small(struct bench *bench, struct coffer_object *large, unsigned number)
{
    struct label label = bench_label(number % COUNT);
    struct coffer_name name = bench_name(&label);
    struct coffer_object *object;
    uint8_t bytes[SMALL_SIZE];
    size_t got;

    (void)large;
    must(coffer_object_open(bench->store, &name, &object), "open");
    must(coffer_object_read(object, 0, bytes, sizeof(bytes), &got), "read");
    coffer_object_close(object);
}

static void read_one(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)number;
    read_small(bench, large, 7);
}

static void create_large(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)large;
    bench_write_object(bench, 2 * COUNT + number, DATA_SIZE, CHUNK);
}

static void read_range(struct coffer_object *large, uint64_t at, size_t size)
{
    static uint8_t bytes[CHUNK];
    size_t got;

    must(coffer_object_read(large, at, bytes, size, &got), "read");
    must_system(got == size && bytes[0] == bench_bytes()[0], "what was read");
}

static void read_large(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)bench;
    (void)number;
    for (uint64_t at = 0; at < DATA_SIZE; at += CHUNK)
        read_range(large, at, CHUNK);
}

static void read_large_little(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)bench;
    (void)number;
    for (uint64_t at = 0; at < DATA_SIZE; at += SMALL_SIZE)
        read_range(large, at, SMALL_SIZE);
}

static void write_large(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)bench;
    (void)number;
    for (uint64_t at = 0; at < DATA_SIZE; at += CHUNK)
        must(coffer_object_write(large, at, bench_bytes(), CHUNK), "write");
}

/* Steps of an odd number of pages reach all of them before they come back. */
static uint64_t any_page(unsigned number)
{
    return (uint64_t)number * 1597 % (DATA_SIZE / PAGE) * PAGE;
}

static void read_page(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)bench;
    read_range(large, any_page(number), PAGE);
}

static void write_page(struct bench *bench, struct coffer_object *large, unsigned number)
{
    (void)bench;
    must(coffer_object_write(large, any_page(number), bench_bytes(), PAGE), "write");
}

static const struct operation operations[] = {
    {"create.1KiB", 50, create_small, 9.16, false},
    {"update.1KiB", 50, update_small, 11.06, false},
    {"overwrite.1KiB", 50, overwrite_small, 9.02, true},
    {"open_read.1KiB", 100, read_small, 1, true},
    {"open_read_again.1KiB", 100, read_one, 1.01, false},
    {"create.16MiB", 1, create_large, 2521, false},
    {"read.16MiB", 1, read_large, 802, true},
    {"read.16MiB.1KiB", 1, read_large_little, 4454, true},
    {"overwrite.16MiB", 1, write_large, 4673, true},
    {"random_read.16MiB.4KiB", 1000, read_page, 3.463, true},
    {"random_write.16MiB.4KiB", 200, write_page, 18.605, true},
};

static void run_operation(struct bench *bench, const struct operation *operation)
{
    struct label label = bench_label(COUNT);
    struct coffer_name name = bench_name(&label);
    struct coffer_object *large;
    struct counters before, after, spent;
    char figure[96];
    double calls;

    bench_begin(bench, COUNT);
    bench_write_object(bench, COUNT, DATA_SIZE, CHUNK);
    if (operation->cold)
        bench_reopen(bench);
    must(coffer_object_open(bench->store, &name, &large), "open");
    counters_get(bench->store, &before);
    for (unsigned i = 0; i < operation->times; i++)
        operation->run(bench, large, operation->run == create_small ? i + 1 : i);
    counters_get(bench->store, &after);
    coffer_object_close(large);
    bench_end(bench);
    spent = counters_difference(&after, &before);
    calls = counters_calls(&spent) / operation->times;
    (void)snprintf(figure, sizeof(figure), "calls.%s", operation->name);
    report_add(bench->report, figure, calls, "calls", "the first engine", operation->limit);
    report_target(bench->report, TARGET_COUNT, figure, calls, operation->limit);
    printf("%-32s %10.3g %10.3g %12.0f %12.0f %10.3g %10.3g\n", figure, calls, operation->limit,
           spent.values[COUNTER_READ_BYTES] / operation->times,
           spent.values[COUNTER_WRITTEN_BYTES] / operation->times,
           (spent.values[COUNTER_SEALS] + spent.values[COUNTER_UNSEALS]) / operation->times,
           spent.values[COUNTER_HASHES] / operation->times);
    (void)fflush(stdout);
}

void run_calls(struct bench *bench)
{
    printf("\nCalls to the untrusted side and the rest of the work, an operation\n\n"
           "%-32s %10s %10s %12s %12s %10s %10s\n",
           "", "calls", "at most", "read bytes", "written", "ciphers", "hashes");
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        run_operation(bench, &operations[i]);
}
