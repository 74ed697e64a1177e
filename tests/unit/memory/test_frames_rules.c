/* SPDX-License-Identifier: BSD-2-Clause */
/* What frames do beside taking and giving: alignment, tags, quotas, owners, watermarks, caches. */
#include "fixture.h"

#include "base/bytes.h"
#include "memory/frames/kept.h"
#include "memory/frames/lookup.h"
#include "support/frames.h"
#include "support/must.h"

#define LINES 6u

/* Two areas of 300 and 100 frames, the first one frame off a 1 MiB boundary. Everything is back
 * after each test. The port has two slots and no threads behind them: the test says who calls. */
struct fixture {
    struct buffer buffer;
    struct memory_area areas[2];
    struct account account;
    struct account_line lines[LINES];
    struct coffer_port port;
    struct frames *frames;
    struct owner owner;
    uint64_t free;
    unsigned slot;
    unsigned told[3]; /* by level */
    void *hoard;      /* what the watch gives back at FRAMES_NONE */
};

static unsigned slot_of(void *context)
{
    return ((const struct fixture *)context)->slot;
}

static const void *self_of(void *context)
{
    struct fixture *f = context;

    return (const uint8_t *)f + f->slot;
}

static void yield(void *context)
{
    (void)context;
}

static void start(struct fixture *f, const struct frames_settings *settings)
{
    account_init(&f->account, f->lines, LINES);
    assert_ok(start_frames(f->areas, 2, settings, &f->account, &f->frames));
    assert_ok(account_open_owner(&f->account, "test", &f->owner));
    f->free = frames_statistics(f->frames).free;
}

static struct fixture *make(void)
{
    struct fixture *f = must_alloc(sizeof(*f));

    memset(f, 0, sizeof(*f));
    f->buffer = buffer_make(512, (size_t)1 << 20);
    f->areas[0] = (struct memory_area){f->buffer.start + FRAME_SIZE, 300 * FRAME_SIZE};
    f->areas[1] = (struct memory_area){f->buffer.start + 310 * FRAME_SIZE, 100 * FRAME_SIZE};
    f->port = (struct coffer_port){
        .context = f, .thread_slot = slot_of, .thread_self = self_of, .thread_yield = yield};
    return f;
}

static int setup(void **state)
{
    struct fixture *f = make();

    start(f, &(struct frames_settings){.keep_contents = false});
    *state = f;
    return 0;
}

static int setup_kept(void **state)
{
    struct fixture *f = make();

    start(f, &(struct frames_settings){.keep_contents = true});
    *state = f;
    return 0;
}

static int setup_caches(void **state)
{
    struct fixture *f = make();

    start(f, &(struct frames_settings){.port = &f->port, .cache_frames = 8});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct frames_statistics s = frames_statistics(f->frames);

    assert_true(frames_is_valid(f->frames));
    assert_int_equal(s.free, f->free);
    assert_int_equal(f->lines[f->owner.index].frames, 0);
    assert_int_equal(f->lines[f->owner.index].run_takes, f->lines[f->owner.index].run_gives);
    frames_fini(f->frames);
    assert_int_equal(f->account.frames_used, 0);
    assert_true(bytes_are_zero(f->areas[0].address, f->areas[0].size));
    buffer_free(&f->buffer);
    free(f);
    return 0;
}

static void *take(struct fixture *f, size_t count)
{
    void *run = NULL;

    assert_ok(frames_take(f->frames, f->owner, count, &run));
    return run;
}

static void test_aligned_runs(void **state)
{
    struct fixture *f = *state;
    void *run = f;

    for (size_t alignment = 1; alignment <= 256; alignment *= 2) {
        for (size_t count = 1; count <= 40; count += 3) {
            assert_ok(frames_take_aligned(f->frames, f->owner, count, alignment, &run));
            assert_int_equal((uintptr_t)run % (alignment * FRAME_SIZE), 0);
            assert_int_equal(f->lines[f->owner.index].frames, count);
            assert_true(bytes_are_zero(run, count * FRAME_SIZE));
            assert_true(frames_is_valid(f->frames));
            assert_ok(frames_give(f->frames, run));
        }
    }
    run = f;
    assert_status(frames_take_aligned(f->frames, f->owner, 1, 0, &run), COFFER_MISUSE);
    assert_status(frames_take_aligned(f->frames, f->owner, 1, 3, &run), COFFER_MISUSE);
    assert_status(frames_take_aligned(f->frames, f->owner, 200, 256, &run), COFFER_NO_MEMORY);
    assert_status(frames_take_aligned(f->frames, f->owner, 1, (size_t)1 << 40, &run),
                  COFFER_NO_MEMORY);
    assert_ptr_equal(run, f);
}

