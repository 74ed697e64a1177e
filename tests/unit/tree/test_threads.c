/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several threads: readers on one tree, in caches that hold a small part of it, and beside them a
 * tree that commits. Meant for ThreadSanitizer, too.
 */
#include "scene.h"

#include <time.h>

#include "coffer/linux.h"
#include "support/threads.h"
#include "tree/inside.h"

#define BLOCK   4096u
#define BLOCKS  150u
#define READERS 4u
#define MOST    (40u * BLOCK)

/* What a thread does; what is wrong in one stops the program (must). */
struct worker {
    struct thread thread;
    struct tree *tree;
    unsigned number;
    unsigned turns;
};

static struct worker workers[READERS + 2];
static atomic_uint readers_left;

static int set_up_least(void **state)
{
    (void)state;
    return scene_open(TREE_CACHE_MIN, STAGING_RESERVE);
}

static int set_up_small(void **state)
{
    (void)state;
    return scene_open(TREE_CACHE_MIN + 24, STAGING_MAX);
}

static unsigned turns(void)
{
    const char *deep = getenv("COFFER_DEEP");

    return deep != NULL && *deep == '1' ? 40000 : 1500;
}

static void start(struct worker *worker, void (*body)(void *argument))
{
    thread_start(&worker->thread, body, worker);
}

static void read_and_compare(struct worker *worker, uint8_t *bytes, size_t at, size_t size)
{
    size_t expected = at >= model.size ? 0 : model.size - at;
    size_t got = 0;

    if (expected > size)
        expected = size;
    must(tree_read(worker->tree, at, bytes, size, &got) == COFFER_OK);
    must(got == expected);
    must(memcmp(bytes, model.bytes + at, expected) == 0);
}

static void read_anywhere(void *argument)
{
    struct worker *worker = argument;
    uint8_t *bytes = must_alloc(MOST);
    struct random random;

    random_init(&random, "read_anywhere");
    random.state += worker->number;
    for (unsigned turn = 0; turn < worker->turns; turn++) {
        size_t at = (size_t)random_below(&random, model.size + 100);
        size_t most = random_below(&random, 8) == 0 ? MOST : 300;

        read_and_compare(worker, bytes, at, 1 + (size_t)random_below(&random, most));
        if (random_below(&random, 16) == 0) {
            uint32_t block = (uint32_t)random_below(&random, BLOCKS);

            must(tree_verify_block(worker->tree, (struct block){block}) == COFFER_OK);
            must(tree_verify_node(worker->tree, (struct node){block + 1}) == COFFER_OK);
            must(!tree_is_tolerated(worker->tree));
        }
    }
    atomic_fetch_sub(&readers_left, 1);
    free(bytes);
}

static void read_in_order(void *argument)
{
    struct worker *worker = argument;
    uint8_t *bytes = must_alloc(MOST);
    size_t at = worker->number * 100000 % model.size;

    for (unsigned turn = 0; turn < 4 * worker->turns; turn++) {
        read_and_compare(worker, bytes, at, 1000);
        at = at + 1000 < model.size ? at + 1000 : 0;
    }
    atomic_fetch_sub(&readers_left, 1);
    free(bytes);
}

/* On a tree of its own, as long as anybody reads. */
static void commit_on_and_on(void *argument)
{
    struct worker *worker = argument;
    uint8_t *bytes = must_alloc(MOST);
    uint8_t *all = must_alloc((size_t)BLOCKS * BLOCK + MOST);
    size_t length = (size_t)tree_length(worker->tree);
    struct random random;
    size_t got;

    random_init(&random, "commit_on_and_on");
    random.state += worker->number;
    must(tree_read(worker->tree, 0, all, length, &got) == COFFER_OK);
    while (atomic_load(&readers_left) > 0) {
        for (unsigned i = 0; i < 3; i++) {
            size_t at = (size_t)random_below(&random, length);
            size_t size = 1 + (size_t)random_below(&random, i == 0 ? MOST : 500);
            struct tree_piece piece = {bytes, size};

            random_bytes(&random, bytes, size / 8 * 8);
            memcpy(all + at, bytes, size);
            must(tree_write(worker->tree, at, &piece, 1) == COFFER_OK);
            if (at + size > length)
                length = at + size;
        }
        must(tree_prepare(worker->tree, true) == COFFER_OK);
        tree_adopt(worker->tree);
        must(tree_length(worker->tree) == length);
        if (length > (size_t)BLOCKS * BLOCK) {
            length = (size_t)BLOCKS * BLOCK / 2;
            must(tree_set_length(worker->tree, length) == COFFER_OK);
            must(tree_prepare(worker->tree, true) == COFFER_OK);
            tree_adopt(worker->tree);
            must(tree_cut_file(worker->tree) == COFFER_OK);
        }
        for (size_t at = 0; at < length; at += MOST) {
            size_t size = length - at < MOST ? length - at : MOST;

            must(tree_read(worker->tree, at, bytes, size, &got) == COFFER_OK && got == size);
            must(memcmp(bytes, all + at, size) == 0);
        }
    }
    free(all);
    free(bytes);
}

