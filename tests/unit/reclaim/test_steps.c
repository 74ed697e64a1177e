/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector's rules, with sources that are frames with ages and a clock that stands in hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "coffer/linux.h"
#include "memory/memory.h"
#include "reclaim/reclaim.h"
#include "support/must.h"

#define FRAMES       64u
#define LOW          8u
#define HIGH         16u
#define STEP_NS      1000u
#define PIECES       64u
#define SOURCES      3u
#define EXPIRE_STEPS 4u /* pieces that a step of expiry looks at */

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

struct world;

/* Frames that were used once each, the oldest first. */
struct toy {
    struct world *world;
    void *frames[PIECES];
    uint64_t used_ns[PIECES]; /* 0: it is empty */
    unsigned count;
    unsigned looked_at; /* by expiry */
    unsigned asked;
    unsigned most; /* steps that it was given at once */
};

struct world {
    struct coffer_port port;
    uint64_t now_ns;
    uint8_t *region;
    struct memory *memory;
    struct owner owner;
    struct reclaim reclaim;
    struct toy toys[SOURCES];
    void *taken[FRAMES];
    unsigned taken_count;
};

static uint64_t clock_ns(void *context)
{
    return ((struct world *)context)->now_ns;
}

static void drop(struct toy *toy, unsigned which)
{
    assert_ok(frames_give(toy->world->memory->frames, toy->frames[which]));
    toy->count--;
    toy->looked_at -= which < toy->looked_at;
    memmove(&toy->frames[which], &toy->frames[which + 1],
            (toy->count - which) * sizeof(toy->frames[0]));
    memmove(&toy->used_ns[which], &toy->used_ns[which + 1],
            (toy->count - which) * sizeof(toy->used_ns[0]));
}

static uint64_t step(void *context, uint64_t bytes, unsigned steps)
{
    struct toy *toy = context;
    uint64_t given = 0;

    toy->asked++;
    toy->most = steps > toy->most ? steps : toy->most;
    toy->world->now_ns += STEP_NS;
    for (; steps > 0 && given < bytes && toy->count > 0; steps--) {
        drop(toy, 0);
        given += FRAME_SIZE;
    }
    return given;
}

static uint64_t oldest(void *context)
{
    const struct toy *toy = context;

    return toy->count > 0 ? toy->used_ns[0] : UINT64_MAX;
}

/* What is too old becomes empty, and is the first to go. */
static bool expire(void *context, uint64_t before_ns, unsigned steps)
{
    struct toy *toy = context;
    unsigned end = toy->looked_at + (steps < EXPIRE_STEPS ? steps : EXPIRE_STEPS);

    for (; toy->looked_at < end && toy->looked_at < toy->count; toy->looked_at++) {
        if (toy->used_ns[toy->looked_at] < before_ns)
            toy->used_ns[toy->looked_at] = 0;
    }
    if (toy->looked_at < toy->count)
        return true;
    toy->looked_at = 0;
    return false;
}

static void begin(struct world *world, const struct reclaim_settings *wanted)
{
    struct reclaim_settings settings = *wanted;
    struct memory_settings memory = {.keep_contents = false};
    struct memory_area area;

    memset(world, 0, sizeof(*world));
    world->port = *coffer_linux_port();
    world->port.context = world;
    world->port.clock_ns = clock_ns;
    world->now_ns = 1000000;
    world->region = aligned_alloc(FRAME_SIZE, (size_t)FRAMES * FRAME_SIZE);
    must(world->region != NULL);
    area = (struct memory_area){world->region, (size_t)FRAMES * FRAME_SIZE};
    assert_ok(memory_open(&area, 1, &memory, &world->memory));
    assert_ok(account_open_owner(&world->memory->account, "test", &world->owner));
    settings.port = &world->port;
    settings.memory = world->memory;
    assert_ok(reclaim_init(&world->reclaim, &settings));
    for (unsigned i = 0; i < SOURCES; i++)
        world->toys[i].world = world;
}

static void add(struct world *world, unsigned which, bool direct)
{
    static const char *const names[SOURCES] = {"first", "second", "third"};
    const struct reclaim_source source = {.name = names[which],
                                          .context = &world->toys[which],
                                          .step = step,
                                          .oldest = oldest,
                                          .expire = expire,
                                          .direct = direct};

    assert_ok(reclaim_add(&world->reclaim, &source));
}

