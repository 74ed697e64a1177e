/* SPDX-License-Identifier: BSD-2-Clause */
/* coffer stats: what opening the store took, and what it holds. */
#include <stdio.h>

#include "output.h"
#include "plan.h"
#include "report.h"
#include "session.h"
#include "statistics.h"
#include "verbs.h"

enum { OPTION_PROMETHEUS = 0x200, OPTION_PLAN, OPTION_STORAGE };

static const struct argp_option switches[] = {
    {"prometheus", OPTION_PROMETHEUS, NULL, 0, "In Prometheus' text format", 0},
    {"plan", OPTION_PLAN, NULL, 0,
     "Show what secure memory would be for, with --memory; no store is opened", 0},
    {"storage", OPTION_STORAGE, NULL, 0,
     "Also how much data the TA's objects have; each of them is opened", 0},
    {0},
};

struct wanted {
    bool prometheus;
    bool plan;
    bool storage;
};

static bool set(struct call *call, int key, const char *value)
{
    struct wanted *wanted = call->own;

    (void)value;
    wanted->prometheus |= key == OPTION_PROMETHEUS;
    wanted->plan |= key == OPTION_PLAN;
    wanted->storage |= key == OPTION_STORAGE;
    return true;
}

static const struct grammar grammar = {
    .verb = "stats",
    .text = "Show memory by component, and the counters of caches, device, crypto and store.\v"
            "The counters are those of this call: what it took to open the store. With --plan "
            "instead what a store would have its memory for: what is set aside, and how the rest "
            "floats.",
    .switches = switches,
    .set = set,
};

enum exit_status verb_stats(struct options *options, int argc, char **argv)
{
    struct coffer_statistics statistics;
    enum coffer_status status;
    enum exit_status result;
    struct session session;
    struct wanted wanted = {.plan = false};
    struct call call;

    result = call_parse(&grammar, options, &wanted, argc, argv, &call);
    if (result != EXIT_DONE)
        return result;
    if (wanted.prometheus && (options->json || wanted.plan))
        result = fail_usage(options, "stats: --prometheus goes neither with --json nor --plan");
    if (result == EXIT_DONE && wanted.plan) {
        result = plan_show(options);
        call_fini(&call);
        return result;
    }
    if (result == EXIT_DONE)
        result = session_open(options, SESSION_READ, &session);
    if (result == EXIT_DONE) {
        status = COFFER_OK;
        if (wanted.storage)
            status = coffer_set_quota(session.store, &options->ta, COFFER_NO_QUOTA,
                                      COFFER_NO_QUOTA);
        if (status == COFFER_OK)
            status = coffer_statistics_get(session.store, &statistics);
        if (status != COFFER_OK) {
            result = fail_status(options, status, NULL, "stats: store %s", session.directory);
        } else if (options->json) {
            (void)output_json(statistics_json(&statistics));
        } else if (wanted.prometheus) {
            statistics_print_prometheus(&statistics);
        } else {
            statistics_print_memory(&statistics);
            putchar('\n');
            statistics_print_caches(&statistics);
            putchar('\n');
            statistics_print_collector(&statistics);
            if (statistics.ta_count > 0) {
                putchar('\n');
                statistics_print_tas(&statistics);
            }
            putchar('\n');
            statistics_print_counters(&statistics);
        }
        session_close(&session);
    }
    call_fini(&call);
    return result;
}
