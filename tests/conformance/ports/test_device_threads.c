/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: the device from several threads at once (device/device.h, "Threads"). */
#include "device_fixture.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "port/port.h"

#include "support/must.h"
#include "support/random.h"

#define THREADS     6u
#define FILES       5u /* of each thread: together more than a cache of descriptors holds */
#define FILE_MAX    3000u
#define STRIPE      700u /* bytes of the shared file that are one thread's */
#define STRIPES     8u   /* of each thread */
#define STEPS       900u
#define DEEP_STEPS  30000u
#define ROUNDS      60u
#define ROUNDS_DEEP 2000u

static const struct coffer_port *port;

static unsigned of_depth(unsigned usual, unsigned deep)
{
    return getenv("COFFER_DEEP") != NULL ? deep : usual;
}

/* A thread of a test; what is wrong in one stops the program (must). */
struct worker {
    struct port_thread thread;
    struct coffer_device *device;
    struct random random;
    unsigned number;
    struct {
        bool there;
        size_t size;
        uint8_t bytes[FILE_MAX];
    } files[FILES];
    uint8_t stripes[STRIPES][STRIPE];
    uint64_t reads, writes, syncs; /* calls made */
    uint64_t read_bytes, written_bytes;
};

static struct worker workers[THREADS];

static void run(struct fixture *fixture, void (*body)(void *argument))
{
    memset(workers, 0, sizeof(workers));
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].device = fixture->device;
        workers[i].number = i;
        random_init(&workers[i].random, "device_threads");
        workers[i].random.state += i;
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(port->thread_start(port->context, &workers[i].thread, body, &workers[i]),
                         COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++)
        port->thread_join(port->context, &workers[i].thread);
}

static size_t transfer_in(struct worker *worker, const char *name, uint64_t offset,
                          const struct device_piece *pieces, size_t count)
{
    size_t got = 0;

    must(device_read(worker->device, name, offset, pieces, count, &got) == COFFER_OK);
    worker->reads++;
    for (size_t i = 0, left = got; i < count && left > 0; i++) {
        size_t part = pieces[i].size < left ? pieces[i].size : left;

        if (pieces[i].data != NULL) /* what is passed over isn't read */
            worker->read_bytes += part;
        left -= part;
    }
    return got;
}

static void transfer_out(struct worker *worker, const char *name, uint64_t offset, uint8_t *bytes,
                         size_t size)
{
    size_t split = random_below(&worker->random, size + 1);
    struct device_piece pieces[2] = {{bytes, split}, {bytes + split, size - split}};

    must(device_write(worker->device, name, offset, pieces, 2) == COFFER_OK);
    worker->writes++;
    worker->written_bytes += size;
}

/* --- Files of one's own, and stripes of a shared one --------------------------------------- */

/* The shared file is cut into stripes that the threads have in turn. */
static uint64_t stripe_at(const struct worker *worker, unsigned stripe)
{
    return (uint64_t)(stripe * THREADS + worker->number) * STRIPE;
}

static void write_stripe(struct worker *worker)
{
    unsigned stripe = (unsigned)random_below(&worker->random, STRIPES);

    random_bytes(&worker->random, worker->stripes[stripe], STRIPE);
    transfer_out(worker, "shared", stripe_at(worker, stripe), worker->stripes[stripe], STRIPE);
}

/* Two stripes by one call, and what lies between is skipped. */
static void read_stripes(struct worker *worker)
{
    unsigned stripe = (unsigned)random_below(&worker->random, STRIPES - 1);
    uint8_t back[2][STRIPE];
    const struct device_piece pieces[3] = {
        {back[0], STRIPE}, {NULL, (size_t)(THREADS - 1) * STRIPE}, {back[1], STRIPE}};

    must(transfer_in(worker, "shared", stripe_at(worker, stripe), pieces, 3) ==
         (THREADS + 1) * STRIPE);
    must(memcmp(back[0], worker->stripes[stripe], STRIPE) == 0);
    must(memcmp(back[1], worker->stripes[stripe + 1], STRIPE) == 0);
}

static void name_own(const struct worker *worker, unsigned file, char name[24])
{
    snprintf(name, 24, file == 0 ? "deep/%u.%u" : "%u.%u", worker->number, file);
}

static void check_own(struct worker *worker, unsigned file, const char *name)
{
    uint8_t back[FILE_MAX + 1];
    const struct device_piece piece = {back, sizeof(back)};
    uint64_t size;

    must(device_size(worker->device, name, &size) == COFFER_OK);
    must(size == worker->files[file].size);
    must(transfer_in(worker, name, 0, &piece, 1) == size);
    must(memcmp(back, worker->files[file].bytes, size) == 0);
}

