/* SPDX-License-Identifier: BSD-2-Clause */
/* From a client's request to a TA's entry point: lives, turns, sessions. */
#include "gp/sessions.h"

#include <string.h>

#include "base/assert.h"
#include "base/text.h"

static void lock(struct coffer_tee *tee)
{
    tee->port->lock_take(tee->port->context, &tee->lock);
}

static void unlock(struct coffer_tee *tee)
{
    tee->port->lock_give(tee->port->context, &tee->lock);
}

/* Whoever waits looks anew. */
static void tell_locked(struct coffer_tee *tee)
{
    if (tee->port->condition_broadcast != NULL)
        tee->port->condition_broadcast(tee->port->context, &tee->changed);
}

/* False: nobody could ever tell, as there is one thread. */
static bool wait_locked(struct coffer_tee *tee)
{
    enum coffer_status status;

    if (tee->port->condition_wait == NULL)
        return false;
    status = tee->port->condition_wait(tee->port->context, &tee->changed, &tee->lock, UINT64_MAX);
    assert_cheap(status == COFFER_OK);
    (void)status;
    return true;
}

/* --- Running a TA's code ----------------------------------------------------------------- */

enum entry {
    ENTRY_CREATE,
    ENTRY_DESTROY,
    ENTRY_OPEN,
    ENTRY_CLOSE,
    ENTRY_INVOKE,
};

struct entry_call {
    const struct coffer_ta_code *code;
    enum entry entry;
    uint32_t command;
    struct gp_session *session; /* NULL: of none */
    struct gp_request *request; /* NULL: none of a client's */
    TEE_Result result;
};

static void enter(void *argument)
{
    struct entry_call *call = argument;
    const struct coffer_ta_code *code = call->code;

    switch (call->entry) {
    case ENTRY_CREATE:
        call->result = code->create();
        break;
    case ENTRY_DESTROY:
        code->destroy();
        break;
    case ENTRY_OPEN:
        call->result = code->open_session(call->request->types, call->request->parameters,
                                          &call->session->context);
        break;
    case ENTRY_CLOSE:
        code->close_session(call->session->context);
        break;
    case ENTRY_INVOKE:
        call->result = code->invoke(call->session->context, call->command, call->request->types,
                                    call->request->parameters);
        break;
    }
}

/* What of the client's memory the TA may touch during a request. */
static void share(struct gp_instance *instance, const struct gp_request *request)
{
    for (unsigned i = 0; i < TEE_NUM_PARAMS; i++) {
        uint32_t type = request == NULL ? TEE_PARAM_TYPE_NONE
                                        : TEE_PARAM_TYPE_GET(request->types, i);

        instance->shared[i] = (struct gp_shared){NULL, 0, false};
        if (type >= TEE_PARAM_TYPE_MEMREF_INPUT)
            instance->shared[i] = (struct gp_shared){request->parameters[i].memref.buffer,
                                                     request->parameters[i].memref.size,
                                                     type != TEE_PARAM_TYPE_MEMREF_INPUT};
    }
}

/* Run an entry point, by who has the turn. A TA that panics has no instance any more. */
static TEE_Result run(struct gp_life *life, struct entry_call *call)
{
    struct gp_instance *instance = life->instance;

    call->code = life->image.code;
    call->result = TEE_SUCCESS;
    if (call->session != NULL)
        instance->client = call->session->client;
    instance->request = call->request;
    instance->cancellation_masked = true;
    share(instance, call->request);
    gp_run(instance, enter, call);
    share(instance, NULL);
    instance->request = NULL;
    instance->client = (TEE_Identity){.login = TEE_LOGIN_PUBLIC};
    if (call->request != NULL)
        call->request->origin = instance->panicked ? TEE_ORIGIN_TEE : TEE_ORIGIN_TRUSTED_APP;
    if (!instance->panicked)
        return call->result;
    gp_instance_close(instance); /* before a life that comes after it may begin */
    lock(life->tee);
    life->instance = NULL;
    unlock(life->tee);
    return TEE_ERROR_TARGET_DEAD;
}

