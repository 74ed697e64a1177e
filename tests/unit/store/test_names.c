/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and numbers of many objects: listed, found, freed and used again. */
#include "fixture.h"

/* The n-th object of a crowd. */
static struct coffer_name crowd_name(unsigned n, char text[16])
{
    snprintf(text, 16, "object %u", n);
    return step_name(text);
}

static void test_a_list_meets_what_stays_exactly_once(void **state)
{
    enum { COUNT = 120 };
    unsigned met[COUNT] = {0};
    struct coffer_list *list;
    struct coffer_entry entry;
    char text[16];

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_put(fixture.store, &name, 0, NULL, &i, sizeof(i)));
    }
    assert_ok(coffer_list_open(fixture.store, &step_ta, &list));
    for (unsigned step = 0; coffer_list_next(list, &entry) == COFFER_OK; step++) {
        unsigned number;
        struct coffer_name name;

        memcpy(text, entry.id, entry.id_size);
        text[entry.id_size] = '\0';
        assert_memory_equal(text, "object ", 7);
        number = (unsigned)strtoul(text + 7, NULL, 10);
        if (number < COUNT)
            met[number]++;
        /* Every fifth goes on the way, before or behind; new ones come. */
        if (step < COUNT / 5) {
            name = crowd_name((step * 5 + 35) % COUNT, text);
            assert_ok(coffer_delete(fixture.store, &name));
            name = crowd_name(1000 + step, text);
            assert_ok(coffer_put(fixture.store, &name, 0, NULL, NULL, 0));
        }
    }
    assert_status(coffer_list_next(list, &entry), COFFER_NOT_FOUND);
    coffer_list_close(list);
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 5 != 0)
            assert_int_equal(met[i], 1);
        else
            assert_true(met[i] <= 1);
    }
}

static void test_a_list_is_of_one_ta_or_of_all(void **state)
{
    struct coffer_uuid other = step_ta;
    struct coffer_name name = {.ta = other, .id = "o", .id_size = 1};
    struct coffer_list *list;
    struct coffer_entry entry;

    (void)state;
    name.ta.clock_seq_and_node[7]++;
    assert_ok(put("x", 'x', 1));
    assert_ok(coffer_put(fixture.store, &name, 0, NULL, NULL, 0));
    assert_int_equal(objects_listed(), 2);
    assert_ok(coffer_list_open(fixture.store, &name.ta, &list));
    assert_ok(coffer_list_next(list, &entry));
    assert_memory_equal(&entry.ta, &name.ta, sizeof(name.ta));
    assert_int_equal(entry.id_size, 1);
    assert_int_equal(entry.id[0], 'o');
    assert_int_equal(entry.file, 1);
    assert_status(coffer_list_next(list, &entry), COFFER_NOT_FOUND);
    coffer_list_close(list);
}

/* Room for the sets of numbers is refused while the store is opened. */
static uint8_t store_owner;
static bool opening;

static bool refuse_numbers(void *argument, struct owner owner, size_t size)
{
    (void)argument;
    return opening && owner.index == store_owner && size > 16 && size <= 64; /* a bit each */
}

/* A catalogue whose first slots were freed, so that those in use have large numbers, fills up
 * again without touching them; also when it could not keep their numbers in memory. */
static void fill_up_again(bool refusing)
{
    enum { COUNT = 200, LEFT = 10 };
    const struct memory_settings settings = {.refuse = refuse_numbers};
    const struct store_options options = {.memory_settings = refusing ? &settings : NULL};
    char text[16];

    for (unsigned i = 0; i < COUNT; i++) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_put(fixture.store, &name, 0, NULL, &i, sizeof(i)));
    }
    for (unsigned i = 0; i < COUNT - LEFT; i++) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_delete(fixture.store, &name));
    }
    store_owner = fixture.store->store.owner.index;
    close_store();
    opening = true;
    open_with(&options);
    opening = false;
    assert_int_equal(fixture.store->store.catalogue.slots.word_count < 4, refusing);
    for (unsigned i = 1000; i < 1000 + COUNT; i++) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_put(fixture.store, &name, 0, NULL, &i, sizeof(i)));
    }
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(objects_listed(), COUNT + LEFT);
        for (unsigned i = COUNT - LEFT; i < 1000 + COUNT; i++) {
            struct coffer_name name;
            struct coffer_info info;

            if (i == COUNT)
                i = 1000;
            name = crowd_name(i, text);
            assert_ok(coffer_stat(fixture.store, &name, &info));
            assert_int_equal(info.size, sizeof(i));
        }
        assert_int_equal(object_files(), COUNT + LEFT);
        reopen();
    }
}

static void test_free_slots_are_filled_and_taken_ones_are_left_alone(void **state)
{
    (void)state;
    fill_up_again(false);
}

static void test_free_slots_are_found_without_memory_for_their_numbers(void **state)
{
    (void)state;
    fill_up_again(true);
}

/* What the store itself asks for, and is larger than a small index, is refused: names are then
 * searched for, and found. */
static bool refuse_large(void *argument, struct owner owner, size_t size)
{
    (void)argument;
    return owner.index == store_owner && size > 900 && size != BLOCK; /* a writer's tail */
}

static void test_a_partial_index_still_finds_every_name(void **state)
{
    const struct memory_settings refusing = {.refuse = refuse_large};
    const struct store_options options = {.memory_settings = &refusing};
    char text[16];

    (void)state;
    store_owner = fixture.store->store.owner.index;
    close_store();
    open_with(&options);
    for (unsigned i = 0; i < 130; i++) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_put(fixture.store, &name, 0, NULL, &i, sizeof(i)));
        assert_status(coffer_put(fixture.store, &name, 0, NULL, &i, sizeof(i)), COFFER_EXISTS);
    }
    assert_true(fixture.store->store.catalogue.index.partial);
    for (unsigned i = 0; i < 130; i += 3) {
        struct coffer_name name = crowd_name(i, text);

        assert_ok(coffer_delete(fixture.store, &name));
        assert_status(coffer_delete(fixture.store, &name), COFFER_NOT_FOUND);
    }
    close_store();
    open_with(&options);
    for (unsigned i = 0; i < 131; i++) {
        struct coffer_name name = crowd_name(i, text);
        struct coffer_info info;

        assert_status(coffer_stat(fixture.store, &name, &info),
                      i % 3 == 0 || i == 130 ? COFFER_NOT_FOUND : COFFER_OK);
    }
    assert_true(fixture.store->store.catalogue.index.partial);
}

static void test_deleted_numbers_are_used_again_lowest_first(void **state)
{
    struct coffer_info info;

    (void)state;
    assert_ok(put("a", 'a', 1));
    assert_ok(put("b", 'b', 1));
    assert_ok(put("c", 'c', 1));
    assert_ok(delete_object("b"));
    assert_ok(put("d", 'd', 1));
    assert_ok(stat_object("d", &info));
    assert_int_equal(info.file, 1);
    assert_ok(put_flags("a", COFFER_REPLACE, 'e', 1));
    assert_ok(stat_object("a", &info));
    assert_int_equal(info.file, 3);
    assert_int_equal(object_files(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_a_list_meets_what_stays_exactly_once),
        store_test(test_a_list_is_of_one_ta_or_of_all),
        store_test(test_free_slots_are_filled_and_taken_ones_are_left_alone),
        store_test(test_free_slots_are_found_without_memory_for_their_numbers),
        store_test(test_a_partial_index_still_finds_every_name),
        store_test(test_deleted_numbers_are_used_again_lowest_first),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
