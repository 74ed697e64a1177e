/* SPDX-License-Identifier: BSD-2-Clause */
/* Map, unmap and protect: every rule, and every way that ranges can overlap. */
#include "fixture.h"

static enum coffer_status try_map(struct coffer_space *space, uintptr_t address, size_t pages,
                                  unsigned rights, unsigned flags)
{
    const struct coffer_map map = {
        .address = address, .size = pages * PG, .rights = rights, .flags = flags};
    uintptr_t got = 1;
    enum coffer_status status = coffer_space_map(space, &map, &got);

    if (status != COFFER_OK)
        assert_int_equal(got, 1);
    else if ((flags & COFFER_MAP_FIXED) != 0)
        assert_int_equal(got, address);
    return status;
}

static void test_wrong_maps_are_misuse(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);
    struct coffer_map map = {.size = PG + 1, .rights = RW};
    uintptr_t address;

    (void)state;
    assert_status(coffer_space_map(space, &map, &address), COFFER_MISUSE);
    map = (struct coffer_map){.size = PG, .rights = RW, .offset = PG};
    assert_status(coffer_space_map(space, &map, &address), COFFER_MISUSE);
    map = (struct coffer_map){.size = PG, .rights = RW, .flags = 32};
    assert_status(coffer_space_map(space, &map, &address), COFFER_MISUSE);
    assert_status(try_map(space, 0, 0, RW, 0), COFFER_MISUSE);
    assert_status(try_map(space, 0, 1, 8, 0), COFFER_MISUSE);
    assert_status(try_map(space, 0, 1, RW, COFFER_MAP_KEEP), COFFER_MISUSE);
    assert_status(try_map(space, base + 1, 1, RW, 0), COFFER_MISUSE);
    assert_status(try_map(space, base - PG, 1, RW, COFFER_MAP_FIXED), COFFER_MISUSE);
    assert_status(try_map(space, base + 63 * PG, 2, RW, COFFER_MAP_FIXED), COFFER_MISUSE);
    assert_status(try_map(space, base + PG, SIZE_MAX / PG, RW, COFFER_MAP_FIXED), COFFER_MISUSE);
    assert_status(try_map(space, 0, 65, RW, 0), COFFER_NO_MEMORY);
    assert_string_equal(regions_text(space), "");
    assert_ok(try_map(space, 0, 64, RW, 0));
    assert_status(try_map(space, 0, 1, RW, 0), COFFER_NO_MEMORY);
    coffer_space_close(space);
}

static void test_pages_are_zero_at_first_and_keep_what_is_written(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(space_get(space, at + i * PG + 8), 0);
    for (unsigned i = 0; i < 4; i++)
        space_put(space, at + i * PG, i + 1);
    /* Across a page's end. */
    space_put(space, at + 2 * PG - 4, 0x1122334455667788);
    assert_int_equal(space_get(space, at + 2 * PG - 4), 0x1122334455667788);
    assert_int_equal(space_get(space, at), 1);
    assert_int_equal(space_get(space, at + 3 * PG), 4);
    coffer_space_close(space);
}

static void test_the_lowest_gap_is_taken_and_neighbours_are_one_region(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);

    (void)state;
    assert_int_equal(space_map(space, 4 * PG, RW), base);
    assert_int_equal(space_map(space, 2 * PG, RW), base + 4 * PG);
    assert_string_equal(regions_text(space), "0-6:rw");
    assert_int_equal(space_map(space, 2 * PG, COFFER_READ), base + 6 * PG);
    assert_int_equal(space_map(space, 2 * PG, RW), base + 8 * PG);
    assert_string_equal(regions_text(space), "0-6:rw 6-8:r 8-10:rw");

    /* A hole is filled, and what surrounds it is one again. */
    space_put(space, base + PG, 17);
    space_put(space, base + 2 * PG, 18);
    space_put(space, base + 5 * PG, 19);
    assert_ok(coffer_space_unmap(space, base + 2 * PG, 2 * PG));
    assert_string_equal(regions_text(space), "0-2:rw 4-6:rw 6-8:r 8-10:rw");
    assert_int_equal(space_map(space, 2 * PG, RW), base + 2 * PG);
    assert_string_equal(regions_text(space), "0-6:rw 6-8:r 8-10:rw");
    assert_int_equal(space_get(space, base + PG), 17);
    assert_int_equal(space_get(space, base + 2 * PG), 0);
    assert_int_equal(space_get(space, base + 5 * PG), 19);

    /* Below a region, too. */
    assert_ok(coffer_space_unmap(space, base, PG));
    assert_ok(try_map(space, base, 1, RW, COFFER_MAP_FIXED));
    assert_string_equal(regions_text(space), "0-6:rw 6-8:r 8-10:rw");
    coffer_space_close(space);
}

