/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call with one thing after another refused, until it goes through without: the device has no
 * room for more, a block of memory isn't given, the device fails. The call then answers the code
 * that it has for that and nothing is changed; asked again it does what it should. None of it is
 * the TA's fault, so in the standard's profile none of it is a panic.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"

#define AT_MOST 4000 /* times a call is refused something */

enum source {
    FULL_DEVICE,
    FAILING_DEVICE,
    MEMORY_OF_STORES,
    MEMORY_OF_INSTANCES,
    SOURCES,
};

static const char *const source_names[SOURCES] = {
    "the device has ever so little room",
    "the device fails at any call",
    "any block of the store's memory is refused",
    "any block of the instances' memory is refused",
};

struct shortage {
    const char *clause;
    enum gp_call call;
    const char *text;
    void (*prepare)(void);
    TEE_Result (*ask)(void);
    void (*check)(void);       /* when it has gone through */
    TEE_Result codes[SOURCES]; /* what it answers then; 0: there is nothing to be refused */
    bool cold;                 /* the store was just opened; handles of `prepare` are gone */
    bool closes;               /* its handle, whatever the answer */
};

/* What `prepare` leaves to `ask`. */
static struct {
    TEE_ObjectHandle object;
    TEE_ObjectEnumHandle enumerator;
} had;

/* --- The calls --------------------------------------------------------------------------- */

static void prepare_nothing(void)
{
    make("beside", "beside");
}

static void prepare_closed(void)
{
    make("beside", "beside");
    make("a", "0123456789");
}

static void prepare_open(void)
{
    prepare_closed();
    had.object = open_as("a", ALL_ACCESS);
}

static void prepare_enumerator(void)
{
    prepare_closed();
    expect_success(TEE_AllocatePersistentObjectEnumerator(&had.enumerator));
}

static TEE_Result ask_open(void)
{
    return try_open("a", READ, &had.object);
}

static TEE_Result create(uint32_t flags, TEE_ObjectHandle *object)
{
    return TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, flags, TEE_HANDLE_NULL, "new", 3,
                                      object);
}

static TEE_Result ask_create(void)
{
    return create(READ, &had.object);
}

static TEE_Result ask_overwrite(void)
{
    return create(READ | OVERWRITE, &had.object);
}

static TEE_Result ask_create_closed(void)
{
    return create(META, NULL);
}

static TEE_Result ask_write(void)
{
    return TEE_WriteObjectData(had.object, "abcdefghijklmnop", 16);
}

static uint8_t many[20000];

static TEE_Result ask_write_many(void)
{
    return TEE_WriteObjectData(had.object, many, sizeof(many));
}

static TEE_Result ask_grow(void)
{
    return TEE_TruncateObjectData(had.object, 10000);
}

static TEE_Result ask_cut(void)
{
    return TEE_TruncateObjectData(had.object, 3);
}

static TEE_Result ask_restrict(void)
{
    return TEE_RestrictObjectUsage1(had.object, TEE_USAGE_MAC);
}

static TEE_Result ask_rename(void)
{
    return TEE_RenamePersistentObject(had.object, "renamed", 7);
}

static TEE_Result ask_delete(void)
{
    return TEE_CloseAndDeletePersistentObject1(had.object);
}

static TEE_Result ask_enumerator(void)
{
    return TEE_AllocatePersistentObjectEnumerator(&had.enumerator);
}

static TEE_Result ask_start(void)
{
    return TEE_StartPersistentObjectEnumerator(had.enumerator, TEE_STORAGE_PRIVATE);
}

static TEE_Result ask_first(void)
{
    TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    size_t size;
    TEE_Result result = TEE_SUCCESS;

    if (had.enumerator == TEE_HANDLE_NULL)
        expect_success(ask_enumerator());
    result = ask_start();
    return result == TEE_SUCCESS ? TEE_GetNextPersistentObject(had.enumerator, &info, id, &size)
                                 : result;
}

