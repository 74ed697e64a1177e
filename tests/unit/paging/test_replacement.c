/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages go: references, lists, bounds, batches, watermarks, quotas. */
#include "fixture.h"

#include "coffer/linux.h"

/* A port that counts how often the lock was taken, and how many pages were asked for references
 * each time. */
static struct {
    struct coffer_port port;
    struct paging_fixture *fixture;
    unsigned takes;
    uint64_t asked;     /* before it was taken last */
    uint64_t asked_max; /* while it was held once */
} counting;

static void counting_take(void *context, struct port_lock *lock)
{
    counting.takes++;
    counting.asked = counting.fixture->referenced_calls;
    coffer_linux_port()->lock_take(context, lock);
}

static void counting_give(void *context, struct port_lock *lock)
{
    uint64_t asked = counting.fixture->referenced_calls - counting.asked;

    if (asked > counting.asked_max)
        counting.asked_max = asked;
    coffer_linux_port()->lock_give(context, lock);
}

static int setup_with(void **state, struct paging_fixture_settings settings)
{
    counting.port = *coffer_linux_port();
    counting.port.lock_take = counting_take;
    counting.port.lock_give = counting_give;
    counting.fixture = must_alloc(sizeof(*counting.fixture));
    counting.fixture->referenced_calls = 0;
    settings.port = &counting.port;
    paging_fixture_open(counting.fixture, &settings);
    *state = counting.fixture;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, (struct paging_fixture_settings){.frames = 64, .slots = SLOTS});
}

static int setup_large(void **state)
{
    return setup_with(state, (struct paging_fixture_settings){.frames = 700, .slots = SLOTS});
}

static int setup_with_many_slots(void **state)
{
    return setup_with(state, (struct paging_fixture_settings){.frames = 64, .slots = 100});
}

static int setup_watermarks(void **state)
{
    return setup_with(
        state, (struct paging_fixture_settings){.frames = 64, .slots = 200, .low = 8, .high = 16});
}

static size_t reclaim(struct paging_fixture *f, size_t frames)
{
    size_t freed = paging_reclaim(f->paging, frames, (struct owner){0});

    assert_true(fake_is_valid(f));
    return freed;
}

static void test_the_oldest_page_goes_first(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    for (uint64_t i = 0; i < 8; i++)
        store_value(f, object, i, i + 1);
    fake_age(f);
    assert_int_equal(reclaim(f, 3), 3);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(fake_query(f, object, i).swapped, i < 3);
    fake_drop(f, object);
}

static void test_a_referenced_page_gets_a_second_chance(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 12, NULL);

    for (uint64_t i = 0; i < 12; i++)
        store_value(f, object, i, i + 1);
    assert_int_equal(reclaim(f, 1), 1);
    assert_int_equal(fake_statistics(f).inactive, 3); /* 1, 2, 3 */
    assert_value(f, object, 1, 2);
    assert_value(f, object, 3, 4);
    assert_int_equal(reclaim(f, 3), 3);
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(fake_query(f, object, i).swapped, i == 0 || i == 2 || i == 4 || i == 5);
    assert_int_equal(fake_statistics(f).second_chances, 2);
    fake_drop(f, object);
}

/* Pages in use stay while others pass through once, whatever the order. */
static void test_pages_in_use_outlast_a_stream(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 210, NULL);
    uint64_t ins;

    for (uint64_t i = 0; i < 10; i++)
        store_value(f, object, i, i + 1);
    paging_fixture_leave(f, 8);
    for (uint64_t i = 10; i < 210; i++) {
        assert_value(f, object, i, 0);
        for (uint64_t j = 0; j < 10; j++)
            assert_value(f, object, j, j + 1);
    }
    ins = fake_statistics(f).page_ins;
    assert_true(ins < 40); /* of 200 faults; any that came in was thrown out before */
    fake_drop(f, object);
}

