/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiled with each TA: what its user_ta_header_defines.h says of it, where coffer_tee_register
 * and the loader of shared objects look for it. The TA's entry points may have the parameters of
 * version 1.3.1 of the API or of 1.1.
 */
#include <stddef.h>
#include <stdint.h>

#include <coffer/tee.h>
#include <tee_ta_api.h>
#include <user_ta_header.h>

/* One of two has each of these. */
#pragma weak TA_OpenSessionEntryPoint
#pragma weak TA_InvokeCommandEntryPoint
#pragma weak __GP11_TA_OpenSessionEntryPoint
#pragma weak __GP11_TA_InvokeCommandEntryPoint

static int is_memory(uint32_t types, unsigned index)
{
    return TEE_PARAM_TYPE_GET(types, index) >= TEE_PARAM_TYPE_MEMREF_INPUT;
}

/* With sizes of 32 bits; 0: one is larger. */
static int narrow(uint32_t types, const TEE_Param from[TEE_NUM_PARAMS],
                  __GP11_TEE_Param to[TEE_NUM_PARAMS])
{
    for (unsigned i = 0; i < TEE_NUM_PARAMS; i++) {
        if (!is_memory(types, i)) {
            to[i].value.a = from[i].value.a;
            to[i].value.b = from[i].value.b;
            continue;
        }
        if (from[i].memref.size > UINT32_MAX)
            return 0;
        to[i].memref.buffer = from[i].memref.buffer;
        to[i].memref.size = (uint32_t)from[i].memref.size;
    }
    return 1;
}

static void widen(uint32_t types, const __GP11_TEE_Param from[TEE_NUM_PARAMS],
                  TEE_Param to[TEE_NUM_PARAMS])
{
    for (unsigned i = 0; i < TEE_NUM_PARAMS; i++) {
        if (is_memory(types, i)) {
            to[i].memref.size = from[i].memref.size;
        } else {
            to[i].value.a = from[i].value.a;
            to[i].value.b = from[i].value.b;
        }
    }
}

static TEE_Result open_session(uint32_t types, TEE_Param parameters[TEE_NUM_PARAMS], void **session)
{
    __GP11_TEE_Param narrowed[TEE_NUM_PARAMS];
    TEE_Result result;

    if (__GP11_TA_OpenSessionEntryPoint == NULL)
        return TA_OpenSessionEntryPoint(types, parameters, session);
    if (!narrow(types, parameters, narrowed))
        return TEE_ERROR_EXCESS_DATA;
    result = __GP11_TA_OpenSessionEntryPoint(types, narrowed, session);
    widen(types, narrowed, parameters);
    return result;
}

static TEE_Result invoke(void *session, uint32_t command, uint32_t types,
                         TEE_Param parameters[TEE_NUM_PARAMS])
{
    __GP11_TEE_Param narrowed[TEE_NUM_PARAMS];
    TEE_Result result;

    if (__GP11_TA_InvokeCommandEntryPoint == NULL)
        return TA_InvokeCommandEntryPoint(session, command, types, parameters);
    if (!narrow(types, parameters, narrowed))
        return TEE_ERROR_EXCESS_DATA;
    result = __GP11_TA_InvokeCommandEntryPoint(session, command, types, narrowed);
    widen(types, narrowed, parameters);
    return result;
}

/* Here, because what it includes may rename types and entry points. */
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
    .data_size = (size_t)TA_DATA_SIZE,
    .stack_size = TA_STACK_SIZE,
    .version = TA_VERSION,
    .description = TA_DESCRIPTION,
    .properties = properties,
    .property_count = sizeof(properties) / sizeof(properties[0]) - 1,
    .create = TA_CreateEntryPoint,
    .destroy = TA_DestroyEntryPoint,
    .open_session = open_session,
    .close_session = TA_CloseSessionEntryPoint,
    .invoke = invoke,
};
