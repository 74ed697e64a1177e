/* SPDX-License-Identifier: BSD-2-Clause */
/* LOS_Mem: dynamic pools. */
#include "los_memory.h"

#include "base/text.h"
#include "los/los.h"

#define LITTLE_BELOW 65536u /* bytes; smaller regions are kept by best fit */

/* Freed blocks that aren't reused yet, so that stale frees are noticed: so many, but in a small
 * region one for so many bytes of it, as their list lies in there. */
#define QUARANTINE       32u
#define QUARANTINE_BYTES 256u

/* The free of a block of so many bytes gives back all that a pool with pages can do without: what
 * is in quarantine is out of everybody's reach. */
#define LARGE 16384u

/* The pool behind a LiteOS pool's address; NULL: it isn't one. */
static struct coffer_pool *pool_of(const VOID *pool)
{
    const struct los_name *name;
    struct los *los = los_current();

    if (los == NULL)
        return NULL;
    if (pool == (const VOID *)coffer_memory_pool(los->memory))
        return coffer_memory_pool(los->memory);
    name = los_name_find(los, pool, LOS_POOL);
    return name == NULL ? NULL : name->pool;
}

/* May it have pages of the memory? The system's own pool has nothing in quarantine. */
static bool expands(const VOID *pool)
{
    const struct los_name *name = los_name_find(los_current(), pool, LOS_POOL);

    return name != NULL && atomic_load_explicit(&name->expands, memory_order_relaxed);
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

/* Where the pool can expand, it doesn't until LOS_MemExpandEnable. */
static enum coffer_status open_pool(struct los *los, VOID *region, UINT32 size,
                                    struct coffer_pool **out)
{
    const bool little = size < LITTLE_BELOW;
    const struct coffer_pool_settings settings = {
        .name = "LiteOS pool",
        .policy = little ? COFFER_POOL_LITTLE : COFFER_POOL_FAST,
        .region = region,
        .region_size = size,
        .expand = !little,
        .quarantine = size / QUARANTINE_BYTES < QUARANTINE ? size / QUARANTINE_BYTES : QUARANTINE,
    };
    enum coffer_status status = coffer_pool_open(los->memory, &settings, out);

    if (status != COFFER_OK || little)
        return status;
    status = coffer_pool_set_frames_max(*out, 0);
    if (status != COFFER_OK)
        coffer_pool_close(*out);
    return status;
}

UINT32 LOS_MemInit(VOID *pool, UINT32 size)
{
    struct los *los = los_current();
    struct los_name *name;

    if (los == NULL || pool == NULL || size == 0 ||
        los_name_make(los, pool, size, LOS_POOL, &name) != COFFER_OK)
        return OS_ERROR;
    if (open_pool(los, pool, size, &name->pool) != COFFER_OK) {
        los_name_drop(los, name);
        return OS_ERROR;
    }
    los_name_open(los, name, pool);
    return LOS_OK;
}

UINT32 LOS_MemDeInit(VOID *pool)
{
    struct los *los = los_current();
    struct los_name *name = los == NULL ? NULL : los_name_find(los, pool, LOS_POOL);
    struct coffer_pool *own;

    if (name == NULL)
        return OS_ERROR;
    own = name->pool;
    los_name_drop(los, name);
    coffer_pool_close(own);
    return LOS_OK;
}

static void log_pool(const void *region)
{
    los_log_address(PORT_LOG_NOTE, "memory pool at", region);
}

UINT32 LOS_MemPoolList(VOID)
{
    const struct los *los = los_current();

    return los == NULL ? 0 : los_name_count(los, log_pool);
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
    bool is_large;

    if (own == NULL)
        return LOS_NOK;
    is_large = expands(pool) && coffer_pool_usable_size(own, ptr) >= LARGE;
    if (coffer_pool_free(own, ptr) != COFFER_OK)
        return LOS_NOK;
    if (is_large)
        (void)coffer_pool_shrink(own);
    return LOS_OK;
}

VOID *LOS_MemRealloc(VOID *pool, VOID *ptr, UINT32 size)
{
    struct coffer_pool *own = pool_of(pool);
    bool was_large;
    void *block;

    if (own == NULL)
        return NULL;
    if (size == 0) {
        if (ptr != NULL && LOS_MemFree(pool, ptr) != LOS_OK)
            los_log_address(PORT_LOG_WARNING, "LOS_MemRealloc: not a block:", ptr);
        return NULL;
    }
    was_large = expands(pool) && coffer_pool_usable_size(own, ptr) >= LARGE;
    if (coffer_pool_realloc(own, ptr, size, &block) != COFFER_OK)
        return NULL;
    if (was_large && block != ptr)
        (void)coffer_pool_shrink(own);
    return block;
}

UINT32 LOS_MemIntegrityCheck(const VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    const char *problem;

    if (own == NULL)
        return LOS_NOK;
    if (coffer_pool_check(own, &problem))
        return LOS_OK;
    los_log_address(PORT_LOG_WARNING, problem, pool);
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
        los_log(PORT_LOG_NOTE, line.bytes);
    }
    return LOS_OK;
}

VOID LOS_MemExpandEnable(VOID *pool)
{
    struct coffer_pool *own = pool_of(pool);
    struct los_name *name;

    if (own == NULL || coffer_pool_set_frames_max(own, UINT64_MAX) != COFFER_OK) {
        los_log_address(PORT_LOG_WARNING,
                        "LOS_MemExpandEnable: not a pool of 64 KiB or more:", pool);
        return;
    }
    name = los_name_find(los_current(), pool, LOS_POOL);
    if (name != NULL)
        atomic_store_explicit(&name->expands, true, memory_order_relaxed);
}
