/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector that comes whenever it can: each time a thread lets go of a cache, all that may be
 * asked for memory (reclaim/reclaim.h, "direct") gives everything that nobody is using, however
 * much is free. What a call counts on beyond that moment must be pinned, or be where it can be read
 * again. With one thread, and for each seed of a test the same way every time.
 */
#ifndef COFFER_TESTS_GREEDY_H
#define COFFER_TESTS_GREEDY_H

#include "coffer.h"

/* Linux's port, with a look at its locks. */
const struct coffer_port *greedy_port(void);

/* From now on, of a store that has this port; one at a time. The caches keep nothing back. */
void greedy_begin(struct coffer *store);

/* Before it is closed. It must have come by. */
void greedy_end(void);

#endif
