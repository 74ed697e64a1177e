/* SPDX-License-Identifier: BSD-2-Clause */
/* Sealing, the slots of expanded keys, and every failure (crypto/crypto.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "support/random.h"

/* --- Sealing ------------------------------------------------------------------------------- */

static void test_seal_and_unseal_round_trip(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 66, 4095, 4096};
    struct fixture *fixture = *state;
    struct crypto_key *key = make_key(fixture);
    struct random random;
    uint8_t plain[4096], sealed[4096], back[4096], aad[CRYPTO_AAD_MAX], iv[16], tag[16];

    random_init(&random, "test_seal_and_unseal_round_trip");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t aad_size = 0; aad_size <= CRYPTO_AAD_MAX; aad_size += 16) {
            random_bytes(&random, plain, sizes[i]);
            random_bytes(&random, aad, sizeof(aad));
            assert_int_equal(
                crypto_seal(fixture->crypto, key, aad, aad_size, plain, sealed, sizes[i], iv, tag),
                COFFER_OK);
            assert_int_equal(
                crypto_unseal(fixture->crypto, key, aad, aad_size, sealed, back, sizes[i], iv, tag),
                COFFER_OK);
            assert_true(sizes[i] == 0 || memcmp(plain, back, sizes[i]) == 0);

            /* In place as well. */
            assert_int_equal(
                crypto_seal(fixture->crypto, key, aad, aad_size, back, back, sizes[i], iv, tag),
                COFFER_OK);
            assert_int_equal(
                crypto_unseal(fixture->crypto, key, aad, aad_size, back, back, sizes[i], iv, tag),
                COFFER_OK);
            assert_true(sizes[i] == 0 || memcmp(plain, back, sizes[i]) == 0);
        }
    }
    crypto_key_drop(fixture->crypto, key);
}

static void test_every_flipped_byte_is_refused_and_output_zeroed(void **state)
{
    static const uint8_t zero[4096];
    struct fixture *fixture = *state;
    struct crypto_key *key = make_key(fixture);
    uint8_t plain[300], sealed[300], out[300], aad[36], iv[16], tag[16];
    struct {
        uint8_t *bytes;
        size_t size;
    } parts[] = {{sealed, sizeof(sealed)}, {aad, sizeof(aad)}, {iv, 16}, {tag, 16}};

    memset(plain, 'p', sizeof(plain));
    memset(aad, 'a', sizeof(aad));
    assert_int_equal(
        crypto_seal(fixture->crypto, key, aad, sizeof(aad), plain, sealed, sizeof(plain), iv, tag),
        COFFER_OK);
    for (size_t part = 0; part < 4; part++) {
        for (size_t i = 0; i < parts[part].size; i++) {
            parts[part].bytes[i] ^= 0x40;
            memset(out, 0xee, sizeof(out));
            assert_int_equal(crypto_unseal(fixture->crypto, key, aad, sizeof(aad), sealed, out,
                                           sizeof(out), iv, tag),
                             COFFER_CORRUPT);
            assert_memory_equal(out, zero, sizeof(out));
            parts[part].bytes[i] ^= 0x40;
        }
    }
    assert_int_equal(
        crypto_unseal(fixture->crypto, key, aad, sizeof(aad), sealed, out, sizeof(out), iv, tag),
        COFFER_OK);
    assert_memory_equal(out, plain, sizeof(plain));
    crypto_key_drop(fixture->crypto, key);
}

static int compare_ivs(const void *a, const void *b)
{
    return memcmp(a, b, CRYPTO_IV_SIZE);
}

static void test_every_seal_has_a_fresh_iv(void **state)
{
    enum { COUNT = 5000 };
    static uint8_t ivs[COUNT][CRYPTO_IV_SIZE];
    struct fixture *fixture = *state;
    struct crypto_key *key = make_key(fixture);
    uint8_t byte = 0, tag[16];
    unsigned before = entropy_calls;

    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(crypto_seal(fixture->crypto, key, NULL, 0, &byte, &byte, 1, ivs[i], tag),
                         COFFER_OK);
        /* What has been used is not left in the supply. */
        assert_false(memory_has_bytes(ivs[i], CRYPTO_IV_SIZE));
        assert_true(crypto_is_valid(fixture->crypto));
    }
    assert_in_range(entropy_calls - before, COUNT / 64 - 1, COUNT / 64 + 1);
    qsort(ivs, COUNT, sizeof(ivs[0]), compare_ivs);
    for (unsigned i = 1; i < COUNT; i++)
        assert_memory_not_equal(ivs[i - 1], ivs[i], CRYPTO_IV_SIZE);
    crypto_key_drop(fixture->crypto, key);
}

/* --- Slots --------------------------------------------------------------------------------- */

