/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of frames: takes of every shape, wrong frees of every kind, exact accounts. */
#include "fixture.h"

#include "base/bytes.h"
#include "memory/frames/buddy.h"
#include "support/frames.h"
#include "support/must.h"

#define LINES 6u

/* 256 frames at a 1 MiB boundary. After every test all frames are back. */
struct fixture {
    struct buffer buffer;
    struct account account;
    struct account_line lines[LINES];
    struct frames *frames;
    struct owner owner;
    uint64_t free;
};

static void start(struct fixture *f, size_t frame_count, bool keep_contents)
{
    struct memory_area area;

    f->buffer = buffer_make(frame_count, (size_t)1 << 20);
    area = (struct memory_area){f->buffer.start, f->buffer.size};
    account_init(&f->account, f->lines, LINES);
    assert_ok(start_frames(&area, 1, &(struct frames_settings){.keep_contents = keep_contents},
                           &f->account, &f->frames));
    assert_ok(account_open_owner(&f->account, "test", &f->owner));
    f->free = frames_statistics(f->frames).free;
}

static int setup(void **state)
{
    struct fixture *f = must_alloc(sizeof(*f));

    start(f, 256, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    const struct account_line *line = &f->account.lines[f->owner.index];
    struct frames_statistics s = frames_statistics(f->frames);

    assert_true(frames_is_valid(f->frames));
    assert_int_equal(s.free, f->free);
    assert_int_equal(s.largest_run, f->free);
    assert_int_equal(line->frames, 0);
    assert_int_equal(line->bytes, 0);
    assert_int_equal(line->run_takes, line->run_gives);
    assert_int_equal(f->account.frames_used, s.reserved);
    frames_fini(f->frames);
    assert_true(bytes_are_zero(f->buffer.start, f->buffer.size));
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
    free(f);
    return 0;
}

static void *take(struct fixture *f, size_t count)
{
    void *run = NULL;

    assert_ok(frames_take(f->frames, f->owner, count, &run));
    assert_true(bytes_are_zero(run, count * FRAME_SIZE));
    assert_true(frames_is_valid(f->frames));
    memset(run, 0xee, count * FRAME_SIZE);
    return run;
}

static void give(struct fixture *f, void *run)
{
    assert_ok(frames_give(f->frames, run));
    assert_true(frames_is_valid(f->frames));
}

/* A wrong free, which changes nothing and is counted. */
static void assert_give_refused(struct fixture *f, void *address)
{
    uint64_t wrong = f->account.wrong_frees;
    uint64_t used = f->account.frames_used;

    assert_status(frames_give(f->frames, address), COFFER_MISUSE);
    assert_int_equal(f->account.wrong_frees, wrong + 1);
    assert_int_equal(f->account.frames_used, used);
    assert_true(frames_is_valid(f->frames));
}

static void test_every_count_is_exact(void **state)
{
    struct fixture *f = *state;

    for (size_t count = 1; count <= f->free; count++) {
        uint8_t *run = take(f, count);
        struct frame_info last = frames_query(f->frames, run + count * FRAME_SIZE - 1);

        assert_int_equal(f->account.lines[f->owner.index].frames, count);
        assert_int_equal(account_line_bytes(&f->lines[f->owner.index], FRAME_SIZE),
                         count * FRAME_SIZE);
        assert_int_equal(frames_statistics(f->frames).free, f->free - count);
        assert_ptr_equal(last.head, run);
        assert_int_equal(last.run, count);
        assert_int_equal(last.offset, count - 1);
        assert_int_equal(last.owner.index, f->owner.index);
        give(f, run);
        assert_true(bytes_are_zero(run, count * FRAME_SIZE));
    }
}

static void test_blocks_are_aligned_to_their_size(void **state)
{
    struct fixture *f = *state;

    for (unsigned order = 0; order < 7; order++) {
        void *small = take(f, 1);
        void *run = take(f, (size_t)1 << order);

        assert_int_equal((uintptr_t)run % (FRAME_SIZE << order), 0);
        give(f, small);
        give(f, run);
    }
}

static void test_misuse_of_take(void **state)
{
    struct fixture *f = *state;
    void *run = f;
    struct owner none = {0};
    struct owner unopened = {(uint8_t)(f->owner.index + 1)};
    struct owner wild = {255};

    assert_status(frames_take(f->frames, f->owner, 0, &run), COFFER_MISUSE);
    assert_status(frames_take(f->frames, none, 1, &run), COFFER_MISUSE);
    assert_status(frames_take(f->frames, unopened, 1, &run), COFFER_MISUSE);
    assert_status(frames_take(f->frames, wild, 1, &run), COFFER_MISUSE);
    assert_status(frames_take(f->frames, f->owner, f->free + 1, &run), COFFER_NO_MEMORY);
    assert_status(frames_take(f->frames, f->owner, SIZE_MAX, &run), COFFER_NO_MEMORY);
    assert_status(frames_take(f->frames, f->owner, SIZE_MAX / FRAME_SIZE + 2, &run),
                  COFFER_NO_MEMORY);
    assert_status(frames_take(f->frames, f->owner, (size_t)1 << 32, &run), COFFER_NO_MEMORY);
    assert_ptr_equal(run, f);
    assert_int_equal(f->account.lines[f->owner.index].run_refusals, 4);
    assert_int_equal(f->account.lines[f->owner.index].run_takes, 0);
}

static void test_double_free_is_refused(void **state)
{
    struct fixture *f = *state;
    void *a = take(f, 1);
    void *b = take(f, 1);

    give(f, a);
    assert_give_refused(f, a); /* its buddy is in use: it wasn't merged */
    give(f, b);
    assert_give_refused(f, b); /* merged into a larger block */
    assert_give_refused(f, a);
}

static void test_stale_free_of_a_frame_inside_a_new_run_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *old = take(f, 8);
    uint8_t *all;

    give(f, old);
    all = take(f, f->free);
    assert_true(old > all);
    assert_give_refused(f, old);
    assert_give_refused(f, old + FRAME_SIZE);
    give(f, all);
}

