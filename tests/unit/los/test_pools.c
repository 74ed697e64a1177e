/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LOS_Mem and LOS_Membox: what LiteOS's manual says, and, named after them, the defects of its code
 * that aren't here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "los_membox.h"
#include "los_memory.h"
#include "los_start.h"
#include "los_vm.h"

#define GUARD 0xA5

/* A region with guard bytes on both sides, `offset` bytes off an aligned address. */
struct place {
    uint8_t *raw;
    uint8_t *region;
    UINT32 size;
};

static struct place place_make(UINT32 size, size_t offset)
{
    struct place place = {.size = size};

    place.raw = malloc((size_t)size + 256);
    assert_non_null(place.raw);
    memset(place.raw, GUARD, (size_t)size + 256);
    place.region = place.raw + 64 + offset;
    return place;
}

static void place_check_and_free(struct place *place)
{
    for (uint8_t *p = place->raw; p < place->region; p++)
        assert_int_equal(*p, GUARD);
    for (uint8_t *p = place->region + place->size; p < place->raw + place->size + 256; p++)
        assert_int_equal(*p, GUARD);
    free(place->raw);
}

static void assert_pool_is_empty(VOID *pool)
{
    LOS_MEM_POOL_STATUS status;

    assert_int_equal(LOS_MemInfoGet(pool, &status), LOS_OK);
    assert_int_equal(status.usedNodeNum, 0);
    assert_int_equal(status.totalUsedSize, 0);
    assert_int_equal(LOS_MemTotalUsedGet(pool), 0);
    assert_int_equal(LOS_MemIntegrityCheck(pool), LOS_OK);
}

/* --- The manual -------------------------------------------------------------------------- */

/* Regions below and above the size at which the policy changes. */
static const UINT32 region_sizes[] = {2048, 4096, 60000, 128 * 1024, 2 * 1024 * 1024};

static void test_blocks_are_had_and_given_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(region_sizes) / sizeof(region_sizes[0]); i++) {
        struct place place = place_make(region_sizes[i], 0);
        VOID *pool = place.region;
        LOS_MEM_POOL_STATUS status;
        LOS_MEM_POOL_STATUS again;
        uint8_t *a;
        uint8_t *b;

        assert_int_equal(LOS_MemInit(pool, place.size), LOS_OK);
        a = LOS_MemAlloc(pool, 100);
        b = LOS_MemAlloc(pool, 300);
        assert_non_null(a);
        assert_non_null(b);
        memset(a, 1, 100);
        memset(b, 2, 300);
        for (size_t k = 0; k < 100; k++)
            assert_int_equal(a[k], 1);
        assert_int_equal(LOS_MemInfoGet(pool, &status), LOS_OK);
        assert_int_equal(status.usedNodeNum, 2);
        assert_true(status.totalUsedSize >= 400);
        assert_true(status.usageWaterLine >= status.totalUsedSize);
        assert_true(LOS_MemPoolSizeGet(pool) <= place.size);
        assert_int_equal(LOS_MemGetMaxFreeBlkSize(pool), status.maxFreeNodeSize);
        assert_int_equal(LOS_MemStatisticsGet(pool, &again), LOS_OK);
        assert_memory_equal(&again, &status, sizeof(status));
        assert_int_equal(LOS_MemFree(pool, a), LOS_OK);
        assert_int_equal(LOS_MemFree(pool, b), LOS_OK);
        assert_pool_is_empty(pool);
        assert_int_equal(LOS_MemDeInit(pool), LOS_OK);
        assert_null(LOS_MemAlloc(pool, 8));
        place_check_and_free(&place);
    }
}

