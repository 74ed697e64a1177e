/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop around every workload: ours and the raw peer in turn, the middle of the times taken. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench.h"
#include "counters.h"
#include "raw.h"

#define NAME_MAX_SIZE 64

/* A step of a workload; `repetition` counts from 0. */
typedef void step_function(struct bench *bench, void *context, unsigned repetition);

struct task {
    const char *name; /* without the variant's suffix */
    unsigned repetitions;
    step_function *before; /* not timed, not counted; may be NULL */
    step_function *run;
    step_function *after; /* as before */
    void *context;
    struct raw_work raw; /* the payload, moved raw */
};

struct result {
    char name[NAME_MAX_SIZE]; /* with the suffix */
    unsigned repetitions;
    double us;             /* medians */
    double raw_us;         /* of the peer */
    double cpu_us;         /* processor time of ours */
    struct counters mean;  /* of one repetition */
    struct counters worst; /* the largest of any, each kind for itself */
    double worst_calls;    /* the most device calls of any repetition */
};

void measure(struct bench *bench, const struct task *task, struct result *result);

#endif
