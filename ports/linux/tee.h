/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TEE on Linux, inside.
 *
 *   open_tee.c         opening and closing; the one that clients' contexts are of
 *   tee.c              which instance runs in a thread, how it is entered and left
 *   tee_loader.c       TAs from shared objects
 *   tee_client.c       the TEE Client API
 *   tee_gcrypt.c       the cryptographic library, and tee_gcrypt_keys.c new keys from it
 *   tee_nettle.c       GHASH, from another one
 *   tee_reach.c        which memory of the process a TA may ask about
 *   tee_device.c       what the machine calls itself
 *   tee_trace.c        trace lines of TAs
 */
#ifndef COFFER_LINUX_PORT_TEE_H
#define COFFER_LINUX_PORT_TEE_H

#include <pthread.h>

#include "coffer/linux_tee.h"
#include "gp/sessions.h"

/* A shared object that was named (coffer_linux_tee_load). */
struct tee_named {
    struct tee_named *next;
    TEE_UUID uuid;
    char path[];
};

struct tee_loader {
    char *folders; /* with colons between; NULL: none */
    pthread_mutex_t lock;
    struct tee_named *named; /* under the lock */
};

enum coffer_status tee_loader_init(struct tee_loader *loader, const char *folders);
void tee_loader_fini(struct tee_loader *loader);

/* What sessions.h wants of it; it must outlive that. */
struct gp_loader tee_loader_table(struct tee_loader *loader);

/* From now on the TA that is in the file comes from there. */
enum coffer_status tee_loader_name(struct tee_loader *loader, const char *path, TEE_UUID *uuid);

/* The tee that contexts are of: the one that was named, or one from the environment, which lives as
 * long as a context does. TEE_ERROR_ITEM_NOT_FOUND: the environment names no store or no key, or
 * the key's file can't be read; _BAD_PARAMETERS: that holds no key; else what coffer_linux_tee_open
 * answers. The port's log tells why. */
TEE_Result tee_take(struct coffer_tee **out);
void tee_give(void);

#endif
