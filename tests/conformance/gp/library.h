/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cryptographic library of a world's tee, whose memory can be refused.
 *
 * It is the machine's own, and what is refused is each single block that its contexts take: those
 * of libgcrypt's allocator and those of the port around it. libgcrypt ends the program where it has
 * no memory for large numbers, and for the last step of an HMAC: a key that is made is refused as a
 * whole, and no case refuses that step.
 */
#ifndef TESTS_CONFORMANCE_GP_LIBRARY_H
#define TESTS_CONFORMANCE_GP_LIBRARY_H

#include <stdbool.h>

#include "gp/gp.h"
#include "gp/provider.h"
#include "support/fault_plan.h"

/* Once, before anything else uses libgcrypt. */
void library_begin(void);

/* Blocks are counted by this plan and refused; NULL: all are given. */
void library_refuse(struct fault_plan *plan);

const struct gp_provider *library_provider(void);

/* Called whenever a cipher's context is closed, by who closes it; NULL: nothing. */
void library_tell_of_ends(void (*ends)(void));

/* Are all of a tee's contexts closed? */
bool library_is_idle(const struct gp_tee *tee);

#endif
