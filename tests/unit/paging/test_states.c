/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an anonymous page, transition by transition; discards and pins. */
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

static int setup_keeping_contents(void **state)
{
    return fixture_setup_with(state, &(struct paging_fixture_settings){
                                         .frames = 64, .slots = SLOTS, .keep_contents = true});
}

/* ABSENT -> RESIDENT: zeroed, writable at once. */
static void test_the_first_touch_gives_zeros(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object_page_info info;

    assert_absent(f, object, 3);
    assert_value(f, object, 3, 0);
    info = fake_query(f, object, 3);
    assert_true(info.resident);
    assert_false(info.dirty || info.shared);
    assert_non_null(info.frame);
    assert_int_equal(fake_statistics(f).zero_fills, 1);
    assert_int_equal(object->zero_fills, 1);
    assert_absent(f, object, 2);
    fake_drop(f, object);
}

/* Frames whose last contents were not wiped. */
static void test_kept_contents_are_never_seen(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 40, NULL);

    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 40; i++) {
            assert_value(f, object, i, 0);
            store_value(f, object, i, 0xbad);
        }
        assert_ok(fake_discard(f, object, 0, 40));
    }
    fake_drop(f, object);
}

/* RESIDENT -> WRITING -> SWAPPED -> LOADING -> RESIDENT, with the contents. */
static void test_a_dirty_page_goes_out_and_comes_back(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    uint64_t free;

    store_value(f, object, 3, 33);
    free = paging_fixture_free(f);
    assert_int_equal(evict_all(f), 1);
    assert_swapped(f, object, 3);
    assert_int_equal(paging_fixture_free(f), free + 1);
    assert_null(fake_map_of(object, 3)->frame);
    assert_int_equal(f->slots_used, 1);
    assert_value(f, object, 3, 33);
    assert_int_equal(object->page_outs, 1);
    assert_int_equal(object->page_ins, 1);
    fake_drop(f, object);
    assert_int_equal(f->slots_used, 0);
}

/* RESIDENT -> ABSENT: never written, so nothing is stored. */
static void test_a_zero_page_needs_no_slot(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    fake_arm(f, FAKE_RESERVE, 0, false, COFFER_OK);
    assert_value(f, object, 3, 0);
    assert_int_equal(evict_all(f), 1);
    assert_absent(f, object, 3);
    assert_int_equal(fake_calls(f, FAKE_RESERVE), 0);
    assert_int_equal(fake_statistics(f).page_drops, 1);
    assert_value(f, object, 3, 0);
    fake_drop(f, object);
}

/* RESIDENT -> SWAPPED without I/O, until it is written again. */
static void test_a_clean_page_keeps_its_copy(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    fake_arm(f, FAKE_WRITE, 0, false, COFFER_OK);
    assert_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    assert_swapped(f, object, 3);
    assert_int_equal(fake_calls(f, FAKE_WRITE), 0);

    store_value(f, object, 3, 34);
    assert_int_equal(evict_all(f), 1);
    assert_int_equal(fake_calls(f, FAKE_WRITE), 1);
    assert_int_equal(f->slots_used, 1);
    assert_value(f, object, 3, 34);
    fake_drop(f, object);
}

/* Changes through the linear window are changes. */
static void test_a_marked_page_is_dirty(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object_page page;

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    paging_lock(f->paging);
    while (object_get(object, 3, true, &page) == COFFER_BUSY)
        ;
    page_fill(page.frame, 35);
    object_mark_dirty(object, 3);
    paging_unlock(f->paging);
    assert_int_equal(f->slots_used, 0);
    assert_int_equal(evict_all(f), 1);
    assert_value(f, object, 3, 35);
    fake_drop(f, object);
}

