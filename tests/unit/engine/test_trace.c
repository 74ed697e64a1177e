/* SPDX-License-Identifier: BSD-2-Clause */
/* Traces: a line a call, readable again, without names, and harmless whatever becomes of them. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coffer.h"
#include "coffer/linux.h"
#include "coffer/trace.h"
#include "port/port.h"
#include "support/must.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#define assert_ok(call) assert_int_equal((call), COFFER_OK)
#define RECORDS_MAX     200u
#define FRONT           24u /* of an object without attributes */

/* What the writer was given. */
struct kept {
    struct coffer_trace_record records[RECORDS_MAX];
    size_t count;
    size_t room; /* lines that can be written */
    bool has_name;
};

static struct memory_device *disk;
static struct store_fixture fixture;
static struct kept kept;

static bool keep(void *context, const char *line, size_t size)
{
    struct kept *to = context;

    must(size > 0 && size <= COFFER_TRACE_LINE_MAX && line[size - 1] == '\n');
    must(memchr(line, '\n', size) == line + size - 1);
    if (to->count == to->room)
        return false;
    for (size_t i = 0; i + 5 <= size; i++)
        to->has_name |= memcmp(line + i, "apple", 4) == 0;
    must(coffer_trace_parse(line, size, &to->records[to->count]) == COFFER_OK);
    to->count++;
    return true;
}

static void open_traced(bool create)
{
    const struct store_options options = {.create = create, .trace = keep, .trace_context = &kept};

    kept = (struct kept){.room = RECORDS_MAX};
    assert_ok(store_fixture_open(&fixture, disk, &options));
}

static int set_up(void **state)
{
    (void)state;
    disk = memory_device_open();
    open_traced(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_close(&fixture);
    memory_device_free(disk);
    return 0;
}

static struct coffer_name name_of(const char *id)
{
    return (struct coffer_name){.ta = {1, 2, 3, {4}}, .id = id, .id_size = strlen(id)};
}

/* The next record, looked at: its call and its numbers. Its object. */
static uint64_t expect(size_t *at, enum coffer_trace_call call, uint64_t offset, uint64_t size,
                       enum coffer_status status)
{
    const struct coffer_trace_record *record = &kept.records[*at];

    assert_true(*at < kept.count);
    assert_int_equal(record->call, call);
    assert_int_equal(record->offset, offset);
    assert_int_equal(record->size, size);
    assert_int_equal(record->status, status);
    if (*at > 0)
        assert_true(record->time_us >= record[-1].time_us);
    ++*at;
    return record->object;
}

/* One call of each kind and more, on two objects. */
static void call_everything(void)
{
    const struct coffer_attributes attributes = {
        .type = 0xA0000010u, .have = 1, .bytes = "12345678", .bytes_size = 8};
    const struct coffer_name apple = name_of("apple");
    const struct coffer_name pear = name_of("pear");
    struct coffer_check_summary summary;
    struct coffer_object *object;
    struct coffer_writer *writer;
    struct coffer_list *list;
    struct coffer_entry entry;
    struct coffer_info info;
    uint8_t bytes[5000] = {7};
    size_t got;

    assert_ok(coffer_put(fixture.store, &apple, 0, &attributes, bytes, 3000));
    assert_ok(coffer_object_open(fixture.store, &apple, &object));
    assert_ok(coffer_object_read(object, 100, bytes, sizeof(bytes), &got));
    assert_ok(coffer_object_write(object, 4000, bytes, 50));
    assert_ok(coffer_object_truncate(object, 10));
    assert_ok(coffer_object_attributes(object, bytes, 100));
    assert_ok(coffer_object_set_usage(object, 1));
    coffer_object_close(object);
    assert_int_equal(coffer_object_open(fixture.store, &pear, &object), COFFER_NOT_FOUND);
    assert_ok(coffer_writer_open(fixture.store, &pear, 0, NULL, &writer));
    assert_ok(coffer_writer_write(writer, bytes, 5000));
    assert_ok(coffer_writer_write(writer, bytes, 1));
    assert_ok(coffer_writer_commit(writer));
    assert_ok(coffer_writer_open(fixture.store, &pear, COFFER_REPLACE, NULL, &writer));
    coffer_writer_abort(writer);
    assert_ok(coffer_list_open(fixture.store, NULL, &list));
    while (coffer_list_next(list, &entry) == COFFER_OK)
        continue;
    coffer_list_close(list);
    assert_ok(coffer_stat(fixture.store, &pear, &info));
    assert_ok(coffer_rename(fixture.store, &pear, "plum", 4));
    assert_ok(coffer_delete(fixture.store, &apple));
    assert_int_equal(coffer_quarantine(fixture.store, &pear), COFFER_NOT_FOUND);
    assert_ok(coffer_check(fixture.store, 0, (void (*)(void *, const struct coffer_finding *))abort,
                           NULL, NULL, &summary));
}

static void test_each_call_is_a_line(void **state)
{
    uint64_t of_apple;
    uint64_t of_pear;
    size_t at = 0;

    (void)state;
    call_everything();
    store_fixture_close(&fixture);

    expect(&at, COFFER_TRACE_START, COFFER_TRACE_VERSION, 512 * 1024, COFFER_OK);
    of_apple = expect(&at, COFFER_TRACE_PUT, FRONT + 8, 3000, COFFER_OK);
    assert_int_equal(expect(&at, COFFER_TRACE_OPEN, FRONT + 8, 3000, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_READ, 100, 5000, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_WRITE, 4000, 50, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_CUT, 0, 10, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_ATTRIBUTES, 0, 100, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_USAGE, 0, 0, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_CLOSE, 0, 0, COFFER_OK), of_apple);
    of_pear = expect(&at, COFFER_TRACE_OPEN, FRONT, 0, COFFER_NOT_FOUND);
    assert_int_not_equal(of_pear, of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_MAKE, FRONT, 0, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_APPEND, 0, 5000, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_APPEND, 5000, 1, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_COMMIT, 0, 5001, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_MAKE, FRONT, 0, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_ABORT, 0, 0, COFFER_OK), of_pear);
    expect(&at, COFFER_TRACE_LIST, 0, 2, COFFER_OK);
    assert_int_equal(expect(&at, COFFER_TRACE_STAT, FRONT, 5001, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_RENAME, 0, 0, COFFER_OK), of_pear);
    assert_int_not_equal(expect(&at, COFFER_TRACE_AS, 0, 0, COFFER_OK), of_pear);
    assert_int_equal(expect(&at, COFFER_TRACE_DELETE, 0, 0, COFFER_OK), of_apple);
    assert_int_equal(expect(&at, COFFER_TRACE_QUARANTINE, 0, 0, COFFER_NOT_FOUND), of_pear);
    expect(&at, COFFER_TRACE_CHECK, 0, 0, COFFER_OK);
    expect(&at, COFFER_TRACE_END, 0, 0, COFFER_OK);
    assert_int_equal(at, kept.count);
    assert_false(kept.has_name);
    assert_int_equal(fixture.notices[COFFER_NOTICE_TRACE], 0);
}

