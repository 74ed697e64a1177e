/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys from generation over the device into operations: what chapters 5 and 6 have in common. */
#include "keys.h"

#include "gp/types.h"
#include "unit/gp/persistent.h"

#define assert_panics(call, code, where) assert_panics_in(call, TEE_ERROR_##code, GP_CALL_##where)

static TEE_ObjectHandle stored(const char *id, TEE_ObjectHandle key)
{
    TEE_ObjectHandle object;

    assert_success(
        TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), R, key, "", 0, &object));
    return object;
}

static TEE_ObjectHandle opened(const char *id)
{
    TEE_ObjectHandle object;

    assert_success(open_object(id, R, &object));
    return object;
}

static TEE_OperationHandle operation(uint32_t algorithm, uint32_t mode, uint32_t max_size)
{
    TEE_OperationHandle handle;

    assert_success(TEE_AllocateOperation(&handle, algorithm, mode, max_size));
    return handle;
}

/* Every type that can be made comes back from the device as it was, attribute for attribute. */
static void test_generated_keys_are_stored(void **state)
{
    static const struct {
        uint32_t type, size, curve;
    } cases[] = {
        {TEE_TYPE_AES, 192, 0},
        {TEE_TYPE_DES3, 192, 0},
        {TEE_TYPE_HMAC_SHA512, 1024, 0},
        {TEE_TYPE_GENERIC_SECRET, 4096, 0},
        {TEE_TYPE_RSA_KEYPAIR, 512, 0},
        {TEE_TYPE_ECDSA_KEYPAIR, 521, TEE_ECC_CURVE_NIST_P521},
        {TEE_TYPE_ECDH_KEYPAIR, 192, TEE_ECC_CURVE_NIST_P192},
        {TEE_TYPE_ED25519_KEYPAIR, 256, 0},
        {TEE_TYPE_X25519_KEYPAIR, 256, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TEE_ObjectHandle key = transient(cases[i].type, cases[i].size);
        TEE_ObjectHandle object;
        TEE_ObjectInfo info;
        const struct gp_type *type = gp_type_find(cases[i].type);
        TEE_Attribute curve = value(TEE_ATTR_ECC_CURVE, cases[i].curve);

        assert_success(TEE_GenerateKey(key, cases[i].size, &curve, cases[i].curve != 0));
        TEE_CloseObject(stored("key", key));
        object = opened("key");
        assert_success(TEE_GetObjectInfo1(object, &info));
        assert_int_equal(info.objectType, cases[i].type);
        assert_int_equal(info.objectSize, cases[i].size);
        for (unsigned k = 0; k < type->attribute_count; k++) {
            uint32_t id = type->attributes[k].id;
            uint8_t one[512], two[512];
            size_t one_size = sizeof(one), two_size = sizeof(two);
            uint32_t a, b;

            if (type->attributes[k].form == GP_U32) {
                assert_success(TEE_GetObjectValueAttribute(key, id, &a, NULL));
                assert_success(TEE_GetObjectValueAttribute(object, id, &b, NULL));
                assert_int_equal(a, b);
                continue;
            }
            assert_success(TEE_GetObjectBufferAttribute(key, id, one, &one_size));
            assert_success(TEE_GetObjectBufferAttribute(object, id, two, &two_size));
            assert_int_equal(one_size, two_size);
            assert_memory_equal(one, two, one_size);
        }
        TEE_CloseObject(object);
        assert_success(open_object("key", M, &object));
        assert_success(TEE_CloseAndDeletePersistentObject1(object));
        TEE_FreeTransientObject(key);
    }
}

static void test_stored_keys_work(void **state)
{
    TEE_ObjectHandle key = transient(TEE_TYPE_AES, 256);
    TEE_ObjectHandle object, copy = transient(TEE_TYPE_AES, 256);
    TEE_OperationHandle seal = operation(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 256);
    TEE_OperationHandle open = operation(TEE_ALG_AES_CTR, TEE_MODE_DECRYPT, 256);
    uint8_t text[100] = "text";
    size_t size = sizeof(text);

    (void)state;
    assert_success(TEE_GenerateKey(key, 256, NULL, 0));
    assert_success(TEE_SetOperationKey(seal, key));
    TEE_CloseObject(stored("key", key));
    TEE_FreeTransientObject(key);
    TEE_CipherInit(seal, "0123456789abcdef", 16);
    assert_success(TEE_CipherDoFinal(seal, text, sizeof(text), text, &size));
    assert_memory_not_equal(text, "text", 4);

    object = opened("key");
    assert_success(TEE_SetOperationKey(open, object));
    assert_success(TEE_CopyObjectAttributes1(copy, object));
    TEE_CloseObject(object); /* the operation has a copy of the key */
    TEE_CipherInit(open, "0123456789abcdef", 16);
    assert_success(TEE_CipherDoFinal(open, text, sizeof(text), text, &size));
    assert_memory_equal(text, "text", 5);
    assert_success(TEE_SetOperationKey(open, copy));
    TEE_FreeTransientObject(copy);
    TEE_FreeOperation(seal);
    TEE_FreeOperation(open);
}

/* Usage is the store's: what one handle takes is taken from all, and stays so. */
static void test_usage_of_a_stored_key_counts(void **state)
{
    TEE_ObjectHandle key = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    TEE_OperationHandle seal = operation(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 128);
    TEE_OperationHandle open = operation(TEE_ALG_AES_CTR, TEE_MODE_DECRYPT, 128);
    TEE_ObjectHandle one, two, copy = transient(TEE_TYPE_AES, 128);
    TEE_ObjectInfo info;
    uint8_t bytes[16];
    size_t size = sizeof(bytes);

    (void)state;
    TEE_CloseObject(stored("key", key));
    assert_success(open_object("key", R | SR, &one));
    assert_success(open_object("key", R | SR, &two));
    assert_success(TEE_RestrictObjectUsage1(one, TEE_USAGE_DECRYPT));
    assert_panics(TEE_SetOperationKey(seal, two), BAD_PARAMETERS, SET_OPERATION_KEY);
    assert_panics(TEE_GetObjectBufferAttribute(two, TEE_ATTR_SECRET_VALUE, bytes, &size), BAD_STATE,
                  GET_OBJECT_BUFFER_ATTRIBUTE);
    assert_success(TEE_SetOperationKey(open, two));
    assert_success(TEE_CopyObjectAttributes1(copy, two));
    assert_success(TEE_GetObjectInfo1(copy, &info));
    assert_int_equal(info.objectUsage, TEE_USAGE_DECRYPT);
    TEE_CloseObject(one);
    TEE_CloseObject(two);
    one = opened("key");
    assert_panics(TEE_SetOperationKey(seal, one), BAD_PARAMETERS, SET_OPERATION_KEY);
    TEE_CloseObject(one);
    TEE_FreeOperation(seal);
    TEE_FreeOperation(open);
    TEE_FreeTransientObject(key);
    TEE_FreeTransientObject(copy);
}

static void test_plain_data_has_no_key(void **state)
{
    TEE_OperationHandle seal = operation(TEE_ALG_AES_CTR, TEE_MODE_ENCRYPT, 128);
    TEE_ObjectHandle copy = transient(TEE_TYPE_AES, 128);
    TEE_ObjectHandle data;
    uint8_t bytes[16];
    size_t size = sizeof(bytes);

    (void)state;
    make("data", "text");
    data = opened("data");
    assert_panics(TEE_SetOperationKey(seal, data), BAD_PARAMETERS, SET_OPERATION_KEY);
    assert_panics(TEE_CopyObjectAttributes1(copy, data), BAD_STATE, COPY_OBJECT_ATTRIBUTES1);
    assert_result(TEE_GetObjectBufferAttribute(data, TEE_ATTR_SECRET_VALUE, bytes, &size),
                  TEE_ERROR_ITEM_NOT_FOUND);
    TEE_CloseObject(data);
    TEE_FreeOperation(seal);
    TEE_FreeTransientObject(copy);
}

static void with_little_memory(void **state)
{
    fixture_options.memory = (size_t)512 * 1024;
    fixture_run(state);
    fixture_options.memory = 0;
}

/* Buffers in the heap that are larger than the memory that there is: what the library touches of
 * them comes and goes. */
static void test_operations_reach_the_whole_heap(void **state)
{
    enum { SIZE = 700 * 1024 };
    uint8_t *buffer = TEE_Malloc(SIZE, TEE_MALLOC_FILL_ZERO);
    TEE_ObjectHandle key = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    TEE_OperationHandle seal = operation(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, 128);
    TEE_OperationHandle open = operation(TEE_ALG_AES_GCM, TEE_MODE_DECRYPT, 128);
    uint8_t tag[16];
    size_t size = SIZE, tag_size = 16;

    (void)state;
    assert_non_null(buffer);
    assert_success(TEE_SetOperationKey(seal, key));
    assert_success(TEE_SetOperationKey(open, key));
    for (size_t i = 0; i < SIZE; i++)
        buffer[i] = (uint8_t)(i * 7 >> 3);
    assert_success(TEE_AEInit(seal, "0123456789ab", 12, 128, 0, 0));
    assert_success(TEE_AEEncryptFinal(seal, buffer, SIZE, buffer, &size, tag, &tag_size));
    assert_success(TEE_AEInit(open, "0123456789ab", 12, 128, 0, 0));
    assert_success(TEE_AEDecryptFinal(open, buffer, SIZE, buffer, &size, tag, tag_size));
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(buffer[i], (uint8_t)(i * 7 >> 3));
    TEE_Free(buffer);
    TEE_FreeOperation(seal);
    TEE_FreeOperation(open);
    TEE_FreeTransientObject(key);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_generated_keys_are_stored),
    gp_test(test_stored_keys_work),
    gp_test(test_usage_of_a_stored_key_counts),
    gp_test(test_plain_data_has_no_key),
    {"test_operations_reach_the_whole_heap", with_little_memory, NULL, fixture_teardown,
     &(struct test_body){test_operations_reach_the_whole_heap}},
};

run_in_every_profile(tests)
