/* SPDX-License-Identifier: BSD-2-Clause */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "coffer/linux.h"
#include "output.h"
#include "sizes.h"

#define ANYWHERE ((uintptr_t)1 << 20)

struct floating {
    const char *name;
    uint64_t value;
    bool is_size;
    const char *text;
};

#define FLOATING_COUNT 9

static void list_floating(const struct coffer_plan *plan, struct floating out[FLOATING_COUNT])
{
    const struct floating all[FLOATING_COUNT] = {
        {"caches_max", plan->caches_max, true, "nodes and blocks together, at most"},
        {"buffers_idle", plan->buffers_idle, true, "buffers that wait for the next who needs any"},
        {"cached_objects", plan->cached_objects, false, "objects that stay open, at most"},
        {"object_bytes", plan->object_bytes, true, "each of them, and each open one"},
        {"names_per_1000", plan->names_per_1000, true, "names of a thousand objects"},
        {"low", plan->low, true, "free: less, and the collector begins"},
        {"high", plan->high, true, "free: it ends, and caches leave so much to others"},
        {"interval_ms", plan->interval_ms, false, "ms between two rounds of it"},
        {"timeout_ms", plan->timeout_ms, false, "ms until what nobody uses is forgotten; 0: never"},
    };

    for (unsigned i = 0; i < FLOATING_COUNT; i++)
        out[i] = all[i];
}

static struct json_object *plan_json(const struct coffer_plan *plan)
{
    struct json_object *value = json_object_new_object();
    struct json_object *items = json_object_new_array();
    struct json_object *rest = json_object_new_object();
    struct floating floating[FLOATING_COUNT];

    json_object_object_add(value, "total", json_of_u64(plan->total));
    json_object_object_add(value, "needed", json_of_u64(plan->needed));
    json_object_object_add(value, "aside", json_of_u64(plan->aside));
    json_object_object_add(value, "floating", json_of_u64(plan->floating));
    json_object_object_add(value, "fits", json_object_new_boolean(plan->fits));
    for (unsigned i = 0; i < plan->item_count; i++) {
        struct json_object *item = json_object_new_object();

        json_object_object_add(item, "name", json_object_new_string(plan->items[i].name));
        json_object_object_add(item, "bytes", json_of_u64(plan->items[i].bytes));
        json_object_object_add(item, "text", json_object_new_string(plan->items[i].text));
        json_object_array_add(items, item);
    }
    json_object_object_add(value, "items", items);
    list_floating(plan, floating);
    for (unsigned i = 0; i < FLOATING_COUNT; i++)
        json_object_object_add(rest, floating[i].name, json_of_u64(floating[i].value));
    json_object_object_add(value, "how_it_floats", rest);
    return value;
}

static void size_cell(struct table *table, uint64_t size)
{
    char text[SIZE_TEXT_SIZE];

    size_format(size, text);
    table_cell(table, "%s", text);
}

static void print_plan(const struct coffer_plan *plan)
{
    char total[SIZE_TEXT_SIZE], aside[SIZE_TEXT_SIZE], rest[SIZE_TEXT_SIZE];
    struct floating floating[FLOATING_COUNT];
    struct table table;

    size_format(plan->total, total);
    size_format(plan->aside, aside);
    size_format(plan->floating, rest);
    printf("secure memory: %s, of which %s set aside, %s floating\n\n", total, aside, rest);
    table_init(&table, "<><");
    table_cell(&table, "SET ASIDE");
    table_cell(&table, "BYTES");
    table_cell(&table, "FOR");
    for (unsigned i = 0; i < plan->item_count; i++) {
        table_cell(&table, "%s", plan->items[i].name);
        size_cell(&table, plan->items[i].bytes);
        table_cell(&table, "%s", plan->items[i].text);
    }
    table_finish(&table, true);
    putchar('\n');
    list_floating(plan, floating);
    table_init(&table, "<><");
    table_cell(&table, "FLOATING");
    table_cell(&table, "MUCH");
    table_cell(&table, "WHAT");
    for (unsigned i = 0; i < FLOATING_COUNT; i++) {
        table_cell(&table, "%s", floating[i].name);
        if (floating[i].is_size)
            size_cell(&table, floating[i].value);
        else
            table_cell(&table, "%" PRIu64, floating[i].value);
        table_cell(&table, "%s", floating[i].text);
    }
    table_finish(&table, true);
}

enum exit_status plan_show(struct options *options)
{
    /* Only its size is looked at. */
    const struct coffer_area area = {
        .address = (void *)ANYWHERE, /* NOLINT(performance-no-int-to-ptr) */
        .size = options->memory != 0 ? options->memory : COFFER_LINUX_MEMORY_DEFAULT,
    };
    const struct coffer_config config = {.port = coffer_linux_port(),
                                         .areas = &area,
                                         .area_count = 1,
                                         .cached_objects = options->cached_objects};
    struct coffer_plan plan;
    char needed[SIZE_TEXT_SIZE];
    enum coffer_status status = coffer_plan(&config, &plan);

    if (status != COFFER_OK)
        return fail_status(options, status, status == COFFER_NO_MEMORY ? LEAST_MEMORY_ADVICE : NULL,
                           "stats: plan");
    if (options->json)
        (void)output_json(plan_json(&plan));
    else
        print_plan(&plan);
    if (plan.fits)
        return EXIT_DONE;
    size_format(plan.needed, needed);
    return fail_status(options, COFFER_NO_MEMORY, "give --memory as much as is needed",
                       "stats: plan: %s are needed", needed);
}
