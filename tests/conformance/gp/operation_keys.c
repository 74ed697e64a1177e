/* SPDX-License-Identifier: BSD-2-Clause */
/* Which keys operations take, what may be copied from where, what is told of them (6.2). */
#include "work.h"

static TEE_ObjectHandle aes(const void *bytes, size_t size)
{
    return key_secret(TEE_TYPE_AES, bytes, size);
}

static TEE_OperationHandle ecb(void)
{
    return work_new(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128);
}

static void key_that_is_none(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(ecb(), (TEE_ObjectHandle)(uintptr_t)12345);
}

static void key_of_plain_data(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(ecb(), create_as("a", READ, "0123456789abcdef"));
}

static void key_of_another_type(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(ecb(), key_secret(TEE_TYPE_DES3, work_bytes, 16));
}

static void key_too_large(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(ecb(), aes(work_bytes, 32));
}

static void key_of_none(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(ecb(), key_object(TEE_TYPE_AES, 128));
}

static void key_without_the_usage(const struct rule *rule)
{
    TEE_ObjectHandle key = aes(work_bytes, 16);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(key, ~(uint32_t)TEE_USAGE_ENCRYPT));
    expect_success(
        TEE_SetOperationKey(work_new(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_DECRYPT, 128), key));
    (void)TEE_SetOperationKey(ecb(), key);
}

static void mac_key_without_the_usage(const struct rule *rule)
{
    TEE_ObjectHandle key = aes(work_bytes, 16);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(key, ~(uint32_t)TEE_USAGE_MAC));
    (void)TEE_SetOperationKey(work_new(TEE_ALG_AES_CMAC, TEE_MODE_MAC, 128), key);
}

static TEE_OperationHandle xts(void)
{
    return work_new(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 256);
}

static void one_key_of_two(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey2(xts(), aes(work_bytes, 16), TEE_HANDLE_NULL);
}

static void other_key_of_two(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey2(xts(), TEE_HANDLE_NULL, aes(work_bytes, 16));
}

static void keys_of_two_sizes(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey2(xts(), aes(work_bytes, 16), aes(work_bytes, 32));
}

static void equal_keys(const struct rule *rule)
{
    TEE_OperationHandle made = xts();

    (void)rule;
    expect_result(TEE_SetOperationKey2(made, aes(work_bytes, 16), aes(work_bytes, 16)),
                  TEE_ERROR_SECURITY);
    expect_success(TEE_SetOperationKey2(made, aes(work_bytes, 16), aes(work_block, 16)));
}

static void copy_of_another_algorithm(const struct rule *rule)
{
    (void)rule;
    TEE_CopyOperation(work_new(TEE_ALG_SHA1, TEE_MODE_DIGEST, 0),
                      work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0));
}

static void copy_of_another_mode(const struct rule *rule)
{
    (void)rule;
    TEE_CopyOperation(work_new(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_DECRYPT, 128), ecb());
}

static void copy_of_a_larger_key(const struct rule *rule)
{
    TEE_OperationHandle large = work_new(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 256);
    TEE_OperationHandle small = ecb();

    (void)rule;
    TEE_CopyOperation(small, large); /* neither has a key */
    expect_success(TEE_SetOperationKey(large, aes(work_bytes, 32)));
    TEE_CopyOperation(small, large);
}

static void copy_of_none(const struct rule *rule)
{
    (void)rule;
    TEE_CopyOperation(ecb(), TEE_HANDLE_NULL);
}

static void copy_to_none(const struct rule *rule)
{
    (void)rule;
    TEE_CopyOperation(TEE_HANDLE_NULL, ecb());
}

static void copy_to_itself(const struct rule *rule)
{
    TEE_OperationHandle made = work_begun(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT);
    uint8_t out[16];
    size_t size = sizeof(out);

    (void)rule;
    TEE_CopyOperation(made, made);
    expect_success(TEE_CipherDoFinal(made, work_block, 16, out, &size));
}

static void copy_of_no_key(const struct rule *rule)
{
    TEE_OperationHandle made = work_with_key(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT);

    (void)rule;
    TEE_CopyOperation(made, work_new(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 128));
    TEE_CipherInit(made, work_block, 16);
}

