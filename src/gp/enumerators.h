/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enumerators of persistent objects: a walk over what a TA has in one storage, in the catalogue's
 * order. Objects that are made, renamed or deleted meanwhile may or may not be met, all others
 * exactly once. What is locked or open is met, too. A damaged object is told by CORRUPT_OBJECT,
 * once: it is put away, and the walk goes on with the next call.
 *
 * Invariant: GN4 A started enumerator has a list that is open; `first` is a name of it that wasn't
 * given out yet.
 */
#ifndef COFFER_GP_ENUMERATORS_H
#define COFFER_GP_ENUMERATORS_H

#include "gp/gp.h"

/* All take handles. BAD_PARAMETERS: it is none, or an output is missing. */
TEE_Result gp_enumerator_make(struct gp_instance *instance, TEE_ObjectEnumHandle *out);
TEE_Result gp_enumerator_free(struct gp_instance *instance, TEE_ObjectEnumHandle handle);
TEE_Result gp_enumerator_reset(struct gp_instance *instance, TEE_ObjectEnumHandle handle);

/* From the beginning. ITEM_NOT_FOUND: no such storage, or nothing in it. */
TEE_Result gp_enumerator_start(struct gp_instance *instance, TEE_ObjectEnumHandle handle,
                               uint32_t storage);

/* `info` may be NULL; `id` has TEE_OBJECT_ID_MAX_LEN bytes. ITEM_NOT_FOUND: the end, or not
 * started. */
TEE_Result gp_enumerator_next(struct gp_instance *instance, TEE_ObjectEnumHandle handle,
                              TEE_ObjectInfo *info, void *id, size_t *id_size);

#endif
