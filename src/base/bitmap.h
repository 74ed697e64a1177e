/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of small numbers in which the smallest member is found in a fixed number of steps.
 *
 * The bits lie in 64-bit words. Above them stand summary levels, each 64 times smaller: bit i of a
 * level tells whether word i of the level below has any bit. The top level is a single word and
 * lies in the structure itself; whoever owns the bitmap provides the words of the others, zeroed.
 *
 * Invariant: a summary bit is set exactly when its word isn't zero (bitmap_is_valid).
 */
#ifndef COFFER_BASE_BITMAP_H
#define COFFER_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS_MAX 4u /* below the top: 64^5 = 2^30 bits */
#define BITMAP_BITS_MAX   ((uint64_t)1 << 30)

struct bitmap {
    uint64_t top;
    uint64_t *levels[BITMAP_LEVELS_MAX]; /* 0: the bits themselves */
    unsigned level_count;                /* 1 at least */
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

/* The largest n with 2^n <= number; number > 0. (63 less the leading zeros, said in the way that
 * compilers know for one instruction.) */
static inline unsigned bits_log2_down(uint64_t number)
{
    return 63 ^ (unsigned)__builtin_clzll(number);
}

/* Words that a bitmap of `bit_count` (1 .. BITMAP_BITS_MAX) bits needs, all levels together. */
static inline size_t bitmap_word_count(uint64_t bit_count)
{
    size_t count = 0;
    uint64_t words = bit_count;

    do {
        words = (words + 63) / 64;
        count += (size_t)words;
    } while (words > 64);
    return count;
}

/* An empty bitmap on bitmap_word_count(bit_count) zeroed words. */
static inline void bitmap_init(struct bitmap *bitmap, uint64_t *words, uint64_t bit_count)
{
    uint64_t level_words = bit_count;

    bitmap->top = 0;
    bitmap->level_count = 0;
    do {
        level_words = (level_words + 63) / 64;
        bitmap->levels[bitmap->level_count++] = words;
        words += level_words;
    } while (level_words > 64);
}

static inline bool bitmap_has(const struct bitmap *bitmap, uint32_t bit)
{
    return bitmap->levels[0][bit / 64] >> bit % 64 & 1;
}

static inline bool bitmap_is_empty(const struct bitmap *bitmap)
{
    return bitmap->top == 0;
}

static inline void bitmap_add(struct bitmap *bitmap, uint32_t bit)
{
    unsigned level = 0;

    do {
        uint64_t *word = &bitmap->levels[level][bit / 64];
        uint64_t before = *word;

        *word = before | (uint64_t)1 << bit % 64;
        if (before != 0)
            return;
        bit /= 64;
    } while (++level < bitmap->level_count);
    bitmap->top |= (uint64_t)1 << bit;
}

/* The smallest bit of a bitmap that isn't empty. */
static inline uint32_t bitmap_first(const struct bitmap *bitmap)
{
    uint32_t place = bits_first(bitmap->top);
    unsigned level = bitmap->level_count;

    do
        place = place * 64 + bits_first(bitmap->levels[--level][place]);
    while (level > 0);
    return place;
}

/* Take the smallest bit out of a bitmap that isn't empty; *empty tells whether it was the last. */
static inline uint32_t bitmap_take_first(struct bitmap *bitmap, bool *empty)
{
    uint32_t first = bitmap_first(bitmap);
    uint32_t place = first;
    unsigned level = 0;

    /* It is the lowest bit of every word on the way up. */
    *empty = false;
    do {
        uint64_t *word = &bitmap->levels[level][place /= 64];

        if ((*word &= *word - 1) != 0)
            return first;
    } while (++level < bitmap->level_count);
    bitmap->top &= bitmap->top - 1;
    *empty = bitmap->top == 0;
    return first;
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

    for (unsigned level = 1; level <= bitmap->level_count; level++) {
        bool is_top = level == bitmap->level_count;

        for (uint64_t i = 0; i < words; i++) {
            uint64_t summary = is_top ? bitmap->top : bitmap->levels[level][i / 64];

            if ((summary >> i % 64 & 1) != (bitmap->levels[level - 1][i] != 0))
                return false;
        }
        if (is_top)
            break;
        words = (words + 63) / 64;
    }
    return words <= 64 && (words == 64 || bitmap->top >> words == 0);
}

#endif
