/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys for the GlobalPlatform front end, made of libgcrypt's numbers and points.
 *
 * The library can make whole RSA keys, but gives them as S-expressions, which stay in freed memory
 * as they were. Numbers are wiped when they are released, so the few lines from two primes to a key
 * are here.
 */
#include <gcrypt.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "tee_gcrypt.h"

#define RSA_BITS_MIN 256u

/* Tries to find a secret of an asked size below a limit; where that is likely at all, a few do. */
#define SECRET_TRIES 256u

/* --- Numbers --- */

static gcry_mpi_t number_read(const struct gp_number *number)
{
    gcry_mpi_t out = NULL;

    if (gcry_mpi_scan(&out, GCRYMPI_FMT_USG, number->size > 0 ? number->bytes : (const uint8_t *)"",
                      number->size, NULL) != 0)
        return NULL;
    return out;
}

static bool number_fits(const struct gp_number *number, gcry_mpi_t value)
{
    return (gcry_mpi_get_nbits(value) + 7) / 8 <= number->capacity;
}

static void number_write(struct gp_number *number, gcry_mpi_t value)
{
    size_t size = (gcry_mpi_get_nbits(value) + 7) / 8;

    if (size > 0)
        (void)gcry_mpi_print(GCRYMPI_FMT_USG, number->bytes, number->capacity, NULL, value);
    number->size = size;
}

/* All of them, or none. */
static enum coffer_status numbers_write(struct gp_number *const numbers[],
                                        const gcry_mpi_t values[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!number_fits(numbers[i], values[i]))
            return COFFER_MISUSE;
    }
    for (unsigned i = 0; i < count; i++)
        number_write(numbers[i], values[i]);
    return COFFER_OK;
}

/* Random bits below 2^bits. */
static void randomize(gcry_mpi_t value, unsigned bits)
{
    gcry_mpi_randomize(value, bits, GCRY_STRONG_RANDOM);
    gcry_mpi_clear_highbit(value, bits);
}

/* --- RSA --- */

/* A random prime of exactly `bits` bits, the second highest set too, so that the product of two has
 * twice as many; prime - 1 has no factor in common with the (odd) exponent. */
static void prime_find(gcry_mpi_t prime, unsigned bits, gcry_mpi_t exponent)
{
    gcry_mpi_t less = gcry_mpi_new(bits);
    gcry_mpi_t common = gcry_mpi_new(0);

    do {
        randomize(prime, bits);
        gcry_mpi_set_bit(prime, bits - 1);
        gcry_mpi_set_bit(prime, bits - 2);
        gcry_mpi_set_bit(prime, 0);
        gcry_mpi_sub_ui(less, prime, 1);
    } while (gcry_prime_check(prime, 0) != 0 || !gcry_mpi_gcd(common, less, exponent));
    gcry_mpi_release(less);
    gcry_mpi_release(common);
}

/* The eight of a key, in the order of struct gp_rsa_key. */
enum { N, E, D, P, Q, DP, DQ, INVERSE, RSA_NUMBERS };

/* From two primes, p > q, and the exponent: false when the secret exponent is so short that it
 * would give the key away (FIPS 186-4, B.3.1). */
static bool rsa_complete(gcry_mpi_t v[RSA_NUMBERS], unsigned bits)
{
    gcry_mpi_t p_less = gcry_mpi_new(bits);
    gcry_mpi_t q_less = gcry_mpi_new(bits);
    gcry_mpi_t common = gcry_mpi_new(bits);
    gcry_mpi_t multiple = gcry_mpi_new(bits);
    bool good;

    gcry_mpi_sub_ui(p_less, v[P], 1);
    gcry_mpi_sub_ui(q_less, v[Q], 1);
    (void)gcry_mpi_gcd(common, p_less, q_less);
    gcry_mpi_mul(multiple, p_less, q_less);
    gcry_mpi_div(multiple, NULL, multiple, common, 0);
    gcry_mpi_mul(v[N], v[P], v[Q]);
    good = gcry_mpi_invm(v[D], v[E], multiple) != 0 && gcry_mpi_get_nbits(v[D]) > bits / 2 &&
           gcry_mpi_get_nbits(v[N]) == bits;
    gcry_mpi_mod(v[DP], v[D], p_less);
    gcry_mpi_mod(v[DQ], v[D], q_less);
    (void)gcry_mpi_invm(v[INVERSE], v[Q], v[P]);
    gcry_mpi_release(p_less);
    gcry_mpi_release(q_less);
    gcry_mpi_release(common);
    gcry_mpi_release(multiple);
    return good;
}

/* Primes that are near each other are found from their product. The same standard wants them this
 * far apart; shorter keys have no strength to lose. */
