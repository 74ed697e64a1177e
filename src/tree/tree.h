/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One hash-tree file: an authenticated array of bytes on an untrusted device, in OP-TEE's layout
 * (docs/FORMAT.md). The module knows nothing of objects or of the catalogue.
 *
 * Opening reads the two heads, the first node group and block 0 in one device call. Nodes are
 * loaded in groups, through the cache, and verified on the path that a call needs; a file of any
 * size is worked on in the same memory.
 *
 * A transaction is everything that is written between two commits. It goes out of place, into the
 * slots that the committed version doesn't use:
 *
 *    CLEAN --write, set_length--> CHANGED --prepare--> PREPARED --adopt--> CLEAN
 *      ^                             |                     |
 *      +------------ abort ----------+---------------------+
 *
 * What is written waits as dirty blocks in the cache, whole blocks of the caller's go out at once,
 * and what doesn't fit the cache's share goes as soon as that shows. prepare() seals and writes the
 * rest with all nodes (and, for objects, the head) in one device call, if it isn't more than fits
 * one; after a barrier the owner publishes the new root hash (an object's: in the catalogue; the
 * catalogue's: by its head), then calls adopt(). abort() returns to the committed version at any
 * point before that.
 *
 * Invariants
 *   T1 No byte of the committed version is ever overwritten on the device before adopt().
 *   T2 A node is used only when it is whole: its hash field is covered by its parent's hash (the
 *      root's: by the head or the catalogue), and its own hash was recomputed and fits.
 *   T3 A node whose hash is out of date (stale) is changed, and so are all its ancestors; their
 *      groups and their children's groups are held in the cache until the next settle.
 *   T4 Between settles everything that isn't in the cache is on the device and verifiable against
 *      `now.root_hash`.
 *   T5 Plaintext beyond the length is never returned; it is zeroed before it comes within.
 *   T6 Blocks of the transaction that aren't on the device are dirty in the cache, in the tree's
 *      set; each of the others is sealed under the IV and the tag that its node has.
 *
 * Any call that writes may fail with COFFER_IO, COFFER_NO_SPACE or COFFER_NO_MEMORY and leaves the
 * transaction fit for abort() only.
 *
 * Locking. Different trees have nothing to do with one another. On one tree tree_read and the
 * verifying calls may be made by several threads at once, while no transaction is open on it; what
 * begins, goes on with or ends a transaction, reading in between, and the calls that change the
 * name or the file, exclude all others: the caller sees to that. Within, a tree has one lock, over
 * its nodes' notes and hashes and over what is known of them. It is given up while anything is read
 * or written, sealed or unsealed, and a read of blocks that are in the cache doesn't take it.
 */
#ifndef COFFER_TREE_TREE_H
#define COFFER_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "tree/environment.h"
#include "tree/layout.h"

/* The least caches that any operation on an object of COFFER_SIZE_MAX can work in. Nodes: a path of
 * 20 steps below the root, at worst two groups a step beyond the first five, and some that only
 * look on. Blocks: the one that is changed. And the least of both together. */
#define TREE_NODES_MIN  36u
#define TREE_BLOCKS_MIN 1u
#define TREE_CACHE_MIN  40u

struct tree;

/* How a file's committed version is found. */
enum tree_version {
    TREE_BY_HASH,    /* an object: the root node whose hash is given */
    TREE_BY_COUNTER, /* the catalogue: the head with the larger counter */
    TREE_SPARE,      /* the catalogue: the other head */
};

struct tree_opening {
    const char *name;    /* of the file */
    const uint8_t *uuid; /* CRYPTO_UUID_SIZE bytes; NULL: the catalogue's key */
    enum tree_version version;
    const uint8_t *root_hash; /* with TREE_BY_HASH */
    size_t hash_size;         /* of it so much is known, from its beginning; 0: all */

    /* The first `front_size` bytes of its contents, or all of a shorter one's, if they come along
     * with what opening reads: then *front_got tells how many. NULL: they aren't wanted. */
    uint8_t *front;
    size_t front_size;
    size_t *front_got;
};

/* What tree_open found out about the heads, also when it fails (TREE_BY_COUNTER, TREE_SPARE). */
struct tree_heads {
    bool authentic[2];   /* the head's tag fits */
    bool blank[2];       /* never written: all zero */
    uint32_t counter[2]; /* as authenticated, else as stored */
    unsigned chosen;     /* slot, when opening succeeded */
};

/* COFFER_NOT_FOUND: no such file. COFFER_CORRUPT: no version authenticates. `heads` may be NULL. */
COFFER_MUST_CHECK enum coffer_status tree_open(struct tree_environment *environment,
                                               const struct tree_opening *opening,
                                               struct tree_heads *heads, struct tree **out);

/* A new, empty file; it appears on the device at once, its contents with prepare().
 * COFFER_EXISTS. */
COFFER_MUST_CHECK enum coffer_status tree_create(struct tree_environment *environment,
                                                 const char *name, const uint8_t *uuid,
                                                 struct tree **out);

/* Forget it; an open transaction is aborted. NULL is nothing to do. */
void tree_close(struct tree *tree);

/* Bytes of memory that an open tree takes, its key included, what it has in the caches not. */
size_t tree_bytes(void);

/* Nobody is likely to use the file soon again: what the caches have of it is next to go. */
void tree_cool(struct tree *tree);

/* The file was renamed. */
void tree_set_name(struct tree *tree, const char *name);
const char *tree_name(const struct tree *tree);

/* Bytes of data. */
uint64_t tree_length(const struct tree *tree);
uint32_t tree_counter(const struct tree *tree);
uint32_t tree_max_node(const struct tree *tree);

/* Was OP-TEE's truncate defect met and tolerated so far? */
bool tree_is_tolerated(const struct tree *tree);

/* The root hash: of the committed version, or, once prepared, of the new one. */
const uint8_t *tree_root_hash(const struct tree *tree);

/* Data; *got is short at the end of the file only. COFFER_CORRUPT: `out` is zeroed. */
COFFER_MUST_CHECK enum coffer_status tree_read(struct tree *tree, uint64_t offset, void *out,
                                               size_t size, size_t *got);

/* The next read goes on with none of those before, wherever it begins. */
void tree_begin_anew(struct tree *tree);

/* One piece of data to write; data NULL means zeros. */
struct tree_piece {
    const void *data;
    uint64_t size;
};

/* Write pieces one after another from `offset` on; a gap behind the end is filled with zeros.
 * COFFER_NO_SPACE also when the file would outgrow LAYOUT_LENGTH_MAX. */
COFFER_MUST_CHECK enum coffer_status tree_write(struct tree *tree, uint64_t offset,
                                                const struct tree_piece *pieces, size_t count);

/* Have the device set both slots of a block behind the length aside, so that no later change of the
 * block needs more room there. */
COFFER_MUST_CHECK enum coffer_status tree_reserve_block(struct tree *tree, struct block block);

/* Cut or grow (with zeros) the data. Cutting must be the first thing in its transaction. The
 * device's file is not cut: see tree_cut_file. */
COFFER_MUST_CHECK enum coffer_status tree_set_length(struct tree *tree, uint64_t length);

/* Begin a transaction that changes nothing, so that prepare() writes a new version. */
COFFER_MUST_CHECK enum coffer_status tree_touch(struct tree *tree);

/* Re-hash every node that only the tolerant rule accepts. */
COFFER_MUST_CHECK enum coffer_status tree_mend(struct tree *tree);

/* Hash and write the nodes that are out of date, and let go of the cache. The transaction goes on:
 * this only bounds what it keeps in memory. */
COFFER_MUST_CHECK enum coffer_status tree_settle(struct tree *tree);

/* At the end of a call that leaves its transaction open: settle when all open transactions together
 * hold more than a quarter of the cache of nodes. */
COFFER_MUST_CHECK enum coffer_status tree_settle_if_crowded(struct tree *tree);

/* All of the transaction on its way to the device; with `head`, the head too. */
COFFER_MUST_CHECK enum coffer_status tree_prepare(struct tree *tree, bool head);

/* The head alone, for the file whose head is the switch. */
COFFER_MUST_CHECK enum coffer_status tree_write_head(struct tree *tree);

void tree_adopt(struct tree *tree);
void tree_abort(struct tree *tree);

bool tree_is_changed(const struct tree *tree);

/* abort(), and give back to the device what the transaction made the file grow by. Only where it is
 * certain that nothing was published. */
void tree_retract(struct tree *tree);

/* After a cut was adopted: give the device's file the size that the tree needs. May be lost. */
COFFER_MUST_CHECK enum coffer_status tree_cut_file(struct tree *tree);

/* Is the whole block good: path, tag? For checking; COFFER_CORRUPT when not. */
COFFER_MUST_CHECK enum coffer_status tree_verify_block(struct tree *tree, struct block block);

/* Is the node good, beyond those that blocks of the length need? */
COFFER_MUST_CHECK enum coffer_status tree_verify_node(struct tree *tree, struct node node);

#endif