/* To be the one who runs the life's code. `request` NULL: it can't be cancelled. */
static TEE_Result take_turn_locked(struct gp_life *life, const struct gp_request *request)
{
    for (;;) {
        if (request != NULL && atomic_load(&request->cancelled))
            return TEE_ERROR_CANCEL;
        if (!life->running)
            break;
        if (!wait_locked(life->tee))
            return TEE_ERROR_BUSY;
    }
    if (life->instance == NULL)
        return TEE_ERROR_TARGET_DEAD;
    life->running = true;
    return TEE_SUCCESS;
}

static void give_turn_locked(struct gp_life *life)
{
    life->running = false;
    tell_locked(life->tee);
}

/* --- TAs --------------------------------------------------------------------------------- */

static struct gp_ta *find_ta_locked(struct coffer_tee *tee, const TEE_UUID *uuid)
{
    list_each (link, &tee->tas) {
        struct gp_ta *ta = list_entry(link, struct gp_ta, link);

        if (memcmp(&ta->uuid, uuid, sizeof(*uuid)) == 0)
            return ta;
    }
    return NULL;
}

static enum coffer_status add_ta_locked(struct coffer_tee *tee, const TEE_UUID *uuid,
                                        const struct coffer_ta_code *code, struct gp_ta **out)
{
    struct gp_ta *ta = gp_alloc(tee->gp.pool, sizeof(*ta));

    if (ta == NULL)
        return COFFER_NO_MEMORY;
    *ta = (struct gp_ta){.uuid = *uuid, .code = code};
    list_init(&ta->lives);
    list_insert_before(&tee->tas, &ta->link);
    *out = ta;
    return COFFER_OK;
}

static void remove_ta_locked(struct coffer_tee *tee, struct gp_ta *ta)
{
    list_remove(&ta->link);
    gp_free(tee->gp.pool, ta);
}

/* One user less; nothing is kept of a TA that only the loader knows. */
static void put_ta_locked(struct coffer_tee *tee, struct gp_ta *ta)
{
    assert_cheap(ta->users > 0);
    if (--ta->users == 0 && ta->code == NULL)
        remove_ta_locked(tee, ta);
}

enum coffer_status coffer_tee_register(struct coffer_tee *tee, const struct coffer_ta_code *code)
{
    enum coffer_status status = COFFER_EXISTS;
    struct gp_ta *ta;

    if (tee == NULL || code == NULL || code->create == NULL || code->destroy == NULL ||
        code->open_session == NULL || code->close_session == NULL || code->invoke == NULL)
        return COFFER_MISUSE;
    lock(tee);
    if (find_ta_locked(tee, &code->uuid) == NULL)
        status = add_ta_locked(tee, &code->uuid, code, &ta);
    unlock(tee);
    return status;
}

/* --- Lives ------------------------------------------------------------------------------- */

static TEE_Result load_image(struct coffer_tee *tee, const struct gp_ta *ta, struct gp_image *out)
{
    *out = (struct gp_image){.code = ta->code};
    if (ta->code != NULL)
        return TEE_SUCCESS;
    if (tee->loader.load == NULL)
        return TEE_ERROR_ITEM_NOT_FOUND;
    switch (tee->loader.load(tee->loader.context, &ta->uuid, out)) {
    case COFFER_OK:
        return TEE_SUCCESS;
    case COFFER_NO_MEMORY:
        return TEE_ERROR_OUT_OF_MEMORY;
    case COFFER_CORRUPT:
        return TEE_ERROR_BAD_FORMAT;
    default:
        return TEE_ERROR_ITEM_NOT_FOUND;
    }
}

static void unload_image(struct coffer_tee *tee, const struct gp_image *image)
{
    if (image->handle != NULL)
        tee->loader.unload(tee->loader.context, image->handle);
}

