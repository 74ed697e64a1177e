/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one core of all caches: entries that are found by a key, pinned while somebody uses them,
 * loaded once however many ask, written back when dirty, and replaced by a policy, within bounds of
 * entries and bytes. What an entry holds and where it comes from is the business of the faces
 * (blocks.h, nodes.h): each embeds struct cache_entry as the first member of an entry of its own,
 * and describes itself by a struct cache_type.
 *
 *            get              loaded(OK)           dirty              write_begin
 *   SPARE ---------> LOADING ------------> CLEAN ----------> DIRTY -----------------> WRITING
 *     ^                 |                   | ^                ^                       |   |
 *     |   loaded(error) |                   | +----------------|------- write_end(OK) -+   |
 *     |                 v   the last unpin  |                  +------- write_end(error) --+
 *     |              FAILED -----------+    | eviction, expiry, forget
 *     |    (discard takes CLEAN there) |    |
 *     |                                v    v
 *     +------------- let_go ----------- LOOSE ------- unmake ------> (memory)
 *
 * Locking. One lock a cache, never held while an entry is loaded, written, let go of, made or
 * unmade: of a type's functions only those are called under it that say so. Under it all steps are
 * O(1), the search for a victim amortised; longer ones are cut, and the lock given up between the
 * pieces. Contents are not protected by it: between a claim and `loaded` they are the claimer's,
 * afterwards theirs who hold a pin, and who of them may change what is settled above (an object's
 * lock). The group and the index of an entry stay while it is pinned. Calls that wait say so; in a
 * port without conditions nothing ever waits, as nobody else could be at work.
 *
 * Invariants
 *   N1 No two entries that can be found have the same key.
 *   N2 An entry can be found exactly in the states LOADING, CLEAN, DIRTY and WRITING, and then it
 *      is on its group's list, which the group has counted. No other has a key, a group or a set.
 *   N3 What may be evicted is what nobody pins and is CLEAN, with a type that writes back also
 *      DIRTY: all of that stands in the order of replacement. Others may stand there until a search
 *      meets them, which takes them out; they come in again, as the last to go, when they may be
 *      evicted again. So what is pinned or dirty is met once, and stands in nobody's way.
 *   N4 DIRTY and WRITING entries belong to exactly one set, no others do.
 *   N5 Contents were let go of before an entry becomes spare or another's; only what was evicted,
 *      of a type that renews, is overwritten by who claims it.
 *   N6 `bytes` is the number of entries times the type's entry_bytes, spare ones included, and at
 *      most the bound.
 */
#ifndef COFFER_CACHE_CACHE_H
#define COFFER_CACHE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/rbtree.h"
#include "cache/share.h"
#include "coffer/status.h"
#include "memory/memory.h"

enum cache_state {
    CACHE_SPARE,   /* no key, no contents */
    CACHE_LOADING, /* somebody is filling it */
    CACHE_CLEAN,
    CACHE_DIRTY,   /* changed, and written nowhere yet */
    CACHE_WRITING, /* being written: changing it has to wait */
    CACHE_FAILED,  /* the load failed; whoever waits for it learns the status. Or discarded */
    CACHE_LOOSE,   /* out of everybody's reach but one call's */
};

enum cache_policy {
    CACHE_LRU,         /* the last unpin moves an entry to the warm end */
    CACHE_CLOCK,       /* a hit marks it; the search clears marks and takes the first without */
    CACHE_ROUND_ROBIN, /* in the order they came, whatever was used since */
};

/* Entries that go together: a file's. */
struct cache_group {
    struct list entries;
    _Atomic size_t count; /* of them; written under the lock */
};

/* Dirty entries that go together: a transaction's. */
struct cache_set {
    struct rbtree entries; /* by index, smaller first */
    size_t count;
};

struct cache_key {
    struct cache_group *group; /* may be NULL */
    uint64_t index;
    const void *more; /* for the type's `same`, if the two above don't name the entry alone */
};

struct cache_entry {
    struct cache_group *group;
    uint64_t index;
    struct cache_entry *chain;
    struct list order; /* of replacement, or of the spare ones */
    struct list of_group;
    struct rbnode of_set;
    struct cache_set *set; /* NULL: it isn't dirty */
    uint64_t used_ns;      /* when nobody pinned it any more, on the share's clock */
    uint32_t pins;
    uint8_t state;
    uint8_t failure; /* enum coffer_status, of a load */
    bool marked;     /* by a hit, for CACHE_CLOCK */
    bool cold;       /* cooled since it was used */
};

