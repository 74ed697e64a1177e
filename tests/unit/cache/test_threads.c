/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core with threads: waiters on a load, on a failed one and on a write; and eight threads on a
 * few keys, in a few entries, while one shrinks and expires.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "coffer/linux.h"
#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS 8u
#define KEYS    32u
#define WORDS   16u
#define BYTES   (sizeof(struct page) + 24)

/* An entry of words that are all the same. */
struct page {
    struct cache_entry core;
    uint64_t words[WORDS];
};

struct world {
    const struct coffer_port *port;
    struct memory *memory;
    struct owner owner;
    struct cache_share share;
    struct cache *cache;
    struct cache_type type;
    struct cache_group group;
    struct cache_set set;
    uint8_t *region;
    _Atomic uint64_t stored[KEYS]; /* the device: a version of each key */
    atomic_uint writers[KEYS];     /* at work on the key, to be 1 at most */
    atomic_uint made, loads, writes, failures;
    atomic_bool stop;
    bool refuses; /* make now and then */
};

#define REGION_SIZE ((size_t)64 * FRAME_SIZE)

static struct cache_entry *make(void *context)
{
    struct world *world = context;
    struct page *page;

    if (world->refuses && atomic_load(&world->loads) % 5 == 3)
        return NULL;
    page = must_alloc(sizeof(*page));
    memset(page, 0, sizeof(*page));
    atomic_fetch_add(&world->made, 1);
    return &page->core;
}

static void unmake(void *context, struct cache_entry *entry)
{
    struct world *world = context;

    must(((struct page *)entry)->words[0] == 0);
    atomic_fetch_sub(&world->made, 1);
    free(entry);
}

static void let_go(void *context, struct cache_entry *entry)
{
    (void)context;
    memset(((struct page *)entry)->words, 0, sizeof(((struct page *)entry)->words));
}

/* Each key's words: its number and a version. */
static uint64_t word_of(uint64_t key, uint64_t version)
{
    return (key + 1) << 32 | version;
}

static enum coffer_status write_back(void *context, struct cache_entry *entry)
{
    struct world *world = context;
    struct page *page = (struct page *)entry;
    uint64_t key = entry->index;

    must(atomic_fetch_add(&world->writers[key], 1) == 0);
    world->port->thread_yield(world->port->context);
    for (unsigned i = 0; i < WORDS; i++)
        must(page->words[i] == page->words[0] && page->words[0] >> 32 == key + 1);
    if (atomic_fetch_add(&world->writes, 1) % 7 != 3) {
        atomic_store(&world->stored[key], page->words[0] & UINT32_MAX);
        atomic_fetch_sub(&world->writers[key], 1);
        return COFFER_OK;
    }
    atomic_fetch_add(&world->failures, 1);
    atomic_fetch_sub(&world->writers[key], 1);
    return COFFER_IO;
}

static void world_open(struct world *world, enum cache_policy policy, size_t min, size_t max,
                       bool writes_back)
{
    const struct cache_bounds bounds = {.entries_min = min, .entries_max = max};
    const struct memory_settings settings = {.keep_contents = false};
    struct memory_area area;

    memset(world, 0, sizeof(*world));
    world->port = coffer_linux_port();
    world->region = aligned_alloc(FRAME_SIZE, REGION_SIZE);
    must(world->region != NULL);
    area = (struct memory_area){world->region, REGION_SIZE};
    must(memory_open(&area, 1, &settings, &world->memory) == COFFER_OK);
    must(account_open_owner(&world->memory->account, "cache", &world->owner) == COFFER_OK);
    cache_share_init(&world->share, world->port, 0);
    cache_group_init(&world->group);
    cache_set_init(&world->set);
    world->type = (struct cache_type){.name = "pages",
                                      .policy = policy,
                                      .entry_bytes = BYTES,
                                      .make = make,
                                      .unmake = unmake,
                                      .let_go = let_go,
                                      .write_back = writes_back ? write_back : NULL};
    must(cache_open(&world->share, world->memory, world->owner, &world->type, world, &bounds,
                    &world->cache) == COFFER_OK);
}

static void world_close(struct world *world)
{
    must(cache_is_valid(world->cache));
    cache_close(world->cache);
    must(atomic_load(&world->made) == 0 && atomic_load(&world->share.bytes) == 0);
    must(account_line_bytes(&world->memory->account.lines[world->owner.index], FRAME_SIZE) == 0);
    memory_close(world->memory);
    free(world->region);
}

static struct cache_statistics statistics_of(struct world *world)
{
    struct cache_statistics statistics;

