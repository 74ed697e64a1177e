/* SPDX-License-Identifier: BSD-2-Clause */
/* The key ladder, and that keys are wiped (crypto/crypto.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* --- The ladder ---------------------------------------------------------------------------- */

static void test_head_of_a_published_store_opens(void **state)
{
    static const uint8_t empty[16];
    struct fixture *fixture = *state;
    struct crypto_key *key;
    uint8_t wrapped[16], meta[16];

    unhex(wrapped_text, wrapped);
    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &key), COFFER_OK);
    memset(meta, 0xff, sizeof(meta));
    assert_int_equal(open_published_head(fixture->crypto, key, meta), COFFER_OK);
    assert_memory_equal(meta, "\x18", 1); /* the object's own head of 24 bytes, and no data */
    assert_memory_equal(meta + 1, empty, 15);
    crypto_key_drop(fixture->crypto, key);
}

/* What one root unwraps, the published FEK opens; another root's doesn't. */
static enum coffer_status try_root(struct fixture *fixture, enum crypto_root root, const char *key,
                                   bool plain)
{
    struct crypto_key *fek;
    enum coffer_status status;
    uint8_t wrapped[16], meta[16];

    crypto_close(fixture->crypto);
    fixture->crypto = NULL;
    assert_int_equal(open_with(fixture, root, key, plain, 2), COFFER_OK);
    unhex(wrapped_text, wrapped);
    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &fek), COFFER_OK);
    status = open_published_head(fixture->crypto, fek, meta);
    crypto_key_drop(fixture->crypto, fek);
    return status;
}

static void test_root_decides(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(try_root(fixture, CRYPTO_ROOT_HUK, huk_text, false), COFFER_OK);
    assert_int_equal(try_root(fixture, CRYPTO_ROOT_SSK, ssk_text, false), COFFER_OK);
    assert_int_equal(try_root(fixture, CRYPTO_ROOT_SSK, ssk_text, true), COFFER_OK);
    assert_int_equal(try_root(fixture, CRYPTO_ROOT_HUK, huk_text, true), COFFER_CORRUPT);
    assert_int_equal(try_root(fixture, CRYPTO_ROOT_HUK, ssk_text, false), COFFER_CORRUPT);
}

/* The SSK is looked for where it must be: in secure memory. The values for 32 bytes and for
 * huk_plain are HMAC-SHA-256 by another implementation. */
static void test_ssk_has_the_known_values(void **state)
{
    static const char huk32[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    static const struct {
        const char *huk;
        bool plain;
        const char *ssk;
    } cases[] = {
        {huk_text, false, ssk_text},
        {huk32, false, "5d21115a9eb1a37f4d9f2499c3a4aa0f70f011d26e3c06b34f6493c5bd7134d8"},
        {huk_text, true, "8bee65c960bd92ce9e00636f25a0a391501603b9968ccd9918cae55579690e27"},
        {huk32, true, "4e154f2c27caf88fc2007130012b50c59975f6d64001ff6c05e0b139d10a434a"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 4; i++) {
        crypto_close(fixture->crypto);
        assert_false(memory_has(cases[i].ssk));
        assert_int_equal(open_with(fixture, CRYPTO_ROOT_HUK, cases[i].huk, cases[i].plain, 2),
                         COFFER_OK);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(memory_has(cases[k].ssk), k == i);
        assert_false(memory_has(cases[i].huk)); /* the HUK itself isn't kept */
    }
}

static void test_fek_and_tsk_have_the_published_values(void **state)
{
    struct fixture *fixture = *state;
    struct crypto_key *keys[3];
    uint8_t wrapped[16];

    unhex(wrapped_text, wrapped);
    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &keys[0]),
                     COFFER_OK);
    assert_true(memory_has(fek_text));
    assert_true(wraps_with(tsk_text));
    unhex(catalogue_wrapped_text, wrapped);
    assert_int_equal(crypto_key_unwrap(fixture->crypto, NULL, wrapped, &keys[1]), COFFER_OK);
    assert_true(memory_has(catalogue_fek_text));
    assert_false(wraps_with(tsk_text)); /* the catalogue's took its place */

    /* The other TSK comes back when it is needed. */
    unhex(wrapped_text, wrapped);
    crypto_key_drop(fixture->crypto, keys[0]);
    assert_false(memory_has(fek_text));
    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &keys[2]),
                     COFFER_OK);
    assert_true(memory_has(fek_text));
    assert_true(wraps_with(tsk_text));
    crypto_key_drop(fixture->crypto, keys[1]);
    crypto_key_drop(fixture->crypto, keys[2]);
}

