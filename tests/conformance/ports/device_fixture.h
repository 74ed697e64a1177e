/* SPDX-License-Identifier: BSD-2-Clause */
/* A test of devices: one, at an empty place, of the candidate whose turn it is. */
#ifndef TESTS_CONFORMANCE_DEVICE_FIXTURE_H
#define TESTS_CONFORMANCE_DEVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "candidates.h"

struct fixture {
    void *place;
    struct coffer_device *device; /* NULL: the test has closed it */
};

/* Set before the tests of a group are run. */
extern const struct candidate *candidate;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

#define device_test(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

#endif
