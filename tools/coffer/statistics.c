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

struct row_field {
    enum unit unit;
    const char *name;
    size_t offset;
    const char *help;
};

#define ROW_FIELD(type, member, unit, help)                                                        \
    {                                                                                              \
        unit, #member, offsetof(struct type, member), help                                         \
    }

static const struct row_field component_fields[] = {
    ROW_FIELD(coffer_component, bytes, GAUGE_BYTES, "allocated to the component"),
    ROW_FIELD(coffer_component, bytes_peak, GAUGE_BYTES, "most ever allocated to it"),
    ROW_FIELD(coffer_component, held, GAUGE_BYTES, "whole frames that it holds"),
    ROW_FIELD(coffer_component, held_peak, GAUGE_BYTES, "most ever held"),
    ROW_FIELD(coffer_component, allocations, COUNT, "allocations"),
    ROW_FIELD(coffer_component, frees, COUNT, "frees"),
    ROW_FIELD(coffer_component, refusals, COUNT, "allocations refused"),
};

static const struct row_field cache_fields[] = {
    ROW_FIELD(coffer_cache, entries, GAUGE, "entries that it has memory for"),
    ROW_FIELD(coffer_cache, entries_peak, GAUGE, "most it ever had"),
    ROW_FIELD(coffer_cache, spare, GAUGE, "of them empty"),
    ROW_FIELD(coffer_cache, pinned, GAUGE, "of them in use now"),
    ROW_FIELD(coffer_cache, dirty, GAUGE, "of them changed and not yet written"),
    ROW_FIELD(coffer_cache, bytes, GAUGE_BYTES, "memory of all entries"),
    ROW_FIELD(coffer_cache, bytes_peak, GAUGE_BYTES, "most it ever was"),
    ROW_FIELD(coffer_cache, hits, COUNT, "found"),
    ROW_FIELD(coffer_cache, misses, COUNT, "not found"),
    ROW_FIELD(coffer_cache, waits, COUNT, "waits for another's load or write"),
    ROW_FIELD(coffer_cache, load_failures, COUNT, "loads that failed"),
    ROW_FIELD(coffer_cache, evictions, COUNT, "put out to make room"),
    ROW_FIELD(coffer_cache, expirations, COUNT, "put out for their age"),
    ROW_FIELD(coffer_cache, shrunk_bytes, COUNT_BYTES, "given back on request"),
    ROW_FIELD(coffer_cache, write_backs, COUNT, "entries written"),
    ROW_FIELD(coffer_cache, write_failures, COUNT, "writes that failed"),
    ROW_FIELD(coffer_cache, refusals, COUNT, "refused, as everything was in use"),
};

static const struct row_field source_fields[] = {
    ROW_FIELD(coffer_source, bytes, COUNT_BYTES, "memory that the source gave back"),
    ROW_FIELD(coffer_source, steps, COUNT, "times it was asked"),
    ROW_FIELD(coffer_source, ns, COUNT, "ns that it took"),
};

static const struct row_field ta_fields[] = {
    ROW_FIELD(coffer_ta, objects, GAUGE, "objects of the TA"),
    ROW_FIELD(coffer_ta, storage, GAUGE_BYTES, "their data"),
    ROW_FIELD(coffer_ta, storage_peak, GAUGE_BYTES, "most it ever was"),
    ROW_FIELD(coffer_ta, storage_taken, GAUGE_BYTES, "data that open writers have in the making"),
    ROW_FIELD(coffer_ta, storage_refusals, COUNT, "changes refused for the quota"),
    ROW_FIELD(coffer_ta, handles, GAUGE, "handles on objects, and writers"),
    ROW_FIELD(coffer_ta, handles_peak, GAUGE, "most there ever were"),
    ROW_FIELD(coffer_ta, memory, GAUGE_BYTES, "secure memory for handles and what is open"),
    ROW_FIELD(coffer_ta, memory_peak, GAUGE_BYTES, "most it ever was"),
    ROW_FIELD(coffer_ta, memory_refusals, COUNT, "handles refused for the quota"),
};

