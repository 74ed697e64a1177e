/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damage that is met through a handle (5.7, 5.9): each call then answers TEE_ERROR_CORRUPT_OBJECT,
 * and the handle is closed, as are the others on the object when they are used next; but for a TA
 * with TA_FLAG_DONT_CLOSE_HANDLE_ON_CORRUPT_OBJECT (OP-TEE's), whose handles stay until they are
 * closed. The object is out of sight in any case, and its id is free.
 */
#include <stdio.h>
#include <string.h>

#include "keys.h"

#define SIZE   20000u
#define BEFORE 14000u /* a position in the block that is damaged */

struct corruption {
    const char *clause;
    enum gp_call call;
    TEE_Result (*ask)(TEE_ObjectHandle object);
    TEE_Result answer;
    bool needs_all; /* of the access rights, so that there is one handle alone */
    bool closes;    /* the handle, whatever comes */
};

static const uint8_t key[16] = "0123456789abcdef";

/* --- The calls --------------------------------------------------------------------------- */

static TEE_Result ask_info(TEE_ObjectHandle object)
{
    TEE_ObjectInfo info;

    return TEE_GetObjectInfo1(object, &info);
}

static TEE_Result ask_old_info(TEE_ObjectHandle object)
{
    TEE_ObjectInfo info = {.objectType = 0};

    TEE_GetObjectInfo(object, &info);
    expect_equal(info.objectType, TEE_TYPE_CORRUPTED_OBJECT);
    expect_equal(info.handleFlags, 0);
    return TEE_SUCCESS;
}

static TEE_Result ask_restrict(TEE_ObjectHandle object)
{
    return TEE_RestrictObjectUsage1(object, TEE_USAGE_MAC);
}

static TEE_Result ask_old_restrict(TEE_ObjectHandle object)
{
    TEE_RestrictObjectUsage(object, TEE_USAGE_MAC);
    return TEE_SUCCESS;
}

static TEE_Result ask_buffer(TEE_ObjectHandle object)
{
    uint8_t got[sizeof(key)];
    size_t size = sizeof(got);

    return TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, got, &size);
}

static TEE_Result ask_value(TEE_ObjectHandle object)
{
    uint32_t a, b;

    return TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_CURVE, &a, &b);
}

static TEE_Result ask_copy(TEE_ObjectHandle object)
{
    return TEE_CopyObjectAttributes1(key_object(TEE_TYPE_AES, 128), object);
}

static TEE_Result ask_create(TEE_ObjectHandle object)
{
    TEE_ObjectHandle made;

    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "other", 5, READ, object, "", 0, &made);
}

static TEE_Result ask_rename(TEE_ObjectHandle object)
{
    return TEE_RenamePersistentObject(object, "other", 5);
}

static TEE_Result ask_delete(TEE_ObjectHandle object)
{
    return TEE_CloseAndDeletePersistentObject1(object);
}

static TEE_Result ask_read(TEE_ObjectHandle object)
{
    size_t count;
    char byte;

    return TEE_ReadObjectData(object, &byte, 1, &count);
}

static TEE_Result ask_write(TEE_ObjectHandle object)
{
    return TEE_WriteObjectData(object, "!", 1);
}

static TEE_Result ask_truncate(TEE_ObjectHandle object)
{
    return TEE_TruncateObjectData(object, 1);
}

static TEE_Result ask_seek(TEE_ObjectHandle object)
{
    return TEE_SeekObjectData(object, 0, TEE_DATA_SEEK_END);
}

static TEE_Result ask_set_key(TEE_ObjectHandle object)
{
    TEE_OperationHandle operation;

    expect_success(TEE_AllocateOperation(&operation, TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT, 128));
    return TEE_SetOperationKey(operation, object);
}

static TEE_Result set_keys(TEE_ObjectHandle first, TEE_ObjectHandle second)
{
    TEE_OperationHandle operation;

    expect_success(TEE_AllocateOperation(&operation, TEE_ALG_AES_XTS, TEE_MODE_ENCRYPT, 128));
    return TEE_SetOperationKey2(operation, first, second);
}

static TEE_Result ask_set_first_key(TEE_ObjectHandle object)
{
    return set_keys(object, key_secret(TEE_TYPE_AES, "a second, other!", 16));
}

static TEE_Result ask_set_second_key(TEE_ObjectHandle object)
{
    return set_keys(key_secret(TEE_TYPE_AES, "a second, other!", 16), object);
}

#define DAMAGED TEE_ERROR_CORRUPT_OBJECT

