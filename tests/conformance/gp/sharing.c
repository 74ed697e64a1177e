/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may have an object open beside whom (5.7.3): all pairs of access and sharing flags, over two
 * handles of one instance, of two instances of a TA, of two TAs and of two threads, and what a
 * handle keeps others from creating, renaming and deleting.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "support/must.h"
#include "support/threads.h"

#define CLAUSE "5.7.3"

#define SETS 32u /* of the five flags */

static const uint32_t flag_of[] = {READ, WRITE, META, SHARE_R, SHARE_W};

static uint32_t set_of(unsigned index)
{
    uint32_t flags = 0;

    for (unsigned i = 0; i < 5; i++)
        flags |= (index >> i & 1u) != 0 ? flag_of[i] : 0;
    return flags;
}

/* "RW- rw": access READ, WRITE, WRITE_META; SHARE_READ, SHARE_WRITE. */
static const char *set_text(uint32_t flags, char text[8])
{
    (void)snprintf(text, 8, "%c%c%c/%c%c", (flags & READ) != 0 ? 'R' : '-',
                   (flags & WRITE) != 0 ? 'W' : '-', (flags & META) != 0 ? 'M' : '-',
                   (flags & SHARE_R) != 0 ? 'r' : '-', (flags & SHARE_W) != 0 ? 'w' : '-');
    return text;
}

/* --- The standard's sentences ------------------------------------------------------------ */

/* "If any handle was opened with ACCESS_x, all of them have SHARE_x", for two of them. */
static bool keeps(uint32_t one, uint32_t two, uint32_t access, uint32_t share)
{
    bool any_accesses = (one & access) != 0 || (two & access) != 0;
    bool all_share = (one & share) != 0 && (two & share) != 0;

    return !any_accesses || all_share;
}

/* May two handles with these flags be open at once? */
static bool may_share(uint32_t one, uint32_t two)
{
    bool is_exclusive = (one & META) != 0 || (two & META) != 0;
    bool is_locked = one == 0 || two == 0; /* no flags at all lock the object */

    if (is_exclusive || is_locked)
        return false;
    /* OP-TEE wants all handles to share alike. */
    if (world.profile == GP_OPTEE_4 && (one & (SHARE_R | SHARE_W)) != (two & (SHARE_R | SHARE_W)))
        return false;
    return keeps(one, two, READ, SHARE_R) && keeps(one, two, WRITE, SHARE_W);
}

static TEE_Result answer(bool may)
{
    return may ? TEE_SUCCESS : TEE_ERROR_ACCESS_CONFLICT;
}

/* --- Pairs of handles -------------------------------------------------------------------- */

static void expect_pair(uint32_t first, uint32_t second, TEE_Result got, TEE_Result wanted)
{
    char texts[2][8];

    if (got != wanted)
        note("first %s, second %s: 0x%08x instead of 0x%08x", set_text(first, texts[0]),
             set_text(second, texts[1]), got, wanted);
}

/* What the second handle can do when it was given. */
struct second {
    uint32_t flags;
    TEE_Result result;
};

static void open_second(void *argument)
{
    struct second *second = argument;
    TEE_ObjectHandle object;

    second->result = try_open("shared", second->flags, &object);
    if (second->result == TEE_SUCCESS)
        TEE_CloseObject(object);
    else
        expect(object == TEE_HANDLE_NULL);
}

/* A handle with the rule's flags, and one after another with all others. */
static void all_seconds(const struct rule *rule, struct gp_instance *instance, bool may_all)
{
    TEE_ObjectHandle first;

    make("shared", "data");
    for (unsigned i = 0; i < SETS; i++) {
        struct second second = {.flags = set_of(i)};

        first = open_as("shared", rule->a);
        if (instance == NULL)
            open_second(&second);
        else
            (void)run_in(instance, open_second, &second);
        expect_pair(rule->a, second.flags, second.result,
                    answer(may_all || may_share(rule->a, second.flags)));
        TEE_CloseObject(first);
    }
    TEE_CloseObject(open_as("shared", ALL_ACCESS)); /* nobody has it any more */
}

static void in_one_instance(const struct rule *rule)
{
    all_seconds(rule, NULL, false);
}

static void in_two_instances(const struct rule *rule)
{
    all_seconds(rule, world.twin, false);
}

static void make_shared(void *argument)
{
    (void)argument;
    make("shared", "another's");
}

static void in_two_tas(const struct rule *rule)
{
    (void)run_in(world.stranger, make_shared, NULL);
    all_seconds(rule, world.stranger, true);
}

