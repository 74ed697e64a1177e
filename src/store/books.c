/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/books.h"

#include <string.h>

#include "base/assert.h"
#include "store/store.h"

#define NAMES_AT_A_TIME 8u

struct book *books_find(const struct books *books, const uint8_t *uuid)
{
    struct book *book = atomic_load_explicit(&books->first, memory_order_acquire);

    while (book != NULL && memcmp(book->uuid, uuid, CRYPTO_UUID_SIZE) != 0)
        book = atomic_load_explicit(&book->next, memory_order_relaxed);
    return book;
}

enum coffer_status books_open(struct store *store, const uint8_t *uuid, struct book **out)
{
    struct books *books = &store->books;
    struct book *book = books_find(books, uuid);
    enum coffer_status status;
    void *block;

    if (book == NULL) {
        if (books->count == COFFER_TAS_MAX)
            return COFFER_NO_MEMORY;
        status = memory_alloc(store->environment->memory, store->owner, sizeof(*book), &block);
        if (status != COFFER_OK)
            return status;
        book = block;
        memcpy(book->uuid, uuid, CRYPTO_UUID_SIZE);
        atomic_init(&book->memory_quota, COFFER_NO_QUOTA);
        book->storage_quota = COFFER_NO_QUOTA;
        atomic_init(&book->next, atomic_load(&books->first));
        atomic_store_explicit(&books->first, book, memory_order_release);
        books->count++;
    }
    *out = book;
    return COFFER_OK;
}

void books_close(struct store *store)
{
    struct book *book = atomic_load(&store->books.first);

    while (book != NULL) {
        struct book *next = atomic_load(&book->next);

        assert_debug(atomic_load(&book->memory) == 0 && atomic_load(&book->handles) == 0);
        memory_free(store->environment->memory, book);
        book = next;
    }
    store->books = (struct books){.count = 0};
}

/* --- Memory ------------------------------------------------------------------------------ */

static void raise_peak(_Atomic uint64_t *peak, uint64_t now)
{
    uint64_t before = atomic_load_explicit(peak, memory_order_relaxed);

    while (before < now && !atomic_compare_exchange_weak_explicit(
                               peak, &before, now, memory_order_relaxed, memory_order_relaxed))
        ;
}

enum coffer_status book_take(struct book *book, uint64_t bytes)
{
    uint64_t quota;
    uint64_t before;

    if (book == NULL)
        return COFFER_OK;
    quota = atomic_load_explicit(&book->memory_quota, memory_order_relaxed);
    before = atomic_load_explicit(&book->memory, memory_order_relaxed);
    do {
        if (before > quota || quota - before < bytes) {
            counter_add(&book->memory_refusals, 1);
            return COFFER_NO_MEMORY;
        }
    } while (!atomic_compare_exchange_weak_explicit(&book->memory, &before, before + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    raise_peak(&book->memory_peak, before + bytes);
    raise_peak(&book->handles_peak,
               atomic_fetch_add_explicit(&book->handles, 1, memory_order_relaxed) + 1);
    return COFFER_OK;
}

void book_give(struct book *book, uint64_t bytes)
{
    if (book == NULL)
        return;
    (void)atomic_fetch_sub_explicit(&book->memory, bytes, memory_order_relaxed);
    (void)atomic_fetch_sub_explicit(&book->handles, 1, memory_order_relaxed);
}

/* --- Storage ----------------------------------------------------------------------------- */

static void set_storage(struct book *book, uint64_t storage)
{
    book->storage = storage;
    if (storage > book->storage_peak)
        book->storage_peak = storage;
}

enum coffer_status book_count(struct store *store, struct book *book)
{
    struct listed names[NAMES_AT_A_TIME];
    uint64_t storage = 0;
    uint64_t objects = 0;
    uint32_t next = 0;

    if (book->counted)
        return COFFER_OK;
    for (;;) {
        size_t count;
        enum coffer_status status = catalogue_list(&store->catalogue, next, book->uuid, names,
                                                   NAMES_AT_A_TIME, &count, &next);

        if (status != COFFER_OK)
            return status;
        if (count == 0)
            break;
        for (size_t i = 0; i < count; i++) {
            uint64_t size = 0;

            /* What can't be read takes no room that could be counted. */
            status = object_size(store, &names[i].entry.name, &size);
            if (status != COFFER_OK && status != COFFER_CORRUPT)
                return status;
            storage += size;
            objects++;
        }
    }
    book->objects = objects;
    set_storage(book, storage);
    book->counted = true;
    return COFFER_OK;
}

enum coffer_status books_ready(struct store *store, const uint8_t *uuid)
{
    struct book *book = books_find(&store->books, uuid);

    return book == NULL || book->storage_quota == COFFER_NO_QUOTA ? COFFER_OK
                                                                  : book_count(store, book);
}

/* May the TA have so much more? */
static enum coffer_status allow_more(struct book *book, uint64_t more)
{
    uint64_t used = book->storage + book->storage_taken;

    if (book->storage_quota == COFFER_NO_QUOTA)
        return COFFER_OK;
    assert_cheap(book->counted);
    if (used <= book->storage_quota && more <= book->storage_quota - used)
        return COFFER_OK;
    book->storage_refusals++;
    return COFFER_NO_SPACE;
}

enum coffer_status books_allow(struct store *store, const uint8_t *uuid, uint64_t before,
                               uint64_t after)
{
    struct book *book = books_find(&store->books, uuid);

    return book == NULL || after <= before ? COFFER_OK : allow_more(book, after - before);
}

enum coffer_status books_take(struct store *store, const uint8_t *uuid, uint64_t *taken,
                              uint64_t wanted)
{
    struct book *book = books_find(&store->books, uuid);
    enum coffer_status status;

    if (book == NULL || wanted <= *taken)
        return COFFER_OK;
    status = allow_more(book, wanted - *taken);
    if (status != COFFER_OK)
        return status;
    book->storage_taken += wanted - *taken;
    *taken = wanted;
    return COFFER_OK;
}

void books_give(struct store *store, const uint8_t *uuid, uint64_t *taken)
{
    if (*taken == 0)
        return;
    books_find(&store->books, uuid)->storage_taken -= *taken;
    *taken = 0;
}

void books_changed(struct store *store, const uint8_t *uuid, uint64_t before, uint64_t after,
                   int objects)
{
    struct book *book = books_find(&store->books, uuid);

    if (book == NULL || !book->counted)
        return;
    if (book->storage + after < before || (objects < 0 && book->objects == 0)) {
        book->counted = false; /* it was damaged when it was counted */
        return;
    }
    set_storage(book, book->storage + after - before);
    book->objects = (uint64_t)((int64_t)book->objects + objects);
}

void books_doubt(struct store *store, const uint8_t *uuid)
{
    struct book *book = atomic_load(&store->books.first);

    for (; book != NULL; book = atomic_load(&book->next)) {
        if (uuid == NULL || memcmp(book->uuid, uuid, CRYPTO_UUID_SIZE) == 0)
            book->counted = false;
    }
}
