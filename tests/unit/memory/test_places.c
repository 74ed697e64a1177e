/* SPDX-License-Identifier: BSD-2-Clause */
/* Where pools and boxes may lie, whose they are, and what nobody may take from the system. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coffer/linux_memory.h"
#include "memory/system/system.h"
#include "support/threads.h"

#define MIB ((size_t)1024 * 1024)
#define RW  (COFFER_READ | COFFER_WRITE)

#define assert_ok(call)             assert_int_equal((call), COFFER_OK)
#define assert_status(call, status) assert_int_equal((call), (status))

static const struct coffer_owner system_owner_of_all = {0};
static uint8_t region[64 * 1024];

static struct coffer_memory *open_machine(size_t swap_pages)
{
    const struct coffer_linux_memory_options options = {.memory = 2 * MIB,
                                                        .swap_pages = swap_pages};
    struct coffer_memory *memory;

    assert_ok(coffer_linux_memory_open(&options, &memory));
    return memory;
}

static uint64_t used_frames(struct coffer_memory *memory)
{
    struct coffer_memory_statistics statistics;

    coffer_memory_statistics(memory, &statistics);
    return statistics.used;
}

/* A user's space with pages in it; their address. */
static uintptr_t make_pages(struct coffer_memory *memory, size_t size, struct coffer_space **space)
{
    const struct coffer_space_settings settings = {.size = 16 * MIB};
    const struct coffer_map map = {.size = size, .rights = RW, .flags = COFFER_MAP_POPULATE};
    uintptr_t at;

    assert_ok(coffer_space_open(memory, &settings, space));
    assert_ok(coffer_space_map(*space, &map, &at));
    return at;
}

/* Pools, boxes, spaces, a swap: not one of their frames is anybody's to hold or give. */
static void test_no_used_frame_but_the_callers_can_be_given(void **state)
{
    struct coffer_memory *memory = open_machine(512);
    const struct coffer_boxes_settings box_settings = {.box_size = 64, .count = 1000};
    struct coffer_space *space;
    uintptr_t at = make_pages(memory, 40 * COFFER_FRAME_SIZE, &space);
    struct coffer_pool *pool = coffer_memory_pool(memory);
    struct coffer_boxes *boxes;
    struct coffer_frame frame;
    struct coffer_area area;
    uint8_t byte = 7;
    uintptr_t kernels;
    uint64_t before;
    unsigned used = 0;
    void *block;
    void *mine;

    (void)state;
    assert_ok(coffer_vmalloc(memory, 10 * COFFER_FRAME_SIZE, &kernels));
    assert_ok(coffer_boxes_open(memory, &box_settings, &boxes));
    assert_ok(coffer_pool_alloc(pool, 50000, &block));
    assert_ok(coffer_frames_take(memory, system_owner_of_all, 1, 0, &mine));
    before = used_frames(memory);
    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++) {
        for (size_t offset = 0; offset < area.size; offset += COFFER_FRAME_SIZE) {
            void *address = (uint8_t *)area.address + offset;

            coffer_frames_query(memory, address, &frame);
            if (frame.state != COFFER_FRAME_USED || address == mine)
                continue;
            used++;
            assert_status(coffer_frames_hold(memory, address), COFFER_MISUSE);
            assert_status(coffer_frames_give(memory, address), COFFER_MISUSE);
        }
    }
    assert_true(used > 60);
    assert_int_equal(used_frames(memory), before);

    assert_true(coffer_reclaim(memory, 30) > 0);
    assert_ok(coffer_space_write(space, at + 5, &byte, 1));
    assert_ok(coffer_space_fill(space, at, 9, 40 * COFFER_FRAME_SIZE));
    assert_ok(coffer_pool_free(pool, block));
    assert_ok(coffer_box_alloc(boxes, &block));
    assert_ok(coffer_frames_give(memory, mine));
    coffer_memory_close(memory);
}

static void test_no_pool_lies_in_pages_that_come_and_go(void **state)
{
    struct coffer_memory *memory = open_machine(512);
    struct coffer_space *space;
    uint8_t *at = (uint8_t *)make_pages(memory, 40 * COFFER_FRAME_SIZE, &space);
    struct coffer_pool_settings settings = {.policy = COFFER_POOL_LITTLE, .region_size = 20000};
    struct coffer_boxes_settings box_settings = {.box_size = 64, .region_size = 20000};
    struct coffer_pool *pool = NULL;
    struct coffer_boxes *boxes = NULL;
    uint8_t *const places[] = {at, at + 1 * MIB, at + 100};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        settings.region = places[i];
        box_settings.region = places[i];
        assert_status(coffer_pool_open(memory, &settings, &pool), COFFER_MISUSE);
        assert_status(coffer_boxes_open(memory, &box_settings, &boxes), COFFER_MISUSE);
    }
    assert_true(coffer_reclaim(memory, 200) > 0);
    settings.region = region;
    assert_ok(coffer_pool_open(memory, &settings, &pool));
    coffer_pool_close(pool);
    coffer_space_close(space);
    coffer_memory_close(memory);
}

