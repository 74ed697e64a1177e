/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames from the sources, and slots for descriptors in some of them. */
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/heap/magazines.h"

#define CHUNKS_TRIED (8u + PORT_SLOTS_MAX) /* before another one is made */

static bool source_reserve(struct coffer_pool *pool, struct pool_source *source, uint64_t count)
{
    bool fits;

    spin_take(&pool->lock);
    fits = source->frames != NULL && source->frame_count <= source->frame_max &&
           count <= source->frame_max - source->frame_count;
    if (fits)
        source->frame_count += count;
    spin_give(&pool->lock);
    return fits;
}

void *source_take(struct coffer_pool *pool, struct pool_source *source, struct owner owner,
                  enum frames_keep keep, size_t count, const struct part *part)
{
    return source_take_aligned(pool, source, owner, keep, count, 1, part);
}

void *source_take_aligned(struct coffer_pool *pool, struct pool_source *source, struct owner owner,
                          enum frames_keep keep, size_t count, size_t alignment,
                          const struct part *part)
{
    uint32_t tag = part == NULL ? 0 : slot_name(source, part) & ~SLOT_OUTER;
    void *address;

    if (count > FRAMES_TOTAL_MAX || !source_reserve(pool, source, count))
        return NULL;
    if ((!pool->spare && !account_allows(source->account, owner, count * FRAME_SIZE)) ||
        frames_try_kept(source->frames, owner, count, alignment, keep, tag, &address) !=
            COFFER_OK) {
        spin_take(&pool->lock);
        source->frame_count -= count;
        spin_give(&pool->lock);
        atomic_store_explicit(&pool->scarce, true, memory_order_relaxed);
        return NULL;
    }
    if (count > 1)
        frames_tag_kept(source->frames, address, (uint32_t)count, tag);
    if (keep == FRAMES_SPAN && pool->settings.zero && source->frames->keep_contents)
        wipe(address, count * FRAME_SIZE);
    return address;
}

void source_give(struct coffer_pool *pool, struct pool_source *source, void *address, size_t count)
{
    frames_give_kept(source->frames, address);
    spin_take(&pool->lock);
    source->frame_count -= count;
    spin_give(&pool->lock);
    if (atomic_load_explicit(&pool->scarce, memory_order_relaxed))
        atomic_store_explicit(&pool->scarce, false, memory_order_relaxed);
}

uint64_t source_limit(struct coffer_pool *pool, const struct pool_source *source,
                      struct owner owner)
{
    const struct account_line *line;
    uint64_t limit;
    uint64_t quota;

    if (source->frames == NULL)
        return 0;
    spin_take(&pool->lock);
    limit = source->frame_max > source->frame_count ? source->frame_max - source->frame_count : 0;
    spin_give(&pool->lock);
    spin_take(&source->account->lock);
    line = &source->account->lines[owner.index];
    quota = account_line_quota(line) > line->frames ? account_line_quota(line) - line->frames : 0;
    spin_give(&source->account->lock);
    return limit < quota ? limit : quota;
}

bool sources_ask(struct coffer_pool *pool, struct owner owner, size_t count,
                 struct frames_plea *plea)
{
    for (struct pool_source *source = pool->sources; source < pool->sources + 2; source++) {
        if (count <= source_limit(pool, source, pool->spare ? owner : source->owner) &&
            frames_ask(source->frames, count, plea))
            return true;
    }
    return false;
}

static uint32_t *chunk_list_of(struct pool_source *source, const struct part *chunk)
{
    return &source->chunks[chunk->chunk.used == UINT64_MAX];
}

static void chunk_list(struct coffer_pool *pool, struct pool_source *source, struct part *chunk)
{
    uint32_t *head = chunk_list_of(source, chunk);

    chunk->previous = SLOT_NONE;
    chunk->next = *head;
    if (chunk->next != SLOT_NONE)
        part_at(pool, chunk->next)->previous = slot_name(source, chunk);
    *head = slot_name(source, chunk);
}

