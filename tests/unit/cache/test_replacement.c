/* SPDX-License-Identifier: BSD-2-Clause */
/* Who goes, and when: policies, write-back, bounds, shrinking, expiry, shares. */
#include "fixture.h"

#include <stdio.h>

static struct toys toys;

/* What is here of group 0, as a string of its indexes below 10. */
static const char *here(void)
{
    static char text[11];
    unsigned used = 0;

    for (unsigned i = 0; i < 10; i++)
        if (toys_has(&toys, 0, i))
            text[used++] = (char)('0' + i);
    text[used] = '\0';
    return text;
}

/* Use what the string says, one after the other. */
static void use(const char *indexes)
{
    for (; *indexes != '\0'; indexes++)
        toys_use(&toys, 0, (uint64_t)(*indexes - '0'));
}

static void test_lru_keeps_what_was_used_last(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 3);
    use("0120");
    use("3");
    assert_string_equal(here(), "023");
    use("24");
    assert_string_equal(here(), "234");
    use("5");
    assert_string_equal(here(), "245");
    toys_end(&toys);
}

static void test_lru_counts_a_use_until_its_end(void **state)
{
    struct toy *toy;

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 3);
    toy = toys_get(&toys, 0, 0, 0);
    use("12");
    toys_unpin(&toys, toy);
    use("3");
    assert_string_equal(here(), "023");
    toys_end(&toys);
}

/* What is evicted for another goes to it as it is; what becomes spare, or goes, was let go of. */
static void test_a_type_that_renews(void **state)
{
    const struct cache_bounds bounds = {.entries_max = 3};
    struct cache_entry *entry;
    bool claimed;

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    toys.type.renew = toys_renew;
    assert_ok(
        cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds, &toys.cache));
    use("0123");
    assert_int_equal(toys.renewed, 1);
    assert_int_equal(toys.let_go, 0);
    assert_ok(cache_get(toys.cache, &(struct cache_key){.group = &toys.groups[0], .index = 4}, 0,
                        &entry, &claimed));
    assert_true(claimed);
    assert_int_equal(toys.renewed, 2);
    assert_int_equal(((struct toy *)entry)->number, 2); /* of the one that was 1 */
    cache_loaded(toys.cache, entry, COFFER_CORRUPT);
    assert_int_equal(toys.let_go, 1);
    assert_int_equal(((struct toy *)entry)->number, 0);
    use("4"); /* from the spare ones */
    assert_int_equal(toys.renewed, 2);
    assert_string_equal(here(), "234");
    assert_int_equal(cache_shrink(toys.cache, TOY_BYTES, 9), TOY_BYTES);
    assert_int_equal(toys.let_go, 2);
    assert_valid(&toys);
    toys_end(&toys);
}

/* A load that is over at once with its use. */
static void test_filled_is_loaded_and_unpinned(void **state)
{
    const struct cache_key key = {.group = &toys.groups[0], .index = 7};
    struct cache_entry *entry;
    bool claimed;

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 3);
    toys.now = 100;
    assert_ok(cache_get(toys.cache, &key, 0, &entry, &claimed));
    ((struct toy *)entry)->number = 8;
    cache_filled(toys.cache, entry);
    assert_int_equal(entry->state, CACHE_CLEAN);
    assert_int_equal(entry->pins, 0);
    assert_int_equal(toys_statistics(&toys).pinned, 0);
    assert_true(toys_has(&toys, 0, 7));
    assert_valid(&toys);
    use("123");
    assert_false(toys_has(&toys, 0, 7));
    toys_end(&toys);
}

static void test_clock_gives_a_second_chance(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_CLOCK, 0, 3);
    use("012");
    use("0"); /* marked */
    use("3"); /* passes 0 and takes 1 */
    assert_string_equal(here(), "023");
    use("4"); /* the hand stands at 2; then come 0, whose mark is used up, and 3 */
    assert_string_equal(here(), "034");
    use("5");
    assert_string_equal(here(), "345");
    use("345"); /* all marked: the hand goes round once and takes the first */
    use("6");
    assert_string_equal(here(), "456");
    toys_end(&toys);
}