/* The instance of a life that has its image. */
static TEE_Result make_instance(struct gp_life *life)
{
    struct gp_limits limits = life->tee->limits;
    const struct coffer_ta_code *code = life->image.code;
    enum coffer_status status;

    /* A TA says how much heap it wants; one that OP-TEE gave 32 KiB may have more here. */
    if (code->data_size > limits.heap)
        return TEE_ERROR_OUT_OF_MEMORY;
    status = gp_instance_open(&life->tee->gp, &life->ta->uuid, &limits, &life->instance);
    if (status != COFFER_OK)
        return TEE_ERROR_OUT_OF_MEMORY;
    life->instance->manifest = (struct gp_manifest){.flags = code->flags,
                                                    .stack_size = code->stack_size,
                                                    .version = code->version,
                                                    .description = code->description,
                                                    .properties = code->properties,
                                                    .property_count = code->property_count};
    return TEE_SUCCESS;
}

/* A life whose create entry point has run. Without any lock. */
static TEE_Result begin_life(struct coffer_tee *tee, struct gp_ta *ta, uint32_t *origin,
                             struct gp_life **out)
{
    struct entry_call call = {.entry = ENTRY_CREATE};
    struct gp_life *life = gp_alloc(tee->gp.pool, sizeof(*life));
    TEE_Result result;

    if (life == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    *life = (struct gp_life){.tee = tee, .ta = ta, .users = 1};
    list_init(&life->link);
    list_init(&life->sessions);
    result = load_image(tee, ta, &life->image);
    if (result != TEE_SUCCESS)
        goto no_image;
    result = make_instance(life);
    if (result != TEE_SUCCESS)
        goto no_instance;
    result = run(life, &call);
    if (result == TEE_SUCCESS) {
        *out = life;
        return TEE_SUCCESS;
    }

    if (life->instance != NULL) {
        *origin = TEE_ORIGIN_TRUSTED_APP;
        gp_instance_close(life->instance);
    }
no_instance:
    unload_image(tee, &life->image);
no_image:
    gp_free(tee->gp.pool, life);
    return result;
}

/* The one life of a TA that may have only one, if it has an instance. */
static struct gp_life *single_life_locked(const struct gp_ta *ta)
{
    list_each (link, &ta->lives) {
        struct gp_life *life = list_entry(link, struct gp_life, link);

        if (life->instance != NULL && (life->image.code->flags & TA_FLAG_SINGLE_INSTANCE) != 0)
            return life;
    }
    return NULL;
}

/* The life for a new session, with one user more. May give up the lock meanwhile. */
static TEE_Result get_life_locked(struct coffer_tee *tee, struct gp_ta *ta,
                                  struct gp_request *request, struct gp_life **out)
{
    struct gp_life *life;
    TEE_Result result;

