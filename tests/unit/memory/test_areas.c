/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up: what becomes of the caller's areas, to the byte. */
#include "fixture.h"

#include "base/bytes.h"
#include "support/frames.h"

#define LINES 6u

static struct account account;
static struct account_line lines[LINES];
static struct frames *frames;

static enum coffer_status start(const struct memory_area *areas, size_t count)
{
    account_init(&account, lines, LINES);
    return start_frames(areas, count, &(struct frames_settings){.keep_contents = false}, &account,
                        &frames);
}

static void test_bad_areas_are_refused(void **state)
{
    struct buffer buffer = buffer_make(32, 4096);
    struct memory_area area = {buffer.start, buffer.size};
    struct memory_area many[FRAMES_AREAS_MAX + 1];
    struct memory_area null = {NULL, 4096};
    struct memory_area around = {buffer.start, SIZE_MAX};
    struct memory_area huge = {(void *)(uintptr_t)4096, (FRAMES_TOTAL_MAX + 2) * FRAME_SIZE};

    (void)state;
    for (size_t i = 0; i < FRAMES_AREAS_MAX + 1; i++)
        many[i] = (struct memory_area){buffer.start + i * 2 * FRAME_SIZE, 2 * FRAME_SIZE};
    assert_status(start(NULL, 1), COFFER_MISUSE);
    assert_status(start(&area, 0), COFFER_MISUSE);
    assert_status(start(many, FRAMES_AREAS_MAX + 1), COFFER_MISUSE);
    assert_status(start(&null, 1), COFFER_MISUSE);
    assert_status(start(&around, 1), COFFER_MISUSE);
    assert_status(start(&huge, 1), COFFER_MISUSE);
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, 0));

    assert_ok(start(many, FRAMES_AREAS_MAX));
    assert_true(frames_is_valid(frames));
    frames_fini(frames);
    buffer_free(&buffer);
}

static void test_overlap_is_refused(void **state)
{
    struct buffer buffer = buffer_make(16, 4096);
    uint8_t *p = buffer.start;
    const struct {
        struct memory_area a, b;
        enum coffer_status status;
    } cases[] = {
        {{p, 8 * 4096}, {p + 8 * 4096 - 1, 8 * 4096}, COFFER_MISUSE}, /* by one byte */
        {{p + 8 * 4096 - 1, 8 * 4096}, {p, 8 * 4096}, COFFER_MISUSE},
        {{p, 16 * 4096}, {p + 4 * 4096, 4096}, COFFER_MISUSE}, /* one inside the other */
        {{p + 4 * 4096, 4096}, {p, 16 * 4096}, COFFER_MISUSE},
        {{p, 8 * 4096}, {p, 8 * 4096}, COFFER_MISUSE},        /* the same */
        {{p, 8 * 4096}, {p + 8 * 4096, 8 * 4096}, COFFER_OK}, /* they touch */
        {{p + 8 * 4096, 8 * 4096}, {p, 8 * 4096}, COFFER_OK}, /* in any order */
        {{p, 8 * 4096}, {p + 4096, 0}, COFFER_OK},            /* nothing overlaps nothing */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct memory_area areas[2] = {cases[i].a, cases[i].b};

        assert_status(start(areas, 2), cases[i].status);
        if (cases[i].status == COFFER_OK)
            frames_fini(frames);
        else
            assert_true(buffer_is_untouched_outside(&buffer, buffer.start, 0));
    }
    buffer_free(&buffer);
}

static void test_too_small_is_no_memory_and_untouched(void **state)
{
    struct buffer buffer = buffer_make(4, 4096);
    uint8_t *p = buffer.start;
    const struct memory_area cases[] = {
        {p, 0},
        {p, 4095},
        {p + 1, 4096 + 4094},
        {p, 4096},
        {p + 4095, 8191 - 4095 + 1},
        {p + 1, 4095 + 4096}, /* one whole frame: metadata alone */
    };
    struct memory_area pieces[2] = {{p, 4095}, {p + 4096 + 1, 4096}};
    struct memory_area least = {p, 2 * 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_status(start(&cases[i], 1), COFFER_NO_MEMORY);
    assert_status(start(pieces, 2), COFFER_NO_MEMORY);
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, 0));

    assert_ok(start(&least, 1));
    assert_int_equal(frames_statistics(frames).free, 1);
    frames_fini(frames);
    buffer_free(&buffer);
}

