/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties, clause 4.4. */
#include "unit/gp/fixture.h"

#define TEE    TEE_PROPSET_TEE_IMPLEMENTATION
#define CLIENT TEE_PROPSET_CURRENT_CLIENT
#define TA     TEE_PROPSET_CURRENT_TA

static const uint64_t large = UINT64_C(0x123456789abcdef0);
static const uint32_t number = 4000000000u;
static const bool yes = true;
static const TEE_Identity somebody = {TEE_LOGIN_USER, {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}}};

static const struct user_ta_property own[] = {
    {"acme.block", USER_TA_PROP_TYPE_BINARY_BLOCK, "SGVsbG8="},
    {"acme.bad", USER_TA_PROP_TYPE_BINARY_BLOCK, "SGV$"},
    {"acme.large", USER_TA_PROP_TYPE_U64, &large},
    {"acme.number", USER_TA_PROP_TYPE_U32, &number},
    {"acme.yes", USER_TA_PROP_TYPE_BOOL, &yes},
    {"acme.who", USER_TA_PROP_TYPE_IDENTITY, &somebody},
    {"acme.id", USER_TA_PROP_TYPE_UUID, &gp_fixture_other_uuid},
    {"acme.text", USER_TA_PROP_TYPE_STRING, "some text"},
};

enum { OWN = sizeof(own) / sizeof(own[0]) };

static void have_own(void)
{
    gp_fixture.instance->manifest = (struct gp_manifest){
        .flags = TA_FLAG_SINGLE_INSTANCE | TA_FLAG_INSTANCE_KEEP_ALIVE,
        .stack_size = 2048,
        .version = "7.5",
        .properties = own,
        .property_count = OWN,
    };
    gp_fixture.instance->client = somebody;
}

static void assert_string(TEE_PropSetHandle set, const char *name, const char *expected)
{
    char text[200];
    size_t size = sizeof(text);

    assert_success(TEE_GetPropertyAsString(set, name, text, &size));
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected) + 1);
}

static void test_values_by_type(void **state)
{
    bool flag = false;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    TEE_UUID uuid = {0};
    TEE_Identity identity = {0};

    (void)state;
    have_own();
    assert_success(TEE_GetPropertyAsBool(TA, "gpd.ta.singleInstance", &flag));
    assert_true(flag);
    assert_success(TEE_GetPropertyAsBool(TA, "gpd.ta.multiSession", &flag));
    assert_false(flag);
    assert_success(TEE_GetPropertyAsBool(TA, "gpd.ta.instanceKeepAlive", &flag));
    assert_true(flag);
    assert_success(TEE_GetPropertyAsBool(TA, "gpd.ta.doesNotCloseHandleOnCorruptObject", &flag));
    assert_false(flag);
    assert_success(TEE_GetPropertyAsU32(TA, "gpd.ta.stackSize", &u32));
    assert_int_equal(u32, 2048);
    assert_success(TEE_GetPropertyAsU32(TA, "gpd.ta.dataSize", &u32));
    assert_int_equal(u32, gp_fixture.limits.heap);
    assert_success(TEE_GetPropertyAsU32(TA, "acme.number", &u32));
    assert_int_equal(u32, number);
    assert_success(TEE_GetPropertyAsU64(TA, "acme.large", &u64));
    assert_true(u64 == large);
    assert_success(TEE_GetPropertyAsUUID(TA, "gpd.ta.appID", &uuid));
    assert_memory_equal(&uuid, &gp_fixture_uuid, sizeof(uuid));
    assert_success(TEE_GetPropertyAsUUID(TA, "acme.id", &uuid));
    assert_memory_equal(&uuid, &gp_fixture_other_uuid, sizeof(uuid));
    assert_success(TEE_GetPropertyAsIdentity(CLIENT, "gpd.client.identity", &identity));
    assert_memory_equal(&identity, &somebody, sizeof(identity));
    assert_success(TEE_GetPropertyAsBool(TA, "acme.yes", &flag));
    assert_true(flag);
    assert_string(TA, "gpd.ta.description", "");
    assert_string(TA, "gpd.ta.version", "7.5");
}

