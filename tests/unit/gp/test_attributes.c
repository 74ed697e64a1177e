/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of keys and their attributes, in memory and as OP-TEE keeps them (gp/types.h,
 * attributes.h).
 */
#include "fixture.h"

#include <stdlib.h>

#include "gp/attributes.h"
#include "hex.h"
#include "support/must.h"

static struct gp_attributes *make(uint32_t type, uint32_t max_size)
{
    struct gp_attributes *attributes;

    assert_success(
        gp_attributes_make(gp_fixture.instance->pool, gp_type_find(type), max_size, &attributes));
    assert_true(gp_attributes_are_valid(attributes));
    assert_int_equal(gp_attributes_have(attributes), 0);
    return attributes;
}

static void drop(struct gp_attributes *attributes)
{
    assert_true(gp_attributes_are_valid(attributes));
    gp_attributes_free(gp_fixture.instance->pool, attributes);
}

static TEE_Attribute ref(uint32_t id, const void *bytes, size_t size)
{
    TEE_Attribute attribute = {.attributeID = id, .content.ref.length = size};

    memcpy(&attribute.content.ref.buffer, &bytes, sizeof(bytes));
    return attribute;
}

static TEE_Attribute value(uint32_t id, uint32_t a)
{
    return (TEE_Attribute){.attributeID = id, .content.value.a = a};
}

static void test_types_hold_together(void **state)
{
    const struct gp_type *type;

    (void)state;
    for (unsigned i = 0; (type = gp_type_next(i)) != NULL; i++) {
        unsigned measures = 0;

        assert_ptr_equal(gp_type_find(type->id), type);
        assert_in_range(type->attribute_count, 1, GP_ATTRIBUTES_MAX);
        assert_true(gp_type_has_size(type, type->size_min));
        assert_true(gp_type_has_size(type, type->size_max));
        assert_false(gp_type_has_size(type, 0));
        assert_false(gp_type_has_size(type, (uint32_t)type->size_min - 1));
        assert_false(gp_type_has_size(type, (uint32_t)type->size_max + 1));
        for (int k = 0; k < type->attribute_count; k++) {
            const struct gp_attribute_rule *rule = &type->attributes[k];

            assert_int_equal(gp_type_attribute(type, rule->id), k);
            assert_int_equal((rule->id & TEE_ATTR_FLAG_VALUE) != 0, rule->form == GP_U32);
            measures += (rule->flags & GP_MEASURE) != 0;
        }
        assert_int_equal(measures, 1);
        /* Pairs are made, and give to their public keys, which are there, but for DH. */
        if ((type->id & 0xff000000u) == 0xa1000000u) {
            const struct gp_type *open = gp_type_find(type->id & ~0x01000000u);

            assert_int_not_equal(type->making, GP_MAKE_NONE);
            assert_int_equal(open == NULL, type->id == TEE_TYPE_DH_KEYPAIR);
            assert_true(open == NULL || gp_type_gives(type, open));
            assert_true(open == NULL || !gp_type_gives(open, type));
        }
    }
    assert_null(gp_type_find(TEE_TYPE_DATA));
    assert_null(gp_type_find(TEE_TYPE_CORRUPTED_OBJECT));
    assert_false(gp_type_gives(gp_type_find(TEE_TYPE_ECDSA_KEYPAIR),
                               gp_type_find(TEE_TYPE_ECDH_PUBLIC_KEY)));
}

