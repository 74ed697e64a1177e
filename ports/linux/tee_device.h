/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine calls itself: its id is made from its key, which it doesn't tell. */
#ifndef COFFER_LINUX_TEE_DEVICE_H
#define COFFER_LINUX_TEE_DEVICE_H

#include "coffer.h"
#include "tee_api_types.h"

/* The same for the same key. COFFER_NO_MEMORY. libgcrypt must have been started. */
COFFER_MUST_CHECK enum coffer_status tee_device_id(const struct coffer_key *key, TEE_UUID *out);

#endif
