/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of version 1.1 for sources that want it (tee_api_defines.h says how they tell): lengths
 * that are reached through pointers or lie in structures are uint32_t there. The library has both
 * forms of each such call and type; 1.1's has a __GP11_ prefix, and behaves the same otherwise.
 */
#ifndef TEE_API_COMPAT_H
#define TEE_API_COMPAT_H

#include "tee_api_defines.h"

#if __OPTEE_CORE_API_COMPAT_1_1

/* Types. */
#define TEE_Attribute  __GP11_TEE_Attribute
#define TEE_ObjectInfo __GP11_TEE_ObjectInfo
#define TEE_Param      __GP11_TEE_Param

/* Calls. */
#define TEE_AEDecryptFinal           __GP11_TEE_AEDecryptFinal
#define TEE_AEEncryptFinal           __GP11_TEE_AEEncryptFinal
#define TEE_AEUpdate                 __GP11_TEE_AEUpdate
#define TEE_CheckMemoryAccessRights  __GP11_TEE_CheckMemoryAccessRights
#define TEE_CipherDoFinal            __GP11_TEE_CipherDoFinal
#define TEE_CipherUpdate             __GP11_TEE_CipherUpdate
#define TEE_DigestDoFinal            __GP11_TEE_DigestDoFinal
#define TEE_GenerateKey              __GP11_TEE_GenerateKey
#define TEE_GetNextPersistentObject  __GP11_TEE_GetNextPersistentObject
#define TEE_GetObjectBufferAttribute __GP11_TEE_GetObjectBufferAttribute
#define TEE_GetObjectInfo            __GP11_TEE_GetObjectInfo
#define TEE_GetObjectInfo1           __GP11_TEE_GetObjectInfo1
#define TEE_GetOperationInfoMultiple __GP11_TEE_GetOperationInfoMultiple
#define TEE_GetPropertyAsBinaryBlock __GP11_TEE_GetPropertyAsBinaryBlock
#define TEE_GetPropertyAsString      __GP11_TEE_GetPropertyAsString
#define TEE_GetPropertyName          __GP11_TEE_GetPropertyName
#define TEE_InitRefAttribute         __GP11_TEE_InitRefAttribute
#define TEE_InitValueAttribute       __GP11_TEE_InitValueAttribute
#define TEE_MACComputeFinal          __GP11_TEE_MACComputeFinal
#define TEE_Malloc                   __GP11_TEE_Malloc
#define TEE_PopulateTransientObject  __GP11_TEE_PopulateTransientObject
#define TEE_ReadObjectData           __GP11_TEE_ReadObjectData
#define TEE_Realloc                  __GP11_TEE_Realloc

/* What a TA has. */
#define TA_OpenSessionEntryPoint   __GP11_TA_OpenSessionEntryPoint
#define TA_InvokeCommandEntryPoint __GP11_TA_InvokeCommandEntryPoint

#endif

#endif