static void test_round_robin_asks_for_no_use(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_ROUND_ROBIN, 0, 3);
    use("012");
    use("00001");
    use("3");
    assert_string_equal(here(), "123");
    use("1114");
    assert_string_equal(here(), "234");
    toys_end(&toys);
}

/* For each policy: what is pinned stays and stops nobody, and comes in last when it is met. */
static void test_what_is_pinned_is_skipped(void **state)
{
    (void)state;
    for (unsigned policy = CACHE_LRU; policy <= CACHE_ROUND_ROBIN; policy++) {
        struct toy *first, *second;

        toys_open(&toys, (enum cache_policy)policy, 0, 4);
        use("0123");
        first = toys_get(&toys, 0, 0, 0);
        second = toys_get(&toys, 0, 1, 0);
        use("45");
        assert_string_equal(here(), "0145");
        use("67");
        assert_string_equal(here(), "0167");
        assert_valid(&toys);
        toys_unpin(&toys, first);
        toys_unpin(&toys, second);
        assert_valid(&toys);
        use("8");
        assert_string_equal(here(), "0178");
        toys_end(&toys);
    }
}

static void test_when_everything_is_pinned_there_is_no_memory(void **state)
{
    struct toy *pinned[3];

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 3);
    for (unsigned i = 0; i < 3; i++)
        pinned[i] = toys_get(&toys, 0, i, 0);
    assert_null(toys_get(&toys, 0, 3, 0));
    assert_int_equal(toys_statistics(&toys).counters.refusals, 1);
    assert_valid(&toys);
    toys_unpin(&toys, pinned[1]);
    use("3");
    assert_string_equal(here(), "023");
    toys_unpin(&toys, pinned[0]);
    toys_unpin(&toys, pinned[2]);
    toys_end(&toys);
}

/* --- Dirty ones --- */

static void dirty(uint64_t index, struct cache_set *set)
{
    struct toy *toy = toys_get(&toys, 0, index, 0);

    assert_non_null(toy);
    cache_dirty(toys.cache, &toy->core, set);
    toys_unpin(&toys, toy);
}

static void test_dirty_entries_stay_until_their_owner_writes_them(void **state)
{
    struct cache_entry *entry;
    struct cache_set set;

    (void)state;
    cache_set_init(&set);
    for (unsigned policy = CACHE_LRU; policy <= CACHE_ROUND_ROBIN; policy++) {
        toys_open(&toys, (enum cache_policy)policy, 0, 3);
        dirty(0, &set);
        dirty(1, &set);
        use("23456");
        assert_string_equal(here(), "016");
        assert_valid(&toys);
        dirty(6, &set);
        assert_null(toys_get(&toys, 0, 7, 0));
        entry = cache_set_next(toys.cache, &set, NULL);
        assert_true(cache_write_begin(toys.cache, entry));
        cache_write_end(toys.cache, entry, COFFER_OK);
        cache_unpin(toys.cache, entry);
        use("7");
        assert_string_equal(here(), "167");
        assert_valid(&toys);
        cache_forget_group(toys.cache, &toys.groups[0]);
        toys_end(&toys);
    }
}

static void test_a_victim_is_written_before_it_goes(void **state)
{
    struct cache_set set;

    (void)state;
    cache_set_init(&set);
    for (unsigned policy = CACHE_LRU; policy <= CACHE_ROUND_ROBIN; policy++) {
        toys_begin(&toys, (enum cache_policy)policy);
        toys.type.write_back = toys_write_back;
        assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys,
                             &(struct cache_bounds){.entries_max = 3}, &toys.cache));
        dirty(0, &set);
        use("12");
        use("3"); /* writes 0 alone, and takes it: being written is no use of it */
        assert_int_equal(toys.written, 1);
        assert_int_equal(toys.last_written, 0);
        assert_int_equal(set.count, 0);
        assert_string_equal(here(), "123");
        assert_valid(&toys);
        toys_end(&toys);
    }
}