static void end(struct world *world)
{
    reclaim_stop(&world->reclaim);
    for (unsigned i = 0; i < SOURCES; i++) {
        while (world->toys[i].count > 0)
            drop(&world->toys[i], 0);
    }
    while (world->taken_count > 0)
        assert_ok(frames_give(world->memory->frames, world->taken[--world->taken_count]));
    assert_int_equal(world->memory->account.lines[world->owner.index].frames, 0);
    memory_close(world->memory);
    free(world->region);
}

static void own(struct world *world, unsigned which, unsigned count, uint64_t used_ns)
{
    struct toy *toy = &world->toys[which];

    while (count-- > 0) {
        assert_ok(frames_take(world->memory->frames, world->owner, 1, &toy->frames[toy->count]));
        toy->used_ns[toy->count++] = used_ns;
    }
}

static uint64_t frames_free(const struct world *world)
{
    return frames_statistics(world->memory->frames).free;
}

static bool take(struct world *world)
{
    void *frame;

    if (frames_take(world->memory->frames, world->owner, 1, &frame) != COFFER_OK)
        return false;
    world->taken[world->taken_count++] = frame;
    return true;
}

static void take_until(struct world *world, uint64_t left)
{
    while (frames_free(world) > left)
        assert_true(take(world));
}

static void test_nothing_is_due_nothing_is_done(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    add(&world, 0, true);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 20, 5);
    take_until(&world, LOW);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(world.toys[0].asked, 0);
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 0);
    assert_int_equal(counter_get(&world.reclaim.counters.ticks), 1);
    end(&world);
}

/* Below the low watermark as much is given back as the high one says, of whatever is oldest, what
 * is empty first. */
static void test_pressure_takes_the_oldest_up_to_the_high_watermark(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    for (unsigned i = 0; i < SOURCES; i++)
        add(&world, i, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 10, 500);
    own(&world, 1, 6, 200);
    own(&world, 2, 1, 0);
    own(&world, 2, 9, 600);
    take_until(&world, LOW - 1);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(frames_free(&world), HIGH);
    assert_int_equal(world.toys[1].count, 0);
    assert_int_equal(world.toys[0].count, 10);
    assert_true(world.toys[2].count <= 9 && world.toys[2].count >= 7); /* it gave some at once */
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 1);
    assert_int_equal(counter_get(&world.reclaim.counters.source_bytes[1]), 6 * FRAME_SIZE);
    for (unsigned i = 0; i < SOURCES; i++)
        assert_true(world.toys[i].most <= RECLAIM_STEPS);

    /* Between the marks nothing is due any more. */
    take_until(&world, LOW);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 1);
    end(&world);
}

static void test_a_tick_keeps_to_its_time(void **state)
{
    struct world world;
    unsigned steps;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = 40});
    add(&world, 0, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 50, 500);
    take_until(&world, LOW - 1);
    assert_true(reclaim_tick(&world.reclaim, STEP_NS));
    assert_int_equal(world.toys[0].asked, 1);
    assert_true(reclaim_tick(&world.reclaim, 1));
    assert_int_equal(world.toys[0].asked, 2);
    assert_true(reclaim_tick(&world.reclaim, 0));
    assert_int_equal(world.toys[0].asked, 3);
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 1);
    assert_false(reclaim_tick(&world.reclaim, 100 * STEP_NS));
    assert_int_equal(frames_free(&world), 40);

    steps = world.toys[0].asked;
    assert_int_equal(counter_get(&world.reclaim.counters.pauses), steps);
    assert_int_equal(counter_get(&world.reclaim.counters.pause_ns), steps * STEP_NS);
    assert_int_equal(world.reclaim.counters.pause_max_ns, STEP_NS);
    assert_int_equal(counter_get(&world.reclaim.counters.lengths[9]), steps); /* 512 to 1023 ns */
    end(&world);
}

static void test_without_a_clock_a_tick_is_a_step(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = 40});
    world.port.clock_ns = NULL;
    add(&world, 0, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 50, 500);
    take_until(&world, LOW - 1);
    assert_true(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(world.toys[0].asked, 1);
    end(&world);
}

/* Something that the one with age 0 can't give doesn't keep a run, or a round, from its end. */
static uint64_t always_empty(void *context)
{
    (void)context;
    return 0;
}

