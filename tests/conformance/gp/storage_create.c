/* SPDX-License-Identifier: BSD-2-Clause */
/* Making persistent objects (5.7.2). */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define CREATE_RULE                                                                                \
    .function = "TEE_CreatePersistentObject", .clause = "5.7.2",                                   \
    .call = GP_CALL_CREATE_PERSISTENT_OBJECT

static TEE_Result create(const char *id, uint32_t flags, const char *data, TEE_ObjectHandle *object)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags, TEE_HANDLE_NULL,
                                      data, strlen(data), object);
}

static void has_its_data(const struct rule *rule)
{
    TEE_ObjectInfo info;
    TEE_ObjectHandle object;
    size_t count = 0;
    char got[8];

    (void)rule;
    object = create_as("a", READ | WRITE, "data");
    info = info_of(object);
    expect_equal(info.objectType, TEE_TYPE_DATA);
    expect_equal(info.dataSize, 4);
    expect_equal(info.dataPosition, 0);
    expect_equal(info.objectUsage, 0xffffffff);
    expect_equal(info.handleFlags,
                 READ | WRITE | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 4 && memcmp(got, "data", 4) == 0);
}

static void not_over_another(const struct rule *rule)
{
    TEE_ObjectHandle object = (TEE_ObjectHandle)(uintptr_t)1;

    (void)rule;
    make("a", "old");
    expect_result(create("a", READ, "new", &object), TEE_ERROR_ACCESS_CONFLICT);
    expect(object == TEE_HANDLE_NULL);
    expect_result(create("a", READ, "new", NULL), TEE_ERROR_ACCESS_CONFLICT);
    expect_data("a", "old");
}

static void overwrites(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("a", "older and longer");
    object = open_as("a", READ);
    expect_success(TEE_RestrictObjectUsage1(object, 0));
    TEE_CloseObject(object);
    expect_success(create("a", READ | OVERWRITE, "new", &object));
    expect_equal(info_of(object).objectUsage, 0xffffffff);
    TEE_CloseObject(object);
    expect_data("a", "new");
}

static void overwrites_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_CloseObject(create_as("a", READ | OVERWRITE, "new"));
    expect_data("a", "new");
}

static void without_a_handle(const struct rule *rule)
{
    (void)rule;
    expect_success(create("a", META, "data", NULL));
    expect_data("a", "data"); /* it isn't open */
}

static void without_data(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL,
                                              NULL, 0, &object));
    expect_equal(info_of(object).dataSize, 0);
}

static void no_such_storage(const struct rule *rule)
{
    TEE_ObjectHandle object = (TEE_ObjectHandle)(uintptr_t)1;

    expect_result(
        TEE_CreatePersistentObject(rule->a, "a", 1, READ, TEE_HANDLE_NULL, "", 0, &object),
        TEE_ERROR_ITEM_NOT_FOUND);
    expect(object == TEE_HANDLE_NULL);
}

static void large(const struct rule *rule)
{
    static uint8_t data[300000];
    static uint8_t got[sizeof(data)];
    TEE_ObjectHandle object;
    size_t count = 0;

    (void)rule;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 4096);
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL,
                                              data, sizeof(data), &object));
    expect_equal(info_of(object).dataSize, sizeof(data));
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect_equal(count, sizeof(data));
    expect(memcmp(got, data, sizeof(data)) == 0);
}

/* An attributes' object that is persistent is copied, and stays what it is. */
static void attributes_of_a_persistent_object(const struct rule *rule)
{
    TEE_ObjectHandle source;
    TEE_ObjectHandle object;

    (void)rule;
    source = create_as("source", READ, "source's");
    expect_success(TEE_RestrictObjectUsage1(source, 0x0f));
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ | SHARE_R, source,
                                              "a's", 3, &object));
    expect_equal(info_of(object).objectUsage, 0x0f);
    expect_equal(info_of(source).dataSize, 8);
    expect_data("a", "a's");
}

static void overwrite_again(const struct rule *rule)
{
    (void)rule;
    TEE_CloseObject(create_as("a", READ | OVERWRITE, "again"));
    expect_data("a", "again");
}

/* --- Panics ------------------------------------------------------------------------------ */

static void id_is_too_long(const struct rule *rule)
{
    uint8_t id[TEE_OBJECT_ID_MAX_LEN + 1] = {0};
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, sizeof(id), READ, TEE_HANDLE_NULL, "",
                                     0, &object);
}

static void id_is_missing(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, NULL, 1, READ, TEE_HANDLE_NULL, "", 0,
                                     &object);
}

static void data_is_missing(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL, NULL, 1,
                                     &object);
}

static void reserved_flag(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)create("a", rule->a | READ, "data", &object);
}

static const struct rule rules[] = {
    {CREATE_RULE, .text = "the object has its data and is at its beginning", .body = has_its_data},
    {CREATE_RULE, .text = "not over another one", .body = not_over_another},
    {CREATE_RULE, .text = "OVERWRITE replaces data and usage", .body = overwrites},
    {CREATE_RULE, .text = "OVERWRITE of nothing", .body = overwrites_nothing},
    {CREATE_RULE, .text = "with no place for the handle it is closed", .body = without_a_handle},
    {CREATE_RULE, .text = "no data needs no buffer", .body = without_data},
    {CREATE_RULE, .text = "TEE_STORAGE_PROTECTED, not configured, is not found",
     .body = no_such_storage, .a = TEE_STORAGE_PROTECTED},
    {CREATE_RULE, .text = "TEE_STORAGE_ILLEGAL_VALUE is not found", .body = no_such_storage,
     .a = TEE_STORAGE_ILLEGAL_VALUE},
    {CREATE_RULE, .text = "storage 0 is not found", .body = no_such_storage, .a = 0},
    {CREATE_RULE, .text = "data of 300,000 bytes", .body = large},
    {CREATE_RULE, .text = "attributes and usage of a persistent object are copied",
     .body = attributes_of_a_persistent_object},
    {CREATE_RULE, .text = "OVERWRITE after the store was closed", .body = has_its_data,
     .reopened = overwrite_again},
    {CREATE_RULE, .text = "an id of 65 bytes is a panic", .body = id_is_too_long,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {CREATE_RULE, .text = "no buffer for an id of 1 byte is a panic", .body = id_is_missing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {CREATE_RULE, .text = "no buffer for data of 1 byte is a panic", .body = data_is_missing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
};

void add_storage_create(void)
{
    const uint32_t known = READ | WRITE | META | SHARE_R | SHARE_W | OVERWRITE;

    add_rules(rules);
    for (unsigned bit = 0; bit < 32; bit++) {
        struct rule rule = {CREATE_RULE, .body = reserved_flag, .panic = TEE_ERROR_BAD_PARAMETERS};
        char text[CASE_TEXT_SIZE];

        if ((known >> bit & 1u) != 0)
            continue;
        rule.a = UINT32_C(1) << bit;
        (void)snprintf(text, sizeof(text), "the reserved flag 0x%x is a panic", rule.a);
        rule.text = text;
        add(&rule);
    }
}
