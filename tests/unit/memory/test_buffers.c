/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared buffers (memory/heap/buffers.h). Each test ends with every frame back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "memory/heap/buffers.h"
#include "support/frames.h"
#include "support/must.h"
#include "support/random.h"

#define FRAMES 200u

struct fixture {
    struct frames *frames;
    struct account account;
    struct account_line lines[4];
    struct owner owner;
    struct buffers buffers;
    uint64_t free; /* at first */
};

static _Alignas(FRAME_SIZE) uint8_t region[FRAMES * FRAME_SIZE];
static struct fixture fixture;

static void open_with(size_t idle_max, bool keep_contents)
{
    const struct memory_area area = {region, sizeof(region)};
    const struct frames_settings frames_settings = {.keep_contents = keep_contents};
    struct buffers_settings settings = {.idle_max = {idle_max, idle_max, idle_max}};

    memset(region, 0xa5, sizeof(region));
    memset(&fixture, 0, sizeof(fixture));
    account_init(&fixture.account, fixture.lines, 4);
    must(start_frames(&area, 1, &frames_settings, &fixture.account, &fixture.frames) == COFFER_OK);
    must(account_open_owner(&fixture.account, "buffers", &fixture.owner) == COFFER_OK);
    fixture.free = frames_statistics(fixture.frames).free;
    settings.frames = fixture.frames;
    settings.owner = fixture.owner;
    must(buffers_init(&fixture.buffers, &settings) == COFFER_OK);
}

static int set_up(void **state)
{
    (void)state;
    open_with((size_t)64 << 10, false);
    return 0;
}

static struct buffers_statistics numbers(void)
{
    struct buffers_statistics statistics;

    assert_true(buffers_are_valid(&fixture.buffers));
    buffers_statistics(&fixture.buffers, &statistics);
    assert_int_equal(fixture.lines[fixture.owner.index].frames, statistics.frames);
    return statistics;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(numbers().held, 0);
    buffers_fini(&fixture.buffers);
    assert_int_equal(frames_statistics(fixture.frames).free, fixture.free);
    assert_true(frames_is_valid(fixture.frames));
    assert_int_equal(fixture.account.wrong_frees, 0);
    frames_fini(fixture.frames);
    return 0;
}

static struct buffer *take(size_t size)
{
    struct buffer *buffer = NULL;

    assert_int_equal(buffers_take(&fixture.buffers, size, &buffer), COFFER_OK);
    assert_true(buffer->size >= size);
    assert_true(bytes_are_zero(buffer->bytes, buffer->size));
    assert_ptr_equal(buffer->home, &fixture.buffers);
    return buffer;
}

static void give(struct buffer *buffer)
{
    assert_int_equal(buffers_give(&fixture.buffers, buffer), COFFER_OK);
}

/* Ciphertext may stay in an idle buffer, and goes with its frames, or with the next plain give. */
static void test_what_is_sealed_is_not_wiped(void **state)
{
    struct buffer *buffer = take(16384);
    struct buffer *again;

    (void)state;
    memset(buffer->bytes, 0x5a, buffer->size);
    assert_int_equal(buffers_give_sealed(&fixture.buffers, buffer), COFFER_OK);
    assert_true(buffers_are_valid(&fixture.buffers));
    assert_int_equal(buffers_take(&fixture.buffers, 16384, &again), COFFER_OK);
    assert_ptr_equal(again, buffer);
    assert_int_equal(again->bytes[0], 0x5a);
    assert_int_equal(again->bytes[16383], 0x5a);
    give(again);
    assert_true(buffers_are_valid(&fixture.buffers));
    again = take(16384); /* zero */
    memset(again->bytes, 0x5a, again->size);
    assert_int_equal(buffers_give_sealed(&fixture.buffers, again), COFFER_OK);
    assert_true(buffers_trim(&fixture.buffers, UINT64_MAX) > 0);
    give(take(16384));
}

/* --- Classes ------------------------------------------------------------------------------- */

