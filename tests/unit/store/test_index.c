/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalogue's index and its sets of numbers, each alone (store/index.h, store/numbers.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "store/catalogue.h"
#include "store/index.h"
#include "store/numbers.h"
#include "support/must.h"
#include "support/random.h"

#define REGION_SIZE (256u * 1024)

static _Alignas(4096) uint8_t region[REGION_SIZE];
static struct memory *memory;
static struct owner owner;
static size_t largest_allowed;

static bool refuse(void *argument, struct owner asking, size_t size)
{
    (void)argument;
    (void)asking;
    return size > largest_allowed;
}

static int set_up(void **state)
{
    const struct memory_area area = {region, sizeof(region)};
    const struct memory_settings settings = {.refuse = refuse};

    (void)state;
    largest_allowed = SIZE_MAX;
    must(memory_open(&area, 1, &settings, &memory) == COFFER_OK);
    must(account_open_owner(&memory->account, "store", &owner) == COFFER_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(memory->account.lines[owner.index].bytes, 0);
    memory_close(memory);
    return 0;
}

/* --- The index --- */

#define PAIRS_MAX 3000u

struct pairs {
    struct index_cell cells[PAIRS_MAX];
    size_t count;
};

/* The slots of a tag, from the index, must be those of the list (all of them, when whole). */
static void assert_agrees(const struct index *index, const struct pairs *pairs, uint32_t tag)
{
    size_t cursor = 0;
    size_t found = 0;
    size_t listed = 0;
    uint32_t slot;

    while (index_next(index, tag, &cursor, &slot)) {
        bool known = false;

        for (size_t i = 0; i < pairs->count && !known; i++)
            known = pairs->cells[i].tag == tag && pairs->cells[i].slot_plus_one == slot + 1;
        assert_true(known);
        found++;
    }
    for (size_t i = 0; i < pairs->count; i++)
        listed += pairs->cells[i].tag == tag;
    if (index->partial)
        assert_true(found <= listed);
    else
        assert_int_equal(found, listed);
}

static void add_pair(struct index *index, struct pairs *pairs, uint32_t tag, uint32_t slot)
{
    index_reserve(index);
    index_insert(index, tag, slot);
    pairs->cells[pairs->count++] = (struct index_cell){tag, slot + 1};
}

static void remove_pair(struct index *index, struct pairs *pairs, size_t place)
{
    struct index_cell cell = pairs->cells[place];

    index_remove(index, cell.tag, cell.slot_plus_one - 1);
    pairs->cells[place] = pairs->cells[--pairs->count];
}

/* Few tags and bits, so that chains run into one another and around the table's end. */
static uint32_t some_tag(struct random *random, unsigned style)
{
    static const uint32_t masks[] = {0xfc000000, 0xfc000003, 0xf8000000, 0xffffffff};

    return (uint32_t)random_next(random) & masks[style];
}

static void test_insertion_and_backward_shift_agree_with_a_list(void **state)
{
    struct pairs *pairs = must_alloc(sizeof(*pairs));
    struct random random;

    (void)state;
    random_init(&random, "test_backward_shift");
    for (unsigned style = 0; style < 4; style++) {
        size_t most = style == 3 ? 2000 : 40;
        struct index index;

        index_init(&index, memory, owner);
        pairs->count = 0;
        for (unsigned round = 0; round < 12000; round++) {
            bool grow = random_below(&random, most) >= pairs->count;
            uint32_t tag;

            if (grow && pairs->count < PAIRS_MAX)
                add_pair(&index, pairs, some_tag(&random, style), round);
            else
                remove_pair(&index, pairs, (size_t)random_below(&random, pairs->count));
            assert_int_equal(index.used, pairs->count);
            if (round % 8 == 0)
                assert_true(index_is_valid(&index));
            tag = pairs->count > 0 && round % 2 != 0
                      ? pairs->cells[random_below(&random, pairs->count)].tag
                      : some_tag(&random, style);
            assert_agrees(&index, pairs, tag);
        }
        assert_false(index.partial);
        index_fini(&index);
    }
    free(pairs);
}

static void test_an_index_without_memory_is_partial_and_never_wrong(void **state)
{
    struct pairs *pairs = must_alloc(sizeof(*pairs));
    struct random random;
    struct index index;

    (void)state;
    random_init(&random, "test_partial");
    index_init(&index, memory, owner);
    pairs->count = 0;
    largest_allowed = 64 * sizeof(struct index_cell);
    for (unsigned i = 0; i < 500; i++)
        add_pair(&index, pairs, some_tag(&random, 3), i);
    assert_true(index.partial);
    assert_int_equal(index.used, 48); /* three quarters of 64 */
    assert_true(index_is_valid(&index));
    for (unsigned i = 0; i < 500; i++)
        assert_agrees(&index, pairs, pairs->cells[i].tag);
    /* Removing what it holds, and what it doesn't. */
    while (pairs->count > 0) {
        remove_pair(&index, pairs, (size_t)random_below(&random, pairs->count));
        assert_true(index_is_valid(&index));
    }
    assert_int_equal(index.used, 0);
    assert_true(index.partial); /* it can't know what it missed */
    index_fini(&index);
    free(pairs);
}

static void test_an_index_without_any_memory_holds_nothing(void **state)
{
    struct index index;
    size_t cursor = 0;
    uint32_t slot;

    (void)state;
    index_init(&index, memory, owner);
    assert_false(index_next(&index, 5, &cursor, &slot));
    index_remove(&index, 5, 5);
    largest_allowed = 0;
    index_reserve(&index);
    assert_true(index.partial);
    index_insert(&index, 5, 5);
    assert_false(index_next(&index, 5, &cursor, &slot));
    assert_true(index_is_valid(&index));
    index_fini(&index);
}

static void test_index_is_valid_sees_a_gap_and_a_wrong_count(void **state)
{
    struct index index;

    (void)state;
    index_init(&index, memory, owner);
    for (uint32_t i = 0; i < 3; i++) {
        index_reserve(&index);
        index_insert(&index, 7u << 26, i); /* the 7th of 64 cells and on */
    }
    assert_true(index_is_valid(&index));
    index.pieces[0][8].slot_plus_one = 0; /* the middle one of 7, 8, 9 */
    index.used = 2;
    assert_false(index_is_valid(&index));
    index.pieces[0][8].slot_plus_one = 2;
    assert_false(index_is_valid(&index));
    index.used = 3;
    assert_true(index_is_valid(&index));
    index_fini(&index);
}

static void test_an_index_grows_where_no_two_free_frames_adjoin(void **state)
{
    struct pairs *pairs = must_alloc(sizeof(*pairs));
    void *taken[REGION_SIZE / FRAME_SIZE];
    struct random random;
    struct index index;
    size_t count = 0;

    (void)state;
    random_init(&random, "test_pieces");
    index_init(&index, memory, owner);
    pairs->count = 0;
    add_pair(&index, pairs, some_tag(&random, 3), 0); /* what the heap needs is there */
    while (frames_take(memory->frames, owner, 1, &taken[count]) == COFFER_OK)
        count++;
    for (size_t i = 0; i < count; i++) {
        if ((uintptr_t)taken[i] / FRAME_SIZE % 2 == 0)
            assert_int_equal(frames_give(memory->frames, taken[i]), COFFER_OK);
    }
    for (uint32_t i = 1; i < 1500; i++)
        add_pair(&index, pairs, some_tag(&random, 3), i);
    assert_false(index.partial);
    assert_true(index_is_valid(&index));
    for (size_t i = 0; i < pairs->count; i++)
        assert_agrees(&index, pairs, pairs->cells[i].tag);
    index_fini(&index);
    for (size_t i = 0; i < count; i++) {
        if ((uintptr_t)taken[i] / FRAME_SIZE % 2 != 0)
            assert_int_equal(frames_give(memory->frames, taken[i]), COFFER_OK);
    }
    free(pairs);
}

/* --- Numbers --- */

static void test_the_lowest_free_number_agrees_with_an_array(void **state)
{
    static bool taken[600];
    struct numbers numbers;
    struct random random;

    (void)state;
    random_init(&random, "test_lowest_free");
    numbers_init(&numbers, memory, owner);
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)random_below(&random, 600);
        uint32_t lowest = 0;

        assert_int_equal(numbers_reserve(&numbers), COFFER_OK);
        while (lowest < 600 && taken[lowest])
            lowest++;
        assert_int_equal(numbers_lowest_free(&numbers), lowest);
        if ((round % 3 == 0 || (round / 4000) % 2 == 0) && lowest < 600)
            number = lowest; /* as the store does */
        assert_int_equal(numbers_has(&numbers, number), taken[number]);
        if (!taken[number] && number == lowest) {
            assert_true(numbers_add(&numbers, number));
            taken[number] = true;
        } else if (taken[number]) {
            assert_false(numbers_add(&numbers, number));
            numbers_remove(&numbers, number);
            taken[number] = false;
        }
    }
    numbers_fini(&numbers);
}

