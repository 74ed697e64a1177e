/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector: gives memory back before somebody has to wait for it. What can give some is a
 * source, registered at start; the collector asks them in bounded steps, one after another:
 *
 *   pressure   from the frames' low watermark until as many are free as the high one says;
 *   a round    every interval: what nobody used for the time-out is forgotten, and what lies empty
 *              goes home;
 *   direct     a take that found no frames, in the calling thread: those sources that may be asked
 *              under other locks, until a frame more is free, after which the take tries again; for
 *              a run of frames that isn't there yet it asks again (memory/frames/kept.h).
 *
 * Under pressure the source is asked whose next gift was used longest ago, what nobody wants at all
 * coming first; at one age, the one registered first. So caches that float together give in one
 * order of use (cache/share.h). Sources that can't tell an age are asked last, once in a run: what
 * the others gave may have left something empty there.
 *
 * Who works: reclaim_tick's caller, a thread of the collector's own (reclaim_start), or both; one
 * at a time, a second one leaves at once.
 *
 * Locking. The collector has no lock while a source works. A step takes the source's own locks, for
 * a bounded time; each is measured, as the longest that anybody else may have had to wait for it.
 * Who crosses a watermark, under whatever locks of his own, only leaves a note and wakes the
 * thread: `wake` is below all other locks, and nothing is done under it. Direct sources take the
 * locks of caches, key slots and memory: who takes frames may have a lock of the store, an object
 * or a tree, and none of those. So what a direct source lets go of must be closed without a lock of
 * the former, as an object that nobody uses is.
 *
 * Invariants
 *   Z1 Nothing dirty and nothing in use goes: that is each source's to hold.
 *   Z2 A run ends when nobody has anything more to give, however short memory is, and whether it
 *      was worked on at once or in many ticks: each tick makes one step at least.
 */
#ifndef COFFER_RECLAIM_RECLAIM_H
#define COFFER_RECLAIM_RECLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "coffer/status.h"
#include "memory/memory.h"
#include "port/port.h"

#define RECLAIM_SOURCES_MAX 8u
#define RECLAIM_PAUSES      32u /* lengths: [k] from 2^k ns on, the last and all above */
#define RECLAIM_STEPS       16u /* of a source, each time it is asked */

struct reclaim_source {
    const char *name;
    void *context;

    /* Give back up to `bytes`, rounded up to a whole piece, in at most so many steps. How many. */
    uint64_t (*step)(void *context, uint64_t bytes, unsigned steps);

    /* When the next thing that it would give was used, on the caches' clock; 0: nobody wants it;
     * UINT64_MAX: there is nothing. NULL: it can't tell. */
    uint64_t (*oldest)(void *context);

    /* Forget what nobody used since, in so many steps: it is empty then, and goes home by `step`.
     * True: there is more to look at. NULL: what it has doesn't age. */
    bool (*expire)(void *context, uint64_t before_ns, unsigned steps);

    bool direct; /* may be asked by whoever takes frames */
};

struct reclaim_settings {
    const struct coffer_port *port;
    struct memory *memory;
    uint64_t low, high;   /* frames, see frames_set_watermarks; 0: no pressure is told */
    uint64_t interval_ns; /* 0: no rounds */
    uint64_t timeout_ns;  /* 0: nothing is too old */

    /* Told around its work, which has memory in its hands that others may miss meanwhile. NULL:
     * nobody is. */
    void (*at_work)(void *context, bool begins);
    void *context;
};

struct reclaim_counters {
    struct counter ticks;
    struct counter runs; /* that began under pressure */
    struct counter rounds;
    struct counter directs;
    struct counter failures; /* directs and runs that found nothing to give */
    struct counter pauses;
    struct counter pause_ns;
    _Atomic uint64_t pause_max_ns;
    struct counter lengths[RECLAIM_PAUSES];
    struct counter source_bytes[RECLAIM_SOURCES_MAX];
    struct counter source_steps[RECLAIM_SOURCES_MAX];
    struct counter source_ns[RECLAIM_SOURCES_MAX];
};

struct reclaim {
    struct reclaim_settings settings;
    struct reclaim_source sources[RECLAIM_SOURCES_MAX];
    unsigned source_count;
    struct reclaim_counters counters;
    atomic_bool is_short; /* low was reached, and high not since */
    atomic_bool is_working;
    _Atomic uint64_t round_ns; /* when the next round is due */

    /* Of who works: where a run or a round that was cut short goes on. */
    bool in_run;
    uint32_t run_done; /* sources that have nothing more, a bit each */
    uint64_t run_given;
    bool in_round;
    unsigned round_source;
    bool round_expires;  /* that source still forgets */
    uint64_t round_left; /* pieces that it may send home yet */

    bool is_started;

    /* The collector's own thread. */
    bool has_thread;
    struct port_thread thread;
    struct port_lock wake;
    struct port_condition woken;
    bool is_wanted;
    bool is_over;
};

/* No locks and no memory yet. COFFER_MISUSE: see frames_set_watermarks. */
COFFER_MUST_CHECK enum coffer_status reclaim_init(struct reclaim *reclaim,
                                                  const struct reclaim_settings *settings);

/* One more; before anything runs. COFFER_NO_MEMORY: there are RECLAIM_SOURCES_MAX. */
COFFER_MUST_CHECK enum coffer_status reclaim_add(struct reclaim *reclaim,
                                                 const struct reclaim_source *source);

/* From now on watermarks are listened to; with `thread`, by a thread of its own, which also does
 * the rounds. COFFER_UNSUPPORTED: the port has none. Other errors are the port's. */
COFFER_MUST_CHECK enum coffer_status reclaim_start(struct reclaim *reclaim, bool thread);

/* Nothing runs any more, and no source is asked again. Also when start failed or never was. */
void reclaim_stop(struct reclaim *reclaim);

/* Work on what is due now, for about `max_ns` (one step more, at most, and one at least); in a port
 * without a clock one step. True: there is more to do, or another thread is at it. */
bool reclaim_tick(struct reclaim *reclaim, uint64_t max_ns);

/* --- Sources of the memory system and of caches (sources.c) */

struct cache;
struct buffers;
struct coffer_pool;

struct reclaim_source reclaim_cache(const char *name, struct cache *cache, bool direct);
struct reclaim_source reclaim_buffers(const char *name, struct buffers *buffers);
struct reclaim_source reclaim_pool(const char *name, struct coffer_pool *pool);

#endif
