/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that stay open when nobody uses them (store/object_cache.h): what a reopened one costs,
 * who goes, and that none of them outlives what it was. */
#include "fixture.h"

#include "coffer/linux.h"

#define HANDLES 8u

static struct coffer_statistics statistics(void)
{
    struct coffer_statistics now;

    assert_ok(coffer_statistics_get(fixture.store, &now));
    return now;
}

static const struct coffer_cache *objects(const struct coffer_statistics *now)
{
    unsigned i = 0;

    while (i < now->cache_count && strcmp(now->caches[i].name, "objects") != 0)
        i++;
    must(i < now->cache_count);
    return &now->caches[i];
}

static uint64_t device_calls(const struct coffer_statistics *now)
{
    return now->device_reads + now->device_writes + now->device_barriers + now->device_others;
}

static uint64_t cipher_calls(const struct coffer_statistics *now)
{
    return now->seals + now->unseals + now->hashes + now->key_loads;
}

static uint64_t frame_lookups(const struct coffer_statistics *now)
{
    return now->cache_hits + now->cache_misses;
}

/* Let go of what nobody uses. */
static void forget_all(void)
{
    while (cache_shrink(fixture.store->store.objects.core, UINT64_MAX, 1000) > 0)
        continue;
}

static void test_a_reopened_object_costs_nothing(void **state)
{
    struct coffer_statistics before;
    struct coffer_statistics after;
    struct coffer_object *object;
    struct coffer_info info;

    (void)state;
    assert_ok(put("a", 'a', 1000));
    assert_holds("a", 'a', 1000);
    before = statistics();
    assert_int_equal(before.open_objects, 0);
    assert_int_equal(objects(&before)->entries, 1);
    assert_ok(open_object("a", &object));
    assert_ok(stat_object("a", &info));
    coffer_object_close(object);
    after = statistics();
    assert_int_equal(device_calls(&after), device_calls(&before));
    assert_int_equal(cipher_calls(&after), cipher_calls(&before));
    assert_int_equal(frame_lookups(&after), frame_lookups(&before)); /* no look at the catalogue */
    assert_int_equal(objects(&after)->hits, objects(&before)->hits + 2);
    assert_int_equal(objects(&after)->misses, objects(&before)->misses);

    assert_holds("a", 'a', 1000);
    after = statistics();
    assert_int_equal(device_calls(&after), device_calls(&before));
    assert_int_equal(cipher_calls(&after), cipher_calls(&before));
}

/* The read of the head, which opening makes, isn't where a sequence begins. */
static void test_the_first_read_fetches_what_it_wants(void **state)
{
    struct coffer_statistics before;
    struct coffer_statistics after;
    struct coffer_object *object;
    uint8_t bytes[5000];
    size_t got;

    (void)state;
    assert_ok(put("a", 'a', (size_t)64 * BLOCK));
    reopen();
    assert_ok(open_object("a", &object));
    before = statistics();
    assert_ok(coffer_object_read(object, 0, bytes, sizeof(bytes), &got));
    after = statistics();
    assert_int_equal(got, sizeof(bytes));
    assert_int_equal(after.device_reads, before.device_reads + 1);
    assert_int_equal(after.device_read_bytes, before.device_read_bytes + BLOCK);

    /* Going on is a sequence. */
    assert_ok(coffer_object_read(object, got, bytes, sizeof(bytes), &got));
    before = statistics();
    assert_true(before.device_read_bytes > after.device_read_bytes + BLOCK);
    coffer_object_close(object);
}

static void test_the_coldest_goes_first(void **state)
{
    const struct store_options options = {.cached_objects = 2};
    struct coffer_statistics before;
    struct coffer_statistics after;
    struct coffer_object *handles[4];
    char id[2] = "a";

    (void)state;
    for (unsigned i = 0; i < 4; i++, id[0]++)
        assert_ok(put(id, id[0], 10));
    close_store();
    open_with(&options);
    assert_holds("a", 'a', 10);
    assert_holds("b", 'b', 10);
    assert_holds("a", 'a', 10);
    assert_holds("c", 'c', 10); /* in place of b */
    before = statistics();
    assert_int_equal(objects(&before)->entries, 2);
    assert_int_equal(objects(&before)->evictions, 1);
    assert_holds("a", 'a', 10);
    assert_holds("c", 'c', 10);
    after = statistics();
    assert_int_equal(objects(&after)->misses, objects(&before)->misses);

    /* Handles know no bound. */
    for (unsigned i = 0; i < 4; i++) {
        id[0] = (char)('a' + i);
        assert_ok(open_object(id, &handles[i]));
    }
    after = statistics();
    assert_int_equal(after.open_objects, 4);
    assert_int_equal(objects(&after)->pinned, 4);
    for (unsigned i = 0; i < 4; i++)
        coffer_object_close(handles[i]);
    after = statistics();
    assert_int_equal(after.open_objects, 0);
    assert_int_equal(objects(&after)->entries, 2);
}

