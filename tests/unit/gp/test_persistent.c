/* SPDX-License-Identifier: BSD-2-Clause */
/* Persistent objects: opened, made, shared, renamed, deleted, damaged (gp/persistent.h, files.h).
 */
#include "unit/gp/persistent.h"

#define in_open(expression, code) assert_panics_in(expression, code, GP_CALL_OPEN_PERSISTENT_OBJECT)
#define in_create(expression, code)                                                                \
    assert_panics_in(expression, code, GP_CALL_CREATE_PERSISTENT_OBJECT)

static void test_object_is_made_with_its_data(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;
    TEE_ObjectInfo info;

    (void)state;
    assert_success(create("x", R | W, "hello", 5, &handle));
    info = info_of(handle);
    assert_int_equal(info.objectType, TEE_TYPE_DATA);
    assert_int_equal(info.objectSize, 0);
    assert_int_equal(info.maxObjectSize, 0);
    assert_int_equal(info.objectUsage, 0xFFFFFFFF);
    assert_int_equal(info.dataSize, 5);
    assert_int_equal(info.dataPosition, 0);
    assert_int_equal(info.handleFlags,
                     R | W | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
    assert_reads(handle, "hello");
    assert_int_equal(info_of(handle).dataPosition, 5);
    TEE_CloseObject(handle);
    assert_holds("x", "hello");
}

static void test_ids_are_of_0_to_64_bytes(void **state)
{
    uint8_t id[TEE_OBJECT_ID_MAX_LEN + 1] = {0};
    TEE_ObjectHandle handle;

    (void)state;
    for (size_t size = 0; size <= TEE_OBJECT_ID_MAX_LEN; size += 32)
        assert_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, size == 0 ? NULL : id, size,
                                                  R, TEE_HANDLE_NULL, &size, sizeof(size), NULL));
    for (size_t size = 0; size <= TEE_OBJECT_ID_MAX_LEN; size += 32) {
        size_t data = 77;
        size_t count;

        assert_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, size, R, &handle));
        assert_success(TEE_ReadObjectData(handle, &data, sizeof(data), &count));
        assert_int_equal(data, size);
        TEE_CloseObject(handle);
    }
    in_open(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, sizeof(id), R, &handle),
            TEE_ERROR_BAD_PARAMETERS);
    in_create(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, sizeof(id), R, TEE_HANDLE_NULL,
                                         NULL, 0, NULL),
              TEE_ERROR_BAD_PARAMETERS);
    in_open(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, NULL, 1, R, &handle),
            TEE_ERROR_BAD_PARAMETERS);
}

static void test_what_is_not_there_is_not_found(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;

    (void)state;
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
    assert_null(handle);
    make("x", "1");
    handle = GARBAGE;
    assert_result(TEE_OpenPersistentObject(TEE_STORAGE_PROTECTED, "x", 1, R, &handle),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_null(handle);
    handle = GARBAGE;
    assert_result(TEE_CreatePersistentObject(TEE_STORAGE_ILLEGAL_VALUE, "x", 1, R, TEE_HANDLE_NULL,
                                             NULL, 0, &handle),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_null(handle);
}

static void test_storages_and_tas_are_apart(void **state)
{
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_other_uuid);
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "ours");
    assert_result(TEE_OpenPersistentObject(TEE_STORAGE_PERSO, "x", 1, R, &handle),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_success(TEE_CreatePersistentObject(TEE_STORAGE_PERSO, "x", 1, R, TEE_HANDLE_NULL,
                                              "perso", 5, NULL));
    gp_fixture.current = other;
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
    make("x", "theirs");
    assert_holds("x", "theirs");
    gp_fixture.current = gp_fixture.instance;
    assert_holds("x", "ours");
    /* OP-TEE's other name for the first. */
    assert_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE_REE, "x", 1, R, &handle));
    assert_reads(handle, "ours");
    TEE_CloseObject(handle);
    assert_success(TEE_OpenPersistentObject(TEE_STORAGE_PERSO, "x", 1, R, &handle));
    assert_reads(handle, "perso");
    TEE_CloseObject(handle);
    gp_instance_close(other);
}

