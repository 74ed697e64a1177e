/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transient objects (5.6): keys in secure memory, and the attributes of objects of both kinds
 * (5.5).
 *
 * All answer plain results. What the standard has panic is BAD_STATE; so is a wrong handle where
 * BAD_PARAMETERS is a code that the call may return, else that.
 */
#ifndef COFFER_GP_TRANSIENT_H
#define COFFER_GP_TRANSIENT_H

#include "gp/attributes.h"
#include "gp/objects.h"

/* NOT_SUPPORTED: no such type (plain data is none), or not of that size. OUT_OF_MEMORY. */
TEE_Result gp_transient_allocate(struct gp_instance *instance, uint32_t type, uint32_t max_size,
                                 TEE_ObjectHandle *out);

/* TEE_HANDLE_NULL is nothing, for both. */
TEE_Result gp_transient_free(struct gp_instance *instance, TEE_ObjectHandle handle);
TEE_Result gp_transient_reset(struct gp_instance *instance, TEE_ObjectHandle handle);

/* An uninitialized object only. BAD_PARAMETERS: a value is none for such a key. */
TEE_Result gp_transient_populate(struct gp_instance *instance, TEE_ObjectHandle handle,
                                 const TEE_Attribute *attributes, uint32_t count);

/* `from` is of any kind, initialized, of the same type, or a pair where `to` is its public key.
 * The usage becomes what both had. */
TEE_Result gp_transient_copy(struct gp_instance *instance, TEE_ObjectHandle to,
                             TEE_ObjectHandle from);

/* A key of `size` bits (generate.c). BAD_PARAMETERS: the parameters make none of that size. */
TEE_Result gp_transient_generate(struct gp_instance *instance, TEE_ObjectHandle handle,
                                 uint32_t size, const TEE_Attribute *parameters, uint32_t count);

/* The attributes of a key of `size` bits, from those that were given (gp_attributes_take_given). */
TEE_Result gp_generate(struct gp_tee *tee, struct gp_attributes *attributes, uint32_t size);

/* Of objects of both kinds. ITEM_NOT_FOUND; SHORT_BUFFER: *size is what is needed. */
TEE_Result gp_object_buffer_attribute(struct gp_instance *instance, TEE_ObjectHandle handle,
                                      uint32_t id, void *buffer, size_t *size);
/* `a` and `b` may be NULL. */
TEE_Result gp_object_value_attribute(struct gp_instance *instance, TEE_ObjectHandle handle,
                                     uint32_t id, uint32_t *a, uint32_t *b);

#endif
