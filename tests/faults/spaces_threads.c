/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads on one user space that is eight times as large as secure memory, by checked
 * copies: no update is lost. Each word belongs to one thread, which knows what it last wrote there;
 * pages belong to all of them, so that every page is fought for. Between its accesses a thread also
 * maps, protects, moves, pins and unmaps ranges of its own in the same space, and clones a little
 * space of its own, so that regions and frames come and go all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux_memory.h"
#include "support/must.h"
#include "support/random.h"
#include "support/space_fixture.h"
#include "support/threads.h"

#define PG          ((uintptr_t)COFFER_PAGE_SIZE)
#define RW          (COFFER_READ | COFFER_WRITE)
#define PAGES       (8 * MIB / PG)
#define OWN_PAGES   256u /* beside them, for maps */
#define THREADS_MAX 4u
#define WORDS       4u /* of a page, that a thread has */

struct worker {
    struct space_fixture *fixture;
    struct coffer_space *space;
    uintptr_t start; /* of what all have */
    unsigned number;
    uint64_t steps;
    struct random random;
    uint64_t *model; /* PAGES * WORDS */
    uint64_t maps;
};

static uintptr_t word_at(const struct worker *worker, size_t page, size_t word)
{
    /* Words of different threads lie next to one another. */
    return worker->start + page * PG + (word * 1000 + worker->number) * sizeof(uint64_t) % PG;
}

static void access_word(struct worker *worker)
{
    size_t page = (size_t)random_below(&worker->random, PAGES);
    size_t word = (size_t)random_below(&worker->random, WORDS);
    uint64_t *model = &worker->model[page * WORDS + word];
    uintptr_t at = word_at(worker, page, word);

    must(space_get(worker->space, at) == *model);
    if (random_below(&worker->random, 3) == 0)
        return;
    *model = random_next(&worker->random);
    space_put(worker->space, at, *model);
}

/* A range of its own goes through a life. */
static void map_own(struct worker *worker)
{
    struct coffer_space *space = worker->space;
    uint64_t value = random_next(&worker->random);
    const struct coffer_map map = {
        .size = 6 * PG,
        .rights = RW,
        .flags = random_below(&worker->random, 3) == 0 ? COFFER_MAP_POPULATE : 0,
    };
    uintptr_t at;

    worker->maps++;
    must(coffer_space_map(space, &map, &at) == COFFER_OK);
    for (unsigned i = 0; i < 6; i++) {
        must(space_get(space, at + i * PG) == 0);
        space_put(space, at + i * PG, value + i);
    }
    must(coffer_space_protect(space, at + PG, 2 * PG, COFFER_READ) == COFFER_OK);
    must(coffer_space_write(space, at + PG, &value, 8) == COFFER_MISUSE);
    must(coffer_space_protect(space, at, 6 * PG, RW) == COFFER_OK);
    must(coffer_space_pin(space, at + 4 * PG, 2 * PG) == COFFER_OK);
    must(space_get(space, at + 4 * PG) == value + 4);
    must(coffer_space_unpin(space, at + 4 * PG, 2 * PG) == COFFER_OK);
    must(coffer_space_remap(space, at, 6 * PG, 9 * PG, COFFER_REMAP_MOVE, &at) == COFFER_OK);
    for (unsigned i = 0; i < 9; i++)
        must(space_get(space, at + i * PG) == (i < 6 ? value + i : 0));
    must(coffer_space_unmap(space, at + 2 * PG, PG) == COFFER_OK);
    must(coffer_space_unmap(space, at, 9 * PG) == COFFER_OK);
}

/* A little space and its clone, each with its own. */
static void clone_own(struct worker *worker)
{
    struct coffer_space *mother = space_make(worker->fixture, 16 * PG);
    struct coffer_space_info info[2];
    struct coffer_space *child;
    uintptr_t at = space_map(mother, 8 * PG, RW);

    for (unsigned i = 0; i < 8; i++)
        space_put(mother, at + i * PG, i + 1);
    must(coffer_space_clone(mother, "child", &child) == COFFER_OK);
    coffer_space_info(mother, &info[0]);
    coffer_space_info(child, &info[1]);
    for (unsigned i = 0; i < 8; i += 2)
        space_put(child, at - info[0].base + info[1].base + i * PG, 100);
    for (unsigned i = 0; i < 8; i++) {
        must(space_get(mother, at + i * PG) == i + 1);
        must(space_get(child, at - info[0].base + info[1].base + i * PG) ==
             (i % 2 == 0 ? 100 : i + 1));
    }
    coffer_space_close(mother);
    must(space_get(child, at - info[0].base + info[1].base + PG) == 2);
    coffer_space_close(child);
}

static void work(void *argument)
{
    struct worker *worker = argument;

    for (uint64_t step = 0; step < worker->steps; step++) {
        uint64_t choice = random_below(&worker->random, 100);

        if (choice == 0)
            clone_own(worker);
        else if (choice < 4)
            map_own(worker);
        else
            access_word(worker);
    }
    for (size_t page = 0; page < PAGES; page++) {
        for (size_t word = 0; word < WORDS; word++)
            must(space_get(worker->space, word_at(worker, page, word)) ==
                 worker->model[page * WORDS + word]);
    }
}

static void run(enum space_mmu mmu, unsigned count)
{
    static const struct space_fixture_settings settings = {.memory = MIB, .swap_pages = 2 * PAGES};
    uint64_t steps = getenv("COFFER_DEEP") != NULL ? 400000 : 12000;
    struct coffer_paging_statistics paging;
    struct space_fixture fixture;
    struct worker workers[THREADS_MAX];
    struct coffer_space *space;
    uintptr_t start;

    space_fixture_open(&fixture, mmu, &settings);
    space = space_make(&fixture, (PAGES + OWN_PAGES) * PG);
    start = space_map(space, PAGES * PG, RW);
    /* What threads map is not to be merged with it: the ends of their ranges are their own. */
    (void)space_map(space, PG, 0);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.fixture = &fixture,
                                     .space = space,
                                     .start = start,
                                     .number = i,
                                     .steps = steps / count,
                                     .model = must_alloc(PAGES * WORDS * sizeof(uint64_t))};
        memset(workers[i].model, 0, PAGES * WORDS * sizeof(uint64_t));
        random_init(&workers[i].random, space_mmu_name(mmu));
        workers[i].random.state += i;
    }
    threads_run(work, workers, count);
    must(space_fixture_is_valid(&fixture));
    coffer_paging_statistics(fixture.memory, &paging);
    fprintf(stderr, "%s, %u threads: %llu faults, %llu out, %llu in, %llu copies, %llu waits\n",
            space_mmu_name(mmu), count, (unsigned long long)paging.faults,
            (unsigned long long)paging.page_outs, (unsigned long long)paging.page_ins,
            (unsigned long long)paging.copies, (unsigned long long)paging.waits);
    /* It was paged, not kept. */
    assert_true(paging.page_outs > PAGES && paging.page_ins > PAGES);
    for (unsigned i = 0; i < count; i++)
        free(workers[i].model);
    coffer_space_close(space);
    space_fixture_close(&fixture);
}

static void test_no_update_is_lost_in_software(void **state)
{
    (void)state;
    run(SPACE_SOFTWARE, 1);
    run(SPACE_SOFTWARE, 2);
    run(SPACE_SOFTWARE, 4);
}

static void test_no_update_is_lost_on_linux(void **state)
{
    (void)state;
    run(SPACE_LINUX, 1);
    run(SPACE_LINUX, 2);
    run(SPACE_LINUX, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_update_is_lost_in_software),
        cmocka_unit_test(test_no_update_is_lost_on_linux),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
