/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random replacement: so many blocks are live, and in each turn one of them is freed and another
 * allocated in its stead.
 */
#include <stdio.h>

#include "memory/allocator.h"
#include "memory/operations.h"

#define CHUNK 32768u /* pairs that are timed together */

struct replacement {
    const struct sizes *sizes;
    const struct operation *operations; /* behind those that filled it */
    uint32_t at;
    void **live;
};

static size_t mean_size(const struct sizes *sizes, const struct operation *operations)
{
    uint64_t sum = 0;

    if (sizes->live == 0)
        return 0;
    for (uint32_t i = 0; i < sizes->live; i++)
        sum += operations[i].size;
    return (size_t)((sum + sizes->live - 1) / sizes->live);
}

static void begin(struct replacement *replacement, const struct request *request)
{
    const struct sizes *sizes = request->sizes;
    struct operation *operations = operations_make(sizes, 1);
    struct setup setup = {.options = request->options,
                          .block_count = sizes->live,
                          .block_size = mean_size(sizes, operations)};

    *replacement = (struct replacement){.sizes = sizes,
                                        .operations = operations + sizes->live,
                                        .live = child_map(sizes->live * sizeof(void *))};
    allocator_open(&setup);
    for (uint32_t i = 0; i < sizes->live; i++)
        replacement->live[i] = take_used(operations[i].size);
}

static void end(struct replacement *replacement)
{
    for (uint32_t i = 0; i < replacement->sizes->live; i++)
        give(replacement->live[i]);
    allocator_close();
}

/* The loop that is measured. Not inlined, so that it is one and the same code for all uses. */
__attribute__((noinline)) static void replace(struct replacement *replacement, uint32_t pairs)
{
    const struct operation *operations = replacement->operations;
    void **live = replacement->live;
    uint32_t at = replacement->at;

    for (uint32_t i = 0; i < pairs; i++) {
        const struct operation *operation = &operations[at++ % OPERATION_COUNT];

        give(live[operation->slot]);
        live[operation->slot] = take_used(operation->size);
    }
    replacement->at = at;
}

/* Nothing is told: somebody counts from outside, and takes the difference of two lengths. */
void work_count(const struct request *request)
{
    struct replacement replacement;

    begin(&replacement, request);
    replace(&replacement, request->pairs);
    end(&replacement);
}

void work_time(const struct request *request)
{
    struct replacement replacement;
    double lowest = 1e30;

    begin(&replacement, request);
    replace(&replacement, request->pairs / 4); /* everybody has settled by then */
    for (uint32_t done = 0; done < request->pairs; done += CHUNK) {
        double before = child_now_ns();
        double passed;

        replace(&replacement, CHUNK);
        passed = child_now_ns() - before;
        if (passed < lowest)
            lowest = passed;
    }
    end(&replacement);
    child_tell("ns", lowest / CHUNK);
}

static uint32_t cycles_between(uint64_t before, uint64_t after, uint64_t price)
{
    uint64_t passed = after - before;

    if (passed <= price)
        return 0;
    passed -= price;
    return passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed;
}

/* Every call for itself, to stdout: the cycles of a free and an alloc in turn, 32 bits each. The
 * first lap is not measured, it is there to have everything settled. */
void work_worst(const struct request *request)
{
    struct replacement replacement;
    uint32_t *cycles = child_map((size_t)request->pairs * 2 * sizeof(uint32_t));
    uint64_t price = child_cycles_price();

    begin(&replacement, request);
    replace(&replacement, OPERATION_COUNT);
    for (uint32_t i = 0; i < request->pairs; i++) {
        const struct operation *operation = &replacement.operations[i % OPERATION_COUNT];
        uint64_t times[4];
        void *block;
        bool taken;

        times[0] = child_cycles();
        give(replacement.live[operation->slot]);
        times[1] = child_cycles();
        times[2] = child_cycles();
        taken = take(operation->size, &block);
        times[3] = child_cycles();
        if (!taken)
            child_fail("there is no more memory");
        *(uint64_t *)block = i;
        replacement.live[operation->slot] = block;
        cycles[2 * (size_t)i] = cycles_between(times[0], times[1], price);
        cycles[2 * (size_t)i + 1] = cycles_between(times[2], times[3], price);
    }
    end(&replacement);
    if (fwrite(cycles, 2 * sizeof(uint32_t), request->pairs, stdout) != request->pairs)
        child_fail("nobody listens");
}
