/* SPDX-License-Identifier: BSD-2-Clause */
/* A line on the terminal for work that takes longer than a second: a bar, how fast, how long
 * still. Nothing when standard error is no terminal, and nothing with --quiet. What is done is
 * counted in bytes, or in things. */
#ifndef COFFER_COMMAND_PROGRESS_H
#define COFFER_COMMAND_PROGRESS_H

#include "options.h"

struct progress {
    const char *label;
    const char *thing; /* NULL: bytes are counted */
    uint64_t total;    /* 0: not known */
    uint64_t start_ns;
    uint64_t shown_ns; /* when it was shown last; 0: not yet */
    bool wanted;
};

void progress_begin(struct progress *progress, const struct options *options, const char *label,
                    const char *thing, uint64_t total);
/* `done`: bytes, or things before the one that is worked on. */
void progress_step(struct progress *progress, uint64_t done);
/* Take the line away. */
void progress_end(struct progress *progress);

#endif
