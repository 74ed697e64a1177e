/* SPDX-License-Identifier: BSD-2-Clause */
/* What reading and changing a file touches, and what that costs. */
#include "engine/replay.h"

#define RUN_BLOCKS 32u /* that one device call moves */

void replay_file_init(struct replay_file *file)
{
    cache_group_init(&file->blocks);
    cache_group_init(&file->nodes);
    file->length = 0;
}

void replay_file_forget(struct coffer_replay *replay, struct replay_file *file)
{
    cache_forget_group(replay->blocks, &file->blocks);
    cache_forget_group(replay->nodes, &file->nodes);
}

static void count_read(struct coffer_replay *replay, uint64_t blocks)
{
    replay->result.device_reads++;
    replay->result.device_read_bytes += blocks * LAYOUT_BLOCK_SIZE;
}

static void count_write(struct coffer_replay *replay, uint64_t bytes)
{
    replay->result.device_writes++;
    replay->result.device_written_bytes += bytes;
}

/* Is it cached? If not it is now, as far as there is room. */
static bool touch(struct cache *cache, struct cache_group *group, uint64_t index)
{
    const struct cache_key key = {.group = group, .index = index};
    struct cache_entry *entry;
    bool claimed;

    if (cache_get(cache, &key, CACHE_NO_WAIT, &entry, &claimed) != COFFER_OK)
        return false;
    if (claimed)
        cache_loaded(cache, entry, COFFER_OK);
    cache_unpin(cache, entry);
    return !claimed;
}

static bool is_cached(struct cache *cache, struct cache_group *group, uint64_t index)
{
    const struct cache_key key = {.group = group, .index = index};
    struct cache_entry *entry = cache_find(cache, &key);

    if (entry == NULL)
        return false;
    cache_unpin(cache, entry);
    return true;
}

/* A node and those above it, until one is in a group that was here. */
static void reach(struct coffer_replay *replay, struct replay_file *file, struct node node)
{
    uint64_t looked_at = UINT64_MAX;
    bool known = false;

    while (!known && node.id > 0) {
        uint64_t group = node_group(node).index;

        replay->result.hashes++;
        if (group != looked_at) {
            looked_at = group;
            known = touch(replay->nodes, &file->nodes, group);
            if (!known)
                count_read(replay, 1);
        }
        node = node_parent(node);
    }
    replay->result.hashes -= known;
}

void replay_file_open(struct coffer_replay *replay, struct replay_file *file)
{
    replay->result.device_reads++;
    replay->result.device_read_bytes += 4 * (uint64_t)LAYOUT_BLOCK_SIZE;
    replay->result.hashes++;
    replay->result.blocks++; /* the head, and: */
    (void)touch(replay->nodes, &file->nodes, 0);
    if (file->length > 0 && !touch(replay->blocks, &file->blocks, 0))
        replay->result.blocks++;
}

/* Whole blocks from `first` on that aren't cached, in one call: how many. */
static uint64_t read_run(struct coffer_replay *replay, struct replay_file *file, uint64_t first,
                         uint64_t most)
{
    uint64_t count = 0;

    while (count < most && count < RUN_BLOCKS &&
           !is_cached(replay->blocks, &file->blocks, first + count)) {
        reach(replay, file, node_of_block((struct block){(uint32_t)(first + count)}));
        count++;
    }
    if (count > 0)
        count_read(replay, count);
    replay->result.blocks += count;
    return count > 0 ? count : 1;
}

static void read_part(struct coffer_replay *replay, struct replay_file *file, uint64_t block)
{
    if (touch(replay->blocks, &file->blocks, block))
        return;
    reach(replay, file, node_of_block((struct block){(uint32_t)block}));
    count_read(replay, 1);
    replay->result.blocks++;
}

void replay_file_read(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                      uint64_t size)
{
    uint64_t end;

    if (offset >= file->length)
        return;
    end = size < file->length - offset ? offset + size : file->length;
    while (offset < end) {
        uint64_t block = offset / LAYOUT_BLOCK_SIZE;
        uint64_t whole = offset % LAYOUT_BLOCK_SIZE == 0 ? (end - offset) / LAYOUT_BLOCK_SIZE : 0;

        if (whole > 0)
            block += read_run(replay, file, block, whole);
        else
            read_part(replay, file, block++);
        offset = block * LAYOUT_BLOCK_SIZE;
    }
}

/* --- Changes --- */

/* The nodes of blocks that change and all above them are hashed, and their groups written, each
 * once: a generation after the other, which lie further and further to the front. */
static void write_nodes(struct coffer_replay *replay, struct replay_file *file, uint64_t first,
                        uint64_t last)
{
    struct node from = node_of_block((struct block){(uint32_t)first});
    struct node to = node_of_block((struct block){(uint32_t)last});
    uint64_t written = UINT64_MAX; /* this group and those behind are */

    for (;;) {
        uint64_t low = node_group(from).index;
        uint64_t high = node_group(to).index;

        replay->result.hashes += to.id - from.id + 1;
        for (uint64_t group = low; group <= high && group < written; group++) {
            if (!touch(replay->nodes, &file->nodes, group))
                count_read(replay, 1);
            count_write(replay, (uint64_t)LAYOUT_NODE_SIZE * LAYOUT_GROUP_NODES);
        }
        written = low;
        if (from.id == node_root.id)
            break;
        to.id = node_parent(to).id < from.id ? node_parent(to).id : from.id - 1;
        from = node_parent(from);
    }
}

/* Blocks in a row, sealed and written together. */
static void write_blocks(struct coffer_replay *replay, uint64_t count)
{
    replay->result.blocks += count;
    for (uint64_t done = 0; done < count; done += RUN_BLOCKS) {
        uint64_t run = count - done < RUN_BLOCKS ? count - done : RUN_BLOCKS;

        count_write(replay, run * LAYOUT_BLOCK_SIZE);
    }
}

void replay_file_write(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                       uint64_t size)
{
    uint64_t start = offset < file->length ? offset : file->length;
    uint64_t end = offset + size;
    uint64_t first = start / LAYOUT_BLOCK_SIZE;
    uint64_t last = end > 0 ? (end - 1) / LAYOUT_BLOCK_SIZE : 0;

    /* What is written in part is read first, if it is there; the blocks between go as they come. */
    if (start % LAYOUT_BLOCK_SIZE != 0)
        read_part(replay, file, first);
    if (end % LAYOUT_BLOCK_SIZE != 0 && end < file->length && last != first)
        read_part(replay, file, last);
    write_blocks(replay, last - first + 1);
    if (end > file->length)
        file->length = end;
    write_nodes(replay, file, first, last);
    replay->result.blocks++; /* the head */
    count_write(replay, LAYOUT_HEAD_SIZE);
}

void replay_file_make(struct coffer_replay *replay, struct replay_file *file, uint64_t length)
{
    replay_file_forget(replay, file);
    file->length = 0;
    if (length > 0)
        replay_file_write(replay, file, 0, length);
}
