/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes of a tree, read: verified on the way down. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* SHA-256 over a node's image and its children's hash fields (NULL: no such child). */
void nodes_hash(struct tree *tree, struct node node, const uint8_t *image,
                const uint8_t *const children[2], uint8_t digest[CRYPTO_HASH_SIZE])
{
    uint8_t message[LAYOUT_NODE_SIZE - NODE_IV + 8 + 2 * CRYPTO_HASH_SIZE];
    size_t size = LAYOUT_NODE_SIZE - NODE_IV;

    memcpy(message, image + NODE_IV, size);
    if (node.id == node_root.id) {
        store_le64(message + size, tree->now.length);
        size += 8;
    }
    for (unsigned which = 0; which < 2; which++) {
        if (children[which] != NULL) {
            memcpy(message + size, children[which] + NODE_HASH, CRYPTO_HASH_SIZE);
            size += CRYPTO_HASH_SIZE;
        }
    }
    crypto_hash(tree->environment->crypto, message, size, digest);
}

/* What a whole parent says of a child whose group is here: its slot, and if it was changed. */
static void make_known(struct tree *tree, struct node_entry *parent_entry, struct node child,
                       struct node_entry *entry)
{
    struct node parent = node_parent(child);
    struct group_note *note = note_of(entry);
    uint16_t flag = node_flag_in_parent(child);
    uint16_t flags = load_le16(image_of(parent_entry, parent) + NODE_FLAGS);
    bool changed = (note_of(parent_entry)->changed & bit_of(parent)) != 0;

    if (note->known & bit_of(child))
        return;
    if (changed && node_is_committed(tree, child)) {
        uint16_t before = load_le16(other_image_of(parent_entry, parent) + NODE_FLAGS);

        changed = ((flags ^ before) & flag) != 0;
    }
    note->known |= bit_of(child);
    note->slot = flags & flag ? note->slot | bit_of(child) : note->slot & ~bit_of(child);
    note->changed = changed ? note->changed | bit_of(child) : note->changed & ~bit_of(child);
}

/* The image of a child that its parent's flags name, wherever that leads. */
static const uint8_t *named_image(struct node_entry *parent_entry, struct node child,
                                  const struct node_entry *entry)
{
    const uint8_t *parent_image = image_of(parent_entry, node_parent(child));
    unsigned slot = (load_le16(parent_image + NODE_FLAGS) & node_flag_in_parent(child)) != 0;

    return entry->at.frame + layout_place_offset(node_place(child), slot);
}

/*
 * The tolerant rule (docs/FORMAT.md, "Truncation"): OP-TEE drops nodes without re-hashing their
 * parents. Such a parent's hash still covers dropped children, whose images were left behind where
 * its flags name them. Everything involved is authentic: the parent's hash is covered from above.
 */
static enum coffer_status fits_with_dropped(struct tree *tree, struct node_entry *entry,
                                            struct node node, const uint8_t *existing[2],
                                            bool *fits)
{
    struct node_entry *dropped[2] = {NULL, NULL};
    const uint8_t *image = image_of(entry, node);
    enum coffer_status status = COFFER_OK;
    uint8_t digest[CRYPTO_HASH_SIZE];

    *fits = false;
    /* Dropped children from the smaller on, as the file may have been cut more than once. */
    for (unsigned which = 0; which < 2 && !*fits; which++) {
        struct node child = node_child(node, which);

        if (existing[which] != NULL)
            continue;
        status = nodes_load_group(tree, child, false, &dropped[which]);
        if (status != COFFER_OK)
            break;
        existing[which] = named_image(entry, child, dropped[which]);
        nodes_hash(tree, node, image, existing, digest);
        *fits = memcmp(digest, image + NODE_HASH, sizeof(digest)) == 0;
    }
    nodes_unpin(tree, dropped[0]);
    nodes_unpin(tree, dropped[1]);
    return status;
}

static struct node last_node_for(const struct tree *tree, struct node_entry *entry,
                                 struct node node)
{
    bool changed = (note_of(entry)->changed & bit_of(node)) != 0;

    /* A node that this transaction hasn't touched was hashed over the committed children. */
    return (struct node){changed ? tree->now.max_node : tree->committed.max_node};
}

/* Hash a known node anew over the children that are here, and say what that makes known. */
static enum coffer_status verify(struct tree *tree, struct node_entry *entry, struct node node,
                                 struct node_entry *const child_entry[2])
{
    const uint8_t *image = image_of(entry, node);
    const uint8_t *children[2] = {NULL, NULL};
    enum coffer_status status;
    uint8_t digest[CRYPTO_HASH_SIZE];
    bool fits;

