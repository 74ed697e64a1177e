/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests and MACs (6.3, 6.5) against published vectors, in every cut and copied in the midst. */
#include "keys.h"

#include <gcrypt.h>

#include "support/random.h"

#define assert_panics(call, code, where) assert_panics_in(call, TEE_ERROR_##code, GP_CALL_##where)
#define VECTORS(table)                   (sizeof(table) / sizeof((table)[0]))

static TEE_OperationHandle operation(uint32_t algorithm, uint32_t mode, uint32_t max_size)
{
    TEE_OperationHandle handle;

    assert_success(TEE_AllocateOperation(&handle, algorithm, mode, max_size));
    return handle;
}

static TEE_OperationHandle mac_operation(uint32_t algorithm, uint32_t type, const uint8_t *key,
                                         size_t size)
{
    TEE_OperationHandle handle = operation(algorithm, TEE_MODE_MAC, (uint32_t)size * 8);
    TEE_ObjectHandle object = secret(type, key, size);

    assert_success(TEE_SetOperationKey(handle, object));
    TEE_FreeTransientObject(object);
    return handle;
}

/* --- Digests --- */

static const struct {
    uint32_t algorithm;
    const char *digest; /* of "abc", FIPS 180-4, FIPS 202 and RFC 1321 */
} digests[] = {
    {TEE_ALG_MD5, "900150983cd24fb0d6963f7d28e17f72"},
    {TEE_ALG_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {TEE_ALG_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {TEE_ALG_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {TEE_ALG_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                     "8086072ba1e7cc2358baeca134c825a7"},
    {TEE_ALG_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {TEE_ALG_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
    {TEE_ALG_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {TEE_ALG_SHA3_384, "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
                       "98d88cea927ac7f539f1edf228376d25"},
    {TEE_ALG_SHA3_512, "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                       "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"},
};

static void test_vectors_of_digests(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(digests); i++) {
        TEE_OperationHandle handle = operation(digests[i].algorithm, TEE_MODE_DIGEST, 0);
        TEE_OperationHandle other = operation(digests[i].algorithm, TEE_MODE_DIGEST, 0);
        uint8_t expected[64], digest[64];
        size_t size = unhex(digests[i].digest, expected);
        TEE_OperationInfo info;

        TEE_GetOperationInfo(handle, &info);
        assert_int_equal(info.digestLength, size);
        for (size_t cut = 0; cut <= 3; cut++) {
            size_t got = size - 1;

            TEE_DigestUpdate(handle, "abc", cut);
            TEE_CopyOperation(other, handle);
            assert_result(TEE_DigestDoFinal(handle, &"abc"[cut], 3 - cut, digest, &got),
                          TEE_ERROR_SHORT_BUFFER);
            assert_int_equal(got, size);
            assert_success(TEE_DigestDoFinal(handle, &"abc"[cut], 3 - cut, digest, &got));
            assert_memory_equal(digest, expected, size);
            got = sizeof(digest);
            assert_success(TEE_DigestDoFinal(other, &"abc"[cut], 3 - cut, digest, &got));
            assert_int_equal(got, size);
            assert_memory_equal(digest, expected, size);
        }
        TEE_DigestUpdate(handle, "forgotten", 9);
        TEE_ResetOperation(handle);
        TEE_DigestUpdate(handle, "abc", 3);
        assert_success(TEE_DigestDoFinal(handle, NULL, 0, digest, &(size_t){64}));
        assert_memory_equal(digest, expected, size);
        TEE_FreeOperation(handle);
        TEE_FreeOperation(other);
    }
}

static void test_extracting_gives_the_digest_piece_by_piece(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    TEE_OperationHandle other = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t expected[32], digest[64];
    size_t size = 5;
    TEE_OperationInfo info;

    (void)state;
    unhex(digests[3].digest, expected);
    TEE_DigestUpdate(handle, "abc", 3);
    assert_success(TEE_DigestExtract(handle, digest, &size));
    assert_int_equal(size, 5);
    TEE_GetOperationInfo(handle, &info);
    assert_true((info.handleState & TEE_HANDLE_FLAG_EXTRACTING) != 0);
    assert_panics(TEE_DigestUpdate(handle, "d", 1), BAD_STATE, DIGEST_UPDATE);
    assert_panics(TEE_DigestDoFinal(handle, "d", 1, digest, &size), BAD_STATE, DIGEST_DO_FINAL);
    TEE_CopyOperation(other, handle);
    size = sizeof(digest) - 5;
    assert_success(TEE_DigestExtract(handle, digest + 5, &size));
    assert_int_equal(size, 27); /* what is left */
    assert_memory_equal(digest, expected, 32);
    size = 10;
    assert_success(TEE_DigestExtract(handle, digest, &size));
    assert_int_equal(size, 0);
    assert_success(TEE_DigestDoFinal(handle, NULL, 0, digest, &size));
    TEE_GetOperationInfo(handle, &info);
    assert_int_equal(info.handleState, TEE_HANDLE_FLAG_KEY_SET | TEE_HANDLE_FLAG_INITIALIZED);

    size = 26;
    assert_result(TEE_DigestDoFinal(other, NULL, 0, digest, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 27);
    assert_success(TEE_DigestDoFinal(other, NULL, 0, digest, &size));
    assert_memory_equal(digest, expected + 5, 27);
    TEE_FreeOperation(handle);
    TEE_FreeOperation(other);
}

/* NIST's example values: of nothing. */
static void test_shake_gives_as_much_as_is_asked_for(void **state)
{
    TEE_OperationHandle handle = operation(TEE_ALG_SHAKE256, TEE_MODE_DIGEST, 0);
    uint8_t expected[64], bytes[64];
    size_t size = 64;

    (void)state;
    unhex("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
          "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be",
          expected);
    assert_success(TEE_DigestDoFinal(handle, NULL, 0, bytes, &size));
    assert_int_equal(size, 64);
    assert_memory_equal(bytes, expected, 64);
    for (size_t at = 0; at < 60; at += 20) {
        size = 20;
        assert_success(TEE_DigestExtract(handle, bytes + at, &size));
        assert_int_equal(size, 20);
    }
    size = 4;
    assert_success(TEE_DigestDoFinal(handle, NULL, 0, bytes + 60, &size));
    assert_memory_equal(bytes, expected, 64);
    TEE_FreeOperation(handle);
}

/* --- MACs --- */

#define AES_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define AES_TEXT                                                                                   \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define KEY_20 "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"

static const struct mac {
    uint32_t algorithm, type;
    const char *key, *text, *mac;
} macs[] = {
    /* RFC 2202, case 1 of SHA-1 and MD5; RFC 4231, cases 1 and 4. */
    {TEE_ALG_HMAC_SHA1, TEE_TYPE_HMAC_SHA1, KEY_20, "4869205468657265",
     "b617318655057264e28bc0b6fb378c8ef146be00"},
    {TEE_ALG_HMAC_SHA224, TEE_TYPE_HMAC_SHA224, KEY_20, "4869205468657265",
     "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
    {TEE_ALG_HMAC_SHA256, TEE_TYPE_HMAC_SHA256,
     "0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {TEE_ALG_HMAC_MD5, TEE_TYPE_HMAC_MD5, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "9294727a3638bb1c13f48ef8158bfc9d"},
    /* RFC 4493. */
    {TEE_ALG_AES_CMAC, TEE_TYPE_AES, AES_KEY, "", "bb1d6929e95937287fa37d129b756746"},
    {TEE_ALG_AES_CMAC, TEE_TYPE_AES, AES_KEY, "6bc1bee22e409f96e93d7e117393172a",
     "070a16b46b4d4144f79bdd9dd04a287c"},
    {TEE_ALG_AES_CMAC, TEE_TYPE_AES, AES_KEY,
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
     "dfa66747de9ae63030ca32611497c827"},
    {TEE_ALG_AES_CMAC, TEE_TYPE_AES, AES_KEY, AES_TEXT, "51f0bebf7e3b9d92fc49741779363cfe"},
    /* FIPS 113, with the zeros that it fills up with; and of no bytes at all. */
    {TEE_ALG_DES_CBC_MAC_NOPAD, TEE_TYPE_DES, "0123456789abcdef",
     "37363534333231204e6f77206973207468652074696d6520666f722000000000", "f1d30f6849312ca4"},
    {TEE_ALG_DES_CBC_MAC_NOPAD, TEE_TYPE_DES, "0123456789abcdef", "", "0000000000000000"},
    /* Those that say how they are filled up are the same as the one that was filled up so. */
    {TEE_ALG_DES_CBC_MAC_PKCS5, TEE_TYPE_DES, "0123456789abcdef", "", "086f9a1d74c94d4e"},
};

static void check_mac(const struct mac *m)
{
    uint8_t key[64], text[128], expected[64], mac[64];
    size_t key_size = unhex(m->key, key), size = unhex(m->text, text);
    size_t mac_size = unhex(m->mac, expected);
    TEE_OperationHandle handle = mac_operation(m->algorithm, m->type, key, key_size);
    TEE_OperationHandle other = operation(m->algorithm, TEE_MODE_MAC, (uint32_t)key_size * 8);

    for (size_t cut = 0; cut <= size; cut++) {
        size_t got = mac_size - 1;

        TEE_MACInit(handle, NULL, 0);
        TEE_MACUpdate(handle, "forgotten", 9);
        TEE_MACInit(handle, NULL, 0);
        TEE_MACUpdate(handle, text, cut);
        TEE_CopyOperation(other, handle);
        assert_result(TEE_MACComputeFinal(handle, text + cut, size - cut, mac, &got),
                      TEE_ERROR_SHORT_BUFFER);
        assert_int_equal(got, mac_size);
        assert_success(TEE_MACComputeFinal(handle, text + cut, size - cut, mac, &got));
        assert_int_equal(got, mac_size);
        assert_memory_equal(mac, expected, mac_size);
        assert_success(TEE_MACCompareFinal(other, text + cut, size - cut, expected, mac_size));
    }
    TEE_MACInit(handle, NULL, 0);
    for (size_t i = 0; i < size; i++)
        TEE_MACUpdate(handle, text + i, 1);
    assert_success(TEE_MACCompareFinal(handle, NULL, 0, expected, mac_size));
    /* Another one in any byte, or of another length, isn't it. */
    for (size_t i = 0; i < mac_size; i++) {
        expected[i] ^= 0x80;
        TEE_MACInit(handle, NULL, 0);
        assert_result(TEE_MACCompareFinal(handle, text, size, expected, mac_size),
                      TEE_ERROR_MAC_INVALID);
        expected[i] ^= 0x80;
    }
    TEE_MACInit(handle, NULL, 0);
    assert_result(TEE_MACCompareFinal(handle, text, size, expected, mac_size - 1),
                  TEE_ERROR_MAC_INVALID);
    TEE_FreeOperation(handle);
    TEE_FreeOperation(other);
}

static void test_vectors_of_macs(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(macs); i++)
        check_mac(&macs[i]);
}

/* The last block of CBC (SP 800-38A, F.2.1), with its IV. */
static void test_cbc_mac_is_the_last_block_of_cbc(void **state)
{
    uint8_t key[16], iv[16], text[64], expected[16], mac[16];
    TEE_OperationHandle handle;
    size_t size = 16;

    (void)state;
    unhex(AES_KEY, key);
    unhex("000102030405060708090a0b0c0d0e0f", iv);
    unhex(AES_TEXT, text);
    unhex("3ff1caa1681fac09120eca307586e1a7", expected);
    handle = mac_operation(TEE_ALG_AES_CBC_MAC_NOPAD, TEE_TYPE_AES, key, 16);
    TEE_MACInit(handle, iv, 16);
    TEE_MACUpdate(handle, text, 64);
    assert_success(TEE_MACComputeFinal(handle, NULL, 0, mac, &size));
    assert_memory_equal(mac, expected, 16);
    TEE_MACInit(handle, NULL, 0);
    TEE_MACUpdate(handle, text, 17);
    assert_panics(TEE_MACComputeFinal(handle, NULL, 0, mac, &size), BAD_STATE, MAC_COMPUTE_FINAL);
    assert_panics(TEE_MACCompareFinal(handle, text, 14, mac, size), BAD_STATE, MAC_COMPARE_FINAL);
    assert_panics(TEE_MACInit(handle, iv, 15), BAD_PARAMETERS, MAC_INIT);
    TEE_FreeOperation(handle);
}

/* What PKCS5 puts behind is told by hand, for every length and cipher. */
static void test_padding_of_cbc_macs(void **state)
{
    static const struct {
        uint32_t plain, padded, type;
        size_t key, block;
    } cases[] = {
        {TEE_ALG_AES_CBC_MAC_NOPAD, TEE_ALG_AES_CBC_MAC_PKCS5, TEE_TYPE_AES, 32, 16},
        {TEE_ALG_DES_CBC_MAC_NOPAD, TEE_ALG_DES_CBC_MAC_PKCS5, TEE_TYPE_DES, 8, 8},
        {TEE_ALG_DES3_CBC_MAC_NOPAD, TEE_ALG_DES3_CBC_MAC_PKCS5, TEE_TYPE_DES3, 24, 8},
    };
    uint8_t key[32], text[64], one[16], two[16];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(i * 7 + 1);
    for (unsigned i = 0; i < 3; i++) {
        TEE_OperationHandle plain = mac_operation(cases[i].plain, cases[i].type, key, cases[i].key);
        TEE_OperationHandle padded = mac_operation(cases[i].padded, cases[i].type, key,
                                                   cases[i].key);

        for (size_t size = 0; size < 40; size++) {
            size_t pad = cases[i].block - size % cases[i].block;
            size_t got = sizeof(one);

            memset(text, 0x33, size);
            memset(text + size, (int)pad, pad);
            TEE_MACInit(plain, NULL, 0);
            assert_success(TEE_MACComputeFinal(plain, text, size + pad, one, &got));
            assert_int_equal(got, cases[i].block);
            TEE_MACInit(padded, NULL, 0);
            got = sizeof(two);
            assert_success(TEE_MACComputeFinal(padded, text, size, two, &got));
            assert_memory_equal(one, two, got);
        }
        TEE_FreeOperation(plain);
        TEE_FreeOperation(padded);
    }
}

/* CMAC and HMAC of random messages, in random pieces, are the library's. */
static void test_the_same_as_the_library(void **state)
{
    static const struct {
        uint32_t algorithm, type;
        int other;
        size_t size;
    } cases[] = {
        {TEE_ALG_AES_CMAC, TEE_TYPE_AES, GCRY_MAC_CMAC_AES, 16},
        {TEE_ALG_HMAC_SHA384, TEE_TYPE_HMAC_SHA384, GCRY_MAC_HMAC_SHA384, 48},
        {TEE_ALG_HMAC_SHA512, TEE_TYPE_HMAC_SHA512, GCRY_MAC_HMAC_SHA512, 64},
        {TEE_ALG_HMAC_SHA3_256, TEE_TYPE_HMAC_SHA3_256, GCRY_MAC_HMAC_SHA3_256, 32},
    };
    static uint8_t text[3000];
    struct random random;

    (void)state;
    random_init(&random, "test_the_same_as_the_library");
    for (unsigned i = 0; i < 400; i++) {
        size_t which = (size_t)random_below(&random, VECTORS(cases));
        size_t size = (size_t)random_below(&random, sizeof(text) + 1), taken = 0;
        uint8_t key[32], expected[64];
        size_t expected_size = sizeof(expected);
        TEE_OperationHandle handle;
        gcry_mac_hd_t other;

        random_bytes(&random, key, sizeof(key));
        random_bytes(&random, text, sizeof(text));
        assert_int_equal(gcry_mac_open(&other, cases[which].other, 0, NULL), 0);
        assert_int_equal(gcry_mac_setkey(other, key, sizeof(key)), 0);
        assert_int_equal(gcry_mac_write(other, text, size), 0);
        assert_int_equal(gcry_mac_read(other, expected, &expected_size), 0);
        gcry_mac_close(other);
        handle = mac_operation(cases[which].algorithm, cases[which].type, key, sizeof(key));
        TEE_MACInit(handle, NULL, 0);
        while (random_below(&random, 4) != 0) {
            size_t piece = (size_t)random_below(&random, size - taken + 1);

            TEE_MACUpdate(handle, text + taken, piece);
            taken += piece;
        }
        assert_success(
            TEE_MACCompareFinal(handle, text + taken, size - taken, expected, cases[which].size));
        TEE_FreeOperation(handle);
    }
}

static void test_short_lengths(void **state)
{
    TEE_OperationHandle digest = operation(TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
    uint8_t key[16] = {0}, out[64];
    TEE_OperationHandle mac = mac_operation(TEE_ALG_AES_CMAC, TEE_TYPE_AES, key, 16);
    TEE_OperationInfoMultiple info;
    uint32_t size = 31;

    (void)state;
    assert_result(__GP11_TEE_DigestDoFinal(digest, "abc", 3, out, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 32);
    assert_success(__GP11_TEE_DigestDoFinal(digest, "abc", 3, out, &size));
    TEE_MACInit(mac, NULL, 0);
    size = 15;
    assert_result(__GP11_TEE_MACComputeFinal(mac, "abc", 3, out, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 16);
    assert_success(__GP11_TEE_MACComputeFinal(mac, "abc", 3, out, &size));
    size = sizeof(info);
    assert_success(__GP11_TEE_GetOperationInfoMultiple(digest, &info, &size));
    assert_int_equal(info.numberOfKeys, 0);
    assert_int_equal(size, sizeof(info));
    TEE_FreeOperation(digest);
    TEE_FreeOperation(mac);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_vectors_of_digests),
    gp_test(test_extracting_gives_the_digest_piece_by_piece),
    gp_test(test_shake_gives_as_much_as_is_asked_for),
    gp_test(test_vectors_of_macs),
    gp_test(test_cbc_mac_is_the_last_block_of_cbc),
    gp_test(test_padding_of_cbc_macs),
    gp_test(test_the_same_as_the_library),
    gp_test(test_short_lengths),
};

run_in_every_profile(tests)
