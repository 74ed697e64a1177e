/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What isn't a handle: each call that takes one is given every number that isn't one of its kind,
 * and panics (2.4 and each call's "Panic Reasons"); TEE_HANDLE_NULL is nothing for some.
 */
#include <stdio.h>

#include "cases.h"

/* --- The calls --------------------------------------------------------------------------- */

static void get_info1(void *handle)
{
    TEE_ObjectInfo info;

    (void)TEE_GetObjectInfo1(handle, &info);
}

static void get_info(void *handle)
{
    TEE_ObjectInfo info;

    TEE_GetObjectInfo(handle, &info);
}

static void restrict_usage1(void *handle)
{
    (void)TEE_RestrictObjectUsage1(handle, 0);
}

static void restrict_usage(void *handle)
{
    TEE_RestrictObjectUsage(handle, 0);
}

static void close_object(void *handle)
{
    TEE_CloseObject(handle);
}

static void create_with(void *handle)
{
    (void)TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "new", 3, READ, handle, "", 0, NULL);
}

static void delete1(void *handle)
{
    (void)TEE_CloseAndDeletePersistentObject1(handle);
}

static void delete (void *handle)
{
    TEE_CloseAndDeletePersistentObject(handle);
}

static void rename_it(void *handle)
{
    (void)TEE_RenamePersistentObject(handle, "new", 3);
}

static void read_it(void *handle)
{
    size_t count;
    char byte;

    (void)TEE_ReadObjectData(handle, &byte, 1, &count);
}

static void write_it(void *handle)
{
    (void)TEE_WriteObjectData(handle, "x", 1);
}

static void truncate_it(void *handle)
{
    (void)TEE_TruncateObjectData(handle, 0);
}

static void seek(void *handle)
{
    (void)TEE_SeekObjectData(handle, 0, TEE_DATA_SEEK_SET);
}

static void sync_it(void *handle)
{
    (void)TEE_SyncPersistentObject(handle);
}

static void free_enumerator(void *handle)
{
    TEE_FreePersistentObjectEnumerator(handle);
}

static void reset_enumerator(void *handle)
{
    TEE_ResetPersistentObjectEnumerator(handle);
}

static void start_enumerator(void *handle)
{
    (void)TEE_StartPersistentObjectEnumerator(handle, TEE_STORAGE_PRIVATE);
}

static void next_object(void *handle)
{
    char id[TEE_OBJECT_ID_MAX_LEN];
    size_t size = sizeof(id);

    (void)TEE_GetNextPersistentObject(handle, NULL, id, &size);
}

static void start_properties(void *handle)
{
    TEE_StartPropertyEnumerator(handle, TEE_PROPSET_CURRENT_TA);
}

static void reset_properties(void *handle)
{
    TEE_ResetPropertyEnumerator(handle);
}

static void next_property(void *handle)
{
    (void)TEE_GetNextProperty(handle);
}

static void property_name(void *handle)
{
    size_t size = 8;
    char name[8];

    (void)TEE_GetPropertyName(handle, name, &size);
}

static void property(void *handle)
{
    bool value;

    (void)TEE_GetPropertyAsBool(handle, "gpd.ta.singleInstance", &value);
}

struct user {
    const char *clause;
    enum gp_call call;
    void (*use)(void *handle);
    enum gp_kind kind;    /* of the handles that it takes */
    bool null_is_nothing; /* or is told as such */
};

/* clang-format off */
static const struct user users[] = {
    {"5.5.1", GP_CALL_GET_OBJECT_INFO1, get_info1, GP_OBJECT, false},
    {"5.5.1", GP_CALL_GET_OBJECT_INFO, get_info, GP_OBJECT, false},
    {"5.5.2", GP_CALL_RESTRICT_OBJECT_USAGE1, restrict_usage1, GP_OBJECT, false},
    {"5.5.2", GP_CALL_RESTRICT_OBJECT_USAGE, restrict_usage, GP_OBJECT, false},
    {"5.5.5", GP_CALL_CLOSE_OBJECT, close_object, GP_OBJECT, true},
    {"5.7.2", GP_CALL_CREATE_PERSISTENT_OBJECT, create_with, GP_OBJECT, true},
    {"5.7.4", GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1, delete1, GP_OBJECT, true},
    {"5.7.4", GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT, delete, GP_OBJECT, true},
    {"5.7.5", GP_CALL_RENAME_PERSISTENT_OBJECT, rename_it, GP_OBJECT, false},
    {"5.9.1", GP_CALL_READ_OBJECT_DATA, read_it, GP_OBJECT, false},
    {"5.9.2", GP_CALL_WRITE_OBJECT_DATA, write_it, GP_OBJECT, false},
    {"5.9.3", GP_CALL_TRUNCATE_OBJECT_DATA, truncate_it, GP_OBJECT, false},
    {"5.9.4", GP_CALL_SEEK_OBJECT_DATA, seek, GP_OBJECT, false},
    {"OpenHarmony", GP_CALL_SYNC_PERSISTENT_OBJECT, sync_it, GP_OBJECT, false},
    {"5.8.2", GP_CALL_FREE_PERSISTENT_OBJECT_ENUMERATOR, free_enumerator, GP_ENUMERATOR, true},
    {"5.8.3", GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR, reset_enumerator, GP_ENUMERATOR, true},
    {"5.8.4", GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR, start_enumerator, GP_ENUMERATOR, false},
    {"5.8.5", GP_CALL_GET_NEXT_PERSISTENT_OBJECT, next_object, GP_ENUMERATOR, false},
    {"4.4.9", GP_CALL_START_PROPERTY_ENUMERATOR, start_properties, GP_PROPERTIES, false},
    {"4.4.10", GP_CALL_RESET_PROPERTY_ENUMERATOR, reset_properties, GP_PROPERTIES, false},
    {"4.4.11", GP_CALL_GET_PROPERTY_NAME, property_name, GP_PROPERTIES, false},
    {"4.4.12", GP_CALL_GET_NEXT_PROPERTY, next_property, GP_PROPERTIES, false},
    {"4.4.2", GP_CALL_GET_PROPERTY_AS_BOOL, property, GP_PROPERTIES, false},
};
/* clang-format on */

