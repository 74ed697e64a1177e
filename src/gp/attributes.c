/* SPDX-License-Identifier: BSD-2-Clause */
#include "gp/attributes.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static size_t room_of(const struct gp_attribute_rule *rule, uint32_t max_size)
{
    if (rule->form == GP_U32)
        return 0;
    return rule->form == GP_OCTETS ? GP_25519_SIZE : (max_size + 7) / 8;
}

TEE_Result gp_attributes_make(struct coffer_pool *pool, const struct gp_type *type,
                              uint32_t max_size, struct gp_attributes **out)
{
    size_t room = 0;
    struct gp_attributes *attributes;
    uint8_t *next;

    assert_cheap(gp_type_has_size(type, max_size));
    for (unsigned i = 0; i < type->attribute_count; i++)
        room += room_of(&type->attributes[i], max_size);
    if (coffer_pool_alloc_zeroed(pool, sizeof(*attributes) + room, (void **)&attributes) !=
        COFFER_OK)
        return TEE_ERROR_OUT_OF_MEMORY;
    attributes->type = type;
    attributes->max_size = max_size;
    next = attributes->bytes;
    for (unsigned i = 0; i < type->attribute_count; i++) {
        struct gp_number *number = &attributes->values[i].number;

        number->bytes = next;
        number->capacity = room_of(&type->attributes[i], max_size);
        next += number->capacity;
    }
    *out = attributes;
    return TEE_SUCCESS;
}

void gp_attributes_clear(struct gp_attributes *attributes)
{
    for (unsigned i = 0; i < attributes->type->attribute_count; i++) {
        struct gp_value *value = &attributes->values[i];

        if (value->number.capacity > 0)
            wipe(value->number.bytes, value->number.capacity);
        value->number.size = 0;
        value->value = 0;
        value->have = false;
    }
}

void gp_attributes_free(struct coffer_pool *pool, struct gp_attributes *attributes)
{
    enum coffer_status status;

    if (attributes == NULL)
        return;
    gp_attributes_clear(attributes);
    status = coffer_pool_free(pool, attributes);
    assert_cheap(status == COFFER_OK);
}

const struct gp_value *gp_attributes_get(const struct gp_attributes *attributes, uint32_t id)
{
    int at = gp_type_attribute(attributes->type, id);

    return at >= 0 && attributes->values[at].have ? &attributes->values[at] : NULL;
}

/* The first byte of a number that counts. */
static const uint8_t *significant(const uint8_t *bytes, size_t *size)
{
    while (*size > 0 && *bytes == 0) {
        bytes++;
        (*size)--;
    }
    return bytes;
}

/* Bytes as the value; false: they don't fit. */
static bool set_bytes(struct gp_value *value, const struct gp_attribute_rule *rule,
                      const uint8_t *bytes, size_t size)
{
    if (rule->form == GP_NUMBER)
        bytes = significant(bytes, &size);
    if (size > value->number.capacity)
        return false;
    if (size > 0)
        memcpy(value->number.bytes, bytes, size);
    value->number.size = size;
    value->have = true;
    return true;
}

static uint32_t bits_of(const struct gp_number *number)
{
    uint32_t bits = (uint32_t)number->size * 8;

    for (uint8_t first = number->size > 0 ? number->bytes[0] : 0x80; (first & 0x80) == 0;
         first = (uint8_t)(first << 1))
        bits--;
    return bits;
}

/* The size of the key that this one, had, makes it; 0: it isn't of any. */
static uint32_t measure(const struct gp_value *value, const struct gp_attribute_rule *rule)
{
    enum gp_curve curve;
    uint32_t bits;

    if (rule->form == GP_U32)
        return gp_curve_find(value->value, &curve, &bits) ? bits : 0;
    return rule->form == GP_NUMBER ? bits_of(&value->number) : (uint32_t)value->number.size * 8;
}

/* --- From a TA --- */

