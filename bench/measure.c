/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <stdio.h>

#include "samples.h"
#include "scratch.h"

static void count_in(struct result *result, const struct counters *spent)
{
    double calls = counters_calls(spent);

    for (size_t i = 0; i < COUNTER_KINDS; i++) {
        result->mean.values[i] += spent->values[i]; /* the sum, for now */
        if (spent->values[i] > result->worst.values[i])
            result->worst.values[i] = spent->values[i];
    }
    if (calls > result->worst_calls)
        result->worst_calls = calls;
}

/* What one repetition took. */
struct spent {
    double us;
    double cpu_us;
    struct counters counters;
};

static struct spent run_once(struct bench *bench, const struct task *task, unsigned repetition)
{
    struct counters before;
    struct counters after;
    struct spent spent;
    double cpu_start;
    double start;

    if (task->before != NULL)
        task->before(bench, task->context, repetition);
    counters_get(bench->store, &before);
    cpu_start = cpu_us();
    start = now_us();
    task->run(bench, task->context, repetition);
    spent.us = now_us() - start;
    spent.cpu_us = cpu_us() - cpu_start;
    counters_get(bench->store, &after);
    if (task->after != NULL)
        task->after(bench, task->context, repetition);
    spent.counters = counters_difference(&after, &before);
    return spent;
}

void measure(struct bench *bench, const struct task *task, struct result *result)
{
    struct samples ours;
    struct samples cpu;
    struct samples theirs;

    *result = (struct result){.repetitions = task->repetitions};
    (void)snprintf(result->name, sizeof(result->name), "%s%s", task->name, bench->variant.suffix);
    samples_init(&ours, task->repetitions);
    samples_init(&cpu, task->repetitions);
    samples_init(&theirs, task->repetitions);
    for (unsigned i = 0; i < task->repetitions; i++) {
        struct spent spent;

        scratch_check_interrupt();
        spent = run_once(bench, task, i);
        samples_add(&ours, spent.us);
        samples_add(&cpu, spent.cpu_us);
        samples_add(&theirs, raw_time(bench->raw, &task->raw));
        count_in(result, &spent.counters);
    }
    for (size_t i = 0; i < COUNTER_KINDS; i++)
        result->mean.values[i] /= result->repetitions;
    result->us = samples_median(&ours);
    result->cpu_us = samples_median(&cpu);
    result->raw_us = samples_median(&theirs);
    samples_fini(&ours);
    samples_fini(&cpu);
    samples_fini(&theirs);
}
