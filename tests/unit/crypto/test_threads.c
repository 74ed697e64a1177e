/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that seal, unseal and hash at once, with keys of their own and shared ones, of which
 * there are more than slots, so that slots are reloaded under the hands of others; the provider
 * refuses a key now and then. The ciphers here stand between: they stop the program when the
 * contract of port/cipher.h is broken, and know by their own books which key is in which slot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "coffer/linux.h"
#include "crypto/slots.h"
#include "fixture.h"
#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS    6u
#define SLOTS      3u
#define SHARED     4u
#define OWN        2u
#define KEYS       (SHARED + OWN)
#define TEXT_MAX   600u
#define STEPS      700u
#define STEPS_DEEP 40000u

/* --- Ciphers that watch -------------------------------------------------------------------- */

static struct {
    atomic_bool taken[SLOTS];
    uint8_t keys[SLOTS][CIPHER_GCM_KEY_SIZE]; /* as the provider has been told; zero: none */
    atomic_bool ladder_taken;
    atomic_uint loads, refused_loads;
    atomic_bool refuses;
} watch;

static void enter(atomic_bool *taken)
{
    must(!atomic_exchange_explicit(taken, true, memory_order_relaxed));
}

static void leave(atomic_bool *taken)
{
    atomic_store_explicit(taken, false, memory_order_relaxed);
}

static enum coffer_status set_key(void *state, unsigned slot, const uint8_t *key)
{
    enum coffer_status status;

    enter(&watch.taken[slot]);
    memcpy(watch.keys[slot], key, CIPHER_GCM_KEY_SIZE);
    coffer_linux_port()->thread_yield(NULL);
    status = coffer_linux_ciphers()->gcm_set_key(state, slot, key);
    if (atomic_load(&watch.refuses) && atomic_fetch_add(&watch.loads, 1) % 41 == 40) {
        atomic_fetch_add(&watch.refused_loads, 1);
        status = COFFER_UNSUPPORTED;
    }
    leave(&watch.taken[slot]);
    return status;
}

static void clear_key(void *state, unsigned slot)
{
    enter(&watch.taken[slot]);
    memset(watch.keys[slot], 0, CIPHER_GCM_KEY_SIZE);
    coffer_linux_ciphers()->gcm_clear_key(state, slot);
    leave(&watch.taken[slot]);
}

static enum coffer_status encrypt(void *state, unsigned slot, const struct cipher_message *m,
                                  uint8_t *tag)
{
    enum coffer_status status;

    enter(&watch.taken[slot]);
    must(!bytes_are_zero(watch.keys[slot], CIPHER_GCM_KEY_SIZE));
    status = coffer_linux_ciphers()->gcm_encrypt(state, slot, m, tag);
    leave(&watch.taken[slot]);
    return status;
}

static enum coffer_status decrypt(void *state, unsigned slot, const struct cipher_message *m,
                                  const uint8_t *tag)
{
    enum coffer_status status;

    enter(&watch.taken[slot]);
    must(!bytes_are_zero(watch.keys[slot], CIPHER_GCM_KEY_SIZE));
    status = coffer_linux_ciphers()->gcm_decrypt(state, slot, m, tag);
    leave(&watch.taken[slot]);
    return status;
}

static enum coffer_status set_wrapping_key(void *state, const uint8_t *key)
{
    enum coffer_status status;

    enter(&watch.ladder_taken);
    status = coffer_linux_ciphers()->ecb_set_key(state, key);
    leave(&watch.ladder_taken);
    return status;
}

static enum coffer_status wrap(void *state, const uint8_t *in, uint8_t *out)
{
    enum coffer_status status;

    enter(&watch.ladder_taken);
    status = coffer_linux_ciphers()->ecb_encrypt(state, in, out);
    leave(&watch.ladder_taken);
    return status;
}

static enum coffer_status unwrap(void *state, const uint8_t *in, uint8_t *out)
{
    enum coffer_status status;

    enter(&watch.ladder_taken);
    status = coffer_linux_ciphers()->ecb_decrypt(state, in, out);
    leave(&watch.ladder_taken);
    return status;
}

static enum coffer_status hmac(void *state, const void *key, size_t key_size, const void *data,
                               size_t size, uint8_t *digest)
{
    enum coffer_status status;

    enter(&watch.ladder_taken);
    status = coffer_linux_ciphers()->hmac_sha256(state, key, key_size, data, size, digest);
    leave(&watch.ladder_taken);
    return status;
}

/* --- Workers ------------------------------------------------------------------------------- */

