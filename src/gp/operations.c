/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/operations.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "gp/transient.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define DIGEST(name, size)                                                                         \
    {                                                                                              \
        TEE_ALG_##name, 0, GP_WORK_DIGEST, GP_##name, 0, (size), false                             \
    }
#define HMAC(name, size)                                                                           \
    {                                                                                              \
        TEE_ALG_HMAC_##name, TEE_TYPE_HMAC_##name, GP_WORK_HMAC, GP_##name, 0, (size), false       \
    }
#define CIPHER(name, type, work, block)                                                            \
    {                                                                                              \
        TEE_ALG_##name, TEE_TYPE_##type, GP_WORK_##work, GP_##type, (block), 0, false              \
    }
#define MAC(name, type, work, block, pad)                                                          \
    {                                                                                              \
        TEE_ALG_##name, TEE_TYPE_##type, GP_WORK_##work, GP_##type, (block), (block), (pad)        \
    }

static const struct gp_algorithm algorithms[] = {
    DIGEST(MD5, 16),
    DIGEST(SHA1, 20),
    DIGEST(SHA224, 28),
    DIGEST(SHA256, 32),
    DIGEST(SHA384, 48),
    DIGEST(SHA512, 64),
    DIGEST(SHA3_224, 28),
    DIGEST(SHA3_256, 32),
    DIGEST(SHA3_384, 48),
    DIGEST(SHA3_512, 64),
    DIGEST(SHAKE128, 0),
    DIGEST(SHAKE256, 0),
    CIPHER(AES_ECB_NOPAD, AES, ECB, 16),
    CIPHER(AES_CBC_NOPAD, AES, CBC, 16),
    CIPHER(AES_CTR, AES, CTR, 16),
    CIPHER(AES_CTS, AES, CTS, 16),
    CIPHER(AES_XTS, AES, XTS, 16),
    CIPHER(DES_ECB_NOPAD, DES, ECB, 8),
    CIPHER(DES_CBC_NOPAD, DES, CBC, 8),
    CIPHER(DES3_ECB_NOPAD, DES3, ECB, 8),
    CIPHER(DES3_CBC_NOPAD, DES3, CBC, 8),
    HMAC(MD5, 16),
    HMAC(SHA1, 20),
    HMAC(SHA224, 28),
    HMAC(SHA256, 32),
    HMAC(SHA384, 48),
    HMAC(SHA512, 64),
    HMAC(SHA3_224, 28),
    HMAC(SHA3_256, 32),
    HMAC(SHA3_384, 48),
    HMAC(SHA3_512, 64),
    MAC(AES_CBC_MAC_NOPAD, AES, CBC_MAC, 16, false),
    MAC(AES_CBC_MAC_PKCS5, AES, CBC_MAC, 16, true),
    MAC(AES_CMAC, AES, CMAC, 16, false),
    MAC(DES_CBC_MAC_NOPAD, DES, CBC_MAC, 8, false),
    MAC(DES_CBC_MAC_PKCS5, DES, CBC_MAC, 8, true),
    MAC(DES3_CBC_MAC_NOPAD, DES3, CBC_MAC, 8, false),
    MAC(DES3_CBC_MAC_PKCS5, DES3, CBC_MAC, 8, true),
    CIPHER(AES_GCM, AES, GCM, 16),
    CIPHER(AES_CCM, AES, CCM, 16),
};

const struct gp_algorithm *gp_algorithm_find(uint32_t id)
{
    for (unsigned i = 0; i < COUNT(algorithms); i++) {
        if (algorithms[i].id == id)
            return &algorithms[i];
    }
    return NULL;
}

/* The class of an algorithm is in its number. */
static uint32_t class_of(const struct gp_algorithm *algorithm)
{
    return algorithm->id >> 28;
}

static bool mode_fits(const struct gp_algorithm *algorithm, uint32_t mode)
{
    switch (class_of(algorithm)) {
    case TEE_OPERATION_DIGEST:
        return mode == TEE_MODE_DIGEST;
    case TEE_OPERATION_MAC:
        return mode == TEE_MODE_MAC;
    default:
        return mode == TEE_MODE_ENCRYPT || mode == TEE_MODE_DECRYPT;
    }
}

static bool has_two_keys(const struct gp_operation *operation)
{
    return operation->algorithm->work == GP_WORK_XTS;
}

/* What a key must be good for. */
static uint32_t usage_of(const struct gp_operation *operation)
{
    switch (operation->mode) {
    case TEE_MODE_ENCRYPT:
        return TEE_USAGE_ENCRYPT;
    case TEE_MODE_DECRYPT:
        return TEE_USAGE_DECRYPT;
    case TEE_MODE_MAC:
        return TEE_USAGE_MAC;
    default:
        return 0;
    }
}

