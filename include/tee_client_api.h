/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GlobalPlatform TEE Client API 1.0, for clients in the process of the TAs.
 *
 * Contexts, sessions, shared memory and operations are structs of the caller's; their `imp` is the
 * library's. Contexts, sessions and shared memory may be used by several threads at once, an
 * operation by the one that issued it and by one that cancels it. Sizes are bytes. In an answer of
 * the TEE or the TA the code may be any of GlobalPlatform's; *returnOrigin (may be NULL) tells
 * whose it is.
 *
 * Which TEE: <coffer/linux_tee.h>.
 */
#ifndef TEE_CLIENT_API_H
#define TEE_CLIENT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t TEEC_Result;

/* --- Constants --------------------------------------------------------------------------- */

#define TEEC_CONFIG_PAYLOAD_REF_COUNT  4
#define TEEC_CONFIG_SHAREDMEM_MAX_SIZE 0x8000000 /* one shared memory; 128 MiB */

#define TEEC_SUCCESS                     0x00000000
#define TEEC_ERROR_STORAGE_NOT_AVAILABLE 0xF0100003
#define TEEC_ERROR_GENERIC               0xFFFF0000
#define TEEC_ERROR_ACCESS_DENIED         0xFFFF0001
#define TEEC_ERROR_CANCEL                0xFFFF0002
#define TEEC_ERROR_ACCESS_CONFLICT       0xFFFF0003
#define TEEC_ERROR_EXCESS_DATA           0xFFFF0004
#define TEEC_ERROR_BAD_FORMAT            0xFFFF0005
#define TEEC_ERROR_BAD_PARAMETERS        0xFFFF0006
#define TEEC_ERROR_BAD_STATE             0xFFFF0007
#define TEEC_ERROR_ITEM_NOT_FOUND        0xFFFF0008
#define TEEC_ERROR_NOT_IMPLEMENTED       0xFFFF0009
#define TEEC_ERROR_NOT_SUPPORTED         0xFFFF000A
#define TEEC_ERROR_NO_DATA               0xFFFF000B
#define TEEC_ERROR_OUT_OF_MEMORY         0xFFFF000C
#define TEEC_ERROR_BUSY                  0xFFFF000D
#define TEEC_ERROR_COMMUNICATION         0xFFFF000E
#define TEEC_ERROR_SECURITY              0xFFFF000F
#define TEEC_ERROR_SHORT_BUFFER          0xFFFF0010
#define TEEC_ERROR_EXTERNAL_CANCEL       0xFFFF0011
#define TEEC_ERROR_TARGET_DEAD           0xFFFF3024
#define TEEC_ERROR_STORAGE_NO_SPACE      0xFFFF3041

/* Whose answer it is. */
#define TEEC_ORIGIN_API         0x00000001 /* this library's */
#define TEEC_ORIGIN_COMMS       0x00000002
#define TEEC_ORIGIN_TEE         0x00000003
#define TEEC_ORIGIN_TRUSTED_APP 0x00000004

/* What the TA may do with shared memory. */
#define TEEC_MEM_INPUT  0x00000001 /* read it */
#define TEEC_MEM_OUTPUT 0x00000002 /* write it */

/* Parameters. */
#define TEEC_NONE                  0x00000000
#define TEEC_VALUE_INPUT           0x00000001
#define TEEC_VALUE_OUTPUT          0x00000002
#define TEEC_VALUE_INOUT           0x00000003
#define TEEC_MEMREF_TEMP_INPUT     0x00000005
#define TEEC_MEMREF_TEMP_OUTPUT    0x00000006
#define TEEC_MEMREF_TEMP_INOUT     0x00000007
#define TEEC_MEMREF_WHOLE          0x0000000C /* as its flags say */
#define TEEC_MEMREF_PARTIAL_INPUT  0x0000000D
#define TEEC_MEMREF_PARTIAL_OUTPUT 0x0000000E
#define TEEC_MEMREF_PARTIAL_INOUT  0x0000000F

#define TEEC_PARAM_TYPES(first, second, third, fourth)                                             \
    ((uint32_t)(first) | (uint32_t)(second) << 4 | (uint32_t)(third) << 8 |                        \
     (uint32_t)(fourth) << 12)
#define TEEC_PARAM_TYPE_GET(types, index) (((uint32_t)(types) >> ((index)*4)) & 0xF)

/* Who the client says it is. Only PUBLIC is there; TEEC_OpenSession answers others with
 * TEEC_ERROR_NOT_SUPPORTED. */
#define TEEC_LOGIN_PUBLIC            0x00000000 /* nobody in particular */
#define TEEC_LOGIN_USER              0x00000001
#define TEEC_LOGIN_GROUP             0x00000002
#define TEEC_LOGIN_APPLICATION       0x00000004
#define TEEC_LOGIN_USER_APPLICATION  0x00000005
#define TEEC_LOGIN_GROUP_APPLICATION 0x00000006

