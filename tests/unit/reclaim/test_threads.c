/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that load blocks and nodes, take buffers and records, all in too little memory, while the
 * collector's own thread gives back, and others tick. What is read is what was loaded; nothing goes
 * that is in use; and at the end all of memory is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cache/blocks.h"
#include "cache/nodes.h"
#include "coffer/linux.h"
#include "memory/heap/buffers.h"
#include "reclaim/reclaim.h"
#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS 4u
#define ROUNDS  (getenv("COFFER_DEEP") != NULL ? 200000u : 6000u)
#define KEYS    64u
#define FRAMES  96u
#define RECORDS 8u
#define MS      UINT64_C(1000000)

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

struct world {
    const struct coffer_port *port;
    uint8_t *region;
    struct memory *memory;
    struct owner owner;
    uint64_t used; /* frames, at first */
    struct cache_share share;
    struct block_cache blocks;
    struct node_cache nodes;
    struct cache_group file; /* in the cache of blocks */
    struct cache_group nodes_file;
    struct buffers buffers;
    struct reclaim reclaim;
    atomic_uint shortages;
};

struct worker {
    struct world *world;
    struct random random;
    unsigned number;
    bool failed;
};

static void begin(struct world *world)
{
    const struct coffer_port *port = coffer_linux_port();
    const struct memory_settings settings = {.port = port};
    const struct cache_bounds bounds = {.entries_min = 2, .entries_max = KEYS};
    struct memory_area area;

    memset(world, 0, sizeof(*world));
    world->port = port;
    world->region = aligned_alloc(FRAME_SIZE, (size_t)FRAMES * FRAME_SIZE);
    must(world->region != NULL);
    area = (struct memory_area){world->region, (size_t)FRAMES * FRAME_SIZE};
    assert_ok(memory_open(&area, 1, &settings, &world->memory));
    assert_ok(account_open_owner(&world->memory->account, "test", &world->owner));
    world->used = world->memory->account.frames_used;
    cache_share_init(&world->share, port, 0);
    cache_group_init(&world->file);
    cache_group_init(&world->nodes_file);
    assert_ok(block_cache_open(&world->blocks, &world->share, world->memory, world->owner, &bounds,
                               CACHE_LRU));
    assert_ok(node_cache_open(&world->nodes, &world->share, world->memory, world->owner, &bounds,
                              CACHE_LRU));
    assert_ok(buffers_init(&world->buffers,
                           &(struct buffers_settings){.frames = world->memory->frames,
                                                      .owner = world->owner,
                                                      .port = port,
                                                      .idle_max = {8192, 32768, 65536}}));
}

static void start(struct world *world, bool thread)
{
    const struct reclaim_settings settings = {.port = world->port,
                                              .memory = world->memory,
                                              .low = 8,
                                              .high = 16,
                                              .interval_ns = MS,
                                              .timeout_ns = 2 * MS};
    const struct reclaim_source sources[] = {
        reclaim_cache("blocks", world->blocks.frames.core, true),
        reclaim_cache("nodes", world->nodes.frames.core, true),
        reclaim_buffers("buffers", &world->buffers),
        reclaim_pool("spans", world->memory->pool),
    };

    assert_ok(reclaim_init(&world->reclaim, &settings));
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        assert_ok(reclaim_add(&world->reclaim, &sources[i]));
    assert_ok(reclaim_start(&world->reclaim, thread));
}

static void end(struct world *world)
{
    reclaim_stop(&world->reclaim);
    assert_true(cache_is_valid(world->blocks.frames.core));
    assert_true(cache_is_valid(world->nodes.frames.core));
    assert_true(buffers_are_valid(&world->buffers));
    node_cache_close(&world->nodes);
    block_cache_close(&world->blocks);
    buffers_fini(&world->buffers);
    (void)coffer_pool_shrink(world->memory->pool);
    assert_true(frames_is_valid(world->memory->frames));
    assert_int_equal(world->memory->account.lines[world->owner.index].frames, 0);
    assert_int_equal(world->memory->account.lines[world->owner.index].bytes, 0);
    assert_true(world->memory->account.frames_used <= world->used + 2); /* chunks of the pool */
    memory_close(world->memory);
    assert_true(bytes_are_zero(world->region, (size_t)FRAMES * FRAME_SIZE));
    free(world->region);
}

