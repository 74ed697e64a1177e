/* SPDX-License-Identifier: BSD-2-Clause */
/* The states of an entry, who can find it, sets and groups (cache/cache.h). */
#include "fixture.h"

static struct toys toys;

static struct cache_key key_of(unsigned group, uint64_t index)
{
    return (struct cache_key){.group = &toys.groups[group], .index = index};
}

static void test_an_entry_goes_through_all_its_states(void **state)
{
    const struct cache_key key = key_of(0, 7);
    struct cache_entry *entry, *found;
    struct cache_set set;
    bool claimed;

    (void)state;
    cache_set_init(&set);
    assert_null(cache_find(toys.cache, &key));
    assert_ok(cache_get(toys.cache, &key, 0, &entry, &claimed));
    assert_true(claimed);
    assert_int_equal(entry->state, CACHE_LOADING);
    assert_valid(&toys);
    assert_null(cache_find(toys.cache, &key)); /* can't be read yet */
    ((struct toy *)entry)->number = 5;
    cache_loaded(toys.cache, entry, COFFER_OK);
    assert_int_equal(entry->state, CACHE_CLEAN);
    assert_valid(&toys);
    found = cache_find(toys.cache, &key);
    assert_ptr_equal(found, entry);
    assert_int_equal(entry->pins, 2);
    cache_unpin(toys.cache, found);
    cache_dirty(toys.cache, entry, &set);
    cache_dirty(toys.cache, entry, &set); /* it is already */
    assert_int_equal(entry->state, CACHE_DIRTY);
    assert_int_equal(set.count, 1);
    assert_valid(&toys);
    assert_true(cache_write_begin(toys.cache, entry));
    assert_int_equal(entry->state, CACHE_WRITING);
    assert_valid(&toys);
    found = cache_find(toys.cache, &key); /* can be read meanwhile */
    assert_ptr_equal(found, entry);
    cache_unpin(toys.cache, found);
    cache_write_end(toys.cache, entry, COFFER_IO);
    assert_int_equal(entry->state, CACHE_DIRTY);
    assert_int_equal(set.count, 1);
    assert_valid(&toys);
    assert_true(cache_write_begin(toys.cache, entry));
    cache_write_end(toys.cache, entry, COFFER_OK);
    assert_int_equal(entry->state, CACHE_CLEAN);
    assert_int_equal(set.count, 0);
    assert_false(cache_write_begin(toys.cache, entry)); /* there is nothing to write */
    assert_valid(&toys);
    cache_forget(toys.cache, entry);
    assert_int_equal(entry->state, CACHE_SPARE);
    assert_null(cache_find(toys.cache, &key));
    assert_int_equal(toys.let_go, 1);
    assert_valid(&toys);
}

static void test_a_load_that_fails_leaves_nothing(void **state)
{
    const struct cache_key key = key_of(0, 7);
    struct cache_entry *entry;
    bool claimed;

    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        assert_ok(cache_get(toys.cache, &key, 0, &entry, &claimed));
        assert_true(claimed);
        ((struct toy *)entry)->number = 99; /* half of it came */
        cache_loaded(toys.cache, entry, COFFER_CORRUPT);
        assert_valid(&toys);
        assert_null(cache_find(toys.cache, &key));
        assert_int_equal(toys.let_go, i);
        assert_int_equal(toys_statistics(&toys).counters.load_failures, i);
        assert_int_equal(toys_statistics(&toys).pinned, 0);
    }
    toys_use(&toys, 0, 7);
}

static void test_what_is_being_loaded_is_busy_for_who_cannot_wait(void **state)
{
    const struct cache_key key = key_of(0, 7);
    struct cache_entry *entry, *other = NULL;
    bool claimed;

    (void)state;
    assert_ok(cache_get(toys.cache, &key, 0, &entry, &claimed));
    claimed = false;
    assert_status(cache_get(toys.cache, &key, 0, &other, &claimed), COFFER_BUSY);
    assert_status(cache_get(toys.cache, &key, CACHE_NO_WAIT, &other, &claimed), COFFER_BUSY);
    assert_true(other == NULL && !claimed);
    assert_valid(&toys);
    cache_loaded(toys.cache, entry, COFFER_OK);
    cache_unpin(toys.cache, entry);
}

static void test_keys_differ_by_group_and_by_index(void **state)
{
    struct cache_key none = {.group = NULL, .index = 3};
    struct cache_entry *entry, *again;
    struct toy *all[3][4];
    bool claimed;

    (void)state;
    for (unsigned group = 0; group < 3; group++)
        for (unsigned i = 0; i < 2; i++)
            all[group][i] = toys_get(&toys, group, i, 0);
    for (unsigned group = 0; group < 3; group++)
        for (unsigned i = 0; i < 2; i++) {
            assert_ptr_equal(toys_get(&toys, group, i, 0), all[group][i]);
            toys_unpin(&toys, all[group][i]);
            toys_unpin(&toys, all[group][i]);
        }
    assert_ok(cache_get(toys.cache, &none, 0, &entry, &claimed)); /* of no group */
    assert_true(claimed);
    cache_loaded(toys.cache, entry, COFFER_OK);
    assert_ok(cache_get(toys.cache, &none, 0, &again, &claimed));
    assert_false(claimed);
    assert_ptr_equal(again, entry);
    assert_valid(&toys);
    cache_unpin(toys.cache, entry);
    cache_unpin(toys.cache, entry);
}

