/* SPDX-License-Identifier: BSD-2-Clause */
/* Building an engine from its configuration, and taking it down. */
#include "engine/engine.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

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
    if (config == NULL || config->port == NULL || config->ciphers == NULL ||
        config->device == NULL || config->areas == NULL || config->key == NULL ||
        config->key->bytes == NULL)
        return false;
    return true;
}

static enum coffer_status open_memory(const struct coffer_config *config,
                                      const struct memory_settings *settings, struct memory **out)
{
    struct memory_area areas[FRAMES_AREAS_MAX];

    for (size_t i = 0; i < config->area_count; i++)
        areas[i] = (struct memory_area){config->areas[i].address, config->areas[i].size};
    return memory_open(areas, config->area_count, settings, out);
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
        .slots = engine->plan.key_slots,
    };

    return crypto_open(engine->memory, config->port, config->ciphers, &settings, &engine->crypto);
}

static enum coffer_status open_caches(struct coffer *engine, struct owner owner)
{
    const struct plan *plan = &engine->plan;
    enum coffer_status status;

    cache_share_init(&engine->share, engine->port, plan->cache_bytes);
    status = node_cache_open(&engine->nodes, &engine->share, engine->memory, owner, &plan->nodes,
                             plan->policy);
    if (status != COFFER_OK)
        return status;
    status = block_cache_open(&engine->blocks, &engine->share, engine->memory, owner, &plan->blocks,
                              plan->policy);
    if (status != COFFER_OK) {
        node_cache_close(&engine->nodes);
        return status;
    }
    /* The caches have what they need; more they get where it is nobody else's: also while the store
     * opens, when nothing would make them give it back. */
    engine->blocks.frames.free_min = plan->high_frames;
    engine->nodes.frames.free_min = plan->high_frames;
    return COFFER_OK;
}

/* What is on its way: buffers, of which so many stay idle that one operation finds its own again,
 * and the reserve. */
static enum coffer_status open_staging(struct coffer *engine)
{
    const struct plan *plan = &engine->plan;
    struct tree_environment *environment = &engine->environment;
    struct buffers_settings settings = {.frames = engine->memory->frames, .port = engine->port};
    enum coffer_status status;

    for (unsigned i = 0; i < BUFFERS_CLASS_COUNT; i++)
        settings.idle_max[i] = plan->buffers_idle[i];
    status = open_owner(engine, "staging", &settings.owner);
    if (status == COFFER_OK)
        status = buffers_init(&engine->buffers, &settings);
    if (status != COFFER_OK)
        return status;
    environment->buffers = &engine->buffers;
    environment->staging_blocks = plan->staging_blocks;
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

    *environment = (struct tree_environment){.memory = engine->memory,
                                             .port = engine->port,
                                             .device = config->device,
                                             .crypto = engine->crypto,
                                             .nodes = &engine->nodes,
                                             .blocks = &engine->blocks,
                                             .head_full_hash = config->head_full_hash};
    status = open_owner(engine, "tree", &environment->owner);
    if (status == COFFER_OK)
        status = open_owner(engine, "cache", &cache_owner);
    if (status == COFFER_OK)
        status = open_staging(engine);
    if (status != COFFER_OK)
        return status;
    status = open_caches(engine, cache_owner);
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

static enum coffer_status open_store(struct coffer *engine, const struct coffer_config *config)
{
    struct store_settings settings = {
        .port = engine->port,
        .cached_objects = engine->plan.cached_objects,
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
    if (status == COFFER_OK)
        cache_share_follow(&engine->store.objects.share, &engine->share); /* one order of use */
    return status;
}

static enum coffer_status open_trace(struct coffer *engine, const struct coffer_config *config)
{
    return trace_open(&engine->trace, config, engine->crypto, &engine->store,
                      engine->memory->account.frames_total * FRAME_SIZE);
}

/* All that stands on the engine's memory. */
static enum coffer_status open_parts(struct coffer *engine, const struct coffer_config *config)
{
    const struct coffer_port *port = config->port;
    enum coffer_status status = port->lock_init(port->context, &engine->lock);

