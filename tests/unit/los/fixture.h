/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of LiteOS's names share: guarded regions, and a system for each test. */
#ifndef TESTS_UNIT_LOS_FIXTURE_H
#define TESTS_UNIT_LOS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "los_start.h"

#define GUARD 0xA5

/* A region with guard bytes on both sides, `offset` bytes off an aligned address. */
struct place {
    uint8_t *raw;
    uint8_t *region;
    UINT32 size;
};

static inline struct place place_make(UINT32 size, size_t offset)
{
    struct place place = {.size = size};

    place.raw = malloc((size_t)size + 256);
    assert_non_null(place.raw);
    memset(place.raw, GUARD, (size_t)size + 256);
    place.region = place.raw + 64 + offset;
    return place;
}

static inline void place_check_and_free(struct place *place)
{
    for (uint8_t *p = place->raw; p < place->region; p++)
        assert_int_equal(*p, GUARD);
    for (uint8_t *p = place->region + place->size; p < place->raw + place->size + 256; p++)
        assert_int_equal(*p, GUARD);
    free(place->raw);
}

static inline int start(void **state)
{
    const struct coffer_linux_memory_options options = {
        .memory = (size_t)8 << 20, .software = getenv("COFFER_LOS_POINTERS") == NULL};

    (void)state;
    return LOS_Start(&options) == LOS_OK ? 0 : -1;
}

/* Regions are plain memory that the test frees: the system behind goes with each test. */
static inline int stop(void **state)
{
    (void)state;
    LOS_Stop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
