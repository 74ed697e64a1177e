/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables in software: what pagetable.h promises beyond the contract of an MMU, which the
 * conformance suite (tests/conformance/mmu) shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory/space/pagetable.h"
#include "support/mmu_host.h"
#include "support/must.h"

#define PAGE   ((uintptr_t)COFFER_PAGE_SIZE)
#define BASE   (77 * PAGE)
#define MEMORY ((size_t)1 << 20) /* of each area */
#define BOTH   (COFFER_READ | COFFER_WRITE)
#define BITS   (MMU_REFERENCED | MMU_DIRTY)

struct fixture {
    uint8_t *memory; /* three pieces; the first and the last are areas */
    struct mmu_test_host host;
    uint8_t *run; /* 8 frames */
};

static void setup(struct fixture *f)
{
    struct memory_area areas[2];

    f->memory = aligned_alloc(FRAME_SIZE, 3 * MEMORY);
    must(f->memory != NULL);
    areas[0] = (struct memory_area){f->memory, MEMORY};
    areas[1] = (struct memory_area){f->memory + 2 * MEMORY, MEMORY};
    mmu_host_open(&f->host, areas, 2);
    f->run = mmu_host_take(&f->host, 8);
}

static void teardown(struct fixture *f)
{
    mmu_host_give(&f->host, f->run);
    mmu_host_close(&f->host);
    free(f->memory);
}

static struct pagetable *open_table(struct fixture *f, uintptr_t base, size_t size)
{
    struct pagetable *table;

    assert_int_equal(pagetable_open(&f->host.host, f->host.tables, base, size, &table), COFFER_OK);
    assert_true(pagetable_is_valid(table));
    assert_int_equal(pagetable_frames(table), 1);
    return table;
}

static void close_table(struct fixture *f, struct pagetable *table)
{
    assert_true(pagetable_is_valid(table));
    pagetable_close(table);
    assert_int_equal(f->host.table_frames, 0);
}

static void map(struct fixture *f, struct pagetable *table, uintptr_t address, size_t count)
{
    assert_int_equal(pagetable_map(table, address, f->run, count, BOTH, 0), COFFER_OK);
    assert_true(pagetable_is_valid(table));
}

static void test_a_tree_is_as_high_as_its_size_asks_for(void **state)
{
    static const struct {
        size_t pages;
        size_t frames; /* with one page mapped */
    } cases[] = {
        {1, 1},
        {486, 1}, /* 1.9 MiB */
        {512, 2},
        {250880, 2}, /* 980 MiB */
        {(size_t)512 * 512, 3},
        {(size_t)490 << 18, 3}, /* 490 GiB */
        {(size_t)512 << 18, 4},
        {(size_t)512 << 27, 5},
        {SIZE_MAX / PAGE, 6},
    };
    struct fixture f;

    (void)state;
    setup(&f);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pagetable *table = open_table(&f, PAGE, cases[i].pages * PAGE);

        map(&f, table, cases[i].pages * PAGE, 1); /* the last one */
        assert_int_equal(pagetable_frames(table), cases[i].frames);
        assert_int_equal(f.host.table_frames, cases[i].frames);
        assert_int_equal(pagetable_mapped(table), 1);
        assert_int_equal(pagetable_unmap(table, cases[i].pages * PAGE, 1), 0);
        assert_int_equal(pagetable_frames(table), 1);
        assert_int_equal(pagetable_mapped(table), 0);
        close_table(&f, table);
    }
    teardown(&f);
}

/* Whatever the size, nothing is written behind the frame that the topmost table ends in. */
static void test_the_topmost_table_ends_with_its_frame(void **state)
{
    unsigned alone = 0;
    struct fixture f;

    (void)state;
    setup(&f);
    for (size_t pages = 470; pages <= 520; pages++) {
        struct pagetable *table = open_table(&f, BASE, pages * PAGE);
        const uint64_t *behind = (const uint64_t *)((uintptr_t)table + FRAME_SIZE);
        uint64_t before = *behind;

        map(&f, table, BASE + (pages - 1) * PAGE, 1);
        if (pagetable_frames(table) == 1) {
            assert_int_equal(*behind, before);
            alone++;
        }
        close_table(&f, table);
    }
    assert_in_range(alone, 20, 42);
    teardown(&f);
}

