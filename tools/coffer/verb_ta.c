/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer ta: start a trusted application from its shared object and invoke a command of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux_tee.h"
#include "key.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "ta_parameters.h"
#include "tee_client_api.h"
#include "verbs.h"

enum { OPTION_PROFILE_TEE = 0x200 };

static const struct argp_option switches[] = {
    {"gp-profile", OPTION_PROFILE_TEE, "NAME", 0,
     "gp-1.3.1: the standard, strictly (default); optee-4: with OP-TEE's differences", 0},
    {0},
};

struct ta_call {
    enum coffer_tee_profile profile;
    TEEC_UUID uuid;
    uint32_t command;
    struct ta_parameters parameters;
    uint32_t origin;
};

static bool set(struct call *call, int key, const char *value)
{
    struct ta_call *own = call->own;

    (void)key;
    if (strcmp(value, "gp-1.3.1") == 0)
        own->profile = COFFER_TEE_GP_1_3_1;
    else if (strcmp(value, "optee-4") == 0)
        own->profile = COFFER_TEE_OPTEE_4;
    else
        return fail_usage(call->options, "ta --gp-profile %s: it is gp-1.3.1 or optee-4", value),
               false;
    return true;
}

static const struct grammar grammar = {
    .verb = "ta",
    .arguments = "run FILE COMMAND [PARAMETER...]",
    .text =
        "Start the trusted application in the shared object FILE, open a session, invoke COMMAND "
        "(a number), and tell what comes back.\v"
        "A PARAMETER is value:A[,B], value-in:A[,B], value-out, in:BYTES, out:SIZE[,FILE], "
        "inout:SIZE,BYTES or none; BYTES is "
        "text, hex:DIGITS or @FILE. The TA's objects are in the store. A TA that panics is told of "
        "with the call that it panicked in.",
    .switches = switches,
    .set = set,
    .least = 3,
    .most = 3 + TEEC_CONFIG_PAYLOAD_REF_COUNT,
};

/* What an answer of a TA is to a shell. */
static enum coffer_status status_of(TEEC_Result result)
{
    switch (result) {
    case TEEC_ERROR_ITEM_NOT_FOUND:
        return COFFER_NOT_FOUND;
    case TEEC_ERROR_ACCESS_CONFLICT:
        return COFFER_EXISTS;
    case TEEC_ERROR_BUSY:
        return COFFER_BUSY;
    case TEEC_ERROR_OUT_OF_MEMORY:
        return COFFER_NO_MEMORY;
    case TEE_ERROR_STORAGE_NO_SPACE:
        return COFFER_NO_SPACE;
    case TEE_ERROR_CORRUPT_OBJECT:
        return COFFER_CORRUPT;
    default:
        return COFFER_MISUSE;
    }
}

static const char *origin_text(uint32_t origin)
{
    switch (origin) {
    case TEEC_ORIGIN_TRUSTED_APP:
        return "the TA";
    case TEEC_ORIGIN_TEE:
        return "the TEE";
    default:
        return "the client's side";
    }
}

/* The standard's name of an answer; NULL: it is the TA's own. */
static const char *name_of_result(TEEC_Result result)
{
    static const struct {
        TEEC_Result result;
        const char *name;
    } names[] = {
        {TEE_ERROR_CORRUPT_OBJECT, "CORRUPT_OBJECT"},
        {TEEC_ERROR_STORAGE_NOT_AVAILABLE, "STORAGE_NOT_AVAILABLE"},
        {TEEC_ERROR_GENERIC, "GENERIC"},
        {TEEC_ERROR_ACCESS_DENIED, "ACCESS_DENIED"},
        {TEEC_ERROR_CANCEL, "CANCEL"},
        {TEEC_ERROR_ACCESS_CONFLICT, "ACCESS_CONFLICT"},
        {TEEC_ERROR_EXCESS_DATA, "EXCESS_DATA"},
        {TEEC_ERROR_BAD_FORMAT, "BAD_FORMAT"},
        {TEEC_ERROR_BAD_PARAMETERS, "BAD_PARAMETERS"},
        {TEEC_ERROR_BAD_STATE, "BAD_STATE"},
        {TEEC_ERROR_ITEM_NOT_FOUND, "ITEM_NOT_FOUND"},
        {TEEC_ERROR_NOT_IMPLEMENTED, "NOT_IMPLEMENTED"},
        {TEEC_ERROR_NOT_SUPPORTED, "NOT_SUPPORTED"},
        {TEEC_ERROR_NO_DATA, "NO_DATA"},
        {TEEC_ERROR_OUT_OF_MEMORY, "OUT_OF_MEMORY"},
        {TEEC_ERROR_BUSY, "BUSY"},
        {TEEC_ERROR_SECURITY, "SECURITY"},
        {TEEC_ERROR_SHORT_BUFFER, "SHORT_BUFFER"},
        {TEEC_ERROR_STORAGE_NO_SPACE, "STORAGE_NO_SPACE"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].result == result)
            return names[i].name;
    }
    return NULL;
}

