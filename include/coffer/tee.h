/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trusted execution environment in this process: trusted applications (TAs) that use
 * GlobalPlatform's calls (<tee_internal_api.h>), on stores of <coffer.h>, each instance with a heap
 * in a space of <coffer/space.h>. Clients reach them through <tee_client_api.h>.
 *
 * TAs       Linked into the program (coffer_tee_register), or found by their UUID by a loader, as
 *           on Linux shared objects (<coffer/linux_tee.h>). What is linked in has one set of
 *           static variables for all of its instances: let it be TA_FLAG_SINGLE_INSTANCE.
 * Panics    A TA that panics, or touches a page of its heap that can't be had, loses its
 *           instance: handles, heap and sessions go, clients are told TEE_ERROR_TARGET_DEAD,
 *           everybody else goes on. Its objects are as its last successful call left them. What
 *           it keeps in static variables comes back fresh only where a loader loads it anew.
 * Threads   An instance runs in one thread at a time, a client's; others wait. All calls may come
 *           from any thread; coffer_tee_close must be the last.
 * Source    GP TEE Internal Core API 1.3.1, "Trusted Core Framework"; docs/GP.md has the table of
 *           what works.
 */
#ifndef COFFER_TEE_H
#define COFFER_TEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer.h"
#include "coffer/memory.h"
#include "tee_api_types.h"
#include "user_ta_header.h"

#ifdef __cplusplus
extern "C" {
#endif

struct coffer_tee;

/* Which differences to the standard there are: docs/GP.md has them all. */
enum coffer_tee_profile {
    COFFER_TEE_GP_1_3_1, /* none */
    COFFER_TEE_OPTEE_4,  /* those of OP-TEE 4 */
};

/* A TA's code. Its text and tables must outlive the tee. */
struct coffer_ta_code {
    TEE_UUID uuid;
    uint32_t flags;          /* TA_FLAG_ of <user_ta_header.h> */
    size_t data_size;        /* of its heap, bytes: the least it must be able to have */
    uint32_t stack_size;     /* bytes; told, and no more: a TA runs on its client's stack */
    const char *version;     /* for people; NULL: none */
    const char *description; /* likewise */

    const struct user_ta_property *properties; /* its own, beside those of "gpd.ta." */
    size_t property_count;

    /* The entry points (GP: TA_CreateEntryPoint and so on); all required. */
    TEE_Result (*create)(void);
    void (*destroy)(void);
    TEE_Result (*open_session)(uint32_t types, TEE_Param parameters[4], void **session);
    void (*close_session)(void *session);
    TEE_Result (*invoke)(void *session, uint32_t command, uint32_t types, TEE_Param parameters[4]);
};

/* Have a TA that is linked into the program. COFFER_EXISTS: there is one of that UUID. */
COFFER_MUST_CHECK enum coffer_status coffer_tee_register(struct coffer_tee *tee,
                                                         const struct coffer_ta_code *ta);

/* End what was kept alive, and give everything back. Sessions that are still open are a mistake of
 * their clients: the port's log tells of them, and they are closed as by TEEC_CloseSession, whose
 * TEEC_Session must not be used any more. NULL is nothing. */
void coffer_tee_close(struct coffer_tee *tee);

#ifdef __cplusplus
}
#endif

#endif
