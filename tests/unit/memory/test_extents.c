/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: exact sizes, search, wrong frees, merging, alignment, resizing. */
#include "extents_fixture.h"

/* --- Sizes ------------------------------------------------------------------------------- */

static void test_sizes_are_rounded_to_granules(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size < 5000; size += 7) {
        uint8_t *block = take(f, size);
        size_t usable = extents_usable_size(f->area, block);

        assert_int_equal(usable, size <= KIB ? KIB : (size + 63) / 64 * 64);
        assert_int_equal(extents_statistics(&f->extents).used_size, usable);
        assert_int_equal(extents_statistics(&f->extents).used_count, 1);
        assert_int_equal(free_size(f), f->all - usable);
        give(f, block);
    }
}

static void test_impossible_sizes_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, 0, COFFER_MISUSE);
    assert_refused(f, f->all + 1, COFFER_NO_MEMORY);
    assert_refused(f, EXTENTS_SIZE_MAX, COFFER_NO_MEMORY);
    assert_refused(f, EXTENTS_SIZE_MAX + 1, COFFER_NO_MEMORY);
    assert_refused(f, SIZE_MAX, COFFER_NO_MEMORY);
}

static void test_a_whole_area_is_one_block(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, f->all);

    assert_int_equal(extents_usable_size(f->area, block), f->all);
    assert_int_equal(extents_largest(&f->extents), 0);
    assert_int_equal(free_count(f), 0);
    assert_refused(f, 1, COFFER_NO_MEMORY);
    give(f, block);
}

static void test_a_full_area_is_full_and_empties(void **state)
{
    struct fixture *f = *state;
    uint8_t *blocks[300];
    size_t count = 0;

    while (extents_largest(&f->extents) != 0)
        blocks[count++] = take(f, KIB);
    assert_refused(f, 1, COFFER_NO_MEMORY);
    assert_int_equal(count, f->all / KIB);
    for (size_t i = 0; i < count; i += 2)
        give(f, blocks[i]);
    assert_int_equal(free_count(f), (count + 1) / 2);
    assert_int_equal(extents_largest(&f->extents), KIB);
    for (size_t i = 1; i < count; i += 2)
        give(f, blocks[i]);
}

static void test_a_rest_too_short_for_a_block_stays_with_it(void **state)
{
    struct fixture *f = *state;
    uint8_t *hole = take(f, 4096);
    uint8_t *wall = take(f, KIB);
    uint8_t *block;

    give(f, hole);
    block = take(f, 4096 - 960);
    assert_ptr_equal(block, hole);
    assert_int_equal(extents_usable_size(f->area, block), 4096);
    give(f, block);
    block = take(f, 4096 - 1024);
    assert_ptr_equal(block, hole);
    assert_int_equal(extents_usable_size(f->area, block), 3072);
    assert_int_equal(free_count(f), 2);
    give(f, block);
    give(f, wall);
}

/* --- Search ------------------------------------------------------------------------------ */

static void test_the_smallest_class_that_fits_is_used(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB};
    uint8_t *holes[4];
    uint8_t *walls[4];

    for (unsigned i = 0; i < 4; i++) {
        holes[i] = take(f, sizes[i]);
        walls[i] = take(f, KIB);
    }
    for (unsigned i = 0; i < 4; i++)
        give(f, holes[i]);
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(take(f, sizes[i]), holes[i]);
        give(f, holes[i]);
        assert_ptr_equal(take(f, sizes[i] - KIB), holes[i]);
        give(f, holes[i]);
    }
    for (unsigned i = 0; i < 4; i++)
        give(f, walls[i]);
}

static void test_the_first_of_the_own_class_is_looked_at(void **state)
{
    struct fixture *f = *state;
    uint8_t *hole = take(f, 16 * KIB + 512);
    uint8_t *wall = take(f, KIB);

    /* The class is 16 KiB to 17 KiB; this size isn't its first. */
    give(f, hole);
    assert_ptr_equal(take(f, 16 * KIB + 448), hole);
    give(f, hole);
    give(f, wall);
}

