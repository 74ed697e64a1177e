/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#define TARGETS_MAX 64
#define PEER_RAW    "raw I/O and AES-128-GCM, same run"
#define PEER_OPTEE  "OP-TEE, calls"
#define PEER_BYTES  "OP-TEE, bytes"
#define MIB         (1024.0 * 1024.0)

struct target {
    enum target_kind kind;
    char what[96];
    double value;
    struct target_range range;
};

struct report {
    struct json_object *figures;
    struct target targets[TARGETS_MAX];
    unsigned target_count;
};

struct report *report_open(void)
{
    struct report *report = must_make(1, sizeof(*report));

    report->figures = json_object_new_array();
    must_system(report->figures != NULL, "memory");
    return report;
}

void report_close(struct report *report)
{
    json_object_put(report->figures);
    free(report);
}

/* --- Figures --- */

/* A number as people write it: whole ones without a point. */
static struct json_object *json_of_number(double value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%.10g", value);
    return json_object_new_double_s(value, text);
}

static struct json_object *add_figure(struct report *report, const char *name, double value,
                                      const char *unit, const char *peer, double peer_value)
{
    struct json_object *figure = json_object_new_object();
    bool compared = peer != NULL && peer_value > 0;

    must_system(figure != NULL, "memory");
    json_object_object_add(figure, "name", json_object_new_string(name));
    json_object_object_add(figure, "value", json_of_number(value));
    json_object_object_add(figure, "unit", json_object_new_string(unit));
    json_object_object_add(figure, "peer", compared ? json_object_new_string(peer) : NULL);
    json_object_object_add(figure, "peer_value", compared ? json_of_number(peer_value) : NULL);
    json_object_object_add(figure, "ratio", compared ? json_of_number(value / peer_value) : NULL);
    must_system(json_object_array_add(report->figures, figure) == 0, "memory");
    return figure;
}

/* A figure of a workload: NAME.MEASURE. */
static void add_measure(struct report *report, const struct result *result, const char *measure,
                        double value, const char *unit, const char *peer, double peer_value)
{
    struct json_object *counters = json_object_new_object();
    struct json_object *figure;
    char name[2 * NAME_MAX_SIZE];

    must_system(counters != NULL, "memory");
    (void)snprintf(name, sizeof(name), "%s.%s", result->name, measure);
    figure = add_figure(report, name, value, unit, peer, peer_value);
    json_object_object_add(figure, "repetitions",
                           json_object_new_int64((int64_t)result->repetitions));
    for (size_t i = 0; i < COUNTER_KINDS; i++)
        json_object_object_add(counters, counter_names[i], json_of_number(result->mean.values[i]));
    json_object_object_add(figure, "counters", counters);
}

void report_add(struct report *report, const char *name, double value, const char *unit,
                const char *peer, double peer_value)
{
    (void)add_figure(report, name, value, unit, peer, peer_value);
}

void report_figure(struct report *report, const char *name, double value, const char *unit)
{
    (void)add_figure(report, name, value, unit, NULL, 0);
    printf("  %-32s %.10g %s\n", name, value, unit);
}

void report_write_json(struct report *report, const char *path)
{
    must_system(json_object_to_file_ext(path, report->figures,
                                        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                            JSON_C_TO_STRING_NOSLASHESCAPE) == 0,
                path);
}

/* --- The table --- */

void report_section(struct report *report, const char *text)
{
    (void)report;
    printf("\n%s\n\n", text);
    printf(
        "%-34s %5s %10s %10s %6s %8s  %8s %8s %6s  %7s %7s %5s %5s %5s %5s  %9s %9s  %7s %7s %7s\n",
        "", "reps", "us|MiB/s", "raw", "ratio", "cpu us", "calls", "OP-TEE", "ratio", "reads",
        "writes", "barr", "syncs", "flush", "other", "KiB in", "KiB out", "seals", "unseals",
        "hashes");
}

/* 3 significant digits, without an exponent. */
static const char *short_number(double value, char text[16])
{
    if (value >= 100 || value == (double)(long)value)
        (void)snprintf(text, 16, "%.0f", value);
    else if (value < 0.01)
        (void)snprintf(text, 16, "%.4f", value);
    else if (value < 1)
        (void)snprintf(text, 16, "%.3f", value);
    else if (value >= 10)
        (void)snprintf(text, 16, "%.1f", value);
    else
        (void)snprintf(text, 16, "%.2f", value);
    return text;
}

static void print_cell(int width, double value)
{
    char text[16];

    printf(" %*s", width, short_number(value, text));
}