static void test_wrong_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *run = take(f, 5);
    int local = 0;

    assert_give_refused(f, NULL);
    assert_give_refused(f, &local);              /* foreign */
    assert_give_refused(f, f->buffer.start - 1); /* just outside */
    assert_give_refused(f, f->buffer.start - FRAME_SIZE);
    assert_give_refused(f, f->buffer.start + f->buffer.size);
    assert_give_refused(f, (void *)(UINTPTR_MAX - 4095));
    assert_give_refused(f, f->buffer.start); /* metadata */
    assert_give_refused(f, f->frames);
    assert_give_refused(f, run + 1); /* misaligned */
    assert_give_refused(f, run + 4095);
    for (unsigned i = 1; i < 5; i++)
        assert_give_refused(f, run + i * FRAME_SIZE); /* interior */
    assert_give_refused(f, run + 5 * FRAME_SIZE);     /* the tail that went back */
    assert_give_refused(f, f->buffer.start + f->buffer.size - FRAME_SIZE); /* never taken */
    give(f, run);
}

/* What a run holds can't make an interior address look like a head: metadata lies beside. */
static void test_forged_descriptors_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t *run = take(f, 4);

    for (unsigned i = 0; i < 4; i++)
        memcpy(run + i * FRAME_SIZE, f->buffer.start, FRAME_SIZE);
    for (unsigned i = 16; i < 4 * FRAME_SIZE; i += 16)
        assert_status(frames_give(f->frames, run + i), COFFER_MISUSE);
    assert_true(frames_is_valid(f->frames));
    give(f, run);
}

static void test_references(void **state)
{
    struct fixture *f = *state;
    uint8_t *run = take(f, 3);

    assert_ok(frames_hold(f->frames, run));
    assert_int_equal(frames_query(f->frames, run).references, 2);
    assert_status(frames_hold(f->frames, run + FRAME_SIZE), COFFER_MISUSE);
    assert_status(frames_hold(f->frames, run + 1), COFFER_MISUSE);
    assert_status(frames_hold(f->frames, NULL), COFFER_MISUSE);
    give(f, run);
    assert_int_equal(run[0], 0xee);
    for (unsigned i = 1; i < 65535; i++)
        assert_ok(frames_hold(f->frames, run));
    assert_status(frames_hold(f->frames, run), COFFER_NO_MEMORY);
    for (unsigned i = 0; i < 65535; i++)
        assert_ok(frames_give(f->frames, run));
    assert_give_refused(f, run);
    assert_status(frames_hold(f->frames, run), COFFER_MISUSE);
}

