/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fsync and fdatasync calls that the process really makes: the linker leads them through here
 * (--wrap, see meson.build). What the store says of its barriers can be held against that.
 */
#ifndef BENCH_FLUSHES_H
#define BENCH_FLUSHES_H

#include <stdint.h>

/* Since the process began; the raw peers' are counted as well. */
uint64_t flushes_count(void);

#endif
