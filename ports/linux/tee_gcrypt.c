/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes and block ciphers of the GlobalPlatform front end by libgcrypt 1.10.
 *
 * A context is one handle of the library and a few words, all in malloc's memory (see gcrypt.c for
 * why not in libgcrypt's own "secure memory"). Its price is a constant: about the most that a
 * handle takes in the library, whatever the algorithm, on x86-64 (tests hold it against malloc's
 * books). So what a start() allows is kept by counting.
 */
#include <gcrypt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux_memory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "tee_gcrypt.h"

#define HASH_PRICE  1280u
#define BLOCK_PRICE 2816u

struct state {
    pthread_mutex_t lock;
    struct gp_provider_usage usage;
};

struct hash_context {
    struct state *state;
    gcry_md_hd_t handle;
    enum gp_hash hash;
    bool keyed;
};

struct block_context {
    struct state *state;
    gcry_cipher_hd_t handle; /* NULL: no key */
    enum gp_block_cipher cipher;
    enum gp_block_mode mode;
    uint8_t block_size;
};

/* 0 of SHAKE: no size. */
static const struct {
    int algorithm;
    unsigned size;
} hashes[GP_HASHES] = {
    [GP_MD5] = {GCRY_MD_MD5, 16},           [GP_SHA1] = {GCRY_MD_SHA1, 20},
    [GP_SHA224] = {GCRY_MD_SHA224, 28},     [GP_SHA256] = {GCRY_MD_SHA256, 32},
    [GP_SHA384] = {GCRY_MD_SHA384, 48},     [GP_SHA512] = {GCRY_MD_SHA512, 64},
    [GP_SHA3_224] = {GCRY_MD_SHA3_224, 28}, [GP_SHA3_256] = {GCRY_MD_SHA3_256, 32},
    [GP_SHA3_384] = {GCRY_MD_SHA3_384, 48}, [GP_SHA3_512] = {GCRY_MD_SHA3_512, 64},
    [GP_SHAKE128] = {GCRY_MD_SHAKE128, 0},  [GP_SHAKE256] = {GCRY_MD_SHAKE256, 0},
};

/* --- What contexts take --- */

static bool charge(struct state *state, size_t price)
{
    struct gp_provider_usage *usage = &state->usage;
    bool fits;

    (void)pthread_mutex_lock(&state->lock);
    fits = price <= usage->limit - usage->used;
    if (fits) {
        usage->used += price;
        usage->contexts++;
        if (usage->used > usage->used_peak)
            usage->used_peak = usage->used;
    } else {
        usage->refusals++;
    }
    (void)pthread_mutex_unlock(&state->lock);
    return fits;
}

static void discharge(struct state *state, size_t price)
{
    (void)pthread_mutex_lock(&state->lock);
    state->usage.used -= price;
    state->usage.contexts--;
    (void)pthread_mutex_unlock(&state->lock);
}

static void usage(void *context, struct gp_provider_usage *out)
{
    struct state *state = context;

    (void)pthread_mutex_lock(&state->lock);
    *out = state->usage;
    (void)pthread_mutex_unlock(&state->lock);
}

/* --- Hashes --- */

static void hash_close(void *opaque)
{
    struct hash_context *context = opaque;

    if (context == NULL)
        return;
    gcry_md_close(context->handle);
    discharge(context->state, HASH_PRICE);
    free(context);
}

static enum coffer_status status_of(gcry_error_t error)
{
    if (error == 0)
        return COFFER_OK;
    return gcry_err_code(error) == GPG_ERR_ENOMEM ? COFFER_NO_MEMORY : COFFER_UNSUPPORTED;
}

static enum coffer_status hash_open(void *opaque, enum gp_hash hash, bool keyed, void **out)
{
    struct state *state = opaque;
    struct hash_context *context;
    enum coffer_status status;

    if ((unsigned)hash >= GP_HASHES || (keyed && hashes[hash].size == 0))
        return COFFER_MISUSE;
    if (!charge(state, HASH_PRICE))
        return COFFER_NO_MEMORY;
    context = calloc(1, sizeof(*context));
    if (context == NULL) {
        discharge(state, HASH_PRICE);
        return COFFER_NO_MEMORY;
    }
    *context = (struct hash_context){.state = state, .hash = hash, .keyed = keyed};
    status = status_of(
        gcry_md_open(&context->handle, hashes[hash].algorithm, keyed ? GCRY_MD_FLAG_HMAC : 0));
    if (status == COFFER_OK)
        *out = context;
    else
        hash_close(context);
    return status;
}

static enum coffer_status hash_set_key(void *opaque, const void *key, size_t size)
{
    struct hash_context *context = opaque;

