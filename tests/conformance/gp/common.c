/* SPDX-License-Identifier: BSD-2-Clause */
/* What the bodies of cases have in common. */
#include <string.h>

#include "cases.h"
#include "tree/layout.h"

void make(const char *id, const char *data)
{
    TEE_CloseObject(create_as(id, READ, data));
}

TEE_Result try_open(const char *id, uint32_t flags, TEE_ObjectHandle *object)
{
    return TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags, object);
}

TEE_ObjectHandle open_as(const char *id, uint32_t flags)
{
    TEE_ObjectHandle object;

    expect_success(try_open(id, flags, &object));
    return object;
}

TEE_ObjectHandle create_as(const char *id, uint32_t flags, const char *data)
{
    TEE_ObjectHandle object;

    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags,
                                              TEE_HANDLE_NULL, data, strlen(data), &object));
    return object;
}

void expect_data(const char *id, const char *data)
{
    TEE_ObjectHandle object = open_as(id, READ | SHARE_R);
    size_t count = 0;
    char got[512];

    if (object == TEE_HANDLE_NULL)
        return;
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    if (count != strlen(data) || memcmp(got, data, count) != 0)
        note("\"%s\" has \"%.*s\" instead of \"%s\"", id, (int)count, got, data);
    TEE_CloseObject(object);
}

void expect_none(const char *id)
{
    TEE_ObjectHandle object;
    TEE_Result result = try_open(id, READ | SHARE_R, &object);

    expect_result(result, TEE_ERROR_ITEM_NOT_FOUND);
    if (result == TEE_SUCCESS)
        TEE_CloseObject(object);
}

TEE_ObjectInfo info_of(TEE_ObjectHandle object)
{
    TEE_ObjectInfo info = {.objectType = 0};

    expect_success(TEE_GetObjectInfo1(object, &info));
    return info;
}

#define IN_THE_HEAD 68 /* an offset in OP-TEE's files */

static void damage_at(uint64_t offset)
{
    struct memory_device *device = world.devices[0];

    for (size_t i = 0; i < memory_device_file_count(device); i++) {
        const char *name = memory_device_file_name(device, i);

        if (strcmp(name, "dirf.db") != 0)
            memory_device_flip(device, name, offset, 1);
    }
}

void damage_objects(void)
{
    damage_at(IN_THE_HEAD);
}

/* Of files that were written once. */
void damage_data(void)
{
    damage_at(layout_block_offset((struct block){3}, 1) + 7);
}
