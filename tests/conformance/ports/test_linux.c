/* SPDX-License-Identifier: BSD-2-Clause */
/* What the contracts can't see on Linux: which system calls the port makes, and when. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "coffer/linux.h"

#include "device/device.h"
#include "linux_calls.h"
#include "port/port.h"

/* --- Barriers ------------------------------------------------------------------------------ */

static void test_sync_flushes_what_it_names_once(void **state)
{
    static const char *const both[] = {"a", "b"};

    (void)state;
    make("a");
    make("b");
    make("c");
    assert_int_equal(flush_count, 0);
    assert_int_equal(device_sync(device, both, 2), COFFER_OK);
    assert_int_equal(flushed("fsync a"), 1); /* new files: all of their metadata */
    assert_int_equal(flushed("fsync b"), 1);
    assert_int_equal(flushed("fsync c"), 0);
    flush_count = 0;
    assert_int_equal(device_sync(device, both, 2), COFFER_OK);
    assert_int_equal(flush_count, 0); /* nothing was written since */
    assert_int_equal(write_text("a", 1, "x"), COFFER_OK);
    assert_int_equal(device_sync(device, both, 2), COFFER_OK);
    assert_int_equal(flush_count, 1);
    assert_string_equal(flushes[0], "fdatasync a");
    flush_count = 0;
    assert_int_equal(device_resize(device, "b", 1), COFFER_OK);
    assert_int_equal(sync_one("b"), COFFER_OK);
    assert_string_equal(flushes[0], "fdatasync b");
    assert_int_equal(sync_one("none"), COFFER_NOT_FOUND);
}

static void test_rename_flushes_the_folder(void **state)
{
    (void)state;
    make("a");
    assert_int_equal(sync_one("a"), COFFER_OK);
    flush_count = 0;
    assert_int_equal(device_rename(device, "a", "b"), COFFER_OK);
    assert_int_equal(sync_one("b"), COFFER_OK);
    assert_int_equal(flush_count, 2);
    assert_string_equal(flushes[0], "fsync b");
    assert_string_equal(flushes[1], "fsync .");

    /* Into a folder below: its flush is part of the call, the new folder's own name is ours. */
    flush_count = 0;
    assert_int_equal(device_rename(device, "b", "quarantine/b"), COFFER_OK);
    assert_int_equal(flushed("fsync quarantine"), 1);
    assert_int_equal(sync_one("first"), COFFER_OK);
    assert_int_equal(flushed("fsync ."), 1);
}

/* A process before us may have written, or made a name, without a barrier: the first barrier after
 * opening takes its files for new ones. */
static void test_first_barrier_takes_nothing_for_granted(void **state)
{
    (void)state;
    make("a");
    reopen();
    flush_count = 0;
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_string_equal(flushes[0], "fsync a");
    flush_count = 0;
    reopen();
    assert_int_equal(write_text("a", 1, "x"), COFFER_OK);
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_string_equal(flushes[0], "fsync a");
    flush_count = 0;
    assert_int_equal(write_text("a", 1, "x"), COFFER_OK);
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_int_equal(flush_count, 1);
    assert_string_equal(flushes[0], "fdatasync a");
}

static void test_dirty_file_is_flushed_before_it_leaves_the_cache(void **state)
{
    char name[8];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
    /* 16 descriptors: all but the last 16 had to go, and none went unflushed. */
    assert_int_equal(flush_count, 24);
    for (unsigned i = 0; i < 24; i++) {
        snprintf(name, sizeof(name), "%x", i);
        assert_string_equal(flushes[i] + strlen("fsync "), name);
    }
}

static void test_failed_flush_is_never_forgotten(void **state)
{
    (void)state;
    make("a");
    make("b");
    flush_error = EIO;
    assert_int_equal(sync_one("a"), COFFER_IO);
    assert_int_equal(sync_one("a"), COFFER_IO); /* the kernel would now say that all is well */
    assert_int_equal(sync_one("b"), COFFER_IO);
    assert_int_equal(flush_count, 1);
    reopen();
    assert_int_equal(sync_one("a"), COFFER_OK);

    flush_error = ENOSPC;
    make("c");
    assert_int_equal(sync_one("c"), COFFER_NO_SPACE);
    assert_int_equal(sync_one("c"), COFFER_IO);
}

