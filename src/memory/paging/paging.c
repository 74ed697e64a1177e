/* SPDX-License-Identifier: BSD-2-Clause */
/* Paging as a whole: opening, the lock, waiting and waking, statistics. */
#include "memory/paging/paging.h"

#include <string.h>

#include "memory/paging/pages.h"

static struct bucket *bucket_of(struct paging *paging, const struct page *page)
{
    /* Records lie side by side: mix what tells them apart into the upper bits. */
    uint64_t hash = (uint64_t)(uintptr_t)page * 0x9E3779B97F4A7C15u;

    return &paging->buckets[hash >> 32 & (PAGING_BUCKETS - 1)];
}

/* One more than the last for the room; NULL behind that. */
static struct bucket *bucket_at(struct paging *paging, unsigned i)
{
    if (i < PAGING_BUCKETS)
        return &paging->buckets[i];
    return i == PAGING_BUCKETS ? &paging->room : NULL;
}

static void fini_port(struct paging *paging, unsigned conditions)
{
    const struct coffer_port *port = paging->port;

    for (unsigned i = 0; i < conditions; i++)
        port->condition_fini(port->context, &bucket_at(paging, i)->condition);
    port->lock_fini(port->context, &paging->lock);
}

static enum coffer_status init_port(struct paging *paging)
{
    const struct coffer_port *port = paging->port;
    enum coffer_status status = port->lock_init(port->context, &paging->lock);
    struct bucket *bucket;

    if (status != COFFER_OK)
        return status;
    for (unsigned i = 0; (bucket = bucket_at(paging, i)) != NULL; i++) {
        status = port->condition_init(port->context, &bucket->condition);
        if (status != COFFER_OK) {
            fini_port(paging, i);
            return status;
        }
    }
    return COFFER_OK;
}

enum coffer_status paging_open(const struct paging_settings *settings, struct paging **out)
{
    const struct coffer_port *port = settings->port;
    struct paging *paging;
    void *block;
    enum coffer_status status;

    if (settings->batch == 0 || settings->batch > PAGING_BATCH_MAX ||
        settings->low > settings->high)
        return COFFER_MISUSE;
    status = memory_alloc(settings->memory, settings->owner, sizeof(*paging), &block);
    if (status != COFFER_OK)
        return status;

    paging = memset(block, 0, sizeof(*paging));
    paging->memory = settings->memory;
    paging->port = port != NULL && port->thread_start != NULL ? port : NULL;
    paging->client = settings->client;
    paging->owner = settings->owner;
    paging->keep_contents = settings->keep_contents;
    paging->batch = settings->batch;
    paging->low = settings->low;
    paging->high = settings->high;
    atomic_init(&paging->holder, NULL);
    list_init(&paging->lists[PAGE_INACTIVE]);
    list_init(&paging->lists[PAGE_ACTIVE]);
    list_init(&paging->families);
    if (paging->port != NULL) {
        status = init_port(paging);
        if (status != COFFER_OK) {
            memory_free(settings->memory, paging);
            return status;
        }
    }
    *out = paging;
    return COFFER_OK;
}

void paging_close(struct paging *paging)
{
    assert_cheap(list_is_empty(&paging->families));
    if (paging->backing != NULL)
        paging->backing->close(paging->backing->context);
    if (paging->port != NULL)
        fini_port(paging, PAGING_BUCKETS + 1);
    memory_free(paging->memory, paging);
}

void paging_set_backing(struct paging *paging, const struct backing *backing)
{
    assert_cheap(paging->backing == NULL);
    paging->backing = backing;
}

/* The calling thread, for `holder`: whatever there is one of, where there is one thread. */
static const void *self(const struct paging *paging)
{
    return paging->port == NULL ? paging : paging->port->thread_self(paging->port->context);
}

static void set_holder(struct paging *paging, const void *thread)
{
    atomic_store_explicit(&paging->holder, thread, memory_order_relaxed);
}

void paging_lock(struct paging *paging)
{
    if (paging->port != NULL)
        paging->port->lock_take(paging->port->context, &paging->lock);
    set_holder(paging, self(paging));
}

void paging_unlock(struct paging *paging)
{
    set_holder(paging, NULL);
    if (paging->port != NULL)
        paging->port->lock_give(paging->port->context, &paging->lock);
}

bool paging_is_locked_here(const struct paging *paging)
{
    /* Only this thread writes itself there. */
    return atomic_load_explicit(&paging->holder, memory_order_relaxed) == self(paging);
}

static void wait_in(struct paging *paging, struct bucket *bucket)
{
    const struct coffer_port *port = paging->port;
    enum coffer_status status;

    /* With one thread nothing is ever in transit when it looks. */
    assert_cheap(port != NULL);
    paging->waits++;
    bucket->waiters++;
    set_holder(paging, NULL);
    status = port->condition_wait(port->context, &bucket->condition, &paging->lock, UINT64_MAX);
    set_holder(paging, self(paging));
    bucket->waiters--;
    assert_cheap(status == COFFER_OK);
}

void paging_wait_page(struct paging *paging, const struct page *page)
{
    wait_in(paging, bucket_of(paging, page));
}

void paging_wait_room(struct paging *paging)
{
    assert_debug(paging_transits(paging) > 0);
    wait_in(paging, &paging->room);
}

void paging_wake_page(struct paging *paging, const struct page *page)
{
    struct bucket *bucket = bucket_of(paging, page);

    if (bucket->waiters > 0)
        paging->port->condition_broadcast(paging->port->context, &bucket->condition);
}

void paging_wake_room(struct paging *paging, size_t pages)
{
    const struct coffer_port *port = paging->port;
    unsigned waiters = paging->room.waiters;

    if (waiters == 0)
        return;
    if (paging_transits(paging) == 0 || pages >= waiters) {
        port->condition_broadcast(port->context, &paging->room.condition);
        return;
    }
    for (size_t i = 0; i < pages; i++)
        port->condition_signal(port->context, &paging->room.condition);
}

uint64_t paging_free_frames(struct paging *paging)
{
    struct account *account = &paging->memory->account;
    uint64_t free;

    spin_take(&account->lock);
    free = account->frames_total - account->frames_used;
    spin_give(&account->lock);
    return free;
}

void paging_statistics(struct paging *paging, struct coffer_paging_statistics *out)
{
    *out = (struct coffer_paging_statistics){
        .active = paging->counts[PAGE_ACTIVE],
        .inactive = paging->counts[PAGE_INACTIVE],
        .pinned = paging->counts[PAGE_PINNED],
        .swapped = paging->counts[PAGE_SWAPPED],
        .zero_fills = paging->zero_fills,
        .copies = paging->copies,
        .page_ins = paging->page_ins,
        .page_outs = paging->page_outs,
        .page_drops = paging->page_drops,
        .scanned = paging->scanned,
        .second_chances = paging->second_chances,
        .reclaims = paging->reclaims,
        .out_errors = paging->out_errors,
        .corrupt_pages = paging->corrupt_pages,
        .waits = paging->waits,
    };
    if (paging->backing != NULL)
        paging->backing->count(paging->backing->context, &out->slots, &out->slots_used);
}