/* What is promised is what is there. */
static void test_tee_tells_the_truth(void **state)
{
    static const char *const levels[] = {
        "gpd.tee.trustedStorage.antiRollback.protectionLevel",
        "gpd.tee.trustedStorage.rollbackDetection.protectionLevel",
        "gpd.tee.trustedStorage.private.rollbackProtection",
        "gpd.tee.trustedStorage.perso.rollbackProtection",
        "gpd.tee.trustedStorage.protected.rollbackProtection",
    };
    bool flag = true;
    uint32_t u32 = 1;
    TEE_UUID uuid;

    (void)state;
    assert_success(TEE_GetPropertyAsU32(TEE, "gpd.tee.internalCore.version", &u32));
    assert_int_equal(u32, 0x01030100);
    assert_string(TEE, "gpd.tee.apiversion", "1.3.1");
    assert_string(TEE, "gpd.tee.trustedos.implementation.version", COFFER_VERSION);
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        u32 = 1;
        assert_success(TEE_GetPropertyAsU32(TEE, levels[i], &u32));
        assert_int_equal(u32, 0);
    }
    assert_success(TEE_GetPropertyAsBool(TEE, "gpd.tee.cryptography.ecc", &flag));
    assert_false(flag);
    gp_fixture.tee.device = gp_fixture_other_uuid;
    assert_success(TEE_GetPropertyAsUUID(TEE, "gpd.tee.deviceID", &uuid));
    assert_memory_equal(&uuid, &gp_fixture_other_uuid, sizeof(uuid));
    assert_result(TEE_GetPropertyAsU32(TEE, "gpd.tee.arith.maxBigIntSize", &u32),
                  TEE_ERROR_ITEM_NOT_FOUND);
}

static void test_every_type_is_text(void **state)
{
    (void)state;
    have_own();
    assert_string(TA, "gpd.ta.singleInstance", "true");
    assert_string(TA, "gpd.ta.multiSession", "false");
    assert_string(TA, "acme.number", "4000000000");
    assert_string(TA, "acme.large", "1311768467463790320");
    assert_string(TA, "acme.id", "87654321-cba9-0fed-fedc-ba9876543210");
    assert_string(TA, "acme.who", "1:00000001-0002-0003-0405-060708090a0b");
    assert_string(TA, "acme.block", "SGVsbG8=");
    assert_string(TA, "acme.text", "some text");
    assert_string(CLIENT, "gpd.client.endian", GP_ENDIAN != 0 ? "1" : "0");
}