static void test_numbers_beyond_the_capacity_are_counted_only(void **state)
{
    struct numbers numbers;

    (void)state;
    numbers_init(&numbers, memory, owner);
    assert_int_equal(numbers_reserve(&numbers), COFFER_OK);
    assert_true(numbers_add(&numbers, UINT32_MAX));
    assert_true(numbers_add(&numbers, 5000));
    assert_false(numbers_has(&numbers, 5000));
    assert_int_equal(numbers.taken, 2);
    assert_int_equal(numbers_lowest_free(&numbers), 0);
    numbers_remove(&numbers, UINT32_MAX);
    numbers_remove(&numbers, 5000);
    assert_int_equal(numbers.taken, 0);

    /* One that turns out to be a member is kept from then on. */
    assert_true(numbers_add(&numbers, 128));
    for (uint32_t i = 0; i < 128; i++) {
        assert_int_equal(numbers_reserve(&numbers), COFFER_OK);
        assert_true(numbers_add(&numbers, i));
    }
    assert_int_equal(numbers_reserve(&numbers), COFFER_OK);
    assert_int_equal(numbers_lowest_free(&numbers), 128);
    numbers_keep(&numbers, 128);
    assert_int_equal(numbers_lowest_free(&numbers), 129);
    assert_int_equal(numbers.taken, 129);
    numbers_fini(&numbers);
}

