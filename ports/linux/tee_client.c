/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TEE Client API, for clients in the process of the TAs. A parameter that is memory is handed
 * over as it is: the TA reads and writes the client's own.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gp/sessions.h"
#include "tee.h"
#include "tee_client_api.h"

/* Of the link between an operation and its request. */
static pthread_mutex_t requests_lock = PTHREAD_MUTEX_INITIALIZER;

TEEC_Result TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
    struct coffer_tee *tee;
    TEE_Result result;

    if (context == NULL)
        return TEEC_ERROR_BAD_PARAMETERS;
    if (name != NULL && strcmp(name, "coffer") != 0)
        return TEEC_ERROR_ITEM_NOT_FOUND;
    result = tee_take(&tee);
    if (result != TEE_SUCCESS)
        return result;
    context->imp.tee = tee;
    return TEEC_SUCCESS;
}

void TEEC_FinalizeContext(TEEC_Context *context)
{
    if (context == NULL || context->imp.tee == NULL)
        return;
    tee_give();
    context->imp.tee = NULL;
}

/* --- Shared memory ----------------------------------------------------------------------- */

static bool flags_are_valid(uint32_t flags)
{
    return flags != 0 && (flags & ~(uint32_t)(TEEC_MEM_INPUT | TEEC_MEM_OUTPUT)) == 0;
}

TEEC_Result TEEC_RegisterSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
    if (context == NULL || sharedMem == NULL || sharedMem->buffer == NULL ||
        !flags_are_valid(sharedMem->flags))
        return TEEC_ERROR_BAD_PARAMETERS;
    if (sharedMem->size > TEEC_CONFIG_SHAREDMEM_MAX_SIZE)
        return TEEC_ERROR_OUT_OF_MEMORY;
    sharedMem->imp.allocated = false;
    return TEEC_SUCCESS;
}

TEEC_Result TEEC_AllocateSharedMemory(TEEC_Context *context, TEEC_SharedMemory *sharedMem)
{
    if (context == NULL || sharedMem == NULL || !flags_are_valid(sharedMem->flags))
        return TEEC_ERROR_BAD_PARAMETERS;
    sharedMem->buffer = NULL;
    if (sharedMem->size <= TEEC_CONFIG_SHAREDMEM_MAX_SIZE)
        sharedMem->buffer = calloc(1, sharedMem->size == 0 ? 1 : sharedMem->size);
    if (sharedMem->buffer == NULL)
        return TEEC_ERROR_OUT_OF_MEMORY;
    sharedMem->imp.allocated = true;
    return TEEC_SUCCESS;
}

void TEEC_ReleaseSharedMemory(TEEC_SharedMemory *sharedMem)
{
    if (sharedMem == NULL)
        return;
    if (sharedMem->imp.allocated)
        free(sharedMem->buffer);
    sharedMem->imp.allocated = false;
    sharedMem->buffer = NULL;
    sharedMem->size = 0;
}

/* --- Parameters -------------------------------------------------------------------------- */

/* What a reference to the whole of a shared memory is to the TA: GP's numbers are in and out. */
static uint32_t type_of_whole(const TEEC_SharedMemory *parent)
{
    switch (parent->flags) {
    case TEEC_MEM_INPUT:
        return TEE_PARAM_TYPE_MEMREF_INPUT;
    case TEEC_MEM_OUTPUT:
        return TEE_PARAM_TYPE_MEMREF_OUTPUT;
    default:
        return TEE_PARAM_TYPE_MEMREF_INOUT;
    }
}

static TEEC_Result part_of(const TEEC_RegisteredMemoryReference *reference, uint32_t needed,
                           TEE_Param *out)
{
    const TEEC_SharedMemory *parent = reference->parent;

    if (parent == NULL || (parent->flags & needed) != needed || reference->offset > parent->size ||
        reference->size > parent->size - reference->offset)
        return TEEC_ERROR_BAD_PARAMETERS;
    out->memref.buffer = (uint8_t *)parent->buffer + reference->offset;
    out->memref.size = reference->size;
    return TEEC_SUCCESS;
}

