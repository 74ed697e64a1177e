/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key's attributes in secure memory. Room for all that the type has, up to the largest size, is
 * taken when they are made: populating, generating and copying need no memory.
 *
 * Invariants
 *   GA1 A value's size is its capacity at most.
 *   GA2 A number has no zeros in front; one that is had may be zero, of no bytes.
 *   GA3 What isn't had is of no bytes, or 0.
 */
#ifndef COFFER_GP_ATTRIBUTES_H
#define COFFER_GP_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/memory.h"
#include "gp/types.h"
#include "tee_api.h"

struct gp_value {
    bool have;
    uint32_t value;          /* of GP_U32 */
    struct gp_number number; /* of the others: their bytes */
};

struct gp_attributes {
    const struct gp_type *type;
    uint32_t max_size;                         /* bits */
    struct gp_value values[GP_ATTRIBUTES_MAX]; /* in the type's order */
    uint8_t bytes[];
};

/* None had yet. The size is one of the type's. OUT_OF_MEMORY. */
TEE_Result gp_attributes_make(struct coffer_pool *pool, const struct gp_type *type,
                              uint32_t max_size, struct gp_attributes **out);
/* Wiped. NULL is nothing. */
void gp_attributes_free(struct coffer_pool *pool, struct gp_attributes *attributes);

/* None had any more, wiped. */
void gp_attributes_clear(struct gp_attributes *attributes);

/* NULL: it isn't had, or there is none such. */
const struct gp_value *gp_attributes_get(const struct gp_attributes *attributes, uint32_t id);

/*
 * From what a TA gives, when none are had: the key, or what GenerateKey makes one from. What they
 * must be is the type's business (types.h); `size` is that of the key, in bits, 0 when what tells
 * it isn't among them.
 *
 * BAD_PARAMETERS: a value that is none for such a key. BAD_STATE, which is a panic: one is missing,
 * foreign to the type or there twice, or is larger than the largest size. Nothing is had then.
 */
TEE_Result gp_attributes_populate(struct gp_attributes *attributes, const TEE_Attribute *given,
                                  uint32_t count, uint32_t *size);
TEE_Result gp_attributes_take_given(struct gp_attributes *attributes, const TEE_Attribute *given,
                                    uint32_t count, uint32_t *size);

/* What both types have: gp_type_gives. */
bool gp_attributes_fit(const struct gp_attributes *to, const struct gp_attributes *from);
/* They fit. What `to` had is gone. */
void gp_attributes_copy(struct gp_attributes *to, const struct gp_attributes *from);

/* --- As they are on the device ------------------------------------------------------------ */

/* Bit k: the type's k-th. */
uint32_t gp_attributes_have(const struct gp_attributes *attributes);

/* All of the type's, one after another: a length or value of 4 bytes, big endian, and bytes. */
size_t gp_attributes_packed_size(const struct gp_attributes *attributes);
void gp_attributes_pack(const struct gp_attributes *attributes, uint8_t *out);

/* CORRUPT_OBJECT: the bytes are no such attributes; none are had. */
TEE_Result gp_attributes_unpack(struct gp_attributes *attributes, uint32_t have,
                                const uint8_t *bytes, size_t size);

bool gp_attributes_are_valid(const struct gp_attributes *attributes);

#endif
