/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants of a transaction (tree/tree.h): T1 to T5, abort, settling, shortage. */
#include "scene.h"

#include "base/bytes.h"
#include "support/fault_plan.h"
#include "tree/inside.h"

#define FEW   TREE_CACHE_MIN
#define BLOCK 4096u
#define GROUP (31u * BLOCK)

static int set_up(void **state)
{
    (void)state;
    return scene_open(FEW, STAGING_RESERVE);
}

static struct keep *keep_of(struct tree *tree)
{
    return keep_make(disk, tree_counter(tree), tree_max_node(tree), tree_length(tree));
}

/* Any change, not a cut. */
static void change_something(struct tree *tree, size_t most)
{
    size_t offset = (size_t)random_below(&dice, model.size + 3 * BLOCK);
    size_t size = 1 + (size_t)random_below(&dice, most);

    if (random_below(&dice, 3) == 0) {
        offset = offset / BLOCK * BLOCK;
        size = (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    write_random(tree, &model, &dice, offset, size);
}

static void test_files_of_every_length_around_blocks_and_groups(void **state)
{
    static const size_t lengths[] = {
        0,
        1,
        4095,
        4096,
        4097,
        8191,
        8192,
        8193,
        GROUP - 1,
        GROUP,
        GROUP + 1,
        30 * BLOCK,
        32 * BLOCK,
        2 * GROUP - 1,
        2 * GROUP,
        2 * GROUP + 1,
        63 * BLOCK,
        61 * BLOCK,
        125 * BLOCK + 7,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct tree *tree = make_file("test_files_of_every_length", lengths[i]);

        assert_reads(tree, &model, 777);
        tree = reopen(tree);
        assert_reads(tree, &model, 5000);
        assert_version(disk, tree_root_hash(tree), &model);
        assert_int_equal(tree_max_node(tree),
                         layout_blocks(lengths[i]) > 1 ? layout_blocks(lengths[i]) : 1);
        tree_close(tree);
        assert_true(memory_device_drop(disk, FILE_NAME));
        model_file_fini(&model);
    }
}

static void test_a_length_changes_from_any_to_any(void **state)
{
    static const size_t lengths[] = {0,     1,         4095,          4096,      4097,
                                     40000, GROUP - 1, 2 * GROUP + 5, 70 * BLOCK};
    const size_t count = sizeof(lengths) / sizeof(lengths[0]);

    (void)state;
    for (size_t i = 0; i < count * count; i++) {
        struct tree *tree = make_file("test_a_length_changes", lengths[i / count]);

        set_length(tree, &model, lengths[i % count]);
        if (tree_is_changed(tree))
            bench_commit(tree);
        assert_ok(tree_cut_file(tree));
        assert_reads(tree, &model, 9000);
        assert_version(disk, tree_root_hash(tree), &model);
        tree_close(tree);
        assert_true(memory_device_drop(disk, FILE_NAME));
        model_file_fini(&model);
    }
}

/* T1, step by step: what the committed version rests on is never written, and opens all the
 * while. */
static void test_T1_the_committed_version_stays_whole_until_adopt(void **state)
{
    struct tree *tree = make_file("test_T1", 150 * BLOCK + 100);

    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        struct keep *keep = keep_of(tree);
        uint8_t hash[CRYPTO_HASH_SIZE];
        struct model_file before;

        memcpy(hash, tree_root_hash(tree), sizeof(hash));
        model_file_copy(&model, &before);
        if (round % 3 == 2) /* a cut comes first in its transaction */
            set_length(tree, &model, (size_t)random_below(&dice, model.size));
        for (unsigned i = 0; i < 25; i++) {
            if (round % 3 != 2)
                change_something(tree, 20000);
            if (i % 7 == 6 && tree_is_changed(tree))
                assert_ok(tree_settle(tree));
            assert_true(keep_is_untouched(keep, disk));
        }
        assert_version(disk, hash, &before);
        if (tree_is_changed(tree)) {
            assert_ok(tree_prepare(tree, true));
            assert_true(keep_is_untouched(keep, disk));
            assert_version(disk, hash, &before);
            assert_version(disk, tree_root_hash(tree), &model);
            tree_adopt(tree);
        }
        if (round % 4 == 3)
            tree = reopen(tree);
        model_file_fini(&before);
        keep_free(keep);
    }
    assert_reads(tree, &model, 3000);
    tree_close(tree);
}

static void test_T1_holds_when_a_cut_file_grows_again_in_one_transaction(void **state)
{
    static const size_t cuts[] = {0, 1, 5000, 10 * BLOCK, GROUP, 40 * BLOCK + 9};

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct tree *tree = make_file("test_T1_cut_and_grow", 80 * BLOCK);
        struct model_file before;
        struct keep *keep;

        /* Move some of the nodes and blocks to their other slots first. */
        for (unsigned j = 0; j < 3; j++) {
            for (unsigned k = 0; k < 6; k++)
                write_random(tree, &model, &dice, (size_t)random_below(&dice, 79 * BLOCK), 3000);
            bench_commit(tree);
        }
        keep = keep_of(tree);
        model_file_copy(&model, &before);
        set_length(tree, &model, cuts[i]);
        write_random(tree, &model, &dice, cuts[i], 70 * BLOCK - cuts[i]);
        assert_ok(tree_prepare(tree, true));
        assert_true(keep_is_untouched(keep, disk));
        tree_adopt(tree);
        assert_version(disk, tree_root_hash(tree), &model);
        keep_free(keep);
        model_file_fini(&before);
        tree_close(tree);
        assert_true(memory_device_drop(disk, FILE_NAME));
        model_file_fini(&model);
    }
}

