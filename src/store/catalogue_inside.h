/* SPDX-License-Identifier: BSD-2-Clause */
/* What the catalogue's files have in common. Locking: as catalogue.h. */
#ifndef COFFER_STORE_CATALOGUE_INSIDE_H
#define COFFER_STORE_CATALOGUE_INSIDE_H

#include "store/catalogue.h"

/* Slots of one read when the catalogue is walked: just under a block, so that they pass through
 * the cache and stay there. */
#define WALK_SLOTS (LAYOUT_BLOCK_SIZE / CATALOGUE_SLOT_SIZE)

COFFER_MUST_CHECK enum coffer_status
catalogue_read_slots(struct catalogue *catalogue, uint32_t slot, uint32_t count, uint8_t *bytes);

/* COFFER_NOT_FOUND: a free slot. COFFER_CORRUPT: authentic, but no slot of ours or OP-TEE's. */
COFFER_MUST_CHECK enum coffer_status catalogue_decode(const uint8_t bytes[CATALOGUE_SLOT_SIZE],
                                                      struct entry *entry);

/* A name's, in the index. */
uint32_t catalogue_tag(const struct catalogue *catalogue, const struct name *name);

/* Remember what opening the object of a slot takes. */
void catalogue_keep_abstract(struct catalogue *catalogue, uint32_t slot, const struct entry *entry);

#endif
