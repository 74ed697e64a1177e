/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/plan.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/text.h"
#include "cache/frame.h"
#include "engine/engine.h"
#include "store/abstracts.h"
#include "store/index.h"

_Static_assert(COFFER_MEMORY_MAX == FRAMES_TOTAL_MAX * FRAME_SIZE, "the public name of a limit");

#define KEY_SLOTS_DEFAULT 8u
#define KEY_SLOTS_MAX     64u
#define INTERVAL_DEFAULT  1000u /* ms */
#define NS_PER_MS         UINT64_C(1000000)

#define CACHED_OBJECTS_MAX (1u << 20)
#define CACHE_FRAMES_MAX   FRAMES_TOTAL_MAX
#define OBJECTS_FRAMES     4u /* free ones, for one object in the cache */
#define OBJECTS_LEAST      4u

/* Frames of components that don't depend on anything: see Q1. */
#define HEAP_FRAMES   3u /* descriptors, magazines */
#define TREE_FRAMES   2u /* of the catalogue and of one object */
#define STORE_FRAMES  4u /* names and numbers at first, a catalogue's block, a writer's tail */
#define RECORD_FRAMES 4u /* entries and records of the caches, beside their frames and tables */
#define HANDLE_FRAMES 1u
#define KEY_FRAMES    1u

/* Watermarks: a part of what floats, within limits. */
#define HIGH_SHARE  16u
#define HIGH_LEAST  2u
#define HIGH_MOST   256u
#define FLOAT_LEAST 8u /* with less of it floating there is nothing to collect early */

static uint64_t frames_for(uint64_t bytes)
{
    return bytes / FRAME_SIZE + (bytes % FRAME_SIZE != 0);
}

static void set_aside(struct plan *plan, const char *name, uint64_t frames, const char *text)
{
    struct coffer_plan *shown = &plan->shown;

    assert_cheap(shown->item_count < COFFER_PLAN_ITEMS_MAX);
    shown->items[shown->item_count++] = (struct coffer_plan_item){
        .name = name, .bytes = frames * FRAME_SIZE, .text = text};
    shown->aside += frames * FRAME_SIZE;
}

static bool is_valid(const struct coffer_config *config)
{
    uint64_t size = 0;

    if (config == NULL || config->port == NULL || config->areas == NULL || config->area_count < 1 ||
        config->area_count > FRAMES_AREAS_MAX)
        return false;
    for (size_t i = 0; i < config->area_count; i++) {
        if (!add_fits(size, config->areas[i].size, &size))
            return false;
    }
    if (config->key_slots == 1 || config->key_slots > KEY_SLOTS_MAX)
        return false;
    if (config->cached_objects > CACHED_OBJECTS_MAX)
        return false;
    if ((unsigned)config->cache_policy > COFFER_POLICY_ROUND_ROBIN)
        return false;
    if (config->high_frames != 0 && config->low_frames > config->high_frames)
        return false;
    return config->cache_frames == 0 ||
           (config->cache_frames >= TREE_CACHE_MIN && config->cache_frames <= CACHE_FRAMES_MAX);
}

static enum coffer_status measure(const struct coffer_config *config,
                                  const struct memory_settings *settings, uint64_t *total,
                                  uint64_t *reserved)
{
    struct memory_area areas[FRAMES_AREAS_MAX];

    for (size_t i = 0; i < config->area_count; i++)
        areas[i] = (struct memory_area){config->areas[i].address, config->areas[i].size};
    return memory_measure(areas, config->area_count, settings, total, reserved);
}

static enum cache_policy policy_of(const struct coffer_config *config)
{
    switch (config->cache_policy) {
    case COFFER_POLICY_CLOCK:
        return CACHE_CLOCK;
    case COFFER_POLICY_ROUND_ROBIN:
        return CACHE_ROUND_ROBIN;
    case COFFER_POLICY_LRU:
        break;
    }
    return CACHE_LRU;
}

/* Both caches together, which float between them: each has the least that it needs at once and for
 * good, the rest goes to where it was used last (cache/share.h). */
