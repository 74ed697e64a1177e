/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sixteen threads, each with an instance of one of a few TAs, that use the same few objects by the
 * TEE_ calls, in many short rounds. What each called, when, and what it was answered is written
 * down; after a round there must be an order of each TA's calls in which GlobalPlatform's rules
 * give just these answers (support/linearize.h, support/gp_model.h), and which leads to what the
 * objects are then. TAs use the same ids and each is judged by itself: what one has to do with
 * another's objects fits nowhere.
 *
 * Whoever takes or gives a lock lets another thread run now and then, so that calls overlap where
 * they are most delicate. With memory that is refused now and then, a call may find none, and then
 * must have done nothing. The thread sanitizer runs it too (docs/TESTING.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "coffer/linux_memory.h"
#include "gp/files.h"
#include "memory/memory.h"
#include "memory/system/system.h"
#include "support/gp_model.h"
#include "support/linearize.h"
#include "support/must.h"
#include "support/random.h"
#include "support/space_fixture.h"
#include "support/store_fixture.h"
#include "support/threads.h"

#include "../../ports/linux/tee_gcrypt.h"
#include "gp_worker.h"

#define THREADS GP_MODEL_THREADS
#define STORES  2u

#define LOOK_MOST 2000000u /* in a history, before it is told to be too much */

struct plan {
    unsigned tas;
    unsigned calls; /* of a worker in a round, and some to end it */
    unsigned rounds;
    size_t memory;   /* of each store, bytes; 0: the fixture's */
    unsigned refuse; /* one in so many allocations, or two, four or eight times that; 0: none */
};

struct counts {
    unsigned long calls, overlapping, conflicts, shortages;
    size_t looked_at; /* in one history, at most */
};

static struct {
    struct plan plan;
    struct space_fixture memory;
    struct memory_device *devices[STORES];
    struct store_fixture stores[STORES];
    struct gp_tee tee;
    struct gp_worker workers[THREADS];
    struct gp_worker watcher;              /* of a TA's objects, when nobody else is at them */
    struct gp_model_state states[THREADS]; /* of each TA's objects, between rounds */
    struct gp_model_rules rules;
    pthread_barrier_t barrier;
    unsigned refuse; /* in this round: one in so many */
    struct counts counts;
} world;

static enum gp_profile profile;

/* --- The port: locks at which others come to run ----------------------------------------- */

static _Thread_local struct random *chaos; /* NULL: none in this thread */

static void let_others_run(void)
{
    if (chaos != NULL && random_below(chaos, 4) == 0)
        (void)sched_yield();
}

static void lock_take(void *context, struct port_lock *lock)
{
    let_others_run();
    coffer_linux_port()->lock_take(context, lock);
}

static void lock_give(void *context, struct port_lock *lock)
{
    coffer_linux_port()->lock_give(context, lock);
    let_others_run();
}

static const struct coffer_port *chaotic_port(void)
{
    static struct coffer_port port;

    port = *coffer_linux_port();
    port.lock_take = lock_take;
    port.lock_give = lock_give;
    return &port;
}

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)argument;
    (void)owner;
    (void)size;
    return chaos != NULL && random_below(chaos, world.refuse) == 0;
}

/* --- Rounds ------------------------------------------------------------------------------ */

static void work(void *argument)
{
    struct gp_worker *worker = argument;

    (void)pthread_barrier_wait(&world.barrier);
    chaos = &worker->chaos;
    gp_worker_use_objects(worker);
    chaos = NULL;
}

/* --- Judging ----------------------------------------------------------------------------- */

static void count(const struct gp_model_call *calls, size_t call_count)
{
    world.counts.calls += call_count;
    for (size_t i = 0; i < call_count; i++) {
        bool overlaps = false;

        for (size_t j = 0; j < call_count && !overlaps; j++)
            overlaps = calls[j].thread != calls[i].thread &&
                       calls[j].span.begin < calls[i].span.end &&
                       calls[i].span.begin < calls[j].span.end;
        world.counts.overlapping += overlaps;
        world.counts.conflicts += calls[i].result == TEE_ERROR_ACCESS_CONFLICT;
        world.counts.shortages += gp_model_is_shortage(&calls[i]);
    }
}

