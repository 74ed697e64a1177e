/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of a tree. Whole blocks go between the caller's buffer and the device through the
 * staging buffer, several in one device call where they lie together; parts of blocks go through
 * the cache, which keeps their plaintext.
 */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/* What a node says of its block. */
struct block_seal {
    uint64_t offset; /* in the file */
    uint8_t iv[CRYPTO_IV_SIZE];
    uint8_t tag[CRYPTO_TAG_SIZE];
};

static enum coffer_status find_seal(struct tree *tree, struct block block, struct block_seal *seal)
{
    struct node node = node_of_block(block);
    struct node_entry *entry;
    enum coffer_status status;
    const uint8_t *image;

    status = nodes_reach(tree, node, false, &entry);
    if (status != COFFER_OK)
        return status;
    image = image_of(entry, node);
    memcpy(seal->iv, image + NODE_IV, CRYPTO_IV_SIZE);
    memcpy(seal->tag, image + NODE_TAG, CRYPTO_TAG_SIZE);
    seal->offset = layout_block_offset(block, load_le16(image + NODE_FLAGS) & NODE_FLAG_BLOCK);
    nodes_unpin(tree, entry);
    return COFFER_OK;
}

static enum coffer_status unseal(struct tree *tree, const struct block_seal *seal,
                                 const uint8_t *ciphertext, uint8_t *plaintext)
{
    return crypto_unseal(tree->environment->crypto, tree->key, tree->wrapped, sizeof(tree->wrapped),
                         ciphertext, plaintext, LAYOUT_BLOCK_SIZE, seal->iv, seal->tag);
}

/* Read `count` blocks from `first` on in one device call; the ciphertext lands in the staging
 * buffer. The slots between them, which don't count, are skipped. */
static enum coffer_status fetch(struct tree *tree, const struct block_seal *seals, size_t count)
{
    struct device_piece pieces[2 * TREE_STAGING_MAX];
    uint64_t at = seals[0].offset;
    size_t piece_count = 0;
    enum coffer_status status;
    size_t got = 0;

    for (size_t i = 0; i < count; i++) {
        if (seals[i].offset > at)
            pieces[piece_count++] = (struct device_piece){NULL, (size_t)(seals[i].offset - at)};
        pieces[piece_count++] = (struct device_piece){
            tree->environment->staging + i * LAYOUT_BLOCK_SIZE, LAYOUT_BLOCK_SIZE};
        at = seals[i].offset + LAYOUT_BLOCK_SIZE;
    }
    status = device_read(tree->environment->device, tree->name, seals[0].offset, pieces,
                         piece_count, &got);
    if (status == COFFER_NOT_FOUND)
        return COFFER_CORRUPT;
    if (status == COFFER_OK && got != at - seals[0].offset)
        return COFFER_CORRUPT;
    return status;
}

/* Fill a claimed entry; a block that isn't there yet is zeros. The staging buffer is used. */
static enum coffer_status load_block(struct tree *tree, struct block block, bool exists,
                                     struct frame_entry *entry)
{
    struct block_seal seal;
    enum coffer_status status;

    if (!exists)
        return COFFER_OK;
    status = find_seal(tree, block, &seal);
    if (status == COFFER_OK)
        status = fetch(tree, &seal, 1);
    if (status == COFFER_OK)
        status = unseal(tree, &seal, tree->environment->staging, entry->frame);
    return status;
}

/* The pinned cache entry with a block's plaintext. */
static enum coffer_status cached_block(struct tree *tree, struct block block, bool exists,
                                       struct frame_entry **out)
{
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = block_cache_get(cache, &tree->blocks, block.index, 0, &entry, &claimed);
    if (status != COFFER_OK)
        return status;
    if (claimed) {
        status = load_block(tree, block, exists, entry);
        block_cache_loaded(cache, entry, status);
        if (status != COFFER_OK)
            return status;
    }
    /* A block that was cut off may still be cached; when it comes back it is a new one (T5). */
    if (!exists)
        memset(entry->frame, 0, LAYOUT_BLOCK_SIZE);
    *out = entry;
    return COFFER_OK;
}

void blocks_adopt_first(struct tree *tree, uint8_t *slots, size_t got)
{
    struct block_cache *cache = tree->environment->blocks;
    struct block_seal seal;
    struct frame_entry *entry;
    enum coffer_status status;
    bool claimed;
    size_t at;

    if (tree->now.length == 0 || find_seal(tree, (struct block){0}, &seal) != COFFER_OK)
        return;
    at = (size_t)(seal.offset - layout_block_offset((struct block){0}, 0));
    if (got < at + LAYOUT_BLOCK_SIZE)
        return;
    if (block_cache_get(cache, &tree->blocks, 0, 0, &entry, &claimed) != COFFER_OK)
        return;
    assert_cheap(claimed); /* the file is being opened */
    /* A block that is not good is found out when it is read. */
    status = unseal(tree, &seal, slots + at, entry->frame);
    block_cache_loaded(cache, entry, status);
    if (status == COFFER_OK)
        block_cache_unpin(cache, entry);
}

