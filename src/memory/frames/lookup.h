/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an address to its frame: the shortest paths of those who free by address, and frames by
 * number. Inline, a fixed number of steps a segment, without the lock: what they read changes only
 * when the frame itself is taken or given.
 */
#ifndef COFFER_MEMORY_FRAMES_LOOKUP_H
#define COFFER_MEMORY_FRAMES_LOOKUP_H

#include <stdatomic.h>

#include "memory/frames/table.h"

#define FRAMES_NO_NUMBER UINT32_MAX

/* The tag of the frame that an address lies in, any address at all; 0 for a foreign, free or
 * unmarked one. With FRAMES_TAG_KEPT exactly for marked frames of allocators (kept.h). */
static inline uint32_t frames_tag(const struct frames *frames, const void *address)
{
    uint32_t index;
    const struct segment *segment = frames_find(frames, address, &index);

    return segment == NULL ? 0 : atomic_load_explicit(&segment->tags[index], memory_order_relaxed);
}

/* The number of the frame that an address lies in, counting through all segments by address;
 * FRAMES_NO_NUMBER for a foreign one. Numbers are below FRAMES_TOTAL_MAX. */
static inline uint32_t frames_number(const struct frames *frames, const void *address)
{
    uint32_t index;
    const struct segment *segment = frames_find(frames, address, &index);

    return segment == NULL ? FRAMES_NO_NUMBER : segment->first_number + index;
}

/* The address of the frame of a number, which must be one. */
static inline void *frames_address(const struct frames *frames, uint32_t number)
{
    const struct segment *segment = frames->segments + frames->segment_count - 1;

    while (number < segment->first_number)
        segment--;
    assert_debug(number - segment->first_number < segment->frame_count);
    return segment_address(segment, number - segment->first_number);
}

#endif
