/* SPDX-License-Identifier: BSD-2-Clause */
/* Which version a file opens with, and T2: what is damaged is never used (tree/tree.h). */
#include "fixture.h"

#include "base/bytes.h"

#define BLOCK   4096u
#define COUNTER 64u /* offset in a head */

static struct memory_device *disk;
static struct bench bench;
static struct random dice;

static int set_up(void **state)
{
    (void)state;
    disk = memory_device_open();
    bench_open(&bench, disk, 64, 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench_close(&bench);
    memory_device_free(disk);
    return 0;
}

/* Versions 1 to `count` of a catalogue whose data is the version's number, in blocks of it. */
static void make_versions(uint32_t count, size_t blocks)
{
    uint8_t *bytes = must_alloc(blocks * BLOCK);
    struct tree_piece piece = {bytes, blocks * BLOCK};
    struct tree *tree;

    assert_ok(tree_create(&bench.environment, FILE_NAME, NULL, &tree));
    for (uint32_t version = 1; version <= count; version++) {
        memset(bytes, (int)version, blocks * BLOCK);
        assert_ok(tree_write(tree, 0, &piece, 1));
        bench_commit(tree);
        assert_int_equal(tree_counter(tree), version);
    }
    tree_close(tree);
    free(bytes);
}

static enum coffer_status open_version(enum tree_version version, struct tree_heads *heads,
                                       struct tree **out)
{
    const struct tree_opening opening = {.name = FILE_NAME, .version = version};

    return tree_open(&bench.environment, &opening, heads, out);
}

/* The version that opens, by its data; 0: none does. */
static unsigned opens(enum tree_version which, struct tree_heads *heads)
{
    struct tree *tree;
    enum coffer_status status = open_version(which, heads, &tree);
    uint8_t byte = 0;
    size_t got;

    if (status != COFFER_OK) {
        assert_status(status, COFFER_CORRUPT);
        return 0;
    }
    assert_ok(tree_read(tree, 5, &byte, 1, &got));
    assert_int_equal(byte, tree_counter(tree));
    assert_int_equal(heads->chosen, tree_counter(tree) & 1);
    tree_close(tree);
    return byte;
}

static void set_counter(unsigned slot, uint32_t counter)
{
    size_t size;

    store_le32(memory_device_bytes(disk, FILE_NAME, &size) + slot * 68 + COUNTER, counter);
}

static void test_the_larger_counter_is_the_newest_version(void **state)
{
    struct tree_heads heads;

    (void)state;
    for (uint32_t count = 1; count < 6; count++) {
        make_versions(count, 1);
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), count);
        assert_true(heads.authentic[count & 1]);
        assert_int_equal(heads.blank[(count & 1) ^ 1], count == 1);
        assert_int_equal(heads.authentic[(count & 1) ^ 1], count > 1);
        assert_int_equal(opens(TREE_SPARE, &heads), count > 1 ? count - 1 : 0);
        assert_true(memory_device_drop(disk, FILE_NAME));
    }
}

static void test_a_damaged_newest_head_gives_the_version_before(void **state)
{
    struct tree_heads heads;

    (void)state;
    make_versions(4, 1);
    for (size_t offset = 0; offset < COUNTER; offset++) {
        memory_device_flip(disk, FILE_NAME, offset, 4); /* head 0 has version 4 */
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), 3);
        assert_false(heads.authentic[0]);
        assert_true(heads.authentic[1]);
        assert_int_equal(heads.counter[0], 4);
        memory_device_flip(disk, FILE_NAME, offset, 4);
    }
    for (size_t offset = 68; offset < 68 + COUNTER; offset++) {
        memory_device_flip(disk, FILE_NAME, offset, 4);
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), 4);
        assert_false(heads.authentic[1]);
        memory_device_flip(disk, FILE_NAME, offset, 4);
    }
    memory_device_flip(disk, FILE_NAME, 0, 4);
    memory_device_flip(disk, FILE_NAME, 68, 4);
    assert_int_equal(opens(TREE_BY_COUNTER, &heads), 0);
}

static void test_a_damaged_counter_is_told_by_its_neighbour(void **state)
{
    static const uint32_t wrong[] = {0, 1, 2, 3, 5, 6, 7, 4 + 256, 0x80000004u, UINT32_MAX};
    struct tree_heads heads;

    (void)state;
    make_versions(4, 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        set_counter(0, wrong[i]);
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), 4);
        assert_true(heads.authentic[0] && heads.authentic[1]);
        assert_int_equal(heads.counter[0], 4);
        set_counter(0, 4);
        set_counter(1, wrong[i]);
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), 4);
        assert_int_equal(heads.counter[1], 3);
        set_counter(1, 3);
    }
    /* Both: nothing tells either. */
    set_counter(0, 40);
    set_counter(1, 51);
    assert_int_equal(opens(TREE_BY_COUNTER, &heads), 0);
}