static void test_the_largest_is_what_can_be_had(void **state)
{
    static const size_t sizes[] = {2 * KIB, 4 * KIB, 60 * KIB, 3 * KIB};
    struct fixture *f = *state;
    uint8_t *holes[4];
    uint8_t *walls[4];
    uint8_t *rest;

    for (unsigned i = 0; i < 4; i++) {
        holes[i] = take(f, sizes[i]);
        walls[i] = take(f, KIB);
    }
    rest = take(f, extents_largest(&f->extents));
    assert_int_equal(extents_largest(&f->extents), 0);
    for (unsigned i = 0; i < 4; i++) {
        give(f, holes[i]);
        assert_int_equal(extents_largest(&f->extents), i < 3 ? sizes[i] : sizes[2]);
    }
    assert_refused(f, 60 * KIB + 1, COFFER_NO_MEMORY);
    assert_ptr_equal(take(f, 60 * KIB), holes[2]);
    assert_int_equal(extents_largest(&f->extents), 4 * KIB);
    give(f, holes[2]);
    for (unsigned i = 0; i < 4; i++)
        give(f, walls[i]);
    give(f, rest);
}

static void test_many_blocks_that_do_not_fit_are_not_searched(void **state)
{
    struct fixture *f = *state;
    uint8_t *holes[100];
    uint8_t *walls[100];
    size_t count = 0;
    uint8_t *rest;

    while (extents_largest(&f->extents) >= 4 * KIB) {
        holes[count] = take(f, 2 * KIB);
        walls[count++] = take(f, KIB);
    }
    rest = take(f, extents_largest(&f->extents));
    for (size_t i = 0; i < count; i++)
        give(f, holes[i]);
    assert_int_equal(free_count(f), count);
    assert_int_equal(extents_largest(&f->extents), 2 * KIB);
    assert_refused(f, 2 * KIB + 1, COFFER_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        give(f, walls[i]);
    give(f, rest);
}

/* --- Free -------------------------------------------------------------------------------- */

static void test_neighbours_merge_in_every_order(void **state)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct fixture *f = *state;

    for (unsigned i = 0; i < 6; i++) {
        uint8_t *low = take(f, KIB);
        uint8_t *blocks[3] = {take(f, 1024 + 64), take(f, 2000), take(f, 70 * KIB)};
        uint8_t *high = take(f, KIB);

        for (unsigned k = 0; k < 3; k++)
            give(f, blocks[orders[i][k]]);
        assert_int_equal(free_count(f), 2);
        assert_ptr_equal(take(f, 1024 + 64 + 2048 + 70 * KIB - 64), blocks[0]);
        give(f, blocks[0]);
        give(f, low);
        give(f, high);
    }
}

static void assert_free_refused(struct fixture *f, void *address)
{
    struct blocks_statistics before = extents_statistics(&f->extents);
    struct blocks_statistics after;

    assert_status(extents_free(&f->extents, f->area, address), COFFER_MISUSE);
    assert_status(extents_resize(&f->extents, f->area, address, 2000), COFFER_MISUSE);
    assert_int_equal(extents_usable_size(f->area, address), 0);
    after = extents_statistics(&f->extents);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void test_every_wrong_free_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = take(f, 5000);
    uint8_t *middle = take(f, 1024);
    uint8_t *last = take(f, 3000);
    uint8_t outside[64];

    for (uint8_t *p = first - 200; p < last + 4000; p++) {
        if (p != first && p != middle && p != last)
            assert_free_refused(f, p);
    }
    assert_free_refused(f, NULL);
    assert_free_refused(f, outside);
    assert_free_refused(f, f->area);
    assert_free_refused(f, f->buffer.start + f->buffer.size);
    assert_free_refused(f, f->buffer.start + f->buffer.size - 64);
    assert_free_refused(f, (uint8_t *)f->area->base + f->all);
    assert_free_refused(f, (uint8_t *)UINTPTR_MAX);

    give(f, middle);
    assert_free_refused(f, middle);
    give(f, first);
    assert_free_refused(f, first);
    assert_free_refused(f, middle);
    give(f, last);
    for (uint8_t *p = first - 200; p < last + 4000; p++)
        assert_free_refused(f, p);
}

