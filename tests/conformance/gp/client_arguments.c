/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of the TEE Client API and what they are given (its clauses 4.5.2 to 4.5.10): what is
 * none of their arguments, whose answer that is, and each kind of parameter at each place, as the
 * TA sees it and as it comes back.
 */
#include <stdio.h>
#include <string.h>

#include "clients.h"

/* --- Parameters that are none ------------------------------------------------------------ */

static char bytes[16];
static TEEC_SharedMemory both = {
    .buffer = bytes, .size = 10, .flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT};
static TEEC_SharedMemory in_only = {.buffer = bytes, .size = 10, .flags = TEEC_MEM_INPUT};
static TEEC_SharedMemory out_only = {.buffer = bytes, .size = 10, .flags = TEEC_MEM_OUTPUT};

static const struct none_row {
    const char *text;
    uint32_t type;
    TEEC_SharedMemory *parent;
    size_t size, offset;
} nones[] = {
    {"of the type 4", 4, &both, 1, 0},
    {"of the type 8", 8, &both, 1, 0},
    {"of the type 11", 11, &both, 1, 0},
    {"the whole of no memory", TEEC_MEMREF_WHOLE, NULL, 0, 0},
    {"a part of no memory", TEEC_MEMREF_PARTIAL_INPUT, NULL, 1, 0},
    {"a part larger than its memory", TEEC_MEMREF_PARTIAL_INPUT, &both, 11, 0},
    {"a part that ends behind its memory", TEEC_MEMREF_PARTIAL_INOUT, &both, 6, 5},
    {"a part that begins behind its memory", TEEC_MEMREF_PARTIAL_OUTPUT, &both, 0, 11},
    {"a part whose end is beyond all numbers", TEEC_MEMREF_PARTIAL_INPUT, &both, 2, SIZE_MAX},
    {"input of output memory", TEEC_MEMREF_PARTIAL_INPUT, &out_only, 1, 0},
    {"output of input memory", TEEC_MEMREF_PARTIAL_OUTPUT, &in_only, 1, 0},
    {"both of input memory", TEEC_MEMREF_PARTIAL_INOUT, &in_only, 1, 0},
    {"both of output memory", TEEC_MEMREF_PARTIAL_INOUT, &out_only, 1, 0},
};

static TEEC_Operation operation_of(const struct none_row *row, unsigned at)
{
    TEEC_Operation operation = {.paramTypes = row->type << (4 * at)};

    operation.params[at].memref = (TEEC_RegisteredMemoryReference){
        .parent = row->parent, .size = row->size, .offset = row->offset};
    return operation;
}

static void is_no_parameter(const struct rule *rule)
{
    const struct none_row *row = rule->of;
    const TEEC_UUID uuid = client_uuid(SHARED);
    TEEC_Session session, other;
    uint32_t origin = 0;

    clients_open(rule->profile);
    client_open(SHARED, &session);
    for (unsigned at = 0; at < TEEC_CONFIG_PAYLOAD_REF_COUNT; at++) {
        TEEC_Operation operation = operation_of(row, at);

        expect_equal(TEEC_InvokeCommand(&session, COMMAND_COUNT, &operation, &origin),
                     TEEC_ERROR_BAD_PARAMETERS);
        expect_equal(origin, TEEC_ORIGIN_API);
        origin = 0;
        expect_equal(TEEC_OpenSession(&client_context, &other, &uuid, TEEC_LOGIN_PUBLIC, NULL,
                                      &operation, &origin),
                     TEEC_ERROR_BAD_PARAMETERS);
        expect_equal(origin, TEEC_ORIGIN_API);
    }
    expect(ta.counted == 0 && ta.opened == 1);
    TEEC_CloseSession(&session);
    clients_close();
}

/* --- Parameters, as they come and go ----------------------------------------------------- */

enum handing { VALUE, TEMPORARY, WHOLE, PART };

#define MAY_READ  1
#define MAY_WRITE 2

