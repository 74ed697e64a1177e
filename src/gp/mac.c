/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MACs (6.5): HMAC, CMAC (SP 800-38B) and CBC-MAC. The block ciphers' run over CBC, of whose output
 * the last block counts; a last block is held, full or not, as its end may treat it in its own way.
 */
#include <string.h>

#include "base/bytes.h"
#include "gp/operations.h"

#define STEP 256u

static bool is_hmac(const struct gp_operation *operation)
{
    return operation->algorithm->work == GP_WORK_HMAC;
}

TEE_Result gp_mac_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *iv,
                       size_t iv_size)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, TEE_OPERATION_MAC);

    if (operation == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((operation->flags & TEE_HANDLE_FLAG_KEY_SET) == 0)
        return TEE_ERROR_BAD_STATE;
    /* Only CBC-MAC can have one; usually it is zero. */
    if (iv_size > 0 && (iv == NULL || operation->algorithm->work != GP_WORK_CBC_MAC ||
                        iv_size != operation->algorithm->block))
        return TEE_ERROR_BAD_PARAMETERS;
    gp_operation_calm(instance, operation);
    if (iv_size > 0)
        memcpy(operation->state.mac.chain, iv, iv_size);
    operation->active = true;
    operation->flags |= TEE_HANDLE_FLAG_INITIALIZED;
    return TEE_SUCCESS;
}

enum coffer_status gp_chain(struct gp_tee *tee, void *context, uint8_t *chain, const uint8_t *in,
                            size_t size, size_t block)
{
    uint8_t unused[STEP];
    enum coffer_status status = COFFER_OK;

    while (size > 0 && status == COFFER_OK) {
        size_t now = size < STEP ? size : STEP;

        status = tee->provider->block_run(context, true, chain, in, unused, now / block);
        in += now;
        size -= now;
    }
    wipe(unused, sizeof(unused));
    return status;
}

static enum coffer_status chain(struct gp_tee *tee, struct gp_operation *operation,
                                const uint8_t *in, size_t size)
{
    return gp_chain(tee, operation->contexts[0], operation->state.mac.chain, in, size,
                    operation->algorithm->block);
}

static enum coffer_status add(struct gp_tee *tee, struct gp_operation *operation, const uint8_t *in,
                              size_t size)
{
    struct gp_mac_state *state = &operation->state.mac;
    size_t block = operation->algorithm->block;
    enum coffer_status status;
    size_t now;

    if (is_hmac(operation)) {
        tee->provider->hash_update(operation->contexts[0], in, size);
        return COFFER_OK;
    }
    if (size == 0)
        return COFFER_OK;
    now = block - state->held_size < size ? block - state->held_size : size;
    memcpy(state->held + state->held_size, in, now);
    state->held_size = (uint8_t)(state->held_size + now);
    if (now == size)
        return COFFER_OK;
    in += now;
    size -= now;
    status = chain(tee, operation, state->held, block);
    now = size - 1 - (size - 1) % block; /* all but the last 1 to `block` bytes */
    if (status == COFFER_OK)
        status = chain(tee, operation, in, now);
    memcpy(state->held, in + now, size - now);
    state->held_size = (uint8_t)(size - now);
    return status;
}

