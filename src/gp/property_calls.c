/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on properties (4.4), and enumerators that walk over a set. */
#include <string.h>

#include "base/text.h"
#include "gp/properties.h"

struct enumerator {
    TEE_PropSetHandle set; /* NULL: not started */
    uint32_t index;        /* behind the last: at the end */
};

/* --- One of them ------------------------------------------------------------------------- */

/* Where an enumerator stands; ITEM_NOT_FOUND: nowhere (yet, or any more). */
static TEE_Result current_property(const struct gp_instance *instance, TEE_PropSetHandle handle,
                                   struct gp_property *out)
{
    const struct enumerator *enumerator = gp_handle_find(instance, GP_PROPERTIES, handle);

    if (enumerator == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_property_at(instance, enumerator->set, enumerator->index, out)
               ? TEE_SUCCESS
               : TEE_ERROR_ITEM_NOT_FOUND;
}

/* By its name in a set, or where an enumerator stands. */
static TEE_Result find_property(const struct gp_instance *instance, TEE_PropSetHandle handle,
                                const char *name, struct gp_property *out)
{
    if (!gp_is_property_set(handle))
        return current_property(instance, handle, out);
    if (name == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    for (uint32_t i = 0; gp_property_at(instance, handle, i, out); i++) {
        if (strcmp(out->name, name) == 0)
            return TEE_SUCCESS;
    }
    return TEE_ERROR_ITEM_NOT_FOUND;
}

static TEE_Result find_typed(const struct gp_instance *instance, TEE_PropSetHandle handle,
                             const char *name, enum user_ta_prop_type type, struct gp_property *out)
{
    TEE_Result result = find_property(instance, handle, name, out);

    return result == TEE_SUCCESS && out->type != type ? TEE_ERROR_BAD_FORMAT : result;
}

static void add_uuid(struct text *text, const TEE_UUID *uuid)
{
    struct coffer_uuid printed = gp_uuid(uuid);
    char line[COFFER_UUID_TEXT_SIZE];

    coffer_uuid_format(&printed, line);
    text_add(text, line);
}

/* As text, which is in `text` or is the property's own. */
static const char *text_of(const struct gp_property *property, struct text *text)
{
    *text = (struct text){.size = 0};
    switch (property->type) {
    case USER_TA_PROP_TYPE_BOOL:
        text_add(text, property->value.boolean ? "true" : "false");
        break;
    case USER_TA_PROP_TYPE_U32:
        text_add_number(text, property->value.u32, 10);
        break;
    case USER_TA_PROP_TYPE_U64:
        text_add_number(text, property->value.u64, 10);
        break;
    case USER_TA_PROP_TYPE_UUID:
        add_uuid(text, &property->value.uuid);
        break;
    case USER_TA_PROP_TYPE_IDENTITY:
        text_add_number(text, property->value.identity.login, 10);
        text_add(text, ":");
        add_uuid(text, &property->value.identity.uuid);
        break;
    default:
        return property->value.string;
    }
    return text->bytes;
}

static TEE_Result give_string(const char *string, void *buffer, size_t *size)
{
    size_t needed = strlen(string) + 1;
    bool fits = needed <= *size;

    if (buffer == NULL && *size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    *size = needed;
    if (!fits)
        return TEE_ERROR_SHORT_BUFFER;
    memcpy(buffer, string, needed);
    return TEE_SUCCESS;
}

static TEE_Result property_string(struct gp_instance *instance, TEE_PropSetHandle handle,
                                  const char *name, char *buffer, size_t *size)
{
    struct gp_property property;
    struct text text;
    TEE_Result result;

    if (size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    result = find_property(instance, handle, name, &property);
    if (result != TEE_SUCCESS)
        return result;
    return give_string(text_of(&property, &text), buffer, size);
}

/* A digit of base 64; 64: it is none. */
static uint32_t digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t digit = 0;

    while (digit < 64 && digits[digit] != c)
        digit++;
    return digit;
}

/* Base 64 as bytes: how many; with `out` NULL they are only counted. BAD_FORMAT. */
static TEE_Result decode(const char *text, uint8_t *out, size_t *size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t done = 0;

    for (; *text != '\0' && *text != '='; text++) {
        uint32_t digit = digit_of(*text);

        if (digit == 64)
            return TEE_ERROR_BAD_FORMAT;
        bits = (bits << 6 | digit) & 0xFFFFu;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (out != NULL)
                out[done] = (uint8_t)(bits >> held);
            done++;
        }
    }
    while (*text == '=')
        text++;
    if (*text != '\0' || held == 6 || (bits & ((1u << held) - 1)) != 0)
        return TEE_ERROR_BAD_FORMAT;
    *size = done;
    return TEE_SUCCESS;
}

static TEE_Result property_block(struct gp_instance *instance, TEE_PropSetHandle handle,
                                 const char *name, void *buffer, size_t *size)
{
    struct gp_property property;
    size_t needed;
    TEE_Result result;
    bool fits;

    if (size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    result = find_typed(instance, handle, name, USER_TA_PROP_TYPE_BINARY_BLOCK, &property);
    if (result == TEE_SUCCESS)
        result = decode(property.value.string, NULL, &needed);
    if (result != TEE_SUCCESS)
        return result;
    if (buffer == NULL && *size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    fits = needed <= *size;
    *size = needed;
    if (!fits)
        return TEE_ERROR_SHORT_BUFFER;
    return decode(property.value.string, buffer, &needed);
}

/* --- Enumerators ------------------------------------------------------------------------- */

static void close_enumerator(struct gp_instance *instance, void *thing)
{
    gp_free(instance->pool, thing);
}

static TEE_Result allocate_enumerator(struct gp_instance *instance, TEE_PropSetHandle *out)
{
    TEE_Result result;
    void *enumerator;
    void *handle;

    if (out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_handle_make_new(instance, GP_PROPERTIES, sizeof(struct enumerator),
                                close_enumerator, &enumerator, &handle);
    if (result == TEE_SUCCESS)
        *out = handle;
    return result;
}

/* OP-TEE takes a NULL for no enumerator; for the standard it is no handle. */
static bool is_nothing(const struct gp_instance *instance, TEE_PropSetHandle handle)
{
    return handle == TEE_HANDLE_NULL && instance->tee->profile == GP_OPTEE_4;
}

static TEE_Result free_enumerator(struct gp_instance *instance, TEE_PropSetHandle handle)
{
    return is_nothing(instance, handle) ? TEE_SUCCESS
                                        : gp_handle_close(instance, GP_PROPERTIES, handle);
}

static TEE_Result start_enumerator(struct gp_instance *instance, TEE_PropSetHandle handle,
                                   TEE_PropSetHandle set)
{
    struct enumerator *enumerator = gp_handle_find(instance, GP_PROPERTIES, handle);

    if (enumerator == NULL || (set != NULL && !gp_is_property_set(set)))
        return TEE_ERROR_BAD_PARAMETERS;
    *enumerator = (struct enumerator){.set = set};
    return TEE_SUCCESS;
}

static TEE_Result next_property(struct gp_instance *instance, TEE_PropSetHandle handle)
{
    struct enumerator *enumerator = gp_handle_find(instance, GP_PROPERTIES, handle);
    struct gp_property property;
    TEE_Result result = current_property(instance, handle, &property);

    if (result == TEE_SUCCESS) {
        enumerator->index++;
        result = current_property(instance, handle, &property);
    }
    return result;
}

static TEE_Result property_name(const struct gp_instance *instance, TEE_PropSetHandle handle,
                                void *buffer, size_t *size)
{
    struct gp_property property;
    TEE_Result result;

    if (size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    result = current_property(instance, handle, &property);
    return result == TEE_SUCCESS ? give_string(property.name, buffer, size) : result;
}

/* --- The calls --------------------------------------------------------------------------- */

/* The property as one of a type, whose value `out` is for. */
static TEE_Result get_typed(enum gp_call call, TEE_PropSetHandle handle, const char *name,
                            enum user_ta_prop_type type, const void *out,
                            struct gp_property *property)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, call,
                  out != NULL ? find_typed(instance, handle, name, type, property)
                              : TEE_ERROR_BAD_PARAMETERS);
}

TEE_Result TEE_GetPropertyAsString(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                   char *valueBuffer, size_t *valueBufferLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(
        instance, GP_CALL_GET_PROPERTY_AS_STRING,
        property_string(instance, propsetOrEnumerator, name, valueBuffer, valueBufferLen));
}

TEE_Result TEE_GetPropertyAsBool(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                 bool *value)
{
    struct gp_property property;
    TEE_Result result = get_typed(GP_CALL_GET_PROPERTY_AS_BOOL, propsetOrEnumerator, name,
                                  USER_TA_PROP_TYPE_BOOL, value, &property);

    if (result == TEE_SUCCESS)
        *value = property.value.boolean;
    return result;
}

TEE_Result TEE_GetPropertyAsU32(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                uint32_t *value)
{
    struct gp_property property;
    TEE_Result result = get_typed(GP_CALL_GET_PROPERTY_AS_U32, propsetOrEnumerator, name,
                                  USER_TA_PROP_TYPE_U32, value, &property);

    if (result == TEE_SUCCESS)
        *value = property.value.u32;
    return result;
}

TEE_Result TEE_GetPropertyAsU64(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                uint64_t *value)
{
    struct gp_property property;
    TEE_Result result = get_typed(GP_CALL_GET_PROPERTY_AS_U64, propsetOrEnumerator, name,
                                  USER_TA_PROP_TYPE_U64, value, &property);

    if (result == TEE_SUCCESS)
        *value = property.value.u64;
    return result;
}

TEE_Result TEE_GetPropertyAsBinaryBlock(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                        void *valueBuffer, size_t *valueBufferLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_GET_PROPERTY_AS_BINARY_BLOCK,
                  property_block(instance, propsetOrEnumerator, name, valueBuffer, valueBufferLen));
}

TEE_Result TEE_GetPropertyAsUUID(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                 TEE_UUID *value)
{
    struct gp_property property;
    TEE_Result result = get_typed(GP_CALL_GET_PROPERTY_AS_UUID, propsetOrEnumerator, name,
                                  USER_TA_PROP_TYPE_UUID, value, &property);

    if (result == TEE_SUCCESS)
        *value = property.value.uuid;
    return result;
}

TEE_Result TEE_GetPropertyAsIdentity(TEE_PropSetHandle propsetOrEnumerator, const char *name,
                                     TEE_Identity *value)
{
    struct gp_property property;
    TEE_Result result = get_typed(GP_CALL_GET_PROPERTY_AS_IDENTITY, propsetOrEnumerator, name,
                                  USER_TA_PROP_TYPE_IDENTITY, value, &property);

    if (result == TEE_SUCCESS)
        *value = property.value.identity;
    return result;
}

TEE_Result TEE_AllocatePropertyEnumerator(TEE_PropSetHandle *enumerator)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR,
                  allocate_enumerator(instance, enumerator));
}

void TEE_FreePropertyEnumerator(TEE_PropSetHandle enumerator)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_FREE_PROPERTY_ENUMERATOR, free_enumerator(instance, enumerator));
}

void TEE_StartPropertyEnumerator(TEE_PropSetHandle enumerator, TEE_PropSetHandle propSet)
{
    struct gp_instance *instance = gp_current();
    TEE_Result result = TEE_ERROR_BAD_PARAMETERS;

    if (gp_is_property_set(propSet))
        result = start_enumerator(instance, enumerator, propSet);
    gp_end_void(instance, GP_CALL_START_PROPERTY_ENUMERATOR, result);
}

void TEE_ResetPropertyEnumerator(TEE_PropSetHandle enumerator)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_RESET_PROPERTY_ENUMERATOR,
                start_enumerator(instance, enumerator, NULL));
}

TEE_Result TEE_GetPropertyName(TEE_PropSetHandle enumerator, void *nameBuffer,
                               size_t *nameBufferLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_GET_PROPERTY_NAME,
                  property_name(instance, enumerator, nameBuffer, nameBufferLen));
}

TEE_Result TEE_GetNextProperty(TEE_PropSetHandle enumerator)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_GET_NEXT_PROPERTY, next_property(instance, enumerator));
}
