/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy of the caches, as the configuration says: what is still there after one read more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer.h"
#include "support/memory_device.h"
#include "support/store_fixture.h"

#define BLOCK_SIZE 4096u
#define BLOCKS     64u
#define HELD       4u  /* blocks that the smallest cache but four frames holds */
#define FRAMES     40u /* of which nodes have 36 for good */

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

struct world {
    struct memory_device *disk;
    struct store_fixture fixture;
    struct coffer_object *object;
};

/* Did it need the device? */
static bool read_block(struct world *world, unsigned block)
{
    static struct coffer_statistics before, after;
    uint8_t byte;
    size_t got;

    assert_ok(coffer_statistics_get(world->fixture.store, &before));
    assert_ok(coffer_object_read(world->object, (uint64_t)block * BLOCK_SIZE, &byte, 1, &got));
    assert_ok(coffer_statistics_get(world->fixture.store, &after));
    assert_int_equal(got, 1);
    return after.device_reads > before.device_reads;
}

/* Blocks 11, 14, 17 and 20 came into the cache, in this order, and nothing else is there. */
static void begin(struct world *world, enum coffer_policy policy)
{
    const struct store_options options = {
        .create = true, .cache_frames = FRAMES, .cache_policy = policy};
    static const uint8_t bytes[BLOCKS * BLOCK_SIZE];
    const struct coffer_name name = {.id = "o", .id_size = 1};

    memset(world, 0, sizeof(*world));
    world->disk = memory_device_open();
    assert_ok(store_fixture_open(&world->fixture, world->disk, &options));
    assert_ok(coffer_put(world->fixture.store, &name, 0, NULL, bytes, sizeof(bytes)));
    assert_ok(coffer_object_open(world->fixture.store, &name, &world->object));
    for (unsigned block = 38; block <= 62; block += 3)
        (void)read_block(world, block);
    for (unsigned i = 0; i < HELD; i++)
        assert_true(read_block(world, 11 + 3 * i));
}

static void end(struct world *world)
{
    coffer_object_close(world->object);
    store_fixture_close(&world->fixture);
    memory_device_free(world->disk);
}

static void test_lru_forgets_what_was_used_longest_ago(void **state)
{
    struct world world;

    (void)state;
    begin(&world, COFFER_POLICY_LRU);
    for (unsigned i = HELD; i-- > 0;)
        assert_false(read_block(&world, 11 + 3 * i));
    assert_true(read_block(&world, 30));
    assert_false(read_block(&world, 11));
    assert_true(read_block(&world, 20));
    end(&world);
}

static void test_clock_forgets_in_turn_what_has_no_mark(void **state)
{
    struct world world;

    (void)state;
    begin(&world, COFFER_POLICY_CLOCK);
    assert_false(read_block(&world, 11)); /* marked: it stays, once */
    assert_true(read_block(&world, 30));
    assert_false(read_block(&world, 11));
    assert_true(read_block(&world, 14));
    end(&world);

    /* All marked: the order of use says nothing. */
    begin(&world, COFFER_POLICY_CLOCK);
    for (unsigned i = HELD; i-- > 0;)
        assert_false(read_block(&world, 11 + 3 * i));
    assert_true(read_block(&world, 30));
    assert_false(read_block(&world, 20));
    assert_true(read_block(&world, 11));
    end(&world);
}

static void test_round_robin_forgets_what_came_first(void **state)
{
    struct world world;

    (void)state;
    begin(&world, COFFER_POLICY_ROUND_ROBIN);
    assert_false(read_block(&world, 11));
    assert_true(read_block(&world, 30));
    assert_false(read_block(&world, 14));
    assert_true(read_block(&world, 11));
    end(&world);
}

static void test_no_such_policy(void **state)
{
    const struct store_options options = {
        .create = true, .cache_policy = (enum coffer_policy)(COFFER_POLICY_ROUND_ROBIN + 1)};
    struct memory_device *disk = memory_device_open();
    struct store_fixture fixture;

    (void)state;
    assert_int_equal(store_fixture_open(&fixture, disk, &options), COFFER_MISUSE);
    memory_device_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_forgets_what_was_used_longest_ago),
        cmocka_unit_test(test_clock_forgets_in_turn_what_has_no_mark),
        cmocka_unit_test(test_round_robin_forgets_what_came_first),
        cmocka_unit_test(test_no_such_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
