/* SPDX-License-Identifier: BSD-2-Clause */
/* The support devices' own tests: a fault harness that is wrong proves nothing. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault_plan.h"
#include "support/memory_device.h"
#include "support/recording.h"

static enum coffer_status put(struct coffer_device *face, const char *name, uint64_t offset,
                              const char *text)
{
    char copy[64];
    struct device_piece piece = {.data = copy, .size = strlen(text)};

    memcpy(copy, text, strlen(text) + 1);
    return device_write(face, name, offset, &piece, 1);
}

static void sync_one(struct coffer_device *face, const char *name)
{
    assert_int_equal(device_sync(face, &name, 1), COFFER_OK);
}

static void expect(struct memory_device *device, const char *name, const char *text)
{
    size_t size;
    const uint8_t *bytes = memory_device_bytes(device, name, &size);

    assert_non_null(bytes);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

/* --- The device -------------------------------------------------------------------------- */

static void test_reads_give_what_was_written(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    char head[3];
    char tail[4];
    struct device_piece pieces[] = {{head, 3}, {NULL, 2}, {tail, 4}};
    size_t got;

    (void)state;
    assert_int_equal(device_read(face, "a", 0, pieces, 3, &got), COFFER_NOT_FOUND);
    assert_int_equal(put(face, "a", 0, "x"), COFFER_NOT_FOUND);
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(device_create(face, "a"), COFFER_EXISTS);
    assert_int_equal(put(face, "a", 2, "cdefgh"), COFFER_OK);
    assert_int_equal(device_read(face, "a", 0, pieces, 3, &got), COFFER_OK);
    assert_int_equal(got, 8); /* short at the end */
    assert_memory_equal(head, "\0\0c", 3);
    assert_memory_equal(tail, "fgh", 3);
    assert_int_equal(device_read(face, "a", 9, pieces, 1, &got), COFFER_OK);
    assert_int_equal(got, 0);
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_a_file_that_shrank_grows_with_zeros(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    uint64_t file_size;
    size_t size;

    (void)state;
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(put(face, "a", 0, "abcdef"), COFFER_OK);
    assert_int_equal(device_resize(face, "a", 2), COFFER_OK);
    assert_int_equal(device_resize(face, "a", 4), COFFER_OK);
    assert_int_equal(device_size(face, "a", &file_size), COFFER_OK);
    assert_int_equal(file_size, 4);
    assert_memory_equal(memory_device_bytes(device, "a", &size), "ab\0\0", 4);
    memory_device_detach(device);
    memory_device_free(device);
}

static bool count_names(void *argument, const char *name, uint64_t size)
{
    unsigned *count = argument;

    (void)name;
    (void)size;
    ++*count;
    return true;
}

static void test_names_move_and_the_list_shows_the_top_folder(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    unsigned count = 0;

    (void)state;
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(device_create(face, "b"), COFFER_OK);
    assert_int_equal(device_rename(face, "a", "b"), COFFER_EXISTS);
    assert_int_equal(device_rename(face, "c", "d"), COFFER_NOT_FOUND);
    assert_int_equal(device_rename(face, "a", "quarantine/a"), COFFER_OK);
    assert_int_equal(device_list(face, count_names, &count), COFFER_OK);
    assert_int_equal(count, 1);
    assert_int_equal(device_remove(face, "b"), COFFER_OK);
    assert_int_equal(device_remove(face, "b"), COFFER_NOT_FOUND);
    assert_int_equal(memory_device_file_count(device), 1);
    assert_string_equal(memory_device_file_name(device, 0), "quarantine/a");
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_the_capacity_is_a_limit(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);

    (void)state;
    memory_device_set_capacity(device, 8);
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(device_create(face, "b"), COFFER_OK);
    assert_int_equal(put(face, "a", 0, "12345"), COFFER_OK);
    assert_int_equal(put(face, "b", 0, "1234"), COFFER_NO_SPACE);
    assert_int_equal(device_resize(face, "b", 4), COFFER_NO_SPACE);
    assert_int_equal(put(face, "b", 0, "123"), COFFER_OK);
    expect(device, "b", "123");
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_clones_differ_by_what_is_flipped(void **state)
{
    struct memory_device *device = memory_device_open();
    struct memory_device *clone;
    const char *where;

    (void)state;
    memory_device_set(device, "a", "abc", 3);
    memory_device_set(device, "e", "", 0);
    clone = memory_device_clone(device);
    assert_true(memory_device_equal(device, clone, NULL));
    memory_device_flip(clone, "a", 1, 0x20);
    expect(clone, "a", "aBc");
    expect(device, "a", "abc");
    assert_false(memory_device_equal(device, clone, &where));
    assert_string_equal(where, "a");
    memory_device_flip(clone, "a", 1, 0x20);
    memory_device_set(clone, "b", "", 0);
    assert_false(memory_device_equal(device, clone, &where));
    assert_string_equal(where, "b");
    memory_device_free(clone);
    memory_device_free(device);
}

static void test_a_directory_of_the_host_keeps_it(void **state)
{
    char path[] = "/tmp/coffer-support-XXXXXX";
    char command[64];
    struct memory_device *device = memory_device_open();
    struct memory_device *loaded;

    (void)state;
    assert_non_null(mkdtemp(path));
    memory_device_set(device, "dirf.db", "abc", 3);
    memory_device_set(device, "0", "", 0);
    memory_device_set(device, "quarantine/1f", "q", 1);
    assert_true(memory_device_save(device, path));
    loaded = memory_device_load(path);
    assert_non_null(loaded);
    assert_true(memory_device_equal(device, loaded, NULL));
    memory_device_free(loaded);
    memory_device_free(device);
    assert_null(memory_device_load("/nowhere/at/all"));
    snprintf(command, sizeof(command), "rm -r %s", path);
    assert_int_equal(system(command), 0);
}

/* --- Faults ------------------------------------------------------------------------------ */

/* A little workload; its first error, or COFFER_OK. */
static enum coffer_status three_calls(struct coffer_device *face)
{
    const char *name = "a";
    enum coffer_status status = device_create(face, "a");

    if (status == COFFER_OK)
        status = put(face, "a", 0, "abcd");
    if (status == COFFER_OK)
        status = device_sync(face, &name, 1);
    return status;
}

static void test_each_call_fails_once(void **state)
{
    /* How many of the three calls a kind of fault can strike. */
    static const uint64_t calls[FAULT_KINDS] = {3, 3, 1, 2, 3};

    (void)state;
    for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++) {
        uint64_t at;

        for (at = 1;; at++) {
            struct memory_device *device = memory_device_open();
            struct coffer_device *face = memory_device_attach(device);
            struct fault_plan plan = {.kind = kind, .at = at};
            enum coffer_status status;

            memory_device_inject(device, &plan);
            status = three_calls(face);
            memory_device_detach(device);
            memory_device_free(device);
            if (!plan.fired) {
                assert_int_equal(status, COFFER_OK);
                break;
            }
            assert_int_equal(status, kind == FAULT_NO_SPACE ? COFFER_NO_SPACE : COFFER_IO);
        }
        assert_int_equal(at - 1, calls[kind]);
    }
}

static void test_faults_do_what_their_names_say(void **state)
{
    static const char *const left[FAULT_KINDS] = {"", "abcd", "ab", "", ""};

    (void)state;
    for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++) {
        struct memory_device *device = memory_device_open();
        struct coffer_device *face = memory_device_attach(device);
        struct fault_plan plan = {.kind = kind, .at = 1};

        memory_device_set(device, "a", "", 0);
        memory_device_inject(device, &plan);
        assert_int_not_equal(put(face, "a", 0, "abcd"), COFFER_OK);
        expect(device, "a", left[kind]);
        /* Only a dead device stays that way. */
        assert_int_equal(put(face, "a", 0, "wxyz"), kind == FAULT_DEAD ? COFFER_IO : COFFER_OK);
        memory_device_detach(device);
        memory_device_free(device);
    }
}

