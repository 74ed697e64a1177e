/* SPDX-License-Identifier: BSD-2-Clause */
/* TAs and their clients: sessions, instances, parameters, panics, cancellation; TAs from files. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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
    SINGLE = 1, /* one instance, one session */
    SHARED,     /* one instance, many sessions */
    KEPT,       /* ... which stays */
    MULTIPLE,   /* an instance for each session */
    COUNTER = 0x11,
    OLD = 0x12,
};

/* --- The TA ------------------------------------------------------------------------------ */

enum {
    COMMAND_PARAMETERS,
    COMMAND_COUNT,
    COMMAND_PANIC,
    COMMAND_WAIT,
    COMMAND_ANSWER,
    COMMAND_HEAP,
    COMMAND_MASKED,
    COMMAND_MACHINE,
};

/* Of all TAs of this program: they are linked in. */
static atomic_uint created, destroyed, opened, closed, counted, waiting;
static atomic_bool go_on;
static TEE_Result create_answer, open_answer;
static bool panics_at_creation;

static TEE_Result create(void)
{
    created++;
    if (panics_at_creation)
        TEE_Panic(0xdead);
    return create_answer;
}

static void destroy(void)
{
    destroyed++;
}

static TEE_Result open_session(uint32_t types, TEE_Param parameters[4], void **session)
{
    static uint32_t mark = 0xa55a;

    opened++;
    if (TEE_PARAM_TYPE_GET(types, 0) == TEE_PARAM_TYPE_VALUE_INOUT)
        parameters[0].value.b = parameters[0].value.a + 1;
    *session = &mark;
    return open_answer;
}

static void close_session(void *session)
{
    must(*(uint32_t *)session == 0xa55a);
    closed++;
}

static void change(uint32_t type, TEE_Param *parameter)
{
    uint8_t *bytes = parameter->memref.buffer;

    if (type >= TEE_PARAM_TYPE_MEMREF_INPUT) {
        const uint32_t any = TEE_MEMORY_ACCESS_ANY_OWNER;
        bool writable = type != TEE_PARAM_TYPE_MEMREF_INPUT;

        must(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ | any, bytes,
                                         parameter->memref.size) == TEE_SUCCESS);
        must((TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_WRITE | any, bytes,
                                          parameter->memref.size) == TEE_SUCCESS) == writable);
        must(TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ, bytes, parameter->memref.size) ==
             TEE_ERROR_ACCESS_DENIED);
    }
    switch (type) {
    case TEE_PARAM_TYPE_VALUE_OUTPUT:
        must(parameter->value.a == 0 && parameter->value.b == 0);
        parameter->value.a = 5;
        parameter->value.b = 6;
        break;
    case TEE_PARAM_TYPE_VALUE_INPUT:
    case TEE_PARAM_TYPE_VALUE_INOUT:
        parameter->value.a++;
        parameter->value.b *= 2;
        break;
    case TEE_PARAM_TYPE_MEMREF_OUTPUT:
    case TEE_PARAM_TYPE_MEMREF_INOUT:
        if (parameter->memref.size > 3) {
            bytes[3] = 'X';
            parameter->memref.size = 4;
        } else {
            parameter->memref.size = 100;
        }
        break;
    default:
        break;
    }
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

static void wait_for_it(void)
{
    waiting++;
    while (!go_on && !TEE_GetCancellationFlag())
        sched_yield();
    waiting--;
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4])
{
    must(*(uint32_t *)session == 0xa55a);
    switch (command) {
    case COMMAND_PARAMETERS:
        for (unsigned i = 0; i < 4; i++)
            change(TEE_PARAM_TYPE_GET(types, i), &parameters[i]);
        return TEE_SUCCESS;
    case COMMAND_COUNT:
        counted++;
        return TEE_SUCCESS;
    case COMMAND_PANIC:
        TEE_Panic(0x77);
    case COMMAND_HEAP:
        parameters[0].value.a = fill_heap();
        return TEE_SUCCESS;
    case COMMAND_MACHINE:
        look_at_machine();
        return TEE_SUCCESS;
    case COMMAND_WAIT:
        must(TEE_UnmaskCancellation());
        wait_for_it();
        return TEE_GetCancellationFlag() ? TEE_ERROR_CANCEL : TEE_SUCCESS;
    case COMMAND_MASKED:
        wait_for_it(); /* it is masked: only go_on ends it */
        must(TEE_MaskCancellation() && TEE_UnmaskCancellation() && !TEE_MaskCancellation());
        return TEE_SUCCESS;
    default:
        return parameters[0].value.a;
    }
}

