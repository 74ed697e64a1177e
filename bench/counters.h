/* SPDX-License-Identifier: BSD-2-Clause */
/* What an open store did between two moments: device calls by kind, bytes, cipher calls. */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "coffer.h"

enum counter {
    COUNTER_READS,
    COUNTER_WRITES,
    COUNTER_BARRIERS, /* ordering points */
    COUNTER_SYNCS,    /* files named in them */
    COUNTER_FLUSHES,  /* fsync and fdatasync calls of the process */
    COUNTER_OTHERS,   /* create, size, resize, rename, remove, list */
    COUNTER_READ_BYTES,
    COUNTER_WRITTEN_BYTES,
    COUNTER_SEALS,
    COUNTER_UNSEALS,
    COUNTER_HASHES,
    COUNTER_KEY_LOADS,
    COUNTER_KINDS
};

/* Their names in the JSON file, by number. */
extern const char *const counter_names[COUNTER_KINDS];

struct counters {
    double values[COUNTER_KINDS]; /* whole numbers, but for a mean */
};

/* As they stand now. */
void counters_get(struct coffer *store, struct counters *out);

struct counters counters_difference(const struct counters *after, const struct counters *before);

/* Calls to the untrusted side: reads, writes, barriers and others. */
double counters_calls(const struct counters *counters);

/* Bytes that crossed to and from it. */
double counters_bytes(const struct counters *counters);

#endif
