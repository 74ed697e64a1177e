/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads count in pages that hardly any memory is there for, while one evicts all the time
 * and the backing store is slow: no count is lost, and a clone taken in the middle of it stays as
 * it was. Nothing is mapped: every access asks for its page. Run under TSan too.
 */
#include "../unit/paging/fixture.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#include "coffer/linux.h"
#include "support/random.h"
#include "support/threads.h"

#define OBJECTS     3u /* the last is a file */
#define PAGES       40u
#define CLONE_READS 30u

struct shared {
    struct paging_fixture f;
    struct fake_file *file;
    struct object *objects[OBJECTS];
    atomic_bool stop;
    atomic_uint clones;
    unsigned ops;
};

struct counter {
    struct shared *shared;
    struct random random;
    uint64_t counts[OBJECTS][PAGES];
};

/* The page's frame, with the lock held. */
static uint64_t *get(struct object *object, uint64_t index, bool write)
{
    struct object_page page;
    enum coffer_status status;

    while ((status = object_get(object, index, write, &page)) == COFFER_BUSY)
        ;
    must(status == COFFER_OK);
    must(!write || page.writable);
    return page.frame;
}

static uint64_t start_value(unsigned object, uint64_t index)
{
    return object == OBJECTS - 1 ? FILE_VALUE(index) : 0;
}

static void count(struct counter *counter, unsigned object, uint64_t index)
{
    struct paging *paging = counter->shared->f.paging;
    uint64_t value;
    uint64_t *frame;

    paging_lock(paging);
    frame = get(counter->shared->objects[object], index, true);
    must(page_is_filled(frame, &value));
    page_fill(frame, value + 1);
    object_mark_dirty(counter->shared->objects[object], index);
    paging_unlock(paging);
    counter->counts[object][index]++;
}

static void look(struct counter *counter, unsigned object, uint64_t index)
{
    struct paging *paging = counter->shared->f.paging;
    uint64_t value;

    paging_lock(paging);
    must(page_is_filled(get(counter->shared->objects[object], index, false), &value));
    paging_unlock(paging);
    must(value - start_value(object, index) >= counter->counts[object][index]);
}

/* What a clone has once been seen to hold it holds to its end. */
static void clone_and_watch(struct counter *counter, unsigned object)
{
    struct paging *paging = counter->shared->f.paging;
    struct object *clone = NULL;
    uint64_t values[PAGES];
    bool seen[PAGES] = {false};

    paging_lock(paging);
    if (object_clone(counter->shared->objects[object], &clone) != COFFER_OK) {
        paging_unlock(paging);
        return;
    }
    paging_unlock(paging);
    for (unsigned i = 0; i < CLONE_READS; i++) {
        uint64_t index = random_below(&counter->random, PAGES);
        uint64_t value;

        paging_lock(paging);
        must(page_is_filled(get(clone, index, false), &value));
        if (seen[index])
            must(value == values[index]);
        seen[index] = true;
        values[index] = value;
        paging_unlock(paging);
        count(counter, object, random_below(&counter->random, PAGES));
    }
    paging_lock(paging);
    object_drop(clone);
    paging_unlock(paging);
    atomic_fetch_add(&counter->shared->clones, 1);
}

static void count_on(void *argument)
{
    struct counter *counter = argument;

    for (unsigned i = 0; i < counter->shared->ops; i++) {
        unsigned object = (unsigned)random_below(&counter->random, OBJECTS);
        uint64_t index = random_below(&counter->random, PAGES);
        uint64_t kind = random_below(&counter->random, 400);

        if (kind == 0 && object < OBJECTS - 1)
            clone_and_watch(counter, object);
        else if (kind == 1)
            (void)fake_sync(&counter->shared->f, counter->shared->objects[object], 0, PAGES);
        else if (kind < 300)
            count(counter, object, index);
        else
            look(counter, object, index);
    }
}

static void evict_on(void *argument)
{
    struct shared *shared = argument;

    while (!atomic_load(&shared->stop)) {
        (void)paging_reclaim(shared->f.paging, 3, (struct owner){0});
        sched_yield();
    }
}

static void check(struct shared *shared, const struct counter *counters, unsigned threads)
{
    assert_true(fake_is_valid(&shared->f));
    for (unsigned object = 0; object < OBJECTS; object++) {
        for (uint64_t index = 0; index < PAGES; index++) {
            uint64_t expected = start_value(object, index);
            uint64_t value;

            for (unsigned i = 0; i < threads; i++)
                expected += counters[i].counts[object][index];
            paging_lock(shared->f.paging);
            assert_true(page_is_filled(get(shared->objects[object], index, false), &value));
            paging_unlock(shared->f.paging);
            assert_int_equal(value, expected);
        }
    }
}

static void run(unsigned threads)
{
    static const struct paging_fixture_settings small = {
        .frames = 56, .slots = 1000, .batch = 4, .low = 4, .high = 8};
    struct paging_fixture_settings settings = small;
    struct shared *shared = must_alloc(sizeof(*shared));
    struct counter *counters = must_alloc(threads * sizeof(*counters));
    struct coffer_paging_statistics s;
    struct thread evictor;

    memset(shared, 0, sizeof(*shared));
    memset(counters, 0, threads * sizeof(*counters));
    settings.port = coffer_linux_port();
    paging_fixture_open(&shared->f, &settings);
    shared->f.maps_nothing = true;
    shared->f.yields = true;
    shared->ops = (getenv("COFFER_DEEP") != NULL ? 400000 : 12000) / threads;
    shared->file = fake_file_make(&shared->f, PAGES, false);
    for (unsigned i = 0; i < OBJECTS; i++)
        shared->objects[i] = fake_object(&shared->f, PAGES,
                                         i == OBJECTS - 1 ? &shared->file->pager : NULL);

    thread_start(&evictor, evict_on, shared);
    for (unsigned i = 0; i < threads; i++) {
        char name[64];

        snprintf(name, sizeof(name), "paging threads %u/%u", i + 1, threads);
        counters[i].shared = shared;
        random_init(&counters[i].random, name);
    }
    threads_run(count_on, counters, threads);
    atomic_store(&shared->stop, true);
    thread_join(&evictor);

    check(shared, counters, threads);
    s = fake_statistics(&shared->f);
    fprintf(stderr,
            "%u threads: %" PRIu64 " out, %" PRIu64 " in, %" PRIu64 " dropped, %" PRIu64
            " copies, %" PRIu64 " waits, %u clones\n",
            threads, s.page_outs, s.page_ins, s.page_drops, s.copies, s.waits,
            atomic_load(&shared->clones));
    assert_true(s.page_outs > 0 && s.page_ins > 0 && s.copies > 0);
    for (unsigned i = 0; i < OBJECTS; i++)
        fake_drop(&shared->f, shared->objects[i]);
    fake_file_free(shared->file);
    paging_fixture_close(&shared->f);
    free(counters);
    free(shared);
}

static void test_one_thread_and_an_evictor(void **state)
{
    (void)state;
    run(1);
}

static void test_two_threads_and_an_evictor(void **state)
{
    (void)state;
    run(2);
}

static void test_four_threads_and_an_evictor(void **state)
{
    (void)state;
    run(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread_and_an_evictor),
        cmocka_unit_test(test_two_threads_and_an_evictor),
        cmocka_unit_test(test_four_threads_and_an_evictor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
