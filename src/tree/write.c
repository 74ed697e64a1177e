/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data, written. A part of a block waits as dirty plaintext in the cache, and the rest of the block
 * isn't read before it must be; so do a few whole blocks, for others to go with. Many whole blocks
 * are sealed from the caller's own bytes, all for one device call.
 */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* A place in the pieces that are being written. */
struct source {
    const struct tree_piece *pieces;
    uint64_t used; /* of the first piece */
};

/* A call that writes. */
struct write {
    struct tree *tree;
    struct source source;
    uint64_t old_length; /* before it */
    struct staging staging;
    size_t sealed; /* blocks of it that hold something on its way */
    struct outgoing out;
};

/* The next bytes of the source, to `out`. */
static void take_bytes(struct source *source, uint8_t *out, size_t size)
{
    while (size > 0) {
        const struct tree_piece *piece = source->pieces;
        uint64_t left = piece->size - source->used;
        size_t count = left < size ? (size_t)left : size;

        if (piece->data != NULL)
            memcpy(out, (const uint8_t *)piece->data + source->used, count);
        else
            memset(out, 0, count);
        out += count;
        size -= count;
        source->used += count;
        if (source->used == piece->size) {
            source->pieces++;
            source->used = 0;
        }
    }
}

/* The next block of the source where it lies; NULL: it is in several pieces, or zeros. */
static const uint8_t *take_block(struct source *source)
{
    const struct tree_piece *piece = source->pieces;
    const uint8_t *block;

    if (piece->data == NULL || piece->size - source->used < LAYOUT_BLOCK_SIZE)
        return NULL;
    block = (const uint8_t *)piece->data + source->used;
    source->used += LAYOUT_BLOCK_SIZE;
    if (source->used == piece->size) {
        source->pieces++;
        source->used = 0;
    }
    return block;
}

/* Where a marked node's block goes: out of place, but in a transaction once moved it stays. */
static uint64_t choose_slot(struct tree *tree, struct node_entry *entry, struct node node)
{
    uint8_t *flags = image_of(entry, node) + NODE_FLAGS;
    uint16_t now = load_le16(flags);

    if (node_is_committed(tree, node)) {
        uint16_t before = load_le16(other_image_of(entry, node) + NODE_FLAGS);

        if (((now ^ before) & NODE_FLAG_BLOCK) == 0) {
            now ^= NODE_FLAG_BLOCK;
            store_le16(flags, now);
        }
    }
    return layout_block_offset(block_of_node(node), now & NODE_FLAG_BLOCK);
}

enum coffer_status write_sealed(struct tree *tree, struct block block, const uint8_t *plaintext,
                                uint8_t *place, struct outgoing *out)
{
    struct tree_environment *environment = tree->environment;
    struct node node = node_of_block(block);
    struct node_entry *entry;
    enum coffer_status status;
    uint64_t offset = 0;
    uint8_t *image;

    nodes_lock(tree);
    status = nodes_make_room(tree);
    if (status == COFFER_OK)
        status = nodes_mark(tree, node, &entry);
    if (status == COFFER_OK)
        offset = choose_slot(tree, entry, node);
    nodes_unlock(tree);
    if (status != COFFER_OK)
        return status;
    image = image_of(entry, node);
    status = crypto_seal(environment->crypto, tree->key, tree->wrapped, sizeof(tree->wrapped),
                         plaintext, place, LAYOUT_BLOCK_SIZE, image + NODE_IV, image + NODE_TAG);
    if (status == COFFER_OK)
        status = outgoing_add(out, offset, place, LAYOUT_BLOCK_SIZE);
    return status;
}

/* --- Blocks on their way at once --- */

/* How many bytes of a block there are so far, in the file as it was before the write. */
static size_t old_bytes(const struct write *write, struct block block)
{
    uint64_t start = (uint64_t)block.index * LAYOUT_BLOCK_SIZE;

    if (start >= write->old_length)
        return 0;
    return write->old_length - start < LAYOUT_BLOCK_SIZE ? (size_t)(write->old_length - start)
                                                         : LAYOUT_BLOCK_SIZE;
}

/* A free block of the staging, taken with the first; what waits goes out when all are used. */
static enum coffer_status next_place(struct write *write, size_t blocks_left, uint8_t **place)
{
    enum coffer_status status = COFFER_OK;

