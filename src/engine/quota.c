/* SPDX-License-Identifier: BSD-2-Clause */
/* What a trusted application may have, and has. */
#include <string.h>

#include "engine/engine.h"

uint64_t engine_handle_bytes(size_t size, enum handle_kind kind)
{
    switch (kind) {
    case HANDLE_OBJECT:
        return size + object_cache_entry_bytes();
    case HANDLE_WRITER:
        return size + sizeof(struct writer) + tree_bytes() + LAYOUT_BLOCK_SIZE;
    case HANDLE_LIST:
        break;
    }
    return size;
}

static struct coffer_ta ta_of(const struct book *book)
{
    struct entry entry = {.file = 0};

    memcpy(entry.name.uuid, book->uuid, sizeof(entry.name.uuid));
    return (struct coffer_ta){
        .ta = store_public_entry(&entry).ta,
        .memory = atomic_load(&book->memory),
        .memory_peak = atomic_load(&book->memory_peak),
        .memory_quota = atomic_load(&book->memory_quota),
        .memory_refusals = counter_get(&book->memory_refusals),
        .handles = atomic_load(&book->handles),
        .handles_peak = atomic_load(&book->handles_peak),
        .objects = book->objects,
        .storage = book->storage,
        .storage_peak = book->storage_peak,
        .storage_quota = book->storage_quota,
        .storage_refusals = book->storage_refusals,
        .storage_taken = book->storage_taken,
    };
}

void engine_ta_statistics(struct coffer *engine, struct coffer_statistics *out)
{
    struct book *book = atomic_load(&engine->store.books.first);

    for (; book != NULL; book = atomic_load(&book->next)) {
        /* What became uncertain is counted again; if that fails, what was known last is told. */
        enum coffer_status status = book_count(&engine->store, book);

        (void)status;
        out->tas[out->ta_count++] = ta_of(book);
    }
}

enum coffer_status coffer_set_quota(struct coffer *store, const struct coffer_uuid *ta,
                                    uint64_t memory, uint64_t storage)
{
    uint8_t uuid[CRYPTO_UUID_SIZE];
    enum coffer_status status;
    struct book *book;

    if (store == NULL || ta == NULL)
        return COFFER_MISUSE;
    engine_uuid(ta, uuid);
    engine_enter(store);
    store_lock(&store->store);
    status = books_open(&store->store, uuid, &book);
    if (status == COFFER_OK)
        status = book_count(&store->store, book);
    if (status == COFFER_OK) {
        atomic_store(&book->memory_quota, memory);
        book->storage_quota = storage;
    }
    store_unlock(&store->store);
    engine_leave(store);
    return status;
}
