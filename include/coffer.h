/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coffer: GlobalPlatform-style trusted storage inside one fixed region of secure memory,
 * byte-compatible with OP-TEE's REE file system stores.
 *
 * A store is a set of objects. An object belongs to a trusted application (TA), has an id of 0 to
 * 64 bytes that is unique within its TA, a stream of data bytes, and attributes (key material)
 * that are kept byte for byte. Every call that changes something is one transaction: after a power
 * cut, or any error, it has happened in full or not at all, and when it returns COFFER_OK it is
 * durable (unless `volatile_commits` is set).
 *
 * Memory      Everything lives in the areas of secure memory given to coffer_open; the only
 *             memory outside is the crypto library's own contexts, made at open and reported.
 * Threads     Calls on one store, its objects, writers and lists may come from any thread. Reads of
 *             objects run at once, also beside a change of another object; changes come one after
 *             another, each whole: a read sees an object as some commit left it, never in between.
 *             Calls on one writer or one list wait for one another. A handle is closed by one
 *             thread, when no other call on it is under way. In a port without conditions all
 *             calls wait for one another. coffer_close must be the last call, alone. Not fork-safe.
 * Errors      Every call returns a status that must be looked at (coffer/status.h). Outputs are
 *             written on success only. After COFFER_FAILED close the store and open it again.
 *             Besides the codes named with a call, any call may return COFFER_MISUSE (a NULL that
 *             isn't allowed; a change to a store that was opened read_only), COFFER_IO,
 *             COFFER_NO_MEMORY and, when the catalogue itself can't be read, COFFER_CORRUPT; any
 *             call that changes something COFFER_NO_SPACE and COFFER_FAILED. A change that fails
 *             leaves everything as it was. COFFER_UNSUPPORTED comes from the port alone, at open:
 *             the crypto library lacks something.
 * Handles     A handle must not be used after its close, nor after coffer_close.
 * Compatible  On disk a store is exactly what OP-TEE's tee-supplicant keeps (docs/FORMAT.md).
 *
 * On Linux, <coffer/linux.h> makes the port, the device and the memory.
 */
#ifndef COFFER_H
#define COFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coffer/area.h"
#include "coffer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COFFER_VERSION   "0.1.0"
#define COFFER_ID_MAX    64u         /* bytes of an object id (GP: TEE_OBJECT_ID_MAX_LEN) */
#define COFFER_SIZE_MAX  0xFFFFFFFFu /* bytes of an object's data (GP: TEE_DATA_MAX_POSITION) */
#define COFFER_TYPE_DATA 0xA00000BFu /* object type of plain data (GP: TEE_TYPE_DATA) */
#define COFFER_USAGE_ALL 0xFFFFFFFFu

/* The least secure memory, in bytes. It carries any one operation of any object; threads that make
 * objects wait for one another. More than some 19 open objects or 3 writers, with what threads do
 * beside them, may be told COFFER_NO_MEMORY. 320 KiB carry some 100 open objects (docs/TUNING.md).
 */
#define COFFER_MEMORY_MIN 262144u
#define COFFER_MEMORY_MAX (((uint64_t)64 << 30) - 65536u) /* and that can be managed */

/* The version of the library at run time; never NULL. */
const char *coffer_version(void);

/* --- Identities -------------------------------------------------------------------------- */

/* A TA's UUID, with the fields of GP's TEE_UUID (RFC 4122 order when printed). */
struct coffer_uuid {
    uint32_t time_low;
    uint16_t time_mid;
    uint16_t time_hi_and_version;
    uint8_t clock_seq_and_node[8];
};

#define COFFER_UUID_TEXT_SIZE 37u /* 8-4-4-4-12 hex digits, dashes and the final NUL */

/* From text, either case; COFFER_MISUSE when it isn't a UUID. */
COFFER_MUST_CHECK enum coffer_status coffer_uuid_parse(const char *text, struct coffer_uuid *out);
void coffer_uuid_format(const struct coffer_uuid *uuid, char text[COFFER_UUID_TEXT_SIZE]);

/* --- Opening ----------------------------------------------------------------------------- */

struct coffer;        /* an open store */
struct coffer_device; /* where the store's files are, made by a port */

enum coffer_key_kind {
    COFFER_KEY_HUK, /* hardware unique key, 16 or 32 bytes (1 to 64 are taken) */
    COFFER_KEY_SSK, /* secure storage key, 32 bytes */
};

struct coffer_key {
    enum coffer_key_kind kind;
    const uint8_t *bytes; /* copied at open; wipe your own afterwards */
    size_t size;
};

#define COFFER_KEY_SIZE_MAX 32u

/* The key that is in a file's bytes: 16 or 32 of them, as they are or as hex digits with blanks
 * among them. COFFER_MISUSE: it is none of these. */
COFFER_MUST_CHECK enum coffer_status coffer_key_parse(const void *file, size_t size,
                                                      uint8_t bytes[COFFER_KEY_SIZE_MAX],
                                                      size_t *bytes_size);

enum coffer_notice {
    COFFER_NOTICE_CATALOGUE_FALLBACK, /* the newest dirf.db is damaged; the one before is used */
    COFFER_NOTICE_CATALOGUE_SPARE,    /* the other version of dirf.db is damaged; nothing is lost */
    COFFER_NOTICE_TREE_TOLERATED,     /* OP-TEE's truncate defect in an object; read all the same */
    COFFER_NOTICE_QUARANTINED,        /* a file was moved to quarantine/ */
    COFFER_NOTICE_DUPLICATE_FILE, /* two entries of dirf.db name one file; the later is ignored */
    COFFER_NOTICE_CLEANUP,        /* a file that is no longer needed could not be removed */
    COFFER_NOTICE_TRACE,          /* the trace could not be written: it ends */
    COFFER_NOTICE_MEMORY,         /* at open: secure memory is too small, by how much */
};

/* What the caches of nodes and of blocks forget first. */
enum coffer_policy {
    COFFER_POLICY_LRU,         /* what was used longest ago */
    COFFER_POLICY_CLOCK,       /* what wasn't used since it was looked at last, in turn */
    COFFER_POLICY_ROUND_ROBIN, /* what came first, whatever was used since */
};

/*
 * The configuration. Zero is the default of every optional field.
 */
struct coffer_config {
    /* What the store stands on. All required. The store owns `device` from a successful open on
     * and closes it; on failure it stays the caller's. The others must outlive the store. */
    const struct coffer_port *port;
    const struct coffer_ciphers *ciphers;
    struct coffer_device *device;

    /* Secure memory: 1 to 8 areas that the store alone uses until coffer_close, which wipes them.
     * Unit: bytes. Together COFFER_MEMORY_MIN at least. Price: none beyond itself; more memory
     * means a larger cache. Required. */
    const struct coffer_area *areas;
    size_t area_count;

    /* What is known of the areas, for the statistics: they stay in RAM. */
    bool memory_locked;

    /* The key, required. */
    const struct coffer_key *key;

    /* OP-TEE's other build settings. Default: OP-TEE's defaults (both compat options =y). */
    bool huk_plain;      /* CFG_CORE_HUK_SUBKEY_COMPAT=n */
    bool head_full_hash; /* CFG_REE_FS_HTREE_HASH_SIZE_COMPAT=n */

    /* Make the store when there is none. Default: COFFER_NOT_FOUND. COFFER_EXISTS is never an
     * error of this flag; with object files but no catalogue the answer is COFFER_CORRUPT. */
    bool create;

    /* Refuse every change with COFFER_MISUSE; nothing on the device is written. */
    bool read_only;

    /* Commit without barriers. Price of the default: two or three flushes a commit. Price of this:
     * after a power cut the store may be damaged (a crash of the process alone does no harm). */
    bool volatile_commits;

    /* Frames of the caches of tree nodes and of blocks together, at most. Unit: frames of 4 KiB.
     * Range: 40 to what the memory holds (coffer_plan); up to 2^24 - 16 anywhere. Default: half of
     * the memory that is free after start, but 40 at least. Price: 4 KiB and 0.2 KiB each; fewer
     * mean more reads. 36 are for nodes and one for blocks from the start; the rest is taken as it
     * is needed, by either, as long as `high_frames` stay free for others, and what was used
     * longest ago is replaced, whichever's it is. */
    unsigned cache_frames;

    /* What they forget first. Default: LRU. Price of LRU: a list is changed, under the cache's
     * lock, with each use; of the others: more reads where some nodes and blocks are used much more
     * often than others, with ROUND_ROBIN many more. COFFER_MISUSE: no such policy. */
    enum coffer_policy cache_policy;

    /* Objects that stay open when nobody uses them any more, so that opening them again takes no
     * device and no cipher. Range: 1 to 2^20, default one for each four frames that are free after
     * start, 4 at least. Price: about 0.8 KiB each; when memory is short they go first. */
    unsigned cached_objects;

    /* Expanded file keys that the crypto library keeps. Range: 2 to 64, default 8. Price: about
     * 2 KiB each outside secure memory and 144 bytes in it; fewer mean a key expansion (0.3 us)
     * more often, and threads with different keys wait for one another. */
    unsigned key_slots;

    /*
     * The collector gives memory back before it is short: what the caches have, then what lies
     * empty (coffer_tick, struct coffer_statistics).
     *
     * Free frames: it begins when fewer than `low_frames` are left and ends when `high_frames` are
     * free again, and the caches leave so many to others. Unit: frames of 4 KiB. Range: low up to
     * high, also where only one of them is given, and high up to what floats (coffer_plan);
     * COFFER_MISUSE otherwise. Default: high a sixteenth of what floats, 2 to 256, but nothing
     * where less than 8 frames float; low half of high. Price: so much memory lies idle; less, and
     * calls collect for themselves more often (some microseconds, by up to 8 frames at a time).
     */
    unsigned low_frames;
    unsigned high_frames;

    /* How often it looks for what is too old or empty. Unit: ms. Range: any. Default: 1000. Price:
     * a look at the tables of the caches. Longer, and what is empty stays with who has it. */
    unsigned collect_interval_ms;

    /* What nobody used for so long leaves the caches, plaintext with it. Unit: ms. Range: any, in
     * steps of the interval. Default 0: nothing is too old. Price: it is read again when it is
     * wanted after all. Needs a port with a clock. */
    unsigned cache_timeout_ms;

    /* A thread of its own for it. Default: none, somebody calls coffer_tick, or nobody does and
     * calls that find no memory collect for themselves. COFFER_UNSUPPORTED: the port has no
     * threads. Price: a thread that sleeps. */
    bool collector_thread;

    /* Told of what was noticed and dealt with; `text` is one line for people, `context` is
     * notice_context. From any thread, one at a time, with locks held: don't call back. Default:
     * the port's log. */
    void (*notice)(void *context, enum coffer_notice notice, const char *text);
    void *notice_context;

    /* Given a line for each call that reads or changes objects, in the order in which they end
     * (<coffer/trace.h>; docs/TUNING.md tells what it is good for): `size` bytes with an end of
     * line and no NUL, without names or data. Called by one thread at a time; don't call back.
     * False: it can't be written, the trace ends and a notice tells; no call fails. Default: no
     * trace. Price: a microsecond a call, about as much again where an object is named, and no
     * secure memory to speak of. */
    bool (*trace)(void *context, const char *line, size_t size);
    void *trace_context;

    /* Called by coffer_close when all is over, the areas included. Default: nothing. */
    void (*release)(void *context);
    void *release_context;
};

/* --- What the memory is for */

#define COFFER_PLAN_ITEMS_MAX 16u

/* What a component is sure to have. Together they are enough for any one operation, of any object;
 * what a commit needs is among it. */
struct coffer_plan_item {
    const char *name; /* as in struct coffer_component */
    uint64_t bytes;   /* whole frames */
    const char *text; /* what for */
};

/* Secure memory: what is set aside, and how the rest floats. Bytes where nothing else is said. */
struct coffer_plan {
    uint64_t total;  /* of the areas, in whole frames */
    uint64_t needed; /* what the store can be opened with: what is set aside, caches of a size that
                        was asked for, and COFFER_MEMORY_MIN of areas at least */
    bool fits;       /* `needed` is there: otherwise coffer_open says COFFER_NO_MEMORY */
    uint64_t aside;  /* set aside: the sum of the items */
    uint64_t floating; /* the rest; 0 also when there is less than that */
    unsigned item_count;
    struct coffer_plan_item items[COFFER_PLAN_ITEMS_MAX];

    uint64_t caches_max;   /* that nodes and blocks may grow to together, with their tables; what is
                              aside for "cache" included */
    uint64_t low, high;    /* free memory: the collector begins, and ends */
    uint64_t buffers_idle; /* that may stay idle for the next who needs buffers */
    uint64_t cached_objects; /* that stay open though nobody uses them, at most; how many */
    uint64_t object_bytes;   /* of an open object */
    uint64_t names_per_1000; /* of the table of names, for every thousand objects */
    uint64_t key_slots;      /* how many */
    uint64_t interval_ms;    /* between two rounds of the collector */
    uint64_t timeout_ms;     /* what wasn't used for so long is forgotten; 0: nothing */
};

/* The plan that coffer_open would follow. Of the configuration the port, the areas and the numbers
 * are looked at, and of the areas addresses and sizes alone: nothing is read or written. COFFER_OK
 * also for a plan that doesn't fit; COFFER_NO_MEMORY: not one frame is there. */
COFFER_MUST_CHECK enum coffer_status coffer_plan(const struct coffer_config *config,
                                                 struct coffer_plan *out);

/* Open a store. COFFER_NO_MEMORY: it is too small for the plan; a notice tells what is needed.
 * COFFER_NOT_FOUND: there is none. COFFER_CORRUPT: neither version of its catalogue
 * authenticates (damaged, or another key); nothing was changed. */
COFFER_MUST_CHECK enum coffer_status coffer_open(const struct coffer_config *config,
                                                 struct coffer **out);

/* Let the collector work on what is due now, for about `max_ns` nanoseconds, but for one step at
 * least; in a port without a clock for one step. From any thread, at any time. COFFER_BUSY: there
 * is more to do, or another thread is at it. */
COFFER_MUST_CHECK enum coffer_status coffer_tick(struct coffer *store, uint64_t max_ns);

/* Close the store and everything that is still open in it; wipe the memory. NULL is nothing. */
void coffer_close(struct coffer *store);

/* --- Objects ----------------------------------------------------------------------------- */

struct coffer_object; /* a handle on one object; any number of them on the same object agree */

/* An object's name. */
struct coffer_name {
    struct coffer_uuid ta;
    const void *id; /* may be NULL when id_size is 0 */
    size_t id_size; /* bytes, 0 to COFFER_ID_MAX */
};

/* What an object is, besides its data. */
struct coffer_attributes {
    uint32_t type;        /* COFFER_TYPE_DATA, or a GP key type */
    uint32_t usage;       /* GP usage bits */
    uint32_t object_size; /* key size in bits, 0 for data */
    uint32_t max_size;    /* the largest key size in bits, 0 for data */
    uint32_t have;        /* bit k: the type's k-th attribute is present */
    const void *bytes;    /* the attributes in OP-TEE's order and form (docs/FORMAT.md) */
    size_t bytes_size;    /* 0 to 65536 */
};

struct coffer_info {
    uint64_t size; /* of the data, bytes */
    uint32_t type;
    uint32_t usage;
    uint32_t object_size;
    uint32_t max_size;
    uint32_t have;
    uint32_t attributes_size; /* bytes */
    uint32_t file;            /* number of the object's file */
    bool tolerated;           /* read past OP-TEE's truncate defect */
};

#define COFFER_REPLACE 1u /* an object of that name is replaced, atomically */

/* A new object with its first data, in one transaction. `attributes` NULL: plain data.
 * COFFER_EXISTS without COFFER_REPLACE; COFFER_BUSY: the object to replace is open. */
COFFER_MUST_CHECK enum coffer_status coffer_put(struct coffer *store,
                                                const struct coffer_name *name, unsigned flags,
                                                const struct coffer_attributes *attributes,
                                                const void *data, size_t size);

/* COFFER_NOT_FOUND, COFFER_CORRUPT (the object can't be read; its bytes stay as they are). */
COFFER_MUST_CHECK enum coffer_status coffer_object_open(struct coffer *store,
                                                        const struct coffer_name *name,
                                                        struct coffer_object **out);
void coffer_object_close(struct coffer_object *object);

COFFER_MUST_CHECK enum coffer_status coffer_object_info(struct coffer_object *object,
                                                        struct coffer_info *out);

/* The attribute bytes; `size` must be at least info.attributes_size (COFFER_MISUSE). */
COFFER_MUST_CHECK enum coffer_status coffer_object_attributes(struct coffer_object *object,
                                                              void *out, size_t size);

/* Data from `offset` on; *got is less than `size` only at the end of the data, 0 beyond it.
 * COFFER_CORRUPT: `out` is zeroed. */
COFFER_MUST_CHECK enum coffer_status coffer_object_read(struct coffer_object *object,
                                                        uint64_t offset, void *out, size_t size,
                                                        size_t *got);

/* One transaction. Beyond the end the data grows, zeros filling a gap. COFFER_NO_SPACE: the device
 * is full or offset + size exceeds COFFER_SIZE_MAX; the object is as before. */
COFFER_MUST_CHECK enum coffer_status
coffer_object_write(struct coffer_object *object, uint64_t offset, const void *data, size_t size);

/* The same, where the data isn't all in memory at once: `next` is asked for it piece by piece, from
 * the first byte on, until there are `size` bytes. It sets *piece to how many come, 1 to `left`,
 * and *data to where they are until it is called again or this call ends. What it answers but
 * COFFER_OK is this call's answer, and the object is as before; so it is with COFFER_MISUSE for a
 * piece of another size. It is called with locks held: don't call back. */
COFFER_MUST_CHECK enum coffer_status coffer_object_write_from(
    struct coffer_object *object, uint64_t offset, uint64_t size,
    enum coffer_status (*next)(void *context, uint64_t left, const void **data, size_t *piece),
    void *context);

/* Cut, or grow with zeros, to `size` bytes, in one transaction. */
COFFER_MUST_CHECK enum coffer_status coffer_object_truncate(struct coffer_object *object,
                                                            uint64_t size);

/* The object's usage bits, in one transaction; any may be set or cleared. All handles see them. */
COFFER_MUST_CHECK enum coffer_status coffer_object_set_usage(struct coffer_object *object,
                                                             uint32_t usage);

/* coffer_object_info by name, without keeping the object open. */
COFFER_MUST_CHECK enum coffer_status
coffer_stat(struct coffer *store, const struct coffer_name *name, struct coffer_info *out);

/* COFFER_NOT_FOUND; COFFER_EXISTS: `to` is another object's. To its own name: nothing to do. Open
 * handles stay good. The TA stays the same. */
COFFER_MUST_CHECK enum coffer_status
coffer_rename(struct coffer *store, const struct coffer_name *from, const void *to, size_t to_size);

/* COFFER_NOT_FOUND; COFFER_BUSY: the object is open. A damaged object can be deleted too: it is
 * the caller's wish, not our judgement. */
COFFER_MUST_CHECK enum coffer_status coffer_delete(struct coffer *store,
                                                   const struct coffer_name *name);

/* Put an object away because it is damaged, as a check with COFFER_CHECK_REPAIR does: there is none
 * of that name any more, and the bytes of its file, if it has one, are kept in quarantine/. Whether
 * it is damaged is for the caller to know. COFFER_NOT_FOUND; COFFER_BUSY: the object is open.
 * Beside the rule for changes: a power cut, and an error that isn't over when the call ends, may
 * leave the file in quarantine/ already and the name, which is then COFFER_CORRUPT to open; to call
 * again ends that. No moment leaves the bytes where they could be lost. */
COFFER_MUST_CHECK enum coffer_status coffer_quarantine(struct coffer *store,
                                                       const struct coffer_name *name);

/* --- Streams: objects of any size, made in one transaction -------------------------------- */

struct coffer_writer; /* an object in the making; nobody sees it before the commit */

/* Flags and errors as coffer_put; the name is taken at commit, not here. */
COFFER_MUST_CHECK enum coffer_status
coffer_writer_open(struct coffer *store, const struct coffer_name *name, unsigned flags,
                   const struct coffer_attributes *attributes, struct coffer_writer **out);
/* Append. After an error only abort is left. */
COFFER_MUST_CHECK enum coffer_status coffer_writer_write(struct coffer_writer *writer,
                                                         const void *data, size_t size);
/* Make it an object. The writer is gone afterwards, whatever the answer. */
COFFER_MUST_CHECK enum coffer_status coffer_writer_commit(struct coffer_writer *writer);
void coffer_writer_abort(struct coffer_writer *writer);

/* --- Enumeration ------------------------------------------------------------------------- */

struct coffer_list; /* a walk over the catalogue; objects created or deleted meanwhile may or may
                       not be met, all others exactly once */

struct coffer_entry {
    struct coffer_uuid ta;
    uint8_t id[COFFER_ID_MAX];
    size_t id_size;
    uint32_t file; /* number of the object's file */
};

/* Of one TA, or of all when `ta` is NULL. */
COFFER_MUST_CHECK enum coffer_status
coffer_list_open(struct coffer *store, const struct coffer_uuid *ta, struct coffer_list **out);
/* COFFER_NOT_FOUND at the end. Names only; coffer_stat tells the rest. */
COFFER_MUST_CHECK enum coffer_status coffer_list_next(struct coffer_list *list,
                                                      struct coffer_entry *out);
void coffer_list_close(struct coffer_list *list);

/* --- Checking ---------------------------------------------------------------------------- */

enum coffer_finding_kind {
    COFFER_FINDING_CATALOGUE, /* dirf.db: a version or an entry is damaged */
    COFFER_FINDING_OBJECT,    /* an object's head or nodes are damaged: none of it is readable */
    COFFER_FINDING_DATA,      /* a range of an object's data is damaged */
    COFFER_FINDING_MISSING,   /* an object's file is not there */
    COFFER_FINDING_TOLERATED, /* OP-TEE's truncate defect; readable here, not by OP-TEE */
    COFFER_FINDING_ORPHAN,    /* a file that no object owns */
};

struct coffer_finding {
    enum coffer_finding_kind kind;
    bool damage;      /* false: worth knowing, nothing is lost */
    bool repaired;    /* with COFFER_CHECK_REPAIR: mended, or moved to quarantine */
    const char *file; /* name in the store's folder */
    bool has_object;  /* `object` is set */
    struct coffer_entry object;
    uint64_t offset;  /* COFFER_FINDING_DATA: the range of the object's data; */
    uint64_t size;    /*   of the file, in bytes, for the others; 0 when not known */
    const char *text; /* one line for people */
};

struct coffer_check_summary {
    uint64_t objects;  /* looked at */
    uint64_t bytes;    /* of data verified */
    uint64_t nodes;    /* hashes verified */
    uint64_t damaged;  /* findings with damage */
    uint64_t repaired; /* of them, repaired */
    uint64_t notes;    /* findings without damage */
};

#define COFFER_CHECK_REPAIR 1u /* mend what can be mended, move the rest to quarantine */
#define COFFER_CHECK_DEEP                                                                          \
    2u /* also what the committed version does not use: orphan files, and                          \
          whether the catalogue's spare version is whole */

/* Verify every hash and every tag of the store, each finding told to `each` (required) and progress
 * to `progress` (entries of the catalogue, done and in all; may be NULL; false stops the check with
 * COFFER_BUSY). COFFER_OK also when damage
 * was found: see the summary. Without COFFER_CHECK_REPAIR nothing is written. */
COFFER_MUST_CHECK enum coffer_status
coffer_check(struct coffer *store, unsigned flags,
             void (*each)(void *context, const struct coffer_finding *finding),
             bool (*progress)(void *context, uint64_t done, uint64_t total), void *context,
             struct coffer_check_summary *out);

/* --- Quotas ------------------------------------------------------------------------------ */

#define COFFER_NO_QUOTA UINT64_MAX
#define COFFER_TAS_MAX  16u /* TAs that can be watched */

/*
 * Watch a TA from now on, and let it have so much at most; COFFER_NO_QUOTA: any. Both in bytes.
 *
 * `memory` is secure memory for its handles and what is open through them (each handle on an object
 * counts for a whole open object, each writer for its buffer too), counted for those opened from
 * now on: a handle beyond it is COFFER_NO_MEMORY.
 *
 * `storage` is the sum of its objects' data, and of what its open writers have taken for theirs: a
 * call that would make it larger than the quota is COFFER_NO_SPACE, and nothing of it is written.
 * So it is with coffer_put, with what makes an object larger, and with each coffer_writer_write.
 * A writer takes what it has written, less the size of the object that it is to replace as its
 * first write finds that, and has it until its end. Its commit looks again, as that object may be
 * smaller by then, or gone, or the quota less. What is there already stays, though it be more; a
 * writer that is open already counts from its next write on.
 *
 * So no writers, however many at once, bring a TA's data on the device beyond the quota, but for
 * one thing: until the commit (or the end of the put) what is to be replaced is there as well as
 * what replaces it, once for each writer and put at work on it.
 *
 * Price: nothing of this is on the device, so the sum is found by opening each of the TA's objects
 * once, which takes a read of the device each; calls that change the store wait meanwhile. A
 * deletion or replacement in a watched TA opens the old object, if it isn't open, and a writer's
 * write waits for the change under way. TAs that nobody watches cost nothing. COFFER_NO_MEMORY:
 * COFFER_TAS_MAX are watched already.
 */
COFFER_MUST_CHECK enum coffer_status coffer_set_quota(struct coffer *store,
                                                      const struct coffer_uuid *ta, uint64_t memory,
                                                      uint64_t storage);

/* --- Statistics -------------------------------------------------------------------------- */

#define COFFER_COMPONENTS_MAX 16u

struct coffer_component {
    const char *name;
    uint64_t bytes, bytes_peak; /* allocated to it */
    uint64_t held, held_peak;   /* whole frames that it holds, in bytes */
    uint64_t allocations, frees, refusals;
};

#define COFFER_CACHES_MAX 8

/* One cache. Counts, and bytes where it says so. */
struct coffer_cache {
    const char *name; /* "nodes": 4 KiB groups of tree nodes; "blocks": 4 KiB blocks' plaintext;
                         "objects": open objects, those with handles pinned */
    uint64_t entries, entries_peak; /* all that it has memory for */
    uint64_t spare, pinned, dirty;  /* of them: empty; in use now; changed and not yet written */
    uint64_t bytes, bytes_peak;
    uint64_t hits, misses;
    uint64_t waits; /* for what another thread was loading or writing */
    uint64_t load_failures;
    uint64_t evictions; /* to make room */
    uint64_t expirations;
    uint64_t shrunk_bytes; /* given back on request */
    uint64_t write_backs, write_failures;
    uint64_t refusals; /* because everything was in use */
};

/* A TA that coffer_set_quota was called for. Bytes, and counts. */
struct coffer_ta {
    struct coffer_uuid ta;
    uint64_t memory, memory_peak, memory_quota, memory_refusals;
    uint64_t handles, handles_peak; /* on objects, and writers */
    uint64_t objects;               /* stored */
    uint64_t storage, storage_peak, storage_quota, storage_refusals;
    uint64_t storage_taken; /* by open writers, beside `storage` */
};

#define COFFER_SOURCES_MAX 8u
#define COFFER_PAUSES      32u

/* What the collector got of one source. */
struct coffer_source {
    const char *name;
    uint64_t bytes, steps, ns;
};

struct coffer_statistics {
    /* Memory. The components' `held` add up to memory_used. Bytes. */
    uint64_t memory_total, memory_used, memory_peak, memory_largest_free;
    uint64_t wrong_frees; /* refused */
    unsigned component_count;
    struct coffer_component components[COFFER_COMPONENTS_MAX];
    const char *crypto_library;
    uint64_t crypto_outside_bytes; /* the crypto library's contexts, outside secure memory */

    /* The caches: those of nodes and blocks together, and all one by one. */
    uint64_t cache_frames; /* that they hold now */
    uint64_t cache_hits, cache_misses, cache_evictions;
    unsigned cache_count;
    struct coffer_cache caches[COFFER_CACHES_MAX];

    /* The collector: calls of coffer_tick, runs under pressure, rounds after an interval, calls
     * that found no memory and collected for themselves, and how many of runs and calls found
     * nothing. A pause is one step of it: the longest that anybody may have had to wait. Of
     * `collector_lengths` [k] counts the pauses from 2^k ns on; the last, also all above. */
    uint64_t collector_ticks, collector_runs, collector_rounds, collector_directs;
    uint64_t collector_failures;
    uint64_t collector_pauses, collector_pause_ns, collector_pause_max_ns;
    uint64_t collector_lengths[COFFER_PAUSES];
    uint64_t collector_bytes; /* of all sources */
    unsigned source_count;
    struct coffer_source sources[COFFER_SOURCES_MAX];

    /* The TAs that are watched. */
    unsigned ta_count;
    struct coffer_ta tas[COFFER_TAS_MAX];

    /* Device: calls and bytes. `barriers` are ordering points, `syncs` the files flushed. */
    uint64_t device_reads, device_writes, device_barriers, device_syncs, device_others;
    uint64_t device_read_bytes, device_written_bytes;

    /* Crypto: calls and bytes. */
    uint64_t seals, unseals, sealed_bytes, unsealed_bytes, hashes, hashed_bytes, key_loads;

    /* Store. */
    uint64_t objects, open_objects, commits, aborts, notices;
    uint64_t catalogue_slots; /* entries that dirf.db has room for without growing */
};

/* A consistent snapshot. */
COFFER_MUST_CHECK enum coffer_status coffer_statistics_get(struct coffer *store,
                                                           struct coffer_statistics *out);

struct coffer_memory;

/* The store's memory, for the calls of <coffer/memory.h> that look at it, and only those; no other
 * thread may use the store meanwhile, but for coffer_memory_area, which looks at nothing that
 * changes. It is the store's. */
struct coffer_memory *coffer_memory_of(struct coffer *store);

#ifdef __cplusplus
}
#endif

#endif
