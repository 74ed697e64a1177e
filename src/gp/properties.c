/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What properties there are. Those that tell of a facility that isn't here (time, arithmetic)
 * aren't there either.
 */
#include "gp/properties.h"

enum tee_property {
    TEE_API_VERSION,
    TEE_CORE_VERSION,
    TEE_DESCRIPTION,
    TEE_DEVICE_ID,
    TEE_CRYPTO_ECC,
    TEE_ANTI_ROLLBACK,
    TEE_ROLLBACK_DETECTION,
    TEE_PRIVATE_ROLLBACK,
    TEE_PERSO_ROLLBACK,
    TEE_PROTECTED_ROLLBACK,
    TEE_OS_VERSION,
    TEE_OS_MANUFACTURER,
    TEE_PROPERTIES,
};

static bool tee_property(const struct gp_instance *instance, uint32_t index,
                         struct gp_property *out)
{
    /* The levels of protection are 0: a store as a whole can be put back to what it was. */
    static const struct gp_property properties[TEE_PROPERTIES] = {
        [TEE_API_VERSION] = {"gpd.tee.apiversion", USER_TA_PROP_TYPE_STRING, {.string = "1.3.1"}},
        [TEE_CORE_VERSION] = {"gpd.tee.internalCore.version",
                              USER_TA_PROP_TYPE_U32,
                              {.u32 = TEE_CORE_API_VERSION}},
        [TEE_DESCRIPTION] = {"gpd.tee.description",
                             USER_TA_PROP_TYPE_STRING,
                             {.string = "Coffer " COFFER_VERSION}},
        [TEE_DEVICE_ID] = {.name = "gpd.tee.deviceID", .type = USER_TA_PROP_TYPE_UUID},
        [TEE_CRYPTO_ECC] = {"gpd.tee.cryptography.ecc", USER_TA_PROP_TYPE_BOOL, {.boolean = false}},
        [TEE_ANTI_ROLLBACK] = {"gpd.tee.trustedStorage.antiRollback.protectionLevel",
                               USER_TA_PROP_TYPE_U32,
                               {.u32 = 0}},
        [TEE_ROLLBACK_DETECTION] = {"gpd.tee.trustedStorage.rollbackDetection.protectionLevel",
                                    USER_TA_PROP_TYPE_U32,
                                    {.u32 = 0}},
        [TEE_PRIVATE_ROLLBACK] = {"gpd.tee.trustedStorage.private.rollbackProtection",
                                  USER_TA_PROP_TYPE_U32,
                                  {.u32 = 0}},
        [TEE_PERSO_ROLLBACK] = {"gpd.tee.trustedStorage.perso.rollbackProtection",
                                USER_TA_PROP_TYPE_U32,
                                {.u32 = 0}},
        [TEE_PROTECTED_ROLLBACK] = {"gpd.tee.trustedStorage.protected.rollbackProtection",
                                    USER_TA_PROP_TYPE_U32,
                                    {.u32 = 0}},
        [TEE_OS_VERSION] = {"gpd.tee.trustedos.implementation.version",
                            USER_TA_PROP_TYPE_STRING,
                            {.string = COFFER_VERSION}},
        [TEE_OS_MANUFACTURER] = {"gpd.tee.trustedos.manufacturer",
                                 USER_TA_PROP_TYPE_STRING,
                                 {.string = "Coffer"}},
    };

    if (index >= TEE_PROPERTIES)
        return false;
    *out = properties[index];
    if (index == TEE_DEVICE_ID)
        out->value.uuid = instance->tee->device;
    return true;
}

/* One of the TA's own, as its source gave it. */
static bool own_property(const struct gp_manifest *manifest, uint32_t index,
                         struct gp_property *out)
{
    const struct user_ta_property *own;

    if (index >= manifest->property_count)
        return false;
    own = &manifest->properties[index];
    out->name = own->name;
    out->type = own->type;
    switch (own->type) {
    case USER_TA_PROP_TYPE_BOOL:
        out->value.boolean = *(const bool *)own->value;
        break;
    case USER_TA_PROP_TYPE_U32:
        out->value.u32 = *(const uint32_t *)own->value;
        break;
    case USER_TA_PROP_TYPE_U64:
        out->value.u64 = *(const uint64_t *)own->value;
        break;
    case USER_TA_PROP_TYPE_UUID:
        out->value.uuid = *(const TEE_UUID *)own->value;
        break;
    case USER_TA_PROP_TYPE_IDENTITY:
        out->value.identity = *(const TEE_Identity *)own->value;
        break;
    default:
        out->value.string = own->value;
        break;
    }
    return true;
}

