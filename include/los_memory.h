/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LiteOS's calls on dynamic memory pools, with their signatures and documented meaning, over
 * Coffer's pools (docs/LITEOS.md tells the differences, which are all in what went wrong before).
 *
 * A pool is named by the address of its region, as it was given to LOS_MemInit. Regions below 64
 * KiB are kept by best fit ("little"), larger ones by the constant-time policy ("fast"). A call on
 * any address that isn't a pool's is refused. Any thread.
 *
 * Link with -lcoffer-los (pkg-config: coffer-los).
 */
#ifndef LOS_MEMORY_H
#define LOS_MEMORY_H

#include "los_typedef.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    UINT32 totalUsedSize;   /* bytes in allocated blocks, at what they can hold */
    UINT32 totalFreeSize;   /* bytes in free blocks */
    UINT32 maxFreeNodeSize; /* the largest block that can be allocated */
    UINT32 usedNodeNum;
    UINT32 freeNodeNum;
    UINT32 usageWaterLine; /* the most that totalUsedSize has been */
} LOS_MEM_POOL_STATUS;     /* numbers that don't fit are 0xFFFFFFFF */

/* The system's own pool, for all calls that take a pool. */
VOID *LOS_SysPoolGet(VOID);
#define OS_SYS_MEM_ADDR LOS_SysPoolGet()

/* Make a pool in `size` bytes at `pool`, 512 or more, at any address; nothing outside is touched.
 * They stay the pool's until LOS_MemDeInit. OS_ERROR, and nothing is written: NULL, too small, they
 * overlap a pool or memory that isn't the caller's, or the system has no room for its record. */
UINT32 LOS_MemInit(VOID *pool, UINT32 size);

/* Its blocks go with it. OS_ERROR: not a pool. */
UINT32 LOS_MemDeInit(VOID *pool);

/* Tell the log of all pools; how many there are. */
UINT32 LOS_MemPoolList(VOID);

/* NULL: size 0, no pool, no memory. Contents are anything. */
VOID *LOS_MemAlloc(VOID *pool, UINT32 size);

/* `boundary`: a power of two and a multiple of sizeof(void *); else NULL. */
VOID *LOS_MemAllocAlign(VOID *pool, UINT32 size, UINT32 boundary);

/* LOS_NOK, and nothing is done, for any pointer that isn't an allocated block of this pool. */
UINT32 LOS_MemFree(VOID *pool, VOID *ptr);

/* NULL `ptr`: an allocation. Size 0: a free, answered with NULL. Otherwise the contents stay, and
 * so does the alignment; NULL: no memory, and the old block stays. */
VOID *LOS_MemRealloc(VOID *pool, VOID *ptr, UINT32 size);

/* LOS_NOK: the pool's own data doesn't hold together (told to the log; never a panic). */
UINT32 LOS_MemIntegrityCheck(const VOID *pool);

/* Two names of one call; the second is that of older manuals. */
UINT32 LOS_MemInfoGet(VOID *pool, LOS_MEM_POOL_STATUS *poolStatus);
UINT32 LOS_MemStatisticsGet(VOID *pool, LOS_MEM_POOL_STATUS *poolStatus);

/* The largest block that can be allocated; OS_ERROR: not a pool. */
UINT32 LOS_MemGetMaxFreeBlkSize(VOID *pool);

/* OS_ERROR: not a pool. */
UINT32 LOS_MemTotalUsedGet(VOID *pool);
UINT32 LOS_MemPoolSizeGet(const VOID *pool);

/* A histogram of the free blocks, to the log. */
UINT32 LOS_MemFreeNodeShow(VOID *pool);

/* The pool may take pages when it is full, and gives them back: those of a block of 16 KiB and more
 * with its free, others when 32 more blocks were freed. Not a pool in a region below 64 KiB, which
 * stays as it is. */
VOID LOS_MemExpandEnable(VOID *pool);

#ifdef __cplusplus
}
#endif

#endif
