/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a tree, shared by the files of this folder:
 *   open.c     heads, the choice of a version, creation
 *   groups.c   groups of nodes in the cache: loaded, several at a time, held
 *   nodes.c    nodes, read: verified on the way down
 *   changes.c  nodes, changed: marked, added, dropped, hashed
 *   blocks.c   where blocks lie; fetching and unsealing them
 *   read.c     data, read, and read ahead
 *   write.c    data, written: into the cache, or sealed at once; lengths
 *   outgoing.c what is to be written, gathered into few device calls
 *   commit.c   dirty blocks, nodes and head on their way out; adopt, abort
 *   inspect.c  the public look at stored bytes, without a key (coffer/inspect.h)
 *
 * The functions of groups.c, nodes.c and changes.c are called with the tree's lock and give it up
 * while they read or write; what they return pinned stays.
 */
#ifndef COFFER_TREE_INSIDE_H
#define COFFER_TREE_INSIDE_H

#include "tree/tree.h"

#define SIZE_UNKNOWN UINT64_MAX
#define TREE_RECENT  8u

/* One version of the file. */
struct tree_state {
    uint64_t length;
    uint32_t max_node; /* >= 1 */
    uint32_t counter;
    unsigned slot; /* of head and root node */
    uint8_t root_hash[CRYPTO_HASH_SIZE];
};

struct tree {
    struct tree_environment *environment;
    struct crypto_key *key;
    struct cache_group nodes;  /* the file's, in their cache */
    struct cache_group blocks; /* likewise */
    struct port_lock lock;     /* see tree.h */
    struct cache_set dirty;    /* blocks of this transaction */
    _Atomic uint64_t read_end; /* of the last read */
    _Atomic uint32_t ahead;    /* blocks that were read ahead last; 0: reads aren't sequential */
    uint32_t transaction;      /* differs between transactions that follow one another */
    struct tree_state committed;
    struct tree_state now;
    bool fresh;            /* nothing is committed: every slot may be written */
    bool changed;          /* a transaction is open */
    atomic_bool tolerated; /* the truncate defect was met */
    struct list held;      /* groups held since the last settle; larger index first */
    unsigned held_count;
    unsigned held_checked;                  /* for so many there was room, see nodes_make_room */
    struct node_entry *recent[TREE_RECENT]; /* held ones, by group: found without the cache */
    uint64_t size_before; /* of the device's file, before this transaction made it grow */
    uint8_t wrapped[CRYPTO_WRAPPED_SIZE];
    char name[DEVICE_NAME_MAX + 1];
};

/*
 * What is known of the nodes of a group in the cache; bit k is the k-th node's. Kept in the cache
 * entry's note.
 *
 * One node's life, say node 6 of a file that is read and then written:
 *   1 Its group is read: nothing is known, both its slots are just bytes.
 *   2 Its parent 3 is verified: 3's hash covers the hash fields of 6 and 7. Node 6 is `known`, in
 *     the `slot` that 3's flags name; its IV, tag and flags are still just bytes.
 *   3 Its own hash is recomputed over them and the hash fields of 12 and 13 (so their group is
 *     read), and fits: node 6 is `whole`, 12 and 13 are known, and block 5 can be unsealed.
 *   4 Block 5 is written. From the root down, 1, 3 and 6 are marked: copied to their other slots,
 *     `changed`, with their parents' flags turned, and `stale`. The groups of all of them and of
 *     their children are held. Node 6 gets the block's new IV and tag.
 *   5 Settling goes from the leaves up: 6, 3 and 1 are hashed and written, stale no more, held no
 *     more. They may leave the cache; when 6 comes back, 3's flags, which differ between its two
 *     slots, say that it is changed.
 *   6 adopt(): the changed slots are the committed ones. abort(): all of it is forgotten.
 */
struct group_note {
    uint32_t known;       /* the hash field in the node's slot is authentic */
    uint32_t whole;       /* and so are IV, tag and flags */
    uint32_t slot;        /* which slot that is; counts where known */
    uint32_t changed;     /* written in this transaction, thus in the slot not committed */
    uint32_t stale;       /* the hash field is out of date */
    uint32_t tolerated;   /* whole by the tolerant rule only */
    uint32_t transaction; /* that `changed` is about; nothing is changed in another */
    uint8_t dirty_from; /* node slots, 0 to 62, to be written to the device: from, to (excluded) */
    uint8_t dirty_to;
    bool held;
};

_Static_assert(sizeof(struct group_note) <= NODE_NOTE_SIZE, "a group's note fits the cache's");
_Static_assert(LAYOUT_BLOCK_SIZE == FRAME_SIZE, "a block fills a frame");

static inline struct group_note *note_of(struct node_entry *entry)
{
    return (struct group_note *)(void *)entry->note;
}

