/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions: what each call of regions.h promises, at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/space.h"
#include "memory/space/regions.h"
#include "support/random.h"

#define PAGE  ((uintptr_t)COFFER_PAGE_SIZE)
#define BASE  (16 * PAGE)
#define PAGES 64u

static struct object *const some_object = (struct object *)(uintptr_t)0x1000;
static struct object *const other_object = (struct object *)(uintptr_t)0x2000;

/* Pages are numbered from the base of the space. */
static uintptr_t at(uintptr_t page)
{
    return BASE + page * PAGE;
}

static void setup(struct regions *regions)
{
    regions_init(regions, BASE, at(PAGES));
}

/* Regions that never merge by themselves: each its own `first`. */
static struct region *add(struct regions *regions, struct region *region, uintptr_t page,
                          uintptr_t count)
{
    *region = (struct region){
        .start = at(page),
        .end = at(page + count),
        .rights = COFFER_READ,
        .object = some_object,
        .first = 1000 + 2 * page,
    };
    list_init(&region->of_object);
    regions_insert(regions, region);
    assert_true(regions_is_valid(regions));
    return region;
}

static void test_empty(void **state)
{
    struct regions regions;
    uintptr_t start = 1;

    (void)state;
    setup(&regions);
    assert_true(regions_is_valid(&regions));
    assert_null(regions_find(&regions, BASE));
    assert_null(regions_at_or_after(&regions, 0));
    assert_false(regions_overlap(&regions, BASE, at(PAGES)));
    assert_false(regions_cover(&regions, BASE, at(1)));
    assert_true(regions_cover(&regions, BASE, BASE));
    assert_true(regions_find_gap(&regions, PAGES * PAGE, 0, UINTPTR_MAX, &start));
    assert_int_equal(start, BASE);
    start = 1;
    assert_false(regions_find_gap(&regions, (PAGES + 1) * PAGE, 0, UINTPTR_MAX, &start));
    assert_int_equal(start, 1);
}

static void test_find_at_the_edges(void **state)
{
    struct regions regions;
    struct region a;
    struct region b;

    (void)state;
    setup(&regions);
    add(&regions, &a, 4, 2);
    add(&regions, &b, 6, 3);
    assert_int_equal(regions.count, 2);
    assert_int_equal(regions.mapped, 5 * PAGE);

    assert_null(regions_find(&regions, at(4) - 1));
    assert_ptr_equal(regions_find(&regions, at(4)), &a);
    assert_ptr_equal(regions_find(&regions, at(6) - 1), &a);
    assert_ptr_equal(regions_find(&regions, at(6)), &b);
    assert_ptr_equal(regions_find(&regions, at(9) - 1), &b);
    assert_null(regions_find(&regions, at(9)));

    assert_ptr_equal(regions_at_or_after(&regions, 0), &a);
    assert_ptr_equal(regions_at_or_after(&regions, at(6) - 1), &a);
    assert_ptr_equal(regions_at_or_after(&regions, at(6)), &b);
    assert_null(regions_at_or_after(&regions, at(9)));
    assert_ptr_equal(regions_next(&a), &b);
    assert_null(regions_next(&b));
}

static void test_overlap_and_cover(void **state)
{
    struct regions regions;
    struct region nodes[3];
    /* Pages 4..8 in two regions, 10..11 in one. */
    const bool taken[14] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0};

    (void)state;
    setup(&regions);
    add(&regions, &nodes[0], 4, 2);
    add(&regions, &nodes[1], 6, 3);
    add(&regions, &nodes[2], 10, 2);
    for (unsigned from = 0; from <= 14; from++) {
        for (unsigned to = from; to <= 14; to++) {
            bool any = false;
            bool all = true;

            for (unsigned i = from; i < to; i++) {
                any = any || taken[i];
                all = all && taken[i];
            }
            assert_int_equal(regions_overlap(&regions, at(from), at(to)), any);
            assert_int_equal(regions_cover(&regions, at(from), at(to)), all);
        }
    }
}

