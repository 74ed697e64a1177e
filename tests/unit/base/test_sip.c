/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-1-3 against another implementation's answers, and what a key is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sip.h"

/* CPython 3.11's hash of the bytes 0, 1, 2, ... with PYTHONHASHSEED=0: the key is all zeros. */
static void test_it_is_siphash_1_3(void **state)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } known[] = {
        {1, UINT64_C(0x68a914128e01e473)},  {7, UINT64_C(0x2f098ab0c751325a)},
        {8, UINT64_C(0xead411e67ebe2eea)},  {15, UINT64_C(0xf30eb725bb91c9ea)},
        {16, UINT64_C(0x8972188433a5c5b7)}, {28, UINT64_C(0x8cd57fe8130d0ac7)},
        {80, UINT64_C(0x2168cee29e04a755)},
    };
    static const uint8_t key[SIP_KEY_SIZE];
    uint8_t bytes[81];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_true(sip_hash(key, bytes, known[i].size) == known[i].hash);
}

static void test_every_bit_of_key_and_data_counts(void **state)
{
    uint8_t key[SIP_KEY_SIZE] = {1, 2, 3};
    uint8_t bytes[21] = {4, 5, 6};
    uint64_t hash = sip_hash(key, bytes, sizeof(bytes));

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(sip_hash(key, bytes, sizeof(bytes)) != hash);
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(sip_hash(key, bytes, sizeof(bytes)) != hash);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(sip_hash(key, bytes, sizeof(bytes) - 1) != hash);
    assert_true(sip_hash(key, bytes, sizeof(bytes)) == hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_siphash_1_3),
        cmocka_unit_test(test_every_bit_of_key_and_data_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