static enum coffer_status read_part(struct tree *tree, struct block block, size_t start,
                                    uint8_t *out, size_t size)
{
    struct frame_entry *entry;
    enum coffer_status status = cached_block(tree, block, true, &entry);

    if (status != COFFER_OK)
        return status;
    memcpy(out, entry->frame + start, size);
    block_cache_unpin(tree->environment->blocks, entry);
    return COFFER_OK;
}

/* Whole blocks, as many as the staging buffer takes; *done says how many. */
static enum coffer_status read_whole(struct tree *tree, struct block first, size_t count,
                                     uint8_t *out, size_t *done)
{
    struct block_seal seals[TREE_STAGING_MAX];
    enum coffer_status status = COFFER_OK;

    if (count > tree->environment->staging_blocks)
        count = tree->environment->staging_blocks;
    assert_cheap(count > 0);
    for (size_t i = 0; i < count && status == COFFER_OK; i++)
        status = find_seal(tree, (struct block){first.index + (uint32_t)i}, &seals[i]);
    if (status == COFFER_OK)
        status = fetch(tree, seals, count);
    for (size_t i = 0; i < count && status == COFFER_OK; i++)
        status = unseal(tree, &seals[i], tree->environment->staging + i * LAYOUT_BLOCK_SIZE,
                        out + i * LAYOUT_BLOCK_SIZE);
    *done = count;
    return status;
}

static bool is_cached(struct tree *tree, struct block block)
{
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry = block_cache_find(cache, &tree->blocks, block.index);

    if (entry != NULL)
        block_cache_unpin(cache, entry);
    return entry != NULL;
}

enum coffer_status tree_read(struct tree *tree, uint64_t offset, void *out, size_t size,
                             size_t *got)
{
    enum coffer_status status = COFFER_OK;
    uint8_t *bytes = out;
    size_t done = 0;

    if (offset >= tree->now.length)
        size = 0;
    else if (size > tree->now.length - offset)
        size = (size_t)(tree->now.length - offset);
    while (done < size && status == COFFER_OK) {
        struct block block = {(uint32_t)((offset + done) / LAYOUT_BLOCK_SIZE)};
        size_t start = (size_t)((offset + done) % LAYOUT_BLOCK_SIZE);
        size_t whole = (size - done) / LAYOUT_BLOCK_SIZE;
        size_t count = 0;

        if (start == 0 && whole > 0 && !is_cached(tree, block)) {
            status = read_whole(tree, block, whole, bytes + done, &count);
            done += count * LAYOUT_BLOCK_SIZE;
        } else {
            count = LAYOUT_BLOCK_SIZE - start;
            count = count < size - done ? count : size - done;
            status = read_part(tree, block, start, bytes + done, count);
            done += count;
        }
    }
    if (status != COFFER_OK) {
        memset(bytes, 0, size);
        return status;
    }
    *got = size;
    return COFFER_OK;
}

enum coffer_status tree_verify_block(struct tree *tree, struct block block)
{
    struct block_seal seal;
    enum coffer_status status = find_seal(tree, block, &seal);

    if (status == COFFER_OK)
        status = fetch(tree, &seal, 1);
    if (status == COFFER_OK)
        status = unseal(tree, &seal, tree->environment->staging, tree->environment->staging);
    wipe(tree->environment->staging, LAYOUT_BLOCK_SIZE);
    return status;
}

/* --- Writing --- */

/* A place in the pieces that are being written. */
struct source {
    const struct tree_piece *pieces;
    uint64_t used; /* of the first piece */
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

/* Sealed blocks in the staging buffer that wait for the device, one contiguous stretch. */
struct stretch {
    uint64_t offset;
    size_t count;
};

static enum coffer_status flush(struct tree *tree, struct stretch *stretch)
{
    struct device_piece piece = {tree->environment->staging, stretch->count * LAYOUT_BLOCK_SIZE};
    enum coffer_status status;

    if (stretch->count == 0)
        return COFFER_OK;
    status = device_write(tree->environment->device, tree->name, stretch->offset, &piece, 1);
    stretch->count = 0;
    return status == COFFER_NOT_FOUND ? COFFER_IO : status;
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

/* Seal one block of plaintext and put it behind the stretch. `plaintext` may be its own place in
 * the staging buffer only when the stretch has room, see write_block. */
static enum coffer_status put_block(struct tree *tree, struct block block, const uint8_t *plaintext,
                                    struct stretch *stretch)
{
    struct tree_environment *environment = tree->environment;
    struct node node = node_of_block(block);
    struct node_entry *entry;
    enum coffer_status status;
    uint64_t offset;
    uint8_t *image;

