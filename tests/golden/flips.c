/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every single byte of small stores is damaged, one at a time, in several ways. The damaged store
 * is opened, listed and read in full: whatever is read is as stored; or it is what the catalogue's
 * version before had, and then the notice of the fallback was given; or there is an error. An
 * object is never silently absent. Not one byte of the device changes.
 *
 * COFFER_STORES names the folder of the stores (stores/ beside this file).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/store_fixture.h"

#define MEMORY (256u * 1024)

struct tally {
    unsigned long flips, refused, fallbacks, object_errors, harmless;
};

struct subject {
    const char *name;
    struct memory_device *whole;
    struct memory_device *damaged;
    struct model model;
    struct model older; /* what the catalogue's version before has */
    struct tally tally;
};

static const struct store_options reading = {.memory = MEMORY, .read_only = true};

static struct memory_device *load(const char *name)
{
    const char *folder = getenv("COFFER_STORES");
    char path[4096];
    struct memory_device *device;

    snprintf(path, sizeof(path), "%s/%s", folder == NULL ? "tests/golden/stores" : folder, name);
    device = memory_device_load(path);
    if (device == NULL)
        fail_msg("%s can't be read", path);
    return device;
}

/* The version before, by damaging the newest head: the larger counter's. */
static void read_older(struct subject *subject)
{
    struct memory_device *device = memory_device_clone(subject->whole);
    struct store_fixture fixture;
    size_t size;
    const uint8_t *bytes = memory_device_bytes(device, "dirf.db", &size);
    unsigned newest = bytes[64] > bytes[68 + 64] ? 0 : 1;

    memory_device_flip(device, "dirf.db", newest * 68 + 16, 1);
    model_init(&subject->older);
    if (store_fixture_open(&fixture, device, &reading) == COFFER_OK) {
        struct coffer_list *list;
        struct coffer_entry entry;

        assert_int_not_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
        assert_int_equal(coffer_list_open(fixture.store, NULL, &list), COFFER_OK);
        while (coffer_list_next(list, &entry) == COFFER_OK) {
            struct coffer_name name = {.ta = entry.ta, .id = entry.id, .id_size = entry.id_size};
            struct model_object object;

            if (model_read_object(fixture.store, &name, &object, NULL, 0) == COFFER_OK)
                model_put(&subject->older, &name, &object.attributes, object.bytes, object.size);
            model_object_fini(&object);
        }
        coffer_list_close(list);
        store_fixture_close(&fixture);
    }
    memory_device_free(device);
}

static void subject_open(struct subject *subject, const char *name)
{
    struct store_fixture fixture;
    char why[256] = "";

    memset(subject, 0, sizeof(*subject));
    subject->name = name;
    subject->whole = load(name);
    assert_int_equal(store_fixture_open(&fixture, subject->whole, &reading), COFFER_OK);
    if (model_read_store(fixture.store, &subject->model, why, sizeof(why)) != COFFER_OK)
        fail_msg("%s: %s", name, why);
    store_fixture_close(&fixture);
    read_older(subject);
    subject->damaged = memory_device_clone(subject->whole);
}

static void subject_close(struct subject *subject)
{
    memory_device_free(subject->whole);
    memory_device_free(subject->damaged);
    model_fini(&subject->model);
    model_fini(&subject->older);
}

static bool holds(const struct model *model, const struct model_object *object)
{
    struct coffer_name name = model_name(object);
    struct model one;
    const struct model_object *stored = model_find(model, &name);
    struct model expected;
    bool equal;

    if (stored == NULL)
        return false;
    model_init(&one);
    model_init(&expected);
    model_put(&one, &name, &object->attributes, object->bytes, object->size);
    model_put(&expected, &name, &stored->attributes, stored->bytes, stored->size);
    equal = model_equal(&one, &expected, NULL, 0);
    model_fini(&one);
    model_fini(&expected);
    return equal;
}

