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

/* --- Memory (4.11) ----------------------------------------------------------------------- */

/* May the TA do this with the memory? `accessFlags`: TEE_MEMORY_ACCESS_READ, _WRITE, or both;
 * without TEE_MEMORY_ACCESS_ANY_OWNER nobody else may have a hand in it, as clients have in buffers
 * of parameters. No bytes are always allowed. A buffer in the heap must lie in one block of
 * TEE_Malloc. TEE_ERROR_ACCESS_DENIED. */
TEE_Result TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, size_t size);
TEE_Result __GP11_TEE_CheckMemoryAccessRights(uint32_t accessFlags, void *buffer, uint32_t size);

/* A pointer that the library keeps for the instance, and gives back; NULL at first. */
void TEE_SetInstanceData(const void *instanceData);
const void *TEE_GetInstanceData(void);

/* A block of the heap, at a multiple of 16 bytes if its size is one, else of 8, for the TA to free.
 * All hints give zeros. NULL: there is no memory, or the hint isn't known. TEE_MALLOC_NO_FILL
 * without TEE_MALLOC_NO_SHARE is a panic. A block of no bytes is an address that isn't NULL and
 * can't be touched. */
void *TEE_Malloc(size_t size, uint32_t hint);
void *__GP11_TEE_Malloc(uint32_t size, uint32_t hint);

/* The block with a new size, perhaps elsewhere; what it gains is zero. NULL: there is no memory,
 * and the block is as it was. `buffer` NULL: as TEE_Malloc. `newSize` 0: as TEE_Free, and a block
 * of no bytes. Anything but a block of TEE_Malloc's is a panic. */
void *TEE_Realloc(void *buffer, size_t newSize);
void *__GP11_TEE_Realloc(void *buffer, uint32_t newSize);

/* The block ends, and is wiped. NULL and blocks of no bytes: nothing. What isn't a block of
 * TEE_Malloc's (any more) is a panic. */
void TEE_Free(void *buffer);

/* Copy; the two may overlap. */
void TEE_MemMove(void *dest, const void *src, size_t size);

/* Less than, equal to or greater than 0, as the first byte that differs is in `buffer1`; in a time
 * that depends on `size` alone. */
int32_t TEE_MemCompare(const void *buffer1, const void *buffer2, size_t size);

/* Fill with a byte; that is done also if nobody looks at the buffer afterwards. */
void TEE_MemFill(void *buffer, uint8_t x, size_t size);

#ifdef __cplusplus
}
#endif

#endif