static void test_sizes_and_their_classes(void **state)
{
    static const struct {
        size_t size, usable;
    } cases[] = {
        {1, 1024},      {1023, 1024},   {1024, 1024},     {1025, 4096},
        {4096, 4096},   {4097, 16384},  {16384, 16384},   {16385, 20480},
        {20480, 20480}, {20481, 24576}, {100000, 102400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer *buffer = take(cases[i].size);

        assert_int_equal(buffer->size, cases[i].usable);
        assert_int_equal((uintptr_t)buffer->bytes % (cases[i].usable < FRAME_SIZE ? 1024 : 4096),
                         0);
        memset(buffer->bytes, 0x5a, buffer->size);
        give(buffer);
    }
    assert_int_equal(numbers().large, 4);
    assert_int_equal(numbers().misses, 3);
    assert_int_equal(numbers().hits, 4);
}

static void test_small_ones_share_frames(void **state)
{
    struct buffer *buffers[8];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        buffers[i] = take(1000);
        memset(buffers[i]->bytes, (int)i + 1, 1024);
    }
    assert_int_equal(numbers().frames, 3); /* one of them for records */
    assert_int_equal(numbers().misses, 2);
    assert_int_equal(numbers().hits, 6);
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 1024; k += 1023)
            assert_int_equal(buffers[i]->bytes[k], i + 1);
        give(buffers[i]);
    }
}

static void test_wrong_settings_and_sizes_are_refused(void **state)
{
    struct buffers_settings settings = {.frames = fixture.frames};
    struct buffers other;
    struct buffer *buffer = NULL;

    (void)state;
    assert_int_equal(buffers_init(&other, &settings), COFFER_MISUSE);
    settings.frames = NULL;
    settings.owner = fixture.owner;
    assert_int_equal(buffers_init(&other, &settings), COFFER_MISUSE);
    assert_int_equal(buffers_take(&fixture.buffers, 0, &buffer), COFFER_MISUSE);
    assert_int_equal(buffers_take(&fixture.buffers, SIZE_MAX, &buffer), COFFER_NO_MEMORY);
    assert_int_equal(buffers_take(&fixture.buffers, sizeof(region), &buffer), COFFER_NO_MEMORY);
    assert_null(buffer);
    assert_int_equal(numbers().refusals, 2);
}

/* --- Contents ------------------------------------------------------------------------------ */

static bool region_has(const char *text)
{
    return memmem(region, sizeof(region), text, strlen(text)) != NULL;
}

static void check_wiping(void)
{
    static const size_t sizes[] = {1024, 4096, 16384, 40000};

    for (size_t i = 0; i < 4; i++) {
        struct buffer *buffer = take(sizes[i]);

        memcpy(buffer->bytes, "secret at the start", 19);
        memcpy(buffer->bytes + buffer->size - 17, "secret at the end", 17);
        assert_true(region_has("secret at the end"));
        assert_int_equal(buffers_hold(&fixture.buffers, buffer), COFFER_OK);
        give(buffer);
        assert_true(region_has("secret at the start")); /* somebody still has it */
        give(buffer);
        assert_false(region_has("secret"));
    }
}

static void test_contents_go_with_the_last_reference(void **state)
{
    (void)state;
    check_wiping();
}

static void test_contents_go_where_frames_keep_theirs(void **state)
{
    (void)state;
    assert_int_equal(tear_down(state), 0);
    open_with(0, true); /* all that is given goes home at once */
    check_wiping();
    check_wiping();
    give(take(4096));
    assert_int_equal(numbers().frames, numbers().record_frames);
}

/* --- References ---------------------------------------------------------------------------- */

static void test_references_are_counted(void **state)
{
    struct buffer *buffer = take(3000);

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(buffers_hold(&fixture.buffers, buffer), COFFER_OK);
    memset(buffer->bytes, 1, 3000);
    for (unsigned i = 0; i < 1000; i++)
        give(buffer);
    assert_int_equal(buffer->bytes[2999], 1);
    assert_int_equal(numbers().held, 1);
    atomic_store(&buffer->references, UINT32_MAX);
    assert_int_equal(buffers_hold(&fixture.buffers, buffer), COFFER_NO_MEMORY);
    atomic_store(&buffer->references, 1);
    give(buffer);
    assert_int_equal(numbers().wrong_gives, 0);
}

static unsigned wrong_count;

static void expect_wrong(const void *address)
{
    struct buffer *buffer = (struct buffer *)(uintptr_t)address;

    assert_int_equal(buffers_give(&fixture.buffers, buffer), COFFER_MISUSE);
    assert_int_equal(buffers_hold(&fixture.buffers, buffer), COFFER_MISUSE);
    wrong_count += 2;
    assert_int_equal(numbers().wrong_gives, wrong_count);
}

