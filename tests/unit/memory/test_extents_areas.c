/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: areas to the byte, coming and going; walks; damage that is reported. */
#include "extents_fixture.h"

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
            assert_ok(extents_alloc(&extents, extents_largest(&extents), &block, &area));
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
    assert_valid(&extents);
    buffer_free(&buffer);
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
    assert_damage_is_seen(f, &hole->next, sizeof(void *));
    assert_damage_is_seen(f, &hole->link, sizeof(hole->link));
    assert_damage_is_seen(f, &end->begin, sizeof(end->begin));
    assert_damage_is_seen(f, &end->length, sizeof(end->length));
    assert_damage_is_seen(f, &end->before, sizeof(end->before));
    assert_damage_is_seen(f, &f->area->extents, sizeof(void *));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_areas_of_any_address_and_size_are_used_to_the_byte),
        unit(test_little_of_a_large_area_is_metadata),
        cmocka_unit_test(test_an_area_of_the_size_told_holds_the_block),
        unit(test_areas_that_cannot_be_are_refused),
        unit(test_areas_come_and_go),
        cmocka_unit_test(test_areas_side_by_side_stay_apart),
        unit(test_a_walk_sees_every_block_in_order),
        unit(test_damage_is_reported),
    };

    return cmocka_run_group_tests_name("extents areas", tests, NULL, NULL);
}
