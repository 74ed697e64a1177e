/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of keys: the tables. */
#include "gp/types.h"

#include <stddef.h>

#include "tee_api.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct gp_attribute_rule secret[] = {
    {TEE_ATTR_SECRET_VALUE, GP_SECRET, GP_NEEDED | GP_MEASURE},
};

static const struct gp_attribute_rule rsa_public[] = {
    {TEE_ATTR_RSA_MODULUS, GP_NUMBER, GP_NEEDED | GP_MEASURE},
    {TEE_ATTR_RSA_PUBLIC_EXPONENT, GP_NUMBER, GP_NEEDED},
};

static const struct gp_attribute_rule rsa_pair[] = {
    {TEE_ATTR_RSA_MODULUS, GP_NUMBER, GP_NEEDED | GP_MEASURE},
    {TEE_ATTR_RSA_PUBLIC_EXPONENT, GP_NUMBER, GP_NEEDED | GP_OFFERED},
    {TEE_ATTR_RSA_PRIVATE_EXPONENT, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_RSA_PRIME1, GP_NUMBER, GP_JOINT},
    {TEE_ATTR_RSA_PRIME2, GP_NUMBER, GP_JOINT},
    {TEE_ATTR_RSA_EXPONENT1, GP_NUMBER, GP_JOINT},
    {TEE_ATTR_RSA_EXPONENT2, GP_NUMBER, GP_JOINT},
    {TEE_ATTR_RSA_COEFFICIENT, GP_NUMBER, GP_JOINT},
};

static const struct gp_attribute_rule dsa_public[] = {
    {TEE_ATTR_DSA_PRIME, GP_NUMBER, GP_NEEDED | GP_MEASURE},
    {TEE_ATTR_DSA_SUBPRIME, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_DSA_BASE, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_DSA_PUBLIC_VALUE, GP_NUMBER, GP_NEEDED},
};

static const struct gp_attribute_rule dsa_pair[] = {
    {TEE_ATTR_DSA_PRIME, GP_NUMBER, GP_NEEDED | GP_GIVEN | GP_MEASURE},
    {TEE_ATTR_DSA_SUBPRIME, GP_NUMBER, GP_NEEDED | GP_GIVEN},
    {TEE_ATTR_DSA_BASE, GP_NUMBER, GP_NEEDED | GP_GIVEN},
    {TEE_ATTR_DSA_PRIVATE_VALUE, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_DSA_PUBLIC_VALUE, GP_NUMBER, GP_NEEDED},
};

static const struct gp_attribute_rule dh_pair[] = {
    {TEE_ATTR_DH_PRIME, GP_NUMBER, GP_NEEDED | GP_GIVEN | GP_MEASURE},
    {TEE_ATTR_DH_BASE, GP_NUMBER, GP_NEEDED | GP_GIVEN},
    {TEE_ATTR_DH_PUBLIC_VALUE, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_DH_PRIVATE_VALUE, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_DH_SUBPRIME, GP_NUMBER, GP_EXTRA | GP_OFFERED},
    {TEE_ATTR_DH_X_BITS, GP_U32, GP_EXTRA | GP_OFFERED},
};

static const struct gp_attribute_rule curve_public[] = {
    {TEE_ATTR_ECC_PUBLIC_VALUE_X, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_ECC_PUBLIC_VALUE_Y, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_ECC_CURVE, GP_U32, GP_NEEDED | GP_MEASURE},
};

static const struct gp_attribute_rule curve_pair[] = {
    {TEE_ATTR_ECC_PRIVATE_VALUE, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_ECC_PUBLIC_VALUE_X, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_ECC_PUBLIC_VALUE_Y, GP_NUMBER, GP_NEEDED},
    {TEE_ATTR_ECC_CURVE, GP_U32, GP_NEEDED | GP_GIVEN | GP_MEASURE},
};

static const struct gp_attribute_rule ed25519_public[] = {
    {TEE_ATTR_ED25519_PUBLIC_VALUE, GP_OCTETS, GP_NEEDED | GP_MEASURE},
};

static const struct gp_attribute_rule ed25519_pair[] = {
    {TEE_ATTR_ED25519_PRIVATE_VALUE, GP_OCTETS, GP_NEEDED | GP_MEASURE},
    {TEE_ATTR_ED25519_PUBLIC_VALUE, GP_OCTETS, GP_NEEDED},
};

static const struct gp_attribute_rule x25519_public[] = {
    {TEE_ATTR_X25519_PUBLIC_VALUE, GP_OCTETS, GP_NEEDED | GP_MEASURE},
};

static const struct gp_attribute_rule x25519_pair[] = {
    {TEE_ATTR_X25519_PRIVATE_VALUE, GP_OCTETS, GP_NEEDED | GP_MEASURE},
    {TEE_ATTR_X25519_PUBLIC_VALUE, GP_OCTETS, GP_NEEDED},
};

static const uint16_t dsa_sizes[] = {512, 576, 640, 704, 768, 832, 896, 960, 1024, 2048, 3072, 0};
static const uint16_t curve_sizes[] = {192, 224, 256, 384, 521, 0};

#define ATTRIBUTES(rules)      .attribute_count = COUNT(rules), .attributes = (rules)
#define RANGE(min, max, step)  .size_min = (min), .size_max = (max), .size_step = (step)
#define HMAC(min, max)         RANGE(min, max, 8), .making = GP_MAKE_SECRET, ATTRIBUTES(secret)
#define LISTED(min, max, list) .size_min = (min), .size_max = (max), .sizes = (list)

/* Sizes are the standard's (its table of object sizes); where it leaves the largest to the
 * implementation, OP-TEE's. */
