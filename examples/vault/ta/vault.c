/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vault for passwords, as a trusted application: it uses GlobalPlatform's calls alone, and is the
 * same source for OP-TEE and for Coffer.
 *
 * A key of its own, made at its first start, lies in trusted storage as a persistent key object.
 * Each secret is an object of its own, sealed with that key (AES-GCM, the name bound in): a 12 byte
 * nonce, a 16 byte tag, the ciphertext. So whoever got hold of the storage's keys would still need
 * the vault's, and a secret can't be put under another's name.
 */
#include <tee_internal_api.h>

#include "vault_ta.h"

#define KEY_ID   "vault key"
#define KEY_BITS 256u

#define NONCE_SIZE 12u
#define TAG_SIZE   16u
#define HEAD_SIZE  (NONCE_SIZE + TAG_SIZE)

/* Secrets are kept apart from the key by the first byte of their ids. */
#define SECRET_PREFIX '/'
#define SECRET_ID_MAX (1u + VAULT_NAME_MAX)

struct secret_id {
    char bytes[SECRET_ID_MAX];
    size_t size;
};

/* --- The key ----------------------------------------------------------------------------- */

static TEE_Result make_key(TEE_ObjectHandle *out)
{
    TEE_ObjectHandle fresh = TEE_HANDLE_NULL;
    TEE_Result result = TEE_AllocateTransientObject(TEE_TYPE_AES, KEY_BITS, &fresh);

    if (result != TEE_SUCCESS)
        return result;
    result = TEE_GenerateKey(fresh, KEY_BITS, NULL, 0);
    if (result == TEE_SUCCESS) {
        TEE_RestrictObjectUsage1(fresh, TEE_USAGE_ENCRYPT | TEE_USAGE_DECRYPT);
        result = TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, KEY_ID, sizeof(KEY_ID) - 1,
                                            TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_SHARE_READ,
                                            fresh, NULL, 0, out);
    }
    TEE_FreeTransientObject(fresh);
    return result;
}

static TEE_Result open_key(TEE_ObjectHandle *out)
{
    return TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, KEY_ID, sizeof(KEY_ID) - 1,
                                    TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_SHARE_READ, out);
}

/* A handle whose object was found to be damaged is closed already. */
static void close_object(TEE_ObjectHandle object, TEE_Result result)
{
    if (result != TEE_ERROR_CORRUPT_OBJECT)
        TEE_CloseObject(object);
}

/* An operation that has the vault's key. */
static TEE_Result begin(uint32_t mode, TEE_OperationHandle *out)
{
    TEE_OperationHandle operation = TEE_HANDLE_NULL;
    TEE_ObjectHandle key = TEE_HANDLE_NULL;
    TEE_Result result = open_key(&key);

    if (result != TEE_SUCCESS)
        return result;
    result = TEE_AllocateOperation(&operation, TEE_ALG_AES_GCM, mode, KEY_BITS);
    if (result == TEE_SUCCESS)
        result = TEE_SetOperationKey(operation, key);
    close_object(key, result);
    if (result == TEE_SUCCESS)
        *out = operation;
    else
        TEE_FreeOperation(operation);
    return result;
}

/* --- Secrets ----------------------------------------------------------------------------- */

static TEE_Result id_of(const TEE_Param *name, struct secret_id *out)
{
    if (name->memref.size == 0 || name->memref.size > VAULT_NAME_MAX)
        return TEE_ERROR_BAD_PARAMETERS;
    out->bytes[0] = SECRET_PREFIX;
    TEE_MemMove(out->bytes + 1, name->memref.buffer, name->memref.size);
    out->size = 1 + name->memref.size;
    return TEE_SUCCESS;
}