static void test_failed_flush_of_a_leaving_file_fails_the_next_barrier(void **state)
{
    char name[8];
    uint64_t size;

    (void)state;
    make("lost");
    for (unsigned i = 0; i < 15; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
    flush_error = EIO;
    make("more"); /* pushes out "lost" and works all the same */
    assert_int_equal(flushed("fsync lost"), 1);
    assert_int_equal(device_size(device, "lost", &size), COFFER_OK);
    assert_int_equal(sync_one("more"), COFFER_IO);
    assert_int_equal(sync_one("lost"), COFFER_IO);
}

/* Naming a file that left the cache makes room for it within the barrier itself. */
static void test_failed_flush_for_room_fails_the_barrier_under_way(void **state)
{
    char name[8];

    (void)state;
    make("early");
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
    assert_int_equal(flushed("fsync early"), 1);
    flush_error = EIO;
    assert_int_equal(sync_one("early"), COFFER_IO);
    assert_int_equal(flushed("fsync 0"), 1);
}

static void test_failed_flush_of_the_folder_fails(void **state)
{
    (void)state;
    make("a");
    assert_int_equal(sync_one("a"), COFFER_OK);
    assert_int_equal(device_rename(device, "a", "quarantine"), COFFER_OK);
    assert_int_equal(device_rename(device, "quarantine", "b"), COFFER_OK);
    flush_count = 0;
    flush_error = EIO;
    assert_int_equal(sync_one("b"), COFFER_IO);
    assert_int_equal(sync_one("b"), COFFER_IO);
}

/* --- Transfers ----------------------------------------------------------------------------- */

static void test_short_and_interrupted_transfers_go_on(void **state)
{
    char data[2][700], back[2][700];
    struct device_piece out[] = {{data[0], 700}, {data[1], 700}};
    struct device_piece in[] = {{back[0], 700}, {NULL, 100}, {back[1], 700}};
    size_t got;

    (void)state;
    for (unsigned i = 0; i < 1400; i++)
        data[i / 700][i % 700] = (char)(i * 7);
    make("a");
    transfer_limit = 33;
    interruptions = 3;
    assert_int_equal(device_write(device, "a", 5, out, 2), COFFER_OK);
    interruptions = 3;
    assert_int_equal(device_read(device, "a", 5, in, 3, &got), COFFER_OK);
    assert_int_equal(got, 1400);
    assert_memory_equal(back[0], data[0], 700);
    assert_memory_equal(back[1], data[1] + 100, 600);
    interruptions = 2;
    assert_int_equal(sync_one("a"), COFFER_OK);
}

/* A read that came to nothing more asks again whether that was the end, unless it has brought what
 * its caller can't do without. */
static void test_a_read_of_enough_takes_one_call(void **state)
{
    char back[100];
    struct device_piece in[] = {{back, sizeof(back)}};
    size_t got;

    (void)state;
    make("a");
    assert_int_equal(write_text("a", 0, "twelve bytes"), COFFER_OK);
    reads = 0;
    assert_int_equal(device_read(device, "a", 2, in, 1, &got), COFFER_OK);
    assert_int_equal(got, 10);
    assert_int_equal(reads, 2);
    reads = 0;
    assert_int_equal(device_read_least(device, "a", 2, in, 1, 10, &got), COFFER_OK);
    assert_int_equal(got, 10);
    assert_memory_equal(back, "elve bytes", 10);
    assert_int_equal(reads, 1);
    assert_int_equal(device_read_least(device, "a", 2, in, 1, 11, &got), COFFER_OK);
    assert_int_equal(got, 10);
    assert_int_equal(reads, 3);
    transfer_limit = 4; /* a short read isn't the end */
    assert_int_equal(device_read_least(device, "a", 2, in, 1, 6, &got), COFFER_OK);
    assert_int_equal(got, 8);
    assert_int_equal(device_read(device, "a", 2, in, 1, &got), COFFER_OK);
    assert_int_equal(got, 10);
    transfer_limit = 0;
}

static void test_entropy_goes_on_or_fails(void **state)
{
    const struct coffer_port *port = coffer_linux_port();
    uint8_t bytes[100] = {0};
    unsigned zeros = 0;

    (void)state;
    transfer_limit = 7;
    interruptions = 4;
    assert_int_equal(port->entropy(port->context, bytes, sizeof(bytes)), COFFER_OK);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 10);
    entropy_fails = true;
    assert_int_equal(port->entropy(port->context, bytes, sizeof(bytes)), COFFER_IO);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

static void test_rename_without_the_system_call_for_it(void **state)
{
    uint64_t size;

    (void)state;
    rename_error = EINVAL;
    make("a");
    make("b");
    assert_int_equal(device_rename(device, "a", "b"), COFFER_EXISTS);
    assert_int_equal(device_rename(device, "a", "c"), COFFER_OK);
    assert_int_equal(device_size(device, "a", &size), COFFER_NOT_FOUND);
    assert_int_equal(device_size(device, "c", &size), COFFER_OK);
    rename_error = EIO;
    assert_int_equal(device_rename(device, "c", "d"), COFFER_IO);
    assert_int_equal(device_size(device, "c", &size), COFFER_OK);
}

/* --- Shortage ------------------------------------------------------------------------------ */

static void test_file_size_limit_is_no_space(void **state)
{
    const struct rlimit little = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    enum coffer_status at_limit, over, grown;

    (void)state;
    make("a");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    at_limit = write_text("a", 4090, "123456");
    over = write_text("a", 4090, "1234567");
    grown = device_resize(device, "a", 5000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(at_limit, COFFER_OK);
    assert_int_equal(over, COFFER_NO_SPACE);
    assert_int_equal(grown, COFFER_NO_SPACE);
    assert_int_equal(device_resize(device, "a", UINT64_MAX), COFFER_NO_SPACE);
    assert_int_equal(write_text("a", UINT64_MAX - 2, "abc"), COFFER_NO_SPACE);
    assert_int_equal(write_text("a", UINT64_MAX - 1, "abc"), COFFER_NO_SPACE);
}

/* A file system of 64 KiB, in a mount namespace of this process alone. */
static void test_full_file_system_is_no_space(void **state)
{
    static char data[4096];
    struct device_piece piece = {.data = data, .size = sizeof(data)};
    enum coffer_status status = COFFER_OK;
    uint64_t offset = 0;

    (void)state;
    coffer_linux_directory_close(device);
    device = NULL;
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_PRIVATE | MS_REC, NULL) != 0 ||
        mount("coffer", path, "tmpfs", 0, "size=64k") != 0)
        skip();
    reopen();
    assert_int_equal(device_create(device, "a"), COFFER_OK);
    for (; status == COFFER_OK && offset < 1000000; offset += sizeof(data))
        status = device_write(device, "a", offset, &piece, 1);
    assert_int_equal(status, COFFER_NO_SPACE);
    assert_int_equal(device_resize(device, "a", 4096), COFFER_OK);
    assert_int_equal(device_write(device, "a", 4096, &piece, 1), COFFER_OK);
    assert_int_equal(sync_one("a"), COFFER_OK);
    coffer_linux_directory_close(device);
    device = NULL;
    assert_int_equal(umount(path), 0);
}

