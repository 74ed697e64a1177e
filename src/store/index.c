/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/index.h"

#include <string.h>

#include "base/assert.h"

#define CELLS_MIN 64u

static size_t home_of(const struct index *index, uint32_t tag)
{
    return tag & (index->cell_count - 1);
}

static size_t after(const struct index *index, size_t at)
{
    return (at + 1) & (index->cell_count - 1);
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

void index_reserve(struct index *index)
{
    size_t cell_count = index->cell_count == 0 ? CELLS_MIN : 2 * index->cell_count;
    struct index old = *index;
    void *block;

    if (4 * (index->used + 1) <= 3 * index->cell_count)
        return;
    if (memory_alloc(index->memory, index->owner, cell_count * sizeof(struct index_cell), &block) !=
        COFFER_OK) {
        index->partial = true;
        return;
    }
    index->cells = block;
    index->cell_count = cell_count;
    index->used = 0;
    for (size_t i = 0; i < old.cell_count; i++) {
        if (old.cells[i].slot_plus_one != 0)
            place(index, old.cells[i]);
    }
    index_fini(&old);
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
        size_t mask = index->cell_count - 1;
        size_t home = home_of(index, index->cells[next].tag);

        if (((next - home) & mask) >= ((next - at) & mask)) {
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

    if (index->cell_count == 0)
        return false;
    for (; steps < index->cell_count; steps++) {
        const struct index_cell
            *cell = &index->cells[(home_of(index, tag) + steps) & (index->cell_count - 1)];

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
