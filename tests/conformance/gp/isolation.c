/* SPDX-License-Identifier: BSD-2-Clause */
/* TAs don't see one another (5.1 and 2.1): ids, enumerators, ends. */
#include <string.h>

#include "cases.h"

/* The stranger has one of the same id: the two are apart, whatever is done with one. */
static void make_its_own(void *argument)
{
    (void)argument;
    make("same", "the stranger's");
}

static void expect_its_own(void *argument)
{
    (void)argument;
    expect_data("same", "the stranger's");
    expect_none("other");
    expect_none("renamed");
}

static void expect_nothing(void *argument)
{
    TEE_ObjectEnumHandle enumerator;

    (void)argument;
    expect_none("same");
    expect_success(TEE_AllocatePersistentObjectEnumerator(&enumerator));
    expect_result(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE),
                  TEE_ERROR_ITEM_NOT_FOUND);
}

static void ids_are_apart(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("same", "mine");
    (void)run_in(world.stranger, expect_nothing, NULL);
    (void)run_in(world.stranger, make_its_own, NULL);
    expect_data("same", "mine");
    object = open_as("same", ALL_ACCESS);
    expect_success(TEE_WriteObjectData(object, "changed", 7));
    expect_success(TEE_RestrictObjectUsage1(object, 0));
    expect_success(TEE_RenamePersistentObject(object, "renamed", 7));
    (void)run_in(world.stranger, expect_its_own, NULL);
    expect_success(TEE_CloseAndDeletePersistentObject1(object));
    make("other", "mine");
    (void)run_in(world.stranger, expect_its_own, NULL);
}

static void ids_stay_apart(const struct rule *rule)
{
    (void)rule;
    (void)run_in(world.stranger, expect_its_own, NULL);
    expect_none("same");
    expect_data("other", "mine");
}

struct seen {
    unsigned count;
    char id[TEE_OBJECT_ID_MAX_LEN];
    TEE_ObjectInfo info;
};

static void enumerate(void *argument)
{
    struct seen *seen = argument;
    TEE_ObjectEnumHandle enumerator;
    size_t size;

    expect_success(TEE_AllocatePersistentObjectEnumerator(&enumerator));
    expect_success(TEE_StartPersistentObjectEnumerator(enumerator, TEE_STORAGE_PRIVATE));
    while (TEE_GetNextPersistentObject(enumerator, &seen->info, seen->id, &size) == TEE_SUCCESS)
        seen->count++;
    TEE_FreePersistentObjectEnumerator(enumerator);
}

static void enumerators_are_apart(const struct rule *rule)
{
    struct seen mine = {.count = 0};
    struct seen its = {.count = 0};

    (void)rule;
    make("same", "mine");
    make("mine", "mine");
    (void)run_in(world.stranger, make_its_own, NULL);
    enumerate(&mine);
    (void)run_in(world.stranger, enumerate, &its);
    expect_equal(mine.count, 2);
    expect_equal(its.count, 1);
    expect_equal(its.info.dataSize, strlen("the stranger's"));
}

/* Two instances of one TA have one storage. */
static void see_the_same(void *argument)
{
    (void)argument;
    expect_data("same", "mine");
    make("twins", "from the twin");
}

static void instances_share(const struct rule *rule)
{
    (void)rule;
    make("same", "mine");
    (void)run_in(world.twin, see_the_same, NULL);
    expect_data("twins", "from the twin");
}

static void panic_now(void *argument)
{
    (void)argument;
    (void)open_as("same", READ);
    TEE_CloseObject((TEE_ObjectHandle)(uintptr_t)12345);
}

/* The panic of one instance is nothing to another, but that its handles are closed with it. */
static void panics_are_apart(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("same", "mine");
    object = create_as("other", READ, "data");
    gp_run(world.twin, panic_now, NULL);
    expect(world.twin->panicked && world.twin->panic_call == GP_CALL_CLOSE_OBJECT);
    expect(!world.instance->panicked);
    expect_equal(info_of(object).dataSize, 4);
}

static const struct rule rules[] = {
    {.function = "TEE_CreatePersistentObject",
     .clause = "5.1",
     .text = "one id in two TAs is two objects",
     .body = ids_are_apart,
     .reopened = ids_stay_apart},
    {.function = "TEE_GetNextPersistentObject",
     .clause = "5.1",
     .text = "tells of the TA's own objects only",
     .body = enumerators_are_apart},
    {.function = "TEE_OpenPersistentObject",
     .clause = "5.1",
     .text = "instances of one TA have the same objects",
     .body = instances_share},
    {.function = "TEE_Panic",
     .clause = "2.3.3",
     .text = "a panic ends one instance only",
     .body = panics_are_apart},
};

void add_isolation(void)
{
    add_rules(rules);
}
