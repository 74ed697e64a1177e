/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys in their slots, and what is done with them. The ladder itself is in ladder.c. */
#include "crypto/crypto.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/ladder.h"

#define SLOTS_MAX 1024u

/* IVs are cut from a supply of random bytes, so that most seals need no call of the port. */
#define IV_SUPPLY_SIZE ((size_t)16 * CRYPTO_IV_SIZE)

/* A real source gives an all-zero FEK once in 2^128 keys; one that does it again is broken. */
#define FEK_ATTEMPTS 4u

/*
 * A key is in slot k if, and only if, slots[k].generation is its own generation. Generations count
 * up from 1 and are never used twice, so a slot needs no pointer back to a key that may be gone.
 */
struct crypto_key {
    uint8_t fek[CIPHER_GCM_KEY_SIZE];
    uint64_t generation;
    unsigned slot; /* where it was put last */
};

struct slot {
    uint64_t generation; /* of the key in it, 0: none */
    uint64_t used;       /* when, on crypto.clock */
};

struct crypto {
    struct memory *memory;
    const struct coffer_port *port;
    const struct coffer_ciphers *ciphers;
    void *state; /* of the ciphers */
    struct owner owner;
    size_t outside_bytes;
    struct ladder ladder;
    struct crypto_counters counters;
    uint64_t generation; /* of the newest key */
    uint64_t clock;
    uint8_t iv_supply[IV_SUPPLY_SIZE];
    size_t iv_left; /* bytes at the end of iv_supply that are unused; the others are zero */
    unsigned slot_count;
    struct slot slots[];
};

static enum coffer_status refill_ivs(struct crypto *crypto)
{
    enum coffer_status status = crypto->port->entropy(crypto->port->context, crypto->iv_supply,
                                                      IV_SUPPLY_SIZE);

    if (status != COFFER_OK) {
        wipe(crypto->iv_supply, IV_SUPPLY_SIZE);
        return status;
    }
    crypto->iv_left = IV_SUPPLY_SIZE;
    return COFFER_OK;
}

/* Bytes once used are wiped at once: no later fault can make them an IV again. */
static enum coffer_status take_iv(struct crypto *crypto, uint8_t iv[CRYPTO_IV_SIZE])
{
    uint8_t *next;

    if (crypto->iv_left == 0) {
        enum coffer_status status = refill_ivs(crypto);

        if (status != COFFER_OK)
            return status;
    }
    next = crypto->iv_supply + IV_SUPPLY_SIZE - crypto->iv_left;
    memcpy(iv, next, CRYPTO_IV_SIZE);
    wipe(next, CRYPTO_IV_SIZE);
    crypto->iv_left -= CRYPTO_IV_SIZE;
    return COFFER_OK;
}

enum coffer_status crypto_open(struct memory *memory, const struct coffer_port *port,
                               const struct coffer_ciphers *ciphers,
                               const struct crypto_settings *settings, struct crypto **out)
{
    struct crypto *crypto;
    struct owner owner;
    enum coffer_status status;
    void *block;

    if (settings->slots < 2 || settings->slots > SLOTS_MAX || !ladder_takes(settings))
        return COFFER_MISUSE;
    status = account_open_owner(&memory->account, "crypto", &owner);
    if (status != COFFER_OK)
        return status;
    status = memory_alloc(memory, owner,
                          sizeof(*crypto) + settings->slots * sizeof(crypto->slots[0]), &block);
    if (status != COFFER_OK)
        return status;
    crypto = block;
    crypto->memory = memory;
    crypto->port = port;
    crypto->ciphers = ciphers;
    crypto->owner = owner;
    crypto->slot_count = settings->slots;

    status = ciphers->start(settings->slots, &crypto->state, &crypto->outside_bytes);
    if (status != COFFER_OK)
        goto out_memory;
    status = ladder_init(&crypto->ladder, ciphers, crypto->state, settings);
    if (status != COFFER_OK)
        goto out_ciphers;
    /* A source of entropy that doesn't work is better known now than at the first commit. */
    status = refill_ivs(crypto);
    if (status != COFFER_OK)
        goto out_ciphers;
    *out = crypto;
    return COFFER_OK;

out_ciphers:
    ciphers->stop(crypto->state);
    ladder_fini(&crypto->ladder);
out_memory:
    memory_free(memory, crypto);
    return status;
}

