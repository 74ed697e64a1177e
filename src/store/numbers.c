/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/numbers.h"

#include <string.h>

#include "base/assert.h"

#define WORD_BITS 64u

void numbers_init(struct numbers *numbers, struct memory *memory, struct owner owner)
{
    *numbers = (struct numbers){.memory = memory, .owner = owner};
}

void numbers_fini(struct numbers *numbers)
{
    if (numbers->words != NULL)
        memory_free(numbers->memory, numbers->words);
    *numbers = (struct numbers){.memory = numbers->memory, .owner = numbers->owner};
}

static enum coffer_status grow(struct numbers *numbers, size_t word_count)
{
    enum coffer_status status;
    void *block;

    status = memory_alloc(numbers->memory, numbers->owner, word_count * sizeof(uint64_t), &block);
    if (status != COFFER_OK)
        return status;
    if (numbers->words != NULL) {
        memcpy(block, numbers->words, numbers->word_count * sizeof(uint64_t));
        memory_free(numbers->memory, numbers->words);
    }
    numbers->words = block;
    numbers->word_count = word_count;
    return COFFER_OK;
}

void numbers_expect(struct numbers *numbers, uint32_t count)
{
    size_t word_count = (size_t)count / WORD_BITS + 2;
    uint64_t free_bytes = frames_statistics(numbers->memory->frames).free * FRAME_SIZE;

    if (word_count <= numbers->word_count || word_count * sizeof(uint64_t) > free_bytes / 8)
        return;
    if (grow(numbers, word_count) != COFFER_OK)
        return; /* only a hint */
}

enum coffer_status numbers_reserve(struct numbers *numbers)
{
    if (numbers->taken + 1 < (uint64_t)numbers->word_count * WORD_BITS)
        return COFFER_OK;
    return grow(numbers, numbers->word_count == 0 ? 2 : 2 * numbers->word_count);
}

uint64_t numbers_capacity(const struct numbers *numbers)
{
    return (uint64_t)numbers->word_count * WORD_BITS;
}

bool numbers_has(const struct numbers *numbers, uint32_t number)
{
    return number / WORD_BITS < numbers->word_count &&
           (numbers->words[number / WORD_BITS] >> number % WORD_BITS & 1) != 0;
}

bool numbers_add(struct numbers *numbers, uint32_t number)
{
    if (numbers_has(numbers, number))
        return false;
    numbers->taken++;
    if (number / WORD_BITS < numbers->word_count)
        numbers->words[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
    return true;
}

void numbers_keep(struct numbers *numbers, uint32_t number)
{
    assert_cheap(number / WORD_BITS < numbers->word_count);
    numbers->words[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
}

void numbers_remove(struct numbers *numbers, uint32_t number)
{
    assert_cheap(numbers->taken > 0);
    numbers->taken--;
    if (number / WORD_BITS >= numbers->word_count)
        return;
    numbers->words[number / WORD_BITS] &= ~(UINT64_C(1) << number % WORD_BITS);
    if (number / WORD_BITS < numbers->first_free_word)
        numbers->first_free_word = number / WORD_BITS;
}

uint32_t numbers_lowest_free(struct numbers *numbers)
{
    while (numbers->words[numbers->first_free_word] == UINT64_MAX) {
        numbers->first_free_word++;
        assert_cheap(numbers->first_free_word < numbers->word_count);
    }
    return (uint32_t)(numbers->first_free_word * WORD_BITS) +
           (uint32_t)__builtin_ctzll(~numbers->words[numbers->first_free_word]);
}