static void test_a_hint_is_taken_when_it_is_free(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);

    (void)state;
    assert_ok(try_map(space, base + 10 * PG, 2, RW, 0));
    assert_ok(try_map(space, base + 11 * PG, 2, COFFER_READ, 0)); /* not free */
    assert_ok(try_map(space, base + 63 * PG, 2, COFFER_READ, 0)); /* not in it */
    assert_string_equal(regions_text(space), "0-4:r 10-12:rw");
    coffer_space_close(space);
}

static void test_fixed_replaces_and_keep_does_not(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t base = space_base(space);

    (void)state;
    assert_ok(try_map(space, base + 4 * PG, 8, RW, COFFER_MAP_FIXED));
    for (unsigned i = 4; i < 12; i++)
        space_put(space, base + i * PG, i);
    assert_status(
        try_map(space, base + 11 * PG, 4, COFFER_READ, COFFER_MAP_FIXED | COFFER_MAP_KEEP),
        COFFER_EXISTS);
    assert_string_equal(regions_text(space), "4-12:rw");
    assert_ok(try_map(space, base + 12 * PG, 4, COFFER_READ, COFFER_MAP_FIXED | COFFER_MAP_KEEP));
    assert_string_equal(regions_text(space), "4-12:rw 12-16:r");

    /* In the middle, at the head, at the tail, over all. */
    assert_ok(try_map(space, base + 6 * PG, 2, COFFER_READ, COFFER_MAP_FIXED));
    assert_string_equal(regions_text(space), "4-6:rw 6-8:r 8-12:rw 12-16:r");
    assert_int_equal(space_get(space, base + 6 * PG), 0);
    assert_int_equal(space_get(space, base + 5 * PG), 5);
    assert_int_equal(space_get(space, base + 8 * PG), 8);
    assert_ok(try_map(space, base + 2 * PG, 3, RW, COFFER_MAP_FIXED));
    assert_int_equal(space_get(space, base + 4 * PG), 0);
    assert_int_equal(space_get(space, base + 5 * PG), 5);
    assert_ok(try_map(space, base + 11 * PG, 3, 0, COFFER_MAP_FIXED));
    assert_int_equal(space_get(space, base + 10 * PG), 10);
    assert_ok(try_map(space, base, 64, RW, COFFER_MAP_FIXED));
    assert_string_equal(regions_text(space), "0-64:rw");
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(space_get(space, base + i * PG), 0);
    coffer_space_close(space);
}

