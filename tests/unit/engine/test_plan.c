/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan of secure memory, told and kept; the collector of a store, and its numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coffer.h"
#include "coffer/linux.h"
#include "coffer/memory.h"
#include "engine/engine.h"
#include "support/must.h"
#include "support/random.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

/* An address is all that a plan looks at. */
static struct coffer_config config_of(struct coffer_area *area, size_t size)
{
    *area = (struct coffer_area){.address = (void *)(uintptr_t)(64 * KIB), .size = size};
    return (struct coffer_config){.port = coffer_linux_port(), .areas = area, .area_count = 1};
}

static struct coffer_plan plan_of(size_t size, unsigned cache_frames, unsigned key_slots)
{
    struct coffer_area area;
    struct coffer_config config = config_of(&area, size);
    struct coffer_plan plan;

    config.cache_frames = cache_frames;
    config.key_slots = key_slots;
    assert_ok(coffer_plan(&config, &plan));
    return plan;
}

static void test_a_plan_adds_up(void **state)
{
    (void)state;
    for (size_t size = 64 * KIB; size <= 256 * MIB; size += size / 3) {
        struct coffer_plan plan = plan_of(size, 0, 0);
        uint64_t sum = 0;

        for (unsigned i = 0; i < plan.item_count; i++)
            sum += plan.items[i].bytes;
        assert_int_equal(sum, plan.aside);
        assert_true(plan.total <= size);
        assert_int_equal(plan.floating, plan.aside < plan.total ? plan.total - plan.aside : 0);
        assert_true(plan.low <= plan.high && plan.high <= plan.floating);
        assert_true(plan.needed >= plan.aside);
        assert_true(plan.fits == (plan.needed <= plan.total));
        assert_true(plan.fits == (size >= COFFER_MEMORY_MIN));
        for (unsigned i = 0; i < plan.item_count; i++) {
            if (strcmp(plan.items[i].name, "cache") == 0)
                assert_true(plan.items[i].bytes <= plan.caches_max);
        }
    }
}

static const struct coffer_component *component(const struct coffer_statistics *now,
                                                const char *name)
{
    for (unsigned i = 0; i < now->component_count; i++) {
        if (strcmp(now->components[i].name, name) == 0)
            return &now->components[i];
    }
    return NULL;
}

/* Who has memory at open is in the plan, with as much as he has at most. */
static void check_held(struct coffer *store, const struct coffer_plan *plan)
{
    struct coffer_statistics now;
    uint64_t held = 0;

    assert_ok(coffer_statistics_get(store, &now));
    assert_int_equal(now.memory_total, plan->total);
    for (unsigned i = 0; i < plan->item_count; i++) {
        const struct coffer_component *has = component(&now, plan->items[i].name);
        uint64_t idle = strcmp(plan->items[i].name, "staging") == 0 ? plan->buffers_idle : 0;

        must(has != NULL);
        if (has->held > plan->items[i].bytes + idle)
            fail_msg("%s: %u planned, %u held", plan->items[i].name, (unsigned)plan->items[i].bytes,
                     (unsigned)has->held);
        held += has->held;
    }
    assert_null(component(&now, "none"));
    assert_int_equal(held, now.memory_used); /* nobody has any who isn't in the plan */
    assert_true(now.memory_used <= plan->aside + plan->buffers_idle);
}

static void test_a_store_keeps_to_its_plan(void **state)
{
    static const size_t sizes[] = {256 * KIB, 300 * KIB, 512 * KIB, MIB, 3 * MIB, 32 * MIB};
    struct memory_device *disk = memory_device_open();

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned frames = 0; frames <= 40; frames += 40) {
            const struct store_options options = {
                .create = true, .memory = sizes[i], .cache_frames = frames};
            struct coffer_plan plan = plan_of(sizes[i], frames, 0);
            struct store_fixture fixture;

            assert_ok(store_fixture_open(&fixture, disk, &options));
            check_held(fixture.store, &plan);
            store_fixture_close(&fixture);
        }
    }
    memory_device_free(disk);
}