/* --- Types ------------------------------------------------------------------------------- */

typedef struct {
    uint32_t timeLow;
    uint16_t timeMid;
    uint16_t timeHiAndVersion;
    uint8_t clockSeqAndNode[8];
} TEEC_UUID;

struct coffer_tee;
struct gp_session;
struct gp_request;

typedef struct {
    struct {
        struct coffer_tee *tee;
    } imp;
} TEEC_Context;

typedef struct {
    struct {
        struct gp_session *session;
    } imp;
} TEEC_Session;

typedef struct {
    void *buffer;
    size_t size;
    uint32_t flags; /* TEEC_MEM_, one or both */
    struct {
        bool allocated;
    } imp;
} TEEC_SharedMemory;

/* Memory for one call. NULL is allowed: the TA gets NULL. */
typedef struct {
    void *buffer;
    size_t size; /* in and, of outputs, out: how much there is, or with SHORT_BUFFER would be */
} TEEC_TempMemoryReference;

typedef struct {
    TEEC_SharedMemory *parent;
    size_t size;   /* WHOLE: out only */
    size_t offset; /* WHOLE: not looked at */
} TEEC_RegisteredMemoryReference;

typedef struct {
    uint32_t a;
    uint32_t b;
} TEEC_Value;

typedef union {
    TEEC_TempMemoryReference tmpref;
    TEEC_RegisteredMemoryReference memref;
    TEEC_Value value;
} TEEC_Parameter;

typedef struct {
    uint32_t started;    /* 0 when it is given to a call that another thread may cancel */
    uint32_t paramTypes; /* TEEC_PARAM_TYPES */
    TEEC_Parameter params[TEEC_CONFIG_PAYLOAD_REF_COUNT];
    struct {
        struct coffer_tee *tee;
        struct gp_request *request;
    } imp;
} TEEC_Operation;

/* --- Calls ------------------------------------------------------------------------------- */

/* `name` NULL: the default TEE; "coffer" is the same. BAD_PARAMETERS; ITEM_NOT_FOUND: another name,
 * or the environment names no store or no key, or the key's file can't be read. A file that holds
 * no key is BAD_PARAMETERS, too; then comes what opening the store says, which is made if it isn't
 * there. Where it is the environment's fault, a line on stderr says why. */
TEEC_Result TEEC_InitializeContext(const char *name, TEEC_Context *context);

/* All sessions are closed, all shared memory released by then. Sessions that aren't are closed with
 * the TEE, which says so on stderr (coffer_tee_close): that of the environment with its last
 * context. After that a TEEC_Session must not be used, not even to be closed. NULL is nothing. */
void TEEC_FinalizeContext(TEEC_Context *context);

/* Memory of the caller's (buffer, size and flags are set). BAD_PARAMETERS: no buffer, no such
 * flags. OUT_OF_MEMORY: too large. */
TEEC_Result TEEC_RegisterSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem);

/* Memory of the library's, zeroed (size and flags are set); a size of 0 is fine. */
TEEC_Result TEEC_AllocateSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem);

/* No operation may be using it. NULL is nothing. */
void TEEC_ReleaseSharedMemory(TEEC_SharedMemory *sharedMem);

/* A session with the TA `destination`, which starts if need be. `operation` (NULL: no parameters)
 * goes to its open-session entry point. `connectionData` is NULL with PUBLIC.
 * API: BAD_PARAMETERS (NULL, a parameter that is none, a part beyond its memory or its flags),
 * NOT_SUPPORTED (another login). TEE: ITEM_NOT_FOUND (no such TA), BUSY (one session is all it
 * takes), BAD_FORMAT (its file is no TA), OUT_OF_MEMORY, CANCEL, TARGET_DEAD (it panicked
 * as it began, or at this session). */
TEEC_Result TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
                             const TEEC_UUID *destination, uint32_t connectionMethod,
                             const void *connectionData, TEEC_Operation *operation,
                             uint32_t *returnOrigin);

/* No call on it may be under way. NULL is nothing. */
void TEEC_CloseSession(TEEC_Session *session);

/* A command. Calls on one instance wait for one another. As TEEC_OpenSession. */
TEEC_Result TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID, TEEC_Operation *operation,
                               uint32_t *returnOrigin);

/* Cancel an operation that another thread issued: if it waits it ends with CANCEL; a TA at work
 * learns of it if it asks. Nothing happens to one that isn't under way. */
void TEEC_RequestCancellation(TEEC_Operation *operation);

#ifdef __cplusplus
}
#endif

#endif
