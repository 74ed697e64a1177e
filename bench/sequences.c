/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16 MiB from end to end, in pieces: a new object by a writer, which commits once; an old one
 * overwritten in place, each piece a commit of its own; and read.
 */
#include <stdio.h>

#include "bench.h"
#include "measure.h"
#include "must.h"
#include "optee.h"
#include "report.h"

#define SMALL_CHUNK ((size_t)4096)
#define LARGE_CHUNK ((size_t)128 * 1024)

struct sequence {
    size_t chunk;
    struct coffer_object *object;
    uint8_t *out;
};

static void write_stream(struct bench *bench, void *context, unsigned repetition)
{
    const struct sequence *sequence = context;

    (void)repetition;
    bench_write_object(bench, 1, DATA_SIZE, sequence->chunk);
}

static void delete_stream(struct bench *bench, void *context, unsigned repetition)
{
    struct label label = bench_label(1);
    struct coffer_name name = bench_name(&label);

    (void)context;
    (void)repetition;
    must(coffer_delete(bench->store, &name), "delete");
}

static void write_in_place(struct bench *bench, void *context, unsigned repetition)
{
    const struct sequence *sequence = context;

    (void)bench;
    (void)repetition;
    for (size_t at = 0; at < DATA_SIZE; at += sequence->chunk)
        must(coffer_object_write(sequence->object, at, bench_bytes() + at, sequence->chunk),
             "write");
}

static void read_all(struct bench *bench, void *context, unsigned repetition)
{
    const struct sequence *sequence = context;
    size_t got;

    (void)bench;
    (void)repetition;
    for (size_t at = 0; at < DATA_SIZE; at += sequence->chunk) {
        must(coffer_object_read(sequence->object, at, sequence->out, sequence->chunk, &got),
             "read");
        must_system(got == sequence->chunk && sequence->out[0] == bench_bytes()[at],
                    "what was read");
    }
}

static void measure_sequence(struct bench *bench, const char *workload, struct task *task,
                             const struct optee *per_large_chunk)
{
    const struct sequence *sequence = task->context;
    size_t count = DATA_SIZE / sequence->chunk;
    struct optee optee = {0, 0};
    char name[NAME_MAX_SIZE];
    struct result result;

    (void)snprintf(name, sizeof(name), "%s.16MiB.%zuKiB", workload, sequence->chunk / 1024);
    if (per_large_chunk != NULL && sequence->chunk == LARGE_CHUNK)
        optee.calls = per_large_chunk->calls * (double)count;
    task->name = name;
    task->raw.size = sequence->chunk;
    task->raw.count = count;
    measure(bench, task, &result);
    report_result(bench->report, &result, &optee, DATA_SIZE);
}

static void run_chunk(struct bench *bench, struct sequence *sequence)
{
    /* 4,096 durable commits take long enough once. */
    bool many_commits = bench->variant.durable && sequence->chunk == SMALL_CHUNK;
    struct task stream = {.repetitions = bench_repetitions(bench, 5, 1),
                          .run = write_stream,
                          .after = delete_stream,
                          .context = sequence,
                          .raw = {.writes = true}};
    struct task in_place = {.repetitions = many_commits ? 1 : bench_repetitions(bench, 3, 1),
                            .run = write_in_place,
                            .context = sequence,
                            .raw = {.writes = true, .flush_each = true}};
    struct task read = {
        .repetitions = bench_repetitions(bench, 11, 1), .run = read_all, .context = sequence};

    measure_sequence(bench, "write_stream", &stream, NULL);
    /* Thousands of flushes are too many for a quick proof. */
    if (!(bench->quick && bench->variant.durable))
        measure_sequence(bench, "write", &in_place, &optee_write_chunk);
    measure_sequence(bench, "read", &read, &optee_read_chunk);
}

void run_sequences(struct bench *bench)
{
    static uint8_t out[LARGE_CHUNK];
    struct sequence sequence = {.chunk = SMALL_CHUNK, .out = out};
    struct label label = bench_label(0);
    struct coffer_name name = bench_name(&label);

    bench_begin(bench, 0);
    bench_write_object(bench, 0, DATA_SIZE, LARGE_CHUNK);
    must(coffer_object_open(bench->store, &name, &sequence.object), "open");
    run_chunk(bench, &sequence);
    sequence.chunk = LARGE_CHUNK;
    run_chunk(bench, &sequence);
    coffer_object_close(sequence.object);
    bench_end(bench);
}
