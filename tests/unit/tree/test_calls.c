/* SPDX-License-Identifier: BSD-2-Clause */
/* What reading and writing costs in calls of the device and of the cipher. */
#include "scene.h"

#include "support/fault_plan.h"
#include "tree/inside.h"

#define BLOCK  4096u
#define BLOCKS 600u
#define FRAMES 320u /* of the caches: half the file, so that most is read again */
#define SLACK  100u /* the file ends within a block */

static int set_up(void **state)
{
    (void)state;
    return scene_open(FRAMES, STAGING_MAX);
}

struct costs {
    uint64_t reads, writes, seals, unseals;
};

static struct costs costs_now(void)
{
    const struct device_counters *device = &bench.environment.device->counters;
    struct crypto_counters crypto;

    crypto_counters(bench.crypto, &crypto);
    return (struct costs){counter_get(&device->reads), counter_get(&device->writes), crypto.seals,
                          crypto.unseals};
}

/* Since then. */
static struct costs costs_since(struct costs then)
{
    struct costs now = costs_now();

    return (struct costs){now.reads - then.reads, now.writes - then.writes, now.seals - then.seals,
                          now.unseals - then.unseals};
}

static void expect_read(struct tree *tree, size_t offset, size_t size)
{
    static uint8_t bytes[64 * BLOCK];
    size_t got;

    assert_ok(tree_read(tree, offset, bytes, size, &got));
    assert_int_equal(got, size);
    assert_memory_equal(bytes, model.bytes + offset, size);
}

static void test_a_warm_read_calls_nobody(void **state)
{
    struct tree *tree = reopen(make_file("test_warm", BLOCKS * BLOCK + SLACK));
    struct costs before;

    (void)state;
    for (unsigned block = 0; block < 40; block++)
        expect_read(tree, block * BLOCK + 10, 1000);
    before = costs_now();
    nodes_lock(tree); /* which it doesn't take */
    for (unsigned block = 0; block < 40; block++)
        expect_read(tree, block * BLOCK + 500, 300);
    expect_read(tree, 3 * BLOCK + 7, 20 * BLOCK);
    nodes_unlock(tree);
    assert_int_equal(costs_since(before).reads, 0);
    assert_int_equal(costs_since(before).unseals, 0);
    tree_close(tree);
}

/* 1 KiB at a time, 32 blocks take two calls in the long run, one for nodes and one for them. */
static void test_small_sequential_reads_are_read_ahead(void **state)
{
    struct tree *tree = reopen(make_file("test_sequential", BLOCKS * BLOCK + SLACK));
    struct costs before = costs_now();
    struct costs costs;

    (void)state;
    for (size_t at = 0; at + 1024 <= model.size; at += 1024)
        expect_read(tree, at, 1024);
    costs = costs_since(before);
    assert_in_range(costs.reads, 1, 3 * BLOCKS / 32 + 8);
    /* Each block once, and none in vain. */
    assert_in_range(costs.unseals, BLOCKS - 1, BLOCKS + 1);
    tree_close(tree);
}

/* Straight to the caller, and parts of blocks at both ends with it. */
static void test_large_reads_take_one_call_for_32_blocks(void **state)
{
    struct tree *tree = reopen(make_file("test_large", BLOCKS * BLOCK + SLACK));
    struct costs before;

    (void)state;
    expect_read(tree, 64 * BLOCK + 24, 32 * BLOCK); /* the nodes come along */
    before = costs_now();
    expect_read(tree, 65 * BLOCK, 30 * BLOCK);
    assert_int_equal(costs_since(before).reads, 1);
    assert_int_equal(costs_since(before).unseals, 30);
    before = costs_now();
    expect_read(tree, 64 * BLOCK + 24, 32 * BLOCK); /* the ends are cached */
    assert_int_equal(costs_since(before).reads, 1);
    assert_int_equal(costs_since(before).unseals, 31);
    tree_close(tree);
}

/* No more than the block, and the nodes on its way; when those are there, one call. */
static void test_random_reads_read_nothing_ahead(void **state)
{
    struct tree *tree = reopen(make_file("test_random", BLOCKS * BLOCK + SLACK));
    struct costs before;
    unsigned missed = 0;

    (void)state;
    for (uint32_t id = 1; id <= tree_max_node(tree); id++)
        assert_ok(tree_verify_node(tree, (struct node){id}));
    before = costs_now();
    for (unsigned i = 0; i < 200; i++) {
        struct costs then = costs_now();

        expect_read(tree, (1 + i * 263 % (BLOCKS - 1)) * BLOCK + 30, 64);
        missed += costs_since(then).reads > 0;
        assert_in_range(costs_since(then).reads, 0, 1);
    }
    assert_int_equal(costs_since(before).unseals, missed);
    assert_true(missed > 150);
    tree_close(tree);
}

