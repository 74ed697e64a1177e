/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of calls: what each may return; anything else is a panic. */
#include "gp/gp.h"

#include "base/text.h"

/* The codes that any call may return, as bits. */
enum {
    NOT_FOUND = 1 << 0,
    CONFLICT = 1 << 1,
    NO_MEMORY = 1 << 2,
    CORRUPT = 1 << 3,
    UNAVAILABLE = 1 << 4,
    NO_SPACE = 1 << 5,
    OVERFLOWS = 1 << 6,
    SHORT = 1 << 7,
    NOT_SUPPORTED = 1 << 8,
    BAD_ARGUMENT = 1 << 9,
    BAD_FORMAT = 1 << 10,
    DENIED = 1 << 11,
    MAC_INVALID = 1 << 12,
    CORRUPT_2 = 1 << 13,
    UNAVAILABLE_2 = 1 << 14,
    SECURITY = 1 << 15,

    STORAGE = CORRUPT | UNAVAILABLE,
};

/* By bit. */
static const TEE_Result codes[] = {
    TEE_ERROR_ITEM_NOT_FOUND,
    TEE_ERROR_ACCESS_CONFLICT,
    TEE_ERROR_OUT_OF_MEMORY,
    TEE_ERROR_CORRUPT_OBJECT,
    TEE_ERROR_STORAGE_NOT_AVAILABLE,
    TEE_ERROR_STORAGE_NO_SPACE,
    TEE_ERROR_OVERFLOW,
    TEE_ERROR_SHORT_BUFFER,
    TEE_ERROR_NOT_SUPPORTED,
    TEE_ERROR_BAD_PARAMETERS,
    TEE_ERROR_BAD_FORMAT,
    TEE_ERROR_ACCESS_DENIED,
    TEE_ERROR_MAC_INVALID,
    TEE_ERROR_CORRUPT_OBJECT_2,
    TEE_ERROR_STORAGE_NOT_AVAILABLE_2,
    TEE_ERROR_SECURITY,
};

struct call {
    const char *name;
    uint16_t panic_id;
    uint16_t returns[GP_PROFILES];
};

/* clang-format off */
#define IN_BOTH(codes) {(codes), (codes)}

/* The ids are those of the standard's table of panicked functions. Where the profiles differ, OP-TEE
 * panics on what the standard has the call return. */
