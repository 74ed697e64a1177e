/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties (4.4): of each set, by name and by enumerator, and of each type. */
#include <stdlib.h>
#include <string.h>

#include "cases.h"

#define TEE TEE_PROPSET_TEE_IMPLEMENTATION
#define TA  TEE_PROPSET_CURRENT_TA

/* --- By name ----------------------------------------------------------------------------- */

static void tell_the_truth(const struct rule *rule)
{
    uint32_t number = 1;
    bool flag = true;
    TEE_UUID uuid;

    (void)rule;
    expect_success(TEE_GetPropertyAsU32(TEE, "gpd.tee.internalCore.version", &number));
    expect_equal(number, TEE_CORE_API_VERSION);
    expect_success(TEE_GetPropertyAsBool(TEE, "gpd.tee.cryptography.ecc", &flag));
    expect_equal(flag, false);
    expect_success(
        TEE_GetPropertyAsU32(TEE, "gpd.tee.trustedStorage.antiRollback.protectionLevel", &number));
    expect_equal(number, 0);
    expect_success(TEE_GetPropertyAsUUID(TEE, "gpd.tee.deviceID", &uuid));
    expect_success(TEE_GetPropertyAsUUID(TA, "gpd.ta.appID", &uuid));
    expect(memcmp(&uuid, &world.instance->uuid, sizeof(uuid)) == 0);
    expect_success(TEE_GetPropertyAsBool(TA, "gpd.ta.singleInstance", &flag));
    expect_success(TEE_GetPropertyAsU32(TA, "gpd.ta.dataSize", &number));
    expect(number > 0);
}

static void of_another_type(const struct rule *rule)
{
    uint32_t number = 7;
    uint64_t large = 7;
    bool flag = true;
    TEE_UUID uuid;
    TEE_Identity identity;

    (void)rule;
    expect_result(TEE_GetPropertyAsU32(TA, "gpd.ta.appID", &number), TEE_ERROR_BAD_FORMAT);
    expect_result(TEE_GetPropertyAsU64(TA, "gpd.ta.appID", &large), TEE_ERROR_BAD_FORMAT);
    expect_result(TEE_GetPropertyAsBool(TA, "gpd.ta.dataSize", &flag), TEE_ERROR_BAD_FORMAT);
    expect_result(TEE_GetPropertyAsUUID(TA, "gpd.ta.dataSize", &uuid), TEE_ERROR_BAD_FORMAT);
    expect_result(TEE_GetPropertyAsIdentity(TA, "gpd.ta.appID", &identity), TEE_ERROR_BAD_FORMAT);
    expect(number == 7 && large == 7 && flag);
}

static void of_another_name(const struct rule *rule)
{
    uint32_t number = 7;
    uint64_t large = 7;
    bool flag = true;
    TEE_UUID uuid;
    TEE_Identity identity;
    size_t size = 8;
    char text[8];

    (void)rule;
    expect_result(TEE_GetPropertyAsString(TA, "none", text, &size), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsU32(TA, "none", &number), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsU64(TA, "none", &large), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsBool(TA, "none", &flag), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsUUID(TA, "none", &uuid), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsIdentity(TA, "none", &identity), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsBinaryBlock(TA, "none", text, &size), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsBool(TEE, "gpd.ta.singleInstance", &flag),
                  TEE_ERROR_ITEM_NOT_FOUND); /* another set's */
    expect_result(TEE_GetPropertyAsBool(TA, "gpd.ta.singleInstancE", &flag),
                  TEE_ERROR_ITEM_NOT_FOUND);
}

