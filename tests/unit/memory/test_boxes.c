/* SPDX-License-Identifier: BSD-2-Clause */
/* Boxes: every size, regions to the byte, every wrong free, and any order of calls. */
#include "fixture.h"

#include "base/bytes.h"
#include "base/exact.h"
#include "memory/heap/boxes.h"
#include "support/frames.h"
#include "support/random.h"

static const struct pool_host nothing;

static struct coffer_boxes_statistics statistics(struct coffer_boxes *boxes)
{
    struct coffer_boxes_statistics s;

    assert_true(boxes_is_valid(boxes));
    coffer_boxes_statistics(boxes, &s);
    return s;
}

/* All of them, each filled, and all back in another order. */
static void use_all(struct coffer_boxes *boxes, const struct buffer *outside, const void *region,
                    size_t region_size)
{
    struct coffer_boxes_statistics s = statistics(boxes);
    uint8_t **box = calloc(s.count + 1, sizeof(*box));
    void *more = NULL;

    assert_non_null(box);
    for (uint64_t i = 0; i < s.count; i++) {
        assert_ok(coffer_box_alloc(boxes, (void **)&box[i]));
        assert_int_equal((uintptr_t)box[i] % (s.box_size % 16 == 0 ? 16 : 8), 0);
        memset(box[i], (int)i, s.box_size);
    }
    assert_status(coffer_box_alloc(boxes, &more), COFFER_NO_MEMORY);
    assert_null(more);
    for (uint64_t step = 0; step < 3; step++) {
        for (uint64_t i = step; i < s.count; i += 3) {
            for (size_t k = 0; k < s.box_size; k++)
                assert_int_equal(box[i][k], (uint8_t)i);
            assert_ok(coffer_box_clear(boxes, box[i]));
            assert_true(bytes_are_zero(box[i], s.box_size));
            assert_ok(coffer_box_free(boxes, box[i]));
            assert_status(coffer_box_free(boxes, box[i]), COFFER_MISUSE);
            assert_status(coffer_box_clear(boxes, box[i]), COFFER_MISUSE);
        }
    }
    s = statistics(boxes);
    assert_int_equal(s.used, 0);
    assert_int_equal(s.used_peak, s.count);
    assert_int_equal(s.refusals, 1);
    assert_int_equal(s.wrong_frees, s.count);
    if (outside != NULL)
        assert_true(buffer_is_untouched_outside(outside, region, region_size));
    free(box);
}

static void test_regions_of_every_size_are_used_to_the_byte(void **state)
{
    struct buffer buffer = buffer_make(20, 4096);
    static const size_t sizes[] = {1, 8, 9, 16, 24, 56, 64, 100, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned opened = 0;

        for (size_t size = 1; size < 40000; size += size / 3 + 7) {
            size_t shift = size % 23;
            struct coffer_boxes_settings settings = {
                .box_size = sizes[i], .region = buffer.start + shift, .region_size = size};
            struct coffer_boxes *boxes = NULL;
            enum coffer_status status = boxes_open(&nothing, &settings, &boxes);

            if (status == COFFER_OK) {
                opened++;
                use_all(boxes, &buffer, settings.region, size);
                coffer_boxes_close(boxes);
                assert_true(bytes_are_zero(settings.region, size));
            } else {
                assert_int_equal(status, COFFER_NO_MEMORY);
                assert_null(boxes);
            }
            memset(buffer.start, GUARD_BYTE, buffer.size);
        }
        assert_true(opened > 3);
    }
    buffer_free(&buffer);
}