static void change_own(struct worker *worker, unsigned file, const char *name)
{
    size_t offset = random_below(&worker->random, FILE_MAX);
    size_t size = 1 + random_below(&worker->random, FILE_MAX - offset);

    random_bytes(&worker->random, worker->files[file].bytes + offset, size);
    transfer_out(worker, name, offset, worker->files[file].bytes + offset, size);
    if (offset + size > worker->files[file].size)
        worker->files[file].size = offset + size;
}

static void resize_own(struct worker *worker, unsigned file, const char *name)
{
    size_t size = random_below(&worker->random, FILE_MAX);

    must(device_resize(worker->device, name, size) == COFFER_OK);
    if (size < worker->files[file].size)
        memset(worker->files[file].bytes + size, 0, FILE_MAX - size);
    worker->files[file].size = size;
}

static void rename_own(struct worker *worker, unsigned file, const char *name)
{
    unsigned other = (unsigned)random_below(&worker->random, FILES);
    char other_name[24];
    enum coffer_status status;

    name_own(worker, other, other_name);
    status = device_rename(worker->device, name, other_name);
    must(status == (worker->files[other].there ? COFFER_EXISTS : COFFER_OK));
    if (status != COFFER_OK)
        return;
    worker->files[other] = worker->files[file];
    worker->files[file].there = false;
}

static void step_own(struct worker *worker)
{
    unsigned file = (unsigned)random_below(&worker->random, FILES);
    char name[24];
    const char *names[2] = {name, "shared"};

    name_own(worker, file, name);
    if (!worker->files[file].there) {
        must(device_create(worker->device, name) == COFFER_OK);
        must(device_create(worker->device, name) == COFFER_EXISTS);
        memset(&worker->files[file], 0, sizeof(worker->files[file]));
        worker->files[file].there = true;
        return;
    }
    switch (random_below(&worker->random, 16)) {
    case 0:
        must(device_remove(worker->device, name) == COFFER_OK);
        must(device_remove(worker->device, name) == COFFER_NOT_FOUND);
        worker->files[file].there = false;
        break;
    case 1:
        rename_own(worker, file, name);
        break;
    case 2:
        resize_own(worker, file, name);
        break;
    case 3:
        must(device_sync(worker->device, names, 2) == COFFER_OK);
        worker->syncs++;
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        change_own(worker, file, name);
        break;
    default:
        check_own(worker, file, name);
    }
}

static bool note_shared(void *argument, const char *name, uint64_t size)
{
    bool *seen = argument;

    (void)size;
    *seen = *seen || strcmp(name, "shared") == 0;
    return true;
}

static void work_side_by_side(void *argument)
{
    struct worker *worker = argument;

    for (unsigned i = 0; i < STRIPES; i++)
        transfer_out(worker, "shared", stripe_at(worker, i), worker->stripes[i], STRIPE);
    for (unsigned step = of_depth(STEPS, DEEP_STEPS); step > 0; step--) {
        switch (random_below(&worker->random, 4)) {
        case 0:
            write_stripe(worker);
            break;
        case 1:
            read_stripes(worker);
            break;
        default:
            step_own(worker);
        }
        if (step % 256 == 0) {
            bool seen = false;

            must(device_list(worker->device, note_shared, &seen) == COFFER_OK);
            must(seen);
        }
    }
}

static void test_files_and_stripes_side_by_side(void **state)
{
    struct fixture *fixture = *state;
    const struct device_counters *counters = &fixture->device->counters;
    uint64_t reads = 0, writes = 0, syncs = 0, read_bytes = 0, written_bytes = 0;

    assert_int_equal(device_create(fixture->device, "shared"), COFFER_OK);
    run(fixture, work_side_by_side);
    for (unsigned i = 0; i < THREADS; i++) {
        reads += workers[i].reads;
        writes += workers[i].writes;
        syncs += workers[i].syncs;
        read_bytes += workers[i].read_bytes;
        written_bytes += workers[i].written_bytes;
    }
    assert_int_equal(counter_get(&counters->reads), reads);
    assert_int_equal(counter_get(&counters->writes), writes);
    assert_int_equal(counter_get(&counters->barriers), syncs);
    assert_int_equal(counter_get(&counters->read_bytes), read_bytes);
    assert_int_equal(counter_get(&counters->written_bytes), written_bytes);

    /* All of it is there for who opens the place anew. */
    fixture->device->operations->close(fixture->device);
    assert_int_equal(candidate->device_open(fixture->place, false, &fixture->device), COFFER_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].device = fixture->device;
        read_stripes(&workers[i]);
        for (unsigned file = 0; file < FILES; file++) {
            char name[24];

            name_own(&workers[i], file, name);
            if (workers[i].files[file].there)
                check_own(&workers[i], file, name);
        }
    }
}