static void test_what_nobody_uses_can_be_deleted_and_replaced(void **state)
{
    struct coffer_object *object;

    (void)state;
    assert_ok(put("a", 'a', 5000));
    assert_holds("a", 'a', 5000);
    assert_ok(delete_object("a"));
    assert_status(open_object("a", &object), COFFER_NOT_FOUND);
    assert_ok(put("a", 'b', 100));
    assert_holds("a", 'b', 100);
    assert_ok(put_flags("a", COFFER_REPLACE, 'c', 9000));
    assert_holds("a", 'c', 9000);
    assert_int_equal(object_files(), 1);

    /* With a handle it can't, and what is refused leaves it as it is. */
    assert_ok(open_object("a", &object));
    assert_status(delete_object("a"), COFFER_BUSY);
    assert_status(put_flags("a", COFFER_REPLACE, 'd', 1), COFFER_BUSY);
    assert_handle_holds(object, 'c', 9000);
    coffer_object_close(object);
    assert_ok(delete_object("a"));
    assert_int_equal(object_files(), 0);
}

static void test_a_renamed_object_is_found_under_its_new_name_alone(void **state)
{
    struct coffer_statistics before;
    struct coffer_statistics after;
    struct coffer_object *object;

    (void)state;
    assert_ok(put("a", 'a', 100));
    assert_holds("a", 'a', 100);
    assert_ok(rename_object("a", "b"));
    before = statistics();
    assert_holds("b", 'a', 100);
    after = statistics();
    assert_int_equal(device_calls(&after), device_calls(&before));
    assert_status(open_object("a", &object), COFFER_NOT_FOUND);
    assert_ok(put("a", 'c', 50));
    assert_holds("a", 'c', 50);
    assert_holds("b", 'a', 100);

    /* Also while it has a handle. */
    assert_ok(open_object("b", &object));
    assert_ok(rename_object("b", "c"));
    assert_status(rename_object("c", "a"), COFFER_EXISTS);
    assert_status(delete_object("c"), COFFER_BUSY);
    assert_handle_holds(object, 'a', 100);
    coffer_object_close(object);
    assert_holds("c", 'a', 100);
}

static void test_a_change_that_fails_leaves_the_cached_one_as_it_was(void **state)
{
    struct fault_plan plan = {.kind = FAULT_IO_BEFORE};
    struct coffer_object *object;

    (void)state;
    assert_ok(put("a", 'a', 6000));
    assert_holds("a", 'a', 6000);
    for (plan.at = 1;; plan.at++) {
        enum coffer_status status;
        uint8_t before[3];
        size_t got;

        plan.calls = 0;
        plan.fired = false;
        assert_ok(open_object("a", &object));
        assert_ok(coffer_object_read(object, 3000, before, sizeof(before), &got));
        memory_device_inject(disk, &plan);
        status = coffer_object_write(object, 3000, "xyz", 3);
        memory_device_inject(disk, NULL);
        if (status == COFFER_OK && plan.fired) /* nodes that are read ahead are read again */
            assert_ok(coffer_object_write(object, 3000, before, sizeof(before)));
        coffer_object_close(object);
        if (status == COFFER_OK && plan.fired)
            continue;
        if (status == COFFER_OK)
            break;
        if (status == COFFER_FAILED) {
            assert_holds("a", 'a', 6000);
            reopen();
            break; /* either version is there; the others' tests look at that */
        }
        assert_status(status, COFFER_IO);
        assert_holds("a", 'a', 6000);
    }
    assert_true(plan.at > 3);
}

