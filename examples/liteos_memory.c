/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program for LiteOS, as its manual would have it: a dynamic pool, boxes, pages, vmalloc and the
 * process's own memory. It includes LiteOS's headers only and runs anywhere that they do.
 *
 *     cc liteos_memory.c $(pkg-config --cflags --libs coffer-los) -o liteos_memory
 */
#include <stdio.h>
#include <string.h>

#include "los_membox.h"
#include "los_memory.h"
#include "los_vm.h"

#define POOL_SIZE 8192
#define BOX_SIZE  24
#define BOX_COUNT 16

static UINT8 g_pool[POOL_SIZE];
static UINT8 g_boxes[LOS_MEMBOX_SIZE(BOX_SIZE, BOX_COUNT)];

static UINT32 DynamicPool(VOID)
{
    LOS_MEM_POOL_STATUS status;
    CHAR *text;
    VOID *aligned;

    if (LOS_MemInit(g_pool, POOL_SIZE) != LOS_OK)
        return LOS_NOK;
    text = LOS_MemAlloc(g_pool, 32);
    if (text == NULL)
        return LOS_NOK;
    memcpy(text, "kept when it grows", 19);
    text = LOS_MemRealloc(g_pool, text, 400);
    aligned = LOS_MemAllocAlign(g_pool, 100, 256);
    if (text == NULL || aligned == NULL || LOS_MemInfoGet(g_pool, &status) != LOS_OK)
        return LOS_NOK;
    printf("pool:   \"%s\"; %u blocks, %u bytes used, %u free, largest %u\n", text,
           status.usedNodeNum, status.totalUsedSize, status.totalFreeSize, status.maxFreeNodeSize);
    if (LOS_MemFree(g_pool, text) != LOS_OK || LOS_MemFree(g_pool, aligned) != LOS_OK)
        return LOS_NOK;
    printf("pool:   a second free is %s\n",
           LOS_MemFree(g_pool, aligned) == LOS_OK ? "accepted" : "refused");
    printf("pool:   integrity %s\n", LOS_MemIntegrityCheck(g_pool) == LOS_OK ? "holds" : "broken");
    return LOS_MemDeInit(g_pool);
}

static UINT32 StaticBoxes(VOID)
{
    UINT32 max;
    UINT32 used;
    UINT32 size;
    VOID *box;

    if (LOS_MemboxInit(g_boxes, sizeof(g_boxes), BOX_SIZE) != LOS_OK)
        return LOS_NOK;
    box = LOS_MemboxAlloc(g_boxes);
    if (box == NULL)
        return LOS_NOK;
    LOS_MemboxClr(g_boxes, box);
    if (LOS_MemboxStatisticsGet(g_boxes, &max, &used, &size) != LOS_OK)
        return LOS_NOK;
    printf("boxes:  %u of %u in use, %u bytes each\n", used, max, size);
    return LOS_MemboxFree(g_boxes, box);
}

static UINT32 Pages(VOID)
{
    VOID *run = LOS_PhysPagesAllocContiguous(5);
    VOID *scattered = LOS_VMalloc(3 * PAGE_SIZE);

    if (run == NULL || scattered == NULL)
        return LOS_NOK;
    printf("pages:  5 in a row of the kernel's space: %s\n",
           LOS_SpaceGet((VADDR_T)run) == LOS_GetKVmSpace() ? "yes" : "no");
    printf("pages:  3 of vmalloc's space, with frames: %s\n",
           LOS_PaddrQuery(scattered) != 0 ? "yes" : "no");
    LOS_VFree(scattered);
    LOS_PhysPagesFreeContiguous(run, 5);
    return LOS_OK;
}

static UINT32 ProcessMemory(VOID)
{
    const CHAR text[] = "through the checked copies";
    CHAR back[sizeof(text)];
    VADDR_T start = LOS_MMap(0, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                             -1, 0);
    VADDR_T grown;
    VADDR_T heap;

    if (LOS_ArchCopyToUser((VOID *)start, text, sizeof(text)) != 0)
        return LOS_NOK;
    grown = LOS_DoMremap(start, 4 * PAGE_SIZE, 64 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    if (LOS_DoMprotect(grown, PAGE_SIZE, PROT_READ) != 0 ||
        LOS_ArchCopyFromUser(back, (VOID *)grown, sizeof(back)) != 0)
        return LOS_NOK;
    printf("mmap:   \"%s\", 64 pages, the first for reading only: a write is %s\n", back,
           LOS_ArchCopyToUser((VOID *)grown, text, 1) == 0 ? "accepted" : "refused");
    heap = (VADDR_T)LOS_DoBrk(NULL) + 10000;
    printf("brk:    moved by 10000 bytes: %s\n",
           (VADDR_T)LOS_DoBrk((VOID *)heap) == heap ? "yes" : "no");
    return (UINT32)LOS_UnMMap(grown, 64 * PAGE_SIZE);
}

int main(void)
{
    if (DynamicPool() != LOS_OK || StaticBoxes() != LOS_OK || Pages() != LOS_OK ||
        ProcessMemory() != LOS_OK) {
        printf("failed\n");
        return 1;
    }
    printf("done\n");
    return 0;
}