    cache_statistics(world->cache, &statistics);
    return statistics;
}

/* A thread of a small test: one call, and what came of it. */
struct caller {
    struct world *world;
    struct thread thread;
    uint64_t key;
    struct cache_entry *entry;
    enum coffer_status status;
    bool claimed;
    atomic_bool done;
};

static void start(struct caller *caller, void (*body)(void *))
{
    atomic_init(&caller->done, false);
    thread_start(&caller->thread, body, caller);
}

static void get_body(void *argument)
{
    struct caller *caller = argument;
    struct cache_key key = {.group = &caller->world->group, .index = caller->key};

    caller->status = cache_get(caller->world->cache, &key, 0, &caller->entry, &caller->claimed);
    atomic_store(&caller->done, true);
}

static struct cache_entry *claim(struct world *world, uint64_t index)
{
    struct cache_key key = {.group = &world->group, .index = index};
    struct cache_entry *entry = NULL;
    bool claimed = false;

    assert_int_equal(cache_get(world->cache, &key, 0, &entry, &claimed), COFFER_OK);
    assert_true(claimed);
    return entry;
}

static void wait_for_waits(struct world *world, uint64_t count)
{
    while (statistics_of(world).counters.waits < count)
        world->port->thread_yield(world->port->context);
}

static void check_waiters(enum coffer_status status)
{
    struct caller callers[3];
    struct cache_entry *entry;
    struct world world;

    world_open(&world, CACHE_LRU, 1, 4, false);
    entry = claim(&world, 7);
    for (unsigned i = 0; i < 3; i++) {
        callers[i] = (struct caller){.world = &world, .key = 7};
        start(&callers[i], get_body);
    }
    wait_for_waits(&world, 3);
    assert_true(cache_is_valid(world.cache));
    for (unsigned i = 0; i < 3; i++)
        assert_false(atomic_load(&callers[i].done));
    cache_loaded(world.cache, entry, status);
    for (unsigned i = 0; i < 3; i++) {
        thread_join(&callers[i].thread);
        assert_int_equal(callers[i].status, status);
        if (status != COFFER_OK) {
            assert_null(callers[i].entry);
            continue;
        }
        assert_false(callers[i].claimed);
        assert_ptr_equal(callers[i].entry, entry);
        cache_unpin(world.cache, callers[i].entry);
    }
    assert_true(cache_is_valid(world.cache));
    assert_int_equal(statistics_of(&world).counters.misses, 1);
    assert_int_equal(statistics_of(&world).counters.hits, status == COFFER_OK ? 3 : 0);
    if (status == COFFER_OK)
        cache_unpin(world.cache, entry);
    assert_int_equal(statistics_of(&world).pinned, 0);
    assert_int_equal(statistics_of(&world).spare, status == COFFER_OK ? 0 : 1);
    world_close(&world);
}

static void test_one_load_serves_all_who_ask(void **state)
{
    (void)state;
    check_waiters(COFFER_OK);
}

static void test_a_failed_load_is_told_to_all_who_wait(void **state)
{
    (void)state;
    check_waiters(COFFER_CORRUPT);
}

static void dirty_body(void *argument)
{
    struct caller *caller = argument;

    cache_dirty(caller->world->cache, caller->entry, &caller->world->set);
    atomic_store(&caller->done, true);
}

static void test_a_change_waits_for_the_write(void **state)
{
    struct cache_entry *entry;
    struct caller caller;
    struct world world;

    (void)state;
    world_open(&world, CACHE_LRU, 1, 4, false);
    for (unsigned fails = 0; fails < 2; fails++) {
        entry = claim(&world, fails);
        cache_loaded(world.cache, entry, COFFER_OK);
        cache_dirty(world.cache, entry, &world.set);
        assert_true(cache_write_begin(world.cache, entry));
        caller = (struct caller){.world = &world, .entry = entry};
        start(&caller, dirty_body);
        wait_for_waits(&world, fails + 1);
        assert_false(atomic_load(&caller.done));
        cache_write_end(world.cache, entry, fails ? COFFER_IO : COFFER_OK);
        thread_join(&caller.thread);
        assert_int_equal(entry->state, CACHE_DIRTY); /* again, or still */
        assert_int_equal(world.set.count, 1);
        assert_true(cache_is_valid(world.cache));
        cache_forget(world.cache, entry);
        assert_int_equal(world.set.count, 0);
    }
    world_close(&world);
}

/* --- Eight at once --- */