    if (!context->keyed)
        return COFFER_MISUSE;
    return status_of(gcry_md_setkey(context->handle, size > 0 ? key : "", size));
}

static enum coffer_status hash_copy(void *opaque, const void *from)
{
    struct hash_context *context = opaque;
    const struct hash_context *other = from;
    gcry_md_hd_t copy;
    enum coffer_status status;

    if (context->hash != other->hash || context->keyed != other->keyed)
        return COFFER_MISUSE;
    status = status_of(gcry_md_copy(&copy, other->handle));
    if (status != COFFER_OK)
        return status;
    gcry_md_close(context->handle);
    context->handle = copy;
    return COFFER_OK;
}

static void hash_reset(void *context)
{
    gcry_md_reset(((struct hash_context *)context)->handle);
}

static void hash_update(void *context, const void *data, size_t size)
{
    if (size > 0)
        gcry_md_write(((struct hash_context *)context)->handle, data, size);
}

static enum coffer_status hash_read(void *opaque, void *out, size_t size)
{
    struct hash_context *context = opaque;
    const uint8_t *digest;

    if (size == 0)
        return COFFER_OK;
    if (hashes[context->hash].size == 0)
        return status_of(
            gcry_md_extract(context->handle, hashes[context->hash].algorithm, out, size));
    if (size > hashes[context->hash].size)
        return COFFER_MISUSE;
    digest = gcry_md_read(context->handle, hashes[context->hash].algorithm);
    if (digest == NULL)
        return COFFER_UNSUPPORTED;
    memcpy(out, digest, size);
    return COFFER_OK;
}

/* --- Block ciphers --- */

/* The library's algorithm for a key of so many bytes; 0: there is none. */
static int algorithm_of(enum gp_block_cipher cipher, size_t key_size)
{
    if (cipher == GP_AES)
        return key_size == 16   ? GCRY_CIPHER_AES128
               : key_size == 24 ? GCRY_CIPHER_AES192
               : key_size == 32 ? GCRY_CIPHER_AES256
                                : 0;
    if (cipher == GP_DES)
        return key_size == 8 ? GCRY_CIPHER_DES : 0;
    return cipher == GP_DES3 && (key_size == 16 || key_size == 24) ? GCRY_CIPHER_3DES : 0;
}

/* Weak keys of DES are keys: published vectors have some, and it is the TA's business. The library
 * tells of them all the same after it has set them. */
static enum coffer_status set_key(gcry_cipher_hd_t handle, const void *key, size_t size)
{
    gcry_error_t error = gcry_cipher_setkey(handle, key, size);

    return gcry_err_code(error) == GPG_ERR_WEAK_KEY ? COFFER_OK : status_of(error);
}

static void block_close(void *opaque)
{
    struct block_context *context = opaque;

    if (context == NULL)
        return;
    gcry_cipher_close(context->handle);
    discharge(context->state, BLOCK_PRICE);
    free(context);
}

static enum coffer_status block_open(void *opaque, enum gp_block_cipher cipher,
                                     enum gp_block_mode mode, void **out)
{
    struct state *state = opaque;
    struct block_context *context;

    if ((unsigned)cipher >= GP_BLOCK_CIPHERS || (unsigned)mode >= GP_BLOCK_MODES)
        return COFFER_MISUSE;
    if (!charge(state, BLOCK_PRICE))
        return COFFER_NO_MEMORY;
    context = calloc(1, sizeof(*context));
    if (context == NULL) {
        discharge(state, BLOCK_PRICE);
        return COFFER_NO_MEMORY;
    }
    *context = (struct block_context){
        .state = state, .cipher = cipher, .mode = mode, .block_size = cipher == GP_AES ? 16 : 8};
    *out = context;
    return COFFER_OK;
}

static enum coffer_status block_set_key(void *opaque, const void *key, size_t size)
{
    static const int modes[GP_BLOCK_MODES] = {
        [GP_ECB] = GCRY_CIPHER_MODE_ECB,
        [GP_CBC] = GCRY_CIPHER_MODE_CBC,
        [GP_CTR] = GCRY_CIPHER_MODE_CTR,
    };
    struct block_context *context = opaque;
    int algorithm = algorithm_of(context->cipher, size);
    uint8_t three[24];
    gcry_cipher_hd_t handle;
    enum coffer_status status;

    gcry_cipher_close(context->handle);
    context->handle = NULL;
    if (key == NULL)
        return COFFER_OK;
    if (algorithm == 0)
        return COFFER_MISUSE;
    status = status_of(gcry_cipher_open(&handle, algorithm, modes[context->mode], 0));
    if (status != COFFER_OK)
        return status;
    if (context->cipher != GP_AES)
        status = status_of(gcry_cipher_ctl(handle, GCRYCTL_SET_ALLOW_WEAK_KEY, NULL, 1));
    if (status == COFFER_OK && context->cipher == GP_DES3 && size == 16) {
        memcpy(three, key, 16);
        memcpy(three + 16, key, 8);
        status = set_key(handle, three, sizeof(three));
        wipe(three, sizeof(three));
    } else if (status == COFFER_OK) {
        status = set_key(handle, key, size);
    }
    if (status == COFFER_OK)
        context->handle = handle;
    else
        gcry_cipher_close(handle);
    return status;
}

