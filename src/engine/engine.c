/* SPDX-License-Identifier: BSD-2-Clause */
/* Building an engine from its configuration, and taking it down. */
#include "engine/engine.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

#define KEY_SLOTS_DEFAULT 8u
#define KEY_SLOTS_MAX     64u

#define CACHED_OBJECTS_MAX (1u << 20)

#define OBJECTS_FRAMES 4u /* free after start, for one object in the cache */
#define OBJECTS_LEAST  4u

/* With no function of the caller's, notices go to the port's log. */
static void notice_to_log(void *context, enum coffer_notice notice, const char *text)
{
    const struct coffer *engine = context;

    (void)notice;
    if (engine->port->log != NULL)
        engine->port->log(engine->port->context, PORT_LOG_WARNING, text);
}

static bool config_is_valid(const struct coffer_config *config)
{
    uint64_t size = 0;

    if (config == NULL || config->port == NULL || config->ciphers == NULL ||
        config->device == NULL || config->areas == NULL || config->key == NULL ||
        config->key->bytes == NULL)
        return false;
    if (config->area_count < 1 || config->area_count > FRAMES_AREAS_MAX)
        return false;
    for (size_t i = 0; i < config->area_count; i++) {
        if (!add_fits(size, config->areas[i].size, &size))
            return false;
    }
    if (config->key_slots == 1 || config->key_slots > KEY_SLOTS_MAX)
        return false;
    if (config->cache_frames != 0 && config->cache_frames < TREE_CACHE_MIN)
        return false;
    if (config->cached_objects > CACHED_OBJECTS_MAX)
        return false;
    return true;
}

static enum coffer_status open_memory(const struct coffer_config *config,
                                      const struct memory_settings *settings, struct memory **out)
{
    struct memory_settings with_port = *settings;
    struct memory_area areas[FRAMES_AREAS_MAX];

    with_port.port = config->port;
    for (size_t i = 0; i < config->area_count; i++)
        areas[i] = (struct memory_area){config->areas[i].address, config->areas[i].size};
    return memory_open(areas, config->area_count, &with_port, out);
}

static enum coffer_status open_owner(struct coffer *engine, const char *name, struct owner *out)
{
    return account_open_owner(&engine->memory->account, name, out);
}

static enum coffer_status open_crypto(struct coffer *engine, const struct coffer_config *config)
{
    struct crypto_settings settings = {
        .root = config->key->kind == COFFER_KEY_SSK ? CRYPTO_ROOT_SSK : CRYPTO_ROOT_HUK,
        .key = config->key->bytes,
        .key_size = config->key->size,
        .huk_plain = config->huk_plain,
        .slots = config->key_slots != 0 ? config->key_slots : KEY_SLOTS_DEFAULT,
    };

    return crypto_open(engine->memory, config->port, config->ciphers, &settings, &engine->crypto);
}

/* How many blocks one operation may have on their way, and how many frames the caches get, of what
 * is free after start: the caches half of it, rounded up. The rest is for buffers, for the index
 * and for what is open. */
static void plan_frames(const struct coffer *engine, const struct coffer_config *config,
                        size_t *staging, size_t *cache)
{
    size_t free = (size_t)frames_statistics(engine->memory->frames).free;

    *staging = free / 16;
    if (*staging < STAGING_RESERVE)
        *staging = STAGING_RESERVE;
    if (*staging > STAGING_MAX)
        *staging = STAGING_MAX;
    *cache = config->cache_frames != 0 ? config->cache_frames : (free + 1) / 2;
    if (*cache < TREE_CACHE_MIN)
        *cache = TREE_CACHE_MIN;
}

/*
 * Both caches of `total` frames together, which float between them: each has the least that it
 * needs at once and for good, the rest goes to where it was used last (cache/share.h).
 */
static enum coffer_status open_caches(struct coffer *engine, struct owner owner, size_t total)
{
    const struct cache_bounds of_nodes = {.entries_min = TREE_NODES_MIN,
                                          .entries_max = total - TREE_BLOCKS_MIN};
    const struct cache_bounds of_blocks = {.entries_min = TREE_BLOCKS_MIN,
                                           .entries_max = total - TREE_NODES_MIN};
    enum coffer_status status;

