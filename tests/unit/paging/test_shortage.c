/* SPDX-License-Identifier: BSD-2-Clause */
/* When there is no room: the right error, at once, and everything as it was. */
#include "fixture.h"

static int setup(void **state)
{
    return fixture_setup_with(state,
                              &(struct paging_fixture_settings){.frames = 64, .slots = SLOTS});
}

static int setup_without_store(void **state)
{
    return fixture_setup_with(state, &(struct paging_fixture_settings){.frames = 64});
}

/* Store into page after page until that fails. How many there are then, and how it failed. */
static uint64_t fill(struct paging_fixture *f, struct object *object, enum coffer_status *status)
{
    uint64_t i = 0;

    while ((*status = fake_store(f, object, i, i + 1)) == COFFER_OK)
        i++;
    assert_true(fake_is_valid(f));
    assert_absent(f, object, i);
    return i;
}

/* The first `count` pages have what was stored, and one more can't be had. */
static void assert_full(struct paging_fixture *f, struct object *object, uint64_t count,
                        enum coffer_status expected)
{
    uint64_t free = paging_fixture_free(f);
    uint64_t bytes = f->memory->account.lines[f->owner.index].bytes;

    for (unsigned round = 0; round < 3; round++)
        assert_status(fake_store(f, object, count, 1), expected);
    assert_int_equal(paging_fixture_free(f), free);
    assert_int_equal(f->memory->account.lines[f->owner.index].bytes, bytes);
    for (uint64_t i = 0; i < count; i++)
        assert_value(f, object, i, i + 1);
    assert_true(fake_is_valid(f));
}

static void test_no_store_and_no_memory(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    enum coffer_status status;
    uint64_t count = fill(f, object, &status);

    assert_int_equal(status, COFFER_NO_MEMORY);
    assert_in_range(count, 40, 64);
    assert_full(f, object, count, COFFER_NO_MEMORY);
    assert_ok(fake_discard(f, object, 0, 1));
    store_value(f, object, count, 1);
    fake_drop(f, object);
}

static void test_a_full_store(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    enum coffer_status status;
    uint64_t count = fill(f, object, &status);

    assert_int_equal(status, COFFER_NO_SPACE);
    assert_int_equal(f->slots_used, SLOTS);
    assert_in_range(count, 40 + SLOTS, 64 + SLOTS);
    assert_status(fake_store(f, object, count, 1), COFFER_NO_SPACE);
    assert_ok(fake_discard(f, object, 0, 1));
    store_value(f, object, count, 1);
    fake_drop(f, object);
}

