/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of spaces on every MMU: each test begins with a memory system in `fixture` (1 MiB, swap of
 * 1,024 pages) and ends with everything back in place.
 */
#ifndef TESTS_UNIT_SPACE_FIXTURE_H
#define TESTS_UNIT_SPACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/space_fixture.h"

#define PG ((uintptr_t)COFFER_PAGE_SIZE)
#define RW (COFFER_READ | COFFER_WRITE)

#define assert_ok(call)             assert_int_equal((call), COFFER_OK)
#define assert_status(call, status) assert_int_equal((call), (status))

static struct space_fixture fixture;
static enum space_mmu fixture_mmu;

static int fixture_setup(void **state)
{
    static const struct space_fixture_settings settings = {.memory = MIB, .swap_pages = 1024};

    (void)state;
    space_fixture_open(&fixture, fixture_mmu, &settings);
    return 0;
}

static int fixture_teardown(void **state)
{
    (void)state;
    return space_fixture_end(&fixture) ? 0 : -1;
}

#define space_test(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/* The tests on one MMU after another. COFFER_MMU names the only one. */
#define run_on_every_mmu(tests)                                                                    \
    int main(void)                                                                                 \
    {                                                                                              \
        const char *only = getenv("COFFER_MMU");                                                   \
        int failures = 0;                                                                          \
                                                                                                   \
        for (fixture_mmu = 0; fixture_mmu < SPACE_MMUS; fixture_mmu++) {                           \
            const char *name = space_mmu_name(fixture_mmu);                                        \
                                                                                                   \
            if (only == NULL || strcmp(only, name) == 0)                                           \
                failures += _cmocka_run_group_tests(                                               \
                    name, tests, sizeof(tests) / sizeof((tests)[0]), NULL, NULL);                  \
        }                                                                                          \
        return failures;                                                                           \
    }

/* The regions of a space as text: "start-end rights flags", in pages from its base. */
static inline const char *regions_text(struct coffer_space *space)
{
    static char text[4096];
    struct coffer_space_info info;
    struct coffer_region_info region;
    size_t length = 0;

    coffer_space_info(space, &info);
    text[0] = '\0';
    for (uintptr_t at = 0; coffer_space_region(space, at, &region) == COFFER_OK;
         at = region.address + region.size)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%zu-%zu:%s%s%s%s%s%s%s",
                                   length > 0 ? " " : "", (size_t)(region.address - info.base) / PG,
                                   (size_t)(region.address + region.size - info.base) / PG,
                                   (region.rights & COFFER_READ) != 0 ? "r" : "",
                                   (region.rights & COFFER_WRITE) != 0 ? "w" : "",
                                   (region.rights & COFFER_EXECUTE) != 0 ? "x" : "",
                                   region.heap ? "H" : "", region.shared ? "S" : "",
                                   region.file ? "F" : "", region.pinned ? "P" : "");
    return text;
}

static inline uintptr_t space_base(struct coffer_space *space)
{
    struct coffer_space_info info;

    coffer_space_info(space, &info);
    return info.base;
}

#endif