static void test_boxes_on_frames(void **state)
{
    struct buffer buffer = buffer_make(400, 4096);
    struct memory_area area = {buffer.start, buffer.size};
    struct account account;
    struct account_line lines[4];
    static const struct frames_settings none;
    struct pool_host host = {.account = &account};
    struct coffer_boxes_settings settings = {.box_size = 40, .count = 3000};
    struct coffer_boxes *boxes;
    uint64_t used;

    (void)state;
    account_init(&account, lines, 4);
    assert_ok(start_frames(&area, 1, &none, &account, &host.frames));
    assert_status(boxes_open(&host, &settings, &boxes), COFFER_MISUSE); /* no owner */
    assert_ok(account_open_owner(&account, "boxes", &host.owner));
    used = account.frames_used;
    assert_ok(boxes_open(&host, &settings, &boxes));
    assert_status(frames_give(host.frames, boxes), COFFER_MISUSE);
    use_all(boxes, NULL, NULL, 0);
    coffer_boxes_close(boxes);
    assert_int_equal(account.frames_used, used);
    settings.count = 1000000;
    assert_status(boxes_open(&host, &settings, &boxes), COFFER_NO_MEMORY);
    settings.count = 0;
    assert_status(boxes_open(&host, &settings, &boxes), COFFER_MISUSE);
    settings.count = 1;
    settings.box_size = 0;
    assert_status(boxes_open(&host, &settings, &boxes), COFFER_MISUSE);
    settings.box_size = BOXES_SIZE_MAX + 1;
    assert_status(boxes_open(&host, &settings, &boxes), COFFER_MISUSE);
    assert_int_equal(account.frames_used, used);
    frames_fini(host.frames);
    buffer_free(&buffer);
}

static void test_wrong_frees_are_refused(void **state)
{
    struct buffer buffer = buffer_make(4, 4096);
    struct coffer_boxes_settings settings = {
        .box_size = 24, .region = buffer.start, .region_size = 2000};
    struct coffer_boxes *boxes;
    uint8_t *box = NULL;
    uint64_t wrong = 0;

    (void)state;
    assert_ok(boxes_open(&nothing, &settings, &boxes));
    assert_ok(coffer_box_alloc(boxes, (void **)&box));
    for (size_t i = 0; i < buffer.raw_size; i++) {
        if (buffer.raw + i == box)
            continue;
        assert_status(coffer_box_free(boxes, buffer.raw + i), COFFER_MISUSE);
        assert_status(coffer_box_clear(boxes, buffer.raw + i), COFFER_MISUSE);
        wrong++;
    }
    assert_status(coffer_box_free(boxes, NULL), COFFER_MISUSE);
    /* Addresses that are the same modulo 2^32, or 2^35. */
    assert_status(coffer_box_free(boxes, (void *)((uintptr_t)box + ((uintptr_t)1 << 32))),
                  COFFER_MISUSE);
    assert_status(coffer_box_free(boxes, (void *)((uintptr_t)box + ((uintptr_t)1 << 35))),
                  COFFER_MISUSE);
    assert_int_equal(statistics(boxes).wrong_frees, wrong + 3);
    assert_ok(coffer_box_free(boxes, box));
    coffer_boxes_close(boxes);
    coffer_boxes_close(NULL);
    buffer_free(&buffer);
}

/* Every address around, for many sizes: the box's first byte is the one that is accepted. */
static void test_one_address_of_each_box_is_accepted(void **state)
{
    struct buffer buffer = buffer_make(2, 4096);

    (void)state;
    for (size_t size = 8; size <= 1000; size += 8) {
        struct coffer_boxes_settings settings = {
            .box_size = size, .region = buffer.start, .region_size = 4000};
        struct coffer_boxes *boxes;
        uint64_t accepted = 0;
        uint64_t refused = 0;
        uint64_t count;
        void *box;

        assert_ok(boxes_open(&nothing, &settings, &boxes));
        count = statistics(boxes).count;
        assert_true(count > 0);
        for (uint64_t i = 0; i < count; i++)
            assert_ok(coffer_box_alloc(boxes, &box));
        for (size_t i = 0; i < buffer.raw_size; i++) {
            if (coffer_box_free(boxes, buffer.raw + i) == COFFER_OK)
                accepted++;
            else
                refused++;
        }
        assert_int_equal(accepted, count);
        assert_int_equal(statistics(boxes).wrong_frees, refused);
        assert_int_equal(statistics(boxes).used, 0);
        coffer_boxes_close(boxes);
        memset(buffer.start, GUARD_BYTE, buffer.size);
    }
    buffer_free(&buffer);
}

static unsigned rounds(unsigned count)
{
    return getenv("COFFER_DEEP") != NULL ? count * 50 : count;
}

static uint64_t any_number(struct random *random)
{
    return random_next(random) >> random_below(random, 64);
}

