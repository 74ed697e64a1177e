/* SPDX-License-Identifier: BSD-2-Clause */
/* Enumerators of persistent objects (gp/enumerators.h). */
#include "unit/gp/persistent.h"

static TEE_ObjectEnumHandle enumerator(void)
{
    TEE_ObjectEnumHandle handle;

    assert_success(TEE_AllocatePersistentObjectEnumerator(&handle));
    return handle;
}

static TEE_Result next(TEE_ObjectEnumHandle handle, char id[TEE_OBJECT_ID_MAX_LEN + 1])
{
    size_t size = 0; /* an output alone */
    TEE_Result result = TEE_GetNextPersistentObject(handle, NULL, id, &size);

    if (result == TEE_SUCCESS)
        id[size] = '\0';
    return result;
}

static void expect_next(TEE_ObjectEnumHandle handle, const char *id)
{
    char met[TEE_OBJECT_ID_MAX_LEN + 1];

    assert_success(next(handle, met));
    assert_string_equal(met, id);
}

static void expect_end(TEE_ObjectEnumHandle handle)
{
    char met[TEE_OBJECT_ID_MAX_LEN + 1];

    assert_result(next(handle, met), TEE_ERROR_ITEM_NOT_FOUND);
}

static void start(TEE_ObjectEnumHandle handle)
{
    assert_success(TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PRIVATE));
}

static void test_each_object_is_met_once(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();

    (void)state;
    expect_end(handle); /* not started */
    make("a", "1");
    make("", "22");
    make("c", "333");
    start(handle);
    expect_next(handle, "a");
    expect_next(handle, "");
    expect_next(handle, "c");
    expect_end(handle);
    expect_end(handle);
    TEE_FreePersistentObjectEnumerator(handle);
}

static void test_resetting_and_starting_again(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();

    (void)state;
    make("a", "1");
    make("b", "2");
    start(handle);
    expect_next(handle, "a");
    start(handle);
    expect_next(handle, "a");
    TEE_ResetPersistentObjectEnumerator(handle);
    expect_end(handle);
    start(handle);
    expect_next(handle, "a");
    expect_next(handle, "b");
    expect_end(handle);
    TEE_FreePersistentObjectEnumerator(handle);
}

static void test_empty_and_unknown_storages_are_not_found(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();
    TEE_ObjectHandle object;

    (void)state;
    assert_result(TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PRIVATE),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect_end(handle);
    assert_result(TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PROTECTED),
                  TEE_ERROR_ITEM_NOT_FOUND);
    make("a", "1");
    start(handle);
    assert_result(TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PERSO),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect_end(handle); /* the walk before is over, too */
    object = must_open("a", M);
    assert_success(TEE_CloseAndDeletePersistentObject1(object));
    assert_result(TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PRIVATE),
                  TEE_ERROR_ITEM_NOT_FOUND);
    TEE_FreePersistentObjectEnumerator(handle);
}

static void test_objects_of_other_tas_are_not_met(void **state)
{
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_other_uuid);
    TEE_ObjectEnumHandle handle;

    (void)state;
    make("ours", "1");
    gp_fixture.current = other;
    make("theirs", "2");
    handle = enumerator();
    start(handle);
    expect_next(handle, "theirs");
    expect_end(handle);
    gp_fixture.current = gp_fixture.instance;
    gp_instance_close(other); /* with its enumerator */
    assert_int_not_equal((uintptr_t)handle, 0);
}

static void test_info_is_told_whatever_is_open(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();
    const uint32_t persistent = TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED;
    __GP11_TEE_ObjectInfo old_info;
    TEE_ObjectHandle open;
    TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    uint32_t old_size;
    size_t size;

    (void)state;
    make("a", "12345");
    make("locked", "1");
    open = must_open("locked", W | M);
    start(handle);
    memset(&info, 0xEE, sizeof(info));
    assert_success(TEE_GetNextPersistentObject(handle, &info, id, &size));
    assert_int_equal(size, 1);
    assert_int_equal(info.objectType, TEE_TYPE_DATA);
    assert_int_equal(info.objectUsage, 0xFFFFFFFF);
    assert_int_equal(info.dataSize, 5);
    assert_int_equal(info.dataPosition, 0);
    assert_int_equal(info.handleFlags, persistent);
    assert_success(__GP11_TEE_GetNextPersistentObject(handle, &old_info, id, &old_size));
    assert_int_equal(old_size, 6);
    assert_memory_equal(id, "locked", 6);
    assert_int_equal(old_info.dataSize, 1);
    assert_int_equal(old_info.handleFlags, persistent | W | M);
    assert_result(__GP11_TEE_GetNextPersistentObject(handle, NULL, id, &old_size),
                  TEE_ERROR_ITEM_NOT_FOUND);
    TEE_CloseObject(open);
    TEE_FreePersistentObjectEnumerator(handle);
}