/* T3 and T4: one transaction that outgrows the cache many times over. */
static void test_T4_a_transaction_may_exceed_the_cache_many_times(void **state)
{
    struct tree *tree = make_file("test_T4", 4000 * BLOCK + 1);
    struct model_file before;
    uint8_t hash[CRYPTO_HASH_SIZE];
    struct keep *keep = keep_of(tree);

    (void)state;
    memcpy(hash, tree_root_hash(tree), sizeof(hash));
    model_file_copy(&model, &before);
    for (unsigned i = 0; i < 600; i++) {
        uint8_t bytes[300];
        size_t got;
        size_t at = (size_t)random_below(&dice, model.size - sizeof(bytes));

        write_random(tree, &model, &dice, (size_t)random_below(&dice, model.size),
                     1 + (size_t)random_below(&dice, 9000));
        /* Its own changes are read back from what was settled and evicted. */
        assert_ok(tree_read(tree, at, bytes, sizeof(bytes), &got));
        assert_memory_equal(bytes, model.bytes + at, sizeof(bytes));
        if (i % 16 == 0)
            assert_true(bench_caches_are_valid(&bench));
    }
    assert_true(bench_evictions(&bench) > 20 * FEW);
    assert_true(keep_is_untouched(keep, disk));
    assert_ok(tree_prepare(tree, true));
    assert_true(keep_is_untouched(keep, disk));
    assert_version(disk, tree_root_hash(tree), &model);
    assert_version(disk, hash, &before);
    tree_adopt(tree);
    assert_reads(tree, &model, 100000);

    /* And a cut across all of them. */
    keep_free(keep);
    keep = keep_of(tree);
    set_length(tree, &model, 1700 * BLOCK + 5);
    assert_true(keep_is_untouched(keep, disk));
    bench_commit(tree);
    assert_ok(tree_cut_file(tree));
    assert_version(disk, tree_root_hash(tree), &model);
    keep_free(keep);
    model_file_fini(&before);
    tree_close(tree);
}

static void test_T5_what_was_cut_off_never_comes_back(void **state)
{
    struct tree *tree = make_file("test_T5", 5 * BLOCK + 3000);

    (void)state;
    /* Cut within a block, then grow by a length, by a write behind a gap, by whole blocks; with
     * the cut block in the cache and without. */
    for (unsigned round = 0; round < 60; round++) {
        size_t cut = (size_t)random_below(&dice, 4 * BLOCK);

        set_length(tree, &model, cut);
        if (tree_is_changed(tree))
            bench_commit(tree);
        if (round % 2 == 0)
            tree = reopen(tree);
        if (round % 3 == 0)
            set_length(tree, &model, 5 * BLOCK + 3000);
        else if (round % 3 == 1)
            write_random(tree, &model, &dice, cut + (size_t)random_below(&dice, 6000), 100);
        else
            write_random(tree, &model, &dice, (cut / BLOCK + 1) * BLOCK, 2 * BLOCK);
        assert_reads(tree, &model, 700);
        bench_commit(tree);
        assert_version(disk, tree_root_hash(tree), &model);
        write_random(tree, &model, &dice, 0, 6 * BLOCK);
        bench_commit(tree);
    }
    tree_close(tree);
}

