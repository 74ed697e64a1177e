/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces of a store's calls (struct coffer_config, `trace`), and what they would have cost with
 * another amount of memory.
 *
 * A trace is text, one line for each call that reads or changes objects:
 *
 *     TIME CALL OBJECT OFFSET SIZE STATUS
 *
 * TIME is in microseconds since the store was opened, OBJECT a number in hex that stands for the
 * object (names are not in it), STATUS an enum coffer_status; all but OBJECT in decimal. What
 * OFFSET and SIZE are depends on CALL: see enum coffer_trace_call. What an open handle does has the
 * number of the name that it was opened by, also after a rename.
 *
 * A line is written when its call is over, before it returns. So one that returned before another
 * was made stands before it, and TIME never falls; lines of calls that were made at the same time,
 * by several threads, stand in any order, whatever the order of their effects. A rename's two lines
 * have no other between them.
 *
 * A trace begins with `start`; where several stand in one file, one after the other, each begins
 * so. Calls that find what they need in memory have no line: what an open object is like
 * (coffer_object_info), statistics, quotas; nor has coffer_list_next, whose walk is told when it is
 * closed, nor coffer_tick. Calls that are refused for their arguments have none either.
 */
#ifndef COFFER_TRACE_H
#define COFFER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer.h"
#include "coffer/area.h"
#include "coffer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_TRACE_VERSION  1u
#define COFFER_TRACE_LINE_MAX 160u /* bytes of a line, its end included */

enum coffer_trace_call {
    COFFER_TRACE_START,      /* OFFSET: the version of this form; SIZE: bytes of secure memory */
    COFFER_TRACE_END,        /* the store was closed, with what was open in it */
    COFFER_TRACE_OPEN,       /* OFFSET: bytes in front of the data; SIZE: of the data */
    COFFER_TRACE_CLOSE,      /* of an object */
    COFFER_TRACE_READ,       /* the range that was asked for */
    COFFER_TRACE_ATTRIBUTES, /* SIZE: how much of them was asked for */
    COFFER_TRACE_WRITE,      /* the range */
    COFFER_TRACE_CUT,        /* SIZE: the new one */
    COFFER_TRACE_STAT,       /* as `open`, and closed at once */
    COFFER_TRACE_PUT,        /* OFFSET: bytes in front of the data; SIZE: of the data */
    COFFER_TRACE_MAKE,       /* a writer was opened; OFFSET: bytes in front of the data */
    COFFER_TRACE_APPEND,     /* to a writer; OFFSET: how much it had before */
    COFFER_TRACE_COMMIT,     /* of a writer; SIZE: all of the data */
    COFFER_TRACE_ABORT,      /* of a writer */
    COFFER_TRACE_RENAME,     /* the old name */
    COFFER_TRACE_AS,         /* and, next, the new one */
    COFFER_TRACE_DELETE,
    COFFER_TRACE_USAGE,      /* of an open object, changed */
    COFFER_TRACE_QUARANTINE, /* put away by name, as damaged */
    COFFER_TRACE_LIST,       /* a walk is closed; SIZE: names that it met */
    COFFER_TRACE_CHECK,      /* the whole store */
    COFFER_TRACE_CALLS
};

struct coffer_trace_record {
    uint64_t time_us;
    enum coffer_trace_call call;
    uint64_t object;
    uint64_t offset, size;
    enum coffer_status status;
};

/* One line, with its end or without. COFFER_MISUSE: it isn't one of a trace, or tells of what no
 * store can have done. COFFER_UNSUPPORTED: a `start` of a version that this one doesn't know. */
COFFER_MUST_CHECK enum coffer_status coffer_trace_parse(const char *line, size_t size,
                                                        struct coffer_trace_record *out);

/* --- Replay ------------------------------------------------------------------------------ */

/*
 * The calls of a trace once more, against caches of another size: the library's own caches, with
 * entries that hold nothing, and a model of what a miss costs. Any size can be tried in a moment
 * and in little memory. What the model leaves out is in docs/TUNING.md.
 */
struct coffer_replay;

/* What things take, in nanoseconds. */
struct coffer_replay_costs {
    uint64_t call_ns;    /* a call of the library that finds everything it needs */
    uint64_t device_ns;  /* a read or write of the device, and */
    uint64_t kib_ns;     /* each KiB that it moves */
    uint64_t barrier_ns; /* an ordering point */
    uint64_t block_ns;   /* a block of 4 KiB encrypted or decrypted */
    uint64_t hash_ns;    /* a node hashed */
};

/* As measured where docs/TUNING.md was. */
void coffer_replay_costs_default(struct coffer_replay_costs *out);

struct coffer_replay_config {
    /* Memory that the replay works in, which isn't the memory that it is about: 1 MiB, 256 bytes
     * for each 4 KiB of that, and 384 bytes for each object of the trace are plenty. Required. */
    const struct coffer_area *areas;
    size_t area_count;

    /* The store: the bytes of secure memory that it would have, and as in struct coffer_config. */
    uint64_t memory;
    unsigned cache_frames;
    unsigned cached_objects;
    enum coffer_policy cache_policy;
};

struct coffer_replay_cache {
    uint64_t hits, misses;
};

struct coffer_replay_result {
    uint64_t calls;   /* of the trace */
    uint64_t objects; /* that it names, each anew when its name was free between */
    unsigned cache_frames;
    struct coffer_replay_cache object_cache, node_cache, block_cache;
    uint64_t device_reads, device_writes, device_barriers;
    uint64_t device_read_bytes, device_written_bytes;
    uint64_t blocks; /* encrypted or decrypted */
    uint64_t hashes;
};

/* COFFER_NO_MEMORY: too little in the areas, or for such a store. COFFER_MISUSE: no such policy.
 * All of a replay lies in the areas, nothing else is held: it ends when they are let go. */
COFFER_MUST_CHECK enum coffer_status coffer_replay_open(const struct coffer_replay_config *config,
                                                        struct coffer_replay **out);

/* The next record. Calls that failed in the trace are passed over. COFFER_MISUSE: no store can have
 * done that; nothing has changed. COFFER_NO_MEMORY: too little in
 * the areas; what comes out means nothing any more. */
COFFER_MUST_CHECK enum coffer_status coffer_replay_record(struct coffer_replay *replay,
                                                          const struct coffer_trace_record *record);

void coffer_replay_get(const struct coffer_replay *replay, struct coffer_replay_result *out);

/* What all of it would have taken. */
uint64_t coffer_replay_ns(const struct coffer_replay_result *result,
                          const struct coffer_replay_costs *costs);

#ifdef __cplusplus
}
#endif

#endif