    if (write->staging.blocks == 0)
        staging_take(write->tree->environment, blocks_left, &write->staging);
    if (write->sealed == write->staging.blocks) {
        status = outgoing_write(&write->out);
        write->sealed = 0;
    }
    if (status == COFFER_OK)
        *place = staging_block(&write->staging, write->sealed);
    return status;
}

/* What waits goes out, if all is well so far, and the staging is given back. Every block in it has
 * been sealed, unless something went wrong. */
static enum coffer_status send(struct write *write, enum coffer_status status)
{
    if (status == COFFER_OK)
        status = outgoing_write(&write->out);
    staging_give(&write->staging, status == COFFER_OK);
    write->sealed = 0;
    return status;
}

static enum coffer_status seal_next(struct write *write, struct block block,
                                    const uint8_t *plaintext, uint8_t *place)
{
    write->sealed++;
    return write_sealed(write->tree, block, plaintext, place, &write->out);
}

static enum coffer_status write_whole(struct write *write, struct block block, size_t blocks_left)
{
    struct tree *tree = write->tree;
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry = NULL;
    const uint8_t *plaintext;
    enum coffer_status status;
    uint8_t *place;

    /* In a new file nothing beyond the end was ever cached. */
    if (!tree->fresh || old_bytes(write, block) > 0)
        entry = block_cache_find(cache, &tree->blocks, block.index);
    if (entry != NULL)
        block_cache_forget(cache, entry);
    status = next_place(write, blocks_left, &place);
    if (status != COFFER_OK)
        return status;
    plaintext = take_block(&write->source);
    if (plaintext == NULL) {
        take_bytes(&write->source, place, LAYOUT_BLOCK_SIZE);
        plaintext = place;
    }
    return seal_next(write, block, plaintext, place);
}

/* --- Parts of blocks --- */

/* The cache has no room: read, changed and sealed in the staging. */
static enum coffer_status write_part_outside(struct write *write, struct block block, size_t start,
                                             size_t size)
{
    struct tree *tree = write->tree;
    size_t there = old_bytes(write, block);
    enum coffer_status status;
    struct block_seal seal;
    uint8_t *place;
    size_t found;

    status = next_place(write, 1, &place);
    if (status == COFFER_OK && there > 0 && size < LAYOUT_BLOCK_SIZE) {
        status = blocks_find_seals(tree, block, 1, &seal, &found);
        if (status == COFFER_OK)
            status = blocks_fetch(tree, &seal, &place, 1);
        if (status == COFFER_OK)
            status = blocks_unseal(tree, &seal, place);
    }
    if (status != COFFER_OK)
        return status;
    if (size < LAYOUT_BLOCK_SIZE)
        memset(place + there, 0, LAYOUT_BLOCK_SIZE - there);
    take_bytes(&write->source, place + start, size);
    return seal_next(write, block, place, place);
}

/* Bytes from `start` on become new ones of a pinned block whose rest may not have been read. */
static enum coffer_status widen(struct write *write, struct frame_entry *entry, size_t start,
                                size_t size)
{
    size_t end = start + size;

    if (block_is_partial(entry) && entry->new_to > entry->new_from &&
        (start > entry->new_to || end < entry->new_from)) {
        struct staging staging;
        enum coffer_status status;

        /* Two pieces and a gap between them: now it has to be read. */
        status = send(write, COFFER_OK);
        if (status != COFFER_OK)
            return status;
        staging_take(write->tree->environment, 1, &staging);
        status = blocks_complete(write->tree, &entry, 1, &staging);
        staging_give(&staging, false);
        return status;
    }
    if (!block_is_partial(entry))
        return COFFER_OK;
    if (entry->new_to == entry->new_from) {
        entry->new_from = (uint16_t)start;
        entry->new_to = (uint16_t)end;
    }
    if (start < entry->new_from)
        entry->new_from = (uint16_t)start;
    if (end > entry->new_to)
        entry->new_to = (uint16_t)end;
    /* Nothing is missing any more? */
    if (entry->new_from == 0 && entry->new_to >= entry->old_end) {
        entry->new_to = 0;
        entry->old_end = 0;
    }
    return COFFER_OK;
}

