/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call with one thing after another refused, until it goes through without: the device has no
 * room for more, or none for one write; the device fails; a block of memory isn't given. What must
 * be so then is in shortage.h; nobody keeps a list of the places.
 */
#include "shortage.h"

#include <stdio.h>
#include <string.h>

#include "library.h"

#define AT_MOST 4000 /* times a call is refused something */

struct shortage_had had;

static const char *const source_names[SOURCES] = {
    "the device has ever so little room",
    "any write to the device finds no room",
    "the device fails at any call",
    "any block of the store's memory is refused",
    "any block of the instances' memory is refused",
    "any block of the library's memory is refused",
};

/* --- Refusing ---------------------------------------------------------------------------- */

#define ROOM 256u /* bytes by which the device grows from one time to the next */

struct refusal {
    enum source source;
    struct fault_plan plan; /* of the device or the library */
};

static uint64_t bytes_on(struct memory_device *device)
{
    uint64_t bytes = 0;
    size_t size;

    for (size_t i = 0; i < memory_device_file_count(device); i++) {
        (void)memory_device_bytes(device, memory_device_file_name(device, i), &size);
        bytes += size;
    }
    return bytes;
}

static void refuse_from(struct refusal *refusal, uint64_t at)
{
    refusal->plan = (struct fault_plan){.kind = FAULT_IO_BEFORE, .at = at};
    switch (refusal->source) {
    case FULL_DEVICE:
        memory_device_set_capacity(world.devices[0], bytes_on(world.devices[0]) + (at - 1) * ROOM);
        break;
    case NO_ROOM:
        refusal->plan.kind = FAULT_NO_SPACE;
        memory_device_inject(world.devices[0], &refusal->plan);
        break;
    case FAILING_DEVICE:
        memory_device_inject(world.devices[0], &refusal->plan);
        break;
    case MEMORY_OF_STORES:
        world.store_memory = (struct fault_plan){.at = at};
        break;
    case MEMORY_OF_INSTANCES:
        space_fixture_refuse(&world.memory, at, 1);
        break;
    default:
        library_refuse(&refusal->plan);
        break;
    }
}

/* Was anything? `went_through`: the call, nevertheless. */
static bool refuse_no_more(const struct refusal *refusal, bool went_through)
{
    bool fired = refusal->plan.fired || world.store_memory.fired || world.memory.refusals.fired;

    memory_device_set_capacity(world.devices[0], MEMORY_DEVICE_CAPACITY);
    memory_device_inject(world.devices[0], NULL);
    world.store_memory.paused = true;
    space_fixture_refuse(&world.memory, 0, 0);
    library_refuse(NULL);
    return fired || (refusal->source == FULL_DEVICE && !went_through);
}

/* Pools have blocks left over from before, for which they ask nobody: take them all. */
static struct {
    struct {
        struct coffer_pool *pool;
        void *block;
    } blocks[20000];
    size_t count;
} taken;

static void take_blocks(struct coffer_pool *pool)
{
    for (size_t size = 4096; size >= 16; size /= 2) {
        void *block = gp_alloc(pool, size);

        for (; block != NULL; block = gp_alloc(pool, size)) {
            taken.blocks[taken.count].pool = pool;
            taken.blocks[taken.count++].block = block;
        }
    }
}

static void take_all_blocks(void)
{
    space_fixture_refuse(&world.memory, 1, UINT64_MAX);
    take_blocks(world.tee.pool);
    take_blocks(world.instance->pool);
    space_fixture_refuse(&world.memory, 0, 0);
}

static void give_all_blocks(void)
{
    while (taken.count > 0) {
        taken.count--;
        gp_free(taken.blocks[taken.count].pool, taken.blocks[taken.count].block);
    }
}

/* --- What it must answer ----------------------------------------------------------------- */

/* What the call is short of, in the front end's words. */
static TEE_Result lack_of(enum source source)
{
    switch (source) {
    case FULL_DEVICE:
    case NO_ROOM:
        return TEE_ERROR_STORAGE_NO_SPACE;
    case FAILING_DEVICE:
        return TEE_ERROR_STORAGE_NOT_AVAILABLE;
    default:
        return TEE_ERROR_OUT_OF_MEMORY;
    }
}

