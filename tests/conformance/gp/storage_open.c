/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening persistent objects (5.7.1). */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define OPEN      "TEE_OpenPersistentObject"
#define OPEN_RULE .function = OPEN, .clause = "5.7.1", .call = GP_CALL_OPEN_PERSISTENT_OBJECT

static TEE_ObjectHandle garbage(void)
{
    return (TEE_ObjectHandle)(uintptr_t)0x5a5a5a5a;
}

static void opens_at_the_beginning(const struct rule *rule)
{
    TEE_ObjectInfo info;

    (void)rule;
    make("a", "data");
    info = info_of(open_as("a", READ | SHARE_R));
    expect_equal(info.objectType, TEE_TYPE_DATA);
    expect_equal(info.dataSize, 4);
    expect_equal(info.dataPosition, 0);
    expect_equal(info.objectSize, 0);
    expect_equal(info.maxObjectSize, 0);
    expect_equal(info.objectUsage, 0xffffffff);
    expect_equal(info.handleFlags,
                 READ | SHARE_R | TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
}

static void no_such_object(const struct rule *rule)
{
    TEE_ObjectHandle object = garbage();

    (void)rule;
    make("a", "data");
    expect_result(try_open("b", READ, &object), TEE_ERROR_ITEM_NOT_FOUND);
    expect(object == TEE_HANDLE_NULL);
    expect_result(try_open("", READ, &object), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(try_open("aa", READ, &object), TEE_ERROR_ITEM_NOT_FOUND);
}

static void no_such_storage(const struct rule *rule)
{
    TEE_ObjectHandle object = garbage();

    make("a", "data");
    expect_result(TEE_OpenPersistentObject(rule->a, "a", 1, READ, &object),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect(object == TEE_HANDLE_NULL);
}

static void conflict_gives_no_handle(const struct rule *rule)
{
    TEE_ObjectHandle object = garbage();

    (void)rule;
    (void)create_as("a", READ, "data");
    expect_result(try_open("a", READ, &object), TEE_ERROR_ACCESS_CONFLICT);
    expect(object == TEE_HANDLE_NULL);
}

static void storages_are_apart(const struct rule *rule)
{
    TEE_ObjectHandle object;
    size_t count = 0;
    char got[8];

    (void)rule;
    make("a", "private");
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PERSO, "a", 1, READ, TEE_HANDLE_NULL,
                                              "perso", 5, &object));
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 5 && memcmp(got, "perso", 5) == 0);
    expect_data("a", "private");
}

static void ree_is_private(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("a", "data");
    expect_success(
        TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE_REE, "a", 1, READ | SHARE_R, &object));
    expect_data("a", "data"); /* beside it: it is one object */
    TEE_CloseObject(object);
    expect_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE_REE, "a", 1, META, &object));
    expect_result(try_open("a", READ | SHARE_R, &object), TEE_ERROR_ACCESS_CONFLICT);
}

/* --- Ids --------------------------------------------------------------------------------- */

static void every_length_of_id(const struct rule *rule)
{
    uint8_t id[TEE_OBJECT_ID_MAX_LEN];
    TEE_ObjectHandle object;

    (void)rule;
    memset(id, 'i', sizeof(id));
    for (size_t size = 0; size <= sizeof(id); size++) {
        expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, size, READ,
                                                  TEE_HANDLE_NULL, id, size, &object));
        TEE_CloseObject(object);
    }
    for (size_t size = 0; size <= sizeof(id); size++) {
        expect_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, size, READ, &object));
        expect_equal(info_of(object).dataSize, size);
        TEE_CloseObject(object);
    }
}

static void every_byte_in_an_id(const struct rule *rule)
{
    TEE_ObjectHandle object;
    uint8_t id[3] = {'<', 0, '>'};

    (void)rule;
    for (unsigned byte = 0; byte < 256; byte++) {
        id[1] = (uint8_t)byte;
        expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, 3, READ, TEE_HANDLE_NULL,
                                                  &id[1], 1, &object));
        TEE_CloseObject(object);
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t got = 0;
        size_t count = 0;

        id[1] = (uint8_t)byte;
        expect_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, 3, READ, &object));
        expect_success(TEE_ReadObjectData(object, &got, 1, &count));
        expect(count == 1 && got == byte);
        TEE_CloseObject(object);
    }
}

static void id_of_no_bytes(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("", "none");
    expect_success(TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, NULL, 0, READ, &object));
    expect_equal(info_of(object).dataSize, 4);
}

static void id_is_too_long(const struct rule *rule)
{
    uint8_t id[TEE_OBJECT_ID_MAX_LEN + 1] = {0};
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, sizeof(id), READ, &object);
}

static void id_is_missing(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, NULL, 1, READ, &object);
}

static void output_is_missing(const struct rule *rule)
{
    (void)rule;
    make("a", "data");
    (void)try_open("a", READ, NULL);
}

static void reserved_flag(const struct rule *rule)
{
    TEE_ObjectHandle object;

    make("a", "data");
    (void)try_open("a", rule->a | READ, &object);
}

