/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private structure of a pool. For the files of this folder.
 *
 * All descriptors lie in *slots* of 64 bytes, 64 to a frame (a chunk); a slot is named by its
 * frame's number times 64 plus its place there. A part's descriptor takes one slot, in a pool with
 * threads two: the second has what other threads write. Bins, magazines and the pool itself lie in
 * slots too.
 *
 * Sources. A pool takes frames from one or two sources: the frames inside of its region, if it has
 * one, and those of the memory. A descriptor lies in frames of the source that its part is of.
 */
#ifndef COFFER_MEMORY_HEAP_PARTS_H
#define COFFER_MEMORY_HEAP_PARTS_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/spin.h"
#include "memory/account/account.h"
#include "memory/frames/kept.h"
#include "memory/heap/classes.h"
#include "memory/heap/pool.h"

#define SLOT_SIZE   64u
#define CHUNK_SLOTS (FRAME_SIZE / SLOT_SIZE)
#define SPAN_WORDS  4u
#define SPAN_BLOCKS (SPAN_WORDS * 64u) /* at most */

#define SLOT_NONE      0u
#define SLOT_UNLISTED  UINT32_MAX  /* as `previous`: a span that is on no list */
#define SLOT_OUTER     0x80000000u /* in a name: of the memory, in a pool that has a region too */
#define POOL_OUTER     UINT32_MAX  /* in parts of such frames; others have the pool's own name */
#define SLOT_FRAME_MAX (FRAMES_TAG_KEPT / CHUNK_SLOTS) /* chunks lie in frames of lower numbers */

/* What a part is: the class of its blocks, or one of these. */
enum part_kind {
    PART_CHUNK = 0x7c,
    PART_RUN = 0x7d,
    PART_AREA = 0x7e,
    PART_UNUSED = 0x7f,
    PART_ALIGNED = 0x80, /* with a class: blocks that were asked for with an alignment */
};

#define CLASS_MASK 0x7fu /* of a span's kind */

struct part {
    uint8_t *base; /* its first frame; of a run, its block */
    uint32_t pool; /* the name of whose it is, see pool_owns */
    uint32_t size; /* of a block; of a span only */
    union {
        _Atomic uint64_t free[SPAN_WORDS]; /* a bit a block; clear for ever behind the last */
        struct {
            uint64_t barrier; /* all ones: a free that takes this for a span finds nothing there */
            union {
                struct {
                    uint64_t used;  /* a bit a slot, the head's own included */
                    uint64_t parts; /* slots where parts begin */
                    struct coffer_pool *pool;
                } chunk;
                struct {
                    size_t frame_count; /* of the block */
                    size_t alignment;   /* that was asked for, bytes */
                    size_t lead;        /* guard frames before it, and as many behind */
                } run;
                struct {
                    struct extents_area *area;
                    size_t frame_count;
                } area;
            };
        };
    };
    uint32_t next, previous; /* of the bin's list, or the source's list of chunks; names */
    uint32_t inverse; /* offset * inverse, rotated by shift, is a block's index: see spans.h */
    uint8_t shift;
    uint8_t last;     /* index of the last block */
    uint8_t kind;     /* enum part_kind, or the class */
    uint8_t magazine; /* the number of the one that owns it; of a spare pool's run, the owner's */
};

_Static_assert(sizeof(struct part) == SLOT_SIZE, "a part is one slot");

/* The second slot, in pools with threads. */
struct part_remote {
    _Atomic uint64_t freed[SPAN_WORDS]; /* a bit a block: freed by another thread, not collected */
    _Atomic(struct part *) next;        /* of the owner's list of such parts */
    atomic_bool listed;                 /* on one */
    _Atomic uint16_t magazine;          /* that owns it, MAGAZINE_NONE: it is unused */
};

_Static_assert(sizeof(struct part_remote) <= SLOT_SIZE, "and a slot for others");

#define MAGAZINE_NONE   UINT16_MAX
#define MAGAZINE_SHARED PORT_SLOTS_MAX /* of threads that have no slot */

