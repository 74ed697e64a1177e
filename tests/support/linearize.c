/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/linearize.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

#define WORDS      (LINEARIZE_CALLS_MAX / 64)
#define ROOM_LEAST 1024u

/* The beginning or the end of a call, in a list by time of those that aren't taken yet. */
struct event {
    struct event *before, *after;
    struct event *end; /* of the call; NULL: this is one */
    size_t call;
    uint64_t at;
};

/* Which calls are taken, and in front of each such set, where it was met, its state. */
struct seen {
    size_t entry_size;
    uint8_t *entries;
    size_t count, room;
    uint32_t *places; /* twice as many as there is room for; index plus one, 0: free */
};

struct search {
    const struct linearize_model *model;
    const void *calls;
    size_t count;
    struct event *events; /* by time */
    struct event head;
    uint64_t taken[WORDS];
    size_t depth; /* how many are taken */
    struct event *order[LINEARIZE_CALLS_MAX];
    uint8_t *states; /* before the first one and after each */
    struct seen seen;
    uint8_t *candidate; /* an entry for `seen` */
    uint64_t stuck_at;
};

static const void *call_at(const struct linearize_model *model, const void *calls, size_t i)
{
    return (const uint8_t *)calls + i * model->call_size;
}

static struct linearize_span span_at(const struct linearize_model *model, const void *calls,
                                     size_t i)
{
    struct linearize_span span;

    memcpy(&span, call_at(model, calls, i), sizeof(span));
    return span;
}

/* --- What was met ------------------------------------------------------------------------ */

/* FNV-1a, and its upper half into the lower one. */
static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum ^ sum >> 32;
}

static uint32_t *place_of(const struct seen *seen, const uint8_t *entry)
{
    size_t mask = 2 * seen->room - 1;
    size_t i = hash(entry, seen->entry_size) & mask;

    while (seen->places[i] != 0 && memcmp(seen->entries + (seen->places[i] - 1) * seen->entry_size,
                                          entry, seen->entry_size) != 0)
        i = (i + 1) & mask;
    return &seen->places[i];
}

static void grow(struct seen *seen)
{
    seen->room = seen->room == 0 ? ROOM_LEAST : 2 * seen->room;
    seen->entries = must_realloc(seen->entries, seen->room * seen->entry_size);
    free(seen->places);
    seen->places = must_alloc(2 * seen->room * sizeof(*seen->places));
    for (size_t i = 0; i < seen->count; i++)
        *place_of(seen, seen->entries + i * seen->entry_size) = (uint32_t)i + 1;
}

/* False: it was there. */
static bool add_seen(struct seen *seen, const uint8_t *entry)
{
    uint32_t *place;

    if (seen->count == seen->room)
        grow(seen);
    place = place_of(seen, entry);
    if (*place != 0)
        return false;
    memcpy(seen->entries + seen->count * seen->entry_size, entry, seen->entry_size);
    *place = (uint32_t)++seen->count;
    return true;
}

/* --- Events ------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const struct event *one = a;
    const struct event *other = b;

    return (one->at > other->at) - (one->at < other->at);
}

static void link_behind(struct event *before, struct event *event)
{
    event->before = before;
    event->after = before->after;
    before->after = event;
    if (event->after != NULL)
        event->after->before = event;
}

static void unlink_event(struct event *event)
{
    event->before->after = event->after;
    if (event->after != NULL)
        event->after->before = event->before;
}

static void make_events(struct search *search)
{
    struct event *ends[LINEARIZE_CALLS_MAX];
    size_t count = 2 * search->count;
    struct event *last = &search->head;

    search->events = must_alloc(count * sizeof(*search->events));
    for (size_t i = 0; i < search->count; i++) {
        struct linearize_span span = span_at(search->model, search->calls, i);

        must(span.begin < span.end);
        search->events[2 * i] = (struct event){.call = i, .at = span.begin};
        /* Any other one than NULL, until it is known which. */
        search->events[2 * i].end = &search->head;
        search->events[2 * i + 1] = (struct event){.call = i, .at = span.end};
    }
    qsort(search->events, count, sizeof(*search->events), by_time);
    for (size_t i = 0; i < count; i++) {
        struct event *event = &search->events[i];

        link_behind(last, event);
        last = event;
        if (event->end == NULL)
            ends[event->call] = event;
    }
    for (size_t i = 0; i < count; i++) {
        if (search->events[i].end != NULL)
            search->events[i].end = ends[search->events[i].call];
    }
}

/* --- The search -------------------------------------------------------------------------- */

static uint8_t *state_at(const struct search *search, size_t depth)
{
    return search->states + depth * search->model->state_size;
}

/* Could this call be next, and is that new? Then it is. */
static bool take(struct search *search, struct event *event)
{
    const struct linearize_model *model = search->model;
    uint8_t *state = state_at(search, search->depth + 1);
    uint64_t bit = (uint64_t)1 << event->call % 64;

    memcpy(state, state_at(search, search->depth), model->state_size);
    if (!model->apply(model->context, state, call_at(model, search->calls, event->call)))
        return false;
    search->taken[event->call / 64] |= bit;
    memcpy(search->candidate, search->taken, sizeof(search->taken));
    memcpy(search->candidate + sizeof(search->taken), state, model->state_size);
    if (!add_seen(&search->seen, search->candidate)) {
        search->taken[event->call / 64] &= ~bit;
        return false;
    }
    search->order[search->depth++] = event;
    unlink_event(event);
    unlink_event(event->end);
    return true;
}