/* A big endian counter, so many blocks on. */
static void count_up(uint8_t *counter, size_t size, uint64_t blocks)
{
    for (size_t i = size; i > 0 && blocks > 0; i--) {
        blocks += counter[i - 1];
        counter[i - 1] = (uint8_t)blocks;
        blocks >>= 8;
    }
}

static enum coffer_status block_run(void *opaque, bool encrypt, uint8_t *iv, const uint8_t *in,
                                    uint8_t *out, size_t count)
{
    struct block_context *context = opaque;
    size_t block = context->block_size;
    uint8_t next[GP_BLOCK_SIZE_MAX];
    gcry_error_t error = 0;

    if (count == 0)
        return COFFER_OK;
    if (context->handle == NULL || count > SIZE_MAX / block)
        return COFFER_MISUSE;
    if (context->mode == GP_CBC)
        error = gcry_cipher_setiv(context->handle, iv, block);
    else if (context->mode == GP_CTR)
        error = gcry_cipher_setctr(context->handle, iv, block);
    if (error != 0)
        return COFFER_UNSUPPORTED;
    /* In place, the last block of ciphertext is gone after decryption. */
    if (context->mode == GP_CBC && !encrypt)
        memcpy(next, in + (count - 1) * block, block);
    if (encrypt || context->mode == GP_CTR)
        error = gcry_cipher_encrypt(context->handle, out, count * block, in, count * block);
    else
        error = gcry_cipher_decrypt(context->handle, out, count * block, in, count * block);
    if (error != 0)
        return COFFER_UNSUPPORTED;
    if (context->mode == GP_CBC)
        memcpy(iv, encrypt ? out + (count - 1) * block : next, block);
    else if (context->mode == GP_CTR)
        count_up(iv, block, count);
    return COFFER_OK;
}

/* --- The whole --- */

static void stop(void *context)
{
    struct state *state = context;

    if (state == NULL)
        return;
    assert_cheap(state->usage.contexts == 0);
    (void)pthread_mutex_destroy(&state->lock);
    free(state);
}

/* Does the library have all of it? It may be built without, or be in FIPS mode. */
static bool library_is_complete(void)
{
    static const int ciphers[] = {GCRY_CIPHER_AES128, GCRY_CIPHER_AES192, GCRY_CIPHER_AES256,
                                  GCRY_CIPHER_DES, GCRY_CIPHER_3DES};

    for (unsigned i = 0; i < GP_HASHES; i++) {
        if (gcry_md_test_algo(hashes[i].algorithm) != 0)
            return false;
    }
    for (unsigned i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        if (gcry_cipher_test_algo(ciphers[i]) != 0)
            return false;
    }
    return true;
}

static enum coffer_status start(size_t limit, void **out)
{
    struct state *state;

    /* The storage engine's ciphers initialise the library, once for the process. */
    (void)coffer_linux_ciphers();
    if (gcry_check_version("1.10.0") == NULL || !library_is_complete())
        return COFFER_UNSUPPORTED;
    state = calloc(1, sizeof(*state));
    if (state == NULL)
        return COFFER_NO_MEMORY;
    if (pthread_mutex_init(&state->lock, NULL) != 0) {
        free(state);
        return COFFER_NO_MEMORY;
    }
    state->usage.limit = limit;
    *out = state;
    return COFFER_OK;
}

static const struct gp_provider provider = {
    .name = "libgcrypt and nettle",
    .start = start,
    .stop = stop,
    .usage = usage,
    .hash_open = hash_open,
    .hash_set_key = hash_set_key,
    .hash_copy = hash_copy,
    .hash_reset = hash_reset,
    .hash_update = hash_update,
    .hash_read = hash_read,
    .hash_close = hash_close,
    .block_open = block_open,
    .block_set_key = block_set_key,
    .block_run = block_run,
    .block_close = block_close,
    .ghash_key_size = LINUX_GHASH_KEY_SIZE,
    .ghash_set_key = linux_ghash_set_key,
    .ghash_run = linux_ghash_run,
    .rsa_generate = linux_rsa_generate,
    .power_generate = linux_power_generate,
    .curve_generate = linux_curve_generate,
    .octets_public = linux_octets_public,
};

const struct gp_provider *linux_tee_provider(void)
{
    return &provider;
}
