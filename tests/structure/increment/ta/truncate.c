/* SPDX-License-Identifier: BSD-2-Clause */
#include "truncate.h"

uint32_t truncate(uint32_t value)
{
    return value - value % 100;
}
