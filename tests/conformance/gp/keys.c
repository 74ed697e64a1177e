/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys.h"

#include <string.h>

#define SECRET                                                                                     \
    {                                                                                              \
        {                                                                                          \
            TEE_ATTR_SECRET_VALUE, KEY_FULL, false                                                 \
        }                                                                                          \
    }

/* clang-format off */
#define RSA_PUBLIC                                                                                 \
    {TEE_ATTR_RSA_MODULUS, KEY_FULL, false}, {TEE_ATTR_RSA_PUBLIC_EXPONENT, KEY_SHORT, false}
#define CURVE_PUBLIC                                                                               \
    {TEE_ATTR_ECC_PUBLIC_VALUE_X, KEY_FULL, false}, {TEE_ATTR_ECC_PUBLIC_VALUE_Y, KEY_FULL, false}, \
    {TEE_ATTR_ECC_CURVE, KEY_CURVE, false}
#define CURVE_PAIR {TEE_ATTR_ECC_PRIVATE_VALUE, KEY_FULL, false}, CURVE_PUBLIC
#define DSA_PUBLIC                                                                                 \
    {TEE_ATTR_DSA_PRIME, KEY_FULL, false}, {TEE_ATTR_DSA_SUBPRIME, KEY_SHORT, false},              \
    {TEE_ATTR_DSA_BASE, KEY_FULL, false}, {TEE_ATTR_DSA_PUBLIC_VALUE, KEY_FULL, false}

const struct key_type key_types[] = {
    {"TEE_TYPE_AES", TEE_TYPE_AES, 0, 128, 256, 64, 192, SECRET},
    {"TEE_TYPE_DES", TEE_TYPE_DES, 0, 64, 64, 0, 64, SECRET},
    {"TEE_TYPE_DES3", TEE_TYPE_DES3, 0, 128, 192, 64, 192, SECRET},
    {"TEE_TYPE_HMAC_MD5", TEE_TYPE_HMAC_MD5, 0, 64, 512, 8, 128, SECRET},
    {"TEE_TYPE_HMAC_SHA1", TEE_TYPE_HMAC_SHA1, 0, 80, 512, 8, 160, SECRET},
    {"TEE_TYPE_HMAC_SHA224", TEE_TYPE_HMAC_SHA224, 0, 112, 512, 8, 224, SECRET},
    {"TEE_TYPE_HMAC_SHA256", TEE_TYPE_HMAC_SHA256, 0, 192, 1024, 8, 256, SECRET},
    {"TEE_TYPE_HMAC_SHA384", TEE_TYPE_HMAC_SHA384, 0, 256, 1024, 8, 384, SECRET},
    {"TEE_TYPE_HMAC_SHA512", TEE_TYPE_HMAC_SHA512, 0, 256, 1024, 8, 512, SECRET},
    {"TEE_TYPE_HMAC_SHA3_224", TEE_TYPE_HMAC_SHA3_224, 0, 192, 1024, 8, 224, SECRET},
    {"TEE_TYPE_HMAC_SHA3_256", TEE_TYPE_HMAC_SHA3_256, 0, 256, 1024, 8, 256, SECRET},
    {"TEE_TYPE_HMAC_SHA3_384", TEE_TYPE_HMAC_SHA3_384, 0, 256, 1024, 8, 384, SECRET},
    {"TEE_TYPE_HMAC_SHA3_512", TEE_TYPE_HMAC_SHA3_512, 0, 256, 1024, 8, 512, SECRET},
    {"TEE_TYPE_GENERIC_SECRET", TEE_TYPE_GENERIC_SECRET, 0, 8, 4096, 8, 4096, SECRET},
    {"TEE_TYPE_RSA_PUBLIC_KEY", TEE_TYPE_RSA_PUBLIC_KEY, 0, 256, 4096, 0, 1024, {RSA_PUBLIC}},
    {"TEE_TYPE_RSA_KEYPAIR", TEE_TYPE_RSA_KEYPAIR, TEE_TYPE_RSA_PUBLIC_KEY, 256, 4096, 0, 1024,
     {RSA_PUBLIC, {TEE_ATTR_RSA_PRIVATE_EXPONENT, KEY_FULL, false}}},
    {"TEE_TYPE_DSA_PUBLIC_KEY", TEE_TYPE_DSA_PUBLIC_KEY, 0, 512, 3072, 0, 1024, {DSA_PUBLIC}},
    {"TEE_TYPE_DSA_KEYPAIR", TEE_TYPE_DSA_KEYPAIR, TEE_TYPE_DSA_PUBLIC_KEY, 512, 3072, 0, 1024,
     {DSA_PUBLIC, {TEE_ATTR_DSA_PRIVATE_VALUE, KEY_SHORT, false}}},
    {"TEE_TYPE_DH_KEYPAIR", TEE_TYPE_DH_KEYPAIR, 0, 256, 4096, 8, 512,
     {{TEE_ATTR_DH_PRIME, KEY_FULL, false}, {TEE_ATTR_DH_BASE, KEY_SHORT, false},
      {TEE_ATTR_DH_PUBLIC_VALUE, KEY_FULL, false}, {TEE_ATTR_DH_PRIVATE_VALUE, KEY_SHORT, false},
      {TEE_ATTR_DH_SUBPRIME, KEY_SHORT, true}, {TEE_ATTR_DH_X_BITS, KEY_NUMBER, true}}},
    {"TEE_TYPE_ECDSA_PUBLIC_KEY", TEE_TYPE_ECDSA_PUBLIC_KEY, 0, 192, 521, 0, 256, {CURVE_PUBLIC}},
    {"TEE_TYPE_ECDSA_KEYPAIR", TEE_TYPE_ECDSA_KEYPAIR, TEE_TYPE_ECDSA_PUBLIC_KEY, 192, 521, 0, 256,
     {CURVE_PAIR}},
    {"TEE_TYPE_ECDH_PUBLIC_KEY", TEE_TYPE_ECDH_PUBLIC_KEY, 0, 192, 521, 0, 256, {CURVE_PUBLIC}},
    {"TEE_TYPE_ECDH_KEYPAIR", TEE_TYPE_ECDH_KEYPAIR, TEE_TYPE_ECDH_PUBLIC_KEY, 192, 521, 0, 256,
     {CURVE_PAIR}},
    {"TEE_TYPE_ED25519_PUBLIC_KEY", TEE_TYPE_ED25519_PUBLIC_KEY, 0, 256, 256, 0, 256,
     {{TEE_ATTR_ED25519_PUBLIC_VALUE, KEY_FULL, false}}},
    {"TEE_TYPE_ED25519_KEYPAIR", TEE_TYPE_ED25519_KEYPAIR, TEE_TYPE_ED25519_PUBLIC_KEY, 256, 256, 0,
     256, {{TEE_ATTR_ED25519_PRIVATE_VALUE, KEY_FULL, false},
           {TEE_ATTR_ED25519_PUBLIC_VALUE, KEY_FULL, false}}},
    {"TEE_TYPE_X25519_PUBLIC_KEY", TEE_TYPE_X25519_PUBLIC_KEY, 0, 256, 256, 0, 256,
     {{TEE_ATTR_X25519_PUBLIC_VALUE, KEY_FULL, false}}},
    {"TEE_TYPE_X25519_KEYPAIR", TEE_TYPE_X25519_KEYPAIR, TEE_TYPE_X25519_PUBLIC_KEY, 256, 256, 0,
     256, {{TEE_ATTR_X25519_PRIVATE_VALUE, KEY_FULL, false},
           {TEE_ATTR_X25519_PUBLIC_VALUE, KEY_FULL, false}}},
};
/* clang-format on */

