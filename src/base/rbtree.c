/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/rbtree.h"

#include <limits.h>

#include "base/assert.h"

/* --- Order ------------------------------------------------------------------------------- */

static enum rbside other(enum rbside side)
{
    return side == RB_LEFT ? RB_RIGHT : RB_LEFT;
}

/* Which child of its parent a node is; it has one. */
static enum rbside side_of(const struct rbnode *node)
{
    return node->parent->child[RB_LEFT] == node ? RB_LEFT : RB_RIGHT;
}

static struct rbnode *outermost(struct rbnode *node, enum rbside side)
{
    while (node != NULL && node->child[side] != NULL)
        node = node->child[side];
    return node;
}

static struct rbnode *neighbour(const struct rbnode *node, enum rbside side)
{
    if (node->child[side] != NULL)
        return outermost(node->child[side], other(side));
    while (node->parent != NULL && side_of(node) == side)
        node = node->parent;
    return node->parent;
}

struct rbnode *rbtree_first(const struct rbtree *tree)
{
    return outermost(tree->root, RB_LEFT);
}

struct rbnode *rbtree_last(const struct rbtree *tree)
{
    return outermost(tree->root, RB_RIGHT);
}

struct rbnode *rbtree_next(const struct rbnode *node)
{
    return neighbour(node, RB_RIGHT);
}

struct rbnode *rbtree_previous(const struct rbnode *node)
{
    return neighbour(node, RB_LEFT);
}

/* --- Links ------------------------------------------------------------------------------- */

static bool is_red(const struct rbnode *node)
{
    return node != NULL && node->red;
}

/* Where the tree refers to a node. */
static struct rbnode **link_to(struct rbtree *tree, const struct rbnode *node)
{
    return node->parent == NULL ? &tree->root : &node->parent->child[side_of(node)];
}

static void set_child(struct rbnode *parent, enum rbside side, struct rbnode *child)
{
    parent->child[side] = child;
    if (child != NULL)
        child->parent = parent;
}

void rbtree_changed(const struct rbtree *tree, struct rbnode *node)
{
    while (node != NULL && tree->update != NULL && tree->update(node))
        node = node->parent;
}

/* Turn a node down to a side; its child of the other side takes its place. What lies in between
 * changes hands, and the order stays. */
static void rotate(struct rbtree *tree, struct rbnode *node, enum rbside side)
{
    struct rbnode *risen = node->child[other(side)];

    *link_to(tree, node) = risen;
    risen->parent = node->parent;
    set_child(node, other(side), risen->child[side]);
    set_child(risen, side, node);
    if (tree->update != NULL) {
        tree->update(node);
        tree->update(risen);
    }
}

/* --- Insert ------------------------------------------------------------------------------ */

/* `node` is red; its parent may be as well, and nothing else is wrong. */
static void mend_red_pair(struct rbtree *tree, struct rbnode *node)
{
    while (is_red(node->parent)) {
        struct rbnode *parent = node->parent;
        struct rbnode *grandparent = parent->parent; /* a red parent isn't the root */
        enum rbside side = side_of(parent);
        struct rbnode *uncle = grandparent->child[other(side)];

        if (is_red(uncle)) {
            parent->red = false;
            uncle->red = false;
            grandparent->red = true;
            node = grandparent;
            continue;
        }
        if (side_of(node) != side) {
            rotate(tree, parent, side);
            parent = node;
        }
        parent->red = false;
        grandparent->red = true;
        rotate(tree, grandparent, other(side));
        break;
    }
    tree->root->red = false;
}

void rbtree_insert(struct rbtree *tree, struct rbnode *parent, enum rbside side,
                   struct rbnode *node)
{
    struct rbnode **link = parent == NULL ? &tree->root : &parent->child[side];

    assert_cheap(*link == NULL);
    *link = node;
    node->parent = parent;
    node->child[RB_LEFT] = NULL;
    node->child[RB_RIGHT] = NULL;
    node->red = true;
    if (tree->update != NULL)
        tree->update(node); /* it had no summary that could be another */
    rbtree_changed(tree, parent);
    mend_red_pair(tree, node);
}

void rbtree_insert_after(struct rbtree *tree, struct rbnode *place, struct rbnode *node)
{
    if (place->child[RB_RIGHT] == NULL)
        rbtree_insert(tree, place, RB_RIGHT, node);
    else
        rbtree_insert(tree, outermost(place->child[RB_RIGHT], RB_LEFT), RB_LEFT, node);
}

/* --- Erase ------------------------------------------------------------------------------- */

