/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans, their descriptors, and blocks.
 *
 * Descriptors lie in chunks: frames of 64 slots of 64 bytes, the first of them the chunk's own
 * head. A descriptor is named by one number, frame number times 64 plus slot, which fits a frame's
 * tag; 0 is no descriptor. The heap itself lies in the first slots of the first chunk, so that a
 * small heap costs one frame beside its blocks.
 */
#include "memory/heap/heap.h"

#include <string.h>

#include "base/assert.h"
#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/list.h"
#include "memory/frames/kept.h"

#define SLOT_SIZE   64u
#define CHUNK_SLOTS (FRAME_SIZE / SLOT_SIZE)
#define SPAN_WORDS  (FRAME_SIZE / HEAP_ALIGNMENT / 64)
#define CLASS_COUNT 22u
#define CLASS_STEPS (HEAP_SMALL_MAX / HEAP_ALIGNMENT)

/* Block sizes: small steps first, and from 320 bytes on those that fill a frame best. */
static const uint16_t class_sizes[CLASS_COUNT] = {16,  32,  48,  64,   80,   96,  112, 128,
                                                  160, 192, 224, 256,  320,  384, 448, 512,
                                                  576, 672, 816, 1024, 1360, 2048};

struct span {
    uint64_t used[SPAN_WORDS]; /* a bit a block: allocated */
    uint8_t *frame;
    struct heap *heap;
    uint32_t next; /* spans of the same owner and class with room */
    uint32_t previous;
    uint16_t used_count;
    uint16_t block_count;
    uint8_t class;
    uint8_t owner;
};

_Static_assert(sizeof(struct span) <= SLOT_SIZE, "a descriptor fits its slot");

struct chunk {
    struct list link; /* of the heap's chunks, those with free slots first */
    uint64_t used;    /* a bit a slot, the head's own included */
};

struct heap {
    struct chunk home; /* must come first */
    struct list chunks;
    struct frames *frames;
    struct account *account;
    struct owner self;
    uint32_t number; /* of the home frame: the tag of large blocks */
    struct heap_statistics statistics;
    uint32_t empty_count; /* spans without blocks */
    uint32_t empty_max;
    uint8_t class_of[CLASS_STEPS]; /* by size in steps of HEAP_ALIGNMENT, rounded up, less one */
    uint32_t rooms[ACCOUNT_OWNERS_DEFAULT][CLASS_COUNT]; /* lists of spans with room */
};

#define HOME_SLOTS ((sizeof(struct heap) + SLOT_SIZE - 1) / SLOT_SIZE)

_Static_assert(HOME_SLOTS < CHUNK_SLOTS, "the home has room for descriptors");

static struct span *span_at(const struct heap *heap, uint32_t name)
{
    uint8_t *chunk = frames_address(heap->frames, name / CHUNK_SLOTS);

    return (struct span *)(void *)(chunk + (size_t)(name % CHUNK_SLOTS) * SLOT_SIZE);
}

static struct chunk *chunk_of(const struct heap *heap, uint32_t name)
{
    return frames_address(heap->frames, name / CHUNK_SLOTS);
}

static void rooms_insert(struct heap *heap, uint32_t name, struct span *span)
{
    uint32_t *head = &heap->rooms[span->owner][span->class];

    span->previous = 0;
    span->next = *head;
    if (*head != 0)
        span_at(heap, *head)->previous = name;
    *head = name;
}

static void rooms_remove(struct heap *heap, const struct span *span)
{
    if (span->next != 0)
        span_at(heap, span->next)->previous = span->previous;
    if (span->previous != 0)
        span_at(heap, span->previous)->next = span->next;
    else
        heap->rooms[span->owner][span->class] = span->next;
}

/* A free slot for a descriptor, in a new chunk if need be; 0 when there is no memory. */
static uint32_t take_slot(struct heap *heap)
{
    struct chunk *chunk = list_entry(heap->chunks.next, struct chunk, link);
    void *frame;
    unsigned slot;

    if (chunk->used == UINT64_MAX) {
        if (frames_take_kept(heap->frames, heap->self, 1, FRAMES_CHUNK, heap->number, &frame) !=
            COFFER_OK)
            return 0;
        account_take_bytes(heap->account, heap->self, FRAME_SIZE);
        chunk = frame;
        chunk->used = 1;
        list_insert_after(&heap->chunks, &chunk->link);
    }

    slot = bits_first(~chunk->used);
    chunk->used |= (uint64_t)1 << slot;
    if (chunk->used == UINT64_MAX) {
        list_remove(&chunk->link);
        list_insert_before(&heap->chunks, &chunk->link);
    }
    return frames_number(heap->frames, chunk) * CHUNK_SLOTS + slot;
}

