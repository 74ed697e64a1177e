/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot memory: what is there before there are frames to take.
 *
 * The caller's areas are trimmed inward to whole frames and sorted by address; pieces are then cut
 * from the front of the first area that has room. Cutting only plans: nothing is read or written,
 * so that a start that fails has touched nothing. What is cut stays until the end.
 */
#ifndef COFFER_MEMORY_FRAMES_BOOT_H
#define COFFER_MEMORY_FRAMES_BOOT_H

#include "memory/frames/frames.h"

#define BOOT_ALIGNMENT 64u /* of every piece, in bytes */

struct boot_area {
    uint8_t *start; /* of the first whole frame */
    size_t frame_count;
    size_t cut_size; /* bytes cut from the front */
};

struct boot {
    struct boot_area areas[FRAMES_AREAS_MAX];
    unsigned area_count; /* areas with at least one whole frame */
};

/*
 * COFFER_MISUSE: no area, too many, one at NULL or around the end of the address space or beyond
 * FRAMES_TOTAL_MAX, or two that overlap. COFFER_NO_MEMORY: no whole frame in any.
 */
COFFER_MUST_CHECK enum coffer_status boot_init(struct boot *boot, const struct memory_area *areas,
                                               size_t count);

/* A piece of `size` bytes that is nowhere used yet; NULL when no area has room. */
void *boot_cut(struct boot *boot, size_t size);

/* Frames of an area that are cut, wholly or in part. */
static inline size_t boot_cut_frames(const struct boot_area *area)
{
    return (area->cut_size + FRAME_SIZE - 1) / FRAME_SIZE;
}

/* How many frames there would be, and how many of them metadata: nothing is written. Errors as of
 * frames_start. */
COFFER_MUST_CHECK enum coffer_status frames_measure(struct boot *boot,
                                                    const struct frames_settings *settings,
                                                    uint64_t *total, uint64_t *reserved);

/*
 * Take over what is left of the boot memory, from which other pieces may be cut already.
 * COFFER_NO_MEMORY: it doesn't hold the metadata and one frame at least, or the account has no line
 * more. COFFER_MISUSE: settings out of range. A start that fails writes nothing. `account` counts
 * from here on, with an owner "frames" for the metadata, and must stay.
 */
COFFER_MUST_CHECK enum coffer_status frames_start(struct boot *boot,
                                                  const struct frames_settings *settings,
                                                  struct account *account, struct frames **out);

#endif
