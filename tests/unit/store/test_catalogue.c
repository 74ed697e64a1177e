/* SPDX-License-Identifier: BSD-2-Clause */
/* Catalogues that are damaged or were made by others, from the outside (docs/FORMAT.md). */
#include "fixture.h"

#include "../../fuzz/forge.h"

static const uint8_t uuid[FORGE_UUID_SIZE] = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                              0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55};

#define HEAD_SIZE    68u
#define HEAD_COUNTER 64u

static void zero_newest_head(void)
{
    size_t size;
    uint8_t *heads = memory_device_bytes(disk, "dirf.db", &size);
    unsigned newest = load_le32(heads + HEAD_SIZE + HEAD_COUNTER) > load_le32(heads + HEAD_COUNTER);

    memset(heads + newest * HEAD_SIZE, 0, HEAD_SIZE);
}

/* A head that is gone doesn't say whether it was the newest. */
static void test_a_head_that_is_gone_is_told(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(put(i == 0 ? "a" : "c", 'a', 100));
        assert_ok(put(i == 0 ? "b" : "d", 'b', 100));
        close_store();
        zero_newest_head();
        open_store();
        assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 1);
        assert_holds(i == 0 ? "a" : "c", 'a', 100);
        /* The file of the newest version's object isn't thrown away by the next change. */
        assert_ok(put(i == 0 ? "e" : "f", 'e', 100));
        assert_true(quarantined_files() >= 2);
        reopen();
        assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
        assert_ok(put(i == 0 ? "odd" : "odder", 'o', 10)); /* then the other slot's turn */
    }
}

static void test_a_new_stores_blank_head_is_nothing_to_tell(void **state)
{
    (void)state;
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_FALLBACK], 0);
    assert_int_equal(fixture.notices[COFFER_NOTICE_CATALOGUE_SPARE], 0);
}

/* Put a forged catalogue in place, with the files 0 and 1 of the objects "a" and "b". */
static void forge_catalogue(const uint8_t *entries, size_t size, uint32_t counter)
{
    struct forge_tree tree = forge_sound(NULL, entries, size);
    uint8_t root_hash[FORGE_HASH_SIZE];
    size_t file_size;
    uint8_t *bytes;

    tree.counter = counter;
    bytes = forge_file(&tree, &file_size, root_hash);
    memory_device_set(disk, "dirf.db", bytes, file_size);
    free(bytes);
}

static void hash_of(const char *id, uint8_t hash[FORGE_HASH_SIZE], uint32_t *file)
{
    struct coffer_name name = step_name(id);
    struct entry entry;
    struct name inside;
    uint32_t slot;

    assert_ok(engine_name(&name, &inside));
    assert_ok(catalogue_find(&fixture.store->store.catalogue, &inside, &slot, &entry));
    memcpy(hash, entry.hash, FORGE_HASH_SIZE);
    *file = entry.file;
}

static void test_after_the_last_counter_nothing_is_committed(void **state)
{
    uint8_t entries[FORGE_ENTRY_SIZE];
    uint8_t hash[FORGE_HASH_SIZE];
    uint32_t file;

    (void)state;
    assert_ok(put("a", 'a', 100));
    hash_of("a", hash, &file);
    close_store();
    forge_entry(entries, uuid, "a", hash, file);
    forge_catalogue(entries, sizeof(entries), UINT32_MAX);
    open_store();
    assert_status(put("b", 'b', 100), COFFER_NO_SPACE);
    reopen();
    assert_holds("a", 'a', 100);
    assert_int_equal(objects_listed(), 1);
}

/* An entry that names the file of an earlier one must not come to count, nor make a later entry
 * void, when file numbers are used again. */
