/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of the GlobalPlatform front end begin with: a tee of each profile, one after another,
 * and everything back at the end of each test. */
#ifndef TESTS_UNIT_GP_FIXTURE_H
#define TESTS_UNIT_GP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/gp_fixture.h"

#define assert_ok(call)           assert_int_equal((call), COFFER_OK)
#define assert_success(call)      assert_int_equal((call), TEE_SUCCESS)
#define assert_result(call, code) assert_int_equal((call), (code))

static struct gp_fixture_options fixture_options;

struct test_body {
    void (*run)(void **state);
};

static bool fixture_is_open;

/* The fixture begins and ends in the test itself: around it cmocka puts its own handler of SIGSEGV
 * over the MMU's. */
static void fixture_run(void **state)
{
    const struct test_body *body = *state;

    gp_fixture_open(&fixture_options);
    fixture_is_open = true;
    body->run(state);
    fixture_is_open = false;
    assert_true(gp_fixture_end());
}

/* Of a test that failed half-way. */
static int fixture_teardown(void **state)
{
    bool failed = fixture_is_open;

    (void)state;
    fixture_is_open = false;
    return failed && !gp_fixture_end() ? -1 : 0;
}

/* clang-format off */
#define gp_test(function) \
    {#function, fixture_run, NULL, fixture_teardown, &(struct test_body){function}}
/* clang-format on */

/* The tests in each profile. */
#define run_in_every_profile(tests)                                                                \
    int main(void)                                                                                 \
    {                                                                                              \
        static const char *const names[GP_PROFILES] = {"gp-1.3.1", "optee-4"};                     \
        int failures = 0;                                                                          \
                                                                                                   \
        for (unsigned i = 0; i < GP_PROFILES; i++) {                                               \
            fixture_options.profile = (enum gp_profile)i;                                          \
            failures += _cmocka_run_group_tests(names[i], tests,                                   \
                                                sizeof(tests) / sizeof((tests)[0]), NULL, NULL);   \
        }                                                                                          \
        return failures;                                                                           \
    }

#endif
