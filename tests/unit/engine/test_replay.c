/* SPDX-License-Identifier: BSD-2-Clause */
/* Replays: what they count follows from the trace alone, and is what the engine does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer.h"
#include "coffer/trace.h"
#include "support/must.h"
#include "support/random.h"
#include "support/store_fixture.h"

#define assert_ok(call) assert_int_equal((call), COFFER_OK)
#define REGION_SIZE     ((size_t)4 << 20)
#define KIB             ((uint64_t)1024)
#define BLOCK           4096u
#define FRONT           24u

static uint8_t *region;

static int set_up(void **state)
{
    (void)state;
    region = aligned_alloc(BLOCK, REGION_SIZE);
    must(region != NULL);
    memset(region, 0xEE, REGION_SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(region);
    return 0;
}

static struct coffer_replay *open_replay_with(uint64_t memory, unsigned cache_frames,
                                              enum coffer_policy policy)
{
    const struct coffer_area area = {region, REGION_SIZE};
    const struct coffer_replay_config config = {.areas = &area,
                                                .area_count = 1,
                                                .memory = memory,
                                                .cache_frames = cache_frames,
                                                .cached_objects = 3,
                                                .cache_policy = policy};
    struct coffer_replay *replay;

    assert_ok(coffer_replay_open(&config, &replay));
    return replay;
}

static struct coffer_replay *open_replay(uint64_t memory, unsigned cache_frames)
{
    return open_replay_with(memory, cache_frames, COFFER_POLICY_LRU);
}

static void play(struct coffer_replay *replay, enum coffer_trace_call call, uint64_t object,
                 uint64_t offset, uint64_t size)
{
    const struct coffer_trace_record record = {
        .call = call, .object = object, .offset = offset, .size = size};

    assert_ok(coffer_replay_record(replay, &record));
}

/* Blocks are read in turn, `rounds` times, a part of each: misses of the block cache. */
static uint64_t loop_misses(uint64_t memory, unsigned block_count, unsigned rounds)
{
    struct coffer_replay *replay = open_replay(memory, 0);
    struct coffer_replay_result result;

    play(replay, COFFER_TRACE_OPEN, 7, FRONT, (uint64_t)block_count * BLOCK);
    for (unsigned i = 0; i < rounds * block_count; i++)
        play(replay, COFFER_TRACE_READ, 7, (uint64_t)(i % block_count) * BLOCK + 100, 50);
    play(replay, COFFER_TRACE_CLOSE, 7, 0, 0);
    coffer_replay_get(replay, &result);
    return result.block_cache.misses;
}

/* The knee of a loop is where all of it fits: half of the memory is caches. */
static void test_a_loop_misses_until_it_fits(void **state)
{
    (void)state;
    /* 300 blocks and the groups of their nodes. */
    assert_int_equal(loop_misses(4096 * KIB, 300, 10), 300 + 1); /* and the catalogue's */
    assert_true(loop_misses(1024 * KIB, 300, 10) >= 10 * 300);
}

/* Misses of a block that is read again and again beside others, none of which comes twice. */
static uint64_t hot_misses(enum coffer_policy policy)
{
    struct coffer_replay *replay = open_replay_with(512 * KIB, 0, policy);
    struct coffer_replay_result result;

    play(replay, COFFER_TRACE_OPEN, 7, FRONT, (uint64_t)2000 * BLOCK);
    for (unsigned i = 0; i < 2000; i++) {
        play(replay, COFFER_TRACE_READ, 7, (uint64_t)(i * 7919 % 1999) * BLOCK + 100, 50);
        play(replay, COFFER_TRACE_READ, 7, (uint64_t)1999 * BLOCK + 100, 50);
    }
    coffer_replay_get(replay, &result);
    assert_true(result.block_cache.misses >= 1999);
    return result.block_cache.misses - 1999;
}

