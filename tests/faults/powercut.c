/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power cuts. A workload is recorded on a memory device; then the power is cut behind every single
 * device operation of it, in every way that the device's contract allows: what no barrier covers
 * is there in any subset (all of them while there are few, sampled above that), the last write
 * torn at several places. After each cut the store must open, hold exactly the state before or
 * after the call that was running (after it, once it had returned), tell of no damage, and take
 * new writes that last.
 *
 * The harness proves that it can fail: the same workload with barriers that do nothing must lose
 * something.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory_device.h"
#include "support/model.h"
#include "support/must.h"
#include "support/random.h"
#include "support/recording.h"
#include "support/steps.h"
#include "support/store_fixture.h"

#define UNSETTLED_MAX  512
#define EXHAUSTIVE_MAX 8 /* up to 2^8 subsets of unsettled operations are all tried */
#define MEMORY         (256u * 1024)

struct workload {
    const char *name;
    unsigned old_objects; /* small ones that are there before, unrecorded */
    bool creates_store;   /* begins on an empty device; opening is then step 0 */
    const struct step *steps;
    size_t step_count;
};

/* A recorded workload: the state before and after every step, and where its operations lie. */
struct history {
    struct recording *recording;
    struct model *models; /* step_count + 1: before step i is models[i] */
    size_t *ends;         /* operations at the end of step i */
    size_t step_count;
    bool creates_store;
    bool unacknowledged; /* no call counts as returned: losing it whole is no violation */
};

struct campaign {
    const struct history *history;
    struct random random;
    size_t states;     /* tried */
    size_t violations; /* found */
    unsigned samples;
    char first[4096];
};

static bool is_deep(void)
{
    const char *deep = getenv("COFFER_DEEP");

    return deep != NULL && deep[0] == '1';
}

/* --- Recording --------------------------------------------------------------------------- */

static void add_old_objects(struct memory_device *device, unsigned count, struct model *model)
{
    struct store_options options = {.memory = MEMORY, .create = true};
    struct store_fixture fixture;

    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    for (unsigned i = 0; i < count; i++) {
        char id[16];
        struct step step = {.kind = STEP_PUT, .id = id, .size = 10 + i};

        snprintf(id, sizeof(id), "old-%u", i);
        assert_int_equal(step_run(&step, fixture.store), COFFER_OK);
        step_apply(&step, model);
    }
    store_fixture_close(&fixture);
}

static void record(const struct workload *workload, bool ignore_syncs, struct history *history)
{
    struct memory_device *device = memory_device_open();
    struct store_options options = {.memory = MEMORY, .create = workload->creates_store};
    struct store_fixture fixture;
    size_t at = 0;

    memset(history, 0, sizeof(*history));
    history->creates_store = workload->creates_store;
    history->step_count = workload->step_count + workload->creates_store;
    history->models = must_alloc((history->step_count + 1) * sizeof(*history->models));
    history->ends = must_alloc(history->step_count * sizeof(*history->ends));

    model_init(&history->models[0]);
    if (!workload->creates_store)
        add_old_objects(device, workload->old_objects, &history->models[0]);
    history->recording = recording_begin(device);
    history->recording->ignore_syncs = ignore_syncs;
    assert_int_equal(store_fixture_open(&fixture, device, &options), COFFER_OK);
    if (workload->creates_store) {
        model_init(&history->models[1]);
        history->ends[at++] = history->recording->count;
    }
    for (size_t i = 0; i < workload->step_count; i++, at++) {
        assert_int_equal(step_run(&workload->steps[i], fixture.store), COFFER_OK);
        model_copy(&history->models[at], &history->models[at + 1]);
        step_apply(&workload->steps[i], &history->models[at + 1]);
        history->ends[at] = history->recording->count;
    }
    store_fixture_close(&fixture);
    recording_end(history->recording, device);
    memory_device_free(device);
}

static void history_free(struct history *history)
{
    for (size_t i = 0; i <= history->step_count; i++)
        model_fini(&history->models[i]);
    free(history->models);
    free(history->ends);
    recording_free(history->recording);
}

