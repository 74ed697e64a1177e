/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on storage that are short of something (shortage.h). */
#include <string.h>

#include "keys.h"
#include "shortage.h"

/* --- The calls --------------------------------------------------------------------------- */

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void prepare_nothing(void)
{
    make("beside", "beside");
}

static void prepare_closed(void)
{
    make("beside", "beside");
    make("a", "0123456789");
}

static void regain_open(void)
{
    had.object = open_as("a", ALL_ACCESS);
}

static void prepare_open(void)
{
    prepare_closed();
    regain_open();
}

static void regain_enumerator(void)
{
    expect_success(TEE_AllocatePersistentObjectEnumerator(&had.enumerator));
}

static void prepare_enumerator(void)
{
    prepare_closed();
    regain_enumerator();
}

static void prepare_far(void)
{
    prepare_open();
    expect_success(TEE_SeekObjectData(had.object, 30000, TEE_DATA_SEEK_SET));
}

static void regain_key(void)
{
    had.key = key_secret(TEE_TYPE_AES, key, sizeof(key));
    TEE_RestrictObjectUsage(had.key, TEE_USAGE_EXTRACTABLE);
}

static void prepare_key(void)
{
    prepare_nothing();
    regain_key();
}

/* The transient object itself is to become persistent. */
static void regain_becoming(void)
{
    regain_key();
    had.object = had.key;
}

static void prepare_becoming(void)
{
    prepare_nothing();
    regain_becoming();
}

static void regain_far(void)
{
    regain_open();
    expect_success(TEE_SeekObjectData(had.object, 30000, TEE_DATA_SEEK_SET));
}

static void regain_started(void)
{
    regain_enumerator();
    expect_success(TEE_StartPersistentObjectEnumerator(had.enumerator, TEE_STORAGE_PRIVATE));
}

static TEE_Result ask_open(void)
{
    return try_open("a", READ, &had.object);
}

static TEE_Result create(uint32_t flags, TEE_ObjectHandle *object)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, flags, TEE_HANDLE_NULL, "new", 3,
                                      object);
}

static TEE_Result ask_create(void)
{
    return create(READ, &had.object);
}

static TEE_Result ask_overwrite(void)
{
    return create(READ | OVERWRITE, &had.object);
}

static TEE_Result ask_create_closed(void)
{
    return create(META, NULL);
}

static TEE_Result ask_write(void)
{
    return TEE_WriteObjectData(had.object, "abcdefghijklmnop", 16);
}

static TEE_Result ask_create_key(void)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, had.key, "new", 3,
                                      &had.object);
}

static TEE_Result ask_become(void)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, had.object, "new", 3,
                                      NULL);
}

static uint8_t many[20000];

static TEE_Result ask_write_many(void)
{
    return TEE_WriteObjectData(had.object, many, sizeof(many));
}

static TEE_Result ask_grow(void)
{
    return TEE_TruncateObjectData(had.object, 10000);
}

static TEE_Result ask_cut(void)
{
    return TEE_TruncateObjectData(had.object, 3);
}

static TEE_Result ask_restrict(void)
{
    return TEE_RestrictObjectUsage1(had.object, TEE_USAGE_MAC);
}

static TEE_Result ask_rename(void)
{
    return TEE_RenamePersistentObject(had.object, "renamed", 7);
}

static TEE_Result ask_delete(void)
{
    return TEE_CloseAndDeletePersistentObject1(had.object);
}

static TEE_Result ask_enumerator(void)
{
    return TEE_AllocatePersistentObjectEnumerator(&had.enumerator);
}

static TEE_Result ask_start(void)
{
    return TEE_StartPersistentObjectEnumerator(had.enumerator, TEE_STORAGE_PRIVATE);
}

static TEE_Result ask_next(void)
{
    TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    size_t size;

    return TEE_GetNextPersistentObject(had.enumerator, &info, id, &size);
}

static TEE_Result ask_properties(void)
{
    TEE_PropSetHandle enumerator;

    return TEE_AllocatePropertyEnumerator(&enumerator);
}

static uint8_t large[600000];

/* More than the store has room for in its caches. */
static void prepare_open_large(void)
{
    make("beside", "beside");
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL,
                                              large, sizeof(large), &had.object));
}

static TEE_Result ask_read_large(void)
{
    static uint8_t got[sizeof(large)];
    size_t count = 0;
    TEE_Result result = TEE_SeekObjectData(had.object, 0, TEE_DATA_SEEK_SET);

    if (result == TEE_SUCCESS)
        result = TEE_ReadObjectData(had.object, got, sizeof(got), &count);
    if (result == TEE_SUCCESS)
        expect(count == sizeof(large) && memcmp(got, large, sizeof(large)) == 0);
    return result;
}

static void close_it(void)
{
    TEE_CloseObject(had.object);
    had.object = TEE_HANDLE_NULL;
}

static void check_nothing(void)
{
    expect_data("beside", "beside");
}

static void check_new(void)
{
    close_it();
    expect_data("a", "new");
    expect_data("beside", "beside");
}

static void check_key(void)
{
    const TEE_ObjectInfo info = info_of(had.object);
    uint8_t got[sizeof(key)];
    size_t size = sizeof(got);

    expect_equal(info.objectType, TEE_TYPE_AES);
    expect_equal(info.objectUsage, TEE_USAGE_EXTRACTABLE);
    expect_success(TEE_GetObjectBufferAttribute(had.object, TEE_ATTR_SECRET_VALUE, got, &size));
    expect(size == sizeof(key) && memcmp(got, key, sizeof(key)) == 0);
    check_new();
}

