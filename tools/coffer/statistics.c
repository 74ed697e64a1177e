/* SPDX-License-Identifier: BSD-2-Clause */
#include "statistics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "sizes.h"

enum unit {
    GAUGE,       /* may fall */
    GAUGE_BYTES, /* the same, in bytes */
    COUNT,       /* only grows */
    COUNT_BYTES,
};

struct field {
    const char *group, *name;
    enum unit unit;
    size_t offset;
    const char *help;
};

#define FIELD(group, name, unit, member, help)                                                     \
    {                                                                                              \
        group, name, unit, offsetof(struct coffer_statistics, member), help                        \
    }

/* In the order of printing; a group's fields stand together. */
static const struct field fields[] = {
    FIELD("memory", "total", GAUGE_BYTES, memory_total, "secure memory"),
    FIELD("memory", "used", GAUGE_BYTES, memory_used, "secure memory in use"),
    FIELD("memory", "peak", GAUGE_BYTES, memory_peak, "most of it ever in use"),
    FIELD("memory", "largest_free", GAUGE_BYTES, memory_largest_free, "largest free piece"),
    FIELD("memory", "wrong_frees", COUNT, wrong_frees, "wrong frees refused"),
    FIELD("cache", "frames", GAUGE, cache_frames,
          "frames that the caches of nodes and blocks hold"),
    FIELD("cache", "hits", COUNT, cache_hits, "found in the cache"),
    FIELD("cache", "misses", COUNT, cache_misses, "not found in the cache"),
    FIELD("cache", "evictions", COUNT, cache_evictions, "put out of the cache"),
    FIELD("collector", "ticks", COUNT, collector_ticks, "calls to work for a time"),
    FIELD("collector", "runs", COUNT, collector_runs, "runs under pressure"),
    FIELD("collector", "rounds", COUNT, collector_rounds, "looks for what is old or empty"),
    FIELD("collector", "directs", COUNT, collector_directs,
          "calls without memory that collected for themselves"),
    FIELD("collector", "failures", COUNT, collector_failures, "runs and calls that got nothing"),
    FIELD("collector", "bytes", COUNT_BYTES, collector_bytes, "memory given back"),
    FIELD("collector", "pauses", COUNT, collector_pauses, "steps that others may have waited for"),
    FIELD("collector", "pause_ns", COUNT, collector_pause_ns, "ns of all of them"),
    FIELD("collector", "pause_max_ns", GAUGE, collector_pause_max_ns, "ns of the longest"),
    FIELD("device", "reads", COUNT, device_reads, "read calls"),
    FIELD("device", "read_bytes", COUNT_BYTES, device_read_bytes, "bytes read"),
    FIELD("device", "writes", COUNT, device_writes, "write calls"),
    FIELD("device", "written_bytes", COUNT_BYTES, device_written_bytes, "bytes written"),
    FIELD("device", "barriers", COUNT, device_barriers, "ordering points"),
    FIELD("device", "syncs", COUNT, device_syncs, "files flushed in them"),
    FIELD("device", "others", COUNT, device_others, "other calls"),
    FIELD("crypto", "outside_bytes", GAUGE_BYTES, crypto_outside_bytes,
          "the crypto library's contexts, outside secure memory"),
    FIELD("crypto", "seals", COUNT, seals, "pieces encrypted"),
    FIELD("crypto", "sealed_bytes", COUNT_BYTES, sealed_bytes, "bytes encrypted"),
    FIELD("crypto", "unseals", COUNT, unseals, "pieces decrypted and verified"),
    FIELD("crypto", "unsealed_bytes", COUNT_BYTES, unsealed_bytes, "bytes decrypted and verified"),
    FIELD("crypto", "hashes", COUNT, hashes, "hashes"),
    FIELD("crypto", "hashed_bytes", COUNT_BYTES, hashed_bytes, "bytes hashed"),
    FIELD("crypto", "key_loads", COUNT, key_loads, "keys expanded"),
    FIELD("store", "objects", GAUGE, objects, "objects in the store"),
    FIELD("store", "open_objects", GAUGE, open_objects, "objects open"),
    FIELD("store", "catalogue_slots", GAUGE, catalogue_slots, "entries that dirf.db has room for"),
    FIELD("store", "commits", COUNT, commits, "transactions done"),
    FIELD("store", "aborts", COUNT, aborts, "transactions undone"),
    FIELD("store", "notices", COUNT, notices, "notices given"),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

struct component_field {
    const char *name;
    enum unit unit;
    size_t offset;
    const char *help;
};

#define COMPONENT_FIELD(name, unit, help)                                                          \
    {                                                                                              \
#name, unit, offsetof(struct coffer_component, name), help                                 \
    }

static const struct component_field component_fields[] = {
    COMPONENT_FIELD(bytes, GAUGE_BYTES, "allocated to the component"),
    COMPONENT_FIELD(bytes_peak, GAUGE_BYTES, "most ever allocated to it"),
    COMPONENT_FIELD(held, GAUGE_BYTES, "whole frames that it holds"),
    COMPONENT_FIELD(held_peak, GAUGE_BYTES, "most ever held"),
    COMPONENT_FIELD(allocations, COUNT, "allocations"),
    COMPONENT_FIELD(frees, COUNT, "frees"),
    COMPONENT_FIELD(refusals, COUNT, "allocations refused"),
};

#define CACHE_FIELD(name, unit, help)                                                              \
    {                                                                                              \
#name, unit, offsetof(struct coffer_cache, name), help                                     \
    }

static const struct component_field cache_fields[] = {
    CACHE_FIELD(entries, GAUGE, "entries that it has memory for"),
    CACHE_FIELD(entries_peak, GAUGE, "most it ever had"),
    CACHE_FIELD(spare, GAUGE, "of them empty"),
    CACHE_FIELD(pinned, GAUGE, "of them in use now"),
    CACHE_FIELD(dirty, GAUGE, "of them changed and not yet written"),
    CACHE_FIELD(bytes, GAUGE_BYTES, "memory of all entries"),
    CACHE_FIELD(bytes_peak, GAUGE_BYTES, "most it ever was"),
    CACHE_FIELD(hits, COUNT, "found"),
    CACHE_FIELD(misses, COUNT, "not found"),
    CACHE_FIELD(waits, COUNT, "waits for another's load or write"),
    CACHE_FIELD(load_failures, COUNT, "loads that failed"),
    CACHE_FIELD(evictions, COUNT, "put out to make room"),
    CACHE_FIELD(expirations, COUNT, "put out for their age"),
    CACHE_FIELD(shrunk_bytes, COUNT_BYTES, "given back on request"),
    CACHE_FIELD(write_backs, COUNT, "entries written"),
    CACHE_FIELD(write_failures, COUNT, "writes that failed"),
    CACHE_FIELD(refusals, COUNT, "refused, as everything was in use"),
};

#define CACHE_FIELD_COUNT     (sizeof(cache_fields) / sizeof(cache_fields[0]))
#define COMPONENT_FIELD_COUNT (sizeof(component_fields) / sizeof(component_fields[0]))

static uint64_t value_at(const void *base, size_t offset)
{
    uint64_t value;

    memcpy(&value, (const uint8_t *)base + offset, sizeof(value));
    return value;
}

static bool is_bytes(enum unit unit)
{
    return unit == GAUGE_BYTES || unit == COUNT_BYTES;
}

static struct json_object *components_json(const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < statistics->component_count; i++) {
        const struct coffer_component *component = &statistics->components[i];
        struct json_object *value = json_object_new_object();

        json_object_object_add(value, "name", json_object_new_string(component->name));
        for (size_t k = 0; k < COMPONENT_FIELD_COUNT; k++)
            json_object_object_add(value, component_fields[k].name,
                                   json_of_u64(value_at(component, component_fields[k].offset)));
        json_object_array_add(array, value);
    }
    return array;
}