static void test_nothing_in_a_block_is_metadata(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 8000);
    uint8_t *wall = take(f, KIB);

    give(f, block);
    memset(f->area->base, 0xff, f->all);
    assert_valid(&f->extents);
    assert_ptr_equal(take(f, 8000), block);
    memset(block, 0xff, 8000);
    give(f, block);
    give(f, wall);
    for (size_t i = 0; i < f->all; i++)
        assert_int_equal(f->area->base[i], 0xff);
}

/* --- Alignment --------------------------------------------------------------------------- */

static void test_aligned_blocks_leave_no_slack(void **state)
{
    struct fixture *f = *state;

    for (size_t alignment = 1; alignment <= 64 * KIB; alignment *= 2) {
        for (size_t before = 0; before < 3000; before += 192) {
            uint8_t *low = before == 0 ? NULL : take(f, before);
            uint8_t *block = take_aligned(f, 3000, alignment);
            size_t used = 3008;

            if (low != NULL)
                used += extents_usable_size(f->area, low);
            assert_int_equal(extents_usable_size(f->area, block), 3008);
            assert_int_equal(free_size(f), f->all - used);
            give(f, block);
            if (low != NULL)
                give(f, low);
            assert_int_equal(free_count(f), 1);
        }
    }
}

static void test_an_aligned_block_takes_what_just_fits(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take_aligned(f, 32 * KIB, 32 * KIB);
    uint8_t *low = NULL;
    uint8_t *high;

    /* All else is taken, and then the aligned hole is the only one. */
    low = take(f, (size_t)(block - f->area->base));
    high = take(f, extents_largest(&f->extents));
    assert_int_equal(free_count(f), 0);
    give(f, block);
    assert_ptr_equal(take_aligned(f, 32 * KIB, 32 * KIB), block);
    give(f, block);
    give(f, low);
    give(f, high);
}

static void test_impossible_alignments_are_refused(void **state)
{
    struct fixture *f = *state;
    static const size_t wrong[] = {0, 3, 24, 4097, SIZE_MAX};
    struct extents_area *area = NULL;
    void *block = NULL;

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_status(extents_alloc_aligned(&f->extents, 100, wrong[i], &block, &area),
                      COFFER_MISUSE);
    assert_status(extents_alloc_aligned(&f->extents, 0, 64, &block, &area), COFFER_MISUSE);
    assert_status(extents_alloc_aligned(&f->extents, SIZE_MAX, 64, &block, &area),
                  COFFER_NO_MEMORY);
    assert_status(extents_alloc_aligned(&f->extents, 100, SIZE_MAX / 2 + 1, &block, &area),
                  COFFER_NO_MEMORY);
    assert_status(extents_alloc_aligned(&f->extents, f->all - 4096, 1u << 30, &block, &area),
                  COFFER_NO_MEMORY);
    assert_null(block);
    assert_null(area);
}

/* --- Resizing ---------------------------------------------------------------------------- */

static void test_a_block_grows_into_what_is_free_behind_it(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 2 * KIB);
    uint8_t *hole = take(f, 4 * KIB);
    uint8_t *wall = take(f, KIB);

    assert_status(extents_resize(&f->extents, f->area, block, 2 * KIB + 1), COFFER_NO_MEMORY);
    give(f, hole);
    memset(block, 0x77, 2 * KIB);
    assert_ok(extents_resize(&f->extents, f->area, block, 2 * KIB + 1));
    assert_valid(&f->extents);
    assert_int_equal(extents_usable_size(f->area, block), 2 * KIB + 64);
    assert_int_equal(free_count(f), 2);
    /* A rest of less than 1 KiB comes along. */
    assert_ok(extents_resize(&f->extents, f->area, block, 5 * KIB + 1));
    assert_valid(&f->extents);
    assert_int_equal(extents_usable_size(f->area, block), 6 * KIB);
    assert_int_equal(free_count(f), 1);
    assert_status(extents_resize(&f->extents, f->area, block, 6 * KIB + 1), COFFER_NO_MEMORY);
    assert_int_equal(extents_usable_size(f->area, block), 6 * KIB);
    for (unsigned i = 0; i < 2 * KIB; i++)
        assert_int_equal(block[i], 0x77);
    assert_free_refused(f, hole);
    give(f, block);
    give(f, wall);
}