/* --- One crash state --------------------------------------------------------------------- */

/* The models that the store may hold after a cut behind n operations: allowed[0], and allowed[1]
 * when a call was running. */
static size_t allowed_models(const struct history *history, size_t n,
                             const struct model *allowed[2], bool *running)
{
    size_t step = 0;

    while (step < history->step_count && history->ends[step] < n)
        step++;
    *running = false;
    if (step == history->step_count) {
        /* Behind the last step: the close. */
        allowed[0] = &history->models[step];
        return 1;
    }
    if (history->ends[step] == n && !history->unacknowledged) {
        allowed[0] = &history->models[step + 1];
        return 1;
    }
    if (n == (step == 0 ? 0 : history->ends[step - 1])) {
        allowed[0] = &history->models[step];
        return 1;
    }
    allowed[0] = &history->models[step];
    allowed[1] = &history->models[step + 1];
    *running = true;
    return 2;
}

static bool harmless(const struct store_fixture *fixture, bool running, char *why, size_t why_size)
{
    static const bool damage[STORE_FIXTURE_NOTICE_KINDS] = {
        [COFFER_NOTICE_TREE_TOLERATED] = true,
        [COFFER_NOTICE_QUARANTINED] = true,
        [COFFER_NOTICE_DUPLICATE_FILE] = true,
    };

    for (unsigned i = 0; i < STORE_FIXTURE_NOTICE_KINDS; i++) {
        bool bad = damage[i];

        /* A torn newest head is what a cut leaves behind; without a cut call it is damage. The next
         * change then puts aside what the damaged version may have named. */
        if (i == COFFER_NOTICE_CATALOGUE_FALLBACK)
            bad = !running;
        if (i == COFFER_NOTICE_QUARANTINED)
            bad = fixture->notices[COFFER_NOTICE_CATALOGUE_FALLBACK] == 0;
        if (bad && fixture->notices[i] > 0) {
            snprintf(why, why_size, "notice %u: %s", i, fixture->last_notice);
            return false;
        }
    }
    return true;
}

/* The survivor is written to, and what was written lasts. */
static bool takes_writes(struct memory_device *device, struct store_fixture *fixture,
                         const struct model *model, char *why, size_t why_size)
{
    static const struct step more[] = {
        {.kind = STEP_PUT, .id = "after the cut", .size = 5000},
        {.kind = STEP_WRITE, .id = "after the cut", .offset = 4000, .size = 3000},
    };
    struct store_options options = {.memory = MEMORY};
    struct model after;
    bool fine = true;

    model_copy(model, &after);
    for (size_t i = 0; fine && i < sizeof(more) / sizeof(more[0]); i++) {
        enum coffer_status status = step_run(&more[i], fixture->store);

        if (status != COFFER_OK) {
            snprintf(why, why_size, "%s after the cut: %s", step_kind_name(more[i].kind),
                     coffer_status_name(status));
            fine = false;
        }
        step_apply(&more[i], &after);
    }
    store_fixture_close(fixture);
    if (fine) {
        enum coffer_status status = store_fixture_open(fixture, device, &options);

        if (status != COFFER_OK) {
            snprintf(why, why_size, "the second open: %s", coffer_status_name(status));
            fine = false;
        } else {
            fine = model_matches(&after, fixture->store, why, why_size) &&
                   harmless(fixture, false, why, why_size);
        }
    }
    model_fini(&after);
    return fine;
}

