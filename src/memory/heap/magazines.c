/* SPDX-License-Identifier: BSD-2-Clause */
/* Bins: which span blocks come from, and what happens when it runs empty or has room again. */
#include "memory/heap/magazines.h"

#include "memory/heap/careful.h"
#include "memory/heap/patches.h"

#define LEFT_MOST    255u /* what the current span's count begins with; it means nothing */
#define YIELD_WINDOW 4u
#define YIELD_SHARE  8u
#define WISH_UNIT    512u /* bytes, but a block at least */
#define WISH_MOST    255u
#define WISH_WINDOW  1024u /* units of all classes: then all wishes are halved */
#define RANDOM_DEPTH 16u   /* among so many free blocks one is chosen */

static bool bin_is_open(const struct bin *bin)
{
    return bin->current->head != LINK_END;
}

unsigned magazine_own_number(const struct coffer_pool *pool)
{
    unsigned slot;

    if (pool->port == NULL)
        return 0;
    slot = pool->port->thread_slot(pool->port->context);
    return slot < PORT_SLOTS_MAX ? slot + 1 : MAGAZINE_SHARED;
}

struct magazine *magazine_own(struct coffer_pool *pool)
{
    return pool->magazines[magazine_own_number(pool)];
}

struct magazine *magazine_enter(struct coffer_pool *pool)
{
    unsigned number = magazine_own_number(pool);
    struct magazine *magazine = pool->magazines[number];

    if (magazine->number != number) {
        struct magazine *made = magazine_open(pool, pool->home->owner, (uint16_t)number);

        /* Where there is no room for one of its own the thread does with the shared one. */
        if (made != NULL) {
            __atomic_store_n(&pool->magazines[number], made, __ATOMIC_RELEASE);
            magazine = made;
        }
    }
    spin_take(&magazine->lock);
    return magazine;
}

void magazine_leave(struct magazine *magazine)
{
    spin_give(&magazine->lock);
}

static size_t magazine_size(const struct coffer_pool *pool)
{
    return pool->spare ? offsetof(struct magazine, bins) + pool->bin_count * sizeof(struct bin *)
                       : sizeof(struct magazine);
}

void magazine_drop(struct magazine *magazine)
{
    slots_return(magazine->pool, magazine, magazine_size(magazine->pool));
}

struct magazine *magazine_open(struct coffer_pool *pool, struct owner owner, uint16_t number)
{
    struct magazine *magazine = slots_keep(pool, magazine_size(pool));

    if (magazine == NULL)
        return NULL;
    magazine->pool = pool;
    magazine->owner = owner;
    magazine->number = number;
    spin_init(&magazine->lock,
              pool->port == NULL || number == MAGAZINE_SHARED ? pool->lock.port : NULL);
    for (unsigned i = 0; i < pool->bin_count; i++)
        magazine->bins[i] = &pool->none;
    for (unsigned i = 0; i < CLASS_FINE && !pool->spare; i++)
        magazine->current[i] = &pool->full;
    return magazine;
}

/* The first use of a class. The magazine's lock is let go of while frames are taken: in a spare
 * pool another thread may have been quicker (nowhere else do two threads open one bin: see
 * bin_slots). */
static struct bin *bin_open(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned index = bin_index(pool, kind);
    struct bin *bin;

    spin_give(&magazine->lock);
    bin = slots_keep(pool, sizeof(*bin));
    spin_take(&magazine->lock);
    if (magazine->bins[index] != &pool->none) {
        spin_give(&magazine->lock);
        if (bin != NULL)
            slots_return(pool, bin, sizeof(*bin));
        spin_take(&magazine->lock);
        return magazine->bins[index];
    }
    if (bin == NULL)
        return NULL;
    bin->current = &pool->full;
    bin->shown[0] = bin->shown[1] = &bin->current;
    if (!pool->spare && magazine->number != MAGAZINE_SHARED && kind < CLASS_FINE) {
        bin->shown[0] = &magazine->current[class_first_step(kind)];
        bin->shown[1] = &magazine->current[kind];
    }
    bin->size = (uint16_t)class_size(kind & CLASS_MASK);
    bin->kind = (uint16_t)kind;
    bin->frames = span_choose_frames(pool, bin->size);
    magazine->bins[index] = bin;
    return bin;
}