enum ta_property {
    TA_APP_ID,
    TA_SINGLE_INSTANCE,
    TA_MULTI_SESSION,
    TA_KEEP_ALIVE,
    TA_DATA_SIZE,
    TA_STACK_SIZE,
    TA_VERSION,
    TA_DESCRIPTION,
    TA_ENDIAN,
    TA_KEEPS_CORRUPT,
    TA_PROPERTIES,
};

static bool is_flagged(const struct gp_manifest *manifest, uint32_t flag)
{
    return (manifest->flags & flag) != 0;
}

static bool ta_property(const struct gp_instance *instance, uint32_t index, struct gp_property *out)
{
    static const struct gp_property properties[TA_PROPERTIES] = {
        [TA_APP_ID] = {.name = "gpd.ta.appID", .type = USER_TA_PROP_TYPE_UUID},
        [TA_SINGLE_INSTANCE] = {.name = "gpd.ta.singleInstance", .type = USER_TA_PROP_TYPE_BOOL},
        [TA_MULTI_SESSION] = {.name = "gpd.ta.multiSession", .type = USER_TA_PROP_TYPE_BOOL},
        [TA_KEEP_ALIVE] = {.name = "gpd.ta.instanceKeepAlive", .type = USER_TA_PROP_TYPE_BOOL},
        [TA_DATA_SIZE] = {.name = "gpd.ta.dataSize", .type = USER_TA_PROP_TYPE_U32},
        [TA_STACK_SIZE] = {.name = "gpd.ta.stackSize", .type = USER_TA_PROP_TYPE_U32},
        [TA_VERSION] = {.name = "gpd.ta.version", .type = USER_TA_PROP_TYPE_STRING},
        [TA_DESCRIPTION] = {.name = "gpd.ta.description", .type = USER_TA_PROP_TYPE_STRING},
        [TA_ENDIAN] = {.name = "gpd.ta.endian", .type = USER_TA_PROP_TYPE_U32},
        [TA_KEEPS_CORRUPT] = {.name = "gpd.ta.doesNotCloseHandleOnCorruptObject",
                              .type = USER_TA_PROP_TYPE_BOOL},
    };
    const struct gp_manifest *manifest = &instance->manifest;

    if (index >= TA_PROPERTIES)
        return own_property(manifest, index - TA_PROPERTIES, out);
    *out = properties[index];
    switch ((enum ta_property)index) {
    case TA_APP_ID:
        out->value.uuid = instance->uuid;
        break;
    case TA_SINGLE_INSTANCE:
        out->value.boolean = is_flagged(manifest, TA_FLAG_SINGLE_INSTANCE);
        break;
    case TA_MULTI_SESSION:
        out->value.boolean = is_flagged(manifest, TA_FLAG_MULTI_SESSION);
        break;
    case TA_KEEP_ALIVE:
        out->value.boolean = is_flagged(manifest, TA_FLAG_INSTANCE_KEEP_ALIVE);
        break;
    case TA_DATA_SIZE:
        out->value.u32 = instance->heap_size < UINT32_MAX ? (uint32_t)instance->heap_size
                                                          : UINT32_MAX;
        break;
    case TA_STACK_SIZE:
        out->value.u32 = manifest->stack_size;
        break;
    case TA_VERSION:
        out->value.string = manifest->version != NULL ? manifest->version : "";
        break;
    case TA_DESCRIPTION:
        out->value.string = manifest->description != NULL ? manifest->description : "";
        break;
    case TA_ENDIAN:
        out->value.u32 = GP_ENDIAN;
        break;
    case TA_KEEPS_CORRUPT:
        out->value.boolean = is_flagged(manifest, TA_FLAG_DONT_CLOSE_HANDLE_ON_CORRUPT_OBJECT);
        break;
    default:
        break;
    }
    return true;
}

static bool client_property(const struct gp_instance *instance, uint32_t index,
                            struct gp_property *out)
{
    if (index == 0)
        *out = (struct gp_property){
            "gpd.client.identity", USER_TA_PROP_TYPE_IDENTITY, {.identity = instance->client}};
    else if (index == 1)
        *out = (struct gp_property){"gpd.client.endian", USER_TA_PROP_TYPE_U32, {.u32 = GP_ENDIAN}};
    return index < 2;
}

bool gp_is_property_set(TEE_PropSetHandle set)
{
    return set == TEE_PROPSET_TEE_IMPLEMENTATION || set == TEE_PROPSET_CURRENT_CLIENT ||
           set == TEE_PROPSET_CURRENT_TA;
}

bool gp_property_at(const struct gp_instance *instance, TEE_PropSetHandle set, uint32_t index,
                    struct gp_property *out)
{
    if (set == TEE_PROPSET_TEE_IMPLEMENTATION)
        return tee_property(instance, index, out);
    if (set == TEE_PROPSET_CURRENT_TA)
        return ta_property(instance, index, out);
    return set == TEE_PROPSET_CURRENT_CLIENT && client_property(instance, index, out);
}
