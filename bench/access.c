/* SPDX-License-Identifier: BSD-2-Clause */
/* Random access in an object of 16 MiB that stays open. */
#include "bench.h"
#include "measure.h"
#include "must.h"
#include "optee.h"
#include "report.h"

#define PAGE_BYTES 4096u
#define PAGE_COUNT 4096u
#define READ_BYTES 64u

_Static_assert((size_t)PAGE_COUNT *PAGE_BYTES == DATA_SIZE, "the pages fill the object");

/* Steps of an odd number of pages reach all of them before they come back. */
static uint64_t place_of(unsigned repetition)
{
    return (uint64_t)(repetition * 1597u % PAGE_COUNT) * PAGE_BYTES;
}

static void write_page(struct bench *bench, void *context, unsigned repetition)
{
    (void)bench;
    must(coffer_object_write(context, place_of(repetition), bench_bytes(), PAGE_BYTES), "write");
}

static void read_little(struct bench *bench, void *context, unsigned repetition)
{
    uint8_t bytes[READ_BYTES];
    size_t got;

    (void)bench;
    must(coffer_object_read(context, place_of(repetition) + 1000, bytes, sizeof(bytes), &got),
         "read");
    must_system(got == sizeof(bytes) && bytes[0] == bench_bytes()[0], "what was read");
}

void run_access(struct bench *bench)
{
    struct task task = {.name = "random_read.16MiB.64B",
                        .repetitions = bench_repetitions(bench, PAGE_COUNT, 201),
                        .run = read_little,
                        .raw = {.scattered = true, .size = READ_BYTES, .count = 1}};
    struct coffer_object *object;
    struct label label = bench_label(0);
    struct coffer_name name = bench_name(&label);
    struct result result;

    bench_begin(bench, 0);
    bench_write_object(bench, 0, DATA_SIZE, DATA_SIZE / 128);
    must(coffer_object_open(bench->store, &name, &object), "open");
    task.context = object;
    measure(bench, &task, &result);
    report_result(bench->report, &result, &optee_random_read, 0);

    task.name = "random_write.16MiB.4KiB";
    task.repetitions = bench_repetitions(bench, bench->variant.durable ? 51 : PAGE_COUNT, 3);
    task.run = write_page;
    task.raw = (struct raw_work){.writes = true, .scattered = true, .size = PAGE_BYTES, .count = 1};
    measure(bench, &task, &result);
    report_result(bench->report, &result, &optee_random_write, 0);
    coffer_object_close(object);
    bench_end(bench);
}
