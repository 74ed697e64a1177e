/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at stored files without a key: where things lie in a hash-tree file (an object's file or
 * dirf.db) and what the plain parts of its heads and nodes say. Pure functions over numbers and
 * bytes: no store, no memory, no key, any thread.
 *
 * A file has two heads, nodes numbered from 1 (the root) and blocks of 4 KiB numbered from 0; node
 * n describes block n - 1 and has the children 2n and 2n + 1. Everything has two slots, 0 and 1.
 * Which of them is committed: for the root and the head the slot counter % 2 of the newest head
 * (an object's file is held against the hash in dirf.db besides); for any other node a flag of its
 * parent; for a block a flag of its node. docs/FORMAT.md tells the rest.
 *
 * Nothing here is authenticated: the bytes may say anything. How many nodes a file has is
 * encrypted; a file's size only bounds it (coffer_inspect_nodes).
 */
#ifndef COFFER_INSPECT_H
#define COFFER_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_INSPECT_BLOCK_SIZE 4096u             /* of a block, bytes */
#define COFFER_INSPECT_HEAD_SIZE  68u               /* of a head's image, bytes */
#define COFFER_INSPECT_NODE_SIZE  66u               /* of a node's image, bytes */
#define COFFER_INSPECT_NODE_MAX   ((1u << 28) + 2u) /* the largest node of any file */

#define COFFER_INSPECT_FLAG_BLOCK   1u /* slot of the node's block */
#define COFFER_INSPECT_FLAG_CHILD_0 2u /* slot of child 2n */
#define COFFER_INSPECT_FLAG_CHILD_1 4u /* slot of child 2n + 1 */

struct coffer_inspect_head {
    uint8_t iv[16];
    uint8_t tag[16];
    uint8_t wrapped_key[16]; /* the file's key, encrypted */
    uint8_t meta[16];        /* length and number of nodes, encrypted */
    uint32_t counter;
    bool blank; /* counter and tag are zero: never committed */
};

struct coffer_inspect_node {
    uint8_t hash[32];
    uint8_t iv[16];  /* of the node's block */
    uint8_t tag[16]; /* of the node's block */
    uint16_t flags;  /* COFFER_INSPECT_FLAG_; other bits are unknown */
    bool blank;      /* all zero: never written */
};

/* The slot that the newest head, and with it the root, lies in. COFFER_CORRUPT when the counters
 * (of slot 0 and slot 1) can't come from one file. */
COFFER_MUST_CHECK enum coffer_status coffer_inspect_newest(uint32_t counter_0, uint32_t counter_1,
                                                           unsigned *slot);

/* Offsets in the file, in bytes. `slot` is 0 or 1 (other bits are ignored); `node` from 1 (0 is
 * taken as 1). */
uint64_t coffer_inspect_head_offset(unsigned slot);
uint64_t coffer_inspect_node_offset(uint32_t node, unsigned slot);
uint64_t coffer_inspect_block_offset(uint32_t block, unsigned slot);

/* How many nodes, both slots of each, lie within a file of `file_size` bytes. */
uint32_t coffer_inspect_nodes(uint64_t file_size);

/* The committed slot of a child (2n or 2n + 1) or of the block of a node with these flags. */
unsigned coffer_inspect_child_slot(uint16_t flags, uint32_t child);
unsigned coffer_inspect_block_slot(uint16_t flags);

/* Images, taken apart. */
void coffer_inspect_head(const uint8_t image[COFFER_INSPECT_HEAD_SIZE],
                         struct coffer_inspect_head *out);
void coffer_inspect_node(const uint8_t image[COFFER_INSPECT_NODE_SIZE],
                         struct coffer_inspect_node *out);

#ifdef __cplusplus
}
#endif

#endif
