/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiled with each TA: what its user_ta_header_defines.h says of it, where coffer_tee_register
 * and the loader of shared objects look for it.
 */
#include <stddef.h>

#include <coffer/tee.h>
#include <tee_ta_api.h>
#include <user_ta_header.h>

#include "user_ta_header_defines.h"

#ifndef TA_DATA_SIZE
#define TA_DATA_SIZE 0
#endif
#ifndef TA_STACK_SIZE
#define TA_STACK_SIZE 0
#endif
#ifndef TA_VERSION
#define TA_VERSION NULL
#endif
#ifndef TA_DESCRIPTION
#define TA_DESCRIPTION NULL
#endif
#ifndef TA_CURRENT_TA_EXT_PROPERTIES
#define OWN_PROPERTIES
#else
#define OWN_PROPERTIES TA_CURRENT_TA_EXT_PROPERTIES,
#endif

/* The empty one is for TAs that have none of their own. */
static const struct user_ta_property properties[] = {
    OWN_PROPERTIES{NULL, USER_TA_PROP_TYPE_INVALID, NULL}};

const struct coffer_ta_code coffer_ta = {
    .uuid = TA_UUID,
    .flags = TA_FLAGS,
    .data_size = TA_DATA_SIZE,
    .stack_size = TA_STACK_SIZE,
    .version = TA_VERSION,
    .description = TA_DESCRIPTION,
    .properties = properties,
    .property_count = sizeof(properties) / sizeof(properties[0]) - 1,
    .create = TA_CreateEntryPoint,
    .destroy = TA_DestroyEntryPoint,
    .open_session = TA_OpenSessionEntryPoint,
    .close_session = TA_CloseSessionEntryPoint,
    .invoke = TA_InvokeCommandEntryPoint,
};
