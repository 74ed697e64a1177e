/* SPDX-License-Identifier: BSD-2-Clause */
/* The replacement core alone (cache/cache.h): N1 to N3, who goes first, pins, and shortage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "cache/cache.h"
#include "support/must.h"
#include "support/random.h"

#define REGION_FRAMES 64u
#define ENTRIES       8u
#define FILES         3u

static _Alignas(4096) uint8_t region[REGION_FRAMES * FRAME_SIZE];

struct fixture {
    struct memory *memory;
    struct owner owner;
    struct cache cache;
    struct cache_file files[FILES];
    /* Refusal of the n-th allocation, from 1; 0: none. */
    unsigned refuse_at;
    unsigned asked;
};

static struct fixture fixture;

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct fixture *at = argument;

    (void)owner;
    (void)size;
    at->asked++;
    return at->asked == at->refuse_at;
}

static void open_memory(void)
{
    const struct memory_area area = {region, sizeof(region)};
    const struct memory_settings settings = {.refuse = refuse, .refuse_argument = &fixture};

    memset(&fixture, 0, sizeof(fixture));
    must(memory_open(&area, 1, &settings, &fixture.memory) == COFFER_OK);
    must(account_open_owner(&fixture.memory->account, "cache", &fixture.owner) == COFFER_OK);
}

static int set_up(void **state)
{
    open_memory();
    must(cache_open(fixture.memory, fixture.owner, ENTRIES, &fixture.cache) == COFFER_OK);
    for (unsigned i = 0; i < FILES; i++)
        cache_file_open(&fixture.cache, &fixture.files[i]);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;

    for (unsigned i = 0; i < FILES; i++)
        cache_file_forget(&at->cache, &at->files[i]);
    cache_close(&at->cache);
    memory_close(at->memory);
    must(bytes_are_zero(region, sizeof(region)));
    return 0;
}

/* An entry for block `index` of a file, its frame marked. */
static struct cache_entry *put(struct fixture *at, unsigned file, uint32_t index)
{
    struct cache_entry *entry = cache_claim(&at->cache, &at->files[file], CACHE_BLOCK, index);

    assert_non_null(entry);
    assert_true(bytes_are_zero(entry->frame, FRAME_SIZE));
    assert_true(bytes_are_zero(entry->note, sizeof(entry->note)));
    memset(entry->frame, (int)(1 + index % 250), FRAME_SIZE);
    memset(entry->note, 0xee, sizeof(entry->note));
    assert_true(cache_is_valid(&at->cache));
    return entry;
}

static struct cache_entry *look(struct fixture *at, unsigned file, uint32_t index)
{
    return cache_find(&at->cache, &at->files[file], CACHE_BLOCK, index);
}

/* Is a key there? Without warming it, nor counting. */
static bool holds(const struct fixture *at, unsigned file, enum cache_kind kind, uint32_t index)
{
    for (size_t i = 0; i < at->cache.entry_count; i++) {
        const struct cache_entry *entry = &at->cache.entries[i];

        if (entry->file == &at->files[file] && entry->kind == (uint8_t)kind &&
            entry->index == index)
            return true;
    }
    return false;
}

static void test_a_key_is_file_kind_and_index(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *block = put(at, 0, 7);
    struct cache_entry *other = put(at, 1, 7);
    struct cache_entry *nodes = cache_claim(&at->cache, &at->files[0], CACHE_NODES, 7);

    assert_ptr_not_equal(block, nodes);
    assert_ptr_not_equal(block, other);
    assert_ptr_equal(look(at, 0, 7), block);
    assert_ptr_equal(look(at, 1, 7), other);
    assert_ptr_equal(cache_find(&at->cache, &at->files[0], CACHE_NODES, 7), nodes);
    assert_null(look(at, 0, 8));
    assert_null(look(at, 2, 7));
    assert_int_equal(at->cache.counters.hits, 3);
    assert_int_equal(at->cache.counters.misses, 2);
}