/* A sentence about what is wrong, or NULL. */
static const char *judge_objects(struct subject *subject, struct store_fixture *fixture)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status = coffer_list_open(fixture->store, NULL, &list);
    const char *wrong = NULL;
    size_t met = 0;

    if (status != COFFER_OK)
        return status == COFFER_CORRUPT ? NULL : "the list is refused for another reason";
    while (wrong == NULL && (status = coffer_list_next(list, &entry)) == COFFER_OK) {
        struct coffer_name name = {.ta = entry.ta, .id = entry.id, .id_size = entry.id_size};
        struct model_object object;
        enum coffer_status read = model_read_object(fixture->store, &name, &object, NULL, 0);
        bool fell_back = fixture->notices[COFFER_NOTICE_CATALOGUE_FALLBACK] > 0;

        met++;
        if (read == COFFER_OK) {
            if (!holds(&subject->model, &object) && !(fell_back && holds(&subject->older, &object)))
                wrong = fell_back ? "wrong data after a fallback" : "wrong data";
        } else if (read != COFFER_CORRUPT) {
            wrong = coffer_status_text(read);
        } else {
            subject->tally.object_errors++;
            if (model_find(&subject->model, &name) == NULL)
                wrong = "an object that never was";
        }
        model_object_fini(&object);
    }
    coffer_list_close(list);
    if (wrong != NULL)
        return wrong;
    if (status != COFFER_NOT_FOUND)
        return status == COFFER_CORRUPT ? NULL : "the walk ends for another reason";
    if (met != subject->model.count && fixture->notices[COFFER_NOTICE_CATALOGUE_FALLBACK] == 0)
        return "an object is silently absent";
    return NULL;
}

static void try_flip(struct subject *subject, const char *file, size_t offset, uint8_t mask)
{
    struct store_fixture fixture;
    enum coffer_status status;
    const char *wrong = NULL;
    unsigned long errors = subject->tally.object_errors;

    subject->tally.flips++;
    memory_device_flip(subject->damaged, file, offset, mask);
    status = store_fixture_open(&fixture, subject->damaged, &reading);
    if (status == COFFER_OK) {
        wrong = judge_objects(subject, &fixture);
        subject->tally.fallbacks += fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK] > 0;
        store_fixture_close(&fixture);
        subject->tally.harmless += subject->tally.object_errors == errors;
    } else if (status == COFFER_CORRUPT) {
        subject->tally.refused++;
    } else {
        wrong = coffer_status_text(status);
    }
    memory_device_flip(subject->damaged, file, offset, mask);
    if (wrong != NULL)
        fail_msg("%s/%s, byte %zu ^ %02x: %s", subject->name, file, offset, mask, wrong);
}

/* Every byte of every file, with each mask. */
static void flip_everything(const char *name, const uint8_t *masks, size_t mask_count)
{
    struct subject subject;

    subject_open(&subject, name);
    for (size_t f = 0; f < memory_device_file_count(subject.whole); f++) {
        const char *file = memory_device_file_name(subject.whole, f);
        size_t size;

        (void)memory_device_bytes(subject.whole, file, &size);
        for (size_t offset = 0; offset < size; offset++) {
            for (size_t m = 0; m < mask_count; m++)
                try_flip(&subject, file, offset, masks[m]);
        }
    }
    /* Each flip was taken back by another: any byte written in between would show. */
    assert_true(memory_device_equal(subject.whole, subject.damaged, NULL));
    assert_int_equal(memory_device_change_count(subject.damaged), 0);
    fprintf(stderr, "%s: %lu flips, %lu opens refused, %lu fallbacks, %lu objects refused\n", name,
            subject.tally.flips, subject.tally.refused, subject.tally.fallbacks,
            subject.tally.object_errors);
    /* Some damage was met, or nothing was shown. */
    assert_int_not_equal(subject.tally.fallbacks + subject.tally.refused, 0);
    if (subject.model.count > 0)
        assert_int_not_equal(subject.tally.object_errors, 0);
    subject_close(&subject);
}

static void flip_store(const char *name)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xFF};
    const char *deep = getenv("COFFER_DEEP");
    bool all = deep != NULL && deep[0] == '1';

    flip_everything(name, masks, all ? 3 : 1);
}

static void test_every_byte_of_an_empty_store(void **state)
{
    (void)state;
    flip_store("empty_store");
}

static void test_every_byte_of_a_small_store(void **state)
{
    (void)state;
    flip_store("small");
}

static void test_every_byte_of_an_object_of_blocks(void **state)
{
    (void)state;
    flip_store("past_the_end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_an_empty_store),
        cmocka_unit_test(test_every_byte_of_a_small_store),
        cmocka_unit_test(test_every_byte_of_an_object_of_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