static TEEC_Result parameter_in(uint32_t type, const TEEC_Parameter *in, uint32_t *out_type,
                                TEE_Param *out)
{
    *out_type = type; /* of values and temporary memory the numbers are the same */
    switch (type) {
    case TEEC_NONE:
    case TEEC_VALUE_OUTPUT:
        return TEEC_SUCCESS;
    case TEEC_VALUE_INPUT:
    case TEEC_VALUE_INOUT:
        out->value.a = in->value.a;
        out->value.b = in->value.b;
        return TEEC_SUCCESS;
    case TEEC_MEMREF_TEMP_INPUT:
    case TEEC_MEMREF_TEMP_OUTPUT:
    case TEEC_MEMREF_TEMP_INOUT:
        out->memref.buffer = in->tmpref.buffer;
        out->memref.size = in->tmpref.size;
        return TEEC_SUCCESS;
    case TEEC_MEMREF_WHOLE:
        if (in->memref.parent == NULL)
            return TEEC_ERROR_BAD_PARAMETERS;
        *out_type = type_of_whole(in->memref.parent);
        out->memref.buffer = in->memref.parent->buffer;
        out->memref.size = in->memref.parent->size;
        return TEEC_SUCCESS;
    case TEEC_MEMREF_PARTIAL_INPUT:
        *out_type = TEE_PARAM_TYPE_MEMREF_INPUT;
        return part_of(&in->memref, TEEC_MEM_INPUT, out);
    case TEEC_MEMREF_PARTIAL_OUTPUT:
        *out_type = TEE_PARAM_TYPE_MEMREF_OUTPUT;
        return part_of(&in->memref, TEEC_MEM_OUTPUT, out);
    case TEEC_MEMREF_PARTIAL_INOUT:
        *out_type = TEE_PARAM_TYPE_MEMREF_INOUT;
        return part_of(&in->memref, TEEC_MEM_INPUT | TEEC_MEM_OUTPUT, out);
    default:
        return TEEC_ERROR_BAD_PARAMETERS;
    }
}

static TEEC_Result parameters_in(const TEEC_Operation *operation, struct gp_request *out)
{
    uint32_t types[TEEC_CONFIG_PAYLOAD_REF_COUNT] = {0};

    *out = (struct gp_request){.types = 0};
    if (operation == NULL)
        return TEEC_SUCCESS;
    for (unsigned i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++) {
        TEEC_Result result = parameter_in(TEEC_PARAM_TYPE_GET(operation->paramTypes, i),
                                          &operation->params[i], &types[i], &out->parameters[i]);

        if (result != TEEC_SUCCESS)
            return result;
    }
    out->types = TEE_PARAM_TYPES(types[0], types[1], types[2], types[3]);
    return TEEC_SUCCESS;
}

/* What the TA tells, if it came to that: values, and how many bytes there are, or would be. */
static void parameters_out(const struct gp_request *request, TEEC_Operation *operation)
{
    if (operation == NULL || request->origin != TEE_ORIGIN_TRUSTED_APP)
        return;
    for (unsigned i = 0; i < TEEC_CONFIG_PAYLOAD_REF_COUNT; i++) {
        const TEE_Param *told = &request->parameters[i];
        TEEC_Parameter *out = &operation->params[i];

        switch (TEEC_PARAM_TYPE_GET(operation->paramTypes, i)) {
        case TEEC_VALUE_OUTPUT:
        case TEEC_VALUE_INOUT:
            out->value.a = told->value.a;
            out->value.b = told->value.b;
            break;
        case TEEC_MEMREF_TEMP_OUTPUT:
        case TEEC_MEMREF_TEMP_INOUT:
            out->tmpref.size = told->memref.size;
            break;
        case TEEC_MEMREF_WHOLE:
            if (out->memref.parent->flags != TEEC_MEM_INPUT)
                out->memref.size = told->memref.size;
            break;
        case TEEC_MEMREF_PARTIAL_OUTPUT:
        case TEEC_MEMREF_PARTIAL_INOUT:
            out->memref.size = told->memref.size;
            break;
        default:
            break;
        }
    }
}

/* --- Requests ---------------------------------------------------------------------------- */