static TEE_Result take_one(struct gp_attributes *attributes, const TEE_Attribute *given,
                           uint8_t allowed)
{
    int at = gp_type_attribute(attributes->type, given->attributeID);
    const struct gp_attribute_rule *rule;
    struct gp_value *value;

    if (at < 0)
        return TEE_ERROR_BAD_STATE;
    rule = &attributes->type->attributes[at];
    value = &attributes->values[at];
    if (value->have || (rule->flags & allowed) == 0)
        return TEE_ERROR_BAD_STATE;
    if (rule->form == GP_U32) {
        value->value = given->content.value.a;
        value->have = true;
        return TEE_SUCCESS;
    }
    if (given->content.ref.buffer == NULL && given->content.ref.length > 0)
        return TEE_ERROR_BAD_STATE;
    /* 32 bytes are what such a value is; fewer or more make it another thing, not a larger one. */
    if (rule->form == GP_OCTETS && given->content.ref.length != GP_25519_SIZE)
        return TEE_ERROR_BAD_PARAMETERS;
    if (!set_bytes(value, rule, given->content.ref.buffer, given->content.ref.length))
        return TEE_ERROR_BAD_STATE;
    return TEE_SUCCESS;
}

/* What is needed is there, the joint ones all or none. */
static bool is_complete(const struct gp_attributes *attributes, uint8_t needed)
{
    unsigned joint = 0;
    unsigned joint_had = 0;

    for (unsigned i = 0; i < attributes->type->attribute_count; i++) {
        uint8_t flags = attributes->type->attributes[i].flags;

        if ((flags & needed) != 0 && !attributes->values[i].have)
            return false;
        joint += (flags & GP_JOINT) != 0;
        joint_had += (flags & GP_JOINT) != 0 && attributes->values[i].have;
    }
    return joint_had == 0 || joint_had == joint;
}

/* The size that they make the key, and that it is one. */
static TEE_Result size_up(const struct gp_attributes *attributes, uint32_t *size)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < attributes->type->attribute_count; i++) {
        const struct gp_attribute_rule *rule = &attributes->type->attributes[i];

        if ((rule->flags & GP_MEASURE) == 0 || !attributes->values[i].have)
            continue;
        bits = measure(&attributes->values[i], rule);
        if (bits > attributes->max_size)
            return TEE_ERROR_BAD_STATE;
        if (!gp_type_has_size(attributes->type, bits))
            return TEE_ERROR_BAD_PARAMETERS;
    }
    *size = bits;
    return TEE_SUCCESS;
}

static TEE_Result take(struct gp_attributes *attributes, const TEE_Attribute *given, uint32_t count,
                       uint8_t needed, uint8_t allowed, uint32_t *size)
{
    TEE_Result result = TEE_SUCCESS;

    for (uint32_t i = 0; i < count && result == TEE_SUCCESS; i++)
        result = take_one(attributes, &given[i], allowed);
    if (result == TEE_SUCCESS && !is_complete(attributes, needed))
        result = TEE_ERROR_BAD_STATE;
    if (result == TEE_SUCCESS)
        result = size_up(attributes, size);
    if (result != TEE_SUCCESS)
        gp_attributes_clear(attributes);
    return result;
}

TEE_Result gp_attributes_populate(struct gp_attributes *attributes, const TEE_Attribute *given,
                                  uint32_t count, uint32_t *size)
{
    return take(attributes, given, count, GP_NEEDED, GP_NEEDED | GP_JOINT | GP_EXTRA, size);
}

TEE_Result gp_attributes_take_given(struct gp_attributes *attributes, const TEE_Attribute *given,
                                    uint32_t count, uint32_t *size)
{
    return take(attributes, given, count, GP_GIVEN, GP_GIVEN | GP_OFFERED, size);
}

