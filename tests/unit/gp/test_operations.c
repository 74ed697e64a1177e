/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations as such: 6.2 of the standard. */
#include "keys.h"

#include "gp/operations.h"

#define assert_panics(call, code, where) assert_panics_in(call, TEE_ERROR_##code, GP_CALL_##where)

static TEE_OperationHandle operation(uint32_t algorithm, uint32_t mode, uint32_t max_size)
{
    TEE_OperationHandle handle;

    assert_success(TEE_AllocateOperation(&handle, algorithm, mode, max_size));
    return handle;
}

static TEE_OperationInfo info_of(TEE_OperationHandle handle)
{
    TEE_OperationInfo info;

    TEE_GetOperationInfo(handle, &info);
    return info;
}

static void test_new_operation_has_no_key(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 256);
    TEE_OperationInfo info = info_of(handle);

    (void)state;
    assert_int_equal(info.algorithm, TEE_ALG_AES_CBC_NOPAD);
    assert_int_equal(info.operationClass, TEE_OPERATION_CIPHER);
    assert_int_equal(info.mode, TEE_MODE_ENCRYPT);
    assert_int_equal(info.digestLength, 0);
    assert_int_equal(info.maxKeySize, 256);
    assert_int_equal(info.keySize, 0);
    assert_int_equal(info.requiredKeyUsage, TEE_USAGE_ENCRYPT);
    assert_int_equal(info.handleState, 0);
    assert_panics(TEE_CipherInit(handle, "0123456789abcdef", 16), BAD_STATE, CIPHER_INIT);
    assert_panics(TEE_ResetOperation(handle), BAD_STATE, RESET_OPERATION);
    TEE_FreeOperation(handle);
    TEE_FreeOperation(TEE_HANDLE_NULL);
    assert_panics(TEE_FreeOperation(handle), BAD_PARAMETERS, FREE_OPERATION);
}

static void test_states_of_an_operation(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_AES_CTR, TEE_MODE_DECRYPT, 128);
    TEE_ObjectHandle key = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    uint8_t byte = 0;
    size_t size = 1;

    (void)state;
    assert_success(TEE_SetOperationKey(handle, key));
    assert_int_equal(info_of(handle).handleState, TEE_HANDLE_FLAG_KEY_SET);
    assert_int_equal(info_of(handle).keySize, 128);
    assert_panics(TEE_CipherUpdate(handle, &byte, 1, &byte, &size), BAD_STATE, CIPHER_UPDATE);
    TEE_CipherInit(handle, "0123456789abcdef", 16);
    assert_int_equal(info_of(handle).handleState,
                     TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED);
    assert_panics(TEE_SetOperationKey(handle, key), BAD_STATE, SET_OPERATION_KEY);
    TEE_ResetOperation(handle);
    assert_int_equal(info_of(handle).handleState, TEE_HANDLE_FLAG_KEY_SET);
    TEE_CipherInit(handle, "0123456789abcdef", 16);
    TEE_CipherInit(handle, "0123456789abcdef", 16); /* begins anew */
    assert_success(TEE_CipherDoFinal(handle, &byte, 1, &byte, &size));
    assert_int_equal(info_of(handle).handleState, TEE_HANDLE_FLAG_KEY_SET);
    assert_success(TEE_SetOperationKey(handle, TEE_HANDLE_NULL));
    assert_int_equal(info_of(handle).handleState, 0);
    assert_int_equal(info_of(handle).keySize, 0);
    assert_panics(TEE_CipherInit(handle, "0123456789abcdef", 16), BAD_STATE, CIPHER_INIT);
    TEE_FreeOperation(handle);
    TEE_FreeTransientObject(key);
}

static void test_digests_need_no_key_and_no_init(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    TEE_ObjectHandle key = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    TEE_OperationInfo info = info_of(handle);

    (void)state;
    assert_int_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED);
    assert_int_equal(info.digestLength, 32);
    assert_int_equal(info.maxKeySize, 0);
    assert_int_equal(info.requiredKeyUsage, 0);
    assert_panics(TEE_SetOperationKey(handle, key), BAD_PARAMETERS, SET_OPERATION_KEY);
    TEE_ResetOperation(handle);
    assert_int_equal(info_of(handle).handleState, info.handleState);
    TEE_FreeOperation(handle);
    TEE_FreeTransientObject(key);
}

