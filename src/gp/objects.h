/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind a TEE_ObjectHandle: a transient object, or one handle on a persistent object.
 *
 * A persistent object's usage and data are the store's, one for all handles on it (files.h); its
 * attributes are read when it is opened, and never change.
 *
 * Invariant: GO1 An initialized object that isn't plain data has attributes.
 */
#ifndef COFFER_GP_OBJECTS_H
#define COFFER_GP_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "gp/gp.h"

struct gp_attributes; /* attributes.h */
struct gp_file;       /* files.h */

struct gp_object {
    uint32_t type;                    /* TEE_TYPE_... */
    uint32_t object_size;             /* of the key, bits; 0: none yet, or plain data */
    uint32_t max_size;                /* of the key at most, bits */
    uint32_t usage;                   /* of a transient object */
    bool initialized;                 /* always, if it is persistent */
    struct gp_attributes *attributes; /* in the instance's pool; NULL: plain data */

    /* Of a persistent object. */
    struct gp_file *file; /* NULL: it is transient */
    uint32_t flags;       /* TEE_DATA_FLAG_... it was opened or made with */
    uint64_t position;    /* in its data */
};

/* A zeroed object and its handle. OUT_OF_MEMORY. */
TEE_Result gp_object_make(struct gp_instance *instance, struct gp_object **out,
                          TEE_ObjectHandle *handle);

/* The object of a handle; NULL: it is none. */
struct gp_object *gp_object_find(const struct gp_instance *instance, TEE_ObjectHandle handle);

/* Close the handle: the object is gone, if transient, or one handle on it. */
void gp_object_close(struct gp_instance *instance, TEE_ObjectHandle handle);

/* How each call on a handle ends: after CORRUPT_OBJECT the handle is closed. `result` again. */
TEE_Result gp_object_settle(struct gp_instance *instance, TEE_ObjectHandle handle,
                            TEE_Result result);

/* The calls on objects of both kinds. BAD_PARAMETERS: no handle, no output. */
TEE_Result gp_object_info(struct gp_instance *instance, TEE_ObjectHandle handle,
                          TEE_ObjectInfo *out);
TEE_Result gp_object_restrict(struct gp_instance *instance, TEE_ObjectHandle handle,
                              uint32_t usage);

/* In 1.1's form. */
void gp_object_info_1_1(const TEE_ObjectInfo *info, __GP11_TEE_ObjectInfo *out);

/* How the TEE_ calls end that have to do with storage. What is short, or not known here, and the
 * call has no code for is in the standard's profile a storage that isn't available now: nothing of
 * it is the TA's fault. OP-TEE panics. */
TEE_Result gp_storage_end(struct gp_instance *instance, enum gp_call call, TEE_Result result);

#endif
