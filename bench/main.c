/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coffer-bench: the figures, as a table and as JSON. What each one means is in README.md.
 *
 * Exit status: 0; 1 when a target that counts was missed; 2 when the bench itself failed.
 */
#include <getopt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bench.h"
#include "coffer/linux.h"
#include "must.h"
#include "raw.h"
#include "report.h"
#include "scratch.h"

struct options {
    const char *json;   /* NULL: none is written */
    const char *disk;   /* where the durable stores are made */
    const char *memory; /* and the others */
    const char *part;   /* one of `parts`, or "all" */
};

static const char *const parts[] = {"storage", "service", "curve", "tee", "memory", "paging"};

static void usage(FILE *to)
{
    fputs("usage: coffer-bench [--json FILE] [--disk DIR] [--memory DIR] [--part PART]\n"
          "  --json FILE   write the figures there\n"
          "  --disk DIR    durable stores are made below DIR (.)\n"
          "  --memory DIR  stores that are not durable (/dev/shm, else as --disk)\n"
          "  --part PART   storage, service, curve, tee, memory, paging or all (all)\n"
          "COFFER_BENCH_QUICK=1: few repetitions and what is short, to see that it works.\n",
          to);
}

static bool is_wanted(const struct options *options, const char *part)
{
    return strcmp(options->part, part) == 0 || strcmp(options->part, "all") == 0;
}

static struct options parse(int count, char **words)
{
    static const struct option known[] = {
        {"json", required_argument, NULL, 'j'},   {"disk", required_argument, NULL, 'd'},
        {"memory", required_argument, NULL, 'm'}, {"part", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct options options = {.disk = ".", .part = "all"};
    bool known_part = false;
    int letter;

    while ((letter = getopt_long(count, words, "", known, NULL)) != -1) {
        switch (letter) {
        case 'j':
            options.json = optarg;
            break;
        case 'd':
            options.disk = optarg;
            break;
        case 'm':
            options.memory = optarg;
            break;
        case 'p':
            options.part = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            usage(stderr);
            exit(EXIT_BROKEN);
        }
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        known_part = known_part || is_wanted(&options, parts[i]);
    if (optind != count || !known_part) {
        usage(stderr);
        exit(EXIT_BROKEN);
    }
    if (options.memory == NULL)
        options.memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : options.disk;
    return options;
}

static const char *file_system_of(const char *directory)
{
    struct statfs info;

    must_system(statfs(directory, &info) == 0, directory);
    switch ((unsigned long)info.f_type) {
    case EXT4_SUPER_MAGIC:
        return "ext4";
    case TMPFS_MAGIC:
        return "tmpfs";
    case BTRFS_SUPER_MAGIC:
        return "btrfs";
    case XFS_SUPER_MAGIC:
        return "xfs";
    case OVERLAYFS_SUPER_MAGIC:
        return "overlayfs";
    default:
        return "another file system";
    }
}

static void print_head(const struct bench *bench)
{
    double load[1] = {0};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    printf("Coffer %s%s. Times: the median of `reps`, ours and raw in turn; raw is the payload by "
           "pread or pwrite,\nfdatasync when durable, and libgcrypt's AES-128-GCM, in this run. "
           "Counts: the mean of one repetition. OP-TEE:\ncalls to the untrusted side, constants "
           "of a published measurement.\n",
           coffer_version(), bench->quick ? ", quick: the times mean little" : "");
    if (getloadavg(load, 1) == 1 && load[0] > 0.5 * (double)processors)
        printf("The machine is busy (load %.1f on %ld processors): cpu us is what the work took, "
               "the other times\nare mostly waiting, the more so the longer a repetition is.\n",
               load[0], processors);
}

static void run_variant(struct bench *bench, const struct variant *variant)
{
    char text[4400];

    bench->variant = *variant;
    bench->raw = raw_open(variant->directory, variant->durable);
    (void)snprintf(text, sizeof(text), "%s, on %s (%s)",
                   variant->durable ? "Durable" : "Not durable (volatile_commits)",
                   file_system_of(variant->directory), variant->directory);
    report_section(bench->report, text);
    run_objects(bench);
    run_access(bench);
    run_sequences(bench);
    run_opening(bench);
    raw_close(bench->raw);
}

static void report_memory(struct bench *bench)
{
    printf("\nSecure memory: one region for every store above, default configuration\n\n");
    report_figure(bench->report, "memory.region", (double)bench->region.size, "bytes");
    report_figure(bench->report, "memory.peak", (double)bench->memory_peak, "bytes");
    report_figure(bench->report, "memory.crypto_outside", (double)bench->crypto_outside, "bytes");
    report_figure(bench->report, "memory.wrong_frees", (double)bench->wrong_frees, "calls");
    report_target(bench->report, TARGET_COUNT, "memory.peak", (double)bench->memory_peak,
                  1024 * 1024);
}

static void run_storage(struct bench *bench, const char *disk, const char *memory)
{
    const struct variant durable = {"", disk, true};
    const struct variant fleeting = {".volatile", memory, false};

    print_head(bench);
    run_variant(bench, &durable);
    run_variant(bench, &fleeting);
    report_memory(bench);
}

/* The store as those who use it see it: how much a second, how many calls, in how little. */
static void run_service(struct bench *bench, const char *disk, const char *memory)
{
    bench->variant = (struct variant){"", memory, true};
    run_calls(bench);
    run_large(bench, memory);
    run_rates(bench, disk, memory);
}

static void run_stores(struct bench *bench, const struct options *options)
{
    const char *disk = scratch_make(options->disk);
    const char *memory = scratch_make(options->memory);

    must(coffer_linux_memory_make(REGION_SIZE, NULL, &bench->region), "secure memory");
    (void)coffer_linux_ciphers(); /* libgcrypt is ready from here on, for the raw peer as well */
    if (is_wanted(options, "storage"))
        run_storage(bench, disk, memory);
    if (is_wanted(options, "service"))
        run_service(bench, disk, memory);
    if (is_wanted(options, "curve"))
        run_curve(bench, memory);
    if (is_wanted(options, "tee"))
        run_tee(bench, memory);
    coffer_linux_memory_unmake(&bench->region);
}

int main(int count, char **words)
{
    struct options options = parse(count, words);
    const char *quick = getenv("COFFER_BENCH_QUICK");
    struct bench bench = {.quick = quick != NULL && strcmp(quick, "") != 0 &&
                                   strcmp(quick, "0") != 0,
                          .report = report_open()};
    bool good;

    if (is_wanted(&options, "storage") || is_wanted(&options, "service") ||
        is_wanted(&options, "curve") || is_wanted(&options, "tee"))
        run_stores(&bench, &options);
    if (is_wanted(&options, "memory"))
        run_memory(&bench);
    if (is_wanted(&options, "paging"))
        run_paging(&bench);
    good = report_targets(bench.report);
    if (options.json != NULL)
        report_write_json(bench.report, options.json);
    report_close(bench.report);
    return good ? EXIT_SUCCESS : EXIT_MISSED;
}