/* The calls of one TA, in this round. */
static size_t gather(unsigned ta, struct gp_model_call *calls)
{
    size_t gathered = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        const struct gp_worker *worker = &world.workers[i];

        if (worker->ta != ta)
            continue;
        memcpy(&calls[gathered], worker->calls, worker->count * sizeof(*calls));
        gathered += worker->count;
    }
    memcpy(&calls[gathered], world.watcher.calls, world.watcher.count * sizeof(*calls));
    return gathered + world.watcher.count;
}

static void judge(unsigned ta, unsigned round)
{
    static struct gp_model_call calls[LINEARIZE_CALLS_MAX];
    static struct linearize_result result;
    const struct linearize_model model = gp_model(&world.rules);
    struct gp_model_state before = world.states[ta];
    size_t call_count = gather(ta, calls); /* the index of the watcher's is 0, too */

    linearize(&model, &world.states[ta], calls, call_count, LOOK_MOST, &result);
    count(calls, call_count);
    if (result.looked_at > world.counts.looked_at)
        world.counts.looked_at = result.looked_at;
    if (result.verdict == LINEARIZE_YES)
        return;
    fprintf(stderr, "TA %u in round %u (names: a, b, c and d; modes: r, w, m, shared R, W):\n", ta,
            round);
    if (result.verdict == LINEARIZE_NO)
        linearize_explain(stderr, &model, &before, calls, call_count, &result);
    must(result.verdict != LINEARIZE_UNKNOWN); /* or there was too much to look at */
    must(result.verdict == LINEARIZE_YES);
}

static void run_round(unsigned round)
{
    for (unsigned i = 0; i < THREADS; i++)
        world.workers[i].count = 0;
    world.refuse = world.plan.refuse << round % 4;
    threads_run(work, world.workers, THREADS);
    must(gp_files_are_valid(&world.tee) && list_is_empty(&world.tee.files));
    for (unsigned ta = 0; ta < world.plan.tas; ta++) {
        world.watcher.instance = world.workers[ta].instance;
        world.watcher.count = 0;
        gp_worker_look_at_all(&world.watcher);
        judge(ta, round);
    }
}

/* --- The world --------------------------------------------------------------------------- */

static void open_instances(void)
{
    static const struct gp_limits limits = {.heap = 64 * KIB, .frames = UINT64_MAX};
    TEE_UUID uuid = {0xc0ffee00, 0x1234, 0x4321, {0x80, 1, 2, 3, 4, 5, 6, 7}};

    for (unsigned i = 0; i < THREADS; i++) {
        struct gp_worker *worker = &world.workers[i];

        worker->ta = i % world.plan.tas;
        worker->index = (uint8_t)(i / world.plan.tas);
        worker->wanted = world.plan.calls;
        worker->may_be_short = world.rules.may_be_short;
        uuid.clockSeqAndNode[7] = (uint8_t)worker->ta;
        must(gp_instance_open(&world.tee, &uuid, &limits, &worker->instance) == COFFER_OK);
    }
}

static void close_tee(void)
{
    for (unsigned i = 0; i < THREADS; i++)
        gp_instance_close(world.workers[i].instance);
    gp_tee_close(&world.tee);
}

static void open_tee(void)
{
    const struct gp_storage storages[STORES] = {
        {.id = TEE_STORAGE_PRIVATE, .store = world.stores[0].store},
        {.id = TEE_STORAGE_PERSO, .store = world.stores[1].store},
    };
    const struct gp_tee_settings settings = {.port = chaotic_port(),
                                             .memory = world.memory.memory,
                                             .profile = profile,
                                             .provider = linux_tee_provider(),
                                             .storages = storages,
                                             .storage_count = STORES};

    must(gp_tee_open(&world.tee, &settings) == COFFER_OK);
    open_instances();
}

