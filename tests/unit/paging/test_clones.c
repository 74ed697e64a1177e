/* SPDX-License-Identifier: BSD-2-Clause */
/* Families: pages shared until one side writes, in every state a page can be in. */
#include "fixture.h"

static int setup(void **state)
{
    return fixture_setup_with(state,
                              &(struct paging_fixture_settings){.frames = 64, .slots = SLOTS});
}

static struct object *clone_of(struct paging_fixture *f, struct object *object)
{
    struct object *clone = NULL;

    assert_ok(fake_clone(f, object, &clone));
    assert_true(fake_is_valid(f));
    return clone;
}

static void test_a_clone_costs_no_frame_until_it_is_written(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    store_value(f, object, 3, 33);
    clone = clone_of(f, object);
    assert_value(f, clone, 3, 33);
    assert_ptr_equal(fake_query(f, clone, 3).frame, fake_query(f, object, 3).frame);
    assert_true(fake_query(f, clone, 3).shared);
    assert_int_equal(clone->owner.index, object->owner.index);
    assert_false(fake_map_of(object, 3)->writable);

    store_value(f, clone, 3, 34);
    assert_value(f, object, 3, 33);
    assert_value(f, clone, 3, 34);
    assert_int_equal(fake_statistics(f).copies, 1);
    assert_int_equal(clone->copies, 1);
    assert_false(fake_query(f, object, 3).shared);
    fake_drop(f, clone);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

static void test_the_original_copies_too(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    store_value(f, object, 3, 33);
    clone = clone_of(f, object);
    store_value(f, object, 3, 35);
    assert_value(f, clone, 3, 33);
    assert_value(f, object, 3, 35);
    fake_drop(f, object);
    assert_value(f, clone, 3, 33);
    fake_drop(f, clone);
}

static void test_the_last_that_shares_a_page_just_gets_it(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;
    void *frame;

    store_value(f, object, 3, 33);
    frame = fake_query(f, object, 3).frame;
    clone = clone_of(f, object);
    fake_drop(f, object);
    store_value(f, clone, 3, 34);
    assert_ptr_equal(fake_query(f, clone, 3).frame, frame);
    assert_int_equal(fake_statistics(f).copies, 0);
    fake_drop(f, clone);
}

/* The write before the clone was in the mapping's bits alone. */
static void test_what_was_dirty_is_known_before_it_is_shared(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    assert_value(f, object, 3, 0);
    store_value(f, object, 3, 33);
    assert_false(fake_query(f, object, 3).dirty);
    clone = clone_of(f, object);
    assert_true(fake_query(f, object, 3).dirty);
    assert_int_equal(evict_all(f), 1);
    assert_swapped(f, object, 3);
    assert_swapped(f, clone, 3);
    assert_int_equal(f->slots_used, 1);
    assert_value(f, clone, 3, 33);
    assert_value(f, object, 3, 33);
    assert_int_equal(fake_statistics(f).page_ins, 1);
    assert_int_equal(object->page_outs, 1);
    assert_int_equal(clone->page_outs, 1);
    fake_drop(f, object);
    fake_drop(f, clone);
}

/* A shared page goes only when all mappings of it are gone. */
static void test_a_victim_is_unmapped_everywhere(void **state)
{
    struct paging_fixture *f = *state;
    struct object *family[5];

    family[0] = fake_object(f, 10, NULL);
    store_value(f, family[0], 3, 33);
    for (unsigned i = 1; i < 5; i++)
        family[i] = clone_of(f, family[i - 1]);
    store_value(f, family[2], 3, 22);
    for (unsigned i = 0; i < 5; i++)
        assert_value(f, family[i], 3, i == 2 ? 22 : 33);
    assert_int_equal(evict_all(f), 2);
    for (unsigned i = 0; i < 5; i++)
        assert_null(fake_map_of(family[i], 3)->frame);
    for (unsigned i = 0; i < 5; i++)
        assert_value(f, family[i], 3, i == 2 ? 22 : 33);
    for (unsigned i = 0; i < 5; i++)
        fake_drop(f, family[i]);
}

static void test_shared_zeros_stay_zeros(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    assert_value(f, object, 3, 0);
    assert_value(f, object, 4, 0);
    clone = clone_of(f, object);
    store_value(f, clone, 3, 1);
    assert_value(f, object, 3, 0);
    assert_value(f, clone, 4, 0);
    assert_int_equal(evict_all(f), 3);
    assert_absent(f, object, 3);
    assert_absent(f, object, 4);
    assert_absent(f, clone, 4);
    assert_int_equal(f->slots_used, 1);
    assert_value(f, object, 4, 0);
    assert_value(f, clone, 3, 1);
    fake_drop(f, object);
    fake_drop(f, clone);
}

/* A copy of a zero page that nobody wrote is still droppable; of a written one it isn't. */
static void test_copies_know_whether_they_are_dirty(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    assert_value(f, object, 3, 0);
    store_value(f, object, 4, 44);
    clone = clone_of(f, object);
    assert_ok(fake_touch(f, clone, 3, true));
    assert_ok(fake_touch(f, clone, 4, true));
    assert_int_equal(evict_all(f), 4);
    assert_absent(f, clone, 3);
    assert_swapped(f, clone, 4);
    assert_value(f, clone, 4, 44);
    fake_drop(f, object);
    fake_drop(f, clone);
}

static void test_swapped_and_lost_pages_are_shared_too(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;
    uint64_t value;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    assert_int_equal(evict_all(f), 2);
    fake_arm(f, FAKE_READ, 1, false, COFFER_CORRUPT);
    assert_status(fake_load(f, object, 4, &value), COFFER_CORRUPT);
    clone = clone_of(f, object);
    assert_status(fake_load(f, clone, 4, &value), COFFER_CORRUPT);
    store_value(f, clone, 3, 34);
    assert_value(f, object, 3, 33);
    assert_ok(fake_discard(f, clone, 4, 1));
    assert_value(f, clone, 4, 0);
    assert_status(fake_load(f, object, 4, &value), COFFER_CORRUPT);
    fake_drop(f, object);
    fake_drop(f, clone);
}

static void test_discard_lets_go_of_one_share(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;

    store_value(f, object, 3, 33);
    clone = clone_of(f, object);
    assert_ok(fake_discard(f, object, 0, 10));
    assert_value(f, object, 3, 0);
    assert_value(f, clone, 3, 33);
    assert_int_equal(evict_all(f), 2);
    assert_value(f, clone, 3, 33);
    fake_drop(f, object);
    fake_drop(f, clone);
}

/* A pinned page must not change places under who pinned it: the clone gets a copy at once. */
static void test_pinned_pages_are_never_shared(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone;
    void *frame;

    store_value(f, object, 3, 33);
    assert_ok(fake_pin(f, object, 3));
    frame = fake_query(f, object, 3).frame;
    clone = clone_of(f, object);
    assert_int_equal(fake_query(f, clone, 3).pins, 0);
    store_value(f, object, 3, 34);
    assert_ptr_equal(fake_query(f, object, 3).frame, frame);
    assert_value(f, clone, 3, 33);
    assert_int_equal(evict_all(f), 1);
    assert_value(f, clone, 3, 33);
    fake_unpin(f, object, 3);

    /* And what is shared isn't pinned before it has been got for writing. */
    fake_drop(f, clone);
    clone = clone_of(f, object);
    assert_status(fake_pin(f, clone, 3), COFFER_MISUSE);
    assert_ok(fake_touch(f, clone, 3, true));
    assert_ok(fake_pin(f, clone, 3));
    fake_drop(f, clone);
    fake_drop(f, object);
}

static void test_clones_are_as_long_as_their_original(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 300, NULL);
    struct object *clone;

    for (uint64_t i = 0; i < 300; i += 10)
        store_value(f, object, i, i + 1);
    clone = clone_of(f, object);
    assert_int_equal(clone->page_count, 300);
    for (uint64_t i = 0; i < 300; i++)
        assert_value(f, clone, i, i % 10 == 0 ? i + 1 : 0);
    fake_drop(f, object);
    for (uint64_t i = 0; i < 300; i += 10)
        assert_value(f, clone, i, i + 1);
    fake_drop(f, clone);
}

static void test_files_have_no_clones(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, 4, false);
    struct object *object = fake_object(f, 4, &file->pager);
    struct object *clone = NULL;

    assert_status(fake_clone(f, object, &clone), COFFER_MISUSE);
    assert_null(clone);
    fake_drop(f, object);
    fake_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_a_clone_costs_no_frame_until_it_is_written),
        TEST(test_the_original_copies_too),
        TEST(test_the_last_that_shares_a_page_just_gets_it),
        TEST(test_what_was_dirty_is_known_before_it_is_shared),
        TEST(test_a_victim_is_unmapped_everywhere),
        TEST(test_shared_zeros_stay_zeros),
        TEST(test_copies_know_whether_they_are_dirty),
        TEST(test_swapped_and_lost_pages_are_shared_too),
        TEST(test_discard_lets_go_of_one_share),
        TEST(test_pinned_pages_are_never_shared),
        TEST(test_clones_are_as_long_as_their_original),
        TEST(test_files_have_no_clones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