    for (unsigned which = 0; which < 2; which++) {
        if (child_entry[which] != NULL)
            children[which] = named_image(entry, node_child(node, which), child_entry[which]);
    }
    nodes_hash(tree, node, image, children, digest);
    if (memcmp(digest, image + NODE_HASH, sizeof(digest)) != 0) {
        if (note_of(entry)->changed & bit_of(node) || node.id == node_root.id)
            return COFFER_CORRUPT;
        status = fits_with_dropped(tree, entry, node, children, &fits);
        if (status != COFFER_OK)
            return status;
        if (!fits)
            return COFFER_CORRUPT;
        atomic_store_explicit(&tree->tolerated, true, memory_order_relaxed);
        note_of(entry)->tolerated |= bit_of(node);
    }
    note_of(entry)->whole |= bit_of(node);
    for (unsigned which = 0; which < 2; which++) {
        if (child_entry[which] != NULL)
            make_known(tree, entry, node_child(node, which), child_entry[which]);
    }
    return COFFER_OK;
}

/*
 * Make a known node whole and its children known. The children's groups (NULL: no such child) come
 * back pinned.
 */
static enum coffer_status open_node(struct tree *tree, struct node_entry *entry, struct node node,
                                    bool held, struct node_entry *child_entry[2])
{
    struct node last = last_node_for(tree, entry, node);
    enum coffer_status status = COFFER_OK;
    bool whole;

    child_entry[0] = NULL;
    child_entry[1] = NULL;
    for (unsigned which = 0; which < 2 && status == COFFER_OK; which++) {
        struct node child = node_child(node, which);

        /* What was changed is told from what wasn't by comparing with the committed version, as the
         * device has it. A parent of new nodes that passes for unchanged shows that it lied. */
        if (child.id > last.id && child.id <= tree->now.max_node)
            status = COFFER_CORRUPT;
        if (child.id > last.id)
            break;
        status = nodes_load_group(tree, child, held, &child_entry[which]);
    }
    /* The lock was given up meanwhile: others may have come this way. */
    whole = (note_of(entry)->whole & bit_of(node)) != 0;
    for (unsigned which = 0; which < 2; which++) {
        struct node child = node_child(node, which);

        if (child_entry[which] != NULL && !(note_of(child_entry[which])->known & bit_of(child)))
            whole = false;
    }
    if (status == COFFER_OK && !whole) {
        assert_cheap(!(note_of(entry)->stale & bit_of(node)));
        status = verify(tree, entry, node, child_entry);
    }
    if (status != COFFER_OK) {
        nodes_unpin(tree, child_entry[0]);
        nodes_unpin(tree, child_entry[1]);
    }
    return status;
}

/* The root is known by its hash; the group is its. */
static enum coffer_status know_root(struct tree *tree, struct node_entry *entry)
{
    struct group_note *note = note_of(entry);
    const uint8_t *image = entry->at.frame + layout_place_offset(0, tree->now.slot);

    if (note->known & bit_of(node_root))
        return COFFER_OK;
    if (memcmp(image + NODE_HASH, tree->now.root_hash, CRYPTO_HASH_SIZE) != 0)
        return COFFER_CORRUPT;
    note->known |= bit_of(node_root);
    note->slot = tree->now.slot ? note->slot | bit_of(node_root) : note->slot & ~bit_of(node_root);
    note->changed = tree->changed ? note->changed | bit_of(node_root)
                                  : note->changed & ~bit_of(node_root);
    return COFFER_OK;
}

/* The pinned group of the node_root, which is known afterwards. */
static enum coffer_status load_root(struct tree *tree, bool held, struct node_entry **out)
{
    struct node_entry *entry;
    enum coffer_status status = nodes_load_group(tree, node_root, held, &entry);

    if (status != COFFER_OK)
        return status;
    status = know_root(tree, entry);
    if (status == COFFER_OK)
        *out = entry;
    else
        nodes_unpin(tree, entry);
    return status;
}

/* One step down a path: from a pinned, known node to its child `next`, pinned and known. */
static enum coffer_status step(struct tree *tree, struct node_entry *entry, struct node node,
                               struct node next, bool held, struct node_entry **out)
{
    struct node_entry *child_entry[2];
    enum coffer_status status;
    unsigned which = next.id & 1;

    if (!held && note_of(entry)->whole & bit_of(node)) {
        struct node_entry *known = nodes_resident(tree, next);

        if (known != NULL && note_of(known)->known & bit_of(next)) {
            *out = known;
            return COFFER_OK;
        }
        nodes_unpin(tree, known);
    }
    status = open_node(tree, entry, node, held, child_entry);
    if (status != COFFER_OK)
        return status;
    assert_cheap(child_entry[which] != NULL); /* nobody reaches for what was dropped */
    nodes_unpin(tree, child_entry[1 - which]);
    *out = child_entry[which];
    return COFFER_OK;
}

/* The pinned group of the lowest node on the path that is known, *left steps above the node. To be
 * held, the path is walked from the root. */
