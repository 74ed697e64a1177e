/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a TA (4.11). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define MALLOC_RULE  .function = "TEE_Malloc", .clause = "4.11.4", .call = GP_CALL_MALLOC
#define REALLOC_RULE .function = "TEE_Realloc", .clause = "4.11.5", .call = GP_CALL_REALLOC
#define FREE_RULE    .function = "TEE_Free", .clause = "4.11.6", .call = GP_CALL_FREE
#define RIGHTS_RULE  .function = "TEE_CheckMemoryAccessRights", .clause = "4.11.1"

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* --- Blocks ------------------------------------------------------------------------------ */

static void is_zeroed(const struct rule *rule)
{
    static const size_t sizes[] = {1, 8, 100, 4096, 20000};

    (void)rule;
    for (unsigned turn = 0; turn < 3; turn++) { /* the second time over what was freed */
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint8_t *block = TEE_Malloc(sizes[i], TEE_MALLOC_FILL_ZERO);

            if (!expect(block != NULL))
                return;
            expect(is_zero(block, sizes[i]));
            expect((uintptr_t)block % 8 == 0);
            memset(block, 0xa5, sizes[i]);
            TEE_Free(block);
        }
    }
}

static void are_apart(const struct rule *rule)
{
    enum { BLOCKS = 64 };
    uint8_t *blocks[BLOCKS];

    (void)rule;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = TEE_Malloc(40 + i, TEE_MALLOC_FILL_ZERO);
        if (!expect(blocks[i] != NULL))
            return;
        memset(blocks[i], (int)i, 40 + i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned at = 0; at < 40 + i; at++)
            expect(blocks[i][at] == i);
        TEE_Free(blocks[i]);
    }
}

static void of_no_bytes(const struct rule *rule)
{
    void *block = TEE_Malloc(0, TEE_MALLOC_FILL_ZERO);

    (void)rule;
    expect(block != NULL);
    TEE_Free(block);
}

static void with_a_hint(const struct rule *rule)
{
    void *block = TEE_Malloc(100, rule->a);

    expect(block != NULL);
    TEE_Free(block);
}

static void with_no_fill_alone(const struct rule *rule)
{
    (void)rule;
    (void)TEE_Malloc(100, TEE_MALLOC_NO_FILL);
}

static void with_an_unknown_hint(const struct rule *rule)
{
    expect(TEE_Malloc(100, rule->a) == NULL);
}

static void more_than_there_is(const struct rule *rule)
{
    static const size_t sizes[] = {(size_t)1 << 30, SIZE_MAX, SIZE_MAX - 4096};
    uint8_t *block;

    (void)rule;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        expect(TEE_Malloc(sizes[i], TEE_MALLOC_FILL_ZERO) == NULL);
    block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);
    expect(block != NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        expect(TEE_Realloc(block, sizes[i]) == NULL);
    memset(block, 1, 100); /* it is as it was */
    TEE_Free(block);
}

static void all_there_is(const struct rule *rule)
{
    void *blocks[1000];
    unsigned count = 0;

    (void)rule;
    while (count < 1000) {
        blocks[count] = TEE_Malloc(1000, TEE_MALLOC_FILL_ZERO);
        if (blocks[count] == NULL)
            break;
        memset(blocks[count], 1, 1000);
        count++;
    }
    expect(count > 100 && count < 1000);
    for (unsigned i = 0; i < count; i++)
        TEE_Free(blocks[i]);
    blocks[0] = TEE_Malloc(100000, TEE_MALLOC_FILL_ZERO);
    expect(blocks[0] != NULL);
}

static void keeps_what_it_has(const struct rule *rule)
{
    static const size_t sizes[] = {10, 16, 9, 16, 100, 97, 100, 5000, 50000, 70, 3, 4000, 1};
    size_t had = 1;
    uint8_t *block = TEE_Malloc(1, TEE_MALLOC_FILL_ZERO);

    (void)rule;
    block[0] = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t kept = sizes[i] < had ? sizes[i] : had;

        block = TEE_Realloc(block, sizes[i]);
        if (!expect(block != NULL))
            return;
        for (size_t at = 0; at < kept; at++)
            expect(block[at] == (uint8_t)at);
        expect(is_zero(block + kept, sizes[i] - kept)); /* what it gains */
        for (size_t at = 0; at < sizes[i]; at++)
            block[at] = (uint8_t)at;
        had = sizes[i];
    }
    TEE_Free(block);
}

static void of_null_is_malloc(const struct rule *rule)
{
    uint8_t *block = TEE_Realloc(NULL, 100);

    (void)rule;
    if (expect(block != NULL))
        expect(is_zero(block, 100));
    TEE_Free(block);
}

static void to_nothing_is_free(const struct rule *rule)
{
    void *block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);

    (void)rule;
    TEE_Free(TEE_Realloc(block, 0));
    TEE_Free(block);
}

static void free_null(const struct rule *rule)
{
    (void)rule;
    TEE_Free(NULL);
}

static void free_twice(const struct rule *rule)
{
    void *block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);

    (void)rule;
    TEE_Free(block);
    TEE_Free(block);
}