void crypto_close(struct crypto *crypto)
{
    struct memory *memory;

    if (crypto == NULL)
        return;
    memory = crypto->memory;
    crypto->ciphers->stop(crypto->state);
    wipe(crypto, sizeof(*crypto) + crypto->slot_count * sizeof(crypto->slots[0]));
    memory_free(memory, crypto);
}

static enum coffer_status new_key(struct crypto *crypto, struct crypto_key **out)
{
    void *block;
    enum coffer_status status = memory_alloc(crypto->memory, crypto->owner,
                                             sizeof(struct crypto_key), &block);

    if (status != COFFER_OK)
        return status;
    *out = block;
    (*out)->generation = ++crypto->generation;
    return COFFER_OK;
}

enum coffer_status crypto_key_make(struct crypto *crypto, const uint8_t *uuid,
                                   uint8_t wrapped[CRYPTO_WRAPPED_SIZE], struct crypto_key **out)
{
    struct crypto_key *key;
    enum coffer_status status = new_key(crypto, &key);
    unsigned attempts = 0;

    if (status != COFFER_OK)
        return status;
    do {
        status = attempts++ < FEK_ATTEMPTS ? crypto_random(crypto, key->fek, sizeof(key->fek))
                                           : COFFER_IO;
    } while (status == COFFER_OK && bytes_are_zero(key->fek, sizeof(key->fek)));
    if (status == COFFER_OK)
        status = ladder_wrap(&crypto->ladder, uuid, key->fek, wrapped);
    if (status != COFFER_OK) {
        crypto_key_drop(crypto, key);
        return status;
    }
    crypto->counters.wraps++;
    *out = key;
    return COFFER_OK;
}

enum coffer_status crypto_key_unwrap(struct crypto *crypto, const uint8_t *uuid,
                                     const uint8_t wrapped[CRYPTO_WRAPPED_SIZE],
                                     struct crypto_key **out)
{
    struct crypto_key *key;
    enum coffer_status status = new_key(crypto, &key);

    if (status != COFFER_OK)
        return status;
    status = ladder_unwrap(&crypto->ladder, uuid, wrapped, key->fek);
    if (status != COFFER_OK) {
        crypto_key_drop(crypto, key);
        return status;
    }
    crypto->counters.wraps++;
    *out = key;
    return COFFER_OK;
}

static bool is_in_slot(const struct crypto *crypto, const struct crypto_key *key)
{
    return crypto->slots[key->slot].generation == key->generation;
}

void crypto_key_drop(struct crypto *crypto, struct crypto_key *key)
{
    if (key == NULL)
        return;
    if (is_in_slot(crypto, key)) {
        crypto->ciphers->gcm_clear_key(crypto->state, key->slot);
        crypto->slots[key->slot] = (struct slot){0};
    }
    wipe(key, sizeof(*key));
    memory_free(crypto->memory, key);
}

/* See that the provider has the key in a slot: the one it is in, an unused one, or the one that
 * was used least recently. (An unused slot was used at time 0.) */
static enum coffer_status load_key(struct crypto *crypto, struct crypto_key *key)
{
    enum coffer_status status;
    unsigned victim = 0;

    if (!is_in_slot(crypto, key)) {
        for (unsigned i = 1; i < crypto->slot_count; i++) {
            if (crypto->slots[i].used < crypto->slots[victim].used)
                victim = i;
        }
        crypto->slots[victim] = (struct slot){0};
        status = crypto->ciphers->gcm_set_key(crypto->state, victim, key->fek);
        if (status != COFFER_OK)
            return status;
        crypto->slots[victim].generation = key->generation;
        key->slot = victim;
        crypto->counters.key_loads++;
    }
    crypto->slots[key->slot].used = ++crypto->clock;
    return COFFER_OK;
}