static TEE_Result put(const TEE_Param *name, const TEE_Param *secret)
{
    TEE_OperationHandle operation = TEE_HANDLE_NULL;
    size_t size = secret->memref.size;
    size_t tag_size = TAG_SIZE;
    struct secret_id id;
    uint8_t *sealed;
    TEE_Result result = id_of(name, &id);

    if (result != TEE_SUCCESS)
        return result;
    if (size > VAULT_SECRET_MAX)
        return TEE_ERROR_BAD_PARAMETERS;
    result = begin(TEE_MODE_ENCRYPT, &operation);
    if (result != TEE_SUCCESS)
        return result;
    sealed = TEE_Malloc(HEAD_SIZE + size, TEE_MALLOC_FILL_ZERO);
    if (sealed == NULL) {
        result = TEE_ERROR_OUT_OF_MEMORY;
        goto out;
    }
    TEE_GenerateRandom(sealed, NONCE_SIZE);
    result = TEE_AEInit(operation, sealed, NONCE_SIZE, TAG_SIZE * 8, 0, 0);
    if (result != TEE_SUCCESS)
        goto out;
    TEE_AEUpdateAAD(operation, id.bytes, id.size);
    result = TEE_AEEncryptFinal(operation, secret->memref.buffer, size, sealed + HEAD_SIZE, &size,
                                sealed + NONCE_SIZE, &tag_size);
    if (result == TEE_SUCCESS)
        result = TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id.bytes, id.size,
                                            TEE_DATA_FLAG_ACCESS_WRITE | TEE_DATA_FLAG_OVERWRITE,
                                            TEE_HANDLE_NULL, sealed, HEAD_SIZE + size, NULL);
out:
    TEE_Free(sealed);
    TEE_FreeOperation(operation);
    return result;
}

/* What is stored under an id, in memory that the caller frees. */
static TEE_Result load(const struct secret_id *id, uint8_t **out, size_t *out_size)
{
    TEE_ObjectHandle object = TEE_HANDLE_NULL;
    TEE_ObjectInfo info;
    uint8_t *bytes = NULL;
    size_t got = 0;
    TEE_Result result = TEE_OpenPersistentObject(
        TEE_STORAGE_PRIVATE, id->bytes, id->size,
        TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_SHARE_READ, &object);

    if (result != TEE_SUCCESS)
        return result;
    result = TEE_GetObjectInfo1(object, &info);
    if (result == TEE_SUCCESS && info.dataSize < HEAD_SIZE)
        result = TEE_ERROR_BAD_FORMAT;
    if (result == TEE_SUCCESS) {
        bytes = TEE_Malloc(info.dataSize, TEE_MALLOC_FILL_ZERO);
        result = bytes == NULL ? TEE_ERROR_OUT_OF_MEMORY
                               : TEE_ReadObjectData(object, bytes, info.dataSize, &got);
    }
    close_object(object, result);
    if (result != TEE_SUCCESS) {
        TEE_Free(bytes);
        return result;
    }
    *out = bytes;
    *out_size = got;
    return TEE_SUCCESS;
}

static TEE_Result get(const TEE_Param *name, TEE_Param *secret)
{
    TEE_OperationHandle operation = TEE_HANDLE_NULL;
    uint8_t *sealed = NULL;
    size_t sealed_size;
    size_t size;
    struct secret_id id;
    TEE_Result result = id_of(name, &id);

    if (result == TEE_SUCCESS)
        result = load(&id, &sealed, &sealed_size);
    if (result != TEE_SUCCESS)
        return result;
    size = sealed_size - HEAD_SIZE;
    if (size > secret->memref.size) {
        secret->memref.size = size;
        result = TEE_ERROR_SHORT_BUFFER;
        goto out;
    }
    result = begin(TEE_MODE_DECRYPT, &operation);
    if (result != TEE_SUCCESS)
        goto out;
    result = TEE_AEInit(operation, sealed, NONCE_SIZE, TAG_SIZE * 8, 0, 0);
    if (result != TEE_SUCCESS)
        goto out;
    TEE_AEUpdateAAD(operation, id.bytes, id.size);
    size = secret->memref.size;
    result = TEE_AEDecryptFinal(operation, sealed + HEAD_SIZE, sealed_size - HEAD_SIZE,
                                secret->memref.buffer, &size, sealed + NONCE_SIZE, TAG_SIZE);
    if (result == TEE_SUCCESS)
        secret->memref.size = size;
out:
    TEE_FreeOperation(operation);
    TEE_Free(sealed);
    return result;
}

