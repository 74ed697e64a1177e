/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools where frames are few: how full a region gets, and the patches that small blocks are in. */
#include "fixture.h"

#include "coffer/linux.h"
#include "support/pools.h"
#include "support/random.h"

#define BLOCKS_MAX 20000u
#define FILLS      8u

static void *blocks[BLOCKS_MAX];

static struct coffer_pool_statistics statistics(struct coffer_pool *pool)
{
    struct coffer_pool_statistics s;

    coffer_pool_statistics(pool, &s);
    return s;
}

/* A pool without options or threads in a region of that size. */
static void open_region(struct pool_fixture *f, size_t size)
{
    pool_fixture_init(f, 32, NULL);
    pool_fixture_region(f, size, 0);
    assert_ok(pool_fixture_open(f, (struct coffer_pool_settings){.name = NULL}, NULL));
}

/* Sizes of 16..1015 bytes until one is refused: the share of the region, in parts of 1000. */
static unsigned fill(struct pool_fixture *f, struct random *random)
{
    uint64_t bytes = 0;
    unsigned count = 0;

    for (;;) {
        size_t size = 16 + (size_t)random_below(random, 1000);

        if (coffer_pool_alloc(f->pool, size, &blocks[count]) != COFFER_OK)
            break;
        bytes += size;
        assert_true(++count < BLOCKS_MAX);
    }
    pool_fixture_check(f);
    while (count > 0)
        assert_ok(coffer_pool_free(f->pool, blocks[--count]));
    return (unsigned)(bytes * 1000 / f->region_size);
}

static unsigned fill_region(size_t size, struct coffer_pool_settings settings,
                            const struct coffer_port *port)
{
    struct pool_fixture f;
    struct random random;
    unsigned share;

    random_init(&random, __func__);
    pool_fixture_init(&f, 32, port);
    pool_fixture_region(&f, size, 0);
    assert_ok(pool_fixture_open(&f, settings, port));
    share = fill(&f, &random);
    /* What went home serves again: other sizes in other places. */
    for (unsigned i = 0; i < FILLS; i++) {
        unsigned again = fill(&f, &random);

        if (again + 45 + 1000 / (unsigned)(size / 1024) < share)
            fail_msg("%zu bytes: %u of 1000, then %u", size, share, again);
        if (i % 3 == 1)
            (void)coffer_pool_shrink(f.pool);
    }
    pool_fixture_fini(&f);
    return share;
}

static void test_small_regions_get_full(void **state)
{
    static const struct {
        size_t size;
        unsigned share;
    } least[] = {
        {12, 200},   {16, 370},   {24, 550},   {32, 630},   {48, 710},   {64, 760},
        {96, 770},   {128, 810},  {192, 850},  {256, 870},  {512, 910},  {768, 920},
        {1024, 925}, {1536, 930}, {2048, 930}, {4096, 915}, {8192, 920},
    };
    const struct coffer_pool_settings plain = {.name = NULL};
    const struct coffer_pool_settings careful = {.zero = true};

    (void)state;
    for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
        unsigned share = fill_region(least[i].size * 1024, plain, NULL);

        if (share < least[i].share)
            fail_msg("%zu KiB: refused at %u of 1000", least[i].size, share);
        if (least[i].size < 64 || least[i].size > 1024)
            continue;
        share = fill_region(least[i].size * 1024, careful, NULL);
        if (share < least[i].share)
            fail_msg("%zu KiB, zeroed: refused at %u of 1000", least[i].size, share);
        share = fill_region(least[i].size * 1024, plain, coffer_linux_port());
        if (least[i].size > 64 && share + 30 < least[i].share)
            fail_msg("%zu KiB, threads: refused at %u of 1000", least[i].size, share);
    }
}

/* The same where there is no region, but little memory. */
static void test_little_memory_gets_full(void **state)
{
    struct pool_fixture f;
    struct random random;

    (void)state;
    random_init(&random, __func__);
    pool_fixture_init(&f, 64, NULL);
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.name = NULL}, NULL));
    f.region_size = f.buffer.size;
    assert_true(fill(&f, &random) > 860);
    f.region_size = 0;
    (void)coffer_pool_shrink(f.pool);
    assert_true(f.account.frames_used < f.used + 4);
    pool_fixture_fini(&f);
}