static void read_block(struct worker *w, uint64_t key)
{
    struct world *world = w->world;
    struct frame_entry *entry;
    bool claimed;
    enum coffer_status status = block_cache_get(&world->blocks, &world->file, key, 0, &entry,
                                                &claimed);

    if (status != COFFER_OK) {
        w->failed = w->failed || status != COFFER_NO_MEMORY;
        atomic_fetch_add(&world->shortages, 1);
        return;
    }
    if (claimed) {
        w->failed = w->failed || !bytes_are_zero(entry->frame, FRAME_SIZE);
        memset(entry->frame, (int)key + 1, FRAME_SIZE);
        block_cache_loaded(&world->blocks, entry, COFFER_OK);
    }
    for (size_t i = 0; i < FRAME_SIZE; i += 512)
        w->failed = w->failed || entry->frame[i] != (uint8_t)(key + 1);
    block_cache_unpin(&world->blocks, entry);
}

static void read_node(struct worker *w, uint64_t key)
{
    struct world *world = w->world;
    struct node_entry *entry;
    bool claimed;

    if (node_cache_get(&world->nodes, &world->nodes_file, key, 0, &entry, &claimed) != COFFER_OK)
        return;
    if (claimed) {
        memset(entry->at.frame, (int)key + 101, FRAME_SIZE);
        node_cache_loaded(&world->nodes, entry, COFFER_OK);
    }
    w->failed = w->failed || entry->at.frame[77] != (uint8_t)(key + 101);
    node_cache_unpin(&world->nodes, entry);
}

static void use_buffer(struct worker *w)
{
    struct buffer *buffer;
    size_t size = 1 + (size_t)random_below(&w->random, 16384);

    if (buffers_take(&w->world->buffers, size, &buffer) != COFFER_OK)
        return;
    w->failed = w->failed || !bytes_are_zero(buffer->bytes, size);
    memset(buffer->bytes, 7, size);
    w->failed = w->failed || buffers_give(&w->world->buffers, buffer) != COFFER_OK;
}

static void work(void *argument)
{
    struct worker *w = argument;
    struct world *world = w->world;
    void *records[RECORDS] = {NULL};

    for (unsigned i = 0; i < ROUNDS && !w->failed; i++) {
        uint64_t what = random_below(&w->random, 100);
        void **record = &records[random_below(&w->random, RECORDS)];

        if (what < 50) {
            read_block(w, random_below(&w->random, KEYS));
        } else if (what < 75) {
            read_node(w, random_below(&w->random, KEYS));
        } else if (what < 85) {
            use_buffer(w);
        } else if (what < 99 && *record == NULL) {
            if (memory_alloc(world->memory, world->owner,
                             1 + (size_t)random_below(&w->random, 12000), record) != COFFER_OK)
                *record = NULL;
        } else if (what < 99) {
            memory_free(world->memory, *record);
            *record = NULL;
        } else {
            (void)reclaim_tick(&world->reclaim, 1000);
        }
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        if (records[i] != NULL)
            memory_free(world->memory, records[i]);
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

static uint64_t given(const struct world *world)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < world->reclaim.source_count; i++)
        bytes += counter_get(&world->reclaim.counters.source_bytes[i]);
    return bytes;
}

static void test_beside_the_collector(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    start(&world, true);
    run(&world);
    assert_true(given(&world) > 0);
    assert_true(counter_get(&world.reclaim.counters.runs) > 0);
    end(&world);
}

static void test_with_ticks_alone(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    start(&world, false);
    run(&world);
    assert_true(given(&world) > 0);
    end(&world);
}

/* Left alone, the thread sends all home that is too old. */
static void test_rounds_of_the_thread(void **state)
{
    struct world world;
    struct cache_statistics now;
    struct worker w = {.world = &world};

    (void)state;
    begin(&world);
    start(&world, true);
    for (uint64_t key = 0; key < 20; key++)
        read_block(&w, key);
    assert_false(w.failed);
    cache_statistics(world.blocks.frames.core, &now);
    for (unsigned tries = 0; now.entries > 2 && tries < 2000; tries++) {
        struct timespec ms = {.tv_nsec = (long)MS};

        (void)nanosleep(&ms, NULL);
        cache_statistics(world.blocks.frames.core, &now);
    }
    assert_int_equal(now.entries, 2);
    assert_true(now.counters.expirations >= 18);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_collector),
        cmocka_unit_test(test_with_ticks_alone),
        cmocka_unit_test(test_rounds_of_the_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
