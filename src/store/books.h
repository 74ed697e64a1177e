/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Books of trusted applications: what one holds of memory and keeps on the device, and how much it
 * may. Only those that were asked for have one; for all others nothing is counted, and it costs
 * nothing.
 *
 * Memory is what handles and what is open through them take, counted from the time that the book
 * was opened. Storage is the sum of the objects' data. It is on no disk: it is found by opening
 * each object once, when it is needed first, and kept from then on. What makes it uncertain (damage
 * met in a delete, a repair) has it found again, when it is needed next. What writers have in the
 * making they take from the quota as they write, so that several can't pass it together.
 *
 * Locking: storage, and the opening of books, under the store's lock. Books stay until the store is
 * closed, so that they can be found without any; memory is counted atomically.
 */
#ifndef COFFER_STORE_BOOKS_H
#define COFFER_STORE_BOOKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "coffer.h"
#include "crypto/crypto.h"

struct store;

struct book {
    _Atomic(struct book *) next;
    uint8_t uuid[CRYPTO_UUID_SIZE];

    _Atomic uint64_t memory, memory_peak, memory_quota;
    _Atomic uint64_t handles, handles_peak;
    struct counter memory_refusals;

    bool counted; /* what follows is known */
    uint64_t objects;
    uint64_t storage, storage_peak;
    uint64_t storage_taken; /* by open writers; known always */
    uint64_t storage_quota;
    uint64_t storage_refusals;
};

struct books {
    _Atomic(struct book *) first;
    unsigned count;
};

/* NULL: it has none. */
struct book *books_find(const struct books *books, const uint8_t *uuid);

/* The TA's book, from now on. COFFER_NO_MEMORY, also when there are COFFER_TAS_MAX. */
COFFER_MUST_CHECK enum coffer_status books_open(struct store *store, const uint8_t *uuid,
                                                struct book **out);
void books_close(struct store *store);

/* One handle more, with so many bytes. COFFER_NO_MEMORY: beyond the quota. `book` may be NULL. */
COFFER_MUST_CHECK enum coffer_status book_take(struct book *book, uint64_t bytes);
void book_give(struct book *book, uint64_t bytes);

/* Have the storage counted. Opens every object of the TA that isn't open. */
COFFER_MUST_CHECK enum coffer_status book_count(struct store *store, struct book *book);

/* A change in the TA is to come: have its storage counted if it has a quota. Before the lock of any
 * object is taken, as all of them are looked at. */
COFFER_MUST_CHECK enum coffer_status books_ready(struct store *store, const uint8_t *uuid);

/* An object of the TA is about to change its size, after books_ready. COFFER_NO_SPACE: beyond the
 * quota. */
COFFER_MUST_CHECK enum coffer_status books_allow(struct store *store, const uint8_t *uuid,
                                                 uint64_t before, uint64_t after);

/* A writer of the TA, which has *taken of the quota, is to have `wanted`, if that is more; after
 * books_ready. COFFER_NO_SPACE: beyond the quota. */
COFFER_MUST_CHECK enum coffer_status books_take(struct store *store, const uint8_t *uuid,
                                                uint64_t *taken, uint64_t wanted);
/* It has nothing any more. */
void books_give(struct store *store, const uint8_t *uuid, uint64_t *taken);

/* The object has changed its size; and there are so many objects more. */
void books_changed(struct store *store, const uint8_t *uuid, uint64_t before, uint64_t after,
                   int objects);

/* What is known of storage may be wrong: of one TA, or of all (`uuid` NULL). */
void books_doubt(struct store *store, const uint8_t *uuid);

#endif
