/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GlobalPlatform front end: TEE Internal Core API (storage, transient objects, cryptographic
 * operations, memory, properties) over stores (<coffer.h>) and virtual spaces (<coffer/space.h>).
 *
 * A *tee* has instances of TAs; an instance has a space for its heap, a table of handles and a pool
 * for what stands behind them. The TEE_ calls know no handle of the instance they come from: the
 * port keeps it for each thread (gp_current), so that src/ has no state of its own.
 *
 * One call. TEE_Xyz() is a line or two: it fetches the instance, calls the function that does the
 * work and ends with gp_end(), which looks the answer up in the table of calls (calls.c): a code
 * that the call may return is returned, any other one is a panic, which ends the instance and never
 * comes back. So the functions behind answer plain TEE_Results, and a test of them needs no panic.
 * What the standard calls a panic reason is BAD_STATE or BAD_PARAMETERS there, whichever the call
 * may not return.
 *
 *   tee.c         opening and closing, profiles, storages, results
 *   calls.c       every call: its name, its panic id, what it may return in each profile
 *   instance.c    an instance: made, ended, its space and pool; buffers pinned
 *   handles.c     handles: numbers to what they stand for
 *   memory.c      TEE_Malloc and the rest
 *   properties.c  what properties there are; property_calls.c  the calls on them
 *   objects.c     objects of both kinds: what they are, and may be used for
 *   types.c       types of keys; attributes.c  their attributes, in memory and in a store's bytes
 *   transient.c   transient objects, and generate.c  new keys
 *   files.c       who has which persistent object open: sharing rules
 *   persistent.c  persistent objects, and streams.c their data
 *   enumerators.c what a storage holds
 *   operations.c  operations; their work is in digest.c, cipher.c, mac.c, ae.c, and
 *                 random.c
 *   compat.c      calls of 1.1 with sizes of 32 bits
 *   provider.h    what is needed of a cryptographic library
 *   sessions.c    TAs, their lives, clients' sessions, and cancellation.c
 *
 * Invariants
 *   GI1 A handle stands for one thing of one instance from when it is given out until it is closed;
 *      a number is not given out again before 255 others of its place were.
 *   GI2 What an instance has is charged to its owner and goes with it: pool, space, handles. An
 *      open file is the tee's, since instances share it.
 *   GI3 An open persistent object (struct gp_file) is there as long as a handle of any instance is.
 *   GI4 Outputs are written on success only, but where the standard says otherwise.
 *   GI5 Nothing pageable is given to a store: buffers in a space are pinned around the call.
 *
 * Locking. An instance runs in one thread at a time, so what hangs off it needs no lock. The list
 * of instances is under tee->lock, which is never held over a call of a store nor over a TA's code;
 * open persistent objects are under a lock of their own (files.h).
 */
#ifndef COFFER_GP_GP_H
#define COFFER_GP_GP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "coffer.h"
#include "coffer/memory.h"
#include "coffer/space.h"
#include "port/port.h"
#include "tee_api.h"
#include "tee_api_defines_extensions.h"
#include "user_ta_header.h"

struct gp_instance;
struct gp_request;  /* sessions.h */
struct gp_provider; /* provider.h */

enum gp_profile {
    GP_1_3_1,    /* the standard, strictly */
    GP_OPTEE_4,  /* with OP-TEE's documented differences */
    GP_PROFILES, /* how many there are */
};

/* --- The tee (tee.c) --------------------------------------------------------------------- */

#define GP_STORAGES_MAX 8u

/* A storage id and where its objects are. Several ids may have one store. */
struct gp_storage {
    uint32_t id;
    struct coffer *store;
};

struct gp_tee {
    const struct coffer_port *port;
    const struct gp_provider *provider;
    void *crypto;                 /* its state */
    struct coffer_memory *memory; /* of instances; the stores have their own */
    enum gp_profile profile;
    TEE_UUID device; /* what it is told to be (gpd.tee.deviceID) */
    /* Can this memory, which is none of ours, be touched? NULL: all can. */
    bool (*reaches)(const void *address, size_t size, bool write);
    struct gp_storage storages[GP_STORAGES_MAX];
    unsigned storage_count;
    struct coffer_owner owner;
    struct coffer_pool *pool; /* of what belongs to no instance */

    struct port_lock lock;
    struct list instances;
    unsigned instances_made; /* tells their handles apart */

    struct port_lock files_lock;
    struct list files; /* persistent objects that are open, of all instances (files.h) */
};

/* Some 350 operations with a key each. */
#define GP_CRYPTO_MAX ((size_t)1 << 20)

