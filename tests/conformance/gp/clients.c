/* SPDX-License-Identifier: BSD-2-Clause */
#include "clients.h"

#include <sched.h>
#include <string.h>

#include "support/must.h"

#define UUID(last)                                                                                 \
    {                                                                                              \
        0xc0ffe701, 0x7e57, 0x4000,                                                                \
        {                                                                                          \
            0x80, 0, 0, 0, 0, 0, 0, (last)                                                         \
        }                                                                                          \
    }

struct ta_state ta;
TEEC_Context client_context;

/* --- The TAs ----------------------------------------------------------------------------- */

static TEE_Result create(void)
{
    ta.created++;
    if (ta.panics_at_creation)
        TEE_Panic(0xdead);
    return ta.create_answer;
}

static void destroy(void)
{
    ta.destroyed++;
    if (ta.panics_at_destruction)
        TEE_Panic(0xdead);
}

static TEE_Result open_session(uint32_t types, TEE_Param parameters[4], void **session)
{
    static uint32_t mark = 0xa55a;
    TEE_ObjectHandle object;

    ta.opened++;
    if (TEE_PARAM_TYPE_GET(types, 0) == TEE_PARAM_TYPE_VALUE_INOUT)
        parameters[0].value.b = parameters[0].value.a + 1;
    *session = &mark;
    if (ta.panics_at_opening)
        TEE_Panic(0xdead);
    return ta.opens_object ? try_open("held", ALL_ACCESS, &object) : ta.open_answer;
}

static void close_session(void *session)
{
    must(*(uint32_t *)session == 0xa55a);
    ta.closed++;
    if (ta.panics_at_closing)
        TEE_Panic(0xdead);
}

static void look(unsigned i, uint32_t type, TEE_Param *parameter)
{
    const uint32_t any = TEE_MEMORY_ACCESS_ANY_OWNER;
    uint8_t *bytes;

    switch (type) {
    case TEE_PARAM_TYPE_VALUE_OUTPUT:
    case TEE_PARAM_TYPE_VALUE_INPUT:
    case TEE_PARAM_TYPE_VALUE_INOUT:
        parameter->value.a += 10;
        parameter->value.b += 20;
        return;
    case TEE_PARAM_TYPE_NONE:
        return;
    default:
        break;
    }
    bytes = parameter->memref.buffer;
    ta.may_read[i] = TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ | any, bytes,
                                                 parameter->memref.size) == TEE_SUCCESS;
    ta.may_write[i] = TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE | any, bytes,
                                                  parameter->memref.size) == TEE_SUCCESS;
    expect_equal(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, bytes, parameter->memref.size),
                 TEE_ERROR_ACCESS_DENIED);
    if (ta.may_write[i] && parameter->memref.size > 0)
        bytes[parameter->memref.size - 1] = 'X';
    parameter->memref.size += 1; /* that much it would need */
}

static void look_at_all(uint32_t types, TEE_Param parameters[4])
{
    ta.types = types;
    memcpy(ta.parameters, parameters, sizeof(ta.parameters));
    for (unsigned i = 0; i < 4; i++)
        look(i, TEE_PARAM_TYPE_GET(types, i), &parameters[i]);
}

static void wait_for_it(void)
{
    ta.waiting++;
    while (!ta.go_on && !TEE_GetCancellationFlag())
        sched_yield();
    ta.waiting--;
}

static TEE_Result play_with_the_mask(void)
{
    expect(TEE_UnmaskCancellation());  /* at first it is masked */
    expect(!TEE_UnmaskCancellation()); /* each tells what it was before */
    expect(!TEE_MaskCancellation());
    expect(TEE_MaskCancellation());
    expect(!TEE_GetCancellationFlag());
    return TEE_SUCCESS;
}

static TEE_Result hold(void)
{
    TEE_OperationHandle operation;
    TEE_Result result = TEE_AllocateOperation(&operation, TEE_ALG_AES_ECB_NOPAD, TEE_MODE_ENCRYPT,
                                              128);

    /* Its handle is the later one, which is closed when the operation's end was told of. */
    (void)create_as("held", ALL_ACCESS, "data");
    return result;
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4])
{
    must(*(uint32_t *)session == 0xa55a);
    switch (command) {
    case COMMAND_LOOK:
        look_at_all(types, parameters);
        return TEE_SUCCESS;
    case COMMAND_COUNT:
        ta.counted++;
        return TEE_SUCCESS;
    case COMMAND_PANIC_LATE:
        for (unsigned i = 0; i < 20; i++)
            sched_yield();
        TEE_Panic(0x77);
    case COMMAND_PANIC:
        TEE_Panic(0x77);
    case COMMAND_HOLD:
        return hold();
    case COMMAND_WAIT:
        expect(TEE_UnmaskCancellation());
        wait_for_it();
        return TEE_GetCancellationFlag() ? TEE_ERROR_CANCEL : TEE_SUCCESS;
    case COMMAND_MASKED:
        wait_for_it(); /* only go_on ends it */
        return TEE_SUCCESS;
    case COMMAND_MASK:
        return play_with_the_mask();
    default:
        return parameters[0].value.a;
    }
}

/* --- The client -------------------------------------------------------------------------- */

static void add_ta(uint8_t last, uint32_t flags)
{
    static struct coffer_ta_code codes[NOBODY];

    codes[last] = (struct coffer_ta_code){.uuid = UUID(last),
                                          .flags = flags,
                                          .create = create,
                                          .destroy = destroy,
                                          .open_session = open_session,
                                          .close_session = close_session,
                                          .invoke = invoke};
    must(coffer_tee_register(&world.clients, &codes[last]) == COFFER_OK);
}

void clients_open(enum gp_profile profile)
{
    memset(&ta, 0, sizeof(ta));
    world_open_for_clients(profile);
    add_ta(SINGLE, TA_FLAG_SINGLE_INSTANCE);
    add_ta(SHARED, TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION);
    add_ta(KEPT, TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION | TA_FLAG_INSTANCE_KEEP_ALIVE);
    add_ta(MULTIPLE, 0);
    expect_equal(TEEC_InitializeContext(NULL, &client_context), TEEC_SUCCESS);
}

void clients_close(void)
{
    TEEC_FinalizeContext(&client_context);
    if (!world_close())
        note("not all came back");
}

TEEC_UUID client_uuid(uint8_t last)
{
    return (TEEC_UUID)UUID(last);
}

TEEC_Result client_try(uint8_t last, TEEC_Session *session, uint32_t *origin)
{
    const TEEC_UUID uuid = client_uuid(last);

    return TEEC_OpenSession(&client_context, session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, origin);
}

void client_open(uint8_t last, TEEC_Session *session)
{
    memset(session, 0, sizeof(*session));
    expect_equal(client_try(last, session, NULL), TEEC_SUCCESS);
}

TEEC_Result client_call(TEEC_Session *session, uint32_t command)
{
    return TEEC_InvokeCommand(session, command, NULL, NULL);
}
