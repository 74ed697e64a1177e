/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the memory system on Linux share. */
#ifndef TESTS_CONFORMANCE_LINUX_FIXTURE_H
#define TESTS_CONFORMANCE_LINUX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coffer/linux_memory.h"
#include "memory/space/space.h"
#include "support/must.h"

#define KIB  ((size_t)1024)
#define MIB  (1024 * KIB)
#define BOTH (COFFER_READ | COFFER_WRITE)

#define assert_status(call, expected) assert_int_equal((call), (expected))
#define assert_ok(call)               assert_int_equal((call), COFFER_OK)

/* A space of `pages` pages, all of them one region. */
static inline struct coffer_space *make_space(struct coffer_memory *memory, size_t pages,
                                              uint8_t **start)
{
    const struct coffer_space_settings settings = {.size = pages * PAGE};
    const struct coffer_map map = {.size = pages * PAGE, .rights = BOTH};
    struct coffer_space *space;
    uintptr_t address;

    must(coffer_space_open(memory, &settings, &space) == COFFER_OK);
    must(coffer_space_map(space, &map, &address) == COFFER_OK);
    *start = (uint8_t *)address;
    return space;
}

/* One byte read or written in `enter`. */
struct touch {
    volatile uint8_t *at;
    bool write;
    uint8_t value;
};

static inline void touch_body(void *argument)
{
    struct touch *touch = argument;

    if (touch->write)
        *touch->at = touch->value;
    else
        touch->value = *touch->at;
}

static inline enum coffer_status store_byte(struct coffer_space *space, uint8_t *at, uint8_t value)
{
    struct touch touch = {.at = at, .write = true, .value = value};

    return coffer_space_enter(space, touch_body, &touch);
}

static inline enum coffer_status load_byte(struct coffer_space *space, uint8_t *at, uint8_t *value)
{
    struct touch touch = {.at = at};
    enum coffer_status status = coffer_space_enter(space, touch_body, &touch);

    if (status == COFFER_OK)
        *value = touch.value;
    return status;
}

#endif