static void test_reserving_numbers_without_memory_is_an_error(void **state)
{
    struct numbers numbers;

    (void)state;
    numbers_init(&numbers, memory, owner);
    largest_allowed = 0;
    assert_int_equal(numbers_reserve(&numbers), COFFER_NO_MEMORY);
    largest_allowed = 16;
    for (uint32_t i = 0; i < 127; i++) {
        assert_int_equal(numbers_reserve(&numbers), COFFER_OK);
        assert_true(numbers_add(&numbers, i));
    }
    assert_int_equal(numbers_reserve(&numbers), COFFER_NO_MEMORY);
    assert_int_equal(numbers_lowest_free(&numbers), 127);
    assert_true(numbers_has(&numbers, 126));
    numbers_fini(&numbers);
}

/* --- Names of files --- */

static void test_file_names_are_lower_case_hex_without_zeros(void **state)
{
    static const struct {
        uint32_t number;
        const char *name;
    } table[] = {{0, "0"},
                 {9, "9"},
                 {10, "a"},
                 {0x1f, "1f"},
                 {0x100, "100"},
                 {0xdeadbeef, "deadbeef"},
                 {UINT32_MAX, "ffffffff"}};
    static const char *const others[] = {
        "",   "00", "01", "A",       "1F",          "g",         "0x1",       " 1", "1 ",
        "-1", "1.", "1g", "dirf.db", "coffer.lock", "123456789", "1ffffffff", "/",
    };
    char text[9];
    uint32_t number = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        catalogue_file_name(table[i].number, text);
        assert_string_equal(text, table[i].name);
        assert_true(catalogue_file_number(table[i].name, &number));
        assert_int_equal(number, table[i].number);
    }
    number = 77;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(catalogue_file_number(others[i], &number));
    assert_int_equal(number, 77);
}

static void test_names_are_equal_in_ta_size_and_bytes(void **state)
{
    struct name a = {.uuid = {1}, .id = {1, 2}, .id_size = 2};
    struct name b = a;

    (void)state;
    assert_true(name_equal(&a, &b));
    b.id[2] = 9; /* beyond the size */
    assert_true(name_equal(&a, &b));
    b.id_size = 3;
    assert_false(name_equal(&a, &b));
    b = a;
    b.uuid[15] = 1;
    assert_false(name_equal(&a, &b));
    b = a;
    b.id[1] = 3;
    assert_false(name_equal(&a, &b));
}

#define memory_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        memory_test(test_insertion_and_backward_shift_agree_with_a_list),
        memory_test(test_an_index_without_memory_is_partial_and_never_wrong),
        memory_test(test_an_index_without_any_memory_holds_nothing),
        memory_test(test_an_index_grows_where_no_two_free_frames_adjoin),
        memory_test(test_index_is_valid_sees_a_gap_and_a_wrong_count),
        memory_test(test_the_lowest_free_number_agrees_with_an_array),
        memory_test(test_numbers_beyond_the_capacity_are_counted_only),
        memory_test(test_reserving_numbers_without_memory_is_an_error),
        cmocka_unit_test(test_file_names_are_lower_case_hex_without_zeros),
        cmocka_unit_test(test_names_are_equal_in_ta_size_and_bytes),
    };

    return cmocka_run_group_tests_name("index and numbers", tests, NULL, NULL);
}
