/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/abstracts.h"

#include <limits.h>

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

void abstracts_init(struct abstracts *abstracts, struct memory *memory, struct owner owner,
                    const struct coffer_port *port, uint64_t free_min)
{
    *abstracts = (struct abstracts){.memory = memory, .owner = owner, .free_min = free_min};
    spin_init(&abstracts->lock, port);
}

void abstracts_open(struct abstracts *abstracts)
{
    size_t table = abstracts_table_bytes(memory_free_frames(abstracts->memory));
    void *block;

    if (table == 0 || memory_alloc(abstracts->memory, abstracts->owner, table, &block) != COFFER_OK)
        return;
    abstracts->frames = block;
    abstracts->frame_max = table / sizeof(struct abstract *);
}

void abstracts_fini(struct abstracts *abstracts)
{
    (void)abstracts_shrink(abstracts, UINT64_MAX, UINT_MAX);
    if (abstracts->frames != NULL)
        memory_free(abstracts->memory, abstracts->frames);
    abstracts->frames = NULL;
    abstracts->frame_max = 0;
}

/* The place of a slot; NULL: it has none. */
static struct abstract *place_locked(const struct abstracts *abstracts, uint32_t slot)
{
    size_t frame = slot / FRAME_ABSTRACTS;

    if (frame >= abstracts->frames_end || abstracts->frames[frame] == NULL)
        return NULL;
    return &abstracts->frames[frame][slot % FRAME_ABSTRACTS];
}

/* A frame for the slot, which has none, if that is possible. Gives up the lock. */
static struct abstract *make_place_locked(struct abstracts *abstracts, uint32_t slot)
{
    size_t frame = slot / FRAME_ABSTRACTS;
    enum coffer_status status = COFFER_NO_MEMORY;
    void *block;

    if (frame >= abstracts->frame_max)
        return NULL;
    spin_give(&abstracts->lock);
    if (memory_free_frames(abstracts->memory) > abstracts->free_min)
        status = frames_take(abstracts->memory->frames, abstracts->owner, 1, &block);
    spin_take(&abstracts->lock);
    if (status != COFFER_OK)
        return NULL;
    abstracts->frames[frame] = block;
    if (abstracts->frames_end <= frame)
        abstracts->frames_end = frame + 1;
    return place_locked(abstracts, slot);
}

void abstracts_set(struct abstracts *abstracts, uint32_t slot, const struct abstract *abstract)
{
    struct abstract *place;

    spin_take(&abstracts->lock);
    place = place_locked(abstracts, slot);
    if (place == NULL && abstract != NULL)
        place = make_place_locked(abstracts, slot);
    if (place != NULL)
        *place = abstract != NULL ? *abstract : (struct abstract){.file = 0};
    spin_give(&abstracts->lock);
}

bool abstracts_get(struct abstracts *abstracts, uint32_t slot, struct abstract *out)
{
    const struct abstract *place;
    bool known;

    spin_take(&abstracts->lock);
    place = place_locked(abstracts, slot);
    known = place != NULL && !bytes_are_zero(place->name, sizeof(place->name));
    if (known)
        *out = *place;
    spin_give(&abstracts->lock);
    return known;
}

/* The last frame that there is, which is no more; NULL: there is none. */
static struct abstract *remove_last(struct abstracts *abstracts)
{
    struct abstract *frame = NULL;

    spin_take(&abstracts->lock);
    while (frame == NULL && abstracts->frames_end > 0) {
        abstracts->frames_end--;
        frame = abstracts->frames[abstracts->frames_end];
        abstracts->frames[abstracts->frames_end] = NULL;
    }
    spin_give(&abstracts->lock);
    return frame;
}

uint64_t abstracts_shrink(struct abstracts *abstracts, uint64_t bytes, unsigned steps)
{
    uint64_t given = 0;

    for (; steps > 0 && given < bytes; steps--) {
        struct abstract *frame = remove_last(abstracts);

        if (frame == NULL)
            break;
        if (frames_give(abstracts->memory->frames, frame) != COFFER_OK)
            assert_cheap(false);
        given += FRAME_SIZE;
    }
    return given;
}

bool abstracts_can_shrink(struct abstracts *abstracts)
{
    bool can;

    spin_take(&abstracts->lock);
    can = abstracts->frames_end > 0;
    spin_give(&abstracts->lock);
    return can;
}