struct cache_type {
    const char *name;
    enum cache_policy policy;
    size_t entry_bytes; /* that an entry takes with all it holds, for bounds and statistics */

    /* Is it the entry of `more`? NULL: group and index say it all. Under the lock. */
    bool (*same)(const struct cache_entry *entry, const void *more);

    /* It is the entry of `more` from now on: claimed, or given another key. With `same` only. Under
     * the lock. */
    void (*set_name)(struct cache_entry *entry, const void *more);

    /* Is there memory for one more, as far as a look tells? NULL: try. Under the lock. */
    bool (*may_make)(void *context);

    /* A new entry, all zero but for what the face keeps for itself. NULL: no memory now. */
    struct cache_entry *(*make)(void *context);
    void (*unmake)(void *context, struct cache_entry *entry);

    /* Contents are no longer wanted: wipe them, close what they hold open. May be NULL. */
    void (*let_go)(void *context, struct cache_entry *entry);

    /* An evicted entry becomes another's at once, whose claimer overwrites its contents: let go of
     * what goes with them, and no more. NULL: let_go does it. Under the lock. */
    void (*renew)(void *context, struct cache_entry *entry);

    /* Write a DIRTY entry that is to be evicted or expires; the core does what is around it. NULL:
     * dirty entries stay until their owner writes them, as those of nodes and blocks do, which only
     * a whole transaction may write. The cache of an RPMB partition's blocks will have it, and so
     * will blocks whose changes a journal has made safe: those may go one by one. */
    enum coffer_status (*write_back)(void *context, struct cache_entry *entry);
};

struct cache_bounds {
    size_t entries_min; /* made at open and never given back: what must go on in any shortage */
    size_t entries_max; /* 0: no bound but memory */
    size_t idle_max;    /* spare ones and those that nobody uses; what is more goes with an unpin,
                           the coldest first. 0: no bound but those above */
    uint64_t bytes_max; /* 0: no bound but memory */
};

struct cache_counters {
    uint64_t hits;
    uint64_t misses;
    uint64_t waits; /* for another's load or write */
    uint64_t load_failures;
    uint64_t evictions; /* for another key's sake, or another cache's of the share */
    uint64_t expirations;
    uint64_t shrunk_bytes; /* given back on request */
    uint64_t write_backs;
    uint64_t write_failures;
    uint64_t refusals; /* gets for which there was no entry */
};

struct cache_statistics {
    const char *name;
    struct cache_counters counters;
    size_t entries, entries_peak; /* spare ones included */
    size_t spare, pinned, dirty;
    uint64_t bytes, bytes_peak;
};

struct cache;

/*
 * The cache's own record and its hash table live in `memory`, on the owner's line. The table gets
 * as many chains as there can be entries: as many as the bounds say (twice idle_max, if that is
 * less), without one as many as fit the memory whole. It is never rehashed.
 *
 * COFFER_NO_MEMORY: entries_min could not be made; nothing is left. COFFER_MISUSE: bounds that
 * contradict one another, or a full share. Errors of the port's locks.
 */
COFFER_MUST_CHECK enum coffer_status cache_open(struct cache_share *share, struct memory *memory,
                                                struct owner owner, const struct cache_type *type,
                                                void *context, const struct cache_bounds *bounds,
                                                struct cache **out);

/* The hash table's bytes, for so many entries at most. */
size_t cache_table_bytes(size_t entries_max);

/* Nothing may be pinned or dirty. NULL is nothing. */
void cache_close(struct cache *cache);

static inline void cache_group_init(struct cache_group *group)
{
    list_init(&group->entries);
    atomic_init(&group->count, 0);
}

/* --- Finding and loading */

#define CACHE_NO_WAIT 1u /* COFFER_BUSY rather than wait for another's load or eviction */
#define CACHE_AGAIN   2u /* cache_find has just counted the miss */

/*
 * The pinned entry of a key. *claimed: there was none; it is LOADING now, its contents the caller's
 * to fill (of a type that renews they are what another left), and cache_loaded must follow.
 * Otherwise it can be read; another's load was waited for. COFFER_NO_MEMORY: no entry is spare, can
 * be made or evicted now. COFFER_BUSY: it is being loaded, and waiting is unwanted or, in this
 * port, in vain. Another error is that of the load that was waited for, or of writing back what
 * should have made room.
 */
