/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_map.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "report.h"
#include "sizes.h"

#define OWNERS_MAX 256u
#define ROW_CELLS  64u
#define CELLS_MAX  (16u * ROW_CELLS)
#define FREE       '.'
#define METADATA   '#'

/* Owners by their index. */
struct owners {
    struct coffer_owner_statistics lines[OWNERS_MAX];
    bool open[OWNERS_MAX];
    char letters[OWNERS_MAX];
};

/* The first letter of the name that no other has; '?' when all of them are taken. */
static char letter_of(const char *name, const char *taken)
{
    for (const char *p = name; *p != '\0'; p++) {
        if (isalnum((unsigned char)*p) && strchr(taken, toupper((unsigned char)*p)) == NULL)
            return (char)toupper((unsigned char)*p);
        if (isalnum((unsigned char)*p) && strchr(taken, tolower((unsigned char)*p)) == NULL)
            return (char)tolower((unsigned char)*p);
    }
    for (char c = '0'; c <= '9'; c++) {
        if (strchr(taken, c) == NULL)
            return c;
    }
    return '?';
}

static struct owners *read_owners(struct coffer_memory *memory)
{
    struct owners *owners = must_have(calloc(1, sizeof(*owners)));
    struct coffer_owner_statistics line;
    char taken[OWNERS_MAX + 1] = "";
    size_t count = 0;
    unsigned cursor = 0;

    while (coffer_memory_next_owner(memory, &cursor, &line)) {
        unsigned index = line.owner.index;

        owners->lines[index] = line;
        owners->open[index] = true;
        owners->letters[index] = letter_of(line.name, taken);
        taken[count++] = owners->letters[index];
        taken[count] = '\0';
    }
    return owners;
}

/* How much of the free memory can't be had in one run, in per cent. */
static unsigned fragmentation(const struct coffer_memory_statistics *statistics)
{
    if (statistics->free == 0)
        return 0;
    return (unsigned)(100 - statistics->largest_run * 100 / statistics->free);
}

/* --- For programs ------------------------------------------------------------------------ */

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
    add_number(value, "fragmentation_percent", fragmentation(&statistics));
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

