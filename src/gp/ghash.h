/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GHASH, the universal hash of GCM (SP 800-38D, 6.4), in time that depends on nothing but how many
 * blocks there are. It is here because its state must be ours to copy (gp/provider.h).
 */
#ifndef COFFER_GP_GHASH_H
#define COFFER_GP_GHASH_H

#include <stddef.h>
#include <stdint.h>

#define GHASH_BLOCK 16u

/* All as two numbers, the first 8 bytes (big endian) in [1]. */
struct gp_ghash {
    uint64_t key[2];
    uint64_t mirrored[2]; /* each of the key, its bits in reverse order */
    uint64_t sum[2];
};

void gp_ghash_init(struct gp_ghash *ghash, const uint8_t key[GHASH_BLOCK]);
void gp_ghash_blocks(struct gp_ghash *ghash, const uint8_t *in, size_t count);
void gp_ghash_read(const struct gp_ghash *ghash, uint8_t out[GHASH_BLOCK]);

#endif
