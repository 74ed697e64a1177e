/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of nodes in the cache: loaded, one or several at a time, and held. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"

/* Groups of one device call. */
#define FETCH_MAX 24u

void nodes_hold(struct tree *tree, struct node_entry *entry)
{
    struct list *place = &tree->held;

    if (note_of(entry)->held)
        return;
    while (place->next != &tree->held &&
           group_of(list_entry(place->next, struct node_entry, of_user)).index >
               group_of(entry).index)
        place = place->next;
    list_insert_after(place, &entry->of_user);
    note_of(entry)->held = true;
    tree->held_count++;
    tree->recent[group_of(entry).index % TREE_RECENT] = entry;
    node_cache_pin(tree->environment->nodes, entry);
}

/* Is there anything to be read? Beyond the nodes of an old file OP-TEE may have left some that
 * count (the tolerant rule); beyond those of a new one there is nothing. */
static bool may_exist(const struct tree *tree, struct group group)
{
    return group.index * LAYOUT_GROUP_NODES + 1 <= tree->now.max_node || !tree->fresh;
}

/* Read what the device has of claimed groups, in the order of the file; what the file doesn't reach
 * to is zeros, which no hash fits. */
static enum coffer_status read_groups(struct tree *tree, struct node_entry *const *entries,
                                      size_t count)
{
    struct device_piece pieces[2 * FETCH_MAX];
    uint64_t start = layout_group_offset(group_of(entries[0]));
    uint64_t at = start;
    size_t piece_count = 0;
    enum coffer_status status;
    size_t got = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t offset = layout_group_offset(group_of(entries[i]));

        if (offset > at)
            pieces[piece_count++] = (struct device_piece){NULL, (size_t)(offset - at)};
        pieces[piece_count++] = (struct device_piece){entries[i]->at.frame, FRAME_SIZE};
        at = offset + FRAME_SIZE;
    }
    status = device_read(tree->environment->device, tree->name, start, pieces, piece_count, &got);
    if (status == COFFER_NOT_FOUND)
        return COFFER_CORRUPT;
    for (size_t i = 0; i < count && status == COFFER_OK; i++) {
        uint64_t before = layout_group_offset(group_of(entries[i])) - start;
        size_t there = got <= before ? 0 : (size_t)(got - before);

        if (there < FRAME_SIZE)
            memset(entries[i]->at.frame + there, 0, FRAME_SIZE - there);
    }
    return status;
}

/* What a note says of another transaction's changes is out of date. */
static struct node_entry *renew(const struct tree *tree, struct node_entry *entry)
{
    struct group_note *note = note_of(entry);

    if (note->transaction != tree->transaction) {
        note->changed = 0;
        note->transaction = tree->transaction;
    }
    return entry;
}

struct node_entry *nodes_resident(struct tree *tree, struct node node)
{
    struct node_entry *entry;

    entry = node_cache_find(tree->environment->nodes, &tree->nodes, node_group(node).index);
    return entry == NULL ? NULL : renew(tree, entry);
}

struct node_entry *nodes_held(struct tree *tree, struct node node)
{
    struct node_entry *entry = nodes_recent(tree, node);

    if (entry != NULL)
        return entry;
    entry = nodes_resident(tree, node);
    assert_cheap(entry != NULL && note_of(entry)->held);
    nodes_unpin(tree, entry);
    tree->recent[group_of(entry).index % TREE_RECENT] = entry;
    return entry;
}

enum coffer_status nodes_load_group(struct tree *tree, struct node node, bool held,
                                    struct node_entry **out)
{
    struct node_cache *cache = tree->environment->nodes;
    uint32_t index = node_group(node).index;
    struct node_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = node_cache_get(cache, &tree->nodes, index, CACHE_NO_WAIT, &entry, &claimed);
    if (status == COFFER_BUSY) {
        nodes_unlock(tree);
        status = node_cache_get(cache, &tree->nodes, index, 0, &entry, &claimed);
        nodes_lock(tree);
    }
    if (status != COFFER_OK)
        return status;
    if (claimed) {
        nodes_unlock(tree);
        if (may_exist(tree, node_group(node)))
            status = read_groups(tree, &entry, 1);
        else
            memset(entry->at.frame, 0, FRAME_SIZE);
        node_cache_loaded(cache, entry, status);
        nodes_lock(tree);
        if (status != COFFER_OK)
            return status;
    }
    renew(tree, entry);
    if (held)
        nodes_hold(tree, entry);
    *out = entry;
    return COFFER_OK;
}