const unsigned key_type_count = sizeof(key_types) / sizeof(key_types[0]);

TEE_ObjectHandle key_object(uint32_t type, uint32_t size)
{
    TEE_ObjectHandle object = TEE_HANDLE_NULL;

    expect_success(TEE_AllocateTransientObject(type, size, &object));
    return object;
}

/* Bytes of an attribute: nothing that a type's rules would look into, but for the first bit, which
 * makes a number as long as it is. */
static const uint8_t *bytes_of(uint8_t from, unsigned index)
{
    static uint8_t bytes[4][KEY_ATTRIBUTES_MAX][512];
    uint8_t *out = bytes[from % 4][index];

    for (unsigned i = 0; i < 512; i++)
        out[i] = (uint8_t)(i * 5 + index * 40 + from);
    out[0] = 0x81;
    return out;
}

static size_t size_of(const struct key_type *type, enum key_length length)
{
    return length == KEY_FULL ? type->size / 8 : 20;
}

static uint32_t value_of(enum key_length length)
{
    return length == KEY_CURVE ? TEE_ECC_CURVE_NIST_P256 : 99;
}

unsigned key_attributes(const struct key_type *type, uint8_t from, TEE_Attribute *out)
{
    unsigned count = 0;

    for (; count < KEY_ATTRIBUTES_MAX && type->attributes[count].length != KEY_END; count++) {
        const struct key_attribute *attribute = &type->attributes[count];

        if (attribute->length == KEY_CURVE || attribute->length == KEY_NUMBER)
            TEE_InitValueAttribute(&out[count], attribute->id, value_of(attribute->length), 0);
        else
            TEE_InitRefAttribute(&out[count], attribute->id, bytes_of(from, count),
                                 size_of(type, attribute->length));
    }
    return count;
}

