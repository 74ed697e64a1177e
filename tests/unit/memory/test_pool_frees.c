/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wrong frees, in every kind of pool: each way through free has its own checks. Double, interior,
 * stale (the span went home), foreign (of another pool, of the frames, of the stack) and forged (a
 * pool's own records); by the thread that allocated and by another one.
 */
#include "fixture.h"

#include "coffer/linux.h"
#include "support/pools.h"
#include "support/threads.h"

#define MANY 300u

enum way {
    WAY_ALONE,    /* no port */
    WAY_NEAR,     /* the thread's slot lies at an offset */
    WAY_ASKING,   /* the port is asked for it */
    WAY_SLOTLESS, /* no thread has one */
    WAY_COUNT,
};

struct kind {
    struct coffer_pool_settings settings;
    size_t region;      /* bytes; 0: frames */
    size_t frame_count; /* of the memory */
};

static const struct kind kinds[] = {
    {.frame_count = 2000},
    {.frame_count = 200}, /* patches */
    {.region = 4u << 20, .frame_count = 32},
    {.region = 262144, .frame_count = 32}, /* patches */
    {.settings = {.expand = true}, .region = 65536, .frame_count = 2000},
    {.settings = {.zero = true}, .frame_count = 2000},
    {.settings = {.poison = true}, .region = 262144, .frame_count = 32},
    {.settings = {.quarantine = 5}, .frame_count = 2000},
    {.settings = {.guards = true}, .frame_count = 2000},
    {.settings = {.random = true}, .frame_count = 2000},
};

static unsigned no_slot(void *context)
{
    (void)context;
    return PORT_SLOTS_MAX;
}

static const struct coffer_port *port_for(enum way way, struct coffer_port *port)
{
    *port = *coffer_linux_port();
    if (way == WAY_ALONE)
        return NULL;
    if (way != WAY_NEAR)
        port->thread_slot_offset = 0;
    if (way == WAY_SLOTLESS)
        port->thread_slot = no_slot;
    return port;
}

struct attempt {
    struct coffer_pool *pool;
    void *address;
    enum coffer_status status;
};

static void free_elsewhere(void *argument)
{
    struct attempt *attempt = argument;

    attempt->status = coffer_pool_free(attempt->pool, attempt->address);
}

static enum coffer_status free_by_another(struct coffer_pool *pool, void *address)
{
    struct attempt attempt = {pool, address, COFFER_OK};
    struct thread thread;

    thread_start(&thread, free_elsewhere, &attempt);
    thread_join(&thread);
    return attempt.status;
}

/* What is counted stays as it was, but for one wrong free more. */
static void refused(struct pool_fixture *f, void *address, bool by_another)
{
    struct coffer_pool_statistics before, after;

    coffer_pool_statistics(f->pool, &before);
    assert_status(by_another ? free_by_another(f->pool, address)
                             : coffer_pool_free(f->pool, address),
                  COFFER_MISUSE);
    coffer_pool_statistics(f->pool, &after);
    before.wrong_frees++;
    assert_memory_equal(&before, &after, sizeof(before));
}

static void refused_by_all(struct pool_fixture *f, enum way way, void *address)
{
    refused(f, address, false);
    if (way != WAY_ALONE)
        refused(f, address, true);
}

static void *take(struct coffer_pool *pool, size_t size)
{
    void *block = NULL;

    assert_ok(coffer_pool_alloc(pool, size, &block));
    return block;
}

/* A block of another pool, and when it was one. */
static void foreign_frees_of(struct pool_fixture *f, struct coffer_pool *other, enum way way,
                             size_t size)
{
    void *block = NULL;

    if (coffer_pool_alloc(other, size, &block) != COFFER_OK)
        return;
    refused_by_all(f, way, block);
    assert_ok(coffer_pool_free(other, block));
    refused_by_all(f, way, block);
}

/* Of one size: while the block is allocated, and when it is free. */
static void wrong_frees_of(struct pool_fixture *f, enum way way, size_t size)
{
    uint8_t *block = take(f->pool, size);
    uint8_t *neighbour = take(f->pool, size);
    size_t usable = coffer_pool_usable_size(f->pool, block);

    refused_by_all(f, way, block + 1);
    refused_by_all(f, way, block + 8);
    refused_by_all(f, way, block + usable / 2);
    refused_by_all(f, way, block + usable - 1);
    refused_by_all(f, way, block + ((uintptr_t)1 << 40));

    assert_ok(coffer_pool_free(f->pool, block));
    refused_by_all(f, way, block);
    assert_ok(way == WAY_ALONE ? coffer_pool_free(f->pool, neighbour)
                               : free_by_another(f->pool, neighbour));
    refused_by_all(f, way, neighbour);
    refused_by_all(f, way, block);
}

/* So many blocks that spans, areas and patches come and go home: no address is a block after. */
static void stale_frees_of(struct pool_fixture *f, enum way way, size_t size)
{
    void *blocks[MANY];
    unsigned count = 0;

    while (count < MANY && coffer_pool_alloc(f->pool, size, &blocks[count]) == COFFER_OK)
        count++;
    assert_true(count > 1);
    for (unsigned i = 0; i < count; i++)
        assert_ok(coffer_pool_free(f->pool, blocks[i]));
    for (unsigned i = 0; i < count; i += 1 + count / 40)
        refused_by_all(f, way, blocks[i]);
    (void)coffer_pool_shrink(f->pool);
    for (unsigned i = 0; i < count; i += 1 + count / 40)
        refused_by_all(f, way, blocks[i]);
}

static void forged_frees(struct pool_fixture *f, enum way way)
{
    uintptr_t frame = (uintptr_t)f->pool & ~(uintptr_t)4095;
    void *run = NULL;
    int local;

    refused(f, NULL, false);
    refused_by_all(f, way, &local);
    refused_by_all(f, way, (void *)UINTPTR_MAX);
    for (uintptr_t at = frame; at < frame + 4096; at += 64)
        refused(f, (void *)at, false);
    assert_ok(frames_take(f->frames, f->owner, 2, &run));
    refused_by_all(f, way, run);
    assert_ok(frames_give(f->frames, run));
    refused_by_all(f, way, run);
}

static void wrong_frees(const struct kind *kind, enum way way)
{
    static const size_t sizes[] = {16, 24, 64, 200, 1000, 1040, 3000, 8192, 12000};
    struct coffer_port port;
    const struct coffer_port *wanted = port_for(way, &port);
    const struct coffer_pool_settings plain = {.name = NULL};
    struct pool_fixture f, other;
    struct pool_host host;
    struct coffer_pool *sibling; /* in the same frames */

    pool_fixture_init(&f, kind->frame_count, wanted);
    if (kind->region > 0)
        pool_fixture_region(&f, kind->region, 0);
    assert_ok(pool_fixture_open(&f, kind->settings, wanted));
    host = (struct pool_host){.frames = f.frames, .account = &f.account, .owner = f.owner};
    assert_ok(pool_open(&host, &plain, &sibling));
    pool_fixture_init(&other, 1000, NULL);
    assert_ok(pool_fixture_open(&other, plain, NULL));
    forged_frees(&f, way);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        wrong_frees_of(&f, way, sizes[i]);
        foreign_frees_of(&f, other.pool, way, sizes[i]);
        foreign_frees_of(&f, sibling, way, sizes[i]);
        stale_frees_of(&f, way, sizes[i]);
        pool_fixture_check(&f);
    }
    if (kind->frame_count == 2000) {
        wrong_frees_of(&f, way, 100000);
        foreign_frees_of(&f, sibling, way, 100000);
        stale_frees_of(&f, way, 100000);
    }
    pool_fixture_fini(&other);
    pool_close(sibling);
    pool_fixture_fini(&f);
}

