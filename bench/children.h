/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that the bench starts, one at a time, and what they say. */
#ifndef BENCH_CHILDREN_H
#define BENCH_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>

#define CHILD_WORDS_MAX 6

struct child {
    const char *folder;                 /* beside the bench's own program */
    const char *program;                /* in it */
    const char *preload;                /* LD_PRELOAD; NULL: nothing */
    bool counted;                       /* by valgrind */
    const char *words[CHILD_WORDS_MAX]; /* its arguments; the first NULL ends them */
};

/* What it wrote to stdout, with a zero byte behind; free it. It must end well, or the bench is
 * broken. */
char *child_output(const struct child *child, size_t *size);

/* The number behind a name in what it wrote. */
double child_number(const struct child *child, const char *name);

/* Instructions that it executed; `counted`. */
double child_instructions(const struct child *child);

/* Was it built? */
bool child_is_there(const struct child *child);

/* Is there a valgrind that works? */
bool child_can_count(void);

#endif
