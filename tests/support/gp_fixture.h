/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tee for tests of the GlobalPlatform front end: stores on memory devices for
 * TEE_STORAGE_PRIVATE and TEE_STORAGE_PERSO (none for TEE_STORAGE_PROTECTED), instances with the
 * machine's MMU and swap, and the port's part in the test's hands: gp_current is `current`, and a
 * panic comes back to the assertion that expects it. Whoever opens one ends it; everything must be
 * back by then.
 */
#ifndef TESTS_SUPPORT_GP_FIXTURE_H
#define TESTS_SUPPORT_GP_FIXTURE_H

#include <setjmp.h>
#include <stdbool.h>

#include "gp/gp.h"
#include "support/space_fixture.h"
#include "support/store_fixture.h"

#define GP_FIXTURE_STORES 2

struct gp_fixture_options {
    enum gp_profile profile;
    const struct gp_provider *provider; /* NULL: the machine's */
    size_t crypto_max;                  /* as in struct gp_tee_settings */
    size_t memory;                      /* of instances, bytes; 0: 2 MiB */
    size_t heap;                        /* of an instance, bytes; 0: 1 MiB */
    struct memory_device *device; /* of TEE_STORAGE_PRIVATE, the test's; NULL: the fixture's own */
};

struct gp_fixture {
    struct gp_tee tee;
    struct space_fixture space;
    struct store_fixture stores[GP_FIXTURE_STORES]; /* PRIVATE, PERSO */
    struct memory_device *devices[GP_FIXTURE_STORES];
    struct gp_limits limits;
    struct gp_instance *instance; /* of gp_fixture_uuid */
    struct gp_instance *current;  /* `instance` at first */
    bool expecting;
    jmp_buf out;
};

extern const TEE_UUID gp_fixture_uuid;
extern const TEE_UUID gp_fixture_other_uuid;

/* The fixture of the test that runs. */
extern struct gp_fixture gp_fixture;

/* `options` NULL: all zero. */
void gp_fixture_open(const struct gp_fixture_options *options);
/* False: not all came back, which is told. */
COFFER_MUST_CHECK bool gp_fixture_end(void);

/* One more instance. Close it with gp_instance_close. */
struct gp_instance *gp_fixture_instance(const TEE_UUID *uuid);

/* The expression panics with this code, in this call. The instance is as good as new afterwards,
 * but for what the panic broke off. */
#define assert_panics_in(expression, code, call)                                                   \
    do {                                                                                           \
        gp_fixture.expecting = true;                                                               \
        if (setjmp(gp_fixture.out) == 0) {                                                         \
            (void)(expression);                                                                    \
            gp_fixture.expecting = false;                                                          \
            fail_msg("%s did not panic", #expression);                                             \
        }                                                                                          \
        gp_fixture.expecting = false;                                                              \
        assert_true(gp_fixture.current->panicked);                                                 \
        assert_int_equal(gp_fixture.current->panic_code, (code));                                  \
        assert_int_equal(gp_fixture.current->panic_call, (call));                                  \
        gp_fixture.current->panicked = false;                                                      \
    } while (0)

#endif