/* The arithmetic behind it, for numbers that no region reaches. */
static void test_exact_division(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, __func__);
    for (uint64_t divisor = 1; divisor <= 300; divisor++) {
        struct exact exact = exact_by(divisor);

        for (uint64_t number = 0; number < 3000; number++) {
            uint64_t quotient = exact_quotient(&exact, number);

            if (number % divisor == 0)
                assert_int_equal(quotient, number / divisor);
            else
                assert_true(quotient > UINT64_MAX / divisor);
            assert_true(exact_quotient(&exact, UINT64_MAX - number) > 3000 / divisor ||
                        (UINT64_MAX - number) % divisor == 0);
        }
    }
    for (unsigned i = 0; i < rounds(200000); i++) {
        uint64_t divisor = any_number(&random) | (uint64_t)1 << random_below(&random, 64);
        uint64_t number = any_number(&random);
        struct exact exact = exact_by(divisor);
        uint64_t multiple = number / divisor * divisor;

        assert_int_equal(exact_quotient(&exact, multiple), number / divisor);
        if (number != multiple)
            assert_true(exact_quotient(&exact, number) > UINT64_MAX / divisor);
    }
}

/* None is taken again while there are others that were free before. */
static void test_a_stale_free_is_refused_for_long(void **state)
{
    struct buffer buffer = buffer_make(2, 4096);
    struct coffer_boxes_settings settings = {
        .box_size = 40, .region = buffer.start, .region_size = buffer.size};
    struct coffer_boxes *boxes;
    void *stale;
    void *box;

    (void)state;
    assert_ok(boxes_open(&nothing, &settings, &boxes));
    for (unsigned lap = 0; lap < 3; lap++) {
        assert_ok(coffer_box_alloc(boxes, &stale));
        assert_ok(coffer_box_free(boxes, stale));
        for (uint64_t i = 1; i < statistics(boxes).count; i++) {
            assert_ok(coffer_box_alloc(boxes, &box));
            assert_status(coffer_box_free(boxes, stale), COFFER_MISUSE);
            assert_ok(coffer_box_free(boxes, box));
        }
    }
    assert_int_equal(statistics(boxes).used_peak, 1);
    coffer_boxes_close(boxes);
    buffer_free(&buffer);
}

#define MODEL_BOXES 50u

/* Any order of calls, against an array that says which boxes are allocated. */
static void test_random_calls(void **state)
{
    struct random random;
    struct buffer buffer = buffer_make(2, 4096);
    struct coffer_boxes_settings settings = {
        .box_size = 40, .region = buffer.start, .region_size = buffer.size};
    struct coffer_boxes *boxes;
    uint8_t *box[MODEL_BOXES] = {NULL};
    uint64_t used = 0, peak = 0, allocations = 0, wrong = 0;

    (void)state;
    random_init(&random, __func__);
    assert_ok(boxes_open(&nothing, &settings, &boxes));
    assert_true(statistics(boxes).count >= MODEL_BOXES);
    for (unsigned i = 0; i < rounds(100000); i++) {
        unsigned which = (unsigned)random_below(&random, i % 20000 < 10000 ? MODEL_BOXES : 10);

        if (box[which] == NULL) {
            assert_ok(coffer_box_alloc(boxes, (void **)&box[which]));
            for (unsigned j = 0; j < MODEL_BOXES; j++)
                assert_true(j == which || box[j] != box[which]);
            allocations++;
            used++;
            peak = used > peak ? used : peak;
        } else {
            assert_ok(coffer_box_free(boxes, box[which]));
            assert_status(coffer_box_free(boxes, box[which]), COFFER_MISUSE);
            box[which] = NULL;
            used--;
            wrong++;
        }
        if (i % 64 == 0) {
            struct coffer_boxes_statistics s = statistics(boxes);

            assert_int_equal(s.used, used);
            assert_int_equal(s.used_peak, peak);
            assert_int_equal(s.allocations, allocations);
            assert_int_equal(s.wrong_frees, wrong);
        }
    }
    for (unsigned i = 0; i < MODEL_BOXES; i++) {
        if (box[i] != NULL)
            assert_ok(coffer_box_free(boxes, box[i]));
    }
    assert_int_equal(statistics(boxes).used, 0);
    coffer_boxes_close(boxes);
    assert_true(bytes_are_zero(buffer.start, buffer.size));
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_of_every_size_are_used_to_the_byte),
        cmocka_unit_test(test_boxes_on_frames),
        cmocka_unit_test(test_wrong_frees_are_refused),
        cmocka_unit_test(test_one_address_of_each_box_is_accepted),
        cmocka_unit_test(test_exact_division),
        cmocka_unit_test(test_a_stale_free_is_refused_for_long),
        cmocka_unit_test(test_random_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