static void test_sizes_of_the_standard(void **state)
{
    static const struct {
        uint32_t type, size;
        bool good;
    } cases[] = {
        {TEE_TYPE_AES, 128, true},
        {TEE_TYPE_AES, 192, true},
        {TEE_TYPE_AES, 256, true},
        {TEE_TYPE_AES, 136, false},
        {TEE_TYPE_DES, 64, true},
        {TEE_TYPE_DES, 56, false},
        {TEE_TYPE_DES3, 128, true},
        {TEE_TYPE_DES3, 192, true},
        {TEE_TYPE_DES3, 64, false},
        {TEE_TYPE_HMAC_SHA256, 192, true},
        {TEE_TYPE_HMAC_SHA256, 1024, true},
        {TEE_TYPE_HMAC_SHA256, 184, false},
        {TEE_TYPE_HMAC_SHA256, 193, false},
        {TEE_TYPE_GENERIC_SECRET, 8, true},
        {TEE_TYPE_GENERIC_SECRET, 12, false},
        {TEE_TYPE_RSA_KEYPAIR, 2048, true},
        {TEE_TYPE_RSA_KEYPAIR, 4097, false},
        {TEE_TYPE_DSA_KEYPAIR, 1024, true},
        {TEE_TYPE_DSA_KEYPAIR, 1088, false},
        {TEE_TYPE_DSA_KEYPAIR, 3072, true},
        {TEE_TYPE_ECDSA_KEYPAIR, 521, true},
        {TEE_TYPE_ECDSA_KEYPAIR, 512, false},
        {TEE_TYPE_ED25519_KEYPAIR, 256, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(gp_type_has_size(gp_type_find(cases[i].type), cases[i].size),
                         cases[i].good);
}

/* What OP-TEE wrote (the golden store "keys"). */
static const struct {
    uint32_t type, size, have;
    const char *bytes;
} golden[] = {
    {TEE_TYPE_AES, 256, 1,
     "00000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {TEE_TYPE_HMAC_SHA256, 256, 1,
     "000000206ef3ccee367b36680efd9786aabb2d7b130157a74179cdaf81fcd0ac03104072"},
    {TEE_TYPE_ECDSA_KEYPAIR, 256, 15,
     "00000020010b967856a16dea68845a880381ab5465e0a2a6a01391232c71cd5fe6afebfc"
     "0000001fffe22824f890f774eef9636c4562c61ddf5c640f1e02f724fdb74e49af34c0"
     "00000020a8405372924e0c94ee45caedadce207c0072bc30462ad7fed02de674a3275540"
     "00000003"},
};

static void test_golden_keys_come_back_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        struct gp_attributes *attributes = make(golden[i].type, golden[i].size);
        uint8_t bytes[256], again[256];
        size_t size = unhex(golden[i].bytes, bytes);

        assert_success(gp_attributes_unpack(attributes, golden[i].have, bytes, size));
        assert_true(gp_attributes_are_valid(attributes));
        assert_int_equal(gp_attributes_have(attributes), golden[i].have);
        assert_int_equal(gp_attributes_packed_size(attributes), size);
        gp_attributes_pack(attributes, again);
        assert_memory_equal(again, bytes, size);
        drop(attributes);
    }
}

static void test_golden_keys_have_their_values(void **state)
{
    struct gp_attributes *attributes = make(TEE_TYPE_ECDSA_KEYPAIR, 256);
    uint8_t bytes[256];
    size_t size = unhex(golden[2].bytes, bytes);
    const struct gp_value *x;

    (void)state;
    assert_success(gp_attributes_unpack(attributes, 15, bytes, size));
    x = gp_attributes_get(attributes, TEE_ATTR_ECC_PUBLIC_VALUE_X);
    assert_int_equal(x->number.size, 31);
    assert_memory_equal(x->number.bytes, bytes + 40, 31);
    assert_int_equal(gp_attributes_get(attributes, TEE_ATTR_ECC_CURVE)->value,
                     TEE_ECC_CURVE_NIST_P256);
    assert_null(gp_attributes_get(attributes, TEE_ATTR_SECRET_VALUE));
    drop(attributes);
}