/* --- The handles ------------------------------------------------------------------------- */

static void make_handle(enum gp_kind kind, void **handle)
{
    TEE_ObjectEnumHandle enumerator = TEE_HANDLE_NULL;
    TEE_PropSetHandle properties = TEE_HANDLE_NULL;

    if (kind == GP_OBJECT) {
        *handle = create_as("object", ALL_ACCESS | OVERWRITE, "data");
    } else if (kind == GP_ENUMERATOR) {
        expect_success(TEE_AllocatePersistentObjectEnumerator(&enumerator));
        *handle = enumerator;
    } else {
        expect_success(TEE_AllocatePropertyEnumerator(&properties));
        *handle = properties;
    }
}

static void end_handle(enum gp_kind kind, void *handle)
{
    if (kind == GP_OBJECT)
        TEE_CloseObject(handle);
    else if (kind == GP_ENUMERATOR)
        TEE_FreePersistentObjectEnumerator(handle);
    else
        TEE_FreePropertyEnumerator(handle);
}

struct anothers {
    enum gp_kind kind;
    void *handle;
};

static void make_anothers(void *argument)
{
    struct anothers *anothers = argument;

    make_handle(anothers->kind, &anothers->handle);
}

enum wrong {
    NO_HANDLE,
    CLOSED,
    CLOSED_AND_USED_AGAIN, /* its place has another one now */
    ANOTHER_INSTANCES,
    ANOTHER_KIND,
    A_POINTER,
    WRONG_HANDLES,
};

static const char *const wrong_names[WRONG_HANDLES] = {
    "TEE_HANDLE_NULL",    "a closed handle",          "a closed handle, its place taken",
    "another instance's", "a handle of another kind", "a pointer",
};

static void *wrong_handle(enum wrong wrong, enum gp_kind kind)
{
    struct anothers anothers = {.kind = kind};
    static int something;
    void *handle = NULL;
    void *another;

    switch (wrong) {
    case CLOSED:
        make_handle(kind, &handle);
        end_handle(kind, handle);
        break;
    case CLOSED_AND_USED_AGAIN:
        make_handle(kind, &handle);
        end_handle(kind, handle);
        make_handle(kind, &another);
        expect(another != handle);
        break;
    case ANOTHER_INSTANCES:
        (void)run_in(world.twin, make_anothers, &anothers);
        return anothers.handle;
    case ANOTHER_KIND:
        make_handle(kind == GP_OBJECT ? GP_ENUMERATOR : GP_OBJECT, &handle);
        break;
    case A_POINTER:
        return &something;
    default:
        break;
    }
    return handle;
}

static void use_wrong_handle(const struct rule *rule)
{
    const struct user *user = &users[rule->a];

    user->use(wrong_handle((enum wrong)rule->b, user->kind));
}

void add_handles(void)
{
    for (uint32_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        for (uint32_t wrong = 0; wrong < WRONG_HANDLES; wrong++) {
            bool is_nothing = wrong == NO_HANDLE && users[i].null_is_nothing;
            struct rule rule = {.function = gp_call_name(users[i].call),
                                .clause = users[i].clause,
                                .body = use_wrong_handle,
                                .panic = is_nothing ? TEE_SUCCESS : TEE_ERROR_BAD_PARAMETERS,
                                .call = users[i].call,
                                .a = i,
                                .b = wrong};
            char text[CASE_TEXT_SIZE];

            (void)snprintf(text, sizeof(text), "%s is %s", wrong_names[wrong],
                           is_nothing ? "nothing" : "a panic");
            rule.text = text;
            add(&rule);
        }
    }
}