static void test_two_keys(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 256);
    TEE_ObjectHandle one = secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    TEE_ObjectHandle two = secret(TEE_TYPE_AES, "fedcba9876543210", 16);
    union {
        TEE_OperationInfoMultiple info;
        uint8_t room[sizeof(TEE_OperationInfoMultiple) + 2 * sizeof(TEE_OperationInfoKey)];
    } all;
    size_t size = sizeof(all) - 1;

    (void)state;
    assert_int_equal(info_of(handle).handleState, TEE_HANDLE_FLAG_EXPECT_TWO_KEYS);
    assert_success(TEE_SetOperationKey2(handle, one, two));
    assert_int_equal(info_of(handle).handleState,
                     TEE_HANDLE_FLAG_EXPECT_TWO_KEYS | TEE_HANDLE_FLAG_KEY_SET);
    assert_int_equal(info_of(handle).keySize, 0);
    assert_int_equal(info_of(handle).requiredKeyUsage, 0);

    assert_result(TEE_GetOperationInfoMultiple(handle, &all.info, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, sizeof(all));
    assert_success(TEE_GetOperationInfoMultiple(handle, &all.info, &size));
    assert_int_equal(all.info.algorithm, TEE_ALG_AES_XTS);
    assert_int_equal(all.info.operationState, TEE_OPERATION_STATE_INITIAL);
    assert_int_equal(all.info.numberOfKeys, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(all.info.keyInformation[i].keySize, 128);
        assert_int_equal(all.info.keyInformation[i].requiredKeyUsage, TEE_USAGE_ENCRYPT);
    }
    TEE_CipherInit(handle, "0123456789abcdef", 16);
    assert_success(TEE_GetOperationInfoMultiple(handle, &all.info, &size));
    assert_int_equal(all.info.operationState, TEE_OPERATION_STATE_ACTIVE);
    TEE_ResetOperation(handle);
    assert_success(TEE_SetOperationKey2(handle, TEE_HANDLE_NULL, TEE_HANDLE_NULL));
    assert_int_equal(info_of(handle).handleState, TEE_HANDLE_FLAG_EXPECT_TWO_KEYS);
    TEE_FreeOperation(handle);
    TEE_FreeTransientObject(one);
    TEE_FreeTransientObject(two);
}

/* What a library keeps of operations is bounded, and told when they are allocated. */
static void test_operations_are_bounded(void **state)
{
    TEE_OperationHandle handles[1024];
    struct gp_provider_usage usage;
    unsigned count = 0;
    TEE_Result result;

    (void)state;
    while ((result = TEE_AllocateOperation(&handles[count], TEE_ALG_AES_CCM, TEE_MODE_ENCRYPT,
                                           256)) == TEE_SUCCESS)
        count++;
    assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
    gp_fixture.tee.provider->usage(gp_fixture.tee.crypto, &usage);
    assert_true(usage.used <= GP_CRYPTO_MAX);
    assert_int_equal(usage.contexts, 2 * count);
    assert_true(count > 100);
    while (count > 0)
        TEE_FreeOperation(handles[--count]);
    gp_fixture.tee.provider->usage(gp_fixture.tee.crypto, &usage);
    assert_int_equal(usage.contexts, 0);
}

/* An instance's operations go with it. */
static void test_operations_end_with_the_instance(void **state)
{
    struct gp_instance *instance = gp_fixture_instance(&gp_fixture_other_uuid);
    struct gp_provider_usage usage;

    (void)state;
    gp_fixture.current = instance;
    (void)operation(TEE_ALG_AES_CCM, TEE_MODE_ENCRYPT, 256);
    (void)operation(TEE_ALG_SHA512, TEE_MODE_DIGEST, 0);
    (void)secret(TEE_TYPE_AES, "0123456789abcdef", 16);
    gp_fixture.current = gp_fixture.instance;
    gp_instance_close(instance);
    gp_fixture.tee.provider->usage(gp_fixture.tee.crypto, &usage);
    assert_int_equal(usage.contexts, 0);
}

static void test_random_bytes(void **state)
{
    uint8_t one[1000] = {0}, two[1000] = {0};
    uint8_t *heap = (uint8_t *)TEE_Malloc(3000, 0);

    (void)state;
    TEE_GenerateRandom(one, sizeof(one) - 1);
    TEE_GenerateRandom(two, sizeof(two) - 1);
    assert_memory_not_equal(one, two, sizeof(one) - 1);
    assert_memory_not_equal(one + 200, one + 456, 200); /* no piece comes twice */
    assert_memory_not_equal(one + 456, two + 456, 200);
    assert_memory_not_equal(one + 900, two + 900, 99); /* to the end */
    assert_int_equal(one[999], 0);
    TEE_GenerateRandom(NULL, 0);
    assert_panics(TEE_GenerateRandom(NULL, 1), BAD_PARAMETERS, GENERATE_RANDOM);
    assert_non_null(heap);
    TEE_GenerateRandom(heap, 3000);
    assert_memory_not_equal(heap, one, 999);
    TEE_Free(heap);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_new_operation_has_no_key),
    gp_test(test_states_of_an_operation),
    gp_test(test_digests_need_no_key_and_no_init),
    gp_test(test_two_keys),
    gp_test(test_operations_are_bounded),
    gp_test(test_operations_end_with_the_instance),
    gp_test(test_random_bytes),
};

run_in_every_profile(tests)
