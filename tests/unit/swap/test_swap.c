/* SPDX-License-Identifier: BSD-2-Clause */
/* What swap.h promises. */
#include "fixture.h"

#include <stdio.h>

#include "base/bytes.h"
#include "coffer/linux_memory.h"
#include "support/random.h"
#include "support/threads.h"

static uint8_t page[PAGE];
static uint8_t frame[PAGE];

static uint8_t *slot_bytes(struct fixture *fixture, uint32_t slot)
{
    return fixture->medium + (size_t)slot * SWAP_SLOT_SIZE;
}

static uint32_t reserve(struct fixture *fixture)
{
    uint32_t slot = BACKING_NO_SLOT;

    assert_ok(fixture->backing->reserve(fixture->backing->context, &slot));
    return slot;
}

static void release(struct fixture *fixture, uint32_t slot)
{
    fixture->backing->release(fixture->backing->context, slot);
}

static uint64_t write_number(struct fixture *fixture, uint32_t slot, uint64_t number)
{
    uint64_t stamp = 0;

    fill_page(page, number);
    assert_ok(fixture->backing->write(fixture->backing->context, slot, page, &stamp));
    return stamp;
}

static enum coffer_status read_slot(struct fixture *fixture, uint32_t slot, uint64_t stamp)
{
    memset(frame, 0x5a, sizeof(frame));
    return fixture->backing->read(fixture->backing->context, slot, stamp, frame);
}

static void assert_reads(struct fixture *fixture, uint32_t slot, uint64_t stamp, uint64_t number)
{
    assert_ok(read_slot(fixture, slot, stamp));
    fill_page(page, number);
    assert_memory_equal(frame, page, PAGE);
}

static void assert_is_corrupt(struct fixture *fixture, uint32_t slot, uint64_t stamp)
{
    assert_status(read_slot(fixture, slot, stamp), COFFER_CORRUPT);
    assert_true(bytes_are_zero(frame, PAGE));
}

static uint64_t used(struct fixture *fixture)
{
    uint64_t slots = 0;
    uint64_t count = 0;

    fixture->backing->count(fixture->backing->context, &slots, &count);
    assert_int_equal(slots, SLOTS);
    return count;
}

/* --- Slots ------------------------------------------------------------------------------- */

static void test_every_slot_is_given_once(void **state)
{
    struct fixture *fixture = *state;
    bool seen[SLOTS] = {false};
    uint32_t slot = 12345;

    for (unsigned i = 0; i < SLOTS; i++) {
        slot = reserve(fixture);
        assert_true(slot < SLOTS && !seen[slot]);
        seen[slot] = true;
        assert_int_equal(used(fixture), i + 1);
    }
    slot = 12345;
    assert_status(fixture->backing->reserve(fixture->backing->context, &slot), COFFER_NO_SPACE);
    assert_int_equal(slot, 12345);
    release(fixture, 17);
    release(fixture, 3);
    assert_int_equal(reserve(fixture), 3);
    assert_int_equal(reserve(fixture), 17);
    assert_true(swap_is_valid(fixture->swap));
    for (slot = 0; slot < SLOTS; slot++)
        release(fixture, slot);
    assert_int_equal(used(fixture), 0);
}

static void test_slots_agree_with_a_list(void **state)
{
    struct fixture *fixture = *state;
    uint64_t stamps[SLOTS] = {0};
    uint64_t numbers[SLOTS];
    struct random random;
    unsigned count = 0;

    random_init(&random, "slots_agree_with_a_list");
    for (unsigned step = 0; step < 3000; step++) {
        uint32_t slot = (uint32_t)random_below(&random, SLOTS);

        if (stamps[slot] != 0 && random_below(&random, 2) == 0) {
            assert_reads(fixture, slot, stamps[slot], numbers[slot]);
            release(fixture, slot);
            stamps[slot] = 0;
            count--;
        } else if (count < SLOTS) {
            slot = reserve(fixture);
            assert_int_equal(stamps[slot], 0);
            numbers[slot] = step;
            stamps[slot] = write_number(fixture, slot, step);
            count++;
        }
        assert_int_equal(used(fixture), count);
    }
    assert_true(swap_is_valid(fixture->swap));
}

