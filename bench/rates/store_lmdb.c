/* SPDX-License-Identifier: BSD-2-Clause */
/* LMDB: one value an object. It has no cache of its own: it maps the file, so its reads come out of
 * the kernel's page cache, and nothing bounds them. */
#include "rates/store.h"

#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_NUMBER 4000000000u
#define MAP_SIZE     ((size_t)4 << 30)

struct store {
    MDB_env *environment;
    MDB_dbi base;
    MDB_txn *reader; /* renewed for each read, as its manual advises */
};

static void must(int error)
{
    rate_must(error == 0, mdb_strerror(error));
}

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));
    MDB_txn *transaction;

    rate_must(store != NULL, "memory");
    must(mdb_env_create(&store->environment));
    must(mdb_env_set_mapsize(store->environment, MAP_SIZE));
    must(mdb_env_open(store->environment, settings->directory, settings->durable ? 0 : MDB_NOSYNC,
                      0600));
    must(mdb_txn_begin(store->environment, NULL, 0, &transaction));
    must(mdb_dbi_open(transaction, NULL, 0, &store->base));
    must(mdb_txn_commit(transaction));
    must(mdb_txn_begin(store->environment, NULL, MDB_RDONLY, &store->reader));
    mdb_txn_reset(store->reader);
    return store;
}

void rated_close(struct store *store)
{
    mdb_txn_abort(store->reader);
    mdb_env_close(store->environment);
    free(store);
}

static MDB_val key_of(struct rated_name *name)
{
    return (MDB_val){name->size, name->bytes};
}

static void put_in(struct store *store, MDB_txn *transaction, unsigned number, const void *data,
                   size_t size)
{
    struct rated_name name = rated_name(number);
    MDB_val key = key_of(&name);
    MDB_val value = {size, NULL};

    must(mdb_put(transaction, store->base, &key, &value, MDB_RESERVE));
    memcpy(value.mv_data, data, size);
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    MDB_txn *transaction;

    must(mdb_txn_begin(store->environment, NULL, 0, &transaction));
    put_in(store, transaction, number, data, size);
    must(mdb_txn_commit(transaction));
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    MDB_txn *transaction;

    must(mdb_txn_begin(store->environment, NULL, 0, &transaction));
    for (unsigned i = 0; i < count; i++)
        put_in(store, transaction, i, data, size);
    must(mdb_txn_commit(transaction));
}

static MDB_val find(struct store *store, unsigned number)
{
    struct rated_name name = rated_name(number);
    MDB_val key = key_of(&name);
    MDB_val value;

    must(mdb_get(store->reader, store->base, &key, &value));
    return value;
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    MDB_val value;

    must(mdb_txn_renew(store->reader));
    value = find(store, number);
    rate_must(value.mv_size == size, "a short object");
    memcpy(out, value.mv_data, size);
    mdb_txn_reset(store->reader);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    struct rated_name name = rated_name(LARGE_NUMBER);
    MDB_val key = key_of(&name);
    MDB_val value = {size, NULL};
    MDB_txn *transaction;

    must(mdb_txn_begin(store->environment, NULL, 0, &transaction));
    must(mdb_put(transaction, store->base, &key, &value, MDB_RESERVE));
    for (size_t at = 0; at < size; at += chunk)
        memcpy((uint8_t *)value.mv_data + at, (const uint8_t *)data + at, chunk);
    must(mdb_txn_commit(transaction));
}

void rated_open_large(struct store *store)
{
    must(mdb_txn_renew(store->reader));
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    MDB_val value = find(store, LARGE_NUMBER);

    rate_must(offset + size <= value.mv_size, "a short object");
    memcpy(out, (const uint8_t *)value.mv_data + offset, size);
}

void rated_close_large(struct store *store)
{
    mdb_txn_reset(store->reader);
}

struct names rated_list(struct store *store)
{
    struct names names = {0, 0};
    MDB_cursor *cursor;
    MDB_val key, value;

    must(mdb_txn_renew(store->reader));
    must(mdb_cursor_open(store->reader, store->base, &cursor));
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
        names_add(&names, key.mv_data, key.mv_size);
    mdb_cursor_close(cursor);
    mdb_txn_reset(store->reader);
    return names;
}