static void test_a_write_back_that_fails_loses_nothing(void **state)
{
    struct cache_entry *entry = NULL;
    struct cache_key key;
    struct cache_set set;
    bool claimed = false;

    (void)state;
    cache_set_init(&set);
    toys_begin(&toys, CACHE_LRU);
    toys.type.write_back = toys_write_back;
    assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys,
                         &(struct cache_bounds){.entries_max = 4}, &toys.cache));
    key = (struct cache_key){.group = &toys.groups[0], .index = 4};
    dirty(0, &set);
    dirty(1, &set);
    use("23");
    toys.fail_writes = true;
    use("4"); /* two fail, then there is a clean one */
    assert_string_equal(here(), "0134");
    assert_int_equal(set.count, 2);
    assert_int_equal(toys_statistics(&toys).counters.write_failures, 2);
    assert_valid(&toys);
    dirty(3, &set);
    dirty(4, &set);
    key.index = 5;
    assert_status(cache_get(toys.cache, &key, 0, &entry, &claimed), COFFER_IO);
    assert_true(entry == NULL && !claimed);
    assert_string_equal(here(), "0134");
    assert_int_equal(set.count, 4);
    assert_valid(&toys);
    toys.fail_writes = false;
    use("5");
    assert_int_equal(set.count, 3);
    assert_valid(&toys);
    cache_forget_group(toys.cache, &toys.groups[0]);
    toys_end(&toys);
}

/* --- Bounds --- */

static enum coffer_status open_within(size_t min, size_t max, uint64_t bytes)
{
    const struct cache_bounds bounds = {.entries_min = min, .entries_max = max, .bytes_max = bytes};

    return cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds,
                      &toys.cache);
}

static void test_bounds_are_in_entries_or_bytes(void **state)
{
    static const struct cache_bounds bounds[] = {
        {.entries_min = 1, .entries_max = 3},
        {.bytes_max = 3 * TOY_BYTES + 99},
        {.entries_max = 3, .bytes_max = 9 * TOY_BYTES},
        {.entries_max = 9, .bytes_max = 3 * TOY_BYTES},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        toys_begin(&toys, CACHE_LRU);
        assert_ok(open_within(bounds[i].entries_min, bounds[i].entries_max, bounds[i].bytes_max));
        use("012345");
        assert_int_equal(toys.made, 3);
        assert_int_equal(toys_statistics(&toys).entries_peak, 3);
        assert_string_equal(here(), "345");
        assert_valid(&toys);
        toys_end(&toys);
    }
}

static void test_bounds_that_contradict_one_another_are_refused(void **state)
{
    (void)state;
    toys_begin(&toys, CACHE_LRU);
    assert_status(open_within(5, 4, 0), COFFER_MISUSE);
    assert_status(open_within(2, 4, TOY_BYTES), COFFER_MISUSE);
    assert_status(open_within(0, 0, TOY_BYTES - 1), COFFER_MISUSE);
    assert_null(toys.cache);
    assert_int_equal(toys.makes, 0);
    toys_end(&toys);
}

static void use_another(void)
{
    use("5");
}

/* N6, with what others do while an entry is made. */
static void test_bounds_hold_while_entries_are_made(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_LRU, 1, 3);
    use("12");
    toys.in_make = use_another;
    use("3"); /* the last that may be made: the other takes what is here */
    assert_int_equal(toys.makes, 3);
    assert_string_equal(here(), "235");
    assert_valid(&toys);
    toys_end(&toys);
}

static void test_shrinking_gives_back_spare_ones_first(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_LRU, 2, 8);
    use("01234567");
    cache_forget(toys.cache, &toys_get(&toys, 0, 7, 0)->core);
    assert_int_equal(cache_shrink(toys.cache, 1, 9), TOY_BYTES); /* rounded up */
    assert_string_equal(here(), "0123456");
    assert_int_equal(cache_shrink(toys.cache, UINT64_MAX, 2), 2 * TOY_BYTES); /* two steps */
    assert_string_equal(here(), "23456");
    assert_valid(&toys);
    assert_int_equal(cache_shrink(toys.cache, UINT64_MAX, 99), 3 * TOY_BYTES);
    assert_string_equal(here(), "56");
    assert_int_equal(cache_shrink(toys.cache, UINT64_MAX, 99), 0);
    assert_int_equal(toys.made, 2);
    assert_int_equal(toys_statistics(&toys).counters.shrunk_bytes, 6 * TOY_BYTES);
    toys_end(&toys);
}

