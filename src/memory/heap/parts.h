/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private structure of a pool. For the files of this folder.
 *
 * All descriptors lie in *slots* of 64 bytes, 64 to a frame (a chunk); a slot is named by its
 * frame's number times 64 plus its place there. A part's descriptor takes one slot, or several in a
 * row if it is a span of many blocks. Bins, magazines and the pool itself lie in slots too.
 *
 * A span's descriptor has a byte for each block: LINK_USED while it is allocated; of a free one the
 * index of the next free one, from `head` on. That byte is the judge of every free, and the list
 * that blocks are taken from, last in first out; so both cost a store or two.
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

/* Built to be watched for races? */
#if defined(__SANITIZE_THREAD__)
#define HEAP_WATCHED 1
#elif defined(__has_feature)
#define HEAP_WATCHED __has_feature(thread_sanitizer)
#else
#define HEAP_WATCHED 0
#endif

#define SLOT_SIZE      64u
#define CHUNK_SLOTS    (FRAME_SIZE / SLOT_SIZE)
#define CHUNK_ANYBODY  0u /* a chunk is of no magazine yet; else its number and 1 */
#define SLOT_NONE      0u
#define SLOT_UNLISTED  UINT32_MAX  /* as `previous`: a span that is on no list */
#define SLOT_OUTER     0x80000000u /* in a name: of the memory, in a pool that has a region too */
#define SLOT_FRAME_MAX (FRAMES_TAG_KEPT / CHUNK_SLOTS) /* chunks lie in frames of lower numbers */

/* What a part is: the class of its blocks, or one of these. */
enum part_kind {
    PART_PATCH = 0xfb,
    PART_CHUNK = 0xfc,
    PART_RUN = 0xfd,
    PART_AREA = 0xfe,
    PART_UNUSED = 0xff,
    PART_ALIGNED = 0x100, /* with a class: blocks that were asked for with an alignment */
};

#define CLASS_MASK 0xffu /* of a span's kind */

/* Links. */
#define SPAN_BLOCKS 253u  /* at most */
#define LINK_REMOTE 0xfdu /* freed by another thread and not collected */
#define LINK_USED   0xfeu
#define LINK_END    0xffu /* of the list */

#define LINKS_FIRST 16u /* in the first slot; the others follow */

/*
 * Numbers of magazines: of a thread, its slot plus one; of threads that have no slot, one with a
 * lock; without threads 0; in a spare pool the owner's number. A part has its pool's token plus
 * twice such a number, so that one comparison tells whether it is a span of this pool and this
 * thread. A token is 256 times the number of the pool's first frame, and 1: boxes have a multiple
 * of 8 in that place (their size), and so are never taken for a part.
 */
#define MAGAZINE_SLOTLESS                                                                          \
    (PORT_SLOTS_MAX + 1) /* what such threads have for a number: no magazine */
#define MAGAZINE_SHARED (PORT_SLOTS_MAX + 2)
#define MAGAZINE_NONE   127u
#define OWNER_NUMBERS   256u
#define OWNER_OUTER     0xffffff01u /* in place of a token: of the memory's frames, see SLOT_OUTER */

/*
 * Whoever frees an address that isn't, or is no longer, an allocated block may look at a part while
 * its owner begins or ends it. So what is looked at before a lock is taken is read and written
 * whole: kind, owner, and by PART_SEEN and PART_SET a span's base, inverse, size and last (which
 * its owner, who alone sets them, reads as they are). A call that isn't wrong finds them
 * unchanging; a wrong one finds any of their values, and must be refused with each.
 */
struct part {
    union {
        uint8_t *base;            /* its first frame; of a run, its block */
        struct coffer_pool *pool; /* of a chunk */
    };
    uint32_t owner;          /* token and number */
    uint32_t inverse;        /* of the size: see magazines.h */
    uint32_t size;           /* of a block, of a span only; of a chunk: whose it is, see slots.c */
    _Atomic uint32_t kind;   /* enum part_kind, or the class */
    uint32_t next, previous; /* of the bin's list, the source's of chunks, the patches'; names */

    /* What other threads write, whatever has become of the part; see remote.c. */
    _Atomic(struct part *) remote_next; /* of the owner's list of parts with such blocks */
    _Atomic uint16_t remote_count; /* blocks freed by others; when it isn't 0 the part is listed */
    _Atomic uint16_t remote_owner; /* the number of the magazine, MAGAZINE_NONE: it is unused */

    uint8_t last; /* index of the last block */
    uint8_t head; /* index of the first free block */
    uint8_t left; /* frees until something is to be done, see magazines.h */

