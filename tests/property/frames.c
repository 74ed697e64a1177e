/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames against a model: random operations of all calls, each checked against a byte a frame
 * (whose run it is in) and a list of runs, with frames_is_valid along the way. In one to three
 * areas at odd addresses; wiping (the long way) and with contents kept (the short way); with
 * caches.
 */
#include "../unit/memory/fixture.h"

#include "base/bytes.h"
#include "memory/frames/kept.h"
#include "memory/frames/lookup.h"
#include "support/frames.h"
#include "support/must.h"
#include "support/random.h"

#define RUNS_MAX 250 /* a byte names a run; 0 is free */

struct run {
    uint8_t *address; /* NULL: none */
    size_t count;
    unsigned references;
    bool kept;    /* an allocator's */
    uint32_t tag; /* of all its frames; 0: none */
};

struct frames_model {
    uint8_t *start;
    size_t frame_count;
    uint8_t *frames; /* by frame: the number of its run, 0 free, 255 outside or metadata */
    struct run runs[RUNS_MAX];
    struct account account;
    struct account_line lines[ACCOUNT_OWNERS_DEFAULT];
    struct frames *frames_under_test;
    struct owner owner;
    struct random random;
    struct coffer_port port;
    bool keep_contents;
    uint64_t quota; /* frames */
    uint64_t held;
    uint64_t countdown; /* until the hook refuses; 0: never */
    unsigned slot;
};

static uint8_t *model_frame(struct frames_model *m, const void *address)
{
    return &m->frames[((uintptr_t)address - (uintptr_t)m->start) / FRAME_SIZE];
}

/* Is there room for `count` frames at a multiple of `alignment`? Segments of the model never touch
 * each other. */
static bool model_has_room(const struct frames_model *m, size_t count, size_t alignment)
{
    size_t here = 0;

    for (size_t i = 0; i < m->frame_count; i++) {
        size_t number = (uintptr_t)m->start / FRAME_SIZE + i;

        if (m->frames[i] != 0)
            here = 0;
        else if (here > 0 || number % alignment == 0)
            here++;
        if (here >= count)
            return true;
    }
    return false;
}

static size_t model_longest(const struct frames_model *m)
{
    size_t longest = 0;
    size_t here = 0;

    for (size_t i = 0; i < m->frame_count; i++) {
        here = m->frames[i] == 0 ? here + 1 : 0;
        longest = here > longest ? here : longest;
    }
    return longest;
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct frames_model *m = argument;

    (void)owner;
    (void)size;
    return m->countdown > 0 && --m->countdown == 0;
}

static enum coffer_status take_any(struct frames_model *m, const struct run *run, size_t alignment,
                                   void **out)
{
    if (run->kept)
        return frames_take_kept(m->frames_under_test, m->owner, run->count, FRAMES_BLOCK, run->tag,
                                out);
    if (alignment == 1)
        return frames_take(m->frames_under_test, m->owner, run->count, out);
    return frames_take_aligned(m->frames_under_test, m->owner, run->count, alignment, out);
}

static void model_tag(struct frames_model *m, const struct run *run)
{
    if (run->kept)
        frames_tag_kept(m->frames_under_test, run->address, (uint32_t)run->count, run->tag);
    else if (run->tag != 0)
        assert_ok(frames_set_tag(m->frames_under_test, run->address, run->count, run->tag));
}

static void model_take(struct frames_model *m)
{
    size_t slot = 1 + (size_t)random_below(&m->random, RUNS_MAX - 1);
    struct run run = {.references = 1, .kept = random_below(&m->random, 8) == 0};
    size_t alignment = (size_t)1 << random_below(&m->random, 9);
    bool refused = m->countdown == 1;
    bool fits;
    void *address = NULL;
    enum coffer_status status;

    if (m->runs[slot].address != NULL)
        return;
    run.count = 1 + (size_t)random_below(&m->random, (uint64_t)1 << random_below(&m->random, 9));
    if (random_below(&m->random, 2) == 0) /* the short way, in its turn */
        run.count = (size_t)1 << random_below(&m->random, 8);
    if (run.kept || random_below(&m->random, 4) != 0)
        alignment = 1;
    run.tag = (uint32_t)random_below(&m->random, run.kept ? FRAMES_TAG_KEPT : 3);

    fits = m->held + run.count <= m->quota && model_has_room(m, run.count, alignment);
    status = take_any(m, &run, alignment, &address);
    assert_int_equal(status, fits && (run.kept || !refused) ? COFFER_OK : COFFER_NO_MEMORY);
    if (status != COFFER_OK)
        return;

    assert_int_equal((uintptr_t)address % (alignment * FRAME_SIZE), 0);
    for (size_t i = 0; i < run.count; i++) {
        uint8_t *frame = model_frame(m, (uint8_t *)address + i * FRAME_SIZE);

        assert_int_equal(*frame, 0);
        *frame = (uint8_t)slot;
    }
    if (!m->keep_contents || run.kept)
        assert_true(bytes_are_zero(address, run.count * FRAME_SIZE));
    memset(address, (int)slot, run.count * FRAME_SIZE);
    run.address = address;
    m->runs[slot] = run;
    m->held += run.count;
    model_tag(m, &run);
}

