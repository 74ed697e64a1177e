/* SPDX-License-Identifier: BSD-2-Clause */
/* memory_alloc and memory_free from several threads: few owners, blocks that other threads free, at
 * the edge of memory, while whoever is told of a shortage gives blocks back; and the books after.
 */
#include "fixture.h"

#include <stdatomic.h>

#include "base/bytes.h"
#include "coffer/linux.h"
#include "support/random.h"
#include "support/threads.h"

#define ROUNDS      (getenv("COFFER_DEEP") != NULL ? 1000000u : 20000u)
#define THREADS     4u
#define OWNERS      3u
#define QUEUE       64u
#define KEPT        32u
#define FRAMES_FEW  48u
#define FRAMES_MANY 2000u

struct world {
    struct buffer buffer;
    struct memory *memory;
    struct owner owners[OWNERS];
    _Atomic(uint32_t *) queue[QUEUE]; /* blocks on their way to whoever frees them */
    _Atomic(uint32_t *) kept[KEPT];   /* what can be given back in a shortage */
    atomic_uint told;
    atomic_uint refused;
    atomic_uint takes[OWNERS];
};

struct worker {
    struct world *world;
    struct random random;
    bool failed;
};

static void begin(struct world *world, size_t frame_count)
{
    static const char *const names[OWNERS] = {"a", "b", "c"};
    const struct memory_settings settings = {.port = coffer_linux_port()};
    struct memory_area area;

    memset(world, 0, sizeof(*world));
    world->buffer = buffer_make(frame_count, 4096);
    area = (struct memory_area){world->buffer.start, world->buffer.size};
    assert_ok(memory_open(&area, 1, &settings, &world->memory));
    for (unsigned i = 0; i < OWNERS; i++)
        assert_ok(account_open_owner(&world->memory->account, names[i], &world->owners[i]));
}

/* A block begins with its size and its owner; every other byte is zero. NULL: no memory. */
static uint32_t *alloc_one(struct worker *w)
{
    struct world *world = w->world;
    unsigned owner = (unsigned)random_below(&w->random, OWNERS);
    size_t size = 8 +
                  (size_t)random_below(&w->random, random_below(&w->random, 20) == 0 ? 9000 : 300);
    void *block;

    if (memory_alloc(world->memory, world->owners[owner], size, &block) != COFFER_OK) {
        atomic_fetch_add(&world->refused, 1);
        return NULL;
    }
    atomic_fetch_add(&world->takes[owner], 1);
    w->failed = w->failed || !bytes_are_zero(block, size);
    memset(block, 0x5a, size);
    memcpy(block, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
    return block;
}

static bool free_one(struct world *world, uint32_t *block)
{
    const uint8_t *bytes = (const uint8_t *)block;
    bool whole = true;

    for (size_t i = sizeof(uint32_t); i < *block; i++)
        whole = whole && bytes[i] == 0x5a;
    memory_free(world->memory, block);
    return whole;
}

static bool drain(struct world *world, _Atomic(uint32_t *) *places, unsigned count)
{
    bool any = false;

    for (unsigned i = 0; i < count; i++) {
        uint32_t *block = atomic_exchange(&places[i], NULL);

        any = any || block != NULL;
        if (block != NULL)
            assert_true(free_one(world, block));
    }
    return any;
}

/* Called in the middle of anybody's alloc or free: no lock of memory may be held. */
static bool told(void *context, enum frames_level level)
{
    struct world *world = context;
    void *block;

    (void)level;
    atomic_fetch_add(&world->told, 1);
    if (memory_alloc(world->memory, world->owners[0], 40, &block) == COFFER_OK) {
        atomic_fetch_add(&world->takes[0], 1);
        memory_free(world->memory, block);
    }
    return level != FRAMES_HIGH && drain(world, world->kept, KEPT);
}

static void work(void *argument)
{
    struct worker *w = argument;
    struct world *world = w->world;

    for (unsigned i = 0; i < ROUNDS && !w->failed; i++) {
        unsigned where = (unsigned)random_below(&w->random, QUEUE + KEPT);
        _Atomic(uint32_t *) *place = where < QUEUE ? &world->queue[where]
                                                   : &world->kept[where - QUEUE];
        uint32_t *block = random_below(&w->random, 3) > 0 ? alloc_one(w) : NULL;

        block = atomic_exchange(place, block);
        w->failed = w->failed || (block != NULL && !free_one(world, block));
    }
}

static void run(struct world *world)
{
    struct worker workers[THREADS] = {0};
    struct random random;

    random_init(&random, __func__);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].world = world;
        workers[i].random = random;
        workers[i].random.state += i;
    }
    threads_run(work, workers, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_false(workers[i].failed);
}

/* All is free, and every number says so. */
static void end(struct world *world)
{
    struct account *account = &world->memory->account;
    uint64_t refusals = 0;

    (void)drain(world, world->queue, QUEUE);
    (void)drain(world, world->kept, KEPT);
    assert_true(coffer_pool_check(world->memory->pool, NULL));
    (void)coffer_pool_shrink(world->memory->pool);
    assert_true(coffer_pool_check(world->memory->pool, NULL));
    for (unsigned i = 0; i < OWNERS; i++) {
        const struct account_line *line = &account->lines[world->owners[i].index];

        assert_int_equal(line->bytes, 0);
        assert_int_equal(line->takes, world->takes[i]);
        assert_int_equal(line->gives, world->takes[i]);
        assert_int_equal(line->frames, 0);
        assert_true(line->bytes_peak > 0);
        refusals += line->refusals;
    }
    assert_true(refusals >= world->refused);
    assert_true(account_is_valid(account));
    assert_true(frames_is_valid(world->memory->frames));
    assert_int_equal(account->wrong_frees, 0);
    memory_close(world->memory);
    assert_true(bytes_are_zero(world->buffer.start, world->buffer.size));
    assert_true(
        buffer_is_untouched_outside(&world->buffer, world->buffer.start, world->buffer.size));
    buffer_free(&world->buffer);
}

static void test_any_thread_may_allocate_and_free(void **state)
{
    struct world world;

    (void)state;
    begin(&world, FRAMES_MANY);
    run(&world);
    assert_int_equal(world.refused, 0);
    end(&world);
}

static void test_at_the_edge_of_memory(void **state)
{
    struct world world;

    (void)state;
    begin(&world, FRAMES_FEW);
    run(&world);
    assert_true(world.refused > 0);
    end(&world);
}

static void test_who_is_told_of_a_shortage_may_allocate_and_free(void **state)
{
    struct world world;

    (void)state;
    begin(&world, FRAMES_FEW);
    assert_ok(frames_set_watermarks(world.memory->frames, 6, 12, told, &world));
    run(&world);
    assert_true(world.told > 0);
    assert_ok(frames_set_watermarks(world.memory->frames, 0, 0, NULL, NULL));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_thread_may_allocate_and_free),
        cmocka_unit_test(test_at_the_edge_of_memory),
        cmocka_unit_test(test_who_is_told_of_a_shortage_may_allocate_and_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