static bool far_apart(gcry_mpi_t p, gcry_mpi_t q, unsigned bits)
{
    gcry_mpi_t difference = gcry_mpi_new(bits);
    unsigned found;

    gcry_mpi_sub(difference, p, q);
    found = gcry_mpi_get_nbits(difference);
    gcry_mpi_release(difference);
    return found > 0 && (bits / 2 <= 100 || found > bits / 2 - 100);
}

enum coffer_status linux_rsa_generate(void *state, unsigned bits, struct gp_rsa_key *key)
{
    struct gp_number *const numbers[RSA_NUMBERS] = {&key->modulus, &key->exponent, &key->secret,
                                                    &key->p,       &key->q,        &key->dp,
                                                    &key->dq,      &key->inverse};
    gcry_mpi_t v[RSA_NUMBERS];
    enum coffer_status status = COFFER_MISUSE;

    (void)state;
    if (bits < RSA_BITS_MIN || bits % 2 != 0)
        return COFFER_MISUSE;
    v[E] = number_read(&key->exponent);
    if (v[E] == NULL)
        return COFFER_NO_MEMORY;
    for (unsigned i = 0; i < RSA_NUMBERS; i++) {
        if (i != E)
            v[i] = gcry_mpi_new(bits);
    }
    if (gcry_mpi_cmp_ui(v[E], 3) < 0 || !gcry_mpi_test_bit(v[E], 0) ||
        gcry_mpi_get_nbits(v[E]) >= bits / 2)
        goto out;
    do {
        prime_find(v[P], bits / 2, v[E]);
        prime_find(v[Q], bits / 2, v[E]);
        if (gcry_mpi_cmp(v[P], v[Q]) < 0)
            gcry_mpi_swap(v[P], v[Q]);
    } while (!far_apart(v[P], v[Q], bits) || !rsa_complete(v, bits));
    status = numbers_write(numbers, v, RSA_NUMBERS);
out:
    for (unsigned i = 0; i < RSA_NUMBERS; i++)
        gcry_mpi_release(v[i]);
    return status;
}

/* --- DSA and DH --- */

/* From `least` to `most`, of exactly `bits` bits if that isn't 0. */
static bool secret_find(gcry_mpi_t secret, unsigned least, gcry_mpi_t most, unsigned bits)
{
    unsigned size = bits != 0 ? bits : gcry_mpi_get_nbits(most);

    for (unsigned i = 0; i < SECRET_TRIES; i++) {
        randomize(secret, size);
        if (bits != 0)
            gcry_mpi_set_bit(secret, bits - 1);
        if (gcry_mpi_cmp_ui(secret, least) >= 0 && gcry_mpi_cmp(secret, most) <= 0)
            return true;
    }
    return false;
}

enum coffer_status linux_power_generate(void *state, const struct gp_number *p,
                                        const struct gp_number *q, const struct gp_number *base,
                                        unsigned bits, struct gp_number *secret,
                                        struct gp_number *public_value)
{
    struct gp_number *const numbers[] = {secret, public_value};
    gcry_mpi_t prime = number_read(p);
    gcry_mpi_t most = number_read(q != NULL ? q : p);
    gcry_mpi_t generator = number_read(base);
    gcry_mpi_t values[2] = {gcry_mpi_new(0), gcry_mpi_new(0)};
    enum coffer_status status = COFFER_NO_MEMORY;

    (void)state;
    if (prime == NULL || most == NULL || generator == NULL)
        goto out;
    status = COFFER_MISUSE;
    if (gcry_mpi_cmp_ui(prime, 5) < 0 || gcry_mpi_cmp_ui(most, 5) < 0 ||
        gcry_mpi_cmp(most, prime) > 0 || bits > gcry_mpi_get_nbits(most))
        goto out;
    gcry_mpi_sub_ui(most, most, 2);
    if (!secret_find(values[0], q != NULL ? 2 : 1, most, bits))
        goto out;
    gcry_mpi_powm(values[1], generator, values[0], prime);
    status = numbers_write(numbers, values, 2);
out:
    gcry_mpi_release(prime);
    gcry_mpi_release(most);
    gcry_mpi_release(generator);
    gcry_mpi_release(values[0]);
    gcry_mpi_release(values[1]);
    return status;
}

/* --- Curves --- */

enum coffer_status linux_curve_generate(void *state, enum gp_curve curve, struct gp_number *secret,
                                        struct gp_number *x, struct gp_number *y)
{
    static const char *const names[GP_CURVES] = {
        [GP_P192] = "NIST P-192", [GP_P224] = "NIST P-224", [GP_P256] = "NIST P-256",
        [GP_P384] = "NIST P-384", [GP_P521] = "NIST P-521",
    };
    struct gp_number *const numbers[] = {secret, x, y};
    gcry_mpi_t values[3] = {NULL, NULL, NULL};
    gcry_mpi_t order = NULL;
    gcry_mpi_point_t base = NULL;
    gcry_mpi_point_t point = NULL;
    gcry_ctx_t context = NULL;
    enum coffer_status status = COFFER_UNSUPPORTED;

