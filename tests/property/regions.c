/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions against a map with one entry a page: random inserts, removals, cuts, mergers and changes
 * of size, and searches for gaps, each compared with looking at every page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coffer/space.h"
#include "memory/space/regions.h"
#include "support/random.h"

#define PAGE      ((uintptr_t)COFFER_PAGE_SIZE)
#define PAGES_MAX 400u
#define NODES     256u

/* What the model knows of a page. */
struct page {
    uint8_t region; /* number of the node and one; 0: free */
    unsigned rights;
    uint64_t first; /* page of the object */
};

struct model {
    struct regions regions;
    uintptr_t base;
    unsigned page_count;
    struct page pages[PAGES_MAX];
    struct region nodes[NODES];
    bool used[NODES];
    struct random random;
    unsigned merges, splits, gaps, no_gaps; /* that all of it happens is checked */
};

static struct object *const the_object = (struct object *)(uintptr_t)0x1000;

static unsigned draw(struct model *m, unsigned bound)
{
    return (unsigned)random_below(&m->random, bound);
}

static uintptr_t at(const struct model *m, unsigned page)
{
    return m->base + page * PAGE;
}

static unsigned page_at(const struct model *m, uintptr_t address)
{
    return (unsigned)((address - m->base) / PAGE);
}

/* A node that is in no tree; NULL: all are. */
static struct region *unused_node(struct model *m)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (!m->used[i]) {
            m->used[i] = true;
            return &m->nodes[i];
        }
    }
    return NULL;
}

static void let_go(struct model *m, const struct region *region)
{
    m->used[region - m->nodes] = false;
}

static void paint(struct model *m, const struct region *region)
{
    for (unsigned page = page_at(m, region->start); page < page_at(m, region->end); page++) {
        m->pages[page].region = (uint8_t)(region - m->nodes + 1);
        m->pages[page].rights = region->rights;
        m->pages[page].first = region->first + page - page_at(m, region->start);
    }
}

static void erase(struct model *m, unsigned from, unsigned to)
{
    for (unsigned page = from; page < to; page++)
        m->pages[page] = (struct page){0};
}

/* What is behind a page, as far as it is free. */
static unsigned free_behind(const struct model *m, unsigned page)
{
    while (page < m->page_count && m->pages[page].region == 0)
        page++;
    return page;
}

static void merge_around(struct model *m, struct region *region)
{
    struct rbnode *node = rbtree_previous(&region->node);
    struct region *before = node == NULL ? NULL : rbtree_entry(node, struct region, node);
    struct region *next = regions_next(region);

    if (next != NULL && regions_can_merge(region, next)) {
        regions_merge(&m->regions, region, next);
        let_go(m, next);
        paint(m, region);
        m->merges++;
    }
    if (before != NULL && regions_can_merge(before, region)) {
        regions_merge(&m->regions, before, region);
        let_go(m, region);
        paint(m, before);
        m->merges++;
    }
}

static void do_insert(struct model *m)
{
    unsigned from = draw(m, m->page_count);
    unsigned room = free_behind(m, from) - from;
    struct region *region;

    if (room == 0 || (region = unused_node(m)) == NULL)
        return;
    /* Many follow on one another, so that they can merge. */
    *region = (struct region){
        .start = at(m, from),
        .end = at(m, from + 1 + draw(m, room < 20 ? room : 20)),
        .rights = draw(m, 2) + 1,
        .object = the_object,
        .first = draw(m, 4) == 0 ? 100000 + draw(m, 1000) : 1000 + from,
    };
    list_init(&region->of_object);
    regions_insert(&m->regions, region);
    paint(m, region);
    merge_around(m, region);
}

/* A region at random; NULL: there is none. */
static struct region *any_region(struct model *m)
{
    struct region *region = regions_at_or_after(&m->regions, at(m, draw(m, m->page_count)));

    return region != NULL ? region : regions_at_or_after(&m->regions, 0);
}

static void do_remove(struct model *m)
{
    struct region *region = any_region(m);

    if (region == NULL)
        return;
    regions_remove(&m->regions, region);
    erase(m, page_at(m, region->start), page_at(m, region->end));
    let_go(m, region);
}

/* Cut one in two and give the upper part other rights, or cut a piece out of it. */
static void do_split(struct model *m)
{
    struct region *region = any_region(m);
    struct region *upper;
    unsigned count;
    unsigned cut;

    if (region == NULL || (count = page_at(m, region->end) - page_at(m, region->start)) < 2)
        return;
    if ((upper = unused_node(m)) == NULL)
        return;
    cut = page_at(m, region->start) + 1 + draw(m, count - 1);
    regions_split(&m->regions, region, at(m, cut), upper);
    m->splits++;
    if (draw(m, 2) == 0) {
        upper->rights ^= 3;
        paint(m, upper);
        merge_around(m, upper);
    } else {
        regions_remove(&m->regions, upper);
        erase(m, cut, page_at(m, upper->end));
        let_go(m, upper);
    }
}