static void as_a_string(const struct rule *rule)
{
    char text[64];
    char number[16];
    size_t size = sizeof(text);
    uint32_t value = 0;

    (void)rule;
    expect_success(TEE_GetPropertyAsString(TEE, "gpd.tee.apiversion", text, &size));
    expect(size == 6 && strcmp(text, "1.3.1") == 0);
    size = 5;
    expect_result(TEE_GetPropertyAsString(TEE, "gpd.tee.apiversion", text, &size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 6);
    size = 0;
    expect_result(TEE_GetPropertyAsString(TEE, "gpd.tee.apiversion", NULL, &size),
                  TEE_ERROR_SHORT_BUFFER);
    expect_equal(size, 6);
    size = sizeof(text);
    expect_success(TEE_GetPropertyAsString(TA, "gpd.ta.singleInstance", text, &size));
    expect(strcmp(text, "false") == 0 || strcmp(text, "true") == 0);
    size = sizeof(text);
    expect_success(TEE_GetPropertyAsString(TA, "gpd.ta.appID", text, &size));
    expect(size == 37 && strcmp(text, world.instance->name) == 0);
    size = sizeof(number);
    expect_success(TEE_GetPropertyAsU32(TA, "gpd.ta.dataSize", &value));
    expect_success(TEE_GetPropertyAsString(TA, "gpd.ta.dataSize", number, &size));
    expect_equal(strtoul(number, NULL, 10), value);
}

/* --- By enumerator ----------------------------------------------------------------------- */

static TEE_PropSetHandle started(TEE_PropSetHandle set)
{
    TEE_PropSetHandle enumerator = TEE_HANDLE_NULL;

    expect_success(TEE_AllocatePropertyEnumerator(&enumerator));
    TEE_StartPropertyEnumerator(enumerator, set);
    return enumerator;
}

/* Each has a name of its own, under which it is found, too. */
static void meets_them_all(const struct rule *rule)
{
    TEE_PropSetHandle set = (TEE_PropSetHandle)(uintptr_t)rule->a;
    TEE_PropSetHandle enumerator = started(set);
    char names[40][64] = {{0}};
    TEE_Result result = TEE_SUCCESS;
    unsigned count = 0;

    while (result == TEE_SUCCESS && count < 40) {
        size_t size = sizeof(names[0]);
        char values[2][128];
        size_t sizes[2] = {128, 128};

        if (!expect_success(TEE_GetPropertyName(enumerator, names[count], &size)))
            return;
        expect_equal(size, strlen(names[count]) + 1);
        expect_success(TEE_GetPropertyAsString(enumerator, NULL, values[0], &sizes[0]));
        expect_success(TEE_GetPropertyAsString(set, names[count], values[1], &sizes[1]));
        expect(strcmp(values[0], values[1]) == 0);
        for (unsigned i = 0; i < count; i++)
            expect(strcmp(names[i], names[count]) != 0);
        count++;
        result = TEE_GetNextProperty(enumerator);
    }
    expect_result(result, TEE_ERROR_ITEM_NOT_FOUND);
    expect(count >= rule->b);
    expect_result(TEE_GetNextProperty(enumerator), TEE_ERROR_ITEM_NOT_FOUND);
    TEE_FreePropertyEnumerator(enumerator);
}

static void isnt_started(const struct rule *rule)
{
    TEE_PropSetHandle enumerator = TEE_HANDLE_NULL;
    char text[64];
    size_t size = sizeof(text);

    (void)rule;
    expect_success(TEE_AllocatePropertyEnumerator(&enumerator));
    expect_result(TEE_GetPropertyName(enumerator, text, &size), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetNextProperty(enumerator), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(TEE_GetPropertyAsString(enumerator, NULL, text, &size), TEE_ERROR_ITEM_NOT_FOUND);
    TEE_StartPropertyEnumerator(enumerator, TA);
    expect_success(TEE_GetPropertyName(enumerator, text, &size));
    TEE_ResetPropertyEnumerator(enumerator);
    size = sizeof(text);
    expect_result(TEE_GetPropertyName(enumerator, text, &size), TEE_ERROR_ITEM_NOT_FOUND);
}

static void short_name(const struct rule *rule)
{
    TEE_PropSetHandle enumerator = started(TA);
    char text[64];
    size_t size = 3;

    (void)rule;
    expect_result(TEE_GetPropertyName(enumerator, text, &size), TEE_ERROR_SHORT_BUFFER);
    expect(size > 3 && size <= sizeof(text));
    expect_success(TEE_GetPropertyName(enumerator, text, &size));
    expect_equal(size, strlen(text) + 1);
}

/* --- Panics ------------------------------------------------------------------------------ */

static void no_such_set(const struct rule *rule)
{
    TEE_PropSetHandle enumerator = TEE_HANDLE_NULL;

    (void)rule;
    expect_success(TEE_AllocatePropertyEnumerator(&enumerator));
    TEE_StartPropertyEnumerator(enumerator, (TEE_PropSetHandle)(uintptr_t)0xFFFFFFFC);
}

static void no_name(const struct rule *rule)
{
    bool flag;

    (void)rule;
    (void)TEE_GetPropertyAsBool(TA, NULL, &flag);
}

static void no_place(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GetPropertyAsBool(TA, "gpd.ta.singleInstance", NULL);
}

static void no_size(const struct rule *rule)
{
    char text[8];

    (void)rule;
    (void)TEE_GetPropertyAsString(TEE, "gpd.tee.apiversion", text, NULL);
}

static void no_place_for_the_handle(const struct rule *rule)
{
    (void)rule;
    (void)TEE_AllocatePropertyEnumerator(NULL);
}

static const struct rule rules[] = {
    {RULE("TEE_GetPropertyAsU32", "4.4.3", "the TEE and the TA are what they say", tell_the_truth)},
    {RULE("TEE_GetPropertyAsU32", "4.4.3", "another type is a wrong format", of_another_type)},
    {RULE("TEE_GetPropertyAsU32", "4.4.3", "another name isn't found", of_another_name)},
    {RULE("TEE_GetPropertyAsString", "4.4.1", "of every type, with its NUL", as_a_string)},
    {RULE("TEE_GetNextProperty", "4.4.12", "meets all of the TEE's", meets_them_all),
     .a = 0xFFFFFFFD, .b = 10},
    {RULE("TEE_GetNextProperty", "4.4.12", "meets all of the TA's", meets_them_all),
     .a = 0xFFFFFFFF, .b = 8},
    {RULE("TEE_GetNextProperty", "4.4.12", "meets all of the client's", meets_them_all),
     .a = 0xFFFFFFFE, .b = 1},
    {RULE("TEE_ResetPropertyEnumerator", "4.4.10", "not started, nothing is found", isnt_started)},
    {RULE("TEE_GetPropertyName", "4.4.11", "a short buffer is told the size", short_name)},
    {RULE("TEE_StartPropertyEnumerator", "4.4.9", "no such set is a panic", no_such_set),
     .panic = ANY_PANIC, .call = GP_CALL_START_PROPERTY_ENUMERATOR},
    {RULE("TEE_GetPropertyAsBool", "4.4.2", "no name is a panic", no_name), .panic = ANY_PANIC,
     .call = GP_CALL_GET_PROPERTY_AS_BOOL},
    {RULE("TEE_GetPropertyAsBool", "4.4.2", "no place for the value is a panic", no_place),
     .panic = ANY_PANIC, .call = GP_CALL_GET_PROPERTY_AS_BOOL},
    {RULE("TEE_GetPropertyAsString", "4.4.1", "no place for the size is a panic", no_size),
     .panic = ANY_PANIC, .call = GP_CALL_GET_PROPERTY_AS_STRING},
    {RULE("TEE_AllocatePropertyEnumerator", "4.4.7", "no place for the handle is a panic",
          no_place_for_the_handle),
     .panic = ANY_PANIC, .call = GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR},
};

void add_properties(void)
{
    add_rules(rules);
}
