/* SPDX-License-Identifier: BSD-2-Clause */
/* A TA for tests, in a shared object: counts in a static variable; command 1
 * panics, 2 writes to the address that it is told in two halves. */
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

/* No sanitizer is to find it first. */
__attribute__((no_sanitize("undefined"))) static void write_to(uintptr_t address)
{
    *(volatile uint8_t *)address = 1;
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
        write_to((uintptr_t)((uint64_t)params[0].value.b << 32 | params[0].value.a));
    params[0].value.a = ++count;
    return TEE_SUCCESS;
}