/* The part of a block from `start` on, `size` bytes, or all; what was there stays around it. */
static enum coffer_status write_part(struct write *write, struct block block, size_t start,
                                     size_t size)
{
    struct tree *tree = write->tree;
    struct block_cache *cache = tree->environment->blocks;
    size_t there = old_bytes(write, block);
    struct frame_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = block_cache_get(cache, &tree->blocks, block.index, 0, &entry, &claimed);
    if (status == COFFER_NO_MEMORY)
        return write_part_outside(write, block, start, size);
    if (status != COFFER_OK)
        return status;
    if (claimed) {
        memset(entry->frame, 0, LAYOUT_BLOCK_SIZE);
        entry->old_end = (uint16_t)there;
        block_cache_loaded(cache, entry, COFFER_OK);
    } else if (!block_is_partial(entry) && size < LAYOUT_BLOCK_SIZE) {
        /* What a cut left behind the length must not come back; a block that was cut off may still
         * be cached, and is a new one now (T5). */
        memset(entry->frame + there, 0, LAYOUT_BLOCK_SIZE - there);
    }
    /* Dirty before it is changed: one that is partial stays until it is whole. */
    block_cache_dirty(cache, entry, &tree->dirty);
    status = widen(write, entry, start, size);
    if (status == COFFER_OK)
        take_bytes(&write->source, entry->frame + start, size);
    block_cache_unpin(cache, entry);
    return status;
}

/* --- Ranges --- */

/* The dirty blocks go out when they are more than a quarter of what there can be. */
static enum coffer_status spill_if_many(struct write *write)
{
    struct tree *tree = write->tree;
    enum coffer_status status;
    size_t capacity;
    size_t dirty;

    block_cache_room(tree->environment->blocks, &dirty, &capacity);
    if (tree->dirty.count < 2 || tree->dirty.count <= capacity / 4)
        return COFFER_OK;
    status = send(write, COFFER_OK);
    return status == COFFER_OK ? tree_spill(tree) : status;
}

/* With the first block, and every so often, the nodes of the next ones are brought in or made
 * together. */
static enum coffer_status reach_nodes(struct tree *tree, struct block block, uint64_t offset,
                                      uint64_t end)
{
    struct node node = node_of_block(block);
    struct node to = {node.id + STAGING_MAX - 1 - block.index % STAGING_MAX};
    uint64_t last = layout_blocks(end);
    enum coffer_status status = COFFER_OK;

    if (block.index % STAGING_MAX != 0 && block.index != offset / LAYOUT_BLOCK_SIZE)
        return COFFER_OK;
    if (to.id > last)
        to.id = (uint32_t)last;
    nodes_lock(tree);
    nodes_fetch_ahead(tree, node, to, true);
    if (tree->now.max_node < to.id) {
        status = nodes_make_room(tree);
        if (status == COFFER_OK)
            status = nodes_extend(tree, to);
    }
    nodes_unlock(tree);
    return status;
}

static enum coffer_status write_range(struct write *write, uint64_t offset, uint64_t end)
{
    bool few = end - offset < (uint64_t)FEW_BLOCKS * LAYOUT_BLOCK_SIZE;
    uint64_t from = offset;
    enum coffer_status status = COFFER_OK;

    while (offset < end && status == COFFER_OK) {
        struct block block = {(uint32_t)(offset / LAYOUT_BLOCK_SIZE)};
        size_t start = (size_t)(offset % LAYOUT_BLOCK_SIZE);
        size_t size = LAYOUT_BLOCK_SIZE - start;

        if (size > end - offset)
            size = (size_t)(end - offset);
        status = reach_nodes(write->tree, block, from, end);
        if (status != COFFER_OK)
            break;
        if (size == LAYOUT_BLOCK_SIZE && !few) {
            uint64_t left = (end - offset) / LAYOUT_BLOCK_SIZE;

            status = write_whole(write, block, left < STAGING_MAX ? (size_t)left : STAGING_MAX);
        } else {
            status = write_part(write, block, start, size);
            if (status == COFFER_OK)
                status = spill_if_many(write);
        }
        offset += size;
    }
    return send(write, status);
}

enum coffer_status tree_reserve_block(struct tree *tree, struct block block)
{
    struct tree_environment *environment = tree->environment;
    enum coffer_status status = COFFER_OK;
    struct staging staging;
    struct outgoing out;

