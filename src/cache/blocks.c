/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/blocks.h"

static const struct frame_kind kind = {
    .type = {.name = "blocks",
             .entry_bytes = FRAME_ENTRY_BYTES,
             .may_make = frame_entry_may_make,
             .make = frame_entry_make,
             .unmake = frame_entry_unmake,
             .let_go = frame_entry_let_go,
             .renew = frame_entry_renew},
    .entry_size = sizeof(struct frame_entry),
};

enum coffer_status block_cache_open(struct block_cache *blocks, struct cache_share *share,
                                    struct memory *memory, struct owner owner,
                                    const struct cache_bounds *bounds, enum cache_policy policy)
{
    return frame_cache_open(&blocks->frames, share, memory, owner, &kind, bounds, policy);
}