/* Every cut, and every length one off, is found out, with nothing left behind. */
static void test_damaged_attributes_are_corrupt(void **state)
{
    struct gp_attributes *attributes = make(TEE_TYPE_ECDSA_KEYPAIR, 256);
    uint8_t bytes[256];
    size_t size = unhex(golden[2].bytes, bytes);

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = must_copy(bytes, cut); /* not a byte behind is looked at */

        assert_result(gp_attributes_unpack(attributes, 15, exact, cut), TEE_ERROR_CORRUPT_OBJECT);
        free(exact);
        assert_int_equal(gp_attributes_have(attributes), 0);
        assert_true(gp_attributes_are_valid(attributes));
    }
    assert_result(gp_attributes_unpack(attributes, 15, bytes, size + 1), TEE_ERROR_CORRUPT_OBJECT);
    assert_result(gp_attributes_unpack(attributes, 31, bytes, size), TEE_ERROR_CORRUPT_OBJECT);
    bytes[3]++; /* more than a key of that size has */
    assert_result(gp_attributes_unpack(attributes, 15, bytes, size), TEE_ERROR_CORRUPT_OBJECT);
    bytes[0] = 0xff;
    assert_result(gp_attributes_unpack(attributes, 15, bytes, size), TEE_ERROR_CORRUPT_OBJECT);
    drop(attributes);
}

static void test_every_type_packs_what_it_has(void **state)
{
    const struct gp_type *type;

    (void)state;
    for (unsigned i = 0; (type = gp_type_next(i)) != NULL; i++) {
        struct gp_attributes *attributes = make(type->id, type->size_max);
        struct gp_attributes *again = make(type->id, type->size_max);
        uint8_t bytes[8192], packed[8192];
        TEE_Attribute given[GP_ATTRIBUTES_MAX];
        uint32_t count = 0, size = 0;
        size_t expected = 0;

        for (unsigned k = 0; k < type->attribute_count; k++) {
            const struct gp_attribute_rule *rule = &type->attributes[k];
            size_t room = attributes->values[k].number.capacity;

            memset(bytes + expected, (int)(0x40 + k), room);
            if (type->size_max == 521 && room > 0)
                bytes[expected] = 1;
            else if ((rule->flags & GP_MEASURE) != 0 && room > 0)
                bytes[expected] = 0x80; /* the highest bit: of the largest size */
            if (rule->form == GP_U32)
                given[count++] = value(rule->id, TEE_ECC_CURVE_NIST_P521);
            else
                given[count++] = ref(rule->id, bytes + expected, room);
            expected += room;
        }
        assert_success(gp_attributes_populate(attributes, given, count, &size));
        assert_int_equal(size, type->size_max);
        assert_int_equal(gp_attributes_have(attributes), (1u << type->attribute_count) - 1);
        assert_int_equal(gp_attributes_packed_size(attributes),
                         expected + 4u * type->attribute_count);
        gp_attributes_pack(attributes, packed);
        assert_success(gp_attributes_unpack(again, gp_attributes_have(attributes), packed,
                                            gp_attributes_packed_size(attributes)));
        for (unsigned k = 0; k < type->attribute_count; k++) {
            const struct gp_value *a = &attributes->values[k];
            const struct gp_value *b = &again->values[k];

            assert_int_equal(a->value, b->value);
            assert_int_equal(a->number.size, b->number.size);
            assert_memory_equal(a->number.bytes, b->number.bytes, a->number.size);
        }
        drop(attributes);
        drop(again);
    }
}

/* --- What a TA gives --- */

static void test_zeros_in_front_do_not_count(void **state)
{
    struct gp_attributes *attributes = make(TEE_TYPE_RSA_PUBLIC_KEY, 256);
    uint8_t modulus[40] = {0}, exponent[4] = {0, 1, 0, 1};
    TEE_Attribute given[] = {ref(TEE_ATTR_RSA_MODULUS, modulus, 40),
                             ref(TEE_ATTR_RSA_PUBLIC_EXPONENT, exponent, 4)};
    uint32_t size = 0;

    (void)state;
    memset(modulus + 8, 0xff, 32);
    assert_success(gp_attributes_populate(attributes, given, 2, &size));
    assert_int_equal(size, 256);
    assert_int_equal(gp_attributes_get(attributes, TEE_ATTR_RSA_MODULUS)->number.size, 32);
    assert_int_equal(gp_attributes_get(attributes, TEE_ATTR_RSA_PUBLIC_EXPONENT)->number.size, 3);
    drop(attributes);
}

