/* SPDX-License-Identifier: BSD-2-Clause */
/* Lookup, claim and load; pins. */
#include "cache/inside.h"

struct cache_entry **bucket_of(const struct cache *cache, const struct cache_group *group,
                               uint64_t index)
{
    /* Multiplicative hashing: keys are dense, so the high bits of the products spread well. */
    uint64_t key = (uint64_t)(uintptr_t)group * UINT64_C(0xC2B2AE3D27D4EB4F) ^ index;
    uint64_t mixed = (key ^ key >> 29) * UINT64_C(0x9E3779B97F4A7C15);

    return &cache->buckets[(mixed >> 32) & (cache->bucket_count - 1)];
}

static struct cache_entry *look_up(const struct cache *cache, const struct cache_key *key)
{
    struct cache_entry *entry = *bucket_of(cache, key->group, key->index);

    for (; entry != NULL; entry = entry->chain) {
        if (entry->index == key->index && entry->group == key->group &&
            (cache->type->same == NULL || cache->type->same(entry, key->more)))
            break;
    }
    return entry;
}

/* --- Waiting --- */

void wait_changed_locked(struct cache *cache)
{
    enum coffer_status status;

    assert_cheap(cache->waits);
    cache->counters.waits++;
    cache->changed_waiters++;
    status = cache->port->condition_wait(cache->port->context, &cache->changed, &cache->lock,
                                         UINT64_MAX);
    (void)status; /* why it came back is seen from what it waits for */
    cache->changed_waiters--;
}

void tell_changed_locked(struct cache *cache)
{
    if (cache->changed_waiters > 0)
        cache->port->condition_broadcast(cache->port->context, &cache->changed);
}

/* --- Pins --- */

void pin_locked(struct cache *cache, struct cache_entry *entry)
{
    bool was_idle = is_idle(cache, entry);

    entry->pins++;
    assert_cheap(entry->pins != 0);
    if (entry->pins == 1)
        cache->pinned_count++;
    settle_locked(cache, entry, was_idle);
}

bool unpin_locked(struct cache *cache, struct cache_entry *entry, bool used)
{
    assert_cheap(entry->pins > 0);
    entry->pins--;
    if (entry->pins > 0)
        return false;
    if (entry->state == CACHE_FAILED) {
        entry->state = CACHE_LOOSE;
        return true;
    }
    assert_cheap(entry->state != CACHE_LOADING && entry->state != CACHE_WRITING);
    cache->pinned_count--;
    if (used) {
        entry->used_ns = cache_share_now(cache->share);
        entry->cold = false;
        if (cache->type->policy == CACHE_LRU)
            list_remove(&entry->order);
    }
    settle_locked(cache, entry, false);
    return false;
}

void cache_pin(struct cache *cache, struct cache_entry *entry)
{
    cache_lock(cache);
    assert_cheap(entry->pins > 0);
    pin_locked(cache, entry);
    cache_unlock(cache);
}

void cache_unpin(struct cache *cache, struct cache_entry *entry)
{
    cache_lock(cache);
    if (unpin_locked(cache, entry, true))
        release_locked(cache, entry);
    else
        trim_idle_locked(cache);
    cache_unlock(cache);
}

/* --- In and out of reach --- */

static void unchain(struct cache *cache, struct cache_entry *entry)
{
    struct cache_entry **link = bucket_of(cache, entry->group, entry->index);

    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    entry->chain = NULL;
    list_remove(&entry->of_group);
    if (entry->group != NULL)
        group_set_count(entry->group, group_count(entry->group) - 1);
    entry->group = NULL;
    cache->found_count--;
    cache->loose_count++;
}

void take_out_locked(struct cache *cache, struct cache_entry *entry)
{
    bool was_idle = is_idle(cache, entry);

    assert_cheap(entry->pins == 0);
    leave_set_locked(cache, entry);
    unchain(cache, entry);
    entry->state = CACHE_LOOSE;
    list_remove(&entry->order);
    settle_locked(cache, entry, was_idle);
}

/* A loose entry becomes the one of a key, for its claimer to load. */
static void claim(struct cache *cache, struct cache_entry *entry, const struct cache_key *key,
                  unsigned flags)
{
    struct cache_entry **bucket = bucket_of(cache, key->group, key->index);

    assert_cheap(entry->state == CACHE_LOOSE && entry->pins == 0);
    entry->group = key->group;
    entry->index = key->index;
    if (cache->type->set_name != NULL)
        cache->type->set_name(entry, key->more);
    entry->chain = *bucket;
    *bucket = entry;
    if (key->group != NULL) {
        list_insert_after(&key->group->entries, &entry->of_group);
        group_set_count(key->group, group_count(key->group) + 1);
    }
    entry->state = CACHE_LOADING;
    entry->marked = false;
    entry->cold = false;
    cache->loose_count--;
    cache->found_count++;
    pin_locked(cache, entry);
    cache->counters.misses += !(flags & CACHE_AGAIN);
    (void)cache_share_tick(cache->share);
}

/* --- Finding --- */

static void count_hit(struct cache *cache, struct cache_entry *entry)
{
    cache->counters.hits++;
    entry->marked = true;
}

/* Pin an entry that is here, once it can be read. */
static enum coffer_status join(struct cache *cache, struct cache_entry *entry, unsigned flags)
{
    enum coffer_status status;

