/* SPDX-License-Identifier: BSD-2-Clause */
/* What a storage holds (5.8). */
#include <string.h>

#include "cases.h"

#define NEXT_RULE                                                                                  \
    .function = "TEE_GetNextPersistentObject", .clause = "5.8.5",                                  \
    .call = GP_CALL_GET_NEXT_PERSISTENT_OBJECT
#define START_RULE                                                                                 \
    .function = "TEE_StartPersistentObjectEnumerator", .clause = "5.8.4",                          \
    .call = GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR

static TEE_ObjectEnumHandle allocate(void)
{
    TEE_ObjectEnumHandle enumerator = TEE_HANDLE_NULL;

    expect_success(TEE_AllocatePersistentObjectEnumerator(&enumerator));
    expect(enumerator != TEE_HANDLE_NULL);
    return enumerator;
}

static TEE_ObjectEnumHandle started(void)
{
    TEE_ObjectEnumHandle enumerator = allocate();

    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE));
    return enumerator;
}

static TEE_Result next(TEE_ObjectEnumHandle enumerator, char *id)
{
    char bytes[TEE_OBJECT_ID_MAX_LEN];
    size_t size = 0; /* an output only */
    TEE_Result result = TEE_GetNextPersistentObject(enumerator, NULL, bytes, &size);

    if (result == TEE_SUCCESS) {
        memcpy(id, bytes, size);
        id[size] = 0;
    }
    return result;
}

#define IDS 20u

static const char *id_of(unsigned index, char id[8])
{
    memcpy(id, "object", 6);
    id[6] = (char)('a' + index);
    id[7] = 0;
    return id;
}

static void make_some(void)
{
    char id[8];

    for (unsigned i = 0; i < IDS; i++)
        make(id_of(i, id), id);
}

/* Each id once, and then no more. */
static void expect_all(TEE_ObjectEnumHandle enumerator)
{
    char id[TEE_OBJECT_ID_MAX_LEN + 1];
    bool seen[IDS] = {false};
    unsigned count = 0;

    while (count <= IDS && next(enumerator, id) == TEE_SUCCESS) {
        unsigned index = (unsigned)(id[6] - 'a');

        count++;
        if (strlen(id) != 7 || memcmp(id, "object", 6) != 0 || index >= IDS || seen[index])
            note("\"%s\" is none, or not the first time", id);
        else
            seen[index] = true;
    }
    expect_equal(count, IDS);
    expect_result(next(enumerator, id), TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(next(enumerator, id), TEE_ERROR_ITEM_NOT_FOUND);
}

static void all_once(const struct rule *rule)
{
    (void)rule;
    make_some();
    expect_all(started());
}

static void all_again(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    make_some();
    enumerator = started();
    for (unsigned i = 0; i < 3; i++)
        expect_success(next(enumerator, id));
    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE));
    expect_all(enumerator);
    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE));
    expect_all(enumerator);
}

static void reset_ends_it(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    make_some();
    enumerator = started();
    expect_success(next(enumerator, id));
    TEE_ResetPersistentObjectEnumerator(enumerator);
    expect_result(next(enumerator, id), TEE_ERROR_ITEM_NOT_FOUND);
    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE));
    expect_all(enumerator);
}

static void two_go_their_ways(const struct rule *rule)
{
    TEE_ObjectEnumHandle one;
    TEE_ObjectEnumHandle other;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    make_some();
    one = started();
    other = started();
    expect_success(next(one, id));
    expect_all(other);
    TEE_FreePersistentObjectEnumerator(other);
    for (unsigned i = 1; i < IDS; i++)
        expect_success(next(one, id));
    expect_result(next(one, id), TEE_ERROR_ITEM_NOT_FOUND);
}

static void nothing_in_it(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator = allocate();
    TEE_ObjectHandle object;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    expect_result(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect_result(next(enumerator, id), TEE_ERROR_ITEM_NOT_FOUND);
    /* Another storage's are none of it. */
    expect_success(TEE_CreatePersistentObject(TEE_STORAGE_PERSO, "a", 1, READ, TEE_HANDLE_NULL, "",
                                              0, &object));
    expect_result(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE),
                  TEE_ERROR_ITEM_NOT_FOUND);
    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PERSO));
    expect_success(next(enumerator, id));
    expect(strcmp(id, "a") == 0);
}

static void no_such_storage(const struct rule *rule)
{
    make("a", "data");
    expect_result(TEE_StartPersistentObjectEnumerator(allocate(), rule->a),
                  TEE_ERROR_ITEM_NOT_FOUND);
}

static void not_started(const struct rule *rule)
{
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    make("a", "data");
    expect_result(next(allocate(), id), TEE_ERROR_ITEM_NOT_FOUND);
}

static void tells_what_it_is(const struct rule *rule)
{
    TEE_ObjectHandle object;
    TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    size_t size = 99;

    (void)rule;
    object = create_as("abc", READ | SHARE_R, "data");
    expect_success(TEE_RestrictObjectUsage1(object, 0xf));
    TEE_CloseObject(object);
    expect_success(TEE_GetNextPersistentObject(started(), &info, id, &size));
    expect(size == 3 && memcmp(id, "abc", 3) == 0);
    expect_equal(info.objectType, TEE_TYPE_DATA);
    expect_equal(info.objectSize, 0);
    expect_equal(info.maxObjectSize, 0);
    expect_equal(info.objectUsage, 0xf);
    expect_equal(info.dataSize, 4);
    expect_equal(info.dataPosition, 0);
    expect_equal(info.handleFlags, TEE_HANDLE_FLAG_PERSISTENT | TEE_HANDLE_FLAG_INITIALIZED);
}

