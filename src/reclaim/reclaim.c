/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs, rounds and direct help. */
#include "reclaim/reclaim.h"

#include "base/assert.h"
#include "base/bitmap.h"

#define DIRECT_STEPS 8u /* of the source that helps a take */
#define RUN_TURNS    4u /* parts that what is missing is asked for in; ages are looked at between */

enum coffer_status reclaim_init(struct reclaim *reclaim, const struct reclaim_settings *settings)
{
    *reclaim = (struct reclaim){.settings = *settings};
    return settings->low <= settings->high ? COFFER_OK : COFFER_MISUSE;
}

enum coffer_status reclaim_add(struct reclaim *reclaim, const struct reclaim_source *source)
{
    if (reclaim->source_count == RECLAIM_SOURCES_MAX)
        return COFFER_NO_MEMORY;
    reclaim->sources[reclaim->source_count++] = *source;
    return COFFER_OK;
}

static uint64_t clock_now(const struct reclaim *reclaim)
{
    const struct coffer_port *port = reclaim->settings.port;

    return port->clock_ns != NULL ? port->clock_ns(port->context) : 0;
}

/* --- Steps ------------------------------------------------------------------------------- */

static void count_pause(struct reclaim *reclaim, unsigned which, uint64_t ns)
{
    struct reclaim_counters *counters = &reclaim->counters;
    unsigned length = ns > 0 ? bits_log2_down(ns) : 0;
    uint64_t longest = atomic_load_explicit(&counters->pause_max_ns, memory_order_relaxed);

    counter_add(&counters->pauses, 1);
    counter_add(&counters->pause_ns, ns);
    counter_add(&counters->lengths[length < RECLAIM_PAUSES ? length : RECLAIM_PAUSES - 1], 1);
    counter_add(&counters->source_steps[which], 1);
    counter_add(&counters->source_ns[which], ns);
    while (ns > longest &&
           !atomic_compare_exchange_weak_explicit(&counters->pause_max_ns, &longest, ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

static uint64_t ask(struct reclaim *reclaim, unsigned which, uint64_t bytes, unsigned steps)
{
    const struct reclaim_source *source = &reclaim->sources[which];
    uint64_t began = clock_now(reclaim);
    uint64_t given = source->step(source->context, bytes, steps);

    count_pause(reclaim, which, clock_now(reclaim) - began);
    counter_add(&reclaim->counters.source_bytes[which], given);
    return given;
}

_Static_assert(RECLAIM_SOURCES_MAX <= 32, "a bit each");

/* Who is to be asked next, of those that aren't `done`; RECLAIM_SOURCES_MAX: nobody is left. */
static unsigned choose(const struct reclaim *reclaim, uint32_t done, bool direct)
{
    unsigned chosen = RECLAIM_SOURCES_MAX;
    unsigned last = RECLAIM_SOURCES_MAX;
    uint64_t oldest = UINT64_MAX;

    for (unsigned i = 0; i < reclaim->source_count; i++) {
        const struct reclaim_source *source = &reclaim->sources[i];
        uint64_t age;

        if ((done >> i & 1) != 0 || (direct && !source->direct))
            continue;
        if (source->oldest == NULL) {
            last = last == RECLAIM_SOURCES_MAX ? i : last;
            continue;
        }
        age = source->oldest(source->context);
        if (age < oldest) {
            oldest = age;
            chosen = i;
        }
    }
    return chosen != RECLAIM_SOURCES_MAX ? chosen : last;
}

/* One source gives. False: there is nobody left to ask. */
static bool turn(struct reclaim *reclaim, uint64_t bytes, bool direct, uint32_t *done,
                 uint64_t *given)
{
    unsigned which = choose(reclaim, *done, direct);
    uint64_t got;

    if (which == RECLAIM_SOURCES_MAX)
        return false;
    got = ask(reclaim, which, bytes, direct ? DIRECT_STEPS : RECLAIM_STEPS);
    if (got == 0 || reclaim->sources[which].oldest == NULL)
        *done |= UINT32_C(1) << which;
    *given += got;
    return true;
}

/* --- Pressure ---------------------------------------------------------------------------- */

/* Bytes that are missing. */
static uint64_t missing(struct reclaim *reclaim)
{
    uint64_t wanted = atomic_load(&reclaim->is_short) ? reclaim->settings.high : 0;
    uint64_t free = memory_free_frames(reclaim->settings.memory);

    return free < wanted ? (wanted - free) * FRAME_SIZE : 0;
}

/* In the thread that crossed a watermark, whatever it holds. */
static void wake_thread(struct reclaim *reclaim)
{
    const struct coffer_port *port = reclaim->settings.port;

    if (!reclaim->has_thread)
        return;
    port->lock_take(port->context, &reclaim->wake);
    reclaim->is_wanted = true;
    port->condition_signal(port->context, &reclaim->woken);
    port->lock_give(port->context, &reclaim->wake);
}

/* What has become empty goes home. */
static void sweep_up(struct reclaim *reclaim)
{
    for (unsigned i = 0; i < reclaim->source_count; i++) {
        if (reclaim->sources[i].direct && reclaim->sources[i].oldest == NULL)
            (void)ask(reclaim, i, UINT64_MAX, DIRECT_STEPS);
    }
}

/* Until a frame is free that wasn't: what a source gives may be pieces of frames. */
static bool help(struct reclaim *reclaim)
{
    struct memory *memory = reclaim->settings.memory;
    uint64_t before = memory_free_frames(memory);
    uint32_t done = 0;
    uint64_t given = 0;

    counter_add(&reclaim->counters.directs, 1);
    while (turn(reclaim, (uint64_t)DIRECT_STEPS * FRAME_SIZE, true, &done, &given)) {
        if (given > 0 && memory_free_frames(memory) <= before)
            sweep_up(reclaim);
        if (memory_free_frames(memory) > before)
            break;
    }
    if (given == 0)
        counter_add(&reclaim->counters.failures, 1);
    return given > 0;
}

static bool told(void *context, enum frames_level level)
{
    struct reclaim *reclaim = context;

    if (level == FRAMES_NONE)
        return help(reclaim);
    atomic_store(&reclaim->is_short, level == FRAMES_LOW);
    if (level == FRAMES_LOW)
        wake_thread(reclaim);
    return false;
}

/* --- Runs -------------------------------------------------------------------------------- */

/* How long somebody works. One step is always made, so that whoever comes often enough, with
 * however little time, or without a clock, gets to the end. */
struct limit {
    bool has_clock; /* without: it ends with that step */
    bool has_stepped;
    uint64_t end_ns;
};

static bool limit_is_reached(const struct reclaim *reclaim, const struct limit *limit)
{
    return limit->has_stepped && (!limit->has_clock || clock_now(reclaim) >= limit->end_ns);
}

/* A run that the limit cut short goes on where it was: who had nothing isn't asked again.
 * False: the limit was reached before the end. */
static bool relieve(struct reclaim *reclaim, struct limit *limit)
{
    uint64_t bytes = missing(reclaim);

    if (!reclaim->in_run) {
        if (bytes == 0)
            return true;
        counter_add(&reclaim->counters.runs, 1);
        reclaim->in_run = true;
        reclaim->run_done = 0;
        reclaim->run_given = 0;
    }
    for (; bytes > 0; bytes = missing(reclaim)) {
        if (limit_is_reached(reclaim, limit))
            return false;
        if (!turn(reclaim, bytes / RUN_TURNS + 1, false, &reclaim->run_done, &reclaim->run_given))
            break;
        limit->has_stepped = true;
    }
    if (reclaim->run_given == 0 && bytes > 0)
        counter_add(&reclaim->counters.failures, 1);
    reclaim->in_run = false;
    return true;
}

/* The part of a round that a source has: first it forgets what is too old, then what lies empty
 * goes home, a piece at a time, but no more of it than `round_left`, as others leave something
 * there all the time. What was forgotten is empty, and counted as it goes. */
static void begin_part(struct reclaim *reclaim, unsigned which)
{
    reclaim->round_source = which;
    reclaim->round_expires = which < reclaim->source_count &&
                             reclaim->sources[which].expire != NULL &&
                             reclaim->settings.timeout_ns > 0;
    reclaim->round_left = reclaim->settings.memory->account.frames_total;
}

/* What is too old at the source of a round. True: there is more to look at. */
static bool forget(struct reclaim *reclaim, unsigned which)
{
    const struct reclaim_source *source = &reclaim->sources[which];
    uint64_t timeout = reclaim->settings.timeout_ns;
    uint64_t now = clock_now(reclaim);
    bool more;

    if (now <= timeout)
        return false;
    more = source->expire(source->context, now - timeout, RECLAIM_STEPS);
    count_pause(reclaim, which, clock_now(reclaim) - now);
    return more;
}

/* One step of a round. False: the source has nothing more to do. */
static bool clean(struct reclaim *reclaim, unsigned which)
{
    const struct reclaim_source *source = &reclaim->sources[which];

    if (source->oldest == NULL) {
        (void)ask(reclaim, which, UINT64_MAX, RECLAIM_STEPS);
        return false;
    }
    if (reclaim->round_expires) {
        reclaim->round_expires = forget(reclaim, which);
        return true;
    }
    if (reclaim->round_left == 0 || source->oldest(source->context) != 0)
        return false;
    reclaim->round_left--;
    return ask(reclaim, which, 1, 1) > 0;
}

/* False: the limit was reached before the end. */
static bool go_round(struct reclaim *reclaim, struct limit *limit)
{
    uint64_t interval = reclaim->settings.interval_ns;
    uint64_t now = clock_now(reclaim);

    if (!reclaim->in_round) {
        if (interval == 0 || now < atomic_load(&reclaim->round_ns))
            return true;
        atomic_store(&reclaim->round_ns, now + interval);
        reclaim->in_round = true;
        begin_part(reclaim, 0);
        counter_add(&reclaim->counters.rounds, 1);
    }
    while (reclaim->round_source < reclaim->source_count) {
        if (limit_is_reached(reclaim, limit))
            return false;
        if (!clean(reclaim, reclaim->round_source))
            begin_part(reclaim, reclaim->round_source + 1);
        limit->has_stepped = true;
    }
    reclaim->in_round = false;
    return true;
}

/* False: there is more to do, or somebody else is at it. */
static bool work(struct reclaim *reclaim, struct limit *limit)
{
    bool ended;

    if (atomic_exchange(&reclaim->is_working, true))
        return false;
    if (reclaim->settings.at_work != NULL)
        reclaim->settings.at_work(reclaim->settings.context, true);
    ended = relieve(reclaim, limit) && go_round(reclaim, limit);
    if (reclaim->settings.at_work != NULL)
        reclaim->settings.at_work(reclaim->settings.context, false);
    atomic_store(&reclaim->is_working, false);
    return ended;
}

bool reclaim_tick(struct reclaim *reclaim, uint64_t max_ns)
{
    struct limit limit = {.has_clock = reclaim->settings.port->clock_ns != NULL};
    uint64_t now = clock_now(reclaim);
    bool ended;

    limit.end_ns = UINT64_MAX - now > max_ns ? now + max_ns : UINT64_MAX;
    counter_add(&reclaim->counters.ticks, 1);
    ended = work(reclaim, &limit);

    /* The thread may have been told meanwhile, and have left because somebody was at it. */
    if (missing(reclaim) > 0)
        wake_thread(reclaim);
    return !ended;
}

/* --- A thread of its own ----------------------------------------------------------------- */

static void body(void *argument)
{
    struct reclaim *reclaim = argument;
    const struct coffer_port *port = reclaim->settings.port;
    const uint64_t interval = reclaim->settings.interval_ns;

    port->lock_take(port->context, &reclaim->wake);
    while (!reclaim->is_over) {
        struct limit limit = {.has_clock = true, .end_ns = UINT64_MAX};

        /* Whatever ends the wait is a reason to look. */
        if (!reclaim->is_wanted) {
            enum coffer_status status = port->condition_wait(port->context, &reclaim->woken,
                                                             &reclaim->wake,
                                                             interval > 0 ? interval : UINT64_MAX);

            (void)status;
        }
        if (reclaim->is_over)
            break;
        reclaim->is_wanted = false;
        port->lock_give(port->context, &reclaim->wake);
        (void)work(reclaim, &limit);
        port->lock_take(port->context, &reclaim->wake);
    }
    port->lock_give(port->context, &reclaim->wake);
}

static enum coffer_status open_wake(struct reclaim *reclaim)
{
    const struct coffer_port *port = reclaim->settings.port;
    enum coffer_status status;

    if (port->thread_start == NULL || port->condition_init == NULL)
        return COFFER_UNSUPPORTED;
    status = port->lock_init(port->context, &reclaim->wake);
    if (status != COFFER_OK)
        return status;
    status = port->condition_init(port->context, &reclaim->woken);
    if (status != COFFER_OK)
        port->lock_fini(port->context, &reclaim->wake);
    reclaim->has_thread = status == COFFER_OK;
    return status;
}

static void close_wake(struct reclaim *reclaim)
{
    const struct coffer_port *port = reclaim->settings.port;

    if (!reclaim->has_thread)
        return;
    port->condition_fini(port->context, &reclaim->woken);
    port->lock_fini(port->context, &reclaim->wake);
    reclaim->has_thread = false;
}

static void listen_no_more(struct reclaim *reclaim)
{
    enum coffer_status status = frames_set_watermarks(reclaim->settings.memory->frames, 0, 0, NULL,
                                                      NULL);

    assert_cheap(status == COFFER_OK);
    (void)status;
}

enum coffer_status reclaim_start(struct reclaim *reclaim, bool thread)
{
    const struct reclaim_settings *settings = &reclaim->settings;
    const struct coffer_port *port = settings->port;
    enum coffer_status status = thread ? open_wake(reclaim) : COFFER_OK;

    if (status != COFFER_OK)
        return status;
    atomic_store(&reclaim->round_ns, clock_now(reclaim) + settings->interval_ns);
    status = frames_set_watermarks(settings->memory->frames, settings->low, settings->high, told,
                                   reclaim);
    if (status == COFFER_OK && thread) {
        status = port->thread_start(port->context, &reclaim->thread, body, reclaim);
        if (status != COFFER_OK)
            listen_no_more(reclaim);
    }
    reclaim->is_started = status == COFFER_OK;
    if (status != COFFER_OK)
        close_wake(reclaim);
    return status;
}

void reclaim_stop(struct reclaim *reclaim)
{
    const struct coffer_port *port = reclaim->settings.port;

    if (!reclaim->is_started)
        return;
    if (reclaim->has_thread) {
        port->lock_take(port->context, &reclaim->wake);
        reclaim->is_over = true;
        port->condition_signal(port->context, &reclaim->woken);
        port->lock_give(port->context, &reclaim->wake);
        port->thread_join(port->context, &reclaim->thread);
    }
    listen_no_more(reclaim);
    close_wake(reclaim);
    reclaim->is_started = false;
}
