/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of keys as the standard's tables have them (5.6.1, 5.6.4), and a key of each for cases. */
#ifndef TESTS_CONFORMANCE_GP_KEYS_H
#define TESTS_CONFORMANCE_GP_KEYS_H

#include "cases.h"

#define KEY_ATTRIBUTES_MAX 8u

enum key_length {
    KEY_END,    /* no attribute */
    KEY_FULL,   /* as many bytes as the key's size has */
    KEY_SHORT,  /* a small number */
    KEY_CURVE,  /* a value: which curve */
    KEY_NUMBER, /* a value */
};

struct key_attribute {
    uint32_t id;
    enum key_length length;
    bool optional;
};

struct key_type {
    const char *name;
    uint32_t id;
    uint32_t public_id;         /* of what may be copied of it; 0: nothing else */
    uint32_t smallest, largest; /* bits */
    uint32_t step;              /* from size to size; 0: no rule */
    uint32_t size;              /* of the cases' key */
    struct key_attribute attributes[KEY_ATTRIBUTES_MAX];
};

extern const struct key_type key_types[];
extern const unsigned key_type_count;

/* Of the TA; noted when it isn't made. */
TEE_ObjectHandle key_object(uint32_t type, uint32_t size);
/* The cases' key of a type: its attributes in their order. `from`: another key for another number.
 */
unsigned key_attributes(const struct key_type *type, uint8_t from, TEE_Attribute *out);
TEE_ObjectHandle key_made(const struct key_type *type, uint8_t from);
/* That the object has just these attributes. It must be extractable. */
void expect_key(const struct key_type *type, uint8_t from, TEE_ObjectHandle object);
TEE_ObjectHandle key_secret(uint32_t type, const void *bytes, size_t size);

/* What new keys of DSA and DH are made from: a group of 512 bits with one of 160 in it (FIPS 186,
 * appendix 5 of its first versions). The prime and the base, and for DSA the subprime. */
#define KEY_GROUP_BITS 512u
enum { KEY_GROUP_PRIME, KEY_GROUP_BASE, KEY_GROUP_SUBPRIME, KEY_GROUP_PARTS };
extern const uint8_t key_prime[KEY_GROUP_BITS / 8];
void key_group(bool of_dsa, TEE_Attribute out[KEY_GROUP_PARTS]);

#endif