static void test_a_file_number_is_never_used_again(void **state)
{
    struct fixture *at = *state;
    struct cache_file again;

    put(at, 2, 5);
    cache_file_forget(&at->cache, &at->files[2]);
    cache_file_open(&at->cache, &again);
    for (unsigned i = 0; i < FILES; i++)
        assert_int_not_equal(again.number, at->files[i].number);
    assert_null(cache_find(&at->cache, &again, CACHE_BLOCK, 5));
}

static void test_the_victim_is_spare_else_the_one_used_longest_ago(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *entries[ENTRIES];

    for (unsigned i = 0; i < ENTRIES; i++)
        entries[i] = put(at, 0, i);
    assert_int_equal(at->cache.counters.evictions, 0);
    /* 0 is warmed, 4 is made spare: the spare one goes first, then 1, 2, 3, 5. */
    assert_ptr_equal(look(at, 0, 0), entries[0]);
    cache_forget(&at->cache, entries[4]);
    assert_ptr_equal(put(at, 1, 100), entries[4]);
    assert_int_equal(at->cache.counters.evictions, 0);
    assert_ptr_equal(put(at, 1, 101), entries[1]);
    assert_ptr_equal(put(at, 1, 102), entries[2]);
    assert_ptr_equal(put(at, 1, 103), entries[3]);
    assert_ptr_equal(put(at, 1, 104), entries[5]);
    assert_int_equal(at->cache.counters.evictions, 4);
    assert_true(holds(at, 0, CACHE_BLOCK, 0));
    assert_false(holds(at, 0, CACHE_BLOCK, 1));
}

static void test_a_pinned_entry_stays_however_old(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *oldest = put(at, 0, 0);

    cache_pin(&at->cache, oldest);
    cache_pin(&at->cache, oldest);
    for (uint32_t i = 1; i < 5 * ENTRIES; i++)
        put(at, 1, i);
    assert_true(holds(at, 0, CACHE_BLOCK, 0));
    assert_int_equal(oldest->frame[9], 1);
    /* Pins count: one of two still holds. */
    cache_unpin(&at->cache, oldest);
    assert_true(cache_is_valid(&at->cache));
    for (uint32_t i = 100; i < 100 + 2 * ENTRIES; i++)
        put(at, 1, i);
    assert_true(holds(at, 0, CACHE_BLOCK, 0));
    /* The last unpin makes it the warmest: all others go before it. */
    cache_unpin(&at->cache, oldest);
    for (uint32_t i = 200; i < 200 + ENTRIES - 1; i++)
        put(at, 1, i);
    assert_true(holds(at, 0, CACHE_BLOCK, 0));
    put(at, 1, 300);
    assert_false(holds(at, 0, CACHE_BLOCK, 0));
    assert_int_equal(at->cache.pinned_count, 0);
}

static void test_a_claim_fails_only_when_everything_is_pinned(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *entries[ENTRIES];

    for (unsigned i = 0; i < ENTRIES; i++) {
        entries[i] = put(at, 0, i);
        cache_pin(&at->cache, entries[i]);
    }
    assert_int_equal(at->cache.pinned_count, ENTRIES);
    assert_null(cache_claim(&at->cache, &at->files[1], CACHE_BLOCK, 50));
    assert_true(cache_is_valid(&at->cache));
    /* Finding a pinned entry is fine and does not put it up for eviction. */
    assert_ptr_equal(look(at, 0, 3), entries[3]);
    assert_null(cache_claim(&at->cache, &at->files[1], CACHE_BLOCK, 50));
    cache_unpin(&at->cache, entries[6]);
    assert_ptr_equal(put(at, 1, 50), entries[6]);
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (i != 6)
            cache_unpin(&at->cache, entries[i]);
    }
}

static void test_forgotten_contents_are_wiped_at_once(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *entry = put(at, 0, 3);

    cache_forget(&at->cache, entry);
    assert_true(bytes_are_zero(entry->frame, FRAME_SIZE));
    assert_null(look(at, 0, 3));
    assert_true(cache_is_valid(&at->cache));
}

