/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/object_cache.h"

#include <string.h>

#include "base/assert.h"
#include "store/store.h"

static struct object *object_of(struct cache_entry *entry)
{
    return (struct object *)entry;
}

_Static_assert(offsetof(struct object, core) == 0, "an object begins with its entry");

/* The rest of a record, for memset: what is behind the entry. */
static void clear(struct object *object)
{
    memset((uint8_t *)object + sizeof(object->core), 0, sizeof(*object) - sizeof(object->core));
}

static bool same(const struct cache_entry *entry, const void *more)
{
    return name_equal(&((const struct object *)entry)->entry.name, more);
}

static void set_name(struct cache_entry *entry, const void *more)
{
    object_of(entry)->entry.name = *(const struct name *)more;
}

static struct cache_entry *make(void *context)
{
    struct object_cache *cache = context;
    void *block;

    if (memory_alloc(cache->memory, cache->owner, sizeof(struct object), &block) != COFFER_OK)
        return NULL;
    return block;
}

static void unmake(void *context, struct cache_entry *entry)
{
    struct object_cache *cache = context;

    memory_free(cache->memory, entry);
}

static void let_go(void *context, struct cache_entry *entry)
{
    struct object *object = object_of(entry);

    (void)context;
    assert_cheap(atomic_load(&object->handles) == 0 ||
                 atomic_load(&object->handles) == OBJECT_GONE);
    tree_close(object->tree);
    clear(object);
}

size_t object_cache_entry_bytes(void)
{
    return sizeof(struct object) + tree_bytes();
}

static struct cache_key key_of(const struct name *name, uint64_t hash)
{
    return (struct cache_key){.index = hash, .more = name};
}

enum coffer_status object_cache_open(struct object_cache *cache, const struct coffer_port *port,
                                     const struct catalogue *catalogue, struct memory *memory,
                                     struct owner owner, size_t idle_max)
{
    const struct cache_bounds bounds = {.idle_max = idle_max};

    *cache = (struct object_cache){.catalogue = catalogue,
                                   .memory = memory,
                                   .owner = owner,
                                   .type = {
                                       .name = "objects",
                                       .policy = CACHE_LRU,
                                       .entry_bytes = object_cache_entry_bytes(),
                                       .same = same,
                                       .set_name = set_name,
                                       .make = make,
                                       .unmake = unmake,
                                       .let_go = let_go,
                                   }};
    assert_cheap(idle_max > 0);
    cache_share_init(&cache->share, port, 0);
    return cache_open(&cache->share, memory, owner, &cache->type, cache, &bounds, &cache->core);
}

void object_cache_close(struct object_cache *cache)
{
    cache_close(cache->core);
    cache->core = NULL;
}

struct object *object_cache_find(struct object_cache *cache, const struct name *name, uint64_t hash)
{
    const struct cache_key key = key_of(name, hash);
    struct cache_entry *entry = cache_find_quietly(cache->core, &key);

    return entry != NULL ? object_of(entry) : NULL;
}

enum coffer_status object_cache_get(struct object_cache *cache, const struct name *name,
                                    uint64_t hash, struct object **out, bool *claimed)
{
    const struct cache_key key = key_of(name, hash);
    struct cache_entry *entry;
    enum coffer_status status = cache_get(cache->core, &key, 0, &entry, claimed);

    if (status == COFFER_OK)
        *out = object_of(entry);
    return status;
}

void object_cache_loaded(struct object_cache *cache, struct object *object,
                         enum coffer_status status)
{
    cache_loaded(cache->core, &object->core, status);
}

void object_cache_unpin(struct object_cache *cache, struct object *object)
{
    cache_unpin(cache->core, &object->core);
}

void object_cache_discard(struct object_cache *cache, struct object *object)
{
    cache_discard(cache->core, &object->core);
}

void object_cache_rename(struct object_cache *cache, struct object *object, const struct name *name)
{
    const struct cache_key key = key_of(name, catalogue_hash(cache->catalogue, name));

    cache_rekey(cache->core, &object->core, &key);
}