/* --- Time --- */

static void test_what_was_not_used_for_long_expires(void **state)
{
    struct cache_set set;
    struct toy *pinned;

    (void)state;
    cache_set_init(&set);
    toys_begin(&toys, CACHE_CLOCK);
    toys.now = 1000;
    toys.type.write_back = toys_write_back;
    assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys,
                         &(struct cache_bounds){.entries_max = 8}, &toys.cache));
    toys.now = 2000;
    use("01");
    toys.now = 3000;
    use("2");
    dirty(3, &set);
    pinned = toys_get(&toys, 0, 4, 0);
    toys.now = 4000;
    assert_false(cache_expire(toys.cache, 3000, 999)); /* goes by what the clock was at open */
    assert_string_equal(here(), "01234");
    toys.now = 5000;
    use("1"); /* a hit; the clock was last read at 4000 */
    assert_false(cache_expire(toys.cache, 2500, 999));
    assert_string_equal(here(), "1234");
    assert_int_equal(toys_statistics(&toys).counters.expirations, 1);
    assert_valid(&toys);
    toys.now = 6000;
    toys.fail_writes = true;
    assert_false(cache_expire(toys.cache, 3500, 999));
    assert_string_equal(here(), "134"); /* 3 could not be written */
    assert_int_equal(set.count, 1);
    toys.fail_writes = false;
    toys.now = 7000;
    assert_false(cache_expire(toys.cache, 3500, 999));
    assert_string_equal(here(), "14");
    assert_int_equal(toys.written, 1);
    assert_int_equal(toys_statistics(&toys).counters.expirations, 3);
    toys_unpin(&toys, pinned);
    assert_valid(&toys);
    toys_end(&toys);
}

static void test_what_is_used_in_every_round_never_expires(void **state)
{
    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 4);
    use("01");
    for (unsigned round = 0; round < 20; round++) {
        toys.now += 1000000;
        use("0");
        (void)cache_expire(toys.cache, toys.now, 999);
        assert_true(toys_has(&toys, 0, 0));
    }
    assert_string_equal(here(), "0");
    toys_end(&toys);
}

static void test_expiry_goes_on_where_it_ended(void **state)
{
    unsigned calls = 1;

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 8);
    use("01234567");
    toys.now = 1000;
    while (cache_expire(toys.cache, 0, 3))
        calls++;
    assert_int_equal(calls, 3); /* 8 chains */
    assert_string_equal(here(), "01234567");
    toys.now = 2000;
    while (cache_expire(toys.cache, 1000, 1))
        assert_valid(&toys);
    assert_string_equal(here(), "");
    assert_int_equal(toys_statistics(&toys).spare, 8);
    toys_end(&toys);
}

static void test_without_a_clock_misses_are_time(void **state)
{
    (void)state;
    toys_begin(&toys, CACHE_LRU);
    toys.port.clock_ns = NULL;
    assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys,
                         &(struct cache_bounds){.entries_max = 8}, &toys.cache));
    use("0123");
    (void)cache_expire(toys.cache, UINT64_MAX, 999);
    use("3");
    (void)cache_expire(toys.cache, UINT64_MAX, 999);
    assert_string_equal(here(), "3");
    toys_end(&toys);
}

/* --- Several caches --- */