/* --- The client -------------------------------------------------------------------------- */

static struct {
    char directory[64];
    struct coffer_tee *tee;
    TEEC_Context context;
} client;

static const uint8_t key_bytes[16] = {1, 2, 3};

static void add_ta(uint8_t last, uint32_t flags)
{
    static struct coffer_ta_code codes[MULTIPLE + 1];

    codes[last] = (struct coffer_ta_code){.uuid = UUID(last),
                                          .flags = flags,
                                          .create = create,
                                          .destroy = destroy,
                                          .open_session = open_session,
                                          .close_session = close_session,
                                          .invoke = invoke};
    assert_int_equal(coffer_tee_register(client.tee, &codes[last]), COFFER_OK);
    assert_int_equal(coffer_tee_register(client.tee, &codes[last]), COFFER_EXISTS);
}

/* In the test itself: around it cmocka puts its own handler of SIGSEGV into place of ours. */
static void begin(void)
{
    const struct coffer_key key = {COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};

    created = destroyed = opened = closed = counted = waiting = 0;
    go_on = false;
    panics_at_creation = false;
    create_answer = open_answer = TEE_SUCCESS;
    (void)snprintf(client.directory, sizeof(client.directory), "/tmp/coffer-sessions-XXXXXX");
    assert_non_null(mkdtemp(client.directory));
    assert_int_equal(
        coffer_linux_tee_open(&(struct coffer_linux_tee_options){.directory = client.directory,
                                                                 .key = &key,
                                                                 .swap_pages = 2048,
                                                                 .ta_path = COUNTER_FOLDER},
                              &client.tee),
        COFFER_OK);
    add_ta(SINGLE, TA_FLAG_SINGLE_INSTANCE);
    add_ta(SHARED, TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION);
    add_ta(KEPT, TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION | TA_FLAG_INSTANCE_KEEP_ALIVE);
    add_ta(MULTIPLE, 0);
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

/* --- Instances --------------------------------------------------------------------------- */

static void test_one_instance_takes_one_session_or_many(void **state)
{
    TEEC_Session one, two;
    uint32_t origin = 0;

    (void)state;
    begin();
    must_open(SINGLE, &one);
    assert_int_equal(open_ta(SINGLE, &two, &origin), TEEC_ERROR_BUSY);
    assert_int_equal(origin, TEEC_ORIGIN_TEE);
    TEEC_CloseSession(&one);
    assert_int_equal(destroyed, 1);

    must_open(SHARED, &one);
    must_open(SHARED, &two);
    assert_int_equal(created, 2);
    assert_int_equal(opened, 3);
    TEEC_CloseSession(&one);
    assert_int_equal(destroyed, 1);
    assert_int_equal(call(&two, COMMAND_COUNT), TEEC_SUCCESS);
    TEEC_CloseSession(&two);
    assert_int_equal(destroyed, 2);
    assert_int_equal(closed, 3);
    TEEC_CloseSession(&two); /* it is nothing any more */
    assert_int_equal(closed, 3);
    end();
}

static void test_each_session_has_an_instance_where_there_may_be_many(void **state)
{
    TEEC_Session one, two;

    (void)state;
    begin();
    must_open(MULTIPLE, &one);
    must_open(MULTIPLE, &two);
    assert_int_equal(created, 2);
    TEEC_CloseSession(&one);
    assert_int_equal(destroyed, 1);
    TEEC_CloseSession(&two);
    assert_int_equal(destroyed, 2);
    end();
}

static void test_an_instance_that_is_kept_ends_with_the_tee(void **state)
{
    TEEC_Session session;

    (void)state;
    begin();
    must_open(KEPT, &session);
    TEEC_CloseSession(&session);
    must_open(KEPT, &session);
    TEEC_CloseSession(&session);
    assert_int_equal(created, 1);
    assert_int_equal(destroyed, 0);
    end();
    assert_int_equal(destroyed, 1);
    begin();
    end();
}

static void test_a_ta_that_refuses_leaves_nothing(void **state)
{
    TEEC_Session session;
    uint32_t origin = 0;

    (void)state;
    begin();
    create_answer = TEE_ERROR_SECURITY;
    assert_int_equal(open_ta(SHARED, &session, &origin), TEEC_ERROR_SECURITY);
    assert_int_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    assert_int_equal(destroyed, 0);
    assert_int_equal(opened, 0);

    create_answer = TEE_SUCCESS;
    open_answer = TEE_ERROR_ACCESS_DENIED;
    assert_int_equal(open_ta(SHARED, &session, &origin), TEEC_ERROR_ACCESS_DENIED);
    assert_int_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    assert_int_equal(destroyed, 1);
    assert_int_equal(closed, 0);

    open_answer = TEE_SUCCESS;
    must_open(SHARED, &session);
    TEEC_CloseSession(&session);
    end();
}

/* --- Parameters -------------------------------------------------------------------------- */

static void test_values_and_temporary_memory_go_there_and_back(void **state)
{
    char in[] = "abc";
    char out[] = "......";
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_INOUT,
                                                               TEEC_MEMREF_TEMP_INPUT,
                                                               TEEC_MEMREF_TEMP_OUTPUT),
                                .params = {{.value = {1, 2}},
                                           {.value = {3, 4}},
                                           {.tmpref = {in, sizeof(in)}},
                                           {.tmpref = {out, 6}}}};
    TEEC_Session session;
    uint32_t origin = 0;

    (void)state;
    begin();
    must_open(SHARED, &session);
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, &origin),
                     TEEC_SUCCESS);
    assert_int_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    assert_int_equal(operation.params[0].value.a, 1); /* in only */
    assert_int_equal(operation.params[1].value.a, 4);
    assert_int_equal(operation.params[1].value.b, 8);
    assert_int_equal(operation.params[2].tmpref.size, 4);
    assert_int_equal(operation.params[3].tmpref.size, 4);
    assert_memory_equal(out, "...X..", 6);

    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, TEEC_NONE, TEEC_NONE,
                                            TEEC_MEMREF_TEMP_INOUT);
    operation.params[3].tmpref.size = 2;
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_SUCCESS);
    assert_int_equal(operation.params[0].value.a, 5);
    assert_int_equal(operation.params[0].value.b, 6);
    assert_int_equal(operation.params[3].tmpref.size, 100); /* that much it would need */
    TEEC_CloseSession(&session);
    end();
}

