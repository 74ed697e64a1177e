/* SPDX-License-Identifier: BSD-2-Clause */
/* Remap, break, pins. */
#include "fixture.h"

static uintptr_t made_at(struct coffer_space *space, uintptr_t address, size_t pages,
                         unsigned rights, unsigned flags)
{
    const struct coffer_map map = {
        .address = address, .size = pages * PG, .rights = rights, .flags = flags};

    return space_map_with(space, &map);
}

static void number_pages(struct coffer_space *space, uintptr_t at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        space_put(space, at + i * PG, i + 1);
}

static void test_remap_grows_where_it_is_when_there_is_room(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);
    uintptr_t at = base;

    (void)state;
    made_at(space, base, 4, RW, COFFER_MAP_FIXED);
    number_pages(space, base, 4);
    assert_ok(coffer_space_remap(space, base, 4 * PG, 7 * PG, 0, &at));
    assert_int_equal(at, base);
    assert_string_equal(regions_text(space), "0-7:rw");
    assert_int_equal(space_get(space, base + 3 * PG), 4);
    assert_int_equal(space_get(space, base + 4 * PG), 0);

    /* Something is in the way. */
    made_at(space, base + 8 * PG, 1, RW, COFFER_MAP_FIXED);
    assert_status(coffer_space_remap(space, base, 7 * PG, 9 * PG, 0, &at), COFFER_NO_MEMORY);
    assert_int_equal(at, base);
    assert_ok(coffer_space_remap(space, base, 7 * PG, 8 * PG, 0, &at));
    assert_string_equal(regions_text(space), "0-8:rw 8-9:rw");

    /* The space's end is. */
    made_at(space, base + 62 * PG, 2, RW, COFFER_MAP_FIXED);
    assert_status(coffer_space_remap(space, base + 62 * PG, 2 * PG, 3 * PG, 0, &at),
                  COFFER_NO_MEMORY);
    coffer_space_close(space);
}

static void test_remap_moves_pages_without_copying_them(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);
    struct coffer_page_info before;
    struct coffer_page_info after;
    struct coffer_space_info info;
    uintptr_t at = 0;

    (void)state;
    made_at(space, base, 4, RW, COFFER_MAP_FIXED);
    number_pages(space, base, 4);
    made_at(space, base + 4 * PG, 4, COFFER_READ, COFFER_MAP_FIXED);
    assert_ok(coffer_space_query(space, base + PG, &before));
    assert_ok(coffer_space_remap(space, base, 4 * PG, 6 * PG, COFFER_REMAP_MOVE, &at));
    assert_int_equal(at, base + 8 * PG);
    assert_string_equal(regions_text(space), "4-8:r 8-14:rw");
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(space_get(space, at + i * PG), i < 4 ? i + 1 : 0);
    assert_ok(coffer_space_query(space, at + PG, &after));
    assert_ptr_equal(after.frame, before.frame);
    coffer_space_info(space, &info);
    assert_int_equal(info.copies, 0);

    /* What was there is not any more. */
    assert_status(coffer_space_fault(space, base, COFFER_READ), COFFER_NOT_FOUND);
    coffer_space_close(space);
}

static void test_remap_of_a_part_and_to_a_place(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);
    uintptr_t at = base + 20 * PG;

    (void)state;
    made_at(space, base, 8, RW, COFFER_MAP_FIXED);
    number_pages(space, base, 8);
    made_at(space, base + 18 * PG, 8, COFFER_READ, COFFER_MAP_FIXED);
    assert_ok(coffer_space_remap(space, base + 2 * PG, 3 * PG, 4 * PG,
                                 COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, &at));
    assert_int_equal(at, base + 20 * PG);
    assert_string_equal(regions_text(space), "0-2:rw 5-8:rw 18-20:r 20-23:rw 23-24:rw 24-26:r");
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(space_get(space, at + i * PG), i < 3 ? i + 3 : 0);
    assert_int_equal(space_get(space, base + 5 * PG), 6);

    /* It is one region to the program, although its pages have come from two places. */
    assert_ok(coffer_space_remap(space, at, 4 * PG, 10 * PG, COFFER_REMAP_MOVE, &at));
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(space_get(space, at + i * PG), i < 3 ? i + 3 : 0);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
}

