/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: the device of named files (device/device.h). */
#include "device_fixture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

#include "support/random.h"

static void create(struct fixture *fixture, const char *name)
{
    assert_int_equal(device_create(fixture->device, name), COFFER_OK);
}

static void put(struct fixture *fixture, const char *name, uint64_t offset, const void *data,
                size_t size)
{
    struct device_piece piece = {.size = size};

    /* A write only reads from its pieces. */
    memcpy(&piece.data, &data, sizeof(piece.data));
    assert_int_equal(device_write(fixture->device, name, offset, &piece, 1), COFFER_OK);
}

static size_t get(struct fixture *fixture, const char *name, uint64_t offset, void *data,
                  size_t size)
{
    struct device_piece piece = {.data = data, .size = size};
    size_t got = SIZE_MAX;

    assert_int_equal(device_read(fixture->device, name, offset, &piece, 1, &got), COFFER_OK);
    return got;
}

static uint64_t size_of(struct fixture *fixture, const char *name)
{
    uint64_t size = UINT64_MAX;

    assert_int_equal(device_size(fixture->device, name, &size), COFFER_OK);
    return size;
}

static bool exists(struct fixture *fixture, const char *name)
{
    uint64_t size;
    enum coffer_status status = device_size(fixture->device, name, &size);

    assert_true(status == COFFER_OK || status == COFFER_NOT_FOUND);
    return status == COFFER_OK;
}

static void test_missing_file_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"none", "folder/none"};

    for (size_t i = 0; i < 2; i++) {
        uint8_t byte = 1;
        struct device_piece piece = {.data = &byte, .size = 1};
        size_t got = 77;
        uint64_t size = 77;

        assert_int_equal(device_read(fixture->device, names[i], 0, &piece, 1, &got),
                         COFFER_NOT_FOUND);
        assert_int_equal(device_write(fixture->device, names[i], 0, &piece, 1), COFFER_NOT_FOUND);
        assert_int_equal(device_size(fixture->device, names[i], &size), COFFER_NOT_FOUND);
        assert_int_equal(device_resize(fixture->device, names[i], 5), COFFER_NOT_FOUND);
        assert_int_equal(device_remove(fixture->device, names[i]), COFFER_NOT_FOUND);
        assert_int_equal(device_rename(fixture->device, names[i], "other"), COFFER_NOT_FOUND);
        assert_int_equal(got, 77);
        assert_int_equal(size, 77);
        assert_false(exists(fixture, names[i]));
    }
}

static void test_create_is_exclusive_and_empty(void **state)
{
    struct fixture *fixture = *state;

    create(fixture, "dirf.db");
    assert_int_equal(size_of(fixture, "dirf.db"), 0);
    put(fixture, "dirf.db", 0, "abc", 3);
    assert_int_equal(device_create(fixture->device, "dirf.db"), COFFER_EXISTS);
    assert_int_equal(size_of(fixture, "dirf.db"), 3);
    assert_int_equal(device_remove(fixture->device, "dirf.db"), COFFER_OK);
    assert_int_equal(device_remove(fixture->device, "dirf.db"), COFFER_NOT_FOUND);
    create(fixture, "dirf.db");
    assert_int_equal(size_of(fixture, "dirf.db"), 0);
}

static void test_reads_are_short_at_the_end_only(void **state)
{
    struct fixture *fixture = *state;
    uint8_t data[10];

    create(fixture, "0");
    assert_int_equal(get(fixture, "0", 0, data, sizeof(data)), 0);
    put(fixture, "0", 0, "0123456", 7);
    assert_int_equal(get(fixture, "0", 0, data, sizeof(data)), 7);
    assert_memory_equal(data, "0123456", 7);
    assert_int_equal(get(fixture, "0", 5, data, sizeof(data)), 2);
    assert_memory_equal(data, "56", 2);
    assert_int_equal(get(fixture, "0", 7, data, sizeof(data)), 0);
    assert_int_equal(get(fixture, "0", 1ull << 40, data, sizeof(data)), 0);
}

