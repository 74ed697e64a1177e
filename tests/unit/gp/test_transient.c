/* SPDX-License-Identifier: BSD-2-Clause */
/* Transient objects: 5.5 and 5.6 of the standard. */
#include "keys.h"

#include "gp/transient.h"

#define assert_panics(call, code, where) assert_panics_in(call, TEE_ERROR_##code, GP_CALL_##where)

static TEE_ObjectInfo info_of(TEE_ObjectHandle object)
{
    TEE_ObjectInfo info;

    assert_success(TEE_GetObjectInfo1(object, &info));
    return info;
}

static size_t attribute_of(TEE_ObjectHandle object, uint32_t id, uint8_t *bytes)
{
    size_t size = 512;

    assert_success(TEE_GetObjectBufferAttribute(object, id, bytes, &size));
    return size;
}

/* --- Allocated, reset, freed --- */

static void test_allocated_object_has_no_key(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_AES, 256);
    TEE_ObjectInfo info = info_of(object);
    uint8_t bytes[32];
    size_t size = sizeof(bytes);

    (void)state;
    assert_int_equal(info.objectType, TEE_TYPE_AES);
    assert_int_equal(info.objectSize, 0);
    assert_int_equal(info.maxObjectSize, 256);
    assert_int_equal(info.objectUsage, 0xffffffff);
    assert_int_equal(info.dataSize, 0);
    assert_int_equal(info.dataPosition, 0);
    assert_int_equal(info.handleFlags, 0);
    assert_panics(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size),
                  BAD_STATE, GET_OBJECT_BUFFER_ATTRIBUTE);
    TEE_FreeTransientObject(object);
}

static void test_what_cannot_be_is_not_supported(void **state)
{
    TEE_ObjectHandle object = (TEE_ObjectHandle)(uintptr_t)77;

    (void)state;
    assert_result(TEE_AllocateTransientObject(TEE_TYPE_DATA, 0, &object), TEE_ERROR_NOT_SUPPORTED);
    assert_result(TEE_AllocateTransientObject(TEE_TYPE_ILLEGAL_VALUE, 128, &object),
                  TEE_ERROR_NOT_SUPPORTED);
    assert_result(TEE_AllocateTransientObject(TEE_TYPE_AES, 100, &object), TEE_ERROR_NOT_SUPPORTED);
    assert_int_equal((uintptr_t)object, 77);
    assert_panics(TEE_AllocateTransientObject(TEE_TYPE_AES, 128, NULL), BAD_PARAMETERS,
                  ALLOCATE_TRANSIENT_OBJECT);
}

static void test_memory_runs_out_at_allocation_alone(void **state)
{
    TEE_ObjectHandle objects[4096];
    unsigned count = 0;
    TEE_Result result;

    (void)state;
    for (;;) {
        result = TEE_AllocateTransientObject(TEE_TYPE_RSA_KEYPAIR, 4096, &objects[count]);
        if (result != TEE_SUCCESS)
            break;
        count++;
    }
    assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
    assert_true(count > 10);
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[512];
        TEE_Attribute key[] = {ref(TEE_ATTR_RSA_MODULUS, bytes, 512),
                               ref(TEE_ATTR_RSA_PUBLIC_EXPONENT, bytes, 512),
                               ref(TEE_ATTR_RSA_PRIVATE_EXPONENT, bytes, 512)};

        memset(bytes, 0xff, sizeof(bytes));
        assert_success(TEE_PopulateTransientObject(objects[i], key, 3));
    }
    while (count > 0)
        TEE_FreeTransientObject(objects[--count]);
}

static void test_null_is_nothing_to_free_or_reset(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_AES, 128);

    (void)state;
    TEE_FreeTransientObject(TEE_HANDLE_NULL);
    TEE_ResetTransientObject(TEE_HANDLE_NULL);
    TEE_FreeTransientObject(object);
    assert_panics(TEE_FreeTransientObject(object), BAD_PARAMETERS, FREE_TRANSIENT_OBJECT);
    assert_panics(TEE_ResetTransientObject(object), BAD_PARAMETERS, RESET_TRANSIENT_OBJECT);
}