/* --- W3 ---------------------------------------------------------------------------------- */

static void test_W3_pages_come_back(void **state)
{
    struct fixture *fixture = *state;
    uint64_t stamps[SLOTS];

    for (uint32_t i = 0; i < SLOTS; i++)
        stamps[i] = write_number(fixture, reserve(fixture), i);
    for (uint32_t i = SLOTS; i-- > 0;)
        assert_reads(fixture, i, stamps[i], i);
    /* Reading changes nothing. */
    assert_reads(fixture, 0, stamps[0], 0);
}

static void test_W3_no_changed_byte_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint64_t stamp = write_number(fixture, slot, 1);
    uint8_t *bytes = slot_bytes(fixture, slot);

    for (size_t at = 0; at < SWAP_SLOT_SIZE; at++) {
        uint8_t bit = (uint8_t)(1u << at % 8);

        bytes[at] ^= bit;
        assert_is_corrupt(fixture, slot, stamp);
        bytes[at] ^= bit;
    }
    assert_reads(fixture, slot, stamp, 1);
}

static void test_W3_no_other_stamp_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint64_t stamp = write_number(fixture, slot, 1);

    for (unsigned bit = 0; bit < 64; bit++)
        assert_is_corrupt(fixture, slot, stamp ^ (uint64_t)1 << bit);
    assert_is_corrupt(fixture, slot, 0);
    assert_is_corrupt(fixture, slot, UINT64_MAX);
    assert_reads(fixture, slot, stamp, 1);
}

static void test_W3_exchanged_slots_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint32_t a = reserve(fixture);
    uint32_t b = reserve(fixture);
    uint64_t stamp_a = write_number(fixture, a, 1);
    uint64_t stamp_b = write_number(fixture, b, 2);
    uint8_t kept[SWAP_SLOT_SIZE];

    memcpy(kept, slot_bytes(fixture, a), sizeof(kept));
    memcpy(slot_bytes(fixture, a), slot_bytes(fixture, b), sizeof(kept));
    memcpy(slot_bytes(fixture, b), kept, sizeof(kept));
    assert_is_corrupt(fixture, a, stamp_a);
    assert_is_corrupt(fixture, b, stamp_b);
    /* Not even if the stamps were exchanged as well. */
    assert_is_corrupt(fixture, a, stamp_b);
    assert_is_corrupt(fixture, b, stamp_a);
}

static void test_W3_an_older_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint8_t kept[SWAP_SLOT_SIZE];
    uint64_t stamp;

    (void)write_number(fixture, slot, 1);
    memcpy(kept, slot_bytes(fixture, slot), sizeof(kept));
    stamp = write_number(fixture, slot, 2);
    memcpy(slot_bytes(fixture, slot), kept, sizeof(kept));
    assert_is_corrupt(fixture, slot, stamp);

    /* The same contents again are another version, too. */
    stamp = write_number(fixture, slot, 1);
    assert_memory_not_equal(slot_bytes(fixture, slot), kept, sizeof(kept));
    memcpy(slot_bytes(fixture, slot), kept, sizeof(kept));
    assert_is_corrupt(fixture, slot, stamp);
}

static void test_W3_pages_of_another_swap_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint64_t stamp = write_number(fixture, slot, 1);
    uint8_t kept[SWAP_SLOT_SIZE];

    memcpy(kept, slot_bytes(fixture, slot), sizeof(kept));
    fixture_close(fixture);
    assert_ok(fixture_open(fixture));
    assert_int_equal(reserve(fixture), slot);
    assert_int_equal(write_number(fixture, slot, 1), stamp);
    assert_memory_not_equal(slot_bytes(fixture, slot), kept, sizeof(kept));
    memcpy(slot_bytes(fixture, slot), kept, sizeof(kept));
    assert_is_corrupt(fixture, slot, stamp);
}

/* --- W1 ---------------------------------------------------------------------------------- */

static int compare_seals(const void *a, const void *b)
{
    return memcmp(a, b, CIPHER_GCM_KEY_SIZE + CIPHER_GCM_IV_SIZE);
}