/* Take all frames and fill them; then nothing outside the trimmed area has changed. */
static void use_all(const struct buffer *buffer, struct memory_area area)
{
    uintptr_t first = ((uintptr_t)area.address + 4095) / 4096 * 4096;
    uintptr_t last = ((uintptr_t)area.address + area.size) / 4096 * 4096;
    struct owner owner;
    void *run;

    assert_ok(start(&area, 1));
    assert_ok(account_open_owner(&account, "test", &owner));
    assert_int_equal(account.frames_total, (last - first) / 4096);
    while (frames_take(frames, owner, 1, &run) == COFFER_OK) {
        assert_true((uintptr_t)run >= first && (uintptr_t)run + 4096 <= last);
        assert_true(bytes_are_zero(run, 4096));
        memset(run, 0xff, 4096);
    }
    assert_int_equal(account.frames_used, account.frames_total);
    assert_true(frames_is_valid(frames));
    frames_fini(frames);
    assert_int_equal(account.frames_used, 0);
    assert_int_equal(account.lines[owner.index].bytes, 0);
    assert_true(buffer_is_untouched_outside(buffer, (void *)first, last - first));
    assert_true(bytes_are_zero((void *)first, last - first));
}

static void test_no_byte_outside_is_touched(void **state)
{
    static const size_t shifts[] = {0, 1, 7, 15, 16, 2048, 4095};

    (void)state;
    for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
        for (size_t j = 0; j < sizeof(shifts) / sizeof(shifts[0]); j++) {
            struct buffer buffer = buffer_make(40, 4096);
            struct memory_area area = {buffer.start + shifts[i],
                                       buffer.size - shifts[i] - shifts[j]};

            use_all(&buffer, area);
            buffer_free(&buffer);
        }
    }
}

/* Segments of every size up to 300 frames, at every alignment that matters to them. */
static void test_every_size_and_alignment(void **state)
{
    struct buffer buffer = buffer_make(700, (size_t)1 << 22);

    (void)state;
    for (size_t count = 2; count <= 300; count += count < 40 ? 1 : 37) {
        for (size_t lead = 0; lead < 33; lead++) {
            struct memory_area area = {buffer.start + lead * FRAME_SIZE, count * FRAME_SIZE};
            struct frames_statistics s;

            assert_ok(start(&area, 1));
            s = frames_statistics(frames);
            assert_int_equal(s.total, count);
            assert_int_equal(s.free + s.reserved, count);
            assert_int_equal(s.largest_run, s.free);
            assert_true(frames_is_valid(frames));
            for (size_t i = 0; i < count; i++) {
                uint8_t *frame = (uint8_t *)area.address + i * FRAME_SIZE;
                unsigned order = frames_query(frames, frame).order;

                assert_int_equal((uintptr_t)frame % ((size_t)FRAME_SIZE << order), 0);
            }
            frames_fini(frames);
        }
    }
    buffer_free(&buffer);
}

static void test_several_areas_become_segments_by_address(void **state)
{
    struct buffer buffer = buffer_make(64, 4096);
    uint8_t *p = buffer.start;
    struct memory_area areas[] = {
        {p + 40 * 4096 + 5, 10 * 4096}, /* 9 frames */
        {p + 30 * 4096, 100},           /* none */
        {p, 12 * 4096},
        {p + 20 * 4096, 4096},
    };
    struct frames_statistics s;

    (void)state;
    assert_ok(start(areas, 4));
    s = frames_statistics(frames);
    assert_int_equal(s.segments, 3);
    assert_int_equal(s.total, 9 + 12 + 1);
    assert_int_equal(frames_query(frames, p).segment, 0);
    assert_true(frames_query(frames, p).reserved);
    assert_int_equal(frames_query(frames, p + 20 * 4096 + 4095).segment, 1);
    assert_int_equal(frames_query(frames, p + 41 * 4096).segment, 2);
    assert_false(frames_query(frames, p + 41 * 4096 - 1).found);
    assert_false(frames_query(frames, p + 50 * 4096).found);
    assert_false(frames_query(frames, p + 12 * 4096).found);
    assert_false(frames_query(frames, p - 1).found);
    assert_false(frames_query(frames, NULL).found);
    assert_true(frames_is_valid(frames));
    frames_fini(frames);
    buffer_free(&buffer);
}

