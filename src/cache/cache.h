/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replacement core: a fixed number of frames that keep parts of files. Who uses it decides
 * what a frame means: here are the keys, the hash table, the order of use, and pins.
 *
 * A key is (file, kind, index). An entry is either in use (it has a key) or spare. The victim of a
 * claim is a spare entry, else the one that was used longest ago and isn't pinned. An entry never
 * holds what isn't on the device too or can be had again: eviction only forgets.
 *
 * Invariants
 *   N1 An entry in use is in exactly one hash chain and on its file's list; a spare one in neither.
 *   N2 The order list holds the unpinned entries, spare ones at its cold end; a pinned entry is on
 *      no list but its file's.
 *   N3 Contents are wiped when an entry becomes spare, and its note is zero after a claim.
 *
 * All memory is taken at open; nothing here fails later but a claim when everything is pinned.
 * Find and claim are O(1). Locking: none; the store serialises calls.
 */
#ifndef COFFER_CACHE_CACHE_H
#define COFFER_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coffer/status.h"
#include "memory/memory.h"

#define CACHE_NOTE_SIZE 32u

enum cache_kind {
    CACHE_NODES, /* a group of tree nodes, as on the device */
    CACHE_BLOCK, /* a block's plaintext */
};

/* What an open file keeps here. */
struct cache_file {
    struct list entries;
    uint32_t number; /* differs between files that are open at once */
};

struct cache_entry {
    uint8_t *frame;          /* FRAME_SIZE bytes */
    struct cache_file *file; /* NULL: spare */
    uint32_t index;
    uint8_t kind;
    uint16_t pins;
    struct list order;
    struct list of_file;
    struct list of_user; /* for the user's own list; not touched here but when forgetting */
    struct cache_entry *chain;
    _Alignas(8) uint8_t note[CACHE_NOTE_SIZE]; /* the user's state of the entry */
};

struct cache_counters {
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions;
};

struct cache {
    struct memory *memory;
    struct cache_entry *entries;
    struct cache_entry **buckets;
    size_t entry_count;
    size_t bucket_count; /* a power of two */
    size_t pinned_count;
    uint32_t next_file;
    struct list order; /* warm first */
    struct cache_counters counters;
};

/* `count` frames; COFFER_NO_MEMORY takes nothing. */
COFFER_MUST_CHECK enum coffer_status cache_open(struct memory *memory, struct owner owner,
                                                size_t count, struct cache *cache);
/* Every file must be closed. */
void cache_close(struct cache *cache);

void cache_file_open(struct cache *cache, struct cache_file *file);
/* Forget all of the file's entries; none may be pinned. */
void cache_file_forget(struct cache *cache, struct cache_file *file);

/* The entry of a key, now the warmest; NULL when there is none. Counts a hit or a miss. */
struct cache_entry *cache_find(struct cache *cache, const struct cache_file *file,
                               enum cache_kind kind, uint32_t index);
/* An entry for a key that has none; its frame is zeroed. NULL: everything is pinned. */
struct cache_entry *cache_claim(struct cache *cache, struct cache_file *file, enum cache_kind kind,
                                uint32_t index);
/* Make an unpinned entry spare. */
void cache_forget(struct cache *cache, struct cache_entry *entry);

/* While pinned, an entry is not evicted. Pins count. */
void cache_pin(struct cache *cache, struct cache_entry *entry);
void cache_unpin(struct cache *cache, struct cache_entry *entry);

/* Do N1 and N2 hold? Walks everything. */
bool cache_is_valid(const struct cache *cache);

#endif
