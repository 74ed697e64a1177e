/* SPDX-License-Identifier: BSD-2-Clause */
/* Pointers into spaces, for system calls and for the calls on spaces themselves. */
#include "fixture.h"

#include <errno.h>
#include <unistd.h>

#include "linux/ranges.h"

static int pipes[2];
static struct coffer_memory *memory;

/* In the test: before it cmocka's own handler of faults would come over ours. */
static void open_all(void)
{
    const struct coffer_linux_memory_options options = {
        .memory = 128 * PAGE, .swap_pages = 1024, .swap_in_memory = true};

    must(pipe(pipes) == 0);
    must(coffer_linux_memory_open(&options, &memory) == COFFER_OK);
}

static void close_all(void)
{
    ranges_limit_mappings(0);
    coffer_memory_close(memory);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void store_all(void *argument)
{
    uint8_t *const *range = argument;

    for (uint8_t *at = range[0]; at < range[1]; at += PAGE)
        *(volatile uint8_t *)at = 1;
}

/* An address that isn't pinned is an error in a system call, a pinned one isn't, however often
 * pages are evicted. */
static void test_pinned_pages_can_be_handed_to_the_kernel(void **state)
{
    uint8_t *range[2];
    struct coffer_space *space;
    uintptr_t address;

    (void)state;
    open_all();
    space = make_space(memory, 300, &range[0]);
    assert_int_equal(write(pipes[1], range[0], 1), -1);
    assert_int_equal(errno, EFAULT);
    assert_ok(coffer_space_pin(space, (uintptr_t)range[0], 2 * PAGE));
    assert_int_equal(write(pipes[1], "pinned", 6), 6);
    assert_int_equal(read(pipes[0], range[0] + PAGE - 3, 6), 6);
    assert_memory_equal(range[0] + PAGE - 3, "pinned", 6);
    range[1] = range[0] + 300 * PAGE;
    range[0] += 2 * PAGE;
    assert_ok(coffer_space_enter(space, store_all, range));
    assert_int_equal(write(pipes[1], range[0] - PAGE - 3, 6), 6);

    assert_ok(coffer_vmalloc(memory, 3 * PAGE, &address));
    assert_int_equal(read(pipes[0], (void *)(address + PAGE - 2), 6), 6);
    assert_memory_equal((void *)(address + PAGE - 2), "pinned", 6);
    close_all();
}

/* Can the kernel store there? */
static bool kernel_stores(uint8_t *at)
{
    char byte;

    must(write(pipes[1], "x", 1) == 1);
    if (read(pipes[0], at, 1) == 1)
        return true;
    must(errno == EFAULT && read(pipes[0], &byte, 1) == 1);
    return false;
}

static void test_pinned_pages_stay_the_kernels_when_a_clone_is_made(void **state)
{
    struct coffer_space *child;
    uint8_t *start;
    struct coffer_space *space;

    (void)state;
    open_all();
    space = make_space(memory, 4, &start);
    assert_ok(coffer_space_pin(space, (uintptr_t)start, 2 * PAGE));
    assert_true(kernel_stores(start));
    assert_ok(coffer_space_clone(space, NULL, &child));
    assert_true(kernel_stores(start));
    assert_true(kernel_stores(start + PAGE));
    coffer_space_close(child);
    close_all();
}

static void test_pages_of_a_pinned_map_are_the_kernels(void **state)
{
    struct coffer_map map = {
        .size = 2 * PAGE, .rights = BOTH, .flags = COFFER_MAP_PINNED | COFFER_MAP_FIXED};
    uint8_t *start;
    struct coffer_space *space;
    uintptr_t address;

    (void)state;
    open_all();
    space = make_space(memory, 4, &start);
    map.address = (uintptr_t)start;
    assert_ok(coffer_space_map(space, &map, &address));
    assert_true(kernel_stores(start));
    assert_true(kernel_stores(start + PAGE));
    assert_false(kernel_stores(start + 2 * PAGE));
    close_all();
}

static void test_pinned_pages_are_the_kernels_with_new_rights(void **state)
{
    uint8_t *start;
    struct coffer_space *space;

    (void)state;
    open_all();
    space = make_space(memory, 4, &start);
    assert_ok(coffer_space_protect(space, (uintptr_t)start, 2 * PAGE, COFFER_READ));
    assert_ok(coffer_space_pin(space, (uintptr_t)start, 2 * PAGE));
    assert_false(kernel_stores(start));
    assert_ok(coffer_space_protect(space, (uintptr_t)start, 2 * PAGE, BOTH));
    assert_true(kernel_stores(start));
    close_all();
}

static enum coffer_status file_read(void *context, uint64_t index, void *page)
{
    (void)context;
    (void)index;
    memset(page, 0, PAGE);
    return COFFER_OK;
}

static enum coffer_status file_write(void *context, uint64_t index, const void *page)
{
    uint8_t *file = context;

    if (index == 0)
        *file = *(const uint8_t *)page;
    return COFFER_OK;
}

static void test_pinned_pages_of_files_stay_the_kernels_when_they_are_written_back(void **state)
{
    uint8_t file = 0;
    const struct coffer_pager pager = {.context = &file, .read = file_read, .write = file_write};
    struct coffer_map map = {.size = 2 * PAGE, .rights = BOTH};
    uint8_t *start;
    struct coffer_space *space;
    uintptr_t address;

    (void)state;
    open_all();
    space = make_space(memory, 4, &start);
    assert_ok(
        coffer_segment_open(memory, (struct coffer_owner){0}, 2 * PAGE, &pager, &map.segment));
    assert_ok(coffer_space_unmap(space, (uintptr_t)start, 4 * PAGE));
    assert_ok(coffer_space_map(space, &map, &address));
    assert_ok(coffer_space_pin(space, address, PAGE));
    assert_true(kernel_stores((uint8_t *)address));
    assert_ok(coffer_space_sync(space, address, PAGE));
    assert_int_equal(file, 'x');
    /* What the kernel writes then isn't lost, either. */
    file = 0;
    assert_true(kernel_stores((uint8_t *)address));
    assert_ok(coffer_space_sync(space, address, PAGE));
    assert_int_equal(file, 'x');
    coffer_space_close(space);
    assert_ok(coffer_segment_close(map.segment));
    close_all();
}

/* A fault in the middle of a call on spaces can't be answered. */
static void test_a_copy_between_spaces_is_misuse(void **state)
{
    uint8_t *start;
    uint8_t *there;
    struct coffer_space *space;
    struct coffer_space *other;

    (void)state;
    open_all();
    space = make_space(memory, 4, &start);
    other = make_space(memory, 4, &there);
    assert_ok(coffer_space_fill(space, (uintptr_t)start, 1, 2 * PAGE));
    assert_status(coffer_space_read(space, (uintptr_t)start, there + PAGE, PAGE), COFFER_MISUSE);
    assert_status(coffer_space_write(space, (uintptr_t)start, there + PAGE, PAGE), COFFER_MISUSE);
    assert_status(coffer_space_read(space, (uintptr_t)start, start + PAGE, 1), COFFER_MISUSE);
    coffer_space_close(other);
    close_all();
}

/* Each page may need others to go, however many pages a call is about. */
static void test_long_copies_get_along_with_few_mappings(void **state)
{
    uint8_t *start;
    struct coffer_space *space;

    (void)state;
    open_all();
    space = make_space(memory, 512, &start);
    ranges_limit_mappings(40);
    assert_ok(coffer_space_fill(space, (uintptr_t)start, 1, 512 * PAGE));
    close_all();
}

static void test_a_space_is_opened_for_mappings_that_are_stale(void **state)
{
    const struct coffer_space_settings settings = {.size = 4 * PAGE};
    uint8_t *start;
    struct coffer_space *space;
    struct coffer_space *other;

    (void)state;
    open_all();
    space = make_space(memory, 64, &start);
    assert_ok(coffer_space_fill(space, (uintptr_t)start, 1, 20 * PAGE));
    ranges_limit_mappings(42);
    (void)coffer_reclaim(memory, 20);
    assert_ok(coffer_space_open(memory, &settings, &other));
    coffer_space_close(other);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pinned_pages_can_be_handed_to_the_kernel),
        cmocka_unit_test(test_pinned_pages_stay_the_kernels_when_a_clone_is_made),
        cmocka_unit_test(test_pages_of_a_pinned_map_are_the_kernels),
        cmocka_unit_test(test_pinned_pages_are_the_kernels_with_new_rights),
        cmocka_unit_test(test_pinned_pages_of_files_stay_the_kernels_when_they_are_written_back),
        cmocka_unit_test(test_a_copy_between_spaces_is_misuse),
        cmocka_unit_test(test_long_copies_get_along_with_few_mappings),
        cmocka_unit_test(test_a_space_is_opened_for_mappings_that_are_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
