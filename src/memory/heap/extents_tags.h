/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the extents: areas, tags, and the lists of free blocks. For extents*.c only.
 *
 * Places and lengths are counted in granules from an area's first block. A block is named by its
 * tag, which leads to its area too.
 */
#ifndef COFFER_MEMORY_HEAP_EXTENTS_TAGS_H
#define COFFER_MEMORY_HEAP_EXTENTS_TAGS_H

#include "base/bitmap.h"
#include "base/list.h"
#include "memory/heap/extents.h"

#define CELL_GRANULES (EXTENTS_SIZE_MIN / EXTENTS_GRANULE)
#define GRANULES_MAX  ((uint32_t)1 << 24) /* every area has fewer */
#define SPLIT_LOG2    4u                  /* a power of two is split into 16 classes */

/* A tag's `begin` is the place where its block begins, times two, and this for an allocated one. A
 * tag without a block is 0. (So is that of a free block at place 0; but cell 0 has always one.) */
#define USED 1u

struct extents_tag {
    uint32_t begin;
    uint32_t length;
    union {
        uint32_t before;          /* of an allocated block: as E3 has it */
        struct extents_tag *next; /* of a free block: the next one on its list, or NULL */
    };
    struct extents_tag **link; /* of a free block: what points to it, a `next` or a list's head */
};

struct extents_area {
    struct list areas;
    const struct extents *extents;
    uint8_t *base;   /* of the first block */
    uint32_t length; /* of all blocks */
    struct extents_tag
        tags[]; /* one a cell, and one for the end: an allocated block of no length */
};

_Static_assert(CELL_GRANULES == 1u << SPLIT_LOG2, "the smallest block is of the first class");
_Static_assert((uint64_t)GRANULES_MAX *EXTENTS_GRANULE == EXTENTS_AREA_MAX, "an area's limit");
_Static_assert((uint64_t)EXTENTS_SIZE_MIN << (EXTENTS_CLASS_COUNT >> SPLIT_LOG2) ==
                   EXTENTS_AREA_MAX,
               "every block has a class");

/* On the shortest path of every call; the compiler would share them. */
#define EXTENTS_INLINE static inline __attribute__((always_inline))

EXTENTS_INLINE bool tag_is_used(const struct extents_tag *tag)
{
    return (tag->begin & USED) != 0;
}

EXTENTS_INLINE struct extents_tag *tag_of(struct extents_area *area, uint32_t place)
{
    return &area->tags[place / CELL_GRANULES];
}

EXTENTS_INLINE const struct extents_tag *const_tag_of(const struct extents_area *area,
                                                      uint32_t place)
{
    return &area->tags[place / CELL_GRANULES];
}

EXTENTS_INLINE struct extents_area *area_of(struct extents_tag *tag)
{
    struct extents_tag *first = tag - tag->begin / 2 / CELL_GRANULES;

    return (struct extents_area *)(void *)((char *)first - offsetof(struct extents_area, tags));
}

EXTENTS_INLINE unsigned class_of(uint32_t length)
{
    unsigned shift = bits_log2_down(length) - SPLIT_LOG2;

    return (shift << SPLIT_LOG2) + (length >> shift) - CELL_GRANULES;
}

/*
 * Make the granules from a tag's place to where the block of the tag `behind` begins a free block.
 * The blocks on both sides are allocated. Always COFFER_OK: callers end with this call, and so need
 * no stack (a tenth of their instructions).
 */
enum coffer_status extents_put_free(struct extents *extents, struct extents_tag *tag,
                                    uint32_t place, uint32_t length, struct extents_tag *behind);

/* Take a free block off its list and blank its tag. The block behind still knows it as free. */
EXTENTS_INLINE void take_free(struct extents *extents, struct extents_tag *tag)
{
    struct extents_tag *next = tag->next;
    struct extents_tag **link = tag->link;
    size_t class;

    tag->begin = 0;
    extents->free_count--;
    *link = next;
    if (next != NULL) {
        next->link = link;
        return;
    }
    /* Maybe it was the only one: is the link a list's head? */
    class = ((uintptr_t)link - (uintptr_t)extents->lists) / sizeof(void *);
    if (class < EXTENTS_CLASS_COUNT) {
        extents->filled[class / 64] &= ~((uint64_t)1 << class % 64);
        if (extents->filled[class / 64] == 0)
            extents->words &= ~((uint64_t)1 << class / 64);
    }
}

/* How many granules a block of `size` (up to EXTENTS_SIZE_MAX) bytes has. */
EXTENTS_INLINE uint32_t length_for(size_t size)
{
    if (size <= EXTENTS_SIZE_MIN)
        return CELL_GRANULES;
    return (uint32_t)((size + EXTENTS_GRANULE - 1) / EXTENTS_GRANULE);
}

/* More than any gap that a block's alignment, of `step` granules, leaves before it: below one step,
 * and another if the gap were too small for a free block. */
EXTENTS_INLINE uint32_t gap_max(uint32_t step)
{
    return step + CELL_GRANULES - 1;
}

#endif
