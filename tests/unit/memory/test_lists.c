/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists: order, and elements that are taken off and put elsewhere in one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

#define ITEMS 64u

struct item {
    struct item *lead, *mate;
    struct list list;
};

struct stock {
    unsigned left;
    struct list unused;
};

static struct item items[ITEMS];

/* Not inlined, as if they came from elsewhere. */
__attribute__((noinline)) static void *more_items(void)
{
    return items;
}

static void put(struct stock *stock, struct item *item)
{
    item->lead = NULL;
    item->mate = NULL;
    list_insert_after(&stock->unused, &item->list);
    stock->left++;
}

/* A ring of items. gcc 12 with -fstrict-aliasing takes the same item `count` times: it believes
 * that no store through a link changes where the list begins. */
__attribute__((noinline)) static struct item *take_ring(struct stock *stock, unsigned count)
{
    struct item *lead = NULL;

    while (stock->left < count) {
        struct item *more = more_items();

        for (unsigned i = ITEMS - 1; i > 0; i--)
            put(stock, more + i);
    }
    for (unsigned i = 0; i < count; i++) {
        struct item *item = list_entry(stock->unused.next, struct item, list);

        list_remove(&item->list);
        stock->left--;
        if (lead == NULL)
            lead = item->mate = item;
        item->lead = lead;
        item->mate = lead->mate;
        lead->mate = item;
    }
    return lead;
}

static void test_what_is_taken_off_is_no_longer_first(void **state)
{
    struct stock stock = {.left = 0};
    struct item *lead;
    struct item *item;
    unsigned count = 0;

    (void)state;
    list_init(&stock.unused);
    lead = take_ring(&stock, 4);
    item = lead;
    do {
        assert_ptr_equal(item->lead, lead);
        item = item->mate;
        count++;
    } while (item != lead && count < ITEMS);
    assert_int_equal(count, 4);
    assert_ptr_equal(lead, &items[1]);
    assert_ptr_equal(stock.unused.next, &items[5].list);
}

static void test_order(void **state)
{
    struct list head;
    unsigned next = 0;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    list_insert_before(&head, &items[1].list);
    list_insert_before(&head, &items[2].list);
    list_insert_after(&head, &items[0].list);
    list_each (link, &head)
        assert_ptr_equal(link, &items[next++].list);
    assert_int_equal(next, 3);
    list_remove(&items[1].list);
    list_remove(&items[1].list);
    assert_ptr_equal(items[0].list.next, &items[2].list);
    list_remove(&items[0].list);
    list_remove(&items[2].list);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_off_is_no_longer_first),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
