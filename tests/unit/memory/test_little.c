/* SPDX-License-Identifier: BSD-2-Clause */
/* The little policy: regions to the byte, best fit, wrong frees, alignment, resizing, damage. */
#include "fixture.h"

#include "memory/heap/little.h"
#include "support/must.h"

#define GRANULE LITTLE_GRANULE

struct fixture {
    struct little *little;
    struct buffer buffer;
    uint8_t *base; /* of the first block */
    size_t all;    /* bytes that the blocks have */
};

static void assert_valid(const struct little *little)
{
    const char *problem = NULL;

    if (!little_is_valid(little, &problem))
        fail_msg("%s", problem);
}

static int setup(void **state)
{
    struct fixture *f = must_alloc(sizeof(*f));
    void *block = NULL;

    f->buffer = buffer_make(1, 4096);
    assert_ok(little_init(f->buffer.start, f->buffer.size, &f->little));
    f->all = little_largest(f->little);
    assert_ok(little_alloc(f->little, f->all, 1, &block));
    f->base = block;
    assert_ok(little_free(f->little, block));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct blocks_statistics s = little_statistics(f->little);

    assert_valid(f->little);
    assert_int_equal(s.used_count, 0);
    assert_int_equal(s.used_size, 0);
    assert_int_equal(s.free_count, 1);
    assert_int_equal(s.free_size, f->all);
    assert_int_equal(little_largest(f->little), f->all);
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
    free(f);
    return 0;
}

static uint8_t *take_aligned(struct fixture *f, size_t size, size_t alignment)
{
    void *block = NULL;

    assert_ok(little_alloc(f->little, size, alignment, &block));
    assert_int_equal((uintptr_t)block % GRANULE, 0);
    assert_int_equal((uintptr_t)block % alignment, 0);
    assert_int_equal(little_usable_size(f->little, block),
                     (size + GRANULE - 1) / GRANULE * GRANULE);
    memset(block, 0xdd, little_usable_size(f->little, block));
    assert_valid(f->little);
    return block;
}

static uint8_t *take(struct fixture *f, size_t size)
{
    return take_aligned(f, size, 1);
}

static void give(struct fixture *f, void *block)
{
    assert_ok(little_free(f->little, block));
    assert_valid(f->little);
}

static void assert_refused(struct fixture *f, size_t size, size_t alignment,
                           enum coffer_status expected)
{
    void *block = f;

    assert_status(little_alloc(f->little, size, alignment, &block), expected);
    assert_ptr_equal(block, f);
}

/* --- Regions ----------------------------------------------------------------------------- */

static void test_regions_of_any_address_and_size_are_used_to_the_byte(void **state)
{
    struct buffer buffer = buffer_make(2, 4096);

    (void)state;
    for (size_t offset = 0; offset <= 33; offset++) {
        for (size_t size = 0; size < 1200; size++) {
            uint8_t *start = buffer.start + offset;
            struct little *little = NULL;
            void *block = NULL;
            size_t all;

            if (little_init(start, size, &little) != COFFER_OK) {
                /* A head, a word of each bitmap, and what rounding takes at the worst. */
                assert_true(size < 16 + 24 + GRANULE + 7 + 15);
                assert_null(little);
                assert_true(buffer_is_untouched_outside(&buffer, start, 0));
                continue;
            }
            all = little_largest(little);
            assert_true(all > 0);
            /* 3/128 for the bits, in whole words. */
            assert_true(size - all <= 16 + 3 * 8 * ((all / GRANULE + 64) / 64) + 7 + 15 + 15);
            assert_ok(little_alloc(little, all, 1, &block));
            assert_true((uint8_t *)block + all <= start + size);
            memset(block, 0xdd, all);
            assert_valid(little);
            assert_ok(little_free(little, block));
            assert_true(buffer_is_untouched_outside(&buffer, start, size));
            memset(start, GUARD_BYTE, size);
        }
    }
    buffer_free(&buffer);
}

