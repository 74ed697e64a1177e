/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of catalogue slots for opening (store/abstracts.h): that it says at every time what
 * the catalogue says, and saves looking there. */
#include "fixture.h"

#include "store/catalogue_inside.h"
#include "support/bounds.h"
#include "tree/layout.h"

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

static enum coffer_status find_to_open(const struct name *name, uint32_t *slot, struct entry *entry,
                                       size_t *hash_size)
{
    return catalogue_find_to_open(catalogue(), name, catalogue_hash(catalogue(), name), slot, entry,
                                  hash_size);
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
    assert_ok(find_to_open(&inside, &slot, &entry, &hash_size));
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
    assert_status(find_to_open(&inside, &slot, &entry, &hash_size), COFFER_NOT_FOUND);
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
    struct abstracts *abstracts;
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
    assert_ok(find_to_open(&inside, &slot, &entry, &hash_size));
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

/* --- Damage --- */

/* Nothing that was read stays in memory but abstracts. */
static void drop_caches(void)
{
    struct cache *const caches[] = {fixture.store->store.objects.core,
                                    fixture.store->blocks.frames.core,
                                    fixture.store->nodes.frames.core};

    for (unsigned i = 0; i < 3; i++) {
        struct cache_statistics now;

        bounds_keep_nothing(caches[i]);
        while (cache_shrink(caches[i], UINT64_MAX, UINT32_MAX) > 0)
            ;
        cache_statistics(caches[i], &now);
        assert_int_equal(now.entries, 0);
    }
}

static enum coffer_status look_in_catalogue(const char *id)
{
    struct coffer_name name = step_name(id);
    struct name inside;
    struct entry entry;
    uint32_t slot;

    assert_ok(engine_name(&name, &inside));
    return catalogue_find(catalogue(), &inside, &slot, &entry);
}

/* What was authentic when it was taken in needs no second look; but whoever does look sees it. */
static void test_a_damaged_slot_is_opened_as_it_was(void **state)
{
    struct coffer_object *object = NULL;
    struct coffer_info info;
    uint8_t byte = 0;

    (void)state;
    assert_ok(put("a", 'a', 5000));
    assert_ok(put("b", 'b', 100));
    for (unsigned version = 0; version < 2; version++)
        memory_device_flip(disk, CATALOGUE_FILE, layout_block_offset((struct block){0}, version),
                           0x10);
    drop_caches();
    assert_status(look_in_catalogue("a"), COFFER_CORRUPT);
    assert_holds("a", 'a', 5000);

    /* A change would have to write the slot, and what lies beside it. */
    assert_ok(open_object("a", &object));
    assert_status(coffer_object_write(object, 0, &byte, 1), COFFER_CORRUPT);
    assert_handle_holds(object, 'a', 5000);
    coffer_object_close(object);
    assert_status(delete_object("b"), COFFER_CORRUPT);
    assert_opens_from_the_device("b", 'b', 100);

    drop_caches();
    (void)abstracts_shrink(&catalogue()->abstracts, UINT64_MAX, UINT32_MAX);
    object = NULL;
    assert_status(open_object("a", &object), COFFER_CORRUPT);
    assert_null(object);
    assert_status(stat_object("b", &info), COFFER_CORRUPT);
}

/* A file that is authentic, and not the one that the catalogue means. */
static void test_another_root_than_the_known_one_is_refused(void **state)
{
    struct coffer_object *object = NULL;
    struct name inside;
    struct coffer_name name = step_name("a");
    uint8_t *bytes = letter_bytes('c', 5000);
    struct entry entry;
    size_t hash_size;
    char file[9];
    uint32_t slot;
    uint8_t *before, *after;
    size_t size;

    (void)state;
    assert_ok(put("a", 'a', 5000));
    assert_ok(engine_name(&name, &inside));
    assert_ok(find_to_open(&inside, &slot, &entry, &hash_size));
    catalogue_file_name(entry.file, file);
    (void)memory_device_bytes(disk, file, &size);
    before = must_alloc(size);
    memcpy(before, memory_device_bytes(disk, file, &size), size);
    for (unsigned i = 0; i < 2; i++) { /* the first state is in neither slot then */
        assert_ok(open_object("a", &object));
        assert_ok(coffer_object_write(object, 0, bytes, 5000 - i));
        coffer_object_close(object);
    }
    after = must_alloc(size);
    memcpy(after, memory_device_bytes(disk, file, &size), size);
    memory_device_set(disk, file, before, size);
    drop_caches();
    assert_known("a");
    object = NULL;
    assert_status(open_object("a", &object), COFFER_CORRUPT);
    assert_null(object);

    memory_device_set(disk, file, after, size);
    assert_opens_from_the_device("a", 'c', 5000);
    free(after);
    free(before);
    free(bytes);
}

/* --- Names --- */

/* Of so many names some two have the same tag, but once in 10^12 runs. */
#define NAMES 500000u

struct tagged {
    uint32_t tag;
    unsigned number;
};

static int compare_tags(const void *a, const void *b)
{
    const struct tagged *first = a;
    const struct tagged *second = b;

    return (first->tag > second->tag) - (first->tag < second->tag);
}

/* Two ids that the index can't tell apart. */
static void find_twins(char ids[2][8])
{
    struct tagged *all = must_alloc(NAMES * sizeof(*all));
    unsigned at = 0;

    for (unsigned i = 0; i < NAMES; i++) {
        struct coffer_name name;
        struct name inside;

        (void)snprintf(ids[0], sizeof(ids[0]), "%u", i);
        name = step_name(ids[0]);
        assert_ok(engine_name(&name, &inside));
        all[i] = (struct tagged){catalogue_tag(catalogue(), &inside), i};
    }
    qsort(all, NAMES, sizeof(*all), compare_tags);
    while (at + 1 < NAMES && all[at].tag != all[at + 1].tag)
        at++;
    assert_true(at + 1 < NAMES);
    for (unsigned i = 0; i < 2; i++)
        (void)snprintf(ids[i], sizeof(ids[i]), "%u", all[at + i].number);
    free(all);
}

static void test_names_with_one_tag_are_told_apart(void **state)
{
    char ids[2][8];

    (void)state;
    find_twins(ids);
    assert_ok(put(ids[0], 'a', 100));
    assert_unknown(ids[1]);
    assert_ok(put(ids[1], 'b', 200));
    for (unsigned i = 0; i < 2; i++) {
        assert_known(ids[i]);
        assert_opens_from_the_device(ids[i], i == 0 ? 'a' : 'b', i == 0 ? 100 : 200);
    }
    assert_ok(delete_object(ids[0]));
    assert_unknown(ids[0]);
    assert_known(ids[1]);
    assert_ok(put(ids[0], 'c', 300)); /* now behind the other, or before it */
    assert_known(ids[0]);
    assert_known(ids[1]);
    assert_opens_from_the_device(ids[0], 'c', 300);
    assert_opens_from_the_device(ids[1], 'b', 200);
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
        store_test(test_a_damaged_slot_is_opened_as_it_was),
        store_test(test_another_root_than_the_known_one_is_refused),
        store_test(test_names_with_one_tag_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
