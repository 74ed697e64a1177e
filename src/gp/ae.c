/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Authenticated encryption (6.6): GCM (SP 800-38D) and CCM (SP 800-38C), both over a counter that
 * gives a key stream. GCM authenticates the ciphertext, by GHASH; CCM the plaintext, by a CBC-MAC,
 * whose first block has the sizes that are to come. Nothing is held back: each call gives as many
 * bytes as it takes.
 */
#include <string.h>

#include "base/bytes.h"
#include "gp/operations.h"

#define BLOCK           16u
#define GCM_NONCE       12u /* bytes, that need no hash */
#define GCM_PAYLOAD_MAX ((UINT64_C(1) << 36) - 32)
#define CCM_NONCE_MIN   7u
#define CCM_NONCE_MAX   13u

static const uint8_t zero[BLOCK];

static bool is_gcm(const struct gp_operation *operation)
{
    return operation->algorithm->work == GP_WORK_GCM;
}

static void *counter_of(const struct gp_operation *operation)
{
    return operation->contexts[is_gcm(operation) ? 0 : 1];
}

/* --- The key stream --- */

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be(uint8_t *p, size_t size, uint64_t value)
{
    for (size_t i = size; i > 0; i--) {
        p[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

/* Of GCM's counter only the last four bytes count: where they start again, the rest must not
 * change. */
static enum coffer_status run_blocks(struct gp_tee *tee, struct gp_operation *operation,
                                     const uint8_t *in, uint8_t *out, size_t count)
{
    uint8_t *counter = operation->state.ae.counter;
    enum coffer_status status = COFFER_OK;

    while (count > 0 && status == COFFER_OK) {
        uint64_t before_wrap = (UINT64_C(1) << 32) - load_be32(counter + 12);
        size_t now = is_gcm(operation) && before_wrap < count ? (size_t)before_wrap : count;
        uint8_t fixed[12];

        memcpy(fixed, counter, sizeof(fixed));
        status = tee->provider->block_run(counter_of(operation), true, counter, in, out, now);
        if (is_gcm(operation))
            memcpy(counter, fixed, sizeof(fixed));
        in += now * BLOCK;
        out += now * BLOCK;
        count -= now;
    }
    return status;
}

static enum coffer_status run_stream(struct gp_tee *tee, struct gp_operation *operation,
                                     const uint8_t *in, size_t size, uint8_t *out)
{
    struct gp_ae_state *state = &operation->state.ae;
    size_t whole;
    enum coffer_status status;

    for (; size > 0 && state->stream_left > 0; size--)
        *out++ = *in++ ^ state->stream[BLOCK - state->stream_left--];
    whole = size - size % BLOCK;
    status = run_blocks(tee, operation, in, out, whole / BLOCK);
    if (status != COFFER_OK || whole == size)
        return status;
    status = run_blocks(tee, operation, zero, state->stream, 1);
    if (status != COFFER_OK)
        return status;
    for (size_t i = whole; i < size; i++)
        out[i] = in[i] ^ state->stream[i - whole];
    state->stream_left = (uint8_t)(BLOCK - (size - whole));
    return COFFER_OK;
}

/* --- What is authenticated --- */

static enum coffer_status sum_blocks(struct gp_tee *tee, struct gp_operation *operation,
                                     const uint8_t *in, size_t count)
{
    if (!is_gcm(operation))
        return gp_chain(tee, operation->contexts[0], operation->state.ae.chain, in, count * BLOCK,
                        BLOCK);
    tee->provider->ghash_run(operation->ghash_key, operation->state.ae.chain, in, count);
    return COFFER_OK;
}

static enum coffer_status sum(struct gp_tee *tee, struct gp_operation *operation, const uint8_t *in,
                              size_t size)
{
    struct gp_ae_state *state = &operation->state.ae;
    enum coffer_status status = COFFER_OK;

    if (size == 0)
        return COFFER_OK;
    if (state->partial_size > 0) {
        size_t now = BLOCK - state->partial_size < size ? BLOCK - state->partial_size : size;

        memcpy(state->partial + state->partial_size, in, now);
        state->partial_size = (uint8_t)(state->partial_size + now);
        in += now;
        size -= now;
        if (state->partial_size < BLOCK)
            return COFFER_OK;
        state->partial_size = 0;
        status = sum_blocks(tee, operation, state->partial, 1);
    }
    if (status == COFFER_OK)
        status = sum_blocks(tee, operation, in, size / BLOCK);
    memcpy(state->partial, in + (size - size % BLOCK), size % BLOCK);
    state->partial_size = size % BLOCK;
    return status;
}

/* Zeros to the end of the block: what follows is of another kind. */
static enum coffer_status sum_end(struct gp_tee *tee, struct gp_operation *operation)
{
    size_t partial = operation->state.ae.partial_size;

    return partial == 0 ? COFFER_OK : sum(tee, operation, zero, BLOCK - partial);
}

/* --- Init --- */

/* GHASH's key is a block of zeros, encrypted. */
enum coffer_status gp_gcm_use_key(struct gp_tee *tee, struct gp_operation *operation)
{
    uint8_t counter[BLOCK] = {0}, hash_key[BLOCK];
    enum coffer_status status;

    if (operation->keys[0].bits == 0) {
        wipe(operation->ghash_key, tee->provider->ghash_key_size);
        return COFFER_OK;
    }
    status = tee->provider->block_run(counter_of(operation), true, counter, zero, hash_key, 1);
    if (status != COFFER_OK)
        return status;
    tee->provider->ghash_set_key(operation->ghash_key, hash_key);
    wipe(hash_key, sizeof(hash_key));
    return COFFER_OK;
}

/* The first counter and the tag's mask. */
static enum coffer_status begin_gcm(struct gp_tee *tee, struct gp_operation *operation,
                                    const uint8_t *nonce, size_t size)
{
    struct gp_ae_state *state = &operation->state.ae;
    uint8_t lengths[BLOCK] = {0};

    if (size == GCM_NONCE) {
        memcpy(state->counter, nonce, size);
        store_be(state->counter + GCM_NONCE, 4, 1);
    } else {
        store_be(lengths + 8, 8, (uint64_t)size * 8);
        (void)sum(tee, operation, nonce, size);
        (void)sum_end(tee, operation);
        (void)sum(tee, operation, lengths, BLOCK);
        memcpy(state->counter, state->chain, BLOCK);
        memset(state->chain, 0, BLOCK);
    }
    return run_blocks(tee, operation, zero, state->tag_mask, 1);
}

/* Before the AAD stands how long it is. */
static enum coffer_status sum_aad_size(struct gp_tee *tee, struct gp_operation *operation,
                                       uint64_t size)
{
    uint8_t bytes[10] = {0xff, 0xff};

    if (size == 0)
        return COFFER_OK;
    if (size < 0xff00) {
        store_be(bytes, 2, size);
        return sum(tee, operation, bytes, 2);
    }
    if (size <= UINT32_MAX) {
        bytes[1] = 0xfe;
        store_be(bytes + 2, 4, size);
        return sum(tee, operation, bytes, 6);
    }
    store_be(bytes + 2, 8, size);
    return sum(tee, operation, bytes, 10);
}

static enum coffer_status begin_ccm(struct gp_tee *tee, struct gp_operation *operation,
                                    const uint8_t *nonce, size_t size)
{
    struct gp_ae_state *state = &operation->state.ae;
    size_t field = BLOCK - 1 - size; /* bytes of the payload's size, and of the counter */
    uint8_t first[BLOCK];
    enum coffer_status status;

    first[0] = (uint8_t)((state->aad_expected > 0 ? 0x40u : 0) | (state->tag_size - 2u) / 2 << 3 |
                         (field - 1));
    memcpy(first + 1, nonce, size);
    store_be(first + 1 + size, field, state->payload_expected);
    status = sum(tee, operation, first, BLOCK);
    if (status == COFFER_OK)
        status = sum_aad_size(tee, operation, state->aad_expected);
    state->counter[0] = (uint8_t)(field - 1);
    memcpy(state->counter + 1, nonce, size);
    return status == COFFER_OK ? run_blocks(tee, operation, zero, state->tag_mask, 1) : status;
}

static bool has_tag(const struct gp_operation *operation, uint32_t bits)
{
    if (is_gcm(operation))
        return bits >= 96 && bits <= 128 && bits % 8 == 0;
    return bits >= 32 && bits <= 128 && bits % 16 == 0;
}

static bool has_nonce(const struct gp_operation *operation, size_t size, uint64_t payload_size)
{
    if (is_gcm(operation))
        return size > 0;
    if (size < CCM_NONCE_MIN || size > CCM_NONCE_MAX)
        return false;
    return size == CCM_NONCE_MIN || payload_size >> (8 * (BLOCK - 1 - size)) == 0;
}

TEE_Result gp_ae_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *nonce,
                      size_t nonce_size, uint32_t tag_bits, size_t aad_size, size_t payload_size)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, TEE_OPERATION_AE);
    struct gp_ae_state *state;
    enum coffer_status status;

    if (operation == NULL || nonce == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((operation->flags & TEE_HANDLE_FLAG_KEY_SET) == 0 || operation->active)
        return TEE_ERROR_BAD_STATE;
    if (!has_tag(operation, tag_bits))
        return TEE_ERROR_NOT_SUPPORTED;
    if (!has_nonce(operation, nonce_size, payload_size))
        return TEE_ERROR_BAD_PARAMETERS;
    gp_operation_calm(instance, operation);
    state = &operation->state.ae;
    state->tag_size = (uint8_t)(tag_bits / 8);
    state->aad_expected = aad_size;
    state->payload_expected = payload_size;
    status = is_gcm(operation) ? begin_gcm(instance->tee, operation, nonce, nonce_size)
                               : begin_ccm(instance->tee, operation, nonce, nonce_size);
    if (status != COFFER_OK) {
        gp_operation_calm(instance, operation);
        return gp_result(status);
    }
    operation->active = true;
    operation->flags |= TEE_HANDLE_FLAG_INITIALIZED;
    return TEE_SUCCESS;
}

/* --- Data --- */

TEE_Result gp_ae_update_aad(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *aad, size_t size)
{
    struct gp_operation *operation;
    struct gp_ae_state *state;
    TEE_Result result = gp_operation_find_active(instance, handle, TEE_OPERATION_AE, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (aad == NULL && size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    state = &operation->state.ae;
    if (state->payload_begun ||
        (!is_gcm(operation) && size > state->aad_expected - state->aad_size))
        return TEE_ERROR_BAD_STATE;
    state->aad_size += size;
    return gp_result(sum(instance->tee, operation, aad, size));
}

/* May so many bytes more of payload come, the last ones if `is_end`? */
static TEE_Result check_payload(const struct gp_operation *operation, size_t size, bool is_end)
{
    const struct gp_ae_state *state = &operation->state.ae;
    uint64_t most = is_gcm(operation) ? GCM_PAYLOAD_MAX : state->payload_expected;

    if (size > most - state->payload_size)
        return TEE_ERROR_BAD_STATE;
    if (is_gcm(operation))
        return TEE_SUCCESS;
    if (state->aad_size != state->aad_expected ||
        (is_end && state->payload_size + size != state->payload_expected))
        return TEE_ERROR_BAD_STATE;
    return TEE_SUCCESS;
}

static enum coffer_status run(struct gp_tee *tee, struct gp_operation *operation, const uint8_t *in,
                              size_t size, uint8_t *out)
{
    struct gp_ae_state *state = &operation->state.ae;
    bool encrypt = operation->mode == TEE_MODE_ENCRYPT;
    bool sum_input = encrypt != is_gcm(operation);
    enum coffer_status status = COFFER_OK;

    if (!state->payload_begun)
        status = sum_end(tee, operation);
    state->payload_begun = true;
    state->payload_size += size;
    if (status == COFFER_OK && sum_input)
        status = sum(tee, operation, in, size);
    if (status == COFFER_OK)
        status = run_stream(tee, operation, in, size, out);
    if (status == COFFER_OK && !sum_input)
        status = sum(tee, operation, out, size);
    return status;
}

static TEE_Result find_for_data(const struct gp_instance *instance, TEE_OperationHandle handle,
                                const void *in, size_t size, const void *out,
                                const size_t *out_size, struct gp_operation **operation)
{
    if ((in == NULL && size > 0) || (out_size == NULL && size > 0) ||
        (out == NULL && out_size != NULL && *out_size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_operation_find_active(instance, handle, TEE_OPERATION_AE, operation);
}

TEE_Result gp_ae_update(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                        size_t size, void *out, size_t *out_size)
{
    struct gp_operation *operation;
    enum coffer_status status;
    TEE_Result result = find_for_data(instance, handle, in, size, out, out_size, &operation);

    if (result == TEE_SUCCESS)
        result = check_payload(operation, size, false);
    if (result != TEE_SUCCESS)
        return result;
    if (out_size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if (*out_size < size) {
        *out_size = size;
        return TEE_ERROR_SHORT_BUFFER;
    }
    status = run(instance->tee, operation, in, size, out);
    if (status == COFFER_OK)
        *out_size = size;
    return gp_result(status);
}

/* --- The end --- */

/* The tag over all that was told. */
static enum coffer_status finish(struct gp_tee *tee, struct gp_operation *operation,
                                 uint8_t tag[BLOCK])
{
    struct gp_ae_state *state = &operation->state.ae;
    uint8_t lengths[BLOCK];
    enum coffer_status status = sum_end(tee, operation);

    if (is_gcm(operation)) {
        store_be(lengths, 8, state->aad_size * 8);
        store_be(lengths + 8, 8, state->payload_size * 8);
        tee->provider->ghash_run(operation->ghash_key, state->chain, lengths, 1);
    }
    memcpy(tag, state->chain, BLOCK);
    for (unsigned i = 0; i < BLOCK; i++)
        tag[i] ^= state->tag_mask[i];
    return status;
}

TEE_Result gp_ae_encrypt_final(struct gp_instance *instance, TEE_OperationHandle handle,
                               const void *in, size_t size, void *out, size_t *out_size, void *tag,
                               size_t *tag_size)
{
    struct gp_operation *operation;
    uint8_t computed[BLOCK] = {0};
    size_t needed;
    enum coffer_status status;
    TEE_Result result = find_for_data(instance, handle, in, size, out, out_size, &operation);

    if (result == TEE_SUCCESS &&
        (operation->mode != TEE_MODE_ENCRYPT || tag_size == NULL || (tag == NULL && *tag_size > 0)))
        result = TEE_ERROR_BAD_PARAMETERS;
    if (result == TEE_SUCCESS)
        result = check_payload(operation, size, true);
    if (result != TEE_SUCCESS)
        return result;
    needed = operation->state.ae.tag_size;
    if (tag == NULL || *tag_size < needed || (out_size != NULL && *out_size < size)) {
        *tag_size = needed;
        if (out_size != NULL)
            *out_size = size;
        return TEE_ERROR_SHORT_BUFFER;
    }
    status = run(instance->tee, operation, in, size, out);
    if (status == COFFER_OK)
        status = finish(instance->tee, operation, computed);
    gp_operation_calm(instance, operation);
    if (status != COFFER_OK)
        return gp_result(status);
    memcpy(tag, computed, needed);
    *tag_size = needed;
    if (out_size != NULL)
        *out_size = size;
    return TEE_SUCCESS;
}

TEE_Result gp_ae_decrypt_final(struct gp_instance *instance, TEE_OperationHandle handle,
                               const void *in, size_t size, void *out, size_t *out_size,
                               const void *tag, size_t tag_size)
{
    struct gp_operation *operation;
    uint8_t computed[BLOCK] = {0};
    uint8_t difference = 0;
    enum coffer_status status;
    TEE_Result result = find_for_data(instance, handle, in, size, out, out_size, &operation);

    if (result == TEE_SUCCESS &&
        (operation->mode != TEE_MODE_DECRYPT || (tag == NULL && tag_size > 0)))
        result = TEE_ERROR_BAD_PARAMETERS;
    if (result == TEE_SUCCESS)
        result = check_payload(operation, size, true);
    if (result != TEE_SUCCESS)
        return result;
    if (out_size != NULL && *out_size < size) {
        *out_size = size;
        return TEE_ERROR_SHORT_BUFFER;
    }
    status = run(instance->tee, operation, in, size, out);
    if (status == COFFER_OK)
        status = finish(instance->tee, operation, computed);
    result = gp_result(status);
    if (result == TEE_SUCCESS && tag_size != operation->state.ae.tag_size)
        result = TEE_ERROR_MAC_INVALID;
    for (size_t i = 0; result == TEE_SUCCESS && i < tag_size; i++)
        difference |= computed[i] ^ ((const uint8_t *)tag)[i];
    if (difference != 0)
        result = TEE_ERROR_MAC_INVALID;
    wipe(computed, sizeof(computed));
    gp_operation_calm(instance, operation);
    if (result != TEE_SUCCESS && size > 0)
        wipe(out, size);
    else if (out_size != NULL)
        *out_size = size;
    return result;
}

/* --- The standard's calls --- */

TEE_Result TEE_AEInit(TEE_OperationHandle operation, const void *nonce, size_t nonceLen,
                      uint32_t tagLen, size_t AADLen, size_t payloadLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_AE_INIT,
                  gp_ae_init(instance, operation, nonce, nonceLen, tagLen, AADLen, payloadLen));
}

void TEE_AEUpdateAAD(TEE_OperationHandle operation, const void *AADdata, size_t AADdataLen)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_AE_UPDATE_AAD,
                gp_ae_update_aad(instance, operation, AADdata, AADdataLen));
}

TEE_Result TEE_AEUpdate(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                        void *destData, size_t *destLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_AE_UPDATE,
                  gp_ae_update(instance, operation, srcData, srcLen, destData, destLen));
}

TEE_Result TEE_AEEncryptFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                              void *destData, size_t *destLen, void *tag, size_t *tagLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(
        instance, GP_CALL_AE_ENCRYPT_FINAL,
        gp_ae_encrypt_final(instance, operation, srcData, srcLen, destData, destLen, tag, tagLen));
}

TEE_Result TEE_AEDecryptFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                              void *destData, size_t *destLen, void *tag, size_t tagLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(
        instance, GP_CALL_AE_DECRYPT_FINAL,
        gp_ae_decrypt_final(instance, operation, srcData, srcLen, destData, destLen, tag, tagLen));
}
