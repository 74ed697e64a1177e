/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics of a store: one snapshot of what its parts count. */
#include <string.h>

#include "engine/engine.h"

static void memory_statistics(struct memory *memory, struct coffer_statistics *out)
{
    struct account *account = &memory->account;

    out->memory_largest_free = frames_statistics(memory->frames).largest_run * FRAME_SIZE;
    spin_take(&account->lock);
    out->memory_total = account->frames_total * FRAME_SIZE;
    out->memory_used = account->frames_used * FRAME_SIZE;
    out->memory_peak = account->frames_used_peak * FRAME_SIZE;
    out->wrong_frees = account->wrong_frees;
    for (unsigned i = 1; i < account->owner_count; i++) {
        const struct account_line *line = &account->lines[i];

        if (line->name == NULL || out->component_count == COFFER_COMPONENTS_MAX)
            continue;
        out->components[out->component_count++] = (struct coffer_component){
            .name = line->name,
            .bytes = account_line_bytes(line, FRAME_SIZE),
            .bytes_peak = account_line_bytes_peak(line, FRAME_SIZE),
            .held = (uint64_t)line->frames * FRAME_SIZE,
            .held_peak = (uint64_t)line->frames_peak * FRAME_SIZE,
            .allocations = account_seen(&line->takes) + line->run_takes,
            .frees = account_seen(&line->gives) + line->run_gives,
            .refusals = account_seen(&line->refusals) + line->run_refusals,
        };
    }
    spin_give(&account->lock);
}

static void cache_statistics_add(struct cache *cache, struct coffer_statistics *out)
{
    struct cache_statistics now;

    cache_statistics(cache, &now);
    out->caches[out->cache_count++] = (struct coffer_cache){
        .name = now.name,
        .entries = now.entries,
        .entries_peak = now.entries_peak,
        .spare = now.spare,
        .pinned = now.pinned,
        .dirty = now.dirty,
        .bytes = now.bytes,
        .bytes_peak = now.bytes_peak,
        .hits = now.counters.hits,
        .misses = now.counters.misses,
        .waits = now.counters.waits,
        .load_failures = now.counters.load_failures,
        .evictions = now.counters.evictions,
        .expirations = now.counters.expirations,
        .shrunk_bytes = now.counters.shrunk_bytes,
        .write_backs = now.counters.write_backs,
        .write_failures = now.counters.write_failures,
        .refusals = now.counters.refusals,
    };
}

/* Those that hold frames. */
static void frame_cache_statistics_add(struct cache *cache, struct coffer_statistics *out)
{
    const struct coffer_cache *now = &out->caches[out->cache_count];

    cache_statistics_add(cache, out);
    out->cache_frames += now->entries;
    out->cache_hits += now->hits;
    out->cache_misses += now->misses;
    out->cache_evictions += now->evictions;
}

enum coffer_status coffer_statistics_get(struct coffer *store, struct coffer_statistics *out)
{
    const struct device_counters *device;
    struct crypto_counters crypto;

    if (store == NULL || out == NULL)
        return COFFER_MISUSE;
    memset(out, 0, sizeof(*out));
    engine_enter(store);
    store_lock(&store->store);
    memory_statistics(store->memory, out);
    crypto_counters(store->crypto, &crypto);
    device = &store->environment.device->counters;
    out->crypto_library = crypto_library(store->crypto);
    out->crypto_outside_bytes = crypto_outside_bytes(store->crypto);
    frame_cache_statistics_add(store->nodes.frames.core, out);
    frame_cache_statistics_add(store->blocks.frames.core, out);
    cache_statistics_add(store->store.objects.core, out);
    out->device_reads = counter_get(&device->reads);
    out->device_writes = counter_get(&device->writes);
    out->device_barriers = counter_get(&device->barriers);
    out->device_syncs = counter_get(&device->syncs);
    out->device_others = counter_get(&device->others);
    out->device_read_bytes = counter_get(&device->read_bytes);
    out->device_written_bytes = counter_get(&device->written_bytes);
    engine_collector_statistics(store, out);
    engine_ta_statistics(store, out);
    out->seals = crypto.seals;
    out->unseals = crypto.unseals;
    out->sealed_bytes = crypto.sealed_bytes;
    out->unsealed_bytes = crypto.unsealed_bytes;
    out->hashes = crypto.hashes;
    out->hashed_bytes = crypto.hashed_bytes;
    out->key_loads = crypto.key_loads;
    out->objects = store->store.catalogue.object_count;
    out->open_objects = out->caches[out->cache_count - 1].pinned;
    out->commits = counter_get(&store->store.counters.commits);
    out->aborts = counter_get(&store->store.counters.aborts);
    out->notices = counter_get(&store->store.counters.notices);
    out->catalogue_slots = store->store.catalogue.slot_count;
    store_unlock(&store->store);
    engine_leave(store);
    return COFFER_OK;
}
