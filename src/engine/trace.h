/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of a store's calls, for those who tune it: one line a call, written when it is over
 * (docs/TUNING.md, "Traces"; <coffer/trace.h> reads it, and says what holds of the order).
 *
 *     TIME CALL OBJECT OFFSET SIZE STATUS
 *
 * No name and no byte of data is in it: an object is a number made of its name with a key of the
 * store (crypto_name_tag), the same in every trace of the store and nobody else's to make.
 *
 * Invariants
 *   Y1 A trace never fails a call, nor changes what it answers: when the writer, or the key, fails,
 *      the trace ends and a notice tells.
 *   Y2 It takes no secure memory but struct trace: a line is put together on the stack.
 *
 * Locking: a lock of its own, the last of all, held while the caller's writer runs, so that lines
 * are whole, in the order of their times, and those of one call together. The calls of this file
 * are made without any other lock.
 */
#ifndef COFFER_ENGINE_TRACE_H
#define COFFER_ENGINE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "coffer.h"
#include "coffer/trace.h"
#include "crypto/crypto.h"
#include "port/port.h"
#include "store/store.h"

/* The words of a line, for those who write it and those who read it. */
extern const char *const trace_call_names[COFFER_TRACE_CALLS];

/* False: no store can have done that. (A read may be asked for beyond any end.) */
bool trace_is_possible(const struct coffer_trace_record *record);

struct trace {
    atomic_bool on;
    const struct coffer_port *port;
    struct crypto *crypto;
    struct store *store; /* that gives notices */
    bool (*write)(void *context, const char *line, size_t size);
    void *write_context;
    uint64_t start_ns; /* on the port's clock, of time 0 */
    struct port_lock lock;
};

/* Off, or on and with its first line written. `memory` is the store's, in bytes. Errors of the
 * port's locks. */
COFFER_MUST_CHECK enum coffer_status trace_open(struct trace *trace,
                                                const struct coffer_config *config,
                                                struct crypto *crypto, struct store *store,
                                                uint64_t memory);
void trace_close(struct trace *trace);

static inline bool trace_is_on(struct trace *trace)
{
    return atomic_load_explicit(&trace->on, memory_order_relaxed);
}

/* The number of an object; 0 when the trace is off. */
uint64_t trace_name(struct trace *trace, const struct name *name);

/* Lines that stand together; their times are those of the writing. */
void trace_write(struct trace *trace, const struct coffer_trace_record *records, size_t count);

/* A call is over. */
static inline void trace_call(struct trace *trace, enum coffer_trace_call call, uint64_t object,
                              uint64_t offset, uint64_t size, enum coffer_status status)
{
    const struct coffer_trace_record record = {
        .call = call, .object = object, .offset = offset, .size = size, .status = status};

    if (trace_is_on(trace))
        trace_write(trace, &record, 1);
}

/* A rename is over. */
static inline void trace_rename(struct trace *trace, uint64_t before, uint64_t after,
                                enum coffer_status status)
{
    const struct coffer_trace_record records[2] = {
        {.call = COFFER_TRACE_RENAME, .object = before, .status = status},
        {.call = COFFER_TRACE_AS, .object = after, .status = status},
    };

    if (trace_is_on(trace))
        trace_write(trace, records, 2);
}

#endif