bool slot_exists(struct coffer_pool *pool, uint32_t name)
{
    const uint32_t number = (name & ~SLOT_OUTER) / CHUNK_SLOTS;
    const struct frames *frames = pool->sources[(name & SLOT_OUTER) != 0].frames;
    const struct segment *last;

    if (frames == NULL)
        return false;
    last = &frames->segments[frames->segment_count - 1];
    return number < last->first_number + last->frame_count &&
           frames_tag(frames, frames_address(frames, number)) ==
               (number * CHUNK_SLOTS | FRAMES_TAG_KEPT);
}

static bool chunk_is_at(struct coffer_pool *pool, uint32_t name)
{
    return name % CHUNK_SLOTS == 0 && slot_exists(pool, name);
}

/* Does it stand on its list? What a block in the frame before overflowed with may be there instead
 * of its links. */
static bool chunk_is_listed(struct coffer_pool *pool, struct pool_source *source,
                            const struct part *chunk)
{
    const uint32_t name = slot_name(source, chunk);

    if (kind_load(chunk) != PART_CHUNK || chunk->pool != pool)
        return false;
    if (chunk->next != SLOT_NONE &&
        (!chunk_is_at(pool, chunk->next) || part_at(pool, chunk->next)->previous != name))
        return false;
    if (chunk->previous == SLOT_NONE)
        return *chunk_list_of(source, (struct part *)(uintptr_t)chunk) == name;
    return chunk_is_at(pool, chunk->previous) && part_at(pool, chunk->previous)->next == name;
}

static void chunk_unlist(struct coffer_pool *pool, struct pool_source *source,
                         const struct part *chunk)
{
    if (chunk->next != SLOT_NONE)
        part_at(pool, chunk->next)->previous = chunk->previous;
    if (chunk->previous != SLOT_NONE)
        part_at(pool, chunk->previous)->next = chunk->next;
    else
        *chunk_list_of(source, chunk) = chunk->next;
}

void chunk_begin(struct coffer_pool *pool, struct pool_source *source, struct part *chunk,
                 unsigned count)
{
    chunk->pool = pool;
    owner_store(chunk, (source->bit != 0 ? OWNER_OUTER : pool->token) + 2 * MAGAZINE_NONE);
    kind_store(chunk, PART_CHUNK);
    chunk->chunk.used = ((uint64_t)1 << (1 + count)) - 1;
    chunk_list(pool, source, chunk);
}

/* The first of `count` neighbouring free slots of a chunk; 0 when there are none. */
static unsigned chunk_find(const struct part *chunk, unsigned count)
{
    uint64_t free = ~chunk->chunk.used;

    for (unsigned i = 1; i < count; i++)
        free &= free >> 1;
    return free == 0 ? 0 : bits_first(free);
}

/* Is it a chunk for this magazine? One that is nobody's yet becomes so. What a thread writes at
 * each call would otherwise lie side by side with what another does, and each would wait for the
 * other's cache: of two lines at once, as many processors fetch them in pairs. */
static bool chunk_is_for(struct part *chunk, unsigned number)
{
    if (chunk->size == CHUNK_ANYBODY)
        chunk->size = number + 1;
    return chunk->size == number + 1;
}

/* Slots in one of the first chunks of those that have any, of the magazine's own or `of_any`; NULL
 * when none has so many in a row. */
static void *slots_find(struct coffer_pool *pool, struct pool_source *source, unsigned count,
                        uint64_t parts, unsigned number, bool of_any)
{
    uint32_t name = source->chunks[0];

    for (unsigned tried = 0; name != SLOT_NONE && tried < CHUNKS_TRIED; tried++) {
        struct part *chunk = part_at(pool, name);
        unsigned slot = of_any || chunk_is_for(chunk, number) ? chunk_find(chunk, count) : 0;

        if (slot != 0) {
            if (!chunk_is_listed(pool, source, chunk))
                return NULL;
            chunk_unlist(pool, source, chunk);
            chunk->chunk.used |= (((uint64_t)1 << count) - 1) << slot;
            chunk->chunk.parts |= parts << slot;
            chunk_list(pool, source, chunk);
            return (char *)chunk + (size_t)slot * SLOT_SIZE;
        }
        name = chunk->next;
        if (name != SLOT_NONE && !chunk_is_at(pool, name))
            return NULL;
    }
    return NULL;
}

