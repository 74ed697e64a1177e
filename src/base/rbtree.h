/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees whose nodes lie inside the elements. The tree knows no keys: who searches walks
 * `root` and `child` itself, and inserts at the place where its walk ended.
 *
 * A tree may be augmented: each element then keeps a summary of the subtree below it (a maximum, a
 * sum), which `update` computes from the element itself and the summaries of its two children, and
 * says whether it is another than before: if it isn't, nobody above needs to know. It must not
 * depend on the subtree's shape, only on which elements are in it: so a rotation changes the
 * summaries of the two nodes that it turns and of no other.
 *
 * Invariants
 *   B1 The root is black; a red node has no red child; every way down from the root to a missing
 *      child passes equally many black nodes.
 *   B2 A node is its children's parent, the root has none.
 *
 * Nothing here recurses: a step up or down is a loop of at most 2 log2(n + 1) rounds. Locking: the
 * owner's.
 */
#ifndef COFFER_BASE_RBTREE_H
#define COFFER_BASE_RBTREE_H

#include <stdbool.h>
#include <stddef.h>

enum rbside {
    RB_LEFT, /* what comes before */
    RB_RIGHT,
};

struct rbnode {
    struct rbnode *parent;
    struct rbnode *child[2]; /* by enum rbside */
    bool red;
};

struct rbtree {
    struct rbnode *root;
    bool (*update)(struct rbnode *node); /* NULL: nothing is kept */
};

/* The element of `type` whose member `member` is `node`. */
#define rbtree_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void rbtree_init(struct rbtree *tree, bool (*update)(struct rbnode *node))
{
    tree->root = NULL;
    tree->update = update;
}

/* In order. NULL: no more, or none at all. */
struct rbnode *rbtree_first(const struct rbtree *tree);
struct rbnode *rbtree_last(const struct rbtree *tree);
struct rbnode *rbtree_next(const struct rbnode *node);
struct rbnode *rbtree_previous(const struct rbnode *node);

/* At a place that is free: `side` of `parent`; NULL: as the root of an empty tree. What `update`
 * reads of the element is set before. */
void rbtree_insert(struct rbtree *tree, struct rbnode *parent, enum rbside side,
                   struct rbnode *node);
/* Right behind a node. */
void rbtree_insert_after(struct rbtree *tree, struct rbnode *place, struct rbnode *node);

/* The node's own links are left as they were: they mean nothing any more. */
void rbtree_erase(struct rbtree *tree, struct rbnode *node);

/* What `update` reads of the element itself has changed. O(log n), less when few need to know. */
void rbtree_changed(const struct rbtree *tree, struct rbnode *node);

/* B1 and B2, and that there are `count` nodes. Ends on any damage, however the links run. */
bool rbtree_is_valid(const struct rbtree *tree, size_t count);

#endif