#define ROUNDS 3000u

struct race {
    struct coffer_memory *memory;
    atomic_uint arrived; /* at one of the places where the two wait for each other */
    atomic_uint winners; /* of this round */
};

struct racer {
    struct race *race;
    size_t offset;
    unsigned won, lost, broken;
};

/* Wait for the other, awake: both go on within less time than opening takes. */
static void meet(struct race *race)
{
    unsigned target = (atomic_fetch_add(&race->arrived, 1) / 2 + 1) * 2;

    for (unsigned spins = 1; (int)(atomic_load(&race->arrived) - target) < 0; spins++) {
        if (spins % 4096 == 0)
            (void)sched_yield(); /* there may be one processor only */
    }
}

/* What the winner does while the loser goes on trying. */
static void use_pool(struct racer *racer, struct coffer_pool *pool)
{
    void *block;

    for (unsigned k = 0; k < 20; k++) {
        if (coffer_pool_alloc(pool, 100, &block) != COFFER_OK || !coffer_pool_check(pool, NULL))
            racer->broken++;
    }
    coffer_pool_close(pool);
}

static void run_race(void *argument)
{
    struct racer *racer = argument;
    struct race *race = racer->race;
    const struct coffer_pool_settings settings = {.policy = COFFER_POOL_LITTLE,
                                                  .poison = true, /* much is written */
                                                  .region = region + racer->offset,
                                                  .region_size = 48 * 1024};
    struct coffer_pool *pool;

    for (unsigned i = 0; i < ROUNDS; i++) {
        bool both_won;
        bool won;

        meet(race);
        won = coffer_pool_open(race->memory, &settings, &pool) == COFFER_OK;
        racer->won += won;
        racer->lost += !won;
        if (won)
            atomic_fetch_add(&race->winners, 1);
        meet(race);
        both_won = atomic_load(&race->winners) == 2; /* then neither pool can be used, or closed */
        meet(race);
        if (both_won)
            break;
        atomic_store(&race->winners, 0);
        if (won || coffer_pool_open(race->memory, &settings, &pool) == COFFER_OK)
            use_pool(racer, pool); /* who lost may have it when the other is through already */
    }
}

/* Never both, never neither; and the loser has written nothing, not even a wipe. */
static void test_one_of_two_gets_a_region(void **state)
{
    struct race race = {.memory = open_machine(0)};
    struct racer racers[2] = {{.race = &race}, {.race = &race, .offset = 8 * 1024}};
    uint64_t before = used_frames(race.memory);

    (void)state;
    threads_run(run_race, racers, 2);
    assert_int_equal(racers[0].won + racers[1].won, ROUNDS);
    assert_int_equal(racers[0].lost + racers[1].lost, ROUNDS);
    assert_int_equal(racers[0].broken + racers[1].broken, 0);
    assert_true(used_frames(race.memory) <= before + 1); /* the span of its next record */
    coffer_memory_close(race.memory);
}

static void test_an_owner_stays_while_anything_names_it(void **state)
{
    struct coffer_memory *memory = open_machine(0);
    struct coffer_pool_settings settings = {
        .region = region, .region_size = sizeof(region), .expand = true};
    struct coffer_boxes_settings box_settings = {
        .box_size = 64, .region = region, .region_size = sizeof(region)};
    struct coffer_space_settings space_settings = {.size = MIB};
    struct coffer_segment *segment;
    struct coffer_boxes *boxes;
    struct coffer_space *space;
    struct coffer_owner owner;
    struct coffer_pool *pool;
    void *block;

    (void)state;
    assert_ok(coffer_owner_open(memory, "named", &owner));
    settings.owner = owner;
    assert_ok(coffer_pool_open(memory, &settings, &pool));
    assert_status(coffer_owner_close(memory, owner), COFFER_BUSY);
    for (unsigned i = 0; i < 20; i++)
        assert_ok(coffer_pool_alloc(pool, 20000, &block));
    coffer_pool_close(pool);

    box_settings.owner = owner;
    assert_ok(coffer_boxes_open(memory, &box_settings, &boxes));
    assert_status(coffer_owner_close(memory, owner), COFFER_BUSY);
    coffer_boxes_close(boxes);

    space_settings.owner = owner;
    assert_ok(coffer_space_open(memory, &space_settings, &space));
    assert_status(coffer_owner_close(memory, owner), COFFER_BUSY);
    coffer_space_close(space);

    assert_ok(coffer_segment_open(memory, owner, MIB, NULL, &segment));
    assert_status(coffer_owner_close(memory, owner), COFFER_BUSY);
    assert_ok(coffer_segment_close(segment));
    assert_ok(coffer_owner_close(memory, owner));
    assert_status(coffer_pool_open(memory, &settings, &pool), COFFER_MISUSE);
    coffer_memory_close(memory);
}

