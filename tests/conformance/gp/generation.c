/* SPDX-License-Identifier: BSD-2-Clause */
/* New keys (5.6.7): of each type, from each set of parameters. */
#include <gcrypt.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"

/* --- Parameters -------------------------------------------------------------------------- */

/* What is given; X_BITS, CURVE and EXPONENT with the row's value. */
enum {
    PRIME = 1,
    BASE = 2,
    SUBPRIME = 4,
    PRIME_AGAIN = 8,
    STRANGE = 16, /* an attribute of no such key */
    X_BITS = 32,
    CURVE = 64,
    EXPONENT = 128,
};

enum outcome {
    FINE,
    NO_KEY, /* TEE_ERROR_BAD_PARAMETERS, and the object is as it was */
    PANIC,
};

struct generation {
    const char *text;
    uint32_t type, bits;
    unsigned given;
    uint32_t value;
    enum outcome outcome;
};

#define GROUP KEY_GROUP_BITS
#define DSA   TEE_TYPE_DSA_KEYPAIR
#define DH    TEE_TYPE_DH_KEYPAIR
#define RSA   TEE_TYPE_RSA_KEYPAIR
#define ECDSA TEE_TYPE_ECDSA_KEYPAIR
#define P256  TEE_ECC_CURVE_NIST_P256

static const struct generation generations[] = {
    {"AES", TEE_TYPE_AES, 256, 0, 0, FINE},
    {"AES, an attribute", TEE_TYPE_AES, 256, STRANGE, 0, PANIC},
    {"DSA", DSA, GROUP, PRIME | BASE | SUBPRIME, 0, FINE},
    {"DSA without the prime", DSA, GROUP, BASE | SUBPRIME, 0, PANIC},
    {"DSA without the base", DSA, GROUP, PRIME | SUBPRIME, 0, PANIC},
    {"DSA without the subprime", DSA, GROUP, PRIME | BASE, 0, PANIC},
    {"DSA, the prime twice", DSA, GROUP, PRIME | BASE | SUBPRIME | PRIME_AGAIN, 0, PANIC},
    {"DSA, a strange attribute", DSA, GROUP, PRIME | BASE | SUBPRIME | STRANGE, 0, PANIC},
    {"DSA, a prime of another size", DSA, 1024, PRIME | BASE | SUBPRIME, 0, NO_KEY},
    {"DH", DH, GROUP, PRIME | BASE, 0, FINE},
    {"DH with a subprime", DH, GROUP, PRIME | BASE | SUBPRIME, 0, FINE},
    {"DH, a secret of 100 bits", DH, GROUP, PRIME | BASE | X_BITS, 100, FINE},
    {"DH, a secret of 100 bits below a subprime", DH, GROUP, PRIME | BASE | SUBPRIME | X_BITS, 100,
     FINE},
    {"DH, a secret of no bits", DH, GROUP, PRIME | BASE | X_BITS, 0, NO_KEY},
    {"DH, a secret longer than the prime", DH, GROUP, PRIME | BASE | X_BITS, GROUP + 1, NO_KEY},
    {"DH without the prime", DH, GROUP, BASE, 0, PANIC},
    {"DH without the base", DH, GROUP, PRIME, 0, PANIC},
    {"DH, a prime of another size", DH, GROUP + 8, PRIME | BASE, 0, NO_KEY},
    {"RSA", RSA, 512, 0, 0, FINE},
    {"RSA with the exponent 3", RSA, 512, EXPONENT, 3, FINE},
    {"RSA with the exponent 4", RSA, 512, EXPONENT, 4, NO_KEY},
    {"RSA with the exponent 1", RSA, 512, EXPONENT, 1, NO_KEY},
    {"RSA of an odd number of bits", RSA, 513, 0, 0, PANIC},
    {"ECDSA", ECDSA, 256, CURVE, P256, FINE},
    {"ECDSA without a curve", ECDSA, 256, 0, 0, PANIC},
    {"ECDSA, a curve of another size", ECDSA, 384, CURVE, P256, NO_KEY},
    {"ECDH", TEE_TYPE_ECDH_KEYPAIR, 256, CURVE, P256, FINE},
    {"a public key", TEE_TYPE_RSA_PUBLIC_KEY, 512, 0, 0, PANIC},
};

