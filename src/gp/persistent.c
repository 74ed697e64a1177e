/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/persistent.h"

#include "gp/attributes.h"

#define OPEN_FLAGS                                                                                 \
    ((uint32_t)TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE |                            \
     TEE_DATA_FLAG_ACCESS_WRITE_META | TEE_DATA_FLAG_SHARE_READ | TEE_DATA_FLAG_SHARE_WRITE)
#define CREATE_FLAGS (OPEN_FLAGS | TEE_DATA_FLAG_OVERWRITE)

static void become_persistent(struct gp_object *object, struct gp_file *file, uint32_t flags)
{
    object->file = file;
    object->flags = flags;
    object->position = 0;
}

TEE_Result gp_persistent_find(const struct gp_instance *instance, TEE_ObjectHandle handle,
                              uint32_t flags, struct gp_object **out)
{
    struct gp_object *object = gp_object_find(instance, handle);

    if (object == NULL || object->file == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((object->flags & flags) != flags)
        return TEE_ERROR_BAD_STATE;
    *out = object;
    return TEE_SUCCESS;
}

/* --- Opening --- */

/* Read the attributes through `bytes`, which have room for them as they are stored. */
static enum coffer_status unpack(const struct gp_object *object, struct coffer_object *stored,
                                 const struct coffer_info *info, uint8_t *bytes)
{
    enum coffer_status status = coffer_object_attributes(stored, bytes, info->attributes_size);

    if (status == COFFER_OK && gp_attributes_unpack(object->attributes, info->have, bytes,
                                                    info->attributes_size) != TEE_SUCCESS)
        status = COFFER_CORRUPT;
    return status;
}

/* From the store into secure memory. COFFER_UNSUPPORTED: no such type is known here. */
static enum coffer_status load_attributes(struct gp_instance *instance, struct gp_object *object,
                                          struct coffer_object *stored,
                                          const struct coffer_info *info)
{
    const struct gp_type *type = gp_type_find(info->type);
    enum coffer_status status;
    uint8_t *bytes;

    if (type == NULL || !gp_type_has_size(type, info->max_size))
        return COFFER_UNSUPPORTED;
    if (gp_attributes_make(instance->pool, type, info->max_size, &object->attributes) !=
        TEE_SUCCESS)
        return COFFER_NO_MEMORY;
    bytes = gp_alloc(instance->pool, (size_t)info->attributes_size + 1);
    if (bytes == NULL)
        return COFFER_NO_MEMORY;
    status = unpack(object, stored, info, bytes);
    gp_free(instance->pool, bytes);
    return status;
}

struct opening {
    struct gp_instance *instance;
    struct gp_object *object;
};

/* What the object is like. */
static enum coffer_status load(void *argument, struct coffer_object *stored)
{
    const struct opening *opening = argument;
    struct gp_object *object = opening->object;
    struct coffer_info info;
    enum coffer_status status = coffer_object_info(stored, &info);

    if (status != COFFER_OK)
        return status;
    object->type = info.type;
    object->object_size = info.object_size;
    object->max_size = info.max_size;
    object->initialized = true;
    return info.type == TEE_TYPE_DATA ? COFFER_OK
                                      : load_attributes(opening->instance, object, stored, &info);
}

static TEE_Result open_named(struct gp_instance *instance, const struct gp_file_name *name,
                             uint32_t flags, TEE_ObjectHandle *out)
{
    struct opening opening = {.instance = instance};
    const struct gp_loader loader = {.load = load, .argument = &opening};
    TEE_ObjectHandle handle;
    struct gp_file *file;
    TEE_Result result = gp_object_make(instance, &opening.object, &handle);

    if (result != TEE_SUCCESS)
        return result;
    result = gp_file_open(instance->tee, name, flags, &loader, &file);
    if (result != TEE_SUCCESS) {
        gp_object_close(instance, handle);
        return result;
    }
    become_persistent(opening.object, file, flags);
    *out = handle;
    return TEE_SUCCESS;
}

TEE_Result gp_persistent_open(struct gp_instance *instance, uint32_t storage, const void *id,
                              size_t id_size, uint32_t flags, TEE_ObjectHandle *out)
{
    struct gp_file_name name;
    TEE_Result result;

    if (out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    *out = TEE_HANDLE_NULL;
    if ((flags & ~OPEN_FLAGS) != 0)
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_file_name(instance, storage, id, id_size, &name);
    return result == TEE_SUCCESS ? open_named(instance, &name, flags, out) : result;
}

/* --- Making --- */

/* An object to be made. */
struct making {
    struct gp_file_name name;
    uint32_t flags;
    struct gp_object *source; /* of its attributes; NULL: it has none */
    uint32_t usage;
};

/* Piece by piece, so that a large buffer isn't in secure memory all at once (GI5). */
static TEE_Result write_pieces(struct gp_instance *instance, struct coffer_writer *writer,
                               const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < GP_PIN_MAX ? size - done : GP_PIN_MAX;
        TEE_Result result = gp_pin(instance, data + done, piece);
        enum coffer_status status;

        if (result != TEE_SUCCESS)
            return result;
        status = coffer_writer_write(writer, data + done, piece);
        gp_unpin(instance, data + done, piece);
        if (status != COFFER_OK)
            return gp_store_result(status);
        done += piece;
    }
    return TEE_SUCCESS;
}

/* With the attributes as they are stored in `bytes`. */
static TEE_Result open_writer(const struct making *making, const uint8_t *bytes, size_t size,
                              struct coffer_writer **out)
{
    const struct gp_object *source = making->source;
    struct coffer_name name = gp_store_name(&making->name);
    struct coffer_attributes attributes = {
        .type = TEE_TYPE_DATA, .usage = making->usage, .bytes = bytes, .bytes_size = size};
    unsigned replace = (making->flags & TEE_DATA_FLAG_OVERWRITE) != 0 ? COFFER_REPLACE : 0;

    if (source != NULL) {
        attributes.type = source->type;
        attributes.object_size = source->object_size;
        attributes.max_size = source->max_size;
    }
    if (bytes != NULL)
        attributes.have = gp_attributes_have(source->attributes);
    return gp_store_result(
        coffer_writer_open(making->name.store, &name, replace, &attributes, out));
}

static TEE_Result open_packed_writer(struct gp_instance *instance, const struct making *making,
                                     struct coffer_writer **out)
{
    TEE_Result result;
    uint8_t *bytes;
    size_t size;

    if (making->source == NULL || making->source->attributes == NULL)
        return open_writer(making, NULL, 0, out);
    size = gp_attributes_packed_size(making->source->attributes);
    bytes = gp_alloc(instance->pool, size);
    if (bytes == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    gp_attributes_pack(making->source->attributes, bytes);
    result = open_writer(making, bytes, size, out);
    gp_free(instance->pool, bytes);
    return result;
}

/* All of it but its name is stored. */
static TEE_Result begin(struct gp_instance *instance, const struct making *making, const void *data,
                        size_t size, struct coffer_writer **out)
{
    struct coffer_writer *writer;
    TEE_Result result = open_packed_writer(instance, making, &writer);

    if (result != TEE_SUCCESS)
        return result;
    result = write_pieces(instance, writer, data, size);
    if (result == TEE_SUCCESS)
        *out = writer;
    else
        coffer_writer_abort(writer);
    return result;
}

/* An object that is like the source. */
static TEE_Result make_alike(struct gp_instance *instance, const struct gp_object *source,
                             struct gp_object **out, TEE_ObjectHandle *handle)
{
    struct gp_object *object;
    TEE_Result result = gp_object_make(instance, &object, handle);

    if (result != TEE_SUCCESS)
        return result;
    object->type = source != NULL ? source->type : TEE_TYPE_DATA;
    object->initialized = true;
    if (source != NULL) {
        object->object_size = source->object_size;
        object->max_size = source->max_size;
    }
    if (source != NULL && source->attributes != NULL) {
        result = gp_attributes_make(instance->pool, source->attributes->type,
                                    source->attributes->max_size, &object->attributes);
        if (result == TEE_SUCCESS)
            gp_attributes_copy(object->attributes, source->attributes);
    }
    if (result == TEE_SUCCESS)
        *out = object;
    else
        gp_object_close(instance, *handle);
    return result;
}

/* The object gets its name, and a handle of its own, which is there before. */
static TEE_Result finish_with_handle(struct gp_instance *instance, const struct making *making,
                                     struct coffer_writer *writer, TEE_ObjectHandle *out)
{
    TEE_ObjectHandle handle;
    struct gp_object *object;
    struct gp_file *file;
    TEE_Result result = make_alike(instance, making->source, &object, &handle);

    if (result != TEE_SUCCESS) {
        coffer_writer_abort(writer);
        return result;
    }
    result = gp_file_create(instance->tee, &making->name, making->flags, writer, &file);
    if (result != TEE_SUCCESS) {
        gp_object_close(instance, handle);
        return result;
    }
    become_persistent(object, file, making->flags);
    *out = handle;
    return TEE_SUCCESS;
}

/* The object gets its name; a transient source becomes the handle on it. */
static TEE_Result finish(struct gp_instance *instance, const struct making *making,
                         struct coffer_writer *writer)
{
    bool becomes = making->source != NULL && making->source->file == NULL;
    struct gp_file *file = NULL;
    TEE_Result result = gp_file_create(instance->tee, &making->name, making->flags, writer,
                                       becomes ? &file : NULL);

    if (result == TEE_SUCCESS && becomes)
        become_persistent(making->source, file, making->flags);
    return result;
}

/* The source of attributes and usage. */
static TEE_Result find_source(struct gp_instance *instance, TEE_ObjectHandle handle,
                              struct making *making)
{
    struct gp_object *source = gp_object_find(instance, handle);
    TEE_ObjectInfo info;
    TEE_Result result;

    if (source == NULL)
        return handle == TEE_HANDLE_NULL ? TEE_SUCCESS : TEE_ERROR_BAD_PARAMETERS;
    if (!source->initialized)
        return TEE_ERROR_BAD_STATE;
    result = gp_object_info(instance, handle, &info);
    if (result != TEE_SUCCESS)
        return result;
    making->source = source;
    making->usage = info.objectUsage;
    return TEE_SUCCESS;
}

TEE_Result gp_persistent_create(struct gp_instance *instance, uint32_t storage, const void *id,
                                size_t id_size, uint32_t flags, TEE_ObjectHandle attributes,
                                const void *data, size_t size, TEE_ObjectHandle *out)
{
    struct making making = {.flags = flags, .usage = COFFER_USAGE_ALL};
    struct coffer_writer *writer;
    TEE_Result result;

    if (out != NULL)
        *out = TEE_HANDLE_NULL;
    if ((flags & ~CREATE_FLAGS) != 0 || (data == NULL && size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_file_name(instance, storage, id, id_size, &making.name);
    if (result == TEE_SUCCESS)
        result = find_source(instance, attributes, &making);
    if (result == TEE_SUCCESS)
        result = begin(instance, &making, data, size, &writer);
    if (result != TEE_SUCCESS)
        return result;
    return out != NULL ? finish_with_handle(instance, &making, writer, out)
                       : finish(instance, &making, writer);
}

/* --- Deleting, renaming --- */

TEE_Result gp_persistent_delete(struct gp_instance *instance, TEE_ObjectHandle handle)
{
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, TEE_DATA_FLAG_ACCESS_WRITE_META,
                                           &object);

    if (result != TEE_SUCCESS)
        return result;
    result = gp_file_delete(instance->tee, object->file);
    object->file = NULL;
    gp_object_close(instance, handle);
    return result;
}

TEE_Result gp_persistent_rename(struct gp_instance *instance, TEE_ObjectHandle handle,
                                const void *id, size_t id_size)
{
    struct gp_file_name to;
    struct gp_object *object;
    TEE_Result result = gp_persistent_find(instance, handle, TEE_DATA_FLAG_ACCESS_WRITE_META,
                                           &object);

    if (result != TEE_SUCCESS)
        return result;
    to = object->file->name;
    result = gp_file_set_id(instance, id, id_size, &to);
    if (result == TEE_SUCCESS)
        result = gp_file_rename(instance->tee, object->file, &to);
    return gp_object_settle(instance, handle, result);
}

/* --- The standard's calls --- */

TEE_Result TEE_OpenPersistentObject(uint32_t storageID, const void *objectID, size_t objectIDLen,
                                    uint32_t flags, TEE_ObjectHandle *object)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(
        instance, GP_CALL_OPEN_PERSISTENT_OBJECT,
        gp_persistent_open(instance, storageID, objectID, objectIDLen, flags, object));
}

TEE_Result TEE_CreatePersistentObject(uint32_t storageID, const void *objectID, size_t objectIDLen,
                                      uint32_t flags, TEE_ObjectHandle attributes,
                                      const void *initialData, size_t initialDataLen,
                                      TEE_ObjectHandle *object)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_CREATE_PERSISTENT_OBJECT,
                          gp_persistent_create(instance, storageID, objectID, objectIDLen, flags,
                                               attributes, initialData, initialDataLen, object));
}

TEE_Result TEE_CloseAndDeletePersistentObject1(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();

    if (object == TEE_HANDLE_NULL)
        return TEE_SUCCESS;
    return gp_storage_end(instance, GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1,
                          gp_persistent_delete(instance, object));
}

void TEE_CloseAndDeletePersistentObject(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();

    if (object != TEE_HANDLE_NULL)
        gp_end_void(instance, GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT,
                    gp_persistent_delete(instance, object));
}

TEE_Result TEE_RenamePersistentObject(TEE_ObjectHandle object, const void *newObjectID,
                                      size_t newObjectIDLen)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_RENAME_PERSISTENT_OBJECT,
                          gp_persistent_rename(instance, object, newObjectID, newObjectIDLen));
}

/* Every change is on the device when its call returns: there is nothing to wait for. */
TEE_Result TEE_SyncPersistentObject(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();
    struct gp_object *found;

    return gp_end(instance, GP_CALL_SYNC_PERSISTENT_OBJECT,
                  gp_persistent_find(instance, object, 0, &found));
}