/* The first area is too small for the tables of the second: they are cut from the second. */
static void test_metadata_goes_where_it_fits(void **state)
{
    struct buffer buffer = buffer_make(1026, 4096);
    struct memory_area areas[] = {{buffer.start, 4096}, {buffer.start + 2 * 4096, 1024 * 4096}};
    struct frames_statistics s;

    (void)state;
    assert_ok(start(areas, 2));
    s = frames_statistics(frames);
    assert_int_equal(s.total, 1025);
    assert_in_range(s.reserved, 4, 6);
    assert_true(frames_is_valid(frames));
    frames_fini(frames);
    buffer_free(&buffer);
}

static void test_metadata_of_256_kib_is_one_frame(void **state)
{
    struct buffer buffer = buffer_make(64, 4096);
    struct memory_area area = {buffer.start, buffer.size};
    struct memory_settings settings = {.keep_contents = false};
    struct memory *memory;

    (void)state;
    assert_ok(memory_open(&area, 1, &settings, &memory));
    assert_ptr_equal(memory, buffer.start);
    assert_int_equal(frames_statistics(memory->frames).reserved, 1);
    assert_int_equal(memory->account.frames_used, 2); /* and the pool's first */
    memory_close(memory);
    assert_true(bytes_are_zero(buffer.start, buffer.size));
    assert_true(buffer_is_untouched_outside(&buffer, buffer.start, buffer.size));
    buffer_free(&buffer);
}

static void test_too_small_for_memory_is_refused(void **state)
{
    struct buffer buffer = buffer_make(3, 4096);
    struct memory_area area = {buffer.start, 4096};
    struct memory_settings settings = {.keep_contents = false};
    struct memory *memory = NULL;

    (void)state;
    assert_status(memory_open(&area, 0, &settings, &memory), COFFER_MISUSE);
    assert_status(memory_open(&area, 1, &settings, &memory), COFFER_NO_MEMORY);
    assert_null(memory);
    assert_true(bytes_are_zero(buffer.start, sizeof(struct memory)));
    area.size = 2 * 4096;
    assert_ok(memory_open(&area, 1, &settings, &memory));
    assert_int_equal(frames_statistics(memory->frames).free, 0);
    memory_close(memory);
    buffer_free(&buffer);
}

static bool refuse_all(void *argument, struct owner owner, size_t size)
{
    (void)owner;
    (void)size;
    ++*(int *)argument;
    return true;
}

static void test_memory_open_refused_leaves_nothing(void **state)
{
    struct buffer buffer = buffer_make(64, 4096);
    struct memory_area area = {buffer.start, buffer.size};
    int asked = 0;
    struct memory_settings settings = {.refuse = refuse_all, .refuse_argument = &asked};
    struct memory *memory = NULL;

    (void)state;
    assert_status(memory_open(&area, 1, &settings, &memory), COFFER_NO_MEMORY);
    assert_int_equal(asked, 1);
    assert_null(memory);
    assert_true(bytes_are_zero(buffer.start, buffer.size));
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_areas_are_refused),
        cmocka_unit_test(test_overlap_is_refused),
        cmocka_unit_test(test_too_small_is_no_memory_and_untouched),
        cmocka_unit_test(test_no_byte_outside_is_touched),
        cmocka_unit_test(test_every_size_and_alignment),
        cmocka_unit_test(test_several_areas_become_segments_by_address),
        cmocka_unit_test(test_metadata_goes_where_it_fits),
        cmocka_unit_test(test_metadata_of_256_kib_is_one_frame),
        cmocka_unit_test(test_too_small_for_memory_is_refused),
        cmocka_unit_test(test_memory_open_refused_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
