/* SPDX-License-Identifier: BSD-2-Clause */
/* Transient objects (5.6) and attributes (5.5.3, 5.5.4): for each type, and what is a panic. */
#include <stdio.h>
#include <string.h>

#include "keys.h"

static const struct key_type *type_of(const struct rule *rule)
{
    return &key_types[rule->a];
}

/* --- For each type ----------------------------------------------------------------------- */

static void allocates_its_sizes(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_ObjectHandle object;

    for (uint32_t size = type->smallest; size <= type->largest;
         size += type->step != 0 ? type->step : 100000) {
        TEE_ObjectInfo info;

        object = key_object(type->id, size);
        info = info_of(object);
        expect_equal(info.objectType, type->id);
        expect_equal(info.objectSize, 0);
        expect_equal(info.maxObjectSize, size);
        expect_equal(info.objectUsage, 0xffffffff);
        expect_equal(info.dataSize, 0);
        expect_equal(info.dataPosition, 0);
        expect_equal(info.handleFlags, 0);
        TEE_FreeTransientObject(object);
    }
    expect_result(TEE_AllocateTransientObject(type->id, type->smallest - 1, &object),
                  TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_AllocateTransientObject(type->id, type->largest + 1, &object),
                  TEE_ERROR_NOT_SUPPORTED);
    expect_result(TEE_AllocateTransientObject(type->id, 0, &object), TEE_ERROR_NOT_SUPPORTED);
    if (type->step > 1 && type->largest > type->smallest)
        expect_result(
            TEE_AllocateTransientObject(type->id, type->smallest + type->step / 2, &object),
            TEE_ERROR_NOT_SUPPORTED);
}

static void has_what_it_was_given(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_ObjectHandle object = key_made(type, 0);
    TEE_ObjectInfo info = info_of(object);

    expect_equal(info.objectType, type->id);
    expect_equal(info.objectSize, type->size);
    expect_equal(info.maxObjectSize, type->size);
    expect_equal(info.objectUsage, 0xffffffff);
    expect_equal(info.handleFlags, TEE_HANDLE_FLAG_INITIALIZED);
    expect_key(type, 0, object);
    TEE_ResetTransientObject(object);
    info = info_of(object);
    expect_equal(info.objectSize, 0);
    expect_equal(info.handleFlags, 0);
}

/* Into an object that has the order of them reversed, too. */
static void in_any_order(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX];
    TEE_Attribute reversed[KEY_ATTRIBUTES_MAX];
    unsigned count = key_attributes(type, 1, attributes);
    TEE_ObjectHandle object = key_object(type->id, type->size);

    for (unsigned i = 0; i < count; i++)
        reversed[i] = attributes[count - 1 - i];
    expect_success(TEE_PopulateTransientObject(object, reversed, count));
    expect_key(type, 1, object);
}

static void copies(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_ObjectHandle source = key_made(type, 0);
    TEE_ObjectHandle copy = key_object(type->id, type->size);

    expect_success(TEE_RestrictObjectUsage1(source, 0x3f));
    expect_success(TEE_RestrictObjectUsage1(copy, 0xfb));
    expect_success(TEE_CopyObjectAttributes1(copy, source));
    expect_equal(info_of(copy).objectUsage, 0x3b);
    expect_equal(info_of(copy).objectSize, type->size);
    expect_key(type, 0, copy);
    TEE_FreeTransientObject(source);
    expect_key(type, 0, copy);
}

static void copies_the_public_part(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_ObjectHandle source = key_made(type, 0);
    TEE_ObjectHandle copy = key_object(type->public_id, type->size);
    static uint8_t had[512];
    static uint8_t got[512];

    expect_success(TEE_CopyObjectAttributes1(copy, source));
    for (unsigned i = 0; i < KEY_ATTRIBUTES_MAX && type->attributes[i].length != KEY_END; i++) {
        uint32_t id = type->attributes[i].id;
        size_t had_size = sizeof(had);
        size_t size = sizeof(got);

        if ((id & TEE_ATTR_FLAG_VALUE) != 0)
            continue;
        if ((id & TEE_ATTR_FLAG_PUBLIC) == 0) {
            expect_result(TEE_GetObjectBufferAttribute(copy, id, got, &size),
                          TEE_ERROR_ITEM_NOT_FOUND);
            continue;
        }
        expect_success(TEE_GetObjectBufferAttribute(source, id, had, &had_size));
        expect_success(TEE_GetObjectBufferAttribute(copy, id, got, &size));
        expect(size == had_size && memcmp(had, got, size) == 0);
    }
}

