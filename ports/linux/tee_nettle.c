/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GHASH for the GlobalPlatform front end by nettle 3.8, whose state is plain structs: they can lie
 * in secure memory and be copied. (libgcrypt has GHASH within contexts only, which can't.)
 *
 * Where the CPU multiplies without carries (PCLMULQDQ) nettle uses that, and its time depends on
 * nothing but how many blocks there are. Elsewhere it looks up a table that it makes of the key.
 */
#include <nettle/gcm.h>
#include <string.h>

#include "base/bytes.h"
#include "tee_gcrypt.h"

_Static_assert(LINUX_GHASH_KEY_SIZE == sizeof(struct gcm_key), "what nettle makes of a key");
_Static_assert(GP_GHASH_BLOCK == GCM_BLOCK_SIZE, "GHASH has one size of block");

/* The "cipher" that nettle asks for GHASH's key, which is that of zeros. */
static void give_hash_key(const void *hash_key, size_t size, uint8_t *out, const uint8_t *zeros)
{
    (void)zeros;
    memcpy(out, hash_key, size);
}

void linux_ghash_set_key(void *key, const uint8_t hash_key[GP_GHASH_BLOCK])
{
    gcm_set_key(key, hash_key, give_hash_key);
}

/* What comes before the text goes into the sum, and nowhere else. */
void linux_ghash_run(const void *key, uint8_t sum[GP_GHASH_BLOCK], const uint8_t *in, size_t count)
{
    struct gcm_ctx message = {.auth_size = 0};

    memcpy(message.x.b, sum, sizeof(message.x));
    gcm_update(&message, key, count * GCM_BLOCK_SIZE, in);
    memcpy(sum, message.x.b, sizeof(message.x));
    wipe(&message.x, sizeof(message.x));
}
