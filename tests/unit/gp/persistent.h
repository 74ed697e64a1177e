/* SPDX-License-Identifier: BSD-2-Clause */
/* Persistent objects in tests: ids are texts, data the bytes of a letter. */
#ifndef TESTS_UNIT_GP_PERSISTENT_H
#define TESTS_UNIT_GP_PERSISTENT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "gp/enumerators.h"
#include "gp/persistent.h"
#include "support/fault_plan.h"
#include "tree/layout.h"
#include "unit/gp/fixture.h"

#define R  TEE_DATA_FLAG_ACCESS_READ
#define W  TEE_DATA_FLAG_ACCESS_WRITE
#define M  TEE_DATA_FLAG_ACCESS_WRITE_META
#define SR TEE_DATA_FLAG_SHARE_READ
#define SW TEE_DATA_FLAG_SHARE_WRITE

#define GARBAGE ((TEE_ObjectHandle)(uintptr_t)0x1234)

static inline TEE_Result create(const char *id, uint32_t flags, const void *data, size_t size,
                                TEE_ObjectHandle *out)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags, TEE_HANDLE_NULL,
                                      data, size, out);
}

/* Made, and closed again. */
static inline void make(const char *id, const char *data)
{
    assert_success(create(id, 0, data, strlen(data), NULL));
}

static inline TEE_Result open_object(const char *id, uint32_t flags, TEE_ObjectHandle *out)
{
    return TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, strlen(id), flags, out);
}

static inline TEE_ObjectHandle must_open(const char *id, uint32_t flags)
{
    TEE_ObjectHandle handle;

    assert_success(open_object(id, flags, &handle));
    return handle;
}

static inline TEE_ObjectInfo info_of(TEE_ObjectHandle handle)
{
    TEE_ObjectInfo info;

    assert_success(TEE_GetObjectInfo1(handle, &info));
    return info;
}

/* What the handle reads from where it stands. */
static inline void assert_reads(TEE_ObjectHandle handle, const char *data)
{
    char bytes[300];
    size_t count = 77;

    assert_success(TEE_ReadObjectData(handle, bytes, sizeof(bytes), &count));
    assert_int_equal(count, strlen(data));
    assert_memory_equal(bytes, data, count);
}

static inline void assert_holds(const char *id, const char *data)
{
    TEE_ObjectHandle handle = must_open(id, R);

    assert_reads(handle, data);
    TEE_CloseObject(handle);
}

/* Of the store of TEE_STORAGE_PRIVATE. */
static inline struct memory_device *device(void)
{
    return gp_fixture.stores[0].device;
}

/* Objects that nobody uses are read anew. */
static inline void forget_unused(void)
{
    while (cache_shrink(gp_fixture.stores[0].store->store.objects.core, UINT64_MAX, 1000) > 0)
        continue;
}

/* The object in the file of this number can't be opened any more. */
static inline void damage(const char *file)
{
    forget_unused();
    memory_device_flip(device(), file, 68, 0x10);
}

/* Only the block can't be read, of a file that was written once. */
static inline void damage_block(const char *file, uint32_t block)
{
    forget_unused();
    memory_device_flip(device(), file, layout_block_offset((struct block){block}, block & 1) + 7,
                       0x10);
}

static inline size_t quarantined(void)
{
    size_t count = 0;

    for (size_t i = 0; i < memory_device_file_count(device()); i++)
        count += strncmp(memory_device_file_name(device(), i), "quarantine/", 11) == 0;
    return count;
}

#endif
