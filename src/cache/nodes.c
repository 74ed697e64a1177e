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

static void clear_note(struct cache_entry *entry)
{
    struct node_entry *node = (struct node_entry *)entry;

    memset(node->note, 0, sizeof(node->note));
}

static void let_go(void *context, struct cache_entry *entry)
{
    clear_note(entry);
    frame_entry_let_go(context, entry);
}

static void renew(void *context, struct cache_entry *entry)
{
    clear_note(entry);
    frame_entry_renew(context, entry);
}

static const struct frame_kind kind = {
    .type = {.name = "nodes",
             .entry_bytes = FRAME_ENTRY_BYTES,
             .may_make = frame_entry_may_make,
             .make = make,
             .unmake = frame_entry_unmake,
             .let_go = let_go,
             .renew = renew},
    .entry_size = sizeof(struct node_entry),
};

_Static_assert(sizeof(struct node_entry) <= FRAME_ENTRY_BYTES - FRAME_SIZE, "it is counted whole");

enum coffer_status node_cache_open(struct node_cache *nodes, struct cache_share *share,
                                   struct memory *memory, struct owner owner,
                                   const struct cache_bounds *bounds, enum cache_policy policy)
{
    return frame_cache_open(&nodes->frames, share, memory, owner, &kind, bounds, policy);
}
