/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of a region can be used, and what a request costs when the free blocks fit badly. */
#include <string.h>

#include "memory/allocator.h"
#include "memory/operations.h"

#define REGION_SIZE ((size_t)16 * 1024 * 1024)
#define LIVE_MAX    (REGION_SIZE / 16)

/* --- Fill and steady share --- */

struct content {
    void **blocks;
    uint32_t *sizes; /* as asked for */
    uint32_t count;
    uint64_t bytes; /* sum of them */
};

static void add(struct content *content, void *block, uint32_t size)
{
    content->blocks[content->count] = block;
    content->sizes[content->count] = size;
    content->count++;
    content->bytes += size;
}

static void drop(struct content *content, uint32_t at)
{
    give(content->blocks[at]);
    content->bytes -= content->sizes[at];
    content->count--;
    content->blocks[at] = content->blocks[content->count];
    content->sizes[at] = content->sizes[content->count];
}

static double share(const struct content *content)
{
    return (double)content->bytes / (double)REGION_SIZE;
}

/*
 * Fill: the share of the region that was asked for and got, when a request fails for the first
 * time. Steady: from then on random blocks are freed whenever a request fails, until it gets its
 * memory: every size that is drawn is served in the end. The mean of the share after each of the
 * last half of these requests.
 */
void work_fill(const struct request *request)
{
    struct content content = {.blocks = child_map(LIVE_MAX * sizeof(void *)),
                              .sizes = child_map(LIVE_MAX * sizeof(uint32_t))};
    struct setup setup = {.options = request->options, .region_size = REGION_SIZE};
    struct draw draw;
    const uint32_t judged = request->pairs - request->pairs / 2;
    bool filling = true;
    double sum = 0;

    draw_init(&draw, request->sizes, 1);
    allocator_open(&setup);
    for (uint32_t done = 0; done < request->pairs;) {
        uint32_t size = draw_size(&draw);
        void *block;
        bool taken = take(size, &block);

        if (!taken && filling) {
            child_tell("fill", share(&content));
            filling = false;
        }
        while (!taken && content.count > 0) {
            drop(&content, draw_below(&draw, content.count));
            taken = take(size, &block);
        }
        if (!taken)
            child_fail("an empty region has no room");
        add(&content, block, size);
        if (filling)
            continue;
        if (++done > request->pairs - judged)
            sum += share(&content);
    }
    while (content.count > 0)
        drop(&content, content.count - 1);
    allocator_close();
    child_tell("steady", sum / judged);
}

/* --- Adversarial --- */

#define TRAPS    10000u /* free blocks that are too small for the request */
#define REQUESTS 64u    /* in one go, so that what was freed last doesn't serve the next */
#define ROUNDS   16u
#define WALL     48u /* bytes that keep two free blocks apart */

struct adversary {
    uint32_t small; /* the free blocks */
    uint32_t large; /* the request */
};

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* The middle one of the cycles that requests took, among TRAPS blocks that don't fit. The k-th
 * request of each round counts with its quickest round, which leaves out what isn't ours. */
static uint64_t spring(const struct adversary *adversary)
{
    static void *traps[2 * TRAPS];
    void *got[REQUESTS];
    uint64_t cycles[REQUESTS];
    uint64_t price = child_cycles_price();

    memset(cycles, 0xff, sizeof(cycles));
    for (size_t i = 0; i < TRAPS; i++) {
        traps[2 * i] = take_used(adversary->small);
        traps[2 * i + 1] = take_used(WALL);
    }
    for (size_t i = 0; i < TRAPS; i++)
        give(traps[2 * i]);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < REQUESTS; i++) {
            uint64_t before = child_cycles();
            uint64_t passed;
            bool taken = take(adversary->large, &got[i]);

            passed = child_cycles() - before;
            passed -= passed > price ? price : passed;
            if (passed < cycles[i])
                cycles[i] = passed;
            if (!taken)
                child_fail("no room beside the traps");
        }
        for (uint32_t i = 0; i < REQUESTS; i++)
            give(got[i]);
    }
    for (uint32_t i = 0; i < TRAPS; i++)
        give(traps[2 * i + 1]);
    qsort(cycles, REQUESTS, sizeof(uint64_t), compare);
    return cycles[REQUESTS / 2];
}

/* An allocator has its own classes, and rounds as it likes: the request is a few bytes more than
 * the free blocks hold, around every power of two and half-way between them, and the worst of all
 * is told. */
void work_adversarial(const struct request *request)
{
    static const uint32_t bases[] = {1024, 1536, 2048, 4096, 6144, 8192, 12288, 16384};
    static const uint32_t more[] = {16, 32, 64};
    uint64_t worst = 0;

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        for (size_t j = 0; j < sizeof(more) / sizeof(more[0]); j++) {
            uint32_t base = bases[i];
            struct adversary adversary = {.small = base, .large = base + more[j]};
            struct setup setup = {.options = request->options,
                                  .region_size = (size_t)TRAPS * (base + WALL) * 5 / 4 +
                                                 REGION_SIZE};
            uint64_t cycles;

            allocator_open(&setup);
            cycles = spring(&adversary);
            allocator_close();
            if (cycles > worst)
                worst = cycles;
        }
    }
    child_tell("cycles", (double)worst);
}
