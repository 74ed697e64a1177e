/* SPDX-License-Identifier: BSD-2-Clause */
/* A TA for tests, of version 1.1 of the API: copies a buffer, tells its size. */
#define TEE_CORE_API_REQUIRED_MAJOR_VERSION 1
#define TEE_CORE_API_REQUIRED_MINOR_VERSION 1
#include <tee_internal_api.h>

TEE_Result TA_CreateEntryPoint(void)
{
    return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param parameters[4], void **session)
{
    static int mark;

    *session = &mark;
    if (TEE_PARAM_TYPE_GET(types, 0) == TEE_PARAM_TYPE_VALUE_INOUT)
        parameters[0].value.b = parameters[0].value.a;
    return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
    (void)session;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
                                      TEE_Param parameters[4])
{
    uint32_t *size = &parameters[1].memref.size; /* 32 bits, or it doesn't compile */

    if (session == NULL || command != 0 ||
        types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
                                 TEE_PARAM_TYPE_VALUE_OUTPUT, 0))
        return TEE_ERROR_BAD_PARAMETERS;
    parameters[2].value.a = *size;
    if (*size < parameters[0].memref.size)
        return TEE_ERROR_SHORT_BUFFER;
    *size = parameters[0].memref.size;
    TEE_MemMove(parameters[1].memref.buffer, parameters[0].memref.buffer, *size);
    return TEE_SUCCESS;
}
