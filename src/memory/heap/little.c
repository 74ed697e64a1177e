/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The little policy. Blocks are found by looking for the next bit, in words of 64: a free block is
 * a run of zeros in `used`; an allocated one goes from its bit in `begins` to the next bit there or
 * the next zero in `used`, whichever comes first.
 *
 * What alignment beyond a granule's a block was asked with stands in `notes`, in the bits of its
 * first NOTE_BITS granules: the power of two over a granule, 0 for none. A block with a note has as
 * many granules.
 */
#include "memory/heap/little.h"

#include "base/bitmap.h"

struct little {
    uint8_t *base;  /* of the first granule */
    uint32_t count; /* granules */
    uint32_t word_count;
    uint64_t words[]; /* `used`, then `begins`, then `notes`, of word_count words each */
};

#define NOTE_BITS 4u

_Static_assert(LITTLE_REGION_MAX / LITTLE_GRANULE < 1u << (1u << NOTE_BITS), "a note's range");

static const uint64_t *used_words(const struct little *little)
{
    return little->words;
}

static const uint64_t *begins_words(const struct little *little)
{
    return little->words + little->word_count;
}

static uint64_t *notes_words(struct little *little)
{
    return little->words + 2 * (size_t)little->word_count;
}

static bool has_bit(const uint64_t *words, uint32_t bit)
{
    return (words[bit / 64] >> bit % 64 & 1) != 0;
}

/* Set or clear the bits [from, to) of a bitmap. */
static void write_bits(uint64_t *words, uint32_t from, uint32_t to, bool value)
{
    while (from < to) {
        uint32_t count = 64 - from % 64 < to - from ? 64 - from % 64 : to - from;
        uint64_t mask = UINT64_MAX >> (64 - count) << from % 64;

        if (value)
            words[from / 64] |= mask;
        else
            words[from / 64] &= ~mask;
        from += count;
    }
}

/* The places where free memory begins and ends, by turns. */
struct edges {
    uint64_t bits;   /* those of the word `next - 1` that haven't been told */
    uint64_t before; /* is the granule before the word `next` free? */
    uint32_t next;
};

/* The next edge; the count behind the last one (where free memory at the end ends). */
static inline uint32_t next_edge(const struct little *little, struct edges *edges)
{
    uint32_t place;

    while (edges->bits == 0) {
        uint64_t free;

        if (edges->next == little->word_count)
            return little->count;
        free = ~used_words(little)[edges->next++];
        edges->bits = free ^ (free << 1 | edges->before);
        edges->before = free >> 63;
    }
    place = (edges->next - 1) * 64 + bits_first(edges->bits);
    edges->bits &= edges->bits - 1;
    return place;
}

/* The first granule from `from` on that is in use; the count when none is. */
static uint32_t next_used(const struct little *little, uint32_t from)
{
    const uint64_t *used = used_words(little);
    uint32_t word = from / 64;
    uint64_t bits;

    if (from >= little->count)
        return little->count;
    bits = used[word] & UINT64_MAX << from % 64;
    while (bits == 0 && ++word < little->word_count)
        bits = used[word];
    return bits == 0 ? little->count : word * 64 + bits_first(bits);
}

/* Where the allocated block that begins at `start` ends. */
static uint32_t block_end(const struct little *little, uint32_t start)
{
    const uint64_t *used = used_words(little);
    const uint64_t *begins = begins_words(little);
    uint32_t word = (start + 1) / 64;
    uint64_t bits;

    if (start + 1 >= little->count)
        return little->count;
    bits = (begins[word] | ~used[word]) & UINT64_MAX << (start + 1) % 64;
    while (bits == 0 && ++word < little->word_count)
        bits = begins[word] | ~used[word];
    return bits == 0 ? little->count : word * 64 + bits_first(bits);
}

/* The first granule of the allocated block that begins at an address; false when none does. */
static bool find_block(const struct little *little, const void *block, uint32_t *start)
{
    uintptr_t offset = (uintptr_t)block - (uintptr_t)little->base;

    if (offset % LITTLE_GRANULE != 0 || offset / LITTLE_GRANULE >= little->count)
        return false;
    *start = (uint32_t)(offset / LITTLE_GRANULE);
    return has_bit(begins_words(little), *start);
}

static uint32_t granules_for(size_t size)
{
    return (uint32_t)((size + LITTLE_GRANULE - 1) / LITTLE_GRANULE);
}

static uintptr_t round_up(uintptr_t address, uintptr_t unit)
{
    return (address + unit - 1) & ~(unit - 1);
}

static uint32_t words_for(size_t count)
{
    return (uint32_t)((count + 63) / 64);
}