struct gp_operation *gp_operation_find(const struct gp_instance *instance,
                                       TEE_OperationHandle handle, uint32_t class)
{
    struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, handle);

    return operation != NULL && class_of(operation->algorithm) == class ? operation : NULL;
}

TEE_Result gp_operation_find_active(const struct gp_instance *instance, TEE_OperationHandle handle,
                                    uint32_t class, struct gp_operation **out)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, class);

    if (operation == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (!operation->active)
        return TEE_ERROR_BAD_STATE;
    *out = operation;
    return TEE_SUCCESS;
}

static bool works_by_hash(const struct gp_operation *operation)
{
    return operation->algorithm->work == GP_WORK_DIGEST ||
           operation->algorithm->work == GP_WORK_HMAC;
}

/* What a digest and its like have set from the start: they need no init. */
static uint32_t first_flags(const struct gp_operation *operation)
{
    if (operation->algorithm->work == GP_WORK_DIGEST)
        return TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED;
    return has_two_keys(operation) ? TEE_HANDLE_FLAG_EXPECT_TWO_KEYS : 0;
}

void gp_operation_calm(struct gp_instance *instance, struct gp_operation *operation)
{
    wipe(&operation->state, sizeof(operation->state));
    if (works_by_hash(operation))
        instance->tee->provider->hash_reset(operation->contexts[0]);
    operation->active = false;
    operation->flags &= ~(uint32_t)TEE_HANDLE_FLAG_EXTRACTING;
    if (operation->algorithm->work != GP_WORK_DIGEST)
        operation->flags &= ~(uint32_t)TEE_HANDLE_FLAG_INITIALIZED;
}

/* --- Allocated and freed --- */

/* The block modes of an algorithm's contexts; GP_BLOCK_MODES: none. */
static void modes_of(enum gp_work work, enum gp_block_mode modes[2])
{
    modes[0] = GP_CBC;
    modes[1] = GP_BLOCK_MODES;
    if (work == GP_WORK_ECB)
        modes[0] = GP_ECB;
    else if (work == GP_WORK_CTR || work == GP_WORK_GCM)
        modes[0] = GP_CTR;
    else if (work == GP_WORK_XTS)
        modes[0] = modes[1] = GP_ECB;
    else if (work == GP_WORK_CCM)
        modes[1] = GP_CTR;
}

static void close_operation(struct gp_instance *instance, void *thing)
{
    const struct gp_provider *provider = instance->tee->provider;
    struct gp_operation *operation = thing;

    for (unsigned i = 0; i < 2; i++) {
        if (works_by_hash(operation))
            provider->hash_close(operation->contexts[i]);
        else
            provider->block_close(operation->contexts[i]);
    }
    if (operation->ghash_key != NULL) {
        wipe(operation->ghash_key, provider->ghash_key_size);
        gp_free(instance->pool, operation->ghash_key);
    }
    wipe(operation, sizeof(*operation));
    gp_free(instance->pool, operation);
}

/* What it needs beside its own block, from the pool and from the provider. */
static enum coffer_status open_contexts(struct gp_tee *tee, struct coffer_pool *pool,
                                        struct gp_operation *operation)
{
    const struct gp_algorithm *algorithm = operation->algorithm;
    enum gp_block_mode modes[2];
    enum coffer_status status = COFFER_OK;

    if (works_by_hash(operation))
        return tee->provider->hash_open(tee->crypto, (enum gp_hash)algorithm->primitive,
                                        algorithm->work == GP_WORK_HMAC, &operation->contexts[0]);
    modes_of((enum gp_work)algorithm->work, modes);
    for (unsigned i = 0; i < 2 && status == COFFER_OK; i++) {
        if (modes[i] != GP_BLOCK_MODES)
            status = tee->provider->block_open(tee->crypto,
                                               (enum gp_block_cipher)algorithm->primitive, modes[i],
                                               &operation->contexts[i]);
    }
    if (status == COFFER_OK && algorithm->work == GP_WORK_GCM) {
        operation->ghash_key = gp_alloc(pool, tee->provider->ghash_key_size);
        status = operation->ghash_key != NULL ? COFFER_OK : COFFER_NO_MEMORY;
    }
    return status;
}

