/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache/cache.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

static struct cache_entry **bucket_of(const struct cache *cache, const struct cache_file *file,
                                      enum cache_kind kind, uint32_t index)
{
    /* Multiplicative hashing: keys are dense, so the high bits of the product spread well. */
    uint64_t key = (uint64_t)file->number << 33 ^ (uint64_t)kind << 32 ^ index;
    uint64_t mixed = (key ^ key >> 29) * UINT64_C(0x9E3779B97F4A7C15);

    return &cache->buckets[(mixed >> 32) & (cache->bucket_count - 1)];
}

static void unchain(struct cache *cache, struct cache_entry *entry)
{
    struct cache_entry **link = bucket_of(cache, entry->file, (enum cache_kind)entry->kind,
                                          entry->index);

    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    entry->chain = NULL;
}

static void give_frame(struct cache *cache, struct cache_entry *entry)
{
    enum coffer_status status = frames_give(cache->memory->frames, entry->frame);

    assert_cheap(status == COFFER_OK);
}

enum coffer_status cache_open(struct memory *memory, struct owner owner, size_t count,
                              struct cache *cache)
{
    enum coffer_status status;
    size_t bucket_count = 1;
    void *block;
    size_t made = 0;

    *cache = (struct cache){.memory = memory};
    list_init(&cache->order);
    while (bucket_count < count)
        bucket_count *= 2;
    status = memory_alloc(memory, owner, count * sizeof(struct cache_entry), &block);
    if (status != COFFER_OK)
        return status;
    cache->entries = block;
    status = memory_alloc(memory, owner, bucket_count * sizeof(struct cache_entry *), &block);
    if (status != COFFER_OK)
        goto free_entries;
    cache->buckets = block;
    cache->bucket_count = bucket_count;
    for (; made < count; made++) {
        struct cache_entry *entry = &cache->entries[made];

        status = frames_take(memory->frames, owner, 1, &block);
        if (status != COFFER_OK)
            goto free_frames;
        entry->frame = block;
        list_init(&entry->of_file);
        list_init(&entry->of_user);
        list_insert_before(&cache->order, &entry->order);
    }
    cache->entry_count = count;
    return COFFER_OK;

free_frames:
    while (made > 0) {
        made--;
        give_frame(cache, &cache->entries[made]);
    }
    memory_free(memory, cache->buckets);
free_entries:
    memory_free(memory, cache->entries);
    return status;
}

void cache_close(struct cache *cache)
{
    for (size_t i = 0; i < cache->entry_count; i++) {
        assert_cheap(cache->entries[i].file == NULL && cache->entries[i].pins == 0);
        give_frame(cache, &cache->entries[i]);
    }
    memory_free(cache->memory, cache->buckets);
    memory_free(cache->memory, cache->entries);
    *cache = (struct cache){0};
}

void cache_file_open(struct cache *cache, struct cache_file *file)
{
    list_init(&file->entries);
    file->number = ++cache->next_file;
}

void cache_file_forget(struct cache *cache, struct cache_file *file)
{
    while (!list_is_empty(&file->entries))
        cache_forget(cache, list_entry(file->entries.next, struct cache_entry, of_file));
}

struct cache_entry *cache_find(struct cache *cache, const struct cache_file *file,
                               enum cache_kind kind, uint32_t index)
{
    struct cache_entry *entry = *bucket_of(cache, file, kind, index);

    while (entry != NULL &&
           (entry->file != file || entry->index != index || entry->kind != (uint8_t)kind))
        entry = entry->chain;
    if (entry == NULL) {
        cache->counters.misses++;
        return NULL;
    }
    cache->counters.hits++;
    if (entry->pins == 0) {
        list_remove(&entry->order);
        list_insert_after(&cache->order, &entry->order);
    }
    return entry;
}

struct cache_entry *cache_claim(struct cache *cache, struct cache_file *file, enum cache_kind kind,
                                uint32_t index)
{
    struct cache_entry **bucket;
    struct cache_entry *entry;

    if (list_is_empty(&cache->order))
        return NULL;
    entry = list_entry(cache->order.previous, struct cache_entry, order);
    if (entry->file != NULL) {
        cache->counters.evictions++;
        cache_forget(cache, entry);
    }
    memset(entry->note, 0, sizeof(entry->note));
    entry->file = file;
    entry->kind = (uint8_t)kind;
    entry->index = index;
    bucket = bucket_of(cache, file, kind, index);
    entry->chain = *bucket;
    *bucket = entry;
    list_insert_after(&file->entries, &entry->of_file);
    list_remove(&entry->order);
    list_insert_after(&cache->order, &entry->order);
    return entry;
}

void cache_forget(struct cache *cache, struct cache_entry *entry)
{
    assert_cheap(entry->file != NULL && entry->pins == 0);
    unchain(cache, entry);
    list_remove(&entry->of_file);
    list_remove(&entry->of_user);
    list_remove(&entry->order);
    list_insert_before(&cache->order, &entry->order);
    entry->file = NULL;
    wipe(entry->frame, FRAME_SIZE);
}

void cache_pin(struct cache *cache, struct cache_entry *entry)
{
    if (entry->pins == 0) {
        list_remove(&entry->order);
        cache->pinned_count++;
    }
    entry->pins++;
    assert_cheap(entry->pins != 0);
}

void cache_unpin(struct cache *cache, struct cache_entry *entry)
{
    assert_cheap(entry->pins > 0);
    entry->pins--;
    if (entry->pins == 0) {
        list_insert_after(&cache->order, &entry->order);
        cache->pinned_count--;
    }
}

static size_t count_in_chains(const struct cache *cache)
{
    size_t chained = 0;

    for (size_t i = 0; i < cache->bucket_count; i++) {
        for (const struct cache_entry *entry = cache->buckets[i]; entry; entry = entry->chain) {
            chained++;
            if (entry->file == NULL || chained > cache->entry_count)
                return SIZE_MAX;
            if (bucket_of(cache, entry->file, (enum cache_kind)entry->kind, entry->index) !=
                &cache->buckets[i])
                return SIZE_MAX;
        }
    }
    return chained;
}

bool cache_is_valid(const struct cache *cache)
{
    size_t used = 0;
    size_t pinned = 0;
    size_t ordered = 0;
    bool in_spares = false;

    for (size_t i = 0; i < cache->entry_count; i++) {
        const struct cache_entry *entry = &cache->entries[i];

        used += entry->file != NULL;
        pinned += entry->pins > 0;
        if ((entry->file == NULL) != list_is_empty(&entry->of_file))
            return false;
        if ((entry->pins > 0) != list_is_empty(&entry->order))
            return false;
    }
    list_each (link, &cache->order) {
        bool spare = list_entry(link, struct cache_entry, order)->file == NULL;

        if (in_spares && !spare)
            return false;
        in_spares = spare;
        ordered++;
    }
    return used == count_in_chains(cache) && pinned == cache->pinned_count &&
           ordered + pinned == cache->entry_count;
}
