/* SPDX-License-Identifier: BSD-2-Clause */
/* Where blocks lie and what seals them; fetching and unsealing. */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* The pinned group of a node that is whole. `pinned` is the group that was returned last, or NULL;
 * it is let go of. */
static enum coffer_status next_whole(struct tree *tree, struct node node, struct node last,
                                     bool *fetched, struct node_entry **pinned)
{
    struct node_entry *entry = *pinned;

    if (entry == NULL || group_of(entry).index != node_group(node).index) {
        nodes_unpin(tree, entry);
        entry = nodes_resident(tree, node);
    }
    *pinned = entry;
    if (entry != NULL && note_of(entry)->whole & bit_of(node))
        return COFFER_OK;
    nodes_unpin(tree, entry);
    *pinned = NULL;
    if (!*fetched)
        nodes_fetch_ahead(tree, node, last, false);
    *fetched = true;
    return nodes_reach(tree, node, false, pinned);
}

/* What the node of a block says, which is whole. */
static void read_seal(struct node_entry *entry, struct block block, struct block_seal *seal)
{
    const uint8_t *image = image_of(entry, node_of_block(block));

    memcpy(seal->iv, image + NODE_IV, CRYPTO_IV_SIZE);
    memcpy(seal->tag, image + NODE_TAG, CRYPTO_TAG_SIZE);
    seal->offset = layout_block_offset(block, load_le16(image + NODE_FLAGS) & NODE_FLAG_BLOCK);
}

enum coffer_status blocks_find_seals(struct tree *tree, struct block first, size_t count,
                                     struct block_seal *seals, size_t *found)
{
    struct node last = {first.index + (uint32_t)count};
    enum coffer_status status = COFFER_OK;
    struct node_entry *entry = NULL;
    bool fetched = false;
    size_t i;

    nodes_lock(tree);
    for (i = 0; i < count; i++) {
        struct block block = {first.index + (uint32_t)i};

        status = next_whole(tree, node_of_block(block), last, &fetched, &entry);
        if (status != COFFER_OK)
            break;
        read_seal(entry, block, &seals[i]);
    }
    nodes_unpin(tree, entry);
    nodes_unlock(tree);
    *found = i;
    return status;
}

enum coffer_status blocks_fetch(struct tree *tree, const struct block_seal *seals,
                                uint8_t *const *places, size_t count)
{
    struct device_piece pieces[2 * STAGING_MAX];
    size_t first = 0;

    assert_cheap(count > 0 && count <= STAGING_MAX);
    while (first < count) {
        uint64_t start = seals[first].offset;
        uint64_t at = start;
        size_t piece_count = 0;
        enum coffer_status status;
        size_t got = 0;

        for (; first < count && seals[first].offset - at <= SIZE_MAX / 2; first++) {
            if (seals[first].offset > at)
                pieces[piece_count++] = (struct device_piece){NULL,
                                                              (size_t)(seals[first].offset - at)};
            pieces[piece_count++] = (struct device_piece){places[first], LAYOUT_BLOCK_SIZE};
            at = seals[first].offset + LAYOUT_BLOCK_SIZE;
        }
        status = device_read(tree->environment->device, tree->name, start, pieces, piece_count,
                             &got);
        if (status == COFFER_NOT_FOUND || (status == COFFER_OK && got != at - start))
            status = COFFER_CORRUPT;
        if (status != COFFER_OK)
            return status;
    }
    return COFFER_OK;
}

enum coffer_status blocks_unseal_into(struct tree *tree, const struct block_seal *seal,
                                      const uint8_t *sealed, uint8_t *out)
{
    return crypto_unseal(tree->environment->crypto, tree->key, tree->wrapped, sizeof(tree->wrapped),
                         sealed, out, LAYOUT_BLOCK_SIZE, seal->iv, seal->tag);
}

static struct block block_of(const struct frame_entry *entry)
{
    return (struct block){(uint32_t)entry->core.index};
}

/* What the device has goes around what was written. */
static void merge(struct frame_entry *entry, const uint8_t *old)
{
    memcpy(entry->frame, old, entry->new_from < entry->old_end ? entry->new_from : entry->old_end);
    if (entry->old_end > entry->new_to)
        memcpy(entry->frame + entry->new_to, old + entry->new_to,
               (size_t)entry->old_end - entry->new_to);
    entry->new_from = 0;
    entry->new_to = 0;
    entry->old_end = 0;
}

enum coffer_status blocks_complete(struct tree *tree, struct frame_entry *const *entries,
                                   size_t count, const struct staging *room)
{
    struct frame_entry *partial[STAGING_MAX];
    struct block_seal seals[STAGING_MAX];
    uint8_t *places[STAGING_MAX];
    enum coffer_status status = COFFER_OK;
    size_t used = 0;
    size_t found;

    for (size_t i = 0; i < count && status == COFFER_OK; i++) {
        if (!block_is_partial(entries[i]))
            continue;
        partial[used] = entries[i];
        places[used] = staging_block(room, used);
        status = blocks_find_seals(tree, block_of(entries[i]), 1, &seals[used], &found);
        used++;
    }
    if (status != COFFER_OK || used == 0)
        return status;
    status = blocks_fetch(tree, seals, places, used);
    for (size_t i = 0; i < used && status == COFFER_OK; i++) {
        status = blocks_unseal(tree, &seals[i], places[i]);
        if (status == COFFER_OK)
            merge(partial[i], places[i]);
    }
    return status;
}

static void give_front(const struct tree *tree, const struct tree_opening *opening,
                       const uint8_t *block)
{
    size_t size = opening->front_size < LAYOUT_BLOCK_SIZE ? opening->front_size : LAYOUT_BLOCK_SIZE;

    if (opening->front == NULL)
        return;
    if (size > tree->now.length)
        size = (size_t)tree->now.length;
    memcpy(opening->front, block, size);
    *opening->front_got = size;
}

void blocks_adopt_first(struct tree *tree, const struct tree_opening *opening,
                        struct node_entry *group, const uint8_t *slots, size_t got)
{
    const struct block block = {0};
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry;
    enum coffer_status status;
    struct block_seal seal;
    bool claimed;
    size_t at;

    if (tree->now.length == 0)
        return;
    assert_cheap(node_of_block(block).id == node_root.id);
    read_seal(group, block, &seal);
    at = (size_t)(seal.offset - layout_block_offset(block, 0));
    if (got < at + LAYOUT_BLOCK_SIZE)
        return;
    if (block_cache_get(cache, &tree->blocks, 0, 0, &entry, &claimed) != COFFER_OK)
        return;
    assert_cheap(claimed); /* the file is being opened */
    /* A block that is not good is found out when it is read. */
    status = blocks_unseal_into(tree, &seal, slots + at, entry->frame);
    if (status != COFFER_OK) {
        block_cache_loaded(cache, entry, status);
        return;
    }
    give_front(tree, opening, entry->frame);
    block_cache_filled(cache, entry);
}

enum coffer_status tree_verify_block(struct tree *tree, struct block block)
{
    struct tree_environment *environment = tree->environment;
    enum coffer_status status;
    struct block_seal seal;
    struct staging staging;
    size_t found;

    work_begin(environment);
    status = blocks_find_seals(tree, block, 1, &seal, &found);
    if (status == COFFER_OK) {
        uint8_t *place;

        staging_take(environment, 1, &staging);
        place = staging_block(&staging, 0);
        status = blocks_fetch(tree, &seal, &place, 1);
        if (status == COFFER_OK)
            status = blocks_unseal(tree, &seal, place);
        staging_give(&staging, false);
    }
    work_end(environment);
    return status;
}
