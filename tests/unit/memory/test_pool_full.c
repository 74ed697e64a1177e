/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools that are full, or almost: every hole serves, what is told of them is true, and a shortage
 * is told by calls that fail alone. */
#include "fixture.h"

#include "coffer/linux.h"
#include "support/pools.h"
#include "support/random.h"

#define BLOCKS_MAX 20000u

static void *blocks[BLOCKS_MAX];

static struct coffer_pool_statistics statistics(struct coffer_pool *pool)
{
    struct coffer_pool_statistics s;

    coffer_pool_statistics(pool, &s);
    return s;
}

static unsigned fill(struct coffer_pool *pool, unsigned count, size_t size, size_t alignment)
{
    while (coffer_pool_alloc_aligned(pool, size, alignment, &blocks[count]) == COFFER_OK)
        assert_true(++count < BLOCKS_MAX);
    return count;
}

/* A region is filled with aligned blocks, then to the brim with others. Every second one of the
 * first kind is freed: all that memory can be had again as plain blocks, the largest told first. */
static void fill_holes(size_t region, size_t size, bool random)
{
    static const size_t sizes[] = {8000, 4000, 2000, 1000, 500, 100, 16};
    struct pool_fixture f;
    unsigned first, count;
    uint64_t had = 0;
    size_t largest;

    pool_fixture_init(&f, 64, coffer_linux_port());
    pool_fixture_region(&f, region, 0);
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.random = random},
                                random ? coffer_linux_port() : NULL));
    count = first = fill(f.pool, 0, size, size);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        count = fill(f.pool, count, sizes[i], 1);
    for (unsigned i = 0; i < first; i += 2) {
        assert_ok(coffer_pool_free(f.pool, blocks[i]));
        blocks[i] = NULL;
    }
    while ((largest = coffer_pool_largest_free(f.pool)) > 0) {
        assert_ok(coffer_pool_alloc(f.pool, largest, &blocks[count]));
        had += largest;
        assert_true(++count < BLOCKS_MAX);
    }
    assert_true(had >= first / 2 * size / 10 * 9);
    pool_fixture_check(&f);
    for (unsigned i = 0; i < count; i++)
        assert_true(blocks[i] == NULL || coffer_pool_free(f.pool, blocks[i]) == COFFER_OK);
    pool_fixture_fini(&f);
}

static void test_holes_between_aligned_blocks_serve(void **state)
{
    static const size_t sizes[] = {32, 64, 512, 1024, 2048};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (unsigned random = 0; random <= 1; random++)
            fill_holes(256 * 1024, sizes[i], random);
    }
    fill_holes(4 * 1024 * 1024, 2048, false);
    fill_holes(4 * 1024 * 1024, 1024, true);
}

/* Random blocks come and go; whenever it is asked, a block as large as is told can be had. */
static void ask_often(struct random *random, struct coffer_pool_settings settings, size_t region)
{
    struct pool_fixture f;
    unsigned count = 0;
    void *block;

    pool_fixture_init(&f, 64, coffer_linux_port());
    pool_fixture_region(&f, region, 16);
    assert_ok(pool_fixture_open(&f, settings, settings.random ? coffer_linux_port() : NULL));
    for (unsigned round = 0; round < 400; round++) {
        unsigned steps = 1 + (unsigned)random_below(random, 200);
        size_t most = (size_t)1 << (5 + random_below(random, 13));
        bool grows = random_below(random, 2) == 0;
        size_t largest;

        for (unsigned i = 0; i < steps; i++) {
            if (random_below(random, 4) != 0 ? grows : !grows) {
                size_t size = 1 + (size_t)random_below(random, most);
                size_t alignment = (size_t)1 << (3 * random_below(random, 4));

                if (coffer_pool_alloc_aligned(f.pool, size, alignment, &blocks[count]) == COFFER_OK)
                    assert_true(++count < BLOCKS_MAX);
            } else if (count > 0) {
                unsigned at = (unsigned)random_below(random, count);

                assert_ok(coffer_pool_free(f.pool, blocks[at]));
                blocks[at] = blocks[--count];
            }
        }
        largest = coffer_pool_largest_free(f.pool);
        if (settings.policy == COFFER_POOL_LITTLE)
            assert_status(coffer_pool_alloc(f.pool, largest + 1, &block), COFFER_NO_MEMORY);
        if (largest > 0) {
            assert_ok(coffer_pool_alloc(f.pool, largest, &block));
            assert_ok(coffer_pool_free(f.pool, block));
        }
    }
    while (count > 0)
        assert_ok(coffer_pool_free(f.pool, blocks[--count]));
    pool_fixture_fini(&f);
}