/* The store is full of copies of pages that are resident and clean: they go for nothing. */
static void test_a_full_store_still_lets_clean_pages_go(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);

    for (uint64_t i = 0; i < SLOTS; i++)
        store_value(f, object, i, i + 1);
    assert_int_equal(evict_all(f), SLOTS);
    for (uint64_t i = 0; i < SLOTS; i++)
        assert_value(f, object, i, i + 1);
    fake_arm(f, FAKE_WRITE, 0, false, COFFER_OK);
    for (uint64_t i = SLOTS; i < SLOTS + 40; i++)
        store_value(f, object, i, i + 1);
    assert_int_equal(fake_calls(f, FAKE_WRITE), 0);
    for (uint64_t i = SLOTS; i < SLOTS + 40; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

static void test_a_store_that_cannot_be_written(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    enum coffer_status status;
    uint64_t count;

    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    count = fill(f, object, &status);
    assert_int_equal(status, COFFER_IO);
    assert_full(f, object, count, COFFER_IO);
    assert_int_equal(f->slots_used, 0);
    fake_disarm(f, FAKE_WRITE);
    store_value(f, object, count, count + 1);
    for (uint64_t i = 0; i <= count; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

static void test_a_file_that_cannot_be_written(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, 200, false);
    struct object *object = fake_object(f, 200, &file->pager);
    enum coffer_status status;
    uint64_t count;

    fake_arm(f, FAKE_PAGER_WRITE, 1, true, COFFER_FAILED);
    count = fill(f, object, &status);
    assert_int_equal(status, COFFER_IO);
    assert_full(f, object, count, COFFER_IO);
    fake_disarm(f, FAKE_PAGER_WRITE);
    store_value(f, object, count, count + 1);
    fake_drop(f, object);
    fake_file_free(file);
}

/* One page that can't be written keeps no other from going. */
static void test_one_bad_page_harms_no_other(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, 1, false);
    struct object *bad = fake_object(f, 1, &file->pager);
    struct object *object = fake_object(f, 100, NULL);

    fake_arm(f, FAKE_PAGER_WRITE, 1, true, COFFER_IO);
    store_value(f, bad, 0, 5);
    for (uint64_t i = 0; i < 64; i++)
        store_value(f, object, i, i + 1);
    assert_value(f, bad, 0, 5);
    assert_int_equal(file->reads, 1);
    for (uint64_t i = 0; i < 64; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, bad);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_all_pages_are_pinned(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    uint64_t i = 0;

    while (fake_store(f, object, i, i + 1) == COFFER_OK) {
        assert_ok(fake_pin(f, object, i));
        i++;
    }
    assert_in_range(i, 40, 64);
    assert_full(f, object, i, COFFER_NO_MEMORY);
    assert_int_equal(f->slots_used, 0);
    fake_drop(f, object);
}

/* A copy needs its source: with one frame for both there is no way, and that is said. */
static void test_a_copy_needs_two_frames(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone = NULL;
    uint64_t ins;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    assert_ok(fake_clone(f, object, &clone));
    store_value(f, clone, 4, 45); /* there is room for the records now */
    assert_int_equal(evict_all(f), 3);
    paging_fixture_leave(f, 1);
    assert_value(f, clone, 3, 33);
    ins = fake_statistics(f).page_ins;
    assert_status(fake_store(f, clone, 3, 34), COFFER_NO_MEMORY);
    assert_resident(f, clone, 3); /* it wasn't thrown out for its own copy, again and again */
    assert_int_equal(fake_statistics(f).page_ins, ins);
    assert_value(f, object, 3, 33);
    assert_value(f, clone, 4, 45);
    assert_value(f, object, 4, 44);
    paging_fixture_give_back(f);
    paging_fixture_leave(f, 2);
    store_value(f, clone, 3, 34);
    assert_value(f, object, 3, 33);
    assert_value(f, clone, 3, 34);
    fake_drop(f, clone);
    fake_drop(f, object);
}

static void test_a_clone_makes_room_for_itself(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    struct object *clone = NULL;

    for (uint64_t i = 0; i < 60; i++)
        store_value(f, object, i, i + 1);
    assert_ok(fake_pin(f, object, 59));
    paging_fixture_leave(f, 0);
    assert_ok(fake_clone(f, object, &clone));
    for (uint64_t i = 0; i < 60; i++) {
        assert_value(f, clone, i, i + 1);
        assert_value(f, object, i, i + 1);
    }
    fake_drop(f, clone);
    fake_drop(f, object);
}

static void test_a_clone_that_fails_changes_nothing(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 200, NULL);
    struct object *clone = NULL;
    uint64_t bytes;

    for (uint64_t i = 0; i < 20; i++)
        store_value(f, object, i * 10, i + 1);
    assert_ok(fake_pin(f, object, 100));
    bytes = f->memory->account.lines[f->owner.index].bytes;
    for (uint64_t n = 1;; n++) {
        enum coffer_status status;

        fake_arm(f, FAKE_ALLOC, n, true, COFFER_NO_MEMORY);
        status = fake_clone(f, object, &clone);
        fake_disarm(f, FAKE_ALLOC);
        if (status == COFFER_OK)
            break;
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_int_equal(f->memory->account.lines[f->owner.index].bytes, bytes);
        assert_true(fake_is_valid(f));
        for (uint64_t i = 0; i < 20; i++) {
            store_value(f, object, i * 10, i + n);
            assert_false(fake_query(f, object, i * 10).shared);
        }
    }
    fake_drop(f, clone);
    fake_drop(f, object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        cmocka_unit_test_setup_teardown(test_no_store_and_no_memory, setup_without_store,
                                        fixture_teardown),
        TEST(test_a_full_store),
        TEST(test_a_full_store_still_lets_clean_pages_go),
        TEST(test_a_store_that_cannot_be_written),
        TEST(test_a_file_that_cannot_be_written),
        TEST(test_one_bad_page_harms_no_other),
        TEST(test_all_pages_are_pinned),
        TEST(test_a_copy_needs_two_frames),
        TEST(test_a_clone_makes_room_for_itself),
        TEST(test_a_clone_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