static void test_neighbours_that_were_merged_can_be_remapped_alone(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t a = space_map(space, 4 * PG, RW);
    uintptr_t b = space_map(space, 4 * PG, RW);

    (void)state;
    number_pages(space, a, 4);
    number_pages(space, b, 4);
    for (unsigned pages = 4; pages < 20; pages += 5) {
        assert_ok(
            coffer_space_remap(space, a, pages * PG, (pages + 5) * PG, COFFER_REMAP_MOVE, &a));
        for (unsigned i = 0; i < pages + 5; i++)
            assert_int_equal(space_get(space, a + i * PG), i < 4 ? i + 1 : 0);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(space_get(space, b + i * PG), i + 1);
    coffer_space_close(space);
}

static void test_wrong_remaps_change_nothing(void **state)
{
    const struct coffer_space_settings settings = {.size = 64 * PG, .heap_size = 8 * PG};
    struct coffer_space *space;
    uintptr_t base;
    uintptr_t at;
    uintptr_t now;

    (void)state;
    assert_ok(coffer_space_open(fixture.memory, &settings, &space));
    base = space_base(space);
    assert_ok(coffer_space_break(space, base + 4 * PG, &now));
    made_at(space, base + 10 * PG, 4, RW, COFFER_MAP_FIXED);
    made_at(space, base + 14 * PG, 4, COFFER_READ, COFFER_MAP_FIXED);
    made_at(space, base + 20 * PG, 4, RW, COFFER_MAP_FIXED | COFFER_MAP_PINNED);

    at = base;
    assert_status(coffer_space_remap(space, base + 12 * PG, 4 * PG, PG, 0, &at), COFFER_NOT_FOUND);
    assert_status(coffer_space_remap(space, base + 9 * PG, 4 * PG, PG, 0, &at), COFFER_NOT_FOUND);
    assert_status(coffer_space_remap(space, base + 16 * PG, 4 * PG, PG, 0, &at), COFFER_NOT_FOUND);
    assert_status(coffer_space_remap(space, base + 40 * PG, PG, PG, 0, &at), COFFER_NOT_FOUND);
    assert_status(coffer_space_remap(space, base + 10 * PG, 4 * PG, 0, 0, &at), COFFER_MISUSE);
    assert_status(coffer_space_remap(space, base + 10 * PG, 0, PG, 0, &at), COFFER_MISUSE);
    assert_status(coffer_space_remap(space, base + 10 * PG, PG + 1, PG, 0, &at), COFFER_MISUSE);
    assert_status(coffer_space_remap(space, base + 10 * PG, PG, PG, 4, &at), COFFER_MISUSE);
    assert_status(coffer_space_remap(space, base, PG, 2 * PG, COFFER_REMAP_MOVE, &at),
                  COFFER_MISUSE); /* the heap */
    assert_status(coffer_space_remap(space, base + 20 * PG, 4 * PG, 5 * PG, COFFER_REMAP_MOVE, &at),
                  COFFER_MISUSE); /* pinned */
    at = base + 30 * PG;
    assert_status(
        coffer_space_remap(space, base + 10 * PG, 4 * PG, 4 * PG, COFFER_REMAP_FIXED, &at),
        COFFER_MISUSE);
    at = base + 12 * PG; /* into itself */
    assert_status(coffer_space_remap(space, base + 10 * PG, 4 * PG, 4 * PG,
                                     COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, &at),
                  COFFER_MISUSE);
    at = base + 62 * PG;
    assert_status(coffer_space_remap(space, base + 10 * PG, 4 * PG, 4 * PG,
                                     COFFER_REMAP_MOVE | COFFER_REMAP_FIXED, &at),
                  COFFER_MISUSE);
    assert_status(
        coffer_space_remap(space, base + 10 * PG, 4 * PG, 60 * PG, COFFER_REMAP_MOVE, &at),
        COFFER_NO_MEMORY);
    assert_string_equal(regions_text(space), "0-4:rwH 10-14:rw 14-18:r 20-24:rwP");
    coffer_space_close(space);
}

static void test_a_shrunken_range_grows_with_zeros(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 6 * PG, RW);

    (void)state;
    number_pages(space, at, 6);
    assert_ok(coffer_space_remap(space, at, 6 * PG, 2 * PG, 0, &at));
    assert_string_equal(regions_text(space), "0-2:rw");
    assert_ok(coffer_space_remap(space, at, 2 * PG, 6 * PG, 0, &at));
    assert_string_equal(regions_text(space), "0-6:rw");
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(space_get(space, at + i * PG), i < 2 ? i + 1 : 0);
    coffer_space_close(space);
}

static void test_break_moves_the_end_of_the_heap(void **state)
{
    const struct coffer_space_settings settings = {.size = 64 * PG, .heap_size = 8 * PG};
    struct coffer_space *space;
    uintptr_t base;
    uintptr_t now = 0;

    (void)state;
    assert_ok(coffer_space_open(fixture.memory, &settings, &space));
    base = space_base(space);
    assert_ok(coffer_space_break(space, 0, &now));
    assert_int_equal(now, base);
    assert_ok(coffer_space_break(space, base + 100, &now));
    assert_int_equal(now, base + 100);
    assert_string_equal(regions_text(space), "0-1:rwH");
    assert_ok(coffer_space_break(space, base + 3 * PG + 1, &now));
    assert_string_equal(regions_text(space), "0-4:rwH");
    number_pages(space, base, 4);
    assert_ok(coffer_space_break(space, base + 2 * PG, &now));
    assert_string_equal(regions_text(space), "0-2:rwH");
    assert_ok(coffer_space_break(space, base + 8 * PG, &now));
    assert_string_equal(regions_text(space), "0-8:rwH");
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(space_get(space, base + i * PG), i < 2 ? i + 1 : 0);
    assert_status(coffer_space_break(space, base + 8 * PG + 1, &now), COFFER_NO_MEMORY);
    assert_status(coffer_space_break(space, base - 1, &now), COFFER_MISUSE);
    assert_int_equal(now, base + 8 * PG);

    /* Maps whose address is chosen stay out of it; one that is put there is in its way. */
    assert_ok(coffer_space_break(space, base + PG, &now));
    assert_int_equal(space_map(space, PG, RW), base + 8 * PG);
    made_at(space, base + 4 * PG, 1, COFFER_READ, COFFER_MAP_FIXED);
    assert_ok(coffer_space_break(space, base + 4 * PG, &now));
    assert_status(coffer_space_break(space, base + 5 * PG, &now), COFFER_NO_MEMORY);
    assert_int_equal(now, base + 4 * PG);
    assert_ok(coffer_space_break(space, base, &now));
    assert_string_equal(regions_text(space), "4-5:r 8-9:rw");
    coffer_space_close(space);
}