/* The ways through `parent` on `side` have one black node too few. */
static void mend_shortage(struct rbtree *tree, struct rbnode *parent, enum rbside side)
{
    while (parent != NULL) {
        /* There is one: it holds the black nodes that `side` lacks. */
        struct rbnode *sibling = parent->child[other(side)];
        struct rbnode *near;
        struct rbnode *far;

        if (sibling->red) {
            sibling->red = false;
            parent->red = true;
            rotate(tree, parent, side);
            sibling = parent->child[other(side)];
        }
        near = sibling->child[side];
        far = sibling->child[other(side)];
        if (!is_red(near) && !is_red(far)) {
            struct rbnode *node = parent;

            sibling->red = true;
            if (node->red) {
                node->red = false;
                return;
            }
            /* Both sides lack one now, so the parent's parent has the shortage. */
            parent = node->parent;
            if (parent != NULL)
                side = side_of(node);
            continue;
        }
        if (!is_red(far)) {
            rotate(tree, sibling, other(side));
            far = sibling;
            sibling = near;
        }
        sibling->red = parent->red;
        parent->red = false;
        far->red = false;
        rotate(tree, parent, side);
        return;
    }
}

/* Let a node and the one behind it, which has no left child, change places. */
static void swap_with_next(struct rbtree *tree, struct rbnode *node, struct rbnode *next)
{
    struct rbnode *below = next->child[RB_RIGHT];
    struct rbnode *above = next->parent;
    bool red = next->red;

    *link_to(tree, node) = next;
    next->parent = node->parent;
    next->red = node->red;
    set_child(next, RB_LEFT, node->child[RB_LEFT]);
    if (above == node) {
        set_child(next, RB_RIGHT, node);
    } else {
        set_child(next, RB_RIGHT, node->child[RB_RIGHT]);
        set_child(above, RB_LEFT, node);
    }
    node->child[RB_LEFT] = NULL;
    set_child(node, RB_RIGHT, below);
    node->red = red;
}

void rbtree_erase(struct rbtree *tree, struct rbnode *node)
{
    struct rbnode *child;
    enum rbside side = RB_LEFT;

    if (node->child[RB_LEFT] != NULL && node->child[RB_RIGHT] != NULL)
        swap_with_next(tree, node, rbtree_next(node));

    child = node->child[node->child[RB_LEFT] == NULL ? RB_RIGHT : RB_LEFT];
    if (node->parent != NULL)
        side = side_of(node);
    *link_to(tree, node) = child;
    if (child != NULL)
        child->parent = node->parent;
    /* All the way: on it may lie the one that changed places with the node. */
    for (struct rbnode *above = node->parent; above != NULL && tree->update != NULL;
         above = above->parent)
        tree->update(above);

    if (child != NULL)
        child->red = false; /* an only child is red, and its parent black */
    else if (!node->red)
        mend_shortage(tree, node->parent, side);
}

/* --- Validity ---------------------------------------------------------------------------- */

/* Black nodes from a node up to the root; UINT_MAX when that is further than any tree is high. */
static unsigned black_height(const struct rbnode *node)
{
    unsigned black = 0;

    for (unsigned steps = 0; steps < 2 * sizeof(size_t) * CHAR_BIT; steps++) {
        if (node == NULL)
            return black;
        black += !node->red;
        node = node->parent;
    }
    return UINT_MAX;
}

static bool child_is_valid(const struct rbnode *node, enum rbside side)
{
    const struct rbnode *child = node->child[side];

    return child == NULL || (child->parent == node && !(child->red && node->red));
}

/* The next one, parents before children; their links have been looked at. */
static const struct rbnode *next_below(const struct rbnode *node)
{
    if (node->child[RB_LEFT] != NULL)
        return node->child[RB_LEFT];
    if (node->child[RB_RIGHT] != NULL)
        return node->child[RB_RIGHT];
    while (node->parent != NULL &&
           (side_of(node) == RB_RIGHT || node->parent->child[RB_RIGHT] == NULL))
        node = node->parent;
    return node->parent == NULL ? NULL : node->parent->child[RB_RIGHT];
}

bool rbtree_is_valid(const struct rbtree *tree, size_t count)
{
    const struct rbnode *node = tree->root;
    unsigned height = 0;
    size_t seen = 0;

    if (node == NULL)
        return count == 0;
    if (node->parent != NULL || node->red)
        return false;

    /* A node has one parent, which was visited before it; so nothing is visited twice. */
    for (; node != NULL; node = next_below(node)) {
        if (++seen > count || !child_is_valid(node, RB_LEFT) || !child_is_valid(node, RB_RIGHT))
            return false;
        if (node->child[RB_LEFT] != NULL && node->child[RB_LEFT] == node->child[RB_RIGHT])
            return false;
        if (node->child[RB_LEFT] == NULL || node->child[RB_RIGHT] == NULL) {
            unsigned black = black_height(node);

            if (black == UINT_MAX || (height != 0 && black != height))
                return false;
            height = black;
        }
    }
    return seen == count;
}
