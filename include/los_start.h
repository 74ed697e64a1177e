/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What LiteOS does at boot and a program on Linux may do itself: give the LOS_ calls their memory.
 * Without it the first call does it, with the defaults.
 */
#ifndef LOS_START_H
#define LOS_START_H

#include "coffer/linux_memory.h"

#include "los_typedef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `options` NULL: 16 MiB of memory, 64 MiB of swap in an unnamed file. LOS_NOK: it is started
 * already, or can't be. */
UINT32 LOS_Start(const struct coffer_linux_memory_options *options);

/* Everything goes; pools must not be used any more. Nothing, when it wasn't started. */
VOID LOS_Stop(VOID);

#ifdef __cplusplus
}
#endif

#endif