static void test_a_damaged_root_gives_the_version_before(void **state)
{
    struct tree_heads heads;

    (void)state;
    make_versions(4, 3);
    for (size_t offset = 0; offset < 66; offset++) {
        memory_device_flip(disk, FILE_NAME, BLOCK + offset, 0x20);
        assert_int_equal(opens(TREE_BY_COUNTER, &heads), 3);
        assert_false(heads.authentic[0]);
        memory_device_flip(disk, FILE_NAME, BLOCK + offset, 0x20);
    }
    /* The spare version is asked for by name: no other will do. */
    memory_device_flip(disk, FILE_NAME, BLOCK + 66 + 3, 0x20);
    assert_int_equal(opens(TREE_SPARE, &heads), 0);
    assert_int_equal(opens(TREE_BY_COUNTER, &heads), 4);
}

static void test_a_file_that_was_never_committed_has_no_version(void **state)
{
    static const uint8_t zeros[3 * BLOCK];
    static const size_t sizes[] = {0, 1, 68, 136, BLOCK, BLOCK + 132, sizeof(zeros)};
    struct tree_heads heads;
    struct tree *tree;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memory_device_set(disk, FILE_NAME, zeros, sizes[i]);
        assert_status(open_version(TREE_BY_COUNTER, &heads, &tree), COFFER_CORRUPT);
        assert_true(heads.blank[0] && heads.blank[1]);
        assert_false(heads.authentic[0] || heads.authentic[1]);
        assert_status(bench_try(&bench, zeros, &tree), COFFER_CORRUPT);
    }
    assert_true(memory_device_drop(disk, FILE_NAME));
    assert_status(open_version(TREE_BY_COUNTER, &heads, &tree), COFFER_NOT_FOUND);
    assert_int_equal(bench_bytes(&bench), 0);
}

static void test_by_hash_takes_either_version_whatever_the_counters_say(void **state)
{
    struct model_file old = {0}, new = {0};
    struct tree *tree = bench_create(&bench);
    uint8_t hash[2][CRYPTO_HASH_SIZE];

    (void)state;
    random_init(&dice, "test_by_hash");
    write_random(tree, &old, &dice, 0, 5 * BLOCK);
    bench_commit(tree);
    memcpy(hash[0], tree_root_hash(tree), CRYPTO_HASH_SIZE);
    model_file_copy(&old, &new);
    write_random(tree, &new, &dice, 100, 5000);
    bench_commit(tree);
    memcpy(hash[1], tree_root_hash(tree), CRYPTO_HASH_SIZE);
    tree_close(tree);

    assert_version(disk, hash[0], &old);
    assert_version(disk, hash[1], &new);
    hash[0][31] ^= 1;
    assert_status(bench_try(&bench, hash[0], &tree), COFFER_CORRUPT);
    model_file_fini(&old);
    model_file_fini(&new);
}

static void test_another_key_does_not_open_it(void **state)
{
    struct tree *tree = bench_create(&bench);
    const uint8_t other[CRYPTO_UUID_SIZE] = {1};
    uint8_t hash[CRYPTO_HASH_SIZE];
    struct tree_opening opening = {
        .name = FILE_NAME, .uuid = other, .version = TREE_BY_HASH, .root_hash = hash};

    (void)state;
    bench_commit(tree);
    memcpy(hash, tree_root_hash(tree), sizeof(hash));
    tree_close(tree);
    assert_status(tree_open(&bench.environment, &opening, NULL, &tree), COFFER_CORRUPT);
    opening.uuid = NULL;
    assert_status(tree_open(&bench.environment, &opening, NULL, &tree), COFFER_CORRUPT);
    bench.environment.head_full_hash = true;
    opening.uuid = bench_uuid;
    assert_status(tree_open(&bench.environment, &opening, NULL, &tree), COFFER_CORRUPT);
    bench.environment.head_full_hash = false;
    assert_ok(tree_open(&bench.environment, &opening, NULL, &tree));
    tree_close(tree);
}

static void test_a_taken_name_is_not_created(void **state)
{
    struct tree *tree = bench_create(&bench);
    struct tree *other;

    (void)state;
    bench_commit(tree);
    assert_status(tree_create(&bench.environment, FILE_NAME, bench_uuid, &other), COFFER_EXISTS);
    assert_int_equal(bench_pinned(&bench), 0);
    tree_close(tree);
}

static bool is_below(uint32_t node, uint32_t top)
{
    while (node > top)
        node /= 2;
    return node == top;
}

/* Read every block: what lies below `bad` is refused and zeroed, what doesn't lie below `most`
 * reads, and what reads is right. */