static void test_holes_read_as_zeros(void **state)
{
    static const uint8_t zero[4096];
    static uint8_t data[12288];
    struct fixture *fixture = *state;

    create(fixture, "0");
    put(fixture, "0", 100000, "end", 3);
    assert_int_equal(size_of(fixture, "0"), 100003);
    for (unsigned at = 0; at + 4096 <= 100000; at += 4096) {
        memset(data, 0xff, 4096);
        assert_int_equal(get(fixture, "0", at, data, 4096), 4096);
        assert_memory_equal(data, zero, 4096);
    }
    put(fixture, "0", 5000, "x", 1);
    assert_int_equal(get(fixture, "0", 4096, data, 4096), 4096);
    assert_int_equal(data[904], 'x');
    data[904] = 0;
    assert_memory_equal(data, zero, 4096);
}

static void test_resize_cuts_and_grows_with_zeros(void **state)
{
    struct fixture *fixture = *state;
    uint8_t data[100];

    create(fixture, "0");
    memset(data, 'a', sizeof(data));
    put(fixture, "0", 0, data, sizeof(data));
    assert_int_equal(device_resize(fixture->device, "0", 10), COFFER_OK);
    assert_int_equal(size_of(fixture, "0"), 10);
    assert_int_equal(device_resize(fixture->device, "0", 50), COFFER_OK);
    assert_int_equal(get(fixture, "0", 0, data, sizeof(data)), 50);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(data[i], i < 10 ? 'a' : 0);
    assert_int_equal(device_resize(fixture->device, "0", 0), COFFER_OK);
    assert_int_equal(size_of(fixture, "0"), 0);
}

/* What a write passes over stays or is a hole; what a read passes over may be of any size. */
static void test_bytes_are_passed_over(void **state)
{
    static const size_t gaps[] = {1, 4095, 4096, 8192, 8193, 100000, 3000000};
    struct fixture *fixture = *state;
    uint8_t first[100], last[5000], back[5100];
    size_t got;

    memset(first, 'f', sizeof(first));
    memset(last, 'l', sizeof(last));
    assert_int_equal(device_create(fixture->device, "0"), COFFER_OK);
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        uint64_t written = counter_get(&fixture->device->counters.written_bytes);
        uint64_t read = counter_get(&fixture->device->counters.read_bytes);
        struct device_piece pieces[4] = {{first, sizeof(first)},
                                         {NULL, gaps[i] / 3},
                                         {NULL, gaps[i] - gaps[i] / 3},
                                         {last, sizeof(last)}};
        struct device_piece middle = {back, 1};
        uint64_t end = 50 + sizeof(first) + gaps[i] + sizeof(last);

        assert_int_equal(device_resize(fixture->device, "0", 0), COFFER_OK);
        assert_int_equal(device_write(fixture->device, "0", 50 + sizeof(first), &pieces[0], 1),
                         COFFER_OK);
        assert_int_equal(device_write(fixture->device, "0", 50, pieces, 4), COFFER_OK);
        assert_int_equal(counter_get(&fixture->device->counters.written_bytes) - written,
                         2 * sizeof(first) + sizeof(last));
        assert_int_equal(device_read(fixture->device, "0", 50 + sizeof(first), &middle, 1, &got),
                         COFFER_OK);
        assert_int_equal(back[0], 'f');
        pieces[0].data = back;
        pieces[3].data = back + sizeof(first);
        assert_int_equal(device_read(fixture->device, "0", 50, pieces, 4, &got), COFFER_OK);
        assert_int_equal(got, end - 50);
        assert_memory_equal(back, first, sizeof(first));
        assert_memory_equal(back + sizeof(first), last, sizeof(last));
        assert_int_equal(counter_get(&fixture->device->counters.read_bytes) - read,
                         1 + sizeof(first) + sizeof(last));
        /* The end within what is passed over. */
        assert_int_equal(device_resize(fixture->device, "0", end - sizeof(last) - 1), COFFER_OK);
        assert_int_equal(device_read(fixture->device, "0", 50, pieces, 4, &got), COFFER_OK);
        assert_int_equal(got, end - sizeof(last) - 1 - 50);
    }
}