/* --- One after another ------------------------------------------------------------------- */

/* Of the stores: before the call, and after it, when nothing is refused. */
struct pictures {
    uint64_t before, after;
};

struct attempt {
    const struct shortage *shortage;
    enum source source;
    TEE_Result result;
    uint64_t blocks; /* in the pools, before the call */
    bool in_doubt;   /* whether the change was made */
};

/* It is in doubt when the device fails, and when it has no room for the one write that makes the
 * change: a device that has begun to write may have done any part of it. */
static bool is_in_doubt(enum source source)
{
    return source == FAILING_DEVICE || (source == NO_ROOM && world_store_has_failed());
}

static bool must_panic(const struct attempt *attempt)
{
    const struct shortage *shortage = attempt->shortage;

    if (shortage->panics == PANICS_ALWAYS)
        return true;
    return world.profile == GP_OPTEE_4 && !attempt->in_doubt &&
           (shortage->panics == PANICS_IN_OPTEE || shortage->codes[attempt->source] == AWAY);
}

/* Of handles, which stays with the instance. */
static void have_a_table(void)
{
    TEE_PropSetHandle handle;

    expect_success(TEE_AllocatePropertyEnumerator(&handle));
    TEE_FreePropertyEnumerator(handle);
}

static void prepare_attempt(void *argument)
{
    const struct attempt *attempt = argument;

    have_a_table();
    if (attempt->shortage->prepare != NULL)
        attempt->shortage->prepare();
    if (had.object != TEE_HANDLE_NULL)
        had.info = info_of(had.object);
}

static void ask_attempt(void *argument)
{
    struct attempt *attempt = argument;

    attempt->result = attempt->shortage->ask();
}

static void regain_attempt(void *argument)
{
    const struct attempt *attempt = argument;

    had = (struct shortage_had){.of = attempt->shortage};
    have_a_table();
    if (attempt->shortage->regain != NULL)
        attempt->shortage->regain();
}

static void ask_again(void *argument)
{
    const struct attempt *attempt = argument;

    expect_success(attempt->shortage->ask());
}

static void check_attempt(void *argument)
{
    const struct attempt *attempt = argument;

    if (attempt->shortage->check != NULL)
        attempt->shortage->check();
}

/* The handle is what it was: size, position, usage, flags. */
static void check_handle(void *argument)
{
    TEE_ObjectInfo now;

    (void)argument;
    if (had.info.objectType == 0)
        return;
    now = info_of(had.object);
    expect(now.objectType == had.info.objectType && now.objectSize == had.info.objectSize &&
           now.maxObjectSize == had.info.maxObjectSize && now.objectUsage == had.info.objectUsage &&
           now.dataSize == had.info.dataSize && now.dataPosition == had.info.dataPosition &&
           now.handleFlags == had.info.handleFlags);
}

static void check_panic(const struct attempt *attempt)
{
    const struct gp_instance *instance = world.instance;

    if (instance->panic_call != attempt->shortage->call ||
        instance->panic_code != lack_of(attempt->source))
        note("panicked in %s with 0x%08x", gp_call_name(instance->panic_call),
             instance->panic_code);
}

/* The store may have to be opened anew: the change is there as a whole, or not at all. */
static void check_after_doubt(const struct pictures *pictures)
{
    uint64_t now;

    world_reopen();
    now = world_picture();
    if (now != pictures->before && now != pictures->after)
        note("half a change is there");
}

