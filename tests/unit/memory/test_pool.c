/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: every size, every wrong free, every option, regions to the byte, and shortage. */
#include "fixture.h"

#include "coffer/linux.h"
#include "memory/memory.h"
#include "support/pools.h"

static const struct coffer_pool_settings plain;

static struct coffer_pool_statistics statistics(struct coffer_pool *pool)
{
    struct coffer_pool_statistics s;

    coffer_pool_statistics(pool, &s);
    return s;
}

static void begin(struct pool_fixture *f, struct coffer_pool_settings settings)
{
    pool_fixture_init(f, 1000, coffer_linux_port());
    assert_ok(pool_fixture_open(f, settings, settings.random ? coffer_linux_port() : NULL));
}

static void *take(struct pool_fixture *f, size_t size)
{
    void *block = NULL;

    assert_ok(coffer_pool_alloc(f->pool, size, &block));
    assert_true(coffer_pool_usable_size(f->pool, block) >= size);
    return block;
}

static void give(struct pool_fixture *f, void *block)
{
    assert_ok(coffer_pool_free(f->pool, block));
}

static void test_every_size(void **state)
{
    struct pool_fixture f;

    (void)state;
    begin(&f, plain);
    for (size_t size = 1; size < 300000; size += size < 1100 ? 1 : size / 9) {
        uint8_t *block = take(&f, size);
        size_t usable = coffer_pool_usable_size(f.pool, block);

        assert_int_equal((uintptr_t)block % COFFER_POOL_ALIGNMENT_LEAST, 0);
        if (size % COFFER_POOL_ALIGNMENT == 0)
            assert_int_equal((uintptr_t)block % COFFER_POOL_ALIGNMENT, 0);
        assert_true(usable <= size + 15 || size > 1024);
        assert_true(usable <= size + size / 8 + 64 || size > 65536);
        memset(block, 0xee, usable);
        give(&f, block);
    }
    pool_fixture_fini(&f);
}

static void test_misuse(void **state)
{
    struct pool_fixture f;
    void *out = &f;

    (void)state;
    begin(&f, plain);
    assert_status(coffer_pool_alloc(f.pool, 0, &out), COFFER_MISUSE);
    assert_status(coffer_pool_alloc_zeroed(f.pool, 0, &out), COFFER_MISUSE);
    assert_status(coffer_pool_alloc_aligned(f.pool, 0, 16, &out), COFFER_MISUSE);
    assert_status(coffer_pool_alloc_aligned(f.pool, 1, 0, &out), COFFER_MISUSE);
    assert_status(coffer_pool_alloc_aligned(f.pool, 1, 48, &out), COFFER_MISUSE);
    assert_status(coffer_pool_realloc(f.pool, NULL, 0, &out), COFFER_MISUSE);
    assert_status(coffer_pool_alloc(f.pool, SIZE_MAX, &out), COFFER_NO_MEMORY);
    assert_status(coffer_pool_alloc(f.pool, SIZE_MAX / 2 + 7, &out), COFFER_NO_MEMORY);
    assert_ptr_equal(out, &f);
    assert_int_equal(statistics(f.pool).refusals, 2);
    pool_fixture_fini(&f);
}

static void refused(struct pool_fixture *f, void *address)
{
    struct coffer_pool_statistics before = statistics(f->pool);
    struct coffer_pool_statistics after;
    void *out = NULL;

    assert_int_equal(coffer_pool_usable_size(f->pool, address), 0);
    assert_status(coffer_pool_free(f->pool, address), COFFER_MISUSE);
    after = statistics(f->pool);
    assert_int_equal(after.wrong_frees, before.wrong_frees + 1);
    if (address != NULL) {
        assert_status(coffer_pool_realloc(f->pool, address, 10, &out), COFFER_MISUSE);
        after = statistics(f->pool);
        assert_int_equal(after.wrong_frees, before.wrong_frees + 2);
    }
    assert_null(out);
    assert_int_equal(after.blocks, before.blocks);
    assert_int_equal(after.used, before.used);
    assert_int_equal(after.free, before.free);
    assert_int_equal(after.allocations, before.allocations);
    assert_int_equal(after.frees, before.frees);
    assert_int_equal(after.refusals, before.refusals);
}

