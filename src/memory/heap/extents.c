/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: blocks are found, split, merged and given out. */
#include "memory/heap/extents.h"

#include "memory/heap/extents_tags.h"

enum coffer_status extents_put_free(struct extents *extents, struct extents_tag *tag,
                                    uint32_t place, uint32_t length, struct extents_tag *behind)
{
    unsigned class = class_of(length);
    struct extents_tag **list = &extents->lists[class];
    struct extents_tag *first = *list;

    behind->before = length;
    tag->begin = place * 2;
    tag->next = first;
    *list = tag;
    extents->free_count++;
    if (first != NULL) {
        first->link = &tag->next;
    } else {
        extents->filled[class / 64] |= (uint64_t)1 << class % 64;
        extents->words |= (uint64_t)1 << class / 64;
    }
    tag->length = length;
    tag->link = list;
    return COFFER_OK;
}

/* The place of the allocated block that begins at an address; false when none does (E6). */
EXTENTS_INLINE bool find_used(const struct extents_area *area, const void *block, uint32_t *place)
{
    size_t offset = (size_t)((uintptr_t)block - (uintptr_t)area->base);
    size_t granules = offset / EXTENTS_GRANULE;

    if (offset % EXTENTS_GRANULE != 0 || granules >= area->length)
        return false;
    *place = (uint32_t)granules;
    return const_tag_of(area, *place)->begin == (*place * 2 | USED);
}

/* The first block of the lists from `class` on; NULL when they are empty. */
EXTENTS_INLINE struct extents_tag *first_from(const struct extents *extents, unsigned class)
{
    unsigned word = class / 64;
    uint64_t lists = extents->filled[word] & UINT64_MAX << class % 64;
    uint64_t words;

    if (lists == 0) {
        words = extents->words & UINT64_MAX << word << 1;
        if (words == 0)
            return NULL;
        word = bits_first(words);
        lists = extents->filled[word];
    }
    return extents->lists[word * 64 + bits_first(lists)];
}

/* A free block of `length` (less than GRANULES_MAX) at least; NULL when none was found. */
EXTENTS_INLINE struct extents_tag *find_free(const struct extents *extents, uint32_t length)
{
    unsigned class = class_of(length);
    struct extents_tag *first = extents->lists[class];

    if (first != NULL && first->length >= length)
        return first;
    /* Others of its class may be long enough or not; all of the next one are. (When the class
     * begins with this length, all of it are, and the first one was taken.) */
    return first_from(extents, class + 1);
}

/* Of `total` granules that belong to nobody, with allocated neighbours, the first `length` become
 * an allocated block and the rest a free one, or part of the block if it is too short for that. */
EXTENTS_INLINE enum coffer_status put_used(struct extents *extents, struct extents_area *area,
                                           struct extents_tag *tag, uint32_t place, uint32_t length,
                                           uint32_t total)
{
    struct extents_tag *behind = tag_of(area, place + total);
    uint32_t rest = total - length;

    extents->used_count++;
    tag->begin = place * 2 | USED;
    if (rest < CELL_GRANULES) {
        extents->used_granule_count += total;
        tag->length = total;
        behind->before = 0;
        return COFFER_OK;
    }
    extents->used_granule_count += length;
    tag->length = length;
    place += length;
    return extents_put_free(extents, tag_of(area, place), place, rest, behind);
}

/* How far into a free block an aligned one can begin: at once, or so far that a free block finds
 * room before it. `step` (a power of two) is the alignment in granules. */
static uint32_t gap_before(struct extents_tag *tag, uint32_t step)
{
    uintptr_t place = (uintptr_t)area_of(tag)->base / EXTENTS_GRANULE + tag->begin / 2;
    uint32_t gap = (0 - (uint32_t)place) & (step - 1);

    while (gap > 0 && gap < CELL_GRANULES)
        gap += step;
    return gap;
}

/* The block for any alignment may do, and one that is longer by the largest gap is sure to. */
static struct extents_tag *find_aligned(const struct extents *extents, uint32_t length,
                                        uint32_t step)
{
    struct extents_tag *tag = find_free(extents, length);

    if (tag == NULL || gap_before(tag, step) + length <= tag->length)
        return tag;
    length += gap_max(step);
    return length < GRANULES_MAX ? find_free(extents, length) : NULL;
}

