/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of every kind of call is refused once, and every request for entropy fails
 * once; the promises are in trouble.h.
 */
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

static void strike_all(enum trouble_source source, const char *name)
{
    struct trouble trouble = {.source = source};

    for (size_t i = 0; i < trouble_step_count; i++)
        trouble_strike_step(&trouble, &base, &trouble_steps[i]);
    trouble_strike_open(&trouble, &base);
    trouble_strike_create(&trouble);
    fprintf(stderr, "%s: %llu refusals\n", name, (unsigned long long)trouble.strikes);
    assert_int_not_equal(trouble.strikes, 0);
}

static void test_each_allocation_is_refused(void **state)
{
    (void)state;
    strike_all(TROUBLE_MEMORY, "allocations");
}

static void test_each_request_for_entropy_fails(void **state)
{
    (void)state;
    strike_all(TROUBLE_ENTROPY, "entropy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_is_refused),
        cmocka_unit_test(test_each_request_for_entropy_fails),
    };

    return cmocka_run_group_tests(tests, make_base, free_base);
}