static void each_kind(enum way way)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!kinds[i].settings.random || way != WAY_ALONE)
            wrong_frees(&kinds[i], way);
    }
}

static void test_alone(void **state)
{
    (void)state;
    each_kind(WAY_ALONE);
}

static void test_with_slots_near(void **state)
{
    (void)state;
    each_kind(WAY_NEAR);
}

static void test_with_slots_asked_for(void **state)
{
    (void)state;
    each_kind(WAY_ASKING);
}

static void test_without_slots(void **state)
{
    (void)state;
    each_kind(WAY_SLOTLESS);
}

/* --- Freed while it moves ---------------------------------------------------------------- */

struct meanwhile {
    struct coffer_pool *pool;
    void *block;
    enum coffer_status status;
};

/* Asked whether frames may be taken, it frees the block: as another thread may at this moment. */
static bool free_meanwhile(void *argument, struct owner owner, size_t size)
{
    struct meanwhile *meanwhile = argument;
    void *block = meanwhile->block;

    (void)owner;
    (void)size;
    meanwhile->block = NULL;
    if (block != NULL)
        meanwhile->status = coffer_pool_free(meanwhile->pool, block);
    return false;
}

static void realloc_meanwhile(const struct kind *kind, enum way way, size_t size)
{
    struct coffer_port storage;
    const struct coffer_port *port = port_for(way, &storage);
    struct coffer_pool_statistics s;
    struct pool_fixture f;
    struct meanwhile meanwhile = {.status = COFFER_IO};
    void *out = &f;
    void *block;

    pool_fixture_init(&f, kind->frame_count, port);
    assert_ok(pool_fixture_open(&f, kind->settings, port));
    block = take(f.pool, size);
    meanwhile.pool = f.pool;
    meanwhile.block = block;
    account_set_refuse(&f.account, free_meanwhile, &meanwhile);
    assert_status(coffer_pool_realloc(f.pool, block, 200000, &out), COFFER_MISUSE);
    account_set_refuse(&f.account, NULL, NULL);
    assert_ok(meanwhile.status);
    assert_ptr_equal(out, &f);
    coffer_pool_statistics(f.pool, &s);
    assert_int_equal(s.wrong_frees, 1);
    pool_fixture_fini(&f);
}

