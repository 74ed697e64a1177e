/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas, tags, and the lists of free blocks.
 *
 * Places and lengths are counted in granules from an area's first block. A block on a list is named
 * by one number, its *link*: the number of its area (from 1) and the cell that it begins in.
 */
#include "memory/heap/extents.h"

#include <string.h>

#include "base/assert.h"
#include "base/bitmap.h"

#define CELL_GRANULES (EXTENTS_SIZE_MIN / EXTENTS_GRANULE)
#define CELL_BITS     20u
#define CELL_MASK     (((uint32_t)1 << CELL_BITS) - 1)
#define GRANULES_MAX  ((uint32_t)1 << 24) /* no area has as many */
#define SPLIT_LOG2    4u

/* A tag's `head`: length << LENGTH_SHIFT | place in the cell << 1 | allocated. */
#define USED         1u
#define LENGTH_SHIFT 5u
#define PLACE_MASK   (LENGTH_MASK & ~USED)
#define LENGTH_MASK  (((uint32_t)1 << LENGTH_SHIFT) - 1)

struct tag {
    uint32_t head;     /* 0: no block begins in this cell */
    uint32_t before;   /* length of the block before if that is free, else 0 */
    uint32_t next;     /* of a free block: its neighbours on the list, 0: none */
    uint32_t previous;
};

struct extents_area {
    uint8_t *base;    /* of the first block */
    uint32_t length;  /* of all blocks */
    uint32_t number;  /* in the table, from 1 */
    struct tag tags[]; /* one a cell, and one for the end: an allocated block of no length */
};

_Static_assert(CELL_GRANULES == 1u << (LENGTH_SHIFT - 1), "a place fits its bits");
_Static_assert(CELL_GRANULES == 1u << SPLIT_LOG2, "the smallest block is of the first class");
_Static_assert((uint64_t)GRANULES_MAX * EXTENTS_GRANULE == EXTENTS_AREA_MAX, "an area's limit");
_Static_assert(GRANULES_MAX / CELL_GRANULES - 1 == CELL_MASK, "a cell fits a link");
_Static_assert(EXTENTS_AREAS_MAX == UINT32_MAX >> CELL_BITS, "an area's number fits a link");

/* --- Tags -------------------------------------------------------------------------------- */

static uint32_t make_head(uint32_t start, uint32_t length, uint32_t used)
{
    return length << LENGTH_SHIFT | start % CELL_GRANULES << 1 | used;
}

static uint32_t length_of(const struct tag *tag)
{
    return tag->head >> LENGTH_SHIFT;
}

static bool is_used(const struct tag *tag)
{
    return (tag->head & USED) != 0;
}

static struct tag *tag_of(struct extents_area *area, uint32_t start)
{
    return &area->tags[start / CELL_GRANULES];
}

static const struct tag *const_tag_of(const struct extents_area *area, uint32_t start)
{
    return &area->tags[start / CELL_GRANULES];
}

/* The place of the allocated block that begins at an address; false when none does (E6). */
static bool find_used(const struct extents_area *area, const void *block, uint32_t *start)
{
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)area->base);
    size_t place = offset / EXTENTS_GRANULE;
    uint32_t head;

    if (offset % EXTENTS_GRANULE != 0 || place >= area->length)
        return false;
    *start = (uint32_t)place;
    head = const_tag_of(area, *start)->head;
    return (head & LENGTH_MASK) == make_head(*start, 0, USED);
}

/* --- Lists ------------------------------------------------------------------------------- */

static struct extents_area *linked_area(const struct extents *extents, uint32_t link)
{
    return extents->areas[(link >> CELL_BITS) - 1];
}

static struct tag *linked_tag(const struct extents *extents, uint32_t link)
{
    return &linked_area(extents, link)->tags[link & CELL_MASK];
}

static uint32_t linked_start(const struct tag *tag, uint32_t link)
{
    return (link & CELL_MASK) * CELL_GRANULES + (tag->head & PLACE_MASK) / 2;
}

static unsigned class_of(uint32_t length)
{
    unsigned shift = bits_log2_down(length) - SPLIT_LOG2;

    return (shift << SPLIT_LOG2) + (length >> shift) - CELL_GRANULES;
}

static void list_add(struct extents *extents, const struct extents_area *area, uint32_t start,
                     struct tag *tag)
{
    unsigned class = class_of(length_of(tag));
    uint32_t link = area->number << CELL_BITS | start / CELL_GRANULES;
    uint32_t first = extents->lists[class];