static void test_an_object_has_one_number_in_every_trace_of_its_store(void **state)
{
    const struct coffer_name apple = name_of("apple");
    const struct coffer_name no_name = name_of("");
    uint64_t numbers[2];
    struct coffer_info info;

    (void)state;
    assert_ok(coffer_put(fixture.store, &apple, 0, NULL, "x", 1));
    assert_ok(coffer_put(fixture.store, &no_name, 0, NULL, "x", 1));
    numbers[0] = kept.records[1].object;
    numbers[1] = kept.records[2].object;
    assert_int_not_equal(numbers[0], 0);
    assert_int_not_equal(numbers[0], numbers[1]);
    store_fixture_close(&fixture);
    open_traced(false);
    assert_ok(coffer_stat(fixture.store, &no_name, &info));
    assert_ok(coffer_stat(fixture.store, &apple, &info));
    assert_int_equal(kept.records[1].object, numbers[1]);
    assert_int_equal(kept.records[2].object, numbers[0]);
}

/* After each number of lines in turn. */
static void test_a_writer_that_fails_ends_the_trace_and_nothing_else(void **state)
{
    const struct coffer_name apple = name_of("apple");

    (void)state;
    for (size_t room = 0; room < 6; room++) {
        const struct store_options options = {.trace = keep, .trace_context = &kept};
        struct coffer_object *object;
        uint8_t byte = 0;
        size_t got = 0;

        store_fixture_close(&fixture);
        kept = (struct kept){.room = room};
        assert_ok(store_fixture_open(&fixture, disk, &options));
        assert_ok(coffer_put(fixture.store, &apple, COFFER_REPLACE, NULL, "abc", 3));
        assert_ok(coffer_object_open(fixture.store, &apple, &object));
        assert_ok(coffer_object_write(object, 1, "x", 1));
        assert_ok(coffer_object_read(object, 1, &byte, 1, &got));
        assert_int_equal(byte, 'x');
        coffer_object_close(object);
        /* start, put, open, write, read, close: six lines */
        assert_int_equal(kept.count, room);
        assert_int_equal(fixture.notices[COFFER_NOTICE_TRACE], 1);
    }
}