static inline void bin_list(struct coffer_pool *pool, struct bin *bin, struct part *part)
{
    uint32_t name = part_name(pool, part);

    part->next = SLOT_NONE;
    part->previous = bin->tail;
    if (bin->tail != SLOT_NONE)
        part_at(pool, bin->tail)->next = name;
    else
        bin->head = name;
    bin->tail = name;
}

static void bin_unlist(struct coffer_pool *pool, struct bin *bin, struct part *part)
{
    if (part->next != SLOT_NONE)
        part_at(pool, part->next)->previous = part->previous;
    else
        bin->tail = part->previous;
    if (part->previous != SLOT_NONE)
        part_at(pool, part->previous)->next = part->next;
    else
        bin->head = part->next;
    part->previous = SLOT_UNLISTED;
}

static void mark_filled(struct magazine *magazine, unsigned index)
{
    magazine->filled[index / 64] |= (uint64_t)1 << index % 64;
}

/* The first span of the list leaves it. */
static inline struct part *bin_pop(struct coffer_pool *pool, struct bin *bin)
{
    struct part *part = part_at(pool, bin->head);

    bin->head = part->next;
    if (part->next != SLOT_NONE)
        part_at(pool, part->next)->previous = SLOT_NONE;
    else
        bin->tail = SLOT_NONE;
    part->previous = SLOT_UNLISTED;
    return part;
}

static inline void bin_show(struct bin *bin, struct part *part)
{
    bin->current = *bin->shown[0] = *bin->shown[1] = part;
}

/* The current span, if there is one, is full and on no list from now on. */
static inline void bin_set_current(struct coffer_pool *pool, struct bin *bin, struct part *part)
{
    if (bin->current != &pool->full)
        bin->current->left = 1;
    part->left = LEFT_MOST;
    bin_show(bin, part);
}

/* The next span with room becomes the current one; false: there is none any more. */
static inline bool bin_next(struct coffer_pool *pool, struct bin *bin)
{
    if (bin->head == SLOT_NONE)
        return false;
    bin_set_current(pool, bin, bin_pop(pool, bin));
    return true;
}

/* With the option any of the first free blocks, in place of the very first: it is moved there. */
static void pick_random(struct coffer_pool *pool, struct part *part)
{
    unsigned before = part->head;
    unsigned index = before;

    for (unsigned left = (unsigned)(pool_random(pool) % RANDOM_DEPTH); left > 0; left--) {
        unsigned next = link_load(part, index);

        if (next == LINK_END)
            break;
        before = index;
        index = next;
    }
    if (index == part->head)
        return;
    link_store(part, before, link_load(part, index));
    link_store(part, index, part->head);
    part->head = (uint8_t)index;
}

/* A block of the bin's current span, which has one. */
static void *take_block(struct magazine *magazine, const struct bin *bin)
{
    if (magazine->pool->settings.random)
        pick_random(magazine->pool, bin->current);
    magazine_count(magazine);
    return span_take(bin->current);
}

/* One more span. The magazine's lock is let go of while frames are taken: who is told of a shortage
 * may free blocks. */
static bool bin_add_span(struct magazine *magazine, struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;
    struct part *part;

    spin_give(&magazine->lock);
    part = span_make(magazine, bin);
    spin_take(&magazine->lock);
    if (part != NULL) {
        if (pool->port != NULL)
            remote_begin(pool, part, magazine->number);
        mark_filled(magazine, bin_index(pool, bin->kind));
        if (!pool->spare)
            magazine->wishes[bin_index(pool, bin->kind)] = 0;
        if (bin_is_open(bin))
            bin_list(pool, bin, part);
        else
            bin_set_current(pool, bin, part);
    }
    return bin_is_open(bin) || bin_next(pool, bin);
}

void magazine_wish(struct magazine *magazine, unsigned kind)
{
    uint8_t *wishes = &magazine->wishes[bin_index(magazine->pool, kind)];
    unsigned more = (class_size(kind & CLASS_MASK) + WISH_UNIT - 1) / WISH_UNIT;

    *wishes = (uint8_t)(*wishes + more > WISH_MOST ? WISH_MOST : *wishes + more);
    magazine->wished += more;
    if (magazine->wished >= WISH_WINDOW) {
        magazine->wished = 0;
        for (unsigned i = 0; i < BIN_COUNT; i++)
            magazine->wishes[i] /= 2;
    }
}

