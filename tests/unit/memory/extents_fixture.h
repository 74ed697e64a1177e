/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents in one area of 256 KiB, with guard bytes around it. */
#ifndef COFFER_TESTS_MEMORY_EXTENTS_FIXTURE_H
#define COFFER_TESTS_MEMORY_EXTENTS_FIXTURE_H

#include "fixture.h"

#include "memory/heap/extents.h"
#include "memory/heap/extents_tags.h"
#include "support/must.h"

#define KIB         1024u
#define AREA_FRAMES 64u /* 256 KiB */

struct fixture {
    struct extents extents;
    struct buffer buffer;
    struct extents_area *area;
    size_t all; /* bytes that the area's blocks have */
};

static inline void assert_valid(const struct extents *extents)
{
    const char *problem = NULL;

    if (!extents_is_valid(extents, &problem))
        fail_msg("%s", problem);
}

static inline int setup(void **state)
{
    struct fixture *f = must_alloc(sizeof(*f));

    f->buffer = buffer_make(AREA_FRAMES, 4096);
    extents_init(&f->extents);
    assert_ok(extents_add_area(&f->extents, f->buffer.start, f->buffer.size, &f->area));
    f->all = extents_largest(&f->extents);
    *state = f;
    return 0;
}

/* All is one free block again, and nothing outside was touched. */
static inline int teardown(void **state)
{
    struct fixture *f = *state;
    struct blocks_statistics s = extents_statistics(&f->extents);

    assert_valid(&f->extents);
    assert_true(extents_area_is_free(f->area));
    assert_int_equal(extents_largest(&f->extents), f->all);
    assert_int_equal(s.used_count, 0);
    assert_int_equal(s.used_size, 0);
    assert_int_equal(s.free_count, 1);
    assert_int_equal(s.free_size, f->all);
    assert_ok(extents_remove_area(&f->extents, f->area));
    assert_valid(&f->extents);
    assert_int_equal(extents_statistics(&f->extents).free_size, 0);
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
    free(f);
    return 0;
}

static inline uint8_t *take_aligned(struct fixture *f, size_t size, size_t alignment)
{
    struct extents_area *area = NULL;
    void *block = NULL;

    assert_ok(extents_alloc_aligned(&f->extents, size, alignment, &block, &area));
    assert_ptr_equal(area, f->area);
    assert_int_equal((uintptr_t)block % EXTENTS_GRANULE, 0);
    assert_int_equal((uintptr_t)block % alignment, 0);
    assert_true(extents_usable_size(f->area, block) >= size);
    memset(block, 0xdd, extents_usable_size(f->area, block));
    assert_valid(&f->extents);
    return block;
}

static inline uint8_t *take(struct fixture *f, size_t size)
{
    struct extents_area *area = NULL;
    void *block = NULL;

    assert_ok(extents_alloc(&f->extents, size, &block, &area));
    assert_ptr_equal(area, f->area);
    memset(block, 0xdd, extents_usable_size(f->area, block));
    assert_valid(&f->extents);
    return block;
}

static inline void give(struct fixture *f, void *block)
{
    assert_ok(extents_free(&f->extents, f->area, block));
    assert_valid(&f->extents);
}

static inline void assert_refused(struct fixture *f, size_t size, enum coffer_status expected)
{
    struct extents_area *area = (struct extents_area *)(void *)f;
    void *block = f;

    assert_status(extents_alloc(&f->extents, size, &block, &area), expected);
    assert_ptr_equal(block, f);
    assert_ptr_equal(area, f);
}

static inline uint64_t free_count(const struct fixture *f)
{
    return extents_statistics(&f->extents).free_count;
}

static inline uint64_t free_size(const struct fixture *f)
{
    return extents_statistics(&f->extents).free_size;
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