/* docs/FORMAT.md, "Authentication": zeros past the end of the contents on first use. */
static void test_a_block_that_is_new_again_holds_nothing_of_its_former_life(void **state)
{
    struct tree *tree = make_file("test_new_again", 3 * BLOCK);
    struct frame_entry *entry;
    uint8_t byte;
    size_t got;

    (void)state;
    assert_ok(tree_read(tree, 2 * BLOCK + 7, &byte, 1, &got)); /* now it is in the cache */
    set_length(tree, &model, BLOCK);
    bench_commit(tree);
    write_random(tree, &model, &dice, 2 * BLOCK, 10);
    entry = block_cache_find(&bench.blocks, &tree->blocks, 2);
    assert_non_null(entry);
    assert_true(bytes_are_zero(entry->frame + 10, BLOCK - 10));
    block_cache_unpin(&bench.blocks, entry);
    bench_commit(tree);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

static void test_abort_returns_to_the_committed_version_at_any_point(void **state)
{
    struct tree *tree = make_file("test_abort", 140 * BLOCK);

    (void)state;
    for (unsigned steps = 0; steps < 24; steps++) {
        struct model_file before;
        uint8_t hash[CRYPTO_HASH_SIZE];

        memcpy(hash, tree_root_hash(tree), sizeof(hash));
        model_file_copy(&model, &before);
        if (steps % 4 == 3)
            set_length(tree, &model, (size_t)random_below(&dice, model.size));
        else
            for (unsigned i = 0; i <= steps; i++)
                change_something(tree, 30000);
        if (steps % 3 == 1)
            assert_ok(tree_settle(tree));
        if (steps % 3 == 2)
            assert_ok(tree_prepare(tree, true));
        tree_abort(tree);
        assert_false(tree_is_changed(tree));
        assert_memory_equal(tree_root_hash(tree), hash, sizeof(hash));
        assert_int_equal(bench_pinned(&bench), 0);
        model_file_fini(&model);
        model = before;
        assert_reads(tree, &model, 60000);
        assert_version(disk, hash, &model);
        /* And goes on from there. */
        change_something(tree, 10000);
        bench_commit(tree);
    }
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* Each device call of a transaction fails once: abort, and all is as before. */
static void test_an_error_anywhere_leaves_the_committed_version(void **state)
{
    struct tree *tree = make_file("test_an_error_anywhere", 70 * BLOCK + 1);
    struct model_file before;
    struct fault_plan plan;
    bool fired = true;

    (void)state;
    model_file_copy(&model, &before);
    for (uint64_t at = 1; fired; at++) {
        struct tree_piece piece = {model.bytes, 50 * BLOCK};
        enum coffer_status status;
        uint8_t hash[CRYPTO_HASH_SIZE];

        memcpy(hash, tree_root_hash(tree), sizeof(hash));
        plan = (struct fault_plan){.kind = at % 2 ? FAULT_TORN : FAULT_NO_SPACE, .at = at};
        memory_device_inject(disk, &plan);
        status = tree_write(tree, 33 * BLOCK + 5, &piece, 1);
        if (status == COFFER_OK)
            status = tree_prepare(tree, true);
        memory_device_inject(disk, NULL);
        fired = plan.fired;
        if (fired)
            assert_status(status, at % 2 ? COFFER_IO : COFFER_NO_SPACE);
        else
            assert_ok(status);
        tree_abort(tree);
        assert_reads(tree, &before, 60000);
        assert_version(disk, hash, &before);
    }
    model_file_fini(&before);
    tree_close(tree);
}

static void test_a_settled_tree_holds_nothing(void **state)
{
    struct tree *tree = make_file("test_settled", 100 * BLOCK);

    (void)state;
    assert_int_equal(bench_pinned(&bench), 0);
    change_something(tree, 9000);
    assert_true(bench_pinned(&bench) > 0);
    assert_ok(tree_settle(tree));
    assert_int_equal(bench_pinned(&bench), 0);
    assert_true(tree_is_changed(tree));
    assert_ok(tree_settle_if_crowded(tree));
    bench_commit(tree);
    tree_close(tree);
}

static void test_several_open_transactions_share_the_smallest_cache(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "1f"};
    enum { COUNT = 6 };
    struct tree *trees[COUNT];
    uint8_t *bytes = must_alloc(9 * BLOCK);
    uint8_t back[BLOCK];
    struct tree_piece piece = {bytes, 9 * BLOCK};

    (void)state;
    memset(bytes, 'b', 9 * BLOCK);
    for (unsigned i = 0; i < COUNT; i++)
        assert_ok(tree_create(&bench.environment, names[i], bench_uuid, &trees[i]));
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            assert_ok(tree_write(trees[i], tree_length(trees[i]), &piece, 1));
            assert_ok(tree_settle_if_crowded(trees[i]));
            assert_true(bench_pinned(&bench) <= FEW / 4);
        }
    }
    for (unsigned i = 0; i < COUNT; i++) {
        size_t got;

        bench_commit(trees[i]);
        assert_ok(tree_read(trees[i], 500 * BLOCK, back, sizeof(back), &got));
        assert_memory_equal(back, bytes, sizeof(back));
        tree_close(trees[i]);
    }
    free(bytes);
}

