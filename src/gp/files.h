/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistent objects that are open, of all instances: a file stands for one of them, whatever
 * number of handles it has.
 *
 * Who may open what beside whom (the standard's rules on sharing): ACCESS_WRITE_META is exclusive;
 * if any of several handles has ACCESS_READ all have SHARE_READ, and with WRITE likewise; a handle
 * without any flags locks the object. OP-TEE wants the same SHARE bits of all, too. It holds for an
 * object (TA, store, id) over all instances of the TA, and for several storage ids that have one
 * store.
 *
 * An object that turns out to be damaged is out of the TA's sight from then on: opened nowhere,
 * found by nobody, its name free as soon as no call works on it any more. Its bytes are kept (the
 * store's quarantine). Handles that it still has are told so by their next call.
 *
 * Invariants
 *   GN1 There is one file of a name on tee->files at most.
 *   GN2 A file is there as long as it has handles, but for one that was put away.
 *   GN3 `object` is open, but for one that was put away, and one that was made when there was no
 *      memory to open it: that is tried again with each use.
 *
 * Locking: all of it under tee->files_lock, which these functions take. It is held while a name is
 * opened, made, renamed, deleted or put away, what an opener has to know included, and usage is
 * changed; not over what is done with an object's data, which goes on between gp_file_use and
 * gp_file_done. No other lock of the front end is taken under it.
 */
#ifndef COFFER_GP_FILES_H
#define COFFER_GP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coffer.h"
#include "gp/gp.h"

/* An object's full name. The bytes of the id are its own. */
struct gp_file_name {
    struct coffer *store;
    struct coffer_uuid ta;
    uint8_t id[COFFER_ID_MAX];
    size_t id_size;
};

#define GP_FILE_FLAGS 5 /* those that have to do with sharing */

struct gp_file {
    struct list link; /* of tee->files */
    struct gp_file_name name;
    struct coffer_object *object;
    unsigned handles;
    unsigned having[GP_FILE_FLAGS]; /* how many of them have each of the flags */
    unsigned calls;                 /* at work on `object` */
    bool corrupt;                   /* to be put away as soon as no call works on it; or it is */
};

/* An id. BAD_PARAMETERS: it is too long, or has no bytes where it should. ACCESS_DENIED: it lies
 * where the client could change it. */
TEE_Result gp_file_set_id(const struct gp_instance *instance, const void *id, size_t id_size,
                          struct gp_file_name *name);

/* The name of an instance's object. ITEM_NOT_FOUND: no such storage; and as above. */
TEE_Result gp_file_name(const struct gp_instance *instance, uint32_t storage, const void *id,
                        size_t id_size, struct gp_file_name *out);

struct coffer_name gp_store_name(const struct gp_file_name *name);

/* May a handle with these flags be there beside others, any of which have the one set of flags, and
 * all of them the other? */
bool gp_flags_agree(enum gp_profile profile, uint32_t flags, uint32_t any, uint32_t all);

/* What is read of an object while it is opened. It mustn't call anything of this file. */
struct gp_loader {
    enum coffer_status (*load)(void *argument, struct coffer_object *object);
    void *argument;
};

/* One handle more, after the object was loaded: a handle that comes to nothing stands in nobody's
 * way. ITEM_NOT_FOUND, ACCESS_CONFLICT, CORRUPT_OBJECT (it is put away), OUT_OF_MEMORY,
 * STORAGE_NOT_AVAILABLE, and what else the loader says. */
TEE_Result gp_file_open(struct gp_tee *tee, const struct gp_file_name *name, uint32_t flags,
                        const struct gp_loader *loader, struct gp_file **out);

/* What the writer has is an object of that name from now on, in place of one that has it if the
 * writer may replace it, and has one handle; `out` NULL: none. The writer is gone afterwards,
 * whatever the answer. ACCESS_CONFLICT: there is one, or it is open. */
TEE_Result gp_file_create(struct gp_tee *tee, const struct gp_file_name *name, uint32_t flags,
                          struct coffer_writer *writer, struct gp_file **out);

/* One handle less, which had these flags. */
void gp_file_close(struct gp_tee *tee, struct gp_file *file, uint32_t flags);

/* Delete the object. The handle, which must be the only one, is gone afterwards, whatever the
 * answer. */
TEE_Result gp_file_delete(struct gp_tee *tee, struct gp_file *file);

/* Another name, of the same TA and store. ACCESS_CONFLICT: it is taken. */
TEE_Result gp_file_rename(struct gp_tee *tee, struct gp_file *file, const struct gp_file_name *to);

/* Around each call on the object. CORRUPT_OBJECT: it is damaged, and there is none to use; nothing
 * is to be undone then. */
TEE_Result gp_file_use(struct gp_tee *tee, struct gp_file *file, struct coffer_object **out);
/* What the call answered, as the standard has it. After COFFER_CORRUPT the object is put away. */
TEE_Result gp_file_done(struct gp_tee *tee, struct gp_file *file, enum coffer_status status);

/* What the object is like now. */
TEE_Result gp_file_info(struct gp_tee *tee, struct gp_file *file, struct coffer_info *out);

/* Take from the object's usage all that isn't in `usage`. */
TEE_Result gp_file_restrict(struct gp_tee *tee, struct gp_file *file, uint32_t usage);

/* An object of that name was found to be damaged without being opened: if that is still so, it is
 * put away. */
void gp_file_put_away(struct gp_tee *tee, const struct gp_file_name *name);

/* The flags that its handles have; 0 when it isn't open. */
uint32_t gp_file_flags(struct gp_tee *tee, const struct gp_file_name *name);

/* What a store answers to a name or an object that it has. */
TEE_Result gp_store_result(enum coffer_status status);

/* The list holds together. */
bool gp_files_are_valid(struct gp_tee *tee);

#endif
