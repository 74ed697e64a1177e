/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions and instances (4.3; Client API 4.5.7 to 4.5.10): how many there may be, what a TA's
 * refusals and panics mean to its clients, and cancellation (4.10).
 */
#include <pthread.h>
#include <sched.h>

#include "clients.h"
#include "library.h"
#include "support/must.h"

/* --- Instances: which entry points run, by a TA's flags ---------------------------------- */

static void expect_lives(unsigned created, unsigned opened, unsigned closed, unsigned destroyed)
{
    expect_equal(ta.created, created);
    expect_equal(ta.opened, opened);
    expect_equal(ta.closed, closed);
    expect_equal(ta.destroyed, destroyed);
}

static void one_session(const struct rule *rule)
{
    TEEC_Session one, two;
    uint32_t origin = 0;

    clients_open(rule->profile);
    client_open(SINGLE, &one);
    expect_equal(client_try(SINGLE, &two, &origin), TEEC_ERROR_BUSY);
    expect_equal(origin, TEEC_ORIGIN_TEE);
    expect_lives(1, 1, 0, 0);
    TEEC_CloseSession(&one);
    expect_lives(1, 1, 1, 1);
    client_open(SINGLE, &two);
    expect_lives(2, 2, 1, 1);
    TEEC_CloseSession(&two);
    clients_close();
}

static void many_sessions(const struct rule *rule)
{
    TEEC_Session one, two;

    clients_open(rule->profile);
    client_open(SHARED, &one);
    client_open(SHARED, &two);
    expect_lives(1, 2, 0, 0);
    TEEC_CloseSession(&one);
    expect_lives(1, 2, 1, 0);
    expect_equal(client_call(&two, COMMAND_COUNT), TEEC_SUCCESS);
    TEEC_CloseSession(&two);
    expect_lives(1, 2, 2, 1);
    clients_close();
}

static void an_instance_each(const struct rule *rule)
{
    TEEC_Session one, two;

    clients_open(rule->profile);
    client_open(MULTIPLE, &one);
    client_open(MULTIPLE, &two);
    expect_lives(2, 2, 0, 0);
    TEEC_CloseSession(&one);
    expect_lives(2, 2, 1, 1);
    TEEC_CloseSession(&two);
    expect_lives(2, 2, 2, 2);
    clients_close();
}

static void one_that_is_kept(const struct rule *rule)
{
    TEEC_Session session;

    clients_open(rule->profile);
    for (unsigned i = 0; i < 2; i++) {
        client_open(KEPT, &session);
        TEEC_CloseSession(&session);
    }
    expect_lives(1, 2, 2, 0);
    clients_close();
    expect_lives(1, 2, 2, 1);
}

static void those_left_open(const struct rule *rule)
{
    TEEC_Session left[5];

    clients_open(rule->profile);
    client_open(SHARED, &left[0]);
    client_open(SHARED, &left[1]);
    client_open(KEPT, &left[2]);
    client_open(MULTIPLE, &left[3]);
    client_open(MULTIPLE, &left[4]);
    expect_equal(client_call(&left[4], COMMAND_PANIC), TEEC_ERROR_TARGET_DEAD);
    ta.panics_at_closing = rule->a == 1;
    clients_close();
    if (ta.panics_at_closing)
        expect_lives(4, 5, 3, 0); /* of the two that share an instance one comes to its end */
    else
        expect_lives(4, 5, 4, 3);
}

/* --- Answers of a TA, and its panics ----------------------------------------------------- */

static void refuses_to_begin(const struct rule *rule)
{
    TEEC_Session session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    ta.create_answer = TEE_ERROR_SECURITY;
    expect_equal(client_try(SHARED, &session, &origin), TEEC_ERROR_SECURITY);
    expect_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    expect_lives(1, 0, 0, 0);
    ta.create_answer = TEE_SUCCESS;
    client_open(SHARED, &session);
    TEEC_CloseSession(&session);
    clients_close();
}

static void refuses_a_session(const struct rule *rule)
{
    TEEC_Session session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    ta.open_answer = TEE_ERROR_ACCESS_DENIED;
    expect_equal(client_try(SHARED, &session, &origin), TEEC_ERROR_ACCESS_DENIED);
    expect_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    expect_lives(1, 1, 0, 1); /* its only session would have been that one */
    ta.open_answer = TEE_SUCCESS;
    client_open(SHARED, &session);
    TEEC_CloseSession(&session);
    clients_close();
}

