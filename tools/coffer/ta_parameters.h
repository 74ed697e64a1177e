/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TA's parameters on the command line, four at most:
 *
 *     value:A[,B]          two numbers, decimal or 0x…, in and out
 *     value-in:A[,B]       the same, in only
 *     value-out            out only
 *     in:BYTES             memory that the TA reads
 *     out:SIZE[,FILE]      memory that it fills; printed, or written to FILE
 *     inout:SIZE,BYTES     memory of that size that begins with BYTES, in and out; printed
 *     none                 nothing, to reach a later place
 *
 * BYTES is text, `hex:` and hex digits, or `@FILE`.
 */
#ifndef COFFER_COMMAND_TA_PARAMETERS_H
#define COFFER_COMMAND_TA_PARAMETERS_H

#include <json-c/json.h>
#include <tee_client_api.h>

#include "options.h"

struct ta_parameters {
    TEEC_Operation operation;
    size_t sizes[TEEC_CONFIG_PAYLOAD_REF_COUNT];      /* of memory: how much there is */
    const char *files[TEEC_CONFIG_PAYLOAD_REF_COUNT]; /* where output goes; NULL: to be printed */
};

/* Four words at most. EXIT_USAGE, or what a FILE answers, after telling what is wrong; then there
 * is nothing to free.
 */
enum exit_status ta_parameters_parse(struct options *options, int count, char *const *words,
                                     struct ta_parameters *out);
/* Wipes what was in them. */
void ta_parameters_fini(struct ta_parameters *parameters);

/* Is there an output that the TA would have had more room for? Which one, and how much, bytes. */
bool ta_parameters_are_short(const struct ta_parameters *parameters, int *index, size_t *wanted);

/* What the TA told: to their files, and as text on standard output or as JSON. */
enum exit_status ta_parameters_write(struct options *options,
                                     const struct ta_parameters *parameters);
void ta_parameters_print(const struct ta_parameters *parameters);
struct json_object *ta_parameters_json(const struct ta_parameters *parameters);

#endif
