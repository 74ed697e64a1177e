/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told of persistent objects and what they may be used for (5.5). */
#include "cases.h"

#define RESTRICT_RULE .function = "TEE_RestrictObjectUsage1", .clause = "5.5.2"
#define INFO_RULE                                                                                  \
    .function = "TEE_GetObjectInfo1", .clause = "5.5.1", .call = GP_CALL_GET_OBJECT_INFO1

static void takes_away_only(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", READ, "data");

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(object, 0xffffff0f));
    expect_equal(info_of(object).objectUsage, 0xffffff0f);
    expect_success(TEE_RestrictObjectUsage1(object, 0xf3));
    expect_equal(info_of(object).objectUsage, 0x03);
    expect_success(TEE_RestrictObjectUsage1(object, 0xffffffff));
    expect_equal(info_of(object).objectUsage, 0x03);
    TEE_RestrictObjectUsage(object, 0x01);
    expect_equal(info_of(object).objectUsage, 0x01);
}

static void holds_for_good(const struct rule *rule)
{
    TEE_ObjectHandle object = open_as("a", READ);

    (void)rule;
    expect_equal(info_of(object).objectUsage, 0x01);
    expect_equal(info_of(object).dataSize, 4);
}

static void holds_for_all_handles(const struct rule *rule)
{
    TEE_ObjectHandle one = create_as("a", READ | SHARE_R, "data");
    TEE_ObjectHandle other = open_as("a", READ | SHARE_R);

    (void)rule;
    expect_success(TEE_RestrictObjectUsage1(one, TEE_USAGE_MAC));
    expect_equal(info_of(other).objectUsage, TEE_USAGE_MAC);
}

static void tells_size_and_position(const struct rule *rule)
{
    TEE_ObjectHandle object = create_as("a", WRITE, "data");
    __GP11_TEE_ObjectInfo old;
    TEE_ObjectInfo info;

    (void)rule;
    expect_success(TEE_SeekObjectData(object, 3, TEE_DATA_SEEK_SET));
    expect_success(TEE_WriteObjectData(object, "1234", 4));
    info = info_of(object);
    expect(info.dataSize == 7 && info.dataPosition == 7);
    TEE_GetObjectInfo(object, &info);
    expect(info.dataSize == 7 && info.dataPosition == 7 && info.objectType == TEE_TYPE_DATA);
    expect_success(__GP11_TEE_GetObjectInfo1(object, &old));
    expect(old.dataSize == 7 && old.dataPosition == 7 && old.objectUsage == 0xffffffff);
    __GP11_TEE_GetObjectInfo(object, &old);
    expect(old.dataSize == 7 && old.dataPosition == 7 && old.objectType == TEE_TYPE_DATA);
}

static void without_a_place(const struct rule *rule)
{
    (void)rule;
    (void)TEE_GetObjectInfo1(create_as("a", READ, "data"), NULL);
}

static void without_a_place_in_1_0(const struct rule *rule)
{
    (void)rule;
    TEE_GetObjectInfo(create_as("a", READ, "data"), NULL);
}

static const struct rule rules[] = {
    {RESTRICT_RULE, .text = "takes away only, and for good", .body = takes_away_only,
     .reopened = holds_for_good},
    {RESTRICT_RULE, .text = "holds for all handles", .body = holds_for_all_handles},
    {INFO_RULE, .text = "size and position as they are", .body = tells_size_and_position},
    {INFO_RULE, .text = "no place for it is a panic", .body = without_a_place,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {.function = "TEE_GetObjectInfo",
     .clause = "5.5.1",
     .text = "no place for it is a panic",
     .body = without_a_place_in_1_0,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_GET_OBJECT_INFO},
};

void add_objects(void)
{
    add_rules(rules);
}
