/* SPDX-License-Identifier: BSD-2-Clause */
/* The client, likewise: tells what the TA makes of a value. */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include <tee_client_api.h>

#include <increment_ta.h>

static uint32_t invoke(TEEC_Session *sess, uint32_t command, uint32_t value)
{
    TEEC_Operation op;
    uint32_t err_origin;
    TEEC_Result res;

    memset(&op, 0, sizeof(op));
    op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, TEEC_NONE, TEEC_NONE, TEEC_NONE);
    op.params[0].value.a = value;
    res = TEEC_InvokeCommand(sess, command, &op, &err_origin);
    if (res != TEEC_SUCCESS)
        errx(1, "TEEC_InvokeCommand failed with code 0x%x origin 0x%x", res, err_origin);
    return op.params[0].value.a;
}

int main(void)
{
    TEEC_UUID uuid = TA_INCREMENT_UUID;
    uint32_t err_origin;
    TEEC_Context ctx;
    TEEC_Session sess;
    TEEC_Result res;

    res = TEEC_InitializeContext(NULL, &ctx);
    if (res != TEEC_SUCCESS)
        errx(1, "TEEC_InitializeContext failed with code 0x%x", res);
    res = TEEC_OpenSession(&ctx, &sess, &uuid, TEEC_LOGIN_USER, NULL, NULL, &err_origin);
    if (res != TEEC_ERROR_NOT_SUPPORTED)
        errx(1, "a login that isn't there answered 0x%x", res);
    res = TEEC_OpenSession(&ctx, &sess, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, &err_origin);
    if (res != TEEC_SUCCESS)
        errx(1, "TEEC_OpenSession failed with code 0x%x origin 0x%x", res, err_origin);
    printf("%u %u\n", invoke(&sess, TA_INCREMENT_CMD_INCREMENT, 42),
           invoke(&sess, TA_INCREMENT_CMD_TRUNCATE, 1234));
    TEEC_CloseSession(&sess);
    TEEC_FinalizeContext(&ctx);
    return 0;
}