/* Double, interior, foreign, of another pool, of a frame that holds metadata, behind the last. */
static void wrong_frees(struct coffer_pool_settings settings)
{
    static const size_t sizes[] = {1, 48, 64, 1000, 3000, 20000, 100000};
    struct pool_fixture f, other;
    int foreign;

    begin(&f, settings);
    begin(&other, plain);
    refused(&f, NULL);
    refused(&f, &foreign);
    refused(&f, (void *)UINTPTR_MAX);
    refused(&f, f.pool);
    refused(&f, (void *)((uintptr_t)f.pool & ~(uintptr_t)4095));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *block = take(&f, sizes[i]);
        uint8_t *others = take(&other, sizes[i]);
        size_t usable = coffer_pool_usable_size(f.pool, block);

        refused(&f, others);
        refused(&f, block + 1);
        refused(&f, block + usable / 2);
        refused(&f, block + usable - 1);
        assert_status(frames_give(f.frames, (void *)((uintptr_t)block & ~(uintptr_t)4095)),
                      COFFER_MISUSE);
        give(&f, block);
        refused(&f, block);
        give(&other, others);
    }
    pool_fixture_fini(&other);
    pool_fixture_fini(&f);
}

static void test_wrong_frees_are_refused(void **state)
{
    (void)state;
    wrong_frees(plain);
    wrong_frees((struct coffer_pool_settings){.quarantine = 3});
    wrong_frees((struct coffer_pool_settings){.zero = true, .guards = true});
}

/* The rest of a span behind its last block is no block, whatever is written there. */
static void test_behind_the_last_block_is_none(void **state)
{
    struct pool_fixture f;
    void *blocks[400];
    unsigned refusals = 0;

    (void)state;
    begin(&f, plain);
    for (unsigned i = 0; i < 400; i++)
        blocks[i] = take(&f, 48);
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned step = 1; step < 90; step++) {
            uint8_t *at = (uint8_t *)blocks[i] + step * 16;

            if (coffer_pool_usable_size(f.pool, at) == 0 && refusals < 4000) {
                assert_status(coffer_pool_free(f.pool, at), COFFER_MISUSE);
                refusals++;
            }
        }
    }
    assert_true(refusals > 1000);
    for (unsigned i = 0; i < 400; i++)
        give(&f, blocks[i]);
    pool_fixture_fini(&f);
}

static void test_alignment_stays_through_realloc(void **state)
{
    struct pool_fixture f;

    (void)state;
    begin(&f, plain);
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        for (size_t size = 1; size < 200000; size = size * 3 + 1) {
            uint8_t *block = NULL;

            assert_ok(coffer_pool_alloc_aligned(f.pool, size, alignment, (void **)&block));
            block[0] = 7;
            for (size_t other = 1; other < 200000; other = other * 5 + 3) {
                assert_ok(coffer_pool_realloc(f.pool, block, other, (void **)&block));
                assert_int_equal((uintptr_t)block % alignment, 0);
                assert_int_equal(block[0], 7);
            }
            give(&f, block);
        }
    }
    pool_fixture_fini(&f);
}

static void test_zero(void **state)
{
    struct pool_fixture f;

    (void)state;
    begin(&f, (struct coffer_pool_settings){.zero = true});
    for (size_t size = 1; size < 200000; size = size * 2 + 1) {
        uint8_t *block = take(&f, size);
        size_t usable = coffer_pool_usable_size(f.pool, block);

        assert_true(bytes_are_zero(block, usable));
        memset(block, 1, usable);
        give(&f, block);
        assert_true(bytes_are_zero(block, usable));
    }
    pool_fixture_fini(&f);
}

static void test_poison_tells_of_a_late_write(void **state)
{
    struct pool_fixture f;
    uint8_t *block;

    (void)state;
    begin(&f, (struct coffer_pool_settings){.poison = true});
    block = take(&f, 100);
    give(&f, block);
    assert_int_equal(block[0], COFFER_POOL_POISON);
    assert_int_equal(block[99], COFFER_POOL_POISON);
    assert_ptr_equal(take(&f, 100), block);
    assert_int_equal(statistics(f.pool).poisoned, 0);
    give(&f, block);
    block[50] ^= 1;
    assert_ptr_equal(take(&f, 100), block);
    assert_int_equal(statistics(f.pool).poisoned, 1);
    give(&f, block);
    pool_fixture_fini(&f);
}

static void test_quarantine_keeps_blocks_from_reuse(void **state)
{
    struct pool_fixture f;
    void *freed[10];
    void *block;

    (void)state;
    begin(&f, (struct coffer_pool_settings){.quarantine = 10});
    for (unsigned i = 0; i < 10; i++) {
        freed[i] = take(&f, 64);
        give(&f, freed[i]);
        refused(&f, freed[i]);
        for (unsigned k = 0; k < i; k++)
            assert_ptr_not_equal(freed[i], freed[k]);
    }
    assert_int_equal(statistics(f.pool).blocks, 0);
    block = take(&f, 64);
    give(&f, block); /* the first one comes out for it */
    assert_ptr_equal(take(&f, 64), freed[0]);
    give(&f, freed[0]);
    pool_fixture_fini(&f);
}

