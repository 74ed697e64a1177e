/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of small numbers in which the smallest member is found in a fixed number of steps.
 *
 * The bits lie in 64-bit words. Above them stand summary levels: bit i of a level tells whether
 * word i of the level below has any bit. The top level is a single word. Whoever owns the bitmap
 * provides the words, zeroed.
 *
 * Invariant: a summary bit is set exactly when its word isn't zero (bitmap_is_valid).
 */
#ifndef COFFER_BASE_BITMAP_H
#define COFFER_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS_MAX 5u /* 64^5 = 2^30 bits */
#define BITMAP_BITS_MAX   ((uint64_t)1 << 30)

struct bitmap {
    uint64_t *levels[BITMAP_LEVELS_MAX]; /* 0: the bits themselves */
    unsigned level_count;
};

/* The position of the lowest bit of a word that isn't zero. */
static inline unsigned bits_first(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

static inline unsigned bits_count(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/* The smallest n with 2^n >= number; number > 0. */
static inline unsigned bits_log2_up(uint64_t number)
{
    return number == 1 ? 0 : 64 - (unsigned)__builtin_clzll(number - 1);
}

/* The largest n with 2^n <= number; number > 0. */
static inline unsigned bits_log2_down(uint64_t number)
{
    return 63 - (unsigned)__builtin_clzll(number);
}

/* Words that a bitmap of `bit_count` (1 .. BITMAP_BITS_MAX) bits needs, all levels together. */
static inline size_t bitmap_word_count(uint64_t bit_count)
{
    size_t count = 0;
    uint64_t words = bit_count;

    do {
        words = (words + 63) / 64;
        count += (size_t)words;
    } while (words > 1);
    return count;
}

/* An empty bitmap on bitmap_word_count(bit_count) zeroed words. */
static inline void bitmap_init(struct bitmap *bitmap, uint64_t *words, uint64_t bit_count)
{
    uint64_t level_words = bit_count;

    bitmap->level_count = 0;
    do {
        level_words = (level_words + 63) / 64;
        bitmap->levels[bitmap->level_count++] = words;
        words += level_words;
    } while (level_words > 1);
}

static inline bool bitmap_has(const struct bitmap *bitmap, uint32_t bit)
{
    return bitmap->levels[0][bit / 64] >> bit % 64 & 1;
}

static inline bool bitmap_is_empty(const struct bitmap *bitmap)
{
    return bitmap->levels[bitmap->level_count - 1][0] == 0;
}

/* The rest of bitmap_add and bitmap_remove, for the few cases that a summary must know of: the
 * word of `bit` has its first member, or has lost its last one. */
static inline void bitmap_raise(struct bitmap *bitmap, uint32_t bit)
{
    for (unsigned level = 1; level < bitmap->level_count; level++) {
        uint64_t *word = &bitmap->levels[level][bit / 4096];
        uint64_t before = *word;

        *word = before | (uint64_t)1 << bit / 64 % 64;
        if (before != 0)
            return;
        bit /= 64;
    }
}

static inline bool bitmap_lower(struct bitmap *bitmap, uint32_t bit)
{
    for (unsigned level = 1; level < bitmap->level_count; level++) {
        uint64_t *word = &bitmap->levels[level][bit / 4096];

        *word &= ~((uint64_t)1 << bit / 64 % 64);
        if (*word != 0)
            return false;
        bit /= 64;
    }
    return true;
}

static inline void bitmap_add(struct bitmap *bitmap, uint32_t bit)
{
    uint64_t *word = &bitmap->levels[0][bit / 64];
    uint64_t before = *word;

    *word = before | (uint64_t)1 << bit % 64;
    if (__builtin_expect(before == 0, 0))
        bitmap_raise(bitmap, bit);
}

/* Take a bit out; true when that was the last one. */
static inline bool bitmap_remove(struct bitmap *bitmap, uint32_t bit)
{
    uint64_t *word = &bitmap->levels[0][bit / 64];
    uint64_t after = *word & ~((uint64_t)1 << bit % 64);

    *word = after;
    return __builtin_expect(after == 0, 0) && bitmap_lower(bitmap, bit);
}

/* The smallest bit of a bitmap that isn't empty. */
static inline uint32_t bitmap_first(const struct bitmap *bitmap)
{
    uint32_t place = 0;

    for (unsigned level = bitmap->level_count; level-- > 0;)
        place = place * 64 + bits_first(bitmap->levels[level][place]);
    return place;
}

/* Bits in all; walks the words of a bitmap of `bit_count` bits. */
static inline uint64_t bitmap_count(const struct bitmap *bitmap, uint64_t bit_count)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < (bit_count + 63) / 64; i++)
        count += bits_count(bitmap->levels[0][i]);
    return count;
}

static inline bool bitmap_is_valid(const struct bitmap *bitmap, uint64_t bit_count)
{
    uint64_t words = (bit_count + 63) / 64;

    for (unsigned level = 1; level < bitmap->level_count; level++) {
        for (uint64_t i = 0; i < words; i++) {
            bool summary = bitmap->levels[level][i / 64] >> i % 64 & 1;

            if (summary != (bitmap->levels[level - 1][i] != 0))
                return false;
        }
        words = (words + 63) / 64;
    }
    return words == 1;
}

#endif
