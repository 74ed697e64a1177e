/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans and the magazines that own them. A magazine is of a thread, of an owner (in a spare pool)
 * or, with neither, the only one; whoever works in it is alone there, by its lock if need be.
 *
 * A bin has a current span, from which blocks are taken as long as there are any. Then comes the
 * next span of the bin's list, or a new one. A span on the list counts
 * how many frees are `left` until it is empty; one that is full and on no list, until there is one
 * at all. So a free has one condition to look at. Spans that are full are on no list; the first
 * block that is freed of one puts it at the list's end, so that it has time to become emptier
 * before its turn comes, or empty. The current one stays whatever is freed of it: its count means
 * nothing, and an allocation needn't keep it.
 *
 * A block's place. offset / size must come out exact, and is found without a division: with
 * inverse = 2^32 / size, rounded up, the upper half of offset * inverse is the quotient, and the
 * lower half is less than inverse exactly if there is no remainder. (Offsets have 16 bits,
 * sizes 14.) Behind the last block there may be room for the beginning of others: there are links
 * for them too, and they aren't LINK_USED. So an address in a span's frames leads to one of its
 * links or to none, whatever it is.
 */
#ifndef COFFER_MEMORY_HEAP_MAGAZINES_H
#define COFFER_MEMORY_HEAP_MAGAZINES_H

#include "memory/heap/parts.h"

/* A descriptor's links go on in the slots that follow it, past what its type says: by address. */
static inline _Atomic uint8_t *link_at(struct part *part, size_t index)
{
    return (_Atomic uint8_t *)((uint8_t *)part + offsetof(struct part, links)) + index;
}

static inline unsigned link_load(struct part *part, size_t index)
{
    return atomic_load_explicit(link_at(part, index), memory_order_relaxed);
}

static inline void link_store(struct part *part, size_t index, unsigned value)
{
    atomic_store_explicit(link_at(part, index), (uint8_t)value, memory_order_relaxed);
}

static inline bool part_is_span(const struct part *part)
{
    return (kind_load(part) & CLASS_MASK) < CLASS_COUNT;
}

/* The first free block of a span of one's own, which has one. */
static inline void *span_take(struct part *part)
{
    unsigned index = part->head;

    part->head = (uint8_t)link_load(part, index);
    link_store(part, index, LINK_USED);
    return part->base + (size_t)index * part->size;
}

/* Put an allocated block of it back. True: magazine_freed must be told. */
static inline bool span_put(struct part *part, size_t index)
{
    link_store(part, index, part->head);
    part->head = (uint8_t)index;
    return --part->left == 0;
}

/* One more allocation. Only whoever is in the magazine writes the number, and it is read whole on
 * every machine: so this is one instruction where atomic operations would be three. */
static inline void magazine_count(struct magazine *magazine)
{
#if HEAP_WATCHED
    __atomic_store_n(&magazine->allocations, magazine->allocations + 1, __ATOMIC_RELAXED);
#else
    magazine->allocations++;
#endif
}

/* The index of the block of a span that begins at an address, which is in the span's frames; it has
 * a link. False: none can begin there. */
static inline bool span_index(const struct part *part, const void *block, size_t *index)
{
    uint64_t product = ((uintptr_t)block - (uintptr_t)part->base) * (uint64_t)part->inverse;

    *index = product >> 32;
    return (uint32_t)product < part->inverse;
}

/* The same of a span that may be another thread's, and so come to its end, or begin, meanwhile (see
 * struct part): the index is of a block's link whatever was seen of it. */
static inline bool span_index_of_any(const struct part *part, const void *block, size_t *index)
{
    const uint32_t inverse = PART_SEEN(part, inverse);
    uint64_t product = ((uintptr_t)block - (uintptr_t)PART_SEEN(part, base)) * (uint64_t)inverse;

    *index = product >> 32;
    return (uint32_t)product < inverse && *index <= PART_SEEN(part, last);
}

static inline uint32_t span_frames(const struct part *part)
{
    return ((part->last + 1u) * part->size + FRAME_SIZE - 1) / FRAME_SIZE;
}