static void test_the_active_list_feeds_the_inactive_one(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 12, NULL);

    for (uint64_t i = 0; i < 12; i++)
        store_value(f, object, i, i + 1);
    assert_int_equal(fake_statistics(f).active, 12);
    assert_int_equal(reclaim(f, 1), 1);
    /* The access that brought a page in is no reference that saves it. */
    assert_int_equal(fake_statistics(f).second_chances, 0);
    assert_true(fake_statistics(f).active <= 2 * (fake_statistics(f).inactive + 1));
    assert_int_equal(reclaim(f, 11), 11);
    fake_drop(f, object);
}

/* However busy the pages are: one that can go is found, and after four looks at each at most. */
static void test_references_delay_but_never_prevent(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 20, NULL);

    for (uint64_t i = 0; i < 20; i++)
        store_value(f, object, i, i + 1);
    f->always_referenced = true;
    assert_int_equal(reclaim(f, 5), 5);
    assert_true(fake_statistics(f).scanned <= 80);
    fake_drop(f, object);
}

static void test_a_scan_is_bounded_when_nothing_can_go(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 300, NULL);
    uint64_t scanned;

    for (uint64_t i = 0; i < 300; i++)
        store_value(f, object, i, i + 1);
    f->always_referenced = true;
    fake_arm(f, FAKE_RESERVE, 1, true, COFFER_NO_SPACE);
    scanned = fake_statistics(f).scanned;
    counting.asked_max = 0;
    assert_int_equal(reclaim(f, 1), 0);
    scanned = fake_statistics(f).scanned - scanned;
    assert_in_range(scanned, 300, 1200);
    assert_in_range(counting.asked_max, 1, PAGING_SCAN);
    fake_drop(f, object);
}

static void test_a_broken_store_is_given_up_on(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 300, NULL);

    for (uint64_t i = 0; i < 300; i++)
        store_value(f, object, i, i + 1);
    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    assert_int_equal(reclaim(f, 1000), 0);
    assert_in_range(fake_calls(f, FAKE_WRITE), 1, 64 + 4);
    fake_drop(f, object);
}

/* Room is made, and yet there is none: others took it, or it was no use. */
static void test_a_call_evicts_only_so_much_in_vain(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 301, NULL);

    for (uint64_t i = 0; i < 300; i++)
        assert_value(f, object, i, 0);
    fake_arm(f, FAKE_ALLOC, 1, true, COFFER_NO_MEMORY);
    assert_status(fake_touch(f, object, 300, false), COFFER_NO_MEMORY);
    assert_in_range(fake_calls(f, FAKE_ALLOC), 2, 33);
    assert_true(fake_statistics(f).inactive + fake_statistics(f).active >= 300 - 32 * 4);
    fake_disarm(f, FAKE_ALLOC);
    fake_drop(f, object);
}

static void test_victims_are_written_in_batches(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 20, NULL);
    unsigned takes;

    for (uint64_t i = 0; i < 20; i++)
        store_value(f, object, i, i + 1);
    fake_age(f);
    takes = counting.takes;
    assert_int_equal(paging_reclaim(f->paging, 12, (struct owner){0}), 12);
    /* To begin with, after each of three batches, and twice to let others in between; and the fake
     * store looks at the mappings at each of its writes. */
    assert_int_equal(counting.takes - takes, 1 + 3 + 2 + 12);
    assert_int_equal(fake_calls(f, FAKE_WRITE), 12);
    fake_drop(f, object);
}

static void test_who_has_the_lock_evicts_nothing(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    store_value(f, object, 3, 33);
    assert_false(paging_is_locked_here(f->paging));
    paging_lock(f->paging);
    assert_true(paging_is_locked_here(f->paging));
    assert_int_equal(paging_reclaim(f->paging, 1, (struct owner){0}), 0);
    paging_unlock(f->paging);
    assert_int_equal(reclaim(f, 1), 1);
    assert_int_equal(reclaim(f, 0), 0);
    fake_drop(f, object);
}