static void tells_as_in_1_1(const struct rule *rule)
{
    __GP11_TEE_ObjectInfo info;
    char id[TEE_OBJECT_ID_MAX_LEN];
    uint32_t size = 99;

    (void)rule;
    make("abc", "data");
    expect_success(__GP11_TEE_GetNextPersistentObject(started(), &info, id, &size));
    expect(size == 3 && memcmp(id, "abc", 3) == 0);
    expect_equal(info.objectType, TEE_TYPE_DATA);
    expect_equal(info.dataSize, 4);
}

/* What is deleted on the way may be met or not; all others are, once. */
static void deleted_on_the_way(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];
    char text[8];
    unsigned count = 1;

    (void)rule;
    make_some();
    enumerator = started();
    expect_success(next(enumerator, id));
    for (unsigned i = 0; i < IDS; i++) {
        if (strcmp(id_of(i, text), id) != 0 && i % 2 == 0)
            expect_success(TEE_CloseAndDeletePersistentObject1(open_as(text, META)));
    }
    while (count <= IDS && next(enumerator, id) == TEE_SUCCESS) {
        count++;
        expect((id[6] - 'a') % 2 != 0);
    }
    expect(count >= IDS / 2 && count <= IDS / 2 + 1);
}

static void make_one(const struct rule *rule)
{
    (void)rule;
    make("a", "data");
}

static void damage_is_put_away(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator;
    char id[TEE_OBJECT_ID_MAX_LEN + 1];

    (void)rule;
    damage_objects();
    enumerator = started();
    expect_result(next(enumerator, id), TEE_ERROR_CORRUPT_OBJECT);
    expect_result(next(enumerator, id), TEE_ERROR_ITEM_NOT_FOUND);
    expect_none("a");
}

/* --- Panics ------------------------------------------------------------------------------ */

static void no_place_for_the_handle(const struct rule *rule)
{
    (void)rule;
    (void)TEE_AllocatePersistentObjectEnumerator(NULL);
}

static void no_place_for_the_id(const struct rule *rule)
{
    size_t size = TEE_OBJECT_ID_MAX_LEN;

    (void)rule;
    make("a", "data");
    (void)TEE_GetNextPersistentObject(started(), NULL, NULL, &size);
}

static void no_place_for_its_size(const struct rule *rule)
{
    char id[TEE_OBJECT_ID_MAX_LEN];

    (void)rule;
    make("a", "data");
    (void)TEE_GetNextPersistentObject(started(), NULL, id, NULL);
}

static void free_handle(const struct rule *rule)
{
    TEE_ObjectEnumHandle enumerator;

    (void)rule;
    make("a", "data");
    enumerator = started();
    TEE_FreePersistentObjectEnumerator(enumerator);
    TEE_ResetPersistentObjectEnumerator(enumerator);
}

static void null_is_nothing(const struct rule *rule)
{
    (void)rule;
    TEE_FreePersistentObjectEnumerator(TEE_HANDLE_NULL);
    TEE_ResetPersistentObjectEnumerator(TEE_HANDLE_NULL);
}

static const struct rule rules[] = {
    {NEXT_RULE, .text = "each object once, and then no more", .body = all_once},
    {START_RULE, .text = "begins anew, on the way and at the end", .body = all_again},
    {.function = "TEE_ResetPersistentObjectEnumerator",
     .clause = "5.8.3",
     .text = "it isn't started any more",
     .body = reset_ends_it},
    {.function = "TEE_AllocatePersistentObjectEnumerator",
     .clause = "5.8.1",
     .text = "two go their own ways",
     .body = two_go_their_ways},
    {START_RULE, .text = "an empty storage is not found", .body = nothing_in_it},
    {START_RULE, .text = "TEE_STORAGE_PROTECTED, not configured, is not found",
     .body = no_such_storage, .a = TEE_STORAGE_PROTECTED},
    {START_RULE, .text = "TEE_STORAGE_ILLEGAL_VALUE is not found", .body = no_such_storage,
     .a = TEE_STORAGE_ILLEGAL_VALUE},
    {NEXT_RULE, .text = "before the start there is nothing", .body = not_started},
    {NEXT_RULE, .text = "tells what the object is", .body = tells_what_it_is},
    {NEXT_RULE, .text = "1.1's form", .body = tells_as_in_1_1},
    {NEXT_RULE, .text = "objects deleted on the way", .body = deleted_on_the_way},
    {NEXT_RULE, .text = "a damaged object is told, and gone", .body = make_one,
     .reopened = damage_is_put_away},
    {.function = "TEE_AllocatePersistentObjectEnumerator",
     .clause = "5.8.1",
     .text = "no place for the handle is a panic",
     .body = no_place_for_the_handle,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR},
    {NEXT_RULE, .text = "no place for the id is a panic", .body = no_place_for_the_id,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {NEXT_RULE, .text = "no place for the id's size is a panic", .body = no_place_for_its_size,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {.function = "TEE_FreePersistentObjectEnumerator",
     .clause = "5.8.2",
     .text = "the handle is none any more",
     .body = free_handle,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR},
    {.function = "TEE_FreePersistentObjectEnumerator",
     .clause = "5.8.2",
     .text = "TEE_HANDLE_NULL is nothing",
     .body = null_is_nothing},
};

void add_enumerators(void)
{
    add_rules(rules);
}
