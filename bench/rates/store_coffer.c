/* SPDX-License-Identifier: BSD-2-Clause */
/* Ours. */
#include "rates/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "coffer/linux.h"

static const struct coffer_uuid ta = {
    0xc0ffe700, 0xbe4c, 0x4000, {0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02}};
static const uint8_t key_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

#define LARGE_NUMBER 4000000000u

struct store {
    struct coffer *coffer;
    struct coffer_object *large;
    struct coffer_linux_options options;
    struct coffer_key key;
    char path[4096];
};

static void must(enum coffer_status status)
{
    rate_must(status == COFFER_OK, coffer_status_text(status));
}

static struct coffer_name name_of(const struct rated_name *name)
{
    return (struct coffer_name){.ta = ta, .id = name->bytes, .id_size = name->size};
}

struct store *rated_open(const struct rated_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));

    rate_must(store != NULL, "memory");
    (void)snprintf(store->path, sizeof(store->path), "%s/store", settings->directory);
    store->key = (struct coffer_key){COFFER_KEY_HUK, key_bytes, sizeof(key_bytes)};
    store->options = (struct coffer_linux_options){.directory = store->path,
                                                   .key = &store->key,
                                                   .memory = settings->memory,
                                                   .create = true,
                                                   .volatile_commits = !settings->durable};
    must(coffer_linux_open(&store->options, &store->coffer));
    return store;
}

void rated_close(struct store *store)
{
    coffer_close(store->coffer);
    free(store);
}

void rated_put(struct store *store, unsigned number, const void *data, size_t size)
{
    const struct rated_name label = rated_name(number);
    const struct coffer_name name = name_of(&label);

    must(coffer_put(store->coffer, &name, COFFER_REPLACE, NULL, data, size));
}

void rated_fill(struct store *store, unsigned count, const void *data, size_t size)
{
    struct coffer_linux_options fleeting = store->options;

    fleeting.volatile_commits = true;
    coffer_close(store->coffer);
    must(coffer_linux_open(&fleeting, &store->coffer));
    for (unsigned i = 0; i < count; i++)
        rated_put(store, i, data, size);
    coffer_close(store->coffer);
    must(coffer_linux_open(&store->options, &store->coffer));
}

void rated_get(struct store *store, unsigned number, void *out, size_t size)
{
    const struct rated_name label = rated_name(number);
    const struct coffer_name name = name_of(&label);
    struct coffer_object *object;
    size_t got;

    must(coffer_object_open(store->coffer, &name, &object));
    must(coffer_object_read(object, 0, out, size, &got));
    rate_must(got == size, "a short object");
    coffer_object_close(object);
}

void rated_write_large(struct store *store, const void *data, size_t size, size_t chunk)
{
    const struct rated_name label = rated_name(LARGE_NUMBER);
    const struct coffer_name name = name_of(&label);
    struct coffer_writer *writer;

    must(coffer_writer_open(store->coffer, &name, COFFER_REPLACE, NULL, &writer));
    for (size_t at = 0; at < size; at += chunk)
        must(coffer_writer_write(writer, (const uint8_t *)data + at, chunk));
    must(coffer_writer_commit(writer));
}

void rated_open_large(struct store *store)
{
    const struct rated_name label = rated_name(LARGE_NUMBER);
    const struct coffer_name name = name_of(&label);

    must(coffer_object_open(store->coffer, &name, &store->large));
}

void rated_read_large(struct store *store, uint64_t offset, void *out, size_t size)
{
    size_t got;

    must(coffer_object_read(store->large, offset, out, size, &got));
    rate_must(got == size, "a short read");
}

void rated_close_large(struct store *store)
{
    coffer_object_close(store->large);
}

struct names rated_list(struct store *store)
{
    struct names names = {0, 0};
    struct coffer_entry entry;
    struct coffer_list *list;

    must(coffer_list_open(store->coffer, &ta, &list));
    while (coffer_list_next(list, &entry) == COFFER_OK)
        names_add(&names, entry.id, entry.id_size);
    coffer_list_close(list);
    return names;
}
