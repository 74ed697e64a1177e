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

/* Refuse the n-th frame for a page table, until none is asked for any more. */
static void map_with_refusals(struct bench *bench, struct mmu_table *table, uintptr_t address,
                              void *run, size_t count)
{
    size_t frames = bench->mmu->table_frames(table);
    size_t taken = bench->host.table_frames; /* by other tables, too */
    enum coffer_status status;

    bench_list(bench, table, &before);
    for (size_t granted = 0;; granted++) {
        assert_true(granted < 100);
        bench->host.grant = granted;
        status = bench->mmu->map(table, address, run, count, BOTH, MMU_REFERENCED);
        bench->host.grant = MMU_HOST_NEVER;
        if (status == COFFER_OK)
            break;
        assert_int_equal(status, COFFER_NO_MEMORY);
        bench_list(bench, table, &after);
        assert_true(listings_are_equal(&before, &after));
        assert_int_equal(bench->mmu->table_frames(table), frames);
        assert_int_equal(bench->host.table_frames, taken);
    }
    bench_list(bench, table, &after);
    assert_int_equal(after.count, before.count + count);
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
        map_with_refusals(&bench, table, base + cases[i].page * PAGE, run, cases[i].count);
        bench_drop(&bench, table);

        /* The same beside a page that is there already: its tables stay. */
        table = bench_table(&bench, 0, SPACE, &base);
        bench_map(&bench, table, base + (cases[i].page + cases[i].count) * PAGE, run, 1, READ);
        map_with_refusals(&bench, table, base + cases[i].page * PAGE, run, cases[i].count);
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

struct stop {
    unsigned visits;
    unsigned limit;
};

static bool stop_after(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    struct stop *stop = context;

    (void)address;
    (void)entry;
    return ++stop->visits < stop->limit;
}

static void test_walk_is_in_order_and_can_be_stopped(void **state)
{
    static const uintptr_t pages[] = {3, 511, 512, 1023, 262143, 262144, 700000, 1000000};
    static const unsigned order[] = {5, 2, 7, 0, 6, 1, 4, 3};
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 8);
    table = bench_table(&bench, 0, SPACE, &base);
    for (unsigned i = 0; i < 8; i++) {
        bench_map(&bench, table, base + pages[order[i]] * PAGE, run + order[i] * FRAME_SIZE, 1,
                  READ);
    }
    bench_list(&bench, table, &after);
    assert_int_equal(after.count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(after.pages[i].address, base + pages[i] * PAGE);
        assert_ptr_equal(after.pages[i].entry.frame, run + i * FRAME_SIZE);
    }
    for (unsigned limit = 1; limit <= 10; limit++) {
        struct stop stop = {0, limit};

        bench.mmu->walk(table, base, SPACE / PAGE, stop_after, &stop);
        assert_int_equal(stop.visits, limit < 8 ? limit : 8);
    }
    /* Of a part, only what is in it. */
    for (unsigned from = 0; from < 8; from++) {
        for (unsigned to = from; to < 8; to++) {
            uintptr_t start = base + pages[from] * PAGE;
            size_t count = pages[to] - pages[from];
            struct stop stop = {0, 100};

            bench.mmu->walk(table, start, count, stop_after, &stop);
            assert_int_equal(stop.visits, to - from);
            bench.mmu->walk(table, start + PAGE, count, stop_after, &stop);
            assert_int_equal(stop.visits, 2 * (to - from));
            bench.mmu->walk(table, start, count + 1, stop_after, &stop);
            assert_int_equal(stop.visits, 3 * (to - from) + 1);
        }
    }
    bench_drop(&bench, table);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_destroy_takes_whatever_is_mapped(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    uintptr_t base;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 1100);
    table = bench_table(&bench, 0, SPACE, &base);
    bench_map(&bench, table, base + 7 * PAGE, run, 1100, BOTH);
    for (unsigned i = 1; i < 10; i++)
        bench_map(&bench, table, base + i * 100000 * PAGE, run, 1, READ);
    bench_drop(&bench, table);
    assert_int_equal(bench.host.table_frames, 0);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void test_tables_are_apart(void **state)
{
    struct mmu_table *tables[4];
    uintptr_t bases[4];
    struct bench bench;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 4);
    for (unsigned i = 0; i < 4; i++)
        tables[i] = bench_table(&bench, 0, 1024 * PAGE, &bases[i]);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; bench.mmu->has_pointers && k < i; k++)
            assert_true(bases[i] + 1024 * PAGE <= bases[k] || bases[k] + 1024 * PAGE <= bases[i]);
        /* One frame may be in several of them, a page in each leads to its own. */
        bench_map(&bench, tables[i], bases[i], run + i * FRAME_SIZE, 1, i % 2 == 0 ? READ : BOTH);
        bench_map(&bench, tables[i], bases[i] + 600 * PAGE, run, 1, READ);
    }
    bench.mmu->mark(tables[1], bases[1] + 600 * PAGE, MMU_DIRTY);
    bench.mmu->protect(tables[2], bases[2], 1024, 0);
    bench.mmu->unmap(tables[3], bases[3], 1);
    for (unsigned i = 0; i < 4; i++) {
        struct mmu_entry entry;

        assert_int_equal(bench.mmu->query(tables[i], bases[i], &entry), i != 3);
        if (i != 3) {
            assert_ptr_equal(entry.frame, run + i * FRAME_SIZE);
            assert_int_equal(entry.rights, i == 2 ? 0 : i == 0 ? READ : BOTH);
        }
        assert_true(bench.mmu->query(tables[i], bases[i] + 600 * PAGE, &entry));
        assert_ptr_equal(entry.frame, run);
        assert_int_equal(entry.bits, i == 1 ? MMU_DIRTY : 0);
    }
    /* In any order. */
    bench_drop(&bench, tables[1]);
    bench_drop(&bench, tables[3]);
    bench_list(&bench, tables[0], &after);
    assert_int_equal(after.count, 2);
    bench_drop(&bench, tables[0]);
    bench_drop(&bench, tables[2]);
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

