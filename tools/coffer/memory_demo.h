/* SPDX-License-Identifier: BSD-2-Clause */
/* A workload on a memory system of its own, shown while it runs. */
#ifndef COFFER_COMMAND_MEMORY_DEMO_H
#define COFFER_COMMAND_MEMORY_DEMO_H

#include "options.h"

/* `options->memory` bytes of secure memory (default 1 MiB), user memory of eight times as much. On
 * a terminal the map is drawn over and over; else once after each phase. With --json, one value at
 * the end. The exit status is 0 only when everything read back as it was written. */
enum exit_status memory_demo(struct options *options);

#endif