struct crowd {
    struct world world;
    struct port_lock locks[KEYS]; /* who may change a key's words */
    uint64_t latest[KEYS];        /* versions, under the locks */
    atomic_uint loading[KEYS];
    atomic_uint arrived;
    unsigned steps;
};

struct worker {
    struct crowd *crowd;
    struct random random;
};

static void fill(struct page *page, uint64_t word)
{
    for (unsigned i = 0; i < WORDS; i++)
        page->words[i] = word;
}

/* Load what was claimed; now and then that fails. */
static enum coffer_status load(struct worker *worker, uint64_t key, struct cache_entry *entry)
{
    struct crowd *crowd = worker->crowd;
    struct world *world = &crowd->world;
    enum coffer_status status = COFFER_OK;

    must(atomic_fetch_add(&crowd->loading[key], 1) == 0);
    must(((struct page *)entry)->words[0] == 0);
    atomic_fetch_add(&world->loads, 1);
    world->port->thread_yield(world->port->context);
    fill((struct page *)entry, word_of(key, atomic_load(&world->stored[key])));
    if (random_below(&worker->random, 10) == 0)
        status = COFFER_IO;
    atomic_fetch_sub(&crowd->loading[key], 1);
    cache_loaded(world->cache, entry, status);
    return status;
}

/* The upper half of the keys is changed too, each under its lock; the rest is read without. */
static void step(struct worker *worker)
{
    struct crowd *crowd = worker->crowd;
    const struct coffer_port *port = crowd->world.port;
    struct cache *cache = crowd->world.cache;
    uint64_t key = random_below(&worker->random, KEYS);
    struct cache_key of = {.group = &crowd->world.group, .index = key};
    bool locked = key >= KEYS / 2;
    enum coffer_status status;
    struct cache_entry *entry;
    bool claimed;

    if (locked)
        port->lock_take(port->context, &crowd->locks[key]);
    status = cache_get(cache, &of, 0, &entry, &claimed);
    if (status == COFFER_OK && claimed)
        status = load(worker, key, entry);
    if (status == COFFER_OK) {
        struct page *page = (struct page *)entry;

        must(page->words[0] == word_of(key, crowd->latest[key]));
        for (unsigned i = 1; i < WORDS; i++)
            must(page->words[i] == page->words[0]);
        if (locked && random_below(&worker->random, 2) == 0) {
            cache_dirty(cache, entry, &crowd->world.set);
            fill(page, word_of(key, ++crowd->latest[key]));
        }
        if (random_below(&worker->random, 4) == 0)
            port->thread_yield(port->context);
        cache_unpin(cache, entry);
    }
    if (locked)
        port->lock_give(port->context, &crowd->locks[key]);
    must(status == COFFER_OK || status == COFFER_IO || status == COFFER_NO_MEMORY);
    if (status == COFFER_NO_MEMORY)
        port->thread_yield(port->context);
}

static void work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned i = 0; i < worker->crowd->steps; i++)
        step(worker);
}

/* Time, shortage and curiosity, all along. */
static void disturb(void *argument)
{
    struct worker *worker = argument;
    struct world *world = &worker->crowd->world;
    const struct coffer_port *port = world->port;

    while (!atomic_load(&world->stop)) {
        struct cache_statistics now = statistics_of(world);

        must(now.entries >= 4 && now.entries <= 16);
        (void)cache_shrink(world->cache, random_below(&worker->random, 12) * BYTES, 12);
        (void)cache_expire(world->cache, port->clock_ns(port->context) - 100000, 5);
        must(cache_is_valid(world->cache));
        port->thread_yield(port->context);
    }
}

static void run_crowd(struct crowd *crowd, void (*body)(void *), bool disturbed, const char *name)
{
    struct worker workers[THREADS + 1];
    struct thread disturber;
    struct random random;

    random_init(&random, name);
    for (unsigned i = 0; i <= THREADS; i++) {
        workers[i].crowd = crowd;
        workers[i].random.state = random_next(&random);
    }
    if (disturbed)
        thread_start(&disturber, disturb, &workers[THREADS]);
    threads_run(body, workers, THREADS);
    atomic_store(&crowd->world.stop, true);
    if (disturbed)
        thread_join(&disturber);
}

/* Write what is dirty, as a commit would, until it has worked. */
static void write_all(struct world *world)
{
    struct cache_entry *entry;

    while ((entry = cache_set_next(world->cache, &world->set, NULL)) != NULL) {
        if (cache_write_begin(world->cache, entry))
            cache_write_end(world->cache, entry, write_back(world, entry));
        cache_unpin(world->cache, entry);
    }
}

