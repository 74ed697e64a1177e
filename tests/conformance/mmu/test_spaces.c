/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: whole tables of every MMU (memory/space/mmu.h): walks, several of them, where they
 * lie, and what becomes of them.
 */
#include "bench.h"

#define SPACE ((size_t)4 << 30)

static struct listing after;

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

        bench_map_with_refusals(&bench, a, last, run, 1);
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
        cmocka_unit_test(test_walk_is_in_order_and_can_be_stopped),
        cmocka_unit_test(test_destroy_takes_whatever_is_mapped),
        cmocka_unit_test(test_tables_are_apart),
        cmocka_unit_test(test_any_address_without_pointers),
        cmocka_unit_test(test_enter_calls_the_body_once),
    };

    return bench_run(tests, false);
}
