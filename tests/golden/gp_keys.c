/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys as OP-TEE stored them, by GlobalPlatform's calls: each opens as what it is, and a copy that
 * is made of it has the same bytes. Of the store beside this file (COFFER_STORES), and of the one
 * that OP-TEE's own code wrote, where that is (COFFER_GOLDEN).
 */
#include "unit/gp/persistent.h"

#include "gp/attributes.h"
#include "support/must.h"

#define ATTRIBUTES_MAX 4096u

struct stored {
    struct coffer_info info;
    uint8_t attributes[ATTRIBUTES_MAX];
};

static struct coffer *store(void)
{
    return gp_fixture.stores[0].store;
}

/* As it is in the store. */
static void read_stored(const struct coffer_name *name, struct stored *out)
{
    struct coffer_object *object;

    memset(out, 0, sizeof(*out));
    assert_ok(coffer_object_open(store(), name, &object));
    assert_ok(coffer_object_info(object, &out->info));
    assert_true(out->info.attributes_size > 0 && out->info.attributes_size <= ATTRIBUTES_MAX);
    assert_ok(coffer_object_attributes(object, out->attributes, ATTRIBUTES_MAX));
    coffer_object_close(object);
}

static TEE_UUID tee_uuid(const struct coffer_uuid *ta)
{
    TEE_UUID uuid = {.timeLow = ta->time_low,
                     .timeMid = ta->time_mid,
                     .timeHiAndVersion = ta->time_hi_and_version};

    memcpy(uuid.clockSeqAndNode, ta->clock_seq_and_node, sizeof(uuid.clockSeqAndNode));
    return uuid;
}

static void look_at(const struct coffer_name *name)
{
    const struct coffer_name copy_name = {name->ta, "copy of it", 10};
    const TEE_UUID uuid = tee_uuid(&name->ta);
    static struct stored original, copy;
    TEE_ObjectHandle handle, other;
    const struct gp_object *object;
    TEE_ObjectInfo info;

    read_stored(name, &original);
    gp_fixture.current = gp_fixture_instance(&uuid);
    assert_success(
        TEE_OpenPersistentObject(TEE_STORAGE_PRIVATE, name->id, name->id_size, R, &handle));
    assert_success(TEE_GetObjectInfo1(handle, &info));
    assert_int_equal(info.objectType, original.info.type);
    assert_int_equal(info.objectSize, original.info.object_size);
    assert_int_equal(info.maxObjectSize, original.info.max_size);
    assert_int_equal(info.objectUsage, original.info.usage);
    assert_int_equal(info.dataSize, original.info.size);
    object = gp_object_find(gp_fixture.current, handle);
    assert_true(gp_attributes_are_valid(object->attributes));

    assert_success(TEE_CreatePersistentObject(TEE_STORAGE_PRIVATE, "copy of it", 10, R, handle,
                                              NULL, 0, &other));
    TEE_CloseObject(other);
    TEE_CloseObject(handle);
    read_stored(&copy_name, &copy);
    original.info.size = 0;
    original.info.file = copy.info.file;
    assert_memory_equal(&copy.info, &original.info, sizeof(copy.info));
    assert_memory_equal(copy.attributes, original.attributes, ATTRIBUTES_MAX);
    assert_ok(coffer_delete(store(), &copy_name));
    gp_instance_close(gp_fixture.current);
    gp_fixture.current = gp_fixture.instance;
}

/* Every object of the store; the names are read before, as copies come and go. */
static unsigned look_at_all(void)
{
    struct coffer_entry entries[8];
    struct coffer_list *list;
    unsigned count = 0;

    assert_ok(coffer_list_open(store(), NULL, &list));
    while (coffer_list_next(list, &entries[count]) == COFFER_OK)
        assert_true(++count < 8);
    coffer_list_close(list);
    for (unsigned i = 0; i < count; i++)
        look_at(&(struct coffer_name){entries[i].ta, entries[i].id, entries[i].id_size});
    return count;
}

static void test_keys_open_and_are_copied_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(look_at_all(), 3);
    assert_int_equal(quarantined(), 0);
}

/* False: there is no such store. */
static bool run_on(const char *folder, int *failures)
{
    const struct CMUnitTest tests[] = {gp_test(test_keys_open_and_are_copied_as_they_are)};
    char path[4096];

    snprintf(path, sizeof(path), "%s/keys", folder);
    fixture_options = (struct gp_fixture_options){.profile = GP_OPTEE_4,
                                                  .device = memory_device_load(path)};
    if (fixture_options.device == NULL)
        return false;
    *failures += cmocka_run_group_tests_name(path, tests, NULL, NULL);
    memory_device_free(fixture_options.device);
    return true;
}

int main(void)
{
    const char *own = getenv("COFFER_STORES");
    const char *optee = getenv("COFFER_GOLDEN");
    int failures = 0;

    must(own != NULL && run_on(own, &failures));
    if (!run_on(optee != NULL ? optee : "../shared/golden", &failures))
        printf("the keys that OP-TEE wrote aren't here\n");
    return failures;
}
