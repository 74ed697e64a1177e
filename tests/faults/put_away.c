/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A damaged object is put into quarantine while something fails: each device call in each way, each
 * allocation, and the power behind each operation, with any subset of what no barrier covers.
 * Whatever was answered: the bytes of the object are in its file or in quarantine, whole; the other
 * object is what it was; and the same call, once more, ends what was begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coffer.h"
#include "memory/memory.h"
#include "support/fault_plan.h"
#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/recording.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define MEMORY        (512u * 1024)
#define UNSETTLED_MAX 8u

static struct memory_device *base; /* "bad", whose file is 0, and "good" */
static uint8_t *bad_bytes;         /* of its file */
static size_t bad_size;
static struct model model; /* what is there when all is over */

static int make_base(void **state)
{
    static const struct step bad = {.kind = STEP_PUT, .id = "bad", .size = 20000};
    static const struct step good = {.kind = STEP_PUT, .id = "good", .size = 9000};
    const struct store_options options = {.memory = MEMORY, .create = true};
    struct store_fixture fixture;
    const uint8_t *bytes;

    (void)state;
    base = memory_device_open();
    model_init(&model);
    must(store_fixture_open(&fixture, base, &options) == COFFER_OK);
    must(step_run(&bad, fixture.store) == COFFER_OK);
    must(step_run(&good, fixture.store) == COFFER_OK);
    step_apply(&good, &model);
    store_fixture_close(&fixture);
    memory_device_flip(base, "0", 68, 0x10); /* one of its nodes, so that it can't be opened */
    bytes = memory_device_bytes(base, "0", &bad_size);
    bad_bytes = memcpy(must_alloc(bad_size), bytes, bad_size);
    return 0;
}

static int free_base(void **state)
{
    (void)state;
    memory_device_free(base);
    model_fini(&model);
    free(bad_bytes);
    return 0;
}

/* How many files hold the damaged bytes; *aside: of them, in quarantine. */
static unsigned copies(struct memory_device *device, unsigned *aside)
{
    unsigned count = 0;

    *aside = 0;
    for (size_t i = 0; i < memory_device_file_count(device); i++) {
        const char *name = memory_device_file_name(device, i);
        size_t size;
        const uint8_t *bytes = memory_device_bytes(device, name, &size);

        if (size != bad_size || memcmp(bytes, bad_bytes, size) != 0)
            continue;
        count++;
        *aside += strncmp(name, "quarantine/", 11) == 0;
    }
    return count;
}

/* The store as it was left, opened anew: what holds, and how it goes on. */
static void expect_that_it_ends(struct memory_device *device, bool must_be_over)
{
    const struct store_options options = {.memory = MEMORY};
    const struct coffer_name name = step_name("bad");
    static const struct step next = {.kind = STEP_PUT, .id = "bad", .size = 300};
    struct coffer_object *object;
    struct store_fixture fixture;
    enum coffer_status status;
    struct model after;
    unsigned aside;
    char why[256];

    assert_true(copies(device, &aside) == 1);
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    status = coffer_object_open(fixture.store, &name, &object);
    assert_int_equal(status, status == COFFER_NOT_FOUND ? COFFER_NOT_FOUND : COFFER_CORRUPT);
    if (must_be_over)
        assert_int_equal(status, COFFER_NOT_FOUND);
    assert_int_equal(coffer_quarantine(fixture.store, &name),
                     status == COFFER_CORRUPT ? COFFER_OK : COFFER_NOT_FOUND);
    if (!model_matches(&model, fixture.store, why, sizeof(why)))
        fail_msg("%s", why);
    assert_int_equal(copies(device, &aside), 1);
    assert_int_equal(aside, 1);
    /* Its name and its number are used again, and what is in quarantine stays. */
    model_copy(&model, &after);
    assert_int_equal(step_run(&next, fixture.store), COFFER_OK);
    step_apply(&next, &after);
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    if (!model_matches(&after, fixture.store, why, sizeof(why)))
        fail_msg("%s", why);
    store_fixture_close(&fixture);
    assert_int_equal(copies(device, &aside), 1);
    assert_int_equal(aside, 1);
    model_fini(&after);
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)owner;
    (void)size;
    return fault_plan_strikes(argument, FAULT_CALL_OTHER);
}

