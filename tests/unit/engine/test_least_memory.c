/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A large object in the least memory: streamed in, read and written anywhere, cut and grown. 20
 * MiB; with COFFER_DEEP=1 300 MiB.
 */
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

#define MIB   ((size_t)1 << 20)
#define PIECE 100000u

#define assert_ok(call) assert_int_equal((call), COFFER_OK)

static void check_range(struct coffer_object *object, const uint8_t *model, size_t size,
                        struct random *random)
{
    uint8_t bytes[20000];
    size_t at = (size_t)random_below(random, size + 1000);
    size_t most = (size_t)random_below(random, sizeof(bytes)) + 1;
    size_t expected = at >= size ? 0 : size - at < most ? size - at : most;
    size_t got = 0;

    assert_ok(coffer_object_read(object, at, bytes, most, &got));
    assert_int_equal(got, expected);
    assert_memory_equal(bytes, model + (at < size ? at : 0), expected);
}

static void check_all(struct coffer_object *object, const uint8_t *model, size_t size)
{
    uint8_t *bytes = must_alloc(PIECE);
    struct coffer_info info;

    assert_ok(coffer_object_info(object, &info));
    assert_int_equal(info.size, size);
    for (size_t at = 0; at < size; at += PIECE) {
        size_t got = 0;

        assert_ok(coffer_object_read(object, at, bytes, PIECE, &got));
        assert_int_equal(got, size - at < PIECE ? size - at : PIECE);
        assert_memory_equal(bytes, model + at, got);
    }
    free(bytes);
}

static void stream_in(struct coffer *store, const struct coffer_name *name, const uint8_t *model,
                      size_t size)
{
    struct coffer_writer *writer;

    assert_ok(coffer_writer_open(store, name, 0, NULL, &writer));
    for (size_t done = 0; done < size; done += PIECE)
        assert_ok(
            coffer_writer_write(writer, model + done, size - done < PIECE ? size - done : PIECE));
    assert_ok(coffer_writer_commit(writer));
}

static void write_range(struct coffer_object *object, uint8_t *model, size_t size,
                        struct random *random)
{
    size_t most = random_below(random, 10) == 0 ? 300000 : 9000;
    size_t at = (size_t)random_below(random, size - most);
    size_t count = (size_t)random_below(random, most);

    random_bytes(random, model + at, count / 8 * 8);
    assert_ok(coffer_object_write(object, at, model + at, count / 8 * 8));
}

/* Down and up again: what comes back is zeros. */
static void cut_and_grow(struct coffer_object *object, uint8_t *model, size_t size,
                         struct random *random)
{
    size_t cut = (size_t)random_below(random, size);

    assert_ok(coffer_object_truncate(object, cut));
    assert_ok(coffer_object_truncate(object, size));
    memset(model + cut, 0, size - cut);
    for (unsigned i = 0; i < 30; i++)
        check_range(object, model, size, random);
}

static void test_a_large_object_in_the_least_memory(void **state)
{
    const char *deep = getenv("COFFER_DEEP");
    size_t size = (deep != NULL && *deep == '1' ? 300 : 20) * MIB + 12345;
    const struct store_options options = {
        .create = true, .memory = COFFER_MEMORY_MIN, .cache_frames = 0};
    struct memory_device *disk = memory_device_open();
    uint8_t *model = must_alloc(size);
    struct coffer_name name = step_name("large");
    struct coffer_statistics statistics;
    struct coffer_object *object;
    struct store_fixture fixture;
    struct random random;

    (void)state;
    random_init(&random, "test_a_large_object_in_the_least_memory");
    random_bytes(&random, model, size);
    memory_device_set_capacity(disk, UINT64_C(4) << 30);
    assert_ok(store_fixture_open(&fixture, disk, &options));
    stream_in(fixture.store, &name, model, size);
    for (unsigned round = 0; round < 4; round++) {
        assert_ok(coffer_object_open(fixture.store, &name, &object));
        for (unsigned i = 0; i < 100; i++) {
            check_range(object, model, size, &random);
            write_range(object, model, size, &random);
        }
        if (round == 1)
            check_all(object, model, size);
        cut_and_grow(object, model, size, &random);
        coffer_object_close(object);
        if (round == 2) {
            store_fixture_close(&fixture);
            assert_ok(store_fixture_open(&fixture, disk, &options));
        }
    }
    assert_ok(coffer_object_open(fixture.store, &name, &object));
    check_all(object, model, size);
    coffer_object_close(object);
    assert_ok(coffer_statistics_get(fixture.store, &statistics));
    assert_true(statistics.memory_peak <= COFFER_MEMORY_MIN);
    assert_true(statistics.cache_evictions > 1000);
    store_fixture_close(&fixture);
    memory_device_free(disk);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_object_in_the_least_memory),
    };

    return cmocka_run_group_tests_name("least memory", tests, NULL, NULL);
}