static void test_tags_are_on_every_frame_and_go_with_the_run(void **state)
{
    struct fixture *f = *state;
    uint8_t *run = take(f, 7);
    uint8_t *kept;

    assert_ok(frames_set_tag(f->frames, run + 2 * FRAME_SIZE, 3, 9));
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(frames_tag(f->frames, run + i * FRAME_SIZE + 17), i >= 2 && i < 5 ? 9 : 0);
    assert_status(frames_set_tag(f->frames, run + 5 * FRAME_SIZE, 3, 1), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, run, 0, 1), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, run, SIZE_MAX, 1), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, run + 1, 1, 1), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, run, 1, FRAMES_TAG_KEPT), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, f->areas[0].address, 1, 1), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, run + 8 * FRAME_SIZE, 1, 1), COFFER_MISUSE); /* free */
    assert_int_equal(frames_tag(f->frames, f), 0);
    assert_int_equal(frames_tag(f->frames, NULL), 0);

    assert_ok(frames_give(f->frames, run));
    assert_int_equal(frames_tag(f->frames, run + 2 * FRAME_SIZE), 0);

    assert_ok(frames_take_kept(f->frames, f->owner, 3, FRAMES_SPAN, 5, (void **)&kept));
    frames_tag_kept(f->frames, kept, 3, 5);
    assert_int_equal(frames_tag(f->frames, kept + 3 * FRAME_SIZE - 1), FRAMES_TAG_KEPT | 5);
    assert_status(frames_give(f->frames, kept), COFFER_MISUSE);
    assert_status(frames_hold(f->frames, kept), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, kept, 1, 1), COFFER_MISUSE);
    frames_give_kept(f->frames, kept);
    assert_int_equal(frames_tag(f->frames, kept), 0);
}

static void test_numbers_count_through_all_segments(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 400; i++) {
        uint8_t *address = i < 300 ? (uint8_t *)f->areas[0].address + i * FRAME_SIZE
                                   : (uint8_t *)f->areas[1].address + (i - 300) * FRAME_SIZE;

        assert_int_equal(frames_number(f->frames, address + i), i);
        assert_ptr_equal(frames_address(f->frames, i), address);
    }
    assert_int_equal(frames_number(f->frames, f->buffer.start), FRAMES_NO_NUMBER);
    assert_int_equal(frames_number(f->frames, NULL), FRAMES_NO_NUMBER);
    assert_int_equal(frames_number(f->frames, f->buffer.start + 305 * FRAME_SIZE),
                     FRAMES_NO_NUMBER);
}

static void test_quotas(void **state)
{
    struct fixture *f = *state;
    struct account_line *line = &f->lines[f->owner.index];
    void *run;
    void *more;
    void *other = f;

    assert_ok(account_set_quota(&f->account, f->owner, 10));
    assert_int_equal(account_line_quota(line), 10);
    run = take(f, 3);
    more = take(f, 5);
    assert_status(frames_take(f->frames, f->owner, 3, &other), COFFER_NO_MEMORY);
    assert_status(frames_take(f->frames, f->owner, 4, &other), COFFER_NO_MEMORY);
    assert_status(frames_take_kept(f->frames, f->owner, 3, FRAMES_BLOCK, 0, &other),
                  COFFER_NO_MEMORY);
    assert_ptr_equal(other, f);
    assert_int_equal(line->quota_refusals, 3);
    assert_int_equal(line->run_refusals, 2);
    other = take(f, 2);
    assert_ok(frames_give(f->frames, other));

    /* Below what is held already: that stays, and no more comes. */
    assert_ok(account_set_quota(&f->account, f->owner, 4));
    assert_status(frames_take(f->frames, f->owner, 1, &other), COFFER_NO_MEMORY);
    assert_ok(frames_give(f->frames, more));
    other = take(f, 1);
    assert_status(frames_take(f->frames, f->owner, 1, &run), COFFER_NO_MEMORY);
    assert_ok(frames_give(f->frames, other));
    assert_ok(frames_give(f->frames, run));
    assert_ok(account_set_quota(&f->account, f->owner, 0));
    assert_status(frames_take(f->frames, f->owner, 1, &run), COFFER_NO_MEMORY);
    assert_ok(account_set_quota(&f->account, f->owner, ACCOUNT_NO_QUOTA));
    run = take(f, 64);
    assert_ok(frames_give(f->frames, run));
    assert_status(account_set_quota(&f->account, (struct owner){5}, 1), COFFER_MISUSE);
    assert_status(account_set_quota(&f->account, (struct owner){200}, 1), COFFER_MISUSE);
}

