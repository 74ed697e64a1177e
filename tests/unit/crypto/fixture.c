/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux.h"

#include "port/cipher.h"
#include "port/port.h"

#define MEMORY_SIZE (128u * 1024u)

static _Alignas(4096) uint8_t secure[MEMORY_SIZE];

const char huk_text[] = "000102030405060708090a0b0c0d0e0f";
const char ssk_text[] = "dcab8ea0ceeb19dcb772919140cb52fbc5858f5945be342e4729332506d570d9";
const char tsk_text[] = "932ae6af53fcda6a19faa77cfb81fe10671f5bcf5eaaea53196f6d2bb584e99e";
const char fek_text[] = "00a067d727d915e0766aedf0d960b5fe";
static const char uuid_text[] = "11111111222233334444555555555555";
const char wrapped_text[] = "4243beff254c429a837d1c79448c0b79";
static const char root_hash_text[] = "9e2df38d268386d1aaede12aba3b73b9"; /* its first half */
static const char head_iv_text[] = "63276dabfabb57063f5b79e71c1cd4d4";
static const char head_tag_text[] = "a58a80e847f47409bad6447c0530bb9d";
static const char head_meta_text[] = "2f622d6b155511f077624bb3924245b7";

/* The same store's catalogue. */
const char catalogue_fek_text[] = "67718447f63c15b9c81983a209393eb8";
const char catalogue_wrapped_text[] = "17787fd9322853159af69ebb61981799";

