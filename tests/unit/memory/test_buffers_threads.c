/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers from several threads: handed from one to another through a few places, given by whoever
 * has the last reference, trimmed under way, in a memory that is too small for all. A buffer that
 * two have, or that goes home too early, shows in its contents.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "coffer/linux.h"
#include "memory/heap/buffers.h"
#include "support/frames.h"
#include "support/must.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS    6u
#define FRAMES     160u
#define PLACES     12u
#define STEPS      3000u
#define DEEP_STEPS 200000u

struct arena {
    struct frames *frames;
    struct account account;
    struct account_line lines[4];
    struct buffers buffers;
    _Atomic(struct buffer *) places[PLACES]; /* each holds a reference to what is in it */
    atomic_uint lent, returned;
    uint8_t lent_bytes[THREADS][64];
};

struct worker {
    struct arena *arena;
    struct random random;
    unsigned number;
    uint64_t taken, refused;
};

static _Alignas(FRAME_SIZE) uint8_t region[FRAMES * FRAME_SIZE];

/* All bytes of a buffer are the same, and not zero. */
static void check(const struct buffer *buffer)
{
    must(buffer->bytes[0] != 0);
    for (size_t i = 0; i < buffer->size; i += 61)
        must(buffer->bytes[i] == buffer->bytes[0]);
}

static void take_back(void *context, uint8_t *bytes, size_t size)
{
    struct arena *arena = context;

    must(bytes[0] != 0 && bytes[size - 1] == bytes[0]);
    memset(bytes, 0, size);
    atomic_fetch_add(&arena->returned, 1);
}

/* A new buffer, or none. */
static struct buffer *begin(struct worker *worker)
{
    struct arena *arena = worker->arena;
    size_t size = 1 +
                  random_below(&worker->random, (uint64_t)512 << random_below(&worker->random, 7));
    struct buffer *buffer;
    enum coffer_status status = buffers_take(&arena->buffers, size, &buffer);

    if (status != COFFER_OK) {
        must(status == COFFER_NO_MEMORY);
        worker->refused++;
        return NULL;
    }
    must(buffer->size >= size && bytes_are_zero(buffer->bytes, buffer->size));
    memset(buffer->bytes, (int)(1 + random_below(&worker->random, 255)), buffer->size);
    worker->taken++;
    return buffer;
}

/* Put one into a place, and have what was there. */
static void exchange(struct worker *worker, struct buffer *buffer)
{
    struct arena *arena = worker->arena;
    unsigned place = (unsigned)random_below(&worker->random, PLACES);
    struct buffer *old = atomic_exchange(&arena->places[place], buffer);

    if (old == NULL)
        return;
    check(old);
    if (random_below(&worker->random, 2) == 0) {
        must(buffers_hold(&arena->buffers, old) == COFFER_OK);
        must(buffers_give(&arena->buffers, old) == COFFER_OK);
        check(old);
    }
    must(buffers_give(&arena->buffers, old) == COFFER_OK);
}

/* Shared by a place and this thread: both give, in whatever order. */
static void share(struct worker *worker)
{
    struct arena *arena = worker->arena;
    struct buffer *buffer = begin(worker);

    if (buffer == NULL)
        return;
    must(buffers_hold(&arena->buffers, buffer) == COFFER_OK);
    exchange(worker, buffer);
    check(buffer);
    must(buffers_give(&arena->buffers, buffer) == COFFER_OK);
}