static void test_faults_keep_to_the_low_watermark(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 150, NULL);

    for (uint64_t i = 0; i < 150; i++) {
        store_value(f, object, i, i + 1);
        assert_true(paging_fixture_free(f) + 1 >= 8); /* one for a span of records now and then */
    }
    for (uint64_t i = 0; i < 150; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

/* It is a wish: with nothing to evict, the frames below it can be had. */
static void test_the_low_watermark_refuses_nobody(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 150, NULL);

    paging_fixture_leave(f, 10);
    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    for (uint64_t i = 0; i < 6; i++)
        store_value(f, object, i, i + 1);
    fake_disarm(f, FAKE_WRITE);
    fake_drop(f, object);
}

static void test_a_quota_is_kept_at_the_owners_own_cost(void **state)
{
    struct paging_fixture *f = *state;
    struct owner mine = f->owner;
    struct object *object = fake_object(f, 30, NULL);
    struct object *others;

    f->owner = f->other;
    others = fake_object(f, 10, NULL);
    f->owner = mine;
    for (uint64_t i = 0; i < 10; i++)
        store_value(f, others, i, i + 1);
    fake_age(f); /* and yet they stay */
    assert_ok(account_set_quota(&f->memory->account, f->owner, 12));
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 30; i++) {
            store_value(f, object, i, i + round);
            assert_true(f->memory->account.lines[f->owner.index].frames <= 12);
        }
    }
    for (uint64_t i = 0; i < 30; i++)
        assert_value(f, object, i, i + 1);
    for (uint64_t i = 0; i < 10; i++)
        assert_resident(f, others, i);
    assert_true(paging_fixture_free(f) > 20);

    assert_int_equal(paging_reclaim(f->paging, 4, f->other), 4);
    assert_int_equal(paging_reclaim(f->paging, 100, f->other), 6);
    for (uint64_t i = 0; i < 10; i++)
        assert_value(f, others, i, i + 1);
    fake_drop(f, others);
    fake_drop(f, object);
}

/* All of the owner's frames are pinned: others have to give nothing. */
static void test_a_quota_without_victims_is_a_shortage(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 30, NULL);
    uint64_t i = 0;

    assert_ok(account_set_quota(&f->memory->account, f->owner, 12));
    while (fake_store(f, object, i, i + 1) == COFFER_OK) {
        assert_ok(fake_pin(f, object, i));
        i++;
    }
    assert_in_range(i, 6, 12);
    assert_status(fake_store(f, object, i, i + 1), COFFER_NO_MEMORY);
    fake_unpin(f, object, 0);
    assert_ok(fake_store(f, object, i, i + 1));
    assert_swapped(f, object, 0);
    fake_drop(f, object);
}

static void test_settings_out_of_range_are_refused(void **state)
{
    struct paging_fixture *f = *state;
    struct paging_settings settings = {.memory = f->memory, .owner = f->other, .batch = 0};
    struct paging *paging = NULL;

    assert_status(paging_open(&settings, &paging), COFFER_MISUSE);
    settings.batch = 65;
    assert_status(paging_open(&settings, &paging), COFFER_MISUSE);
    settings.batch = 64;
    settings.low = 2;
    settings.high = 1;
    assert_status(paging_open(&settings, &paging), COFFER_MISUSE);
    assert_null(paging);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)             cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
#define TEST_WITH(name, setup) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_the_oldest_page_goes_first),
        TEST(test_a_referenced_page_gets_a_second_chance),
        TEST(test_pages_in_use_outlast_a_stream),
        TEST(test_the_active_list_feeds_the_inactive_one),
        TEST(test_references_delay_but_never_prevent),
        TEST_WITH(test_a_scan_is_bounded_when_nothing_can_go, setup_large),
        TEST_WITH(test_a_broken_store_is_given_up_on, setup_large),
        TEST_WITH(test_a_call_evicts_only_so_much_in_vain, setup_large),
        TEST(test_victims_are_written_in_batches),
        TEST(test_who_has_the_lock_evicts_nothing),
        TEST_WITH(test_faults_keep_to_the_low_watermark, setup_watermarks),
        TEST_WITH(test_the_low_watermark_refuses_nobody, setup_watermarks),
        TEST_WITH(test_a_quota_is_kept_at_the_owners_own_cost, setup_with_many_slots),
        TEST(test_a_quota_without_victims_is_a_shortage),
        TEST(test_settings_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
