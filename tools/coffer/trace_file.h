/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of a file of traces, one after the other. A line that is none is passed over: a run
 * that was cut off leaves half a line, and editors leave empty ones. So is what stands before the
 * first `start`.
 */
#ifndef COFFER_COMMAND_TRACE_FILE_H
#define COFFER_COMMAND_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "coffer/trace.h"

/* Zero but for `file` at first. */
struct trace_file {
    FILE *file;
    uint64_t line;        /* the last one that was read, from 1; 0: none */
    uint64_t passed_over; /* lines, */
    uint64_t first_bad;   /* and the first of them */
    uint64_t runs;        /* `start` records */
    bool is_newer;        /* it has a run of a version that the library doesn't know */
};

/* False: there is none, the file can't be read (ferror), it is of another version, or a signal
 * came. */
bool trace_file_next(struct trace_file *file, struct coffer_trace_record *out);

#endif
