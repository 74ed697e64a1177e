/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the faces for blocks and for nodes have in common: each entry has one frame of secure
 * memory, taken when the entry is made and given home when it is unmade, so that frames float
 * between these caches and everything else. Whoever claims an entry writes all of its frame, which
 * may hold what was evicted; a frame of one that nobody uses is zero.
 *
 * Locking: the core's.
 */
#ifndef COFFER_CACHE_FRAME_H
#define COFFER_CACHE_FRAME_H

#include "cache/cache.h"

/* What an entry counts for in bounds: its frame and its record, of either face, so that they change
 * places one for one. */
#define FRAME_ENTRY_BYTES (FRAME_SIZE + 192u)

struct frame_entry {
    struct cache_entry core;
    uint8_t *frame; /* FRAME_SIZE bytes */
    /* Of a block that is being written and wasn't read: of its bytes those from here to there
     * count, and around them, up to `old_end`, those that the device has. All 0: all bytes count.
     * The tree's, and 0 when an entry is claimed. */
    uint16_t new_from, new_to, old_end;
};

/* A face. */
struct frame_kind {
    struct cache_type type; /* but for the policy; what it makes, unmakes and lets go of begins and
                               ends with the functions below, whose context is the cache */
    size_t entry_size;      /* of the face's struct */
};

struct frame_cache {
    struct cache_type type; /* the face's, with the policy that was chosen */
    struct memory *memory;
    struct owner owner;
    size_t entry_size;
    size_t entries_max; /* as its bounds say; 0: any number */
    uint64_t free_min;  /* free frames that more entries must leave to others; 0 while it opens */
    struct cache *core;
};

COFFER_MUST_CHECK enum coffer_status
frame_cache_open(struct frame_cache *cache, struct cache_share *share, struct memory *memory,
                 struct owner owner, const struct frame_kind *kind,
                 const struct cache_bounds *bounds, enum cache_policy policy);
void frame_cache_close(struct frame_cache *cache);

/* How many entries there can be at all as memory is now. The numbers of that moment come along. */
size_t frame_cache_room(const struct frame_cache *cache, struct cache_statistics *statistics);

bool frame_entry_may_make(void *context);
struct cache_entry *frame_entry_make(void *context);
void frame_entry_unmake(void *context, struct cache_entry *entry);
void frame_entry_let_go(void *context, struct cache_entry *entry);
void frame_entry_renew(void *context, struct cache_entry *entry);

#endif