/* Times x in the field of 2^128, high bit first. */
static void double_block(uint8_t block[16])
{
    uint8_t carry = block[0] >> 7;

    for (unsigned i = 0; i < 15; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[15] = (uint8_t)((unsigned)block[15] << 1 ^ (0x87 & (0u - carry)));
}

/* The last block of CMAC is made another one by a key of its own: which one tells whether it was
 * full. */
static enum coffer_status end_cmac(struct gp_tee *tee, struct gp_operation *operation)
{
    struct gp_mac_state *state = &operation->state.mac;
    uint8_t zero[16] = {0};
    uint8_t key[16] = {0};
    enum coffer_status status = tee->provider->block_run(operation->contexts[0], true, zero, key,
                                                         key, 1);

    double_block(key);
    if (state->held_size < 16) {
        double_block(key);
        memset(state->held + state->held_size, 0, 16u - state->held_size);
        state->held[state->held_size] = 0x80;
    }
    for (unsigned i = 0; i < 16; i++)
        state->held[i] ^= key[i];
    wipe(key, sizeof(key));
    return status == COFFER_OK ? chain(tee, operation, state->held, 16) : status;
}

static enum coffer_status end_cbc_mac(struct gp_tee *tee, struct gp_operation *operation)
{
    struct gp_mac_state *state = &operation->state.mac;
    uint8_t block = operation->algorithm->block;
    enum coffer_status status = COFFER_OK;

    if (state->held_size == block) {
        status = chain(tee, operation, state->held, block);
        state->held_size = 0;
    }
    if (status != COFFER_OK || !operation->algorithm->pad)
        return status;
    memset(state->held + state->held_size, block - state->held_size,
           (size_t)block - state->held_size);
    return chain(tee, operation, state->held, block);
}

/* The MAC; the operation is initial afterwards. */
static TEE_Result finish(struct gp_instance *instance, struct gp_operation *operation,
                         const void *in, size_t size, uint8_t mac[GP_HASH_SIZE_MAX])
{
    struct gp_tee *tee = instance->tee;
    enum coffer_status status = add(tee, operation, in, size);

    if (status == COFFER_OK) {
        if (is_hmac(operation))
            status = tee->provider->hash_read(operation->contexts[0], mac,
                                              operation->algorithm->digest);
        else if (operation->algorithm->work == GP_WORK_CMAC)
            status = end_cmac(tee, operation);
        else
            status = end_cbc_mac(tee, operation);
    }
    if (status == COFFER_OK && !is_hmac(operation))
        memcpy(mac, operation->state.mac.chain, operation->algorithm->block);
    gp_operation_calm(instance, operation);
    return gp_result(status);
}

static TEE_Result find_for_data(const struct gp_instance *instance, TEE_OperationHandle handle,
                                const void *in, size_t size, struct gp_operation **operation)
{
    if (in == NULL && size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_operation_find_active(instance, handle, TEE_OPERATION_MAC, operation);
}

/* Without padding, the end must be that of a block. */
static bool can_end(const struct gp_operation *operation, size_t size)
{
    return operation->algorithm->work != GP_WORK_CBC_MAC || operation->algorithm->pad ||
           (operation->state.mac.held_size + size % operation->algorithm->block) %
                   operation->algorithm->block ==
               0;
}

TEE_Result gp_mac_update(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                         size_t size)
{
    struct gp_operation *operation;
    TEE_Result result = find_for_data(instance, handle, in, size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    return gp_result(add(instance->tee, operation, in, size));
}

TEE_Result gp_mac_compute(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                          size_t size, void *mac, size_t *mac_size)
{
    struct gp_operation *operation;
    uint8_t computed[GP_HASH_SIZE_MAX] = {0};
    size_t needed;
    TEE_Result result = find_for_data(instance, handle, in, size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (mac_size == NULL || (mac == NULL && *mac_size > 0))
        return TEE_ERROR_BAD_PARAMETERS;
    if (!can_end(operation, size))
        return TEE_ERROR_BAD_STATE;
    needed = operation->algorithm->digest;
    if (mac == NULL || *mac_size < needed) {
        *mac_size = needed;
        return TEE_ERROR_SHORT_BUFFER;
    }
    result = finish(instance, operation, in, size, computed);
    if (result == TEE_SUCCESS) {
        memcpy(mac, computed, needed);
        *mac_size = needed;
    }
    wipe(computed, sizeof(computed));
    return result;
}

/* Every byte is looked at, whatever the others are. */
static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

TEE_Result gp_mac_compare(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                          size_t size, const void *mac, size_t mac_size)
{
    struct gp_operation *operation;
    uint8_t computed[GP_HASH_SIZE_MAX] = {0};
    TEE_Result result = find_for_data(instance, handle, in, size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (mac == NULL && mac_size > 0)
        return TEE_ERROR_BAD_PARAMETERS;
    if (!can_end(operation, size))
        return TEE_ERROR_BAD_STATE;
    result = finish(instance, operation, in, size, computed);
    if (result == TEE_SUCCESS &&
        (mac_size != operation->algorithm->digest || !same(computed, mac, mac_size)))
        result = TEE_ERROR_MAC_INVALID;
    wipe(computed, sizeof(computed));
    return result;
}

/* --- The standard's calls --- */

void TEE_MACInit(TEE_OperationHandle operation, const void *IV, size_t IVLen)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_MAC_INIT, gp_mac_init(instance, operation, IV, IVLen));
}

void TEE_MACUpdate(TEE_OperationHandle operation, const void *chunk, size_t chunkSize)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_MAC_UPDATE, gp_mac_update(instance, operation, chunk, chunkSize));
}

TEE_Result TEE_MACComputeFinal(TEE_OperationHandle operation, const void *message,
                               size_t messageLen, void *mac, size_t *macLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_MAC_COMPUTE_FINAL,
                  gp_mac_compute(instance, operation, message, messageLen, mac, macLen));
}

TEE_Result TEE_MACCompareFinal(TEE_OperationHandle operation, const void *message,
                               size_t messageLen, const void *mac, size_t macLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_MAC_COMPARE_FINAL,
                  gp_mac_compare(instance, operation, message, messageLen, mac, macLen));
}
