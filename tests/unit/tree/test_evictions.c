/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody pins is gone at every moment, as other threads and the collector may have it: each
 * time a cache is let go of, both give back all that they can. Whatever a tree counts on must be
 * pinned, or it must be where it can be read again.
 */
#include "fixture.h"

#include "coffer/linux.h"
#include "support/bounds.h"

#define BLOCK 4096u

static struct memory_device *disk;
static struct bench bench;
static struct model_file model;
static struct random dice;
static struct coffer_port port;

static unsigned depth; /* locks of caches that are taken */
static bool greedy;    /* from the opening of the bench to its end */
static uint64_t given; /* bytes */

static void take(void *context, struct port_lock *lock)
{
    depth++;
    coffer_linux_port()->lock_take(context, lock);
}

static void give(void *context, struct port_lock *lock)
{
    coffer_linux_port()->lock_give(context, lock);
    depth--;
    if (greedy && depth == 0) {
        greedy = false;
        given += cache_shrink(bench.nodes.frames.core, UINT64_MAX, UINT32_MAX);
        given += cache_shrink(bench.blocks.frames.core, UINT64_MAX, UINT32_MAX);
        greedy = true;
    }
}

static int set_up(void **state)
{
    (void)state;
    port = *coffer_linux_port();
    port.lock_take = take;
    port.lock_give = give;
    disk = memory_device_open();
    bench_open_with(&bench, disk, 64, STAGING_RESERVE, &port);
    bounds_keep_nothing(bench.nodes.frames.core);
    bounds_keep_nothing(bench.blocks.frames.core);
    memset(&model, 0, sizeof(model));
    given = 0;
    greedy = true;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    greedy = false;
    bench_close(&bench);
    memory_device_free(disk);
    model_file_fini(&model);
    return 0;
}

static void reopen(struct tree **tree)
{
    uint8_t hash[CRYPTO_HASH_SIZE];

    memcpy(hash, tree_root_hash(*tree), sizeof(hash));
    tree_close(*tree);
    *tree = bench_tree(&bench, hash);
}

/* The first group of a new file is nowhere but in the cache: nothing of the device may be asked. */
static void test_new_file(void **state)
{
    struct tree *tree;

    (void)state;
    random_init(&dice, "new file");
    tree = bench_create(&bench);
    write_random(tree, &model, &dice, 0, 3 * BLOCK + 1);
    bench_commit(tree);
    assert_reads(tree, &model, 1000);
    reopen(&tree);
    assert_reads(tree, &model, 1000);
    assert_true(given > 0);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* A transaction: a cut comes first. */
static void change(struct tree *tree)
{
    if (random_below(&dice, 4) == 0)
        set_length(tree, &model, random_below(&dice, 80 * BLOCK));
    for (unsigned left = 1 + (unsigned)random_below(&dice, 4); left > 0; left--)
        write_random(tree, &model, &dice, random_below(&dice, model.size + 1),
                     1 + random_below(&dice, 20 * BLOCK));
}

/* Of files of several groups of nodes: written, read, cut, aborted, reopened. */
static void test_changes(void **state)
{
    struct model_file before;
    struct tree *tree;

    (void)state;
    random_init(&dice, "changes");
    tree = bench_create(&bench);
    write_random(tree, &model, &dice, 0, 70 * BLOCK);
    bench_commit(tree);
    for (unsigned round = 0; round < (getenv("COFFER_DEEP") != NULL ? 2000u : 60u); round++) {
        bool stays = random_below(&dice, 4) != 0;

        model_file_copy(&model, &before);
        change(tree);
        if (stays) {
            bench_commit(tree);
        } else {
            tree_abort(tree);
            model_file_fini(&model);
            model_file_copy(&before, &model);
        }
        model_file_fini(&before);
        assert_reads(tree, &model, 1 + random_below(&dice, 9 * BLOCK));
        if (random_below(&dice, 4) == 0)
            reopen(&tree);
        assert_true(bench_caches_are_valid(&bench));
    }
    assert_true(given > 0);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