static void test_registered_memory_goes_whole_or_in_parts(void **state)
{
    char bytes[] = "0123456789";
    TEEC_SharedMemory registered = {
        .buffer = bytes, .size = 10, .flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT};
    TEEC_SharedMemory allocated = {.size = 8, .flags = TEEC_MEM_OUTPUT};
    TEEC_Operation operation = {
        .paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_WHOLE, TEEC_MEMREF_PARTIAL_INOUT,
                                       TEEC_MEMREF_PARTIAL_OUTPUT, TEEC_NONE),
        .params = {{.memref = {.parent = &allocated}},
                   {.memref = {.parent = &registered, .size = 6, .offset = 4}},
                   {.memref = {.parent = &allocated, .size = 4, .offset = 4}}}};
    TEEC_Session session;
    uint32_t origin = 0;

    (void)state;
    begin();
    assert_int_equal(TEEC_RegisterSharedMemory(&client.context, &registered), TEEC_SUCCESS);
    assert_int_equal(TEEC_AllocateSharedMemory(&client.context, &allocated), TEEC_SUCCESS);
    must_open(SHARED, &session);
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_SUCCESS);
    assert_string_equal(bytes, "0123456X89");
    assert_memory_equal(allocated.buffer, "\0\0\0X\0\0\0X", 8);
    assert_int_equal(operation.params[0].memref.size, 4);
    assert_int_equal(operation.params[1].memref.size, 4);
    assert_int_equal(operation.params[2].memref.size, 4);

    /* Beyond the memory, beyond its flags, of nothing. */
    operation.params[1].memref.offset = 5;
    operation.params[1].memref.size = 6;
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, &origin),
                     TEEC_ERROR_BAD_PARAMETERS);
    assert_int_equal(origin, TEEC_ORIGIN_API);
    operation.params[1].memref.offset = SIZE_MAX;
    operation.params[1].memref.size = 1;
    assert_int_equal(call(&session, COMMAND_COUNT), TEEC_SUCCESS);
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_ERROR_BAD_PARAMETERS);
    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INPUT, 0, 0, 0);
    operation.params[0].memref = (TEEC_RegisteredMemoryReference){.parent = &allocated, .size = 1};
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_ERROR_BAD_PARAMETERS);
    operation.params[0].memref.parent = NULL;
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_ERROR_BAD_PARAMETERS);
    operation.paramTypes = 4; /* no type at all */
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_PARAMETERS, &operation, NULL),
                     TEEC_ERROR_BAD_PARAMETERS);
    TEEC_CloseSession(&session);
    TEEC_ReleaseSharedMemory(&allocated);
    TEEC_ReleaseSharedMemory(&registered);
    assert_null(allocated.buffer);
    assert_int_equal(counted, 1);
    end();
}

