/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No store at all: what no store can be faster than, for the same bytes. As one of
 *
 *   LIMIT_GCM   AES-128-GCM over memory, and nothing else
 *   LIMIT_COPY  memcpy
 *   LIMIT_FILE  pread and pwrite in one file, fdatasync where it has to be durable
 */
#include "rates/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rates/sealer.h"

#define LARGE_MAX ((size_t)16 * 1024 * 1024)
#define SLOT_SIZE 1024u /* of a small object */

struct store {
    struct rated_settings settings;
    struct sealer sealer;
    int file;
    uint8_t *bytes; /* where it all lies, or comes from */
    uint8_t (*heads)[SEAL_EXTRA];
    size_t size;
};

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));
    char path[4200];

    rate_must(store != NULL, "memory");
    store->settings = *settings;
    store->size = (size_t)settings->objects * SLOT_SIZE;
    if (store->size < LARGE_MAX)
        store->size = LARGE_MAX;
    store->bytes = calloc(1, store->size);
    store->heads = calloc(store->size / SLOT_SIZE, sizeof(*store->heads));
    rate_must(store->bytes != NULL && store->heads != NULL, "memory");
    sealer_open(&store->sealer);
    (void)snprintf(path, sizeof(path), "%s/file", settings->directory);
    store->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    rate_must(store->file >= 0, path);
    return store;
}

void rated_close(struct store *store)
{
    sealer_close(&store->sealer);
    (void)close(store->file);
    free(store->bytes);
    free(store->heads);
    free(store);
}

static void move_in(struct store *store, size_t at, const uint8_t *data, size_t size)
{
#if defined(LIMIT_GCM)
    sealer_seal(&store->sealer, store->heads[at / SLOT_SIZE], store->bytes + at, data, size);
#elif defined(LIMIT_COPY)
    memcpy(store->bytes + at, data, size);
#else
    rate_must(pwrite(store->file, data, size, (off_t)at) == (ssize_t)size, "pwrite");
#endif
}

static void move_out(struct store *store, size_t at, uint8_t *out, size_t size)
{
#if defined(LIMIT_GCM)
    sealer_unseal(&store->sealer, store->heads[at / SLOT_SIZE], out, store->bytes + at, size);
#elif defined(LIMIT_COPY)
    memcpy(out, store->bytes + at, size);
#else
    rate_must(pread(store->file, out, size, (off_t)at) == (ssize_t)size, "pread");
#endif
}

/* GCM works in records; the others take what they get. */
static size_t step_of(size_t size)
{
#if defined(LIMIT_GCM)
    return size < RECORD_SIZE ? size : RECORD_SIZE;
#else
    return size;
#endif
}

static void settle(struct store *store)
{
#if defined(LIMIT_FILE)
    rate_must(!store->settings.durable || fdatasync(store->file) == 0, "fdatasync");
#else
    (void)store;
#endif
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    move_in(store, (size_t)number * SLOT_SIZE, data, size);
    settle(store);
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        move_in(store, (size_t)i * SLOT_SIZE, data, size);
    settle(store);
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    move_out(store, (size_t)number * SLOT_SIZE, out, size);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    size_t step = step_of(chunk);

    for (size_t at = 0; at < size; at += step)
        move_in(store, at, (const uint8_t *)data + at, step);
    settle(store);
}

void rated_open_large(struct store *store)
{
    (void)store;
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    size_t step = step_of(size);

    for (size_t at = 0; at < size; at += step)
        move_out(store, (size_t)offset + at, (uint8_t *)out + at, step);
}

void rated_close_large(struct store *store)
{
    (void)store;
}

/* The names as they would lie there, one after the other. */
struct names rated_list(struct store *store)
{
    struct names names = {0, 0};

    for (unsigned i = 0; i < store->settings.objects; i++) {
        uint8_t name[16] = {0};

        move_out(store, (size_t)i * SLOT_SIZE, name, sizeof(name));
        names_add(&names, name, sizeof(name));
    }
    return names;
}
