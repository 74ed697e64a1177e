/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store: objects in a catalogue, changed in transactions.
 *
 * The order of a commit (docs/ARCHITECTURE.md, "One commit")
 *   1 the object's blocks, nodes and head, in slots that its committed version doesn't use
 *   2 the catalogue's blocks and nodes, likewise, with the object's new root hash
 *   3 barrier: both files are durable
 *   4 the catalogue's head: the switch
 *   5 barrier
 *   6 what is no longer needed goes: files of replaced and deleted objects, the end of a cut file
 *
 * Invariants
 *   S1 A power cut before 4 leaves the old version, after 4 the new one, of every object.
 *   S2 An error before 4 aborts: memory and device are as before but for unused slots and files
 *      that no entry names.
 *   S3 An error in 4 or 5 leaves the outcome unknown: the store is failed until it is reopened.
 *   S4 Everything that can fail for want of memory comes before 4.
 *   S5 At most one object of an entry can be found, shared by all its handles, and it stays open
 *      while it has any: they see one state, the committed one, also while a change is under way.
 *      Without handles it may stay in the cache of objects; then nothing stops it from being
 *      deleted or replaced.
 *   S6 A file is removed only when its entry was replaced or deleted on request, or when it is our
 *      own leftover; what is damaged is moved to quarantine/.
 *
 * Locking
 *   The store's lock: the catalogue, names, free numbers of slots and files, commits, checking. One
 *   change of an object at a time holds it from its first byte to its last barrier.
 *   An object's lock (readers/writer) stands for its tree and its root hash: who reads shares it,
 *   who changes has it alone, over the change's I/O. A writer's lock likewise, over what is
 *   appended.
 *   Order: the store's, then an object's or a writer's, of which a thread has one at most. So
 *   what is open is read without the store's lock, beside any change of other objects; opening
 *   what isn't in the cache of objects waits for it. Notices are told under a lock of their own,
 *   which is taken last.
 */
#ifndef COFFER_STORE_STORE_H
#define COFFER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/rwlock.h"
#include "base/text.h"
#include "coffer.h"
#include "store/books.h"
#include "store/catalogue.h"
#include "store/object_cache.h"

struct store_settings {
    const struct coffer_port *port;
    size_t cached_objects; /* that stay open though nobody uses them, at least one */
    bool create;
    bool read_only;
    bool volatile_commits;
    void (*notice)(void *context, enum coffer_notice notice, const char *text);
    void *notice_context;
};

struct store_counters {
    struct counter commits;
    struct counter aborts;
    struct counter notices;
};

struct store {
    struct tree_environment *environment;
    struct owner owner;
    struct store_settings settings;
    struct port_lock lock;
    struct catalogue catalogue;
    struct port_lock notice_lock; /* who tells a notice */
    struct rwlock_lot lot;        /* where threads wait for objects and writers */
    struct object_cache objects;
    struct books books;
    struct store_counters counters;
    _Atomic uint64_t changes; /* of the catalogue, so far: under the lock */
    atomic_bool failed;       /* S3; for good. Set under the lock, looked at without it, too */
};

static inline void store_lock(struct store *store)
{
    store->settings.port->lock_take(store->settings.port->context, &store->lock);
}

static inline void store_unlock(struct store *store)
{
    store->settings.port->lock_give(store->settings.port->context, &store->lock);
}

COFFER_MUST_CHECK enum coffer_status store_open(struct store *store,
                                                struct tree_environment *environment,
                                                struct owner owner,
                                                const struct store_settings *settings);
/* Every object and writer must be closed; nobody else is here. */
void store_close(struct store *store);

/* --- objects.c */

/* The head of an object's file (docs/FORMAT.md, "Objects"). */
struct object_head {
    uint32_t attributes_size;
    uint32_t object_size;
    uint32_t max_size;
    uint32_t usage;
    uint32_t type;
    uint32_t have;
};

#define OBJECT_HEAD_SIZE      24u
#define OBJECT_ATTRIBUTES_MAX 65536u

void object_encode_head(const struct object_head *head, uint8_t bytes[OBJECT_HEAD_SIZE]);

#define OBJECT_GONE UINT32_MAX /* in place of handles: nobody can have one any more */

