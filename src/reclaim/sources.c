/* SPDX-License-Identifier: BSD-2-Clause */
/* What gives memory back below the trees. */
#include "cache/cache.h"
#include "memory/heap/buffers.h"
#include "memory/heap/pool.h"
#include "reclaim/reclaim.h"

static uint64_t cache_step(void *context, uint64_t bytes, unsigned steps)
{
    return cache_shrink(context, bytes, steps);
}

static uint64_t cache_oldest(void *context)
{
    return cache_oldest_use(context, true);
}

static bool cache_age(void *context, uint64_t before_ns, unsigned steps)
{
    return cache_expire(context, before_ns, steps);
}

struct reclaim_source reclaim_cache(const char *name, struct cache *cache, bool direct)
{
    return (struct reclaim_source){.name = name,
                                   .context = cache,
                                   .step = cache_step,
                                   .oldest = cache_oldest,
                                   .expire = cache_age,
                                   .direct = direct};
}

/* A step is a buffer of the largest class, or less. */
static uint64_t buffers_step(void *context, uint64_t bytes, unsigned steps)
{
    const uint64_t most = (uint64_t)steps * BUFFERS_LARGE;

    return buffers_trim(context, bytes < most ? bytes : most);
}

static uint64_t buffers_oldest(void *context)
{
    return buffers_can_trim(context) ? 0 : UINT64_MAX;
}

struct reclaim_source reclaim_buffers(const char *name, struct buffers *buffers)
{
    return (struct reclaim_source){.name = name,
                                   .context = buffers,
                                   .step = buffers_step,
                                   .oldest = buffers_oldest,
                                   .direct = true};
}

/* Empty spans, of all classes: a bounded number, and all of them at once. */
static uint64_t pool_step(void *context, uint64_t bytes, unsigned steps)
{
    (void)bytes;
    (void)steps;
    return (uint64_t)coffer_pool_shrink(context) * FRAME_SIZE;
}

struct reclaim_source reclaim_pool(const char *name, struct coffer_pool *pool)
{
    return (struct reclaim_source){
        .name = name, .context = pool, .step = pool_step, .direct = true};
}
