/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory/heap/quarantine.h"

#include "base/assert.h"
#include "base/bitmap.h"

/* Twice as many places as blocks, so that searches are short. */
static uint32_t table_size(uint32_t limit)
{
    return 2u << bits_log2_up(limit);
}

size_t quarantine_size(uint32_t limit)
{
    return sizeof(struct quarantine) + limit * sizeof(void *) +
           table_size(limit) * sizeof(uint32_t);
}

void quarantine_init(struct quarantine *quarantine, uint32_t limit)
{
    quarantine->limit = limit;
    quarantine->mask = table_size(limit) - 1;
    quarantine->table = (uint32_t *)(void *)&quarantine->blocks[limit];
}

static uint32_t place_of(const struct quarantine *quarantine, const void *block)
{
    return (uint32_t)((uintptr_t)block / 16 * 0x9e3779b97f4a7c15u >> 32) & quarantine->mask;
}

/* Where the block is in the table, or the empty place where it would be. */
static uint32_t table_find(const struct quarantine *quarantine, const void *block)
{
    uint32_t place = place_of(quarantine, block);

    while (quarantine->table[place] != 0 &&
           quarantine->blocks[quarantine->table[place] - 1] != block)
        place = (place + 1) & quarantine->mask;
    return place;
}

/* Take an entry out and close the gap: those behind it must be found without it. */
static void table_remove(struct quarantine *quarantine, uint32_t gap)
{
    uint32_t place = gap;

    for (;;) {
        uint32_t home;

        place = (place + 1) & quarantine->mask;
        if (quarantine->table[place] == 0)
            break;
        home = place_of(quarantine, quarantine->blocks[quarantine->table[place] - 1]);
        if (((place - home) & quarantine->mask) >= ((place - gap) & quarantine->mask)) {
            quarantine->table[gap] = quarantine->table[place];
            gap = place;
        }
    }
    quarantine->table[gap] = 0;
}

bool quarantine_has(const struct quarantine *quarantine, const void *block)
{
    return quarantine->table[table_find(quarantine, block)] != 0;
}

void *quarantine_take(struct quarantine *quarantine)
{
    void *oldest;

    if (quarantine->count == 0)
        return NULL;
    oldest = quarantine->blocks[quarantine->first];
    table_remove(quarantine, table_find(quarantine, oldest));
    quarantine->first = (quarantine->first + 1) % quarantine->limit;
    quarantine->count--;
    return oldest;
}

void *quarantine_swap(struct quarantine *quarantine, void *block)
{
    void *oldest = quarantine->count == quarantine->limit ? quarantine_take(quarantine) : NULL;
    uint32_t place = (quarantine->first + quarantine->count) % quarantine->limit;

    quarantine->blocks[place] = block;
    quarantine->count++;
    quarantine->table[table_find(quarantine, block)] = place + 1;
    return oldest;
}

bool quarantine_is_valid(const struct quarantine *quarantine)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i <= quarantine->mask; i++)
        count += quarantine->table[i] != 0;
    if (count != quarantine->count || count > quarantine->limit)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = (quarantine->first + i) % quarantine->limit;

        if (quarantine->table[table_find(quarantine, quarantine->blocks[place])] != place + 1)
            return false;
    }
    return true;
}
