/* SPDX-License-Identifier: BSD-2-Clause */
#include "trouble.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "coffer/linux.h"
#include "engine/engine.h"
#include "memory/memory.h"
#include "port/port.h"
#include "support/store_fixture.h"

#define MEMORY   (512u * 1024)
#define AT_LIMIT 100000u /* no call makes that many calls: the loop would never end */

const struct step trouble_steps[] = {
    {.kind = STEP_PUT, .id = "new", .size = 100},
    {.kind = STEP_PUT, .id = "new and large", .size = 30000},
    {.kind = STEP_PUT_KEY, .id = "key", .size = 10},
    {.kind = STEP_REPLACE, .id = "small", .size = 5000},
    {.kind = STEP_WRITE, .id = "large", .offset = 5000, .size = 3000},
    {.kind = STEP_WRITE, .id = "large", .offset = 20000, .size = 9000},
    {.kind = STEP_WRITE, .id = "small", .offset = 20000, .size = 10},
    {.kind = STEP_WRITE_FROM, .id = "large", .offset = 3000, .size = 25000},
    {.kind = STEP_TRUNCATE, .id = "large", .size = 7000},
    {.kind = STEP_TRUNCATE, .id = "large", .size = 40000},
    {.kind = STEP_TRUNCATE, .id = "wide", .size = 10},
    {.kind = STEP_USAGE, .id = "large", .size = 0x12345678},
    {.kind = STEP_RENAME, .id = "small", .to = "renamed"},
    {.kind = STEP_DELETE, .id = "large"},
    {.kind = STEP_STREAM, .id = "stream", .size = 20000},
    {.kind = STEP_READ, .id = "wide"},
    {.kind = STEP_STAT, .id = "small"},
    {.kind = STEP_LIST},
    {.kind = STEP_CHECK},
};
const size_t trouble_step_count = sizeof(trouble_steps) / sizeof(trouble_steps[0]);

/* One run: a store on its own device, with the trouble wired up but paused. */
struct run {
    const struct trouble *trouble;
    const char *what;
    uint64_t at;
    struct fault_plan plan;
    struct coffer_port port;
    struct memory_settings memory;
    struct store_options options;
    struct store_fixture fixture;
    struct memory_device *device;
};

static bool refuse(void *argument, struct owner owner, size_t size)
{
    (void)owner;
    (void)size;
    return fault_plan_strikes(argument, FAULT_CALL_OTHER);
}

static enum coffer_status failing_entropy(void *context, void *out, size_t n)
{
    const struct coffer_port *real = coffer_linux_port();

    if (fault_plan_strikes(context, FAULT_CALL_OTHER)) {
        memset(out, 0x5A, n);
        return COFFER_IO;
    }
    return real->entropy(real->context, out, n);
}

static void wire(struct run *run, struct trouble *trouble, const char *what, uint64_t at,
                 struct memory_device *device)
{
    memset(run, 0, sizeof(*run));
    run->trouble = trouble;
    run->what = what;
    run->at = at;
    run->device = device;
    run->plan.at = at;
    run->plan.paused = true;
    run->options.memory = MEMORY;
    switch (trouble->source) {
    case TROUBLE_DEVICE:
        run->plan.kind = trouble->kind;
        memory_device_inject(device, &run->plan);
        break;
    case TROUBLE_MEMORY:
        run->memory.refuse = refuse;
        run->memory.refuse_argument = &run->plan;
        run->options.memory_settings = &run->memory;
        break;
    case TROUBLE_ENTROPY:
        /* The Linux port's other calls take no context: it is ours. */
        run->port = *coffer_linux_port();
        run->port.context = &run->plan;
        run->port.entropy = failing_entropy;
        run->options.port = &run->port;
        break;
    }
}

static void unwire(struct run *run)
{
    memory_device_inject(run->device, NULL);
    memory_device_free(run->device);
}

__attribute__((noreturn)) static void broken(const struct run *run, const char *promise,
                                             const char *detail)
{
    static const char *const sources[] = {"device call", "allocation", "request for entropy"};

    fail_msg("%s, %s %llu (%s): %s: %s", run->what, sources[run->trouble->source],
             (unsigned long long)run->at,
             run->trouble->source == TROUBLE_DEVICE ? fault_kind_name(run->trouble->kind)
                                                    : "refused",
             promise, detail);
    __builtin_unreachable();
}

/* --- The promises ------------------------------------------------------------------------ */

static void expect_class(const struct run *run, enum coffer_status status)
{
    enum coffer_status expected = COFFER_IO;
    bool may_be_unknown = run->trouble->source == TROUBLE_DEVICE;

    if (run->trouble->source == TROUBLE_MEMORY)
        expected = COFFER_NO_MEMORY;
    else if (run->trouble->source == TROUBLE_DEVICE && run->trouble->kind == FAULT_NO_SPACE)
        expected = COFFER_NO_SPACE;
    /* COFFER_OK: what failed was not needed for the answer. */
    if (status != COFFER_OK && status != expected && !(status == COFFER_FAILED && may_be_unknown))
        broken(run, "the wrong answer", coffer_status_name(status));
}

