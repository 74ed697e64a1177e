/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One fault at one device call: "the n-th call that this kind of fault applies to fails". A test
 * counts n = 1, 2, … until a run ends in which the fault never fired, so nobody has to guess how
 * many calls there are.
 */
#ifndef TESTS_SUPPORT_FAULT_PLAN_H
#define TESTS_SUPPORT_FAULT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_IO_BEFORE, /* COFFER_IO, and nothing was done; any call */
    FAULT_IO_AFTER,  /* COFFER_IO, and all was done; any call */
    FAULT_TORN,      /* COFFER_IO, and the first half was done; writes */
    FAULT_NO_SPACE,  /* COFFER_NO_SPACE, nothing done; writes, creates, growing resizes */
    FAULT_DEAD,      /* COFFER_IO for this call and every later one, nothing done */
    FAULT_KINDS
};

/* What kind of call the device is about to do. */
enum fault_call {
    FAULT_CALL_OTHER,
    FAULT_CALL_WRITE, /* takes bytes: may be torn, may find no space */
    FAULT_CALL_GROW,  /* create and growing resize: may find no space */
};

struct fault_plan {
    enum fault_kind kind;
    uint64_t at;    /* which applicable call fails, from 1; 0: none */
    uint64_t calls; /* applicable calls so far */
    bool fired;
    bool paused; /* calls pass by, uncounted */
};

const char *fault_kind_name(enum fault_kind kind);

/* For the device: count this call; true when it is to fail by plan->kind. */
bool fault_plan_strikes(struct fault_plan *plan, enum fault_call call);

#endif
