/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations (6): known answers, and in which state what is a panic. */
#include <string.h>

#include "keys.h"

static const uint8_t counting[32] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
static const uint8_t plain[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                  0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static TEE_OperationHandle operation(uint32_t algorithm, uint32_t mode, uint32_t size)
{
    TEE_OperationHandle made = TEE_HANDLE_NULL;

    expect_success(TEE_AllocateOperation(&made, algorithm, mode, size));
    return made;
}

static TEE_OperationHandle with_key(uint32_t algorithm, uint32_t mode, const uint8_t *key)
{
    TEE_OperationHandle made = operation(algorithm, mode, 128);

    expect_success(TEE_SetOperationKey(made, key_secret(TEE_TYPE_AES, key, 16)));
    return made;
}

static TEE_OperationHandle begun(uint32_t algorithm, uint32_t mode)
{
    TEE_OperationHandle made = with_key(algorithm, mode, counting);

    TEE_CipherInit(made, plain, algorithm == TEE_ALG_AES_ECB_NOPAD ? 0 : 16);
    return made;
}

static bool is_same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* --- Digests ----------------------------------------------------------------------------- */

struct digest_row {
    const char *name;
    uint32_t algorithm;
    size_t size;
    uint8_t start[8]; /* of the digest of "abc" */
};

static const struct digest_row digests[] = {
    {"MD5", TEE_ALG_MD5, 16, {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0}},
    {"SHA-1", TEE_ALG_SHA1, 20, {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a}},
    {"SHA-224", TEE_ALG_SHA224, 28, {0x23, 0x09, 0x7d, 0x22, 0x34, 0x05, 0xd8, 0x22}},
    {"SHA-256", TEE_ALG_SHA256, 32, {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea}},
    {"SHA-384", TEE_ALG_SHA384, 48, {0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b}},
    {"SHA-512", TEE_ALG_SHA512, 64, {0xdd, 0xaf, 0x35, 0xa1, 0x93, 0x61, 0x7a, 0xba}},
};

static void digests_abc(const struct rule *rule)
{
    const struct digest_row *row = &digests[rule->a];
    TEE_OperationHandle made = operation(row->algorithm, TEE_MODE_DIGEST, 0);
    uint8_t digest[64];
    size_t size = row->size - 1;

    TEE_DigestUpdate(made, "a", 1);
    TEE_DigestUpdate(made, NULL, 0);
    expect_result(TEE_DigestDoFinal(made, "bc", 2, digest, &size), TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, row->size);
    size = sizeof(digest);
    expect_success(TEE_DigestDoFinal(made, "bc", 2, digest, &size)); /* nothing was lost */
    expect_equal(size, row->size);
    expect(is_same(digest, row->start, 8));
    size = sizeof(digest);
    expect_success(TEE_DigestDoFinal(made, "abc", 3, digest, &size)); /* it begins anew */
    expect(is_same(digest, row->start, 8));
}

static void extracts(const struct rule *rule)
{
    TEE_OperationHandle made = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t digest[32];
    size_t size = 5;

    (void)rule;
    TEE_DigestUpdate(made, "abc", 3);
    expect_success(TEE_DigestExtract(made, digest, &size));
    expect_equal(size, 5);
    size = 32;
    expect_success(TEE_DigestDoFinal(made, NULL, 0, digest + 5, &size));
    expect_equal(size, 27);
    expect(is_same(digest, digests[3].start, 8));
}

static void update_after_extract(const struct rule *rule)
{
    TEE_OperationHandle made = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t digest[32];
    size_t size = 5;

    (void)rule;
    expect_success(TEE_DigestExtract(made, digest, &size));
    TEE_DigestUpdate(made, "abc", 3);
}

static void update_of_a_cipher(const struct rule *rule)
{
    (void)rule;
    TEE_DigestUpdate(begun(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT), "abc", 3);
}

static void copies_work(const struct rule *rule)
{
    TEE_OperationHandle one = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    TEE_OperationHandle other = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t digest[32];
    size_t size = 32;

    (void)rule;
    TEE_DigestUpdate(one, "ab", 2);
    TEE_CopyOperation(other, one);
    TEE_DigestUpdate(one, "x", 1);
    expect_success(TEE_DigestDoFinal(other, "c", 1, digest, &size));
    expect(is_same(digest, digests[3].start, 8));
}

static void copy_of_another_algorithm(const struct rule *rule)
{
    (void)rule;
    TEE_CopyOperation(operation(TEE_ALG_SHA1, TEE_MODE_DIGEST, 0),
                      operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0));
}