/* `rule->b` is the attribute. */
static void lacks_one(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX];
    unsigned count = key_attributes(type, 0, attributes);

    attributes[rule->b] = attributes[count - 1];
    (void)TEE_PopulateTransientObject(key_object(type->id, type->size), attributes, count - 1);
}

static void has_one_twice(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX + 1];
    unsigned count = key_attributes(type, 0, attributes);

    attributes[count] = attributes[0];
    (void)TEE_PopulateTransientObject(key_object(type->id, type->size), attributes, count + 1);
}

static void has_a_strange_one(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_Attribute attributes[KEY_ATTRIBUTES_MAX + 1];
    unsigned count = key_attributes(type, 0, attributes);
    uint32_t strange = type->attributes[0].id == TEE_ATTR_SECRET_VALUE ? TEE_ATTR_RSA_MODULUS
                                                                       : TEE_ATTR_SECRET_VALUE;

    TEE_InitRefAttribute(&attributes[count], strange, "0123456789abcdef", 16);
    (void)TEE_PopulateTransientObject(key_object(type->id, type->size), attributes, count + 1);
}

/* What isn't public can't be had without TEE_USAGE_EXTRACTABLE; what is, can. */
static void isnt_extractable(const struct rule *rule)
{
    const struct key_type *type = type_of(rule);
    TEE_ObjectHandle object = key_made(type, 0);
    static uint8_t got[512];
    size_t size = sizeof(got);

    expect_success(TEE_RestrictObjectUsage1(object, ~(uint32_t)TEE_USAGE_EXTRACTABLE));
    expect_result(TEE_GetObjectBufferAttribute(object, type->attributes[rule->b].id, got, &size),
                  TEE_SUCCESS);
}

/* --- In general -------------------------------------------------------------------------- */

static void no_such_type(const struct rule *rule)
{
    TEE_ObjectHandle object = TEE_HANDLE_NULL;

    expect_result(TEE_AllocateTransientObject(rule->a, 128, &object), TEE_ERROR_NOT_SUPPORTED);
    expect(object == TEE_HANDLE_NULL);
}

static void no_place(const struct rule *rule)
{
    (void)rule;
    (void)TEE_AllocateTransientObject(TEE_TYPE_AES, 128, NULL);
}

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";

static void populate_twice(const struct rule *rule)
{
    TEE_ObjectHandle object = key_secret(TEE_TYPE_AES, key, 16);
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, key, 16);
    (void)TEE_PopulateTransientObject(object, &attribute, 1);
}

static void populate_too_large(const struct rule *rule)
{
    TEE_ObjectHandle object = key_object(TEE_TYPE_AES, 128);
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, key, 32);
    (void)TEE_PopulateTransientObject(object, &attribute, 1);
}

/* Of a curve whose numbers would fit. */
static void populate_larger_curve(const struct rule *rule)
{
    TEE_ObjectHandle object = key_object(TEE_TYPE_ECDSA_PUBLIC_KEY, 256);
    TEE_Attribute attributes[3];

    (void)rule;
    TEE_InitRefAttribute(&attributes[0], TEE_ATTR_ECC_PUBLIC_VALUE_X, key, 32);
    TEE_InitRefAttribute(&attributes[1], TEE_ATTR_ECC_PUBLIC_VALUE_Y, key, 32);
    TEE_InitValueAttribute(&attributes[2], TEE_ATTR_ECC_CURVE, TEE_ECC_CURVE_NIST_P384, 0);
    (void)TEE_PopulateTransientObject(object, attributes, 3);
}

static void populate_persistent(const struct rule *rule)
{
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, key, 16);
    (void)TEE_PopulateTransientObject(create_as("a", READ, ""), &attribute, 1);
}

static void populate_no_key(const struct rule *rule)
{
    TEE_ObjectHandle object = key_object(TEE_TYPE_AES, 256);
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, key, 15);
    expect_result(TEE_PopulateTransientObject(object, &attribute, 1), TEE_ERROR_BAD_PARAMETERS);
    expect_equal(info_of(object).handleFlags, 0);
    attribute.content.ref.length = 16;
    expect_success(TEE_PopulateTransientObject(object, &attribute, 1));
}