TEE_ObjectHandle key_made(const struct key_type *type, uint8_t from)
{
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX];
    unsigned count = key_attributes(type, from, attributes);
    TEE_ObjectHandle object = key_object(type->id, type->size);

    expect_success(TEE_PopulateTransientObject(object, attributes, count));
    return object;
}

static void expect_bytes(TEE_ObjectHandle object, const TEE_Attribute *wanted)
{
    static uint8_t got[512];
    size_t size = sizeof(got);

    expect_success(TEE_GetObjectBufferAttribute(object, wanted->attributeID, got, &size));
    if (size != wanted->content.ref.length || memcmp(got, wanted->content.ref.buffer, size) != 0)
        note("attribute 0x%x differs", wanted->attributeID);
}

void expect_key(const struct key_type *type, uint8_t from, TEE_ObjectHandle object)
{
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX];
    unsigned count = key_attributes(type, from, attributes);

    for (unsigned i = 0; i < count; i++) {
        uint32_t a = 0;
        uint32_t b = 1;

        if ((attributes[i].attributeID & TEE_ATTR_FLAG_VALUE) == 0) {
            expect_bytes(object, &attributes[i]);
            continue;
        }
        expect_success(TEE_GetObjectValueAttribute(object, attributes[i].attributeID, &a, &b));
        expect_equal(a, attributes[i].content.value.a);
        expect_equal(b, 0);
    }
}

TEE_ObjectHandle key_secret(uint32_t type, const void *bytes, size_t size)
{
    TEE_ObjectHandle object = key_object(type, (uint32_t)size * 8);
    TEE_Attribute attribute;

    TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, bytes, size);
    expect_success(TEE_PopulateTransientObject(object, &attribute, 1));
    return object;
}

/* --- Groups ------------------------------------------------------------------------------ */

const uint8_t key_prime[64] = {
    0x8d, 0xf2, 0xa4, 0x94, 0x49, 0x22, 0x76, 0xaa, 0x3d, 0x25, 0x75, 0x9b, 0xb0, 0x68, 0x69, 0xcb,
    0xea, 0xc0, 0xd8, 0x3a, 0xfb, 0x8d, 0x0c, 0xf7, 0xcb, 0xb8, 0x32, 0x4f, 0x0d, 0x78, 0x82, 0xe5,
    0xd0, 0x76, 0x2f, 0xc5, 0xb7, 0x21, 0x0e, 0xaf, 0xc2, 0xe9, 0xad, 0xac, 0x32, 0xab, 0x7a, 0xac,
    0x49, 0x69, 0x3d, 0xfb, 0xf8, 0x37, 0x24, 0xc2, 0xec, 0x07, 0x36, 0xee, 0x31, 0xc8, 0x02, 0x91,
};
static const uint8_t group_base[64] = {
    0x62, 0x6d, 0x02, 0x78, 0x39, 0xea, 0x0a, 0x13, 0x41, 0x31, 0x63, 0xa5, 0x5b, 0x4c, 0xb5, 0x00,
    0x29, 0x9d, 0x55, 0x22, 0x95, 0x6c, 0xef, 0xcb, 0x3b, 0xff, 0x10, 0xf3, 0x99, 0xce, 0x2c, 0x2e,
    0x71, 0xcb, 0x9d, 0xe5, 0xfa, 0x24, 0xba, 0xbf, 0x58, 0xe5, 0xb7, 0x95, 0x21, 0x92, 0x5c, 0x9c,
    0xc4, 0x2e, 0x9f, 0x6f, 0x46, 0x4b, 0x08, 0x8c, 0xc5, 0x72, 0xaf, 0x53, 0xe6, 0xd7, 0x88, 0x02,
};
static const uint8_t group_subprime[20] = {
    0xc7, 0x73, 0x21, 0x8c, 0x73, 0x7e, 0xc8, 0xee, 0x99, 0x3b,
    0x4f, 0x2d, 0xed, 0x30, 0xf4, 0x8e, 0xda, 0xce, 0x91, 0x5f,
};

void key_group(bool of_dsa, TEE_Attribute out[KEY_GROUP_PARTS])
{
    TEE_InitRefAttribute(&out[KEY_GROUP_PRIME], of_dsa ? TEE_ATTR_DSA_PRIME : TEE_ATTR_DH_PRIME,
                         key_prime, sizeof(key_prime));
    TEE_InitRefAttribute(&out[KEY_GROUP_BASE], of_dsa ? TEE_ATTR_DSA_BASE : TEE_ATTR_DH_BASE,
                         group_base, sizeof(group_base));
    TEE_InitRefAttribute(&out[KEY_GROUP_SUBPRIME],
                         of_dsa ? TEE_ATTR_DSA_SUBPRIME : TEE_ATTR_DH_SUBPRIME, group_subprime,
                         sizeof(group_subprime));
}