    if (entry->state == CACHE_LOADING && (flags & CACHE_NO_WAIT || !cache->waits))
        return COFFER_BUSY;
    pin_locked(cache, entry);
    while (entry->state == CACHE_LOADING)
        wait_changed_locked(cache);
    if (entry->state != CACHE_FAILED) {
        count_hit(cache, entry);
        return COFFER_OK;
    }
    status = (enum coffer_status)entry->failure;
    if (unpin_locked(cache, entry, true))
        release_locked(cache, entry);
    return status;
}

/* An entry from make_room that isn't needed any more. Gives up the lock. */
static void put_back_locked(struct cache *cache, struct cache_entry *loose)
{
    if (cache->type->renew != NULL)
        let_go_locked(cache, loose);
    put_spare_locked(cache, loose);
}

enum coffer_status cache_get(struct cache *cache, const struct cache_key *key, unsigned flags,
                             struct cache_entry **out, bool *claimed)
{
    enum coffer_status status = COFFER_OK;
    struct cache_entry *loose = NULL;
    struct cache_entry *entry = NULL;
    unsigned failures = 0;
    bool made = false;

    cache_lock(cache);
    while (status == COFFER_OK && entry == NULL) {
        struct cache_entry *found = look_up(cache, key);

        if (found != NULL && loose != NULL) {
            put_back_locked(cache, loose); /* somebody was faster */
            loose = NULL;
            continue;
        }
        if (found != NULL) {
            status = join(cache, found, flags);
            entry = found;
            continue;
        }
        if (loose == NULL)
            loose = take_spare_locked(cache);
        if (loose != NULL) {
            claim(cache, loose, key, flags);
            entry = loose;
            loose = NULL;
            made = true;
            continue;
        }
        status = make_room_locked(cache, flags, &failures, &loose);
    }
    assert_cheap(loose == NULL);
    cache_unlock(cache);
    if (status != COFFER_OK)
        return status;
    *out = entry;
    *claimed = made;
    return COFFER_OK;
}

static struct cache_entry *find(struct cache *cache, const struct cache_key *key, unsigned miss)
{
    struct cache_entry *entry;

    cache_lock(cache);
    entry = look_up(cache, key);
    if (entry != NULL && entry->state == CACHE_LOADING)
        entry = NULL;
    if (entry != NULL) {
        pin_locked(cache, entry);
        count_hit(cache, entry);
    } else {
        cache->counters.misses += miss;
    }
    cache_unlock(cache);
    return entry;
}

struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key)
{
    return find(cache, key, 1);
}

struct cache_entry *cache_find_quietly(struct cache *cache, const struct cache_key *key)
{
    return find(cache, key, 0);
}

/* Out of reach though it is pinned; the caller's pin goes. Gives up the lock. */
static void fail_locked(struct cache *cache, struct cache_entry *entry)
{
    unchain(cache, entry);
    entry->state = CACHE_FAILED;
    cache->pinned_count--;
    if (unpin_locked(cache, entry, true))
        release_locked(cache, entry);
}

static void loaded_locked(struct cache *cache, struct cache_entry *entry)
{
    assert_cheap(entry->state == CACHE_LOADING && entry->pins > 0);
    entry->state = CACHE_CLEAN;
    list_insert_before(&cache->order, &entry->order);
    tell_changed_locked(cache);
}

void cache_filled(struct cache *cache, struct cache_entry *entry)
{
    bool is_loose;

    cache_lock(cache);
    loaded_locked(cache, entry);
    is_loose = unpin_locked(cache, entry, true);
    assert_cheap(!is_loose);
    trim_idle_locked(cache);
    cache_unlock(cache);
}

void cache_loaded(struct cache *cache, struct cache_entry *entry, enum coffer_status status)
{
    cache_lock(cache);
    if (status == COFFER_OK) {
        loaded_locked(cache, entry);
    } else {
        assert_cheap(entry->state == CACHE_LOADING && entry->pins > 0);
        cache->counters.load_failures++;
        entry->failure = (uint8_t)status;
        fail_locked(cache, entry);
        tell_changed_locked(cache);
    }
    cache_unlock(cache);
}

/* --- Other keys, and none --- */

void cache_discard(struct cache *cache, struct cache_entry *entry)
{
    cache_lock(cache);
    assert_cheap(entry->state == CACHE_CLEAN && entry->pins > 0);
    list_remove(&entry->order);
    fail_locked(cache, entry);
    cache_unlock(cache);
}

void cache_rekey(struct cache *cache, struct cache_entry *entry, const struct cache_key *key)
{
    struct cache_entry **bucket = bucket_of(cache, key->group, key->index);
    struct cache_entry **link;

    cache_lock(cache);
    assert_cheap(entry->pins > 0);
    if (entry->state == CACHE_FAILED)
        goto out;
    assert_cheap(entry->state == CACHE_CLEAN && entry->group == key->group);
    assert_cheap(look_up(cache, key) == NULL);
    for (link = bucket_of(cache, entry->group, entry->index); *link != entry;)
        link = &(*link)->chain;
    *link = entry->chain;
    entry->index = key->index;
    if (cache->type->set_name != NULL)
        cache->type->set_name(entry, key->more);
    entry->chain = *bucket;
    *bucket = entry;
out:
    cache_unlock(cache);
}
