/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: what every MMU does with its tables (memory/space/mmu.h). No access is made through
 * an address here; test_pointers.c does.
 */
#include "bench.h"

#define SPACE      ((size_t)4 << 30) /* three levels of 512 entries cross in it */
#define TABLE_SPAN ((uintptr_t)512)  /* pages below one lowest table, on every machine we know */

static struct listing before;
static struct listing after;

static uint8_t *frame_at(void *run, size_t index)
{
    return (uint8_t *)run + index * FRAME_SIZE;
}

static void test_a_table_costs_what_it_says_and_gives_it_back(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;

    (void)state;
    bench_open(&bench);
    table = bench_table(&bench, 0, 16 * PAGE, &base);
    assert_int_not_equal(base, 0);
    assert_int_equal(bench.mmu->table_frames(table), bench.host.table_frames);
    assert_int_equal(bench.mmu->soft_faults(table), 0);
    bench_list(&bench, table, &before);
    assert_int_equal(before.count, 0);
    bench_drop(&bench, table);
    assert_int_equal(bench.host.table_frames, 0);
    bench_close(&bench);
}

static void test_create_without_frames_leaves_nothing(void **state)
{
    struct bench bench;
    uintptr_t base = 1;
    size_t granted = 0;
    enum coffer_status status;

    (void)state;
    bench_open(&bench);
    do {
        const struct mmu_table_settings settings = {
            .host = &bench.host.host, .owner = bench.host.tables, .size = SPACE};
        struct mmu_table *table = NULL;

        bench.host.grant = granted++;
        status = bench.mmu->create(bench.mmu->context, &settings, &base, &table);
        if (status == COFFER_OK) {
            bench.mmu->destroy(table);
            break;
        }
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_int_equal(base, 1);
        assert_null(table);
        assert_int_equal(bench.host.table_frames, 0);
    } while (granted < 100);
    assert_int_equal(status, COFFER_OK);
    bench_close(&bench);
}

