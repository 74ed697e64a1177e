/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sequence of calls on one pool, as the input says: right ones and wrong ones. Blocks keep what
 * was put into them, never overlap, are as aligned as they were asked to be; wrong frees are
 * refused; at the end every frame is back.
 *
 *   byte 0   what the pool is like (see open_pool)
 *   then, for each call, 4 bytes: the call, which block, and a number (little endian)
 */
#include <stdlib.h>
#include <string.h>

#include "coffer/memory.h"
#include "support/must.h"
#include "target.h"

#define MEMORY_SIZE (512u * 1024)  /* small blocks come from patches */
#define MEMORY_LONG (4096u * 1024) /* from spans */
#define REGION_SIZE (96u * 1024)
#define LITTLE_SIZE 4000u
#define BLOCKS      64u

struct block {
    uint8_t *bytes;
    size_t size;
    size_t alignment;
    uint8_t fill;
};

struct run {
    struct coffer_memory *memory;
    struct coffer_pool *pool;
    uint8_t *memory_bytes;
    uint8_t *region;
    struct block blocks[BLOCKS];
    uint64_t wrong_frees;
    struct coffer_owner owner;
    bool zero;
};

static size_t memory_size(uint8_t like)
{
    return (like & 128) != 0 ? MEMORY_LONG : MEMORY_SIZE;
}

/* Bits of the first byte: 1 a region, 2 little (in a region), 4 zero, 8 poison, 16 quarantine,
 * 32 guards, 64 expanding, 128 a large memory. */
static bool open_pool(struct run *run, uint8_t like)
{
    struct coffer_area area = {run->memory_bytes, memory_size(like)};
    const struct coffer_memory_config config = {.areas = &area, .area_count = 1};
    struct coffer_pool_settings settings = {
        .policy = (like & 2) != 0 ? COFFER_POOL_LITTLE : COFFER_POOL_FAST,
        .zero = (like & 4) != 0,
        .poison = (like & 8) != 0,
        .quarantine = (like & 16) != 0 ? 7 : 0,
        .guards = (like & 32) != 0,
        .expand = (like & 64) != 0,
    };

    must(coffer_memory_open(&config, &run->memory) == COFFER_OK);
    must(coffer_owner_open(run->memory, "fuzz", &run->owner) == COFFER_OK);
    settings.owner = run->owner;
    if ((like & 3) != 0) {
        settings.region = run->region + (like >> 5);
        settings.region_size = (like & 2) != 0 ? LITTLE_SIZE : REGION_SIZE;
    }
    run->zero = settings.zero;
    return coffer_pool_open(run->memory, &settings, &run->pool) == COFFER_OK;
}

static void check(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i++)
        must(block->bytes[i] == block->fill);
}

static void take(struct run *run, struct block *block, void *bytes, size_t size, size_t alignment,
                 uint8_t fill)
{
    block->bytes = bytes;
    block->size = size;
    block->alignment = alignment;
    must((uintptr_t)bytes % alignment == 0);
    must(coffer_pool_usable_size(run->pool, bytes) >= size);
    block->fill = fill;
    memset(bytes, fill, size);
}

static void alloc(struct run *run, struct block *block, size_t size, size_t alignment, uint8_t fill)
{
    size_t natural = size % COFFER_POOL_ALIGNMENT == 0 ? COFFER_POOL_ALIGNMENT
                                                       : COFFER_POOL_ALIGNMENT_LEAST;
    void *bytes;
    enum coffer_status status;

    if (block->bytes != NULL)
        return;
    status = alignment == 0 ? coffer_pool_alloc(run->pool, size, &bytes)
                            : coffer_pool_alloc_aligned(run->pool, size, alignment, &bytes);
    must(status == COFFER_OK || status == COFFER_NO_MEMORY ||
         (status == COFFER_MISUSE && size == 0));
    if (status != COFFER_OK)
        return;
    for (size_t i = 0; run->zero && i < size; i++)
        must(((uint8_t *)bytes)[i] == 0);
    take(run, block, bytes, size, alignment > natural ? alignment : natural, fill);
}

static void give(struct run *run, struct block *block)
{
    if (block->bytes == NULL)
        return;
    check(block, block->size);
    must(coffer_pool_free(run->pool, block->bytes) == COFFER_OK);
    must(coffer_pool_free(run->pool, block->bytes) == COFFER_MISUSE);
    run->wrong_frees++;
    block->bytes = NULL;
}

static void resize(struct run *run, struct block *block, size_t size, uint8_t fill)
{
    void *bytes;
    enum coffer_status status;

    if (block->bytes == NULL)
        return;
    status = coffer_pool_realloc(run->pool, block->bytes, size, &bytes);
    must(status == COFFER_OK || status == COFFER_NO_MEMORY ||
         (status == COFFER_MISUSE && size == 0));
    if (status != COFFER_OK) {
        check(block, block->size);
        return;
    }
    block->bytes = bytes;
    check(block, size < block->size ? size : block->size);
    take(run, block, bytes, size, block->alignment, fill);
}

static void give_wrongly(struct run *run, const struct block *block, size_t number)
{
    uint8_t *wrong = block->bytes != NULL ? block->bytes + 1 + number % block->size
                                          : run->region + number;

    /* The byte behind a block may be the first of another. */
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (wrong == run->blocks[i].bytes)
            return;
    }
    must(coffer_pool_free(run->pool, wrong) == COFFER_MISUSE);
    run->wrong_frees++;
}

static void call(struct run *run, const uint8_t *input)
{
    struct block *block = &run->blocks[input[1] % BLOCKS];
    size_t number = (size_t)input[2] | (size_t)input[3] << 8;

    switch (input[0] % 8) {
    case 0:
    case 1:
        alloc(run, block, number % 2048, 0, input[3]);
        break;
    case 2:
        alloc(run, block, number, 0, input[2]);
        break;
    case 3:
        alloc(run, block, number % 5000, (size_t)16 << (input[3] % 9), input[2]);
        break;
    case 4:
        give(run, block);
        break;
    case 5:
        resize(run, block, number, input[2]);
        break;
    case 6:
        give_wrongly(run, block, number);
        break;
    default:
        must(coffer_pool_check(run->pool, NULL));
        (void)coffer_pool_shrink(run->pool);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.memory_bytes = must_alloc(memory_size(size > 0 ? data[0] : 0)),
                      .region = must_alloc(REGION_SIZE + 70000)};
    struct coffer_pool_statistics statistics;

    if (size > 0 && open_pool(&run, data[0])) {
        for (size_t at = 1; at + 4 <= size; at += 4)
            call(&run, data + at);
        must(coffer_pool_check(run.pool, NULL));
        for (unsigned i = 0; i < BLOCKS; i++)
            give(&run, &run.blocks[i]);
        coffer_pool_statistics(run.pool, &statistics);
        must(statistics.blocks == 0 && statistics.used == 0);
        must(statistics.wrong_frees == run.wrong_frees);
        must(statistics.poisoned == 0);
        coffer_pool_close(run.pool);
    }
    if (run.memory != NULL)
        must(coffer_owner_close(run.memory, run.owner) == COFFER_OK); /* holds no frame */
    coffer_memory_close(run.memory);
    free(run.memory_bytes);
    free(run.region);
    return 0;
}
