/* SPDX-License-Identifier: BSD-2-Clause */
/* A TEE on Linux as its users have it: heaps, what a TA knows of its machine, TAs from files. What
 * sessions must do, whatever they run on, is a part of GlobalPlatform's rules
 * (tests/conformance/gp). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coffer/linux_tee.h"
#include "support/must.h"
#include "tee_client_api.h"
#include "tee_internal_api.h"

#define UUID(last)                                                                                 \
    {                                                                                              \
        0xc0ffe700, 0x7e57, 0x4000,                                                                \
        {                                                                                          \
            0x80, 0, 0, 0, 0, 0, 0, (last)                                                         \
        }                                                                                          \
    }

enum {
    LINKED = 1,
    COUNTER = 0x11,
    OLD = 0x12,
};

/* --- The TA ------------------------------------------------------------------------------ */

enum {
    COMMAND_NOTHING,
    COMMAND_HEAP,
    COMMAND_MACHINE,
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
    (void)session;
    return TEE_SUCCESS;
}

static void close_session(void *session)
{
    (void)session;
}

/* The secure memory of TAs is 4 MiB, and their swap 8: how many MiB can be had and filled? */
static uint32_t fill_heap(void)
{
    uint32_t count = 0;
    uint8_t *block;

    while ((block = TEE_Malloc(1024 * 1024, TEE_MALLOC_FILL_ZERO)) != NULL)
        TEE_MemFill(block, (uint8_t)++count, 1024 * 1024);
    return count;
}

/* What the port told the tee of its machine. */
static void look_at_machine(void)
{
    const TEE_UUID none = {0};
    TEE_UUID device = none;
    int local;

    must(TEE_GetPropertyAsUUID(TEE_PROPSET_TEE_IMPLEMENTATION, "gpd.tee.deviceID", &device) ==
         TEE_SUCCESS);
    must(TEE_MemCompare(&device, &none, sizeof(none)) != 0);
    must(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE, &local, sizeof(local)) ==
         TEE_SUCCESS);
    must(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, (void *)16, 1) ==
         TEE_ERROR_ACCESS_DENIED);
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4])
{
    (void)session;
    (void)types;
    if (command == COMMAND_HEAP)
        parameters[0].value.a = fill_heap();
    else if (command == COMMAND_MACHINE)
        look_at_machine();
    return TEE_SUCCESS;
}

/* --- The client -------------------------------------------------------------------------- */

static struct {
    char directory[64];
    struct coffer_tee *tee;
    TEEC_Context context;
} client;

static const uint8_t key_bytes[16] = {1, 2, 3};

static void add_ta(void)
{
    static const struct coffer_ta_code code = {.uuid = UUID(LINKED),
                                               .create = create,
                                               .destroy = destroy,
                                               .open_session = open_session,
                                               .close_session = close_session,
                                               .invoke = invoke};

    assert_int_equal(coffer_tee_register(client.tee, &code), COFFER_OK);
    assert_int_equal(coffer_tee_register(client.tee, &code), COFFER_EXISTS);
}

/* In the test itself: around it cmocka puts its own handler of SIGSEGV into place of ours. */
static void begin(void)
{
    const struct coffer_key key = {COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};

    (void)snprintf(client.directory, sizeof(client.directory), "/tmp/coffer-sessions-XXXXXX");
    assert_non_null(mkdtemp(client.directory));
    assert_int_equal(
        coffer_linux_tee_open(&(struct coffer_linux_tee_options){.directory = client.directory,
                                                                 .key = &key,
                                                                 .swap_pages = 2048,
                                                                 .ta_path = COUNTER_FOLDER},
                              &client.tee),
        COFFER_OK);
    add_ta();
    assert_int_equal(coffer_linux_tee_use(client.tee), COFFER_OK);
    assert_int_equal(TEEC_InitializeContext(NULL, &client.context), TEEC_SUCCESS);
}

static void end(void)
{
    char command[128];

    assert_int_equal(coffer_linux_tee_use(NULL), COFFER_BUSY);
    TEEC_FinalizeContext(&client.context);
    coffer_tee_close(client.tee);
    /* It is nobody's any more, and the environment names none. */
    assert_int_equal(TEEC_InitializeContext(NULL, &client.context), TEEC_ERROR_ITEM_NOT_FOUND);
    (void)snprintf(command, sizeof(command), "rm -r %s", client.directory);
    assert_int_equal(system(command), 0);
}

static TEEC_Result open_ta(uint8_t last, TEEC_Session *session, uint32_t *origin)
{
    const TEEC_UUID uuid = UUID(last);

    return TEEC_OpenSession(&client.context, session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, origin);
}

static void must_open(uint8_t last, TEEC_Session *session)
{
    assert_int_equal(open_ta(last, session, NULL), TEEC_SUCCESS);
}

static TEEC_Result call(TEEC_Session *session, uint32_t command)
{
    return TEEC_InvokeCommand(session, command, NULL, NULL);
}

/* --- Memory, machine --------------------------------------------------------------------- */