static void give_slot(struct heap *heap, uint32_t name)
{
    struct chunk *chunk = chunk_of(heap, name);

    wipe(span_at(heap, name), SLOT_SIZE);
    chunk->used &= ~((uint64_t)1 << name % CHUNK_SLOTS);
    list_remove(&chunk->link);
    if (chunk->used == 1) {
        account_give_bytes(heap->account, heap->self, FRAME_SIZE);
        frames_give_kept(heap->frames, chunk);
        return;
    }
    list_insert_after(&heap->chunks, &chunk->link);
}

/* A new span without blocks, first of its list; 0 when there is no memory. */
static uint32_t make_span(struct heap *heap, struct owner owner, uint8_t class)
{
    uint32_t name = take_slot(heap);
    struct span *span;
    void *frame;

    if (name == 0)
        return 0;
    if (frames_take_kept(heap->frames, owner, 1, FRAMES_SPAN, name, &frame) != COFFER_OK) {
        give_slot(heap, name);
        return 0;
    }

    span = span_at(heap, name);
    span->frame = frame;
    span->heap = heap;
    span->block_count = (uint16_t)(FRAME_SIZE / class_sizes[class]);
    span->class = class;
    span->owner = owner.index;
    rooms_insert(heap, name, span);
    heap->statistics.spans++;
    heap->empty_count++;
    return name;
}

static void drop_span(struct heap *heap, uint32_t name)
{
    struct span *span = span_at(heap, name);

    rooms_remove(heap, span);
    frames_give_kept(heap->frames, span->frame);
    give_slot(heap, name);
    heap->statistics.spans--;
    heap->empty_count--;
}

bool heap_shrink(struct heap *heap)
{
    bool any = heap->empty_count > 0;

    for (unsigned owner = 0; heap->empty_count > 0 && owner < ACCOUNT_OWNERS_DEFAULT; owner++) {
        for (unsigned class = 0; class < CLASS_COUNT; class ++) {
            uint32_t next;

            for (uint32_t name = heap->rooms[owner][class]; name != 0; name = next) {
                const struct span *span = span_at(heap, name);

                next = span->next;
                if (span->used_count == 0)
                    drop_span(heap, name);
            }
        }
    }
    return any;
}

enum coffer_status heap_init(struct frames *frames, struct account *account, struct owner self,
                             struct heap **out)
{
    struct heap *heap;
    void *home;
    unsigned class = 0;
    uint64_t empty_max = frames_usable_count(frames) / 64;

    if (!account_has(account, self))
        return COFFER_MISUSE;
    if (!account_allows(account, self, FRAME_SIZE) ||
        frames_take_kept(frames, self, 1, FRAMES_CHUNK, 0, &home) != COFFER_OK) {
        account_refused(account, self);
        return COFFER_NO_MEMORY;
    }
    account_take_bytes(account, self, FRAME_SIZE);

    heap = home;
    heap->frames = frames;
    heap->account = account;
    heap->self = self;
    heap->number = frames_number(frames, home);
    heap->empty_max = empty_max > 64 ? 64 : (uint32_t)empty_max;
    heap->home.used = ((uint64_t)1 << HOME_SLOTS) - 1;
    list_init(&heap->chunks);
    list_insert_after(&heap->chunks, &heap->home.link);
    for (unsigned step = 0; step < CLASS_STEPS; step++) {
        if ((step + 1) * HEAP_ALIGNMENT > class_sizes[class])
            class ++;
        heap->class_of[step] = (uint8_t) class;
    }
    *out = heap;
    return COFFER_OK;
}

