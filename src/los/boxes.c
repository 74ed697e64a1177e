/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Membox: static pools. */
#include "los_membox.h"

#include "base/text.h"
#include "los/los.h"

/* The boxes of a pool, with their lock taken; NULL: it isn't one. */
static struct los_mark *lock_boxes(const VOID *pool)
{
    struct los_mark *mark = los_mark_of(pool, LOS_BOXES);

    if (mark == NULL || mark->boxes == NULL)
        return NULL;
    spin_take(&mark->boxes_lock);
    return mark;
}

UINT32 LOS_MemboxInit(VOID *pool, UINT32 poolSize, UINT32 blkSize)
{
    struct coffer_boxes_settings settings = {.name = "LiteOS boxes", .box_size = blkSize};
    struct los_mark *mark;

    if (blkSize == 0)
        return LOS_NOK;
    mark = los_mark_make(pool, poolSize, LOS_BOXES, &settings.region, &settings.region_size);
    if (mark == NULL)
        return LOS_NOK;
    if (coffer_boxes_open(NULL, &settings, &mark->boxes) != COFFER_OK) {
        los_mark_drop(mark);
        return LOS_NOK;
    }
    return LOS_OK;
}

VOID *LOS_MemboxAlloc(VOID *pool)
{
    struct los_mark *mark = lock_boxes(pool);
    enum coffer_status status;
    void *box;

    if (mark == NULL)
        return NULL;
    status = coffer_box_alloc(mark->boxes, &box);
    spin_give(&mark->boxes_lock);
    return status == COFFER_OK ? box : NULL;
}

UINT32 LOS_MemboxFree(VOID *pool, VOID *box)
{
    struct los_mark *mark = lock_boxes(pool);
    enum coffer_status status;

    if (mark == NULL)
        return LOS_NOK;
    status = coffer_box_free(mark->boxes, box);
    spin_give(&mark->boxes_lock);
    return status == COFFER_OK ? LOS_OK : LOS_NOK;
}

VOID LOS_MemboxClr(VOID *pool, VOID *box)
{
    struct los_mark *mark = lock_boxes(pool);
    enum coffer_status status = COFFER_MISUSE;

    if (mark != NULL) {
        status = coffer_box_clear(mark->boxes, box);
        spin_give(&mark->boxes_lock);
    }
    if (status != COFFER_OK)
        los_log(PORT_LOG_WARNING, "LOS_MemboxClr: not a box:", box);
}

static bool read_statistics(const VOID *pool, struct coffer_boxes_statistics *out)
{
    struct los_mark *mark = lock_boxes(pool);

    if (mark == NULL)
        return false;
    coffer_boxes_statistics(mark->boxes, out);
    spin_give(&mark->boxes_lock);
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
    los_log(PORT_LOG_NOTE, line.bytes, pool);
}
