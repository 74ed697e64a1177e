/* SPDX-License-Identifier: BSD-2-Clause */
/* Symmetric ciphers and authenticated encryption (6.4, 6.6) against published vectors, in every
 * cut, in place, and copied in the midst. */
#include "keys.h"

#include <gcrypt.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "gp/operations.h"
#include "gp/provider.h"
#include "support/random.h"

#define assert_panics(call, code, where) assert_panics_in(call, TEE_ERROR_##code, GP_CALL_##where)
#define VECTORS(table)                   (sizeof(table) / sizeof((table)[0]))

#define SIZE_MOST 512u

#define TEXT                                                                                       \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                             \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define KEY     "2b7e151628aed2a6abf7158809cf4f3c"
#define ZERO    "00000000000000000000000000000000"
#define CHICKEN "636869636b656e207465726979616b69"
#define PLEASE                                                                                     \
    "4920776f756c64206c696b65207468652047656e6572616c20476175277320436869636b656e2c20706c6561736"  \
    "52c20616e6420776f6e746f6e20736f75702e"
#define TRIPLE "0123456789abcdef23456789abcdef01456789abcdef0123"

static const struct vector {
    uint32_t algorithm, type;
    const char *key, *key2, *iv, *plain, *sealed;
} vectors[] = {
    /* SP 800-38A, F.1.1, F.2.1, F.5.1. */
    {TEE_ALG_AES_ECB_NOPAD, TEE_TYPE_AES, KEY, NULL, "", TEXT,
     "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
     "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"},
    {TEE_ALG_AES_CBC_NOPAD, TEE_TYPE_AES, KEY, NULL, "000102030405060708090a0b0c0d0e0f", TEXT,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
    {TEE_ALG_AES_CTR, TEE_TYPE_AES, KEY, NULL, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", TEXT,
     "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
     "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
    /* FIPS 81, SP 800-67. */
    {TEE_ALG_DES_ECB_NOPAD, TEE_TYPE_DES, "0123456789abcdef", NULL, "",
     "4e6f77206973207468652074696d6520666f7220616c6c20",
     "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"},
    {TEE_ALG_DES_CBC_NOPAD, TEE_TYPE_DES, "0123456789abcdef", NULL, "1234567890abcdef",
     "4e6f77206973207468652074696d6520666f7220616c6c20",
     "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
    {TEE_ALG_DES3_ECB_NOPAD, TEE_TYPE_DES3, TRIPLE, NULL, "",
     "5468652071756663"
     "6b2062726f776e20"
     "666f78206a756d70",
     "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900"},
    /* RFC 3962, appendix B. */
    {TEE_ALG_AES_CTS, TEE_TYPE_AES, CHICKEN, NULL, ZERO, PLEASE,
     "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8"
     "4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8"},
    {TEE_ALG_AES_CTS, TEE_TYPE_AES, CHICKEN, NULL, ZERO, "4920776f756c64206c696b652074686520",
     "c6353568f2bf8cb4d8a580362da7ff7f97"},
    {TEE_ALG_AES_CTS, TEE_TYPE_AES, CHICKEN, NULL, ZERO,
     "4920776f756c64206c696b65207468652047656e6572616c20476175277320",
     "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"},
    {TEE_ALG_AES_CTS, TEE_TYPE_AES, CHICKEN, NULL, ZERO,
     "4920776f756c64206c696b65207468652047656e6572616c2047617527732043",
     "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"},
    /* IEEE 1619, vectors 2, 15 and 18. */
    {TEE_ALG_AES_XTS, TEE_TYPE_AES, "11111111111111111111111111111111",
     "22222222222222222222222222222222", "33333333330000000000000000000000",
     "4444444444444444444444444444444444444444444444444444444444444444",
     "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"},
    {TEE_ALG_AES_XTS, TEE_TYPE_AES, "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0",
     "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
     "000102030405060708090a0b0c0d0e0f10", "6c1625db4671522d3d7599601de7ca09ed"},
    {TEE_ALG_AES_XTS, TEE_TYPE_AES, "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0",
     "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0", "9a785634120000000000000000000000",
     "000102030405060708090a0b0c0d0e0f10111213", "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac"},
};

static void set_keys(TEE_OperationHandle handle, uint32_t type, const uint8_t *key,
                     const uint8_t *key2, size_t size)
{
    TEE_ObjectHandle one = secret(type, key, size);
    TEE_ObjectHandle two = TEE_HANDLE_NULL;

    if (key2 != NULL) {
        two = secret(type, key2, size);
        assert_success(TEE_SetOperationKey2(handle, one, two));
    } else {
        assert_success(TEE_SetOperationKey(handle, one));
    }
    TEE_FreeTransientObject(one);
    TEE_FreeTransientObject(two);
}

/* An operation and one to copy it to, both with the vector's keys. */
static void open_pair(const struct vector *v, uint32_t mode, TEE_OperationHandle handles[2])
{
    uint8_t key[32], key2[32];
    size_t size = unhex(v->key, key);

    if (v->key2 != NULL)
        unhex(v->key2, key2);
    for (unsigned i = 0; i < 2; i++)
        assert_success(TEE_AllocateOperation(&handles[i], v->algorithm, mode, (uint32_t)size * 8));
    set_keys(handles[0], v->type, key, v->key2 != NULL ? key2 : NULL, size);
}

static void close_pair(TEE_OperationHandle handles[2])
{
    TEE_FreeOperation(handles[0]);
    TEE_FreeOperation(handles[1]);
}

static void init(const struct vector *v, TEE_OperationHandle handle)
{
    uint8_t iv[16];
    size_t size = unhex(v->iv, iv);

    TEE_CipherInit(handle, iv, size);
}

static void check_vector(const struct vector *v, uint32_t mode)
{
    uint8_t in[SIZE_MOST], expected[SIZE_MOST], out[SIZE_MOST];
    size_t size = unhex(mode == TEE_MODE_ENCRYPT ? v->plain : v->sealed, in);
    TEE_OperationHandle handles[2];
    size_t got;

    unhex(mode == TEE_MODE_ENCRYPT ? v->sealed : v->plain, expected);
    open_pair(v, mode, handles);
    /* In two parts, cut anywhere, the second done by a copy too; in place. */
    for (size_t cut = 0; cut <= size; cut++) {
        for (unsigned in_place = 0; in_place < 2; in_place++) {
            size_t first = sizeof(out);
            size_t rest = first;
            size_t again;
            uint8_t copied[SIZE_MOST];

            init(v, handles[0]);
            memcpy(out, in, size);
            assert_success(TEE_CipherUpdate(handles[0], in_place ? out : in, cut, out, &first));
            assert_true(first <= cut);
            TEE_CopyOperation(handles[1], handles[0]);
            again = rest;
            assert_success(TEE_CipherDoFinal(handles[1], in + cut, size - cut, copied, &again));
            assert_success(TEE_CipherDoFinal(handles[0], in + cut, size - cut, out + first, &rest));
            assert_int_equal(first + rest, size);
            assert_memory_equal(out, expected, size);
            assert_int_equal(again, rest);
            assert_memory_equal(copied, expected + first, rest);
        }
    }
    /* Byte by byte. */
    init(v, handles[0]);
    got = 0;
    for (size_t i = 0; i < size; i++) {
        size_t now = sizeof(out) - got;

        assert_success(TEE_CipherUpdate(handles[0], in + i, 1, out + got, &now));
        got += now;
    }
    {
        size_t now = sizeof(out) - got;

        assert_success(TEE_CipherDoFinal(handles[0], NULL, 0, out + got, &now));
        assert_int_equal(got + now, size);
    }
    assert_memory_equal(out, expected, size);
    close_pair(handles);
}

static void test_vectors_of_ciphers(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(vectors); i++) {
        check_vector(&vectors[i], TEE_MODE_ENCRYPT);
        check_vector(&vectors[i], TEE_MODE_DECRYPT);
    }
}

static void test_short_buffer_of_a_cipher_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(vectors); i++) {
        uint8_t in[SIZE_MOST], expected[SIZE_MOST], out[SIZE_MOST];
        size_t size = unhex(vectors[i].plain, in), first = 0, rest;
        TEE_OperationHandle handles[2];
        TEE_Result result;

        unhex(vectors[i].sealed, expected);
        open_pair(&vectors[i], TEE_MODE_ENCRYPT, handles);
        init(&vectors[i], handles[0]);
        result = TEE_CipherUpdate(handles[0], in, size - 1, out, &first);
        if (result == TEE_ERROR_SHORT_BUFFER)
            result = TEE_CipherUpdate(handles[0], in, size - 1, out, &first);
        assert_success(result);
        rest = size - first - 1;
        assert_result(TEE_CipherDoFinal(handles[0], in + size - 1, 1, out + first, &rest),
                      TEE_ERROR_SHORT_BUFFER);
        assert_int_equal(rest, size - first);
        assert_success(TEE_CipherDoFinal(handles[0], in + size - 1, 1, out + first, &rest));
        assert_memory_equal(out, expected, size);
        close_pair(handles);
    }
}

