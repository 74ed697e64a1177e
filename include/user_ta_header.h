/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a TA's source made for OP-TEE tells of itself: flags, and properties of its own. Such a
 * source has a file user_ta_header_defines.h that defines
 *
 *   TA_UUID        an initialiser of a TEE_UUID
 *   TA_FLAGS       TA_FLAG_... or-ed together
 *   TA_STACK_SIZE  bytes; told, and no more
 *   TA_DATA_SIZE   bytes that its heap must be able to have at least
 *   TA_VERSION, TA_DESCRIPTION       text; optional
 *   TA_CURRENT_TA_EXT_PROPERTIES     elements of struct user_ta_property with commas between them;
 *                                    optional
 */
#ifndef USER_TA_HEADER_H
#define USER_TA_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "tee_api_types.h"

#define TA_FLAG_USER_MODE           0u /* these two mean nothing any more */
#define TA_FLAG_EXEC_DDR            0u
#define TA_FLAG_SINGLE_INSTANCE     (1u << 2) /* all sessions have one instance */
#define TA_FLAG_MULTI_SESSION       (1u << 3) /* and at one time: else a second one is BUSY */
#define TA_FLAG_INSTANCE_KEEP_ALIVE (1u << 4) /* it stays after its last session */
/* Of machines that OP-TEE runs on; they mean nothing here. */
#define TA_FLAG_SECURE_DATA_PATH                (1u << 5)
#define TA_FLAG_REMAP_SUPPORT                   (1u << 6)
#define TA_FLAG_CACHE_MAINTENANCE               (1u << 7)
#define TA_FLAG_CONCURRENT                      (1u << 8)
#define TA_FLAG_DEVICE_ENUM                     (1u << 9)
#define TA_FLAG_DEVICE_ENUM_SUPP                (1u << 10)
#define TA_FLAG_DEVICE_ENUM_TEE_STORAGE_PRIVATE (1u << 12)
#define TA_FLAG_INSTANCE_KEEP_CRASHED           (1u << 13)
/* A handle of an object that is found to be damaged stays open. */
#define TA_FLAG_DONT_CLOSE_HANDLE_ON_CORRUPT_OBJECT (1u << 11)

/* What a property's `value` points to: */
enum user_ta_prop_type {
    USER_TA_PROP_TYPE_BOOL,         /* a bool */
    USER_TA_PROP_TYPE_U32,          /* a uint32_t */
    USER_TA_PROP_TYPE_UUID,         /* a TEE_UUID */
    USER_TA_PROP_TYPE_IDENTITY,     /* a TEE_Identity */
    USER_TA_PROP_TYPE_STRING,       /* its first char; NUL ends it */
    USER_TA_PROP_TYPE_BINARY_BLOCK, /* the same, in base 64 */
    USER_TA_PROP_TYPE_U64,          /* a uint64_t */
    USER_TA_PROP_TYPE_INVALID,
};

struct user_ta_property {
    const char *name;
    enum user_ta_prop_type type;
    const void *value;
};

#endif