static void plan_caches(struct plan *plan, const struct coffer_config *config, uint64_t free)
{
    size_t frames = config->cache_frames != 0 ? config->cache_frames : (size_t)((free + 1) / 2);
    uint64_t records;
    uint64_t tables;

    if (frames < TREE_CACHE_MIN)
        frames = TREE_CACHE_MIN;
    plan->cache_frames = frames;
    plan->cache_bytes = frames * (uint64_t)FRAME_ENTRY_BYTES;
    plan->policy = policy_of(config);
    plan->nodes = (struct cache_bounds){.entries_min = TREE_NODES_MIN,
                                        .entries_max = frames - TREE_BLOCKS_MIN};
    plan->blocks = (struct cache_bounds){.entries_min = TREE_BLOCKS_MIN,
                                         .entries_max = frames - TREE_NODES_MIN};
    tables = frames_for(cache_table_bytes(plan->nodes.entries_max)) +
             frames_for(cache_table_bytes(plan->blocks.entries_max));
    set_aside(plan, "cache", TREE_NODES_MIN + TREE_BLOCKS_MIN + RECORD_FRAMES + tables,
              "the nodes and blocks that one commit needs, and the tables of both caches");
    records = frames_for(frames * (uint64_t)(FRAME_ENTRY_BYTES - FRAME_SIZE));
    plan->shown.caches_max = (frames + tables +
                              (records > RECORD_FRAMES ? records : RECORD_FRAMES)) *
                             FRAME_SIZE;
}

/* What one operation has on its way to or from the device: in buffers, which float, or in a
 * reserve. */
static void plan_staging(struct plan *plan, uint64_t free)
{
    size_t blocks = (size_t)(free / 16);

    if (blocks < STAGING_RESERVE)
        blocks = STAGING_RESERVE;
    if (blocks > STAGING_MAX)
        blocks = STAGING_MAX;
    plan->staging_blocks = blocks;
    set_aside(plan, "staging", STAGING_RESERVE + (blocks > STAGING_RESERVE),
              "blocks on their way, where buffers can't be had, and records of buffers");

    /* As many stay idle as one operation finds its own again. */
    if (blocks > STAGING_RESERVE) {
        plan->buffers_idle[1] = (size_t)2 * BUFFERS_MEDIUM;
        plan->buffers_idle[2] = blocks * FRAME_SIZE;
    }
}

/* Objects that stay open though nobody uses them. With their trees they take a twentieth of what is
 * free, or less; they come out of what floats, but for their table. */
static void plan_objects(struct plan *plan, const struct coffer_config *config, uint64_t free)
{
    size_t count = (size_t)(free / OBJECTS_FRAMES);

    if (count < OBJECTS_LEAST)
        count = OBJECTS_LEAST;
    plan->cached_objects = config->cached_objects != 0 ? config->cached_objects : count;
    set_aside(plan, "store",
              STORE_FRAMES + frames_for(cache_table_bytes(2 * plan->cached_objects)) +
                  frames_for(abstracts_table_bytes(free)),
              "names, free numbers, open objects, and one in the making");
}

/* COFFER_MISUSE: those that were asked for can't be reached. Nobody is told that of a plan that
 * doesn't fit. */
static enum coffer_status plan_watermarks(struct plan *plan, const struct coffer_config *config)
{
    uint64_t floating = plan->shown.floating / FRAME_SIZE;
    uint64_t high = floating / HIGH_SHARE;

    if (high < HIGH_LEAST)
        high = HIGH_LEAST;
    if (high > HIGH_MOST)
        high = HIGH_MOST;
    if (floating < FLOAT_LEAST)
        high = 0;
    if (config->high_frames != 0)
        high = config->high_frames;
    plan->high_frames = high;
    plan->low_frames = config->low_frames != 0 ? config->low_frames : high / 2;
    if (plan->shown.fits && (plan->low_frames > high || high > floating))
        return COFFER_MISUSE;
    return COFFER_OK;
}

/* What must be there, and whether it is. */
static void weigh(struct plan *plan, const struct coffer_config *config)
{
    struct coffer_plan *shown = &plan->shown;
    uint64_t given = 0;

    for (size_t i = 0; i < config->area_count; i++)
        given += config->areas[i].size;

    /* Caches of a size that was asked for must fit, though they don't begin with it. */
    shown->needed = shown->aside;
    if (config->cache_frames != 0)
        shown->needed += (plan->cache_frames - TREE_CACHE_MIN) * (uint64_t)FRAME_SIZE;
    if (given < COFFER_MEMORY_MIN && shown->needed < COFFER_MEMORY_MIN)
        shown->needed = COFFER_MEMORY_MIN;
    shown->fits = shown->needed <= shown->total;
    if (shown->aside < shown->total)
        shown->floating = shown->total - shown->aside;
}

