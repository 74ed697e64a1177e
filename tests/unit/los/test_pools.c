/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LOS_Mem: what LiteOS's manual says, and, named after them, the defects of its code that aren't
 * here.
 */
#include "fixture.h"

#include <sys/mman.h>
#include <time.h>

#include "los_membox.h"
#include "los_memory.h"
#include "los_vm.h"

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

/* In a fresh pool, in one with blocks, and when all of them have come and gone. */
static void test_the_largest_free_block_can_be_had(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(region_sizes) / sizeof(region_sizes[0]); i++) {
        struct place place = place_make(region_sizes[i], 0);
        const bool little = place.size < 65536;
        VOID *blocks[3];
        UINT32 fresh;

        assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
        fresh = LOS_MemGetMaxFreeBlkSize(place.region);
        assert_true(fresh > place.size / 8);
        for (unsigned round = 0; round < 8; round++) {
            UINT32 largest = LOS_MemGetMaxFreeBlkSize(place.region);
            VOID *block;

            assert_true(!little || round % 2 == 1 || largest == fresh);
            if (little)
                assert_null(LOS_MemAlloc(place.region, largest + 1));
            block = LOS_MemAlloc(place.region, largest);
            assert_non_null(block);
            assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
            for (size_t k = 0; k < 3; k++) {
                if (round % 2 == 0)
                    blocks[k] = LOS_MemAlloc(place.region, place.size / 10);
                else
                    assert_int_equal(LOS_MemFree(place.region, blocks[k]), LOS_OK);
                assert_non_null(blocks[k]);
            }
        }
        assert_pool_is_empty(place.region);
        assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
        place_check_and_free(&place);
    }
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
    assert_null(LOS_MemAlloc(pool, 0x40000008)); /* bits that are flags in LiteOS */
    assert_null(LOS_MemAlloc(pool, 0x80000008));
    assert_null(LOS_MemAlloc(pool, 0xFFFFFFFF));
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

static void test_what_is_no_pool_is_refused_wherever_it_is(void **state)
{
    const uintptr_t addresses[] = {1, 8, 4096, UINTPTR_MAX - 2, UINTPTR_MAX, (uintptr_t)1 << 62};

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        VOID *pool = (VOID *)addresses[i];

        assert_null(LOS_MemAlloc(pool, 10));
        assert_null(LOS_MemAllocAlign(pool, 10, 8));
        assert_null(LOS_MemRealloc(pool, NULL, 10));
        assert_int_equal(LOS_MemFree(pool, pool), LOS_NOK);
        assert_int_equal(LOS_MemDeInit(pool), OS_ERROR);
        assert_int_equal(LOS_MemPoolSizeGet(pool), OS_ERROR);
        assert_int_equal(LOS_MemIntegrityCheck(pool), LOS_NOK);
        LOS_MemExpandEnable(pool);
    }
}

static void test_a_region_that_is_refused_stays_as_it_was(void **state)
{
    struct place place = place_make(4096, 0);
    uint8_t bytes[64];
    uint8_t *page;
    VADDR_T user;

    (void)state;
    for (UINT32 size = 0; LOS_MemInit(place.region + 3, size) != LOS_OK; size++) {
        assert_true(size < 512);
        for (UINT32 i = 0; i < place.size; i++)
            assert_int_equal(place.region[i], GUARD);
    }
    assert_int_equal(LOS_MemDeInit(place.region + 3), LOS_OK);
    place_check_and_free(&place);

    /* The frame of a page of the process, and one that nobody has. */
    user = LOS_MMap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(bytes, 0x77, sizeof(bytes));
    assert_int_equal(LOS_ArchCopyToUser((VOID *)user, bytes, sizeof(bytes)), 0);
    page = (uint8_t *)LOS_PaddrQuery((VOID *)user);
    assert_int_equal(LOS_MemInit(page, PAGE_SIZE), OS_ERROR);
    assert_memory_equal(page, bytes, sizeof(bytes));
    assert_int_equal(LOS_UnMMap(user, PAGE_SIZE), 0);
    page = LOS_PhysPagesAllocContiguous(1);
    LOS_PhysPagesFreeContiguous(page, 1);
    assert_int_equal(LOS_MemInit(page, PAGE_SIZE), OS_ERROR);

    /* The memory system's own data lie in front of everything. */
    while (LOS_IsKernelAddress((VADDR_T)page - PAGE_SIZE))
        page -= PAGE_SIZE;
    memcpy(bytes, page, sizeof(bytes));
    assert_int_equal(LOS_MemInit(page, PAGE_SIZE), OS_ERROR);
    assert_memory_equal(page, bytes, sizeof(bytes));
    page = LOS_PhysPagesAllocContiguous(1);
    assert_non_null(page);
    LOS_PhysPagesFreeContiguous(page, 1);
}

