/* SPDX-License-Identifier: BSD-2-Clause */
/* Leak records: a planted leak is found, with file, line, owner and time; nothing else is told. */
#include "fixture.h"

#include <stdio.h>

#include "coffer/linux.h"
#include "support/store_fixture.h"

#define LINES_MAX 64u
#define LINE_SIZE 200u

struct told {
    struct coffer_port port;
    uint64_t now_ns;
    unsigned takes; /* of memory for records */
    unsigned count;
    char lines[LINES_MAX][LINE_SIZE];
};

static struct told told;

static void keep_line(void *context, enum port_log_level level, const char *text)
{
    (void)context;
    assert_int_equal(level, PORT_LOG_WARNING);
    assert_true(told.count < LINES_MAX);
    (void)snprintf(told.lines[told.count++], LINE_SIZE, "%s", text);
}

static uint64_t clock_ns(void *context)
{
    (void)context;
    return told.now_ns;
}

/* Enough for the books, and for no record. */
static void *take_once(void *context, size_t size)
{
    return told.takes++ == 0 ? coffer_linux_port()->records_take(context, size) : NULL;
}

static struct memory *begin(struct buffer *buffer, bool poor, struct owner owners[2])
{
    struct memory_settings settings = {.tell_leaks = true};
    struct memory_area area;
    struct memory *memory;

    memset(&told, 0, sizeof(told));
    told.port = *coffer_linux_port();
    told.port.log = keep_line;
    told.port.clock_ns = clock_ns;
    if (poor)
        told.port.records_take = take_once;
    settings.port = &told.port;
    *buffer = buffer_make(2000, 4096);
    area = (struct memory_area){buffer->start, buffer->size};
    assert_ok(memory_open(&area, 1, &settings, &memory));
    assert_ok(account_open_owner(&memory->account, "first", &owners[0]));
    assert_ok(account_open_owner(&memory->account, "second", &owners[1]));
    return memory;
}

static void test_a_planted_leak_is_found(void **state)
{
    struct owner owners[2];
    struct buffer buffer;
    struct memory *memory = begin(&buffer, false, owners);
    char place[60];
    void *blocks[1000];
    void *left;
    unsigned line;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_ok(memory_alloc(memory, owners[i % 2], 1 + i, &blocks[i]));
    told.now_ns = 5000000;
    line = __LINE__ + 1;
    assert_ok(memory_alloc(memory, owners[1], 321, &left));
    for (unsigned i = 0; i < 1000; i++)
        memory_free(memory, blocks[i]);
    told.now_ns = 12000000;
    memory_close(memory);
    buffer_free(&buffer);

    assert_int_equal(told.count, 2);
    (void)snprintf(place, sizeof(place), "test_leaks.c:%u, 7 ms ago", line);
    assert_non_null(strstr(told.lines[0], "leak: 321 bytes of second, "));
    assert_non_null(strstr(told.lines[0], place));
    assert_string_equal(told.lines[1], "leaks of second: 1 blocks, 321 bytes");
}

static void test_nothing_left_nothing_told(void **state)
{
    struct owner owners[2];
    struct buffer buffer;
    struct memory *memory = begin(&buffer, false, owners);
    void *block;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        assert_ok(memory_alloc(memory, owners[0], 100, &block));
        memory_free(memory, block);
    }
    memory_close(memory);
    buffer_free(&buffer);
    assert_int_equal(told.count, 0);
}

static void test_without_memory_for_records(void **state)
{
    struct owner owners[2];
    struct buffer buffer;
    struct memory *memory = begin(&buffer, true, owners);
    void *block;

    (void)state;
    assert_ok(memory_alloc(memory, owners[0], 100, &block));
    memory_close(memory);
    buffer_free(&buffer);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.lines[0],
                        "leak records: none of 1 blocks, there was no memory for them");
}

/* All that a store had is back when it is closed, and when it couldn't be opened. */
static void test_a_store_leaves_nothing(void **state)
{
    struct memory_device *disk = memory_device_open();
    struct store_options options = {.create = true};
    const struct coffer_name name = {.id = "x", .id_size = 1};
    struct store_fixture fixture;
    struct coffer_writer *writer;
    struct coffer_list *list;

    (void)state;
    memset(&told, 0, sizeof(told));
    told.port = *coffer_linux_port();
    told.port.log = keep_line;
    options.port = &told.port;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(coffer_put(fixture.store, &name, 0, NULL, "abc", 3));
    assert_ok(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer));
    assert_ok(coffer_list_open(fixture.store, NULL, &list));
    store_fixture_close(&fixture);
    options.create = false;
    memory_device_free(disk);
    disk = memory_device_open();
    assert_int_equal(store_fixture_open(&fixture, disk, &options), COFFER_NOT_FOUND);
    memory_device_free(disk);
    if (told.count > 0)
        fail_msg("%s", told.lines[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_planted_leak_is_found),
        cmocka_unit_test(test_nothing_left_nothing_told),
        cmocka_unit_test(test_without_memory_for_records),
        cmocka_unit_test(test_a_store_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