/* Does a run of free pages begin here that is long enough, before `high`? */
static bool fits(const struct model *m, unsigned page, unsigned count, unsigned high)
{
    for (unsigned i = 0; i < count; i++) {
        if (page + i >= high || m->pages[page + i].region != 0)
            return false;
    }
    return true;
}

static void do_search(struct model *m)
{
    unsigned low = draw(m, m->page_count);
    unsigned high = low + draw(m, m->page_count - low + 1);
    unsigned count = 1 + draw(m, 1 + draw(m, 30));
    const uint64_t numbers[2] = {random_next(&m->random), random_next(&m->random)};
    uintptr_t window_start = at(m, low);
    uintptr_t window_end = at(m, high);
    uintptr_t start = 1;
    unsigned expected = low;
    bool any;

    if (draw(m, 4) == 0) {
        low = expected = 0;
        high = m->page_count;
        window_start = 0;
        window_end = UINTPTR_MAX;
    }
    while (expected < high && !fits(m, expected, count, high))
        expected++;
    any = expected < high;
    *(any ? &m->gaps : &m->no_gaps) += 1;

    assert_int_equal(regions_find_gap(&m->regions, count * PAGE, window_start, window_end, &start),
                     any);
    assert_int_equal(start, any ? at(m, expected) : 1);
    start = 1;
    assert_int_equal(regions_find_random_gap(&m->regions, count * PAGE, window_start, window_end,
                                             numbers, &start),
                     any);
    if (any) {
        assert_int_equal((start - m->base) % PAGE, 0);
        assert_in_range(page_at(m, start), low, high - 1);
        assert_true(fits(m, page_at(m, start), count, high));
    } else {
        assert_int_equal(start, 1);
    }
}

/* The region that the tree has for a page, against what the model knows of it. */
static void check_page(const struct model *m, unsigned page)
{
    const struct region *region = regions_find(&m->regions, at(m, page) + PAGE / 2);
    const struct page *known = &m->pages[page];

    if (known->region == 0) {
        assert_null(region);
        return;
    }
    assert_ptr_equal(region, &m->nodes[known->region - 1]);
    assert_int_equal(region->rights, known->rights);
    assert_int_equal(region->first + page - page_at(m, region->start), known->first);
}

static void check(const struct model *m, bool thoroughly)
{
    size_t mapped = 0;
    size_t count = 0;

    if (!thoroughly)
        return;
    assert_true(regions_is_valid(&m->regions));
    for (unsigned page = 0; page < m->page_count; page++) {
        check_page(m, page);
        mapped += m->pages[page].region != 0;
        count += m->pages[page].region != 0 &&
                 (page == 0 || m->pages[page].region != m->pages[page - 1].region);
    }
    assert_int_equal(m->regions.mapped, mapped * PAGE);
    assert_int_equal(m->regions.count, count);
}

static void check_range(struct model *m)
{
    unsigned from = draw(m, m->page_count);
    unsigned to = from + draw(m, m->page_count - from < 30 ? m->page_count - from + 1 : 30);
    bool any = false;
    bool all = true;

    for (unsigned page = from; page < to; page++) {
        any = any || m->pages[page].region != 0;
        all = all && m->pages[page].region != 0;
    }
    assert_int_equal(regions_overlap(&m->regions, at(m, from), at(m, to)), any);
    assert_int_equal(regions_cover(&m->regions, at(m, from), at(m, to)), all);
}

static void test_agrees_with_a_map_of_pages(void **state)
{
    unsigned rounds = getenv("COFFER_DEEP") != NULL ? 3000000 : 60000;
    static const unsigned sizes[] = {1, 7, 60, PAGES_MAX};
    static struct model m;

    (void)state;
    for (unsigned world = 0; world < 4; world++) {
        m = (struct model){.base = world == 2 ? 0 : 17 * PAGE, .page_count = sizes[world]};
        if (world == 3)
            m.base = UINTPTR_MAX / PAGE * PAGE - sizes[world] * PAGE; /* the last but one page */
        random_init(&m.random, "regions");
        regions_init(&m.regions, m.base, at(&m, m.page_count));
        for (unsigned i = 0; i < rounds; i++) {
            unsigned choice = draw(&m, 16);
            /* Some times are for filling, some for emptying. */
            unsigned inserts = i / 500 % 3 == 0 ? 7 : 4;

            if (choice < inserts)
                do_insert(&m);
            else if (choice < 7)
                do_remove(&m);
            else if (choice < 9)
                do_split(&m);
            else
                do_search(&m);
            check_range(&m);
            check(&m, i < 2000 || i % 64 == 0);
        }
        while (m.regions.count > 0)
            do_remove(&m);
        check(&m, true);
        assert_null(m.regions.tree.root);
        for (unsigned i = 0; i < NODES; i++)
            assert_false(m.used[i]);
        if (m.page_count >= 60)
            assert_true(m.merges > 100 && m.splits > 100 && m.gaps > 1000 && m.no_gaps > 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_a_map_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
