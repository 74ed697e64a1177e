/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of catalogue slots for opening (store/abstracts.h): that it says at every time what
 * the catalogue says, and saves looking there. */
#include "fixture.h"

static struct catalogue *catalogue(void)
{
    return &fixture.store->store.catalogue;
}

static uint64_t frame_lookups(void)
{
    struct coffer_statistics now;

    assert_ok(coffer_statistics_get(fixture.store, &now));
    return now.cache_hits + now.cache_misses;
}

/* The object is found without the catalogue, and as the catalogue has it. */
static void assert_known(const char *id)
{
    struct coffer_name name = step_name(id);
    struct entry entry, expected;
    uint32_t slot, expected_slot;
    struct name inside;
    uint64_t before;
    size_t hash_size;

    assert_ok(engine_name(&name, &inside));
    before = frame_lookups();
    assert_ok(catalogue_find_to_open(catalogue(), &inside, &slot, &entry, &hash_size));
    assert_int_equal(frame_lookups(), before);
    assert_int_equal(hash_size, ABSTRACT_HASH_SIZE);
    assert_ok(catalogue_find(catalogue(), &inside, &expected_slot, &expected));
    assert_int_equal(slot, expected_slot);
    assert_int_equal(entry.file, expected.file);
    assert_memory_equal(entry.hash, expected.hash, ABSTRACT_HASH_SIZE);
    assert_true(name_equal(&entry.name, &inside));
}

static void assert_unknown(const char *id)
{
    struct coffer_name name = step_name(id);
    struct name inside;
    struct entry entry;
    size_t hash_size;
    uint32_t slot;

    assert_ok(engine_name(&name, &inside));
    assert_status(catalogue_find_to_open(catalogue(), &inside, &slot, &entry, &hash_size),
                  COFFER_NOT_FOUND);
}

/* An open that finds nothing of the object in memory. */
static void assert_opens_from_the_device(const char *id, char letter, size_t size)
{
    while (cache_shrink(fixture.store->store.objects.core, 1, 8) > 0)
        ;
    assert_holds(id, letter, size);
}

static void test_they_go_with_the_catalogue(void **state)
{
    struct coffer_object *object;
    struct coffer_writer *writer;
    struct coffer_name name = step_name("a");
    uint8_t *bytes = letter_bytes('c', 5000);

    (void)state;
    assert_ok(put("a", 'a', 100));
    assert_ok(put("b", 'b', 5000));
    assert_known("a");
    assert_known("b");
    assert_unknown("c");

    /* Replaced, by a commit and not by what is given up. */
    assert_ok(put_flags("a", COFFER_REPLACE, 'x', 3000));
    assert_known("a");
    assert_opens_from_the_device("a", 'x', 3000);
    assert_ok(coffer_writer_open(fixture.store, &name, COFFER_REPLACE, NULL, &writer));
    assert_ok(coffer_writer_write(writer, bytes, 5000));
    coffer_writer_abort(writer);
    assert_known("a");
    assert_opens_from_the_device("a", 'x', 3000);

    /* Changed: another root hash. */
    assert_ok(open_object("b", &object));
    assert_ok(coffer_object_write(object, 0, bytes, 5000));
    coffer_object_close(object);
    assert_known("b");
    assert_opens_from_the_device("b", 'c', 5000);

    assert_ok(rename_object("b", "c"));
    assert_unknown("b");
    assert_known("c");
    assert_opens_from_the_device("c", 'c', 5000);

    assert_ok(delete_object("a"));
    assert_unknown("a");
    assert_ok(put("d", 'd', 10)); /* in the slot of "a" */
    assert_unknown("a");
    assert_known("d");
    reopen();
    assert_unknown("a");
    assert_known("c");
    assert_known("d");
    assert_opens_from_the_device("d", 'd', 10);
    free(bytes);
}

