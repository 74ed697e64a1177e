/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory system as a whole: configuration, owners, frames, pressure, the reserve of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory/space/space.h"
#include "memory/system/system.h"
#include "support/must.h"

#define MIB    ((size_t)1024 * 1024)
#define FRAMES (MIB / FRAME_SIZE)
#define RW     (COFFER_READ | COFFER_WRITE)

#define assert_ok(call)             assert_int_equal((call), COFFER_OK)
#define assert_status(call, status) assert_int_equal((call), (status))

static uint8_t *area;
static struct coffer_area areas[1];

static int setup(void **state)
{
    (void)state;
    area = aligned_alloc(FRAME_SIZE, MIB);
    if (area == NULL)
        return -1;
    areas[0] = (struct coffer_area){area, MIB};
    memset(area, 0xa5, MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(area);
    return 0;
}

static struct coffer_memory *open_with(struct coffer_memory_config config)
{
    struct coffer_memory *memory;

    config.areas = areas;
    config.area_count = 1;
    assert_ok(coffer_memory_open(&config, &memory));
    return memory;
}

static uint64_t free_frames(struct coffer_memory *memory)
{
    struct coffer_memory_statistics statistics;

    coffer_memory_statistics(memory, &statistics);
    assert_int_equal(statistics.total, statistics.reserved + statistics.free + statistics.used);
    return statistics.free;
}

static void test_wrong_configurations_are_refused(void **state)
{
    struct coffer_memory *memory = NULL;
    struct coffer_memory_config config = {.areas = NULL};

    (void)state;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    config.areas = areas;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    config.area_count = COFFER_MEMORY_AREAS_MAX + 1;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    config.area_count = 1;
    config.evict_batch = 65;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    config.evict_batch = 0;
    config.low = 10;
    config.high = 9;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    config.high = 0;
    config.frame_cache = 257;
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
    assert_null(memory);
}

/* From nothing at all up to what is enough: never a half-open one, never a byte outside. */
static void test_any_size_opens_whole_or_not_at_all(void **state)
{
    unsigned opened = 0;

    (void)state;
    for (size_t size = 0; size < 40 * FRAME_SIZE; size += 1000) {
        const struct coffer_area part = {area + 100, size};
        const struct coffer_memory_config config = {.areas = &part, .area_count = 1};
        struct coffer_memory *memory = NULL;
        enum coffer_status status = coffer_memory_open(&config, &memory);

        assert_true(status == COFFER_OK || status == COFFER_NO_MEMORY);
        assert_true((status == COFFER_OK) == (memory != NULL));
        opened += status == COFFER_OK;
        coffer_memory_close(memory);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(area[i], 0xa5);
        for (size_t i = 100 + size; i < 41 * FRAME_SIZE; i++)
            assert_int_equal(area[i], 0xa5);
    }
    assert_true(opened > 10);
}

static void test_owners_come_and_go_with_their_quotas(void **state)
{
    struct coffer_memory *memory = open_with((struct coffer_memory_config){0});
    uint64_t before = free_frames(memory);
    struct coffer_owner_statistics line;
    struct coffer_owner owners[60];
    struct coffer_owner owner;
    unsigned cursor = 0;
    bool found = false;
    void *run;

    (void)state;
    for (unsigned i = 0; i < 60; i++)
        assert_ok(coffer_owner_open(memory, "one of many", &owners[i]));
    assert_status(coffer_owner_open(memory, "one too many", &owner), COFFER_NO_MEMORY);
    assert_ok(coffer_owner_set_quota(memory, owners[7], 5));
    assert_status(coffer_frames_take(memory, owners[7], 6, 0, &run), COFFER_NO_MEMORY);
    assert_ok(coffer_frames_take(memory, owners[7], 5, 0, &run));
    while (coffer_memory_next_owner(memory, &cursor, &line)) {
        if (line.owner.index != owners[7].index)
            continue;
        found = true;
        assert_string_equal(line.name, "one of many");
        assert_int_equal(line.frames, 5);
        assert_int_equal(line.quota, 5);
        assert_int_equal(line.refusals, 1);
    }
    assert_true(found);
    assert_status(coffer_owner_close(memory, owners[7]), COFFER_BUSY);
    assert_ok(coffer_frames_give(memory, run));
    for (unsigned i = 0; i < 60; i++)
        assert_ok(coffer_owner_close(memory, owners[i]));
    assert_status(coffer_owner_close(memory, owners[0]), COFFER_MISUSE);
    assert_status(coffer_frames_take(memory, owners[0], 1, 0, &run), COFFER_MISUSE);

    /* The memory's own aren't anybody's. */
    for (uint8_t i = 1; i < memory->system.index; i++) {
        owner.index = i;
        assert_status(coffer_frames_take(memory, owner, 1, 0, &run), COFFER_MISUSE);
        assert_status(coffer_owner_close(memory, owner), COFFER_MISUSE);
        assert_status(coffer_owner_set_quota(memory, owner, 1), COFFER_MISUSE);
    }
    owner.index = 0;
    assert_status(coffer_owner_close(memory, owner), COFFER_MISUSE);
    assert_int_equal(free_frames(memory), before);
    coffer_memory_close(memory);
}

static void test_frames_of_others_can_not_be_given(void **state)
{
    struct coffer_memory *memory = open_with((struct coffer_memory_config){0});
    const struct coffer_space_settings settings = {.size = 16 * FRAME_SIZE};
    const struct coffer_map map = {.size = FRAME_SIZE, .rights = RW, .flags = COFFER_MAP_POPULATE};
    struct coffer_memory_statistics statistics;
    struct coffer_page_info page;
    struct coffer_space *space;
    struct coffer_frame frame;
    uint64_t wrong;
    uintptr_t at;
    void *run;

    (void)state;
    assert_ok(coffer_space_open(memory, &settings, &space));
    assert_ok(coffer_space_map(space, &map, &at));
    assert_ok(coffer_space_query(space, at, &page));
    coffer_memory_statistics(memory, &statistics);
    wrong = statistics.wrong_frees;
    assert_status(coffer_frames_give(memory, page.frame), COFFER_MISUSE);
    assert_status(coffer_frames_hold(memory, page.frame), COFFER_MISUSE);
    assert_status(coffer_frames_give(memory, memory->tables.frames[0]), COFFER_MISUSE);
    assert_status(coffer_frames_give(memory, area), COFFER_MISUSE);
    assert_status(coffer_frames_give(memory, &page), COFFER_MISUSE);
    coffer_memory_statistics(memory, &statistics);
    assert_int_equal(statistics.wrong_frees, wrong + 4);
    coffer_space_close(space);

    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 3, 4, &run));
    assert_int_equal((uintptr_t)run % (4 * FRAME_SIZE), 0);
    assert_ok(coffer_frames_hold(memory, run));
    coffer_frames_query(memory, (uint8_t *)run + FRAME_SIZE, &frame);
    assert_int_equal(frame.state, COFFER_FRAME_USED);
    assert_int_equal(frame.owner.index, 0);
    assert_int_equal(frame.references, 2);
    assert_int_equal(frame.run, 3);
    assert_int_equal(frame.offset, 1);
    assert_ok(coffer_frames_give(memory, run));
    assert_ok(coffer_frames_give(memory, run));
    assert_status(coffer_frames_give(memory, run), COFFER_MISUSE);
    coffer_frames_query(memory, run, &frame);
    assert_int_equal(frame.state, COFFER_FRAME_FREE);
    coffer_frames_query(memory, area, &frame);
    assert_int_equal(frame.state, COFFER_FRAME_RESERVED);
    coffer_frames_query(memory, &frame, &frame);
    assert_int_equal(frame.state, COFFER_FRAME_FOREIGN);
    coffer_memory_close(memory);
}

