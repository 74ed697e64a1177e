/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from several threads at once: runs that overlap show in their contents, and when all is
 * over every frame is back and every count exact.
 */
#include "fixture.h"

#include <stdatomic.h>

#include "base/bytes.h"
#include "coffer/linux_memory.h"
#include "memory/frames/kept.h"
#include "memory/frames/lookup.h"
#include "support/frames.h"
#include "support/random.h"
#include "support/threads.h"

#define THREADS_MAX 4u
#define SLOTS       24u
#define FRAMES      700u
#define RACES       20u

struct arena {
    struct frames *frames;
    struct account account;
    struct account_line lines[8];
    struct owner owners[2];
    uint8_t *prize; /* a run that all threads try to give at once */
    atomic_uint arrived;
    atomic_uint winners;
    atomic_uint told;
};

struct worker {
    struct arena *arena;
    struct random random;
    unsigned number;
    unsigned threads;
    unsigned steps;
    bool ok;
    uint64_t takes;
};

/* A worker doesn't use cmocka, whose failures jump. */
static void expect(struct worker *worker, bool fact)
{
    worker->ok = worker->ok && fact;
}

struct run {
    uint8_t *address;
    size_t count;
};

static void stamp(const struct run *run, uint8_t byte)
{
    for (size_t i = 0; i < run->count; i++)
        memset(run->address + i * FRAME_SIZE, byte, 64);
}

static bool is_stamped(const struct run *run, uint8_t byte)
{
    for (size_t i = 0; i < run->count * FRAME_SIZE; i += FRAME_SIZE) {
        if (run->address[i] != byte || run->address[i + 63] != byte)
            return false;
    }
    return true;
}

static void worker_take(struct worker *worker, struct run *run)
{
    struct arena *arena = worker->arena;
    struct owner owner = arena->owners[worker->number % 2];
    size_t count = (size_t)1 +
                   random_below(&worker->random, (uint64_t)1 << random_below(&worker->random, 7));
    size_t alignment = (size_t)1 << random_below(&worker->random, 4);
    void *address;

    if (random_below(&worker->random, 2) == 0)
        count = alignment = 1;
    if (frames_take_aligned(arena->frames, owner, count, alignment, &address) != COFFER_OK)
        return;
    *run = (struct run){address, count};
    expect(worker, (uintptr_t)address % (alignment * FRAME_SIZE) == 0);
    expect(worker, bytes_are_zero(address, count * FRAME_SIZE));
    stamp(run, (uint8_t)(worker->number + 1));
    worker->takes++;
    if (count > 2)
        expect(worker,
               frames_set_tag(arena->frames, run->address, count, worker->number + 1) == COFFER_OK);
}

static void worker_change(struct worker *worker, struct run *run)
{
    struct frames *frames = worker->arena->frames;
    uint8_t byte = (uint8_t)(worker->number + 1);

    expect(worker, is_stamped(run, byte));
    switch (random_below(&worker->random, 7)) {
    case 0:
        expect(worker, frames_hold(frames, run->address) == COFFER_OK);
        expect(worker, frames_give(frames, run->address) == COFFER_OK);
        expect(worker, is_stamped(run, byte));
        break;
    case 1:
        expect(worker, frames_query(frames, run->address).run == run->count);
        expect(worker, frames_give(frames, run->address + 1) == COFFER_MISUSE);
        if (run->count > 2)
            expect(worker, frames_tag(frames, run->address + FRAME_SIZE) == byte);
        break;
    default:
        expect(worker, frames_give(frames, run->address) == COFFER_OK);
        run->address = NULL;
    }
}

static void meet(struct worker *worker, unsigned times)
{
    atomic_fetch_add(&worker->arena->arrived, 1);
    while (atomic_load(&worker->arena->arrived) < times * worker->threads)
        coffer_linux_port()->thread_yield(NULL);
}

