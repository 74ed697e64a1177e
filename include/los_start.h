/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What LiteOS does at boot and a program on Linux may do itself: give the LOS_ calls their memory.
 * Without it the first call does it, with the defaults.
 *
 * A process may end without LOS_Stop, with threads in calls and whatever became of its pools'
 * regions: nothing but mapped files is touched then, and these are written. The child of a fork has
 * nothing of its parent's: no pool, page or mapping. Its first call starts a system of its own, or
 * LOS_Start does.
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

/* Everything goes; pools must not be used any more. The regions of those that had no LOS_MemDeInit
 * are wiped, so they must still be there. Nothing, when it wasn't started. */
VOID LOS_Stop(VOID);

#ifdef __cplusplus
}
#endif

#endif