/* A program's answer to pressure. */
struct cushion {
    struct coffer_memory *memory;
    void *spare; /* given back when nothing else is there */
    unsigned told[3];
};

static bool told(void *context, enum coffer_pressure level)
{
    struct cushion *cushion = context;

    cushion->told[level]++;
    if (level != COFFER_PRESSURE_NONE || cushion->spare == NULL)
        return false;
    must(coffer_frames_give(cushion->memory, cushion->spare) == COFFER_OK);
    cushion->spare = NULL;
    return true;
}

static void test_pressure_is_told_and_answered(void **state)
{
    struct cushion cushion = {.spare = NULL};
    struct coffer_memory *memory = open_with((struct coffer_memory_config){
        .low = 16, .high = 32, .pressure = told, .pressure_context = &cushion});
    static void *runs[FRAMES];
    size_t count = 0;

    (void)state;
    cushion.memory = memory;
    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 4, 0, &cushion.spare));
    while (free_frames(memory) > 16)
        assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 1, 0, &runs[count++]));
    assert_int_equal(cushion.told[COFFER_PRESSURE_LOW], 0);
    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 1, 0, &runs[count++]));
    assert_int_equal(cushion.told[COFFER_PRESSURE_LOW], 1);
    while (coffer_frames_take(memory, (struct coffer_owner){0}, 1, 0, &runs[count]) == COFFER_OK)
        count++;
    assert_null(cushion.spare); /* and what it gave was used */
    assert_int_equal(cushion.told[COFFER_PRESSURE_NONE], 2);
    assert_int_equal(cushion.told[COFFER_PRESSURE_LOW], 1);
    assert_int_equal(free_frames(memory), 0);
    assert_int_equal(cushion.told[COFFER_PRESSURE_OVER], 0);
    while (count > 0)
        assert_ok(coffer_frames_give(memory, runs[--count]));
    assert_int_equal(cushion.told[COFFER_PRESSURE_OVER], 1);
    coffer_memory_close(memory);
}