enum coffer_status extents_alloc_aligned(struct extents *extents, size_t size, size_t alignment,
                                         void **out, struct extents_area **out_area)
{
    uint32_t length;
    uint32_t step;
    uint32_t gap;
    uint32_t place;
    uint32_t total;
    struct extents_area *area;
    struct extents_tag *tag;
    struct extents_tag *aligned;

    if (size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    if (size > EXTENTS_SIZE_MAX || alignment > EXTENTS_SIZE_MAX)
        return COFFER_NO_MEMORY;
    length = length_for(size);
    step = alignment > EXTENTS_GRANULE ? (uint32_t)(alignment / EXTENTS_GRANULE) : 1;
    tag = find_aligned(extents, length, step);
    if (tag == NULL)
        return COFFER_NO_MEMORY;

    area = area_of(tag);
    gap = gap_before(tag, step);
    place = tag->begin / 2;
    total = tag->length;
    take_free(extents, tag);
    *out = area->base + (size_t)(place + gap) * EXTENTS_GRANULE;
    *out_area = area;
    aligned = tag_of(area, place + gap);
    aligned->before = 0;
    if (gap != 0)
        (void)extents_put_free(extents, tag, place, gap, aligned);
    return put_used(extents, area, aligned, place + gap, length, total - gap);
}

enum coffer_status extents_alloc(struct extents *extents, size_t size, void **out,
                                 struct extents_area **out_area)
{
    struct extents_area *area;
    struct extents_tag *tag;
    uint32_t place;

    if (size - 1 >= EXTENTS_SIZE_MAX)
        return size == 0 ? COFFER_MISUSE : COFFER_NO_MEMORY;
    tag = find_free(extents, length_for(size));
    if (tag == NULL)
        return COFFER_NO_MEMORY;

    area = area_of(tag);
    place = tag->begin / 2;
    take_free(extents, tag);
    tag->before = 0;
    *out = area->base + (size_t)place * EXTENTS_GRANULE;
    *out_area = area;
    return put_used(extents, area, tag, place, length_for(size), tag->length);
}

/* A free with a free block on one side or on both. */
__attribute__((noinline)) static enum coffer_status merge(struct extents *extents,
                                                          struct extents_area *area, uint32_t place,
                                                          uint32_t length, uint32_t before)
{
    struct extents_tag *tag = tag_of(area, place);
    struct extents_tag *behind = tag_of(area, place + length);

    if (!tag_is_used(behind)) {
        length += behind->length;
        take_free(extents, behind);
        behind = tag_of(area, place + length);
    }
    if (before != 0) {
        tag->begin = 0;
        place -= before;
        length += before;
        tag = tag_of(area, place);
        take_free(extents, tag);
    }
    return extents_put_free(extents, tag, place, length, behind);
}

enum coffer_status extents_free(struct extents *extents, struct extents_area *area, void *block)
{
    uint32_t place;
    uint32_t length;
    struct extents_tag *tag;
    struct extents_tag *behind;

    if (!find_used(area, block, &place))
        return COFFER_MISUSE;

    tag = tag_of(area, place);
    length = tag->length;
    behind = tag_of(area, place + length);
    extents->used_granule_count -= length;
    extents->used_count--;
    if (tag->before != 0 || !tag_is_used(behind))
        return merge(extents, area, place, length, tag->before);
    return extents_put_free(extents, tag, place, length, behind);
}

enum coffer_status extents_resize(struct extents *extents, struct extents_area *area, void *block,
                                  size_t size)
{
    uint32_t wanted;
    uint32_t place;
    uint32_t total;
    struct extents_tag *tag;
    struct extents_tag *behind;

    if (size == 0 || !find_used(area, block, &place))
        return COFFER_MISUSE;
    if (size > EXTENTS_SIZE_MAX)
        return COFFER_NO_MEMORY;

    wanted = length_for(size);
    tag = tag_of(area, place);
    behind = tag_of(area, place + tag->length);
    total = tag->length + (tag_is_used(behind) ? 0 : behind->length);
    if (wanted > total)
        return COFFER_NO_MEMORY;
    if (!tag_is_used(behind))
        take_free(extents, behind);
    extents->used_granule_count -= tag->length;
    extents->used_count--;
    return put_used(extents, area, tag, place, wanted, total);
}

size_t extents_usable_size(const struct extents_area *area, const void *block)
{
    uint32_t place;

    if (!find_used(area, block, &place))
        return 0;
    return (size_t)const_tag_of(area, place)->length * EXTENTS_GRANULE;
}

size_t extents_largest(const struct extents *extents)
{
    unsigned word;
    unsigned class;

    if (extents->words == 0)
        return 0;
    word = bits_log2_down(extents->words);
    class = word * 64 + bits_log2_down(extents->filled[word]);
    return (size_t)extents->lists[class]->length * EXTENTS_GRANULE;
}