static void show(struct plan *plan)
{
    struct coffer_plan *shown = &plan->shown;

    shown->low = plan->low_frames * FRAME_SIZE;
    shown->high = plan->high_frames * FRAME_SIZE;
    for (unsigned i = 0; i < BUFFERS_CLASS_COUNT; i++)
        shown->buffers_idle += plan->buffers_idle[i];
    shown->key_slots = plan->key_slots;
    shown->cached_objects = plan->cached_objects;
    shown->object_bytes = object_cache_entry_bytes();
    shown->names_per_1000 = 1000 * (sizeof(struct index_cell) * 4 / 3 + sizeof(struct abstract));
    shown->interval_ms = plan->interval_ns / NS_PER_MS;
    shown->timeout_ms = plan->timeout_ns / NS_PER_MS;
}

enum coffer_status plan_make(const struct coffer_config *config,
                             const struct memory_settings *settings, struct plan *out)
{
    enum coffer_status status;
    struct plan plan = {.key_slots = KEY_SLOTS_DEFAULT};
    uint64_t interval = INTERVAL_DEFAULT;
    uint64_t reserved;
    uint64_t total;
    uint64_t free;

    if (!is_valid(config))
        return COFFER_MISUSE;
    status = measure(config, settings, &total, &reserved);
    if (status != COFFER_OK)
        return status;
    if (config->key_slots != 0)
        plan.key_slots = config->key_slots;
    if (config->collect_interval_ms != 0)
        interval = config->collect_interval_ms;
    plan.interval_ns = interval * NS_PER_MS;
    plan.timeout_ns = config->cache_timeout_ms * NS_PER_MS;

    plan.shown.total = total * FRAME_SIZE;
    set_aside(&plan, "frames", reserved, "tables of all frames, and the account of who holds them");
    set_aside(&plan, "heap", HEAP_FRAMES, "what says where blocks of memory are");
    set_aside(&plan, "engine", frames_for(sizeof(struct coffer)) + HANDLE_FRAMES,
              "the store's own record, and handles");
    set_aside(&plan, "crypto", frames_for(crypto_record_bytes(plan.key_slots)) + KEY_FRAMES,
              "the key ladder, key slots and keys");
    free = plan.shown.aside < plan.shown.total ? (plan.shown.total - plan.shown.aside) / FRAME_SIZE
                                               : 0;
    set_aside(&plan, "tree", TREE_FRAMES, "records of open files");
    plan_staging(&plan, free);
    plan_caches(&plan, config, free);
    plan_objects(&plan, config, free);
    weigh(&plan, config);
    status = plan_watermarks(&plan, config);
    if (status != COFFER_OK)
        return status;
    show(&plan);
    *out = plan;
    return COFFER_OK;
}

static void add_kib(struct text *text, uint64_t bytes)
{
    text_add_number(text, (bytes + 1023) / 1024, 10);
    text_add(text, " KiB");
}

enum coffer_status plan_check(const struct plan *plan, const struct coffer_config *config)
{
    const struct coffer_port *port = config->port;
    struct text text = {.size = 0};

    if (plan->shown.fits)
        return COFFER_OK;
    text_add(&text, "secure memory has ");
    add_kib(&text, plan->shown.total);
    text_add(&text, ", and this configuration needs ");
    add_kib(&text, plan->shown.needed);
    if (config->notice != NULL)
        config->notice(config->notice_context, COFFER_NOTICE_MEMORY, text.bytes);
    else if (port->log != NULL)
        port->log(port->context, PORT_LOG_WARNING, text.bytes);
    return COFFER_NO_MEMORY;
}

enum coffer_status coffer_plan(const struct coffer_config *config, struct coffer_plan *out)
{
    struct memory_settings settings = {.keep_contents = false};
    struct plan plan;
    enum coffer_status status;

    if (config == NULL || out == NULL)
        return COFFER_MISUSE;
    settings.port = config->port;
    status = plan_make(config, &settings, &plan);
    if (status == COFFER_OK)
        *out = plan.shown;
    return status;
}
