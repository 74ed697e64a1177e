/* SPDX-License-Identifier: BSD-2-Clause */
/* What TAs for OP-TEE include beside tee_internal_api.h: its constants. */
#ifndef TEE_INTERNAL_API_EXTENSIONS_H
#define TEE_INTERNAL_API_EXTENSIONS_H

#include "tee_api_defines_extensions.h"
#include "tee_internal_api.h"

#endif