/* Something that was sealed, and what it must give. */
struct sealed {
    size_t size; /* 0: nothing yet */
    uint8_t plain[TEXT_MAX], bytes[TEXT_MAX];
    uint8_t aad[16], iv[CRYPTO_IV_SIZE], tag[CRYPTO_TAG_SIZE];
};

struct world {
    struct fixture *fixture;
    struct port_lock allocating; /* keys are made and dropped by one thread at a time */
    struct crypto_key *shared[SHARED];
    uint8_t (*ivs)[CRYPTO_IV_SIZE]; /* of all seals */
    atomic_uint iv_count;
};

struct worker {
    struct world *world;
    struct thread thread;
    struct random random;
    struct crypto_key *own[OWN];
    uint8_t wrapped[OWN][CRYPTO_WRAPPED_SIZE];
    struct sealed sealed[KEYS];
    struct crypto_counters did;
};

static void lock(struct world *world)
{
    port.lock_take(port.context, &world->allocating);
}

static void unlock(struct world *world)
{
    port.lock_give(port.context, &world->allocating);
}

static struct crypto_key *key_of(struct worker *worker, unsigned i)
{
    return i < SHARED ? worker->world->shared[i] : worker->own[i - SHARED];
}

/* Did it work? If not, it is the provider that refused a key. */
static bool worked(enum coffer_status status)
{
    must(status == COFFER_OK || status == COFFER_UNSUPPORTED);
    must(status == COFFER_OK || atomic_load(&watch.refused_loads) > 0);
    return status == COFFER_OK;
}

static void seal(struct worker *worker, unsigned i)
{
    struct world *world = worker->world;
    struct sealed *sealed = &worker->sealed[i];
    size_t size = 1 + random_below(&worker->random, TEXT_MAX);

    sealed->size = 0;
    random_bytes(&worker->random, sealed->plain, size);
    random_bytes(&worker->random, sealed->aad, sizeof(sealed->aad));
    if (!worked(crypto_seal(world->fixture->crypto, key_of(worker, i), sealed->aad,
                            sizeof(sealed->aad), sealed->plain, sealed->bytes, size, sealed->iv,
                            sealed->tag)))
        return;
    sealed->size = size;
    memcpy(world->ivs[atomic_fetch_add(&world->iv_count, 1)], sealed->iv, CRYPTO_IV_SIZE);
    worker->did.seals++;
    worker->did.sealed_bytes += size;
}

static void unseal(struct worker *worker, unsigned i)
{
    struct crypto *crypto = worker->world->fixture->crypto;
    struct sealed *sealed = &worker->sealed[i];
    unsigned with = i;
    uint8_t out[TEXT_MAX];
    enum coffer_status status;

    if (sealed->size == 0)
        return;
    if (random_below(&worker->random, 4) == 0)
        with = (unsigned)random_below(&worker->random, KEYS);
    memset(out, 0xee, sizeof(out));
    status = crypto_unseal(crypto, key_of(worker, with), sealed->aad, sizeof(sealed->aad),
                           sealed->bytes, out, sealed->size, sealed->iv, sealed->tag);
    if (with != i && status == COFFER_CORRUPT) {
        must(bytes_are_zero(out, sealed->size));
        return;
    }
    if (!worked(status)) {
        must(bytes_are_zero(out, sealed->size));
        return;
    }
    must(with == i && memcmp(out, sealed->plain, sealed->size) == 0);
    worker->did.unseals++;
    worker->did.unsealed_bytes += sealed->size;
}

/* An own key goes, and comes back from its wrapped form, or another takes its place. */
static void renew(struct worker *worker, unsigned i)
{
    struct crypto *crypto = worker->world->fixture->crypto;
    const uint8_t *uuid = worker->world->fixture->uuid;
    uint8_t *wrapped = worker->wrapped[i];

    lock(worker->world);
    crypto_key_drop(crypto, worker->own[i]);
    if (random_below(&worker->random, 2) == 0) {
        must(crypto_key_unwrap(crypto, uuid, wrapped, &worker->own[i]) == COFFER_OK);
    } else {
        must(crypto_key_make(crypto, uuid, wrapped, &worker->own[i]) == COFFER_OK);
        worker->sealed[SHARED + i].size = 0;
    }
    unlock(worker->world);
    worker->did.wraps++;
}

static void hash(struct worker *worker)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t digest[CRYPTO_HASH_SIZE];

    crypto_hash(worker->world->fixture->crypto, "abc", 3, digest);
    must(memcmp(digest, abc, sizeof(abc)) == 0);
    worker->did.hashes++;
    worker->did.hashed_bytes += 3;
}