    assert_cheap((uint64_t)block.index * LAYOUT_BLOCK_SIZE >= tree->now.length);
    outgoing_init(&out, tree);
    work_begin(environment);
    staging_take(environment, 1, &staging);
    memset(staging_block(&staging, 0), 0, LAYOUT_BLOCK_SIZE);
    for (unsigned slot = 0; slot < 2 && status == COFFER_OK; slot++)
        status = outgoing_add(&out, layout_block_offset(block, slot), staging_block(&staging, 0),
                              LAYOUT_BLOCK_SIZE);
    if (status == COFFER_OK)
        status = outgoing_write(&out);
    staging_give(&staging, true);
    work_end(environment);
    return status;
}

/* The root's hash covers the length, so it is stale from before the length changes. */
static enum coffer_status change_length(struct tree *tree, uint64_t length)
{
    enum coffer_status status = tree_touch(tree);

    if (status == COFFER_OK)
        tree->now.length = length;
    return status;
}

#define PIECES_MAX 4u

enum coffer_status tree_write(struct tree *tree, uint64_t offset, const struct tree_piece *pieces,
                              size_t count)
{
    struct tree_piece with_gap[PIECES_MAX + 1] = {{NULL, 0}};
    struct write write = {.tree = tree};
    uint64_t start = offset;
    enum coffer_status status;
    size_t used = 0;

    assert_cheap(count <= PIECES_MAX);
    if (offset > tree->now.length) {
        start = tree->now.length;
        with_gap[used++] = (struct tree_piece){NULL, offset - start};
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_fits(offset, pieces[i].size, &offset))
            return COFFER_NO_SPACE;
        if (pieces[i].size > 0)
            with_gap[used++] = pieces[i];
    }
    if (offset > LAYOUT_LENGTH_MAX)
        return COFFER_NO_SPACE;
    if (offset == start)
        return COFFER_OK;
    write.source.pieces = with_gap;
    write.old_length = tree->now.length;
    write.staging.environment = tree->environment;
    outgoing_init(&write.out, tree);
    work_begin(tree->environment);
    status = write_range(&write, start, offset);
    work_end(tree->environment);
    if (status == COFFER_OK && offset > tree->now.length)
        status = change_length(tree, offset);
    return status;
}

/*
 * Before a cut: look at the nodes that stay and whose hashes may cover what OP-TEE dropped earlier
 * (the tolerant rule). The images that prove them may lie in the part of the file that is about to
 * go; once met they are mended by the commit. In a file that OP-TEE never cut they are few, as it
 * ends not far behind its last node's children.
 */
static enum coffer_status meet_defects(struct tree *tree, struct node last)
{
    uint32_t first = tree->now.max_node / 2;
    uint64_t size = 0;
    enum coffer_status status;

    status = device_size(tree->environment->device, tree->name, &size);
    for (uint32_t id = first > 1 ? first : 2; status == COFFER_OK && id <= last.id; id++) {
        if (layout_group_offset(node_group(node_child((struct node){id}, 0))) >= size)
            break;
        status = tree_verify_node(tree, (struct node){id});
        if (status == COFFER_CORRUPT)
            status = COFFER_OK; /* nothing proves it now, so nothing is lost */
    }
    return status == COFFER_NOT_FOUND ? COFFER_CORRUPT : status;
}

enum coffer_status tree_set_length(struct tree *tree, uint64_t length)
{
    struct tree_piece gap = {NULL, 0};
    enum coffer_status status = COFFER_OK;
    uint64_t blocks = layout_blocks(length);
    struct node last = {blocks > 1 ? (uint32_t)blocks : 1};

    if (length > tree->now.length) {
        gap.size = length - tree->now.length;
        return tree_write(tree, tree->now.length, &gap, 1);
    }
    if (length == tree->now.length)
        return COFFER_OK;
    if (!tree->fresh)
        status = meet_defects(tree, last);
    if (status == COFFER_OK && last.id < tree->now.max_node) {
        work_begin(tree->environment);
        nodes_lock(tree);
        status = nodes_drop(tree, last);
        nodes_unlock(tree);
        work_end(tree->environment);
    }
    if (status == COFFER_OK)
        status = change_length(tree, length);
    return status;
}
