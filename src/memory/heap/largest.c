/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The largest block that can be allocated for sure. An allocation that finds nothing takes back
 * what lies in quarantine, so that counts as free here, without being touched.
 */
#include "memory/heap/areas.h"
#include "memory/heap/careful.h"
#include "memory/heap/patches.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Whole frames that can be had of the region for sure: its largest free block, or half of it when
 * there is nothing else that what is taken first may come from (a bin's and a part's descriptor, an
 * area's tags). What lies beside the block isn't counted. */
static size_t largest_run(struct coffer_pool *pool)
{
    const uint64_t first = 4;
    struct frames_statistics statistics;
    uint64_t block;
    unsigned order = FRAMES_ORDER_COUNT;

    if (pool->settings.region == NULL)
        return 0;
    statistics = frames_statistics(pool->home->frames);
    while (order > 0 && statistics.free_blocks[order - 1] == 0)
        order--;
    if (order == 0)
        return 0;
    block = (uint64_t)1 << (order - 1);
    if (statistics.free - block < first)
        block = block / 2 < first ? 0 : block / 2;
    if (pool->settings.guards)
        block = block < 2 ? 0 : block - 2;
    return (size_t)block * FRAME_SIZE;
}

/* Neighbouring blocks that are free or in quarantine. */
struct row {
    struct coffer_pool *pool;
    const uint8_t *end; /* of the row */
    size_t length;      /* of the row */
    size_t longest;     /* that can be had of any */
    size_t (*sure)(struct coffer_pool *pool, const uint8_t *end, size_t length);
};

static bool add_to_row(void *context, const void *block, size_t size, bool used)
{
    struct row *row = context;
    size_t sure;

    if (used && !quarantine_has(row->pool->quarantine, block))
        return true;
    row->length = block == row->end ? row->length + size : size;
    row->end = (const uint8_t *)block + size;
    sure = row->sure(row->pool, row->end, row->length);
    row->longest = larger(row->longest, sure);
    return true;
}

static size_t sure_of_little(struct coffer_pool *pool, const uint8_t *end, size_t length)
{
    (void)pool;
    (void)end;
    return length;
}

/* A patch or an area in which nothing is left goes home, and the block may be made of its frames.
 * Room for guards is taken off in any case. */
static size_t sure_of_part(struct coffer_pool *pool, const uint8_t *end, size_t length)
{
    const struct part *part = pool_part(pool, end - length);
    size_t guards = pool->settings.guards ? 2 : 0;
    size_t most;

    if (part == NULL)
        return 0;
    most = kind_load(part) == PART_AREA ? part->area.frame_count : part->patch.frame_count;
    most = most > guards ? (most - guards) * FRAME_SIZE : 0;
    return length < most ? length : most;
}

/* Where its list begins with another block, a block serves what its class begins with. */
static size_t sure_of_area(struct coffer_pool *pool, const uint8_t *end, size_t length)
{
    unsigned shift = bits_log2_down(length / EXTENTS_SIZE_MIN);
    size_t sure = (length >> shift) / EXTENTS_GRANULE * EXTENTS_GRANULE << shift;
    size_t most = sure_of_part(pool, end, length);

    most = most < AREA_BLOCK_MAX ? most : AREA_BLOCK_MAX;
    return sure < most ? sure : most;
}

/* As if the quarantine were empty. */
static size_t little_largest_of(struct coffer_pool *pool, const struct little *little,
                                size_t (*sure)(struct coffer_pool *pool, const uint8_t *end,
                                               size_t length))
{
    struct row row = {.pool = pool, .sure = sure};
    const struct blocks_visitor visitor = {add_to_row, &row};

    if (pool->quarantine == NULL)
        return little_largest(little);
    (void)little_walk(little, &visitor);
    return row.longest;
}

/* Of spans: in a magazine the calling thread works in. */
static size_t spans_largest(struct coffer_pool *pool)
{
    struct parts_cursor cursor = {.source = 0};
    unsigned number = magazine_own_number(pool);
    struct part *part;
    size_t largest = 0;

    while ((part = parts_next(pool, &cursor)) != NULL) {
        size_t size = PART_SEEN(part, size);

        if (part_is_span(part) && size > largest && (pool->spare || part_number(part) == number) &&
            span_free_count(part) > 0)
            largest = size;
    }
    return largest;
}

/* Of patches and areas. */
static size_t fitted_largest(struct coffer_pool *pool)
{
    struct row row = {.pool = pool, .sure = sure_of_area};
    const struct blocks_visitor visitor = {add_to_row, &row};
    size_t largest = 0;
    size_t in_areas = 0;

    spin_take(&pool->lock);
    for (uint32_t name = pool->patches; name != SLOT_NONE; name = part_at(pool, name)->next) {
        const struct little *little = patch_little(part_at(pool, name));

        if (little == NULL)
            continue;
        largest = larger(largest, little_largest(little));
        if (pool->quarantine != NULL)
            largest = larger(largest, little_largest_of(pool, little, sure_of_part));
    }
    if (pool->extents != NULL) {
        in_areas = extents_largest(pool->extents);
        if (pool->quarantine != NULL)
            (void)extents_walk(pool->extents, &visitor);
    }
    spin_give(&pool->lock);
    largest = larger(largest, in_areas < AREA_BLOCK_MAX ? in_areas : AREA_BLOCK_MAX);
    return larger(largest, row.longest);
}

/* Of spans' blocks and runs in quarantine: as much can be had again, of the frames if not there. */
static size_t quarantine_largest(struct coffer_pool *pool)
{
    const struct quarantine *quarantine = pool->quarantine;
    size_t largest = 0;

    for (uint32_t i = 0; quarantine != NULL && i < quarantine->count; i++) {
        struct found found;

        if (pool_find_held(pool, quarantine->blocks[(quarantine->first + i) % quarantine->limit],
                           &found) &&
            found.part != NULL && (part_is_span(found.part) || kind_load(found.part) == PART_RUN))
            largest = larger(largest, found.size);
    }
    return largest;
}

size_t coffer_pool_largest_free(struct coffer_pool *pool)
{
    bool locked = pool->careful || pool->little != NULL;
    size_t largest;

    if (locked)
        (void)careful_enter(pool);
    if (pool->little != NULL) {
        largest = little_largest_of(pool, pool->little, sure_of_little);
    } else {
        largest = larger(spans_largest(pool), fitted_largest(pool));
        largest = larger(largest, quarantine_largest(pool));
        largest = larger(largest, largest_run(pool));
    }
    if (locked)
        careful_leave(pool);
    return largest;
}