static inline struct group group_of(const struct node_entry *entry)
{
    return (struct group){(uint32_t)entry->at.core.index};
}

static inline uint32_t bit_of(struct node node)
{
    return (uint32_t)1 << node_place(node);
}

/* The image of a node in the slot that counts. */
static inline uint8_t *image_of(struct node_entry *entry, struct node node)
{
    unsigned slot = (note_of(entry)->slot & bit_of(node)) != 0;

    return entry->at.frame + layout_place_offset(node_place(node), slot);
}

static inline uint8_t *other_image_of(struct node_entry *entry, struct node node)
{
    unsigned slot = (note_of(entry)->slot & bit_of(node)) == 0;

    return entry->at.frame + layout_place_offset(node_place(node), slot);
}

/* Did the node exist in the committed version? */
static inline bool node_is_committed(const struct tree *tree, struct node node)
{
    return !tree->fresh && node.id <= tree->committed.max_node;
}

static inline void nodes_lock(struct tree *tree)
{
    const struct coffer_port *port = tree->environment->port;

    port->lock_take(port->context, &tree->lock);
}

static inline void nodes_unlock(struct tree *tree)
{
    const struct coffer_port *port = tree->environment->port;

    port->lock_give(port->context, &tree->lock);
}

static inline void nodes_unpin(struct tree *tree, struct node_entry *entry)
{
    if (entry != NULL)
        node_cache_unpin(tree->environment->nodes, entry);
}

/* --- groups.c */

/* The pinned group of a node, if it is in the cache. */
struct node_entry *nodes_resident(struct tree *tree, struct node node);

/* The group of a node if it is held, without a pin of its own. NULL: it isn't, or is to be looked
 * for in the cache. */
static inline struct node_entry *nodes_recent(const struct tree *tree, struct node node)
{
    struct group group = node_group(node);
    struct node_entry *entry = tree->recent[group.index % TREE_RECENT];

    return entry != NULL && group_of(entry).index == group.index ? entry : NULL;
}

/* The group of a node, which is held, so that it needs no pin of its own. */
struct node_entry *nodes_held(struct tree *tree, struct node node);

/* The pinned group of a node, from the cache or the device; nothing in it is verified by this.
 * `held`: until the next settle. */
COFFER_MUST_CHECK enum coffer_status nodes_load_group(struct tree *tree, struct node node,
                                                      bool held, struct node_entry **out);

/* Read in one device call what isn't in the cache of the groups that it takes to make the nodes
 * from `first` to `last` whole, `change`: to mark them. Nothing is said of what came of it, and
 * nothing stays pinned: it only saves calls. */
void nodes_fetch_ahead(struct tree *tree, struct node first, struct node last, bool change);

/* Keep a pinned group until the next settle, with a pin of its own. */
void nodes_hold(struct tree *tree, struct node_entry *entry);

/* Put an opening read's first group into the cache, pinned; NULL: that of a new file, all zeros,
 * which the device doesn't have until it is written. */
COFFER_MUST_CHECK enum coffer_status
nodes_adopt_first_group(struct tree *tree, const uint8_t *bytes, struct node_entry **out);

/* Let go of all held groups; their stale marks are forgotten with them. */
void nodes_release(struct tree *tree);

/* --- nodes.c */

/* SHA-256 over a node's image and its children's hash fields (NULL: no such child). */
void nodes_hash(struct tree *tree, struct node node, const uint8_t *image,
                const uint8_t *const children[2], uint8_t digest[CRYPTO_HASH_SIZE]);

/* The pinned group of a node that is whole; unpin it. With `change` the path is held and may be
 * marked afterwards. COFFER_CORRUPT, COFFER_NO_MEMORY, COFFER_IO. */
COFFER_MUST_CHECK enum coffer_status nodes_reach(struct tree *tree, struct node node, bool change,
                                                 struct node_entry **out);

/* Make the root whole, and its children known, whose group is pinned: it was adopted by an opening.
 * Called without the lock. */
COFFER_MUST_CHECK enum coffer_status nodes_verify_root(struct tree *tree, struct node_entry *entry);

/* After a settle left too little room: hold the path of a node, to be marked, and the group of
 * another one, as soon as there is room; neither takes any more. */
COFFER_MUST_CHECK enum coffer_status nodes_hold_in_turn(struct tree *tree, struct node node,
                                                        struct node also);

/* --- changes.c */

struct outgoing;

/* Make room for the root of a new file. */
COFFER_MUST_CHECK enum coffer_status nodes_begin_fresh(struct tree *tree);

/* reach() with `change`, and the node and its ancestors are stale from here on. The group is held,
 * and not pinned for the caller. */
COFFER_MUST_CHECK enum coffer_status nodes_mark(struct tree *tree, struct node node,
                                                struct node_entry **out);