static void test_tags_start_at_zero(void **state)
{
    struct fixture *f = *state;
    uint8_t *run = take(f, 4);

    assert_int_equal(frames_query(f->frames, run).tag, 0);
    assert_ok(frames_set_tag(f->frames, run + 3 * FRAME_SIZE, 1, FRAMES_TAG_KEPT - 1));
    assert_int_equal(frames_query(f->frames, run + 3 * FRAME_SIZE).tag, FRAMES_TAG_KEPT - 1);
    give(f, run);
    run = take(f, 4);
    assert_int_equal(frames_query(f->frames, run).tag, 0);
    give(f, run);
}

/* Every second frame taken: free frames abound, but no two lie together. */
static void test_a_run_is_put_together_from_several_blocks(void **state)
{
    struct fixture *f = *state;
    void *frames[256];
    size_t count = 0;
    size_t at = 0;
    uint8_t *run;
    void *none;

    while (count < 256 && frames_take(f->frames, f->owner, 1, &frames[count]) == COFFER_OK)
        count++;
    assert_int_equal(count, f->free);
    while ((uintptr_t)frames[at] / 4096 % 8 != 1)
        at++;
    for (size_t i = at % 2; i < count; i += 2)
        give(f, frames[i]);
    assert_status(frames_take(f->frames, f->owner, 2, &none), COFFER_NO_MEMORY);
    assert_true(f->frames->segments[0].rows.begin >= f->frames->segments[0].rows.end);

    /* A hole of seven frames that no block of 8 lies in. */
    give(f, frames[at + 1]);
    give(f, frames[at + 3]);
    give(f, frames[at + 5]);
    assert_int_equal(frames_statistics(f->frames).largest_run, 7);
    run = take(f, 7);
    assert_ptr_equal(run, frames[at]);
    for (unsigned i = 0; i < 7; i++) {
        struct frame_info info = frames_query(f->frames, run + i * FRAME_SIZE);

        assert_ptr_equal(info.head, run);
        assert_int_equal(info.offset, i);
        if (i > 0)
            assert_give_refused(f, run + i * FRAME_SIZE);
    }
    give(f, run);
    for (size_t i = 1 - at % 2; i < count; i += 2)
        if (i < at || i > at + 6)
            give(f, frames[i]);
}

static uint8_t *take_any(struct fixture *f, size_t count)
{
    void *run;

    assert_ok(frames_take(f->frames, f->owner, count, &run));
    return run;
}

/* Blocks that wait to be taken again are free for all: by their own size, and as part of more. */
static void check_blocks_that_wait(struct fixture *f)
{
    void *frames[256];
    uint64_t wrong = f->account.wrong_frees;
    uint8_t *run = take_any(f, 2);

    assert_ok(frames_give(f->frames, run));
    assert_true(frames_statistics(f->frames).cached > 0);
    assert_true(frames_query(f->frames, run).free);
    assert_int_equal(frames_query(f->frames, run).order, 1);
    assert_true(frames_query(f->frames, run + FRAME_SIZE).free);
    assert_status(frames_give(f->frames, run), COFFER_MISUSE);
    assert_status(frames_give(f->frames, run + FRAME_SIZE), COFFER_MISUSE);
    assert_status(frames_hold(f->frames, run), COFFER_MISUSE);
    assert_int_equal(f->account.wrong_frees, wrong + 2);
    assert_ptr_equal(take_any(f, 2), run);
    assert_ok(frames_give(f->frames, run));

    for (size_t i = 0; i < f->free; i++)
        frames[i] = take_any(f, 1);
    assert_int_equal(frames_statistics(f->frames).cached, 0);
    for (size_t i = 0; i < f->free; i++)
        assert_ok(frames_give(f->frames, frames[i]));
    assert_true(frames_statistics(f->frames).cached > 0);
    assert_true(frames_is_valid(f->frames));
    assert_ok(frames_give(f->frames, take_any(f, f->free)));
    assert_int_equal(frames_statistics(f->frames).cached, 0);
}

static void test_blocks_that_wait_are_free(void **state)
{
    struct fixture kept;

    check_blocks_that_wait(*state);
    start(&kept, 256, true);
    check_blocks_that_wait(&kept);
    assert_true(frames_is_valid(kept.frames));
    frames_fini(kept.frames);
    buffer_free(&kept.buffer);
}