    status = nodes_mark(tree, node, &entry);
    if (status != COFFER_OK)
        return status;
    image = image_of(entry, node);
    offset = choose_slot(tree, entry, node);
    if (stretch->count > 0 && (stretch->count == environment->staging_blocks - 1 ||
                               offset != stretch->offset + stretch->count * LAYOUT_BLOCK_SIZE))
        status = flush(tree, stretch);
    if (status == COFFER_OK) {
        if (stretch->count == 0)
            stretch->offset = offset;
        status = crypto_seal(environment->crypto, tree->key, tree->wrapped, sizeof(tree->wrapped),
                             plaintext, environment->staging + stretch->count * LAYOUT_BLOCK_SIZE,
                             LAYOUT_BLOCK_SIZE, image + NODE_IV, image + NODE_TAG);
        stretch->count += status == COFFER_OK;
    }
    nodes_unpin(tree, entry);
    return status;
}

/* The part of a block from `start` on, `size` bytes; what was there stays around it. */
static enum coffer_status write_part(struct tree *tree, struct block block, size_t start,
                                     size_t size, uint64_t old_length, struct source *source,
                                     struct stretch *stretch)
{
    uint64_t block_start = (uint64_t)block.index * LAYOUT_BLOCK_SIZE;
    struct frame_entry *entry;
    enum coffer_status status;

    /* Reading uses the staging buffer. */
    status = flush(tree, stretch);
    if (status == COFFER_OK)
        status = cached_block(tree, block, block_start < old_length, &entry);
    if (status != COFFER_OK)
        return status;
    /* What a cut left behind the length must not come back (T5). */
    if (old_length > block_start && old_length < block_start + LAYOUT_BLOCK_SIZE)
        memset(entry->frame + (old_length - block_start), 0,
               LAYOUT_BLOCK_SIZE - (size_t)(old_length - block_start));
    take_bytes(source, entry->frame + start, size);
    status = put_block(tree, block, entry->frame, stretch);
    block_cache_unpin(tree->environment->blocks, entry);
    return status;
}

static enum coffer_status write_whole(struct tree *tree, struct block block, struct source *source,
                                      struct stretch *stretch)
{
    struct tree_environment *environment = tree->environment;
    const struct tree_piece *piece = source->pieces;
    struct frame_entry *entry = block_cache_find(environment->blocks, &tree->blocks, block.index);
    const uint8_t *plaintext;
    enum coffer_status status;

    if (entry != NULL)
        block_cache_forget(environment->blocks, entry);
    if (piece->data != NULL && piece->size - source->used >= LAYOUT_BLOCK_SIZE) {
        plaintext = (const uint8_t *)piece->data + source->used;
        source->used += LAYOUT_BLOCK_SIZE;
        if (source->used == piece->size) {
            source->pieces++;
            source->used = 0;
        }
        return put_block(tree, block, plaintext, stretch);
    }
    /* Gathered in the last staging block, which no stretch fills. */
    plaintext = environment->staging + (environment->staging_blocks - 1) * LAYOUT_BLOCK_SIZE;
    take_bytes(source, environment->staging + (environment->staging_blocks - 1) * LAYOUT_BLOCK_SIZE,
               LAYOUT_BLOCK_SIZE);
    status = put_block(tree, block, plaintext, stretch);
    wipe(environment->staging + (environment->staging_blocks - 1) * LAYOUT_BLOCK_SIZE,
         LAYOUT_BLOCK_SIZE);
    return status;
}

static enum coffer_status write_range(struct tree *tree, uint64_t offset, uint64_t end,
                                      struct source source)
{
    uint64_t old_length = tree->now.length;
    struct stretch stretch = {0, 0};
    enum coffer_status status = COFFER_OK;

    while (offset < end && status == COFFER_OK) {
        struct block block = {(uint32_t)(offset / LAYOUT_BLOCK_SIZE)};
        size_t start = (size_t)(offset % LAYOUT_BLOCK_SIZE);
        size_t size = LAYOUT_BLOCK_SIZE - start;

        if (size > end - offset)
            size = (size_t)(end - offset);
        status = nodes_make_room(tree);
        if (status == COFFER_OK)
            status = nodes_extend(tree, node_of_block(block));
        if (status != COFFER_OK)
            break;
        if (size == LAYOUT_BLOCK_SIZE)
            status = write_whole(tree, block, &source, &stretch);
        else
            status = write_part(tree, block, start, size, old_length, &source, &stretch);
        offset += size;
    }
    if (status == COFFER_OK)
        status = flush(tree, &stretch);
    return status;
}

enum coffer_status tree_reserve_block(struct tree *tree, struct block block)
{
    struct tree_environment *environment = tree->environment;
    struct device_piece piece = {environment->staging, LAYOUT_BLOCK_SIZE};
    enum coffer_status status = COFFER_OK;

    assert_cheap((uint64_t)block.index * LAYOUT_BLOCK_SIZE >= tree->now.length);
    memset(environment->staging, 0, LAYOUT_BLOCK_SIZE);
    for (unsigned slot = 0; slot < 2 && status == COFFER_OK; slot++)
        status = device_write(environment->device, tree->name, layout_block_offset(block, slot),
                              &piece, 1);
    return status == COFFER_NOT_FOUND ? COFFER_IO : status;
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
    status = write_range(tree, start, offset, (struct source){with_gap, 0});
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
    if (status == COFFER_OK && last.id < tree->now.max_node)
        status = nodes_drop(tree, last);
    if (status == COFFER_OK)
        status = change_length(tree, length);
    return status;
}
