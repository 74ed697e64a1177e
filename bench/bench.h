/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bench as a whole: where it runs, and the store that the workloads share.
 *
 * One region of secure memory serves every store of the run, one after the other, with the default
 * configuration: what the figures took is what that region shows at its fullest.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer.h"

#define REGION_SIZE ((size_t)1024 * 1024)
#define SMALL_SIZE  1024u                      /* bytes of a small object */
#define DATA_SIZE   ((size_t)16 * 1024 * 1024) /* bytes of a middle-sized one */

struct raw;
struct report;

/* Where, and how durable. */
struct variant {
    const char *suffix;    /* of the figures' names: "" when durable */
    const char *directory; /* scratch, on the file system in question */
    bool durable;
};

struct bench {
    bool quick;
    struct coffer_area region;
    struct report *report;
    struct variant variant;
    struct raw *raw;      /* the peer, in the variant's directory */
    struct coffer *store; /* NULL: none is open */
    char store_path[4096];

    /* The largest of all stores. */
    uint64_t memory_peak;
    uint64_t crypto_outside;
    uint64_t wrong_frees;
};

/* A store of so many small objects, numbered from 0, of the variant's durability. What another
 * workload left is thrown away. */
void bench_begin(struct bench *bench, unsigned object_count);
void bench_end(struct bench *bench);

/* Close it and open it again: nothing is cached but what opening brings. */
void bench_reopen(struct bench *bench);

/* An object's id by number; the name points into the label. */
struct label {
    char id[16];
    size_t size;
};
struct label bench_label(unsigned number);
struct coffer_name bench_name(const struct label *label);

/* Put small object `number`. */
void bench_put(struct bench *bench, unsigned number);

/* An object of `size` bytes by a writer, in chunks of up to DATA_SIZE. */
void bench_write_object(struct bench *bench, unsigned number, uint64_t size, size_t chunk);

/* DATA_SIZE bytes of anything. */
const uint8_t *bench_bytes(void);

/* How often: `full`, or `quick` when only a proof is wanted. */
unsigned bench_repetitions(const struct bench *bench, unsigned full, unsigned quick);

/* --- The workloads */

void run_objects(struct bench *bench);   /* objects.c: create, open and read, enumerate, … */
void run_access(struct bench *bench);    /* access.c: random access in 16 MiB */
void run_sequences(struct bench *bench); /* sequences.c: 16 MiB from end to end */
void run_opening(struct bench *bench);   /* opening.c: large objects */
void run_memory(struct bench *bench);    /* memory.c: pools, boxes and frames against malloc */
void run_paging(struct bench *bench);    /* paging.c: a page fault beside the calls it is made of */
void run_calls(struct bench *bench);     /* calls.c: calls to the untrusted side, an operation */

/* Scratch directories are given: on the disk, and where nobody waits for one. */
void run_rates(struct bench *bench, const char *disk,
               const char *memory);                         /* rates.c: much a second */
void run_large(struct bench *bench, const char *directory); /* large.c: the least memory */
void run_curve(struct bench *bench, const char *directory); /* curve.c: what memory buys */
void run_tee(struct bench *bench, const char *directory);   /* tee.c: GlobalPlatform's calls */

#endif