static void test_policies_forget_as_the_caches_do(void **state)
{
    (void)state;
    assert_true(hot_misses(COFFER_POLICY_LRU) <= 5);
    assert_true(hot_misses(COFFER_POLICY_CLOCK) <= 5);
    assert_true(hot_misses(COFFER_POLICY_ROUND_ROBIN) > 20);
}

static void test_the_object_cache_is_bounded_and_handles_hold_on(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result result;

    (void)state;
    play(replay, COFFER_TRACE_OPEN, 100, FRONT, 10); /* stays open */
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t number = 1; number <= 4; number++) {
            play(replay, COFFER_TRACE_OPEN, number, FRONT, 10);
            play(replay, COFFER_TRACE_CLOSE, number, 0, 0);
        }
    }
    play(replay, COFFER_TRACE_OPEN, 4, FRONT, 10);
    play(replay, COFFER_TRACE_OPEN, 100, FRONT, 10);
    coffer_replay_get(replay, &result);
    /* Four in turn through three places miss each time, the last one and what is open are there. */
    assert_int_equal(result.object_cache.misses, 1 + 8);
    assert_int_equal(result.object_cache.hits, 2);
    assert_int_equal(result.objects, 5);
}

/* What is thrown away was not asked for. */
static void test_what_goes_is_no_hit(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result result;

    (void)state;
    for (unsigned run = 0; run < 100; run++) {
        play(replay, COFFER_TRACE_START, 0, COFFER_TRACE_VERSION, 0);
        play(replay, COFFER_TRACE_STAT, 1, FRONT, 10);
        play(replay, COFFER_TRACE_END, 0, 0, 0);
    }
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 10);
    play(replay, COFFER_TRACE_STAT, 1, FRONT, 10);
    play(replay, COFFER_TRACE_OPEN, 1, FRONT, 10);
    play(replay, COFFER_TRACE_WRITE, 1, 0, 0); /* nothing to write */
    play(replay, COFFER_TRACE_DELETE, 1, 0, 0);
    coffer_replay_get(replay, &result);
    assert_int_equal(result.device_barriers, 2 * 2);
    assert_int_equal(result.object_cache.misses, 101);
    assert_int_equal(result.object_cache.hits, 1);
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 10);
    play(replay, COFFER_TRACE_QUARANTINE, 1, 0, 0);
    play(replay, COFFER_TRACE_STAT, 1, FRONT, 10);
    coffer_replay_get(replay, &result);
    assert_int_equal(result.device_barriers, 4 * 2);
    assert_int_equal(result.object_cache.misses, 102);
}

/* Lines of an open handle carry the number that it was opened by. */
static void test_a_handle_outlives_the_name_that_it_was_opened_by(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result before, after;

    (void)state;
    play(replay, COFFER_TRACE_OPEN, 1, FRONT, 200000);
    play(replay, COFFER_TRACE_OPEN, 1, FRONT, 200000);
    play(replay, COFFER_TRACE_RENAME, 1, 0, 0);
    play(replay, COFFER_TRACE_AS, 2, 0, 0);
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_READ, 1, 0, 100000);
    coffer_replay_get(replay, &after);
    assert_true(after.device_read_bytes >= before.device_read_bytes + 100000);
    play(replay, COFFER_TRACE_RENAME, 2, 0, 0);
    play(replay, COFFER_TRACE_AS, 3, 0, 0);
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 10); /* another one takes the name */
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_READ, 1, 100000, 100000);
    coffer_replay_get(replay, &after);
    assert_true(after.device_read_bytes >= before.device_read_bytes + 96000);
    play(replay, COFFER_TRACE_OPEN, 3, FRONT, 200000);
    play(replay, COFFER_TRACE_CLOSE, 3, 0, 0);
    play(replay, COFFER_TRACE_CLOSE, 1, 0, 0);
    for (uint64_t number = 10; number < 20; number++)
        play(replay, COFFER_TRACE_STAT, number, FRONT, 10);
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_STAT, 3, FRONT, 200000); /* held by the handle that is left */
    coffer_replay_get(replay, &after);
    assert_int_equal(after.object_cache.misses, before.object_cache.misses);
    play(replay, COFFER_TRACE_CLOSE, 1, 0, 0);
    for (uint64_t number = 10; number < 20; number++)
        play(replay, COFFER_TRACE_STAT, number, FRONT, 10);
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_STAT, 3, FRONT, 200000); /* nobody holds it any more */
    coffer_replay_get(replay, &after);
    assert_int_equal(after.object_cache.misses, before.object_cache.misses + 1);
}