static void test_gaps_are_found_lowest_first(void **state)
{
    struct regions regions;
    struct region nodes[4];
    uintptr_t start;

    (void)state;
    setup(&regions); /* gaps: 0..1, 4..8, 10, 12..63 */
    add(&regions, &nodes[0], 2, 2);
    add(&regions, &nodes[1], 9, 1);
    add(&regions, &nodes[2], 11, 1);

    assert_true(regions_find_gap(&regions, PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(0));
    assert_true(regions_find_gap(&regions, 2 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(0));
    assert_true(regions_find_gap(&regions, 3 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(4));
    assert_true(regions_find_gap(&regions, 5 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(4));
    assert_true(regions_find_gap(&regions, 6 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(12));
    assert_true(regions_find_gap(&regions, 52 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(12));
    assert_false(regions_find_gap(&regions, 53 * PAGE, BASE, at(PAGES), &start));

    /* The window cuts gaps at either end. */
    assert_true(regions_find_gap(&regions, 4 * PAGE, at(5), at(PAGES), &start));
    assert_int_equal(start, at(5));
    assert_true(regions_find_gap(&regions, 5 * PAGE, at(5), at(PAGES), &start));
    assert_int_equal(start, at(12));
    assert_true(regions_find_gap(&regions, 4 * PAGE, at(3), at(8), &start));
    assert_int_equal(start, at(4));
    assert_false(regions_find_gap(&regions, 5 * PAGE, at(3), at(8), &start));
    assert_true(regions_find_gap(&regions, PAGE, at(2), at(9), &start));
    assert_int_equal(start, at(4));
    assert_false(regions_find_gap(&regions, PAGE, at(9), at(10), &start));
    assert_false(regions_find_gap(&regions, PAGE, at(PAGES), UINTPTR_MAX, &start));
    assert_false(regions_find_gap(&regions, PAGE, 0, BASE, &start));
    assert_false(regions_find_gap(&regions, PAGE, at(20), at(19), &start));

    /* And a space without any left has none. */
    add(&regions, &nodes[3], 12, 52);
    assert_false(regions_find_gap(&regions, 6 * PAGE, BASE, at(PAGES), &start));
    regions_remove(&regions, &nodes[1]);
    assert_true(regions_is_valid(&regions));
    assert_true(regions_find_gap(&regions, 6 * PAGE, BASE, at(PAGES), &start));
    assert_int_equal(start, at(4));
}

/* The window is tried in all its parts, and the gap that is hard to hit is found as well. */
static void test_random_gaps_reach_every_place(void **state)
{
    struct regions regions;
    struct region nodes[3];
    unsigned seen[PAGES] = {0};
    struct random random;

    (void)state;
    random_init(&random, "random gaps");
    setup(&regions); /* gaps: 0..1, 4..8, 20..63 */
    add(&regions, &nodes[0], 2, 2);
    add(&regions, &nodes[1], 9, 11);
    for (unsigned i = 0; i < 47000; i++) {
        const uint64_t numbers[2] = {random_next(&random), random_next(&random)};
        uintptr_t start;

        assert_true(regions_find_random_gap(&regions, 2 * PAGE, BASE, at(PAGES), numbers, &start));
        seen[(start - BASE) / PAGE]++;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        bool fits = page == 0 || (page >= 4 && page < 8) || (page >= 20 && page < PAGES - 1);

        /* 48 places, 979 expected of each: eight standard deviations are 250. */
        if (fits)
            assert_in_range(seen[page], 729, 1229);
        else
            assert_int_equal(seen[page], 0);
    }
}

static void test_random_gap_in_a_space_nearly_full(void **state)
{
    const uint64_t patterns[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63, 0x123456789abcdef};
    const uintptr_t sizes[] = {PAGE, 2 * PAGE, 3 * PAGE};
    uintptr_t end = BASE + ((uintptr_t)1 << 40);
    struct regions regions;
    struct region nodes[2];

    (void)state;
    /* Three free pages in 2^28, wherever they lie: first, last, in between. */
    for (unsigned place = 0; place < 3; place++) {
        uintptr_t hole = place == 0 ? BASE : place == 1 ? end - 3 * PAGE : at(1234567);

        regions_init(&regions, BASE, end);
        nodes[0] = (struct region){.start = BASE, .end = hole, .rights = 1};
        nodes[1] = (struct region){.start = hole + 3 * PAGE, .end = end, .rights = 1};
        for (unsigned i = 0; i < 2; i++) {
            if (nodes[i].start < nodes[i].end)
                regions_insert(&regions, &nodes[i]);
        }
        assert_true(regions_is_valid(&regions));
        for (unsigned i = 0; i < 25; i++) {
            const uint64_t numbers[2] = {patterns[i % 5], patterns[i / 5]};

            for (unsigned k = 0; k < 3; k++) {
                uintptr_t start = 0;

                assert_true(
                    regions_find_random_gap(&regions, sizes[k], 0, UINTPTR_MAX, numbers, &start));
                assert_in_range(start, hole, hole + 3 * PAGE - sizes[k]);
            }
            assert_false(regions_find_random_gap(&regions, 4 * PAGE, 0, UINTPTR_MAX, numbers,
                                                 &(uintptr_t){0}));
            assert_false(regions_find_random_gap(&regions, 3 * PAGE, hole + PAGE, UINTPTR_MAX,
                                                 numbers, &(uintptr_t){0}));
        }
    }
}

static void test_split_and_merge(void **state)
{
    struct regions regions;
    struct region a;
    struct region upper;
    struct list mappers;

    (void)state;
    setup(&regions);
    list_init(&mappers);
    add(&regions, &a, 4, 6);
    list_insert_before(&mappers, &a.of_object);
    a.pins = 3;
    a.space = (struct coffer_space *)(uintptr_t)64;
    regions_split(&regions, &a, at(6), &upper);

    assert_int_equal(regions.count, 2);
    assert_int_equal(regions.mapped, 6 * PAGE);
    assert_int_equal(a.end, at(6));
    assert_int_equal(upper.start, at(6));
    assert_int_equal(upper.end, at(10));
    assert_int_equal(upper.first, a.first + 2);
    assert_int_equal(upper.rights, a.rights);
    assert_int_equal(upper.pins, 3);
    assert_ptr_equal(upper.object, a.object);
    assert_ptr_equal(upper.space, a.space);
    assert_true(list_is_empty(&upper.of_object));
    assert_ptr_equal(mappers.next, &a.of_object);
    assert_ptr_equal(mappers.previous, &a.of_object);
    assert_ptr_equal(regions_next(&a), &upper);

    /* Two that could be one are against R2. */
    assert_true(regions_can_merge(&a, &upper));
    assert_false(regions_is_valid(&regions));
    upper.rights = COFFER_READ | COFFER_WRITE;
    assert_true(regions_is_valid(&regions));
    upper.rights = COFFER_READ;
    regions_merge(&regions, &a, &upper);
    assert_true(regions_is_valid(&regions));
    assert_int_equal(regions.count, 1);
    assert_int_equal(regions.mapped, 6 * PAGE);
    assert_int_equal(a.end, at(10));
    list_remove(&a.of_object);
}

static void test_what_merges(void **state)
{
    struct region lower = {
        .start = at(0), .end = at(3), .rights = 1, .flags = 2, .object = some_object, .first = 10};
    struct region good = {
        .start = at(3), .end = at(4), .rights = 1, .flags = 2, .object = some_object, .first = 13};
    struct region upper = good;

    (void)state;
    assert_true(regions_can_merge(&lower, &upper));
    upper.start = at(2);
    assert_false(regions_can_merge(&lower, &upper));
    upper = good;
    upper.rights = 3;
    assert_false(regions_can_merge(&lower, &upper));
    upper = good;
    upper.flags = 0;
    assert_false(regions_can_merge(&lower, &upper));
    upper = good;
    upper.pins = 1;
    assert_false(regions_can_merge(&lower, &upper));
    upper = good;
    upper.object = other_object;
    assert_false(regions_can_merge(&lower, &upper));
    upper = good;
    upper.first = 12;
    assert_false(regions_can_merge(&lower, &upper));
    lower.object = upper.object = NULL; /* a linear window has no pages to follow one another */
    assert_true(regions_can_merge(&lower, &upper));
}

static void test_check_finds_damage(void **state)
{
    struct regions regions;
    struct region nodes[5];
    struct region saved[5];

    (void)state;
    setup(&regions);
    for (unsigned i = 0; i < 5; i++)
        add(&regions, &nodes[i], 1 + 10 * i, 5);
    memcpy(saved, nodes, sizeof(nodes));
    for (unsigned i = 0; i < 5; i++) {
        nodes[i].end += PAGE;
        assert_false(regions_is_valid(&regions));
        memcpy(nodes, saved, sizeof(nodes));
        nodes[i].start -= PAGE;
        assert_false(regions_is_valid(&regions));
        memcpy(nodes, saved, sizeof(nodes));
        nodes[i].gap -= PAGE;
        assert_false(regions_is_valid(&regions));
        memcpy(nodes, saved, sizeof(nodes));
        nodes[i].gap_max += PAGE;
        assert_false(regions_is_valid(&regions));
        memcpy(nodes, saved, sizeof(nodes));
        nodes[i].node.red = !nodes[i].node.red;
        assert_false(regions_is_valid(&regions));
        memcpy(nodes, saved, sizeof(nodes));
    }
    regions.mapped += PAGE;
    assert_false(regions_is_valid(&regions));
    regions.mapped -= PAGE;
    nodes[4].end += 8; /* no page */
    regions.mapped += 8;
    assert_false(regions_is_valid(&regions));
    nodes[4].end -= 8;
    regions.mapped -= 8;
    regions.count--;
    assert_false(regions_is_valid(&regions));
    regions.count++;
    regions.end = nodes[4].end - PAGE;
    assert_false(regions_is_valid(&regions));
    regions.end = at(PAGES);
    assert_true(regions_is_valid(&regions));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_find_at_the_edges),
        cmocka_unit_test(test_overlap_and_cover),
        cmocka_unit_test(test_gaps_are_found_lowest_first),
        cmocka_unit_test(test_random_gaps_reach_every_place),
        cmocka_unit_test(test_random_gap_in_a_space_nearly_full),
        cmocka_unit_test(test_split_and_merge),
        cmocka_unit_test(test_what_merges),
        cmocka_unit_test(test_check_finds_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