struct object {
    struct cache_entry core; /* first */
    struct store *store;
    struct tree *tree;
    struct rwlock lock;       /* of the tree's contents and entry.hash; stands after opening else */
    _Atomic uint32_t handles; /* to nothing but the object being open on behalf of a caller */
    atomic_bool doubtful;     /* damage was met: not to be kept when nobody uses it */
    atomic_bool reused;       /* opened again since it came into the cache */
    atomic_bool told;         /* of OP-TEE's truncate defect */
    uint32_t slot;
    struct entry entry; /* its name changes under the store's lock and the cache's */
    struct object_head head;
};

/* A handle on the object; it is opened if it isn't. COFFER_NOT_FOUND, COFFER_CORRUPT. */
COFFER_MUST_CHECK enum coffer_status object_open(struct store *store, const struct name *name,
                                                 struct object **out);
void object_close(struct object *object);

/* The calls below take an object with a handle, and the locks that they need. */
void object_info(struct object *object, struct coffer_info *out);
COFFER_MUST_CHECK enum coffer_status object_attributes(struct object *object, void *out,
                                                       size_t size);
COFFER_MUST_CHECK enum coffer_status object_read(struct object *object, uint64_t offset, void *out,
                                                 size_t size, size_t *got);

/* Data to be written, in pieces (coffer_object_write_from). */
struct object_source {
    enum coffer_status (*next)(void *context, uint64_t left, const void **data, size_t *piece);
    void *context;
};

COFFER_MUST_CHECK enum coffer_status object_write(struct object *object, uint64_t offset,
                                                  uint64_t size,
                                                  const struct object_source *source);
COFFER_MUST_CHECK enum coffer_status object_truncate(struct object *object, uint64_t size);
COFFER_MUST_CHECK enum coffer_status object_set_usage(struct object *object, uint32_t usage);

/* By name. */
COFFER_MUST_CHECK enum coffer_status object_stat(struct store *store, const struct name *name,
                                                 struct coffer_info *out);
COFFER_MUST_CHECK enum coffer_status object_rename(struct store *store, const struct name *from,
                                                   const struct name *to);
COFFER_MUST_CHECK enum coffer_status object_delete(struct store *store, const struct name *name);
COFFER_MUST_CHECK enum coffer_status object_quarantine(struct store *store,
                                                       const struct name *name);

/* --- objects.c, for the files of this folder: with the store's lock held */

/* Re-hash what OP-TEE's truncate defect left, in a transaction of its own. */
COFFER_MUST_CHECK enum coffer_status object_mend(struct store *store, const struct name *name);

/* Bytes of its data; it is opened if it isn't. */
COFFER_MUST_CHECK enum coffer_status object_size(struct store *store, const struct name *name,
                                                 uint64_t *out);

/* Has the object handles? */
bool object_has_handles(struct store *store, const struct name *name);

/* The object's file is damaged: what is open of it is not to be kept for later. */
void object_doubt(struct store *store, const struct name *name);

/* The name is about to be another object's, or nobody's: what is open under it goes. COFFER_BUSY:
 * it has handles. */
COFFER_MUST_CHECK enum coffer_status object_retire(struct store *store, const struct name *name);

/* For checking: open the file of an entry as it is, without sharing. COFFER_NOT_FOUND: no file. */
COFFER_MUST_CHECK enum coffer_status object_open_entry(struct store *store,
                                                       const struct entry *entry,
                                                       struct tree **tree,
                                                       struct object_head *head);

/* --- writer.c */

struct writer {
    struct store *store;
    struct rwlock lock; /* taken to write only */
    struct tree *tree;
    struct name name;
    uint8_t *tail; /* the beginning of a block that isn't full yet */
    size_t tail_size;
    uint64_t size; /* of the data so far */
    uint32_t file;
    bool replace;
    bool broken; /* only abort is left */

    /* In a watched TA, under the store's lock (store/books.h). */
    bool weighed;      /* `replaced` is known */
    uint64_t replaced; /* size of what is to be replaced, when it was looked at */
    uint64_t taken;    /* of the TA's quota */
};

/* COFFER_EXISTS, or with `replace` COFFER_BUSY: early word, before any work; the commit looks
 * again. */
COFFER_MUST_CHECK enum coffer_status writer_expect(struct store *store, const struct name *name,
                                                   bool replace);
/* `size`: of the data to come, as far as it is known. COFFER_NO_SPACE when that is beyond the TA's
 * quota; nothing is written then. */