static void test_more_keys_than_slots(void **state)
{
    enum { KEYS = 11 };
    struct fixture *fixture = *state;
    struct crypto_key *keys[KEYS];
    struct random random;
    uint8_t sealed[KEYS][40], ivs[KEYS][16], tags[KEYS][16], out[40];

    random_init(&random, "test_more_keys_than_slots");
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t plain[40];

        keys[i] = make_key(fixture);
        memset(plain, (int)i, sizeof(plain));
        assert_int_equal(
            crypto_seal(fixture->crypto, keys[i], NULL, 0, plain, sealed[i], 40, ivs[i], tags[i]),
            COFFER_OK);
    }
    for (unsigned round = 0; round < 3000; round++) {
        unsigned i = (unsigned)random_below(&random, KEYS);
        unsigned other = (unsigned)random_below(&random, KEYS);

        assert_int_equal(
            crypto_unseal(fixture->crypto, keys[i], NULL, 0, sealed[i], out, 40, ivs[i], tags[i]),
            COFFER_OK);
        assert_int_equal(out[39], i);
        assert_int_equal(crypto_unseal(fixture->crypto, keys[other], NULL, 0, sealed[i], out, 40,
                                       ivs[i], tags[i]),
                         other == i ? COFFER_OK : COFFER_CORRUPT);
        if (round % 10 == 0) {
            /* A key goes, another comes and takes its block and its slot. */
            crypto_key_drop(fixture->crypto, keys[i]);
            keys[i] = make_key(fixture);
            memset(out, (int)i, sizeof(out));
            assert_int_equal(
                crypto_seal(fixture->crypto, keys[i], NULL, 0, out, sealed[i], 40, ivs[i], tags[i]),
                COFFER_OK);
        }
    }
    for (unsigned i = 0; i < KEYS; i++)
        crypto_key_drop(fixture->crypto, keys[i]);
}

static uint64_t loads(struct fixture *fixture)
{
    struct crypto_counters counters;

    crypto_counters(fixture->crypto, &counters);
    return counters.key_loads;
}

static void use(struct fixture *fixture, struct crypto_key *key)
{
    uint8_t byte = 0, iv[16], tag[16];

    assert_int_equal(crypto_seal(fixture->crypto, key, NULL, 0, &byte, &byte, 1, iv, tag),
                     COFFER_OK);
}

static void test_least_recently_used_slot_is_taken(void **state)
{
    struct fixture *fixture = *state; /* of 4 slots */
    struct crypto_key *keys[5];

    for (unsigned i = 0; i < 5; i++)
        keys[i] = make_key(fixture);
    for (unsigned i = 0; i < 4; i++)
        use(fixture, keys[i]);
    assert_int_equal(loads(fixture), 4);
    for (unsigned i = 0; i < 4; i++)
        use(fixture, keys[i]);
    assert_int_equal(loads(fixture), 4);
    use(fixture, keys[0]);
    use(fixture, keys[4]); /* instead of key 1 */
    assert_int_equal(loads(fixture), 5);
    use(fixture, keys[0]);
    use(fixture, keys[2]);
    use(fixture, keys[3]);
    assert_int_equal(loads(fixture), 5);
    use(fixture, keys[1]); /* instead of key 4 */
    assert_int_equal(loads(fixture), 6);
    crypto_key_drop(fixture->crypto, keys[3]); /* leaves an unused slot, which is taken first */
    use(fixture, keys[4]);
    assert_int_equal(loads(fixture), 7);
    use(fixture, keys[0]);
    use(fixture, keys[1]);
    use(fixture, keys[2]);
    assert_int_equal(loads(fixture), 7);
    for (unsigned i = 0; i < 5; i++) {
        if (i != 3)
            crypto_key_drop(fixture->crypto, keys[i]);
    }
}

/* The key that had to go is not taken for loaded, whatever the failed load left in its slot. */
static void test_failed_load_leaves_an_unused_slot(void **state)
{
    struct fixture *fixture = *state; /* of 4 slots */
    struct crypto_key *keys[5];
    uint8_t byte = 0, iv[16], tag[16];

    for (unsigned i = 0; i < 5; i++)
        keys[i] = make_key(fixture);
    for (unsigned i = 0; i < 4; i++)
        use(fixture, keys[i]);
    assert_int_equal(clears, 0);
    fail_at = calls + 1;
    assert_int_equal(crypto_seal(fixture->crypto, keys[4], NULL, 0, &byte, &byte, 1, iv, tag),
                     COFFER_UNSUPPORTED);
    assert_int_equal(clears, 1);
    assert_int_equal(loads(fixture), 4);
    use(fixture, keys[0]);
    assert_int_equal(loads(fixture), 5);
    for (unsigned i = 0; i < 5; i++)
        crypto_key_drop(fixture->crypto, keys[i]);
}

/* --- Failures ------------------------------------------------------------------------------ */