static void test_wrong_gives_are_refused(void **state)
{
    struct buffers_settings settings = fixture.buffers.settings;
    struct buffer *buffers[4], forged, *foreign, *record;
    struct buffers other;
    uint8_t *page;

    (void)state;
    wrong_count = 0;
    for (unsigned i = 0; i < 4; i++)
        buffers[i] = take((size_t)600 << 2 * i); /* one of each kind */
    forged = *buffers[1];
    expect_wrong(NULL);
    expect_wrong(&forged);
    expect_wrong((const void *)(uintptr_t)-1);
    for (unsigned i = 0; i < 4; i++) {
        expect_wrong(buffers[i]->bytes);
        expect_wrong((uint8_t *)buffers[i] + 1);
        expect_wrong((uint8_t *)buffers[i] + 32);
    }
    /* What looks like a record, in what looks like its place, but isn't in a frame of records. */
    memcpy(buffers[1]->bytes, (uint8_t *)((uintptr_t)buffers[0] & ~(uintptr_t)(FRAME_SIZE - 1)),
           FRAME_SIZE);
    for (unsigned i = 0; i < FRAME_SIZE / sizeof(forged); i++)
        expect_wrong(buffers[1]->bytes + i * sizeof(forged));
    page = (uint8_t *)((uintptr_t)buffers[0] & ~(uintptr_t)(FRAME_SIZE - 1));
    expect_wrong(page);
    for (unsigned i = 1; i < FRAME_SIZE / sizeof(forged); i++) { /* idle and unused records */
        record = (struct buffer *)(void *)(page + i * sizeof(forged));
        if (record != buffers[0] && record != buffers[1] && record != buffers[2] &&
            record != buffers[3])
            expect_wrong(record);
    }

    /* Of buffers beside these. */
    assert_int_equal(buffers_init(&other, &settings), COFFER_OK);
    assert_int_equal(buffers_take(&other, 100, &foreign), COFFER_OK);
    assert_int_equal(buffers_give(&fixture.buffers, foreign), COFFER_MISUSE);
    wrong_count++;
    assert_int_equal(buffers_give(&other, foreign), COFFER_OK);
    buffers_fini(&other);

    /* Twice, and after all idle ones went. */
    for (unsigned i = 0; i < 4; i++) {
        give(buffers[i]);
        expect_wrong(buffers[i]);
    }
    (void)buffers_trim(&fixture.buffers, UINT64_MAX);
    for (unsigned i = 0; i < 4; i++)
        expect_wrong(buffers[i]);
    assert_int_equal(numbers().held, 0);
}

static struct {
    unsigned calls;
    uint8_t *bytes;
    size_t size;
} returned;

static void take_back(void *context, uint8_t *bytes, size_t size)
{
    struct buffer *another;

    returned.calls++;
    returned.bytes = bytes;
    returned.size = size;
    *(unsigned *)context += 1;
    /* Without locks: whatever is called here works. */
    if (buffers_take(&fixture.buffers, 1, &another) == COFFER_OK)
        give(another);
}

static void test_lent_bytes_go_back_to_their_owner(void **state)
{
    uint8_t bytes[300];
    unsigned context = 5;
    struct buffer *buffer = NULL;

    (void)state;
    memset(&returned, 0, sizeof(returned));
    memset(bytes, 7, sizeof(bytes));
    assert_int_equal(buffers_lend(&fixture.buffers, NULL, 1, take_back, NULL, &buffer),
                     COFFER_MISUSE);
    assert_int_equal(buffers_lend(&fixture.buffers, bytes, 0, take_back, NULL, &buffer),
                     COFFER_MISUSE);
    assert_int_equal(buffers_lend(&fixture.buffers, bytes, 1, NULL, NULL, &buffer), COFFER_MISUSE);
    assert_int_equal(
        buffers_lend(&fixture.buffers, bytes, sizeof(bytes), take_back, &context, &buffer),
        COFFER_OK);
    assert_ptr_equal(buffer->bytes, bytes);
    assert_int_equal(buffer->size, sizeof(bytes));
    assert_int_equal(buffers_hold(&fixture.buffers, buffer), COFFER_OK);
    give(buffer);
    assert_int_equal(returned.calls, 0);
    assert_int_equal(numbers().held, 1);
    give(buffer);
    assert_int_equal(returned.calls, 1);
    assert_ptr_equal(returned.bytes, bytes);
    assert_int_equal(returned.size, sizeof(bytes));
    assert_int_equal(context, 6);
    assert_int_equal(bytes[299], 7); /* not ours to wipe */
    assert_int_equal(buffers_give(&fixture.buffers, buffer), COFFER_MISUSE);
    assert_int_equal(returned.calls, 1);
    assert_int_equal(numbers().lent, 1);
}

/* --- Idle ones ----------------------------------------------------------------------------- */