static uint64_t give_nothing(void *context, uint64_t bytes, unsigned steps)
{
    (void)bytes;
    (void)steps;
    ((struct toy *)context)->asked++;
    return 0;
}

static void check_progress(bool has_clock, uint64_t max_ns)
{
    struct world world;
    const struct reclaim_source miser = {
        .name = "third", .context = &world.toys[2], .step = give_nothing, .oldest = always_empty};
    unsigned ticks = 0;

    begin(&world, &(struct reclaim_settings){.low = LOW, .high = 12, .interval_ns = 100000});
    if (!has_clock)
        world.port.clock_ns = NULL;
    assert_ok(reclaim_add(&world.reclaim, &miser));
    add(&world, 0, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 20, 500);
    take_until(&world, LOW - 1);
    world.now_ns += 100000; /* a round is due, too */
    while (reclaim_tick(&world.reclaim, max_ns))
        assert_true(++ticks < 20);
    assert_int_equal(frames_free(&world), 12);
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 1);
    assert_int_equal(counter_get(&world.reclaim.counters.failures), 0);
    assert_int_equal(counter_get(&world.reclaim.counters.rounds), has_clock);
    assert_int_equal(world.toys[2].asked, has_clock ? 2 : 1);

    /* Nobody has enough: each run ends. */
    while (world.toys[0].count > 0)
        drop(&world.toys[0], 0);
    take_until(&world, 2);
    for (ticks = 0; reclaim_tick(&world.reclaim, max_ns);)
        assert_true(++ticks < 20);
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 2);
    assert_int_equal(counter_get(&world.reclaim.counters.failures), 1);
    end(&world);
}

static void test_little_time_gets_to_the_end(void **state)
{
    (void)state;
    check_progress(false, UINT64_MAX);
    check_progress(false, 0);
    check_progress(true, 0);
    check_progress(true, 1);
    check_progress(true, UINT64_MAX);
}

/* A source that ticks while it is asked. */
static bool nested_answer;

static uint64_t tick_meanwhile(void *context, uint64_t bytes, unsigned steps)
{
    nested_answer = reclaim_tick(&((struct toy *)context)->world->reclaim, UINT64_MAX);
    return step(context, bytes, steps);
}

static void test_a_second_one_is_told_that_somebody_is_at_it(void **state)
{
    struct world world;
    const struct reclaim_source source = {
        .name = "first", .context = &world.toys[0], .step = tick_meanwhile, .oldest = oldest};

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    assert_ok(reclaim_add(&world.reclaim, &source));
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 20, 500);
    take_until(&world, LOW - 1);
    nested_answer = false;
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_true(nested_answer);
    end(&world);
}

static void test_who_has_nothing_ends_the_run(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    add(&world, 0, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    take_until(&world, 2);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(counter_get(&world.reclaim.counters.failures), 1);

    /* It is tried again, as long as memory is short. */
    own(&world, 0, 2, 5);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(frames_free(&world), 2);
    assert_int_equal(counter_get(&world.reclaim.counters.runs), 2);
    assert_int_equal(counter_get(&world.reclaim.counters.failures), 1);
    end(&world);
}

static void test_rounds_send_home_what_nobody_used(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.interval_ns = 100000, .timeout_ns = 300000});
    add(&world, 0, false);
    add(&world, 1, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 10, world.now_ns);
    own(&world, 1, 1, world.now_ns);
    own(&world, 1, 1, world.now_ns + 300000);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(counter_get(&world.reclaim.counters.rounds), 0);
    world.now_ns += 100000;
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(counter_get(&world.reclaim.counters.rounds), 1);
    assert_int_equal(world.toys[0].count, 10);

    world.now_ns += 300000;
    while (reclaim_tick(&world.reclaim, 1))
        ;
    assert_int_equal(world.toys[0].count, 0);
    assert_int_equal(world.toys[1].count, 1);
    assert_int_equal(counter_get(&world.reclaim.counters.rounds), 2);
    end(&world);
}

