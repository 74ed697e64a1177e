/* SPDX-License-Identifier: BSD-2-Clause */
/* The red-black tree: order, balance, summaries, and that its check finds every kind of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "base/rbtree.h"
#include "support/random.h"

#define ITEMS 600u

struct item {
    unsigned key;
    bool in_tree;
    struct rbnode node;
    uint64_t sum; /* of the keys in the subtree */
};

struct set {
    struct rbtree tree;
    size_t count;
    struct item items[ITEMS]; /* by key */
};

static struct item *item_of(struct rbnode *node)
{
    return rbtree_entry(node, struct item, node);
}

static uint64_t sum_below(const struct item *item)
{
    uint64_t sum = item->key;

    for (unsigned side = 0; side < 2; side++) {
        if (item->node.child[side] != NULL)
            sum += item_of(item->node.child[side])->sum;
    }
    return sum;
}

static bool update_sum(struct rbnode *node)
{
    struct item *item = item_of(node);
    uint64_t before = item->sum;

    item->sum = sum_below(item);
    return item->sum != before;
}

static void set_init(struct set *set, bool augmented)
{
    memset(set, 0, sizeof(*set));
    rbtree_init(&set->tree, augmented ? update_sum : NULL);
    for (unsigned i = 0; i < ITEMS; i++)
        set->items[i].key = i;
}

static void set_add(struct set *set, unsigned key)
{
    struct rbnode *parent = NULL;
    enum rbside side = RB_LEFT;

    for (struct rbnode *node = set->tree.root; node != NULL; node = node->child[side]) {
        parent = node;
        side = key < item_of(node)->key ? RB_LEFT : RB_RIGHT;
    }
    rbtree_insert(&set->tree, parent, side, &set->items[key].node);
    set->items[key].in_tree = true;
    set->count++;
}

static void set_remove(struct set *set, unsigned key)
{
    rbtree_erase(&set->tree, &set->items[key].node);
    set->items[key].in_tree = false;
    set->count--;
}

/* All that is promised: order both ways, balance, links, summaries. */
static void set_check(struct set *set)
{
    struct rbnode *node = rbtree_first(&set->tree);
    struct rbnode *before = NULL;

    assert_true(rbtree_is_valid(&set->tree, set->count));
    for (unsigned i = 0; i < ITEMS; i++) {
        if (!set->items[i].in_tree)
            continue;
        assert_ptr_equal(node, &set->items[i].node);
        assert_ptr_equal(rbtree_previous(node), before);
        if (set->tree.update != NULL)
            assert_int_equal(item_of(node)->sum, sum_below(item_of(node)));
        before = node;
        node = rbtree_next(node);
    }
    assert_null(node);
    assert_ptr_equal(rbtree_last(&set->tree), before);
}

static unsigned depth_of(const struct rbnode *node)
{
    unsigned depth = 0;

    for (; node != NULL; node = node->parent)
        depth++;
    return depth;
}

static void test_empty_tree(void **state)
{
    struct rbtree tree;

    (void)state;
    rbtree_init(&tree, NULL);
    assert_null(rbtree_first(&tree));
    assert_null(rbtree_last(&tree));
    assert_true(rbtree_is_valid(&tree, 0));
    assert_false(rbtree_is_valid(&tree, 1));
}

static void test_stays_balanced_in_any_order(void **state)
{
    static struct set set;

    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        set_init(&set, true);
        for (unsigned i = 0; i < ITEMS; i++) {
            const unsigned keys[] = {i, ITEMS - 1 - i, i % 2 == 0 ? i : ITEMS - i,
                                     (unsigned)((uint64_t)i * 331 % ITEMS)};

            set_add(&set, keys[order]);
            set_check(&set);
        }
        for (unsigned i = 0; i < ITEMS; i++)
            assert_true(depth_of(&set.items[i].node) <= 2 * bits_log2_up(ITEMS + 1));
        for (unsigned i = 0; i < ITEMS; i++) {
            set_remove(&set, order % 2 == 0 ? i : (unsigned)((uint64_t)i * 77 % ITEMS));
            set_check(&set);
        }
        assert_null(set.tree.root);
    }
}

