/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may happen between a system call of the directory and its return, when other threads use the
 * device: in most tests one thread plays all of them, from inside the call. (That this works at all
 * shows that no lock is held over it.)
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "coffer/linux.h"

#include "device/device.h"
#include "linux_calls.h"
#include "port/port.h"
#include "support/must.h"
#include "support/threads.h"

static void make_many(unsigned count)
{
    char name[8];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
}

static void check_text(const char *name, const char *text)
{
    char back[65] = "";
    const struct device_piece piece = {back, 64};
    size_t got = 0;

    assert_int_equal(device_read(device, name, 0, &piece, 1, &got), COFFER_OK);
    assert_int_equal(got, strlen(text));
    assert_string_equal(back, text);
}

/* --- Transfers ----------------------------------------------------------------------------- */

static void push_out(void)
{
    make_many(40); /* more than the table holds: whatever can be closed is */
}

static void test_a_descriptor_in_use_stays_open(void **state)
{
    (void)state;
    make("read");
    during_transfer = push_out;
    check_text("read", "read");
    assert_null(during_transfer);
    assert_int_equal(flushed("fsync read"), 0);
    assert_int_equal(sync_one("read"), COFFER_OK);
    assert_int_equal(flushed("fsync read"), 1);
}

static void remove_read(void)
{
    assert_int_equal(device_remove(device, "read"), COFFER_OK);
    make_many(17);
    assert_int_equal(device_create(device, "read"), COFFER_OK);
}

static void test_a_file_removed_meanwhile_is_read_to_its_end(void **state)
{
    (void)state;
    make("read");
    during_transfer = remove_read;
    check_text("read", "read");
    check_text("read", ""); /* the new one */
    assert_int_equal(device_remove(device, "read"), COFFER_OK);
}

static void rename_written(void)
{
    assert_int_equal(device_rename(device, "written", "renamed"), COFFER_OK);
    assert_int_equal(sync_one("renamed"), COFFER_OK);
    flush_count = 0;
}

/* The write goes on while the file is flushed under its new name: it isn't clean after that. */
static void test_a_write_under_way_keeps_the_file_dirty(void **state)
{
    (void)state;
    make("written");
    assert_int_equal(sync_one("written"), COFFER_OK);
    during_transfer = rename_written;
    assert_int_equal(write_text("written", 0, "x"), COFFER_OK);
    assert_int_equal(flush_count, 0);
    assert_int_equal(sync_one("renamed"), COFFER_OK);
    assert_int_equal(flushed("fsync renamed") + flushed("fdatasync renamed"), 1);
    check_text("renamed", "xritten");
    flush_count = 0;
    assert_int_equal(sync_one("renamed"), COFFER_OK);
    assert_int_equal(flush_count, 0);
}

/* --- Flushes ------------------------------------------------------------------------------- */

static void write_more(void)
{
    assert_int_equal(write_text("a", 0, "more"), COFFER_OK);
}

static void test_a_write_during_a_flush_keeps_the_file_dirty(void **state)
{
    (void)state;
    make("a");
    during_flush = write_more;
    assert_int_equal(sync_one("a"), COFFER_OK);
    flush_count = 0;
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_int_equal(flushed("fsync a"), 1); /* still a new name as far as anybody knows */
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_int_equal(flush_count, 1);
}

static void rename_more(void)
{
    assert_int_equal(device_rename(device, "first", "second"), COFFER_OK);
}

static void test_a_name_that_changes_during_the_folders_flush_is_flushed_next(void **state)
{
    (void)state;
    assert_int_equal(device_rename(device, "first", "x"), COFFER_OK);
    assert_int_equal(device_rename(device, "x", "first"), COFFER_OK);
    assert_int_equal(sync_one("first"), COFFER_OK);
    flush_count = 0;
    assert_int_equal(device_rename(device, "first", "x"), COFFER_OK);
    assert_int_equal(device_rename(device, "x", "first"), COFFER_OK);
    make("other");
    assert_int_equal(sync_one("other"), COFFER_OK); /* the folder's first flush since */
    assert_int_equal(flushed("fsync ."), 1);

    assert_int_equal(device_rename(device, "other", "another"), COFFER_OK);
    assert_int_equal(sync_one("first"), COFFER_OK);
    flush_count = 0;
    assert_int_equal(device_rename(device, "another", "other"), COFFER_OK);
    during_flush = rename_more;
    assert_int_equal(device_sync(device, NULL, 0), COFFER_OK); /* the folder alone */
    assert_int_equal(flushed("fsync ."), 1);
    assert_null(during_flush);
    assert_int_equal(device_sync(device, NULL, 0), COFFER_OK);
    assert_int_equal(flushed("fsync ."), 2);
    assert_int_equal(device_sync(device, NULL, 0), COFFER_OK);
    assert_int_equal(flushed("fsync ."), 2);
}

static void use_the_leaving_name(void);

/* A dirty file that has to leave is flushed without the lock: others get on. */
static void test_room_is_made_without_the_lock(void **state)
{
    (void)state;
    make_many(16);
    assert_int_equal(flushed("fsync 0"), 0);
    during_flush = use_the_leaving_name;
    make("more");
    assert_null(during_flush);
    assert_int_equal(flushed("fsync 0"), 1);
    check_text("0", "0");
    check_text("more", "more");
}

