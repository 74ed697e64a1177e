/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads on one store: each has objects of its own, all share one object with a handle
 * each and one object through a single handle, and a walker lists and reads the statistics all the
 * while. Afterwards everything is as if the calls had come one after another. Run it under the
 * thread sanitizer too (docs/TESTING.md): the memory device takes no lock, so that it shows every
 * call that the store failed to serialise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/random.h"
#include "support/steps.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#define THREADS     4
#define ROUNDS      200
#define RECORD_SIZE 512u /* of the shared objects: a thread writes whole records */
#define RECORDS     32u

struct worker {
    struct coffer *store;
    struct coffer_object *common; /* one handle for all threads */
    struct random random;
    unsigned index;
    struct model model; /* of the objects that are this thread's alone */
    uint64_t records;   /* whole records seen in shared objects */
};

/* A record is 512 equal bytes: a mixed one would show a torn write. */
static void write_record(struct worker *worker, struct coffer_object *object)
{
    uint8_t record[RECORD_SIZE];
    uint64_t at = random_below(&worker->random, RECORDS) * RECORD_SIZE;

    memset(record, (int)(1 + worker->index + random_below(&worker->random, 60)), sizeof(record));
    must(coffer_object_write(object, at, record, sizeof(record)) == COFFER_OK);
}

static void read_records(struct worker *worker, struct coffer_object *object)
{
    static const size_t size = RECORDS * RECORD_SIZE;
    uint8_t *bytes = must_alloc(size);
    size_t got;

    must(coffer_object_read(object, 0, bytes, size, &got) == COFFER_OK);
    must(got == size);
    for (size_t r = 0; r < RECORDS; r++) {
        for (size_t i = 1; i < RECORD_SIZE; i++)
            must(bytes[r * RECORD_SIZE + i] == bytes[r * RECORD_SIZE]);
        worker->records++;
    }
    free(bytes);
}

static void own_object(struct worker *worker)
{
    char id[16];
    struct step step = {.id = id};
    struct coffer_name name;
    const struct model_object *object;

    snprintf(id, sizeof(id), "own-%u-%u", worker->index,
             (unsigned)random_below(&worker->random, 4));
    name = step_name(id);
    object = model_find(&worker->model, &name);
    if (object == NULL) {
        step.kind = STEP_PUT;
        step.size = (size_t)random_below(&worker->random, 9000);
    } else if (random_below(&worker->random, 4) == 0) {
        step.kind = STEP_DELETE;
    } else {
        step.kind = STEP_WRITE;
        step.offset = random_below(&worker->random, object->size + 1000);
        step.size = 1 + (size_t)random_below(&worker->random, 5000);
    }
    must(step_run(&step, worker->store) == COFFER_OK);
    step_apply(&step, &worker->model);
    if (object != NULL && step.kind == STEP_WRITE) {
        struct model_object found;

        must(model_read_object(worker->store, &name, &found, NULL, 0) == COFFER_OK);
        object = model_find(&worker->model, &name);
        must(found.size == object->size && memcmp(found.bytes, object->bytes, found.size) == 0);
        model_object_fini(&found);
    }
}

static void work(void *argument)
{
    struct worker *worker = argument;
    const struct coffer_name name = step_name("shared");
    struct coffer_object *mine;
    struct coffer_statistics statistics;

    must(coffer_object_open(worker->store, &name, &mine) == COFFER_OK);
    for (unsigned round = 0; round < ROUNDS; round++) {
        static const struct step list = {.kind = STEP_LIST};

        own_object(worker);
        write_record(worker, mine);
        write_record(worker, worker->common);
        read_records(worker, mine);
        read_records(worker, worker->common);
        must(step_run(&list, worker->store) == COFFER_OK);
        must(coffer_statistics_get(worker->store, &statistics) == COFFER_OK);
        must(statistics.memory_used <= statistics.memory_total);
    }
    coffer_object_close(mine);
}

static void put_shared(struct coffer *store, const char *id)
{
    static uint8_t zeros[RECORDS * RECORD_SIZE];
    const struct coffer_name name = step_name(id);

    assert_int_equal(coffer_put(store, &name, 0, NULL, zeros, sizeof(zeros)), COFFER_OK);
}

static void expect_own_objects(struct coffer *store, const struct worker *worker)
{
    for (size_t i = 0; i < worker->model.count; i++) {
        const struct model_object *object = &worker->model.objects[i];
        struct coffer_name name = model_name(object);
        struct model_object found;

        assert_int_equal(model_read_object(store, &name, &found, NULL, 0), COFFER_OK);
        assert_int_equal(found.size, object->size);
        if (found.size > 0)
            assert_memory_equal(found.bytes, object->bytes, found.size);
        model_object_fini(&found);
    }
}

static void test_threads_agree_on_one_store(void **state)
{
    struct memory_device *device = memory_device_open();
    struct store_options options = {.memory = 1024 * 1024, .create = true};
    const struct coffer_name common = step_name("common");
    struct worker workers[THREADS];
    struct coffer_object *handle;
    struct store_fixture fixture;
    size_t own = 0;
    struct model found;

    (void)state;
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    put_shared(fixture.store, "shared");
    put_shared(fixture.store, "common");
    assert_int_equal(coffer_object_open(fixture.store, &common, &handle), COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "thread %u", i);
        workers[i] = (struct worker){.store = fixture.store, .common = handle, .index = i};
        random_init(&workers[i].random, name);
        model_init(&workers[i].model);
    }
    threads_run(work, workers, THREADS);
    coffer_object_close(handle);
    store_fixture_close(&fixture);

    options.create = false;
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        expect_own_objects(fixture.store, &workers[i]);
        assert_int_equal(workers[i].records, (uint64_t)2 * ROUNDS * RECORDS);
        own += workers[i].model.count;
        model_fini(&workers[i].model);
    }
    assert_int_equal(model_read_store(fixture.store, &found, NULL, 0), COFFER_OK);
    assert_int_equal(found.count, own + 2);
    model_fini(&found);
    store_fixture_close(&fixture);
    memory_device_free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_agree_on_one_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
