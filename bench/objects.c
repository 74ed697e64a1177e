/* SPDX-License-Identifier: BSD-2-Clause */
/* Small objects: made, read, changed, renamed, deleted and enumerated in stores of some sizes. */
#include <stdio.h>

#include "bench.h"
#include "measure.h"
#include "must.h"
#include "optee.h"
#include "report.h"

#define DURABLE_REPETITIONS  51
#define VOLATILE_REPETITIONS 501
#define QUICK_REPETITIONS    3
#define ENTRY_SIZE           120u /* of the catalogue, on the device */
#define HEAD_SIZE            24u  /* of an object's file */

/* What most workloads here need to know. */
struct world {
    unsigned count; /* objects in the store */
    struct coffer_object *object;
    unsigned met; /* by the last enumeration */
};

static unsigned commit_repetitions(const struct bench *bench)
{
    return bench_repetitions(bench,
                             bench->variant.durable ? DURABLE_REPETITIONS : VOLATILE_REPETITIONS,
                             QUICK_REPETITIONS);
}

static void named(char name[NAME_MAX_SIZE], const char *workload, unsigned count)
{
    (void)snprintf(name, NAME_MAX_SIZE, "%s.%u", workload, count);
}

static void target_calls(struct bench *bench, const struct result *result, double limit)
{
    char what[2 * NAME_MAX_SIZE];

    (void)snprintf(what, sizeof(what), "%s.calls_max", result->name);
    report_target(bench->report, TARGET_COUNT, what, result->worst_calls, limit);
}

/* How a durable commit is ordered and what it really flushes. */
static void report_commit(struct bench *bench, const char *what, const struct result *result)
{
    static const enum counter kinds[] = {COUNTER_BARRIERS, COUNTER_SYNCS, COUNTER_FLUSHES};
    char name[NAME_MAX_SIZE];

    if (!bench->variant.durable)
        return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        (void)snprintf(name, sizeof(name), "commit.%s.%s", what, counter_names[kinds[i]]);
        report_add(bench->report, name, result->worst.values[kinds[i]], "calls", NULL, 0);
    }
    (void)snprintf(name, sizeof(name), "commit.%s.%s", what, counter_names[COUNTER_BARRIERS]);
    report_target(bench->report, TARGET_COUNT, name, result->worst.values[COUNTER_BARRIERS], 3);
}

/* --- Create --- */

static void put_last(struct bench *bench, void *context, unsigned repetition)
{
    const struct world *world = context;

    (void)repetition;
    bench_put(bench, world->count - 1);
}

static void delete_last(struct bench *bench, void *context, unsigned repetition)
{
    const struct world *world = context;
    struct label label = bench_label(world->count - 1);
    struct coffer_name name = bench_name(&label);

    (void)repetition;
    must(coffer_delete(bench->store, &name), "delete");
}

/* As object number `count`, in a store of one less; deleted again each time. */
static void run_create(struct bench *bench, unsigned count, const struct optee *optee)
{
    struct world world = {.count = count};
    char name[NAME_MAX_SIZE];
    struct task task = {.name = name,
                        .repetitions = commit_repetitions(bench),
                        .run = put_last,
                        .after = delete_last,
                        .context = &world,
                        .raw = {.writes = true, .scattered = true, .size = SMALL_SIZE, .count = 1}};
    struct result result;

    named(name, "create", count);
    measure(bench, &task, &result);
    report_result(bench->report, &result, optee, 0);
    if (count == 1000) {
        target_calls(bench, &result, 12);
        report_commit(bench, "create", &result);
    }
}

/* --- Open and read --- */

static void open_read_close(struct bench *bench, void *context, unsigned repetition)
{
    const struct world *world = context;
    struct label label = bench_label(repetition * 7919 % world->count);
    struct coffer_name name = bench_name(&label);
    struct coffer_object *object;
    uint8_t bytes[SMALL_SIZE];
    size_t got;

    must(coffer_object_open(bench->store, &name, &object), "open");
    must(coffer_object_read(object, 0, bytes, sizeof(bytes), &got), "read");
    must_system(got == sizeof(bytes) && bytes[0] == bench_bytes()[0], "what was read");
    coffer_object_close(object);
}

static void run_open_read(struct bench *bench, unsigned count, const struct optee *optee)
{
    struct world world = {.count = count};
    char name[NAME_MAX_SIZE];
    struct task task = {.name = name,
                        .repetitions = bench_repetitions(bench, 2 * VOLATILE_REPETITIONS, 101),
                        .run = open_read_close,
                        .context = &world,
                        .raw = {.scattered = true, .size = SMALL_SIZE, .count = 1}};
    struct result result;

    named(name, "open_read", count);
    measure(bench, &task, &result);
    report_result(bench->report, &result, optee, 0);
    if (count == 1000)
        target_calls(bench, &result, 3);
}

/* --- Enumerate --- */