static void test_the_memorys_own_pool_stays(void **state)
{
    struct coffer_memory *memory = open_machine(0);
    struct coffer_pool *pool = coffer_memory_pool(memory);
    void *block;

    (void)state;
    assert_ok(coffer_pool_alloc(pool, 100, &block));
    coffer_pool_close(pool);
    assert_ptr_equal(coffer_memory_next_pool(memory, NULL), pool);
    assert_true(coffer_pool_check(pool, NULL));
    assert_ok(coffer_pool_free(pool, block));
    coffer_memory_close(memory);
}

/* A pool in a block of another: the memory closes it before the other. */
static void test_pools_in_blocks_are_closed_with_the_memory(void **state)
{
    struct coffer_memory *memory = open_machine(0);
    struct coffer_pool_settings settings = {.policy = COFFER_POOL_LITTLE, .region_size = 30000};
    struct coffer_boxes_settings box_settings = {.box_size = 8, .region_size = 10000};
    struct coffer_boxes *boxes;
    struct coffer_pool *pool;

    (void)state;
    assert_ok(coffer_pool_alloc(coffer_memory_pool(memory), 30000, &settings.region));
    assert_ok(coffer_pool_open(memory, &settings, &pool));
    assert_ok(coffer_pool_alloc(coffer_memory_pool(memory), 10000, &box_settings.region));
    assert_ok(coffer_boxes_open(memory, &box_settings, &boxes));
    coffer_memory_close(memory);
}

static void test_a_region_of_a_tebibyte_is_not_walked(void **state)
{
    struct coffer_memory *memory = open_machine(0);
    const struct coffer_pool_settings settings = {
        .policy = COFFER_POOL_LITTLE, .region = region, .region_size = (size_t)1 << 40};
    struct coffer_pool *pool;
    clock_t start = clock();

    (void)state;
    /* The memory's own areas may well lie in it. */
    assert_int_not_equal(coffer_pool_open(memory, &settings, &pool), COFFER_OK);
    assert_true(clock() - start < CLOCKS_PER_SEC / 2);
    coffer_memory_close(memory);
}

/* Every call of <coffer/memory.h> that returns a status and isn't one on a pool or boxes. */
static void test_null_is_misuse(void **state)
{
    struct coffer_memory *memory = open_machine(0);
    const struct coffer_memory_config config = {.areas = NULL};
    const struct coffer_pool_settings pool = {.name = "pool"};
    const struct coffer_boxes_settings box = {.box_size = 8, .count = 1};
    const struct coffer_space_settings space = {.size = MIB};
    const struct coffer_owner owner = {0};
    struct coffer_memory *memory_out;
    struct coffer_segment *segment_out;
    struct coffer_boxes *boxes_out;
    struct coffer_space *space_out;
    struct coffer_owner owner_out;
    struct coffer_pool *pool_out;
    uintptr_t at;
    void *out;
    const enum coffer_status answers[] = {
        coffer_memory_open(NULL, &memory_out),
        coffer_memory_open(&config, NULL),
        coffer_owner_open(NULL, "name", &owner_out),
        coffer_owner_open(memory, NULL, &owner_out),
        coffer_owner_open(memory, "name", NULL),
        coffer_owner_close(NULL, owner),
        coffer_owner_set_quota(NULL, owner, 1),
        coffer_frames_take(NULL, owner, 1, 0, &out),
        coffer_frames_take(memory, owner, 1, 0, NULL),
        coffer_frames_hold(NULL, region),
        coffer_frames_hold(memory, NULL),
        coffer_frames_give(NULL, region),
        coffer_frames_give(memory, NULL),
        coffer_pool_open(NULL, &pool, &pool_out),
        coffer_pool_open(memory, NULL, &pool_out),
        coffer_pool_open(memory, &pool, NULL),
        coffer_boxes_open(NULL, &box, &boxes_out),
        coffer_boxes_open(memory, NULL, &boxes_out),
        coffer_boxes_open(memory, &box, NULL),
        coffer_space_open(NULL, &space, &space_out),
        coffer_space_open(memory, NULL, &space_out),
        coffer_space_open(memory, &space, NULL),
        coffer_segment_open(NULL, owner, MIB, NULL, &segment_out),
        coffer_segment_open(memory, owner, MIB, NULL, NULL),
        coffer_vmalloc(NULL, 1, &at),
        coffer_vmalloc(memory, 1, NULL),
        coffer_vfree(NULL, (uintptr_t)region),
        coffer_vfree(memory, 0),
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (answers[i] != COFFER_MISUSE)
            fail_msg("call %u answers %d", i, (int)answers[i]);
    }
    coffer_memory_close(NULL);
    coffer_pool_close(NULL);
    coffer_boxes_close(NULL);
    coffer_memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_used_frame_but_the_callers_can_be_given),
        cmocka_unit_test(test_no_pool_lies_in_pages_that_come_and_go),
        cmocka_unit_test(test_one_of_two_gets_a_region),
        cmocka_unit_test(test_an_owner_stays_while_anything_names_it),
        cmocka_unit_test(test_the_memorys_own_pool_stays),
        cmocka_unit_test(test_pools_in_blocks_are_closed_with_the_memory),
        cmocka_unit_test(test_a_region_of_a_tebibyte_is_not_walked),
        cmocka_unit_test(test_null_is_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
