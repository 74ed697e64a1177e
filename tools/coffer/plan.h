/* SPDX-License-Identifier: BSD-2-Clause */
/* What secure memory would be for. */
#ifndef COFFER_TOOL_PLAN_H
#define COFFER_TOOL_PLAN_H

#include "options.h"
#include "report.h"

/* As text or JSON, by the options. A plan that doesn't fit is shown, and is a failure. */
enum exit_status plan_show(struct options *options);

#endif