static void test_a_block_shrinks_and_gives_its_tail_back(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 8 * KIB);
    uint8_t *wall = take(f, KIB);

    memset(block, 0x77, 8 * KIB);
    /* Too little for a block of its own. */
    assert_ok(extents_resize(&f->extents, f->area, block, 7 * KIB + 1));
    assert_int_equal(extents_usable_size(f->area, block), 8 * KIB);
    assert_ok(extents_resize(&f->extents, f->area, block, 7 * KIB));
    assert_valid(&f->extents);
    assert_int_equal(extents_usable_size(f->area, block), 7 * KIB);
    assert_int_equal(free_count(f), 2);
    /* The tail behind it is free now, and takes whatever comes. */
    assert_ok(extents_resize(&f->extents, f->area, block, 7 * KIB - 64));
    assert_valid(&f->extents);
    assert_int_equal(extents_usable_size(f->area, block), 7 * KIB - 64);
    assert_ok(extents_resize(&f->extents, f->area, block, 1));
    assert_valid(&f->extents);
    assert_int_equal(extents_usable_size(f->area, block), KIB);
    assert_int_equal(free_count(f), 2);
    for (unsigned i = 0; i < KIB; i++)
        assert_int_equal(block[i], 0x77);
    assert_ok(extents_resize(&f->extents, f->area, block, 8 * KIB));
    assert_int_equal(free_count(f), 1);
    give(f, block);
    give(f, wall);
}

static void test_a_block_behind_a_free_one_is_resized(void **state)
{
    struct fixture *f = *state;
    uint8_t *low = take(f, 3 * KIB);
    uint8_t *block = take(f, 8 * KIB);

    /* It still knows of the free block before it, and merges with it. */
    give(f, low);
    assert_ok(extents_resize(&f->extents, f->area, block, 4 * KIB));
    assert_valid(&f->extents);
    assert_ok(extents_resize(&f->extents, f->area, block, 12 * KIB));
    assert_valid(&f->extents);
    give(f, block);
    assert_int_equal(free_count(f), 1);
}

static void test_impossible_resizes_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 2 * KIB);

    assert_status(extents_resize(&f->extents, f->area, block, 0), COFFER_MISUSE);
    assert_status(extents_resize(&f->extents, f->area, block, SIZE_MAX), COFFER_NO_MEMORY);
    assert_status(extents_resize(&f->extents, f->area, block, f->all + 1), COFFER_NO_MEMORY);
    assert_valid(&f->extents);
    assert_ok(extents_resize(&f->extents, f->area, block, f->all));
    assert_int_equal(free_count(f), 0);
    assert_valid(&f->extents);
    give(f, block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(test_sizes_are_rounded_to_granules),
        unit(test_impossible_sizes_are_refused),
        unit(test_a_whole_area_is_one_block),
        unit(test_a_full_area_is_full_and_empties),
        unit(test_a_rest_too_short_for_a_block_stays_with_it),
        unit(test_the_smallest_class_that_fits_is_used),
        unit(test_the_first_of_the_own_class_is_looked_at),
        unit(test_the_largest_is_what_can_be_had),
        unit(test_many_blocks_that_do_not_fit_are_not_searched),
        unit(test_neighbours_merge_in_every_order),
        unit(test_every_wrong_free_is_refused),
        unit(test_nothing_in_a_block_is_metadata),
        unit(test_aligned_blocks_leave_no_slack),
        unit(test_an_aligned_block_takes_what_just_fits),
        unit(test_impossible_alignments_are_refused),
        unit(test_a_block_grows_into_what_is_free_behind_it),
        unit(test_a_block_shrinks_and_gives_its_tail_back),
        unit(test_a_block_behind_a_free_one_is_resized),
        unit(test_impossible_resizes_are_refused),
    };

    return cmocka_run_group_tests_name("extents", tests, NULL, NULL);
}