/* Every node of every tree of up to 40 nodes that comes from ascending keys is erased once. */
static void test_erases_any_node(void **state)
{
    static struct set set;

    (void)state;
    for (unsigned size = 1; size <= 40; size++) {
        for (unsigned victim = 0; victim < size; victim++) {
            set_init(&set, true);
            for (unsigned i = 0; i < size; i++)
                set_add(&set, i);
            set_remove(&set, victim);
            set_check(&set);
            set_add(&set, victim);
            set_check(&set);
        }
    }
}

static void test_random_operations(void **state)
{
    unsigned rounds = getenv("COFFER_DEEP") != NULL ? 2000000 : 30000;
    static struct set set;
    struct random random;

    (void)state;
    random_init(&random, "rbtree");
    for (unsigned augmented = 0; augmented < 2; augmented++) {
        set_init(&set, augmented == 1);
        for (unsigned i = 0; i < rounds; i++) {
            /* Few at times, many at others, so that it grows and shrinks. */
            unsigned range = i / 1000 % 3 == 0 ? 12 : ITEMS;
            unsigned key = (unsigned)random_below(&random, range);

            if (set.items[key].in_tree)
                set_remove(&set, key);
            else
                set_add(&set, key);
            if (i < 3000 || i % 100 == 0)
                set_check(&set);
            else if (i % 10 == 0)
                assert_true(rbtree_is_valid(&set.tree, set.count));
        }
    }
}

static void test_insert_after(void **state)
{
    static struct set set;
    struct random random;

    (void)state;
    random_init(&random, "rbtree after");
    set_init(&set, true);
    set_add(&set, 0);
    for (unsigned i = 1; i < ITEMS; i++) {
        unsigned before;
        unsigned key = (unsigned)random_below(&random, ITEMS);

        while (set.items[key].in_tree)
            key = (key + 1) % ITEMS;
        before = key;
        while (!set.items[before].in_tree)
            before--;
        rbtree_insert_after(&set.tree, &set.items[before].node, &set.items[key].node);
        set.items[key].in_tree = true;
        set.count++;
        set_check(&set);
    }
}

static void test_changed_element_is_told_to_all_above(void **state)
{
    static struct set set;

    (void)state;
    set_init(&set, true);
    for (unsigned i = 0; i < 100; i++)
        set_add(&set, i);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before = item_of(set.tree.root)->sum;

        set.items[i].key += 1000;
        rbtree_changed(&set.tree, &set.items[i].node);
        assert_int_equal(item_of(set.tree.root)->sum, before + 1000);
        set_check(&set);
    }
}

static void test_check_finds_damage(void **state)
{
    static struct set set;

    (void)state;
    set_init(&set, false);
    for (unsigned i = 0; i < 50; i++)
        set_add(&set, i);
    assert_true(rbtree_is_valid(&set.tree, 50));
    assert_false(rbtree_is_valid(&set.tree, 49));
    assert_false(rbtree_is_valid(&set.tree, 51));
    for (unsigned i = 0; i < 50; i++) {
        struct rbnode *node = &set.items[i].node;
        struct rbnode saved = *node;

        node->red = !saved.red;
        assert_false(rbtree_is_valid(&set.tree, 50));
        *node = saved;
        node->parent = &set.items[(i + 7) % 50].node;
        if (node->parent != saved.parent)
            assert_false(rbtree_is_valid(&set.tree, 50));
        *node = saved;
        for (unsigned side = 0; side < 2; side++) {
            /* Cycles and shared children among them: the check must come to an end. */
            for (unsigned k = 0; k < 50; k++) {
                if (&set.items[k].node == saved.child[side])
                    continue;
                node->child[side] = &set.items[k].node;
                assert_false(rbtree_is_valid(&set.tree, 50));
                *node = saved;
            }
            if (saved.child[side] == NULL)
                continue;
            node->child[side] = NULL;
            assert_false(rbtree_is_valid(&set.tree, 50));
            *node = saved;
        }
    }
    assert_true(rbtree_is_valid(&set.tree, 50));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_tree),
        cmocka_unit_test(test_stays_balanced_in_any_order),
        cmocka_unit_test(test_erases_any_node),
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_insert_after),
        cmocka_unit_test(test_changed_element_is_told_to_all_above),
        cmocka_unit_test(test_check_finds_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