static void test_what_is_told_can_be_had(void **state)
{
    static const struct coffer_pool_settings options[] = {
        {.name = NULL},
        {.quarantine = 32},
        {.quarantine = 1000, .zero = true},
        {.quarantine = 200, .guards = true},
        {.quarantine = 200, .poison = true, .random = true, .guards = true},
    };
    const size_t rounds = getenv("COFFER_DEEP") != NULL ? 40 : 2;
    struct random random;

    (void)state;
    random_init(&random, "what is told can be had");
    for (size_t i = 0; i < rounds * sizeof(options) / sizeof(options[0]); i++) {
        const size_t which = i % (sizeof(options) / sizeof(options[0]));
        struct coffer_pool_settings settings = options[which];

        ask_often(&random, settings, 65536 + (size_t)random_below(&random, 1 << 19));
        ask_often(&random, settings, 4 * 1024 * 1024);
        if (settings.random || settings.guards)
            continue;
        settings.policy = COFFER_POOL_LITTLE;
        ask_often(&random, settings, 65536 - (size_t)random_below(&random, 30000));
    }
}

/* All that was freed lies in quarantine; it is one block to whoever asks. */
static void test_the_quarantine_counts_as_free(void **state)
{
    struct pool_fixture f;
    size_t all;
    void *block;

    (void)state;
    pool_fixture_init(&f, 64, NULL);
    pool_fixture_region(&f, 4096, 0);
    assert_ok(pool_fixture_open(
        &f, (struct coffer_pool_settings){.policy = COFFER_POOL_LITTLE, .quarantine = 8}, NULL));
    all = coffer_pool_largest_free(f.pool);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(coffer_pool_alloc(f.pool, 1000, &blocks[i]));
    assert_true(coffer_pool_largest_free(f.pool) < 1000);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(coffer_pool_free(f.pool, blocks[i]));
    assert_int_equal(coffer_pool_largest_free(f.pool), all);
    assert_status(coffer_pool_free(f.pool, blocks[0]), COFFER_MISUSE); /* it still lies there */
    assert_ok(coffer_pool_alloc(f.pool, all, &block));
    assert_int_equal(coffer_pool_largest_free(f.pool), 0);
    assert_ok(coffer_pool_free(f.pool, block));
    pool_fixture_fini(&f);
}

/* --- A shortage -------------------------------------------------------------------------- */

struct watcher {
    struct frames *frames;
    void *spare; /* what it gives when it is asked */
    unsigned asked;
};

static bool watch(void *context, enum frames_level level)
{
    struct watcher *watcher = context;

    if (level != FRAMES_NONE)
        return false;
    watcher->asked++;
    if (watcher->spare == NULL)
        return false;
    assert_ok(frames_give(watcher->frames, watcher->spare));
    watcher->spare = NULL;
    return true;
}

/* Nobody is asked for anything by a call that finds a block without; and before a call fails
 * somebody is asked, once. */
static void shortage(struct coffer_pool_settings settings, size_t size)
{
    struct watcher watcher = {.spare = NULL};
    struct pool_fixture f;
    unsigned count = 0;
    void *block;

    pool_fixture_init(&f, 500, coffer_linux_port());
    watcher.frames = f.frames;
    assert_ok(frames_set_watermarks(f.frames, 0, 0, watch, &watcher));
    assert_ok(frames_take(f.frames, f.owner, 32, &watcher.spare));
    assert_ok(pool_fixture_open(&f, settings, settings.random ? coffer_linux_port() : NULL));
    while (watcher.asked == 0) {
        assert_ok(coffer_pool_alloc(f.pool, size, &blocks[count]));
        count++;
    }
    assert_null(watcher.spare); /* what was given served the call that asked for it */
    while (coffer_pool_alloc(f.pool, size, &blocks[count]) == COFFER_OK) {
        assert_int_equal(watcher.asked, 1);
        count++;
    }
    assert_int_equal(watcher.asked, 2);
    assert_int_equal(statistics(f.pool).refusals, 1);

    /* For want of anything but frames nobody is asked. */
    assert_ok(account_set_quota(&f.account, f.owner, f.account.lines[f.owner.index].frames));
    assert_status(coffer_pool_alloc(f.pool, size, &block), COFFER_NO_MEMORY);
    assert_status(coffer_pool_alloc(f.pool, SIZE_MAX / 2, &block), COFFER_NO_MEMORY);
    assert_int_equal(watcher.asked, 2);
    assert_ok(account_set_quota(&f.account, f.owner, UINT64_MAX));
    while (count > 0)
        assert_ok(coffer_pool_free(f.pool, blocks[--count]));
    assert_ok(frames_set_watermarks(f.frames, 0, 0, NULL, NULL));
    pool_fixture_fini(&f);
}