static inline struct part_remote *part_remote(struct part *part)
{
    return (struct part_remote *)(void *)((char *)part + SLOT_SIZE);
}

/* The blocks of one class in one magazine. */
struct bin {
    _Atomic uint64_t *word; /* of the current span, or the pool's `nothing` */
    uint8_t *base;          /* first of the word's blocks */
    uint32_t size;          /* of a block */
    uint32_t head, tail;    /* list of other spans with room, first in first out */
    uint8_t kind;
    uint8_t frames; /* of a span */
    struct part *current;
    uint16_t refills; /* since `yield` was begun */
    uint16_t yield;   /* free blocks that were found in words */
};

_Static_assert(sizeof(struct bin) <= SLOT_SIZE, "a bin is one slot");

#define BIN_COUNT (2 * CLASS_COUNT) /* the classes, and once more for aligned blocks */

struct magazine {
    struct coffer_pool *pool;
    _Atomic uint64_t allocations;  /* from its spans */
    _Atomic(struct part *) remote; /* spans with blocks that other threads freed */
    atomic_bool trim;              /* its owner shall give back what it doesn't need */
    struct spin lock;              /* of the shared one */
    struct owner owner;
    uint16_t number;
    uint64_t filled[(BIN_COUNT + 63) / 64]; /* bins that may have a free block */
    struct bin *bins[];                     /* unused ones: the pool's `none` */
};

struct source {
    struct frames *frames; /* NULL: there is no such source */
    struct account *account;
    struct owner owner;
    uint32_t bit;         /* of its slots' names */
    uint32_t chunks[2];   /* lists: those with free slots, and the full ones */
    uint32_t unused;      /* with threads: list of unused parts; they stay parts for ever */
    uint64_t frame_count; /* taken */
    uint64_t frame_max;
};

struct coffer_pool {
    /* The shortest path to a part: the first source's segment, if it has only one. */
    uintptr_t start;
    uint64_t frame_count;  /* 0: go the long way */
    uint64_t quick_frames; /* the same for `solo`, else 0 */
    const _Atomic uint32_t *tags;
    uintptr_t slots;     /* a kept tag, as it is, times SLOT_SIZE and this: the part */
    uint32_t slot_limit; /* names below it are of this segment */

    uint32_t name; /* of its own slot */

    struct magazine *solo; /* the only one, if there are neither threads nor options */
    bool careful;          /* there are options: one magazine, with a lock */
    bool spare;
    const struct coffer_port *port; /* each thread has a magazine */
    struct spin lock;
    uint64_t used; /* bytes in allocated blocks; with a magazine for each thread not counted */
    uint64_t used_peak;
    _Atomic uint64_t wrong_frees;
    _Atomic uint64_t refusals;
    uint64_t poisoned;
    struct quarantine *quarantine; /* NULL: none */
    uint64_t random;               /* state of the order of blocks; 0: none */
    struct coffer_pool_settings settings;
    struct list link;        /* of the memory's pools */
    struct account *account; /* whose lock guards the link */
    struct little *little;   /* of the little policy; it needs nothing of what follows */
    uint64_t allocations;    /* that are in no magazine's number; under the lock */

    struct source sources[2];
    struct source *home;         /* the first one */
    _Atomic uint64_t nothing;    /* a word without free blocks */
    struct bin none;             /* what every magazine begins with */
    struct magazine **magazines; /* by number */
    unsigned magazine_count;
    unsigned bin_count;
    struct extents *extents; /* NULL: not used yet. Under the lock */
    struct part *idle_area;  /* one of which nothing is allocated, kept. Under the lock */
    uint64_t run_count;      /* blocks. Under the lock */
    uint64_t run_size;       /* bytes in them */
    uint64_t extra_frames;   /* the quarantine's */
    atomic_bool scarce;      /* there were no frames when they were wanted */
};

