/* SPDX-License-Identifier: BSD-2-Clause */
/* The tee: opened and closed; its storages; statuses as results. */
#include "gp/gp.h"

#include <string.h>

#include "base/assert.h"
#include "gp/provider.h"

/* By enum coffer_status. What is in use, or there already, is a conflict; what can't be reached is
 * a storage that isn't available. */
static const TEE_Result results[] = {
    [COFFER_OK] = TEE_SUCCESS,
    [COFFER_NOT_FOUND] = TEE_ERROR_ITEM_NOT_FOUND,
    [COFFER_EXISTS] = TEE_ERROR_ACCESS_CONFLICT,
    [COFFER_BUSY] = TEE_ERROR_ACCESS_CONFLICT,
    [COFFER_NO_MEMORY] = TEE_ERROR_OUT_OF_MEMORY,
    [COFFER_NO_SPACE] = TEE_ERROR_STORAGE_NO_SPACE,
    [COFFER_IO] = TEE_ERROR_STORAGE_NOT_AVAILABLE,
    [COFFER_CORRUPT] = TEE_ERROR_CORRUPT_OBJECT,
    [COFFER_ROLLED_BACK] = TEE_ERROR_CORRUPT_OBJECT,
    [COFFER_MISUSE] = TEE_ERROR_BAD_PARAMETERS,
    [COFFER_FAILED] = TEE_ERROR_STORAGE_NOT_AVAILABLE,
    [COFFER_UNSUPPORTED] = TEE_ERROR_NOT_SUPPORTED,
};

TEE_Result gp_result(enum coffer_status status)
{
    return results[status];
}

struct coffer_uuid gp_uuid(const TEE_UUID *uuid)
{
    struct coffer_uuid out = {.time_low = uuid->timeLow,
                              .time_mid = uuid->timeMid,
                              .time_hi_and_version = uuid->timeHiAndVersion};

    memcpy(out.clock_seq_and_node, uuid->clockSeqAndNode, sizeof(out.clock_seq_and_node));
    return out;
}

struct coffer *gp_store(const struct gp_tee *tee, uint32_t storage)
{
    if (storage == TEE_STORAGE_PRIVATE_REE)
        storage = TEE_STORAGE_PRIVATE;
    for (unsigned i = 0; i < tee->storage_count; i++) {
        if (tee->storages[i].id == storage)
            return tee->storages[i].store;
    }
    return NULL;
}

void *gp_alloc(struct coffer_pool *pool, size_t size)
{
    void *block;

    return coffer_pool_alloc_zeroed(pool, size, &block) == COFFER_OK ? block : NULL;
}

void gp_free(struct coffer_pool *pool, void *block)
{
    enum coffer_status status = coffer_pool_free(pool, block);

    assert_cheap(status == COFFER_OK);
}

void gp_owner_close(struct gp_tee *tee, struct coffer_owner owner)
{
    enum coffer_status status = coffer_owner_close(tee->memory, owner);

    assert_cheap(status == COFFER_OK);
}

enum coffer_status gp_tee_open(struct gp_tee *tee, const struct gp_tee_settings *settings)
{
    const struct coffer_port *port = settings->port;
    struct coffer_pool_settings pool = {.name = "tee", .zero = true};
    enum coffer_status status;

    if (settings->storage_count > GP_STORAGES_MAX)
        return COFFER_MISUSE;
    *tee = (struct gp_tee){.port = port,
                           .provider = settings->provider,
                           .memory = settings->memory,
                           .profile = settings->profile,
                           .device = settings->device,
                           .reaches = settings->reaches,
                           .storage_count = settings->storage_count};
    for (unsigned i = 0; i < settings->storage_count; i++)
        tee->storages[i] = settings->storages[i];
    list_init(&tee->instances);
    list_init(&tee->files);
    status = port->lock_init(port->context, &tee->lock);
    if (status != COFFER_OK)
        return status;
    status = port->lock_init(port->context, &tee->files_lock);
    if (status != COFFER_OK)
        goto no_files_lock;
    status = coffer_owner_open(tee->memory, "tee", &tee->owner);
    if (status != COFFER_OK)
        goto no_owner;
    pool.owner = tee->owner;
    status = coffer_pool_open(tee->memory, &pool, &tee->pool);
    if (status != COFFER_OK)
        goto no_pool;
    if (tee->provider != NULL)
        status = tee->provider->start(
            settings->crypto_max != 0 ? settings->crypto_max : GP_CRYPTO_MAX, &tee->crypto);
    if (status == COFFER_OK)
        return COFFER_OK;

    coffer_pool_close(tee->pool);
no_pool:
    gp_owner_close(tee, tee->owner);
no_owner:
    port->lock_fini(port->context, &tee->files_lock);
no_files_lock:
    port->lock_fini(port->context, &tee->lock);
    return status;
}

void gp_tee_close(struct gp_tee *tee)
{
    if (tee->provider != NULL)
        tee->provider->stop(tee->crypto);
    coffer_pool_close(tee->pool);
    gp_owner_close(tee, tee->owner);
    tee->port->lock_fini(tee->port->context, &tee->files_lock);
    tee->port->lock_fini(tee->port->context, &tee->lock);
}
