/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of small numbers (slots of the catalogue, file numbers) whose smallest free one is asked
 * for. The smallest free number of a set of n is at most n, so a capacity of one more than the
 * set's size always answers. A number that was beyond the capacity when it was added isn't kept:
 * what numbers_lowest_free answers is a proposal, which the caller checks where it matters.
 */
#ifndef COFFER_STORE_NUMBERS_H
#define COFFER_STORE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/status.h"
#include "memory/memory.h"

struct numbers {
    struct memory *memory;
    struct owner owner;
    uint64_t *words; /* bit set: taken */
    size_t word_count;
    size_t first_free_word; /* no free number in the words before */
    uint64_t taken;         /* members, those beyond the capacity included */
};

void numbers_init(struct numbers *numbers, struct memory *memory, struct owner owner);
void numbers_fini(struct numbers *numbers);

/* Begin with room for the numbers below `count`, if there is memory to spare; a hint. */
void numbers_expect(struct numbers *numbers, uint32_t count);

/* Numbers below this are kept when they are added. */
uint64_t numbers_capacity(const struct numbers *numbers);

/* Room so that numbers_lowest_free answers after one more numbers_add. */
COFFER_MUST_CHECK enum coffer_status numbers_reserve(struct numbers *numbers);

/* False when it was a member already (told only within the capacity). */
bool numbers_add(struct numbers *numbers, uint32_t number);
/* A member that was too large to be kept when it was added, and isn't any more. */
void numbers_keep(struct numbers *numbers, uint32_t number);
void numbers_remove(struct numbers *numbers, uint32_t number);
bool numbers_has(const struct numbers *numbers, uint32_t number);

/* After numbers_reserve. */
uint32_t numbers_lowest_free(struct numbers *numbers);

#endif
