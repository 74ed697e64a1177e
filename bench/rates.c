/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much a second: ours, what no store can be faster than, and what people use instead, each in a
 * process of its own (rates/), everybody in turn. What the workloads are is in README.md.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "children.h"
#include "must.h"
#include "report.h"
#include "samples.h"
#include "scratch.h"

#define OURS      0u
#define NOTHING   ((double)NAN) /* no figure */
#define TURNS_MAX 3u

enum {
    IS_LIMIT = 1, /* not a store, but what bounds all of them */
    IS_PEER = 2,
};

static const struct {
    const char *name;
    const char *program;
    unsigned kind;
} stores[] = {
    {"coffer", "bench-coffer", 0},        {"gcm", "bench-gcm", IS_LIMIT},
    {"memcpy", "bench-copy", IS_LIMIT},   {"raw", "bench-file", IS_LIMIT},
    {"format", "bench-format", IS_LIMIT}, {"sealed-files", "bench-sealed", IS_PEER},
    {"sqlite", "bench-sqlite", IS_PEER},  {"sqlcipher", "bench-sqlcipher", IS_PEER},
    {"lmdb", "bench-lmdb", IS_PEER},      {"rocksdb", "bench-rocksdb", IS_PEER},
};

#define STORES (sizeof(stores) / sizeof(stores[0]))
#define GCM    1u
#define FORMAT 4u

/* A figure: a workload of the children, what it should be, and where. */
static const struct row {
    const char *name;
    const char *unit;
    const char *workload;
    unsigned objects, quick_objects;
    unsigned turns;
    bool on_disk;
    bool gcm_has; /* the limit of GCM means something */
    double goal, limit;
    unsigned bound;    /* the limit that ours is divided by, GCM or FORMAT; OURS: by none */
    double ratio_goal; /* at least, then */
} rows[] = {
    {"get1k.warm.per_s", "1/s", "get1k.warm", 100, 100, 3, false, true, 1e6, 0.8e6, OURS, 0},
    {"read4k.warm.per_s", "1/s", "read4k.warm", 1, 1, 3, false, true, 0.8e6, 0.6e6, OURS, 0},
    {"get1k.of100000.per_s", "1/s", "get1k.many", 100000, 500, 1, true, true, 260e3, 150e3, FORMAT,
     0.6},
    {"list10000.per_s", "1/s", "list", 10000, 500, 1, false, false, 3e6, 2e6, OURS, 0},
    {"read16m.mib_s", "MiB/s", "read16m", 1, 1, 3, false, true, 1500, 1200, GCM, 0.6},
    {"write16m.mib_s", "MiB/s", "write16m", 1, 1, 3, false, true, 600, 450, GCM, 0.35},
    {"put1k.durable.per_s", "1/s", "put1k.durable", 100, 100, 3, true, false, 0, 0, OURS, 0},
    {"write16m.durable.mib_s", "MiB/s", "write16m.durable", 1, 1, 3, true, false, 0, 0, OURS, 0},
};

/* What the limits that bound a row are called in a sentence. */
static const char *const bounds[] = {
    [GCM] = "AES-GCM",
    [FORMAT] = "the format's files",
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct rates {
    struct bench *bench;
    const char *disk;
    const char *memory;
    bool there[STORES];
};

static struct child child_of(unsigned store)
{
    return (struct child){.folder = "rates", .program = stores[store].program};
}

static void find_stores(struct rates *rates)
{
    for (unsigned i = 0; i < STORES; i++) {
        const struct child child = child_of(i);

        rates->there[i] = child_is_there(&child);
        if (!rates->there[i])
            printf("%s is absent (its library wasn't there at build time).\n", stores[i].name);
    }
}

static bool takes_part(const struct rates *rates, const struct row *row, unsigned store)
{
    if (!rates->there[store] || (store == GCM && !row->gcm_has) ||
        (store == FORMAT && row->bound != FORMAT))
        return false;
    return !rates->bench->quick || store == OURS || store == GCM || store == FORMAT;
}

/* The number behind a word at the beginning of a line of `text`. */
static double number_of(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) == 0 && line[length] == ' ')
            return strtod(line + length, NULL);
    }
    must_system(false, "a child of rates");
    return 0;
}

struct figure {
    struct samples rate, cpu_rate;
};

static void run_child(const struct rates *rates, const struct row *row, unsigned store,
                      struct figure *figure)
{
    const char *directory = row->on_disk ? rates->disk : rates->memory;
    struct child child = child_of(store);
    char objects[16];
    size_t size;
    char *text;

    (void)snprintf(objects, sizeof(objects), "%u",
                   rates->bench->quick ? row->quick_objects : row->objects);
    child.words[0] = row->workload;
    child.words[1] = directory;
    child.words[2] = objects;
    child.words[3] = rates->bench->quick ? "1" : "11";
    text = child_output(&child, &size);
    samples_add(&figure->rate, number_of(text, "rate"));
    samples_add(&figure->cpu_rate, number_of(text, "cpu_rate"));
    free(text);
    scratch_empty(directory);
}

