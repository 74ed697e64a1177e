/* SPDX-License-Identifier: BSD-2-Clause */
/* RocksDB: one value an object; a large one is a value for each RECORD_SIZE bytes, as values are
 * only read whole. Its blocks aren't compressed. */
#include "rates/store.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
    rocksdb_t *base;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *writing;
    rocksdb_readoptions_t *reading;
};

static void must(char *error)
{
    rate_must(error == NULL, error);
}

struct store *rated_open(const struct rated_settings *settings)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = rocksdb_cache_create_lru(settings->memory);
    struct store *store = calloc(1, sizeof(*store));
    char path[4200];
    char *error = NULL;

    rate_must(store != NULL, "memory");
    (void)snprintf(path, sizeof(path), "%s/base", settings->directory);
    store->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(store->options, 1);
    rocksdb_options_set_compression(store->options, rocksdb_no_compression);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom(10));
    rocksdb_options_set_block_based_table_factory(store->options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_cache_destroy(cache);
    store->base = rocksdb_open(store->options, path, &error);
    must(error);
    store->writing = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->writing, settings->durable);
    store->reading = rocksdb_readoptions_create();
    return store;
}

void rated_close(struct store *store)
{
    rocksdb_close(store->base);
    rocksdb_writeoptions_destroy(store->writing);
    rocksdb_readoptions_destroy(store->reading);
    rocksdb_options_destroy(store->options);
    free(store);
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    const struct rated_name name = rated_name(number);
    char *error = NULL;

    rocksdb_put(store->base, store->writing, name.bytes, name.size, data, size, &error);
    must(error);
}

/* Out of the table of what was written last, where all of it would be found otherwise. */
static void settle(struct store *store)
{
    rocksdb_flushoptions_t *flushing = rocksdb_flushoptions_create();
    char *error = NULL;

    rocksdb_flush(store->base, flushing, &error);
    must(error);
    rocksdb_flushoptions_destroy(flushing);
    rocksdb_compact_range(store->base, NULL, 0, NULL, 0);
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    rocksdb_writeoptions_t *durable = store->writing;

    store->writing = rocksdb_writeoptions_create();
    for (unsigned i = 0; i < count; i++)
        rated_put(store, i, data, size);
    rocksdb_writeoptions_destroy(store->writing);
    store->writing = durable;
    settle(store);
}

static void get(struct store *store, const char *name, size_t name_size, void *out, size_t size)
{
    rocksdb_pinnableslice_t *slice;
    char *error = NULL;
    const char *bytes;
    size_t got;

    slice = rocksdb_get_pinned(store->base, store->reading, name, name_size, &error);
    must(error);
    rate_must(slice != NULL, "no such object");
    bytes = rocksdb_pinnableslice_value(slice, &got);
    rate_must(got == size, "a short object");
    memcpy(out, bytes, size);
    rocksdb_pinnableslice_destroy(slice);
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    const struct rated_name name = rated_name(number);

    get(store, name.bytes, name.size, out, size);
}

static size_t record_name(uint64_t record, char name[32])
{
    return (size_t)snprintf(name, 32, "record %08llx", (unsigned long long)record);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *error = NULL;

    (void)chunk;
    for (size_t at = 0; at < size; at += RECORD_SIZE) {
        char name[32];
        size_t name_size = record_name(at / RECORD_SIZE, name);

        rocksdb_writebatch_put(batch, name, name_size, (const char *)data + at, RECORD_SIZE);
    }
    rocksdb_write(store->base, store->writing, batch, &error);
    must(error);
    rocksdb_writebatch_destroy(batch);
}

void rated_open_large(struct store *store)
{
    settle(store);
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    for (size_t at = 0; at < size; at += RECORD_SIZE) {
        char name[32];
        size_t name_size = record_name((offset + at) / RECORD_SIZE, name);

        get(store, name, name_size, (uint8_t *)out + at, RECORD_SIZE);
    }
}

void rated_close_large(struct store *store)
{
    (void)store;
}

struct names rated_list(struct store *store)
{
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(store->base, store->reading);
    struct names names = {0, 0};

    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t size;
        const char *name = rocksdb_iter_key(iterator, &size);

        names_add(&names, name, size);
    }
    rocksdb_iter_destroy(iterator);
    return names;
}