/* Failures of the machine are not damage of the store. `torn`: a write may lie there half. */
static void expect_no_damage(const struct run *run, const struct store_fixture *fixture, bool torn)
{
    for (unsigned i = 0; i < STORE_FIXTURE_NOTICE_KINDS; i++) {
        if (i == COFFER_NOTICE_CLEANUP || i == COFFER_NOTICE_CATALOGUE_SPARE)
            continue;
        if (i == COFFER_NOTICE_CATALOGUE_FALLBACK && torn)
            continue;
        if (fixture->notices[i] > 0)
            broken(run, "taken for damage", fixture->last_notice);
    }
}

/* Idle buffers are at home first: what is left of them is what somebody still holds. A collector's
 * thread has to wait meanwhile: the numbers are of one moment. */
static struct coffer_statistics statistics(const struct run *run)
{
    atomic_bool *is_working = &run->fixture.store->reclaim.is_working;
    struct coffer_statistics now;

    while (atomic_exchange(is_working, true))
        continue;
    /* Objects that nobody uses may stay open. */
    while (cache_shrink(run->fixture.store->store.objects.core, UINT64_MAX, 1000) > 0)
        continue;
    (void)buffers_trim(&run->fixture.store->buffers, UINT64_MAX);
    if (coffer_statistics_get(run->fixture.store, &now) != COFFER_OK)
        broken(run, "statistics", "no answer");
    atomic_store(is_working, false);
    return now;
}

static uint64_t live_count(const struct coffer_component *component)
{
    return component->allocations - component->frees;
}

static void expect_nothing_taken(const struct run *run, const struct coffer_statistics *before)
{
    struct coffer_statistics now = statistics(run);

    if (now.open_objects != before->open_objects)
        broken(run, "leaked", "an open object");
    for (unsigned i = 0; i < now.component_count; i++) {
        /* The caches may keep more entries, of a record and a frame each, and nothing else. */
        if (strcmp(now.components[i].name, "cache") == 0 &&
            live_count(&now.components[i]) - live_count(&before->components[i]) ==
                2 * (now.cache_frames - before->cache_frames))
            continue;
        if (now.components[i].bytes != before->components[i].bytes) {
            char text[96];

            snprintf(text, sizeof(text), "%s: %llu bytes before, %llu after",
                     now.components[i].name, (unsigned long long)before->components[i].bytes,
                     (unsigned long long)now.components[i].bytes);
            broken(run, "leaked", text);
        }
    }
    if (now.wrong_frees != 0)
        broken(run, "wrong frees", "");
}

/* A store whose last commit may or may not have happened takes no more changes. */
static void expect_no_more_changes(const struct run *run)
{
    static const struct step next = {.kind = STEP_PUT, .id = "the next", .size = 6000};
    enum coffer_status status = step_run(&next, run->fixture.store);

    if (status != COFFER_FAILED)
        broken(run, "a FAILED store takes changes", coffer_status_name(status));
}

static void expect_model(const struct run *run, const struct model *model, struct coffer *store,
                         const char *promise)
{
    char why[256];

    if (!model_matches(model, store, why, sizeof(why)))
        broken(run, promise, why);
}

static void expect_next_works(const struct run *run, struct model *model)
{
    static const struct step next = {.kind = STEP_PUT, .id = "the next", .size = 6000};
    enum coffer_status status = step_run(&next, run->fixture.store);

    if (status != COFFER_OK)
        broken(run, "the next call fails", coffer_status_name(status));
    step_apply(&next, model);
}

/* Opened again without trouble, the store holds one of the two (`other` may be NULL). */
static void expect_after_reopen(const struct run *run, const struct model *model,
                                const struct model *other, bool torn)
{
    struct store_options options = {.memory = MEMORY};
    struct store_fixture fixture;
    enum coffer_status status;
    char why[256];

    memory_device_inject(run->device, NULL);
    status = store_fixture_open(&fixture, run->device, &options);
    if (status != COFFER_OK)
        broken(run, "does not open again", coffer_status_name(status));
    if (!model_matches(model, fixture.store, why, sizeof(why)) &&
        (other == NULL || !model_matches(other, fixture.store, why, sizeof(why))))
        broken(run, "opened again", why);
    expect_no_damage(run, &fixture, torn);
    store_fixture_close(&fixture);
}

/* --- Striking ---------------------------------------------------------------------------- */

/* What holds once the call has answered. */
static void judge_step(struct run *run, const struct model *before, const struct model *after,
                       enum coffer_status status, const struct coffer_statistics *taken_before)
{
    bool failed = status == COFFER_FAILED;
    struct model now;

    expect_class(run, status);
    model_copy(status == COFFER_OK ? after : before, &now);
    if (run->trouble->through_close) {
        store_fixture_close(&run->fixture);
        expect_after_reopen(run, &now, failed ? after : NULL, failed);
        model_fini(&now);
        return;
    }