static void assert_seals_differ(struct fixture *fixture)
{
    qsort(fixture->seals, fixture->seal_count, sizeof(fixture->seals[0]), compare_seals);
    for (size_t i = 1; i < fixture->seal_count; i++)
        assert_int_not_equal(compare_seals(&fixture->seals[i - 1], &fixture->seals[i]), 0);
}

static void test_W1_no_iv_is_used_twice(void **state)
{
    struct fixture *fixture = *state;
    uint32_t a = reserve(fixture);
    uint32_t b = reserve(fixture);
    uint64_t stamp = 0;

    for (unsigned i = 0; i < 500; i++) {
        /* A write that failed has used one up as well. */
        fixture->medium_fails_at = fixture->medium_calls + (i % 3 == 0 ? 1 : 3);
        (void)!fixture->backing->write(fixture->backing->context, i % 2 == 0 ? a : b, page, &stamp);
        if (i % 7 == 0) {
            release(fixture, a);
            assert_int_equal(reserve(fixture), a);
        }
    }
    assert_int_equal(fixture->seal_count, 500);
    assert_seals_differ(fixture);
}

static void test_W1_a_key_seals_two_to_the_32_pages_at_most(void **state)
{
    struct fixture *fixture = *state;
    uint32_t a = reserve(fixture);
    uint32_t b = reserve(fixture);
    uint64_t last;
    uint64_t first;

    fixture->swap->lanes.version = UINT32_MAX - 1;
    last = write_number(fixture, a, 1);
    assert_int_equal(last, UINT32_MAX);
    first = write_number(fixture, b, 2);
    assert_memory_not_equal(fixture->seals[0].key, fixture->seals[1].key, CIPHER_GCM_KEY_SIZE);
    assert_reads(fixture, a, last, 1);
    assert_reads(fixture, b, first, 2);
    assert_reads(fixture, a, last, 1);
    /* Sealing goes on under the new one. */
    first = write_number(fixture, b, 3);
    assert_memory_equal(fixture->seals[2].key, fixture->seals[1].key, CIPHER_GCM_KEY_SIZE);
    assert_reads(fixture, b, first, 3);
}

static void test_W1_the_last_version_is_never_passed(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint64_t stamp;
    uint64_t same = 77;

    fixture->swap->lanes.version = UINT64_MAX - 1;
    stamp = write_number(fixture, slot, 1);
    assert_true(stamp == UINT64_MAX);
    for (int i = 0; i < 3; i++)
        assert_status(fixture->backing->write(fixture->backing->context, slot, page, &same),
                      COFFER_NO_SPACE);
    assert_int_equal(same, 77);
    assert_int_equal(fixture->seal_count, 1);
    assert_reads(fixture, slot, stamp, 1);
}

/* --- W2 ---------------------------------------------------------------------------------- */

static bool holds(const uint8_t *bytes, size_t size, const void *what, size_t n)
{
    return memmem(bytes, size, what, n) != NULL;
}

static void test_W2_nothing_readable_is_in_the_medium(void **state)
{
    struct fixture *fixture = *state;

    for (uint32_t i = 0; i < SLOTS; i++)
        (void)write_number(fixture, reserve(fixture), i);
    for (uint32_t i = 0; i < SLOTS; i++) {
        fill_page(page, i);
        for (size_t at = 0; at < PAGE; at += 64)
            assert_false(holds(slot_bytes(fixture, i), SWAP_SLOT_SIZE, page + at, 8));
    }
    assert_false(holds(fixture->medium, sizeof(fixture->medium), fixture->master, 8));
    assert_false(holds(fixture->medium, sizeof(fixture->medium), fixture->seals[0].key, 8));
}

/* But for the provider's contexts there is no key to be found, open or closed. */
static void test_W2_no_key_stays_in_memory(void **state)
{
    struct fixture *fixture = *state;

    (void)write_number(fixture, reserve(fixture), 1);
    for (int round = 0; round < 2; round++) {
        assert_false(holds(fixture->area, MEMORY_FRAMES * PAGE, fixture->master, 8));
        assert_false(holds(fixture->area, MEMORY_FRAMES * PAGE, fixture->seals[0].key, 8));
        if (round == 0)
            fixture_close(fixture); /* the provider's are wiped: the fixture looks at each */
    }
}

/* --- What goes wrong --------------------------------------------------------------------- */

