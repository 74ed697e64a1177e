/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of every policy and set of options against a list of live blocks with patterns: random
 * alloc, aligned, zeroed, realloc, free, wrong free and shrink, with the integrity check, the walk
 * and the statistics along the way, and exact accounting at the end.
 */
#include "../unit/memory/fixture.h"

#include "coffer/linux.h"
#include "support/must.h"
#include "support/pools.h"
#include "support/random.h"

#define BLOCKS_MAX 1500

struct block {
    uint8_t *address; /* NULL: none */
    size_t size;      /* that it can hold */
    size_t alignment;
    uint8_t pattern;
};

struct model {
    struct pool_fixture f;
    struct coffer_pool_settings settings;
    struct block blocks[BLOCKS_MAX];
    uint64_t bytes, count;
    size_t size_max;
    struct random random;
};

static bool filled_with(const uint8_t *p, size_t size, uint8_t pattern)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < size; i++)
        difference |= p[i] ^ pattern;
    return difference == 0;
}

static size_t random_size(struct model *m)
{
    unsigned bits = (unsigned)random_below(&m->random, 18);
    size_t size = 1 + (size_t)random_below(&m->random, (uint64_t)1 << bits);

    return size > m->size_max ? 1 + size % m->size_max : size;
}

static void model_add(struct model *m, struct block *block, void *address, size_t size,
                      size_t alignment)
{
    size_t usable = coffer_pool_usable_size(m->f.pool, address);

    assert_true(usable >= size);
    assert_int_equal((uintptr_t)address % alignment, 0);
    *block = (struct block){address, usable, alignment,
                            (uint8_t)(1 + random_below(&m->random, 200))};
    memset(address, block->pattern, usable);
    m->bytes += usable;
    m->count++;
}

static void model_alloc(struct model *m, struct block *block)
{
    size_t size = random_size(m);
    size_t natural = size % COFFER_POOL_ALIGNMENT == 0 ? COFFER_POOL_ALIGNMENT
                                                       : COFFER_POOL_ALIGNMENT_LEAST;
    size_t alignment = 1;
    void *address = NULL;
    enum coffer_status status;

    switch (random_below(&m->random, 4)) {
    case 0:
        alignment = (size_t)1 << random_below(&m->random, 13);
        status = coffer_pool_alloc_aligned(m->f.pool, size, alignment, &address);
        break;
    case 1:
        status = coffer_pool_alloc_zeroed(m->f.pool, size, &address);
        assert_true(status != COFFER_OK || bytes_are_zero(address, size));
        break;
    default:
        status = coffer_pool_alloc(m->f.pool, size, &address);
        assert_true(status != COFFER_OK || !m->settings.zero ||
                    bytes_are_zero(address, coffer_pool_usable_size(m->f.pool, address)));
    }
    if (status == COFFER_OK)
        model_add(m, block, address, size, alignment > natural ? alignment : natural);
    else
        assert_int_equal(status, COFFER_NO_MEMORY);
}

static void model_forget(struct model *m, struct block *block)
{
    /* Whoever wrote into this block meanwhile overlaps it. */
    assert_true(filled_with(block->address, block->size, block->pattern));
    m->bytes -= block->size;
    m->count--;
}

static void model_free(struct model *m, struct block *block)
{
    model_forget(m, block);
    if (random_below(&m->random, 8) == 0)
        assert_status(coffer_pool_free(m->f.pool, block->address + 1 +
                                                      random_below(&m->random, block->size - 1)),
                      COFFER_MISUSE);
    assert_ok(coffer_pool_free(m->f.pool, block->address));
    assert_int_equal(coffer_pool_usable_size(m->f.pool, block->address), 0);
    assert_status(coffer_pool_free(m->f.pool, block->address), COFFER_MISUSE);
    block->address = NULL;
}

static void model_realloc(struct model *m, struct block *block)
{
    size_t size = random_size(m);
    size_t kept = size < block->size ? size : block->size;
    struct block old = *block;
    void *address = NULL;
    enum coffer_status status;

    model_forget(m, block);
    status = coffer_pool_realloc(m->f.pool, block->address, size, &address);
    if (status != COFFER_OK) {
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_true(filled_with(block->address, block->size, block->pattern));
        m->bytes += block->size;
        m->count++;
        return;
    }
    assert_true(filled_with(address, kept, old.pattern));
    model_add(m, block, address, size, old.alignment);
}