/* As many pieces as there may be, of all sizes, some skipped, some far larger than any buffer. */
static void test_pieces_follow_one_another(void **state)
{
    enum { FILE_SIZE = 2000000 };
    struct fixture *fixture = *state;
    struct random random;
    uint8_t *content = malloc(FILE_SIZE);
    uint8_t *back = malloc(FILE_SIZE);

    assert_non_null(content);
    assert_non_null(back);
    random_init(&random, "test_pieces_follow_one_another");
    random_bytes(&random, content, FILE_SIZE);
    create(fixture, "0");
    for (unsigned round = 0; round < 40; round++) {
        struct device_piece pieces[DEVICE_PIECES_MAX];
        size_t count = round == 0 ? DEVICE_PIECES_MAX
                                  : 1 + random_below(&random, DEVICE_PIECES_MAX);
        size_t start = round == 0 ? 0 : random_below(&random, FILE_SIZE);
        size_t at = start;
        size_t expected;
        size_t got;

        for (size_t i = 0; i < count; i++) {
            size_t size = random_below(&random, i % 16 == 0 ? 60000 : 5000);

            if (i % 7 == 3)
                size = 0;
            if (round == 0 && i == count - 1)
                size = FILE_SIZE - at;
            if (size > FILE_SIZE - at)
                size = FILE_SIZE - at;
            pieces[i] = (struct device_piece){.data = content + at, .size = size};
            at += size;
        }
        assert_int_equal(device_write(fixture->device, "0", start, pieces, count), COFFER_OK);

        memset(back, 0xa5, FILE_SIZE);
        for (size_t i = 0, place = start; i < count; place += pieces[i++].size)
            pieces[i].data = i % 3 == 1 ? NULL : back + place;
        pieces[count - 1].size += 30000; /* over the end, when it is near */
        pieces[count - 1].data = NULL;
        expected = at + 30000 <= FILE_SIZE ? at + 30000 - start : FILE_SIZE - start;
        assert_int_equal(device_read(fixture->device, "0", start, pieces, count, &got), COFFER_OK);
        assert_int_equal(got, expected);
        for (size_t i = 0, place = start; i + 1 < count; place += pieces[i++].size) {
            if (pieces[i].data != NULL) {
                assert_memory_equal(back + place, content + place, pieces[i].size);
                continue;
            }
            for (size_t k = 0; k < pieces[i].size; k++)
                assert_int_equal(back[place + k], 0xa5);
        }
    }
    free(content);
    free(back);
}

static void test_rename_never_replaces(void **state)
{
    struct fixture *fixture = *state;
    uint8_t data[4];

    create(fixture, "a");
    create(fixture, "b");
    put(fixture, "a", 0, "AAAA", 4);
    put(fixture, "b", 0, "BB", 2);
    assert_int_equal(device_rename(fixture->device, "a", "b"), COFFER_EXISTS);
    assert_int_equal(size_of(fixture, "a"), 4);
    assert_int_equal(size_of(fixture, "b"), 2);
    assert_int_equal(device_rename(fixture->device, "a", "a"), COFFER_EXISTS);
    assert_int_equal(device_rename(fixture->device, "a", "c"), COFFER_OK);
    assert_false(exists(fixture, "a"));
    assert_int_equal(get(fixture, "c", 0, data, 4), 4);
    assert_memory_equal(data, "AAAA", 4);

    /* The old name is free, and what goes there is another file. */
    create(fixture, "a");
    put(fixture, "a", 0, "x", 1);
    assert_int_equal(size_of(fixture, "c"), 4);
    assert_int_equal(size_of(fixture, "a"), 1);
    assert_int_equal(device_remove(fixture->device, "c"), COFFER_OK);
    assert_int_equal(device_rename(fixture->device, "a", "c"), COFFER_OK);
    assert_int_equal(size_of(fixture, "c"), 1);
}

static bool count_names(void *argument, const char *name, uint64_t size)
{
    unsigned *count = argument;

    (void)name;
    (void)size;
    ++*count;
    return true;
}

