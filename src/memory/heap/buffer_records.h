/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For buffers.c: the records of shared buffers (memory/heap/buffers.h). They lie in chunks, a frame
 * each that is tagged as such and stays until the end, so that any address can be told from a
 * record's. One that describes nothing is unused; those whose bytes share a frame are a ring, and
 * all others a ring of one. The lock is that of the buffers.
 */
#ifndef COFFER_MEMORY_HEAP_BUFFER_RECORDS_H
#define COFFER_MEMORY_HEAP_BUFFER_RECORDS_H

#include "memory/heap/buffers.h"

/* What a record is, if not of a class. */
enum {
    KIND_UNUSED = BUFFERS_CLASS_COUNT,
    KIND_RUN,
    KIND_LENT,
};

struct chunk {
    struct buffers *home;
    struct chunk *next;
};

extern const size_t buffer_class_sizes[BUFFERS_CLASS_COUNT];

static inline unsigned pieces_of(unsigned kind)
{
    return kind < BUFFERS_CLASS_COUNT && buffer_class_sizes[kind] < FRAME_SIZE
               ? (unsigned)(FRAME_SIZE / buffer_class_sizes[kind])
               : 1;
}

static inline size_t frames_for(size_t size)
{
    return size / FRAME_SIZE + (size % FRAME_SIZE != 0);
}

/* Are all of its ring idle? */
static inline bool is_whole(const struct buffer *lead)
{
    return lead->idle_count == pieces_of(lead->kind);
}

/* Frames for bytes or records, on the owner's line. */
COFFER_MUST_CHECK enum coffer_status buffers_take_frames(struct buffers *buffers, size_t count,
                                                         void **out);

/* A ring of `count` records of a kind; the first is the lead. Takes the lock, and gives it up to
 * take frames. */
COFFER_MUST_CHECK enum coffer_status buffer_records_take(struct buffers *buffers, unsigned kind,
                                                         unsigned count, struct buffer **out);

/* Under the lock: all of a lead's ring, or one that is in none, are unused again. */
void buffer_records_give(struct buffers *buffers, struct buffer *lead);
void buffer_record_give(struct buffers *buffers, struct buffer *record);

/* Is there a record of these at that address, any address at all? Records stay records, so that it
 * can be looked at. */
bool buffer_is_record(const struct buffers *buffers, const struct buffer *buffer);

#endif