/* Of what comes and goes on the way anything may be met; what stays is met once. */
static void test_what_changes_meanwhile(void **state)
{
    enum { COUNT = 60 };
    TEE_ObjectEnumHandle handle = enumerator();
    unsigned met[COUNT] = {0};
    char id[TEE_OBJECT_ID_MAX_LEN + 1];
    TEE_Result result;

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "%u", i);
        make(id, "x");
    }
    start(handle);
    for (unsigned step = 0; (result = next(handle, id)) == TEE_SUCCESS; step++) {
        unsigned number = (unsigned)strtoul(id, NULL, 10);

        if (number < COUNT)
            met[number]++;
        if (step >= COUNT / 3)
            continue;
        /* Every third goes, before it is met or after; another one comes, or has its name. */
        snprintf(id, sizeof(id), "%u", (step * 3 + 30) % COUNT);
        if (step % 2 == 0) {
            assert_success(TEE_CloseAndDeletePersistentObject1(must_open(id, M)));
            snprintf(id, sizeof(id), "%u", 1000 + step);
            make(id, "new");
        } else {
            TEE_ObjectHandle renamed = must_open(id, M);

            assert_success(TEE_RenamePersistentObject(renamed, "moved", 5));
            assert_success(TEE_CloseAndDeletePersistentObject1(renamed));
        }
    }
    assert_result(result, TEE_ERROR_ITEM_NOT_FOUND);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 3 != 0)
            assert_int_equal(met[i], 1);
        else
            assert_true(met[i] <= 1);
    }
    TEE_FreePersistentObjectEnumerator(handle);
}

/* The first name is known from the start; it may be gone when it is asked for. */
static void test_the_first_may_go_after_the_start(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();

    (void)state;
    make("a", "1");
    make("b", "2");
    start(handle);
    assert_success(TEE_CloseAndDeletePersistentObject1(must_open("a", M)));
    expect_next(handle, "b");
    expect_end(handle);
    TEE_FreePersistentObjectEnumerator(handle);
}

static void test_damage_is_told_once(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();
    TEE_ObjectHandle open;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)state;
    make("a", "1");
    make("b", "2");
    make("c", "3");
    damage("1");
    start(handle);
    expect_next(handle, "a");
    assert_result(next(handle, id), TEE_ERROR_CORRUPT_OBJECT);
    expect_next(handle, "c");
    expect_end(handle);
    assert_int_equal(quarantined(), 1);
    assert_result(open_object("b", R, &open), TEE_ERROR_ITEM_NOT_FOUND);
    start(handle);
    expect_next(handle, "a");
    expect_next(handle, "c");
    expect_end(handle);
    TEE_FreePersistentObjectEnumerator(handle);
}

static void test_wrong_handles_and_buffers_panic(void **state)
{
    TEE_ObjectEnumHandle handle = enumerator();
    TEE_ObjectHandle object;
    char id[TEE_OBJECT_ID_MAX_LEN];
    size_t size;

    (void)state;
    make("a", "1");
    object = must_open("a", R);
    start(handle);
    assert_panics_in(TEE_AllocatePersistentObjectEnumerator(NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR);
    assert_panics_in(TEE_GetNextPersistentObject(handle, NULL, NULL, &size),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_NEXT_PERSISTENT_OBJECT);
    assert_panics_in(TEE_GetNextPersistentObject(handle, NULL, id, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_NEXT_PERSISTENT_OBJECT);
    assert_panics_in(__GP11_TEE_GetNextPersistentObject(handle, NULL, id, NULL),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_NEXT_PERSISTENT_OBJECT);
    /* Of another kind. */
    assert_panics_in(TEE_StartPersistentObjectEnumerator((TEE_ObjectEnumHandle)(void *)object,
                                                         TEE_STORAGE_PRIVATE),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR);
    assert_panics_in(TEE_CloseObject((TEE_ObjectHandle)(void *)handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_CLOSE_OBJECT);
    TEE_CloseObject(object);
    TEE_FreePersistentObjectEnumerator(handle);
    assert_panics_in(TEE_FreePersistentObjectEnumerator(handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_FREE_PERSISTENT_OBJECT_ENUMERATOR);
    assert_panics_in(TEE_ResetPersistentObjectEnumerator(handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR);
    assert_panics_in(TEE_StartPersistentObjectEnumerator(TEE_HANDLE_NULL, TEE_STORAGE_PRIVATE),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR);
    assert_panics_in(TEE_GetNextPersistentObject(handle, NULL, id, &size), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_NEXT_PERSISTENT_OBJECT);
    TEE_FreePersistentObjectEnumerator(TEE_HANDLE_NULL);
    TEE_ResetPersistentObjectEnumerator(TEE_HANDLE_NULL);
}

/* OP-TEE has no code for it. */
static void test_shortage_of_memory(void **state)
{
    TEE_ObjectEnumHandle handle = NULL;

    (void)state;
    space_fixture_refuse(&gp_fixture.space, 1, UINT64_MAX);
    if (gp_fixture.tee.profile == GP_OPTEE_4)
        assert_panics_in(TEE_AllocatePersistentObjectEnumerator(&handle), TEE_ERROR_OUT_OF_MEMORY,
                         GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR);
    else
        assert_result(TEE_AllocatePersistentObjectEnumerator(&handle), TEE_ERROR_OUT_OF_MEMORY);
    space_fixture_refuse(&gp_fixture.space, 0, 0);
    assert_null(handle);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_each_object_is_met_once),
    gp_test(test_resetting_and_starting_again),
    gp_test(test_empty_and_unknown_storages_are_not_found),
    gp_test(test_objects_of_other_tas_are_not_met),
    gp_test(test_info_is_told_whatever_is_open),
    gp_test(test_what_changes_meanwhile),
    gp_test(test_the_first_may_go_after_the_start),
    gp_test(test_damage_is_told_once),
    gp_test(test_wrong_handles_and_buffers_panic),
    gp_test(test_shortage_of_memory),
};

run_in_every_profile(tests)
