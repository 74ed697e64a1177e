/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A replay: the calls of a trace against caches of another size (<coffer/trace.h>). The caches are
 * the core's (cache/cache.h), with the engine's keys, order of use and share; entries hold nothing,
 * but count for as much as real ones. What an access touches comes of the layout of files
 * (tree/layout.h); what it costs is counted, never done.
 *
 * The model, in one place (replay_files.c): a block that isn't cached is read after the groups of
 * nodes on its path that aren't, which is one device call each; a reader who goes on where it ended
 * is read ahead for; whole blocks aren't kept, parts of blocks are. A small change leaves all of
 * its blocks in the cache, and they are written with the nodes above them and the head; a large one
 * writes its whole blocks first, forgets them if they were cached, and leaves only its first and
 * last block if it has a part of them. The catalogue follows likewise, in two barriers.
 *
 * Names. An object is found by the number of its name, what an open handle does by the number that
 * it was opened by: of an object that was renamed since, a struct replay_former has that.
 *
 * Locking: none; one thread.
 */
#ifndef COFFER_ENGINE_REPLAY_H
#define COFFER_ENGINE_REPLAY_H

#include "base/list.h"
#include "base/rbtree.h"
#include "cache/cache.h"
#include "coffer/trace.h"
#include "memory/memory.h"
#include "tree/layout.h"

/* A file in the caches: an object's or the catalogue. */
struct replay_file {
    struct cache_group blocks;
    struct cache_group nodes;
    uint64_t length;   /* bytes, with what stands in front of an object's data */
    uint64_t read_end; /* of the last read */
    uint64_t ahead;    /* blocks that were read ahead last; 0: reads aren't sequential */
};

/* An object that the trace has named. It keeps its slot of the catalogue when it is deleted, for
 * one that comes later. */
struct replay_object {
    struct rbnode by_number; /* of replay.objects, while it exists */
    struct list spare;       /* of replay.spare, otherwise */
    uint64_t number;
    uint32_t slot;
    uint32_t front;                    /* bytes in front of its data */
    unsigned handles;                  /* open in the trace, each with a pin on */
    unsigned former_handles;           /* of those, by a name that it hasn't any more */
    struct cache_group place;          /* in the object cache: it alone */
    struct replay_open_object *opened; /* there; NULL: it isn't */
    struct replay_file file;
};

/* A number that open handles of an object have, and it hasn't any more. */
struct replay_former {
    struct list link; /* of replay.formers */
    uint64_t number;
    struct replay_object *object;
    unsigned handles; /* one at least */
};

/* An entry of the object cache. */
struct replay_open_object {
    struct cache_entry core;
    struct replay_object *object;
};

struct coffer_replay {
    struct memory *memory;
    struct owner owner;
    struct cache_share share;        /* of nodes and blocks */
    struct cache_share object_share; /* of the object cache alone, which is bounded by a count */
    struct cache_type types[2];      /* of nodes and blocks, with the policy that was chosen */
    struct cache *nodes;
    struct cache *blocks;
    struct cache *open_objects;
    unsigned cache_frames;
    size_t staging_blocks; /* that one operation takes */
    struct rbtree objects; /* by number */
    struct list spare;
    struct list formers;
    uint32_t slots;   /* of the catalogue, so far */
    uint64_t renamed; /* the object that the record before gave up its name of; 0: none */
    struct replay_file catalogue;
    bool starved; /* an entry could not be made: the caches are smaller than they should be */
    struct coffer_replay_result result; /* without what the caches count */
};

/* --- replay_files.c */

void replay_file_init(struct replay_file *file);

/* Nothing of it is cached any more. */
void replay_file_forget(struct coffer_replay *replay, struct replay_file *file);

/* Opening: heads, first group and first block in one call. */
void replay_file_open(struct coffer_replay *replay, struct replay_file *file);

void replay_file_read(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                      uint64_t size);

/* A change of a range, up to the barrier. What lies beyond the length is new. */
void replay_file_write(struct coffer_replay *replay, struct replay_file *file, uint64_t offset,
                       uint64_t size);

/* A new file of so many bytes, from front to end. */
void replay_file_make(struct coffer_replay *replay, struct replay_file *file, uint64_t length);

#endif