static void test_objects_change_names_and_slots(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result result;

    (void)state;
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 5000);
    play(replay, COFFER_TRACE_OPEN, 1, FRONT, 5000);
    play(replay, COFFER_TRACE_RENAME, 1, 0, 0);
    play(replay, COFFER_TRACE_AS, 2, 0, 0);
    play(replay, COFFER_TRACE_READ, 1, 0, 5000);
    play(replay, COFFER_TRACE_CLOSE, 1, 0, 0);
    play(replay, COFFER_TRACE_DELETE, 2, 0, 0);
    play(replay, COFFER_TRACE_READ, 2, 0, 5000); /* of nobody */
    play(replay, COFFER_TRACE_MAKE, 3, FRONT, 0);
    play(replay, COFFER_TRACE_APPEND, 3, 0, 100);
    play(replay, COFFER_TRACE_COMMIT, 3, 0, 100);
    play(replay, COFFER_TRACE_LIST, 0, 0, 1);
    play(replay, COFFER_TRACE_START, 0, COFFER_TRACE_VERSION, 0);
    play(replay, COFFER_TRACE_STAT, 3, FRONT, 100);
    coffer_replay_get(replay, &result);
    assert_int_equal(result.objects, 2); /* one after the other */
    assert_int_equal(result.device_barriers, 2 * 4);
    assert_int_equal(result.object_cache.misses, 2);
    assert_int_equal(result.calls, 12); /* a rename is two lines */
}

/* In the trace of a run that wasn't recorded from its beginning, or whole. */
static void test_a_name_is_one_objects(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result result;

    (void)state;
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 5000);
    play(replay, COFFER_TRACE_PUT, 2, FRONT, 100);
    play(replay, COFFER_TRACE_PUT, 1, FRONT, 6000); /* replaced */
    play(replay, COFFER_TRACE_RENAME, 2, 0, 0);
    play(replay, COFFER_TRACE_AS, 1, 0, 0);
    play(replay, COFFER_TRACE_PUT, 2, FRONT, 100);
    play(replay, COFFER_TRACE_DELETE, 2, 0, 0);
    play(replay, COFFER_TRACE_PUT, 2, FRONT, 100);
    coffer_replay_get(replay, &result);
    assert_int_equal(result.objects, 4);
    assert_int_equal(result.calls, 7);
}

/* As long as an object can be, and numbers that no object can have. */
static void test_absurd_numbers_take_no_time(void **state)
{
    struct coffer_replay *replay = open_replay(256 * KIB, 0);
    struct coffer_trace_record record = {.object = 1, .offset = FRONT, .size = UINT64_MAX};
    struct coffer_replay_result before, after;

    (void)state;
    play(replay, COFFER_TRACE_PUT, 1, FRONT, COFFER_SIZE_MAX);
    play(replay, COFFER_TRACE_OPEN, 1, FRONT, COFFER_SIZE_MAX);
    play(replay, COFFER_TRACE_READ, 1, 0, UINT64_MAX);
    coffer_replay_get(replay, &before);
    assert_true(before.device_read_bytes > COFFER_SIZE_MAX);
    play(replay, COFFER_TRACE_READ, 1, UINT64_MAX, UINT64_MAX); /* all behind the end */
    play(replay, COFFER_TRACE_READ, 1, COFFER_SIZE_MAX, 1);
    coffer_replay_get(replay, &after);
    assert_int_equal(after.device_reads, before.device_reads);
    for (record.call = COFFER_TRACE_WRITE; record.call < COFFER_TRACE_CALLS; record.call++)
        assert_int_equal(coffer_replay_record(replay, &record), COFFER_MISUSE);
    coffer_replay_get(replay, &before);
    assert_int_equal(before.calls, after.calls);
}

