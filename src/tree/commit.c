/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits, on its way out; the end of a transaction. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* A new file gets both heads, the other one blank: OP-TEE reads both. */
struct heads {
    uint8_t bytes[2 * LAYOUT_HEAD_SIZE];
};

/* The head of the new version, to go out with what else does. */
static enum coffer_status add_head(struct tree *tree, struct heads *heads, struct outgoing *out)
{
    uint8_t *head = heads->bytes + layout_head_offset(tree->now.slot);
    uint8_t aad[HEAD_AAD_MAX];
    enum coffer_status status;
    size_t aad_size;

    memset(heads, 0, sizeof(*heads));
    tree->now.counter = tree->committed.counter + 1;
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
    if (tree->fresh)
        return outgoing_add(out, 0, heads->bytes, sizeof(heads->bytes));
    return outgoing_add(out, layout_head_offset(tree->now.slot), head, LAYOUT_HEAD_SIZE);
}

enum coffer_status tree_write_head(struct tree *tree)
{
    enum coffer_status status;
    struct outgoing out;
    struct heads heads;

    assert_cheap(tree->changed && tree->held_count == 0 && tree->dirty.count == 0);
    outgoing_init(&out, tree);
    status = add_head(tree, &heads, &out);
    return status == COFFER_OK ? outgoing_write(&out) : status;
}

/* --- Dirty blocks --- */

/* Those that go out together: pinned, and WRITING. */
struct leaving {
    struct tree *tree;
    struct staging staging;
    struct frame_entry *entries[STAGING_MAX];
    size_t count;
};

static void leaving_collect(struct leaving *leaving)
{
    struct tree *tree = leaving->tree;
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry = NULL;

    while (leaving->count < leaving->staging.blocks) {
        entry = block_cache_set_next(cache, &tree->dirty, entry);
        if (entry == NULL)
            break;
        if (!block_cache_write_begin(cache, entry))
            assert_cheap(false); /* nobody else writes this tree's */
        leaving->entries[leaving->count++] = entry;
    }
}

static void leaving_end(struct leaving *leaving, enum coffer_status status)
{
    struct block_cache *cache = leaving->tree->environment->blocks;

    for (size_t i = 0; i < leaving->count; i++) {
        block_cache_write_end(cache, leaving->entries[i], status);
        block_cache_unpin(cache, leaving->entries[i]);
    }
    leaving->count = 0;
}

static enum coffer_status leaving_seal(struct leaving *leaving, struct outgoing *out)
{
    enum coffer_status status;

    status = blocks_complete(leaving->tree, leaving->entries, leaving->count, &leaving->staging);
    for (size_t i = 0; i < leaving->count && status == COFFER_OK; i++) {
        struct block block = {(uint32_t)leaving->entries[i]->core.index};

        status = write_sealed(leaving->tree, block, leaving->entries[i]->frame,
                              staging_block(&leaving->staging, i), out);
    }
    return status;
}

/* Seal all dirty blocks; the last of them are left for the caller to write, with what it adds, and
 * to end. */
static enum coffer_status seal_dirty(struct leaving *leaving, struct outgoing *out)
{
    struct tree *tree = leaving->tree;
    enum coffer_status status = COFFER_OK;

    while (status == COFFER_OK && tree->dirty.count > leaving->count) {
        if (leaving->count > 0) {
            status = outgoing_write(out);
            leaving_end(leaving, status);
        }
        if (status == COFFER_OK) {
            leaving_collect(leaving);
            status = leaving_seal(leaving, out);
        }
    }
    return status;
}

/* Write what waits: the dirty blocks, with `nodes` those too, with `head` the head. */
static enum coffer_status write_out(struct tree *tree, bool nodes, bool head)
{
    struct leaving leaving = {.tree = tree};
    enum coffer_status status = COFFER_OK;
    struct outgoing out;
    struct heads heads;

    outgoing_init(&out, tree);
    if (tree->dirty.count > 0) {
        staging_take(tree->environment,
                     tree->dirty.count < STAGING_MAX ? tree->dirty.count : STAGING_MAX,
                     &leaving.staging);
        status = seal_dirty(&leaving, &out);
    }
    if (status == COFFER_OK && nodes) {
        nodes_lock(tree);
        status = nodes_hash_stale(tree, &out);
        nodes_unlock(tree);
    }
    if (status == COFFER_OK && head)
        status = add_head(tree, &heads, &out);
    if (status == COFFER_OK)
        status = outgoing_write(&out);
    leaving_end(&leaving, status);
    if (leaving.staging.blocks > 0)
        staging_give(&leaving.staging, status == COFFER_OK); /* else with what was to be sealed */
    if (status == COFFER_OK && nodes)
        nodes_release(tree);
    return status;
}

enum coffer_status tree_spill(struct tree *tree)
{
    return write_out(tree, false, false);
}

static enum coffer_status write_as_work(struct tree *tree, bool nodes, bool head)
{
    enum coffer_status status;

    work_begin(tree->environment);
    status = write_out(tree, nodes, head);
    work_end(tree->environment);
    return status;
}

enum coffer_status tree_settle(struct tree *tree)
{
    return write_as_work(tree, true, false);
}

enum coffer_status tree_settle_if_crowded(struct tree *tree)
{
    size_t capacity;
    size_t pinned;
    size_t dirty;

    node_cache_room(tree->environment->nodes, &pinned, &capacity);
    if (pinned > capacity / 4)
        return tree_settle(tree);
    block_cache_room(tree->environment->blocks, &dirty, &capacity);
    return dirty > capacity / 4 ? write_as_work(tree, false, false) : COFFER_OK;
}

enum coffer_status tree_prepare(struct tree *tree, bool head)
{
    assert_cheap(tree_is_changed(tree));
    return write_as_work(tree, true, head);
}

/* --- The end --- */

void tree_adopt(struct tree *tree)
{
    assert_cheap(tree->changed && tree->held_count == 0 && tree->dirty.count == 0);
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
    return tree->changed || tree->dirty.count > 0;
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
