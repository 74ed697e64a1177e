/* SPDX-License-Identifier: BSD-2-Clause */
/* A store on a device in memory, and objects whose bytes follow from a letter and their place. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "coffer.h"
#include "engine/engine.h"
#include "support/fault_plan.h"
#include "support/memory_device.h"
#include "support/must.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define assert_ok(call)               assert_int_equal((call), COFFER_OK)
#define assert_status(call, expected) assert_int_equal((call), (expected))

#define BLOCK 4096u

static struct memory_device *disk;
static struct store_fixture fixture;

static inline void open_with(const struct store_options *options)
{
    assert_ok(store_fixture_open(&fixture, disk, options));
}

static inline void open_store(void)
{
    open_with(NULL);
}

static inline void close_store(void)
{
    store_fixture_close(&fixture);
}

static inline void reopen(void)
{
    close_store();
    open_store();
}

/* cmocka's set-up and tear-down: a new store. */
static inline int set_up(void **state)
{
    const struct store_options options = {.create = true};

    (void)state;
    disk = memory_device_open();
    open_with(&options);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    close_store();
    memory_device_free(disk);
    return 0;
}

#define store_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* The byte of an object's data. */
static inline uint8_t byte_of(char letter, size_t place)
{
    return (uint8_t)((size_t)letter * 31 + place * 7 + place / 251);
}

static inline uint8_t *letter_bytes(char letter, size_t size)
{
    uint8_t *bytes = must_alloc(size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_of(letter, i);
    return bytes;
}

static inline enum coffer_status put_flags(const char *id, unsigned flags, char letter, size_t size)
{
    uint8_t *bytes = letter_bytes(letter, size);
    struct coffer_name name = step_name(id);
    enum coffer_status status = coffer_put(fixture.store, &name, flags, NULL, bytes, size);

    free(bytes);
    return status;
}

static inline enum coffer_status put(const char *id, char letter, size_t size)
{
    return put_flags(id, 0, letter, size);
}

static inline enum coffer_status open_object(const char *id, struct coffer_object **out)
{
    struct coffer_name name = step_name(id);

    return coffer_object_open(fixture.store, &name, out);
}

static inline enum coffer_status delete_object(const char *id)
{
    struct coffer_name name = step_name(id);

    return coffer_delete(fixture.store, &name);
}

static inline enum coffer_status quarantine(const char *id)
{
    struct coffer_name name = step_name(id);

    return coffer_quarantine(fixture.store, &name);
}

static inline enum coffer_status rename_object(const char *from, const char *to)
{
    struct coffer_name name = step_name(from);

    return coffer_rename(fixture.store, &name, to, strlen(to));
}

static inline enum coffer_status stat_object(const char *id, struct coffer_info *out)
{
    struct coffer_name name = step_name(id);

    return coffer_stat(fixture.store, &name, out);
}

/* Does the handle's object hold `size` bytes of the letter? */
static inline void assert_handle_holds(struct coffer_object *object, char letter, size_t size)
{
    uint8_t *expected = letter_bytes(letter, size);
    uint8_t *bytes = must_alloc(size + 1);
    struct coffer_info info;
    size_t got = 99;

    assert_ok(coffer_object_info(object, &info));
    assert_int_equal(info.size, size);
    assert_ok(coffer_object_read(object, 0, bytes, size + 1, &got));
    assert_int_equal(got, size);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
    free(expected);
}

static inline void assert_holds(const char *id, char letter, size_t size)
{
    struct coffer_object *object;

    assert_ok(open_object(id, &object));
    assert_handle_holds(object, letter, size);
    coffer_object_close(object);
}

/* Files of the store's folder and of quarantine, dirf.db left out. */
static inline size_t object_files(void)
{
    size_t count = 0;

    for (size_t i = 0; i < memory_device_file_count(disk); i++) {
        const char *name = memory_device_file_name(disk, i);

        count += strchr(name, '/') == NULL && strcmp(name, "dirf.db") != 0;
    }
    return count;
}

static inline size_t quarantined_files(void)
{
    size_t count = 0;

    for (size_t i = 0; i < memory_device_file_count(disk); i++)
        count += strncmp(memory_device_file_name(disk, i), "quarantine/", 11) == 0;
    return count;
}

static inline uint64_t objects_listed(void)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    uint64_t count = 0;

    assert_ok(coffer_list_open(fixture.store, NULL, &list));
    while (coffer_list_next(list, &entry) == COFFER_OK)
        count++;
    coffer_list_close(list);
    return count;
}

#endif
