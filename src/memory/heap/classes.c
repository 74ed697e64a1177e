/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/classes.h"

static const uint8_t spare_classes[SPARE_CLASS_COUNT] = {
    1, 3, 5, 7, 9, 11, 13, 15, 19, 23, 27, 31, 39, 47, 55, 63, 71, 83, 101, 127, 129, 135,
};

unsigned spare_index(unsigned class)
{
    unsigned index = 0;

    while (spare_classes[index] < class)
        index++;
    return index;
}

unsigned spare_class(unsigned index)
{
    return spare_classes[index];
}