static struct json_object *caches_json(const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < statistics->cache_count; i++) {
        struct json_object *value = json_object_new_object();

        json_object_object_add(value, "name", json_object_new_string(statistics->caches[i].name));
        for (size_t k = 0; k < CACHE_FIELD_COUNT; k++)
            json_object_object_add(
                value, cache_fields[k].name,
                json_of_u64(value_at(&statistics->caches[i], cache_fields[k].offset)));
        json_object_array_add(array, value);
    }
    return array;
}

#define SOURCE_FIELD(name, unit, help)                                                             \
    {                                                                                              \
#name, unit, offsetof(struct coffer_source, name), help                                    \
    }

static const struct component_field source_fields[] = {
    SOURCE_FIELD(bytes, COUNT_BYTES, "memory that the source gave back"),
    SOURCE_FIELD(steps, COUNT, "times it was asked"),
    SOURCE_FIELD(ns, COUNT, "ns that it took"),
};

#define SOURCE_FIELD_COUNT (sizeof(source_fields) / sizeof(source_fields[0]))

static struct json_object *sources_json(const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < statistics->source_count; i++) {
        struct json_object *value = json_object_new_object();

        json_object_object_add(value, "name", json_object_new_string(statistics->sources[i].name));
        for (size_t k = 0; k < SOURCE_FIELD_COUNT; k++)
            json_object_object_add(
                value, source_fields[k].name,
                json_of_u64(value_at(&statistics->sources[i], source_fields[k].offset)));
        json_object_array_add(array, value);
    }
    return array;
}