static void test_attributes_are_read_once(void **state)
{
    struct coffer_replay *replay = open_replay(1024 * KIB, 0);
    struct coffer_replay_result before, after;

    (void)state;
    play(replay, COFFER_TRACE_OPEN, 1, FRONT + 20000, 100);
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_ATTRIBUTES, 1, 0, 65536);
    coffer_replay_get(replay, &after);
    assert_in_range(after.device_reads, before.device_reads + 1, before.device_reads + 2);
    assert_in_range(after.blocks - before.blocks, 4, 5); /* the first came as it was opened */
    play(replay, COFFER_TRACE_OPEN, 2, FRONT, 100);
    coffer_replay_get(replay, &before);
    play(replay, COFFER_TRACE_ATTRIBUTES, 2, 0, 65536); /* it has none */
    coffer_replay_get(replay, &after);
    assert_int_equal(after.device_reads, before.device_reads);
}

static void test_costs_add_up(void **state)
{
    const struct coffer_replay_result result = {.calls = 2,
                                                .device_reads = 3,
                                                .device_writes = 4,
                                                .device_barriers = 5,
                                                .device_read_bytes = 10 * KIB,
                                                .device_written_bytes = 20 * KIB,
                                                .blocks = 6,
                                                .hashes = 7};
    const struct coffer_replay_costs costs = {1, 10, 100, 1000, 10000, 100000};
    struct coffer_replay_costs usual = {0};

    (void)state;
    coffer_replay_costs_default(&usual);
    assert_true(usual.call_ns > 0 && usual.device_ns > 0 && usual.kib_ns > 0);
    assert_true(usual.barrier_ns > usual.device_ns && usual.block_ns > usual.hash_ns);
    assert_int_equal(coffer_replay_ns(&result, &costs), 2 + 70 + 3000 + 5000 + 60000 + 700000);
}

static void test_too_little_to_replay_in_is_told(void **state)
{
    const struct coffer_area area = {region, 64 * 1024};
    struct coffer_replay_config config = {
        .areas = &area, .area_count = 1, .memory = 64 * KIB * KIB};
    struct coffer_trace_record record = {.call = COFFER_TRACE_OPEN, .size = 10};
    enum coffer_status status = COFFER_OK;
    struct coffer_replay *replay;

    (void)state;
    /* Too many objects; then, too many entries for what the caches should hold. */
    assert_ok(coffer_replay_open(&config, &replay));
    for (record.object = 1; record.object < 1000 && status == COFFER_OK; record.object++)
        status = coffer_replay_record(replay, &record);
    assert_int_equal(status, COFFER_NO_MEMORY);
    assert_ok(coffer_replay_open(&config, &replay));
    record = (struct coffer_trace_record){.call = COFFER_TRACE_OPEN, .size = 4096 * KIB};
    assert_ok(coffer_replay_record(replay, &record));
    record.call = COFFER_TRACE_READ;
    record.size = 1;
    for (status = COFFER_OK; record.offset < 4096 * KIB && status == COFFER_OK;
         record.offset += BLOCK)
        status = coffer_replay_record(replay, &record);
    assert_int_equal(status, COFFER_NO_MEMORY);
    config.memory = COFFER_MEMORY_MIN / 4; /* for a store */
    assert_int_equal(coffer_replay_open(&config, &replay), COFFER_NO_MEMORY);
    config.memory = UINT64_MAX;
    assert_int_equal(coffer_replay_open(&config, &replay), COFFER_MISUSE);
    config.memory = COFFER_MEMORY_MIN;
    config.cache_policy = (enum coffer_policy)(COFFER_POLICY_ROUND_ROBIN + 1);
    assert_int_equal(coffer_replay_open(&config, &replay), COFFER_MISUSE);
}

