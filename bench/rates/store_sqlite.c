/* SPDX-License-Identifier: BSD-2-Clause */
/* SQLite, and with -DSQLITE_HAS_CODEC SQLCipher: a table of names and blobs, in WAL mode. */
#include "rates/store.h"

#ifdef SQLITE_HAS_CODEC
#include <sqlcipher/sqlite3.h>
#else
#include <sqlite3.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_NUMBER 4000000000u

struct store {
    sqlite3 *base;
    sqlite3_stmt *get, *put, *list;
    sqlite3_blob *large;
};

static void must(const struct store *store, bool good)
{
    rate_must(good, store->base == NULL ? "SQLite" : sqlite3_errmsg(store->base));
}

static void run(struct store *store, const char *command)
{
    must(store, sqlite3_exec(store->base, command, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepare(struct store *store, const char *command)
{
    sqlite3_stmt *statement;

    must(store, sqlite3_prepare_v2(store->base, command, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));
    char text[4200];

    rate_must(store != NULL, "memory");
    (void)snprintf(text, sizeof(text), "%s/base", settings->directory);
    must(store, sqlite3_open(text, &store->base) == SQLITE_OK);
#ifdef SQLITE_HAS_CODEC
    run(store, "PRAGMA key = \"x'000102030405060708090a0b0c0d0e0f"
               "101112131415161718191a1b1c1d1e1f'\"");
    run(store, "PRAGMA cipher_page_size = 4096");
#endif
    run(store, "PRAGMA journal_mode = WAL");
    run(store, settings->durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
    (void)snprintf(text, sizeof(text), "PRAGMA cache_size = -%zu", settings->memory / 1024);
    run(store, text);
    run(store, "CREATE TABLE objects (name BLOB UNIQUE NOT NULL, data BLOB)");
    store->get = prepare(store, "SELECT data FROM objects WHERE name = ?");
    store->put = prepare(store, "INSERT OR REPLACE INTO objects (name, data) VALUES (?, ?)");
    store->list = prepare(store, "SELECT name FROM objects");
    return store;
}

void rated_close(struct store *store)
{
    (void)sqlite3_finalize(store->get);
    (void)sqlite3_finalize(store->put);
    (void)sqlite3_finalize(store->list);
    (void)sqlite3_close(store->base);
    free(store);
}

static void bind_name(struct store *store, sqlite3_stmt *statement, const struct rated_name *name)
{
    must(store,
         sqlite3_bind_blob(statement, 1, name->bytes, (int)name->size, SQLITE_STATIC) == SQLITE_OK);
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    const struct rated_name name = rated_name(number);

    bind_name(store, store->put, &name);
    must(store, sqlite3_bind_blob(store->put, 2, data, (int)size, SQLITE_STATIC) == SQLITE_OK);
    must(store, sqlite3_step(store->put) == SQLITE_DONE);
    (void)sqlite3_reset(store->put);
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    run(store, "BEGIN");
    for (unsigned i = 0; i < count; i++)
        rated_put(store, i, data, size);
    run(store, "COMMIT");
    run(store, "PRAGMA wal_checkpoint(TRUNCATE)");
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    const struct rated_name name = rated_name(number);

    bind_name(store, store->get, &name);
    must(store, sqlite3_step(store->get) == SQLITE_ROW);
    rate_must(sqlite3_column_bytes(store->get, 0) == (int)size, "a short object");
    memcpy(out, sqlite3_column_blob(store->get, 0), size);
    (void)sqlite3_reset(store->get);
}

static void open_blob(struct store *store, int writable)
{
    const struct rated_name name = rated_name(LARGE_NUMBER);
    sqlite3_stmt *find = prepare(store, "SELECT rowid FROM objects WHERE name = ?");

    bind_name(store, find, &name);
    must(store, sqlite3_step(find) == SQLITE_ROW);
    must(store,
         sqlite3_blob_open(store->base, "main", "objects", "data", sqlite3_column_int64(find, 0),
                           writable, &store->large) == SQLITE_OK);
    (void)sqlite3_finalize(find);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    const struct rated_name name = rated_name(LARGE_NUMBER);

    run(store, "BEGIN");
    bind_name(store, store->put, &name);
    must(store, sqlite3_bind_zeroblob(store->put, 2, (int)size) == SQLITE_OK);
    must(store, sqlite3_step(store->put) == SQLITE_DONE);
    (void)sqlite3_reset(store->put);
    open_blob(store, 1);
    for (size_t at = 0; at < size; at += chunk)
        must(store, sqlite3_blob_write(store->large, (const uint8_t *)data + at, (int)chunk,
                                       (int)at) == SQLITE_OK);
    rated_close_large(store);
    run(store, "COMMIT");
}

void rated_open_large(struct store *store)
{
    run(store, "PRAGMA wal_checkpoint(TRUNCATE)");
    open_blob(store, 0);
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    must(store, sqlite3_blob_read(store->large, out, (int)size, (int)offset) == SQLITE_OK);
}

void rated_close_large(struct store *store)
{
    (void)sqlite3_blob_close(store->large);
}

struct names rated_list(struct store *store)
{
    struct names names = {0, 0};

    while (sqlite3_step(store->list) == SQLITE_ROW)
        names_add(&names, sqlite3_column_blob(store->list, 0),
                  (size_t)sqlite3_column_bytes(store->list, 0));
    (void)sqlite3_reset(store->list);
    return names;
}
