/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the GlobalPlatform TEE Internal Core API 1.3.1, in the order of its chapters; those that
 * aren't declared aren't there. 1.1's form of a call, where it differs, has a __GP11_ prefix
 * (tee_api_compat.h) and stands below the call that it is a form of.
 *
 * Return codes  A call answers TEE_SUCCESS or one of the codes named with it. Whatever else goes
 *               wrong, wrong arguments and states first of all, is a panic: the instance ends where
 *               it stands, with all it has, and its clients are told TEE_ERROR_TARGET_DEAD. A
 *               panic's code says what was wrong, TEE_ERROR_BAD_PARAMETERS or TEE_ERROR_BAD_STATE
 *               where a call names none.
 * Outputs       are written on success only where nothing else is said. With
 *               TEE_ERROR_SHORT_BUFFER the size is written: how many bytes are needed.
 * NULL          is a panic for a handle, an output or a buffer of more than no bytes, where nothing
 *               else is said.
 * Sizes         are bytes where nothing else is said, key sizes bits.
 * Threads       The calls belong to the instance that runs in the calling thread, and one thread at
 *               a time runs in an instance. Outside of a TA they end the program.
 */
#ifndef TEE_API_H
#define TEE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee_api_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Panics (4.8) ------------------------------------------------------------------------ */

/* End the instance; `panicCode` is for people. Doesn't return. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void TEE_Panic(TEE_Result panicCode);

#ifdef __cplusplus
}
#endif

#endif