static void test_idle_ones_stay_up_to_the_bound(void **state)
{
    struct buffer *buffers[24];

    assert_int_equal(tear_down(state), 0);
    open_with(16384, false);
    for (unsigned i = 0; i < 24; i++)
        buffers[i] = take(4096);
    for (unsigned i = 0; i < 24; i++)
        give(buffers[i]);
    assert_int_equal(numbers().idle[1], 4);
    assert_int_equal(numbers().frames, 4 + numbers().record_frames);
    assert_int_equal(numbers().held_peak, 24);

    /* A frame of small ones stays while one of them is in use. */
    for (unsigned i = 0; i < 24; i++)
        buffers[i] = take(1024);
    for (unsigned i = 0; i < 24; i++) {
        if (i % 4 != 2)
            give(buffers[i]);
    }
    assert_int_equal(numbers().idle[0], 18);
    for (unsigned i = 2; i < 24; i += 4)
        give(buffers[i]);
    assert_int_equal(numbers().idle[0], 16);
    assert_int_equal(numbers().frames, 4 + 4 + numbers().record_frames);
}

static void test_all_go_under_pressure(void **state)
{
    struct buffer *held[3];
    uint64_t idle_frames;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct buffer *others[3];

        held[i] = take((size_t)1024 << 2 * i);
        for (unsigned k = 0; k < 3; k++)
            others[k] = take((size_t)1024 << 2 * i);
        for (unsigned k = 0; k < 3; k++)
            give(others[k]);
    }
    idle_frames = 3 + 12; /* the small ones share a frame with one that is held */
    assert_int_equal(buffers_trim(&fixture.buffers, 0), 0);
    assert_int_equal(buffers_trim(&fixture.buffers, 1), 16384); /* the largest class first */
    assert_int_equal(buffers_trim(&fixture.buffers, UINT64_MAX), (idle_frames - 4) * FRAME_SIZE);
    assert_int_equal(buffers_trim(&fixture.buffers, UINT64_MAX), 0);
    assert_int_equal(numbers().trimmed_bytes, idle_frames * FRAME_SIZE);
    for (unsigned i = 0; i < 3; i++)
        give(held[i]);
    assert_int_equal(buffers_trim(&fixture.buffers, UINT64_MAX), 6 * FRAME_SIZE);
    assert_int_equal(numbers().frames, numbers().record_frames);
    assert_int_equal(numbers().record_frames, 1);
}

static void test_what_was_used_longest_ago_goes_first(void **state)
{
    struct buffer *first = take(4096), *last = take(4096), *again;
    const uint8_t *bytes = last->bytes;

    (void)state;
    give(first);
    give(last);
    assert_int_equal(buffers_trim(&fixture.buffers, 1), 4096);
    again = take(4096);
    assert_ptr_equal(again->bytes, bytes);
    give(again);
}

static void test_frames_in_use_are_filled_first(void **state)
{
    struct buffer *small[8];

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        small[i] = take(1024);
    give(small[5]);
    for (unsigned i = 0; i < 4; i++)
        give(small[i]); /* the frame of these could go home */
    small[5] = take(1024);
    assert_int_equal(buffers_trim(&fixture.buffers, UINT64_MAX), 4096);
    for (unsigned i = 4; i < 8; i++)
        give(small[i]);
}

/* What is idle in one class is found by who needs another. */
static void test_shortage_is_met_from_idle_ones(void **state)
{
    struct buffer *large[4], *medium[16], *none = NULL;
    void *hogs[FRAMES];
    unsigned hog_count = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        large[i] = take(16384);
    for (unsigned i = 0; i < 4; i++)
        give(large[i]);
    while (frames_take(fixture.frames, (struct owner){1}, 1, &hogs[hog_count]) == COFFER_OK)
        hog_count++;
    for (unsigned i = 0; i < 16; i++)
        medium[i] = take(4096);
    assert_int_equal(numbers().trimmed_bytes, 65536);
    assert_int_equal(buffers_take(&fixture.buffers, 1, &none), COFFER_NO_MEMORY);
    assert_null(none);
    assert_int_equal(numbers().refusals, 1);
    for (unsigned i = 0; i < 16; i++)
        give(medium[i]);
    while (hog_count > 0)
        assert_int_equal(frames_give(fixture.frames, hogs[--hog_count]), COFFER_OK);
}

/* --- Faults -------------------------------------------------------------------------------- */

static unsigned asked, refuse_at; /* 0: none */

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)argument;
    (void)owner;
    (void)size;
    return ++asked == refuse_at;
}

