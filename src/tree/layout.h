/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things lie in a hash-tree file, and the bytes of heads and nodes: OP-TEE's layout
 * (docs/FORMAT.md, "Hash-tree file" and "Placement"). Pure functions over numbers and bytes.
 *
 * A file has two heads, nodes numbered from 1 (the root) and blocks numbered from 0; node n
 * describes block n - 1 and has children 2n and 2n + 1. Everything has two slots, 0 and 1, of which
 * one holds the committed version. 31 nodes with both their slots fill one 4 KiB group.
 */
#ifndef COFFER_TREE_LAYOUT_H
#define COFFER_TREE_LAYOUT_H

#include <stdint.h>

#include "base/bitmap.h"

#define LAYOUT_BLOCK_SIZE  4096u
#define LAYOUT_HEAD_SIZE   68u
#define LAYOUT_NODE_SIZE   66u
#define LAYOUT_META_SIZE   16u
#define LAYOUT_GROUP_NODES 31u /* nodes of one group */

/* Head image: offsets. */
#define HEAD_IV      0u  /* 16 */
#define HEAD_TAG     16u /* 16 */
#define HEAD_WRAPPED 32u /* 16: the encrypted FEK */
#define HEAD_META    48u /* 16: encrypted length and largest node */
#define HEAD_COUNTER 64u /* u32, plain */

/* The decrypted meta. */
#define META_LENGTH   0u /* u64: bytes of data in the file */
#define META_MAX_NODE 8u /* u32: largest node; 0 means 1 */

/* Node image: offsets. */
#define NODE_HASH  0u  /* 32 */
#define NODE_IV    32u /* 16, of the block */
#define NODE_TAG   48u /* 16, of the block */
#define NODE_FLAGS 64u /* u16 */

/* Node flags: which slot is committed. */
#define NODE_FLAG_BLOCK   1u /* of the node's block */
#define NODE_FLAG_CHILD_0 2u /* of child 2n */
#define NODE_FLAG_CHILD_1 4u /* of child 2n + 1 */

/* Numbers that must not mix. */
struct node {
    uint32_t id; /* from 1 */
};

struct block {
    uint32_t index; /* from 0 */
};

struct group {
    uint32_t index; /* from 0: nodes 31 * index + 1 and on */
};

static inline struct node node_of_block(struct block block)
{
    return (struct node){block.index + 1};
}

static inline struct block block_of_node(struct node node)
{
    return (struct block){node.id - 1};
}

static inline struct node node_parent(struct node node)
{
    return (struct node){node.id / 2};
}

static const struct node node_root = {1};

/* Steps below the root. */
static inline unsigned node_depth(struct node node)
{
    return bits_log2_down(node.id);
}

/* Child 0 or 1. */
static inline struct node node_child(struct node node, unsigned which)
{
    return (struct node){2 * node.id + which};
}

/* The flag of a node's parent that names the node's committed slot. */
static inline uint16_t node_flag_in_parent(struct node node)
{
    return node.id & 1 ? NODE_FLAG_CHILD_1 : NODE_FLAG_CHILD_0;
}

static inline struct group node_group(struct node node)
{
    return (struct group){(node.id - 1) / LAYOUT_GROUP_NODES};
}

/* The node's place in its group, 0 to 30. */
static inline unsigned node_place(struct node node)
{
    return (node.id - 1) % LAYOUT_GROUP_NODES;
}

/* Offsets in the file, in bytes. */
static inline uint64_t layout_head_offset(unsigned slot)
{
    return (uint64_t)slot * LAYOUT_HEAD_SIZE;
}

static inline uint64_t layout_group_offset(struct group group)
{
    return (1 + 2 * (uint64_t)LAYOUT_GROUP_NODES * group.index) * LAYOUT_BLOCK_SIZE;
}

/* Of a node's slot within its group. */
static inline unsigned layout_place_offset(unsigned place, unsigned slot)
{
    return (2 * place + slot) * LAYOUT_NODE_SIZE;
}

static inline uint64_t layout_node_offset(struct node node, unsigned slot)
{
    return layout_group_offset(node_group(node)) + layout_place_offset(node_place(node), slot);
}

/* A node group is followed by 61 block slots, and then comes the next group: but it has the nodes
 * of 31 blocks, which have 62 slots, so nodes and their blocks drift apart. */
static inline uint64_t layout_block_offset(struct block block, unsigned slot)
{
    uint64_t b = 2 * (uint64_t)block.index + slot;

    return (2 + b + b / (2 * LAYOUT_GROUP_NODES - 1)) * LAYOUT_BLOCK_SIZE;
}

/* Blocks that a length in bytes needs. */
static inline uint64_t layout_blocks(uint64_t length)
{
    return length / LAYOUT_BLOCK_SIZE + (length % LAYOUT_BLOCK_SIZE != 0);
}

/* The largest length in bytes that we take for real, and its largest node. */
#define LAYOUT_LENGTH_MAX ((uint64_t)1 << 40)
#define LAYOUT_NODE_MAX   ((uint32_t)(LAYOUT_LENGTH_MAX / LAYOUT_BLOCK_SIZE) + 2)

#endif