static bool survives(const struct history *history, size_t n, struct memory_device *device,
                     char *why, size_t why_size)
{
    struct store_options options = {.memory = MEMORY};
    const struct model *allowed[2];
    struct store_fixture fixture;
    bool running;
    size_t count = allowed_models(history, n, allowed, &running);
    const struct model *match = NULL;
    enum coffer_status status;
    struct model found;
    bool fine;

    /* Before the first open has returned there may be no store. */
    options.create = history->creates_store && n < history->ends[0];
    status = store_fixture_open(&fixture, device, &options);
    if (status != COFFER_OK) {
        snprintf(why, why_size, "open: %s", coffer_status_name(status));
        return false;
    }
    why[0] = '\0';
    fine = model_read_store(fixture.store, &found, why, why_size) == COFFER_OK;
    for (size_t i = 0; fine && match == NULL && i < count; i++) {
        if (model_equal(allowed[i], &found, why, why_size))
            match = allowed[i];
    }
    fine = fine && match != NULL && harmless(&fixture, running, why, why_size) &&
           takes_writes(device, &fixture, match, why, why_size);
    model_fini(&found);
    store_fixture_close(&fixture);
    return fine;
}

static void report(struct campaign *campaign, size_t n, const struct keep *keep, const char *why)
{
    const struct recording *recording = campaign->history->recording;
    size_t unsettled[UNSETTLED_MAX];
    size_t count = recording_unsettled(recording, n, unsettled, UNSETTLED_MAX);
    size_t used = 0;
    char *out = campaign->first;
    size_t size = sizeof(campaign->first);

    used += (size_t)snprintf(
        out, size, "cut behind operation %zu: %s; of %zu unsettled operations:\n", n, why, count);
    for (size_t i = 0; i < count && used < size; i++) {
        static const char *const names[] = {"kept", "lost", "first", "last"};
        char text[80];

        if (keep[i].kind == KEEP_ALL)
            continue;
        recorded_describe(&recording->operations[unsettled[i]], text, sizeof(text));
        used += (size_t)snprintf(out + used, size - used, "  %zu %s: %s %llu\n", unsettled[i], text,
                                 names[keep[i].kind], (unsigned long long)keep[i].size);
    }
}

static void try_state(struct campaign *campaign, size_t n, const struct keep *keep)
{
    struct memory_device *device = recording_replay(campaign->history->recording, n, keep);
    char why[256] = "";

    campaign->states++;
    if (!survives(campaign->history, n, device, why, sizeof(why))) {
        if (campaign->violations++ == 0)
            report(campaign, n, keep, why);
    }
    memory_device_free(device);
}

/* --- All crash states of a cut ----------------------------------------------------------- */

/* Where a write of `size` bytes is torn: around its ends, its middle, and sectors. */
static size_t tear_points(uint64_t size, uint64_t out[8])
{
    const uint64_t wanted[] = {1, 16, 32, 64, size / 2, 512, 4096, size - 1};
    size_t count = 0;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        bool known = wanted[i] == 0 || wanted[i] >= size;

        for (size_t j = 0; j < count; j++)
            known = known || out[j] == wanted[i];
        if (!known)
            out[count++] = wanted[i];
    }
    return count;
}

static bool done(const struct campaign *campaign)
{
    return campaign->violations > 0;
}

static void try_torn(struct campaign *campaign, size_t n, const struct recorded *last,
                     struct keep *keep, size_t count)
{
    uint64_t points[8] = {0};
    size_t point_count = last->kind == RECORDED_WRITE ? tear_points(last->size, points) : 0;

    for (size_t i = 0; i < point_count; i++) {
        for (unsigned end = 0; end < 2 && !done(campaign); end++) {
            keep[count - 1].kind = end == 0 ? KEEP_FIRST : KEEP_LAST;
            keep[count - 1].size = points[i];
            try_state(campaign, n, keep);
        }
    }
    keep[count - 1].kind = KEEP_ALL;
    keep[count - 1].size = 0;
}

/* Every subset of the unsettled operations but the last, which is there (without it the state is
 * one of an earlier cut). The torn last write goes with all, with none, and in a deep run with
 * every subset of the others. */
static void try_exhaustively(struct campaign *campaign, size_t n, const struct recorded *last,
                             struct keep *keep, size_t count)
{
    size_t all = ((size_t)1 << (count - 1)) - 1;