/* Zeroed slots in a row; `parts` is 1 for a part. */
static void *slots_take(struct coffer_pool *pool, struct pool_source *source, unsigned count,
                        uint64_t parts)
{
    unsigned number = magazine_own_number(pool);
    struct part *chunk;
    void *slot;

    assert_debug(count > 0 && count < CHUNK_SLOTS);
    if (source->frames == NULL)
        return NULL;
    spin_take(&pool->lock);
    slot = slots_find(pool, source, count, parts, number, false);
    spin_give(&pool->lock);
    if (slot != NULL)
        return slot;

    chunk = source_take(pool, source, source->owner, FRAMES_CHUNK, 1, NULL);
    if (chunk == NULL) {
        spin_take(&pool->lock);
        slot = slots_find(pool, source, count, parts, number, true);
        spin_give(&pool->lock);
        return slot;
    }
    if (frames_number(source->frames, chunk) >= SLOT_FRAME_MAX) {
        source_give(pool, source, chunk, 1);
        return NULL;
    }
    spin_take(&pool->lock);
    chunk_begin(pool, source, chunk, 0);
    frames_tag_kept(source->frames, chunk, 1, slot_name(source, chunk) & ~SLOT_OUTER);
    slot = slots_find(pool, source, count, parts, number, false);
    spin_give(&pool->lock);
    return slot;
}

void *slots_keep(struct coffer_pool *pool, size_t size)
{
    unsigned count = (unsigned)((size + SLOT_SIZE - 1) / SLOT_SIZE);
    void *slots = slots_take(pool, &pool->sources[0], count, 0);

    return slots != NULL ? slots : slots_take(pool, &pool->sources[1], count, 0);
}

/* The chunk, when it has become empty and is to be given back. */
static struct part *slots_give(struct coffer_pool *pool, struct pool_source *source, void *slot,
                               unsigned count)
{
    struct part *chunk = (struct part *)(void *)((uintptr_t)slot & ~(uintptr_t)(FRAME_SIZE - 1));
    unsigned place = (unsigned)((uintptr_t)slot % FRAME_SIZE / SLOT_SIZE);

    if (!chunk_is_listed(pool, source, chunk))
        return NULL; /* overwritten: it stays as it is */
    wipe(slot, (size_t)count * SLOT_SIZE);
    chunk_unlist(pool, source, chunk);
    chunk->chunk.used &= ~((((uint64_t)1 << count) - 1) << place);
    chunk->chunk.parts &= ~((uint64_t)1 << place);
    if (chunk->chunk.used == 1)
        return chunk;
    chunk_list(pool, source, chunk);
    return NULL;
}

void slots_return(struct coffer_pool *pool, void *slots, size_t size)
{
    struct pool_source *source = part_source(pool, slots);
    struct part *chunk;

    spin_take(&pool->lock);
    chunk = slots_give(pool, source, slots, (unsigned)((size + SLOT_SIZE - 1) / SLOT_SIZE));
    spin_give(&pool->lock);
    if (chunk != NULL)
        source_give(pool, source, chunk, 1);
}

/* What it was is forgotten, but for what other threads may still be about to write. */
static void part_blank(struct part *part)
{
    PART_SET(part, base, NULL);
    PART_SET(part, inverse, 0);
    PART_SET(part, size, 0);
    kind_store(part, PART_UNUSED);
    PART_SET(part, last, 0);
    part->head = part->left = 0;
    part->next = part->previous = SLOT_NONE;
    part_set_number(part, MAGAZINE_NONE);
    atomic_store_explicit(&part->remote_owner, MAGAZINE_NONE, memory_order_release);
}