/* A pool that opens has room for a block, whatever it is for. */
static void test_what_opens_has_room(void **state)
{
    static const struct coffer_pool_settings settings[] = {
        {.name = NULL}, {.zero = true}, {.quarantine = 3}, {.random = true}, {.guards = true},
    };
    struct buffer buffer = buffer_make(16, 4096);

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(settings) / sizeof(settings[0]); i++) {
        const struct pool_host host = {
            .port = i % 2 == 1 || settings[i / 2].random ? coffer_linux_port() : NULL};
        unsigned opened = 0;

        for (size_t size = 4096; size < 49152; size += 72) {
            struct coffer_pool_settings s = settings[i / 2];
            struct coffer_pool *pool = NULL;
            enum coffer_status status;
            void *block;

            s.region = buffer.start + size % 4096;
            s.region_size = size;
            status = pool_open(&host, &s, &pool);
            if (status != COFFER_OK) {
                assert_int_equal(status, COFFER_NO_MEMORY);
                assert_true(size < 36864);
                continue;
            }
            opened++;
            if (coffer_pool_alloc(pool, 24, &block) != COFFER_OK)
                fail_msg("%zu bytes of kind %zu give none", size, i);
            assert_true(coffer_pool_check(pool, NULL));
            assert_ok(coffer_pool_free(pool, block));
            coffer_pool_close(pool);
        }
        assert_true(opened > 100);
    }
    buffer_free(&buffer);
}

/* A class that is asked for again and again gets a span; patches stay for the others. */
static void test_a_busy_class_gets_a_span(void **state)
{
    struct pool_fixture f;
    void *block;

    (void)state;
    open_region(&f, 262144);
    for (unsigned i = 0; i < 255; i++) {
        assert_ok(coffer_pool_alloc(f.pool, 64, &block));
        assert_ok(coffer_pool_free(f.pool, block));
    }
    assert_int_equal(statistics(f.pool).spans, 0);
    assert_int_equal(statistics(f.pool).areas, 1);
    assert_ok(coffer_pool_alloc(f.pool, 64, &block));
    assert_int_equal(statistics(f.pool).spans, 1);
    assert_ok(coffer_pool_free(f.pool, block));
    assert_ok(coffer_pool_alloc(f.pool, 72, &block));
    assert_int_equal(statistics(f.pool).spans, 1);
    assert_ok(coffer_pool_free(f.pool, block));
    pool_fixture_fini(&f);
}

/* Several classes in turn are none of them busy: they stay in patches, however long it goes on. */
static void test_many_classes_stay_in_patches(void **state)
{
    struct pool_fixture f;
    void *block;

    (void)state;
    open_region(&f, 262144);
    for (unsigned i = 0; i < 10000; i++) {
        assert_ok(coffer_pool_alloc(f.pool, 16 + i % 20 * 24, &block));
        assert_ok(coffer_pool_free(f.pool, block));
    }
    assert_int_equal(statistics(f.pool).spans, 0);
    assert_int_equal(statistics(f.pool).allocations, 10000);
    assert_int_equal(statistics(f.pool).used, 0);
    assert_int_equal(statistics(f.pool).used_peak, (16 + 19 * 24 + 15) / 16 * 16);
    pool_fixture_fini(&f);
}

/* In a full pool what was freed of a patch is the largest that can be had, and is had. */
static void test_room_in_patches_is_told(void **state)
{
    struct pool_fixture f;
    unsigned count = 0;
    size_t largest;

    (void)state;
    open_region(&f, 131072);
    for (size_t size = 400; size >= 16; size /= 5) {
        while (coffer_pool_alloc(f.pool, size, &blocks[count]) == COFFER_OK)
            count++;
    }
    assert_true(statistics(f.pool).spans == 0 && coffer_pool_largest_free(f.pool) == 0);
    for (unsigned i = 20; i < 24; i++) {
        assert_ok(coffer_pool_free(f.pool, blocks[i]));
        blocks[i] = blocks[--count];
    }
    largest = coffer_pool_largest_free(f.pool);
    assert_true(largest >= 400);
    assert_ok(coffer_pool_alloc(f.pool, largest, &blocks[count++]));
    while (count > 0)
        assert_ok(coffer_pool_free(f.pool, blocks[--count]));
    pool_fixture_fini(&f);
}