/* LOADING -> LOST: for good, and nobody else is harmed. */
static void test_a_page_that_came_back_wrong_is_lost(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    uint64_t value;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    assert_int_equal(evict_all(f), 2);
    fake_arm(f, FAKE_READ, 1, false, COFFER_CORRUPT);
    for (unsigned i = 0; i < 3; i++) {
        assert_status(fake_load(f, object, 3, &value), COFFER_CORRUPT);
        assert_status(fake_store(f, object, 3, 1), COFFER_CORRUPT);
    }
    assert_true(fake_query(f, object, 3).lost);
    assert_int_equal(fake_calls(f, FAKE_READ), 1);
    assert_int_equal(fake_statistics(f).corrupt_pages, 1);
    assert_int_equal(f->slots_used, 1);
    assert_value(f, object, 4, 44);

    assert_ok(fake_discard(f, object, 3, 1));
    assert_value(f, object, 3, 0);
    fake_drop(f, object);
}

/* LOADING -> SWAPPED: nothing is lost by an error. */
static void test_a_failed_read_can_be_tried_again(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    uint64_t value;
    uint64_t free;

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    free = paging_fixture_free(f);
    fake_arm(f, FAKE_READ, 1, false, COFFER_IO);
    assert_status(fake_load(f, object, 3, &value), COFFER_IO);
    assert_swapped(f, object, 3);
    assert_int_equal(paging_fixture_free(f), free);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

/* WRITING -> RESIDENT: dirty as before, on the active list. */
static void test_a_failed_write_leaves_the_page(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    store_value(f, object, 3, 33);
    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    assert_int_equal(evict_all(f), 0);
    assert_true(fake_query(f, object, 3).resident && fake_query(f, object, 3).dirty);
    assert_int_equal(fake_statistics(f).active, 1);
    assert_true(fake_statistics(f).out_errors > 0);
    assert_int_equal(f->slots_used, 0);
    fake_disarm(f, FAKE_WRITE);
    assert_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

static void test_without_a_store_dirty_pages_stay(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    store_value(f, object, 3, 33);
    assert_value(f, object, 4, 0);
    assert_int_equal(evict_all(f), 1);
    assert_resident(f, object, 3);
    assert_absent(f, object, 4);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

static void test_discard_forgets_pages_in_any_state(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 20, NULL);
    uint64_t value;

    for (uint64_t i = 0; i < 16; i++)
        store_value(f, object, i, 100 + i);
    assert_int_equal(evict_all(f), 16);
    fake_arm(f, FAKE_READ, 1, false, COFFER_CORRUPT);
    assert_status(fake_load(f, object, 5, &value), COFFER_CORRUPT); /* lost */
    assert_value(f, object, 6, 106);                                /* clean, with a copy */
    store_value(f, object, 7, 77);                                  /* dirty */
    assert_value(f, object, 8, 108);
    assert_ok(fake_pin(f, object, 8)); /* pinned; the others are swapped, or absent */

    assert_ok(fake_discard(f, object, 4, 10));
    for (uint64_t i = 4; i < 14; i++)
        assert_absent(f, object, i);
    assert_int_equal(f->slots_used, 6);
    for (uint64_t i = 0; i < 20; i++)
        assert_value(f, object, i, i < 4 || i == 14 || i == 15 ? 100 + i : 0);
    fake_drop(f, object);
}

static void test_ranges_end_with_the_object(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 4, NULL);
    struct object_page page;

    store_value(f, object, 3, 33);
    paging_lock(f->paging);
    assert_status(object_get(object, 4, false, &page), COFFER_MISUSE);
    assert_status(object_get(object, UINT64_MAX, true, &page), COFFER_MISUSE);
    assert_false(object_query(object, UINT64_MAX).resident);
    assert_status(object_pin(object, 4), COFFER_MISUSE);
    assert_ok(object_discard(object, 4, UINT64_MAX));
    assert_ok(object_discard(object, UINT64_MAX, UINT64_MAX));
    assert_true(object_query(object, 3).resident);
    object->client = NULL; /* it maps nothing any more */
    assert_ok(object_discard(object, 1, UINT64_MAX));
    assert_false(object_query(object, 3).resident);
    object->client = f->maps;
    fake_map_of(object, 3)->frame = NULL;
    paging_unlock(f->paging);
    fake_drop(f, object);
}

static void test_objects_grow_at_their_end(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = NULL;
    struct object_page page;

    paging_lock(f->paging);
    assert_status(object_make(f->paging, f->owner, ((uint64_t)1 << 32) + 1, NULL, &object),
                  COFFER_NO_MEMORY);
    assert_ok(object_make(f->paging, f->owner, 1, NULL, &object));
    assert_status(object_grow(object, (uint64_t)1 << 32), COFFER_NO_MEMORY);
    assert_ok(object_grow(object, ((uint64_t)1 << 32) - 1));
    assert_ok(object_get(object, 0, true, &page));
    assert_ok(object_get(object, UINT32_MAX, true, &page));
    assert_true(paging_is_valid(f->paging));
    assert_true(object_query(object, UINT32_MAX).resident);
    object_drop(object);
    paging_unlock(f->paging);
}

static void test_next_finds_what_is_not_absent(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 5000, NULL);
    struct object_page_info info;
    uint64_t index = 0;

    paging_lock(f->paging);
    assert_false(object_next(object, &index, &info));
    paging_unlock(f->paging);
    store_value(f, object, 4095, 1);
    evict_all(f);
    assert_value(f, object, 70, 0);
    paging_lock(f->paging);
    assert_true(object_next(object, &index, &info));
    assert_int_equal(index, 70);
    assert_true(info.resident);
    index++;
    assert_true(object_next(object, &index, &info));
    assert_int_equal(index, 4095);
    assert_true(info.swapped);
    index++;
    assert_false(object_next(object, &index, &info));
    assert_int_equal(index, 4096);
    paging_unlock(f->paging);
    fake_drop(f, object);
}

