/* SPDX-License-Identifier: BSD-2-Clause */
/* Quotas: what a TA may have of memory and of storage, and what it has, against a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer.h"
#include "support/must.h"
#include "support/random.h"
#include "support/steps.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#define OBJECTS   12u
#define SIZE_MOST 20000u
#define ROUNDS    (getenv("COFFER_DEEP") != NULL ? 20000u : 1500u)

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

static const struct coffer_uuid ours = {.time_low = 1, .time_mid = 2};
static const struct coffer_uuid theirs = {.time_low = 9};

static struct coffer_name name_of(const struct coffer_uuid *ta, unsigned number, char id[8])
{
    (void)snprintf(id, 8, "o%u", number);
    return (struct coffer_name){.ta = *ta, .id = id, .id_size = strlen(id)};
}

static enum coffer_status put(struct coffer *store, const struct coffer_uuid *ta, unsigned number,
                              size_t size, unsigned flags)
{
    static const uint8_t bytes[4 * SIZE_MOST];
    char id[8];
    struct coffer_name name = name_of(ta, number, id);

    return coffer_put(store, &name, flags, NULL, bytes, size);
}

static struct coffer_ta book(struct coffer *store, unsigned which)
{
    static struct coffer_statistics now;

    assert_ok(coffer_statistics_get(store, &now));
    assert_true(which < now.ta_count);
    return now.tas[which];
}

static void test_storage_beyond_the_quota_is_refused(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    static const uint8_t bytes[2000];
    struct store_fixture fixture;
    struct coffer_object *object;
    struct coffer_writer *writer;
    struct coffer_name name;
    struct coffer_info info;
    char id[8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 1000, 0));
    assert_ok(put(fixture.store, &theirs, 0, 5000, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 3000));
    assert_int_equal(book(fixture.store, 0).storage, 1000);
    assert_int_equal(book(fixture.store, 0).objects, 1);

    /* Made, replaced, written, grown: up to the last byte, and not beyond. */
    assert_int_equal(put(fixture.store, &ours, 1, 2001, 0), COFFER_NO_SPACE);
    assert_ok(put(fixture.store, &ours, 1, 2000, 0));
    assert_int_equal(put(fixture.store, &ours, 1, 2001, COFFER_REPLACE), COFFER_NO_SPACE);
    assert_ok(put(fixture.store, &ours, 1, 1999, COFFER_REPLACE));
    name = name_of(&ours, 0, id);
    assert_ok(coffer_object_open(fixture.store, &name, &object));
    assert_ok(coffer_object_write(object, 1000, bytes, 1));
    assert_int_equal(coffer_object_write(object, 1001, bytes, 1), COFFER_NO_SPACE);
    assert_ok(coffer_object_write(object, 0, bytes, 1001));
    assert_int_equal(coffer_object_truncate(object, 1002), COFFER_NO_SPACE);
    assert_ok(coffer_object_info(object, &info));
    assert_int_equal(info.size, 1001);
    assert_ok(coffer_object_truncate(object, 100));
    coffer_object_close(object);
    assert_int_equal(book(fixture.store, 0).storage, 2099);
    assert_int_equal(book(fixture.store, 0).storage_peak, 3000);

    /* A stream too; then only abort is left. */
    name = name_of(&ours, 2, id);
    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    assert_ok(coffer_writer_write(writer, bytes, 901));
    assert_int_equal(coffer_writer_write(writer, bytes, 1), COFFER_NO_SPACE);
    assert_int_equal(coffer_writer_write(writer, bytes, 0), COFFER_MISUSE);
    assert_int_equal(coffer_writer_commit(writer), COFFER_MISUSE);
    assert_int_equal(coffer_stat(fixture.store, &name, &info), COFFER_NOT_FOUND);
    assert_int_equal(book(fixture.store, 0).storage_refusals, 5);

    /* Nobody else is bound, and less than there is refuses growth alone. */
    assert_ok(put(fixture.store, &theirs, 1, 50000, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 10));
    assert_int_equal(put(fixture.store, &ours, 3, 1, 0), COFFER_NO_SPACE);
    assert_ok(put(fixture.store, &ours, 3, 0, 0));
    assert_ok(put(fixture.store, &ours, 1, 5, COFFER_REPLACE));
    name = name_of(&ours, 0, id);
    assert_ok(coffer_delete(fixture.store, &name));
    assert_int_equal(book(fixture.store, 0).storage, 5);
    assert_int_equal(book(fixture.store, 0).objects, 2);
    /* What is put away counts no more. */
    name = name_of(&ours, 1, id);
    assert_ok(coffer_quarantine(fixture.store, &name));
    assert_ok(put(fixture.store, &ours, 1, 5, 0));
    assert_int_equal(book(fixture.store, 0).storage, 5);
    assert_int_equal(book(fixture.store, 0).objects, 2);
    assert_ok(put(fixture.store, &ours, 3, 5, COFFER_REPLACE));
    assert_int_equal(put(fixture.store, &ours, 4, 1, 0), COFFER_NO_SPACE);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