static void model_drop_frames(struct frames_model *m, const struct run *run, size_t from)
{
    for (size_t i = from; i < run->count; i++)
        *model_frame(m, run->address + i * FRAME_SIZE) = 0;
    m->held -= run->count - from;
    if (from < run->count && !m->keep_contents)
        assert_true(
            bytes_are_zero(run->address + from * FRAME_SIZE, (run->count - from) * FRAME_SIZE));
}

static void model_change(struct frames_model *m)
{
    struct run *run = &m->runs[random_below(&m->random, RUNS_MAX)];

    if (run->address == NULL)
        return;
    if (run->kept) {
        assert_status(frames_hold(m->frames_under_test, run->address), COFFER_MISUSE);
        assert_status(frames_give(m->frames_under_test, run->address), COFFER_MISUSE);
        frames_give_kept(m->frames_under_test, run->address);
        model_drop_frames(m, run, 0);
        run->address = NULL;
        return;
    }
    switch (random_below(&m->random, 5)) {
    case 0:
        assert_ok(frames_hold(m->frames_under_test, run->address));
        run->references++;
        break;
    default:
        assert_ok(frames_give(m->frames_under_test, run->address));
        if (--run->references == 0) {
            model_drop_frames(m, run, 0);
            run->address = NULL;
        }
    }
}

/* Any address at all: what the frames say is what the model says, and only a head is a head. */
static void model_probe(struct frames_model *m)
{
    size_t offset = (size_t)random_below(&m->random, m->frame_count * FRAME_SIZE);
    uint8_t *address = m->start + (random_below(&m->random, 2) ? offset : offset & ~4095ul);
    struct frame_info info = frames_query(m->frames_under_test, address);
    uint8_t number = *model_frame(m, address);
    uint32_t tag = frames_tag(m->frames_under_test, address);

    assert_int_equal(tag, number == 0 || number == 255
                              ? 0
                              : m->runs[number].tag | (m->runs[number].kept ? FRAMES_TAG_KEPT : 0));
    if (number == 255) {
        assert_true(!info.found || info.reserved);
    } else if (number == 0) {
        assert_true(info.free);
    } else {
        const struct run *run = &m->runs[number];

        assert_ptr_equal(info.head, run->address);
        assert_int_equal(info.run, run->count);
        assert_int_equal(info.offset, (size_t)(address - run->address) / FRAME_SIZE);
        assert_int_equal(info.references, run->references);
        assert_int_equal(*address, number);
        if (address == run->address && !run->kept)
            return;
    }
    assert_status(frames_give(m->frames_under_test, address), COFFER_MISUSE);
}

static void model_settings(struct frames_model *m)
{
    m->slot = (unsigned)random_below(&m->random, 3);
    if (random_below(&m->random, 16) == 0)
        m->countdown = random_below(&m->random, 4);
    account_set_refuse(&m->account, m->countdown > 0 ? refuse : NULL, m);
    if (random_below(&m->random, 4) == 0) {
        m->quota = random_below(&m->random, 2) ? ACCOUNT_NO_QUOTA / 2
                                               : random_below(&m->random, 900);
        assert_ok(account_set_quota(&m->account, m->owner, m->quota));
    }
}

static void model_check(const struct frames_model *m)
{
    struct frames_statistics s = frames_statistics(m->frames_under_test);

    assert_int_equal(s.largest_run, model_longest(m));
    assert_int_equal(m->lines[m->owner.index].frames, m->held);
    assert_int_equal(s.total - s.free - s.reserved, m->held);
}