TEE_Result gp_operation_allocate(struct gp_instance *instance, uint32_t algorithm, uint32_t mode,
                                 uint32_t max_size, TEE_OperationHandle *out)
{
    const struct gp_algorithm *found = gp_algorithm_find(algorithm);
    struct gp_operation *operation;
    void *number;
    TEE_Result result;

    if (out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (instance->tee->provider == NULL || found == NULL || !mode_fits(found, mode))
        return TEE_ERROR_NOT_SUPPORTED;
    if (found->key_type != 0 && !gp_type_has_size(gp_type_find(found->key_type), max_size))
        return TEE_ERROR_NOT_SUPPORTED;
    operation = gp_alloc(instance->pool, sizeof(*operation));
    if (operation == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    operation->algorithm = found;
    operation->mode = mode;
    operation->max_size = found->key_type != 0 ? max_size : 0;
    operation->flags = first_flags(operation);
    result = gp_result(open_contexts(instance->tee, instance->pool, operation));
    if (result == TEE_SUCCESS)
        result = gp_handle_make(instance, GP_OPERATION, operation, close_operation, &number);
    if (result == TEE_SUCCESS)
        *out = number;
    else
        close_operation(instance, operation);
    return result;
}

TEE_Result gp_operation_free(struct gp_instance *instance, TEE_OperationHandle handle)
{
    return handle == TEE_HANDLE_NULL ? TEE_SUCCESS
                                     : gp_handle_close(instance, GP_OPERATION, handle);
}

TEE_Result gp_operation_reset(struct gp_instance *instance, TEE_OperationHandle handle)
{
    struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, handle);

    if (operation == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((operation->flags & TEE_HANDLE_FLAG_KEY_SET) == 0)
        return TEE_ERROR_BAD_STATE;
    gp_operation_calm(instance, operation);
    return TEE_SUCCESS;
}

/* --- What it is --- */

static uint32_t digest_size(const struct gp_operation *operation)
{
    if (class_of(operation->algorithm) == TEE_OPERATION_AE && operation->active)
        return operation->state.ae.tag_size;
    return operation->algorithm->digest;
}

TEE_Result gp_operation_info(struct gp_instance *instance, TEE_OperationHandle handle,
                             TEE_OperationInfo *out)
{
    const struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, handle);
    bool one_key;

    if (operation == NULL || out == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    one_key = !has_two_keys(operation) && operation->keys[0].bits != 0;
    *out = (TEE_OperationInfo){
        .algorithm = operation->algorithm->id,
        .operationClass = class_of(operation->algorithm),
        .mode = operation->mode,
        .digestLength = digest_size(operation),
        .maxKeySize = operation->max_size,
        .keySize = one_key ? operation->keys[0].bits : 0,
        .requiredKeyUsage = has_two_keys(operation) ? 0 : usage_of(operation),
        .handleState = operation->flags,
    };
    return TEE_SUCCESS;
}

TEE_Result gp_operation_info_multiple(struct gp_instance *instance, TEE_OperationHandle handle,
                                      TEE_OperationInfoMultiple *out, size_t *size)
{
    const struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, handle);
    uint32_t keys;
    size_t needed;

    if (operation == NULL || size == NULL || (out == NULL && *size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    keys = operation->algorithm->key_type == 0 ? 0 : has_two_keys(operation) ? 2 : 1;
    needed = sizeof(*out) + keys * sizeof(out->keyInformation[0]);
    if (*size < needed) {
        *size = needed;
        return TEE_ERROR_SHORT_BUFFER;
    }
    out->algorithm = operation->algorithm->id;
    out->operationClass = class_of(operation->algorithm);
    out->mode = operation->mode;
    out->digestLength = digest_size(operation);
    out->maxKeySize = operation->max_size;
    out->handleState = operation->flags;
    out->operationState = (operation->flags & TEE_HANDLE_FLAG_EXTRACTING) != 0
                              ? TEE_OPERATION_STATE_EXTRACTING
                          : operation->active ? TEE_OPERATION_STATE_ACTIVE
                                              : TEE_OPERATION_STATE_INITIAL;
    out->numberOfKeys = keys;
    for (uint32_t i = 0; i < keys; i++) {
        out->keyInformation[i].keySize = operation->keys[i].bits;
        out->keyInformation[i].requiredKeyUsage = usage_of(operation);
    }
    *size = needed;
    return TEE_SUCCESS;
}

TEE_Result gp_algorithm_supported(const struct gp_tee *tee, uint32_t algorithm, uint32_t element)
{
    return tee->provider != NULL && gp_algorithm_find(algorithm) != NULL &&
                   element == TEE_CRYPTO_ELEMENT_NONE
               ? TEE_SUCCESS
               : TEE_ERROR_NOT_SUPPORTED;
}

/* --- Keys --- */

/* Give the contexts what is in `keys`. */
static enum coffer_status use_keys(struct gp_tee *tee, struct gp_operation *operation)
{
    const struct gp_provider *provider = tee->provider;
    enum coffer_status status = COFFER_OK;

    if (operation->algorithm->work == GP_WORK_HMAC)
        return provider->hash_set_key(operation->contexts[0], operation->keys[0].bytes,
                                      operation->keys[0].bits / 8);
    for (unsigned i = 0; i < 2 && status == COFFER_OK; i++) {
        const struct gp_operation_key *key = &operation->keys[has_two_keys(operation) ? i : 0];

        if (operation->contexts[i] != NULL)
            status = provider->block_set_key(operation->contexts[i],
                                             key->bits != 0 ? key->bytes : NULL, key->bits / 8);
    }
    if (status == COFFER_OK && operation->algorithm->work == GP_WORK_GCM)
        status = gp_gcm_use_key(tee, operation);
    return status;
}

static TEE_Result forget_keys(struct gp_tee *tee, struct gp_operation *operation)
{
    wipe(operation->keys, sizeof(operation->keys));
    operation->flags &= ~(uint32_t)TEE_HANDLE_FLAG_KEY_SET;
    return gp_result(use_keys(tee, operation));
}

/* The key of an object, if it is one for the operation. */
static TEE_Result key_of(struct gp_instance *instance, const struct gp_operation *operation,
                         TEE_ObjectHandle handle, struct gp_operation_key *out)
{
    const struct gp_object *object = gp_object_find(instance, handle);
    const struct gp_value *secret;
    TEE_ObjectInfo info;
    TEE_Result result;

    if (object == NULL || !object->initialized || object->attributes == NULL ||
        object->attributes->type->id != operation->algorithm->key_type)
        return TEE_ERROR_BAD_PARAMETERS;
    result = gp_object_info(instance, handle, &info);
    if (result != TEE_SUCCESS)
        return result;
    secret = gp_attributes_get(object->attributes, TEE_ATTR_SECRET_VALUE);
    if ((info.objectUsage & usage_of(operation)) != usage_of(operation) || secret == NULL ||
        secret->number.size * 8 > operation->max_size || secret->number.size > GP_OPERATION_KEY_MAX)
        return TEE_ERROR_BAD_PARAMETERS;
    memcpy(out->bytes, secret->number.bytes, secret->number.size);
    out->bits = (uint32_t)secret->number.size * 8;
    return TEE_SUCCESS;
}

/* An operation that keys may be set in now; of how many, is the question. */
static TEE_Result find_for_keys(const struct gp_instance *instance, TEE_OperationHandle handle,
                                bool two, struct gp_operation **out)
{
    struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, handle);

    if (operation == NULL || operation->algorithm->key_type == 0 || has_two_keys(operation) != two)
        return TEE_ERROR_BAD_PARAMETERS;
    if (operation->active)
        return TEE_ERROR_BAD_STATE;
    *out = operation;
    return TEE_SUCCESS;
}

static TEE_Result set_keys(struct gp_tee *tee, struct gp_operation *operation,
                           const struct gp_operation_key keys[2])
{
    TEE_Result result;

    memcpy(operation->keys, keys, sizeof(operation->keys));
    result = gp_result(use_keys(tee, operation));
    if (result != TEE_SUCCESS) {
        (void)forget_keys(tee, operation);
        return result;
    }
    operation->flags |= TEE_HANDLE_FLAG_KEY_SET;
    return TEE_SUCCESS;
}

TEE_Result gp_operation_set_key(struct gp_instance *instance, TEE_OperationHandle handle,
                                TEE_ObjectHandle key)
{
    struct gp_operation *operation;
    struct gp_operation_key keys[2] = {{0}, {0}};
    TEE_Result result = find_for_keys(instance, handle, false, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (key == TEE_HANDLE_NULL)
        return forget_keys(instance->tee, operation);
    result = key_of(instance, operation, key, &keys[0]);
    if (result == TEE_SUCCESS)
        result = set_keys(instance->tee, operation, keys);
    wipe(keys, sizeof(keys));
    return result;
}

/* What is wrong with the storage of the second key has codes of its own. */
static TEE_Result second(TEE_Result result)
{
    if (result == TEE_ERROR_CORRUPT_OBJECT)
        return TEE_ERROR_CORRUPT_OBJECT_2;
    if (result == TEE_ERROR_STORAGE_NOT_AVAILABLE)
        return TEE_ERROR_STORAGE_NOT_AVAILABLE_2;
    return result;
}

TEE_Result gp_operation_set_key2(struct gp_instance *instance, TEE_OperationHandle handle,
                                 TEE_ObjectHandle key1, TEE_ObjectHandle key2)
{
    struct gp_operation *operation;
    struct gp_operation_key keys[2] = {{0}, {0}};
    TEE_Result result = find_for_keys(instance, handle, true, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (key1 == TEE_HANDLE_NULL && key2 == TEE_HANDLE_NULL)
        return forget_keys(instance->tee, operation);
    result = key_of(instance, operation, key1, &keys[0]);
    if (result == TEE_SUCCESS)
        result = second(key_of(instance, operation, key2, &keys[1]));
    if (result == TEE_SUCCESS && keys[0].bits != keys[1].bits)
        result = TEE_ERROR_BAD_PARAMETERS;
    /* Equal keys undo XTS. */
    if (result == TEE_SUCCESS && memcmp(keys[0].bytes, keys[1].bytes, keys[0].bits / 8) == 0)
        result = TEE_ERROR_SECURITY;
    if (result == TEE_SUCCESS)
        result = set_keys(instance->tee, operation, keys);
    wipe(keys, sizeof(keys));
    return result;
}

TEE_Result gp_operation_copy(struct gp_instance *instance, TEE_OperationHandle to,
                             TEE_OperationHandle from)
{
    const struct gp_operation *source = gp_handle_find(instance, GP_OPERATION, from);
    struct gp_operation *operation = gp_handle_find(instance, GP_OPERATION, to);
    enum coffer_status status;

    if (source == NULL || operation == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (source == operation)
        return TEE_SUCCESS;
    if (source->algorithm != operation->algorithm || source->mode != operation->mode ||
        source->keys[0].bits > operation->max_size)
        return TEE_ERROR_BAD_PARAMETERS;
    memcpy(operation->keys, source->keys, sizeof(operation->keys));
    status = works_by_hash(operation)
                 ? instance->tee->provider->hash_copy(operation->contexts[0], source->contexts[0])
                 : use_keys(instance->tee, operation);
    if (status != COFFER_OK)
        return gp_result(status);
    operation->state = source->state;
    operation->flags = source->flags;
    operation->active = source->active;
    return TEE_SUCCESS;
}

/* --- The standard's calls --- */

TEE_Result TEE_AllocateOperation(TEE_OperationHandle *operation, uint32_t algorithm, uint32_t mode,
                                 uint32_t maxKeySize)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_ALLOCATE_OPERATION,
                  gp_operation_allocate(instance, algorithm, mode, maxKeySize, operation));
}

void TEE_FreeOperation(TEE_OperationHandle operation)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_FREE_OPERATION, gp_operation_free(instance, operation));
}

void TEE_GetOperationInfo(TEE_OperationHandle operation, TEE_OperationInfo *operationInfo)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_GET_OPERATION_INFO,
                gp_operation_info(instance, operation, operationInfo));
}

