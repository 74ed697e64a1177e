/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: areas come and go, and what is in them is told and checked. */
#include "memory/heap/extents.h"

#include <string.h>

#include "memory/heap/extents_tags.h"

void extents_init(struct extents *extents)
{
    memset(extents, 0, sizeof(*extents));
    list_init(&extents->areas);
}

static size_t tags_size(size_t length)
{
    return (length / CELL_GRANULES + 1) * sizeof(struct extents_tag);
}

/* Where the first of `length` granules lies when the area's head is at `head`. */
static uintptr_t base_for(uintptr_t head, size_t length)
{
    uintptr_t tags_end = head + sizeof(struct extents_area) + tags_size(length);

    return (tags_end + EXTENTS_GRANULE - 1) & ~((uintptr_t)EXTENTS_GRANULE - 1);
}

/* Where the head lies in memory at `address`. */
static uintptr_t head_for(uintptr_t address)
{
    return (address + _Alignof(struct extents_area) - 1) &
           ~((uintptr_t) _Alignof(struct extents_area) - 1);
}

/* How many granules there is room for between the head and the end. */
static size_t length_for_area(uintptr_t head, uintptr_t end)
{
    const uint64_t cell_size = EXTENTS_SIZE_MIN + sizeof(struct extents_tag);
    size_t length = end > head ? (size_t)((uint64_t)(end - head) * CELL_GRANULES / cell_size) : 0;

    /* The head and what is rounded up take three granules at most. */
    while (length > 0 && base_for(head, length) + length * EXTENTS_GRANULE > end)
        length--;
    return length;
}

size_t extents_area_size(size_t size, size_t alignment)
{
    size_t length;

    if (size > EXTENTS_SIZE_MAX || alignment > EXTENTS_SIZE_MAX)
        return 0;
    length = length_for(size);
    if (alignment > EXTENTS_GRANULE)
        length += gap_max((uint32_t)(alignment / EXTENTS_GRANULE));
    /* At the worst address the first block lies almost a granule further on. */
    size = sizeof(struct extents_area) + tags_size(length) + EXTENTS_GRANULE - 1 +
           length * EXTENTS_GRANULE;
    return size <= EXTENTS_AREA_MAX ? size : 0;
}

enum coffer_status extents_add_area(struct extents *extents, void *address, size_t size,
                                    struct extents_area **out)
{
    uintptr_t start = (uintptr_t)address;
    uintptr_t head = head_for(start);
    struct extents_area *area;
    size_t length;

    if (address == NULL || size > EXTENTS_AREA_MAX || size > UINTPTR_MAX - start)
        return COFFER_MISUSE;
    length = length_for_area(head, start + size);
    if (length < CELL_GRANULES)
        return COFFER_MISUSE;

    area = (struct extents_area *)(void *)((uint8_t *)address + (head - start));
    area->extents = extents;
    area->base = (uint8_t *)address + (base_for(head, length) - start);
    area->length = (uint32_t)length;
    memset(area->tags, 0, tags_size(length));
    tag_of(area, area->length)->begin = area->length * 2 | USED;
    list_insert_before(&extents->areas, &area->areas);
    extents->granule_count += length;
    *out = area;
    return extents_put_free(extents, area->tags, 0, area->length, tag_of(area, area->length));
}

enum coffer_status extents_remove_area(struct extents *extents, struct extents_area *area)
{
    if (area->extents != extents)
        return COFFER_MISUSE;
    if (!extents_area_is_free(area))
        return COFFER_BUSY;

    take_free(extents, area->tags);
    list_remove(&area->areas);
    area->extents = NULL;
    extents->granule_count -= area->length;
    return COFFER_OK;
}

bool extents_area_is_free(const struct extents_area *area)
{
    return !tag_is_used(area->tags) && area->tags->length == area->length;
}

/* --- Seeing it --------------------------------------------------------------------------- */

struct blocks_statistics extents_statistics(const struct extents *extents)
{
    uint64_t free_granules = extents->granule_count - extents->used_granule_count;

    return (struct blocks_statistics){
        .used_count = extents->used_count,
        .used_size = extents->used_granule_count * EXTENTS_GRANULE,
        .free_count = extents->free_count,
        .free_size = free_granules * EXTENTS_GRANULE,
    };
}

bool extents_walk(const struct extents *extents, const struct blocks_visitor *visitor)
{
    list_each (link, &extents->areas) {
        const struct extents_area *area = list_entry(link, struct extents_area, areas);
        uint32_t place = 0;

        while (place < area->length) {
            const struct extents_tag *tag = const_tag_of(area, place);

            if (!visitor->visit(visitor->context, area->base + (size_t)place * EXTENTS_GRANULE,
                                (size_t)tag->length * EXTENTS_GRANULE, tag_is_used(tag)))
                return false;
            place += tag->length;
        }
    }
    return true;
}