struct gp_tee_settings {
    const struct coffer_port *port; /* required, as all of these */
    struct coffer_memory *memory;
    enum gp_profile profile;
    TEE_UUID device;                    /* one of its own for each machine */
    const struct gp_provider *provider; /* NULL: no cryptography */
    size_t crypto_max; /* bytes of its contexts, outside secure memory; 0: GP_CRYPTO_MAX */
    bool (*reaches)(const void *address, size_t size, bool write); /* see struct gp_tee */
    const struct gp_storage *storages;
    unsigned storage_count; /* 0 to GP_STORAGES_MAX */
};

/* All that is named in the settings must outlive the tee. COFFER_MISUSE: too many storages.
 * COFFER_UNSUPPORTED: the provider lacks something. */
COFFER_MUST_CHECK enum coffer_status gp_tee_open(struct gp_tee *tee,
                                                 const struct gp_tee_settings *settings);
/* All instances of it are closed by then. */
void gp_tee_close(struct gp_tee *tee);

/* The store of a storage id; NULL: it isn't configured. TEE_STORAGE_PRIVATE_REE is
 * TEE_STORAGE_PRIVATE. */
struct coffer *gp_store(const struct gp_tee *tee, uint32_t storage);

/* A zeroed block, NULL: there is no memory; and its end. */
void *gp_alloc(struct coffer_pool *pool, size_t size);
void gp_free(struct coffer_pool *pool, void *block);

/* Everything was given back that was charged to it. */
void gp_owner_close(struct gp_tee *tee, struct coffer_owner owner);

/* A status as a result: the only table of them. */
TEE_Result gp_result(enum coffer_status status);

/* A TA's UUID as stores have it. */
struct coffer_uuid gp_uuid(const TEE_UUID *uuid);

/* --- Handles (handles.c) ----------------------------------------------------------------- */

enum gp_kind {
    GP_OBJECT,
    GP_ENUMERATOR,
    GP_OPERATION,
    GP_PROPERTIES, /* an enumerator of properties */
    GP_KINDS,      /* how many there are */
};

struct gp_handle;

struct gp_handles {
    struct gp_handle *places; /* in the instance's pool */
    uint32_t count;           /* of places */
    uint32_t free;            /* first free one plus one; 0: none */
    uint32_t used;
    uint32_t origin; /* of the instance: in each of its numbers */
};

/* A number for a thing, in the form of a TEE_ handle. `close` ends the thing when its handle is
 * closed, or the instance is. OUT_OF_MEMORY. */
TEE_Result gp_handle_make(struct gp_instance *instance, enum gp_kind kind, void *thing,
                          void (*close)(struct gp_instance *instance, void *thing), void **handle);

/* The same for a new thing, a zeroed block of the instance's pool. */
TEE_Result gp_handle_make_new(struct gp_instance *instance, enum gp_kind kind, size_t size,
                              void (*close)(struct gp_instance *instance, void *thing),
                              void **thing, void **handle);

/* The thing; NULL when it is no handle of this kind in this instance, which TEE_HANDLE_NULL isn't
 * either. */
void *gp_handle_find(const struct gp_instance *instance, enum gp_kind kind, const void *handle);

/* Close the thing; the number stands for nothing any more. BAD_PARAMETERS: as gp_handle_find's
 * NULL. */
TEE_Result gp_handle_close(struct gp_instance *instance, enum gp_kind kind, const void *handle);

/* Close every thing that has a handle. */
void gp_handles_close(struct gp_instance *instance);

bool gp_handles_are_valid(const struct gp_instance *instance);

/* --- Calls (calls.c) --------------------------------------------------------------------- */

