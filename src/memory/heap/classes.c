/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/classes.h"

static const uint8_t spare_classes[SPARE_CLASS_COUNT] = {
    1, 3, 5, 7, 9, 11, 13, 15, 19, 23, 27, 31, 39, 47, 55, 63, 71, 83, 101, 127, 129, 135,
};

/* By class, up to the last of them. */
static const uint8_t spare_indexes[SPARE_CLASS_LAST + 1] = {
    0,  0,  1,  1,  2,  2,  3,  3,  4,  4,  5,  5,  6,  6,  7,  7,  8,  8,  8,  8,  9,  9,  9,
    9,  10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12, 12, 12, 12, 12, 13, 13, 13, 13, 13, 13,
    13, 13, 14, 14, 14, 14, 14, 14, 14, 14, 15, 15, 15, 15, 15, 15, 15, 15, 16, 16, 16, 16, 16,
    16, 16, 16, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 18, 18,
    18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19,
    19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 20, 20, 21, 21, 21, 21, 21, 21,
};

unsigned spare_index(unsigned class)
{
    return spare_indexes[class];
}

unsigned spare_class(unsigned index)
{
    return spare_classes[index];
}