static void test_caches_of_a_share_float(void **state)
{
    const struct cache_bounds bounds = {.entries_min = 1, .entries_max = 9};
    struct cache_statistics a, b;
    struct cache *caches[2];

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    cache_share_init(&toys.share, &toys.port, 6 * TOY_BYTES + 1);
    for (unsigned i = 0; i < 2; i++)
        assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds,
                             &caches[i]));
    toys.cache = caches[0];
    use("01234567");
    cache_statistics(caches[0], &a);
    assert_int_equal(a.entries, 5); /* the other has its one */
    assert_string_equal(here(), "34567");
    toys.cache = caches[1];
    for (unsigned i = 0; i < 3; i++)
        toys_use(&toys, 1, i); /* what is older goes, wherever it is */
    assert_string_equal(here(), "567");
    assert_int_equal(atomic_load(&toys.share.bytes), 6 * TOY_BYTES);
    toys.cache = caches[0];
    use("8"); /* older than all of the other cache's is the 5 of its own */
    assert_string_equal(here(), "678");
    use("67");
    toys.cache = caches[1];
    for (unsigned i = 3; i < 20; i++)
        toys_use(&toys, 1, i);
    assert_string_equal(here(), "7"); /* never below entries_min */
    cache_statistics(caches[0], &a);
    cache_statistics(caches[1], &b);
    assert_int_equal(a.entries + b.entries, 6);
    assert_int_equal(a.entries, 1);
    assert_true(cache_is_valid(caches[0]) && cache_is_valid(caches[1]));
    cache_close(caches[1]);
    toys.cache = caches[0];
    use("01234");
    cache_statistics(caches[0], &a);
    assert_int_equal(a.entries, 6);
    toys_end(&toys);
}

static void test_a_share_has_room_for_so_many_caches(void **state)
{
    const struct cache_bounds bounds = {.entries_max = 1};
    struct cache *caches[CACHE_SHARE_MAX], *one_more = NULL;

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    for (unsigned i = 0; i < CACHE_SHARE_MAX; i++)
        assert_ok(cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds,
                             &caches[i]));
    assert_status(
        cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds, &one_more),
        COFFER_MISUSE);
    assert_null(one_more);
    for (unsigned i = 0; i < CACHE_SHARE_MAX; i++)
        cache_close(caches[i]);
    toys_end(&toys);
}

/* --- Refusals --- */

static void test_each_refusal_at_open_leaves_nothing(void **state)
{
    const struct cache_bounds bounds = {.entries_min = 3, .entries_max = 4};
    unsigned refused = 0;

    (void)state;
    for (unsigned n = 1;; n++) {
        enum coffer_status status;

        toys_begin(&toys, CACHE_LRU);
        if (n <= 3)
            toys.refuse_make = n;
        else
            toys.refuse_alloc = toys.allocs + n - 3;
        status = cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds,
                            &toys.cache);
        toys_end(&toys);
        if (status == COFFER_OK)
            break;
        assert_status(status, COFFER_NO_MEMORY);
        refused++;
    }
    assert_true(refused >= 5); /* three entries, the record, the table */
}

/* Each make fails once: the use goes on in what is there, from entries_min 1. */
static void test_each_refused_make_is_survived(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 5; n++) {
        toys_open(&toys, CACHE_LRU, 1, 4);
        toys.refuse_make = n;
        for (unsigned round = 0; round < 3; round++)
            use("01234567");
        assert_valid(&toys);
        assert_true(toys_has(&toys, 0, 7));
        assert_int_equal(toys.made, 4); /* the next attempt made it */
        toys_end(&toys);
    }
}

static void test_a_share_that_is_full_refuses_the_least(void **state)
{
    const struct cache_bounds bounds = {.entries_min = 3, .entries_max = 4};

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    cache_share_init(&toys.share, &toys.port, 2 * TOY_BYTES);
    assert_status(
        cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds, &toys.cache),
        COFFER_NO_MEMORY);
    toys_end(&toys);
}

static void test_what_nobody_uses_is_bounded_by_itself(void **state)
{
    const struct cache_bounds bounds = {.idle_max = 2};
    struct toy *pinned[5];

    (void)state;
    toys_begin(&toys, CACHE_LRU);
    assert_ok(
        cache_open(&toys.share, toys.memory, toys.owner, &toys.type, &toys, &bounds, &toys.cache));
    for (unsigned i = 0; i < 5; i++)
        pinned[i] = toys_get(&toys, 0, i, 0);
    assert_int_equal(toys_statistics(&toys).entries, 5); /* pins know no bound but memory */
    for (unsigned i = 0; i < 5; i++)
        toys_unpin(&toys, pinned[i]);
    assert_string_equal(here(), "34"); /* the coldest went */
    assert_int_equal(toys_statistics(&toys).entries, 2);
    assert_int_equal(toys_statistics(&toys).counters.evictions, 3);
    use("35"); /* and 4's record is 5's: nothing was made for it */
    assert_string_equal(here(), "35");
    assert_int_equal(toys.makes, 5);
    assert_valid(&toys);
    toys_end(&toys);
}

