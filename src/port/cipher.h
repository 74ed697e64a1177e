/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ciphers and hashes, as a contract: the port wraps a well-kept library (libgcrypt on Linux).
 * The library's own contexts are the one thing that may live outside secure memory; they are all
 * made by start(), counted, and none is made later.
 *
 * A key slot keeps one expanded AES-128 key for GCM. Which file's key is in which slot is the
 * business of `crypto`.
 *
 * Which calls may run at once, from different threads:
 *   - those on different states;
 *   - on one state, those on different slots: each slot stands alone;
 *   - sha256, beside every other call and itself;
 *   - one of the ecb_ calls and hmac_sha256, beside the calls on slots and sha256.
 * The caller serialises calls on one slot, calls of the last kind, and stop() with all others.
 */
#ifndef COFFER_PORT_CIPHER_H
#define COFFER_PORT_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"

#define CIPHER_GCM_KEY_SIZE 16
#define CIPHER_GCM_IV_SIZE  16 /* not 12: J0 is GHASH(IV) */
#define CIPHER_GCM_TAG_SIZE 16
#define CIPHER_ECB_KEY_SIZE 32
#define CIPHER_BLOCK_SIZE   16
#define CIPHER_HASH_SIZE    32

/* One GCM message. in and out may be the same buffer, else they don't overlap. */
struct cipher_message {
    const uint8_t *iv;  /* CIPHER_GCM_IV_SIZE bytes */
    const uint8_t *aad; /* authenticated, not encrypted */
    size_t aad_size;
    const uint8_t *in;
    uint8_t *out;
    size_t size; /* of in and of out, in bytes */
};

struct coffer_ciphers {
    const char *name; /* the library and its version, for statistics */

    /* Make the state with `slots` GCM key slots. `footprint` is the bytes that the library holds
     * outside secure memory for it, as near as can be told. */
    enum coffer_status (*start)(unsigned slots, void **state, size_t *footprint);
    /* Wipe and free all of it. */
    void (*stop)(void *state);

    enum coffer_status (*gcm_set_key)(void *state, unsigned slot,
                                      const uint8_t key[CIPHER_GCM_KEY_SIZE]);
    /* Overwrite a slot's key schedule. */
    void (*gcm_clear_key)(void *state, unsigned slot);
    enum coffer_status (*gcm_encrypt)(void *state, unsigned slot, const struct cipher_message *m,
                                      uint8_t tag[CIPHER_GCM_TAG_SIZE]);
    /* COFFER_CORRUPT when the tag doesn't fit; `out` is then zeroed. */
    enum coffer_status (*gcm_decrypt)(void *state, unsigned slot, const struct cipher_message *m,
                                      const uint8_t tag[CIPHER_GCM_TAG_SIZE]);

    /* AES-256-ECB of one block, under the key that was set last; in and out may be the same. The
     * key stays, expanded, until another takes its place, which leaves nothing of it, or until
     * stop(). After an error there is none. */
    enum coffer_status (*ecb_set_key)(void *state, const uint8_t key[CIPHER_ECB_KEY_SIZE]);
    enum coffer_status (*ecb_encrypt)(void *state, const uint8_t *in, uint8_t *out);
    enum coffer_status (*ecb_decrypt)(void *state, const uint8_t *in, uint8_t *out);

    void (*sha256)(void *state, const void *data, size_t size, uint8_t digest[CIPHER_HASH_SIZE]);
    enum coffer_status (*hmac_sha256)(void *state, const void *key, size_t key_size,
                                      const void *data, size_t size,
                                      uint8_t digest[CIPHER_HASH_SIZE]);
};

#endif