/* What is set stays as it is; what is left at its default fits it. */
static void test_watermarks_are_what_was_set(void **state)
{
    static const struct {
        size_t low, high, low_is, high_is;
    } cases[] = {
        {0, 0, 8, 16}, {0, 3, 3, 3}, {0, 200, 8, 200}, {5, 0, 5, 10}, {200, 0, 200, 200},
    };
    struct coffer_memory_config config = {.areas = areas, .area_count = 1, .low = 257};
    struct coffer_memory *memory;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coffer_memory_statistics statistics;

        memory = open_with(
            (struct coffer_memory_config){.low = cases[i].low, .high = cases[i].high});
        coffer_memory_statistics(memory, &statistics);
        assert_int_equal(statistics.low, cases[i].low_is);
        assert_int_equal(statistics.high, cases[i].high_is);
        coffer_memory_close(memory);
    }
    assert_status(coffer_memory_open(&config, &memory), COFFER_MISUSE);
}

/* In the middle of a fault nobody can be called; it is done at the end of the call. */
static void test_pressure_in_a_space_is_told_when_the_call_is_over(void **state)
{
    struct cushion cushion = {.spare = NULL};
    struct coffer_memory *memory = open_with((struct coffer_memory_config){
        .low = 16, .high = 32, .pressure = told, .pressure_context = &cushion});
    const struct coffer_space_settings settings = {.size = 2 * MIB};
    struct coffer_map map = {.size = MIB, .rights = RW};
    struct coffer_space *space;
    unsigned pages = 0;
    uintptr_t at;

    (void)state;
    cushion.memory = memory;
    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 4, 0, &cushion.spare));
    assert_ok(coffer_space_open(memory, &settings, &space));
    assert_ok(coffer_space_map(space, &map, &at));
    while (coffer_space_fill(space, at + pages * FRAME_SIZE, 1, 1) == COFFER_OK) {
        pages++;
        assert_true(free_frames(memory) >= 16 || cushion.told[COFFER_PRESSURE_LOW] == 1);
    }
    assert_int_equal(cushion.told[COFFER_PRESSURE_LOW], 1);
    assert_true(cushion.told[COFFER_PRESSURE_NONE] >= 1);
    assert_null(cushion.spare);
    coffer_space_close(space);
    assert_true(spaces_is_valid(memory->spaces));
    coffer_memory_close(memory);
}

