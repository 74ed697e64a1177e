/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of node groups: a frame with 31 nodes as they are on the device, and beside it a note
 * of what is known of them, which is the tree's and zero when an entry is claimed. Key: a file and
 * the group's index in it. Each call is the core's of the same name (cache.h), for node groups.
 */
#ifndef COFFER_CACHE_NODES_H
#define COFFER_CACHE_NODES_H

#include "cache/frame.h"

#define NODE_NOTE_SIZE 32u

struct node_entry {
    struct frame_entry at;
    struct list of_user; /* for the user's own list; not touched here */
    _Alignas(8) uint8_t note[NODE_NOTE_SIZE];
};

struct node_cache {
    struct frame_cache frames;
};

COFFER_MUST_CHECK enum coffer_status
node_cache_open(struct node_cache *nodes, struct cache_share *share, struct memory *memory,
                struct owner owner, const struct cache_bounds *bounds, enum cache_policy policy);

static inline void node_cache_close(struct node_cache *nodes)
{
    frame_cache_close(&nodes->frames);
}

static inline enum coffer_status node_cache_get(struct node_cache *nodes, struct cache_group *file,
                                                uint64_t index, unsigned flags,
                                                struct node_entry **out, bool *claimed)
{
    const struct cache_key key = {.group = file, .index = index};
    struct cache_entry *entry;
    enum coffer_status status = cache_get(nodes->frames.core, &key, flags, &entry, claimed);

    if (status == COFFER_OK)
        *out = (struct node_entry *)entry;
    return status;
}

static inline struct node_entry *node_cache_find(struct node_cache *nodes, struct cache_group *file,
                                                 uint64_t index)
{
    const struct cache_key key = {.group = file, .index = index};

    return (struct node_entry *)cache_find(nodes->frames.core, &key);
}

static inline void node_cache_loaded(struct node_cache *nodes, struct node_entry *entry,
                                     enum coffer_status status)
{
    cache_loaded(nodes->frames.core, &entry->at.core, status);
}

static inline void node_cache_pin(struct node_cache *nodes, struct node_entry *entry)
{
    cache_pin(nodes->frames.core, &entry->at.core);
}

static inline void node_cache_unpin(struct node_cache *nodes, struct node_entry *entry)
{
    cache_unpin(nodes->frames.core, &entry->at.core);
}

static inline void node_cache_forget_file(struct node_cache *nodes, struct cache_group *file)
{
    cache_forget_group(nodes->frames.core, file);
}

/* How many are pinned, and how many there can be pinned at all as memory is now. */
static inline void node_cache_room(const struct node_cache *nodes, size_t *pinned, size_t *capacity)
{
    struct cache_statistics statistics;

    *capacity = frame_cache_room(&nodes->frames, &statistics);
    *pinned = statistics.pinned;
}

#endif