static void use_the_leaving_name(void)
{
    check_text("5", "5");
}

/* --- Two threads --------------------------------------------------------------------------- */

static struct {
    struct thread thread;
    atomic_bool begun, over;
    enum coffer_status status;
} second;

static void sync_second(void *argument)
{
    (void)argument;
    atomic_store(&second.begun, true);
    second.status = sync_one("a");
    atomic_store(&second.over, true);
}

/* Give it time to do what it must not do. */
static void start_second(void)
{
    const struct timespec moment = {.tv_nsec = 50000000};

    thread_start(&second.thread, sync_second, NULL);
    while (!atomic_load(&second.begun))
        coffer_linux_port()->thread_yield(NULL);
    (void)nanosleep(&moment, NULL);
    must(!atomic_load(&second.over));
    must(flush_count == 1);
}

/* Linux tells a write-back error once: the second barrier waits for what the first one learns. */
static void test_a_second_barrier_waits_for_the_flush_under_way(void **state)
{
    (void)state;
    for (unsigned failing = 0; failing < 2; failing++) {
        memset(&second, 0, sizeof(second));
        assert_int_equal(device_create(device, "a"), COFFER_OK);
        flush_count = 0;
        flush_error = failing ? EIO : 0;
        during_flush = start_second;
        assert_int_equal(sync_one("a"), failing ? COFFER_IO : COFFER_OK);
        thread_join(&second.thread);
        assert_int_equal(second.status, failing ? COFFER_IO : COFFER_OK);
        assert_int_equal(flush_count, 1);
        assert_int_equal(device_remove(device, "a"), COFFER_OK);
    }
}

/* --- The table ----------------------------------------------------------------------------- */

static void sync_renamed(void *argument)
{
    (void)argument;
    atomic_store(&second.begun, true);
    second.status = sync_one("y");
    atomic_store(&second.over, true);
}

static void remove_renamed(void *argument)
{
    (void)argument;
    atomic_store(&second.begun, true);
    second.status = device_remove(device, "y");
    atomic_store(&second.over, true);
}

static void (*use_of_name)(void *argument);

/* The file has its new name already, and its descriptor the old one. */
static void start_with_the_new_name(void)
{
    const struct timespec moment = {.tv_nsec = 50000000};

    thread_start(&second.thread, use_of_name, NULL);
    while (!atomic_load(&second.begun))
        coffer_linux_port()->thread_yield(NULL);
    (void)nanosleep(&moment, NULL);
    must(!atomic_load(&second.over));
}

static void rename_beside(void (*use)(void *argument))
{
    memset(&second, 0, sizeof(second));
    use_of_name = use;
    after_rename = start_with_the_new_name;
    assert_int_equal(device_rename(device, "x", "y"), COFFER_OK);
    assert_null(after_rename);
    thread_join(&second.thread);
    assert_int_equal(second.status, COFFER_OK);
}

static void test_who_wants_a_name_waits_for_its_rename(void **state)
{
    uint64_t size;

    (void)state;
    make("x");
    rename_beside(sync_renamed);
    assert_int_equal(flushed("fsync y"), 1);
    assert_int_equal(device_rename(device, "y", "x"), COFFER_OK);
    rename_beside(remove_renamed);
    assert_int_equal(device_size(device, "y", &size), COFFER_NOT_FOUND);
}

static unsigned depth;

static void read_seventeenth(void *argument)
{
    (void)argument;
    atomic_store(&second.begun, true);
    check_text("10", "10");
    atomic_store(&second.over, true);
}

/* A read within a read, until all descriptors are in use; then another thread wants one. */
static void read_deeper(void)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    char name[8];

    if (++depth < 16) {
        snprintf(name, sizeof(name), "%x", depth);
        during_transfer = read_deeper;
        check_text(name, name);
        return;
    }
    thread_start(&second.thread, read_seventeenth, NULL);
    while (!atomic_load(&second.begun))
        coffer_linux_port()->thread_yield(NULL);
    (void)nanosleep(&moment, NULL);
    must(!atomic_load(&second.over));
}

static void test_who_finds_all_descriptors_in_use_waits_for_one(void **state)
{
    (void)state;
    memset(&second, 0, sizeof(second));
    depth = 0;
    make_many(17);
    during_transfer = read_deeper;
    check_text("0", "0");
    assert_int_equal(depth, 16);
    thread_join(&second.thread);
    assert_true(atomic_load(&second.over));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        linux_test(test_a_descriptor_in_use_stays_open),
        linux_test(test_a_file_removed_meanwhile_is_read_to_its_end),
        linux_test(test_a_write_under_way_keeps_the_file_dirty),
        linux_test(test_a_write_during_a_flush_keeps_the_file_dirty),
        linux_test(test_a_name_that_changes_during_the_folders_flush_is_flushed_next),
        linux_test(test_room_is_made_without_the_lock),
        linux_test(test_a_second_barrier_waits_for_the_flush_under_way),
        linux_test(test_who_wants_a_name_waits_for_its_rename),
        linux_test(test_who_finds_all_descriptors_in_use_waits_for_one),
    };

    return cmocka_run_group_tests_name("Linux, several threads", tests, NULL, NULL);
}
