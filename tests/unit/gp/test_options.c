/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program may say of a TEE: how much secure memory an instance has, how large its heap is,
 * how much its operations may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux_tee.h"
#include "gp/gp.h"
#include "tee_client_api.h"
#include "tee_internal_api.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

static const TEE_UUID ta_uuid = {0xc0ffe701, 0x7e57, 0x4000, {0x80}};

/* --- The TA ------------------------------------------------------------------------------ */

enum {
    COMMAND_FILL,       /* a block of a.value.a KiB, and tell in b whether what it holds is right */
    COMMAND_FRAMES,     /* most frames that the instance ever had in a, and its quota in b */
    COMMAND_OPERATIONS, /* how many operations there can be, at most 10,000, in a */
    COMMAND_HEAP,       /* gpd.ta.dataSize in a */
};

static TEE_Result create(void)
{
    return TEE_SUCCESS;
}

static void destroy(void)
{
}

static TEE_Result open_session(uint32_t types, TEE_Param parameters[4], void **session)
{
    (void)types;
    (void)parameters;
    *session = NULL;
    return TEE_SUCCESS;
}

static void close_session(void *session)
{
    (void)session;
}

static TEE_Result fill(TEE_Param *parameter)
{
    size_t size = parameter->value.a * KIB;
    uint8_t *bytes = TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);

    if (bytes == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    for (size_t at = 0; at < size; at += KIB)
        memset(bytes + at, (int)(at / KIB % 251), KIB);
    parameter->value.b = 1;
    for (size_t at = 0; at < size; at += KIB / 2)
        parameter->value.b = parameter->value.b == 1 && bytes[at] == at / KIB % 251;
    TEE_Free(bytes);
    return TEE_SUCCESS;
}

static TEE_Result tell_frames(TEE_Param *parameter)
{
    const struct gp_instance *instance = gp_current();
    struct coffer_owner_statistics line;
    unsigned cursor = 0;

    while (coffer_memory_next_owner(instance->tee->memory, &cursor, &line)) {
        if (line.owner.index != instance->owner.index)
            continue;
        parameter->value.a = (uint32_t)line.frames_peak;
        parameter->value.b = (uint32_t)line.quota;
        return TEE_SUCCESS;
    }
    return TEE_ERROR_ITEM_NOT_FOUND;
}

static TEE_Result count_operations(TEE_Param *parameter)
{
    TEE_OperationHandle operation;
    TEE_Result result = TEE_SUCCESS;

    parameter->value.a = 0;
    while (parameter->value.a < 10000 && result == TEE_SUCCESS) {
        result = TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST, 0);
        if (result == TEE_SUCCESS)
            parameter->value.a++;
    }
    return result == TEE_ERROR_OUT_OF_MEMORY ? TEE_SUCCESS : TEE_ERROR_GENERIC;
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4])
{
    (void)session;
    (void)types;
    switch (command) {
    case COMMAND_FILL:
        return fill(&parameters[0]);
    case COMMAND_FRAMES:
        return tell_frames(&parameters[0]);
    case COMMAND_OPERATIONS:
        return count_operations(&parameters[0]);
    case COMMAND_HEAP:
        return TEE_GetPropertyAsU32(TEE_PROPSET_CURRENT_TA, "gpd.ta.dataSize",
                                    &parameters[0].value.a);
    default:
        return TEE_ERROR_NOT_SUPPORTED;
    }
}

/* --- The client -------------------------------------------------------------------------- */

struct world {
    char directory[64];
    struct coffer_tee *tee;
    TEEC_Context context;
    TEEC_Session session;
};