static void test_owners_are_closed_when_they_hold_nothing(void **state)
{
    struct fixture *f = *state;
    struct owner other;
    struct owner again;
    void *run;

    assert_ok(account_open_owner(&f->account, "other", &other));
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(frames_take(f->frames, other, 2, &run));
        assert_status(account_close_owner(&f->account, other), COFFER_BUSY);
        assert_ok(frames_give(f->frames, run));
    }
    assert_ok(account_close_owner(&f->account, other));
    assert_status(account_close_owner(&f->account, other), COFFER_MISUSE);
    assert_status(frames_take(f->frames, other, 2, &run), COFFER_MISUSE);
    assert_status(account_close_owner(&f->account, (struct owner){0}), COFFER_MISUSE);
    assert_ok(account_open_owner(&f->account, "again", &again));
    assert_int_equal(again.index, other.index);
    assert_int_equal(f->lines[again.index].frames_peak, 0);
    assert_ok(frames_take(f->frames, again, 2, &run));
    assert_ok(frames_give(f->frames, run));
    assert_ok(account_close_owner(&f->account, again));
}

static bool watch(void *context, enum frames_level level)
{
    struct fixture *f = context;
    void *run = f->hoard;
    void *none;

    f->told[level]++;
    assert_true(frames_is_valid(f->frames)); /* the lock isn't held */
    if (level != FRAMES_NONE)
        return false;
    assert_status(frames_take(f->frames, f->owner, 350, &none), COFFER_NO_MEMORY);
    f->hoard = NULL;
    if (run != NULL)
        assert_ok(frames_give(f->frames, run));
    return run != NULL;
}

static void assert_told(const struct fixture *f, unsigned low, unsigned high, unsigned none)
{
    assert_int_equal(f->told[FRAMES_LOW], low);
    assert_int_equal(f->told[FRAMES_HIGH], high);
    assert_int_equal(f->told[FRAMES_NONE], none);
    assert_int_equal(frames_statistics(f->frames).low_events, low);
}

/* On both ways: wiping (long) and kept contents (short). */
static void test_watermarks(void **state)
{
    struct fixture *f = *state;
    void *runs[400];
    uint64_t count = 0;

    assert_status(frames_set_watermarks(f->frames, 9, 8, watch, f), COFFER_MISUSE);
    assert_status(frames_set_watermarks(f->frames, 9, 1000, watch, f), COFFER_MISUSE);
    assert_ok(frames_set_watermarks(f->frames, 10, 20, watch, f));
    for (unsigned round = 1; round <= 3; round++) {
        while (count < f->free - 10)
            runs[count++] = take(f, 1);
        assert_told(f, round - 1, round - 1, 0);
        runs[count++] = take(f, 1); /* 9 free */
        assert_told(f, round, round - 1, 0);
        runs[count++] = take(f, 1);
        while (count > f->free - 19)
            assert_ok(frames_give(f->frames, runs[--count]));
        runs[count++] = take(f, 1);
        assert_ok(frames_give(f->frames, runs[--count]));
        assert_told(f, round, round - 1, 0);
        assert_ok(frames_give(f->frames, runs[--count])); /* 20 free */
        assert_told(f, round, round, 0);
    }
    while (count > 0)
        assert_ok(frames_give(f->frames, runs[--count]));
    assert_told(f, 3, 3, 0);
    assert_ok(frames_set_watermarks(f->frames, 0, 0, NULL, NULL));
}