static void test_a_change_that_fails_changes_none(void **state)
{
    struct fault_plan plan = {.kind = FAULT_IO_BEFORE};
    enum coffer_status status;

    (void)state;
    assert_ok(put("a", 'a', 100));
    for (plan.at = 1;; plan.at++) {
        plan.calls = 0;
        plan.fired = false;
        memory_device_inject(disk, &plan);
        status = put_flags("a", COFFER_REPLACE, 'x', 3000);
        memory_device_inject(disk, NULL);
        if (status != COFFER_IO)
            break;
        assert_known("a");
        assert_opens_from_the_device("a", 'a', 100);
    }
    assert_true(plan.at > 2);
    assert_status(status, COFFER_FAILED); /* the switch's outcome: a matter of the next opening */
    reopen();
    assert_known("a");
}

static void assert_all_known(unsigned count)
{
    char id[8];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(id, sizeof(id), "%u", i);
        assert_known(id);
    }
}

static void put_many(unsigned count)
{
    char id[8];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(id, sizeof(id), "%u", i);
        assert_ok(put(id, 'm', 20));
    }
}

/* What is asked back is lost, frame by frame from the end, and comes back by being opened. */
static void test_frames_go_and_come(void **state)
{
    struct abstracts *abstracts = &catalogue()->abstracts;
    struct coffer_name name = step_name("299");
    struct name inside;
    struct entry entry;
    size_t hash_size;
    uint32_t slot;

    (void)state;
    put_many(300);
    assert_all_known(300);
    reopen();
    abstracts = &catalogue()->abstracts;
    assert_all_known(300);
    assert_int_equal(abstracts_shrink(abstracts, 1, 8), FRAME_SIZE);
    assert_all_known(256);
    assert_ok(engine_name(&name, &inside));
    assert_ok(catalogue_find_to_open(catalogue(), &inside, &slot, &entry, &hash_size));
    assert_int_equal(hash_size, sizeof(entry.hash));
    assert_known("299");
    assert_ok(delete_object("298")); /* of which nothing is known */
    assert_unknown("298");

    assert_int_equal(abstracts_shrink(abstracts, UINT64_MAX, 2), 2 * FRAME_SIZE);
    assert_int_equal(abstracts_shrink(abstracts, UINT64_MAX, 2), FRAME_SIZE);
    assert_false(abstracts_can_shrink(abstracts));
    assert_ok(delete_object("7"));
    assert_ok(put("7", 'n', 30));
    assert_opens_from_the_device("7", 'n', 30);
    assert_known("7");

    abstracts_fini(abstracts); /* there is never a place any more */
    assert_opens_from_the_device("299", 'm', 20);
    assert_ok(delete_object("8"));
    assert_ok(put("8", 'n', 30));
    assert_opens_from_the_device("8", 'n', 30);
}

/* Nobody is refused a frame while they have one, and they take none that others may want. */
static void test_they_give_way(void **state)
{
    static void *taken[1 << 16];
    struct abstracts *abstracts = &catalogue()->abstracts;
    struct memory *memory = fixture.store->memory;
    struct owner owner;
    size_t count = 0;

    (void)state;
    put_many(300);
    assert_true(abstracts_can_shrink(abstracts));
    assert_ok(account_open_owner(&memory->account, "hog", &owner));
    while (frames_take(memory->frames, owner, 1, &taken[count]) == COFFER_OK)
        must(++count < sizeof(taken) / sizeof(taken[0]));
    assert_false(abstracts_can_shrink(abstracts));

    while (count > 0 && memory_free_frames(memory) < abstracts->free_min)
        assert_ok(frames_give(memory->frames, taken[--count]));
    assert_opens_from_the_device("17", 'm', 20);
    assert_false(abstracts_can_shrink(abstracts));
    while (count > 0)
        assert_ok(frames_give(memory->frames, taken[--count]));
    assert_opens_from_the_device("17", 'm', 20);
    assert_known("17");
}

/* The table of names grows in their stead. */
static void test_names_come_first(void **state)
{
    const struct store_options small = {.memory = (size_t)512 * 1024};

    (void)state;
    close_store();
    open_with(&small);
    put_many(3400);
    assert_false(catalogue()->index.partial);
    assert_opens_from_the_device("3399", 'm', 20);
    assert_known("3399");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_they_go_with_the_catalogue),
        store_test(test_a_change_that_fails_changes_none),
        store_test(test_frames_go_and_come),
        store_test(test_they_give_way),
        store_test(test_names_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