static void test_wrong_arguments_panic(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;
    TEE_ObjectHandle closed;

    (void)state;
    make("x", "1");
    in_open(open_object("x", R | TEE_DATA_FLAG_OVERWRITE, &handle), TEE_ERROR_BAD_PARAMETERS);
    assert_null(handle);
    in_open(open_object("x", R | 8, &handle), TEE_ERROR_BAD_PARAMETERS);
    in_open(open_object("x", R, NULL), TEE_ERROR_BAD_PARAMETERS);
    in_create(create("y", R | 0x800, NULL, 0, NULL), TEE_ERROR_BAD_PARAMETERS);
    in_create(create("y", R, NULL, 1, NULL), TEE_ERROR_BAD_PARAMETERS);
    closed = must_open("x", R);
    TEE_CloseObject(closed);
    in_create(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "y", 1, R, closed, NULL, 0, NULL),
              TEE_ERROR_BAD_PARAMETERS);
    assert_panics_in(TEE_CloseObject(closed), TEE_ERROR_BAD_PARAMETERS, GP_CALL_CLOSE_OBJECT);
    TEE_CloseObject(TEE_HANDLE_NULL);
    assert_panics_in(TEE_GetObjectInfo1(closed, &(TEE_ObjectInfo){0}), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_OBJECT_INFO1);
    assert_panics_in(TEE_RestrictObjectUsage1(closed, 0), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RESTRICT_OBJECT_USAGE1);
    assert_result(open_object("y", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
}

/* --- Sharing --- */

struct pair {
    uint32_t a, b;
    bool agree[GP_PROFILES]; /* in OP-TEE's all must share alike */
};

static void test_flags_agree_by_the_rules(void **state)
{
    static const struct pair pairs[] = {
        {R | SR, R | SR, {true, true}},
        {R | SR, R | W | SR, {false, false}}, /* W isn't shared */
        {R | SR, R, {false, false}},          /* one doesn't share */
        {R, R, {false, false}},               /* nobody shares */
        {W | SW, W | SW, {true, true}},
        {W | SW, R | SW, {false, false}}, /* R isn't shared */
        {W | SW, R | SW | SR, {false, false}},
        {R | W | SR | SW, R | SR | SW, {true, true}},
        {R | W | SR | SW, W | SR | SW, {true, true}},
        {SR | SW, SR | SW, {true, true}},
        {SR | SW, R | SR | SW, {true, true}},
        {SR, SW, {true, false}},
        {R | SR, R | SR | SW, {true, false}},
        {R | SR, SW, {false, false}},
        {M, R | SR, {false, false}}, /* meta is exclusive, */
        {M | SR | SW, M | SR | SW, {false, false}},
        {R | SR | SW, R | M | SR | SW, {false, false}}, /* both ways */
        {0, 0, {false, false}},                         /* no flags: a lock */
        {0, SR | SW, {false, false}},
        {0, R | SR, {false, false}},
    };

    (void)state;
    make("x", "1");
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (unsigned turn = 0; turn < 2; turn++) {
            const uint32_t first = turn == 0 ? pairs[i].a : pairs[i].b;
            const uint32_t second = turn == 0 ? pairs[i].b : pairs[i].a;
            const enum gp_profile profile = gp_fixture.tee.profile;
            const bool agree = pairs[i].agree[profile];
            TEE_ObjectHandle a = must_open("x", first);
            TEE_ObjectHandle b = GARBAGE;
            TEE_Result result = open_object("x", second, &b);

            assert_int_equal(gp_flags_agree(profile, second, first, first), agree);
            assert_result(result, agree ? TEE_SUCCESS : TEE_ERROR_ACCESS_CONFLICT);
            if (result == TEE_SUCCESS)
                TEE_CloseObject(b);
            else
                assert_null(b);
            TEE_CloseObject(a);
            assert_true(list_is_empty(&gp_fixture.tee.files));
        }
    }
}