static const struct kind_row {
    const char *text;
    uint32_t type;
    enum handing memory;
    uint32_t flags; /* of shared memory */
    uint32_t seen;  /* TEE_PARAM_TYPE_... */
    unsigned rights;
} kinds[] = {
    {"TEEC_NONE", TEEC_NONE, VALUE, 0, TEE_PARAM_TYPE_NONE, 0},
    {"TEEC_VALUE_INPUT", TEEC_VALUE_INPUT, VALUE, 0, TEE_PARAM_TYPE_VALUE_INPUT, MAY_READ},
    {"TEEC_VALUE_OUTPUT", TEEC_VALUE_OUTPUT, VALUE, 0, TEE_PARAM_TYPE_VALUE_OUTPUT, MAY_WRITE},
    {"TEEC_VALUE_INOUT", TEEC_VALUE_INOUT, VALUE, 0, TEE_PARAM_TYPE_VALUE_INOUT,
     MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_TEMP_INPUT", TEEC_MEMREF_TEMP_INPUT, TEMPORARY, 0, TEE_PARAM_TYPE_MEMREF_INPUT,
     MAY_READ},
    {"TEEC_MEMREF_TEMP_OUTPUT", TEEC_MEMREF_TEMP_OUTPUT, TEMPORARY, 0, TEE_PARAM_TYPE_MEMREF_OUTPUT,
     MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_TEMP_INOUT", TEEC_MEMREF_TEMP_INOUT, TEMPORARY, 0, TEE_PARAM_TYPE_MEMREF_INOUT,
     MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_WHOLE of input memory", TEEC_MEMREF_WHOLE, WHOLE, TEEC_MEM_INPUT,
     TEE_PARAM_TYPE_MEMREF_INPUT, MAY_READ},
    {"TEEC_MEMREF_WHOLE of output memory", TEEC_MEMREF_WHOLE, WHOLE, TEEC_MEM_OUTPUT,
     TEE_PARAM_TYPE_MEMREF_OUTPUT, MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_WHOLE of both", TEEC_MEMREF_WHOLE, WHOLE, TEEC_MEM_INPUT | TEEC_MEM_OUTPUT,
     TEE_PARAM_TYPE_MEMREF_INOUT, MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_PARTIAL_INPUT", TEEC_MEMREF_PARTIAL_INPUT, PART, TEEC_MEM_INPUT | TEEC_MEM_OUTPUT,
     TEE_PARAM_TYPE_MEMREF_INPUT, MAY_READ},
    {"TEEC_MEMREF_PARTIAL_OUTPUT", TEEC_MEMREF_PARTIAL_OUTPUT, PART, TEEC_MEM_OUTPUT,
     TEE_PARAM_TYPE_MEMREF_OUTPUT, MAY_READ | MAY_WRITE},
    {"TEEC_MEMREF_PARTIAL_INOUT", TEEC_MEMREF_PARTIAL_INOUT, PART, TEEC_MEM_INPUT | TEEC_MEM_OUTPUT,
     TEE_PARAM_TYPE_MEMREF_INOUT, MAY_READ | MAY_WRITE},
};

/* What the client sends, and has afterwards. */
struct sent {
    const struct kind_row *row;
    unsigned at;
    char buffer[9]; /* "01234567"; of a part the last four bytes before the end are meant */
    TEEC_SharedMemory shared;
    TEEC_Operation operation;
};

static void send_one(struct sent *sent)
{
    TEEC_Parameter *parameter = &sent->operation.params[sent->at];

    memcpy(sent->buffer, "01234567", 9);
    sent->shared = (TEEC_SharedMemory){
        .buffer = sent->buffer, .size = 8, .flags = sent->row->flags};
    sent->operation = (TEEC_Operation){.paramTypes = sent->row->type << (4 * sent->at)};
    switch (sent->row->memory) {
    case VALUE:
        parameter->value = (TEEC_Value){3, 4};
        break;
    case TEMPORARY:
        parameter->tmpref = (TEEC_TempMemoryReference){sent->buffer, 8};
        break;
    case WHOLE:
        expect_equal(TEEC_RegisterSharedMemory(&client_context, &sent->shared), TEEC_SUCCESS);
        parameter->memref = (TEEC_RegisteredMemoryReference){.parent = &sent->shared};
        break;
    case PART:
        expect_equal(TEEC_RegisterSharedMemory(&client_context, &sent->shared), TEEC_SUCCESS);
        parameter->memref = (TEEC_RegisteredMemoryReference){
            .parent = &sent->shared, .size = 4, .offset = 3};
        break;
    }
}

/* As the TA saw it. */
static void expect_seen(const struct sent *sent)
{
    const TEE_Param *seen = &ta.parameters[sent->at];
    bool comes_in = (sent->row->rights & MAY_READ) != 0;

    expect_equal(ta.types, sent->row->seen << (4 * sent->at));
    if (sent->row->memory == VALUE) {
        if (sent->row->type != TEEC_NONE)
            expect(seen->value.a == (comes_in ? 3 : 0) && seen->value.b == (comes_in ? 4 : 0));
        return;
    }
    expect(seen->memref.buffer == sent->buffer + (sent->row->memory == PART ? 3 : 0));
    expect_equal(seen->memref.size, sent->row->memory == PART ? 4 : 8);
    expect_equal(ta.may_read[sent->at], comes_in);
    expect_equal(ta.may_write[sent->at], (sent->row->rights & MAY_WRITE) != 0);
}