/* Bytes written to the device, and files made. */
static uint64_t written(struct coffer *store)
{
    static struct coffer_statistics now;

    assert_ok(coffer_statistics_get(store, &now));
    return now.device_written_bytes + now.device_others;
}

/* What is refused hasn't filled the device before. */
static void test_what_is_refused_is_not_written(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    static const uint8_t bytes[4 * SIZE_MOST];
    const struct coffer_attributes attributes = {.bytes = bytes, .bytes_size = SIZE_MOST};
    enum coffer_status status = COFFER_OK;
    struct store_fixture fixture;
    struct coffer_writer *writer;
    struct coffer_name name;
    unsigned writes = 0;
    uint64_t before;
    char id[8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 1000, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 2 * SIZE_MOST));
    before = written(fixture.store);
    assert_int_equal(put(fixture.store, &ours, 1, 3 * SIZE_MOST, 0), COFFER_NO_SPACE);
    assert_int_equal(put(fixture.store, &ours, 0, 3 * SIZE_MOST, COFFER_REPLACE), COFFER_NO_SPACE);
    name = name_of(&ours, 1, id);
    assert_int_equal(coffer_put(fixture.store, &name, 0, &attributes, bytes, sizeof(bytes) / 2),
                     COFFER_NO_SPACE);
    assert_int_equal(written(fixture.store), before);
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);

    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    while (status == COFFER_OK && ++writes < 100)
        status = coffer_writer_write(writer, bytes, SIZE_MOST);
    assert_int_equal(status, COFFER_NO_SPACE);
    assert_int_equal(writes, 2);
    assert_int_equal(book(fixture.store, 0).storage_taken, SIZE_MOST);
    coffer_writer_abort(writer);
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    assert_int_equal(book(fixture.store, 0).storage_refusals, 4);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

/* Several writers have no more together than one would; nor has what grows beside them. */
static void test_writers_share_the_quota(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    static const uint8_t bytes[1000];
    struct coffer_writer *writers[2];
    struct store_fixture fixture;
    struct coffer_object *object;
    char ids[2][8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 500, 0));
    for (unsigned i = 0; i < 2; i++) {
        struct coffer_name name = name_of(&ours, 1 + i, ids[i]);

        assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writers[i]));
    }
    /* What was written before there was a quota counts with the next write. */
    assert_ok(coffer_writer_write(writers[0], bytes, 600));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 2000));
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    assert_ok(coffer_writer_write(writers[0], bytes, 100));
    assert_int_equal(book(fixture.store, 0).storage_taken, 700);
    assert_ok(coffer_writer_write(writers[1], bytes, 800));
    assert_int_equal(book(fixture.store, 0).storage_taken, 1500);
    assert_int_equal(book(fixture.store, 0).storage, 500);

    assert_int_equal(put(fixture.store, &ours, 3, 1, 0), COFFER_NO_SPACE);
    assert_int_equal(put(fixture.store, &ours, 0, 501, COFFER_REPLACE), COFFER_NO_SPACE);
    assert_ok(put(fixture.store, &ours, 0, 500, COFFER_REPLACE));
    assert_ok(coffer_object_open(fixture.store, &(struct coffer_name){ours, "o0", 2}, &object));
    assert_int_equal(coffer_object_truncate(object, 501), COFFER_NO_SPACE);
    assert_ok(coffer_object_write(object, 0, bytes, 500));

    /* An end gives back what was taken; what is stored is counted then. */
    assert_ok(coffer_writer_commit(writers[0]));
    assert_int_equal(book(fixture.store, 0).storage_taken, 800);
    assert_int_equal(book(fixture.store, 0).storage, 1200);
    assert_int_equal(coffer_object_truncate(object, 501), COFFER_NO_SPACE);
    coffer_writer_abort(writers[1]);
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    assert_ok(coffer_object_truncate(object, 1300));
    assert_int_equal(book(fixture.store, 0).storage_peak, 2000);
    coffer_object_close(object);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