static void short_buffer(const struct rule *rule)
{
    TEE_ObjectHandle object = key_secret(TEE_TYPE_AES, key, 16);
    uint8_t got[16] = {0};
    size_t size = 15;

    (void)rule;
    expect_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, got, &size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 16);
    size = 0;
    expect_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, NULL, &size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 16);
    expect_success(TEE_GetObjectBufferAttribute(object, TEE_ATTR_SECRET_VALUE, got, &size));
    expect(memcmp(got, key, 16) == 0);
}

static void has_no_such(const struct rule *rule)
{
    TEE_ObjectHandle object = key_secret(TEE_TYPE_AES, key, 16);
    uint8_t got[16];
    size_t size = 16;
    uint32_t a;

    (void)rule;
    expect_result(TEE_GetObjectBufferAttribute(object, TEE_ATTR_RSA_MODULUS, got, &size),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetObjectValueAttribute(object, TEE_ATTR_ECC_CURVE, &a, NULL),
                  TEE_ERROR_ITEM_NOT_FOUND);
}

static void buffer_of_a_value(const struct rule *rule)
{
    uint8_t got[16];
    size_t size = 16;

    (void)rule;
    (void)TEE_GetObjectBufferAttribute(key_secret(TEE_TYPE_AES, key, 16), TEE_ATTR_ECC_CURVE, got,
                                       &size);
}

static void value_of_a_buffer(const struct rule *rule)
{
    uint32_t a;

    (void)rule;
    (void)TEE_GetObjectValueAttribute(key_secret(TEE_TYPE_AES, key, 16), TEE_ATTR_SECRET_VALUE, &a,
                                      NULL);
}

static void buffer_of_none(const struct rule *rule)
{
    uint8_t got[16];
    size_t size = 16;

    (void)rule;
    (void)TEE_GetObjectBufferAttribute(key_object(TEE_TYPE_AES, 128), TEE_ATTR_SECRET_VALUE, got,
                                       &size);
}

static void init_buffer_as_value(const struct rule *rule)
{
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitValueAttribute(&attribute, TEE_ATTR_SECRET_VALUE, 0, 0);
}

static void init_value_as_buffer(const struct rule *rule)
{
    TEE_Attribute attribute;

    (void)rule;
    TEE_InitRefAttribute(&attribute, TEE_ATTR_ECC_CURVE, key, 16);
}

static void copy_from_none(const struct rule *rule)
{
    (void)rule;
    (void)TEE_CopyObjectAttributes1(key_object(TEE_TYPE_AES, 128), key_object(TEE_TYPE_AES, 128));
}

static void copy_to_one(const struct rule *rule)
{
    TEE_ObjectHandle source = key_secret(TEE_TYPE_AES, key, 16);

    (void)rule;
    (void)TEE_CopyObjectAttributes1(source, key_secret(TEE_TYPE_AES, key, 16));
}

static void copy_to_another_type(const struct rule *rule)
{
    (void)rule;
    (void)TEE_CopyObjectAttributes1(key_object(TEE_TYPE_DES3, 128),
                                    key_secret(TEE_TYPE_AES, key, 16));
}

static void copy_to_a_smaller(const struct rule *rule)
{
    (void)rule;
    (void)TEE_CopyObjectAttributes1(key_object(TEE_TYPE_AES, 128),
                                    key_secret(TEE_TYPE_AES, key, 32));
}

static void copy_the_public_to_a_pair(const struct rule *rule)
{
    const struct key_type *public_type = NULL;
    TEE_ObjectHandle pair = key_object(TEE_TYPE_RSA_KEYPAIR, 1024);

    (void)rule;
    for (unsigned i = 0; i < key_type_count; i++) {
        if (key_types[i].id == TEE_TYPE_RSA_PUBLIC_KEY)
            public_type = &key_types[i];
    }
    (void)TEE_CopyObjectAttributes1(pair, key_made(public_type, 0));
}

static void free_persistent(const struct rule *rule)
{
    (void)rule;
    TEE_FreeTransientObject(create_as("a", READ, ""));
}

static void reset_persistent(const struct rule *rule)
{
    (void)rule;
    TEE_ResetTransientObject(create_as("a", READ, ""));
}

static void null_is_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_FreeTransientObject(TEE_HANDLE_NULL);
    TEE_ResetTransientObject(TEE_HANDLE_NULL);
}

static void reset_restores_usage(const struct rule *rule)
{
    TEE_ObjectHandle object = key_secret(TEE_TYPE_AES, key, 16);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(object, 0));
    TEE_ResetTransientObject(object);
    expect_equal(info_of(object).objectUsage, 0xffffffff);
}