static void test_pages_lead_to_their_frames(void **state)
{
    static const unsigned rights[] = {0, READ, BOTH, READ | COFFER_EXECUTE};
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 4);
    for (unsigned i = 0; i < 4; i++) {
        struct mmu_entry entry = {0};

        table = bench_table(&bench, 0, SPACE, &base);
        assert_int_equal(bench.mmu->map(table, base + 5 * PAGE, run, 4, rights[i], i), COFFER_OK);
        for (unsigned page = 0; page < 12; page++) {
            bool mapped = page >= 5 && page < 9;

            assert_int_equal(bench.mmu->query(table, base + page * PAGE, &entry), mapped);
            assert_int_equal(bench.mmu->query(table, base + page * PAGE + PAGE - 1, &entry),
                             mapped);
            if (!mapped)
                continue;
            assert_ptr_equal(entry.frame, frame_at(run, page - 5));
            assert_int_equal(entry.rights, rights[i]);
            assert_int_equal(entry.bits, i);
        }
        bench_drop(&bench, table);
    }
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_the_first_and_the_last_page_can_be_mapped(void **state)
{
    static const size_t pages[] = {1, 2, 511, 512, 513, 100000};
    struct bench bench;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 1);
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        struct mmu_entry entry;
        uintptr_t base;
        struct mmu_table *table = bench_table(&bench, 0, pages[i] * PAGE, &base);
        uintptr_t last = base + (pages[i] - 1) * PAGE;

        bench_map(&bench, table, last, run, 1, READ);
        assert_true(bench.mmu->query(table, last, &entry));
        if (last != base) {
            assert_false(bench.mmu->query(table, base, &entry));
            bench_map(&bench, table, base, run, 1, READ);
        }
        assert_int_equal(bench.mmu->unmap(table, base, pages[i]), 0);
        bench_list(&bench, table, &before);
        assert_int_equal(before.count, 0);
        bench_drop(&bench, table);
    }
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_V1_mapping_over_a_mapping_is_refused(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    size_t frames;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 8);
    table = bench_table(&bench, 0, SPACE, &base);
    base += (TABLE_SPAN - 4) * PAGE; /* the ranges lie on both sides of a table's end */
    for (unsigned taken = 0; taken < 8; taken++) {
        bench_map(&bench, table, base + taken * PAGE, run + taken * FRAME_SIZE, 1, BOTH);
        bench.mmu->mark(table, base + taken * PAGE, MMU_DIRTY);
        bench_list(&bench, table, &before);
        frames = bench.mmu->table_frames(table);
        for (unsigned from = 0; from <= taken; from++) {
            for (unsigned to = taken + 1; to <= 8; to++) {
                assert_int_equal(bench.mmu->map(table, base + from * PAGE, run, to - from, READ, 0),
                                 COFFER_EXISTS);
            }
        }
        bench_list(&bench, table, &after);
        assert_true(listings_are_equal(&before, &after));
        assert_int_equal(bench.mmu->table_frames(table), frames);
        assert_int_equal(bench.mmu->unmap(table, base + taken * PAGE, 1), MMU_DIRTY);
    }
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_V2_map_is_all_or_nothing(void **state)
{
    static const struct {
        uintptr_t page;
        size_t count;
    } cases[] = {
        {0, 1},
        {TABLE_SPAN - 3, 6},                       /* two tables */
        {TABLE_SPAN * TABLE_SPAN - 3, 6},          /* two, below different ones */
        {TABLE_SPAN * TABLE_SPAN - 600, 2000},     /* five or six */
        {TABLE_SPAN * TABLE_SPAN * 2 + 100, 1300}, /* above what is mapped already */
    };
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 2000);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        table = bench_table(&bench, 0, SPACE, &base);
        bench_map_with_refusals(&bench, table, base + cases[i].page * PAGE, run, cases[i].count);
        bench_drop(&bench, table);

        /* The same beside a page that is there already: its tables stay. */
        table = bench_table(&bench, 0, SPACE, &base);
        bench_map(&bench, table, base + (cases[i].page + cases[i].count) * PAGE, run, 1, READ);
        bench_map_with_refusals(&bench, table, base + cases[i].page * PAGE, run, cases[i].count);
        bench_drop(&bench, table);
    }
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_V2_only_map_can_fail(void **state)
{
    struct mmu_table *table;
    struct mmu_entry entry;
    struct bench bench;
    uintptr_t base;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 1000);
    table = bench_table(&bench, 0, SPACE, &base);
    bench_map(&bench, table, base + 100 * PAGE, run, 1000, BOTH);

    bench.host.grant = 0;
    bench.mmu->protect(table, base + 300 * PAGE, 400, READ);
    bench.mmu->mark(table, base + 400 * PAGE, MMU_DIRTY);
    assert_int_equal(bench.mmu->harvest(table, base + 400 * PAGE, MMU_DIRTY), MMU_DIRTY);
    for (unsigned page = 0; page < 1200; page++) {
        bool mapped = page >= 100 && page < 1100;

        assert_int_equal(bench.mmu->query(table, base + page * PAGE, &entry), mapped);
        if (mapped)
            assert_int_equal(entry.rights, page >= 300 && page < 700 ? READ : BOTH);
    }
    assert_int_equal(bench.mmu->unmap(table, base + 300 * PAGE, 10), 0);
    /* Their tables are still there: what was mapped a moment ago can be mapped anew. */
    assert_int_equal(bench.mmu->map(table, base + 305 * PAGE, run, 1, READ, 0), COFFER_OK);
    bench.host.grant = MMU_HOST_NEVER;
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_unmap_passes_over_holes(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    size_t empty;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 64);
    table = bench_table(&bench, 0, SPACE, &base);
    empty = bench.mmu->table_frames(table);

    /* Every third page, and some far away. */
    for (unsigned i = 0; i < 60; i++)
        bench_map(&bench, table, base + (490 + 3 * i) * PAGE, run + i * FRAME_SIZE, 1, BOTH);
    for (unsigned i = 60; i < 64; i++)
        bench_map(&bench, table, base + (i - 59) * 200000 * PAGE, run + i * FRAME_SIZE, 1, BOTH);
    bench_list(&bench, table, &before);
    assert_int_equal(before.count, 64);

    /* Nothing in the range; a few; the rest of all. */
    assert_int_equal(bench.mmu->unmap(table, base, 490), 0);
    assert_int_equal(bench.mmu->unmap(table, base + 491 * PAGE, 2), 0);
    bench_list(&bench, table, &after);
    assert_true(listings_are_equal(&before, &after));

    bench.mmu->mark(table, base + (490 + 30) * PAGE, MMU_REFERENCED);
    bench.mmu->mark(table, base + (490 + 33) * PAGE, MMU_DIRTY);
    bench.mmu->mark(table, base + (490 + 36) * PAGE, MMU_DIRTY | MMU_REFERENCED);
    assert_int_equal(bench.mmu->unmap(table, base + (490 + 29) * PAGE, 6),
                     MMU_REFERENCED | MMU_DIRTY);
    bench_list(&bench, table, &after);
    assert_int_equal(after.count, 62);
    for (size_t i = 0; i < after.count; i++) {
        assert_int_not_equal(after.pages[i].address, base + (490 + 30) * PAGE);
        assert_int_not_equal(after.pages[i].address, base + (490 + 33) * PAGE);
    }

    assert_int_equal(bench.mmu->unmap(table, base, SPACE / PAGE), MMU_REFERENCED | MMU_DIRTY);
    bench_list(&bench, table, &after);
    assert_int_equal(after.count, 0);
    assert_int_equal(bench.mmu->table_frames(table), empty);
    assert_int_equal(bench.host.table_frames, empty);
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_a_table_frame_goes_with_its_last_page(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    size_t empty;
    size_t full;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 512);
    table = bench_table(&bench, 0, SPACE, &base);
    empty = bench.mmu->table_frames(table);
    bench_map(&bench, table, base + TABLE_SPAN * PAGE, run, 512, BOTH);
    full = bench.mmu->table_frames(table);
    for (unsigned i = 0; i < 511; i++) {
        bench.mmu->unmap(table, base + (TABLE_SPAN + i * 5 % 512) * PAGE, 1);
        assert_int_equal(bench.mmu->table_frames(table), full);
    }
    bench.mmu->unmap(table, base + (TABLE_SPAN + 511 * 5 % 512) * PAGE, 1);
    assert_int_equal(bench.mmu->table_frames(table), empty);
    assert_int_equal(bench.host.table_frames, empty);
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_protect_changes_what_is_mapped_and_nothing_else(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 20);
    table = bench_table(&bench, 0, SPACE, &base);
    for (unsigned i = 0; i < 20; i++)
        bench_map(&bench, table, base + (500 + 2 * i) * PAGE, run + i * FRAME_SIZE, 1, BOTH);
    bench.mmu->mark(table, base + 510 * PAGE, MMU_REFERENCED);
    bench_list(&bench, table, &before);

    bench.mmu->protect(table, base + 506 * PAGE, 13, READ);
    bench_list(&bench, table, &after);
    for (size_t i = 0; i < after.count; i++) {
        uintptr_t page = (after.pages[i].address - base) / PAGE;

        assert_int_equal(after.pages[i].entry.rights, page >= 506 && page < 519 ? READ : BOTH);
        after.pages[i].entry.rights = BOTH;
    }
    assert_true(listings_are_equal(&before, &after));

    bench.mmu->protect(table, base, SPACE / PAGE, 0);
    bench.mmu->protect(table, base, SPACE / PAGE, BOTH);
    bench_list(&bench, table, &after);
    assert_true(listings_are_equal(&before, &after));
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_bits_are_marked_and_harvested(void **state)
{
    const unsigned all = MMU_REFERENCED | MMU_DIRTY;
    struct mmu_table *table;
    struct mmu_entry entry;
    struct bench bench;
    uintptr_t base;
    void *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 3);
    table = bench_table(&bench, 0, 64 * PAGE, &base);
    bench_map(&bench, table, base + PAGE, run, 3, BOTH);
    for (unsigned set = 0; set <= all; set++) {
        for (unsigned mask = 0; mask <= all; mask++) {
            bench.mmu->harvest(table, base + 2 * PAGE, all);
            bench.mmu->mark(table, base + 2 * PAGE, set);
            assert_true(bench.mmu->query(table, base + 2 * PAGE, &entry));
            assert_int_equal(entry.bits, set);
            assert_int_equal(bench.mmu->harvest(table, base + 2 * PAGE, mask), set);
            assert_int_equal(bench.mmu->harvest(table, base + 2 * PAGE, 0), set & ~mask);
            assert_int_equal(entry.rights, BOTH);
            assert_ptr_equal(entry.frame, frame_at(run, 1));
        }
    }
    assert_int_equal(bench.mmu->harvest(table, base + PAGE, all), 0);
    assert_int_equal(bench.mmu->harvest(table, base + 3 * PAGE, all), 0);

    /* Where nothing is mapped they do nothing. */
    bench.mmu->mark(table, base + 10 * PAGE, all);
    assert_int_equal(bench.mmu->harvest(table, base + 10 * PAGE, all), 0);
    assert_false(bench.mmu->query(table, base + 10 * PAGE, &entry));

    /* A page mapped anew has the bits that it is given, not those of the one before. */
    bench.mmu->mark(table, base + PAGE, all);
    assert_int_equal(bench.mmu->unmap(table, base + PAGE, 1), all);
    bench_map(&bench, table, base + PAGE, run, 1, BOTH);
    assert_int_equal(bench.mmu->harvest(table, base + PAGE, all), 0);
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_costs_what_it_says_and_gives_it_back),
        cmocka_unit_test(test_create_without_frames_leaves_nothing),
        cmocka_unit_test(test_pages_lead_to_their_frames),
        cmocka_unit_test(test_the_first_and_the_last_page_can_be_mapped),
        cmocka_unit_test(test_V1_mapping_over_a_mapping_is_refused),
        cmocka_unit_test(test_V2_map_is_all_or_nothing),
        cmocka_unit_test(test_V2_only_map_can_fail),
        cmocka_unit_test(test_unmap_passes_over_holes),
        cmocka_unit_test(test_a_table_frame_goes_with_its_last_page),
        cmocka_unit_test(test_protect_changes_what_is_mapped_and_nothing_else),
        cmocka_unit_test(test_bits_are_marked_and_harvested),
    };

    return bench_run(tests, false);
}