    union {
        _Atomic uint8_t links[LINKS_FIRST];
        struct {
            uint64_t used;  /* a bit a slot, the head's own included */
            uint64_t parts; /* slots where parts begin */
        } chunk;
        struct {
            uint32_t frame_count; /* of the block */
            uint32_t lead;        /* guard frames before it, and as many behind */
            size_t alignment;     /* that was asked for, bytes */
        } run;
        struct {
            struct extents_area *area;
            size_t frame_count;
        } area;
        struct {
            struct little *little;
            uint16_t frame_count;
            uint16_t block_count; /* allocated */
            uint32_t room;        /* no free block is larger, as far as is known */
        } patch;
    };
};

_Static_assert(sizeof(struct part) == SLOT_SIZE, "a part without many blocks is one slot");

#define PART_SEEN(part, field)       __atomic_load_n(&(part)->field, __ATOMIC_RELAXED)
#define PART_SET(part, field, value) __atomic_store_n(&(part)->field, (value), __ATOMIC_RELAXED)

static inline uint32_t owner_load(const struct part *part)
{
    return PART_SEEN(part, owner);
}

static inline void owner_store(struct part *part, uint32_t owner)
{
    PART_SET(part, owner, owner);
}

/* On the shortest path: a plain read is compared where it lies, an atomic one is fetched first. (As
 * magazine_count, it is whole on every machine.) */
static inline bool owner_is(const struct part *part, uint32_t owner)
{
#if HEAP_WATCHED
    return owner_load(part) == owner;
#else
    return part->owner == owner;
#endif
}

static inline unsigned kind_load(const struct part *part)
{
    return atomic_load_explicit(&part->kind, memory_order_relaxed);
}

static inline void kind_store(struct part *part, unsigned kind)
{
    atomic_store_explicit(&part->kind, kind, memory_order_relaxed);
}

/* How many slots the descriptor of a span of `count` blocks takes: there is a link more than
 * blocks, for what may look like a block behind the last. */
static inline unsigned part_slots_for(unsigned count)
{
    return 1 + (count < LINKS_FIRST ? 0 : count - LINKS_FIRST + SLOT_SIZE) / SLOT_SIZE;
}

#define PART_SLOTS_MAX (1 + (SPAN_BLOCKS - LINKS_FIRST + SLOT_SIZE) / SLOT_SIZE)

_Static_assert(LINKS_FIRST + (PART_SLOTS_MAX - 1) * SLOT_SIZE >= FRAME_SIZE / 16,
               "spans that have room for more blocks than they may have");

/* Of other parts `last` is 0. */
static inline unsigned part_slots(const struct part *part)
{
    return part_slots_for(part->last + 1u);
}

/* Room for links, some of it behind the last block's. */
static inline unsigned part_links(const struct part *part)
{
    unsigned count = LINKS_FIRST + (part_slots(part) - 1) * SLOT_SIZE;

    return count > 256 ? 256 : count;
}

static inline unsigned part_number(const struct part *part)
{
    return owner_load(part) % OWNER_NUMBERS / 2;
}

static inline void part_set_number(struct part *part, unsigned number)
{
    owner_store(part, (owner_load(part) & ~(OWNER_NUMBERS - 1)) + 2 * number + 1);
}

/* The blocks of one class in one magazine. */
struct bin {
    struct part *current;   /* where blocks are taken from; or the pool's `full` */
    struct part **shown[2]; /* where else it is to be seen: by step, in the magazine */
    uint32_t head, tail;    /* list of other spans with room, first in first out */
    uint16_t kind;
    uint16_t size;   /* of a block */
    uint16_t frames; /* of a span */
    uint16_t turns;  /* spans that became the current one since `yield` was begun */
    uint32_t yield;  /* free blocks that were found in them */
};

_Static_assert(sizeof(struct bin) <= SLOT_SIZE, "a bin is one slot");

/* The classes, and those with a multiple of ALIGNED_STEP bytes once more for aligned blocks. */
#define ALIGNED_STEP 32u
#define BIN_COUNT    (CLASS_COUNT + CLASS_FINE * CLASS_STEP / ALIGNED_STEP + CLASS_COUNT - CLASS_FINE)

struct magazine {
    struct coffer_pool *pool;
    uint64_t allocations;          /* from its spans; see magazine_count */
    _Atomic(struct part *) remote; /* spans with blocks that other threads freed */
    atomic_bool trim;              /* its owner shall give back what it doesn't need */
    struct spin lock;              /* of the shared one, and of those of owners */
    struct owner owner;
    uint16_t number;
    uint64_t filled[(BIN_COUNT + 63) / 64]; /* bins that may have a free block */

    /* By class; unused ones: the pool's `none`. In a spare pool there are fewer, and nothing else
     * follows. */
    struct bin *bins[BIN_COUNT];

