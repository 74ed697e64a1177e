/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that do not do what they say. */
#include "fixture.h"

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
        store_test(test_a_file_that_stays_after_its_removal_is_a_failure),
        store_test(test_a_read_of_more_than_was_asked_for_is_a_failure),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