static void test_descriptors_are_given_up_when_the_process_has_no_more(void **state)
{
    struct rlimit before, little;
    char name[8];
    uint64_t size;
    int highest;

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
    highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(highest >= 0);
    (void)close(highest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    little = before;
    little.rlim_cur = (rlim_t)highest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &little), 0);
    for (unsigned i = 12; i < 20; i++) {
        snprintf(name, sizeof(name), "%x", i);
        make(name);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%x", i);
        assert_int_equal(device_size(device, name, &size), COFFER_OK);
        assert_int_equal(size, strlen(name));
    }
}

/* --- The directory ------------------------------------------------------------------------- */

static void in_directory(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", path, name);
}

static bool count_one(void *argument, const char *name, uint64_t size)
{
    (void)name;
    (void)size;
    ++*(unsigned *)argument;
    return true;
}

static void test_only_regular_files_are_files(void **state)
{
    static const char *const names[] = {"link", "dangling", "fifo", "folder"};
    char at[128], target[128], byte;
    struct device_piece piece = {&byte, 1};
    unsigned count = 0;
    uint64_t size;
    size_t got;

    (void)state;
    in_directory("first", target);
    in_directory("link", at);
    assert_int_equal(symlink(target, at), 0);
    in_directory("dangling", at);
    assert_int_equal(symlink("/nowhere", at), 0);
    in_directory("fifo", at);
    assert_int_equal(mkfifo(at, 0600), 0);
    in_directory("folder", at);
    assert_int_equal(mkdir(at, 0700), 0);
    in_directory(".hidden", at);
    (void)close(open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(device_read(device, names[i], 0, &piece, 1, &got), COFFER_IO);
        assert_int_equal(device_size(device, names[i], &size), COFFER_IO);
        assert_int_equal(write_text(names[i], 0, "x"), COFFER_IO);
        assert_int_equal(device_resize(device, names[i], 1), COFFER_IO);
        assert_int_equal(device_create(device, names[i]), COFFER_EXISTS);
        assert_int_equal(device_rename(device, names[i], "other"), COFFER_IO);
        assert_int_equal(device_rename(device, "first", names[i]), COFFER_EXISTS);
    }
    assert_int_equal(device_list(device, count_one, &count), COFFER_OK);
    assert_int_equal(count, 1);

    /* A folder that is a link leads out of the store. */
    in_directory("outside", at);
    assert_int_equal(symlink("/tmp", at), 0);
    assert_int_equal(device_create(device, "outside/x"), COFFER_IO);
}