static void test_a_persistent_object_is_not_transient(void **state)
{
    TEE_ObjectHandle file;
    TEE_Attribute none = value(TEE_ATTR_ECC_CURVE, 3);

    (void)state;
    assert_success(
        TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "f", 1, 0, TEE_HANDLE_NULL, "", 0, &file));
    assert_panics(TEE_FreeTransientObject(file), BAD_PARAMETERS, FREE_TRANSIENT_OBJECT);
    assert_panics(TEE_ResetTransientObject(file), BAD_PARAMETERS, RESET_TRANSIENT_OBJECT);
    assert_panics(TEE_PopulateTransientObject(file, &none, 1), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    assert_panics(TEE_GenerateKey(file, 128, NULL, 0), BAD_STATE, GENERATE_KEY);
    assert_panics(TEE_CopyObjectAttributes1(file, file), BAD_PARAMETERS, COPY_OBJECT_ATTRIBUTES1);
    TEE_CloseObject(file);
}

static void test_reset_takes_key_and_restrictions(void **state)
{
    TEE_ObjectHandle object = secret(TEE_TYPE_AES, "0123456789abcdef", 16);

    (void)state;
    assert_success(TEE_RestrictObjectUsage1(object, TEE_USAGE_ENCRYPT));
    assert_int_equal(info_of(object).objectUsage, TEE_USAGE_ENCRYPT);
    assert_int_equal(info_of(object).handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
    TEE_ResetTransientObject(object);
    assert_int_equal(info_of(object).objectUsage, 0xffffffff);
    assert_int_equal(info_of(object).handleFlags, 0);
    assert_int_equal(info_of(object).objectSize, 0);
    assert_int_equal(info_of(object).maxObjectSize, 128);
    TEE_FreeTransientObject(object);
}

/* --- Populated --- */

static void test_populated_object_has_its_key(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_AES, 256);
    TEE_Attribute attribute = ref(TEE_ATTR_SECRET_VALUE, "0123456789abcdef01234567", 24);
    uint8_t bytes[512];
    size_t size = 23;

    (void)state;
    assert_success(TEE_PopulateTransientObject(object, &attribute, 1));
    assert_int_equal(info_of(object).objectSize, 192);
    assert_int_equal(attribute_of(object, TEE_ATTR_SECRET_VALUE, bytes), 24);
    assert_memory_equal(bytes, "0123456789abcdef01234567", 24);
    assert_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 24);
    size = 0;
    assert_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, NULL, &size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 24);
    assert_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_RSA_MODULUS, bytes, &size),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_panics(TEE_PopulateTransientObject(object, &attribute, 1), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    TEE_FreeTransientObject(object);
}

static void test_wrong_key_leaves_the_object_as_it_was(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_AES, 256);
    TEE_Attribute wrong = ref(TEE_ATTR_SECRET_VALUE, "0123456789abcdef0", 17);
    TEE_Attribute foreign = ref(TEE_ATTR_RSA_MODULUS, "0123456789abcdef", 16);
    TEE_Attribute right = ref(TEE_ATTR_SECRET_VALUE, "0123456789abcdef", 16);

    (void)state;
    assert_result(TEE_PopulateTransientObject(object, &wrong, 1), TEE_ERROR_BAD_PARAMETERS);
    assert_int_equal(info_of(object).handleFlags, 0);
    assert_panics(TEE_PopulateTransientObject(object, &foreign, 1), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    assert_panics(TEE_PopulateTransientObject(object, NULL, 0), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    assert_panics(TEE_PopulateTransientObject(object, NULL, 1), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    assert_success(TEE_PopulateTransientObject(object, &right, 1));
    TEE_FreeTransientObject(object);
}

static void test_secrets_need_extractable(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_ED25519_KEYPAIR, 256);
    uint8_t bytes[512];
    size_t size = sizeof(bytes);

    (void)state;
    assert_success(TEE_GenerateKey(object, 256, NULL, 0));
    TEE_RestrictObjectUsage(object, ~(uint32_t)TEE_USAGE_EXTRACTABLE);
    assert_int_equal(attribute_of(object, TEE_ATTR_ED25519_PUBLIC_VALUE, bytes), 32);
    assert_panics(
        TEE_GetObjectBufferAttribute(object, TEE_ATTR_ED25519_PRIVATE_VALUE, bytes, &size),
        BAD_STATE, GET_OBJECT_BUFFER_ATTRIBUTE);
    TEE_FreeTransientObject(object);
}

static void test_getters_are_of_one_form(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_ECDSA_KEYPAIR, 256);
    TEE_Attribute curve = value(TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256);
    uint8_t bytes[64];
    size_t size = sizeof(bytes);
    uint32_t a = 0, b = 77;
    TEE_Attribute attribute;

    (void)state;
    assert_success(TEE_GenerateKey(object, 256, &curve, 1));
    assert_success(TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_CURVE, &a, &b));
    assert_int_equal(a, TEE_ECC_CURVE_NIST_P256);
    assert_int_equal(b, 0);
    assert_success(TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_CURVE, NULL, NULL));
    assert_result(TEE_GetObjectValueAttribute(object, TEE_ATTR_DH_X_BITS, &a, &b),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_panics(TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_PUBLIC_VALUE_X, &a, &b),
                  BAD_PARAMETERS, GET_OBJECT_VALUE_ATTRIBUTE);
    assert_panics(TEE_GetObjectBufferAttribute(object, TEE_ATTR_ECC_CURVE, bytes, &size),
                  BAD_PARAMETERS, GET_OBJECT_BUFFER_ATTRIBUTE);
    assert_panics(TEE_GetObjectBufferAttribute(object, TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes, NULL),
                  BAD_PARAMETERS, GET_OBJECT_BUFFER_ATTRIBUTE);
    assert_panics(TEE_InitRefAttribute(&attribute, TEE_ATTR_ECC_CURVE, bytes, 4), BAD_PARAMETERS,
                  INIT_REF_ATTRIBUTE);
    assert_panics(TEE_InitValueAttribute(&attribute, TEE_ATTR_SECRET_VALUE, 1, 2), BAD_PARAMETERS,
                  INIT_VALUE_ATTRIBUTE);
    TEE_FreeTransientObject(object);
}

