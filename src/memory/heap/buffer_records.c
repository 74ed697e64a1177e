/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of shared buffers: chunks, rings, and whether all of it holds. */
#include "memory/heap/buffer_records.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "memory/frames/lookup.h"

#define RECORD_SIZE 64u
#define CHUNK_SLOTS (FRAME_SIZE / RECORD_SIZE) /* the first is the chunk's head */
#define PIECES_MAX  4u
#define RECORDS_TAG 4u /* of frames with records, in the place of a page's and others' */

_Static_assert(sizeof(struct buffer) == RECORD_SIZE, "a record is a cache line");
_Static_assert(BUFFERS_SMALL *PIECES_MAX == FRAME_SIZE, "four of the smallest to a frame");

const size_t buffer_class_sizes[BUFFERS_CLASS_COUNT] = {BUFFERS_SMALL, BUFFERS_MEDIUM,
                                                        BUFFERS_LARGE};

static struct chunk *chunk_of(const struct buffer *buffer)
{
    return (struct chunk *)((uintptr_t)buffer & ~(uintptr_t)(FRAME_SIZE - 1));
}

/* frames_take looks first, without the lock, whether a shorter way will do; this doesn't. */
enum coffer_status buffers_take_frames(struct buffers *buffers, size_t count, void **out)
{
    return frames_take_aligned(buffers->settings.frames, buffers->settings.owner, count, 1, out);
}

void buffer_record_give(struct buffers *buffers, struct buffer *record)
{
    /* `references` is 0, and is left to those who give what they don't have. */
    record->bytes = NULL;
    record->size = 0;
    record->left = false;
    record->home = buffers;
    record->kind = KIND_UNUSED;
    record->lead = NULL;
    record->next = buffers->unused;
    buffers->unused = record;
    buffers->unused_count++;
}

static enum coffer_status add_chunk(struct buffers *buffers)
{
    struct chunk *chunk;
    void *frame;
    enum coffer_status status = buffers_take_frames(buffers, 1, &frame);

    if (status != COFFER_OK)
        return status;
    chunk = frame;
    wipe(chunk, FRAME_SIZE);
    chunk->home = buffers;
    status = frames_set_tag(buffers->settings.frames, frame, 1, RECORDS_TAG);
    assert_cheap(status == COFFER_OK);
    spin_take(&buffers->lock);
    for (unsigned i = CHUNK_SLOTS - 1; i > 0; i--)
        buffer_record_give(buffers, (struct buffer *)frame + i);
    chunk->next = buffers->chunks;
    buffers->chunks = chunk;
    buffers->numbers.frames++;
    buffers->numbers.record_frames++;
    spin_give(&buffers->lock);
    return COFFER_OK;
}

enum coffer_status buffer_records_take(struct buffers *buffers, unsigned kind, unsigned count,
                                       struct buffer **out)
{
    struct buffer *lead = NULL;

    spin_take(&buffers->lock);
    while (buffers->unused_count < count) {
        enum coffer_status status;

        spin_give(&buffers->lock);
        status = add_chunk(buffers);
        if (status != COFFER_OK)
            return status;
        spin_take(&buffers->lock);
    }
    while (count-- > 0) {
        struct buffer *record = buffers->unused;

        buffers->unused = record->next;
        buffers->unused_count--;
        record->kind = (uint8_t)kind;
        list_init(&record->list);
        if (lead == NULL)
            lead = record->next = record;
        record->lead = lead;
        record->next = lead->next;
        lead->next = record;
    }
    spin_give(&buffers->lock);
    *out = lead;
    return COFFER_OK;
}

void buffer_records_give(struct buffers *buffers, struct buffer *lead)
{
    struct buffer *record = lead;

    do {
        struct buffer *next = record->next;

        buffer_record_give(buffers, record);
        record = next;
    } while (record != lead);
}

bool buffer_is_record(const struct buffers *buffers, const struct buffer *buffer)
{
    uintptr_t place = (uintptr_t)buffer % FRAME_SIZE;

    return place % RECORD_SIZE == 0 && place != 0 &&
           frames_tag(buffers->settings.frames, buffer) == RECORDS_TAG &&
           chunk_of(buffer)->home == buffers;
}

/* --- Validity --- */

/* What a walk finds. */
struct census {
    size_t held, idle[BUFFERS_CLASS_COUNT], unused, frames;
};

static bool ring_is_valid(const struct buffer *lead)
{
    const struct buffer *record = lead;
    unsigned idle = 0;
    unsigned count = 0;

    do {
        if (record->lead != lead || record->kind != lead->kind || ++count > PIECES_MAX)
            return false;
        idle += record->idle;
        record = record->next;
    } while (record != lead);
    return count == pieces_of(lead->kind) && idle == lead->idle_count &&
           (lead->kind == KIND_LENT || lead->idle_count > 0 || list_is_empty(&lead->list));
}

static bool record_is_valid(const struct buffers *buffers, const struct buffer *record,
                            struct census *census)
{
    bool held = atomic_load_explicit(&record->references, memory_order_relaxed) > 0;

    if (record->home != buffers)
        return false;
    if (record->kind == KIND_UNUSED) {
        census->unused++;
        return !held && !record->idle;
    }
    census->held += held;
    if (held == record->idle)
        return false;
    if (record->idle) {
        census->idle[record->kind]++;
        if (!record->left && !bytes_are_zero(record->bytes, record->size))
            return false;
    }
    if (record->lead == record && record->kind != KIND_LENT)
        census->frames += frames_for(record->size);
    return record->lead != record || ring_is_valid(record);
}

/* Are the leads on the right lists? */
static bool lists_are_valid(const struct buffers *buffers)
{
    for (unsigned kind = 0; kind < BUFFERS_CLASS_COUNT; kind++) {
        size_t idle = 0;

        list_each (link, &buffers->whole[kind]) {
            const struct buffer *lead = list_entry(link, struct buffer, list);

            if (lead->kind != kind || !is_whole(lead))
                return false;
            idle += lead->idle_count;
        }
        list_each (link, &buffers->partial[kind]) {
            const struct buffer *lead = list_entry(link, struct buffer, list);

            if (lead->kind != kind || is_whole(lead) || lead->idle_count == 0)
                return false;
            idle += lead->idle_count;
        }
        if (idle != buffers->numbers.idle[kind])
            return false;
    }
    return true;
}

bool buffers_are_valid(struct buffers *buffers)
{
    const struct buffers_statistics *numbers = &buffers->numbers;
    struct census census = {0};
    bool valid;

    spin_take(&buffers->lock);
    valid = lists_are_valid(buffers);
    for (const struct chunk *chunk = buffers->chunks; valid && chunk != NULL; chunk = chunk->next) {
        census.frames++;
        valid = chunk->home == buffers;
        for (unsigned i = 1; valid && i < CHUNK_SLOTS; i++)
            valid = record_is_valid(buffers, (const struct buffer *)chunk + i, &census);
    }
    valid = valid && census.held == numbers->held && census.unused == buffers->unused_count &&
            census.frames == numbers->frames;
    for (unsigned kind = 0; valid && kind < BUFFERS_CLASS_COUNT; kind++)
        valid = census.idle[kind] == numbers->idle[kind];
    spin_give(&buffers->lock);
    return valid;
}