void nodes_release(struct tree *tree)
{
    while (!list_is_empty(&tree->held)) {
        struct node_entry *entry = list_entry(tree->held.next, struct node_entry, of_user);

        list_remove(&entry->of_user);
        note_of(entry)->held = false;
        nodes_unpin(tree, entry);
    }
    tree->held_count = 0;
    tree->held_checked = 0;
    memset(tree->recent, 0, sizeof(tree->recent));
}

enum coffer_status nodes_adopt_first_group(struct tree *tree, const uint8_t *bytes,
                                           struct node_entry **out)
{
    struct node_cache *cache = tree->environment->nodes;
    struct node_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = node_cache_get(cache, &tree->nodes, 0, 0, &entry, &claimed);
    if (status != COFFER_OK)
        return status;
    assert_cheap(claimed); /* nobody else knows the file, and it was forgotten */
    if (bytes != NULL)
        memcpy(entry->at.frame, bytes, FRAME_SIZE);
    else
        memset(entry->at.frame, 0, FRAME_SIZE);
    node_cache_loaded(cache, entry, COFFER_OK);
    *out = renew(tree, entry);
    return COFFER_OK;
}

/* --- Several at once --- */

/* Groups that were claimed, in the order of the file. */
struct fetch {
    struct node_entry *entries[FETCH_MAX];
    size_t count;
    size_t room; /* how many there may be */
};

static void add_claimed(struct fetch *fetch, struct node_entry *entry)
{
    size_t place = fetch->count++;

    for (; place > 0 && group_of(fetch->entries[place - 1]).index > group_of(entry).index; place--)
        fetch->entries[place] = fetch->entries[place - 1];
    fetch->entries[place] = entry;
}

/* Claim the groups of nodes `first` to `last` that aren't here. Are all of the nodes known? */
static bool claim_groups(struct tree *tree, struct fetch *fetch, uint32_t first, uint32_t last)
{
    struct node_cache *cache = tree->environment->nodes;
    bool known = true;

    while (first <= last && fetch->count < fetch->room) {
        struct group group = node_group((struct node){first});
        uint32_t end = (group.index + 1) * LAYOUT_GROUP_NODES; /* its last node */
        struct node_entry *entry;
        bool claimed;

        if (!may_exist(tree, group))
            break;
        if (node_cache_get(cache, &tree->nodes, group.index, CACHE_NO_WAIT, &entry, &claimed) !=
            COFFER_OK) {
            known = false; /* it is being loaded; or there is no room, which shows again */
        } else if (claimed) {
            known = false;
            add_claimed(fetch, entry);
        } else {
            for (uint32_t id = first; id <= last && id <= end; id++)
                known = known && note_of(entry)->known & bit_of((struct node){id});
            nodes_unpin(tree, entry);
        }
        first = end + 1;
    }
    return known && first > last;
}

static void load_claimed(struct tree *tree, struct fetch *fetch)
{
    struct node_cache *cache = tree->environment->nodes;
    enum coffer_status status;

    nodes_unlock(tree);
    status = read_groups(tree, fetch->entries, fetch->count);
    for (size_t i = 0; i < fetch->count; i++) {
        node_cache_loaded(cache, fetch->entries[i], status);
        if (status == COFFER_OK)
            nodes_unpin(tree, fetch->entries[i]);
    }
    nodes_lock(tree);
}

void nodes_fetch_ahead(struct tree *tree, struct node first, struct node last, bool change)
{
    uint32_t max = tree->now.max_node;
    struct fetch fetch = {.count = 0};
    uint32_t from = first.id;
    uint32_t to = last.id < max ? last.id : max;
    size_t capacity;
    size_t pinned;
    bool known;

    if (from > to || layout_group_offset(node_group((struct node){2 * to})) > SIZE_MAX / 2)
        return;
    /* Half of what there is may go for this, so that none of it is gone before it is used. */
    node_cache_room(tree->environment->nodes, &pinned, &capacity);
    fetch.room = capacity > pinned ? (capacity - pinned) / 2 : 0;
    if (fetch.room > FETCH_MAX)
        fetch.room = FETCH_MAX;
    known = claim_groups(tree, &fetch, from, to);
    for (;;) {
        uint32_t children = 2 * to + 1 < max ? 2 * to + 1 : max;

        (void)claim_groups(tree, &fetch, 2 * from, children);
        if (from == 1 || (known && !change))
            break;
        from /= 2;
        to /= 2;
        known = claim_groups(tree, &fetch, from, to);
    }
    if (fetch.count > 0)
        load_claimed(tree, &fetch);
}
