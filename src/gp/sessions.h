/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAs, their lives, and sessions: from a client's request to an entry point and back.
 *
 *   TA        code with a UUID; linked in, or loaded by the tee's loader when it is wanted
 *   life      of an instance: from the create entry point to the destroy entry point, or a panic
 *   session   a client's connection to a life
 *   request   one operation of a client under way: its parameters, and whether it was cancelled
 *
 * Invariants
 *   GS1 A life's code runs in one thread at a time: that of who has the turn (`running`).
 *   GS2 A TA with TA_FLAG_SINGLE_INSTANCE has at most one life with an instance.
 *   GS3 After a panic a life has no instance: what that had is given back before the turn is, no
 *      code of it runs any more, and the record stays for the sessions that still name it.
 *   GS4 A life ends with its last user, but for TA_FLAG_INSTANCE_KEEP_ALIVE: with the tee.
 *   GS5 Of two lives of a TA with TA_FLAG_SINGLE_INSTANCE that is linked in, the one ends before
 * the other begins, if it didn't panic: they share static variables.
 *
 * Locking: all of it under the tee's `lock`, but what a TA's code does, and an instance's opening
 * and closing. `changed` is told of each turn that is given back, each life that began or ended and
 * each request that is cancelled.
 */
#ifndef COFFER_GP_SESSIONS_H
#define COFFER_GP_SESSIONS_H

#include <stdatomic.h>

#include "coffer/tee.h"
#include "gp/gp.h"

/* A TA's code, once for each life. */
struct gp_image {
    const struct coffer_ta_code *code;
    void *handle; /* the loader's; NULL: linked in */
};

/* Where TAs come from that nobody registered. The port's. */
struct gp_loader {
    void *context;
    /* COFFER_NOT_FOUND: there is none; COFFER_CORRUPT: it is no TA, or another's. NULL: no loader.
     */
    enum coffer_status (*load)(void *context, const TEE_UUID *uuid, struct gp_image *out);
    void (*unload)(void *context, void *handle);
};

struct coffer_tee {
    struct gp_tee gp;
    const struct coffer_port *port;
    struct gp_loader loader;
    struct gp_limits limits;        /* of each instance */
    void (*release)(void *context); /* called when all is closed; NULL: nothing */
    void *release_context;

    struct port_lock lock;
    struct port_condition changed; /* where the port has conditions */
    struct list tas;
};

struct gp_ta {
    struct list link; /* tee->tas */
    TEE_UUID uuid;
    const struct coffer_ta_code *code; /* linked in; NULL: each life loads its own */
    struct list lives;
    unsigned users; /* lives, and who is about to begin one */
    bool changing;  /* a life is beginning or ending */
};

struct gp_life {
    struct list link; /* ta->lives */
    struct coffer_tee *tee;
    struct gp_ta *ta;
    struct gp_image image;
    struct gp_instance *instance; /* NULL: it panicked */
    struct list sessions;         /* open ones */
    unsigned users;               /* sessions, open or about to be */
    bool running;
};

struct gp_session {
    struct list link; /* life->sessions, once it is open */
    struct gp_life *life;
    TEE_Identity client;
    void *context; /* the TA's own */
};

struct gp_request {
    uint32_t types;
    TEE_Param parameters[TEE_NUM_PARAMS]; /* in, and out as far as the types have outputs */
    uint32_t origin;                      /* out: whose answer it is, TEE_ORIGIN_ */
    atomic_bool cancelled;
};

struct gp_tee_parts {
    struct gp_tee_settings settings;
    struct gp_limits limits;
    struct gp_loader loader;
    void (*release)(void *context);
    void *release_context;
};

/* A tee in `tee`, which the caller has memory for. */
COFFER_MUST_CHECK enum coffer_status gp_sessions_open(struct coffer_tee *tee,
                                                      const struct gp_tee_parts *parts);

/* Open a session with a TA's life, which begins if need be. On failure there is none, whatever the
 * origin. TEE_ERROR_ITEM_NOT_FOUND: no such TA; _BUSY: its one life has a session and takes no
 * other; _CANCEL; _TARGET_DEAD: it panicked at its creation or at this session, and not at others';
 * _OUT_OF_MEMORY; what the TA says. */
TEE_Result gp_session_open(struct coffer_tee *tee, const TEE_UUID *uuid, const TEE_Identity *client,
                           struct gp_request *request, struct gp_session **out);

/* Invoke a command. _CANCEL: before it began; _TARGET_DEAD; what the TA says. */
TEE_Result gp_session_invoke(struct gp_session *session, uint32_t command,
                             struct gp_request *request);

/* No call on the session may be under way. coffer_tee_close does it for those that are left. */
void gp_session_close(struct gp_session *session);

/* Cancel a request: one that waits ends; a TA that runs learns of it if it asks. */
void gp_request_cancel(struct coffer_tee *tee, struct gp_request *request);

#endif