static void print_peer(int width, int ratio_width, double value, double peer_value)
{
    if (peer_value > 0) {
        print_cell(width, peer_value);
        print_cell(ratio_width, value / peer_value);
    } else {
        printf(" %*s %*s", width, "-", ratio_width, "-");
    }
}

static void print_row(const struct result *result, const struct optee *optee, double value,
                      double raw_value)
{
    static const enum counter narrow[] = {COUNTER_BARRIERS, COUNTER_SYNCS, COUNTER_FLUSHES,
                                          COUNTER_OTHERS};
    const double *mean = result->mean.values;
    double calls = counters_calls(&result->mean);

    printf("%-34s %5u", result->name, result->repetitions);
    print_cell(10, value);
    print_peer(10, 6, value, raw_value);
    print_cell(8, result->cpu_us);
    printf(" ");
    print_cell(8, calls);
    print_peer(8, 6, calls, optee->calls);
    printf(" ");
    print_cell(7, mean[COUNTER_READS]);
    print_cell(7, mean[COUNTER_WRITES]);
    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
        print_cell(5, mean[narrow[i]]);
    printf(" ");
    print_cell(9, mean[COUNTER_READ_BYTES] / 1024);
    print_cell(9, mean[COUNTER_WRITTEN_BYTES] / 1024);
    printf(" ");
    print_cell(7, mean[COUNTER_SEALS]);
    print_cell(7, mean[COUNTER_UNSEALS]);
    print_cell(7, mean[COUNTER_HASHES]);
    printf("\n");
    (void)fflush(stdout);
}

void report_result(struct report *report, const struct result *result, const struct optee *optee,
                   uint64_t data_size)
{
    static const struct optee none = {0, 0};
    double value = result->us;
    double raw_value = result->raw_us;

    if (optee == NULL)
        optee = &none;
    if (data_size > 0) {
        value = (double)data_size / MIB / (result->us / 1e6);
        raw_value = (double)data_size / MIB / (result->raw_us / 1e6);
        add_measure(report, result, "MiBps", value, "MiB/s", PEER_RAW, raw_value);
    } else {
        add_measure(report, result, "us", value, "us", PEER_RAW, raw_value);
    }
    add_measure(report, result, "cpu_us", result->cpu_us, "us", NULL, 0);
    add_measure(report, result, "calls", counters_calls(&result->mean), "calls", PEER_OPTEE,
                optee->calls);
    add_measure(report, result, "calls_max", result->worst_calls, "calls", NULL, 0);
    add_measure(report, result, "bytes", counters_bytes(&result->mean), "bytes", PEER_BYTES,
                optee->bytes);
    print_row(result, optee, value, raw_value);
}

/* --- Targets --- */

void report_target_range(struct report *report, enum target_kind kind, const char *what,
                         double value, const struct target_range *range)
{
    struct target *target = &report->targets[report->target_count];

    must_system(report->target_count < TARGETS_MAX, "too many targets");
    report->target_count++;
    *target = (struct target){.kind = kind, .value = value, .range = *range};
    (void)snprintf(target->what, sizeof(target->what), "%s", what);
}

void report_target(struct report *report, enum target_kind kind, const char *what, double value,
                   double limit)
{
    report_target_range(report, kind, what, value, &(struct target_range){.limit = limit});
}

static bool is_beyond(const struct target *target, double line)
{
    if (line == 0)
        return false;
    return target->range.at_least ? !(target->value >= line) : !(target->value <= line);
}

static const char *verdict(const struct target *target)
{
    if (is_beyond(target, target->range.limit))
        return "MISSED";
    if (is_beyond(target, target->range.goal))
        return target->range.limit != 0 ? "held" : "not yet";
    return "reached";
}

static void print_target(const struct target *target)
{
    static const char *const remarks[] = {
        [TARGET_COUNT] = "",
        [TARGET_TIME] = " (a time: told, not judged)",
        [TARGET_TOLD] = " (told, not judged)",
    };
    const struct target_range *range = &target->range;
    char value[16];

    printf("  %-7s  %-46s %8s,", verdict(target), target->what, short_number(target->value, value));
    if (range->goal != 0)
        printf(" goal %.10g%s", range->goal, range->limit != 0 ? "," : "");
    if (range->limit != 0)
        printf(" at %s %.10g", range->at_least ? "least" : "most", range->limit);
    printf("%s\n", remarks[target->kind]);
}

bool report_targets(struct report *report)
{
    bool good = true;

    printf("\nTargets\n\n");
    for (unsigned i = 0; i < report->target_count; i++) {
        const struct target *target = &report->targets[i];

        print_target(target);
        if (target->kind == TARGET_COUNT && is_beyond(target, target->range.limit))
            good = false;
    }
    return good;
}
