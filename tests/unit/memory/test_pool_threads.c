/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools with threads: own blocks, blocks that another thread frees, and frees that race. */
#include "fixture.h"

#include <stdatomic.h>

#include "coffer/linux.h"
#include "support/pools.h"
#include "support/random.h"
#include "support/threads.h"

#define ROUNDS      (getenv("COFFER_DEEP") != NULL ? 2000000u : 30000u)
#define OWN_BLOCKS  300u
#define QUEUE       256u
#define THREADS_MAX 4u

struct shared {
    struct pool_fixture f;
    _Atomic(uint32_t *) queue[QUEUE]; /* blocks on their way to whoever frees them */
    atomic_uint wrong;
    atomic_uint turns;
};

struct worker {
    struct shared *shared;
    struct random random;
    bool failed;
};

static void run_threads(struct shared *shared, unsigned count, void (*body)(void *))
{
    struct worker workers[THREADS_MAX] = {0};

    for (unsigned i = 0; i < count; i++) {
        workers[i].shared = shared;
        random_init(&workers[i].random, __func__);
        workers[i].random.state += i;
    }
    threads_run(body, workers, count);
    for (unsigned i = 0; i < count; i++)
        assert_false(workers[i].failed);
}

static void begin(struct shared *shared, struct coffer_pool_settings settings)
{
    memset(shared, 0, sizeof(*shared));
    pool_fixture_init(&shared->f, 6000, coffer_linux_port());
    assert_ok(pool_fixture_open(&shared->f, settings, coffer_linux_port()));
}

static uint32_t *alloc_filled(struct worker *w)
{
    size_t size = 8 +
                  (size_t)random_below(&w->random, random_below(&w->random, 30) == 0 ? 70000 : 600);
    void *block = NULL;

    if (coffer_pool_alloc(w->shared->f.pool, size, &block) != COFFER_OK)
        return NULL;
    memset(block, 0, 8);
    ((uint32_t *)block)[0] = (uint32_t)size;
    memset((uint8_t *)block + 4, (int)(size & 0x7f), size - 4);
    return block;
}

static bool free_filled(struct worker *w, uint32_t *block)
{
    const uint8_t *bytes = (const uint8_t *)block;
    size_t size = block[0];

    for (size_t i = 4; i < size; i++) {
        if (bytes[i] != (size & 0x7f))
            return false;
    }
    return coffer_pool_free(w->shared->f.pool, block) == COFFER_OK;
}

static void own_blocks(void *argument)
{
    struct worker *w = argument;
    uint32_t *blocks[OWN_BLOCKS] = {0};

    for (unsigned i = 0; i < ROUNDS && !w->failed; i++) {
        uint32_t **block = &blocks[random_below(&w->random, OWN_BLOCKS)];

        if (*block != NULL) {
            w->failed = !free_filled(w, *block);
            *block = NULL;
        } else {
            *block = alloc_filled(w);
            w->failed = *block == NULL;
        }
    }
    for (unsigned i = 0; i < OWN_BLOCKS; i++)
        w->failed = w->failed || (blocks[i] != NULL && !free_filled(w, blocks[i]));
}

/* Whoever finds a block in the queue frees it; whoever finds a gap fills it. */
static void pass_blocks(void *argument)
{
    struct worker *w = argument;

    for (unsigned i = 0; i < ROUNDS && !w->failed; i++) {
        _Atomic(uint32_t *) *place = &w->shared->queue[random_below(&w->random, QUEUE)];
        uint32_t *block = random_below(&w->random, 2) == 0 ? alloc_filled(w) : NULL;

        block = atomic_exchange(place, block);
        w->failed = block != NULL && !free_filled(w, block);
    }
}

static void drain(struct shared *shared)
{
    for (unsigned i = 0; i < QUEUE; i++) {
        void *block = atomic_exchange(&shared->queue[i], NULL);

        if (block != NULL)
            assert_ok(coffer_pool_free(shared->f.pool, block));
    }
}

static void run_on(unsigned threads, void (*body)(void *), struct coffer_pool_settings settings)
{
    struct shared *shared = calloc(1, sizeof(*shared));
    struct coffer_pool_statistics s;

    assert_non_null(shared);
    begin(shared, settings);
    run_threads(shared, threads, body);
    drain(shared);
    coffer_pool_statistics(shared->f.pool, &s);
    assert_int_equal(s.wrong_frees, 0);
    pool_fixture_fini(&shared->f);
    free(shared);
}

static const struct coffer_pool_settings plain;
static const struct coffer_pool_settings tight = {.frames_max = 450}; /* patches */
static const struct coffer_pool_settings options = {.zero = true, .quarantine = 50, .random = true};

static void test_own_blocks(void **state)
{
    (void)state;
    run_on(2, own_blocks, plain);
    run_on(4, own_blocks, plain);
    run_on(2, own_blocks, tight);
    run_on(3, own_blocks, options);
}

static void test_blocks_that_another_thread_frees(void **state)
{
    (void)state;
    run_on(2, pass_blocks, plain);
    run_on(4, pass_blocks, plain);
    run_on(4, pass_blocks, tight);
    run_on(3, pass_blocks, options);
}

/* All threads free the same block at the same moment, one of which allocated it. */
static void race_to_free(void *argument)
{
    struct worker *w = argument;
    struct shared *shared = w->shared;

    for (unsigned i = 0; i < QUEUE; i++) {
        void *block = atomic_load(&shared->queue[i]);

        atomic_fetch_add(&shared->turns, 1);
        while (atomic_load(&shared->turns) < 2 * (i + 1))
            ;
        if (coffer_pool_free(shared->f.pool, block) != COFFER_OK)
            atomic_fetch_add(&shared->wrong, 1);
    }
}

static void race_as_owner(void *argument)
{
    struct worker *w = argument;
    struct shared *shared = w->shared;
    struct thread other;

    for (unsigned i = 0; i < QUEUE; i++) {
        void *block = NULL;

        w->failed = w->failed || coffer_pool_alloc(shared->f.pool, 100, &block) != COFFER_OK;
        atomic_store(&shared->queue[i], block);
    }
    thread_start(&other, race_to_free, w);
    race_to_free(w);
    thread_join(&other);
}

/* The next thread has the magazine of the one that ended, and with it what is still to be
 * collected. */
static void take_over(void *argument)
{
    struct worker *w = argument;

    own_blocks(w);
    (void)coffer_pool_shrink(w->shared->f.pool);
}

static void test_of_two_frees_of_a_block_one_counts(void **state)
{
    struct shared *shared = calloc(1, sizeof(*shared));

    (void)state;
    assert_non_null(shared);
    for (unsigned round = 0; round < 20; round++) {
        struct coffer_pool_statistics s;

        begin(shared, round % 2 == 0 ? plain : tight);
        run_threads(shared, 1, race_as_owner);
        run_threads(shared, 1, take_over);
        coffer_pool_statistics(shared->f.pool, &s);
        assert_int_equal(s.wrong_frees, QUEUE);
        assert_true(atomic_load(&shared->wrong) <= QUEUE);
        pool_fixture_fini(&shared->f);
    }
    free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_blocks),
        cmocka_unit_test(test_blocks_that_another_thread_frees),
        cmocka_unit_test(test_of_two_frees_of_a_block_one_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
