/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads with contexts of their own of one provider: each has right answers, and the books add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../ports/linux/tee_gcrypt.h"
#include "support/must.h"
#include "support/threads.h"
#include "unit/gp/hex.h"

#define THREADS 8u
#define LIMIT   (16u * 1024) /* for some threads' contexts, not for all */

struct worker {
    const struct gp_provider *provider;
    void *state;
    unsigned refusals;
    unsigned rounds;
};

/* FIPS 197, appendix C.1, and FIPS 180-4's "abc". */
static void check(struct worker *worker, void *hash, void *block)
{
    const struct gp_provider *provider = worker->provider;
    uint8_t key[16], text[16], expected[32], out[32];

    unhex("000102030405060708090a0b0c0d0e0f", key);
    unhex("00112233445566778899aabbccddeeff", text);
    unhex("69c4e0d86a7b0430d8cdb78070b4c55a", expected);
    must(provider->block_set_key(block, key, sizeof(key)) == COFFER_OK);
    must(provider->block_run(block, true, NULL, text, out, 1) == COFFER_OK);
    must(memcmp(out, expected, 16) == 0);
    unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected);
    provider->hash_update(hash, "abc", 3);
    must(provider->hash_read(hash, out, 32) == COFFER_OK);
    must(memcmp(out, expected, 32) == 0);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    const struct gp_provider *provider = worker->provider;

    for (unsigned i = 0; i < worker->rounds; i++) {
        void *hash = NULL;
        void *block = NULL;
        enum coffer_status status = provider->hash_open(worker->state, GP_SHA256, false, &hash);

        must(status == COFFER_OK || status == COFFER_NO_MEMORY);
        worker->refusals += status == COFFER_NO_MEMORY;
        status = provider->block_open(worker->state, GP_AES, GP_ECB, &block);
        must(status == COFFER_OK || status == COFFER_NO_MEMORY);
        worker->refusals += status == COFFER_NO_MEMORY;
        if (hash != NULL && block != NULL)
            check(worker, hash, block);
        provider->hash_close(hash);
        provider->block_close(block);
    }
}

static void test_books_add_up_over_threads(void **state)
{
    struct worker workers[THREADS];
    const struct gp_provider *provider = linux_tee_provider();
    struct gp_provider_usage usage;
    uint64_t refusals = 0;
    void *shared;

    (void)state;
    assert_int_equal(provider->start(LIMIT, &shared), COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i] = (struct worker){
            .provider = provider,
            .state = shared,
            .rounds = getenv("COFFER_DEEP") != NULL ? 100000 : 5000,
        };
    threads_run(work, workers, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        refusals += workers[i].refusals;
    provider->usage(shared, &usage);
    assert_int_equal(usage.used, 0);
    assert_int_equal(usage.contexts, 0);
    assert_int_equal(usage.refusals, refusals);
    assert_true(usage.used_peak > 0 && usage.used_peak <= LIMIT);
    provider->stop(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_books_add_up_over_threads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