static void test_a_heap_exceeds_secure_memory_and_ends_without_harm(void **state)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0)};
    TEEC_Session one, other;

    (void)state;
    begin();
    must_open(LINKED, &one);
    must_open(LINKED, &other);
    assert_int_equal(TEEC_InvokeCommand(&one, COMMAND_HEAP, &operation, NULL), TEEC_SUCCESS);
    assert_in_range(operation.params[0].value.a, 7, 12);
    assert_int_equal(call(&other, COMMAND_NOTHING), TEEC_SUCCESS);
    TEEC_CloseSession(&one); /* all of it is back */
    assert_int_equal(TEEC_InvokeCommand(&other, COMMAND_HEAP, &operation, NULL), TEEC_SUCCESS);
    assert_in_range(operation.params[0].value.a, 7, 12);
    TEEC_CloseSession(&other);
    end();
}

static void test_a_ta_knows_its_machine(void **state)
{
    TEEC_Session session;

    (void)state;
    begin();
    must_open(LINKED, &session);
    assert_int_equal(call(&session, COMMAND_MACHINE), TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    end();
}

/* --- TAs from files ---------------------------------------------------------------------- */

static uint32_t count_of(TEEC_Session *session)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0)};

    assert_int_equal(TEEC_InvokeCommand(session, 0, &operation, NULL), TEEC_SUCCESS);
    return operation.params[0].value.a;
}

static void test_each_instance_of_a_file_has_its_own_variables(void **state)
{
    TEEC_Session one, two;
    TEE_UUID uuid;

    (void)state;
    begin();
    assert_int_equal(coffer_linux_tee_load(client.tee, COUNTER_PATH, &uuid), COFFER_OK);
    assert_int_equal(uuid.clockSeqAndNode[7], COUNTER);
    must_open(COUNTER, &one);
    must_open(COUNTER, &two);
    assert_int_equal(count_of(&one), 1);
    assert_int_equal(count_of(&one), 2);
    assert_int_equal(count_of(&two), 1);
    assert_int_equal(call(&one, 1), TEEC_ERROR_TARGET_DEAD);
    assert_int_equal(count_of(&two), 2);
    TEEC_CloseSession(&one);
    must_open(COUNTER, &one);
    assert_int_equal(count_of(&one), 1);
    TEEC_CloseSession(&one);
    TEEC_CloseSession(&two);
    end();
}

static void test_a_ta_of_version_1_1_has_sizes_of_32_bits(void **state)
{
    char in[] = "1234567";
    char out[12] = {0};
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT,
                                                               TEEC_MEMREF_TEMP_OUTPUT,
                                                               TEEC_VALUE_OUTPUT, TEEC_NONE),
                                .params = {{.tmpref = {in, 8}}, {.tmpref = {out, 12}}}};
    TEEC_Operation opening = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0),
                              .params = {{.value = {7, 0}}}};
    const TEEC_UUID old = UUID(OLD);
    TEEC_Session session;
    TEE_UUID uuid;

    (void)state;
    begin();
    assert_int_equal(coffer_linux_tee_load(client.tee, OLD_PATH, &uuid), COFFER_OK);
    assert_int_equal(
        TEEC_OpenSession(&client.context, &session, &old, TEEC_LOGIN_PUBLIC, NULL, &opening, NULL),
        TEEC_SUCCESS);
    assert_int_equal(opening.params[0].value.b, 7);
    assert_int_equal(TEEC_InvokeCommand(&session, 0, &operation, NULL), TEEC_SUCCESS);
    assert_string_equal(out, "1234567");
    assert_int_equal(operation.params[1].tmpref.size, 8);
    assert_int_equal(operation.params[2].value.a, 12);
    operation.params[1].tmpref.size = 3;
    assert_int_equal(TEEC_InvokeCommand(&session, 0, &operation, NULL), TEEC_ERROR_SHORT_BUFFER);
    operation.params[0].tmpref.size = (size_t)UINT32_MAX + 1;
    assert_int_equal(TEEC_InvokeCommand(&session, 0, &operation, NULL), TEEC_ERROR_EXCESS_DATA);
    TEEC_CloseSession(&session);
    end();
}

static void test_a_file_that_is_no_ta_is_refused(void **state)
{
    TEEC_Session session;
    TEE_UUID uuid;

    (void)state;
    begin();
    assert_int_equal(open_ta(COUNTER, &session, NULL), TEEC_ERROR_ITEM_NOT_FOUND);
    assert_int_equal(coffer_linux_tee_load(client.tee, COUNTER_PATH ".none", &uuid),
                     COFFER_NOT_FOUND);
    assert_int_equal(coffer_linux_tee_load(client.tee, "/proc/self/exe", &uuid), COFFER_CORRUPT);
    assert_int_equal(coffer_linux_tee_load(client.tee, "/etc/passwd", &uuid), COFFER_CORRUPT);
    assert_int_equal(coffer_linux_tee_load(client.tee, NULL, &uuid), COFFER_MISUSE);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_heap_exceeds_secure_memory_and_ends_without_harm),
        cmocka_unit_test(test_a_ta_knows_its_machine),
        cmocka_unit_test(test_each_instance_of_a_file_has_its_own_variables),
        cmocka_unit_test(test_a_ta_of_version_1_1_has_sizes_of_32_bits),
        cmocka_unit_test(test_a_file_that_is_no_ta_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
