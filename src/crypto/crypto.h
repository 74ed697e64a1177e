/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key ladder and the use of the ciphers. The only module that sees key bytes.
 *
 *   HUK --HMAC--> SSK --HMAC--> TSK (one per TA, one for the catalogue) --AES-256-ECB--> FEK
 *
 * (docs/FORMAT.md, "Keys".) A FEK is reached through a `struct crypto_key`, which tree files hold
 * without looking inside. The provider keeps a few expanded keys in slots made at start; this
 * module puts a key into the least recently used slot when it is needed and not in one.
 *
 * Invariants
 *   C1 Key bytes are in struct crypto, in struct crypto_key and in the provider, nowhere else; all
 *      three are wiped when let go.
 *   C2 Every seal takes a fresh random IV.
 *   C3 unseal writes plaintext only if the tag fits; otherwise `out` is zeroed.
 *   C4 A key works in one slot at a time, and no other key in that one meanwhile (K1, K2 of
 *      slots.h).
 *
 * Locking. All calls but open and close may come from several threads at once, with whatever keys;
 * nobody uses a key that is being dropped. Those with keys in different slots don't wait for one
 * another; those with keys in one slot take turns (slots.h). The key ladder and the supply of IVs
 * have a lock of their own, which nothing else is done with. Lock order: a slot's lock, then that
 * of the table of slots; never two slots'.
 */
#ifndef COFFER_CRYPTO_CRYPTO_H
#define COFFER_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/memory.h"
#include "port/cipher.h"
#include "port/port.h"

#define CRYPTO_HASH_SIZE    32u
#define CRYPTO_IV_SIZE      16u
#define CRYPTO_TAG_SIZE     16u
#define CRYPTO_WRAPPED_SIZE 16u /* an encrypted FEK */
#define CRYPTO_UUID_SIZE    16u /* the memory image of a TEE_UUID, docs/FORMAT.md "Keys" */
#define CRYPTO_AAD_MAX      64u /* of what the caller gives; the IV comes on top */

#define CRYPTO_KEY_BYTES 32u /* of memory that a key takes */

struct crypto;
struct crypto_key;

enum crypto_root {
    CRYPTO_ROOT_HUK, /* hardware unique key: 1 to 64 bytes, 16 or 32 in OP-TEE */
    CRYPTO_ROOT_SSK, /* the storage key itself: 32 bytes */
};

struct crypto_settings {
    enum crypto_root root;
    const uint8_t *key; /* copied; the caller wipes its own */
    size_t key_size;
    bool huk_plain; /* CFG_CORE_HUK_SUBKEY_COMPAT=n: SSK = HMAC(HUK, u32le 1) */
    unsigned slots; /* expanded keys kept by the provider, >= 2 */
};

struct crypto_counters {
    uint64_t seals;
    uint64_t unseals;
    uint64_t sealed_bytes;
    uint64_t unsealed_bytes;
    uint64_t hashes;
    uint64_t hashed_bytes;
    uint64_t wraps;     /* AES-256-ECB of a FEK, either way */
    uint64_t key_loads; /* keys expanded into a slot */
};

/* What crypto_open takes of memory for so many key slots. */
size_t crypto_record_bytes(unsigned slot_count);

/* COFFER_MISUSE: bad key size or slots. COFFER_NO_MEMORY, COFFER_IO (entropy), errors of locks. */
COFFER_MUST_CHECK enum coffer_status crypto_open(struct memory *memory,
                                                 const struct coffer_port *port,
                                                 const struct coffer_ciphers *ciphers,
                                                 const struct crypto_settings *settings,
                                                 struct crypto **out);
void crypto_close(struct crypto *crypto);

/* A new random FEK for a file of the TA `uuid` (CRYPTO_UUID_SIZE bytes; NULL: the catalogue);
 * `wrapped` receives its encrypted form. */
COFFER_MUST_CHECK enum coffer_status crypto_key_make(struct crypto *crypto, const uint8_t *uuid,
                                                     uint8_t wrapped[CRYPTO_WRAPPED_SIZE],
                                                     struct crypto_key **out);

/* The FEK of an existing file. Any 16 bytes unwrap to some key: a wrong one shows at unseal. */
COFFER_MUST_CHECK enum coffer_status crypto_key_unwrap(struct crypto *crypto, const uint8_t *uuid,
                                                       const uint8_t wrapped[CRYPTO_WRAPPED_SIZE],
                                                       struct crypto_key **out);

/* Wipe and free; NULL is nothing to do. */
void crypto_key_drop(struct crypto *crypto, struct crypto_key *key);

/* AES-128-GCM with a fresh IV. The AAD is aad || iv, where `aad` is what the caller gives, at most
 * CRYPTO_AAD_MAX bytes. in == out is allowed. */
COFFER_MUST_CHECK enum coffer_status crypto_seal(struct crypto *crypto, struct crypto_key *key,
                                                 const uint8_t *aad, size_t aad_size,
                                                 const uint8_t *in, uint8_t *out, size_t size,
                                                 uint8_t iv[CRYPTO_IV_SIZE],
                                                 uint8_t tag[CRYPTO_TAG_SIZE]);

/* The reverse, with AAD = aad || iv too. COFFER_CORRUPT when the tag doesn't fit. */
COFFER_MUST_CHECK enum coffer_status crypto_unseal(struct crypto *crypto, struct crypto_key *key,
                                                   const uint8_t *aad, size_t aad_size,
                                                   const uint8_t *in, uint8_t *out, size_t size,
                                                   const uint8_t iv[CRYPTO_IV_SIZE],
                                                   const uint8_t tag[CRYPTO_TAG_SIZE]);

/* A number that stands for an object's name where names must not be told: the same for the same
 * name in the same store, and made with a key of it. Errors of the provider. */
COFFER_MUST_CHECK enum coffer_status crypto_name_tag(struct crypto *crypto,
                                                     const uint8_t uuid[CRYPTO_UUID_SIZE],
                                                     const void *id, size_t id_size, uint64_t *out);

/* SHA-256. */
void crypto_hash(struct crypto *crypto, const void *data, size_t size,
                 uint8_t digest[CRYPTO_HASH_SIZE]);

/* Strong random bytes, straight from the port. */
COFFER_MUST_CHECK enum coffer_status crypto_random(struct crypto *crypto, void *out, size_t size);

/* What all threads have done so far. Each number is right; beside calls that are under way they may
 * be of slightly different moments. */
void crypto_counters(const struct crypto *crypto, struct crypto_counters *out);

/* Do C4 and the rule of the IVs' supply (what was used is zero) hold? Locks for a moment. */
bool crypto_is_valid(struct crypto *crypto);

/* Bytes that the provider's library holds outside secure memory, and its name. */
size_t crypto_outside_bytes(const struct crypto *crypto);
const char *crypto_library(const struct crypto *crypto);

#endif