static void open_world(const struct plan *plan)
{
    static const struct space_fixture_settings memory = {.memory = 4 * MIB, .swap_pages = 1024};
    static const struct memory_settings refusing = {.refuse = refuse};
    const struct store_options options = {.create = true,
                                          .memory = plan->memory,
                                          .port = getenv("COFFER_GREEDY") == NULL ? chaotic_port()
                                                                                  : NULL,
                                          .memory_settings = plan->refuse != 0 ? &refusing : NULL};

    memset(&world, 0, sizeof(world));
    world.plan = *plan;
    world.rules = (struct gp_model_rules){.all_share_alike = profile == GP_OPTEE_4,
                                          .may_be_short = plan->refuse != 0};
    space_fixture_open(&world.memory, SPACE_LINUX, &memory);
    if (plan->refuse != 0)
        account_set_refuse(&world.memory.memory->core->account, refuse, NULL);
    for (unsigned i = 0; i < STORES; i++) {
        world.devices[i] = memory_device_open();
        must(store_fixture_open(&world.stores[i], world.devices[i], &options) == COFFER_OK);
    }
    /* Records of pools and spaces stay with the memory once they were needed: have them before the
     * balance is looked at. */
    open_tee();
    close_tee();
    world.memory.start = space_fixture_balance(&world.memory);
    open_tee();
    must(pthread_barrier_init(&world.barrier, NULL, THREADS) == 0);
}

static bool close_world(void)
{
    must(pthread_barrier_destroy(&world.barrier) == 0);
    close_tee();
    for (unsigned i = 0; i < STORES; i++) {
        store_fixture_close(&world.stores[i]);
        memory_device_free(world.devices[i]);
    }
    return space_fixture_end(&world.memory);
}

static void run(const char *name, const struct plan *plan)
{
    unsigned rounds = getenv("COFFER_DEEP") != NULL ? 20 * plan->rounds : plan->rounds;
    struct random random;

    open_world(plan);
    random_init(&random, name);
    for (unsigned i = 0; i < THREADS; i++) {
        world.workers[i].random.state = random_next(&random);
        world.workers[i].chaos.state = random_next(&random);
    }
    for (unsigned round = 0; round < rounds; round++)
        run_round(round);
    printf(
        "%s: %u rounds, %lu calls, %lu overlapping, %lu conflicts, %lu found no memory, up to %zu "
        "looked at\n",
        name, rounds, world.counts.calls, world.counts.overlapping, world.counts.conflicts,
        world.counts.shortages, world.counts.looked_at);
    assert_true(world.counts.overlapping > world.counts.calls / 10);
    assert_true(world.counts.conflicts > 0);
    assert_int_equal(world.counts.shortages > 0, plan->refuse != 0);
    assert_true(close_world());
}

static void test_instances_of_four_tas(void **state)
{
    (void)state;
    run("four TAs", &(struct plan){.tas = 4, .calls = 12, .rounds = 60});
}

static void test_sixteen_instances_of_one_ta(void **state)
{
    (void)state;
    run("one TA", &(struct plan){.tas = 1, .calls = 8, .rounds = 60});
}

static void test_with_little_memory(void **state)
{
    (void)state;
    run("little memory", &(struct plan){.tas = 4,
                                        .calls = 12,
                                        .rounds = 60,
                                        .memory = COFFER_MEMORY_MIN + 128 * KIB,
                                        .refuse = 4});
}

int main(void)
{
    const struct CMUnitTest strict[] = {
        cmocka_unit_test(test_instances_of_four_tas),
        cmocka_unit_test(test_sixteen_instances_of_one_ta),
        cmocka_unit_test(test_with_little_memory),
    };
    /* Where there is no memory for it, many a call panics. */
    const struct CMUnitTest optee[] = {
        cmocka_unit_test(test_instances_of_four_tas),
        cmocka_unit_test(test_sixteen_instances_of_one_ta),
    };
    int failures = cmocka_run_group_tests_name("gp-1.3.1", strict, NULL, NULL);

    profile = GP_OPTEE_4;
    return failures + cmocka_run_group_tests_name("optee-4", optee, NULL, NULL);
}
