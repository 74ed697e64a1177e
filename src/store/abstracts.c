/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/abstracts.h"

#include "base/assert.h"
#include "base/bytes.h"

#define FRAME_ABSTRACTS (FRAME_SIZE / sizeof(struct abstract))

/* With fewer free frames all of them are for caches. */
#define FREE_LEAST 32u

_Static_assert(sizeof(struct abstract) == 32, "no padding, and a frame is filled");

size_t abstracts_table_bytes(uint64_t free)
{
    return free < FREE_LEAST ? 0 : (size_t)(free / 2) * sizeof(struct abstract *);
}

void abstracts_init(struct abstracts *abstracts, struct memory *memory, struct owner owner)
{
    *abstracts = (struct abstracts){.memory = memory, .owner = owner};
}

void abstracts_reserve(struct abstracts *abstracts, uint32_t slot)
{
    size_t frame = slot / FRAME_ABSTRACTS;
    void *block;

    if (frame >= abstracts->frame_max || abstracts->frames[frame] != NULL)
        return;
    if (frames_take(abstracts->memory->frames, abstracts->owner, 1, &block) == COFFER_OK)
        abstracts->frames[frame] = block;
}

void abstracts_open(struct abstracts *abstracts, uint32_t slot_count)
{
    size_t table = abstracts_table_bytes(memory_free_frames(abstracts->memory));
    void *block;

    if (table == 0 || memory_alloc(abstracts->memory, abstracts->owner, table, &block) != COFFER_OK)
        return;
    abstracts->frames = block;
    abstracts->frame_max = table / sizeof(struct abstract *);
    for (uint64_t slot = 0; slot < slot_count; slot += FRAME_ABSTRACTS)
        abstracts_reserve(abstracts, (uint32_t)slot);
}

void abstracts_fini(struct abstracts *abstracts)
{
    for (size_t i = 0; i < abstracts->frame_max; i++) {
        if (abstracts->frames[i] != NULL &&
            frames_give(abstracts->memory->frames, abstracts->frames[i]) != COFFER_OK)
            assert_cheap(false);
    }
    if (abstracts->frames != NULL)
        memory_free(abstracts->memory, abstracts->frames);
    abstracts->frames = NULL;
    abstracts->frame_max = 0;
}

/* The place of a slot; NULL: it has none. */
static struct abstract *place_of(const struct abstracts *abstracts, uint32_t slot)
{
    size_t frame = slot / FRAME_ABSTRACTS;

    if (frame >= abstracts->frame_max || abstracts->frames[frame] == NULL)
        return NULL;
    return &abstracts->frames[frame][slot % FRAME_ABSTRACTS];
}

void abstracts_set(struct abstracts *abstracts, uint32_t slot, const struct abstract *abstract)
{
    struct abstract *place = place_of(abstracts, slot);

    if (place != NULL)
        *place = abstract != NULL ? *abstract : (struct abstract){.file = 0};
}

const struct abstract *abstracts_get(const struct abstracts *abstracts, uint32_t slot)
{
    const struct abstract *place = place_of(abstracts, slot);

    return place != NULL && !bytes_are_zero(place->name, sizeof(place->name)) ? place : NULL;
}