static unsigned listed(struct fixture *fixture)
{
    unsigned count = 0;

    assert_int_equal(device_list(fixture->device, count_names, &count), COFFER_OK);
    return count;
}

static void test_folder_is_made_on_demand_and_not_listed(void **state)
{
    static const char *const names[] = {"quarantine/1f", "kept"};
    struct fixture *fixture = *state;
    uint8_t data[4];

    create(fixture, "1f");
    put(fixture, "1f", 0, "bad", 3);
    create(fixture, "kept");
    assert_int_equal(device_rename(fixture->device, "1f", "quarantine/1f"), COFFER_OK);
    assert_int_equal(get(fixture, "quarantine/1f", 0, data, 4), 3);
    assert_memory_equal(data, "bad", 3);
    assert_false(exists(fixture, "1f"));
    assert_int_equal(listed(fixture), 1);
    create(fixture, "1f");
    assert_int_equal(device_rename(fixture->device, "1f", "quarantine/1f"), COFFER_EXISTS);
    create(fixture, "quarantine/2");
    assert_int_equal(device_create(fixture->device, "quarantine/2"), COFFER_EXISTS);
    put(fixture, "quarantine/2", 0, "more", 4);
    assert_int_equal(size_of(fixture, "quarantine/2"), 4);
    assert_int_equal(device_sync(fixture->device, names, 2), COFFER_OK);
    assert_int_equal(device_rename(fixture->device, "quarantine/2", "2"), COFFER_OK);
    assert_int_equal(size_of(fixture, "2"), 4);
    assert_int_equal(device_remove(fixture->device, "quarantine/1f"), COFFER_OK);
    assert_int_equal(listed(fixture), 3);
}

static bool first_only(void *argument, const char *name, uint64_t size)
{
    (void)count_names(argument, name, size);
    return false;
}

static bool check_listed(void *argument, const char *name, uint64_t size)
{
    unsigned char *seen = argument;
    unsigned long number = strtoul(name, NULL, 16);

    assert_in_range(number, 0, 99);
    assert_int_equal(size, number * 3);
    seen[number]++;
    return true;
}

static void test_list_has_each_file_once_with_its_size(void **state)
{
    struct fixture *fixture = *state;
    unsigned char seen[100] = {0};
    unsigned count = 0;
    char name[8];

    assert_int_equal(listed(fixture), 0);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%x", i);
        create(fixture, name);
        assert_int_equal(device_resize(fixture->device, name, i * 3), COFFER_OK);
    }
    for (unsigned i = 0; i < 100; i += 10) {
        snprintf(name, sizeof(name), "%x", i);
        assert_int_equal(device_remove(fixture->device, name), COFFER_OK);
    }
    assert_int_equal(device_list(fixture->device, check_listed, seen), COFFER_OK);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(seen[i], i % 10 == 0 ? 0 : 1);
    assert_int_equal(device_list(fixture->device, first_only, &count), COFFER_OK);
    assert_int_equal(count, 1);
}

static void test_wrong_names_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",       "/",
        "/a",     "a/",
        "a/b/c",  "..",
        ".",      "../a",
        "a/..",   "./a",
        "a//b",   "a b",
        "a\n",    "\xc3\xa4",
        "a:b",    "a*",
        "a\\b",   "~",
        "a/../b", ".a",
        "a/.b",   "012345678901234567890123456789012345678901234567", /* 48 bytes */
    };
    static const char *const right[] = {
        "a..b", "A-Z_09.tmp", "dirf.db",
        "01234567890123456789012345678901234567890123456", /* 47 bytes */
    };
    struct fixture *fixture = *state;

    if (!candidate->refuses_bad_names)
        skip();
    create(fixture, "a");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t byte = 0;
        struct device_piece piece = {.data = &byte, .size = 1};
        uint64_t size;
        size_t got;

        assert_int_equal(device_create(fixture->device, wrong[i]), COFFER_MISUSE);
        assert_int_equal(device_remove(fixture->device, wrong[i]), COFFER_MISUSE);
        assert_int_equal(device_rename(fixture->device, wrong[i], "b"), COFFER_MISUSE);
        assert_int_equal(device_rename(fixture->device, "a", wrong[i]), COFFER_MISUSE);
        assert_int_equal(device_size(fixture->device, wrong[i], &size), COFFER_MISUSE);
        assert_int_equal(device_resize(fixture->device, wrong[i], 0), COFFER_MISUSE);
        assert_int_equal(device_read(fixture->device, wrong[i], 0, &piece, 1, &got), COFFER_MISUSE);
        assert_int_equal(device_write(fixture->device, wrong[i], 0, &piece, 1), COFFER_MISUSE);
        assert_int_equal(device_sync(fixture->device, &wrong[i], 1), COFFER_MISUSE);
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        create(fixture, right[i]);
    assert_int_equal(listed(fixture), 1 + sizeof(right) / sizeof(right[0]));
}