/* May a class have one more span? Where frames are few, when it is much of what patches serve. */
static bool span_is_due(const struct magazine *magazine, unsigned kind)
{
    return magazine->pool->spare ||
           magazine->wishes[bin_index(magazine->pool, kind)] == WISH_MOST ||
           !pool_is_tight(magazine->pool);
}

/* No span of a bin has room, and there is no new one. Its current one leaves, so that the first
 * block that is freed of it puts it on the list, where others see it too (magazine_borrow). */
static void bin_run_dry(struct magazine *magazine, struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned index = bin_index(pool, bin->kind);

    if (bin_is_open(bin) || bin->head != SLOT_NONE)
        return; /* in the shared magazine others were quicker */
    if (bin->current != &pool->full) {
        bin->current->left = 1;
        bin_show(bin, &pool->full);
    }
    magazine->filled[index / 64] &= ~((uint64_t)1 << index % 64);
}

/* What is rare: there is no bin yet, somebody asks for memory, or no span has room. */
static void *refill_rare(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    struct bin *bin = magazine->bins[bin_index(pool, kind)];

    if (bin == &pool->none) {
        bin = span_is_due(magazine, kind) ? bin_open(magazine, kind) : NULL;
        if (bin == NULL)
            return NULL;
    }
    if (atomic_load_explicit(&magazine->trim, memory_order_relaxed)) {
        atomic_store_explicit(&magazine->trim, false, memory_order_relaxed);
        (void)magazine_trim(magazine);
    }
    if ((magazine_collect(magazine) && (bin_is_open(bin) || bin_next(pool, bin))) ||
        (span_is_due(magazine, kind) && bin_add_span(magazine, bin)))
        return take_block(magazine, bin);
    bin_run_dry(magazine, bin);
    return NULL;
}

/*
 * Spans that are almost full yield a block or two each, and then every other call has to change
 * spans. When several in a row were like that, and frames aren't scarce, a new span makes room:
 * until 1/YIELD_SHARE of a span's blocks are free on the average when its turn comes.
 */
static bool bin_is_poor(struct coffer_pool *pool, struct bin *bin)
{
    unsigned blocks = bin->current->last + 1u;
    bool poor = bin->yield * YIELD_SHARE < YIELD_WINDOW * blocks;

    bin->turns = 0;
    bin->yield = 0;
    return poor && !pool->spare && !atomic_load_explicit(&pool->scarce, memory_order_relaxed) &&
           !pool_is_tight(pool);
}

/* The next span of the list, which isn't empty, becomes the current one. True: it is time to see
 * whether the bin is poor. */
static inline bool bin_turn(struct coffer_pool *pool, struct bin *bin)
{
    struct part *part = bin_pop(pool, bin);

    bin->yield += part->last + 1u - part->left;
    bin_set_current(pool, bin, part);
    return ++bin->turns >= YIELD_WINDOW;
}

void *magazine_take(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    struct bin *bin = magazine->bins[bin_index(pool, kind)];

    if (!bin_is_open(bin) && bin->head != SLOT_NONE && bin_turn(pool, bin) &&
        bin_is_poor(pool, bin))
        (void)bin_add_span(magazine, bin);
    /* (In the shared magazine others may have been quicker while a span was added.) */
    return bin_is_open(bin) ? take_block(magazine, bin) : refill_rare(magazine, kind);
}

static inline enum coffer_status take_quickly(struct coffer_pool *pool, struct magazine *magazine,
                                              struct part *part, void **out)
{
    if (pool->port == NULL)
        pool_count_used(pool, part->size);
    magazine_count(magazine);
    *out = span_take(part);
    return COFFER_OK;
}

/* As magazine_turn, which has just turned the bin. Apart from it, and called at its end, as all
 * that is rare there: so it needs no stack. */
static __attribute__((noinline)) enum coffer_status
turn_window(struct coffer_pool *pool, struct bin *bin, void **out, struct magazine *magazine)
{
    if (bin_is_poor(pool, bin))
        (void)bin_add_span(magazine, bin);
    return take_quickly(pool, magazine, bin->current, out);
}

enum coffer_status magazine_turn(struct coffer_pool *pool, size_t size, void **out,
                                 struct magazine *magazine)
{
    struct bin *bin = magazine->bins[class_of(size)];

    if (bin->head == SLOT_NONE || magazine->number == MAGAZINE_SHARED)
        return alloc_any(pool, size, out);
    if (bin_turn(pool, bin))
        return turn_window(pool, bin, out, magazine);
    return take_quickly(pool, magazine, bin->current, out);
}