/* A delete that fails: the object is still what it was, though nothing of it was kept. */
static void test_a_delete_that_fails_leaves_the_object(void **state)
{
    struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = 1};

    (void)state;
    assert_ok(put("a", 'a', 6000));
    assert_holds("a", 'a', 6000);
    memory_device_inject(disk, &plan);
    assert_status(delete_object("a"), COFFER_IO);
    memory_device_inject(disk, NULL);
    assert_holds("a", 'a', 6000);
}

static void test_a_failed_open_is_not_kept(void **state)
{
    struct coffer_statistics now;
    struct coffer_object *object;
    uint8_t *bytes;
    size_t size;

    (void)state;
    assert_ok(put("a", 'a', 100));
    bytes = memory_device_bytes(disk, "0", &size);
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= 0xFF;
    for (unsigned i = 0; i < 2; i++)
        assert_status(open_object("a", &object), COFFER_CORRUPT);
    now = statistics();
    assert_int_equal(objects(&now)->load_failures, 2);
    assert_int_equal(now.open_objects, 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= 0xFF;
    assert_holds("a", 'a', 100);
}

/* What showed damage is looked at anew when it is opened again. */
static void test_a_damaged_object_is_not_kept(void **state)
{
    struct coffer_object *object;
    uint8_t byte[10];
    uint8_t *bytes;
    size_t size;
    size_t got;

    (void)state;
    assert_ok(put("a", 'a', 40000));
    assert_ok(open_object("a", &object));
    bytes = memory_device_bytes(disk, "0", &size);
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= 0xFF;
    assert_status(coffer_object_read(object, 30000, byte, sizeof(byte), &got), COFFER_CORRUPT);
    coffer_object_close(object);
    assert_status(open_object("a", &object), COFFER_CORRUPT);
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= 0xFF;
    assert_holds("a", 'a', 40000);
}

static void ignore(void *context, const struct coffer_finding *finding)
{
    (void)context;
    (void)finding;
}

/* A check looks at the device, not at what is cached; what it finds damaged isn't kept. */
static void test_a_check_sees_behind_the_cache(void **state)
{
    struct coffer_check_summary summary;
    struct coffer_object *object;
    size_t size;

    (void)state;
    assert_ok(put("a", 'a', 100));
    assert_ok(put("b", 'b', 100));
    assert_holds("a", 'a', 100);
    assert_holds("b", 'b', 100);
    memset(memory_device_bytes(disk, "0", &size), 0, 100);
    memset(memory_device_bytes(disk, "0", &size) + 4096, 0, 4096);
    assert_ok(coffer_check(fixture.store, 0, ignore, NULL, NULL, &summary));
    assert_int_equal(summary.damaged, 1);
    assert_status(open_object("a", &object), COFFER_CORRUPT);
    assert_holds("b", 'b', 100);

    /* While it has a handle it stays; then it can be put away. */
    assert_ok(open_object("b", &object));
    memset(memory_device_bytes(disk, "1", &size) + 4096, 0, 4096);
    assert_ok(coffer_check(fixture.store, COFFER_CHECK_REPAIR, ignore, NULL, NULL, &summary));
    assert_int_equal(summary.damaged, 2);
    assert_int_equal(summary.repaired, 1);
    coffer_object_close(object);
    assert_status(open_object("b", &object), COFFER_CORRUPT);
    assert_ok(coffer_check(fixture.store, COFFER_CHECK_REPAIR, ignore, NULL, NULL, &summary));
    assert_int_equal(summary.repaired, 1);
    assert_status(open_object("b", &object), COFFER_NOT_FOUND);
}

/* Objects that nobody uses never keep memory from who needs it. */
static void test_cached_objects_give_way(void **state)
{
    const struct store_options options = {.memory = COFFER_MEMORY_MIN + 65536,
                                          .cached_objects = 1000};
    struct coffer_object *handles[HANDLES];
    struct coffer_statistics now;
    char id[8];

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "%u", i);
        assert_ok(put(id, 'a', 10));
    }
    close_store();
    open_with(&options);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "%u", i);
        assert_holds(id, 'a', 10);
    }
    now = statistics();
    printf("%u objects in all of the memory\n", (unsigned)objects(&now)->entries);
    assert_true(objects(&now)->entries >= HANDLES);
    for (unsigned i = 0; i < HANDLES; i++) {
        snprintf(id, sizeof(id), "%u", i);
        assert_ok(open_object(id, &handles[i]));
    }
    assert_ok(put("new", 'n', 100000));
    for (unsigned i = 0; i < HANDLES; i++)
        coffer_object_close(handles[i]);
    now = statistics();
    assert_true(now.memory_peak <= now.memory_total);
    forget_all();
    now = statistics();
    assert_int_equal(objects(&now)->entries, 0);
}