static const struct corruption corruptions[] = {
    {"5.5.1", GP_CALL_GET_OBJECT_INFO1, ask_info, DAMAGED, false, false},
    {"5.5.1", GP_CALL_GET_OBJECT_INFO, ask_old_info, TEE_SUCCESS, false, false},
    {"5.5.2", GP_CALL_RESTRICT_OBJECT_USAGE1, ask_restrict, DAMAGED, false, false},
    {"5.5.2", GP_CALL_RESTRICT_OBJECT_USAGE, ask_old_restrict, TEE_SUCCESS, false, false},
    {"5.5.3", GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE, ask_buffer, DAMAGED, false, false},
    {"5.5.4", GP_CALL_GET_OBJECT_VALUE_ATTRIBUTE, ask_value, DAMAGED, false, false},
    {"5.6.6", GP_CALL_COPY_OBJECT_ATTRIBUTES1, ask_copy, DAMAGED, false, false},
    {"5.7.2", GP_CALL_CREATE_PERSISTENT_OBJECT, ask_create, DAMAGED, false, false},
    {"5.7.4", GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1, ask_delete, TEE_SUCCESS, true, true},
    {"5.7.5", GP_CALL_RENAME_PERSISTENT_OBJECT, ask_rename, DAMAGED, true, false},
    {"5.9.1", GP_CALL_READ_OBJECT_DATA, ask_read, DAMAGED, false, false},
    {"5.9.2", GP_CALL_WRITE_OBJECT_DATA, ask_write, DAMAGED, false, false},
    {"5.9.3", GP_CALL_TRUNCATE_OBJECT_DATA, ask_truncate, DAMAGED, false, false},
    {"5.9.4", GP_CALL_SEEK_OBJECT_DATA, ask_seek, DAMAGED, false, false},
    {"6.2.6", GP_CALL_SET_OPERATION_KEY, ask_set_key, DAMAGED, false, false},
    {"6.2.7", GP_CALL_SET_OPERATION_KEY2, ask_set_first_key, DAMAGED, false, false},
    {"6.2.7", GP_CALL_SET_OPERATION_KEY2, ask_set_second_key, TEE_ERROR_CORRUPT_OBJECT_2, false,
     false},
};

/* --- Meeting damage ---------------------------------------------------------------------- */

/* Of the rule that runs. */
static const struct corruption *of;
static TEE_ObjectHandle handle;

static void make_key(void *argument)
{
    static const uint8_t data[SIZE];
    TEE_ObjectHandle object;

    (void)argument;
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ,
                                              key_secret(TEE_TYPE_AES, key, sizeof(key)), data,
                                              sizeof(data), &object));
    TEE_CloseObject(object);
}

/* By another handle, or by the one that there can be. */
static void meet(void *argument)
{
    const bool *keeps = argument;
    TEE_ObjectHandle other;

    handle = open_as("a", *keeps ? ALL_ACCESS : READ_WRITE);
    other = *keeps ? handle : open_as("a", READ_WRITE);
    expect_success(TEE_SeekObjectData(other, BEFORE, TEE_DATA_SEEK_SET));
    expect_result(ask_read(other), TEE_ERROR_CORRUPT_OBJECT);
    expect_none("a");
    make("a", "new");
}

static void ask(void *argument)
{
    const unsigned *times = argument;

    for (unsigned i = 0; i < *times; i++)
        expect_result(of->ask(handle), of->answer);
    expect_data("a", "new");
    expect_none("other");
}

static void close_it(void *argument)
{
    (void)argument;
    TEE_CloseObject(handle);
}

static void is_damaged(const struct rule *rule)
{
    bool keeps = rule->a != 0;
    unsigned times;

    of = rule->of;
    times = keeps && !of->closes ? 2 : 1;
    world_open(rule->profile);
    (void)run_in(world.instance, make_key, NULL);
    world_reopen();
    damage_data();
    if (keeps)
        world.instance->manifest.flags = TA_FLAG_DONT_CLOSE_HANDLE_ON_CORRUPT_OBJECT;
    (void)run_in(world.instance, meet, &keeps);
    (void)run_in(world.instance, ask, &times);
    if (!world.instance->panicked) {
        gp_run(world.instance, close_it, NULL);
        if (world.instance->panicked != (!keeps || of->closes))
            note("the handle is %s", world.instance->panicked ? "closed" : "open");
    }
    if (!world_close())
        note("not all came back");
}

static void add_row(const struct corruption *row, bool keeps)
{
    struct rule rule = {.function = gp_call_name(row->call),
                        .clause = row->clause,
                        .by_itself = is_damaged,
                        .of = row,
                        .a = keeps};
    char text[CASE_TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "of a damaged object%s: %s, and the handle %s",
                   row->ask == ask_set_second_key ? " as the second key" : "",
                   row->answer == TEE_SUCCESS ? "nothing happens" : "it is told",
                   keeps && !row->closes ? "stays where the TA wants it" : "is closed");
    rule.text = text;
    add(&rule);
}

void add_corruption(void)
{
    for (size_t i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
        if (!corruptions[i].needs_all)
            add_row(&corruptions[i], false);
        add_row(&corruptions[i], true);
    }
}