static void begin(struct world *world, struct coffer_linux_tee_options *options)
{
    static const uint8_t bytes[32] = "a key for the tests of options";
    static const struct coffer_key key = {COFFER_KEY_HUK, bytes, sizeof(bytes)};
    static const struct coffer_ta_code ta = {.uuid = {0xc0ffe701, 0x7e57, 0x4000, {0x80}},
                                             .flags = TA_FLAG_SINGLE_INSTANCE,
                                             .data_size = 4096,
                                             .create = create,
                                             .destroy = destroy,
                                             .open_session = open_session,
                                             .close_session = close_session,
                                             .invoke = invoke};
    TEEC_UUID uuid;

    memcpy(&uuid, &ta_uuid, sizeof(uuid));
    (void)snprintf(world->directory, sizeof(world->directory), "/tmp/coffer-options-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    options->directory = world->directory;
    options->key = &key;
    assert_int_equal(coffer_linux_tee_open(options, &world->tee), COFFER_OK);
    assert_int_equal(coffer_tee_register(world->tee, &ta), COFFER_OK);
    assert_int_equal(coffer_linux_tee_use(world->tee), COFFER_OK);
    assert_int_equal(TEEC_InitializeContext(NULL, &world->context), TEEC_SUCCESS);
    assert_int_equal(TEEC_OpenSession(&world->context, &world->session, &uuid, TEEC_LOGIN_PUBLIC,
                                      NULL, NULL, NULL),
                     TEEC_SUCCESS);
}

static TEEC_Result ask(struct world *world, uint32_t command, TEEC_Value *value)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0),
                                .params[0].value = *value};
    TEEC_Result result = TEEC_InvokeCommand(&world->session, command, &operation, NULL);

    *value = operation.params[0].value;
    return result;
}

static void end(struct world *world)
{
    char command[96];

    TEEC_CloseSession(&world->session);
    TEEC_FinalizeContext(&world->context);
    coffer_tee_close(world->tee);
    (void)snprintf(command, sizeof(command), "rm -r %s", world->directory);
    assert_int_equal(system(command), 0);
}

/* --- Tests ------------------------------------------------------------------------------- */

/* A heap of 2 MiB in 256 KiB: the instance's own pages make room, though others would have some. */
static void test_an_instance_keeps_to_its_memory(void **state)
{
    struct coffer_linux_tee_options options = {.instance_memory = 256 * KIB};
    TEEC_Value value = {.a = 2048};
    struct world world;

    (void)state;
    begin(&world, &options);
    assert_int_equal(ask(&world, COMMAND_FILL, &value), TEEC_SUCCESS);
    assert_int_equal(value.b, 1);
    assert_int_equal(ask(&world, COMMAND_FRAMES, &value), TEEC_SUCCESS);
    assert_int_equal(value.b, 64);
    assert_in_range(value.a, 32, 64);
    end(&world);
}

static void test_without_a_bound_it_takes_what_there_is(void **state)
{
    struct coffer_linux_tee_options options = {0};
    TEEC_Value value = {.a = 2048};
    struct world world;

    (void)state;
    begin(&world, &options);
    assert_int_equal(ask(&world, COMMAND_FILL, &value), TEEC_SUCCESS);
    assert_int_equal(ask(&world, COMMAND_FRAMES, &value), TEEC_SUCCESS);
    assert_int_equal(value.b, UINT32_MAX);
    assert_true(value.a >= 512);
    end(&world);
}

static void test_a_heap_is_as_large_as_it_may_be(void **state)
{
    struct coffer_linux_tee_options options = {.heap_max = MIB};
    TEEC_Value value = {.a = 1100};
    struct world world;

    (void)state;
    begin(&world, &options);
    assert_int_equal(ask(&world, COMMAND_FILL, &value), TEEC_ERROR_OUT_OF_MEMORY);
    value.a = 512;
    assert_int_equal(ask(&world, COMMAND_FILL, &value), TEEC_SUCCESS);
    assert_int_equal(ask(&world, COMMAND_HEAP, &value), TEEC_SUCCESS);
    assert_int_equal(value.a, MIB);
    end(&world);
}

static void test_operations_keep_to_their_memory(void **state)
{
    struct coffer_linux_tee_options options = {.operations_memory = 64 * KIB};
    TEEC_Value few = {0};
    TEEC_Value many = {0};
    struct world world;

    (void)state;
    begin(&world, &options);
    assert_int_equal(ask(&world, COMMAND_OPERATIONS, &few), TEEC_SUCCESS);
    end(&world);
    options = (struct coffer_linux_tee_options){.operations_memory = 256 * KIB};
    begin(&world, &options);
    assert_int_equal(ask(&world, COMMAND_OPERATIONS, &many), TEEC_SUCCESS);
    end(&world);
    assert_true(few.a > 0);
    assert_in_range(many.a, 4 * few.a, 4 * few.a + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_instance_keeps_to_its_memory),
        cmocka_unit_test(test_without_a_bound_it_takes_what_there_is),
        cmocka_unit_test(test_a_heap_is_as_large_as_it_may_be),
        cmocka_unit_test(test_operations_keep_to_their_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