static void test_modes_are_for_the_owner_alone(void **state)
{
    struct stat info;
    char at[128];

    (void)state;
    make("quarantine/a");
    in_directory("quarantine", at);
    assert_int_equal(stat(at, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    in_directory("quarantine/a", at);
    assert_int_equal(stat(at, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_directory_is_made_only_when_asked(void **state)
{
    struct coffer_device *other = NULL;
    struct stat info;
    char at[128];

    (void)state;
    in_directory("store", at);
    assert_int_equal(coffer_linux_directory_open(at, false, false, &other), COFFER_NOT_FOUND);
    assert_int_equal(coffer_linux_directory_open(at, true, true, &other), COFFER_NOT_FOUND);
    flush_count = 0;
    assert_int_equal(coffer_linux_directory_open(at, true, false, &other), COFFER_OK);
    assert_int_equal(flushed("fsync ."), 1); /* the parent has a new name */
    coffer_linux_directory_close(other);
    assert_int_equal(stat(at, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(coffer_linux_directory_open(at, true, false, &other), COFFER_OK);
    coffer_linux_directory_close(other);
    in_directory("none/store", at);
    assert_int_equal(coffer_linux_directory_open(at, true, false, &other), COFFER_NOT_FOUND);
    in_directory("first", at);
    assert_int_equal(coffer_linux_directory_open(at, false, false, &other), COFFER_NOT_FOUND);
}

/* --- Memory -------------------------------------------------------------------------------- */

static void test_memory_is_zero_whole_pages_and_not_inherited(void **state)
{
    struct coffer_area area;
    bool locked;
    int result;
    pid_t child;

    (void)state;
    assert_int_equal(coffer_linux_memory_make(0, NULL, &area), COFFER_MISUSE);
    assert_int_equal(coffer_linux_memory_make(SIZE_MAX, NULL, &area), COFFER_NO_MEMORY);
    assert_int_equal(coffer_linux_memory_make(SIZE_MAX / 2, NULL, &area), COFFER_NO_MEMORY);
    assert_int_equal(coffer_linux_memory_make(70001, &locked, &area), COFFER_OK);
    assert_int_equal(area.size, 73728);
    for (size_t i = 0; i < area.size; i++)
        assert_int_equal(((uint8_t *)area.address)[i], 0);
    memset(area.address, 1, area.size);

    /* mincore tells whether a page is mapped at all, without touching it. */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned char there[18];

        _exit(mincore(area.address, area.size, there) == -1 && errno == ENOMEM ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    coffer_linux_memory_unmake(&area);
    coffer_linux_memory_unmake(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        linux_test(test_sync_flushes_what_it_names_once),
        linux_test(test_rename_flushes_the_folder),
        linux_test(test_first_barrier_takes_nothing_for_granted),
        linux_test(test_dirty_file_is_flushed_before_it_leaves_the_cache),
        linux_test(test_failed_flush_is_never_forgotten),
        linux_test(test_failed_flush_of_a_leaving_file_fails_the_next_barrier),
        linux_test(test_failed_flush_for_room_fails_the_barrier_under_way),
        linux_test(test_failed_flush_of_the_folder_fails),
        linux_test(test_short_and_interrupted_transfers_go_on),
        linux_test(test_a_read_of_enough_takes_one_call),
        linux_test(test_entropy_goes_on_or_fails),
        linux_test(test_rename_without_the_system_call_for_it),
        linux_test(test_file_size_limit_is_no_space),
        linux_test(test_descriptors_are_given_up_when_the_process_has_no_more),
        linux_test(test_only_regular_files_are_files),
        linux_test(test_modes_are_for_the_owner_alone),
        linux_test(test_directory_is_made_only_when_asked),
        cmocka_unit_test(test_memory_is_zero_whole_pages_and_not_inherited),
        linux_test(test_full_file_system_is_no_space),
    };

    return cmocka_run_group_tests_name("Linux", tests, NULL, NULL);
}
