/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people write for themselves: a file an object, sealed by AES-GCM in messages of up to
 * RECORD_SIZE bytes, made under another name and renamed when it is whole. Nothing is cached, and
 * nothing keeps an old file, or half of one, from being put in a new one's place.
 */
#include "rates/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rates/sealer.h"

#define LARGE_NUMBER 4000000000u
#define MESSAGE_SIZE (RECORD_SIZE + SEAL_EXTRA)

struct store {
    struct sealer sealer;
    int directory;
    int large;
    bool durable;
    uint8_t *sealed; /* MESSAGES_MAX messages */
};

#define MESSAGES_MAX 32u

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));

    rate_must(store != NULL, "memory");
    store->sealed = malloc((size_t)MESSAGES_MAX * MESSAGE_SIZE);
    store->directory = open(settings->directory, O_RDONLY | O_DIRECTORY);
    store->durable = settings->durable;
    rate_must(store->sealed != NULL && store->directory >= 0, settings->directory);
    sealer_open(&store->sealer);
    return store;
}

void rated_close(struct store *store)
{
    sealer_close(&store->sealer);
    (void)close(store->directory);
    free(store->sealed);
    free(store);
}

/* All of `size` bytes to the end of a file, some messages a call. */
static void append(struct store *store, int file, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t used = 0;

        for (unsigned i = 0; i < MESSAGES_MAX && size > 0; i++) {
            size_t part = size < RECORD_SIZE ? size : RECORD_SIZE;

            sealer_seal(&store->sealer, store->sealed + used, store->sealed + used + SEAL_EXTRA,
                        data, part);
            used += part + SEAL_EXTRA;
            data += part;
            size -= part;
        }
        rate_must(write(file, store->sealed, used) == (ssize_t)used, "write");
    }
}

static void put(struct store *store, unsigned number, const void *data, size_t size, bool durable)
{
    const struct rated_name name = rated_name(number);
    int file = openat(store->directory, "new", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    rate_must(file >= 0, "open");
    append(store, file, data, size);
    rate_must(!durable || fdatasync(file) == 0, "fdatasync");
    rate_must(close(file) == 0, "close");
    rate_must(renameat(store->directory, "new", store->directory, name.bytes) == 0, "rename");
    rate_must(!durable || fsync(store->directory) == 0, "fsync");
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    put(store, number, data, size, store->durable);
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        put(store, i, data, size, false);
}

/* Messages from one that begins at `offset` of the data on. */
static void read_messages(struct store *store, int file, uint64_t offset, uint8_t *out, size_t size)
{
    while (size > 0) {
        size_t count = (size + RECORD_SIZE - 1) / RECORD_SIZE;
        size_t wanted;
        ssize_t got;

        if (count > MESSAGES_MAX)
            count = MESSAGES_MAX;
        wanted = count * RECORD_SIZE < size ? count * MESSAGE_SIZE : size + count * SEAL_EXTRA;
        got = pread(file, store->sealed, wanted, (off_t)(offset / RECORD_SIZE * MESSAGE_SIZE));
        rate_must(got == (ssize_t)wanted, "a short file");
        for (size_t i = 0; i < count; i++) {
            size_t part = size < RECORD_SIZE ? size : RECORD_SIZE;
            const uint8_t *message = store->sealed + i * MESSAGE_SIZE;

            sealer_unseal(&store->sealer, message, out, message + SEAL_EXTRA, part);
            out += part;
            size -= part;
            offset += part;
        }
    }
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    const struct rated_name name = rated_name(number);
    int file = openat(store->directory, name.bytes, O_RDONLY);

    rate_must(file >= 0, "open");
    read_messages(store, file, 0, out, size);
    (void)close(file);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    (void)chunk;
    rated_put(store, LARGE_NUMBER, data, size);
}

void rated_open_large(struct store *store)
{
    const struct rated_name name = rated_name(LARGE_NUMBER);

    store->large = openat(store->directory, name.bytes, O_RDONLY);
    rate_must(store->large >= 0, "open");
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    read_messages(store, store->large, offset, out, size);
}

void rated_close_large(struct store *store)
{
    (void)close(store->large);
}

struct names rated_list(struct store *store)
{
    struct names names = {0, 0};
    DIR *stream = fdopendir(dup(store->directory));
    const struct dirent *entry;

    rate_must(stream != NULL, "list");
    rewinddir(stream);
    while ((entry = readdir(stream)) != NULL)
        if (entry->d_name[0] == 'o')
            names_add(&names, entry->d_name, strlen(entry->d_name));
    (void)closedir(stream);
    return names;
}