/* --- Copied --- */

static void test_copy_has_key_and_what_both_may(void **state)
{
    TEE_ObjectHandle from = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    TEE_ObjectHandle to = transient(TEE_TYPE_AES, 256);
    uint8_t bytes[512];

    (void)state;
    TEE_RestrictObjectUsage(from, TEE_USAGE_EXTRACTABLE | TEE_USAGE_ENCRYPT | TEE_USAGE_MAC);
    TEE_RestrictObjectUsage(to, TEE_USAGE_EXTRACTABLE | TEE_USAGE_ENCRYPT | TEE_USAGE_SIGN);
    assert_success(TEE_CopyObjectAttributes1(to, from));
    assert_int_equal(info_of(to).objectUsage, TEE_USAGE_EXTRACTABLE | TEE_USAGE_ENCRYPT);
    assert_int_equal(info_of(to).objectSize, 128);
    assert_int_equal(info_of(to).maxObjectSize, 256);
    assert_int_equal(attribute_of(to, TEE_ATTR_SECRET_VALUE, bytes), 16);
    assert_memory_equal(bytes, "0123456789abcdef", 16);
    /* It has one now. */
    assert_panics(TEE_CopyObjectAttributes1(to, from), BAD_PARAMETERS, COPY_OBJECT_ATTRIBUTES1);
    TEE_FreeTransientObject(from);
    TEE_FreeTransientObject(to);
}

