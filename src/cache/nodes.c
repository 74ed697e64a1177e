/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/nodes.h"

#include <string.h>

static struct cache_entry *make(void *context)
{
    struct cache_entry *entry = frame_entry_make(context);

    if (entry != NULL)
        list_init(&((struct node_entry *)entry)->of_user);
    return entry;
}

static void let_go(void *context, struct cache_entry *entry)
{
    struct node_entry *node = (struct node_entry *)entry;

    memset(node->note, 0, sizeof(node->note));
    frame_entry_let_go(context, entry);
}

static const struct cache_type type = {
    .name = "nodes",
    .entry_bytes = FRAME_ENTRY_BYTES,
    .make = make,
    .unmake = frame_entry_unmake,
    .let_go = let_go,
};

_Static_assert(sizeof(struct node_entry) <= FRAME_ENTRY_BYTES - FRAME_SIZE, "it is counted whole");

enum coffer_status node_cache_open(struct node_cache *nodes, struct cache_share *share,
                                   struct memory *memory, struct owner owner,
                                   const struct cache_bounds *bounds, enum cache_policy policy)
{
    nodes->frames = (struct frame_cache){
        .memory = memory, .owner = owner, .entry_size = sizeof(struct node_entry)};
    nodes->entries_max = bounds->entries_max;
    return frame_cache_open(&nodes->frames, share, &type, bounds, policy);
}

void node_cache_close(struct node_cache *nodes)
{
    frame_cache_close(&nodes->frames);
}

void node_cache_room(const struct node_cache *nodes, size_t *pinned, size_t *capacity)
{
    struct cache_statistics statistics;

    *capacity = frame_cache_capacity(&nodes->frames, nodes->entries_max, &statistics);
    *pinned = statistics.pinned;
}