void gp_attributes_copy(struct gp_attributes *to, const struct gp_attributes *from)
{
    assert_cheap(gp_type_gives(from->type, to->type));
    gp_attributes_clear(to);
    for (unsigned i = 0; i < to->type->attribute_count; i++) {
        const struct gp_value *value = gp_attributes_get(from, to->type->attributes[i].id);
        bool fits;

        if (value == NULL)
            continue;
        fits = set_bytes(&to->values[i], &to->type->attributes[i], value->number.bytes,
                         value->number.size);
        assert_cheap(fits);
        (void)fits;
        to->values[i].value = value->value;
    }
}

bool gp_attributes_fit(const struct gp_attributes *to, const struct gp_attributes *from)
{
    for (unsigned i = 0; i < to->type->attribute_count; i++) {
        const struct gp_value *value = gp_attributes_get(from, to->type->attributes[i].id);

        if (value != NULL && value->number.size > to->values[i].number.capacity)
            return false;
    }
    return true;
}

/* --- As they are on the device --- */

uint32_t gp_attributes_have(const struct gp_attributes *attributes)
{
    uint32_t have = 0;

    assert_cheap(attributes->type->attribute_count <= GP_ATTRIBUTES_MAX);
    for (unsigned i = 0; i < attributes->type->attribute_count; i++)
        have |= (uint32_t)attributes->values[i].have << i;
    return have;
}

size_t gp_attributes_packed_size(const struct gp_attributes *attributes)
{
    size_t size = 0;

    for (unsigned i = 0; i < attributes->type->attribute_count; i++)
        size += 4 + attributes->values[i].number.size;
    return size;
}

void gp_attributes_pack(const struct gp_attributes *attributes, uint8_t *out)
{
    for (unsigned i = 0; i < attributes->type->attribute_count; i++) {
        const struct gp_value *value = &attributes->values[i];
        bool is_value = attributes->type->attributes[i].form == GP_U32;

        store_be32(out, is_value ? value->value : (uint32_t)value->number.size);
        out += 4;
        if (value->number.size > 0)
            memcpy(out, value->number.bytes, value->number.size);
        out += value->number.size;
    }
}

static bool unpack_all(struct gp_attributes *attributes, uint32_t have, const uint8_t *bytes,
                       size_t size)
{
    const struct gp_type *type = attributes->type;

    if (have >> type->attribute_count != 0)
        return false;
    for (unsigned i = 0; i < type->attribute_count; i++) {
        struct gp_value *value = &attributes->values[i];
        bool had = (have >> i & 1) != 0;
        uint32_t word;

        if (size < 4)
            return false;
        word = load_be32(bytes);
        bytes += 4;
        size -= 4;
        if (type->attributes[i].form == GP_U32) {
            value->have = had;
            value->value = had ? word : 0;
            continue;
        }
        if (word > size)
            return false;
        if (had && ((type->attributes[i].form == GP_OCTETS && word != GP_25519_SIZE) ||
                    !set_bytes(value, &type->attributes[i], bytes, word)))
            return false;
        bytes += word;
        size -= word;
    }
    return size == 0;
}

TEE_Result gp_attributes_unpack(struct gp_attributes *attributes, uint32_t have,
                                const uint8_t *bytes, size_t size)
{
    gp_attributes_clear(attributes);
    if (unpack_all(attributes, have, bytes, size))
        return TEE_SUCCESS;
    gp_attributes_clear(attributes);
    return TEE_ERROR_CORRUPT_OBJECT;
}

bool gp_attributes_are_valid(const struct gp_attributes *attributes)
{
    const struct gp_type *type = attributes->type;

    if (!gp_type_has_size(type, attributes->max_size))
        return false;
    for (unsigned i = 0; i < type->attribute_count; i++) {
        const struct gp_value *value = &attributes->values[i];

        if (value->number.size > value->number.capacity)
            return false;
        if (!value->have && (value->number.size != 0 || value->value != 0))
            return false;
        if (type->attributes[i].form == GP_NUMBER && value->number.size > 0 &&
            value->number.bytes[0] == 0)
            return false;
    }
    return true;
}
