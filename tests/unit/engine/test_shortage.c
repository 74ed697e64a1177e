/* SPDX-License-Identifier: BSD-2-Clause */
/* Where memory ends: what only the objects have that nobody uses goes to whoever needs some, and
 * what others have for the length of a call is waited for. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "support/must.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#define OBJECTS    200u
#define MEMORY     ((size_t)1 << 20)
#define FRAMES_MAX (MEMORY / FRAME_SIZE)

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

struct world {
    struct memory_device *disk;
    struct store_fixture fixture;
    struct owner owner;
    void *taken[FRAMES_MAX];
    size_t taken_count;
};

static const uint8_t bytes[3000];
static const uint8_t more_bytes[9000];

static struct coffer_name name_of(unsigned number, char id[8])
{
    (void)snprintf(id, 8, "o%u", number);
    return (struct coffer_name){.id = id, .id_size = strlen(id)};
}

static uint64_t idle_objects(struct coffer *store)
{
    static struct coffer_statistics now;

    assert_ok(coffer_statistics_get(store, &now));
    for (unsigned i = 0; i < now.cache_count; i++) {
        if (strcmp(now.caches[i].name, "objects") == 0)
            return now.caches[i].entries - now.caches[i].pinned;
    }
    fail();
    return 0;
}

/* As many objects stay open as may. */
static void warm(struct world *world)
{
    for (unsigned i = OBJECTS; i-- > 0;) {
        struct coffer_info info;
        char id[8];
        struct coffer_name name = name_of(i, id);

        assert_ok(coffer_stat(world->fixture.store, &name, &info));
    }
    assert_true(idle_objects(world->fixture.store) > 50);
}

static void begin_empty(struct world *world)
{
    const struct store_options options = {.create = true, .memory = MEMORY};
    struct memory *memory;

    memset(world, 0, sizeof(*world));
    world->disk = memory_device_open();
    assert_ok(store_fixture_open(&world->fixture, world->disk, &options));
    memory = world->fixture.store->memory;
    assert_ok(account_open_owner(&memory->account, "hog", &world->owner));
}

static void begin(struct world *world)
{
    begin_empty(world);
    for (unsigned i = 0; i < OBJECTS; i++) {
        char id[8];
        struct coffer_name name = name_of(i, id);

        assert_ok(coffer_put(world->fixture.store, &name, 0, NULL, bytes, sizeof(bytes)));
    }
    warm(world);
}

static void end(struct world *world)
{
    struct frames *frames = world->fixture.store->memory->frames;

    while (world->taken_count > 0)
        assert_ok(frames_give(frames, world->taken[--world->taken_count]));
    store_fixture_close(&world->fixture);
    memory_device_free(world->disk);
}

/* All that is free is somebody's, and all that caches of frames and the heap could give; nobody was
 * asked for objects. */
static void take_all(struct world *world)
{
    struct coffer *store = world->fixture.store;
    struct frames *frames = store->memory->frames;
    uint64_t given;

    reclaim_stop(&store->reclaim);
    do {
        given = cache_shrink(store->blocks.frames.core, UINT64_MAX, 1000) +
                cache_shrink(store->nodes.frames.core, UINT64_MAX, 1000) +
                buffers_trim(&store->buffers, UINT64_MAX) + coffer_pool_shrink(store->memory->pool);
        while (frames_take(frames, world->owner, 1, &world->taken[world->taken_count]) == COFFER_OK)
            must(++world->taken_count < FRAMES_MAX);
    } while (given > 0);
    assert_ok(reclaim_start(&store->reclaim, false));
}

static void test_handles_get_what_idle_objects_have(void **state)
{
    static struct coffer_list *lists[20000];
    struct world world;
    size_t count = 0;
    enum coffer_status status;

    (void)state;
    begin(&world);
    while ((status = coffer_list_open(world.fixture.store, NULL, &lists[count])) == COFFER_OK)
        must(++count < sizeof(lists) / sizeof(lists[0]));
    assert_int_equal(status, COFFER_NO_MEMORY);
    assert_int_equal(idle_objects(world.fixture.store), 0);
    while (count > 0)
        coffer_list_close(lists[--count]);
    warm(&world);
    end(&world);
}

static void test_cached_objects_are_opened_while_others_are_idle(void **state)
{
    struct coffer_object *objects[16];
    struct world world;

    (void)state;
    begin(&world);
    take_all(&world);
    for (unsigned i = 0; i < 16; i++) {
        char id[8];
        struct coffer_name name = name_of(i, id);

        assert_ok(coffer_object_open(world.fixture.store, &name, &objects[i]));
    }
    for (unsigned i = 0; i < 16; i++)
        coffer_object_close(objects[i]);
    end(&world);
}

static void test_objects_are_replaced_without_memory_to_spare(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    take_all(&world);
    for (unsigned i = 100; i < 110; i++) {
        char id[8];
        struct coffer_name name = name_of(i, id);

        assert_ok(coffer_put(world.fixture.store, &name, COFFER_REPLACE, NULL, more_bytes,
                             sizeof(bytes)));
    }
    end(&world);
}