/* It was refused something, and has answered that or panicked. */
static void check_refused(struct attempt *attempt, const struct pictures *pictures)
{
    const struct shortage *shortage = attempt->shortage;
    bool panicked = world.instance->panicked;

    attempt->in_doubt = is_in_doubt(attempt->source);
    if (panicked)
        check_panic(attempt);
    else
        expect_result(attempt->result, attempt->in_doubt ? AWAY : shortage->codes[attempt->source]);
    if (panicked != must_panic(attempt))
        note("%s panic", panicked ? "a" : "no");
    if (attempt->in_doubt) {
        check_after_doubt(pictures);
        return;
    }
    if (world_picture() != pictures->before)
        note("it failed and changed something");
    if (world_has_strange_files())
        note("it failed and left something on the device");
    if (!panicked && !shortage->closes && world_blocks() != attempt->blocks)
        note("it failed and left something in memory");
    if (panicked)
        world_reopen();
    if (panicked || shortage->closes)
        (void)run_in(world.instance, regain_attempt, attempt);
    else
        (void)run_in(world.instance, check_handle, NULL);
    if (run_in(world.instance, ask_again, attempt))
        (void)run_in(world.instance, check_attempt, attempt);
}

static void prepare(const struct shortage *shortage, struct pictures *pictures)
{
    struct attempt attempt = {.shortage = shortage};

    had = (struct shortage_had){.of = shortage};
    (void)run_in(world.instance, prepare_attempt, &attempt);
    pictures->before = world_picture();
    if (shortage->cold) {
        world_reopen();
        (void)run_in(world.instance, regain_attempt, &attempt);
    }
}

/* What it is like when nothing is refused. */
static void look_at(const struct shortage *shortage, struct pictures *pictures)
{
    struct attempt attempt = {.shortage = shortage};

    prepare(shortage, pictures);
    (void)run_in(world.instance, ask_attempt, &attempt);
    expect_success(attempt.result);
    pictures->after = world_picture();
}

/* False: nothing was refused, or too much is wrong to go on. */
static bool refuse_at(const struct shortage *shortage, enum source source, uint64_t at,
                      struct pictures *pictures, unsigned *doubts)
{
    struct attempt attempt = {.shortage = shortage, .source = source};
    struct refusal refusal = {.source = source};
    bool went_through;
    bool fired;

    prepare(shortage, pictures);
    attempt.blocks = world_blocks();
    if (source == MEMORY_OF_INSTANCES)
        take_all_blocks();
    refuse_from(&refusal, at);
    gp_run(world.instance, ask_attempt, &attempt);
    went_through = !world.instance->panicked && attempt.result == TEE_SUCCESS;
    fired = refuse_no_more(&refusal, went_through);
    give_all_blocks();
    if (!went_through)
        check_refused(&attempt, pictures);
    else
        (void)run_in(world.instance, check_attempt, &attempt);
    *doubts += attempt.in_doubt;
    if (!fired && !went_through)
        note("it failed, and nothing was refused");
    return fired && failures() == 0;
}

static void close_world(void)
{
    if (!world_close())
        note("not all came back");
}

static void refuse_all(const struct rule *rule)
{
    const struct shortage *shortage = rule->of;
    enum source source = (enum source)rule->a;
    struct pictures pictures;
    unsigned doubts = 0;
    uint64_t at = 0;
    bool goes_on;

    world_open(rule->profile);
    look_at(shortage, &pictures);
    close_world();
    do {
        at++;
        world_open(rule->profile);
        goes_on = refuse_at(shortage, source, at, &pictures, &doubts);
        close_world();
    } while (goes_on && at < AT_MOST);
    if (failures() > 0)
        note("when the %llu-th was refused", (unsigned long long)at);
    else if (shortage->codes[source] == NEEDS_NONE)
        expect(at == 1);
    else
        expect(at > 1 && at < AT_MOST);
    if (source != FAILING_DEVICE)
        expect(doubts <= 1);
}

static void add_of(const struct shortage *shortage, enum source source)
{
    struct rule rule = {.function = gp_call_name(shortage->call),
                        .clause = shortage->clause,
                        .by_itself = refuse_all,
                        .of = shortage,
                        .a = source};
    char text[CASE_TEXT_SIZE];

    (void)snprintf(text, sizeof(text), "%s%s%s", shortage->text, source_names[source],
                   shortage->codes[source] == NEEDS_NONE ? ": it needs none" : "");
    rule.text = text;
    add(&rule);
}

void add_shortages(const struct shortage *shortages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned source = 0; source < SOURCES; source++) {
            if (shortages[i].codes[source] != TEE_SUCCESS)
                add_of(&shortages[i], (enum source)source);
        }
    }
}
