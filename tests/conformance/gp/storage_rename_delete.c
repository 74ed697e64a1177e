/* SPDX-License-Identifier: BSD-2-Clause */
/* Renaming and deleting persistent objects (5.7.4, 5.7.5), and what closing does (5.5.5). */
#include <string.h>

#include "cases.h"

#define RENAME_RULE                                                                                \
    .function = "TEE_RenamePersistentObject", .clause = "5.7.5",                                   \
    .call = GP_CALL_RENAME_PERSISTENT_OBJECT
#define DELETE_RULE                                                                                \
    .function = "TEE_CloseAndDeletePersistentObject1", .clause = "5.7.4",                          \
    .call = GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1

/* --- Renaming ---------------------------------------------------------------------------- */

static void has_its_new_name(const struct rule *rule)
{
    TEE_ObjectHandle object;
    size_t count = 0;
    char got[8];

    (void)rule;
    object = create_as("a", ALL_ACCESS, "data");
    expect_success(TEE_SeekObjectData(object, 2, TEE_DATA_SEEK_SET));
    expect_success(TEE_RenamePersistentObject(object, "b", 1));
    expect_none("a");
    expect_equal(info_of(object).dataPosition, 2); /* the handle is as it was */
    expect_success(TEE_ReadObjectData(object, got, sizeof(got), &count));
    expect(count == 2 && memcmp(got, "ta", 2) == 0);
    expect_success(TEE_WriteObjectData(object, "!", 1));
    TEE_CloseObject(object);
    expect_data("b", "data!");
    make("a", "another"); /* its old id is free */
}

static void still_excludes_others(const struct rule *rule)
{
    TEE_ObjectHandle object;
    TEE_ObjectHandle other;

    (void)rule;
    object = create_as("a", META, "data");
    expect_success(TEE_RenamePersistentObject(object, "b", 1));
    expect_result(try_open("b", READ | SHARE_R, &other), TEE_ERROR_ACCESS_CONFLICT);
    TEE_CloseObject(object);
    expect_data("b", "data");
}

static void not_to_another(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    make("b", "b's");
    object = create_as("a", META, "a's");
    expect_result(TEE_RenamePersistentObject(object, "b", 1), TEE_ERROR_ACCESS_CONFLICT);
    expect_success(TEE_RenamePersistentObject(object, "c", 1)); /* the handle is still there */
    TEE_CloseObject(object);
    expect_data("b", "b's");
    expect_data("c", "a's");
}

static void not_to_its_own(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    object = create_as("a", META, "data");
    expect_result(TEE_RenamePersistentObject(object, "a", 1), TEE_ERROR_ACCESS_CONFLICT);
    TEE_CloseObject(object);
    expect_data("a", "data");
}

static void every_length_of_id(const struct rule *rule)
{
    char id[TEE_OBJECT_ID_MAX_LEN + 1] = {0};
    TEE_ObjectHandle object;

    (void)rule;
    object = create_as("begin", META, "data");
    for (size_t size = 0; size <= TEE_OBJECT_ID_MAX_LEN; size++) {
        memset(id, 'i', size);
        expect_success(TEE_RenamePersistentObject(object, size == 0 ? NULL : id, size));
        TEE_CloseObject(object);
        expect_data(id, "data");
        object = open_as(id, META);
    }
}

static void new_id_is_too_long(const struct rule *rule)
{
    uint8_t id[TEE_OBJECT_ID_MAX_LEN + 1] = {0};

    (void)rule;
    (void)TEE_RenamePersistentObject(create_as("a", META, "data"), id, sizeof(id));
}

static void new_id_is_missing(const struct rule *rule)
{
    (void)rule;
    (void)TEE_RenamePersistentObject(create_as("a", META, "data"), NULL, 1);
}

static void has_its_new_name_for_good(const struct rule *rule)
{
    (void)rule;
    expect_data("b", "data!");
    expect_data("a", "another");
}

/* --- Deleting ---------------------------------------------------------------------------- */

static void is_gone(const struct rule *rule)
{
    (void)rule;
    make("b", "b's");
    expect_success(TEE_CloseAndDeletePersistentObject1(create_as("a", META, "data")));
    expect_none("a");
    expect_data("b", "b's");
}

static void is_gone_for_good(const struct rule *rule)
{
    (void)rule;
    expect_none("a");
    expect_data("b", "b's");
    make("a", "new");
}

static void null_is_nothing(const struct rule *rule)
{
    (void)rule;
    expect_success(TEE_CloseAndDeletePersistentObject1(TEE_HANDLE_NULL));
    TEE_CloseAndDeletePersistentObject(TEE_HANDLE_NULL);
    TEE_CloseObject(TEE_HANDLE_NULL);
}

static void handle_is_closed(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    object = create_as("a", META, "data");
    expect_success(TEE_CloseAndDeletePersistentObject1(object));
    (void)TEE_CloseAndDeletePersistentObject1(object);
}

static void as_in_1_0(const struct rule *rule)
{
    (void)rule;
    TEE_CloseAndDeletePersistentObject(create_as("a", META, "data"));
    expect_none("a");
}