/* --- Ciphers ----------------------------------------------------------------------------- */

static void ciphers_a_block(const struct rule *rule)
{
    static const uint8_t wanted[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                       0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    TEE_OperationHandle made = begun(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT);
    uint8_t out[16];
    size_t size = 15;

    (void)rule;
    expect_result(TEE_CipherDoFinal(made, plain, 16, out, &size), TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 16);
    expect_success(TEE_CipherDoFinal(made, plain, 16, out, &size));
    expect(size == 16 && is_same(out, wanted, 16));
}

/* What was encrypted is decrypted, piece by piece as at once. */
static void there_and_back(const struct rule *rule)
{
    TEE_OperationHandle there = begun(rule->a, TEE_MODE_ENCRYPT);
    TEE_OperationHandle back = begun(rule->a, TEE_MODE_DECRYPT);
    uint8_t data[96];
    uint8_t between[96];
    uint8_t got[96];
    size_t done = 0;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 3);
    for (size_t at = 0; at < sizeof(data); at += 24) {
        size_t size = sizeof(between) - done;

        expect_success(TEE_CipherUpdate(there, data + at, 24, between + done, &size));
        done += size;
    }
    if (done < sizeof(data)) {
        size_t size = sizeof(between) - done;

        expect_success(TEE_CipherDoFinal(there, NULL, 0, between + done, &size));
        done += size;
    }
    expect_equal(done, sizeof(data));
    expect(!is_same(between, data, sizeof(data)));
    done = sizeof(got);
    expect_success(TEE_CipherDoFinal(back, between, sizeof(between), got, &done));
    expect(done == sizeof(data) && is_same(got, data, sizeof(data)));
}

static void half_a_block(const struct rule *rule)
{
    uint8_t out[32];
    size_t size = sizeof(out);

    (void)rule;
    (void)TEE_CipherDoFinal(begun(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT), plain, 15, out, &size);
}

static void update_before_init(const struct rule *rule)
{
    uint8_t out[16];
    size_t size = sizeof(out);

    (void)rule;
    (void)TEE_CipherUpdate(with_key(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, counting), plain, 16,
                           out, &size);
}

static void init_without_a_key(const struct rule *rule)
{
    (void)rule;
    TEE_CipherInit(operation(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 128), plain, 16);
}

static void init_with_a_short_iv(const struct rule *rule)
{
    (void)rule;
    TEE_CipherInit(with_key(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, counting), plain, 15);
}

static void init_of_a_digest(const struct rule *rule)
{
    (void)rule;
    TEE_CipherInit(operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0), NULL, 0);
}

/* --- MACs -------------------------------------------------------------------------------- */

static void macs_nothing(const struct rule *rule)
{
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t wanted[16] = {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28,
                                       0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46};
    TEE_OperationHandle made = with_key(TEE_ALG_AES_CMAC, TEE_MODE_MAC, key);
    uint8_t mac[16];
    size_t size = 15;

    (void)rule;
    TEE_MACInit(made, NULL, 0);
    expect_result(TEE_MACComputeFinal(made, NULL, 0, mac, &size), TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 16);
    expect_success(TEE_MACComputeFinal(made, NULL, 0, mac, &size));
    expect(size == 16 && is_same(mac, wanted, 16));
    TEE_MACInit(made, NULL, 0);
    expect_success(TEE_MACCompareFinal(made, NULL, 0, wanted, 16));
    TEE_MACInit(made, NULL, 0);
    expect_result(TEE_MACCompareFinal(made, NULL, 0, wanted, 15), TEE_ERROR_MAC_INVALID);
    mac[15] ^= 1;
    TEE_MACInit(made, NULL, 0);
    expect_result(TEE_MACCompareFinal(made, NULL, 0, mac, 16), TEE_ERROR_MAC_INVALID);
}

