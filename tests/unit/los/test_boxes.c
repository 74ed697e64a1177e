/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Membox: what LiteOS's manual says, and the defects of its code that aren't here. */
#include "fixture.h"

#include "los_membox.h"
#include "los_memory.h"
#include "los_vm.h"

static void test_boxes_are_had_and_given_back(void **state)
{
    struct place place = place_make(LOS_MEMBOX_SIZE(64, 10), 3);
    VOID *boxes[64];
    UINT32 max;
    UINT32 count;
    UINT32 size;
    UINT32 had = 0;

    (void)state;
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
    while (had < 64 && (boxes[had] = LOS_MemboxAlloc(place.region)) != NULL) {
        had++;
        memset(boxes[had - 1], (int)had, 64);
    }
    if (had < 10) {
        fail_msg("%u boxes", (unsigned)had);
        return;
    }
    assert_int_equal(LOS_MemboxStatisticsGet(place.region, &max, &count, &size), LOS_OK);
    assert_int_equal(max, had);
    assert_int_equal(count, had);
    for (UINT32 i = 0; i < had; i++)
        assert_int_equal(((uint8_t *)boxes[i])[63], (int)i + 1);
    LOS_MemboxClr(place.region, boxes[0]);
    assert_int_equal(((uint8_t *)boxes[0])[63], 0);
    LOS_ShowBox(place.region);
    for (UINT32 i = 0; i < had; i++)
        assert_int_equal(LOS_MemboxFree(place.region, boxes[i]), LOS_OK);
    assert_int_equal(LOS_MemboxStatisticsGet(place.region, &max, &count, &size), LOS_OK);
    assert_int_equal(count, 0);
    place_check_and_free(&place);
}

static void test_the_size_macro_is_enough_for_any_number_of_boxes(void **state)
{
    static const UINT32 counts[] = {1, 2, 63, 64, 65, 1000, 5000, 300000};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct place place = place_make(LOS_MEMBOX_SIZE(13, counts[i]), 1 + i);
        UINT32 max;
        UINT32 count;
        UINT32 size;

        assert_int_equal(LOS_MemboxInit(place.region, place.size, 13), LOS_OK);
        assert_int_equal(LOS_MemboxStatisticsGet(place.region, &max, &count, &size), LOS_OK);
        assert_true(max >= counts[i]);
        place_check_and_free(&place);
    }
}

static void test_what_is_no_pool_is_refused_wherever_it_is(void **state)
{
    const uintptr_t addresses[] = {8, UINTPTR_MAX - 2, (uintptr_t)1 << 62};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        VOID *pool = (VOID *)addresses[i];

        assert_null(LOS_MemboxAlloc(pool));
        assert_int_equal(LOS_MemboxFree(pool, pool), LOS_NOK);
        LOS_MemboxClr(pool, pool);
        LOS_ShowBox(pool);
    }
}

static void test_memory_that_is_not_the_callers_holds_no_boxes(void **state)
{
    uint8_t bytes[64];
    uint8_t *page;
    VADDR_T user;

    (void)state;
    user = LOS_MMap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(bytes, 0x77, sizeof(bytes));
    assert_int_equal(LOS_ArchCopyToUser((VOID *)user, bytes, sizeof(bytes)), 0);
    page = (uint8_t *)LOS_PaddrQuery((VOID *)user);
    assert_int_equal(LOS_MemboxInit(page, PAGE_SIZE, 32), LOS_NOK);
    assert_memory_equal(page, bytes, sizeof(bytes));
    assert_int_equal(LOS_UnMMap(user, PAGE_SIZE), 0);
    while (LOS_IsKernelAddress((VADDR_T)page - PAGE_SIZE))
        page -= PAGE_SIZE;
    assert_int_equal(LOS_MemboxInit(page, PAGE_SIZE, 32), LOS_NOK);
    page = LOS_PhysPagesAllocContiguous(1);
    assert_non_null(page);
    assert_int_equal(LOS_MemboxInit(page, PAGE_SIZE, 32), LOS_OK);
    assert_non_null(LOS_MemboxAlloc(page));
    LOS_PhysPagesFreeContiguous(page, 1);
}