    for (size_t mask = 0; mask <= all && !done(campaign); mask++) {
        for (size_t i = 0; i + 1 < count; i++)
            keep[i] = (struct keep){mask >> i & 1 ? KEEP_ALL : KEEP_NOTHING, 0};
        keep[count - 1] = (struct keep){KEEP_ALL, 0};
        try_state(campaign, n, keep);
        if (mask == 0 || mask == all || is_deep())
            try_torn(campaign, n, last, keep, count);
    }
}

static void choose_at_random(struct campaign *campaign, const struct recorded *operation,
                             struct keep *keep)
{
    uint64_t choice = random_below(&campaign->random, 8);

    *keep = (struct keep){choice < 4 ? KEEP_ALL : KEEP_NOTHING, 0};
    if (choice >= 6 && operation->kind == RECORDED_WRITE && operation->size > 1) {
        keep->kind = choice == 6 ? KEEP_FIRST : KEEP_LAST;
        keep->size = 1 + random_below(&campaign->random, operation->size - 1);
    }
}

static void try_samples(struct campaign *campaign, size_t n, const size_t *unsettled,
                        struct keep *keep, size_t count)
{
    const struct recorded *operations = campaign->history->recording->operations;

    for (unsigned s = 0; s < campaign->samples && !done(campaign); s++) {
        for (size_t i = 0; i < count; i++)
            choose_at_random(campaign, &operations[unsettled[i]], &keep[i]);
        try_state(campaign, n, keep);
    }
}

static void try_cut(struct campaign *campaign, size_t n)
{
    const struct recording *recording = campaign->history->recording;
    size_t unsettled[UNSETTLED_MAX];
    struct keep keep[UNSETTLED_MAX] = {{KEEP_ALL, 0}};
    size_t count = recording_unsettled(recording, n, unsettled, UNSETTLED_MAX);
    const struct recorded *last;

    must(count <= UNSETTLED_MAX);
    for (size_t i = 0; i < count; i++)
        keep[i] = (struct keep){KEEP_ALL, 0};
    if (count == 0) {
        try_state(campaign, n, keep);
        return;
    }
    last = &recording->operations[unsettled[count - 1]];
    if (count <= EXHAUSTIVE_MAX) {
        try_exhaustively(campaign, n, last, keep, count);
    } else {
        try_state(campaign, n, keep);
        try_torn(campaign, n, last, keep, count);
        for (size_t i = 0; i < count; i++)
            keep[i] = (struct keep){KEEP_NOTHING, 0};
        try_state(campaign, n, keep);
    }
    try_samples(campaign, n, unsettled, keep, count);
}

static void run(const struct workload *workload, bool ignore_syncs, bool unacknowledged,
                struct campaign *campaign)
{
    struct history history;

    memset(campaign, 0, sizeof(*campaign));
    random_init(&campaign->random, workload->name);
    campaign->samples = is_deep() ? 64 : 4;
    record(workload, ignore_syncs, &history);
    history.unacknowledged = unacknowledged;
    campaign->history = &history;
    for (size_t n = 0; n <= history.recording->count && !done(campaign); n++)
        try_cut(campaign, n);
    fprintf(stderr, "%s: %zu device operations, %zu crash states, %zu violations\n", workload->name,
            history.recording->count, campaign->states, campaign->violations);
    campaign->history = NULL;
    history_free(&history);
}

static void run_and_expect_survival(const struct workload *workload)
{
    struct campaign campaign;

    run(workload, false, false, &campaign);
    if (campaign.violations > 0)
        fail_msg("%s: %s", workload->name, campaign.first);
}

