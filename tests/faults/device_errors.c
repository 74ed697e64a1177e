/* SPDX-License-Identifier: BSD-2-Clause */
/* Every device call of every kind of call fails once, in every way; trouble.h has the promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "trouble.h"

static struct trouble_base base;

static int make_base(void **state)
{
    (void)state;
    trouble_base_make(&base);
    return 0;
}

static int free_base(void **state)
{
    (void)state;
    trouble_base_free(&base);
    return 0;
}

static void strike_all(enum fault_kind kind, bool through_close)
{
    struct trouble trouble = {
        .source = TROUBLE_DEVICE, .kind = kind, .through_close = through_close};

    for (size_t i = 0; i < trouble_step_count; i++)
        trouble_strike_step(&trouble, &base, &trouble_steps[i]);
    if (!through_close) {
        trouble_strike_open(&trouble, &base);
        trouble_strike_create(&trouble);
    }
    fprintf(stderr, "%s%s: %llu faults\n", fault_kind_name(kind),
            through_close ? ", until the close" : "", (unsigned long long)trouble.strikes);
    assert_int_not_equal(trouble.strikes, 0);
}

static void test_an_error_before_each_call(void **state)
{
    (void)state;
    strike_all(FAULT_IO_BEFORE, false);
}

static void test_an_error_after_each_call(void **state)
{
    (void)state;
    strike_all(FAULT_IO_AFTER, false);
}

static void test_each_write_torn(void **state)
{
    (void)state;
    strike_all(FAULT_TORN, false);
}

static void test_no_space_at_each_call(void **state)
{
    (void)state;
    strike_all(FAULT_NO_SPACE, false);
}

static void test_a_device_that_dies_at_each_call(void **state)
{
    (void)state;
    strike_all(FAULT_DEAD, false);
}

static void test_a_device_that_stays_dead_until_the_close(void **state)
{
    (void)state;
    strike_all(FAULT_DEAD, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_before_each_call),
        cmocka_unit_test(test_an_error_after_each_call),
        cmocka_unit_test(test_each_write_torn),
        cmocka_unit_test(test_no_space_at_each_call),
        cmocka_unit_test(test_a_device_that_dies_at_each_call),
        cmocka_unit_test(test_a_device_that_stays_dead_until_the_close),
    };

    return cmocka_run_group_tests(tests, make_base, free_base);
}
