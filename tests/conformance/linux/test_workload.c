/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User spaces eight times as large as secure memory, under random reads and writes through plain
 * pointers, from several threads: no update is lost.
 *
 * Each word of a space belongs to one thread, which knows what it last wrote there; pages belong to
 * all of them. So every page is fought for, and a page that came back older, or another's, is seen
 * by whoever reads next.
 */
#include "fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "memory/system/system.h"
#include "support/random.h"
#include "support/threads.h"

#define MEMORY      MIB
#define FACTOR      8u
#define PAGES       (FACTOR * MEMORY / PAGE)
#define THREADS_MAX 4u
#define WORDS       16u /* that a thread has of a page */

struct setup {
    const char *name;
    unsigned threads;
    bool in_memory;
};

struct worker {
    struct coffer_space *space;
    uint8_t *start;
    unsigned number;
    uint64_t steps;
    struct random random;
    uint64_t *model; /* PAGES * WORDS */
    uint64_t wrong;
    enum coffer_status status;
};

static volatile uint64_t *word_at(const struct worker *worker, size_t page, size_t word)
{
    /* Words of different threads lie next to one another. */
    size_t place = word * THREADS_MAX + worker->number;

    return (volatile uint64_t *)(void *)(worker->start + page * PAGE) + place * 7 % (PAGE / 8);
}

static void run(void *argument)
{
    struct worker *worker = argument;

    for (uint64_t step = 0; step < worker->steps; step++) {
        size_t page = (size_t)random_below(&worker->random, PAGES);
        size_t word = (size_t)random_below(&worker->random, WORDS);
        uint64_t *model = &worker->model[page * WORDS + word];
        volatile uint64_t *at = word_at(worker, page, word);

        if (*at != *model)
            worker->wrong++;
        if (random_below(&worker->random, 4) != 0) {
            *model = random_next(&worker->random);
            *at = *model;
        }
    }
}

static void check_all(void *argument)
{
    struct worker *worker = argument;

    for (size_t page = 0; page < PAGES; page++) {
        for (size_t word = 0; word < WORDS; word++)
            worker->wrong += *word_at(worker, page, word) != worker->model[page * WORDS + word];
    }
}

static void work(void *argument)
{
    struct worker *worker = argument;

    worker->status = coffer_space_enter(worker->space, run, worker);
    if (worker->status == COFFER_OK)
        worker->status = coffer_space_enter(worker->space, check_all, worker);
}

static struct coffer_memory *open_memory(const struct setup *setup)
{
    const struct coffer_linux_memory_options options = {
        .memory = MEMORY, .swap_pages = PAGES + 64, .swap_in_memory = setup->in_memory};
    struct coffer_memory *memory;

    must(coffer_linux_memory_open(&options, &memory) == COFFER_OK);
    return memory;
}

static void assert_all_is_back(struct coffer_memory *memory)
{
    struct coffer_paging_statistics paging;

    coffer_paging_statistics(memory, &paging);
    assert_int_equal(paging.active + paging.inactive + paging.pinned + paging.swapped, 0);
    assert_int_equal(paging.slots_used, 0);
    assert_true(spaces_is_valid(memory->spaces));
}

static void run_workload(const struct setup *setup)
{
    struct coffer_memory *memory = open_memory(setup);
    struct worker workers[THREADS_MAX];
    struct coffer_paging_statistics paging;
    uint64_t steps = getenv("COFFER_DEEP") != NULL ? 200000 : 20000;
    struct coffer_space *space;
    uint8_t *start;

    space = make_space(memory, PAGES, &start);
    for (unsigned i = 0; i < setup->threads; i++) {
        workers[i] = (struct worker){.space = space,
                                     .start = start,
                                     .number = i,
                                     .steps = steps / setup->threads,
                                     .model = calloc(PAGES * WORDS, sizeof(uint64_t))};
        must(workers[i].model != NULL);
        random_init(&workers[i].random, setup->name);
        workers[i].random.state += i;
    }
    threads_run(work, workers, setup->threads);
    for (unsigned i = 0; i < setup->threads; i++) {
        assert_ok(workers[i].status);
        assert_int_equal(workers[i].wrong, 0);
        free(workers[i].model);
    }
    assert_true(spaces_is_valid(memory->spaces));
    coffer_paging_statistics(memory, &paging);
    fprintf(stderr,
            "%s: %" PRIu64 " faults, %" PRIu64 " soft, %" PRIu64 " out, %" PRIu64 " in, %" PRIu64
            " second chances\n",
            setup->name, paging.faults, paging.soft_faults, paging.page_outs, paging.page_ins,
            paging.second_chances);
    /* It was paged, not kept. */
    assert_true(paging.page_outs > PAGES && paging.page_ins > PAGES);
    assert_int_equal(paging.out_errors + paging.corrupt_pages, 0);
    coffer_space_close(space);
    assert_all_is_back(memory);
    coffer_memory_close(memory);
}