static void look(struct worker *worker)
{
    struct crypto *crypto = worker->world->fixture->crypto;
    struct crypto_counters now;
    uint8_t bytes[16] = {0};

    must(crypto_is_valid(crypto));
    crypto_counters(crypto, &now);
    must(now.seals >= worker->did.seals && now.hashes >= worker->did.hashes);
    must(crypto_random(crypto, bytes, sizeof(bytes)) == COFFER_OK);
    must(!bytes_are_zero(bytes, sizeof(bytes)));
}

static unsigned steps(void)
{
    return getenv("COFFER_DEEP") != NULL ? STEPS_DEEP : STEPS;
}

static void work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned i = 0; i < OWN; i++) {
        lock(worker->world);
        must(crypto_key_make(worker->world->fixture->crypto, worker->world->fixture->uuid,
                             worker->wrapped[i], &worker->own[i]) == COFFER_OK);
        unlock(worker->world);
        worker->did.wraps++;
    }
    for (unsigned step = steps(); step > 0; step--) {
        unsigned i = (unsigned)random_below(&worker->random, KEYS);

        switch (random_below(&worker->random, 16)) {
        case 0:
            renew(worker, (unsigned)random_below(&worker->random, OWN));
            break;
        case 1:
        case 2:
            hash(worker);
            break;
        case 3:
            look(worker);
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            seal(worker, i);
            break;
        default:
            unseal(worker, i);
        }
    }
    for (unsigned i = 0; i < OWN; i++) {
        lock(worker->world);
        crypto_key_drop(worker->world->fixture->crypto, worker->own[i]);
        unlock(worker->world);
    }
}

/* --- The test ------------------------------------------------------------------------------ */

static int compare_ivs(const void *a, const void *b)
{
    return memcmp(a, b, CRYPTO_IV_SIZE);
}

static void open_watched(struct fixture *fixture, bool refuses)
{
    static const struct memory_settings none;

    open_memory(fixture, &none);
    memset(&watch, 0, sizeof(watch));
    atomic_store(&watch.refuses, refuses);
    port = *coffer_linux_port();
    ciphers = *coffer_linux_ciphers();
    ciphers.gcm_set_key = set_key;
    ciphers.gcm_clear_key = clear_key;
    ciphers.gcm_encrypt = encrypt;
    ciphers.gcm_decrypt = decrypt;
    ciphers.ecb_set_key = set_wrapping_key;
    ciphers.ecb_encrypt = wrap;
    ciphers.ecb_decrypt = unwrap;
    ciphers.hmac_sha256 = hmac;
    assert_int_equal(open_with(fixture, CRYPTO_ROOT_HUK, huk_text, false, SLOTS), COFFER_OK);
}

static void check_ivs(const struct world *world, uint64_t seals)
{
    assert_int_equal(atomic_load(&world->iv_count), seals);
    qsort(world->ivs, seals, sizeof(world->ivs[0]), compare_ivs);
    for (uint64_t i = 1; i < seals; i++)
        assert_memory_not_equal(world->ivs[i - 1], world->ivs[i], CRYPTO_IV_SIZE);
}

static void check_counters(const struct fixture *fixture, const struct worker *workers)
{
    struct crypto_counters total = {.wraps = SHARED};
    struct crypto_counters counters;

    for (unsigned i = 0; i < THREADS; i++) {
        total.seals += workers[i].did.seals;
        total.unseals += workers[i].did.unseals;
        total.sealed_bytes += workers[i].did.sealed_bytes;
        total.unsealed_bytes += workers[i].did.unsealed_bytes;
        total.hashes += workers[i].did.hashes;
        total.hashed_bytes += workers[i].did.hashed_bytes;
        total.wraps += workers[i].did.wraps;
    }
    crypto_counters(fixture->crypto, &counters);
    total.key_loads = counters.key_loads;
    assert_memory_equal(&counters, &total, sizeof(total));
    assert_true(counters.key_loads > SLOTS); /* slots were reloaded */
}