static void give_all(struct frames_model *m)
{
    for (unsigned i = 0; i < RUNS_MAX; i++) {
        struct run *run = &m->runs[i];

        if (run->address == NULL)
            continue;
        if (run->kept)
            frames_give_kept(m->frames_under_test, run->address);
        for (; !run->kept && run->references > 0; run->references--)
            assert_ok(frames_give(m->frames_under_test, run->address));
        run->address = NULL;
    }
    m->held = 0;
}

static void run_frames_model(struct frames_model *m, const struct memory_area *areas, size_t count,
                             const struct frames_settings *settings, unsigned steps)
{
    struct frames_statistics before;
    struct frames_statistics after;
    void *none;

    account_init(&m->account, m->lines, ACCOUNT_OWNERS_DEFAULT);
    assert_ok(start_frames(areas, count, settings, &m->account, &m->frames_under_test));
    assert_ok(account_open_owner(&m->account, "model", &m->owner));
    m->quota = ACCOUNT_NO_QUOTA / 2;
    m->keep_contents = settings->keep_contents;
    must(m->frame_count > 0);
    before = frames_statistics(m->frames_under_test);
    for (size_t i = 0; i < m->frame_count; i++) {
        struct frame_info info = frames_query(m->frames_under_test, m->start + i * FRAME_SIZE);

        m->frames[i] = info.found && info.free ? 0 : 255;
    }

    for (unsigned i = 0; i < steps; i++) {
        uint64_t what = random_below(&m->random, 8);

        if (what < 3)
            model_take(m);
        else if (what == 3)
            model_probe(m);
        else
            model_change(m);
        if (i % 16 == 0)
            assert_true(frames_is_valid(m->frames_under_test));
        if (i % 64 == 0) {
            model_check(m);
            model_settings(m);
        }
    }

    give_all(m);
    account_set_refuse(&m->account, NULL, NULL);
    assert_ok(account_set_quota(&m->account, m->owner, ACCOUNT_NO_QUOTA));
    /* More than there is: nothing stays in a cache. */
    assert_status(frames_take(m->frames_under_test, m->owner, before.total, &none),
                  COFFER_NO_MEMORY);
    after = frames_statistics(m->frames_under_test);
    assert_int_equal(before.free, after.free);
    assert_int_equal(before.largest_run, after.largest_run);
    assert_memory_equal(before.free_blocks, after.free_blocks, sizeof(before.free_blocks));
    assert_int_equal(m->lines[m->owner.index].frames, 0);
    assert_int_equal(m->lines[m->owner.index].run_takes, m->lines[m->owner.index].run_gives);
    assert_true(frames_is_valid(m->frames_under_test));
    frames_fini(m->frames_under_test);
}

static unsigned model_slot(void *context)
{
    return ((const struct frames_model *)context)->slot;
}

static const void *model_self(void *context)
{
    return context;
}

static void model_yield(void *context)
{
    (void)context;
}

static void test_frames_against_a_byte_per_frame(void **state)
{
    struct frames_model m = {.frame_count = 1500};
    struct buffer buffer = buffer_make(m.frame_count, (size_t)1 << 22);
    unsigned steps = getenv("COFFER_DEEP") != NULL ? 200000 : 4000;

    (void)state;
    random_init(&m.random, __func__);
    m.port = (struct coffer_port){.context = &m,
                                  .thread_slot = model_slot,
                                  .thread_self = model_self,
                                  .thread_yield = model_yield};
    m.start = buffer.start;
    m.frames = must_alloc(m.frame_count);
    for (unsigned round = 0; round < 9; round++) {
        struct frames_settings settings = {.keep_contents = round / 3 == 1};
        /* One to three areas of any size and place, with a frame between them at least. */
        struct memory_area areas[3];
        size_t count = 1 + round % 3;
        size_t third = m.frame_count / count;

        for (size_t i = 0; i < count; i++) {
            size_t skip = (size_t)random_below(&m.random, 100 * FRAME_SIZE);
            size_t size = third * FRAME_SIZE - skip - FRAME_SIZE -
                          (size_t)random_below(&m.random, third / 2 * FRAME_SIZE);

            areas[count - 1 - i] = (struct memory_area){m.start + i * third * FRAME_SIZE + skip,
                                                        size};
        }
        if (round / 3 == 2) {
            settings.port = &m.port;
            settings.cache_frames = 12;
        }
        run_frames_model(&m, areas, count, &settings, steps);
    }
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, buffer.size));
    free(m.frames);
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_against_a_byte_per_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