/* One run with the fault; false: there were not so many calls. */
static bool strike(enum fault_kind kind, bool of_memory, uint64_t at)
{
    struct fault_plan plan = {.kind = kind, .at = at, .paused = true};
    const struct memory_settings settings = {.refuse = refuse, .refuse_argument = &plan};
    const struct store_options options = {.memory = MEMORY,
                                          .memory_settings = of_memory ? &settings : NULL};
    const struct coffer_name name = step_name("bad");
    struct memory_device *device = memory_device_clone(base);
    struct store_fixture fixture;
    enum coffer_status status;
    unsigned aside;

    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    if (!of_memory)
        memory_device_inject(device, &plan);
    plan.paused = false;
    status = coffer_quarantine(fixture.store, &name);
    plan.paused = true;
    if (!plan.fired)
        assert_int_equal(status, COFFER_OK);
    if (status != COFFER_OK && status != COFFER_FAILED && kind != FAULT_DEAD && !of_memory &&
        kind != FAULT_IO_AFTER)
        assert_true(copies(device, &aside) == 1 && aside == 0); /* it went back */
    memory_device_inject(device, NULL);
    store_fixture_close(&fixture);
    expect_that_it_ends(device, status == COFFER_OK);
    memory_device_free(device);
    return plan.fired;
}

static void test_each_device_call_fails(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        uint64_t at = 1;

        while (strike((enum fault_kind)kind, false, at))
            at++;
        fprintf(stderr, "%s: %u faults\n", fault_kind_name((enum fault_kind)kind),
                (unsigned)(at - 1));
        assert_true(at > 1);
    }
}

static void test_each_allocation_is_refused(void **state)
{
    uint64_t at = 1;

    (void)state;
    while (strike(FAULT_IO_BEFORE, true, at))
        at++;
    assert_true(at > 1);
}

/* All subsets of what no barrier covers behind the first n operations. */
static void cut(const struct recording *recording, size_t n, bool is_over)
{
    size_t unsettled[UNSETTLED_MAX];
    size_t count = recording_unsettled(recording, n, unsettled, UNSETTLED_MAX);

    must(count <= UNSETTLED_MAX);
    for (size_t mask = 0; mask < (size_t)1 << count; mask++) {
        struct keep keep[UNSETTLED_MAX];
        struct memory_device *device;

        for (size_t i = 0; i < count; i++)
            keep[i] = (struct keep){mask >> i & 1 ? KEEP_ALL : KEEP_NOTHING, 0};
        device = recording_replay(recording, n, keep);
        expect_that_it_ends(device, is_over);
        memory_device_free(device);
    }
}

static void test_the_power_goes(void **state)
{
    const struct store_options options = {.memory = MEMORY};
    const struct coffer_name name = step_name("bad");
    struct memory_device *device = memory_device_clone(base);
    struct recording *recording;
    struct store_fixture fixture;
    size_t end;

    (void)state;
    recording = recording_begin(device);
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    assert_int_equal(coffer_quarantine(fixture.store, &name), COFFER_OK);
    end = recording->count;
    store_fixture_close(&fixture);
    recording_end(recording, device);
    assert_true(end > 3);
    for (size_t n = 0; n <= recording->count; n++)
        cut(recording, n, n >= end);
    recording_free(recording);
    memory_device_free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_device_call_fails),
        cmocka_unit_test(test_each_allocation_is_refused),
        cmocka_unit_test(test_the_power_goes),
    };

    return cmocka_run_group_tests(tests, make_base, free_base);
}