static void test_errors_of_the_medium_are_told_and_pass(void **state)
{
    static const struct {
        enum coffer_status says, heard;
    } cases[] = {
        {COFFER_IO, COFFER_IO},   {COFFER_NO_SPACE, COFFER_NO_SPACE}, {COFFER_CORRUPT, COFFER_IO},
        {COFFER_BUSY, COFFER_IO}, {COFFER_UNSUPPORTED, COFFER_IO},
    };
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t stamp = 99;

        fixture->medium_status = cases[i].says;
        fixture->medium_fails_at = fixture->medium_calls + 1;
        assert_status(fixture->backing->write(fixture->backing->context, slot, page, &stamp),
                      cases[i].heard);
        assert_int_equal(stamp, 99);
        stamp = write_number(fixture, slot, i);
        fixture->medium_fails_at = fixture->medium_calls + 1;
        assert_status(read_slot(fixture, slot, stamp), cases[i].heard);
        assert_true(bytes_are_zero(frame, PAGE));
        assert_reads(fixture, slot, stamp, i);
    }
}

/* Each call of the provider in turn, in a write and a read under a new key. */
static void test_errors_of_the_provider_are_told_and_pass(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot = reserve(fixture);
    uint64_t fired = 0;

    for (uint64_t n = 1;; n++) {
        uint64_t before = fixture->cipher_calls;
        uint64_t stamp = 99;
        enum coffer_status status;

        fixture->swap->lanes.version += (uint64_t)1 << 32;
        fixture->cipher_fails_at = before + n;
        fill_page(page, n);
        status = fixture->backing->write(fixture->backing->context, slot, page, &stamp);
        if (status == COFFER_OK) {
            status = read_slot(fixture, slot, stamp);
            if (status != COFFER_OK)
                assert_true(bytes_are_zero(frame, PAGE));
        } else {
            assert_int_equal(stamp, 99);
            stamp = write_number(fixture, slot, n);
        }
        if (fixture->cipher_calls < before + n)
            break;
        assert_status(status, COFFER_UNSUPPORTED);
        assert_reads(fixture, slot, stamp, n);
        fired++;
    }
    assert_int_equal(fired, 6); /* key's derivation, key, message: in each direction */
}

/* Opening fails in one place after another, and leaves nothing. */
static void test_every_failed_open_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t n = 1;; n++) {
        uint64_t before = fixture->port_calls;
        enum coffer_status status;

        fixture->port_fails_at = before + n;
        status = fixture_open(fixture);
        assert_int_equal(status == COFFER_OK, fixture->port_calls < before + n);
        if (status == COFFER_OK)
            break;
        assert_int_equal(fixture->memory->account.frames_used, fixture->frames_used);
        assert_int_equal(fixture->states, 0);
        assert_true(n <= 3);
    }
    fixture->port_fails_at = 0;
    fixture_close(fixture);
    for (uint64_t n = 1; n <= 2 * SWAP_LANES_MAX; n++) {
        fixture->cipher_fails_at = fixture->cipher_calls + n;
        assert_status(fixture_open(fixture), n % 2 == 1 ? COFFER_NO_MEMORY : COFFER_UNSUPPORTED);
        assert_int_equal(fixture->memory->account.frames_used, fixture->frames_used);
        assert_int_equal(fixture->states, 0);
    }
    for (uint64_t n = 1;; n++) {
        uint64_t before = fixture->allocations;
        enum coffer_status status;

        fixture->refuse_at = before + n;
        status = fixture_open(fixture);
        if (fixture->allocations < before + n) {
            assert_ok(status);
            break;
        }
        assert_status(status, COFFER_NO_MEMORY);
        assert_int_equal(fixture->memory->account.frames_used, fixture->frames_used);
    }
}