/* An opening brings block 0 if it comes along with what is wanted, and does without it. */
static void test_a_small_file_takes_one_call_or_two(void **state)
{
    struct tree *tree = make_file("test_small", 100);
    struct costs before = costs_now();

    (void)state;
    tree = reopen(tree);
    expect_read(tree, 10, 64);
    assert_int_equal(costs_since(before).reads, 1);

    memory_device_set_sparing(disk, true);
    before = costs_now();
    tree = reopen(tree);
    assert_int_equal(costs_since(before).reads, 1);
    expect_read(tree, 10, 64);
    assert_int_equal(costs_since(before).reads, 2);
    tree_close(tree);
}

/* Nothing is known: one call for the nodes of the whole path, one for the block. */
static void test_a_cold_path_takes_one_call(void **state)
{
    struct tree *tree = reopen(make_file("test_cold", BLOCKS * BLOCK + SLACK));
    struct costs before = costs_now();

    (void)state;
    expect_read(tree, 555 * BLOCK + 30, 64);
    assert_int_equal(costs_since(before).reads, 2);
    tree_close(tree);
}

/* Sequential reads stop being that at the first jump. */
static void test_a_jump_ends_reading_ahead(void **state)
{
    struct tree *tree = reopen(make_file("test_jump", BLOCKS * BLOCK + SLACK));
    struct costs before;

    (void)state;
    for (size_t at = 0; at < 40 * BLOCK; at += 2048)
        expect_read(tree, at, 2048);
    before = costs_now();
    expect_read(tree, 300 * BLOCK + 1, 1);
    assert_int_equal(costs_since(before).unseals, 1);
    before = costs_now();
    expect_read(tree, 310 * BLOCK + 1, 1);
    assert_int_equal(costs_since(before).unseals, 1);
    /* And begin again with a few. */
    before = costs_now();
    expect_read(tree, 310 * BLOCK + 2, BLOCK);
    assert_in_range(costs_since(before).unseals, 2, 4);
    tree_close(tree);
}

/* What is read ahead must not fail the read: only who wants it learns that it is damaged. */
static void test_damage_ahead_is_not_met_before_it_is_wanted(void **state)
{
    struct tree *tree = reopen(make_file("test_damage_ahead", 40 * BLOCK));
    struct fault_plan plan = {.kind = FAULT_IO_BEFORE, .at = 1};
    uint8_t bytes[BLOCK];
    size_t got;

    (void)state;
    for (unsigned slot = 0; slot < 2; slot++)
        memory_device_flip(disk, FILE_NAME, layout_block_offset((struct block){9}, slot) + 5, 1);
    for (size_t at = 0; at < 9 * BLOCK; at += 512)
        expect_read(tree, at, 512);
    assert_status(tree_read(tree, 9 * BLOCK, bytes, 512, &got), COFFER_CORRUPT);
    expect_read(tree, 10 * BLOCK, 512);
    /* Nor must an error that comes with it. */
    for (size_t at = 10 * BLOCK + 512; at < 12 * BLOCK; at += 512)
        expect_read(tree, at, 512);
    memory_device_inject(disk, &plan);
    for (size_t at = 12 * BLOCK; at < 39 * BLOCK; at += 512)
        expect_read(tree, at, 512);
    memory_device_inject(disk, NULL);
    assert_true(plan.fired);
    tree_close(tree);
}

/* Two blocks at both ends of a range are read for it, in one call, and all of it, with the nodes
 * and the head, is written in one. */
