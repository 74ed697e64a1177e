/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects and their handles (coffer.h, store/store.h S1 to S5). */
#include "fixture.h"

static void test_handles_on_one_object_see_one_state(void **state)
{
    struct coffer_object *a, *b;
    struct coffer_info info;
    uint8_t byte = 0;
    size_t got;

    (void)state;
    assert_ok(put("x", 'x', 10000));
    assert_ok(open_object("x", &a));
    assert_ok(open_object("x", &b));
    assert_ok(coffer_object_write(a, 5000, "!", 1));
    assert_ok(coffer_object_read(b, 5000, &byte, 1, &got));
    assert_int_equal(byte, '!');
    assert_ok(coffer_object_write(b, 12000, "?", 1));
    assert_ok(coffer_object_info(a, &info));
    assert_int_equal(info.size, 12001);
    assert_ok(coffer_object_truncate(a, 3000));
    assert_handle_holds(b, 'x', 3000);
    coffer_object_close(a);
    assert_handle_holds(b, 'x', 3000);
    coffer_object_close(b);
    reopen();
    assert_holds("x", 'x', 3000);
}

static void test_handles_follow_a_rename(void **state)
{
    struct coffer_object *a, *b;

    (void)state;
    assert_ok(put("old", 'o', 9000));
    assert_ok(open_object("old", &a));
    assert_ok(rename_object("old", "new"));
    assert_status(open_object("old", &b), COFFER_NOT_FOUND);
    assert_ok(open_object("new", &b));
    assert_ok(coffer_object_truncate(a, 100));
    assert_handle_holds(b, 'o', 100);
    /* The old name is free, and is another object. */
    assert_ok(put("old", 'p', 50));
    assert_ok(coffer_object_truncate(b, 60));
    assert_handle_holds(a, 'o', 60);
    assert_status(delete_object("new"), COFFER_BUSY);
    coffer_object_close(a);
    coffer_object_close(b);
    reopen();
    assert_holds("new", 'o', 60);
    assert_holds("old", 'p', 50);
}

static void test_rename_keeps_its_rules(void **state)
{
    (void)state;
    assert_ok(put("a", 'a', 10));
    assert_ok(put("b", 'b', 10));
    assert_status(rename_object("a", "b"), COFFER_EXISTS);
    assert_status(rename_object("none", "c"), COFFER_NOT_FOUND);
    assert_ok(rename_object("a", "a"));
    assert_holds("a", 'a', 10);
    assert_holds("b", 'b', 10);
}

static void test_an_open_object_is_neither_deleted_nor_replaced(void **state)
{
    struct coffer_object *a;
    struct coffer_writer *writer;
    struct coffer_name name = step_name("x");

    (void)state;
    assert_ok(put("x", 'x', 100));
    assert_ok(open_object("x", &a));
    assert_status(delete_object("x"), COFFER_BUSY);
    assert_status(put_flags("x", COFFER_REPLACE, 'y', 5), COFFER_BUSY);
    assert_status(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer),
                  COFFER_BUSY);
    assert_status(put("x", 'y', 5), COFFER_EXISTS);
    assert_handle_holds(a, 'x', 100);
    coffer_object_close(a);
    assert_ok(put_flags("x", COFFER_REPLACE, 'y', 5));
    assert_holds("x", 'y', 5);
    assert_ok(delete_object("x"));
    assert_int_equal(object_files(), 0);
}

static void test_ids_of_all_kinds_are_told_apart(void **state)
{
    static const uint8_t zeros[COFFER_ID_MAX];
    static const uint8_t ones[COFFER_ID_MAX] = {1};
    struct coffer_uuid other = step_ta;

    (void)state;
    other.time_low++;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 0; size <= COFFER_ID_MAX; size += size < 3 ? 1 : 61) {
            for (unsigned which = 0; which < 4; which++) {
                struct coffer_name name = {which & 1 ? other : step_ta, which & 2 ? ones : zeros,
                                           size};
                uint8_t mark[2] = {(uint8_t)size, (uint8_t)which};
                struct coffer_object *object;
                uint8_t back[2];
                size_t got;

                if (size == 0 && which & 2) /* the same, empty name */
                    continue;
                if (round == 0) {
                    assert_ok(coffer_put(fixture.store, &name, 0, NULL, mark, 2));
                    continue;
                }
                assert_ok(coffer_object_open(fixture.store, &name, &object));
                assert_ok(coffer_object_read(object, 0, back, 2, &got));
                assert_memory_equal(back, mark, 2);
                coffer_object_close(object);
            }
        }
        reopen();
    }
    assert_int_equal(objects_listed(), 2 + 4 * 4);
}

