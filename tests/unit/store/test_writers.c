/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in the making (coffer.h, "Streams"). */
#include "fixture.h"

#define WAITING 60u

static struct coffer_writer *begin(const char *id, unsigned flags)
{
    struct coffer_name name = step_name(id);
    struct coffer_writer *writer;

    assert_ok(coffer_writer_open(fixture.store, &name, flags, NULL, &writer));
    return writer;
}

/* Bytes `from` to `to` of a letter's object. */
static void write_part(struct coffer_writer *writer, char letter, size_t from, size_t to)
{
    uint8_t *bytes = letter_bytes(letter, to);

    assert_ok(coffer_writer_write(writer, bytes + from, to - from));
    free(bytes);
}

static void test_nobody_sees_an_object_before_its_commit(void **state)
{
    struct coffer_writer *writer = begin("x", 0);
    struct coffer_info info;

    (void)state;
    write_part(writer, 'x', 0, 20000);
    assert_status(stat_object("x", &info), COFFER_NOT_FOUND);
    assert_int_equal(objects_listed(), 0);
    write_part(writer, 'x', 20000, 20001);
    assert_ok(coffer_writer_commit(writer));
    assert_holds("x", 'x', 20001);
    reopen();
    assert_holds("x", 'x', 20001);
}

static void test_pieces_of_any_size_make_one_object(void **state)
{
    static const size_t steps[] = {1, 23, 24, 1000, 4072, 4073, 4095, 4096, 4097, 50000};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        size_t total = steps[i] < 100 ? 9000 : 131072 + i;
        struct coffer_writer *writer = begin("x", COFFER_REPLACE);

        for (size_t done = 0; done < total; done += steps[i])
            write_part(writer, 'x', done, done + steps[i] < total ? done + steps[i] : total);
        assert_ok(coffer_writer_write(writer, NULL, 0));
        assert_ok(coffer_writer_commit(writer));
        reopen();
        assert_holds("x", 'x', total);
    }
}

static void test_the_name_is_taken_at_commit(void **state)
{
    struct coffer_writer *first = begin("x", 0);
    struct coffer_writer *second = begin("x", 0);
    struct coffer_writer *third;
    struct coffer_name name = step_name("x");

    (void)state;
    write_part(first, 'f', 0, 30000);
    write_part(second, 's', 0, 40000);
    assert_ok(coffer_writer_commit(second));
    assert_status(coffer_writer_open(fixture.store, &name, 0, NULL, &third), COFFER_EXISTS);
    assert_status(coffer_writer_commit(first), COFFER_EXISTS);
    assert_int_equal(object_files(), 1);
    assert_holds("x", 's', 40000);
    /* Renaming takes and frees names as well. */
    first = begin("y", 0);
    assert_ok(rename_object("x", "y"));
    assert_status(coffer_writer_commit(first), COFFER_EXISTS);
    first = begin("x", 0);
    assert_ok(coffer_writer_commit(first));
    assert_holds("x", 'n', 0);
    assert_holds("y", 's', 40000);
}

static void test_replacing_waits_for_the_handles_to_go(void **state)
{
    struct coffer_writer *writer;
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'o', 100));
    writer = begin("x", COFFER_REPLACE);
    write_part(writer, 'n', 0, 200);
    assert_ok(open_object("x", &object));
    assert_status(coffer_writer_commit(writer), COFFER_BUSY);
    assert_handle_holds(object, 'o', 100);
    coffer_object_close(object);
    writer = begin("x", COFFER_REPLACE);
    write_part(writer, 'n', 0, 200);
    /* The one to be replaced may go, or change, meanwhile. */
    assert_ok(delete_object("x"));
    assert_ok(coffer_writer_commit(writer));
    assert_holds("x", 'n', 200);
    assert_int_equal(object_files(), 1);
}

static void test_an_abort_leaves_no_file(void **state)
{
    struct coffer_writer *writer;

    (void)state;
    for (size_t size = 0; size < 100000; size = size * 9 + 1) {
        writer = begin("x", 0);
        write_part(writer, 'x', 0, size);
        assert_int_equal(object_files(), 1);
        coffer_writer_abort(writer);
        assert_int_equal(object_files(), 0);
    }
    assert_int_equal(objects_listed(), 0);
    coffer_writer_abort(NULL);
}

static void test_several_writers_share_a_small_memory(void **state)
{
    enum { COUNT = 6 };
    const struct store_options options = {.memory = 384 * 1024, .cache_frames = 40};
    static const char *const ids[] = {"a", "b", "c", "d", "e", "f"};
    struct coffer_writer *writers[COUNT];

    (void)state;
    close_store();
    open_with(&options);
    for (unsigned i = 0; i < COUNT; i++)
        writers[i] = begin(ids[i], 0);
    for (size_t done = 0; done < 300000; done += 30000) {
        for (unsigned i = 0; i < COUNT; i++)
            write_part(writers[i], (char)('a' + i), done, done + 30000);
        if (done == 150000) /* others have to live, too */
            assert_ok(put_flags("other", COFFER_REPLACE, 'o', 70000));
    }
    for (unsigned i = 0; i < COUNT; i += 2)
        assert_ok(coffer_writer_commit(writers[i]));
    for (unsigned i = 1; i < COUNT; i += 2)
        coffer_writer_abort(writers[i]);
    reopen();
    for (unsigned i = 0; i < COUNT; i += 2)
        assert_holds(ids[i], (char)('a' + i), 300000);
    assert_holds("other", 'o', 70000);
    assert_int_equal(object_files(), 4);
}