static TEE_Result ask_properties(void)
{
    TEE_PropSetHandle enumerator;

    return TEE_AllocatePropertyEnumerator(&enumerator);
}

static uint8_t large[600000];

/* More than the store has room for in its caches. */
static void prepare_open_large(void)
{
    make("beside", "beside");
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ, TEE_HANDLE_NULL,
                                              large, sizeof(large), &had.object));
}

static TEE_Result ask_read_large(void)
{
    static uint8_t got[sizeof(large)];
    size_t count = 0;
    TEE_Result result = TEE_SeekObjectData(had.object, 0, TEE_DATA_SEEK_SET);

    if (result == TEE_SUCCESS)
        result = TEE_ReadObjectData(had.object, got, sizeof(got), &count);
    if (result == TEE_SUCCESS)
        expect(count == sizeof(large) && memcmp(got, large, sizeof(large)) == 0);
    return result;
}

static void close_it(void)
{
    TEE_CloseObject(had.object);
    had.object = TEE_HANDLE_NULL;
}

static void check_nothing(void)
{
    expect_data("beside", "beside");
}

static void check_new(void)
{
    close_it();
    expect_data("a", "new");
    expect_data("beside", "beside");
}

static void check_new_closed(void)
{
    expect_data("a", "new");
}

static void check_written(void)
{
    expect_equal(info_of(had.object).dataPosition, 16);
    close_it();
    expect_data("a", "abcdefghijklmnop");
}

static void check_written_many(void)
{
    expect_equal(info_of(had.object).dataPosition, sizeof(many));
    expect_equal(info_of(had.object).dataSize, sizeof(many));
}

static void check_grown(void)
{
    expect_equal(info_of(had.object).dataSize, 10000);
}

static void check_cut(void)
{
    close_it();
    expect_data("a", "012");
}

static void check_restricted(void)
{
    expect_equal(info_of(had.object).objectUsage, TEE_USAGE_MAC);
}

static void check_renamed(void)
{
    close_it();
    expect_none("a");
    expect_data("renamed", "0123456789");
}

static void check_deleted(void)
{
    expect_none("a");
    expect_data("beside", "beside");
}

#define FULL TEE_ERROR_STORAGE_NO_SPACE
#define AWAY TEE_ERROR_STORAGE_NOT_AVAILABLE
#define NONE TEE_ERROR_OUT_OF_MEMORY