/* A writer needs no room for what it replaces; if that is smaller at the end, the end is refused.
 */
static void test_a_writer_counts_what_it_replaces(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    static const uint8_t bytes[2000];
    struct store_fixture fixture;
    struct coffer_writer *writer;
    struct coffer_name name;
    char id[8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 1000, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 1500));
    name = name_of(&ours, 0, id);
    for (unsigned round = 0; round < 2; round++) {
        assert_ok(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer));
        assert_ok(coffer_writer_write(writer, bytes, 1000));
        assert_int_equal(book(fixture.store, 0).storage_taken, 0);
        assert_ok(coffer_writer_write(writer, bytes, 200));
        assert_int_equal(book(fixture.store, 0).storage_taken, 200);
        if (round == 0) {
            assert_int_equal(coffer_writer_write(writer, bytes, 301), COFFER_NO_SPACE);
            coffer_writer_abort(writer);
            continue;
        }
        assert_ok(put(fixture.store, &ours, 0, 0, COFFER_REPLACE));
        assert_ok(put(fixture.store, &ours, 1, 1300, 0));
        assert_int_equal(coffer_writer_commit(writer), COFFER_NO_SPACE);
    }
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    assert_int_equal(book(fixture.store, 0).storage, 1300);
    assert_int_equal(book(fixture.store, 0).objects, 2);

    /* A quota that was made smaller meanwhile holds, too. */
    assert_ok(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer));
    assert_ok(coffer_writer_write(writer, bytes, 200));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 1499));
    assert_int_equal(coffer_writer_commit(writer), COFFER_NO_SPACE);
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

static void test_memory_beyond_the_quota_is_refused(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true, .memory = 1 << 20};
    struct coffer_object *objects[3];
    struct store_fixture fixture;
    struct coffer_writer *writer;
    struct coffer_name name;
    uint64_t one;
    char id[8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 10, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, COFFER_NO_QUOTA));
    name = name_of(&ours, 0, id);
    assert_ok(coffer_object_open(fixture.store, &name, &objects[0]));
    one = book(fixture.store, 0).memory;
    assert_in_range(one, 200, 4000);
    assert_ok(coffer_set_quota(fixture.store, &ours, 2 * one, COFFER_NO_QUOTA));
    assert_ok(coffer_object_open(fixture.store, &name, &objects[1]));
    assert_int_equal(coffer_object_open(fixture.store, &name, &objects[2]), COFFER_NO_MEMORY);
    assert_int_equal(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer),
                     COFFER_BUSY);
    assert_int_equal(book(fixture.store, 0).memory_refusals, 1);
    assert_int_equal(book(fixture.store, 0).handles, 2);
    coffer_object_close(objects[0]);
    assert_ok(coffer_object_open(fixture.store, &name, &objects[2]));
    coffer_object_close(objects[1]);
    coffer_object_close(objects[2]);
    assert_int_equal(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer),
                     COFFER_NO_MEMORY);
    assert_int_equal(book(fixture.store, 0).memory, 0);
    assert_int_equal(book(fixture.store, 0).handles, 0);
    assert_int_equal(book(fixture.store, 0).handles_peak, 2);
    assert_int_equal(book(fixture.store, 0).memory_peak, 2 * one);

    /* What can't be opened costs nothing. */
    name = name_of(&ours, 7, id);
    assert_int_equal(coffer_object_open(fixture.store, &name, &objects[0]), COFFER_NOT_FOUND);
    assert_int_equal(book(fixture.store, 0).memory, 0);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

static uint64_t sum_of(const uint64_t sizes[OBJECTS], unsigned *objects)
{
    uint64_t sum = 0;

    *objects = 0;
    for (unsigned i = 0; i < OBJECTS; i++) {
        sum += sizes[i] != UINT64_MAX ? sizes[i] : 0;
        *objects += sizes[i] != UINT64_MAX;
    }
    return sum;
}

/* An object made in pieces. Refused at the piece that passes the quota, which the model bounds by
 * `most`, and at no other. */
