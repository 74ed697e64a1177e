/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening large objects. Nodes are read and verified when they are needed, so that opening alone
 * would hide a part of the price: open_read.* is opening, reading 1 KiB somewhere, and closing.
 */
#include <stdio.h>

#include "bench.h"
#include "measure.h"
#include "must.h"
#include "optee.h"
#include "report.h"
#include "samples.h"

#define CHUNK     ((size_t)1024 * 1024)
#define HUGE_SIZE ((uint64_t)1024 * 1024 * 1024)

struct opening {
    uint64_t size;
    struct coffer_object *object;
};

static void open_object(struct bench *bench, void *context, unsigned repetition)
{
    struct opening *opening = context;
    struct label label = bench_label(0);
    struct coffer_name name = bench_name(&label);

    (void)repetition;
    must(coffer_object_open(bench->store, &name, &opening->object), "open");
}

static void close_object(struct bench *bench, void *context, unsigned repetition)
{
    struct opening *opening = context;

    (void)bench;
    (void)repetition;
    coffer_object_close(opening->object);
}

static void open_read_close(struct bench *bench, void *context, unsigned repetition)
{
    struct opening *opening = context;
    uint64_t place = repetition * UINT64_C(15485863) % (opening->size - SMALL_SIZE);
    uint8_t bytes[SMALL_SIZE];
    size_t got;

    open_object(bench, opening, repetition);
    must(coffer_object_read(opening->object, place, bytes, sizeof(bytes), &got), "read");
    must_system(got == sizeof(bytes) && bytes[0] == bench_bytes()[0], "what was read");
    close_object(bench, opening, repetition);
}

static void run_size(struct bench *bench, const char *size_name, struct opening *opening,
                     const struct optee *optee)
{
    char name[NAME_MAX_SIZE];
    char what[2 * NAME_MAX_SIZE];
    struct task task = {.name = name,
                        .repetitions = bench_repetitions(bench, 101, 11),
                        .run = open_object,
                        .after = close_object,
                        .context = opening,
                        .raw = {.scattered = true, .size = SMALL_SIZE, .count = 1}};
    struct result result;

    (void)snprintf(name, sizeof(name), "open.%s", size_name);
    measure(bench, &task, &result);
    report_result(bench->report, &result, optee, 0);
    (void)snprintf(what, sizeof(what), "%s.reads", result.name);
    report_add(bench->report, what, result.worst.values[COUNTER_READS], "calls", "OP-TEE, calls",
               optee != NULL ? optee->calls : 0);
    report_target(bench->report, TARGET_COUNT, what, result.worst.values[COUNTER_READS], 16);
    (void)snprintf(what, sizeof(what), "%s.us", result.name);
    report_target(bench->report, TARGET_TIME, what, result.us, 1000);

    (void)snprintf(name, sizeof(name), "open_read.%s", size_name);
    task.run = open_read_close;
    task.after = NULL;
    measure(bench, &task, &result);
    report_result(bench->report, &result, NULL, 0);
}

/* Made once, and on the disk only: it is what it takes most of. */
static void run_huge(struct bench *bench)
{
    struct opening opening = {.size = HUGE_SIZE};
    double start;

    bench_begin(bench, 0);
    start = now_us();
    bench_write_object(bench, 0, HUGE_SIZE, CHUNK);
    report_figure(bench->report, "write_stream.1GiB.1024KiB.MiBps", 1024e6 / (now_us() - start),
                  "MiB/s");
    run_size(bench, "1GiB", &opening, NULL);
    bench_end(bench);
}

void run_opening(struct bench *bench)
{
    struct opening opening = {.size = DATA_SIZE};

    bench_begin(bench, 0);
    bench_write_object(bench, 0, DATA_SIZE, CHUNK);
    run_size(bench, "16MiB", &opening, &optee_open_16_mib);
    bench_end(bench);
    if (bench->variant.durable && !bench->quick)
        run_huge(bench);
}