static void test_too_little_is_told(void **state)
{
    struct memory_device *disk = memory_device_open();
    struct store_options options = {.create = true, .memory = 128 * KIB};
    struct coffer_plan plan = plan_of(options.memory, 0, 0);
    struct store_fixture fixture;
    char wanted[100];

    (void)state;
    assert_int_equal(store_fixture_open(&fixture, disk, &options), COFFER_NO_MEMORY);
    assert_int_equal(fixture.notices[COFFER_NOTICE_MEMORY], 1);
    (void)snprintf(wanted, sizeof(wanted),
                   "secure memory has 128 KiB, and this configuration "
                   "needs %u KiB",
                   (unsigned)(plan.needed / KIB));
    assert_string_equal(fixture.last_notice, wanted);

    /* As much as was named is enough. */
    options.memory = plan.needed;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    store_fixture_close(&fixture);

    /* Caches that can't be had are an error, too. */
    options = (struct store_options){.create = true, .memory = MIB, .cache_frames = 256};
    assert_int_equal(store_fixture_open(&fixture, disk, &options), COFFER_NO_MEMORY);
    assert_int_equal(fixture.notices[COFFER_NOTICE_MEMORY], 1);
    memory_device_free(disk);
}

static bool opens(struct memory_device *disk, const struct store_options *options)
{
    struct store_fixture fixture;
    enum coffer_status status = store_fixture_open(&fixture, disk, options);

    assert_true(status == COFFER_OK || status == COFFER_NO_MEMORY);
    store_fixture_close(&fixture);
    return status == COFFER_OK;
}

/* What the plan says of a size is what opening says, to the frame; and what it needs is enough. */
static void test_what_fits_opens(void **state)
{
    static const unsigned frames[] = {0, 40, 41, 100, 200, 219, 10000};
    struct memory_device *disk = memory_device_open();

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct store_options options = {.create = true, .cache_frames = frames[i]};
        struct coffer_plan plan;

        for (size_t size = 220 * KIB; size <= MIB; size += size < 300 * KIB ? 4 * KIB : 92 * KIB) {
            options.memory = size;
            assert_true(opens(disk, &options) == plan_of(size, frames[i], 0).fits);
        }
        /* The tables of frames grow with it: what is needed of more is a little more. */
        plan = plan_of(MIB, frames[i], 0);
        options.memory = (size_t)(plan.needed + plan.needed / 16) / (4 * KIB) * (4 * KIB);
        assert_true(opens(disk, &options));
    }
    memory_device_free(disk);
}

static void test_watermarks_are_kept_or_refused(void **state)
{
    struct coffer_area area;
    struct coffer_config config = config_of(&area, MIB);
    struct coffer_plan plan;
    unsigned floating;

    (void)state;
    assert_ok(coffer_plan(&config, &plan));
    floating = (unsigned)(plan.floating / 4096);
    config.high_frames = floating;
    assert_ok(coffer_plan(&config, &plan));
    assert_int_equal(plan.high, plan.floating);
    assert_int_equal(plan.low, floating / 2 * 4096);
    config.low_frames = floating;
    assert_ok(coffer_plan(&config, &plan));
    assert_int_equal(plan.low, plan.floating);

    config.high_frames = floating + 1;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.high_frames = 0; /* a default that is lower */
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.low_frames = 1;
    assert_ok(coffer_plan(&config, &plan));
    assert_int_equal(plan.low, 4096);
    config.low_frames = 9;
    config.high_frames = 8;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.low_frames = 1;
    config.high_frames = 20;
    area.size = 200 * KIB; /* nothing floats: that it doesn't fit is what matters */
    assert_ok(coffer_plan(&config, &plan));
    assert_false(plan.fits);
}

static void test_wrong_numbers(void **state)
{
    struct coffer_area area;
    struct coffer_config config = config_of(&area, MIB);
    struct coffer_plan plan = {.total = 77};

    (void)state;
    assert_int_equal(coffer_plan(NULL, &plan), COFFER_MISUSE);
    assert_int_equal(coffer_plan(&config, NULL), COFFER_MISUSE);
    config.key_slots = 1;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.key_slots = 65;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.key_slots = 0;
    config.cache_frames = 39;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.cache_frames = UINT32_MAX;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    config.cache_frames = 0;
    area.size = 100;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_NO_MEMORY);
    config.area_count = 0;
    assert_int_equal(coffer_plan(&config, &plan), COFFER_MISUSE);
    assert_int_equal(plan.total, 77);
    assert_int_equal(coffer_tick(NULL, 1), COFFER_MISUSE);
}

/* --- The collector ----------------------------------------------------------------------- */

static void fill(struct coffer *store, unsigned objects, size_t size)
{
    uint8_t *bytes = must_alloc(size);

    memset(bytes, 1, size);
    for (unsigned i = 0; i < objects; i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "o%u", i);
        assert_ok(coffer_put(store, &(struct coffer_name){.id = id, .id_size = strlen(id)}, 0, NULL,
                             bytes, size));
    }
    free(bytes);
}