static uint32_t attributes_of(const struct generation *row, TEE_Attribute *out)
{
    static uint8_t exponent[1];
    TEE_Attribute group[KEY_GROUP_PARTS];
    uint32_t count = 0;

    key_group(row->type == DSA, group);
    if ((row->given & PRIME) != 0)
        out[count++] = group[KEY_GROUP_PRIME];
    if ((row->given & BASE) != 0)
        out[count++] = group[KEY_GROUP_BASE];
    if ((row->given & SUBPRIME) != 0)
        out[count++] = group[KEY_GROUP_SUBPRIME];
    if ((row->given & PRIME_AGAIN) != 0)
        out[count++] = group[KEY_GROUP_PRIME];
    if ((row->given & STRANGE) != 0)
        TEE_InitRefAttribute(&out[count++], TEE_ATTR_RSA_PRIME1, key_prime, 16);
    if ((row->given & X_BITS) != 0)
        TEE_InitValueAttribute(&out[count++], TEE_ATTR_DH_X_BITS, row->value, 0);
    if ((row->given & CURVE) != 0)
        TEE_InitValueAttribute(&out[count++], TEE_ATTR_ECC_CURVE, row->value, 0);
    exponent[0] = (uint8_t)row->value;
    if ((row->given & EXPONENT) != 0)
        TEE_InitRefAttribute(&out[count++], TEE_ATTR_RSA_PUBLIC_EXPONENT, exponent, 1);
    return count;
}

/* --- What a key is like ------------------------------------------------------------------ */

static gcry_mpi_t number(TEE_ObjectHandle object, uint32_t id)
{
    uint8_t bytes[512];
    size_t size = sizeof(bytes);
    gcry_mpi_t out = NULL;

    expect_success(TEE_GetObjectBufferAttribute(object, id, bytes, &size));
    expect(gcry_mpi_scan(&out, GCRYMPI_FMT_USG, bytes, size, NULL) == 0);
    return out;
}

/* Public is base to the secret's power; the secret is as long as was asked for. */
static void expect_power(TEE_ObjectHandle object, const struct generation *row)
{
    bool dsa = row->type == DSA;
    gcry_mpi_t prime = number(object, dsa ? TEE_ATTR_DSA_PRIME : TEE_ATTR_DH_PRIME);
    gcry_mpi_t base = number(object, dsa ? TEE_ATTR_DSA_BASE : TEE_ATTR_DH_BASE);
    gcry_mpi_t secret = number(object,
                               dsa ? TEE_ATTR_DSA_PRIVATE_VALUE : TEE_ATTR_DH_PRIVATE_VALUE);
    gcry_mpi_t got = number(object, dsa ? TEE_ATTR_DSA_PUBLIC_VALUE : TEE_ATTR_DH_PUBLIC_VALUE);
    gcry_mpi_t wanted = gcry_mpi_new(0);

    gcry_mpi_powm(wanted, base, secret, prime);
    expect(gcry_mpi_cmp(wanted, got) == 0);
    if ((row->given & X_BITS) != 0)
        expect_equal(gcry_mpi_get_nbits(secret), row->value);
    else
        expect(gcry_mpi_get_nbits(secret) > 64);
    if ((row->given & SUBPRIME) != 0)
        expect(gcry_mpi_get_nbits(secret) <= 160);
    gcry_mpi_release(prime);
    gcry_mpi_release(base);
    gcry_mpi_release(secret);
    gcry_mpi_release(got);
    gcry_mpi_release(wanted);
}

static void expect_exponent(TEE_ObjectHandle object, const struct generation *row)
{
    gcry_mpi_t modulus = number(object, TEE_ATTR_RSA_MODULUS);
    gcry_mpi_t exponent = number(object, TEE_ATTR_RSA_PUBLIC_EXPONENT);

    expect_equal(gcry_mpi_get_nbits(modulus), row->bits);
    expect(gcry_mpi_cmp_ui(exponent, row->value != 0 ? row->value : 65537) == 0);
    gcry_mpi_release(modulus);
    gcry_mpi_release(exponent);
}

