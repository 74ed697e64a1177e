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

/* A change of a file, of which `length` bytes were there before. */
struct change {
    uint64_t start, end;
    uint64_t length;
    bool fresh; /* a new file */
};

/* What becomes of its blocks. */
struct change_blocks {
    uint64_t whole;   /* go out at once, and aren't cached any more */
    uint64_t waiting; /* go out with the nodes, and stay cached */
    uint64_t missing; /* of those, a part is old and has to be read */
};

/* Is there something of the block that the change leaves as it was? */
static bool leaves_some(const struct change *change, uint64_t block)
{
    uint64_t from = block * LAYOUT_BLOCK_SIZE;
    uint64_t to = from + LAYOUT_BLOCK_SIZE < change->length ? from + LAYOUT_BLOCK_SIZE
                                                            : change->length;

    return from < to && (change->start > from || change->end < to);
}

static void forget_block(struct coffer_replay *replay, struct replay_file *file, uint64_t block)
{
    const struct cache_key key = {.group = &file->blocks, .index = block};
    struct cache_entry *entry = cache_find(replay->blocks, &key);

    if (entry != NULL)
        cache_forget(replay->blocks, entry);
}

/* Blocks `from` to before `to` are in the cache, and wait there for the nodes. */
static void keep_blocks(struct coffer_replay *replay, struct replay_file *file,
                        const struct change *change, uint64_t from, uint64_t to,
                        struct change_blocks *blocks)
{
    for (uint64_t block = from; block < to; block++) {
        blocks->waiting++;
        if (!touch(replay->blocks, &file->blocks, block, 0) && leaves_some(change, block))
            blocks->missing++;
    }
}

static struct change_blocks change_blocks(struct coffer_replay *replay, struct replay_file *file,
                                          const struct change *change)
{
    bool few = change->end - change->start < (uint64_t)FEW_BLOCKS * LAYOUT_BLOCK_SIZE;
    uint64_t first = change->start / LAYOUT_BLOCK_SIZE;
    uint64_t end = layout_blocks(change->end);
    /* Those that are written whole. */
    uint64_t from = layout_blocks(change->start);
    uint64_t to = change->end / LAYOUT_BLOCK_SIZE;
    struct change_blocks blocks = {0, 0, 0};

    if (!few && from < to) {
        blocks.whole = to - from;
        for (uint64_t block = from; block < to && !change->fresh; block++)
            forget_block(replay, file, block);
    } else {
        from = to = end;
    }
    keep_blocks(replay, file, change, first, from, &blocks);
    keep_blocks(replay, file, change, to, end, &blocks);
    return blocks;
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

static uint64_t calls_for(uint64_t parts, uint64_t most)
{
    return (parts + most - 1) / most;
}

static void write_file(struct coffer_replay *replay, struct replay_file *file,
                       const struct change *change)
{
    uint64_t first = change->start / LAYOUT_BLOCK_SIZE;
    uint64_t last = change->end > change->start ? (change->end - 1) / LAYOUT_BLOCK_SIZE : first;
    uint64_t staging = replay->staging_blocks;
    struct node_parts nodes = changed_nodes(first, last);
    struct change_blocks blocks;
    uint64_t early; /* of those that wait, in calls before the last */

    if (change->end > file->length)
        file->length = change->end;
    reach(replay, file, first, last, true);
    blocks = change_blocks(replay, file, change);
    if (blocks.missing > 0)
        count_read(replay, blocks.missing);
    /* Each in the order of the file: whole blocks, then what waits, with all nodes and the head. */
    early = blocks.waiting > 0 ? (blocks.waiting - 1) / staging * staging : 0;
    replay->result.device_writes += calls_for(blocks.whole, staging) + early / staging +
                                    calls_for(blocks.waiting - early + nodes.groups + 1,
                                              OUTGOING_MAX);
    replay->result.blocks += blocks.whole + blocks.waiting + blocks.missing + 1;
    replay->result.device_written_bytes += (blocks.whole + blocks.waiting) * LAYOUT_BLOCK_SIZE +
                                           nodes.nodes * 2 * LAYOUT_NODE_SIZE + LAYOUT_HEAD_SIZE;
}

void replay_file_write(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                       uint64_t size)
{
    const struct change change = {.start = offset < file->length ? offset : file->length,
                                  .end = offset + size,
                                  .length = file->length};

    write_file(replay, file, &change);
}

void replay_file_make(struct coffer_replay *replay, struct replay_file *file, uint64_t length)
{
    replay_file_forget(replay, file);
    file->length = 0;
    if (length > 0)
        write_file(replay, file, &(struct change){.end = length, .fresh = true});
}