    run->plan.paused = true;
    if (failed)
        expect_no_more_changes(run);
    if (!failed) {
        expect_model(run, &now, run->fixture.store, "the same store");
        if (status != COFFER_OK)
            expect_nothing_taken(run, taken_before);
        expect_next_works(run, &now);
        expect_model(run, &now, run->fixture.store, "the same store, later");
    }
    expect_no_damage(run, &run->fixture, false);
    store_fixture_close(&run->fixture);
    expect_after_reopen(run, &now, failed ? after : NULL, failed);
    model_fini(&now);
}

void trouble_strike_step(struct trouble *trouble, const struct trouble_base *base,
                         const struct step *step)
{
    struct model after;
    bool fired = true;

    model_copy(&base->model, &after);
    step_apply(step, &after);
    for (uint64_t at = 1; fired; at++) {
        struct coffer_statistics before;
        struct run run;
        enum coffer_status status;

        wire(&run, trouble, step_kind_name(step->kind), at, memory_device_clone(base->device));
        assert_true(at < AT_LIMIT);
        status = store_fixture_open(&run.fixture, run.device, &run.options);
        if (status != COFFER_OK)
            broken(&run, "does not open", coffer_status_name(status));
        before = statistics(&run);
        run.plan.paused = false;
        status = step_run(step, run.fixture.store);
        fired = run.plan.fired;
        trouble->strikes += fired;
        if (!fired && status != COFFER_OK)
            broken(&run, "fails without trouble", coffer_status_name(status));
        judge_step(&run, &base->model, &after, status, &before);
        unwire(&run);
    }
    model_fini(&after);
}

void trouble_strike_open(struct trouble *trouble, const struct trouble_base *base)
{
    bool fired = true;

    for (uint64_t at = 1; fired; at++) {
        struct run run;
        enum coffer_status status;
        const char *where;

        wire(&run, trouble, "open", at, memory_device_clone(base->device));
        assert_true(at < AT_LIMIT);
        run.plan.paused = false;
        status = store_fixture_open(&run.fixture, run.device, &run.options);
        run.plan.paused = true;
        fired = run.plan.fired;
        trouble->strikes += fired;
        expect_class(&run, status);
        if (status == COFFER_OK) {
            expect_no_damage(&run, &run.fixture, false);
            expect_model(&run, &base->model, run.fixture.store, "opened all the same");
            run.plan.paused = false;
            store_fixture_close(&run.fixture);
        }
        if (!memory_device_equal(base->device, run.device, &where))
            broken(&run, "changed by opening", where);
        expect_after_reopen(&run, &base->model, NULL, false);
        unwire(&run);
    }
}

void trouble_strike_create(struct trouble *trouble)
{
    bool fired = true;
    struct model empty;

    model_init(&empty);
    for (uint64_t at = 1; fired; at++) {
        struct store_options again = {.memory = MEMORY, .create = true};
        struct store_fixture fixture;
        struct run run;
        enum coffer_status status;

        wire(&run, trouble, "create the store", at, memory_device_open());
        assert_true(at < AT_LIMIT);
        run.options.create = true;
        run.plan.paused = false;
        status = store_fixture_open(&run.fixture, run.device, &run.options);
        run.plan.paused = true;
        fired = run.plan.fired;
        trouble->strikes += fired;
        expect_class(&run, status);
        if (status == COFFER_OK) {
            expect_model(&run, &empty, run.fixture.store, "a new store");
            store_fixture_close(&run.fixture);
        }

        memory_device_inject(run.device, NULL);
        status = store_fixture_open(&fixture, run.device, &again);
        if (status != COFFER_OK)
            broken(&run, "can't be created any more", coffer_status_name(status));
        expect_model(&run, &empty, fixture.store, "created again");
        store_fixture_close(&fixture);
        expect_after_reopen(&run, &empty, NULL, false);
        unwire(&run);
    }
}

/* --- The base ---------------------------------------------------------------------------- */

void trouble_base_make(struct trouble_base *base)
{
    static const struct step steps[] = {
        {.kind = STEP_PUT, .id = "small", .size = 90},
        {.kind = STEP_PUT, .id = "large", .size = 20000},
        {.kind = STEP_PUT, .id = "wide", .size = 140000}, /* more than one group of nodes */
        {.kind = STEP_PUT, .id = "bystander", .size = 5000},
    };
    struct store_options options = {.memory = MEMORY, .create = true};
    struct store_fixture fixture;

    base->device = memory_device_open();
    model_init(&base->model);
    assert_int_equal(store_fixture_open(&fixture, base->device, &options), COFFER_OK);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(step_run(&steps[i], fixture.store), COFFER_OK);
        step_apply(&steps[i], &base->model);
    }
    store_fixture_close(&fixture);
}

void trouble_base_free(struct trouble_base *base)
{
    memory_device_free(base->device);
    model_fini(&base->model);
}
