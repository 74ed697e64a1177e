/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a transaction. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

enum coffer_status tree_write_head(struct tree *tree)
{
    /* A new file gets both heads, the other one blank: OP-TEE reads both. */
    uint8_t heads[2 * LAYOUT_HEAD_SIZE] = {0};
    uint8_t *head = heads + layout_head_offset(tree->now.slot);
    struct device_piece piece = {head, LAYOUT_HEAD_SIZE};
    uint64_t offset = layout_head_offset(tree->now.slot);
    uint8_t aad[HEAD_AAD_MAX];
    enum coffer_status status;
    size_t aad_size;

    tree->now.counter = tree->committed.counter + 1;
    assert_cheap(tree->changed && tree->held_count == 0);
    assert_cheap((tree->now.counter & 1) == tree->now.slot);
    memcpy(head + HEAD_WRAPPED, tree->wrapped, CRYPTO_WRAPPED_SIZE);
    store_le64(head + HEAD_META + META_LENGTH, tree->now.length);
    store_le32(head + HEAD_META + META_MAX_NODE, tree->now.max_node > 1 ? tree->now.max_node : 0);
    store_le32(head + HEAD_COUNTER, tree->now.counter);
    aad_size = head_aad(tree, tree->now.root_hash, tree->now.counter, aad);
    status = crypto_seal(tree->environment->crypto, tree->key, aad, aad_size, head + HEAD_META,
                         head + HEAD_META, LAYOUT_META_SIZE, head + HEAD_IV, head + HEAD_TAG);
    if (status != COFFER_OK)
        return status;
    if (tree->fresh) {
        piece = (struct device_piece){heads, sizeof(heads)};
        offset = 0;
    }
    status = device_write(tree->environment->device, tree->name, offset, &piece, 1);
    return status == COFFER_NOT_FOUND ? COFFER_IO : status;
}

enum coffer_status tree_prepare(struct tree *tree, bool head)
{
    enum coffer_status status;

    assert_cheap(tree->changed);
    status = tree_settle(tree);
    if (status == COFFER_OK && head)
        status = tree_write_head(tree);
    return status;
}

void tree_adopt(struct tree *tree)
{
    assert_cheap(tree->changed && tree->held_count == 0);
    tree->committed = tree->now;
    tree->changed = false;
    tree->fresh = false;
    tree->size_before = SIZE_UNKNOWN;
    tree->transaction++; /* so that no note says any more that a node is changed */
}

void tree_forget(struct tree *tree)
{
    node_cache_forget_file(tree->environment->nodes, &tree->nodes);
    block_cache_forget_file(tree->environment->blocks, &tree->blocks);
}

/* Enough for what opening a file and reading a little of it brings in. */
#define COOL_STEPS 16u

void tree_cool(struct tree *tree)
{
    cache_cool_group(tree->environment->nodes->frames.core, &tree->nodes, COOL_STEPS);
    cache_cool_group(tree->environment->blocks->frames.core, &tree->blocks, COOL_STEPS);
}

void tree_abort(struct tree *tree)
{
    nodes_release(tree);
    tree_forget(tree);
    tree->now = tree->committed;
    tree->changed = false;
    tree->size_before = SIZE_UNKNOWN;
}

void tree_retract(struct tree *tree)
{
    uint64_t size = tree->size_before;
    enum coffer_status status = COFFER_OK;

    tree_abort(tree);
    if (size != SIZE_UNKNOWN)
        status = device_resize(tree->environment->device, tree->name, size);
    (void)status; /* at worst the space is lost until the object is cut or deleted */
}

bool tree_is_changed(const struct tree *tree)
{
    return tree->changed;
}

enum coffer_status tree_cut_file(struct tree *tree)
{
    /* OP-TEE's own choice: room for both slots of one block more than needed. */
    uint64_t blocks = layout_blocks(tree->committed.length);
    uint64_t size = layout_block_offset((struct block){(uint32_t)blocks}, 1) + LAYOUT_BLOCK_SIZE;
    enum coffer_status status;
    uint64_t now = 0;

    assert_cheap(!tree->changed);
    status = device_size(tree->environment->device, tree->name, &now);
    if (status == COFFER_OK && now > size)
        status = device_resize(tree->environment->device, tree->name, size);
    return status;
}