    tag->next = first;
    tag->previous = 0;
    extents->lists[class] = link;
    extents->free_count++;
    if (first != 0) {
        linked_tag(extents, first)->previous = link;
        return;
    }
    extents->filled[class / 64] |= (uint64_t)1 << class % 64;
    extents->words |= (uint64_t)1 << class / 64;
}

static void list_remove(struct extents *extents, const struct tag *tag)
{
    unsigned class;

    extents->free_count--;
    if (tag->next != 0)
        linked_tag(extents, tag->next)->previous = tag->previous;
    if (tag->previous != 0) {
        linked_tag(extents, tag->previous)->next = tag->next;
        return;
    }
    class = class_of(length_of(tag));
    extents->lists[class] = tag->next;
    if (tag->next != 0)
        return;
    extents->filled[class / 64] &= ~((uint64_t)1 << class % 64);
    if (extents->filled[class / 64] == 0)
        extents->words &= ~((uint64_t)1 << class / 64);
}

/* The first block of the lists from `class` on; 0 when they are empty. */
static uint32_t first_from(const struct extents *extents, unsigned class)
{
    unsigned word = class / 64;
    uint64_t lists = extents->filled[word] & UINT64_MAX << class % 64;
    uint64_t words;

    if (lists == 0) {
        words = extents->words & UINT64_MAX << word << 1;
        if (words == 0)
            return 0;
        word = bits_first(words);
        lists = extents->filled[word];
    }
    return extents->lists[word * 64 + bits_first(lists)];
}

/* A free block of `length` (less than GRANULES_MAX) at least; 0 when none was found. */
static uint32_t find_free(const struct extents *extents, uint32_t length)
{
    unsigned class = class_of(length);
    unsigned shift = class >> SPLIT_LOG2;
    uint32_t link;

    if ((length & (((uint32_t)1 << shift) - 1)) == 0)
        return first_from(extents, class);

    /* Some of the class are large enough, some aren't; all of the next one are. */
    link = extents->lists[class];
    for (unsigned i = 0; link != 0 && i < EXTENTS_LOOK; i++) {
        const struct tag *tag = linked_tag(extents, link);

        if (length_of(tag) >= length)
            return link;
        link = tag->next;
    }
    return first_from(extents, class + 1);
}

/* --- Blocks ------------------------------------------------------------------------------ */

/* Its neighbours are allocated. */
static void put_free(struct extents *extents, struct extents_area *area, uint32_t start,
                     uint32_t length)
{
    struct tag *tag = tag_of(area, start);

    tag->head = make_head(start, length, 0);
    tag->before = 0;
    tag_of(area, start + length)->before = length;
    list_add(extents, area, start, tag);
}

/* Take a free block off its list and blank its tag; how long it was. */
static uint32_t take_free(struct extents *extents, struct tag *tag)
{
    uint32_t length = length_of(tag);

    list_remove(extents, tag);
    tag->head = 0;
    return length;
}

/* Of `total` granules that belong to nobody, the first `length` become an allocated block and the
 * rest a free one if it is long enough; the block's length then. */
static uint32_t put_used(struct extents *extents, struct extents_area *area, uint32_t start,
                         uint32_t length, uint32_t total)
{
    if (total - length >= CELL_GRANULES) {
        put_free(extents, area, start + length, total - length);
    } else {
        length = total;
        tag_of(area, start + length)->before = 0;
    }
    tag_of(area, start)->head = make_head(start, length, USED);
    return length;
}

/* How many granules a block of so many bytes has; 0 when no area holds it. */
static uint32_t length_for(size_t size)
{
    if (size <= EXTENTS_SIZE_MIN)
        return CELL_GRANULES;
    if (size > EXTENTS_AREA_MAX - EXTENTS_GRANULE)
        return 0;
    return (uint32_t)((size + EXTENTS_GRANULE - 1) / EXTENTS_GRANULE);
}

/* How far behind the place `start` an aligned block can begin: there, or so far that a free block
 * finds room before it. `step` (a power of two) is the alignment in granules. */
static uint32_t gap_before(const struct extents_area *area, uint32_t start, uint32_t step)
{
    uintptr_t place = (uintptr_t)area->base / EXTENTS_GRANULE + start;
    uint32_t gap = (uint32_t)(0 - place) & (step - 1);

    while (gap > 0 && gap < CELL_GRANULES)
        gap += step;
    return gap;
}

/* More than every gap_before. */
static uint32_t gap_max(uint32_t step)
{
    return step + CELL_GRANULES - 1;
}