static void test_new_neighbours_lie_side_by_side(void **state)
{
    struct tree *tree = make_file("test_new_neighbours", 64 * BLOCK);
    size_t size;
    const uint8_t *file = memory_device_bytes(disk, FILE_NAME, &size);

    (void)state;
    /* docs/FORMAT.md: block i first goes to slot i & 1. */
    for (uint32_t id = 1; id <= 64; id++) {
        bool found[2] = {false, false};

        for (unsigned slot = 0; slot < 2; slot++) {
            const uint8_t *block = file + layout_block_offset((struct block){id - 1}, slot);

            if ((size_t)(block - file) < size)
                for (size_t i = 0; i < BLOCK && !found[slot]; i++)
                    found[slot] = block[i] != 0;
        }
        assert_true(found[(id - 1) & 1]);
        assert_false(found[id & 1]);
    }
    tree_close(tree);
}

static void test_blocks_and_nodes_alternate_between_their_slots(void **state)
{
    struct tree *tree = make_file("test_alternate", 3 * BLOCK);
    struct keep *keep;

    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        uint32_t counter = tree_counter(tree);

        keep = keep_of(tree);
        write_random(tree, &model, &dice, 100, 2 * BLOCK);
        /* A second change of the same block stays in the slot that it moved to. */
        write_random(tree, &model, &dice, 200, 50);
        bench_commit(tree);
        assert_int_equal(tree_counter(tree), counter + 1);
        assert_true(keep_is_untouched(keep, disk));
        keep_free(keep);
    }
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

static void test_touching_makes_a_version_of_the_same_data(void **state)
{
    struct tree *tree = make_file("test_touching", 5 * BLOCK);
    uint32_t counter = tree_counter(tree);

    (void)state;
    assert_ok(tree_touch(tree));
    assert_true(tree_is_changed(tree));
    bench_commit(tree);
    assert_int_equal(tree_counter(tree), counter + 1);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

static void test_sizes_beyond_the_limit_are_refused(void **state)
{
    struct tree *tree = make_file("test_sizes_beyond", 10);
    struct tree_piece piece = {"x", 1};
    struct tree_piece huge[2] = {{NULL, UINT64_MAX}, {NULL, UINT64_MAX}};

    (void)state;
    assert_status(tree_write(tree, LAYOUT_LENGTH_MAX, &piece, 1), COFFER_NO_SPACE);
    assert_status(tree_write(tree, UINT64_MAX, &piece, 1), COFFER_NO_SPACE);
    assert_status(tree_write(tree, 0, huge, 2), COFFER_NO_SPACE);
    assert_status(tree_set_length(tree, LAYOUT_LENGTH_MAX + 1), COFFER_NO_SPACE);
    assert_false(tree_is_changed(tree));
    assert_reads(tree, &model, 3);
    tree_close(tree);
}

static void test_pieces_follow_one_another(void **state)
{
    static const size_t cuts[] = {1, 24, 4095, 4096, 4097, 9000};
    struct tree *tree = make_file("test_pieces", 100);
    uint8_t *bytes = must_alloc(6 * BLOCK);

    (void)state;
    random_bytes(&dice, bytes, 6 * BLOCK);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct tree_piece pieces[4] = {
            {bytes, cuts[i]}, {NULL, 0}, {NULL, 5000}, {bytes + cuts[i], 6 * BLOCK - cuts[i]}};
        uint8_t zeros[5000] = {0};
        size_t at = 60 + i * 100;

        assert_ok(tree_write(tree, at, pieces, 4));
        model_file_write(&model, at, bytes, cuts[i]);
        model_file_write(&model, at + cuts[i], zeros, sizeof(zeros));
        model_file_write(&model, at + cuts[i] + 5000, bytes + cuts[i], 6 * BLOCK - cuts[i]);
        assert_reads(tree, &model, 4096);
    }
    bench_commit(tree);
    assert_version(disk, tree_root_hash(tree), &model);
    free(bytes);
    tree_close(tree);
}