/* Where addresses are only numbers every one of them will do, also for several tables. */
static void test_any_address_without_pointers(void **state)
{
    static const struct {
        uintptr_t base;
        size_t size;
    } places[] = {
        {PAGE, 10 * PAGE},
        {0 - 10 * PAGE, 10 * PAGE}, /* up to the last byte there is */
        {(uintptr_t)1 << 47, (size_t)1 << 46},
        {PAGE, SIZE_MAX / PAGE * PAGE}, /* and all of them */
    };
    struct bench bench;
    uint8_t *run;

    (void)state;
    bench_open(&bench);
    run = mmu_host_take(&bench.host, 2);
    for (unsigned i = 0; !bench.mmu->has_pointers && i < 4; i++) {
        uintptr_t base = places[i].base;
        uintptr_t last = base + places[i].size - PAGE;
        struct mmu_table *a = bench_table(&bench, base, places[i].size, &base);
        struct mmu_table *b = bench_table(&bench, base, places[i].size, &base);
        struct mmu_entry entry;

        map_with_refusals(&bench, a, last, run, 1);
        bench_map(&bench, a, base, run, 1, READ);
        bench_map(&bench, b, last, run + FRAME_SIZE, 1, BOTH);
        assert_true(bench.mmu->query(a, last, &entry));
        assert_ptr_equal(entry.frame, run);
        assert_true(bench.mmu->query(b, last + PAGE - 1, &entry));
        assert_ptr_equal(entry.frame, run + FRAME_SIZE);
        assert_false(bench.mmu->query(b, base, &entry));
        bench_list(&bench, a, &after);
        assert_int_equal(after.count, 2);
        assert_int_equal(after.pages[0].address, base);
        assert_int_equal(after.pages[1].address, last);
        bench.mmu->unmap(a, base, places[i].size / PAGE);
        bench_list(&bench, a, &after);
        assert_int_equal(after.count, 0);
        bench_drop(&bench, a);
        bench_drop(&bench, b);
    }
    mmu_host_give(&bench.host, run);
    bench_close(&bench);
}

static void add_one(void *argument)
{
    (*(unsigned *)argument)++;
}

static void test_enter_calls_the_body_once(void **state)
{
    struct mmu_table *table;
    struct bench bench;
    unsigned calls = 0;
    uintptr_t base;

    (void)state;
    bench_open(&bench);
    table = bench_table(&bench, 0, 16 * PAGE, &base);
    assert_int_equal(bench.mmu->enter(table, add_one, &calls), COFFER_OK);
    assert_int_equal(calls, 1);
    bench_drop(&bench, table);
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
        cmocka_unit_test(test_walk_is_in_order_and_can_be_stopped),
        cmocka_unit_test(test_destroy_takes_whatever_is_mapped),
        cmocka_unit_test(test_tables_are_apart),
        cmocka_unit_test(test_any_address_without_pointers),
        cmocka_unit_test(test_enter_calls_the_body_once),
    };

    return bench_run(tests, false);
}