/* A free block of the first bin, from one index on and before another, that has any which suits. */
static void *borrow_between(struct magazine *magazine, unsigned from, unsigned end,
                            size_t alignment)
{
    struct coffer_pool *pool = magazine->pool;

    for (unsigned index = from; index < end && index < pool->bin_count; index++) {
        uint64_t filled = magazine->filled[index / 64] >> index % 64;
        struct bin *bin;

        if (filled == 0) {
            index |= 63;
            continue;
        }
        index += bits_first(filled);
        if (index >= end)
            break;
        bin = magazine->bins[index];
        if (bin->size % alignment != 0)
            continue;
        if (bin_is_open(bin) || bin_next(pool, bin))
            return take_block(magazine, bin);
    }
    return NULL;
}

void *magazine_borrow(struct magazine *magazine, unsigned kind, size_t alignment)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned from = bin_index(pool, kind);
    void *block;

    (void)magazine_collect(magazine);
    if (from >= CLASS_COUNT || pool->spare)
        return borrow_between(magazine, from + 1, BIN_COUNT, alignment);
    block = borrow_between(magazine, from + 1, CLASS_COUNT, alignment);
    if (block != NULL)
        return block;
    from = kind >= CLASS_FINE
               ? bin_index(pool, kind | PART_ALIGNED)
               : CLASS_COUNT + (class_size(kind) + ALIGNED_STEP - 1) / ALIGNED_STEP - 1;
    return borrow_between(magazine, from, BIN_COUNT, alignment);
}

/* Nothing of a span is in use: it goes. The last one with room stays: going to and fro should be
 * no work. */
static bool span_emptied(struct magazine *magazine, struct part *part)
{
    struct bin *bin = magazine->bins[bin_index(magazine->pool, kind_load(part))];

    if (bin->head == bin->tail && !bin_is_open(bin))
        return false;
    bin_unlist(magazine->pool, bin, part);
    (void)span_drop(magazine, part);
    return true;
}

static __attribute__((noinline)) enum coffer_status edge_emptied(struct magazine *magazine,
                                                                 struct part *part)
{
    (void)span_emptied(magazine, part);
    return COFFER_OK;
}

/* The span's count has come to 0. True: nothing of it is in use. */
static inline bool span_freed(struct magazine *magazine, struct part *part)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned index = bin_index(pool, kind_load(part));
    struct bin *bin = magazine->bins[index];

    if (part == bin->current) {
        part->left = LEFT_MOST;
        return false;
    }
    if (part->previous == SLOT_UNLISTED) {
        if (bin->head == SLOT_NONE)
            mark_filled(magazine, index);
        bin_list(pool, bin, part);
        part->left = part->last;
    }
    return part->left == 0;
}

bool magazine_freed(struct magazine *magazine, struct part *part)
{
    return span_freed(magazine, part) && span_emptied(magazine, part);
}

enum coffer_status magazine_edge(struct magazine *magazine, struct part *part)
{
    return span_freed(magazine, part) ? edge_emptied(magazine, part) : COFFER_OK;
}

static size_t trim_bin(struct magazine *magazine, struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;
    struct part *part = bin->current;
    uint32_t dropped = SLOT_NONE; /* linked by `next` */
    size_t frames = 0;
    uint32_t next;

    for (uint32_t name = bin->head; name != SLOT_NONE; name = next) {
        struct part *listed = part_at(pool, name);

        next = listed->next;
        if (listed->left == 0) {
            bin_unlist(pool, bin, listed);
            listed->next = dropped;
            dropped = name;
        }
    }
    if (part != &pool->full && span_is_empty(part)) {
        bin_show(bin, &pool->full);
        part->next = dropped;
        dropped = part_name(pool, part);
    }
    while (dropped != SLOT_NONE) {
        part = part_at(pool, dropped);
        dropped = part->next;
        frames += span_drop(magazine, part);
    }
    return frames;
}

size_t magazine_trim(struct magazine *magazine)
{
    struct coffer_pool *pool = magazine->pool;
    size_t frames = 0;

    (void)magazine_collect(magazine);
    for (unsigned i = 0; i < pool->bin_count; i++) {
        if (magazine->bins[i] != &pool->none)
            frames += trim_bin(magazine, magazine->bins[i]);
    }
    return frames;
}
