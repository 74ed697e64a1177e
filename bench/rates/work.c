/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child of the bench: one workload of rates on one store. Rounds of about 50 ms each (or one
 * pass, where a pass is longer), after one that isn't counted; the median round goes to stdout, as
 * lines "NAME VALUE": a second of the clock ("rate"), and a second of this thread's processor time
 * ("cpu_rate"). README.md says what the workloads are.
 *
 *     PROGRAM WORKLOAD DIRECTORY OBJECTS ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rates/store.h"

#define ROUND_NS   50e6
#define ROUNDS_MAX 101
#define SMALL      1024u
#define PAGE       4096u
#define LARGE      ((size_t)16 * 1024 * 1024)
#define CHUNK      ((size_t)128 * 1024)
#define WARM_LARGE ((size_t)1024 * 1024)
#define WARM_SMALL 16u
#define MEMORY     ((size_t)8 * 1024 * 1024)
#define PUT_OF     100u

void rate_fail(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(EXIT_FAILURE);
}

struct rated_name rated_name(unsigned number)
{
    struct rated_name name;

    name.size = (size_t)snprintf(name.bytes, sizeof(name.bytes), "object %u", number);
    return name;
}

static double clock_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What a workload works with. */
struct work {
    struct store *store;
    struct rated_settings settings;
    unsigned rounds;
    uint64_t random;
    uint8_t *bytes; /* LARGE, of the data */
    uint8_t *out;   /* LARGE, what was read */
};

static uint64_t next_random(struct work *work)
{
    work->random ^= work->random << 13;
    work->random ^= work->random >> 7;
    work->random ^= work->random << 17;
    return work->random;
}

/* --- Rounds --- */

/* `count` operations; what it is worth, in the unit of the rate. */
typedef double work_function(struct work *work, unsigned count);

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static void run_rounds(struct work *work, work_function *run)
{
    double rates[ROUNDS_MAX], cpu_rates[ROUNDS_MAX];
    double start = clock_ns(CLOCK_MONOTONIC);
    unsigned count = 1;
    double passed;

    /* To be warm, and to learn how many operations a round is. */
    for (;;) {
        (void)run(work, count);
        passed = clock_ns(CLOCK_MONOTONIC) - start;
        if (passed >= ROUND_NS / 4 || count >= 1u << 24)
            break;
        count *= 2;
    }
    if (passed < ROUND_NS)
        count = (unsigned)((double)count * ROUND_NS / passed) + 1;
    for (unsigned i = 0; i < work->rounds; i++) {
        double cpu_start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        double worth;

        start = clock_ns(CLOCK_MONOTONIC);
        worth = run(work, count);
        rates[i] = worth * 1e9 / (clock_ns(CLOCK_MONOTONIC) - start);
        cpu_rates[i] = worth * 1e9 / (clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_start);
    }
    printf("rate %.10g\n", median(rates, work->rounds));
    printf("cpu_rate %.10g\n", median(cpu_rates, work->rounds));
}

/* --- Workloads --- */

static void check(const struct work *work, const uint8_t *bytes, size_t size)
{
    rate_must(bytes[0] == work->bytes[0] && bytes[size - 1] == work->bytes[0], "what was read");
}

static double get_in_turn(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rated_get(work->store, i % WARM_SMALL, work->out, SMALL);
    check(work, work->out, SMALL);
    return count;
}

static void work_get_warm(struct work *work)
{
    rated_fill(work->store, 100, work->bytes, SMALL);
    run_rounds(work, get_in_turn);
}

static double get_any(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rated_get(work->store, (unsigned)(next_random(work) % work->settings.objects), work->out,
                  SMALL);
    check(work, work->out, SMALL);
    return count;
}

static void work_get_of_many(struct work *work)
{
    rated_fill(work->store, work->settings.objects, work->bytes, SMALL);
    run_rounds(work, get_any);
}

static double read_pages(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rated_read_large(work->store, next_random(work) % (WARM_LARGE / PAGE) * PAGE, work->out,
                         PAGE);
    check(work, work->out, PAGE);
    return count;
}

static void work_read_warm(struct work *work)
{
    rated_write_large(work->store, work->bytes, WARM_LARGE, CHUNK);
    rated_open_large(work->store);
    for (size_t at = 0; at < WARM_LARGE; at += PAGE)
        rated_read_large(work->store, at, work->out, PAGE);
    run_rounds(work, read_pages);
    rated_close_large(work->store);
}

static double read_all(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (size_t at = 0; at < LARGE; at += CHUNK)
            rated_read_large(work->store, at, work->out + at, CHUNK);
    check(work, work->out, LARGE);
    return (double)count * (LARGE >> 20);
}

static void work_read_large(struct work *work)
{
    rated_write_large(work->store, work->bytes, LARGE, CHUNK);
    rated_open_large(work->store);
    run_rounds(work, read_all);
    rated_close_large(work->store);
}

static double write_all(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rated_write_large(work->store, work->bytes, LARGE, CHUNK);
    return (double)count * (LARGE >> 20);
}

static void work_write_large(struct work *work)
{
    rated_write_large(work->store, work->bytes, LARGE, CHUNK);
    run_rounds(work, write_all);
}

static double list(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rate_must(rated_list(work->store).count == work->settings.objects, "the list");
    return (double)count * work->settings.objects;
}

static void work_list(struct work *work)
{
    rated_fill(work->store, work->settings.objects, work->bytes, 16);
    run_rounds(work, list);
}

static double put(struct work *work, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rated_put(work->store, i % PUT_OF, work->bytes, SMALL);
    return count;
}

static void work_put(struct work *work)
{
    rated_fill(work->store, PUT_OF, work->bytes, SMALL);
    run_rounds(work, put);
}

static const struct workload {
    const char *name;
    void (*run)(struct work *work);
    bool durable;
} workloads[] = {
    {"get1k.warm", work_get_warm, false},    {"read4k.warm", work_read_warm, false},
    {"get1k.many", work_get_of_many, false}, {"list", work_list, false},
    {"read16m", work_read_large, false},     {"write16m", work_write_large, false},
    {"put1k.durable", work_put, true},       {"write16m.durable", work_write_large, true},
};

int main(int count, char **words)
{
    struct work work = {.random = 88172645463325252u};

    if (count != 5)
        rate_fail("usage: WORKLOAD DIRECTORY OBJECTS ROUNDS");
    work.rounds = (unsigned)strtoul(words[4], NULL, 10);
    rate_must(work.rounds > 0 && work.rounds <= ROUNDS_MAX, "1 to 101 rounds");
    work.bytes = malloc(LARGE);
    work.out = calloc(1, LARGE);
    rate_must(work.bytes != NULL && work.out != NULL, "memory");
    memset(work.bytes, 0x42, LARGE);
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        if (strcmp(workloads[i].name, words[1]) != 0)
            continue;
        work.settings = (struct rated_settings){.directory = words[2],
                                                .memory = MEMORY,
                                                .objects = (unsigned)strtoul(words[3], NULL, 10),
                                                .durable = workloads[i].durable};
        work.store = rated_open(&work.settings);
        workloads[i].run(&work);
        rated_close(work.store);
        free(work.bytes);
        free(work.out);
        return EXIT_SUCCESS;
    }
    rate_fail("no such workload");
}
