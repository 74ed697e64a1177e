/* SPDX-License-Identifier: BSD-2-Clause */
/* Bins, their spans, and what happens when a word runs empty or a span does. */
#include "memory/heap/magazines.h"

#include <string.h>

#include "memory/heap/careful.h"

#define FRAMES_MAX   16u /* of a span */
#define BLOCKS_LEAST 8u  /* of a span, if frames allow */
#define YIELD_WINDOW 16u
#define YIELD_SHARE  8u
#define LOSS_SHARE   48u /* of a span one part in so many may be lost, if frames allow */

unsigned span_free_count(const struct coffer_pool *pool, struct part *part)
{
    bool remote = pool->port != NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < SPAN_WORDS; i++) {
        uint64_t free = word_load(&part->free[i]);

        if (remote)
            free |= word_load(&part_remote(part)->freed[i]);
        count += bits_count(free);
    }
    return count;
}

/* Free blocks of a word that may be handed out: not those that another thread freed meanwhile,
 * wrongly, and that weren't collected yet. */
static inline uint64_t span_available(const struct coffer_pool *pool, struct part *part,
                                      unsigned word)
{
    uint64_t free = word_load(&part->free[word]);

    return pool->port == NULL ? free : free & ~word_load(&part_remote(part)->freed[word]);
}

static bool bin_is_open(const struct coffer_pool *pool, const struct bin *bin)
{
    return bin->current != NULL &&
           span_available(pool, bin->current, (unsigned)(bin->word - bin->current->free)) != 0;
}

static bool span_is_empty(const struct part *part)
{
    for (unsigned i = 0; i < SPAN_WORDS; i++) {
        if (word_load(&part->free[i]) != span_mask(part, i))
            return false;
    }
    return true;
}

/* The number x with size * x = 1 modulo 2^32, of an odd size: each step doubles the bits. */
static uint32_t inverse_of(uint32_t odd)
{
    uint32_t x = odd * 3 ^ 2;

    for (unsigned bits = 5; bits < 32; bits *= 2)
        x *= 2 - odd * x;
    return x;
}

/* Frames for spans of a size: few, little lost at the end, and enough blocks. */
static uint8_t choose_frames(const struct coffer_pool *pool, uint32_t size)
{
    uint32_t best = 1;
    uint32_t best_loss = UINT32_MAX;

    if (pool->spare)
        return 1;
    for (uint32_t frames = 1; frames <= FRAMES_MAX; frames++) {
        uint32_t bytes = frames * FRAME_SIZE;
        uint32_t count = bytes / size;
        uint32_t loss;

        if (count > SPAN_BLOCKS)
            break;
        if (count < BLOCKS_LEAST)
            continue;
        loss = bytes - count * size + part_slots(pool) * SLOT_SIZE;
        if (loss * LOSS_SHARE <= bytes)
            return (uint8_t)frames;
        if ((uint64_t)loss * best < (uint64_t)best_loss * frames || best_loss == UINT32_MAX) {
            best = frames;
            best_loss = loss;
        }
    }
    return (uint8_t)best;
}

struct magazine *magazine_enter(struct coffer_pool *pool)
{
    unsigned number = 0;
    struct magazine *magazine;

    if (pool->port != NULL)
        number = pool->port->thread_slot(pool->port->context);
    magazine = pool->magazines[number];
    if (magazine == NULL) {
        magazine = magazine_open(pool, pool->home->owner, (uint16_t)number);
        if (magazine == NULL)
            return NULL;
        pool->magazines[number] = magazine;
    }
    spin_take(&magazine->lock);
    return magazine;
}

void magazine_leave(struct magazine *magazine)
{
    spin_give(&magazine->lock);
}

struct magazine *magazine_open(struct coffer_pool *pool, struct owner owner, uint16_t number)
{
    size_t size = sizeof(struct magazine) + pool->bin_count * sizeof(struct bin *);
    struct magazine *magazine = slots_keep(pool, size);

    if (magazine == NULL)
        return NULL;
    magazine->pool = pool;
    magazine->owner = owner;
    magazine->number = number;
    spin_init(&magazine->lock,
              pool->port == NULL || number == MAGAZINE_SHARED ? pool->lock.port : NULL);
    for (unsigned i = 0; i < pool->bin_count; i++)
        magazine->bins[i] = &pool->none;
    return magazine;
}