static void tells_what_it_wants(const struct rule *rule)
{
    const TEEC_UUID uuid = client_uuid(SHARED);
    TEEC_Operation operation = {.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INOUT, 0, 0, 0),
                                .params = {{.value = {41, 0}}}};
    TEEC_Session session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    expect_equal(TEEC_OpenSession(&client_context, &session, &uuid, TEEC_LOGIN_PUBLIC, NULL,
                                  &operation, &origin),
                 TEEC_SUCCESS);
    expect_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    expect_equal(operation.params[0].value.b, 42);
    operation.params[0].value.a = TEE_ERROR_ITEM_NOT_FOUND;
    origin = 0;
    expect_equal(TEEC_InvokeCommand(&session, COMMAND_ANSWER, &operation, &origin),
                 TEEC_ERROR_ITEM_NOT_FOUND);
    expect_equal(origin, TEEC_ORIGIN_TRUSTED_APP);
    TEEC_CloseSession(&session);
    clients_close();
}

static void panics_at_creation(const struct rule *rule)
{
    TEEC_Session session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    ta.panics_at_creation = true;
    expect_equal(client_try(SINGLE, &session, &origin), TEEC_ERROR_TARGET_DEAD);
    expect_equal(origin, TEEC_ORIGIN_TEE);
    expect_lives(1, 0, 0, 0);
    ta.panics_at_creation = false;
    client_open(SINGLE, &session);
    TEEC_CloseSession(&session);
    expect_lives(2, 1, 1, 1);
    clients_close();
}