static void test_many_waiting_writers_leave_room_in_the_cache(void **state)
{
    const struct store_options options = {.memory = 1024 * 1024, .cache_frames = 40};
    struct coffer_writer *writers[WAITING];

    (void)state;
    close_store();
    open_with(&options);
    assert_ok(put("there", 't', 9000));
    for (unsigned i = 0; i < WAITING; i++) {
        char id[8];
        struct coffer_name name;

        snprintf(id, sizeof(id), "w%u", i);
        name = step_name(id);
        assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writers[i]));
    }
    assert_holds("there", 't', 9000);
    assert_ok(put("new", 'n', 9000));
    for (unsigned i = 0; i < WAITING; i++) {
        assert_ok(coffer_writer_write(writers[i], "data", 4));
        assert_ok(coffer_writer_commit(writers[i]));
    }
    assert_int_equal(objects_listed(), WAITING + 2);
}

static void test_after_an_error_only_abort_is_left(void **state)
{
    struct coffer_writer *writer = begin("x", 0);
    uint8_t *bytes = letter_bytes('x', 900000);

    (void)state;
    memory_device_set_capacity(disk, 300000);
    assert_status(coffer_writer_write(writer, bytes, 900000), COFFER_NO_SPACE);
    memory_device_set_capacity(disk, MEMORY_DEVICE_CAPACITY);
    assert_status(coffer_writer_write(writer, bytes, 10), COFFER_MISUSE);
    assert_status(coffer_writer_commit(writer), COFFER_MISUSE);
    assert_int_equal(object_files(), 0);
    free(bytes);
}

static void test_a_full_device_at_commit_leaves_all_as_before(void **state)
{
    struct coffer_writer *writer;
    struct memory_device *before;

    (void)state;
    assert_ok(put("x", 'o', 5000));
    writer = begin("x", COFFER_REPLACE);
    write_part(writer, 'n', 0, 100); /* all of it still in the writer's hands */
    before = memory_device_clone(disk);
    memory_device_set_capacity(disk, 30000);
    assert_status(coffer_writer_commit(writer), COFFER_NO_SPACE);
    memory_device_set_capacity(disk, MEMORY_DEVICE_CAPACITY);
    assert_int_equal(object_files(), 1);
    assert_holds("x", 'o', 5000);
    assert_ok(put_flags("x", COFFER_REPLACE, 'p', 6000));
    reopen();
    assert_holds("x", 'p', 6000);
    memory_device_free(before);
}

static void test_a_stream_ends_at_the_largest_size(void **state)
{
    static const struct {
        size_t size;
        enum coffer_status status;
    } writes[] = {{11, COFFER_NO_SPACE}, {SIZE_MAX, COFFER_NO_SPACE}, {10, COFFER_OK}};
    uint8_t bytes[16] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct coffer_writer *writer = begin("x", 0);

        /* Nobody waits for 4 GiB: the writer is told that it has come that far. */
        writer->writer->size = COFFER_SIZE_MAX - 10;
        assert_status(coffer_writer_write(writer, bytes, writes[i].size), writes[i].status);
        /* What lacks bytes doesn't become an object. */
        assert_status(coffer_writer_write(writer, bytes, 1),
                      writes[i].status == COFFER_OK ? COFFER_NO_SPACE : COFFER_MISUSE);
        assert_status(coffer_writer_commit(writer), COFFER_MISUSE);
    }
    assert_int_equal(object_files(), 0);
}

static void test_a_leftover_file_is_thrown_away_and_a_used_one_is_not(void **state)
{
    struct coffer_info info;

    (void)state;
    memory_device_set(disk, "0", "leftover of a cut creation", 26);
    memory_device_set(disk, "1", "another", 7);
    assert_ok(put("x", 'x', 10));
    assert_ok(stat_object("x", &info));
    assert_int_equal(info.file, 0);
    assert_true(memory_device_has(disk, "1")); /* not in the way */
    assert_ok(put("y", 'y', 10));
    assert_int_equal(object_files(), 2);
    assert_holds("x", 'x', 10);
    assert_holds("y", 'y', 10);
}

/* Before the switch: whatever fails, the store goes on and holds what it held. */
static void test_every_error_before_the_switch_leaves_the_store_as_it_was(void **state)
{
    bool fired = true;

    (void)state;
    assert_ok(put("x", 'o', 30000));
    for (uint64_t at = 1; fired; at++) {
        struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = at};
        enum coffer_status status;

        memory_device_inject(disk, &plan);
        status = put_flags("x", COFFER_REPLACE, 'n', 40000);
        memory_device_inject(disk, NULL);
        fired = plan.fired;
        if (status == COFFER_IO) {
            assert_holds("x", 'o', 30000);
            assert_int_equal(objects_listed(), 1);
        } else if (status == COFFER_OK) {
            assert_holds("x", 'n', 40000); /* what failed was the cleaning up, if anything */
        } else {
            assert_status(status, COFFER_FAILED);
        }
        reopen();
        assert_ok(put_flags("x", COFFER_REPLACE, 'o', 30000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_nobody_sees_an_object_before_its_commit),
        store_test(test_pieces_of_any_size_make_one_object),
        store_test(test_the_name_is_taken_at_commit),
        store_test(test_replacing_waits_for_the_handles_to_go),
        store_test(test_an_abort_leaves_no_file),
        store_test(test_several_writers_share_a_small_memory),
        store_test(test_many_waiting_writers_leave_room_in_the_cache),
        store_test(test_after_an_error_only_abort_is_left),
        store_test(test_a_full_device_at_commit_leaves_all_as_before),
        store_test(test_a_stream_ends_at_the_largest_size),
        store_test(test_a_leftover_file_is_thrown_away_and_a_used_one_is_not),
        store_test(test_every_error_before_the_switch_leaves_the_store_as_it_was),
    };

    return cmocka_run_group_tests_name("writers", tests, NULL, NULL);
}