    if (status != COFFER_OK)
        return status;
    status = open_crypto(engine, config);
    if (status != COFFER_OK)
        goto fini_lock;
    status = open_buffers(engine, config);
    if (status != COFFER_OK)
        goto close_crypto;
    status = open_store(engine, config);
    if (status != COFFER_OK)
        goto close_buffers;
    status = engine_start_collector(engine, config->collector_thread);
    if (status == COFFER_OK)
        status = open_trace(engine, config);
    if (status == COFFER_OK)
        return COFFER_OK;

    reclaim_stop(&engine->reclaim);
    store_close(&engine->store);
close_buffers:
    close_buffers(engine);
close_crypto:
    crypto_close(engine->crypto);
fini_lock:
    port->lock_fini(port->context, &engine->lock);
    return status;
}

/* The collector has stopped. */
static void close_parts(struct coffer *engine)
{
    trace_close(&engine->trace);
    store_close(&engine->store);
    close_buffers(engine);
    crypto_close(engine->crypto);
    engine->port->lock_fini(engine->port->context, &engine->lock);
}

enum coffer_status engine_open(const struct coffer_config *config,
                               const struct memory_settings *settings, struct coffer **out)
{
    struct memory_settings of_memory = *settings;
    enum coffer_status status;
    struct memory *memory;
    struct coffer *engine;
    struct owner owner;
    struct plan plan;
    void *block;

    if (out == NULL || !config_is_valid(config))
        return COFFER_MISUSE;
    of_memory.port = config->port;
    of_memory.tell_leaks = true;
    status = plan_make(config, &of_memory, &plan);
    if (status == COFFER_OK)
        status = plan_check(&plan, config);
    if (status == COFFER_OK)
        status = open_memory(config, &of_memory, &memory);
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
    engine->plan = plan;
    system_view(&engine->view, memory, owner, config->memory_locked);
    engine->port = config->port;
    engine->alone = config->port->condition_init == NULL;
    spin_init(&engine->handles_lock, config->port);
    list_init(&engine->handles);
    status = open_parts(engine, config);
    if (status != COFFER_OK)
        goto free_engine;

    /* From here on the device is the store's; until then nothing is written to it. */
    config->device->no_barriers = config->volatile_commits;
    engine->release = config->release;
    engine->release_context = config->release_context;
    *out = engine;
    return COFFER_OK;

free_engine:
    memory_free(memory, engine);
close_memory:
    assert_debug(memory_is_unused(memory));
    memory_close(memory);
    return status;
}

enum coffer_status engine_make_handle(struct coffer *engine, size_t size, enum handle_kind kind,
                                      const uint8_t *uuid, void **out)
{
    struct book *book = uuid != NULL ? books_find(&engine->store.books, uuid) : NULL;
    uint64_t charged = engine_handle_bytes(size, kind);
    enum coffer_status status;
    struct handle *handle;
    void *block;

    status = book_take(book, charged);
    if (status != COFFER_OK)
        return status;
    status = memory_alloc(engine->memory, engine->owner, size, &block);
    if (status != COFFER_OK) {
        book_give(book, charged);
        return status;
    }
    handle = block;
    handle->engine = engine;
    handle->kind = kind;
    handle->book = book;
    handle->charged = charged;
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
    book_give(handle->book, handle->charged);
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
    struct coffer_device *device;
    struct memory *memory;
    void (*release)(void *context);
    void *release_context;

    if (store == NULL)
        return;
    reclaim_stop(&store->reclaim);
    while (!list_is_empty(&store->handles))
        close_handle(list_entry(store->handles.next, struct handle, link));
    close_parts(store);
    device = store->environment.device;
    release = store->release;
    release_context = store->release_context;
    memory = store->memory;
    memory_free(memory, store);
    assert_debug(memory_is_unused(memory));
    memory_close(memory);
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
