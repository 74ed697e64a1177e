/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, and what is done with them. The ladder itself is in ladder.c, the slots are in slots.c. */
#include "crypto/crypto.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/counter.h"
#include "crypto/ladder.h"
#include "crypto/slots.h"

#define SLOTS_MAX 1024u

/* IVs are cut from a supply of random bytes, so that most seals need no call of the port. */
#define IV_SUPPLY_SIZE ((size_t)64 * CRYPTO_IV_SIZE)

/* A real source gives an all-zero FEK once in 2^128 keys; one that does it again is broken. */
#define FEK_ATTEMPTS 4u

_Static_assert(sizeof(struct crypto_key) <= CRYPTO_KEY_BYTES, "a key is counted whole");

struct crypto {
    struct memory *memory;
    const struct coffer_port *port;
    const struct coffer_ciphers *ciphers;
    void *state; /* of the ciphers */
    struct owner owner;
    size_t outside_bytes;
    _Atomic uint64_t generation; /* of the newest key */
    struct counter wraps;
    struct key_slots slots;

    struct port_lock lock; /* of what follows */
    struct ladder ladder;
    uint8_t iv_supply[IV_SUPPLY_SIZE];
    size_t iv_left; /* bytes at the end of iv_supply that are unused; the others are zero */

    struct key_slot slot_array[];
};

static void lock(struct crypto *crypto)
{
    crypto->port->lock_take(crypto->port->context, &crypto->lock);
}

static void unlock(struct crypto *crypto)
{
    crypto->port->lock_give(crypto->port->context, &crypto->lock);
}

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
    enum coffer_status status = COFFER_OK;
    uint8_t *next;

    lock(crypto);
    if (crypto->iv_left == 0)
        status = refill_ivs(crypto);
    if (status == COFFER_OK) {
        next = crypto->iv_supply + IV_SUPPLY_SIZE - crypto->iv_left;
        memcpy(iv, next, CRYPTO_IV_SIZE);
        wipe(next, CRYPTO_IV_SIZE);
        crypto->iv_left -= CRYPTO_IV_SIZE;
    }
    unlock(crypto);
    return status;
}

size_t crypto_record_bytes(unsigned slot_count)
{
    return sizeof(struct crypto) + slot_count * sizeof(struct key_slot);
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
    status = memory_alloc(memory, owner, crypto_record_bytes(settings->slots), &block);
    if (status != COFFER_OK)
        return status;
    crypto = block;
    crypto->memory = memory;
    crypto->port = port;
    crypto->ciphers = ciphers;
    crypto->owner = owner;

    status = port->lock_init(port->context, &crypto->lock);
    if (status != COFFER_OK)
        goto out_memory;
    status = ciphers->start(settings->slots, &crypto->state, &crypto->outside_bytes);
    if (status != COFFER_OK)
        goto out_lock;
    status = slots_init(&crypto->slots, port, ciphers, crypto->state, crypto->slot_array,
                        settings->slots);
    if (status != COFFER_OK)
        goto out_ciphers;
    status = ladder_init(&crypto->ladder, ciphers, crypto->state, settings);
    if (status != COFFER_OK)
        goto out_slots;
    /* A source of entropy that doesn't work is better known now than at the first commit. */
    status = refill_ivs(crypto);
    if (status != COFFER_OK)
        goto out_slots;
    *out = crypto;
    return COFFER_OK;

out_slots:
    ladder_fini(&crypto->ladder);
    slots_fini(&crypto->slots);
out_ciphers:
    ciphers->stop(crypto->state);
out_lock:
    port->lock_fini(port->context, &crypto->lock);
out_memory:
    memory_free(memory, crypto);
    return status;
}

void crypto_close(struct crypto *crypto)
{
    struct memory *memory;
    size_t size;

    if (crypto == NULL)
        return;
    memory = crypto->memory;
    size = crypto_record_bytes(crypto->slots.count);
    slots_fini(&crypto->slots);
    crypto->ciphers->stop(crypto->state);
    crypto->port->lock_fini(crypto->port->context, &crypto->lock);
    wipe(crypto, size);
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
    (*out)->generation = atomic_fetch_add_explicit(&crypto->generation, 1, memory_order_relaxed) +
                         1;
    atomic_init(&(*out)->slot, 0);
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
    if (status == COFFER_OK) {
        lock(crypto);
        status = ladder_wrap(&crypto->ladder, uuid, key->fek, wrapped);
        unlock(crypto);
    }
    if (status != COFFER_OK) {
        crypto_key_drop(crypto, key);
        return status;
    }
    counter_add(&crypto->wraps, 1);
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
    lock(crypto);
    status = ladder_unwrap(&crypto->ladder, uuid, wrapped, key->fek);
    unlock(crypto);
    if (status != COFFER_OK) {
        crypto_key_drop(crypto, key);
        return status;
    }
    counter_add(&crypto->wraps, 1);
    *out = key;
    return COFFER_OK;
}