/* Is the part one of this pool? */
static inline bool pool_owns(const struct coffer_pool *pool, const struct part *part)
{
    const struct part *chunk = (const struct part *)(const void *)((uintptr_t)part &
                                                                   ~(uintptr_t)(FRAME_SIZE - 1));

    return part->pool == pool->name || (part->pool == POOL_OUTER && chunk->chunk.pool == pool);
}

/* --- Slots (slots.c) --------------------------------------------------------------------- */

static inline struct source *source_of(struct coffer_pool *pool, uint32_t name)
{
    return &pool->sources[(name & SLOT_OUTER) != 0];
}

static inline void *slot_at(struct coffer_pool *pool, uint32_t name)
{
    uint8_t *chunk;

    if (name < pool->slot_limit)
        return (void *)(pool->start + (uintptr_t)name * SLOT_SIZE);
    chunk = frames_address(source_of(pool, name)->frames, (name & ~SLOT_OUTER) / CHUNK_SLOTS);
    return chunk + (size_t)(name % CHUNK_SLOTS) * SLOT_SIZE;
}

static inline struct source *part_source(struct coffer_pool *pool, const void *slot)
{
    if (pool->sources[1].frames == NULL ||
        frames_number(pool->sources[0].frames, slot) != FRAMES_NO_NUMBER)
        return &pool->sources[0];
    return &pool->sources[1];
}

static inline uint32_t slot_name(const struct source *source, const void *slot)
{
    uint32_t place = (uint32_t)((uintptr_t)slot % FRAME_SIZE / SLOT_SIZE);

    return (frames_number(source->frames, slot) * CHUNK_SLOTS + place) | source->bit;
}

static inline uint32_t part_name(struct coffer_pool *pool, const struct part *part)
{
    uint64_t name = ((uintptr_t)part - pool->start) / SLOT_SIZE;

    return name < pool->slot_limit ? (uint32_t)name : slot_name(part_source(pool, part), part);
}

/* Whom the frames of a span or a run are charged to. */
static inline struct owner part_owner(struct coffer_pool *pool, const struct part *part)
{
    return pool->spare ? (struct owner){part->magazine} : part_source(pool, part)->owner;
}

static inline unsigned part_slots(const struct coffer_pool *pool)
{
    return pool->port != NULL ? 2 : 1;
}

static inline struct part *part_at(struct coffer_pool *pool, uint32_t name)
{
    return slot_at(pool, name);
}

/* Zeroed slots in a row for `size` bytes, of any source; they stay. NULL: no memory. Neither this
 * nor the rest under the lock. */
void *slots_keep(struct coffer_pool *pool, size_t size);

/* A descriptor of kind PART_UNUSED, and its end. */
struct part *part_take(struct coffer_pool *pool, struct source *source);

void part_give(struct coffer_pool *pool, struct source *source, struct part *part);

/* Make a zeroed frame a chunk; `count` slots behind its head are in use. Under the lock. */
void chunk_begin(struct coffer_pool *pool, struct source *source, struct part *chunk,
                 unsigned count);

/* Frames of a source, within its limit; NULL: there are none. All of them are tagged with the part,
 * if there is one (NULL: tag them); its frames go before it does. Not under the lock. */
void *source_take(struct coffer_pool *pool, struct source *source, struct owner owner,
                  enum frames_keep keep, size_t count, const struct part *part);
/* At a multiple of `alignment` frames. */
void *source_take_aligned(struct coffer_pool *pool, struct source *source, struct owner owner,
                          enum frames_keep keep, size_t count, size_t alignment,
                          const struct part *part);
void source_give(struct coffer_pool *pool, struct source *source, void *address, size_t count);

/* All parts of the pool, one after another; begin with a zeroed cursor. NULL behind the last. */
struct parts_cursor {
    unsigned source;
    unsigned list; /* of its chunks that comes next */
    uint32_t chunk;
    uint64_t left; /* parts of it that are still to come */
};

struct part *parts_next(struct coffer_pool *pool, struct parts_cursor *cursor);

#endif
