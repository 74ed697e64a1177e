/* SPDX-License-Identifier: BSD-2-Clause */
/* TEE_Malloc and the rest of clause 4.11. */
#include "unit/gp/fixture.h"

#define assert_zeros(block, size) assert_true(are_zeros((block), (size)))

static bool are_zeros(const uint8_t *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return size == 0;
}

static size_t mapped(void)
{
    struct coffer_space_info info;

    coffer_space_info(gp_fixture.instance->space, &info);
    return info.resident + info.swapped;
}

static void test_blocks_are_zero_and_apart(void **state)
{
    uint8_t *blocks[64];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        size_t size = i * i * 4 + 1;

        blocks[i] = TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 8, 0);
        assert_zeros(blocks[i], size);
        TEE_MemFill(blocks[i], (uint8_t)i, size);
    }
    for (size_t i = 0; i < 64; i++) {
        for (size_t k = 0; k < i * i * 4 + 1; k++)
            assert_int_equal(blocks[i][k], i);
        TEE_Free(blocks[i]);
    }
    blocks[0] = TEE_Malloc(10000, TEE_MALLOC_FILL_ZERO);
    assert_zeros(blocks[0], 10000);
    TEE_Free(blocks[0]);
}

static void test_freed_block_is_wiped(void **state)
{
    uint8_t *small = TEE_Malloc(100, 0);
    uint8_t *large = TEE_Malloc(50000, 0);

    (void)state;
    TEE_MemFill(small, 0xa5, 100);
    TEE_MemFill(large, 0xa5, 50000);
    TEE_Free(small);
    TEE_Free(large);
    assert_zeros(small, 100);
    assert_zeros(large, 50000);
}

static void test_hints(void **state)
{
    static const uint32_t good[] = {TEE_MALLOC_FILL_ZERO, TEE_MALLOC_NO_SHARE,
                                    TEE_MALLOC_NO_FILL | TEE_MALLOC_NO_SHARE,
                                    TEE_USER_MEM_HINT_NO_FILL_ZERO};

    (void)state;
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        void *block = TEE_Malloc(10, good[i]);

        assert_non_null(block);
        TEE_Free(block);
    }
    assert_null(TEE_Malloc(10, 4));
    assert_null(TEE_Malloc(10, 0x40000000));
    assert_panics_in(TEE_Malloc(10, TEE_MALLOC_NO_FILL), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MALLOC);
}

static void test_block_of_no_bytes(void **state)
{
    void *block = TEE_Malloc(0, 0);
    uint8_t *more;

    (void)state;
    assert_non_null(block);
    TEE_Free(block);
    TEE_Free(block);
    TEE_Free(NULL);
    assert_int_equal(mapped(), 0);
    more = TEE_Realloc(block, 20);
    assert_non_null(more);
    assert_zeros(more, 20);
    assert_ptr_equal(TEE_Realloc(more, 0), block);
    assert_panics_in(TEE_Free(more), TEE_ERROR_BAD_PARAMETERS, GP_CALL_FREE);
}

static void test_wrong_frees_are_panics(void **state)
{
    uint8_t *block;
    int mine;

    (void)state;
    assert_panics_in(TEE_Free(&mine), TEE_ERROR_BAD_PARAMETERS, GP_CALL_FREE);
    block = TEE_Malloc(100, 0);
    assert_panics_in(TEE_Free(&mine), TEE_ERROR_BAD_PARAMETERS, GP_CALL_FREE);
    assert_panics_in(TEE_Free(block + 16), TEE_ERROR_BAD_PARAMETERS, GP_CALL_FREE);
    assert_panics_in(TEE_Realloc(block + 16, 5), TEE_ERROR_BAD_PARAMETERS, GP_CALL_REALLOC);
    TEE_Free(block);
    assert_panics_in(TEE_Free(block), TEE_ERROR_BAD_PARAMETERS, GP_CALL_FREE);
    assert_panics_in(TEE_Realloc(block, 200), TEE_ERROR_BAD_PARAMETERS, GP_CALL_REALLOC);
}

static void test_realloc_keeps_and_zeroes(void **state)
{
    static const size_t sizes[] = {1, 104, 97, 104, 3000, 2999, 3000, 60000, 59990, 60000, 10, 200};
    uint8_t *block = TEE_Realloc(NULL, sizes[0]);

    (void)state;
    assert_non_null(block);
    assert_zeros(block, sizes[0]);
    TEE_MemFill(block, 0x77, sizes[0]);
    for (unsigned i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t before = sizes[i - 1];

        block = TEE_Realloc(block, sizes[i]);
        assert_non_null(block);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(block[k], k < before ? 0x77 : 0);
        TEE_MemFill(block, 0x77, sizes[i]);
    }
    assert_null(TEE_Realloc(block, gp_fixture.limits.heap));
    assert_int_equal(block[199], 0x77);
    TEE_Free(block);
}

