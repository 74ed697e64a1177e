/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools, boxes and frames, in memory that was touched before: what the kernel takes for a page that
 * is new is no part of the figures.
 *
 * Options: unthreaded (no port, hence no locks and no caches of threads), zero, poison, quarantine
 * (of 1,024 blocks), random, guards (all of pools), wiped (frames are wiped when they are given),
 * cached (32 frames for each thread), full (no more boxes than are in use).
 */
#include <string.h>

#include "coffer/linux.h"

#include "memory/allocator.h"

#define SPARE_SIZE     ((size_t)16 * 1024 * 1024)
#define FRAMES_SIZE    ((size_t)256 * 1024 * 1024)
#define QUARANTINE     1024
#define FRAME_CACHE    32
#define SPARE_BOXES(n) ((n) / 5)

#if defined(ALLOCATOR_POOL)
struct coffer_pool *allocator_pool;
static struct coffer_memory *allocator_memory; /* NULL: the pool has a region */
static struct coffer_area region;
#elif defined(ALLOCATOR_BOXES)
struct coffer_boxes *allocator_boxes;
static struct coffer_memory *allocator_memory;
#else
struct coffer_memory *allocator_memory;
#endif

static void must(enum coffer_status status, const char *what)
{
    if (status != COFFER_OK)
        child_fail(what);
}

static bool has(const struct setup *setup, const char *word)
{
    size_t size = strlen(word);
    const char *at = setup->options;

    while (at != NULL && *at != '\0') {
        size_t n = strcspn(at, ",");

        if (n == size && strncmp(at, word, n) == 0)
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

static void open_memory(const struct setup *setup, size_t size)
{
    struct coffer_area area = {.address = child_map(size), .size = size};
    struct coffer_memory_config config = {
        .areas = &area,
        .area_count = 1,
        .port = has(setup, "unthreaded") ? NULL : coffer_linux_port(),
        .keep_contents = !has(setup, "wiped"),
        .frame_cache = has(setup, "cached") ? FRAME_CACHE : 0,
    };

    must(coffer_memory_open(&config, &allocator_memory), "the memory didn't open");
}

#if defined(ALLOCATOR_POOL)

void allocator_open(const struct setup *setup)
{
    struct coffer_pool_settings settings = {
        .name = "bench",
        .policy = COFFER_POOL_FAST,
        .zero = has(setup, "zero"),
        .poison = has(setup, "poison"),
        .quarantine = has(setup, "quarantine") ? QUARANTINE : 0,
        .random = has(setup, "random"),
        .guards = has(setup, "guards"),
    };
    size_t live = setup->block_count * setup->block_size;

    if (setup->region_size > 0) {
        region = (struct coffer_area){child_map(setup->region_size), setup->region_size};
        settings.region = region.address;
        settings.region_size = region.size;
    } else {
        open_memory(setup, 2 * live + SPARE_SIZE);
    }
    must(coffer_pool_open(allocator_memory, &settings, &allocator_pool), "the pool didn't open");
}

void allocator_close(void)
{
    struct coffer_pool_statistics statistics;
    const char *problem = "";

    coffer_pool_statistics(allocator_pool, &statistics);
    if (statistics.blocks != 0 || statistics.wrong_frees != 0)
        child_fail("the pool's account is wrong at the end");
    if (!coffer_pool_check(allocator_pool, &problem))
        child_fail(problem);
    coffer_pool_close(allocator_pool);
    coffer_memory_close(allocator_memory);
    if (region.size > 0)
        child_unmap(region.address, region.size);
}

#elif defined(ALLOCATOR_BOXES)

void allocator_open(const struct setup *setup)
{
    size_t spare = has(setup, "full") ? 1 : SPARE_BOXES(setup->block_count);
    struct coffer_boxes_settings settings = {
        .name = "bench",
        .box_size = setup->block_size,
        .count = setup->block_count + spare,
    };

    open_memory(setup, 2 * settings.count * settings.box_size + SPARE_SIZE);
    must(coffer_boxes_open(allocator_memory, &settings, &allocator_boxes), "no boxes");
}

void allocator_close(void)
{
    struct coffer_boxes_statistics statistics;

    coffer_boxes_statistics(allocator_boxes, &statistics);
    if (statistics.used != 0 || statistics.wrong_frees != 0)
        child_fail("the boxes' account is wrong at the end");
    coffer_boxes_close(allocator_boxes);
    coffer_memory_close(allocator_memory);
}

#else

static uint64_t used_at_first;

static uint64_t frames_used(void)
{
    struct coffer_memory_statistics statistics;

    coffer_memory_statistics(allocator_memory, &statistics);
    return statistics.used;
}

void allocator_open(const struct setup *setup)
{
    open_memory(setup, FRAMES_SIZE);
    used_at_first = frames_used();
}

void allocator_close(void)
{
    if (frames_used() != used_at_first)
        child_fail("the frames' account is wrong at the end");
    coffer_memory_close(allocator_memory);
}

#endif