/* In the standard's order. */
enum gp_call {
    GP_CALL_GET_PROPERTY_AS_STRING,
    GP_CALL_GET_PROPERTY_AS_BOOL,
    GP_CALL_GET_PROPERTY_AS_U32,
    GP_CALL_GET_PROPERTY_AS_U64,
    GP_CALL_GET_PROPERTY_AS_BINARY_BLOCK,
    GP_CALL_GET_PROPERTY_AS_UUID,
    GP_CALL_GET_PROPERTY_AS_IDENTITY,
    GP_CALL_ALLOCATE_PROPERTY_ENUMERATOR,
    GP_CALL_FREE_PROPERTY_ENUMERATOR,
    GP_CALL_START_PROPERTY_ENUMERATOR,
    GP_CALL_RESET_PROPERTY_ENUMERATOR,
    GP_CALL_GET_PROPERTY_NAME,
    GP_CALL_GET_NEXT_PROPERTY,
    GP_CALL_PANIC,
    GP_CALL_CHECK_MEMORY_ACCESS_RIGHTS,
    GP_CALL_SET_INSTANCE_DATA,
    GP_CALL_GET_INSTANCE_DATA,
    GP_CALL_MALLOC,
    GP_CALL_REALLOC,
    GP_CALL_FREE,
    GP_CALL_MEM_MOVE,
    GP_CALL_MEM_COMPARE,
    GP_CALL_MEM_FILL,
    GP_CALL_GET_OBJECT_INFO,
    GP_CALL_GET_OBJECT_INFO1,
    GP_CALL_RESTRICT_OBJECT_USAGE,
    GP_CALL_RESTRICT_OBJECT_USAGE1,
    GP_CALL_GET_OBJECT_BUFFER_ATTRIBUTE,
    GP_CALL_GET_OBJECT_VALUE_ATTRIBUTE,
    GP_CALL_CLOSE_OBJECT,
    GP_CALL_ALLOCATE_TRANSIENT_OBJECT,
    GP_CALL_FREE_TRANSIENT_OBJECT,
    GP_CALL_RESET_TRANSIENT_OBJECT,
    GP_CALL_POPULATE_TRANSIENT_OBJECT,
    GP_CALL_INIT_REF_ATTRIBUTE,
    GP_CALL_INIT_VALUE_ATTRIBUTE,
    GP_CALL_COPY_OBJECT_ATTRIBUTES,
    GP_CALL_COPY_OBJECT_ATTRIBUTES1,
    GP_CALL_GENERATE_KEY,
    GP_CALL_OPEN_PERSISTENT_OBJECT,
    GP_CALL_CREATE_PERSISTENT_OBJECT,
    GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT,
    GP_CALL_CLOSE_AND_DELETE_PERSISTENT_OBJECT1,
    GP_CALL_RENAME_PERSISTENT_OBJECT,
    GP_CALL_ALLOCATE_PERSISTENT_OBJECT_ENUMERATOR,
    GP_CALL_FREE_PERSISTENT_OBJECT_ENUMERATOR,
    GP_CALL_RESET_PERSISTENT_OBJECT_ENUMERATOR,
    GP_CALL_START_PERSISTENT_OBJECT_ENUMERATOR,
    GP_CALL_GET_NEXT_PERSISTENT_OBJECT,
    GP_CALL_READ_OBJECT_DATA,
    GP_CALL_WRITE_OBJECT_DATA,
    GP_CALL_TRUNCATE_OBJECT_DATA,
    GP_CALL_SEEK_OBJECT_DATA,
    GP_CALL_SYNC_PERSISTENT_OBJECT, /* OpenHarmony's */
    GP_CALL_ALLOCATE_OPERATION,
    GP_CALL_FREE_OPERATION,
    GP_CALL_GET_OPERATION_INFO,
    GP_CALL_GET_OPERATION_INFO_MULTIPLE,
    GP_CALL_RESET_OPERATION,
    GP_CALL_SET_OPERATION_KEY,
    GP_CALL_SET_OPERATION_KEY2,
    GP_CALL_COPY_OPERATION,
    GP_CALL_IS_ALGORITHM_SUPPORTED,
    GP_CALL_DIGEST_UPDATE,
    GP_CALL_DIGEST_DO_FINAL,
    GP_CALL_DIGEST_EXTRACT,
    GP_CALL_CIPHER_INIT,
    GP_CALL_CIPHER_UPDATE,
    GP_CALL_CIPHER_DO_FINAL,
    GP_CALL_MAC_INIT,
    GP_CALL_MAC_UPDATE,
    GP_CALL_MAC_COMPUTE_FINAL,
    GP_CALL_MAC_COMPARE_FINAL,
    GP_CALL_AE_INIT,
    GP_CALL_AE_UPDATE_AAD,
    GP_CALL_AE_UPDATE,
    GP_CALL_AE_ENCRYPT_FINAL,
    GP_CALL_AE_DECRYPT_FINAL,
    GP_CALL_GENERATE_RANDOM,
    GP_CALL_NONE, /* no call: the TA's own code, by an access that was refused */
    GP_CALLS,     /* how many there are */
};

/* How each call ends: `result` if the call may return that in the tee's profile, else a panic.
 * Calls that return nothing may return success only. */
TEE_Result gp_end(struct gp_instance *instance, enum gp_call call, TEE_Result result);
void gp_end_void(struct gp_instance *instance, enum gp_call call, TEE_Result result);

/* The instance has panicked: that is kept and logged. */
void gp_note_panic(struct gp_instance *instance, enum gp_call call, TEE_Result code);

/* The instance ends here, with this code. */
_Noreturn void gp_panic(struct gp_instance *instance, enum gp_call call, TEE_Result code);

