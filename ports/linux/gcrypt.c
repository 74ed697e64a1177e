/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ciphers by libgcrypt 1.10.
 *
 * Everything that is used is opened by start(): a GCM handle for each slot, one handle for ECB, one
 * HMAC context. SHA-256 is the one-shot gcry_md_hash_buffer, whose context is on the stack: that is
 * the fastest way for the small sizes of tree nodes. So calls on different slots share nothing but
 * what libgcrypt itself has locks for, and sha256 shares nothing at all.
 *
 * The handles are in malloc's memory, not in libgcrypt's "secure memory": that is one pool for the
 * whole process, 32 KiB by default, which belongs to the application. libgcrypt wipes a handle when
 * it is closed; a key that is let go earlier is overwritten by an all-zero key.
 */
#include <gcrypt.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "port/cipher.h"

#define HMAC_BLOCK_SIZE 64u

/* Counted for a handle when malloc can't be asked (a sanitizer's, for example): about what
 * libgcrypt 1.10 takes on x86-64. */
#define HANDLE_ESTIMATE 2560u

struct state {
    gcry_cipher_hd_t ecb;
    gcry_md_hd_t hmac;
    unsigned slot_count;
    gcry_cipher_hd_t slots[];
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ready;
static char library_name[32] = "libgcrypt";

static const uint8_t zero_key[CIPHER_ECB_KEY_SIZE];

/* Once a process. An application that uses libgcrypt itself may have initialised it, with its own
 * wishes; then nothing is left to do but to look at the version. */
static void library_init(void)
{
    const char *version = gcry_check_version("1.10.0");

    if (version == NULL)
        return;
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) == 0) {
        (void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
        (void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
    (void)snprintf(library_name, sizeof(library_name), "libgcrypt %s", version);
    library_ready = true;
}

static enum coffer_status gcm_set_key(void *context, unsigned slot,
                                      const uint8_t key[CIPHER_GCM_KEY_SIZE])
{
    struct state *state = context;

    assert_debug(slot < state->slot_count);
    if (gcry_cipher_setkey(state->slots[slot], key, CIPHER_GCM_KEY_SIZE) != 0)
        return COFFER_MISUSE;
    return COFFER_OK;
}

/* A new key overwrites both the schedule and the tables of GHASH. */
static void gcm_clear_key(void *context, unsigned slot)
{
    struct state *state = context;
    gcry_error_t error;

    assert_debug(slot < state->slot_count);
    error = gcry_cipher_setkey(state->slots[slot], zero_key, CIPHER_GCM_KEY_SIZE);
    assert_cheap(error == 0);
    (void)error;
}

/* Begin a message. Setting the IV also forgets whatever the message before left behind. */
static bool gcm_begin(gcry_cipher_hd_t handle, const struct cipher_message *m)
{
    return gcry_cipher_setiv(handle, m->iv, CIPHER_GCM_IV_SIZE) == 0 &&
           (m->aad_size == 0 || gcry_cipher_authenticate(handle, m->aad, m->aad_size) == 0);
}

static enum coffer_status gcm_encrypt(void *context, unsigned slot, const struct cipher_message *m,
                                      uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    struct state *state = context;
    gcry_cipher_hd_t handle;
    uint8_t computed[CIPHER_GCM_TAG_SIZE];

    assert_debug(slot < state->slot_count);
    handle = state->slots[slot];
    if (!gcm_begin(handle, m))
        return COFFER_UNSUPPORTED;
    if (m->size > 0 && gcry_cipher_encrypt(handle, m->out, m->size, m->in, m->size) != 0)
        return COFFER_UNSUPPORTED;
    if (gcry_cipher_gettag(handle, computed, sizeof(computed)) != 0)
        return COFFER_UNSUPPORTED;
    memcpy(tag, computed, sizeof(computed));
    return COFFER_OK;
}

static enum coffer_status gcm_decrypt(void *context, unsigned slot, const struct cipher_message *m,
                                      const uint8_t tag[CIPHER_GCM_TAG_SIZE])
{
    struct state *state = context;
    gcry_cipher_hd_t handle;
    enum coffer_status status = COFFER_UNSUPPORTED;
    gcry_error_t error;

    assert_debug(slot < state->slot_count);
    handle = state->slots[slot];
    if (!gcm_begin(handle, m))
        goto out;
    if (m->size > 0 && gcry_cipher_decrypt(handle, m->out, m->size, m->in, m->size) != 0)
        goto out;
    error = gcry_cipher_checktag(handle, tag, CIPHER_GCM_TAG_SIZE);
    if (gcry_err_code(error) == GPG_ERR_CHECKSUM)
        status = COFFER_CORRUPT;
    else if (error == 0)
        status = COFFER_OK;
out:
    /* libgcrypt decrypts before it knows the tag: what it wrote is not to be seen. */
    if (status != COFFER_OK && m->size > 0)
        wipe(m->out, m->size);
    return status;
}

/* Decryption has a schedule of its own, made at the first block; libgcrypt keeps a copy of the
 * context as it was when the key was set, without it. Going back to that copy overwrites the one,
 * and the new key the rest. */
static enum coffer_status ecb_set_key(void *context, const uint8_t key[CIPHER_ECB_KEY_SIZE])
{
    struct state *state = context;

    if (gcry_cipher_reset(state->ecb) != 0 ||
        gcry_cipher_setkey(state->ecb, key, CIPHER_ECB_KEY_SIZE) != 0)
        return COFFER_MISUSE;
    return COFFER_OK;
}

static enum coffer_status ecb_encrypt(void *context, const uint8_t *in, uint8_t *out)
{
    struct state *state = context;
    gcry_error_t error = gcry_cipher_encrypt(state->ecb, out, CIPHER_BLOCK_SIZE, in,
                                             CIPHER_BLOCK_SIZE);

    return error == 0 ? COFFER_OK : COFFER_UNSUPPORTED;
}

static enum coffer_status ecb_decrypt(void *context, const uint8_t *in, uint8_t *out)
{
    struct state *state = context;
    gcry_error_t error = gcry_cipher_decrypt(state->ecb, out, CIPHER_BLOCK_SIZE, in,
                                             CIPHER_BLOCK_SIZE);

    return error == 0 ? COFFER_OK : COFFER_UNSUPPORTED;
}

static void sha256(void *context, const void *data, size_t size, uint8_t digest[CIPHER_HASH_SIZE])
{
    (void)context;
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, size > 0 ? data : "", size);
}

static enum coffer_status hmac_sha256(void *context, const void *key, size_t key_size,
                                      const void *data, size_t size,
                                      uint8_t digest[CIPHER_HASH_SIZE])
{
    struct state *state = context;
    uint8_t short_key[CIPHER_HASH_SIZE];
    enum coffer_status status = COFFER_UNSUPPORTED;
    gcry_error_t error;

    /* HMAC hashes a long key itself; doing it here keeps libgcrypt from allocating for it. */
    if (key_size > HMAC_BLOCK_SIZE) {
        gcry_md_hash_buffer(GCRY_MD_SHA256, short_key, key, key_size);
        key = short_key;
        key_size = sizeof(short_key);
    }
    if (gcry_md_setkey(state->hmac, key_size > 0 ? key : "", key_size) == 0) {
        const uint8_t *computed;

        if (size > 0)
            gcry_md_write(state->hmac, data, size);
        computed = gcry_md_read(state->hmac, GCRY_MD_SHA256);
        if (computed != NULL) {
            memcpy(digest, computed, CIPHER_HASH_SIZE);
            status = COFFER_OK;
        }
    }
    /* The digest is a key as well: overwrite it and the pads. */
    error = gcry_md_setkey(state->hmac, zero_key, sizeof(zero_key));
    assert_cheap(error == 0);
    (void)error;
    wipe(short_key, sizeof(short_key));
    return status;
}

static void stop(void *context)
{
    struct state *state = context;

    if (state == NULL)
        return;
    for (unsigned i = 0; i < state->slot_count; i++)
        gcry_cipher_close(state->slots[i]);
    gcry_cipher_close(state->ecb);
    gcry_md_close(state->hmac);
    free(state);
}

/* Use everything once: what libgcrypt allocates or tests on first use is then behind us, and a
 * library that refuses (FIPS mode forbids GCM with an IV from outside) is known at once. */
static enum coffer_status warm_up(struct state *state)
{
    uint8_t block[CIPHER_HASH_SIZE] = {0};
    uint8_t tag[CIPHER_GCM_TAG_SIZE];
    struct cipher_message message = {.iv = zero_key, .in = block, .out = block, .size = 16};

    for (unsigned i = 0; i < state->slot_count; i++) {
        enum coffer_status status;

        gcm_clear_key(state, i);
        status = gcm_encrypt(state, i, &message, tag);
        if (status != COFFER_OK)
            return status;
    }
    if (ecb_set_key(state, zero_key) != COFFER_OK)
        return COFFER_UNSUPPORTED;
    sha256(state, block, sizeof(block), block);
    return hmac_sha256(state, zero_key, sizeof(zero_key), block, sizeof(block), block);
}

/* Bytes allocated in the whole process. */
static size_t allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/*
 * The footprint is what malloc has given out between the beginning and the end of start(), by
 * malloc's own books (mallinfo2): it has all that libgcrypt allocated and this state, with malloc's
 * headers and rounding. What other threads allocate in these microseconds is counted too, and a
 * replaced malloc keeps no such books: then the figure is an estimate by handle.
 */
static enum coffer_status start(unsigned slots, void **out, size_t *footprint)
{
    size_t before = allocated_bytes();
    size_t after;
    struct state *state;
    enum coffer_status status = COFFER_NO_MEMORY;

    (void)pthread_once(&library_once, library_init);
    if (!library_ready)
        return COFFER_UNSUPPORTED;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): the library's handles are pointers */
    state = calloc(1, sizeof(*state) + slots * sizeof(state->slots[0]));
    if (state == NULL)
        return COFFER_NO_MEMORY;
    for (; state->slot_count < slots; state->slot_count++) {
        if (gcry_cipher_open(&state->slots[state->slot_count], GCRY_CIPHER_AES128,
                             GCRY_CIPHER_MODE_GCM, 0) != 0)
            goto out;
    }
    if (gcry_cipher_open(&state->ecb, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_ECB, 0) != 0)
        goto out;
    if (gcry_md_open(&state->hmac, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) != 0)
        goto out;
    status = warm_up(state);
    if (status != COFFER_OK)
        goto out;

    after = allocated_bytes();
    if (after > before)
        *footprint = after - before;
    else
        *footprint = sizeof(*state) + (slots + 2) * (size_t)HANDLE_ESTIMATE;
    *out = state;
out:
    if (status != COFFER_OK)
        stop(state);
    return status;
}

static const struct coffer_ciphers linux_ciphers = {
    .name = library_name,
    .start = start,
    .stop = stop,
    .gcm_set_key = gcm_set_key,
    .gcm_clear_key = gcm_clear_key,
    .gcm_encrypt = gcm_encrypt,
    .gcm_decrypt = gcm_decrypt,
    .ecb_set_key = ecb_set_key,
    .ecb_encrypt = ecb_encrypt,
    .ecb_decrypt = ecb_decrypt,
    .sha256 = sha256,
    .hmac_sha256 = hmac_sha256,
};

const struct coffer_ciphers *coffer_linux_ciphers(void)
{
    (void)pthread_once(&library_once, library_init);
    return &linux_ciphers;
}
