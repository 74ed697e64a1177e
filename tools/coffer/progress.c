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
                    uint64_t total)
{
    *progress = (struct progress){.label = label, .total = total, .start_ns = now_ns()};
    progress->wanted = !options->quiet && isatty(STDERR_FILENO) == 1;
}

static void show(const struct progress *progress, uint64_t done, double seconds)
{
    char amount[SIZE_TEXT_SIZE], rate[SIZE_TEXT_SIZE];
    char bar[BAR_WIDTH + 1];
    double speed = (double)done / seconds;
    size_t full;

    size_format(done, amount);
    size_format((uint64_t)speed, rate);
    /* Back to the line's start, and clear what the last one leaves behind. */
    if (progress->total == 0 || done > progress->total || done == 0) {
        (void)fprintf(stderr, "\r%s %s  %s/s\033[K", progress->label, amount, rate);
        return;
    }
    full = (size_t)((double)BAR_WIDTH * (double)done / (double)progress->total);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r%s [%s] %3u%%  %s  %s/s  %.0f s left\033[K", progress->label, bar,
                  (unsigned)(100.0 * (double)done / (double)progress->total), amount, rate,
                  (double)(progress->total - done) / speed);
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