static void test_the_alignment_that_was_asked_for_is_known(void **state)
{
    struct buffer buffer = buffer_make(2, 4096);
    struct little *little = NULL;
    void *plain = NULL;
    void *block = NULL;

    (void)state;
    assert_ok(little_init(buffer.start, 8000, &little));
    assert_ok(little_alloc(little, 100, 1, &plain));
    assert_int_equal(little_alignment(little, plain), LITTLE_GRANULE);
    for (size_t alignment = 32; alignment <= 2048; alignment *= 2) {
        assert_ok(little_alloc(little, 1, alignment, &block));
        assert_int_equal(little_alignment(little, block), alignment);
        assert_ok(little_resize(little, block, 200));
        assert_ok(little_resize(little, block, 16));
        assert_int_equal(little_alignment(little, block), alignment);
        assert_int_equal(little_alignment(little, (char *)block + GRANULE), 0);
        assert_valid(little);
        assert_ok(little_free(little, block));
        assert_int_equal(little_alignment(little, block), 0);
    }
    /* Nothing of it is left to those that come after. */
    assert_ok(little_alloc(little, 3000, 1, &block));
    assert_int_equal(little_alignment(little, block), LITTLE_GRANULE);
    assert_ok(little_free(little, block));
    assert_ok(little_free(little, plain));
    assert_valid(little);
    buffer_free(&buffer);
}

static void test_the_largest_region_is_one_block(void **state)
{
    struct buffer buffer = buffer_make(17, 4096);
    struct little *little = NULL;
    void *block = NULL;

    (void)state;
    assert_ok(little_init(buffer.start, LITTLE_REGION_MAX, &little));
    assert_true(little_largest(little) >= LITTLE_REGION_MAX - LITTLE_REGION_MAX / 42 - 16);
    assert_ok(little_alloc(little, little_largest(little), 1, &block));
    memset(block, 0xdd, little_usable_size(little, block));
    assert_valid(little);
    assert_int_equal(little_largest(little), 0);
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, LITTLE_REGION_MAX));
    buffer_free(&buffer);
}

static void test_regions_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    struct little *little = NULL;
    uint8_t *high = (uint8_t *)UINTPTR_MAX - 1000;

    assert_status(little_init(NULL, 4096, &little), COFFER_MISUSE);
    assert_status(little_init(f->buffer.raw, LITTLE_REGION_MAX + 1, &little), COFFER_MISUSE);
    assert_status(little_init(high, 4096, &little), COFFER_MISUSE);
    assert_status(little_init(f->buffer.raw, 0, &little), COFFER_NO_MEMORY);
    assert_status(little_init(f->buffer.raw, 47, &little), COFFER_NO_MEMORY);
    assert_null(little);
}

/* --- Sizes and fit ----------------------------------------------------------------------- */

static void test_sizes_are_rounded_to_granules(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 1; size <= f->all; size++) {
        uint8_t *block = take(f, size);
        struct blocks_statistics s = little_statistics(f->little);

        assert_int_equal(s.used_count, 1);
        assert_int_equal(s.used_size, (size + 15) / 16 * 16);
        assert_int_equal(s.free_size, f->all - s.used_size);
        give(f, block);
    }
}

static void test_impossible_requests_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, 0, 16, COFFER_MISUSE);
    assert_refused(f, 16, 0, COFFER_MISUSE);
    assert_refused(f, 16, 24, COFFER_MISUSE);
    assert_refused(f, 16, SIZE_MAX, COFFER_MISUSE);
    assert_refused(f, f->all + 1, 1, COFFER_NO_MEMORY);
    assert_refused(f, SIZE_MAX, 1, COFFER_NO_MEMORY);
    assert_refused(f, 16, SIZE_MAX / 2 + 1, COFFER_NO_MEMORY);
    assert_refused(f, 16, 1u << 20, COFFER_NO_MEMORY);
}

static void test_a_full_region_is_full_and_empties(void **state)
{
    struct fixture *f = *state;
    size_t count = f->all / GRANULE;

    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(take(f, 1), f->base + i * GRANULE);
    assert_int_equal(little_largest(f->little), 0);
    assert_refused(f, 1, 1, COFFER_NO_MEMORY);
    assert_int_equal(little_statistics(f->little).used_count, count);
    for (size_t i = 0; i < count; i += 2)
        give(f, f->base + i * GRANULE);
    assert_int_equal(little_statistics(f->little).free_count, (count + 1) / 2);
    assert_refused(f, GRANULE + 1, 1, COFFER_NO_MEMORY);
    for (size_t i = 1; i < count; i += 2)
        give(f, f->base + i * GRANULE);
}

