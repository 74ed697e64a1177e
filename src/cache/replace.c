/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of replacement; eviction; making entries and giving them back. */
#include "cache/inside.h"

/* Entries that a search looks at before it lets others at the lock. */
#define SCAN_MAX 64u

/* Write-backs that one call for room sees fail before it gives up. */
#define WRITE_FAILURES_MAX 3u

/* Searches in vain before a trim leaves it to the next one. */
#define TRIM_TRIES 4u

/* Entries that one other cache of the share asks for at a time. */
#define GIVE_UP_MAX 16u

void settle_locked(struct cache *cache, struct cache_entry *entry, bool was_idle)
{
    bool idle = is_idle(cache, entry);

    if (idle && !was_idle)
        cache->idle_count++;
    else if (was_idle && !idle)
        cache->idle_count--;
    if (idle && list_is_empty(&entry->order))
        list_insert_before(&cache->order, &entry->order);
}

/* The next to go. NULL: not found yet, though there may be one. */
static struct cache_entry *find_victim(struct cache *cache)
{
    for (unsigned left = SCAN_MAX; left > 0 && !list_is_empty(&cache->order); left--) {
        struct cache_entry *entry = list_entry(cache->order.next, struct cache_entry, order);
        bool idle = is_idle(cache, entry);

        if (idle && !(cache->type->policy == CACHE_CLOCK && entry->marked))
            return entry;
        list_remove(&entry->order);
        if (idle)
            list_insert_before(&cache->order, &entry->order);
        entry->marked = false;
    }
    return NULL;
}

static void breathe_locked(struct cache *cache)
{
    cache_unlock(cache);
    cache_lock(cache);
}

/* --- Spare entries --- */

void put_spare_locked(struct cache *cache, struct cache_entry *loose)
{
    assert_cheap(loose->state == CACHE_LOOSE);
    loose->state = CACHE_SPARE;
    list_insert_after(&cache->spare, &loose->order);
    cache->loose_count--;
    cache->spare_count++;
}

struct cache_entry *take_spare_locked(struct cache *cache)
{
    struct cache_entry *entry;

    if (list_is_empty(&cache->spare))
        return NULL;
    entry = list_entry(cache->spare.next, struct cache_entry, order);
    list_remove(&entry->order);
    entry->state = CACHE_LOOSE;
    cache->spare_count--;
    cache->loose_count++;
    return entry;
}

/* --- Making and unmaking --- */

void unmake_entry(struct cache *cache, struct cache_entry *entry)
{
    cache->type->unmake(cache->context, entry);
    cache_share_give(cache->share, cache->type->entry_bytes);
}

struct cache_entry *make_locked(struct cache *cache)
{
    size_t bytes = cache->type->entry_bytes;
    struct cache_entry *entry = NULL;

    cache->making_count++;
    cache_unlock(cache);
    if (cache_share_take(cache->share, cache, bytes)) {
        entry = cache->type->make(cache->context);
        if (entry == NULL)
            cache_share_give(cache->share, bytes);
    }
    cache_lock(cache);
    cache->making_count--;
    if (entry == NULL)
        return NULL;
    list_init(&entry->order);
    list_init(&entry->of_group);
    entry->state = CACHE_LOOSE;
    cache->entry_count++;
    cache->loose_count++;
    if (cache->entry_count > cache->entry_peak)
        cache->entry_peak = cache->entry_count;
    return entry;
}

static void unmake_locked(struct cache *cache, struct cache_entry *loose)
{
    assert_cheap(loose->state == CACHE_LOOSE);
    cache->entry_count--;
    cache->loose_count--;
    cache->leaving_count++;
    cache_unlock(cache);
    unmake_entry(cache, loose);
    cache_lock(cache);
    cache->leaving_count--;
    tell_changed_locked(cache);
}

void let_go_locked(struct cache *cache, struct cache_entry *loose)
{
    if (cache->type->let_go == NULL)
        return;
    cache->leaving_count++;
    cache_unlock(cache);
    cache->type->let_go(cache->context, loose);
    cache_lock(cache);
    cache->leaving_count--;
    tell_changed_locked(cache);
}

void release_locked(struct cache *cache, struct cache_entry *loose)
{
    let_go_locked(cache, loose);
    put_spare_locked(cache, loose);
}

/* --- Making room --- */

/* Is it worth trying? Who finds out by trying gives up the lock for it. */
static bool may_make(const struct cache *cache)
{
    return cache->entry_count + cache->making_count < cache->entries_bound &&
           !is_idle_enough(cache) &&
           (cache->type->may_make == NULL || cache->type->may_make(cache->context));
}

enum coffer_status make_room_locked(struct cache *cache, unsigned flags, unsigned *failures,
                                    struct cache_entry **out)
{
    struct cache_entry *victim;