/* A tree on one path takes more frames than are left: an error, and nothing stays pinned. */
static void test_a_cache_that_others_have_pinned_is_a_shortage(void **state)
{
    struct tree *tree = make_file("test_pinned_by_others", 2000 * BLOCK);
    struct node_cache *nodes = &bench.nodes;
    struct node_entry *pinned[FEW];
    struct cache_group other;
    struct tree_piece piece = {"x", 1};
    size_t most = 0;

    (void)state;
    cache_group_init(&other);
    for (size_t left = 0; left < 16; left++) {
        enum coffer_status status;
        size_t count = FEW - TREE_BLOCKS_MIN - left;
        bool claimed;

        for (uint32_t i = 0; i < count; i++) {
            must(node_cache_get(nodes, &other, i, 0, &pinned[i], &claimed) == COFFER_OK);
            assert_true(claimed);
            node_cache_loaded(nodes, pinned[i], COFFER_OK);
        }
        status = tree_write(tree, 1983 * BLOCK + 17, &piece, 1);
        if (status == COFFER_OK)
            status = tree_prepare(tree, true);
        if (status == COFFER_OK) {
            model.bytes[1983 * BLOCK + 17] = 'x';
            tree_adopt(tree);
        } else {
            assert_status(status, COFFER_NO_MEMORY);
            tree_abort(tree);
            most = left;
        }
        assert_int_equal(bench_pinned(&bench), count);
        for (uint32_t i = 0; i < count; i++)
            node_cache_unpin(nodes, pinned[i]);
        node_cache_forget_file(nodes, &other);
        assert_true(bench_caches_are_valid(&bench));
    }
    assert_true(most > 0 && most < 15);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

#define tree_test(function) cmocka_unit_test_setup_teardown(function, set_up, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tree_test(test_files_of_every_length_around_blocks_and_groups),
        tree_test(test_a_length_changes_from_any_to_any),
        tree_test(test_T1_the_committed_version_stays_whole_until_adopt),
        tree_test(test_T1_holds_when_a_cut_file_grows_again_in_one_transaction),
        tree_test(test_T4_a_transaction_may_exceed_the_cache_many_times),
        tree_test(test_T5_what_was_cut_off_never_comes_back),
        tree_test(test_a_block_that_is_new_again_holds_nothing_of_its_former_life),
        tree_test(test_abort_returns_to_the_committed_version_at_any_point),
        tree_test(test_an_error_anywhere_leaves_the_committed_version),
        tree_test(test_a_settled_tree_holds_nothing),
        tree_test(test_several_open_transactions_share_the_smallest_cache),
        tree_test(test_new_neighbours_lie_side_by_side),
        tree_test(test_blocks_and_nodes_alternate_between_their_slots),
        tree_test(test_touching_makes_a_version_of_the_same_data),
        tree_test(test_sizes_beyond_the_limit_are_refused),
        tree_test(test_pieces_follow_one_another),
        tree_test(test_a_cache_that_others_have_pinned_is_a_shortage),
    };

    return cmocka_run_group_tests_name("tree transactions", tests, NULL, NULL);
}