static void mac_before_init(const struct rule *rule)
{
    (void)rule;
    TEE_MACUpdate(with_key(TEE_ALG_AES_CMAC, TEE_MODE_MAC, counting), "x", 1);
}

static void mac_without_a_key(const struct rule *rule)
{
    (void)rule;
    TEE_MACInit(operation(TEE_ALG_AES_CMAC, TEE_MODE_MAC, 128), NULL, 0);
}

/* --- Authenticated encryption ------------------------------------------------------------ */

static TEE_OperationHandle sealed(uint32_t mode)
{
    TEE_OperationHandle made = with_key(TEE_ALG_AES_GCM, mode, counting);

    expect_success(TEE_AEInit(made, plain, 12, 128, 0, 0));
    return made;
}

static void seals_and_opens(const struct rule *rule)
{
    TEE_OperationHandle seal = sealed(TEE_MODE_ENCRYPT);
    TEE_OperationHandle open = sealed(TEE_MODE_DECRYPT);
    uint8_t between[20];
    uint8_t got[20];
    uint8_t tag[16];
    size_t size = sizeof(between);
    size_t tag_size = 15;

    (void)rule;
    TEE_AEUpdateAAD(seal, "header", 6);
    expect_result(TEE_AEEncryptFinal(seal, counting, 20, between, &size, tag, &tag_size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(tag_size, 16);
    size = sizeof(between);
    expect_success(TEE_AEEncryptFinal(seal, counting, 20, between, &size, tag, &tag_size));
    expect_equal(size, 20);
    TEE_AEUpdateAAD(open, "header", 6);
    expect_success(TEE_AEDecryptFinal(open, between, 20, got, &size, tag, 16));
    expect(size == 20 && is_same(got, counting, 20));
    /* One bit of the tag, of the header, of the data. */
    for (unsigned i = 0; i < 3; i++) {
        expect_success(TEE_AEInit(open, plain, 12, 128, 0, 0));
        tag[0] ^= i == 0;
        between[0] ^= i == 1;
        TEE_AEUpdateAAD(open, i == 2 ? "Header" : "header", 6);
        expect_result(TEE_AEDecryptFinal(open, between, 20, got, &size, tag, 16),
                      TEE_ERROR_MAC_INVALID);
        tag[0] ^= i == 0;
        between[0] ^= i == 1;
    }
}

static void tag_of_another_size(const struct rule *rule)
{
    TEE_OperationHandle made = with_key(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, counting);

    expect_result(TEE_AEInit(made, plain, 12, rule->a, 0, 0), TEE_ERROR_NOT_SUPPORTED);
}

static void aad_before_init(const struct rule *rule)
{
    (void)rule;
    TEE_AEUpdateAAD(with_key(TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, counting), "x", 1);
}

static void aad_after_data(const struct rule *rule)
{
    TEE_OperationHandle made = sealed(TEE_MODE_ENCRYPT);
    uint8_t out[32];
    size_t size = sizeof(out);

    (void)rule;
    expect_success(TEE_AEUpdate(made, plain, 16, out, &size));
    TEE_AEUpdateAAD(made, "x", 1);
}

/* --- Operations -------------------------------------------------------------------------- */

static void isnt_supported(const struct rule *rule)
{
    TEE_OperationHandle made = TEE_HANDLE_NULL;

    expect_result(TEE_AllocateOperation(&made, rule->a, rule->b, 128), TEE_ERROR_NOT_SUPPORTED);
    expect(made == TEE_HANDLE_NULL);
}

static void size_isnt_supported(const struct rule *rule)
{
    TEE_OperationHandle made = TEE_HANDLE_NULL;

    expect_result(TEE_AllocateOperation(&made, TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, rule->a),
                  TEE_ERROR_NOT_SUPPORTED);
}

static void tells_what_it_is(const struct rule *rule)
{
    TEE_OperationHandle made = operation(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 256);
    TEE_OperationInfo info;

    (void)rule;
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.algorithm, TEE_ALG_AES_CBC_NOPAD);
    expect_equal(info.operationClass, TEE_OPERATION_CIPHER);
    expect_equal(info.mode, TEE_MODE_ENCRYPT);
    expect_equal(info.maxKeySize, 256);
    expect_equal(info.keySize, 0);
    expect_equal(info.handleState, 0);
    expect_success(TEE_SetOperationKey(made, key_secret(TEE_TYPE_AES, counting, 16)));
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.keySize, 128);
    expect_equal(info.requiredKeyUsage, TEE_USAGE_ENCRYPT);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET);
    TEE_CipherInit(made, plain, 16);
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED);
    TEE_ResetOperation(made);
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET);
    expect_success(TEE_SetOperationKey(made, TEE_HANDLE_NULL));
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, 0);
}