static void panics_at_opening(const struct rule *rule)
{
    TEEC_Session one, session;
    uint32_t origin = 0;

    clients_open(rule->profile);
    client_open(SHARED, &one);
    ta.panics_at_opening = true;
    expect_equal(client_try(SHARED, &session, &origin), TEEC_ERROR_TARGET_DEAD);
    expect_equal(origin, TEEC_ORIGIN_TEE);
    expect_equal(client_call(&one, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    TEEC_CloseSession(&one);
    expect_lives(1, 2, 0, 0);
    clients_close();
}

static void panics_at_the_end(const struct rule *rule)
{
    TEEC_Session session;

    clients_open(rule->profile);
    ta.panics_at_closing = rule->a == 0;
    ta.panics_at_destruction = rule->a == 1;
    client_open(SHARED, &session);
    TEEC_CloseSession(&session);
    expect_lives(1, 1, 1, rule->a);
    ta.panics_at_closing = ta.panics_at_destruction = false;
    client_open(SHARED, &session);
    expect_equal(client_call(&session, COMMAND_COUNT), TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    expect_lives(2, 2, 2, rule->a + 1);
    clients_close();
}

static void a_panic_is_its_own(const struct rule *rule)
{
    TEEC_Session one, two, other, next;
    uint32_t origin = 0;

    clients_open(rule->profile);
    client_open(SHARED, &one);
    client_open(SHARED, &two);
    client_open(MULTIPLE, &other);
    expect_equal(TEEC_InvokeCommand(&one, COMMAND_PANIC, NULL, &origin), TEEC_ERROR_TARGET_DEAD);
    expect_equal(origin, TEEC_ORIGIN_TEE);
    origin = 0;
    expect_equal(TEEC_InvokeCommand(&two, COMMAND_COUNT, NULL, &origin), TEEC_ERROR_TARGET_DEAD);
    expect_equal(origin, TEEC_ORIGIN_TEE);
    expect_equal(client_call(&one, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    expect_equal(client_call(&other, COMMAND_COUNT), TEEC_SUCCESS);
    expect_equal(ta.counted, 1);

    /* The next session begins anew, while the dead one's are still open. */
    client_open(SHARED, &next);
    expect_equal(client_call(&next, COMMAND_COUNT), TEEC_SUCCESS);
    expect_equal(client_call(&one, COMMAND_COUNT), TEEC_ERROR_TARGET_DEAD);
    TEEC_CloseSession(&one);
    TEEC_CloseSession(&two);
    TEEC_CloseSession(&other);
    TEEC_CloseSession(&next);
    expect_lives(3, 4, 2, 2); /* the dead one's entry points don't run any more */
    clients_close();
}

static void a_panic_closes_handles(const struct rule *rule)
{
    TEEC_Session session;

    clients_open(rule->profile);
    client_open(SINGLE, &session);
    expect_equal(client_call(&session, COMMAND_HOLD), TEEC_SUCCESS);
    expect_equal(client_call(&session, COMMAND_PANIC), TEEC_ERROR_TARGET_DEAD);
    TEEC_CloseSession(&session);
    ta.opens_object = true;
    client_open(SINGLE, &session);
    TEEC_CloseSession(&session);
    clients_close();
}

/* --- The next life of a TA that panicked: while the last one's handles are closed --------- */

static struct {
    pthread_t thread;
    TEEC_Session session;
    TEEC_Result result;
    atomic_bool is_done;
    bool is_begun;
} next_life;

static void *open_next(void *argument)
{
    (void)argument;
    next_life.result = client_try(SHARED, &next_life.session, NULL);
    next_life.is_done = true;
    return NULL;
}

/* The instance that panicked has come so far as to close its operation: let another thread ask for
 * a session, for a while, as it may have to wait until this one is through. */
static void meet_next(void)
{
    if (next_life.is_begun)
        return;
    next_life.is_begun = true;
    must(pthread_create(&next_life.thread, NULL, open_next, NULL) == 0);
    for (unsigned i = 0; i < 2000 && !next_life.is_done; i++)
        sched_yield();
}

static void the_next_waits_for_the_last(const struct rule *rule)
{
    TEEC_Session session;

    next_life.is_begun = false;
    next_life.is_done = false;
    clients_open(rule->profile);
    client_open(SHARED, &session);
    expect_equal(client_call(&session, COMMAND_HOLD), TEEC_SUCCESS);
    ta.opens_object = true;
    library_tell_of_ends(meet_next);
    expect_equal(client_call(&session, COMMAND_PANIC), TEEC_ERROR_TARGET_DEAD);
    library_tell_of_ends(NULL);
    must(next_life.is_begun);
    must(pthread_join(next_life.thread, NULL) == 0);
    /* It has waited for the dead one's end; what that held isn't held any more. */
    if (expect_equal(next_life.result, TEEC_SUCCESS))
        TEEC_CloseSession(&next_life.session);
    TEEC_CloseSession(&session);
    client_open(SHARED, &session);
    TEEC_CloseSession(&session);
    clients_close();
}

/* --- Sessions of others, while one panics -------------------------------------------------- */

#define OPENERS 3
#define PANICS  200

struct opener {
    pthread_t thread;
    atomic_bool *is_over;
    TEEC_Result result; /* the first that isn't success */
};

static void *open_and_close(void *argument)
{
    struct opener *opener = argument;
    TEEC_Session session;

    while (!*opener->is_over && opener->result == TEEC_SUCCESS) {
        opener->result = client_try(SHARED, &session, NULL);
        if (opener->result != TEEC_SUCCESS)
            break;
        TEEC_CloseSession(&session);
    }
    return NULL;
}

static void others_open_meanwhile(const struct rule *rule)
{
    struct opener openers[OPENERS];
    atomic_bool is_over = false;
    TEEC_Session session;

    clients_open(rule->profile);
    for (unsigned i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.is_over = &is_over};
        must(pthread_create(&openers[i].thread, NULL, open_and_close, &openers[i]) == 0);
    }
    for (unsigned i = 0; i < PANICS; i++) {
        client_open(SHARED, &session);
        expect_equal(client_call(&session, COMMAND_PANIC_LATE), TEEC_ERROR_TARGET_DEAD);
        TEEC_CloseSession(&session);
    }
    is_over = true;
    for (unsigned i = 0; i < OPENERS; i++) {
        must(pthread_join(openers[i].thread, NULL) == 0);
        expect_equal(openers[i].result, TEEC_SUCCESS);
    }
    clients_close();
}

/* --- Cancellation ------------------------------------------------------------------------ */

struct job {
    TEEC_Session *session;
    uint32_t command;
    TEEC_Operation operation;
    pthread_t thread;
    TEEC_Result result;
    uint32_t origin;
    atomic_bool is_done;
};

static void *work(void *argument)
{
    struct job *job = argument;

    job->result = TEEC_InvokeCommand(job->session, job->command, &job->operation, &job->origin);
    job->is_done = true;
    return NULL;
}

static void begin(struct job *job)
{
    must(pthread_create(&job->thread, NULL, work, job) == 0);
}

static void begin_and_wait(struct job *job)
{
    begin(job);
    while (ta.waiting == 0 && !job->is_done)
        sched_yield();
}

static void end(struct job *job)
{
    must(pthread_join(job->thread, NULL) == 0);
}

static void work_is_cancelled(const struct rule *rule)
{
    TEEC_Session session;
    struct job job = {.session = &session, .command = COMMAND_WAIT};

    clients_open(rule->profile);
    client_open(SHARED, &session);
    TEEC_RequestCancellation(&job.operation); /* before it is under way it is nothing */
    begin_and_wait(&job);
    TEEC_RequestCancellation(&job.operation);
    end(&job);
    expect_equal(job.result, TEEC_ERROR_CANCEL);
    expect_equal(job.origin, TEEC_ORIGIN_TRUSTED_APP);
    TEEC_CloseSession(&session);
    clients_close();
}

static void masked_work_is_not(const struct rule *rule)
{
    TEEC_Session session;
    struct job job = {.session = &session, .command = COMMAND_MASKED};

    clients_open(rule->profile);
    client_open(SHARED, &session);
    begin_and_wait(&job);
    TEEC_RequestCancellation(&job.operation);
    for (unsigned i = 0; i < 100; i++)
        sched_yield();
    expect(!job.is_done);
    ta.go_on = true;
    end(&job);
    expect_equal(job.result, TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    clients_close();
}

static void who_waits_is_cancelled(const struct rule *rule)
{
    TEEC_Session session;
    struct job busy = {.session = &session, .command = COMMAND_WAIT};
    struct job waits = {.session = &session, .command = COMMAND_COUNT};

    clients_open(rule->profile);
    client_open(SHARED, &session);
    begin_and_wait(&busy);
    begin(&waits);
    while (!waits.is_done) { /* as long as it isn't under way nothing happens */
        TEEC_RequestCancellation(&waits.operation);
        sched_yield();
    }
    end(&waits);
    expect_equal(waits.result, TEEC_ERROR_CANCEL);
    expect_equal(waits.origin, TEEC_ORIGIN_TEE);
    expect_equal(ta.counted, 0);
    ta.go_on = true;
    end(&busy);
    expect_equal(busy.result, TEEC_SUCCESS);
    TEEC_CloseSession(&session);
    clients_close();
}

static void the_mask(const struct rule *rule)
{
    TEEC_Session session;

    clients_open(rule->profile);
    client_open(SHARED, &session);
    expect_equal(client_call(&session, COMMAND_MASK), TEEC_SUCCESS);
    expect_equal(client_call(&session, COMMAND_MASK), TEEC_SUCCESS); /* masked again */
    TEEC_CloseSession(&session);
    clients_close();
}

#define OPEN   .function = "TEEC_OpenSession", .clause = "Client API 4.5.7"
#define INVOKE .function = "TEEC_InvokeCommand", .clause = "Client API 4.5.9"
#define CANCEL .function = "TEEC_RequestCancellation", .clause = "Client API 4.5.10"

static const struct rule rules[] = {
    {OPEN, .text = "one instance for one session: busy for another", .by_itself = one_session},
    {OPEN, .text = "one instance for many sessions", .by_itself = many_sessions},
    {OPEN, .text = "an instance for each session", .by_itself = an_instance_each},
    {OPEN, .text = "an instance that is kept alive ends with the TEE",
     .by_itself = one_that_is_kept},
    {.function = "TEEC_CloseSession",
     .clause = "Client API 4.5.8",
     .text = "what nobody closed is closed with the TEE",
     .by_itself = those_left_open,
     .a = 0},
    {.function = "TEEC_CloseSession",
     .clause = "Client API 4.5.8",
     .text = "what nobody closed panics as it is closed with the TEE",
     .by_itself = those_left_open,
     .a = 1},
    {OPEN, .text = "a TA that refuses to begin", .by_itself = refuses_to_begin},
    {OPEN, .text = "a TA that refuses a session", .by_itself = refuses_a_session},
    {OPEN, .text = "its parameters, and whose answers are told", .by_itself = tells_what_it_wants},
    {OPEN, .text = "a TA that panics at its creation", .by_itself = panics_at_creation},
    {OPEN, .text = "a TA that panics at a session", .by_itself = panics_at_opening},
    {.function = "TEEC_CloseSession",
     .clause = "Client API 4.5.8",
     .text = "a TA that panics at the session's end",
     .by_itself = panics_at_the_end,
     .a = 0},
    {.function = "TEEC_CloseSession",
     .clause = "Client API 4.5.8",
     .text = "a TA that panics at its own end",
     .by_itself = panics_at_the_end,
     .a = 1},
    {INVOKE, .text = "a panic ends its instance and nobody else's",
     .by_itself = a_panic_is_its_own},
    {INVOKE, .text = "a panic closes all handles of its instance",
     .by_itself = a_panic_closes_handles},
    {OPEN, .text = "after a panic the next instance begins when the last one is gone",
     .by_itself = the_next_waits_for_the_last},
    {OPEN, .text = "panics of others' sessions are no answers to those that open",
     .by_itself = others_open_meanwhile},
    {CANCEL, .text = "a TA at work is told, if it asks", .by_itself = work_is_cancelled},
    {CANCEL, .text = "a TA that masks it isn't told", .by_itself = masked_work_is_not},
    {CANCEL, .text = "who waits for a turn doesn't get it", .by_itself = who_waits_is_cancelled},
    {.function = "TEE_MaskCancellation",
     .clause = "4.10.3",
     .text = "each command begins masked, and the calls tell what was before",
     .by_itself = the_mask},
};

void add_sessions(void)
{
    add_rules(rules);
}