static void assert_damage_stays_below(struct tree *tree, const struct model_file *model,
                                      uint32_t bad, uint32_t most)
{
    for (uint32_t block = 0; block < model->size / BLOCK; block++) {
        uint8_t bytes[BLOCK];
        size_t got;
        enum coffer_status status;

        memset(bytes, 0xcc, sizeof(bytes));
        status = tree_read(tree, (uint64_t)block * BLOCK, bytes, sizeof(bytes), &got);
        if (status == COFFER_OK) {
            assert_memory_equal(bytes, model->bytes + (size_t)block * BLOCK, BLOCK);
            assert_false(is_below(block + 1, bad));
        } else {
            assert_status(status, COFFER_CORRUPT);
            assert_true(bytes_are_zero(bytes, sizeof(bytes)));
            assert_true(is_below(block + 1, most));
        }
    }
}

static void flip_node(const struct model_file *model, const uint8_t *hash, uint32_t id,
                      size_t offset)
{
    uint64_t at = layout_node_offset((struct node){id}, 1) + offset;
    struct tree *tree;
    enum coffer_status status;

    memory_device_flip(disk, FILE_NAME, at, 0x08);
    status = bench_try(&bench, hash, &tree);
    if (status == COFFER_OK) {
        /* The hash field is covered by the parent, which then fits neither. */
        assert_damage_stays_below(tree, model, id, offset < 32 ? id / 2 : id);
        assert_status(tree_verify_node(tree, (struct node){id}), COFFER_CORRUPT);
        tree_close(tree);
    } else {
        assert_status(status, COFFER_CORRUPT);
        assert_true(id <= 3 && offset < 32); /* the root's hash */
    }
    memory_device_flip(disk, FILE_NAME, at, 0x08);
}

static void test_T2_damage_is_refused_where_it_is_and_nowhere_else(void **state)
{
    enum { BLOCKS = 70 };
    struct tree *tree = bench_create(&bench);
    struct model_file model = {0};
    uint8_t hash[CRYPTO_HASH_SIZE];

    (void)state;
    random_init(&dice, "test_T2");
    write_random(tree, &model, &dice, 0, BLOCKS * BLOCK);
    bench_commit(tree);
    memcpy(hash, tree_root_hash(tree), sizeof(hash));
    tree_close(tree);
    for (uint32_t id = 2; id <= BLOCKS; id++) {
        struct block block = {id - 1};
        uint64_t at = layout_block_offset(block, block.index & 1) + random_below(&dice, BLOCK);

        flip_node(&model, hash, id, (size_t)random_below(&dice, 32));
        flip_node(&model, hash, id, 32 + (size_t)random_below(&dice, 34));

        memory_device_flip(disk, FILE_NAME, at, 0x08);
        tree = bench_tree(&bench, hash);
        for (uint32_t other = 0; other < BLOCKS; other++)
            assert_status(tree_verify_block(tree, (struct block){other}),
                          other == block.index ? COFFER_CORRUPT : COFFER_OK);
        assert_ok(tree_verify_node(tree, (struct node){id}));
        tree_close(tree);
        memory_device_flip(disk, FILE_NAME, at, 0x08);
    }
    assert_version(disk, hash, &model);
    model_file_fini(&model);
}

static void test_a_file_that_ends_early_is_corrupt_where_it_ends(void **state)
{
    struct tree *tree = bench_create(&bench);
    struct model_file model = {0};
    uint8_t hash[CRYPTO_HASH_SIZE];
    uint8_t *file;
    size_t size;

    (void)state;
    random_init(&dice, "test_ends_early");
    write_random(tree, &model, &dice, 0, 40 * BLOCK);
    bench_commit(tree);
    memcpy(hash, tree_root_hash(tree), sizeof(hash));
    tree_close(tree);
    file = memory_device_bytes(disk, FILE_NAME, &size);
    file = must_copy(file, size);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 3) {
        uint8_t *bytes = must_alloc(model.size);
        size_t got;
        enum coffer_status status;

        memory_device_set(disk, FILE_NAME, file, cut);
        status = bench_try(&bench, hash, &tree);
        if (status == COFFER_OK) {
            status = tree_read(tree, 0, bytes, model.size, &got);
            assert_true(bytes_are_zero(bytes, model.size));
            tree_close(tree);
        }
        assert_status(status, COFFER_CORRUPT);
        free(bytes);
    }
    memory_device_set(disk, FILE_NAME, file, size);
    assert_version(disk, hash, &model);
    free(file);
    model_file_fini(&model);
}

#define version_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        version_test(test_the_larger_counter_is_the_newest_version),
        version_test(test_a_damaged_newest_head_gives_the_version_before),
        version_test(test_a_damaged_counter_is_told_by_its_neighbour),
        version_test(test_a_damaged_root_gives_the_version_before),
        version_test(test_a_file_that_was_never_committed_has_no_version),
        version_test(test_by_hash_takes_either_version_whatever_the_counters_say),
        version_test(test_another_key_does_not_open_it),
        version_test(test_a_taken_name_is_not_created),
        version_test(test_T2_damage_is_refused_where_it_is_and_nowhere_else),
        version_test(test_a_file_that_ends_early_is_corrupt_where_it_ends),
    };

    return cmocka_run_group_tests_name("tree versions", tests, NULL, NULL);
}