/* A free block for an aligned one: the block for any alignment may do, and one that is longer by
 * the largest gap is sure to. */
static uint32_t find_aligned(const struct extents *extents, uint32_t length, uint32_t step)
{
    uint32_t link = find_free(extents, length);
    const struct tag *tag;

    if (link == 0)
        return 0;
    tag = linked_tag(extents, link);
    if (gap_before(linked_area(extents, link), linked_start(tag, link), step) + length <=
        length_of(tag))
        return link;
    length += gap_max(step);
    return length < GRANULES_MAX ? find_free(extents, length) : 0;
}

static void *carve(struct extents *extents, uint32_t link, uint32_t length, uint32_t step)
{
    struct extents_area *area = linked_area(extents, link);
    struct tag *tag = linked_tag(extents, link);
    uint32_t start = linked_start(tag, link);
    uint32_t total = take_free(extents, tag);

    if (step > 1) {
        uint32_t gap = gap_before(area, start, step);

        if (gap != 0)
            put_free(extents, area, start, gap);
        start += gap;
        total -= gap;
    }
    extents->used_granule_count += put_used(extents, area, start, length, total);
    extents->used_count++;
    return area->base + (size_t)start * EXTENTS_GRANULE;
}

enum coffer_status extents_alloc(struct extents *extents, size_t size, size_t alignment, void **out,
                                 struct extents_area **area)
{
    uint32_t length = length_for(size);
    uint32_t step = 1;
    uint32_t link;

    if (size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    if (length == 0 || alignment > EXTENTS_AREA_MAX)
        return COFFER_NO_MEMORY;

    if (alignment > EXTENTS_GRANULE) {
        step = (uint32_t)(alignment / EXTENTS_GRANULE);
        link = find_aligned(extents, length, step);
    } else {
        link = find_free(extents, length);
    }
    if (link == 0)
        return COFFER_NO_MEMORY;
    *area = linked_area(extents, link);
    *out = carve(extents, link, length, step);
    return COFFER_OK;
}

enum coffer_status extents_free(struct extents *extents, struct extents_area *area, void *block)
{
    uint32_t start;
    uint32_t length;
    struct tag *tag;
    struct tag *behind;

    if (!find_used(area, block, &start))
        return COFFER_MISUSE;

    tag = tag_of(area, start);
    length = length_of(tag);
    extents->used_granule_count -= length;
    extents->used_count--;
    behind = tag_of(area, start + length);
    if (!is_used(behind))
        length += take_free(extents, behind);
    if (tag->before != 0) {
        tag->head = 0;
        start -= tag->before;
        length += take_free(extents, tag_of(area, start));
    }
    put_free(extents, area, start, length);
    return COFFER_OK;
}

enum coffer_status extents_resize(struct extents *extents, struct extents_area *area, void *block,
                                  size_t size)
{
    uint32_t wanted = length_for(size);
    uint32_t start;
    uint32_t length;
    uint32_t total;
    struct tag *behind;

    if (size == 0 || !find_used(area, block, &start))
        return COFFER_MISUSE;
    if (wanted == 0)
        return COFFER_NO_MEMORY;

    length = length_of(tag_of(area, start));
    behind = tag_of(area, start + length);
    total = length + (is_used(behind) ? 0 : length_of(behind));
    if (wanted > total)
        return COFFER_NO_MEMORY;
    if (total != length)
        (void)take_free(extents, behind);
    extents->used_granule_count += put_used(extents, area, start, wanted, total);
    extents->used_granule_count -= length;
    return COFFER_OK;
}

size_t extents_usable_size(const struct extents_area *area, const void *block)
{
    uint32_t start;

    if (!find_used(area, block, &start))
        return 0;
    return (size_t)length_of(const_tag_of(area, start)) * EXTENTS_GRANULE;
}

size_t extents_largest(const struct extents *extents)
{
    uint32_t largest = 0;
    uint32_t link;
    unsigned word;

    if (extents->words == 0)
        return 0;
    /* Of the last class, what a search would look at. */
    word = bits_log2_down(extents->words);
    link = extents->lists[word * 64 + bits_log2_down(extents->filled[word])];
    for (unsigned i = 0; link != 0 && i < EXTENTS_LOOK; i++) {
        const struct tag *tag = linked_tag(extents, link);

        if (length_of(tag) > largest)
            largest = length_of(tag);
        link = tag->next;
    }
    return (size_t)largest * EXTENTS_GRANULE;
}
