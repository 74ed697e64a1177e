/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's collector: its sources, its time, its numbers. */
#include "engine/engine.h"

_Static_assert(COFFER_SOURCES_MAX == RECLAIM_SOURCES_MAX, "all sources can be told");
_Static_assert(COFFER_PAUSES == RECLAIM_PAUSES, "all lengths can be told");

static uint64_t abstracts_step(void *context, uint64_t bytes, unsigned steps)
{
    return abstracts_shrink(context, bytes, steps);
}

/* Younger than whatever has an age: an open without them costs much more than they take. */
static uint64_t abstracts_oldest(void *context)
{
    return abstracts_can_shrink(context) ? UINT64_MAX - 1 : UINT64_MAX;
}

/* What it evicts is nobody's for a moment: a call that finds no memory then waits for it as for any
 * other that is under way. */
static void at_work(void *context, bool begins)
{
    if (begins)
        engine_work_begin(context);
    else
        engine_work_end(context);
}

enum coffer_status engine_start_collector(struct coffer *engine, bool thread)
{
    const struct plan *plan = &engine->plan;
    const struct reclaim_settings settings = {
        .port = engine->port,
        .memory = engine->memory,
        .low = plan->low_frames,
        .high = plan->high_frames,
        .interval_ns = plan->interval_ns,
        .timeout_ns = plan->timeout_ns,
        .at_work = at_work,
        .context = engine,
    };
    const struct reclaim_source sources[] = {
        reclaim_cache("objects", engine->store.objects.core, true),
        reclaim_cache("blocks", engine->blocks.frames.core, true),
        reclaim_cache("nodes", engine->nodes.frames.core, true),
        reclaim_buffers("buffers", &engine->buffers),
        {.name = "abstracts",
         .context = &engine->store.catalogue.abstracts,
         .step = abstracts_step,
         .oldest = abstracts_oldest,
         .direct = true},
        reclaim_pool("spans", engine->memory->pool),
    };
    enum coffer_status status = reclaim_init(&engine->reclaim, &settings);

    for (size_t i = 0; status == COFFER_OK && i < sizeof(sources) / sizeof(sources[0]); i++)
        status = reclaim_add(&engine->reclaim, &sources[i]);
    return status == COFFER_OK ? reclaim_start(&engine->reclaim, thread) : status;
}

void engine_collector_statistics(const struct coffer *engine, struct coffer_statistics *out)
{
    const struct reclaim_counters *counters = &engine->reclaim.counters;

    out->collector_ticks = counter_get(&counters->ticks);
    out->collector_runs = counter_get(&counters->runs);
    out->collector_rounds = counter_get(&counters->rounds);
    out->collector_directs = counter_get(&counters->directs);
    out->collector_failures = counter_get(&counters->failures);
    out->collector_pauses = counter_get(&counters->pauses);
    out->collector_pause_ns = counter_get(&counters->pause_ns);
    out->collector_pause_max_ns = atomic_load_explicit(&counters->pause_max_ns,
                                                       memory_order_relaxed);
    for (unsigned i = 0; i < COFFER_PAUSES; i++)
        out->collector_lengths[i] = counter_get(&counters->lengths[i]);
    out->source_count = engine->reclaim.source_count;
    for (unsigned i = 0; i < out->source_count; i++) {
        out->sources[i] = (struct coffer_source){
            .name = engine->reclaim.sources[i].name,
            .bytes = counter_get(&counters->source_bytes[i]),
            .steps = counter_get(&counters->source_steps[i]),
            .ns = counter_get(&counters->source_ns[i]),
        };
        out->collector_bytes += out->sources[i].bytes;
    }
}

enum coffer_status coffer_tick(struct coffer *store, uint64_t max_ns)
{
    bool more;

    if (store == NULL)
        return COFFER_MISUSE;
    engine_enter(store);
    more = reclaim_tick(&store->reclaim, max_ns);
    engine_leave(store);
    return more ? COFFER_BUSY : COFFER_OK;
}
