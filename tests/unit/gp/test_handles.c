/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles, and how calls end. */
#include "unit/gp/fixture.h"

struct thing {
    unsigned closed;
    struct gp_instance *by;
};

static void close_thing(struct gp_instance *instance, void *thing)
{
    ((struct thing *)thing)->closed++;
    ((struct thing *)thing)->by = instance;
}

static void *make(struct gp_instance *instance, enum gp_kind kind, struct thing *thing)
{
    void *handle;

    assert_success(gp_handle_make(instance, kind, thing, close_thing, &handle));
    assert_non_null(handle);
    assert_true((uintptr_t)handle <= UINT32_MAX);
    return handle;
}

static void test_handle_finds_its_thing_until_it_is_closed(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    struct thing things[2] = {{0}};
    void *a = make(instance, GP_OBJECT, &things[0]);
    void *b = make(instance, GP_OBJECT, &things[1]);

    (void)state;
    assert_ptr_equal(gp_handle_find(instance, GP_OBJECT, a), &things[0]);
    assert_ptr_equal(gp_handle_find(instance, GP_OBJECT, b), &things[1]);
    assert_success(gp_handle_close(instance, GP_OBJECT, a));
    assert_null(gp_handle_find(instance, GP_OBJECT, a));
    assert_ptr_equal(gp_handle_find(instance, GP_OBJECT, b), &things[1]);
    assert_success(gp_handle_close(instance, GP_OBJECT, b));
    assert_true(gp_handles_are_valid(instance));
    assert_int_equal(things[0].closed, 1);
    assert_int_equal(things[1].closed, 1);
}

static void test_wrong_kind_is_found_out(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    static struct thing thing;

    (void)state;
    for (unsigned kind = 0; kind < GP_KINDS; kind++) {
        void *handle = make(instance, (enum gp_kind)kind, &thing);

        for (unsigned other = 0; other < GP_KINDS; other++)
            assert_ptr_equal(gp_handle_find(instance, (enum gp_kind)other, handle),
                             other == kind ? &thing : NULL);
        thing.closed = 0;
        for (unsigned other = 0; other < GP_KINDS; other++) {
            if (other != kind)
                assert_result(gp_handle_close(instance, (enum gp_kind)other, handle),
                              TEE_ERROR_BAD_PARAMETERS);
        }
        assert_int_equal(thing.closed, 0);
        assert_success(gp_handle_close(instance, (enum gp_kind)kind, handle));
    }
}

static void test_number_comes_again_after_255_others(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    static struct thing thing;
    void *first = make(instance, GP_OBJECT, &thing);

    (void)state;
    assert_success(gp_handle_close(instance, GP_OBJECT, first));
    for (unsigned others = 0; others < 255; others++) {
        void *handle = make(instance, GP_OBJECT, &thing);

        assert_ptr_not_equal(handle, first);
        assert_null(gp_handle_find(instance, GP_OBJECT, first));
        assert_success(gp_handle_close(instance, GP_OBJECT, handle));
    }
    assert_ptr_equal(make(instance, GP_OBJECT, &thing), first);
    assert_success(gp_handle_close(instance, GP_OBJECT, first));
}

static void test_foreign_numbers_are_found_out(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_uuid);
    static struct thing thing;
    void *handle = make(instance, GP_OBJECT, &thing);
    void *theirs = make(other, GP_OBJECT, &thing);

    (void)state;
    assert_null(gp_handle_find(other, GP_OBJECT, handle));
    assert_null(gp_handle_find(instance, GP_OBJECT, theirs));
    assert_null(gp_handle_find(instance, GP_OBJECT, NULL));
    for (unsigned bit = 0; bit < sizeof(void *) * 8; bit++) {
        void *forged = (void *)((uintptr_t)handle ^ (uintptr_t)1 << bit);

        assert_null(gp_handle_find(instance, GP_OBJECT, forged));
    }
    assert_success(gp_handle_close(instance, GP_OBJECT, handle));
    assert_success(gp_handle_close(other, GP_OBJECT, theirs));
    gp_instance_close(other);
}

static void test_end_of_an_instance_closes_all(void **state)
{
    struct gp_instance *instance = gp_fixture_instance(&gp_fixture_other_uuid);
    static struct thing things[100];

    (void)state;
    memset(things, 0, sizeof(things));
    for (unsigned i = 0; i < 100; i++)
        (void)make(instance, (enum gp_kind)(i % GP_KINDS), &things[i]);
    assert_true(gp_handles_are_valid(instance));
    gp_instance_close(instance);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(things[i].closed, 1);
        assert_ptr_equal(things[i].by, instance);
    }
}

static void test_handles_end_with_memory(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    static struct thing thing;
    void *handle = make(instance, GP_OBJECT, &thing);
    void *last = handle;
    TEE_Result result = TEE_SUCCESS;
    unsigned count = 1;

    (void)state;
    space_fixture_refuse(&gp_fixture.space, 1, UINT64_MAX);
    while (result == TEE_SUCCESS && count++ < 1000)
        result = gp_handle_make(instance, GP_OBJECT, &thing, close_thing, &last);
    assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
    space_fixture_refuse(&gp_fixture.space, 0, 0);
    assert_true(gp_handles_are_valid(instance));
    assert_ptr_equal(gp_handle_find(instance, GP_OBJECT, handle), &thing);
    assert_success(gp_handle_make(instance, GP_OBJECT, &thing, close_thing, &last));
}

