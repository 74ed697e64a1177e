/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TEE on Linux: stores in directories, TAs from shared objects, heaps that are paged.
 *
 * A client that only knows <tee_client_api.h> gets one that is made for it at its first context,
 * and closed with its last, from the environment: the store is $COFFER_STORE, its key in the file
 * $COFFER_KEY, TAs are looked for along $COFFER_TA_PATH.
 *
 * Making a TA: its sources, with the file that `pkg-config --variable=ta_header coffer-tee` names
 * (HEADER), into a shared object of its UUID's name. docs/GP.md says what the flags are for:
 *
 *     cc $(pkg-config --variable=ta_flags coffer-tee) $(pkg-config --cflags coffer-tee) -I. \
 *        ta.c HEADER -o UUID.so
 */
#ifndef COFFER_LINUX_TEE_H
#define COFFER_LINUX_TEE_H

#include "coffer/linux.h"
#include "coffer/tee.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_LINUX_TEE_MEMORY_DEFAULT ((size_t)4 * 1024 * 1024) /* bytes */

struct coffer_linux_tee_options {
    /* Where objects are, and their key. Required: `directory`, `key`. A storage without a directory
     * isn't there (TEE_ERROR_ITEM_NOT_FOUND). They are made when they aren't there. */
    const char *directory;        /* TEE_STORAGE_PRIVATE, and OP-TEE's TEE_STORAGE_PRIVATE_REE */
    const char *perso;            /* TEE_STORAGE_PERSO */
    const char *protected_store;  /* TEE_STORAGE_PROTECTED */
    const struct coffer_key *key; /* of all of them */

    size_t memory;          /* secure memory of TAs, bytes; 0: COFFER_LINUX_TEE_MEMORY_DEFAULT */
    size_t store_memory;    /* of each store; 0: COFFER_LINUX_MEMORY_DEFAULT */
    size_t swap_pages;      /* room for evicted pages of heaps; 0: as much as 16 times the memory */
    size_t heap_max;        /* of an instance, bytes; 0: 64 MiB */
    size_t instance_memory; /* secure memory an instance may use, bytes; 0: all that there is */
    size_t operations_memory; /* of all operations in libgcrypt, bytes; 0: 1 MiB (docs/GP.md) */

    bool huk_plain; /* see struct coffer_config */
    bool head_full_hash;

    const char *ta_path; /* folders with TAs, colons between; NULL: none but those registered */
    enum coffer_tee_profile profile;
};

/* coffer_tee_close gives everything back. As coffer_linux_open; COFFER_UNSUPPORTED: no real MMU
 * here. */
COFFER_MUST_CHECK enum coffer_status
coffer_linux_tee_open(const struct coffer_linux_tee_options *options, struct coffer_tee **out);

/* Take a TA from the shared object `path`, whatever its name, and tell its UUID. COFFER_NOT_FOUND:
 * no such file; COFFER_CORRUPT: it is no shared object of a TA (the port's log tells why). */
COFFER_MUST_CHECK enum coffer_status coffer_linux_tee_load(struct coffer_tee *tee, const char *path,
                                                           TEE_UUID *uuid);

/* From now on clients' contexts are of this tee, instead of one that the environment describes.
 * NULL: of none. COFFER_BUSY: a context is open. */
COFFER_MUST_CHECK enum coffer_status coffer_linux_tee_use(struct coffer_tee *tee);

#ifdef __cplusplus
}
#endif

#endif