static void test_heap_ends(void **state)
{
    void *block;
    unsigned count = 0;

    (void)state;
    assert_null(TEE_Malloc(gp_fixture.limits.heap, 0));
    assert_null(TEE_Malloc(SIZE_MAX, 0));
    while ((block = TEE_Malloc(10000, 0)) != NULL) {
        TEE_MemFill(block, 1, 10000);
        count++;
    }
    assert_in_range(count, 60, 105);
    assert_non_null(TEE_Malloc(0, 0));
}

static void open_large(size_t heap)
{
    fixture_options.heap = heap;
    assert_true(gp_fixture_end());
    gp_fixture_open(&fixture_options);
    fixture_options.heap = 0;
}

/* 8 MiB of blocks where secure memory has 2. */
static void test_heap_exceeds_secure_memory(void **state)
{
    enum { BLOCKS = 100, SIZE = 80000 };
    uint8_t *blocks[BLOCKS];

    (void)state;
    open_large(16 * MIB);
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = TEE_Malloc(SIZE, 0);
        assert_non_null(blocks[i]);
        TEE_MemFill(blocks[i], (uint8_t)i, SIZE);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned k = 0; k < SIZE; k += 1000)
            assert_int_equal(blocks[i][k], i);
        TEE_Free(blocks[i]);
    }
}

/* The heap is larger than all memory and swap: the swap has 16 MiB. */
static void test_block_is_refused_when_there_is_no_room_for_it(void **state)
{
    uint8_t *block;

    (void)state;
    open_large(64 * MIB);
    assert_null(TEE_Malloc(24 * MIB, 0));
    block = TEE_Malloc(9 * MIB, 0);
    assert_non_null(block);
    TEE_MemFill(block, 1, 9 * MIB);
    assert_null(TEE_Malloc(9 * MIB, 0));
    assert_null(TEE_Realloc(block, 24 * MIB));
    TEE_Free(block);
    block = TEE_Malloc(9 * MIB, 0);
    assert_non_null(block);
    assert_zeros(block, 9 * MIB);
}

static void test_bytes_are_moved_compared_and_filled(void **state)
{
    uint8_t a[100];
    uint8_t b[100];

    (void)state;
    TEE_MemFill(a, 0x31, 100);
    TEE_MemMove(b, a, 100);
    assert_int_equal(TEE_MemCompare(a, b, 100), 0);
    for (unsigned i = 0; i < 100; i++) {
        b[i]++;
        assert_true(TEE_MemCompare(a, b, 100) < 0);
        assert_true(TEE_MemCompare(b, a, 100) > 0);
        assert_int_equal(TEE_MemCompare(a, b, i), 0);
        b[99] = 0; /* what differs first is what counts */
        assert_true(i == 99 || TEE_MemCompare(a, b, 100) < 0);
        b[99] = b[i] = 0x31;
    }
    a[0] = 0xff;
    b[0] = 0;
    assert_true(TEE_MemCompare(a, b, 1) > 0);
    for (uint8_t i = 0; i < 100; i++)
        a[i] = i;
    TEE_MemMove(a + 1, a, 99);
    assert_int_equal(a[99], 98);
    assert_int_equal(a[1], 0);
    TEE_MemMove(a, a + 1, 99);
    assert_int_equal(a[98], 98);

    TEE_MemMove(NULL, NULL, 0);
    TEE_MemFill(NULL, 1, 0);
    assert_int_equal(TEE_MemCompare(NULL, NULL, 0), 0);
    assert_panics_in(TEE_MemMove(NULL, a, 1), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MEM_MOVE);
    assert_panics_in(TEE_MemMove(a, NULL, 1), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MEM_MOVE);
    assert_panics_in(TEE_MemFill(NULL, 0, 1), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MEM_FILL);
    assert_panics_in(TEE_MemCompare(a, NULL, 1), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MEM_COMPARE);
    assert_panics_in(TEE_MemCompare(NULL, a, 1), TEE_ERROR_BAD_PARAMETERS, GP_CALL_MEM_COMPARE);
}

static void test_instance_data_is_the_instances(void **state)
{
    static const int mine = 1;
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_uuid);

    (void)state;
    assert_null(TEE_GetInstanceData());
    TEE_SetInstanceData(&mine);
    gp_fixture.current = other;
    assert_null(TEE_GetInstanceData());
    gp_fixture.current = gp_fixture.instance;
    assert_ptr_equal(TEE_GetInstanceData(), &mine);
    gp_instance_close(other);
}

/* --- Rights ------------------------------------------------------------------------------ */

enum {
    READ = TEE_MEMORY_ACCESS_READ,
    WRITE = TEE_MEMORY_ACCESS_WRITE,
    ANY = TEE_MEMORY_ACCESS_ANY_OWNER,
    BOTH = READ | WRITE,
};

#define assert_allowed(flags, buffer, size)                                                        \
    assert_success(TEE_CheckMemoryAccessRights((flags), (buffer), (size)))
#define assert_denied(flags, buffer, size)                                                         \
    assert_result(TEE_CheckMemoryAccessRights((flags), (buffer), (size)), TEE_ERROR_ACCESS_DENIED)

