/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trouble: the n-th device call, allocation or request for entropy fails, n = 1, 2, … until a run
 * ends in which it never came to that. After each the promises are the same:
 *   - the call says what failed (I/O, no space, no memory), never something else;
 *   - the object is as before, seen through the same store and after opening it again; only when
 *     the store says COFFER_FAILED may the call have been done all the same;
 *   - nothing stays taken: open objects and memory by component are as before;
 *   - the next call works, unless the store is FAILED; nothing is taken for damage.
 */
#ifndef TESTS_FAULTS_TROUBLE_H
#define TESTS_FAULTS_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/fault_plan.h"
#include "support/memory_device.h"
#include "support/model.h"
#include "support/steps.h"

enum trouble_source {
    TROUBLE_DEVICE,
    TROUBLE_MEMORY,
    TROUBLE_ENTROPY,
};

struct trouble {
    enum trouble_source source;
    enum fault_kind kind; /* TROUBLE_DEVICE */
    bool through_close;   /* it goes on (FAULT_DEAD) until the store is closed */
    uint64_t strikes;     /* how often something failed, all in all */
};

/* A store to work on, as a device that is never touched itself, and what it holds. */
struct trouble_base {
    struct memory_device *device;
    struct model model;
};

void trouble_base_make(struct trouble_base *base);
void trouble_base_free(struct trouble_base *base);

/* All of these fail the test (cmocka) when a promise is broken. */
void trouble_strike_step(struct trouble *trouble, const struct trouble_base *base,
                         const struct step *step);
void trouble_strike_open(struct trouble *trouble, const struct trouble_base *base);
void trouble_strike_create(struct trouble *trouble);

/* Every kind of call, for each of which trouble is struck on the base. */
extern const struct step trouble_steps[];
extern const size_t trouble_step_count;

#endif