static void test_attributes_are_kept_byte_for_byte(void **state)
{
    uint8_t *bytes = letter_bytes('k', OBJECT_ATTRIBUTES_MAX + 1);
    uint8_t *back = must_alloc(OBJECT_ATTRIBUTES_MAX);
    static const size_t sizes[] = {0, 1, 4072, 4073, 10000, OBJECT_ATTRIBUTES_MAX};
    struct coffer_name name = step_name("key");
    struct coffer_attributes given = {0xA0000010u, 0x0f, 256, 512, 5, bytes, 0};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct coffer_object *object;
        struct coffer_info info;

        given.bytes_size = sizes[i];
        assert_ok(coffer_put(fixture.store, &name, COFFER_REPLACE, &given, "data", 4));
        reopen();
        assert_ok(coffer_object_open(fixture.store, &name, &object));
        assert_ok(coffer_object_truncate(object, 2));
        assert_ok(coffer_object_write(object, 3, "!", 1));
        assert_ok(coffer_object_info(object, &info));
        assert_int_equal(info.type, given.type);
        assert_int_equal(info.usage, given.usage);
        assert_int_equal(info.object_size, given.object_size);
        assert_int_equal(info.max_size, given.max_size);
        assert_int_equal(info.have, given.have);
        assert_int_equal(info.attributes_size, sizes[i]);
        assert_int_equal(info.size, 4);
        if (sizes[i] > 0)
            assert_status(coffer_object_attributes(object, back, sizes[i] - 1), COFFER_MISUSE);
        assert_ok(coffer_object_attributes(object, back, sizes[i]));
        assert_memory_equal(back, bytes, sizes[i]);
        coffer_object_close(object);
    }
    given.bytes_size = OBJECT_ATTRIBUTES_MAX + 1;
    assert_status(coffer_put(fixture.store, &name, COFFER_REPLACE, &given, "", 0), COFFER_MISUSE);
    free(bytes);
    free(back);
}

/* Data in pieces of so many bytes; after some, what is wrong. */
struct pieces {
    const uint8_t *rest;
    size_t size;
    unsigned left; /* pieces before `end` is answered */
    enum coffer_status end;
    size_t too_much; /* added to the size of a piece, at the end */
};

static enum coffer_status next_piece(void *context, uint64_t left, const void **data, size_t *piece)
{
    struct pieces *pieces = context;

    if (pieces->left-- == 0 && pieces->end != COFFER_OK)
        return pieces->end;
    *data = pieces->rest;
    *piece = left < pieces->size ? (size_t)left + pieces->too_much : pieces->size;
    pieces->rest += *piece;
    return COFFER_OK;
}

/* Whatever the pieces are, the object is as if it had been written at once. */
static void test_data_comes_in_pieces(void **state)
{
    static const size_t sizes[] = {1, 333, 4072, 4096, 5000, 40000, 100000};
    uint8_t *bytes = letter_bytes('p', 60000);
    struct coffer_statistics before, after;
    struct coffer_object *object;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct pieces pieces = {.rest = bytes + 777, .size = sizes[i]};
        size_t size = sizes[i] == 1 ? 5000 : 59000;

        assert_ok(put_flags("x", COFFER_REPLACE, 'p', 777));
        assert_ok(open_object("x", &object));
        assert_ok(coffer_statistics_get(fixture.store, &before));
        assert_ok(coffer_object_write_from(object, 777, size, next_piece, &pieces));
        assert_ok(coffer_statistics_get(fixture.store, &after));
        assert_int_equal(after.commits, before.commits + 1);
        assert_handle_holds(object, 'p', 777 + size);
        coffer_object_close(object);
        reopen();
        assert_holds("x", 'p', 777 + size);
    }
    free(bytes);
}

