/* SPDX-License-Identifier: BSD-2-Clause */
/* Many writers that wait, and devices that lie. */
#include "../store/fixture.h"

#define WRITERS 60u

static void test_many_waiting_writers_leave_room_in_the_cache(void **state)
{
    const struct store_options options = {.memory = 1024 * 1024, .cache_frames = 40};
    struct coffer_writer *writers[WRITERS];

    (void)state;
    close_store();
    open_with(&options);
    assert_ok(put("there", 't', 9000));
    for (unsigned i = 0; i < WRITERS; i++) {
        char id[8];
        struct coffer_name name;

        snprintf(id, sizeof(id), "w%u", i);
        name = step_name(id);
        assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writers[i]));
    }
    assert_holds("there", 't', 9000);
    assert_ok(put("new", 'n', 9000));
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_ok(coffer_writer_write(writers[i], "data", 4));
        assert_ok(coffer_writer_commit(writers[i]));
    }
    assert_int_equal(objects_listed(), WRITERS + 2);
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
                                        size_t count, size_t *got)
{
    (void)device;
    (void)name;
    (void)offset;
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
        store_test(test_many_waiting_writers_leave_room_in_the_cache),
        store_test(test_a_file_that_stays_after_its_removal_is_a_failure),
        store_test(test_a_read_of_more_than_was_asked_for_is_a_failure),
    };

    return cmocka_run_group_tests_name("review writers", tests, NULL, NULL);
}
