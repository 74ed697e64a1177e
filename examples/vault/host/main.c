/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vault's client: the TEE Client API alone, and the same source for OP-TEE and for Coffer.
 *
 *     vault put NAME     the secret comes from standard input, without the end of its line
 *     vault get NAME     to standard output
 *     vault rm NAME
 *     vault ls
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tee_client_api.h>

#include "vault_ta.h"

#define NAMES_SIZE 65536u

static int tell(const char *what, TEEC_Result result)
{
    if (result == TEEC_SUCCESS)
        return EXIT_SUCCESS;
    if (result == TEEC_ERROR_ITEM_NOT_FOUND)
        (void)fprintf(stderr, "vault: %s: not found\n", what);
    else
        (void)fprintf(stderr, "vault: %s: error 0x%08x\n", what, (unsigned)result);
    return EXIT_FAILURE;
}

static void set_name(TEEC_Operation *operation, char *name)
{
    operation->params[0].tmpref.buffer = name;
    operation->params[0].tmpref.size = strlen(name);
}

static int put(TEEC_Session *session, char *name)
{
    static char secret[VAULT_SECRET_MAX + 1];
    TEEC_Operation operation = {0};
    size_t size = fread(secret, 1, sizeof(secret), stdin);

    if (size > 0 && secret[size - 1] == '\n')
        size--;
    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_INPUT,
                                            TEEC_NONE, TEEC_NONE);
    set_name(&operation, name);
    operation.params[1].tmpref.buffer = secret;
    operation.params[1].tmpref.size = size;
    return tell("put", TEEC_InvokeCommand(session, VAULT_PUT, &operation, NULL));
}

static int get(TEEC_Session *session, char *name)
{
    static char secret[VAULT_SECRET_MAX];
    TEEC_Operation operation = {0};
    TEEC_Result result;

    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
                                            TEEC_NONE, TEEC_NONE);
    set_name(&operation, name);
    operation.params[1].tmpref.buffer = secret;
    operation.params[1].tmpref.size = sizeof(secret);
    result = TEEC_InvokeCommand(session, VAULT_GET, &operation, NULL);
    if (result == TEEC_SUCCESS)
        (void)printf("%.*s\n", (int)operation.params[1].tmpref.size, secret);
    return tell("get", result);
}

static int forget(TEEC_Session *session, char *name)
{
    TEEC_Operation operation = {0};

    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_NONE, TEEC_NONE,
                                            TEEC_NONE);
    set_name(&operation, name);
    return tell("rm", TEEC_InvokeCommand(session, VAULT_REMOVE, &operation, NULL));
}

static int list(TEEC_Session *session)
{
    static char names[NAMES_SIZE];
    TEEC_Operation operation = {0};
    TEEC_Result result;

    operation.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT, TEEC_VALUE_OUTPUT, TEEC_NONE,
                                            TEEC_NONE);
    operation.params[0].tmpref.buffer = names;
    operation.params[0].tmpref.size = sizeof(names);
    result = TEEC_InvokeCommand(session, VAULT_LIST, &operation, NULL);
    for (size_t at = 0; result == TEEC_SUCCESS && at < operation.params[0].tmpref.size;
         at += strlen(names + at) + 1)
        (void)puts(names + at);
    return tell("ls", result);
}

static int run(TEEC_Session *session, int count, char **words)
{
    if (count == 3 && strcmp(words[1], "put") == 0)
        return put(session, words[2]);
    if (count == 3 && strcmp(words[1], "get") == 0)
        return get(session, words[2]);
    if (count == 3 && strcmp(words[1], "rm") == 0)
        return forget(session, words[2]);
    if (count == 2 && strcmp(words[1], "ls") == 0)
        return list(session);
    (void)fprintf(stderr, "usage: vault put|get|rm NAME, vault ls\n");
    return 2;
}

int main(int count, char **words)
{
    const TEEC_UUID uuid = VAULT_UUID;
    TEEC_Context context;
    TEEC_Session session;
    TEEC_Result result = TEEC_InitializeContext(NULL, &context);
    int status;

    if (result != TEEC_SUCCESS)
        return tell("no TEE", result);
    result = TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
    if (result == TEEC_SUCCESS) {
        status = run(&session, count, words);
        TEEC_CloseSession(&session);
    } else {
        status = tell("no vault", result);
    }
    TEEC_FinalizeContext(&context);
    return status;
}
