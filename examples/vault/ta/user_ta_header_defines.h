/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TA is, in the names that OP-TEE's build has for it. */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include "vault_ta.h"

#define TA_UUID  VAULT_UUID
#define TA_FLAGS (TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION)

#define TA_STACK_SIZE (8 * 1024)
#define TA_DATA_SIZE  (64 * 1024)

#define TA_VERSION     "1.0"
#define TA_DESCRIPTION "A vault for passwords"

#endif