static void test_wrong_types_and_names(void **state)
{
    static const char *const names[] = {"acme.block", "acme.large", "acme.number", "acme.yes",
                                        "acme.who",   "acme.id",    "acme.text"};
    union {
        bool flag;
        uint32_t u32;
        uint64_t u64;
        TEE_UUID uuid;
        TEE_Identity identity;
        char text[10];
    } value;
    size_t size = sizeof(value.text);

    (void)state;
    have_own();
    for (unsigned i = 0; i < 7; i++) {
        const TEE_Result bad = TEE_ERROR_BAD_FORMAT;

        size = sizeof(value.text);
        assert_result(TEE_GetPropertyAsBinaryBlock(TA, names[i], value.text, &size),
                      i == 0 ? TEE_SUCCESS : bad);
        assert_result(TEE_GetPropertyAsU64(TA, names[i], &value.u64), i == 1 ? TEE_SUCCESS : bad);
        assert_result(TEE_GetPropertyAsU32(TA, names[i], &value.u32), i == 2 ? TEE_SUCCESS : bad);
        assert_result(TEE_GetPropertyAsBool(TA, names[i], &value.flag), i == 3 ? TEE_SUCCESS : bad);
        assert_result(TEE_GetPropertyAsIdentity(TA, names[i], &value.identity),
                      i == 4 ? TEE_SUCCESS : bad);
        assert_result(TEE_GetPropertyAsUUID(TA, names[i], &value.uuid), i == 5 ? TEE_SUCCESS : bad);
    }
    assert_result(TEE_GetPropertyAsBool(TA, "acme.ye", &value.flag), TEE_ERROR_ITEM_NOT_FOUND);
    assert_result(TEE_GetPropertyAsBool(CLIENT, "acme.yes", &value.flag), TEE_ERROR_ITEM_NOT_FOUND);
    assert_panics_in(TEE_GetPropertyAsBool(TA, NULL, &value.flag), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_BOOL);
    assert_panics_in(TEE_GetPropertyAsBool(TA, "acme.yes", NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_BOOL);
    assert_panics_in(TEE_GetPropertyAsU32(NULL, "acme.number", &value.u32),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_U32);
    assert_panics_in(TEE_GetPropertyAsU32(TA, "acme.number", NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_U32);
    assert_panics_in(TEE_GetPropertyAsU64(TA, "acme.large", NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_U64);
    assert_panics_in(TEE_GetPropertyAsUUID(TA, "acme.id", NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_UUID);
    assert_panics_in(TEE_GetPropertyAsIdentity(TA, "acme.who", NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_AS_IDENTITY);
    assert_panics_in(TEE_GetPropertyAsString(TA, "acme.text", value.text, NULL),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_STRING);
    size = 10;
    assert_panics_in(TEE_GetPropertyAsString(TA, "acme.text", NULL, &size),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_STRING);
    assert_panics_in(TEE_GetPropertyAsBinaryBlock(TA, "acme.block", NULL, &size),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_BINARY_BLOCK);
    assert_panics_in(TEE_GetPropertyAsBinaryBlock(TA, "acme.block", value.text, NULL),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_BINARY_BLOCK);
}

static void test_short_buffers(void **state)
{
    char text[20] = "untouched";
    size_t size = 9;

    (void)state;
    have_own();
    assert_result(TEE_GetPropertyAsString(TA, "acme.text", text, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 10);
    assert_string_equal(text, "untouched");
    assert_success(TEE_GetPropertyAsString(TA, "acme.text", text, &size));
    assert_string_equal(text, "some text");
    size = 0;
    assert_result(TEE_GetPropertyAsString(TA, "acme.text", NULL, &size), TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 10);

    size = 4;
    assert_result(TEE_GetPropertyAsBinaryBlock(TA, "acme.block", text, &size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size, 5);
    assert_string_equal(text, "some text");
    assert_success(TEE_GetPropertyAsBinaryBlock(TA, "acme.block", text, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(text, "Hellotex", 8);
}

static void test_blocks_are_base_64(void **state)
{
    static const struct {
        const char *text;
        size_t size; /* 99: it isn't base 64 */
        uint8_t bytes[6];
    } cases[] = {
        {"", 0, {0}},
        {"AA==", 1, {0}},
        {"/w==", 1, {0xff}},
        {"+/8=", 2, {0xfb, 0xff}},
        {"+/8", 2, {0xfb, 0xff}},
        {"AQID", 3, {1, 2, 3}},
        {"AQIDBAUG", 6, {1, 2, 3, 4, 5, 6}},
        {"A", 99, {0}},
        {"AB==", 99, {0}},
        {"AQ=D", 99, {0}},
        {"A Q=", 99, {0}},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct user_ta_property property = {"x", USER_TA_PROP_TYPE_BINARY_BLOCK,
                                                  cases[i].text};
        uint8_t bytes[6];
        size_t size = 6;

        gp_fixture.instance->manifest = (struct gp_manifest){.properties = &property,
                                                             .property_count = 1};
        if (cases[i].size == 99) {
            assert_result(TEE_GetPropertyAsBinaryBlock(TA, "x", bytes, &size),
                          TEE_ERROR_BAD_FORMAT);
            continue;
        }
        assert_success(TEE_GetPropertyAsBinaryBlock(TA, "x", bytes, &size));
        assert_int_equal(size, cases[i].size);
        assert_memory_equal(bytes, cases[i].bytes, size);
    }
}

static void test_enumerator_meets_every_property(void **state)
{
    static const TEE_PropSetHandle sets[] = {TEE, CLIENT, TA};
    static const unsigned least[] = {12, 2, 10 + OWN};
    TEE_PropSetHandle enumerator;

    (void)state;
    have_own();
    assert_success(TEE_AllocatePropertyEnumerator(&enumerator));
    for (unsigned i = 0; i < 3; i++) {
        unsigned count = 0;
        TEE_Result result = TEE_SUCCESS;

        TEE_StartPropertyEnumerator(enumerator, sets[i]);
        while (result == TEE_SUCCESS) {
            char name[100];
            char here[100];
            char by_name[100];
            size_t size = sizeof(name);

            assert_success(TEE_GetPropertyName(enumerator, name, &size));
            assert_int_equal(size, strlen(name) + 1);
            size = sizeof(here);
            assert_success(TEE_GetPropertyAsString(enumerator, "not looked at", here, &size));
            size = sizeof(by_name);
            assert_success(TEE_GetPropertyAsString(sets[i], name, by_name, &size));
            assert_string_equal(here, by_name);
            count++;
            result = TEE_GetNextProperty(enumerator);
        }
        assert_result(result, TEE_ERROR_ITEM_NOT_FOUND);
        assert_int_equal(count, least[i]);
    }
    TEE_FreePropertyEnumerator(enumerator);
}

static void test_enumerator_that_stands_nowhere(void **state)
{
    TEE_PropSetHandle enumerator;
    char text[100];
    size_t size = sizeof(text);

    (void)state;
    assert_success(TEE_AllocatePropertyEnumerator(&enumerator));
    for (unsigned i = 0; i < 3; i++) {
        if (i == 1) { /* at the end */
            TEE_StartPropertyEnumerator(enumerator, CLIENT);
            assert_success(TEE_GetNextProperty(enumerator));
            size = 3;
            assert_result(TEE_GetPropertyName(enumerator, text, &size), TEE_ERROR_SHORT_BUFFER);
            assert_int_equal(size, sizeof("gpd.client.endian"));
            assert_success(TEE_GetPropertyName(enumerator, text, &size));
            assert_string_equal(text, "gpd.client.endian");
            assert_result(TEE_GetNextProperty(enumerator), TEE_ERROR_ITEM_NOT_FOUND);
        }
        if (i == 2)
            TEE_ResetPropertyEnumerator(enumerator);
        assert_result(TEE_GetNextProperty(enumerator), TEE_ERROR_ITEM_NOT_FOUND);
        assert_result(TEE_GetPropertyName(enumerator, text, &size), TEE_ERROR_ITEM_NOT_FOUND);
        assert_result(TEE_GetPropertyAsString(enumerator, NULL, text, &size),
                      TEE_ERROR_ITEM_NOT_FOUND);
    }
    TEE_FreePropertyEnumerator(enumerator);
    assert_panics_in(TEE_GetNextProperty(enumerator), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_NEXT_PROPERTY);
    assert_panics_in(TEE_FreePropertyEnumerator(enumerator), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_FREE_PROPERTY_ENUMERATOR);
}

static void test_wrong_enumerators_are_panics(void **state)
{
    TEE_PropSetHandle enumerator;
    size_t size = 1;
    char text[1];

    (void)state;
    assert_panics_in(TEE_AllocatePropertyEnumerator(NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR);
    assert_success(TEE_AllocatePropertyEnumerator(&enumerator));
    assert_panics_in(TEE_StartPropertyEnumerator(enumerator, enumerator), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_START_PROPERTY_ENUMERATOR);
    assert_panics_in(TEE_StartPropertyEnumerator(enumerator, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_START_PROPERTY_ENUMERATOR);
    assert_panics_in(TEE_StartPropertyEnumerator(TA, TA), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_START_PROPERTY_ENUMERATOR);
    assert_panics_in(TEE_ResetPropertyEnumerator(NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_RESET_PROPERTY_ENUMERATOR);
    assert_panics_in(TEE_GetPropertyName(TA, text, &size), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_NAME);
    assert_panics_in(TEE_GetPropertyName(enumerator, text, NULL), TEE_ERROR_BAD_PARAMETERS,
                     GP_CALL_GET_PROPERTY_NAME);
    if (gp_fixture.tee.profile == GP_OPTEE_4)
        TEE_FreePropertyEnumerator(TEE_HANDLE_NULL);
    else
        assert_panics_in(TEE_FreePropertyEnumerator(TEE_HANDLE_NULL), TEE_ERROR_BAD_PARAMETERS,
                         GP_CALL_FREE_PROPERTY_ENUMERATOR);
    /* That one stays open: the end of the instance closes it. */
}

static void test_enumerators_end_with_memory(void **state)
{
    TEE_PropSetHandle enumerator = NULL;
    TEE_Result result = TEE_SUCCESS;
    unsigned count = 0;

    (void)state;
    space_fixture_refuse(&gp_fixture.space, 1, UINT64_MAX);
    while (result == TEE_SUCCESS && count++ < 100000)
        result = TEE_AllocatePropertyEnumerator(&enumerator);
    space_fixture_refuse(&gp_fixture.space, 0, 0);
    assert_result(result, TEE_ERROR_OUT_OF_MEMORY);
    assert_true(gp_handles_are_valid(gp_fixture.instance));
    assert_success(TEE_AllocatePropertyEnumerator(&enumerator));
    TEE_FreePropertyEnumerator(enumerator);
}

static void test_names_of_1_1(void **state)
{
    TEE_PropSetHandle enumerator;
    char text[100];
    uint32_t size[2] = {3, 0xdeadbeef};

    (void)state;
    have_own();
    assert_result(__GP11_TEE_GetPropertyAsString(TA, "acme.text", text, size),
                  TEE_ERROR_SHORT_BUFFER);
    assert_int_equal(size[0], 10);
    assert_success(__GP11_TEE_GetPropertyAsString(TA, "acme.text", text, size));
    assert_string_equal(text, "some text");
    assert_success(__GP11_TEE_GetPropertyAsBinaryBlock(TA, "acme.block", text, size));
    assert_int_equal(size[0], 5);
    assert_success(TEE_AllocatePropertyEnumerator(&enumerator));
    TEE_StartPropertyEnumerator(enumerator, CLIENT);
    size[0] = sizeof(text);
    assert_success(__GP11_TEE_GetPropertyName(enumerator, text, size));
    assert_string_equal(text, "gpd.client.identity");
    assert_int_equal(size[0], strlen(text) + 1);
    assert_int_equal(size[1], 0xdeadbeef);
    TEE_FreePropertyEnumerator(enumerator);
    assert_panics_in(__GP11_TEE_GetPropertyAsString(TA, "acme.text", text, NULL),
                     TEE_ERROR_BAD_PARAMETERS, GP_CALL_GET_PROPERTY_AS_STRING);
}

static const struct CMUnitTest tests[] = {
    gp_test(test_values_by_type),
    gp_test(test_tee_tells_the_truth),
    gp_test(test_every_type_is_text),
    gp_test(test_wrong_types_and_names),
    gp_test(test_short_buffers),
    gp_test(test_blocks_are_base_64),
    gp_test(test_enumerator_meets_every_property),
    gp_test(test_enumerator_that_stands_nowhere),
    gp_test(test_wrong_enumerators_are_panics),
    gp_test(test_enumerators_end_with_memory),
    gp_test(test_names_of_1_1),
};

run_in_every_profile(tests)