static void key_of_another_type(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128),
                              key_secret(TEE_TYPE_DES3, counting, 16));
}

static void key_too_large(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128),
                              key_secret(TEE_TYPE_AES, counting, 32));
}

static void key_without_the_usage(const struct rule *rule)
{
    TEE_ObjectHandle key = key_secret(TEE_TYPE_AES, counting, 16);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(key, ~(uint32_t)TEE_USAGE_ENCRYPT));
    expect_success(
        TEE_SetOperationKey(operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_DECRYPT, 128), key));
    (void)TEE_SetOperationKey(operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128), key);
}

static void key_of_none(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128),
                              key_object(TEE_TYPE_AES, 128));
}

static void key_of_a_digest(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0),
                              key_secret(TEE_TYPE_AES, counting, 16));
}

static void key_when_active(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(begun(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT),
                              key_secret(TEE_TYPE_AES, counting, 16));
}

/* The operation has a copy: what becomes of the object is nothing to it. */
static void key_is_copied(const struct rule *rule)
{
    TEE_OperationHandle made = operation(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128);
    TEE_ObjectHandle key = key_secret(TEE_TYPE_AES, counting, 16);
    uint8_t out[16];
    size_t size = sizeof(out);

    (void)rule;
    expect_success(TEE_SetOperationKey(made, key));
    TEE_FreeTransientObject(key);
    TEE_CipherInit(made, NULL, 0);
    expect_success(TEE_CipherDoFinal(made, plain, 16, out, &size));
    expect(out[0] == 0x69);
}

static void one_key_of_two(const struct rule *rule)
{
    (void)rule;
    (void)TEE_SetOperationKey(operation(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 128),
                              key_secret(TEE_TYPE_AES, counting, 16));
}

static void equal_keys(const struct rule *rule)
{
    TEE_ObjectHandle key = key_secret(TEE_TYPE_AES, counting, 16);
    TEE_ObjectHandle other = key_secret(TEE_TYPE_AES, counting + 16, 16);
    TEE_OperationHandle made = operation(TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 128);

    (void)rule;
    expect_result(TEE_SetOperationKey2(made, key, key), TEE_ERROR_SECURITY);
    expect_success(TEE_SetOperationKey2(made, key, other));
}

static void free_twice(const struct rule *rule)
{
    TEE_OperationHandle made = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);

    (void)rule;
    TEE_FreeOperation(TEE_HANDLE_NULL);
    TEE_FreeOperation(made);
    TEE_FreeOperation(made);
}