/* When there is not one frame left, the tables of pages that are there already can still be had. */
static void test_tables_have_a_reserve(void **state)
{
    struct coffer_memory *memory = open_with((struct coffer_memory_config){.table_reserve = 6});
    const struct coffer_space_settings settings = {.size = (size_t)1 << 30};
    struct coffer_paging_statistics paging;
    struct coffer_segment *segment;
    struct coffer_space *space;
    static void *runs[FRAMES];
    struct coffer_map map = {.size = FRAME_SIZE, .rights = RW};
    size_t count = 0;
    uintptr_t at[3];

    (void)state;
    assert_ok(coffer_segment_open(memory, (struct coffer_owner){0}, FRAME_SIZE, NULL, &segment));
    assert_ok(coffer_space_open(memory, &settings, &space));
    map.segment = segment;
    assert_ok(coffer_space_map(space, &map, &at[0]));
    map.flags = COFFER_MAP_FIXED;
    for (unsigned i = 1; i < 3; i++) {
        map.address = at[0] + i * (settings.size / 4);
        assert_ok(coffer_space_map(space, &map, &at[i]));
    }
    assert_ok(coffer_space_fill(space, at[0], 0x77, FRAME_SIZE));
    assert_ok(coffer_space_pin(space, at[0], FRAME_SIZE));
    while (coffer_frames_take(memory, (struct coffer_owner){0}, 1, 0, &runs[count]) == COFFER_OK)
        count++;
    coffer_paging_statistics(memory, &paging);
    assert_int_equal(paging.table_reserve, 6);

    for (unsigned i = 1; i < 3; i++) {
        uint8_t byte = 0;

        assert_ok(coffer_space_read(space, at[i] + 5, &byte, 1));
        assert_int_equal(byte, 0x77);
    }
    coffer_paging_statistics(memory, &paging);
    assert_true(paging.table_reserve < 6);
    for (unsigned i = 1; i < 3; i++)
        assert_ok(coffer_space_unmap(space, at[i], FRAME_SIZE));
    coffer_paging_statistics(memory, &paging);
    assert_int_equal(paging.table_reserve, 6);
    while (count > 0)
        assert_ok(coffer_frames_give(memory, runs[--count]));
    coffer_space_close(space);
    assert_ok(coffer_segment_close(segment));
    coffer_memory_close(memory);
}

static void test_pools_are_listed_and_lie_apart(void **state)
{
    struct coffer_memory *memory = open_with((struct coffer_memory_config){0});
    struct coffer_memory_statistics statistics;
    static uint8_t region[64 * 1024];
    struct coffer_pool_settings settings = {.region = region, .region_size = 32 * 1024};
    struct coffer_boxes_settings box_settings = {
        .box_size = 64, .region = region + 32 * 1024, .region_size = 32 * 1024};
    struct coffer_boxes *boxes;
    struct coffer_pool *pool;
    struct coffer_pool *other;
    struct coffer_boxes *other_boxes;
    void *block;
    void *run;

    (void)state;
    assert_ptr_equal(coffer_memory_next_pool(memory, NULL), coffer_memory_pool(memory));
    assert_null(coffer_memory_next_pool(memory, coffer_memory_pool(memory)));
    assert_ok(coffer_pool_alloc(coffer_memory_pool(memory), 100000, &block));
    assert_ok(coffer_pool_free(coffer_memory_pool(memory), block));

    assert_ok(coffer_pool_open(memory, &settings, &pool));
    assert_ok(coffer_boxes_open(memory, &box_settings, &boxes));
    assert_ptr_equal(coffer_memory_next_pool(memory, coffer_memory_pool(memory)), pool);
    coffer_memory_statistics(memory, &statistics);
    assert_int_equal(statistics.pools, 2);

    /* By one byte, inside, around, the same; of either kind. */
    settings.region = region + 32 * 1024 - 1;
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);
    settings.region = region + 8 * 1024;
    settings.region_size = 8 * 1024;
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);
    box_settings.region = region + 32 * 1024 - 1;
    assert_status(coffer_boxes_open(memory, &box_settings, &other_boxes), COFFER_EXISTS);
    settings.region = region;
    settings.region_size = sizeof(region);
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);

    /* In the memory only where the caller has frames. */
    settings.region = area;
    settings.region_size = 8 * FRAME_SIZE;
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);
    settings.region = memory->tables.frames[0];
    settings.region_size = FRAME_SIZE;
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);
    settings.region_size = SIZE_MAX - 100;
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_MISUSE);
    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 8, 0, &run));
    settings.region = run;
    settings.region_size = 8 * FRAME_SIZE;
    assert_ok(coffer_frames_give(memory, run));
    assert_status(coffer_pool_open(memory, &settings, &other), COFFER_EXISTS);
    assert_ok(coffer_frames_take(memory, (struct coffer_owner){0}, 8, 0, &settings.region));
    run = settings.region;
    assert_ok(coffer_pool_open(memory, &settings, &other));
    coffer_pool_close(other);
    assert_ok(coffer_frames_give(memory, run));

    /* What is closed makes room; what isn't is closed with the memory. */
    coffer_pool_close(pool);
    settings.region = region;
    settings.region_size = 32 * 1024;
    assert_ok(coffer_pool_open(memory, &settings, &pool));
    coffer_memory_close(memory);
}

