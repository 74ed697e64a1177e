/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of paging begin and end with: paging over 64 frames and 32 slots, all back at the
 * end. */
#ifndef TESTS_UNIT_PAGING_FIXTURE_H
#define TESTS_UNIT_PAGING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/must.h"
#include "support/paging_fixture.h"

#define SLOTS 32u

static inline int fixture_setup_with(void **state, const struct paging_fixture_settings *settings)
{
    struct paging_fixture *f = must_alloc(sizeof(*f));

    paging_fixture_open(f, settings);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct paging_fixture *f = *state;

    if (!paging_fixture_end(f))
        return -1;
    free(f);
    return 0;
}

#define assert_status(call, expected) assert_int_equal((call), (expected))
#define assert_ok(call)               assert_int_equal((call), COFFER_OK)

/* Evict everything that can go, referenced or not. */
static inline size_t evict_all(struct paging_fixture *f)
{
    size_t freed = paging_reclaim(f->paging, 1000, (struct owner){0});

    assert_true(fake_is_valid(f));
    return freed;
}

static inline void store_value(struct paging_fixture *f, struct object *object, uint64_t index,
                               uint64_t value)
{
    assert_ok(fake_store(f, object, index, value));
}

static inline void assert_value(struct paging_fixture *f, struct object *object, uint64_t index,
                                uint64_t value)
{
    uint64_t got = ~value;

    assert_ok(fake_load(f, object, index, &got));
    assert_int_equal(got, value);
}

static inline void assert_absent(struct paging_fixture *f, struct object *object, uint64_t index)
{
    struct object_page_info info = fake_query(f, object, index);

    assert_false(info.resident || info.swapped || info.lost);
}

static inline void assert_swapped(struct paging_fixture *f, struct object *object, uint64_t index)
{
    assert_true(fake_query(f, object, index).swapped);
}

static inline void assert_resident(struct paging_fixture *f, struct object *object, uint64_t index)
{
    assert_true(fake_query(f, object, index).resident);
}

#endif
