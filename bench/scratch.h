/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scratch directories. They are removed when the program ends, also by Ctrl-C: a signal is only
 * noted, and the program ends where it asks scratch_check_interrupt.
 */
#ifndef BENCH_SCRATCH_H
#define BENCH_SCRATCH_H

#include <limits.h>

/* A new directory below `parent`; its path stays good to the end of the program. At most 4. */
const char *scratch_make(const char *parent);

/* Remove everything below a directory. */
void scratch_empty(const char *directory);

/* End the program if the user asked for it. */
void scratch_check_interrupt(void);

#endif