static void test_a_cool_group_goes_first(void **state)
{
    struct toy *pinned;

    (void)state;
    toys_open(&toys, CACHE_LRU, 0, 4);
    use("0");
    toys_use(&toys, 1, 1);
    toys_use(&toys, 1, 2);
    pinned = toys_get(&toys, 1, 3, 0);
    assert_true(cache_oldest_use(toys.cache, false) > CACHE_USED_COLD);
    cache_cool_group(toys.cache, &toys.groups[1], 8);
    assert_valid(&toys);
    assert_int_equal(cache_oldest_use(toys.cache, false), CACHE_USED_COLD);
    for (unsigned round = 0; round < 3; round++) /* it isn't old */
        while (cache_expire(toys.cache, CACHE_USED_COLD + 1, 1))
            continue;
    assert_true(toys_has(&toys, 1, 1) && toys_has(&toys, 1, 2));
    toys_use(&toys, 2, 4); /* in place of one of the cool ones, though 0 is older */
    toys_use(&toys, 2, 5);
    assert_true(toys_has(&toys, 0, 0) && toys_has(&toys, 2, 4) && toys_has(&toys, 2, 5));
    assert_true(toys_has(&toys, 1, 3)); /* it was pinned */
    toys_unpin(&toys, pinned);
    toys_use(&toys, 2, 6);
    assert_false(toys_has(&toys, 0, 0)); /* a use since then is a use */
    assert_true(toys_has(&toys, 1, 3));
    cache_cool_group(toys.cache, &toys.groups[2], 1); /* so many steps, the last that came */
    toys_use(&toys, 2, 7);
    assert_false(toys_has(&toys, 2, 6));
    assert_true(toys_has(&toys, 2, 4));
    assert_valid(&toys);
    toys_end(&toys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_keeps_what_was_used_last),
        cmocka_unit_test(test_lru_counts_a_use_until_its_end),
        cmocka_unit_test(test_a_type_that_renews),
        cmocka_unit_test(test_filled_is_loaded_and_unpinned),
        cmocka_unit_test(test_clock_gives_a_second_chance),
        cmocka_unit_test(test_round_robin_asks_for_no_use),
        cmocka_unit_test(test_what_is_pinned_is_skipped),
        cmocka_unit_test(test_when_everything_is_pinned_there_is_no_memory),
        cmocka_unit_test(test_dirty_entries_stay_until_their_owner_writes_them),
        cmocka_unit_test(test_a_victim_is_written_before_it_goes),
        cmocka_unit_test(test_a_write_back_that_fails_loses_nothing),
        cmocka_unit_test(test_bounds_are_in_entries_or_bytes),
        cmocka_unit_test(test_bounds_that_contradict_one_another_are_refused),
        cmocka_unit_test(test_bounds_hold_while_entries_are_made),
        cmocka_unit_test(test_shrinking_gives_back_spare_ones_first),
        cmocka_unit_test(test_what_was_not_used_for_long_expires),
        cmocka_unit_test(test_what_is_used_in_every_round_never_expires),
        cmocka_unit_test(test_expiry_goes_on_where_it_ended),
        cmocka_unit_test(test_without_a_clock_misses_are_time),
        cmocka_unit_test(test_caches_of_a_share_float),
        cmocka_unit_test(test_a_share_has_room_for_so_many_caches),
        cmocka_unit_test(test_what_nobody_uses_is_bounded_by_itself),
        cmocka_unit_test(test_a_cool_group_goes_first),
        cmocka_unit_test(test_each_refusal_at_open_leaves_nothing),
        cmocka_unit_test(test_each_refused_make_is_survived),
        cmocka_unit_test(test_a_share_that_is_full_refuses_the_least),
    };

    return cmocka_run_group_tests_name("cache replacement", tests, NULL, NULL);
}
