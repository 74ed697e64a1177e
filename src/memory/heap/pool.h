/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools as the rest of the memory system sees them. The calls on an open pool are those of
 * <coffer/memory.h>, implemented here; the ones below open and close one on frames.
 *
 * A pool consists of *parts*: spans (a few frames cut into equal blocks of one class), patches (a
 * few frames with blocks of all small sizes, where frames are few), areas (of the two-level
 * allocator, for middle sizes), runs (one large block of whole frames), and chunks (frames that
 * hold the pool's own descriptors). The tag of each frame names the descriptor of its part, so that
 * any address leads to its block in a fixed number of steps.
 *
 * Invariants
 *   H1 Each frame of a pool belongs to one part, which its tag names; nothing else in the pool's
 *      frames is ever handed out.
 *   H2 What says that a block is allocated lies beside it: of a span's its link, of an area's its
 *      tag, of a patch's its bits, of a run's the descriptor. A free is accepted only for the first
 *      byte of an allocated block of this pool, and once: every other (double, stale while the
 *      block is free, foreign, interior, forged) is COFFER_MISUSE and counted.
 *   H3 Nothing is written into free blocks but zeros or poison, as the options say. With `zero` a
 *      block is wiped when it is freed and zero when it is allocated.
 *   H4 A span without blocks goes home unless it is the only one of its magazine and class with
 *      room, and a patch unless it is the only one.
 *   H5 With threads: blocks of a span are taken, and put on its list, by the one magazine that owns
 *      it. Other threads only mark the links of what they free, for the owner to collect.
 *
 * Complexity: alloc and free take a fixed number of steps, but for the frames below them, and for
 * the search through the free blocks of patches (64 KiB each, 64 of them at most) in a pool that
 * has few frames. Locking: without threads none. With them each thread works in its own magazine
 * without a lock (in a spare pool with that of the owner's: spare.h); what is behind (descriptors,
 * patches, areas, runs) is under one spin lock, which is never held while frames are taken, given
 * or wiped.
 */
#ifndef COFFER_MEMORY_HEAP_POOL_H
#define COFFER_MEMORY_HEAP_POOL_H

#include "coffer/memory.h"
#include "memory/frames/frames.h"

/* What a pool stands on. */
struct pool_host {
    struct frames *frames;          /* NULL: a pool in a region that doesn't expand */
    struct account *account;        /* of the frames */
    struct owner owner;             /* charged, in place of the settings' */
    const struct coffer_port *port; /* NULL: one thread, no randomness */

    /* Spare: for very little memory, and pool_alloc_for. Few classes, spans of one frame, no areas
     * (what is larger than POOL_SPARE_MAX is whole frames), and a magazine for each owner, so that
     * frames are charged to who uses them. Settings must have no options but `zero`. */
    bool spare;
};

#define POOL_SPARE_MAX      2048u /* bytes */
#define POOL_QUARANTINE_MAX 65536u

/* Do the settings go together, as far as that can be said without a host? */
bool pool_settings_are_valid(const struct coffer_pool_settings *settings);

/* As coffer_pool_open; overlap of regions is the caller's to check. On failure nothing is held. */
COFFER_MUST_CHECK enum coffer_status pool_open(const struct pool_host *host,
                                               const struct coffer_pool_settings *settings,
                                               struct coffer_pool **out);

/* A spare pool's alloc, charged to `owner`: COFFER_MISUSE too when it isn't open. Its blocks are
 * counted on the owner's line, and so are the frees. */
COFFER_MUST_CHECK enum coffer_status pool_alloc_for(struct coffer_pool *pool, struct owner owner,
                                                    size_t size, void **out);

/* All of it, with the blocks that are still allocated; its region is wiped. */
void pool_close(struct coffer_pool *pool);

/* Whatever keeps account of the pool may leave a pointer to its own record in it; NULL at first. */
void pool_set_keeper(struct coffer_pool *pool, void *keeper);
void *pool_keeper(const struct coffer_pool *pool);

#endif