#define MANY 800u /* objects: 24 blocks of the catalogue */

/* What was used once doesn't drive out what is used again and again. */
static void test_objects_used_once_leave_the_catalogue_in_the_cache(void **state)
{
    const struct store_options options = {
        .memory = (size_t)4 * 1024 * 1024, .cache_frames = 70, .cached_objects = MANY};
    struct coffer_statistics before;
    struct coffer_statistics after;
    char id[8];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "%u", i);
        assert_ok(put(id, 'a', 10));
    }
    close_store();
    open_with(&options);
    before = statistics();
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "%u", i * 37 % MANY);
        assert_holds(id, 'a', 10);
    }
    after = statistics();
    /* A call for each object, and some for the catalogue. */
    assert_true(after.device_reads - before.device_reads <= MANY + MANY / 8);
}

/* --- A port with one thread --- */

static unsigned locks_held;

static void count_take(void *context, struct port_lock *lock)
{
    (void)context;
    must(lock->storage[0] == 0); /* it would wait for itself */
    lock->storage[0] = 1;
    locks_held++;
}

static void count_give(void *context, struct port_lock *lock)
{
    (void)context;
    must(lock->storage[0] == 1);
    lock->storage[0] = 0;
    locks_held--;
}

static enum coffer_status plain_init(void *context, struct port_lock *lock)
{
    (void)context;
    lock->storage[0] = 0;
    return COFFER_OK;
}

static void plain_fini(void *context, struct port_lock *lock)
{
    (void)context;
    must(lock->storage[0] == 0);
}

/* Where nothing can wait everything works all the same, and nobody takes a lock twice. */
static void test_a_port_without_conditions_is_enough(void **state)
{
    struct coffer_port port = {.entropy = coffer_linux_port()->entropy,
                               .lock_init = plain_init,
                               .lock_fini = plain_fini,
                               .lock_take = count_take,
                               .lock_give = count_give};
    const struct store_options options = {.port = &port};
    struct coffer_check_summary summary;
    struct coffer_writer *writer;
    struct coffer_object *object;
    const struct coffer_name name = step_name("w");

    (void)state;
    close_store();
    open_with(&options);
    assert_ok(put("a", 'a', 9000));
    assert_ok(put_flags("a", COFFER_REPLACE, 'b', 20000));
    assert_holds("a", 'b', 20000);
    assert_ok(rename_object("a", "c"));
    assert_ok(open_object("c", &object));
    assert_ok(coffer_object_write(object, 100, "xyz", 3));
    assert_ok(coffer_object_truncate(object, 50));
    assert_status(delete_object("c"), COFFER_BUSY);
    assert_handle_holds(object, 'b', 50);
    coffer_object_close(object);
    assert_ok(coffer_writer_open(fixture.store, &name, 0, NULL, &writer));
    assert_ok(coffer_writer_write(writer, "abc", 3));
    assert_int_equal(objects_listed(), 1);
    assert_ok(coffer_writer_commit(writer));
    assert_int_equal(objects_listed(), 2);
    assert_ok(coffer_check(fixture.store, COFFER_CHECK_DEEP, ignore, NULL, NULL, &summary));
    assert_int_equal(summary.damaged, 0);
    assert_ok(delete_object("c"));
    assert_int_equal(statistics().objects, 1);
    assert_int_equal(locks_held, 0);
    close_store();
    open_store();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_a_reopened_object_costs_nothing),
        store_test(test_the_first_read_fetches_what_it_wants),
        store_test(test_the_coldest_goes_first),
        store_test(test_what_nobody_uses_can_be_deleted_and_replaced),
        store_test(test_a_renamed_object_is_found_under_its_new_name_alone),
        store_test(test_a_change_that_fails_leaves_the_cached_one_as_it_was),
        store_test(test_a_delete_that_fails_leaves_the_object),
        store_test(test_a_failed_open_is_not_kept),
        store_test(test_a_damaged_object_is_not_kept),
        store_test(test_a_check_sees_behind_the_cache),
        store_test(test_cached_objects_give_way),
        store_test(test_a_port_without_conditions_is_enough),
        store_test(test_objects_used_once_leave_the_catalogue_in_the_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