static const struct gp_type types[] = {
    {TEE_TYPE_AES, RANGE(128, 256, 64), .making = GP_MAKE_SECRET, ATTRIBUTES(secret)},
    {TEE_TYPE_DES, RANGE(64, 64, 64), .making = GP_MAKE_DES, ATTRIBUTES(secret)},
    {TEE_TYPE_DES3, RANGE(128, 192, 64), .making = GP_MAKE_DES, ATTRIBUTES(secret)},
    {TEE_TYPE_HMAC_MD5, HMAC(64, 512)},
    {TEE_TYPE_HMAC_SHA1, HMAC(80, 512)},
    {TEE_TYPE_HMAC_SHA224, HMAC(112, 512)},
    {TEE_TYPE_HMAC_SHA256, HMAC(192, 1024)},
    {TEE_TYPE_HMAC_SHA384, HMAC(256, 1024)},
    {TEE_TYPE_HMAC_SHA512, HMAC(256, 1024)},
    {TEE_TYPE_HMAC_SHA3_224, HMAC(192, 1024)},
    {TEE_TYPE_HMAC_SHA3_256, HMAC(256, 1024)},
    {TEE_TYPE_HMAC_SHA3_384, HMAC(256, 1024)},
    {TEE_TYPE_HMAC_SHA3_512, HMAC(256, 1024)},
    {TEE_TYPE_GENERIC_SECRET, HMAC(8, 4096)},
    {TEE_TYPE_RSA_PUBLIC_KEY, RANGE(256, 4096, 1), ATTRIBUTES(rsa_public)},
    {TEE_TYPE_RSA_KEYPAIR, RANGE(256, 4096, 1), .making = GP_MAKE_RSA, ATTRIBUTES(rsa_pair)},
    {TEE_TYPE_DSA_PUBLIC_KEY, LISTED(512, 3072, dsa_sizes), ATTRIBUTES(dsa_public)},
    {TEE_TYPE_DSA_KEYPAIR, LISTED(512, 3072, dsa_sizes), .making = GP_MAKE_DSA,
     ATTRIBUTES(dsa_pair)},
    {TEE_TYPE_DH_KEYPAIR, RANGE(256, 4096, 8), .making = GP_MAKE_DH, ATTRIBUTES(dh_pair)},
    {TEE_TYPE_ECDSA_PUBLIC_KEY, LISTED(192, 521, curve_sizes), ATTRIBUTES(curve_public)},
    {TEE_TYPE_ECDSA_KEYPAIR, LISTED(192, 521, curve_sizes), .making = GP_MAKE_CURVE,
     ATTRIBUTES(curve_pair)},
    {TEE_TYPE_ECDH_PUBLIC_KEY, LISTED(192, 521, curve_sizes), ATTRIBUTES(curve_public)},
    {TEE_TYPE_ECDH_KEYPAIR, LISTED(192, 521, curve_sizes), .making = GP_MAKE_CURVE,
     ATTRIBUTES(curve_pair)},
    {TEE_TYPE_ED25519_PUBLIC_KEY, RANGE(256, 256, 256), ATTRIBUTES(ed25519_public)},
    {TEE_TYPE_ED25519_KEYPAIR, RANGE(256, 256, 256), .making = GP_MAKE_ED25519,
     ATTRIBUTES(ed25519_pair)},
    {TEE_TYPE_X25519_PUBLIC_KEY, RANGE(256, 256, 256), ATTRIBUTES(x25519_public)},
    {TEE_TYPE_X25519_KEYPAIR, RANGE(256, 256, 256), .making = GP_MAKE_X25519,
     ATTRIBUTES(x25519_pair)},
};

const struct gp_type *gp_type_next(unsigned n)
{
    return n < COUNT(types) ? &types[n] : NULL;
}

const struct gp_type *gp_type_find(uint32_t id)
{
    for (unsigned i = 0; i < COUNT(types); i++) {
        if (types[i].id == id)
            return &types[i];
    }
    return NULL;
}

bool gp_type_has_size(const struct gp_type *type, uint32_t bits)
{
    if (bits < type->size_min || bits > type->size_max)
        return false;
    if (type->size_step != 0)
        return (bits - type->size_min) % type->size_step == 0;
    for (unsigned i = 0; type->sizes[i] != 0; i++) {
        if (type->sizes[i] == bits)
            return true;
    }
    return false;
}

int gp_type_attribute(const struct gp_type *type, uint32_t id)
{
    for (int i = 0; i < type->attribute_count; i++) {
        if (type->attributes[i].id == id)
            return i;
    }
    return -1;
}

/* In a pair's id, this bit is set; without it, it is the id of the public key. */
#define PAIR UINT32_C(0x01000000)

bool gp_type_gives(const struct gp_type *from, const struct gp_type *to)
{
    return from == to || (from->id & ~PAIR) == to->id;
}

bool gp_curve_find(uint32_t id, enum gp_curve *curve, uint32_t *bits)
{
    static const struct {
        uint32_t id;
        enum gp_curve curve;
        uint32_t bits;
    } curves[] = {
        {TEE_ECC_CURVE_NIST_P192, GP_P192, 192}, {TEE_ECC_CURVE_NIST_P224, GP_P224, 224},
        {TEE_ECC_CURVE_NIST_P256, GP_P256, 256}, {TEE_ECC_CURVE_NIST_P384, GP_P384, 384},
        {TEE_ECC_CURVE_NIST_P521, GP_P521, 521},
    };

    for (unsigned i = 0; i < COUNT(curves); i++) {
        if (curves[i].id == id) {
            *curve = curves[i].curve;
            *bits = curves[i].bits;
            return true;
        }
    }
    return false;
}
