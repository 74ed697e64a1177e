/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The catalogue: which objects there are. On the device it is dirf.db, an array of 120-byte slots
 * in a hash tree (docs/FORMAT.md, "Catalogue"); in memory, an index of the names, abstracts of
 * slots, and the sets of taken slots and file numbers. Slots themselves are read through the tree,
 * and so through the cache.
 *
 * A change is staged in the tree (catalogue_stage), published by the store's commit, and then
 * applied to the memory side (catalogue_apply), which cannot fail: catalogue_reserve makes room
 * beforehand. Which file numbers are taken is kept here but changed by those who make and remove
 * files.
 */
#ifndef COFFER_STORE_CATALOGUE_H
#define COFFER_STORE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sip.h"
#include "coffer.h"
#include "crypto/crypto.h"
#include "store/abstracts.h"
#include "store/index.h"
#include "store/numbers.h"
#include "tree/tree.h"

#define CATALOGUE_FILE      "dirf.db"
#define CATALOGUE_NEW_FILE  "dirf.db.tmp"
#define CATALOGUE_SLOT_SIZE 120u

/* A name inside: what names an object in its catalogue. */
struct name {
    uint8_t uuid[CRYPTO_UUID_SIZE];
    uint8_t id[COFFER_ID_MAX]; /* zero padded */
    uint32_t id_size;
};

/* A slot that is taken. */
struct entry {
    struct name name;
    uint8_t hash[CRYPTO_HASH_SIZE]; /* root of the object's file */
    uint32_t file;                  /* number of the object's file */
};

struct catalogue {
    struct tree_environment *environment;
    struct tree *tree;
    struct index index;
    struct abstracts abstracts;
    struct numbers slots;
    struct numbers files;
    uint32_t slot_count; /* slots that the file has */
    uint64_t object_count;
    uint8_t seed[SIP_KEY_SIZE];      /* keys the hashes of names */
    uint8_t more_seed[SIP_KEY_SIZE]; /* likewise, for what tells them apart */
    struct tree_heads heads;
    bool fell_back;      /* the newest version is damaged; this is the one before */
    bool spare_damaged;  /* the other version is damaged, and was not the newest */
    bool had_duplicates; /* a later entry with a taken file number was left out */
};

/* Open dirf.db: the newest version, else the other. COFFER_NOT_FOUND: no such file;
 * COFFER_CORRUPT: neither version is good (`heads` tells about them). */
COFFER_MUST_CHECK enum coffer_status catalogue_open(struct catalogue *catalogue,
                                                    struct tree_environment *environment,
                                                    struct owner owner);

/* Make an empty dirf.db, durable when `sync`; catalogue_open it afterwards. */
COFFER_MUST_CHECK enum coffer_status catalogue_create(struct tree_environment *environment,
                                                      bool sync);
void catalogue_close(struct catalogue *catalogue);

/* The slot of a name. COFFER_NOT_FOUND. */
COFFER_MUST_CHECK enum coffer_status catalogue_find(struct catalogue *catalogue,
                                                    const struct name *name, uint32_t *slot,
                                                    struct entry *out);

/* The same, of what opening it takes: of its hash the first *hash_size bytes may be all that is
 * known. `hash`: the name's (catalogue_hash). */
COFFER_MUST_CHECK enum coffer_status catalogue_find_to_open(struct catalogue *catalogue,
                                                            const struct name *name, uint64_t hash,
                                                            uint32_t *slot, struct entry *out,
                                                            size_t *hash_size);

/* A slot by number, below slot_count. COFFER_NOT_FOUND when it is free. */
COFFER_MUST_CHECK enum coffer_status catalogue_get(struct catalogue *catalogue, uint32_t slot,
                                                   struct entry *out);

struct listed {
    uint32_t slot;
    struct entry entry;
};

/* Objects from slot `from` on, at most `room` of them, of one TA unless `uuid` is NULL; *next is
 * where to go on. At least one is found, or it is the end. An error is told only if it is the first
 * thing met. */
COFFER_MUST_CHECK enum coffer_status catalogue_list(struct catalogue *catalogue, uint32_t from,
                                                    const uint8_t *uuid, struct listed *out,
                                                    size_t room, size_t *count, uint32_t *next);

/* Is a slot's entry an object? Not if it was left out for naming another's file. */
COFFER_MUST_CHECK enum coffer_status catalogue_counts(struct catalogue *catalogue, uint32_t slot,
                                                      const struct entry *entry, bool *counts);

/* Does any slot name this file? Reads the whole catalogue. */
COFFER_MUST_CHECK enum coffer_status catalogue_uses_file(struct catalogue *catalogue, uint32_t file,
                                                         bool *uses);

/* Room in memory for one more object. */
COFFER_MUST_CHECK enum coffer_status catalogue_reserve(struct catalogue *catalogue);

/* The slot for a new object. After catalogue_reserve. */
COFFER_MUST_CHECK enum coffer_status catalogue_free_slot(struct catalogue *catalogue,
                                                         uint32_t *slot);

/* Write a slot (NULL: free it) within the tree's transaction. */
COFFER_MUST_CHECK enum coffer_status catalogue_stage(struct catalogue *catalogue, uint32_t slot,
                                                     const struct entry *entry);

/* Free the slots of entries that don't count, within the tree's transaction: they would come to
 * count, and later ones to count no more, as entries and file numbers come and go. */
COFFER_MUST_CHECK enum coffer_status catalogue_stage_void(struct catalogue *catalogue);

/* A slot was changed from `before` to `after` (NULL: free) for good. */
void catalogue_apply(struct catalogue *catalogue, uint32_t slot, const struct entry *before,
                     const struct entry *after);

bool name_equal(const struct name *a, const struct name *b);

/* For tables; keyed anew at each open. */
uint64_t catalogue_hash(const struct catalogue *catalogue, const struct name *name);

/* The file name of a number: lower-case hex; `text` takes 9 bytes. */
void catalogue_file_name(uint32_t file, char text[9]);
/* The reverse; false when it isn't one. */
bool catalogue_file_number(const char *text, uint32_t *file);

#endif