    cache_share_init(&engine->share, engine->port, total * FRAME_ENTRY_BYTES);
    status = node_cache_open(&engine->nodes, &engine->share, engine->memory, owner, &of_nodes);
    if (status != COFFER_OK)
        return status;
    status = block_cache_open(&engine->blocks, &engine->share, engine->memory, owner, &of_blocks);
    if (status != COFFER_OK)
        node_cache_close(&engine->nodes);
    return status;
}

/* What is on its way: buffers, of which so many stay idle that one operation finds its own again,
 * and the reserve. */
static enum coffer_status open_staging(struct coffer *engine, size_t blocks)
{
    struct tree_environment *environment = &engine->environment;
    struct buffers_settings settings = {.frames = engine->memory->frames, .port = engine->port};
    enum coffer_status status;

    if (blocks > STAGING_RESERVE) {
        settings.idle_max[1] = (size_t)2 * BUFFERS_MEDIUM;
        settings.idle_max[2] = (blocks - STAGING_RESERVE) * LAYOUT_BLOCK_SIZE;
    }
    status = open_owner(engine, "staging", &settings.owner);
    if (status == COFFER_OK)
        status = buffers_init(&engine->buffers, &settings);
    if (status != COFFER_OK)
        return status;
    environment->buffers = &engine->buffers;
    environment->staging_blocks = blocks;
    status = tree_environment_open(environment, settings.owner);
    if (status != COFFER_OK)
        buffers_fini(&engine->buffers);
    return status;
}

static void close_staging(struct coffer *engine)
{
    tree_environment_close(&engine->environment);
    buffers_fini(&engine->buffers);
}

static enum coffer_status open_buffers(struct coffer *engine, const struct coffer_config *config)
{
    struct tree_environment *environment = &engine->environment;
    enum coffer_status status;
    struct owner cache_owner;
    size_t staging;
    size_t cache;

    *environment = (struct tree_environment){.memory = engine->memory,
                                             .port = engine->port,
                                             .device = config->device,
                                             .crypto = engine->crypto,
                                             .nodes = &engine->nodes,
                                             .blocks = &engine->blocks,
                                             .head_full_hash = config->head_full_hash};
    config->device->no_barriers = config->volatile_commits;
    plan_frames(engine, config, &staging, &cache);
    if (cache > frames_statistics(engine->memory->frames).free)
        return COFFER_NO_MEMORY;
    status = open_owner(engine, "tree", &environment->owner);
    if (status == COFFER_OK)
        status = open_owner(engine, "cache", &cache_owner);
    if (status == COFFER_OK)
        status = open_staging(engine, staging);
    if (status != COFFER_OK)
        return status;
    status = open_caches(engine, cache_owner, cache);
    if (status != COFFER_OK)
        close_staging(engine);
    return status;
}

static void close_buffers(struct coffer *engine)
{
    block_cache_close(&engine->blocks);
    node_cache_close(&engine->nodes);
    close_staging(engine);
}

/* Objects that stay open though nobody uses them: with their trees they take a twentieth of what is
 * left, or less. */
static size_t plan_objects(const struct coffer *engine, const struct coffer_config *config)
{
    size_t count = (size_t)frames_statistics(engine->memory->frames).free / OBJECTS_FRAMES;

    if (config->cached_objects != 0)
        return config->cached_objects;
    return count > OBJECTS_LEAST ? count : OBJECTS_LEAST;
}

static enum coffer_status open_store(struct coffer *engine, const struct coffer_config *config)
{
    struct store_settings settings = {
        .port = engine->port,
        .cached_objects = plan_objects(engine, config),
        .create = config->create,
        .read_only = config->read_only,
        .volatile_commits = config->volatile_commits,
        .notice = config->notice != NULL ? config->notice : notice_to_log,
        .notice_context = config->notice != NULL ? config->notice_context : engine,
    };
    enum coffer_status status;
    struct owner owner;

    status = open_owner(engine, "store", &owner);
    if (status == COFFER_OK)
        status = store_open(&engine->store, &engine->environment, owner, &settings);
    return status;
}