static void run_readers(struct tree *tree, size_t count, bool in_order)
{
    atomic_store(&readers_left, (unsigned)count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.tree = tree, .number = i, .turns = turns()};
        start(&workers[i], in_order && i % 2 == 0 ? read_in_order : read_anywhere);
    }
}

static void join_readers(size_t count)
{
    for (size_t i = 0; i < count; i++)
        thread_join(&workers[i].thread);
}

static void test_readers_of_one_tree(void **state)
{
    struct tree *tree = make_file("test_readers", BLOCKS * BLOCK + 99);

    (void)state;
    run_readers(tree, READERS, true);
    join_readers(READERS);
    assert_true(bench_evictions(&bench) > 100);
    assert_int_equal(bench_pinned(&bench), 0);
    tree_close(tree);
}

/* A file that is opened by several at first touches every node at once. */
static void test_readers_of_a_tree_that_nobody_has_read(void **state)
{
    struct tree *tree = make_file("test_cold_readers", BLOCKS * BLOCK + 99);

    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        tree = reopen(tree);
        atomic_store(&readers_left, READERS);
        for (unsigned i = 0; i < READERS; i++)
            workers[i] = (struct worker){.tree = tree, .number = i, .turns = 12};
        threads_run(read_anywhere, workers, READERS);
    }
    tree_close(tree);
}

static void test_readers_beside_trees_that_commit(void **state)
{
    struct tree *tree = make_file("test_beside", BLOCKS * BLOCK + 99);
    struct tree *others[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        const struct tree_piece piece = {NULL, 30 * BLOCK + 5};
        char name[2] = {(char)('A' + i), 0};

        assert_ok(tree_create(&bench.environment, name, bench_uuid, &others[i]));
        assert_ok(tree_write(others[i], 0, &piece, 1));
        bench_commit(others[i]);
    }
    run_readers(tree, READERS, true);
    for (unsigned i = 0; i < 2; i++) {
        workers[READERS + i] = (struct worker){.tree = others[i], .number = i};
        start(&workers[READERS + i], commit_on_and_on);
    }
    join_readers(READERS + 2);
    assert_int_equal(bench_pinned(&bench), 0);
    assert_true(bench_caches_are_valid(&bench));
    for (unsigned i = 0; i < 2; i++)
        tree_close(others[i]);
    tree_close(tree);
}

/* Everything that is left of the cache of nodes, pinned by somebody who is at work. */
static struct cache_group hoard;
static struct node_entry *hoarded[TREE_CACHE_MIN];
static size_t hoarded_count;

static void hoard_nodes(void)
{
    struct node_entry *entry;
    bool claimed;

    cache_group_init(&hoard);
    work_begin(&bench.environment);
    for (hoarded_count = 0; hoarded_count < TREE_CACHE_MIN; hoarded_count++) {
        if (node_cache_get(&bench.nodes, &hoard, hoarded_count, 0, &entry, &claimed) != COFFER_OK)
            break;
        node_cache_loaded(&bench.nodes, entry, COFFER_OK);
        hoarded[hoarded_count] = entry;
    }
    must(hoarded_count > 0 && hoarded_count < TREE_CACHE_MIN);
}

static void give_hoard(void *argument)
{
    const struct timespec while_others_try = {.tv_nsec = 20 * 1000 * 1000};

    (void)argument;
    (void)nanosleep(&while_others_try, NULL);
    while (hoarded_count > 0)
        node_cache_unpin(&bench.nodes, hoarded[--hoarded_count]);
    work_end(&bench.environment);
}

/* Blocks 0 to 61 have nodes in two groups, and the node of block 62 is the first of a third one: it
 * takes one group more than the tree holds, and somebody else has all others. */
static void test_appending_waits_for_room(void **state)
{
    struct tree *tree = make_file("test_appending_waits", 62 * BLOCK);

    (void)state;
    write_random(tree, &model, &dice, 61 * BLOCK, BLOCK);
    assert_ok(tree_spill(tree)); /* marks the path of its node, which is held from here on */
    hoard_nodes();
    start(&workers[0], give_hoard);
    write_random(tree, &model, &dice, 62 * BLOCK, 20 * BLOCK);
    thread_join(&workers[0].thread);
    bench_commit(tree);
    assert_int_equal(bench_pinned(&bench), 0);
    cache_forget_group(bench.nodes.frames.core, &hoard);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

#define least_test(function) cmocka_unit_test_setup_teardown(function, set_up_least, scene_close)
#define small_test(function) cmocka_unit_test_setup_teardown(function, set_up_small, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        least_test(test_readers_of_one_tree),
        small_test(test_readers_of_one_tree),
        least_test(test_readers_of_a_tree_that_nobody_has_read),
        small_test(test_readers_of_a_tree_that_nobody_has_read),
        least_test(test_readers_beside_trees_that_commit),
        small_test(test_readers_beside_trees_that_commit),
        least_test(test_appending_waits_for_room),
    };

    return cmocka_run_group_tests_name("tree threads", tests, NULL, NULL);
}
