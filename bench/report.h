/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes out: a table for people, a JSON list for programs, and the targets.
 *
 * The list's members are {name, value, unit, peer, peer_value, ratio}; ratio is value / peer_value,
 * the last three are null where there is nothing to compare with. A figure of a workload also says
 * how many repetitions it is the middle of, and carries all of the workload's counters.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "measure.h"

struct report;

/* What OP-TEE's own storage code takes for the same; 0 where nothing was published. */
struct optee {
    double calls;
    double bytes;
};

struct report *report_open(void);
void report_close(struct report *report);

/* A headline, and the table's head below it. */
void report_section(struct report *report, const char *text);

/* A workload's row, and its figures: NAME.us, NAME.cpu_us, NAME.calls, NAME.calls_max and
 * NAME.bytes. With `data_size`, NAME.MiBps takes the place of NAME.us. */
void report_result(struct report *report, const struct result *result, const struct optee *optee,
                   uint64_t data_size);

/* A single figure; `peer` may be NULL. report_figure also prints it, report_add is for what a row
 * of the table shows already. */
void report_add(struct report *report, const char *name, double value, const char *unit,
                const char *peer, double peer_value);
void report_figure(struct report *report, const char *name, double value, const char *unit);

enum target_kind {
    TARGET_COUNT, /* counts are the same in every run: to miss one is a failure */
    TARGET_TIME,  /* a time depends on the machine and its other guests: told, not judged */
    TARGET_TOLD,  /* a count of a build that checks more than what is shipped: likewise */
};

/* A target: at most `limit`. */
void report_target(struct report *report, enum target_kind kind, const char *what, double value,
                   double limit);

/* The same with two lines: the goal is what we want, the limit what has to be. 0: there is none. */
struct target_range {
    double goal;
    double limit;
    bool at_least; /* otherwise at most */
};

void report_target_range(struct report *report, enum target_kind kind, const char *what,
                         double value, const struct target_range *range);

/* Print the targets; true when none that counts was missed. */
bool report_targets(struct report *report);

/* The figures so far, to a file. */
void report_write_json(struct report *report, const char *path);

#endif
