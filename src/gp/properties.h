/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Properties: three sets of them. A property has one type; as a string it can be had whatever the
 * type is.
 */
#ifndef COFFER_GP_PROPERTIES_H
#define COFFER_GP_PROPERTIES_H

#include "gp/gp.h"

struct gp_property {
    const char *name;
    enum user_ta_prop_type type;
    union {
        bool boolean;
        uint32_t u32;
        uint64_t u64;
        TEE_UUID uuid;
        TEE_Identity identity;
        const char *string; /* also of a binary block: in base 64 */
    } value;
};

/* One of TEE_PROPSET_... */
bool gp_is_property_set(TEE_PropSetHandle set);

/* The `index`-th of a set; false behind the last, and of what is no set. */
bool gp_property_at(const struct gp_instance *instance, TEE_PropSetHandle set, uint32_t index,
                    struct gp_property *out);

#endif
