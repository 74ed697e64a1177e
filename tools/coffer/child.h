/* SPDX-License-Identifier: BSD-2-Clause */
/* Run this very command again, as a user would, and catch what it says. */
#ifndef COFFER_COMMAND_CHILD_H
#define COFFER_COMMAND_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct child {
    char *output; /* standard output and standard error, as they came; on the heap */
    size_t size;
    int exit; /* -1: it did not end by itself */
};

/* `arguments` end with NULL; the command's name is not among them. False: it could not be run. */
bool child_run(const char *program, const char *const *arguments, struct child *out);
void child_fini(struct child *child);

#endif