static void test_ranges_that_are_none_are_refused(void **state)
{
    static const struct {
        uintptr_t base;
        size_t size;
    } cases[] = {
        {BASE, 0},        {BASE, PAGE - 1},     {BASE + 8, PAGE},
        {BASE, PAGE + 8}, {0 - PAGE, 2 * PAGE}, {BASE, 0 - PAGE},
    };
    struct fixture f;
    struct pagetable *table = NULL;

    (void)state;
    setup(&f);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            pagetable_open(&f.host.host, f.host.tables, cases[i].base, cases[i].size, &table),
            COFFER_MISUSE);
        assert_null(table);
    }
    f.host.grant = 0;
    assert_int_equal(pagetable_open(&f.host.host, f.host.tables, BASE, PAGE, &table),
                     COFFER_NO_MEMORY);
    assert_null(table);
    assert_int_equal(f.host.takes, 0);
    teardown(&f);
}

static void test_wrong_maps_are_refused(void **state)
{
    const size_t pages = 1000;
    struct pagetable *table;
    struct fixture f;

    (void)state;
    setup(&f);
    table = open_table(&f, BASE, pages * PAGE);
    const struct {
        uintptr_t address;
        void *frame;
        size_t count;
        unsigned rights;
        unsigned bits;
    } cases[] = {
        {BASE, f.run, 0, BOTH, 0},
        {BASE + 8, f.run, 1, BOTH, 0},
        {BASE - PAGE, f.run, 1, BOTH, 0},
        {BASE - PAGE, f.run, 2, BOTH, 0},
        {0, f.run, 1, BOTH, 0},
        {BASE + pages * PAGE, f.run, 1, BOTH, 0},
        {BASE + (pages - 1) * PAGE, f.run, 2, BOTH, 0},
        {BASE, f.run, pages + 1, BOTH, 0},
        {BASE, f.run, SIZE_MAX, BOTH, 0},
        {BASE + PAGE, f.run, SIZE_MAX, BOTH, 0},
        {BASE, f.run + 8, 1, BOTH, 0},
        {BASE, NULL, 1, BOTH, 0},
        {BASE, (void *)((uintptr_t)f.memory - FRAME_SIZE), 2, BOTH, 0}, /* into the first */
        {BASE, f.memory + MEMORY, 1, BOTH, 0},                          /* between the areas */
        {BASE, f.memory + MEMORY - FRAME_SIZE, 2, BOTH, 0},             /* out of the first */
        {BASE, f.memory + MEMORY - FRAME_SIZE, 258, BOTH, 0},           /* over into the second */
        {BASE, f.memory + 3 * MEMORY - FRAME_SIZE, 2, BOTH, 0},         /* out of the last */
        {BASE, f.run, 1, 8, 0},
        {BASE, f.run, 1, BOTH, 4},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(pagetable_map(table, cases[i].address, cases[i].frame, cases[i].count,
                                       cases[i].rights, cases[i].bits),
                         COFFER_MISUSE);
        assert_int_equal(pagetable_mapped(table), 0);
        assert_int_equal(pagetable_frames(table), 1);
    }
    close_table(&f, table);
    teardown(&f);
}

static void test_frames_of_all_areas_can_be_mapped(void **state)
{
    struct pagetable *table;
    struct fixture f;
    struct mmu_entry entry;
    uint8_t *last;

    (void)state;
    setup(&f);
    table = open_table(&f, BASE, 16 * PAGE);
    last = f.memory + 3 * MEMORY - 2 * FRAME_SIZE;
    assert_int_equal(pagetable_map(table, BASE, last, 2, BOTH, 0), COFFER_OK);
    assert_int_equal(
        pagetable_map(table, BASE + 2 * PAGE, f.memory + MEMORY - FRAME_SIZE, 1, BOTH, 0),
        COFFER_OK);
    assert_true(pagetable_query(table, BASE, &entry));
    assert_ptr_equal(entry.frame, last);
    assert_true(pagetable_query(table, BASE + PAGE, &entry));
    assert_ptr_equal(entry.frame, last + FRAME_SIZE);
    assert_true(pagetable_query(table, BASE + 2 * PAGE, &entry));
    assert_ptr_equal(entry.frame, f.memory + MEMORY - FRAME_SIZE);
    close_table(&f, table);
    teardown(&f);
}

static bool count_page(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    (void)address;
    must(entry->frame != NULL);
    ++*(unsigned *)context;
    return true;
}

