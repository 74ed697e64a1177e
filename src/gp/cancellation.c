/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cancellation as a TA sees it (4.10): a flag of the operation it runs for, hidden while it is
 * masked, which it is when the operation begins.
 */
#include "gp/sessions.h"

bool TEE_GetCancellationFlag(void)
{
    const struct gp_instance *instance = gp_current();

    return instance->request != NULL && !instance->cancellation_masked &&
           atomic_load(&instance->request->cancelled);
}

static bool set_mask(bool masked)
{
    struct gp_instance *instance = gp_current();
    bool before = instance->cancellation_masked;

    instance->cancellation_masked = masked;
    return before;
}

bool TEE_UnmaskCancellation(void)
{
    return set_mask(false);
}

bool TEE_MaskCancellation(void)
{
    return set_mask(true);
}