static void test_a_take_that_fails_asks_once_and_tries_again(void **state)
{
    struct fixture *f = *state;
    void *run = f;

    assert_ok(frames_set_watermarks(f->frames, 0, 0, watch, f));
    assert_status(frames_take(f->frames, f->owner, 350, &run), COFFER_NO_MEMORY);
    assert_int_equal(f->told[FRAMES_NONE], 1);
    f->hoard = take(f, 256);
    assert_ok(frames_take(f->frames, f->owner, 250, &run));
    assert_int_equal(f->told[FRAMES_NONE], 2);
    assert_ok(frames_give(f->frames, run));
    assert_ok(frames_set_watermarks(f->frames, 0, 0, NULL, NULL));
}

static int compare_addresses(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a;
    uintptr_t y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

/* Gives one frame each time it is asked. */
struct giver {
    struct fixture *fixture;
    void *frames[64];
    unsigned count;
    unsigned given;
    unsigned asked;
    bool pretends; /* and gives none */
};

static bool give_one(void *context, enum frames_level level)
{
    struct giver *giver = context;

    if (level != FRAMES_NONE)
        return false;
    giver->asked++;
    if (giver->given == giver->count)
        return false;
    if (giver->pretends)
        return true;
    assert_ok(frames_give(giver->fixture->frames, giver->frames[giver->given++]));
    return true;
}

/* Frames are all out: `count` of them side by side belong to the giver, who gives each `stride`-th
 * first. */
static void take_all(struct fixture *f, struct giver *giver, unsigned count, unsigned stride,
                     void *rest[400])
{
    void *frames[400];
    unsigned total = 0;
    unsigned kept = 0;

    *giver = (struct giver){.fixture = f};
    while (frames_take(f->frames, f->owner, 1, &frames[total]) == COFFER_OK)
        total++;
    assert_true(total >= count && total <= 400);
    qsort(frames, total, sizeof(frames[0]), compare_addresses);
    for (unsigned first = 0; first < stride; first++) {
        for (unsigned i = first; i < count; i += stride)
            giver->frames[giver->count++] = frames[i];
    }
    memset(rest, 0, 400 * sizeof(rest[0]));
    for (unsigned i = count; i < total; i++)
        rest[kept++] = frames[i];
}

static void give_rest(struct fixture *f, const struct giver *giver, void *const rest[400])
{
    for (unsigned i = giver->given; i < giver->count; i++)
        assert_ok(frames_give(f->frames, giver->frames[i]));
    for (unsigned i = 0; i < 400 && rest[i] != NULL; i++)
        assert_ok(frames_give(f->frames, rest[i]));
    assert_ok(frames_set_watermarks(f->frames, 0, 0, NULL, NULL));
}

/* A run takes as many frames as it takes until some lie side by side, but not all there are. */
static void test_a_take_of_a_run_asks_until_there_is_one(void **state)
{
    struct fixture *f = *state;
    struct giver giver;
    void *rest[400];
    void *run;

    take_all(f, &giver, 16, 4, rest);
    assert_ok(frames_set_watermarks(f->frames, 0, 0, give_one, &giver));
    assert_ok(frames_take(f->frames, f->owner, 4, &run));
    assert_int_equal(giver.given, 13); /* 0 4 8 12, 1 5 9 13, 2 6 10 14, 3 */
    assert_ok(frames_give(f->frames, run));
    give_rest(f, &giver, rest);

    /* Enough of them are free, and none side by side. */
    take_all(f, &giver, 64, 2, rest);
    assert_ok(frames_set_watermarks(f->frames, 0, 0, give_one, &giver));
    assert_status(frames_take(f->frames, f->owner, 3, &run), COFFER_NO_MEMORY);
    assert_int_equal(giver.given, 24);
    give_rest(f, &giver, rest);

    /* Who says so and gives nothing is soon asked no more. */
    take_all(f, &giver, 1, 1, rest);
    giver.pretends = true;
    assert_ok(frames_set_watermarks(f->frames, 0, 0, give_one, &giver));
    assert_status(frames_take(f->frames, f->owner, 1, &run), COFFER_NO_MEMORY);
    assert_int_equal(giver.asked, 2);
    give_rest(f, &giver, rest);
}

static void test_cached_frames_are_free(void **state)
{
    struct fixture *f = *state;
    uint8_t *frame = take(f, 1);
    struct frames_statistics s;
    uint64_t wrong;
    void *all;

    memset(frame, 0xee, FRAME_SIZE);
    assert_true(frames_statistics(f->frames).cached > 0); /* the rest of what was fetched */
    assert_ok(frames_give(f->frames, frame));
    assert_true(bytes_are_zero(frame, FRAME_SIZE));
    s = frames_statistics(f->frames);
    assert_int_equal(s.free, f->free);
    assert_true(s.cached >= 1 && s.cached <= 8);
    assert_true(frames_query(f->frames, frame).free);
    assert_int_equal(f->account.frames_used, f->account.frames_total - f->free);
    wrong = f->account.wrong_frees;
    assert_status(frames_give(f->frames, frame), COFFER_MISUSE);
    assert_status(frames_hold(f->frames, frame), COFFER_MISUSE);
    assert_status(frames_set_tag(f->frames, frame, 1, 1), COFFER_MISUSE);
    assert_int_equal(f->account.wrong_frees, wrong + 1);
    assert_ptr_equal(take(f, 1), frame); /* the warm one comes first */
    assert_ok(frames_give(f->frames, frame));

    /* Another thread gets what it needs, wherever that is cached. */
    f->slot = 1;
    assert_ok(frames_take(f->frames, f->owner, (size_t)s.largest_run, &all));
    assert_true(frames_is_valid(f->frames));
    assert_ok(frames_give(f->frames, all));
}

static void test_caches_keep_quotas_and_bounds(void **state)
{
    struct fixture *f = *state;
    void *runs[400];
    uint64_t count = 0;

    assert_ok(account_set_quota(&f->account, f->owner, 3));
    while (frames_take(f->frames, f->owner, 1, &runs[count]) == COFFER_OK)
        count++;
    assert_int_equal(count, 3);
    assert_ok(account_set_quota(&f->account, f->owner, ACCOUNT_NO_QUOTA));
    for (;; f->slot = (f->slot + 1) % 3 == 2 ? PORT_SLOTS_MAX : (f->slot + 1) % 3) {
        if (frames_take(f->frames, f->owner, 1, &runs[count]) != COFFER_OK)
            break;
        count++;
    }
    assert_int_equal(count, f->free); /* every single one, cached by whomever */
    assert_int_equal(frames_statistics(f->frames).cached, 0);
    while (count > 0) {
        f->slot = count % 2;
        assert_ok(frames_give(f->frames, runs[--count]));
        assert_true(frames_statistics(f->frames).cached <= 16);
    }
}

static void test_bad_settings_are_refused(void **state)
{
    struct fixture *f = *state;
    struct frames_settings settings = {.port = &f->port, .cache_frames = FRAMES_CACHE_MAX + 1};
    struct frames *frames = NULL;
    struct account account;
    struct account_line lines[LINES];

    account_init(&account, lines, LINES);
    assert_status(start_frames(f->areas, 2, &settings, &account, &frames), COFFER_MISUSE);
    assert_null(frames);
}

#define test(name)        cmocka_unit_test_setup_teardown(name, setup, teardown)
#define test_kept(name)   cmocka_unit_test_setup_teardown(name, setup_kept, teardown)
#define test_caches(name) cmocka_unit_test_setup_teardown(name, setup_caches, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_aligned_runs),
        test_caches(test_tags_are_on_every_frame_and_go_with_the_run),
        test(test_tags_are_on_every_frame_and_go_with_the_run),
        test(test_numbers_count_through_all_segments),
        test(test_quotas),
        test_kept(test_quotas),
        test_kept(test_owners_are_closed_when_they_hold_nothing),
        test(test_watermarks),
        test_kept(test_watermarks),
        test_caches(test_watermarks),
        test(test_a_take_that_fails_asks_once_and_tries_again),
        test(test_a_take_of_a_run_asks_until_there_is_one),
        test_kept(test_a_take_that_fails_asks_once_and_tries_again),
        test_caches(test_cached_frames_are_free),
        test_caches(test_caches_keep_quotas_and_bounds),
        test(test_bad_settings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