static TEE_Result forget(const TEE_Param *name)
{
    TEE_ObjectHandle object = TEE_HANDLE_NULL;
    struct secret_id id;
    TEE_Result result = id_of(name, &id);

    if (result == TEE_SUCCESS)
        result = TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id.bytes, id.size,
                                          TEE_DATA_FLAG_ACCESS_WRITE_META, &object);
    return result == TEE_SUCCESS ? TEE_CloseAndDeletePersistentObject1(object) : result;
}

static TEE_Result list(TEE_Param *names, TEE_Param *count)
{
    TEE_ObjectEnumHandle walk = TEE_HANDLE_NULL;
    uint8_t id[TEE_OBJECT_ID_MAX_LEN];
    size_t id_size = sizeof(id);
    size_t needed = 0;
    TEE_Result result = TEE_AllocatePersistentObjectEnumerator(&walk);

    if (result != TEE_SUCCESS)
        return result;
    count->value.a = 0;
    result = TEE_StartPersistentObjectEnumerator(walk, TEE_STORAGE_PRIVATE);
    while (result == TEE_SUCCESS) {
        size_t at = needed;

        result = TEE_GetNextPersistentObject(walk, NULL, id, &id_size);
        if (result != TEE_SUCCESS || id_size == 0 || id[0] != SECRET_PREFIX)
            continue;
        needed += id_size; /* the prefix goes, an end comes */
        count->value.a++;
        if (needed > names->memref.size)
            continue;
        TEE_MemMove((uint8_t *)names->memref.buffer + at, id + 1, id_size - 1);
        ((uint8_t *)names->memref.buffer)[needed - 1] = 0;
    }
    TEE_FreePersistentObjectEnumerator(walk);
    if (result != TEE_ERROR_ITEM_NOT_FOUND)
        return result;
    result = needed > names->memref.size ? TEE_ERROR_SHORT_BUFFER : TEE_SUCCESS;
    names->memref.size = needed;
    return result;
}

/* --- Entry points ------------------------------------------------------------------------ */

TEE_Result TA_CreateEntryPoint(void)
{
    TEE_ObjectHandle key = TEE_HANDLE_NULL;
    TEE_Result result = open_key(&key);

    if (result == TEE_ERROR_ITEM_NOT_FOUND)
        result = make_key(&key);
    if (result == TEE_SUCCESS)
        TEE_CloseObject(key);
    return result;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS],
                                    void **sessionContext)
{
    (void)params;
    (void)sessionContext;
    return paramTypes == 0 ? TEE_SUCCESS : TEE_ERROR_BAD_PARAMETERS;
}

void TA_CloseSessionEntryPoint(void *sessionContext)
{
    (void)sessionContext;
}

TEE_Result TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID, uint32_t paramTypes,
                                      TEE_Param params[TEE_NUM_PARAMS])
{
    const uint32_t in = TEE_PARAM_TYPE_MEMREF_INPUT;
    const uint32_t out = TEE_PARAM_TYPE_MEMREF_OUTPUT;
    const uint32_t none = TEE_PARAM_TYPE_NONE;
    uint32_t expected;

    (void)sessionContext;
    switch (commandID) {
    case VAULT_PUT:
        expected = TEE_PARAM_TYPES(in, in, none, none);
        break;
    case VAULT_GET:
        expected = TEE_PARAM_TYPES(in, out, none, none);
        break;
    case VAULT_REMOVE:
        expected = TEE_PARAM_TYPES(in, none, none, none);
        break;
    case VAULT_LIST:
        expected = TEE_PARAM_TYPES(out, TEE_PARAM_TYPE_VALUE_OUTPUT, none, none);
        break;
    default:
        return TEE_ERROR_NOT_SUPPORTED;
    }
    if (paramTypes != expected)
        return TEE_ERROR_BAD_PARAMETERS;
    switch (commandID) {
    case VAULT_PUT:
        return put(&params[0], &params[1]);
    case VAULT_GET:
        return get(&params[0], &params[1]);
    case VAULT_REMOVE:
        return forget(&params[0]);
    default:
        return list(&params[0], &params[1]);
    }
}
