/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: random calls on several tables, against a plain array of entries each. Now and then
 * page-table frames are refused. What a table knows is compared with its array in full every so
 * often, and when it is destroyed.
 */
#include "bench.h"

#include "support/random.h"

#define SPACE      ((size_t)4 << 30)
#define TABLES     3u
#define WINDOWS    4u
#define WINDOW     700u /* pages */
#define PAGES      (WINDOWS * WINDOW)
#define RUN_FRAMES 1024u
#define BITS       (MMU_REFERENCED | MMU_DIRTY)

/* Pages of a space that are used: at its ends, and across the ends of tables of both heights. */
static const uintptr_t window_page[WINDOWS] = {0, 512 * 512 - 350, 512 * 900 + 7,
                                               SPACE / PAGE - WINDOW};

struct known {
    struct mmu_table *table; /* NULL: there is none */
    uintptr_t base;
    struct mmu_entry entries[PAGES]; /* frame NULL: not mapped */
    size_t mapped;
};

struct model {
    struct bench bench;
    struct random random;
    uint8_t *run;
    struct known tables[TABLES];
    unsigned refusals, conflicts, maps;
};

static unsigned draw(struct model *m, unsigned bound)
{
    return (unsigned)random_below(&m->random, bound);
}

static uintptr_t address_of(const struct known *known, unsigned page)
{
    return known->base + (window_page[page / WINDOW] + page % WINDOW) * PAGE;
}

/* Some pages of one window: [from, from + count). */
static unsigned draw_pages(struct model *m, unsigned *from)
{
    unsigned rest;

    *from = draw(m, PAGES);
    rest = WINDOW - *from % WINDOW;
    rest = draw(m, 8) == 0 ? rest : rest < 20 ? rest : 20;
    return 1 + draw(m, rest);
}

static unsigned draw_rights(struct model *m)
{
    static const unsigned rights[] = {0, READ, BOTH, READ | COFFER_EXECUTE};

    return rights[draw(m, 4)];
}

static void do_map(struct model *m, struct known *known)
{
    unsigned from;
    unsigned count = draw_pages(m, &from);
    uint8_t *frame = m->run + draw(m, RUN_FRAMES - count + 1) * (size_t)FRAME_SIZE;
    unsigned rights = draw_rights(m);
    unsigned bits = draw(m, 4);
    size_t frames = m->bench.mmu->table_frames(known->table);
    bool conflict = false;
    enum coffer_status status;

    for (unsigned i = 0; i < count; i++)
        conflict = conflict || known->entries[from + i].frame != NULL;
    m->bench.host.grant = draw(m, 4) == 0 ? draw(m, 3) : MMU_HOST_NEVER;
    status = m->bench.mmu->map(known->table, address_of(known, from), frame, count, rights, bits);
    if (conflict) {
        assert_int_equal(status, COFFER_EXISTS);
        m->conflicts++;
    } else if (status == COFFER_NO_MEMORY) {
        assert_int_equal(m->bench.host.grant, 0);
        assert_int_equal(m->bench.mmu->table_frames(known->table), frames);
        m->refusals++;
    } else {
        assert_int_equal(status, COFFER_OK);
        m->maps++;
        known->mapped += count;
        for (unsigned i = 0; i < count; i++)
            known->entries[from + i] = (struct mmu_entry){frame + i * (size_t)FRAME_SIZE, rights,
                                                          bits};
    }
    m->bench.host.grant = MMU_HOST_NEVER;
}

static void do_unmap(struct model *m, struct known *known)
{
    unsigned from;
    unsigned count = draw_pages(m, &from);
    uintptr_t address = address_of(known, from);
    size_t page_count = count;
    unsigned bits = 0;

    if (draw(m, 200) == 0) { /* all of it, with all that lies in between */
        from = 0;
        count = PAGES;
        address = known->base;
        page_count = SPACE / PAGE;
    }
    for (unsigned i = from; i < from + count; i++) {
        bits |= known->entries[i].bits;
        known->mapped -= known->entries[i].frame != NULL;
        known->entries[i] = (struct mmu_entry){0};
    }
    assert_int_equal(m->bench.mmu->unmap(known->table, address, page_count), bits);
}

