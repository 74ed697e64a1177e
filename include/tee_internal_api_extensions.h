/* SPDX-License-Identifier: BSD-2-Clause */
/* What TAs for OP-TEE include beside tee_internal_api.h: its constants, and trace lines. */
#ifndef TEE_INTERNAL_API_EXTENSIONS_H
#define TEE_INTERNAL_API_EXTENSIONS_H

#include "tee_api_defines_extensions.h"
#include "tee_api_types.h"
#include "trace.h"

#endif
