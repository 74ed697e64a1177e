/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sizes of small blocks: multiples of 16 bytes up to 1 KiB, then eight in each power of two up
 * to CLASS_SIZE_MAX. A class is found by arithmetic alone.
 */
#ifndef COFFER_MEMORY_HEAP_CLASSES_H
#define COFFER_MEMORY_HEAP_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"

#define CLASS_STEP     16u /* bytes: between the smallest classes, and what all are multiples of */
#define CLASS_FINE     64u /* classes of whole steps */
#define CLASS_SIZE_MAX 8192u /* bytes */
#define CLASS_COUNT    (CLASS_FINE + 8u * 3u)

/* Whole steps in `size` (> 0) bytes, rounded up, less one: below CLASS_FINE it is the class. No
 * bytes at all come out as more steps than anything has. */
static inline size_t class_steps(size_t size)
{
    return (size - 1) / CLASS_STEP;
}

/* The class of the smallest blocks that hold `size` (1 .. CLASS_SIZE_MAX) bytes. */
static inline unsigned class_of(size_t size)
{
    size_t steps = class_steps(size);
    unsigned order;

    if (steps < CLASS_FINE)
        return (unsigned)steps;
    order = bits_log2_down(steps) - 6;
    return CLASS_FINE + order * 8 + (unsigned)(steps >> (order + 3) & 7);
}

static inline uint32_t class_size(unsigned class)
{
    unsigned order;

    if (class < CLASS_FINE)
        return (class + 1) * CLASS_STEP;
    order = (class - CLASS_FINE) / 8;
    return (9 + (class - CLASS_FINE) % 8) * (128u << order);
}

/* For pools with very little memory: few classes, each of which fills one frame well. */
#define SPARE_CLASS_COUNT 22u

/* Their number for a class that is one of them, or the next larger one's; class_of(2048) at most.
 */
unsigned spare_index(unsigned class);

/* The class of a number. */
unsigned spare_class(unsigned index);

#endif
