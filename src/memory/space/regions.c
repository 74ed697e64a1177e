/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions of a space in a tree by address, which knows the gaps between them. */
#include "memory/space/regions.h"

#include "base/assert.h"
#include "coffer/space.h"

#define RANDOM_TRIES 8u

struct range {
    uintptr_t start;
    uintptr_t end;
};

static struct region *region_of(struct rbnode *node)
{
    return node == NULL ? NULL : rbtree_entry(node, struct region, node);
}

/* --- Gaps -------------------------------------------------------------------------------- */

static uintptr_t gap_max(struct rbnode *node)
{
    return node == NULL ? 0 : region_of(node)->gap_max;
}

static uintptr_t gap_max_below(const struct region *region)
{
    uintptr_t left = gap_max(region->node.child[RB_LEFT]);
    uintptr_t right = gap_max(region->node.child[RB_RIGHT]);
    uintptr_t largest = left > right ? left : right;

    return region->gap > largest ? region->gap : largest;
}

static bool update(struct rbnode *node)
{
    struct region *region = region_of(node);
    uintptr_t before = region->gap_max;

    region->gap_max = gap_max_below(region);
    return region->gap_max != before;
}

/* Where the gap before a region begins. */
static uintptr_t gap_start(const struct regions *regions, const struct region *region)
{
    struct rbnode *before = rbtree_previous(&region->node);

    return before == NULL ? regions->base : region_of(before)->end;
}

/* What lies before a region has changed, or where it begins. */
static void measure_gap(struct regions *regions, struct region *region)
{
    if (region == NULL)
        return;
    region->gap = region->start - gap_start(regions, region);
    rbtree_changed(&regions->tree, &region->node);
}

/* The first region behind `region` with a gap of `size` bytes before it. */
static struct region *next_with_gap(struct region *region, size_t size)
{
    struct rbnode *node = &region->node;

    /* Up, until something to the right has such a gap. */
    while (gap_max(node->child[RB_RIGHT]) < size) {
        const struct rbnode *child;

        do {
            child = node;
            node = node->parent;
            if (node == NULL)
                return NULL;
        } while (node->child[RB_RIGHT] == child);
        if (region_of(node)->gap >= size)
            return region_of(node);
    }

    /* And down to the leftmost one there. */
    node = node->child[RB_RIGHT];
    for (;;) {
        if (gap_max(node->child[RB_LEFT]) >= size)
            node = node->child[RB_LEFT];
        else if (region_of(node)->gap >= size)
            return region_of(node);
        else
            node = node->child[RB_RIGHT];
    }
}

static bool range_holds(const struct range *range, size_t size)
{
    return range->start <= range->end && range->end - range->start >= size;
}

/* The part in [low, high) of the lowest gap in which `size` bytes fit there. */
static bool find_gap(const struct regions *regions, size_t size, uintptr_t low, uintptr_t high,
                     struct range *out)
{
    struct region *at;
    struct rbnode *last;
    struct range gap;

    if (low < regions->base)
        low = regions->base;
    if (high > regions->end)
        high = regions->end;

    /* Only the gap that `low` lies in can begin below it; the tree knows the others' sizes. */
    at = regions_at_or_after(regions, low);
    if (at != NULL) {
        gap = (struct range){low, at->start < high ? at->start : high};
        if (!range_holds(&gap, size)) {
            at = next_with_gap(at, size);
            if (at != NULL)
                gap = (struct range){at->start - at->gap, at->start < high ? at->start : high};
        }
    }
    if (at == NULL) {
        last = rbtree_last(&regions->tree);
        gap = (struct range){last == NULL ? regions->base : region_of(last)->end, high};
        if (gap.start < low)
            gap.start = low;
    }
    if (!range_holds(&gap, size))
        return false;
    *out = gap;
    return true;
}

bool regions_find_gap(const struct regions *regions, size_t size, uintptr_t low, uintptr_t high,
                      uintptr_t *start)
{
    struct range gap;

    assert_debug(size > 0 && size % COFFER_PAGE_SIZE == 0);
    if (!find_gap(regions, size, low, high, &gap))
        return false;
    *start = gap.start;
    return true;
}

/* One of the places for `size` bytes in a range that holds them. */
static uintptr_t choose_place(const struct range *range, size_t size, uint64_t random)
{
    uint64_t places = (range->end - range->start - size) / COFFER_PAGE_SIZE + 1;

    return range->start + (uintptr_t)(random % places) * COFFER_PAGE_SIZE;
}

/* Places anywhere in the window are tried first: one that is free is as likely as any other. When
 * so little is free that none of them is, the next gap behind the last one serves. The numbers
 * random[0] + i * random[1] of the tries are independent of each other, any two of them. */
bool regions_find_random_gap(const struct regions *regions, size_t size, uintptr_t low,
                             uintptr_t high, const uint64_t random[2], uintptr_t *start)
{
    struct range window = {low > regions->base ? low : regions->base,
                           high < regions->end ? high : regions->end};
    uint64_t number = random[0];
    uintptr_t place = window.start;
    struct range gap;

    assert_debug(size > 0 && size % COFFER_PAGE_SIZE == 0);
    if (!range_holds(&window, size))
        return false;
    for (unsigned i = 0; i < RANDOM_TRIES; i++, number += random[1]) {
        place = choose_place(&window, size, number);
        if (!regions_overlap(regions, place, place + size)) {
            *start = place;
            return true;
        }
    }
    if (!find_gap(regions, size, place, window.end, &gap) &&
        !find_gap(regions, size, window.start, window.end, &gap))
        return false;
    *start = choose_place(&gap, size, number);
    return true;
}