static void test_rights_to_ones_own_memory(void **state)
{
    uint8_t *block = TEE_Malloc(96, 0);
    uint8_t mine[10];

    (void)state;
    assert_allowed(BOTH, mine, sizeof(mine));
    assert_allowed(BOTH, block, 96);
    assert_allowed(READ, block + 95, 1);
    assert_denied(READ, block, 4096 * 2);
    assert_allowed(BOTH, NULL, 0);
    assert_denied(READ, NULL, 1);
    assert_denied(READ, mine, SIZE_MAX);
    assert_denied(READ | 0x40, mine, 1);
    assert_allowed(READ | (uint32_t)TEE_MEMORY_ACCESS_SECURE, mine, 1);
    assert_denied(READ | (uint32_t)TEE_MEMORY_ACCESS_NONSECURE, mine, 1);
    TEE_Free(block);
    assert_denied(READ, block, 1);
}

static void test_no_rights_to_others_memory(void **state)
{
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_other_uuid);
    uint8_t *theirs;
    void *frames;

    (void)state;
    gp_fixture.current = other;
    theirs = TEE_Malloc(100, 0);
    assert_allowed(BOTH, theirs, 100);
    gp_fixture.current = gp_fixture.instance;
    assert_denied(READ, theirs, 100);
    assert_denied(READ | ANY, theirs, 1);
    assert_denied(READ, gp_fixture.instance, 1);
    assert_denied(READ, gp_fixture.stores[0].region.bytes + 5000, 1);
    assert_denied(READ, gp_fixture.stores[1].region.bytes, 1);
    /* Also where it only begins outside. */
    frames = gp_fixture.stores[0].region.bytes;
    assert_denied(READ, (uint8_t *)frames - 1, 2);
    gp_instance_close(other);
}

static void test_rights_to_shared_memory(void **state)
{
    static uint8_t buffers[3][100];

    (void)state;
    gp_fixture.instance->shared[0] = (struct gp_shared){buffers[0], 100, .writable = true};
    gp_fixture.instance->shared[3] = (struct gp_shared){buffers[1], 100, .writable = false};
    for (unsigned i = 0; i < 2; i++) {
        assert_denied(READ, buffers[i], 100);
        assert_denied(READ, buffers[i] + 99, 1);
        assert_allowed(READ | ANY, buffers[i], 100);
        assert_denied(READ | ANY | (uint32_t)TEE_MEMORY_ACCESS_SECURE, buffers[i], 100);
        assert_allowed(READ | ANY | (uint32_t)TEE_MEMORY_ACCESS_NONSECURE, buffers[i], 100);
    }
    assert_allowed(WRITE | ANY, buffers[0], 100);
    assert_denied(WRITE | ANY, buffers[1], 100);
    assert_denied(READ | ANY, buffers[1], 101);
    assert_allowed(BOTH, buffers[2], 100);
    /* The same buffer twice: what one of them allows. */
    gp_fixture.instance->shared[1] = (struct gp_shared){buffers[1], 100, .writable = true};
    assert_allowed(WRITE | ANY, buffers[1], 100);
}

static const uint8_t forbidden[4];

static bool reaches(const void *address, size_t size, bool write)
{
    return address != forbidden || (!write && size <= sizeof(forbidden));
}

static void test_machine_is_asked_for_other_memory(void **state)
{
    uint8_t mine[4];

    (void)state;
    gp_fixture.tee.reaches = reaches;
    assert_allowed(BOTH, mine, 4);
    assert_allowed(READ, (void *)(uintptr_t)forbidden, 4);
    assert_denied(WRITE, (void *)(uintptr_t)forbidden, 4);
    assert_denied(READ, (void *)(uintptr_t)forbidden, 5);
}

static void test_names_of_1_1(void **state)
{
    uint8_t *block = __GP11_TEE_Malloc(100, 0);

    (void)state;
    assert_non_null(block);
    assert_success(__GP11_TEE_CheckMemoryAccessRights(READ, block, 100));
    block = __GP11_TEE_Realloc(block, 2000);
    assert_zeros(block, 2000);
    TEE_Free(block);
    assert_result(__GP11_TEE_CheckMemoryAccessRights(READ, block, 100), TEE_ERROR_ACCESS_DENIED);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_blocks_are_zero_and_apart),
    gp_test(test_freed_block_is_wiped),
    gp_test(test_hints),
    gp_test(test_block_of_no_bytes),
    gp_test(test_wrong_frees_are_panics),
    gp_test(test_realloc_keeps_and_zeroes),
    gp_test(test_heap_ends),
    gp_test(test_heap_exceeds_secure_memory),
    gp_test(test_block_is_refused_when_there_is_no_room_for_it),
    gp_test(test_bytes_are_moved_compared_and_filled),
    gp_test(test_instance_data_is_the_instances),
    gp_test(test_rights_to_ones_own_memory),
    gp_test(test_no_rights_to_others_memory),
    gp_test(test_rights_to_shared_memory),
    gp_test(test_machine_is_asked_for_other_memory),
    gp_test(test_names_of_1_1),
};

run_in_every_profile(tests)
