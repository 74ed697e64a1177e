/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/enumerators.h"

#include <string.h>

#include "gp/persistent.h"

struct gp_enumerator {
    struct coffer *store;
    struct coffer_list *list; /* NULL: not started, or at its end */
    bool has_first;
    struct coffer_entry first;
};

static struct gp_enumerator *find(const struct gp_instance *instance, TEE_ObjectEnumHandle handle)
{
    return gp_handle_find(instance, GP_ENUMERATOR, handle);
}

static void stop(struct gp_enumerator *enumerator)
{
    coffer_list_close(enumerator->list);
    *enumerator = (struct gp_enumerator){.list = NULL};
}

static void close_enumerator(struct gp_instance *instance, void *thing)
{
    stop(thing);
    gp_free(instance->pool, thing);
}

TEE_Result gp_enumerator_make(struct gp_instance *instance, TEE_ObjectEnumHandle *out)
{
    TEE_Result result;
    void *enumerator;
    void *handle;

    if (out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_handle_make_new(instance, GP_ENUMERATOR, sizeof(struct gp_enumerator),
                                close_enumerator, &enumerator, &handle);
    if (result == TEE_SUCCESS)
        *out = handle;
    return result;
}

TEE_Result gp_enumerator_free(struct gp_instance *instance, TEE_ObjectEnumHandle handle)
{
    return gp_handle_close(instance, GP_ENUMERATOR, handle);
}

TEE_Result gp_enumerator_reset(struct gp_instance *instance, TEE_ObjectEnumHandle handle)
{
    struct gp_enumerator *enumerator = find(instance, handle);

    if (enumerator == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    stop(enumerator);
    return TEE_SUCCESS;
}

TEE_Result gp_enumerator_start(struct gp_instance *instance, TEE_ObjectEnumHandle handle,
                               uint32_t storage)
{
    struct gp_enumerator *enumerator = find(instance, handle);
    struct coffer_uuid ta = gp_uuid(&instance->uuid);
    enum coffer_status status;

    if (enumerator == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    stop(enumerator);
    enumerator->store = gp_store(instance->tee, storage);
    if (enumerator->store == NULL)
        return TEE_ERROR_ITEM_NOT_FOUND;
    status = coffer_list_open(enumerator->store, &ta, &enumerator->list);
    if (status == COFFER_OK)
        status = coffer_list_next(enumerator->list, &enumerator->first);
    enumerator->has_first = status == COFFER_OK;
    if (status != COFFER_OK)
        stop(enumerator);
    return gp_store_result(status);
}

/* The next name. */
static enum coffer_status next_entry(struct gp_enumerator *enumerator, struct coffer_entry *out)
{
    if (!enumerator->has_first)
        return coffer_list_next(enumerator->list, out);
    *out = enumerator->first;
    enumerator->has_first = false;
    return COFFER_OK;
}

/* The next object that is still there. */
static TEE_Result next(struct gp_instance *instance, struct gp_enumerator *enumerator,
                       struct gp_file_name *name, struct coffer_info *info)
{
    struct coffer_entry entry;
    struct coffer_name stored;
    enum coffer_status status;

    do {
        status = next_entry(enumerator, &entry);
        if (status != COFFER_OK)
            return gp_store_result(status);
        *name = (struct gp_file_name){
            .store = enumerator->store, .ta = entry.ta, .id_size = entry.id_size};
        memcpy(name->id, entry.id, sizeof(name->id));
        stored = gp_store_name(name);
        status = coffer_stat(enumerator->store, &stored, info);
    } while (status == COFFER_NOT_FOUND);
    if (status == COFFER_CORRUPT)
        gp_file_put_away(instance->tee, name);
    return gp_store_result(status);
}

TEE_Result gp_enumerator_next(struct gp_instance *instance, TEE_ObjectEnumHandle handle,
                              TEE_ObjectInfo *info, void *id, size_t *id_size)
{
    struct gp_enumerator *enumerator = find(instance, handle);
    struct gp_file_name name;
    struct coffer_info found;
    TEE_Result result;

    if (enumerator == NULL || id == NULL || id_size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (enumerator->list == NULL)
        return TEE_ERROR_ITEM_NOT_FOUND;
    result = next(instance, enumerator, &name, &found);
    if (result != TEE_SUCCESS)
        return result;
    if (info != NULL)
        *info = (TEE_ObjectInfo){
            .objectType = found.type,
            .objectSize = found.object_size,
            .maxObjectSize = found.max_size,
            .objectUsage = found.usage,
            .dataSize = (size_t)found.size,
            .handleFlags = TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED |
                           gp_file_flags(instance->tee, &name),
        };
    memcpy(id, name.id, name.id_size);
    *id_size = name.id_size;
    return TEE_SUCCESS;
}

/* --- The standard's calls --- */

TEE_Result TEE_AllocatePersistentObjectEnumerator(TEE_ObjectEnumHandle *objectEnumerator)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR,
                  gp_enumerator_make(instance, objectEnumerator));
}

void TEE_FreePersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator)
{
    struct gp_instance *instance = gp_current();

    if (objectEnumerator != TEE_HANDLE_NULL)
        gp_end_void(instance, GP_CALL_FREE_PERSISTENT_OBJECT_ENUMERATOR,
                    gp_enumerator_free(instance, objectEnumerator));
}

void TEE_ResetPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator)
{
    struct gp_instance *instance = gp_current();

    if (objectEnumerator != TEE_HANDLE_NULL)
        gp_end_void(instance, GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR,
                    gp_enumerator_reset(instance, objectEnumerator));
}

TEE_Result TEE_StartPersistentObjectEnumerator(TEE_ObjectEnumHandle objectEnumerator,
                                               uint32_t storageID)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR,
                          gp_enumerator_start(instance, objectEnumerator, storageID));
}

TEE_Result TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
                                       TEE_ObjectInfo *objectInfo, void *objectID,
                                       size_t *objectIDLen)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(
        instance, GP_CALL_GET_NEXT_PERSISTENT_OBJECT,
        gp_enumerator_next(instance, objectEnumerator, objectInfo, objectID, objectIDLen));
}

TEE_Result __GP11_TEE_GetNextPersistentObject(TEE_ObjectEnumHandle objectEnumerator,
                                              __GP11_TEE_ObjectInfo *objectInfo, void *objectID,
                                              uint32_t *objectIDLen)
{
    struct gp_instance *instance = gp_current();
    TEE_ObjectInfo info;
    size_t size;
    TEE_Result result = TEE_ERROR_BAD_PARAMETERS;

    if (objectIDLen != NULL)
        result = gp_enumerator_next(instance, objectEnumerator, &info, objectID, &size);
    if (result == TEE_SUCCESS) {
        *objectIDLen = (uint32_t)size;
        if (objectInfo != NULL)
            gp_object_info_1_1(&info, objectInfo);
    }
    return gp_storage_end(instance, GP_CALL_GET_NEXT_PERSISTENT_OBJECT, result);
}
