/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the core, shared by its files:
 *   open.c     making and unmaking a cache
 *   find.c     lookup, claim, load; pins
 *   replace.c  the order of replacement, eviction, making and giving back entries
 *   changes.c  dirty entries, their sets, writing
 *   leave.c    entries that go: on request, by their age, forgotten
 *   check.c    statistics and validity
 * and share.c, which several caches have in common.
 *
 * Functions with `_locked` in their name are called under the lock and may give it up meanwhile
 * only where they say so.
 */
#ifndef COFFER_CACHE_INSIDE_H
#define COFFER_CACHE_INSIDE_H

#include "base/assert.h"
#include "cache/cache.h"

struct cache {
    struct cache_share *share;
    const struct coffer_port *port;
    struct memory *memory;
    const struct cache_type *type;
    void *context;
    struct port_lock lock;
    struct port_condition changed; /* an entry was loaded or written */
    unsigned changed_waiters;
    bool waits; /* the port has conditions */
    struct cache_bounds bounds;
    size_t entries_bound; /* by entries_max and bytes_max; SIZE_MAX: none */
    struct cache_entry **buckets;
    size_t bucket_count; /* a power of two */
    struct list order;   /* cold first */
    struct list spare;
    size_t entry_count; /* all of them; those below are of it */
    size_t entry_peak;
    size_t making_count; /* on the way, and not among them yet: they may come to nothing */
    size_t found_count;  /* that can be found */
    size_t spare_count;
    size_t loose_count;   /* FAILED or LOOSE */
    size_t leaving_count; /* that a thread is emptying or unmaking, without the lock */
    size_t idle_count;    /* that may be evicted */
    size_t pinned_count;  /* of those that can be found */
    size_t dirty_count;   /* DIRTY or WRITING */
    /* Expiry. */
    size_t sweep;             /* the bucket to go on with */
    uint64_t sweep_began_ns;  /* this round */
    uint64_t sweep_before_ns; /* the round before it */
    struct cache_counters counters;
};

static inline void cache_lock(struct cache *cache)
{
    cache->port->lock_take(cache->port->context, &cache->lock);
}

static inline void cache_unlock(struct cache *cache)
{
    cache->port->lock_give(cache->port->context, &cache->lock);
}

/* May it be evicted (N3)? */
static inline bool is_idle(const struct cache *cache, const struct cache_entry *entry)
{
    return entry->pins == 0 && (entry->state == CACHE_CLEAN ||
                                (entry->state == CACHE_DIRTY && cache->type->write_back != NULL));
}

/* Is there one that is spare or may be evicted? */
static inline bool has_usable(const struct cache *cache)
{
    return cache->spare_count + cache->idle_count > 0;
}

/* Are there as many as may be that nobody uses? */
static inline bool is_idle_enough(const struct cache *cache)
{
    return cache->bounds.idle_max != 0 &&
           cache->spare_count + cache->idle_count >= cache->bounds.idle_max;
}

/* Are there more? */
static inline bool has_idle_surplus(const struct cache *cache)
{
    return cache->bounds.idle_max != 0 &&
           cache->spare_count + cache->idle_count > cache->bounds.idle_max;
}

/* Does anything of the group stay? Without the lock, as long as nobody claims for it: once it is
 * false the group is touched no more. */
static inline bool group_has_any(const struct cache_group *group)
{
    return atomic_load_explicit(&group->count, memory_order_acquire) > 0;
}

/* With the lock. What was done to the group's list comes before. */
static inline void group_set_count(struct cache_group *group, size_t count)
{
    atomic_store_explicit(&group->count, count, memory_order_release);
}

static inline size_t group_count(const struct cache_group *group)
{
    return atomic_load_explicit(&group->count, memory_order_relaxed);
}

/* --- find.c */

/* One pin more or less, in any state but SPARE and LOOSE. */
void pin_locked(struct cache *cache, struct cache_entry *entry);
/* True: it had FAILED, and that was the last pin; it is LOOSE, to be released. `used`: it counts as
 * a use. */
COFFER_MUST_CHECK bool unpin_locked(struct cache *cache, struct cache_entry *entry, bool used);

/* Out of its chain, group, set and order: LOOSE. Nobody pins it. */
void take_out_locked(struct cache *cache, struct cache_entry *entry);

struct cache_entry **bucket_of(const struct cache *cache, const struct cache_group *group,
                               uint64_t index);

/* Wait until an entry may have been loaded or written. */
void wait_changed_locked(struct cache *cache);
void tell_changed_locked(struct cache *cache);

/* --- replace.c */

/* Its state or its pins have changed: let the order and the counts follow. `was_idle`: before. */
void settle_locked(struct cache *cache, struct cache_entry *entry, bool was_idle);

/* A loose entry of which no count tells any more. Without the lock. */
void unmake_entry(struct cache *cache, struct cache_entry *entry);

/* A spare entry: LOOSE. NULL: none. */
struct cache_entry *take_spare_locked(struct cache *cache);
void put_spare_locked(struct cache *cache, struct cache_entry *loose);

/* Try to get an entry of whatever way: LOOSE, renewed or let go of. Gives up the lock. *out NULL:
 * try again. `failures` counts the write-backs that failed. COFFER_BUSY: others are emptying some,
 * and `flags` has CACHE_NO_WAIT. */
COFFER_MUST_CHECK enum coffer_status make_room_locked(struct cache *cache, unsigned flags,
                                                      unsigned *failures, struct cache_entry **out);

/* Make one more within the bounds, the share and memory: LOOSE. NULL: no. Gives up the lock. */
struct cache_entry *make_locked(struct cache *cache);

/* A loose entry's contents go. Gives up the lock. */
void let_go_locked(struct cache *cache, struct cache_entry *loose);

/* They go, and it is spare. Gives up the lock. */
void release_locked(struct cache *cache, struct cache_entry *loose);

enum cache_step {
    CACHE_STEP_NONE,  /* there is nothing more to be had */
    CACHE_STEP_AGAIN, /* it came to nothing this time */
    CACHE_STEP_DONE,
};

/* Give one entry back, if more than `floor` are here. Gives up the lock. `evicted` (may be NULL)
 * counts those that held something. */
enum cache_step give_back_locked(struct cache *cache, size_t floor, uint64_t *evicted);

/* Give back what is idle beyond idle_max. Gives up the lock. */
void trim_idle_locked(struct cache *cache);

/* For the share. Give up what cache_oldest_use named, and more until it is `bytes`. How many bytes
 * it was. */
uint64_t cache_give_up(struct cache *cache, uint64_t bytes);

/* --- changes.c */

/* Write an idle DIRTY entry; the caller looks anew what has become of it. Gives up the lock. */
COFFER_MUST_CHECK enum coffer_status write_back_locked(struct cache *cache,
                                                       struct cache_entry *entry);

void leave_set_locked(struct cache *cache, struct cache_entry *entry);

#endif