    /* Below CLASS_FINE the current spans once more, for the shortest path: each step leads to that
     * of its class, or to `full`. In the shared magazine, where nobody is alone, to `full` always:
     * so it may stand in for a thread's that isn't there yet. */
    struct part *current[CLASS_FINE];

    /* By class, in units of WISH_UNIT bytes: what came from patches since its last span, old wishes
     * for less. And of all classes, since they were halved. */
    uint8_t wishes[BIN_COUNT];
    uint32_t wished;
};

struct pool_source {
    struct frames *frames; /* NULL: there is no such source */
    struct account *account;
    struct owner owner;
    uint32_t bit;                        /* of its slots' names */
    uint32_t chunks[2];                  /* lists: those with free slots, and the full ones */
    uint32_t unused[PART_SLOTS_MAX + 1]; /* with threads: lists of unused parts, which stay what
                                            they are for ever: of spans by their number of slots,
                                            at 0 of others */
    uint64_t frame_count;                /* taken */
    uint64_t frame_max;
};

struct coffer_pool {
    /* The calls, as short as the pool's settings let them be; see alloc.c. */
    enum coffer_status (*alloc)(struct coffer_pool *pool, size_t size, void **out);
    enum coffer_status (*free)(struct coffer_pool *pool, void *block);

    /* The shortest path to a part: the first source's segment, if it has only one. */
    uintptr_t start;
    uint64_t frame_count; /* 0: go the long way */
    const _Atomic uint32_t *tags;
    uintptr_t slots;       /* a kept tag, as it is, times SLOT_SIZE and this: the part */
    ptrdiff_t slot_offset; /* the port's thread_slot_offset */
    uint32_t token;        /* of the home chunk's number; see MAGAZINE_NONE */
    uint32_t slot_limit;   /* names below it are of this segment */

    struct magazine *solo;          /* the only one, if there are neither threads nor options */
    const struct coffer_port *port; /* each thread has a magazine */
    bool careful;                   /* there are options: one magazine, with a lock */
    bool spare;
    struct quarantine *quarantine; /* NULL: none */
    void *keeper;                  /* whoever keeps account of the pool */
    struct little *little;         /* of the little policy; it needs nothing behind `poisoned` */
    struct coffer_pool_settings settings;

    /* What changes lies apart from what every call of every thread reads. */
    struct spin lock;
    uint64_t used; /* bytes in allocated blocks, see pool_counts_used */
    uint64_t used_peak;
    uint64_t allocations; /* that are in no magazine's number; under the lock */
    _Atomic uint64_t wrong_frees;
    _Atomic uint64_t refusals;
    _Atomic(uint64_t) random; /* state of the order of blocks; 0: none */
    uint64_t poisoned;

    struct pool_source sources[2];
    struct pool_source *home; /* the first one */
    struct part full;         /* a span without free blocks, in place of one */
    struct bin none;          /* what every magazine begins with */
    unsigned magazine_count;
    unsigned bin_count;
    struct extents *extents;      /* NULL: not used yet. Under the lock */
    struct part *idle_area;       /* the last one to have become free, kept. Under the lock */
    uint32_t patches;             /* their list; a name. Under the lock */
    uint32_t patch_count;         /* Under the lock */
    uint64_t run_count;           /* blocks. Under the lock */
    uint64_t run_size;            /* bytes in them */
    uint64_t extra_frames;        /* the quarantine's */
    atomic_bool scarce;           /* there were no frames when they were wanted */
    struct magazine *magazines[]; /* by number; with threads the shared one for those not there.
                                     A thread sets its own, and others read it by magazine_at */
};

_Static_assert(offsetof(struct coffer_pool, lock) / SLOT_SIZE >
                   offsetof(struct coffer_pool, port) / SLOT_SIZE,
               "what each call reads and what another thread writes are in different lines");

/* Are the bytes in allocated blocks counted as they change? Where one thread at a time is in the
 * pool, yes. */
static inline bool pool_counts_used(const struct coffer_pool *pool)
{
    return pool->port == NULL && !pool->spare;
}

/* If so: so many bytes more are in allocated blocks. */
static inline void pool_count_used(struct coffer_pool *pool, size_t size)
{
    uint64_t used = pool->used + size;

    pool->used = used;
    if (used > pool->used_peak)
        pool->used_peak = used;
}

/* Is the part one of this pool? */
static inline bool pool_owns(const struct coffer_pool *pool, const struct part *part)
{
    const struct part *chunk = (const struct part *)(const void *)((uintptr_t)part &
                                                                   ~(uintptr_t)(FRAME_SIZE - 1));

    return owner_load(part) / OWNER_NUMBERS == pool->token / OWNER_NUMBERS ||
           (owner_load(part) / OWNER_NUMBERS == OWNER_OUTER / OWNER_NUMBERS && chunk->pool == pool);
}