/* --- Authenticated encryption --- */

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_TEXT                                                                                   \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define CCM_KEY "404142434445464748494a4b4c4d4e4f"

static const struct sealed {
    uint32_t algorithm;
    const char *key, *nonce, *aad, *plain, *sealed, *tag;
} sealed[] = {
    /* GCM's specification, test cases 1, 2, 4, 5, 6 and one with a key of 256 bits (16). */
    {TEE_ALG_AES_GCM, ZERO, "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {TEE_ALG_AES_GCM, ZERO, "000000000000000000000000", "", ZERO,
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {TEE_ALG_AES_GCM, GCM_KEY, "cafebabefacedbaddecaf888", GCM_AAD, GCM_TEXT,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {TEE_ALG_AES_GCM, GCM_KEY, "cafebabefacedbad", GCM_AAD, GCM_TEXT,
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {TEE_ALG_AES_GCM, GCM_KEY,
     "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
     "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
     GCM_AAD, GCM_TEXT,
     "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7"
     "01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5",
     "619cc5aefffe0bfa462af43c1699d050"},
    {TEE_ALG_AES_GCM, GCM_KEY GCM_KEY, "cafebabefacedbaddecaf888", GCM_AAD, GCM_TEXT,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* SP 800-38C, examples 1 to 3. */
    {TEE_ALG_AES_CCM, CCM_KEY, "10111213141516", "0001020304050607", "20212223", "7162015b",
     "4dac255d"},
    {TEE_ALG_AES_CCM, CCM_KEY, "1011121314151617", "000102030405060708090a0b0c0d0e0f",
     "202122232425262728292a2b2c2d2e2f", "d2a1f0e051ea5f62081a7792073d593d", "1fc64fbfaccd"},
    {TEE_ALG_AES_CCM, CCM_KEY, "101112131415161718191a1b",
     "000102030405060708090a0b0c0d0e0f10111213", "202122232425262728292a2b2c2d2e2f3031323334353637",
     "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5", "484392fbc1b09951"},
};

struct sealing {
    uint8_t nonce[64], aad[64], plain[SIZE_MOST], sealed[SIZE_MOST], tag[16];
    size_t nonce_size, aad_size, size, tag_size;
};

static void open_sealed(const struct sealed *v, uint32_t mode, struct sealing *s,
                        TEE_OperationHandle handles[2])
{
    uint8_t key[32];
    size_t key_size = unhex(v->key, key);

    s->nonce_size = unhex(v->nonce, s->nonce);
    s->aad_size = unhex(v->aad, s->aad);
    s->size = unhex(v->plain, s->plain);
    s->tag_size = unhex(v->tag, s->tag);
    unhex(v->sealed, s->sealed);
    for (unsigned i = 0; i < 2; i++)
        assert_success(
            TEE_AllocateOperation(&handles[i], v->algorithm, mode, (uint32_t)key_size * 8));
    set_keys(handles[0], TEE_TYPE_AES, key, NULL, key_size);
}

static void ae_init(TEE_OperationHandle handle, const struct sealing *s)
{
    assert_success(TEE_AEInit(handle, s->nonce, s->nonce_size, (uint32_t)s->tag_size * 8,
                              s->aad_size, s->size));
}

/* Cut anywhere, AAD and payload alike; the end done by a copy too; in place. */
static void test_vectors_of_authenticated_encryption(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS(sealed); i++) {
        TEE_OperationHandle seal[2], open[2];
        struct sealing s;

        open_sealed(&sealed[i], TEE_MODE_ENCRYPT, &s, seal);
        open_sealed(&sealed[i], TEE_MODE_DECRYPT, &s, open);
        for (size_t cut = 0; cut <= s.size; cut++) {
            size_t aad_cut = s.aad_size < cut ? s.aad_size : cut;
            uint8_t out[SIZE_MOST], copied[SIZE_MOST], tag[16];
            size_t first = sizeof(out), rest = sizeof(out), again = sizeof(out), tag_size = 16;

            memcpy(out, s.plain, s.size);
            ae_init(seal[0], &s);
            TEE_AEUpdateAAD(seal[0], s.aad, aad_cut);
            TEE_AEUpdateAAD(seal[0], s.aad + aad_cut, s.aad_size - aad_cut);
            assert_success(TEE_AEUpdate(seal[0], out, cut, out, &first));
            assert_int_equal(first, cut);
            TEE_CopyOperation(seal[1], seal[0]);
            assert_success(TEE_AEEncryptFinal(seal[1], out + cut, s.size - cut, copied, &again, tag,
                                              &tag_size));
            assert_memory_equal(tag, s.tag, s.tag_size);
            tag_size = 16;
            assert_success(TEE_AEEncryptFinal(seal[0], out + cut, s.size - cut, out + cut, &rest,
                                              tag, &tag_size));
            assert_int_equal(tag_size, s.tag_size);
            assert_memory_equal(tag, s.tag, s.tag_size);
            assert_memory_equal(out, s.sealed, s.size);
            assert_memory_equal(copied, s.sealed + cut, s.size - cut);

            ae_init(open[0], &s);
            TEE_AEUpdateAAD(open[0], s.aad, s.aad_size);
            first = rest = sizeof(out);
            assert_success(TEE_AEUpdate(open[0], out, cut, out, &first));
            assert_success(TEE_AEDecryptFinal(open[0], out + cut, s.size - cut, out + cut, &rest,
                                              s.tag, s.tag_size));
            assert_memory_equal(out, s.plain, s.size);
        }
        close_pair(seal);
        close_pair(open);
    }
}

static void test_damage_is_found_out(void **state)
{
    (void)state;
    for (size_t i = 2; i < VECTORS(sealed); i++) {
        TEE_OperationHandle open[2];
        struct sealing s;
        uint8_t out[SIZE_MOST], none[SIZE_MOST] = {0};
        size_t size;

        open_sealed(&sealed[i], TEE_MODE_DECRYPT, &s, open);
        for (size_t at = 0; at < s.aad_size + s.size + s.tag_size + 1; at++) {
            struct sealing d = s;

            if (at < s.aad_size)
                d.aad[at] ^= 1;
            else if (at < s.aad_size + s.size)
                d.sealed[at - s.aad_size] ^= 0x80;
            else if (at < s.aad_size + s.size + s.tag_size)
                d.tag[at - s.aad_size - s.size] ^= 0x10;
            ae_init(open[0], &d);
            TEE_AEUpdateAAD(open[0], d.aad, d.aad_size);
            size = sizeof(out);
            memset(out, 0x55, sizeof(out));
            /* At last, whole but for the length of the tag. */
            assert_result(TEE_AEDecryptFinal(open[0], d.sealed, d.size, out, &size, d.tag,
                                             d.tag_size - (at == s.aad_size + s.size + s.tag_size)),
                          TEE_ERROR_MAC_INVALID);
            assert_memory_equal(out, none, s.size);
            assert_int_equal(size, sizeof(out));
        }
        close_pair(open);
    }
}

/* SP 800-38C, example 4: so much AAD that its length takes six bytes. */
static void test_long_aad(void **state)
{
    struct sealing s;
    TEE_OperationHandle handles[2];
    uint8_t aad[256], plain[32], expected[46], out[32], tag[14];
    size_t size = 32, tag_size = 14;

    (void)state;
    open_sealed(&sealed[6], TEE_MODE_ENCRYPT, &s, handles);
    unhex("69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72"
          "b4ac6bec93e8598e7f0dadbcea5b",
          expected);
    for (unsigned i = 0; i < 256; i++)
        aad[i] = (uint8_t)i;
    for (unsigned i = 0; i < 32; i++)
        plain[i] = (uint8_t)(0x20 + i);
    for (unsigned i = 0; i < 13; i++)
        s.nonce[i] = (uint8_t)(0x10 + i);
    assert_success(TEE_AEInit(handles[0], s.nonce, 13, 112, 65536, 32));
    for (unsigned i = 0; i < 256; i++)
        TEE_AEUpdateAAD(handles[0], aad, 256);
    assert_success(TEE_AEEncryptFinal(handles[0], plain, 32, out, &size, tag, &tag_size));
    assert_memory_equal(out, expected, 32);
    assert_memory_equal(tag, expected + 32, 14);
    close_pair(handles);
}

/* A nonce whose hash is 00112233445566778899aabbfffffff0: the counter's last four bytes start again
 * after 15 blocks, and nothing is carried. Made by solving for it; the last block and the tag are
 * another library's. */
static void test_counter_of_gcm_starts_again(void **state)
{
    uint8_t key[16] = {0}, nonce[16], text[1024] = {0}, last[16], tag[16], expected[16];
    size_t size = sizeof(text), tag_size = 16;
    TEE_OperationHandle handle;

    (void)state;
    unhex("e3540a413a88375408ec74c573a63316", nonce);
    unhex("a1d5d97de85d3bfa04c3f111b0ee3adc", last);
    unhex("a516f5bd840ce642f4c9a3f7275a2966", expected);
    assert_success(TEE_AllocateOperation(&handle, TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, 128));
    set_keys(handle, TEE_TYPE_AES, key, NULL, 16);
    assert_success(TEE_AEInit(handle, nonce, 16, 128, 0, 0));
    assert_success(TEE_AEEncryptFinal(handle, text, sizeof(text), text, &size, tag, &tag_size));
    assert_memory_equal(text + 1008, last, 16);
    assert_memory_equal(tag, expected, 16);
    TEE_FreeOperation(handle);
}

/* What is made of a key goes with it. */
static void test_the_key_of_the_hash_is_forgotten(void **state)
{
    const struct gp_operation *operation;
    TEE_OperationHandle handle;
    uint8_t key[16] = {1};

    (void)state;
    assert_success(TEE_AllocateOperation(&handle, TEE_ALG_AES_GCM, TEE_MODE_ENCRYPT, 128));
    operation = gp_operation_find(gp_current(), handle, TEE_OPERATION_AE);
    assert_non_null(operation);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(bytes_are_zero(operation->ghash_key, gp_fixture.tee.provider->ghash_key_size));
        set_keys(handle, TEE_TYPE_AES, key, NULL, 16);
        assert_false(bytes_are_zero(operation->ghash_key, gp_fixture.tee.provider->ghash_key_size));
        assert_success(TEE_SetOperationKey(handle, TEE_HANDLE_NULL));
    }
    TEE_FreeOperation(handle);
}

/* --- Against another implementation --- */

static const struct other {
    uint32_t algorithm;
    int mode;
} others[] = {
    {TEE_ALG_AES_ECB_NOPAD, GCRY_CIPHER_MODE_ECB}, {TEE_ALG_AES_CBC_NOPAD, GCRY_CIPHER_MODE_CBC},
    {TEE_ALG_AES_CTR, GCRY_CIPHER_MODE_CTR},       {TEE_ALG_AES_XTS, GCRY_CIPHER_MODE_XTS},
    {TEE_ALG_AES_GCM, GCRY_CIPHER_MODE_GCM},       {TEE_ALG_AES_CCM, GCRY_CIPHER_MODE_CCM},
};

struct message {
    uint8_t key[64], iv[16], aad[64], plain[3000];
    size_t aad_size, size, iv_size;
};

/* What the library makes of it; the tag behind. */
static void reference(const struct other *other, const struct message *m, uint8_t *out)
{
    uint64_t sizes[3] = {m->size, m->aad_size, 16};
    bool is_ae = other->algorithm >> 28 == TEE_OPERATION_AE;
    gcry_cipher_hd_t handle;

    assert_int_equal(gcry_cipher_open(&handle, GCRY_CIPHER_AES256, other->mode, 0), 0);
    assert_int_equal(
        gcry_cipher_setkey(handle, m->key, other->mode == GCRY_CIPHER_MODE_XTS ? 64 : 32), 0);
    if (other->mode == GCRY_CIPHER_MODE_CTR)
        assert_int_equal(gcry_cipher_setctr(handle, m->iv, 16), 0);
    else if (other->mode != GCRY_CIPHER_MODE_ECB)
        assert_int_equal(gcry_cipher_setiv(handle, m->iv, m->iv_size), 0);
    if (other->mode == GCRY_CIPHER_MODE_CCM)
        assert_int_equal(gcry_cipher_ctl(handle, GCRYCTL_SET_CCM_LENGTHS, sizes, sizeof(sizes)), 0);
    if (is_ae)
        assert_int_equal(gcry_cipher_authenticate(handle, m->aad, m->aad_size), 0);
    assert_int_equal(gcry_cipher_encrypt(handle, out, m->size, m->plain, m->size), 0);
    if (is_ae)
        assert_int_equal(gcry_cipher_gettag(handle, out + m->size, 16), 0);
    gcry_cipher_close(handle);
}

/* Go on with a copy, which is the new `*handle`; what is left behind is of no use any more. */
static void swap_for_copy(TEE_OperationHandle *handle, TEE_OperationHandle *spare)
{
    TEE_OperationHandle left = *handle;

    TEE_CopyOperation(*spare, left);
    TEE_ResetOperation(left);
    *handle = *spare;
    *spare = left;
}

static void add_aad(TEE_OperationHandle *handle, TEE_OperationHandle *spare, struct random *random,
                    const struct message *m)
{
    size_t taken = 0;

    while (random_below(random, 4) != 0) {
        size_t piece = (size_t)random_below(random, m->aad_size - taken + 1);

        TEE_AEUpdateAAD(*handle, m->aad + taken, piece);
        taken += piece;
        if (random_below(random, 4) == 0)
            swap_for_copy(handle, spare);
    }
    TEE_AEUpdateAAD(*handle, m->aad + taken, m->aad_size - taken);
}

/* Ours, in random pieces and in place, now and then by a copy. */
static void in_pieces(const struct other *other, struct random *random, const struct message *m,
                      uint8_t *out)
{
    bool is_ae = other->algorithm >> 28 == TEE_OPERATION_AE;
    bool is_xts = other->algorithm == TEE_ALG_AES_XTS;
    TEE_OperationHandle handle, spare;
    size_t got = 0;
    size_t taken = 0;
    size_t now;
    size_t tag_size = 16;

    assert_success(TEE_AllocateOperation(&handle, other->algorithm, TEE_MODE_ENCRYPT, 256));
    assert_success(TEE_AllocateOperation(&spare, other->algorithm, TEE_MODE_ENCRYPT, 256));
    set_keys(handle, TEE_TYPE_AES, m->key, is_xts ? m->key + 32 : NULL, 32);
    memcpy(out, m->plain, m->size);
    if (is_ae) {
        assert_success(TEE_AEInit(handle, m->iv, m->iv_size, 128, m->aad_size, m->size));
        add_aad(&handle, &spare, random, m);
    } else {
        TEE_CipherInit(handle, m->iv, 16);
    }
    while (random_below(random, 4) != 0) {
        size_t piece = (size_t)random_below(random, m->size - taken + 1);

        now = m->size + 16 - got;
        /* As TAs do: input and output in one buffer, the output behind. */
        assert_success(is_ae ? TEE_AEUpdate(handle, out + taken, piece, out + got, &now)
                             : TEE_CipherUpdate(handle, m->plain + taken, piece, out + got, &now));
        taken += piece;
        got += now;
        if (random_below(random, 4) == 0)
            swap_for_copy(&handle, &spare);
    }
    now = m->size - got;
    if (is_ae)
        assert_success(TEE_AEEncryptFinal(handle, out + taken, m->size - taken, out + got, &now,
                                          out + m->size, &tag_size));
    else if (got == taken)
        assert_success(TEE_CipherDoFinal(handle, out + taken, m->size - taken, out + got, &now));
    else
        assert_success(
            TEE_CipherDoFinal(handle, m->plain + taken, m->size - taken, out + got, &now));
    assert_int_equal(got + now, m->size);
    TEE_FreeOperation(handle);
    TEE_FreeOperation(spare);
}

static void test_the_same_as_the_library(void **state)
{
    static struct message m;
    static uint8_t one[3016], other[3016];
    struct random random;
    unsigned rounds = getenv("COFFER_DEEP") != NULL ? 20000 : 1000;

    (void)state;
    random_init(&random, "test_the_same_as_the_library");
    for (unsigned i = 0; i < rounds; i++) {
        const struct other *against = &others[random_below(&random, VECTORS(others))];
        size_t tag = against->algorithm >> 28 == TEE_OPERATION_AE ? 16 : 0;

        random_bytes(&random, m.key, sizeof(m.key));
        random_bytes(&random, m.iv, sizeof(m.iv));
        if (random_below(&random, 2) == 0) /* counters that are soon at their end */
            memset(m.iv + 2, 0xff, 14);
        random_bytes(&random, m.aad, sizeof(m.aad));
        random_bytes(&random, m.plain, sizeof(m.plain));
        m.aad_size = (size_t)random_below(&random, 65);
        m.size = (size_t)random_below(&random, 3000 - 16) + 16;
        m.iv_size = against->mode == GCRY_CIPHER_MODE_CCM   ? 7 + (size_t)random_below(&random, 7)
                    : against->mode == GCRY_CIPHER_MODE_GCM ? 1 + (size_t)random_below(&random, 16)
                                                            : 16;
        if (against->mode == GCRY_CIPHER_MODE_ECB || against->mode == GCRY_CIPHER_MODE_CBC)
            m.size -= m.size % 16;
        reference(against, &m, one);
        in_pieces(against, &random, &m, other);
        assert_memory_equal(one, other, m.size + tag);
    }
}

static void test_short_lengths(void **state)
{
    TEE_OperationHandle handles[2];
    struct sealing s;
    uint8_t out[SIZE_MOST], tag[16];
    uint32_t size = 2, tag_size = 16;

    (void)state;
    open_pair(&vectors[2], TEE_MODE_ENCRYPT, handles); /* CTR */
    init(&vectors[2], handles[0]);
    assert_result(__GP11_TEE_CipherUpdate(handles[0], "abc", 3, out, &size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 3);
    assert_success(__GP11_TEE_CipherUpdate(handles[0], "abc", 3, out, &size));
    assert_success(__GP11_TEE_CipherDoFinal(handles[0], NULL, 0, NULL, NULL));
    close_pair(handles);
    open_sealed(&sealed[3], TEE_MODE_ENCRYPT, &s, handles);
    ae_init(handles[0], &s);
    TEE_AEUpdateAAD(handles[0], s.aad, s.aad_size);
    size = sizeof(out);
    assert_success(__GP11_TEE_AEUpdate(handles[0], s.plain, 5, out, &size));
    assert_int_equal(size, 5);
    size = sizeof(out);
    assert_success(__GP11_TEE_AEEncryptFinal(handles[0], s.plain + 5, (uint32_t)s.size - 5, out + 5,
                                             &size, tag, &tag_size));
    assert_int_equal(size, s.size - 5);
    assert_memory_equal(tag, s.tag, 16);
    assert_memory_equal(out, s.sealed, s.size);
    close_pair(handles);
    open_sealed(&sealed[3], TEE_MODE_DECRYPT, &s, handles);
    ae_init(handles[0], &s);
    TEE_AEUpdateAAD(handles[0], s.aad, s.aad_size);
    size = sizeof(out);
    assert_success(
        __GP11_TEE_AEDecryptFinal(handles[0], out, (uint32_t)s.size, out, &size, tag, 16));
    assert_int_equal(size, s.size);
    assert_memory_equal(out, s.plain, s.size);
    close_pair(handles);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_vectors_of_ciphers),
    gp_test(test_short_buffer_of_a_cipher_changes_nothing),
    gp_test(test_vectors_of_authenticated_encryption),
    gp_test(test_damage_is_found_out),
    gp_test(test_long_aad),
    gp_test(test_counter_of_gcm_starts_again),
    gp_test(test_the_key_of_the_hash_is_forgotten),
    gp_test(test_the_same_as_the_library),
    gp_test(test_short_lengths),
};

run_in_every_profile(tests)