/* Where the first of `count` granules lies when the head is at `head`. */
static uintptr_t base_for(uintptr_t head, size_t count)
{
    uintptr_t bits_end = head + sizeof(struct little) + 3 * sizeof(uint64_t) * words_for(count);

    return round_up(bits_end, LITTLE_GRANULE);
}

enum coffer_status little_init(void *region, size_t size, struct little **out)
{
    uintptr_t start = (uintptr_t)region;
    uintptr_t head = round_up(start, _Alignof(struct little));
    uintptr_t end = start + size;
    struct little *little;
    size_t count;

    if (region == NULL || size > LITTLE_REGION_MAX || size > UINTPTR_MAX - start)
        return COFFER_MISUSE;
    count = end > head ? (end - head) / LITTLE_GRANULE : 0;
    while (count > 0 && base_for(head, count) + count * LITTLE_GRANULE > end)
        count--;
    if (count == 0)
        return COFFER_NO_MEMORY;

    little = (struct little *)(void *)((uint8_t *)region + (head - start));
    little->base = (uint8_t *)region + (base_for(head, count) - start);
    little->count = (uint32_t)count;
    little->word_count = words_for(count);
    write_bits(little->words, 0, 3 * 64 * little->word_count, false);
    write_bits(little->words, little->count, 64 * little->word_count, true);
    write_bits(little->words + little->word_count, little->count, 64 * little->word_count, true);
    *out = little;
    return COFFER_OK;
}

bool little_is_intact(const struct little *little, size_t size)
{
    uint32_t count = little->count;
    uint32_t last;
    uint64_t behind;

    if (count == 0 || count > size / LITTLE_GRANULE || little->word_count != words_for(count) ||
        (uintptr_t)little->base != base_for((uintptr_t)little, count) ||
        (uintptr_t)little->base + (size_t)count * LITTLE_GRANULE > (uintptr_t)little + size)
        return false;
    if (count % 64 == 0)
        return true;
    last = little->word_count - 1;
    behind = UINT64_MAX << count % 64;
    return (used_words(little)[last] & begins_words(little)[last] & behind) == behind;
}

/* Granules that an aligned block leaves free before it in a free block. */
static uint32_t gap_before(const struct little *little, uint32_t start, size_t alignment)
{
    uintptr_t address = (uintptr_t)little->base + (size_t)start * LITTLE_GRANULE;

    if (alignment <= LITTLE_GRANULE)
        return 0;
    /* More than any region has if it is very far. */
    if (((0 - address) & (alignment - 1)) > LITTLE_REGION_MAX)
        return LITTLE_REGION_MAX;
    return (uint32_t)((0 - address) & (alignment - 1)) / LITTLE_GRANULE;
}

static void write_note(struct little *little, uint32_t start, size_t alignment)
{
    unsigned power = bits_first(alignment / LITTLE_GRANULE);

    for (unsigned bit = 0; bit < NOTE_BITS; bit++)
        write_bits(notes_words(little), start + bit, start + bit + 1, (power >> bit & 1) != 0);
}

/* The alignment that the block from `start` to `end` was asked with. */
static size_t read_note(const struct little *little, uint32_t start, uint32_t end)
{
    const uint64_t *notes = little->words + 2 * (size_t)little->word_count;
    unsigned power = 0;

    for (unsigned bit = 0; bit < NOTE_BITS && start + bit < end; bit++)
        power |= (unsigned)has_bit(notes, start + bit) << bit;
    return (size_t)LITTLE_GRANULE << power;
}

enum coffer_status little_alloc(struct little *little, size_t size, size_t alignment, void **out)
{
    struct edges edges = {0};
    uint32_t wanted;
    uint32_t start;
    uint32_t place = 0;
    uint32_t best = UINT32_MAX; /* length of the smallest block that fits */

    if (size == 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return COFFER_MISUSE;
    if (size > LITTLE_REGION_MAX)
        return COFFER_NO_MEMORY;

    wanted = granules_for(size);
    if (alignment > LITTLE_GRANULE && wanted < NOTE_BITS)
        wanted = NOTE_BITS;
    while (best != wanted && (start = next_edge(little, &edges)) < little->count) {
        uint32_t length = next_edge(little, &edges) - start;
        uint32_t gap;

        if (length < wanted || length >= best)
            continue;
        gap = gap_before(little, start, alignment);
        if (gap + wanted <= length) {
            best = length;
            place = start + gap;
        }
    }
    if (best == UINT32_MAX)
        return COFFER_NO_MEMORY;

    write_bits(little->words, place, place + wanted, true);
    write_bits(little->words + little->word_count, place, place + 1, true);
    if (alignment > LITTLE_GRANULE)
        write_note(little, place, alignment);
    *out = little->base + (size_t)place * LITTLE_GRANULE;
    return COFFER_OK;
}

enum coffer_status little_free(struct little *little, void *block)
{
    uint32_t start;
    uint32_t end;

