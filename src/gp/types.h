/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of keys: which sizes they come in, which attributes they have, and what PopulateTransient-
 * Object and GenerateKey make of those. The order of a type's attributes is OP-TEE's: it is the one
 * on the device (docs/FORMAT.md), and bit k of an object's `have` is the k-th of them.
 */
#ifndef COFFER_GP_TYPES_H
#define COFFER_GP_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "gp/provider.h"

enum gp_form {
    GP_SECRET, /* bytes, as many as the key's size says */
    GP_NUMBER, /* big endian; zeros in front don't count */
    GP_OCTETS, /* exactly GP_25519_SIZE bytes */
    GP_U32,    /* a value; only its first number counts */
};

enum {
    GP_NEEDED = 1 << 0,  /* a key isn't populated without it */
    GP_EXTRA = 1 << 1,   /* it may be there; */
    GP_JOINT = 1 << 2,   /*   likewise, but all of a type's joint ones, or none */
    GP_GIVEN = 1 << 3,   /* GenerateKey must be given it; */
    GP_OFFERED = 1 << 4, /*   may be */
    GP_MEASURE = 1 << 5, /* the size of the key is its size */
};

struct gp_attribute_rule {
    uint32_t id; /* TEE_ATTR_... */
    uint8_t form;
    uint8_t flags;
};

/* How a key is made. */
enum gp_making {
    GP_MAKE_NONE, /* it isn't: public keys */
    GP_MAKE_SECRET,
    GP_MAKE_DES, /* a secret with odd parity in each byte */
    GP_MAKE_RSA,
    GP_MAKE_DSA,
    GP_MAKE_DH,
    GP_MAKE_CURVE,
    GP_MAKE_ED25519,
    GP_MAKE_X25519,
};

#define GP_ATTRIBUTES_MAX 8u

struct gp_type {
    uint32_t id;                            /* TEE_TYPE_... */
    uint16_t size_min, size_max, size_step; /* bits; a step of 0: as `sizes` says */
    const uint16_t *sizes;                  /* ending with 0 */
    uint8_t making;
    uint8_t attribute_count;
    const struct gp_attribute_rule *attributes;
};

/* NULL: no such type of key, TEE_TYPE_DATA included. */
const struct gp_type *gp_type_find(uint32_t id);

/* The n-th of all; NULL behind the last. */
const struct gp_type *gp_type_next(unsigned n);

bool gp_type_has_size(const struct gp_type *type, uint32_t bits);

/* The place of an attribute among the type's; -1: it has none such. */
int gp_type_attribute(const struct gp_type *type, uint32_t id);

/* May attributes of the one be copied to the other: is it the same, or its public part? */
bool gp_type_gives(const struct gp_type *from, const struct gp_type *to);

/* The curve of a TEE_ECC_CURVE_..., with its size in bits; false: none such. */
bool gp_curve_find(uint32_t id, enum gp_curve *curve, uint32_t *bits);

#endif