static void run_threads(bool refuses)
{
    static struct worker workers[THREADS];
    struct world world = {0};
    struct fixture fixture = {0};
    struct coffer_pool_statistics pool;
    uint64_t seals = 0;

    open_watched(&fixture, refuses);
    memset(workers, 0, sizeof(workers));
    world.fixture = &fixture;
    world.ivs = must_alloc((size_t)THREADS * steps() * sizeof(world.ivs[0]));
    assert_int_equal(port.lock_init(port.context, &world.allocating), COFFER_OK);
    for (unsigned i = 0; i < SHARED; i++)
        world.shared[i] = make_key(&fixture);

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].world = &world;
        random_init(&workers[i].random, "crypto_threads");
        workers[i].random.state += i;
    }
    threads_run(work, workers, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        seals += workers[i].did.seals;
    assert_int_equal(atomic_load(&watch.refused_loads) > 0, refuses);
    check_ivs(&world, seals);
    check_counters(&fixture, workers);

    for (unsigned i = 0; i < SHARED; i++)
        crypto_key_drop(fixture.crypto, world.shared[i]);
    for (unsigned i = 0; i < SLOTS; i++) /* with the last key no schedule is left */
        assert_true(bytes_are_zero(watch.keys[i], CIPHER_GCM_KEY_SIZE));
    port.lock_fini(port.context, &world.allocating);
    crypto_close(fixture.crypto);
    coffer_pool_statistics(fixture.memory->pool, &pool);
    assert_int_equal(pool.blocks, 0);
    memory_close(fixture.memory);
    free(world.ivs);
}

static void test_more_keys_than_slots_from_several_threads(void **state)
{
    (void)state;
    run_threads(false);
}

static void test_keys_that_are_refused_now_and_then(void **state)
{
    (void)state;
    run_threads(true);
}

/* While one thread is inside of the cipher with one key, others work with theirs: a slot that is in
 * use isn't the one to go, although all others were used since. */
static struct {
    atomic_bool inside, go_on;
    struct fixture *fixture;
    struct crypto_key *keys[2];
} meeting;

static enum coffer_status slow_encrypt(void *state, unsigned slot, const struct cipher_message *m,
                                       uint8_t *tag)
{
    if (m->aad_size > CRYPTO_IV_SIZE) { /* what the others give is the IV alone */
        atomic_store(&meeting.inside, true);
        while (!atomic_load(&meeting.go_on))
            coffer_linux_port()->thread_yield(NULL);
    }
    return coffer_linux_ciphers()->gcm_encrypt(state, slot, m, tag);
}

static void seal_byte(struct crypto_key *key, const char *aad)
{
    uint8_t byte = 0, iv[16], tag[16];

    must(crypto_seal(meeting.fixture->crypto, key, (const uint8_t *)aad, strlen(aad), &byte, &byte,
                     1, iv, tag) == COFFER_OK);
}

static void seal_slowly(void *argument)
{
    (void)argument;
    seal_byte(meeting.keys[0], "slowly");
}

static void meet(bool loaded_before)
{
    static const struct memory_settings none;
    struct fixture fixture = {0};
    struct thread thread;
    uint8_t digest[32], wrapped[16];
    struct crypto_key *more;

    open_memory(&fixture, &none);
    port = *coffer_linux_port();
    ciphers = *coffer_linux_ciphers();
    ciphers.gcm_encrypt = slow_encrypt;
    assert_int_equal(open_with(&fixture, CRYPTO_ROOT_HUK, huk_text, false, 2), COFFER_OK);
    memset(&meeting, 0, sizeof(meeting));
    meeting.fixture = &fixture;
    for (unsigned i = 0; i < 2; i++) {
        meeting.keys[i] = make_key(&fixture);
        if (loaded_before)
            seal_byte(meeting.keys[i], "");
    }
    thread_start(&thread, seal_slowly, NULL);
    while (!atomic_load(&meeting.inside))
        port.thread_yield(NULL);

    /* More keys come and go than there are slots left, and the ladder is free. */
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(crypto_key_make(fixture.crypto, NULL, wrapped, &more), COFFER_OK);
        seal_byte(more, "");
        seal_byte(meeting.keys[1], "");
        crypto_key_drop(fixture.crypto, more);
    }
    crypto_hash(fixture.crypto, "abc", 3, digest);
    atomic_store(&meeting.go_on, true);
    thread_join(&thread);
    for (unsigned i = 0; i < 2; i++)
        crypto_key_drop(fixture.crypto, meeting.keys[i]);
    crypto_close(fixture.crypto);
    memory_close(fixture.memory);
}

static void test_other_slots_and_hashes_dont_wait(void **state)
{
    (void)state;
    meet(false);
    meet(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_keys_than_slots_from_several_threads),
        cmocka_unit_test(test_keys_that_are_refused_now_and_then),
        cmocka_unit_test(test_other_slots_and_hashes_dont_wait),
    };

    return cmocka_run_group_tests_name("crypto: threads", tests, NULL, NULL);
}
