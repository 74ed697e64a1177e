/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix tree of an object's pages, against a plain array, and when memory is short. */
#include "fixture.h"

#include <string.h>

#include "memory/paging/slots.h"
#include "support/random.h"

static int setup(void **state)
{
    return fixture_setup_with(state, &(struct paging_fixture_settings){.frames = 256});
}

/* Pages are only addresses here. */
static struct page *page_at(uint64_t number)
{
    return (struct page *)(uintptr_t)(number * 64 + 64);
}

static void put(struct paging_fixture *f, struct slots *slots, uint32_t index)
{
    assert_ok(slots_prepare(slots, f->memory, f->owner, index));
    slots_set(slots, index, page_at(index));
    assert_true(slots_is_valid(slots));
}

static uint64_t bytes_used(const struct paging_fixture *f)
{
    return f->memory->account.lines[f->owner.index].bytes;
}

static void test_the_tree_is_as_high_as_its_largest_number_needs(void **state)
{
    struct paging_fixture *f = *state;
    static const uint32_t numbers[] = {0, 63, 64, 4095, 4096, UINT32_MAX};
    static const unsigned heights[] = {1, 1, 2, 2, 3, 6};
    struct slots slots = {.root = NULL};
    uint32_t index = 0;

    for (unsigned i = 0; i < 6; i++) {
        put(f, &slots, numbers[i]);
        assert_int_equal(slots.height, heights[i]);
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_ptr_equal(slots_get(&slots, numbers[i]), page_at(numbers[i]));
        assert_ptr_equal(slots_next(&slots, index, &index), page_at(numbers[i]));
        assert_int_equal(index++, numbers[i]);
    }
    assert_null(slots_get(&slots, 1));
    assert_null(slots_get(&slots, UINT32_MAX - 1));
    for (unsigned i = 6; i-- > 0;) {
        assert_int_equal(slots.height, heights[i]);
        slots_clear(&slots, f->memory, numbers[i]);
        assert_true(slots_is_valid(&slots));
    }
    assert_null(slots.root);
    assert_int_equal(bytes_used(f), 0);
}

static void test_a_shortage_leaves_the_tree_as_it_was(void **state)
{
    struct paging_fixture *f = *state;
    struct slots slots = {.root = NULL};
    uint64_t bytes;

    for (unsigned round = 0; round < 2; round++) {
        bytes = bytes_used(f);
        for (uint64_t n = 1; n <= (round == 0 ? 6u : 10u); n++) {
            struct slots before = slots;

            fake_arm(f, FAKE_ALLOC, n, false, COFFER_NO_MEMORY);
            assert_status(slots_prepare(&slots, f->memory, f->owner, UINT32_MAX), COFFER_NO_MEMORY);
            assert_memory_equal(&slots, &before, sizeof(slots));
            assert_int_equal(bytes_used(f), bytes);
        }
        fake_disarm(f, FAKE_ALLOC);
        assert_ok(slots_prepare(&slots, f->memory, f->owner, UINT32_MAX));
        slots_clear(&slots, f->memory, UINT32_MAX);
        assert_int_equal(bytes_used(f), bytes);
        if (round == 0)
            put(f, &slots, 5);
    }
    slots_clear(&slots, f->memory, 5);
    assert_null(slots.root);
}

#define NUMBERS 20000u

static void test_random_operations_agree_with_an_array(void **state)
{
    struct paging_fixture *f = *state;
    struct slots slots = {.root = NULL};
    static bool has[NUMBERS];
    struct random random;

    memset(has, 0, sizeof(has));
    random_init(&random, "paging slots");
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t index = (uint32_t)random_below(&random, random_below(&random, NUMBERS) + 1);
        uint32_t next = index;
        uint32_t found = 0;

        assert_ptr_equal(slots_get(&slots, index), has[index] ? page_at(index) : NULL);
        while (next < NUMBERS && !has[next])
            next++;
        assert_ptr_equal(slots_next(&slots, index, &found), next < NUMBERS ? page_at(next) : NULL);
        if (next < NUMBERS)
            assert_int_equal(found, next);
        if (has[index] || random_below(&random, 3) == 0)
            slots_clear(&slots, f->memory, index);
        else
            put(f, &slots, index);
        has[index] = slots_get(&slots, index) != NULL;
    }
    for (uint32_t i = 0; i < NUMBERS; i++) {
        slots_clear(&slots, f->memory, i);
        assert_null(slots_get(&slots, i));
    }
    assert_null(slots.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
        TEST(test_the_tree_is_as_high_as_its_largest_number_needs),
        TEST(test_a_shortage_leaves_the_tree_as_it_was),
        TEST(test_random_operations_agree_with_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
