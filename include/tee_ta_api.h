/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trusted application has: its entry points (4.3). The TA defines all five; each is called
 * in one thread at a time of an instance. Those that answer TEE_Results may answer any code.
 */
#ifndef TEE_TA_API_H
#define TEE_TA_API_H

#include "tee_api_defines.h"
#include "tee_api_types.h"

/* The names are the standard's and OP-TEE's. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TA_EXPORT __attribute__((visibility("default")))
#else
#define TA_EXPORT
#endif

/* An instance begins; on anything but TEE_SUCCESS there is none, and no other entry point of it is
 * called. */
TEE_Result TA_EXPORT TA_CreateEntryPoint(void);

/* It ends, all its sessions are closed. Not called after a panic. */
void TA_EXPORT TA_DestroyEntryPoint(void);

/* A client opens a session. `paramTypes` (TEE_PARAM_TYPES) says what is in `params`; buffers are
 * the client's and good until the return. What is stored in *sessionContext is given to the calls
 * of this session. On anything but TEE_SUCCESS there is no session. */
TEE_Result TA_EXPORT TA_OpenSessionEntryPoint(uint32_t paramTypes, TEE_Param params[TEE_NUM_PARAMS],
                                              void **sessionContext);
TEE_Result TA_EXPORT __GP11_TA_OpenSessionEntryPoint(uint32_t paramTypes,
                                                     __GP11_TEE_Param params[TEE_NUM_PARAMS],
                                                     void **sessionContext);

/* A session ends. */
void TA_EXPORT TA_CloseSessionEntryPoint(void *sessionContext);

/* A command in a session; parameters as above. */
TEE_Result TA_EXPORT TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID,
                                                uint32_t paramTypes,
                                                TEE_Param params[TEE_NUM_PARAMS]);
TEE_Result TA_EXPORT __GP11_TA_InvokeCommandEntryPoint(void *sessionContext, uint32_t commandID,
                                                       uint32_t paramTypes,
                                                       __GP11_TEE_Param params[TEE_NUM_PARAMS]);

/* NOLINTEND(bugprone-reserved-identifier) */

#ifdef __cplusplus
}
#endif

#endif