/* As it came back. The TA adds to values, writes the last byte, and wants one byte more. */
static void expect_back(const struct sent *sent)
{
    const TEEC_Parameter *back = &sent->operation.params[sent->at];
    bool goes_out = (sent->row->rights & MAY_WRITE) != 0;
    bool comes_in = (sent->row->rights & MAY_READ) != 0;
    size_t end = sent->row->memory == PART ? 7 : 8;
    char wanted[9] = "01234567";

    if (sent->row->memory == VALUE) {
        expect_equal(back->value.a, goes_out ? (comes_in ? 13 : 10) : 3);
        expect_equal(back->value.b, goes_out ? (comes_in ? 24 : 20) : 4);
        return;
    }
    if (goes_out)
        wanted[end - 1] = 'X';
    expect(memcmp(sent->buffer, wanted, 9) == 0);
    if (sent->row->memory == TEMPORARY)
        expect_equal(back->tmpref.size, goes_out ? 9 : 8);
    else if (sent->row->memory == PART)
        expect_equal(back->memref.size, goes_out ? 5 : 4);
    else
        expect_equal(back->memref.size, goes_out ? 9 : 0);
}

static void goes_there_and_back(const struct rule *rule)
{
    struct sent sent = {.row = rule->of};
    TEEC_Session session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    client_open(MULTIPLE, &session);
    for (sent.at = 0; sent.at < TEEC_CONFIG_PAYLOAD_REF_COUNT; sent.at++) {
        send_one(&sent);
        expect_equal(TEEC_InvokeCommand(&session, COMMAND_LOOK, &sent.operation, &origin),
                     TEEC_SUCCESS);
        expect_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
        expect_seen(&sent);
        expect_back(&sent);
        TEEC_ReleaseSharedMemory(&sent.shared);
    }
    TEEC_CloseSession(&session);
    clients_close();
}

/* --- Calls that can't be made ------------------------------------------------------------ */

static void sessions_need_all(const struct rule *rule)
{
    const TEEC_UUID uuid = client_uuid(SHARED);
    const TEEC_UUID nobody = client_uuid(NOBODY);
    TEEC_Operation output = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, 0, 0, 0),
                             .params = {{.value = {77, 78}}}};
    TEEC_Context unfinished = {.imp = {NULL}};
    TEEC_Session session;
    const struct {
        TEEC_Context *context;
        TEEC_Session *session;
        const TEEC_UUID *uuid;
        uint32_t login;
        const void *data;
        TEEC_Result answer;
        uint32_t origin;
    } calls[] = {
        {NULL, &session, &uuid, 0, NULL, TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API},
        {&unfinished, &session, &uuid, 0, NULL, TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API},
        {&client_context, NULL, &uuid, 0, NULL, TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API},
        {&client_context, &session, NULL, 0, NULL, TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API},
        {&client_context, &session, &uuid, 0, "x", TEEC_ERROR_BAD_PARAMETERS, TEEC_ORIGIN_API},
        {&client_context, &session, &nobody, 0, NULL, TEEC_ERROR_ITEM_NOT_FOUND, TEEC_ORIGIN_TEE},
    };

    clients_open(rule->profile);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        uint32_t origin = 0;

        expect_equal(TEEC_OpenSession(calls[i].context, calls[i].session, calls[i].uuid,
                                      calls[i].login, calls[i].data, &output, &origin),
                     calls[i].answer);
        expect_equal(origin, calls[i].origin);
        expect_equal(TEEC_OpenSession(calls[i].context, calls[i].session, calls[i].uuid,
                                      calls[i].login, calls[i].data, NULL, NULL),
                     calls[i].answer);
    }
    expect(output.params[0].value.a == 77 && output.params[0].value.b == 78);
    expect_equal(ta.created, 0);
    clients_close();
}