static struct bin *bin_open(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    struct bin *bin = slots_keep(pool, sizeof(*bin));

    if (bin == NULL)
        return NULL;
    bin->word = &pool->nothing;
    bin->size = class_size(kind & CLASS_MASK);
    bin->kind = (uint8_t)kind;
    bin->frames = choose_frames(pool, bin->size);
    magazine->bins[bin_index(pool, kind)] = bin;
    return bin;
}

static void bin_list(struct coffer_pool *pool, struct bin *bin, struct part *part)
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

/* Set the bin to a word of a span; false: it has no free blocks. */
static inline bool bin_set_word(const struct coffer_pool *pool, struct bin *bin, struct part *part)
{
    unsigned i = 0;

    while (span_available(pool, part, i) == 0) {
        if (++i > part->last / 64u)
            return false;
    }
    bin->current = part;
    bin->word = &part->free[i];
    bin->base = part->base + (size_t)i * 64 * bin->size;
    return true;
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

/* Set the bin to the next word with free blocks, of the current span or the next one with room;
 * false: there is none any more. */
static inline bool bin_next_word(struct coffer_pool *pool, struct bin *bin)
{
    if (bin->current != NULL && bin->current->last >= 64 && bin_set_word(pool, bin, bin->current))
        return true;
    while (bin->head != SLOT_NONE) {
        if (bin_set_word(pool, bin, bin_pop(pool, bin)))
            return true;
    }
    return false;
}

static unsigned random_bit(struct coffer_pool *pool, uint64_t free)
{
    unsigned turn = (unsigned)(pool_random(pool) % 64);

    return (bits_first(free >> turn | free << (-turn % 64)) + turn) % 64;
}

/* A block of the bin's word, which has one: the first, or with the option any. */
static void *take_block(struct magazine *magazine, const struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;
    uint64_t free = span_available(pool, bin->current, (unsigned)(bin->word - bin->current->free));
    unsigned bit = pool->random == 0 ? bits_first(free) : random_bit(pool, free);

    word_store(bin->word, word_load(bin->word) & ~((uint64_t)1 << bit));
    word_store(&magazine->allocations, word_load(&magazine->allocations) + 1);
    return bin->base + (size_t)bit * bin->size;
}

static void span_begin(struct part *part, const struct bin *bin, const struct magazine *magazine,
                       uint32_t count)
{
    unsigned shift = bits_first(bin->size);

    part->size = bin->size;
    part->previous = SLOT_UNLISTED;
    part->last = (uint8_t)(count - 1);
    part->shift = (uint8_t)shift;
    part->inverse = inverse_of(bin->size >> shift);
    part->magazine = (uint8_t)magazine->number;
    for (unsigned i = 0; i < SPAN_WORDS; i++)
        word_store(&part->free[i], span_mask(part, i));
    part->kind = bin->kind;
}

/* The frames and the descriptor of a new span; NULL: no memory. */
static struct part *span_make(struct magazine *magazine, const struct bin *bin)
{
    struct coffer_pool *pool = magazine->pool;

    for (struct source *source = pool->sources; source < pool->sources + 2; source++) {
        struct part *part = part_take(pool, source);

        if (part == NULL)
            continue;
        part->base = source_take(pool, source, pool->spare ? magazine->owner : source->owner,
                                 FRAMES_SPAN, bin->frames, part);
        if (part->base != NULL) {
            span_begin(part, bin, magazine, bin->frames * FRAME_SIZE / bin->size);
            if (pool->settings.poison)
                memset(part->base, COFFER_POOL_POISON, (size_t)bin->frames * FRAME_SIZE);
            return part;
        }
        part_give(pool, source, part);
    }
    return NULL;
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
        if (bin_is_open(pool, bin))
            bin_list(pool, bin, part);
        else
            (void)bin_set_word(pool, bin, part);
    }
    return bin_is_open(pool, bin) || bin_next_word(pool, bin);
}

/* Nothing of the span is in use, and it is on no list. As bin_add_span: without the lock. */
static size_t drop_span(struct magazine *magazine, struct part *part)
{
    struct coffer_pool *pool = magazine->pool;
    struct source *source = part_source(pool, part);
    uint32_t frames = span_frames(part);

    spin_give(&magazine->lock);
    source_give(pool, source, part->base, frames);
    part_give(pool, source, part);
    spin_take(&magazine->lock);
    return frames;
}

