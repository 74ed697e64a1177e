/* SPDX-License-Identifier: BSD-2-Clause */
/* A TA for tests, in a shared object: counts in a static variable; command 1 panics. */
#include <tee_internal_api.h>

static uint32_t count;

TEE_Result TA_CreateEntryPoint(void)
{
    return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param parameters[4], void **session)
{
    (void)types;
    (void)parameters;
    (void)session;
    return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session)
{
    (void)session;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
                                      TEE_Param parameters[4])
{
    (void)session;
    if (command == 1)
        TEE_Panic(1);
    if (types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, 0, 0, 0))
        return TEE_ERROR_BAD_PARAMETERS;
    parameters[0].value.a = ++count;
    return TEE_SUCCESS;
}