/* From here on it can be cancelled. */
static void begin(TEEC_Operation *operation, struct coffer_tee *tee, struct gp_request *request)
{
    if (operation == NULL)
        return;
    (void)pthread_mutex_lock(&requests_lock);
    operation->started = 1;
    operation->imp.tee = tee;
    operation->imp.request = request;
    (void)pthread_mutex_unlock(&requests_lock);
}

static void end(TEEC_Operation *operation)
{
    if (operation == NULL)
        return;
    (void)pthread_mutex_lock(&requests_lock);
    operation->imp.request = NULL;
    (void)pthread_mutex_unlock(&requests_lock);
}

void TEEC_RequestCancellation(TEEC_Operation *operation)
{
    if (operation == NULL)
        return;
    (void)pthread_mutex_lock(&requests_lock);
    if (operation->started != 0 && operation->imp.request != NULL)
        gp_request_cancel(operation->imp.tee, operation->imp.request);
    (void)pthread_mutex_unlock(&requests_lock);
}

static TEEC_Result answer(TEEC_Result result, uint32_t origin, uint32_t *out)
{
    if (out != NULL)
        *out = origin;
    return result;
}

/* Who the client is; of the ways to log in there is the one that says nothing. */
static TEEC_Result client_of(uint32_t method, const void *data, TEE_Identity *out)
{
    if (method != TEEC_LOGIN_PUBLIC)
        return TEEC_ERROR_NOT_SUPPORTED;
    if (data != NULL)
        return TEEC_ERROR_BAD_PARAMETERS;
    *out = (TEE_Identity){.login = TEE_LOGIN_PUBLIC};
    return TEEC_SUCCESS;
}

static void uuid_of(const TEEC_UUID *in, TEE_UUID *out)
{
    out->timeLow = in->timeLow;
    out->timeMid = in->timeMid;
    out->timeHiAndVersion = in->timeHiAndVersion;
    memcpy(out->clockSeqAndNode, in->clockSeqAndNode, sizeof(out->clockSeqAndNode));
}

TEEC_Result TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
                             const TEEC_UUID *destination, uint32_t connectionMethod,
                             const void *connectionData, TEEC_Operation *operation,
                             uint32_t *returnOrigin)
{
    struct gp_request request;
    TEE_Identity client;
    struct gp_session *opened = NULL;
    TEEC_Result result;
    TEE_UUID uuid;

    if (context == NULL || context->imp.tee == NULL || session == NULL || destination == NULL)
        return answer(TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API, returnOrigin);
    result = client_of(connectionMethod, connectionData, &client);
    if (result == TEEC_SUCCESS)
        result = parameters_in(operation, &request);
    if (result != TEEC_SUCCESS)
        return answer(result, TEEC_ORIGIN_API, returnOrigin);
    uuid_of(destination, &uuid);
    begin(operation, context->imp.tee, &request);
    result = gp_session_open(context->imp.tee, &uuid, &client, &request, &opened);
    end(operation);
    parameters_out(&request, operation);
    if (result == TEEC_SUCCESS)
        session->imp.session = opened;
    return answer(result, request.origin, returnOrigin);
}

void TEEC_CloseSession(TEEC_Session *session)
{
    if (session == NULL || session->imp.session == NULL)
        return;
    gp_session_close(session->imp.session);
    session->imp.session = NULL;
}

TEEC_Result TEEC_InvokeCommand(TEEC_Session *session, uint32_t commandID, TEEC_Operation *operation,
                               uint32_t *returnOrigin)
{
    struct gp_request request;
    struct gp_session *opened;
    TEEC_Result result;

    if (session == NULL || session->imp.session == NULL)
        return answer(TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API, returnOrigin);
    result = parameters_in(operation, &request);
    if (result != TEEC_SUCCESS)
        return answer(result, TEEC_ORIGIN_API, returnOrigin);
    opened = session->imp.session;
    begin(operation, opened->life->tee, &request);
    result = gp_session_invoke(opened, commandID, &request);
    end(operation);
    parameters_out(&request, operation);
    return answer(result, request.origin, returnOrigin);
}
