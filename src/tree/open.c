/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and making files: the heads, and which version is the committed one. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* What the opening read brings, in staging order. */
#define FIRST_HEADS 0u
#define FIRST_GROUP LAYOUT_BLOCK_SIZE
#define FIRST_SLOTS ((size_t)2 * LAYOUT_BLOCK_SIZE)
#define FIRST_SIZE  ((size_t)4 * LAYOUT_BLOCK_SIZE)

_Static_assert((size_t)STAGING_RESERVE *LAYOUT_BLOCK_SIZE >= FIRST_SIZE, "the opening read fits");

size_t head_aad(const struct tree *tree, const uint8_t *root_hash, uint32_t counter,
                uint8_t aad[HEAD_AAD_MAX])
{
    size_t size = tree->environment->head_full_hash ? CRYPTO_HASH_SIZE : CRYPTO_HASH_SIZE / 2;

    memcpy(aad, root_hash, size);
    store_le32(aad + size, counter);
    memcpy(aad + size + 4, tree->wrapped, CRYPTO_WRAPPED_SIZE);
    return size + 4 + CRYPTO_WRAPPED_SIZE;
}

static enum coffer_status make_tree(struct tree_environment *environment, const char *name,
                                    struct tree **out)
{
    enum coffer_status status;
    struct tree *tree;
    void *block;

    assert_cheap(strlen(name) <= DEVICE_NAME_MAX);
    status = memory_alloc(environment->memory, environment->owner, sizeof(*tree), &block);
    if (status != COFFER_OK)
        return status;
    tree = block;
    status = environment->port->lock_init(environment->port->context, &tree->lock);
    if (status != COFFER_OK) {
        memory_free(environment->memory, tree);
        return status;
    }
    tree->environment = environment;
    cache_set_init(&tree->dirty);
    atomic_init(&tree->read_end, UINT64_MAX);
    atomic_init(&tree->ahead, 0);
    atomic_init(&tree->tolerated, false);
    list_init(&tree->held);
    tree->size_before = SIZE_UNKNOWN;
    cache_group_init(&tree->nodes);
    cache_group_init(&tree->blocks);
    tree_set_name(tree, name);
    *out = tree;
    return COFFER_OK;
}

/* Sensible numbers in an authentic meta? */
static bool meta_is_valid(uint64_t length, uint32_t max_node)
{
    return length <= LAYOUT_LENGTH_MAX && max_node <= LAYOUT_NODE_MAX &&
           (max_node == 0 ? 1 : max_node) >= layout_blocks(length);
}

/*
 * Try head `slot` under one counter: on COFFER_OK the tree has the head's key and version. The
 * root hash is the one that the root node's image of the same slot claims.
 */
static enum coffer_status try_counter(struct tree *tree, const uint8_t *first, unsigned slot,
                                      uint32_t counter)
{
    const uint8_t *head = first + FIRST_HEADS + layout_head_offset(slot);
    const uint8_t *root = first + FIRST_GROUP + layout_place_offset(0, slot);
    uint8_t aad[HEAD_AAD_MAX];
    uint8_t meta[LAYOUT_META_SIZE];
    struct tree_state state = {.counter = counter, .slot = slot};
    enum coffer_status status;
    size_t aad_size;

    if ((counter & 1) != slot)
        return COFFER_CORRUPT;
    memcpy(tree->wrapped, head + HEAD_WRAPPED, CRYPTO_WRAPPED_SIZE);
    aad_size = head_aad(tree, root + NODE_HASH, counter, aad);
    status = crypto_unseal(tree->environment->crypto, tree->key, aad, aad_size, head + HEAD_META,
                           meta, sizeof(meta), head + HEAD_IV, head + HEAD_TAG);
    if (status != COFFER_OK)
        return status;
    state.length = load_le64(meta + META_LENGTH);
    state.max_node = load_le32(meta + META_MAX_NODE);
    if (!meta_is_valid(state.length, state.max_node))
        return COFFER_CORRUPT;
    if (state.max_node == 0)
        state.max_node = 1;
    memcpy(state.root_hash, root + NODE_HASH, CRYPTO_HASH_SIZE);
    tree->now = state;
    tree->committed = state;
    return COFFER_OK;
}