/* Has frames that lie side by side, and gives one each time. */
struct giver {
    struct frames *frames;
    void **given; /* the next one; from the last of them downwards */
    void **end;
};

static int compare_addresses(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a;
    uintptr_t y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

static bool give_one(void *context, enum frames_level level)
{
    struct giver *giver = context;

    if (level != FRAMES_NONE || giver->given == giver->end)
        return false;
    assert_ok(frames_give(giver->frames, *--giver->given));
    return true;
}

/* A block of several frames: somebody is asked until they lie side by side. */
static void large_shortage(struct coffer_pool_settings settings)
{
    static void *taken[500];
    struct giver giver;
    struct pool_fixture f;
    unsigned count = 0;
    void *block;

    pool_fixture_init(&f, 500, coffer_linux_port());
    assert_ok(pool_fixture_open(&f, settings, settings.random ? coffer_linux_port() : NULL));
    while (frames_take(f.frames, f.owner, 1, &taken[count]) == COFFER_OK)
        assert_true(++count < 500);
    assert_true(count > 200);
    qsort(taken, count, sizeof(taken[0]), compare_addresses);
    giver = (struct giver){.frames = f.frames, .given = taken + count, .end = taken};
    assert_ok(frames_set_watermarks(f.frames, 0, 0, give_one, &giver));
    assert_ok(coffer_pool_alloc(f.pool, 5 * (size_t)FRAME_SIZE, &block));
    assert_in_range(taken + count - giver.given, 5, 12);
    assert_ok(coffer_pool_free(f.pool, block));
    assert_ok(frames_set_watermarks(f.frames, 0, 0, NULL, NULL));
    while (giver.given > giver.end)
        assert_ok(frames_give(f.frames, *--giver.given));
    pool_fixture_fini(&f);
}

static void test_a_large_block_asks_until_there_is_a_run(void **state)
{
    (void)state;
    large_shortage((struct coffer_pool_settings){.name = NULL});
    large_shortage((struct coffer_pool_settings){.quarantine = 4});
}

static void test_a_shortage_is_told_by_what_fails_alone(void **state)
{
    static const struct coffer_pool_settings options[] = {
        {.name = NULL},
        {.zero = true},
        {.quarantine = 100},
        {.random = true, .guards = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        for (size_t size = 100; size < 100000; size *= 3)
            shortage(options[i], size);
    }
}

/* A pool that can't be opened for want of frames asks for them, too. */
static void test_opening_asks_before_it_fails(void **state)
{
    struct watcher watcher = {.spare = NULL};
    struct pool_fixture f;
    void *all[2];

    (void)state;
    pool_fixture_init(&f, 64, NULL);
    watcher.frames = f.frames;
    assert_ok(frames_set_watermarks(f.frames, 0, 0, watch, &watcher));
    assert_ok(frames_take(f.frames, f.owner, 8, &watcher.spare));
    assert_ok(frames_take(f.frames, f.owner, frames_statistics(f.frames).largest_run, &all[0]));
    while (frames_statistics(f.frames).free > 0)
        assert_ok(frames_take(f.frames, f.owner, 1, &all[1]));
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.name = NULL}, NULL));
    assert_int_equal(watcher.asked, 1);
    coffer_pool_close(f.pool);
    frames_fini(f.frames);
    buffer_free(&f.buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes_between_aligned_blocks_serve),
        cmocka_unit_test(test_what_is_told_can_be_had),
        cmocka_unit_test(test_the_quarantine_counts_as_free),
        cmocka_unit_test(test_a_shortage_is_told_by_what_fails_alone),
        cmocka_unit_test(test_a_large_block_asks_until_there_is_a_run),
        cmocka_unit_test(test_opening_asks_before_it_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
