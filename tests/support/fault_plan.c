/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/fault_plan.h"

#include <stddef.h>

const char *fault_kind_name(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_IO_BEFORE:
        return "I/O error, nothing done";
    case FAULT_IO_AFTER:
        return "I/O error, all done";
    case FAULT_TORN:
        return "I/O error, torn write";
    case FAULT_NO_SPACE:
        return "no space";
    case FAULT_DEAD:
        return "dead device";
    case FAULT_KINDS:
        break;
    }
    return "?";
}

static bool applies(enum fault_kind kind, enum fault_call call)
{
    switch (kind) {
    case FAULT_TORN:
        return call == FAULT_CALL_WRITE;
    case FAULT_NO_SPACE:
        return call == FAULT_CALL_WRITE || call == FAULT_CALL_GROW;
    default:
        return true;
    }
}

bool fault_plan_strikes(struct fault_plan *plan, enum fault_call call)
{
    if (plan == NULL || plan->paused || plan->at == 0 || !applies(plan->kind, call))
        return false;
    plan->calls++;
    if (plan->calls == plan->at || (plan->kind == FAULT_DEAD && plan->calls > plan->at)) {
        plan->fired = true;
        return true;
    }
    return false;
}