static void expect_curve(TEE_ObjectHandle object, const struct generation *row)
{
    uint32_t curve = 0;
    uint32_t b = 1;

    expect_success(TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_CURVE, &curve, &b));
    expect(curve == row->value && b == 0);
}

static void generates_from(const struct rule *rule)
{
    const struct generation *row = rule->of;
    TEE_ObjectHandle object = key_object(row->type, row->bits);
    TEE_Attribute attributes[8];
    uint32_t count = attributes_of(row, attributes);
    TEE_ObjectInfo info;

    expect_result(TEE_GenerateKey(object, row->bits, attributes, count),
                  row->outcome == NO_KEY ? TEE_ERROR_BAD_PARAMETERS : TEE_SUCCESS);
    info = info_of(object);
    expect_equal(info.objectSize, row->outcome == NO_KEY ? 0 : row->bits);
    expect_equal(info.handleFlags, row->outcome == NO_KEY ? 0 : TEE_HANDLE_FLAG_INITIALIZED);
    if (row->outcome == NO_KEY)
        return;
    if (row->type == DSA || row->type == DH)
        expect_power(object, row);
    else if (row->type == RSA)
        expect_exponent(object, row);
    else if ((row->given & CURVE) != 0)
        expect_curve(object, row);
}

/* --- In general -------------------------------------------------------------------------- */

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";

static void generate_twice(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(key_secret(TEE_TYPE_AES, key, 16), 128, NULL, 0);
}

static void generate_too_large(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(key_object(TEE_TYPE_AES, 128), 256, NULL, 0);
}

static void generate_smaller(const struct rule *rule)
{
    TEE_ObjectHandle object = key_object(TEE_TYPE_AES, 256);
    TEE_ObjectHandle other = key_object(TEE_TYPE_AES, 256);
    uint8_t got[2][32];
    size_t sizes[2] = {32, 32};

    (void)rule;
    expect_success(TEE_GenerateKey(object, 128, NULL, 0));
    expect_success(TEE_GenerateKey(other, 128, NULL, 0));
    expect_equal(info_of(object).objectSize, 128);
    expect_equal(info_of(object).maxObjectSize, 256);
    expect_success(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, got[0], &sizes[0]));
    expect_success(TEE_GetObjectBufferAttribute(other, TEE_ATTR_SECRET_VALUE, got[1], &sizes[1]));
    expect(sizes[0] == 16 && sizes[1] == 16 && memcmp(got[0], got[1], 16) != 0);
}

static void generate_persistent(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(create_as("a", READ, ""), 128, NULL, 0);
}

static void generate_nothing(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(TEE_HANDLE_NULL, 128, NULL, 0);
}

static void generate_without_the_parameters(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(key_object(TEE_TYPE_AES, 128), 128, NULL, 1);
}

static void generate_no_such_size(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GenerateKey(key_object(TEE_TYPE_AES, 256), 136, NULL, 0);
}

/* All that is random differs from one key to the next, and the group is the one that was given. */
static void another_each_time(const struct rule *rule)
{
    static const uint32_t ids[] = {TEE_ATTR_DSA_PRIVATE_VALUE, TEE_ATTR_DSA_PUBLIC_VALUE,
                                   TEE_ATTR_DSA_PRIME};
    TEE_ObjectHandle one = key_object(DSA, GROUP);
    TEE_ObjectHandle other = key_object(DSA, GROUP);
    TEE_Attribute group[KEY_GROUP_PARTS];

    (void)rule;
    key_group(true, group);
    expect_success(TEE_GenerateKey(one, GROUP, group, KEY_GROUP_PARTS));
    expect_success(TEE_GenerateKey(other, GROUP, group, KEY_GROUP_PARTS));
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        gcry_mpi_t a = number(one, ids[i]);
        gcry_mpi_t b = number(other, ids[i]);

        expect((gcry_mpi_cmp(a, b) == 0) == (ids[i] == TEE_ATTR_DSA_PRIME));
        gcry_mpi_release(a);
        gcry_mpi_release(b);
    }
}

