/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of a tree, changed: marked from the root down, added, dropped; hashed from the leaves
 * up, to be written, when settled.
 */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/bytes.h"

static void touch_slot(struct group_note *note, struct node node)
{
    unsigned slot = (note->slot & bit_of(node)) != 0;
    unsigned at = 2 * node_place(node) + slot;

    if (note->dirty_to == 0 || at < note->dirty_from)
        note->dirty_from = (uint8_t)at;
    if (at + 1 > note->dirty_to)
        note->dirty_to = (uint8_t)(at + 1);
}

/* Out of place: from its first change on, a node lives in the slot that isn't committed. The
 * parent was marked before. */
static void mark_one(struct tree *tree, struct node node)
{
    struct node_entry *entry = nodes_held(tree, node);
    struct group_note *note = note_of(entry);

    assert_cheap(note->held && note->whole & bit_of(node));
    if (!(note->changed & bit_of(node))) {
        memcpy(other_image_of(entry, node), image_of(entry, node), LAYOUT_NODE_SIZE);
        note->slot ^= bit_of(node);
        note->changed |= bit_of(node);
        if (node.id == node_root.id) {
            tree->now.slot ^= 1;
            tree->changed = true;
        } else {
            struct node parent = node_parent(node);
            uint8_t *flags = image_of(nodes_held(tree, parent), parent) + NODE_FLAGS;

            store_le16(flags, load_le16(flags) ^ node_flag_in_parent(node));
        }
    }
    note->stale |= bit_of(node);
    touch_slot(note, node);
}

enum coffer_status nodes_mark(struct tree *tree, struct node node, struct node_entry **out)
{
    struct node_entry *entry = nodes_recent(tree, node);
    enum coffer_status status;

    if (entry == NULL || !(note_of(entry)->stale & bit_of(node))) {
        status = nodes_reach(tree, node, true, &entry);
        if (status != COFFER_OK)
            return status;
        for (unsigned left = node_depth(node) + 1;
             left > 0 && !(note_of(entry)->stale & bit_of(node)); left--)
            mark_one(tree, (struct node){node.id >> (left - 1)});
        tree->recent[group_of(entry).index % TREE_RECENT] = entry;
        nodes_unpin(tree, entry);
    }
    *out = entry;
    return COFFER_OK;
}

enum coffer_status nodes_begin_fresh(struct tree *tree)
{
    struct node_entry *entry;
    enum coffer_status status = nodes_adopt_first_group(tree, NULL, &entry);
    struct group_note *note;

    tree->changed = true;
    if (status != COFFER_OK)
        return status;
    nodes_hold(tree, entry);
    note = note_of(entry);
    note->slot = tree->now.slot ? bit_of(node_root) : 0;
    note->known = note->whole = note->changed = note->stale = bit_of(node_root);
    touch_slot(note, node_root);
    nodes_unpin(tree, entry);
    return COFFER_OK;
}

/* The group of a node, held and without another pin. */
static enum coffer_status hold_group(struct tree *tree, struct node node, struct node_entry **out)
{
    enum coffer_status status = COFFER_OK;
    struct node_entry *entry = nodes_recent(tree, node);

    if (entry == NULL) {
        status = nodes_load_group(tree, node, true, &entry);
        if (status != COFFER_OK)
            return status;
        nodes_unpin(tree, entry);
    }
    *out = entry;
    return COFFER_OK;
}

/* The parent of a new node marked, and the node's group held. */
static enum coffer_status mark_and_hold(struct tree *tree, struct node node,
                                        struct node_entry **parent_entry, struct node_entry **entry)
{
    enum coffer_status status = nodes_mark(tree, node_parent(node), parent_entry);

    return status == COFFER_OK ? hold_group(tree, node, entry) : status;
}

/* The same, where there is room for it: what was held before gives way, and if others have the rest
 * this waits for them. */
static enum coffer_status find_place(struct tree *tree, struct node node,
                                     struct node_entry **parent_entry, struct node_entry **entry)
{
    enum coffer_status status = mark_and_hold(tree, node, parent_entry, entry);