static bool same_more(const struct cache_entry *entry, const void *more)
{
    must(toys.held);
    return ((const struct toy *)entry)->more == *(const char *)more;
}

static void test_a_type_may_tell_apart_what_has_one_index(void **state)
{
    struct cache_key keys[2] = {key_of(0, 1), key_of(0, 1)};
    struct cache_entry *entries[2];
    bool claimed;

    (void)state;
    toys.type.same = same_more;
    for (unsigned i = 0; i < 2; i++) {
        keys[i].more = i == 0 ? "a" : "b";
        assert_ok(cache_get(toys.cache, &keys[i], 0, &entries[i], &claimed));
        assert_true(claimed);
        ((struct toy *)entries[i])->more = *(const char *)keys[i].more;
        cache_loaded(toys.cache, entries[i], COFFER_OK);
    }
    assert_ptr_not_equal(entries[0], entries[1]);
    for (unsigned i = 0; i < 2; i++) {
        assert_ptr_equal(cache_find(toys.cache, &keys[i]), entries[i]);
        cache_unpin(toys.cache, entries[i]);
        cache_unpin(toys.cache, entries[i]);
    }
    assert_valid(&toys);
}

static void test_pins_count(void **state)
{
    struct toy *toy = toys_get(&toys, 0, 1, 0);

    (void)state;
    cache_pin(toys.cache, &toy->core);
    cache_pin(toys.cache, &toy->core);
    assert_int_equal(toys_statistics(&toys).pinned, 1);
    for (unsigned left = 3; left > 0; left--) {
        for (unsigned i = 10; i < 30; i++)
            toys_use(&toys, 1, i);
        assert_true(toys_has(&toys, 0, 1));
        toys_unpin(&toys, toy);
        assert_valid(&toys);
    }
    assert_int_equal(toys_statistics(&toys).pinned, 0);
    for (unsigned i = 10; i < 30; i++)
        toys_use(&toys, 1, i);
    assert_false(toys_has(&toys, 0, 1));
}

/* --- Sets and groups --- */

static void dirty(unsigned group, uint64_t index, struct cache_set *set)
{
    struct toy *toy = toys_get(&toys, group, index, 0);

    assert_non_null(toy);
    cache_dirty(toys.cache, &toy->core, set);
    toys_unpin(&toys, toy);
}

static void test_a_set_is_walked_by_index_while_it_is_written(void **state)
{
    static const uint64_t indexes[] = {5, 1, 9, 3};
    struct cache_entry *previous = NULL;
    struct cache_set set, other;
    uint64_t last = 0;
    unsigned count = 0;

    (void)state;
    cache_set_init(&set);
    cache_set_init(&other);
    for (unsigned i = 0; i < 4; i++)
        dirty(i % 2, indexes[i], &set);
    dirty(2, 5, &set); /* the same index as another group's */
    dirty(2, 4, &other);
    assert_valid(&toys);
    assert_int_equal(toys_statistics(&toys).dirty, 6);
    for (;;) {
        struct cache_entry *entry = cache_set_next(toys.cache, &set, previous);

        if (previous != NULL)
            cache_unpin(toys.cache, previous);
        previous = entry;
        if (entry == NULL)
            break;
        assert_true(entry->index >= last && entry->index != 4);
        last = entry->index;
        count++;
        if (count == 3)
            continue; /* one stays dirty */
        assert_true(cache_write_begin(toys.cache, entry));
        cache_write_end(toys.cache, entry, COFFER_OK);
        assert_valid(&toys);
    }
    assert_int_equal(count, 5);
    assert_int_equal(set.count, 1);
    assert_int_equal(other.count, 1);
    assert_int_equal(toys_statistics(&toys).counters.write_backs, 4);
    for (unsigned i = 0; i < 3; i++) /* dirty ones leave their sets */
        cache_forget_group(toys.cache, &toys.groups[i]);
    assert_int_equal(set.count, 0);
    assert_int_equal(other.count, 0);
    assert_int_equal(toys_statistics(&toys).dirty, 0);
    assert_valid(&toys);
}