/* --- Beside the engine --- */

struct traced {
    struct coffer_replay *replay;
};

static bool replay_line(void *context, const char *line, size_t size)
{
    struct traced *traced = context;
    struct coffer_trace_record record;

    must(coffer_trace_parse(line, size, &record) == COFFER_OK);
    must(coffer_replay_record(traced->replay, &record) == COFFER_OK);
    return true;
}

static void expect_near(uint64_t value, uint64_t wanted, unsigned percent)
{
    uint64_t difference = value > wanted ? value - wanted : wanted - value;

    if (difference > 4 && difference * 100 > wanted * percent)
        fail_msg("%llu is not near %llu", (unsigned long long)value, (unsigned long long)wanted);
}

/* What the engine did, and what the replay says of it, since the last time. */
struct both {
    struct coffer_statistics engine;
    struct coffer_replay_result replay;
};

static void compare(struct store_fixture *fixture, struct traced *traced, struct both *last,
                    bool is_first)
{
    struct both now;

    assert_ok(coffer_statistics_get(fixture->store, &now.engine));
    coffer_replay_get(traced->replay, &now.replay);
    if (!is_first) {
        expect_near(now.replay.device_reads - last->replay.device_reads,
                    now.engine.device_reads - last->engine.device_reads, 10);
        expect_near(now.replay.device_writes - last->replay.device_writes,
                    now.engine.device_writes - last->engine.device_writes, 10);
        expect_near(now.replay.device_barriers - last->replay.device_barriers,
                    now.engine.device_barriers - last->engine.device_barriers, 0);
        expect_near(now.replay.device_written_bytes - last->replay.device_written_bytes,
                    now.engine.device_written_bytes - last->engine.device_written_bytes, 10);
        expect_near(
            now.replay.blocks - last->replay.blocks,
            now.engine.seals + now.engine.unseals - last->engine.seals - last->engine.unseals, 10);
    }
    *last = now;
}

/* An object read at random, some of its pages more wanted than others, then from end to end in
 * small pieces, then changed at random: calls, bytes and ciphers of each. */
static void work_both(struct store_fixture *fixture, struct traced *traced,
                      struct coffer_object *object, size_t size)
{
    struct both last = {0};
    struct random random;
    uint8_t bytes[1000] = {0};
    size_t got;

    random_init(&random, "replay");
    compare(fixture, traced, &last, true);
    for (unsigned k = 0; k < 20000; k++) {
        uint64_t block = random_below(&random, random_below(&random, 500) + 1);

        assert_ok(coffer_object_read(object, block * BLOCK + random_below(&random, 1000), bytes, 64,
                                     &got));
    }
    compare(fixture, traced, &last, false);
    for (size_t at = 0; at + sizeof(bytes) <= size; at += sizeof(bytes))
        assert_ok(coffer_object_read(object, at, bytes, sizeof(bytes), &got));
    compare(fixture, traced, &last, false);
    for (unsigned k = 0; k < 500; k++)
        assert_ok(coffer_object_write(object, random_below(&random, size - 100), bytes, 100));
    compare(fixture, traced, &last, false);
    for (uint32_t k = 0; k < 50; k++)
        assert_ok(coffer_object_set_usage(object, k));
    compare(fixture, traced, &last, false);
}