static void test_a_part_of_a_block_is_read_once_and_sealed_once(void **state)
{
    struct tree *tree = reopen(make_file("test_part", 20 * BLOCK));
    struct costs before;

    (void)state;
    for (uint32_t id = 1; id <= tree_max_node(tree); id++)
        assert_ok(tree_verify_node(tree, (struct node){id}));
    before = costs_now();
    write_random(tree, &model, &dice, 5 * BLOCK + 24, BLOCK);
    assert_int_equal(costs_since(before).reads, 0); /* not yet */
    assert_int_equal(costs_since(before).seals, 0);
    for (unsigned i = 0; i < 50; i++)
        write_random(tree, &model, &dice, 5 * BLOCK + 24 + i * 8, 100);
    bench_commit(tree);
    assert_int_equal(costs_since(before).reads, 1);
    assert_int_equal(costs_since(before).unseals, 2);
    assert_int_equal(costs_since(before).seals, 2 + 1); /* the head */
    assert_int_equal(costs_since(before).writes, 1);
    /* They are in the cache now. */
    before = costs_now();
    write_random(tree, &model, &dice, 5 * BLOCK + 7, BLOCK);
    bench_commit(tree);
    assert_int_equal(costs_since(before).reads, 0);
    assert_int_equal(costs_since(before).writes, 1);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* Blocks of which nothing stays aren't read, however many writes it takes. */
static void test_what_is_overwritten_whole_is_not_read(void **state)
{
    static const size_t cuts[] = {1, 24, 2000, 4095};
    struct tree *tree = reopen(make_file("test_whole", 20 * BLOCK + SLACK));

    (void)state;
    for (uint32_t id = 1; id <= tree_max_node(tree); id++)
        assert_ok(tree_verify_node(tree, (struct node){id}));
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct costs before = costs_now();
        unsigned block = 4 + 3 * (unsigned)i;

        write_random(tree, &model, &dice, block * BLOCK, cuts[i]);
        write_random(tree, &model, &dice, block * BLOCK + cuts[i], BLOCK - cuts[i]);
        write_random(tree, &model, &dice, (block + 1) * BLOCK, BLOCK);
        write_random(tree, &model, &dice, (block + 2) * BLOCK + cuts[i], BLOCK - cuts[i]);
        write_random(tree, &model, &dice, (block + 2) * BLOCK, cuts[i]);
        bench_commit(tree);
        assert_int_equal(costs_since(before).reads, 0);
        assert_int_equal(costs_since(before).seals, 3 + 1);
    }
    /* The last block ends with the file: its end needn't be kept. */
    {
        struct costs before = costs_now();

        write_random(tree, &model, &dice, 20 * BLOCK, SLACK);
        bench_commit(tree);
        assert_int_equal(costs_since(before).reads, 0);
    }
    assert_reads(tree, &model, 1000);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* A gap between two pieces of one block: then it is read, and right. */
static void test_pieces_of_a_block_with_gaps_are_joined_with_the_old(void **state)
{
    struct tree *tree = reopen(make_file("test_gaps", 20 * BLOCK + SLACK));

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        unsigned writes = 1 + (unsigned)random_below(&dice, 5);

        for (unsigned i = 0; i < writes; i++) {
            size_t offset = 18 * BLOCK + (size_t)random_below(&dice, 2 * BLOCK + SLACK);

            write_random(tree, &model, &dice, offset, 1 + (size_t)random_below(&dice, 900));
            if (random_below(&dice, 4) == 0) /* its own changes are read */
                expect_read(tree, 18 * BLOCK, model.size - 18 * BLOCK);
            if (random_below(&dice, 8) == 0)
                assert_ok(tree_settle(tree));
        }
        bench_commit(tree);
        if (round % 5 == 4)
            set_length(tree, &model, 19 * BLOCK + (size_t)random_below(&dice, BLOCK + SLACK));
        if (tree_is_changed(tree))
            bench_commit(tree);
        if (round % 3 == 2)
            tree = reopen(tree);
        if (round % 10 == 9)
            assert_version(disk, tree_root_hash(tree), &model);
    }
    tree_close(tree);
}