struct walked {
    uint64_t blocks, bytes;
};

static bool visit(void *context, const void *block, size_t size, bool used)
{
    struct walked *walked = context;

    assert_non_null(block);
    walked->blocks += used;
    walked->bytes += used ? size : 0;
    return true;
}

static void model_check(struct model *m)
{
    struct coffer_pool_statistics s;
    struct walked walked = {0};

    pool_fixture_check(&m->f);
    coffer_pool_statistics(m->f.pool, &s);
    assert_int_equal(s.blocks, m->count);
    assert_int_equal(s.used, m->bytes);
    assert_int_equal(s.poisoned, 0);
    assert_true(s.used_peak >= s.used);
    coffer_pool_walk(m->f.pool, visit, &walked);
    assert_int_equal(walked.blocks, m->count);
    assert_int_equal(walked.bytes, m->bytes);
}

static void model_run(struct model *m, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        struct block *block = &m->blocks[random_below(&m->random, BLOCKS_MAX)];

        if (block->address == NULL)
            model_alloc(m, block);
        else if (random_below(&m->random, 4) == 0)
            model_realloc(m, block);
        else
            model_free(m, block);
        if (random_below(&m->random, 1000) == 0)
            (void)coffer_pool_shrink(m->f.pool);
        if (i % 1024 == 0)
            model_check(m);
    }
    for (unsigned i = 0; i < BLOCKS_MAX; i++) {
        if (m->blocks[i].address != NULL)
            model_free(m, &m->blocks[i]);
    }
    model_check(m);
}

struct setting {
    struct coffer_pool_settings settings;
    size_t region; /* bytes; 0: frames */
    size_t shift;
    size_t size_max;
};

static const struct setting settings[] = {
    {.size_max = 200000},
    {.settings = {.zero = true}, .size_max = 200000},
    {.settings = {.poison = true}, .size_max = 20000},
    {.settings = {.quarantine = 100}, .size_max = 20000},
    {.settings = {.zero = true, .quarantine = 7, .random = true, .guards = true},
     .size_max = 90000},
    {.settings = {.poison = true, .quarantine = 1000, .random = true}, .size_max = 20000},
    {.region = 3000000, .shift = 40, .size_max = 100000},
    {.region = 60000, .shift = 4000, .size_max = 3000},
    {.region = 262144, .shift = 100, .size_max = 1000},
    {.settings = {.poison = true, .quarantine = 30}, .region = 262144, .size_max = 1000},
    {.settings = {.zero = true}, .region = 400000, .size_max = 9000},
    {.settings = {.expand = true}, .region = 200000, .shift = 8, .size_max = 100000},
    {.settings = {.expand = true, .frames_max = 100, .zero = true},
     .region = 200000,
     .size_max = 10000},
    {.settings = {.policy = COFFER_POOL_LITTLE}, .region = 65536, .size_max = 3000},
    {.settings = {.policy = COFFER_POOL_LITTLE, .zero = true, .quarantine = 20},
     .region = 9001,
     .shift = 3,
     .size_max = 500},
    {.settings = {.policy = COFFER_POOL_LITTLE, .poison = true},
     .region = 30000,
     .shift = 5,
     .size_max = 700},
};

static void run_all(const struct coffer_port *port, const char *name)
{
    unsigned steps = getenv("COFFER_DEEP") != NULL ? 1000000 : 12000;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct model *m = must_alloc(sizeof(*m));
        const struct setting *s = &settings[i];

        if (s->settings.random && port == NULL) {
            free(m);
            continue;
        }
        memset(m, 0, sizeof(*m));
        random_init(&m->random, name);
        m->random.state += i;
        m->settings = s->settings;
        m->size_max = s->size_max;
        pool_fixture_init(&m->f, 4000, port);
        if (s->region > 0)
            pool_fixture_region(&m->f, s->region, s->shift);
        assert_ok(pool_fixture_open(&m->f, s->settings, port));
        model_run(m, steps);
        pool_fixture_fini(&m->f);
        free(m);
    }
}

static void test_pools_against_a_list_of_blocks(void **state)
{
    (void)state;
    run_all(NULL, __func__);
}

static void test_pools_with_magazines_against_a_list_of_blocks(void **state)
{
    (void)state;
    run_all(coffer_linux_port(), __func__);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_against_a_list_of_blocks),
        cmocka_unit_test(test_pools_with_magazines_against_a_list_of_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