void heap_fini(struct heap *heap)
{
    struct frames *frames = heap->frames;
    struct account *account = heap->account;
    struct owner self = heap->self;
    struct kept_run run;
    uint64_t cursor = 0;

    /* The blocks first: their descriptors tell what they are. */
    while (frames_next_kept(frames, &cursor, &run)) {
        if (run.keep == FRAMES_BLOCK && run.tag == heap->number) {
            account_give_bytes(account, run.owner, (size_t)run.count * FRAME_SIZE);
            frames_give_kept(frames, run.address);
        } else if (run.keep == FRAMES_SPAN && span_at(heap, run.tag)->heap == heap) {
            const struct span *span = span_at(heap, run.tag);

            for (unsigned i = 0; i < span->used_count; i++)
                account_give_bytes(account, run.owner, class_sizes[span->class]);
            frames_give_kept(frames, run.address);
        }
    }

    list_remove(&heap->home.link);
    while (!list_is_empty(&heap->chunks)) {
        struct chunk *chunk = list_entry(heap->chunks.next, struct chunk, link);

        list_remove(&chunk->link);
        account_give_bytes(account, self, FRAME_SIZE);
        frames_give_kept(frames, chunk);
    }
    account_give_bytes(account, self, FRAME_SIZE);
    frames_give_kept(frames, heap);
}

static unsigned first_unused(const struct span *span)
{
    unsigned word = 0;

    while (span->used[word] == UINT64_MAX)
        word++;
    return word * 64 + bits_first(~span->used[word]);
}

static void *alloc_small(struct heap *heap, struct owner owner, size_t size)
{
    uint8_t class = heap->class_of[(size - 1) / HEAP_ALIGNMENT];
    uint32_t name = heap->rooms[owner.index][class];
    struct span *span;
    unsigned block;

    if (name == 0)
        name = make_span(heap, owner, class);
    if (name == 0)
        return NULL;

    span = span_at(heap, name);
    block = first_unused(span);
    if (span->used_count == 0)
        heap->empty_count--;
    span->used[block / 64] |= (uint64_t)1 << block % 64;
    span->used_count++;
    if (span->used_count == span->block_count)
        rooms_remove(heap, span);
    account_take_bytes(heap->account, owner, class_sizes[class]);
    heap->statistics.bytes += class_sizes[class];
    return span->frame + (size_t)block * class_sizes[class];
}

static void *alloc_large(struct heap *heap, struct owner owner, size_t size)
{
    size_t count = size / FRAME_SIZE + (size % FRAME_SIZE != 0);
    void *block;

    if (frames_take_kept(heap->frames, owner, count, FRAMES_BLOCK, heap->number, &block) !=
        COFFER_OK)
        return NULL;
    account_take_bytes(heap->account, owner, count * FRAME_SIZE);
    heap->statistics.bytes += count * FRAME_SIZE;
    heap->statistics.large_runs++;
    return block;
}

enum coffer_status heap_alloc(struct heap *heap, struct owner owner, size_t size, void **out)
{
    void *block = NULL;

    if (size == 0 || !account_has(heap->account, owner))
        return COFFER_MISUSE;

    if (account_allows(heap->account, owner, size)) {
        do {
            block = size <= HEAP_SMALL_MAX ? alloc_small(heap, owner, size)
                                           : alloc_large(heap, owner, size);
        } while (block == NULL && heap_shrink(heap));
    }
    if (block == NULL) {
        account_refused(heap->account, owner);
        return COFFER_NO_MEMORY;
    }
    assert_deep(bytes_are_zero(block, size));
    heap->statistics.blocks++;
    *out = block;
    return COFFER_OK;
}

/* Where an allocated block is. */
struct found {
    struct kept_run run;
    struct span *span; /* NULL: a large block */
    unsigned block;
    size_t size;
};

static bool find_block(const struct heap *heap, const void *block, struct found *out)
{
    size_t offset;

    if (!frames_find_kept(heap->frames, block, &out->run))
        return false;

    offset = (size_t)((uintptr_t)block - (uintptr_t)out->run.address);
    if (out->run.keep == FRAMES_BLOCK) {
        out->span = NULL;
        out->size = (size_t)out->run.count * FRAME_SIZE;
        return offset == 0 && out->run.tag == heap->number;
    }
    if (out->run.keep != FRAMES_SPAN)
        return false;

    out->span = span_at(heap, out->run.tag);
    if (out->span->heap != heap)
        return false;
    out->size = class_sizes[out->span->class];
    out->block = (unsigned)(offset / out->size);
    /* The frame's rest behind the last block has no bit that could be set. */
    return offset % out->size == 0 &&
           (out->span->used[out->block / 64] >> out->block % 64 & 1) != 0;
}