/* Created with the flags instead of opened. */
static void after_create(const struct rule *rule)
{
    for (unsigned i = 0; i < SETS; i++) {
        struct second second = {.flags = set_of(i)};
        TEE_ObjectHandle first = create_as("shared", rule->a | OVERWRITE, "data");

        open_second(&second);
        expect_pair(rule->a, second.flags, second.result, answer(may_share(rule->a, second.flags)));
        TEE_CloseObject(first);
    }
}

/* --- Three handles ----------------------------------------------------------------------- */

/* A third handle must agree with each of the first two. */
static void with_a_third(const struct rule *rule)
{
    make("shared", "data");
    for (unsigned i = 0; i < SETS * SETS; i++) {
        uint32_t flags[] = {set_of(i % SETS), set_of(i / SETS)};
        struct second third = {.flags = flags[1]};
        TEE_ObjectHandle first;
        TEE_ObjectHandle second;

        if (!may_share(rule->a, flags[0]))
            continue;
        first = open_as("shared", rule->a);
        second = open_as("shared", flags[0]);
        open_second(&third);
        expect_pair(flags[0], flags[1], third.result,
                    answer(may_share(rule->a, flags[1]) && may_share(flags[0], flags[1])));
        /* What the second kept from others goes with it, and so the other way round. */
        TEE_CloseObject(first);
        open_second(&third);
        expect_pair(flags[0], flags[1], third.result, answer(may_share(flags[0], flags[1])));
        TEE_CloseObject(second);
    }
}

/* --- Threads ----------------------------------------------------------------------------- */

struct opener {
    struct gp_instance *instance;
    pthread_barrier_t *barrier; /* of both */
    uint32_t flags;
    TEE_Result result;
};

/* Open when the other does; keep it until both have tried. */
static void open_and_keep(void *argument)
{
    struct opener *opener = argument;
    TEE_ObjectHandle object;

    (void)pthread_barrier_wait(opener->barrier);
    opener->result = try_open("shared", opener->flags, &object);
    (void)pthread_barrier_wait(opener->barrier);
    if (opener->result == TEE_SUCCESS)
        TEE_CloseObject(object);
}

static void run_opener(void *worker)
{
    struct opener *opener = worker;

    (void)run_in(opener->instance, open_and_keep, opener);
}

/* Whoever comes first has it; the other one has it too where the flags agree. */
static void expect_openers(const struct opener *openers)
{
    bool may = may_share(openers[0].flags, openers[1].flags);
    unsigned opened = 0;
    char texts[2][8];

    for (unsigned i = 0; i < 2; i++) {
        opened += openers[i].result == TEE_SUCCESS;
        if (openers[i].result != TEE_SUCCESS)
            expect_result(openers[i].result, TEE_ERROR_ACCESS_CONFLICT);
    }
    if (opened != (may ? 2u : 1u))
        note("%s and %s at once: %u opened it", set_text(openers[0].flags, texts[0]),
             set_text(openers[1].flags, texts[1]), opened);
}

static struct gp_instance *another_instance(void)
{
    static const struct gp_limits limits = {.heap = 64 * KIB, .frames = UINT64_MAX};
    struct gp_instance *instance;

    must(gp_instance_open(&world.tee, &world.instance->uuid, &limits, &instance) == COFFER_OK);
    return instance;
}

/* The case's own instance is at work here: the threads have two others. */
static void in_two_threads(const struct rule *rule)
{
    struct gp_instance *third = another_instance();
    pthread_barrier_t barrier;

    make("shared", "data");
    must(pthread_barrier_init(&barrier, NULL, 2) == 0);
    for (unsigned i = 0; i < SETS; i++) {
        struct opener openers[] = {
            {.instance = world.twin, .barrier = &barrier, .flags = rule->a},
            {.instance = third, .barrier = &barrier, .flags = set_of(i)},
        };

        threads_run(run_opener, openers, 2);
        expect_openers(openers);
    }
    must(pthread_barrier_destroy(&barrier) == 0);
    gp_instance_close(third);
    TEE_CloseObject(open_as("shared", ALL_ACCESS));
}

/* --- What else a handle stands in the way of --------------------------------------------- */

/* Neither with OVERWRITE nor without is an object made where one is open. */
static void create_over_open(const struct rule *rule)
{
    TEE_ObjectHandle first;
    TEE_ObjectHandle second;

    make("shared", "data");
    first = open_as("shared", rule->a);
    for (unsigned i = 0; i < 2 * SETS; i++) {
        uint32_t flags = set_of(i / 2) | (i % 2 != 0 ? OVERWRITE : 0);

        expect_pair(rule->a, flags,
                    TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "shared", 6, flags,
                                               TEE_HANDLE_NULL, "new", 3, &second),
                    TEE_ERROR_ACCESS_CONFLICT);
    }
    TEE_CloseObject(first);
    expect_data("shared", "data");
}

