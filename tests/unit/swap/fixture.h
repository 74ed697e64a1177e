/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A swap over memory of its own, with a medium, a provider and a port that the test can look into
 * and make fail. Each test ends with everything given back.
 */
#ifndef COFFER_TESTS_SWAP_FIXTURE_H
#define COFFER_TESTS_SWAP_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "swap/inside.h"

#define PAGE          COFFER_PAGE_SIZE
#define MEMORY_FRAMES 64u
#define SLOTS         70u

struct fixture {
    void *area;
    struct memory *memory;
    uint64_t frames_used; /* before the swap was opened */
    struct swap *swap;
    const struct backing *backing;

    uint8_t medium[SLOTS * SWAP_SLOT_SIZE];
    uint64_t medium_calls, medium_fails_at; /* counted from 1 */
    enum coffer_status medium_status;       /* what it then says */
    bool medium_is_slow;                    /* other threads get to run */

    struct coffer_ciphers ciphers;
    uint64_t cipher_calls, cipher_fails_at;
    uint8_t master[CIPHER_GCM_KEY_SIZE];
    int states; /* started and not stopped */
    struct {
        uint8_t key[CIPHER_GCM_KEY_SIZE];
        uint8_t iv[CIPHER_GCM_IV_SIZE];
    } seals[4096]; /* as the provider was asked */
    size_t seal_count;
    pthread_mutex_t lock; /* of what is recorded */

    struct coffer_port port;
    uint64_t port_calls, port_fails_at;
    atomic_uint waits;

    uint64_t allocations, refuse_at;
};

/* Open with SLOTS slots; what fails is set before. */
enum coffer_status fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

int fixture_setup(void **state);    /* open */
int fixture_prepare(void **state);  /* all but open */
int fixture_teardown(void **state); /* closes if it is open, and counts */

/* A page of which each byte depends on `number`. */
void fill_page(void *page, uint64_t number);

#define assert_status(call, expected) assert_int_equal((call), (expected))
#define assert_ok(call)               assert_int_equal((call), COFFER_OK)

#endif
