/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

#include <stdio.h>

#include "support/must.h"

const struct candidate *candidate;

void bench_open(struct bench *bench)
{
    struct memory_area area;

    memset(bench, 0, sizeof(*bench));
    bench->candidate = candidate;
    bench->machine = candidate->make(BENCH_MEMORY, &area);
    bench->mmu = candidate->operations(bench->machine);
    mmu_host_open(&bench->host, &area, 1);
}

void bench_close(struct bench *bench)
{
    mmu_host_close(&bench->host);
    bench->candidate->unmake(bench->machine);
}

/* The place of a table among those that there are; NULL: a free one. */
static size_t place_of(const struct bench *bench, const struct mmu_table *table)
{
    size_t i = 0;

    while (bench->tables[i].table != table)
        must(++i < BENCH_TABLES);
    return i;
}

struct mmu_table *bench_table(struct bench *bench, uintptr_t base, size_t size, uintptr_t *start)
{
    const struct mmu_table_settings settings = {
        .host = &bench->host.host,
        .cookie = bench,
        .owner = bench->host.tables,
        .base = base,
        .size = size,
    };
    size_t place = place_of(bench, NULL);
    struct mmu_table *table;

    must(bench->mmu->create(bench->mmu->context, &settings, start, &table) == COFFER_OK);
    must(*start % PAGE == 0 && (base == 0 || *start == base));
    bench->tables[place].table = table;
    bench->tables[place].base = *start;
    bench->tables[place].size = size;
    return table;
}

void bench_drop(struct bench *bench, struct mmu_table *table)
{
    must(bench->candidate->is_valid == NULL || bench->candidate->is_valid(table));
    bench->tables[place_of(bench, table)].table = NULL;
    bench->mmu->destroy(table);
}

void bench_map(struct bench *bench, struct mmu_table *table, uintptr_t address, void *frame,
               size_t count, unsigned rights)
{
    must(bench->mmu->map(table, address, frame, count, rights, 0) == COFFER_OK);
}

static bool list_page(void *context, uintptr_t address, const struct mmu_entry *entry)
{
    struct listing *listing = context;

    must(listing->count < BENCH_PAGES);
    must(listing->count == 0 || listing->pages[listing->count - 1].address < address);
    listing->pages[listing->count].address = address;
    listing->pages[listing->count++].entry = *entry;
    return true;
}

static bool entries_are_equal(const struct mmu_entry *a, const struct mmu_entry *b)
{
    return a->frame == b->frame && a->rights == b->rights && a->bits == b->bits;
}

void bench_list(struct bench *bench, struct mmu_table *table, struct listing *out)
{
    size_t place = place_of(bench, table);

    must(bench->candidate->is_valid == NULL || bench->candidate->is_valid(table));
    out->count = 0;
    bench->mmu->walk(table, bench->tables[place].base, bench->tables[place].size / PAGE, list_page,
                     out);
    for (size_t i = 0; i < out->count; i++) {
        struct mmu_entry entry;

        must(bench->mmu->query(table, out->pages[i].address, &entry));
        must(entries_are_equal(&entry, &out->pages[i].entry));
    }
}

bool listings_are_equal(const struct listing *a, const struct listing *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->pages[i].address != b->pages[i].address ||
            !entries_are_equal(&a->pages[i].entry, &b->pages[i].entry))
            return false;
    }
    return true;
}

void bench_map_with_refusals(struct bench *bench, struct mmu_table *table, uintptr_t address,
                             void *run, size_t count)
{
    static struct listing before;
    static struct listing after;
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

static bool has_pointers(const struct candidate *which)
{
    struct memory_area area;
    void *machine = which->make(BENCH_MEMORY, &area);
    bool pointers = which->operations(machine)->has_pointers;

    which->unmake(machine);
    return pointers;
}

int bench_run_group(const struct CMUnitTest *tests, size_t count, bool pointers_only)
{
    int failures = 0;

    for (size_t i = 0; i < candidate_count; i++) {
        candidate = &candidates[i];
        if (pointers_only && !has_pointers(candidate))
            continue;
        failures += _cmocka_run_group_tests(candidate->name, tests, count, NULL, NULL);
    }
    return failures;
}
