/* SPDX-License-Identifier: BSD-2-Clause */
/* NULL is answered by COFFER_MISUSE before anything is done. */
#include "fixture.h"

static void refuse_to_run(void *argument)
{
    (void)argument;
    fail();
}

static void test_copies_from_and_to_nowhere_touch_nothing(void **state)
{
    struct coffer_space *space = space_make(&fixture, 16 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);
    struct coffer_space *kernel = coffer_space_kernel(fixture.memory);
    struct coffer_page_info page;
    uint64_t value = 0;

    (void)state;
    space_put(space, at, 77);
    assert_status(coffer_space_read(space, at, NULL, sizeof(value)), COFFER_MISUSE);
    assert_status(coffer_space_write(space, at, NULL, sizeof(value)), COFFER_MISUSE);
    assert_status(coffer_space_read(space, at, NULL, 0), COFFER_MISUSE);
    assert_status(coffer_space_write(space, at, NULL, 0), COFFER_MISUSE);
    assert_int_equal(space_get(space, at), 77);

    /* Where there is only the right to read, and in the kernel's window, too. */
    assert_ok(coffer_space_protect(space, at, 4 * PG, COFFER_READ));
    assert_status(coffer_space_read(space, at, NULL, sizeof(value)), COFFER_MISUSE);
    assert_ok(coffer_space_query(space, at, &page));
    assert_status(coffer_space_read(kernel, (uintptr_t)page.frame, NULL, 8), COFFER_MISUSE);
    assert_status(coffer_space_write(kernel, (uintptr_t)page.frame, NULL, 8), COFFER_MISUSE);
    assert_int_equal(space_get(space, at), 77);
    assert_status(coffer_space_read(NULL, at, &value, sizeof(value)), COFFER_MISUSE);
    assert_status(coffer_space_write(NULL, at, &value, sizeof(value)), COFFER_MISUSE);
    assert_status(coffer_space_fill(NULL, at, 1, sizeof(value)), COFFER_MISUSE);
    coffer_space_close(space);
}

static void test_outputs_that_are_null_are_misuse(void **state)
{
    const struct coffer_map map = {.size = PG, .rights = RW};
    const struct coffer_space_settings settings = {.size = 64 * PG, .heap_size = 4 * PG};
    const struct coffer_owner owner = {0};
    struct coffer_space *space;
    struct coffer_page_info page;
    uintptr_t at;
    uintptr_t heap;

    (void)state;
    assert_ok(coffer_space_open(fixture.memory, &settings, &space));
    assert_ok(coffer_space_break(space, 0, &heap));
    at = space_map(space, 4 * PG, RW);
    space_put(space, at, 5);
    assert_ok(coffer_space_query(space, at, &page));
    assert_status(coffer_space_open(fixture.memory, &settings, NULL), COFFER_MISUSE);
    assert_status(coffer_space_clone(space, "clone", NULL), COFFER_MISUSE);
    assert_status(coffer_space_map(space, &map, NULL), COFFER_MISUSE);
    assert_status(coffer_space_remap(space, at, 4 * PG, PG, 0, NULL), COFFER_MISUSE);
    assert_status(
        coffer_space_remap(space, at, 4 * PG, 4 * PG, COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, NULL),
        COFFER_MISUSE);
    assert_status(coffer_space_break(space, heap + PG, NULL), COFFER_MISUSE);
    assert_status(coffer_space_query(space, at, NULL), COFFER_MISUSE);
    assert_status(coffer_space_address_of(space, page.frame, NULL), COFFER_MISUSE);
    assert_status(coffer_space_region(space, 0, NULL), COFFER_MISUSE);
    assert_status(coffer_segment_open(fixture.memory, owner, PG, NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_vmalloc(fixture.memory, PG, NULL), COFFER_MISUSE);

    /* Nothing was done, and no lock is held. */
    assert_string_equal(regions_text(space), "4-8:rw");
    coffer_space_close(space);
}

static void test_inputs_that_are_null_are_misuse(void **state)
{
    const struct coffer_map map = {.size = PG, .rights = RW};
    const struct coffer_space_settings settings = {.size = PG};
    struct coffer_space *space = space_make(&fixture, 16 * PG);
    struct coffer_space *other = space;
    struct coffer_segment *segment;
    struct coffer_page_info page;
    struct coffer_region_info region;
    uintptr_t at = 0;

    (void)state;
    assert_status(coffer_space_open(NULL, &settings, &other), COFFER_MISUSE);
    assert_status(coffer_space_open(fixture.memory, NULL, &other), COFFER_MISUSE);
    assert_status(coffer_space_clone(NULL, "clone", &other), COFFER_MISUSE);
    assert_status(coffer_space_status(NULL), COFFER_MISUSE);
    assert_status(coffer_space_map(NULL, &map, &at), COFFER_MISUSE);
    assert_status(coffer_space_map(space, NULL, &at), COFFER_MISUSE);
    assert_status(coffer_space_unmap(NULL, 0, PG), COFFER_MISUSE);
    assert_status(coffer_space_protect(NULL, 0, PG, RW), COFFER_MISUSE);
    assert_status(coffer_space_remap(NULL, 0, PG, 2 * PG, 0, &at), COFFER_MISUSE);
    assert_status(coffer_space_break(NULL, 0, &at), COFFER_MISUSE);
    assert_status(coffer_space_pin(NULL, 0, PG), COFFER_MISUSE);
    assert_status(coffer_space_unpin(NULL, 0, PG), COFFER_MISUSE);
    assert_status(coffer_space_sync(NULL, 0, PG), COFFER_MISUSE);
    assert_status(coffer_space_fault(NULL, 0, COFFER_READ), COFFER_MISUSE);
    assert_status(coffer_space_enter(NULL, refuse_to_run, NULL), COFFER_MISUSE);
    assert_status(coffer_space_enter(space, NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_segment_open(NULL, (struct coffer_owner){0}, PG, NULL, &segment),
                  COFFER_MISUSE);
    assert_status(coffer_vmalloc(NULL, PG, &at), COFFER_MISUSE);
    assert_status(coffer_vfree(NULL, at), COFFER_MISUSE);
    assert_status(coffer_swap_open(NULL, NULL), COFFER_MISUSE);
    assert_status(coffer_swap_open(fixture.memory, NULL), COFFER_MISUSE);
    assert_status(coffer_space_query(NULL, 0, &page), COFFER_MISUSE);
    assert_status(coffer_space_address_of(NULL, NULL, &at), COFFER_MISUSE);
    assert_status(coffer_space_region(NULL, 0, &region), COFFER_MISUSE);
    assert_ptr_equal(other, space);
    assert_int_equal(at, 0);

    /* What NULL is nothing for. */
    coffer_space_close(NULL);
    assert_ok(coffer_segment_close(NULL));
    assert_ok(coffer_space_clone(space, NULL, &other));
    coffer_space_close(other);
    coffer_space_close(space);
}

static const struct CMUnitTest tests[] = {
    space_test(test_copies_from_and_to_nowhere_touch_nothing),
    space_test(test_outputs_that_are_null_are_misuse),
    space_test(test_inputs_that_are_null_are_misuse),
};

run_on_every_mmu(tests)