static void print_number(double value)
{
    if (isnan(value))
        printf(" %12s", "-");
    else
        printf(" %12.0f", value);
}

/* Ours, and beside it the best of the peers; for bytes, GCM. */
static void report_row(const struct rates *rates, const struct row *row, const double *values,
                       const double *cpu_values)
{
    struct report *report = rates->bench->report;
    unsigned best = row->bound == GCM ? GCM : OURS;
    char name[96];

    for (unsigned i = 0; best != GCM && i < STORES; i++)
        if (stores[i].kind == IS_PEER && !isnan(values[i]) &&
            (best == OURS || values[i] > values[best]))
            best = i;
    report_add(report, row->name, values[OURS], row->unit,
               best == GCM    ? "AES-128-GCM over memory, same run"
               : best != OURS ? stores[best].name
                              : NULL,
               best != OURS ? values[best] : 0);
    (void)snprintf(name, sizeof(name), "%s.cpu", row->name);
    report_add(report, name, cpu_values[OURS], row->unit, best != OURS ? stores[best].name : NULL,
               best != OURS ? cpu_values[best] : 0);
    for (unsigned i = OURS + 1; i < STORES; i++) {
        if (isnan(values[i]))
            continue;
        (void)snprintf(name, sizeof(name), "%s@%s", row->name, stores[i].name);
        report_add(report, name, values[i], row->unit, "coffer", values[OURS]);
    }
    if (row->limit > 0)
        report_target_range(
            report, TARGET_TIME, row->name, values[OURS],
            &(struct target_range){.goal = row->goal, .limit = row->limit, .at_least = true});
    if (row->bound != OURS) {
        (void)snprintf(name, sizeof(name), "%s, times %s", row->name, bounds[row->bound]);
        report_target_range(report, TARGET_TIME, name, values[OURS] / values[row->bound],
                            &(struct target_range){.limit = row->ratio_goal, .at_least = true});
    }
}

static void print_row(const struct rates *rates, const struct row *row, const double *values,
                      const double *cpu_values)
{
    printf("%-24s", row->name);
    for (unsigned i = 0; i < STORES; i++)
        if (rates->there[i])
            print_number(values[i]);
    printf("\n%-24s", "  of processor time");
    for (unsigned i = 0; i < STORES; i++)
        if (rates->there[i])
            print_number(cpu_values[i]);
    printf("\n%-24s %12s", "", "ratio to it");
    for (unsigned i = OURS + 1; i < STORES; i++) {
        if (!rates->there[i])
            continue;
        if (isnan(values[i]))
            printf(" %12s", "");
        else
            printf(" %12.3g", values[OURS] / values[i]);
    }
    printf("\n");
    (void)fflush(stdout);
}

static void run_row(const struct rates *rates, const struct row *row)
{
    unsigned turns = rates->bench->quick ? 1 : row->turns;
    struct figure figures[STORES];
    double values[STORES];
    double cpu_values[STORES];

    for (unsigned i = 0; i < STORES; i++) {
        samples_init(&figures[i].rate, TURNS_MAX);
        samples_init(&figures[i].cpu_rate, TURNS_MAX);
    }
    for (unsigned turn = 0; turn < turns; turn++)
        for (unsigned i = 0; i < STORES; i++)
            if (takes_part(rates, row, i))
                run_child(rates, row, i, &figures[i]);
    for (unsigned i = 0; i < STORES; i++) {
        bool there = takes_part(rates, row, i);

        values[i] = there ? samples_median(&figures[i].rate) : NOTHING;
        cpu_values[i] = there ? samples_median(&figures[i].cpu_rate) : NOTHING;
        samples_fini(&figures[i].rate);
        samples_fini(&figures[i].cpu_rate);
    }
    print_row(rates, row, values, cpu_values);
    report_row(rates, row, values, cpu_values);
}

void run_rates(struct bench *bench, const char *disk, const char *memory)
{
    struct rates rates = {.bench = bench, .disk = disk, .memory = memory};

    printf(
        "\nHow much a second, in 8 MiB of memory: ours, four limits (libgcrypt's AES-128-GCM "
        "over memory in 4 KiB\nmessages; memcpy; pread and pwrite in one file; the format's files, "
        "each opened, read, closed and unsealed),\nand what people use instead. Below each line, "
        "the same by processor time of the calling thread, and ours\ndivided by it. Without "
        "`durable` nobody waits for the device.\n");
    find_stores(&rates);
    printf("\n%-24s", "");
    for (unsigned i = 0; i < STORES; i++)
        if (rates.there[i])
            printf(" %12s", stores[i].name);
    printf("\n");
    for (size_t i = 0; i < ROWS; i++)
        run_row(&rates, &rows[i]);
}
