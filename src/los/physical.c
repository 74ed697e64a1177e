/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Phys, LOS_Kernel and LOS_V: pages in a row, and the kernel's own memory. */
#include "los_vm.h"

#include "los/los.h"

VOID *LOS_PhysPagesAllocContiguous(size_t nPages)
{
    const struct coffer_owner system = {0};
    struct los *los = los_current();
    void *address;

    if (los == NULL || nPages == 0 ||
        coffer_frames_take(los->memory, system, nPages, 1, &address) != COFFER_OK)
        return NULL;
    return address;
}

/* Only a whole run of so many pages. */
static bool free_pages(struct los *los, VOID *ptr, size_t count)
{
    struct coffer_frame frame;

    coffer_frames_query(los->memory, ptr, &frame);
    return frame.state == COFFER_FRAME_USED && frame.offset == 0 && frame.run == count &&
           coffer_frames_give(los->memory, ptr) == COFFER_OK;
}

VOID LOS_PhysPagesFreeContiguous(VOID *ptr, size_t nPages)
{
    struct los *los = los_current();

    if (los != NULL && !free_pages(los, ptr, nPages))
        los_log_address(PORT_LOG_WARNING,
                        "LOS_PhysPagesFreeContiguous: no run of so many pages:", ptr);
}

LosVmPage *LOS_PhysPageAlloc(VOID)
{
    return LOS_PhysPagesAllocContiguous(1);
}

VOID LOS_PhysPageFree(LosVmPage *page)
{
    struct los *los = los_current();

    if (los != NULL && !free_pages(los, page, 1))
        los_log_address(PORT_LOG_WARNING, "LOS_PhysPageFree: not a page:", page);
}

LosVmPage *LOS_VmPageGet(PADDR_T paddr)
{
    return LOS_PaddrToKVaddr(paddr & ~((PADDR_T)PAGE_SIZE - 1));
}

VOID *LOS_PaddrToKVaddr(PADDR_T paddr)
{
    struct los *los = los_current();
    struct coffer_frame frame;

    if (los == NULL)
        return NULL;
    coffer_frames_query(los->memory, (const void *)paddr, &frame);
    return frame.state == COFFER_FRAME_FOREIGN ? NULL : (VOID *)paddr;
}

VOID *LOS_VMalloc(size_t size)
{
    struct los *los = los_current();
    uintptr_t address;

    if (los == NULL || coffer_vmalloc(los->memory, size, &address) != COFFER_OK)
        return NULL;
    return (VOID *)address;
}

VOID LOS_VFree(const VOID *addr)
{
    struct los *los = los_current();

    if (los == NULL || addr == NULL)
        return;
    if (coffer_vfree(los->memory, (uintptr_t)addr) != COFFER_OK)
        los_log_address(PORT_LOG_WARNING, "LOS_VFree: not of LOS_VMalloc:", addr);
}

VOID *LOS_KernelMalloc(UINT32 size)
{
    struct los *los = los_current();
    void *block;

    if (los == NULL ||
        coffer_pool_alloc(coffer_memory_pool(los->memory), size, &block) != COFFER_OK)
        return NULL;
    return block;
}

VOID *LOS_KernelMallocAlign(UINT32 size, UINT32 boundary)
{
    struct los *los = los_current();
    void *block;

    if (los == NULL || coffer_pool_alloc_aligned(coffer_memory_pool(los->memory), size, boundary,
                                                 &block) != COFFER_OK)
        return NULL;
    return block;
}

VOID *LOS_KernelRealloc(VOID *ptr, UINT32 size)
{
    struct los *los = los_current();
    void *block;

    if (los == NULL)
        return NULL;
    if (size == 0) {
        LOS_KernelFree(ptr);
        return NULL;
    }
    if (coffer_pool_realloc(coffer_memory_pool(los->memory), ptr, size, &block) != COFFER_OK)
        return NULL;
    return block;
}

VOID LOS_KernelFree(VOID *ptr)
{
    struct los *los = los_current();

    if (los == NULL || ptr == NULL)
        return;
    if (coffer_pool_free(coffer_memory_pool(los->memory), ptr) != COFFER_OK)
        los_log_address(PORT_LOG_WARNING, "LOS_KernelFree: not a block:", ptr);
}