/* Who the client says it is. */
static const struct login_row {
    const char *text;
    uint32_t login;
} logins[] = {
    {"TEEC_LOGIN_USER", TEEC_LOGIN_USER},
    {"TEEC_LOGIN_GROUP", TEEC_LOGIN_GROUP},
    {"TEEC_LOGIN_APPLICATION", TEEC_LOGIN_APPLICATION},
    {"TEEC_LOGIN_USER_APPLICATION", TEEC_LOGIN_USER_APPLICATION},
    {"TEEC_LOGIN_GROUP_APPLICATION", TEEC_LOGIN_GROUP_APPLICATION},
    {"a number that is none", 3},
};

static TEEC_Result log_in(uint32_t login, const void *data, uint32_t *origin)
{
    const TEEC_UUID uuid = client_uuid(SHARED);
    TEEC_Session session;
    TEEC_Result result = TEEC_OpenSession(&client_context, &session, &uuid, login, data, NULL,
                                          origin);

    if (result == TEEC_SUCCESS)
        TEEC_CloseSession(&session);
    return result;
}

static void is_no_login_here(const struct rule *rule)
{
    const struct login_row *row = rule->of;
    uint32_t group = 0; /* what GROUP and GROUP_APPLICATION say */
    uint32_t origin = 0;

    clients_open(rule->profile);
    expect_equal(log_in(row->login, &group, &origin), TEEC_ERROR_NOT_SUPPORTED);
    expect_equal(origin, TEEC_ORIGIN_API);
    expect_equal(log_in(row->login, NULL, NULL), TEEC_ERROR_NOT_SUPPORTED);
    expect_equal(ta.created, 0);
    clients_close();
}

static void commands_need_a_session(const struct rule *rule)
{
    TEEC_Session session = {.imp = {NULL}};
    uint32_t origin = 0;

    clients_open(rule->profile);
    expect_equal(TEEC_InvokeCommand(NULL, 0, NULL, &origin), TEEC_ERROR_BAD_PARAMETERS);
    expect_equal(origin, TEEC_ORIGIN_API);
    expect_equal(TEEC_InvokeCommand(&session, 0, NULL, NULL), TEEC_ERROR_BAD_PARAMETERS);
    client_open(SHARED, &session);
    TEEC_CloseSession(&session);
    origin = 0;
    expect_equal(TEEC_InvokeCommand(&session, 0, NULL, &origin), TEEC_ERROR_BAD_PARAMETERS);
    expect_equal(origin, TEEC_ORIGIN_API);
    clients_close();
}