/* --- Workloads --------------------------------------------------------------------------- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct step every_operation[] = {
    {.kind = STEP_PUT, .id = "small", .size = 100},
    {.kind = STEP_PUT, .id = "large", .size = 20000},
    {.kind = STEP_WRITE, .id = "large", .offset = 5000, .size = 3000},
    {.kind = STEP_WRITE, .id = "large", .offset = 20000, .size = 6000},
    {.kind = STEP_WRITE_FROM, .id = "large", .offset = 1000, .size = 18000},
    {.kind = STEP_TRUNCATE, .id = "large", .size = 9000},
    {.kind = STEP_TRUNCATE, .id = "large", .size = 30000},
    {.kind = STEP_WRITE, .id = "small", .offset = 9000, .size = 10},
    {.kind = STEP_REPLACE, .id = "small", .size = 300},
    {.kind = STEP_RENAME, .id = "small", .to = "renamed"},
    {.kind = STEP_PUT_KEY, .id = "key", .size = 8},
    {.kind = STEP_USAGE, .id = "key", .size = 0x0E},
    {.kind = STEP_DELETE, .id = "large"},
    {.kind = STEP_STREAM, .id = "stream", .size = 25000},
    {.kind = STEP_PUT, .id = "", .size = 0},
    {.kind = STEP_TRUNCATE, .id = "renamed", .size = 0},
    {.kind = STEP_REPLACE, .id = "stream", .size = 4096},
};

static const struct step in_a_large_catalogue[] = {
    {.kind = STEP_PUT, .id = "new", .size = 1000},
    {.kind = STEP_DELETE, .id = "old-0"},
    {.kind = STEP_WRITE, .id = "old-69", .offset = 3, .size = 4},
    {.kind = STEP_REPLACE, .id = "old-34", .size = 5000},
    {.kind = STEP_RENAME, .id = "old-33", .to = "moved"},
    {.kind = STEP_PUT, .id = "again", .size = 10},
};

/* More blocks than one group of nodes describes. */
static const struct step over_groups[] = {
    {.kind = STEP_PUT, .id = "wide", .size = 140000},
    {.kind = STEP_WRITE, .id = "wide", .offset = 120000, .size = 12000},
    {.kind = STEP_TRUNCATE, .id = "wide", .size = 70000},
    {.kind = STEP_TRUNCATE, .id = "wide", .size = 135000},
    {.kind = STEP_TRUNCATE, .id = "wide", .size = 100},
};

static void test_every_operation_survives_every_cut(void **state)
{
    const struct workload workload = {"every operation", 0, true, every_operation,
                                      COUNT(every_operation)};

    (void)state;
    run_and_expect_survival(&workload);
}

static void test_a_large_catalogue_survives_every_cut(void **state)
{
    const struct workload workload = {"large catalogue", 70, false, in_a_large_catalogue,
                                      COUNT(in_a_large_catalogue)};

    (void)state;
    run_and_expect_survival(&workload);
}

static void test_objects_over_groups_survive_every_cut(void **state)
{
    const struct workload workload = {"over groups", 1, false, over_groups, COUNT(over_groups)};

    (void)state;
    run_and_expect_survival(&workload);
}

static void test_without_barriers_the_harness_finds_loss(void **state)
{
    const struct workload workload = {"without barriers", 1, false, over_groups,
                                      COUNT(over_groups)};
    struct campaign campaign;

    (void)state;
    run(&workload, true, false, &campaign);
    assert_int_not_equal(campaign.violations, 0);
    fprintf(stderr, "found, as it must be: %s", campaign.first);
}

/* Loss after a call has returned is the simple case. Here one call overwrites an object, and its
 * whole loss is allowed: what is found is neither old nor new. */
static void test_without_barriers_the_harness_finds_disorder(void **state)
{
    static const struct step one[] = {
        {.kind = STEP_WRITE, .id = "old-0", .offset = 5, .size = 9000}};
    const struct workload workload = {"without order", 1, false, one, COUNT(one)};
    struct campaign campaign;

    (void)state;
    run(&workload, true, true, &campaign);
    assert_int_not_equal(campaign.violations, 0);
    fprintf(stderr, "found, as it must be: %s", campaign.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_survives_every_cut),
        cmocka_unit_test(test_a_large_catalogue_survives_every_cut),
        cmocka_unit_test(test_objects_over_groups_survive_every_cut),
        cmocka_unit_test(test_without_barriers_the_harness_finds_loss),
        cmocka_unit_test(test_without_barriers_the_harness_finds_disorder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
