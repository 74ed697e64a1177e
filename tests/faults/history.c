/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sixteen threads on one store, judged by what they saw.
 *
 * Shared objects consist of one record a thread. A thread fills its own record with its counter, in
 * one call; every thread reads whole objects. What a read finds in a record must be one number
 * throughout (a whole version), at least the one whose write had returned when the read began (no
 * update is lost), and at most the one after that which had returned when it ended. Beside that,
 * threads make, replace, rename, delete, list and look at names that all of them use: what is there
 * under a name is always one object as somebody made it, and in the end as many are there as were
 * made and not deleted.
 *
 * All this in much memory and in little, with room for many unused objects and for one. In little a
 * call may find no memory; then it has changed nothing. The thread sanitizer runs it too
 * (docs/TESTING.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "support/memory_device.h"
#include "support/must.h"
#include "support/random.h"
#include "support/steps.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#define THREADS     16u
#define SHARED      3u
#define RECORD_SIZE 5000u /* of two or three blocks, none of them its own */
#define NAMES       8u
#define MADE_SIZE   5000u

struct world {
    struct coffer *store;
    atomic_uint done[SHARED][THREADS]; /* the number of each record whose write has returned */
    struct coffer_object *common;      /* of shared object 0, one handle for all */
    unsigned rounds;
    atomic_int made;      /* less the deleted ones */
    atomic_uint shortage; /* calls that found no memory */
    atomic_uint reads;
    atomic_uint stamps;
};

struct worker {
    struct world *world;
    unsigned index;
    struct random random;
    uint8_t bytes[THREADS * RECORD_SIZE];
};

static void shared_id(unsigned which, char id[16])
{
    snprintf(id, 16, "shared-%u", which);
}

/* Fine, or no memory, which is counted. */
static bool went_well(struct world *world, enum coffer_status status)
{
    if (status == COFFER_NO_MEMORY)
        atomic_fetch_add(&world->shortage, 1);
    else if (status != COFFER_OK) {
        fprintf(stderr, "a call said %s\n", coffer_status_text(status));
        abort();
    }
    return status == COFFER_OK;
}

/* --- Shared objects --- */

static void write_record(struct worker *worker, unsigned which, struct coffer_object *object)
{
    atomic_uint *done = &worker->world->done[which][worker->index];
    unsigned next = atomic_load(done) + 1;
    uint8_t bytes[RECORD_SIZE];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(next >> 8 * (i % 2));
    if (went_well(worker->world, coffer_object_write(object, (uint64_t)worker->index * RECORD_SIZE,
                                                     bytes, sizeof(bytes))))
        atomic_store(done, next);
}

static unsigned number_in(const uint8_t *record)
{
    for (size_t i = 2; i < RECORD_SIZE; i++)
        must(record[i] == record[i - 2]);
    return record[0] | (unsigned)record[1] << 8;
}

/* There is one write of a record under way at most, its maker's own next. */
static void read_records(struct worker *worker, unsigned which, struct coffer_object *object)
{
    atomic_uint *done = worker->world->done[which];
    unsigned before[THREADS];
    size_t got = 0;

    for (unsigned i = 0; i < THREADS; i++)
        before[i] = atomic_load(&done[i]);
    if (!went_well(worker->world,
                   coffer_object_read(object, 0, worker->bytes, sizeof(worker->bytes), &got)))
        return;
    must(got == sizeof(worker->bytes));
    for (unsigned i = 0; i < THREADS; i++) {
        unsigned number = number_in(worker->bytes + (size_t)i * RECORD_SIZE);

        must(number >= before[i]);
        must(number <= atomic_load(&done[i]) + 1);
        must(i != worker->index || number == before[i]);
    }
    atomic_fetch_add(&worker->world->reads, 1);
}

static void use_shared(struct worker *worker)
{
    unsigned which = (unsigned)random_below(&worker->random, SHARED);
    struct coffer_object *object = worker->world->common;
    struct coffer_name name;
    struct coffer_info info;
    char id[16];

    shared_id(which, id);
    name = step_name(id);
    if (which != 0 &&
        !went_well(worker->world, coffer_object_open(worker->world->store, &name, &object)))
        return;
    if (random_below(&worker->random, 4) == 0)
        write_record(worker, which, object);
    read_records(worker, which, object);
    must(coffer_object_info(object, &info) == COFFER_OK && info.size == sizeof(worker->bytes));
    if (which != 0)
        coffer_object_close(object);
}

/* --- Names that everybody uses --- */

static void name_id(unsigned number, char id[16])
{
    snprintf(id, 16, "name-%u", number);
}

/* An object as somebody made it: one stamp, as many bytes as go with it. */
static size_t made_size(uint32_t stamp)
{
    return 4 * (1 + stamp * 7919u % (MADE_SIZE / 4));
}

static void make(struct worker *worker, const struct coffer_name *name, unsigned flags)
{
    uint32_t stamp = atomic_fetch_add(&worker->world->stamps, 1);
    size_t size = made_size(stamp);
    enum coffer_status status;

    for (size_t i = 0; i < size; i += 4)
        memcpy(worker->bytes + i, &stamp, 4);
    status = coffer_put(worker->world->store, name, flags, NULL, worker->bytes, size);
    if (flags == 0 && status == COFFER_OK)
        atomic_fetch_add(&worker->world->made, 1);
    else if (flags == 0 ? status != COFFER_EXISTS : status != COFFER_BUSY)
        (void)went_well(worker->world, status);
}

static void look(struct worker *worker, const struct coffer_name *name)
{
    enum coffer_status status;
    struct coffer_object *object;
    struct coffer_info info;
    size_t got = 0;
    uint32_t stamp;

    status = coffer_object_open(worker->world->store, name, &object);
    if (status == COFFER_NOT_FOUND || !went_well(worker->world, status))
        return;
    must(coffer_object_info(object, &info) == COFFER_OK);
    if (went_well(worker->world, coffer_object_read(object, 0, worker->bytes, MADE_SIZE, &got))) {
        memcpy(&stamp, worker->bytes, 4);
        must(got == made_size(stamp) && got == info.size);
        for (size_t i = 0; i < got; i += 4)
            must(memcmp(worker->bytes + i, &stamp, 4) == 0);
    }
    coffer_object_close(object);
}

/* As if damage had been met in it: it isn't kept, whoever uses it. */
static void doubt(struct worker *worker, const struct coffer_name *name)
{
    struct store *store = &worker->world->store->store;
    struct name inside;

    must(engine_name(name, &inside) == COFFER_OK);
    store_lock(store);
    object_doubt(store, &inside);
    store_unlock(store);
}

static void use_name(struct worker *worker)
{
    struct coffer *store = worker->world->store;
    struct coffer_name name;
    enum coffer_status status;
    struct coffer_info info;
    char id[16];
    char to[16];

    name_id((unsigned)random_below(&worker->random, NAMES), id);
    name_id((unsigned)random_below(&worker->random, NAMES), to);
    name = step_name(id);
    switch (random_below(&worker->random, 10)) {
    case 0:
        make(worker, &name, 0);
        break;
    case 1:
        status = coffer_stat(store, &name, &info);
        if (status != COFFER_NOT_FOUND)
            (void)went_well(worker->world, status);
        break;
    case 2:
        status = coffer_delete(store, &name);
        if (status == COFFER_OK)
            atomic_fetch_sub(&worker->world->made, 1);
        else if (status != COFFER_NOT_FOUND && status != COFFER_BUSY)
            (void)went_well(worker->world, status);
        break;
    case 3:
        status = coffer_rename(store, &name, to, strlen(to));
        if (status != COFFER_NOT_FOUND && status != COFFER_EXISTS)
            (void)went_well(worker->world, status);
        break;
    case 4:
    case 5:
        doubt(worker, &name);
        look(worker, &name);
        break;
    default:
        look(worker, &name);
        break;
    }
}

/* One's own object, replaced by its maker alone. */
static void use_own(struct worker *worker)
{
    char id[16];
    struct coffer_name name;

    snprintf(id, sizeof(id), "own-%u", worker->index);
    name = step_name(id);
    make(worker, &name, COFFER_REPLACE);
    look(worker, &name);
}

/* Every name that is met was made by somebody, and the shared ones are all met. */
static void list(struct worker *worker)
{
    struct coffer_list *walk;
    struct coffer_entry entry;
    enum coffer_status status = COFFER_OK;
    unsigned shared = 0;

    if (!went_well(worker->world, coffer_list_open(worker->world->store, NULL, &walk)))
        return;
    while (status == COFFER_OK) {
        status = coffer_list_next(walk, &entry);
        if (status == COFFER_OK)
            shared += memcmp(entry.id, "shared-", 7) == 0;
    }
    coffer_list_close(walk);
    if (status != COFFER_NOT_FOUND)
        (void)went_well(worker->world, status);
    else
        must(shared == SHARED);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct coffer_statistics statistics;

    for (unsigned round = 0; round < worker->world->rounds; round++) {
        use_shared(worker);
        use_shared(worker);
        use_name(worker);
        use_name(worker);
        if (round % 8 == worker->index % 8)
            use_own(worker);
        if (round % 16 == worker->index)
            list(worker);
        if (round % 32 == worker->index) {
            must(coffer_statistics_get(worker->world->store, &statistics) == COFFER_OK);
            must(statistics.memory_used <= statistics.memory_total);
        }
    }
}

/* --- The whole --- */

static void make_shared(struct world *world)
{
    static const uint8_t zeros[THREADS * RECORD_SIZE];

    for (unsigned i = 0; i < SHARED; i++) {
        struct coffer_name name;
        char id[16];

        shared_id(i, id);
        name = step_name(id);
        assert_int_equal(coffer_put(world->store, &name, 0, NULL, zeros, sizeof(zeros)), COFFER_OK);
        if (i == 0)
            assert_int_equal(coffer_object_open(world->store, &name, &world->common), COFFER_OK);
    }
}

static unsigned count_names(struct coffer *store, const char *front)
{
    struct coffer_list *walk;
    struct coffer_entry entry;
    unsigned count = 0;

    assert_int_equal(coffer_list_open(store, NULL, &walk), COFFER_OK);
    while (coffer_list_next(walk, &entry) == COFFER_OK)
        count += memcmp(entry.id, front, strlen(front)) == 0;
    coffer_list_close(walk);
    return count;
}

/* After all is over, and after opening anew, everything is as the threads left it. */
static void look_at_the_end(struct world *world, struct worker *worker)
{
    assert_int_equal(count_names(world->store, "name-"), atomic_load(&world->made));
    for (unsigned i = 0; i < SHARED; i++) {
        struct coffer_object *object;
        struct coffer_name name;
        size_t got;
        char id[16];

        shared_id(i, id);
        name = step_name(id);
        assert_int_equal(coffer_object_open(world->store, &name, &object), COFFER_OK);
        assert_int_equal(coffer_object_read(object, 0, worker->bytes, sizeof(worker->bytes), &got),
                         COFFER_OK);
        for (unsigned t = 0; t < THREADS; t++)
            assert_int_equal(number_in(worker->bytes + (size_t)t * RECORD_SIZE),
                             atomic_load(&world->done[i][t]));
        coffer_object_close(object);
    }
}

/* All that is read is read anew where nothing stays (support/greedy.h). */
static unsigned rounds(void)
{
    unsigned usual = getenv("COFFER_GREEDY") != NULL ? 8 : 40;

    return getenv("COFFER_DEEP") != NULL ? 10 * usual : usual;
}

static void run(size_t memory, unsigned cache_frames, unsigned cached_objects, bool may_be_short)
{
    static struct worker workers[THREADS];
    struct memory_device *device = memory_device_open();
    struct store_options options = {.memory = memory,
                                    .cache_frames = cache_frames,
                                    .cached_objects = cached_objects,
                                    .create = true};
    struct world world = {.rounds = rounds()};
    struct coffer_statistics statistics;
    struct store_fixture fixture;

    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    world.store = fixture.store;
    make_shared(&world);
    for (unsigned i = 0; i < THREADS; i++) {
        char name[24];

        snprintf(name, sizeof(name), "history %u", i);
        workers[i] = (struct worker){.world = &world, .index = i};
        random_init(&workers[i].random, name);
    }
    threads_run(work, workers, THREADS);
    coffer_object_close(world.common);
    assert_int_equal(coffer_statistics_get(fixture.store, &statistics), COFFER_OK);
    printf("%u reads, %llu commits, %u calls found no memory\n", atomic_load(&world.reads),
           (unsigned long long)statistics.commits, atomic_load(&world.shortage));
    assert_int_equal(statistics.open_objects, 0);
    assert_true(statistics.memory_peak <= statistics.memory_total);
    assert_int_equal(statistics.wrong_frees, 0);
    assert_true(atomic_load(&world.reads) > 0);
    if (!may_be_short)
        assert_int_equal(atomic_load(&world.shortage), 0);
    look_at_the_end(&world, &workers[0]);
    store_fixture_close(&fixture);

    options.create = false;
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    world.store = fixture.store;
    look_at_the_end(&world, &workers[0]);
    store_fixture_close(&fixture);
    memory_device_free(device);
}

static void test_with_much_memory(void **state)
{
    (void)state;
    run((size_t)4 * 1024 * 1024, 0, 0, false);
}

static void test_with_room_for_one_unused_object(void **state)
{
    (void)state;
    run((size_t)4 * 1024 * 1024, 0, 1, false);
}

static void test_with_little_memory(void **state)
{
    (void)state;
    run(COFFER_MEMORY_MIN + (size_t)128 * 1024, 0, 2, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_much_memory),
        cmocka_unit_test(test_with_room_for_one_unused_object),
        cmocka_unit_test(test_with_little_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
