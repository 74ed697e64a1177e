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

TEE_Result TA_OpenSessionEntryPoint(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS],
                                    void **sessionContext)
{
    static int mark;

    *sessionContext = &mark;
    if (TEE_PARAM_TYPE_GET(paramTypes, 0) == TEE_PARAM_TYPE_VALUE_INOUT)
        params[0].value.b = params[0].value.a;
    return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *sessionContext)
{
    (void)sessionContext;
}

TEE_Result TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID, uint32_t paramTypes,
                                      TEE_Param params[TEE_NUM_PARAMS])
{
    uint32_t *size = &params[1].memref.size; /* 32 bits, or it doesn't compile */

    if (sessionContext == NULL || commandID != 0 ||
        paramTypes != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
                                      TEE_PARAM_TYPE_VALUE_OUTPUT, 0))
        return TEE_ERROR_BAD_PARAMETERS;
    params[2].value.a = *size;
    if (*size < params[0].memref.size)
        return TEE_ERROR_SHORT_BUFFER;
    *size = params[0].memref.size;
    TEE_MemMove(params[1].memref.buffer, params[0].memref.buffer, *size);
    return TEE_SUCCESS;
}