static void test_forgetting_a_file_leaves_the_others(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *first = put(at, 0, 0);
    struct cache_entry *second = put(at, 0, 1);

    put(at, 1, 0);
    put(at, 1, 1);
    cache_file_forget(&at->cache, &at->files[0]);
    assert_true(cache_is_valid(&at->cache));
    assert_true(bytes_are_zero(first->frame, FRAME_SIZE));
    assert_true(bytes_are_zero(second->frame, FRAME_SIZE));
    assert_null(look(at, 0, 0));
    assert_null(look(at, 0, 1));
    assert_non_null(look(at, 1, 0));
    assert_non_null(look(at, 1, 1));
}

static void test_forgetting_takes_the_entry_off_its_users_list(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *entry = put(at, 0, 0);
    struct list mine;

    list_init(&mine);
    list_insert_after(&mine, &entry->of_user);
    cache_forget(&at->cache, entry);
    assert_true(list_is_empty(&mine));
}

static void test_is_valid_sees_what_is_wrong(void **state)
{
    struct fixture *at = *state;
    struct cache_entry *entry = put(at, 0, 0);
    struct cache_entry *other = put(at, 0, 1);

    at->cache.pinned_count = 1;
    assert_false(cache_is_valid(&at->cache));
    at->cache.pinned_count = 0;

    entry->index = 99; /* in a chain that isn't its own, or none */
    other->index = 98;
    assert_false(cache_is_valid(&at->cache));
    entry->index = 0;
    other->index = 1;

    entry->pins = 1; /* pinned, but still in the order */
    assert_false(cache_is_valid(&at->cache));
    entry->pins = 0;

    list_remove(&entry->order);
    assert_false(cache_is_valid(&at->cache));
    list_insert_before(&at->cache.order, &entry->order); /* colder than the spare ones */
    assert_false(cache_is_valid(&at->cache));
    list_remove(&entry->order);
    list_insert_after(&at->cache.order, &entry->order);
    assert_true(cache_is_valid(&at->cache));
}

/* Against a plain array of keys in the order of use. */
struct twin_key {
    unsigned file;
    uint32_t index;
    unsigned pins;
};

struct twin {
    struct twin_key keys[ENTRIES]; /* warm first; the pinned ones anywhere */
    unsigned count;
};

static unsigned twin_find(const struct twin *twin, unsigned file, uint32_t index)
{
    unsigned i = 0;

    while (i < twin->count && (twin->keys[i].file != file || twin->keys[i].index != index))
        i++;
    return i;
}

static void twin_drop(struct twin *twin, unsigned place)
{
    memmove(&twin->keys[place], &twin->keys[place + 1],
            (ENTRIES - place - 1) * sizeof(struct twin_key));
    twin->count--;
}

static void twin_add(struct twin *twin, struct twin_key key)
{
    memmove(&twin->keys[1], &twin->keys[0], twin->count * sizeof(struct twin_key));
    twin->keys[0] = key;
    twin->count++;
}

/* Room for a claim; false when all are pinned. */
static bool twin_evict(struct twin *twin)
{
    if (twin->count < ENTRIES)
        return true;
    for (unsigned i = twin->count; i-- > 0;) {
        if (twin->keys[i].pins == 0) {
            twin_drop(twin, i);
            return true;
        }
    }
    return false;
}

static void use(struct fixture *at, struct twin *twin, unsigned file, uint32_t index)
{
    unsigned place = twin_find(twin, file, index);
    struct cache_entry *entry = look(at, file, index);

    assert_int_equal(entry != NULL, place < twin->count);
    if (entry != NULL) {
        struct twin_key key = twin->keys[place];

        if (key.pins == 0) {
            twin_drop(twin, place);
            twin_add(twin, key);
        }
        assert_int_equal(entry->frame[100], 1 + index % 250);
        return;
    }
    if (twin_evict(twin)) {
        put(at, file, index);
        twin_add(twin, (struct twin_key){file, index, 0});
    } else {
        assert_null(cache_claim(&at->cache, &at->files[file], CACHE_BLOCK, index));
    }
}