static void test_an_error_in_a_piece_leaves_the_object(void **state)
{
    uint8_t *bytes = letter_bytes('n', 100000);
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'x', 30000));
    assert_ok(open_object("x", &object));
    for (unsigned left = 0; left < 8; left++) {
        struct pieces pieces = {.rest = bytes, .size = 9000, .left = left, .end = COFFER_NO_MEMORY};

        assert_status(coffer_object_write_from(object, 1000, 90000, next_piece, &pieces),
                      COFFER_NO_MEMORY);
        assert_handle_holds(object, 'x', 30000);
    }
    {
        struct pieces pieces = {.rest = bytes, .size = 4000, .left = 100, .too_much = 1};

        assert_status(coffer_object_write_from(object, 0, 10000, next_piece, &pieces),
                      COFFER_MISUSE);
        assert_handle_holds(object, 'x', 30000);
        assert_ok(coffer_object_write_from(object, 0, 0, next_piece, NULL)); /* it isn't asked */
    }
    coffer_object_close(object);
    reopen();
    assert_holds("x", 'x', 30000);
    free(bytes);
}

static void assert_usage(struct coffer_object *object, uint32_t usage)
{
    struct coffer_info info;

    assert_ok(coffer_object_info(object, &info));
    assert_int_equal(info.usage, usage);
}

/* All handles see the new usage, it lasts, and nothing else of the object changes. */
static void test_usage_changes_alone(void **state)
{
    const struct coffer_attributes given = {0xA0000010u, 0x0f, 256, 512, 5, "attributes", 10};
    struct coffer_name name = step_name("key");
    struct coffer_object *a, *b;
    struct coffer_statistics before, after;
    struct coffer_info old_info, info;
    uint8_t back[10];

    (void)state;
    assert_ok(coffer_put(fixture.store, &name, 0, &given, "data", 4));
    assert_ok(coffer_object_open(fixture.store, &name, &a));
    assert_ok(coffer_object_open(fixture.store, &name, &b));
    assert_ok(coffer_object_info(a, &old_info));
    assert_ok(coffer_object_set_usage(a, 0x89abcdefu));
    assert_usage(a, 0x89abcdefu);
    assert_usage(b, 0x89abcdefu);
    /* What it is already takes no commit. */
    assert_ok(coffer_statistics_get(fixture.store, &before));
    assert_ok(coffer_object_set_usage(b, 0x89abcdefu));
    assert_ok(coffer_statistics_get(fixture.store, &after));
    assert_int_equal(after.commits, before.commits);
    assert_ok(coffer_object_set_usage(b, 0));
    assert_usage(a, 0);
    assert_ok(coffer_object_set_usage(b, 0x89abcdefu));
    coffer_object_close(a);
    coffer_object_close(b);
    for (unsigned round = 0; round < 2; round++) {
        assert_ok(stat_object("key", &info));
        old_info.usage = 0x89abcdefu;
        assert_memory_equal(&info, &old_info, sizeof(info));
        assert_ok(coffer_object_open(fixture.store, &name, &a));
        assert_ok(coffer_object_attributes(a, back, sizeof(back)));
        assert_memory_equal(back, "attributes", 10);
        assert_ok(coffer_object_read(a, 0, back, 10, &(size_t){0}));
        assert_memory_equal(back, "data", 4);
        coffer_object_close(a);
        reopen();
    }
}

/* A change of usage that fails leaves the old one, for all handles and on the device. */
static void test_a_failed_change_of_usage_leaves_the_old_one(void **state)
{
    struct coffer_object *object;
    size_t room;
    bool fired = true;

    (void)state;
    assert_ok(put("x", 'x', 100));
    for (uint64_t at = 1; fired; at++) {
        struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = at};
        enum coffer_status status;

        reopen();
        assert_ok(open_object("x", &object));
        memory_device_inject(disk, &plan);
        status = coffer_object_set_usage(object, 0x55);
        memory_device_inject(disk, NULL);
        fired = plan.fired;
        if (status == COFFER_IO) {
            assert_usage(object, COFFER_USAGE_ALL);
            assert_handle_holds(object, 'x', 100);
        } else if (fired) {
            assert_status(status, COFFER_FAILED);
        }
        coffer_object_close(object);
    }
    assert_ok(open_object("x", &object));
    assert_usage(object, 0x55);
    /* The device is full: there is no room that a change of a few bytes needs. */
    room = 0;
    for (size_t i = 0; i < memory_device_file_count(disk); i++) {
        size_t size;

        (void)memory_device_bytes(disk, memory_device_file_name(disk, i), &size);
        room += size;
    }
    memory_device_set_capacity(disk, room);
    assert_ok(coffer_object_set_usage(object, 0x66));
    assert_usage(object, 0x66);
    coffer_object_close(object);
}

