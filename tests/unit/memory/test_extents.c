/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: areas to the byte, exact sizes, wrong frees, alignment, resizing, merging, damage. */
#include "fixture.h"

#include "memory/heap/extents.h"
#include "memory/heap/extents_tags.h"
#include "support/must.h"

#define KIB         1024u
#define AREA_FRAMES 64u /* 256 KiB */

struct fixture {
    struct extents extents;
    struct buffer buffer;
    struct extents_area *area;
    size_t all; /* bytes that the area's blocks have */
};

static void assert_valid(const struct extents *extents)
{
    const char *problem = NULL;

    if (!extents_is_valid(extents, &problem))
        fail_msg("%s", problem);
}

static int setup(void **state)
{
    struct fixture *f = must_alloc(sizeof(*f));

    f->buffer = buffer_make(AREA_FRAMES, 4096);
    extents_init(&f->extents);
    assert_ok(extents_add_area(&f->extents, f->buffer.start, f->buffer.size, &f->area));
    f->all = extents_largest(&f->extents);
    *state = f;
    return 0;
}

/* All is one free block again, and nothing outside was touched. */
static int teardown(void **state)
{
    struct fixture *f = *state;
    struct blocks_statistics s = extents_statistics(&f->extents);

    assert_valid(&f->extents);
    assert_true(extents_area_is_free(f->area));
    assert_int_equal(extents_largest(&f->extents), f->all);
    assert_int_equal(s.used_count, 0);
    assert_int_equal(s.used_size, 0);
    assert_int_equal(s.free_count, 1);
    assert_int_equal(s.free_size, f->all);
    assert_ok(extents_remove_area(&f->extents, f->area));
    assert_valid(&f->extents);
    assert_int_equal(extents_statistics(&f->extents).free_size, 0);
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
    free(f);
    return 0;
}

static uint8_t *take_aligned(struct fixture *f, size_t size, size_t alignment)
{
    struct extents_area *area = NULL;
    void *block = NULL;

    assert_ok(extents_alloc_aligned(&f->extents, size, alignment, &block, &area));
    assert_ptr_equal(area, f->area);
    assert_int_equal((uintptr_t)block % EXTENTS_GRANULE, 0);
    assert_int_equal((uintptr_t)block % alignment, 0);
    assert_true(extents_usable_size(f->area, block) >= size);
    assert_true(extents_area_holds(f->area, block));
    memset(block, 0xdd, extents_usable_size(f->area, block));
    assert_valid(&f->extents);
    return block;
}

static uint8_t *take(struct fixture *f, size_t size)
{
    struct extents_area *area = NULL;
    void *block = NULL;

    assert_ok(extents_alloc(&f->extents, size, &block, &area));
    assert_ptr_equal(area, f->area);
    memset(block, 0xdd, extents_usable_size(f->area, block));
    assert_valid(&f->extents);
    return block;
}

static void give(struct fixture *f, void *block)
{
    assert_ok(extents_free(&f->extents, f->area, block));
    assert_valid(&f->extents);
}

static void assert_refused(struct fixture *f, size_t size, enum coffer_status expected)
{
    struct extents_area *area = (struct extents_area *)(void *)f;
    void *block = f;

    assert_status(extents_alloc(&f->extents, size, &block, &area), expected);
    assert_ptr_equal(block, f);
    assert_ptr_equal(area, f);
}

static uint64_t free_count(const struct fixture *f)
{
    return extents_statistics(&f->extents).free_count;
}

static uint64_t free_size(const struct fixture *f)
{
    return extents_statistics(&f->extents).free_size;
}

/* --- Areas ------------------------------------------------------------------------------- */

static void test_areas_of_any_address_and_size_are_used_to_the_byte(void **state)
{
    struct buffer buffer = buffer_make(2, 4096);

    (void)state;
    for (size_t offset = 0; offset <= 72; offset++) {
        bool held = false;

        for (size_t size = 1000; size < 1400; size++) {
            struct extents extents;
            struct extents_area *area = NULL;
            void *block = NULL;
            enum coffer_status status;

            extents_init(&extents);
            status = extents_add_area(&extents, buffer.start + offset, size, &area);
            if (status != COFFER_OK) {
                /* Too small once is too small for all that are smaller. */
                assert_int_equal(status, COFFER_MISUSE);
                assert_null(area);
                assert_false(held);
                continue;
            }
            held = true;
            assert_ok(extents_alloc(&extents, 1, &block, &area));
            assert_int_equal((uintptr_t)block % EXTENTS_GRANULE, 0);
            assert_true((uint8_t *)block + extents_usable_size(area, block) <=
                        buffer.start + offset + size);
            memset(block, 0xdd, extents_usable_size(area, block));
            assert_valid(&extents);
            assert_ok(extents_free(&extents, area, block));
            assert_ok(extents_remove_area(&extents, area));
            assert_true(buffer_is_untouched_outside(&buffer, buffer.start + offset, size));
            memset(buffer.start + offset, GUARD_BYTE, size);
        }
        assert_true(held);
    }
    buffer_free(&buffer);
}

