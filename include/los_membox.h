/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LiteOS's calls on static memory pools ("boxes"), over Coffer's boxes. A pool is named by the
 * address that it was given at; every free is checked exactly. Any thread.
 */
#ifndef LOS_MEMBOX_H
#define LOS_MEMBOX_H

#include "los_typedef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are enough for a pool of `blkNum` boxes of `blkSize` bytes at any address. */
#define LOS_MEMBOX_OVERHEAD 512U
#define LOS_MEMBOX_SIZE(blkSize, blkNum)                                                           \
    (LOS_MEMBOX_OVERHEAD + (4U + (((UINT32)(blkSize) + 7U) & ~7U)) * (UINT32)(blkNum))

/* The memory is wiped. LOS_NOK, and nothing is written: NULL, no size, too small for one box, it
 * overlaps a pool of LOS_MemInit or memory that isn't the caller's, or the system has no room for a
 * record. Boxes have no end in LiteOS, so that their memory may be used for anything, other boxes
 * and pools too, at any time; boxes that it was used for otherwise must not be called any more. */
UINT32 LOS_MemboxInit(VOID *pool, UINT32 poolSize, UINT32 blkSize);

/* NULL: empty, or not a pool. */
VOID *LOS_MemboxAlloc(VOID *pool);

/* LOS_NOK, and nothing is done, for what isn't an allocated box of this pool. */
UINT32 LOS_MemboxFree(VOID *pool, VOID *box);

/* Zero an allocated box; nothing for any other address. */
VOID LOS_MemboxClr(VOID *pool, VOID *box);

/* How many boxes there are and are in use, and how many bytes each holds. */
UINT32 LOS_MemboxStatisticsGet(const VOID *boxMem, UINT32 *maxBlk, UINT32 *blkCnt, UINT32 *blkSize);

/* The pool's numbers, to the log. */
VOID LOS_ShowBox(VOID *pool);

#ifdef __cplusplus
}
#endif

#endif
