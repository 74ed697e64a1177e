/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the front end needs of cryptographic libraries, as a contract: the port wraps well-kept
 * ones (on Linux libgcrypt, ports/linux/tee_gcrypt.c, and for GHASH nettle, tee_nettle.c).
 *
 * The libraries give what is best left to them: hashes, block ciphers over whole blocks, GHASH,
 * prime numbers and curves. How blocks are chained beyond that (CTS, XTS, CMAC, GCM, CCM) is in
 * src/gp, with all its state in secure memory: so an operation can be copied in the midst of its
 * work, which libraries don't offer for contexts of theirs.
 *
 * Contexts, a hash's state and a key's schedule, are the one thing that may live outside secure
 * memory. Together they take no more than the limit given to start(), counted in full when they are
 * opened: COFFER_NO_MEMORY beyond it; usage() tells what they take. Closing one wipes it. What
 * making a key takes is gone, wiped, when the call ends, and is not counted.
 *
 * Calls on different contexts may run at once, and beside all others; the caller serialises those
 * on one context, and stop() with everything. Wrong sizes are COFFER_MISUSE, what the library lacks
 * is COFFER_UNSUPPORTED. Outputs are written on success only.
 */
#ifndef COFFER_GP_PROVIDER_H
#define COFFER_GP_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"

enum gp_hash {
    GP_MD5,
    GP_SHA1,
    GP_SHA224,
    GP_SHA256,
    GP_SHA384,
    GP_SHA512,
    GP_SHA3_224,
    GP_SHA3_256,
    GP_SHA3_384,
    GP_SHA3_512,
    GP_SHAKE128, /* these two give any number of bytes, and aren't for HMAC */
    GP_SHAKE256,
    GP_HASHES, /* how many there are */
};

#define GP_HASH_SIZE_MAX 64u /* bytes, of hashes with a size */

enum gp_block_cipher {
    GP_AES,  /* keys of 16, 24 and 32 bytes */
    GP_DES,  /* 8, parity ignored */
    GP_DES3, /* 16 (the third part is the first) and 24, parity ignored */
    GP_BLOCK_CIPHERS,
};

enum gp_block_mode {
    GP_ECB,
    GP_CBC,
    GP_CTR, /* the whole block counts up, big endian */
    GP_BLOCK_MODES,
};

#define GP_BLOCK_SIZE_MAX 16u
#define GP_GHASH_BLOCK    16u

/* A number: big endian, without zeros in front, so that zero has no bytes. */
struct gp_number {
    uint8_t *bytes;
    size_t size;     /* bytes */
    size_t capacity; /* of `bytes` */
};

/* In the order of an RSA key pair's attributes. `inverse` is that of q modulo p. */
struct gp_rsa_key {
    struct gp_number modulus, exponent, secret, p, q, dp, dq, inverse;
};

enum gp_curve {
    GP_P192,
    GP_P224,
    GP_P256,
    GP_P384,
    GP_P521,
    GP_CURVES,
};

enum gp_octet_curve {
    GP_ED25519,
    GP_X25519,
    GP_OCTET_CURVES,
};

#define GP_25519_SIZE 32u /* bytes of their private and public values */

struct gp_provider_usage {
    size_t limit, used, used_peak; /* bytes outside secure memory, as near as can be told */
    uint64_t contexts;             /* open now */
    uint64_t refusals;             /* because of the limit, since start() */
};

struct gp_provider {
    const char *name; /* the library */

    /* Make the state; its contexts may take `limit` bytes together. COFFER_UNSUPPORTED: something
     * of the above is missing or forbidden. */
    enum coffer_status (*start)(size_t limit, void **state);
    /* No context is open any more. NULL is nothing. */
    void (*stop)(void *state);
    void (*usage)(void *state, struct gp_provider_usage *out);

    /* --- Hashes. `keyed`: HMACs, which can be used when they have a key. */
    enum coffer_status (*hash_open)(void *state, enum gp_hash hash, bool keyed, void **out);
    /* A key of any size, also none. The context is as it was opened, but for it. */
    enum coffer_status (*hash_set_key)(void *context, const void *key, size_t size);
    /* The one, which is of the same hash, has been told what the other one was, and has its key. */
    enum coffer_status (*hash_copy)(void *to, const void *from);
    /* As it was when it was opened, or got its key. */
    void (*hash_reset)(void *context);
    void (*hash_update)(void *context, const void *data, size_t size);
    /* Bytes of the digest: with SHAKE any number, and each call gives the next ones; otherwise the
     * first `size` of it, the same ones each time. No update may follow before a reset. */
    enum coffer_status (*hash_read)(void *context, void *out, size_t size);
    void (*hash_close)(void *context); /* NULL is nothing */

    /* --- Block ciphers, which can be used when they have a key. */
    enum coffer_status (*block_open)(void *state, enum gp_block_cipher cipher,
                                     enum gp_block_mode mode, void **out);
    /* NULL, 0: none any more. COFFER_MISUSE: of no such size. It has none when this fails. */
    enum coffer_status (*block_set_key)(void *context, const void *key, size_t size);
    /* `count` blocks; `in` and `out` are the same, or don't overlap. `iv` is a block, and then what
     * the next call needs to go on; NULL with ECB. CTR encrypts and decrypts alike. */
    enum coffer_status (*block_run)(void *context, bool encrypt, uint8_t *iv, const uint8_t *in,
                                    uint8_t *out, size_t count);
    void (*block_close)(void *context); /* NULL is nothing */

    /* --- GHASH, the hash within GCM (SP 800-38D, 6.4). Nothing is opened: its key, made ready, is
     * `ghash_key_size` bytes of the caller's, aligned as malloc's blocks are, and what it has
     * summed is a block, zeros at first. Both can be copied; the caller wipes them. */
    size_t ghash_key_size;
    void (*ghash_set_key)(void *key, const uint8_t hash_key[GP_GHASH_BLOCK]);
    void (*ghash_run)(const void *key, uint8_t sum[GP_GHASH_BLOCK], const uint8_t *in,
                      size_t count);

    /* --- Keys. The numbers' sizes are set; COFFER_MISUSE also when one doesn't fit its capacity.
     * What is random comes from the library's own generator. */

    /* `exponent` is odd and 3 at least; `bits` of the modulus, even, exactly. */
    enum coffer_status (*rsa_generate)(void *state, unsigned bits, struct gp_rsa_key *key);
    /* Of DSA and DH: secret in [2, q - 2], or without q (NULL) in [1, p - 2]; with `bits` (not 0)
     * of exactly so many bits besides. public = base ^ secret mod p. */
    enum coffer_status (*power_generate)(void *state, const struct gp_number *p,
                                         const struct gp_number *q, const struct gp_number *base,
                                         unsigned bits, struct gp_number *secret,
                                         struct gp_number *public_value);
    enum coffer_status (*curve_generate)(void *state, enum gp_curve curve, struct gp_number *secret,
                                         struct gp_number *x, struct gp_number *y);
    /* The public value that goes with 32 secret bytes, which may be any. */
    enum coffer_status (*octets_public)(void *state, enum gp_octet_curve curve,
                                        const uint8_t secret[GP_25519_SIZE],
                                        uint8_t public_value[GP_25519_SIZE]);
};

#endif