static enum coffer_status open_trace(struct coffer *engine, const struct coffer_config *config)
{
    engine->trace.notice = engine->store.settings.notice;
    engine->trace.notice_context = engine->store.settings.notice_context;
    return trace_open(&engine->trace, config, engine->crypto,
                      engine->memory->account.frames_total * FRAME_SIZE);
}

enum coffer_status engine_open(const struct coffer_config *config,
                               const struct memory_settings *settings, struct coffer **out)
{
    enum coffer_status status;
    struct memory *memory;
    struct coffer *engine;
    struct owner owner;
    void *block;

    if (out == NULL || !config_is_valid(config))
        return COFFER_MISUSE;
    status = open_memory(config, settings, &memory);
    if (status != COFFER_OK)
        return status;
    status = account_open_owner(&memory->account, "engine", &owner);
    if (status == COFFER_OK)
        status = memory_alloc(memory, owner, sizeof(*engine), &block);
    if (status != COFFER_OK)
        goto close_memory;
    engine = block;
    engine->memory = memory;
    engine->owner = owner;
    system_view(&engine->view, memory, owner, config->memory_locked);
    engine->port = config->port;
    engine->alone = config->port->condition_init == NULL;
    spin_init(&engine->handles_lock, config->port);
    list_init(&engine->handles);
    status = config->port->lock_init(config->port->context, &engine->lock);
    if (status != COFFER_OK)
        goto close_memory;
    status = open_crypto(engine, config);
    if (status != COFFER_OK)
        goto fini_lock;
    status = open_buffers(engine, config);
    if (status != COFFER_OK)
        goto close_crypto;
    status = open_store(engine, config);
    if (status != COFFER_OK)
        goto close_buffers;
    status = open_trace(engine, config);
    if (status != COFFER_OK)
        goto close_store;
    engine->release = config->release;
    engine->release_context = config->release_context;
    *out = engine;
    return COFFER_OK;

close_store:
    store_close(&engine->store);
close_buffers:
    close_buffers(engine);
close_crypto:
    crypto_close(engine->crypto);
fini_lock:
    config->port->lock_fini(config->port->context, &engine->lock);
close_memory:
    memory_close(memory);
    return status;
}

enum coffer_status engine_make_handle(struct coffer *engine, size_t size, enum handle_kind kind,
                                      void **out)
{
    enum coffer_status status;
    struct handle *handle;
    void *block;

    status = memory_alloc(engine->memory, engine->owner, size, &block);
    if (status != COFFER_OK)
        return status;
    handle = block;
    handle->engine = engine;
    handle->kind = kind;
    spin_take(&engine->handles_lock);
    list_insert_after(&engine->handles, &handle->link);
    spin_give(&engine->handles_lock);
    *out = block;
    return COFFER_OK;
}

void engine_free_handle(struct handle *handle)
{
    struct coffer *engine = handle->engine;

    spin_take(&engine->handles_lock);
    list_remove(&handle->link);
    spin_give(&engine->handles_lock);
    handle->engine = NULL;
    memory_free(engine->memory, handle);
}

static void close_handle(struct handle *handle)
{
    switch (handle->kind) {
    case HANDLE_OBJECT:
        object_close(((struct coffer_object *)handle)->object);
        break;
    case HANDLE_WRITER:
        writer_abort(((struct coffer_writer *)handle)->writer);
        break;
    case HANDLE_LIST:
        break;
    }
    engine_free_handle(handle);
}

void coffer_close(struct coffer *store)
{
    const struct coffer_port *port;
    struct coffer_device *device;
    void (*release)(void *context);
    void *release_context;

    if (store == NULL)
        return;
    while (!list_is_empty(&store->handles))
        close_handle(list_entry(store->handles.next, struct handle, link));
    trace_close(&store->trace);
    store_close(&store->store);
    close_buffers(store);
    crypto_close(store->crypto);
    port = store->port;
    port->lock_fini(port->context, &store->lock);
    device = store->environment.device;
    release = store->release;
    release_context = store->release_context;
    memory_close(store->memory);
    device->operations->close(device);
    if (release != NULL)
        release(release_context);
}

enum coffer_status coffer_open(const struct coffer_config *config, struct coffer **out)
{
    struct memory_settings settings = {.keep_contents = false};

    return engine_open(config, &settings, out);
}

const char *coffer_version(void)
{
    return COFFER_VERSION;
}
