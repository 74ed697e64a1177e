/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: the ciphers (port/cipher.h), by published vectors and by the contract's own rules.
 *
 * The published vectors of GCM with IVs that are not 96 bits long (McGrew and Viega, "The
 * Galois/Counter Mode of Operation", test cases 4 to 6) have IVs of 12, 8 and 60 bytes; Coffer's
 * have 16. For a 16-byte IV, J0 = (IV * H xor 128) * H, which can be solved for the IV: the IVs
 * below are those whose J0 is the one of the test case, so ciphertext and tag are the published
 * ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "candidates.h"
#include "port/cipher.h"
#include "port/port.h"

#include "support/random.h"

#define SLOTS 4u

static const struct coffer_ciphers *ciphers;

struct fixture {
    void *state;
    size_t footprint;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    if (ciphers->start(SLOTS, &fixture.state, &fixture.footprint) != COFFER_OK)
        return -1;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ciphers->stop(fixture->state);
    return 0;
}

static size_t unhex(const char *text, uint8_t *out)
{
    size_t size = strlen(text) / 2;

    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

static void assert_hex(const uint8_t *bytes, const char *text)
{
    uint8_t expected[256];
    size_t size = unhex(text, expected);

    assert_memory_equal(bytes, expected, size);
}

static const char gcm_key[] = "feffe9928665731c6d6a8f9467308308";
static const char gcm_aad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char gcm_plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";

static const struct {
    const char *iv;
    const char *cipher;
    const char *tag;
} gcm_vectors[] = {
    {"2f58bb213ed9dc5ad3cdfb48833b8def", /* test case 4 */
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"61e6d8f502233c286232f2efd7014e7b", /* test case 5 */
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {"611b06faa95f68732b3f892372caee44", /* test case 6 */
     "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7"
     "01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5",
     "619cc5aefffe0bfa462af43c1699d050"},
};

static void test_gcm_gives_the_published_results(void **state)
{
    struct fixture *fixture = *state;
    uint8_t key[16], iv[16], aad[32], plain[64], out[64], tag[16];

    unhex(gcm_key, key);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        assert_int_equal(ciphers->gcm_set_key(fixture->state, slot, key), COFFER_OK);
        for (size_t i = 0; i < sizeof(gcm_vectors) / sizeof(gcm_vectors[0]); i++) {
            struct cipher_message m = {.iv = iv, .aad = aad, .in = plain, .out = out};

            unhex(gcm_vectors[i].iv, iv);
            m.aad_size = unhex(gcm_aad, aad);
            m.size = unhex(gcm_plain, plain);
            assert_int_equal(ciphers->gcm_encrypt(fixture->state, slot, &m, tag), COFFER_OK);
            assert_hex(out, gcm_vectors[i].cipher);
            assert_hex(tag, gcm_vectors[i].tag);

            /* And back, in place. */
            m.in = out;
            assert_int_equal(ciphers->gcm_decrypt(fixture->state, slot, &m, tag), COFFER_OK);
            assert_hex(out, gcm_plain);
        }
    }
}

/* Sizes and AADs of all kinds, in place and not, one after another in the same slots: nothing of a
 * message may reach the next. */
static void test_gcm_round_trips(void **state)
{
    struct fixture *fixture = *state;
    struct random random;
    uint8_t plain[5000], cipher[5000] = {0}, back[5000];
    uint8_t aad[80], iv[16], tag[16], tag_again[16], key[16];

    random_init(&random, "test_gcm_round_trips");
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        random_bytes(&random, key, sizeof(key));
        assert_int_equal(ciphers->gcm_set_key(fixture->state, slot, key), COFFER_OK);
    }
    for (unsigned round = 0; round < 2000; round++) {
        unsigned slot = (unsigned)random_below(&random, SLOTS);
        struct cipher_message m = {.iv = iv, .aad = aad, .in = plain, .out = cipher};

        m.size = random_below(&random, round % 4 == 0 ? sizeof(plain) : 70);
        m.aad_size = random_below(&random, sizeof(aad));
        random_bytes(&random, plain, m.size);
        random_bytes(&random, aad, sizeof(aad));
        random_bytes(&random, iv, sizeof(iv));
        assert_int_equal(ciphers->gcm_encrypt(fixture->state, slot, &m, tag), COFFER_OK);
        assert_true(m.size < 8 || memcmp(plain, cipher, m.size) != 0);
        memcpy(back, plain, m.size);
        m.in = back;
        m.out = back;
        assert_int_equal(ciphers->gcm_encrypt(fixture->state, slot, &m, tag_again), COFFER_OK);
        assert_memory_equal(tag, tag_again, sizeof(tag));
        assert_true(m.size == 0 || memcmp(back, cipher, m.size) == 0);
        assert_int_equal(ciphers->gcm_decrypt(fixture->state, slot, &m, tag), COFFER_OK);
        assert_true(m.size == 0 || memcmp(back, plain, m.size) == 0);
    }
}

static void assert_refused(struct fixture *fixture, const struct cipher_message *m,
                           const uint8_t *tag)
{
    static const uint8_t zero[256];

    memset(m->out, 0xee, m->size);
    assert_int_equal(ciphers->gcm_decrypt(fixture->state, 0, m, tag), COFFER_CORRUPT);
    assert_memory_equal(m->out, zero, m->size);
}

static void test_gcm_refuses_every_flipped_bit_and_zeroes(void **state)
{
    struct fixture *fixture = *state;
    uint8_t key[16] = {1}, iv[16] = {2}, aad[20] = {3}, in[100] = {4}, out[100], tag[16];
    struct cipher_message m = {
        .iv = iv, .aad = aad, .aad_size = sizeof(aad), .in = in, .out = in, .size = sizeof(in)};
    struct {
        uint8_t *bytes;
        size_t size;
    } parts[] = {{iv, sizeof(iv)}, {aad, sizeof(aad)}, {in, sizeof(in)}, {tag, sizeof(tag)}};

    assert_int_equal(ciphers->gcm_set_key(fixture->state, 0, key), COFFER_OK);
    assert_int_equal(ciphers->gcm_encrypt(fixture->state, 0, &m, tag), COFFER_OK);
    m.out = out;
    for (size_t part = 0; part < 4; part++) {
        for (size_t bit = 0; bit < parts[part].size * 8; bit++) {
            parts[part].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_refused(fixture, &m, tag);
            parts[part].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    m.size--;
    assert_refused(fixture, &m, tag);
    m.size++;
    m.aad_size--;
    assert_refused(fixture, &m, tag);
    m.aad_size++;
    assert_int_equal(ciphers->gcm_decrypt(fixture->state, 0, &m, tag), COFFER_OK);
}

static void test_slots_are_apart_and_cleared(void **state)
{
    struct fixture *fixture = *state;
    uint8_t keys[2][16] = {{1}, {2}}, iv[16] = {9}, in[32] = {0}, out[2][32], again[32], tag[16];
    struct cipher_message m = {.iv = iv, .in = in, .size = sizeof(in)};

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ciphers->gcm_set_key(fixture->state, i, keys[i]), COFFER_OK);
    for (unsigned i = 0; i < 2; i++) {
        m.out = out[i];
        assert_int_equal(ciphers->gcm_encrypt(fixture->state, i, &m, tag), COFFER_OK);
    }
    assert_memory_not_equal(out[0], out[1], sizeof(in));

    ciphers->gcm_clear_key(fixture->state, 0);
    m.out = again;
    assert_int_equal(ciphers->gcm_encrypt(fixture->state, 1, &m, tag), COFFER_OK);
    assert_memory_equal(again, out[1], sizeof(in));
    if (ciphers->gcm_encrypt(fixture->state, 0, &m, tag) == COFFER_OK)
        assert_memory_not_equal(again, out[0], sizeof(in));
    assert_int_equal(ciphers->gcm_set_key(fixture->state, 0, keys[0]), COFFER_OK);
    assert_int_equal(ciphers->gcm_encrypt(fixture->state, 0, &m, tag), COFFER_OK);
    assert_memory_equal(again, out[0], sizeof(in));
}

/* FIPS 197, appendix C.3, and NIST SP 800-38A, F.1.5. */
static void test_ecb_gives_the_published_results(void **state)
{
    static const char key_38a[] =
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    static const struct {
        const char *key, *plain, *cipher;
    } vectors[] = {
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
        {key_38a, "6bc1bee22e409f96e93d7e117393172a", "f3eed1bdb5d2a03c064b5a7e3db181f8"},
        {key_38a, "ae2d8a571e03ac9c9eb76fac45af8e51", "591ccb10d410ed26dc5ba74a31362870"},
        {key_38a, "30c81c46a35ce411e5fbc1191a0a52ef", "b6ed21b99ca6f4f9f153e7b1beafed1d"},
        {key_38a, "f69f2445df4f9b17ad2b417be66c3710", "23304b7a39f9f3ff067d8d8f9e24ecc7"},
    };
    struct fixture *fixture = *state;
    uint8_t key[32], in[16], out[16];

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        unhex(vectors[i].key, key);
        unhex(vectors[i].plain, in);
        assert_int_equal(ciphers->ecb_set_key(fixture->state, key), COFFER_OK);
        assert_int_equal(ciphers->ecb_encrypt(fixture->state, in, out), COFFER_OK);
        assert_hex(out, vectors[i].cipher);
        assert_int_equal(ciphers->ecb_decrypt(fixture->state, out, out), COFFER_OK);
        assert_hex(out, vectors[i].plain);
        assert_int_equal(ciphers->ecb_encrypt(fixture->state, in, in), COFFER_OK);
        assert_hex(in, vectors[i].cipher);
    }
}

/* FIPS 180, the examples of SHA-256. */
static void test_sha256_gives_the_published_results(void **state)
{
    static char million[1000000];
    static const struct {
        const char *text, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct fixture *fixture = *state;
    uint8_t digest[32];

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ciphers->sha256(fixture->state, vectors[i].text, strlen(vectors[i].text), digest);
        assert_hex(digest, vectors[i].digest);
    }
    ciphers->sha256(fixture->state, NULL, 0, digest);
    assert_hex(digest, vectors[0].digest);
    memset(million, 'a', sizeof(million));
    ciphers->sha256(fixture->state, million, sizeof(million), digest);
    assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231; a key is given as a byte and how often, or as itself. */
static void test_hmac_gives_the_published_results(void **state)
{
    static const char long_text[] =
        "This is a test using a larger than block-size key and a larger than block-size data. The "
        "key needs to be hashed before being used by the HMAC algorithm.";
    uint8_t key[131], dd[50], counting[25], digest[32];
    struct fixture *fixture = *state;

    memset(key, 0x0b, 20);
    assert_int_equal(ciphers->hmac_sha256(fixture->state, key, 20, "Hi There", 8, digest),
                     COFFER_OK);
    assert_hex(digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

    assert_int_equal(
        ciphers->hmac_sha256(fixture->state, "Jefe", 4, "what do ya want for nothing?", 28, digest),
        COFFER_OK);
    assert_hex(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa, sizeof(key));
    memset(dd, 0xdd, sizeof(dd));
    assert_int_equal(ciphers->hmac_sha256(fixture->state, key, 20, dd, sizeof(dd), digest),
                     COFFER_OK);
    assert_hex(digest, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");

    for (size_t i = 0; i < sizeof(counting); i++)
        counting[i] = (uint8_t)(i + 1);
    memset(dd, 0xcd, sizeof(dd));
    assert_int_equal(ciphers->hmac_sha256(fixture->state, counting, 25, dd, sizeof(dd), digest),
                     COFFER_OK);
    assert_hex(digest, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");

    assert_int_equal(ciphers->hmac_sha256(fixture->state, key, 131,
                                          "Test Using Larger Than Block-Size Key - Hash Key First",
                                          54, digest),
                     COFFER_OK);
    assert_hex(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");

    assert_int_equal(
        ciphers->hmac_sha256(fixture->state, key, 131, long_text, strlen(long_text), digest),
        COFFER_OK);
    assert_hex(digest, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* --- Which calls may run at once ----------------------------------------------------------- */

#define RIVALS (SLOTS + 1u) /* a thread for each slot, and one for what has none */
#define ROUNDS 1500u

struct rival {
    struct port_thread thread;
    void *state;
    unsigned slot; /* SLOTS: none */
    uint8_t key[2][16];
    uint8_t plain[400], cipher[2][400], tag[2][16]; /* under each of the keys */
    unsigned wrong;
};

static void rival_slot(struct rival *rival, unsigned round)
{
    static const uint8_t iv[16] = {7};
    unsigned which = round / 8 % 2;
    uint8_t out[400], tag[16];
    struct cipher_message m = {.iv = iv, .in = rival->plain, .out = out, .size = sizeof(out)};

    if (round % 8 == 0) {
        ciphers->gcm_clear_key(rival->state, rival->slot);
        rival->wrong += ciphers->gcm_set_key(rival->state, rival->slot, rival->key[which]) !=
                        COFFER_OK;
    }
    rival->wrong += ciphers->gcm_encrypt(rival->state, rival->slot, &m, tag) != COFFER_OK;
    rival->wrong += memcmp(out, rival->cipher[which], sizeof(out)) != 0;
    rival->wrong += memcmp(tag, rival->tag[which], sizeof(tag)) != 0;
    m.in = rival->cipher[!which];
    rival->wrong += ciphers->gcm_decrypt(rival->state, rival->slot, &m, rival->tag[!which]) !=
                    COFFER_CORRUPT;
    m.in = rival->cipher[which];
    rival->wrong += ciphers->gcm_decrypt(rival->state, rival->slot, &m, tag) != COFFER_OK;
    rival->wrong += memcmp(out, rival->plain, sizeof(out)) != 0;
}

/* FIPS 197, C.3; RFC 4231, case 2. */
static void rival_other(struct rival *rival)
{
    uint8_t key[32], in[16], cipher[16], expected[16], digest[32], mac[32];

    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    unhex("00112233445566778899aabbccddeeff", in);
    unhex("8ea2b7ca516745bfeafc49904b496089", expected);
    rival->wrong += ciphers->ecb_set_key(rival->state, key) != COFFER_OK;
    rival->wrong += ciphers->ecb_encrypt(rival->state, in, cipher) != COFFER_OK ||
                    memcmp(cipher, expected, sizeof(cipher)) != 0;
    rival->wrong += ciphers->ecb_decrypt(rival->state, cipher, cipher) != COFFER_OK ||
                    memcmp(cipher, in, sizeof(in)) != 0;
    unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", mac);
    rival->wrong += ciphers->hmac_sha256(rival->state, "Jefe", 4, "what do ya want for nothing?",
                                         28, digest) != COFFER_OK ||
                    memcmp(digest, mac, sizeof(mac)) != 0;
}

static void rival_work(void *argument)
{
    struct rival *rival = argument;
    uint8_t digest[32], expected[32];

    unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (rival->slot < SLOTS)
            rival_slot(rival, round);
        else
            rival_other(rival);
        ciphers->sha256(rival->state, "abc", 3, digest);
        rival->wrong += memcmp(digest, expected, sizeof(digest)) != 0;
    }
}

/* Each slot in the hands of a thread of its own, with keys that come and go; another thread wraps
 * keys and makes MACs, and all of them hash. What comes out was computed by one thread before. */
static void test_slots_stand_alone_among_threads(void **state)
{
    static struct rival rivals[RIVALS];
    static const uint8_t iv[16] = {7};
    const struct coffer_port *port = candidate_threads();
    struct fixture *fixture = *state;
    struct random random;

    if (port == NULL) {
        skip();
        return;
    }
    random_init(&random, "test_slots_stand_alone_among_threads");
    memset(rivals, 0, sizeof(rivals));
    for (unsigned i = 0; i < RIVALS; i++) {
        struct rival *rival = &rivals[i];
        struct cipher_message m = {.iv = iv, .in = rival->plain, .size = sizeof(rival->plain)};

        rival->state = fixture->state;
        rival->slot = i;
        random_bytes(&random, rival->plain, sizeof(rival->plain));
        for (unsigned k = 0; k < 2; k++) {
            random_bytes(&random, rival->key[k], sizeof(rival->key[k]));
            m.out = rival->cipher[k];
            assert_int_equal(ciphers->gcm_set_key(fixture->state, 0, rival->key[k]), COFFER_OK);
            assert_int_equal(ciphers->gcm_encrypt(fixture->state, 0, &m, rival->tag[k]), COFFER_OK);
        }
    }
    for (unsigned i = 0; i < RIVALS; i++)
        assert_int_equal(
            port->thread_start(port->context, &rivals[i].thread, rival_work, &rivals[i]),
            COFFER_OK);
    for (unsigned i = 0; i < RIVALS; i++)
        port->thread_join(port->context, &rivals[i].thread);
    for (unsigned i = 0; i < RIVALS; i++)
        assert_int_equal(rivals[i].wrong, 0);
}

static void test_footprint_is_told(void **state)
{
    struct fixture *fixture = *state;
    void *larger;
    size_t footprint;

    assert_true(fixture->footprint > SLOTS * 176); /* the schedules alone */
    assert_int_equal(ciphers->start(64, &larger, &footprint), COFFER_OK);
    assert_true(footprint > 4 * fixture->footprint);
    ciphers->stop(larger);
    assert_non_null(ciphers->name);
    printf("[   INFO   ] %s: %zu bytes with %u slots, %zu with 64\n", ciphers->name,
           fixture->footprint, SLOTS, footprint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gcm_gives_the_published_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gcm_round_trips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gcm_refuses_every_flipped_bit_and_zeroes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_slots_are_apart_and_cleared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ecb_gives_the_published_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sha256_gives_the_published_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hmac_gives_the_published_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slots_stand_alone_among_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_footprint_is_told, set_up, tear_down),
    };
    int failures = 0;

    for (size_t i = 0; i < candidate_count; i++) {
        if (candidates[i].ciphers == NULL)
            continue;
        ciphers = candidates[i].ciphers();
        failures += cmocka_run_group_tests_name(candidates[i].name, tests, NULL, NULL);
    }
    return failures;
}