/* Frames for spans of a size: few, little lost at the end, and enough blocks. */
uint16_t span_choose_frames(const struct coffer_pool *pool, uint32_t size);

/* The frames and the descriptor of a new span, all of it free; NULL: no memory. Without the
 * magazine's lock: who is told of a shortage may free blocks. */
struct part *span_make(struct magazine *magazine, const struct bin *bin);

/* Nothing of the span is in use, and it is on no list: it goes home. Gives up the lock, as above.
 * How many frames it was. */
size_t span_drop(struct magazine *magazine, struct part *part);

/* Free blocks of a span, those that were freed by other threads included. */
unsigned span_free_count(struct part *part);

/* Of a current span, by its list: what others freed and nobody collected yet isn't on it. */
bool span_is_empty(struct part *part);

static inline unsigned bin_index(const struct coffer_pool *pool, unsigned kind)
{
    if (pool->spare)
        return spare_index(kind);
    if ((kind & PART_ALIGNED) == 0)
        return kind;
    kind &= CLASS_MASK;
    if (kind >= CLASS_FINE)
        return BIN_COUNT - CLASS_COUNT + kind;
    return CLASS_COUNT + class_size(kind) / ALIGNED_STEP - 1;
}

/* A magazine whose spans are charged to `owner`. NULL: no memory. */
struct magazine *magazine_open(struct coffer_pool *pool, struct owner owner, uint16_t number);

/* That was opened in a spare pool and isn't wanted after all. */
void magazine_drop(struct magazine *magazine);

/* The magazine of a number; NULL: there is none yet. */
static inline struct magazine *magazine_at(const struct coffer_pool *pool, unsigned number)
{
    struct magazine *magazine = __atomic_load_n(&pool->magazines[number], __ATOMIC_ACQUIRE);

    return magazine != NULL && magazine->number == number ? magazine : NULL;
}

/* The number of the magazine that the calling thread works in, or will when there is one. */
unsigned magazine_own_number(const struct coffer_pool *pool);

/* The calling thread's, or the shared one. */
struct magazine *magazine_own(struct coffer_pool *pool);

/* The calling thread's magazine, made at its first call; for threads beyond the slots, or when
 * there is no memory for one, the shared one, whose lock is taken: magazine_leave gives it. */
struct magazine *magazine_enter(struct coffer_pool *pool);
void magazine_leave(struct magazine *magazine);

/* A block of the bin's current span or, when that has none (or there is no bin yet), of another;
 * NULL: no memory. */
void *magazine_take(struct magazine *magazine, unsigned kind);

/* The whole of an allocation from a class, when the current span that was shown for it is full; not
 * with options. `magazine` is the calling thread's, or what stands in for it. */
COFFER_MUST_CHECK enum coffer_status magazine_turn(struct coffer_pool *pool, size_t size,
                                                   void **out, struct magazine *magazine);

/* A block of a class came from a patch. */
void magazine_wish(struct magazine *magazine, unsigned kind);

/* A free block of one of the next larger classes, at a multiple of `alignment`; if none was asked
 * for, then of those for aligned blocks too. NULL: there is none. Looks at each class once. */
void *magazine_borrow(struct magazine *magazine, unsigned kind, size_t alignment);

/* Blocks of a span of this magazine were freed, and `left` has come to 0: a full span has room
 * again, or nothing of it is in use. True: it went home. */
bool magazine_freed(struct magazine *magazine, struct part *part);

/* The same, as the last step of a call that succeeds: COFFER_OK. */
enum coffer_status magazine_edge(struct magazine *magazine, struct part *part);

/* A block of another magazine's span is freed, by a thread that is not in it. */
enum coffer_status remote_free(struct coffer_pool *pool, struct part *part, const void *block);

/* A span comes into use. */
void remote_begin(struct coffer_pool *pool, struct part *part, unsigned number);

/* Take what other threads have freed; true if there was anything. */
bool magazine_collect(struct magazine *magazine);

/* Give the spans without blocks home. How many frames they were. */
size_t magazine_trim(struct magazine *magazine);

#endif
