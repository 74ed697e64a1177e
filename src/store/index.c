/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/index.h"

#include "base/assert.h"

#define CELLS_MIN   64u
#define PIECE_CELLS (FRAME_SIZE / sizeof(struct index_cell))

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

static struct index_cell *cell_at(const struct index *index, size_t at)
{
    return &index->pieces[at / PIECE_CELLS][at % PIECE_CELLS];
}

static bool is_free(const struct index_cell *cell)
{
    return cell->slot_plus_one == 0;
}

/* A small table is one block, a larger one frames. */
static enum coffer_status take_piece(const struct index *index, size_t cell_count, void **out)
{
    if (cell_count < PIECE_CELLS)
        return memory_alloc(index->memory, index->owner, cell_count * sizeof(struct index_cell),
                            out);
    return frames_take(index->memory->frames, index->owner, 1, out);
}

static void give_piece(const struct index *index, size_t cell_count, struct index_cell *piece)
{
    if (cell_count < PIECE_CELLS)
        memory_free(index->memory, piece);
    else if (frames_give(index->memory->frames, piece) != COFFER_OK)
        assert_cheap(false);
}

/* Let go of the first `count` pieces, and of the table. */
static void give_table(struct index *index, size_t count)
{
    while (count-- > 0)
        give_piece(index, index->cell_count, index->pieces[count]);
    memory_free(index->memory, index->pieces);
}

static size_t pieces_of(size_t cell_count)
{
    return (cell_count + PIECE_CELLS - 1) / PIECE_CELLS;
}

/* An empty table of its cell_count. */
static bool make_table(struct index *index)
{
    size_t count = pieces_of(index->cell_count);
    enum coffer_status status;
    void *block;

    status = memory_alloc(index->memory, index->owner, count * sizeof(index->pieces[0]), &block);
    if (status != COFFER_OK)
        return false;
    index->pieces = block;
    index->used = 0;
    for (size_t i = 0; i < count; i++) {
        status = take_piece(index, index->cell_count, &block);
        if (status != COFFER_OK) {
            give_table(index, i);
            return false;
        }
        index->pieces[i] = block;
    }
    return true;
}

void index_fini(struct index *index)
{
    if (index->cell_count > 0)
        give_table(index, pieces_of(index->cell_count));
    index->pieces = NULL;
    index->cell_count = 0;
    index->used = 0;
}

static void place(struct index *index, struct index_cell cell)
{
    size_t at = home_of(index, cell.tag);

    while (!is_free(cell_at(index, at)))
        at = after(index, at);
    *cell_at(index, at) = cell;
    index->used++;
}

/* A table of `cell_count` or a few more, with all that is in the old one; false when the memory
 * isn't there or is needed more elsewhere. */
static bool resize(struct index *index, size_t cell_count)
{
    uint64_t free_bytes = frames_statistics(index->memory->frames).free * FRAME_SIZE;
    struct index larger = *index;

    if (cell_count > free_bytes / 2 / sizeof(struct index_cell))
        return false;
    larger.cell_count = cell_count < PIECE_CELLS ? cell_count : pieces_of(cell_count) * PIECE_CELLS;
    if (!make_table(&larger))
        return false;
    for (size_t i = 0; i < index->cell_count; i++) {
        if (!is_free(cell_at(index, i)))
            place(&larger, *cell_at(index, i));
    }
    index_fini(index);
    *index = larger;
    return true;
}

void index_expect(struct index *index, size_t count)
{
    size_t cell_count = count / 3 * 4 + CELLS_MIN;

    while (cell_count > index->cell_count && !resize(index, cell_count))
        cell_count = cell_count / 4 * 3;
}

bool index_try_reserve(struct index *index)
{
    size_t least = index->cell_count + CELLS_MIN;
    size_t cell_count = index->cell_count + index->cell_count / 2 + CELLS_MIN;

    if (4 * (index->used + 1) <= 3 * index->cell_count || index->partial)
        return true;
    while (cell_count >= least) {
        if (resize(index, cell_count))
            return true;
        cell_count = cell_count / 8 * 7;
    }
    return false;
}

void index_reserve(struct index *index)
{
    if (!index_try_reserve(index))
        index->partial = true;
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
    while (!is_free(cell_at(index, at)) &&
           (cell_at(index, at)->slot_plus_one != slot + 1 || cell_at(index, at)->tag != tag))
        at = after(index, at);
    if (is_free(cell_at(index, at)))
        return;
    /* Close the gap: a later cell moves up unless its home lies between the gap and itself. */
    for (next = after(index, at); !is_free(cell_at(index, next)); next = after(index, next)) {
        size_t home = home_of(index, cell_at(index, next)->tag);

        if (distance(index, home, next) >= distance(index, at, next)) {
            *cell_at(index, at) = *cell_at(index, next);
            at = next;
        }
    }
    *cell_at(index, at) = (struct index_cell){0, 0};
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
        cell = cell_at(index, at);
        if (is_free(cell))
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

        if (is_free(cell_at(index, i)))
            continue;
        used++;
        /* Reachable from its home without a gap. */
        for (at = home_of(index, cell_at(index, i)->tag); at != i; at = after(index, at)) {
            if (is_free(cell_at(index, at)))
                return false;
        }
    }
    return used == index->used && 4 * used <= 3 * index->cell_count;
}