    if (status != COFFER_NO_MEMORY)
        return status;
    status = nodes_settle(tree);
    if (status == COFFER_OK)
        status = nodes_hold_in_turn(tree, node_parent(node), node);
    return status == COFFER_OK ? mark_and_hold(tree, node, parent_entry, entry) : status;
}

/* Add the node after the last. Its slot is the one that the parent's flag doesn't name in the
 * committed version: what lies in that may be committed (the node was dropped in this very
 * transaction), or all that authenticates the parent (the tolerant rule). */
static enum coffer_status add_node(struct tree *tree)
{
    struct node node = {tree->now.max_node + 1};
    struct node parent = node_parent(node);
    struct node_entry *parent_entry = NULL;
    struct node_entry *entry = NULL;
    enum coffer_status status;
    struct group_note *note;
    uint16_t before;
    uint16_t flags;

    status = find_place(tree, node, &parent_entry, &entry);
    if (status != COFFER_OK)
        return status;
    flags = load_le16(image_of(parent_entry, parent) + NODE_FLAGS);
    before = node_is_committed(tree, parent)
                 ? load_le16(other_image_of(parent_entry, parent) + NODE_FLAGS)
                 : flags;
    if (((flags ^ before) & node_flag_in_parent(node)) == 0)
        flags ^= node_flag_in_parent(node);
    store_le16(image_of(parent_entry, parent) + NODE_FLAGS, flags);
    note = note_of(entry);
    note->slot = flags & node_flag_in_parent(node) ? note->slot | bit_of(node)
                                                   : note->slot & ~bit_of(node);
    memset(image_of(entry, node), 0, LAYOUT_NODE_SIZE);
    /* Neighbouring blocks of a new stretch lie side by side when they alternate slots. */
    store_le16(image_of(entry, node) + NODE_FLAGS, block_of_node(node).index & NODE_FLAG_BLOCK);
    note->known |= bit_of(node);
    note->whole |= bit_of(node);
    note->changed |= bit_of(node);
    note->stale |= bit_of(node);
    touch_slot(note, node);
    tree->now.max_node = node.id;
    return COFFER_OK;
}

/* Before a file grows: its size, to return to if that fails. */
static enum coffer_status note_size(struct tree *tree)
{
    enum coffer_status status;

    if (tree->fresh || tree->size_before != SIZE_UNKNOWN)
        return COFFER_OK;
    nodes_unlock(tree);
    status = device_size(tree->environment->device, tree->name, &tree->size_before);
    nodes_lock(tree);
    return status;
}

enum coffer_status nodes_extend(struct tree *tree, struct node last)
{
    enum coffer_status status = COFFER_OK;

    if (tree->now.max_node < last.id)
        status = note_size(tree);
    while (status == COFFER_OK && tree->now.max_node < last.id) {
        status = nodes_make_room(tree);
        if (status == COFFER_OK)
            status = add_node(tree);
    }
    return status;
}

enum coffer_status nodes_drop(struct tree *tree, struct node last)
{
    uint32_t parent = (last.id + 1) / 2;
    uint32_t end = tree->now.max_node / 2;

    assert_cheap(!tree->changed && last.id >= 1 && last.id < tree->now.max_node);
    tree->now.max_node = last.id;
    /* The parents that stay and lose a child: their hashes cover one child less. */
    for (; parent <= end && parent <= last.id; parent++) {
        struct node_entry *entry;
        enum coffer_status status = nodes_make_room(tree);

        if (status == COFFER_OK)
            status = nodes_mark(tree, (struct node){parent}, &entry);
        if (status != COFFER_OK)
            return status;
    }
    return COFFER_OK;
}

enum coffer_status nodes_make_room(struct tree *tree)
{
    size_t path = node_depth((struct node){tree->now.max_node}) + 4;
    size_t capacity;
    size_t pinned;

    /* As long as no more are held the answer is the same, as far as it is this tree's doing. */
    if (tree->held_count <= tree->held_checked)
        return COFFER_OK;
    node_cache_room(tree->environment->nodes, &pinned, &capacity);
    if (pinned + path > capacity)
        return nodes_settle(tree);
    tree->held_checked = tree->held_count;
    return COFFER_OK;
}