/* They have no end: what takes their place is what ends them. */
static void test_boxes_go_when_others_take_their_place(void **state)
{
    struct place place = place_make(8192, 0);
    uint8_t *inside = place.region + 1000;

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        assert_int_equal(LOS_MemboxInit(inside, 2000, 16), LOS_OK);
        assert_non_null(LOS_MemboxAlloc(inside));
        assert_int_equal(LOS_MemboxInit(inside, 1000, 32), LOS_OK);
        assert_non_null(LOS_MemboxAlloc(inside));
        assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
        assert_null(LOS_MemboxAlloc(inside));
        assert_non_null(LOS_MemboxAlloc(place.region));
        assert_int_equal(LOS_MemInit(inside, 4096), LOS_OK);
        assert_null(LOS_MemboxAlloc(place.region));
        assert_null(LOS_MemboxAlloc(inside));
        assert_int_equal(LOS_MemDeInit(inside), LOS_OK);
    }
    place_check_and_free(&place);
}

static void test_defect_the_reported_box_size_includes_the_head(void **state)
{
    struct place place = place_make(4096, 0);
    UINT32 max;
    UINT32 count;
    UINT32 size;

    (void)state;
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
    assert_int_equal(LOS_MemboxStatisticsGet(place.region, &max, &count, &size), LOS_OK);
    assert_int_equal(size, 64);
    place_check_and_free(&place);
}

static void test_defect_a_box_of_4_gib_is_accepted(void **state)
{
    struct place place = place_make(4096, 0);

    (void)state;
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 0xFFFFFFFC), LOS_NOK);
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 0), LOS_NOK);
    assert_int_equal(LOS_MemboxInit(NULL, 4096, 16), LOS_NOK);
    assert_null(LOS_MemboxAlloc(place.region));
    for (UINT32 i = 0; i < place.size; i++)
        assert_int_equal(place.region[i], GUARD);
    place_check_and_free(&place);
}

static void test_defect_a_stale_free_of_a_box_takes_the_next_owners(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *old;
    VOID *new;

    (void)state;
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
    old = LOS_MemboxAlloc(place.region);
    assert_int_equal(LOS_MemboxFree(place.region, old), LOS_OK);
    new = LOS_MemboxAlloc(place.region);
    assert_int_equal(LOS_MemboxFree(place.region, old), LOS_NOK);
    assert_int_equal(LOS_MemboxFree(place.region, new), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_a_box_4_gib_away_is_freed(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *box;

    (void)state;
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
    box = LOS_MemboxAlloc(place.region);
    assert_non_null(box);
    assert_int_equal(LOS_MemboxFree(place.region, (VOID *)((uintptr_t)box + UINT32_MAX + 1)),
                     LOS_NOK);
    assert_int_equal(LOS_MemboxFree(place.region, (VOID *)((uintptr_t)box - UINT32_MAX - 1)),
                     LOS_NOK);
    assert_int_equal(LOS_MemboxFree(place.region, box), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_any_address_can_be_cleared_as_a_box(void **state)
{
    struct place place = place_make(4096, 0);
    uint8_t foreign[64];
    uint8_t *box;

    (void)state;
    memset(foreign, 0x11, sizeof(foreign));
    assert_int_equal(LOS_MemboxInit(place.region, place.size, 64), LOS_OK);
    box = LOS_MemboxAlloc(place.region);
    memset(box, 0x22, 64);
    LOS_MemboxClr(place.region, foreign);
    LOS_MemboxClr(place.region, box + 8);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(foreign[i], 0x11);
        assert_int_equal(box[i], 0x22);
    }
    place_check_and_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_boxes_are_had_and_given_back),
        TEST(test_the_size_macro_is_enough_for_any_number_of_boxes),
        TEST(test_what_is_no_pool_is_refused_wherever_it_is),
        TEST(test_memory_that_is_not_the_callers_holds_no_boxes),
        TEST(test_boxes_go_when_others_take_their_place),
        TEST(test_defect_the_reported_box_size_includes_the_head),
        TEST(test_defect_a_box_of_4_gib_is_accepted),
        TEST(test_defect_a_stale_free_of_a_box_takes_the_next_owners),
        TEST(test_defect_a_box_4_gib_away_is_freed),
        TEST(test_defect_any_address_can_be_cleared_as_a_box),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
