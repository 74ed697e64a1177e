/* SPDX-License-Identifier: BSD-2-Clause */
/* Two threads and a page in transit: who waits, and what is there afterwards. The reads and writes
 * of the backing store stand still until the test lets them go on. */
#include "fixture.h"

#include <sched.h>

#include "coffer/linux.h"
#include "support/threads.h"

static int setup(void **state)
{
    return fixture_setup_with(state,
                              &(struct paging_fixture_settings){
                                  .frames = 64, .slots = SLOTS, .port = coffer_linux_port()});
}

enum job { JOB_LOAD, JOB_STORE, JOB_DISCARD, JOB_DROP, JOB_RECLAIM, JOB_GET, JOB_SYNC };

struct worker {
    struct paging_fixture *f;
    struct object *object;
    enum job job;
    uint64_t index;
    uint64_t value; /* in or out */
    enum coffer_status status;
    struct thread thread;
};

static void work(void *argument)
{
    struct worker *worker = argument;
    struct paging_fixture *f = worker->f;
    struct object_page page;

    switch (worker->job) {
    case JOB_LOAD:
        worker->status = fake_load(f, worker->object, worker->index, &worker->value);
        break;
    case JOB_STORE:
        worker->status = fake_store(f, worker->object, worker->index, worker->value);
        break;
    case JOB_DISCARD:
        worker->status = fake_discard(f, worker->object, worker->index, 1);
        break;
    case JOB_DROP:
        fake_drop(f, worker->object);
        break;
    case JOB_RECLAIM:
        worker->value = paging_reclaim(f->paging, worker->value, (struct owner){0});
        break;
    case JOB_GET:
        paging_lock(f->paging);
        worker->status = object_get(worker->object, worker->index, false, &page);
        paging_unlock(f->paging);
        break;
    case JOB_SYNC:
        worker->status = fake_sync(f, worker->object, worker->index, 1);
        break;
    }
}

static void start(struct worker *worker, struct paging_fixture *f, enum job job,
                  struct object *object, uint64_t index, uint64_t value)
{
    *worker = (struct worker){.f = f, .object = object, .job = job, .index = index, .value = value};
    thread_start(&worker->thread, work, worker);
}

static void join(struct worker *worker)
{
    thread_join(&worker->thread);
}

/* Wait until so many more threads have begun to wait for a page or for room. */
static void await_waits(struct paging_fixture *f, uint64_t before, uint64_t more)
{
    while (fake_statistics(f).waits < before + more)
        sched_yield();
}

/* A worker that evicts one page and stands in the middle of its writing. */
static void start_writing(struct paging_fixture *f, struct worker *evictor, size_t pages)
{
    fake_age(f);
    fake_gate_close(&f->gate);
    start(evictor, f, JOB_RECLAIM, NULL, 0, pages);
    fake_gate_await(&f->gate, 1);
}

/* WRITING -> RESIDENT: the page is wanted, so it stays, clean, without a read; another goes. */
static void test_a_fault_waits_for_the_write_and_keeps_the_page(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker reader;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    start_writing(f, &evictor, 1);
    start(&reader, f, JOB_LOAD, object, 3, 0);
    await_waits(f, 0, 1);
    assert_false(fake_query(f, object, 3).resident || fake_query(f, object, 3).swapped);
    fake_gate_open(&f->gate);
    join(&reader);
    join(&evictor);
    assert_int_equal(reader.value, 33);
    assert_int_equal(evictor.value, 1);
    assert_swapped(f, object, 4);
    assert_resident(f, object, 3);
    assert_false(fake_query(f, object, 3).dirty);
    assert_int_equal(f->slots_used, 2);
    assert_int_equal(fake_statistics(f).page_ins, 0);
    assert_true(fake_is_valid(f));
    fake_drop(f, object);
}

static void test_a_store_into_a_page_being_written_is_not_lost(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker writer;
    uint64_t waits;

    for (unsigned round = 0; round < 2; round++) {
        store_value(f, object, 3, 33);
        start_writing(f, &evictor, 1);
        waits = fake_statistics(f).waits;
        start(&writer, f, JOB_STORE, object, 3, 34 + round);
        await_waits(f, waits, 1);
        fake_gate_open(&f->gate);
        join(&writer);
        join(&evictor);
        (void)evict_all(f); /* the evictor may have done so already */
        assert_value(f, object, 3, 34 + round);
        /* The second time the write fails: the page stays dirty, and is there all the same. */
        fake_arm(f, FAKE_WRITE, 1, false, COFFER_IO);
    }
    fake_disarm(f, FAKE_WRITE);
    fake_drop(f, object);
}

static void test_a_failed_write_of_a_wanted_page(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker reader;

    store_value(f, object, 3, 33);
    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    start_writing(f, &evictor, 1);
    start(&reader, f, JOB_LOAD, object, 3, 0);
    await_waits(f, 0, 1);
    fake_gate_open(&f->gate);
    join(&reader);
    join(&evictor);
    assert_int_equal(reader.value, 33);
    assert_true(fake_query(f, object, 3).dirty);
    assert_int_equal(f->slots_used, 0);
    fake_drop(f, object);
}

