/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Membox: static pools. */
#include "los_membox.h"

#include "base/text.h"
#include "los/los.h"

/* The boxes of a pool, with their lock taken; NULL: it isn't one. */
static struct los_name *lock_boxes(const VOID *pool)
{
    struct los *los = los_current();
    struct los_name *name = los == NULL ? NULL : los_name_find(los, pool, LOS_BOXES);

    if (name != NULL)
        spin_take(&name->boxes_lock);
    return name;
}

/* Boxes that the memory system doesn't know, in a region that it has nothing against: not another
 * pool's, nor memory that isn't the caller's. */
static enum coffer_status open_boxes(struct los *los, const struct coffer_boxes_settings *settings,
                                     struct coffer_boxes **out)
{
    struct coffer_boxes *known;
    enum coffer_status status = coffer_boxes_open(los->memory, settings, &known);

    if (status != COFFER_OK)
        return status;
    coffer_boxes_close(known);
    return coffer_boxes_open(NULL, settings, out);
}

UINT32 LOS_MemboxInit(VOID *pool, UINT32 poolSize, UINT32 blkSize)
{
    const struct coffer_boxes_settings settings = {
        .name = "LiteOS boxes", .box_size = blkSize, .region = pool, .region_size = poolSize};
    struct los *los = los_current();
    struct los_name *name;

    if (los == NULL || pool == NULL || poolSize == 0 || blkSize == 0 ||
        los_name_make(los, pool, poolSize, LOS_BOXES, &name) != COFFER_OK)
        return LOS_NOK;
    if (open_boxes(los, &settings, &name->boxes) != COFFER_OK) {
        los_name_drop(los, name);
        return LOS_NOK;
    }
    los_name_open(los, name, pool);
    return LOS_OK;
}

VOID *LOS_MemboxAlloc(VOID *pool)
{
    struct los_name *name = lock_boxes(pool);
    enum coffer_status status;
    void *box;

    if (name == NULL)
        return NULL;
    status = coffer_box_alloc(name->boxes, &box);
    spin_give(&name->boxes_lock);
    return status == COFFER_OK ? box : NULL;
}

UINT32 LOS_MemboxFree(VOID *pool, VOID *box)
{
    struct los_name *name = lock_boxes(pool);
    enum coffer_status status;

    if (name == NULL)
        return LOS_NOK;
    status = coffer_box_free(name->boxes, box);
    spin_give(&name->boxes_lock);
    return status == COFFER_OK ? LOS_OK : LOS_NOK;
}

VOID LOS_MemboxClr(VOID *pool, VOID *box)
{
    struct los_name *name = lock_boxes(pool);
    enum coffer_status status = COFFER_MISUSE;

    if (name != NULL) {
        status = coffer_box_clear(name->boxes, box);
        spin_give(&name->boxes_lock);
    }
    if (status != COFFER_OK)
        los_log_address(PORT_LOG_WARNING, "LOS_MemboxClr: not a box:", box);
}

static bool read_statistics(const VOID *pool, struct coffer_boxes_statistics *out)
{
    struct los_name *name = lock_boxes(pool);

    if (name == NULL)
        return false;
    coffer_boxes_statistics(name->boxes, out);
    spin_give(&name->boxes_lock);
    return true;
}

UINT32 LOS_MemboxStatisticsGet(const VOID *boxMem, UINT32 *maxBlk, UINT32 *blkCnt, UINT32 *blkSize)
{
    struct coffer_boxes_statistics statistics;

    if (maxBlk == NULL || blkCnt == NULL || blkSize == NULL ||
        !read_statistics(boxMem, &statistics))
        return LOS_NOK;
    *maxBlk = (UINT32)statistics.count;
    *blkCnt = (UINT32)statistics.used;
    *blkSize = (UINT32)statistics.box_size;
    return LOS_OK;
}

VOID LOS_ShowBox(VOID *pool)
{
    struct coffer_boxes_statistics statistics;
    struct text line = {.size = 0};

    if (!read_statistics(pool, &statistics))
        return;
    text_add_number(&line, statistics.used, 10);
    text_add(&line, " of ");
    text_add_number(&line, statistics.count, 10);
    text_add(&line, " boxes of ");
    text_add_number(&line, statistics.box_size, 10);
    text_add(&line, " bytes in use, pool at");
    los_log_address(PORT_LOG_NOTE, line.bytes, pool);
}