static void walk(struct bench *bench, struct world *world, bool with_info)
{
    struct coffer_list *list;
    struct coffer_entry entry;
    enum coffer_status status;

    world->met = 0;
    must(coffer_list_open(bench->store, NULL, &list), "list");
    while ((status = coffer_list_next(list, &entry)) == COFFER_OK) {
        struct coffer_name name = {entry.ta, entry.id, entry.id_size};
        struct coffer_info info;

        world->met++;
        if (!with_info)
            continue;
        must(coffer_stat(bench->store, &name, &info), "stat");
        must_system(info.size == SMALL_SIZE, "the size told");
    }
    coffer_list_close(list);
    must_system(status == COFFER_NOT_FOUND && world->met == world->count, "all objects listed");
}

static void walk_names(struct bench *bench, void *context, unsigned repetition)
{
    (void)repetition;
    walk(bench, context, false);
}

static void walk_infos(struct bench *bench, void *context, unsigned repetition)
{
    (void)repetition;
    walk(bench, context, true);
}

/* The figures of one walk; the target is by object. */
static void report_walk(struct bench *bench, const struct result *result, unsigned count)
{
    const struct optee all = {optee_enumerate_each.calls * count,
                              optee_enumerate_each.bytes * count};
    char name[2 * NAME_MAX_SIZE];

    report_result(bench->report, result, &all, 0);
    (void)snprintf(name, sizeof(name), "%s.calls_per_object", result->name);
    report_add(bench->report, name, result->worst_calls / count, "calls", "OP-TEE, calls",
               optee_enumerate_each.calls);
    report_target(bench->report, TARGET_COUNT, name, result->worst_calls / count, 1);
}

static void run_enumerate(struct bench *bench, unsigned count)
{
    struct world world = {.count = count};
    char name[NAME_MAX_SIZE];
    struct task task = {.name = name,
                        .repetitions = bench_repetitions(bench, 21, 3),
                        .run = walk_names,
                        .context = &world,
                        .raw = {.size = (size_t)ENTRY_SIZE * count, .count = 1}};
    struct result result;

    named(name, "enumerate", count);
    measure(bench, &task, &result);
    report_walk(bench, &result, count);

    named(name, "enumerate_info", count);
    task.run = walk_infos;
    task.raw = (struct raw_work){.scattered = true, .size = ENTRY_SIZE + HEAD_SIZE, .count = count};
    measure(bench, &task, &result);
    report_walk(bench, &result, count);
}

/* --- Change --- */

static void overwrite(struct bench *bench, void *context, unsigned repetition)
{
    const struct world *world = context;

    (void)bench;
    must(coffer_object_write(world->object, 0, bench_bytes() + repetition, SMALL_SIZE), "write");
}

/* To another name, and with the next repetition back again. */
static void rename_last(struct bench *bench, void *context, unsigned repetition)
{
    const struct world *world = context;
    struct label labels[2] = {bench_label(world->count - 1), bench_label(world->count)};
    struct coffer_name names[2] = {bench_name(&labels[0]), bench_name(&labels[1])};
    const struct coffer_name *to = &names[(repetition + 1) % 2];

    must(coffer_rename(bench->store, &names[repetition % 2], to->id, to->id_size), "rename");
}

/* One change after the other to the last object; it is gone afterwards. */
static void run_changes(struct bench *bench, unsigned count)
{
    struct world world = {.count = count};
    char name[NAME_MAX_SIZE];
    struct task task = {.name = "overwrite.1KiB",
                        .repetitions = commit_repetitions(bench),
                        .run = overwrite,
                        .context = &world,
                        .raw = {.writes = true, .scattered = true, .size = SMALL_SIZE, .count = 1}};
    struct result result;
    struct label label = bench_label(count - 1);
    struct coffer_name last = bench_name(&label);

    must(coffer_object_open(bench->store, &last, &world.object), "open");
    measure(bench, &task, &result);
    report_result(bench->report, &result, &optee_overwrite, 0);
    report_commit(bench, "overwrite", &result);
    coffer_object_close(world.object);

    named(name, "rename", count);
    task.name = name;
    task.run = rename_last;
    task.repetitions += task.repetitions % 2; /* home at the end */
    task.raw.size = ENTRY_SIZE;
    measure(bench, &task, &result);
    report_result(bench->report, &result, NULL, 0);
    report_commit(bench, "rename", &result);

    delete_last(bench, &world, 0);
    named(name, "delete", count);
    task.before = put_last;
    task.run = delete_last;
    measure(bench, &task, &result);
    report_result(bench->report, &result, NULL, 0);
    report_commit(bench, "delete", &result);
}

/* All of it in a store that grows to `count` objects. */
static void run_store(struct bench *bench, unsigned count, const struct optee *optee_create,
                      const struct optee *optee_open_read)
{
    bench_begin(bench, count - 1);
    run_create(bench, count, optee_create);
    bench_put(bench, count - 1);
    bench_reopen(bench);
    run_open_read(bench, count, optee_open_read);
    if (count == 1000)
        run_enumerate(bench, count);
    if (count == 100)
        run_changes(bench, count);
    bench_end(bench);
}

void run_objects(struct bench *bench)
{
    run_store(bench, 1, &optee_create_early, &optee_open_read_1);
    run_store(bench, 100, &optee_create_early, &optee_open_read_100);
    run_store(bench, 1000, &optee_create_late, &optee_open_read_1000);
}
