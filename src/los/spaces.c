/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_ calls on spaces, and the system calls on the process's memory. */
#include "los_vm.h"

#include "los/los.h"

#define PAGE_MASK ((uintptr_t)PAGE_SIZE - 1)

/* A negative errno in the bits of an address. */
static VADDR_T failed(int error_number)
{
    return (VADDR_T)(INTPTR)error_number;
}

static bool lies_in(struct coffer_space *space, uintptr_t address)
{
    struct coffer_space_info info;

    coffer_space_info(space, &info);
    return address - info.base < info.size;
}

/* --- Which space ------------------------------------------------------------------------- */

LosVmSpace *LOS_CurrSpaceGet(VOID)
{
    struct los *los = los_current();

    return los == NULL ? NULL : los->process;
}

LosVmSpace *LOS_GetKVmSpace(VOID)
{
    struct los *los = los_current();

    return los == NULL ? NULL : coffer_space_kernel(los->memory);
}

LosVmSpace *LOS_GetVmallocSpace(VOID)
{
    struct los *los = los_current();

    return los == NULL ? NULL : coffer_space_vmalloc(los->memory);
}

LosVmSpace *LOS_SpaceGet(VADDR_T vaddr)
{
    struct los *los = los_current();
    struct coffer_space *space;

    if (los == NULL)
        return NULL;
    space = coffer_space_of(los->memory, vaddr);
    if (space == NULL && lies_in(los->process, vaddr))
        return los->process;
    return space;
}

BOOL LOS_IsUserAddress(VADDR_T vaddr)
{
    struct los *los = los_current();

    return los != NULL && lies_in(los->process, vaddr) ? TRUE : FALSE;
}

BOOL LOS_IsRangeInSpace(const LosVmSpace *space, VADDR_T vaddr, size_t size)
{
    struct coffer_space_info info;

    if (space == NULL)
        return FALSE;
    coffer_space_info((LosVmSpace *)(uintptr_t)space, &info);
    return vaddr >= info.base && vaddr - info.base <= info.size &&
                   size <= info.size - (vaddr - info.base)
               ? TRUE
               : FALSE;
}

BOOL LOS_IsUserAddressRange(VADDR_T vaddr, size_t len)
{
    return LOS_IsRangeInSpace(LOS_CurrSpaceGet(), vaddr, len);
}

BOOL LOS_IsKernelAddress(VADDR_T vaddr)
{
    return LOS_PaddrToKVaddr(vaddr) != NULL ? TRUE : FALSE;
}

BOOL LOS_IsVmallocAddress(VADDR_T vaddr)
{
    LosVmSpace *space = LOS_GetVmallocSpace();

    return space != NULL && lies_in(space, vaddr) ? TRUE : FALSE;
}

PADDR_T LOS_PaddrQuery(VOID *vaddr)
{
    struct coffer_space *space = LOS_SpaceGet((VADDR_T)vaddr);
    struct coffer_page_info page;

    if (space == NULL ||
        coffer_space_query(space, (uintptr_t)vaddr & ~PAGE_MASK, &page) != COFFER_OK ||
        !page.resident)
        return 0;
    return (PADDR_T)page.frame + ((uintptr_t)vaddr & PAGE_MASK);
}

/* --- System calls ------------------------------------------------------------------------ */

static unsigned rights_of(unsigned long prot)
{
    return ((prot & PROT_READ) != 0 ? COFFER_READ : 0) |
           ((prot & PROT_WRITE) != 0 ? COFFER_WRITE | COFFER_READ : 0) |
           ((prot & PROT_EXEC) != 0 ? COFFER_EXECUTE : 0);
}

/* Up to whole pages; false: it can't be, or there is nothing. */
static bool round_up(size_t *size)
{
    if (*size == 0 || *size > SIZE_MAX - PAGE_MASK)
        return false;
    *size = (*size + PAGE_MASK) & ~PAGE_MASK;
    return true;
}