static void read_all(struct coffer *store, unsigned objects, size_t size)
{
    uint8_t *bytes = must_alloc(size);

    for (unsigned i = 0; i < objects; i++) {
        struct coffer_object *object;
        char id[8];
        size_t got;

        (void)snprintf(id, sizeof(id), "o%u", i);
        assert_ok(coffer_object_open(store, &(struct coffer_name){.id = id, .id_size = strlen(id)},
                                     &object));
        for (size_t at = 0; at < size; at += 1000) {
            assert_ok(coffer_object_read(object, at, bytes, 1000, &got));
            assert_int_equal(got, size - at < 1000 ? size - at : 1000);
            assert_int_equal(bytes[got - 1], 1);
        }
        coffer_object_close(object);
    }
    free(bytes);
}

static struct coffer_statistics now_of(struct coffer *store)
{
    struct coffer_statistics now;

    assert_ok(coffer_statistics_get(store, &now));
    return now;
}

static void check_numbers(const struct coffer_statistics *now)
{
    uint64_t lengths = 0;
    uint64_t bytes = 0;
    uint64_t steps = 0;

    for (unsigned i = 0; i < COFFER_PAUSES; i++)
        lengths += now->collector_lengths[i];
    for (unsigned i = 0; i < now->source_count; i++) {
        bytes += now->sources[i].bytes;
        steps += now->sources[i].steps;
    }
    assert_int_equal(lengths, now->collector_pauses);
    assert_int_equal(steps, now->collector_pauses);
    assert_int_equal(bytes, now->collector_bytes);
    assert_true(now->collector_pause_max_ns <= now->collector_pause_ns);
}

/* The caches may have all there is; when others want memory they give it. */
static void test_caches_leave_room_for_others(void **state)
{
    const size_t memory = 600 * KIB;
    struct memory_device *disk = memory_device_open();
    struct store_options options = {.create = true, .memory = memory};
    struct coffer_plan plan = plan_of(memory, 0, 0);
    struct coffer_object *objects[300];
    struct coffer_statistics now;
    struct store_fixture fixture;

    (void)state;
    options.cache_frames = 40 + (unsigned)(plan.floating / 4096);
    assert_ok(store_fixture_open(&fixture, disk, &options));
    fill(fixture.store, 300, 5000);
    read_all(fixture.store, 300, 5000);
    now = now_of(fixture.store);
    assert_true(now.memory_total - now.memory_used >= plan.low);

    /* Every handle keeps an open object. */
    for (unsigned i = 0; i < 300; i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "o%u", i);
        assert_ok(coffer_object_open(
            fixture.store, &(struct coffer_name){.id = id, .id_size = strlen(id)}, &objects[i]));
        if (i % 8 == 0) {
            enum coffer_status status = coffer_tick(fixture.store, UINT64_MAX);

            assert_int_equal(status, COFFER_OK);
        }
    }
    now = now_of(fixture.store);
    check_numbers(&now);
    assert_true(now.collector_runs > 0);
    assert_true(now.collector_bytes > 0);
    assert_int_equal(now.collector_ticks, 38);
    assert_true(now.memory_peak <= now.memory_total);
    for (unsigned i = 0; i < 300; i++)
        coffer_object_close(objects[i]);
    read_all(fixture.store, 300, 5000);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

static void open_with(struct coffer_config *config, struct coffer_area *area,
                      struct memory_device *disk, struct coffer **out)
{
    static const struct coffer_key key = {COFFER_KEY_HUK, store_fixture_huk,
                                          STORE_FIXTURE_HUK_SIZE};

    area->size = MIB;
    area->address = aligned_alloc(4096, area->size);
    must(area->address != NULL);
    if (config->port == NULL)
        config->port = coffer_linux_port();
    config->ciphers = coffer_linux_ciphers();
    config->device = memory_device_attach(disk);
    config->areas = area;
    config->area_count = 1;
    config->key = &key;
    config->create = true;
    assert_ok(coffer_open(config, out));
}

/* The store's memory, looked at from outside, says what the plan has set. */
static void test_the_memory_tells_its_watermarks(void **state)
{
    struct coffer_memory_statistics memory;
    struct memory_device *disk = memory_device_open();
    struct coffer_config config = {.low_frames = 3, .high_frames = 5};
    struct coffer_area area;
    struct coffer *store;

    (void)state;
    open_with(&config, &area, disk, &store);
    coffer_memory_statistics(coffer_memory_of(store), &memory);
    assert_int_equal(memory.low, 3);
    assert_int_equal(memory.high, 5);
    coffer_close(store);
    free(area.address);
    memory_device_free(disk);
}

static const struct port_lock *first_lock;