/*
 * Authenticate head `slot`. Its counter is stored in the clear; when that is what was damaged, the
 * right one is a neighbour of the other head's, and the tag tells.
 */
static enum coffer_status try_head(struct tree *tree, const struct tree_opening *opening,
                                   const uint8_t *first, unsigned slot)
{
    const uint8_t *head = first + FIRST_HEADS + layout_head_offset(slot);
    const uint8_t *other = first + FIRST_HEADS + layout_head_offset(slot ^ 1);
    uint32_t counters[3] = {load_le32(head + HEAD_COUNTER), load_le32(other + HEAD_COUNTER) + 1,
                            load_le32(other + HEAD_COUNTER) - 1};
    enum coffer_status status;

    crypto_key_drop(tree->environment->crypto, tree->key);
    tree->key = NULL;
    status = crypto_key_unwrap(tree->environment->crypto, opening->uuid, head + HEAD_WRAPPED,
                               &tree->key);
    if (status != COFFER_OK)
        return status;
    status = COFFER_CORRUPT;
    for (unsigned i = 0; i < 3 && status == COFFER_CORRUPT; i++)
        status = try_counter(tree, first, slot, counters[i]);
    return status;
}

/* Take the version of a head: authenticate it, and the root with its children's hashes. The root's
 * group comes back pinned. */
static enum coffer_status take_version(struct tree *tree, const struct tree_opening *opening,
                                       const uint8_t *first, unsigned slot,
                                       struct node_entry **group)
{
    enum coffer_status status = try_head(tree, opening, first, slot);
    struct node_entry *entry;

    if (status != COFFER_OK)
        return status;
    tree_forget(tree);
    status = nodes_adopt_first_group(tree, first + FIRST_GROUP, &entry);
    if (status != COFFER_OK)
        return status;
    status = nodes_verify_root(tree, entry);
    if (status == COFFER_OK)
        *group = entry;
    else
        nodes_unpin(tree, entry);
    return status;
}

static enum coffer_status open_by_hash(struct tree *tree, const struct tree_opening *opening,
                                       const uint8_t *first, struct node_entry **group)
{
    size_t hash_size = opening->hash_size != 0 ? opening->hash_size : CRYPTO_HASH_SIZE;
    enum coffer_status status = COFFER_CORRUPT;

    for (unsigned slot = 0; slot < 2 && status == COFFER_CORRUPT; slot++) {
        const uint8_t *root = first + FIRST_GROUP + layout_place_offset(0, slot);

        if (memcmp(root + NODE_HASH, opening->root_hash, hash_size) == 0)
            status = take_version(tree, opening, first, slot, group);
    }
    return status;
}

/* Which head is newer, as far as they are good? */
static unsigned newer_head(const struct tree_heads *heads)
{
    if (heads->authentic[0] != heads->authentic[1])
        return heads->authentic[1];
    return heads->counter[1] > heads->counter[0];
}

static enum coffer_status open_by_counter(struct tree *tree, const struct tree_opening *opening,
                                          const uint8_t *first, struct tree_heads *heads,
                                          struct node_entry **group)
{
    enum coffer_status status;
    unsigned slot;

    for (slot = 0; slot < 2; slot++) {
        const uint8_t *head = first + FIRST_HEADS + layout_head_offset(slot);

        heads->blank[slot] = bytes_are_zero(head, LAYOUT_HEAD_SIZE);
        heads->counter[slot] = load_le32(head + HEAD_COUNTER);
        status = try_head(tree, opening, first, slot);
        if (status != COFFER_OK && status != COFFER_CORRUPT)
            return status;
        heads->authentic[slot] = status == COFFER_OK;
        if (status == COFFER_OK)
            heads->counter[slot] = tree->now.counter;
    }
    slot = newer_head(heads);
    if (opening->version == TREE_SPARE)
        slot ^= 1;
    for (unsigned attempt = 0; attempt < 2; attempt++, slot ^= 1) {
        status = take_version(tree, opening, first, slot, group);
        if (status != COFFER_CORRUPT || opening->version == TREE_SPARE)
            break;
        heads->authentic[slot] = false;
    }
    heads->chosen = slot;
    return status;
}