static void test_little_of_a_large_area_is_metadata(void **state)
{
    struct fixture *f = *state;

    assert_true(f->all >= f->buffer.size - f->buffer.size * 24 / 1024 - 200);
    assert_int_equal(f->all % EXTENTS_GRANULE, 0);
}

static void test_an_area_of_the_size_told_holds_the_block(void **state)
{
    static const size_t sizes[] = {1, 1024, 1025, 4096, 10000};
    struct buffer buffer = buffer_make(32, 65536);

    (void)state;
    for (size_t alignment = 1; alignment <= 32 * KIB; alignment *= 2) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t size = extents_area_size(sizes[i], alignment);

            for (size_t offset = 0; offset < 40 * KIB; offset += 331) {
                struct extents extents;
                struct extents_area *area;
                void *block;

                extents_init(&extents);
                assert_ok(extents_add_area(&extents, buffer.start + offset, size, &area));
                assert_ok(extents_alloc_aligned(&extents, sizes[i], alignment, &block, &area));
                assert_int_equal((uintptr_t)block % alignment, 0);
            }
        }
    }
    assert_int_equal(extents_area_size(EXTENTS_SIZE_MAX + 1, 16), 0);
    assert_int_equal(extents_area_size(1024, EXTENTS_AREA_MAX), 0);
    assert_int_equal(extents_area_size(EXTENTS_SIZE_MAX, 16), 0);
    buffer_free(&buffer);
}

static void test_areas_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    struct extents_area *area = NULL;
    uint8_t *high = (uint8_t *)UINTPTR_MAX - 4096;

    assert_status(extents_add_area(&f->extents, NULL, 65536, &area), COFFER_MISUSE);
    assert_status(extents_add_area(&f->extents, f->buffer.raw, 0, &area), COFFER_MISUSE);
    assert_status(extents_add_area(&f->extents, f->buffer.raw, KIB, &area), COFFER_MISUSE);
    assert_status(extents_add_area(&f->extents, f->buffer.raw, EXTENTS_AREA_MAX + 1, &area),
                  COFFER_MISUSE);
    assert_status(extents_add_area(&f->extents, high, 65536, &area), COFFER_MISUSE);
    assert_null(area);
}

static void test_areas_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct extents other;
    struct buffer buffer = buffer_make(32, 4096);
    struct extents_area *second = NULL;
    struct extents_area *area = NULL;
    void *first_block = NULL;
    void *second_block = NULL;

    extents_init(&other);
    assert_ok(extents_add_area(&f->extents, buffer.start, buffer.size, &second));
    assert_valid(&f->extents);
    assert_int_equal(free_count(f), 2);

    /* The first is the larger one. */
    assert_ok(extents_alloc(&f->extents, f->all, &first_block, &area));
    assert_ptr_equal(area, f->area);
    assert_ok(extents_alloc(&f->extents, 5000, &second_block, &area));
    assert_ptr_equal(area, second);
    assert_false(extents_area_holds(f->area, second_block));
    assert_status(extents_free(&f->extents, f->area, second_block), COFFER_MISUSE);
    assert_status(extents_free(&f->extents, second, first_block), COFFER_MISUSE);
    assert_int_equal(extents_usable_size(f->area, second_block), 0);

    assert_status(extents_remove_area(&f->extents, second), COFFER_BUSY);
    assert_status(extents_remove_area(&other, second), COFFER_MISUSE);
    assert_false(extents_area_is_free(second));
    assert_valid(&f->extents);
    assert_ok(extents_free(&f->extents, second, second_block));
    assert_true(extents_area_is_free(second));
    assert_ok(extents_remove_area(&f->extents, second));
    assert_status(extents_remove_area(&f->extents, second), COFFER_MISUSE);
    assert_valid(&f->extents);
    assert_refused(f, 1, COFFER_NO_MEMORY);
    give(f, first_block);
    buffer_free(&buffer);
}

static void test_areas_side_by_side_stay_apart(void **state)
{
    struct buffer buffer = buffer_make(8, 4096);
    struct extents extents;
    struct extents_area *areas[2];

    (void)state;
    extents_init(&extents);
    assert_ok(extents_add_area(&extents, buffer.start, 4 * FRAME_SIZE, &areas[0]));
    assert_ok(extents_add_area(&extents, buffer.start + 4 * FRAME_SIZE, 4 * FRAME_SIZE, &areas[1]));
    assert_int_equal(extents_statistics(&extents).free_count, 2);
    assert_true(extents_largest(&extents) < 4 * FRAME_SIZE);
    assert_false(extents_area_holds(areas[0], buffer.start + 4 * FRAME_SIZE));
    assert_false(extents_area_holds(areas[0], areas[0]));
    assert_valid(&extents);
    buffer_free(&buffer);
}

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

