/* SPDX-License-Identifier: BSD-2-Clause */
/* Dirty entries, the sets that they belong to, and writing. */
#include "cache/inside.h"

/* The order in a set: by index. The rest only tells apart what has the same index. */
static bool is_before(const struct cache_entry *a, const struct cache_entry *b)
{
    if (a->index != b->index)
        return a->index < b->index;
    if (a->group != b->group)
        return (uintptr_t)a->group < (uintptr_t)b->group;
    return (uintptr_t)a < (uintptr_t)b;
}

static struct cache_entry *entry_of(struct rbnode *node)
{
    return node == NULL ? NULL : rbtree_entry(node, struct cache_entry, of_set);
}

static void join_set_locked(struct cache *cache, struct cache_entry *entry, struct cache_set *set)
{
    struct rbnode *node = set->entries.root;
    struct rbnode *parent = NULL;
    enum rbside side = RB_LEFT;

    while (node != NULL) {
        parent = node;
        side = is_before(entry, entry_of(node)) ? RB_LEFT : RB_RIGHT;
        node = node->child[side];
    }
    rbtree_insert(&set->entries, parent, side, &entry->of_set);
    entry->set = set;
    set->count++;
    cache->dirty_count++;
}

void leave_set_locked(struct cache *cache, struct cache_entry *entry)
{
    if (entry->set == NULL)
        return;
    rbtree_erase(&entry->set->entries, &entry->of_set);
    entry->set->count--;
    entry->set = NULL;
    cache->dirty_count--;
}

void cache_set_init(struct cache_set *set)
{
    rbtree_init(&set->entries, NULL);
    set->count = 0;
}

void cache_dirty(struct cache *cache, struct cache_entry *entry, struct cache_set *set)
{
    cache_lock(cache);
    assert_cheap(entry->pins > 0);
    while (entry->state == CACHE_WRITING)
        wait_changed_locked(cache);
    if (entry->state == CACHE_CLEAN) {
        entry->state = CACHE_DIRTY;
        join_set_locked(cache, entry, set);
    }
    assert_cheap(entry->state == CACHE_DIRTY && entry->set == set);
    cache_unlock(cache);
}

struct cache_entry *cache_set_next(struct cache *cache, const struct cache_set *set,
                                   const struct cache_entry *previous)
{
    struct cache_entry *next = NULL;
    struct rbnode *node;

    cache_lock(cache);
    node = set->entries.root;
    while (node != NULL) {
        if (previous == NULL || is_before(previous, entry_of(node))) {
            next = entry_of(node);
            node = node->child[RB_LEFT];
        } else {
            node = node->child[RB_RIGHT];
        }
    }
    if (next != NULL)
        pin_locked(cache, next);
    cache_unlock(cache);
    return next;
}

/* --- Writing --- */

static void end_write_locked(struct cache *cache, struct cache_entry *entry,
                             enum coffer_status status)
{
    assert_cheap(entry->state == CACHE_WRITING && entry->pins > 0);
    if (status == COFFER_OK) {
        cache->counters.write_backs++;
        leave_set_locked(cache, entry);
        entry->state = CACHE_CLEAN;
    } else {
        cache->counters.write_failures++;
        entry->state = CACHE_DIRTY;
    }
    tell_changed_locked(cache);
}

bool cache_write_begin(struct cache *cache, struct cache_entry *entry)
{
    bool begun;

    cache_lock(cache);
    assert_cheap(entry->pins > 0);
    while (entry->state == CACHE_WRITING)
        wait_changed_locked(cache);
    begun = entry->state == CACHE_DIRTY;
    if (begun)
        entry->state = CACHE_WRITING;
    cache_unlock(cache);
    return begun;
}

void cache_write_end(struct cache *cache, struct cache_entry *entry, enum coffer_status status)
{
    cache_lock(cache);
    end_write_locked(cache, entry, status);
    cache_unlock(cache);
}

enum coffer_status write_back_locked(struct cache *cache, struct cache_entry *entry)
{
    enum coffer_status status;

    assert_cheap(entry->state == CACHE_DIRTY && is_idle(cache, entry));
    pin_locked(cache, entry);
    entry->state = CACHE_WRITING;
    cache_unlock(cache);
    status = cache->type->write_back(cache->context, entry);
    cache_lock(cache);
    end_write_locked(cache, entry, status);
    /* Being written is no use of it: it is still the next to go. What can't be written goes last,
     * so that it doesn't stand in the way of others. */
    if (status != COFFER_OK)
        list_remove(&entry->order);
    if (unpin_locked(cache, entry, false))
        release_locked(cache, entry);
    return status;
}