/* Two regions, and a range over every pair of pages: what is left, and its contents, are right. */
static void test_unmap_leaves_exactly_what_it_should(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 10; from++) {
        for (unsigned to = from + 1; to <= 10; to++) {
            struct coffer_space *space = space_make(&fixture, 16 * PG);
            uintptr_t base = space_base(space);

            assert_ok(try_map(space, base + PG, 3, RW, COFFER_MAP_FIXED));
            assert_ok(try_map(space, base + 4 * PG, 2, COFFER_READ, COFFER_MAP_FIXED));
            assert_ok(try_map(space, base + 7 * PG, 2, RW, COFFER_MAP_FIXED));
            for (unsigned i = 1; i < 9; i++) {
                uint64_t value = 100 + i;
                enum coffer_status status = coffer_space_write(space, base + i * PG, &value,
                                                               sizeof(value));

                assert_int_equal(status, i == 4 || i == 5 ? COFFER_MISUSE
                                         : i == 6         ? COFFER_NOT_FOUND
                                                          : COFFER_OK);
            }
            assert_ok(coffer_space_unmap(space, base + from * PG, (to - from) * PG));
            assert_true(space_fixture_is_valid(&fixture));
            for (unsigned i = 0; i < 10; i++) {
                bool was = (i >= 1 && i < 6) || i == 7 || i == 8;
                uint64_t value = 7;
                enum coffer_status status = coffer_space_read(space, base + i * PG, &value,
                                                              sizeof(value));

                if (was && (i < from || i >= to)) {
                    assert_int_equal(status, COFFER_OK);
                    assert_int_equal(value, i == 4 || i == 5 ? 0 : 100 + i);
                } else {
                    assert_int_equal(status, COFFER_NOT_FOUND);
                    assert_int_equal(value, 7);
                }
            }
            coffer_space_close(space);
        }
    }
}

static void test_unmap_of_what_is_no_range_is_misuse(void **state)
{
    struct coffer_space *space = space_make(&fixture, 16 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);

    (void)state;
    assert_status(coffer_space_unmap(space, at + 1, PG), COFFER_MISUSE);
    assert_status(coffer_space_unmap(space, at, PG - 1), COFFER_MISUSE);
    assert_status(coffer_space_unmap(space, at, 0), COFFER_MISUSE);
    assert_status(coffer_space_unmap(space, at, 17 * PG), COFFER_MISUSE);
    assert_status(coffer_space_unmap(space, at - PG, PG), COFFER_MISUSE);
    assert_status(coffer_space_unmap(space, at + PG, SIZE_MAX - PG + 1), COFFER_MISUSE);
    assert_string_equal(regions_text(space), "0-4:rw");
    coffer_space_close(space);
}

static void test_what_was_unmapped_is_zero_when_it_is_mapped_again(void **state)
{
    struct coffer_space *space = space_make(&fixture, 16 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);
    struct space_balance balance;

    (void)state;
    assert_ok(coffer_space_fill(space, at, 0xee, 4 * PG));
    balance = space_fixture_balance(&fixture);
    assert_int_equal(balance.pages, 4);
    assert_ok(coffer_space_unmap(space, at, 3 * PG));
    balance = space_fixture_balance(&fixture);
    assert_int_equal(balance.pages, 1);
    assert_int_equal(space_map(space, 3 * PG, RW), at);
    assert_int_equal(space_get(space, at), 0);
    assert_int_equal(space_get(space, at + 2 * PG), 0);
    assert_int_equal(space_get(space, at + 3 * PG), 0xeeeeeeeeeeeeeeee);
    coffer_space_close(space);
}

static void test_protect_splits_and_merges_and_is_obeyed(void **state)
{
    struct coffer_space *space = space_make(&fixture, 32 * PG);
    uintptr_t at = space_map(space, 8 * PG, RW);
    uint64_t value = 5;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        space_put(space, at + i * PG, i);
    assert_ok(coffer_space_protect(space, at + 2 * PG, 2 * PG, COFFER_READ));
    assert_string_equal(regions_text(space), "0-2:rw 2-4:r 4-8:rw");
    assert_status(coffer_space_write(space, at + 2 * PG, &value, 8), COFFER_MISUSE);
    assert_status(coffer_space_write(space, at + 2 * PG - 4, &value, 8), COFFER_MISUSE);
    assert_int_equal(space_get(space, at + 2 * PG - 8), 0); /* not even the first half */
    assert_int_equal(space_get(space, at + PG), 1);
    assert_int_equal(space_get(space, at + 2 * PG), 2);

    assert_ok(coffer_space_protect(space, at + 3 * PG, 3 * PG, 0));
    assert_string_equal(regions_text(space), "0-2:rw 2-3:r 3-6: 6-8:rw");
    assert_status(coffer_space_read(space, at + 3 * PG, &value, 8), COFFER_MISUSE);
    assert_status(coffer_space_fault(space, at + 3 * PG, COFFER_READ), COFFER_MISUSE);
    assert_status(coffer_space_fault(space, at, COFFER_EXECUTE), COFFER_MISUSE);

    /* Over all of it, and one region again with what was in it. */
    assert_ok(coffer_space_protect(space, at, 8 * PG, COFFER_WRITE));
    assert_string_equal(regions_text(space), "0-8:rw");
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(space_get(space, at + i * PG), i);
    space_put(space, at + 2 * PG, 22);
    assert_int_equal(space_get(space, at + 2 * PG), 22);

    /* A hole: nothing is changed. */
    assert_ok(coffer_space_unmap(space, at + 4 * PG, PG));
    assert_status(coffer_space_protect(space, at + 3 * PG, 3 * PG, COFFER_READ), COFFER_NOT_FOUND);
    assert_status(coffer_space_protect(space, at + 6 * PG, 4 * PG, COFFER_READ), COFFER_NOT_FOUND);
    assert_string_equal(regions_text(space), "0-4:rw 5-8:rw");
    assert_status(coffer_space_protect(space, at, PG, 8), COFFER_MISUSE);
    assert_status(coffer_space_protect(space, at + 1, PG, RW), COFFER_MISUSE);
    coffer_space_close(space);
}

