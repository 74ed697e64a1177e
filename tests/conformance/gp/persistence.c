/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept when all is closed and opened again (5.1, 5.7): keys of every type, data, usage. */
#include <stdio.h>
#include <string.h>

#include "keys.h"

#define CREATE "TEE_CreatePersistentObject"

/* --- Keys -------------------------------------------------------------------------------- */

static void expect_info(const struct key_type *type, TEE_ObjectHandle object)
{
    TEE_ObjectInfo info = info_of(object);

    expect_equal(info.objectType, type->id);
    expect_equal(info.objectSize, type->size);
    expect_equal(info.maxObjectSize, type->size);
    expect_equal(info.objectUsage, 0x41);
    expect_equal(info.dataSize, 4);
    expect_equal(info.dataPosition, 0);
}

static void store_key(const struct rule *rule)
{
    const struct key_type *type = &key_types[rule->a];
    TEE_ObjectHandle key = key_made(type, 2);
    TEE_ObjectHandle object;

    expect_success(TEE_RestrictObjectUsage1(key, 0x41));
    expect_success(
        TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "key", 3, READ, key, "data", 4, &object));
    expect_info(type, object);
    expect_key(type, 2, object);
    expect_key(type, 2, key); /* it stays what it is */
    expect_equal(info_of(key).handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
}

static void find_key(const struct rule *rule)
{
    const struct key_type *type = &key_types[rule->a];
    TEE_ObjectHandle object = open_as("key", READ | SHARE_R);
    TEE_ObjectHandle copy = key_object(type->id, type->size);

    expect_info(type, object);
    expect_key(type, 2, object);
    expect_success(TEE_CopyObjectAttributes1(copy, object));
    expect_equal(info_of(copy).objectUsage, 0x41);
    expect_key(type, 2, copy);
    TEE_CloseObject(object);
    expect_data("key", "data");
}

/* Without a place for the handle, the transient object becomes it. */
static void becomes_persistent(const struct rule *rule)
{
    const struct key_type *type = &key_types[rule->a];
    TEE_ObjectHandle key = key_made(type, 2);
    TEE_ObjectHandle other;

    expect_success(TEE_RestrictObjectUsage1(key, 0x41));
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "key", 3, READ | META, key,
                                              "data", 4, NULL));
    expect_info(type, key);
    expect_key(type, 2, key);
    expect_equal(info_of(key).handleFlags,
                 READ | META | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
    expect_result(try_open("key", READ | SHARE_R, &other), TEE_ERROR_ACCESS_CONFLICT);
    TEE_CloseObject(key);
}

/* --- Data -------------------------------------------------------------------------------- */

static void change_everything(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", ALL_ACCESS, "0123456789");

    (void)rule;
    expect_success(TEE_SeekObjectData(object, 4, TEE_DATA_SEEK_SET));
    expect_success(TEE_WriteObjectData(object, "xyz", 3));
    expect_success(TEE_TruncateObjectData(object, 9));
    expect_success(TEE_RestrictObjectUsage1(object, TEE_USAGE_MAC));
    expect_success(TEE_RenamePersistentObject(object, "b", 1));
    make("replaced", "old");
    TEE_CloseObject(create_as("replaced", READ | OVERWRITE, "new"));
    make("deleted", "data");
    expect_success(TEE_CloseAndDeletePersistentObject1(open_as("deleted", META)));
}

static void find_everything(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    expect_none("a");
    expect_none("deleted");
    expect_data("replaced", "new");
    expect_data("b", "0123xyz78");
    object = open_as("b", READ);
    expect_equal(info_of(object).dataPosition, 0); /* which isn't kept */
    expect_equal(info_of(object).objectUsage, TEE_USAGE_MAC);
}

static void make_a_large_one(const struct rule *rule)
{
    static uint8_t data[500000];
    TEE_ObjectHandle object;

    (void)rule;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13 + i / 4000);
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL,
                                              data, sizeof(data), &object));
}

static void find_the_large_one(const struct rule *rule)
{
    static uint8_t data[500000];
    TEE_ObjectHandle object = open_as("a", READ);
    size_t count = 0;

    (void)rule;
    expect_success(TEE_ReadObjectData(object, data, sizeof(data), &count));
    expect_equal(count, sizeof(data));
    for (size_t i = 0; i < sizeof(data); i++) {
        if (data[i] != (uint8_t)(i * 13 + i / 4000)) {
            note("byte %zu differs", i);
            break;
        }
    }
}

static void make_many(const struct rule *rule)
{
    char id[8];

    (void)rule;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof(id), "many%u", i);
        make(id, id);
    }
}

static void find_many(const struct rule *rule)
{
    char id[8];

    (void)rule;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof(id), "many%u", i);
        expect_data(id, id);
    }
}

/* An instance that ends in the middle of its work leaves what its calls had done. */
static void panic_in_the_middle(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ | WRITE, "0123");

    (void)rule;
    expect_success(TEE_WriteObjectData(object, "xy", 2));
    TEE_Panic(7);
}

static void find_what_was_done(const struct rule *rule)
{
    (void)rule;
    expect_data("a", "xy23");
}

static const struct rule rules[] = {
    {RULE(CREATE, "5.7", "all that was changed is kept, positions aren't", change_everything),
     .reopened = find_everything},
    {RULE(CREATE, "5.7", "500,000 bytes are kept", make_a_large_one),
     .reopened = find_the_large_one},
    {RULE(CREATE, "5.7", "100 objects are kept", make_many), .reopened = find_many},
    {RULE("TEE_Panic", "4.8.1", "what was done before is kept", panic_in_the_middle),
     .reopened = find_what_was_done, .panic = 7, .call = GP_CALL_PANIC},
};

void add_persistence(void)
{
    add_rules(rules);
    for (uint32_t type = 0; type < key_type_count; type++) {
        struct rule rule = {.function = CREATE, .clause = "5.7.2", .a = type};
        char text[CASE_TEXT_SIZE];

        (void)snprintf(text, sizeof(text), "a key of %s is kept", key_types[type].name);
        rule.text = text;
        rule.body = store_key;
        rule.reopened = find_key;
        add(&rule);
        (void)snprintf(text, sizeof(text), "an object of %s becomes the handle",
                       key_types[type].name);
        rule.body = becomes_persistent;
        add(&rule);
    }
}