static uint64_t pinned_pages(struct coffer_space *space)
{
    struct coffer_space_info info;

    coffer_space_info(space, &info);
    return info.pinned;
}

static void test_pins_nest_and_split(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 8 * PG, RW);

    (void)state;
    number_pages(space, at, 4);
    assert_ok(coffer_space_pin(space, at + PG, 4 * PG));
    assert_ok(coffer_space_pin(space, at + 3 * PG, 4 * PG));
    assert_int_equal(pinned_pages(space), 6);
    assert_string_equal(regions_text(space), "0-1:rw 1-3:rwP 3-5:rwP 5-7:rwP 7-8:rw");
    (void)coffer_reclaim(fixture.memory, 200);
    assert_int_equal(pinned_pages(space), 6);

    assert_status(coffer_space_unpin(space, at, 2 * PG), COFFER_MISUSE);
    assert_status(coffer_space_unpin(space, at + 6 * PG, 3 * PG), COFFER_NOT_FOUND);
    assert_status(coffer_space_pin(space, at + 6 * PG, 3 * PG), COFFER_NOT_FOUND);
    assert_int_equal(pinned_pages(space), 6);
    assert_ok(coffer_space_unpin(space, at + PG, 4 * PG));
    assert_int_equal(pinned_pages(space), 4);
    assert_ok(coffer_space_unpin(space, at + 3 * PG, 4 * PG));
    assert_int_equal(pinned_pages(space), 0);
    assert_string_equal(regions_text(space), "0-8:rw");

    /* Unmapping takes pins along. */
    assert_ok(coffer_space_pin(space, at, 8 * PG));
    assert_ok(coffer_space_unmap(space, at + 2 * PG, 2 * PG));
    assert_int_equal(pinned_pages(space), 6);
    assert_status(coffer_space_unpin(space, at, 8 * PG), COFFER_NOT_FOUND);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
}

static void test_a_pin_that_finds_no_frames_is_none(void **state)
{
    struct coffer_space *space = space_make(&fixture, 1024 * PG);
    uintptr_t at = space_map(space, 512 * PG, RW);

    (void)state;
    number_pages(space, at, 512);
    assert_ok(coffer_space_pin(space, at + 4 * PG, PG));
    assert_status(coffer_space_pin(space, at, 512 * PG), COFFER_NO_MEMORY);
    assert_int_equal(pinned_pages(space), 1);
    assert_string_equal(regions_text(space), "0-4:rw 4-5:rwP 5-512:rw");
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(space_get(space, at + i * PG), i + 1);
    coffer_space_close(space);
}

static void test_pinned_pages_follow_rights(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 4 * PG, COFFER_READ);
    struct coffer_space_info info;
    uint64_t faults;

    (void)state;
    assert_ok(coffer_space_pin(space, at, 4 * PG));
    assert_ok(coffer_space_protect(space, at, 4 * PG, RW));
    coffer_space_info(space, &info);
    faults = info.faults;
    number_pages(space, at, 4); /* without a fault: they may be with the operating system */
    coffer_space_info(space, &info);
    assert_int_equal(info.faults, faults);
    assert_ok(coffer_space_protect(space, at, 4 * PG, 0));
    assert_ok(coffer_space_protect(space, at, 4 * PG, COFFER_READ));
    assert_int_equal(space_get(space, at + 3 * PG), 4);
    assert_true(space_fixture_is_valid(&fixture));
    assert_ok(coffer_space_unpin(space, at, 4 * PG));
    coffer_space_close(space);
}

static const struct CMUnitTest tests[] = {
    space_test(test_remap_grows_where_it_is_when_there_is_room),
    space_test(test_remap_moves_pages_without_copying_them),
    space_test(test_remap_of_a_part_and_to_a_place),
    space_test(test_neighbours_that_were_merged_can_be_remapped_alone),
    space_test(test_wrong_remaps_change_nothing),
    space_test(test_a_shrunken_range_grows_with_zeros),
    space_test(test_break_moves_the_end_of_the_heap),
    space_test(test_pins_nest_and_split),
    space_test(test_a_pin_that_finds_no_frames_is_none),
    space_test(test_pinned_pages_follow_rights),
};

run_on_every_mmu(tests)