static void test_a_run_above_the_top_order(void **state)
{
    struct buffer buffer = buffer_make(5000, (size_t)1 << 22);
    struct memory_area area = {buffer.start + 100 * FRAME_SIZE, 4800u * FRAME_SIZE};
    struct account account;
    struct account_line lines[LINES];
    struct frames *frames = NULL;
    struct owner owner;
    struct frames_statistics before;
    uint8_t *run;
    uint8_t *other;

    (void)state;
    account_init(&account, lines, LINES);
    assert_ok(start_frames(&area, 1, &(struct frames_settings){.keep_contents = false}, &account,
                           &frames));
    assert_ok(account_open_owner(&account, "test", &owner));
    before = frames_statistics(frames);
    assert_true(before.free_blocks[FRAMES_ORDER_COUNT - 1] >= 3);
    assert_ok(frames_take(frames, owner, 3000, (void **)&run));
    assert_true(frames_is_valid(frames));
    assert_int_equal(frames_query(frames, run + 2999u * FRAME_SIZE).offset, 2999);
    assert_status(frames_take(frames, owner, 3000, (void **)&other), COFFER_NO_MEMORY);
    assert_ok(frames_take(frames, owner, before.free - 3000, (void **)&other));
    assert_int_equal(frames_statistics(frames).free, 0);
    assert_ok(frames_give(frames, run));
    assert_ok(frames_take(frames, owner, 3000, (void **)&run));
    assert_ok(frames_give(frames, run));
    assert_ok(frames_give(frames, other));
    assert_true(frames_is_valid(frames));
    assert_int_equal(frames_statistics(frames).free, before.free);
    for (unsigned order = 0; order < FRAMES_ORDER_COUNT; order++)
        assert_int_equal(frames_statistics(frames).free_blocks[order], before.free_blocks[order]);
    frames_fini(frames);
    buffer_free(&buffer);
}

/* Free, and in no cache: nothing else serves a take of more than there is. */
static void give_to_be_merged(struct fixture *f, uint32_t index)
{
    void *none;

    assert_ok(frames_give(f->frames, segment_address(f->frames->segments, index)));
    assert_status(frames_take(f->frames, f->owner, FRAMES_TOTAL_MAX, &none), COFFER_NO_MEMORY);
    assert_int_equal(frames_statistics(f->frames).cached, 0);
}

static enum buddy_gathered gather_on(struct segment *segment, uint32_t *at, uint32_t count,
                                     uint32_t *index)
{
    enum buddy_gathered gathered;

    do
        gathered = buddy_gather(segment, at, count, 1, index);
    while (gathered == BUDDY_PAUSED);
    return gathered;
}

/* While a search pauses others give frames, behind where it stands and around it. */
static void test_frames_come_back_while_a_search_pauses(void **state)
{
    struct fixture f;
    struct segment *segment;
    uint32_t index;
    uint32_t at = 0;

    (void)state;
    start(&f, 5000, true);
    segment = f.frames->segments;
    for (uint64_t i = 0; i < f.free; i++)
        (void)take_any(&f, 1);
    for (uint32_t i = segment->reserved_count | 1; i < segment->frame_count; i += 2)
        give_to_be_merged(&f, i);
    assert_int_equal(gather_on(segment, &at, 5, &index), BUDDY_NONE);
    assert_true(frames_is_valid(f.frames));

    /* What is known of five frames says nothing of three: it begins at the front. */
    give_to_be_merged(&f, 4000);
    at = 0;
    assert_int_equal(buddy_gather(segment, &at, 3, 1, &index), BUDDY_PAUSED);
    give_to_be_merged(&f, 200);
    assert_int_equal(gather_on(segment, &at, 3, &index), BUDDY_TAKEN);
    assert_int_equal(index, 3999);
    buddy_give_range(segment, index, 3);
    assert_true(frames_is_valid(f.frames));
    assert_ptr_equal(take_any(&f, 3), segment_address(segment, 199));
    assert_ptr_equal(take_any(&f, 3), segment_address(segment, 3999));

    at = 0;
    assert_int_equal(buddy_gather(segment, &at, 2, 1, &index), BUDDY_PAUSED);
    assert_int_not_equal(at % 64, 0);
    for (uint32_t i = 0; i < 64; i += 2)
        give_to_be_merged(&f, at / 64 * 64 + i);
    assert_int_equal(gather_on(segment, &at, 2, &index), BUDDY_TAKEN);
    assert_int_equal(index, at / 64 * 64);
    buddy_give_range(segment, index, 2);
    assert_true(frames_is_valid(f.frames));

    /* Those that are taken yet: single ones, and two of three. */
    for (uint32_t i = segment->reserved_count; i < segment->frame_count; i++)
        if (!frames_query(f.frames, segment_address(segment, i)).free && i != 200 && i != 201 &&
            i != 4000 && i != 4001)
            assert_ok(frames_give(f.frames, segment_address(segment, i)));
    assert_true(frames_is_valid(f.frames));
    assert_int_equal(frames_statistics(f.frames).largest_run, f.free);
    frames_fini(f.frames);
    buffer_free(&f.buffer);
}