COFFER_MUST_CHECK enum coffer_status writer_open(struct store *store, const struct name *name,
                                                 bool replace,
                                                 const struct coffer_attributes *attributes,
                                                 uint64_t size, struct writer **out);
/* *place: where in the data it began. */
COFFER_MUST_CHECK enum coffer_status writer_write(struct writer *writer, const void *data,
                                                  size_t size, uint64_t *place);
/* The writer is gone afterwards. */
COFFER_MUST_CHECK enum coffer_status writer_commit(struct writer *writer);
void writer_abort(struct writer *writer);

/* --- listing.c */

#define LISTING_NAMES 14u /* read at a time; so that a record fits a small block of the heap */

struct listing {
    struct rwlock lock;  /* taken to write only, after the store's */
    uint32_t next_slot;  /* where to read on when all was given out */
    uint64_t changes;    /* of the catalogue, when the names were read */
    size_t first, count; /* names that weren't given out: from, to (excluded) */
    uint32_t given;      /* so far */
    bool all;            /* of all TAs */
    uint8_t uuid[CRYPTO_UUID_SIZE];
    struct listed names[LISTING_NAMES];
};

/* `uuid` NULL: of all TAs. */
void listing_begin(struct listing *listing, const uint8_t *uuid);
/* COFFER_NOT_FOUND at the end. */
COFFER_MUST_CHECK enum coffer_status listing_next(struct store *store, struct listing *listing,
                                                  struct coffer_entry *out);

/* --- check.c */

/* As coffer_check. */
struct check {
    struct store *store;
    unsigned flags;
    void (*each)(void *context, const struct coffer_finding *finding);
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    struct coffer_check_summary summary;
};

COFFER_MUST_CHECK enum coffer_status store_check(struct check *check);

/* --- store.c, for the files of this folder: with the store's lock held */

/* May anything be changed? COFFER_MISUSE (read only), COFFER_FAILED. Puts a catalogue that fell
 * back, and files that it doesn't know, into quarantine first, and reserves what a commit's end
 * needs of memory: so before anything of it is written. */
COFFER_MUST_CHECK enum coffer_status store_may_change(struct store *store);

struct change {
    struct tree *tree; /* the object's, changed; NULL when only the catalogue changes */
    uint32_t slot;
    const struct entry *before; /* NULL: the slot was free */
    struct entry *after; /* NULL: the slot becomes free. With `tree`, its hash is filled in */
};

/* Steps 1 to 5, after store_may_change. On failure the catalogue's transaction is aborted; the
 * object's is the caller's. */
COFFER_MUST_CHECK enum coffer_status store_publish(struct store *store,
                                                   const struct change *change);

/* Step 6; what fails is only worth a notice. */
void store_remove_file(struct store *store, uint32_t file);

/* With any lock but that of notices. */
void store_notice(struct store *store, enum coffer_notice notice, const char *text);

/* The public form of an entry's name. */
struct coffer_entry store_public_entry(const struct entry *entry);

/* --- quarantine.c */

/* Move a file of the store aside, as quarantine/NAME.N. `where` (may be NULL) receives the new name
 * once the file has it, also when making that durable fails afterwards. */
COFFER_MUST_CHECK enum coffer_status quarantine_move(struct store *store, const char *name,
                                                     struct text *where);
/* Put an object away, whose file is the entry's, with all that is open of it: its file first, so
 * that no moment leaves damaged bytes nameless; the file goes back if the catalogue can't be
 * changed. An object without a file loses its entry alone. COFFER_BUSY: it has handles. */
COFFER_MUST_CHECK enum coffer_status quarantine_object(struct store *store, uint32_t slot,
                                                       const struct entry *entry);
/* Copy a file of the store there. */
COFFER_MUST_CHECK enum coffer_status quarantine_copy(struct store *store, const char *name);
/* Move every object file that no entry names. */
COFFER_MUST_CHECK enum coffer_status quarantine_orphans(struct store *store);

/* Object files that no entry names, some at a time: from 0 on until `next` is the end. */
#define ORPHANS_MAX 32u
#define ORPHANS_END UINT64_MAX
struct orphans {
    uint32_t files[ORPHANS_MAX]; /* smaller numbers first */
    size_t count;
    uint64_t next; /* where to go on */
};

COFFER_MUST_CHECK enum coffer_status orphans_find(struct store *store, uint64_t from,
                                                  struct orphans *out);

#endif
