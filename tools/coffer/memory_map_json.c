/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of a memory system for programs, and the words of both maps. */
#include "memory_map.h"

#include <stdlib.h>

#include "output.h"
#include "report.h"

#define OWNERS_MAX 256u

/* Owners by their index. */
struct owners {
    struct coffer_owner_statistics lines[OWNERS_MAX];
    bool open[OWNERS_MAX];
};

unsigned memory_map_fragmentation(const struct coffer_memory_statistics *statistics)
{
    if (statistics->free == 0)
        return 0;
    return (unsigned)(100 - statistics->largest_run * 100 / statistics->free);
}

const char *memory_map_policy(enum coffer_pool_policy policy)
{
    return policy == COFFER_POOL_FAST ? "fast" : "little";
}

const char *memory_map_kind(enum coffer_space_kind kind)
{
    switch (kind) {
    case COFFER_SPACE_KERNEL:
        return "kernel";
    case COFFER_SPACE_VMALLOC:
        return "vmalloc";
    case COFFER_SPACE_USER:
        break;
    }
    return "user";
}

static struct owners *read_owners(struct coffer_memory *memory)
{
    struct owners *owners = must_have(calloc(1, sizeof(*owners)));
    struct coffer_owner_statistics line;
    unsigned cursor = 0;

    while (coffer_memory_next_owner(memory, &cursor, &line)) {
        owners->lines[line.owner.index] = line;
        owners->open[line.owner.index] = true;
    }
    return owners;
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
    json_object_object_add(object, name, json_of_u64(value));
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

static void add_truth(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

static const char *state_name(enum coffer_frame_state state)
{
    switch (state) {
    case COFFER_FRAME_RESERVED:
        return "metadata";
    case COFFER_FRAME_FREE:
        return "free";
    case COFFER_FRAME_USED:
        return "used";
    case COFFER_FRAME_FOREIGN:
        break;
    }
    return "foreign";
}

static bool is_alike(const struct coffer_frame *a, const struct coffer_frame *b)
{
    return a->state == b->state &&
           (a->state != COFFER_FRAME_USED || a->owner.index == b->owner.index);
}

/* One area, as stretches of frames that are alike. */
static struct json_object *area_json(struct coffer_memory *memory, const struct coffer_area *area,
                                     const struct owners *owners)
{
    size_t count = area->size / COFFER_FRAME_SIZE;
    struct json_object *value = json_object_new_object();
    struct json_object *stretches = json_object_new_array();
    size_t from = 0;

    add_number(value, "frames", count);
    while (from < count) {
        const uint8_t *start = area->address;
        struct json_object *stretch = json_object_new_object();
        struct coffer_frame first;
        struct coffer_frame next;
        size_t to = from;

        coffer_frames_query(memory, start + from * COFFER_FRAME_SIZE, &first);
        do {
            if (++to == count)
                break;
            coffer_frames_query(memory, start + to * COFFER_FRAME_SIZE, &next);
        } while (is_alike(&first, &next));
        add_number(stretch, "frame", from);
        add_number(stretch, "count", to - from);
        add_text(stretch, "state", state_name(first.state));
        if (first.state == COFFER_FRAME_USED)
            add_text(stretch, "owner", owners->lines[first.owner.index].name);
        json_object_array_add(stretches, stretch);
        from = to;
    }
    json_object_object_add(value, "stretches", stretches);
    return value;
}

static struct json_object *frames_json(struct coffer_memory *memory, const struct owners *owners)
{
    struct coffer_memory_statistics statistics;
    struct json_object *value = json_object_new_object();
    struct json_object *orders = json_object_new_array();
    struct json_object *areas = json_object_new_array();
    struct coffer_area area;

    coffer_memory_statistics(memory, &statistics);
    add_number(value, "total", statistics.total);
    add_number(value, "metadata", statistics.reserved);
    add_number(value, "used", statistics.used);
    add_number(value, "used_peak", statistics.used_peak);
    add_number(value, "free", statistics.free);
    add_number(value, "cached", statistics.cached);
    add_number(value, "largest_run", statistics.largest_run);
    add_number(value, "fragmentation_percent", memory_map_fragmentation(&statistics));
    add_number(value, "low", statistics.low);
    add_number(value, "high", statistics.high);
    add_number(value, "low_events", statistics.low_events);
    add_number(value, "wrong_frees", statistics.wrong_frees);
    add_truth(value, "locked", statistics.locked);
    add_truth(value, "secret", statistics.secret);
    for (unsigned i = 0; i < COFFER_ORDER_COUNT; i++)
        json_object_array_add(orders, json_of_u64(statistics.free_blocks[i]));
    json_object_object_add(value, "free_blocks_by_order", orders);
    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++)
        json_object_array_add(areas, area_json(memory, &area, owners));
    json_object_object_add(value, "areas", areas);
    return value;
}

static struct json_object *owners_json(const struct owners *owners)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < OWNERS_MAX; i++) {
        const struct coffer_owner_statistics *line = &owners->lines[i];
        struct json_object *value;