/* --- Pins -------------------------------------------------------------------------------- */

static void test_pinned_pages_stay(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);

    assert_status(fake_pin(f, object, 3), COFFER_MISUSE); /* not resident */
    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    assert_ok(fake_pin(f, object, 3));
    assert_ok(fake_pin(f, object, 3));
    assert_int_equal(fake_statistics(f).pinned, 1);
    assert_int_equal(evict_all(f), 1);
    assert_non_null(fake_map_of(object, 3)->frame);
    assert_int_equal(fake_query(f, object, 3).pins, 2);
    fake_unpin(f, object, 3);
    assert_int_equal(evict_all(f), 0);
    fake_unpin(f, object, 3);
    assert_int_equal(fake_statistics(f).pinned, 0);
    assert_int_equal(evict_all(f), 1);
    assert_status(fake_pin(f, object, 3), COFFER_MISUSE); /* swapped */
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

static void test_pins_are_counted_up_to_their_end(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 1, NULL);

    store_value(f, object, 0, 1);
    for (unsigned i = 0; i < 65535; i++)
        assert_ok(fake_pin(f, object, 0));
    assert_status(fake_pin(f, object, 0), COFFER_NO_MEMORY);
    for (unsigned i = 0; i < 65535; i++)
        fake_unpin(f, object, 0);
    assert_int_equal(evict_all(f), 1);
    fake_drop(f, object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_the_first_touch_gives_zeros),
        cmocka_unit_test_setup_teardown(test_kept_contents_are_never_seen, setup_keeping_contents,
                                        fixture_teardown),
        TEST(test_a_dirty_page_goes_out_and_comes_back),
        TEST(test_a_zero_page_needs_no_slot),
        TEST(test_a_clean_page_keeps_its_copy),
        TEST(test_a_marked_page_is_dirty),
        TEST(test_a_page_that_came_back_wrong_is_lost),
        TEST(test_a_failed_read_can_be_tried_again),
        TEST(test_a_failed_write_leaves_the_page),
        cmocka_unit_test_setup_teardown(test_without_a_store_dirty_pages_stay, setup_without_store,
                                        fixture_teardown),
        TEST(test_discard_forgets_pages_in_any_state),
        TEST(test_ranges_end_with_the_object),
        TEST(test_objects_grow_at_their_end),
        TEST(test_next_finds_what_is_not_absent),
        TEST(test_pinned_pages_stay),
        TEST(test_pins_are_counted_up_to_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