static void check_new_closed(void)
{
    expect_data("a", "new");
}

static void check_written(void)
{
    expect_equal(info_of(had.object).dataPosition, 16);
    close_it();
    expect_data("a", "abcdefghijklmnop");
}

static void check_written_many(void)
{
    expect_equal(info_of(had.object).dataPosition, sizeof(many));
    expect_equal(info_of(had.object).dataSize, sizeof(many));
}

static void check_far(void)
{
    const TEE_ObjectInfo info = info_of(had.object);

    expect(info.dataSize == 30016 && info.dataPosition == 30016);
}

static void check_grown(void)
{
    expect_equal(info_of(had.object).dataSize, 10000);
}

static void check_cut(void)
{
    close_it();
    expect_data("a", "012");
}

static void check_restricted(void)
{
    expect_equal(info_of(had.object).objectUsage, TEE_USAGE_MAC);
}

static void check_renamed(void)
{
    close_it();
    expect_none("a");
    expect_data("renamed", "0123456789");
}

static void check_deleted(void)
{
    expect_none("a");
    expect_data("beside", "beside");
}

/* clang-format off */
static const struct shortage shortages[] = {
    {.clause = "5.7.1", .call = GP_CALL_OPEN_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_closed, .ask = ask_open, .check = check_nothing,
     .codes = {0, 0, 0, NONE, NONE}},
    {.clause = "5.7.1", .call = GP_CALL_OPEN_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_closed, .ask = ask_open, .check = check_nothing,
     .codes = {0, 0, AWAY, NONE, NONE}, .cold = true},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_nothing, .ask = ask_create, .check = check_new,
     .codes = {FULL, FULL, AWAY, NONE, NONE}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_nothing, .ask = ask_create, .check = check_new,
     .codes = {FULL, FULL, AWAY, NONE, NONE}, .cold = true},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "OVERWRITE, ",
     .prepare = prepare_closed, .ask = ask_overwrite, .check = check_new,
     .codes = {FULL, FULL, AWAY, NONE, NONE}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "without a handle, ",
     .prepare = prepare_nothing, .ask = ask_create_closed, .check = check_new_closed,
     .codes = {FULL, FULL, AWAY, NONE, 0}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "of a key, ",
     .prepare = prepare_key, .regain = regain_key, .ask = ask_create_key, .check = check_key,
     .codes = {0, FULL, AWAY, NONE, NONE}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "a key becomes it, ",
     .prepare = prepare_becoming, .regain = regain_becoming, .ask = ask_become, .check = check_key,
     .codes = {0, FULL, AWAY, NONE, NONE}},
    {.clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA, .text = "16 bytes, ",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_write, .check = check_written,
     .codes = {FULL, FULL, AWAY, 0, 0}},
    {.clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA, .text = "20,000 bytes, ",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_write_many,
     .check = check_written_many,
     .codes = {FULL, FULL, AWAY, AWAY, 0}},
    {.clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA, .text = "behind a hole, ",
     .prepare = prepare_far, .regain = regain_far, .ask = ask_write, .check = check_far,
     .codes = {0, FULL, AWAY, AWAY, 0}},
    {.clause = "5.9.3", .call = GP_CALL_TRUNCATE_OBJECT_DATA, .text = "grows, ",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_grow, .check = check_grown,
     .codes = {FULL, FULL, AWAY, AWAY, 0}},
    {.clause = "5.9.3", .call = GP_CALL_TRUNCATE_OBJECT_DATA, .text = "cuts, ",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_cut, .check = check_cut,
     .codes = {0, FULL, AWAY, 0, 0}},
    {.clause = "5.5.2", .call = GP_CALL_RESTRICT_OBJECT_USAGE1, .text = "",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_restrict, .check = check_restricted,
     .codes = {0, AWAY, AWAY, 0, 0}},
    {.clause = "5.7.5", .call = GP_CALL_RENAME_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_rename, .check = check_renamed,
     .codes = {0, AWAY, AWAY, 0, 0}},
    {.clause = "5.7.4", .call = GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1, .text = "",
     .prepare = prepare_open, .regain = regain_open, .ask = ask_delete, .check = check_deleted,
     .codes = {0, AWAY, AWAY, 0, 0}, .closes = true},
    {.clause = "5.8.1", .call = GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR, .text = "",
     .prepare = prepare_nothing, .ask = ask_enumerator, .check = check_nothing,
     .codes = {0, 0, 0, 0, NONE}, .panics = PANICS_IN_OPTEE},
    {.clause = "5.8.4", .call = GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR, .text = "",
     .prepare = prepare_enumerator, .regain = regain_enumerator, .ask = ask_start,
     .check = check_nothing,
     .codes = {0, 0, 0, AWAY, 0}},
    {.clause = "5.8.5", .call = GP_CALL_GET_NEXT_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_closed, .regain = regain_started, .ask = ask_next, .check = check_nothing,
     .codes = {0, 0, AWAY, AWAY, 0}, .cold = true},
    {.clause = "5.9.1", .call = GP_CALL_READ_OBJECT_DATA, .text = "with little memory, ",
     .prepare = prepare_open_large, .ask = ask_read_large, .check = check_nothing,
     .codes = {0, 0, AWAY, 0, 0}},
    {.clause = "4.4.7", .call = GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR, .text = "",
     .prepare = prepare_nothing, .ask = ask_properties, .check = check_nothing,
     .codes = {0, 0, 0, 0, NONE}},
};
/* clang-format on */

void add_shortage_storage(void)
{
    add_shortages(shortages, sizeof(shortages) / sizeof(shortages[0]));
}