static void test_kept_contents_are_left_alone(void **state)
{
    struct fixture f = {.free = 0};
    uint8_t *run;
    uint8_t *again;

    (void)state;
    start(&f, 256, true);
    assert_ok(frames_take(f.frames, f.owner, 4, (void **)&run));
    memset(run, 0xee, 4u * FRAME_SIZE);
    assert_ok(frames_give(f.frames, run));
    assert_int_equal(run[5000], 0xee);
    assert_ok(frames_take(f.frames, f.owner, 4, (void **)&again));
    assert_ptr_equal(again, run);
    assert_int_equal(run[0], 0xee);
    assert_int_equal(run[5000], 0xee);
    assert_ok(frames_give(f.frames, run));
    frames_fini(f.frames);
    assert_true(bytes_are_zero(f.buffer.start, f.buffer.size));
    buffer_free(&f.buffer);
}

static void test_peaks_and_owners(void **state)
{
    struct fixture *f = *state;
    struct owner other;
    void *a;
    void *b;

    assert_ok(account_open_owner(&f->account, "other", &other));
    assert_ok(frames_take(f->frames, other, 10, &b));
    a = take(f, 6);
    give(f, a);
    a = take(f, 2);
    assert_int_equal(f->account.lines[f->owner.index].frames_peak, 6);
    assert_int_equal(f->account.lines[f->owner.index].runs_peak, 6);
    assert_int_equal(f->account.lines[f->owner.index].frames, 2);
    assert_int_equal(f->account.lines[other.index].frames, 10);
    assert_int_equal(f->account.frames_used, 12 + frames_statistics(f->frames).reserved);
    give(f, a);
    give(f, b);
    assert_int_equal(f->account.lines[other.index].frames, 0);
    assert_int_equal(f->account.frames_used_peak, 16 + frames_statistics(f->frames).reserved);
}

static void test_owners_run_out(void **state)
{
    struct account account;
    struct account_line lines[LINES];
    struct owner owner = {0};
    char name[] = "n";

    (void)state;
    account_init(&account, lines, LINES);
    for (unsigned i = 1; i < LINES; i++) {
        assert_ok(account_open_owner(&account, name, &owner));
        assert_int_equal(owner.index, i);
    }
    assert_status(account_open_owner(&account, name, &owner), COFFER_NO_MEMORY);
    assert_int_equal(owner.index, LINES - 1);
}

static bool refuse_once(void *argument, struct owner owner, size_t size)
{
    (void)owner;
    assert_int_equal(size, 3 * FRAME_SIZE);
    return --*(int *)argument == 0;
}

static void test_a_refused_take_changes_nothing(void **state)
{
    struct fixture *f = *state;
    int n;
    void *run = f;

    account_set_refuse(&f->account, refuse_once, &n);
    for (int nth = 1; nth <= 3; nth++) {
        n = nth;
        for (int i = 1; i < nth; i++) {
            assert_ok(frames_take(f->frames, f->owner, 3, &run));
            assert_ok(frames_give(f->frames, run));
        }
        run = f;
        assert_status(frames_take(f->frames, f->owner, 3, &run), COFFER_NO_MEMORY);
        assert_ptr_equal(run, f);
        assert_int_equal(frames_statistics(f->frames).free, f->free);
        assert_int_equal(f->account.lines[f->owner.index].run_refusals, nth);
    }
    account_set_refuse(&f->account, NULL, NULL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_every_count_is_exact),
        test(test_blocks_are_aligned_to_their_size),
        test(test_misuse_of_take),
        test(test_double_free_is_refused),
        test(test_stale_free_of_a_frame_inside_a_new_run_is_refused),
        test(test_wrong_addresses_are_refused),
        test(test_forged_descriptors_are_refused),
        test(test_references),
        test(test_tags_start_at_zero),
        test(test_a_run_is_put_together_from_several_blocks),
        test(test_blocks_that_wait_are_free),
        cmocka_unit_test(test_a_run_above_the_top_order),
        cmocka_unit_test(test_frames_come_back_while_a_search_pauses),
        cmocka_unit_test(test_kept_contents_are_left_alone),
        test(test_peaks_and_owners),
        cmocka_unit_test(test_owners_run_out),
        test(test_a_refused_take_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