/* All threads give one run, which takes long to wipe; nobody takes until all have tried. */
static void race(struct worker *worker)
{
    struct arena *arena = worker->arena;

    for (unsigned round = 0; round < RACES; round++) {
        if (worker->number == 0) {
            expect(worker, frames_take(arena->frames, arena->owners[0], 256,
                                       (void **)&arena->prize) == COFFER_OK);
            worker->takes++;
        }
        meet(worker, 2 * round + 1);
        if (frames_give(arena->frames, arena->prize) == COFFER_OK)
            atomic_fetch_add(&arena->winners, 1);
        meet(worker, 2 * round + 2);
    }
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct run runs[SLOTS] = {{NULL, 0}};
    struct run span;

    race(worker);
    for (unsigned i = 0; i < worker->steps; i++) {
        struct run *run = &runs[random_below(&worker->random, SLOTS)];

        if (run->address == NULL)
            worker_take(worker, run);
        else
            worker_change(worker, run);
        if (i % 64 == 0 && frames_take_kept(worker->arena->frames, worker->arena->owners[0], 2,
                                            FRAMES_BLOCK, 7, (void **)&span.address) == COFFER_OK) {
            expect(worker, frames_give(worker->arena->frames, span.address) == COFFER_MISUSE);
            frames_give_kept(worker->arena->frames, span.address);
        }
        if (i % 512 == 0)
            expect(worker, frames_is_valid(worker->arena->frames));
        if (i % 200 == 0)
            expect(worker, frames_statistics(worker->arena->frames).total == FRAMES);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (runs[i].address != NULL)
            expect(worker, frames_give(worker->arena->frames, runs[i].address) == COFFER_OK);
    }
}

static bool watch(void *context, enum frames_level level)
{
    struct arena *arena = context;

    (void)level;
    atomic_fetch_add(&arena->told, 1);
    return false;
}

static void run_threads(unsigned threads, unsigned cache_frames)
{
    static struct arena arena;
    static struct worker workers[THREADS_MAX];
    struct frames_settings settings = {.port = coffer_linux_port(), .cache_frames = cache_frames};
    struct buffer buffer = buffer_make(FRAMES, (size_t)1 << 22);
    struct memory_area area = {buffer.start, buffer.size};
    uint64_t takes = 0;
    uint64_t free;
    uint64_t counted = 0;

    memset(&arena, 0, sizeof(arena));
    account_init(&arena.account, arena.lines, 8);
    assert_ok(start_frames(&area, 1, &settings, &arena.account, &arena.frames));
    assert_ok(account_open_owner(&arena.account, "even", &arena.owners[0]));
    assert_ok(account_open_owner(&arena.account, "odd", &arena.owners[1]));
    assert_ok(account_set_quota(&arena.account, arena.owners[1], 300));
    assert_ok(frames_set_watermarks(arena.frames, 100, 200, watch, &arena));
    free = frames_statistics(arena.frames).free;

    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.arena = &arena, .number = i, .threads = threads, .ok = true};
        workers[i].steps = getenv("COFFER_DEEP") != NULL ? 200000 : 2500;
        random_init(&workers[i].random, "frames_threads");
        workers[i].random.state += i;
    }
    threads_run(work, workers, threads);
    for (unsigned i = 0; i < threads; i++) {
        assert_true(workers[i].ok);
        takes += workers[i].takes;
    }

    assert_int_equal(atomic_load(&arena.winners), RACES);
    assert_true(frames_is_valid(arena.frames));
    assert_int_equal(frames_statistics(arena.frames).free, free);
    for (unsigned i = 0; i < 2; i++) {
        const struct account_line *line = &arena.lines[arena.owners[i].index];

        assert_int_equal(line->frames, 0);
        assert_int_equal(line->run_takes, line->run_gives);
        counted += line->run_takes;
    }
    assert_int_equal(counted, takes);
    assert_true(arena.lines[arena.owners[1].index].frames_peak <= 300);
    assert_true(atomic_load(&arena.told) >= frames_statistics(arena.frames).low_events);
    frames_fini(arena.frames);
    assert_int_equal(arena.account.frames_used, 0);
    buffer_free(&buffer);
}

static void test_two_threads(void **state)
{
    (void)state;
    run_threads(2, 0);
}

static void test_four_threads(void **state)
{
    (void)state;
    run_threads(4, 0);
}

static void test_four_threads_with_caches(void **state)
{
    (void)state;
    run_threads(4, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_four_threads),
        cmocka_unit_test(test_four_threads_with_caches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