size_t unhex(const char *text, uint8_t *out)
{
    size_t size = strlen(text) / 2;

    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* --- A port and ciphers that fail on demand ------------------------------------------------ */

unsigned fail_at;
unsigned calls;
bool entropy_is_zero;
unsigned entropy_calls;
unsigned clears;
unsigned locks;
unsigned key_changes;
static uint8_t wrapping_key[CIPHER_ECB_KEY_SIZE];
struct coffer_port port;
struct coffer_ciphers ciphers;

static bool strikes(void)
{
    return ++calls == fail_at;
}

static enum coffer_status entropy(void *context, void *out, size_t n)
{
    const struct coffer_port *real = coffer_linux_port();

    (void)context;
    entropy_calls++;
    if (strikes()) {
        memset(out, 0x77, n);
        return COFFER_IO;
    }
    if (entropy_is_zero) {
        memset(out, 0, n);
        return COFFER_OK;
    }
    return real->entropy(real->context, out, n);
}

static enum coffer_status lock_init(void *context, struct port_lock *lock)
{
    enum coffer_status status = COFFER_NO_MEMORY;

    if (!strikes())
        status = coffer_linux_port()->lock_init(context, lock);
    if (status == COFFER_OK)
        locks++;
    return status;
}

static void lock_fini(void *context, struct port_lock *lock)
{
    locks--;
    coffer_linux_port()->lock_fini(context, lock);
}

static enum coffer_status start(unsigned slots, void **state, size_t *footprint)
{
    return strikes() ? COFFER_NO_MEMORY : coffer_linux_ciphers()->start(slots, state, footprint);
}

static enum coffer_status gcm_set_key(void *state, unsigned slot, const uint8_t *key)
{
    return strikes() ? COFFER_UNSUPPORTED : coffer_linux_ciphers()->gcm_set_key(state, slot, key);
}

static void gcm_clear_key(void *state, unsigned slot)
{
    clears++;
    coffer_linux_ciphers()->gcm_clear_key(state, slot);
}

static enum coffer_status gcm_encrypt(void *state, unsigned slot, const struct cipher_message *m,
                                      uint8_t *tag)
{
    return strikes() ? COFFER_UNSUPPORTED
                     : coffer_linux_ciphers()->gcm_encrypt(state, slot, m, tag);
}

static enum coffer_status gcm_decrypt(void *state, unsigned slot, const struct cipher_message *m,
                                      const uint8_t *tag)
{
    return strikes() ? COFFER_UNSUPPORTED
                     : coffer_linux_ciphers()->gcm_decrypt(state, slot, m, tag);
}

static enum coffer_status ecb_set_key(void *state, const uint8_t *key)
{
    if (strikes())
        return COFFER_UNSUPPORTED;
    memcpy(wrapping_key, key, sizeof(wrapping_key));
    key_changes++;
    return coffer_linux_ciphers()->ecb_set_key(state, key);
}

static enum coffer_status ecb_encrypt(void *state, const uint8_t *in, uint8_t *out)
{
    return strikes() ? COFFER_UNSUPPORTED : coffer_linux_ciphers()->ecb_encrypt(state, in, out);
}

static enum coffer_status ecb_decrypt(void *state, const uint8_t *in, uint8_t *out)
{
    return strikes() ? COFFER_UNSUPPORTED : coffer_linux_ciphers()->ecb_decrypt(state, in, out);
}

bool wraps_with(const char *key_text)
{
    uint8_t key[CIPHER_ECB_KEY_SIZE];

    return unhex(key_text, key) == sizeof(key) && memcmp(key, wrapping_key, sizeof(key)) == 0;
}

static enum coffer_status hmac_sha256(void *state, const void *key, size_t key_size,
                                      const void *data, size_t size, uint8_t *digest)
{
    return strikes()
               ? COFFER_UNSUPPORTED
               : coffer_linux_ciphers()->hmac_sha256(state, key, key_size, data, size, digest);
}

/* --- Fixture ------------------------------------------------------------------------------- */

void open_memory(struct fixture *fixture, const struct memory_settings *settings)
{
    const struct memory_area area = {.address = secure, .size = sizeof(secure)};

    fail_at = 0;
    calls = 0;
    clears = 0;
    key_changes = 0;
    locks = 0;
    entropy_is_zero = false;
    port = *coffer_linux_port();
    port.entropy = entropy;
    port.lock_init = lock_init;
    port.lock_fini = lock_fini;
    ciphers = *coffer_linux_ciphers();
    ciphers.start = start;
    ciphers.gcm_set_key = gcm_set_key;
    ciphers.gcm_clear_key = gcm_clear_key;
    ciphers.gcm_encrypt = gcm_encrypt;
    ciphers.gcm_decrypt = gcm_decrypt;
    ciphers.ecb_set_key = ecb_set_key;
    ciphers.ecb_encrypt = ecb_encrypt;
    ciphers.ecb_decrypt = ecb_decrypt;
    ciphers.hmac_sha256 = hmac_sha256;
    unhex(uuid_text, fixture->uuid);
    assert_int_equal(memory_open(&area, 1, settings, &fixture->memory), COFFER_OK);
}

enum coffer_status open_with(struct fixture *fixture, enum crypto_root root, const char *key_text,
                             bool huk_plain, unsigned slots)
{
    uint8_t key[80];
    struct crypto_settings settings = {
        .root = root, .key = key, .huk_plain = huk_plain, .slots = slots};

    settings.key_size = unhex(key_text, key);
    return crypto_open(fixture->memory, &port, &ciphers, &settings, &fixture->crypto);
}

int set_up(void **state)
{
    static const struct memory_settings none;
    static struct fixture fixture;

    open_memory(&fixture, &none);
    *state = &fixture;
    return open_with(&fixture, CRYPTO_ROOT_HUK, huk_text, false, 4) == COFFER_OK ? 0 : -1;
}

int tear_down(void **state)
{
    struct fixture *fixture = *state;

    crypto_close(fixture->crypto);
    memory_close(fixture->memory);
    return 0;
}

struct crypto_key *make_key(struct fixture *fixture)
{
    struct crypto_key *key;
    uint8_t wrapped[16];

    assert_int_equal(crypto_key_make(fixture->crypto, NULL, wrapped, &key), COFFER_OK);
    return key;
}

enum coffer_status open_published_head(struct crypto *crypto, struct crypto_key *key,
                                       uint8_t meta[16])
{
    uint8_t aad[36], iv[16], tag[16], sealed[16];

    unhex(root_hash_text, aad);
    memcpy(aad + 16, "\2\0\0\0", 4); /* the counter */
    unhex(wrapped_text, aad + 20);
    unhex(head_iv_text, iv);
    unhex(head_tag_text, tag);
    unhex(head_meta_text, sealed);
    return crypto_unseal(crypto, key, aad, sizeof(aad), sealed, meta, 16, iv, tag);
}

bool memory_has_bytes(const uint8_t *bytes, size_t count)
{
    return memmem(secure, sizeof(secure), bytes, count) != NULL;
}

bool memory_has(const char *key_text)
{
    uint8_t key[32];
    size_t size = unhex(key_text, key);

    return memory_has_bytes(key, size);
}

bool memory_has_part_of(const char *key_text)
{
    uint8_t key[32];
    size_t size = unhex(key_text, key);

    for (size_t i = 0; i + 8 <= size; i++) {
        if (memory_has_bytes(key + i, 8))
            return true;
    }
    return false;
}
