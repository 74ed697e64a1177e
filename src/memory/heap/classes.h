/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sizes of small blocks: from 16 bytes on multiples of 8 up to 256, multiples of 16 up to 1
 * KiB, then eight in each power of two up to CLASS_SIZE_MAX. A class is found by arithmetic alone.
 *
 * A request is counted in *steps* of 8 bytes. Up to CLASS_FINE steps the class has the number of
 * the last step that it serves, so that some numbers are of no class.
 */
#ifndef COFFER_MEMORY_HEAP_CLASSES_H
#define COFFER_MEMORY_HEAP_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"

#define CLASS_STEP     8u    /* bytes; all sizes are multiples of it */
#define CLASS_SINGLE   32u   /* classes of one step; then they have two */
#define CLASS_FINE     128u  /* numbers of classes that are steps */
#define CLASS_SIZE_MAX 8192u /* bytes */
#define CLASS_COUNT    (CLASS_FINE + 8u * 3u)

/* Whole steps in `size` (> 0) bytes, rounded up, less one. No bytes at all come out as more steps
 * than anything has. */
static inline size_t class_steps(size_t size)
{
    return (size - 1) / CLASS_STEP;
}

/* The first step of a class with a number below CLASS_FINE. */
static inline unsigned class_first_step(unsigned class)
{
    return class == 1 || class >= CLASS_SINGLE ? class - 1 : class;
}

/* The class for CLASS_FINE steps or more: eight numbers for each power of two, and the three bits
 * behind the first. */
static inline unsigned class_of_coarse(size_t steps)
{
    unsigned power = bits_log2_down(steps);

    return power * 8 + (unsigned)(steps >> (power - 3)) + CLASS_FINE - 7 * 8 - 8;
}

/* The class of the smallest blocks that hold `size` (1 .. CLASS_SIZE_MAX) bytes. */
static inline unsigned class_of(size_t size)
{
    size_t steps = class_steps(size);

    if (steps < CLASS_FINE)
        return (unsigned)(steps == 0 || steps >= CLASS_SINGLE ? steps | 1 : steps);
    return class_of_coarse(steps);
}

static inline uint32_t class_size(unsigned class)
{
    unsigned order;

    if (class < CLASS_FINE)
        return (class + 1) * CLASS_STEP;
    order = (class - CLASS_FINE) / 8;
    return (9 + (class - CLASS_FINE) % 8) * (128u << order);
}

/* What a block of a size lies at a multiple of, asked or not: whatever needs 16 has a size that is
 * a multiple of 16. */
static inline size_t natural_alignment(size_t size)
{
    return size % 16 == 0 ? 16 : CLASS_STEP;
}

/* For pools with very little memory: few classes, each of which fills one frame well. */
#define SPARE_CLASS_COUNT 22u
#define SPARE_CLASS_LAST  135u

/* Their number for a class that is one, or the next larger one's; class_of(2048) at most. */
unsigned spare_index(unsigned class);

/* The class of a number. */
unsigned spare_class(unsigned index);

#endif