static void check_crowd(enum cache_policy policy, bool refuses, const char *name)
{
    struct crowd *crowd = must_alloc(sizeof(*crowd));
    struct world *world = &crowd->world;
    struct cache_statistics now;

    memset(crowd, 0, sizeof(*crowd));
    world_open(world, policy, 4, 16, true);
    world->refuses = refuses;
    crowd->steps = getenv("COFFER_DEEP") != NULL ? 60000 : 3000;
    for (unsigned i = 0; i < KEYS; i++)
        must(world->port->lock_init(world->port->context, &crowd->locks[i]) == COFFER_OK);
    run_crowd(crowd, work, true, name);
    assert_true(cache_is_valid(world->cache));
    write_all(world);
    for (unsigned i = 0; i < KEYS; i++) {
        assert_int_equal(atomic_load(&world->stored[i]), crowd->latest[i]);
        world->port->lock_fini(world->port->context, &crowd->locks[i]);
    }
    now = statistics_of(world);
    assert_int_equal(now.counters.misses, atomic_load(&world->loads));
    assert_int_equal(now.counters.write_failures, atomic_load(&world->failures));
    assert_int_equal(now.counters.write_backs,
                     atomic_load(&world->writes) - atomic_load(&world->failures));
    assert_true(now.counters.evictions > 0 && now.counters.hits > 0 && now.counters.waits > 0);
    assert_int_equal(now.pinned, 0);
    assert_int_equal(now.dirty, 0);
    assert_int_equal(now.entries, atomic_load(&world->made));
    world_close(world);
    free(crowd);
}

static void test_eight_threads_with_lru(void **state)
{
    (void)state;
    check_crowd(CACHE_LRU, false, "eight threads, lru");
}

static void test_eight_threads_with_clock(void **state)
{
    (void)state;
    check_crowd(CACHE_CLOCK, true, "eight threads, clock");
}

static void test_eight_threads_with_round_robin(void **state)
{
    (void)state;
    check_crowd(CACHE_ROUND_ROBIN, true, "eight threads, round robin");
}

/* All ask for one absent key at a time, and keep it until all have it. */
static void ask_together(void *argument)
{
    struct worker *worker = argument;
    struct crowd *crowd = worker->crowd;
    const struct coffer_port *port = crowd->world.port;

    for (unsigned i = 0; i < crowd->steps; i++) {
        struct cache_key key = {.group = &crowd->world.group, .index = i % KEYS};
        struct cache_entry *entry;
        bool claimed;

        must(cache_get(crowd->world.cache, &key, 0, &entry, &claimed) == COFFER_OK);
        if (claimed) {
            atomic_fetch_add(&crowd->world.loads, 1);
            port->thread_yield(port->context);
            fill((struct page *)entry, word_of(i, 0));
            cache_loaded(crowd->world.cache, entry, COFFER_OK);
        }
        must(((struct page *)entry)->words[WORDS - 1] == word_of(i, 0));
        atomic_fetch_add(&crowd->arrived, 1);
        while (atomic_load(&crowd->arrived) < THREADS * (i + 1))
            port->thread_yield(port->context);
        cache_unpin(crowd->world.cache, entry);
    }
}

static void test_one_absent_key_asked_by_many_is_one_load(void **state)
{
    struct crowd *crowd = must_alloc(sizeof(*crowd));

    (void)state;
    memset(crowd, 0, sizeof(*crowd));
    /* Two in use at once at most: who is slow still holds the one before. All who find a key absent
     * at one moment may each be emptying an entry for it: then others wait. */
    world_open(&crowd->world, CACHE_LRU, 2, 4, false);
    crowd->steps = KEYS;
    run_crowd(crowd, ask_together, false, "one load");
    assert_int_equal(atomic_load(&crowd->world.loads), KEYS);
    assert_int_equal(statistics_of(&crowd->world).counters.misses, KEYS);
    assert_int_equal(statistics_of(&crowd->world).counters.hits, KEYS * (THREADS - 1));
    world_close(&crowd->world);
    free(crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_load_serves_all_who_ask),
        cmocka_unit_test(test_a_failed_load_is_told_to_all_who_wait),
        cmocka_unit_test(test_a_change_waits_for_the_write),
        cmocka_unit_test(test_one_absent_key_asked_by_many_is_one_load),
        cmocka_unit_test(test_eight_threads_with_lru),
        cmocka_unit_test(test_eight_threads_with_clock),
        cmocka_unit_test(test_eight_threads_with_round_robin),
    };

    return cmocka_run_group_tests_name("cache threads", tests, NULL, NULL);
}
