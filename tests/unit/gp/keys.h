/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes and keys for tests of objects and operations. */
#ifndef TESTS_UNIT_GP_KEYS_H
#define TESTS_UNIT_GP_KEYS_H

#include "unit/gp/fixture.h"
#include "unit/gp/hex.h"

static inline TEE_Attribute ref(uint32_t id, const void *bytes, size_t size)
{
    TEE_Attribute attribute;

    TEE_InitRefAttribute(&attribute, id, bytes, size);
    return attribute;
}

static inline TEE_Attribute value(uint32_t id, uint32_t a)
{
    TEE_Attribute attribute;

    TEE_InitValueAttribute(&attribute, id, a, 0);
    return attribute;
}

static inline TEE_ObjectHandle transient(uint32_t type, uint32_t max_size)
{
    TEE_ObjectHandle object;

    assert_success(TEE_AllocateTransientObject(type, max_size, &object));
    return object;
}

static inline TEE_ObjectHandle secret(uint32_t type, const void *bytes, size_t size)
{
    TEE_ObjectHandle object = transient(type, (uint32_t)size * 8);
    TEE_Attribute attribute = ref(TEE_ATTR_SECRET_VALUE, bytes, size);

    assert_success(TEE_PopulateTransientObject(object, &attribute, 1));
    return object;
}

#endif