static void free_small(struct heap *heap, const struct found *found)
{
    struct span *span = found->span;
    uint32_t name = found->run.tag;

    span->used[found->block / 64] &= ~((uint64_t)1 << found->block % 64);
    if (span->used_count == span->block_count)
        rooms_insert(heap, name, span);
    span->used_count--;
    if (span->used_count > 0)
        return;

    /* Empty. One a list may stay, as long as all of them are a small part of the memory. */
    heap->empty_count++;
    if (span->next != 0 || span->previous != 0 || heap->empty_count > heap->empty_max)
        drop_span(heap, name);
}

enum coffer_status heap_free(struct heap *heap, void *block)
{
    struct found found;

    if (!find_block(heap, block, &found)) {
        heap->account->wrong_frees++;
        return COFFER_MISUSE;
    }

    account_give_bytes(heap->account, found.run.owner, found.size);
    heap->statistics.blocks--;
    heap->statistics.bytes -= found.size;
    wipe(block, found.size);
    if (found.span != NULL) {
        free_small(heap, &found);
    } else {
        heap->statistics.large_runs--;
        frames_give_kept(heap->frames, block);
    }
    return COFFER_OK;
}

size_t heap_usable_size(const struct heap *heap, const void *block)
{
    struct found found;

    return find_block(heap, block, &found) ? found.size : 0;
}

struct heap_statistics heap_statistics(const struct heap *heap)
{
    return heap->statistics;
}

/* A span's counts and bits agree with each other and with the frame they describe. */
static bool span_is_valid(const struct heap *heap, const struct kept_run *run)
{
    const struct span *span = span_at(heap, run->tag);
    unsigned used = 0;

    if (run->count != 1 || span->frame != run->address || span->owner != run->owner.index ||
        span->class >= CLASS_COUNT || span->block_count != FRAME_SIZE / class_sizes[span->class])
        return false;
    if ((chunk_of(heap, run->tag)->used >> run->tag % CHUNK_SLOTS & 1) == 0)
        return false;

    for (unsigned block = 0; block < SPAN_WORDS * 64; block++) {
        bool set = (span->used[block / 64] >> block % 64 & 1) != 0;

        if (set && block >= span->block_count)
            return false;
        used += set;
    }
    return used == span->used_count;
}

/* The lists of spans with room; counts their members, all and empty ones. */
static bool rooms_are_valid(const struct heap *heap, uint64_t *count, uint64_t *empty_count)
{
    for (unsigned owner = 0; owner < ACCOUNT_OWNERS_DEFAULT; owner++) {
        for (unsigned class = 0; class < CLASS_COUNT; class ++) {
            uint32_t previous = 0;
            unsigned empties = 0;

            for (uint32_t name = heap->rooms[owner][class]; name != 0;) {
                const struct span *span = span_at(heap, name);

                if (span->heap != heap || span->owner != owner || span->class != class ||
                    span->previous != previous || span->used_count == span->block_count)
                    return false;
                empties += span->used_count == 0;
                ++*count;
                previous = name;
                name = span->next;
            }
            if (empties > 1)
                return false;
            *empty_count += empties;
        }
    }
    return true;
}

bool heap_is_valid(const struct heap *heap)
{
    struct heap_statistics seen = {.blocks = 0};
    uint64_t with_room = 0;
    uint64_t listed = 0;
    uint64_t empty_count = 0;
    uint64_t cursor = 0;
    struct kept_run run;

    while (frames_next_kept(heap->frames, &cursor, &run)) {
        if (run.keep == FRAMES_BLOCK && run.tag == heap->number) {
            seen.large_runs++;
            seen.blocks++;
            seen.bytes += (uint64_t)run.count * FRAME_SIZE;
        } else if (run.keep == FRAMES_SPAN && span_at(heap, run.tag)->heap == heap) {
            const struct span *span = span_at(heap, run.tag);

            if (!span_is_valid(heap, &run))
                return false;
            seen.spans++;
            seen.blocks += span->used_count;
            seen.bytes += (uint64_t)span->used_count * class_sizes[span->class];
            with_room += span->used_count < span->block_count;
        }
    }
    return rooms_are_valid(heap, &listed, &empty_count) && listed == with_room &&
           empty_count == heap->empty_count && empty_count <= heap->empty_max &&
           memcmp(&seen, &heap->statistics, sizeof(seen)) == 0;
}