static enum coffer_status find_start(struct tree *tree, struct node node, bool held, unsigned *left,
                                     struct node_entry **out)
{
    unsigned depth = node_depth(node);

    for (*left = 0; !held && *left < depth; ++*left) {
        struct node here = {node.id >> *left};
        struct node_entry *entry = nodes_resident(tree, here);

        if (entry != NULL && note_of(entry)->known & bit_of(here)) {
            *out = entry;
            return COFFER_OK;
        }
        nodes_unpin(tree, entry);
    }
    *left = depth;
    return load_root(tree, held, out);
}

static enum coffer_status walk_down(struct tree *tree, struct node node, bool held,
                                    struct node_entry **out)
{
    struct node_entry *children[2];
    struct node_entry *entry = NULL;
    struct node_entry *next = NULL;
    unsigned left;
    enum coffer_status status = find_start(tree, node, held, &left, &entry);

    for (; status == COFFER_OK && left > 0; left--) {
        struct node here = {node.id >> left};

        status = step(tree, entry, here, (struct node){node.id >> (left - 1)}, held, &next);
        nodes_unpin(tree, entry);
        if (status == COFFER_OK)
            entry = next;
    }
    if (status != COFFER_OK)
        return status;
    if (held || !(note_of(entry)->whole & bit_of(node))) {
        status = open_node(tree, entry, node, held, children);
        if (status != COFFER_OK) {
            nodes_unpin(tree, entry);
            return status;
        }
        nodes_unpin(tree, children[0]);
        nodes_unpin(tree, children[1]);
    }
    *out = entry;
    return COFFER_OK;
}

/* Everything is pinned: if that is others' doing, there will be room when they are done. The groups
 * that are held are let go of meanwhile, so nothing is stale. `also`: hold the group of that node
 * as well; NULL: none. */
static enum coffer_status walk_in_turn(struct tree *tree, struct node node, bool held,
                                       const struct node *also, struct node_entry **out)
{
    struct tree_environment *environment = tree->environment;
    enum coffer_status status;
    bool others;

    nodes_unlock(tree);
    turn_take(environment);
    do {
        others = turn_has_others(environment);
        nodes_lock(tree);
        status = walk_down(tree, node, held, out);
        if (status == COFFER_OK && also != NULL) {
            struct node_entry *extra;

            status = nodes_load_group(tree, *also, true, &extra);
            nodes_unpin(tree, status == COFFER_OK ? extra : *out);
        }
        if (status == COFFER_NO_MEMORY && tree->held_count > 0)
            nodes_release(tree);
        nodes_unlock(tree);
    } while (status == COFFER_NO_MEMORY && others);
    turn_give(environment);
    nodes_lock(tree);
    return status;
}

enum coffer_status nodes_reach(struct tree *tree, struct node node, bool change,
                               struct node_entry **out)
{
    struct node_entry *entry = nodes_resident(tree, node);
    enum coffer_status status;

    assert_cheap(node.id >= 1);
    /* What is stale is held with all that belongs to it; what is whole needs nothing else. */
    if (entry != NULL && (change ? note_of(entry)->stale : note_of(entry)->whole) & bit_of(node)) {
        *out = entry;
        return COFFER_OK;
    }
    nodes_unpin(tree, entry);
    status = walk_down(tree, node, change, out);
    if (status == COFFER_NO_MEMORY && tree->held_count > 0) {
        status = nodes_settle(tree);
        if (status == COFFER_OK)
            status = walk_down(tree, node, change, out);
    }
    return status == COFFER_NO_MEMORY ? walk_in_turn(tree, node, change, NULL, out) : status;
}

enum coffer_status nodes_hold_in_turn(struct tree *tree, struct node node, struct node also)
{
    struct node_entry *entry;
    enum coffer_status status = walk_in_turn(tree, node, true, &also, &entry);

    if (status == COFFER_OK)
        nodes_unpin(tree, entry);
    return status;
}

/* Its children are in its own group, so this needs no room in the cache. */
enum coffer_status nodes_verify_root(struct tree *tree, struct node_entry *entry)
{
    struct node_entry *children[2];
    enum coffer_status status;

    nodes_lock(tree);
    status = know_root(tree, entry);
    if (status == COFFER_OK)
        status = open_node(tree, entry, node_root, false, children);
    if (status == COFFER_OK) {
        nodes_unpin(tree, children[0]);
        nodes_unpin(tree, children[1]);
    }
    nodes_unlock(tree);
    return status;
}

enum coffer_status tree_verify_node(struct tree *tree, struct node node)
{
    struct node_entry *entry;
    enum coffer_status status;

    work_begin(tree->environment);
    nodes_lock(tree);
    status = nodes_reach(tree, node, false, &entry);
    if (status == COFFER_OK)
        nodes_unpin(tree, entry);
    nodes_unlock(tree);
    work_end(tree->environment);
    return status;
}