    while (ta->changing) {
        if (atomic_load(&request->cancelled))
            return TEE_ERROR_CANCEL;
        if (!wait_locked(tee))
            return TEE_ERROR_BUSY;
    }
    life = single_life_locked(ta);
    if (life != NULL) {
        if ((life->image.code->flags & TA_FLAG_MULTI_SESSION) == 0 && life->users > 0)
            return TEE_ERROR_BUSY;
        life->users++;
        *out = life;
        return TEE_SUCCESS;
    }
    ta->changing = true;
    unlock(tee);
    result = begin_life(tee, ta, &request->origin, &life);
    lock(tee);
    ta->changing = false;
    tell_locked(tee);
    if (result != TEE_SUCCESS)
        return result;
    ta->users++;
    list_insert_before(&ta->lives, &life->link);
    *out = life;
    return TEE_SUCCESS;
}

/* Its destroy entry point runs, if it still can, and it is gone. Gives up the lock meanwhile. */
static void end_life_locked(struct gp_life *life)
{
    struct entry_call call = {.entry = ENTRY_DESTROY};
    struct coffer_tee *tee = life->tee;
    struct gp_ta *ta = life->ta;

    list_remove(&life->link); /* nobody gets it any more */
    while (ta->changing) {
        bool told = wait_locked(tee);

        assert_cheap(told); /* else there is one thread, and it is here */
        (void)told;
    }
    ta->changing = true;
    unlock(tee);
    if (life->instance != NULL)
        (void)run(life, &call); /* a panic ends it just as well */
    if (life->instance != NULL)
        gp_instance_close(life->instance);
    unload_image(tee, &life->image);
    lock(tee);
    ta->changing = false;
    gp_free(tee->gp.pool, life);
    tell_locked(tee);
    put_ta_locked(tee, ta);
}

static void put_life_locked(struct gp_life *life)
{
    const uint32_t kept = TA_FLAG_SINGLE_INSTANCE | TA_FLAG_INSTANCE_KEEP_ALIVE;

    assert_cheap(life->users > 0);
    if (--life->users > 0)
        return;
    if (life->instance == NULL || (life->image.code->flags & kept) != kept)
        end_life_locked(life);
}

/* --- Sessions ---------------------------------------------------------------------------- */

/* Run an entry point in its turn. `waits`: whose cancellation ends the waiting; NULL: nobody's.
 * call->code stays NULL where it didn't come to that. */
static TEE_Result run_in_turn_locked(struct gp_session *session, struct entry_call *call,
                                     const struct gp_request *waits)
{
    struct gp_life *life = session->life;
    TEE_Result result = take_turn_locked(life, waits);

    if (result != TEE_SUCCESS)
        return result;
    unlock(life->tee);
    call->session = session;
    result = run(life, call);
    lock(life->tee);
    give_turn_locked(life);
    return result;
}

static TEE_Result open_locked(struct coffer_tee *tee, struct gp_ta *ta, struct gp_session *session,
                              struct gp_request *request)
{
    struct entry_call call = {.entry = ENTRY_OPEN, .request = request};
    TEE_Result result;

    /* Another session's panic may end the life while this one waits for its turn: then there is
     * a new life for it. */
    do {
        result = get_life_locked(tee, ta, request, &session->life);
        if (result != TEE_SUCCESS)
            return result;
        result = run_in_turn_locked(session, &call, request);
        if (result == TEE_SUCCESS)
            list_insert_before(&session->life->sessions, &session->link);
        else
            put_life_locked(session->life);
    } while (result == TEE_ERROR_TARGET_DEAD && call.code == NULL);
    return result;
}

static void close_locked(struct gp_session *session)
{
    struct entry_call call = {.entry = ENTRY_CLOSE};
    struct coffer_tee *tee = session->life->tee;

    (void)run_in_turn_locked(session, &call, NULL); /* who is dead has nothing to say */
    list_remove(&session->link);
    put_life_locked(session->life);
    gp_free(tee->gp.pool, session);
}

TEE_Result gp_session_open(struct coffer_tee *tee, const TEE_UUID *uuid, const TEE_Identity *client,
                           struct gp_request *request, struct gp_session **out)
{
    struct gp_session *session = gp_alloc(tee->gp.pool, sizeof(*session));
    TEE_Result result = TEE_SUCCESS;
    struct gp_ta *ta;

    request->origin = TEE_ORIGIN_TEE;
    if (session == NULL)
        return TEE_ERROR_OUT_OF_MEMORY;
    *session = (struct gp_session){.client = *client};
    lock(tee);
    ta = find_ta_locked(tee, uuid);
    if (ta == NULL && add_ta_locked(tee, uuid, NULL, &ta) != COFFER_OK)
        result = TEE_ERROR_OUT_OF_MEMORY;
    if (result == TEE_SUCCESS) {
        ta->users++;
        result = open_locked(tee, ta, session, request);
        put_ta_locked(tee, ta);
    }
    unlock(tee);
    if (result == TEE_SUCCESS)
        *out = session;
    else
        gp_free(tee->gp.pool, session);
    return result;
}

TEE_Result gp_session_invoke(struct gp_session *session, uint32_t command,
                             struct gp_request *request)
{
    struct entry_call call = {.entry = ENTRY_INVOKE, .command = command, .request = request};
    struct coffer_tee *tee = session->life->tee;
    TEE_Result result;