/* clang-format off */
static const struct shortage shortages[] = {
    {.clause = "5.7.1", .call = GP_CALL_OPEN_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_closed, .ask = ask_open, .check = check_nothing,
     .codes = {0, 0, NONE, NONE}},
    {.clause = "5.7.1", .call = GP_CALL_OPEN_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_closed, .ask = ask_open, .check = check_nothing,
     .codes = {0, AWAY, NONE, NONE}, .cold = true},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_nothing, .ask = ask_create, .check = check_new,
     .codes = {FULL, AWAY, NONE, NONE}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_nothing, .ask = ask_create, .check = check_new,
     .codes = {FULL, AWAY, NONE, NONE}, .cold = true},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "OVERWRITE, ",
     .prepare = prepare_closed, .ask = ask_overwrite, .check = check_new,
     .codes = {FULL, AWAY, NONE, NONE}},
    {.clause = "5.7.2", .call = GP_CALL_CREATE_PERSISTENT_OBJECT, .text = "without a handle, ",
     .prepare = prepare_nothing, .ask = ask_create_closed, .check = check_new_closed,
     .codes = {FULL, AWAY, NONE, 0}},
    {.clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA, .text = "16 bytes, ",
     .prepare = prepare_open, .ask = ask_write, .check = check_written,
     .codes = {FULL, AWAY, 0, 0}},
    {.clause = "5.9.2", .call = GP_CALL_WRITE_OBJECT_DATA, .text = "20,000 bytes, ",
     .prepare = prepare_open, .ask = ask_write_many, .check = check_written_many,
     .codes = {FULL, AWAY, AWAY, 0}},
    {.clause = "5.9.3", .call = GP_CALL_TRUNCATE_OBJECT_DATA, .text = "grows, ",
     .prepare = prepare_open, .ask = ask_grow, .check = check_grown,
     .codes = {FULL, AWAY, AWAY, 0}},
    {.clause = "5.9.3", .call = GP_CALL_TRUNCATE_OBJECT_DATA, .text = "cuts, ",
     .prepare = prepare_open, .ask = ask_cut, .check = check_cut,
     .codes = {0, AWAY, 0, 0}},
    {.clause = "5.5.2", .call = GP_CALL_RESTRICT_OBJECT_USAGE1, .text = "",
     .prepare = prepare_open, .ask = ask_restrict, .check = check_restricted,
     .codes = {0, AWAY, 0, 0}},
    {.clause = "5.7.5", .call = GP_CALL_RENAME_PERSISTENT_OBJECT, .text = "",
     .prepare = prepare_open, .ask = ask_rename, .check = check_renamed,
     .codes = {0, AWAY, 0, 0}},
    {.clause = "5.7.4", .call = GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1, .text = "",
     .prepare = prepare_open, .ask = ask_delete, .check = check_deleted,
     .codes = {0, AWAY, 0, 0}, .closes = true},
    {.clause = "5.8.1", .call = GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR, .text = "",
     .prepare = prepare_nothing, .ask = ask_enumerator, .check = check_nothing,
     .codes = {0, 0, 0, NONE}},
    {.clause = "5.8.4", .call = GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR, .text = "",
     .prepare = prepare_enumerator, .ask = ask_start, .check = check_nothing,
     .codes = {0, 0, AWAY, 0}},
    {.clause = "5.8.5", .call = GP_CALL_GET_NEXT_PERSISTENT_OBJECT, .text = "first of all, ",
     .prepare = prepare_closed, .ask = ask_first, .check = check_nothing,
     .codes = {0, AWAY, AWAY, 0}, .cold = true},
    {.clause = "5.9.1", .call = GP_CALL_READ_OBJECT_DATA, .text = "with little memory, ",
     .prepare = prepare_open_large, .ask = ask_read_large, .check = check_nothing,
     .codes = {0, AWAY, 0, 0}},
    {.clause = "4.4.7", .call = GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR, .text = "",
     .prepare = prepare_nothing, .ask = ask_properties, .check = check_nothing,
     .codes = {0, 0, 0, NONE}},
};
/* clang-format on */

/* --- Refusing ---------------------------------------------------------------------------- */

#define ROOM 256u /* bytes by which the device grows from one time to the next */

struct refusal {
    enum source source;
    struct fault_plan device;
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
    switch (refusal->source) {
    case FULL_DEVICE:
        memory_device_set_capacity(world.devices[0], bytes_on(world.devices[0]) + (at - 1) * ROOM);
        break;
    case FAILING_DEVICE:
        refusal->device = (struct fault_plan){.kind = FAULT_IO_BEFORE, .at = at};
        memory_device_inject(world.devices[0], &refusal->device);
        break;
    case MEMORY_OF_STORES:
        world.store_memory = (struct fault_plan){.at = at};
        break;
    default:
        space_fixture_refuse(&world.memory, at, 1);
        break;
    }
}

