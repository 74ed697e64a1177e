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
