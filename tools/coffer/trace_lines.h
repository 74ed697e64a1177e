/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --trace: lines added to a file that others may add theirs to at the same time. Lines are gathered
 * and written together, always whole ones in one write at the file's end (O_APPEND), so that those
 * of two processes never mix within a line; what a short run did stands together.
 */
#ifndef COFFER_COMMAND_TRACE_LINES_H
#define COFFER_COMMAND_TRACE_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct trace_lines {
    int fd;
    int error; /* errno of the first write that failed; 0: none did */
    size_t used;
    char bytes[32768];
};

/* Where the file ends in the middle of a line, because whoever wrote it was stopped, a new one is
 * begun. NULL: it can't be opened (errno). */
struct trace_lines *trace_lines_open(const char *path);

/* As `trace` of struct coffer_config; `context` is a struct trace_lines. False: nothing more can be
 * written. */
bool trace_lines_add(void *context, const char *line, size_t size);

/* The rest is written. 0, or errno of what failed. NULL: nothing. */
int trace_lines_close(struct trace_lines *lines);

#endif