static void test_what_is_no_line_of_a_trace_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "1 open 2 3 4",
        "1 open 2 3 4 ",
        "1 open 2 3 4 5 6",
        "1  open 2 3 4 0",
        "1 opened 2 3 4 0",
        "1 ope 2 3 4 0",
        "x open 2 3 4 0",
        "-1 open 2 3 4 0",
        "1 open g 3 4 0",
        "1 open 2 a 4 0",
        "1 open 2 3 18446744073709551616 0",
        "1 open 10000000000000000 3 4 0",
        "1 open 2 3 4 12",
        "1 open 2 3 4 0\n\n",
        /* What no store can have done. */
        "1 put 5 24 4294967296 0",
        "1 open 5 4294967296 100 0",
        "1 write 5 18446744073709551615 1 0",
        "1 cut 5 0 900000000000000000 0",
        "1 commit 5 0 4294967296 0",
    };
    static const char *const right[] = {
        "1 put 5 24 4294967295 0\r\n",
        "1 put 5 24 4294967296 3\n", /* it was refused */
        "1 attributes 5 0 18446744073709551615 0",
        "1 start 0 1 68719476736 0",
    };
    static const char later[] = "1 start 0 2 4096 0";
    static const char largest[] = "1 read ffffffffffffffff 18446744073709551615 4 7";
    struct coffer_trace_record record = {.time_us = 99};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(coffer_trace_parse(wrong[i], strlen(wrong[i]), &record), COFFER_MISUSE);
    assert_int_equal(coffer_trace_parse(NULL, 0, &record), COFFER_MISUSE);
    assert_int_equal(coffer_trace_parse("1 end 0 0 0 0", 13, NULL), COFFER_MISUSE);
    assert_int_equal(coffer_trace_parse(later, strlen(later), &record), COFFER_UNSUPPORTED);
    assert_int_equal(record.time_us, 99);
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_ok(coffer_trace_parse(right[i], strlen(right[i]), &record));
    assert_ok(coffer_trace_parse(largest, strlen(largest), &record));
    assert_true(record.object == UINT64_MAX && record.offset == UINT64_MAX);
    assert_int_equal(record.status, COFFER_CORRUPT);
}

/* Whoever gives a lock behind the first line of a rename lets other threads run. */
static _Thread_local bool gives_way;

static void give_and_wait(void *context, struct port_lock *lock)
{
    const struct timespec a_moment = {.tv_nsec = 1000000};

    coffer_linux_port()->lock_give(context, lock);
    if (gives_way)
        nanosleep(&a_moment, NULL);
    gives_way = false;
}

struct watched {
    atomic_bool over;
    atomic_uint stats; /* lines of the other thread */
    enum coffer_trace_call last;
    unsigned pairs;
    unsigned torn;
};

static bool watch(void *context, const char *line, size_t size)
{
    struct watched *watched = context;
    struct coffer_trace_record record;

    must(coffer_trace_parse(line, size, &record) == COFFER_OK);
    if (watched->last == COFFER_TRACE_RENAME) {
        watched->pairs += record.call == COFFER_TRACE_AS;
        watched->torn += record.call != COFFER_TRACE_AS;
    }
    gives_way = record.call == COFFER_TRACE_RENAME;
    atomic_fetch_add(&watched->stats, record.call == COFFER_TRACE_STAT);
    watched->last = record.call;
    return true;
}

static void ask_on(void *argument)
{
    const struct coffer_name pear = {.id = "pear", .id_size = 4};
    struct watched *watched = argument;
    struct coffer_info info;

    while (!atomic_load(&watched->over))
        must(coffer_stat(fixture.store, &pear, &info) == COFFER_OK);
}

static void test_a_renames_lines_stand_together(void **state)
{
    const struct coffer_name pear = {.id = "pear", .id_size = 4};
    const struct coffer_name names[2] = {{.id = "apple", .id_size = 5},
                                         {.id = "plum", .id_size = 4}};
    static struct watched watched;
    struct coffer_port port = *coffer_linux_port();
    const struct store_options options = {.port = &port, .trace = watch, .trace_context = &watched};
    struct thread other;

    (void)state;
    port.lock_give = give_and_wait;
    store_fixture_close(&fixture);
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(coffer_put(fixture.store, &pear, 0, NULL, "a", 1));
    assert_ok(coffer_put(fixture.store, &names[0], 0, NULL, "a", 1));
    thread_start(&other, ask_on, &watched);
    while (atomic_load(&watched.stats) == 0)
        sched_yield();
    for (unsigned k = 0; k < 100; k++)
        must(coffer_rename(fixture.store, &names[k % 2], names[(k + 1) % 2].id,
                           names[(k + 1) % 2].id_size) == COFFER_OK);
    atomic_store(&watched.over, true);
    thread_join(&other);
    store_fixture_close(&fixture);
    assert_int_equal(watched.torn, 0);
    assert_int_equal(watched.pairs, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_call_is_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_object_has_one_number_in_every_trace_of_its_store,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_that_fails_ends_the_trace_and_nothing_else,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_renames_lines_stand_together, set_up, tear_down),
        cmocka_unit_test(test_what_is_no_line_of_a_trace_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