static void test_the_largest_free_block_can_be_had(void **state)
{
    struct place place = place_make(4096, 0);
    UINT32 largest;
    VOID *block;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    largest = LOS_MemGetMaxFreeBlkSize(place.region);
    assert_true(largest > 3000);
    assert_null(LOS_MemAlloc(place.region, largest + 1));
    block = LOS_MemAlloc(place.region, largest);
    assert_non_null(block);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_wrong_arguments_are_refused(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *pool = place.region;
    VOID *block;

    (void)state;
    assert_int_equal(LOS_MemInit(NULL, 4096), OS_ERROR);
    assert_int_equal(LOS_MemInit(pool, 0), OS_ERROR);
    assert_int_equal(LOS_MemInit(pool, 64), OS_ERROR);
    assert_null(LOS_MemAlloc(pool, 8));
    assert_int_equal(LOS_MemFree(pool, pool), LOS_NOK);
    assert_int_equal(LOS_MemInit(pool, place.size), LOS_OK);
    assert_null(LOS_MemAlloc(pool, 0));
    assert_null(LOS_MemAlloc(NULL, 8));
    assert_null(LOS_MemAllocAlign(pool, 8, 0));
    assert_null(LOS_MemAllocAlign(pool, 8, 24));
    assert_int_equal(LOS_MemFree(pool, NULL), LOS_NOK);
    assert_int_equal(LOS_MemInfoGet(pool, NULL), LOS_NOK);
    assert_int_equal(LOS_MemStatisticsGet(pool, NULL), LOS_NOK);
    assert_int_equal(LOS_MemTotalUsedGet(NULL), OS_ERROR);
    block = LOS_MemAlloc(pool, 40);
    assert_int_equal(LOS_MemFree(pool, (uint8_t *)block + 8), LOS_NOK);
    assert_int_equal(LOS_MemFree(pool, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(pool), LOS_OK);
    assert_int_equal(LOS_MemDeInit(pool), OS_ERROR);
    place_check_and_free(&place);
}

static void test_pools_are_counted(void **state)
{
    struct place one = place_make(4096, 0);
    struct place two = place_make(4096, 0);
    UINT32 before = LOS_MemPoolList();

    (void)state;
    assert_int_equal(LOS_MemInit(one.region, one.size), LOS_OK);
    assert_int_equal(LOS_MemInit(two.region, two.size), LOS_OK);
    assert_int_equal(LOS_MemPoolList(), before + 2);
    assert_int_equal(LOS_MemFreeNodeShow(one.region), LOS_OK);
    assert_int_equal(LOS_MemDeInit(one.region), LOS_OK);
    assert_int_equal(LOS_MemDeInit(two.region), LOS_OK);
    assert_int_equal(LOS_MemPoolList(), before);
    place_check_and_free(&one);
    place_check_and_free(&two);
}

static void test_the_system_pool_is_a_pool(void **state)
{
    VOID *block = LOS_MemAlloc(OS_SYS_MEM_ADDR, 5000);
    VOID *grown;

    (void)state;
    assert_non_null(block);
    memset(block, 7, 5000);
    grown = LOS_MemRealloc(OS_SYS_MEM_ADDR, block, 50000);
    assert_non_null(grown);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(((uint8_t *)grown)[i], 7);
    assert_int_equal(LOS_MemFree(OS_SYS_MEM_ADDR, grown), LOS_OK);
}

/* --- Defects of LiteOS's pools ----------------------------------------------------------- */

static void test_defect_init_rounds_the_size_up_and_writes_behind_the_pool(void **state)
{
    (void)state;
    for (UINT32 size = 4085; size <= 4099; size++) {
        struct place place = place_make(size, 0);
        VOID *blocks[256];
        size_t count = 0;

        assert_int_equal(LOS_MemInit(place.region, size), LOS_OK);
        while (count < 256 && (blocks[count] = LOS_MemAlloc(place.region, 24)) != NULL)
            memset(blocks[count++], 0xFF, 24);
        assert_true(count > 90);
        while (count > 0)
            assert_int_equal(LOS_MemFree(place.region, blocks[--count]), LOS_OK);
        assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
        place_check_and_free(&place);
    }
}

static void test_defect_a_pool_at_an_odd_address_never_frees(void **state)
{
    (void)state;
    for (size_t offset = 1; offset < 16; offset += 2) {
        struct place place = place_make(4096, offset);
        VOID *block;

        assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
        block = LOS_MemAlloc(place.region, 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 8, 0);
        assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
        assert_pool_is_empty(place.region);
        assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
        place_check_and_free(&place);
    }
}

static void test_defect_a_pool_of_600_mib_panics(void **state)
{
    const UINT32 size = 600u << 20;
    uint8_t *region = calloc(1, size);
    VOID *block;

    (void)state;
    assert_non_null(region);
    assert_int_equal(LOS_MemInit(region, size), LOS_OK);
    block = LOS_MemAlloc(region, 550u << 20);
    assert_non_null(block);
    ((uint8_t *)block)[(550u << 20) - 1] = 1;
    assert_int_equal(LOS_MemFree(region, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(region), LOS_OK);
    free(region);
}

static void test_defect_a_pool_inside_another_is_accepted(void **state)
{
    struct place place = place_make(65536, 0);

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, 32768), LOS_OK);
    assert_int_equal(LOS_MemInit(place.region + 8192, 4096), OS_ERROR);
    assert_int_equal(LOS_MemInit(place.region + 32760, 4096), OS_ERROR);
    assert_int_equal(LOS_MemInit(place.region, 32768), OS_ERROR);
    assert_int_equal(LOS_MemInit(place.region + 32768, 4096), LOS_OK);
    assert_int_equal(LOS_MemboxInit(place.region + 4096, 4096, 16), LOS_NOK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region + 32768), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_a_stale_free_takes_the_next_owners_block(void **state)
{
    struct place place = place_make(128 * 1024, 0);
    VOID *old;
    VOID *new;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    old = LOS_MemAlloc(place.region, 100);
    assert_int_equal(LOS_MemFree(place.region, old), LOS_OK);
    new = LOS_MemAlloc(place.region, 100);
    assert_int_equal(LOS_MemFree(place.region, old), LOS_NOK);
    assert_int_equal(LOS_MemFree(place.region, new), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_a_block_forged_in_user_data_is_freed(void **state)
{
    struct place place = place_make(4096, 0);
    UINT32 *block;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    block = LOS_MemAlloc(place.region, 512);
    assert_non_null(block);
    /* Heads as LiteOS's would be, all over the block. */
    for (size_t i = 0; i < 128; i++)
        block[i] = i % 6 == 0 ? 0xABCDDCBA : 0x80000040;
    for (size_t i = 8; i < 512; i += 8)
        assert_int_equal(LOS_MemFree(place.region, (uint8_t *)block + i), LOS_NOK);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_a_double_free_after_merging_is_accepted(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *blocks[8];

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    for (size_t i = 0; i < 8; i++)
        blocks[i] = LOS_MemAlloc(place.region, 64);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(LOS_MemFree(place.region, blocks[i]), LOS_OK);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(LOS_MemFree(place.region, blocks[i]), LOS_NOK);
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_an_overflow_breaks_the_neighbours_head(void **state)
{
    struct place place = place_make(4096, 0);
    uint8_t *a;
    uint8_t *b;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    a = LOS_MemAlloc(place.region, 64);
    b = LOS_MemAlloc(place.region, 64);
    memset(a < b ? a : b, 0xEE, 128); /* no head lies between the two */
    assert_int_equal(LOS_MemFree(place.region, a), LOS_OK);
    assert_int_equal(LOS_MemFree(place.region, b), LOS_OK);
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_realloc_to_nothing_does_not_free(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *block;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    block = LOS_MemRealloc(place.region, NULL, 100);
    assert_non_null(block);
    assert_null(LOS_MemRealloc(place.region, block, 0));
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_realloc_of_an_aligned_block_loses_its_contents(void **state)
{
    (void)state;
    /* The smallest region has no room for two such blocks. */
    for (size_t i = 1; i < sizeof(region_sizes) / sizeof(region_sizes[0]); i++) {
        struct place place = place_make(region_sizes[i], 8);
        const UINT32 sizes[] = {200, 90, 400, 10, 300};
        uint8_t *block;

        assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
        block = LOS_MemAllocAlign(place.region, 100, 256);
        assert_non_null(block);
        memset(block, 0x5C, 100);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            block = LOS_MemRealloc(place.region, block, sizes[k]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % 256, 0);
            for (size_t n = 0; n < 10; n++)
                assert_int_equal(block[n], 0x5C);
        }
        assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
        assert_pool_is_empty(place.region);
        assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
        place_check_and_free(&place);
    }
}

static void test_defect_the_slack_of_aligned_blocks_is_lost(void **state)
{
    struct place place = place_make(32768, 0);
    VOID *aligned;
    VOID *small;
    UINT32 used;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    aligned = LOS_MemAllocAlign(place.region, 64, 4096);
    assert_non_null(aligned);
    used = LOS_MemTotalUsedGet(place.region);
    assert_true(used < 128);
    small = LOS_MemAlloc(place.region, 512); /* fits in front of the aligned block */
    assert_non_null(small);
    assert_int_equal(LOS_MemFree(place.region, small), LOS_OK);
    assert_int_equal(LOS_MemFree(place.region, aligned), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_an_integrity_check_panics(void **state)
{
    struct place place = place_make(4096, 0);
    VOID *block;
    uint8_t *byte;
    size_t found = 0;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    block = LOS_MemAlloc(place.region, 100);
    assert_non_null(block);
    assert_int_equal(LOS_MemIntegrityCheck(place.region), LOS_OK);
    /* Bits that describe the blocks lie below the first of them; each is turned for a moment. */
    for (byte = (uint8_t *)block - 1; byte >= (uint8_t *)block - 32; byte--) {
        *byte ^= 0x10;
        found += LOS_MemIntegrityCheck(place.region) == LOS_NOK;
        *byte ^= 0x10;
    }
    assert_true(found > 0);
    assert_int_equal(LOS_MemIntegrityCheck(place.region), LOS_OK);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_a_pool_expands_when_it_may_and_gives_the_pages_back(void **state)
{
    struct place place = place_make(128 * 1024, 0);
    VOID *blocks[64];
    UINT32 few = 0;
    UINT32 many = 0;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    while (few < 64 && (blocks[few] = LOS_MemAlloc(place.region, 8000)) != NULL)
        few++;
    assert_true(few > 4 && few < 17);
    LOS_MemExpandEnable(place.region);
    for (many = few; many < 64; many++) {
        blocks[many] = LOS_MemAlloc(place.region, 8000);
        assert_non_null(blocks[many]);
    }
    assert_true(LOS_MemPoolSizeGet(place.region) > 64 * 8000);
    while (many > 0)
        assert_int_equal(LOS_MemFree(place.region, blocks[--many]), LOS_OK);
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_kernel_realloc_cannot_shrink_a_block_of_pages(void **state)
{
    uint8_t *block = LOS_KernelMalloc(100000);

    (void)state;
    assert_non_null(block);
    memset(block, 9, 100000);
    block = LOS_KernelRealloc(block, 5000);
    assert_non_null(block);
    block = LOS_KernelRealloc(block, 200);
    assert_non_null(block);
    block = LOS_KernelRealloc(block, 70000);
    assert_non_null(block);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(block[i], 9);
    LOS_KernelFree(block);
    block = LOS_KernelMallocAlign(3000, 8192);
    assert_int_equal((uintptr_t)block % 8192, 0);
    LOS_KernelFree(block);
}

/* --- Boxes ------------------------------------------------------------------------------- */

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
    assert_true(had >= 10);
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

static int start(void **state)
{
    const struct coffer_linux_memory_options options = {.memory = (size_t)8 << 20,
                                                        .software = true};

    (void)state;
    return LOS_Start(&options) == LOS_OK ? 0 : -1;
}

/* Regions are plain memory that the test frees: the system behind goes with each test. */
static int stop(void **state)
{
    (void)state;
    LOS_Stop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_are_had_and_given_back),
        TEST(test_the_largest_free_block_can_be_had),
        TEST(test_wrong_arguments_are_refused),
        TEST(test_pools_are_counted),
        TEST(test_the_system_pool_is_a_pool),
        TEST(test_defect_init_rounds_the_size_up_and_writes_behind_the_pool),
        TEST(test_defect_a_pool_at_an_odd_address_never_frees),
        TEST(test_defect_a_pool_of_600_mib_panics),
        TEST(test_defect_a_pool_inside_another_is_accepted),
        TEST(test_defect_a_stale_free_takes_the_next_owners_block),
        TEST(test_defect_a_block_forged_in_user_data_is_freed),
        TEST(test_defect_a_double_free_after_merging_is_accepted),
        TEST(test_defect_an_overflow_breaks_the_neighbours_head),
        TEST(test_defect_realloc_to_nothing_does_not_free),
        TEST(test_defect_realloc_of_an_aligned_block_loses_its_contents),
        TEST(test_defect_the_slack_of_aligned_blocks_is_lost),
        TEST(test_defect_an_integrity_check_panics),
        TEST(test_a_pool_expands_when_it_may_and_gives_the_pages_back),
        TEST(test_defect_kernel_realloc_cannot_shrink_a_block_of_pages),
        TEST(test_boxes_are_had_and_given_back),
        TEST(test_the_size_macro_is_enough_for_any_number_of_boxes),
        TEST(test_defect_the_reported_box_size_includes_the_head),
        TEST(test_defect_a_box_of_4_gib_is_accepted),
        TEST(test_defect_a_stale_free_of_a_box_takes_the_next_owners),
        TEST(test_defect_any_address_can_be_cleared_as_a_box),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