/* Nor is one renamed to an id that is open, whatever the flags. */
static void rename_over_open(const struct rule *rule)
{
    TEE_ObjectHandle first;
    TEE_ObjectHandle mover;

    make("shared", "data");
    make("mover", "moved");
    first = open_as("shared", rule->a);
    mover = open_as("mover", META);
    expect_result(TEE_RenamePersistentObject(mover, "shared", 6), TEE_ERROR_ACCESS_CONFLICT);
    TEE_CloseObject(first);
    TEE_CloseObject(mover);
    expect_data("shared", "data");
    expect_data("mover", "moved");
}

/* With ACCESS_WRITE_META, and only then, a handle may rename its object. */
static void rename_with(const struct rule *rule)
{
    TEE_ObjectHandle object;

    make("shared", "data");
    object = open_as("shared", rule->a);
    expect_success(TEE_RenamePersistentObject(object, "renamed", 7));
    TEE_CloseObject(object);
    expect_none("shared");
    expect_data("renamed", "data");
}

static void delete_with(const struct rule *rule)
{
    make("shared", "data");
    expect_success(TEE_CloseAndDeletePersistentObject1(open_as("shared", rule->a)));
    expect_none("shared");
}

/* Each stream call needs its flag. */
static void read_with(const struct rule *rule)
{
    TEE_ObjectHandle object;
    size_t count = 0;
    char got[8];

    make("shared", "data");
    object = open_as("shared", rule->a);
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect_equal(count, 4);
}

static void write_with(const struct rule *rule)
{
    make("shared", "data");
    expect_success(TEE_WriteObjectData(open_as("shared", rule->a), "more", 4));
}

static void truncate_with(const struct rule *rule)
{
    make("shared", "data");
    expect_success(TEE_TruncateObjectData(open_as("shared", rule->a), 2));
}

/* --- The rules --------------------------------------------------------------------------- */

struct subject {
    const char *function;
    const char *text;
    const char *clause;
    void (*body)(const struct rule *rule);
    uint32_t needs; /* flags without which it panics */
    enum gp_call call;
};

static const struct subject subjects[] = {
    {"TEE_OpenPersistentObject", "beside all others in one instance", CLAUSE, in_one_instance, 0,
     0},
    {"TEE_OpenPersistentObject", "beside all others in two instances of a TA", CLAUSE,
     in_two_instances, 0, 0},
    {"TEE_OpenPersistentObject", "of two TAs there is no conflict", CLAUSE, in_two_tas, 0, 0},
    {"TEE_OpenPersistentObject", "at the same time as all others in two threads", CLAUSE,
     in_two_threads, 0, 0},
    {"TEE_CreatePersistentObject", "its handle beside all others", CLAUSE, after_create, 0, 0},
    {"TEE_OpenPersistentObject", "third handles beside it and a second", CLAUSE, with_a_third, 0,
     0},
    {"TEE_CreatePersistentObject", "not over one that is open", "5.7.2", create_over_open, 0, 0},
    {"TEE_RenamePersistentObject", "not to the id of one that is open", "5.7.5", rename_over_open,
     0, 0},
    {"TEE_RenamePersistentObject", "needs ACCESS_WRITE_META", "5.7.5", rename_with, META,
     GP_CALL_RENAME_PERSISTENT_OBJECT},
    {"TEE_CloseAndDeletePersistentObject1", "needs ACCESS_WRITE_META", "5.7.4", delete_with, META,
     GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1},
    {"TEE_ReadObjectData", "needs ACCESS_READ", "5.9.1", read_with, READ, GP_CALL_READ_OBJECT_DATA},
    {"TEE_WriteObjectData", "needs ACCESS_WRITE", "5.9.2", write_with, WRITE,
     GP_CALL_WRITE_OBJECT_DATA},
    {"TEE_TruncateObjectData", "needs ACCESS_WRITE", "5.9.3", truncate_with, WRITE,
     GP_CALL_TRUNCATE_OBJECT_DATA},
};

void add_sharing(void)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        const struct subject *subject = &subjects[i];

        for (unsigned set = 0; set < SETS; set++) {
            uint32_t flags = set_of(set);
            struct rule rule = {.function = subject->function,
                                .clause = subject->clause,
                                .body = subject->body,
                                .a = flags};
            char line[CASE_TEXT_SIZE];
            char text[8];

            if ((flags & subject->needs) != subject->needs) {
                rule.panic = TEE_ERROR_BAD_STATE;
                rule.call = subject->call;
            }
            (void)snprintf(line, sizeof(line), "%s %s", set_text(flags, text), subject->text);
            rule.text = line;
            add(&rule);
        }
    }
}
