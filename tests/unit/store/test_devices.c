/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that are full, that fail, or that do not do what they say. */
#include "fixture.h"

static size_t stored_size(const char *file)
{
    size_t size = 0;

    assert_non_null(memory_device_bytes(disk, file, &size));
    return size;
}

/* On a full device a change that can't be done takes no room for good, and there is always a way
 * out: what shrinks or goes needs no room of its own. */
static void test_a_full_device_keeps_nobody_from_making_room(void **state)
{
    struct coffer_object *object;
    size_t object_size;
    size_t catalogue_size;

    (void)state;
    assert_ok(put("x", 'x', 60000));
    object_size = stored_size("0");
    catalogue_size = stored_size("dirf.db");
    memory_device_set_capacity(disk, object_size + catalogue_size + 50000);
    assert_ok(open_object("x", &object));
    assert_status(coffer_object_truncate(object, 1u << 20), COFFER_NO_SPACE);
    assert_int_equal(stored_size("0"), object_size);
    assert_int_equal(stored_size("dirf.db"), catalogue_size);
    assert_status(coffer_object_write(object, 90000, "far", 3), COFFER_NO_SPACE);
    assert_int_equal(stored_size("0"), object_size);
    assert_handle_holds(object, 'x', 60000);
    memory_device_set_capacity(disk, object_size + catalogue_size);
    assert_status(put("y", 'y', 10), COFFER_NO_SPACE);
    assert_ok(coffer_object_truncate(object, 30000));
    assert_handle_holds(object, 'x', 30000);
    coffer_object_close(object);
    memory_device_set_capacity(disk, stored_size("0") + catalogue_size);
    assert_ok(rename_object("x", "z"));
    assert_ok(delete_object("z"));
    assert_int_equal(stored_size("dirf.db"), catalogue_size);
}

/* The same for an entry that has just begun a block of the catalogue: its second slot is there. */
static void test_deleting_needs_no_room_in_the_catalogue(void **state)
{
    uint64_t total = 0;
    char id[8];

    (void)state;
    for (unsigned i = 0; i < 69; i++) {
        snprintf(id, sizeof(id), "%x", i);
        assert_ok(put(id, 'x', 10));
    }
    for (unsigned i = 0; i < 69; i++) {
        snprintf(id, sizeof(id), "%x", i);
        total += stored_size(id); /* files are numbered as the objects are named */
    }
    memory_device_set_capacity(disk, total + stored_size("dirf.db"));
    assert_ok(delete_object("44"));
    assert_ok(delete_object("0"));
    reopen();
    assert_int_equal(objects_listed(), 67);
}

/* Each device call of a change fails after it was done: the answer is an error, and either
 * the store is FAILED, or the object is as before. */
static void test_an_unknown_outcome_fails_the_store_until_it_is_reopened(void **state)
{
    unsigned failed = 0;
    bool fired = true;

    (void)state;
    assert_ok(put("x", 'x', 9000));
    for (uint64_t at = 1; fired; at++) {
        struct fault_plan plan = {.kind = FAULT_IO_AFTER, .at = at};
        struct coffer_object *object;
        enum coffer_status status;
        uint8_t byte;
        size_t got;

        assert_ok(open_object("x", &object));
        memory_device_inject(disk, &plan);
        status = coffer_object_write(object, 6000, "!", 1);
        memory_device_inject(disk, NULL);
        fired = plan.fired;
        if (status == COFFER_FAILED) {
            failed++;
            assert_status(coffer_object_write(object, 0, "!", 1), COFFER_FAILED);
            assert_status(put("y", 'y', 1), COFFER_FAILED);
            assert_status(delete_object("x"), COFFER_FAILED);
        } else if (status != COFFER_OK) {
            assert_status(status, COFFER_IO);
            assert_handle_holds(object, 'x', 9000);
        }
        coffer_object_close(object);
        reopen();
        assert_ok(open_object("x", &object));
        assert_ok(coffer_object_read(object, 6000, &byte, 1, &got));
        if (status == COFFER_OK)
            assert_int_equal(byte, '!');
        else if (status == COFFER_IO)
            assert_int_equal(byte, byte_of('x', 6000));
        byte = byte_of('x', 6000);
        assert_ok(coffer_object_write(object, 6000, &byte, 1));
        coffer_object_close(object);
    }
    assert_int_equal(failed, 2); /* the catalogue's head, and the barrier behind it */
}

static enum coffer_status create_nothing(struct coffer_device *device, const char *name)
{
    (void)device;
    (void)name;
    return COFFER_EXISTS;
}

static enum coffer_status remove_nothing(struct coffer_device *device, const char *name)
{
    (void)device;
    (void)name;
    return COFFER_OK;
}

static void test_a_file_that_stays_after_its_removal_is_a_failure(void **state)
{
    struct coffer_device *device = fixture.store->environment.device;
    const struct device_operations *before = device->operations;
    struct device_operations lying = *before;

    (void)state;
    lying.create = create_nothing;
    lying.remove = remove_nothing;
    device->operations = &lying;
    assert_status(put("x", 'x', 10), COFFER_IO);
    device->operations = before;
    assert_ok(put("x", 'x', 10));
}

static enum coffer_status read_too_much(struct coffer_device *device, const char *name,
                                        uint64_t offset, const struct device_piece *pieces,
                                        size_t count, size_t least, size_t *got)
{
    (void)device;
    (void)name;
    (void)offset;
    (void)least;
    *got = 1;
    for (size_t i = 0; i < count; i++)
        *got += pieces[i].size;
    return COFFER_OK;
}

static void test_a_read_of_more_than_was_asked_for_is_a_failure(void **state)
{
    struct coffer_device *device = fixture.store->environment.device;
    const struct device_operations *before = device->operations;
    struct device_operations lying = *before;
    struct coffer_object *object;

    (void)state;
    assert_ok(put("x", 'x', 10));
    lying.read = read_too_much;
    device->operations = &lying;
    assert_status(open_object("x", &object), COFFER_IO);
    device->operations = before;
    assert_holds("x", 'x', 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_a_full_device_keeps_nobody_from_making_room),
        store_test(test_deleting_needs_no_room_in_the_catalogue),
        store_test(test_an_unknown_outcome_fails_the_store_until_it_is_reopened),
        store_test(test_a_file_that_stays_after_its_removal_is_a_failure),
        store_test(test_a_read_of_more_than_was_asked_for_is_a_failure),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