#define TA_FIELD(name, unit, help)                                                                 \
    {                                                                                              \
#name, unit, offsetof(struct coffer_ta, name), help                                        \
    }

static const struct component_field ta_fields[] = {
    TA_FIELD(objects, GAUGE, "objects of the TA"),
    TA_FIELD(storage, GAUGE_BYTES, "their data"),
    TA_FIELD(storage_peak, GAUGE_BYTES, "most it ever was"),
    TA_FIELD(storage_refusals, COUNT, "changes refused for the quota"),
    TA_FIELD(handles, GAUGE, "handles on objects, and writers"),
    TA_FIELD(handles_peak, GAUGE, "most there ever were"),
    TA_FIELD(memory, GAUGE_BYTES, "secure memory for handles and what is open"),
    TA_FIELD(memory_peak, GAUGE_BYTES, "most it ever was"),
    TA_FIELD(memory_refusals, COUNT, "handles refused for the quota"),
};

#define TA_FIELD_COUNT (sizeof(ta_fields) / sizeof(ta_fields[0]))

static struct json_object *tas_json(const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < statistics->ta_count; i++) {
        const struct coffer_ta *ta = &statistics->tas[i];
        struct json_object *value = json_object_new_object();
        char text[COFFER_UUID_TEXT_SIZE];

        coffer_uuid_format(&ta->ta, text);
        json_object_object_add(value, "ta", json_object_new_string(text));
        for (size_t k = 0; k < TA_FIELD_COUNT; k++)
            json_object_object_add(value, ta_fields[k].name,
                                   json_of_u64(value_at(ta, ta_fields[k].offset)));
        json_object_array_add(array, value);
    }
    return array;
}

/* [k]: pauses from 2^k ns on. */
static struct json_object *lengths_json(const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < COFFER_PAUSES; i++)
        json_object_array_add(array, json_of_u64(statistics->collector_lengths[i]));
    return array;
}

struct json_object *statistics_json(const struct coffer_statistics *statistics)
{
    struct json_object *value = json_object_new_object();
    struct json_object *group = NULL;

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];

        if (i == 0 || strcmp(field->group, fields[i - 1].group) != 0) {
            group = json_object_new_object();
            json_object_object_add(value, field->group, group);
        }
        json_object_object_add(group, field->name,
                               json_of_u64(value_at(statistics, field->offset)));
    }
    if (json_object_object_get_ex(value, "memory", &group))
        json_object_object_add(group, "components", components_json(statistics));
    if (json_object_object_get_ex(value, "cache", &group))
        json_object_object_add(group, "caches", caches_json(statistics));
    if (json_object_object_get_ex(value, "collector", &group)) {
        json_object_object_add(group, "sources", sources_json(statistics));
        json_object_object_add(group, "pause_lengths", lengths_json(statistics));
    }
    if (statistics->ta_count > 0)
        json_object_object_add(value, "tas", tas_json(statistics));
    if (json_object_object_get_ex(value, "crypto", &group))
        json_object_object_add(group, "library",
                               json_object_new_string(statistics->crypto_library));
    return value;
}