/* --- Names that several want --------------------------------------------------------------- */

static struct {
    atomic_uint arrived;
    atomic_uint created, renamed, removed;
} race;

static void meet(unsigned times)
{
    (void)atomic_fetch_add(&race.arrived, 1);
    while (atomic_load(&race.arrived) < times * THREADS)
        port->thread_yield(port->context);
}

/* Is this thread the one? */
static bool is_first(enum coffer_status status, enum coffer_status other, atomic_uint *count)
{
    must(status == COFFER_OK || status == other);
    if (status != COFFER_OK)
        return false;
    (void)atomic_fetch_add(count, 1);
    return true;
}

/* All make one file, rename their own to one name, and remove that. */
static void work_race(void *argument)
{
    struct worker *worker = argument;
    struct coffer_device *device = worker->device;
    char own[24];

    snprintf(own, sizeof(own), "own%u", worker->number);
    for (unsigned round = 0; round < of_depth(ROUNDS, ROUNDS_DEEP); round++) {
        bool renamed;

        (void)is_first(device_create(device, "one"), COFFER_EXISTS, &race.created);
        must(device_create(device, own) == COFFER_OK);
        meet(4 * round + 1);
        renamed = is_first(device_rename(device, own, "two"), COFFER_EXISTS, &race.renamed);
        meet(4 * round + 2);
        (void)is_first(device_remove(device, "two"), COFFER_NOT_FOUND, &race.removed);
        (void)is_first(device_rename(device, "one", "three"), COFFER_NOT_FOUND, &race.renamed);
        meet(4 * round + 3);
        must(device_remove(device, own) == (renamed ? COFFER_NOT_FOUND : COFFER_OK));
        if (worker->number == 0)
            must(device_remove(device, "three") == COFFER_OK);
        meet(4 * round + 4);
    }
}

static bool count_files(void *argument, const char *name, uint64_t size)
{
    (void)name;
    (void)size;
    ++*(unsigned *)argument;
    return true;
}

static void test_of_several_one_gets_the_name(void **state)
{
    struct fixture *fixture = *state;
    unsigned rounds = of_depth(ROUNDS, ROUNDS_DEEP);
    unsigned count = 0;

    memset(&race, 0, sizeof(race));
    run(fixture, work_race);
    assert_int_equal(atomic_load(&race.created), rounds);
    assert_int_equal(atomic_load(&race.renamed), 2 * rounds);
    assert_int_equal(atomic_load(&race.removed), rounds);
    assert_int_equal(device_list(fixture->device, count_files, &count), COFFER_OK);
    assert_int_equal(count, 0);
}

/* A file goes to and fro between two names: who reads it gets it whole, or nothing. */
static void work_shuttle(void *argument)
{
    static const char *const names[2] = {"here", "there"};
    struct worker *worker = argument;
    struct coffer_device *device = worker->device;

    for (unsigned round = 0; round < 20 * of_depth(ROUNDS, ROUNDS_DEEP); round++) {
        const char *name = names[round % 2];
        uint8_t back[100];
        const struct device_piece piece = {back, sizeof(back)};
        enum coffer_status status;
        size_t got = 0;

        if (worker->number == 0) {
            must(device_rename(device, name, names[(round + 1) % 2]) == COFFER_OK);
            continue;
        }
        memset(back, 0, sizeof(back));
        status = worker->number == 1 ? device_sync(device, &name, 1)
                                     : device_read(device, name, 0, &piece, 1, &got);
        must(status == COFFER_OK || status == COFFER_NOT_FOUND);
        if (worker->number != 1 && status == COFFER_OK)
            must(got == sizeof(back) && back[0] == 'x' && back[99] == 'y');
    }
}

static void test_a_renamed_file_is_whole(void **state)
{
    struct fixture *fixture = *state;
    uint8_t bytes[100] = {'x', [99] = 'y'};
    const struct device_piece piece = {bytes, sizeof(bytes)};

    assert_int_equal(device_create(fixture->device, "here"), COFFER_OK);
    assert_int_equal(device_write(fixture->device, "here", 0, &piece, 1), COFFER_OK);
    run(fixture, work_shuttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        device_test(test_files_and_stripes_side_by_side),
        device_test(test_of_several_one_gets_the_name),
        device_test(test_a_renamed_file_is_whole),
    };
    int failures = 0;

    port = candidate_threads();
    for (size_t i = 0; port != NULL && i < candidate_count; i++) {
        candidate = &candidates[i];
        if (candidate->device_open != NULL)
            failures += cmocka_run_group_tests_name(candidate->name, tests, NULL, NULL);
    }
    return failures;
}
