/* SPDX-License-Identifier: BSD-2-Clause */
/* Boxes: every size, regions to the byte, and every wrong free. */
#include "fixture.h"

#include "base/bytes.h"
#include "memory/heap/boxes.h"
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
    assert_ok(frames_init(&area, 1, &none, &account, &host.frames));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_of_every_size_are_used_to_the_byte),
        cmocka_unit_test(test_boxes_on_frames),
        cmocka_unit_test(test_wrong_frees_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