static void test_a_void_entry_goes_with_the_next_commit(void **state)
{
    uint8_t entries[3 * FORGE_ENTRY_SIZE];
    uint8_t hash[FORGE_HASH_SIZE];
    struct coffer_info info;
    uint32_t file;

    (void)state;
    assert_ok(put("a", 'a', 100));
    assert_ok(put("b", 'b', 100));
    hash_of("a", hash, &file);
    assert_int_equal(file, 0);
    forge_entry(entries, uuid, "a", hash, 0);
    forge_entry(entries + FORGE_ENTRY_SIZE, uuid, "void", hash, 0);
    hash_of("b", hash, &file);
    assert_int_equal(file, 1);
    forge_entry(entries + 2 * FORGE_ENTRY_SIZE, uuid, "b", hash, 1);
    close_store();
    forge_catalogue(entries, sizeof(entries), 1);
    open_store();
    assert_int_equal(fixture.notices[COFFER_NOTICE_DUPLICATE_FILE], 1);
    assert_status(stat_object("void", &info), COFFER_NOT_FOUND);
    assert_status(delete_object("void"), COFFER_NOT_FOUND);
    assert_ok(delete_object("a"));
    assert_ok(put("first", 'f', 100));  /* the first free slot */
    assert_ok(put("second", 's', 100)); /* a slot behind the void one */
    reopen();
    assert_int_equal(fixture.notices[COFFER_NOTICE_DUPLICATE_FILE], 0);
    assert_status(stat_object("void", &info), COFFER_NOT_FOUND);
    assert_int_equal(objects_listed(), 3);
    assert_holds("b", 'b', 100);
    assert_holds("first", 'f', 100);
    assert_holds("second", 's', 100);
}

/* The same when the memory is too small for an index of the names. */
static void test_a_void_entry_stays_void_without_an_index(void **state)
{
    uint8_t entries[2 * FORGE_ENTRY_SIZE];
    uint8_t hash[FORGE_HASH_SIZE];
    struct coffer_info info;
    uint32_t file;

    (void)state;
    assert_ok(put("a", 'a', 100));
    hash_of("a", hash, &file);
    forge_entry(entries, uuid, "a", hash, 0);
    forge_entry(entries + FORGE_ENTRY_SIZE, uuid, "void", hash, 0);
    close_store();
    forge_catalogue(entries, sizeof(entries), 1);
    open_store();
    fixture.store->store.catalogue.index.partial = true;
    assert_status(stat_object("void", &info), COFFER_NOT_FOUND);
    assert_status(delete_object("void"), COFFER_NOT_FOUND);
    assert_holds("a", 'a', 100);
    assert_int_equal(objects_listed(), 1);
    assert_ok(delete_object("a"));
    assert_int_equal(objects_listed(), 0);
}

static void ignore_finding(void *context, const struct coffer_finding *finding)
{
    (void)context;
    (void)finding;
}

/* A repair that can't change the catalogue leaves the object where it was. */
static void test_a_repair_that_fails_moves_the_file_back(void **state)
{
    struct coffer_check_summary summary;
    struct fault_plan plan = {.kind = FAULT_NO_SPACE};
    struct coffer_info info;
    size_t size;

    (void)state;
    assert_ok(put("x", 'x', 9000));
    reopen();
    assert_ok(stat_object("x", &info));
    memory_device_bytes(disk, "0", &size);
    for (size_t at = 2 * BLOCK; at < size; at += 64)
        memory_device_flip(disk, "0", at, 1);
    plan.at = 1; /* the first write is the catalogue's */
    memory_device_inject(disk, &plan);
    assert_ok(
        coffer_check(fixture.store, COFFER_CHECK_REPAIR, ignore_finding, NULL, NULL, &summary));
    memory_device_inject(disk, NULL);
    assert_true(plan.fired);
    assert_true(summary.damaged > 0);
    assert_int_equal(summary.repaired, 0);
    assert_true(memory_device_has(disk, "0"));
    assert_int_equal(quarantined_files(), 0);
    assert_ok(
        coffer_check(fixture.store, COFFER_CHECK_REPAIR, ignore_finding, NULL, NULL, &summary));
    assert_true(summary.repaired > 0);
    assert_int_equal(quarantined_files(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_a_head_that_is_gone_is_told),
        store_test(test_a_new_stores_blank_head_is_nothing_to_tell),
        store_test(test_after_the_last_counter_nothing_is_committed),
        store_test(test_a_void_entry_goes_with_the_next_commit),
        store_test(test_a_void_entry_stays_void_without_an_index),
        store_test(test_a_repair_that_fails_moves_the_file_back),
    };

    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