static void test_random_order(void **state)
{
    struct pool_fixture f;
    uint8_t *blocks[60];
    unsigned in_order = 0;

    (void)state;
    begin(&f, (struct coffer_pool_settings){.random = true});
    for (unsigned i = 0; i < 60; i++) {
        blocks[i] = take(&f, 64);
        in_order += i > 0 && blocks[i] == blocks[i - 1] + 64;
    }
    assert_true(in_order < 30);
    for (unsigned i = 0; i < 60; i++)
        give(&f, blocks[i]);
    pool_fixture_fini(&f);
}

static void test_guards_keep_large_blocks_apart(void **state)
{
    struct pool_fixture f;
    uint8_t *first, *second;

    (void)state;
    begin(&f, (struct coffer_pool_settings){.guards = true});
    first = take(&f, 100000);
    second = take(&f, 100000);
    refused(&f, first - FRAME_SIZE);
    assert_true((first < second ? second - first : first - second) >= 102400 + 2 * 4096);
    give(&f, first);
    give(&f, second);
    pool_fixture_fini(&f);
}

static void test_settings_that_do_not_go_together(void **state)
{
    static const struct coffer_pool_settings wrong[] = {
        {.zero = true, .poison = true},
        {.quarantine = POOL_QUARANTINE_MAX + 1},
        {.policy = COFFER_POOL_LITTLE},
        {.policy = (enum coffer_pool_policy)7},
        {.random = true}, /* without a port */
    };
    struct pool_fixture f;
    static const struct pool_host nothing;
    struct coffer_pool *pool = NULL;

    (void)state;
    begin(&f, plain);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct pool_host host = {.frames = f.frames, .account = &f.account, .owner = f.owner};

        assert_status(pool_open(&host, &wrong[i], &pool), COFFER_MISUSE);
        assert_null(pool);
    }
    assert_status(pool_open(&nothing, &plain, &pool), COFFER_MISUSE);
    pool_fixture_fini(&f);
}

/* From nothing up: a pool opens or doesn't, and whatever it does it does inside. */
static void regions(enum coffer_pool_policy policy, size_t most, size_t enough)
{
    struct buffer buffer = buffer_make(most / 4096 + 2, 4096);
    static const struct pool_host nothing;
    unsigned opened = 0;

    for (size_t size = 1; size < most; size += size / 9 + 11) {
        size_t shift = size * 7 % 4096;
        struct coffer_pool_settings settings = {
            .policy = policy, .region = buffer.start + shift, .region_size = size};
        struct coffer_pool *pool = NULL;
        enum coffer_status status = pool_open(&nothing, &settings, &pool);
        void *block;
        size_t largest;

        if (status != COFFER_OK) {
            assert_int_equal(status, COFFER_NO_MEMORY);
            assert_true(size < enough);
            assert_true(buffer_is_untouched_outside(&buffer, settings.region, size));
            memset(buffer.start, GUARD_BYTE, buffer.size);
            continue;
        }
        opened++;
        largest = coffer_pool_largest_free(pool);
        if (largest > 0) {
            assert_ok(coffer_pool_alloc(pool, largest, &block));
            memset(block, 1, largest);
            assert_ok(coffer_pool_free(pool, block));
        }
        while (coffer_pool_alloc(pool, 40, &block) == COFFER_OK)
            memset(block, 2, coffer_pool_usable_size(pool, block));
        assert_true(coffer_pool_check(pool, NULL));
        assert_true(buffer_is_untouched_outside(&buffer, settings.region, size));
        coffer_pool_close(pool);
        assert_true(buffer_is_untouched_outside(&buffer, settings.region, size));
        memset(buffer.start, GUARD_BYTE, buffer.size);
    }
    assert_true(opened > 5);
    buffer_free(&buffer);
}

static void test_regions_of_every_size(void **state)
{
    (void)state;
    regions(COFFER_POOL_FAST, 300000, 5 * 4096);
    regions(COFFER_POOL_LITTLE, 65536, 1024);
}

static void test_expansion_goes_home(void **state)
{
    struct pool_fixture f;
    void *blocks[300];

    (void)state;
    pool_fixture_init(&f, 1000, NULL);
    pool_fixture_region(&f, 50000, 16);
    assert_ok(pool_fixture_open(
        &f, (struct coffer_pool_settings){.expand = true, .frames_max = 300}, NULL));
    for (unsigned i = 0; i < 300; i++)
        blocks[i] = take(&f, i % 3 == 0 ? 5000 : 700);
    assert_true(statistics(f.pool).frames > 0);
    pool_fixture_check(&f);
    for (unsigned i = 0; i < 300; i++)
        give(&f, blocks[i]);
    assert_true(coffer_pool_shrink(f.pool) > 0);
    assert_int_equal(statistics(f.pool).frames, 0);
    assert_status(coffer_pool_alloc(f.pool, 400 * 4096, &blocks[0]), COFFER_NO_MEMORY);
    pool_fixture_fini(&f);
}

