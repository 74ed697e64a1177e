/* SPDX-License-Identifier: BSD-2-Clause */
/* A figure of something that failed is no figure: the first failure ends the program. */
#ifndef BENCH_MUST_H
#define BENCH_MUST_H

#include <stdbool.h>
#include <stddef.h>

#include "coffer.h"

#define EXIT_MISSED 1 /* a target that counts was missed */
#define EXIT_BROKEN 2 /* the bench itself failed */

/* Go on only if it worked; `what` says what was tried. */
void must(enum coffer_status status, const char *what);

/* The same for a system call: `good`, or errno is told. */
void must_system(bool good, const char *what);

/* calloc that answers. */
void *must_make(size_t count, size_t size);

#endif