VADDR_T LOS_MMap(VADDR_T vaddr, size_t len, unsigned prot, unsigned long flags, int fd,
                 unsigned long pgoff)
{
    const unsigned known = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |
                           MAP_FIXED_NOREPLACE;
    bool fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    bool shared = (flags & MAP_SHARED) != 0;
    struct los *los = los_current();
    struct coffer_map map = {.address = fixed ? vaddr : (vaddr & ~PAGE_MASK), .size = len};
    int error_number;
    uintptr_t address;

    if (los == NULL || !round_up(&map.size) || (flags & ~(unsigned long)known) != 0 ||
        shared == ((flags & MAP_PRIVATE) != 0) || (fixed && (vaddr & PAGE_MASK) != 0) ||
        (prot & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
        return failed(-LOS_EINVAL);
    map.rights = rights_of(prot);
    map.flags = (fixed ? COFFER_MAP_FIXED : 0) | (shared ? COFFER_MAP_SHARED : 0) |
                ((flags & MAP_FIXED_NOREPLACE) != 0 ? COFFER_MAP_FIXED | COFFER_MAP_KEEP : 0);
    if ((flags & MAP_ANONYMOUS) == 0) {
        if (pgoff > UINT64_MAX / PAGE_SIZE)
            return failed(-LOS_EINVAL); /* behind the end of any file */
        map.offset = (uint64_t)pgoff * PAGE_SIZE;
        error_number = shared ? los_map_file(los, fd, (prot & PROT_WRITE) != 0, &map, &address)
                              : -LOS_ENODEV;
    } else {
        error_number = los_errno(coffer_space_map(los->process, &map, &address));
    }
    los_settle_files(los); /* MAP_FIXED may have taken the place of one */
    return error_number == 0 ? address : failed(error_number);
}

STATUS_T LOS_UnMMap(VADDR_T addr, size_t size)
{
    struct los *los = los_current();
    int error_number;

    if (los == NULL || !round_up(&size))
        return -LOS_EINVAL;
    error_number = los_errno(coffer_space_unmap(los->process, addr, size));
    los_settle_files(los);
    return error_number;
}

VOID *LOS_DoBrk(VOID *addr)
{
    struct los *los = los_current();
    enum coffer_status status;
    uintptr_t now;

    if (los == NULL)
        return (VOID *)failed(-LOS_EINVAL);
    status = coffer_space_break(los->process, (uintptr_t)addr, &now);
    /* Below the heap's start is out of memory in LiteOS, not a wrong call. */
    if (status == COFFER_MISUSE)
        status = COFFER_NO_MEMORY;
    return (VOID *)(status == COFFER_OK ? now : failed(los_errno(status)));
}

INT32 LOS_DoMprotect(VADDR_T vaddr, size_t len, unsigned long prot)
{
    struct los *los = los_current();

    if (los == NULL || !round_up(&len) ||
        (prot & ~(unsigned long)(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
        return -LOS_EINVAL;
    return los_errno(coffer_space_protect(los->process, vaddr, len, rights_of(prot)));
}

VADDR_T LOS_DoMremap(VADDR_T oldAddress, size_t oldSize, size_t newSize, int flags, VADDR_T newAddr)
{
    struct los *los = los_current();
    uintptr_t address = newAddr;
    unsigned how = ((flags & MREMAP_MAYMOVE) != 0 ? COFFER_REMAP_MOVE : 0) |
                   ((flags & MREMAP_FIXED) != 0 ? COFFER_REMAP_FIXED : 0);
    enum coffer_status status;

    if (los == NULL || !round_up(&oldSize) || !round_up(&newSize) ||
        (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0)
        return failed(-LOS_EINVAL);
    status = coffer_space_remap(los->process, oldAddress, oldSize, newSize, how, &address);
    los_settle_files(los);
    return status == COFFER_OK ? address : failed(los_errno(status));
}

/* --- Copies ------------------------------------------------------------------------------ */

/* Nothing of the process, which only the other side of a copy may be. */
static bool is_plain(const struct los *los, const VOID *memory, size_t len)
{
    return !lies_in(los->process, (uintptr_t)memory) &&
           !lies_in(los->process, (uintptr_t)memory + len - 1);
}

size_t LOS_ArchCopyFromUser(VOID *to, const VOID *from, size_t len)
{
    struct los *los = los_current();

    if (len == 0)
        return 0;
    if (los == NULL || to == NULL || !is_plain(los, to, len))
        return len;
    return coffer_space_read(los->process, (uintptr_t)from, to, len) == COFFER_OK ? 0 : len;
}

size_t LOS_ArchCopyToUser(VOID *to, const VOID *from, size_t len)
{
    struct los *los = los_current();

    if (len == 0)
        return 0;
    if (los == NULL || from == NULL || !is_plain(los, from, len))
        return len;
    return coffer_space_write(los->process, (uintptr_t)to, from, len) == COFFER_OK ? 0 : len;
}

INT32 LOS_CopyFromKernel(VOID *dest, UINT32 max, const VOID *src, UINT32 count)
{
    if (count > max)
        return -LOS_ERANGE;
    return LOS_ArchCopyToUser(dest, src, count) == 0 ? 0 : -LOS_EFAULT;
}

INT32 LOS_CopyToKernel(VOID *dest, UINT32 max, const VOID *src, UINT32 count)
{
    if (count > max)
        return -LOS_ERANGE;
    return LOS_ArchCopyFromUser(dest, src, count) == 0 ? 0 : -LOS_EFAULT;
}

INT32 LOS_UserMemClear(unsigned char *buf, UINT32 len)
{
    struct los *los = los_current();

    if (len == 0)
        return 0;
    return los != NULL && coffer_space_fill(los->process, (uintptr_t)buf, 0, len) == COFFER_OK
               ? 0
               : -LOS_EFAULT;
}

STATUS_T LOS_UserCall(VOID (*body)(VOID *argument), VOID *argument)
{
    struct los *los = los_current();
    enum coffer_status status;

    if (los == NULL || body == NULL)
        return LOS_ERRNO_VM_INVALID_ARGS;
    status = coffer_space_enter(los->process, body, argument);
    /* Here the only thing that can be wrong is an access without the right to it. */
    return status == COFFER_MISUSE ? LOS_ERRNO_VM_ACCESS_DENIED : los_vm_status(status);
}