/* Read what every opening needs, and find the version with it. */
static enum coffer_status open_version(struct tree *tree, const struct tree_opening *opening,
                                       struct tree_heads *heads, uint8_t *first)
{
    struct device_piece piece = {first, FIRST_SIZE};
    struct node_entry *group;
    enum coffer_status status;
    size_t got = 0;

    status = device_read_least(tree->environment->device, opening->name, 0, &piece, 1, FIRST_SLOTS,
                               &got);
    if (status != COFFER_OK)
        return status;
    if (got < FIRST_SLOTS)
        memset(first + got, 0, FIRST_SLOTS - got);
    if (opening->version == TREE_BY_HASH)
        status = open_by_hash(tree, opening, first, &group);
    else
        status = open_by_counter(tree, opening, first, heads, &group);
    if (status != COFFER_OK)
        return status;
    if (got > FIRST_SLOTS)
        blocks_adopt_first(tree, opening, group, first + FIRST_SLOTS, got - FIRST_SLOTS);
    nodes_unpin(tree, group);
    return COFFER_OK;
}

enum coffer_status tree_open(struct tree_environment *environment,
                             const struct tree_opening *opening, struct tree_heads *heads,
                             struct tree **out)
{
    struct tree_heads unused;
    enum coffer_status status;
    struct staging staging;
    struct tree *tree;

    if (heads == NULL)
        heads = &unused;
    *heads = (struct tree_heads){0};
    status = make_tree(environment, opening->name, &tree);
    if (status != COFFER_OK)
        return status;
    work_begin(environment);
    staging_take(environment, STAGING_RESERVE, &staging);
    status = open_version(tree, opening, heads, staging_block(&staging, 0));
    staging_give(&staging, true);
    work_end(environment);
    if (status != COFFER_OK) {
        tree_close(tree);
        return status;
    }
    *out = tree;
    return COFFER_OK;
}

enum coffer_status tree_create(struct tree_environment *environment, const char *name,
                               const uint8_t *uuid, struct tree **out)
{
    enum coffer_status status;
    struct tree *tree;

    status = make_tree(environment, name, &tree);
    if (status != COFFER_OK)
        return status;
    tree->fresh = true;
    tree->committed.max_node = 1;
    tree->now.max_node = 1;
    tree->now.slot = 1;
    status = crypto_key_make(environment->crypto, uuid, tree->wrapped, &tree->key);
    if (status == COFFER_OK) {
        work_begin(environment);
        nodes_lock(tree);
        status = nodes_begin_fresh(tree);
        nodes_unlock(tree);
        work_end(environment);
    }
    if (status == COFFER_OK)
        status = device_create(environment->device, name);
    if (status != COFFER_OK) {
        tree_close(tree);
        return status;
    }
    *out = tree;
    return COFFER_OK;
}

void tree_close(struct tree *tree)
{
    struct tree_environment *environment;

    if (tree == NULL)
        return;
    environment = tree->environment;
    tree_abort(tree);
    crypto_key_drop(environment->crypto, tree->key);
    environment->port->lock_fini(environment->port->context, &tree->lock);
    memory_free(environment->memory, tree);
}

size_t tree_bytes(void)
{
    return sizeof(struct tree) + CRYPTO_KEY_BYTES;
}

void tree_set_name(struct tree *tree, const char *name)
{
    size_t size = strlen(name);

    assert_cheap(size <= DEVICE_NAME_MAX);
    memset(tree->name, 0, sizeof(tree->name));
    memcpy(tree->name, name, size);
}

const char *tree_name(const struct tree *tree)
{
    return tree->name;
}

uint64_t tree_length(const struct tree *tree)
{
    return tree->now.length;
}

uint32_t tree_counter(const struct tree *tree)
{
    return tree->now.counter;
}

uint32_t tree_max_node(const struct tree *tree)
{
    return tree->now.max_node;
}

bool tree_is_tolerated(const struct tree *tree)
{
    return atomic_load_explicit(&tree->tolerated, memory_order_relaxed);
}

const uint8_t *tree_root_hash(const struct tree *tree)
{
    return tree->now.root_hash;
}
