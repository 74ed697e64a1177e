/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole GlobalPlatform TEE Internal Core API, as far as it is here, and what OP-TEE's header of
 * this name brings along: trace lines, and short names of the compiler's attributes. TAs include
 * this.
 */
#ifndef TEE_INTERNAL_API_H
#define TEE_INTERNAL_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/ta_compiler.h"
#include "tee_api.h"
#include "tee_api_defines.h"
#include "tee_api_types.h"
#include "tee_ta_api.h"
#include "trace.h"

#include "tee_api_compat.h" /* last: it renames */

#endif