/* Add nodes up to and including `last`. */
COFFER_MUST_CHECK enum coffer_status nodes_extend(struct tree *tree, struct node last);

/* Drop nodes above `last`, which must exist. */
COFFER_MUST_CHECK enum coffer_status nodes_drop(struct tree *tree, struct node last);

/* Settle if one more path could find the cache full. */
COFFER_MUST_CHECK enum coffer_status nodes_make_room(struct tree *tree);

/* Hash all stale nodes, and add their groups to what goes out. Until that has been written the
 * groups must be held. */
COFFER_MUST_CHECK enum coffer_status nodes_hash_stale(struct tree *tree, struct outgoing *out);

/* Hash and write the stale nodes, and let go of the held groups. */
COFFER_MUST_CHECK enum coffer_status nodes_settle(struct tree *tree);

/* --- blocks.c */

/* What a node says of its block. */
struct block_seal {
    uint64_t offset; /* in the file */
    uint8_t iv[CRYPTO_IV_SIZE];
    uint8_t tag[CRYPTO_TAG_SIZE];
};

/* The seals of `count` blocks from `first` on. An error is that of block *found. */
COFFER_MUST_CHECK enum coffer_status blocks_find_seals(struct tree *tree, struct block first,
                                                       size_t count, struct block_seal *seals,
                                                       size_t *found);

/* Read the ciphertext of blocks, in the order of the file, each to a place of its own, in one
 * device call. */
COFFER_MUST_CHECK enum coffer_status blocks_fetch(struct tree *tree, const struct block_seal *seals,
                                                  uint8_t *const *places, size_t count);

/* Unseal a block; zeros unless the tag fits. */
COFFER_MUST_CHECK enum coffer_status blocks_unseal_into(struct tree *tree,
                                                        const struct block_seal *seal,
                                                        const uint8_t *sealed, uint8_t *out);

/* The same in place. */
COFFER_MUST_CHECK static inline enum coffer_status
blocks_unseal(struct tree *tree, const struct block_seal *seal, uint8_t *bytes)
{
    return blocks_unseal_into(tree, seal, bytes, bytes);
}

/* All of the bytes of a block that is being written and wasn't read. */
static inline bool block_is_partial(const struct frame_entry *entry)
{
    return entry->old_end != 0;
}

/* Fetch what is missing of pinned partial blocks, in the order of the file; `room` has a block for
 * each. Others are passed over. */
COFFER_MUST_CHECK enum coffer_status blocks_complete(struct tree *tree,
                                                     struct frame_entry *const *entries,
                                                     size_t count, const struct staging *room);

/* The first block's ciphertext came with the opening read: decrypt it into the cache if it is good.
 * `group` is the root's, which is whole; `slots` are both slots of block 0, `got` how many bytes of
 * them were read. The opening's `front` is given from it. */
void blocks_adopt_first(struct tree *tree, const struct tree_opening *opening,
                        struct node_entry *group, const uint8_t *slots, size_t got);

/* --- outgoing.c */

struct outgoing_part {
    uint64_t offset; /* in the file */
    void *data;
    size_t size;
};

/* Parts of one file that lie apart, to be written in one device call. */
struct outgoing {
    struct tree *tree;
    size_t count;
    struct outgoing_part parts[OUTGOING_MAX];
};

static inline void outgoing_init(struct outgoing *out, struct tree *tree)
{
    out->tree = tree;
    out->count = 0;
}

/* One more part, whose bytes stay until they are written. The tree's lock isn't held: a list that
 * is full is written first. */
COFFER_MUST_CHECK enum coffer_status outgoing_add(struct outgoing *out, uint64_t offset, void *data,
                                                  size_t size);

/* Write them, without the tree's lock. Whatever comes of it, the list is empty afterwards. */
COFFER_MUST_CHECK enum coffer_status outgoing_write(struct outgoing *out);

/* --- write.c */

/* Seal a block's plaintext into `place`, which it may be itself, out of place of the committed
 * version, and add it to what goes out. */
COFFER_MUST_CHECK enum coffer_status write_sealed(struct tree *tree, struct block block,
                                                  const uint8_t *plaintext, uint8_t *place,
                                                  struct outgoing *out);

/* --- commit.c */

/* Write the dirty blocks; the transaction goes on. By a thread that is at work, without staging. */
COFFER_MUST_CHECK enum coffer_status tree_spill(struct tree *tree);

/* Forget what the caches have of the file. */
void tree_forget(struct tree *tree);

/* --- open.c */

/* AAD of a head but for its IV; returns its size. */
#define HEAD_AAD_MAX (CRYPTO_HASH_SIZE + 4u + CRYPTO_WRAPPED_SIZE)
size_t head_aad(const struct tree *tree, const uint8_t *root_hash, uint32_t counter,
                uint8_t aad[HEAD_AAD_MAX]);

#endif