static void count_release(void *context)
{
    ++*(unsigned *)context;
}

static void test_a_pool_holds_no_more_frames_than_it_may(void **state)
{
    struct coffer_memory *memory = open_with((struct coffer_memory_config){0});
    const struct coffer_pool_settings little = {
        .policy = COFFER_POOL_LITTLE, .region = (uint8_t[4096]){0}, .region_size = 4096};
    const struct coffer_pool_settings settings = {.name = "limited"};
    struct coffer_pool_statistics statistics;
    struct coffer_pool *pool;
    size_t more_size;
    uint64_t held;
    void *block;
    void *more;

    (void)state;
    assert_ok(coffer_pool_open(memory, &settings, &pool));
    assert_ok(coffer_pool_alloc(pool, 10 * FRAME_SIZE, &block));
    coffer_pool_statistics(pool, &statistics);
    held = statistics.frames;
    more_size = held * FRAME_SIZE; /* more than is left of them */
    assert_ok(coffer_pool_set_frames_max(pool, 3));
    assert_status(coffer_pool_alloc(pool, more_size, &more), COFFER_NO_MEMORY);
    coffer_pool_statistics(pool, &statistics);
    assert_int_equal(statistics.frames, held); /* what it holds stays */
    assert_ok(coffer_pool_set_frames_max(pool, 3 * held));
    assert_ok(coffer_pool_alloc(pool, more_size, &more));
    coffer_pool_statistics(pool, &statistics);
    assert_in_range(statistics.frames, held + 1, 3 * held);
    assert_ok(coffer_pool_free(pool, block));
    assert_ok(coffer_pool_free(pool, more));
    coffer_pool_close(pool);

    assert_ok(coffer_pool_open(memory, &little, &pool));
    assert_status(coffer_pool_set_frames_max(pool, 3), COFFER_MISUSE);
    coffer_pool_close(pool);
    coffer_memory_close(memory);
}

static void test_closing_closes_everything_and_wipes_it(void **state)
{
    unsigned released = 0;
    struct coffer_memory *memory = open_with(
        (struct coffer_memory_config){.release = count_release, .release_context = &released});
    const struct coffer_space_settings settings = {.size = MIB};
    const struct coffer_map map = {.size = 10 * FRAME_SIZE, .rights = RW};
    struct coffer_segment *segment;
    struct coffer_space *space;
    uintptr_t at;

    (void)state;
    assert_ok(coffer_space_open(memory, &settings, &space));
    assert_ok(coffer_space_map(space, &map, &at));
    assert_ok(coffer_space_fill(space, at, 0x5a, 10 * FRAME_SIZE));
    assert_ok(coffer_segment_open(memory, (struct coffer_owner){0}, MIB, NULL, &segment));
    assert_ok(coffer_vmalloc(memory, 100, &at));
    coffer_memory_close(memory);
    assert_int_equal(released, 1);
    for (size_t i = 0; i < MIB; i++)
        assert_int_equal(area[i], 0);
    coffer_memory_close(NULL);
}

#define system_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        system_test(test_wrong_configurations_are_refused),
        system_test(test_any_size_opens_whole_or_not_at_all),
        system_test(test_owners_come_and_go_with_their_quotas),
        system_test(test_frames_of_others_can_not_be_given),
        system_test(test_pressure_is_told_and_answered),
        system_test(test_watermarks_are_what_was_set),
        system_test(test_pressure_in_a_space_is_told_when_the_call_is_over),
        system_test(test_tables_have_a_reserve),
        system_test(test_pools_are_listed_and_lie_apart),
        system_test(test_a_pool_holds_no_more_frames_than_it_may),
        system_test(test_closing_closes_everything_and_wipes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
