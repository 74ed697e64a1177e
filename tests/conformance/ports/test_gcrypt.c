/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the contract of the ciphers can't see on Linux: that libgcrypt allocates nothing after
 * start, and that no key is left in its memory once it is let go. Both look at malloc's heap, so
 * they are skipped where malloc is another (a sanitizer's).
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux.h"

#include "base/bytes.h"
#include "port/cipher.h"

static const struct coffer_ciphers *ciphers;

/* The keys of these tests exist on the stack only, and only while they are used: what is searched
 * for is computed anew, byte by byte. */
static uint8_t key_byte(unsigned which, size_t i)
{
    return (uint8_t)(0x9d + 37u * which + 89u * i + (i * i >> 1));
}

static void make_key(unsigned which, uint8_t *key, size_t size)
{
    for (size_t i = 0; i < size; i++)
        key[i] = key_byte(which, i);
}

/* Eight bytes of the key at any place of the heap. AES keeps a key as the beginning of its
 * schedule; HMAC mixes it with a constant, and that is searched for as well. */
static bool range_has_key(const uint8_t *at, const uint8_t *end, unsigned which)
{
    for (; end - at >= 8; at++) {
        uint8_t mask = (uint8_t)(at[0] ^ key_byte(which, 0));
        size_t same = 1;

        if (mask != 0 && mask != 0x36 && mask != 0x5c)
            continue;
        while (same < 8 && (at[same] ^ mask) == key_byte(which, same))
            same++;
        if (same == 8)
            return true;
    }
    return false;
}

static bool heap_has_key(unsigned which)
{
    static char line[512]; /* static: stdio's own buffer is the heap's already */
    FILE *maps = fopen("/proc/self/maps", "re");
    bool found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t from, to;
        char *end;

        if (strstr(line, "[heap]") == NULL)
            continue;
        from = strtoul(line, &end, 16);
        assert_int_equal(*end, '-');
        to = strtoul(end + 1, NULL, 16);
        found = found || range_has_key((const uint8_t *)from, (const uint8_t *)to, which);
    }
    (void)fclose(maps);
    return found;
}

static bool malloc_is_known(void)
{
    return mallinfo2().uordblks > 0;
}

static void test_no_key_stays_behind(void **state)
{
    uint8_t key[CIPHER_ECB_KEY_SIZE], block[16] = {0}, tag[16], iv[16] = {0}, digest[32];
    struct cipher_message m = {.iv = iv, .in = block, .out = block, .size = sizeof(block)};
    size_t footprint;
    void *ours;

    (void)state;
    if (!malloc_is_known())
        skip();
    assert_int_equal(ciphers->start(2, &ours, &footprint), COFFER_OK);

    make_key(0, key, 16);
    assert_int_equal(ciphers->gcm_set_key(ours, 0, key), COFFER_OK);
    assert_int_equal(ciphers->gcm_encrypt(ours, 0, &m, tag), COFFER_OK);
    assert_int_equal(ciphers->gcm_decrypt(ours, 0, &m, tag), COFFER_OK);
    assert_true(heap_has_key(0)); /* the search finds what is there */
    ciphers->gcm_clear_key(ours, 0);
    assert_false(heap_has_key(0));

    make_key(1, key, 32);
    assert_int_equal(ciphers->ecb_set_key(ours, key), COFFER_OK);
    assert_int_equal(ciphers->ecb_encrypt(ours, block, block), COFFER_OK);
    assert_int_equal(ciphers->ecb_decrypt(ours, block, block), COFFER_OK);
    assert_true(heap_has_key(1));
    make_key(4, key, 32);
    assert_int_equal(ciphers->ecb_set_key(ours, key), COFFER_OK);
    assert_false(heap_has_key(1));
    assert_int_equal(ciphers->ecb_decrypt(ours, block, block), COFFER_OK);

    make_key(2, key, 32);
    assert_int_equal(ciphers->hmac_sha256(ours, key, 32, "x", 1, digest), COFFER_OK);
    assert_false(heap_has_key(2));

    make_key(3, key, 16);
    assert_int_equal(ciphers->gcm_set_key(ours, 1, key), COFFER_OK);
    assert_true(heap_has_key(3));
    wipe(key, sizeof(key));
    ciphers->stop(ours);
    assert_false(heap_has_key(3));
    assert_false(heap_has_key(4));
}

static void test_nothing_is_allocated_after_start(void **state)
{
    uint8_t key[131] = {1}, data[4096] = {0}, aad[36] = {0}, tag[16], iv[16] = {0}, digest[32];
    struct cipher_message m = {
        .iv = iv, .aad = aad, .aad_size = 36, .in = data, .out = data, .size = sizeof(data)};
    size_t before, after, footprint;
    struct mallinfo2 info;
    void *ours;

    (void)state;
    if (!malloc_is_known())
        skip();
    info = mallinfo2();
    before = info.uordblks + info.hblkhd;
    assert_int_equal(ciphers->start(8, &ours, &footprint), COFFER_OK);
    info = mallinfo2();
    after = info.uordblks + info.hblkhd;
    assert_int_equal(footprint, after - before);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(ciphers->gcm_set_key(ours, i % 8, key), COFFER_OK);
        assert_int_equal(ciphers->gcm_encrypt(ours, i % 8, &m, tag), COFFER_OK);
        assert_int_equal(ciphers->gcm_decrypt(ours, i % 8, &m, tag), COFFER_OK);
        assert_int_equal(ciphers->ecb_set_key(ours, key), COFFER_OK);
        assert_int_equal(ciphers->ecb_encrypt(ours, data, data), COFFER_OK);
        assert_int_equal(ciphers->ecb_decrypt(ours, data, data), COFFER_OK);
        ciphers->sha256(ours, data, sizeof(data), digest);
        assert_int_equal(ciphers->hmac_sha256(ours, key, sizeof(key), data, 100, digest),
                         COFFER_OK);
        ciphers->gcm_clear_key(ours, i % 8);
    }
    info = mallinfo2();
    assert_int_equal(info.uordblks + info.hblkhd, after);
    ciphers->stop(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_key_stays_behind),
        cmocka_unit_test(test_nothing_is_allocated_after_start),
    };
    void *warm;
    size_t footprint;

    /* The library's own start-up, once a process, is not what is measured. */
    ciphers = coffer_linux_ciphers();
    if (ciphers->start(2, &warm, &footprint) != COFFER_OK)
        return 1;
    ciphers->stop(warm);
    return cmocka_run_group_tests_name("libgcrypt", tests, NULL, NULL);
}
