/* SPDX-License-Identifier: BSD-2-Clause */
/* Persistent objects with attributes: made from transient and from persistent ones, and as OP-TEE
 * stored them. */
#include "unit/gp/persistent.h"

#include "gp/attributes.h"

#define KEY_BITS 256u

/* A 256-bit AES key as it is on the device. */
static const uint8_t packed[] = {0,  0,  0,  32, 1,  2,  3,  4,  5,  6,  7,  8,
                                 9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

/* A transient key, initialized or not. */
static struct gp_object *transient(bool initialized, TEE_ObjectHandle *handle)
{
    struct gp_instance *instance = gp_fixture.instance;
    struct gp_object *object;

    assert_success(gp_object_make(instance, &object, handle));
    assert_success(gp_attributes_make(instance->pool, gp_type_find(TEE_TYPE_AES), KEY_BITS,
                                      &object->attributes));
    object->type = TEE_TYPE_AES;
    object->max_size = KEY_BITS;
    object->usage = TEE_USAGE_ENCRYPT | TEE_USAGE_EXTRACTABLE;
    if (initialized)
        assert_success(gp_attributes_unpack(object->attributes, 1, packed, sizeof(packed)));
    object->initialized = initialized;
    object->object_size = initialized ? KEY_BITS : 0;
    return object;
}

static void assert_is_the_key(TEE_ObjectHandle handle)
{
    const struct gp_object *object = gp_object_find(gp_fixture.instance, handle);
    uint8_t bytes[sizeof(packed)];
    TEE_ObjectInfo info = info_of(handle);

    assert_int_equal(info.objectType, TEE_TYPE_AES);
    assert_int_equal(info.objectSize, KEY_BITS);
    assert_int_equal(info.maxObjectSize, KEY_BITS);
    assert_int_equal(info.objectUsage, TEE_USAGE_ENCRYPT | TEE_USAGE_EXTRACTABLE);
    assert_non_null(object->attributes);
    assert_true(gp_attributes_are_valid(object->attributes));
    assert_int_equal(gp_attributes_have(object->attributes), 1);
    assert_int_equal(gp_attributes_packed_size(object->attributes), sizeof(bytes));
    gp_attributes_pack(object->attributes, bytes);
    assert_memory_equal(bytes, packed, sizeof(bytes));
}

static TEE_Result create_from(const char *id, uint32_t flags, TEE_ObjectHandle source,
                              TEE_ObjectHandle *out)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags, source, "data", 4,
                                      out);
}

static void test_a_transient_key_is_copied(void **state)
{
    TEE_ObjectHandle source, handle, copy;

    (void)state;
    (void)transient(true, &source);
    assert_success(create_from("key", R, source, &handle));
    assert_is_the_key(handle);
    assert_reads(handle, "data");
    assert_int_equal(info_of(source).handleFlags, TEE_HANDLE_FLAG_INITIALIZED); /* as it was */
    TEE_CloseObject(source);
    /* From the persistent one, whose usage is narrower by then. */
    assert_success(create_from("copy", R, handle, &copy));
    assert_is_the_key(copy);
    TEE_CloseObject(copy);
    assert_success(TEE_RestrictObjectUsage1(handle, TEE_USAGE_ENCRYPT));
    assert_success(create_from("copy", R | TEE_DATA_FLAG_OVERWRITE, handle, &copy));
    assert_int_equal(info_of(copy).objectUsage, TEE_USAGE_ENCRYPT);
    TEE_CloseObject(copy);
    TEE_CloseObject(handle);
}

static void test_a_key_is_read_as_it_was_stored(void **state)
{
    TEE_ObjectHandle source, handle;

    (void)state;
    (void)transient(true, &source);
    assert_success(create_from("key", R, source, &handle));
    TEE_CloseObject(handle);
    TEE_CloseObject(source);
    forget_unused();
    handle = must_open("key", R | W);
    assert_is_the_key(handle);
    assert_reads(handle, "data");
    /* Data and attributes don't touch each other. */
    assert_success(TEE_TruncateObjectData(handle, 0));
    assert_success(TEE_SeekObjectData(handle, 0, TEE_DATA_SEEK_SET));
    assert_success(TEE_WriteObjectData(handle, "other", 5));
    TEE_CloseObject(handle);
    handle = must_open("key", R);
    assert_is_the_key(handle);
    assert_reads(handle, "other");
    TEE_CloseObject(handle);
}