/* Over all instances of a TA; and a third handle is held against all that are left. */
static void test_sharing_is_over_instances(void **state)
{
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_uuid);
    TEE_ObjectHandle a, b, c = GARBAGE;

    (void)state;
    make("x", "1");
    a = must_open("x", R | SR);
    gp_fixture.current = other;
    assert_result(open_object("x", W, &c), TEE_ERROR_ACCESS_CONFLICT);
    b = must_open("x", R | SR);
    gp_fixture.current = gp_fixture.instance;
    TEE_CloseObject(a);
    assert_result(open_object("x", M, &c), TEE_ERROR_ACCESS_CONFLICT);
    assert_true(gp_files_are_valid(&gp_fixture.tee));
    /* What an instance had open goes with it. */
    gp_instance_close(other);
    c = must_open("x", M);
    TEE_CloseObject(c);
    assert_int_not_equal((uintptr_t)b, 0);
}

static void test_handles_of_others_are_no_handles(void **state)
{
    struct gp_instance *other = gp_fixture_instance(&gp_fixture_uuid);
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    handle = must_open("x", R);
    gp_fixture.current = other;
    assert_panics_in(TEE_CloseObject(handle), TEE_ERROR_BAD_PARAMETERS, GP_CALL_CLOSE_OBJECT);
    gp_fixture.current = gp_fixture.instance;
    TEE_CloseObject(handle);
    gp_instance_close(other);
}

/* --- Making --- */

static void test_conflicts_of_making(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;
    TEE_ObjectHandle open;

    (void)state;
    make("x", "old");
    assert_result(create("x", R, "new", 3, &handle), TEE_ERROR_ACCESS_CONFLICT);
    assert_null(handle);
    open = must_open("x", R | SR);
    assert_result(create("x", R | SR | TEE_DATA_FLAG_OVERWRITE, "new", 3, &handle),
                  TEE_ERROR_ACCESS_CONFLICT);
    assert_reads(open, "old");
    TEE_CloseObject(open);
    assert_success(create("x", R | W | TEE_DATA_FLAG_OVERWRITE, "new and longer", 14, &handle));
    /* Its own handle counts from the beginning. */
    assert_result(open_object("x", R | SR, &open), TEE_ERROR_ACCESS_CONFLICT);
    assert_reads(handle, "new and longer");
    TEE_CloseObject(handle);
    assert_holds("x", "new and longer");
    assert_int_equal(memory_device_file_count(device()), 2);
}

static void test_without_a_handle_the_object_is_closed(void **state)
{
    TEE_ObjectHandle handle;

    (void)state;
    assert_success(create("x", M, "data", 4, NULL));
    assert_true(list_is_empty(&gp_fixture.tee.files));
    handle = must_open("x", M);
    TEE_CloseObject(handle);
    /* A persistent object gives its usage; it stays what it is. */
    handle = must_open("x", R);
    assert_success(TEE_RestrictObjectUsage1(handle, 0x0F));
    assert_success(
        TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "y", 1, R, handle, "more", 4, NULL));
    assert_reads(handle, "data");
    TEE_CloseObject(handle);
    handle = must_open("y", R);
    assert_int_equal(info_of(handle).objectUsage, 0x0F);
    assert_reads(handle, "more");
    TEE_CloseObject(handle);
}

/* A word at each of so many bytes of the heap, or looked for there. */
static void stamp_heap(size_t size, size_t each)
{
    for (uint64_t at = 0; at < size; at += each)
        assert_ok(coffer_space_write(gp_fixture.instance->space, gp_fixture.instance->heap + at,
                                     &at, sizeof(at)));
}

static void expect_stamps(size_t size, size_t each)
{
    for (uint64_t at = 0; at < size; at += each) {
        uint64_t found;

        assert_ok(coffer_space_read(gp_fixture.instance->space, gp_fixture.instance->heap + at,
                                    &found, sizeof(found)));
        assert_int_equal(found, at);
    }
}