static void test_the_smallest_block_that_fits_is_taken(void **state)
{
    /* In granules; of the two of 5 the first one, whatever word of the bits it is in. */
    static const unsigned lengths[] = {9, 5, 70, 3, 5, 12, 4};
    struct fixture *f = *state;
    uint8_t *holes[7];
    uint8_t *walls[7];

    for (unsigned i = 0; i < 7; i++) {
        holes[i] = take(f, lengths[i] * GRANULE);
        walls[i] = take(f, 1);
    }
    for (unsigned i = 0; i < 7; i++)
        give(f, holes[i]);

    for (unsigned wanted = 1; wanted <= 70; wanted++) {
        unsigned best = 2;
        uint8_t *block;

        for (unsigned i = 0; i < 7; i++) {
            if (lengths[i] >= wanted && lengths[i] < lengths[best])
                best = i;
        }
        block = take(f, wanted * GRANULE);
        assert_ptr_equal(block, holes[best]);
        give(f, block);
    }
    for (unsigned i = 0; i < 7; i++)
        give(f, walls[i]);
}

static void test_neighbours_are_one_free_block(void **state)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct fixture *f = *state;

    for (unsigned i = 0; i < 6; i++) {
        uint8_t *low = take(f, 1);
        uint8_t *blocks[3] = {take(f, 16), take(f, 1100), take(f, 100)};
        uint8_t *high = take(f, 1);

        for (unsigned k = 0; k < 3; k++)
            give(f, blocks[orders[i][k]]);
        assert_int_equal(little_statistics(f->little).free_count, 2);
        assert_ptr_equal(take(f, 16 + 1104 + 112), blocks[0]);
        give(f, blocks[0]);
        give(f, low);
        give(f, high);
    }
}

/* --- Free -------------------------------------------------------------------------------- */

static void assert_free_refused(struct fixture *f, void *address)
{
    assert_status(little_free(f->little, address), COFFER_MISUSE);
    assert_status(little_resize(f->little, address, 100), COFFER_MISUSE);
    assert_int_equal(little_usable_size(f->little, address), 0);
}

static void test_every_wrong_free_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = take(f, 500);
    uint8_t *middle = take(f, 16);
    uint8_t *last = take(f, 1500);
    uint8_t outside[16];

    for (uint8_t *p = f->buffer.start - 100; p < f->buffer.start + f->buffer.size + 100; p++) {
        if (p != first && p != middle && p != last)
            assert_free_refused(f, p);
    }
    assert_free_refused(f, NULL);
    assert_free_refused(f, outside);
    assert_free_refused(f, (uint8_t *)UINTPTR_MAX);
    assert_valid(f->little);
    assert_int_equal(little_statistics(f->little).used_count, 3);

    give(f, middle);
    assert_free_refused(f, middle);
    give(f, first);
    assert_free_refused(f, first);
    assert_free_refused(f, middle);
    give(f, last);
    for (uint8_t *p = f->buffer.start - 100; p < f->buffer.start + f->buffer.size + 100; p++)
        assert_free_refused(f, p);
}

static void test_nothing_in_a_block_is_metadata(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 300);
    uint8_t *wall = take(f, 16);

    give(f, block);
    memset(f->base, 0xff, f->all);
    assert_valid(f->little);
    assert_ptr_equal(take(f, 300), block);
    memset(block, 0xff, 304);
    give(f, block);
    give(f, wall);
    for (size_t i = 0; i < f->all; i++)
        assert_int_equal(f->base[i], 0xff);
}

/* --- Alignment and resizing -------------------------------------------------------------- */

static void test_aligned_blocks_leave_no_slack(void **state)
{
    struct fixture *f = *state;

    for (size_t alignment = 1; alignment <= 1024; alignment *= 2) {
        uint8_t *low = take(f, 16);
        uint8_t *block = take_aligned(f, 100, alignment);

        assert_int_equal(little_statistics(f->little).used_size, 16 + 112);
        if (block > low + 16)
            assert_ptr_equal(take(f, (size_t)(block - low) - 16), low + 16);
        if (block > low + 16)
            give(f, low + 16);
        give(f, low);
        give(f, block);
    }
}

static void test_alignment_counts_in_the_fit(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take_aligned(f, 256, 256);
    uint8_t *low = take(f, (size_t)(block - f->base) - 64);
    uint8_t *high = take(f, little_largest(f->little));

    /* The free block of 64 bytes before it is smaller, but not aligned. */
    assert_int_equal(little_largest(f->little), 64);
    give(f, block);
    assert_int_equal(little_largest(f->little), 320);
    assert_ptr_equal(take_aligned(f, 256, 256), block);
    assert_refused(f, 64, 256, COFFER_NO_MEMORY);
    give(f, block);
    give(f, low);
    give(f, high);
}