/* --- Finding ----------------------------------------------------------------------------- */

void regions_init(struct regions *regions, uintptr_t base, uintptr_t end)
{
    assert_debug(base < end && base % COFFER_PAGE_SIZE == 0 && end % COFFER_PAGE_SIZE == 0);
    *regions = (struct regions){.base = base, .end = end};
    rbtree_init(&regions->tree, update);
}

struct region *regions_at_or_after(const struct regions *regions, uintptr_t address)
{
    struct region *found = NULL;

    for (struct rbnode *node = regions->tree.root; node != NULL;) {
        struct region *region = region_of(node);

        if (region->end > address) {
            found = region;
            if (region->start <= address)
                break;
            node = node->child[RB_LEFT];
        } else {
            node = node->child[RB_RIGHT];
        }
    }
    return found;
}

struct region *regions_find(const struct regions *regions, uintptr_t address)
{
    struct region *region = regions_at_or_after(regions, address);

    return region != NULL && region->start <= address ? region : NULL;
}

struct region *regions_next(const struct region *region)
{
    return region_of(rbtree_next(&region->node));
}

bool regions_overlap(const struct regions *regions, uintptr_t start, uintptr_t end)
{
    const struct region *region = regions_at_or_after(regions, start);

    return region != NULL && region->start < end && start < end;
}

bool regions_cover(const struct regions *regions, uintptr_t start, uintptr_t end)
{
    const struct region *region = regions_at_or_after(regions, start);

    while (start < end) {
        if (region == NULL || region->start > start)
            return false;
        start = region->end;
        region = regions_next(region);
    }
    return true;
}

/* --- Changing ---------------------------------------------------------------------------- */

void regions_insert(struct regions *regions, struct region *region)
{
    uintptr_t free_from = regions->base;
    struct rbnode *parent = NULL;
    struct region *next = NULL;
    enum rbside side = RB_LEFT;

    assert_cheap(region->start < region->end && region->start >= regions->base &&
                 region->end <= regions->end);
    assert_debug(region->start % COFFER_PAGE_SIZE == 0 && region->end % COFFER_PAGE_SIZE == 0);
    for (struct rbnode *node = regions->tree.root; node != NULL; node = node->child[side]) {
        struct region *met = region_of(node);

        assert_cheap(region->end <= met->start || met->end <= region->start);
        parent = node;
        if (region->start < met->start) {
            side = RB_LEFT;
            next = met;
        } else {
            side = RB_RIGHT;
            free_from = met->end;
        }
    }

    region->gap = region->start - free_from;
    rbtree_insert(&regions->tree, parent, side, &region->node);
    measure_gap(regions, next);
    regions->count++;
    regions->mapped += region->end - region->start;
}

void regions_remove(struct regions *regions, struct region *region)
{
    struct region *next = regions_next(region);

    rbtree_erase(&regions->tree, &region->node);
    measure_gap(regions, next);
    regions->count--;
    regions->mapped -= region->end - region->start;
}

/* The page of the object at an address within, or at the end of, a region. */
static uint64_t first_at(const struct region *region, uintptr_t address)
{
    return region->first + (address - region->start) / COFFER_PAGE_SIZE;
}

void regions_split(struct regions *regions, struct region *region, uintptr_t address,
                   struct region *upper)
{
    assert_cheap(region->start < address && address < region->end);
    assert_debug(address % COFFER_PAGE_SIZE == 0);
    *upper = *region;
    list_init(&upper->of_object);
    upper->first = first_at(region, address);
    upper->start = address;
    upper->gap = 0;
    region->end = address;
    rbtree_insert_after(&regions->tree, &region->node, &upper->node);
    regions->count++;
}

bool regions_can_merge(const struct region *lower, const struct region *upper)
{
    return lower->end == upper->start && lower->rights == upper->rights &&
           lower->flags == upper->flags && lower->pins == upper->pins &&
           lower->object == upper->object &&
           (lower->object == NULL || first_at(lower, upper->start) == upper->first);
}

void regions_merge(struct regions *regions, struct region *lower, struct region *upper)
{
    assert_cheap(regions_can_merge(lower, upper));
    rbtree_erase(&regions->tree, &upper->node);
    lower->end = upper->end;
    regions->count--;
}

/* --- Validity ---------------------------------------------------------------------------- */

bool regions_is_valid(const struct regions *regions)
{
    const struct region *before = NULL;
    uintptr_t free_from = regions->base;
    size_t mapped = 0;

    if (!rbtree_is_valid(&regions->tree, regions->count))
        return false;
    for (struct rbnode *node = rbtree_first(&regions->tree); node != NULL;
         node = rbtree_next(node)) {
        const struct region *region = region_of(node);

        if (region->start < free_from || region->start >= region->end || region->end > regions->end)
            return false;
        if (region->start % COFFER_PAGE_SIZE != 0 || region->end % COFFER_PAGE_SIZE != 0)
            return false;
        if (before != NULL && regions_can_merge(before, region))
            return false;
        if (region->gap != region->start - free_from || region->gap_max != gap_max_below(region))
            return false;
        mapped += region->end - region->start;
        free_from = region->end;
        before = region;
    }
    return mapped == regions->mapped;
}