static void test_sizes_end_at_the_largest_position(void **state)
{
    struct coffer_object *object;
    uint8_t byte = 7;
    size_t got = 5;

    (void)state;
    assert_ok(put("x", 'x', 100));
    assert_ok(open_object("x", &object));
    assert_status(coffer_object_write(object, COFFER_SIZE_MAX, "!", 1), COFFER_NO_SPACE);
    assert_status(coffer_object_write(object, UINT64_MAX, "!", 1), COFFER_NO_SPACE);
    assert_status(coffer_object_truncate(object, (uint64_t)COFFER_SIZE_MAX + 1), COFFER_NO_SPACE);
    assert_status(coffer_object_truncate(object, UINT64_MAX), COFFER_NO_SPACE);
    /* Within the limit, but not on this device. */
    memory_device_set_capacity(disk, 2u << 20);
    assert_status(coffer_object_write(object, COFFER_SIZE_MAX - 1, "!", 1), COFFER_NO_SPACE);
    assert_status(coffer_object_truncate(object, COFFER_SIZE_MAX), COFFER_NO_SPACE);
    memory_device_set_capacity(disk, MEMORY_DEVICE_CAPACITY);
    assert_handle_holds(object, 'x', 100);
    assert_ok(coffer_object_read(object, UINT64_MAX, &byte, 1, &got));
    assert_int_equal(got, 0);
    assert_ok(coffer_object_read(object, UINT64_MAX - 24, &byte, 1, &got));
    assert_int_equal(got, 0);
    assert_ok(coffer_object_read(object, 99, NULL, 0, &got));
    assert_int_equal(got, 0);
    assert_ok(coffer_object_truncate(object, 100)); /* what it is already */
    assert_ok(coffer_object_write(object, 50, NULL, 0));
    coffer_object_close(object);
    reopen();
    assert_holds("x", 'x', 100);
}

static void test_read_only_refuses_every_change_and_writes_nothing(void **state)
{
    const struct store_options options = {.read_only = true};
    struct coffer_name name = step_name("y");
    struct memory_device *before;
    struct coffer_object *object;
    struct coffer_writer *writer;
    uint64_t changes;

    (void)state;
    assert_ok(put("x", 'x', 5000));
    close_store();
    before = memory_device_clone(disk);
    changes = memory_device_change_count(disk);
    open_with(&options);
    assert_holds("x", 'x', 5000);
    assert_ok(open_object("x", &object));
    assert_status(put("y", 'y', 5), COFFER_MISUSE);
    assert_status(put_flags("x", COFFER_REPLACE, 'y', 5), COFFER_BUSY);
    assert_status(coffer_writer_open(fixture.store, &name, 0, NULL, &writer), COFFER_MISUSE);
    assert_status(coffer_object_write(object, 0, "!", 1), COFFER_MISUSE);
    assert_status(coffer_object_truncate(object, 1), COFFER_MISUSE);
    assert_status(coffer_object_set_usage(object, 1), COFFER_MISUSE);
    assert_status(rename_object("x", "z"), COFFER_MISUSE);
    coffer_object_close(object);
    assert_status(put_flags("x", COFFER_REPLACE, 'y', 5), COFFER_MISUSE);
    assert_status(delete_object("x"), COFFER_MISUSE);
    assert_status(quarantine("x"), COFFER_MISUSE);
    close_store();
    assert_int_equal(memory_device_change_count(disk), changes);
    assert_true(memory_device_equal(before, disk, NULL));
    memory_device_free(before);
}