/* The one that was taken last. */
static struct event *put_back_one(struct search *search)
{
    struct event *event = search->order[--search->depth];

    search->taken[event->call / 64] &= ~((uint64_t)1 << event->call % 64);
    link_behind(event->end->before, event->end);
    link_behind(event->before, event);
    return event;
}

/* The last one instead of which another might have been right; NULL: there is none. */
static struct event *put_back(struct search *search)
{
    const struct linearize_model *model = search->model;

    while (search->depth > 0) {
        struct event *event = put_back_one(search);

        if (model->only_looks == NULL ||
            !model->only_looks(call_at(model, search->calls, event->call)))
            return event;
    }
    return NULL;
}

static void keep_order(const struct search *search, struct linearize_result *result)
{
    result->count = search->depth;
    for (size_t i = 0; i < search->depth; i++)
        result->order[i] = search->order[i]->call;
}

/* A call has its answer, and so must be among those that are taken. The latest one of which that is
 * never so is the first one that no order explains. */
static void keep_stuck(struct search *search, const struct event *end,
                       struct linearize_result *result)
{
    if (end->at <= search->stuck_at)
        return;
    search->stuck_at = end->at;
    result->stuck = end->call;
    keep_order(search, result);
}

static enum linearize_verdict find_order(struct search *search, size_t most,
                                         struct linearize_result *result)
{
    struct event *event = search->head.after;

    while (search->head.after != NULL) {
        if (search->seen.count > most)
            return LINEARIZE_UNKNOWN;
        if (event->end != NULL) {
            event = take(search, event) ? search->head.after : event->after;
            continue;
        }
        keep_stuck(search, event, result);
        event = put_back(search);
        if (event == NULL)
            return LINEARIZE_NO;
        event = event->after;
    }
    keep_order(search, result);
    return LINEARIZE_YES;
}

void linearize(const struct linearize_model *model, void *state, const void *calls, size_t count,
               size_t most, struct linearize_result *result)
{
    struct search *search = must_alloc(sizeof(*search));

    must(count <= LINEARIZE_CALLS_MAX && most < UINT32_MAX);
    *result = (struct linearize_result){.verdict = LINEARIZE_UNKNOWN};
    search->model = model;
    search->calls = calls;
    search->count = count;
    search->seen.entry_size = sizeof(search->taken) + model->state_size;
    search->candidate = must_alloc(search->seen.entry_size);
    search->states = must_alloc((count + 1) * model->state_size);
    memcpy(search->states, state, model->state_size);
    make_events(search);
    result->verdict = find_order(search, most, result);
    result->looked_at = search->seen.count;
    if (result->verdict == LINEARIZE_YES)
        memcpy(state, state_at(search, count), model->state_size);
    free(search->events);
    free(search->states);
    free(search->candidate);
    free(search->seen.entries);
    free(search->seen.places);
    free(search);
}

/* --- For people -------------------------------------------------------------------------- */

/* The last moment, not after `at`, at which no call was under way. */
static uint64_t quiet_before(const struct linearize_model *model, const void *calls, size_t count,
                             uint64_t at)
{
    uint64_t quiet;

    do {
        quiet = at;
        for (size_t i = 0; i < count; i++) {
            struct linearize_span span = span_at(model, calls, i);

            if (span.begin < at && span.end > at)
                at = span.begin;
        }
    } while (at < quiet);
    return quiet;
}

static void print_call(FILE *out, const struct linearize_model *model, const void *calls, size_t i)
{
    struct linearize_span span = span_at(model, calls, i);

    fprintf(out, "  %6llu-%-6llu ", (unsigned long long)span.begin, (unsigned long long)span.end);
    model->print_call(out, call_at(model, calls, i));
    fputc('\n', out);
}

static bool is_in(const struct linearize_result *result, size_t call)
{
    for (size_t i = 0; i < result->count; i++) {
        if (result->order[i] == call)
            return true;
    }
    return false;
}

void linearize_explain(FILE *out, const struct linearize_model *model, const void *state,
                       const void *calls, size_t count, const struct linearize_result *result)
{
    struct linearize_span stuck = span_at(model, calls, result->stuck);
    uint64_t quiet = quiet_before(model, calls, count, stuck.begin);
    void *now = must_copy(state, model->state_size);
    size_t i = 0;

    while (i < result->count && span_at(model, calls, result->order[i]).end < quiet)
        must(model->apply(model->context, now, call_at(model, calls, result->order[i++])));
    fputs("before:  ", out);
    model->print_state(out, now);
    fputs("\nin this order, with when each began and ended:\n", out);
    for (; i < result->count; i++) {
        must(model->apply(model->context, now, call_at(model, calls, result->order[i])));
        print_call(out, model, calls, result->order[i]);
    }
    fputs("leads to ", out);
    model->print_state(out, now);
    fputs("\nwhere no order explains this answer:\n", out);
    print_call(out, model, calls, result->stuck);
    fputs("nor does any of these under way at its end make it so:\n", out);
    for (i = 0; i < count; i++) {
        if (i != result->stuck && !is_in(result, i) && span_at(model, calls, i).begin < stuck.end)
            print_call(out, model, calls, i);
    }
    free(now);
}