static const char *policy_name(enum coffer_pool_policy policy)
{
    return policy == COFFER_POOL_FAST ? "fast" : "little";
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
        add_text(value, "policy", policy_name(statistics.policy));
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

static const char *kind_name(enum coffer_space_kind kind)
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

static struct json_object *spaces_json(struct coffer_memory *memory)
{
    struct json_object *array = json_object_new_array();
    struct coffer_space *space = NULL;

    while ((space = coffer_space_next(memory, space)) != NULL) {
        struct coffer_space_info info;
        struct json_object *value = json_object_new_object();

        coffer_space_info(space, &info);
        add_text(value, "name", info.name);
        add_text(value, "kind", kind_name(info.kind));
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

/* --- For people -------------------------------------------------------------------------- */

/* Background colours that a black letter can be read on. */
static const unsigned char palette[] = {110, 150, 180, 174, 139, 109, 186, 152, 216, 146, 114, 223};

static unsigned colour_of(unsigned index)
{
    return palette[index % sizeof(palette)];
}

static void put_cell(char letter, unsigned index, bool fancy)
{
    if (!fancy)
        putchar(letter);
    else if (letter == FREE)
        printf("\033[38;5;244m%c\033[0m", letter);
    else if (letter == METADATA)
        printf("\033[48;5;240m\033[38;5;255m%c\033[0m", letter);
    else
        printf("\033[48;5;%um\033[38;5;16m%c\033[0m", colour_of(index), letter);
}

/* What fills most of `count` frames: an owner's index, or one of the two that follow. */
enum { MOSTLY_FREE = OWNERS_MAX, MOSTLY_METADATA, MOSTLY_COUNT };

static unsigned look_at(struct coffer_memory *memory, const uint8_t *start, size_t count)
{
    unsigned counts[MOSTLY_COUNT] = {0};
    unsigned most = MOSTLY_FREE;

    for (size_t i = 0; i < count; i++) {
        struct coffer_frame frame;
        unsigned what;

        coffer_frames_query(memory, start + i * COFFER_FRAME_SIZE, &frame);
        what = frame.state == COFFER_FRAME_USED   ? frame.owner.index
               : frame.state == COFFER_FRAME_FREE ? (unsigned)MOSTLY_FREE
                                                  : (unsigned)MOSTLY_METADATA;
        counts[what]++;
        if (counts[what] > counts[most])
            most = what;
    }
    return most;
}

static unsigned print_area(struct coffer_memory *memory, const struct coffer_area *area,
                           const struct owners *owners, size_t cell)
{
    size_t count = area->size / COFFER_FRAME_SIZE;
    bool fancy = output_is_fancy();
    unsigned lines = 0;

    for (size_t from = 0; from < count; from += cell * ROW_CELLS) {
        printf("%9zu  ", from);
        for (size_t at = from; at < from + cell * ROW_CELLS && at < count; at += cell) {
            size_t here = count - at < cell ? count - at : cell;
            unsigned most = look_at(memory, (const uint8_t *)area->address + at * COFFER_FRAME_SIZE,
                                    here);

            if (most == MOSTLY_FREE)
                put_cell(FREE, 0, fancy);
            else if (most == MOSTLY_METADATA)
                put_cell(METADATA, 0, fancy);
            else
                put_cell(owners->letters[most], most, fancy);
        }
        printf("\n");
        lines++;
    }
    return lines;
}

static unsigned print_frames(struct coffer_memory *memory, const struct owners *owners)
{
    struct coffer_memory_statistics statistics;
    struct coffer_area area;
    char total[SIZE_TEXT_SIZE];
    unsigned lines = 0;
    size_t cell = 1;

    coffer_memory_statistics(memory, &statistics);
    while ((statistics.total + cell - 1) / cell > CELLS_MAX)
        cell *= 2;
    size_format(statistics.total * COFFER_FRAME_SIZE, total);
    printf("secure memory: %s in %" PRIu64 " frames; %" PRIu64 " metadata, %" PRIu64
           " used (%" PRIu64 " at most), %" PRIu64 " free\n",
           total, statistics.total, statistics.reserved, statistics.used, statistics.used_peak,
           statistics.free);
    printf("%s, %s core dumps; pressure below %" PRIu64 " free frames, so far %" PRIu64 " times\n",
           statistics.locked ? "locked into RAM" : "may be swapped out by the system",
           statistics.secret ? "out of the kernel's reach and of" : "left out of", statistics.low,
           statistics.low_events);
    lines += 2;
    for (unsigned i = 0; coffer_memory_area(memory, i, &area); i++) {
        printf("\n    FRAME  a letter is %s%zu frame%s\n", cell == 1 ? "" : "mostly of ", cell,
               cell == 1 ? "" : "s");
        lines += 2 + print_area(memory, &area, owners, cell);
    }
    printf("\nfree blocks of 2^n frames:");
    for (unsigned i = 0; i < COFFER_ORDER_COUNT; i++)
        printf(" %" PRIu64, statistics.free_blocks[i]);
    printf("; largest run %" PRIu64 ", fragmentation %u %%\n\n", statistics.largest_run,
           fragmentation(&statistics));
    return lines + 3;
}

static void number_cell(struct table *table, uint64_t number)
{
    table_cell(table, "%" PRIu64, number);
}

static void size_cell(struct table *table, uint64_t size)
{
    char text[SIZE_TEXT_SIZE];

    size_format(size, text);
    table_cell(table, "%s", text);
}

static void heading(struct table *table, const char *const *names)
{
    for (unsigned i = 0; i < table->columns; i++)
        table_cell(table, "%s", names[i]);
}

static unsigned print_owners(const struct owners *owners)
{
    static const char *const names[] = {"", "OWNER", "FRAMES", "AT MOST", "QUOTA", "TAKEN"};
    struct table table;
    unsigned lines = 2;

    table_init(&table, "<<>>>>");
    heading(&table, names);
    for (unsigned i = 0; i < OWNERS_MAX; i++) {
        const struct coffer_owner_statistics *line = &owners->lines[i];

        if (!owners->open[i])
            continue;
        table_cell(&table, "%c", owners->letters[i]);
        table_cell(&table, "%s", line->name);
        number_cell(&table, line->frames);
        number_cell(&table, line->frames_peak);
        if (line->quota == UINT64_MAX)
            table_cell(&table, "-");
        else
            number_cell(&table, line->quota);
        number_cell(&table, line->takes);
        lines++;
    }
    table_finish(&table, true);
    putchar('\n');
    return lines;
}

static unsigned print_pools(struct coffer_memory *memory)
{
    static const char *const names[] = {"POOL", "POLICY", "SIZE",  "USED",
                                        "FREE", "BLOCKS", "SPANS", "WRONG FREES"};
    struct coffer_pool *pool = NULL;
    struct table table;
    unsigned lines = 2;

    table_init(&table, "<<>>>>>>");
    heading(&table, names);
    while ((pool = coffer_memory_next_pool(memory, pool)) != NULL) {
        struct coffer_pool_statistics statistics;

        coffer_pool_statistics(pool, &statistics);
        table_cell(&table, "%s", statistics.name);
        table_cell(&table, "%s", policy_name(statistics.policy));
        size_cell(&table, statistics.size);
        size_cell(&table, statistics.used);
        size_cell(&table, statistics.free);
        number_cell(&table, statistics.blocks);
        number_cell(&table, statistics.spans);
        number_cell(&table, statistics.wrong_frees);
        lines++;
    }
    table_finish(&table, true);
    return lines;
}

static unsigned print_spaces(struct coffer_memory *memory)
{
    static const char *const names[] = {"SPACE",   "KIND",   "MAPPED", "RESIDENT",
                                        "SWAPPED", "PINNED", "FAULTS", "IN/OUT"};
    struct coffer_space *space = coffer_space_next(memory, NULL);
    struct coffer_paging_statistics paging;
    struct table table;
    unsigned lines = 4;

    if (space == NULL)
        return 0;
    putchar('\n');
    table_init(&table, "<<>>>>>>");
    heading(&table, names);
    for (; space != NULL; space = coffer_space_next(memory, space)) {
        struct coffer_space_info info;

        coffer_space_info(space, &info);
        table_cell(&table, "%s", info.name);
        table_cell(&table, "%s", info.status == COFFER_OK ? kind_name(info.kind) : "killed");
        size_cell(&table, info.mapped);
        number_cell(&table, info.resident);
        number_cell(&table, info.swapped);
        number_cell(&table, info.pinned);
        number_cell(&table, info.faults);
        table_cell(&table, "%" PRIu64 "/%" PRIu64, info.page_ins, info.page_outs);
        lines++;
    }
    table_finish(&table, true);
    coffer_paging_statistics(memory, &paging);
    printf("\npages: %" PRIu64 " active, %" PRIu64 " inactive, %" PRIu64 " swapped to %" PRIu64
           " of %" PRIu64 " slots\n",
           paging.active, paging.inactive, paging.swapped, paging.slots_used, paging.slots);
    return lines + 1;
}

unsigned memory_map_print(struct coffer_memory *memory)
{
    struct owners *owners = read_owners(memory);
    unsigned lines = print_frames(memory, owners);

    lines += print_owners(owners);
    lines += print_pools(memory);
    lines += print_spaces(memory);
    free(owners);
    (void)fflush(stdout);
    return lines;
}