struct part *part_take(struct coffer_pool *pool, struct pool_source *source, unsigned slots)
{
    struct part *part = NULL;

    if (pool->port != NULL) {
        uint32_t *unused = &source->unused[slots];

        spin_take(&pool->lock);
        if (*unused != SLOT_NONE) {
            part = part_at(pool, *unused);
            *unused = part->next;
            part->next = SLOT_NONE;
        }
        spin_give(&pool->lock);
    }
    if (part == NULL) {
        part = slots_take(pool, source, slots > 0 ? slots : 1, 1);
        if (part == NULL)
            return NULL;
        part_blank(part);
        owner_store(part, (source->bit != 0 ? OWNER_OUTER : pool->token) + 2 * MAGAZINE_NONE);
    }
    return part;
}

void part_give(struct coffer_pool *pool, struct pool_source *source, struct part *part)
{
    struct part *chunk = NULL;
    unsigned slots = part_slots(part);

    spin_take(&pool->lock);
    if (pool->port == NULL) {
        chunk = slots_give(pool, source, part, slots);
    } else {
        uint32_t *unused = &source->unused[part->last > 0 ? slots : 0];

        part_blank(part);
        part->next = *unused;
        *unused = slot_name(source, part);
    }
    spin_give(&pool->lock);
    if (chunk != NULL)
        source_give(pool, source, chunk, 1);
}

struct part *part_take_frames(struct coffer_pool *pool, struct pool_source *source, size_t count,
                              uint8_t **first)
{
    struct part *part = part_take(pool, source, 0);

    if (part == NULL)
        return NULL;
    *first = source_take(pool, source, source->owner, FRAMES_SPAN, count, part);
    if (*first == NULL) {
        part_give(pool, source, part);
        return NULL;
    }
    if (pool->settings.poison)
        memset(*first, COFFER_POOL_POISON, count * FRAME_SIZE);
    return part;
}

size_t part_give_frames(struct coffer_pool *pool, struct part *part, size_t count)
{
    struct pool_source *source = part_source(pool, part);

    source_give(pool, source, part->base, count);
    part_give(pool, source, part);
    return count;
}

bool parts_grow(struct coffer_pool *pool, struct pool_source *source, size_t least, size_t most,
                bool (*add)(struct coffer_pool *pool, struct pool_source *source, size_t count))
{
    for (size_t count = most; count > least; count /= 2) {
        if (add(pool, source, count))
            return true;
    }
    return add(pool, source, least);
}

/* The cursor moves on to the next chunk with parts; false: there is none. Under the lock. */
static bool cursor_turn(struct coffer_pool *pool, struct parts_cursor *cursor)
{
    while (cursor->left == 0) {
        struct pool_source *source = &pool->sources[cursor->source];

        if (cursor->chunk != SLOT_NONE) {
            cursor->chunk = part_at(pool, cursor->chunk)->next;
        } else if (cursor->list < 2 && source->frames != NULL) {
            cursor->chunk = source->chunks[cursor->list++];
        } else if (cursor->source == 0) {
            *cursor = (struct parts_cursor){.source = 1};
        } else {
            return false;
        }
        if (cursor->chunk != SLOT_NONE && !chunk_is_at(pool, cursor->chunk))
            cursor->chunk = SLOT_NONE;
        if (cursor->chunk != SLOT_NONE)
            cursor->left = part_at(pool, cursor->chunk)->chunk.parts;
    }
    return true;
}

struct part *parts_next(struct coffer_pool *pool, struct parts_cursor *cursor)
{
    struct part *part;

    do {
        unsigned slot;

        if (cursor->left == 0) {
            bool more;

            spin_take(&pool->lock);
            more = cursor_turn(pool, cursor);
            spin_give(&pool->lock);
            if (!more)
                return NULL;
        }
        slot = bits_first(cursor->left);
        cursor->left &= cursor->left - 1;
        part = part_at(pool, cursor->chunk + slot);
    } while (!pool_owns(pool, part));
    return part;
}
