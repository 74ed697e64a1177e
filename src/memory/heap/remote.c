/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks that a thread frees of another one's span.
 *
 * It sets the block's bit in the span's second bitmap; who finds it set already comes second and is
 * refused. Then it sees to it that the span is on its magazine's list (`remote`), which the owner
 * takes as a whole when it runs out of blocks. `listed` is cleared before the bits are taken: a bit
 * that is set too late for this time lists the span anew.
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
        atomic_store_explicit(&part_remote(part)->next, first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&magazine->remote, &first, part,
                                                  memory_order_release, memory_order_relaxed));
}

/* Put a part that is marked as listed on the list of the magazine that owns it. */
static void remote_list(struct coffer_pool *pool, struct part *part)
{
    struct part_remote *remote = part_remote(part);
    uint16_t number = atomic_load_explicit(&remote->magazine, memory_order_acquire);

    if (number == MAGAZINE_NONE) {
        /* Parts come into use under the lock only. */
        spin_take(&pool->lock);
        number = atomic_load_explicit(&remote->magazine, memory_order_acquire);
        if (number == MAGAZINE_NONE)
            atomic_store_explicit(&remote->listed, false, memory_order_release);
        spin_give(&pool->lock);
    }
    if (number != MAGAZINE_NONE)
        push(pool->magazines[number], part);
}

void remote_begin(struct coffer_pool *pool, struct part *part, uint16_t magazine)
{
    spin_take(&pool->lock);
    atomic_store_explicit(&part_remote(part)->magazine, magazine, memory_order_release);
    spin_give(&pool->lock);
}

enum coffer_status remote_free(struct coffer_pool *pool, struct part *part, unsigned index)
{
    struct part_remote *remote = part_remote(part);
    uint64_t bit = (uint64_t)1 << index % 64;

    if ((word_load(&part->free[index / 64]) & bit) != 0 ||
        (atomic_fetch_or_explicit(&remote->freed[index / 64], bit, memory_order_acq_rel) & bit) !=
            0)
        return COFFER_MISUSE;
    if (!atomic_exchange_explicit(&remote->listed, true, memory_order_acq_rel))
        remote_list(pool, part);
    return COFFER_OK;
}

/* Take what others freed of a span of ours. */
static void collect_span(struct magazine *magazine, struct part *part)
{
    struct part_remote *remote = part_remote(part);

    for (unsigned i = 0; i < SPAN_WORDS; i++) {
        uint64_t freed = word_load(&remote->freed[i]);
        uint64_t wrong;

        if (freed == 0)
            continue;
        freed = atomic_exchange_explicit(&remote->freed[i], 0, memory_order_acquire);
        /* Freed by its own thread at the same moment: once too often. */
        wrong = freed & word_load(&part->free[i]);
        if (wrong != 0)
            (void)atomic_fetch_add_explicit(&magazine->pool->wrong_frees, bits_count(wrong),
                                            memory_order_relaxed);
        word_store(&part->free[i], word_load(&part->free[i]) | freed);
    }
    magazine_freed(magazine, part, UINT64_MAX);
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
        struct part_remote *remote = part_remote(part);
        struct part *next = atomic_load_explicit(&remote->next, memory_order_relaxed);

        if (atomic_load_explicit(&remote->magazine, memory_order_acquire) == magazine->number) {
            (void)atomic_exchange_explicit(&remote->listed, false, memory_order_acq_rel);
            collect_span(magazine, part);
            any = true;
        } else {
            remote_list(pool, part);
        }
        part = next;
    }
    return any;
}