COFFER_MUST_CHECK enum coffer_status cache_get(struct cache *cache, const struct cache_key *key,
                                               unsigned flags, struct cache_entry **out,
                                               bool *claimed);

/* The pinned entry of a key if it is here and can be read; NULL otherwise. Never waits; counts a
 * hit or a miss. */
struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key);

/* The same, but a miss isn't counted: for who goes on to cache_get then. */
struct cache_entry *cache_find_quietly(struct cache *cache, const struct cache_key *key);

/* The claimer's load is over. An error: it is FAILED, those who wait get the same error, and the
 * claimer's pin is gone. */
void cache_loaded(struct cache *cache, struct cache_entry *entry, enum coffer_status status);

/* It went well, and the claimer has no more use for it: cache_loaded and cache_unpin at once. */
void cache_filled(struct cache *cache, struct cache_entry *entry);

void cache_pin(struct cache *cache, struct cache_entry *entry); /* once more */
void cache_unpin(struct cache *cache, struct cache_entry *entry);

/* --- Changes */

void cache_set_init(struct cache_set *set);

/* A pinned entry is about to be changed, as part of `set` (whose it is already, if it is dirty).
 * Waits while it is WRITING. */
void cache_dirty(struct cache *cache, struct cache_entry *entry, struct cache_set *set);

/* The entry of the set that comes after `previous`, by index, pinned; NULL: there is none. Begins
 * with NULL. `previous` is still pinned, but may have left the set. */
struct cache_entry *cache_set_next(struct cache *cache, const struct cache_set *set,
                                   const struct cache_entry *previous);

/* A pinned entry is to be written. False: it isn't dirty any more (it may have been written to make
 * room; that is waited for). True: it is WRITING, and cache_write_end must follow: it is CLEAN
 * then, or, with an error, DIRTY as before. */
COFFER_MUST_CHECK bool cache_write_begin(struct cache *cache, struct cache_entry *entry);
void cache_write_end(struct cache *cache, struct cache_entry *entry, enum coffer_status status);

/* --- Letting go */

/* Forget one entry that only the caller pins, pin and all, or all of a group's, which nobody may
 * pin, claim or be writing meanwhile; dirty ones leave their sets. A group that is empty takes no
 * lock. */
void cache_forget(struct cache *cache, struct cache_entry *entry);
void cache_forget_group(struct cache *cache, struct cache_group *group);

/* What nobody uses of a group is next to go, before all that was used longest ago: at most `steps`
 * entries, those that came last. It goes when something has to, and not the sooner by its age. */
void cache_cool_group(struct cache *cache, struct cache_group *group, unsigned steps);

/* A CLEAN entry that the caller pins is out of reach from now on, whoever else pins it: they may go
 * on using it, and the last unpin lets go of it. The caller's pin is gone. */
void cache_discard(struct cache *cache, struct cache_entry *entry);

/* A CLEAN entry that the caller pins gets another key, which no other entry has, in the same
 * group. One that was discarded meanwhile has no key any more, and stays without. */
void cache_rekey(struct cache *cache, struct cache_entry *entry, const struct cache_key *key);

/* Give back up to `bytes` (rounded up to an entry), spare entries first, then those that the policy
 * names, at most `steps` of them, never below entries_min. Dirty ones are written first if the type
 * writes back. How many bytes it was. */
uint64_t cache_shrink(struct cache *cache, uint64_t bytes, unsigned steps);

/* When the entry that goes next was last used, on the share's clock; 0: it is spare;
 * CACHE_USED_COLD: its group was cooled; UINT64_MAX: none can go. `to_give`: so that its memory
 * leaves the cache, as by cache_shrink. */
#define CACHE_USED_COLD 1u
uint64_t cache_oldest_use(struct cache *cache, bool to_give);

/*
 * Forget entries that nobody used since `before_ns` on the port's clock, dirty ones after writing
 * them if the type writes back. A step looks at one chain of the table; the next call goes on where
 * this one ended. True: not all of the table has been looked at since it was last begun with.
 *
 * As hits don't read the clock, an entry may go earlier by what lies between two rounds, and the
 * first round goes by what the clock showed at open; what is used in every round never goes.
 */
bool cache_expire(struct cache *cache, uint64_t before_ns, unsigned steps);

/* --- Numbers */

/* Of one moment. */
void cache_statistics(struct cache *cache, struct cache_statistics *out);

/* Do N1 to N4, N6 and all counts hold? Walks everything, under the lock. */
bool cache_is_valid(struct cache *cache);

#endif