/* One call of everything; the first failure ends it, with nothing left behind. */
static enum coffer_status scenario(struct fixture *fixture)
{
    struct crypto_key *keys[2] = {NULL, NULL};
    uint8_t wrapped[16], plain[64] = "plain", sealed[64], out[64], iv[16], tag[16];
    enum coffer_status status = open_with(fixture, CRYPTO_ROOT_HUK, huk_text, false, 2);

    if (status != COFFER_OK)
        return status;
    status = crypto_key_make(fixture->crypto, fixture->uuid, wrapped, &keys[0]);
    if (status == COFFER_OK)
        status = crypto_key_unwrap(fixture->crypto, NULL, wrapped, &keys[1]);
    for (unsigned i = 0; status == COFFER_OK && i < 20; i++) {
        memset(iv, 0x11, sizeof(iv));
        memset(tag, 0x22, sizeof(tag));
        status = crypto_seal(fixture->crypto, keys[i % 2], iv, 16, plain, sealed, 64, iv, tag);
        if (status != COFFER_OK) {
            assert_int_equal(iv[0], 0x11);
            assert_int_equal(tag[0], 0x22);
        }
    }
    if (status == COFFER_OK) {
        uint8_t aad[16];

        memset(aad, 0x11, sizeof(aad));
        memset(out, 0xee, sizeof(out));
        status = crypto_unseal(fixture->crypto, keys[1], aad, 16, sealed, out, 64, iv, tag);
        if (status != COFFER_OK)
            assert_int_equal(out[0], 0);
        else
            assert_memory_equal(out, plain, 64);
    }
    if (status == COFFER_OK) {
        status = crypto_random(fixture->crypto, out, sizeof(out));
        if (status != COFFER_OK)
            assert_int_equal(out[5], 0);
    }
    crypto_key_drop(fixture->crypto, keys[0]);
    crypto_key_drop(fixture->crypto, keys[1]);
    crypto_close(fixture->crypto);
    return status;
}

static void test_each_failing_call_is_an_error_and_leaves_nothing(void **state)
{
    static const struct memory_settings none;
    struct fixture fixture = {0};
    struct coffer_pool_statistics pool;
    unsigned n = 0;
    enum coffer_status status;

    (void)state;
    do {
        open_memory(&fixture, &none);
        fail_at = ++n;
        status = scenario(&fixture);
        assert_int_equal(status == COFFER_OK, calls < fail_at);
        assert_int_equal(fixture.memory->account.wrong_frees, 0);
        coffer_pool_statistics(fixture.memory->pool, &pool);
        assert_int_equal(pool.blocks, 0);
        assert_false(memory_has(ssk_text));
        assert_int_equal(locks, 0);
        memory_close(fixture.memory);
    } while (status != COFFER_OK);
    assert_true(n > 25);
}

static unsigned refuse_at;

static bool refuse(void *argument, struct owner owner, size_t size)
{
    unsigned *count = argument;

    (void)owner;
    (void)size;
    return ++*count == refuse_at;
}

static void test_each_refused_allocation_is_no_memory(void **state)
{
    unsigned count = 0;
    const struct memory_settings settings = {.refuse = refuse, .refuse_argument = &count};
    struct fixture fixture = {0};
    struct coffer_pool_statistics pool;
    enum coffer_status status;
    unsigned n = 0;

    (void)state;
    do {
        refuse_at = 0;
        open_memory(&fixture, &settings);
        count = 0;
        refuse_at = ++n;
        status = scenario(&fixture);
        if (count >= refuse_at)
            assert_int_equal(status, COFFER_NO_MEMORY);
        else
            assert_int_equal(status, COFFER_OK);
        coffer_pool_statistics(fixture.memory->pool, &pool);
        assert_int_equal(pool.blocks, 0);
        refuse_at = 0;
        memory_close(fixture.memory);
    } while (status != COFFER_OK);
    assert_true(n > 3);
}

static void test_zero_entropy_makes_no_key(void **state)
{
    struct fixture *fixture = *state;
    struct crypto_key *key = NULL;
    uint8_t wrapped[16] = {0};

    entropy_is_zero = true;
    assert_int_equal(crypto_key_make(fixture->crypto, fixture->uuid, wrapped, &key), COFFER_IO);
    assert_null(key);
    assert_true(wrapped[0] == 0 && wrapped[15] == 0);
    entropy_is_zero = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        crypto_test(test_seal_and_unseal_round_trip),
        crypto_test(test_every_flipped_byte_is_refused_and_output_zeroed),
        crypto_test(test_every_seal_has_a_fresh_iv),
        crypto_test(test_more_keys_than_slots),
        crypto_test(test_least_recently_used_slot_is_taken),
        crypto_test(test_failed_load_leaves_an_unused_slot),
        cmocka_unit_test(test_each_failing_call_is_an_error_and_leaves_nothing),
        cmocka_unit_test(test_each_refused_allocation_is_no_memory),
        crypto_test(test_zero_entropy_makes_no_key),
    };

    return cmocka_run_group_tests_name("crypto: sealing", tests, NULL, NULL);
}
