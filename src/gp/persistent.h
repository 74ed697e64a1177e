/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Persistent objects by their handles: opened, made, deleted, renamed (5.7), and their data (5.9).
 *
 * All answer plain results. What the standard has panic is BAD_PARAMETERS (no handle of a
 * persistent object, an id that is too long, unknown flags, a missing buffer) or BAD_STATE (the
 * handle lacks the flag that the call needs, an object isn't initialized). CORRUPT_OBJECT: the
 * object is damaged; it was put away (files.h), and the handle is closed.
 */
#ifndef COFFER_GP_PERSISTENT_H
#define COFFER_GP_PERSISTENT_H

#include "gp/files.h"
#include "gp/objects.h"

/* The object of a handle, which must be persistent, and opened with all of the flags. */
TEE_Result gp_persistent_find(const struct gp_instance *instance, TEE_ObjectHandle handle,
                              uint32_t flags, struct gp_object **out);

/* *out is TEE_HANDLE_NULL on failure. */
TEE_Result gp_persistent_open(struct gp_instance *instance, uint32_t storage, const void *id,
                              size_t id_size, uint32_t flags, TEE_ObjectHandle *out);

/* A new object with the attributes and the usage of another one (TEE_HANDLE_NULL: plain data).
 * Without `out` it is closed again, but that a transient object whose attributes it gets becomes
 * the handle on it. */
TEE_Result gp_persistent_create(struct gp_instance *instance, uint32_t storage, const void *id,
                                size_t id_size, uint32_t flags, TEE_ObjectHandle attributes,
                                const void *data, size_t size, TEE_ObjectHandle *out);

/* The handle, which must have ACCESS_WRITE_META, is closed, unless the answer is BAD_PARAMETERS or
 * BAD_STATE. */
TEE_Result gp_persistent_delete(struct gp_instance *instance, TEE_ObjectHandle handle);

/* The handle must have ACCESS_WRITE_META. */
TEE_Result gp_persistent_rename(struct gp_instance *instance, TEE_ObjectHandle handle,
                                const void *id, size_t id_size);

/* --- Data (streams.c) --- */

/* *count is less than `size` only at the end of the data. */
TEE_Result gp_stream_read(struct gp_instance *instance, TEE_ObjectHandle handle, void *buffer,
                          size_t size, size_t *count);
/* OVERFLOW: beyond TEE_DATA_MAX_POSITION. */
TEE_Result gp_stream_write(struct gp_instance *instance, TEE_ObjectHandle handle,
                           const void *buffer, size_t size);
TEE_Result gp_stream_truncate(struct gp_instance *instance, TEE_ObjectHandle handle, uint64_t size);
/* OVERFLOW: beyond TEE_DATA_MAX_POSITION. Before the beginning is the beginning. */
TEE_Result gp_stream_seek(struct gp_instance *instance, TEE_ObjectHandle handle, int64_t offset,
                          TEE_Whence whence);

#endif