/* --- Of each type ------------------------------------------------------------------------ */

static void is_generated(const struct rule *rule)
{
    const struct key_type *type = rule->of;
    TEE_ObjectHandle object = key_object(type->id, type->size);
    static uint8_t got[512];
    TEE_Attribute curve;
    unsigned given = 0;

    for (unsigned i = 0; i < KEY_ATTRIBUTES_MAX; i++) {
        if (type->attributes[i].length == KEY_CURVE) {
            TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
            given = 1;
        }
    }
    expect_success(TEE_GenerateKey(object, type->size, &curve, given));
    expect_equal(info_of(object).objectSize, type->size);
    expect_equal(info_of(object).handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
    for (unsigned i = 0; i < KEY_ATTRIBUTES_MAX && type->attributes[i].length != KEY_END; i++) {
        size_t size = sizeof(got);
        uint32_t id = type->attributes[i].id;

        if ((id & TEE_ATTR_FLAG_VALUE) == 0)
            expect_success(TEE_GetObjectBufferAttribute(object, id, got, &size));
    }
}

static bool can_be_generated(const struct key_type *type)
{
    bool has_secret = false;

    for (unsigned i = 0; i < KEY_ATTRIBUTES_MAX && type->attributes[i].length != KEY_END; i++)
        has_secret = has_secret || (type->attributes[i].id & TEE_ATTR_FLAG_PUBLIC) == 0;
    /* Those of DSA and DH need primes: see above. */
    return has_secret && type->id != TEE_TYPE_DSA_KEYPAIR && type->id != TEE_TYPE_DH_KEYPAIR;
}

#define STATE                                                                                      \
    .function = "TEE_GenerateKey", .clause = "5.6.7", .panic = TEE_ERROR_BAD_STATE,                \
    .call = GP_CALL_GENERATE_KEY

static const struct rule rules[] = {
    {STATE, .text = "to an object with a key is a panic", .body = generate_twice},
    {STATE, .text = "more than its largest size is a panic", .body = generate_too_large},
    {STATE, .text = "a size of no such key is a panic", .body = generate_no_such_size},
    {STATE, .text = "to a persistent object is a panic", .body = generate_persistent},
    {STATE, .text = "to TEE_HANDLE_NULL is a panic", .body = generate_nothing},
    {STATE, .text = "no parameters where there is one is a panic",
     .body = generate_without_the_parameters},
    {RULE("TEE_GenerateKey", "5.6.7", "a smaller key, another each time", generate_smaller)},
    {RULE("TEE_GenerateKey", "5.6.7", "a pair of the same group, another each time",
          another_each_time)},
};

static void add_row(const struct generation *row)
{
    struct rule rule = {RULE("TEE_GenerateKey", "5.6.7", row->text, generates_from), .of = row};
    char text[CASE_TEXT_SIZE];

    if (row->outcome == PANIC) {
        rule.panic = TEE_ERROR_BAD_STATE;
        rule.call = GP_CALL_GENERATE_KEY;
    }
    (void)snprintf(text, sizeof(text), "%s%s", row->text,
                   row->outcome == FINE     ? ""
                   : row->outcome == NO_KEY ? ": TEE_ERROR_BAD_PARAMETERS"
                                            : " is a panic");
    rule.text = text;
    add(&rule);
}

void add_generation(void)
{
    add_rules(rules);
    for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]); i++)
        add_row(&generations[i]);
    for (unsigned i = 0; i < key_type_count; i++) {
        struct rule rule = {.function = "TEE_GenerateKey",
                            .clause = "5.6.7",
                            .body = is_generated,
                            .of = &key_types[i]};
        char text[CASE_TEXT_SIZE];

        (void)snprintf(text, sizeof(text), "%s is generated", key_types[i].name);
        rule.text = text;
        if (can_be_generated(&key_types[i]))
            add(&rule);
    }
}