/* --- Slots (slots.c) --------------------------------------------------------------------- */

static inline struct pool_source *source_of(struct coffer_pool *pool, uint32_t name)
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

static inline struct pool_source *part_source(struct coffer_pool *pool, const void *slot)
{
    if (pool->sources[1].frames == NULL ||
        frames_number(pool->sources[0].frames, slot) != FRAMES_NO_NUMBER)
        return &pool->sources[0];
    return &pool->sources[1];
}

static inline uint32_t slot_name(const struct pool_source *source, const void *slot)
{
    uint32_t place = (uint32_t)((uintptr_t)slot % FRAME_SIZE / SLOT_SIZE);

    return (frames_number(source->frames, slot) * CHUNK_SLOTS + place) | source->bit;
}

static inline uint32_t part_name(struct coffer_pool *pool, const struct part *part)
{
    uint64_t name = ((uintptr_t)part - pool->start) / SLOT_SIZE;

    return name < pool->slot_limit ? (uint32_t)name : slot_name(part_source(pool, part), part);
}

static inline struct part *part_at(struct coffer_pool *pool, uint32_t name)
{
    return slot_at(pool, name);
}

/* Is it the name of a slot, in a chunk that is there? Any number at all. */
bool slot_exists(struct coffer_pool *pool, uint32_t name);

/* Zeroed slots in a row for `size` bytes, of any source; they stay. NULL: no memory. Neither this
 * nor the rest under the lock. */
void *slots_keep(struct coffer_pool *pool, size_t size);

/* Back after all, unused, as another thread was quicker. */
void slots_return(struct coffer_pool *pool, void *slots, size_t size);

/* A descriptor, of kind PART_UNUSED, and its end; slots: of a span, or 0. A late free by another
 * thread may still write a link of what was a span (remote.c), so it never becomes another part. */
struct part *part_take(struct coffer_pool *pool, struct pool_source *source, unsigned slots);

void part_give(struct coffer_pool *pool, struct pool_source *source, struct part *part);

/* A part (of no span) and `count` frames that are tagged with it, poisoned where the pool does so;
 * its `base` is still the caller's to set. NULL: no memory. Not under the lock, as all that follow.
 */
struct part *part_take_frames(struct coffer_pool *pool, struct pool_source *source, size_t count,
                              uint8_t **first);

/* Both back: how many frames it were. */
size_t part_give_frames(struct coffer_pool *pool, struct part *part, size_t count);

/* More frames for a pool: `add` is tried with `most` of a source, halves of that, and at last with
 * the `least` that will do. False: that failed, too. */
bool parts_grow(struct coffer_pool *pool, struct pool_source *source, size_t least, size_t most,
                bool (*add)(struct coffer_pool *pool, struct pool_source *source, size_t count));

/* Make a zeroed frame a chunk; `count` slots behind its head are in use. Under the lock. */
void chunk_begin(struct coffer_pool *pool, struct pool_source *source, struct part *chunk,
                 unsigned count);

/* Frames of a source, within its limit; NULL: there are none, which nobody is told. All of them are
 * tagged with the part, if there is one (NULL: tag them); its frames go before it does. Not under
 * the lock. */
void *source_take(struct coffer_pool *pool, struct pool_source *source, struct owner owner,
                  enum frames_keep keep, size_t count, const struct part *part);
/* At a multiple of `alignment` frames. */
void *source_take_aligned(struct coffer_pool *pool, struct pool_source *source, struct owner owner,
                          enum frames_keep keep, size_t count, size_t alignment,
                          const struct part *part);
void source_give(struct coffer_pool *pool, struct pool_source *source, void *address, size_t count);

/* Frames more that a source may give, by its limit and the owner's quota. */
uint64_t source_limit(struct coffer_pool *pool, const struct pool_source *source,
                      struct owner owner);

/* An allocation that a run of `count` frames would do for has found nothing anywhere: if that is
 * for want of frames it is told. True: another try may be worth it (see frames_ask). `owner`: see
 * source_take. In no lock. */
bool sources_ask(struct coffer_pool *pool, struct owner owner, size_t count,
                 struct frames_plea *plea);

/* All parts of the pool, one after another; begin with a zeroed cursor. NULL behind the last. What
 * was overwritten is left out. Not under the lock. */
struct parts_cursor {
    unsigned source;
    unsigned list; /* of its chunks that comes next */
    uint32_t chunk;
    uint64_t left; /* parts of it that are still to come */
};

struct part *parts_next(struct coffer_pool *pool, struct parts_cursor *cursor);

#endif