/* The provider is told of a TSK when it is another's turn, and after a failure anew. */
static void test_keys_of_one_ta_set_one_tsk(void **state)
{
    struct fixture *fixture = *state;
    struct crypto_key *key;
    uint8_t wrapped[16];

    unhex(wrapped_text, wrapped);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &key),
                         COFFER_OK);
        crypto_key_drop(fixture->crypto, key);
    }
    assert_int_equal(key_changes, 1);
    crypto_key_drop(fixture->crypto, make_key(fixture));
    assert_int_equal(key_changes, 2);
    fail_at = calls + 2; /* behind the HMAC */
    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped, &key),
                     COFFER_UNSUPPORTED);
    assert_int_equal(key_changes, 2);
    crypto_key_drop(fixture->crypto, make_key(fixture));
    assert_int_equal(key_changes, 3);
    assert_false(memory_has(tsk_text)); /* in secure memory it never is */
}

static void test_made_key_comes_back_from_its_wrapped_form(void **state)
{
    struct fixture *fixture = *state;
    uint8_t wrapped[2][16], in[50] = "text", sealed[50], out[50], iv[16], tag[16];
    uint8_t stranger[CRYPTO_UUID_SIZE];
    struct crypto_key *made, *other, *back;

    assert_int_equal(crypto_key_make(fixture->crypto, fixture->uuid, wrapped[0], &made), COFFER_OK);
    assert_int_equal(crypto_key_make(fixture->crypto, fixture->uuid, wrapped[1], &other),
                     COFFER_OK);
    assert_memory_not_equal(wrapped[0], wrapped[1], 16);
    assert_int_equal(
        crypto_seal(fixture->crypto, made, wrapped[0], 16, in, sealed, sizeof(in), iv, tag),
        COFFER_OK);
    assert_int_equal(
        crypto_unseal(fixture->crypto, other, wrapped[0], 16, sealed, out, sizeof(in), iv, tag),
        COFFER_CORRUPT);

    assert_int_equal(crypto_key_unwrap(fixture->crypto, fixture->uuid, wrapped[0], &back),
                     COFFER_OK);
    assert_int_equal(
        crypto_unseal(fixture->crypto, back, wrapped[0], 16, sealed, out, sizeof(in), iv, tag),
        COFFER_OK);
    assert_memory_equal(in, out, sizeof(in));
    crypto_key_drop(fixture->crypto, back);

    /* The key of one TA is not that of another, nor of the catalogue. */
    memcpy(stranger, fixture->uuid, sizeof(stranger));
    stranger[15] ^= 1;
    assert_int_equal(crypto_key_unwrap(fixture->crypto, stranger, wrapped[0], &back), COFFER_OK);
    assert_int_equal(
        crypto_unseal(fixture->crypto, back, wrapped[0], 16, sealed, out, sizeof(in), iv, tag),
        COFFER_CORRUPT);
    crypto_key_drop(fixture->crypto, back);
    assert_int_equal(crypto_key_unwrap(fixture->crypto, NULL, wrapped[0], &back), COFFER_OK);
    assert_int_equal(
        crypto_unseal(fixture->crypto, back, wrapped[0], 16, sealed, out, sizeof(in), iv, tag),
        COFFER_CORRUPT);
    crypto_key_drop(fixture->crypto, back);
    crypto_key_drop(fixture->crypto, made);
    crypto_key_drop(fixture->crypto, other);
    crypto_key_drop(fixture->crypto, NULL);
}

static void test_wrong_settings_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t key[65] = {1};
    struct crypto *out = NULL;
    static const struct {
        enum crypto_root root;
        size_t size;
        unsigned slots;
    } wrong[] = {
        {CRYPTO_ROOT_HUK, 0, 2},  {CRYPTO_ROOT_HUK, 65, 2},          {CRYPTO_ROOT_SSK, 31, 2},
        {CRYPTO_ROOT_SSK, 33, 2}, {CRYPTO_ROOT_SSK, 16, 2},          {CRYPTO_ROOT_HUK, 16, 1},
        {CRYPTO_ROOT_HUK, 16, 0}, {CRYPTO_ROOT_HUK, 16, UINT32_MAX},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct crypto_settings settings = {
            .root = wrong[i].root, .key = key, .key_size = wrong[i].size, .slots = wrong[i].slots};

        assert_int_equal(crypto_open(fixture->memory, &port, &ciphers, &settings, &out),
                         COFFER_MISUSE);
        assert_null(out);
    }
}