/* What lies empty goes home in a round, whether anything is ever too old or not. */
static void test_rounds_send_home_what_lies_empty(void **state)
{
    (void)state;
    for (uint64_t timeout_ns = 0; timeout_ns <= UINT64_C(1) << 60;
         timeout_ns += UINT64_C(1) << 59) {
        struct world world;

        begin(&world, &(struct reclaim_settings){.interval_ns = 100000, .timeout_ns = timeout_ns});
        add(&world, 0, false);
        assert_ok(reclaim_start(&world.reclaim, false));
        own(&world, 0, 20, 0);
        own(&world, 0, 5, 700);
        world.now_ns += 100000;
        while (reclaim_tick(&world.reclaim, 1))
            ;
        assert_int_equal(world.toys[0].count, 5);
        assert_int_equal(counter_get(&world.reclaim.counters.rounds), 1);
        assert_int_equal(counter_get(&world.reclaim.counters.source_bytes[0]), 20 * FRAME_SIZE);
        end(&world);
    }
}

/* A take that finds nothing is helped on the spot, by those alone that may be asked there. */
static void test_a_take_is_helped_directly(void **state)
{
    struct world world;

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    add(&world, 0, false);
    add(&world, 1, true);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 0, 5, 1);
    own(&world, 1, 10, 700);
    take_until(&world, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_true(take(&world));
    assert_int_equal(world.toys[0].asked, 0);
    assert_int_equal(world.toys[1].count, 0);
    assert_true(world.toys[1].most < RECLAIM_STEPS);
    assert_false(take(&world));
    assert_int_equal(counter_get(&world.reclaim.counters.directs), 3);
    assert_int_equal(counter_get(&world.reclaim.counters.failures), 1);
    end(&world);
}

/* A source that can't tell an age is asked when the others have nothing, and in each round. */
static void test_what_has_no_age_comes_last(void **state)
{
    struct world world;
    const struct reclaim_source ageless = {
        .name = "third", .context = &world.toys[2], .step = step};

    (void)state;
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH, .interval_ns = 100000});
    assert_ok(reclaim_add(&world.reclaim, &ageless));
    add(&world, 0, false);
    assert_ok(reclaim_start(&world.reclaim, false));
    own(&world, 2, 2, 0);
    own(&world, 0, 5, 900);
    take_until(&world, 5);
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_int_equal(world.toys[0].count, 0);
    assert_int_equal(world.toys[2].count, 0);
    assert_int_equal(world.toys[2].asked, 1);
    assert_int_equal(frames_free(&world), 12);
    world.now_ns += 100000;
    assert_false(reclaim_tick(&world.reclaim, UINT64_MAX));
    assert_true(world.toys[2].asked > 1);
    end(&world);
}

static void test_what_cannot_be(void **state)
{
    struct reclaim_settings settings = {.low = 2, .high = 1};
    const struct reclaim_source source = {.name = "many", .step = step};
    struct reclaim reclaim;
    struct world world;

    (void)state;
    assert_int_equal(reclaim_init(&reclaim, &settings), COFFER_MISUSE);
    begin(&world, &(struct reclaim_settings){.low = LOW, .high = HIGH});
    for (unsigned i = 0; i < RECLAIM_SOURCES_MAX; i++)
        assert_ok(reclaim_add(&world.reclaim, &source));
    assert_int_equal(reclaim_add(&world.reclaim, &source), COFFER_NO_MEMORY);
    world.port.thread_start = NULL;
    assert_int_equal(reclaim_start(&world.reclaim, true), COFFER_UNSUPPORTED);
    world.reclaim.settings.high = 10 * FRAMES;
    assert_int_equal(reclaim_start(&world.reclaim, false), COFFER_MISUSE);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_due_nothing_is_done),
        cmocka_unit_test(test_pressure_takes_the_oldest_up_to_the_high_watermark),
        cmocka_unit_test(test_a_tick_keeps_to_its_time),
        cmocka_unit_test(test_without_a_clock_a_tick_is_a_step),
        cmocka_unit_test(test_little_time_gets_to_the_end),
        cmocka_unit_test(test_a_second_one_is_told_that_somebody_is_at_it),
        cmocka_unit_test(test_who_has_nothing_ends_the_run),
        cmocka_unit_test(test_rounds_send_home_what_nobody_used),
        cmocka_unit_test(test_rounds_send_home_what_lies_empty),
        cmocka_unit_test(test_a_take_is_helped_directly),
        cmocka_unit_test(test_what_has_no_age_comes_last),
        cmocka_unit_test(test_what_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
