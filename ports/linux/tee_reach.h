/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the process that a TA may ask about (gp_tee_settings.reaches). */
#ifndef COFFER_LINUX_TEE_REACH_H
#define COFFER_LINUX_TEE_REACH_H

#include <stdbool.h>
#include <stddef.h>

/* Is all of it mapped, and readable, and writable if that is asked? Not if it exceeds the
 * addresses that there are. True also where the system doesn't tell. */
bool tee_reaches(const void *address, size_t size, bool write);

#endif