static void as_in_1_0_without_the_right(const struct rule *rule)
{
    (void)rule;
    TEE_CloseAndDeletePersistentObject(create_as("a", READ, "data"));
}

static void device_is_gone(const struct rule *rule)
{
    struct fault_plan plan = {.kind = FAULT_DEAD, .at = 1};
    TEE_ObjectHandle object;
    TEE_ObjectHandle other;

    (void)rule;
    object = create_as("a", META, "data");
    memory_device_inject(world.devices[0], &plan);
    expect_result(TEE_CloseAndDeletePersistentObject1(object), TEE_ERROR_STORAGE_NOT_AVAILABLE);
    memory_device_inject(world.devices[0], NULL);
    expect_result(try_open("none", READ, &other), TEE_ERROR_ITEM_NOT_FOUND);
}

static void closed_handle_is_none(const struct rule *rule)
{
    TEE_ObjectHandle object;

    (void)rule;
    object = create_as("a", READ, "data");
    TEE_CloseObject(object);
    TEE_CloseObject(object);
}

static void end_of_an_instance(void *argument)
{
    (void)argument;
    (void)open_as("a", META);
}

/* What an instance has open is closed when it ends. */
static void end_closes(const struct rule *rule)
{
    static const struct gp_limits limits = {.heap = 64 * KIB, .frames = UINT64_MAX};
    TEE_ObjectHandle object;
    struct gp_instance *instance;

    (void)rule;
    make("a", "data");
    if (!expect(gp_instance_open(&world.tee, &world.instance->uuid, &limits, &instance) ==
                COFFER_OK))
        return;
    (void)run_in(instance, end_of_an_instance, NULL);
    expect_result(try_open("a", READ | SHARE_R, &object), TEE_ERROR_ACCESS_CONFLICT);
    gp_instance_close(instance);
    expect_data("a", "data");
}

static void panic_with_a_handle(void *argument)
{
    (void)argument;
    (void)open_as("a", META);
    TEE_Panic(1);
}

static void panic_ends_one(const struct rule *rule)
{
    static const struct gp_limits limits = {.heap = 64 * KIB, .frames = UINT64_MAX};
    struct gp_instance *instance;

    (void)rule;
    make("a", "data");
    if (!expect(gp_instance_open(&world.tee, &world.instance->uuid, &limits, &instance) ==
                COFFER_OK))
        return;
    gp_run(instance, panic_with_a_handle, NULL);
    expect(instance->panicked && instance->panic_call == GP_CALL_PANIC &&
           instance->panic_code == 1);
    gp_instance_close(instance);
    expect_data("a", "data");
}

static void panics(const struct rule *rule)
{
    TEE_Panic(rule->panic);
}

static const struct rule rules[] = {
    {RENAME_RULE, .text = "new id, same handle", .body = has_its_new_name,
     .reopened = has_its_new_name_for_good},
    {RENAME_RULE, .text = "the handle excludes others under the new id",
     .body = still_excludes_others},
    {RENAME_RULE, .text = "not to the id of another", .body = not_to_another},
    {RENAME_RULE, .text = "not to its own id", .body = not_to_its_own},
    {RENAME_RULE, .text = "ids of 0 to 64 bytes", .body = every_length_of_id},
    {RENAME_RULE, .text = "an id of 65 bytes is a panic", .body = new_id_is_too_long,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {RENAME_RULE, .text = "no buffer for an id of 1 byte is a panic", .body = new_id_is_missing,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {DELETE_RULE, .text = "the object is gone, others aren't", .body = is_gone,
     .reopened = is_gone_for_good},
    {DELETE_RULE, .text = "TEE_HANDLE_NULL is nothing", .body = null_is_nothing},
    {DELETE_RULE, .text = "the handle is closed", .body = handle_is_closed,
     .panic = TEE_ERROR_BAD_PARAMETERS},
    {DELETE_RULE, .text = "a device that fails is a storage that isn't available",
     .body = device_is_gone},
    {.function = "TEE_CloseAndDeletePersistentObject",
     .clause = "5.7.4",
     .text = "the object is gone",
     .body = as_in_1_0},
    {.function = "TEE_CloseAndDeletePersistentObject",
     .clause = "5.7.4",
     .text = "without ACCESS_WRITE_META a panic",
     .body = as_in_1_0_without_the_right,
     .panic = TEE_ERROR_BAD_STATE,
     .call = GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT},
    {.function = "TEE_CloseObject",
     .clause = "5.5.5",
     .text = "a closed handle is none",
     .body = closed_handle_is_none,
     .panic = TEE_ERROR_BAD_PARAMETERS,
     .call = GP_CALL_CLOSE_OBJECT},
    {.function = "TEE_CloseObject",
     .clause = "2.1.3 Instances",
     .text = "what an instance has open is closed with it",
     .body = end_closes},
    {.function = "TEE_Panic",
     .clause = "4.8.1",
     .text = "ends the instance with its code",
     .body = panics,
     .panic = 0x12345678,
     .call = GP_CALL_PANIC},
    {.function = "TEE_Panic",
     .clause = "4.8.1",
     .text = "ends one instance and closes its handles",
     .body = panic_ends_one},
};

void add_storage_rename_delete(void)
{
    add_rules(rules);
}