static void test_shared_memory_that_is_none_is_refused(void **state)
{
    TEEC_SharedMemory memory = {.size = 4, .flags = TEEC_MEM_INPUT};

    (void)state;
    begin();
    assert_int_equal(TEEC_RegisterSharedMemory(&client.context, &memory),
                     TEEC_ERROR_BAD_PARAMETERS);
    memory.flags = 0;
    assert_int_equal(TEEC_AllocateSharedMemory(&client.context, &memory),
                     TEEC_ERROR_BAD_PARAMETERS);
    memory.flags = 4;
    assert_int_equal(TEEC_AllocateSharedMemory(&client.context, &memory),
                     TEEC_ERROR_BAD_PARAMETERS);
    memory.flags = TEEC_MEM_INPUT;
    memory.size = (size_t)TEEC_CONFIG_SHAREDMEM_MAX_SIZE + 1;
    assert_int_equal(TEEC_AllocateSharedMemory(&client.context, &memory), TEEC_ERROR_OUT_OF_MEMORY);
    memory.size = 0;
    assert_int_equal(TEEC_AllocateSharedMemory(&client.context, &memory), TEEC_SUCCESS);
    assert_non_null(memory.buffer);
    TEEC_ReleaseSharedMemory(&memory);
    end();
}

static void test_sessions_have_parameters_and_answers_an_origin(void **state)
{
    const TEEC_UUID uuid = UUID(SHARED);
    const TEEC_UUID nobody = UUID(0x99);
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0),
                                .params = {{.value = {41, 0}}}};
    TEEC_Session session;
    uint32_t origin = 0;

    (void)state;
    begin();
    assert_int_equal(TEEC_OpenSession(&client.context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL,
                                      &operation, &origin),
                     TEEC_SUCCESS);
    assert_int_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    assert_int_equal(operation.params[0].value.b, 42);
    operation.params[0].value.a = TEE_ERROR_ITEM_NOT_FOUND;
    assert_int_equal(TEEC_InvokeCommand(&session, COMMAND_ANSWER, &operation, &origin),
                     TEEC_ERROR_ITEM_NOT_FOUND);
    assert_int_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    TEEC_CloseSession(&session);

    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0);
    operation.params[0].value.a = 77; /* no TA, no output */
    assert_int_equal(TEEC_OpenSession(&client.context, &session, &nobody, TEEC_LOGIN_PUBLIC, NULL,
                                      &operation, &origin),
                     TEEC_ERROR_ITEM_NOT_FOUND);
    assert_int_equal(origin, TEEC_ORIGIN_TEE);
    assert_int_equal(operation.params[0].value.a, 77);
    assert_int_equal(TEEC_OpenSession(&client.context, &session, &uuid, 1, NULL, NULL, &origin),
                     TEEC_ERROR_NOT_SUPPORTED);
    assert_int_equal(origin, TEEC_ORIGIN_API);
    assert_int_equal(TEEC_OpenSession(&client.context, NULL, &uuid, 0, NULL, NULL, NULL),
                     TEEC_ERROR_BAD_PARAMETERS);
    assert_int_equal(TEEC_InitializeContext("another", &client.context), TEEC_ERROR_ITEM_NOT_FOUND);
    end();
}

