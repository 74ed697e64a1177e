/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that changes the committed version under an open transaction: an error, never a trap. */
#include "fixture.h"

#include "tree/inside.h"

#define BLOCK       4096u
#define OLD_BLOCKS  200u /* nodes 1 to 200 */
#define NEW_BLOCKS  800u
#define FLAGS_PLACE 64u /* in a node's image */

static uint64_t node_offset(uint32_t id, unsigned slot)
{
    uint64_t i = id - 1;

    return (1 + 62 * (i / 31)) * BLOCK + (i % 31) * 132 + slot * 66;
}

/* Read blocks at the far end until no group of the upper nodes is in the cache. */
static void push_out(struct bench *bench, struct tree *tree)
{
    uint8_t byte;
    size_t got;

    for (uint32_t group = 1; group < 7; group++) {
        struct node_entry *entry = node_cache_find(&bench->nodes, &tree->nodes, group);

        if (entry != NULL)
            cache_forget(bench->nodes.frames.core, &entry->at.core);
    }
    assert_ok(tree_read(tree, 0, &byte, 1, &got));
}

/*
 * Node 50 (group 1) is committed, and changed as its children's parent; so is its child 100 (group
 * 3), whose own children 200 (old) and 201 (new) differ in that. The committed image of node 50 is
 * bent so that 100 passes for unchanged.
 */
static void test_a_new_node_under_a_parent_that_passes_for_unchanged_is_corrupt(void **state)
{
    struct memory_device *disk = memory_device_open();
    struct model_file file = {0};
    struct random dice;
    struct bench bench;
    struct tree *tree;
    unsigned bent = 0;

    (void)state;
    random_init(&dice, "tampering");
    for (unsigned which = 0; which < 4; which++) {
        struct tree_piece piece = {"new", 3};
        enum coffer_status status;

        memory_device_free(disk);
        disk = memory_device_open();
        bench_open(&bench, disk, 64, 8);
        tree = bench_create(&bench);
        file.size = 0;
        write_random(tree, &file, &dice, 0, (size_t)OLD_BLOCKS * BLOCK);
        bench_commit(tree);
        set_length(tree, &file, (size_t)NEW_BLOCKS * BLOCK);
        assert_ok(tree_settle(tree));
        push_out(&bench, tree);
        /* Both slots, both flags: one of the four is the one that counts. */
        memory_device_flip(disk, FILE_NAME, node_offset(50, which & 1) + FLAGS_PLACE,
                           which & 2 ? 4 : 2);
        status = tree_write(tree, (uint64_t)200 * BLOCK + 5, &piece, 1); /* node 201 */
        if (status == COFFER_OK)
            status = tree_prepare(tree, true);
        assert_true(status == COFFER_OK || status == COFFER_CORRUPT);
        bent += status == COFFER_CORRUPT;
        tree_close(tree);
        bench_close(&bench);
    }
    assert_int_equal(bent, 3);
    memory_device_free(disk);
    model_file_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_node_under_a_parent_that_passes_for_unchanged_is_corrupt),
    };

    return cmocka_run_group_tests_name("tampering", tests, NULL, NULL);
}