static void free_the_middle(const struct rule *rule)
{
    uint8_t *block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);

    (void)rule;
    TEE_Free(block + 16);
}

static void free_no_block(const struct rule *rule)
{
    static int something;

    (void)rule;
    TEE_Free(&something);
}

static void realloc_no_block(const struct rule *rule)
{
    static int something;

    (void)rule;
    (void)TEE_Realloc(&something, 8);
}

static void malloc_in_twin(void *argument)
{
    *(void **)argument = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);
}

static void free_anothers(const struct rule *rule)
{
    void *block = NULL;

    (void)rule;
    (void)run_in(world.twin, malloc_in_twin, &block);
    TEE_Free(block);
}

/* --- Bytes ------------------------------------------------------------------------------- */

static void moves_over_itself(const struct rule *rule)
{
    char bytes[] = "0123456789";

    (void)rule;
    TEE_MemMove(bytes + 2, bytes, 5);
    expect(memcmp(bytes, "0101234789", 10) == 0);
    TEE_MemMove(bytes, bytes + 2, 5);
    expect(memcmp(bytes, "0123434789", 10) == 0);
    TEE_MemMove(bytes, bytes + 1, 0);
    TEE_MemMove(NULL, NULL, 0);
    expect(memcmp(bytes, "0123434789", 10) == 0);
}

static void compares_as_bytes(const struct rule *rule)
{
    static const uint8_t low[] = {1, 2, 3, 200};
    static const uint8_t high[] = {1, 2, 200, 3};

    (void)rule;
    expect(TEE_MemCompare(low, high, 4) < 0);
    expect(TEE_MemCompare(high, low, 4) > 0);
    expect(TEE_MemCompare(low, high, 2) == 0);
    expect(TEE_MemCompare(low, low, 4) == 0);
    expect(TEE_MemCompare(NULL, NULL, 0) == 0);
}

static void fills_no_more(const struct rule *rule)
{
    uint8_t bytes[8] = {0};

    (void)rule;
    TEE_MemFill(bytes + 2, 0xee, 4);
    TEE_MemFill(bytes, 0xdd, 0);
    expect(memcmp(bytes, "\0\0\xee\xee\xee\xee\0\0", 8) == 0);
}

static void move_from_nothing(const struct rule *rule)
{
    char byte;

    (void)rule;
    TEE_MemMove(&byte, NULL, 1);
}

static void move_to_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_MemMove(NULL, "x", 1);
}

static void compare_nothing(const struct rule *rule)
{
    (void)rule;
    (void)TEE_MemCompare("x", NULL, 1);
}

static void fill_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_MemFill(NULL, 0, 1);
}

/* --- Rights ------------------------------------------------------------------------------ */

static const char constant[64] = "constant";

static void rights_to_its_own(const struct rule *rule)
{
    const uint32_t both = TEE_MEMORY_ACCESS_READ | TEE_MEMORY_ACCESS_WRITE;
    uint8_t *block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);
    char local[8] = {0};

    (void)rule;
    expect_success(TEE_CheckMemoryAccessRights(both, block, 100));
    expect_success(TEE_CheckMemoryAccessRights(both, block + 50, 50));
    expect_success(TEE_CheckMemoryAccessRights(both, local, sizeof(local)));
    expect_success(TEE_CheckMemoryAccessRights(both | TEE_MEMORY_ACCESS_ANY_OWNER, block, 100));
    expect_success(
        TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, (void *)(uintptr_t)constant, 8));
    expect_success(TEE_CheckMemoryAccessRights(both, NULL, 0));
    TEE_Free(block);
}

static void rights_to_what_isnt(const struct rule *rule)
{
    const uint32_t both = TEE_MEMORY_ACCESS_READ | TEE_MEMORY_ACCESS_WRITE;
    uint8_t *block = TEE_Malloc(100, TEE_MALLOC_FILL_ZERO);
    void *anothers = NULL;

    (void)rule;
    (void)run_in(world.twin, malloc_in_twin, &anothers);
    expect_result(TEE_CheckMemoryAccessRights(both, block, 100000), TEE_ERROR_ACCESS_DENIED);
    expect_result(TEE_CheckMemoryAccessRights(both, block, SIZE_MAX), TEE_ERROR_ACCESS_DENIED);
    expect_result(TEE_CheckMemoryAccessRights(both, anothers, 8), TEE_ERROR_ACCESS_DENIED);
    expect_result(TEE_CheckMemoryAccessRights(both, NULL, 1), TEE_ERROR_ACCESS_DENIED);
    TEE_Free(block);
    expect_result(TEE_CheckMemoryAccessRights(both, block, 100), TEE_ERROR_ACCESS_DENIED);
}

/* --- Instance data ----------------------------------------------------------------------- */

static void look_at_no_data(void *argument)
{
    (void)argument;
    expect(TEE_GetInstanceData() == NULL);
}

static void keeps_data(const struct rule *rule)
{
    static int something;

    (void)rule;
    expect(TEE_GetInstanceData() == NULL);
    TEE_SetInstanceData(&something);
    expect(TEE_GetInstanceData() == &something);
    (void)run_in(world.twin, look_at_no_data, NULL);
    TEE_SetInstanceData(NULL);
    expect(TEE_GetInstanceData() == NULL);
}