/* --- Panics ------------------------------------------------------------------------------ */

static void test_a_panic_ends_its_instance_and_nobody_elses(void **state)
{
    TEEC_Session one, two, other, next;
    uint32_t origin = 0;

    (void)state;
    begin();
    must_open(SHARED, &one);
    must_open(SHARED, &two);
    must_open(MULTIPLE, &other);
    assert_int_equal(TEEC_InvokeCommand(&one, COMMAND_PANIC, NULL, &origin),
                     TEEC_ERROR_TARGET_DEAD);
    assert_int_equal(origin, TEEC_ORIGIN_TEE);
    assert_int_equal(call(&one, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    assert_int_equal(call(&two, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    assert_int_equal(call(&other, COMMAND_COUNT), TEEC_SUCCESS);
    assert_int_equal(counted, 1);

    /* The next session begins anew, while the dead one's are still open. */
    must_open(SHARED, &next);
    assert_int_equal(created, 3);
    assert_int_equal(call(&next, COMMAND_COUNT), TEEC_SUCCESS);
    assert_int_equal(call(&one, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    TEEC_CloseSession(&one);
    TEEC_CloseSession(&two);
    TEEC_CloseSession(&other);
    TEEC_CloseSession(&next);
    assert_int_equal(closed, 2);
    assert_int_equal(destroyed, 2); /* not the dead one's */
    end();
}

static void test_a_heap_exceeds_secure_memory_and_ends_without_harm(void **state)
{
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0)};
    TEEC_Session one, other;

    (void)state;
    begin();
    must_open(MULTIPLE, &one);
    must_open(MULTIPLE, &other);
    assert_int_equal(TEEC_InvokeCommand(&one, COMMAND_HEAP, &operation, NULL), TEEC_SUCCESS);
    assert_in_range(operation.params[0].value.a, 7, 12);
    assert_int_equal(call(&other, COMMAND_COUNT), TEEC_SUCCESS);
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
    must_open(SHARED, &session);
    assert_int_equal(call(&session, COMMAND_MACHINE), TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    end();
}

static void test_a_panic_at_the_beginning_leaves_nothing(void **state)
{
    TEEC_Session session;
    uint32_t origin = 0;

    (void)state;
    begin();
    panics_at_creation = true;
    assert_int_equal(open_ta(SINGLE, &session, &origin), TEEC_ERROR_TARGET_DEAD);
    assert_int_equal(origin, TEEC_ORIGIN_TEE);
    panics_at_creation = false;
    must_open(SINGLE, &session);
    TEEC_CloseSession(&session);
    assert_int_equal(destroyed, 1);
    end();
}

/* --- Threads and cancellation ------------------------------------------------------------ */

struct job {
    TEEC_Session *session;
    uint32_t command;
    TEEC_Operation operation;
    TEEC_Result result;
    atomic_bool done;
};

static void *work(void *argument)
{
    struct job *job = argument;

    job->result = TEEC_InvokeCommand(job->session, job->command, &job->operation, NULL);
    job->done = true;
    return NULL;
}

static void wait_until(const atomic_uint *count, unsigned wanted)
{
    while (*count != wanted)
        sched_yield();
}

static void test_a_ta_at_work_is_cancelled_if_it_asks(void **state)
{
    TEEC_Session session;
    struct job job = {.session = &session, .command = COMMAND_WAIT};
    struct job masked = {.session = &session, .command = COMMAND_MASKED};
    pthread_t thread;

    (void)state;
    begin();
    must_open(SHARED, &session);
    TEEC_RequestCancellation(&job.operation); /* nothing is under way */
    must(pthread_create(&thread, NULL, work, &job) == 0);
    wait_until(&waiting, 1);
    TEEC_RequestCancellation(&job.operation);
    must(pthread_join(thread, NULL) == 0);
    assert_int_equal(job.result, TEEC_ERROR_CANCEL);

    must(pthread_create(&thread, NULL, work, &masked) == 0);
    wait_until(&waiting, 1);
    TEEC_RequestCancellation(&masked.operation);
    go_on = true;
    must(pthread_join(thread, NULL) == 0);
    assert_int_equal(masked.result, TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    end();
}

static void test_who_waits_for_a_turn_is_cancelled(void **state)
{
    TEEC_Session session;
    struct job busy = {.session = &session, .command = COMMAND_WAIT};
    struct job waits = {.session = &session, .command = COMMAND_COUNT};
    pthread_t one, two;

    (void)state;
    begin();
    must_open(SHARED, &session);
    must(pthread_create(&one, NULL, work, &busy) == 0);
    wait_until(&waiting, 1);
    must(pthread_create(&two, NULL, work, &waits) == 0);
    while (!waits.done) { /* as long as it isn't under way nothing happens */
        TEEC_RequestCancellation(&waits.operation);
        sched_yield();
    }
    must(pthread_join(two, NULL) == 0);
    assert_int_equal(waits.result, TEEC_ERROR_CANCEL);
    assert_int_equal(counted, 0);
    go_on = true;
    must(pthread_join(one, NULL) == 0);
    assert_int_equal(busy.result, TEEC_SUCCESS);
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
        cmocka_unit_test(test_one_instance_takes_one_session_or_many),
        cmocka_unit_test(test_each_session_has_an_instance_where_there_may_be_many),
        cmocka_unit_test(test_an_instance_that_is_kept_ends_with_the_tee),
        cmocka_unit_test(test_a_ta_that_refuses_leaves_nothing),
        cmocka_unit_test(test_values_and_temporary_memory_go_there_and_back),
        cmocka_unit_test(test_registered_memory_goes_whole_or_in_parts),
        cmocka_unit_test(test_shared_memory_that_is_none_is_refused),
        cmocka_unit_test(test_sessions_have_parameters_and_answers_an_origin),
        cmocka_unit_test(test_a_panic_ends_its_instance_and_nobody_elses),
        cmocka_unit_test(test_a_heap_exceeds_secure_memory_and_ends_without_harm),
        cmocka_unit_test(test_a_ta_knows_its_machine),
        cmocka_unit_test(test_a_panic_at_the_beginning_leaves_nothing),
        cmocka_unit_test(test_a_ta_at_work_is_cancelled_if_it_asks),
        cmocka_unit_test(test_who_waits_for_a_turn_is_cancelled),
        cmocka_unit_test(test_each_instance_of_a_file_has_its_own_variables),
        cmocka_unit_test(test_a_ta_of_version_1_1_has_sizes_of_32_bits),
        cmocka_unit_test(test_a_file_that_is_no_ta_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