        if (!owners->open[i])
            continue;
        value = json_object_new_object();
        add_text(value, "name", line->name);
        add_number(value, "frames", line->frames);
        add_number(value, "frames_peak", line->frames_peak);
        json_object_object_add(value, "quota",
                               line->quota == UINT64_MAX ? NULL : json_of_u64(line->quota));
        add_number(value, "takes", line->takes);
        add_number(value, "gives", line->gives);
        add_number(value, "refusals", line->refusals);
        json_object_array_add(array, value);
    }
    return array;
}

static struct json_object *pools_json(struct coffer_memory *memory)
{
    struct json_object *array = json_object_new_array();
    struct coffer_pool *pool = NULL;

    while ((pool = coffer_memory_next_pool(memory, pool)) != NULL) {
        struct coffer_pool_statistics statistics;
        struct json_object *value = json_object_new_object();

        coffer_pool_statistics(pool, &statistics);
        add_text(value, "name", statistics.name);
        add_text(value, "policy", memory_map_policy(statistics.policy));
        add_number(value, "size", statistics.size);
        add_number(value, "used", statistics.used);
        add_number(value, "used_peak", statistics.used_peak);
        add_number(value, "free", statistics.free);
        add_number(value, "largest_free", coffer_pool_largest_free(pool));
        add_number(value, "blocks", statistics.blocks);
        add_number(value, "free_blocks", statistics.free_blocks);
        add_number(value, "allocations", statistics.allocations);
        add_number(value, "frees", statistics.frees);
        add_number(value, "refusals", statistics.refusals);
        add_number(value, "wrong_frees", statistics.wrong_frees);
        add_number(value, "spans", statistics.spans);
        add_number(value, "areas", statistics.areas);
        add_number(value, "frames", statistics.frames);
        json_object_array_add(array, value);
    }
    return array;
}

static struct json_object *spaces_json(struct coffer_memory *memory)
{
    struct json_object *array = json_object_new_array();
    struct coffer_space *space = NULL;

    while ((space = coffer_space_next(memory, space)) != NULL) {
        struct coffer_space_info info;
        struct json_object *value = json_object_new_object();

        coffer_space_info(space, &info);
        add_text(value, "name", info.name);
        add_text(value, "kind", memory_map_kind(info.kind));
        add_number(value, "size", info.size);
        add_number(value, "regions", info.regions);
        add_number(value, "mapped", info.mapped);
        add_number(value, "resident_pages", info.resident);
        add_number(value, "swapped_pages", info.swapped);
        add_number(value, "pinned_pages", info.pinned);
        add_number(value, "table_frames", info.table_frames);
        add_number(value, "faults", info.faults);
        add_number(value, "zero_fills", info.zero_fills);
        add_number(value, "copies", info.copies);
        add_number(value, "page_ins", info.page_ins);
        add_number(value, "page_outs", info.page_outs);
        add_text(value, "status", coffer_status_name(info.status));
        json_object_array_add(array, value);
    }
    return array;
}

static struct json_object *paging_json(struct coffer_memory *memory)
{
    struct json_object *value = json_object_new_object();
    struct coffer_paging_statistics statistics;

    coffer_paging_statistics(memory, &statistics);
    add_number(value, "active", statistics.active);
    add_number(value, "inactive", statistics.inactive);
    add_number(value, "pinned", statistics.pinned);
    add_number(value, "swapped", statistics.swapped);
    add_number(value, "slots", statistics.slots);
    add_number(value, "slots_used", statistics.slots_used);
    add_number(value, "faults", statistics.faults);
    add_number(value, "page_ins", statistics.page_ins);
    add_number(value, "page_outs", statistics.page_outs);
    add_number(value, "page_drops", statistics.page_drops);
    add_number(value, "second_chances", statistics.second_chances);
    add_number(value, "corrupt_pages", statistics.corrupt_pages);
    return value;
}

struct json_object *memory_map_json(struct coffer_memory *memory)
{
    struct json_object *value = json_object_new_object();
    struct owners *owners = read_owners(memory);

    json_object_object_add(value, "frames", frames_json(memory, owners));
    json_object_object_add(value, "owners", owners_json(owners));
    json_object_object_add(value, "pools", pools_json(memory));
    json_object_object_add(value, "spaces", spaces_json(memory));
    json_object_object_add(value, "paging", paging_json(memory));
    free(owners);
    return value;
}