/* There are machines that cannot have the one without the other: so the rights say both. */
static void test_executing_includes_reading(void **state)
{
    struct coffer_space *space = space_make(&fixture, 64 * PG);
    uintptr_t at = space_map(space, 4 * PG, RW);
    struct coffer_page_info page;

    (void)state;
    space_put(space, at, 7);
    space_put(space, at + PG, 8);
    assert_ok(coffer_space_protect(space, at, PG, COFFER_EXECUTE));
    assert_ok(coffer_space_protect(space, at + PG, PG, COFFER_WRITE | COFFER_EXECUTE));
    (void)space_map(space, PG, COFFER_EXECUTE);
    assert_string_equal(regions_text(space), "0-1:rx 1-2:rwx 2-4:rw 4-5:rx");
    assert_int_equal(space_get(space, at), 7);
    assert_int_equal(space_get(space, at + PG), 8);
    assert_int_equal(space_get(space, at + 4 * PG), 0);
    assert_ok(coffer_space_query(space, at, &page));
    assert_int_equal(page.rights, COFFER_READ | COFFER_EXECUTE);
    assert_ok(coffer_space_fault(space, at, COFFER_EXECUTE));
    assert_ok(coffer_space_fault(space, at, COFFER_READ));
    assert_status(coffer_space_fault(space, at, COFFER_WRITE), COFFER_MISUSE);
    coffer_space_close(space);
}

static void test_populate_gives_every_page_its_frame(void **state)
{
    struct coffer_space *space = space_make(&fixture, 2048 * PG);
    struct coffer_space_info info;
    uint64_t faults;
    uintptr_t at;

    (void)state;
    at = space_map_with(
        space, &(struct coffer_map){.size = 32 * PG, .rights = RW, .flags = COFFER_MAP_POPULATE});
    coffer_space_info(space, &info);
    assert_int_equal(info.resident, 32);
    assert_int_equal(info.pinned, 0);
    space_put(space, at + 31 * PG, 4);

    /* More than there is: nothing is mapped, and all frames are back. */
    assert_status(try_map(space, 0, 1024, RW, COFFER_MAP_POPULATE), COFFER_NO_MEMORY);
    assert_string_equal(regions_text(space), "0-32:rw");
    assert_int_equal(space_get(space, at + 31 * PG), 4);

    /* Pinned pages are mapped, too. */
    at = space_map_with(
        space, &(struct coffer_map){.size = 8 * PG, .rights = RW, .flags = COFFER_MAP_PINNED});
    coffer_space_info(space, &info);
    assert_int_equal(info.pinned, 8);
    faults = info.faults;
    assert_ok(coffer_space_fill(space, at, 1, 8 * PG));
    coffer_space_info(space, &info);
    assert_int_equal(info.faults, faults);
    assert_string_equal(regions_text(space), "0-32:rw 32-40:rwP");
    coffer_space_close(space);
}

