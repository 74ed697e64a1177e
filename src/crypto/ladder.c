/* SPDX-License-Identifier: BSD-2-Clause */
/* HUK to SSK to TSK, and the wrapping of FEKs. */
#include "crypto/ladder.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

#define HUK_SIZE_MAX 64u

_Static_assert(CRYPTO_WRAPPED_SIZE == CIPHER_BLOCK_SIZE, "a wrapped FEK is one block");
_Static_assert(CRYPTO_WRAPPED_SIZE == CIPHER_GCM_KEY_SIZE, "and as long as the FEK");
_Static_assert(LADDER_KEY_SIZE == CIPHER_HASH_SIZE, "keys of the ladder are digests");
_Static_assert(LADDER_KEY_SIZE == CIPHER_ECB_KEY_SIZE, "a TSK wraps FEKs");

/* OP-TEE with CFG_CORE_HUK_SUBKEY_COMPAT=y: the id of a chip that has none ("BEEF" eight times),
 * then the name of the use with its final NUL. */
static const uint8_t compat_message[] = "BEEFBEEFBEEFBEEFBEEFBEEFBEEFBEEF"
                                        "ONLY_FOR_tee_fs_ssk";

/* With =n: the number of the use, HUK_SUBKEY_SSK, as 32 bits. */
static const uint8_t plain_message[4] = {1, 0, 0, 0};

/* In place of a UUID, for the catalogue. */
static const uint8_t catalogue_message[1] = {0};

_Static_assert(sizeof(compat_message) == 32 + 20, "chip id and name");

bool ladder_takes(const struct crypto_settings *settings)
{
    if (settings->key == NULL)
        return false;
    switch (settings->root) {
    case CRYPTO_ROOT_HUK:
        return settings->key_size >= 1 && settings->key_size <= HUK_SIZE_MAX;
    case CRYPTO_ROOT_SSK:
        return settings->key_size == LADDER_KEY_SIZE;
    }
    return false;
}

enum coffer_status ladder_init(struct ladder *ladder, const struct coffer_ciphers *ciphers,
                               void *ciphers_state, const struct crypto_settings *settings)
{
    const uint8_t *message = settings->huk_plain ? plain_message : compat_message;
    size_t size = settings->huk_plain ? sizeof(plain_message) : sizeof(compat_message);

    ladder->ciphers = ciphers;
    ladder->ciphers_state = ciphers_state;
    ladder->tsk_state = LADDER_TSK_NONE;
    if (settings->root == CRYPTO_ROOT_SSK) {
        memcpy(ladder->ssk, settings->key, LADDER_KEY_SIZE);
        return COFFER_OK;
    }
    return ciphers->hmac_sha256(ciphers_state, settings->key, settings->key_size, message, size,
                                ladder->ssk);
}

void ladder_fini(struct ladder *ladder)
{
    wipe(ladder, sizeof(*ladder));
}

/* See that the provider wraps with the key of `uuid`. */
static enum coffer_status set_tsk(struct ladder *ladder, const uint8_t *uuid)
{
    enum ladder_tsk_state wanted = uuid != NULL ? LADDER_TSK_TA : LADDER_TSK_CATALOGUE;
    const uint8_t *message = uuid != NULL ? uuid : catalogue_message;
    size_t size = uuid != NULL ? CRYPTO_UUID_SIZE : sizeof(catalogue_message);
    uint8_t tsk[LADDER_KEY_SIZE];
    enum coffer_status status;

    if (ladder->tsk_state == wanted &&
        (uuid == NULL || memcmp(ladder->tsk_uuid, uuid, CRYPTO_UUID_SIZE) == 0))
        return COFFER_OK;
    ladder->tsk_state = LADDER_TSK_NONE;
    status = ladder->ciphers->hmac_sha256(ladder->ciphers_state, ladder->ssk, LADDER_KEY_SIZE,
                                          message, size, tsk);
    if (status == COFFER_OK)
        status = ladder->ciphers->ecb_set_key(ladder->ciphers_state, tsk);
    wipe(tsk, sizeof(tsk));
    if (status != COFFER_OK)
        return status;
    if (uuid != NULL)
        memcpy(ladder->tsk_uuid, uuid, CRYPTO_UUID_SIZE);
    ladder->tsk_state = wanted;
    return COFFER_OK;
}

enum coffer_status ladder_wrap(struct ladder *ladder, const uint8_t *uuid,
                               const uint8_t fek[CRYPTO_WRAPPED_SIZE],
                               uint8_t wrapped[CRYPTO_WRAPPED_SIZE])
{
    enum coffer_status status = set_tsk(ladder, uuid);

    if (status != COFFER_OK)
        return status;
    return ladder->ciphers->ecb_encrypt(ladder->ciphers_state, fek, wrapped);
}

enum coffer_status ladder_unwrap(struct ladder *ladder, const uint8_t *uuid,
                                 const uint8_t wrapped[CRYPTO_WRAPPED_SIZE],
                                 uint8_t fek[CRYPTO_WRAPPED_SIZE])
{
    enum coffer_status status = set_tsk(ladder, uuid);

    if (status != COFFER_OK)
        return status;
    return ladder->ciphers->ecb_decrypt(ladder->ciphers_state, wrapped, fek);
}

#define TAG_ID_MAX 64u

enum coffer_status ladder_tag(struct ladder *ladder, const uint8_t uuid[CRYPTO_UUID_SIZE],
                              const void *id, size_t id_size, uint8_t digest[CRYPTO_HASH_SIZE])
{
    static const uint8_t use[] = "coffer trace";
    uint8_t message[sizeof(use) + CRYPTO_UUID_SIZE + TAG_ID_MAX];
    size_t size = sizeof(use);

    assert_cheap(id_size <= TAG_ID_MAX);
    memcpy(message, use, sizeof(use));
    memcpy(message + size, uuid, CRYPTO_UUID_SIZE);
    size += CRYPTO_UUID_SIZE;
    if (id_size > 0)
        memcpy(message + size, id, id_size);
    return ladder->ciphers->hmac_sha256(ladder->ciphers_state, ladder->ssk, LADDER_KEY_SIZE,
                                        message, size + id_size, digest);
}