/* coffer_GROUP_NAME, with the endings that the format's naming rules want. */
static void metric_name(const char *group, const char *name, enum unit unit, char *out, size_t size)
{
    bool counts = unit == COUNT || unit == COUNT_BYTES;
    const char *bytes = strstr(name, "bytes") == NULL && is_bytes(unit) ? "_bytes" : "";

    (void)snprintf(out, size, "coffer_%s_%s%s%s", group, name, bytes, counts ? "_total" : "");
}

static void print_head(const char *metric, enum unit unit, const char *help)
{
    printf("# HELP %s %s\n", metric, help);
    printf("# TYPE %s %s\n", metric, unit == COUNT || unit == COUNT_BYTES ? "counter" : "gauge");
}

/* A histogram in Prometheus' own form: each bucket counts all that was shorter. */
static void print_pauses(const struct coffer_statistics *statistics)
{
    const char *metric = "coffer_collector_pause_seconds";
    uint64_t count = 0;

    printf("# HELP %s steps of the collector that others may have waited for\n", metric);
    printf("# TYPE %s histogram\n", metric);
    for (unsigned i = 0; i + 1 < COFFER_PAUSES; i++) {
        count += statistics->collector_lengths[i];
        printf("%s_bucket{le=\"%.9f\"} %" PRIu64 "\n", metric, (double)(UINT64_C(2) << i) / 1e9,
               count);
    }
    printf("%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", metric, statistics->collector_pauses);
    printf("%s_sum %.9f\n", metric, (double)statistics->collector_pause_ns / 1e9);
    printf("%s_count %" PRIu64 "\n", metric, statistics->collector_pauses);
}