static void test_fixed_and_pinned_replaces_all_or_nothing(void **state)
{
    struct coffer_space *space = space_make(&fixture, 2048 * PG);
    uintptr_t at = space_map(space, 1024 * PG, RW);

    (void)state;
    space_put(space, at, 1);
    space_put(space, at + 1023 * PG, 2);
    assert_status(try_map(space, at, 1024, RW, COFFER_MAP_FIXED | COFFER_MAP_PINNED),
                  COFFER_NO_MEMORY);
    assert_int_equal(space_get(space, at), 1);
    assert_int_equal(space_get(space, at + 1023 * PG), 2);
    assert_ok(try_map(space, at + PG, 16, RW, COFFER_MAP_FIXED | COFFER_MAP_PINNED));
    assert_string_equal(regions_text(space), "0-1:rw 1-17:rwP 17-1024:rw");
    assert_ok(try_map(space, at + 8 * PG, 16, RW, COFFER_MAP_FIXED | COFFER_MAP_PINNED));
    assert_ok(try_map(space, at, 4, COFFER_READ, COFFER_MAP_FIXED));
    assert_ok(coffer_space_unmap(space, at + 10 * PG, 2 * PG));
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
}

static void test_random_placement_is_anywhere_above_the_heap(void **state)
{
    const struct coffer_space_settings settings = {
        .size = 4096 * PG, .heap_size = 16 * PG, .random = true};
    struct coffer_space *space;
    uintptr_t base;
    unsigned low = 0;
    unsigned high = 0;

    (void)state;
    assert_ok(coffer_space_open(fixture.memory, &settings, &space));
    base = space_base(space);
    for (unsigned i = 0; i < 64; i++) {
        uintptr_t at = space_map(space, 2 * PG, RW);

        assert_true(at >= base + 16 * PG && at + 2 * PG <= base + 4096 * PG);
        if (at < base + 2048 * PG)
            low++;
        else
            high++;
    }
    assert_true(low > 0 && high > 0);
    assert_true(space_fixture_is_valid(&fixture));
    coffer_space_close(space);
}

static void test_kernel_and_vmalloc_are_not_mapped_into(void **state)
{
    struct coffer_space *spaces[] = {coffer_space_kernel(fixture.memory),
                                     coffer_space_vmalloc(fixture.memory)};
    uintptr_t now;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uintptr_t base = space_base(spaces[i]);

        assert_status(try_map(spaces[i], 0, 1, RW, 0), COFFER_MISUSE);
        assert_status(coffer_space_unmap(spaces[i], base, PG), COFFER_MISUSE);
        assert_status(coffer_space_protect(spaces[i], base, PG, RW), COFFER_MISUSE);
        assert_status(coffer_space_pin(spaces[i], base, PG), COFFER_MISUSE);
        assert_status(coffer_space_break(spaces[i], 0, &now), COFFER_MISUSE);
        coffer_space_close(spaces[i]);
    }
}

static const struct CMUnitTest tests[] = {
    space_test(test_wrong_maps_are_misuse),
    space_test(test_pages_are_zero_at_first_and_keep_what_is_written),
    space_test(test_the_lowest_gap_is_taken_and_neighbours_are_one_region),
    space_test(test_a_hint_is_taken_when_it_is_free),
    space_test(test_fixed_replaces_and_keep_does_not),
    space_test(test_unmap_leaves_exactly_what_it_should),
    space_test(test_unmap_of_what_is_no_range_is_misuse),
    space_test(test_what_was_unmapped_is_zero_when_it_is_mapped_again),
    space_test(test_protect_splits_and_merges_and_is_obeyed),
    space_test(test_executing_includes_reading),
    space_test(test_populate_gives_every_page_its_frame),
    space_test(test_fixed_and_pinned_replaces_all_or_nothing),
    space_test(test_random_placement_is_anywhere_above_the_heap),
    space_test(test_kernel_and_vmalloc_are_not_mapped_into),
};

run_on_every_mmu(tests)
