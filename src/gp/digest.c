/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests (6.3). One that bytes were extracted from is active, and takes no more data. */
#include "gp/operations.h"

#include <string.h>

static bool is_extracting(const struct gp_operation *operation)
{
    return (operation->flags & TEE_HANDLE_FLAG_EXTRACTING) != 0;
}

/* A digest that may be given these bytes. */
static TEE_Result find_for_data(const struct gp_instance *instance, TEE_OperationHandle handle,
                                const void *in, size_t size, struct gp_operation **out)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, TEE_OPERATION_DIGEST);

    if (operation == NULL || (in == NULL && size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    if (is_extracting(operation) && size > 0)
        return TEE_ERROR_BAD_STATE;
    *out = operation;
    return TEE_SUCCESS;
}

TEE_Result gp_digest_update(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *in, size_t size)
{
    struct gp_operation *operation;
    TEE_Result result = find_for_data(instance, handle, in, size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (is_extracting(operation))
        return TEE_ERROR_BAD_STATE;
    instance->tee->provider->hash_update(operation->contexts[0], in, size);
    operation->active = true;
    return TEE_SUCCESS;
}

/* The next bytes of the digest: of one with a size, what is left of it at most. */
static TEE_Result extract(struct gp_tee *tee, struct gp_operation *operation, uint8_t *out,
                          size_t *size)
{
    struct gp_digest_state *state = &operation->state.digest;
    size_t all = operation->algorithm->digest;
    uint8_t digest[GP_HASH_SIZE_MAX];
    size_t now = *size;
    enum coffer_status status;

    if (all == 0)
        return gp_result(tee->provider->hash_read(operation->contexts[0], out, now));
    if (now > all - state->given)
        now = all - state->given;
    status = tee->provider->hash_read(operation->contexts[0], digest, all);
    if (status != COFFER_OK)
        return gp_result(status);
    if (now > 0)
        memcpy(out, digest + state->given, now);
    state->given = (uint8_t)(state->given + now);
    *size = now;
    return TEE_SUCCESS;
}

TEE_Result gp_digest_final(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                           size_t size, void *hash, size_t *hash_size)
{
    struct gp_operation *operation;
    TEE_Result result = find_for_data(instance, handle, in, size, &operation);
    size_t left;

    if (result != TEE_SUCCESS)
        return result;
    if (hash_size == NULL || (hash == NULL && *hash_size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    left = operation->algorithm->digest; /* 0: as many as are asked for */
    if (left != 0)
        left -= operation->state.digest.given;
    if (*hash_size < left) {
        *hash_size = left;
        return TEE_ERROR_SHORT_BUFFER;
    }
    if (!is_extracting(operation))
        instance->tee->provider->hash_update(operation->contexts[0], in, size);
    result = extract(instance->tee, operation, hash, hash_size);
    gp_operation_calm(instance, operation);
    return result;
}

TEE_Result gp_digest_extract(struct gp_instance *instance, TEE_OperationHandle handle, void *hash,
                             size_t *hash_size)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, TEE_OPERATION_DIGEST);

    if (operation == NULL || hash_size == NULL || (hash == NULL && *hash_size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    operation->active = true;
    operation->flags |= TEE_HANDLE_FLAG_EXTRACTING;
    return extract(instance->tee, operation, hash, hash_size);
}

/* --- The standard's calls --- */

void TEE_DigestUpdate(TEE_OperationHandle operation, const void *chunk, size_t chunkSize)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_DIGEST_UPDATE,
                gp_digest_update(instance, operation, chunk, chunkSize));
}

TEE_Result TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk, size_t chunkLen,
                             void *hash, size_t *hashLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_DIGEST_DO_FINAL,
                  gp_digest_final(instance, operation, chunk, chunkLen, hash, hashLen));
}

TEE_Result TEE_DigestExtract(TEE_OperationHandle operation, void *hash, size_t *hashLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_DIGEST_EXTRACT,
                  gp_digest_extract(instance, operation, hash, hashLen));
}
