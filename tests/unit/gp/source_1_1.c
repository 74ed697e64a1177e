/* SPDX-License-Identifier: BSD-2-Clause */
/* A source that wants version 1.1, as old TAs do: the usual names, lengths of 32 bits. */
#define TEE_CORE_API_REQUIRED_MAJOR_VERSION 1
#define TEE_CORE_API_REQUIRED_MINOR_VERSION 1

#include "tee_internal_api.h"

#include "source_1_1.h"

_Static_assert(sizeof(((TEE_Attribute *)0)->content.ref.length) == 4, "a length of 1.1");
_Static_assert(sizeof(((TEE_ObjectInfo *)0)->dataSize) == 4, "a size of 1.1");
_Static_assert(sizeof(((TEE_ObjectInfo *)0)->keySize) == 4, "a name of 1.0");
_Static_assert(sizeof(((TEE_Param *)0)->memref.size) == 4, "a parameter of 1.1");

uint32_t source_1_1_text_size(char *text, uint32_t size)
{
    if (TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION, "gpd.tee.apiversion", text,
                                &size) != TEE_SUCCESS)
        return 0;
    return size;
}

uint32_t source_1_1_read(const char *id, uint32_t id_size, void *bytes, uint32_t size)
{
    TEE_ObjectInfo info;
    TEE_ObjectHandle object;
    uint32_t count = 0;

    if (TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, id, id_size, TEE_DATA_FLAG_ACCESS_READ,
                                 &object) != TEE_SUCCESS)
        return 0;
    if (TEE_GetObjectInfo1(object, &info) != TEE_SUCCESS || info.dataSize != size ||
        TEE_ReadObjectData(object, bytes, size, &count) != TEE_SUCCESS)
        count = 0;
    TEE_CloseObject(object);
    return count;
}

void *source_1_1_allocate(uint32_t size)
{
    void *block = TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);

    if (TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE, block, size) != TEE_SUCCESS)
        return NULL;
    return TEE_Realloc(block, size * 2);
}