static void no_place(const struct rule *rule)
{
    (void)rule;
    (void)TEE_AllocateOperation(NULL, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
}

static void says_what_it_has(const struct rule *rule)
{
    (void)rule;
    expect_success(TEE_IsAlgorithmSupported(TEE_ALG_AES_GCM, TEE_CRYPTO_ELEMENT_NONE));
    expect_success(TEE_IsAlgorithmSupported(TEE_ALG_SHA256, TEE_CRYPTO_ELEMENT_NONE));
    expect_result(TEE_IsAlgorithmSupported(0, TEE_CRYPTO_ELEMENT_NONE), TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_IsAlgorithmSupported(TEE_ALG_SM3, TEE_CRYPTO_ELEMENT_NONE),
                  TEE_ERROR_NOT_SUPPORTED);
}

static void random_bytes(const struct rule *rule)
{
    uint8_t one[64] = {0};
    uint8_t other[64] = {0};

    (void)rule;
    TEE_GenerateRandom(NULL, 0);
    TEE_GenerateRandom(one, 63);
    TEE_GenerateRandom(other, 63);
    expect(!is_same(one, other, 63));
    expect(one[63] == 0);
}

static void random_to_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_GenerateRandom(NULL, 1);
}

#define PANICS(number) .panic = ANY_PANIC, .call = (number)

