/* SPDX-License-Identifier: BSD-2-Clause */
/* A buffer with guard bytes around it, for memory that begins and ends anywhere. */
#ifndef COFFER_TESTS_MEMORY_FIXTURE_H
#define COFFER_TESTS_MEMORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory/memory.h"

#define GUARD_BYTE 0xa5

/* `frame_count` frames at an address aligned to `alignment`, with guard bytes on both sides. */
struct buffer {
    uint8_t *raw;
    size_t raw_size;
    uint8_t *start;
    size_t size;
};

static inline struct buffer buffer_make(size_t frame_count, size_t alignment)
{
    struct buffer buffer;

    buffer.size = frame_count * FRAME_SIZE;
    buffer.raw_size = (buffer.size + 2 * alignment + alignment - 1) / alignment * alignment;
    buffer.raw = aligned_alloc(alignment, buffer.raw_size);
    assert_non_null(buffer.raw);
    memset(buffer.raw, GUARD_BYTE, buffer.raw_size);
    buffer.start = buffer.raw + alignment;
    return buffer;
}

/* Are all bytes outside of [address, address + size) as they were made? */
static inline bool buffer_is_untouched_outside(const struct buffer *buffer, const void *address,
                                               size_t size)
{
    const uint8_t *from = address;

    for (size_t i = 0; i < buffer->raw_size; i++) {
        const uint8_t *p = buffer->raw + i;

        if ((p < from || p >= from + size) && *p != GUARD_BYTE)
            return false;
    }
    return true;
}

static inline void buffer_free(struct buffer *buffer)
{
    free(buffer->raw);
}

#define assert_status(call, expected) assert_int_equal((call), (expected))
#define assert_ok(call)               assert_int_equal((call), COFFER_OK)

#endif