/* --- Damage and failing devices ---------------------------------------------------------- */

static void make_one(const struct rule *rule)
{
    (void)rule;
    make("a", "data");
}

static void damage_is_told_and_put_away(const struct rule *rule)
{
    TEE_ObjectHandle object = garbage();

    (void)rule;
    damage_objects();
    expect_result(try_open("a", READ, &object), TEE_ERROR_CORRUPT_OBJECT);
    expect(object == TEE_HANDLE_NULL);
    expect_none("a");
    make("a", "new"); /* its id is free */
    expect_data("a", "new");
}

static void device_is_gone(const struct rule *rule)
{
    struct fault_plan plan = {.kind = FAULT_DEAD, .at = 1};
    TEE_ObjectHandle object = garbage();

    (void)rule;
    memory_device_inject(world.devices[0], &plan);
    expect_result(try_open("a", READ, &object), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    expect(object == TEE_HANDLE_NULL);
    memory_device_inject(world.devices[0], NULL);
    expect_data("a", "data");
}

/* --- Many -------------------------------------------------------------------------------- */

/* As many as there is memory for; then it is told, and all of them still work. */
static void handles_until_there_is_no_memory(const struct rule *rule)
{
    TEE_ObjectHandle last = TEE_HANDLE_NULL;
    TEE_Result result = TEE_SUCCESS;
    TEE_ObjectHandle object;
    unsigned count = 0;

    (void)rule;
    make("a", "data");
    space_fixture_refuse(&world.memory, 200, 1);
    while (result == TEE_SUCCESS && count < 100000) {
        result = try_open("a", READ | SHARE_R, &object);
        if (result == TEE_SUCCESS) {
            last = object;
            count++;
        }
    }
    space_fixture_refuse(&world.memory, 0, 0);
    expect_result(result, TEE_ERROR_OUT_OF_MEMORY);
    expect(object == TEE_HANDLE_NULL);
    expect(count > 10);
    TEE_CloseObject(last);
    expect_data("a", "data");
}

static const struct rule rules[] = {
    {OPEN_RULE, .text = "the handle stands at the beginning", .body = opens_at_the_beginning},
    {OPEN_RULE, .text = "an id that isn't there is not found", .body = no_such_object},
    {OPEN_RULE, .text = "TEE_STORAGE_PROTECTED, not configured, is not found",
     .body = no_such_storage, .a = TEE_STORAGE_PROTECTED},
    {OPEN_RULE, .text = "TEE_STORAGE_ILLEGAL_VALUE is not found", .body = no_such_storage,
     .a = TEE_STORAGE_ILLEGAL_VALUE},
    {OPEN_RULE, .text = "storage 0 is not found", .body = no_such_storage, .a = 0},
    {OPEN_RULE, .text = "storage 4 is not found", .body = no_such_storage, .a = 4},
    {OPEN_RULE, .text = "TEE_STORAGE_PRIVATE_RPMB, not configured, is not found",
     .body = no_such_storage, .a = TEE_STORAGE_PRIVATE_RPMB},
    {OPEN_RULE, .text = "a conflict gives no handle", .body = conflict_gives_no_handle},
    {OPEN_RULE, .text = "TEE_STORAGE_PRIVATE and _PERSO are apart", .body = storages_are_apart},
    {OPEN_RULE, .text = "TEE_STORAGE_PRIVATE_REE is TEE_STORAGE_PRIVATE", .body = ree_is_private},
    {OPEN_RULE, .text = "ids of 0 to 64 bytes are told apart", .body = every_length_of_id},
    {OPEN_RULE, .text = "an id has any bytes", .body = every_byte_in_an_id},
    {OPEN_RULE, .text = "an id of no bytes needs no buffer", .body = id_of_no_bytes},
    {OPEN_RULE, .text = "an id of 65 bytes is a panic", .body = id_is_too_long,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {OPEN_RULE, .text = "no buffer for an id of 1 byte is a panic", .body = id_is_missing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {OPEN_RULE, .text = "no place for the handle is a panic", .body = output_is_missing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {OPEN_RULE, .text = "a damaged object is told, and gone", .body = make_one,
     .reopened = damage_is_told_and_put_away},
    {OPEN_RULE, .text = "a device that fails is a storage that isn't available", .body = make_one,
     .reopened = device_is_gone},
    {OPEN_RULE, .text = "as many handles as there is memory for",
     .body = handles_until_there_is_no_memory},
};

void add_storage_open(void)
{
    const uint32_t known = READ | WRITE | META | SHARE_R | SHARE_W;

    add_rules(rules);
    for (unsigned bit = 0; bit < 32; bit++) {
        struct rule rule = {OPEN_RULE, .body = reserved_flag, .panic = TEE_ERROR_BAD_PARAMETERS};
        char text[CASE_TEXT_SIZE];

        if ((known >> bit & 1u) != 0)
            continue;
        rule.a = UINT32_C(1) << bit;
        (void)snprintf(text, sizeof(text), "the reserved flag 0x%x is a panic", rule.a);
        rule.text = text;
        add(&rule);
    }
}