static const struct rule rules[] = {
    {RULE("TEE_AllocateOperation", "6.2.1", "an unknown algorithm isn't supported", isnt_supported),
     .a = 0x12345678, .b = TEE_MODE_ENCRYPT},
    {RULE("TEE_AllocateOperation", "6.2.1", "a cipher doesn't sign", isnt_supported),
     .a = TEE_ALG_AES_ECB_NOPAD, .b = TEE_MODE_SIGN},
    {RULE("TEE_AllocateOperation", "6.2.1", "a digest doesn't encrypt", isnt_supported),
     .a = TEE_ALG_SHA256, .b = TEE_MODE_ENCRYPT},
    {RULE("TEE_AllocateOperation", "6.2.1", "keys of 100 bits aren't supported",
          size_isnt_supported),
     .a = 100},
    {RULE("TEE_AllocateOperation", "6.2.1", "keys of 512 bits aren't supported",
          size_isnt_supported),
     .a = 512},
    {RULE("TEE_AllocateOperation", "6.2.1", "no place for the handle is a panic", no_place),
     PANICS(GP_CALL_ALLOCATE_OPERATION)},
    {RULE("TEE_FreeOperation", "6.2.2", "twice is a panic, TEE_HANDLE_NULL is nothing", free_twice),
     PANICS(GP_CALL_FREE_OPERATION)},
    {RULE("TEE_GetOperationInfo", "6.2.3", "tells what it is and how far it is", tells_what_it_is)},
    {RULE("TEE_SetOperationKey", "6.2.6", "a key of another type is a panic", key_of_another_type),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "a key too large is a panic", key_too_large),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "a key without the usage is a panic",
          key_without_the_usage),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "an object without a key is a panic", key_of_none),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "to a digest is a panic", key_of_a_digest),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "to an active operation is a panic", key_when_active),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "one key where there are two is a panic", one_key_of_two),
     PANICS(GP_CALL_SET_OPERATION_KEY)},
    {RULE("TEE_SetOperationKey", "6.2.6", "the key is a copy", key_is_copied)},
    {RULE("TEE_SetOperationKey2", "6.2.7", "equal keys are refused", equal_keys),
     .profiles = IN_STRICT},
    {RULE("TEE_CopyOperation", "6.2.8", "work begun goes on in the copy", copies_work)},
    {RULE("TEE_CopyOperation", "6.2.8", "of another algorithm is a panic",
          copy_of_another_algorithm),
     PANICS(GP_CALL_COPY_OPERATION)},
    {RULE("TEE_IsAlgorithmSupported", "6.2.9", "says what it has", says_what_it_has)},
    {RULE("TEE_DigestExtract", "6.3.3", "the digest in pieces", extracts)},
    {RULE("TEE_DigestUpdate", "6.3.1", "after an extraction is a panic", update_after_extract),
     PANICS(GP_CALL_DIGEST_UPDATE)},
    {RULE("TEE_DigestUpdate", "6.3.1", "of a cipher is a panic", update_of_a_cipher),
     PANICS(GP_CALL_DIGEST_UPDATE)},
    {RULE("TEE_CipherDoFinal", "6.4.3", "AES in a short and in a sufficient buffer",
          ciphers_a_block)},
    {RULE("TEE_CipherDoFinal", "6.4.3", "half a block with CBC is a panic", half_a_block),
     PANICS(GP_CALL_CIPHER_DO_FINAL)},
    {RULE("TEE_CipherUpdate", "6.4.2", "before TEE_CipherInit is a panic", update_before_init),
     PANICS(GP_CALL_CIPHER_UPDATE)},
    {RULE("TEE_CipherInit", "6.4.1", "without a key is a panic", init_without_a_key),
     PANICS(GP_CALL_CIPHER_INIT)},
    {RULE("TEE_CipherInit", "6.4.1", "an IV of 15 bytes is a panic", init_with_a_short_iv),
     PANICS(GP_CALL_CIPHER_INIT)},
    {RULE("TEE_CipherInit", "6.4.1", "of a digest is a panic", init_of_a_digest),
     PANICS(GP_CALL_CIPHER_INIT)},
    {RULE("TEE_CipherUpdate", "6.4.2", "ECB there and back", there_and_back),
     .a = TEE_ALG_AES_ECB_NOPAD},
    {RULE("TEE_CipherUpdate", "6.4.2", "CBC there and back", there_and_back),
     .a = TEE_ALG_AES_CBC_NOPAD},
    {RULE("TEE_CipherUpdate", "6.4.2", "CTR there and back", there_and_back), .a = TEE_ALG_AES_CTR},
    {RULE("TEE_CipherUpdate", "6.4.2", "CTS there and back", there_and_back), .a = TEE_ALG_AES_CTS},
    {RULE("TEE_MACCompareFinal", "6.5.4", "CMAC, and one that is another", macs_nothing)},
    {RULE("TEE_MACUpdate", "6.5.2", "before TEE_MACInit is a panic", mac_before_init),
     PANICS(GP_CALL_MAC_UPDATE)},
    {RULE("TEE_MACInit", "6.5.1", "without a key is a panic", mac_without_a_key),
     PANICS(GP_CALL_MAC_INIT)},
    {RULE("TEE_AEDecryptFinal", "6.6.5", "GCM, and what was changed", seals_and_opens)},
    {RULE("TEE_AEInit", "6.6.1", "a tag of 88 bits isn't supported", tag_of_another_size), .a = 88},
    {RULE("TEE_AEInit", "6.6.1", "a tag of 136 bits isn't supported", tag_of_another_size),
     .a = 136},
    {RULE("TEE_AEUpdateAAD", "6.6.2", "before TEE_AEInit is a panic", aad_before_init),
     PANICS(GP_CALL_AE_UPDATE_AAD)},
    {RULE("TEE_AEUpdateAAD", "6.6.2", "after the payload is a panic", aad_after_data),
     PANICS(GP_CALL_AE_UPDATE_AAD)},
    {RULE("TEE_GenerateRandom", "6.9.1", "other bytes each time, and no more", random_bytes)},
    {RULE("TEE_GenerateRandom", "6.9.1", "no buffer is a panic", random_to_nothing),
     PANICS(GP_CALL_GENERATE_RANDOM)},
};

void add_operations(void)
{
    add_rules(rules);
    for (uint32_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        const struct rule rule = {RULE("TEE_DigestDoFinal", "6.3.2", digests[i].name, digests_abc),
                                  .a = i};

        add(&rule);
    }
}
