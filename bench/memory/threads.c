/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads: each with its own blocks, or one that allocates and another that frees. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "memory/allocator.h"
#include "memory/operations.h"

#define CHUNK 262144u /* pairs of each thread between two looks at the clock */

static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t id;

    if (pthread_create(&id, NULL, body, argument) != 0)
        child_fail("no thread");
    return id;
}

/* --- Own blocks --- */

struct worker {
    const struct sizes *sizes;
    struct operation *operations;
    void **live;
    pthread_barrier_t *barrier;
    uint32_t chunks;
    double *begun, *ended; /* of each chunk */
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    const struct operation *operations = worker->operations + worker->sizes->live;

    for (uint32_t i = 0; i < worker->sizes->live; i++)
        worker->live[i] = take_used(worker->operations[i].size);
    for (uint32_t chunk = 0, at = 0; chunk < worker->chunks; chunk++) {
        (void)pthread_barrier_wait(worker->barrier);
        worker->begun[chunk] = child_now_ns();
        for (uint32_t i = 0; i < CHUNK; i++) {
            const struct operation *operation = &operations[at++ % OPERATION_COUNT];

            give(worker->live[operation->slot]);
            worker->live[operation->slot] = take_used(operation->size);
        }
        worker->ended[chunk] = child_now_ns();
    }
    for (uint32_t i = 0; i < worker->sizes->live; i++)
        give(worker->live[i]);
    return NULL;
}

/* Of a chunk: from when the first of both began to when the last was done. The quickest chunk. */
static double quickest(const struct worker workers[2])
{
    double lowest = 1e30;

    for (uint32_t i = 0; i < workers[0].chunks; i++) {
        double begun = fmin(workers[0].begun[i], workers[1].begun[i]);
        double ended = fmax(workers[0].ended[i], workers[1].ended[i]);

        lowest = fmin(lowest, ended - begun);
    }
    return lowest;
}

void work_threads(const struct request *request)
{
    const struct sizes *sizes = request->sizes;
    struct setup setup = {.options = request->options,
                          .block_count = 2 * (size_t)sizes->live,
                          .block_size = (sizes->low + (size_t)sizes->high) / 2};
    uint32_t chunks = request->pairs / CHUNK + 1;
    pthread_barrier_t barrier;
    struct worker workers[2];
    pthread_t ids[2];

    allocator_open(&setup);
    (void)pthread_barrier_init(&barrier, NULL, 2);
    for (unsigned i = 0; i < 2; i++) {
        workers[i] = (struct worker){.sizes = sizes,
                                     .operations = operations_make(sizes, i + 1),
                                     .live = child_map(sizes->live * sizeof(void *)),
                                     .barrier = &barrier,
                                     .chunks = chunks,
                                     .begun = child_map(chunks * sizeof(double)),
                                     .ended = child_map(chunks * sizeof(double))};
        ids[i] = start(work, &workers[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        (void)pthread_join(ids[i], NULL);
    (void)pthread_barrier_destroy(&barrier);
    allocator_close();
    child_tell("ns", quickest(workers) / CHUNK);
}

/* --- Handed over --- */

#define RING  8192u /* a power of two; as many blocks can be on their way */
#define BATCH 64u   /* blocks that are made known to the other side together */

struct handover {
    _Alignas(64) atomic_uint_fast32_t put;
    _Alignas(64) atomic_uint_fast32_t taken;
    _Alignas(64) void *ring[RING];
    uint32_t pairs;
};

static void *free_all(void *argument)
{
    struct handover *handover = argument;

    for (uint32_t at = 0; at < handover->pairs; at += BATCH) {
        while (atomic_load_explicit(&handover->put, memory_order_acquire) - at < BATCH)
            (void)sched_yield();
        for (uint32_t i = 0; i < BATCH; i++)
            give(handover->ring[(at + i) % RING]);
        atomic_store_explicit(&handover->taken, at + BATCH, memory_order_release);
    }
    return NULL;
}

static double hand_over(struct handover *handover, const struct operation *operations)
{
    double before = child_now_ns();
    pthread_t id = start(free_all, handover);

    for (uint32_t at = 0; at < handover->pairs; at += BATCH) {
        while (at + BATCH - atomic_load_explicit(&handover->taken, memory_order_acquire) > RING)
            (void)sched_yield();
        for (uint32_t i = 0; i < BATCH; i++)
            handover->ring[(at + i) % RING] = take_used(
                operations[(at + i) % OPERATION_COUNT].size);
        atomic_store_explicit(&handover->put, at + BATCH, memory_order_release);
    }
    (void)pthread_join(id, NULL);
    return child_now_ns() - before;
}

/* The time of the whole, as long as the slower of both sides takes. */
void work_handover(const struct request *request)
{
    const struct sizes *sizes = request->sizes;
    struct operation *operations = operations_make(sizes, 1);
    struct setup setup = {.options = request->options,
                          .block_count = 2 * (size_t)RING,
                          .block_size = (sizes->low + (size_t)sizes->high) / 2};
    struct handover *handover = child_map(sizeof(*handover));
    double lowest = 1e30;

    allocator_open(&setup);
    handover->pairs = OPERATION_COUNT;
    for (uint32_t done = 0; done < request->pairs; done += OPERATION_COUNT) {
        double passed;

        atomic_store(&handover->put, 0);
        atomic_store(&handover->taken, 0);
        passed = hand_over(handover, operations);
        if (passed < lowest)
            lowest = passed;
    }
    allocator_close();
    child_tell("ns", lowest / OPERATION_COUNT);
}