static enum coffer_status stream(struct coffer *store, const struct coffer_name *name,
                                 uint64_t size, uint64_t most, struct random *random)
{
    static const uint8_t bytes[SIZE_MOST];
    struct coffer_writer *writer;
    uint64_t done = 0;

    assert_ok(coffer_writer_open(store, name, COFFER_REPLACE, NULL, &writer));
    while (done < size) {
        size_t piece = (size_t)(1 + random_below(random, size - done));
        enum coffer_status status = coffer_writer_write(writer, bytes, piece);

        assert_int_equal(status, done + piece <= most ? COFFER_OK : COFFER_NO_SPACE);
        if (status != COFFER_OK) {
            coffer_writer_abort(writer);
            return status;
        }
        done += piece;
    }
    return coffer_writer_commit(writer);
}

/* One change; what it is refused for, and what it leaves, is what the model says. */
static void change_one(struct coffer *store, uint64_t sizes[OBJECTS], uint64_t quota,
                       struct random *random)
{
    unsigned number = (unsigned)random_below(random, OBJECTS);
    uint64_t before = sizes[number] != UINT64_MAX ? sizes[number] : 0;
    uint64_t size = random_below(random, SIZE_MOST);
    enum coffer_status status;
    struct coffer_object *object;
    unsigned objects;
    uint64_t most = quota - sum_of(sizes, &objects) + before; /* the sum is never more */
    bool fits = size <= most;
    char id[8];
    struct coffer_name name = name_of(&ours, number, id);

    switch (random_below(random, 5)) {
    case 0:
        status = put(store, &ours, number, size, COFFER_REPLACE);
        assert_int_equal(status, fits ? COFFER_OK : COFFER_NO_SPACE);
        break;
    case 1:
        status = coffer_delete(store, &name);
        assert_int_equal(status, sizes[number] != UINT64_MAX ? COFFER_OK : COFFER_NOT_FOUND);
        sizes[number] = UINT64_MAX;
        return;
    case 2:
        status = stream(store, &name, size, most, random);
        assert_int_equal(status, fits ? COFFER_OK : COFFER_NO_SPACE);
        break;
    default:
        if (sizes[number] == UINT64_MAX)
            return;
        assert_ok(coffer_object_open(store, &name, &object));
        status = coffer_object_truncate(object, size);
        coffer_object_close(object);
        assert_int_equal(status, fits ? COFFER_OK : COFFER_NO_SPACE);
        break;
    }
    if (status == COFFER_OK)
        sizes[number] = size;
}

static void test_storage_is_what_a_model_says(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    const uint64_t quota = OBJECTS * SIZE_MOST / 4;
    struct store_fixture fixture;
    uint64_t sizes[OBJECTS];
    struct random random;
    unsigned refused = 0;
    unsigned objects;

    (void)state;
    random_init(&random, "test_storage_is_what_a_model_says");
    memset(sizes, 0xff, sizeof(sizes));
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, quota));
    for (unsigned i = 0; i < ROUNDS; i++) {
        change_one(fixture.store, sizes, quota, &random);
        assert_int_equal(book(fixture.store, 0).storage, sum_of(sizes, &objects));
        assert_int_equal(book(fixture.store, 0).objects, objects);
        assert_int_equal(book(fixture.store, 0).storage_taken, 0);
        if (i % 200 == 199) {
            refused += (unsigned)book(fixture.store, 0).storage_refusals;
            store_fixture_close(&fixture);
            assert_ok(store_fixture_open(&fixture, disk, &options));
            assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, quota));
        }
    }
    assert_true(refused > ROUNDS / 100);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

#define STREAMERS    4u
#define STREAM_QUOTA (3u * SIZE_MOST)

struct streamer {
    struct coffer *store;
    unsigned index;
    unsigned commits, refused;
    struct random random;
    struct coffer_statistics now;
};

/* At every time all that is stored and all that was taken is within the quota; and who got room has
 * it at the end. */
