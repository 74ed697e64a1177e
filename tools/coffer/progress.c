/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sizes.h"

#define SECOND_NS   1000000000u
#define INTERVAL_NS 100000000u
#define BAR_WIDTH   24u

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, const struct options *options, const char *label,
                    const char *thing, uint64_t total)
{
    *progress = (struct progress){
        .label = label, .thing = thing, .total = total, .start_ns = now_ns()};
    progress->wanted = !options->quiet && isatty(STDERR_FILENO) == 1;
}

/* How much is done: "12M  3.1M/s", or "entry 3 of 10". */
static void show_amount(const struct progress *progress, uint64_t done, double seconds)
{
    char amount[SIZE_TEXT_SIZE], rate[SIZE_TEXT_SIZE];

    if (progress->thing != NULL) {
        (void)fprintf(stderr, " %s %" PRIu64 " of %" PRIu64, progress->thing,
                      done < progress->total ? done + 1 : progress->total, progress->total);
        return;
    }
    size_format(done, amount);
    size_format((uint64_t)((double)done / seconds), rate);
    (void)fprintf(stderr, " %s  %s/s", amount, rate);
}

static void show(const struct progress *progress, uint64_t done, double seconds)
{
    bool share = progress->total > 0 && done > 0 && done <= progress->total;
    char bar[BAR_WIDTH + 1];
    double part;

    /* Back to the line's start; at the end, clear what the last one leaves behind. */
    (void)fprintf(stderr, "\r%s", progress->label);
    if (share) {
        part = (double)done / (double)progress->total;
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', (size_t)((double)BAR_WIDTH * part));
        bar[BAR_WIDTH] = '\0';
        (void)fprintf(stderr, " [%s] %3u%% ", bar, (unsigned)(100.0 * part));
    }
    show_amount(progress, done, seconds);
    if (share)
        (void)fprintf(stderr, "  %.0f s left",
                      seconds * (double)(progress->total - done) / (double)done);
    (void)fputs("\033[K", stderr);
}

void progress_step(struct progress *progress, uint64_t done)
{
    uint64_t now;

    if (!progress->wanted)
        return;
    now = now_ns();
    if (now - progress->start_ns < SECOND_NS || now - progress->shown_ns < INTERVAL_NS)
        return;
    show(progress, done, (double)(now - progress->start_ns) / 1e9);
    progress->shown_ns = now;
}

void progress_end(struct progress *progress)
{
    if (progress->shown_ns != 0)
        (void)fputs("\r\033[K", stderr);
    progress->shown_ns = 0;
}