static void print_sources(const struct coffer_statistics *statistics)
{
    char metric[96];

    for (size_t k = 0; k < SOURCE_FIELD_COUNT; k++) {
        const struct component_field *field = &source_fields[k];

        metric_name("collector_source", field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        for (unsigned i = 0; i < statistics->source_count; i++)
            printf("%s{source=\"%s\"} %" PRIu64 "\n", metric, statistics->sources[i].name,
                   value_at(&statistics->sources[i], field->offset));
    }
}

static void print_tas(const struct coffer_statistics *statistics)
{
    char metric[96];

    for (size_t k = 0; k < TA_FIELD_COUNT && statistics->ta_count > 0; k++) {
        const struct component_field *field = &ta_fields[k];

        metric_name("ta", field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        for (unsigned i = 0; i < statistics->ta_count; i++) {
            char text[COFFER_UUID_TEXT_SIZE];

            coffer_uuid_format(&statistics->tas[i].ta, text);
            printf("%s{ta=\"%s\"} %" PRIu64 "\n", metric, text,
                   value_at(&statistics->tas[i], field->offset));
        }
    }
}

void statistics_print_prometheus(const struct coffer_statistics *statistics)
{
    char metric[96];

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];

        metric_name(field->group, field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        printf("%s %" PRIu64 "\n", metric, value_at(statistics, field->offset));
    }
    for (size_t k = 0; k < COMPONENT_FIELD_COUNT; k++) {
        const struct component_field *field = &component_fields[k];

        metric_name("component", field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        for (unsigned i = 0; i < statistics->component_count; i++)
            printf("%s{component=\"%s\"} %" PRIu64 "\n", metric, statistics->components[i].name,
                   value_at(&statistics->components[i], field->offset));
    }
    for (size_t k = 0; k < CACHE_FIELD_COUNT; k++) {
        const struct component_field *field = &cache_fields[k];

        metric_name("caches", field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        for (unsigned i = 0; i < statistics->cache_count; i++)
            printf("%s{cache=\"%s\"} %" PRIu64 "\n", metric, statistics->caches[i].name,
                   value_at(&statistics->caches[i], field->offset));
    }
    print_tas(statistics);
    print_sources(statistics);
    print_pauses(statistics);
}

static void size_cell(struct table *table, uint64_t size)
{
    char text[SIZE_TEXT_SIZE];

    size_format(size, text);
    table_cell(table, "%s", text);
}

void statistics_print_memory(const struct coffer_statistics *statistics)
{
    static const char *const heading[] = {"COMPONENT", "BYTES", "AT MOST",  "FRAMES",
                                          "AT MOST",   "TAKEN", "RETURNED", "REFUSED"};
    char total[SIZE_TEXT_SIZE], used[SIZE_TEXT_SIZE], peak[SIZE_TEXT_SIZE];
    struct table table;

    size_format(statistics->memory_total, total);
    size_format(statistics->memory_used, used);
    size_format(statistics->memory_peak, peak);
    printf("secure memory: %s, of which %s in use, %s at the peak\n\n", total, used, peak);
    table_init(&table, "<>>>>>>>");
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
        table_cell(&table, "%s", heading[i]);
    for (unsigned i = 0; i < statistics->component_count; i++) {
        const struct coffer_component *component = &statistics->components[i];

        if (component->held_peak == 0 && component->allocations == 0)
            continue;
        table_cell(&table, "%s", component->name);
        size_cell(&table, component->bytes);
        size_cell(&table, component->bytes_peak);
        size_cell(&table, component->held);
        size_cell(&table, component->held_peak);
        table_cell(&table, "%" PRIu64, component->allocations);
        table_cell(&table, "%" PRIu64, component->frees);
        table_cell(&table, "%" PRIu64, component->refusals);
    }
    table_finish(&table, true);
}

void statistics_print_caches(const struct coffer_statistics *statistics)
{
    static const char *const heading[] = {"CACHE", "ENTRIES", "AT MOST", "SPARE",  "PINNED",
                                          "DIRTY", "MEMORY",  "HITS",    "MISSES", "EVICTED"};
    struct table table;

    table_init(&table, "<>>>>>>>>>");
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
        table_cell(&table, "%s", heading[i]);
    for (unsigned i = 0; i < statistics->cache_count; i++) {
        const struct coffer_cache *cache = &statistics->caches[i];

        table_cell(&table, "%s", cache->name);
        table_cell(&table, "%" PRIu64, cache->entries);
        table_cell(&table, "%" PRIu64, cache->entries_peak);
        table_cell(&table, "%" PRIu64, cache->spare);
        table_cell(&table, "%" PRIu64, cache->pinned);
        table_cell(&table, "%" PRIu64, cache->dirty);
        size_cell(&table, cache->bytes);
        table_cell(&table, "%" PRIu64, cache->hits);
        table_cell(&table, "%" PRIu64, cache->misses);
        table_cell(&table, "%" PRIu64, cache->evictions);
    }
    table_finish(&table, true);
}

void statistics_print_tas(const struct coffer_statistics *statistics)
{
    static const char *const heading[] = {"TA", "OBJECTS", "DATA"};
    struct table table;

    table_init(&table, "<>>");
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
        table_cell(&table, "%s", heading[i]);
    for (unsigned i = 0; i < statistics->ta_count; i++) {
        char text[COFFER_UUID_TEXT_SIZE];

        coffer_uuid_format(&statistics->tas[i].ta, text);
        table_cell(&table, "%s", text);
        table_cell(&table, "%" PRIu64, statistics->tas[i].objects);
        size_cell(&table, statistics->tas[i].storage);
    }
    table_finish(&table, true);
}

void statistics_print_collector(const struct coffer_statistics *statistics)
{
    static const char *const heading[] = {"COLLECTED FROM", "MEMORY", "STEPS", "US"};
    struct table table;

    table_init(&table, "<>>>");
    for (size_t i = 0; i < sizeof(heading) / sizeof(heading[0]); i++)
        table_cell(&table, "%s", heading[i]);
    for (unsigned i = 0; i < statistics->source_count; i++) {
        table_cell(&table, "%s", statistics->sources[i].name);
        size_cell(&table, statistics->sources[i].bytes);
        table_cell(&table, "%" PRIu64, statistics->sources[i].steps);
        table_cell(&table, "%" PRIu64, statistics->sources[i].ns / 1000);
    }
    table_finish(&table, true);
}

void statistics_print_counters(const struct coffer_statistics *statistics)
{
    struct table table;

    table_init(&table, "<><");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        uint64_t value = value_at(statistics, field->offset);

        table_cell(&table, "%s %s", field->group, field->name);
        if (is_bytes(field->unit))
            size_cell(&table, value);
        else
            table_cell(&table, "%" PRIu64, value);
        table_cell(&table, "%s", field->help);
    }
    table_finish(&table, false);
    printf("\ncrypto library: %s\n", statistics->crypto_library);
}