static unsigned calls, refuse_at;

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)argument;
    (void)owner;
    (void)size;
    return ++calls == refuse_at;
}

/* Every time that the pool asks for frames it may get none. */
static void test_each_refusal_is_no_memory_and_leaves_nothing(void **state)
{
    enum coffer_status status = COFFER_NO_MEMORY;
    unsigned at = 0;

    (void)state;
    while (status != COFFER_OK) {
        struct pool_fixture f;
        void *small = NULL, *middle = NULL, *large = NULL;

        pool_fixture_init(&f, 1000, NULL);
        account_set_refuse(&f.account, refuse, NULL);
        calls = 0;
        refuse_at = ++at;
        status = pool_fixture_open(&f, (struct coffer_pool_settings){.quarantine = 2}, NULL);
        if (status != COFFER_OK) {
            assert_int_equal(status, COFFER_NO_MEMORY);
            assert_int_equal(f.account.frames_used, f.used);
            frames_fini(f.frames);
            buffer_free(&f.buffer);
            continue;
        }
        status = coffer_pool_alloc(f.pool, 100, &small);
        if (status == COFFER_OK)
            status = coffer_pool_alloc_aligned(f.pool, 20000, 256, &middle);
        if (status == COFFER_OK)
            status = coffer_pool_alloc(f.pool, 100000, &large);
        if (status == COFFER_OK)
            status = coffer_pool_realloc(f.pool, small, 5000, &small);
        assert_true(status == COFFER_OK || status == COFFER_NO_MEMORY);
        assert_true(calls >= refuse_at || status == COFFER_OK);
        if (calls < refuse_at)
            refuse_at = 0;
        else
            status = COFFER_NO_MEMORY; /* there may be more to refuse */
        if (small != NULL)
            give(&f, small);
        if (middle != NULL)
            give(&f, middle);
        if (large != NULL)
            give(&f, large);
        pool_fixture_fini(&f);
    }
    assert_true(at > 5);
}

/* What the engine uses: blocks for owners, charged and counted, zeroed. */
static void test_a_spare_pool_charges_owners(void **state)
{
    struct buffer buffer = buffer_make(64, 4096);
    struct memory_area area = {buffer.start, buffer.size};
    static const struct memory_settings settings;
    struct memory *memory;
    struct owner owners[2];
    void *blocks[2][100];
    uint64_t used;

    (void)state;
    assert_ok(memory_open(&area, 1, &settings, &memory));
    assert_ok(account_open_owner(&memory->account, "a", &owners[0]));
    assert_ok(account_open_owner(&memory->account, "b", &owners[1]));
    used = memory->account.frames_used;
    for (unsigned i = 0; i < 200; i++) {
        void **block = &blocks[i % 2][i / 2];
        size_t size = i == 9 ? 9000 : 1 + i * 3;

        assert_ok(memory_alloc(memory, owners[i % 2], size, block));
        assert_true(bytes_are_zero(*block, coffer_pool_usable_size(memory->pool, *block)));
        memset(*block, 3, size);
    }
    assert_true(coffer_pool_check(memory->pool, NULL));
    for (unsigned k = 0; k < 2; k++) {
        assert_true(memory->account.lines[owners[k].index].frames > 4);
        assert_true(memory->account.lines[owners[k].index].bytes > 20000);
        for (unsigned i = 0; i < 100; i++)
            memory_free(memory, blocks[k][i]);
        assert_int_equal(memory->account.lines[owners[k].index].bytes, 0);
    }
    (void)coffer_pool_shrink(memory->pool);
    assert_true(coffer_pool_check(memory->pool, NULL));
    assert_int_equal(memory->account.lines[owners[0].index].frames, 0);
    assert_true(memory->account.frames_used <= used + 2); /* chunks with bins and magazines */
    memory_close(memory);
    assert_true(bytes_are_zero(buffer.start, buffer.size));
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_wrong_frees_are_refused),
        cmocka_unit_test(test_behind_the_last_block_is_none),
        cmocka_unit_test(test_alignment_stays_through_realloc),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_poison_tells_of_a_late_write),
        cmocka_unit_test(test_quarantine_keeps_blocks_from_reuse),
        cmocka_unit_test(test_random_order),
        cmocka_unit_test(test_guards_keep_large_blocks_apart),
        cmocka_unit_test(test_settings_that_do_not_go_together),
        cmocka_unit_test(test_regions_of_every_size),
        cmocka_unit_test(test_expansion_goes_home),
        cmocka_unit_test(test_each_refusal_is_no_memory_and_leaves_nothing),
        cmocka_unit_test(test_a_spare_pool_charges_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