static void lend(struct worker *worker)
{
    struct arena *arena = worker->arena;
    uint8_t *bytes = arena->lent_bytes[worker->number];
    struct buffer *buffer;
    unsigned before = atomic_load(&arena->returned);

    memset(bytes, 9, sizeof(arena->lent_bytes[0]));
    if (buffers_lend(&arena->buffers, bytes, sizeof(arena->lent_bytes[0]), take_back, arena,
                     &buffer) != COFFER_OK)
        return;
    atomic_fetch_add(&arena->lent, 1);
    check(buffer);
    must(buffers_hold(&arena->buffers, buffer) == COFFER_OK);
    must(buffers_give(&arena->buffers, buffer) == COFFER_OK);
    must(bytes[0] == 9);
    must(buffers_give(&arena->buffers, buffer) == COFFER_OK);
    must(bytes[0] == 0 && atomic_load(&arena->returned) > before);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct arena *arena = worker->arena;
    unsigned steps = getenv("COFFER_DEEP") != NULL ? DEEP_STEPS : STEPS;
    struct buffers_statistics statistics;

    for (unsigned step = 0; step < steps; step++) {
        switch (random_below(&worker->random, 16)) {
        case 0:
            (void)buffers_trim(&arena->buffers, random_below(&worker->random, 100000));
            break;
        case 1:
            lend(worker);
            break;
        case 2:
            must(buffers_give(&arena->buffers, (struct buffer *)(void *)region) == COFFER_MISUSE);
            buffers_statistics(&arena->buffers, &statistics);
            must(statistics.frames <= FRAMES && statistics.held <= PLACES + 2 * THREADS);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            share(worker);
            break;
        default:
            exchange(worker, begin(worker));
        }
    }
}

static void check_end(struct arena *arena, const struct worker *workers, uint64_t free_frames)
{
    struct buffers_statistics numbers;
    uint64_t taken = 0, refused = 0;

    for (unsigned i = 0; i < PLACES; i++) {
        struct buffer *buffer = atomic_load(&arena->places[i]);

        if (buffer != NULL)
            assert_int_equal(buffers_give(&arena->buffers, buffer), COFFER_OK);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        taken += workers[i].taken;
        refused += workers[i].refused;
    }
    assert_true(buffers_are_valid(&arena->buffers));
    buffers_statistics(&arena->buffers, &numbers);
    assert_int_equal(numbers.hits + numbers.misses + numbers.large, taken + refused);
    assert_int_equal(numbers.lent, atomic_load(&arena->lent));
    assert_int_equal(numbers.lent, atomic_load(&arena->returned));
    assert_int_equal(numbers.held, 0);
    assert_true(refused > 0 && numbers.hits > 0);
    buffers_fini(&arena->buffers);
    assert_int_equal(frames_statistics(arena->frames).free, free_frames);
    assert_true(frames_is_valid(arena->frames));
    assert_int_equal(arena->account.wrong_frees, 0);
}

static void test_handed_from_thread_to_thread(void **state)
{
    static struct arena arena;
    static struct worker workers[THREADS];
    const struct coffer_port *port = coffer_linux_port();
    const struct memory_area area = {region, sizeof(region)};
    const struct frames_settings frames_settings = {.port = port, .cache_frames = 4};
    struct buffers_settings settings = {.port = port, .idle_max = {20000, 40000, 70000}};
    uint64_t free_frames;

    (void)state;
    memset(&arena, 0, sizeof(arena));
    memset(workers, 0, sizeof(workers));
    account_init(&arena.account, arena.lines, 4);
    assert_int_equal(start_frames(&area, 1, &frames_settings, &arena.account, &arena.frames),
                     COFFER_OK);
    assert_int_equal(account_open_owner(&arena.account, "buffers", &settings.owner), COFFER_OK);
    assert_int_equal(account_set_quota(&arena.account, settings.owner, 60), COFFER_OK);
    free_frames = frames_statistics(arena.frames).free;
    settings.frames = arena.frames;
    assert_int_equal(buffers_init(&arena.buffers, &settings), COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.arena = &arena, .number = i};
        random_init(&workers[i].random, "buffers_threads");
        workers[i].random.state += i;
    }
    threads_run(work, workers, THREADS);
    check_end(&arena, workers, free_frames);
    frames_fini(arena.frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handed_from_thread_to_thread),
    };

    return cmocka_run_group_tests_name("buffers: threads", tests, NULL, NULL);
}