/* --- Wiping -------------------------------------------------------------------------------- */

static void test_keys_are_gone_when_let_go(void **state)
{
    /* Frames are not wiped when given back: what is found missing, crypto and the heap wiped. */
    static const struct memory_settings keep = {.keep_contents = true};
    struct fixture fixture = {0};
    struct crypto_key *key;
    uint8_t wrapped[16], meta[16];

    (void)state;
    open_memory(&fixture, &keep);
    assert_int_equal(open_with(&fixture, CRYPTO_ROOT_HUK, huk_text, false, 2), COFFER_OK);
    unhex(wrapped_text, wrapped);
    assert_int_equal(crypto_key_unwrap(fixture.crypto, fixture.uuid, wrapped, &key), COFFER_OK);
    assert_int_equal(open_published_head(fixture.crypto, key, meta), COFFER_OK);
    assert_true(memory_has_part_of(fek_text));  /* the search finds what is there */
    assert_false(memory_has_part_of(tsk_text)); /* only the provider has it */
    assert_true(memory_has_part_of(ssk_text));
    assert_false(memory_has(huk_text));

    crypto_key_drop(fixture.crypto, key);
    assert_false(memory_has_part_of(fek_text));
    assert_true(memory_has_part_of(ssk_text));

    crypto_close(fixture.crypto);
    assert_false(memory_has_part_of(ssk_text));
    assert_false(memory_has_part_of(tsk_text));

    /* And with a key still held, closing the memory wipes it. */
    assert_int_equal(open_with(&fixture, CRYPTO_ROOT_HUK, huk_text, false, 2), COFFER_OK);
    assert_int_equal(crypto_key_unwrap(fixture.crypto, fixture.uuid, wrapped, &key), COFFER_OK);
    crypto_close(fixture.crypto);
    assert_true(memory_has_part_of(fek_text));
    memory_close(fixture.memory);
    assert_false(memory_has_part_of(fek_text));
    assert_false(memory_has_part_of(ssk_text));
    assert_false(memory_has_part_of(tsk_text));
}

static void test_counters_count(void **state)
{
    struct fixture *fixture = *state;
    struct crypto_key *key = make_key(fixture);
    uint8_t data[100] = {0}, iv[16], tag[16], digest[32];
    struct crypto_counters counters;

    assert_int_equal(crypto_seal(fixture->crypto, key, NULL, 0, data, data, 100, iv, tag),
                     COFFER_OK);
    assert_int_equal(crypto_unseal(fixture->crypto, key, NULL, 0, data, data, 100, iv, tag),
                     COFFER_OK);
    crypto_hash(fixture->crypto, "abc", 3, digest);
    assert_int_equal(digest[0], 0xba);
    crypto_counters(fixture->crypto, &counters);
    assert_int_equal(counters.wraps, 1);
    assert_int_equal(counters.seals, 1);
    assert_int_equal(counters.unseals, 1);
    assert_int_equal(counters.sealed_bytes, 100);
    assert_int_equal(counters.unsealed_bytes, 100);
    assert_int_equal(counters.hashes, 1);
    assert_int_equal(counters.hashed_bytes, 3);
    assert_int_equal(counters.key_loads, 1);
    assert_true(crypto_outside_bytes(fixture->crypto) > 0);
    assert_non_null(strstr(crypto_library(fixture->crypto), "libgcrypt"));
    crypto_key_drop(fixture->crypto, key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        crypto_test(test_head_of_a_published_store_opens),
        crypto_test(test_root_decides),
        crypto_test(test_ssk_has_the_known_values),
        crypto_test(test_fek_and_tsk_have_the_published_values),
        crypto_test(test_keys_of_one_ta_set_one_tsk),
        crypto_test(test_made_key_comes_back_from_its_wrapped_form),
        crypto_test(test_wrong_settings_are_refused),
        cmocka_unit_test(test_keys_are_gone_when_let_go),
        crypto_test(test_counters_count),
    };

    return cmocka_run_group_tests_name("crypto: keys", tests, NULL, NULL);
}
