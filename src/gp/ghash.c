/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/ghash.h"

static uint64_t load_be64(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

static void store_be64(uint8_t *p, uint64_t value)
{
    for (unsigned i = 8; i > 0; i--) {
        p[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

/* The bits in reverse order. */
static uint64_t mirror(uint64_t x)
{
    x = (x & 0x5555555555555555u) << 1 | (x >> 1 & 0x5555555555555555u);
    x = (x & 0x3333333333333333u) << 2 | (x >> 2 & 0x3333333333333333u);
    x = (x & 0x0f0f0f0f0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0fu);
    return __builtin_bswap64(x);
}

/*
 * The low half of the product of two polynomials. Each factor is cut into four, of every fourth
 * bit: where such parts are multiplied as numbers, the sums of up to 15 ones stay within the three
 * bits of room above each bit; the sixteenth is added at the very top, and what it carries is cut
 * off. The lowest of each four bits is then the sum without carries. (All sixteen products are
 * written out: as a loop they take ten times as long.)
 */
static uint64_t multiply(uint64_t x, uint64_t y)
{
    const uint64_t m0 = UINT64_C(0x1111111111111111);
    const uint64_t m1 = m0 << 1;
    const uint64_t m2 = m0 << 2;
    const uint64_t m3 = m0 << 3;
    uint64_t x0 = x & m0, x1 = x & m1, x2 = x & m2, x3 = x & m3;
    uint64_t y0 = y & m0, y1 = y & m1, y2 = y & m2, y3 = y & m3;
    uint64_t z0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
    uint64_t z1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
    uint64_t z2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
    uint64_t z3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);

    return (z0 & m0) | (z1 & m1) | (z2 & m2) | (z3 & m3);
}

/* The high half is the low one of the mirrored factors, mirrored and one bit down. */
static uint64_t multiply_high(uint64_t mirrored_x, uint64_t mirrored_y)
{
    return mirror(multiply(mirrored_x, mirrored_y)) >> 1;
}

/* What is below bit 128 of a mirrored polynomial is what is above x^127: with
 * x^128 = x^7 + x^2 + x + 1 it comes back 128 bits higher up. */
static void fold(uint64_t low, uint64_t *middle, uint64_t *high)
{
    *high ^= low ^ low >> 1 ^ low >> 2 ^ low >> 7;
    *middle ^= low << 63 ^ low << 62 ^ low << 57;
}

/* Karatsuba's way: three products of halves. */
static void times_key(struct gp_ghash *ghash)
{
    uint64_t x0 = ghash->sum[0], x1 = ghash->sum[1];
    uint64_t y0 = ghash->key[0], y1 = ghash->key[1];
    uint64_t x0_mirror = mirror(x0), x1_mirror = mirror(x1);
    uint64_t y0_mirror = ghash->mirrored[0], y1_mirror = ghash->mirrored[1];
    uint64_t low = multiply(x0, y0), low_high = multiply_high(x0_mirror, y0_mirror);
    uint64_t high = multiply(x1, y1), high_high = multiply_high(x1_mirror, y1_mirror);
    uint64_t cross = multiply(x0 ^ x1, y0 ^ y1) ^ low ^ high;
    uint64_t cross_high = multiply_high(x0_mirror ^ x1_mirror, y0_mirror ^ y1_mirror) ^ low_high ^
                          high_high;
    uint64_t v[4] = {low, low_high ^ cross, high ^ cross_high, high_high};

    /* The product of mirrored polynomials is one bit too low. */
    for (unsigned i = 3; i > 0; i--)
        v[i] = v[i] << 1 | v[i - 1] >> 63;
    v[0] <<= 1;
    fold(v[0], &v[1], &v[2]);
    fold(v[1], &v[2], &v[3]);
    ghash->sum[0] = v[2];
    ghash->sum[1] = v[3];
}

void gp_ghash_init(struct gp_ghash *ghash, const uint8_t key[GHASH_BLOCK])
{
    ghash->key[1] = load_be64(key);
    ghash->key[0] = load_be64(key + 8);
    for (unsigned i = 0; i < 2; i++) {
        ghash->mirrored[i] = mirror(ghash->key[i]);
        ghash->sum[i] = 0;
    }
}

void gp_ghash_blocks(struct gp_ghash *ghash, const uint8_t *in, size_t count)
{
    for (; count > 0; count--, in += GHASH_BLOCK) {
        ghash->sum[1] ^= load_be64(in);
        ghash->sum[0] ^= load_be64(in + 8);
        times_key(ghash);
    }
}

void gp_ghash_read(const struct gp_ghash *ghash, uint8_t out[GHASH_BLOCK])
{
    store_be64(out, ghash->sum[1]);
    store_be64(out + 8, ghash->sum[0]);
}