/* --- Against a model: more files than any cache of descriptors holds ----------------------- */

#define MODEL_FILES 48u
#define MODEL_SIZE  3000u

struct model {
    struct {
        bool there;
        size_t size;
        uint8_t bytes[MODEL_SIZE];
    } files[MODEL_FILES];
};

static void name_file(unsigned number, char name[16])
{
    snprintf(name, 16, number % 8 == 7 ? "deep/%x" : "%x", number);
}

static void model_write(struct fixture *fixture, struct model *model, struct random *random,
                        unsigned file, const char *name)
{
    size_t offset = random_below(random, MODEL_SIZE);
    size_t size = 1 + random_below(random, MODEL_SIZE - offset);
    size_t split = random_below(random, size + 1);
    uint8_t *bytes = model->files[file].bytes + offset;
    struct device_piece pieces[2] = {{bytes, split}, {bytes + split, size - split}};

    random_bytes(random, bytes, size);
    assert_int_equal(device_write(fixture->device, name, offset, pieces, 2), COFFER_OK);
    if (offset + size > model->files[file].size)
        model->files[file].size = offset + size;
}

static void model_check(struct fixture *fixture, const struct model *model, unsigned file)
{
    uint8_t back[MODEL_SIZE + 10];
    char name[16];

    name_file(file, name);
    assert_int_equal(exists(fixture, name), model->files[file].there);
    if (!model->files[file].there)
        return;
    assert_int_equal(size_of(fixture, name), model->files[file].size);
    assert_int_equal(get(fixture, name, 0, back, sizeof(back)), model->files[file].size);
    if (model->files[file].size > 0)
        assert_memory_equal(back, model->files[file].bytes, model->files[file].size);
}

static void model_step(struct fixture *fixture, struct model *model, struct random *random)
{
    unsigned file = (unsigned)random_below(random, MODEL_FILES);
    unsigned other = (unsigned)random_below(random, MODEL_FILES);
    bool there = model->files[file].there;
    char name[16], other_name[16];
    const char *names[2] = {name, other_name};
    enum coffer_status status;
    size_t size;

    name_file(file, name);
    name_file(other, other_name);
    if (!there) {
        create(fixture, name);
        memset(&model->files[file], 0, sizeof(model->files[file]));
        model->files[file].there = true;
        return;
    }
    switch (random_below(random, 12)) {
    case 0:
        assert_int_equal(device_remove(fixture->device, name), COFFER_OK);
        model->files[file].there = false;
        break;
    case 1:
        status = device_rename(fixture->device, name, other_name);
        assert_int_equal(status, model->files[other].there ? COFFER_EXISTS : COFFER_OK);
        if (status == COFFER_OK) {
            model->files[other] = model->files[file];
            model->files[file].there = false;
        }
        break;
    case 2:
        size = random_below(random, MODEL_SIZE);
        assert_int_equal(device_resize(fixture->device, name, size), COFFER_OK);
        if (size < model->files[file].size)
            memset(model->files[file].bytes + size, 0, MODEL_SIZE - size);
        model->files[file].size = size;
        break;
    case 3:
        assert_int_equal(device_sync(fixture->device, names, model->files[other].there ? 2 : 1),
                         COFFER_OK);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        model_write(fixture, model, random, file, name);
        break;
    default:
        model_check(fixture, model, file);
    }
}