static void test_what_is_discarded_stays_with_who_uses_it(void **state)
{
    struct toy *first;
    struct toy *second;
    struct toy *anew;

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 4);
    first = toys_get(&toys, 0, 7, 0);
    second = toys_get(&toys, 0, 7, 0);
    assert_ptr_equal(first, second);
    cache_discard(toys.cache, &first->core);
    assert_valid(&toys);
    assert_false(toys_has(&toys, 0, 7));
    assert_int_equal(second->number, 8);
    assert_int_equal(toys.let_go, 0);
    anew = toys_get(&toys, 0, 7, 0); /* another one of the same key */
    assert_ptr_not_equal(anew, second);
    toys_unpin(&toys, second);
    assert_int_equal(toys.let_go, 1);
    assert_true(toys_has(&toys, 0, 7));
    assert_valid(&toys);
    cache_discard(toys.cache, &anew->core); /* nobody else: it goes at once */
    assert_int_equal(toys.let_go, 2);
    assert_int_equal(toys_statistics(&toys).spare, 2);
    assert_valid(&toys);
    toys_end(&toys);
}

static void set_more(struct cache_entry *entry, const void *more)
{
    ((struct toy *)entry)->more = *(const char *)more;
}

static void test_an_entry_gets_another_key(void **state)
{
    const struct cache_bounds bounds = {.entries_max = 4};
    struct cache_key key = {.index = 3, .more = "a"};
    const struct cache_key other = {.index = 900, .more = "b"};
    struct cache_entry *entry;
    bool claimed;

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    toys.type.same = same_more;
    toys.type.set_name = set_more;
    assert_ok(
        cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds, &toys.cache));
    assert_ok(cache_get(toys.cache, &key, 0, &entry, &claimed));
    assert_true(claimed);
    assert_int_equal(((struct toy *)entry)->more, 'a'); /* named when it is claimed */
    cache_loaded(toys.cache, entry, COFFER_OK);
    cache_rekey(toys.cache, entry, &other);
    assert_int_equal(((struct toy *)entry)->more, 'b');
    cache_unpin(toys.cache, entry);
    assert_valid(&toys);
    assert_null(cache_find_quietly(toys.cache, &key));
    assert_int_equal(toys_statistics(&toys).counters.misses, 1); /* the claim alone */
    assert_ptr_equal(cache_find_quietly(toys.cache, &other), entry);
    assert_int_equal(toys_statistics(&toys).counters.hits, 1);

    /* What was discarded meanwhile isn't found under any key. */
    cache_pin(toys.cache, entry);
    cache_discard(toys.cache, entry);
    cache_rekey(toys.cache, entry, &key);
    assert_null(cache_find_quietly(toys.cache, &key));
    assert_null(cache_find_quietly(toys.cache, &other));
    cache_unpin(toys.cache, entry);
    assert_valid(&toys);
    toys_end(&toys);
}

static void test_a_group_is_forgotten_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        toys_use(&toys, 0, i);
        toys_use(&toys, 1, i);
    }
    cache_forget_group(toys.cache, &toys.groups[0]);
    assert_valid(&toys);
    assert_int_equal(toys.let_go, 4);
    assert_int_equal(toys_statistics(&toys).spare, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_true(toys_has(&toys, 1, i) && !toys_has(&toys, 0, i));
}

static void test_every_number_is_exact(void **state)
{
    struct cache_statistics now;
    struct toy *toy;

    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 10; i++)
            toys_use(&toys, 0, i); /* of 8 entries: LRU keeps nothing of a longer round */
    toy = toys_get(&toys, 0, 9, 0);
    now = toys_statistics(&toys);
    assert_string_equal(now.name, "toys");
    assert_int_equal(now.counters.hits, 1);
    assert_int_equal(now.counters.misses, 20);
    assert_int_equal(now.counters.evictions, 12);
    assert_int_equal(now.entries, 8);
    assert_int_equal(now.entries_peak, 8);
    assert_int_equal(now.bytes, 8 * TOY_BYTES);
    assert_int_equal(now.bytes_peak, 8 * TOY_BYTES);
    assert_int_equal(now.pinned, 1);
    assert_int_equal(now.spare, 0);
    assert_int_equal(now.counters.refusals, 0);
    assert_int_equal(toys.made, 8);
    assert_int_equal(toys.makes, 8);
    toys_unpin(&toys, toy);
}

static int set_up(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_LRU, 2, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    toys_end(&toys);
    return 0;
}

#define toys_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        toys_test(test_an_entry_goes_through_all_its_states),
        toys_test(test_a_load_that_fails_leaves_nothing),
        toys_test(test_what_is_being_loaded_is_busy_for_who_cannot_wait),
        toys_test(test_keys_differ_by_group_and_by_index),
        toys_test(test_a_type_may_tell_apart_what_has_one_index),
        toys_test(test_pins_count),
        toys_test(test_a_set_is_walked_by_index_while_it_is_written),
        cmocka_unit_test(test_what_is_discarded_stays_with_who_uses_it),
        cmocka_unit_test(test_an_entry_gets_another_key),
        toys_test(test_a_group_is_forgotten_alone),
        toys_test(test_every_number_is_exact),
    };

    return cmocka_run_group_tests_name("cache states", tests, NULL, NULL);
}
