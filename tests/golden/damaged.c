/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores that OP-TEE's own code wrote and that were damaged or rolled back on purpose. Reads are
 * right or refused, what is not damaged still reads, and nothing on the device changes.
 *
 * COFFER_GOLDEN names the folder; its default is ../shared/golden from the repository's root.
 * Without it the test is skipped.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/store_fixture.h"

#define SKIPPED 77 /* Meson's exit code for it */

enum answer {
    RIGHT,   /* as stored */
    REFUSED, /* COFFER_CORRUPT */
    EITHER,  /* as stored, an older version after a told fallback, or refused */
    OLDER,   /* the whole store is older, and nothing can tell */
};

struct expectation {
    const char *name;
    enum answer a, b;
    bool opens;
};

/* A: file 0, 20,000 bytes. B: file 1, 100 bytes. What isn't named here is EITHER and RIGHT. */
static const struct expectation expectations[] = {
    {"none", RIGHT, RIGHT, true},
    {"none_rpmb", RIGHT, RIGHT, true},
    {"0_head_active_iv", REFUSED, RIGHT, true},
    {"0_head_stale_tag", RIGHT, RIGHT, true},
    {"0_head_active_counter", EITHER, RIGHT, true}, /* the tag tells the right counter */
    {"0_node1_hash", REFUSED, RIGHT, true},
    {"0_node1_stale_hash", RIGHT, RIGHT, true},
    {"0_node3_iv", REFUSED, RIGHT, true},
    {"0_block2_active", REFUSED, RIGHT, true},
    {"0_block2_stale", RIGHT, RIGHT, true},
    {"0_gap", RIGHT, RIGHT, true},
    {"0_missing", REFUSED, RIGHT, true},
    {"0_cut", RIGHT, RIGHT, true},
    {"0_block2_versions_swapped", REFUSED, RIGHT, true},
    {"dirf_db_block0_stale", RIGHT, RIGHT, true},
    {"dirf_db_missing", REFUSED, REFUSED, false},
    {"dirf_missing_rpmb", REFUSED, REFUSED, false},
    {"files_swapped", REFUSED, REFUSED, true},
    {"object_rolled_back", REFUSED, RIGHT, true},
    {"dirf_rolled_back", REFUSED, RIGHT, true},
    {"store_rolled_back_no_protection", OLDER, RIGHT, true},
    {"store_rolled_back_rpmb", OLDER, RIGHT, true},
};

static char folder[4096];
static struct model base;

static const struct store_options reading = {.memory = 256 * 1024, .read_only = true};

static struct memory_device *load(const char *name)
{
    char path[sizeof(folder) + 300];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return memory_device_load(path);
}

static struct expectation expected_of(const char *name)
{
    struct expectation expectation = {name, EITHER, RIGHT, true};

    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        if (strcmp(expectations[i].name, name) == 0)
            expectation = expectations[i];
    }
    return expectation;
}

/* Told and authentic: all that can be asked of a version whose bytes we have nowhere else. */
static bool is_older_version(const struct store_fixture *fixture, const struct model_object *object)
{
    return fixture->notices[COFFER_NOTICE_CATALOGUE_FALLBACK] > 0 && object->size == 20000;
}

static void judge(const char *name, const struct model_object *stored, enum answer expected,
                  struct store_fixture *fixture)
{
    struct coffer_name object_name = model_name(stored);
    struct model_object object;
    enum coffer_status status = model_read_object(fixture->store, &object_name, &object, NULL, 0);
    bool right = status == COFFER_OK && object.size == stored->size &&
                 memcmp(object.bytes, stored->bytes, stored->size) == 0;
    bool fine = false;