/* Much more than what is pinned at once, from the TA's heap and into it. */
static void test_large_data_comes_from_the_heap(void **state)
{
    size_t size = gp_fixture.instance->heap_size - 100;
    uint8_t *heap = (uint8_t *)gp_fixture.instance->heap;
    struct coffer_space_info info;
    TEE_ObjectHandle handle;
    size_t count;

    (void)state;
    assert_true(size > 4 * GP_PIN_MAX);
    stamp_heap(size, 1024);
    assert_success(create("x", R, heap, size, &handle));
    assert_int_equal(info_of(handle).dataSize, size);
    assert_ok(coffer_space_fill(gp_fixture.instance->space, (uintptr_t)heap, 0xEE, size));
    assert_success(TEE_ReadObjectData(handle, heap, size, &count));
    assert_int_equal(count, size);
    expect_stamps(size, 1024);
    /* The end comes within a piece. */
    assert_success(TEE_SeekObjectData(handle, -200000, TEE_DATA_SEEK_END));
    assert_success(TEE_ReadObjectData(handle, heap, size, &count));
    assert_int_equal(count, 200000);
    coffer_space_info(gp_fixture.instance->space, &info);
    assert_int_equal(info.pinned, 0);
    TEE_CloseObject(handle);
}

/* A buffer where nothing is mapped is found out, before anything is stored or moved. */
static void test_buffers_that_are_not_there_panic(void **state)
{
    uint8_t *heap = (uint8_t *)gp_fixture.instance->heap;
    size_t size = gp_fixture.instance->heap_size;
    TEE_ObjectHandle handle = GARBAGE;
    size_t count = 77;

    (void)state;
    assert_ok(coffer_space_unmap(gp_fixture.instance->space, (uintptr_t)heap + size / 2, 4096));
    in_create(create("x", R, heap, size, &handle), TEE_ERROR_BAD_PARAMETERS);
    assert_null(handle);
    make("x", "0123456789");
    handle = must_open("x", R | W);
    assert_panics_in(TEE_WriteObjectData(handle, heap + size / 2, 10), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_WRITE_OBJECT_DATA);
    assert_panics_in(TEE_ReadObjectData(handle, heap + size / 2, 10, &count),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_READ_OBJECT_DATA);
    assert_int_equal(count, 77);
    assert_reads(handle, "0123456789");
    TEE_CloseObject(handle);
}

