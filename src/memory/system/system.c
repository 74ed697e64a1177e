/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and closing a memory system. */
#include "memory/system/system.h"

#include "memory/space/soft.h"
#include "memory/space/space.h"

#define OWNERS_MAX 64u /* three of them the memory's own, and "none" */

_Static_assert(COFFER_FRAME_SIZE == FRAME_SIZE, "frames are frames");
_Static_assert(COFFER_ORDER_COUNT == FRAMES_ORDER_COUNT, "orders are orders");
_Static_assert(COFFER_MEMORY_AREAS_MAX == FRAMES_AREAS_MAX, "areas are areas");
_Static_assert(OWNERS_MAX <= ACCOUNT_OWNERS_MAX, "the account has the lines");

static bool config_is_valid(const struct coffer_memory_config *config)
{
    return config->areas != NULL && config->frame_cache <= FRAMES_CACHE_MAX &&
           config->evict_batch <= 64 && (config->high == 0 || config->low <= config->high);
}

static enum coffer_status open_memory(const struct coffer_memory_config *config,
                                      struct memory **out)
{
    struct memory_area areas[FRAMES_AREAS_MAX];
    const struct memory_settings settings = {
        .keep_contents = config->keep_contents,
        .port = config->port,
        .cache_frames = config->frame_cache,
        .owner_max = OWNERS_MAX,
    };

    if (config->area_count > FRAMES_AREAS_MAX)
        return COFFER_MISUSE;
    for (size_t i = 0; i < config->area_count; i++)
        areas[i] = (struct memory_area){config->areas[i].address, config->areas[i].size};
    return memory_open(areas, config->area_count, &settings, out);
}

/* What is left at its default, for a memory of so many frames. */
static void settle_defaults(struct coffer_memory_config *config, uint64_t total)
{
    config->areas = NULL;
    if (config->table_reserve == 0)
        config->table_reserve = 4 + (size_t)(total / 256);
    if (config->table_reserve > total / 2)
        config->table_reserve = (size_t)(total / 2);
    if (config->low == 0) {
        config->low = (size_t)(total / 32);
        if (config->high != 0 && config->low > config->high)
            config->low = config->high;
    }
    if (config->high == 0)
        config->high = config->low <= total / 4 ? config->low * 2 : config->low;
    if (config->evict_batch == 0)
        config->evict_batch = 16;
}

static enum coffer_status open_spaces(struct coffer_memory *memory)
{
    const struct coffer_memory_config *config = &memory->config;
    const struct spaces_settings settings = {
        .memory = memory->core,
        .system = memory->system,
        .port = memory->port,
        .mmu = config->mmu != NULL ? config->mmu : soft_mmu(),
        .host = {.context = memory,
                 .take_table_frame = tables_take,
                 .give_table_frame = tables_give,
                 .relieve = pressure_relieve,
                 .settle = pressure_settle},
        .keep_contents = config->keep_contents,
        .batch = config->evict_batch,
        .low = config->low,
        .high = config->high,
    };
    enum coffer_status status = spaces_open(&settings, &memory->spaces);

    if (status == COFFER_OK)
        memory->paging = memory->spaces->paging;
    return status;
}

static void close_spaces(struct coffer_memory *memory)
{
    spaces_close(memory->spaces);
    tables_fini(memory);
}

static enum coffer_status open_parts(struct coffer_memory *memory)
{
    enum coffer_status status = tables_init(memory, memory->config.table_reserve);

    if (status != COFFER_OK)
        return status;
    status = open_spaces(memory);
    if (status != COFFER_OK) {
        tables_fini(memory);
        return status;
    }
    status = pools_open(memory);
    if (status == COFFER_OK)
        status = frames_set_watermarks(memory->core->frames, memory->config.low,
                                       memory->config.high, pressure_told, memory);
    if (status != COFFER_OK) {
        pools_close(memory);
        close_spaces(memory);
    }
    return status;
}

static enum coffer_status open_all(struct memory *inside, const struct coffer_memory_config *config,
                                   struct coffer_memory **out)
{
    struct coffer_memory *memory;
    struct owner system;
    void *block;
    enum coffer_status status = account_open_owner(&inside->account, "system", &system);

    if (status == COFFER_OK)
        status = memory_alloc(inside, system, sizeof(*memory), &block);
    if (status != COFFER_OK)
        return status;

    memory = block;
    memory->core = inside;
    memory->frames = inside->frames;
    system_set_owners(memory, system);
    memory->port = config->port;
    memory->config = *config;
    settle_defaults(&memory->config, inside->account.frames_total);
    list_init(&memory->places);
    status = open_parts(memory);
    if (status == COFFER_OK)
        *out = memory;
    return status;
}

enum coffer_status coffer_memory_open(const struct coffer_memory_config *config,
                                      struct coffer_memory **out)
{
    struct memory *inside;
    enum coffer_status status;

    if (config == NULL || out == NULL || !config_is_valid(config))
        return COFFER_MISUSE;
    status = open_memory(config, &inside);
    if (status != COFFER_OK)
        return status;
    status = open_all(inside, config, out);
    if (status != COFFER_OK)
        memory_close(inside);
    return status;
}

void coffer_memory_close(struct coffer_memory *memory)
{
    void (*release)(void *context);
    void *release_context;
    enum coffer_status status;

    if (memory == NULL)
        return;
    release = memory->config.release;
    release_context = memory->config.release_context;
    status = frames_set_watermarks(memory->core->frames, 0, 0, NULL, NULL);
    assert_cheap(status == COFFER_OK);
    pools_close(memory);
    close_spaces(memory);

    /* This structure goes with all else that is in the areas. */
    memory_close(memory->core);
    if (release != NULL)
        release(release_context);
}