static void test_settings_are_checked(void **state)
{
    struct fixture *fixture = *state;
    const struct coffer_swap_settings good = {
        .ciphers = &fixture->ciphers,
        .medium = fixture->swap->medium,
        .pages = 1,
    };
    struct coffer_swap_settings settings;
    struct swap *swap;

#define assert_refused(change)                                                                     \
    do {                                                                                           \
        settings = good;                                                                           \
        change;                                                                                    \
        assert_status(swap_open(fixture->memory, &fixture->port, &settings, &swap),                \
                      COFFER_MISUSE);                                                              \
    } while (0)

    assert_refused(settings.ciphers = NULL);
    assert_refused(settings.medium.read = NULL);
    assert_refused(settings.medium.write = NULL);
    assert_refused(settings.pages = 0);
    assert_refused(settings.pages = BITMAP_BITS_MAX + 1);
    assert_status(swap_open(fixture->memory, NULL, &good, &swap), COFFER_MISUSE);
    assert_status(swap_open(fixture->memory, &fixture->port, NULL, &swap), COFFER_MISUSE);
    /* More than the memory can have a bit for. */
    settings = good;
    settings.pages = BITMAP_BITS_MAX;
    assert_status(swap_open(fixture->memory, &fixture->port, &settings, &swap), COFFER_NO_MEMORY);
}

/* A port without threads gets one lane and no condition. */
static void test_one_thread_is_enough(void **state)
{
    struct fixture *fixture = *state;
    uint32_t slot;
    uint64_t stamp;

    fixture->port.thread_start = NULL;
    fixture->port.condition_init = NULL;
    fixture->port.condition_fini = NULL;
    fixture->port.condition_wait = NULL;
    fixture->port.condition_signal = NULL;
    assert_ok(fixture_open(fixture));
    assert_int_equal(fixture->states, 1);
    slot = reserve(fixture);
    stamp = write_number(fixture, slot, 5);
    assert_reads(fixture, slot, stamp, 5);
}

/* --- Threads ----------------------------------------------------------------------------- */

#define THREADS 6u /* more than there are lanes */
#define ROUNDS  60u

struct worker {
    struct fixture *fixture;
    unsigned number;
    unsigned wrong;
};

static void work(void *argument)
{
    struct worker *worker = argument;
    const struct backing *backing = worker->fixture->backing;
    uint8_t mine[PAGE];
    uint8_t got[PAGE];

    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint32_t slot = worker->number;
        uint64_t stamp;

        fill_page(mine, i * THREADS + worker->number);
        if (backing->write(backing->context, slot, mine, &stamp) != COFFER_OK ||
            backing->read(backing->context, slot, stamp, got) != COFFER_OK ||
            memcmp(mine, got, PAGE) != 0 ||
            backing->read(backing->context, slot, stamp + THREADS * ROUNDS, got) != COFFER_CORRUPT)
            worker->wrong++;
    }
}

static void test_threads_seal_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct worker workers[THREADS];

    fixture->medium_is_slow = true;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(reserve(fixture), i);
        workers[i] = (struct worker){.fixture = fixture, .number = i};
    }
    threads_run(work, workers, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].wrong, 0);
    assert_int_equal(fixture->seal_count, THREADS * ROUNDS);
    assert_true(atomic_load(&fixture->waits) > 0);
    assert_seals_differ(fixture);
}

int main(void)
{
#define OPEN(test)   cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define CLOSED(test) cmocka_unit_test_setup_teardown(test, fixture_prepare, fixture_teardown)
    const struct CMUnitTest tests[] = {
        OPEN(test_every_slot_is_given_once),
        OPEN(test_slots_agree_with_a_list),
        OPEN(test_W3_pages_come_back),
        OPEN(test_W3_no_changed_byte_is_accepted),
        OPEN(test_W3_no_other_stamp_is_accepted),
        OPEN(test_W3_exchanged_slots_are_refused),
        OPEN(test_W3_an_older_version_is_refused),
        OPEN(test_W3_pages_of_another_swap_are_refused),
        OPEN(test_W1_no_iv_is_used_twice),
        OPEN(test_W1_a_key_seals_two_to_the_32_pages_at_most),
        OPEN(test_W1_the_last_version_is_never_passed),
        OPEN(test_W2_nothing_readable_is_in_the_medium),
        OPEN(test_W2_no_key_stays_in_memory),
        OPEN(test_errors_of_the_medium_are_told_and_pass),
        OPEN(test_errors_of_the_provider_are_told_and_pass),
        CLOSED(test_every_failed_open_leaves_nothing),
        OPEN(test_settings_are_checked),
        CLOSED(test_one_thread_is_enough),
        OPEN(test_threads_seal_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
