/* SPDX-License-Identifier: BSD-2-Clause */
/* A pool on frames of its own, or in a region with guard bytes around, and its end: everything is
 * back where it was. Include tests/unit/memory/fixture.h first. */
#ifndef TESTS_SUPPORT_POOLS_H
#define TESTS_SUPPORT_POOLS_H

#include "base/bytes.h"
#include "memory/heap/pool.h"
#include "support/frames.h"

struct pool_fixture {
    struct buffer buffer;  /* of the frames */
    struct buffer outside; /* with the region in it */
    struct account account;
    struct account_line lines[8];
    struct frames *frames;
    struct owner owner;
    uint64_t used; /* frames before the pool was opened */
    struct coffer_pool *pool;
    void *region;
    size_t region_size;
};

/* Frames and an owner; no pool. */
static inline void pool_fixture_init(struct pool_fixture *f, size_t frame_count,
                                     const struct coffer_port *port)
{
    const struct frames_settings settings = {.port = port};
    struct memory_area area;

    memset(f, 0, sizeof(*f));
    f->buffer = buffer_make(frame_count, 4096);
    area = (struct memory_area){f->buffer.start, f->buffer.size};
    account_init(&f->account, f->lines, 8);
    assert_ok(start_frames(&area, 1, &settings, &f->account, &f->frames));
    assert_ok(account_open_owner(&f->account, "test", &f->owner));
    f->used = f->account.frames_used;
}

/* A region of `size` bytes, `shift` bytes behind a frame's start, that the pool is to live in. */
static inline void pool_fixture_region(struct pool_fixture *f, size_t size, size_t shift)
{
    f->outside = buffer_make((size + shift) / 4096 + 2, 4096);
    f->region = f->outside.start + shift;
    f->region_size = size;
}

static inline enum coffer_status pool_fixture_open(struct pool_fixture *f,
                                                   struct coffer_pool_settings settings,
                                                   const struct coffer_port *port)
{
    const struct pool_host host = {
        .frames = f->frames, .account = &f->account, .owner = f->owner, .port = port};

    settings.region = f->region;
    settings.region_size = f->region_size;
    return pool_open(&host, &settings, &f->pool);
}

static inline void pool_fixture_check(struct pool_fixture *f)
{
    const char *problem = "";

    if (!coffer_pool_check(f->pool, &problem))
        fail_msg("%s", problem);
    assert_true(frames_is_valid(f->frames));
}

/* All blocks are back; so is everything else when the pool is closed. */
static inline void pool_fixture_fini(struct pool_fixture *f)
{
    struct coffer_pool_statistics s;

    pool_fixture_check(f);
    coffer_pool_statistics(f->pool, &s);
    assert_int_equal(s.blocks, 0);
    assert_int_equal(s.used, 0);
    assert_int_equal(s.allocations, s.frees);
    (void)coffer_pool_shrink(f->pool);
    pool_fixture_check(f);
    coffer_pool_close(f->pool);
    assert_int_equal(f->account.frames_used, f->used);
    assert_true(frames_is_valid(f->frames));
    if (f->region != NULL) {
        assert_true(buffer_is_untouched_outside(&f->outside, f->region, f->region_size));
        buffer_free(&f->outside);
    }
    frames_fini(f->frames);
    assert_true(buffer_is_untouched_outside(&f->buffer, f->buffer.start, f->buffer.size));
    buffer_free(&f->buffer);
}

#endif