/* --- Crash states ------------------------------------------------------------------------ */

static void test_a_cut_keeps_what_a_barrier_covers(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    struct recording *recording;
    struct memory_device *crashed;
    struct keep nothing[3] = {{KEEP_NOTHING, 0}, {KEEP_NOTHING, 0}, {KEEP_NOTHING, 0}};
    size_t unsettled[3];

    (void)state;
    memory_device_set(device, "old", "o", 1);
    recording = recording_begin(device);
    assert_int_equal(device_create(face, "a"), COFFER_OK);   /* 0 */
    assert_int_equal(put(face, "a", 0, "abcd"), COFFER_OK);  /* 1 */
    assert_int_equal(put(face, "old", 0, "new"), COFFER_OK); /* 2 */
    sync_one(face, "a");                                     /* 3 */
    assert_int_equal(put(face, "a", 4, "efgh"), COFFER_OK);  /* 4 */
    assert_int_equal(device_remove(face, "old"), COFFER_OK); /* 5 */
    recording_end(recording, device);

    /* Before the barrier all three are open, after it only what it does not name. */
    assert_int_equal(recording_unsettled(recording, 3, unsettled, 3), 3);
    crashed = recording_replay(recording, 3, nothing);
    assert_false(memory_device_has(crashed, "a"));
    expect(crashed, "old", "o");
    memory_device_free(crashed);

    assert_int_equal(recording_unsettled(recording, 6, unsettled, 3), 3);
    assert_int_equal(unsettled[0], 2);
    assert_int_equal(unsettled[1], 4);
    assert_int_equal(unsettled[2], 5);
    crashed = recording_replay(recording, 6, nothing);
    expect(crashed, "a", "abcd");
    expect(crashed, "old", "o");
    memory_device_free(crashed);

    crashed = recording_replay(recording, 6, NULL);
    assert_true(memory_device_equal(crashed, device, NULL));
    memory_device_free(crashed);

    recording_free(recording);
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_torn_writes_keep_one_end(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    struct recording *recording;
    struct memory_device *crashed;
    struct keep first = {KEEP_FIRST, 1};
    struct keep last = {KEEP_LAST, 3};

    (void)state;
    memory_device_set(device, "a", "----", 4);
    recording = recording_begin(device);
    assert_int_equal(put(face, "a", 0, "abcd"), COFFER_OK);
    recording_end(recording, device);
    crashed = recording_replay(recording, 1, &first);
    expect(crashed, "a", "a---");
    memory_device_free(crashed);
    crashed = recording_replay(recording, 1, &last);
    expect(crashed, "a", "-bcd");
    memory_device_free(crashed);
    recording_free(recording);
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_names_are_settled_by_a_new_file_of_their_folder(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    struct recording *recording;
    size_t unsettled[8];

    (void)state;
    memory_device_set(device, "a", "a", 1);
    memory_device_set(device, "b", "b", 1);
    recording = recording_begin(device);
    assert_int_equal(device_remove(face, "a"), COFFER_OK); /* 0 */
    sync_one(face, "b");                                   /* 1: b is neither new nor renamed */
    assert_int_equal(device_create(face, "c"), COFFER_OK); /* 2 */
    assert_int_equal(device_create(face, "d"), COFFER_OK); /* 3 */
    sync_one(face, "c");                                   /* 4: settles the folder */
    assert_int_equal(device_rename(face, "d", "quarantine/d"), COFFER_OK); /* 5 */
    assert_int_equal(device_create(face, "e"), COFFER_OK);                 /* 6 */
    sync_one(face, "e");                                                   /* 7 */
    recording_end(recording, device);

    assert_int_equal(recording_unsettled(recording, 2, unsettled, 8), 1);
    assert_int_equal(recording_unsettled(recording, 4, unsettled, 8), 3);
    assert_int_equal(recording_unsettled(recording, 5, unsettled, 8), 0);
    assert_int_equal(recording_unsettled(recording, 8, unsettled, 8), 1);
    assert_int_equal(unsettled[0], 5); /* another folder */
    recording_free(recording);
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_a_lost_creation_takes_its_bytes_along(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    struct recording *recording;
    struct memory_device *crashed;
    /* create a, write a, rename a to b, create a, write a */
    struct keep keep[5] = {
        {KEEP_NOTHING, 0}, {KEEP_ALL, 0}, {KEEP_ALL, 0}, {KEEP_ALL, 0}, {KEEP_ALL, 0}};

    (void)state;
    recording = recording_begin(device);
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(put(face, "a", 0, "one"), COFFER_OK);
    assert_int_equal(device_rename(face, "a", "b"), COFFER_OK);
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    assert_int_equal(put(face, "a", 0, "two"), COFFER_OK);
    recording_end(recording, device);

    crashed = recording_replay(recording, 5, keep);
    assert_int_equal(memory_device_file_count(crashed), 1);
    expect(crashed, "a", "two");
    memory_device_free(crashed);

    /* The rename is lost: the name passes to the newer file. */
    keep[0].kind = KEEP_ALL;
    keep[2].kind = KEEP_NOTHING;
    crashed = recording_replay(recording, 5, keep);
    assert_int_equal(memory_device_file_count(crashed), 1);
    expect(crashed, "a", "two");
    memory_device_free(crashed);

    recording_free(recording);
    memory_device_detach(device);
    memory_device_free(device);
}

static void test_ignored_syncs_settle_nothing(void **state)
{
    struct memory_device *device = memory_device_open();
    struct coffer_device *face = memory_device_attach(device);
    struct recording *recording = recording_begin(device);

    (void)state;
    recording->ignore_syncs = true;
    assert_int_equal(device_create(face, "a"), COFFER_OK);
    sync_one(face, "a");
    recording_end(recording, device);
    assert_int_equal(recording_unsettled(recording, recording->count, NULL, 0), 1);
    recording_free(recording);
    memory_device_detach(device);
    memory_device_free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_give_what_was_written),
        cmocka_unit_test(test_a_file_that_shrank_grows_with_zeros),
        cmocka_unit_test(test_names_move_and_the_list_shows_the_top_folder),
        cmocka_unit_test(test_the_capacity_is_a_limit),
        cmocka_unit_test(test_clones_differ_by_what_is_flipped),
        cmocka_unit_test(test_a_directory_of_the_host_keeps_it),
        cmocka_unit_test(test_each_call_fails_once),
        cmocka_unit_test(test_faults_do_what_their_names_say),
        cmocka_unit_test(test_a_cut_keeps_what_a_barrier_covers),
        cmocka_unit_test(test_torn_writes_keep_one_end),
        cmocka_unit_test(test_names_are_settled_by_a_new_file_of_their_folder),
        cmocka_unit_test(test_a_lost_creation_takes_its_bytes_along),
        cmocka_unit_test(test_ignored_syncs_settle_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