static void test_public_key_comes_from_a_pair(void **state)
{
    TEE_ObjectHandle pair = transient(TEE_TYPE_RSA_KEYPAIR, 512);
    TEE_ObjectHandle open = transient(TEE_TYPE_RSA_PUBLIC_KEY, 512);
    TEE_ObjectHandle back = transient(TEE_TYPE_RSA_KEYPAIR, 512);
    TEE_ObjectHandle small = transient(TEE_TYPE_RSA_PUBLIC_KEY, 511);
    uint8_t one[512], other[512];
    size_t size = sizeof(other);

    (void)state;
    assert_success(TEE_GenerateKey(pair, 512, NULL, 0));
    TEE_CopyObjectAttributes(open, pair);
    assert_int_equal(attribute_of(pair, TEE_ATTR_RSA_MODULUS, one), 64);
    assert_int_equal(attribute_of(open, TEE_ATTR_RSA_MODULUS, other), 64);
    assert_memory_equal(one, other, 64);
    assert_result(TEE_GetObjectBufferAttribute(open, TEE_ATTR_RSA_PRIME1, other, &size),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_panics(TEE_CopyObjectAttributes1(back, open), BAD_PARAMETERS, COPY_OBJECT_ATTRIBUTES1);
    assert_panics(TEE_CopyObjectAttributes1(small, pair), BAD_PARAMETERS, COPY_OBJECT_ATTRIBUTES1);
    assert_panics(TEE_CopyObjectAttributes(small, pair), BAD_PARAMETERS, COPY_OBJECT_ATTRIBUTES);
    assert_panics(TEE_CopyObjectAttributes1(back, small), BAD_STATE, COPY_OBJECT_ATTRIBUTES1);
    TEE_FreeTransientObject(pair);
    TEE_FreeTransientObject(open);
    TEE_FreeTransientObject(back);
    TEE_FreeTransientObject(small);
}

/* --- Generated --- */

static void test_secrets_are_generated_anew(void **state)
{
    static const struct {
        uint32_t type, size;
    } cases[] = {{TEE_TYPE_AES, 128},          {TEE_TYPE_AES, 256},
                 {TEE_TYPE_DES, 64},           {TEE_TYPE_DES3, 192},
                 {TEE_TYPE_HMAC_SHA512, 1024}, {TEE_TYPE_GENERIC_SECRET, 4096},
                 {TEE_TYPE_GENERIC_SECRET, 8}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TEE_ObjectHandle one = transient(cases[i].type, cases[i].size);
        TEE_ObjectHandle two = transient(cases[i].type, cases[i].size);
        uint8_t a[512], b[512];
        bool is_des = cases[i].type == TEE_TYPE_DES || cases[i].type == TEE_TYPE_DES3;

        assert_success(TEE_GenerateKey(one, cases[i].size, NULL, 0));
        assert_success(TEE_GenerateKey(two, cases[i].size, NULL, 0));
        assert_int_equal(info_of(one).objectSize, cases[i].size);
        assert_int_equal(info_of(one).handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
        assert_int_equal(attribute_of(one, TEE_ATTR_SECRET_VALUE, a), cases[i].size / 8);
        assert_int_equal(attribute_of(two, TEE_ATTR_SECRET_VALUE, b), cases[i].size / 8);
        if (cases[i].size > 8)
            assert_memory_not_equal(a, b, cases[i].size / 8);
        for (size_t k = 0; is_des && k < cases[i].size / 8; k++)
            assert_int_equal(__builtin_popcount(a[k]) % 2, 1);
        TEE_FreeTransientObject(one);
        TEE_FreeTransientObject(two);
    }
}

static void test_rsa_pair_has_all_parts(void **state)
{
    static const uint32_t ids[] = {TEE_ATTR_RSA_PRIVATE_EXPONENT, TEE_ATTR_RSA_PRIME1,
                                   TEE_ATTR_RSA_PRIME2,           TEE_ATTR_RSA_EXPONENT1,
                                   TEE_ATTR_RSA_EXPONENT2,        TEE_ATTR_RSA_COEFFICIENT};
    TEE_ObjectHandle pair = transient(TEE_TYPE_RSA_KEYPAIR, 1024);
    uint8_t bytes[512];

    (void)state;
    assert_success(TEE_GenerateKey(pair, 512, NULL, 0));
    assert_int_equal(info_of(pair).objectSize, 512);
    assert_int_equal(attribute_of(pair, TEE_ATTR_RSA_PUBLIC_EXPONENT, bytes), 3);
    assert_memory_equal(bytes, "\x01\x00\x01", 3);
    for (unsigned i = 0; i < 6; i++)
        assert_true(attribute_of(pair, ids[i], bytes) > 16);
    TEE_FreeTransientObject(pair);
}

static void test_curve_pairs(void **state)
{
    static const uint32_t sizes[] = {192, 224, 256, 384, 521};
    static const uint32_t types[] = {TEE_TYPE_ECDSA_KEYPAIR, TEE_TYPE_ECDH_KEYPAIR};
    static const uint32_t octets[][2] = {{TEE_TYPE_ED25519_KEYPAIR, TEE_ATTR_ED25519_PUBLIC_VALUE},
                                         {TEE_TYPE_X25519_KEYPAIR, TEE_ATTR_X25519_PUBLIC_VALUE}};
    uint8_t bytes[512];

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        TEE_ObjectHandle pair = transient(types[i % 2], 521);
        TEE_Attribute curve = value(TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P192 + i / 2);
        TEE_Attribute other = value(TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P192 + (i / 2 + 1) % 5);
        uint32_t a;

        assert_result(TEE_GenerateKey(pair, sizes[i / 2], &other, 1), TEE_ERROR_BAD_PARAMETERS);
        assert_success(TEE_GenerateKey(pair, sizes[i / 2], &curve, 1));
        assert_int_equal(info_of(pair).objectSize, sizes[i / 2]);
        assert_success(TEE_GetObjectValueAttribute(pair, TEE_ATTR_ECC_CURVE, &a, NULL));
        assert_int_equal(a, TEE_ECC_CURVE_NIST_P192 + i / 2);
        assert_in_range(attribute_of(pair, TEE_ATTR_ECC_PRIVATE_VALUE, bytes), 20, 66);
        assert_in_range(attribute_of(pair, TEE_ATTR_ECC_PUBLIC_VALUE_X, bytes), 20, 66);
        assert_in_range(attribute_of(pair, TEE_ATTR_ECC_PUBLIC_VALUE_Y, bytes), 20, 66);
        TEE_FreeTransientObject(pair);
    }
    for (unsigned i = 0; i < 2; i++) {
        TEE_ObjectHandle pair = transient(octets[i][0], 256);

        assert_success(TEE_GenerateKey(pair, 256, NULL, 0));
        assert_int_equal(attribute_of(pair, octets[i][1], bytes), 32);
        TEE_FreeTransientObject(pair);
    }
}

static void test_what_is_not_generated(void **state)
{
    TEE_ObjectHandle key = transient(TEE_TYPE_AES, 128);
    TEE_ObjectHandle open = transient(TEE_TYPE_RSA_PUBLIC_KEY, 512);
    TEE_ObjectHandle pair = transient(TEE_TYPE_ECDSA_KEYPAIR, 256);
    TEE_Attribute given = ref(TEE_ATTR_SECRET_VALUE, "0123456789abcdef", 16);

    (void)state;
    assert_panics(TEE_GenerateKey(open, 512, NULL, 0), BAD_STATE, GENERATE_KEY);
    assert_panics(TEE_GenerateKey(pair, 256, NULL, 0), BAD_STATE, GENERATE_KEY); /* no curve */
    assert_panics(TEE_GenerateKey(key, 256, NULL, 0), BAD_STATE, GENERATE_KEY);  /* too large */
    assert_panics(TEE_GenerateKey(key, 100, NULL, 0), BAD_STATE, GENERATE_KEY);
    assert_panics(TEE_GenerateKey(key, 128, &given, 1), BAD_STATE, GENERATE_KEY);
    assert_success(TEE_GenerateKey(key, 128, NULL, 0));
    assert_panics(TEE_GenerateKey(key, 128, NULL, 0), BAD_STATE, GENERATE_KEY); /* has one */
    TEE_FreeTransientObject(key);
    TEE_FreeTransientObject(pair);
    TEE_FreeTransientObject(open);
}

/* --- In 1.1's form --- */

static void test_short_lengths(void **state)
{
    TEE_ObjectHandle object = transient(TEE_TYPE_AES, 128);
    TEE_ObjectHandle pair = transient(TEE_TYPE_ECDSA_KEYPAIR, 256);
    __GP11_TEE_Attribute attribute, many[9];
    uint8_t bytes[16];
    uint32_t size = 3;

    (void)state;
    __GP11_TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, "0123456789abcdef", 16);
    for (unsigned i = 0; i < 9; i++)
        many[i] = attribute;
    assert_panics(__GP11_TEE_PopulateTransientObject(object, many, 9), BAD_STATE,
                  POPULATE_TRANSIENT_OBJECT);
    assert_success(__GP11_TEE_PopulateTransientObject(object, &attribute, 1));
    assert_result(__GP11_TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 16);
    assert_success(
        __GP11_TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, &size));
    assert_memory_equal(bytes, "0123456789abcdef", 16);
    assert_panics(__GP11_TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, bytes, NULL),
                  BAD_PARAMETERS, GET_OBJECT_BUFFER_ATTRIBUTE);
    __GP11_TEE_InitValueAttribute(&attribute, TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P256, 0);
    assert_success(__GP11_TEE_GenerateKey(pair, 256, &attribute, 1));
    assert_panics(__GP11_TEE_InitRefAttribute(NULL, TEE_ATTR_SECRET_VALUE, "", 0), BAD_PARAMETERS,
                  INIT_REF_ATTRIBUTE);
    TEE_FreeTransientObject(object);
    TEE_FreeTransientObject(pair);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_allocated_object_has_no_key),
    gp_test(test_what_cannot_be_is_not_supported),
    gp_test(test_memory_runs_out_at_allocation_alone),
    gp_test(test_null_is_nothing_to_free_or_reset),
    gp_test(test_a_persistent_object_is_not_transient),
    gp_test(test_reset_takes_key_and_restrictions),
    gp_test(test_populated_object_has_its_key),
    gp_test(test_wrong_key_leaves_the_object_as_it_was),
    gp_test(test_secrets_need_extractable),
    gp_test(test_getters_are_of_one_form),
    gp_test(test_copy_has_key_and_what_both_may),
    gp_test(test_public_key_comes_from_a_pair),
    gp_test(test_secrets_are_generated_anew),
    gp_test(test_rsa_pair_has_all_parts),
    gp_test(test_curve_pairs),
    gp_test(test_what_is_not_generated),
    gp_test(test_short_lengths),
};

run_in_every_profile(tests)
