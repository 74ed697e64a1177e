/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of a store's calls (struct coffer_config, `trace`), and what they would have cost with
 * another amount of memory.
 *
 * A trace is text, one line a call, in the order in which the calls ended:
 *
 *     TIME CALL OBJECT OFFSET SIZE STATUS
 *
 * TIME is in microseconds since the store was opened, OBJECT a number in hex that stands for the
 * object (names are not in it), STATUS an enum coffer_status; all but OBJECT in decimal. What
 * OFFSET and SIZE are depends on CALL: see enum coffer_trace_call. A trace begins with `start`;
 * where several stand in one file, one after the other, each begins so.
 */
#ifndef COFFER_TRACE_H
#define COFFER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/area.h"
#include "coffer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_TRACE_VERSION  1u
#define COFFER_TRACE_LINE_MAX 160u /* bytes of a line, its end included */

enum coffer_trace_call {
    COFFER_TRACE_START,  /* OFFSET: the version of this form; SIZE: bytes of secure memory */
    COFFER_TRACE_END,    /* the store was closed */
    COFFER_TRACE_OPEN,   /* OFFSET: bytes in front of the data; SIZE: of the data */
    COFFER_TRACE_CLOSE,  /* of an object */
    COFFER_TRACE_READ,   /* the range that was asked for */
    COFFER_TRACE_WRITE,  /* likewise */
    COFFER_TRACE_CUT,    /* SIZE: the new one */
    COFFER_TRACE_STAT,   /* as `open`, and closed at once */
    COFFER_TRACE_PUT,    /* OFFSET: bytes in front of the data; SIZE: of the data */
    COFFER_TRACE_MAKE,   /* a writer was opened; OFFSET: bytes in front of the data */
    COFFER_TRACE_APPEND, /* to a writer; OFFSET: how much it had before */
    COFFER_TRACE_COMMIT, /* of a writer; SIZE: all of the data */
    COFFER_TRACE_ABORT,  /* of a writer */
    COFFER_TRACE_RENAME, /* the old name */
    COFFER_TRACE_AS,     /* and, next, the new one */
    COFFER_TRACE_DELETE,
    COFFER_TRACE_LIST,  /* a walk is closed; SIZE: names that it met */
    COFFER_TRACE_CHECK, /* the whole store */
    COFFER_TRACE_CALLS
};

struct coffer_trace_record {
    uint64_t time_us;
    enum coffer_trace_call call;
    uint64_t object;
    uint64_t offset, size;
    enum coffer_status status;
};

/* One line, with its end or without. COFFER_MISUSE: it isn't one of a trace, or of a version that
 * this one doesn't know. */
COFFER_MUST_CHECK enum coffer_status coffer_trace_parse(const char *line, size_t size,
                                                        struct coffer_trace_record *out);

#ifdef __cplusplus
}
#endif

#endif
