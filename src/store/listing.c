/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over the names. Names are read some at a time, with the store's lock, and given out without
 * it; what was read before the catalogue changed isn't given out, but read again.
 */
#include "store/store.h"

#include <string.h>

void listing_begin(struct listing *listing, const uint8_t *uuid)
{
    rwlock_init(&listing->lock);
    listing->next_slot = 0;
    listing->all = uuid == NULL;
    if (uuid != NULL)
        memcpy(listing->uuid, uuid, CRYPTO_UUID_SIZE);
    listing->first = 0;
    listing->count = 0;
    listing->given = 0;
}

/* The next name that was read, if it is still true. */
static bool give(struct store *store, struct listing *listing, struct coffer_entry *out)
{
    if (listing->first == listing->count ||
        atomic_load_explicit(&store->changes, memory_order_acquire) != listing->changes)
        return false;
    *out = store_public_entry(&listing->names[listing->first++].entry);
    listing->given++;
    return true;
}

/* Read names, with the store's lock. */
static enum coffer_status refill(struct store *store, struct listing *listing)
{
    uint32_t from = listing->next_slot;
    enum coffer_status status;
    size_t count;

    if (listing->first < listing->count)
        from = listing->names[listing->first].slot; /* behind what was given out last */
    status = catalogue_list(&store->catalogue, from, listing->all ? NULL : listing->uuid,
                            listing->names, LISTING_NAMES, &count, &listing->next_slot);
    listing->first = 0;
    listing->count = status == COFFER_OK ? count : 0;
    if (status != COFFER_OK)
        listing->next_slot = from;
    listing->changes = atomic_load_explicit(&store->changes, memory_order_relaxed);
    return status;
}

enum coffer_status listing_next(struct store *store, struct listing *listing,
                                struct coffer_entry *out)
{
    enum coffer_status status = COFFER_OK;
    bool given;

    rwlock_take_write(&store->lot, &listing->lock);
    given = give(store, listing, out);
    rwlock_give_write(&store->lot, &listing->lock);
    if (given)
        return COFFER_OK;
    store_lock(store);
    rwlock_take_write(&store->lot, &listing->lock);
    given = give(store, listing, out);
    if (!given) {
        status = refill(store, listing);
        if (status == COFFER_OK && !give(store, listing, out))
            status = COFFER_NOT_FOUND;
    }
    rwlock_give_write(&store->lot, &listing->lock);
    store_unlock(store);
    return status;
}