/* LOADING: one reads, the others wait for it. */
static void test_a_page_is_read_once_for_all_who_want_it(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker readers[4];
    uint64_t waits;

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    waits = fake_statistics(f).waits;
    fake_gate_close(&f->gate);
    for (unsigned i = 0; i < 4; i++)
        start(&readers[i], f, JOB_LOAD, object, 3, 0);
    await_waits(f, waits, 3);
    fake_gate_open(&f->gate);
    for (unsigned i = 0; i < 4; i++) {
        join(&readers[i]);
        assert_int_equal(readers[i].status, COFFER_OK);
        assert_int_equal(readers[i].value, 33);
    }
    assert_int_equal(fake_statistics(f).page_ins, 1);
    fake_drop(f, object);
}

static void test_all_who_wait_learn_of_a_failed_read(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker readers[4];
    uint64_t waits;

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    waits = fake_statistics(f).waits;
    fake_gate_close(&f->gate);
    fake_arm(f, FAKE_READ, 1, false, COFFER_CORRUPT);
    for (unsigned i = 0; i < 4; i++)
        start(&readers[i], f, JOB_LOAD, object, 3, 0);
    await_waits(f, waits, 3);
    fake_gate_open(&f->gate);
    for (unsigned i = 0; i < 4; i++) {
        join(&readers[i]);
        assert_int_equal(readers[i].status, COFFER_CORRUPT);
    }
    fake_drop(f, object);
}

static void test_discard_waits_for_pages_in_transit(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker other;
    struct worker discard;

    store_value(f, object, 3, 33);
    start_writing(f, &other, 1);
    start(&discard, f, JOB_DISCARD, object, 3, 0);
    await_waits(f, 0, 1);
    fake_gate_open(&f->gate);
    join(&discard);
    join(&other);
    assert_absent(f, object, 3);
    assert_int_equal(f->slots_used, 0);

    store_value(f, object, 3, 33);
    assert_int_equal(evict_all(f), 1);
    fake_gate_close(&f->gate);
    start(&other, f, JOB_GET, object, 3, 0);
    fake_gate_await(&f->gate, 1);
    start(&discard, f, JOB_DISCARD, object, 3, 0);
    await_waits(f, 1, 1);
    fake_gate_open(&f->gate);
    join(&other);
    join(&discard);
    assert_int_equal(other.status, COFFER_BUSY);
    assert_value(f, object, 3, 0);
    fake_drop(f, object);
}

/* Who shares it needs not wait: the record stays. */
static void test_a_shared_page_in_transit_is_let_go_of_at_once(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct object *clone = NULL;
    struct worker evictor;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    start_writing(f, &evictor, 2);
    assert_ok(fake_clone(f, object, &clone)); /* in the middle of it */
    assert_ok(fake_discard(f, object, 3, 1));
    fake_drop(f, object);
    assert_int_equal(fake_statistics(f).waits, 0);
    fake_gate_open(&f->gate);
    join(&evictor);
    assert_int_equal(evictor.value, 2);
    assert_value(f, clone, 3, 33);
    assert_value(f, clone, 4, 44);
    fake_drop(f, clone);
}

static void test_drop_waits_for_the_evictor(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker drop;

    store_value(f, object, 3, 33);
    start_writing(f, &evictor, 1);
    start(&drop, f, JOB_DROP, object, 0, 0);
    await_waits(f, 0, 1);
    fake_gate_open(&f->gate);
    join(&drop);
    join(&evictor);
    assert_int_equal(f->slots_used, 0);
}

/* The last hold goes while a page is on its way in: who brings it in lets go of it all. */
static void test_an_object_outlives_the_fault_in_it(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, 4, false);
    struct object *object = fake_object(f, 4, &file->pager);
    struct worker reader;

    fake_gate_close(&f->gate);
    start(&reader, f, JOB_GET, object, 3, 0);
    fake_gate_await(&f->gate, 1);
    fake_drop(f, object);
    assert_int_equal(file->closes, 0);
    fake_gate_open(&f->gate);
    join(&reader);
    assert_int_equal(reader.status, COFFER_BUSY);
    assert_int_equal(file->closes, 1);
    fake_file_free(file);
}

/* What was unmapped while room was made for it is not there afterwards: no region has it. */
static void test_a_page_forgotten_during_a_shortage_is_not_made(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker reader;

    store_value(f, object, 3, 33);
    store_value(f, object, 4, 44);
    assert_ok(fake_discard(f, object, 4, 1)); /* there is room for the records */
    paging_fixture_leave(f, 0);
    fake_gate_close(&f->gate);
    start(&reader, f, JOB_GET, object, 4, 0);
    fake_gate_await(&f->gate, 1);
    assert_ok(fake_discard(f, object, 4, 1));
    fake_gate_open(&f->gate);
    join(&reader);
    assert_int_equal(reader.status, COFFER_BUSY);
    assert_absent(f, object, 4);
    assert_value(f, object, 3, 33);
    fake_drop(f, object);
}