static void usage_is_taken_only(const struct rule *rule)
{
    TEE_ObjectHandle object = key_secret(TEE_TYPE_AES, key, 16);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(object, 0x0f));
    expect_success(TEE_RestrictObjectUsage1(object, 0xfffffff3));
    expect_equal(info_of(object).objectUsage, 0x03);
}

static void create_from_none(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    (void)TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "a", 1, READ,
                                     key_object(TEE_TYPE_AES, 128), "", 0, &object);
}

static void stream_of_transient(const struct rule *rule)
{
    size_t count;
    char byte;

    (void)rule;
    (void)TEE_ReadObjectData(key_secret(TEE_TYPE_AES, key, 16), &byte, 1, &count);
}

#define ALLOCATE "TEE_AllocateTransientObject"
#define POPULATE "TEE_PopulateTransientObject"
#define COPY     "TEE_CopyObjectAttributes1"
#define STATE    .panic = TEE_ERROR_BAD_STATE
#define WRONG    .panic = TEE_ERROR_BAD_PARAMETERS

static const struct rule rules[] = {
    {RULE(ALLOCATE, "5.6.1", "TEE_TYPE_DATA isn't supported", no_such_type), .a = TEE_TYPE_DATA},
    {RULE(ALLOCATE, "5.6.1", "TEE_TYPE_CORRUPTED_OBJECT isn't supported", no_such_type),
     .a = TEE_TYPE_CORRUPTED_OBJECT},
    {RULE(ALLOCATE, "5.6.1", "an unknown type isn't supported", no_such_type), .a = 0xA0000077},
    {RULE(ALLOCATE, "5.6.1", "no place for the handle is a panic", no_place), WRONG,
     .call = GP_CALL_ALLOCATE_TRANSIENT_OBJECT},
    {RULE("TEE_FreeTransientObject", "5.6.2", "a persistent object is a panic", free_persistent),
     WRONG, .call = GP_CALL_FREE_TRANSIENT_OBJECT},
    {RULE("TEE_FreeTransientObject", "5.6.2", "TEE_HANDLE_NULL is nothing", null_is_nothing)},
    {RULE("TEE_ResetTransientObject", "5.6.3", "a persistent object is a panic", reset_persistent),
     WRONG, .call = GP_CALL_RESET_TRANSIENT_OBJECT},
    {RULE("TEE_ResetTransientObject", "5.6.3", "it may be used for anything again",
          reset_restores_usage)},
    {RULE(POPULATE, "5.6.4", "twice is a panic", populate_twice), STATE,
     .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
    {RULE(POPULATE, "5.6.4", "more than its largest size is a panic", populate_too_large), STATE,
     .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
    {RULE(POPULATE, "5.6.4", "a curve larger than its largest size is a panic",
          populate_larger_curve),
     STATE, .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
    {RULE(POPULATE, "5.6.4", "a persistent object is a panic", populate_persistent), STATE,
     .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
    {RULE(POPULATE, "5.6.4", "a value that is no key leaves it without", populate_no_key)},
    {RULE("TEE_GetObjectBufferAttribute", "5.5.3", "a short buffer is told the size",
          short_buffer)},
    {RULE("TEE_GetObjectBufferAttribute", "5.5.3", "an attribute of another type isn't found",
          has_no_such)},
    {RULE("TEE_GetObjectBufferAttribute", "5.5.3", "of a value is a panic", buffer_of_a_value),
     WRONG, .call = GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE},
    {RULE("TEE_GetObjectBufferAttribute", "5.5.3", "of an object without a key is a panic",
          buffer_of_none),
     STATE, .call = GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE},
    {RULE("TEE_GetObjectValueAttribute", "5.5.4", "of a buffer is a panic", value_of_a_buffer),
     WRONG, .call = GP_CALL_GET_OBJECT_VALUE_ATTRIBUTE},
    {RULE("TEE_InitRefAttribute", "5.6.5", "of a value's id is a panic", init_value_as_buffer),
     WRONG, .call = GP_CALL_INIT_REF_ATTRIBUTE},
    {RULE("TEE_InitValueAttribute", "5.6.5", "of a buffer's id is a panic", init_buffer_as_value),
     WRONG, .call = GP_CALL_INIT_VALUE_ATTRIBUTE},
    {RULE(COPY, "5.6.6", "from an object without a key is a panic", copy_from_none), STATE,
     .call = GP_CALL_COPY_OBJECT_ATTRIBUTES1},
    {RULE(COPY, "5.6.6", "to an object with a key is a panic", copy_to_one), WRONG,
     .call = GP_CALL_COPY_OBJECT_ATTRIBUTES1},
    {RULE(COPY, "5.6.6", "to another type is a panic", copy_to_another_type), WRONG,
     .call = GP_CALL_COPY_OBJECT_ATTRIBUTES1},
    {RULE(COPY, "5.6.6", "to a smaller object is a panic", copy_to_a_smaller), WRONG,
     .call = GP_CALL_COPY_OBJECT_ATTRIBUTES1},
    {RULE(COPY, "5.6.6", "of a public key to a pair is a panic", copy_the_public_to_a_pair), WRONG,
     .call = GP_CALL_COPY_OBJECT_ATTRIBUTES1},
    {RULE("TEE_RestrictObjectUsage1", "5.5.2", "takes away only, from a transient object",
          usage_is_taken_only)},
    {RULE("TEE_CreatePersistentObject", "5.7.2", "of an object without a key is a panic",
          create_from_none),
     STATE, .call = GP_CALL_CREATE_PERSISTENT_OBJECT},
    {RULE("TEE_ReadObjectData", "5.9.1", "of a transient object is a panic", stream_of_transient),
     WRONG, .call = GP_CALL_READ_OBJECT_DATA},
};

static void add_for_type(uint32_t type, const struct rule *like, const char *text, uint32_t b)
{
    struct rule rule = *like;
    char line[CASE_TEXT_SIZE];

    (void)snprintf(line, sizeof(line), "%s %s", key_types[type].name, text);
    rule.text = line;
    rule.a = type;
    rule.b = b;
    add(&rule);
}

static void add_attributes(uint32_t type)
{
    static const struct rule lack = {.function = POPULATE,
                                     .clause = "5.6.4",
                                     .body = lacks_one,
                                     STATE,
                                     .call = GP_CALL_POPULATE_TRANSIENT_OBJECT};
    static const struct rule hidden = {.function = "TEE_GetObjectBufferAttribute",
                                       .clause = "5.5.3",
                                       .body = isnt_extractable,
                                       STATE,
                                       .call = GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE};
    static const struct rule shown = {
        .function = "TEE_GetObjectBufferAttribute", .clause = "5.5.3", .body = isnt_extractable};
    const struct key_attribute *attributes = key_types[type].attributes;
    char text[64];

    for (uint32_t i = 0; i < KEY_ATTRIBUTES_MAX && attributes[i].length != KEY_END; i++) {
        bool is_public = (attributes[i].id & TEE_ATTR_FLAG_PUBLIC) != 0;

        if (!attributes[i].optional) {
            (void)snprintf(text, sizeof(text), "without attribute 0x%x is a panic",
                           attributes[i].id);
            add_for_type(type, &lack, text, i);
        }
        if ((attributes[i].id & TEE_ATTR_FLAG_VALUE) != 0)
            continue;
        (void)snprintf(text, sizeof(text), "attribute 0x%x without EXTRACTABLE%s", attributes[i].id,
                       is_public ? "" : " is a panic");
        add_for_type(type, is_public ? &shown : &hidden, text, i);
    }
}

void add_transient(void)
{
    static const struct rule each[] = {
        {RULE(ALLOCATE, "5.6.1", "of its sizes only", allocates_its_sizes)},
        {RULE(POPULATE, "5.6.4", "has what it was given, until it is reset",
              has_what_it_was_given)},
        {RULE(POPULATE, "5.6.4", "from attributes in another order", in_any_order)},
        {RULE(POPULATE, "5.6.4", "with an attribute twice is a panic", has_one_twice), STATE,
         .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
        {RULE(POPULATE, "5.6.4", "with an attribute of another type is a panic", has_a_strange_one),
         STATE, .call = GP_CALL_POPULATE_TRANSIENT_OBJECT},
        {RULE(COPY, "5.6.6", "is copied, with what both may be used for", copies)},
    };
    static const struct rule part = {
        .function = COPY, .clause = "5.6.6", .body = copies_the_public_part};

    add_rules(rules);
    for (uint32_t type = 0; type < key_type_count; type++) {
        for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
            add_for_type(type, &each[i], each[i].text, 0);
        if (key_types[type].public_id != 0)
            add_for_type(type, &part, "gives its public part", 0);
        add_attributes(type);
    }
}