TEE_Result TEE_GetOperationInfoMultiple(TEE_OperationHandle operation,
                                        TEE_OperationInfoMultiple *operationInfoMultiple,
                                        size_t *operationSize)
{
    struct gp_instance *instance = gp_current();

    return gp_end(
        instance, GP_CALL_GET_OPERATION_INFO_MULTIPLE,
        gp_operation_info_multiple(instance, operation, operationInfoMultiple, operationSize));
}

void TEE_ResetOperation(TEE_OperationHandle operation)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_RESET_OPERATION, gp_operation_reset(instance, operation));
}

TEE_Result TEE_SetOperationKey(TEE_OperationHandle operation, TEE_ObjectHandle key)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_SET_OPERATION_KEY,
                          gp_operation_set_key(instance, operation, key));
}

TEE_Result TEE_SetOperationKey2(TEE_OperationHandle operation, TEE_ObjectHandle key1,
                                TEE_ObjectHandle key2)
{
    struct gp_instance *instance = gp_current();

    return gp_storage_end(instance, GP_CALL_SET_OPERATION_KEY2,
                          gp_operation_set_key2(instance, operation, key1, key2));
}

void TEE_CopyOperation(TEE_OperationHandle dstOperation, TEE_OperationHandle srcOperation)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_COPY_OPERATION,
                gp_operation_copy(instance, dstOperation, srcOperation));
}

TEE_Result TEE_IsAlgorithmSupported(uint32_t algId, uint32_t element)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_IS_ALGORITHM_SUPPORTED,
                  gp_algorithm_supported(instance->tee, algId, element));
}
