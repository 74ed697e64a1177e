/* SPDX-License-Identifier: BSD-2-Clause */
/* Time, and the middle of many times. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>

struct samples {
    double *values; /* microseconds */
    size_t count;
    size_t capacity;
};

void samples_init(struct samples *samples, size_t capacity);
void samples_fini(struct samples *samples);
void samples_add(struct samples *samples, double value);

/* Sorts them. At least one was added. */
double samples_median(struct samples *samples);

/* Of a clock that only goes forward. */
double now_us(void);

/* Processor time of this thread, in the kernel too: waiting, for the disk or for a processor that
 * others use, is not in it. */
double cpu_us(void);

#endif
