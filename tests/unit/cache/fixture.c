/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#define REGION_FRAMES 32u

static _Alignas(4096) uint8_t region[REGION_FRAMES * FRAME_SIZE];

/* --- The port --- */

static enum coffer_status lock_init(void *context, struct port_lock *lock)
{
    (void)context;
    (void)lock;
    return COFFER_OK;
}

static void lock_fini(void *context, struct port_lock *lock)
{
    struct toys *toys = context;

    (void)lock;
    must(!toys->held);
}

static void lock_take(void *context, struct port_lock *lock)
{
    struct toys *toys = context;

    (void)lock;
    must(!toys->held);
    toys->held = true;
}

static void lock_give(void *context, struct port_lock *lock)
{
    struct toys *toys = context;

    (void)lock;
    must(toys->held);
    toys->held = false;
}

static uint64_t clock_ns(void *context)
{
    return ((struct toys *)context)->now;
}

/* --- The type --- */

static struct cache_entry *make(void *context)
{
    struct toys *toys = context;
    void (*in_make)(void) = toys->in_make;
    struct toy *toy;

    must(!toys->held);
    toys->makes++;
    toys->in_make = NULL;
    if (in_make != NULL)
        in_make();
    if (toys->makes == toys->refuse_make)
        return NULL;
    toy = must_alloc(sizeof(*toy));
    memset(toy, 0, sizeof(*toy));
    toys->made++;
    return &toy->core;
}

static void unmake(void *context, struct cache_entry *entry)
{
    struct toys *toys = context;

    must(!toys->held && ((struct toy *)entry)->number == 0);
    must(entry->pins == 0 && entry->set == NULL && entry->group == NULL);
    toys->made--;
    free(entry);
}

static void let_go(void *context, struct cache_entry *entry)
{
    struct toys *toys = context;

    must(!toys->held && entry->pins == 0 && entry->set == NULL);
    ((struct toy *)entry)->number = 0;
    toys->let_go++;
}

void toys_renew(void *context, struct cache_entry *entry)
{
    struct toys *toys = context;

    must(toys->held && entry->pins == 0 && entry->state == CACHE_LOOSE && entry->set == NULL);
    must(((struct toy *)entry)->number != 0);
    toys->renewed++;
}

enum coffer_status toys_write_back(void *context, struct cache_entry *entry)
{
    struct toys *toys = context;

    must(!toys->held && entry->state == CACHE_WRITING && entry->pins > 0);
    if (toys->fail_writes)
        return COFFER_IO;
    toys->written++;
    toys->last_written = entry->index;
    return COFFER_OK;
}

/* --- The world --- */

static bool refuse(void *argument, struct owner owner, size_t size)
{
    struct toys *toys = argument;

    (void)owner;
    (void)size;
    toys->allocs++;
    return toys->allocs == toys->refuse_alloc;
}

void toys_begin(struct toys *toys, enum cache_policy policy)
{
    const struct memory_area area = {region, sizeof(region)};
    const struct memory_settings settings = {.refuse = refuse, .refuse_argument = toys};

    memset(toys, 0, sizeof(*toys));
    toys->port = (struct coffer_port){.context = toys,
                                      .clock_ns = clock_ns,
                                      .lock_init = lock_init,
                                      .lock_fini = lock_fini,
                                      .lock_take = lock_take,
                                      .lock_give = lock_give};
    toys->type = (struct cache_type){.name = "toys",
                                     .policy = policy,
                                     .entry_bytes = TOY_BYTES,
                                     .make = make,
                                     .unmake = unmake,
                                     .let_go = let_go};
    must(memory_open(&area, 1, &settings, &toys->memory) == COFFER_OK);
    must(account_open_owner(&toys->memory->account, "cache", &toys->owner) == COFFER_OK);
    cache_share_init(&toys->share, &toys->port, 0);
    for (unsigned i = 0; i < 3; i++)
        cache_group_init(&toys->groups[i]);
}

void toys_open(struct toys *toys, enum cache_policy policy, size_t min, size_t max)
{
    const struct cache_bounds bounds = {.entries_min = min, .entries_max = max};

    toys_begin(toys, policy);
    must(cache_open(&toys->share, toys->memory, toys->owner, &toys->type, toys, &bounds,
                    &toys->cache) == COFFER_OK);
}

void toys_end(struct toys *toys)
{
    if (toys->cache != NULL)
        must(cache_is_valid(toys->cache));
    cache_close(toys->cache);
    must(!toys->held && toys->made == 0);
    must(atomic_load(&toys->share.bytes) == 0);
    for (unsigned i = 0; i < 3; i++)
        must(list_is_empty(&toys->groups[i].entries));
    must(account_line_bytes(&toys->memory->account.lines[toys->owner.index], FRAME_SIZE) == 0);
    memory_close(toys->memory);
    must(bytes_are_zero(region, sizeof(region)));
}

struct toy *toys_get(struct toys *toys, unsigned group, uint64_t index, unsigned flags)
{
    const struct cache_key key = {.group = &toys->groups[group], .index = index};
    struct cache_entry *entry = NULL;
    enum coffer_status status;
    bool claimed = false;

    status = cache_get(toys->cache, &key, flags, &entry, &claimed);
    if (status != COFFER_OK) {
        must(entry == NULL && !claimed && status == COFFER_NO_MEMORY);
        return NULL;
    }
    if (claimed) {
        must(((struct toy *)entry)->number == 0 || toys->type.renew != NULL);
        ((struct toy *)entry)->number = 1000 * group + index + 1;
        cache_loaded(toys->cache, entry, COFFER_OK);
    }
    must(((struct toy *)entry)->number == 1000 * group + index + 1);
    return (struct toy *)entry;
}

void toys_use(struct toys *toys, unsigned group, uint64_t index)
{
    struct toy *toy = toys_get(toys, group, index, 0);

    must(toy != NULL);
    toys_unpin(toys, toy);
}

bool toys_has(struct toys *toys, unsigned group, uint64_t index)
{
    list_each (link, &toys->groups[group].entries) {
        if (list_entry(link, struct cache_entry, of_group)->index == index)
            return true;
    }
    return false;
}

void toys_unpin(struct toys *toys, struct toy *toy)
{
    cache_unpin(toys->cache, &toy->core);
}

struct cache_statistics toys_statistics(struct toys *toys)
{
    struct cache_statistics statistics;

    cache_statistics(toys->cache, &statistics);
    return statistics;
}