static void test_a_full_device_is_told(void **state)
{
    static uint8_t bytes[100000];
    TEE_ObjectHandle handle = GARBAGE;

    (void)state;
    make("x", "1");
    memory_device_set_capacity(device(), 60000);
    assert_result(create("y", R, bytes, sizeof(bytes), &handle), TEE_ERROR_STORAGE_NO_SPACE);
    assert_null(handle);
    assert_result(create("x", R | TEE_DATA_FLAG_OVERWRITE, bytes, sizeof(bytes), NULL),
                  TEE_ERROR_STORAGE_NO_SPACE);
    memory_device_set_capacity(device(), MEMORY_DEVICE_CAPACITY);
    assert_holds("x", "1");
    assert_result(open_object("y", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
}

static void test_shortage_of_memory_is_told_and_leaves_nothing(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;
    unsigned refused = 0;

    (void)state;
    make("x", "1");
    for (uint64_t at = 1; at < 20; at++) {
        TEE_Result result;

        space_fixture_refuse(&gp_fixture.space, at, UINT64_MAX);
        result = open_object("x", R, &handle);
        space_fixture_refuse(&gp_fixture.space, 0, 0);
        if (result == TEE_SUCCESS) {
            TEE_CloseObject(handle);
        } else {
            assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
            assert_null(handle);
            refused++;
        }
        assert_true(list_is_empty(&gp_fixture.tee.files));
        space_fixture_refuse(&gp_fixture.space, at, UINT64_MAX);
        result = create("y", R, "2", 1, &handle);
        space_fixture_refuse(&gp_fixture.space, 0, 0);
        if (result != TEE_SUCCESS) {
            assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
            assert_null(handle);
            assert_result(open_object("y", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
        } else {
            TEE_CloseObject(handle);
            handle = must_open("y", M);
            assert_success(TEE_CloseAndDeletePersistentObject1(handle));
        }
    }
    assert_int_not_equal(refused, 0);
}

static uint32_t flags_met; /* of "x", while it was loaded */

/* The files' lock is held. */
static enum coffer_status load_nothing(void *argument, struct coffer_object *object)
{
    (void)argument;
    assert_non_null(object);
    flags_met = 0;
    list_each (link, &gp_fixture.tee.files) {
        const struct gp_file *file = list_entry(link, struct gp_file, link);

        assert_int_equal(file->handles, 1);
        flags_met |= file->having[0] > 0 ? R : 0;
        flags_met |= file->having[1] > 0 ? W : 0;
    }
    return COFFER_NO_MEMORY;
}

/* Nor while it isn't known yet that it does. */
static void test_a_handle_that_comes_to_nothing_stands_in_nobodys_way(void **state)
{
    const struct gp_loader loader = {.load = load_nothing};
    struct gp_file_name name;
    TEE_ObjectHandle handle;
    struct gp_file *file;

    (void)state;
    make("x", "1");
    assert_success(gp_file_name(gp_fixture.instance, TEE_STORAGE_PRIVATE, "x", 1, &name));
    flags_met = M;
    assert_result(gp_file_open(&gp_fixture.tee, &name, W, &loader, &file), TEE_ERROR_OUT_OF_MEMORY);
    assert_int_equal(flags_met, 0);
    assert_true(list_is_empty(&gp_fixture.tee.files));
    handle = must_open("x", R | SR | SW);
    assert_result(gp_file_open(&gp_fixture.tee, &name, R | W | SR | SW, &loader, &file),
                  TEE_ERROR_OUT_OF_MEMORY);
    assert_int_equal(flags_met, R);
    assert_int_equal(gp_file_flags(&gp_fixture.tee, &name), R | SR | SW);
    TEE_CloseObject(handle);
}

/* --- Deleting, renaming --- */

static void test_deleting_needs_the_right_and_closes(void **state)
{
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    handle = must_open("x", R | W);
    assert_panics_in(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_BAD_STATE,
                     GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1);
    assert_panics_in(TEE_CloseAndDeletePersistentObject(handle), TEE_ERROR_BAD_STATE,
                     GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT);
    TEE_CloseObject(handle);
    handle = must_open("x", M);
    assert_success(TEE_CloseAndDeletePersistentObject1(handle));
    assert_panics_in(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1);
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
    assert_int_equal(memory_device_file_count(device()), 1);
    assert_success(TEE_CloseAndDeletePersistentObject1(TEE_HANDLE_NULL));
    TEE_CloseAndDeletePersistentObject(TEE_HANDLE_NULL);
    make("x", "2");
    TEE_CloseAndDeletePersistentObject(must_open("x", M));
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
}

static void test_a_failed_deletion_closes_and_keeps(void **state)
{
    struct fault_plan plan = {.kind = FAULT_DEAD, .at = 1};
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    handle = must_open("x", M);
    memory_device_inject(device(), &plan);
    assert_result(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    memory_device_inject(device(), NULL);
    assert_null(gp_object_find(gp_fixture.instance, handle));
    assert_holds("x", "1");
}

static void test_renaming(void **state)
{
    TEE_ObjectHandle handle, other;
    uint8_t id[65] = {0};

    (void)state;
    make("x", "1");
    make("taken", "2");
    handle = must_open("x", R | W);
    assert_panics_in(TEE_RenamePersistentObject(handle, "y", 1), TEE_ERROR_BAD_STATE,
                     GP_CALL_RENAME_PERSISTENT_OBJECT);
    TEE_CloseObject(handle);
    assert_panics_in(TEE_RenamePersistentObject(TEE_HANDLE_NULL, "y", 1), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RENAME_PERSISTENT_OBJECT);
    handle = must_open("x", R | W | M);
    assert_result(TEE_RenamePersistentObject(handle, "taken", 5), TEE_ERROR_ACCESS_CONFLICT);
    other = must_open("taken", R);
    assert_result(TEE_RenamePersistentObject(handle, "taken", 5), TEE_ERROR_ACCESS_CONFLICT);
    TEE_CloseObject(other);
    assert_result(TEE_RenamePersistentObject(handle, "x", 1), TEE_ERROR_ACCESS_CONFLICT);
    assert_panics_in(TEE_RenamePersistentObject(handle, id, 65), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RENAME_PERSISTENT_OBJECT);
    assert_panics_in(TEE_RenamePersistentObject(handle, NULL, 1), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RENAME_PERSISTENT_OBJECT);
    assert_success(TEE_RenamePersistentObject(handle, "y", 1));
    assert_success(TEE_WriteObjectData(handle, "changed", 7));
    /* The new name is as locked as the old one was; that is free. */
    assert_result(open_object("y", R, &other), TEE_ERROR_ACCESS_CONFLICT);
    assert_result(open_object("x", R, &other), TEE_ERROR_ITEM_NOT_FOUND);
    make("x", "another");
    assert_success(TEE_RenamePersistentObject(handle, NULL, 0));
    TEE_CloseObject(handle);
    assert_holds("", "changed");
    assert_holds("x", "another");
}

/* --- Usage --- */

static void test_usage_is_shared_and_lasts(void **state)
{
    TEE_ObjectHandle a, b;

    (void)state;
    make("x", "1");
    a = must_open("x", R | SR);
    b = must_open("x", R | SR);
    assert_success(TEE_RestrictObjectUsage1(a, 0xFF));
    assert_int_equal(info_of(b).objectUsage, 0xFF);
    TEE_RestrictObjectUsage(b, 0xF0F);
    assert_int_equal(info_of(a).objectUsage, 0x0F);
    assert_success(TEE_RestrictObjectUsage1(a, 0xFFFFFFFF)); /* never comes back */
    TEE_CloseObject(a);
    TEE_CloseObject(b);
    forget_unused();
    a = must_open("x", R);
    assert_int_equal(info_of(a).objectUsage, 0x0F);
    TEE_CloseObject(a);
}

static void test_info_in_1_1_form(void **state)
{
    __GP11_TEE_ObjectInfo info, deprecated;
    TEE_ObjectInfo now;
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "12345");
    handle = must_open("x", R);
    assert_success(TEE_SeekObjectData(handle, 3, TEE_DATA_SEEK_SET));
    assert_success(__GP11_TEE_GetObjectInfo1(handle, &info));
    __GP11_TEE_GetObjectInfo(handle, &deprecated);
    assert_memory_equal(&info, &deprecated, sizeof(info));
    assert_int_equal(info.objectType, TEE_TYPE_DATA);
    assert_int_equal(info.dataSize, 5);
    assert_int_equal(info.dataPosition, 3);
    TEE_GetObjectInfo(handle, &now);
    assert_int_equal(now.dataSize, 5);
    assert_panics_in(__GP11_TEE_GetObjectInfo1(handle, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_OBJECT_INFO1);
    assert_panics_in(__GP11_TEE_GetObjectInfo(handle, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_OBJECT_INFO);
    assert_panics_in(TEE_GetObjectInfo(handle, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_OBJECT_INFO);
    assert_success(TEE_SyncPersistentObject(handle));
    TEE_CloseObject(handle);
    assert_panics_in(TEE_SyncPersistentObject(handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_SYNC_PERSISTENT_OBJECT);
}

/* --- Damage --- */

static void test_a_damaged_object_is_put_away_when_it_is_opened(void **state)
{
    TEE_ObjectHandle handle = GARBAGE;

    (void)state;
    make("x", "1");
    make("y", "2");
    damage("0");
    assert_result(open_object("x", R, &handle), TEE_ERROR_CORRUPT_OBJECT);
    assert_null(handle);
    assert_int_equal(quarantined(), 1);
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
    make("x", "new");
    assert_holds("x", "new");
    assert_holds("y", "2");
    assert_int_equal(quarantined(), 1);
}

/* Met by one handle: that is closed, the others are told by their next call, each in its way. */
static void test_damage_ends_all_handles(void **state)
{
    static uint8_t bytes[20000];
    TEE_ObjectHandle handles[6];
    uint8_t out[100];
    size_t count = 77;

    (void)state;
    assert_success(create("x", 0, bytes, sizeof(bytes), NULL));
    damage_block("0", 3);
    for (unsigned i = 0; i < 6; i++)
        handles[i] = must_open("x", R | W | SR | SW);
    assert_success(TEE_ReadObjectData(handles[0], out, 100, &count));
    assert_success(TEE_SeekObjectData(handles[0], 14000, TEE_DATA_SEEK_SET));
    assert_result(TEE_ReadObjectData(handles[0], out, 100, &count), TEE_ERROR_CORRUPT_OBJECT);
    assert_int_equal(quarantined(), 1);
    /* Its name is free, while handles are left. */
    make("x", "new");
    assert_true(gp_files_are_valid(&gp_fixture.tee));
    for (unsigned i = 1; i < 6; i++)
        assert_result(TEE_WriteObjectData(handles[i], out, 1), TEE_ERROR_CORRUPT_OBJECT);
    assert_int_equal(quarantined(), 1);
    assert_holds("x", "new");
    assert_true(list_is_empty(&gp_fixture.tee.files));
}

/* Damage that was met by a name is no reason to put away what has the name since. */
static void test_what_is_sound_is_not_put_away(void **state)
{
    struct gp_file_name name;
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "good");
    assert_success(gp_file_name(gp_fixture.instance, TEE_STORAGE_PRIVATE, "x", 1, &name));
    gp_file_put_away(&gp_fixture.tee, &name);
    handle = must_open("x", R);
    gp_file_put_away(&gp_fixture.tee, &name);
    assert_reads(handle, "good");
    TEE_CloseObject(handle);
    assert_int_equal(quarantined(), 0);
}

/* Somebody who is no TA has the object open: it can't be deleted now. */
static void test_what_others_have_open_is_not_deleted(void **state)
{
    const struct coffer_name name = {gp_uuid(&gp_fixture_uuid), "x", 1};
    struct coffer_object *object;

    (void)state;
    make("x", "1");
    assert_ok(coffer_object_open(gp_fixture.stores[0].store, &name, &object));
    assert_result(TEE_CloseAndDeletePersistentObject1(must_open("x", M)),
                  TEE_ERROR_STORAGE_NOT_AVAILABLE);
    coffer_object_close(object);
    assert_holds("x", "1");
}

/* The list of objects is damaged, and no object: none is blamed for it. */
static void test_without_a_sound_catalogue_nothing_is_deleted(void **state)
{
    struct coffer *store = gp_fixture.stores[0].store;
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    handle = must_open("x", R | M);
    while (cache_shrink(store->blocks.frames.core, UINT64_MAX, 1000) > 0)
        continue;
    for (unsigned copy = 0; copy < 2; copy++)
        memory_device_flip(device(), "dirf.db", layout_block_offset((struct block){0}, copy), 1);
    assert_result(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_int_equal(quarantined(), 0);
}

/* In a store that can't be changed everything can be read. */
static void test_a_store_that_is_read_only_is_not_available_for_changes(void **state)
{
    const struct store_options options = {.read_only = true};
    struct store_fixture *store = &gp_fixture.stores[0];
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    store_fixture_close(store);
    assert_ok(store_fixture_open(store, gp_fixture.devices[0], &options));
    gp_fixture.tee.storages[0].store = store->store;
    assert_result(create("y", R, "2", 1, &handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    handle = must_open("x", R | W | M);
    assert_reads(handle, "1");
    assert_result(TEE_WriteObjectData(handle, "2", 1), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_result(TEE_TruncateObjectData(handle, 9), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_result(TEE_RestrictObjectUsage1(handle, 1), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_result(TEE_RenamePersistentObject(handle, "z", 1), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_result(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_holds("x", "1");
}

/* What was made is made, though it can't be opened now: that is tried again with each use. */
static void test_an_object_that_cannot_be_opened_when_it_is_made_is_there(void **state)
{
    TEE_ObjectHandle handle = NULL;
    TEE_ObjectHandle other;
    TEE_ObjectInfo info;
    struct fault_plan plan;
    TEE_Result result = TEE_ERROR_GENERIC;

    (void)state;
    for (uint64_t at = 1; result != TEE_SUCCESS; at++) {
        assert_true(gp_fixture_end());
        gp_fixture_open(&fixture_options);
        plan = (struct fault_plan){.kind = FAULT_DEAD, .at = at};
        memory_device_inject(device(), &plan);
        result = create("x", R, "data", 4, &handle);
        assert_true(result == TEE_SUCCESS || result == TEE_ERROR_STORAGE_NOT_AVAILABLE);
        if (result != TEE_SUCCESS)
            memory_device_inject(device(), NULL);
    }
    assert_true(plan.fired);
    assert_null(gp_object_find(gp_fixture.instance, handle)->file->object);
    assert_true(gp_files_are_valid(&gp_fixture.tee));
    assert_result(TEE_GetObjectInfo1(handle, &info), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    memory_device_inject(device(), NULL);
    /* It is open as any other is. */
    assert_result(create("x", R | TEE_DATA_FLAG_OVERWRITE, "new", 3, NULL),
                  TEE_ERROR_ACCESS_CONFLICT);
    assert_result(open_object("x", R, &other), TEE_ERROR_ACCESS_CONFLICT);
    assert_reads(handle, "data");
    assert_non_null(gp_object_find(gp_fixture.instance, handle)->file->object);
    TEE_CloseObject(handle);
}

static void test_a_device_that_fails_is_no_damage(void **state)
{
    struct fault_plan plan = {.kind = FAULT_DEAD, .at = 1};
    TEE_ObjectHandle handle;

    (void)state;
    make("x", "1");
    forget_unused();
    memory_device_inject(device(), &plan);
    assert_result(open_object("x", R, &handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_result(create("y", R, "2", 1, &handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    memory_device_inject(device(), NULL);
    assert_holds("x", "1");
    assert_int_equal(quarantined(), 0);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_object_is_made_with_its_data),
    gp_test(test_ids_are_of_0_to_64_bytes),
    gp_test(test_what_is_not_there_is_not_found),
    gp_test(test_storages_and_tas_are_apart),
    gp_test(test_wrong_arguments_panic),
    gp_test(test_flags_agree_by_the_rules),
    gp_test(test_sharing_is_over_instances),
    gp_test(test_handles_of_others_are_no_handles),
    gp_test(test_conflicts_of_making),
    gp_test(test_without_a_handle_the_object_is_closed),
    gp_test(test_large_data_comes_from_the_heap),
    gp_test(test_buffers_that_are_not_there_panic),
    gp_test(test_a_full_device_is_told),
    gp_test(test_shortage_of_memory_is_told_and_leaves_nothing),
    gp_test(test_a_handle_that_comes_to_nothing_stands_in_nobodys_way),
    gp_test(test_deleting_needs_the_right_and_closes),
    gp_test(test_a_failed_deletion_closes_and_keeps),
    gp_test(test_renaming),
    gp_test(test_usage_is_shared_and_lasts),
    gp_test(test_info_in_1_1_form),
    gp_test(test_a_damaged_object_is_put_away_when_it_is_opened),
    gp_test(test_damage_ends_all_handles),
    gp_test(test_what_is_sound_is_not_put_away),
    gp_test(test_what_others_have_open_is_not_deleted),
    gp_test(test_without_a_sound_catalogue_nothing_is_deleted),
    gp_test(test_a_store_that_is_read_only_is_not_available_for_changes),
    gp_test(test_an_object_that_cannot_be_opened_when_it_is_made_is_there),
    gp_test(test_a_device_that_fails_is_no_damage),
};

run_in_every_profile(tests)