/* AAD as the format has it: what the caller says, then the IV. Nothing in it is secret. */
struct aad {
    uint8_t bytes[CRYPTO_AAD_MAX + CRYPTO_IV_SIZE];
};

static struct cipher_message message_with(struct aad *buffer, const uint8_t *aad, size_t aad_size,
                                          const uint8_t *in, uint8_t *out, size_t size,
                                          const uint8_t iv[CRYPTO_IV_SIZE])
{
    assert_cheap(aad_size <= CRYPTO_AAD_MAX);
    if (aad_size > 0)
        memcpy(buffer->bytes, aad, aad_size);
    memcpy(buffer->bytes + aad_size, iv, CRYPTO_IV_SIZE);
    return (struct cipher_message){
        .iv = iv,
        .aad = buffer->bytes,
        .aad_size = aad_size + CRYPTO_IV_SIZE,
        .in = in,
        .out = out,
        .size = size,
    };
}

enum coffer_status crypto_seal(struct crypto *crypto, struct crypto_key *key, const uint8_t *aad,
                               size_t aad_size, const uint8_t *in, uint8_t *out, size_t size,
                               uint8_t iv[CRYPTO_IV_SIZE], uint8_t tag[CRYPTO_TAG_SIZE])
{
    struct cipher_message message;
    struct aad buffer;
    uint8_t fresh[CRYPTO_IV_SIZE];
    enum coffer_status status = load_key(crypto, key);

    if (status != COFFER_OK)
        return status;
    status = take_iv(crypto, fresh);
    if (status != COFFER_OK)
        return status;
    message = message_with(&buffer, aad, aad_size, in, out, size, fresh);
    status = crypto->ciphers->gcm_encrypt(crypto->state, key->slot, &message, tag);
    if (status != COFFER_OK)
        return status;
    memcpy(iv, fresh, CRYPTO_IV_SIZE);
    crypto->counters.seals++;
    crypto->counters.sealed_bytes += size;
    return COFFER_OK;
}

enum coffer_status crypto_unseal(struct crypto *crypto, struct crypto_key *key, const uint8_t *aad,
                                 size_t aad_size, const uint8_t *in, uint8_t *out, size_t size,
                                 const uint8_t iv[CRYPTO_IV_SIZE],
                                 const uint8_t tag[CRYPTO_TAG_SIZE])
{
    struct cipher_message message;
    struct aad buffer;
    enum coffer_status status = load_key(crypto, key);

    if (status != COFFER_OK)
        goto out;
    message = message_with(&buffer, aad, aad_size, in, out, size, iv);
    status = crypto->ciphers->gcm_decrypt(crypto->state, key->slot, &message, tag);
    if (status != COFFER_OK)
        goto out;
    crypto->counters.unseals++;
    crypto->counters.unsealed_bytes += size;
out:
    if (status != COFFER_OK && size > 0)
        wipe(out, size);
    return status;
}

void crypto_hash(struct crypto *crypto, const void *data, size_t size,
                 uint8_t digest[CRYPTO_HASH_SIZE])
{
    crypto->ciphers->sha256(crypto->state, data, size, digest);
    crypto->counters.hashes++;
    crypto->counters.hashed_bytes += size;
}

enum coffer_status crypto_random(struct crypto *crypto, void *out, size_t size)
{
    enum coffer_status status = crypto->port->entropy(crypto->port->context, out, size);

    if (status != COFFER_OK && size > 0)
        wipe(out, size);
    return status;
}

const struct crypto_counters *crypto_counters(const struct crypto *crypto)
{
    return &crypto->counters;
}

size_t crypto_outside_bytes(const struct crypto *crypto)
{
    return crypto->outside_bytes;
}

const char *crypto_library(const struct crypto *crypto)
{
    return crypto->ciphers->name;
}
