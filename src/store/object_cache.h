/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of open objects: struct object (store.h), found by name. One that somebody uses is
 * pinned; a number of those that nobody uses stay open, so that opening them again costs no device
 * call, no cipher call and no look at the catalogue. The coldest of them go first.
 *
 * Invariants
 *   J1 An object that can be found has its name in the catalogue. So its name changes with the
 *      catalogue, and before a name goes away its object is discarded.
 *   J2 What failed to open isn't here.
 *   J3 No take of frames fails while objects are here that nobody uses: in the engine, whose
 *      collector asks for them.
 *
 * Locking: the core's. Objects are claimed, renamed and discarded by who has the store's lock; they
 * are found, used and put back without it. Letting go of an object closes its tree, without any
 * lock of this cache: from whatever call made it go, the collector's among them, and any take of
 * frames that finds none. It takes locks of caches, key slots and memory, and does no I/O: nobody
 * else knows the tree any more, and nothing is open of its file.
 */
#ifndef COFFER_STORE_OBJECT_CACHE_H
#define COFFER_STORE_OBJECT_CACHE_H

#include "cache/cache.h"
#include "store/catalogue.h"

struct object;

struct object_cache {
    const struct catalogue *catalogue; /* for the hash of names */
    struct memory *memory;
    struct owner owner;
    struct cache_share share; /* its own: entries are not frames */
    struct cache_type type;
    struct cache *core;
};

/* What one object counts for. */
size_t object_cache_entry_bytes(void);

/* `idle_max`: objects that stay though nobody uses them, at least one. */
COFFER_MUST_CHECK enum coffer_status object_cache_open(struct object_cache *cache,
                                                       const struct coffer_port *port,
                                                       const struct catalogue *catalogue,
                                                       struct memory *memory, struct owner owner,
                                                       size_t idle_max);
void object_cache_close(struct object_cache *cache);

/* The pinned object of a name if it is here; `hash`: the name's (catalogue_hash). A hit is counted,
 * a miss not. */
struct object *object_cache_find(struct object_cache *cache, const struct name *name,
                                 uint64_t hash);

/* The pinned object of a name. *claimed: it wasn't here, and this is a record for it, all zero but
 * for what is the cache's; object_cache_loaded follows, and with an error the record is gone. */
COFFER_MUST_CHECK enum coffer_status object_cache_get(struct object_cache *cache,
                                                      const struct name *name, uint64_t hash,
                                                      struct object **out, bool *claimed);
void object_cache_loaded(struct object_cache *cache, struct object *object,
                         enum coffer_status status);

void object_cache_unpin(struct object_cache *cache, struct object *object);

/* Out of reach, whoever else pins it; the caller's pin is gone. */
void object_cache_discard(struct object_cache *cache, struct object *object);

/* The pinned object has another name from now on. */
void object_cache_rename(struct object_cache *cache, struct object *object,
                         const struct name *name);

#endif