static void null_is_nothing(const struct rule *rule)
{
    TEEC_Session session;
    TEEC_Operation operation = {.started = 0};

    clients_open(rule->profile);
    client_open(SHARED, &session);
    TEEC_CloseSession(NULL);
    TEEC_ReleaseSharedMemory(NULL);
    TEEC_RequestCancellation(NULL);
    TEEC_RequestCancellation(&operation); /* it isn't under way */
    expect_equal(client_call(&session, COMMAND_COUNT), TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    TEEC_CloseSession(&session); /* it is nothing any more */
    expect_equal(ta.closed, 1);
    TEEC_FinalizeContext(NULL);
    TEEC_FinalizeContext(&client_context);
    clients_close(); /* finalizes it again */
}

static void contexts_have_a_name(const struct rule *rule)
{
    TEEC_Context context;

    clients_open(rule->profile);
    expect_equal(TEEC_InitializeContext(NULL, NULL), TEEC_ERROR_BAD_PARAMETERS);
    expect_equal(TEEC_InitializeContext("another", &context), TEEC_ERROR_ITEM_NOT_FOUND);
    expect_equal(TEEC_InitializeContext("coffer", &context), TEEC_SUCCESS);
    TEEC_FinalizeContext(&context);
    clients_close();
}

/* --- Shared memory ----------------------------------------------------------------------- */

static const struct shared_row {
    const char *text;
    bool allocates, no_context, no_memory;
    void *buffer;
    size_t size;
    uint32_t flags;
    TEEC_Result answer;
} shareds[] = {
    {"no context", false, true, false, bytes, 4, TEEC_MEM_INPUT, TEEC_ERROR_BAD_PARAMETERS},
    {"no memory", false, false, true, bytes, 4, TEEC_MEM_INPUT, TEEC_ERROR_BAD_PARAMETERS},
    {"no buffer", false, false, false, NULL, 4, TEEC_MEM_INPUT, TEEC_ERROR_BAD_PARAMETERS},
    {"no flags", false, false, false, bytes, 4, 0, TEEC_ERROR_BAD_PARAMETERS},
    {"flags that are none", false, false, false, bytes, 4, 4, TEEC_ERROR_BAD_PARAMETERS},
    {"too much", false, false, false, bytes, (size_t)TEEC_CONFIG_SHAREDMEM_MAX_SIZE + 1,
     TEEC_MEM_INPUT, TEEC_ERROR_OUT_OF_MEMORY},
    {"no bytes", false, false, false, bytes, 0, TEEC_MEM_INPUT, TEEC_SUCCESS},
    {"no context", true, true, false, NULL, 4, TEEC_MEM_INPUT, TEEC_ERROR_BAD_PARAMETERS},
    {"no memory", true, false, true, NULL, 4, TEEC_MEM_INPUT, TEEC_ERROR_BAD_PARAMETERS},
    {"no flags", true, false, false, NULL, 4, 0, TEEC_ERROR_BAD_PARAMETERS},
    {"flags that are none", true, false, false, NULL, 4, 7, TEEC_ERROR_BAD_PARAMETERS},
    {"too much", true, false, false, NULL, (size_t)TEEC_CONFIG_SHAREDMEM_MAX_SIZE + 1,
     TEEC_MEM_INPUT, TEEC_ERROR_OUT_OF_MEMORY},
    {"no bytes", true, false, false, NULL, 0, TEEC_MEM_OUTPUT, TEEC_SUCCESS},
    {"some bytes", true, false, false, NULL, 64, TEEC_MEM_OUTPUT, TEEC_SUCCESS},
};

static void is_shared_memory(const struct rule *rule)
{
    const struct shared_row *row = rule->of;
    TEEC_SharedMemory memory = {.buffer = row->buffer, .size = row->size, .flags = row->flags};
    TEEC_SharedMemory *given = row->no_memory ? NULL : &memory;
    TEEC_Context *context = row->no_context ? NULL : &client_context;

    clients_open(rule->profile);
    expect_equal(row->allocates ? TEEC_AllocateSharedMemory(context, given)
                                : TEEC_RegisterSharedMemory(context, given),
                 row->answer);
    if (row->answer == TEEC_SUCCESS) {
        expect(memory.buffer != NULL && memory.size == row->size);
        for (size_t i = 0; row->allocates && i < memory.size; i++)
            expect(((const char *)memory.buffer)[i] == 0);
        TEEC_ReleaseSharedMemory(&memory);
        expect(memory.buffer == NULL && memory.size == 0);
    }
    clients_close();
}

/* --- The rules --------------------------------------------------------------------------- */

#define CLIENT(name, number, words, does)                                                          \
    {                                                                                              \
        .function = (name), .clause = "Client API " number, .text = (words), .by_itself = (does),  \
    }

static const struct rule rules[] = {
    CLIENT("TEEC_InitializeContext", "4.5.2", "the TEEs it knows", contexts_have_a_name),
    CLIENT("TEEC_OpenSession", "4.5.7", "what it needs, and whose answer it is", sessions_need_all),
    CLIENT("TEEC_InvokeCommand", "4.5.9", "in a session only", commands_need_a_session),
    CLIENT("TEEC_CloseSession", "4.5.8", "NULL and what is closed are nothing to any call",
           null_is_nothing),
};

static void add_row(const char *function, const char *clause, const char *before, const char *text,
                    void (*does)(const struct rule *rule), const void *of)
{
    struct rule rule = {.function = function, .clause = clause, .by_itself = does, .of = of};
    char line[CASE_TEXT_SIZE];

    (void)snprintf(line, sizeof(line), "%s%s", before, text);
    rule.text = line;
    add(&rule);
}

void add_client_arguments(void)
{
    add_rules(rules);
    for (size_t i = 0; i < sizeof(shareds) / sizeof(shareds[0]); i++)
        add_row(shareds[i].allocates ? "TEEC_AllocateSharedMemory" : "TEEC_RegisterSharedMemory",
                shareds[i].allocates ? "Client API 4.5.5" : "Client API 4.5.4", "", shareds[i].text,
                is_shared_memory, &shareds[i]);
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
        add_row("TEEC_OpenSession", "Client API 4.5.7", "not supported: ", logins[i].text,
                is_no_login_here, &logins[i]);
    for (size_t i = 0; i < sizeof(nones) / sizeof(nones[0]); i++)
        add_row("TEEC_InvokeCommand", "Client API 4.5.9", "no parameter: ", nones[i].text,
                is_no_parameter, &nones[i]);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        add_row("TEEC_InvokeCommand", "Client API 4.5.9", "there and back: ", kinds[i].text,
                goes_there_and_back, &kinds[i]);
}
