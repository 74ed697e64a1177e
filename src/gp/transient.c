/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/transient.h"

#include <string.h>

/* A transient object; NULL: it is none. */
static struct gp_object *find_transient(const struct gp_instance *instance, TEE_ObjectHandle handle)
{
    struct gp_object *object = gp_object_find(instance, handle);

    return object != NULL && object->file == NULL ? object : NULL;
}

/* One that isn't initialized. */
static struct gp_object *find_blank(const struct gp_instance *instance, TEE_ObjectHandle handle)
{
    struct gp_object *object = find_transient(instance, handle);

    return object != NULL && !object->initialized ? object : NULL;
}

TEE_Result gp_transient_allocate(struct gp_instance *instance, uint32_t type, uint32_t max_size,
                                 TEE_ObjectHandle *out)
{
    const struct gp_type *found = gp_type_find(type);
    struct gp_attributes *attributes;
    struct gp_object *object;
    TEE_ObjectHandle handle;
    TEE_Result result;

    if (out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (found == NULL || !gp_type_has_size(found, max_size))
        return TEE_ERROR_NOT_SUPPORTED;
    result = gp_attributes_make(instance->pool, found, max_size, &attributes);
    if (result != TEE_SUCCESS)
        return result;
    result = gp_object_make(instance, &object, &handle);
    if (result != TEE_SUCCESS) {
        gp_attributes_free(instance->pool, attributes);
        return result;
    }
    object->type = type;
    object->attributes = attributes;
    object->max_size = max_size;
    object->usage = UINT32_MAX;
    *out = handle;
    return TEE_SUCCESS;
}

TEE_Result gp_transient_free(struct gp_instance *instance, TEE_ObjectHandle handle)
{
    if (handle == TEE_HANDLE_NULL)
        return TEE_SUCCESS;
    if (find_transient(instance, handle) == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    gp_object_close(instance, handle);
    return TEE_SUCCESS;
}

TEE_Result gp_transient_reset(struct gp_instance *instance, TEE_ObjectHandle handle)
{
    struct gp_object *object = find_transient(instance, handle);

    if (handle == TEE_HANDLE_NULL)
        return TEE_SUCCESS;
    if (object == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    gp_attributes_clear(object->attributes);
    object->initialized = false;
    object->object_size = 0;
    object->usage = UINT32_MAX;
    return TEE_SUCCESS;
}

TEE_Result gp_transient_populate(struct gp_instance *instance, TEE_ObjectHandle handle,
                                 const TEE_Attribute *attributes, uint32_t count)
{
    struct gp_object *object = find_blank(instance, handle);
    TEE_Result result;

    if (object == NULL || (attributes == NULL && count > 0))
        return TEE_ERROR_BAD_STATE;
    result = gp_attributes_populate(object->attributes, attributes, count, &object->object_size);
    if (result == TEE_SUCCESS)
        object->initialized = true;
    return result;
}

TEE_Result gp_transient_generate(struct gp_instance *instance, TEE_ObjectHandle handle,
                                 uint32_t size, const TEE_Attribute *parameters, uint32_t count)
{
    struct gp_object *object = find_blank(instance, handle);
    uint32_t given = 0;
    TEE_Result result;

    if (object == NULL || (parameters == NULL && count > 0))
        return TEE_ERROR_BAD_STATE;
    if (!gp_type_has_size(object->attributes->type, size) || size > object->max_size)
        return TEE_ERROR_BAD_STATE;
    result = gp_attributes_take_given(object->attributes, parameters, count, &given);
    if (result != TEE_SUCCESS)
        return result;
    /* A prime, or a curve, of another size. */
    result = given == 0 || given == size ? gp_generate(instance->tee, object->attributes, size)
                                         : TEE_ERROR_BAD_PARAMETERS;
    if (result != TEE_SUCCESS) {
        gp_attributes_clear(object->attributes);
        return result;
    }
    object->object_size = size;
    object->initialized = true;
    return TEE_SUCCESS;
}

TEE_Result gp_transient_copy(struct gp_instance *instance, TEE_ObjectHandle to,
                             TEE_ObjectHandle from)
{
    struct gp_object *object = find_blank(instance, to);
    const struct gp_object *source = gp_object_find(instance, from);
    TEE_ObjectInfo info;
    TEE_Result result;

    if (object == NULL || source == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (!source->initialized || source->attributes == NULL)
        return TEE_ERROR_BAD_STATE;
    if (!gp_type_gives(source->attributes->type, object->attributes->type) ||
        source->object_size > object->max_size ||
        !gp_attributes_fit(object->attributes, source->attributes))
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_object_info(instance, from, &info); /* of a persistent one the store is asked */
    if (result != TEE_SUCCESS)
        return result;
    gp_attributes_copy(object->attributes, source->attributes);
    object->object_size = source->object_size;
    object->usage &= info.objectUsage;
    object->initialized = true;
    return TEE_SUCCESS;
}

/* --- Attributes of objects of both kinds --- */

/* The attribute, if there may be a look at it. */
static TEE_Result find_attribute(struct gp_instance *instance, TEE_ObjectHandle handle, uint32_t id,
                                 const struct gp_value **out)
{
    const struct gp_object *object = gp_object_find(instance, handle);
    TEE_ObjectInfo info;
    TEE_Result result;

    if (object == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (!object->initialized)
        return TEE_ERROR_BAD_STATE;
    result = gp_object_info(instance, handle, &info);
    if (result != TEE_SUCCESS)
        return result;
    if ((id & TEE_ATTR_FLAG_PUBLIC) == 0 && (info.objectUsage & TEE_USAGE_EXTRACTABLE) == 0)
        return TEE_ERROR_BAD_STATE;
    *out = object->attributes != NULL ? gp_attributes_get(object->attributes, id) : NULL;
    return *out != NULL ? TEE_SUCCESS : TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result gp_object_buffer_attribute(struct gp_instance *instance, TEE_ObjectHandle handle,
                                      uint32_t id, void *buffer, size_t *size)
{
    const struct gp_value *value;
    TEE_Result result;

    if ((id & TEE_ATTR_FLAG_VALUE) != 0 || size == NULL || (buffer == NULL && *size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    result = find_attribute(instance, handle, id, &value);
    if (result != TEE_SUCCESS)
        return result;
    if (value->number.size > *size) {
        *size = value->number.size;
        return TEE_ERROR_SHORT_BUFFER;
    }
    if (value->number.size > 0)
        memcpy(buffer, value->number.bytes, value->number.size);
    *size = value->number.size;
    return TEE_SUCCESS;
}

TEE_Result gp_object_value_attribute(struct gp_instance *instance, TEE_ObjectHandle handle,
                                     uint32_t id, uint32_t *a, uint32_t *b)
{
    const struct gp_value *value;
    TEE_Result result;

    if ((id & TEE_ATTR_FLAG_VALUE) == 0)
        return TEE_ERROR_BAD_PARAMETERS;
    result = find_attribute(instance, handle, id, &value);
    if (result != TEE_SUCCESS)
        return result;
    if (a != NULL)
        *a = value->value;
    if (b != NULL)
        *b = 0; /* no attribute of any type has two numbers */
    return TEE_SUCCESS;
}

/* --- The standard's calls --- */

TEE_Result TEE_GetObjectBufferAttribute(TEE_ObjectHandle object, uint32_t attributeID, void *buffer,
                                        size_t *size)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE,
                          gp_object_buffer_attribute(instance, object, attributeID, buffer, size));
}

TEE_Result TEE_GetObjectValueAttribute(TEE_ObjectHandle object, uint32_t attributeID, uint32_t *a,
                                       uint32_t *b)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_GET_OBJECT_VALUE_ATTRIBUTE,
                          gp_object_value_attribute(instance, object, attributeID, a, b));
}

TEE_Result TEE_AllocateTransientObject(TEE_ObjectType objectType, uint32_t maxObjectSize,
                                       TEE_ObjectHandle *object)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_ALLOCATE_TRANSIENT_OBJECT,
                  gp_transient_allocate(instance, objectType, maxObjectSize, object));
}

void TEE_FreeTransientObject(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_FREE_TRANSIENT_OBJECT, gp_transient_free(instance, object));
}

void TEE_ResetTransientObject(TEE_ObjectHandle object)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_RESET_TRANSIENT_OBJECT, gp_transient_reset(instance, object));
}

