/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments: shared memory, and files behind a pager. A segment holds one object until it is closed
 * and the last region of it is gone.
 */
#ifndef COFFER_MEMORY_SPACE_SEGMENT_H
#define COFFER_MEMORY_SPACE_SEGMENT_H

#include "memory/space/space.h"

struct coffer_segment {
    struct spaces *spaces;
    struct list link;
    struct object *object; /* whose `client` is this segment */
    uint64_t size;         /* bytes, in whole pages */
    bool is_file;
    bool is_writable;
    bool is_closed;
};

/* Can a region with these rights begin at this offset and have this size? COFFER_MISUSE. */
COFFER_MUST_CHECK enum coffer_status segment_can_map(const struct coffer_segment *segment,
                                                     const struct spaces *spaces, uint64_t offset,
                                                     size_t size, unsigned rights);

static inline unsigned segment_region_flags(const struct coffer_segment *segment)
{
    return REGION_SEGMENT | (segment->is_file ? REGION_FILE : 0);
}

/* The segment of a region; NULL: it is of none. */
static inline const struct coffer_segment *segment_of(const struct region *region)
{
    return (region->flags & REGION_SEGMENT) != 0 ? region->object->client : NULL;
}

#endif