/* --- Walks and damage -------------------------------------------------------------------- */

struct seen {
    const uint8_t *next;
    unsigned count;
    unsigned used;
    unsigned limit;
};

static bool visit(void *context, const void *block, size_t size, bool used)
{
    struct seen *seen = context;

    assert_ptr_equal(block, seen->next);
    seen->next += size;
    seen->count++;
    seen->used += used;
    return seen->count < seen->limit;
}

static void test_a_walk_sees_every_block_in_order(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = take(f, 5000);
    uint8_t *second = take(f, 2000);
    uint8_t *third = take(f, 3000);
    struct seen seen = {.next = f->area->base, .limit = 100};
    struct blocks_visitor visitor = {visit, &seen};

    give(f, second);
    assert_true(extents_walk(&f->extents, &visitor));
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.used, 2);
    assert_ptr_equal(seen.next, f->area->base + f->all);
    seen = (struct seen){.next = f->area->base, .limit = 2};
    assert_false(extents_walk(&f->extents, &visitor));
    assert_int_equal(seen.count, 2);
    give(f, first);
    give(f, third);
}

static void assert_damage_is_seen(struct fixture *f, void *at, size_t size)
{
    uint8_t kept[8];

    memcpy(kept, at, size);
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            const char *problem = NULL;

            ((uint8_t *)at)[i] ^= (uint8_t)(1u << bit);
            assert_false(extents_is_valid(&f->extents, &problem));
            assert_non_null(problem);
            assert_false(extents_is_valid(&f->extents, NULL));
            memcpy(at, kept, size);
        }
    }
    assert_valid(&f->extents);
}

static void test_damage_is_reported(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = take(f, 5000);
    uint8_t *second = take(f, 5000);
    uint8_t *third = take(f, 5000);
    uint8_t *fourth = take(f, 5000);
    struct extents_tag *used;
    struct extents_tag *hole;
    struct extents_tag *end = tag_of(f->area, f->area->length);

    give(f, first);
    give(f, third);
    hole = tag_of(f->area, 0);
    used = tag_of(f->area, hole->length);
    assert_damage_is_seen(f, &used->begin, sizeof(used->begin));
    assert_damage_is_seen(f, &used->length, sizeof(used->length));
    assert_damage_is_seen(f, &used->before, sizeof(used->before));
    assert_damage_is_seen(f, &(used + 1)->begin, sizeof(used->begin));
    assert_damage_is_seen(f, &hole->begin, sizeof(hole->begin));
    assert_damage_is_seen(f, &hole->length, sizeof(hole->length));
    assert_damage_is_seen(f, &hole->next, sizeof(hole->next));
    assert_damage_is_seen(f, &hole->link, sizeof(hole->link));
    assert_damage_is_seen(f, &end->begin, sizeof(end->begin));
    assert_damage_is_seen(f, &end->length, sizeof(end->length));
    assert_damage_is_seen(f, &end->before, sizeof(end->before));
    assert_damage_is_seen(f, &f->area->extents, sizeof(f->area->extents));
    assert_damage_is_seen(f, &f->extents.words, sizeof(f->extents.words));
    for (unsigned i = 0; i < EXTENTS_WORD_COUNT; i++)
        assert_damage_is_seen(f, &f->extents.filled[i], sizeof(f->extents.filled[i]));
    assert_damage_is_seen(f, &f->extents.lists[class_of(hole->length)], sizeof(void *));
    assert_damage_is_seen(f, &f->extents.lists[3], sizeof(void *));
    assert_damage_is_seen(f, &f->extents.free_count, sizeof(f->extents.free_count));
    assert_damage_is_seen(f, &f->extents.used_count, sizeof(f->extents.used_count));
    assert_damage_is_seen(f, &f->extents.granule_count, sizeof(f->extents.granule_count));
    assert_damage_is_seen(f, &f->extents.used_granule_count, sizeof(uint64_t));
    give(f, second);
    give(f, fourth);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_areas_of_any_address_and_size_are_used_to_the_byte),
        unit(test_little_of_a_large_area_is_metadata),
        cmocka_unit_test(test_an_area_of_the_size_told_holds_the_block),
        unit(test_areas_that_cannot_be_are_refused),
        unit(test_areas_come_and_go),
        cmocka_unit_test(test_areas_side_by_side_stay_apart),
        unit(test_sizes_are_rounded_to_granules),
        unit(test_impossible_sizes_are_refused),
        unit(test_a_whole_area_is_one_block),
        unit(test_a_full_area_is_full_and_empties),
        unit(test_a_rest_too_short_for_a_block_stays_with_it),
        unit(test_the_smallest_class_that_fits_is_used),
        unit(test_the_first_of_the_own_class_is_looked_at),
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
        unit(test_a_walk_sees_every_block_in_order),
        unit(test_damage_is_reported),
    };

    return cmocka_run_group_tests_name("extents", tests, NULL, NULL);
}
