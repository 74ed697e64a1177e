/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations (6): known answers, and in which state what is a panic. */
#include <stdio.h>
#include <string.h>

#include "work.h"

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
    {"SHA3-224", TEE_ALG_SHA3_224, 28, {0xe6, 0x42, 0x82, 0x4c, 0x3f, 0x8c, 0xf2, 0x4a}},
    {"SHA3-256", TEE_ALG_SHA3_256, 32, {0x3a, 0x98, 0x5d, 0xa7, 0x4f, 0xe2, 0x25, 0xb2}},
    {"SHA3-384", TEE_ALG_SHA3_384, 48, {0xec, 0x01, 0x49, 0x82, 0x88, 0x51, 0x6f, 0xc9}},
    {"SHA3-512", TEE_ALG_SHA3_512, 64, {0xb7, 0x51, 0x85, 0x0b, 0x1a, 0x57, 0x16, 0x8a}},
};

static void digests_abc(const struct rule *rule)
{
    const struct digest_row *row = &digests[rule->a];
    TEE_OperationHandle made = work_new(row->algorithm, TEE_MODE_DIGEST, 0);
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
    TEE_OperationHandle made = work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
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

static void copies_work(const struct rule *rule)
{
    TEE_OperationHandle one = work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    TEE_OperationHandle other = work_new(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t digest[32];
    size_t size = 32;

    (void)rule;
    TEE_DigestUpdate(one, "ab", 2);
    TEE_CopyOperation(other, one);
    TEE_DigestUpdate(one, "x", 1);
    expect_success(TEE_DigestDoFinal(other, "c", 1, digest, &size));
    expect(is_same(digest, digests[3].start, 8));
}

/* --- Ciphers ----------------------------------------------------------------------------- */

static void ciphers_a_block(const struct rule *rule)
{
    static const uint8_t wanted[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                       0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    TEE_OperationHandle made = work_begun(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT);
    uint8_t out[16];
    size_t size = 15;

    (void)rule;
    expect_result(TEE_CipherDoFinal(made, work_block, 16, out, &size), TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 16);
    expect_success(TEE_CipherDoFinal(made, work_block, 16, out, &size));
    expect(size == 16 && is_same(out, wanted, 16));
}

/* What was encrypted is decrypted, piece by piece as at once. */
static void there_and_back(const struct rule *rule)
{
    TEE_OperationHandle there = work_begun(rule->a, TEE_MODE_ENCRYPT);
    TEE_OperationHandle back = work_begun(rule->a, TEE_MODE_DECRYPT);
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

/* --- MACs -------------------------------------------------------------------------------- */

static void macs_nothing(const struct rule *rule)
{
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t wanted[16] = {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28,
                                       0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46};
    TEE_OperationHandle made = work_new(TEE_ALG_AES_CMAC, TEE_MODE_MAC, 128);
    uint8_t mac[16];
    size_t size = 15;

    (void)rule;
    expect_success(TEE_SetOperationKey(made, key_secret(TEE_TYPE_AES, key, 16)));
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

struct hmac_row {
    const char *name;
    uint32_t algorithm, type;
    size_t size;
    uint8_t start[8]; /* of that of "abc", with the key 00 01 .. 1f */
};

static const struct hmac_row hmacs[] = {
    {"HMAC-MD5",
     TEE_ALG_HMAC_MD5,
     TEE_TYPE_HMAC_MD5,
     16,
     {0x40, 0x2b, 0x83, 0x3e, 0xac, 0xaf, 0x1b, 0xff}},
    {"HMAC-SHA-1",
     TEE_ALG_HMAC_SHA1,
     TEE_TYPE_HMAC_SHA1,
     20,
     {0xfd, 0xe2, 0x5b, 0xea, 0x45, 0xb9, 0x07, 0x44}},
    {"HMAC-SHA-224",
     TEE_ALG_HMAC_SHA224,
     TEE_TYPE_HMAC_SHA224,
     28,
     {0xf8, 0x93, 0x0d, 0x41, 0x0f, 0xdd, 0x27, 0xf8}},
    {"HMAC-SHA-256",
     TEE_ALG_HMAC_SHA256,
     TEE_TYPE_HMAC_SHA256,
     32,
     {0xf0, 0x13, 0x37, 0x29, 0xc4, 0x16, 0x3d, 0xed}},
    {"HMAC-SHA-384",
     TEE_ALG_HMAC_SHA384,
     TEE_TYPE_HMAC_SHA384,
     48,
     {0x01, 0x18, 0xb5, 0x03, 0xc3, 0x45, 0x48, 0x36}},
    {"HMAC-SHA-512",
     TEE_ALG_HMAC_SHA512,
     TEE_TYPE_HMAC_SHA512,
     64,
     {0x69, 0xd4, 0xa2, 0x1e, 0x22, 0x6b, 0xf0, 0xd3}},
    {"HMAC-SHA3-224",
     TEE_ALG_HMAC_SHA3_224,
     TEE_TYPE_HMAC_SHA3_224,
     28,
     {0xde, 0xbd, 0xc3, 0x0c, 0x52, 0x11, 0x41, 0xe0}},
    {"HMAC-SHA3-256",
     TEE_ALG_HMAC_SHA3_256,
     TEE_TYPE_HMAC_SHA3_256,
     32,
     {0x63, 0x2f, 0x61, 0x8a, 0xc1, 0x7b, 0xa2, 0x43}},
    {"HMAC-SHA3-384",
     TEE_ALG_HMAC_SHA3_384,
     TEE_TYPE_HMAC_SHA3_384,
     48,
     {0xc3, 0x24, 0x7d, 0x77, 0x75, 0x89, 0xc8, 0xbc}},
    {"HMAC-SHA3-512",
     TEE_ALG_HMAC_SHA3_512,
     TEE_TYPE_HMAC_SHA3_512,
     64,
     {0x83, 0x3b, 0x31, 0xe7, 0x77, 0xd6, 0xb3, 0x3d}},
};

static void hmacs_abc(const struct rule *rule)
{
    const struct hmac_row *row = &hmacs[rule->a];
    TEE_OperationHandle made = work_new(row->algorithm, TEE_MODE_MAC, 256);
    uint8_t mac[64];
    size_t size = sizeof(mac);

    expect_success(TEE_SetOperationKey(made, key_secret(row->type, work_bytes, 32)));
    TEE_MACInit(made, NULL, 0);
    TEE_MACUpdate(made, "a", 1);
    expect_success(TEE_MACComputeFinal(made, "bc", 2, mac, &size));
    expect_equal(size, row->size);
    expect(is_same(mac, row->start, 8));
    TEE_MACInit(made, NULL, 0);
    expect_success(TEE_MACCompareFinal(made, "abc", 3, mac, size));
}

/* --- Authenticated encryption ------------------------------------------------------------ */

static TEE_OperationHandle sealed(uint32_t mode)
{
    TEE_OperationHandle made = work_with_key(TEE_ALG_AES_GCM, mode);

    expect_success(TEE_AEInit(made, work_block, 12, 128, 0, 0));
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
    expect_result(TEE_AEEncryptFinal(seal, work_bytes, 20, between, &size, tag, &tag_size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(tag_size, 16);
    size = sizeof(between);
    expect_success(TEE_AEEncryptFinal(seal, work_bytes, 20, between, &size, tag, &tag_size));
    expect_equal(size, 20);
    TEE_AEUpdateAAD(open, "header", 6);
    expect_success(TEE_AEDecryptFinal(open, between, 20, got, &size, tag, 16));
    expect(size == 20 && is_same(got, work_bytes, 20));
    /* One bit of the tag, of the header, of the data. */
    for (unsigned i = 0; i < 3; i++) {
        expect_success(TEE_AEInit(open, work_block, 12, 128, 0, 0));
        tag[0] ^= i == 0;
        between[0] ^= i == 1;
        TEE_AEUpdateAAD(open, i == 2 ? "Header" : "header", 6);
        expect_result(TEE_AEDecryptFinal(open, between, 20, got, &size, tag, 16),
                      TEE_ERROR_MAC_INVALID);
        tag[0] ^= i == 0;
        between[0] ^= i == 1;
    }
}

/* --- Operations -------------------------------------------------------------------------- */

struct unsupported_row {
    const char *text;
    uint32_t algorithm, mode, bits;
};

static const struct unsupported_row unsupported[] = {
    {"an unknown algorithm", 0x12345678, TEE_MODE_ENCRYPT, 128},
    {"TEE_ALG_ILLEGAL_VALUE", TEE_ALG_ILLEGAL_VALUE, TEE_MODE_ENCRYPT, 128},
    {"an asymmetric algorithm", TEE_ALG_RSA_NOPAD, TEE_MODE_ENCRYPT, 1024},
    {"SM3", TEE_ALG_SM3, TEE_MODE_DIGEST, 0},
    {"a cipher that signs", TEE_ALG_AES_ECB_NOPAD, TEE_MODE_SIGN, 128},
    {"a cipher that makes MACs", TEE_ALG_AES_CTR, TEE_MODE_MAC, 128},
    {"a digest that encrypts", TEE_ALG_SHA256, TEE_MODE_ENCRYPT, 0},
    {"a MAC that digests", TEE_ALG_HMAC_SHA256, TEE_MODE_DIGEST, 256},
    {"TEE_MODE_ILLEGAL_VALUE", TEE_ALG_AES_GCM, TEE_MODE_ILLEGAL_VALUE, 128},
    {"AES with 100 bits", TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 100},
    {"AES with 512 bits", TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 512},
    {"HMAC with 2,048 bits", TEE_ALG_HMAC_SHA256, TEE_MODE_MAC, 2048},
};

static void isnt_supported(const struct rule *rule)
{
    const struct unsupported_row *row = rule->of;
    TEE_OperationHandle made = (TEE_OperationHandle)(uintptr_t)77;

    expect_result(TEE_AllocateOperation(&made, row->algorithm, row->mode, row->bits),
                  TEE_ERROR_NOT_SUPPORTED);
    expect_equal((uintptr_t)made, 77);
}

static void tells_what_it_is(const struct rule *rule)
{
    TEE_OperationHandle made = work_new(TEE_ALG_AES_CBC_NOPAD, TEE_MODE_ENCRYPT, 256);
    TEE_OperationInfo info;

    (void)rule;
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.algorithm, TEE_ALG_AES_CBC_NOPAD);
    expect_equal(info.operationClass, TEE_OPERATION_CIPHER);
    expect_equal(info.mode, TEE_MODE_ENCRYPT);
    expect_equal(info.maxKeySize, 256);
    expect_equal(info.keySize, 0);
    expect_equal(info.handleState, 0);
    expect_success(TEE_SetOperationKey(made, key_secret(TEE_TYPE_AES, work_bytes, 16)));
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.keySize, 128);
    expect_equal(info.requiredKeyUsage, TEE_USAGE_ENCRYPT);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET);
    TEE_CipherInit(made, work_block, 16);
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED);
    TEE_ResetOperation(made);
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET);
    expect_success(TEE_SetOperationKey(made, TEE_HANDLE_NULL));
    TEE_GetOperationInfo(made, &info);
    expect_equal(info.handleState, 0);
}

/* The operation has a copy: what becomes of the object is nothing to it. */
static void key_is_copied(const struct rule *rule)
{
    TEE_OperationHandle made = work_new(TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128);
    TEE_ObjectHandle key = key_secret(TEE_TYPE_AES, work_bytes, 16);
    uint8_t out[16];
    size_t size = sizeof(out);

    (void)rule;
    expect_success(TEE_SetOperationKey(made, key));
    TEE_FreeTransientObject(key);
    TEE_CipherInit(made, NULL, 0);
    expect_success(TEE_CipherDoFinal(made, work_block, 16, out, &size));
    expect(out[0] == 0x69);
}

static void says_what_it_has(const struct rule *rule)
{
    (void)rule;
    expect_success(TEE_IsAlgorithmSupported(TEE_ALG_AES_GCM, TEE_CRYPTO_ELEMENT_NONE));
    expect_success(TEE_IsAlgorithmSupported(TEE_ALG_SHA256, TEE_CRYPTO_ELEMENT_NONE));
    expect_result(TEE_IsAlgorithmSupported(0, TEE_CRYPTO_ELEMENT_NONE), TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_IsAlgorithmSupported(TEE_ALG_SM3, TEE_CRYPTO_ELEMENT_NONE),
                  TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_IsAlgorithmSupported(TEE_ALG_RSA_NOPAD, TEE_CRYPTO_ELEMENT_NONE),
                  TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_IsAlgorithmSupported(TEE_ALG_AES_XTS, TEE_ECC_CURVE_NIST_P256),
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

#define PANICS(number) .panic = ANY_PANIC, .call = (number)

static const struct rule rules[] = {
    {RULE("TEE_GetOperationInfo", "6.2.3", "tells what it is and how far it is", tells_what_it_is)},
    {RULE("TEE_SetOperationKey", "6.2.6", "the key is a copy", key_is_copied)},
    {RULE("TEE_CopyOperation", "6.2.8", "work begun goes on in the copy", copies_work)},
    {RULE("TEE_IsAlgorithmSupported", "6.2.9", "says what it has", says_what_it_has)},
    {RULE("TEE_DigestExtract", "6.3.3", "the digest in pieces", extracts)},
    {RULE("TEE_CipherDoFinal", "6.4.3", "AES in a short and in a sufficient buffer",
          ciphers_a_block)},
    {RULE("TEE_CipherUpdate", "6.4.2", "ECB there and back", there_and_back),
     .a = TEE_ALG_AES_ECB_NOPAD},
    {RULE("TEE_CipherUpdate", "6.4.2", "CBC there and back", there_and_back),
     .a = TEE_ALG_AES_CBC_NOPAD},
    {RULE("TEE_CipherUpdate", "6.4.2", "CTR there and back", there_and_back), .a = TEE_ALG_AES_CTR},
    {RULE("TEE_CipherUpdate", "6.4.2", "CTS there and back", there_and_back), .a = TEE_ALG_AES_CTS},
    {RULE("TEE_MACCompareFinal", "6.5.4", "CMAC, and one that is another", macs_nothing)},
    {RULE("TEE_AEDecryptFinal", "6.6.5", "GCM, and what was changed", seals_and_opens)},
    {RULE("TEE_GenerateRandom", "6.9.1", "other bytes each time, and no more", random_bytes)},
};

static void add_unsupported(const struct unsupported_row *row)
{
    struct rule rule = {
        .function = "TEE_AllocateOperation", .clause = "6.2.1", .body = isnt_supported, .of = row};
    char text[CASE_TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "%s isn't supported", row->text);
    rule.text = text;
    add(&rule);
}

void add_operations(void)
{
    add_rules(rules);
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
        add_unsupported(&unsupported[i]);
    for (uint32_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        const struct rule rule = {RULE("TEE_DigestDoFinal", "6.3.2", digests[i].name, digests_abc),
                                  .a = i};

        add(&rule);
    }
    for (uint32_t i = 0; i < sizeof(hmacs) / sizeof(hmacs[0]); i++) {
        const struct rule rule = {RULE("TEE_MACComputeFinal", "6.5.3", hmacs[i].name, hmacs_abc),
                                  .a = i};

        add(&rule);
    }
}