static void test_opening_what_is_not_there(void **state)
{
    const struct store_options read_only = {.read_only = true, .create = true};
    const struct store_options create = {.create = true};
    static const uint8_t zeros[BLOCK];

    (void)state;
    close_store();
    assert_true(memory_device_drop(disk, "dirf.db"));
    assert_status(store_fixture_open(&fixture, disk, NULL), COFFER_NOT_FOUND);
    assert_status(store_fixture_open(&fixture, disk, &read_only), COFFER_MISUSE);
    assert_int_equal(memory_device_file_count(disk), 0);
    /* A creation that was cut off, and one that had not begun. */
    memory_device_set(disk, "dirf.db.tmp", "rest", 4);
    memory_device_set(disk, "dirf.db", zeros, sizeof(zeros));
    assert_status(store_fixture_open(&fixture, disk, NULL), COFFER_NOT_FOUND);
    open_with(&create);
    assert_ok(put("x", 'x', 1));
    close_store();
    assert_false(memory_device_has(disk, "dirf.db.tmp"));
    /* create never is an error when there is one. */
    open_with(&create);
    assert_holds("x", 'x', 1);
    close_store();
    /* Objects without their catalogue are not ours to begin anew. */
    assert_true(memory_device_drop(disk, "dirf.db"));
    assert_status(store_fixture_open(&fixture, disk, &create), COFFER_CORRUPT);
    assert_true(memory_device_has(disk, "0"));
    assert_false(memory_device_has(disk, "dirf.db"));
}

static void test_closing_the_store_closes_what_is_open(void **state)
{
    struct coffer_name name = step_name("w");
    struct coffer_writer *writer;
    struct coffer_object *a, *b;
    struct coffer_list *list;

    (void)state;
    assert_ok(put("x", 'x', 5000));
    assert_ok(open_object("x", &a));
    assert_ok(open_object("x", &b));
    assert_ok(coffer_list_open(fixture.store, NULL, &list));
    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    assert_ok(coffer_writer_write(writer, "unfinished", 10));
    close_store(); /* the fixture holds that all memory is wiped */
    assert_int_equal(object_files(), 1);
    open_store();
    assert_holds("x", 'x', 5000);
    assert_int_equal(objects_listed(), 1);
}

static void test_components_add_up_to_the_memory_used(void **state)
{
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'x', 50000));
    assert_ok(open_object("x", &object));
    for (unsigned round = 0; round < 20; round++) {
        struct coffer_statistics statistics;
        uint64_t held = 0;

        assert_ok(coffer_object_write(object, round * 5000, "!", 1));
        assert_ok(coffer_statistics_get(fixture.store, &statistics));
        for (unsigned i = 0; i < statistics.component_count; i++) {
            const struct coffer_component *part = &statistics.components[i];

            held += part->held;
            assert_true(part->held <= part->held_peak && part->bytes <= part->bytes_peak);
            assert_true(part->frees <= part->allocations);
        }
        assert_int_equal(held, statistics.memory_used);
        assert_true(statistics.memory_used <= statistics.memory_peak);
        assert_true(statistics.memory_peak <= statistics.memory_total);
        assert_true(statistics.memory_total <= fixture.region.size);
        assert_int_equal(statistics.commits, round + 2);
        assert_int_equal(statistics.objects, 1);
        assert_int_equal(statistics.open_objects, 1);
        assert_int_equal(statistics.wrong_frees, 0);
        assert_true(statistics.crypto_outside_bytes > 0);
        assert_non_null(statistics.crypto_library);
    }
    coffer_object_close(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_handles_on_one_object_see_one_state),
        store_test(test_handles_follow_a_rename),
        store_test(test_rename_keeps_its_rules),
        store_test(test_an_open_object_is_neither_deleted_nor_replaced),
        store_test(test_ids_of_all_kinds_are_told_apart),
        store_test(test_attributes_are_kept_byte_for_byte),
        store_test(test_data_comes_in_pieces),
        store_test(test_an_error_in_a_piece_leaves_the_object),
        store_test(test_usage_changes_alone),
        store_test(test_a_failed_change_of_usage_leaves_the_old_one),
        store_test(test_sizes_end_at_the_largest_position),
        store_test(test_read_only_refuses_every_change_and_writes_nothing),
        store_test(test_opening_what_is_not_there),
        store_test(test_closing_the_store_closes_what_is_open),
        store_test(test_components_add_up_to_the_memory_used),
    };

    return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