static void test_it_counts_what_the_engine_does(void **state)
{
    static const struct {
        unsigned frames;
        enum coffer_policy policy;
    } caches[] = {{40, COFFER_POLICY_LRU},   {80, COFFER_POLICY_LRU},
                  {160, COFFER_POLICY_LRU},  {40, COFFER_POLICY_CLOCK},
                  {80, COFFER_POLICY_CLOCK}, {80, COFFER_POLICY_ROUND_ROBIN}};
    const struct coffer_name name = {.id = "large", .id_size = 5};
    static uint8_t bytes[2 << 20];

    (void)state;
    for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
        struct memory_device *disk = memory_device_open();
        struct traced traced = {
            .replay = open_replay_with(4096 * KIB, caches[i].frames, caches[i].policy)};
        struct store_options options = {.memory = 2 << 20,
                                        .cache_frames = caches[i].frames,
                                        .cache_policy = caches[i].policy,
                                        .create = true,
                                        .trace = replay_line,
                                        .trace_context = &traced};
        struct store_fixture fixture;
        struct coffer_object *object;

        assert_ok(store_fixture_open(&fixture, disk, &options));
        assert_ok(coffer_put(fixture.store, &name, 0, NULL, bytes, sizeof(bytes)));
        assert_ok(coffer_object_open(fixture.store, &name, &object));
        work_both(&fixture, &traced, object, sizeof(bytes));
        coffer_object_close(object);
        store_fixture_close(&fixture);
        memory_device_free(disk);
    }
}

struct pair {
    struct memory_device *disk;
    struct traced traced;
    struct store_fixture fixture;
};

static void open_pair(struct pair *pair, unsigned cached_objects)
{
    const struct coffer_area area = {region, REGION_SIZE};
    const struct coffer_replay_config config = {
        .areas = &area, .area_count = 1, .memory = KIB * KIB, .cached_objects = cached_objects};
    const struct store_options options = {.memory = 1 << 20,
                                          .cached_objects = cached_objects,
                                          .create = true,
                                          .trace = replay_line,
                                          .trace_context = &pair->traced};

    pair->disk = memory_device_open();
    assert_ok(coffer_replay_open(&config, &pair->traced.replay));
    assert_ok(store_fixture_open(&pair->fixture, pair->disk, &options));
}

static void close_pair(struct pair *pair)
{
    store_fixture_close(&pair->fixture);
    memory_device_free(pair->disk);
}

/* Whole blocks of a large change leave the cache, those of a small one stay. */
static void test_changes_with_reads_between_agree(void **state)
{
    const struct coffer_name name = {.id = "x", .id_size = 1};
    static uint8_t bytes[60000];
    struct coffer_object *object;
    struct pair pair;
    struct both last = {0};
    size_t got;

    (void)state;
    open_pair(&pair, 0);
    assert_ok(coffer_put(pair.fixture.store, &name, 0, NULL, bytes, sizeof(bytes)));
    assert_ok(coffer_object_open(pair.fixture.store, &name, &object));
    compare(&pair.fixture, &pair.traced, &last, true);
    for (unsigned round = 0; round < 200; round++) {
        assert_ok(coffer_object_write(object, 4072, bytes, 20480));
        for (unsigned k = 0; k < 5; k++)
            assert_ok(coffer_object_read(object, 4072 + k * BLOCK, bytes, 512, &got));
        assert_ok(coffer_object_write(object, 0, bytes, 59000));
        for (unsigned k = 0; k < 5; k++)
            assert_ok(coffer_object_read(object, 30000 + k * BLOCK, bytes, 512, &got));
    }
    compare(&pair.fixture, &pair.traced, &last, false);
    coffer_object_close(object);
    close_pair(&pair);
}

/* Of any size, at any place, also beyond the end. */
static void test_changes_of_any_size_agree(void **state)
{
    const struct coffer_name name = {.id = "x", .id_size = 1};
    static uint8_t bytes[200000];
    struct coffer_object *object;
    struct random random;
    struct pair pair;
    struct both last = {0};
    size_t got;

    (void)state;
    random_init(&random, "changes");
    open_pair(&pair, 0);
    assert_ok(coffer_put(pair.fixture.store, &name, 0, NULL, bytes, 100000));
    assert_ok(coffer_object_open(pair.fixture.store, &name, &object));
    compare(&pair.fixture, &pair.traced, &last, true);
    for (unsigned round = 0; round < 1000; round++) {
        size_t size = random_below(&random, random_below(&random, sizeof(bytes))) + 1;

        assert_ok(coffer_object_write(object, random_below(&random, round * 500 + 1), bytes, size));
        for (unsigned k = 0; k < 5; k++)
            assert_ok(coffer_object_read(object, random_below(&random, round * 500 + 1), bytes, 512,
                                         &got));
    }
    compare(&pair.fixture, &pair.traced, &last, false);
    coffer_object_close(object);
    close_pair(&pair);
}