static void make_streams(void *argument)
{
    struct streamer *streamer = argument;
    static const uint8_t bytes[SIZE_MOST];
    char id[8];
    struct coffer_name name = name_of(&ours, streamer->index, id);

    for (unsigned round = 0; round < 60; round++) {
        enum coffer_status status = COFFER_OK;
        struct coffer_writer *writer;

        must(coffer_writer_open(streamer->store, &name, COFFER_REPLACE, NULL, &writer) ==
             COFFER_OK);
        for (unsigned i = 0; i < 2 && status == COFFER_OK; i++) {
            size_t size = (size_t)random_below(&streamer->random, SIZE_MOST);

            status = coffer_writer_write(writer, bytes, size);
            must(status == COFFER_OK || status == COFFER_NO_SPACE);
            must(coffer_statistics_get(streamer->store, &streamer->now) == COFFER_OK);
            must(streamer->now.tas[0].storage + streamer->now.tas[0].storage_taken <= STREAM_QUOTA);
        }
        if (status == COFFER_OK) {
            must(coffer_writer_commit(writer) == COFFER_OK);
            streamer->commits++;
        } else {
            coffer_writer_abort(writer);
            streamer->refused++;
        }
    }
}

static void test_writers_at_once_keep_the_quota(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true, .memory = 1 << 20};
    static struct streamer streamers[STREAMERS];
    struct store_fixture fixture;
    struct random random;
    unsigned commits = 0;
    unsigned refused = 0;

    (void)state;
    random_init(&random, "test_writers_at_once_keep_the_quota");
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, STREAM_QUOTA));
    for (unsigned i = 0; i < STREAMERS; i++) {
        streamers[i] = (struct streamer){
            .store = fixture.store, .index = i, .random = {random_next(&random)}};
    }
    threads_run(make_streams, streamers, STREAMERS);
    for (unsigned i = 0; i < STREAMERS; i++) {
        commits += streamers[i].commits;
        refused += streamers[i].refused;
    }
    assert_true(commits > STREAMERS);
    assert_int_equal(book(fixture.store, 0).storage_refusals, refused);
    assert_int_equal(book(fixture.store, 0).storage_taken, 0);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

static void ignore_finding(void *context, const struct coffer_finding *finding)
{
    (void)context;
    (void)finding;
}

/* After a repair the sum is found again, also by a change of an object that is open. */
static void test_doubtful_sums_are_found_again(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    struct coffer_check_summary summary;
    struct store_fixture fixture;
    struct coffer_object *object;
    struct coffer_name name;
    char id[8];

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_ok(put(fixture.store, &ours, 0, 1000, 0));
    assert_ok(put(fixture.store, &ours, 1, 1000, 0));
    assert_ok(coffer_set_quota(fixture.store, &ours, COFFER_NO_QUOTA, 3000));
    name = name_of(&ours, 0, id);
    assert_ok(coffer_object_open(fixture.store, &name, &object));
    assert_ok(
        coffer_check(fixture.store, COFFER_CHECK_REPAIR, ignore_finding, NULL, NULL, &summary));
    assert_int_equal(coffer_object_truncate(object, 2001), COFFER_NO_SPACE);
    assert_ok(coffer_object_truncate(object, 2000));
    assert_int_equal(book(fixture.store, 0).storage, 3000);
    coffer_object_close(object);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

static void test_wrong_calls(void **state)
{
    struct memory_device *disk = memory_device_open();
    const struct store_options options = {.create = true};
    struct store_fixture fixture;

    (void)state;
    assert_ok(store_fixture_open(&fixture, disk, &options));
    assert_int_equal(coffer_set_quota(NULL, &ours, 1, 1), COFFER_MISUSE);
    assert_int_equal(coffer_set_quota(fixture.store, NULL, 1, 1), COFFER_MISUSE);
    for (unsigned i = 0; i < COFFER_TAS_MAX; i++) {
        const struct coffer_uuid ta = {.time_low = i};

        assert_ok(coffer_set_quota(fixture.store, &ta, 1, 1));
        assert_ok(coffer_set_quota(fixture.store, &ta, 2, 2));
    }
    assert_int_equal(coffer_set_quota(fixture.store, &(struct coffer_uuid){.time_low = 99}, 1, 1),
                     COFFER_NO_MEMORY);
    store_fixture_close(&fixture);
    memory_device_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storage_beyond_the_quota_is_refused),
        cmocka_unit_test(test_what_is_refused_is_not_written),
        cmocka_unit_test(test_writers_share_the_quota),
        cmocka_unit_test(test_a_writer_counts_what_it_replaces),
        cmocka_unit_test(test_memory_beyond_the_quota_is_refused),
        cmocka_unit_test(test_storage_is_what_a_model_says),
        cmocka_unit_test(test_writers_at_once_keep_the_quota),
        cmocka_unit_test(test_doubtful_sums_are_found_again),
        cmocka_unit_test(test_wrong_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