static void test_without_an_output_the_transient_object_becomes_persistent(void **state)
{
    TEE_ObjectHandle handle, other;

    (void)state;
    (void)transient(true, &handle);
    assert_success(create_from("key", R | W | M, handle, NULL));
    assert_is_the_key(handle);
    assert_int_equal(info_of(handle).handleFlags,
                     R | W | M | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
    assert_reads(handle, "data");
    assert_result(open_object("key", R, &other), TEE_ERROR_ACCESS_CONFLICT);
    assert_success(TEE_RestrictObjectUsage1(handle, TEE_USAGE_ENCRYPT));
    /* A persistent source stays what it is. */
    assert_success(create_from("copy", R, handle, NULL));
    assert_result(open_object("key", R, &other), TEE_ERROR_ACCESS_CONFLICT);
    assert_success(TEE_CloseAndDeletePersistentObject1(handle));
    handle = must_open("copy", R);
    assert_int_equal(info_of(handle).objectUsage, TEE_USAGE_ENCRYPT);
    TEE_CloseObject(handle);
    assert_true(list_is_empty(&gp_fixture.tee.files));
}

/* What fails leaves the transient object as it was. */
static void test_a_transient_object_survives_a_failure(void **state)
{
    TEE_ObjectHandle handle, uninitialized;

    (void)state;
    make("key", "old");
    (void)transient(true, &handle);
    assert_result(create_from("key", R, handle, NULL), TEE_ERROR_ACCESS_CONFLICT);
    assert_int_equal(info_of(handle).handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
    (void)transient(false, &uninitialized);
    assert_panics_in(create_from("new", R, uninitialized, NULL), TEE_ERROR_BAD_STATE,
                     GP_CALL_CREATE_PERSISTENT_OBJECT);
    assert_panics_in(TEE_ReadObjectData(handle, NULL, 0, &(size_t){0}), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_READ_OBJECT_DATA);
    assert_panics_in(TEE_CloseAndDeletePersistentObject1(handle), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1);
    assert_success(TEE_RestrictObjectUsage1(handle, TEE_USAGE_ENCRYPT));
    assert_int_equal(info_of(handle).objectUsage, TEE_USAGE_ENCRYPT);
    TEE_CloseObject(handle);
    TEE_CloseObject(uninitialized);
    assert_holds("key", "old");
}

static void put(const char *id, const struct coffer_attributes *attributes)
{
    const struct coffer_name name = {gp_uuid(&gp_fixture_uuid), id, strlen(id)};

    assert_ok(coffer_put(gp_fixture.stores[0].store, &name, COFFER_REPLACE, attributes, "data", 4));
}

/* Attributes that no key of the type has: authentic, and damaged all the same. A type that isn't
 * known is no damage. */
static void test_stored_attributes_must_make_sense(void **state)
{
    struct coffer_attributes attributes = {.type = TEE_TYPE_AES,
                                           .usage = COFFER_USAGE_ALL,
                                           .object_size = KEY_BITS,
                                           .max_size = KEY_BITS,
                                           .have = 1,
                                           .bytes = packed,
                                           .bytes_size = sizeof(packed)};
    TEE_ObjectHandle handle;

    (void)state;
    put("x", &attributes);
    TEE_CloseObject(must_open("x", R));
    attributes.bytes_size--;
    put("x", &attributes);
    assert_result(open_object("x", R, &handle), TEE_ERROR_CORRUPT_OBJECT);
    assert_int_equal(quarantined(), 1);
    assert_result(open_object("x", R, &handle), TEE_ERROR_ITEM_NOT_FOUND);
    attributes.bytes_size = 0;
    put("x", &attributes);
    assert_result(open_object("x", R, &handle), TEE_ERROR_CORRUPT_OBJECT);
    attributes.bytes_size = sizeof(packed);
    attributes.type = 0xA00000FFu;
    put("x", &attributes);
    if (gp_fixture.tee.profile == GP_OPTEE_4)
        assert_panics_in(open_object("x", R, &handle), TEE_ERROR_NOT_SUPPORTED,
                         GP_CALL_OPEN_PERSISTENT_OBJECT);
    else
        assert_result(open_object("x", R, &handle), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    assert_null(handle);
    assert_int_equal(quarantined(), 2);
    assert_true(list_is_empty(&gp_fixture.tee.files));
}

/* What the client could change while it is looked at is no id. */
static void test_ids_are_the_tas_own(void **state)
{
    struct gp_shared *shared = &gp_fixture.instance->shared[1];
    TEE_ObjectHandle handle;
    char id[8] = "xxxxxxx";

    (void)state;
    make("xxx", "1");
    *shared = (struct gp_shared){id + 2, 3, true};
    assert_result(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id + 3, 0, R, &handle),
                  TEE_ERROR_ITEM_NOT_FOUND);
    assert_panics_in(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, 3, R, &handle),
                     TEE_ERROR_ACCESS_DENIED, GP_CALL_OPEN_PERSISTENT_OBJECT);
    assert_panics_in(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id + 4, 3, R, TEE_HANDLE_NULL,
                                                NULL, 0, NULL),
                     TEE_ERROR_ACCESS_DENIED, GP_CALL_CREATE_PERSISTENT_OBJECT);
    handle = must_open("xxx", M);
    assert_panics_in(TEE_RenamePersistentObject(handle, id + 3, 1), TEE_ERROR_ACCESS_DENIED,
                     GP_CALL_RENAME_PERSISTENT_OBJECT);
    assert_success(TEE_RenamePersistentObject(handle, id + 5, 1));
    TEE_CloseObject(handle);
    *shared = (struct gp_shared){NULL, 0, false};
    assert_holds("x", "1");
}

static const struct CMUnitTest tests[] = {
    gp_test(test_a_transient_key_is_copied),
    gp_test(test_a_key_is_read_as_it_was_stored),
    gp_test(test_without_an_output_the_transient_object_becomes_persistent),
    gp_test(test_a_transient_object_survives_a_failure),
    gp_test(test_stored_attributes_must_make_sense),
    gp_test(test_ids_are_the_tas_own),
};

run_in_every_profile(tests)
