/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of both kinds: their handles, what they are, what they may be used for (5.5). */
#include "gp/objects.h"

#include "base/assert.h"
#include "gp/attributes.h"
#include "gp/files.h"

static void close_object(struct gp_instance *instance, void *thing)
{
    struct gp_object *object = thing;

    if (object->file != NULL)
        gp_file_close(instance->tee, object->file, object->flags);
    gp_attributes_free(instance->pool, object->attributes);
    gp_free(instance->pool, object);
}

TEE_Result gp_object_make(struct gp_instance *instance, struct gp_object **out,
                          TEE_ObjectHandle *handle)
{
    void *object;
    void *number;
    TEE_Result result = gp_handle_make_new(instance, GP_OBJECT, sizeof(struct gp_object),
                                           close_object, &object, &number);

    if (result == TEE_SUCCESS) {
        *out = object;
        *handle = number;
    }
    return result;
}

struct gp_object *gp_object_find(const struct gp_instance *instance, TEE_ObjectHandle handle)
{
    return gp_handle_find(instance, GP_OBJECT, handle);
}

void gp_object_close(struct gp_instance *instance, TEE_ObjectHandle handle)
{
    TEE_Result result = gp_handle_close(instance, GP_OBJECT, handle);

    assert_cheap(result == TEE_SUCCESS);
    (void)result;
}

TEE_Result gp_object_settle(struct gp_instance *instance, TEE_ObjectHandle handle,
                            TEE_Result result)
{
    bool stays = (instance->manifest.flags & TA_FLAG_DONT_CLOSE_HANDLE_ON_CORRUPT_OBJECT) != 0;

    if (result == TEE_ERROR_CORRUPT_OBJECT && !stays)
        gp_object_close(instance, handle);
    return result;
}

/* --- Information --- */

static TEE_Result stored_info(struct gp_instance *instance, TEE_ObjectHandle handle,
                              const struct gp_object *object, TEE_ObjectInfo *out)
{
    struct coffer_info info;
    TEE_Result result = gp_file_info(instance->tee, object->file, &info);

    if (result != TEE_SUCCESS)
        return gp_object_settle(instance, handle, result);
    *out = (TEE_ObjectInfo){
        .objectType = info.type,
        .objectSize = info.object_size,
        .maxObjectSize = info.max_size,
        .objectUsage = info.usage,
        .dataSize = (size_t)info.size,
        .dataPosition = (size_t)object->position,
        .handleFlags = object->flags | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED,
    };
    return TEE_SUCCESS;
}

TEE_Result gp_object_info(struct gp_instance *instance, TEE_ObjectHandle handle,
                          TEE_ObjectInfo *out)
{
    const struct gp_object *object = gp_object_find(instance, handle);

    if (object == NULL || out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (object->file != NULL)
        return stored_info(instance, handle, object, out);
    *out = (TEE_ObjectInfo){.objectType = object->type,
                            .objectSize = object->object_size,
                            .maxObjectSize = object->max_size,
                            .objectUsage = object->usage,
                            .handleFlags = object->initialized ? TEE_HANDLE_FLAG_INITIALIZED : 0};
    return TEE_SUCCESS;
}

TEE_Result gp_object_restrict(struct gp_instance *instance, TEE_ObjectHandle handle, uint32_t usage)
{
    struct gp_object *object = gp_object_find(instance, handle);

    if (object == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    object->usage &= usage;
    if (object->file == NULL)
        return TEE_SUCCESS;
    return gp_object_settle(instance, handle, gp_file_restrict(instance->tee, object->file, usage));
}

void gp_object_info_1_1(const TEE_ObjectInfo *info, __GP11_TEE_ObjectInfo *out)
{
    *out = (__GP11_TEE_ObjectInfo){.objectType = info->objectType,
                                   .objectSize = info->objectSize,
                                   .maxObjectSize = info->maxObjectSize,
                                   .objectUsage = info->objectUsage,
                                   .dataSize = (uint32_t)info->dataSize,
                                   .dataPosition = (uint32_t)info->dataPosition,
                                   .handleFlags = info->handleFlags};
}

/* --- The standard's calls --- */

TEE_Result gp_storage_end(struct gp_instance *instance, enum gp_call call, TEE_Result result)
{
    bool is_ours = result == TEE_ERROR_OUT_OF_MEMORY || result == TEE_ERROR_STORAGE_NO_SPACE ||
                   result == TEE_ERROR_NOT_SUPPORTED;

    if (is_ours && instance->tee->profile == GP_1_3_1 &&
        !gp_call_may_return(GP_1_3_1, call, result))
        result = TEE_ERROR_STORAGE_NOT_AVAILABLE;
    return gp_end(instance, call, result);
}

TEE_Result TEE_GetObjectInfo1(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_GET_OBJECT_INFO1,
                          gp_object_info(instance, object, objectInfo));
}

TEE_Result __GP11_TEE_GetObjectInfo1(TEE_ObjectHandle object, __GP11_TEE_ObjectInfo *objectInfo)
{
    struct gp_instance *instance = gp_current();
    TEE_Result result = TEE_ERROR_BAD_PARAMETERS;
    TEE_ObjectInfo info;

    if (objectInfo != NULL)
        result = gp_object_info(instance, object, &info);
    if (result == TEE_SUCCESS)
        gp_object_info_1_1(&info, objectInfo);
    return gp_storage_end(instance, GP_CALL_GET_OBJECT_INFO1, result);
}

/* 1.0 had no code for a damaged object: it has a type of its own instead. */
static TEE_Result info_or_corrupted(struct gp_instance *instance, TEE_ObjectHandle object,
                                    TEE_ObjectInfo *out)
{
    TEE_Result result = gp_object_info(instance, object, out);

    if (result != TEE_ERROR_CORRUPT_OBJECT)
        return result;
    *out = (TEE_ObjectInfo){.objectType = TEE_TYPE_CORRUPTED_OBJECT};
    return TEE_SUCCESS;
}

void TEE_GetObjectInfo(TEE_ObjectHandle object, TEE_ObjectInfo *objectInfo)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_GET_OBJECT_INFO, info_or_corrupted(instance, object, objectInfo));
}

void __GP11_TEE_GetObjectInfo(TEE_ObjectHandle object, __GP11_TEE_ObjectInfo *objectInfo)
{
    struct gp_instance *instance = gp_current();
    TEE_Result result = TEE_ERROR_BAD_PARAMETERS;
    TEE_ObjectInfo info;

    if (objectInfo != NULL)
        result = info_or_corrupted(instance, object, &info);
    if (result == TEE_SUCCESS)
        gp_object_info_1_1(&info, objectInfo);
    gp_end_void(instance, GP_CALL_GET_OBJECT_INFO, result);
}

TEE_Result TEE_RestrictObjectUsage1(TEE_ObjectHandle object, uint32_t objectUsage)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_RESTRICT_OBJECT_USAGE1,
                          gp_object_restrict(instance, object, objectUsage));
}

/* A damaged object may be used for nothing as it is. */
void TEE_RestrictObjectUsage(TEE_ObjectHandle object, uint32_t objectUsage)
{
    struct gp_instance *instance = gp_current();
    TEE_Result result = gp_object_restrict(instance, object, objectUsage);

    gp_end_void(instance, GP_CALL_RESTRICT_OBJECT_USAGE,
                result == TEE_ERROR_CORRUPT_OBJECT ? TEE_SUCCESS : result);
}

void TEE_CloseObject(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();

    if (object != TEE_HANDLE_NULL)
        gp_end_void(instance, GP_CALL_CLOSE_OBJECT, gp_handle_close(instance, GP_OBJECT, object));
}
