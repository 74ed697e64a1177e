/* SPDX-License-Identifier: BSD-2-Clause */
#include "samples.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "must.h"

void samples_init(struct samples *samples, size_t capacity)
{
    samples->values = must_make(capacity, sizeof(double));
    samples->count = 0;
    samples->capacity = capacity;
}

void samples_fini(struct samples *samples)
{
    free(samples->values);
    samples->values = NULL;
}

void samples_add(struct samples *samples, double value)
{
    assert(samples->count < samples->capacity);
    samples->values[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

double samples_median(struct samples *samples)
{
    size_t middle = samples->count / 2;

    assert(samples->count > 0);
    qsort(samples->values, samples->count, sizeof(double), compare);
    if (samples->count % 2 != 0)
        return samples->values[middle];
    return (samples->values[middle - 1] + samples->values[middle]) / 2;
}

static double read_clock(clockid_t clock)
{
    struct timespec now;

    must_system(clock_gettime(clock, &now) == 0, "clock");
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double now_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double cpu_us(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
