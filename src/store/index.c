/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/index.h"

#include "base/assert.h"

#define CELLS_MIN 64u

/* The table has any size, so that it grows in small steps: a tag's home is its share of it. */
static size_t home_of(const struct index *index, uint32_t tag)
{
    return (size_t)((uint64_t)tag * index->cell_count >> 32);
}

static size_t after(const struct index *index, size_t at)
{
    return at + 1 == index->cell_count ? 0 : at + 1;
}

/* Steps from one cell on to another, around the end. */
static size_t distance(const struct index *index, size_t from, size_t to)
{
    return to >= from ? to - from : to + index->cell_count - from;
}

void index_init(struct index *index, struct memory *memory, struct owner owner)
{
    *index = (struct index){.memory = memory, .owner = owner};
}

void index_fini(struct index *index)
{
    if (index->cells != NULL)
        memory_free(index->memory, index->cells);
    index->cells = NULL;
    index->cell_count = 0;
    index->used = 0;
}

static void place(struct index *index, struct index_cell cell)
{
    size_t at = home_of(index, cell.tag);

    while (index->cells[at].slot_plus_one != 0)
        at = after(index, at);
    index->cells[at] = cell;
    index->used++;
}

/* A table of `cell_count`, with all that is in the old one; false when the memory isn't there or is
 * needed more elsewhere. */
static bool resize(struct index *index, size_t cell_count)
{
    uint64_t free_bytes = frames_statistics(index->memory->frames).free * FRAME_SIZE;
    struct index old = *index;
    void *block;

    if (cell_count > free_bytes / 2 / sizeof(struct index_cell))
        return false;
    if (memory_alloc(index->memory, index->owner, cell_count * sizeof(struct index_cell), &block) !=
        COFFER_OK)
        return false;
    index->cells = block;
    index->cell_count = cell_count;
    index->used = 0;
    for (size_t i = 0; i < old.cell_count; i++) {
        if (old.cells[i].slot_plus_one != 0)
            place(index, old.cells[i]);
    }
    index_fini(&old);
    return true;
}

void index_expect(struct index *index, size_t count)
{
    size_t cell_count = count / 3 * 4 + CELLS_MIN;

    while (cell_count > index->cell_count && !resize(index, cell_count))
        cell_count = cell_count / 4 * 3;
}

void index_reserve(struct index *index)
{
    size_t least = index->cell_count + CELLS_MIN;
    size_t cell_count = index->cell_count + index->cell_count / 2 + CELLS_MIN;

    if (4 * (index->used + 1) <= 3 * index->cell_count || index->partial)
        return;
    while (!resize(index, cell_count)) {
        cell_count = cell_count / 8 * 7;
        if (cell_count < least) {
            index->partial = true;
            return;
        }
    }
}

void index_insert(struct index *index, uint32_t tag, uint32_t slot)
{
    if (4 * (index->used + 1) > 3 * index->cell_count) {
        assert_cheap(index->partial);
        return;
    }
    place(index, (struct index_cell){tag, slot + 1});
}

void index_remove(struct index *index, uint32_t tag, uint32_t slot)
{
    size_t at;
    size_t next;

    if (index->cell_count == 0)
        return;
    at = home_of(index, tag);
    while (index->cells[at].slot_plus_one != 0 &&
           (index->cells[at].slot_plus_one != slot + 1 || index->cells[at].tag != tag))
        at = after(index, at);
    if (index->cells[at].slot_plus_one == 0)
        return;
    /* Close the gap: a later cell moves up unless its home lies between the gap and itself. */
    for (next = after(index, at); index->cells[next].slot_plus_one != 0;
         next = after(index, next)) {
        size_t home = home_of(index, index->cells[next].tag);

        if (distance(index, home, next) >= distance(index, at, next)) {
            index->cells[at] = index->cells[next];
            at = next;
        }
    }
    index->cells[at] = (struct index_cell){0, 0};
    index->used--;
}

bool index_next(const struct index *index, uint32_t tag, size_t *cursor, uint32_t *slot)
{
    size_t steps = *cursor;
    size_t at;

    if (index->cell_count == 0)
        return false;
    at = home_of(index, tag) + steps;
    if (at >= index->cell_count)
        at -= index->cell_count;
    for (; steps < index->cell_count; steps++, at++) {
        const struct index_cell *cell;

        if (at == index->cell_count)
            at = 0;
        cell = &index->cells[at];
        if (cell->slot_plus_one == 0)
            return false;
        if (cell->tag == tag) {
            *cursor = steps + 1;
            *slot = cell->slot_plus_one - 1;
            return true;
        }
    }
    return false;
}

bool index_is_valid(const struct index *index)
{
    size_t used = 0;

    for (size_t i = 0; i < index->cell_count; i++) {
        size_t at;

        if (index->cells[i].slot_plus_one == 0)
            continue;
        used++;
        /* Reachable from its home without a gap. */
        for (at = home_of(index, index->cells[i].tag); at != i; at = after(index, at)) {
            if (index->cells[at].slot_plus_one == 0)
                return false;
        }
    }
    return used == index->used && 4 * used <= 3 * index->cell_count;
}
