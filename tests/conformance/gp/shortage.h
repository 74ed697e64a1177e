/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that have one thing after another refused (shortage.c), as tables: those on storage
 * (shortage_storage.c), and those of cryptography (shortage_crypto.c).
 *
 * Such a call answers the code that it has for what it is short of, and nothing is changed; asked
 * again, it does what it should. None of it is the TA's fault, so in the standard's profile a call
 * on persistent objects without a code for it tells that the storage isn't available now. OP-TEE's
 * panics (docs/GP.md, "Profiles"). After a panic nothing is changed either, and all is back.
 */
#ifndef TESTS_CONFORMANCE_GP_SHORTAGE_H
#define TESTS_CONFORMANCE_GP_SHORTAGE_H

#include "cases.h"

enum source {
    FULL_DEVICE,
    NO_ROOM,
    FAILING_DEVICE,
    MEMORY_OF_STORES,
    MEMORY_OF_INSTANCES,
    MEMORY_OF_LIBRARY,
    SOURCES,
};

/* What it answers; 0: there is nothing to be refused, and no rule. */
#define FULL       TEE_ERROR_STORAGE_NO_SPACE
#define AWAY       TEE_ERROR_STORAGE_NOT_AVAILABLE /* in optee-4, if short of something: a panic */
#define NONE       TEE_ERROR_OUT_OF_MEMORY
#define NEEDS_NONE 1u /* there is nothing to be refused, and that is the rule */

enum shortage_panic {
    PANICS_WITHOUT_A_CODE, /* as said above */
    PANICS_IN_OPTEE,
    PANICS_ALWAYS,
};

struct shortage {
    const char *clause;
    enum gp_call call;
    const char *text;
    void (*prepare)(void);
    /* Have the handles of `prepare` again, in another instance; NULL: it leaves none. */
    void (*regain)(void);
    TEE_Result (*ask)(void);
    void (*check)(void); /* when it has gone through */
    uint32_t a, b;       /* what these make of them */
    TEE_Result codes[SOURCES];
    enum shortage_panic panics;
    bool cold;   /* the store was just opened, and handles regained */
    bool closes; /* its handle, whatever the answer */
};

/* What `prepare` leaves to `ask`, and that to `check`. */
struct shortage_had {
    const struct shortage *of;
    TEE_ObjectHandle object, key, other_key;
    TEE_ObjectEnumHandle enumerator;
    TEE_OperationHandle operation, source;
    TEE_ObjectInfo info; /* of `object`, if it was there before the call */
};

extern struct shortage_had had;

/* A rule for each source of each. The table must stay. */
void add_shortages(const struct shortage *shortages, size_t count);

#endif