/* Blocks that nobody freed go with the pool, and the frames of their patches go home. */
static void test_closing_gives_patches_back(void **state)
{
    struct pool_fixture f;
    void *block;

    (void)state;
    pool_fixture_init(&f, 64, NULL);
    for (unsigned round = 0; round < 4; round++) {
        assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.name = NULL}, NULL));
        for (unsigned i = 0; i < 100; i++)
            assert_ok(coffer_pool_alloc(f.pool, 16 + i * 10, &block));
        assert_true(statistics(f.pool).areas > 1);
        pool_close(f.pool);
        assert_int_equal(f.account.frames_used, f.used);
    }
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.name = NULL}, NULL));
    pool_fixture_fini(&f);
}

/* There are only so many patches: when they would become more, small blocks come from spans. */
static void test_patches_have_a_limit(void **state)
{
    const size_t most = 64;
    struct pool_fixture f;
    unsigned count = 0;

    (void)state;
    pool_fixture_init(&f, 400, NULL);
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.frames_max = 1}, NULL));
    for (uint64_t frames = 2; statistics(f.pool).areas < most; frames++) {
        assert_true(frames < 100);
        assert_ok(coffer_pool_set_frames_max(f.pool, frames));
        if (coffer_pool_alloc(f.pool, 3000, &blocks[count]) == COFFER_OK)
            count++;
        assert_int_equal(statistics(f.pool).spans, 0);
    }
    assert_ok(coffer_pool_set_frames_max(f.pool, 110));
    assert_ok(coffer_pool_alloc(f.pool, 64, &blocks[count++]));
    assert_int_equal(statistics(f.pool).spans, 1);
    assert_int_equal(statistics(f.pool).areas, most);
    pool_fixture_check(&f);
    while (count > 0)
        assert_ok(coffer_pool_free(f.pool, blocks[--count]));
    assert_int_equal(statistics(f.pool).areas, 1);
    pool_fixture_fini(&f);
}

/* Another size in place, and elsewhere; the bytes stay, and the alignment. */
static void test_blocks_of_patches_change_size(void **state)
{
    struct pool_fixture f;
    uint8_t *block = NULL;
    void *out;
    void *behind;

    (void)state;
    open_region(&f, 131072);
    assert_ok(coffer_pool_alloc_aligned(f.pool, 100, 64, &out));
    block = out;
    assert_int_equal((uintptr_t)block % 64, 0);
    memset(block, 7, 100);
    assert_ok(coffer_pool_realloc(f.pool, block, 500, &out));
    assert_ptr_equal(out, block);
    assert_true(coffer_pool_usable_size(f.pool, block) >= 500);
    assert_ok(coffer_pool_realloc(f.pool, block, 40, &out));
    assert_ptr_equal(out, block);
    assert_int_equal(coffer_pool_usable_size(f.pool, block), 64);
    assert_ok(coffer_pool_alloc(f.pool, 64, &behind));
    assert_ok(coffer_pool_realloc(f.pool, block, 600, &out));
    assert_ptr_not_equal(out, block);
    assert_int_equal((uintptr_t)out % 64, 0);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(((uint8_t *)out)[i], 7);
    assert_ok(coffer_pool_free(f.pool, out));
    assert_ok(coffer_pool_free(f.pool, behind));
    pool_fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_regions_get_full),
        cmocka_unit_test(test_little_memory_gets_full),
        cmocka_unit_test(test_what_opens_has_room),
        cmocka_unit_test(test_a_busy_class_gets_a_span),
        cmocka_unit_test(test_many_classes_stay_in_patches),
        cmocka_unit_test(test_room_in_patches_is_told),
        cmocka_unit_test(test_closing_gives_patches_back),
        cmocka_unit_test(test_patches_have_a_limit),
        cmocka_unit_test(test_blocks_of_patches_change_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
