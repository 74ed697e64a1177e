/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vault's client and the vault agree on. */
#ifndef VAULT_TA_H
#define VAULT_TA_H

#define VAULT_UUID                                                                                 \
    {                                                                                              \
        0x7a0fb1c2, 0x51d3, 0x4c6e,                                                                \
        {                                                                                          \
            0x9b, 0x27, 0x0d, 0x3e, 0x66, 0x18, 0xa4, 0x5f                                         \
        }                                                                                          \
    }

#define VAULT_NAME_MAX   60u   /* bytes of a name, 1 at least */
#define VAULT_SECRET_MAX 4096u /* bytes of a secret */

/* Keep a secret under a name; one that is there is replaced.
 * 0 in: name, 1 in: secret. TEE_ERROR_BAD_PARAMETERS: a name or a secret of no such size. */
#define VAULT_PUT 0u

/* Tell a secret. 0 in: name, 1 out: secret. TEE_ERROR_ITEM_NOT_FOUND, TEE_ERROR_SHORT_BUFFER with
 * the size that is needed. */
#define VAULT_GET 1u

/* Forget it. 0 in: name. TEE_ERROR_ITEM_NOT_FOUND. */
#define VAULT_REMOVE 2u

/* All names, each with a NUL behind it. 0 out: names; TEE_ERROR_SHORT_BUFFER with the size that is
 * needed. 1 value out: how many. */
#define VAULT_LIST 3u

#endif