/* Was anything, the call having answered that? */
static bool refuse_no_more(const struct refusal *refusal, TEE_Result result)
{
    bool fired = refusal->device.fired || world.store_memory.fired || world.memory.refusals.fired;

    memory_device_set_capacity(world.devices[0], MEMORY_DEVICE_CAPACITY);
    memory_device_inject(world.devices[0], NULL);
    world.store_memory.paused = true;
    space_fixture_refuse(&world.memory, 0, 0);
    return fired || (refusal->source == FULL_DEVICE && result != TEE_SUCCESS);
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

/* --- One after another ------------------------------------------------------------------- */

/* Of the stores: before the call, and after it, when nothing is refused. */
struct pictures {
    uint64_t before, after;
};

struct attempt {
    const struct shortage *shortage;
    TEE_Result result;
};

static void prepare_attempt(void *argument)
{
    const struct attempt *attempt = argument;

    attempt->shortage->prepare();
}

static void ask_attempt(void *argument)
{
    struct attempt *attempt = argument;

    attempt->result = attempt->shortage->ask();
}

static void ask_again(void *argument)
{
    struct attempt *attempt = argument;

    if (attempt->shortage->closes)
        had.object = open_as("a", ALL_ACCESS);
    expect_success(attempt->shortage->ask());
}

static void check_attempt(void *argument)
{
    const struct attempt *attempt = argument;

    attempt->shortage->check();
}

/* A device that fails may leave a store that has to be opened anew, and doesn't tell whether the
 * last write was made: the change is there as a whole, or not at all. */
static void check_after_failure(const struct pictures *pictures)
{
    uint64_t now;

    world_reopen();
    now = world_picture();
    if (now != pictures->before && now != pictures->after)
        note("a failed device left half a change");
}

static void check_refused(struct attempt *attempt, const struct refusal *refusal,
                          const struct pictures *pictures)
{
    expect_result(attempt->result, attempt->shortage->codes[refusal->source]);
    if (refusal->source == FAILING_DEVICE) {
        check_after_failure(pictures);
        return;
    }
    if (world_picture() != pictures->before)
        note("it failed and changed something");
    if (run_in(world.instance, ask_again, attempt))
        (void)run_in(world.instance, check_attempt, attempt);
}

static void prepare(const struct shortage *shortage, struct pictures *pictures)
{
    struct attempt attempt = {.shortage = shortage};

    memset(&had, 0, sizeof(had));
    (void)run_in(world.instance, prepare_attempt, &attempt);
    pictures->before = world_picture();
    if (shortage->cold)
        world_reopen();
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
                      struct pictures *pictures)
{
    struct attempt attempt = {.shortage = shortage};
    struct refusal refusal = {.source = source};
    bool fired;
    bool alive;

    prepare(shortage, pictures);
    if (source == MEMORY_OF_INSTANCES)
        take_all_blocks();
    refuse_from(&refusal, at);
    alive = run_in(world.instance, ask_attempt, &attempt);
    fired = refuse_no_more(&refusal, attempt.result);
    give_all_blocks();
    if (!alive)
        return false;
    if (attempt.result != TEE_SUCCESS)
        check_refused(&attempt, &refusal, pictures);
    else
        (void)run_in(world.instance, check_attempt, &attempt);
    if (!fired)
        expect_success(attempt.result);
    return fired && failures() == 0;
}

static void close_world(void)
{
    if (!world_close())
        note("not all came back");
}

static void refuse_all(const struct rule *rule)
{
    const struct shortage *shortage = &shortages[rule->a];
    struct pictures pictures;
    uint64_t at = 0;
    bool goes_on;

    world_open(rule->profile);
    look_at(shortage, &pictures);
    close_world();
    do {
        at++;
        world_open(rule->profile);
        goes_on = refuse_at(shortage, (enum source)rule->b, at, &pictures);
        close_world();
    } while (goes_on && at < AT_MOST);
    if (failures() > 0)
        note("when the %llu-th was refused", (unsigned long long)at);
    else
        expect(at > 1 && at < AT_MOST);
}

void add_shortage(void)
{
    for (uint32_t i = 0; i < sizeof(shortages) / sizeof(shortages[0]); i++) {
        for (uint32_t source = 0; source < SOURCES; source++) {
            struct rule rule = {.function = gp_call_name(shortages[i].call),
                                .clause = shortages[i].clause,
                                .by_itself = refuse_all,
                                .profiles = IN_STRICT,
                                .a = i,
                                .b = source};
            char text[CASE_TEXT_SIZE];

            if (shortages[i].codes[source] == TEE_SUCCESS)
                continue;
            (void)snprintf(text, sizeof(text), "%s%s", shortages[i].text, source_names[source]);
            rule.text = text;
            add(&rule);
        }
    }
}