/* What is rare: there is no bin yet, somebody asks for memory, or no span has room. */
static void *refill_rare(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    struct bin *bin = magazine->bins[bin_index(pool, kind)];

    if (bin == &pool->none) {
        bin = bin_open(magazine, kind);
        if (bin == NULL)
            return NULL;
    }
    if (atomic_load_explicit(&magazine->trim, memory_order_relaxed)) {
        atomic_store_explicit(&magazine->trim, false, memory_order_relaxed);
        (void)magazine_trim(magazine);
    }
    if ((magazine_collect(magazine) && (bin_is_open(pool, bin) || bin_next_word(pool, bin))) ||
        bin_add_span(magazine, bin))
        return take_block(magazine, bin);
    bin->current = NULL;
    bin->word = &pool->nothing;
    magazine->filled[bin_index(pool, kind) / 64] &= ~((uint64_t)1 << bin_index(pool, kind) % 64);
    return NULL;
}

/*
 * Spans that are almost full yield a block or two each, and then every other call has to change
 * spans. When many words in a row were like that, and frames aren't scarce, a new span makes room:
 * until 1/YIELD_SHARE of a word's blocks are free on the average when its turn comes.
 */
static bool bin_is_poor(struct coffer_pool *pool, struct bin *bin)
{
    unsigned blocks = bin->current->last < 64 ? bin->current->last + 1u : 64;
    bool poor;

    bin->yield += (uint16_t)bits_count(word_load(bin->word));
    if (++bin->refills < YIELD_WINDOW)
        return false;
    poor = bin->yield * YIELD_SHARE < YIELD_WINDOW * blocks;
    bin->refills = 0;
    bin->yield = 0;
    return poor && !pool->spare && !atomic_load_explicit(&pool->scarce, memory_order_relaxed);
}

void *magazine_refill(struct magazine *magazine, unsigned kind)
{
    struct coffer_pool *pool = magazine->pool;
    struct bin *bin = magazine->bins[bin_index(pool, kind)];

    if (bin_next_word(pool, bin)) {
        if (bin_is_poor(pool, bin))
            (void)bin_add_span(magazine, bin);
        return take_block(magazine, bin);
    }
    return refill_rare(magazine, kind);
}

void *magazine_borrow(struct magazine *magazine, unsigned kind, size_t alignment)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned from = bin_index(pool, kind);
    unsigned end = from < CLASS_COUNT ? CLASS_COUNT : BIN_COUNT;

    for (unsigned index = from + 1; index < end && index < pool->bin_count; index++) {
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
        if (bin_is_open(pool, bin) || bin_next_word(pool, bin))
            return take_block(magazine, bin);
    }
    return NULL;
}

/* Nothing of a span is in use: it goes. The last one with room stays: going to and fro should be
 * no work. */
static void span_emptied(struct magazine *magazine, struct bin *bin, struct part *part)
{
    struct coffer_pool *pool = magazine->pool;

    if (part != bin->current && (bin->head != bin->tail || bin_is_open(pool, bin))) {
        bin_unlist(pool, bin, part);
        (void)drop_span(magazine, part);
    }
}

void magazine_freed(struct magazine *magazine, struct part *part, uint64_t word)
{
    struct coffer_pool *pool = magazine->pool;
    unsigned index = bin_index(pool, part->kind);
    struct bin *bin = magazine->bins[index];

    if (part != bin->current && part->previous == SLOT_UNLISTED) {
        if (bin->head == SLOT_NONE)
            mark_filled(magazine, index);
        bin_list(pool, bin, part);
    }
    if ((word & (word + 1)) == 0 && span_is_empty(part))
        span_emptied(magazine, bin, part);
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
        if (span_is_empty(listed)) {
            bin_unlist(pool, bin, listed);
            listed->next = dropped;
            dropped = name;
        }
    }
    if (part != NULL && span_is_empty(part)) {
        bin->current = NULL;
        bin->word = &pool->nothing;
        part->next = dropped;
        dropped = part_name(pool, part);
    }
    while (dropped != SLOT_NONE) {
        part = part_at(pool, dropped);
        dropped = part->next;
        frames += drop_span(magazine, part);
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