static void change_pins(struct fixture *at, struct twin *twin, unsigned place, bool pin)
{
    struct twin_key key = twin->keys[place];
    struct cache_entry *entry = look(at, key.file, key.index);

    assert_non_null(entry);
    if (pin) {
        cache_pin(&at->cache, entry);
        twin->keys[place].pins++;
        return;
    }
    cache_unpin(&at->cache, entry);
    key.pins--;
    twin_drop(twin, place);
    twin_add(twin, key);
}

static void test_agrees_with_a_plain_list(void **state)
{
    struct fixture *at = *state;
    struct twin twin = {.count = 0};
    struct random random;

    random_init(&random, "test_agrees_with_a_plain_list");
    for (unsigned round = 0; round < 20000; round++) {
        unsigned what = (unsigned)random_below(&random, 20);
        unsigned place = twin.count > 0 ? (unsigned)random_below(&random, twin.count) : 0;

        if (what < 12 || twin.count == 0) {
            use(at, &twin, (unsigned)random_below(&random, FILES),
                (uint32_t)random_below(&random, 7));
        } else if (what < 15) {
            if (twin.keys[place].pins < 3)
                change_pins(at, &twin, place, true);
        } else if (what < 18) {
            if (twin.keys[place].pins > 0)
                change_pins(at, &twin, place, false);
        } else if (twin.keys[place].pins == 0) {
            cache_forget(&at->cache, look(at, twin.keys[place].file, twin.keys[place].index));
            twin_drop(&twin, place);
        }
        if (round % 16 == 0)
            assert_true(cache_is_valid(&at->cache));
        for (unsigned i = 0; i < twin.count; i++)
            assert_true(holds(at, twin.keys[i].file, CACHE_BLOCK, twin.keys[i].index));
    }
    while (twin.count > 0) {
        while (twin.keys[0].pins > 0) {
            cache_unpin(&at->cache, look(at, twin.keys[0].file, twin.keys[0].index));
            twin.keys[0].pins--;
        }
        twin_drop(&twin, 0);
    }
}

static void test_opening_takes_all_or_nothing(void **state)
{
    const struct account_line *line;
    unsigned refused = 0;

    (void)state;
    open_memory();
    line = &fixture.memory->account.lines[fixture.owner.index];
    for (unsigned at = 1;; at++) {
        enum coffer_status status;

        fixture.asked = 0;
        fixture.refuse_at = at;
        status = cache_open(fixture.memory, fixture.owner, ENTRIES, &fixture.cache);
        if (status == COFFER_OK)
            break;
        assert_int_equal(status, COFFER_NO_MEMORY);
        assert_int_equal(line->bytes, 0);
        refused++;
    }
    assert_true(refused >= ENTRIES); /* each frame was one of them */
    cache_close(&fixture.cache);
    assert_int_equal(line->bytes, 0);

    /* More than there is. */
    fixture.refuse_at = 0;
    assert_int_equal(cache_open(fixture.memory, fixture.owner, REGION_FRAMES + 1, &fixture.cache),
                     COFFER_NO_MEMORY);
    assert_int_equal(line->bytes, 0);
    memory_close(fixture.memory);
}

#define cache_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cache_test(test_a_key_is_file_kind_and_index),
        cache_test(test_a_file_number_is_never_used_again),
        cache_test(test_the_victim_is_spare_else_the_one_used_longest_ago),
        cache_test(test_a_pinned_entry_stays_however_old),
        cache_test(test_a_claim_fails_only_when_everything_is_pinned),
        cache_test(test_forgotten_contents_are_wiped_at_once),
        cache_test(test_forgetting_a_file_leaves_the_others),
        cache_test(test_forgetting_takes_the_entry_off_its_users_list),
        cache_test(test_is_valid_sees_what_is_wrong),
        cache_test(test_agrees_with_a_plain_list),
        cmocka_unit_test(test_opening_takes_all_or_nothing),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