/* Many blocks, nodes and the head of a new version go out in as few calls as hold them. */
static void test_a_large_write_takes_few_calls(void **state)
{
    struct tree *tree = make_file("test_large_write", BLOCKS * BLOCK + SLACK);
    struct costs before;

    (void)state;
    before = costs_now();
    write_random(tree, &model, &dice, 24, 512 * BLOCK);
    bench_commit(tree);
    assert_in_range(costs_since(before).writes, 1, 512 / 32 + 6);
    assert_int_equal(costs_since(before).seals, 513 + 1);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* 512 blocks, each by a call of its own, and the commit: what that cost. */
static struct costs write_singly(struct tree *tree)
{
    struct costs before = costs_now();

    for (unsigned i = 0; i < 512; i++)
        write_random(tree, &model, &dice, (size_t)i * BLOCK, BLOCK);
    bench_commit(tree);
    return costs_since(before);
}

/* Block after block, they go out together. */
static void test_single_blocks_in_order_go_out_together(void **state)
{
    struct tree *tree = bench_create(&bench);
    struct costs costs;

    (void)state;
    random_init(&dice, "test_single_blocks");
    costs = write_singly(tree);
    assert_in_range(costs.writes, 1, 512 / 32 + 6);
    assert_int_equal(costs.seals, 512 + 1);
    assert_int_equal(costs.reads, 0);
    assert_version(disk, tree_root_hash(tree), &model);
    costs = write_singly(tree); /* written over */
    assert_in_range(costs.writes, 1, 512 / 32 + 6);
    assert_int_equal(costs.seals, 512 + 1);
    assert_int_equal(costs.unseals, 0);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

/* Idle buffers aren't wiped when only ciphertext was in them: then it has to be that. */
static void test_buffers_keep_no_plaintext(void **state)
{
    static uint8_t plain[40 * BLOCK];
    const struct tree_piece pieces[] = {{plain, 100}, {plain + 100, sizeof(plain) - 100}};
    struct tree *tree = bench_create(&bench);
    size_t got;

    (void)state;
    memset(plain, 0x42, sizeof(plain));
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++)
        bench.buffers.settings.idle_max[kind] = 64 * BLOCK;
    assert_ok(tree_write(tree, 0, pieces, 2));
    bench_commit(tree);
    assert_ok(tree_write(tree, 7 * BLOCK + 5, pieces, 1));
    bench_commit(tree);
    for (uint32_t block = 0; block < 40; block++)
        assert_ok(tree_verify_block(tree, (struct block){block}));
    assert_ok(tree_read(tree, 5, plain, sizeof(plain) - 5, &got));
    tree_close(tree);
    (void)bench_bytes(&bench); /* nothing is in the caches any more */
    assert_true(bench.buffers.numbers.idle[2] > 0);
    for (size_t at = 0; at < BENCH_REGION_SIZE; at += 64)
        assert_int_not_equal(memcmp(bench.region + at, plain, 64), 0);
}

/* Small writes far apart wait together, up to the cache's share. */
static void test_scattered_writes_spill_by_the_share(void **state)
{
    struct tree *tree = make_file("test_scattered", BLOCKS * BLOCK + SLACK);
    struct costs before = costs_now();

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        write_random(tree, &model, &dice, (size_t)i * 29 * BLOCK + 5, 10);
    assert_int_equal(costs_since(before).writes, 0);
    assert_int_equal(tree->dirty.count, 20);
    for (unsigned i = 0; i < BLOCKS; i++) {
        write_random(tree, &model, &dice, (size_t)(i * 263 % BLOCKS) * BLOCK + 7, 10);
        assert_in_range(tree->dirty.count, 0, FRAMES / 4 + 1);
    }
    assert_true(costs_since(before).writes > 0);
    bench_commit(tree);
    assert_version(disk, tree_root_hash(tree), &model);
    tree_close(tree);
}

#define calls_test(function) cmocka_unit_test_setup_teardown(function, set_up, scene_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        calls_test(test_a_warm_read_calls_nobody),
        calls_test(test_small_sequential_reads_are_read_ahead),
        calls_test(test_large_reads_take_one_call_for_32_blocks),
        calls_test(test_random_reads_read_nothing_ahead),
        calls_test(test_a_small_file_takes_one_call_or_two),
        calls_test(test_a_cold_path_takes_one_call),
        calls_test(test_a_jump_ends_reading_ahead),
        calls_test(test_damage_ahead_is_not_met_before_it_is_wanted),
        calls_test(test_a_part_of_a_block_is_read_once_and_sealed_once),
        calls_test(test_what_is_overwritten_whole_is_not_read),
        calls_test(test_pieces_of_a_block_with_gaps_are_joined_with_the_old),
        calls_test(test_a_large_write_takes_few_calls),
        calls_test(test_single_blocks_in_order_go_out_together),
        calls_test(test_buffers_keep_no_plaintext),
        calls_test(test_scattered_writes_spill_by_the_share),
    };

    return cmocka_run_group_tests_name("tree calls", tests, NULL, NULL);
}