    switch (expected) {
    case RIGHT:
        fine = right;
        break;
    case REFUSED:
        fine = status == COFFER_CORRUPT;
        break;
    case EITHER:
        fine = right || status == COFFER_CORRUPT || is_older_version(fixture, &object);
        break;
    case OLDER:
        fine = status == COFFER_OK && !right;
        break;
    }
    if (!fine)
        fail_msg("%s: object of %zu bytes: %s%s", name, stored->size, coffer_status_name(status),
                 status != COFFER_OK ? ""
                 : right             ? ", as stored"
                                     : ", other data");
    model_object_fini(&object);
}

static void try_case(const char *name, const struct store_options *options)
{
    struct expectation expectation = expected_of(name);
    struct memory_device *device = load(name);
    struct memory_device *before;
    struct store_fixture fixture;
    enum coffer_status status;
    const char *where;

    assert_non_null(device);
    before = memory_device_clone(device);
    status = store_fixture_open(&fixture, device, options);
    if (!expectation.opens)
        assert_int_equal(status, COFFER_CORRUPT); /* there are objects */
    else if (status != COFFER_OK)
        fail_msg("%s: open: %s", name, coffer_status_name(status));
    if (status == COFFER_OK) {
        for (size_t i = 0; i < base.count; i++) {
            bool is_a = base.objects[i].size == 20000;

            judge(name, &base.objects[i], is_a ? expectation.a : expectation.b, &fixture);
        }
        if (fixture.last_notice[0] != '\0')
            fprintf(stderr, "  %s: %s\n", name, fixture.last_notice);
        store_fixture_close(&fixture);
    }
    if (!memory_device_equal(before, device, &where))
        fail_msg("%s: reading changed %s", name, where);
    memory_device_free(before);
    memory_device_free(device);
}

static void try_all(const struct store_options *options)
{
    DIR *cases = opendir(folder);
    const struct dirent *entry;
    unsigned count = 0;

    assert_non_null(cases);
    while ((entry = readdir(cases)) != NULL) {
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_' ||
            strcmp(entry->d_name, "manifest.json") == 0)
            continue;
        try_case(entry->d_name, options);
        count++;
    }
    closedir(cases);
    fprintf(stderr, "%u damaged stores\n", count);
    assert_true(count >= sizeof(expectations) / sizeof(expectations[0]));
}

static void test_damaged_stores_read_right_or_not_at_all(void **state)
{
    (void)state;
    try_all(&reading);
}

/* A store opened for writing is not written either as long as it is only read. */
static void test_reading_changes_nothing_when_it_may_write(void **state)
{
    const struct store_options writing = {.memory = 256 * 1024};

    (void)state;
    try_all(&writing);
}

static void test_a_lost_catalogue_is_not_made_anew(void **state)
{
    const struct store_options creating = {.memory = 256 * 1024, .create = true};

    (void)state;
    try_case("dirf_db_missing", &creating);
}

static int read_base(void **state)
{
    struct memory_device *device = load("none");
    struct store_fixture fixture;

    (void)state;
    assert_non_null(device);
    assert_int_equal(store_fixture_open(&fixture, device, &reading), COFFER_OK);
    assert_int_equal(model_read_store(fixture.store, &base, NULL, 0), COFFER_OK);
    assert_int_equal(base.count, 2);
    store_fixture_close(&fixture);
    memory_device_free(device);
    return 0;
}

static int free_base(void **state)
{
    (void)state;
    model_fini(&base);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_stores_read_right_or_not_at_all),
        cmocka_unit_test(test_reading_changes_nothing_when_it_may_write),
        cmocka_unit_test(test_a_lost_catalogue_is_not_made_anew),
    };
    const char *golden = getenv("COFFER_GOLDEN");
    struct memory_device *probe;

    snprintf(folder, sizeof(folder), "%s/damaged", golden == NULL ? "../shared/golden" : golden);
    probe = load("none");
    if (probe == NULL) {
        fprintf(stderr, "%s isn't there: OP-TEE's damaged stores were not looked at\n", folder);
        return SKIPPED;
    }
    memory_device_free(probe);
    return cmocka_run_group_tests(tests, read_base, free_base);
}