    (void)state;
    if ((unsigned)curve >= GP_CURVES)
        return COFFER_MISUSE;
    if (gcry_mpi_ec_new(&context, NULL, names[curve]) != 0)
        return COFFER_UNSUPPORTED;
    order = gcry_mpi_ec_get_mpi("n", context, 1);
    base = gcry_mpi_ec_get_point("g", context, 1);
    if (order == NULL || base == NULL)
        goto out;
    for (unsigned i = 0; i < 3; i++)
        values[i] = gcry_mpi_new(0);
    gcry_mpi_sub_ui(order, order, 1);
    if (!secret_find(values[0], 1, order, 0))
        goto out;
    point = gcry_mpi_point_new(0);
    gcry_mpi_ec_mul(point, values[0], base, context);
    if (gcry_mpi_ec_get_affine(values[1], values[2], point, context) == 0)
        status = numbers_write(numbers, values, 3);
out:
    gcry_mpi_point_release(point);
    gcry_mpi_point_release(base);
    gcry_mpi_release(order);
    for (unsigned i = 0; i < 3; i++)
        gcry_mpi_release(values[i]);
    gcry_ctx_release(context);
    return status;
}

/* Little endian bytes: the other way round. */
static void reverse(uint8_t *to, const uint8_t *from)
{
    for (unsigned i = 0; i < GP_25519_SIZE; i++)
        to[i] = from[GP_25519_SIZE - 1 - i];
}

/* RFC 8032, 5.1.5: the first half of the hash is the scalar, with bits set and cleared; the point's
 * y is the public value, with the lowest bit of x above it. */
static enum coffer_status ed25519_public(const uint8_t *secret, uint8_t *public_value)
{
    uint8_t hash[64];
    uint8_t bytes[GP_25519_SIZE];
    gcry_ctx_t context = NULL;
    gcry_mpi_point_t base = NULL;
    gcry_mpi_point_t point = gcry_mpi_point_new(0);
    gcry_mpi_t scalar = NULL;
    gcry_mpi_t x = gcry_mpi_new(0);
    gcry_mpi_t y = gcry_mpi_new(0);
    size_t size = 0;
    enum coffer_status status = COFFER_UNSUPPORTED;

    gcry_md_hash_buffer(GCRY_MD_SHA512, hash, secret, GP_25519_SIZE);
    hash[0] &= 0xf8;
    hash[31] = (uint8_t)((hash[31] & 0x7f) | 0x40);
    reverse(bytes, hash);
    if (gcry_mpi_scan(&scalar, GCRYMPI_FMT_USG, bytes, sizeof(bytes), NULL) != 0 ||
        gcry_mpi_ec_new(&context, NULL, "Ed25519") != 0)
        goto out;
    base = gcry_mpi_ec_get_point("g", context, 1);
    if (base == NULL)
        goto out;
    gcry_mpi_ec_mul(point, scalar, base, context);
    if (gcry_mpi_ec_get_affine(x, y, point, context) != 0 ||
        gcry_mpi_print(GCRYMPI_FMT_USG, bytes, sizeof(bytes), &size, y) != 0)
        goto out;
    memmove(bytes + sizeof(bytes) - size, bytes, size);
    memset(bytes, 0, sizeof(bytes) - size);
    reverse(public_value, bytes);
    if (gcry_mpi_test_bit(x, 0))
        public_value[31] |= 0x80;
    status = COFFER_OK;
out:
    wipe(hash, sizeof(hash));
    wipe(bytes, sizeof(bytes));
    gcry_mpi_release(scalar);
    gcry_mpi_release(x);
    gcry_mpi_release(y);
    gcry_mpi_point_release(base);
    gcry_mpi_point_release(point);
    gcry_ctx_release(context);
    return status;
}

enum coffer_status linux_octets_public(void *state, enum gp_octet_curve curve,
                                       const uint8_t secret[GP_25519_SIZE],
                                       uint8_t public_value[GP_25519_SIZE])
{
    (void)state;
    switch (curve) {
    case GP_ED25519:
        return ed25519_public(secret, public_value);
    case GP_X25519:
        return gcry_ecc_mul_point(GCRY_ECC_CURVE25519, public_value, secret, NULL) == 0
                   ? COFFER_OK
                   : COFFER_UNSUPPORTED;
    default:
        return COFFER_MISUSE;
    }
}
