/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histories of calls from several threads, and whether they are linearizable: is there an order of
 * the calls, one after another, in which each could have answered what it did, and in which a call
 * that had returned before another began comes before it?
 *
 * The search is Wing and Gong's: of the calls that could be next, one that the model allows is
 * taken, until all are, or none is left that could be, and the last one is put back. What was met
 * before (the same calls taken, in whatever order, with the same state) isn't looked at again, and
 * a call that only looks is taken as soon as it fits, once for all: later it is of no more use.
 *
 * The model is the caller's. A call is anything that begins with its span; a state is plain bytes,
 * and two states are the same when their bytes are.
 */
#ifndef TESTS_SUPPORT_LINEARIZE_H
#define TESTS_SUPPORT_LINEARIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINEARIZE_CALLS_MAX 512u

/* When a call began and when it had its answer, in stamps that grow all the time; begin < end. */
struct linearize_span {
    uint64_t begin, end;
};

struct linearize_model {
    size_t call_size;
    size_t state_size;
    const void *context;
    /* May the call happen in this state and answer so? The state is then as it is afterwards. If
     * not, it is never looked at again. */
    bool (*apply)(const void *context, void *state, const void *call);
    /* Does a call that answered so leave every state as it is? NULL: there are none such. */
    bool (*only_looks)(const void *call);
    /* For people, without the end of a line. */
    void (*print_call)(FILE *out, const void *call);
    void (*print_state)(FILE *out, const void *state);
};

enum linearize_verdict {
    LINEARIZE_YES,
    LINEARIZE_NO,
    LINEARIZE_UNKNOWN, /* there was more to look at than was allowed */
};

struct linearize_result {
    enum linearize_verdict verdict;
    size_t looked_at; /* sets of calls with a state */
    /* YES: an order, by index. NO: one that goes as far as any does. */
    size_t count;
    size_t order[LINEARIZE_CALLS_MAX];
    /* NO: the first answer, in time, that no order explains together with those before it. */
    size_t stuck;
};

/* `state` is the state before all calls, and after YES the one that the order leads to. At most
 * LINEARIZE_CALLS_MAX calls, in any order; `most` bounds how much is looked at. */
void linearize(const struct linearize_model *model, void *state, const void *calls, size_t count,
               size_t most, struct linearize_result *result);

/* After NO, for people: from the last moment before the stuck call at which no call was under way,
 * a state that what came before may have led to, the order from there on, and the calls that
 * couldn't be next. `state` is the one before all calls. */
void linearize_explain(FILE *out, const struct linearize_model *model, const void *state,
                       const void *calls, size_t count, const struct linearize_result *result);

#endif
