/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data, read. What is in the cache is copied from there. What isn't is fetched, several blocks in
 * one device call: whole blocks straight into the caller's memory, parts of blocks into the cache,
 * and so are those that a sequential reader will want next.
 */
#include "tree/inside.h"

#include <string.h>

#include "base/assert.h"

/* Blocks from `first` on that are fetched together. */
struct batch {
    struct tree *tree;
    struct block first;
    size_t wanted; /* of them by the caller; the others are read ahead */
    size_t count;
    struct block_seal seals[STAGING_MAX];
    uint8_t *places[STAGING_MAX];
    struct frame_entry *entries[STAGING_MAX]; /* that were claimed; NULL: it isn't for the cache */
    struct staging staging; /* for one part of a block, when the cache has no room */
    bool is_staged;         /* and it is the first block */
};

/* What a call still wants. */
struct wish {
    uint64_t offset;
    uint8_t *out;
    size_t size;
};

/* Of block `index` the wish wants so many bytes from *start on, to wish->out + *at. */
static size_t part_of(const struct wish *wish, struct block block, size_t *start, size_t *at)
{
    uint64_t block_start = (uint64_t)block.index * LAYOUT_BLOCK_SIZE;
    uint64_t from = wish->offset > block_start ? wish->offset : block_start;
    uint64_t to = block_start + LAYOUT_BLOCK_SIZE;

    if (to > wish->offset + wish->size)
        to = wish->offset + wish->size;
    *start = (size_t)(from - block_start);
    *at = (size_t)(from - wish->offset);
    return to > from ? (size_t)(to - from) : 0;
}

/* --- How much --- */

/* How many blocks to fetch for a wish from its first block on. One sequential reader gets twice as
 * many each time that it has used up what there was, as far as the cache's share goes. */
static size_t choose_count(struct tree *tree, struct block first, size_t wanted, bool sequential)
{
    uint64_t left = layout_blocks(tree->now.length) - first.index;
    uint32_t ahead = atomic_load_explicit(&tree->ahead, memory_order_relaxed);
    size_t count = wanted;
    size_t capacity;
    size_t dirty;

    if (sequential) {
        ahead = ahead == 0 ? AHEAD_FIRST : 2 * ahead;
        if (ahead > STAGING_MAX)
            ahead = STAGING_MAX;
        atomic_store_explicit(&tree->ahead, ahead, memory_order_relaxed);
        block_cache_room(tree->environment->blocks, &dirty, &capacity);
        if (ahead > capacity / 4)
            ahead = (uint32_t)(capacity / 4);
        if (count < ahead)
            count = ahead;
    }
    if (count > STAGING_MAX)
        count = STAGING_MAX;
    return count < left ? count : (size_t)left;
}

/* --- Where to --- */

static bool is_cached(struct tree *tree, struct block block)
{
    struct block_cache *cache = tree->environment->blocks;
    struct frame_entry *entry = block_cache_find(cache, &tree->blocks, block.index);

    if (entry != NULL)
        block_cache_unpin(cache, entry);
    return entry != NULL;
}

/* A place in the cache for block `i` of the batch. COFFER_EXISTS: it is there, or was until just
 * now; COFFER_BUSY: somebody is loading it, and as something is claimed already that can't be
 * waited for; COFFER_NO_MEMORY. */
static enum coffer_status place_in_cache(struct batch *batch, size_t i)
{
    struct tree *tree = batch->tree;
    struct block_cache *cache = tree->environment->blocks;
    uint64_t index = batch->first.index + i;
    unsigned again = i == 0 ? CACHE_AGAIN : 0;
    struct frame_entry *entry;
    enum coffer_status status;
    bool claimed;