    request->origin = TEE_ORIGIN_TEE;
    lock(tee);
    result = run_in_turn_locked(session, &call, request);
    unlock(tee);
    return result;
}

void gp_session_close(struct gp_session *session)
{
    struct coffer_tee *tee = session->life->tee;

    lock(tee);
    close_locked(session);
    unlock(tee);
}

void gp_request_cancel(struct coffer_tee *tee, struct gp_request *request)
{
    lock(tee);
    atomic_store(&request->cancelled, true);
    tell_locked(tee);
    unlock(tee);
}

/* --- The tee ----------------------------------------------------------------------------- */

enum coffer_status gp_sessions_open(struct coffer_tee *tee, const struct gp_tee_parts *parts)
{
    const struct coffer_port *port = parts->settings.port;
    enum coffer_status status;

    *tee = (struct coffer_tee){.port = port,
                               .loader = parts->loader,
                               .limits = parts->limits,
                               .release = parts->release,
                               .release_context = parts->release_context};
    list_init(&tee->tas);
    status = port->lock_init(port->context, &tee->lock);
    if (status != COFFER_OK)
        return status;
    if (port->condition_init != NULL)
        status = port->condition_init(port->context, &tee->changed);
    if (status != COFFER_OK)
        goto no_condition;
    status = gp_tee_open(&tee->gp, &parts->settings);
    if (status == COFFER_OK)
        return COFFER_OK;

    if (port->condition_fini != NULL)
        port->condition_fini(port->context, &tee->changed);
no_condition:
    port->lock_fini(port->context, &tee->lock);
    return status;
}

/* Sessions that nobody closed are told of. Gives up the lock meanwhile: nobody else is here. */
static void tell_of_sessions_locked(struct coffer_tee *tee, const struct gp_ta *ta)
{
    const struct coffer_uuid uuid = gp_uuid(&ta->uuid);
    char name[COFFER_UUID_TEXT_SIZE];
    struct text line = {.size = 0};
    unsigned count = 0;

    list_each (life, &ta->lives) {
        list_each (session, &list_entry(life, struct gp_life, link)->sessions)
            count++;
    }
    if (count == 0 || tee->port->log == NULL)
        return;
    coffer_uuid_format(&uuid, name);
    text_add_number(&line, count, 10);
    text_add(&line, count == 1 ? " session with " : " sessions with ");
    text_add(&line, name);
    text_add(&line, count == 1 ? " was open when the TEE was closed: it is closed, too"
                               : " were open when the TEE was closed: they are closed, too");
    unlock(tee);
    tee->port->log(tee->port->context, PORT_LOG_WARNING, line.bytes);
    lock(tee);
}

/* What is left are lives that were kept alive, and those with sessions that nobody closed. */
static void end_tas_locked(struct coffer_tee *tee)
{
    while (!list_is_empty(&tee->tas)) {
        struct gp_ta *ta = list_entry(tee->tas.next, struct gp_ta, link);

        ta->users++; /* it stays until the loop is through with it */
        tell_of_sessions_locked(tee, ta);
        while (!list_is_empty(&ta->lives)) {
            struct gp_life *life = list_entry(ta->lives.next, struct gp_life, link);

            life->users++; /* likewise */
            while (!list_is_empty(&life->sessions))
                close_locked(list_entry(life->sessions.next, struct gp_session, link));
            end_life_locked(life);
        }
        remove_ta_locked(tee, ta);
    }
}

void coffer_tee_close(struct coffer_tee *tee)
{
    const struct coffer_port *port;

    if (tee == NULL)
        return;
    port = tee->port;
    lock(tee);
    end_tas_locked(tee);
    unlock(tee);
    gp_tee_close(&tee->gp);
    if (port->condition_fini != NULL)
        port->condition_fini(port->context, &tee->changed);
    port->lock_fini(port->context, &tee->lock);
    if (tee->release != NULL)
        tee->release(tee->release_context);
}