static void refused(struct gp_attributes *attributes, const TEE_Attribute *given, uint32_t count,
                    TEE_Result code)
{
    uint32_t size = 77;

    assert_result(gp_attributes_populate(attributes, given, count, &size), code);
    assert_int_equal(size, 77);
    assert_int_equal(gp_attributes_have(attributes), 0);
    assert_true(gp_attributes_are_valid(attributes));
}

static void test_wrong_values_are_bad_parameters(void **state)
{
    struct gp_attributes *aes = make(TEE_TYPE_AES, 256);
    struct gp_attributes *curve = make(TEE_TYPE_ECDSA_PUBLIC_KEY, 256);
    struct gp_attributes *edwards = make(TEE_TYPE_ED25519_PUBLIC_KEY, 256);
    struct gp_attributes *rsa = make(TEE_TYPE_RSA_PUBLIC_KEY, 512);
    uint8_t bytes[64] = {1};
    TEE_Attribute point[] = {ref(TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes, 32),
                             ref(TEE_ATTR_ECC_PUBLIC_VALUE_Y, bytes, 32),
                             value(TEE_ATTR_ECC_CURVE, 77)};
    TEE_Attribute modulus[] = {ref(TEE_ATTR_RSA_MODULUS, bytes, 2),
                               ref(TEE_ATTR_RSA_PUBLIC_EXPONENT, bytes, 1)};
    TEE_Attribute secret = ref(TEE_ATTR_SECRET_VALUE, bytes, 17);
    TEE_Attribute octets = ref(TEE_ATTR_ED25519_PUBLIC_VALUE, bytes, 31);

    (void)state;
    refused(aes, &secret, 1, TEE_ERROR_BAD_PARAMETERS);
    refused(curve, point, 3, TEE_ERROR_BAD_PARAMETERS); /* no such curve */
    refused(edwards, &octets, 1, TEE_ERROR_BAD_PARAMETERS);
    refused(rsa, modulus, 2, TEE_ERROR_BAD_PARAMETERS); /* of 9 bits */
    drop(aes);
    drop(curve);
    drop(edwards);
    drop(rsa);
}

