/* SPDX-License-Identifier: BSD-2-Clause */
/* libgcrypt's AES-128-GCM in messages of up to RECORD_SIZE bytes, the key kept. */
#ifndef BENCH_RATES_SEALER_H
#define BENCH_RATES_SEALER_H

#include <gcrypt.h>
#include <string.h>

#include "rates/store.h"

#define SEAL_EXTRA 32u /* IV and tag, in front of a message */

struct sealer {
    gcry_cipher_hd_t cipher;
    uint64_t message;
};

static inline void sealer_open(struct sealer *sealer)
{
    static const uint8_t key[16] = "a key of a bench";

    /* The version is asked for, else libgcrypt isn't ready. */
    rate_must(gcry_check_version(NULL) != NULL, "libgcrypt");
    (void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    (void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    rate_must(gcry_cipher_open(&sealer->cipher, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 0) == 0 &&
                  gcry_cipher_setkey(sealer->cipher, key, sizeof(key)) == 0,
              "libgcrypt");
    sealer->message = 0;
}

static inline void sealer_close(struct sealer *sealer)
{
    gcry_cipher_close(sealer->cipher);
}

/* To `head` (SEAL_EXTRA bytes) and `out`. */
static inline void sealer_seal(struct sealer *sealer, uint8_t *head, uint8_t *out, const void *in,
                               size_t size)
{
    memset(head, 0, 16);
    sealer->message++;
    memcpy(head, &sealer->message, sizeof(sealer->message));
    rate_must(gcry_cipher_setiv(sealer->cipher, head, 16) == 0 &&
                  gcry_cipher_encrypt(sealer->cipher, out, size, in, size) == 0 &&
                  gcry_cipher_gettag(sealer->cipher, head + 16, 16) == 0,
              "AES-GCM");
}

static inline void sealer_unseal(struct sealer *sealer, const uint8_t *head, uint8_t *out,
                                 const void *in, size_t size)
{
    rate_must(gcry_cipher_setiv(sealer->cipher, head, 16) == 0 &&
                  gcry_cipher_decrypt(sealer->cipher, out, size, in, size) == 0 &&
                  gcry_cipher_checktag(sealer->cipher, head + 16, 16) == 0,
              "AES-GCM");
}

#endif