/* All that is free, and nothing of anybody's. */
static void take_what_is_free(struct world *world)
{
    struct coffer *store = world->fixture.store;

    reclaim_stop(&store->reclaim);
    while (frames_take(store->memory->frames, world->owner, 1, &world->taken[world->taken_count]) ==
           COFFER_OK)
        must(++world->taken_count < FRAMES_MAX);
    assert_ok(reclaim_start(&store->reclaim, false));
}

/* Several times what a source gives in one step, side by side. One object alone has them: where it
 * shared them with others, what is left between them would decide. */
static void test_a_run_of_frames_is_made_of_what_caches_have(void **state)
{
    static const uint8_t large[400000];
    const struct coffer_name name = {.id = "large", .id_size = 5};
    struct coffer_statistics before;
    struct coffer_statistics after;
    struct coffer_object *object;
    struct world world;
    uint8_t byte;
    size_t got;

    (void)state;
    begin_empty(&world);
    assert_ok(coffer_put(world.fixture.store, &name, 0, NULL, large, sizeof(large)));
    assert_ok(coffer_object_open(world.fixture.store, &name, &object));
    for (size_t at = 100; at < sizeof(large); at += FRAME_SIZE)
        assert_ok(coffer_object_read(object, at, &byte, 1, &got));
    take_what_is_free(&world);
    assert_ok(coffer_statistics_get(world.fixture.store, &before));
    assert_true(before.cache_frames > 80);
    assert_ok(frames_take(world.fixture.store->memory->frames, world.owner, 24,
                          &world.taken[world.taken_count]));
    world.taken_count++;
    assert_ok(coffer_statistics_get(world.fixture.store, &after));
    assert_true(after.cache_frames > 36); /* not everything */
    assert_true(after.collector_directs > before.collector_directs + 1);
    coffer_object_close(object);
    end(&world);
}

/* --- Threads ----------------------------------------------------------------------------- */

#define MAKERS 16u
#define MADE   150u

struct maker {
    struct coffer *store;
    atomic_uint *ready; /* all begin together */
    unsigned index;
    unsigned refused;
};

/* An object again and again; nothing stays open between. */
static void make(void *argument)
{
    struct maker *maker = argument;

    atomic_fetch_add(maker->ready, 1);
    while (atomic_load(maker->ready) < MAKERS)
        sched_yield();
    for (unsigned i = 0; i < MADE; i++) {
        char id[8];
        struct coffer_name name = name_of(maker->index, id);
        enum coffer_status status = coffer_put(maker->store, &name, COFFER_REPLACE, NULL,
                                               more_bytes, sizeof(more_bytes) - i);

        must(status == COFFER_OK || status == COFFER_NO_MEMORY);
        maker->refused += status != COFFER_OK;
    }
}

/* The least memory is enough for three or four who make objects at once. More of them wait for it:
 * what one alone would get nobody is refused. */
static void test_calls_wait_for_the_memory_of_others(void **state)
{
    const struct store_options options = {.create = true, .memory = COFFER_MEMORY_MIN};
    struct memory_device *disk = memory_device_open();
    struct maker makers[MAKERS];
    struct store_fixture fixture;
    atomic_uint ready = 0;
    unsigned refused = 0;

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    for (unsigned i = 0; i < MAKERS; i++)
        makers[i] = (struct maker){.store = fixture.store, .ready = &ready, .index = i};
    threads_run(make, makers, MAKERS);
    for (unsigned i = 0; i < MAKERS; i++)
        refused += makers[i].refused;
    assert_int_equal(refused, 0);
    assert_int_equal(atomic_load(&fixture.store->works) % ENGINE_WORK_BEGUN, 0);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

/* Where nobody would give any back there is nothing to wait for: what is open stays. */
static void test_nobody_waits_for_what_is_held(void **state)
{
    struct coffer_object *objects[OBJECTS];
    struct world world;
    unsigned count = 0;
    enum coffer_status status = COFFER_OK;
    char id[8];

    (void)state;
    begin(&world);
    take_all(&world);
    while (count < OBJECTS && status == COFFER_OK) {
        const struct coffer_name name = name_of(count, id);

        status = coffer_object_open(world.fixture.store, &name, &objects[count]);
        count += status == COFFER_OK;
    }
    assert_int_equal(status, COFFER_NO_MEMORY);
    while (count > 0)
        coffer_object_close(objects[--count]);
    end(&world);
}

static void no_finding(void *context, const struct coffer_finding *finding)
{
    (void)context;
    (void)finding;
    fail();
}

static void test_a_store_is_checked_without_memory_to_spare(void **state)
{
    struct coffer_check_summary summary;
    struct world world;

    (void)state;
    begin(&world);
    take_all(&world);
    assert_ok(
        coffer_check(world.fixture.store, COFFER_CHECK_DEEP, no_finding, NULL, NULL, &summary));
    assert_int_equal(summary.objects, OBJECTS);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles_get_what_idle_objects_have),
        cmocka_unit_test(test_cached_objects_are_opened_while_others_are_idle),
        cmocka_unit_test(test_objects_are_replaced_without_memory_to_spare),
        cmocka_unit_test(test_a_run_of_frames_is_made_of_what_caches_have),
        cmocka_unit_test(test_calls_wait_for_the_memory_of_others),
        cmocka_unit_test(test_nobody_waits_for_what_is_held),
        cmocka_unit_test(test_a_store_is_checked_without_memory_to_spare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
