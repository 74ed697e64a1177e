/* SPDX-License-Identifier: BSD-2-Clause */
/* A TA for tests, in a shared object: counts in a static variable; command 1
 * panics, 2 writes to the address that it is told. */
#include <tee_internal_api.h>

static uint32_t count;

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
    (void)paramTypes;
    (void)params;
    (void)sessionContext;
    return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *sessionContext)
{
    (void)sessionContext;
}

TEE_Result TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID, uint32_t paramTypes,
                                      TEE_Param params[TEE_NUM_PARAMS])
{
    (void)sessionContext;
    if (commandID == 1)
        TEE_Panic(1);
    if (paramTypes != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, 0, 0, 0))
        return TEE_ERROR_BAD_PARAMETERS;
    if (commandID == 2)
        *(volatile uint8_t *)(uintptr_t)params[0].value.a = 1;
    params[0].value.a = ++count;
    return TEE_SUCCESS;
}
