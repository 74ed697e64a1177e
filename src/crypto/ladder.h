/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key ladder, from the root key down to the wrapping of FEKs (docs/FORMAT.md, "Keys").
 *
 * The SSK is kept for the life of the store; the HUK isn't kept at all. Of the TSKs the one that
 * was used last is kept, by the provider alone, which has it expanded: the files of one TA, or the
 * catalogue, come in a row.
 *
 * Invariant: the provider has the TSK of `tsk_uuid` (or the catalogue's) if `tsk_state` says so.
 *
 * Locking: none; crypto has one lock around all of it.
 */
#ifndef COFFER_CRYPTO_LADDER_H
#define COFFER_CRYPTO_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#include "coffer/status.h"
#include "crypto/crypto.h"
#include "port/cipher.h"

#define LADDER_KEY_SIZE 32u /* of an SSK and of a TSK */

enum ladder_tsk_state {
    LADDER_TSK_NONE,
    LADDER_TSK_TA,
    LADDER_TSK_CATALOGUE,
};

struct ladder {
    const struct coffer_ciphers *ciphers;
    void *ciphers_state;
    uint8_t ssk[LADDER_KEY_SIZE];
    uint8_t tsk_uuid[CRYPTO_UUID_SIZE];
    enum ladder_tsk_state tsk_state;
};

/* Is the key of a size that its kind can have? */
bool ladder_takes(const struct crypto_settings *settings);

COFFER_MUST_CHECK enum coffer_status ladder_init(struct ladder *ladder,
                                                 const struct coffer_ciphers *ciphers,
                                                 void *ciphers_state,
                                                 const struct crypto_settings *settings);

/* Wipe. */
void ladder_fini(struct ladder *ladder);

/* FEK to stored form and back, for a file of the TA `uuid` (NULL: the catalogue). */
COFFER_MUST_CHECK enum coffer_status ladder_wrap(struct ladder *ladder, const uint8_t *uuid,
                                                 const uint8_t fek[CRYPTO_WRAPPED_SIZE],
                                                 uint8_t wrapped[CRYPTO_WRAPPED_SIZE]);
COFFER_MUST_CHECK enum coffer_status ladder_unwrap(struct ladder *ladder, const uint8_t *uuid,
                                                   const uint8_t wrapped[CRYPTO_WRAPPED_SIZE],
                                                   uint8_t fek[CRYPTO_WRAPPED_SIZE]);

/* HMAC of an object's name (at most COFFER_ID_MAX bytes of id) under the SSK, for traces. Its
 * message is longer than any that a TSK is made of, so that it never is one. */
COFFER_MUST_CHECK enum coffer_status ladder_tag(struct ladder *ladder,
                                                const uint8_t uuid[CRYPTO_UUID_SIZE],
                                                const void *id, size_t id_size,
                                                uint8_t digest[CRYPTO_HASH_SIZE]);

#endif
