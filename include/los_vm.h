/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LiteOS's calls on physical and virtual memory, with their signatures and documented meaning, over
 * Coffer's frames and spaces.
 *
 * There is one user space, the current process's; LOS_MMap and its kin act on it. Where the MMU is
 * the machine's, its addresses are pointers that may be used inside of LOS_UserCall, which is
 * Coffer's own. Any thread.
 *
 * Errors: STATUS_T is 0 or a LOS_ERRNO_VM_; the system calls (LOS_MMap, LOS_UnMMap, LOS_DoBrk,
 * LOS_DoMprotect, LOS_DoMremap) answer a negative errno.
 */
#ifndef LOS_VM_H
#define LOS_VM_H

#include "los_typedef.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PAGE_SIZE
#define PAGE_SIZE 4096UL
#endif

#define LOS_ERRNO_VM_NO_ERROR      (0)
#define LOS_ERRNO_VM_GENERIC       (-1)
#define LOS_ERRNO_VM_NOT_FOUND     (-2)
#define LOS_ERRNO_VM_NO_MEMORY     (-5)
#define LOS_ERRNO_VM_NOT_VALID     (-7)
#define LOS_ERRNO_VM_INVALID_ARGS  (-8)
#define LOS_ERRNO_VM_BUSY          (-33)
#define LOS_ERRNO_VM_FAULT         (-40)
#define LOS_ERRNO_VM_ACCESS_DENIED (-43)
#define LOS_ERRNO_VM_MAP_FAILED    (-46)

/* As in <sys/mman.h>, for programs without it. */
#ifndef PROT_NONE
#define PROT_NONE  0x0
#define PROT_READ  0x1
#define PROT_WRITE 0x2
#define PROT_EXEC  0x4
#endif
#ifndef MAP_SHARED
#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2
#endif

typedef struct coffer_space LosVmSpace;

/* --- Physical pages ---------------------------------------------------------------------- */

/* `nPages` pages in a row, zeroed; NULL: no memory. */
VOID *LOS_PhysPagesAllocContiguous(size_t nPages);

/* Give them back. Only the address of an allocation, with its number of pages, does anything; all
 * else is refused and told to the log. */
VOID LOS_PhysPagesFreeContiguous(VOID *ptr, size_t nPages);

/* One page. Its name is the address of its memory. */
typedef struct LosVmPage LosVmPage;

/* A page, zeroed; NULL: no memory. */
LosVmPage *LOS_PhysPageAlloc(VOID);

/* Give it back. Anything but a page of LOS_PhysPageAlloc is refused and told to the log. */
VOID LOS_PhysPageFree(LosVmPage *page);

/* The page that a physical address lies in; NULL when it is none of ours. */
LosVmPage *LOS_VmPageGet(PADDR_T paddr);

/* The kernel's address of a physical one; NULL when it is none of ours. */
VOID *LOS_PaddrToKVaddr(PADDR_T paddr);

/* The physical address behind a virtual one of any space; 0: none. */
PADDR_T LOS_PaddrQuery(VOID *vaddr);

/* --- Spaces ------------------------------------------------------------------------------ */

LosVmSpace *LOS_CurrSpaceGet(VOID);
LosVmSpace *LOS_GetKVmSpace(VOID);
LosVmSpace *LOS_GetVmallocSpace(VOID);

/* The space that an address belongs to; NULL: to none. */
LosVmSpace *LOS_SpaceGet(VADDR_T vaddr);

BOOL LOS_IsUserAddress(VADDR_T vaddr);
BOOL LOS_IsUserAddressRange(VADDR_T vaddr, size_t len);
BOOL LOS_IsKernelAddress(VADDR_T vaddr);
BOOL LOS_IsVmallocAddress(VADDR_T vaddr);
BOOL LOS_IsRangeInSpace(const LosVmSpace *space, VADDR_T vaddr, size_t size);

/* --- Kernel memory ----------------------------------------------------------------------- */

/* Contiguous addresses on scattered pages, zeroed. NULL: no memory, or size 0. */
VOID *LOS_VMalloc(size_t size);
VOID LOS_VFree(const VOID *addr);

/* Small blocks from the system's pool, large ones straight from pages. */
VOID *LOS_KernelMalloc(UINT32 size);
VOID *LOS_KernelMallocAlign(UINT32 size, UINT32 boundary);
VOID *LOS_KernelRealloc(VOID *ptr, UINT32 size);
VOID LOS_KernelFree(VOID *ptr);

/* --- The process's memory ---------------------------------------------------------------- */

/* Anonymous memory, or with MAP_SHARED the file `fd` from page `pgoff` on. -EINVAL, -EBADF,
 * -EACCES, -ENOMEM, -EEXIST (MAP_FIXED_NOREPLACE), -ENODEV (a private mapping of a file). All maps
 * of one file are of what the first found: -EACCES to write when it was opened for reading,
 * -EINVAL behind the end that it had; when the last is gone, the next looks again. */
VADDR_T LOS_MMap(VADDR_T vaddr, size_t len, unsigned prot, unsigned long flags, int fd,
                 unsigned long pgoff);
/* -EINVAL: not at a page, no size, or beyond the space. */
STATUS_T LOS_UnMMap(VADDR_T addr, size_t size);
/* NULL asks for the break. Else the new one, or a negative errno, and the old one stays. */
VOID *LOS_DoBrk(VOID *addr);
/* Over any number of regions; -ENOMEM when not all of it is mapped, and nothing is changed. */
INT32 LOS_DoMprotect(VADDR_T vaddr, size_t len, unsigned long prot);
VADDR_T LOS_DoMremap(VADDR_T oldAddress, size_t oldSize, size_t newSize, int flags,
                     VADDR_T newAddr);

/* How many bytes were not copied: 0, or all of them. `from` and `to` on the other side are plain
 * memory: an address of the process there is refused, as is any other on this side. */
size_t LOS_ArchCopyFromUser(VOID *to, const VOID *from, size_t len);
size_t LOS_ArchCopyToUser(VOID *to, const VOID *from, size_t len);

/* 0; -EFAULT, as above, -ERANGE: `count` is more than `max`; nothing is copied then. The side that
 * may be the process's in LiteOS (`dest` of the first, `src` of the second) must be here. */
INT32 LOS_CopyFromKernel(VOID *dest, UINT32 max, const VOID *src, UINT32 count);
INT32 LOS_CopyToKernel(VOID *dest, UINT32 max, const VOID *src, UINT32 count);
/* Zero the process's memory: 0 or -EFAULT. */
INT32 LOS_UserMemClear(unsigned char *buf, UINT32 len);

/* Run `body` with the process's addresses in reach. Not of LiteOS, where there is an exception for
 * it: an access that can't be answered ends it. LOS_ERRNO_VM_. */
STATUS_T LOS_UserCall(VOID (*body)(VOID *argument), VOID *argument);

#ifdef __cplusplus
}
#endif

#endif