static void test_no_update_is_lost(void **state)
{
    static const struct setup setups[] = {
        {"one thread, file", 1, false},   {"one thread, memory", 1, true},
        {"two threads, file", 2, false},  {"two threads, memory", 2, true},
        {"four threads, file", 4, false}, {"four threads, memory", 4, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
        run_workload(&setups[i]);
}

/* --- A medium that lies ------------------------------------------------------------------ */

#define SLOTS 512u
#define SLOT  ((size_t)COFFER_SWAP_SLOT_SIZE)

struct liar {
    uint8_t bytes[SLOTS * COFFER_SWAP_SLOT_SIZE];
    uint8_t before[SLOTS * COFFER_SWAP_SLOT_SIZE]; /* as of the write before */
    size_t written;                                /* bytes up to the last slot ever written */
};

static enum coffer_status liar_read(void *context, uint64_t offset, void *bytes, size_t size)
{
    const struct liar *liar = context;

    memcpy(bytes, liar->bytes + offset, size);
    return COFFER_OK;
}

static enum coffer_status liar_write(void *context, uint64_t offset, const void *bytes, size_t size)
{
    struct liar *liar = context;

    memcpy(liar->before + offset, liar->bytes + offset, size);
    memcpy(liar->bytes + offset, bytes, size);
    if (offset + size > liar->written)
        liar->written = offset + size;
    return COFFER_OK;
}

static void tamper(struct liar *liar)
{
    for (size_t at = 5; at < liar->written; at += SLOT)
        liar->bytes[at] ^= 1;
}

static void exchange(struct liar *liar)
{
    for (size_t at = 0; at + 2 * SLOT <= liar->written; at += 2 * SLOT) {
        uint8_t kept[COFFER_SWAP_SLOT_SIZE];

        memcpy(kept, liar->bytes + at, SLOT);
        memcpy(liar->bytes + at, liar->bytes + at + SLOT, SLOT);
        memcpy(liar->bytes + at + SLOT, kept, SLOT);
    }
}

static void roll_back(struct liar *liar)
{
    memcpy(liar->bytes, liar->before, sizeof(liar->bytes));
}

struct lie {
    const char *name;
    void (*tell)(struct liar *liar);
};

struct sweep {
    uint8_t *start;
    size_t pages;
    unsigned round;
    bool reads;
    size_t wrong;
};

static void sweep_pages(void *argument)
{
    struct sweep *sweep = argument;

    for (size_t page = 0; page < sweep->pages; page++) {
        volatile uint32_t *at = (volatile uint32_t *)(void *)(sweep->start + page * PAGE);

        if (sweep->reads)
            sweep->wrong += *at != sweep->round * 1000 + page;
        else
            *at = (uint32_t)(sweep->round * 1000 + page);
    }
}

#define VICTIM_PAGES 100u
#define OTHER_PAGES  8u

static void run_lie(const struct lie *lie)
{
    const struct coffer_linux_memory_options options = {.memory = 64 * PAGE};
    struct liar *liar = calloc(1, sizeof(*liar));
    const struct coffer_swap_settings settings = {
        .ciphers = coffer_linux_ciphers(),
        .medium = {.context = liar, .read = liar_read, .write = liar_write},
        .pages = SLOTS,
    };
    struct coffer_memory *memory;
    struct coffer_paging_statistics paging;
    struct sweep sweep = {.pages = VICTIM_PAGES};
    struct sweep others = {.pages = OTHER_PAGES, .round = 9};
    struct coffer_space *victim;
    struct coffer_space *other;
    uint8_t value;

    must(liar != NULL);
    must(coffer_linux_memory_open(&options, &memory) == COFFER_OK);
    assert_ok(coffer_swap_open(memory, &settings));
    assert_status(coffer_swap_open(memory, &settings), COFFER_EXISTS);
    other = make_space(memory, OTHER_PAGES, &others.start);
    assert_ok(coffer_space_pin(other, (uintptr_t)others.start, OTHER_PAGES * PAGE));
    victim = make_space(memory, VICTIM_PAGES, &sweep.start);
    for (sweep.round = 1; sweep.round <= 3; sweep.round++)
        assert_ok(coffer_space_enter(victim, sweep_pages, &sweep));
    sweep.round = 3;
    sweep.reads = true;
    assert_ok(coffer_space_enter(victim, sweep_pages, &sweep));
    assert_int_equal(sweep.wrong, 0);
    assert_ok(coffer_space_enter(other, sweep_pages, &others));

    lie->tell(liar);
    assert_status(coffer_space_enter(victim, sweep_pages, &sweep), COFFER_CORRUPT);
    assert_int_equal(sweep.wrong, 0); /* nothing false was seen until then */
    assert_status(coffer_space_status(victim), COFFER_CORRUPT);
    assert_status(coffer_space_enter(victim, sweep_pages, &sweep), COFFER_CORRUPT);
    assert_status(coffer_space_read(victim, (uintptr_t)sweep.start, &value, 1), COFFER_CORRUPT);

    /* The others go on. */
    others.reads = true;
    assert_ok(coffer_space_enter(other, sweep_pages, &others));
    assert_int_equal(others.wrong, 0);
    coffer_paging_statistics(memory, &paging);
    assert_true(paging.corrupt_pages > 0);
    coffer_space_close(victim);
    sweep.reads = false;
    victim = make_space(memory, VICTIM_PAGES, &sweep.start);
    assert_ok(coffer_space_enter(victim, sweep_pages, &sweep));
    sweep.reads = true;
    assert_ok(coffer_space_enter(victim, sweep_pages, &sweep));
    assert_int_equal(sweep.wrong, 0);

    coffer_space_close(victim);
    coffer_space_close(other);
    assert_all_is_back(memory);
    coffer_memory_close(memory);
    free(liar);
}

static void test_a_page_that_comes_back_false_kills_its_space_alone(void **state)
{
    static const struct lie lies[] = {
        {"tampered with", tamper}, {"exchanged", exchange}, {"rolled back", roll_back}};

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        fprintf(stderr, "%s\n", lies[i].name);
        run_lie(&lies[i]);
    }
}

/* --- Threads that are cancelled ---------------------------------------------------------- */

#define CANCELLED_PAGES 1024u

struct cancelled {
    struct coffer_space *space;
    uint8_t *start;
    bool finished;
};

static void fill_in_body(void *argument)
{
    const struct cancelled *call = argument;

    for (size_t page = CANCELLED_PAGES / 2; page < CANCELLED_PAGES; page++)
        *(volatile uint8_t *)(call->start + page * PAGE) = 7;
}

static void *be_cancelled(void *argument)
{
    struct cancelled *call = argument;

    must(pthread_cancel(pthread_self()) == 0);
    must(coffer_space_fill(call->space, (uintptr_t)call->start, 7, CANCELLED_PAGES / 2 * PAGE) ==
         COFFER_OK);
    must(coffer_space_enter(call->space, fill_in_body, call) == COFFER_OK);
    call->finished = true;
    pthread_testcancel();
    return NULL;
}

/* It ends between two calls, not in the middle of one with a page on its way. */
static void test_a_thread_is_not_cancelled_in_a_call(void **state)
{
    const struct coffer_linux_memory_options options = {.memory = 128 * PAGE,
                                                        .swap_pages = 2 * CANCELLED_PAGES};
    struct cancelled call = {.finished = false};
    struct coffer_memory *memory;
    pthread_t thread;
    void *result;

    (void)state;
    assert_ok(coffer_linux_memory_open(&options, &memory));
    call.space = make_space(memory, CANCELLED_PAGES, &call.start);
    must(pthread_create(&thread, NULL, be_cancelled, &call) == 0);
    must(pthread_join(thread, &result) == 0);
    assert_true(result == PTHREAD_CANCELED && call.finished);
    for (size_t page = 0; page < CANCELLED_PAGES; page++) {
        uint8_t value;

        assert_ok(coffer_space_read(call.space, (uintptr_t)call.start + page * PAGE, &value, 1));
        assert_int_equal(value, 7);
    }
    coffer_memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_update_is_lost),
        cmocka_unit_test(test_a_page_that_comes_back_false_kills_its_space_alone),
        cmocka_unit_test(test_a_thread_is_not_cancelled_in_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
