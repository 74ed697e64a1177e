/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults as signals: SIGSEGV (and SIGBUS) of accesses to the ranges of ranges.h.
 *
 * The handler runs in the thread that made the access, in place of the access, and calls the
 * range's owner, which may take locks, do I/O and seal: that is as if the access were a function
 * call. What the thread was in the middle of (a memcpy, say) must not hold anything that the owner
 * needs, and the memory that the owner works on is never a space's.
 *
 * What isn't ours, and what the owner refuses outside of faults_enter, goes to the action that was
 * there before; by default that ends the process as if there were no handler, but for the thread's
 * last words (coffer_linux_mmu_last_words).
 *
 * The handler runs on the thread's alternate stack if it has one (SA_ONSTACK: so that the stack
 * itself can lie in a space, and that a handler before ours still sees stack overflows); that one
 * needs 32 KiB then.
 */
#ifndef COFFER_LINUX_FAULTS_H
#define COFFER_LINUX_FAULTS_H

#include "coffer/status.h"
#include "ranges.h"

/* The handler is there from the first hold to the last release. COFFER_UNSUPPORTED: this machine's
 * faults don't tell reads from writes. */
COFFER_MUST_CHECK enum coffer_status faults_hold(void);
void faults_release(void);

/* Run `body`. An access in it to the owner's range that the owner refuses leaves it, and its status
 * is the result. They nest; the innermost of that owner is left. */
COFFER_MUST_CHECK enum coffer_status faults_enter(struct range_owner *owner,
                                                  void (*body)(void *argument), void *argument);

#endif
