/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Mem: dynamic pools. */
#include "los_memory.h"

#include "base/text.h"
#include "los/los.h"

#define LITTLE_BELOW 65536u /* bytes; smaller regions are kept by best fit */
#define QUARANTINE   32u /* freed blocks that aren't reused yet, so that stale frees are noticed */

/* The pool behind a LiteOS pool's address; NULL: it isn't one. */
static struct coffer_pool *pool_of(const VOID *pool)
{
    const struct los_mark *mark;
    struct los *los;

    if (pool == NULL)
        return NULL;
    los = los_current();
    if (los == NULL)
        return NULL;
    if (pool == (const VOID *)coffer_memory_pool(los->memory))
        return coffer_memory_pool(los->memory);
    mark = los_mark_of(pool, LOS_POOL);
    return mark == NULL ? NULL : mark->pool;
}

static UINT32 narrow(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (UINT32)number;
}

VOID *LOS_SysPoolGet(VOID)
{
    struct los *los = los_current();

    return los == NULL ? NULL : (VOID *)coffer_memory_pool(los->memory);
}

UINT32 LOS_MemInit(VOID *pool, UINT32 size)
{
    struct coffer_pool_settings settings = {.name = "LiteOS pool", .quarantine = QUARANTINE};
    struct los *los = los_current();
    enum coffer_status status;
    struct los_mark *mark;

    if (los == NULL)
        return OS_ERROR;
    mark = los_mark_make(pool, size, LOS_POOL, &settings.region, &settings.region_size);
    if (mark == NULL)
        return OS_ERROR;
    /* Where it can expand, it doesn't until LOS_MemExpandEnable. */
    settings.policy = size < LITTLE_BELOW ? COFFER_POOL_LITTLE : COFFER_POOL_FAST;
    settings.expand = size >= LITTLE_BELOW;
    status = coffer_pool_open(los->memory, &settings, &mark->pool);
    if (status == COFFER_OK && settings.expand)
        status = coffer_pool_set_frames_max(mark->pool, 0);
    if (status != COFFER_OK) {
        los_mark_drop(mark);
        return OS_ERROR;
    }
    return LOS_OK;
}

UINT32 LOS_MemDeInit(VOID *pool)
{
    struct los_mark *mark = los_mark_of(pool, LOS_POOL);

    if (mark == NULL || mark->pool == NULL)
        return OS_ERROR;
    coffer_pool_close(mark->pool);
    los_mark_drop(mark);
    return LOS_OK;
}

static void log_pool(const struct los_mark *mark)
{
    los_log(PORT_LOG_NOTE, "memory pool at", mark->region);
}

UINT32 LOS_MemPoolList(VOID)
{
    return los_pool_count(log_pool);
}

VOID *LOS_MemAlloc(VOID *pool, UINT32 size)
{
    struct coffer_pool *own = pool_of(pool);
    void *block;

    return own != NULL && coffer_pool_alloc(own, size, &block) == COFFER_OK ? block : NULL;
}

VOID *LOS_MemAllocAlign(VOID *pool, UINT32 size, UINT32 boundary)
{
    struct coffer_pool *own = pool_of(pool);
    void *block;

    if (own == NULL || boundary % sizeof(void *) != 0)
        return NULL;
    return coffer_pool_alloc_aligned(own, size, boundary, &block) == COFFER_OK ? block : NULL;
}

UINT32 LOS_MemFree(VOID *pool, VOID *ptr)
{
    struct coffer_pool *own = pool_of(pool);

    return own != NULL && coffer_pool_free(own, ptr) == COFFER_OK ? LOS_OK : LOS_NOK;
}

VOID *LOS_MemRealloc(VOID *pool, VOID *ptr, UINT32 size)
{
    struct coffer_pool *own = pool_of(pool);
    void *block;

    if (own == NULL)
        return NULL;
    if (size == 0) {
        if (ptr != NULL && coffer_pool_free(own, ptr) != COFFER_OK)
            los_log(PORT_LOG_WARNING, "LOS_MemRealloc: not a block:", ptr);
        return NULL;
    }
    return coffer_pool_realloc(own, ptr, size, &block) == COFFER_OK ? block : NULL;
}

UINT32 LOS_MemIntegrityCheck(const VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    const char *problem;

    if (own == NULL)
        return LOS_NOK;
    if (coffer_pool_check(own, &problem))
        return LOS_OK;
    los_log(PORT_LOG_WARNING, problem, pool);
    return LOS_NOK;
}

UINT32 LOS_MemInfoGet(VOID *pool, LOS_MEM_POOL_STATUS *poolStatus)
{
    struct coffer_pool *own = pool_of(pool);
    struct coffer_pool_statistics statistics;

    if (own == NULL || poolStatus == NULL)
        return LOS_NOK;
    coffer_pool_statistics(own, &statistics);
    poolStatus->totalUsedSize = narrow(statistics.used);
    poolStatus->totalFreeSize = narrow(statistics.free);
    poolStatus->maxFreeNodeSize = narrow(coffer_pool_largest_free(own));
    poolStatus->usedNodeNum = narrow(statistics.blocks);
    poolStatus->freeNodeNum = narrow(statistics.free_blocks);
    poolStatus->usageWaterLine = narrow(statistics.used_peak);
    return LOS_OK;
}

UINT32 LOS_MemStatisticsGet(VOID *pool, LOS_MEM_POOL_STATUS *poolStatus)
{
    return LOS_MemInfoGet(pool, poolStatus);
}

UINT32 LOS_MemGetMaxFreeBlkSize(VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);

    return own == NULL ? OS_ERROR : narrow(coffer_pool_largest_free(own));
}

UINT32 LOS_MemTotalUsedGet(VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    struct coffer_pool_statistics statistics;

    if (own == NULL)
        return OS_ERROR;
    coffer_pool_statistics(own, &statistics);
    return narrow(statistics.used);
}

UINT32 LOS_MemPoolSizeGet(const VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    struct coffer_pool_statistics statistics;

    if (own == NULL)
        return OS_ERROR;
    coffer_pool_statistics(own, &statistics);
    return narrow(statistics.size);
}

/* Free blocks by power of two. */
struct histogram {
    uint64_t counts[sizeof(size_t) * 8];
};

static bool count_free(void *context, const void *block, size_t size, bool used)
{
    struct histogram *histogram = context;

    (void)block;
    if (!used && size != 0)
        histogram->counts[sizeof(size_t) * 8 - 1 - (size_t)__builtin_clzl(size)]++;
    return true;
}

UINT32 LOS_MemFreeNodeShow(VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    struct histogram histogram = {{0}};

    if (own == NULL)
        return LOS_NOK;
    coffer_pool_walk(own, count_free, &histogram);
    for (unsigned i = 0; i < sizeof(size_t) * 8; i++) {
        struct text line = {.size = 0};

        if (histogram.counts[i] == 0)
            continue;
        text_add(&line, "free blocks of 2^");
        text_add_number(&line, i, 10);
        text_add(&line, " bytes and more: ");
        text_add_number(&line, histogram.counts[i], 10);
        los_log(PORT_LOG_NOTE, line.bytes, NULL);
    }
    return LOS_OK;
}

VOID LOS_MemExpandEnable(VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);

    if (own == NULL || coffer_pool_set_frames_max(own, UINT64_MAX) != COFFER_OK)
        los_log(PORT_LOG_WARNING, "LOS_MemExpandEnable: not a pool of 64 KiB or more:", pool);
}