    if (may_make(cache)) {
        *out = make_locked(cache);
        if (*out != NULL)
            return COFFER_OK;
    }
    if (!has_usable(cache) && cache->leaving_count > 0 && cache->waits) {
        /* Others are emptying some: then they, or their memory, or what they make of them is here.
         */
        if (flags & CACHE_NO_WAIT)
            return COFFER_BUSY;
        wait_changed_locked(cache);
        return COFFER_OK;
    }
    if (!has_usable(cache)) {
        cache->counters.refusals++;
        return COFFER_NO_MEMORY;
    }
    if (cache->idle_count == 0)
        return COFFER_OK; /* one is spare now */
    victim = find_victim(cache);
    if (victim == NULL) {
        breathe_locked(cache);
        return COFFER_OK;
    }
    if (victim->state == CACHE_DIRTY) {
        enum coffer_status status = write_back_locked(cache, victim);

        *failures += status != COFFER_OK;
        return *failures < WRITE_FAILURES_MAX ? COFFER_OK : status;
    }
    cache->counters.evictions++;
    take_out_locked(cache, victim);
    if (cache->type->renew != NULL)
        cache->type->renew(cache->context, victim);
    else
        let_go_locked(cache, victim);
    *out = victim;
    return COFFER_OK;
}

/* --- Giving back --- */

void cache_cool_group(struct cache *cache, struct cache_group *group, unsigned steps)
{
    if (!group_has_any(group))
        return;
    cache_lock(cache);
    for (struct list *link = group->entries.next; link != &group->entries && steps > 0;
         link = link->next, steps--) {
        struct cache_entry *entry = list_entry(link, struct cache_entry, of_group);

        if (!is_idle(cache, entry))
            continue;
        list_remove(&entry->order);
        list_insert_after(&cache->order, &entry->order);
        entry->marked = false;
        entry->cold = true;
    }
    cache_unlock(cache);
}

enum cache_step give_back_locked(struct cache *cache, size_t floor, uint64_t *evicted)
{
    struct cache_entry *entry;

    if (cache->entry_count <= floor || !has_usable(cache))
        return CACHE_STEP_NONE;
    entry = take_spare_locked(cache);
    if (entry == NULL) {
        entry = find_victim(cache);
        if (entry == NULL) {
            breathe_locked(cache);
            return CACHE_STEP_AGAIN;
        }
        if (entry->state == CACHE_DIRTY) {
            enum coffer_status status = write_back_locked(cache, entry);

            (void)status; /* it stays dirty, and others get their turn */
            return CACHE_STEP_AGAIN;
        }
        if (evicted != NULL)
            (*evicted)++;
        take_out_locked(cache, entry);
        let_go_locked(cache, entry);
        if (cache->entry_count <= floor) { /* others gave some back meanwhile */
            put_spare_locked(cache, entry);
            return CACHE_STEP_AGAIN;
        }
    }
    unmake_locked(cache, entry);
    return CACHE_STEP_DONE;
}

void trim_idle_locked(struct cache *cache)
{
    enum cache_step step = CACHE_STEP_DONE;

    for (unsigned left = TRIM_TRIES; left > 0 && step != CACHE_STEP_NONE && has_idle_surplus(cache);
         left -= step == CACHE_STEP_AGAIN)
        step = give_back_locked(cache, cache->bounds.entries_min, &cache->counters.evictions);
}

uint64_t cache_oldest_use(struct cache *cache, bool to_give)
{
    uint64_t used = UINT64_MAX;

    cache_lock(cache);
    if (!to_give || (cache->entry_count > cache->bounds.entries_min && has_usable(cache))) {
        if (to_give && cache->spare_count > 0)
            used = 0;
        for (unsigned left = SCAN_MAX; used == UINT64_MAX && left > 0; left--) {
            struct cache_entry *entry;

            if (list_is_empty(&cache->order))
                break;
            entry = list_entry(cache->order.next, struct cache_entry, order);
            if (is_idle(cache, entry))
                used = entry->cold ? CACHE_USED_COLD : entry->used_ns;
            else
                list_remove(&entry->order);
        }
    }
    cache_unlock(cache);
    return used;
}

uint64_t cache_give_up(struct cache *cache, uint64_t bytes)
{
    uint64_t given = 0;

    cache_lock(cache);
    for (unsigned left = GIVE_UP_MAX; left > 0 && given < bytes; left--) {
        enum cache_step step = give_back_locked(cache, cache->bounds.entries_min,
                                                &cache->counters.evictions);

        if (step == CACHE_STEP_NONE)
            break;
        if (step == CACHE_STEP_DONE)
            given += cache->type->entry_bytes;
    }
    cache_unlock(cache);
    return given;
}
