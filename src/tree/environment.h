/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all trees of a store share: where they get memory, keys, caches and the device from, and
 * what keeps them going when there is little of it.
 *
 * Staging. What a tree writes is sealed into shared buffers and goes from there to the device; what
 * it reads comes straight to where it is wanted and is unsealed there. Where no buffers can be had,
 * a reserve of a few blocks serves, which whoever is short takes in turn and keeps until its call
 * with the device is done. So staging never fails, and a commit that has begun doesn't for want of
 * it.
 *
 * Turns. A cache of nodes in which everything is pinned by other threads has room again when they
 * are done: who finds none waits, one at a time, as long as anybody else is at work. So a shortage
 * that one thread alone wouldn't have meets nobody.
 *
 * Lock order: the reserve, then a turn, then a tree's node lock. The first two are held over I/O by
 * who is short of memory, and by nobody else.
 */
#ifndef COFFER_TREE_ENVIRONMENT_H
#define COFFER_TREE_ENVIRONMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/blocks.h"
#include "cache/nodes.h"
#include "coffer/status.h"
#include "crypto/crypto.h"
#include "device/device.h"
#include "memory/heap/buffers.h"
#include "memory/memory.h"
#include "port/port.h"
#include "tree/layout.h"

/* Blocks of the reserve: the opening read (the page of the heads, the first group, both slots of
 * block 0) needs them side by side. */
#define STAGING_RESERVE 4u
#define STAGING_MAX     32u /* blocks of one operation */
#define OUTGOING_MAX    64u /* blocks, nodes and heads that one call writes */
#define AHEAD_FIRST     4u  /* blocks that are read ahead at first, and each time twice as many */
#define FEW_BLOCKS      8u  /* fewer whole ones of a call are no call of the device: they wait */

struct tree_environment {
    struct memory *memory;
    struct owner owner;
    const struct coffer_port *port;
    struct coffer_device *device;
    struct crypto *crypto;
    struct node_cache *nodes;
    struct block_cache *blocks;
    struct buffers *buffers;
    /* That one operation takes of the buffers. STAGING_RESERVE: it takes none, the reserve does for
     * all, one after the other; at most STAGING_MAX. */
    size_t staging_blocks;
    bool head_full_hash; /* CFG_REE_FS_HTREE_HASH_SIZE_COMPAT=n */

    /* The rest is for environment.c. */
    uint8_t *reserve;
    struct port_lock reserve_lock; /* of whose turn it is */
    struct port_lock turn;
    _Atomic unsigned at_work; /* threads that may leave room in the cache of nodes */
};

/* The fields above `reserve` are set. The reserve's frames are taken on the owner's line.
 * COFFER_NO_MEMORY, errors of the port's locks. */
COFFER_MUST_CHECK enum coffer_status tree_environment_open(struct tree_environment *environment,
                                                           struct owner owner);
/* Nobody is at work any more, every tree is closed. */
void tree_environment_close(struct tree_environment *environment);

/* --- Staging */

struct staging {
    struct tree_environment *environment;
    struct buffer *buffers[STAGING_MAX / STAGING_RESERVE];
    size_t buffer_count; /* 0: it is the reserve */
    size_t blocks;       /* that there are */
};

/* Blocks, with zeros or old ciphertext in them: as many as are wanted, or fewer, at least one;
 * where four were wanted the first four lie side by side. By a thread that is at work (see below),
 * and one at a time in each. May wait for the reserve. */
void staging_take(struct tree_environment *environment, size_t blocks, struct staging *out);

/* `sealed`: there is no plaintext in them. Otherwise they are wiped. */
void staging_give(struct staging *staging, bool sealed);

uint8_t *staging_block(const struct staging *staging, size_t index);

/* --- Turns */

/* From here on, until the end, the calling thread may hold what others wait for. */
static inline void work_begin(struct tree_environment *environment)
{
    atomic_fetch_add_explicit(&environment->at_work, 1, memory_order_acq_rel);
}

static inline void work_end(struct tree_environment *environment)
{
    atomic_fetch_sub_explicit(&environment->at_work, 1, memory_order_acq_rel);
}

/* Between them the calling thread, which holds nothing, doesn't count as at work. */
void turn_take(struct tree_environment *environment);
void turn_give(struct tree_environment *environment);

/* Is anybody else at work? Ask before an attempt: if it fails and somebody was, try again. */
bool turn_has_others(struct tree_environment *environment);

#endif
