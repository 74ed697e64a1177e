/* SPDX-License-Identifier: BSD-2-Clause */
/* What reading and changing a file touches, and what that costs. */
#include "engine/replay.h"

#include "tree/environment.h"
#include "tree/tree.h"

void replay_file_init(struct replay_file *file)
{
    cache_group_init(&file->blocks);
    cache_group_init(&file->nodes);
    file->length = 0;
    file->read_end = 0;
    file->ahead = 0;
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

/* Is it cached? If not it is now, as far as there is room. */
static bool touch(struct cache *cache, struct cache_group *group, uint64_t index, unsigned flags)
{
    const struct cache_key key = {.group = group, .index = index};
    struct cache_entry *entry;
    bool claimed;

    if (cache_get(cache, &key, CACHE_NO_WAIT | flags, &entry, &claimed) != COFFER_OK)
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

/* The groups of nodes `from` to `to` that aren't cached, and are from here on; those from `behind`
 * on have been looked at. */
static uint64_t load_groups(struct coffer_replay *replay, struct replay_file *file, uint64_t from,
                            uint64_t to, uint64_t *behind)
{
    uint64_t low = (from - 1) / LAYOUT_GROUP_NODES;
    uint64_t high = (to - 1) / LAYOUT_GROUP_NODES;
    uint64_t missed = 0;

    for (uint64_t group = low; group <= high && group < *behind; group++)
        missed += !touch(replay->nodes, &file->nodes, group, 0);
    if (low < *behind)
        *behind = low;
    return missed;
}

/* The nodes of some blocks, and those above them up to a generation that was here, or all of them
 * for a change: what is missing comes in one call. A node is proved with its children's images. */
static void reach(struct coffer_replay *replay, struct replay_file *file, uint64_t first,
                  uint64_t last, bool change)
{
    uint64_t blocks = layout_blocks(file->length);
    uint64_t max = blocks > last + 1 ? blocks : last + 1;
    uint64_t from = first + 1;
    uint64_t to = last + 1;
    uint64_t behind = UINT64_MAX;
    uint64_t missed = 0;

    if (2 * from <= max)
        missed = load_groups(replay, file, 2 * from, 2 * to + 1 < max ? 2 * to + 1 : max, &behind);
    for (;;) {
        uint64_t more = load_groups(replay, file, from, to, &behind);
        bool known = more == 0;

        missed += more;
        if (!known || change)
            replay->result.hashes += to - from + 1;
        if (from == 1 || (known && !change))
            break;
        from /= 2;
        to /= 2;
    }
    if (missed > 0)
        count_read(replay, missed);
}

void replay_file_open(struct coffer_replay *replay, struct replay_file *file)
{
    replay->result.device_reads++;
    replay->result.device_read_bytes += 4 * (uint64_t)LAYOUT_BLOCK_SIZE;
    replay->result.hashes++;
    replay->result.blocks++; /* the head, and: */
    (void)touch(replay->nodes, &file->nodes, 0, 0);
    file->read_end = 0;
    file->ahead = 0;
    if (file->length > 0 && !touch(replay->blocks, &file->blocks, 0, 0))
        replay->result.blocks++;
}

/* --- Reading --- */

/* How many blocks are fetched when `wanted` are asked for: more to a reader who goes on where it
 * ended, twice as many each time. */
static uint64_t choose_count(const struct coffer_replay *replay, struct replay_file *file,
                             uint64_t first, uint64_t wanted, bool sequential)
{
    uint64_t left = layout_blocks(file->length) - first;
    uint64_t count = wanted;

    if (sequential) {
        uint64_t share = (replay->cache_frames - TREE_NODES_MIN) / 4;

        file->ahead = file->ahead == 0 ? AHEAD_FIRST : 2 * file->ahead;
        if (file->ahead > STAGING_MAX)
            file->ahead = STAGING_MAX;
        if (count < file->ahead)
            count = file->ahead < share ? file->ahead : share;
        if (count < wanted)
            count = wanted;
    }
    if (count > STAGING_MAX)
        count = STAGING_MAX;
    return count < left ? count : left;
}

/* Blocks from `first` on, in one call, up to one that is cached. What is asked for whole goes to
 * the reader, the rest into the cache. How many of those that are asked for it was. */
static uint64_t fetch(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                      uint64_t end, bool sequential)
{
    uint64_t first = offset / LAYOUT_BLOCK_SIZE;
    uint64_t wanted = layout_blocks(end) - first;
    uint64_t count = choose_count(replay, file, first, wanted, sequential);
    uint64_t done = 0;

    reach(replay, file, first, first + count - 1, false);
    for (; done < count; done++) {
        uint64_t start = (first + done) * LAYOUT_BLOCK_SIZE;
        bool whole = start >= offset && start + LAYOUT_BLOCK_SIZE <= end;
        bool there = whole ? done > 0 && is_cached(replay->blocks, &file->blocks, first + done)
                           : touch(replay->blocks, &file->blocks, first + done,
                                   done == 0 ? CACHE_AGAIN : 0);

        if (there && done > 0)
            break;
    }
    count_read(replay, done);
    replay->result.blocks += done;
    return done < wanted ? done : wanted;
}

void replay_file_read(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                      uint64_t size)
{
    bool sequential = offset == file->read_end;
    uint64_t end;

    if (offset >= file->length)
        return;
    end = size < file->length - offset ? offset + size : file->length;
    if (!sequential)
        file->ahead = 0;
    file->read_end = end;
    while (offset < end) {
        uint64_t block = offset / LAYOUT_BLOCK_SIZE;

        if (is_cached(replay->blocks, &file->blocks, block))
            block++;
        else
            block += fetch(replay, file, offset, end, sequential);
        offset = block * LAYOUT_BLOCK_SIZE;
    }
}

/* --- Changes --- */

/* A block that is written in part, and is there: what stays of it has to be read. */
static void read_part(struct coffer_replay *replay, struct replay_file *file, uint64_t block)
{
    if (touch(replay->blocks, &file->blocks, block, 0))
        return;
    reach(replay, file, block, block, false);
    count_read(replay, 1);
    replay->result.blocks++;
}

/* What goes out of the nodes above some blocks: of each group, all from the first node that changed
 * to the last. */
struct node_parts {
    uint64_t groups;
    uint64_t nodes;
};

static struct node_parts changed_nodes(uint64_t first, uint64_t last)
{
    struct node_parts parts = {0, 0};
    uint64_t lowest = UINT64_MAX; /* node so far */
    uint64_t from = first + 1;
    uint64_t to = last + 1;

    while (from > 0) {
        uint64_t low = (from - 1) / LAYOUT_GROUP_NODES;
        uint64_t high = (to - 1) / LAYOUT_GROUP_NODES;

        parts.groups += high - low + 1;
        parts.nodes += to - from + 1;
        if (lowest != UINT64_MAX && (lowest - 1) / LAYOUT_GROUP_NODES == high) {
            parts.groups--;
            parts.nodes += lowest - to - 1;
        }
        lowest = from;
        to = to / 2 < from ? to / 2 : from - 1;
        from /= 2;
    }
    return parts;
}

void replay_file_write(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                       uint64_t size)
{
    uint64_t start = offset < file->length ? offset : file->length;
    uint64_t end = offset + size;
    uint64_t first = start / LAYOUT_BLOCK_SIZE;
    uint64_t last = end > start ? (end - 1) / LAYOUT_BLOCK_SIZE : first;
    uint64_t count = last - first + 1;
    struct node_parts nodes = changed_nodes(first, last);
    uint64_t parts = count + nodes.groups + 1; /* and the head */

    if (start % LAYOUT_BLOCK_SIZE != 0)
        read_part(replay, file, first);
    if (end % LAYOUT_BLOCK_SIZE != 0 && end < file->length && last != first)
        read_part(replay, file, last);
    if (end > file->length)
        file->length = end;
    reach(replay, file, first, last, true);
    /* In the order of the file, in as few calls as that takes. */
    replay->result.blocks += count + 1;
    replay->result.device_writes += (parts + OUTGOING_MAX - 1) / OUTGOING_MAX;
    replay->result.device_written_bytes += count * LAYOUT_BLOCK_SIZE +
                                           nodes.nodes * 2 * LAYOUT_NODE_SIZE + LAYOUT_HEAD_SIZE;
}

void replay_file_make(struct coffer_replay *replay, struct replay_file *file, uint64_t length)
{
    replay_file_forget(replay, file);
    file->length = 0;
    if (length > 0)
        replay_file_write(replay, file, 0, length);
}
