/* SPDX-License-Identifier: BSD-2-Clause */
/* Where swapped pages can be kept: files, with a name and without, and memory. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOT ((size_t)COFFER_SWAP_SLOT_SIZE)

static char folder[] = "/tmp/coffer-media-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    must(mkdtemp(folder) != NULL);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void fill(uint8_t *bytes, unsigned number)
{
    for (size_t i = 0; i < SLOT; i++)
        bytes[i] = (uint8_t)(number * 31 + i * 7);
}

/* Slots in any order, each for itself. */
static void check_medium(struct coffer_swap_medium *medium)
{
    static const unsigned order[] = {7, 0, 3, 3, 1, 6};
    uint8_t bytes[COFFER_SWAP_SLOT_SIZE];
    uint8_t expected[COFFER_SWAP_SLOT_SIZE];

    for (unsigned i = 0; i < 6; i++) {
        fill(bytes, order[i] + i);
        assert_ok(medium->write(medium->context, order[i] * SLOT, bytes, SLOT));
    }
    for (unsigned i = 0; i < 6; i++) {
        if (order[i] == 3 && i == 2)
            continue;
        memset(bytes, 0, sizeof(bytes));
        assert_ok(medium->read(medium->context, order[i] * SLOT, bytes, SLOT));
        fill(expected, order[i] + i);
        assert_memory_equal(bytes, expected, SLOT);
    }
    /* What was never written. */
    assert_status(medium->read(medium->context, 8 * SLOT, bytes, SLOT), COFFER_IO);
    assert_status(medium->read(medium->context, UINT64_MAX - 5, bytes, SLOT), COFFER_IO);
    assert_status(medium->write(medium->context, UINT64_MAX - 5, bytes, SLOT), COFFER_NO_SPACE);
    coffer_linux_swap_close(medium);
    assert_null(medium->context);
    coffer_linux_swap_close(medium);
}