/* What there are several of, each with a name and numbers. */
struct rows {
    const char *json_name; /* of what names one, in JSON */
    const char *label;     /* the same, of a metric */
    const char *group;     /* of its metrics */
    const struct row_field *fields;
    size_t field_count;
    size_t first, count; /* offsets of the rows, and of how many there are */
    size_t size;         /* of one */
    const char *(*name)(const void *row, char text[COFFER_UUID_TEXT_SIZE]);
};

/* The first member of all but TAs. */
static const char *name_of_row(const void *row, char text[COFFER_UUID_TEXT_SIZE])
{
    const char *name;

    (void)text;
    memcpy(&name, row, sizeof(name));
    return name;
}

static const char *name_of_ta(const void *row, char text[COFFER_UUID_TEXT_SIZE])
{
    coffer_uuid_format(&((const struct coffer_ta *)row)->ta, text);
    return text;
}

#define ROWS(json_name, label, group, fields, all, all_count, name)                                \
    {                                                                                              \
        json_name, label, group, fields, sizeof(fields) / sizeof((fields)[0]),                     \
            offsetof(struct coffer_statistics, all),                                               \
            offsetof(struct coffer_statistics, all_count),                                         \
            sizeof(((struct coffer_statistics *)NULL)->all[0]), name                               \
    }

static const struct rows components = ROWS("name", "component", "component", component_fields,
                                           components, component_count, name_of_row);
static const struct rows caches = ROWS("name", "cache", "caches", cache_fields, caches, cache_count,
                                       name_of_row);
static const struct rows sources = ROWS("name", "source", "collector_source", source_fields,
                                        sources, source_count, name_of_row);
static const struct rows tas = ROWS("ta", "ta", "ta", ta_fields, tas, ta_count, name_of_ta);

static unsigned rows_count(const struct rows *rows, const struct coffer_statistics *statistics)
{
    unsigned count;

    memcpy(&count, (const uint8_t *)statistics + rows->count, sizeof(count));
    return count;
}

static const void *row_at(const struct rows *rows, const struct coffer_statistics *statistics,
                          unsigned i)
{
    return (const uint8_t *)statistics + rows->first + i * rows->size;
}

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

static struct json_object *rows_json(const struct rows *rows,
                                     const struct coffer_statistics *statistics)
{
    struct json_object *array = json_object_new_array();
    char text[COFFER_UUID_TEXT_SIZE];

    for (unsigned i = 0; i < rows_count(rows, statistics); i++) {
        const void *row = row_at(rows, statistics, i);
        struct json_object *value = json_object_new_object();

        json_object_object_add(value, rows->json_name,
                               json_object_new_string(rows->name(row, text)));
        for (size_t k = 0; k < rows->field_count; k++)
            json_object_object_add(value, rows->fields[k].name,
                                   json_of_u64(value_at(row, rows->fields[k].offset)));
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
        json_object_object_add(group, "components", rows_json(&components, statistics));
    if (json_object_object_get_ex(value, "cache", &group))
        json_object_object_add(group, "caches", rows_json(&caches, statistics));
    if (json_object_object_get_ex(value, "collector", &group)) {
        json_object_object_add(group, "sources", rows_json(&sources, statistics));
        json_object_object_add(group, "pause_lengths", lengths_json(statistics));
    }
    if (statistics->ta_count > 0)
        json_object_object_add(value, "tas", rows_json(&tas, statistics));
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

static void print_rows(const struct rows *rows, const struct coffer_statistics *statistics)
{
    unsigned count = rows_count(rows, statistics);
    char text[COFFER_UUID_TEXT_SIZE];
    char metric[96];

    for (size_t k = 0; k < rows->field_count && count > 0; k++) {
        const struct row_field *field = &rows->fields[k];

        metric_name(rows->group, field->name, field->unit, metric, sizeof(metric));
        print_head(metric, field->unit, field->help);
        for (unsigned i = 0; i < count; i++) {
            const void *row = row_at(rows, statistics, i);

            printf("%s{%s=\"%s\"} %" PRIu64 "\n", metric, rows->label, rows->name(row, text),
                   value_at(row, field->offset));
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
    print_rows(&components, statistics);
    print_rows(&caches, statistics);
    print_rows(&tas, statistics);
    print_rows(&sources, statistics);
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