static void test_new_objects_of_any_size_agree(void **state)
{
    const struct coffer_name name = {.id = "x", .id_size = 1};
    static uint8_t bytes[300000];
    struct random random;
    struct pair pair;
    struct both last = {0};

    (void)state;
    random_init(&random, "objects");
    open_pair(&pair, 0);
    assert_ok(coffer_put(pair.fixture.store, &name, 0, NULL, bytes, sizeof(bytes)));
    compare(&pair.fixture, &pair.traced, &last, true);
    for (unsigned round = 0; round < 200; round++)
        assert_ok(coffer_put(pair.fixture.store, &name, COFFER_REPLACE, NULL, bytes,
                             random_below(&random, sizeof(bytes) + 1)));
    compare(&pair.fixture, &pair.traced, &last, false);
    close_pair(&pair);
}

/* Handles come and go: what stays open though nobody uses it is the same in both. */
static void test_the_object_caches_agree(void **state)
{
    struct coffer_object *open[6] = {NULL};
    struct coffer_statistics engine;
    struct coffer_replay_result replay;
    const struct coffer_cache *objects;
    struct random random;
    struct pair pair;

    (void)state;
    random_init(&random, "handles");
    open_pair(&pair, 3);
    for (unsigned i = 0; i < 12; i++)
        assert_ok(coffer_put(pair.fixture.store, &(struct coffer_name){.id = &i, .id_size = 4}, 0,
                             NULL, "data", 4));
    for (unsigned k = 0; k < 3000; k++) {
        unsigned i = (unsigned)random_below(&random, 12);
        unsigned place = (unsigned)random_below(&random, 6);

        coffer_object_close(open[place]);
        open[place] = NULL;
        if (random_below(&random, 3) > 0)
            assert_ok(coffer_object_open(
                pair.fixture.store, &(struct coffer_name){.id = &i, .id_size = 4}, &open[place]));
    }
    assert_ok(coffer_statistics_get(pair.fixture.store, &engine));
    coffer_replay_get(pair.traced.replay, &replay);
    objects = &engine.caches[engine.cache_count - 1];
    assert_string_equal(objects->name, "objects");
    assert_int_equal(replay.object_cache.misses, objects->misses);
    assert_true(replay.object_cache.misses > 300);
    for (unsigned place = 0; place < 6; place++)
        coffer_object_close(open[place]);
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_misses_until_it_fits),
        cmocka_unit_test(test_policies_forget_as_the_caches_do),
        cmocka_unit_test(test_the_object_cache_is_bounded_and_handles_hold_on),
        cmocka_unit_test(test_what_goes_is_no_hit),
        cmocka_unit_test(test_a_handle_outlives_the_name_that_it_was_opened_by),
        cmocka_unit_test(test_objects_change_names_and_slots),
        cmocka_unit_test(test_a_name_is_one_objects),
        cmocka_unit_test(test_absurd_numbers_take_no_time),
        cmocka_unit_test(test_attributes_are_read_once),
        cmocka_unit_test(test_costs_add_up),
        cmocka_unit_test(test_too_little_to_replay_in_is_told),
        cmocka_unit_test(test_it_counts_what_the_engine_does),
        cmocka_unit_test(test_changes_with_reads_between_agree),
        cmocka_unit_test(test_changes_of_any_size_agree),
        cmocka_unit_test(test_new_objects_of_any_size_agree),
        cmocka_unit_test(test_the_object_caches_agree),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
