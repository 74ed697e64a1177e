/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks that a thread frees of another one's span.
 *
 * It turns the block's link from LINK_USED to LINK_REMOTE; who finds it otherwise is refused. Then
 * it adds one to the part's count, and if that was 0 puts the part on its magazine's list
 * (`remote`), which the owner takes as a whole when it runs out of blocks. The count is cleared
 * before the links are looked at: what is counted too late for this time lists the span anew.
 *
 * The owner itself frees with a load and a store. When both free a block at the same moment, the
 * owner's store may win although the other one has turned the link already; then fewer links than
 * the count are found at last, and the difference was refused, only late. So was all that is
 * counted of a span that went home: it goes when each of its blocks is free, without one of these.
 *
 * Between the two steps the owner may have collected the block, sent the span home and made another
 * one of its descriptor. Therefore descriptors stay descriptors in a pool with threads, and whoever
 * finds one on the wrong list passes it on.
 */
#include "memory/heap/magazines.h"

static void push(struct magazine *magazine, struct part *part)
{
    struct part *first = atomic_load_explicit(&magazine->remote, memory_order_relaxed);

    do
        atomic_store_explicit(&part->remote_next, first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&magazine->remote, &first, part,
                                                  memory_order_release, memory_order_relaxed));
}

/* Put a part whose count isn't 0 on the list of the magazine that owns it. */
static void remote_list(struct coffer_pool *pool, struct part *part)
{
    uint32_t number = atomic_load_explicit(&part->remote_owner, memory_order_acquire);
    unsigned refused = 0;

    if (number == MAGAZINE_NONE) {
        /* Parts come into use under the lock only. */
        spin_take(&pool->lock);
        number = atomic_load_explicit(&part->remote_owner, memory_order_acquire);
        if (number == MAGAZINE_NONE)
            refused = atomic_exchange_explicit(&part->remote_count, 0, memory_order_acq_rel);
        spin_give(&pool->lock);
    }
    if (number != MAGAZINE_NONE)
        push(pool->magazines[number], part);
    else if (refused > 0)
        (void)atomic_fetch_add_explicit(&pool->wrong_frees, refused, memory_order_relaxed);
}

void remote_begin(struct coffer_pool *pool, struct part *part, unsigned number)
{
    spin_take(&pool->lock);
    atomic_store_explicit(&part->remote_owner, (uint16_t)number, memory_order_release);
    spin_give(&pool->lock);
}

enum coffer_status remote_free(struct coffer_pool *pool, struct part *part, const void *block)
{
    uint8_t link = LINK_USED;
    size_t index;

    if (!span_index_of_any(part, block, &index) ||
        !atomic_compare_exchange_strong_explicit(link_at(part, index), &link, LINK_REMOTE,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return COFFER_MISUSE;
    if (atomic_fetch_add_explicit(&part->remote_count, 1, memory_order_acq_rel) == 0)
        remote_list(pool, part);
    return COFFER_OK;
}

/* Take what others freed of a span of ours. */
static void collect_span(struct magazine *magazine, struct part *part)
{
    unsigned count = atomic_exchange_explicit(&part->remote_count, 0, memory_order_acq_rel);
    unsigned found = 0;

    for (unsigned i = 0; i <= part->last && found < count; i++) {
        /* What the other thread did with the block comes before what we do. */
        if (atomic_load_explicit(link_at(part, i), memory_order_acquire) == LINK_REMOTE) {
            found++;
            if (span_put(part, i) && magazine_freed(magazine, part))
                break;
        }
    }
    if (found < count)
        (void)atomic_fetch_add_explicit(&magazine->pool->wrong_frees, count - found,
                                        memory_order_relaxed);
}

bool magazine_collect(struct magazine *magazine)
{
    struct coffer_pool *pool = magazine->pool;
    struct part *part;
    bool any = false;

    if (pool->port == NULL || atomic_load_explicit(&magazine->remote, memory_order_relaxed) == NULL)
        return false;

    part = atomic_exchange_explicit(&magazine->remote, NULL, memory_order_acquire);
    while (part != NULL) {
        struct part *next = atomic_load_explicit(&part->remote_next, memory_order_relaxed);

        if (atomic_load_explicit(&part->remote_owner, memory_order_acquire) == magazine->number) {
            collect_span(magazine, part);
            any = true;
        } else {
            remote_list(pool, part);
        }
        part = next;
    }
    return any;
}