static void take_first(void *context, struct port_lock *lock)
{
    const struct coffer_port *port = coffer_linux_port();

    (void)context;
    if (first_lock == NULL)
        first_lock = lock;
    port->lock_take(port->context, lock);
}

/* An object that was found is as young as the blocks that were read before. */
static void test_ages_are_of_one_clock(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true, .memory = MIB};
    struct store_fixture fixture;
    struct coffer *store;
    uint64_t blocks_read;

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    store = fixture.store;
    fill(store, 1, 100000);
    read_all(store, 1, 100000);
    read_all(store, 1, 100000);
    blocks_read = cache_share_now(&store->share);
    read_all(store, 1, 1000);
    assert_true(cache_oldest_use(store->store.objects.core, true) >= blocks_read);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

/* In a port without conditions a tick waits for other calls as they do for it. */
static void test_a_tick_takes_the_one_lock(void **state)
{
    struct memory_device *disk = memory_device_open();
    struct coffer_port port = *coffer_linux_port();
    struct coffer_config config = {.port = &port};
    const struct port_lock *of_calls;
    struct coffer_area area;
    struct coffer *store;

    (void)state;
    port.thread_start = NULL;
    port.thread_join = NULL;
    port.condition_init = NULL;
    port.condition_fini = NULL;
    port.condition_wait = NULL;
    port.condition_signal = NULL;
    port.condition_broadcast = NULL;
    port.lock_take = take_first;
    open_with(&config, &area, disk, &store);
    first_lock = NULL;
    (void)now_of(store);
    of_calls = first_lock;
    assert_non_null(of_calls);
    first_lock = NULL;
    assert_ok(coffer_tick(store, 0));
    assert_ptr_equal(first_lock, of_calls);
    coffer_close(store);
    free(area.address);
    memory_device_free(disk);
}

static size_t blocks_kept(const struct coffer *store)
{
    struct cache_statistics statistics;

    cache_statistics(store->blocks.frames.core, &statistics);
    return statistics.entries - statistics.spare;
}

/* Rounds send home what lies empty. Where nothing is too old, what was read stays, though the
 * objects are closed. */
static void test_rounds_leave_alone_what_is_not_old(void **state)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    struct memory_device *disk = memory_device_open();
    struct coffer_config config = {.collect_interval_ms = 1};
    struct coffer_area area;
    struct coffer *store;
    size_t kept;

    (void)state;
    open_with(&config, &area, disk, &store);
    fill(store, 10, 20000);
    read_all(store, 10, 20000);
    kept = blocks_kept(store);
    assert_true(kept > 20);
    for (unsigned round = 0; round < 3; round++) {
        (void)nanosleep(&ms, NULL);
        while (coffer_tick(store, 0) == COFFER_BUSY)
            continue;
    }
    assert_true(now_of(store).collector_rounds > 1);
    assert_int_equal(blocks_kept(store), kept);
    coffer_close(store);
    free(area.address);
    memory_device_free(disk);
}

/* With a thread of its own the store forgets by itself what nobody uses. */
static void test_a_thread_forgets_what_is_old(void **state)
{
    struct memory_device *disk = memory_device_open();
    struct coffer_config config = {
        .collector_thread = true, .collect_interval_ms = 1, .cache_timeout_ms = 3};
    struct coffer_statistics now;
    struct coffer_area area;
    struct coffer *store;

    (void)state;
    open_with(&config, &area, disk, &store);
    fill(store, 20, 20000);
    read_all(store, 20, 20000);
    for (unsigned tries = 0; tries < 3000; tries++) {
        struct timespec ms = {.tv_nsec = 1000000};

        now = now_of(store);
        if (now.cache_frames <= 40 && now.collector_rounds > 5)
            break;
        (void)nanosleep(&ms, NULL);
    }
    check_numbers(&now);
    assert_true(now.cache_frames <= 40);
    assert_true(now.collector_bytes > 0);
    read_all(store, 20, 20000);
    coffer_close(store);
    free(area.address);
    memory_device_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_adds_up),
        cmocka_unit_test(test_a_store_keeps_to_its_plan),
        cmocka_unit_test(test_too_little_is_told),
        cmocka_unit_test(test_what_fits_opens),
        cmocka_unit_test(test_watermarks_are_kept_or_refused),
        cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_caches_leave_room_for_others),
        cmocka_unit_test(test_the_memory_tells_its_watermarks),
        cmocka_unit_test(test_ages_are_of_one_clock),
        cmocka_unit_test(test_a_tick_takes_the_one_lock),
        cmocka_unit_test(test_rounds_leave_alone_what_is_not_old),
        cmocka_unit_test(test_a_thread_forgets_what_is_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