static const struct call calls[GP_CALLS] = {
    [GP_CALL_GET_PROPERTY_AS_STRING] = {"TEE_GetPropertyAsString", 0x207,
        IN_BOTH(NOT_FOUND | SHORT)},
    [GP_CALL_GET_PROPERTY_AS_BOOL] = {"TEE_GetPropertyAsBool", 0x205,
        IN_BOTH(NOT_FOUND | BAD_FORMAT)},
    [GP_CALL_GET_PROPERTY_AS_U32] = {"TEE_GetPropertyAsU32", 0x208,
        IN_BOTH(NOT_FOUND | BAD_FORMAT)},
    [GP_CALL_GET_PROPERTY_AS_U64] = {"TEE_GetPropertyAsU64", 0x20D,
        IN_BOTH(NOT_FOUND | BAD_FORMAT)},
    [GP_CALL_GET_PROPERTY_AS_BINARY_BLOCK] = {"TEE_GetPropertyAsBinaryBlock", 0x204,
        IN_BOTH(NOT_FOUND | BAD_FORMAT | SHORT)},
    [GP_CALL_GET_PROPERTY_AS_UUID] = {"TEE_GetPropertyAsUUID", 0x209,
        IN_BOTH(NOT_FOUND | BAD_FORMAT)},
    [GP_CALL_GET_PROPERTY_AS_IDENTITY] = {"TEE_GetPropertyAsIdentity", 0x206,
        IN_BOTH(NOT_FOUND | BAD_FORMAT)},
    [GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR] = {"TEE_AllocatePropertyEnumerator", 0x201,
        IN_BOTH(NO_MEMORY)},
    [GP_CALL_FREE_PROPERTY_ENUMERATOR] = {"TEE_FreePropertyEnumerator", 0x202, IN_BOTH(0)},
    [GP_CALL_START_PROPERTY_ENUMERATOR] = {"TEE_StartPropertyEnumerator", 0x20C, IN_BOTH(0)},
    [GP_CALL_RESET_PROPERTY_ENUMERATOR] = {"TEE_ResetPropertyEnumerator", 0x20B, IN_BOTH(0)},
    [GP_CALL_GET_PROPERTY_NAME] = {"TEE_GetPropertyName", 0x20A, IN_BOTH(NOT_FOUND | SHORT)},
    [GP_CALL_GET_NEXT_PROPERTY] = {"TEE_GetNextProperty", 0x203, IN_BOTH(NOT_FOUND)},

    [GP_CALL_PANIC] = {"TEE_Panic", 0x301, IN_BOTH(0)},

    [GP_CALL_CHECK_MEMORY_ACCESS_RIGHTS] = {"TEE_CheckMemoryAccessRights", 0x601,
        IN_BOTH(DENIED)},
    [GP_CALL_SET_INSTANCE_DATA] = {"TEE_SetInstanceData", 0x609, IN_BOTH(0)},
    [GP_CALL_GET_INSTANCE_DATA] = {"TEE_GetInstanceData", 0x603, IN_BOTH(0)},
    [GP_CALL_MALLOC] = {"TEE_Malloc", 0x604, IN_BOTH(0)},
    [GP_CALL_REALLOC] = {"TEE_Realloc", 0x608, IN_BOTH(0)},
    [GP_CALL_FREE] = {"TEE_Free", 0x602, IN_BOTH(0)},
    [GP_CALL_MEM_MOVE] = {"TEE_MemMove", 0x607, IN_BOTH(0)},
    [GP_CALL_MEM_COMPARE] = {"TEE_MemCompare", 0x605, IN_BOTH(0)},
    [GP_CALL_MEM_FILL] = {"TEE_MemFill", 0x606, IN_BOTH(0)},

    [GP_CALL_GET_OBJECT_INFO] = {"TEE_GetObjectInfo", 0x703, IN_BOTH(0)},
    [GP_CALL_GET_OBJECT_INFO1] = {"TEE_GetObjectInfo1", 0x706, IN_BOTH(STORAGE)},
    [GP_CALL_RESTRICT_OBJECT_USAGE] = {"TEE_RestrictObjectUsage", 0x705, IN_BOTH(0)},
    [GP_CALL_RESTRICT_OBJECT_USAGE1] = {"TEE_RestrictObjectUsage1", 0x707, IN_BOTH(STORAGE)},
    [GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE] = {"TEE_GetObjectBufferAttribute", 0x702,
        IN_BOTH(NOT_FOUND | SHORT | STORAGE)},
    [GP_CALL_GET_OBJECT_VALUE_ATTRIBUTE] = {"TEE_GetObjectValueAttribute", 0x704,
        IN_BOTH(NOT_FOUND | STORAGE)},
    [GP_CALL_CLOSE_OBJECT] = {"TEE_CloseObject", 0x701, IN_BOTH(0)},

    [GP_CALL_ALLOCATE_TRANSIENT_OBJECT] = {"TEE_AllocateTransientObject", 0x801,
        IN_BOTH(NO_MEMORY | NOT_SUPPORTED)},
    [GP_CALL_FREE_TRANSIENT_OBJECT] = {"TEE_FreeTransientObject", 0x803, IN_BOTH(0)},
    [GP_CALL_RESET_TRANSIENT_OBJECT] = {"TEE_ResetTransientObject", 0x808, IN_BOTH(0)},
    [GP_CALL_POPULATE_TRANSIENT_OBJECT] = {"TEE_PopulateTransientObject", 0x807,
        IN_BOTH(BAD_ARGUMENT)},
    [GP_CALL_INIT_REF_ATTRIBUTE] = {"TEE_InitRefAttribute", 0x805, IN_BOTH(0)},
    [GP_CALL_INIT_VALUE_ATTRIBUTE] = {"TEE_InitValueAttribute", 0x806, IN_BOTH(0)},
    [GP_CALL_COPY_OBJECT_ATTRIBUTES] = {"TEE_CopyObjectAttributes", 0x802, IN_BOTH(0)},
    [GP_CALL_COPY_OBJECT_ATTRIBUTES1] = {"TEE_CopyObjectAttributes1", 0x809, IN_BOTH(STORAGE)},
    [GP_CALL_GENERATE_KEY] = {"TEE_GenerateKey", 0x804, IN_BOTH(BAD_ARGUMENT)},

    [GP_CALL_OPEN_PERSISTENT_OBJECT] = {"TEE_OpenPersistentObject", 0x903,
        IN_BOTH(NOT_FOUND | CONFLICT | NO_MEMORY | STORAGE)},
    [GP_CALL_CREATE_PERSISTENT_OBJECT] = {"TEE_CreatePersistentObject", 0x902,
        IN_BOTH(NOT_FOUND | CONFLICT | NO_MEMORY | NO_SPACE | STORAGE)},
    [GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT] = {"TEE_CloseAndDeletePersistentObject", 0x901,
        IN_BOTH(0)},
    [GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1] = {"TEE_CloseAndDeletePersistentObject1", 0x905,
        IN_BOTH(UNAVAILABLE)},
    [GP_CALL_RENAME_PERSISTENT_OBJECT] = {"TEE_RenamePersistentObject", 0x904,
        IN_BOTH(CONFLICT | STORAGE)},

    [GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR] = {"TEE_AllocatePersistentObjectEnumerator",
        0xA01, {NO_MEMORY, CONFLICT}},
    [GP_CALL_FREE_PERSISTENT_OBJECT_ENUMERATOR] = {"TEE_FreePersistentObjectEnumerator", 0xA02,
        IN_BOTH(0)},
    [GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR] = {"TEE_ResetPersistentObjectEnumerator", 0xA04,
        IN_BOTH(0)},
    [GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR] = {"TEE_StartPersistentObjectEnumerator", 0xA05,
        IN_BOTH(NOT_FOUND | STORAGE)},
    [GP_CALL_GET_NEXT_PERSISTENT_OBJECT] = {"TEE_GetNextPersistentObject", 0xA03,
        IN_BOTH(NOT_FOUND | STORAGE)},

    [GP_CALL_READ_OBJECT_DATA] = {"TEE_ReadObjectData", 0xB01, IN_BOTH(STORAGE)},
    [GP_CALL_WRITE_OBJECT_DATA] = {"TEE_WriteObjectData", 0xB04,
        IN_BOTH(NO_SPACE | OVERFLOWS | STORAGE)},
    [GP_CALL_TRUNCATE_OBJECT_DATA] = {"TEE_TruncateObjectData", 0xB03,
        IN_BOTH(NO_SPACE | STORAGE)},
    [GP_CALL_SEEK_OBJECT_DATA] = {"TEE_SeekObjectData", 0xB02, IN_BOTH(OVERFLOWS | STORAGE)},
    [GP_CALL_SYNC_PERSISTENT_OBJECT] = {"TEE_SyncPersistentObject", 0, IN_BOTH(STORAGE)},

    [GP_CALL_ALLOCATE_OPERATION] = {"TEE_AllocateOperation", 0xC01,
        IN_BOTH(NO_MEMORY | NOT_SUPPORTED)},
    [GP_CALL_FREE_OPERATION] = {"TEE_FreeOperation", 0xC03, IN_BOTH(0)},
    [GP_CALL_GET_OPERATION_INFO] = {"TEE_GetOperationInfo", 0xC04, IN_BOTH(0)},
    [GP_CALL_GET_OPERATION_INFO_MULTIPLE] = {"TEE_GetOperationInfoMultiple", 0xC08,
        IN_BOTH(SHORT)},
    [GP_CALL_RESET_OPERATION] = {"TEE_ResetOperation", 0xC05, IN_BOTH(0)},
    [GP_CALL_SET_OPERATION_KEY] = {"TEE_SetOperationKey", 0xC06, IN_BOTH(STORAGE)},
    [GP_CALL_SET_OPERATION_KEY2] = {"TEE_SetOperationKey2", 0xC07,
        {STORAGE | CORRUPT_2 | UNAVAILABLE_2 | SECURITY, STORAGE | CORRUPT_2 | UNAVAILABLE_2}},
    [GP_CALL_COPY_OPERATION] = {"TEE_CopyOperation", 0xC02, IN_BOTH(0)},
    [GP_CALL_IS_ALGORITHM_SUPPORTED] = {"TEE_IsAlgorithmSupported", 0xC09,
        IN_BOTH(NOT_SUPPORTED)},

    [GP_CALL_DIGEST_UPDATE] = {"TEE_DigestUpdate", 0xD02, IN_BOTH(0)},
    [GP_CALL_DIGEST_DO_FINAL] = {"TEE_DigestDoFinal", 0xD01, IN_BOTH(SHORT)},
    [GP_CALL_DIGEST_EXTRACT] = {"TEE_DigestExtract", 0xD03, IN_BOTH(SHORT)},
    [GP_CALL_CIPHER_INIT] = {"TEE_CipherInit", 0xE02, IN_BOTH(0)},
    [GP_CALL_CIPHER_UPDATE] = {"TEE_CipherUpdate", 0xE03, IN_BOTH(SHORT)},
    [GP_CALL_CIPHER_DO_FINAL] = {"TEE_CipherDoFinal", 0xE01, IN_BOTH(SHORT)},
    [GP_CALL_MAC_INIT] = {"TEE_MACInit", 0xF03, IN_BOTH(0)},
    [GP_CALL_MAC_UPDATE] = {"TEE_MACUpdate", 0xF04, IN_BOTH(0)},
    [GP_CALL_MAC_COMPUTE_FINAL] = {"TEE_MACComputeFinal", 0xF02, IN_BOTH(SHORT)},
    [GP_CALL_MAC_COMPARE_FINAL] = {"TEE_MACCompareFinal", 0xF01, IN_BOTH(MAC_INVALID)},
    [GP_CALL_AE_INIT] = {"TEE_AEInit", 0x1003, IN_BOTH(NOT_SUPPORTED)},
    [GP_CALL_AE_UPDATE_AAD] = {"TEE_AEUpdateAAD", 0x1005, IN_BOTH(0)},
    [GP_CALL_AE_UPDATE] = {"TEE_AEUpdate", 0x1004, IN_BOTH(SHORT)},
    [GP_CALL_AE_ENCRYPT_FINAL] = {"TEE_AEEncryptFinal", 0x1002, IN_BOTH(SHORT)},
    [GP_CALL_AE_DECRYPT_FINAL] = {"TEE_AEDecryptFinal", 0x1001, IN_BOTH(SHORT | MAC_INVALID)},
    [GP_CALL_GENERATE_RANDOM] = {"TEE_GenerateRandom", 0x1301, IN_BOTH(0)},
    [GP_CALL_NONE] = {"its own code", 0, IN_BOTH(0)},
};
/* clang-format on */

