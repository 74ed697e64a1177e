/* SPDX-License-Identifier: BSD-2-Clause */
/* What the front end needs of a cryptographic library (gp/provider.h), against published vectors.
 */
#include <gcrypt.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../ports/linux/tee_gcrypt.h"
#include "hex.h"

#define LIMIT 65536u

static const struct gp_provider *provider;

static int setup(void **state)
{
    provider = linux_tee_provider();
    return provider->start(LIMIT, state) == COFFER_OK ? 0 : -1;
}

/* All contexts are closed, and were accounted for. */
static int teardown(void **state)
{
    struct gp_provider_usage usage;

    provider->usage(*state, &usage);
    assert_int_equal(usage.contexts, 0);
    assert_int_equal(usage.used, 0);
    provider->stop(*state);
    return 0;
}

/* --- Hashes --- */

/* FIPS 180-4 and 202, RFC 1321: of "abc". RFC 2202, RFC 4231 (case 2), NIST's examples of HMAC with
 * SHA-3: the key "Jefe". */
static const struct {
    enum gp_hash hash;
    const char *abc, *jefe;
} hash_vectors[] = {
    {GP_MD5, "900150983cd24fb0d6963f7d28e17f72", "750c783e6ab0b503eaa86e310a5db738"},
    {GP_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {GP_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
     "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
    {GP_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {GP_SHA384,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649"},
    {GP_SHA512,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {GP_SHA3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
     "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66"},
    {GP_SHA3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
     "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5"},
    {GP_SHA3_384,
     "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2"
     "98d88cea927ac7f539f1edf228376d25",
     "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce"
     "48c045dc007f26a21b3f5e0e9df4c20a"},
    {GP_SHA3_512,
     "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
     "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
     "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b"
     "287baec921fd7ca0ee7a0c31d022a95e1fc92ba9d77df883960275beb4e62024"},
};

#define VECTORS(table) (sizeof(table) / sizeof((table)[0]))

static void test_hashes_and_hmacs(void **state)
{
    static const char question[] = "what do ya want for nothing?";

    for (size_t i = 0; i < VECTORS(hash_vectors); i++) {
        uint8_t expected[64], digest[64];
        size_t size = unhex(hash_vectors[i].abc, expected);
        void *context, *copy;

        assert_int_equal(provider->hash_open(*state, hash_vectors[i].hash, false, &context),
                         COFFER_OK);
        assert_int_equal(provider->hash_open(*state, hash_vectors[i].hash, false, &copy),
                         COFFER_OK);
        provider->hash_update(context, "ab", 2);
        provider->hash_update(copy, "forgotten", 9);
        assert_int_equal(provider->hash_copy(copy, context), COFFER_OK);
        provider->hash_update(context, "c", 1);
        assert_int_equal(provider->hash_read(context, digest, size), COFFER_OK);
        assert_memory_equal(digest, expected, size);
        assert_int_equal(provider->hash_read(context, digest, size + 1), COFFER_MISUSE);
        /* The copy knows only "ab", and a reset one knows nothing. */
        provider->hash_update(copy, "x", 1);
        assert_int_equal(provider->hash_read(copy, digest, size), COFFER_OK);
        assert_memory_not_equal(digest, expected, size);
        provider->hash_reset(copy);
        provider->hash_update(copy, "abc", 3);
        assert_int_equal(provider->hash_read(copy, digest, size), COFFER_OK);
        assert_memory_equal(digest, expected, size);
        provider->hash_close(context);
        provider->hash_close(copy);

        unhex(hash_vectors[i].jefe, expected);
        assert_int_equal(provider->hash_open(*state, hash_vectors[i].hash, true, &context),
                         COFFER_OK);
        assert_int_equal(provider->hash_set_key(context, "Other", 5), COFFER_OK);
        provider->hash_update(context, "forgotten", 9);
        assert_int_equal(provider->hash_set_key(context, "Jefe", 4), COFFER_OK);
        for (int again = 0; again < 2; again++) {
            provider->hash_update(context, question, sizeof(question) - 1);
            assert_int_equal(provider->hash_read(context, digest, size), COFFER_OK);
            assert_memory_equal(digest, expected, size);
            provider->hash_reset(context); /* has the key still */
        }
        provider->hash_close(context);
    }
}

/* RFC 4231, case 6: a key longer than a block. */
static void test_hmac_with_a_long_key(void **state)
{
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t key[131], expected[32], digest[32];
    void *context;

    memset(key, 0xaa, sizeof(key));
    unhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", expected);
    assert_int_equal(provider->hash_open(*state, GP_SHA256, true, &context), COFFER_OK);
    assert_int_equal(provider->hash_set_key(context, key, sizeof(key)), COFFER_OK);
    provider->hash_update(context, text, sizeof(text) - 1);
    assert_int_equal(provider->hash_read(context, digest, 32), COFFER_OK);
    assert_memory_equal(digest, expected, 32);
    provider->hash_close(context);
}

/* NIST's example values for SHAKE: of nothing. In pieces, too. */
static void test_shake_gives_any_number_of_bytes(void **state)
{
    static const struct {
        enum gp_hash hash;
        const char *bytes;
    } vectors[] = {
        {GP_SHAKE128, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
        {GP_SHAKE256, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
                      "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be"},
    };

    for (size_t i = 0; i < VECTORS(vectors); i++) {
        uint8_t expected[64], bytes[64];
        size_t size = unhex(vectors[i].bytes, expected);
        void *context;

        assert_int_equal(provider->hash_open(*state, vectors[i].hash, true, &context),
                         COFFER_MISUSE);
        assert_int_equal(provider->hash_open(*state, vectors[i].hash, false, &context), COFFER_OK);
        assert_int_equal(provider->hash_set_key(context, "key", 3), COFFER_MISUSE);
        assert_int_equal(provider->hash_read(context, bytes, 5), COFFER_OK);
        assert_int_equal(provider->hash_read(context, bytes + 5, size - 5), COFFER_OK);
        assert_memory_equal(bytes, expected, size);
        provider->hash_close(context);
    }
}

/* --- Block ciphers --- */

#define SP800_38A_TEXT                                                                             \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define SP800_38A_IV      "000102030405060708090a0b0c0d0e0f"
#define SP800_38A_COUNTER "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define KEY_128           "2b7e151628aed2a6abf7158809cf4f3c"
#define KEY_192           "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define KEY_256           "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define NOW_IS_THE_TIME   "4e6f77206973207468652074696d6520666f7220616c6c20"

static const struct {
    enum gp_block_cipher cipher;
    enum gp_block_mode mode;
    const char *key, *iv, *plain, *sealed;
} block_vectors[] = {
    /* FIPS 197, appendix C. */
    {GP_AES, GP_ECB, "000102030405060708090a0b0c0d0e0f", "", "00112233445566778899aabbccddeeff",
     "69c4e0d86a7b0430d8cdb78070b4c55a"},
    {GP_AES, GP_ECB, "000102030405060708090a0b0c0d0e0f1011121314151617", "",
     "00112233445566778899aabbccddeeff", "dda97ca4864cdfe06eaf70a0ec0d7191"},
    {GP_AES, GP_ECB, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "",
     "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
    /* SP 800-38A, F.1, F.2, F.5. */
    {GP_AES, GP_ECB, KEY_128, "", SP800_38A_TEXT,
     "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
     "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"},
    {GP_AES, GP_ECB, KEY_256, "", SP800_38A_TEXT,
     "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
     "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"},
    {GP_AES, GP_CBC, KEY_128, SP800_38A_IV, SP800_38A_TEXT,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {GP_AES, GP_CBC, KEY_192, SP800_38A_IV, SP800_38A_TEXT,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
    {GP_AES, GP_CTR, KEY_128, SP800_38A_COUNTER, SP800_38A_TEXT,
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
     "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
    {GP_AES, GP_CTR, KEY_256, SP800_38A_COUNTER, SP800_38A_TEXT,
     "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
     "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
    /* FIPS 81, tables B1 and C1; SP 800-67, appendix B. */
    {GP_DES, GP_ECB, "0123456789abcdef", "", NOW_IS_THE_TIME,
     "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"},
    {GP_DES, GP_CBC, "0123456789abcdef", "1234567890abcdef", NOW_IS_THE_TIME,
     "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
    {GP_DES3, GP_ECB, "0123456789abcdef23456789abcdef01456789abcdef0123", "",
     "5468652071756663"
     "6b2062726f776e20"
     "666f78206a756d70",
     "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900"},
    /* Three equal parts make DES; and so do two (a weak key, besides, is a key). */
    {GP_DES3, GP_ECB, "0123456789abcdef0123456789abcdef", "", NOW_IS_THE_TIME,
     "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"},
    {GP_DES, GP_ECB, "0101010101010101", "", "8000000000000000", "95f8a5e5dd31d900"},
};

/* Each at once and block by block, both ways and in place. */
static void test_block_ciphers(void **state)
{
    for (size_t i = 0; i < VECTORS(block_vectors); i++) {
        uint8_t key[32], iv[16] = {0}, chain[16], plain[64], sealed[64], out[64];
        size_t key_size = unhex(block_vectors[i].key, key);
        size_t size = unhex(block_vectors[i].plain, plain);
        size_t block = block_vectors[i].cipher == GP_AES ? 16 : 8;
        void *context;

        unhex(block_vectors[i].iv, iv);
        unhex(block_vectors[i].sealed, sealed);
        assert_int_equal(
            provider->block_open(*state, block_vectors[i].cipher, block_vectors[i].mode, &context),
            COFFER_OK);
        assert_int_equal(provider->block_run(context, true, chain, plain, out, 1), COFFER_MISUSE);
        assert_int_equal(provider->block_set_key(context, key, key_size), COFFER_OK);
        memcpy(chain, iv, sizeof(iv));
        assert_int_equal(provider->block_run(context, true, chain, plain, out, size / block),
                         COFFER_OK);
        assert_memory_equal(out, sealed, size);
        memcpy(chain, iv, sizeof(iv));
        assert_int_equal(provider->block_run(context, false, chain, out, out, size / block),
                         COFFER_OK);
        assert_memory_equal(out, plain, size);
        for (int encrypt = 0; encrypt < 2; encrypt++) {
            memcpy(chain, iv, sizeof(iv));
            for (size_t at = 0; at < size; at += block)
                assert_int_equal(provider->block_run(context, encrypt != 0, chain,
                                                     (encrypt ? plain : sealed) + at, out + at, 1),
                                 COFFER_OK);
            assert_memory_equal(out, encrypt ? sealed : plain, size);
        }
        provider->block_close(context);
    }
}

static void test_a_counter_wraps(void **state)
{
    uint8_t key[16] = {0}, counter[16], zero[48] = {0}, at_once[48], out[16];
    void *context;

    assert_int_equal(provider->block_open(*state, GP_AES, GP_CTR, &context), COFFER_OK);
    assert_int_equal(provider->block_set_key(context, key, 16), COFFER_OK);
    memset(counter, 0xff, sizeof(counter));
    assert_int_equal(provider->block_run(context, true, counter, zero, at_once, 3), COFFER_OK);
    assert_memory_equal(counter, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
    memset(counter, 0, sizeof(counter));
    counter[15] = 1;
    assert_int_equal(provider->block_run(context, true, counter, zero, out, 1), COFFER_OK);
    assert_memory_equal(out, at_once + 32, 16);
    assert_int_equal(counter[15], 2);
    provider->block_close(context);
}

static void test_two_parts_of_a_triple_key_are_three(void **state)
{
    uint8_t key[24], one[8] = {1}, two[8] = {1};
    void *context;

    unhex("0123456789abcdef23456789abcdef010123456789abcdef", key);
    assert_int_equal(provider->block_open(*state, GP_DES3, GP_ECB, &context), COFFER_OK);
    assert_int_equal(provider->block_set_key(context, key, 24), COFFER_OK);
    assert_int_equal(provider->block_run(context, true, NULL, one, one, 1), COFFER_OK);
    assert_int_equal(provider->block_set_key(context, key, 16), COFFER_OK);
    assert_int_equal(provider->block_run(context, true, NULL, two, two, 1), COFFER_OK);
    assert_memory_equal(one, two, 8);
    provider->block_close(context);
}

static void test_wrong_keys_are_refused(void **state)
{
    static const struct {
        enum gp_block_cipher cipher;
        size_t size;
    } wrong[] = {{GP_AES, 0}, {GP_AES, 8}, {GP_AES, 17}, {GP_DES, 7}, {GP_DES, 16}, {GP_DES3, 8}};
    uint8_t key[64] = {0};
    void *context;

    for (size_t i = 0; i < VECTORS(wrong); i++) {
        assert_int_equal(provider->block_open(*state, wrong[i].cipher, GP_ECB, &context),
                         COFFER_OK);
        assert_int_equal(provider->block_set_key(context, key, wrong[i].size), COFFER_MISUSE);
        assert_int_equal(provider->block_run(context, true, NULL, key, key, 1), COFFER_MISUSE);
        provider->block_close(context);
    }
}

/* --- GHASH --- */

/* GCM's specification, test cases 2, 4 and 6 (of the IV): what is hashed, in whole blocks. */
static const struct {
    const char *key, *in, *sum;
} ghash_vectors[] = {
    {"66e94bd4ef8a2c3b884cfa59ca342b2e",
     "0388dace60b6a392f328c2b971b2fe7800000000000000000000000000000080",
     "f38cbb1ad69223dcc3457ae5b6b0f885"},
    {"b83b533708bf535d0aa6e52980d53b78",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2000000000000000000000000"
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e09100000000"
     "00000000000000a000000000000001e0",
     "698e57f70e6ecc7fd9463b7260a9ae5f"},
    {"b83b533708bf535d0aa6e52980d53b78",
     "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
     "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b00000000"
     "000000000000000000000000000001e0",
     "3bab75780a31c059f83d2a44752f9864"},
};

/* At once, block by block, and by copies of the key and of the sum so far. */
static void test_ghash(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(ghash_vectors); i++) {
        uint8_t hash_key[16], in[128], expected[16], sum[16] = {0}, copied_sum[16],
                                                     pieces[16] = {0};
        size_t blocks = unhex(ghash_vectors[i].in, in) / 16;
        void *key = malloc(provider->ghash_key_size), *copy = malloc(provider->ghash_key_size);

        assert_non_null(key);
        assert_non_null(copy);
        assert_int_equal(unhex(ghash_vectors[i].key, hash_key), 16);
        unhex(ghash_vectors[i].sum, expected);
        provider->ghash_set_key(key, hash_key);
        provider->ghash_run(key, sum, in, blocks);
        assert_memory_equal(sum, expected, 16);
        for (size_t block = 0; block < blocks; block++) {
            memcpy(copied_sum, pieces, 16);
            memcpy(copy, key, provider->ghash_key_size);
            provider->ghash_run(key, pieces, in + 16 * block, 1);
            provider->ghash_run(copy, copied_sum, in + 16 * block, blocks - block);
            assert_memory_equal(copied_sum, expected, 16);
        }
        assert_memory_equal(pieces, expected, 16);
        provider->ghash_run(key, pieces, NULL, 0);
        assert_memory_equal(pieces, expected, 16);
        free(key);
        free(copy);
    }
}

/* --- What contexts take --- */

static void test_contexts_are_bounded(void **state)
{
    void *contexts[64] = {NULL};
    struct gp_provider_usage usage;
    unsigned count = 0;

    while (provider->block_open(*state, GP_AES, GP_CBC, &contexts[count]) == COFFER_OK)
        count++;
    provider->usage(*state, &usage);
    assert_in_range(count, 8, 63);
    assert_int_equal(usage.limit, LIMIT);
    assert_int_equal(usage.contexts, count);
    assert_int_equal(usage.refusals, 1);
    assert_true(usage.used <= LIMIT && usage.used_peak == usage.used);
    assert_int_equal(provider->block_open(*state, GP_AES, GP_CBC, &contexts[63]), COFFER_NO_MEMORY);
    provider->block_close(contexts[--count]);
    assert_int_equal(provider->block_open(*state, GP_AES, GP_CBC, &contexts[count++]), COFFER_OK);
    while (count > 0)
        provider->block_close(contexts[--count]);
}

static size_t allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* What is counted is at least what malloc gave. (A replaced malloc keeps no books: nothing to
 * compare.) */
static void test_contexts_are_counted_in_full(void **state)
{
    uint8_t key[32] = {1};

    for (unsigned i = 0; i < GP_HASHES + 3; i++) {
        struct gp_provider_usage before, after;
        size_t given = allocated_bytes();
        void *context;

        provider->usage(*state, &before);
        if (i < GP_HASHES) {
            assert_int_equal(
                provider->hash_open(*state, (enum gp_hash)i, i < GP_SHAKE128, &context), COFFER_OK);
            if (i < GP_SHAKE128)
                assert_int_equal(provider->hash_set_key(context, key, 32), COFFER_OK);
        } else {
            static const size_t sizes[] = {[GP_AES] = 32, [GP_DES] = 8, [GP_DES3] = 24};

            assert_int_equal(provider->block_open(*state, (enum gp_block_cipher)(i - GP_HASHES),
                                                  GP_CBC, &context),
                             COFFER_OK);
            assert_int_equal(provider->block_set_key(context, key, sizes[i - GP_HASHES]),
                             COFFER_OK);
        }
        provider->usage(*state, &after);
        assert_true(after.used - before.used >= allocated_bytes() - given);
        if (i < GP_HASHES)
            provider->hash_close(context);
        else
            provider->block_close(context);
    }
}

/* --- Keys --- */

static void number_of(struct gp_number *number, uint8_t *bytes, size_t capacity)
{
    *number = (struct gp_number){.bytes = bytes, .capacity = capacity};
}

static gcry_mpi_t mpi_of(const struct gp_number *number)
{
    gcry_mpi_t mpi;

    assert_int_equal(gcry_mpi_scan(&mpi, GCRYMPI_FMT_USG, number->bytes, number->size, NULL), 0);
    assert_true(number->size > 0 && number->bytes[0] != 0);
    return mpi;
}

static void test_rsa_keys_fit_together(void **state)
{
    static const unsigned sizes[] = {256, 512, 1024, 1026};

    for (size_t i = 0; i < VECTORS(sizes); i++) {
        uint8_t bytes[8][256];
        struct gp_rsa_key key;
        struct gp_number *numbers[8] = {&key.modulus, &key.exponent, &key.secret, &key.p,
                                        &key.q,       &key.dp,       &key.dq,     &key.inverse};
        gcry_mpi_t v[8], a = gcry_mpi_new(0), b = gcry_mpi_new(0);

        for (unsigned k = 0; k < 8; k++)
            number_of(numbers[k], bytes[k], sizeof(bytes[k]));
        memcpy(bytes[1], "\x01\x00\x01", 3);
        key.exponent.size = 3;
        assert_int_equal(provider->rsa_generate(*state, sizes[i], &key), COFFER_OK);
        for (unsigned k = 0; k < 8; k++)
            v[k] = mpi_of(numbers[k]);
        assert_int_equal(gcry_mpi_get_nbits(v[0]), sizes[i]);
        assert_int_equal(gcry_prime_check(v[3], 0), 0);
        assert_int_equal(gcry_prime_check(v[4], 0), 0);
        gcry_mpi_mul(a, v[3], v[4]);
        assert_int_equal(gcry_mpi_cmp(a, v[0]), 0);
        gcry_mpi_mulm(a, v[4], v[7], v[3]); /* q * inverse = 1 mod p */
        assert_int_equal(gcry_mpi_cmp_ui(a, 1), 0);
        for (unsigned k = 0; k < 2; k++) { /* d, dp and dq undo e */
            gcry_mpi_sub_ui(b, v[3 + k], 1);
            gcry_mpi_mulm(a, v[1], v[2], b);
            assert_int_equal(gcry_mpi_cmp_ui(a, 1), 0);
            gcry_mpi_mulm(a, v[1], v[5 + k], b);
            assert_int_equal(gcry_mpi_cmp_ui(a, 1), 0);
        }
        for (unsigned k = 0; k < 8; k++)
            gcry_mpi_release(v[k]);
        gcry_mpi_release(a);
        gcry_mpi_release(b);
    }
}

static void test_rsa_refuses_what_makes_no_key(void **state)
{
    uint8_t bytes[8][64];
    struct gp_rsa_key key;
    struct gp_number *numbers[8] = {&key.modulus, &key.exponent, &key.secret, &key.p,
                                    &key.q,       &key.dp,       &key.dq,     &key.inverse};

    for (unsigned k = 0; k < 8; k++)
        number_of(numbers[k], bytes[k], sizeof(bytes[k]));
    assert_int_equal(provider->rsa_generate(*state, 256, &key), COFFER_MISUSE); /* e = 0 */
    bytes[1][0] = 4;
    key.exponent.size = 1;
    assert_int_equal(provider->rsa_generate(*state, 256, &key), COFFER_MISUSE);
    bytes[1][0] = 3;
    assert_int_equal(provider->rsa_generate(*state, 255, &key), COFFER_MISUSE);
    assert_int_equal(provider->rsa_generate(*state, 128, &key), COFFER_MISUSE);
    key.modulus.capacity = 31; /* too small: nothing is written */
    assert_int_equal(provider->rsa_generate(*state, 256, &key), COFFER_MISUSE);
    assert_int_equal(key.modulus.size, 0);
    assert_int_equal(key.secret.size, 0);
}

/* A small group that can be checked by hand: p = 23, q = 11, base 4 has order 11. */
static void test_secrets_of_a_group(void **state)
{
    uint8_t p_bytes[1] = {23}, q_bytes[1] = {11}, base_bytes[1] = {4}, x_bytes[4], y_bytes[4];
    struct gp_number p = {p_bytes, 1, 1}, q = {q_bytes, 1, 1}, base = {base_bytes, 1, 1};
    struct gp_number x, y;
    unsigned seen = 0, seen_free = 0;

    number_of(&x, x_bytes, 4);
    number_of(&y, y_bytes, 4);
    for (unsigned i = 0; i < 2000; i++) {
        unsigned power = 1;

        assert_int_equal(provider->power_generate(*state, &p, i % 2 ? &q : NULL, &base, 0, &x, &y),
                         COFFER_OK);
        assert_int_equal(x.size, 1);
        for (unsigned k = 0; k < x_bytes[0]; k++)
            power = power * 4 % 23;
        assert_int_equal(y_bytes[0], power);
        if (i % 2)
            seen |= 1u << x_bytes[0];
        else
            seen_free |= 1u << x_bytes[0];
    }
    assert_int_equal(seen, 0x3fcu);         /* 2 to 9 */
    assert_int_equal(seen_free, 0x3ffffeu); /* 1 to 21 */
    assert_int_equal(provider->power_generate(*state, &p, NULL, &base, 3, &x, &y), COFFER_OK);
    assert_in_range(x_bytes[0], 4, 7);
    assert_int_equal(provider->power_generate(*state, &p, NULL, &base, 6, &x, &y), COFFER_MISUSE);
    assert_int_equal(provider->power_generate(*state, &q, &p, &base, 0, &x, &y), COFFER_MISUSE);
    p.size = 0;
    assert_int_equal(provider->power_generate(*state, &p, NULL, &base, 0, &x, &y), COFFER_MISUSE);
}

static void test_points_are_on_their_curves(void **state)
{
    static const char *const names[] = {"NIST P-192", "NIST P-224", "NIST P-256", "NIST P-384",
                                        "NIST P-521"};
    static const size_t sizes[] = {24, 28, 32, 48, 66};

    for (unsigned i = 0; i < GP_CURVES; i++) {
        uint8_t bytes[3][66];
        struct gp_number d, x, y;
        gcry_ctx_t context;
        gcry_mpi_t mx, my, md, order;
        gcry_mpi_point_t point = gcry_mpi_point_new(0);

        number_of(&d, bytes[0], sizes[i]);
        number_of(&x, bytes[1], sizes[i]);
        number_of(&y, bytes[2], sizes[i]);
        assert_int_equal(provider->curve_generate(*state, (enum gp_curve)i, &d, &x, &y), COFFER_OK);
        md = mpi_of(&d);
        mx = mpi_of(&x);
        my = mpi_of(&y);
        assert_int_equal(gcry_mpi_ec_new(&context, NULL, names[i]), 0);
        order = gcry_mpi_ec_get_mpi("n", context, 1);
        assert_true(gcry_mpi_cmp(md, order) < 0);
        (void)gcry_mpi_point_set(point, mx, my, GCRYMPI_CONST_ONE);
        assert_true(gcry_mpi_ec_curve_point(point, context));
        gcry_mpi_point_release(point);
        gcry_mpi_release(md);
        gcry_mpi_release(mx);
        gcry_mpi_release(my);
        gcry_mpi_release(order);
        gcry_ctx_release(context);
        x.capacity = sizes[i] / 2;
        assert_int_equal(provider->curve_generate(*state, (enum gp_curve)i, &d, &x, &y),
                         COFFER_MISUSE);
    }
}

/* RFC 8032, 7.1, tests 1, 2 and the one of SHA(abc); RFC 7748, 6.1. */
static void test_public_values_of_25519(void **state)
{
    static const struct {
        enum gp_octet_curve curve;
        const char *secret, *public_value;
    } vectors[] = {
        {GP_ED25519, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
        {GP_ED25519, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
        {GP_ED25519, "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
         "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"},
        {GP_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
         "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    };

    for (size_t i = 0; i < VECTORS(vectors); i++) {
        uint8_t secret[32], expected[32], got[32];

        unhex(vectors[i].secret, secret);
        unhex(vectors[i].public_value, expected);
        assert_int_equal(provider->octets_public(*state, vectors[i].curve, secret, got), COFFER_OK);
        assert_memory_equal(got, expected, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ENTRY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        ENTRY(test_hashes_and_hmacs),
        ENTRY(test_hmac_with_a_long_key),
        ENTRY(test_shake_gives_any_number_of_bytes),
        ENTRY(test_block_ciphers),
        ENTRY(test_a_counter_wraps),
        ENTRY(test_two_parts_of_a_triple_key_are_three),
        ENTRY(test_wrong_keys_are_refused),
        ENTRY(test_ghash),
        ENTRY(test_contexts_are_bounded),
        ENTRY(test_contexts_are_counted_in_full),
        ENTRY(test_rsa_keys_fit_together),
        ENTRY(test_rsa_refuses_what_makes_no_key),
        ENTRY(test_secrets_of_a_group),
        ENTRY(test_points_are_on_their_curves),
        ENTRY(test_public_values_of_25519),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
