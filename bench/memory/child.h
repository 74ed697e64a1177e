/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child of the bench: one workload with one allocator in a process of its own. What it found goes
 * to stdout as lines "NAME VALUE"; README.md says what the workloads are.
 */
#ifndef BENCH_MEMORY_CHILD_H
#define BENCH_MEMORY_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct sizes;

/* End the program, with a line that says why. */
__attribute__((noreturn)) void child_fail(const char *why);

/* Zeroed memory from the kernel, every page of it touched. */
void *child_map(size_t size);
void child_unmap(void *block, size_t size);

void child_tell(const char *name, double value);

/* What the program is called with. */
struct request {
    const struct sizes *sizes;
    const char *options; /* of the allocator; may be "" */
    uint32_t pairs;      /* how long */
};

/* --- The workloads */

void work_count(const struct request *request);       /* replace.c */
void work_time(const struct request *request);        /* replace.c */
void work_worst(const struct request *request);       /* replace.c */
void work_fill(const struct request *request);        /* region.c */
void work_adversarial(const struct request *request); /* region.c */
void work_threads(const struct request *request);     /* threads.c */
void work_handover(const struct request *request);    /* threads.c */

static inline double child_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The processor's time-stamp counter, when all before it is done and nothing behind it has begun;
 * nanoseconds on processors that we don't know one of. */
static inline uint64_t child_cycles(void)
{
#if defined(__x86_64__)
    uint64_t now;

    _mm_lfence();
    now = __rdtsc();
    _mm_lfence();
    return now;
#else
    return (uint64_t)child_now_ns();
#endif
}

/* What two readings with nothing between them differ by. */
uint64_t child_cycles_price(void);

#endif