static void no_place_for_the_handle(const struct rule *rule)
{
    (void)rule;
    (void)TEE_AllocateOperation(NULL, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
}

static void no_place_for_information(const struct rule *rule)
{
    (void)rule;
    TEE_GetOperationInfo(ecb(), NULL);
}

static void no_size_of_information(const struct rule *rule)
{
    TEE_OperationInfoMultiple info;

    (void)rule;
    (void)TEE_GetOperationInfoMultiple(ecb(), &info, NULL);
}

static void no_place_for_all_information(const struct rule *rule)
{
    size_t size = 1000;

    (void)rule;
    (void)TEE_GetOperationInfoMultiple(ecb(), NULL, &size);
}

static void short_information(const struct rule *rule)
{
    const size_t needed = sizeof(TEE_OperationInfoMultiple) + sizeof(TEE_OperationInfoKey);
    uint8_t room[128];
    size_t size = needed - 1;

    (void)rule;
    expect_result(
        TEE_GetOperationInfoMultiple(ecb(), (TEE_OperationInfoMultiple *)(void *)room, &size),
        TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, needed);
    size = 0;
    expect_result(TEE_GetOperationInfoMultiple(ecb(), NULL, &size), TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, needed);
}

static void random_to_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_GenerateRandom(NULL, 1);
}

#define PANICS(code, number) .panic = TEE_ERROR_##code, .call = GP_CALL_##number

#define KEY(words, does)                                                                           \
    {                                                                                              \
        RULE("TEE_SetOperationKey", "6.2.6", words " is a panic", does),                           \
            PANICS(BAD_PARAMETERS, SET_OPERATION_KEY)                                              \
    }
#define KEYS(words, does)                                                                          \
    {                                                                                              \
        RULE("TEE_SetOperationKey2", "6.2.7", words " is a panic", does),                          \
            PANICS(BAD_PARAMETERS, SET_OPERATION_KEY2)                                             \
    }
#define COPY(words, does)                                                                          \
    {                                                                                              \
        RULE("TEE_CopyOperation", "6.2.8", words " is a panic", does),                             \
            PANICS(BAD_PARAMETERS, COPY_OPERATION)                                                 \
    }

static const struct rule rules[] = {
    {RULE("TEE_AllocateOperation", "6.2.1", "no place for the handle is a panic",
          no_place_for_the_handle),
     PANICS(BAD_PARAMETERS, ALLOCATE_OPERATION)},
    {RULE("TEE_GetOperationInfo", "6.2.3", "no place for it is a panic", no_place_for_information),
     PANICS(BAD_PARAMETERS, GET_OPERATION_INFO)},
    {RULE("TEE_GetOperationInfoMultiple", "6.2.4", "no size is a panic", no_size_of_information),
     PANICS(BAD_PARAMETERS, GET_OPERATION_INFO_MULTIPLE)},
    {RULE("TEE_GetOperationInfoMultiple", "6.2.4", "no place of that size is a panic",
          no_place_for_all_information),
     PANICS(BAD_PARAMETERS, GET_OPERATION_INFO_MULTIPLE)},
    {RULE("TEE_GetOperationInfoMultiple", "6.2.4", "a short buffer is told the size",
          short_information)},
    KEY("a handle of nothing", key_that_is_none),
    KEY("plain data", key_of_plain_data),
    KEY("a key of another type", key_of_another_type),
    KEY("a key too large", key_too_large),
    KEY("an object without a key", key_of_none),
    KEY("a key without the usage", key_without_the_usage),
    KEY("a MAC's key without the usage", mac_key_without_the_usage),
    KEYS("the first of two alone", one_key_of_two),
    KEYS("the second of two alone", other_key_of_two),
    KEYS("two sizes", keys_of_two_sizes),
    {RULE("TEE_SetOperationKey2", "6.2.7", "equal keys are refused", equal_keys),
     .profiles = IN_STRICT},
    {RULE("TEE_SetOperationKey2", "6.2.7", "equal keys are a panic", equal_keys),
     PANICS(SECURITY, SET_OPERATION_KEY2), .profiles = IN_OPTEE},
    COPY("of another algorithm", copy_of_another_algorithm),
    COPY("of another mode", copy_of_another_mode),
    COPY("of a larger key than it takes", copy_of_a_larger_key),
    COPY("of TEE_HANDLE_NULL", copy_of_none),
    COPY("to TEE_HANDLE_NULL", copy_to_none),
    {RULE("TEE_CopyOperation", "6.2.8", "to itself is nothing", copy_to_itself)},
    {RULE("TEE_CopyOperation", "6.2.8", "of none takes the key away", copy_of_no_key),
     PANICS(BAD_STATE, CIPHER_INIT)},
    {RULE("TEE_GenerateRandom", "6.9.1", "no buffer is a panic", random_to_nothing),
     PANICS(BAD_PARAMETERS, GENERATE_RANDOM)},
};

void add_operation_keys(void)
{
    add_rules(rules);
}