/* Nothing is followed into a pool's region by calls on others. */
static void test_a_region_that_is_out_of_reach_harms_no_other(void **state)
{
    const size_t size = 4 * PAGE_SIZE;
    struct place place = place_make(4096, 0);
    VOID *away = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(away != MAP_FAILED);
    assert_int_equal(LOS_MemInit(away, (UINT32)size), LOS_OK);
    assert_int_equal(mprotect(away, size, PROT_NONE), 0);
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    assert_int_equal(LOS_MemPoolList(), 2);
    assert_int_equal(LOS_MemInit((uint8_t *)away + 64, 2048), OS_ERROR);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    assert_int_equal(mprotect(away, size, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(LOS_MemDeInit(away), LOS_OK);
    assert_int_equal(LOS_MemPoolList(), 0);
    (void)munmap(away, size);
    place_check_and_free(&place);
}

/* More than there are chains, so that names share them and are used again. */
static void test_each_of_many_pools_is_found(void **state)
{
    const UINT32 each = 1024;
    const UINT32 count = 400;
    struct place place = place_make(count * each, 5);
    VOID *blocks[400];

    (void)state;
    for (UINT32 round = 0; round < 3; round++) {
        for (UINT32 i = 0; i < count; i++) {
            uint8_t *pool = place.region + i * each;

            if (round > 0 && i % 2 == 1) /* of the round before */
                assert_int_equal(LOS_MemDeInit(pool), LOS_OK);
            assert_null(LOS_MemAlloc(pool, 24));
            assert_int_equal(LOS_MemInit(pool, each), LOS_OK);
        }
        assert_int_equal(LOS_MemPoolList(), count);
        for (UINT32 i = 0; i < count; i++) {
            blocks[i] = LOS_MemAlloc(place.region + i * each, 24);
            assert_in_range((uintptr_t)blocks[i], (uintptr_t)place.region + i * each,
                            (uintptr_t)place.region + (i + 1) * each - 24);
        }
        for (UINT32 i = 0; i < count; i++) {
            uint8_t *pool = place.region + i * each;

            assert_int_equal(LOS_MemFree(pool, blocks[(i + 1) % count]), LOS_NOK);
            assert_int_equal(LOS_MemFree(pool, blocks[i]), LOS_OK);
            if (round == 2 || i % 2 == 0)
                assert_int_equal(LOS_MemDeInit(pool), LOS_OK);
        }
    }
    assert_int_equal(LOS_MemPoolList(), 0);
    place_check_and_free(&place);
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

static void test_a_realloc_that_cannot_be_keeps_the_block(void **state)
{
    struct place place = place_make(4096, 0);
    uint8_t *block;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    block = LOS_MemAlloc(place.region, 100);
    assert_non_null(block);
    memset(block, 0x3D, 100);
    assert_null(LOS_MemRealloc(place.region, block, 5000));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(block[i], 0x3D);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

/* --- Defects of LiteOS's pools ----------------------------------------------------------- */

/* The shortest time of a block come and gone, with `count` free ones that are just too small. */
static uint64_t pair_ns(size_t count)
{
    const UINT32 size = 2000;
    struct place place = place_make((UINT32)(count * 2 * (size + 64)) + 400000, 0);
    VOID **blocks = calloc(2 * count, sizeof(VOID *));
    uint64_t least = UINT64_MAX;

    assert_non_null(blocks);
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    for (size_t i = 0; i < 2 * count; i++) {
        blocks[i] = LOS_MemAlloc(place.region, size);
        assert_non_null(blocks[i]);
    }
    for (size_t i = 0; i < 2 * count; i += 2)
        assert_int_equal(LOS_MemFree(place.region, blocks[i]), LOS_OK);
    for (unsigned i = 0; i < 2000; i++) {
        struct timespec from;
        struct timespec to;
        uint64_t took;
        VOID *block;

        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        block = LOS_MemAlloc(place.region, size + 40);
        assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        took = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 + (uint64_t)to.tv_nsec -
               (uint64_t)from.tv_nsec;
        least = took < least ? took : least;
    }
    for (size_t i = 1; i < 2 * count; i += 2)
        assert_int_equal(LOS_MemFree(place.region, blocks[i]), LOS_OK);
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
    free(blocks);
    return least;
}

/* There, 400 times as long with 100 times as many. */
static void test_defect_a_search_walks_all_blocks_of_a_class(void **state)
{
    uint64_t few = pair_ns(100);
    uint64_t many = pair_ns(10000);

    (void)state;
    if (many > 10 * few + 2000)
        fail_msg("%llu ns with 100 blocks, %llu ns with 10000", (unsigned long long)few,
                 (unsigned long long)many);
}

static void test_defect_what_lies_before_a_block_is_taken_for_its_gap(void **state)
{
    struct place place = place_make(65000, 0);
    VOID *blocks[32];

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    /* Every byte of the pool's blocks looks like the flag of an aligned one with a gap of 16. */
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < 32; i++) {
            UINT32 size = round == 0 ? 500 : 20 + (UINT32)i * 8;
            UINT32 *words;

            blocks[i] = i % 2 != 0 ? LOS_MemAllocAlign(place.region, size, 64)
                                   : LOS_MemAlloc(place.region, size);
            assert_non_null(blocks[i]);
            words = blocks[i];
            for (size_t k = 0; k < size / sizeof(*words); k++)
                words[k] = 0x40000010;
        }
        for (size_t i = 0; i < 32; i++)
            assert_int_equal(LOS_MemFree(place.region, blocks[i]), LOS_OK);
    }
    assert_pool_is_empty(place.region);
    assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
    place_check_and_free(&place);
}

static void test_defect_an_error_looks_like_a_size_of_one(void **state)
{
    uint8_t nothing[256] = {0};

    (void)state;
    assert_int_equal(LOS_MemTotalUsedGet(NULL), OS_ERROR);
    assert_int_equal(LOS_MemPoolSizeGet(NULL), OS_ERROR);
    assert_int_equal(LOS_MemTotalUsedGet(nothing), OS_ERROR);
    assert_int_equal(LOS_MemPoolSizeGet(nothing), OS_ERROR);
    assert_int_equal(LOS_MemGetMaxFreeBlkSize(nothing), OS_ERROR);
}

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

/* In regions that are kept by best fit; all that is written behind a block is other blocks. */
static void test_defect_an_overflow_breaks_the_neighbours_head(void **state)
{
    const UINT32 sizes[] = {2048, 4096, 20000, 65535};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct place place = place_make(sizes[i], 0);
        uint8_t *blocks[1024];
        UINT32 count = 0;

        assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
        while (count < 1024 && (blocks[count] = LOS_MemAlloc(place.region, 64)) != NULL)
            count++;
        if (count <= 15) {
            fail_msg("%u blocks", (unsigned)count);
            return;
        }
        /* From the lowest to the end of the region. */
        memset(blocks[0], 0xEE, (size_t)(place.region + place.size - blocks[0]));
        assert_int_equal(LOS_MemIntegrityCheck(place.region), LOS_OK);
        while (count > 0)
            assert_int_equal(LOS_MemFree(place.region, blocks[--count]), LOS_OK);
        assert_pool_is_empty(place.region);
        assert_int_equal(LOS_MemDeInit(place.region), LOS_OK);
        place_check_and_free(&place);
    }
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

/* Quarantine keeps nothing large from others. */
static void test_a_pool_that_expanded_gives_large_blocks_back_at_once(void **state)
{
    const UINT32 large = 5u << 20;
    struct place place = place_make(128 * 1024, 0);
    VOID *block;
    VOID *pages;

    (void)state;
    assert_int_equal(LOS_MemInit(place.region, place.size), LOS_OK);
    LOS_MemExpandEnable(place.region);
    block = LOS_MemAlloc(place.region, large);
    assert_non_null(block);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_OK);
    assert_int_equal(LOS_MemFree(place.region, block), LOS_NOK);
    pages = LOS_PhysPagesAllocContiguous(large / PAGE_SIZE);
    assert_non_null(pages);
    LOS_PhysPagesFreeContiguous(pages, large / PAGE_SIZE);

    /* So does a block that moves, and one that is resized to nothing. */
    block = LOS_MemAlloc(place.region, 2u << 20);
    block = LOS_MemRealloc(place.region, block, 3u << 20);
    assert_non_null(block);
    assert_null(LOS_MemRealloc(place.region, block, 0));
    pages = LOS_PhysPagesAllocContiguous(large / PAGE_SIZE);
    assert_non_null(pages);
    LOS_PhysPagesFreeContiguous(pages, large / PAGE_SIZE);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_are_had_and_given_back),
        TEST(test_the_largest_free_block_can_be_had),
        TEST(test_wrong_arguments_are_refused),
        TEST(test_pools_are_counted),
        TEST(test_what_is_no_pool_is_refused_wherever_it_is),
        TEST(test_a_region_that_is_refused_stays_as_it_was),
        TEST(test_a_region_that_is_out_of_reach_harms_no_other),
        TEST(test_each_of_many_pools_is_found),
        TEST(test_the_system_pool_is_a_pool),
        TEST(test_a_realloc_that_cannot_be_keeps_the_block),
        TEST(test_defect_a_search_walks_all_blocks_of_a_class),
        TEST(test_defect_what_lies_before_a_block_is_taken_for_its_gap),
        TEST(test_defect_an_error_looks_like_a_size_of_one),
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
        TEST(test_a_pool_that_expanded_gives_large_blocks_back_at_once),
        TEST(test_defect_kernel_realloc_cannot_shrink_a_block_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