    status = block_cache_get(cache, &tree->blocks, index, CACHE_NO_WAIT | again, &entry, &claimed);
    if (status == COFFER_BUSY && i == 0) {
        work_end(tree->environment); /* who waits leaves nobody anything */
        status = block_cache_get(cache, &tree->blocks, index, again, &entry, &claimed);
        work_begin(tree->environment);
        /* It may have been read ahead, with others that couldn't be: only a load of our own says
         * what is the matter. */
        if (status != COFFER_OK && status != COFFER_NO_MEMORY)
            return COFFER_EXISTS;
    }
    if (status != COFFER_OK)
        return status;
    if (!claimed) {
        block_cache_unpin(cache, entry);
        return COFFER_EXISTS;
    }
    batch->entries[i] = entry;
    batch->places[i] = entry->frame;
    return COFFER_OK;
}

/* Places for all blocks, up to the first that needs no fetching or finds no room. COFFER_EXISTS:
 * that is the very first. */
static enum coffer_status find_places(struct batch *batch, const struct wish *wish)
{
    size_t count = batch->count;

    batch->is_staged = false;
    for (size_t i = 0; i < count; i++) {
        struct block block = {batch->first.index + (uint32_t)i};
        enum coffer_status status = COFFER_OK;
        size_t start, at;

        batch->count = i;
        batch->entries[i] = NULL;
        if (part_of(wish, block, &start, &at) == LAYOUT_BLOCK_SIZE) {
            if (i > 0 && is_cached(batch->tree, block))
                break;
            batch->places[i] = wish->out + at;
        } else {
            status = place_in_cache(batch, i);
        }
        if (status == COFFER_NO_MEMORY && i == 0) {
            staging_take(batch->tree->environment, 1, &batch->staging);
            batch->is_staged = true;
            batch->places[0] = staging_block(&batch->staging, 0);
            status = COFFER_OK;
        }
        if (status != COFFER_OK && i == 0)
            return status;
        if (status != COFFER_OK)
            break;
        batch->count = i + 1;
    }
    return COFFER_OK;
}

/* --- Fetching --- */

/* Block `i` is over: into the cache with it, and to the caller what it is to have of it. */
static void end_block(struct batch *batch, size_t i, const struct wish *wish,
                      enum coffer_status status)
{
    struct block_cache *cache = batch->tree->environment->blocks;
    struct block block = {batch->first.index + (uint32_t)i};
    size_t start, at;
    size_t size = part_of(wish, block, &start, &at);

    if (status != COFFER_OK) {
        if (batch->entries[i] != NULL)
            block_cache_loaded(cache, batch->entries[i], status);
        return;
    }
    if (i < batch->wanted && size < LAYOUT_BLOCK_SIZE)
        memcpy(wish->out + at, batch->places[i] + start, size);
    if (batch->entries[i] != NULL)
        block_cache_filled(cache, batch->entries[i]);
}

static enum coffer_status fetch_batch(struct batch *batch, const struct wish *wish)
{
    enum coffer_status answer = COFFER_OK;
    enum coffer_status status;

    status = blocks_fetch(batch->tree, batch->seals, batch->places, batch->count);
    if (status != COFFER_OK && batch->count > batch->wanted) {
        /* What isn't wanted yet must not be what fails the call. */
        while (batch->count > batch->wanted)
            end_block(batch, --batch->count, wish, status);
        status = blocks_fetch(batch->tree, batch->seals, batch->places, batch->count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        enum coffer_status of_block = status;

        if (status == COFFER_OK)
            of_block = blocks_unseal(batch->tree, &batch->seals[i], batch->places[i]);
        end_block(batch, i, wish, of_block);
        if (of_block != COFFER_OK && i < batch->wanted)
            answer = of_block;
    }
    if (batch->is_staged)
        staging_give(&batch->staging, false);
    return answer;
}

/* Fetch what a wish begins with, *done bytes of it. */
static enum coffer_status fetch(struct tree *tree, const struct wish *wish, bool sequential,
                                size_t *done)
{
    struct block first = {(uint32_t)(wish->offset / LAYOUT_BLOCK_SIZE)};
    uint64_t end = layout_blocks(wish->offset + wish->size);
    struct batch batch = {.tree = tree, .first = first};
    enum coffer_status status;
    size_t start, at;
    size_t found;

    batch.wanted = end - first.index < STAGING_MAX ? (size_t)(end - first.index) : STAGING_MAX;
    batch.count = choose_count(tree, first, batch.wanted, sequential);
    status = blocks_find_seals(tree, first, batch.count, batch.seals, &found);
    if (status != COFFER_OK && found < batch.wanted)
        return status;
    batch.count = found;
    *done = 0;
    status = find_places(&batch, wish);
    if (status == COFFER_EXISTS)
        return COFFER_OK;
    if (status != COFFER_OK)
        return status;
    if (batch.wanted > batch.count)
        batch.wanted = batch.count;
    status = fetch_batch(&batch, wish);
    if (status != COFFER_OK)
        return status;
    at = 0;
    *done = part_of(wish, (struct block){first.index + (uint32_t)batch.wanted - 1}, &start, &at);
    *done += at;
    return COFFER_OK;
}

/* --- Reading --- */

/* Within a transaction: a block that was written in part and is now to be read. */
static enum coffer_status complete(struct tree *tree, struct frame_entry *entry)
{
    enum coffer_status status;
    struct staging staging;