static void test_files_agree_with_a_model(void **state)
{
    static struct model model;
    struct fixture *fixture = *state;
    struct random random;

    memset(&model, 0, sizeof(model));
    random_init(&random, "test_files_agree_with_a_model");
    for (unsigned step = 0; step < 4000; step++)
        model_step(fixture, &model, &random);

    /* And after reopening. */
    fixture->device->operations->close(fixture->device);
    fixture->device = NULL;
    assert_int_equal(candidate->device_open(fixture->place, false, &fixture->device), COFFER_OK);
    for (unsigned file = 0; file < MODEL_FILES; file++)
        model_check(fixture, &model, file);
}

static void test_one_holder_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct coffer_device *readers[2];
    struct coffer_device *other;

    if (!candidate->locks_place)
        skip();
    assert_int_equal(candidate->device_open(fixture->place, false, &other), COFFER_BUSY);
    assert_int_equal(candidate->device_open(fixture->place, true, &other), COFFER_BUSY);
    fixture->device->operations->close(fixture->device);
    fixture->device = NULL;

    assert_int_equal(candidate->device_open(fixture->place, true, &readers[0]), COFFER_OK);
    assert_int_equal(candidate->device_open(fixture->place, true, &readers[1]), COFFER_OK);
    assert_int_equal(candidate->device_open(fixture->place, false, &other), COFFER_BUSY);
    readers[0]->operations->close(readers[0]);
    assert_int_equal(candidate->device_open(fixture->place, false, &other), COFFER_BUSY);
    readers[1]->operations->close(readers[1]);
    assert_int_equal(candidate->device_open(fixture->place, false, &fixture->device), COFFER_OK);
}

static void test_read_only_changes_nothing(void **state)
{
    static const char *const name = "0";
    struct fixture *fixture = *state;
    uint8_t data[4] = "new";
    struct device_piece piece = {.data = data, .size = 3};

    if (!candidate->locks_place)
        skip();
    create(fixture, "0");
    put(fixture, "0", 0, "old", 3);
    fixture->device->operations->close(fixture->device);
    fixture->device = NULL;
    assert_int_equal(candidate->device_open(fixture->place, true, &fixture->device), COFFER_OK);
    assert_int_equal(device_write(fixture->device, "0", 0, &piece, 1), COFFER_MISUSE);
    assert_int_equal(device_resize(fixture->device, "0", 0), COFFER_MISUSE);
    assert_int_equal(device_create(fixture->device, "1"), COFFER_MISUSE);
    assert_int_equal(device_rename(fixture->device, "0", "1"), COFFER_MISUSE);
    assert_int_equal(device_rename(fixture->device, "0", "folder/1"), COFFER_MISUSE);
    assert_int_equal(device_remove(fixture->device, "0"), COFFER_MISUSE);
    assert_int_equal(device_sync(fixture->device, &name, 1), COFFER_OK);
    assert_int_equal(get(fixture, "0", 0, data, 4), 3);
    assert_memory_equal(data, "old", 3);
    assert_int_equal(listed(fixture), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        device_test(test_missing_file_is_not_found),
        device_test(test_create_is_exclusive_and_empty),
        device_test(test_reads_are_short_at_the_end_only),
        device_test(test_holes_read_as_zeros),
        device_test(test_resize_cuts_and_grows_with_zeros),
        device_test(test_bytes_are_passed_over),
        device_test(test_pieces_follow_one_another),
        device_test(test_rename_never_replaces),
        device_test(test_folder_is_made_on_demand_and_not_listed),
        device_test(test_list_has_each_file_once_with_its_size),
        device_test(test_wrong_names_are_refused),
        device_test(test_files_agree_with_a_model),
        device_test(test_one_holder_at_a_time),
        device_test(test_read_only_changes_nothing),
    };
    int failures = 0;

    for (size_t i = 0; i < candidate_count; i++) {
        candidate = &candidates[i];
        if (candidate->device_open != NULL)
            failures += cmocka_run_group_tests_name(candidate->name, tests, NULL, NULL);
    }
    return failures;
}