/* What a check finds in the areas, to be held against the counts. */
struct found {
    uint64_t granules;
    uint64_t used_granules;
    uint64_t used_count;
    uint64_t free_count;
};

/* E1 to E3 in one area. */
static bool area_is_valid(const struct extents_area *area, struct found *found,
                          const char **problem)
{
    uint32_t place = 0;
    uint32_t before = 0;

    for (;;) {
        const struct extents_tag *tag = const_tag_of(area, place);
        bool used = tag_is_used(tag);

        if (tag->begin / 2 != place)
            return blocks_problem(problem, "a block doesn't begin where another ends");
        if (used && tag->before != before)
            return blocks_problem(problem, "a block's tag is wrong about the block before");
        if (!used && before != 0)
            return blocks_problem(problem, "two free blocks are side by side");
        if (place == area->length)
            break;
        if (tag->length < CELL_GRANULES || tag->length > area->length - place)
            return blocks_problem(problem, "a block has an impossible length");
        for (const struct extents_tag *inside = tag + 1;
             inside < const_tag_of(area, place + tag->length); inside++) {
            if (inside->begin != 0)
                return blocks_problem(problem, "a block begins inside another");
        }
        found->used_granules += used ? tag->length : 0;
        found->used_count += used;
        found->free_count += !used;
        before = used ? 0 : tag->length;
        place += tag->length;
    }
    if (!tag_is_used(const_tag_of(area, place)) || const_tag_of(area, place)->length != 0)
        return blocks_problem(problem, "an area's end is damaged");
    found->granules += area->length;
    return true;
}

/* The area that an address inside of its tags belongs to, or NULL. */
static const struct extents_area *area_with_tag(const struct extents *extents,
                                                const struct extents_tag *tag)
{
    list_each (link, &extents->areas) {
        const struct extents_area *area = list_entry(link, struct extents_area, areas);
        uintptr_t offset = (uintptr_t)tag - (uintptr_t)area->tags;

        if (offset < tags_size(area->length) && offset % sizeof(*tag) == 0)
            return area;
    }
    return NULL;
}

/* Is it the tag of a free block of the class? (That tags without a block don't pass is E1.) */
static bool listed_is_valid(const struct extents *extents, const struct extents_tag *tag,
                            unsigned class)
{
    const struct extents_area *area = area_with_tag(extents, tag);

    return area != NULL && !tag_is_used(tag) && const_tag_of(area, tag->begin / 2) == tag &&
           tag->length >= CELL_GRANULES && tag->length <= area->length &&
           class_of(tag->length) == class;
}

/* E4 and E5. As many blocks on lists as there are, each knowing what leads to it: so all are on
 * one, once. */
static bool lists_are_valid(const struct extents *extents, const char **problem)
{
    uint64_t count = 0;

    for (unsigned class = 0; class < EXTENTS_CLASS_COUNT; class ++) {
        bool filled = (extents->filled[class / 64] >> class % 64 & 1) != 0;
        struct extents_tag *const *link = &extents->lists[class];

        if (filled != (*link != NULL))
            return blocks_problem(problem, "a class's bit is wrong");
        for (; *link != NULL; link = &(*link)->next, count++) {
            if (!listed_is_valid(extents, *link, class))
                return blocks_problem(problem, "a list leads to what isn't a free block of it");
            if ((*link)->link != link || count == extents->free_count)
                return blocks_problem(problem, "a list's links don't agree");
        }
    }
    for (unsigned word = 0; word < EXTENTS_WORD_COUNT; word++) {
        if ((extents->words >> word & 1) != (extents->filled[word] != 0))
            return blocks_problem(problem, "a word's bit is wrong");
    }
    if (extents->words >> EXTENTS_WORD_COUNT != 0 || extents->filled[EXTENTS_WORD_COUNT - 1] != 0)
        return blocks_problem(problem, "a bit is set for no class");
    if (count != extents->free_count)
        return blocks_problem(problem, "a free block is on no list");
    return true;
}

bool extents_is_valid(const struct extents *extents, const char **problem)
{
    struct found found = {0};

    list_each (link, &extents->areas) {
        const struct extents_area *area = list_entry(link, struct extents_area, areas);

        if (area->extents != extents || area->length < CELL_GRANULES ||
            area->length >= GRANULES_MAX)
            return blocks_problem(problem, "an area's head is damaged");
        if (!area_is_valid(area, &found, problem))
            return false;
    }
    if (found.granules != extents->granule_count ||
        found.used_granules != extents->used_granule_count ||
        found.used_count != extents->used_count || found.free_count != extents->free_count)
        return blocks_problem(problem, "the counts don't agree with the blocks");
    return lists_are_valid(extents, problem);
}