    if (!find_block(little, block, &start))
        return COFFER_MISUSE;
    end = block_end(little, start);
    write_bits(little->words, start, end, false);
    write_bits(little->words + little->word_count, start, start + 1, false);
    write_bits(notes_words(little), start, end < start + NOTE_BITS ? end : start + NOTE_BITS,
               false);
    return COFFER_OK;
}

enum coffer_status little_resize(struct little *little, void *block, size_t size)
{
    uint32_t start;
    uint32_t end;
    uint32_t wanted_end;

    if (size == 0 || !find_block(little, block, &start))
        return COFFER_MISUSE;
    if (size > LITTLE_REGION_MAX)
        return COFFER_NO_MEMORY;

    end = block_end(little, start);
    wanted_end = start + granules_for(size);
    if (wanted_end < start + NOTE_BITS && read_note(little, start, end) > LITTLE_GRANULE)
        wanted_end = start + NOTE_BITS;
    if (wanted_end > end && next_used(little, end) < wanted_end)
        return COFFER_NO_MEMORY;
    write_bits(little->words, end, wanted_end, true);
    write_bits(little->words, wanted_end, end, false);
    return COFFER_OK;
}

size_t little_usable_size(const struct little *little, const void *block)
{
    uint32_t start;

    if (!find_block(little, block, &start))
        return 0;
    return (size_t)(block_end(little, start) - start) * LITTLE_GRANULE;
}

size_t little_alignment(const struct little *little, const void *block)
{
    uint32_t start;

    if (!find_block(little, block, &start))
        return 0;
    return read_note(little, start, block_end(little, start));
}

size_t little_largest(const struct little *little)
{
    struct edges edges = {0};
    uint32_t largest = 0;
    uint32_t start;

    while ((start = next_edge(little, &edges)) < little->count) {
        uint32_t length = next_edge(little, &edges) - start;

        if (length > largest)
            largest = length;
    }
    return (size_t)largest * LITTLE_GRANULE;
}

static bool count_block(void *context, const void *block, size_t size, bool used)
{
    struct blocks_statistics *statistics = context;

    (void)block;
    if (used) {
        statistics->used_count++;
        statistics->used_size += size;
    } else {
        statistics->free_count++;
        statistics->free_size += size;
    }
    return true;
}

struct blocks_statistics little_statistics(const struct little *little)
{
    struct blocks_statistics statistics = {0};
    struct blocks_visitor visitor = {count_block, &statistics};

    (void)little_walk(little, &visitor);
    return statistics;
}

bool little_walk(const struct little *little, const struct blocks_visitor *visitor)
{
    uint32_t end;

    for (uint32_t start = 0; start < little->count; start = end) {
        bool used = has_bit(used_words(little), start);

        end = used ? block_end(little, start) : next_used(little, start);
        if (!visitor->visit(visitor->context, little->base + (size_t)start * LITTLE_GRANULE,
                            (size_t)(end - start) * LITTLE_GRANULE, used))
            return false;
    }
    return true;
}

bool little_is_valid(const struct little *little, const char **problem)
{
    const uint64_t *used = used_words(little);
    const uint64_t *begins = begins_words(little);
    const uint64_t *notes = begins + little->word_count;
    uint64_t before = 0; /* is the granule before in use? */

    if (little->count == 0 || little->count > LITTLE_REGION_MAX / LITTLE_GRANULE ||
        little->word_count != words_for(little->count))
        return blocks_problem(problem, "the head is damaged");
    for (uint32_t word = 0; word < little->word_count; word++) {
        uint64_t follows_free = used[word] & ~(used[word] << 1 | before);

        if (word == little->word_count - 1 && little->count % 64 != 0) {
            uint64_t behind = UINT64_MAX << little->count % 64;

            if ((used[word] & begins[word] & behind) != behind)
                return blocks_problem(problem, "a bit behind the last granule is clear");
        }
        if ((begins[word] & ~used[word]) != 0)
            return blocks_problem(problem, "a block begins in a free granule");
        if ((follows_free & ~begins[word]) != 0)
            return blocks_problem(problem, "a granule in use belongs to no block");
        if ((notes[word] & ~used[word]) != 0)
            return blocks_problem(problem, "a free granule has a note");
        before = used[word] >> 63;
    }
    return true;
}
