/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of files: read, written back before their frames go, synced. */
#include "fixture.h"

#define PAGES 20u

static int setup(void **state)
{
    return fixture_setup_with(state,
                              &(struct paging_fixture_settings){.frames = 64, .slots = SLOTS});
}

static void test_pages_are_read_when_they_are_touched(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    assert_value(f, object, 3, FILE_VALUE(3));
    assert_value(f, object, 3, FILE_VALUE(3));
    assert_int_equal(file->reads, 1);
    assert_int_equal(object->page_ins, 1);
    assert_int_equal(evict_all(f), 1);
    assert_absent(f, object, 3);
    assert_int_equal(file->writes, 0);
    assert_value(f, object, 3, FILE_VALUE(3));
    assert_int_equal(file->reads, 2);
    fake_drop(f, object);
    assert_int_equal(file->closes, 1);
    fake_file_free(file);
}

static void test_dirty_pages_are_written_before_their_frames_go(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    store_value(f, object, 3, 33);
    assert_int_equal(fake_file_value(file, 3), FILE_VALUE(3));
    assert_int_equal(evict_all(f), 1);
    assert_int_equal(file->writes, 1);
    assert_int_equal(fake_file_value(file, 3), 33);
    assert_int_equal(f->slots_used, 0);
    assert_absent(f, object, 3);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_a_failed_write_back_leaves_the_page(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    store_value(f, object, 3, 33);
    fake_arm(f, FAKE_PAGER_WRITE, 1, true, COFFER_IO);
    assert_int_equal(evict_all(f), 0);
    assert_resident(f, object, 3);
    fake_disarm(f, FAKE_PAGER_WRITE);
    assert_int_equal(evict_all(f), 1);
    assert_int_equal(fake_file_value(file, 3), 33);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_failed_reads_say_what_the_pager_said(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);
    static const enum coffer_status said[] = {COFFER_IO, COFFER_NO_SPACE, COFFER_NO_MEMORY};
    /* Those would be answers of paging's own: "look again", a page past the end. */
    static const enum coffer_status others[] = {COFFER_BUSY,   COFFER_MISUSE,
                                                COFFER_EXISTS, COFFER_NOT_FOUND,
                                                COFFER_FAILED, (enum coffer_status)77};
    uint64_t value;

    for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        fake_arm(f, FAKE_PAGER_READ, 1, false, said[i]);
        assert_status(fake_load(f, object, 3, &value), said[i]);
        assert_absent(f, object, 3);
    }
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fake_arm(f, FAKE_PAGER_READ, 1, false, others[i]);
        assert_status(fake_load(f, object, 3, &value), COFFER_IO);
        assert_absent(f, object, 3);
    }
    fake_arm(f, FAKE_PAGER_READ, 1, false, COFFER_CORRUPT);
    assert_status(fake_load(f, object, 3, &value), COFFER_CORRUPT);
    assert_status(fake_load(f, object, 3, &value), COFFER_CORRUPT);
    assert_true(fake_query(f, object, 3).lost);
    assert_ok(fake_discard(f, object, 3, 1));
    assert_value(f, object, 3, FILE_VALUE(3));
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_a_read_only_file_is_not_written(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, true);
    struct object *object = fake_object(f, PAGES, &file->pager);
    struct object_page page;

    assert_status(fake_store(f, object, 3, 33), COFFER_MISUSE);
    assert_value(f, object, 3, FILE_VALUE(3));
    paging_lock(f->paging);
    assert_ok(object_get(object, 3, false, &page));
    assert_false(page.writable);
    paging_unlock(f->paging);
    assert_int_equal(evict_all(f), 1);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_discard_forgets_changes(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    store_value(f, object, 3, 33);
    assert_ok(fake_discard(f, object, 0, PAGES));
    assert_int_equal(file->writes, 0);
    assert_value(f, object, 3, FILE_VALUE(3));
    fake_drop(f, object);
    fake_file_free(file);
}

/* --- Sync -------------------------------------------------------------------------------- */

static void test_sync_writes_what_is_dirty_and_keeps_it(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    for (uint64_t i = 0; i < PAGES; i++) {
        if (i % 2 == 0)
            store_value(f, object, i, 100 + i);
        else
            assert_value(f, object, i, FILE_VALUE(i));
    }
    assert_ok(fake_sync(f, object, 4, 10));
    assert_int_equal(file->writes, 5);
    for (uint64_t i = 0; i < PAGES; i++) {
        bool is_synced = i % 2 == 0 && i >= 4 && i < 14;

        assert_int_equal(fake_file_value(file, i), is_synced ? 100 + i : FILE_VALUE(i));
        assert_resident(f, object, i);
    }
    assert_true(fake_is_valid(f));

    /* Clean now: neither sync nor eviction writes them again, until they are. */
    assert_ok(fake_sync(f, object, 4, 10));
    assert_int_equal(file->writes, 5);
    store_value(f, object, 6, 66);
    assert_ok(fake_sync(f, object, 0, UINT64_MAX));
    assert_int_equal(file->writes, 11);
    assert_int_equal(fake_file_value(file, 6), 66);
    assert_int_equal(evict_all(f), PAGES);
    assert_int_equal(file->writes, 11);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_sync_tells_the_first_error_and_writes_the_rest(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);
    unsigned written = 0;

    for (uint64_t i = 0; i < PAGES; i++)
        store_value(f, object, i, 100 + i);
    fake_arm(f, FAKE_PAGER_WRITE, 3, false, COFFER_NO_SPACE);
    assert_status(fake_sync(f, object, 0, PAGES), COFFER_NO_SPACE);
    for (uint64_t i = 0; i < PAGES; i++)
        written += fake_file_value(file, i) == 100 + i;
    assert_int_equal(written, PAGES - 1);
    assert_true(fake_query(f, object, 2).dirty);
    assert_value(f, object, 2, 102);
    assert_ok(fake_sync(f, object, 0, PAGES));
    assert_int_equal(fake_file_value(file, 2), 102);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_sync_writes_pinned_pages_too(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, PAGES, false);
    struct object *object = fake_object(f, PAGES, &file->pager);

    store_value(f, object, 3, 33);
    assert_ok(fake_pin(f, object, 3));
    assert_ok(fake_sync(f, object, 0, PAGES));
    assert_int_equal(fake_file_value(file, 3), 33);
    assert_int_equal(fake_query(f, object, 3).pins, 1);
    assert_int_equal(evict_all(f), 0);
    fake_unpin(f, object, 3);
    assert_int_equal(evict_all(f), 1);
    fake_drop(f, object);
    fake_file_free(file);
}

static void test_sync_leaves_anonymous_pages_alone(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, PAGES, NULL);

    store_value(f, object, 3, 33);
    assert_ok(fake_sync(f, object, 0, PAGES));
    assert_true(fake_map_of(object, 3)->writable);
    fake_drop(f, object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_pages_are_read_when_they_are_touched),
        TEST(test_dirty_pages_are_written_before_their_frames_go),
        TEST(test_a_failed_write_back_leaves_the_page),
        TEST(test_failed_reads_say_what_the_pager_said),
        TEST(test_a_read_only_file_is_not_written),
        TEST(test_discard_forgets_changes),
        TEST(test_sync_writes_what_is_dirty_and_keeps_it),
        TEST(test_sync_tells_the_first_error_and_writes_the_rest),
        TEST(test_sync_writes_pinned_pages_too),
        TEST(test_sync_leaves_anonymous_pages_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