TEE_Result TEE_PopulateTransientObject(TEE_ObjectHandle object, const TEE_Attribute *attrs,
                                       uint32_t attrCount)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_POPULATE_TRANSIENT_OBJECT,
                  gp_transient_populate(instance, object, attrs, attrCount));
}

void TEE_InitRefAttribute(TEE_Attribute *attr, uint32_t attributeID, const void *buffer,
                          size_t length)
{
    struct gp_instance *instance = gp_current();

    if (attr == NULL || (attributeID & TEE_ATTR_FLAG_VALUE) != 0)
        gp_panic(instance, GP_CALL_INIT_REF_ATTRIBUTE, TEE_ERROR_BAD_PARAMETERS);
    attr->attributeID = attributeID;
    memcpy(&attr->content.ref.buffer, &buffer, sizeof(buffer)); /* the type has no const */
    attr->content.ref.length = length;
}

void TEE_InitValueAttribute(TEE_Attribute *attr, uint32_t attributeID, uint32_t a, uint32_t b)
{
    struct gp_instance *instance = gp_current();

    if (attr == NULL || (attributeID & TEE_ATTR_FLAG_VALUE) == 0)
        gp_panic(instance, GP_CALL_INIT_VALUE_ATTRIBUTE, TEE_ERROR_BAD_PARAMETERS);
    attr->attributeID = attributeID;
    attr->content.value.a = a;
    attr->content.value.b = b;
}

TEE_Result TEE_CopyObjectAttributes1(TEE_ObjectHandle destObject, TEE_ObjectHandle srcObject)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_COPY_OBJECT_ATTRIBUTES1,
                          gp_transient_copy(instance, destObject, srcObject));
}

void TEE_CopyObjectAttributes(TEE_ObjectHandle destObject, TEE_ObjectHandle srcObject)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_COPY_OBJECT_ATTRIBUTES,
                gp_transient_copy(instance, destObject, srcObject));
}

TEE_Result TEE_GenerateKey(TEE_ObjectHandle object, uint32_t keySize, const TEE_Attribute *params,
                           uint32_t paramCount)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_GENERATE_KEY,
                  gp_transient_generate(instance, object, keySize, params, paramCount));
}