/* The new hash of a stale node; its children were done before, and everything is held. */
static void rehash(struct tree *tree, struct node_entry *entry, struct node node)
{
    const uint8_t *children[2] = {NULL, NULL};
    uint8_t *image = image_of(entry, node);

    for (unsigned which = 0; which < 2; which++) {
        struct node child = node_child(node, which);
        struct node_entry *child_entry;

        if (child.id > tree->now.max_node)
            continue;
        child_entry = nodes_held(tree, child);
        assert_cheap(note_of(child_entry)->known & bit_of(child));
        children[which] = image_of(child_entry, child);
    }
    nodes_hash(tree, node, image, children, image + NODE_HASH);
    if (node.id == node_root.id)
        memcpy(tree->now.root_hash, image + NODE_HASH, CRYPTO_HASH_SIZE);
    note_of(entry)->stale &= ~bit_of(node);
    note_of(entry)->tolerated &= ~bit_of(node);
}

enum coffer_status nodes_hash_stale(struct tree *tree, struct outgoing *out)
{
    enum coffer_status status = COFFER_OK;

    /* Children have larger numbers than their parents, and the list has larger groups first. */
    list_each (link, &tree->held) {
        struct node_entry *entry = list_entry(link, struct node_entry, of_user);
        struct group_note *note = note_of(entry);
        uint32_t first = group_of(entry).index * LAYOUT_GROUP_NODES + 1;
        uint64_t from = (uint64_t)note->dirty_from * LAYOUT_NODE_SIZE;
        size_t size = (size_t)(note->dirty_to - note->dirty_from) * LAYOUT_NODE_SIZE;

        for (uint32_t stale = note->stale; stale != 0; stale = note->stale)
            rehash(tree, entry, (struct node){first + bits_log2_down(stale)});
        if (note->dirty_to == 0)
            continue;
        note->dirty_from = 0;
        note->dirty_to = 0;
        nodes_unlock(tree);
        status = outgoing_add(out, layout_group_offset(group_of(entry)) + from,
                              entry->at.frame + from, size);
        nodes_lock(tree);
        if (status != COFFER_OK)
            break;
    }
    return status;
}

enum coffer_status nodes_settle(struct tree *tree)
{
    enum coffer_status status;
    struct outgoing out;

    outgoing_init(&out, tree);
    status = nodes_hash_stale(tree, &out);
    if (status != COFFER_OK)
        return status;
    nodes_unlock(tree);
    status = outgoing_write(&out);
    nodes_lock(tree);
    if (status == COFFER_OK)
        nodes_release(tree);
    return status;
}

enum coffer_status tree_touch(struct tree *tree)
{
    struct node_entry *entry;
    enum coffer_status status;

    work_begin(tree->environment);
    nodes_lock(tree);
    status = nodes_mark(tree, node_root, &entry);
    nodes_unlock(tree);
    work_end(tree->environment);
    return status;
}

/* Re-hash a node if only the tolerant rule accepts it. */
static enum coffer_status mend(struct tree *tree, struct node node)
{
    struct node_entry *entry;
    enum coffer_status status = nodes_make_room(tree);
    bool broken;

    if (status == COFFER_OK)
        status = nodes_reach(tree, node, false, &entry);
    if (status != COFFER_OK)
        return status;
    broken = (note_of(entry)->tolerated & bit_of(node)) != 0;
    nodes_unpin(tree, entry);
    return broken ? nodes_mark(tree, node, &entry) : COFFER_OK;
}

enum coffer_status tree_mend(struct tree *tree)
{
    enum coffer_status status = COFFER_OK;

    work_begin(tree->environment);
    nodes_lock(tree);
    for (uint32_t id = 1; id <= tree->now.max_node && status == COFFER_OK; id++)
        status = mend(tree, (struct node){id});
    nodes_unlock(tree);
    work_end(tree->environment);
    if (status == COFFER_OK)
        atomic_store_explicit(&tree->tolerated, false, memory_order_relaxed);
    return status;
}