/* "TEE_OpenPersistentObject", and the standard's number for it in panics (0: it has none). */
const char *gp_call_name(enum gp_call call);
uint32_t gp_call_panic_id(enum gp_call call);
bool gp_call_may_return(enum gp_profile profile, enum gp_call call, TEE_Result result);

/* --- Instances (instance.c) -------------------------------------------------------------- */

/* A buffer of the client. */
struct gp_shared {
    const void *buffer;
    size_t size; /* 0: none */
    bool writable;
};

/* What a TA tells of itself; strings and properties outlive its instances. */
struct gp_manifest {
    uint32_t flags;          /* TA_FLAG_... */
    uint32_t stack_size;     /* bytes */
    const char *version;     /* NULL: "" */
    const char *description; /* likewise */
    const struct user_ta_property *properties;
    size_t property_count;
};

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define GP_ENDIAN 1u /* as properties tell it */
#else
#define GP_ENDIAN 0u
#endif

struct gp_instance {
    struct gp_tee *tee;
    struct list link;                 /* of the tee's instances */
    TEE_UUID uuid;                    /* of its TA */
    char name[COFFER_UUID_TEXT_SIZE]; /* the same, for people */
    struct coffer_owner owner;        /* who is charged */
    struct coffer_pool *pool;         /* of what stands behind handles; blocks are wiped */
    struct coffer_space *space;       /* its heap lies there */
    uintptr_t heap;                   /* its only region */
    size_t heap_size;
    struct gp_handles handles;

    /* Memory: */
    struct coffer_pool *heap_pool;           /* in the heap; NULL: no block was ever wanted */
    const void *data;                        /* TEE_SetInstanceData's */
    struct gp_shared shared[TEE_NUM_PARAMS]; /* by the client, for the call that runs */

    /* Who it is for (properties); whoever opened the instance tells. */
    struct gp_manifest manifest;
    TEE_Identity client;        /* of the call that runs */
    struct gp_request *request; /* the same; NULL: it runs for none */
    bool cancellation_masked;

    /* How it ended, if it did by a panic. */
    bool panicked;
    enum gp_call panic_call;
    TEE_Result panic_code;
};

struct gp_limits {
    size_t heap;     /* bytes of its heap, which may exceed secure memory; a multiple of pages */
    uint64_t frames; /* of secure memory at most, all in all; UINT64_MAX: any number */
};

/* COFFER_NO_MEMORY; COFFER_BUSY: no addresses. */
COFFER_MUST_CHECK enum coffer_status gp_instance_open(struct gp_tee *tee, const TEE_UUID *uuid,
                                                      const struct gp_limits *limits,
                                                      struct gp_instance **out);
/* With all that it has. */
void gp_instance_close(struct gp_instance *instance);

/* The instance whose TA runs in this thread; there is one, or the program ends. The port's. */
struct gp_instance *gp_current(void);

/* The instance is dead: leave its code for good. The port's. */
_Noreturn void gp_leave(struct gp_instance *instance);

/* Run `body` in this thread as the instance's TA, until its end or a panic (see `panicked`); one
 * thread at a time, and none after a panic. The port's. */
void gp_run(struct gp_instance *instance, void (*body)(void *argument), void *argument);

#define GP_PIN_MAX ((size_t)128 * 1024) /* bytes that are pinned at once, by rule */

/* Have what lies in a space of these bytes stay in secure memory until it is unpinned with the same
 * arguments, so that a store can be given it (GI5). What lies elsewhere is there already; no bytes
 * are fine. OUT_OF_MEMORY: secure memory is short. BAD_PARAMETERS: nothing is mapped there.
 * GENERIC: the space is killed. */
TEE_Result gp_pin(struct gp_instance *instance, const void *buffer, size_t size);
void gp_unpin(struct gp_instance *instance, const void *buffer, size_t size);

/* --- Memory (memory.c) ------------------------------------------------------------------- */

/* What stands behind TEE_Malloc, TEE_Realloc, TEE_Free and TEE_CheckMemoryAccessRights.
 * OUT_OF_MEMORY also for a hint that isn't known. */
TEE_Result gp_malloc(struct gp_instance *instance, size_t size, uint32_t hint, void **out);
TEE_Result gp_realloc(struct gp_instance *instance, void *block, size_t size, void **out);
TEE_Result gp_mfree(struct gp_instance *instance, void *block);
TEE_Result gp_check_rights(struct gp_instance *instance, uint32_t flags, const void *buffer,
                           size_t size);

/* In constant time; the sign is that of the first difference. */
int32_t gp_compare(const void *buffer1, const void *buffer2, size_t size);

#endif