static void test_wrong_attributes_are_a_bad_state(void **state)
{
    struct gp_attributes *aes = make(TEE_TYPE_AES, 128);
    struct gp_attributes *rsa = make(TEE_TYPE_RSA_KEYPAIR, 256);
    struct gp_attributes *curve = make(TEE_TYPE_ECDSA_PUBLIC_KEY, 256);
    uint8_t bytes[64];
    TEE_Attribute two[] = {ref(TEE_ATTR_SECRET_VALUE, bytes, 16),
                           ref(TEE_ATTR_SECRET_VALUE, bytes, 16)};
    TEE_Attribute large = ref(TEE_ATTR_SECRET_VALUE, bytes, 32);
    TEE_Attribute foreign = ref(TEE_ATTR_RSA_MODULUS, bytes, 16);
    TEE_Attribute null = ref(TEE_ATTR_SECRET_VALUE, NULL, 16);
    TEE_Attribute pair[] = {
        ref(TEE_ATTR_RSA_MODULUS, bytes, 32),          ref(TEE_ATTR_RSA_PUBLIC_EXPONENT, bytes, 1),
        ref(TEE_ATTR_RSA_PRIVATE_EXPONENT, bytes, 32), ref(TEE_ATTR_RSA_PRIME1, bytes, 16),
        ref(TEE_ATTR_RSA_PRIME2, bytes, 16),           ref(TEE_ATTR_RSA_EXPONENT1, bytes, 16),
        ref(TEE_ATTR_RSA_EXPONENT2, bytes, 16),        ref(TEE_ATTR_RSA_COEFFICIENT, bytes, 16)};
    TEE_Attribute point[] = {ref(TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes, 32),
                             ref(TEE_ATTR_ECC_PUBLIC_VALUE_Y, bytes, 32),
                             value(TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P384)};
    uint32_t size;

    (void)state;
    memset(bytes, 0x81, sizeof(bytes));
    refused(aes, NULL, 0, TEE_ERROR_BAD_STATE); /* missing */
    refused(aes, two, 2, TEE_ERROR_BAD_STATE);
    refused(aes, &large, 1, TEE_ERROR_BAD_STATE);
    refused(aes, &foreign, 1, TEE_ERROR_BAD_STATE);
    refused(aes, &null, 1, TEE_ERROR_BAD_STATE);
    refused(curve, point, 3, TEE_ERROR_BAD_STATE); /* larger than the object */
    /* Of RSA's five that speed it up: all, or none. */
    for (uint32_t count = 0; count <= 8; count++) {
        if (count != 3 && count != 8) {
            refused(rsa, pair, count, TEE_ERROR_BAD_STATE);
            continue;
        }
        assert_success(gp_attributes_populate(rsa, pair, count, &size));
        assert_int_equal(gp_attributes_have(rsa), (1u << count) - 1);
        gp_attributes_clear(rsa);
    }
    drop(aes);
    drop(rsa);
    drop(curve);
}

static void test_a_pair_gives_its_public_part(void **state)
{
    struct gp_attributes *pair = make(TEE_TYPE_ECDSA_KEYPAIR, 256);
    struct gp_attributes *open = make(TEE_TYPE_ECDSA_PUBLIC_KEY, 384);
    struct gp_attributes *small = make(TEE_TYPE_ECDSA_PUBLIC_KEY, 192);
    uint8_t bytes[256], packed[256];
    size_t size = unhex(golden[2].bytes, bytes);

    (void)state;
    assert_success(gp_attributes_unpack(pair, 15, bytes, size));
    assert_false(gp_attributes_fit(small, pair));
    assert_true(gp_attributes_fit(open, pair));
    gp_attributes_copy(open, pair);
    assert_int_equal(gp_attributes_have(open), 7);
    assert_int_equal(gp_attributes_packed_size(open), size - 36);
    gp_attributes_pack(open, packed);
    assert_memory_equal(packed, bytes + 36, size - 36);
    drop(pair);
    drop(open);
    drop(small);
}

static void test_nothing_is_left_of_what_was_cleared(void **state)
{
    struct gp_attributes *aes = make(TEE_TYPE_AES, 128);
    uint8_t bytes[16];
    TEE_Attribute given = ref(TEE_ATTR_SECRET_VALUE, bytes, 16);
    uint32_t size;

    (void)state;
    memset(bytes, 0x5a, sizeof(bytes));
    assert_success(gp_attributes_populate(aes, &given, 1, &size));
    gp_attributes_clear(aes);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(aes->values[0].number.bytes[i], 0);
    drop(aes);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_types_hold_together),
    gp_test(test_sizes_of_the_standard),
    gp_test(test_golden_keys_come_back_byte_for_byte),
    gp_test(test_golden_keys_have_their_values),
    gp_test(test_damaged_attributes_are_corrupt),
    gp_test(test_every_type_packs_what_it_has),
    gp_test(test_zeros_in_front_do_not_count),
    gp_test(test_wrong_values_are_bad_parameters),
    gp_test(test_wrong_attributes_are_a_bad_state),
    gp_test(test_a_pair_gives_its_public_part),
    gp_test(test_nothing_is_left_of_what_was_cleared),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
