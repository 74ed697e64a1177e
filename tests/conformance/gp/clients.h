/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAs and their client, for rules of sessions: what TEE_ calls a client's request becomes, and what
 * of it comes back. The TAs are one piece of code that does what commands say, and differ in their
 * flags.
 */
#ifndef TESTS_CONFORMANCE_GP_CLIENTS_H
#define TESTS_CONFORMANCE_GP_CLIENTS_H

#include <stdatomic.h>

#include "cases.h"
#include "tee_client_api.h"

/* Which TA: the last byte of its UUID. */
enum {
    SINGLE = 1, /* one instance, one session */
    SHARED,     /* one instance, many sessions */
    KEPT,       /* ... which stays */
    MULTIPLE,   /* an instance for each session */
    NOBODY,     /* there is no such TA */
};

enum {
    COMMAND_LOOK,  /* at the parameters, and change what may be */
    COMMAND_COUNT, /* how often it was called */
    COMMAND_PANIC,
    COMMAND_PANIC_LATE, /* when other threads had time to wait for their turns */
    COMMAND_HOLD,       /* make an object, and keep a handle on it alone */
    COMMAND_WAIT,       /* until it is cancelled, or may go on */
    COMMAND_MASKED,     /* the same, masked */
    COMMAND_MASK,       /* what the calls on the mask answer */
    COMMAND_ANSWER,     /* the first value */
};

/* Of all TAs: what happened, and what is to happen. */
struct ta_state {
    atomic_uint created, destroyed, opened, closed, counted, waiting;
    atomic_bool go_on;
    TEE_Result create_answer, open_answer;
    bool panics_at_creation, panics_at_opening, panics_at_closing, panics_at_destruction;
    bool opens_object; /* its open entry point opens what COMMAND_HOLD made, alone */

    uint32_t types;          /* COMMAND_LOOK's */
    TEE_Param parameters[4]; /* as they came */
    bool may_read[4], may_write[4];
};

extern struct ta_state ta;

/* A world for clients, with these TAs, and a context. */
void clients_open(enum gp_profile profile);
/* All sessions are closed; what is wrong is noted. */
void clients_close(void);

extern TEEC_Context client_context;

TEEC_UUID client_uuid(uint8_t last);
TEEC_Result client_try(uint8_t last, TEEC_Session *session, uint32_t *origin);
/* Noted when it isn't opened. */
void client_open(uint8_t last, TEEC_Session *session);
TEEC_Result client_call(TEEC_Session *session, uint32_t command);

#endif