static void test_there_are_16384_handles(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    static struct thing thing;
    void *handle = NULL;

    (void)state;
    for (unsigned i = 0; i < 16384; i++)
        handle = make(instance, GP_OBJECT, &thing);
    assert_ptr_equal(gp_handle_find(instance, GP_OBJECT, handle), &thing);
    assert_result(gp_handle_make(instance, GP_OBJECT, &thing, close_thing, &handle),
                  TEE_ERROR_OUT_OF_MEMORY);
}

static void test_call_returns_what_it_may(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;

    (void)state;
    assert_success(gp_end(instance, GP_CALL_OPEN_PERSISTENT_OBJECT, TEE_SUCCESS));
    assert_result(gp_end(instance, GP_CALL_OPEN_PERSISTENT_OBJECT, TEE_ERROR_CORRUPT_OBJECT),
                  TEE_ERROR_CORRUPT_OBJECT);
    gp_end_void(instance, GP_CALL_CLOSE_OBJECT, TEE_SUCCESS);
    assert_panics_in(gp_end(instance, GP_CALL_OPEN_PERSISTENT_OBJECT, TEE_ERROR_BAD_PARAMETERS),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_OPEN_PERSISTENT_OBJECT);
    assert_panics_in(gp_end(instance, GP_CALL_READ_OBJECT_DATA, TEE_ERROR_OVERFLOW),
                     TEE_ERROR_OVERFLOW, GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(gp_end(instance, GP_CALL_READ_OBJECT_DATA, 0x12345678), 0x12345678,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(gp_end_void(instance, GP_CALL_CLOSE_OBJECT, TEE_ERROR_CORRUPT_OBJECT),
                     TEE_ERROR_CORRUPT_OBJECT, GP_CALL_CLOSE_OBJECT);
    assert_panics_in(TEE_Panic(7), 7, GP_CALL_PANIC);
}

static void test_profiles_differ(void **state)
{
    (void)state;
    assert_true(gp_call_may_return(GP_1_3_1, GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR,
                                   TEE_ERROR_OUT_OF_MEMORY));
    assert_false(gp_call_may_return(GP_OPTEE_4, GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR,
                                    TEE_ERROR_OUT_OF_MEMORY));
}

static void test_every_call_is_in_the_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GP_CALLS; i++) {
        assert_non_null(gp_call_name((enum gp_call)i));
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(gp_call_name((enum gp_call)i), gp_call_name((enum gp_call)k));
            if (gp_call_panic_id((enum gp_call)i) != 0)
                assert_int_not_equal(gp_call_panic_id((enum gp_call)i),
                                     gp_call_panic_id((enum gp_call)k));
        }
    }
}

static void test_buffers_in_the_heap_are_pinned(void **state)
{
    struct gp_instance *instance = gp_fixture.instance;
    uint8_t *heap = (uint8_t *)instance->heap;
    struct coffer_page_info page;
    uint8_t elsewhere[10];

    (void)state;
    assert_success(gp_pin(instance, heap + 4095, 2));
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(coffer_space_query(instance->space, instance->heap + i * 4096, &page));
        assert_true(page.pinned && page.resident);
    }
    assert_ok(coffer_space_query(instance->space, instance->heap + 2 * 4096, &page));
    assert_false(page.pinned);
    gp_unpin(instance, heap + 4095, 2);
    assert_ok(coffer_space_query(instance->space, instance->heap, &page));
    assert_false(page.pinned);

    assert_success(gp_pin(instance, elsewhere, sizeof(elsewhere)));
    gp_unpin(instance, elsewhere, sizeof(elsewhere));
    assert_success(gp_pin(instance, NULL, 0));
    gp_unpin(instance, NULL, 0);
    assert_result(gp_pin(instance, heap, instance->heap_size + 1), TEE_ERROR_BAD_PARAMETERS);
    assert_result(gp_pin(instance, heap, SIZE_MAX), TEE_ERROR_BAD_PARAMETERS);
}

static void test_storages_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(gp_store(&gp_fixture.tee, TEE_STORAGE_PRIVATE), gp_fixture.stores[0].store);
    assert_ptr_equal(gp_store(&gp_fixture.tee, TEE_STORAGE_PRIVATE_REE),
                     gp_fixture.stores[0].store);
    assert_ptr_equal(gp_store(&gp_fixture.tee, TEE_STORAGE_PERSO), gp_fixture.stores[1].store);
    assert_null(gp_store(&gp_fixture.tee, TEE_STORAGE_PROTECTED));
    assert_null(gp_store(&gp_fixture.tee, TEE_STORAGE_ILLEGAL_VALUE));
}

static const struct CMUnitTest tests[] = {
    gp_test(test_handle_finds_its_thing_until_it_is_closed),
    gp_test(test_wrong_kind_is_found_out),
    gp_test(test_number_comes_again_after_255_others),
    gp_test(test_foreign_numbers_are_found_out),
    gp_test(test_end_of_an_instance_closes_all),
    gp_test(test_handles_end_with_memory),
    gp_test(test_there_are_16384_handles),
    gp_test(test_call_returns_what_it_may),
    gp_test(test_profiles_differ),
    gp_test(test_every_call_is_in_the_table),
    gp_test(test_buffers_in_the_heap_are_pinned),
    gp_test(test_storages_are_found),
};

run_in_every_profile(tests)
