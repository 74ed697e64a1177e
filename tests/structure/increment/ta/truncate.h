/* SPDX-License-Identifier: BSD-2-Clause */
/* libc has a function of this name, which a device doesn't. */
#ifndef TRUNCATE_H
#define TRUNCATE_H

#include <stdint.h>

uint32_t truncate(uint32_t value);

#endif
