/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of crypto share: a memory whose bytes can be searched, a port and ciphers of which
 * every call can be made to fail, and the published keys of a store.
 */
#ifndef TESTS_UNIT_CRYPTO_FIXTURE_H
#define TESTS_UNIT_CRYPTO_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "memory/memory.h"

/* OP-TEE's own storage code wrote a store with this HUK (16 bytes), one object of the TA
 * 11111111-2222-3333-4444-555555555555, and these are its keys; wrapped is the FEK as stored. */
extern const char huk_text[];
extern const char ssk_text[];
extern const char tsk_text[];
extern const char fek_text[];
extern const char wrapped_text[];
/* The same of its catalogue. */
extern const char catalogue_fek_text[];
extern const char catalogue_wrapped_text[];

struct fixture {
    struct memory *memory;
    struct crypto *crypto;
    uint8_t uuid[CRYPTO_UUID_SIZE];
};

/* Which call of the port or the ciphers fails, from 1 (0: none), and how many there were. */
extern unsigned fail_at;
extern unsigned calls;
extern bool entropy_is_zero;
extern unsigned entropy_calls;
extern unsigned clears;      /* of slots */
extern unsigned locks;       /* that are there */
extern unsigned key_changes; /* of the key that wraps */
extern struct coffer_port port;
extern struct coffer_ciphers ciphers;

size_t unhex(const char *text, uint8_t *out);

void open_memory(struct fixture *fixture, const struct memory_settings *settings);
enum coffer_status open_with(struct fixture *fixture, enum crypto_root root, const char *key_text,
                             bool huk_plain, unsigned slots);

/* cmocka's set-up and tear-down: crypto with the HUK and 4 slots. */
int set_up(void **state);
int tear_down(void **state);
#define crypto_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Is that the key that wraps others now? */
bool wraps_with(const char *key_text);

/* A new key of the catalogue. */
struct crypto_key *make_key(struct fixture *fixture);

/* Does the key open what a stored value promises? Keys are never handed out, so a test knows one by
 * what it does: under the published FEK this head authenticates. */
enum coffer_status open_published_head(struct crypto *crypto, struct crypto_key *key,
                                       uint8_t meta[16]);

/* Are these bytes anywhere in secure memory? */
bool memory_has_bytes(const uint8_t *bytes, size_t count);
/* The key, whole. */
bool memory_has(const char *key_text);
/* Any eight bytes in a row of the key. */
bool memory_has_part_of(const char *key_text);

#endif
