/* SPDX-License-Identifier: BSD-2-Clause */
/* An instance: made and ended with all that it has; buffers of its TA, pinned. */
#include "gp/gp.h"

#include "base/assert.h"

static enum coffer_status open_space(struct gp_instance *instance, size_t heap)
{
    const struct coffer_space_settings settings = {
        .name = instance->name, .owner = instance->owner, .size = heap};
    const struct coffer_map map = {.size = heap, .rights = COFFER_READ | COFFER_WRITE};
    enum coffer_status status = coffer_space_open(instance->tee->memory, &settings,
                                                  &instance->space);

    if (status != COFFER_OK)
        return status;
    status = coffer_space_map(instance->space, &map, &instance->heap);
    if (status != COFFER_OK)
        coffer_space_close(instance->space);
    return status;
}

static enum coffer_status open_parts(struct gp_instance *instance, const struct gp_limits *limits)
{
    struct coffer_memory *memory = instance->tee->memory;
    struct coffer_pool_settings pool = {.name = instance->name, .zero = true};
    enum coffer_status status = coffer_owner_open(memory, instance->name, &instance->owner);

    if (status != COFFER_OK)
        return status;
    pool.owner = instance->owner;
    status = coffer_owner_set_quota(memory, instance->owner, limits->frames);
    if (status != COFFER_OK)
        goto no_pool;
    status = coffer_pool_open(memory, &pool, &instance->pool);
    if (status != COFFER_OK)
        goto no_pool;
    status = open_space(instance, limits->heap);
    if (status == COFFER_OK)
        return COFFER_OK;

    coffer_pool_close(instance->pool);
no_pool:
    gp_owner_close(instance->tee, instance->owner);
    return status;
}

enum coffer_status gp_instance_open(struct gp_tee *tee, const TEE_UUID *uuid,
                                    const struct gp_limits *limits, struct gp_instance **out)
{
    const struct coffer_port *port = tee->port;
    struct coffer_uuid printed = gp_uuid(uuid);
    struct gp_instance *instance;
    enum coffer_status status;

    instance = gp_alloc(tee->pool, sizeof(*instance));
    if (instance == NULL)
        return COFFER_NO_MEMORY;
    *instance = (struct gp_instance){.tee = tee, .uuid = *uuid, .heap_size = limits->heap};
    coffer_uuid_format(&printed, instance->name);
    status = open_parts(instance, limits);
    if (status != COFFER_OK) {
        gp_free(tee->pool, instance);
        return status;
    }
    port->lock_take(port->context, &tee->lock);
    instance->handles.origin = tee->instances_made++;
    list_insert_before(&tee->instances, &instance->link);
    port->lock_give(port->context, &tee->lock);
    *out = instance;
    return COFFER_OK;
}

void gp_instance_close(struct gp_instance *instance)
{
    struct gp_tee *tee = instance->tee;
    const struct coffer_port *port = tee->port;

    gp_handles_close(instance);
    port->lock_take(port->context, &tee->lock);
    list_remove(&instance->link);
    port->lock_give(port->context, &tee->lock);
    coffer_space_close(instance->space);
    coffer_pool_close(instance->pool);
    gp_owner_close(tee, instance->owner);
    gp_free(tee->pool, instance);
}

/* --- Buffers ----------------------------------------------------------------------------- */

struct pages {
    uintptr_t start;
    size_t size;
};

/* The pages of the bytes, if they lie in a space whose pages come and go. */
static struct coffer_space *space_of(const struct gp_instance *instance, const void *buffer,
                                     size_t size, struct pages *pages)
{
    uintptr_t address = (uintptr_t)buffer;
    struct coffer_space *space = coffer_space_of(instance->tee->memory, address);
    struct coffer_space_info info;

    if (size == 0 || space == NULL)
        return NULL;
    coffer_space_info(space, &info);
    if (info.kind != COFFER_SPACE_USER)
        return NULL;
    pages->start = address - address % COFFER_PAGE_SIZE;
    pages->size = size + (address - pages->start) + COFFER_PAGE_SIZE - 1;
    pages->size -= pages->size % COFFER_PAGE_SIZE;
    return space;
}

TEE_Result gp_pin(struct gp_instance *instance, const void *buffer, size_t size)
{
    struct pages pages;
    struct coffer_space *space = space_of(instance, buffer, size, &pages);
    enum coffer_status status;

    if (space == NULL)
        return TEE_SUCCESS;
    if (pages.size < size)
        return TEE_ERROR_BAD_PARAMETERS;
    status = coffer_space_pin(space, pages.start, pages.size);
    if (status == COFFER_OK)
        return TEE_SUCCESS;
    if (status == COFFER_NOT_FOUND || status == COFFER_MISUSE)
        return TEE_ERROR_BAD_PARAMETERS;
    return status == COFFER_CORRUPT ? TEE_ERROR_GENERIC : TEE_ERROR_OUT_OF_MEMORY;
}

void gp_unpin(struct gp_instance *instance, const void *buffer, size_t size)
{
    struct pages pages;
    struct coffer_space *space = space_of(instance, buffer, size, &pages);
    enum coffer_status status = COFFER_OK;

    if (space != NULL)
        status = coffer_space_unpin(space, pages.start, pages.size);
    assert_cheap(status == COFFER_OK || status == COFFER_CORRUPT); /* killed meanwhile */
}