/* All that could be evicted is being written already: no error, but a wait. */
static void test_a_shortage_waits_for_who_evicts(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker writers[3];

    for (uint64_t i = 0; i < 4; i++)
        store_value(f, object, i, i + 1);
    for (uint64_t i = 4; i < 7; i++)
        store_value(f, object, i, i + 1);
    assert_ok(fake_discard(f, object, 4, 3)); /* there is room for the records */
    paging_fixture_leave(f, 0);
    start_writing(f, &evictor, 4);
    for (unsigned i = 0; i < 3; i++)
        start(&writers[i], f, JOB_STORE, object, 4 + i, 5 + i);
    await_waits(f, 0, 3);
    fake_gate_open(&f->gate);
    for (unsigned i = 0; i < 3; i++) {
        join(&writers[i]);
        assert_int_equal(writers[i].status, COFFER_OK);
    }
    join(&evictor);
    for (uint64_t i = 0; i < 7; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

/* One frame comes free and three wait for it: all are woken, because nobody would do it later, and
 * take it from each other. */
static void test_the_last_transit_wakes_all_who_wait_for_room(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker writers[3];

    for (uint64_t i = 0; i < 7; i++)
        store_value(f, object, i, i + 1);
    assert_ok(fake_discard(f, object, 4, 3)); /* there is room for the records */
    for (uint64_t i = 1; i < 4; i++)
        assert_ok(fake_pin(f, object, i));
    paging_fixture_leave(f, 0);
    start_writing(f, &evictor, 1);
    for (unsigned i = 0; i < 3; i++)
        start(&writers[i], f, JOB_STORE, object, 4 + i, 5 + i);
    await_waits(f, 0, 3);
    fake_gate_open(&f->gate);
    for (unsigned i = 0; i < 3; i++) {
        join(&writers[i]);
        assert_int_equal(writers[i].status, COFFER_OK);
    }
    join(&evictor);
    for (uint64_t i = 0; i < 7; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

/* They all find out that there is no room after all; none sleeps on. */
static void test_a_shortage_that_stays_wakes_all_who_wait(void **state)
{
    struct paging_fixture *f = *state;
    struct object *object = fake_object(f, 10, NULL);
    struct worker evictor;
    struct worker writers[3];

    for (uint64_t i = 0; i < 7; i++)
        store_value(f, object, i, i + 1);
    assert_ok(fake_discard(f, object, 4, 3));
    paging_fixture_leave(f, 0);
    fake_arm(f, FAKE_WRITE, 1, true, COFFER_IO);
    start_writing(f, &evictor, 4);
    for (unsigned i = 0; i < 3; i++)
        start(&writers[i], f, JOB_STORE, object, 4 + i, 5 + i);
    await_waits(f, 0, 3);
    fake_gate_open(&f->gate);
    for (unsigned i = 0; i < 3; i++) {
        join(&writers[i]);
        assert_int_equal(writers[i].status, COFFER_IO);
    }
    join(&evictor);
    fake_disarm(f, FAKE_WRITE);
    for (uint64_t i = 0; i < 4; i++)
        assert_value(f, object, i, i + 1);
    fake_drop(f, object);
}

/* A page that is being written may fail to be: sync waits to know. */
static void test_sync_waits_for_the_evictor(void **state)
{
    struct paging_fixture *f = *state;
    struct fake_file *file = fake_file_make(f, 4, false);
    struct object *object = fake_object(f, 4, &file->pager);
    struct worker evictor;
    struct worker sync;

    store_value(f, object, 3, 33);
    fake_arm(f, FAKE_PAGER_WRITE, 1, false, COFFER_IO);
    start_writing(f, &evictor, 1);
    start(&sync, f, JOB_SYNC, object, 3, 0);
    await_waits(f, 0, 1);
    fake_gate_open(&f->gate);
    join(&sync);
    join(&evictor);
    assert_int_equal(sync.status, COFFER_OK);
    assert_int_equal(fake_file_value(file, 3), 33);
    fake_drop(f, object);
    fake_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_a_fault_waits_for_the_write_and_keeps_the_page),
        TEST(test_a_store_into_a_page_being_written_is_not_lost),
        TEST(test_a_failed_write_of_a_wanted_page),
        TEST(test_a_page_is_read_once_for_all_who_want_it),
        TEST(test_all_who_wait_learn_of_a_failed_read),
        TEST(test_discard_waits_for_pages_in_transit),
        TEST(test_a_shared_page_in_transit_is_let_go_of_at_once),
        TEST(test_drop_waits_for_the_evictor),
        TEST(test_an_object_outlives_the_fault_in_it),
        TEST(test_a_page_forgotten_during_a_shortage_is_not_made),
        TEST(test_a_shortage_waits_for_who_evicts),
        TEST(test_the_last_transit_wakes_all_who_wait_for_room),
        TEST(test_a_shortage_that_stays_wakes_all_who_wait),
        TEST(test_sync_waits_for_the_evictor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