static void test_realloc_of_a_block_that_is_freed_meanwhile_gives_nothing(void **state)
{
    static const size_t sizes[] = {100, 5000, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (size_t k = 0; k < 3 && kinds[i].region == 0; k++) {
            if (!kinds[i].settings.random)
                realloc_meanwhile(&kinds[i], WAY_ALONE, sizes[k]);
            realloc_meanwhile(&kinds[i], WAY_NEAR, sizes[k]);
        }
    }
}

/* A user of the `which`-th block with no other behind it writes `size` bytes there, where a
 * descriptor may lie, or a patch's head (the pool's own frame is left out: nothing can make up for
 * that). What was described there is refused from then on; nothing traps, nothing outside is
 * touched. False: there is no such block. */
static bool overflow(size_t block_size, unsigned which, size_t size, int value, unsigned *refused)
{
    static uint8_t *taken[20000];
    struct coffer_pool_statistics seen;
    struct pool_fixture f;
    unsigned count = 0, places = 0, before = *refused;
    uint8_t *behind = NULL;
    void *block;

    pool_fixture_init(&f, 32, NULL);
    pool_fixture_region(&f, 262144, 0);
    assert_ok(pool_fixture_open(&f, (struct coffer_pool_settings){.name = NULL}, NULL));
    while (coffer_pool_alloc(f.pool, block_size, &block) == COFFER_OK)
        taken[count++] = block;
    for (unsigned i = 0; i < count && places <= which; i++) {
        behind = taken[i] + coffer_pool_usable_size(f.pool, taken[i]);
        places += behind + size <= (uint8_t *)f.region + f.region_size &&
                  (uintptr_t)behind / 4096 != (uintptr_t)f.pool / 4096 &&
                  coffer_pool_usable_size(f.pool, behind) == 0;
    }
    if (places > which) {
        memset(behind, value, size);
        for (unsigned i = 0; i < count; i++) {
            enum coffer_status status = coffer_pool_free(f.pool, taken[i]);

            assert_true(status == COFFER_OK || status == COFFER_MISUSE);
            *refused += status != COFFER_OK;
        }
        if (*refused > before)
            assert_false(coffer_pool_check(f.pool, NULL));
        coffer_pool_statistics(f.pool, &seen);
        (void)coffer_pool_largest_free(f.pool);
        while (coffer_pool_alloc(f.pool, block_size, &block) == COFFER_OK)
            memset(block, 0, block_size);
        (void)coffer_pool_shrink(f.pool);
    }
    coffer_pool_close(f.pool);
    assert_true(buffer_is_untouched_outside(&f.outside, f.region, f.region_size));
    frames_fini(f.frames);
    buffer_free(&f.outside);
    buffer_free(&f.buffer);
    return places > which;
}

static void test_overwritten_descriptors_are_no_trap(void **state)
{
    static const int values[] = {0, 1, 0x41, 0xff};
    unsigned refused = 0;

    (void)state;
    for (size_t block_size = 64; block_size <= 512; block_size *= 8) {
        for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            for (size_t size = 16; size <= 64; size *= 4) {
                for (unsigned which = 0; overflow(block_size, which, size, values[i], &refused);)
                    which++;
            }
        }
    }
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_with_slots_near),
        cmocka_unit_test(test_with_slots_asked_for),
        cmocka_unit_test(test_without_slots),
        cmocka_unit_test(test_realloc_of_a_block_that_is_freed_meanwhile_gives_nothing),
        cmocka_unit_test(test_overwritten_descriptors_are_no_trap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
