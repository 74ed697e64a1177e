/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TA as its author writes it for OP-TEE, with OP-TEE's names and nothing else: install.py
 * compiles it with what is installed alone.
 */
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

#include <increment_ta.h>

#include "truncate.h"

/* As it would come over a line. */
struct record {
    uint8_t kind;
    uint32_t value;
} __packed;

static uint8_t buffer[8] __aligned(8);

static void __printf(1, 2) tell(const char *format, ...)
{
    IMSG("%s", format);
}

TEE_Result TA_CreateEntryPoint(void)
{
    DMSG("has been called");
    return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
    DMSG("has been called");
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t param_types, TEE_Param __maybe_unused params[4],
                                    void __maybe_unused **sess_ctx)
{
    uint32_t exp_param_types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE,
                                               TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE);

    DMSG("has been called");
    if (param_types != exp_param_types)
        return TEE_ERROR_BAD_PARAMETERS;
    tell("a session");
    return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void __maybe_unused *sess_ctx)
{
    IMSG("the end of it");
}

static __always_inline uint32_t step(void)
{
    uint32_t by = 0;

    if (TEE_GetPropertyAsU32(TEE_PROPSET_CURRENT_TA, "test.increment.by", &by) != TEE_SUCCESS)
        TEE_Panic(1);
    return by;
}

static TEE_Result __noinline increment(uint32_t param_types, TEE_Param params[4])
{
    struct record record = {0, 0};

    if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INOUT, TEE_PARAM_TYPE_NONE,
                                       TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE))
        return TEE_ERROR_BAD_PARAMETERS;
    IMSG("got value: %u", params[0].value.a);
    record.value = params[0].value.a + step();
    TEE_MemMove(buffer, &record, sizeof(record)); /* 5 bytes */
    TEE_MemMove(&params[0].value.a, buffer + 1, sizeof(uint32_t));
    DHEXDUMP(buffer, sizeof(buffer));
    return TEE_SUCCESS;
}

TEE_Result TA_InvokeCommandEntryPoint(void __unused *sess_ctx, uint32_t cmd_id,
                                      uint32_t param_types, TEE_Param params[4])
{
    switch (cmd_id) {
    case TA_INCREMENT_CMD_INCREMENT:
        return increment(param_types, params);
    case TA_INCREMENT_CMD_TRUNCATE:
        params[0].value.a = truncate(params[0].value.a);
        return TEE_SUCCESS;
    default:
        EMSG("command %u isn't supported", cmd_id);
        return TEE_ERROR_NOT_SUPPORTED;
    }
}
