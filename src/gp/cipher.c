/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symmetric ciphers (6.4): ECB, CBC, CTR, CTS (CBC with the third form of ciphertext stealing, SP
 * 800-38A's addendum: the last two blocks always change places) and XTS (IEEE 1619).
 *
 * Input that doesn't fill a block is held, and with CTS and XTS what the end may need besides. So
 * output comes behind input, while the TA may have both in one buffer: each step reads just as much
 * of the input as it writes, at the same place, before it writes (advance).
 */
#include <string.h>

#include "base/bytes.h"
#include "gp/operations.h"

#define STEP 512u /* bytes of one step, a multiple of every block */

/* Bytes that are still to come, or held, when blocks before them are worked on. */
static size_t reserve_of(const struct gp_operation *operation)
{
    if (operation->algorithm->work == GP_WORK_CTS)
        return operation->algorithm->block + 1u; /* the last two blocks, the latter not empty */
    return operation->algorithm->work == GP_WORK_XTS ? operation->algorithm->block : 0;
}

/* So many whole blocks of `size` bytes can be worked on before the end; in bytes. */
static size_t ready_of(const struct gp_operation *operation, size_t size)
{
    size_t reserve = reserve_of(operation);
    size_t ready = size > reserve ? size - reserve : 0;

    return ready - ready % operation->algorithm->block;
}

/* --- Blocks --- */

/* XTS's tweak for the next block: times x in the field of 2^128, low byte first. */
static void next_tweak(uint8_t tweak[16])
{
    uint8_t carry = 0;

    for (unsigned i = 0; i < 16; i++) {
        uint8_t byte = tweak[i];

        tweak[i] = (uint8_t)(byte << 1 | carry);
        carry = byte >> 7;
    }
    tweak[0] ^= (uint8_t)(0x87 & (0u - carry));
}

static enum coffer_status run_xts(struct gp_tee *tee, struct gp_operation *operation,
                                  const uint8_t *in, uint8_t *out, size_t size)
{
    uint8_t *tweak = operation->state.cipher.iv;
    uint8_t tweaks[STEP];
    enum coffer_status status;

    for (size_t i = 0; i < size; i += 16) {
        memcpy(tweaks + i, tweak, 16);
        next_tweak(tweak);
    }
    for (size_t i = 0; i < size; i++)
        out[i] = in[i] ^ tweaks[i];
    status = tee->provider->block_run(operation->contexts[0], operation->mode == TEE_MODE_ENCRYPT,
                                      NULL, out, out, size / 16);
    for (size_t i = 0; i < size; i++)
        out[i] ^= tweaks[i];
    wipe(tweaks, sizeof(tweaks));
    return status;
}

/* Whole blocks, STEP bytes at most with XTS. `out` may be `in`. */
static enum coffer_status run(struct gp_tee *tee, struct gp_operation *operation, const uint8_t *in,
                              uint8_t *out, size_t size)
{
    if (operation->algorithm->work == GP_WORK_XTS)
        return run_xts(tee, operation, in, out, size);
    return tee->provider->block_run(
        operation->contexts[0], operation->mode == TEE_MODE_ENCRYPT,
        operation->algorithm->work == GP_WORK_ECB ? NULL : operation->state.cipher.iv, in, out,
        size / operation->algorithm->block);
}

/*
 * Work on `ready` bytes of what is held and comes in, and hold the rest, which is two blocks at
 * most
 * (`size` bytes in all come in). A step takes so many bytes of the input as it gives, behind what
 * is held; what it doesn't use is held for the next one.
 */
static enum coffer_status advance(struct gp_tee *tee, struct gp_operation *operation,
                                  const uint8_t *in, size_t size, uint8_t *out, size_t ready)
{
    struct gp_cipher_state *state = &operation->state.cipher;
    uint8_t work[sizeof(state->held) + STEP];
    enum coffer_status status = COFFER_OK;
    size_t done = 0;
    size_t taken = 0;

    if (state->held_size == 0 && operation->algorithm->work != GP_WORK_XTS && ready > 0) {
        status = run(tee, operation, in, out, ready);
        done = taken = ready;
    }
    while (done < ready && status == COFFER_OK) {
        size_t now = ready - done < STEP ? ready - done : STEP;
        size_t come = size - taken < now ? size - taken : now;
        size_t here = state->held_size + come;

        memcpy(work, state->held, state->held_size);
        memcpy(work + state->held_size, in + taken, come);
        status = run(tee, operation, work, work, now);
        if (status != COFFER_OK)
            break;
        memcpy(out + done, work, now);
        memcpy(state->held, work + now, here - now);
        state->held_size = (uint8_t)(here - now);
        done += now;
        taken += come;
    }
    if (status == COFFER_OK && size > taken) {
        memcpy(state->held + state->held_size, in + taken, size - taken);
        state->held_size = (uint8_t)(state->held_size + (size - taken));
    }
    wipe(work, sizeof(work));
    return status;
}

/* --- CTR --- */

static enum coffer_status run_counter(struct gp_tee *tee, struct gp_operation *operation,
                                      const uint8_t *in, size_t size, uint8_t *out)
{
    struct gp_cipher_state *state = &operation->state.cipher;
    size_t block = operation->algorithm->block;
    size_t whole;
    enum coffer_status status;

    for (; size > 0 && state->stream_left > 0; size--)
        *out++ = *in++ ^ state->stream[block - state->stream_left--];
    whole = size - size % block;
    status = tee->provider->block_run(operation->contexts[0], true, state->iv, in, out,
                                      whole / block);
    if (status != COFFER_OK || whole == size)
        return status;
    memset(state->stream, 0, block);
    status = tee->provider->block_run(operation->contexts[0], true, state->iv, state->stream,
                                      state->stream, 1);
    if (status != COFFER_OK)
        return status;
    for (size_t i = whole; i < size; i++)
        out[i] = in[i] ^ state->stream[i - whole];
    state->stream_left = (uint8_t)(block - (size - whole));
    return COFFER_OK;
}

/* --- The end: what is held, of which there may be too little --- */

/* Two blocks, the latter of 1 to 16 bytes. */
static enum coffer_status end_cts(struct gp_tee *tee, struct gp_operation *operation, uint8_t *out)
{
    const struct gp_provider *provider = tee->provider;
    struct gp_cipher_state *state = &operation->state.cipher;
    void *context = operation->contexts[0];
    size_t rest = state->held_size - 16u;
    uint8_t zero[16] = {0};
    uint8_t last[16] = {0};
    uint8_t first[16];
    enum coffer_status status;

    if (operation->mode == TEE_MODE_ENCRYPT) {
        memcpy(last, state->held + 16, rest);
        status = provider->block_run(context, true, state->iv, state->held, first, 1);
        if (status == COFFER_OK)
            status = provider->block_run(context, true, state->iv, last, last, 1);
        if (status == COFFER_OK) {
            memcpy(out, last, 16);
            memcpy(out + 16, first, rest);
        }
    } else {
        /* The block at hand, decrypted alone, is the padded last plaintext plus the other block. */
        status = provider->block_run(context, false, zero, state->held, last, 1);
        memcpy(first, state->held + 16, rest);
        memcpy(first + rest, last + rest, 16 - rest);
        for (size_t i = 0; i < rest; i++)
            last[i] ^= first[i];
        if (status == COFFER_OK)
            status = provider->block_run(context, false, state->iv, first, first, 1);
        if (status == COFFER_OK) {
            memcpy(out, first, 16);
            memcpy(out + 16, last, rest);
        }
    }
    wipe(first, sizeof(first));
    wipe(last, sizeof(last));
    return status;
}

/* A block and `rest` bytes, 1 to 15: the one that is worked on first lends its end to the other.
 * When decrypting, the two use their tweaks in the other order. */
static enum coffer_status end_xts(struct gp_tee *tee, struct gp_operation *operation, uint8_t *out)
{
    struct gp_cipher_state *state = &operation->state.cipher;
    size_t rest = state->held_size - 16u;
    uint8_t later[16];
    uint8_t first[16];
    uint8_t second[16];
    enum coffer_status status;

    memcpy(later, state->iv, 16);
    if (operation->mode == TEE_MODE_DECRYPT)
        next_tweak(state->iv);
    status = run_xts(tee, operation, state->held, first, 16);
    if (operation->mode == TEE_MODE_DECRYPT)
        memcpy(state->iv, later, 16);
    memcpy(second, state->held + 16, rest);
    memcpy(second + rest, first + rest, 16 - rest);
    if (status == COFFER_OK)
        status = run_xts(tee, operation, second, second, 16);
    if (status == COFFER_OK) {
        memcpy(out, second, 16);
        memcpy(out + 16, first, rest);
    }
    wipe(first, sizeof(first));
    wipe(second, sizeof(second));
    return status;
}

/* Can so many bytes in all be an end? Whatever came before were whole blocks. */
static bool can_end(const struct gp_operation *operation, size_t size)
{
    switch ((enum gp_work)operation->algorithm->work) {
    case GP_WORK_CTS:
        return size > operation->algorithm->block;
    case GP_WORK_XTS:
        return size >= operation->algorithm->block;
    default:
        return size % operation->algorithm->block == 0;
    }
}

static enum coffer_status end(struct gp_tee *tee, struct gp_operation *operation, uint8_t *out)
{
    size_t held = operation->state.cipher.held_size;

    if (held == 0)
        return COFFER_OK;
    if (operation->algorithm->work == GP_WORK_CTS)
        return end_cts(tee, operation, out);
    if (held % operation->algorithm->block != 0)
        return end_xts(tee, operation, out);
    return run(tee, operation, operation->state.cipher.held, out, held);
}

/* --- The calls --- */

/* The first tweak is the IV, encrypted with the second key. */
static TEE_Result begin_tweaks(struct gp_tee *tee, struct gp_operation *operation)
{
    uint8_t *iv = operation->state.cipher.iv;

    return gp_result(tee->provider->block_run(operation->contexts[1], true, NULL, iv, iv, 1));
}

TEE_Result gp_cipher_init(struct gp_instance *instance, TEE_OperationHandle handle, const void *iv,
                          size_t iv_size)
{
    struct gp_operation *operation = gp_operation_find(instance, handle, TEE_OPERATION_CIPHER);
    TEE_Result result = TEE_SUCCESS;

    if (operation == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    if ((operation->flags & TEE_HANDLE_FLAG_KEY_SET) == 0)
        return TEE_ERROR_BAD_STATE;
    if (operation->algorithm->work != GP_WORK_ECB &&
        (iv == NULL || iv_size != operation->algorithm->block))
        return TEE_ERROR_BAD_PARAMETERS;
    gp_operation_calm(instance, operation);
    if (operation->algorithm->work != GP_WORK_ECB)
        memcpy(operation->state.cipher.iv, iv, iv_size);
    if (operation->algorithm->work == GP_WORK_XTS)
        result = begin_tweaks(instance->tee, operation);
    if (result != TEE_SUCCESS)
        return result;
    operation->active = true;
    operation->flags |= TEE_HANDLE_FLAG_INITIALIZED;
    return TEE_SUCCESS;
}

static TEE_Result find_for_data(const struct gp_instance *instance, TEE_OperationHandle handle,
                                const void *in, size_t size, const void *out,
                                const size_t *out_size, struct gp_operation **operation)
{
    /* The end may give nothing, and have nowhere to put it. */
    if ((in == NULL && size > 0) || (out_size != NULL && out == NULL && *out_size > 0) ||
        size > SIZE_MAX - sizeof((*operation)->state.cipher.held))
        return TEE_ERROR_BAD_PARAMETERS;
    return gp_operation_find_active(instance, handle, TEE_OPERATION_CIPHER, operation);
}

/* There is room for what a call gives. */
static TEE_Result check_room(size_t needed, size_t *out_size)
{
    if (out_size == NULL)
        return needed == 0 ? TEE_SUCCESS : TEE_ERROR_BAD_PARAMETERS;
    if (*out_size >= needed)
        return TEE_SUCCESS;
    *out_size = needed;
    return TEE_ERROR_SHORT_BUFFER;
}

TEE_Result gp_cipher_update(struct gp_instance *instance, TEE_OperationHandle handle,
                            const void *in, size_t size, void *out, size_t *out_size)
{
    struct gp_operation *operation;
    bool counts;
    size_t ready;
    enum coffer_status status;
    TEE_Result result = find_for_data(instance, handle, in, size, out, out_size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    if (out_size == NULL)
        return TEE_ERROR_BAD_PARAMETERS;
    counts = operation->algorithm->work == GP_WORK_CTR;
    ready = counts ? size : ready_of(operation, operation->state.cipher.held_size + size);
    result = check_room(ready, out_size);
    if (result != TEE_SUCCESS)
        return result;
    status = counts ? run_counter(instance->tee, operation, in, size, out)
                    : advance(instance->tee, operation, in, size, out, ready);
    if (status != COFFER_OK)
        return gp_result(status);
    *out_size = ready;
    return TEE_SUCCESS;
}

TEE_Result gp_cipher_final(struct gp_instance *instance, TEE_OperationHandle handle, const void *in,
                           size_t size, void *out, size_t *out_size)
{
    struct gp_operation *operation;
    size_t all;
    size_t ready;
    enum coffer_status status;
    TEE_Result result = find_for_data(instance, handle, in, size, out, out_size, &operation);

    if (result != TEE_SUCCESS)
        return result;
    all = operation->state.cipher.held_size + size;
    if (operation->algorithm->work != GP_WORK_CTR && !can_end(operation, all))
        return TEE_ERROR_BAD_STATE;
    result = check_room(all, out_size);
    if (result != TEE_SUCCESS)
        return result;
    if (operation->algorithm->work == GP_WORK_CTR) {
        status = run_counter(instance->tee, operation, in, size, out);
    } else {
        ready = ready_of(operation, all);
        status = advance(instance->tee, operation, in, size, out, ready);
        if (status == COFFER_OK && ready < all)
            status = end(instance->tee, operation, (uint8_t *)out + ready);
    }
    gp_operation_calm(instance, operation);
    if (status == COFFER_OK && out_size != NULL)
        *out_size = all;
    return gp_result(status);
}

/* --- The standard's calls --- */

void TEE_CipherInit(TEE_OperationHandle operation, const void *IV, size_t IVLen)
{
    struct gp_instance *instance = gp_current();

    gp_end_void(instance, GP_CALL_CIPHER_INIT, gp_cipher_init(instance, operation, IV, IVLen));
}

TEE_Result TEE_CipherUpdate(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                            void *destData, size_t *destLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_CIPHER_UPDATE,
                  gp_cipher_update(instance, operation, srcData, srcLen, destData, destLen));
}

TEE_Result TEE_CipherDoFinal(TEE_OperationHandle operation, const void *srcData, size_t srcLen,
                             void *destData, size_t *destLen)
{
    struct gp_instance *instance = gp_current();

    return gp_end(instance, GP_CALL_CIPHER_DO_FINAL,
                  gp_cipher_final(instance, operation, srcData, srcLen, destData, destLen));
}