void crypto_key_drop(struct crypto *crypto, struct crypto_key *key)
{
    if (key == NULL)
        return;
    slots_drop(&crypto->slots, key);
    wipe(key, sizeof(*key));
    memory_free(crypto->memory, key);
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
    struct key_slots *slots = &crypto->slots;
    struct cipher_message message;
    struct aad buffer;
    uint8_t fresh[CRYPTO_IV_SIZE];
    unsigned slot;
    enum coffer_status status = take_iv(crypto, fresh);

    if (status != COFFER_OK)
        return status;
    message = message_with(&buffer, aad, aad_size, in, out, size, fresh);
    status = slots_enter(slots, key, &slot);
    if (status != COFFER_OK)
        return status;
    status = crypto->ciphers->gcm_encrypt(crypto->state, slot, &message, tag);
    slots_leave(slots, slot);
    if (status != COFFER_OK)
        return status;
    memcpy(iv, fresh, CRYPTO_IV_SIZE);
    counter_add(&slots->slots[slot].counters.seals, 1);
    counter_add(&slots->slots[slot].counters.sealed_bytes, size);
    return COFFER_OK;
}

enum coffer_status crypto_unseal(struct crypto *crypto, struct crypto_key *key, const uint8_t *aad,
                                 size_t aad_size, const uint8_t *in, uint8_t *out, size_t size,
                                 const uint8_t iv[CRYPTO_IV_SIZE],
                                 const uint8_t tag[CRYPTO_TAG_SIZE])
{
    struct key_slots *slots = &crypto->slots;
    struct cipher_message message;
    struct aad buffer;
    unsigned slot;
    enum coffer_status status = slots_enter(slots, key, &slot);

    if (status != COFFER_OK)
        goto out;
    message = message_with(&buffer, aad, aad_size, in, out, size, iv);
    status = crypto->ciphers->gcm_decrypt(crypto->state, slot, &message, tag);
    slots_leave(slots, slot);
    if (status != COFFER_OK)
        goto out;
    counter_add(&slots->slots[slot].counters.unseals, 1);
    counter_add(&slots->slots[slot].counters.unsealed_bytes, size);
out:
    if (status != COFFER_OK && size > 0)
        wipe(out, size);
    return status;
}

enum coffer_status crypto_name_tag(struct crypto *crypto, const uint8_t uuid[CRYPTO_UUID_SIZE],
                                   const void *id, size_t id_size, uint64_t *out)
{
    uint8_t digest[CRYPTO_HASH_SIZE];
    enum coffer_status status;

    lock(crypto);
    status = ladder_tag(&crypto->ladder, uuid, id, id_size, digest);
    unlock(crypto);
    if (status == COFFER_OK)
        *out = load_le64(digest);
    return status;
}

void crypto_hash(struct crypto *crypto, const void *data, size_t size,
                 uint8_t digest[CRYPTO_HASH_SIZE])
{
    struct slot_counters *counters = slots_mine(&crypto->slots);

    crypto->ciphers->sha256(crypto->state, data, size, digest);
    counter_add(&counters->hashes, 1);
    counter_add(&counters->hashed_bytes, size);
}

enum coffer_status crypto_random(struct crypto *crypto, void *out, size_t size)
{
    enum coffer_status status = crypto->port->entropy(crypto->port->context, out, size);

    if (status != COFFER_OK && size > 0)
        wipe(out, size);
    return status;
}

void crypto_counters(const struct crypto *crypto, struct crypto_counters *out)
{
    *out = (struct crypto_counters){.wraps = counter_get(&crypto->wraps)};
    for (unsigned i = 0; i < crypto->slots.count; i++) {
        const struct slot_counters *counters = &crypto->slots.slots[i].counters;

        out->seals += counter_get(&counters->seals);
        out->unseals += counter_get(&counters->unseals);
        out->sealed_bytes += counter_get(&counters->sealed_bytes);
        out->unsealed_bytes += counter_get(&counters->unsealed_bytes);
        out->hashes += counter_get(&counters->hashes);
        out->hashed_bytes += counter_get(&counters->hashed_bytes);
        out->key_loads += counter_get(&counters->key_loads);
    }
}

bool crypto_is_valid(struct crypto *crypto)
{
    bool valid;

    lock(crypto);
    valid = crypto->iv_left <= IV_SUPPLY_SIZE && crypto->iv_left % CRYPTO_IV_SIZE == 0 &&
            bytes_are_zero(crypto->iv_supply, IV_SUPPLY_SIZE - crypto->iv_left);
    unlock(crypto);
    return valid && slots_are_valid(&crypto->slots);
}

size_t crypto_outside_bytes(const struct crypto *crypto)
{
    return crypto->outside_bytes;
}

const char *crypto_library(const struct crypto *crypto)
{
    return crypto->ciphers->name;
}