/* A stream into and out of the heap, whose pages come and go. */
static void streams_use_the_heap(const struct rule *rule)
{
    const size_t size = 150000;
    uint8_t *block = TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);
    TEE_ObjectHandle object;
    size_t count = 0;

    (void)rule;
    if (!expect(block != NULL))
        return;
    for (size_t i = 0; i < size; i++)
        block[i] = (uint8_t)(i * 3 + i / 300);
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ | WRITE,
                                              TEE_HANDLE_NULL, block, size, &object));
    expect_success(TEE_WriteObjectData(object, block, 1000));
    TEE_MemFill(block, 0, size);
    expect_success(TEE_SeekObjectData(object, 0, TEE_DATA_SEEK_SET));
    expect_success(TEE_ReadObjectData(object, block, size, &count));
    expect_equal(count, size);
    for (size_t i = 0; i < size; i++) {
        if (block[i] != (uint8_t)(i * 3 + i / 300)) {
            note("byte %zu differs", i);
            break;
        }
    }
    TEE_Free(block);
}

#define PANIC(number) .panic = TEE_ERROR_BAD_PARAMETERS, .call = (number)

static const struct rule rules[] = {
    {MALLOC_RULE, .text = "a block is zeros, whatever was there", .body = is_zeroed},
    {MALLOC_RULE, .text = "blocks are apart", .body = are_apart},
    {MALLOC_RULE, .text = "a block of no bytes isn't NULL", .body = of_no_bytes},
    {MALLOC_RULE, .text = "hint NO_SHARE", .body = with_a_hint, .a = TEE_MALLOC_NO_SHARE},
    {MALLOC_RULE, .text = "hint NO_FILL with NO_SHARE", .body = with_a_hint,
     .a = TEE_MALLOC_NO_SHARE | TEE_MALLOC_NO_FILL},
    {MALLOC_RULE, .text = "hint NO_FILL alone is a panic", .body = with_no_fill_alone,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {MALLOC_RULE, .text = "an unknown hint gives NULL", .body = with_an_unknown_hint, .a = 0x100},
    {MALLOC_RULE, .text = "more than there is gives NULL", .body = more_than_there_is},
    {MALLOC_RULE, .text = "all there is, and again", .body = all_there_is},
    {MALLOC_RULE, .text = "streams go to and from the heap", .body = streams_use_the_heap},
    {REALLOC_RULE, .text = "keeps what it has and gains zeros", .body = keeps_what_it_has},
    {REALLOC_RULE, .text = "NULL is TEE_Malloc", .body = of_null_is_malloc},
    {.function = "TEE_Realloc",
     .clause = "4.11.5",
     .text = "to no bytes is TEE_Free",
     .body = to_nothing_is_free,
     PANIC(GP_CALL_FREE)},
    {REALLOC_RULE, .text = "what isn't a block is a panic", .body = realloc_no_block,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {FREE_RULE, .text = "NULL is nothing", .body = free_null},
    {FREE_RULE, .text = "twice is a panic", .body = free_twice, .panic = TEE_ERROR_BAD_PARAMETERS},
    {FREE_RULE, .text = "the middle of a block is a panic", .body = free_the_middle,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {FREE_RULE, .text = "what isn't in the heap is a panic", .body = free_no_block,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {FREE_RULE, .text = "another instance's block is a panic", .body = free_anothers,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {.function = "TEE_MemMove",
     .clause = "4.11.7",
     .text = "source and destination may overlap",
     .body = moves_over_itself},
    {.function = "TEE_MemMove",
     .clause = "4.11.7",
     .text = "no source is a panic",
     .body = move_from_nothing,
     PANIC(GP_CALL_MEM_MOVE)},
    {.function = "TEE_MemMove",
     .clause = "4.11.7",
     .text = "no destination is a panic",
     .body = move_to_nothing,
     PANIC(GP_CALL_MEM_MOVE)},
    {.function = "TEE_MemCompare",
     .clause = "4.11.8",
     .text = "the first byte that differs counts",
     .body = compares_as_bytes},
    {.function = "TEE_MemCompare",
     .clause = "4.11.8",
     .text = "no buffer is a panic",
     .body = compare_nothing,
     PANIC(GP_CALL_MEM_COMPARE)},
    {.function = "TEE_MemFill",
     .clause = "4.11.9",
     .text = "just these bytes",
     .body = fills_no_more},
    {.function = "TEE_MemFill",
     .clause = "4.11.9",
     .text = "no buffer is a panic",
     .body = fill_nothing,
     PANIC(GP_CALL_MEM_FILL)},
    {RIGHTS_RULE, .text = "what is the TA's own", .body = rights_to_its_own},
    {RIGHTS_RULE, .text = "what isn't there, or another's, is denied", .body = rights_to_what_isnt},
    {.function = "TEE_SetInstanceData",
     .clause = "4.11.2",
     .text = "each instance has its own",
     .body = keeps_data},
};

void add_memory(void)
{
    add_rules(rules);
}