static void test_blocks_are_resized_in_place(void **state)
{
    struct fixture *f = *state;
    uint8_t *block = take(f, 160);
    uint8_t *hole = take(f, 1280);
    uint8_t *wall = take(f, 16);

    memset(block, 0x77, 160);
    assert_ok(little_resize(f->little, block, 150));
    assert_int_equal(little_usable_size(f->little, block), 160);
    assert_status(little_resize(f->little, block, 161), COFFER_NO_MEMORY);
    assert_ok(little_resize(f->little, block, 17));
    assert_valid(f->little);
    assert_int_equal(little_usable_size(f->little, block), 32);
    assert_int_equal(little_statistics(f->little).free_count, 2);
    assert_ok(little_resize(f->little, block, 160));
    give(f, hole);
    assert_ok(little_resize(f->little, block, 1440));
    assert_valid(f->little);
    assert_int_equal(little_usable_size(f->little, block), 1440);
    assert_status(little_resize(f->little, block, 1441), COFFER_NO_MEMORY);
    assert_free_refused(f, hole);
    assert_int_equal(little_usable_size(f->little, wall), 16);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(block[i], 0x77);
    assert_ok(little_resize(f->little, block, 1));
    assert_valid(f->little);
    give(f, wall);

    assert_status(little_resize(f->little, block, 0), COFFER_MISUSE);
    assert_status(little_resize(f->little, block, SIZE_MAX), COFFER_NO_MEMORY);
    assert_status(little_resize(f->little, block, f->all + 1), COFFER_NO_MEMORY);
    assert_ok(little_resize(f->little, block, f->all));
    assert_valid(f->little);
    assert_int_equal(little_largest(f->little), 0);
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
    uint8_t *first = take(f, 500);
    uint8_t *second = take(f, 1000);
    uint8_t *third = take(f, 30);
    struct seen seen = {.next = f->base, .limit = 100};
    struct blocks_visitor visitor = {visit, &seen};

    give(f, second);
    assert_true(little_walk(f->little, &visitor));
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.used, 2);
    assert_ptr_equal(seen.next, f->base + f->all);
    seen = (struct seen){.next = f->base, .limit = 2};
    assert_false(little_walk(f->little, &visitor));
    assert_int_equal(seen.count, 2);
    give(f, first);
    give(f, third);
}

static void test_damage_is_reported(void **state)
{
    struct fixture *f = *state;
    uint8_t *first = take(f, 500);
    uint8_t *second = take(f, 1000);
    uint32_t *counts = (uint32_t *)(void *)((uint8_t *)f->little + 8);
    uint64_t *words = (uint64_t *)(void *)((uint8_t *)f->little + 16);
    size_t word_count = (f->all / GRANULE + 63) / 64;
    const char *problem = NULL;

    give(f, first);
    counts[0] += 64;
    assert_false(little_is_valid(f->little, &problem));
    assert_non_null(problem);
    counts[0] -= 64;
    counts[1]++;
    assert_false(little_is_valid(f->little, NULL));
    counts[1]--;

    /* In use without a block, a block that isn't in use, bits behind the last granule. */
    words[0] ^= 1;
    assert_false(little_is_valid(f->little, NULL));
    words[0] ^= 1;
    words[word_count] ^= 1;
    assert_false(little_is_valid(f->little, NULL));
    words[word_count] ^= 1;
    words[word_count - 1] ^= (uint64_t)1 << 63;
    assert_false(little_is_valid(f->little, NULL));
    words[word_count - 1] ^= (uint64_t)1 << 63;
    words[2 * word_count - 1] ^= (uint64_t)1 << 63;
    assert_false(little_is_valid(f->little, NULL));
    words[2 * word_count - 1] ^= (uint64_t)1 << 63;
    assert_valid(f->little);
    give(f, second);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_of_any_address_and_size_are_used_to_the_byte),
        cmocka_unit_test(test_the_alignment_that_was_asked_for_is_known),
        cmocka_unit_test(test_the_largest_region_is_one_block),
        unit(test_regions_that_cannot_be_are_refused),
        unit(test_sizes_are_rounded_to_granules),
        unit(test_impossible_requests_are_refused),
        unit(test_a_full_region_is_full_and_empties),
        unit(test_the_smallest_block_that_fits_is_taken),
        unit(test_neighbours_are_one_free_block),
        unit(test_every_wrong_free_is_refused),
        unit(test_nothing_in_a_block_is_metadata),
        unit(test_aligned_blocks_leave_no_slack),
        unit(test_alignment_counts_in_the_fit),
        unit(test_blocks_are_resized_in_place),
        unit(test_a_walk_sees_every_block_in_order),
        unit(test_damage_is_reported),
    };

    return cmocka_run_group_tests_name("little", tests, NULL, NULL);
}