/* What lies in the range is done, whatever is asked for beside it. */
static void test_ranges_are_clipped(void **state)
{
    const size_t pages = 1500;
    static const struct {
        long before; /* pages, from the base to the range */
        size_t count;
        unsigned expected; /* of the pages 0, 700 and 1499 */
    } cases[] = {
        {-5, 5, 0},   {-5, 6, 1},   {-5, 705, 1},        {-5, 706, 2},     {-5, SIZE_MAX, 3},
        {0, 0, 0},    {0, 1500, 3}, {0, SIZE_MAX, 3},    {1, SIZE_MAX, 2}, {1499, 1, 1},
        {1499, 7, 1}, {1500, 1, 0}, {1500, SIZE_MAX, 0}, {9999, 1, 0},
    };
    struct fixture f;

    (void)state;
    setup(&f);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pagetable *table = open_table(&f, BASE, pages * PAGE);
        uintptr_t start = BASE + (uintptr_t)cases[i].before * PAGE;
        unsigned visits = 0;
        unsigned changed = 0;

        map(&f, table, BASE, 1);
        map(&f, table, BASE + 700 * PAGE, 1);
        map(&f, table, BASE + 1499 * PAGE, 1);
        pagetable_walk(table, start, cases[i].count, count_page, &visits);
        assert_int_equal(visits, cases[i].expected);
        pagetable_protect(table, start, cases[i].count, COFFER_READ);
        for (unsigned k = 0; k < 3; k++) {
            struct mmu_entry entry;

            assert_true(
                pagetable_query(table, BASE + (uintptr_t[]){0, 700, 1499}[k] * PAGE, &entry));
            changed += entry.rights == COFFER_READ;
        }
        assert_int_equal(changed, cases[i].expected);
        assert_int_equal(pagetable_unmap(table, start, cases[i].count), 0);
        assert_int_equal(pagetable_mapped(table), 3 - cases[i].expected);
        close_table(&f, table);
    }
    teardown(&f);
}

static void test_addresses_outside_are_not_mapped(void **state)
{
    static const uintptr_t outside[] = {0, BASE - 1, BASE + 100 * PAGE, UINTPTR_MAX};
    struct pagetable *table;
    struct mmu_entry entry;
    struct fixture f;

    (void)state;
    setup(&f);
    table = open_table(&f, BASE, 100 * PAGE);
    map(&f, table, BASE, 8);
    map(&f, table, BASE + 92 * PAGE, 8);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(pagetable_query(table, outside[i], &entry));
        pagetable_mark(table, outside[i], BITS);
        assert_int_equal(pagetable_harvest(table, outside[i], BITS), 0);
    }
    assert_int_equal(pagetable_unmap(table, BASE, 100), 0); /* no bit was set anywhere */
    close_table(&f, table);
    teardown(&f);
}

/* Each entry of each table below the topmost is taken away once, and each count made wrong. */
static void test_check_finds_damage(void **state)
{
    const uint64_t one_used = (uint64_t)1 << 16;
    struct pagetable *table;
    struct fixture f;
    unsigned pages = 0;
    unsigned tables = 0;

    (void)state;
    setup(&f);
    table = open_table(&f, BASE, (size_t)1 << 40);
    map(&f, table, BASE + 510 * PAGE, 8);
    map(&f, table, BASE + ((uintptr_t)1 << 39), 3);
    assert_int_equal(pagetable_frames(table), 1 + 2 + 2 + 3);

    for (size_t at = 0; at < MEMORY; at += FRAME_SIZE) {
        uint64_t *entries = (uint64_t *)(void *)(f.memory + at);
        struct frame_info info = frames_query(f.host.frames, entries);

        if (info.owner.index != f.host.tables.index || (void *)entries == (void *)table)
            continue;
        for (unsigned i = 0; i < 512; i++) {
            uint64_t saved = entries[i];

            if (saved == 0)
                continue;
            entries[i] = 0;
            assert_false(pagetable_is_valid(table));
            entries[i] = saved;
            if (saved % ((uint64_t)1 << 32) < one_used) {
                pages++;
                continue;
            }
            tables++;
            entries[i] = saved + one_used;
            assert_false(pagetable_is_valid(table));
            entries[i] = saved - one_used;
            assert_false(pagetable_is_valid(table));
            entries[i] = saved;
        }
    }
    assert_int_equal(pages, 11);
    assert_int_equal(tables, 2 + 3);
    assert_true(pagetable_is_valid(table));
    close_table(&f, table);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tree_is_as_high_as_its_size_asks_for),
        cmocka_unit_test(test_the_topmost_table_ends_with_its_frame),
        cmocka_unit_test(test_ranges_that_are_none_are_refused),
        cmocka_unit_test(test_wrong_maps_are_refused),
        cmocka_unit_test(test_frames_of_all_areas_can_be_mapped),
        cmocka_unit_test(test_ranges_are_clipped),
        cmocka_unit_test(test_addresses_outside_are_not_mapped),
        cmocka_unit_test(test_check_finds_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