    staging_take(tree->environment, 1, &staging);
    status = blocks_complete(tree, &entry, 1, &staging);
    staging_give(&staging, false);
    return status;
}

/* From the cache, as far as it is there: *done is 0 if it isn't. */
static enum coffer_status copy_cached(struct tree *tree, const struct wish *wish, size_t *done)
{
    struct block_cache *cache = tree->environment->blocks;
    struct block block = {(uint32_t)(wish->offset / LAYOUT_BLOCK_SIZE)};
    struct frame_entry *entry = block_cache_find(cache, &tree->blocks, block.index);
    enum coffer_status status = COFFER_OK;
    size_t start, at;

    *done = 0;
    if (entry == NULL)
        return COFFER_OK;
    if (block_is_partial(entry)) {
        work_begin(tree->environment);
        status = complete(tree, entry);
        work_end(tree->environment);
    }
    if (status == COFFER_OK) {
        *done = part_of(wish, block, &start, &at);
        memcpy(wish->out, entry->frame + start, *done);
    }
    block_cache_unpin(cache, entry);
    return status;
}

void tree_begin_anew(struct tree *tree)
{
    atomic_store_explicit(&tree->read_end, UINT64_MAX, memory_order_relaxed);
}

/* The last read is this one. Does it go on where the one before ended? What it says of several
 * readers is guessed. */
static bool remember_read(struct tree *tree, uint64_t offset, size_t size)
{
    uint64_t end = atomic_load_explicit(&tree->read_end, memory_order_relaxed);

    if (end != offset && atomic_load_explicit(&tree->ahead, memory_order_relaxed) != 0)
        atomic_store_explicit(&tree->ahead, 0, memory_order_relaxed);
    atomic_store_explicit(&tree->read_end, offset + size, memory_order_relaxed);
    return end == offset;
}

enum coffer_status tree_read(struct tree *tree, uint64_t offset, void *out, size_t size,
                             size_t *got)
{
    struct wish wish = {offset, out, size};
    enum coffer_status status = COFFER_OK;
    bool sequential;

    if (offset >= tree->now.length)
        wish.size = 0;
    else if (size > tree->now.length - offset)
        wish.size = (size_t)(tree->now.length - offset);
    size = wish.size;
    sequential = remember_read(tree, offset, size);
    while (wish.size > 0 && status == COFFER_OK) {
        size_t done;

        status = copy_cached(tree, &wish, &done);
        if (status == COFFER_OK && done == 0) {
            work_begin(tree->environment);
            status = fetch(tree, &wish, sequential, &done);
            work_end(tree->environment);
        }
        if (status != COFFER_OK)
            break;
        wish.offset += done;
        wish.out += done;
        wish.size -= done;
    }
    if (status != COFFER_OK) {
        memset(out, 0, size);
        return status;
    }
    *got = size;
    return COFFER_OK;
}
