/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/greedy.h"

#include <stdatomic.h>

#include "coffer/linux.h"
#include "engine/engine.h"
#include "support/bounds.h"
#include "support/must.h"

static _Atomic(struct coffer *) victim;
static atomic_ullong given;          /* bytes */
static _Thread_local unsigned depth; /* locks of caches that are held */
static _Thread_local bool is_taking;

static void take_all(struct coffer *store)
{
    for (unsigned i = 0; i < store->reclaim.source_count; i++) {
        const struct reclaim_source *source = &store->reclaim.sources[i];

        if (source->direct)
            atomic_fetch_add(&given, source->step(source->context, UINT64_MAX, UINT32_MAX));
    }
}

static bool is_of_cache(const struct coffer *store, const struct port_lock *lock)
{
    return store != NULL &&
           (lock == &store->store.objects.core->lock || lock == &store->blocks.frames.core->lock ||
            lock == &store->nodes.frames.core->lock);
}

static void lock_take(void *context, struct port_lock *lock)
{
    coffer_linux_port()->lock_take(context, lock);
    if (is_of_cache(atomic_load(&victim), lock))
        depth++;
}

static void lock_give(void *context, struct port_lock *lock)
{
    struct coffer *store = atomic_load(&victim);

    coffer_linux_port()->lock_give(context, lock);
    if (is_of_cache(store, lock) && --depth == 0 && !is_taking) {
        is_taking = true;
        take_all(store);
        is_taking = false;
    }
}

const struct coffer_port *greedy_port(void)
{
    static struct coffer_port port;

    if (port.lock_take == NULL) {
        port = *coffer_linux_port();
        port.lock_take = lock_take;
        port.lock_give = lock_give;
    }
    return &port;
}

void greedy_begin(struct coffer *store)
{
    must(atomic_load(&victim) == NULL);
    bounds_keep_nothing(store->nodes.frames.core);
    bounds_keep_nothing(store->blocks.frames.core);
    atomic_store(&given, 0);
    atomic_store(&victim, store);
}

void greedy_end(void)
{
    must(atomic_load(&victim) != NULL && atomic_load(&given) > 0);
    atomic_store(&victim, NULL);
}