static void test_a_file_with_a_name(void **state)
{
    struct coffer_swap_medium medium;
    struct coffer_swap_medium other;
    struct stat about;
    int file = open(path_of("swap"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

    (void)state;
    must(file >= 0 && write(file, "old", 3) == 3 && close(file) == 0);
    assert_ok(coffer_linux_swap_file(path_of("swap"), &medium));
    must(stat(path_of("swap"), &about) == 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(about.st_size, 0);
    assert_status(coffer_linux_swap_file(path_of("swap"), &other), COFFER_BUSY);
    check_medium(&medium);
    /* It stays, for the next, but takes no room. */
    must(stat(path_of("swap"), &about) == 0);
    assert_int_equal(about.st_size, 0);
    assert_ok(coffer_linux_swap_file(path_of("swap"), &medium));
    coffer_linux_swap_close(&medium);
    must(unlink(path_of("swap")) == 0);
}

static void test_a_busy_file_is_not_touched(void **state)
{
    struct coffer_swap_medium medium;
    struct coffer_swap_medium other;
    struct stat about;
    uint8_t bytes[COFFER_SWAP_SLOT_SIZE] = {1};

    (void)state;
    assert_ok(coffer_linux_swap_file(path_of("swap"), &medium));
    assert_ok(medium.write(medium.context, 0, bytes, SLOT));
    assert_status(coffer_linux_swap_file(path_of("swap"), &other), COFFER_BUSY);
    must(stat(path_of("swap"), &about) == 0);
    assert_int_equal(about.st_size, 64 * SLOT); /* a lot */
    coffer_linux_swap_close(&medium);
    must(unlink(path_of("swap")) == 0);
}

/* An access to what isn't there any more is SIGBUS, and must be no more than an error. */
static void test_a_file_that_somebody_cuts_short(void **state)
{
    struct coffer_swap_medium medium;
    uint8_t bytes[COFFER_SWAP_SLOT_SIZE];
    sigset_t before;
    sigset_t after;

    (void)state;
    assert_ok(coffer_linux_swap_file(path_of("swap"), &medium));
    for (unsigned i = 0; i < 4; i++) {
        fill(bytes, i);
        assert_ok(medium.write(medium.context, i * SLOT, bytes, SLOT));
    }
    must(sigprocmask(SIG_SETMASK, NULL, &before) == 0);
    must(truncate(path_of("swap"), (off_t)SLOT) == 0);
    for (unsigned i = 1; i < 4; i++) {
        assert_status(medium.read(medium.context, i * SLOT, bytes, SLOT), COFFER_IO);
        assert_status(medium.write(medium.context, i * SLOT, bytes, SLOT), COFFER_IO);
    }
    must(sigprocmask(SIG_SETMASK, NULL, &after) == 0);
    for (int i = 1; i < NSIG; i++)
        assert_int_equal(sigismember(&after, i), sigismember(&before, i));
    /* The rest is as it was, and the next lot is there. */
    assert_ok(medium.read(medium.context, 0, bytes, SLOT));
    assert_int_equal(bytes[1], 7);
    assert_ok(medium.write(medium.context, 64 * SLOT, bytes, SLOT));
    assert_ok(medium.read(medium.context, 64 * SLOT, bytes, SLOT));
    coffer_linux_swap_close(&medium);
    must(unlink(path_of("swap")) == 0);
}

static void test_a_slot_far_away(void **state)
{
    /* In the third part that is mapped, and across the end of the first. */
    const uint64_t offset = (uint64_t)64 << 20;
    struct coffer_swap_medium medium;
    uint8_t bytes[2 * COFFER_SWAP_SLOT_SIZE];
    uint8_t expected[2 * COFFER_SWAP_SLOT_SIZE];

    (void)state;
    assert_ok(coffer_linux_swap_file(NULL, &medium));
    for (unsigned i = 0; i < 2; i++)
        fill(expected + i * SLOT, 5 + i);
    assert_ok(medium.write(medium.context, 2 * offset, expected, SLOT));
    assert_ok(medium.write(medium.context, offset - SLOT, expected, 2 * SLOT));
    assert_ok(medium.read(medium.context, offset - SLOT, bytes, 2 * SLOT));
    assert_memory_equal(bytes, expected, 2 * SLOT);
    assert_ok(medium.read(medium.context, offset, bytes, SLOT));
    assert_memory_equal(bytes, expected + SLOT, SLOT);
    assert_ok(medium.read(medium.context, 2 * offset, bytes, SLOT));
    assert_memory_equal(bytes, expected, SLOT);
    coffer_linux_swap_close(&medium);
}

static void test_a_file_without_a_name(void **state)
{
    struct coffer_swap_medium medium;

    (void)state;
    must(setenv("TMPDIR", folder, 1) == 0);
    assert_ok(coffer_linux_swap_file(NULL, &medium));
    check_medium(&medium); /* the folder is empty, as its removal shows */
    must(setenv("TMPDIR", "/nowhere/at/all", 1) == 0);
    assert_status(coffer_linux_swap_file(NULL, &medium), COFFER_NOT_FOUND);
    must(unsetenv("TMPDIR") == 0);
}

static void test_what_is_no_file_is_refused(void **state)
{
    struct coffer_swap_medium medium;

    (void)state;
    assert_status(coffer_linux_swap_file(path_of("no/such/folder"), &medium), COFFER_NOT_FOUND);
    assert_int_not_equal(coffer_linux_swap_file(folder, &medium), COFFER_OK);
    assert_status(coffer_linux_swap_file("/dev/null", &medium), COFFER_MISUSE);
    must(symlink("/dev/null", path_of("link")) == 0);
    assert_int_not_equal(coffer_linux_swap_file(path_of("link"), &medium), COFFER_OK);
    must(unlink(path_of("link")) == 0);
    assert_status(coffer_linux_swap_file(NULL, NULL), COFFER_MISUSE);
}

static void test_a_full_device_is_told(void **state)
{
    uint8_t bytes[COFFER_SWAP_SLOT_SIZE] = {1};
    struct coffer_swap_medium medium;
    struct rlimit saved;
    struct rlimit small;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    must(getrlimit(RLIMIT_FSIZE, &saved) == 0);
    small = (struct rlimit){5000, saved.rlim_max};
    assert_ok(coffer_linux_swap_file(NULL, &medium));
    must(setrlimit(RLIMIT_FSIZE, &small) == 0);
    assert_ok(medium.write(medium.context, 0, bytes, SLOT));
    /* The first part of it fits. */
    assert_status(medium.write(medium.context, SLOT, bytes, SLOT), COFFER_NO_SPACE);
    must(setrlimit(RLIMIT_FSIZE, &saved) == 0);
    assert_ok(medium.write(medium.context, SLOT, bytes, SLOT));
    coffer_linux_swap_close(&medium);
}

static void test_ordinary_memory(void **state)
{
    struct coffer_swap_medium medium;
    uint8_t bytes[COFFER_SWAP_SLOT_SIZE] = {0};

    (void)state;
    assert_status(coffer_linux_swap_memory(0, &medium), COFFER_MISUSE);
    assert_status(coffer_linux_swap_memory(SIZE_MAX, &medium), COFFER_NO_MEMORY);
    assert_status(coffer_linux_swap_memory(1, NULL), COFFER_MISUSE);
    assert_ok(coffer_linux_swap_memory(8 * SLOT, &medium));
    assert_status(medium.write(medium.context, 7 * SLOT + 1, bytes, SLOT), COFFER_NO_SPACE);
    assert_status(medium.write(medium.context, 8 * SLOT, bytes, SLOT), COFFER_NO_SPACE);
    check_medium(&medium);
}

/* --- A memory system on such a file ---------------------------------------------------------- */

#define PAGES 512u /* of a space, twice the memory */

static struct coffer_memory *open_on_file(const char *name)
{
    const struct coffer_linux_memory_options options = {
        .memory = MIB, .swap_pages = PAGES, .swap_path = path_of(name)};
    struct coffer_memory *memory;

    must(coffer_linux_memory_open(&options, &memory) == COFFER_OK);
    return memory;
}

static uint8_t value_of(unsigned page)
{
    return (uint8_t)(page % 251 + 1);
}

/* How many of the pages [from, end) can be read: each of them as it was left. */
static unsigned count_whole(struct coffer_space *space, uint8_t *start, unsigned from, unsigned end,
                            enum coffer_status otherwise)
{
    unsigned whole = 0;

    for (unsigned i = from; i < end; i++) {
        uint8_t value = 0;
        enum coffer_status status = load_byte(space, start + i * PAGE, &value);

        assert_int_equal(value, status == COFFER_OK ? value_of(i) : 0);
        if (status == COFFER_OK)
            whole++;
        else
            assert_status(status, otherwise);
    }
    return whole;
}

static void test_a_full_device_loses_nothing(void **state)
{
    struct coffer_memory *memory = open_on_file("full");
    struct coffer_paging_statistics paging;
    enum coffer_status status = COFFER_OK;
    struct coffer_space *space;
    struct rlimit saved;
    struct rlimit small;
    unsigned count = 0;
    uint8_t *start;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    must(getrlimit(RLIMIT_FSIZE, &saved) == 0);
    small = (struct rlimit){20 * SLOT + 1, saved.rlim_max};
    must(setrlimit(RLIMIT_FSIZE, &small) == 0);
    space = make_space(memory, PAGES, &start);
    while (count < PAGES && status == COFFER_OK) {
        status = store_byte(space, start + count * PAGE, value_of(count));
        count += status == COFFER_OK;
    }
    assert_status(status, COFFER_NO_SPACE);
    coffer_paging_statistics(memory, &paging);
    assert_int_equal(paging.swapped, 20);
    /* With room for one page all of them can be read: what was read is clean, and goes again. */
    count--;
    assert_ok(coffer_space_unmap(space, (uintptr_t)(start + count * PAGE), PAGE));
    assert_int_equal(count_whole(space, start, 0, count, COFFER_OK), count);
    must(setrlimit(RLIMIT_FSIZE, &saved) == 0);
    for (unsigned more = count + 1; more < PAGES; more++)
        assert_ok(store_byte(space, start + more * PAGE, value_of(more)));
    assert_int_equal(count_whole(space, start, 0, count, COFFER_OK), count);
    assert_int_equal(count_whole(space, start, count + 1, PAGES, COFFER_OK), PAGES - count - 1);
    coffer_space_close(space);
    coffer_memory_close(memory);
    must(unlink(path_of("full")) == 0);
}

static void test_a_swap_file_that_somebody_cuts_short(void **state)
{
    struct coffer_memory *memory = open_on_file("cut");
    struct coffer_paging_statistics paging;
    struct coffer_space *space;
    unsigned whole;
    uint8_t *start;

    (void)state;
    space = make_space(memory, PAGES, &start);
    for (unsigned i = 0; i < PAGES; i++)
        assert_ok(store_byte(space, start + i * PAGE, value_of(i)));
    coffer_paging_statistics(memory, &paging);
    must(truncate(path_of("cut"), (off_t)(paging.slots_used / 2 * SLOT)) == 0);
    whole = count_whole(space, start, 0, PAGES, COFFER_IO);
    assert_in_range(whole, PAGES / 2, PAGES - paging.slots_used / 2);
    /* The space lives, and it stays with that. */
    assert_ok(coffer_space_status(space));
    assert_int_equal(count_whole(space, start, 0, PAGES, COFFER_IO), whole);
    coffer_space_close(space);
    coffer_paging_statistics(memory, &paging);
    assert_int_equal(paging.slots_used, 0);
    coffer_memory_close(memory);
    must(unlink(path_of("cut")) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_with_a_name),
        cmocka_unit_test(test_a_busy_file_is_not_touched),
        cmocka_unit_test(test_a_file_that_somebody_cuts_short),
        cmocka_unit_test(test_a_slot_far_away),
        cmocka_unit_test(test_a_file_without_a_name),
        cmocka_unit_test(test_what_is_no_file_is_refused),
        cmocka_unit_test(test_a_full_device_is_told),
        cmocka_unit_test(test_ordinary_memory),
        cmocka_unit_test(test_a_full_device_loses_nothing),
        cmocka_unit_test(test_a_swap_file_that_somebody_cuts_short),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