/* More records than a chunk has, of all kinds; what a refusal leaves out can't be given. */
static unsigned scenario(void)
{
    struct buffer *buffers[90];
    uint8_t byte = 0;
    unsigned context = 0;
    unsigned refusals = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < 90; i++) {
        size_t size = i % 9 == 0 ? 20000 : i % 5 == 0 ? 9000 : i % 2 == 0 ? 4000 : 1000;
        struct buffer *buffer = NULL;
        enum coffer_status status = i % 7 == 3 ? buffers_lend(&fixture.buffers, &byte, 1, take_back,
                                                              &context, &buffer)
                                               : buffers_take(&fixture.buffers, size, &buffer);

        if (status != COFFER_OK) {
            assert_int_equal(status, COFFER_NO_MEMORY);
            assert_null(buffer);
            refusals++;
            continue;
        }
        buffers[count++] = buffer;
        if (i % 3 == 0)
            give(buffers[--count]);
    }
    assert_true(buffers_are_valid(&fixture.buffers));
    while (count > 0)
        give(buffers[--count]);
    return refusals;
}

static void test_every_refused_allocation(void **state)
{
    unsigned refusals = 0;
    unsigned n = 0;

    do {
        assert_int_equal(tear_down(state), 0);
        open_with((size_t)32 << 10, false);
        asked = 0;
        refuse_at = ++n;
        account_set_refuse(&fixture.account, refuse, NULL);
        refusals += scenario();
        account_set_refuse(&fixture.account, NULL, NULL);
        assert_int_equal(numbers().held, 0);
    } while (asked >= n);
    assert_true(n > 40);
    assert_true(refusals > 1); /* the others were met from idle ones */
}

/* --- At random ----------------------------------------------------------------------------- */

#define MODEL_COUNT 60u

static void fill(const struct buffer *buffer, unsigned number)
{
    for (size_t i = 0; i < buffer->size; i += 100)
        buffer->bytes[i] = (uint8_t)(number + i);
}

static bool is_filled(const struct buffer *buffer, unsigned number)
{
    for (size_t i = 0; i < buffer->size; i += 100) {
        if (buffer->bytes[i] != (uint8_t)(number + i))
            return false;
    }
    return true;
}

static void test_random_use_against_a_model(void **state)
{
    struct {
        struct buffer *buffer;
        unsigned references;
    } model[MODEL_COUNT] = {{NULL, 0}};
    unsigned steps = getenv("COFFER_DEEP") != NULL ? 400000 : 8000;
    struct random random;
    size_t held = 0;

    (void)state;
    random_init(&random, "test_random_use_against_a_model");
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = (unsigned)random_below(&random, MODEL_COUNT);
        uint64_t what = random_below(&random, 100);

        if (model[i].references == 0) {
            size_t size = 1 + random_below(&random, (uint64_t)256 << random_below(&random, 8));
            enum coffer_status status = buffers_take(&fixture.buffers, size, &model[i].buffer);

            if (status != COFFER_OK) {
                assert_int_equal(status, COFFER_NO_MEMORY);
                continue;
            }
            assert_true(bytes_are_zero(model[i].buffer->bytes, model[i].buffer->size));
            fill(model[i].buffer, i);
            model[i].references = 1;
            held++;
        } else if (what < 30) {
            assert_int_equal(buffers_hold(&fixture.buffers, model[i].buffer), COFFER_OK);
            model[i].references++;
        } else if (what < 98) {
            assert_true(is_filled(model[i].buffer, i));
            give(model[i].buffer);
            held -= --model[i].references == 0;
        } else {
            (void)buffers_trim(&fixture.buffers, random_below(&random, 100000));
        }
        if (step % 64 == 0)
            assert_int_equal(numbers().held, held);
    }
    for (unsigned i = 0; i < MODEL_COUNT; i++) {
        for (; model[i].references > 0; model[i].references--)
            give(model[i].buffer);
    }
}

int main(void)
{
#define buffers_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        buffers_test(test_what_is_sealed_is_not_wiped),
        buffers_test(test_sizes_and_their_classes),
        buffers_test(test_small_ones_share_frames),
        buffers_test(test_wrong_settings_and_sizes_are_refused),
        buffers_test(test_contents_go_with_the_last_reference),
        buffers_test(test_contents_go_where_frames_keep_theirs),
        buffers_test(test_references_are_counted),
        buffers_test(test_wrong_gives_are_refused),
        buffers_test(test_lent_bytes_go_back_to_their_owner),
        buffers_test(test_idle_ones_stay_up_to_the_bound),
        buffers_test(test_all_go_under_pressure),
        buffers_test(test_what_was_used_longest_ago_goes_first),
        buffers_test(test_frames_in_use_are_filled_first),
        buffers_test(test_shortage_is_met_from_idle_ones),
        buffers_test(test_every_refused_allocation),
        buffers_test(test_random_use_against_a_model),
    };

    return cmocka_run_group_tests_name("buffers", tests, NULL, NULL);
}
