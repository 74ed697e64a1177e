/* SPDX-License-Identifier: BSD-2-Clause */
/* A store on Linux in one call: coffer_linux_open, and a look at the memory that it took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux.h"

#define assert_ok(call)             assert_int_equal((call), COFFER_OK)
#define assert_status(call, status) assert_int_equal((call), (status))

static const uint8_t key_bytes[16] = {7, 1, 2, 3};
static const struct coffer_key key = {
    .kind = COFFER_KEY_HUK, .bytes = key_bytes, .size = sizeof(key_bytes)};
static const struct coffer_name name = {.id = "a", .id_size = 1};
static const struct coffer_attributes attributes = {.type = COFFER_TYPE_DATA};
static char directory[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/coffer-open-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    char command[sizeof(directory) + 16];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 ? 0 : -1; /* NOLINT: a name of our own */
}

static void test_a_store_is_made_only_when_asked_and_found_again(void **state)
{
    struct coffer_linux_options options = {.directory = directory, .key = &key};
    struct coffer_info info;
    struct coffer *other;
    struct coffer *store;

    (void)state;
    assert_status(coffer_linux_open(&options, &store), COFFER_NOT_FOUND);
    options.create = true;
    assert_ok(coffer_linux_open(&options, &store));
    assert_ok(coffer_put(store, &name, 0, &attributes, "data", 4));
    assert_status(coffer_linux_open(&options, &other), COFFER_BUSY);
    coffer_close(store);

    options.create = false;
    options.read_only = true;
    assert_ok(coffer_linux_open(&options, &store));
    assert_ok(coffer_linux_open(&options, &other)); /* readers share it */
    coffer_close(other);
    assert_ok(coffer_stat(store, &name, &info));
    assert_int_equal(info.size, 4);
    assert_status(coffer_put(store, &name, COFFER_REPLACE, &attributes, "x", 1), COFFER_MISUSE);
    coffer_close(store);
}

static void test_wrong_options_are_refused(void **state)
{
    struct coffer_linux_options options = {.directory = directory, .key = &key, .create = true};
    struct coffer *store;

    (void)state;
    assert_status(coffer_linux_open(NULL, &store), COFFER_MISUSE);
    assert_status(coffer_linux_open(&options, NULL), COFFER_MISUSE);
    options.key = NULL;
    assert_status(coffer_linux_open(&options, &store), COFFER_MISUSE);
    options.key = &key;
    options.directory = NULL;
    assert_status(coffer_linux_open(&options, &store), COFFER_MISUSE);
    options.directory = "/nowhere/at/all";
    assert_status(coffer_linux_open(&options, &store), COFFER_NOT_FOUND);
}

static void test_the_memory_of_a_store_can_be_looked_at(void **state)
{
    const struct coffer_linux_options options = {
        .directory = directory, .key = &key, .create = true, .memory = (size_t)2 << 20};
    struct coffer_memory_statistics statistics;
    struct coffer_owner_statistics line;
    struct coffer_memory *memory;
    struct coffer *store;
    uint64_t frames = 0;
    unsigned cursor = 0;

    (void)state;
    assert_ok(coffer_linux_open(&options, &store));
    memory = coffer_memory_of(store);
    assert_non_null(memory);
    coffer_memory_statistics(memory, &statistics);
    assert_int_equal(statistics.total, 512);
    assert_int_equal(statistics.total, statistics.reserved + statistics.used + statistics.free);
    while (coffer_memory_next_owner(memory, &cursor, &line))
        frames += line.frames;
    assert_in_range(frames, statistics.used, statistics.used + statistics.reserved);
    coffer_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_store_is_made_only_when_asked_and_found_again),
        TEST(test_wrong_options_are_refused),
        TEST(test_the_memory_of_a_store_can_be_looked_at),
    };

    return cmocka_run_group_tests_name("Linux, in one call", tests, NULL, NULL);
}
