/* SPDX-License-Identifier: BSD-2-Clause */
#include "library.h"

#include <errno.h>
#include <gcrypt.h>
#include <stddef.h>
#include <stdlib.h>

#include "../../../ports/linux/tee_gcrypt.h"

static struct fault_plan *refusals;

void library_refuse(struct fault_plan *plan)
{
    refusals = plan;
}

static bool is_refused(void)
{
    bool refused = fault_plan_strikes(refusals, FAULT_CALL_OTHER);

    if (refused)
        errno = ENOMEM; /* which is what the library looks at */
    return refused;
}

/* --- libgcrypt's ------------------------------------------------------------------------- */

static void *allocate(size_t size)
{
    return is_refused() ? NULL : malloc(size);
}

static void *reallocate(void *block, size_t size)
{
    return is_refused() ? NULL : realloc(block, size);
}

/* No block is of its own "secure memory". */
static int is_secure(const void *block)
{
    (void)block;
    return 0;
}

void library_begin(void)
{
    gcry_set_allocation_handler(allocate, allocate, is_secure, reallocate, free);
}

/* --- The port's -------------------------------------------------------------------------- */

/* By the linker (--wrap), of all that is linked in. */
/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

/* --- Keys -------------------------------------------------------------------------------- */

/* What making a key takes isn't counted but for once. */
static struct fault_plan *begin_key(enum coffer_status *status)
{
    struct fault_plan *plan = refusals;

    *status = is_refused() ? COFFER_NO_MEMORY : COFFER_OK;
    refusals = NULL;
    return plan;
}

static enum coffer_status rsa_generate(void *state, unsigned bits, struct gp_rsa_key *key)
{
    enum coffer_status status;
    struct fault_plan *plan = begin_key(&status);

    if (status == COFFER_OK)
        status = linux_tee_provider()->rsa_generate(state, bits, key);
    refusals = plan;
    return status;
}

static enum coffer_status power_generate(void *state, const struct gp_number *p,
                                         const struct gp_number *q, const struct gp_number *base,
                                         unsigned bits, struct gp_number *secret,
                                         struct gp_number *public_value)
{
    enum coffer_status status;
    struct fault_plan *plan = begin_key(&status);

    if (status == COFFER_OK)
        status = linux_tee_provider()->power_generate(state, p, q, base, bits, secret,
                                                      public_value);
    refusals = plan;
    return status;
}

static enum coffer_status curve_generate(void *state, enum gp_curve curve, struct gp_number *secret,
                                         struct gp_number *x, struct gp_number *y)
{
    enum coffer_status status;
    struct fault_plan *plan = begin_key(&status);

    if (status == COFFER_OK)
        status = linux_tee_provider()->curve_generate(state, curve, secret, x, y);
    refusals = plan;
    return status;
}

static enum coffer_status octets_public(void *state, enum gp_octet_curve curve,
                                        const uint8_t secret[GP_25519_SIZE],
                                        uint8_t public_value[GP_25519_SIZE])
{
    enum coffer_status status;
    struct fault_plan *plan = begin_key(&status);

    if (status == COFFER_OK)
        status = linux_tee_provider()->octets_public(state, curve, secret, public_value);
    refusals = plan;
    return status;
}

/* --- Ends -------------------------------------------------------------------------------- */

static void (*told)(void);

void library_tell_of_ends(void (*ends)(void))
{
    told = ends;
}

static void block_close(void *context)
{
    if (context != NULL && told != NULL)
        told();
    linux_tee_provider()->block_close(context);
}

const struct gp_provider *library_provider(void)
{
    static struct gp_provider provider;

    provider = *linux_tee_provider();
    provider.block_close = block_close;
    provider.rsa_generate = rsa_generate;
    provider.power_generate = power_generate;
    provider.curve_generate = curve_generate;
    provider.octets_public = octets_public;
    return &provider;
}

bool library_is_idle(const struct gp_tee *tee)
{
    struct gp_provider_usage usage;

    tee->provider->usage(tee->crypto, &usage);
    return usage.contexts == 0 && usage.used == 0;
}