static enum exit_status tell_failure(struct options *options, const struct ta_call *own,
                                     TEEC_Result result)
{
    const char *name = name_of_result(result);
    size_t wanted;
    int index;

    if (result == TEEC_ERROR_TARGET_DEAD)
        return fail_because(options, COFFER_MISUSE, "ta: the TA panicked");
    if (result == TEEC_ERROR_SHORT_BUFFER &&
        ta_parameters_are_short(&own->parameters, &index, &wanted))
        return fail_because(options, status_of(result),
                            "ta: %s answers SHORT_BUFFER: parameter %d would have %zu bytes",
                            origin_text(own->origin), index, wanted);
    return fail_because(options, status_of(result), "ta: %s answers 0x%08" PRIx32 "%s%s",
                        origin_text(own->origin), result, name == NULL ? "" : ", ",
                        name == NULL ? "" : name);
}

static enum exit_status tell_result(struct options *options, const struct ta_call *own)
{
    enum exit_status result = ta_parameters_write(options, &own->parameters);
    struct json_object *all;

    if (result != EXIT_DONE)
        return result;
    if (!options->json) {
        ta_parameters_print(&own->parameters);
        return EXIT_DONE;
    }
    all = json_object_new_object();
    json_object_object_add(all, "result", json_of_u64(0));
    json_object_object_add(all, "parameters", ta_parameters_json(&own->parameters));
    (void)output_json(all);
    return EXIT_DONE;
}

static enum exit_status invoke(struct options *options, struct ta_call *own)
{
    TEEC_Context context;
    TEEC_Session session;
    TEEC_Result result = TEEC_InitializeContext(NULL, &context);

    own->origin = TEEC_ORIGIN_API;
    if (result != TEEC_SUCCESS)
        return tell_failure(options, own, result);
    result = TEEC_OpenSession(&context, &session, &own->uuid, TEEC_LOGIN_PUBLIC, NULL, NULL,
                              &own->origin);
    if (result == TEEC_SUCCESS) {
        result = TEEC_InvokeCommand(&session, own->command, &own->parameters.operation,
                                    &own->origin);
        TEEC_CloseSession(&session);
    }
    TEEC_FinalizeContext(&context);
    return result == TEEC_SUCCESS ? tell_result(options, own) : tell_failure(options, own, result);
}

static enum exit_status open_tee(struct options *options, const struct ta_call *own,
                                 struct coffer_tee **out)
{
    struct coffer_key key_given;
    enum exit_status result;
    enum coffer_status status;
    char *directory = NULL;
    struct key key;

    result = session_directory(options, &directory);
    if (result != EXIT_DONE)
        return result;
    result = key_load(options, directory, &key);
    if (result == EXIT_DONE) {
        key_given = (struct coffer_key){options->key_kind, key.bytes, key.size};
        status = coffer_linux_tee_open(
            &(struct coffer_linux_tee_options){.directory = directory,
                                               .key = &key_given,
                                               .store_memory = options->memory,
                                               .huk_plain = options->huk_plain,
                                               .head_full_hash = options->head_full_hash,
                                               .profile = own->profile},
            out);
        key_wipe(&key);
        if (status != COFFER_OK)
            result = fail_status(options, status, NULL, "store %s", directory);
    }
    free(directory);
    return result;
}

static enum exit_status run_file(struct options *options, const char *path, struct ta_call *own)
{
    struct coffer_tee *tee;
    enum exit_status result = open_tee(options, own, &tee);
    enum coffer_status status;
    TEE_UUID uuid;

    if (result != EXIT_DONE)
        return result;
    status = coffer_linux_tee_load(tee, path, &uuid);
    if (status == COFFER_OK) {
        own->uuid = (TEEC_UUID){uuid.timeLow, uuid.timeMid, uuid.timeHiAndVersion, {0}};
        memcpy(own->uuid.clockSeqAndNode, uuid.clockSeqAndNode, sizeof(uuid.clockSeqAndNode));
        status = coffer_linux_tee_use(tee);
    }
    if (status == COFFER_OK)
        result = invoke(options, own);
    else if (status == COFFER_CORRUPT)
        result = fail_because(options, status, "ta %s: it is no shared object of a TA", path);
    else
        result = fail_status(options, status, status == COFFER_NOT_FOUND ? "name its file" : NULL,
                             "ta %s", path);
    coffer_tee_close(tee);
    return result;
}

static enum exit_status read_words(const struct call *call, struct ta_call *own)
{
    char *const *words = call->words;
    char *end = NULL;
    unsigned long command;

    if (strcmp(words[0], "run") != 0)
        return fail_usage(call->options, "ta %s: it is `ta run`", words[0]);
    errno = 0;
    command = strtoul(words[2], &end, 0);
    if (words[2][0] < '0' || words[2][0] > '9' || *end != '\0' || errno != 0 ||
        command > UINT32_MAX)
        return fail_usage(call->options, "ta run: command %s: it is a number less than 2^32",
                          words[2]);
    own->command = (uint32_t)command;
    return ta_parameters_parse(call->options, call->count - 3, words + 3, &own->parameters);
}

enum exit_status verb_ta(struct options *options, int argc, char **argv)
{
    struct ta_call own = {.profile = COFFER_TEE_GP_1_3_1};
    enum exit_status result;
    struct call call;

    result = call_parse(&grammar, options, &own, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    result = read_words(&call, &own);
    if (result == EXIT_DONE) {
        result = run_file(options, call.words[1], &own);
        ta_parameters_fini(&own.parameters);
    }
    call_fini(&call);
    return result;
}
