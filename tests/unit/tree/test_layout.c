/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Placement (tree/layout.h) and its keyless twin (coffer/inspect.h). The table was counted out on
 * paper from the picture in docs/FORMAT.md: a page of nodes, 61 pages of block slots, and so on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/inspect.h"
#include "support/must.h"
#include "tree/layout.h"

#define PAGE 4096u

static void test_heads_lie_one_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(layout_head_offset(0), 0);
    assert_int_equal(layout_head_offset(1), 68);
    assert_int_equal(coffer_inspect_head_offset(1), 68);
}

static void test_blocks_lie_where_the_table_says(void **state)
{
    static const struct {
        uint32_t block;
        uint64_t page[2];
    } table[] = {
        {0, {2, 3}},       {1, {4, 5}},          {29, {60, 61}},       {30, {62, 64}},
        {31, {65, 66}},    {32, {67, 68}},       {59, {121, 122}},     {60, {123, 124}},
        {61, {126, 127}},  {62, {128, 129}},     {90, {184, 185}},     {91, {186, 188}},
        {92, {189, 190}},  {93, {191, 192}},     {121, {247, 248}},    {122, {250, 251}},
        {123, {252, 253}}, {1023, {2081, 2082}}, {1024, {2083, 2084}}, {1999, {4065, 4066}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (unsigned slot = 0; slot < 2; slot++) {
            struct block block = {table[i].block};

            assert_int_equal(layout_block_offset(block, slot), table[i].page[slot] * PAGE);
            assert_int_equal(coffer_inspect_block_offset(block.index, slot),
                             table[i].page[slot] * PAGE);
        }
    }
}

static void test_nodes_lie_where_the_table_says(void **state)
{
    static const struct {
        uint32_t node, group;
        uint64_t page;
        uint32_t within[2];
    } table[] = {
        {1, 0, 1, {0, 66}},        {2, 0, 1, {132, 198}},        {3, 0, 1, {264, 330}},
        {31, 0, 1, {3960, 4026}},  {32, 1, 63, {0, 66}},         {33, 1, 63, {132, 198}},
        {62, 1, 63, {3960, 4026}}, {63, 2, 125, {0, 66}},        {93, 2, 125, {3960, 4026}},
        {94, 3, 187, {0, 66}},     {1000, 32, 1985, {924, 990}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct node node = {table[i].node};

        assert_int_equal(node_group(node).index, table[i].group);
        assert_int_equal(layout_group_offset(node_group(node)), table[i].page * PAGE);
        for (unsigned slot = 0; slot < 2; slot++) {
            uint64_t offset = table[i].page * PAGE + table[i].within[slot];

            assert_int_equal(layout_place_offset(node_place(node), slot), table[i].within[slot]);
            assert_int_equal(layout_node_offset(node, slot), offset);
            assert_int_equal(coffer_inspect_node_offset(node.id, slot), offset);
        }
    }
}

static void test_a_node_knows_its_block_parent_and_children(void **state)
{
    (void)state;
    assert_int_equal(node_of_block((struct block){0}).id, 1);
    assert_int_equal(block_of_node((struct node){63}).index, 62);
    assert_int_equal(node_parent((struct node){62}).id, 31);
    assert_int_equal(node_parent((struct node){63}).id, 31);
    assert_int_equal(node_child((struct node){31}, 0).id, 62);
    assert_int_equal(node_child((struct node){31}, 1).id, 63);
    assert_int_equal(node_flag_in_parent((struct node){62}), 2);
    assert_int_equal(node_flag_in_parent((struct node){63}), 4);
}

static void test_lengths_need_as_many_blocks_as_they_touch(void **state)
{
    (void)state;
    assert_int_equal(layout_blocks(0), 0);
    assert_int_equal(layout_blocks(1), 1);
    assert_int_equal(layout_blocks(4095), 1);
    assert_int_equal(layout_blocks(4096), 1);
    assert_int_equal(layout_blocks(4097), 2);
    assert_int_equal(layout_blocks(UINT64_MAX), UINT64_C(1) << 52);
}

/* Mark a stretch of the file; nobody may have been there. */
static void occupy(uint8_t *file, size_t file_size, uint64_t offset, size_t size)
{
    assert_true(offset + size <= file_size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(file[offset + i], 0);
        file[offset + i] = 1;
    }
}

static void test_no_two_slots_overlap_and_no_page_is_left_out(void **state)
{
    enum { BLOCKS = 2000 };
    size_t size = (size_t)4200 * PAGE;
    uint8_t *file = must_alloc(size);
    uint64_t end = 0;

    (void)state;
    memset(file, 0, size);
    occupy(file, size, layout_head_offset(0), LAYOUT_HEAD_SIZE);
    occupy(file, size, layout_head_offset(1), LAYOUT_HEAD_SIZE);
    for (uint32_t id = 1; id <= BLOCKS + 2 * 31; id++) {
        for (unsigned slot = 0; slot < 2; slot++)
            occupy(file, size, layout_node_offset((struct node){id}, slot), LAYOUT_NODE_SIZE);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        for (unsigned slot = 0; slot < 2; slot++) {
            uint64_t offset = layout_block_offset((struct block){i}, slot);

            occupy(file, size, offset, LAYOUT_BLOCK_SIZE);
            assert_int_equal(offset % PAGE, 0);
            end = offset + PAGE;
        }
    }
    /* Up to the last block each page is a node page or a block slot: nothing is wasted. */
    for (uint64_t page = 1; page < end / PAGE; page++)
        assert_int_equal(file[page * PAGE], 1);
    free(file);
}

static void test_inspect_tells_how_many_nodes_a_file_holds(void **state)
{
    (void)state;
    assert_int_equal(coffer_inspect_nodes(0), 0);
    assert_int_equal(coffer_inspect_nodes(PAGE), 0);
    assert_int_equal(coffer_inspect_nodes(PAGE + 131), 0);
    assert_int_equal(coffer_inspect_nodes(PAGE + 132), 1);
    assert_int_equal(coffer_inspect_nodes(PAGE + 31 * 132), 31);
    assert_int_equal(coffer_inspect_nodes(4 * PAGE), 31);
    assert_int_equal(coffer_inspect_nodes(63 * PAGE + 131), 31);
    assert_int_equal(coffer_inspect_nodes(63 * PAGE + 132), 32);
    assert_int_equal(coffer_inspect_nodes(64 * PAGE), 62);
    assert_int_equal(coffer_inspect_nodes(UINT64_MAX), COFFER_INSPECT_NODE_MAX);
    for (uint32_t node = 1; node < 300; node++) {
        uint64_t end = layout_node_offset((struct node){node}, 1) + LAYOUT_NODE_SIZE;

        assert_int_equal(coffer_inspect_nodes(end), node);
        assert_int_equal(coffer_inspect_nodes(end - 1), node - 1);
    }
}

static void test_inspect_picks_the_newest_head(void **state)
{
    static const struct {
        uint32_t counter[2];
        enum coffer_status status;
        unsigned slot;
    } table[] = {
        {{0, 0}, COFFER_OK, 0},      {{2, 4}, COFFER_OK, 0},      {{2, 1}, COFFER_OK, 0},
        {{2, 3}, COFFER_OK, 1},      {{0, 1}, COFFER_OK, 1},      {{3, 1}, COFFER_OK, 1},
        {{1, 2}, COFFER_CORRUPT, 9}, {{3, 0}, COFFER_CORRUPT, 9}, {{10, 9}, COFFER_OK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned slot = 9;

        assert_int_equal(coffer_inspect_newest(table[i].counter[0], table[i].counter[1], &slot),
                         table[i].status);
        assert_int_equal(slot, table[i].slot);
    }
}

static void test_inspect_takes_images_apart(void **state)
{
    uint8_t image[LAYOUT_HEAD_SIZE];
    struct coffer_inspect_head head;
    struct coffer_inspect_node node;

    (void)state;
    for (unsigned i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i + 1);
    coffer_inspect_head(image, &head);
    assert_memory_equal(head.iv, image, 16);
    assert_memory_equal(head.tag, image + 16, 16);
    assert_memory_equal(head.wrapped_key, image + 32, 16);
    assert_memory_equal(head.meta, image + 48, 16);
    assert_int_equal(head.counter, 0x44434241);
    assert_false(head.blank);
    coffer_inspect_node(image, &node);
    assert_memory_equal(node.hash, image, 32);
    assert_memory_equal(node.iv, image + 32, 16);
    assert_memory_equal(node.tag, image + 48, 16);
    assert_int_equal(node.flags, 0x4241);
    assert_false(node.blank);

    memset(image, 0, sizeof(image));
    coffer_inspect_head(image, &head);
    coffer_inspect_node(image, &node);
    assert_true(head.blank);
    assert_true(node.blank);

    assert_int_equal(coffer_inspect_block_slot(6), 0);
    assert_int_equal(coffer_inspect_block_slot(1), 1);
    assert_int_equal(coffer_inspect_child_slot(2, 10), 1);
    assert_int_equal(coffer_inspect_child_slot(2, 11), 0);
    assert_int_equal(coffer_inspect_child_slot(4, 11), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads_lie_one_after_the_other),
        cmocka_unit_test(test_blocks_lie_where_the_table_says),
        cmocka_unit_test(test_nodes_lie_where_the_table_says),
        cmocka_unit_test(test_a_node_knows_its_block_parent_and_children),
        cmocka_unit_test(test_lengths_need_as_many_blocks_as_they_touch),
        cmocka_unit_test(test_no_two_slots_overlap_and_no_page_is_left_out),
        cmocka_unit_test(test_inspect_tells_how_many_nodes_a_file_holds),
        cmocka_unit_test(test_inspect_picks_the_newest_head),
        cmocka_unit_test(test_inspect_takes_images_apart),
    };

    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