const char *gp_call_name(enum gp_call call)
{
    return calls[call].name;
}

uint32_t gp_call_panic_id(enum gp_call call)
{
    return calls[call].panic_id;
}

bool gp_call_may_return(enum gp_profile profile, enum gp_call call, TEE_Result result)
{
    if (result == TEE_SUCCESS)
        return true;
    for (unsigned bit = 0; bit < sizeof(codes) / sizeof(codes[0]); bit++) {
        if (codes[bit] == result)
            return (calls[call].returns[profile] >> bit & 1u) != 0;
    }
    return false;
}

TEE_Result gp_end(struct gp_instance *instance, enum gp_call call, TEE_Result result)
{
    if (!gp_call_may_return(instance->tee->profile, call, result))
        gp_panic(instance, call, result);
    return result;
}

void gp_end_void(struct gp_instance *instance, enum gp_call call, TEE_Result result)
{
    (void)gp_end(instance, call, result);
}

_Noreturn void gp_panic(struct gp_instance *instance, enum gp_call call, TEE_Result code)
{
    gp_note_panic(instance, call, code);
    gp_leave(instance);
}

void gp_note_panic(struct gp_instance *instance, enum gp_call call, TEE_Result code)
{
    const struct coffer_port *port = instance->tee->port;

    instance->panicked = true;
    instance->panic_call = call;
    instance->panic_code = code;
    if (port->log != NULL) {
        struct text line = {.size = 0};

        text_add(&line, instance->name);
        text_add(&line, " panicked in ");
        text_add(&line, gp_call_name(call));
        text_add(&line, " (0x");
        text_add_number(&line, gp_call_panic_id(call), 16);
        text_add(&line, ") with 0x");
        text_add_number(&line, code, 16);
        port->log(port->context, PORT_LOG_WARNING, line.bytes);
    }
}

void TEE_Panic(TEE_Result panicCode)
{
    gp_panic(gp_current(), GP_CALL_PANIC, panicCode);
}
