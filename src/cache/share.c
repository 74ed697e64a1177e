/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/share.h"

#include "base/assert.h"
#include "cache/inside.h"

/* A take asks others so often at most: others again may take what was given up. */
#define TRIES 8u

void cache_share_init(struct cache_share *share, const struct coffer_port *port, uint64_t bytes_max)
{
    share->port = port;
    share->bytes_max = bytes_max;
    atomic_init(&share->bytes, 0);
    atomic_init(&share->now_ns, 1);
    share->clock = share;
    for (size_t i = 0; i < CACHE_SHARE_MAX; i++)
        share->caches[i] = NULL;
}

void cache_share_follow(struct cache_share *share, struct cache_share *clock)
{
    share->clock = clock->clock;
}

uint64_t cache_share_tick(struct cache_share *share)
{
    const struct coffer_port *port = share->port;
    uint64_t clock = port->clock_ns != NULL ? port->clock_ns(port->context) : 0;
    uint64_t before = cache_share_now(share);
    uint64_t now;

    do {
        now = clock > before ? clock : before + 1;
    } while (!atomic_compare_exchange_weak_explicit(&share->clock->now_ns, &before, now,
                                                    memory_order_relaxed, memory_order_relaxed));
    return now;
}

bool cache_share_join(struct cache_share *share, struct cache *cache)
{
    for (size_t i = 0; i < CACHE_SHARE_MAX; i++) {
        if (share->caches[i] == NULL) {
            share->caches[i] = cache;
            return true;
        }
    }
    return false;
}

void cache_share_leave(struct cache_share *share, struct cache *cache)
{
    for (size_t i = 0; i < CACHE_SHARE_MAX; i++) {
        if (share->caches[i] == cache)
            share->caches[i] = NULL;
    }
}

static bool add_bytes(struct cache_share *share, uint64_t bytes)
{
    uint64_t before = atomic_load_explicit(&share->bytes, memory_order_relaxed);

    do {
        if (share->bytes_max != 0 &&
            (before > share->bytes_max || share->bytes_max - before < bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&share->bytes, &before, before + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Have another cache give up something that `cache` has nothing older than. */
static bool take_from_others(struct cache_share *share, struct cache *cache, uint64_t bytes)
{
    uint64_t oldest = cache_oldest_use(cache, false);
    struct cache *giver = NULL;

    for (size_t i = 0; i < CACHE_SHARE_MAX; i++) {
        uint64_t used;

        if (share->caches[i] == NULL || share->caches[i] == cache)
            continue;
        used = cache_oldest_use(share->caches[i], true);
        if (used < oldest) {
            oldest = used;
            giver = share->caches[i];
        }
    }
    return giver != NULL && cache_give_up(giver, bytes) > 0;
}

bool cache_share_take(struct cache_share *share, struct cache *cache, uint64_t bytes)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (add_bytes(share, bytes))
            return true;
        if (!take_from_others(share, cache, bytes))
            return false;
    }
    return false;
}

void cache_share_give(struct cache_share *share, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub_explicit(&share->bytes, bytes, memory_order_relaxed);

    assert_cheap(before >= bytes);
}
