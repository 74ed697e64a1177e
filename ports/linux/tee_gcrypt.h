/* SPDX-License-Identifier: BSD-2-Clause */
/* The provider of the GlobalPlatform front end (src/gp/provider.h) by libgcrypt and nettle. */
#ifndef COFFER_LINUX_TEE_GCRYPT_H
#define COFFER_LINUX_TEE_GCRYPT_H

#include "gp/provider.h"

/* Never NULL; lives as long as the process. */
const struct gp_provider *linux_tee_provider(void);

/* Its keys (tee_gcrypt_keys.c). */
enum coffer_status linux_rsa_generate(void *state, unsigned bits, struct gp_rsa_key *key);
enum coffer_status linux_power_generate(void *state, const struct gp_number *p,
                                        const struct gp_number *q, const struct gp_number *base,
                                        unsigned bits, struct gp_number *secret,
                                        struct gp_number *public_value);
enum coffer_status linux_curve_generate(void *state, enum gp_curve curve, struct gp_number *secret,
                                        struct gp_number *x, struct gp_number *y);
enum coffer_status linux_octets_public(void *state, enum gp_octet_curve curve,
                                       const uint8_t secret[GP_25519_SIZE],
                                       uint8_t public_value[GP_25519_SIZE]);

/* GHASH (tee_nettle.c). */
#define LINUX_GHASH_KEY_SIZE 4096u /* bytes */
void linux_ghash_set_key(void *key, const uint8_t hash_key[GP_GHASH_BLOCK]);
void linux_ghash_run(const void *key, uint8_t sum[GP_GHASH_BLOCK], const uint8_t *in, size_t count);

#endif