static void do_protect(struct model *m, struct known *known)
{
    unsigned from;
    unsigned count = draw_pages(m, &from);
    unsigned rights = draw_rights(m);

    m->bench.mmu->protect(known->table, address_of(known, from), count, rights);
    for (unsigned i = from; i < from + count; i++) {
        if (known->entries[i].frame != NULL)
            known->entries[i].rights = rights;
    }
}

static void do_one_page(struct model *m, struct known *known)
{
    unsigned page = draw(m, PAGES);
    uintptr_t address = address_of(known, page);
    struct mmu_entry *expected = &known->entries[page];
    struct mmu_entry entry = {0};
    unsigned bits = draw(m, 4);

    switch (draw(m, 3)) {
    case 0:
        m->bench.mmu->mark(known->table, address, bits);
        if (expected->frame != NULL)
            expected->bits |= bits;
        break;
    case 1:
        assert_int_equal(m->bench.mmu->harvest(known->table, address, bits), expected->bits);
        expected->bits &= ~bits;
        break;
    default:
        assert_int_equal(
            m->bench.mmu->query(known->table, address + draw(m, (unsigned)PAGE), &entry),
            expected->frame != NULL);
        assert_ptr_equal(entry.frame, expected->frame);
        assert_int_equal(entry.rights, expected->rights);
        assert_int_equal(entry.bits, expected->bits);
        break;
    }
}

static void check(struct model *m, struct known *known)
{
    static struct listing listing;
    size_t listed = 0;

    bench_list(&m->bench, known->table, &listing);
    assert_int_equal(listing.count, known->mapped);
    for (unsigned page = 0; page < PAGES; page++) {
        const struct mmu_entry *expected = &known->entries[page];
        const struct listed *found = &listing.pages[listed];

        if (expected->frame == NULL)
            continue;
        listed++;
        assert_int_equal(found->address, address_of(known, page));
        assert_ptr_equal(found->entry.frame, expected->frame);
        assert_int_equal(found->entry.rights, expected->rights);
        assert_int_equal(found->entry.bits, expected->bits);
    }
    assert_int_equal(listed, listing.count);
}

static void make_table(struct model *m, struct known *known)
{
    memset(known, 0, sizeof(*known));
    known->table = bench_table(&m->bench, 0, SPACE, &known->base);
}

static void drop_table(struct model *m, struct known *known)
{
    check(m, known);
    bench_drop(&m->bench, known->table);
    known->table = NULL;
}

static void test_agrees_with_an_array(void **state)
{
    static struct model m;
    unsigned rounds;

    (void)state;
    memset(&m, 0, sizeof(m));
    random_init(&m.random, "mmu");
    bench_open(&m.bench);
    rounds = getenv("COFFER_DEEP") != NULL ? 3000000 : 60000;
    if (m.bench.mmu->has_pointers)
        rounds /= 20; /* a machine's calls cost more */
    m.run = mmu_host_take(&m.bench.host, RUN_FRAMES);

    for (unsigned i = 0; i < rounds; i++) {
        struct known *known = &m.tables[draw(&m, TABLES)];

        if (known->table == NULL) {
            make_table(&m, known);
            continue;
        }
        switch (draw(&m, 10)) {
        case 0:
        case 1:
        case 2:
            do_map(&m, known);
            break;
        case 3:
        case 4:
            do_unmap(&m, known);
            break;
        case 5:
            do_protect(&m, known);
            break;
        default:
            do_one_page(&m, known);
            break;
        }
        if (i % 200 == 0)
            check(&m, known);
        if (draw(&m, 2000) == 0)
            drop_table(&m, known);
    }
    for (unsigned i = 0; i < TABLES; i++) {
        if (m.tables[i].table != NULL)
            drop_table(&m, &m.tables[i]);
    }
    assert_true(m.maps > 200 && m.conflicts > 20 && m.refusals > 10);
    assert_int_equal(m.bench.host.table_frames, 0);
    mmu_host_give(&m.bench.host, m.run);
    bench_close(&m.bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_an_array),
    };

    return bench_run(tests, false);
}
