/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nobody pins is gone at every moment, as other threads and the collector may have it: each
 * time a cache is let go of, both give back all that they can. Whatever a tree counts on must be
 * pinned, or it must be where it can be read again.
 */
#include "fixture.h"

#include "base/bytes.h"
#include "coffer/linux.h"
#include "support/bounds.h"
#include "tree/inside.h"

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

/* --- Frames that were another's --- */

#define OTHER_BLOCKS 1200u

static int set_up_small(void **state)
{
    (void)state;
    disk = memory_device_open();
    bench_open(&bench, disk, 64, STAGING_RESERVE);
    memset(&model, 0, sizeof(model));
    return 0;
}

/* Both caches are full of a file whose blocks are all 0xAA. */
static struct tree *fill_caches(void)
{
    static uint8_t bytes[4 * BLOCK];
    const struct tree_piece piece = {bytes, sizeof(bytes)};
    struct tree *tree = bench_create(&bench);
    size_t got;

    memset(bytes, 0xAA, sizeof(bytes));
    for (unsigned slot = 0; slot < 2; slot++) { /* so that both of each node are written */
        for (uint64_t block = 0; block < OTHER_BLOCKS; block += 4)
            assert_ok(tree_write(tree, block * BLOCK, &piece, 1));
        bench_commit(tree);
    }
    for (uint64_t block = 0; block < OTHER_BLOCKS; block++)
        assert_ok(tree_read(tree, block * BLOCK + 1, bytes, 10, &got));
    return tree;
}

static bool is_written(const uint8_t *file, size_t size, uint32_t node, unsigned slot)
{
    uint64_t at = layout_node_offset((struct node){node}, slot);

    return at + LAYOUT_NODE_SIZE <= size && !bytes_are_zero(file + at, LAYOUT_NODE_SIZE);
}

/* What its last block holds behind its end. */
static void assert_rest_is_zero(struct tree *tree)
{
    size_t used = model.size % BLOCK;
    struct frame_entry *entry = block_cache_find(&bench.blocks, &tree->blocks, model.size / BLOCK);

    assert_non_null(entry);
    assert_true(bytes_are_zero(entry->frame + used, BLOCK - used));
    block_cache_unpin(&bench.blocks, entry);
}

/* What a new file doesn't write is zeros, in its blocks and between its nodes on the device, though
 * its frames were another file's a moment ago. */
static void test_nothing_of_another_file_shows(void **state)
{
    struct tree *other = fill_caches();
    struct tree *tree;
    uint8_t *file;
    uint64_t before;
    size_t size;

    (void)state;
    random_init(&dice, "another file");
    before = bench_evictions(&bench);
    assert_ok(tree_create(&bench.environment, "g", bench_uuid, &tree));
    write_random(tree, &model, &dice, 100, 10);
    assert_rest_is_zero(tree);
    write_random(tree, &model, &dice, 2 * BLOCK + 100, 10);
    for (size_t at = 4; at < 70; at += 3)
        write_random(tree, &model, &dice, at * BLOCK + 100, 10);
    bench_commit(tree);
    assert_reads(tree, &model, 1000);
    assert_true(bench_evictions(&bench) > before);
    file = memory_device_bytes(disk, "g", &size);
    for (uint32_t node = 1; node <= tree_max_node(tree); node++)
        assert_true(is_written(file, size, node, 0) != is_written(file, size, node, 1));
    for (uint32_t node = tree_max_node(tree) + 1; node % LAYOUT_GROUP_NODES != 1; node++)
        assert_false(is_written(file, size, node, 0) || is_written(file, size, node, 1));
    tree_close(tree);
    tree_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_of_another_file_shows, set_up_small,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
